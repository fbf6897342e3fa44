"""Every kind that is declared for the simulated tenants, in each of its scenes, with each fault at each request.

What is promised is compared with how the tenant stands at the end: put back leaf by leaf, or people told and nothing
written. A new kind is tried as soon as its declaration is there.
"""

import json
from datetime import timedelta
from typing import Final

import pytest

from infra.local.world import ALICE
from shared.clients.api import Answer
from shared.clients.storage_names import Container
from shared.model.calls import Permission
from shared.model.cases import Decision, Outcome
from shared.model.errors import Unreachable
from shared.model.kinds import Mode, TenantKind
from shared.respond.resume import resume
from shared.respond.sweep import sweep
from shared.respond.unexplained import UNEXPLAINED
from tests.fakes.declared_runs import ANSWERS, AT, FAULTS, answered, attacked, is_tried, tenant_of
from tests.fakes.declared_scenes import SCENES, Scene
from tests.fakes.runtime import Bench
from tests.fakes.tenant import Request

_MINUTE: Final = timedelta(minutes=1)
_MOST_REQUESTS: Final = 40
_EACH: Final = pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
_DETECTED: Final = pytest.mark.parametrize(
    "scene", [each for each in SCENES if each.is_detected], ids=lambda scene: scene.name
)
_PUT_BACK: Final = pytest.mark.parametrize(
    "scene", [each for each in SCENES if each.is_put_back], ids=lambda scene: scene.name
)


def _sweep_again(ready: Bench, scene: Scene) -> None:
    for _ in range(4):
        ready.clock.move(60 * _MINUTE)
        sweep(ready.runtime, scene.kind, tenant_of(scene))
        resume(ready.runtime)


def _pages(ready: Bench) -> int:
    """Count the pages that people got, however often each was sent again."""
    return len({sent.message.key.split(" ")[0] for sent in ready.teams.sent})


def test_each_kind_has_a_scene() -> None:
    assert SCENES
    assert {each.kind.tenant_kind for each in SCENES} <= set(TenantKind)


@_DETECTED
def test_it_ends_as_promised(scene: Scene) -> None:
    ready, tenant = attacked(scene)
    case = answered(ready, scene)
    if not scene.is_put_back:
        assert tenant.writes == []
        assert case.outcome is not Outcome.DONE
        assert _pages(ready) == 1
        return
    assert (case.decision, case.outcome) == (Decision.REMEDIATE, Outcome.DONE), case.because
    assert scene.is_undone(tenant)
    assert tenant.writes
    if scene.after is not None:
        before = json.loads(ready.storage.blob(Container.EVIDENCE, case.before) or b"null")
        assert scene.kind.id_of(before).lower() == scene.object_id


@pytest.mark.parametrize("scene", [each for each in SCENES if not each.is_detected], ids=lambda scene: scene.name)
def test_what_no_detection_is_about_is_left(scene: Scene) -> None:
    ready, tenant = attacked(scene)
    ready.answer_queue()
    for _ in range(6):
        ready.clock.move(20 * _MINUTE)
        resume(ready.runtime)
    assert (tenant.writes, ready.cases(tenant_of(scene).id)) == ([], [])


@_PUT_BACK
def test_what_was_put_back_is_not_put_back_twice(scene: Scene) -> None:
    ready, tenant = attacked(scene)
    answered(ready, scene)
    writes = len(tenant.writes)
    ready.take_in(*scene.records(AT), tenant_id=tenant_of(scene).id)
    ready.answer_queue()
    for _ in range(10):
        ready.clock.move(10 * _MINUTE)
        resume(ready.runtime)
    assert (len(tenant.writes), len(ready.cases(tenant_of(scene).id))) == (writes, 1)
    assert scene.is_undone(tenant)


@_PUT_BACK
def test_what_somebody_else_put_back_meanwhile_is_not_written(scene: Scene) -> None:
    ready, tenant = attacked(scene)
    if scene.before is None:
        del tenant.shelves[scene.simulated.kind][scene.object_id]
    else:
        tenant.shelves[scene.simulated.kind][scene.object_id] = scene.before
    answered(ready, scene)
    assert tenant.writes == []
    assert scene.is_undone(tenant)


@_EACH
def test_who_is_approved_is_left_alone(scene: Scene) -> None:
    ready, tenant = attacked(scene, by=ALICE)
    ready.answer_queue()
    for _ in range(6):
        ready.clock.move(20 * _MINUTE)
        resume(ready.runtime)
    assert tenant.writes == []
    assert not scene.is_undone(tenant)


@_DETECTED
@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.PAGE])
def test_a_milder_mode_writes_nothing(scene: Scene, mode: Mode) -> None:
    ready, tenant = attacked(scene, mode)
    answered(ready, scene)
    assert tenant.writes == []
    assert not scene.is_undone(tenant)


@pytest.mark.parametrize(
    "scene",
    [each for each in SCENES if each.is_put_back and each.adds_what_cannot_come_back],
    ids=lambda scene: scene.name,
)
def test_what_cannot_come_back_is_taken_away_only_where_that_was_chosen_by_name(scene: Scene) -> None:
    """A developer whom nobody listed renews a secret: a mode for all detections doesn't stop what uses it."""
    ready, tenant = attacked(scene, is_by_name=False)
    case = answered(ready, scene)
    assert tenant.writes == []
    assert "enforce wasn't chosen for its detection by name" in case.because
    assert _pages(ready) == 1


@_PUT_BACK
def test_without_any_permission_people_are_paged_with_what_is_missing(scene: Scene) -> None:
    ready, tenant = attacked(scene)
    tenant.granted.clear()
    case = answered(ready, scene)
    assert (case.outcome, tenant.writes) == (Outcome.PENDING, [])
    assert "gave 403" in case.because
    assert _pages(ready) == 1
    tenant.granted.update(Permission)
    assert answered(ready, scene, minutes=90).outcome is Outcome.DONE
    assert scene.is_undone(tenant)


@_PUT_BACK
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_at_each_request_ends_honestly(scene: Scene, fault: str) -> None:
    """Whatever is said to be done stands so; whatever isn't has people told. A fault that passes is put right."""
    for nth in (each for each in range(_MOST_REQUESTS) if is_tried(scene, fault, each)):
        ready, tenant = attacked(scene)

        def spoil(number: int, _request: Request, nth: int = nth) -> Answer | None:
            if number == nth and fault == "cut":
                raise Unreachable("the connection was cut")
            return ANSWERS.get(fault) if number == nth else None

        tenant.spoil = spoil
        tenant.lose = frozenset({nth} if fault == "lost" else ())
        case = answered(ready, scene, minutes=90)
        if case.outcome is Outcome.DONE:
            assert scene.is_undone(tenant), (nth, case.because)
        elif not _pages(ready):
            # An object that is said not to be there is believed until the next sweep.
            assert fault == "404", (nth, case.because)
            _sweep_again(ready, scene)
            assert scene.is_undone(tenant) or _pages(ready), (nth, case.because)
        if len(tenant.log) <= nth:
            return
    pytest.fail("there were more requests than were tried")


@pytest.mark.parametrize(
    "scene", [each for each in SCENES if each.kind.events_of and each.is_put_back], ids=lambda scene: scene.name
)
@pytest.mark.parametrize("minutes_late", [0, 25])
def test_what_no_record_is_delivered_of_is_put_down_to_whom_the_log_names(scene: Scene, minutes_late: int) -> None:
    """Whoever takes away what delivers events isn't seen by an event. A sweep sees it, and asks the log who did it."""
    ready, tenant = attacked(scene, is_delivered=False)
    logged, tenant.activity[:] = [*tenant.activity], []
    sweep(ready.runtime, scene.kind, tenant_of(scene))
    for minute in range(40):
        if minute == minutes_late:
            tenant.activity += logged
        ready.clock.move(_MINUTE)
        resume(ready.runtime)
        ready.answer_queue()
    case = ready.only_case(tenant_of(scene).id)
    assert (case.detection, case.outcome) == ("monitoring-weakened", Outcome.DONE), case.because
    assert scene.is_undone(tenant)


@pytest.mark.parametrize(
    "scene", [each for each in SCENES if each.kind.events_of and each.op == "delete"], ids=lambda scene: scene.name
)
def test_while_the_log_cannot_be_read_nobody_is_blamed(scene: Scene) -> None:
    ready, tenant = attacked(scene, is_delivered=False)
    tenant.granted.discard(Permission.ACTIVITY_LOG_READ)
    sweep(ready.runtime, scene.kind, tenant_of(scene))
    for _ in range(75):
        ready.clock.move(_MINUTE)
        resume(ready.runtime)
    case = ready.only_case(tenant_of(scene).id)
    assert (case.detection, case.actor.id, tenant.writes) == (UNEXPLAINED.id, "", [])
