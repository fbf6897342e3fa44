"""The engine that runs the break-glass runbook, made of the runtime and the door that operators come through."""

from collections.abc import Callable

from responders.runbooks.break_glass import BREAK_GLASS
from shared.emergency.asking import says_what_was_signed
from shared.emergency.engine import Engine, WriteReport
from shared.emergency.entries import Caller, Entry, Evidence
from shared.emergency.proofs import Door, signer_of
from shared.emergency.state import Emergency
from shared.emergency.store import Emergencies
from shared.runtime import Runtime


def engine_of(runtime: Runtime, door: Callable[[], Door]) -> Engine:
    """Make the engine; the door is asked for when an entry's signature is checked."""

    def is_signed(entry: Entry) -> bool:
        return _is_signed(entry, runtime, door)

    store = Emergencies(runtime.storage, clock=runtime.clock, is_signed=is_signed)
    return Engine(runtime=runtime, store=store, steps=BREAK_GLASS, write_report=_report_writer(runtime, store))


def _report_writer(runtime: Runtime, store: Emergencies) -> WriteReport:
    def write(emergency: Emergency) -> tuple[Evidence, ...]:
        from shared.emergency.presenting import report_writer  # noqa: PLC0415 - needed where one is closed

        return report_writer(runtime, BREAK_GLASS, former=lambda: _former_drills(store))(emergency)

    return write


def _former_drills(store: Emergencies) -> list[Emergency]:
    listed = (one.id for one in store.newest() if one.drill)
    return [found for one in listed if (found := store.read(one)) is not None and found.closed is not None]


def _is_signed(entry: Entry, runtime: Runtime, door: Callable[[], Door]) -> bool:
    """Whether an operator signed a request that makes just this entry."""
    if entry.signed is None or not says_what_was_signed(entry):
        return False
    signer = signer_of(entry.signed, door(), at=entry.at, now=runtime.clock())
    return isinstance(signer, Caller) and (signer.operator, signer.name, signer.proof) == (
        entry.by,
        entry.name,
        entry.proof,
    )
