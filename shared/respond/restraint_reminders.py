"""Reminders that an account is restrained: its owner at once and after an hour, then everybody, each hour.

They end when a person releases the account or keeps it restrained, and by nothing else. Table `Switches` has a row for
each case with the number of its last reminder. Whether the hour has passed is asked of storage's clock, by when that
row was written, so that no host's clock plays a part. The number is stored before the reminder is published, and its
key has the number: a run that dies in between leaves one to be published, and no number comes twice.
"""

from datetime import timedelta
from typing import Final

from shared.authority.owners import EMERGENCY, EVERYTHING
from shared.clients.storage import Row
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.model.notices import SystemNotice
from shared.objects.restraints import Containment, RestraintStep
from shared.respond.case_owners import first_owners, scopes_of
from shared.respond.components import Runtime

EACH: Final = timedelta(hours=1)
_OWNERS_TIMES: Final = 2
"""How many reminders go to the owner alone: the first, and the one an hour later."""

_NUMBER, _IS_SENT = "number", "is_sent"


def remind(runtime: Runtime, one: Containment, waiting: str = "") -> None:
    """Send the reminder of a case that is due, if nobody has decided yet; `waiting` says why nothing is done now.

    Raises EdgeError; then it is done again.
    """
    if not one.waits_for_people:
        return
    row = _due(runtime, one)
    if row is None or row.columns.get(_IS_SENT) is True:
        return
    number = _number_of(row)
    key = f"restrained {one.case} {number}"
    if not runtime.notifier.is_published(key):
        runtime.notifier.publish(_reminder(runtime, one, key, number, waiting))
    _replace(runtime, row, number, is_sent=True)


def _due(runtime: Runtime, one: Containment) -> Row | None:
    """Give the row of the reminder to be sent; a new one where its hour has passed, None where another run made it."""
    place = _partition(one.tenant_id), one.case
    found = runtime.storage.timed_row(Table.CONTROLS, *place)
    if found is None:
        runtime.storage.insert(Table.CONTROLS, *place, _columns(runtime, 0, is_sent=False))
        return runtime.storage.row(Table.CONTROLS, *place)
    if found.row.columns.get(_IS_SENT) is not True or found.read_at - found.written_at < EACH:
        return found.row
    return _replace(runtime, found.row, _number_of(found.row) + 1, is_sent=False)


def _replace(runtime: Runtime, row: Row, number: int, *, is_sent: bool) -> Row | None:
    try:
        return runtime.storage.replace(Table.CONTROLS, row, _columns(runtime, number, is_sent=is_sent))
    except Conflict:
        return None


def _columns(runtime: Runtime, number: int, *, is_sent: bool) -> dict[str, object]:
    """Give the columns; `at` is for the purge alone."""
    return {_NUMBER: number, _IS_SENT: is_sent, "at": runtime.clock().isoformat()}


def _number_of(row: Row) -> int:
    number = row.columns.get(_NUMBER)
    return number if isinstance(number, int) else 0


def _reminder(runtime: Runtime, one: Containment, key: str, number: int, waiting: str) -> SystemNotice:
    scopes = scopes_of(runtime.detections.get(one.detection))
    is_owners = number < _OWNERS_TIMES
    owner = first_owners(runtime)(scopes) if is_owners else None
    names = ", ".join(dict.fromkeys(f"{step.name} ({step.account})" for step in one.steps))
    asked = one.asked
    still = f"; this is reminder {number}" if number else ""
    return SystemNotice(
        key=key,
        title=f"Restrained{', and nobody has decided' if number else ''}: {names}",
        text=f"Case {one.case}, since {asked.at:%Y-%m-%d %H:%M} UTC{still}, by {asked.by}: {asked.reason}."
        f"{f' Nothing is done at present: {waiting}.' if waiting else ''}",
        lines=tuple(map(line_of, one.steps)),
        what_to_do=f"Was it them after all? responder release {one.case} --reason TEXT gives back what was taken."
        f" Was it not? responder keep {one.case} --reason TEXT, and nobody is reminded any more.",
        never_waits=True,
        owners=(owner,) if owner else (),
        scopes=() if is_owners and owner else (EVERYTHING, EMERGENCY, *scopes),
    )


def line_of(step: RestraintStep) -> str:
    """Say how a step stands, with what a person has to run where it was refused."""
    because = f": {step.last.because}" if step.last.because else ""
    return f"{step.act}, {step.name}: {step.state.value}{because}"


def _partition(tenant_id: str) -> str:
    return f"reminded {tenant_id}"
