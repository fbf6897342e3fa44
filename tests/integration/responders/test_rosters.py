"""Who is privileged and which groups roles can be given to, read of the simulated tenants over real HTTP."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from infra.local import world
from responders.rosters import (
    LIST_DIRECTORY_ROLE_ASSIGNMENTS,
    LIST_GROUP_ELIGIBILITIES,
    LIST_GROUP_MEMBERS,
    LIST_GROUPS,
    PRIVILEGED_ACCOUNTS,
    PRIVILEGED_ACCOUNTS_OF_B2C,
    ROLE_ASSIGNABLE_GROUPS,
    ROSTERS,
)
from shared.clients.api import Answer, TenantEdges
from shared.detect.rosters import Roster, RosterKind
from shared.model.calls import Permission, Service
from shared.model.errors import EdgeError, Refused, Rejected, Unreachable
from shared.model.kinds import TenantKind
from shared.model.privileges import PRIVILEGED_ROLES
from shared.model.settings import Tenant
from tests.fakes.tenant import Unpaced, answer_of
from tests.integration.responders.conftest import SimulatedTenant

_DIRECT: Final = {world.ALICE.id, world.BREAK_GLASS_1.id, world.BREAK_GLASS_2.id}
_BY_CUSTOM_ROLE: Final = {world.RELEASE_PIPELINE.id}
_BY_GROUP: Final = {world.ROLE_ADMINISTRATORS.id, world.MALLORY.id}
_BY_PIM: Final = {world.ERIN.id, world.TRUDY.id}


def _edges(simulated: SimulatedTenant, kind: TenantKind) -> TenantEdges:
    return {TenantKind.WORKFORCE: simulated.workforce, TenantKind.B2C: simulated.b2c}[kind]


def test_every_way_to_be_privileged_counts(simulated: SimulatedTenant) -> None:
    read = PRIVILEGED_ACCOUNTS.read(simulated.workforce)
    assert set(read) == _DIRECT | _BY_CUSTOM_ROLE | _BY_GROUP | _BY_PIM


def test_in_a_tenant_without_pim_nobody_is_eligible_which_is_known(simulated: SimulatedTenant) -> None:
    simulated.control.settings(has_pim=False)
    assert set(PRIVILEGED_ACCOUNTS.read(simulated.workforce)) == _DIRECT | _BY_CUSTOM_ROLE | _BY_GROUP


def test_pages_are_followed(simulated: SimulatedTenant) -> None:
    whole = set(PRIVILEGED_ACCOUNTS.read(simulated.workforce))
    simulated.control.settings(directory_page_size=1)
    assert set(PRIVILEGED_ACCOUNTS.read(simulated.workforce)) == whole


def test_a_b2c_tenants_roles_are_read_and_pim_is_never_asked(simulated: SimulatedTenant) -> None:
    assert set(PRIVILEGED_ACCOUNTS_OF_B2C.read(simulated.b2c)) == {world.CAROL.id, world.BOB_B2C.id}
    asked = {entry["path"] for entry in simulated.control.requests()}
    assert not any("Eligibility" in path or "eligibility" in path for path in asked)


def test_groups_are_listed_whatever_they_hold(simulated: SimulatedTenant) -> None:
    held = {world.ROLE_ADMINISTRATORS.id, world.REPORT_READERS.id}
    assert set(ROLE_ASSIGNABLE_GROUPS.read(simulated.workforce)) == held
    assert set(ROLE_ASSIGNABLE_GROUPS.read(simulated.b2c)) == set()


def test_a_group_that_hides_its_members_leaves_it_unknown(simulated: SimulatedTenant) -> None:
    simulated.control.settings(hidden_groups=[world.ROLE_ADMINISTRATORS.id])
    with pytest.raises(Rejected, match=f"group {world.ROLE_ADMINISTRATORS.id} .* hides its members"):
        PRIVILEGED_ACCOUNTS.read(simulated.workforce)
    simulated.control.settings(hidden_groups=[world.REPORT_READERS.id])
    assert world.MALLORY.id in PRIVILEGED_ACCOUNTS.read(simulated.workforce)


_PLACES: Final = [
    pytest.param(roster, kind, permission, id=f"{roster.kind} {kind} {permission}")
    for roster in ROSTERS
    for kind in roster.tenant_kinds
    for permission in sorted({each for call in roster.calls for each in call.needs})
]


@pytest.mark.parametrize(("roster", "kind", "permission"), _PLACES)
def test_each_permission_is_needed_and_its_lack_is_told(
    simulated: SimulatedTenant, roster: Roster, kind: TenantKind, permission: Permission
) -> None:
    responder = world.RESPONDER if kind is TenantKind.WORKFORCE else world.RESPONDER_B2C
    # What other calls need may cover this one too, so that it alone tells nothing.
    simulated.control.revoke(responder, *Permission)
    simulated.control.grant(responder, *{each for call in roster.calls for each in call.needs} - {permission})
    with pytest.raises(Refused) as refused:
        roster.read(_edges(simulated, kind))
    assert permission in refused.value.needed


@pytest.mark.parametrize(("roster", "kind"), [(roster, kind) for roster in ROSTERS for kind in roster.tenant_kinds])
def test_the_declared_permissions_are_enough(simulated: SimulatedTenant, roster: Roster, kind: TenantKind) -> None:
    responder = world.RESPONDER if kind is TenantKind.WORKFORCE else world.RESPONDER_B2C
    simulated.control.revoke(responder, *Permission)
    simulated.control.grant(responder, *{each for call in roster.calls for each in call.needs})
    assert roster.read(_edges(simulated, kind)) is not None


def test_each_kind_is_read_once_in_each_kind_of_tenant() -> None:
    places = [(roster.kind, kind) for roster in ROSTERS for kind in roster.tenant_kinds]
    assert sorted(places) == sorted((one, kind) for one in RosterKind for kind in TenantKind)


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
