"""However much is stored, a change is answered, the timer runs and lists are shown by the same requests and rows."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import batched
from typing import Any, Final, override

import pytest

from infra.local.world import MALLORY, RESPONDER
from shared.clients.storage import Row, RowOp, RowWrite
from shared.clients.storage_names import Table
from shared.model.kinds import ObjectKind
from shared.model.objects import ObjectId, key_of
from shared.respond.persons import show
from shared.respond.resume import resume
from tests.fakes.lamps import LAMP, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, Bench, ready_bench
from tests.fakes.spoilt_storage import SpoiltStorage

_LAMP: Final = ObjectId(tenant_id=TENANT, kind=ObjectKind.CA_POLICY, key=key_of(LAMP))
_STRANGE_LAMP: Final = "1a4b0000-0000-4000-8000-0000000000ff"
_FEW: Final = (100, 20)
_TIMES: Final = int(os.environ.get("SIZE", "1"))
_MANY: Final = (10_000 * _TIMES, 2_000 * _TIMES)
"""How many closed cases there are, and how many objects with their histories."""


class _CountedMemory(MemoryStorage):
    """Counts the rows that it gives."""

    given = 0

    @override
    def row(self, table: Table, partition: str, key: str) -> Row | None:
        found = super().row(table, partition, key)
        self.given += found is not None
        return found

    @override
    def rows(self, table: Table, query: str, *, most: int = 0, select: Sequence[str] = (), **values: Any) -> list[Row]:
        found = super().rows(table, query, most=most, select=select, **values)
        self.given += len(found)
        return found

    @override
    def pages(
        self, table: Table, query: str, *, most: int = 0, select: Sequence[str] = (), **values: Any
    ) -> Iterator[list[Row]]:
        pages = super().pages(table, query, most=most, select=select, **values)
        before = self.given
        first = next(pages, None)
        # Of a listing, only what is asked for is read: pages that nobody wanted don't count.
        self.given = before + len(first or [])
        if first is not None:
            yield first
        for page in pages:
            self.given += len(page)
            yield page


@dataclass(frozen=True, slots=True, kw_only=True)
class _Full:
    ready: Bench
    memory: _CountedMemory
    spoilt: SpoiltStorage

    def cost(self, act: Callable[[Bench], object]) -> tuple[list[str], int]:
        """Give the requests that something takes, in order, and how many rows are read."""
        self.memory.given = 0
        self.spoilt.faults.log.clear()
        act(self.ready)
        return list(self.spoilt.faults.log), self.memory.given


def _full(cases: int, objects: int) -> _Full:
    """Have a lamp's change answered, and copies of the case and of the lamp stored."""
    memory = _CountedMemory()
    spoilt = SpoiltStorage(memory)
    spoilt.create_all()
    ready = ready_bench(spoilt)
    ready.take_in(lamp_record())
    ready.answer_queue()
    resume(ready.runtime)
    (case,) = ready.cases()
    assert not case.is_open
    _copy(memory, Table.CASES, case.id, [f"20260301-{number:020x}" for number in range(cases)])
    keys = [f"{number:032x}" for number in range(objects)]
    for table in (Table.OBJECTS, Table.CHANGES):
        _copy(memory, table, key_of(LAMP), keys)
    ready.clock.move(timedelta(hours=2))
    return _Full(ready=ready, memory=memory, spoilt=spoilt)


def _copy(memory: MemoryStorage, table: Table, name: str, copies: Sequence[str]) -> None:
    """Copy each row in which a name stands, with another name in its place."""
    originals = [row for row in memory.rows(table, "PartitionKey ge ''") if name in row.partition + row.key]
    assert originals
    for row in originals:
        writes: dict[str, list[RowWrite]] = {}
        for copy in copies:
            columns = {
                column: value.replace(name, copy) if isinstance(value, str) else value
                for column, value in row.columns.items()
            }
            write = RowWrite(op=RowOp.UPSERT, key=row.key.replace(name, copy), columns=columns)
            partition = row.partition.replace(name, copy).replace(name.partition("-")[0], copy.partition("-")[0])
            writes.setdefault(partition, []).append(write)
        for partition, several in writes.items():
            for some in batched(several, 100, strict=False):
                memory.write_together(table, partition, some)


@pytest.fixture(scope="module")
def few() -> _Full:
    return _full(*_FEW)


@pytest.fixture(scope="module")
def many() -> _Full:
    return _full(*_MANY)


def _answer_a_change(ready: Bench) -> None:
    ready.clock.move(timedelta(minutes=1))
    ready.lamps.state[LAMP] = "off"
    before = len(ready.lamps.writes)
    ready.take_in(lamp_record(MALLORY, at=ready.clock()))
    ready.answer_queue()
    assert ready.lamps.writes[before:] == ["set on"]


def _look_for_its_maker(ready: Bench) -> None:
    """Take in a record under the responder's identity, of another lamp, that no intent explains."""
    ready.clock.move(timedelta(minutes=1))
    ready.lamps.state[_STRANGE_LAMP] = "blue"
    ready.take_in(lamp_record(RESPONDER, at=ready.clock(), to="blue", lamp=_STRANGE_LAMP))
    ready.answer_queue()
    assert any("somebody has its identity" in case.because for case in ready.runtime.ledger.cases(TENANT, most=5))


_ACTS: Final[dict[str, Callable[[Bench], object]]] = {
    "a change is answered": _answer_a_change,
    "a record of ours that nothing explains": _look_for_its_maker,
    "the timer": lambda ready: resume(ready.runtime),
    "the open cases": lambda ready: ready.runtime.ledger.cases(TENANT, only_open=True),
    "the fifty newest cases": lambda ready: ready.runtime.ledger.cases(TENANT, most=50),
    "objects that wait": lambda ready: ready.runtime.objects.pending(TENANT, most=50),
    "objects that nobody accepted": lambda ready: ready.runtime.objects.unaccepted(TENANT, most=50),
    "one object": lambda ready: show(ready.runtime, _LAMP),
}


@pytest.mark.parametrize("act", _ACTS.values(), ids=_ACTS)
def test_what_is_stored_beside_it_costs_nothing(few: _Full, many: _Full, act: Callable[[Bench], object]) -> None:
    assert few.cost(act) == many.cost(act)
