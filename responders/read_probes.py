"""Every read that the product makes, as the doctor tries it: a page of one where there may be many."""

from typing import Final

from responders.remediations.ca_policies import GET_CA_POLICY, LIST_CA_POLICIES
from responders.remediations.custom_policies import GET_CUSTOM_POLICY, LIST_CUSTOM_POLICIES
from responders.remediations.role_assignments import (
    GET_ROLE_ASSIGNMENT,
    LIST_LOCKS,
    LIST_ROLE_ASSIGNMENTS,
    LIST_ROLE_ASSIGNMENTS_AT_SCOPE,
    LOCKS_AT_SCOPE,
)
from responders.rosters import (
    CUSTOM_ROLES,
    ELIGIBLE_IN_GROUP,
    LIST_DIRECTORY_ROLE_ASSIGNMENTS,
    LIST_DIRECTORY_ROLE_ELIGIBILITIES,
    LIST_DIRECTORY_ROLES,
    LIST_GROUP_ELIGIBILITIES,
    LIST_GROUP_MEMBERS,
    LIST_GROUP_OWNERS,
    LIST_GROUPS,
    NO_LICENCE,
    ROLE_ASSIGNABLE,
)
from responders.sources import AUDIT_LOG, SIGN_IN_LOG
from shared.doctor.read_probes import ReadProbe, each_subscription, first_of, scope_of_each_subscription
from shared.model.declarations import TenantKind

_A_GROUP: Final = first_of(LIST_GROUPS, "id")
_OF_ROSTERS: Final = (
    *(ReadProbe(call=LIST_DIRECTORY_ROLE_ASSIGNMENTS, kind=kind) for kind in TenantKind),
    *(ReadProbe(call=LIST_DIRECTORY_ROLES, kind=kind, query=CUSTOM_ROLES) for kind in TenantKind),
    *(ReadProbe(call=LIST_GROUPS, kind=kind, query=ROLE_ASSIGNABLE) for kind in TenantKind),
    *(ReadProbe(call=LIST_GROUP_MEMBERS, kind=kind, ids=_A_GROUP) for kind in TenantKind),
    *(ReadProbe(call=LIST_GROUP_OWNERS, kind=kind, ids=_A_GROUP) for kind in TenantKind),
    ReadProbe(call=LIST_DIRECTORY_ROLE_ELIGIBILITIES, kind=TenantKind.WORKFORCE, no_licence=NO_LICENCE),
    ReadProbe(
        call=LIST_GROUP_ELIGIBILITIES,
        kind=TenantKind.WORKFORCE,
        query=ELIGIBLE_IN_GROUP,
        ids=_A_GROUP,
        no_licence=NO_LICENCE,
    ),
)

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
    ReadProbe(call=LIST_CA_POLICIES, kind=TenantKind.WORKFORCE),
    ReadProbe(call=GET_CA_POLICY, kind=TenantKind.WORKFORCE, ids=first_of(LIST_CA_POLICIES, "id"), is_listing=False),
    ReadProbe(call=LIST_CUSTOM_POLICIES, kind=TenantKind.B2C),
    ReadProbe(
        call=GET_CUSTOM_POLICY,
        kind=TenantKind.B2C,
        ids=first_of(LIST_CUSTOM_POLICIES, "custom_policy"),
        is_listing=False,
    ),
    ReadProbe(call=LIST_ROLE_ASSIGNMENTS, kind=TenantKind.WORKFORCE, ids=each_subscription),
    ReadProbe(
        call=LIST_ROLE_ASSIGNMENTS_AT_SCOPE,
        kind=TenantKind.WORKFORCE,
        query={"$filter": "atScope()"},
        ids=scope_of_each_subscription,
    ),
    ReadProbe(
        call=GET_ROLE_ASSIGNMENT,
        kind=TenantKind.WORKFORCE,
        ids=first_of(LIST_ROLE_ASSIGNMENTS, "role_assignment", each_subscription),
        is_listing=False,
    ),
    ReadProbe(call=LIST_LOCKS, kind=TenantKind.WORKFORCE, query=LOCKS_AT_SCOPE, ids=scope_of_each_subscription),
    *_OF_ROSTERS,
)
