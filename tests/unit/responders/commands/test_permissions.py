"""What the identity is given is what declared calls need, no more, with Microsoft's own ids."""

import csv
import json
from pathlib import Path
from typing import Any, Final

import pytest

from responders.cli import main
from responders.permissions import BY_HAND, CALLS, GRANTS, NEEDS, app_role_ids
from shared.model.calls import Call, Permission, Service
from shared.model.kinds import TenantKind
from shared.model.permissions import Need, Tier, grants_from

_REPOSITORY: Final = Path(__file__).parents[4]
_FACTS: Final = _REPOSITORY.parent / "shared" / "design" / "graph_app_permissions.csv"
_SCRIPTS: Final = _REPOSITORY / "infra" / "scripts" / "permissions.txt"

_NOT_AMONG_THEM: Final = {
    "Policy.Read.DeviceConfiguration": "bdba4817-6ba1-4a7c-8a01-be9bc7c242dd",
    "PrivilegedEligibilitySchedule.Read.AzureADGroup": "edb419d6-7edc-42a3-9345-509bfdf5d87c",
    "Domain.Read.All": "dbb9058a-0e50-45d7-ae91-66909b5d4664",
    "OnPremDirectorySynchronization.Read.All": "bb70e231-92dc-4729-aff5-697b3f04be95",
    "AuthenticationContext.Read.All": "381f742f-e1f8-4309-b4ab-e3d91ae4c5c1",
    "AuthenticationContext.ReadWrite.All": "a88eef72-fed0-4bf7-a2a9-f19df33f8b83",
    "AdministrativeUnit.ReadWrite.All": "5eb59dd3-1da2-4329-8733-9dabdc435916",
}
"""From Microsoft's permissions reference."""

type Given = set[tuple[str, str, str]]


def _given(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["permissions", "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def _names(described: dict[str, Any], kind: str) -> set[str]:
    tenant = described["tenants"][kind]
    return {each["name"] for part in ("graph_app_roles", "azure_actions") for each in tenant[part]}


_BY_HAND: Final = {permission for call in BY_HAND for permission in call.needs}


def test_every_call_is_somebodys() -> None:
    assert {call for need in NEEDS for call in need.calls} == set(CALLS)


def test_every_permission_is_given_somewhere_and_says_what_for() -> None:
    assert {grant.permission for grant in GRANTS} == set(Permission) - _BY_HAND
    assert all(grant.needed_by for grant in GRANTS)


def test_watching_needs_no_permission_to_write() -> None:
    watch = [grant for grant in GRANTS if grant.is_in(Tier.WATCH)]
    assert watch
    for grant in watch:
        words = grant.permission.replace("/", ".").lower().split(".")
        assert "readwrite" not in words
        assert "read" in words


@pytest.mark.parametrize("removed", NEEDS, ids=lambda need: f"{need.kind} {need.by}")
def test_a_declaration_that_goes_takes_with_it_what_only_it_needs(removed: Need) -> None:
    rest = grants_from(need for need in NEEDS if need is not removed)
    alone = {(grant.kind, grant.permission) for grant in GRANTS if grant.needed_by == (removed.by,)}
    gone = {(grant.kind, grant.permission) for grant in GRANTS} - {(grant.kind, grant.permission) for grant in rest}
    assert gone == {place for place in alone if place[0] is removed.kind}
    assert all(removed.by not in grant.needed_by or grant.kind is not removed.kind for grant in rest)


def test_a_permission_is_of_the_lower_tier_when_anybody_reads_with_it() -> None:
    permission = Permission.POLICY_READ
    read = Call(method="GET", service=Service.GRAPH, path="/x", needs=(permission,))
    write = Call(method="PATCH", service=Service.GRAPH, path="/x", needs=(permission,))
    kind = TenantKind.B2C
    one, other = Need(by="one", kind=kind, calls=(write,)), Need(by="other", kind=kind, calls=(read,))
    (grant,) = grants_from([one])
    assert grant.tier is Tier.ACT
    assert not grant.is_in(Tier.WATCH)
    (grant,) = grants_from([one, other])
    assert grant.tier is Tier.WATCH
    assert grant.is_in(Tier.ACT)
    assert grant.needed_by == ("one", "other")


def test_what_can_only_be_read_by_who_may_write_is_of_tier_act() -> None:
    read = Call(method="GET", service=Service.GRAPH, path="/x", needs=(Permission.API_CONNECTOR_WRITE,))
    (grant,) = grants_from([Need(by="one", kind=TenantKind.B2C, calls=(read,))])
    assert grant.tier is Tier.ACT


def test_the_tiers_differ_by_what_writes(capsys: pytest.CaptureFixture[str]) -> None:
    watch, act = _given(capsys, "--tier", "watch"), _given(capsys)
    assert _names(watch, "workforce") == {
        "AuditLog.Read.All",
        "Directory.Read.All",
        "Policy.Read.All",
        "AuthenticationContext.Read.All",
        "Application.Read.All",
        "User.Read.All",
        "GroupMember.Read.All",
        "RoleManagement.Read.Directory",
        "MailboxSettings.Read",
        "PrivilegedEligibilitySchedule.Read.AzureADGroup",
        "Domain.Read.All",
        "OnPremDirectorySynchronization.Read.All",
        "SecurityEvents.Read.All",
        "AccessReview.Read.All",
        "RoleManagementAlert.Read.Directory",
        "Policy.Read.DeviceConfiguration",
        "Microsoft.Authorization/roleAssignments/read",
        "Microsoft.Authorization/roleDefinitions/read",
        "Microsoft.Authorization/roleAssignmentScheduleRequests/read",
        "Microsoft.Authorization/locks/read",
        "Microsoft.Insights/diagnosticSettings/read",
        "Microsoft.EventGrid/systemTopics/eventSubscriptions/read",
        "Microsoft.Insights/eventtypes/values/read",
        "Microsoft.Support/services/read",
        "Microsoft.Support/services/problemClassifications/read",
        "Microsoft.Support/supportTickets/read",
    }
    assert _names(act, "workforce") - _names(watch, "workforce") == {
        "Policy.ReadWrite.ConditionalAccess",
        "Policy.ReadWrite.AuthenticationMethod",
        "AuthenticationContext.ReadWrite.All",
        "RoleAssignmentSchedule.Remove.Directory",
        "RoleEligibilitySchedule.Remove.Directory",
        "User.RevokeSessions.All",
        "AdministrativeUnit.ReadWrite.All",
        "Microsoft.Authorization/roleAssignments/write",
        "Microsoft.Authorization/roleAssignments/delete",
        "Microsoft.Insights/diagnosticSettings/write",
        "Microsoft.Insights/diagnosticSettings/delete",
        "Microsoft.EventGrid/systemTopics/eventSubscriptions/write",
        "Microsoft.EventGrid/systemTopics/eventSubscriptions/delete",
        "Microsoft.Support/supportTickets/write",
    }
    assert _names(watch, "b2c") == {
        "AuditLog.Read.All",
        "Directory.Read.All",
        "Policy.Read.All",
        "Application.Read.All",
        "GroupMember.Read.All",
        "RoleManagement.Read.Directory",
        "IdentityUserFlow.Read.All",
        "IdentityProvider.Read.All",
        "User.Read.All",
    }
    assert _names(act, "b2c") - _names(watch, "b2c") == {
        "Policy.ReadWrite.TrustFramework",
        "IdentityUserFlow.ReadWrite.All",
        "APIConnectors.ReadWrite.All",
        "IdentityProvider.ReadWrite.All",
        "User.RevokeSessions.All",
    }


def test_json_has_the_ids_and_who_needs_them(capsys: pytest.CaptureFixture[str]) -> None:
    described = _given(capsys)
    by_name = {each["name"]: each for each in described["tenants"]["b2c"]["graph_app_roles"]}
    assert by_name["Policy.ReadWrite.TrustFramework"] == {
        "name": "Policy.ReadWrite.TrustFramework",
        "id": "79a677f7-b79d-40d0-a36a-3e6f8688dd7a",
        "tier": "act",
        "needed_by": [
            *("b2c-custom-policy-created", "b2c-custom-policy-updated", "b2c-custom-policy-deleted"),
            "reconciler (custom-policy)",
        ],
    }
    assert described["tenants"]["workforce"]["directory_roles"] == []


def test_the_table_has_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["permissions", "--tier", "watch"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + len([grant for grant in GRANTS if grant.is_in(Tier.WATCH)])


def test_the_scripts_grant_what_is_declared(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["permissions", "--plain"]) == 0
    advice = "run: responder permissions --plain > infra/scripts/permissions.txt"
    assert _SCRIPTS.read_text(encoding="utf-8") == capsys.readouterr().out, advice


def test_there_is_an_id_for_each_graph_permission_and_no_other() -> None:
    assert app_role_ids().keys() == {each for each in Permission if "/" not in each and each not in _BY_HAND}


@pytest.mark.skipif(not _FACTS.is_file(), reason="Microsoft's ids aren't kept beside this repository")
def test_the_ids_are_microsofts() -> None:
    with _FACTS.open(encoding="utf-8", newline="") as file:
        ids = {row["permission"]: row["appRoleId"] for row in csv.DictReader(file)}
    ids |= _NOT_AMONG_THEM
    assert {name: ids[name] for name in app_role_ids()} == dict(app_role_ids())
