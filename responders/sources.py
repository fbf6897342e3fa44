"""The logs that are polled, the calls that read them, and how the doctor tries these."""

from typing import Final

from shared.model.calls import Call, Lane, Permission, Service
from shared.model.kinds import TenantKind
from shared.model.read_probes import ReadProbe
from shared.model.sources import Source

DIRECTORY_AUDITS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/auditLogs/directoryAudits",
    needs=(Permission.AUDIT_LOG_READ,),
    lane=Lane.REPORTS,
)
"""What the poll of the audit log reads."""

SIGN_INS: Final = Call(
    method="GET",
    service=Service.GRAPH_BETA,
    path="/auditLogs/signIns",
    needs=(Permission.AUDIT_LOG_READ, Permission.DIRECTORY_READ),
    lane=Lane.REPORTS,
    why_beta="v1.0 gives interactive sign-ins alone, without authenticationProtocol and authenticationDetails",
)
"""What the poll of the sign-in log reads. Microsoft's page asks for both permissions: by the second one Graph looks up
whether the tenant has a licence.
"""

AUDIT_LOG: Final = Source(
    name="audit log",
    cursors="poll",
    call=DIRECTORY_AUDITS,
    time_field="activityDateTime",
    page_size=500,
)

SIGN_IN_LOG: Final = Source(
    name="sign-in log",
    cursors="poll sign-ins",
    call=SIGN_INS,
    time_field="createdDateTime",
    page_size=1000,
    is_of_sign_ins=True,
    # Unasked, Graph gives interactive sign-ins alone; what guesses passwords over old protocols and what uses a stolen
    # token is among the others. Those of service principals can't be asked for in the same query.
    only="signInEventTypes/any(t: t eq 'interactiveUser' or t eq 'nonInteractiveUser')",
)

SOURCES: Final[tuple[Source, ...]] = (AUDIT_LOG, SIGN_IN_LOG)

READ_PROBES: Final[tuple[ReadProbe, ...]] = (
    *(ReadProbe(call=AUDIT_LOG.call, kind=kind, query={"$top": "1"}) for kind in TenantKind),
    *(
        ReadProbe(
            call=SIGN_IN_LOG.call,
            kind=kind,
            query={"$top": "1"},
            is_needed=lambda settings: settings.polls_sign_ins,
        )
        for kind in TenantKind
    ),
)
