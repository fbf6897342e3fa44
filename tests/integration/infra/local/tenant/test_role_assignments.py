import uuid

import httpx
import pytest

from infra.local import world
from infra.local.tenant.control import TenantControl
from infra.local.world import Json, Principal
from tests.integration.infra.local.tenant.conftest import Acting, Ready

_VERSION = {"api-version": "2022-04-01"}
_LIST = f"{world.SUBSCRIPTION_SCOPE}/providers/Microsoft.Authorization/roleAssignments"
_NEW = "0badc0de-0000-4000-8000-000000000001"


@pytest.fixture
def arm(acting: Acting) -> httpx.Client:
    return acting(world.ALICE, "arm")


def _path(name: str = _NEW, scope: str = world.SUBSCRIPTION_SCOPE) -> str:
    return world.role_assignment_path(name, scope)


def _body(principal: Principal = world.MALLORY, role: str = world.READER, **more: object) -> Json:
    return {"properties": {"roleDefinitionId": world.role_definition_id(role), "principalId": principal.id} | more}


def _put(client: httpx.Client, path: str, body: object) -> httpx.Response:
    return client.put(path, params=_VERSION, json=body)


def _refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def _listed(client: httpx.Client, path: str = _LIST, **params: str) -> list[str]:
    answer = client.get(path, params=_VERSION | params).raise_for_status()
    return [assignment["name"] for assignment in answer.json()["value"]]


def test_the_api_version_is_required(arm: httpx.Client) -> None:
    for path in ("/subscriptions", _LIST, _path(world.ALICE_OWNER.id)):
        assert _refusal(arm.get(path)) == (400, "MissingApiVersionParameter")
    assert _refusal(arm.get(_LIST, params={"api-version": "newest"})) == (400, "InvalidApiVersionParameter")


def test_reads_subscriptions(arm: httpx.Client) -> None:
    (subscription,) = arm.get("/subscriptions", params=_VERSION).json()["value"]
    assert (subscription["subscriptionId"], subscription["tenantId"]) == (world.SUBSCRIPTION, world.WORKFORCE_TENANT)
    assert arm.get(f"/subscriptions/{world.SUBSCRIPTION}", params=_VERSION).json() == subscription
    unknown = arm.get(f"/subscriptions/{uuid.uuid4()}", params=_VERSION)
    assert _refusal(unknown) == (404, "SubscriptionNotFound")


def test_tokens_are_checked(tenant: Ready, anonymous: httpx.Client, control: TenantControl, acting: Acting) -> None:
    def get(headers: dict[str, str]) -> httpx.Response:
        return anonymous.get(f"{tenant.arm}{_LIST}", params=_VERSION, headers=headers)

    assert _refusal(get({})) == (401, "AuthenticationFailed")
    assert _refusal(get({"Authorization": "Bearer x"})) == (401, "InvalidAuthenticationToken")
    expired = control.token(world.ALICE, "arm", lifetime=-60)
    assert _refusal(get({"Authorization": f"Bearer {expired}"})) == (401, "ExpiredAuthenticationToken")
    assert _refusal(acting(world.ALICE).get(_LIST, params=_VERSION)) == (401, "InvalidAuthenticationTokenAudience")
    other_tenant = acting(world.CAROL, "arm").get(_LIST, params=_VERSION)
    assert _refusal(other_tenant) == (401, "InvalidAuthenticationTokenTenant")


def test_reads_a_seeded_assignment(arm: httpx.Client) -> None:
    assignment = arm.get(_path(world.ALICE_OWNER.id), params=_VERSION).json()
    assert assignment["id"] == _path(world.ALICE_OWNER.id)
    assert assignment["type"] == "Microsoft.Authorization/roleAssignments"
    properties = assignment["properties"]
    assert properties["principalId"] == world.ALICE.id
    assert properties["principalType"] == "User"
    assert properties["roleDefinitionId"].endswith(world.OWNER)
    assert properties["scope"] == world.SUBSCRIPTION_SCOPE
    assert _refusal(arm.get(_path(), params=_VERSION)) == (404, "RoleAssignmentNotFound")


def test_paths_do_not_tell_upper_from_lower_case(arm: httpx.Client) -> None:
    lower = _path(world.ALICE_OWNER.id).replace("roleAssignments", "roleassignments").replace("Microsoft", "microsoft")
    assert arm.get(lower, params=_VERSION).json()["name"] == world.ALICE_OWNER.id


@pytest.mark.parametrize("scope", [world.SUBSCRIPTION_SCOPE, world.RESOURCE_GROUP_SCOPE, world.STORAGE_ACCOUNT_SCOPE])
def test_creates_and_deletes_at_each_kind_of_scope(arm: httpx.Client, scope: str) -> None:
    created = _put(arm, _path(scope=scope), _body(description="for a while"))
    assert created.status_code == 201
    properties = created.json()["properties"]
    assert (properties["scope"], properties["principalType"]) == (scope, "User")
    assert (properties["createdBy"], properties["updatedBy"]) == (None, world.ALICE.id)
    assert properties["createdOn"] == properties["updatedOn"]
    assert (properties["description"], properties["condition"], properties["conditionVersion"]) == (
        "for a while",
        None,
        None,
    )
    standing = arm.get(_path(scope=scope), params=_VERSION).json()
    assert standing["properties"] == properties | {"createdBy": world.ALICE.id}
    deleted = arm.delete(_path(scope=scope), params=_VERSION)
    assert (deleted.status_code, deleted.json()) == (200, standing)
    again = arm.delete(_path(scope=scope), params=_VERSION)
    assert (again.status_code, again.content) == (204, b"")


def test_a_deleted_assignment_can_be_put_back_under_its_id(arm: httpx.Client) -> None:
    path = _path(world.RELEASE_PIPELINE_CONTRIBUTOR.id)
    before = arm.delete(path, params=_VERSION).json()
    assert _put(arm, path, {"properties": before["properties"]}).status_code == 201
    after = arm.get(path, params=_VERSION).json()
    kept = ("roleDefinitionId", "principalId", "principalType", "scope", "condition")
    assert [after["properties"][name] for name in kept] == [before["properties"][name] for name in kept]


def test_updates_a_condition_in_place(arm: httpx.Client, acting: Acting) -> None:
    created = _put(arm, _path(), _body()).json()["properties"]
    condition = {"condition": "@Resource[x] StringEquals 'y'", "conditionVersion": "2.0", "description": "narrowed"}
    updated = _put(
        acting(world.RESPONDER, "arm"), _path(), _body(principal=world.MALLORY, role=world.READER, **condition)
    )
    assert updated.status_code == 201
    properties = updated.json()["properties"]
    assert {name: properties[name] for name in condition} == condition
    assert (properties["createdBy"], properties["updatedBy"]) == (world.ALICE.id, world.RESPONDER.id)
    assert properties["createdOn"] == created["createdOn"] < properties["updatedOn"]


def test_the_same_assignment_under_another_id_is_a_conflict(arm: httpx.Client) -> None:
    _put(arm, _path(), _body()).raise_for_status()
    second = str(uuid.uuid4())
    assert _refusal(_put(arm, _path(second), _body())) == (409, "RoleAssignmentExists")
    assert _put(arm, _path(second, world.RESOURCE_GROUP_SCOPE), _body()).status_code == 201


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("not-a-guid", _body(), "InvalidRoleAssignmentId"),
        (_NEW, {"properties": {"principalId": world.MALLORY.id}}, "BadRequestFormat"),
        (_NEW, {"properties": {"roleDefinitionId": world.role_definition_id(world.READER)}}, "BadRequestFormat"),
        (_NEW, [], "BadRequestFormat"),
        (_NEW, _body(role=str(uuid.UUID(int=7))), "RoleDefinitionDoesNotExist"),
        (_NEW, _body(principalId=str(uuid.UUID(int=7))), "PrincipalNotFound"),
        (_NEW, _body(principalType="ServicePrincipal"), "UnmatchedPrincipalType"),
        (world.ALICE_OWNER.id, _body(), "RoleAssignmentUpdateNotPermitted"),
    ],
)
def test_refuses_a_bad_assignment(arm: httpx.Client, name: str, body: object, code: str) -> None:
    assert _refusal(_put(arm, _path(name), body)) == (400, code)


def test_a_body_that_is_no_json_is_refused(arm: httpx.Client) -> None:
    assert _refusal(arm.put(_path(), params=_VERSION, content="{")) == (400, "InvalidRequestContent")


def test_a_principal_that_has_not_replicated_yet_needs_its_type(arm: httpx.Client) -> None:
    body = _body(principalId=str(uuid.UUID(int=7)), principalType="ServicePrincipal")
    assert _put(arm, _path(), body).status_code == 201


def test_unknown_groups_and_paths(arm: httpx.Client) -> None:
    nowhere = world.RESOURCE_GROUP_SCOPE.replace(world.RESOURCE_GROUP, "rg-none")
    assert _refusal(_put(arm, _path(scope=nowhere), _body())) == (404, "ResourceGroupNotFound")
    assert _refusal(arm.get(f"{world.RESOURCE_GROUP_SCOPE}/x", params=_VERSION)) == (404, "InvalidResourceType")
    assert _refusal(arm.patch(_path(), params=_VERSION, json={})) == (405, "HttpMethodNotAllowed")


def test_filters_a_list(arm: httpx.Client) -> None:
    below = str(uuid.uuid4())
    _put(arm, _path(below, world.STORAGE_ACCOUNT_SCOPE), _body()).raise_for_status()
    seeded = [assignment.id for assignment in world.ROLE_ASSIGNMENTS]
    assert _listed(arm) == [*seeded, below]
    assert _listed(arm, **{"$filter": "atScope()"}) == seeded
    for text in (f"principalId eq '{world.MALLORY.id}'", f"assignedTo('{world.MALLORY.id}')"):
        assert _listed(arm, **{"$filter": text}) == [below]
    both = f"atScope() and principalId eq '{world.MALLORY.id}'"
    assert _listed(arm, **{"$filter": both}) == []
    at_the_account = f"{world.STORAGE_ACCOUNT_SCOPE}/providers/Microsoft.Authorization/roleAssignments"
    assert _listed(arm, at_the_account, **{"$filter": both}) == [below]
    unsupported = arm.get(_LIST, params=_VERSION | {"$filter": "roleName eq 'Owner'"})
    assert _refusal(unsupported) == (400, "UnsupportedQuery")


def test_lists_in_pages(control: TenantControl, tenant: Ready, arm: httpx.Client) -> None:
    control.settings(arm_page_size=3)
    first = arm.get(_LIST, params=_VERSION | {"$filter": "atScope()"}).json()
    assert first["nextLink"].startswith(f"{tenant.arm}{_LIST}?")
    second = arm.get(first["nextLink"]).json()
    assert "nextLink" not in second
    names = [assignment["name"] for assignment in first["value"] + second["value"]]
    assert names == [assignment.id for assignment in world.ROLE_ASSIGNMENTS]


def test_roles_decide_who_may(acting: Acting, arm: httpx.Client) -> None:
    pipeline = acting(world.RELEASE_PIPELINE, "arm")
    assert _listed(pipeline)
    for answer in (_put(pipeline, _path(), _body()), pipeline.delete(_path(), params=_VERSION)):
        assert _refusal(answer) == (403, "AuthorizationFailed")
        assert world.RELEASE_PIPELINE.id in answer.json()["error"]["message"]
    responder = acting(world.RESPONDER, "arm")
    assert _put(responder, _path(), _body()).status_code == 201
    arm.delete(_path(world.RESPONDER_USER_ACCESS_ADMINISTRATOR.id), params=_VERSION).raise_for_status()
    assert _refusal(responder.delete(_path(), params=_VERSION)) == (403, "AuthorizationFailed")


def test_a_role_at_a_group_does_not_reach_the_subscription(
    control: TenantControl, acting: Acting, arm: httpx.Client
) -> None:
    control.settings(attackers_may_assign_roles=False)
    _put(arm, _path(scope=world.RESOURCE_GROUP_SCOPE), _body(role=world.OWNER)).raise_for_status()
    mallory = acting(world.MALLORY, "arm")
    other = str(uuid.uuid4())
    assert _refusal(_put(mallory, _path(other), _body(world.TRUDY))) == (403, "AuthorizationFailed")
    assert _put(mallory, _path(other, world.STORAGE_ACCOUNT_SCOPE), _body(world.TRUDY)).status_code == 201


@pytest.mark.parametrize("attacker", [world.MALLORY, world.TRUDY, world.IMPOSTOR])
def test_attackers_make_themselves_owner_while_the_setting_is_on(
    control: TenantControl, acting: Acting, attacker: Principal
) -> None:
    control.settings(attackers_may_assign_roles=False)
    client = acting(attacker, "arm")
    assert _refusal(_put(client, _path(), _body(attacker, world.OWNER))) == (403, "AuthorizationFailed")
    control.settings(attackers_may_assign_roles=True)
    assert _put(client, _path(), _body(attacker, world.OWNER)).status_code == 201


def test_control_gives_and_takes_single_actions(control: TenantControl, acting: Acting) -> None:
    responder, pipeline = acting(world.RESPONDER, "arm"), acting(world.RELEASE_PIPELINE, "arm")
    control.grant(world.RELEASE_PIPELINE, "Microsoft.Authorization/roleAssignments/write")
    assert _put(pipeline, _path(), _body()).status_code == 201
    control.revoke(world.RESPONDER, "Microsoft.Authorization/roleAssignments/delete")
    assert _refusal(responder.delete(_path(), params=_VERSION)) == (403, "AuthorizationFailed")
    control.grant(world.RESPONDER, "Microsoft.Authorization/roleAssignments/delete")
    assert responder.delete(_path(), params=_VERSION).status_code == 200


def test_reads_role_definitions(arm: httpx.Client) -> None:
    definitions = f"{world.SUBSCRIPTION_SCOPE}/providers/Microsoft.Authorization/roleDefinitions"
    owner = arm.get(f"{definitions}/{world.OWNER}", params=_VERSION).json()
    assert owner["properties"]["permissions"] == [{"actions": ["*"], "notActions": []}]
    names = [each["properties"]["roleName"] for each in arm.get(definitions, params=_VERSION).json()["value"]]
    assert names == list(world.RBAC_ROLE_NAMES.values())
    unknown = arm.get(f"{definitions}/{uuid.uuid4()}", params=_VERSION)
    assert _refusal(unknown) == (404, "RoleDefinitionDoesNotExist")
