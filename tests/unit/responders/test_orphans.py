"""Of every kind whose objects belong to another: what went with that one is nobody's change, and cries to nobody."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pytest

from responders.catalogue import CATALOGUE
from responders.content import KINDS
from responders.kinds.app_role_assignments import APP_ROLE_ASSIGNMENT
from responders.kinds.directory_role_assignments import DIRECTORY_ROLE_ASSIGNMENT
from responders.kinds.principals import is_enabled
from shared.model.calls import Permission
from shared.model.kinds import Mode, ObjectKind
from shared.model.object_kinds import Kind
from shared.model.privileges import API_NAMES
from shared.objects.planning import GRACE
from shared.respond.resume import resume
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import A_MINUTE, Bench, bench
from tests.fakes.situations import APPLICATION, GRAPH_API, TRUDY, app_role, directory_role
from tests.fakes.tenant import Answer, FakeTenant, Request, answer_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Belonging:
    """An object in a tenant, how it goes, how what it belongs to goes, and what keeps that from being seen."""

    kind: Kind
    tenant: Callable[[], FakeTenant]
    go: Callable[[FakeTenant], None]
    leave: Callable[[FakeTenant], object]
    hide: Callable[[FakeTenant], object]


def _trudy() -> FakeTenant:
    return FakeTenant(directory_roles=[directory_role()], principals={TRUDY.id: {"id": TRUDY.id}})


def _application() -> FakeTenant:
    (api,) = (app_id for app_id, name in API_NAMES.items() if name == "microsoft-graph")
    there = {each: {"id": each} for each in (APPLICATION, GRAPH_API)}
    return FakeTenant(app_roles=[app_role()], apis={api: GRAPH_API}, principals=there)


def _hide_application(tenant: FakeTenant) -> None:
    def spoil(_number: int, request: Request) -> Answer | None:
        return answer_of({}, 503) if request.url == f"/servicePrincipals/{APPLICATION}" else None

    tenant.spoil = spoil


_ALL: Final = (
    Belonging(
        kind=DIRECTORY_ROLE_ASSIGNMENT,
        tenant=_trudy,
        go=lambda tenant: tenant.directory_roles.clear(),
        leave=lambda tenant: tenant.principals.clear(),
        hide=lambda tenant: tenant.granted.discard(Permission.USER_READ),
    ),
    Belonging(
        kind=APP_ROLE_ASSIGNMENT,
        tenant=_application,
        go=lambda tenant: tenant.app_roles.clear(),
        leave=lambda tenant: tenant.principals.pop(APPLICATION),
        hide=_hide_application,
    ),
)
_EACH: Final = pytest.mark.parametrize("one", _ALL, ids=lambda one: one.kind.kind)


def test_each_kind_whose_objects_can_be_orphans_is_here() -> None:
    can: set[ObjectKind] = {kind.kind for kind in KINDS if kind.is_orphan is not None}
    assert can == {one.kind.kind for one in _ALL}


def _place(memory: MemoryStorage, one: Belonging) -> tuple[Bench, FakeTenant]:
    tenant = one.tenant()
    made = bench(memory, detections=CATALOGUE, kinds=(one.kind,), is_enabled=is_enabled, edges=tenant.edges())
    made.seed(Mode.ENFORCE)
    made.sweep()
    made.accept()
    made.clock.move(10 * A_MINUTE)
    return made, tenant


def _pass_time(made: Bench) -> None:
    for _ in range(16):
        made.clock.move(GRACE / 8)
        made.sweep()
        resume(made.runtime)


def _heard(made: Bench) -> int:
    return len(made.cases()) + len(made.teams.sent) + len(made.teams.notices)


@_EACH
def test_what_went_with_its_holder_cries_to_nobody(memory: MemoryStorage, one: Belonging) -> None:
    made, tenant = _place(memory, one)
    one.go(tenant)
    one.leave(tenant)
    _pass_time(made)
    assert _heard(made) == 0
    (seen,) = made.runtime.objects.seen(tenant.edges().tenant.id, one.kind.kind)
    assert [each.is_expiry for each in made.runtime.objects.changes(seen.id)] == [True], "it is noted once"
    assert tenant.writes == []


@_EACH
@pytest.mark.parametrize("left", [False, True])
def test_what_went_alone_or_in_doubt_comes_to_people(memory: MemoryStorage, one: Belonging, *, left: bool) -> None:
    made, tenant = _place(memory, one)
    one.go(tenant)
    if left:
        one.leave(tenant)
        one.hide(tenant)
    _pass_time(made)
    assert _heard(made) > 0
    assert [*tenant.writes] == []
