"""Directory role assignments: their ids, what records say of them, what guards refuse, and how one is taken away."""

import json
import shlex
from collections.abc import Callable
from typing import Any, Final

import pytest

from responders.kinds.directory_role_assignments import (
    DELETE_ROLE_ASSIGNMENT,
    DIRECTORY_ROLE_ASSIGNMENT,
    REQUEST_REMOVAL,
    leaves,
)
from shared.model.calls import Permission
from shared.model.errors import BadIdentifier, DoneAlready, Refused, Rejected, Unreachable
from shared.model.events import Actor, ActorKind, AuditEvent, Change, Target
from shared.model.kinds import Image
from shared.model.object_kinds import CameBack, Search
from shared.model.objects import EXISTS, WHOLE, ObjectId, Objection, Op, Recorded, Step
from shared.model.privileges import GLOBAL_ADMINISTRATOR
from tests.fakes.kinds import objections, write_of
from tests.fakes.situations import (
    ALICE,
    AT,
    EMERGENCY_ACCOUNT,
    MALLORY,
    PRIVILEGED_ROLE_ADMINISTRATOR,
    TRUDY,
    directory_role,
)
from tests.fakes.tenant import RESPONDER_ID, FakeTenant

KIND: Final = DIRECTORY_ROLE_ASSIGNMENT
_ID: Final = f"{PRIVILEGED_ROLE_ADMINISTRATOR}/{TRUDY.id}"
_UNIT: Final = "/administrativeUnits/93d5b0a8-6c17-4e42-b8f9-25e0d71a4c36"
_OWN_ROLE: Final = "c057000a-2e8b-4d61-9f34-7b1c5a0e8d92"
_TEMPLATE: Final = "7e300001-2e8b-4d61-9f34-7b1c5a0e8d92"
_GROUP: Final = "64001000-7c3e-4a92-b5d8-1f0e6b9a2c47"
_GLOBAL: Final = directory_role(role=GLOBAL_ADMINISTRATOR, name="lBPpYvVpN0KRkAEh-2")
_GLOBAL_ID: Final = f"{GLOBAL_ADMINISTRATOR}/{TRUDY.id}"
_WITHOUT: Final = set(Permission) - {Permission.ROLE_MANAGEMENT_WRITE}
"""What the identity is given."""


def _holding(*held: Image, **more: Any) -> FakeTenant:  # noqa: ANN401 - fields of the fake
    return FakeTenant(directory_roles=[*held], **more)


def _person(identity: str, *, enabled: bool = True) -> Image:
    return {"@odata.type": "#microsoft.graph.user", "id": identity, "accountEnabled": enabled}


# What it is.


def test_it_goes_by_role_and_holder() -> None:
    shown = directory_role(role=PRIVILEGED_ROLE_ADMINISTRATOR.upper(), holder=TRUDY.id.upper())
    expected = {
        EXISTS: True,
        "roleDefinitionId": PRIVILEGED_ROLE_ADMINISTRATOR,
        "principalId": TRUDY.id,
    }
    assert (KIND.id_of(shown), leaves(shown)) == (_ID, expected)
    assert KIND.id_of(directory_role(name="another")) == _ID
    assert KIND.name_of(_GLOBAL) == f"Global Administrator ({GLOBAL_ADMINISTRATOR}) of {TRUDY.id}"
    assert KIND.made(shown).by == ""
    assert [leaf for leaf in leaves(shown) if KIND.rules.is_joint(leaf)] == [EXISTS]


def test_holders_of_one_role_are_judged_together() -> None:
    of = ObjectId(tenant_id="t", kind=KIND.kind, key="k")
    lanes = [KIND.lane(of, each, None) for each in (_ID, _ID.replace(TRUDY.id, ALICE.id).upper(), _GLOBAL_ID)]
    assert lanes[0] == lanes[1] != lanes[2]


# What records say.


def _event(activity: str = "Add member to role", **more: Any) -> AuditEvent:  # noqa: ANN401 - fields
    side = "old" if activity.startswith("Remove") else "new"
    values = {"Role.TemplateId": PRIVILEGED_ROLE_ADMINISTRATOR, "Role.DisplayName": "Privileged Role Administrator"}
    changes = tuple(Change(name=name, **{side: value}) for name, value in values.items())
    fields: dict[str, Any] = {
        "id": "1",
        "tenant_id": "t",
        "at": AT,
        "activity": activity,
        "category": "RoleManagement",
        "service": "Core Directory",
        "outcome": "success",
        "reason": "",
        "correlation_id": "",
        "actor": MALLORY,
        "targets": (Target(id=TRUDY.id.upper(), kind="User", changes=changes),),
    }
    return AuditEvent(**fields | more)


@pytest.mark.parametrize(
    ("activity", "op"), [("Add member to role", Op.CREATE), ("Remove member from role ", Op.DELETE)]
)
def test_a_record_says_that_an_assignment_came_or_went(*, activity: str, op: Op) -> None:
    values = leaves(directory_role())
    wrote: dict[str, Step] = {
        leaf: (None, value) if op is Op.CREATE else (value, None) for leaf, value in values.items()
    }
    name = f"Privileged Role Administrator ({PRIVILEGED_ROLE_ADMINISTRATOR}) of {TRUDY.id}"
    expected = Recorded(object_id=_ID, name=name, op=op, wrote=wrote, is_whole=True)
    assert KIND.recorded(_event(activity)) == (expected,)


@pytest.mark.parametrize(
    "more",
    [
        {"outcome": "failure"},
        {"service": "PIM"},
        {"activity": "Add scoped member to role"},
        {"activity": "Add eligible member to role"},
        {"targets": ()},
        {"targets": (Target(id=TRUDY.id, kind="User"),)},
        {"targets": (Target(id="nobody", kind="User", changes=_event().target.changes),)},
        {"targets": (Target(id=TRUDY.id, kind="Role", changes=_event().target.changes),)},
    ],
    ids=str,
)
def test_other_records_say_nothing_of_one(more: dict[str, Any]) -> None:
    assert KIND.recorded(_event(**more)) == ()


def test_what_a_person_did_needs_no_confirmation_and_what_a_service_did_may() -> None:
    assert not KIND.is_doubtful(MALLORY)
    assert KIND.is_doubtful(Actor(id="x", kind=ActorKind.SERVICE_PRINCIPAL))


# Reading.


def test_it_is_found_among_what_its_holder_has() -> None:
    tenant = _holding(_GLOBAL, directory_role(scope=_UNIT), directory_role(holder=ALICE.id), directory_role())
    assert KIND.read(tenant.edges(), _ID) == directory_role()
    assert [each.query["$filter"] for each in tenant.log] == [f"principalId eq '{TRUDY.id}'"]
    assert KIND.read(tenant.edges(), _ID.replace(TRUDY.id, EMERGENCY_ACCOUNT)) is None
    assert KIND.found(tenant.edges(), Search(ids=(_ID,), name="", target={})) == directory_role()
    assert KIND.inventory.read(tenant.edges()).keys() == {_ID, _GLOBAL_ID, _ID.replace(TRUDY.id, ALICE.id)}


def test_a_role_of_the_tenants_own_goes_by_its_template() -> None:
    """Records name the template, and whoever makes a role chooses it."""
    tenant = _holding(
        directory_role(role=_OWN_ROLE), own_roles=[{"id": _OWN_ROLE.upper(), "templateId": _TEMPLATE.upper()}]
    )
    object_id = f"{_TEMPLATE}/{TRUDY.id}"
    found = KIND.read(tenant.edges(), object_id)
    assert found is not None
    assert (KIND.id_of(found), found["roleDefinitionId"]) == (object_id, _OWN_ROLE)
    assert [*KIND.inventory.read(tenant.edges())] == [object_id]


@pytest.mark.parametrize("evil", ["", "x", f"{_ID}' or 'a' eq 'a", f"{_ID[:36]}/../{TRUDY.id}", f"{_ID}/"])
def test_nothing_but_ids_gets_into_a_request(evil: str) -> None:
    tenant = _holding(directory_role())
    with pytest.raises(BadIdentifier):
        KIND.read(tenant.edges(), evil)
    assert tenant.log == []


# Guards.


def _objection(tenant: FakeTenant, stands: Image | None = None, *, gives: bool = False) -> Objection | None:
    image = stands or directory_role()
    before, after = (None, leaves(image)) if gives else (image, {})
    untouchable = {"emergency": frozenset({EMERGENCY_ACCOUNT}), "protected": frozenset({RESPONDER_ID})}
    return objections(KIND, tenant.edges(), KIND.id_of(image), before, after, **untouchable).get(WHOLE)


def test_one_that_was_given_may_be_taken_away() -> None:
    assert _objection(_holding(directory_role())) is None


def test_a_role_is_never_given_and_the_page_has_the_command() -> None:
    found = _objection(FakeTenant(), gives=True)
    assert found is not None
    assert (found.guard, found.can_pass) == ("never-given", False)
    *command, body = shlex.split(found.by_hand)
    assert command[:4] == ["az", "rest", "--method", "POST"]
    assert json.loads(body) == {
        "principalId": TRUDY.id,
        "roleDefinitionId": PRIVILEGED_ROLE_ADMINISTRATOR,
        "directoryScopeId": "/",
    }


@pytest.mark.parametrize(
    ("member", "guard"), [(EMERGENCY_ACCOUNT, "emergency-account"), (RESPONDER_ID, "protected-principal")]
)
def test_a_group_with_somebody_who_may_lose_nothing_keeps_its_role(*, member: str, guard: str) -> None:
    tenant = _holding(groups={_GROUP: [member]}, principals={member: _person(member)})
    found = _objection(tenant, directory_role(holder=_GROUP))
    assert found is not None
    assert (found.guard, found.can_pass) == (guard, True)
    assert member in found.because
    tenant.groups[_GROUP] = []
    assert _objection(tenant, directory_role(holder=_GROUP)) is None


@pytest.mark.parametrize(
    ("others", "guard"),
    [
        ([(ALICE.id, True, "/")], None),
        ([(ALICE.id, False, "/")], "last-holder"),
        ([(ALICE.id, True, _UNIT)], "last-holder"),
        ([(ALICE.id, False, "/"), (MALLORY.id, True, "/")], None),
        ([], "last-holder"),
    ],
)
def test_the_last_living_global_administrator_stays(*, others: list[tuple[str, bool, str]], guard: str | None) -> None:
    held = [directory_role(role=GLOBAL_ADMINISTRATOR, holder=who, scope=scope) for who, _, scope in others]
    people = {who: _person(who, enabled=enabled) for who, enabled, _ in others}
    found = _objection(_holding(_GLOBAL, *held, principals=people), _GLOBAL)
    assert (found and (found.guard, found.can_pass)) == (guard and (guard, True))


@pytest.mark.parametrize("enabled", [True, False])
def test_a_group_is_a_global_administrator_by_a_member_that_is_enabled(*, enabled: bool) -> None:
    held = directory_role(role=GLOBAL_ADMINISTRATOR, holder=_GROUP)
    people = {ALICE.id: _person(ALICE.id, enabled=enabled)}
    found = _objection(_holding(_GLOBAL, held, groups={_GROUP: [ALICE.id]}, principals=people), _GLOBAL)
    assert (found is None) == enabled


@pytest.mark.parametrize(
    ("missing", "guard"),
    [
        (Permission.GROUP_MEMBER_READ, "emergency-account"),
        (Permission.ROLE_MANAGEMENT_READ, "last-holder"),
        (Permission.USER_READ, "last-holder"),
    ],
)
def test_what_can_not_be_read_is_an_objection_that_passes(*, missing: Permission, guard: str) -> None:
    tenant = _holding(
        _GLOBAL,
        directory_role(role=GLOBAL_ADMINISTRATOR, holder=ALICE.id),
        granted=set(Permission) - {missing},
    )
    found = _objection(tenant, _GLOBAL)
    assert found is not None
    assert (found.guard, found.can_pass) == (guard, True)
    assert "could not be read" in found.because


def test_who_loses_is_the_holder() -> None:
    held = leaves(directory_role())
    assert KIND.loses(held, {}) == KIND.gains({}, held) == {TRUDY.id}
    assert KIND.loses({}, held) == KIND.gains(held, {}) == KIND.loses({EXISTS: True}, {}) == frozenset()


# Writing.


def _take(tenant: FakeTenant, stands: Image | None = None) -> str | CameBack:
    return KIND.write(tenant.edges(), write_of(KIND, _ID, stands or directory_role(), {}))


def test_it_is_taken_away_at_once_where_the_identity_may() -> None:
    tenant = _holding(directory_role(), _GLOBAL)
    assert _take(tenant) == _ID
    assert tenant.directory_roles == [_GLOBAL]
    assert [(each.method, each.url) for each in tenant.writes] == [
        ("DELETE", DELETE_ROLE_ASSIGNMENT.url({"directory_role_assignment": directory_role()["id"]}))
    ]


def test_else_pim_is_asked_to_remove_it() -> None:
    tenant = _holding(directory_role(), _GLOBAL, granted=set(_WITHOUT))
    assert _take(tenant) == _ID
    assert tenant.directory_roles == [_GLOBAL]
    asked = tenant.writes[-1]
    assert asked.url == REQUEST_REMOVAL.url({})
    assert asked.body.pop("justification")
    assert asked.body == {name: value for name, value in directory_role().items() if name != "id"} | {
        "action": "adminRemove"
    }


@pytest.mark.parametrize("granted", [set(Permission), _WITHOUT])
def test_one_that_is_gone_is_done_already(granted: set[Permission]) -> None:
    with pytest.raises(DoneAlready):
        _take(_holding(granted=set(granted)))


def _too_young(tenant: FakeTenant) -> None:
    tenant.is_too_young_for_pim = True


def _nothing_granted(tenant: FakeTenant) -> None:
    tenant.granted.discard(Permission.ROLE_ASSIGNMENT_REMOVE)


@pytest.mark.parametrize(("spoil", "error"), [(_too_young, Rejected), (_nothing_granted, Refused)])
def test_what_pim_refuses_comes_with_the_command(
    *, spoil: Callable[[FakeTenant], None], error: type[Rejected | Refused]
) -> None:
    tenant = _holding(directory_role(), granted=set(_WITHOUT))
    spoil(tenant)
    with pytest.raises(error) as refused:
        _take(tenant)
    url = f"https://graph.microsoft.com/v1.0/roleManagement/directory/roleAssignments/{directory_role()['id']}"
    assert shlex.split(refused.value.by_hand) == ["az", "rest", "--method", "DELETE", "--url", url]
    assert tenant.directory_roles == [directory_role()]


def test_a_lost_answer_is_no_refusal() -> None:
    tenant = _holding(directory_role(), granted=set(_WITHOUT), lose=frozenset({1}))
    with pytest.raises(Unreachable):
        _take(tenant)


def test_nothing_is_ever_given() -> None:
    tenant = FakeTenant()
    for write in (
        write_of(KIND, _ID, None, leaves(directory_role())),
        write_of(KIND, _ID, directory_role(), leaves(_GLOBAL)),
    ):
        with pytest.raises(Rejected, match="never gives"):
            KIND.write(tenant.edges(), write)
    assert tenant.log == []
