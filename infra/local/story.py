"""What people do in the demo's story, as calls to the simulated tenant, and what must come of it."""

import copy
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from infra.local.tenant.control import TenantControl
from infra.local.tenant.sign_in_records import sign_in_record
from infra.local.world import (
    ALICE,
    B2C_TENANT,
    BLOCK_LEGACY,
    BOB_B2C,
    BREAK_GLASS_1,
    CONTRIBUTOR,
    DAVE,
    ERIN,
    IMPOSTOR,
    MALLORY,
    MFA_FOR_ADMINS,
    MFA_FOR_ALL,
    OWNER,
    RELEASE_PIPELINE,
    SUBSCRIPTION_SCOPE,
    TRUDY,
    TRUST_FRAMEWORK_EXTENSIONS,
    WORKFORCE_TENANT,
    Principal,
    custom_policy_xml,
    role_assignment_path,
    role_definition_id,
)

_POLICIES: Final = "/v1.0/identity/conditionalAccess/policies"
_WRONG_PASSWORD: Final = 50126
_A_SECOND: Final = 1.1
"""Changes are told apart by their second; within one, by their values."""

_STRANGER: Final = "203.0.113.77"
_API_VERSION: Final = {"api-version": "2022-04-01"}

type State = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One thing that somebody does.

    `act` gives the end of its target's id, which with `detection` and `actor` finds its case; `decision` and `outcome`
    are what must come of it; `check` looks at the tenant's own state afterwards and gives "" or what is wrong there.
    Without one there is nothing in the tenant to look at: somebody signed in.
    """

    summary: str
    actor: Principal
    detection: str
    decision: str
    outcome: str
    act: Callable[[TenantControl], str]
    check: Callable[[State], str] = lambda _state: ""


def _ca_policy(state: State, policy_id: str) -> dict[str, Any] | None:
    return next((one for one in state[WORKFORCE_TENANT]["caPolicies"].values() if one["id"] == policy_id), None)


def _patch_policy(actor: Principal, policy_id: str, body: Mapping[str, Any]) -> Callable[[TenantControl], str]:
    def act(tenant: TenantControl) -> str:
        with tenant.as_principal(actor) as graph:
            graph.patch(f"{_POLICIES}/{policy_id}", json=body).raise_for_status()
        return policy_id

    return act


def _excluding(policy: Mapping[str, Any], *principals: Principal) -> dict[str, Any]:
    """The policy's conditions with more people left out."""
    conditions = copy.deepcopy(policy["conditions"])
    conditions["users"]["excludeUsers"] += [principal.id for principal in principals]
    return {"conditions": conditions}


def _leaves_out(policy_id: str, principal: Principal, *, expected: bool) -> Callable[[State], str]:
    def check(state: State) -> str:
        policy = _ca_policy(state, policy_id)
        if policy is None:
            return f"policy {policy_id} is gone"
        found = principal.id in policy["conditions"]["users"]["excludeUsers"]
        return "" if found is expected else f"{principal.name} is {'left out' if found else 'not left out'}"

    return check


def _session_hours(hours: int) -> dict[str, Any]:
    controls = copy.deepcopy(MFA_FOR_ALL.body["sessionControls"])
    controls["signInFrequency"]["value"] = hours
    return {"sessionControls": controls}


def _session_is(hours: int) -> Callable[[State], str]:
    def check(state: State) -> str:
        policy = _ca_policy(state, MFA_FOR_ALL.id)
        found = policy["sessionControls"]["signInFrequency"]["value"] if policy else None
        return "" if found == hours else f"sign-in frequency is {found}, not {hours}"

    return check


def _create_policy(tenant: TenantControl) -> str:
    body = {
        "displayName": "Temporary",
        "state": "enabled",
        "conditions": {
            "clientAppTypes": ["all"],
            "applications": {"includeApplications": ["All"]},
            "users": {"includeUsers": ["All"], "excludeUsers": [TRUDY.id]},
        },
        "grantControls": {"operator": "OR", "builtInControls": ["block"]},
    }
    with tenant.as_principal(TRUDY) as graph:
        return str(graph.post(_POLICIES, json=body).raise_for_status().json()["id"])


def _delete_policy(tenant: TenantControl) -> str:
    """Delete the policy by its present id: one that was made again has another."""
    standing = tenant.state()[WORKFORCE_TENANT]["caPolicies"].values()
    policy_id = next(str(one["id"]) for one in standing if one["displayName"] == BLOCK_LEGACY.name)
    with tenant.as_principal(TRUDY) as graph:
        graph.delete(f"{_POLICIES}/{policy_id}").raise_for_status()
    return policy_id


def _deleted_is_back(state: State) -> str:
    found = [one for one in state[WORKFORCE_TENANT]["caPolicies"].values() if one["displayName"] == BLOCK_LEGACY.name]
    if len(found) != 1:
        return f"{len(found)} policies are called {BLOCK_LEGACY.name}"
    return "" if found[0]["state"] == "enabled" else f"it came back {found[0]['state']}"


_INTRUDER: Final = "B2C_1A_signup_signin_v2"


def _upload_custom_policy(tenant: TenantControl) -> str:
    xml = custom_policy_xml(_INTRUDER, base=TRUST_FRAMEWORK_EXTENSIONS.id, content="  <RelyingParty />\n")
    with tenant.as_principal(BOB_B2C) as graph:
        path = f"/beta/trustFramework/policies/{_INTRUDER}/$value"
        graph.put(path, content=xml.encode(), headers={"Content-Type": "application/xml"}).raise_for_status()
    return _INTRUDER


def _custom_policy_is_gone(state: State) -> str:
    names = state[B2C_TENANT]["customPolicies"]
    return f"{_INTRUDER} is still there" if _INTRUDER in names else ""


_METHODS: Final = "/v1.0/policies/authenticationMethodsPolicy"


def _allow_text_messages(tenant: TenantControl) -> str:
    body = {"@odata.type": "#microsoft.graph.smsAuthenticationMethodConfiguration", "state": "enabled"}
    with tenant.as_principal(MALLORY) as graph:
        graph.patch(f"{_METHODS}/authenticationMethodConfigurations/Sms", json=body).raise_for_status()
    return "authenticationMethodsPolicy"


def _text_messages_are_off(state: State) -> str:
    (policy,) = state[WORKFORCE_TENANT]["authentication-methods-policy"].values()
    return "" if policy["Sms"]["state"] == "disabled" else "text messages are still allowed"


_FLOW: Final = "B2C_1_EverybodyIn"


def _make_user_flow(tenant: TenantControl) -> str:
    body = {"id": _FLOW, "userFlowType": "signUpOrSignIn", "userFlowTypeVersion": 3}
    with tenant.as_principal(BOB_B2C) as graph:
        graph.post("/beta/identity/b2cUserFlows", json=body).raise_for_status()
    return _FLOW


def _user_flow_is_gone(state: State) -> str:
    return f"{_FLOW} is still there" if _FLOW.lower() in state[B2C_TENANT]["user-flow"] else ""


def assign_role(tenant: TenantControl, actor: Principal, definition: str, *, to: Principal) -> str:
    """Give an Azure role at the subscription; gives the assignment's id."""
    path = role_assignment_path(str(uuid.uuid4()), SUBSCRIPTION_SCOPE)
    properties = {
        "roleDefinitionId": role_definition_id(definition),
        "principalId": to.id,
        "principalType": "User" if to.kind == "user" else "ServicePrincipal",
    }
    with tenant.as_principal(actor, "arm") as arm:
        arm.put(path, params=_API_VERSION, json={"properties": properties}).raise_for_status()
    return path.lower()


def _does_not_hold(principal: Principal, definition: str) -> Callable[[State], str]:
    def check(state: State) -> str:
        assigned = [one["properties"] for one in state[WORKFORCE_TENANT]["roleAssignments"]]
        of_theirs = [one["roleDefinitionId"] for one in assigned if one["principalId"] == principal.id]
        holds_it = any(role.lower().endswith(definition.lower()) for role in of_theirs)
        return f"{principal.name} still holds that Azure role" if holds_it else ""

    return check


def _take_contributor_thrice(tenant: TenantControl) -> str:
    tenant.plan_next_event(copies=3)
    return assign_role(tenant, MALLORY, CONTRIBUTOR, to=MALLORY)


def _guess_passwords(tenant: TenantControl) -> str:
    for _ in range(6):
        record = sign_in_record(ERIN, error_code=_WRONG_PASSWORD, ipAddress=_STRANGER)
        tenant.add_sign_in(record, tenant=WORKFORCE_TENANT)
    return ERIN.id


def _use_break_glass(tenant: TenantControl) -> str:
    record = sign_in_record(BREAK_GLASS_1, ipAddress=_STRANGER)
    tenant.add_sign_in(record, tenant=WORKFORCE_TENANT)
    return str(record["appId"])


def _hide_one_change_behind_another(tenant: TenantControl) -> str:
    with tenant.as_principal(MALLORY) as graph:
        path, headers = f"{_POLICIES}/{MFA_FOR_ADMINS.id}", {"client-request-id": str(uuid.uuid4())}
        for body in (_excluding(MFA_FOR_ADMINS.body, MALLORY), {"state": "enabledForReportingButNotEnforced"}):
            graph.patch(path, json=body, headers=headers).raise_for_status()
            time.sleep(_A_SECOND)
    return MFA_FOR_ADMINS.id


def _is_whole_again(state: State) -> str:
    policy = _ca_policy(state, MFA_FOR_ADMINS.id)
    if policy is None or policy["state"] != "enabled":
        return f"CA001 is {policy['state'] if policy else 'gone'}"
    return _leaves_out(MFA_FOR_ADMINS.id, MALLORY, expected=False)(state)


def _new_policy(name: str, state: str, *, controls: list[str]) -> dict[str, Any]:
    return {
        "displayName": name,
        "state": state,
        "conditions": {
            "clientAppTypes": ["all"],
            "applications": {"includeApplications": ["All"]},
            "users": {"includeUsers": ["All"], "excludeUsers": []},
        },
        "grantControls": {"operator": "OR", "builtInControls": controls},
    }


def _create_and_enable(tenant: TenantControl) -> str:
    with tenant.as_principal(TRUDY) as graph:
        made = graph.post(_POLICIES, json=_new_policy("Temporary, later", "disabled", controls=["block"]))
        policy_id = str(made.raise_for_status().json()["id"])
        time.sleep(_A_SECOND)
        graph.patch(f"{_POLICIES}/{policy_id}", json={"state": "enabled"}).raise_for_status()
    return policy_id


def _switch_a_lock_out_off(tenant: TenantControl) -> str:
    with tenant.as_principal(ALICE) as graph:
        body = _new_policy("Compliant devices only", "enabled", controls=["compliantDevice"])
        policy_id = str(graph.post(_POLICIES, json=body).raise_for_status().json()["id"])
    time.sleep(_A_SECOND)
    with tenant.as_principal(DAVE) as graph:
        graph.patch(f"{_POLICIES}/{policy_id}", json={"state": "disabled"}).raise_for_status()
    return policy_id


def _is_off(name: str) -> Callable[[State], str]:
    def check(state: State) -> str:
        found = [one["state"] for one in state[WORKFORCE_TENANT]["caPolicies"].values() if one["displayName"] == name]
        return "" if found == ["disabled"] else f"{name} is {found}"

    return check


APPROVED_CHANGE: Final = Scene(
    summary="Alice, who is approved, sets the sign-in frequency of CA003 to 8 hours",
    actor=ALICE,
    detection="ca-policy-updated",
    decision="record",
    outcome="none",
    act=_patch_policy(ALICE, MFA_FOR_ALL.id, _session_hours(8)),
    check=_session_is(8),
)
SELF_EXCLUSION: Final = Scene(
    summary="Mallory, who isn't approved, leaves himself out of CA001 (MFA for administrators)",
    actor=MALLORY,
    detection="ca-policy-updated",
    decision="remediate",
    outcome="done",
    act=_patch_policy(MALLORY, MFA_FOR_ADMINS.id, _excluding(MFA_FOR_ADMINS.body, MALLORY)),
    check=_leaves_out(MFA_FOR_ADMINS.id, MALLORY, expected=False),
)
POLICY_CREATED: Final = Scene(
    summary="Trudy, who isn't approved, creates a policy that blocks everybody but her",
    actor=TRUDY,
    detection="ca-policy-created",
    decision="remediate",
    outcome="done",
    act=_create_policy,
    check=_is_off("Temporary"),
)
POLICY_DELETED: Final = Scene(
    summary="Trudy deletes CA002 (block legacy authentication)",
    actor=TRUDY,
    detection="ca-policy-deleted",
    decision="remediate",
    outcome="done",
    act=_delete_policy,
    check=_deleted_is_back,
)
CUSTOM_POLICY_UPLOADED: Final = Scene(
    summary=f"Bob, who isn't approved, uploads the custom policy {_INTRUDER} to Azure AD B2C",
    actor=BOB_B2C,
    detection="b2c-custom-policy-created",
    decision="remediate",
    outcome="done",
    act=_upload_custom_policy,
    check=_custom_policy_is_gone,
)
OWNER_TAKEN: Final = Scene(
    summary="Trudy gives herself Owner on the subscription",
    actor=TRUDY,
    detection="rbac-role-assigned",
    decision="remediate",
    outcome="done",
    act=lambda tenant: assign_role(tenant, TRUDY, OWNER, to=TRUDY),
    check=_does_not_hold(TRUDY, OWNER),
)
WEAK_METHOD: Final = Scene(
    summary="Mallory lets everybody register text messages as a second factor",
    actor=MALLORY,
    detection="authentication-methods-policy-changed",
    decision="remediate",
    outcome="done",
    act=_allow_text_messages,
    check=_text_messages_are_off,
)
USER_FLOW_MADE: Final = Scene(
    summary="Bob makes a user flow in Azure AD B2C, by which anybody may sign up",
    actor=BOB_B2C,
    detection="b2c-user-flow-created",
    decision="remediate",
    outcome="done",
    act=_make_user_flow,
    check=_user_flow_is_gone,
)
PIPELINE_CHANGE: Final = Scene(
    summary="The app 'Release pipeline', which is approved, sets the sign-in frequency of CA003 to 6 hours",
    actor=RELEASE_PIPELINE,
    detection="ca-policy-updated",
    decision="record",
    outcome="none",
    act=_patch_policy(RELEASE_PIPELINE, MFA_FOR_ALL.id, _session_hours(6)),
    check=_session_is(6),
)
IMPOSTOR_CHANGE: Final = Scene(
    summary="Another app that calls itself 'Release pipeline' sets the sign-in frequency of CA003 to 90 hours",
    actor=IMPOSTOR,
    detection="ca-policy-updated",
    decision="remediate",
    outcome="done",
    act=_patch_policy(IMPOSTOR, MFA_FOR_ALL.id, _session_hours(90)),
    check=_session_is(6),
)
HIDDEN_BEHIND_ANOTHER: Final = Scene(
    summary="Mallory leaves himself out of CA001 and sets it to report-only, in two requests with one correlation id",
    actor=MALLORY,
    detection="ca-policy-updated",
    decision="remediate",
    outcome="done",
    act=_hide_one_change_behind_another,
    check=_is_whole_again,
)
DELETED_AGAIN: Final = Scene(
    summary="Trudy deletes CA002 a second time, just after it was restored",
    actor=TRUDY,
    detection="ca-policy-deleted",
    decision="remediate",
    outcome="done",
    act=_delete_policy,
    check=_deleted_is_back,
)
CREATED_THEN_ENABLED: Final = Scene(
    summary="Trudy creates a policy that blocks everybody, switched off, and then switches it on",
    actor=TRUDY,
    detection="ca-policy-updated",
    decision="remediate",
    outcome="done",
    act=_create_and_enable,
    check=_is_off("Temporary, later"),
)
LOCKS_EVERYBODY_OUT: Final = Scene(
    summary=(
        "Alice requires a compliant device of everybody, break-glass accounts too; Dave, on call and not approved,"
        " switches that off: putting it back would lock the tenant's last accounts out"
    ),
    actor=DAVE,
    detection="ca-policy-updated",
    decision="remediate",
    outcome="pending",
    act=_switch_a_lock_out_off,
    check=_is_off("Compliant devices only"),
)
WITHOUT_APPROVALS: Final = Scene(
    summary="The approval table is gone, and Mallory leaves himself out of CA003: nobody can tell whether he may",
    actor=MALLORY,
    detection="ca-policy-updated",
    decision="remediate",
    outcome="pending",
    act=_patch_policy(MALLORY, MFA_FOR_ALL.id, _excluding(MFA_FOR_ALL.body, MALLORY)),
    check=_leaves_out(MFA_FOR_ALL.id, MALLORY, expected=True),
)
THREE_TIMES: Final = Scene(
    summary="Mallory gives himself Contributor, and Event Grid delivers that event three times",
    actor=MALLORY,
    detection="rbac-role-assigned",
    decision="remediate",
    outcome="done",
    act=_take_contributor_thrice,
    check=_does_not_hold(MALLORY, CONTRIBUTOR),
)
PASSWORDS_GUESSED: Final = Scene(
    summary="A stranger tries six passwords for Erin, who can activate the role Helpdesk Administrator",
    actor=ERIN,
    detection="privileged-sign-in-failures",
    decision="page",
    outcome="none",
    act=_guess_passwords,
)
BREAK_GLASS_USED: Final = Scene(
    summary="Somebody signs in with a break-glass account, and no emergency was declared",
    actor=BREAK_GLASS_1,
    detection="break-glass-used",
    decision="page",
    outcome="none",
    act=_use_break_glass,
)
