"""The product's content, registered in one place.

A new kind of guarded object is a module of `kinds` and a line in `KINDS`; a new log is a literal in `sources`.
Snapshots, permissions, the doctor's reads, the documentation and the checks of the infrastructure follow from here.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from responders import left_out, registrations, rosters, sources
from responders.catalogue import CATALOGUE
from responders.kinds import named_applications
from responders.kinds.app_role_assignments import APP_ROLE_ASSIGNMENT
from responders.kinds.authentication_contexts import AUTHENTICATION_CONTEXT
from responders.kinds.authentication_strengths import AUTHENTICATION_STRENGTH
from responders.kinds.ca_policies import CA_POLICY
from responders.kinds.custom_policies import CUSTOM_POLICY
from responders.kinds.directory_role_assignments import DIRECTORY_ROLE_ASSIGNMENT
from responders.kinds.excuses import excuse
from responders.kinds.microsoft_services import approved_service
from responders.kinds.named_locations import NAMED_LOCATION
from responders.kinds.principals import is_enabled, is_microsofts
from responders.kinds.role_assignments import ROLE_ASSIGNMENT
from responders.runbooks import mailboxes
from responders.runbooks.break_glass import BREAK_GLASS
from shared.clients.storage import Storage
from shared.model.calls import Call, Permission, Service
from shared.model.object_kinds import Kind
from shared.model.read_probes import ReadProbe
from shared.model.settings import Settings
from shared.respond.components import Content

if TYPE_CHECKING:
    from shared.ingest.coverage import Coverage

KINDS: Final[tuple[Kind, ...]] = (
    CA_POLICY,
    NAMED_LOCATION,
    AUTHENTICATION_STRENGTH,
    AUTHENTICATION_CONTEXT,
    CUSTOM_POLICY,
    ROLE_ASSIGNMENT,
    DIRECTORY_ROLE_ASSIGNMENT,
    APP_ROLE_ASSIGNMENT,
)
"""The kinds of guarded objects."""

CONTENT: Final = Content(
    detections=CATALOGUE,
    kinds=KINDS,
    rosters=rosters.ROSTERS,
    is_enabled=is_enabled,
    is_microsofts=is_microsofts,
    approved_service=approved_service,
    excuse=excuse,
    find_application=named_applications.find_application,
    registrations=registrations.registrations_of,
)
"""What the app is built of, without the rules that an operator adds."""

GET_ROLE_DEFINITION: Final = Call(
    method="GET",
    service=Service.ARM,
    path="/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{id}",
    needs=(Permission.ROLE_DEFINITION_READ,),
)
"""The doctor asks what the roles of the responder's own identity allow."""


def _once(probes: Iterable[ReadProbe]) -> tuple[ReadProbe, ...]:
    """Leave out reads that an earlier probe tries in the same kind of tenant."""
    return tuple({(probe.call, probe.kind): probe for probe in reversed([*probes])}.values())[::-1]


READ_PROBES: Final[tuple[ReadProbe, ...]] = _once(
    (
        *sources.READ_PROBES,
        *(probe for each in KINDS for probe in each.read_probes),
        *rosters.READ_PROBES,
        *left_out.READ_PROBES,
        *registrations.READ_PROBES,
        *mailboxes.READ_PROBES,
        *named_applications.READ_PROBES,
    )
)
"""Every read that the product makes, as the doctor tries it: a page of one where there may be many."""

NOT_TRIED: Final[tuple[Call, ...]] = tuple(
    dict.fromkeys(
        call
        for step in BREAK_GLASS
        for call in step.needs
        if call.method == "GET" and call not in {probe.call for probe in READ_PROBES}
    )
)
"""Reads of the break-glass runbook that the doctor doesn't try.

What some of them read is there in an emergency only, and a refusal of others is to be expected; the runbook says then
what a person does. Whether the identity has the permissions, the doctor sees in its token and its roles.
"""


def coverage_of(storage: Storage, settings: Settings, *, now: datetime) -> "Coverage":
    """Read how everything that is to be seen is covered. What can't be read is an entry that says so."""
    from shared.ingest.coverage import read_coverage  # noqa: PLC0415 - not needed at start-up

    return read_coverage(storage, settings, sources=sources.SOURCES, kinds=KINDS, rosters=CONTENT.rosters, now=now)
