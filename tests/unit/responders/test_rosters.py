"""Who is privileged and which groups roles can be given to, by what a tenant answers."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from infra.local import world
from responders.rosters import (
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
from shared.model.privileges import PRIVILEGED_ROLES
from shared.model.settings import Tenant
from tests.fakes.tenant import Unpaced, answer_of


def test_each_kind_is_read_once_in_each_kind_of_tenant() -> None:
    places = [(roster.kind, kind) for roster in ROSTERS for kind in roster.tenant_kinds]
    of_policies = {(RosterKind.POLICY_GROUPS, TenantKind.WORKFORCE)}
    others = {(one, kind) for one in RosterKind for kind in TenantKind if one is not RosterKind.POLICY_GROUPS}
    assert sorted(places) == sorted(of_policies | others)


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
        tenant = Tenant(kind=TenantKind.WORKFORCE, id=world.WORKFORCE_TENANT, responder_id="", client_id="")
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
