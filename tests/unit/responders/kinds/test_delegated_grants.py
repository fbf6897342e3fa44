"""What applications were allowed to do in everybody's name: scopes, what records say of them, how they are taken."""

import copy
import json
import shlex
from typing import Any, Final, cast

import msgspec
import pytest

from infra.local.tenant.simulated.delegated_grants import SIMULATED
from responders.detections.directory_samples import APPLICATION, delegated_record
from responders.kinds.delegated_grants import DELEGATED_GRANT, leaves
from shared.model.calls import Permission
from shared.model.errors import BadIdentifier, DoneAlready, Refused, Rejected
from shared.model.kinds import Image, ObjectKind
from shared.model.objects import EXISTS, WHOLE, Op, Recorded
from shared.normalize.audit import from_graph
from tests.fakes.kinds import objections, write_of
from tests.fakes.situations import AT
from tests.fakes.tenant import FakeTenant

KIND: Final = DELEGATED_GRANT
STANDS: Final = SIMULATED.samples[0].image
_ID: Final = SIMULATED.samples[0].object_id
_API: Final = "ce7199b4-8f52-46f3-b54b-4fd81de961e2"
_CLIENT: Final = {EXISTS: True, "clientId": STANDS["clientId"]}
_READ: Final = _CLIENT | {"scope[user.read]": "User.Read"}


def _with(*scopes: str) -> Image:
    return copy.deepcopy(STANDS) | {"scope": list(scopes)}


def _tenant(image: Image = STANDS, **more: Any) -> FakeTenant:  # noqa: ANN401 - the tenant's fields
    tenant = FakeTenant(**more)
    tenant.shelves[ObjectKind.DELEGATED_GRANT][_ID] = copy.deepcopy(image)
    return tenant


def test_each_scope_is_a_leaf_of_what_an_application_may_do_with_an_api() -> None:
    assert leaves(STANDS) == _READ
    assert KIND.id_of(STANDS) == _ID == f"{STANDS['clientId']}/{STANDS['resourceId']}".lower()
    assert KIND.rules.same("scope[a]", "A", "a")
    assert not KIND.rules.same("scope[a]", "A", None)


def test_the_one_for_everybody_is_read_and_none_of_a_user() -> None:
    tenant = _tenant()
    mine = STANDS | {"consentType": "Principal", "principalId": APPLICATION, "id": "bWluZQ", "scope": ["Mail.Read"]}
    tenant.shelves[ObjectKind.USER_GRANT][f"{_ID}/{APPLICATION}"] = mine
    assert KIND.read(tenant.edges(), _ID.upper()) == STANDS
    assert KIND.inventory.read(tenant.edges()) == {_ID: STANDS}
    assert KIND.read(tenant.edges(), f"{APPLICATION}/{_API}") is None
    for evil in ("", f"{_ID}/x", "x' or '1' eq '1/y"):
        with pytest.raises(BadIdentifier):
            KIND.read(tenant.edges(), evil)


# What records say.


def _recorded(scope: str, **more: object) -> tuple[Recorded, ...]:
    record = delegated_record(scope, **cast("dict[str, Any]", {"consent": "AllPrincipals"} | more))
    return KIND.recorded(from_graph(msgspec.Raw(msgspec.json.encode(record)), AT, "t"))


_OF: Final = {EXISTS: True, "clientId": APPLICATION}


def test_a_record_tells_which_scopes_came_and_went() -> None:
    (given,) = _recorded(" Mail.Read User.Read")
    both = _OF | {"scope[mail.read]": "Mail.Read", "scope[user.read]": "User.Read"}
    assert (given.object_id, given.op, given.is_whole) == (f"{APPLICATION}/{_API}", Op.CREATE, True)
    assert given.wrote == {leaf: (None, value) for leaf, value in both.items()}
    assert given.name == "Microsoft Graph for Order portal"
    (wider,) = _recorded("User.Read Mail.Read", before="user.read")
    assert (wider.op, wider.wrote) == (Op.UPDATE, {"scope[mail.read]": (None, "Mail.Read")})
    (narrower,) = _recorded("User.Read", before="User.Read Mail.Read", activity="Remove delegated permission grant")
    assert (narrower.op, narrower.wrote) == (Op.UPDATE, {"scope[mail.read]": ("Mail.Read", None)})
    (gone,) = _recorded("", before="User.Read", activity="Remove delegated permission grant")
    assert (gone.op, gone.wrote[EXISTS], gone.wrote["scope[user.read]"]) == (
        Op.DELETE,
        (True, None),
        ("User.Read", None),
    )
    (silent,) = _recorded("")
    assert (silent.op, silent.wrote, silent.is_whole) == (Op.UPDATE, {}, False)


@pytest.mark.parametrize(
    "more",
    [
        {"consent": "Principal"},
        {"result": "failure"},
        {"loggedByService": "B2C"},
        {"activity": "Consent to application"},
        {"targetResources": []},
    ],
    ids=str,
)
def test_other_records_are_about_none(more: dict[str, Any]) -> None:
    assert _recorded("Mail.Read", **more) == ()


# Putting back.


def test_added_scopes_are_taken_and_the_others_stay() -> None:
    tenant = _tenant(_with("User.Read", "Mail.ReadWrite", "offline_access"))
    stands = KIND.read(tenant.edges(), _ID)
    assert KIND.write(tenant.edges(), write_of(KIND, _ID, stands, _READ)) == _ID
    assert tenant.shelves[ObjectKind.DELEGATED_GRANT][_ID]["scope"] == ["User.Read"]
    assert [each.method for each in tenant.writes] == ["PATCH"]


@pytest.mark.parametrize("target", [{}, _CLIENT], ids=["gone", "without scopes"])
def test_one_of_which_nothing_stays_is_deleted(target: Image) -> None:
    tenant = _tenant()
    KIND.write(tenant.edges(), write_of(KIND, _ID, STANDS, target))
    assert tenant.shelves[ObjectKind.DELEGATED_GRANT] == {}
    with pytest.raises(DoneAlready):
        KIND.write(tenant.edges(), write_of(KIND, _ID, STANDS, target))


def test_without_the_permission_the_page_has_the_command() -> None:
    wide = _with("User.Read", "Mail.ReadWrite")
    tenant = _tenant(wide, granted=set(Permission) - {Permission.DELEGATED_GRANT_WRITE})
    for target, method in ((_READ, "PATCH"), ({}, "DELETE")):
        with pytest.raises(Refused) as refused:
            KIND.write(tenant.edges(), write_of(KIND, _ID, wide, target))
        command = shlex.split(refused.value.by_hand)
        url = f"https://graph.microsoft.com/v1.0/oauth2PermissionGrants/{wide['id']}"
        assert command[:6] == ["az", "rest", "--method", method, "--url", url]
        assert method == "DELETE" or json.loads(command[-1]) == {"scope": "User.Read"}


def test_no_scope_is_ever_given_and_the_page_has_the_command() -> None:
    wanted = leaves(_with("User.Read", "Mail.Read"))
    found = objections(KIND, FakeTenant().edges(), _ID, _with("User.Read", "Files.Read"), wanted)
    assert found.keys() == {"scope[mail.read]"}, "and what somebody added may be taken"
    assert json.loads(shlex.split(found["scope[mail.read]"].by_hand)[-1]) == {"scope": "Mail.Read User.Read"}
    again = objections(KIND, FakeTenant().edges(), _ID, None, wanted)[WHOLE]
    body = json.loads(shlex.split(again.by_hand)[-1])
    assert (again.can_pass, body["consentType"], body["scope"]) == (False, "AllPrincipals", "Mail.Read User.Read")
    with pytest.raises(Rejected, match="never allows"):
        KIND.write(FakeTenant().edges(), write_of(KIND, _ID, None, wanted))
    assert objections(KIND, FakeTenant().edges(), _ID, STANDS, {}) == {}


def test_the_application_is_who_loses() -> None:
    client = frozenset({STANDS["clientId"]})
    assert KIND.loses(_READ, {}) == KIND.loses(_READ, _CLIENT) == client
    assert KIND.loses(_READ, _READ | {"scope[mail.read]": "Mail.Read"}) == KIND.loses({}, _READ) == frozenset()


def test_what_went_with_its_application_is_nobodys_change() -> None:
    assert KIND.is_orphan is not None
    there = {each: {"id": each} for each in (STANDS["clientId"], STANDS["resourceId"])}
    assert not KIND.is_orphan(FakeTenant(principals=there).edges(), _ID)
    del there[STANDS["clientId"]]
    assert KIND.is_orphan(FakeTenant(principals=there).edges(), _ID)
