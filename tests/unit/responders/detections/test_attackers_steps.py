"""The steps by which somebody takes a tenant over, or blinds the app: each opens a case, or it is said why it can't be.

Real matcher, whole catalogue, records in Azure's shapes.
"""

import json
from typing import Any, Final

import pytest

from infra.local.world import BREAK_GLASS_1, MALLORY, RESPONDER, WORKFORCE_TENANT
from responders.catalogue import CATALOGUE
from responders.detections.directory_samples import change, group_owner_record, member_record, target
from responders.detections.samples import CA_POLICY, audit_record, event_grid_record
from shared.detect.matcher import Matcher
from shared.model.profile import TenantProfile
from shared.normalize import read_batch
from tests.fakes.record_strategies import everything

type Json = dict[str, Any]

SUBSCRIPTION: Final = "0c9e2b74-51fd-4a36-b8e0-6d7f93a1c258"
GROUP: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-responder-prod"
EXCLUSIONS: Final = "c0ffee00-0000-4000-8000-000000000001"
OPERATORS: Final = "09e4a705-6c3d-4b8e-9f21-5a7d0c8e4b13"

MATCHER: Final = Matcher(
    CATALOGUE,
    TenantProfile(
        own_site="responder-abc",
        own_groups=frozenset({GROUP.lower()}),
        own_identities=frozenset({RESPONDER.id}),
        operators_app=OPERATORS,
        emergency_accounts=frozenset({BREAK_GLASS_1.id}),
        policy_groups=frozenset({EXCLUSIONS}),
        policy_groups_known_in=frozenset({WORKFORCE_TENANT}),
        privileged_known_in=frozenset({WORKFORCE_TENANT}),
        groups_known_in=frozenset({WORKFORCE_TENANT}),
        consumer_tenants=frozenset(),
    ),
)


def own(operation: str, below: str) -> Json:
    return event_grid_record(operation, resourceUri=f"{GROUP}/providers/{below}")


def azure(operation: str, scope: str = f"/subscriptions/{SUBSCRIPTION}") -> Json:
    return event_grid_record(operation, resourceUri=f"{scope}/providers/{operation.rpartition('/')[0]}/x")


def policy(activity: str, service: str = "Conditional Access", kind: str = "Policy") -> Json:
    return audit_record(activity, loggedByService=service, targetResources=[target(EXCLUSIONS, kind, name="x")])


def done(activity: str, *targets: Json, service: str = "Core Directory") -> Json:
    return audit_record(activity, loggedByService=service, targetResources=list(targets))


def to_break_glass(activity: str, service: str = "Core Directory") -> Json:
    return done(activity, target(BREAK_GLASS_1.id, "User"), service=service)


def to_mallory(activity: str) -> Json:
    return done(activity, target(MALLORY.id, "User"))


_DEVICES: Final = "Device Registration Service"
_RULE: Final = change("MembershipRule", ["user.country -eq x"], ["true"])
_DISABLED: Final = change("AccountEnabled", [True], [False])
_FROM_US: Final = change("ServicePrincipal.ObjectID", RESPONDER.id)
_OF_OURS: Final = change("TargetId.ServicePrincipalNames", None, f"api://{OPERATORS};{OPERATORS}")
_AUTHORIZATION: Final = "Microsoft.Authorization"
_IDENTITY: Final = "Microsoft.ManagedIdentity/userAssignedIdentities"
_STORAGE: Final = "Microsoft.Storage/storageAccounts"
_VAULT: Final = "Microsoft.KeyVault/vaults"
_TOPIC: Final = "Microsoft.EventGrid/systemTopics"
_SITE: Final = "Microsoft.Web/sites"
_INSIGHTS: Final = "Microsoft.Insights"

STEPS: Final[dict[str, Json]] = {
    # around conditional access
    "named location added": policy("Add named location"),
    "named location changed: an own address made trusted": policy("Update named location"),
    "named location deleted": policy("Delete named location"),
    "authentication context changed": policy("Update AuthenticationContextClassReference"),
    "policy restored from the bin": policy("Restore conditional access policy"),
    "continuous access evaluation switched off": policy("Update continuous access evaluation"),
    "policy changed, with Core Directory's record alone": done("Update policy", target(CA_POLICY["id"], "Policy")),
    "member added to a group that policies leave out": member_record("Add member to group", EXCLUSIONS),
    "owner added to that group": group_owner_record(EXCLUSIONS),
    "dynamic rule of that group changed": done("Update group", target(EXCLUSIONS, "Group", _RULE)),
    "security defaults switched off": policy("Update security defaults"),
    "a partner's MFA trusted": policy("Update a partner cross-tenant access setting", "Core Directory"),
    "authentication methods policy changed": policy("Authentication Methods Policy Update", "Authentication Methods"),
    "FIDO2 key added to a break-glass account": to_break_glass("Add FIDO2 security key", _DEVICES),
    "passwordless sign-in added to it": to_break_glass("Add passwordless phone sign-in credential", _DEVICES),
    "its password reset": to_break_glass("Reset password"),
    "it removed from its role": to_break_glass("Remove role assignment from role definition"),
    "app password made for it": to_break_glass("Create application password for user"),
    # directory roles
    "custom role given": to_mallory("Add role assignment to role definition"),
    "made eligible for a custom role": to_mallory("Add EligibleRoleAssignment to RoleDefinition"),
    "role over a restricted unit": to_mallory(
        "Add member to role scoped over Restricted Management Administrative Unit"
    ),
    "role definition widened": policy("Update role definition", "Core Directory", "Role"),
    "role definition made": policy("Add role definition", "Core Directory", "Role"),
    "role over an administrative unit": to_mallory("Add scoped member to role"),
    # Azure roles
    "role assignment at a management group": azure(
        f"{_AUTHORIZATION}/roleAssignments/write", "/providers/Microsoft.Management/managementGroups/root"
    ),
    "PIM: active assignment asked for": azure(f"{_AUTHORIZATION}/roleAssignmentScheduleRequests/write"),
    "PIM: eligible assignment asked for": azure(f"{_AUTHORIZATION}/roleEligibilityScheduleRequests/write"),
    "PIM: setting of a role weakened": azure(f"{_AUTHORIZATION}/roleManagementPolicies/write"),
    "deny assignment removed": azure(f"{_AUTHORIZATION}/denyAssignments/delete"),
    "role definition deleted": azure(f"{_AUTHORIZATION}/roleDefinitions/delete"),
    "classic administrator added": azure(f"{_AUTHORIZATION}/classicAdministrators/write"),
    "subscription moved": azure("Microsoft.Management/managementGroups/subscriptions/write"),
    # the app itself
    "federated credential on its identity": own(f"{_IDENTITY}/federatedIdentityCredentials/write", f"{_IDENTITY}/id"),
    "its identity put on a machine in its group": own("Microsoft.Compute/virtualMachines/write", "x/y/vm"),
    "its identity assigned": own(f"{_IDENTITY}/assign/action", f"{_IDENTITY}/id-responder"),
    "storage: shared keys allowed": own(f"{_STORAGE}/write", f"{_STORAGE}/responderst"),
    "storage: keys listed": own(f"{_STORAGE}/listKeys/action", f"{_STORAGE}/responderst"),
    "storage: keys regenerated": own(f"{_STORAGE}/regeneratekey/action", f"{_STORAGE}/responderst"),
    "storage: account deleted": own(f"{_STORAGE}/delete", f"{_STORAGE}/responderst"),
    "evidence: immutability changed": own(
        f"{_STORAGE}/blobServices/containers/immutabilityPolicies/write", f"{_STORAGE}/ev/blobServices/default"
    ),
    "vault opened to others": own(f"{_VAULT}/write", f"{_VAULT}/responderkv"),
    "secret replaced": own(f"{_VAULT}/secrets/write", f"{_VAULT}/responderkv/secrets/teams-webhook-url"),
    "event subscription changed": own(f"{_TOPIC}/eventSubscriptions/write", f"{_TOPIC}/t/eventSubscriptions/r-0"),
    "event subscription deleted": own(f"{_TOPIC}/eventSubscriptions/delete", f"{_TOPIC}/t/eventSubscriptions/r-0"),
    "diagnostic setting emptied": own(f"{_INSIGHTS}/diagnosticSettings/write", f"{_INSIGHTS}/diagnosticSettings/r"),
    "alert rule switched off": own(f"{_INSIGHTS}/scheduledQueryRules/write", f"{_INSIGHTS}/scheduledQueryRules/s"),
    "activity log alert switched off": own(f"{_INSIGHTS}/activityLogAlerts/write", f"{_INSIGHTS}/activityLogAlerts/c"),
    "action group emptied": own(f"{_INSIGHTS}/actionGroups/write", f"{_INSIGHTS}/actionGroups/ag"),
    "app settings changed": own(f"{_SITE}/config/write", f"{_SITE}/responder-abc/config/appsettings"),
    "host keys read": own(f"{_SITE}/host/listkeys/action", f"{_SITE}/responder-abc/host/default"),
    "app published": own(f"{_SITE}/publish/action", f"{_SITE}/responder-abc"),
    "app stopped": own(f"{_SITE}/stop/action", f"{_SITE}/responder-abc"),
    "plan deleted": own("Microsoft.Web/serverfarms/delete", "Microsoft.Web/serverfarms/plan"),
    "its resource group deleted": event_grid_record(
        "Microsoft.Resources/subscriptions/resourceGroups/delete", resourceUri=GROUP
    ),
    "its service principal disabled": done(
        "Update service principal", target(RESPONDER.id, "ServicePrincipal", _DISABLED)
    ),
    "its Graph permission taken away": done(
        "Remove app role assignment from service principal", target(EXCLUSIONS, "ServicePrincipal", _FROM_US)
    ),
    "somebody assigned to its registration": done(
        "Add app role assignment grant to user", target(EXCLUSIONS, "ServicePrincipal", _OF_OURS)
    ),
}

UNSEEN: Final[dict[str, str]] = {
    "policy changed, with Core Directory's record alone": (
        "Core Directory writes this record beside the one of Conditional Access, for each change. Taken for itself it "
        "would tell every change twice. That a policy stands otherwise with no other record is found by the sweep."
    ),
}
"""Steps that no record opens a case for, and why."""


def found_for(record: Json) -> set[str]:
    raw = json.dumps(record).encode()
    (reading,) = read_batch(raw, tenant_id=WORKFORCE_TENANT, interest=everything)
    assert reading.event is not None
    found = {one.id for one in MATCHER.matches(reading.event) if not one.counted and not one.after}
    (asked,) = read_batch(raw, tenant_id=WORKFORCE_TENANT, interest=MATCHER.interest)
    assert asked.event is not None or not found, "the prefilter leaves out a record that a detection matches"
    return found


def test_there_are_57_steps() -> None:
    assert len(STEPS) == 57
    assert UNSEEN.keys() <= STEPS.keys()


@pytest.mark.parametrize("step", STEPS)
def test_each_step_opens_a_case_or_it_is_said_why_not(step: str) -> None:
    assert bool(found_for(STEPS[step])) is (step not in UNSEEN)


@pytest.mark.parametrize("step", sorted(STEPS.keys() - UNSEEN.keys()))
def test_a_step_that_failed_opens_none_but_on_break_glass_accounts(step: str) -> None:
    record = STEPS[step]
    failed = record | {"result": "failure"} if "result" in record else record | {"data": record["data"] | _FAILED}
    assert found_for(failed) <= {"break-glass-changed"}


_FAILED: Final = {"status": "Failed"}


def test_what_is_outside_of_the_apps_group_is_somebody_elses() -> None:
    for step in ("storage: keys listed", "vault opened to others", "plan deleted"):
        record = json.loads(json.dumps(STEPS[step]).replace("rg-responder-prod", "rg-responder-prod2"))
        assert found_for(record) == set()
