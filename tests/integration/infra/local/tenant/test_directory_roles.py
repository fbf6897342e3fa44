import httpx
import pytest

from infra.local import world
from infra.local.tenant.control import TenantControl
from infra.local.world import Json
from tests.integration.infra.local.tenant.conftest import Acting, Ready

_ROLES = "/v1.0/roleManagement/directory"
_ASSIGNMENTS = f"{_ROLES}/roleAssignments"
_ELIGIBILITIES = f"{_ROLES}/roleEligibilityScheduleInstances"
_GROUPS = "/v1.0/groups"
_GROUP_ELIGIBILITIES = "/v1.0/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances"
_OF_ROLE_ADMINISTRATORS = {"$filter": f"groupId eq '{world.ROLE_ADMINISTRATORS.id}'"}


def _values(answer: httpx.Response) -> list[Json]:
    assert answer.status_code == 200, answer.text
    return answer.json()["value"]


def _refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_each_tenant_has_its_own_assignments(alice: httpx.Client, carol: httpx.Client) -> None:
    held = [{each["principalId"] for each in _values(client.get(_ASSIGNMENTS))} for client in (alice, carol)]
    assert world.ROLE_ADMINISTRATORS.id in held[0]
    assert held[1] == {world.CAROL.id, world.BOB_B2C.id}
    assert not held[0] & held[1]


def test_assignments_are_filtered_by_role_and_by_principal(alice: httpx.Client) -> None:
    for name, value, count in (
        ("roleDefinitionId", world.GLOBAL_ADMINISTRATOR, 3),
        ("principalId", world.ALICE.id, 1),
        ("principalId", world.DAVE.id, 0),
    ):
        found = _values(alice.get(_ASSIGNMENTS, params={"$filter": f"{name} eq '{value}'"}))
        assert len(found) == count
        assert all(each[name] == value for each in found)


@pytest.mark.parametrize(
    "clause",
    ["principalId ne 'x'", "scope eq '/'", "principalId eq x", "principalId eq 'x' or roleDefinitionId eq 'y'"],
)
def test_other_filters_are_refused(alice: httpx.Client, clause: str) -> None:
    answer = alice.get(_ASSIGNMENTS, params={"$filter": clause})
    assert _refusal(answer) == (400, "Request_UnsupportedQuery")


def test_custom_roles_are_told_from_built_in_ones(alice: httpx.Client, carol: httpx.Client) -> None:
    custom = {"$filter": "isBuiltIn eq false"}
    assert [each["id"] for each in _values(alice.get(f"{_ROLES}/roleDefinitions", params=custom))] == [
        world.CUSTOM_DIRECTORY_ROLE
    ]
    assert _values(carol.get(f"{_ROLES}/roleDefinitions", params=custom)) == []
    built_in = _values(alice.get(f"{_ROLES}/roleDefinitions", params={"$filter": "isBuiltIn eq true"}))
    assert {each["templateId"] for each in built_in} == set(world.DIRECTORY_ROLE_NAMES)


def test_groups_by_what_can_be_given_to_them(alice: httpx.Client, carol: httpx.Client) -> None:
    query = {"$filter": "isAssignableToRole eq true", "$select": "id"}
    assert _values(alice.get(_GROUPS, params=query)) == [
        {"id": world.ROLE_ADMINISTRATORS.id},
        {"id": world.REPORT_READERS.id},
    ]
    assert len(_values(alice.get(_GROUPS))) == len(world.GROUPS)
    assert _values(carol.get(_GROUPS)) == []


def test_members_and_owners(alice: httpx.Client, carol: httpx.Client) -> None:
    group = f"{_GROUPS}/{world.ROLE_ADMINISTRATORS.id}"
    (member,) = _values(alice.get(f"{group}/transitiveMembers"))
    assert (member["@odata.type"], member["id"]) == ("#microsoft.graph.user", world.MALLORY.id)
    assert [each["id"] for each in _values(alice.get(f"{group}/owners"))] == [world.ALICE.id]
    for client, path in ((carol, group), (alice, f"{_GROUPS}/{world.DAVE.id}")):
        for part in ("transitiveMembers", "owners"):
            assert _refusal(client.get(f"{path}/{part}")) == (404, "Request_ResourceNotFound")


def test_a_group_that_hides_its_members_looks_empty(control: TenantControl, alice: httpx.Client) -> None:
    control.settings(hidden_groups=[world.ROLE_ADMINISTRATORS.id])
    assert _values(alice.get(f"{_GROUPS}/{world.ROLE_ADMINISTRATORS.id}/transitiveMembers")) == []
    shown = {each["id"]: each["visibility"] for each in _values(alice.get(_GROUPS))}
    assert shown[world.ROLE_ADMINISTRATORS.id] == "HiddenMembership"
    assert shown[world.REPORT_READERS.id] is None


def test_who_is_eligible(alice: httpx.Client) -> None:
    (eligible,) = _values(alice.get(_ELIGIBILITIES))
    assert (eligible["principalId"], eligible["roleDefinitionId"]) == (world.ERIN.id, world.HELPDESK_ADMINISTRATOR)
    (eligible,) = _values(alice.get(_GROUP_ELIGIBILITIES, params=_OF_ROLE_ADMINISTRATORS))
    assert (eligible["principalId"], eligible["accessId"]) == (world.TRUDY.id, "member")
    assert _refusal(alice.get(_GROUP_ELIGIBILITIES)) == (400, "MissingParameters")


def test_without_the_licence_nobody_is_told_who_is_eligible(
    control: TenantControl, alice: httpx.Client, carol: httpx.Client
) -> None:
    for client in (carol, alice):
        for path in (_ELIGIBILITIES, _GROUP_ELIGIBILITIES):
            answer = client.get(path, params=_OF_ROLE_ADMINISTRATORS if path is _GROUP_ELIGIBILITIES else {})
            assert _refusal(answer) == (400, "AadPremiumLicenseRequired")
        control.settings(has_pim=False)


def test_lists_in_pages_of_the_set_size(control: TenantControl, tenant: Ready, alice: httpx.Client) -> None:
    control.settings(directory_page_size=2)
    found: list[str] = []
    link = f"{tenant.graph}{_GROUPS}?$select=id"
    while link:
        answer = alice.get(link)
        found += [each["id"] for each in _values(answer)]
        link = answer.json().get("@odata.nextLink", "")
    assert found == [group.id for group in world.GROUPS]


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        (_ASSIGNMENTS, "RoleManagement.Read.Directory"),
        (f"{_ROLES}/roleDefinitions", "RoleManagement.Read.Directory"),
        (_ELIGIBILITIES, "RoleManagement.Read.Directory"),
        (_ELIGIBILITIES, "RoleEligibilitySchedule.Read.Directory"),
        (_GROUPS, "GroupMember.Read.All"),
        (f"{_GROUPS}/{world.REPORT_READERS.id}/transitiveMembers", "GroupMember.Read.All"),
        (f"{_GROUPS}/{world.REPORT_READERS.id}/owners", "Group.Read.All"),
        (_GROUP_ELIGIBILITIES, "PrivilegedEligibilitySchedule.Read.AzureADGroup"),
    ],
)
def test_an_application_needs_one_of_the_permissions(
    control: TenantControl, acting: Acting, path: str, needed: str
) -> None:
    query = _OF_ROLE_ADMINISTRATORS if path is _GROUP_ELIGIBILITIES else {}
    control.revoke(world.RESPONDER, *world.GRAPH_ROLES[world.RESPONDER.id])
    answer = acting(world.RESPONDER).get(path, params=query)
    assert _refusal(answer) == (403, "Authorization_RequestDenied")
    control.grant(world.RESPONDER, needed)
    _values(acting(world.RESPONDER).get(path, params=query))
