"""Roles: too much, too little, to the wrong one, and what follows from a declaration that goes."""

from dataclasses import replace

import pytest

from infra.checks.declared import actions, operations_of
from infra.checks.rights import rights
from responders.catalogue import CATALOGUE
from responders.permissions import NEEDS
from shared.catalog import ObjectKind
from shared.events import Log
from shared.grants import grants_from
from tests.infra.checks.breaking import broken, intact, only, problems_in, says

_ROLES = "modules/roles.bicep"
_READ = "          'Microsoft.Authorization/roleAssignments/read'\n"
_DELETE = "          'Microsoft.Authorization/roleAssignments/delete'\n"
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (_ROLES, _READ, "", "'Entra Responder watch' lacks the action Microsoft.Authorization/roleAssignments/read"),
        (_ROLES, _DELETE, "", "'Entra Responder act' lacks the action Microsoft.Authorization/roleAssignments/delete"),
        (_ROLES, _READ, f"{_READ}{_DELETE}", "'Entra Responder watch' has the action"),
        (
            _ROLES,
            _DELETE,
            f"{_DELETE}          'Microsoft.Compute/virtualMachines/delete'\n",
            "no declaration needs it",
        ),
        (_ROLES, _DELETE, f"{_DELETE}          '*'\n", "has the action *; no declaration needs it"),
        (_ROLES, "dataActions: []", f"dataActions: ['{_BLOBS}/read']", f"has the action {_BLOBS}/read"),
        ("modules/evidence.bicep", f"{_BLOBS}/write'", f"{_BLOBS}/delete'", "lacks the action"),
        ("modules/evidence.bicep", f"{_BLOBS}/write'", f"{_BLOBS}/delete'", "has the action"),
        (_ROLES, " = if (tier == 'act') {", " = {", "the role to write is given whatever the parameters say"),
        (_ROLES, "(tier == 'act')", "(tier == 'watch')", "the role to write is given by default"),
        (
            _ROLES,
            "    condition: '(${mayWrite}) AND (${mayDelete})'\n",
            "",
            "the role to write is given without a condit",
        ),
        (_ROLES, "'Entra Responder act (", "'Entra Responder fix (", "nothing declares the role 'Entra Responder fix'"),
        (_ROLES, "roleDefinitionId: watchRole.id", "roleDefinitionId: actRole.id", "is given to nobody"),
    ],
)
def test_a_wrong_role_is_found(file: str, old: str, new: str, said: str) -> None:
    found = broken(file, (old, new))
    assert any(said in one for one in found), found


def test_a_strong_built_in_role_is_refused() -> None:
    file, owner = "modules/vault.bicep", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
    found = broken(file, ("4633458b-17de-408a-b874-0445c86b69e6", owner))
    assert f"the built-in role {owner} is given; only" in only(found, file, "Key Vault Secrets User")


def test_a_built_in_role_is_only_given_where_it_belongs() -> None:
    file = "modules/dead-letters.bicep"
    found = broken(file, ("  scope: container\n", "  scope: account\n"))
    assert any(
        "Storage Blob Data Contributor is given on Microsoft.Storage/storageAccounts; it may" in one for one in found
    )


def test_a_built_in_role_on_the_whole_group_is_refused() -> None:
    found = broken(
        "modules/vault.bicep", ("  scope: vault\n  properties: {\n    roleDef", "  properties: {\n    roleDef")
    )
    only(found, "modules/vault.bicep", "Key Vault Secrets User is given on everything here")


def test_a_watched_subscription_gets_its_roles() -> None:
    text = intact().files["modules/watch.bicep"]
    start, end = text.index("module roles "), text.index("module activityLog ")
    found = problems_in({**intact().files, "modules/watch.bicep": text[:start] + text[end:]})
    assert any("a subscription watched by modules/watch.bicep doesn't get modules/roles.bicep" in one for one in found)


def test_a_declaration_that_goes_takes_its_actions_with_it() -> None:
    """Without the role assignments' remediations and snapshots the roles have actions that nothing needs."""
    left = [need for need in NEEDS if need.by not in {"rbac-role-assigned", "rbac-role-removed"}]
    watch, act = actions(grants_from(left))
    assert act == frozenset()
    found = problems_in(dict(intact().files), by=replace(says(), watch_actions=watch, act_actions=act))
    assert found
    assert all("'Entra Responder act' has the action" in one and "take it out" in one for one in found), found


def test_a_declaration_that_comes_asks_for_its_actions() -> None:
    more = says().act_actions | {"Microsoft.Authorization/locks/delete"}
    found = problems_in(dict(intact().files), by=replace(says(), act_actions=more))
    only(found, _ROLES, "'Entra Responder act' lacks the action Microsoft.Authorization/locks/delete")


def test_the_actions_are_the_union_of_what_the_declared_calls_need() -> None:
    """Worked out once more from the declarations themselves, without the module that the check uses."""
    detections = [one.remediation for one in CATALOGUE if one.remediation]
    calls = [call for one in detections if one.kind is ObjectKind.ROLE_ASSIGNMENT for call in one.calls]
    written = {str(need) for call in calls if call.method != "GET" for need in call.needs}
    assert written == says().act_actions
    assert {str(need) for call in calls if call.method == "GET" for need in call.needs} <= says().watch_actions


def test_the_operations_are_those_of_the_detections() -> None:
    resource_detections = [one for one in CATALOGUE if one.log is Log.RESOURCE]
    assert operations_of(resource_detections[:1])[0] < says().operations or len(resource_detections) == 1
    assert operations_of([one for one in CATALOGUE if one.log is not Log.RESOURCE]) == (frozenset(), ())


def test_every_right_is_of_a_known_principal() -> None:
    found = list(rights(intact()))
    kinds = {right.principal[1].type for right in found if right.principal}
    assert kinds == {"Microsoft.ManagedIdentity/userAssignedIdentities", "Microsoft.EventGrid/systemTopics"}
    assert all(right.principal for right in found)
    act = [right for right in found if right.role == "Entra Responder act"]
    assert {right.when for right in act} == {"in the tier act"}
