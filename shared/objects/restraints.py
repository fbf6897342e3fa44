"""Restraints: what was taken from an account because of a case, until a person gives it back.

Table `Switches` has a row for each case in a partition of its tenant: which accounts, what was to be done to each, by
whom and why, and how each step came along. Nothing of a row is taken out: a step gets a further entry. No row ends by
time; only a person releases.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from shared.clients.storage import Row, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.model.errors import BrokenRow, LeaseLost

_RECORD: Final = "record"


class StepState(StrEnum):
    """How a step stands, in words for people."""

    ASKED = "to be done"
    INTENDED = "sent, not shown yet"
    DONE = "done"
    ALREADY = "was so already"
    REFUSED = "refused"
    NOT_DONE = "not done"
    GIVING = "given back, not shown yet"
    GIVEN = "given back"
    NOT_GIVEN = "not given back"
    ENDED = "ended"


_UNDER_WAY: Final = frozenset({StepState.ASKED, StepState.INTENDED})
_TO_GIVE: Final = frozenset({*_UNDER_WAY, StepState.DONE, StepState.GIVING})


NOT_TAKEN: Final = frozenset({StepState.REFUSED, StepState.NOT_DONE})
"""Where nothing was taken, so that it can be asked for again."""


class Entry(Struct, frozen=True, kw_only=True):
    """What became of a step at an instant. `stood` is what the act's `read` gave before something was sent."""

    at: datetime
    state: StepState
    because: str = ""
    stood: str = ""


class RestraintStep(Struct, frozen=True, kw_only=True):
    """One act on one account: the id of the act, and its entries, of which the last one counts."""

    account: str
    name: str
    act: str
    entries: tuple[Entry, ...]

    @property
    def last(self) -> Entry:
        """The entry that counts."""
        return self.entries[-1]

    @property
    def state(self) -> StepState:
        """How it stands."""
        return self.entries[-1].state

    def times(self, state: StepState) -> int:
        """Count how often it came to a state."""
        return sum(one.state is state for one in self.entries)

    def since(self, state: StepState) -> Entry:
        """Give the newest entry with a state, the first one of all where none has it."""
        return next((one for one in reversed(self.entries) if one.state is state), self.entries[0])


class Said(Struct, frozen=True, kw_only=True):
    """What a person said, and why."""

    by: str
    at: datetime
    reason: str


class Containment(Struct, frozen=True, kw_only=True):
    """What a case has taken from accounts. `is_unasked` says that its detection's mode did it, no person.

    `kept` is who decided that it stays for now, so that nobody is reminded any more; `released` who gave it back.
    """

    tenant_id: str
    case: str
    detection: str
    asked: Said
    is_unasked: bool
    steps: tuple[RestraintStep, ...]
    kept: Said | None = None
    released: Said | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether something is still to be done, or to be given back."""
        waiting = _UNDER_WAY if self.released is None else _TO_GIVE
        return any(step.state in waiting for step in self.steps)

    @property
    def waits_for_people(self) -> bool:
        """Whether people are reminded: nobody has decided yet."""
        return self.released is None and self.kept is None

    @property
    def restrained(self) -> frozenset[str]:
        """Give the ids, in lower case, of the accounts that it holds: all of which something was to be taken."""
        if self.released is not None:
            return frozenset()
        return frozenset(step.account.lower() for step in self.steps if step.state is not StepState.NOT_DONE)

    @property
    def begun(self) -> datetime | None:
        """When the first step was sent, None while none was."""
        sent = [one.at for step in self.steps for one in step.entries if one.state is StepState.INTENDED]
        return min(sent, default=None)

    def with_entry(self, index: int, entry: Entry) -> "Containment":
        """Give it with a further entry of the step with this index."""
        step = self.steps[index]
        changed = msgspec.structs.replace(step, entries=(*step.entries, entry))
        return msgspec.structs.replace(self, steps=(*self.steps[:index], changed, *self.steps[index + 1 :]))


class KeptContainment(Struct, frozen=True, kw_only=True):
    """A containment as it was read, with its row."""

    containment: Containment
    row: Row


class Restraints:
    """The rows of table `Switches` with what was taken from accounts. Methods raise EdgeError where storage fails."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def insert(self, one: Containment) -> bool:
        """Write what is to be done for a case, before anything is; False where the case has a row already."""
        return self._storage.insert(Table.CONTROLS, partition(one.tenant_id), one.case, _columns(one))

    def read(self, tenant_id: str, case: str) -> KeptContainment | None:
        """Read the row of a case; None where it has none. Raises BrokenRow."""
        row = self._storage.row(Table.CONTROLS, partition(tenant_id), case)
        return _kept(row) if row is not None else None

    def replace(self, kept: KeptContainment, one: Containment) -> KeptContainment:
        """Write what became of it.

        Raises:
            LeaseLost: it was written since it was read.
        """
        try:
            row = self._storage.replace(Table.CONTROLS, kept.row, _columns(one))
        except Conflict as conflict:
            raise LeaseLost(f"the restraints of case {one.case} were written by another run") from conflict
        return KeptContainment(containment=one, row=row)

    def of_tenant(self, tenant_id: str, *, unreadable: Callable[[Row], None]) -> list[KeptContainment]:
        """Read all of a tenant's, the oldest first. `unreadable` is called with each row that can't be read."""
        found: list[KeptContainment] = []
        for row in self._rows(tenant_id):
            try:
                found.append(_kept(row))
            except BrokenRow:
                unreadable(row)
        return sorted(found, key=lambda kept: kept.containment.asked.at)

    def _rows(self, tenant_id: str) -> list[Row]:
        return self._storage.rows(Table.CONTROLS, "PartitionKey eq @tenant", tenant=partition(tenant_id))


def restrained_among(rows: Sequence[Row]) -> frozenset[str] | None:
    """Give whose accounts are restrained, ids in lower case, of a tenant's rows; None where one is broken."""
    try:
        each = [_kept(row).containment.restrained for row in rows]
    except BrokenRow:
        return None
    return frozenset[str]().union(*each)


def _columns(one: Containment) -> dict[str, str]:
    return {_RECORD: msgspec.json.encode(one).decode()}


def _kept(row: Row) -> KeptContainment:
    try:
        one = msgspec.json.decode(str(row.columns.get(_RECORD, "")), type=Containment)
    except msgspec.MsgspecError as error:
        raise BrokenRow(f"{Table.CONTROLS}, {row.partition}, {row.key}: {error}") from error
    if not one.steps or not all(step.entries for step in one.steps):
        raise BrokenRow(f"{Table.CONTROLS}, {row.partition}, {row.key}: a restraint without a step")
    return KeptContainment(containment=one, row=row)


def partition(tenant_id: str) -> str:
    """Name a tenant's partition of table `Switches` for restraints."""
    return f"restrained {tenant_id}"
