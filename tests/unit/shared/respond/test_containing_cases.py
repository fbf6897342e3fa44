"""A case contains who is behind it where mode enforce says so; who is restrained gets nothing back."""

from datetime import timedelta
from typing import Final

import pytest

from infra.local.world import ALICE, MALLORY, TRUDY, Principal
from responders.account_acts import ACCOUNT_ACTS
from shared.model.cases import Outcome
from shared.model.kinds import Mode
from shared.model.tenant_api import TenantApi
from shared.objects.restraints import Containment, Entry, RestraintStep, Said, StepState
from shared.respond.containing import release
from shared.respond.resume import resume
from tests.fakes.clock import NOW
from tests.fakes.declared_runs import fresh
from tests.fakes.lamps import Lamps, bell_record, lamp_record
from tests.fakes.runtime import TENANT, Bench, ready_bench
from tests.fakes.tenant_states import read_tenant_state

_MINUTE: Final = timedelta(minutes=1)


def _is_enabled(_api: TenantApi, _id: str) -> bool:
    return True


def _ready(mode: Mode = Mode.ENFORCE, *, contains: bool = True, by_name: bool = True, is_kind: bool = True) -> Bench:
    lamps = Lamps()
    detection = (lamps.detection if is_kind else lamps.bell)(contains=contains)
    made = ready_bench(
        fresh(),
        lamps=lamps,
        detections=(detection,),
        mode=mode,
        account_acts=ACCOUNT_ACTS,
        is_enabled=_is_enabled,
    )
    if by_name:
        made.clock.move(-5 * _MINUTE)
        made.runtime.controls.set_mode(detection.id, mode, by="a test", reason="a test")
        made.clock.move(5 * _MINUTE)
    return made


def _restrained(made: Bench, by: Principal) -> frozenset[str] | None:
    record = lamp_record if "lamp-switched" in made.runtime.detections else bell_record
    made.take_in(record(by))
    made.answer_all()
    return read_tenant_state(made.runtime.storage, TENANT, NOW).restrained


@pytest.mark.parametrize("is_kind", [True, False], ids=["of a guarded object", "answered once"])
def test_a_case_contains_its_actor_in_mode_enforce(is_kind: bool) -> None:  # noqa: FBT001 - a parameter of the test
    made = _ready(is_kind=is_kind)
    assert _restrained(made, MALLORY) == {MALLORY.id}
    assert _restrained(made, MALLORY) == {MALLORY.id}
    assert len(made.runtime.restraints.of_tenant(TENANT, unreadable=lambda _row: None)) == 1


@pytest.mark.parametrize(
    ("made", "by"),
    [
        pytest.param(_ready(Mode.PAGE), MALLORY, id="in mode page"),
        pytest.param(_ready(Mode.OBSERVE), MALLORY, id="in mode observe"),
        pytest.param(_ready(by_name=False), MALLORY, id="enforce for all, not by name"),
        pytest.param(_ready(contains=False), MALLORY, id="a detection that doesn't contain"),
        pytest.param(_ready(), ALICE, id="an approved actor"),
        pytest.param(_ready(is_kind=False), ALICE, id="an approved actor, answered once"),
    ],
)
def test_nobody_else_is_contained(made: Bench, by: Principal) -> None:
    assert _restrained(made, by) == frozenset()


def _restrain(made: Bench, who: Principal, *, released: Said | None = None) -> None:
    said = Said(by="Carol", at=made.clock(), reason="stolen")
    step = RestraintStep(
        account=who.id, name=who.name, act="disable", entries=(Entry(at=said.at, state=StepState.DONE),)
    )
    one = Containment(
        tenant_id=TENANT, case="c", detection="d", asked=said, is_unasked=False, steps=(step,), released=released
    )
    assert made.runtime.restraints.insert(one)


def _outcome(made: Bench) -> Outcome:
    made.lamps.gains = frozenset({TRUDY.id})
    made.take_in(lamp_record(MALLORY))
    made.answer_all()
    for _ in range(3):
        made.clock.move(_MINUTE)
        resume(made.runtime)
    return made.only_case().outcome


def test_access_is_not_given_back_to_who_is_restrained_until_he_is_released() -> None:
    made = _ready(contains=False)
    _restrain(made, TRUDY)
    assert _outcome(made) is Outcome.PENDING
    assert "restrained" in made.only_case().because
    kept = made.runtime.restraints.read(TENANT, "c")
    assert kept is not None
    release(made.runtime, TENANT, "c", by="Dave", reason="it was them")
    made.clock.move(timedelta(hours=2))
    resume(made.runtime)
    assert made.only_case().outcome is Outcome.DONE


def test_access_is_given_back_to_who_is_not_restrained() -> None:
    made = _ready(contains=False)
    _restrain(made, ALICE)
    assert _outcome(made) is Outcome.DONE
