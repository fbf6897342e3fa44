"""Of every kind whose objects belong to another: what went with that one is nobody's change, and cries to nobody."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pytest

from infra.local.tenant.simulated import application_owners, delegated_grants, directory_role_eligibilities, groups
from infra.local.tenant.simulated_kind import Sample
from responders.catalogue import CATALOGUE
from responders.content import KINDS
from responders.kinds.app_role_assignments import APP_ROLE_ASSIGNMENT
from responders.kinds.application_owners import APPLICATION_OWNER
from responders.kinds.delegated_grants import DELEGATED_GRANT
from responders.kinds.directory_role_assignments import DIRECTORY_ROLE_ASSIGNMENT
from responders.kinds.directory_role_eligibilities import DIRECTORY_ROLE_ELIGIBILITY
from responders.kinds.groups import GUARDED_GROUP
from responders.kinds.principals import is_enabled
from responders.kinds.user_grants import USER_GRANT
from shared.model.calls import Permission
from shared.model.kinds import Image, Mode, ObjectKind
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


def _eligible() -> FakeTenant:
    sample = directory_role_eligibilities.SIMULATED.samples[0]
    return _with_sample(DIRECTORY_ROLE_ELIGIBILITY.kind, sample, {sample.holder: {"id": sample.holder}})


def _application() -> FakeTenant:
    (api,) = (app_id for app_id, name in API_NAMES.items() if name == "microsoft-graph")
    there = {each: {"id": each} for each in (APPLICATION, GRAPH_API)}
    return FakeTenant(app_roles=[app_role()], apis={api: GRAPH_API}, principals=there)


_CLIENT, _API = delegated_grants.SIMULATED.samples[0].object_id.split("/")


def _allowed() -> FakeTenant:
    there = {each: {"id": each} for each in (_CLIENT, _API)}
    return _with_sample(DELEGATED_GRANT.kind, delegated_grants.SIMULATED.samples[0], there)


_OWNER: Final = application_owners.SIMULATED.samples[0].object_id.split("/")[2]


def _owned() -> FakeTenant:
    simulated = application_owners.SIMULATED
    tenant = _with_sample(APPLICATION_OWNER.kind, simulated.samples[0], {_OWNER: {"id": _OWNER}})
    for kind, several in simulated.beside.items():
        tenant.shelves[kind] |= {each["id"]: each for each in several}
    return tenant


_USER: Final = delegated_grants.FOR_ONE_USER.samples[0].object_id.split("/")[2]


def _allowed_by_one() -> FakeTenant:
    there = {each: {"id": each} for each in (_CLIENT, _API, _USER)}
    return _with_sample(USER_GRANT.kind, delegated_grants.FOR_ONE_USER.samples[0], there)


def _with_sample(kind: ObjectKind, sample: Sample, principals: dict[str, Image]) -> FakeTenant:
    tenant = FakeTenant(principals=principals)
    tenant.shelves[kind][sample.object_id] = sample.image
    return tenant


_GROUP: Final = groups.SIMULATED.samples[0]
_LEAVING_OUT: Final[Image] = {"id": "p", "conditions": {"users": {"excludeGroups": [_GROUP.object_id]}}}


def _left_out() -> FakeTenant:
    """A group that counts only because a policy leaves it out."""
    tenant = FakeTenant(ca_policies={"p": _LEAVING_OUT})
    tenant.shelves[GUARDED_GROUP.kind][_GROUP.object_id] = _GROUP.image | {"isAssignableToRole": False}
    return tenant


def _hiding(url: str) -> Callable[[FakeTenant], None]:
    """Keep one object from being read."""

    def hide(tenant: FakeTenant) -> None:
        tenant.spoil = lambda _number, request: answer_of({}, 503) if request.url == url else None

    return hide


def _hide_policies(tenant: FakeTenant) -> None:
    """Keep policies from being read where the group was asked for just before; a sweep still lists them."""

    def spoil(number: int, _request: Request) -> Answer | None:
        is_after = number > 0 and tenant.log[number - 1].url == f"/groups/{_GROUP.object_id}"
        return answer_of({}, 503) if is_after else None

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
        kind=DIRECTORY_ROLE_ELIGIBILITY,
        tenant=_eligible,
        go=lambda tenant: tenant.shelves[DIRECTORY_ROLE_ELIGIBILITY.kind].clear(),
        leave=lambda tenant: tenant.principals.clear(),
        hide=lambda tenant: tenant.granted.discard(Permission.USER_READ),
    ),
    Belonging(
        kind=DELEGATED_GRANT,
        tenant=_allowed,
        go=lambda tenant: tenant.shelves[DELEGATED_GRANT.kind].clear(),
        leave=lambda tenant: tenant.principals.pop(_CLIENT),
        hide=_hiding(f"/servicePrincipals/{_CLIENT}"),
    ),
    Belonging(
        kind=APPLICATION_OWNER,
        tenant=_owned,
        go=lambda tenant: tenant.shelves[APPLICATION_OWNER.kind].clear(),
        leave=lambda tenant: tenant.principals.pop(_OWNER),
        hide=lambda tenant: tenant.granted.discard(Permission.USER_READ),
    ),
    Belonging(
        kind=GUARDED_GROUP,
        tenant=_left_out,
        go=lambda tenant: tenant.shelves[GUARDED_GROUP.kind].clear(),
        leave=lambda tenant: tenant.ca_policies.clear(),
        hide=_hide_policies,
    ),
    Belonging(
        kind=USER_GRANT,
        tenant=_allowed_by_one,
        go=lambda tenant: tenant.shelves[USER_GRANT.kind].clear(),
        leave=lambda tenant: tenant.principals.pop(_CLIENT),
        hide=_hiding(f"/servicePrincipals/{_CLIENT}"),
    ),
    Belonging(
        kind=APP_ROLE_ASSIGNMENT,
        tenant=_application,
        go=lambda tenant: tenant.app_roles.clear(),
        leave=lambda tenant: tenant.principals.pop(APPLICATION),
        hide=_hiding(f"/servicePrincipals/{APPLICATION}"),
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


def _grouped(memory: MemoryStorage) -> tuple[Bench, FakeTenant, str]:
    """Place a group that roles can be given to; gives a member of it who stays in the directory until he is deleted."""
    member = str(_GROUP.image["members"][1])
    there: dict[str, Image] = {each: {"id": each} for each in _GROUP.image["members"]}
    tenant = _with_sample(GUARDED_GROUP.kind, _GROUP, there)
    tenant.shelves[GUARDED_GROUP.kind][_GROUP.object_id] = dict(_GROUP.image)
    made = bench(memory, detections=CATALOGUE, kinds=(GUARDED_GROUP,), is_enabled=is_enabled, edges=tenant.edges())
    made.seed(Mode.ENFORCE)
    made.sweep()
    made.accept()
    made.clock.move(10 * A_MINUTE)
    left = [each for each in _GROUP.image["members"] if each != member]
    tenant.shelves[GUARDED_GROUP.kind][_GROUP.object_id] = _GROUP.image | {"members": left}
    return made, tenant, member


def test_who_was_deleted_leaves_a_group_and_nobody_is_asked(memory: MemoryStorage) -> None:
    made, tenant, member = _grouped(memory)
    del tenant.principals[member]
    _pass_time(made)
    assert _heard(made) == 0
    (seen,) = made.runtime.objects.seen(tenant.edges().tenant.id, GUARDED_GROUP.kind)
    (change,) = made.runtime.objects.changes(seen.id)
    assert (change.is_expiry, change.wrote) == (True, {f"members[{member}]": (member, None)})
    assert tenant.writes == []


@pytest.mark.parametrize("is_hidden", [False, True])
def test_who_left_a_group_and_is_there_or_may_be_comes_to_people(memory: MemoryStorage, *, is_hidden: bool) -> None:
    made, tenant, member = _grouped(memory)
    if is_hidden:
        del tenant.principals[member]
        tenant.granted.discard(Permission.USER_READ)
    _pass_time(made)
    assert _heard(made) > 0
    assert tenant.writes == []
