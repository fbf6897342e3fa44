"""The names of the tables, blob containers and queues that the app uses."""

from enum import StrEnum
from typing import Final


class Table(StrEnum):
    """The tables. `docs/architecture.md` says what each holds."""

    APPROVED_ACTORS = "ApprovedActors"
    OWNERS = "Owners"
    CASES = "Cases"
    COUNTERS = "Counters"
    CURSORS = "Cursors"
    OUTBOX = "Outbox"
    CONTROLS = "Switches"
    ROSTERS = "Rosters"
    JOURNAL = "Journal"
    OBJECTS = "Objects"
    CHANGES = "Changes"
    DUE = "Due"
    LEASES = "Leases"
    OPERATORS = "Operators"
    EMERGENCIES = "Emergencies"


class Container(StrEnum):
    """The blob containers."""

    EVIDENCE = "evidence"
    SNAPSHOTS = "snapshots"
    QUARANTINE = "quarantine"
    DEAD_LETTERS = "dead-letters"


CASES_QUEUE: Final = "cases"
"""One message for each case that is to be answered."""

RESOURCE_EVENTS_QUEUE: Final = "resource-events"
"""One message for each event of an Azure resource, put there by Event Grid."""

QUEUES: Final[tuple[str, ...]] = (CASES_QUEUE, RESOURCE_EVENTS_QUEUE)
"""The queues that functions are triggered by."""


def poison_queue(queue: str) -> str:
    """Give the name of the queue to which the Functions host moves messages of `queue` that failed every time."""
    return f"{queue}-poison"
