"""Who is privileged and which groups roles can be given to, by what a tenant answers."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from infra.local import world
from responders.rosters import (
    AZURE_ADMINISTRATORS,
    LIST_DIRECTORY_ROLE_ASSIGNMENTS,
    LIST_GROUP_ELIGIBILITIES,
    LIST_GROUP_MEMBERS,
    LIST_GROUPS,
    POLICY_GROUPS,
    PRIVILEGED_ACCOUNTS,
    ROSTERS,
)
from shared.clients.api import Answer, TenantEdges
from shared.detect.rosters import RosterKind
from shared.model.calls import Service
from shared.model.errors import EdgeError, Refused, Rejected, Unreachable
from shared.model.kinds import TenantKind
from shared.model.privileges import AZURE_ADMINISTRATOR_ROLES, PRIVILEGED_ROLES
from shared.model.settings import Tenant
from tests.fakes.tenant import Unpaced, answer_of


def test_each_kind_is_read_once_in_each_kind_of_tenant() -> None:
    places = [(roster.kind, kind) for roster in ROSTERS for kind in roster.tenant_kinds]
    apart = (RosterKind.POLICY_GROUPS, RosterKind.AZURE_ADMINISTRATORS)
    others = {(one, kind) for one in RosterKind for kind in TenantKind if one not in apart}
    assert sorted(places) == sorted({(one, TenantKind.WORKFORCE) for one in apart} | others)


_POLICY: Final[dict[str, Any]] = {
    "id": "p",
    "state": "enabled",
    "conditions": {"users": {"excludeGroups": [world.ROLE_ADMINISTRATORS.id]}},
}


_OF_WORKLOADS: Final[dict[str, Any]] = {"users": None, "clientApplications": {}}


@pytest.mark.parametrize(
    ("policies", "groups"),
    [
        ([_POLICY], {world.ROLE_ADMINISTRATORS.id}),
        ([_POLICY | {"state": "enabledForReportingButNotEnforced"}], {world.ROLE_ADMINISTRATORS.id}),
        ([_POLICY | {"state": "disabled"}], set[str]()),
        ([_POLICY | {"conditions": _OF_WORKLOADS}], set[str]()),
        ([_POLICY | {"conditions": {"users": {"includeGroups": [world.ROLE_ADMINISTRATORS.id]}}}], set[str]()),
    ],
)
def test_the_groups_that_policies_leave_out(policies: list[dict[str, Any]], groups: set[str]) -> None:
    assert POLICY_GROUPS.read(_Tenant({"/conditionalAccess/policies": policies}).edges) == groups


@pytest.mark.parametrize("policy", [{"id": "p", "state": "enabled"}, _POLICY | {"conditions": {"users": [1]}}])
def test_a_policy_that_cannot_be_read_leaves_the_list_unknown(policy: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match="isn't as Graph writes it"):
        POLICY_GROUPS.read(_Tenant({"/conditionalAccess/policies": [policy]}).edges)


# What a tenant answers that isn't as it should be.


_NONE: Final[list[dict[str, str]]] = []


class _Tenant:
    """Answers each path with what stands under its end: images, or an answer of its own."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Mapping[str, str]]] = []

    def exchange(
        self, method: str, url: str, *, query: Mapping[str, str], body: bytes | None, content_type: str
    ) -> Answer:
        assert (method, body) == ("GET", None)
        del content_type
        self.asked.append((url, query))
        found: Any = next((value for end, value in self.answers.items() if url.endswith(end)), _NONE)
        return found if isinstance(found, Answer) else answer_of({"value": found})

    @property
    def edges(self) -> TenantEdges:
        tenant = Tenant(
            kind=TenantKind.WORKFORCE,
            id=world.WORKFORCE_TENANT,
            responder_id="",
            client_id="",
            subscriptions=frozenset({world.SUBSCRIPTION}),
        )
        transports = dict.fromkeys(Service, self)
        return TenantEdges(tenant=tenant, transports=transports, pacer=Unpaced(), wait=lambda _seconds: None)


def _held(holder: str, role: str) -> dict[str, str]:
    return {"principalId": holder, "roleDefinitionId": role}


@pytest.mark.parametrize("role", sorted(PRIVILEGED_ROLES))
def test_every_privileged_role_counts_in_whatever_spelling(role: str) -> None:
    tenant = _Tenant({"/roleAssignments": [_held(world.ALICE.id.upper(), role.upper())]})
    assert PRIVILEGED_ACCOUNTS.read(tenant.edges) == {world.ALICE.id}


def test_other_built_in_roles_do_not_count() -> None:
    tenant = _Tenant({"/roleAssignments": [_held(world.ALICE.id, world.REPORTS_READER)]})
    assert PRIVILEGED_ACCOUNTS.read(tenant.edges) == frozenset()
    assert ("/roleManagement/directory/roleDefinitions", {"$filter": "isBuiltIn eq false"}) in tenant.asked


def _refusal(status: int, code: str, message: str) -> Answer:
    return answer_of({"error": {"code": code, "message": message}}, status)


@pytest.mark.parametrize(
    "answer",
    [
        _refusal(400, "AadPremiumLicenseRequired", "The tenant needs to have Microsoft Entra ID P2"),
        _refusal(403, "AadPremiumLicenseRequired", "The tenant needs to have Microsoft Entra ID P2"),
        _refusal(403, "UnknownError", '{"errorCode":"AadPremiumLicenseRequired","message":"..."}'),
    ],
    ids=["400", "403", "within the message"],
)
def test_each_way_to_say_that_there_is_no_licence(answer: Answer) -> None:
    group = world.ROLE_ADMINISTRATORS.id
    tenant = _Tenant(
        {
            "/roleEligibilityScheduleInstances": answer,
            "/group/eligibilityScheduleInstances": answer,
            "/roleAssignments": [_held(group, world.GLOBAL_ADMINISTRATOR)],
            "/groups": [{"id": group, "visibility": None}],
            "/transitiveMembers": [{"id": world.MALLORY.id}],
        }
    )
    assert PRIVILEGED_ACCOUNTS.read(tenant.edges) == {group, world.MALLORY.id}


@pytest.mark.parametrize(
    ("end", "answer", "error"),
    [
        (call.path.rpartition("/{id}")[2], answer, error)
        for call in (LIST_DIRECTORY_ROLE_ASSIGNMENTS, LIST_GROUPS, LIST_GROUP_MEMBERS, LIST_GROUP_ELIGIBILITIES)
        for answer, error in (
            (_refusal(400, "BadRequest", "no"), Rejected),
            (_refusal(403, "UnknownError", '{"errorCode":"PermissionScopeNotGranted"}'), Refused),
            (_refusal(404, "ResourceNotFound", "no"), Rejected),
            (_refusal(500, "InternalServerError", "no"), Unreachable),
            (answer_of({"value": [{"displayName": "without an id"}]}), Rejected),
            (answer_of({"value": [{"id": "", "principalId": "", "roleDefinitionId": ""}]}), Rejected),
            (answer_of({"value": [{"id": None, "principalId": None, "roleDefinitionId": None}]}), Rejected),
            (Answer(status=200, headers={}, body=b"<html>"), Unreachable),
        )
    ],
)
def test_a_listing_that_is_not_whole_is_an_error_and_never_a_shorter_one(
    end: str, answer: Answer, error: type[EdgeError]
) -> None:
    group = world.ROLE_ADMINISTRATORS.id
    whole: dict[str, Any] = {
        LIST_DIRECTORY_ROLE_ASSIGNMENTS.path: [_held(group, world.GLOBAL_ADMINISTRATOR)],
        LIST_GROUPS.path: [{"id": group, "visibility": None}],
    }
    assert PRIVILEGED_ACCOUNTS.read(_Tenant(whole).edges) == {group}
    with pytest.raises(error):
        PRIVILEGED_ACCOUNTS.read(_Tenant({end: answer} | {at: found for at, found in whole.items() if at != end}).edges)


def test_an_id_that_is_none_never_becomes_part_of_a_filter() -> None:
    group = "x' or principalId ne '"
    tenant = _Tenant(
        {"/roleAssignments": [_held(group, world.GLOBAL_ADMINISTRATOR)], "/groups": [{"id": group, "visibility": None}]}
    )
    with pytest.raises(Rejected, match="is no id"):
        PRIVILEGED_ACCOUNTS.read(tenant.edges)
    assert not any(group in text for _, query in tenant.asked for text in query.values())


# Who administers a subscription.


_SUBSCRIPTION: Final = f"/subscriptions/{world.SUBSCRIPTION}"
_ABOVE: Final = "/providers/Microsoft.Management/managementGroups/contoso"


def _azure(holder: str, role: str = world.OWNER, *, scope: str = _SUBSCRIPTION, kind: str = "User") -> dict[str, Any]:
    definition = f"{_SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    properties = {"principalId": holder, "principalType": kind, "roleDefinitionId": definition, "scope": scope}
    return {"id": "x", "properties": properties}


@pytest.mark.parametrize("scope", [_SUBSCRIPTION, _SUBSCRIPTION.upper(), "/", _ABOVE])
@pytest.mark.parametrize("role", sorted(AZURE_ADMINISTRATOR_ROLES))
def test_whoever_can_give_roles_in_a_subscription_administers_it(role: str, scope: str) -> None:
    tenant = _Tenant({"/roleAssignments": [_azure(world.MALLORY.id.upper(), role.upper(), scope=scope)]})
    assert AZURE_ADMINISTRATORS.read(tenant.edges) == {world.MALLORY.id}


@pytest.mark.parametrize(
    "assignment",
    [
        _azure(world.MALLORY.id, "b24988ac-6180-42a0-ab88-20f7382dd24c"),
        _azure(world.MALLORY.id, scope=f"{_SUBSCRIPTION}/resourceGroups/orders"),
        _azure(world.MALLORY.id, scope="/subscriptions/0b6d2c1e-5f47-4a38-9c60-d1e72f84a935"),
    ],
    ids=["Contributor", "Owner of a resource group", "Owner of another subscription"],
)
def test_other_assignments_make_nobody_its_administrator(assignment: dict[str, Any]) -> None:
    assert AZURE_ADMINISTRATORS.read(_Tenant({"/roleAssignments": [assignment]}).edges) == frozenset()


def test_a_group_that_administers_it_counts_with_its_members_and_owners() -> None:
    group = world.REPORT_READERS.id
    answers: dict[str, Any] = {
        "/roleAssignments": [_azure(group, kind="Group"), _azure(world.ERIN.id, kind="ForeignGroup")],
        "/groups": [{"id": group, "visibility": None}],
        "/transitiveMembers": [{"id": world.MALLORY.id}],
        "/owners": [{"id": world.TRUDY.id}],
    }
    tenant = _Tenant(answers)
    found = AZURE_ADMINISTRATORS.read(tenant.edges)
    assert found == {group, world.MALLORY.id, world.TRUDY.id, world.ERIN.id}
    assert ("/groups", {"$filter": f"id in ('{group}')", "$select": "id,visibility"}) in tenant.asked
    hidden = answers | {"/groups": [{"id": group, "visibility": "HiddenMembership"}]}
    with pytest.raises(Rejected, match="hides its members"):
        AZURE_ADMINISTRATORS.read(_Tenant(hidden).edges)


@pytest.mark.parametrize("end", ["/groups", "/transitiveMembers", "/owners"])
def test_a_group_of_administrators_that_can_not_be_read_leaves_it_unknown(end: str) -> None:
    group = world.REPORT_READERS.id
    whole: dict[str, Any] = {
        "/roleAssignments": [_azure(group, kind="Group")],
        "/groups": [{"id": group, "visibility": None}],
    }
    assert AZURE_ADMINISTRATORS.read(_Tenant(whole).edges) == {group}
    with pytest.raises(Refused):
        AZURE_ADMINISTRATORS.read(_Tenant(whole | {end: _refusal(403, "Authorization_RequestDenied", "no")}).edges)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (_refusal(403, "AuthorizationFailed", "no"), Refused),
        (_refusal(500, "InternalServerError", "no"), Unreachable),
        (answer_of({"value": [{"id": "x"}]}), Rejected),
        (answer_of({"value": [_azure("")]}), Rejected),
        (answer_of({"value": [{"id": "x", "properties": {"roleDefinitionId": 1, "scope": "/"}}]}), Rejected),
    ],
)
def test_assignments_that_can_not_all_be_read_leave_it_unknown(answer: Answer, error: type[EdgeError]) -> None:
    with pytest.raises(error):
        AZURE_ADMINISTRATORS.read(_Tenant({"/roleAssignments": answer}).edges)
