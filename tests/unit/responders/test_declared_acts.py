"""What people do about each scene of each declared kind: undo, deny, accept, restore, with each fault at each request.

An undo brings back leaf by leaf what stood, or the plan said before what doesn't come back or what stands against it.
"""

from contextlib import suppress
from datetime import timedelta
from typing import Final

import pytest

from infra.local.world import ALICE
from shared.clients.api import Answer
from shared.model.errors import EdgeError, Unreachable
from shared.model.kinds import Image, Mode
from shared.respond.act_plans import plan_act
from shared.respond.acts import act
from shared.respond.asking import ActPlan, Asking, Verb, asking_of
from shared.respond.persons import Result
from shared.respond.resume import resume
from shared.respond.sweep import sweep
from tests.fakes.declared_runs import ANSWERS, AT, FAULTS, answered, attacked, is_tried, tenant_of, watched
from tests.fakes.declared_scenes import SCENES, Scene
from tests.fakes.runtime import Bench
from tests.fakes.tenant import FakeTenant, Request

_MINUTE: Final = timedelta(minutes=1)
_MOST_REQUESTS: Final = 60
_SCENES: Final = [each for each in SCENES if each.is_put_back]
_PUT_BACK: Final = pytest.mark.parametrize("scene", _SCENES, ids=lambda scene: scene.name)
_ONE_OF_A_KIND: Final = pytest.mark.parametrize(
    "scene", {each.kind.kind: each for each in _SCENES}.values(), ids=lambda scene: scene.name
)


def _asked(ready: Bench, asking: Asking) -> ActPlan:
    """Do it as it was shown; gives what was shown."""
    plan = plan_act(ready.runtime, asking).plan
    assert act(ready.runtime, asking, digest=plan.digest, by="Carol Chen", reason="CHG-7").result is Result.DONE
    return plan


def _go_on(ready: Bench, minutes: int = 5) -> None:
    for _ in range(minutes):
        ready.clock.move(_MINUTE)
        with suppress(EdgeError):
            resume(ready.runtime)


def _stands(scene: Scene, tenant: FakeTenant) -> Image | None:
    found: Image | None = tenant.shelves[scene.simulated.kind].get(scene.object_id)
    return found


def _is_as(scene: Scene, tenant: FakeTenant, image: Image | None) -> bool:
    stands = _stands(scene, tenant)
    if image is None or stands is None:
        return stands is image
    return scene.kind.leaves(stands) == scene.kind.leaves(image)


@_PUT_BACK
def test_an_undo_brings_back_leaf_by_leaf_or_said_before_what_it_cannot(scene: Scene) -> None:
    ready, tenant = attacked(scene)
    case = answered(ready, scene)
    plan = _asked(ready, asking_of(case, Verb.UNDO))
    writes = len(tenant.writes)
    _go_on(ready)
    if plan.objections:
        assert len(tenant.writes) == writes
        return
    if scene.op == "create":
        assert plan.cannot or _is_as(scene, tenant, scene.after)
        return
    assert _is_as(scene, tenant, scene.after)
    _go_on(ready, 60)
    assert _is_as(scene, tenant, scene.after), "and it isn't swung back"


@_PUT_BACK
def test_what_is_denied_stands_as_before(scene: Scene) -> None:
    ready, tenant, case = watched(scene)
    _asked(ready, asking_of(case, Verb.DENY))
    _go_on(ready)
    assert scene.is_undone(tenant)
    again = act(
        ready.runtime,
        asking_of(case, Verb.DENY),
        digest="0" * 64,
        by="Carol Chen",
        reason="CHG-7",
    )
    assert again.result is Result.ALREADY


@pytest.mark.parametrize("scene", [each for each in SCENES if each.is_detected], ids=lambda scene: scene.name)
def test_what_is_accepted_stays_under_enforce(scene: Scene) -> None:
    ready, tenant, case = watched(scene)
    _asked(ready, asking_of(case, Verb.ACCEPT))
    ready.runtime.controls.set_mode("*", Mode.ENFORCE, by="a test")
    _go_on(ready, 10)
    assert (tenant.writes, _is_as(scene, tenant, scene.after)) == ([], True)


@_PUT_BACK
def test_what_an_approved_actor_did_is_restored_to_a_time(scene: Scene) -> None:
    ready, tenant = attacked(scene, by=ALICE)
    ready.answer_queue()
    _go_on(ready)
    of = asking_of(ready.only_case(tenant_of(scene).id), Verb.RESTORE)
    plan = _asked(ready, Asking(verb=Verb.RESTORE, id=of.id, to=AT - _MINUTE))
    _go_on(ready)
    assert scene.is_undone(tenant) or plan.cannot or plan.objections


@_ONE_OF_A_KIND
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_at_each_request_of_an_act_costs_time_only(scene: Scene, fault: str) -> None:
    """Whatever its case says to be done stands so. What the plan couldn't read is asked again."""
    for nth in (each for each in range(_MOST_REQUESTS) if is_tried(scene, fault, each)):
        ready, tenant, case = watched(scene)
        begin = len(tenant.log)

        def spoil(number: int, _request: Request, nth: int = nth, begin: int = begin) -> Answer | None:
            if number == begin + nth and fault == "cut":
                raise Unreachable("the connection was cut")
            return ANSWERS.get(fault) if number == begin + nth else None

        tenant.spoil = spoil
        tenant.lose = frozenset({begin + nth} if fault == "lost" else ())
        for _ in range(3):
            with suppress(EdgeError):
                plan = plan_act(ready.runtime, asking_of(case, Verb.DENY)).plan
                done = act(ready.runtime, plan.asking, digest=plan.digest or "0", by="Carol Chen", reason="CHG-7")
                if done.result in {Result.DONE, Result.ALREADY}:
                    break
        _go_on(ready)
        for _ in range(17):
            if scene.is_undone(tenant):
                break
            _go_on(ready)
        is_last = len(tenant.log) <= begin + nth
        if fault == "404":
            # An object that is said not to be there is believed until the next sweep.
            tenant.spoil = lambda _number, _request: None
            sweep(ready.runtime, scene.kind, tenant_of(scene))
            _go_on(ready)
        assert scene.is_undone(tenant), nth
        if is_last:
            return
    pytest.fail("there were more requests than were tried")
