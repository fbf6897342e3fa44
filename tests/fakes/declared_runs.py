"""The product before a declared scene: what stands is accepted, somebody does it, and the product answers."""

import copy
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from infra.local.world import ALICE, MALLORY, Principal
from responders.catalogue import CATALOGUE
from responders.kinds.principals import is_enabled
from responders.rosters import ROLE_ASSIGNABLE_GROUPS
from shared.clients.api import Answer
from shared.model.cases import Case, State
from shared.model.errors import EdgeError
from shared.model.kinds import Image, Mode
from shared.model.settings import Tenant
from shared.respond.persons import accept
from shared.respond.resume import resume
from shared.respond.sweep import sweep
from tests.fakes.clock import NOW
from tests.fakes.declared_scenes import BY_NAME, LISTS, SCENES, Scene
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import Bench, approval, bench, settings_with
from tests.fakes.tenant import FakeTenant, Request, answer_of

_MINUTE: Final = timedelta(minutes=1)
AT: Final = NOW - _MINUTE
"""When somebody does it."""

_SETTINGS: Final = settings_with()
_ROSTERS: Final = (ROLE_ASSIGNABLE_GROUPS,)

ANSWERS: Final = {
    "401": answer_of({"error": {"code": "InvalidAuthenticationToken", "message": "no"}}, 401),
    "403": answer_of({"error": {"code": "Authorization_RequestDenied", "message": "no"}}, 403),
    "404": answer_of({"error": {"code": "ResourceNotFound", "message": "no"}}, 404),
    "408": answer_of({"error": {"code": "RequestTimeout", "message": "no"}}, 408),
    "409": answer_of({"error": {"code": "Conflict", "message": "no"}}, 409),
    "412": answer_of({"error": {"code": "PreconditionFailed", "message": "no"}}, 412),
    "423": answer_of({"error": {"code": "Locked", "message": "no"}}, 423),
    "429": answer_of({"error": {"code": "TooManyRequests", "message": "no"}}, 429),
    "500": answer_of({}, 500),
    "503": answer_of({}, 503),
    "nonsense": Answer(status=200, headers={}, body=b"<html>"),
}
"""What a service may answer instead of doing what it was asked."""

FAULTS: Final = (*ANSWERS, "cut", "lost")
"""Those, a connection that is cut before the request is carried out, and one that is lost after it."""

_EACH_OF: Final = 1 if "EVERY_FAULT" in os.environ else 3


def is_tried(scene: Scene, fault: str, nth: int) -> bool:
    """Say whether a fault is tried at a scene's request with a number.

    A third are, so that three scenes of a kind have each fault at each of its requests; `make laws` tries all.
    """
    return (SCENES.index(scene) + FAULTS.index(fault) + nth) % _EACH_OF == 0


def tenant_of(scene: Scene) -> Tenant:
    """Give the tenant that a scene plays in."""
    return next(each for each in _SETTINGS.tenants if each.kind is scene.simulated.tenant_kind)


def fresh() -> MemoryStorage:
    """Make storage with nothing in it."""
    made = MemoryStorage()
    made.create_all()
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beginning:
    """How it stands before a test does anything: what is stored, the time, what was asked, what Azure logged."""

    storage: MemoryStorage
    now: datetime
    log: tuple[Request, ...]
    activity: tuple[Image, ...]


_BEGINNINGS: Final[dict[tuple[str, Mode, str, bool, bool], _Beginning]] = {}
_WATCHED: Final[dict[str, tuple[_Beginning, Case]]] = {}


def attacked(
    scene: Scene,
    mode: Mode = Mode.ENFORCE,
    *,
    by: Principal = MALLORY,
    is_by_name: bool = True,
    is_delivered: bool = True,
) -> tuple[Bench, FakeTenant]:
    """Accept what stands, let ten minutes pass (in Azure twenty), let somebody do it, take the records in.

    The mode is set for all detections, and with `is_by_name` also for those by whose name it has to be set. All this is
    done once a process; each caller gets an app that has just started, on storage of its own that holds the same.
    With `is_delivered` False no record of it comes.
    """
    of = (scene.name, mode, by.id, is_by_name, is_delivered)
    if of not in _BEGINNINGS:
        _BEGINNINGS[of] = _begin(scene, mode, by=by, is_by_name=is_by_name, is_delivered=is_delivered)
    return _started(scene, _BEGINNINGS[of])


def watched(scene: Scene) -> tuple[Bench, FakeTenant, Case]:
    """Give what follows `attacked` in mode page: its case is closed, and nothing was written."""
    if scene.name not in _WATCHED:
        made, tenant = attacked(scene, Mode.PAGE)
        case = answered(made, scene)
        _WATCHED[scene.name] = (_beginning(made, tenant), case)
    beginning, case = _WATCHED[scene.name]
    return *_started(scene, beginning), case


def _begin(scene: Scene, mode: Mode, *, by: Principal, is_by_name: bool, is_delivered: bool) -> _Beginning:
    made, tenant = _bench(scene, fresh())
    of, edges = tenant_of(scene), made.runtime.edges[tenant_of(scene).id]
    made.clock.move(-20 * _MINUTE if scene.simulated.resource_type else -10 * _MINUTE)
    made.seed(mode)
    for each in BY_NAME if is_by_name else ():
        made.runtime.controls.set_mode(each, mode, by="a test", reason="a test")
    for each in LISTS:
        made.runtime.approvals.approve(approval(ALICE, each))
    for roster in _ROSTERS:
        made.runtime.rosters.sweep(roster, edges)
    sweep(made.runtime, scene.kind, of)
    for seen in [*made.runtime.objects.seen(of.id, scene.kind.kind)]:
        accept(made.runtime, seen.id, digest=seen.digest, by="Carol Chen", reason="a test")
    resume(made.runtime)
    if scene.simulated.resource_type:
        # What is new to a listing was made since the one before: neither the event nor the object says so.
        sweep(made.runtime, scene.kind, of)
    made.clock.move(20 * _MINUTE if scene.simulated.resource_type else 10 * _MINUTE)
    scene.do(tenant)
    tenant.activity += scene.activity(AT, by)
    tenant.log.clear()
    if is_delivered:
        made.take_in(*scene.records(AT, by), tenant_id=of.id)
    return _beginning(made, tenant)


def _beginning(made: Bench, tenant: FakeTenant) -> _Beginning:
    """Remember how it stands, in a tenant that nothing but the scene has changed."""
    assert isinstance(made.storage, MemoryStorage)
    assert not tenant.writes
    return _Beginning(storage=made.storage, now=made.clock(), log=tuple(tenant.log), activity=tuple(tenant.activity))


def _started(scene: Scene, beginning: _Beginning) -> tuple[Bench, FakeTenant]:
    made, tenant = _bench(scene, beginning.storage.copied())
    made.clock.move(beginning.now - made.clock())
    scene.do(tenant)
    tenant.log[:] = beginning.log
    tenant.activity[:] = beginning.activity
    return made, tenant


def _bench(scene: Scene, storage: MemoryStorage) -> tuple[Bench, FakeTenant]:
    """Put the app over a tenant together, in which a request takes a tenth of a second."""
    tenant = scene.tenant()
    edges = copy.replace(tenant.edges(scene.simulated.tenant_kind), tenant=tenant_of(scene))
    made = bench(
        storage, detections=CATALOGUE, kinds=(scene.kind,), rosters=_ROSTERS, is_enabled=is_enabled, edges=edges
    )
    tenant.pass_time = lambda: made.clock.move(timedelta(milliseconds=100))
    return made, tenant


def answered(ready: Bench, scene: Scene, *, minutes: int = 30) -> Case:
    """Answer what the queue has, and go on as the timer would until the case is closed."""
    with suppress(EdgeError):
        ready.answer_queue()
    for _ in range(minutes):
        if [case.state for case in ready.cases(tenant_of(scene).id)] == [State.CLOSED]:
            break
        ready.clock.move(_MINUTE)
        with suppress(EdgeError):
            resume(ready.runtime)
    return ready.only_case(tenant_of(scene).id)
