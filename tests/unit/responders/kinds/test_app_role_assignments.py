"""App roles that applications were given: their ids, what records say of them, and how one is taken away."""

import json
import shlex
from typing import Any, Final

import pytest

from responders.kinds.app_role_assignments import APP_ROLE_ASSIGNMENT, leaves
from shared.model.calls import Permission
from shared.model.errors import BadIdentifier, DoneAlready, Refused, Rejected, Unreachable
from shared.model.events import AuditEvent, Change, Target
from shared.model.object_kinds import Search
from shared.model.objects import EXISTS, WHOLE, ObjectId, Op, Recorded, Step
from shared.model.privileges import API_NAMES
from tests.fakes.kinds import objections, write_of
from tests.fakes.situations import APPLICATION, AT, GRAPH_API, MAIL_READ, MALLORY, app_role
from tests.fakes.tenant import FakeTenant, answer_of

KIND: Final = APP_ROLE_ASSIGNMENT
_ID: Final = f"{GRAPH_API}/{APPLICATION}/{MAIL_READ}"
_OTHER: Final = "e2a3a72e-5f79-4c64-b1b1-878b674786c9"
_URL: Final = f"https://graph.microsoft.com/v1.0/servicePrincipals/{GRAPH_API}/appRoleAssignedTo"
_GRAPH: Final = next(app_id for app_id, name in API_NAMES.items() if name == "microsoft-graph")


def test_it_goes_by_api_holder_and_role() -> None:
    expected = {EXISTS: True, "resourceId": GRAPH_API, "principalId": APPLICATION, "appRoleId": MAIL_READ}
    assert (KIND.id_of(app_role(role=MAIL_READ.upper())), leaves(app_role(holder=APPLICATION.upper()))) == (
        _ID,
        expected,
    )
    assert KIND.id_of(app_role(name="another")) == _ID
    assert KIND.name_of(app_role()) == f"{MAIL_READ} of Microsoft Graph for Order portal"
    assert KIND.name_of({"resourceId": "a", "principalId": "b", "appRoleId": "c"}) == "c of a for b"
    assert KIND.made(app_role()).at is not None
    of = ObjectId(tenant_id="t", kind=KIND.kind, key="k")
    assert KIND.lane(of, _ID, None) == KIND.lane(of, _ID.upper(), None) != KIND.lane(of, f"{_ID}1", None)


def _event(activity: str = "Add app role assignment to service principal", **more: Any) -> AuditEvent:  # noqa: ANN401 - fields
    side = "old" if activity.startswith("Remove") else "new"
    values = {"AppRole.Id": MAIL_READ, "AppRole.Value": "Mail.Read", "ServicePrincipal.ObjectID": APPLICATION.upper()}
    changes = tuple(Change(name=name, **{side: value}) for name, value in values.items())
    api = Target(id=GRAPH_API, name="Microsoft Graph", kind="ServicePrincipal", changes=changes)
    fields: dict[str, Any] = {
        "id": "1",
        "tenant_id": "t",
        "at": AT,
        "activity": activity,
        "category": "ApplicationManagement",
        "service": "Core Directory",
        "outcome": "success",
        "reason": "",
        "correlation_id": "",
        "actor": MALLORY,
        "targets": (api, Target(id=APPLICATION, name="Order portal", kind="ServicePrincipal")),
    }
    return AuditEvent(**fields | more)


@pytest.mark.parametrize(
    ("activity", "op"),
    [
        ("Add app role assignment to service principal", Op.CREATE),
        ("Remove app role assignment from service principal ", Op.DELETE),
    ],
)
def test_a_record_says_that_one_came_or_went(*, activity: str, op: Op) -> None:
    values = leaves(app_role())
    wrote: dict[str, Step] = {
        leaf: (None, value) if op is Op.CREATE else (value, None) for leaf, value in values.items()
    }
    name = "Mail.Read of Microsoft Graph for Order portal"
    expected = Recorded(object_id=_ID, name=name, op=op, wrote=wrote, is_whole=True)
    assert KIND.recorded(_event(activity)) == (expected,)


_API: Final = _event().target


@pytest.mark.parametrize(
    "more",
    [
        {"outcome": "failure"},
        {"service": "B2C"},
        {"activity": "Add app role assignment grant to user"},
        {"targets": ()},
        {"targets": (Target(id=GRAPH_API, kind="ServicePrincipal", changes=_API.changes[1:]),)},
        {"targets": (Target(id=GRAPH_API, kind="Application", changes=_API.changes),)},
        {"targets": (Target(id="x/../y", kind="ServicePrincipal", changes=_API.changes),)},
    ],
    ids=str,
)
def test_other_records_say_nothing_of_one(more: dict[str, Any]) -> None:
    assert KIND.recorded(_event(**more)) == ()


def test_it_is_found_among_what_its_holder_has() -> None:
    tenant = FakeTenant(app_roles=[app_role(role=_OTHER, name="2"), app_role()])
    assert KIND.read(tenant.edges(), _ID) == app_role()
    assert [each.url for each in tenant.log] == [f"/servicePrincipals/{APPLICATION}/appRoleAssignments"]
    assert KIND.found(tenant.edges(), Search(ids=(_ID,), name="", target={})) == app_role()
    assert KIND.read(tenant.edges(), _ID.replace(MAIL_READ, GRAPH_API)) is None


@pytest.mark.parametrize(("code", "is_gone"), [("Request_ResourceNotFound", True), ("", False), ("Other", False)])
def test_only_a_holder_that_the_directory_says_is_gone_has_none(*, code: str, is_gone: bool) -> None:
    missing = answer_of({"error": {"code": code, "message": ""}}, 404)
    tenant = FakeTenant(spoil=lambda _number, _request: missing)
    if is_gone:
        assert KIND.read(tenant.edges(), _ID) is None
        return
    with pytest.raises(Rejected):
        KIND.read(tenant.edges(), _ID)


@pytest.mark.parametrize("evil", ["", "x", f"{_ID}/..", _ID[:-1], _ID.replace("/", "/../", 1)])
def test_nothing_but_ids_gets_into_a_request(evil: str) -> None:
    tenant = FakeTenant(app_roles=[app_role()])
    with pytest.raises(BadIdentifier):
        KIND.read(tenant.edges(), evil)
    assert tenant.log == []


def test_what_the_apis_gave_that_hold_the_tenants_data_is_read() -> None:
    user = app_role(role=_OTHER, name="2") | {"principalType": "User"}
    elsewhere = app_role(api=_OTHER, name="3")
    tenant = FakeTenant(app_roles=[app_role(), user, elsewhere], apis={_GRAPH: GRAPH_API, "another": _OTHER})
    assert KIND.inventory.read(tenant.edges()) == {_ID: app_role()}
    asked = {each.query["$filter"] for each in tenant.log if each.url == "/servicePrincipals"}
    assert asked == {f"appId eq '{app_id}'" for app_id in API_NAMES}


def test_one_that_was_given_may_be_taken_away_and_its_holder_loses() -> None:
    assert objections(KIND, FakeTenant().edges(), _ID, app_role(), {}) == {}
    held = leaves(app_role())
    assert KIND.loses(held, {}) == KIND.gains({}, held) == {APPLICATION}
    assert KIND.loses({}, held) == KIND.gains(held, {}) == frozenset()


def test_none_is_ever_given_and_the_page_has_the_command() -> None:
    found = objections(KIND, FakeTenant().edges(), _ID, None, leaves(app_role()))[WHOLE]
    assert (found.guard, found.can_pass) == ("never-given", False)
    *command, body = shlex.split(found.by_hand)
    assert command == ["az", "rest", "--method", "POST", "--url", _URL, "--body"]
    assert json.loads(body) == {"principalId": APPLICATION, "resourceId": GRAPH_API, "appRoleId": MAIL_READ}
    tenant = FakeTenant()
    for write in (
        write_of(KIND, _ID, None, leaves(app_role())),
        write_of(KIND, _ID, app_role(), leaves(app_role(role=_OTHER))),
    ):
        with pytest.raises(Rejected, match="never gives"):
            KIND.write(tenant.edges(), write)
    assert tenant.log == []


def test_it_is_taken_away_where_somebody_granted_the_permission() -> None:
    kept = app_role(role=_OTHER, name="2")
    tenant = FakeTenant(app_roles=[app_role(), kept])
    assert KIND.write(tenant.edges(), write_of(KIND, _ID, app_role(), {})) == _ID
    assert tenant.app_roles == [kept]
    with pytest.raises(DoneAlready):
        KIND.write(tenant.edges(), write_of(KIND, _ID, app_role(), {}))


def test_without_the_permission_the_page_has_the_command() -> None:
    tenant = FakeTenant(app_roles=[app_role()], granted=set(Permission) - {Permission.APP_ROLE_WRITE})
    with pytest.raises(Refused) as refused:
        KIND.write(tenant.edges(), write_of(KIND, _ID, app_role(), {}))
    command = ["az", "rest", "--method", "DELETE", "--url", f"{_URL}/{app_role()['id']}"]
    assert shlex.split(refused.value.by_hand) == command
    assert tenant.app_roles == [app_role()]


def test_a_lost_answer_is_no_refusal() -> None:
    tenant = FakeTenant(app_roles=[app_role()], lose=frozenset({0}))
    with pytest.raises(Unreachable):
        KIND.write(tenant.edges(), write_of(KIND, _ID, app_role(), {}))
