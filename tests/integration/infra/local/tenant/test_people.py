from urllib.parse import quote

import httpx
import pytest

from infra.local import world
from infra.local.tenant.control import TenantControl
from infra.local.world import Group, Json, Principal
from tests.integration.infra.local.tenant.conftest import Acting
from tests.integration.infra.local.tenant.polling import eventually

_GRAPH = "https://graph.microsoft.com/v1.0"
_ROLES = "/v1.0/roleManagement/directory/roleAssignments"


def _ids(client: httpx.Client, path: str) -> list[str]:
    return [each["id"] for each in client.get(f"/v1.0{path}").raise_for_status().json()["value"]]


def _members(group: Group, which: str = "members") -> str:
    return f"/groups/{group.id}/{which}"


def _add(client: httpx.Client, group: Group, member: Principal | Group) -> httpx.Response:
    reference = {"@odata.id": f"{_GRAPH}/directoryObjects/{member.id}"}
    return client.post(f"/v1.0{_members(group)}/$ref", json=reference)


def _remove(client: httpx.Client, group: Group, member: Principal | Group) -> httpx.Response:
    return client.delete(f"/v1.0{_members(group)}/{member.id}/$ref")


def _record(client: httpx.Client, activity: str) -> Json:
    def read() -> list[Json]:
        records = client.get("/v1.0/auditLogs/directoryAudits").json()["value"]
        return [record for record in records if record["activityDisplayName"] == activity]

    return eventually(read, bool)[0]


def test_registered_methods_are_reported_of_enabled_users_alone(alice: httpx.Client, control: TenantControl) -> None:
    path = f"/v1.0/reports/authenticationMethods/userRegistrationDetails/{world.BREAK_GLASS_1.id}"
    assert alice.get(path).raise_for_status().json()["methodsRegistered"] == ["passKeyDeviceBound"]
    control.settings(disabled_accounts=[world.BREAK_GLASS_1.id])
    assert alice.get(path).status_code == 404


def test_groups_in_groups(alice: httpx.Client) -> None:
    group = world.OUTER_CIRCLE
    assert _ids(alice, _members(group)) == [world.ERIN.id, world.CONTRACTORS.id]
    below = _members(group, "transitiveMembers")
    assert _ids(alice, below) == [world.ERIN.id, world.CONTRACTORS.id, world.GINA.id]
    assert _ids(alice, f"{below}/microsoft.graph.user") == [world.ERIN.id, world.GINA.id]
    assert _ids(alice, f"{below}/microsoft.graph.group") == [world.CONTRACTORS.id]


def test_what_somebody_is_in(alice: httpx.Client) -> None:
    gina = f"/users/{world.GINA.id}"
    assert _ids(alice, f"{gina}/memberOf") == [world.CONTRACTORS.id]
    assert _ids(alice, f"{gina}/transitiveMemberOf") == [world.CONTRACTORS.id, world.OUTER_CIRCLE.id]
    by_name = quote(str(world.GINA.upn))
    assert _ids(alice, f"/users/{by_name}/memberOf") == [world.CONTRACTORS.id]
    answer = alice.post(f"/v1.0{gina}/getMemberObjects", json={"securityEnabledOnly": False})
    assert answer.json()["value"] == [world.CONTRACTORS.id, world.OUTER_CIRCLE.id]


def test_roles_are_told_beside_groups_those_of_groups_too(alice: httpx.Client) -> None:
    mallory = f"/v1.0/users/{world.MALLORY.id}"
    objects = alice.get(f"{mallory}/transitiveMemberOf").json()["value"]
    roles = [each for each in objects if each["@odata.type"] == "#microsoft.graph.directoryRole"]
    assert [each["roleTemplateId"] for each in roles] == [world.PRIVILEGED_ROLE_ADMINISTRATOR]
    assert roles[0]["id"] != world.PRIVILEGED_ROLE_ADMINISTRATOR
    assert roles[0]["id"] not in _ids(alice, f"/users/{world.MALLORY.id}/memberOf")
    wanted = {"securityEnabledOnly": False}
    everything = alice.post(f"{mallory}/getMemberObjects", json=wanted).json()["value"]
    only_groups = alice.post(f"{mallory}/getMemberGroups", json=wanted).json()["value"]
    assert set(everything) - set(only_groups) == {roles[0]["id"]}
    assert set(only_groups) == {world.ROLE_ADMINISTRATORS.id, world.EVERYBODY.id}
    assert alice.post(f"{mallory}/getMemberObjects", json={}).status_code == 400


def test_groups_in_a_ring_end(alice: httpx.Client) -> None:
    assert _add(alice, world.CONTRACTORS, world.OUTER_CIRCLE).status_code == 204
    inside = set(_ids(alice, _members(world.OUTER_CIRCLE, "transitiveMembers")))
    assert {world.CONTRACTORS.id, world.GINA.id, world.ERIN.id} <= inside


def test_members_come_and_go(alice: httpx.Client) -> None:
    assert _add(alice, world.EVERYBODY, world.BREAK_GLASS_1).status_code == 204
    again = _add(alice, world.EVERYBODY, world.BREAK_GLASS_1)
    assert (again.status_code, "already exist" in again.json()["error"]["message"]) == (400, True)
    assert world.EVERYBODY.id in _ids(alice, f"/users/{world.BREAK_GLASS_1.id}/transitiveMemberOf")
    assert [_remove(alice, world.EVERYBODY, world.BREAK_GLASS_1).status_code for _ in range(2)] == [204, 404]
    assert world.BREAK_GLASS_1.id not in _ids(alice, _members(world.EVERYBODY))
    nobody = Principal(id="0badc0de-0000-4000-8000-000000000001", name="", kind="user", tenant="")
    assert _add(alice, world.EVERYBODY, nobody).status_code == 404


@pytest.mark.parametrize(
    ("verb", "side", "other"),
    [("Add member to", "newValue", "oldValue"), ("Remove member from", "oldValue", "newValue")],
)
def test_changes_of_members_are_logged(alice: httpx.Client, verb: str, side: str, other: str) -> None:
    _add(alice, world.EVERYBODY, world.TRUDY).raise_for_status()
    _remove(alice, world.EVERYBODY, world.TRUDY).raise_for_status()
    record = _record(alice, f"{verb} group")
    member, group = record["targetResources"]
    assert (member["id"], member["type"], member["userPrincipalName"]) == (world.TRUDY.id, "User", world.TRUDY.upn)
    assert (group["id"], group["type"]) == (world.EVERYBODY.id, "Group")
    assert member["modifiedProperties"][0] == {
        "displayName": "Group.ObjectID",
        side: f'"{world.EVERYBODY.id}"',
        other: None,
    }
    assert (record["loggedByService"], record["category"]) == ("Core Directory", "GroupManagement")


def test_members_of_a_role_assignable_group_need_more(control: TenantControl, acting: Acting) -> None:
    control.grant(world.RESPONDER, "GroupMember.ReadWrite.All")
    responder = acting(world.RESPONDER)
    assert _add(responder, world.EVERYBODY, world.TRUDY).status_code == 204
    assert _add(responder, world.REPORT_READERS, world.TRUDY).status_code == 403
    control.grant(world.RESPONDER, "RoleManagement.ReadWrite.Directory")
    assert _add(acting(world.RESPONDER), world.REPORT_READERS, world.TRUDY).status_code == 204


def test_a_group_can_be_deleted(alice: httpx.Client) -> None:
    assert alice.delete(f"/v1.0/groups/{world.CONTRACTORS.id}").status_code == 204
    assert alice.get(f"/v1.0/groups/{world.CONTRACTORS.id}").status_code == 404
    assert _ids(alice, _members(world.OUTER_CIRCLE, "transitiveMembers")) == [world.ERIN.id]


def test_one_groups_members_can_be_stale(control: TenantControl, alice: httpx.Client) -> None:
    control.stale(world.EVERYBODY.id, seconds=60)
    _add(alice, world.EVERYBODY, world.TRUDY).raise_for_status()
    assert world.TRUDY.id not in _ids(alice, _members(world.EVERYBODY))
    assert world.TRUDY.id in control.state()[world.WORKFORCE_TENANT]["groupMembers"][world.EVERYBODY.id]


def test_a_guest_is_told_from_a_member(alice: httpx.Client) -> None:
    names = {"$select": "userType,externalUserState"}
    shown = [alice.get(f"/v1.0/users/{each.id}", params=names).json() for each in (world.GINA, world.DAVE)]
    assert [each["userType"] for each in shown] == ["Guest", "Member"]


def test_accounts_are_disabled_and_enabled(alice: httpx.Client) -> None:
    path = f"/v1.0/users/{world.MALLORY.id}"
    for enabled, activity in ((False, "Disable account"), (True, "Enable account")):
        assert alice.patch(path, json={"accountEnabled": enabled}).status_code == 204
        assert alice.get(path, params={"$select": "accountEnabled"}).json()["accountEnabled"] is enabled
        (change,) = _record(alice, activity)["targetResources"][0]["modifiedProperties"]
        assert change["newValue"] == f"[{str(enabled).lower()}]"
    assert alice.patch(path, json={"displayName": "x"}).status_code == 400


def test_who_was_deleted_is_in_no_group(control: TenantControl, alice: httpx.Client) -> None:
    control.settings(deleted_accounts=[world.GINA.id])
    assert _ids(alice, _members(world.CONTRACTORS)) == []
    assert alice.get(f"/v1.0/users/{world.GINA.id}/memberOf").status_code == 404


def test_directory_roles_are_given_and_taken(alice: httpx.Client) -> None:
    wanted = {"principalId": world.DAVE.id, "roleDefinitionId": world.GLOBAL_ADMINISTRATOR, "directoryScopeId": "/"}
    given = alice.post(_ROLES, json=wanted)
    assert given.status_code == 201
    assert alice.post(_ROLES, json=wanted).status_code == 400
    path = f"{_ROLES}/{given.json()['id']}"
    assert alice.get(path).json()["principalId"] == world.DAVE.id
    member, role = _record(alice, "Add member to role")["targetResources"]
    assert (member["id"], role["type"]) == (world.DAVE.id, "Role")
    template = next(each for each in member["modifiedProperties"] if each["displayName"] == "Role.TemplateId")
    assert template["newValue"] == f'"{world.GLOBAL_ADMINISTRATOR}"'
    assert [alice.delete(path).status_code for _ in range(2)] == [204, 404]
    _record(alice, "Remove member from role")


def test_the_last_global_administrator_stays(alice: httpx.Client) -> None:
    query = {"$filter": f"roleDefinitionId eq '{world.GLOBAL_ADMINISTRATOR}'"}
    held = [each["id"] for each in alice.get(_ROLES, params=query).json()["value"]]
    assert [alice.delete(f"{_ROLES}/{each}").status_code for each in held] == [204, 204, 400]


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", f"/users/{world.GINA.id}/transitiveMemberOf", {"User.Read.All"}),
        ("GET", f"/users/{world.GINA.id}/transitiveMemberOf/microsoft.graph.group", {"GroupMember.Read.All"}),
        ("POST", f"/users/{world.GINA.id}/getMemberObjects", {"User.Read.All", "GroupMember.Read.All"}),
        ("GET", f"/groups/{world.EVERYBODY.id}/members", {"GroupMember.Read.All"}),
        ("POST", "/roleManagement/directory/roleAssignments", {"RoleManagement.ReadWrite.Directory"}),
    ],
)
def test_an_application_needs_permissions(
    control: TenantControl, acting: Acting, method: str, path: str, needed: set[str]
) -> None:
    def ask() -> int:
        return acting(world.RESPONDER).request(method, f"/v1.0{path}", json={"securityEnabledOnly": True}).status_code

    control.revoke(world.RESPONDER, *world.GRAPH_ROLES[world.RESPONDER.id])
    assert ask() == 403
    control.grant(world.RESPONDER, *needed)
    assert ask() != 403
