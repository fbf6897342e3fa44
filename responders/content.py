"""The product's content, registered in one place.

A new kind of guarded object is a module of `kinds` and a line in `guarded_kinds`; a new log is a literal in `sources`.
Snapshots, permissions, the doctor's reads, the documentation and the checks of the infrastructure follow from here.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Final

from responders import account_acts, registrations, rosters, sources
from responders.catalogue import CATALOGUE
from responders.guarded_kinds import KINDS
from responders.kinds import named_applications
from responders.kinds.excuses import excuse
from responders.kinds.microsoft_services import approved_service
from responders.kinds.principals import is_enabled, is_microsofts
from shared.clients.storage import Storage
from shared.model.settings import Settings
from shared.respond.components import Content

if TYPE_CHECKING:
    from shared.ingest.coverage import Coverage

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
    account_acts=account_acts.ACCOUNT_ACTS,
)
"""What the app is built of, without the rules that an operator adds."""


def coverage_of(storage: Storage, settings: Settings, *, now: datetime) -> "Coverage":
    """Read how everything that is to be seen is covered. What can't be read is an entry that says so."""
    from shared.ingest.coverage import read_coverage  # noqa: PLC0415 - not needed at start-up

    return read_coverage(storage, settings, sources=sources.SOURCES, kinds=KINDS, rosters=CONTENT.rosters, now=now)
