import httpx
import pytest

from infra.local import world
from infra.local.tenant.control import TenantControl
from infra.local.world import SUBSCRIPTION_SCOPE
from tests.integration.infra.local.tenant.conftest import Acting

_VERSION = {"api-version": "2020-05-01"}
_GROUP = world.RESOURCE_GROUP_SCOPE
_RESOURCE = f"{_GROUP}/providers/Microsoft.Storage/storageAccounts/st1"
_CAN_NOT_DELETE = {"properties": {"level": "CanNotDelete", "notes": "Ours"}}


def _lock(scope: str, name: str = "keep") -> str:
    return f"{scope}/providers/Microsoft.Authorization/locks/{name}"


def _assignment(scope: str) -> str:
    return world.role_assignment_path("0badc0de-0000-4000-8000-000000000001", scope)


@pytest.fixture
def alice(acting: Acting) -> httpx.Client:
    return acting(world.ALICE, "arm")


def _set(alice: httpx.Client, scope: str, name: str = "keep") -> None:
    alice.put(_lock(scope, name), params=_VERSION, json=_CAN_NOT_DELETE).raise_for_status()


def _assign(alice: httpx.Client, scope: str) -> str:
    role = {"roleDefinitionId": world.role_definition_id(world.READER), "principalId": world.MALLORY.id}
    path = _assignment(scope)
    alice.put(path, params=_VERSION, json={"properties": role}).raise_for_status()
    return path


_SCOPES = (SUBSCRIPTION_SCOPE, _GROUP, _RESOURCE)


@pytest.mark.parametrize("locked", _SCOPES)
@pytest.mark.parametrize("scope", _SCOPES)
def test_a_lock_keeps_assignments_at_its_scope_and_below_from_being_deleted(
    alice: httpx.Client, locked: str, scope: str
) -> None:
    _set(alice, locked)
    path = _assign(alice, scope)
    answer = alice.delete(path, params=_VERSION)
    if not scope.startswith(locked):
        assert answer.status_code == 200
        return
    assert answer.status_code == 409
    assert answer.json()["error"] == {
        "code": "ScopeLocked",
        "message": f"The scope '{path}' cannot perform delete operation because following scope(s) are locked:"
        f" '{locked}'. Please remove the lock and try again.",
    }
    assert alice.get(path, params=_VERSION).status_code == 200
    assert alice.delete(_lock(locked), params=_VERSION).status_code == 200
    assert alice.delete(path, params=_VERSION).status_code == 200


def test_every_scope_that_carries_a_lock_is_named_once(alice: httpx.Client) -> None:
    for scope, name in ((SUBSCRIPTION_SCOPE, "one"), (SUBSCRIPTION_SCOPE, "two"), (_GROUP, "keep")):
        _set(alice, scope, name)
    message = alice.delete(_assign(alice, _GROUP), params=_VERSION).json()["error"]["message"]
    assert f"are locked: '{SUBSCRIPTION_SCOPE}','{_GROUP}'. " in message


@pytest.mark.parametrize(
    ("scope", "query", "names"),
    [
        (SUBSCRIPTION_SCOPE, "", {"s", "g", "r"}),
        (SUBSCRIPTION_SCOPE, "atScope()", {"s"}),
        (_GROUP, "atScope()", {"s", "g"}),
        (_RESOURCE, "", {"s", "g", "r"}),
    ],
)
def test_locks_are_listed_with_their_ids(alice: httpx.Client, scope: str, query: str, names: set[str]) -> None:
    for locked, name in zip(_SCOPES, ("s", "g", "r"), strict=True):
        _set(alice, locked, name)
    params = _VERSION | ({"$filter": query} if query else {})
    found = alice.get(_lock(scope, "").rstrip("/"), params=params).raise_for_status().json()["value"]
    assert {each["name"] for each in found} == names
    assert all(each["id"].endswith(f"/locks/{each['name']}") for each in found)


def test_what_is_no_lock_is_refused(alice: httpx.Client, acting: Acting) -> None:
    assert alice.put(_lock(_GROUP), params=_VERSION, json={"properties": {"level": "Never"}}).status_code == 400
    assert alice.delete(_lock(_GROUP), params=_VERSION).status_code == 404
    listing = _lock(_GROUP, "").rstrip("/")
    assert alice.get(listing, params=_VERSION | {"$filter": "level eq 'ReadOnly'"}).status_code == 400
    assert alice.delete(listing, params=_VERSION).status_code == 405
    pipeline = acting(world.RELEASE_PIPELINE, "arm")
    assert pipeline.put(_lock(_GROUP), params=_VERSION, json=_CAN_NOT_DELETE).status_code == 403


def test_a_reset_takes_every_lock_away(alice: httpx.Client, control: TenantControl) -> None:
    _set(alice, _GROUP)
    control.reset()
    assert alice.get(_lock(_GROUP), params=_VERSION).status_code == 404
