from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from shared.model.cases import Standing
from shared.model.kinds import Mode, ObjectKind
from shared.model.objects import ObjectId, key_of
from shared.respond.authority_reading import judge, start_reading
from tests.fakes.lamps import LAMP, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, Bench, ready_bench


def _observe(bench: Bench) -> None:
    bench.runtime.controls.set_mode("*", Mode.OBSERVE, by="Carol", reason="too much")


def _stop(bench: Bench) -> None:
    bench.runtime.controls.stop(by="Carol", reason="a migration")


def _nothing(_bench: Bench) -> None:
    """Nobody says anything."""


@pytest.mark.parametrize(
    ("said", "is_live"), [(_nothing, True), (_observe, False), (_stop, False)], ids=["nothing", "observe", "stop"]
)
def test_what_is_said_while_the_controls_are_read_counts(
    memory: MemoryStorage, said: Callable[[Bench], None], *, is_live: bool
) -> None:
    """Only what was enforced all the time until they had been read is put back: no guard asks for the mode again."""
    bench = ready_bench(memory)
    bench.take_in(lamp_record())
    (change,) = bench.runtime.objects.changes(ObjectId(tenant_id=TENANT, kind=ObjectKind.CA_POLICY, key=key_of(LAMP)))

    def start[T](read: Callable[[], T]) -> Callable[[], T]:
        if read == bench.runtime.controls.history:
            bench.clock.move(timedelta(seconds=2))
            said(bench)
        value = read()
        return lambda: value

    authority = start_reading(msgspec.structs.replace(bench.runtime, start=start), ObjectKind.CA_POLICY)()
    judged = judge(bench.runtime, change, authority)
    assert (judged.standing, judged.is_live) == (Standing.UNAPPROVED, is_live)
