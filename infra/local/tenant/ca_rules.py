"""What Graph takes in, and refuses, as a conditional access policy; and how it prints one.

The refusals are those that break the naive restore, "send back what GET returned": read-only properties, the expanded
authentication strength, annotations, and session controls beside authentication flows.
"""

import copy

from infra.local import world
from infra.local.tenant.api_error import ApiError, bad_request
from infra.local.tenant.bodies import as_object
from infra.local.world import Json

_SEE = (
    " For examples, please see API documentation at "
    "https://docs.microsoft.com/en-us/graph/api/conditionalaccessroot-post-policies?view=graph-rest-1.0."
)
_READ_ONLY = ("id", "createdDateTime", "modifiedDateTime", "deletedDateTime")
_WRITABLE = frozenset({"displayName", "state", "conditions", "grantControls", "sessionControls", "@odata.type"})
_STATES = frozenset({"enabled", "disabled", "enabledForReportingButNotEnforced"})
_BUILT_IN_CONTROLS = frozenset(
    {
        "block",
        "mfa",
        "compliantDevice",
        "domainJoinedDevice",
        "approvedApplication",
        "compliantApplication",
        "passwordChange",
        "riskRemediation",
    }
)
_APPLICATIONS: Json = {
    "includeApplications": [],
    "excludeApplications": [],
    "includeUserActions": [],
    "includeAuthenticationContextClassReferences": [],
    "applicationFilter": None,
}
_USERS: Json = {
    "includeUsers": [],
    "excludeUsers": [],
    "includeGroups": [],
    "excludeGroups": [],
    "includeRoles": [],
    "excludeRoles": [],
    "includeGuestsOrExternalUsers": None,
    "excludeGuestsOrExternalUsers": None,
}
_CONDITIONS: Json = {
    "userRiskLevels": [],
    "signInRiskLevels": [],
    "clientAppTypes": ["all"],
    "servicePrincipalRiskLevels": [],
    "insiderRiskLevels": None,
    "platforms": None,
    "locations": None,
    "times": None,
    "deviceStates": None,
    "devices": None,
    "clientApplications": None,
    "authenticationFlows": None,
    "applications": None,
    "users": None,
}
_GRANT_CONTROLS: Json = {
    "operator": "OR",
    "builtInControls": [],
    "customAuthenticationFactors": [],
    "termsOfUse": [],
    "authenticationStrength": None,
}
_SESSION_CONTROLS: Json = {
    "disableResilienceDefaults": None,
    "applicationEnforcedRestrictions": None,
    "cloudAppSecurity": None,
    "signInFrequency": None,
    "persistentBrowser": None,
    "continuousAccessEvaluation": None,
    "secureSignInSession": None,
}
_BIND = "authenticationStrength@odata.bind"
_STRENGTHS: dict[str, Json] = {
    world.STRENGTH_MFA: {"displayName": "Multifactor authentication"},
    world.STRENGTH_PASSWORDLESS: {"displayName": "Passwordless MFA"},
    world.STRENGTH_PHISHING_RESISTANT: {"displayName": "Phishing-resistant MFA"},
}
_PHISHING_RESISTANT = ["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"]


def _schema_error() -> ApiError:
    message = "1007: Incoming ConditionalAccessPolicy object is null or does not match the schema of"
    return bad_request(f"{message} ConditionalAccessPolicy type.{_SEE}")


def checked(body: object) -> Json:
    """Return what to store of a POST or PATCH body, filled up the way GET prints it; raises ApiError 400."""
    policy = copy.deepcopy(as_object(body))
    if not policy:
        raise _schema_error()
    _refuse_read_only(policy)
    policy.pop("@odata.type", None)
    if policy.get("state", "enabled") not in _STATES:
        raise _schema_error()
    if "conditions" in policy:
        policy["conditions"] = _conditions(policy["conditions"])
    if policy.get("grantControls") is not None:
        policy["grantControls"] = _grant_controls(policy["grantControls"])
    if policy.get("sessionControls") is not None:
        policy["sessionControls"] = _filled(policy["sessionControls"], _SESSION_CONTROLS)
    return policy


def refuse_incomplete(policy: Json) -> None:
    """Refuse a new policy that lacks a name, a state, conditions, or any control."""
    controls = policy.get("grantControls") or policy.get("sessionControls")
    conditions: Json = policy.get("conditions") or {}
    reached = conditions.get("users") or conditions.get("clientApplications")
    if not (policy.get("displayName") and policy.get("state") and controls and reached):
        raise _schema_error()
    if conditions.get("applications") is None:
        raise _schema_error()


def refuse_contradictions(policy: Json) -> None:
    """Refuse what only shows on the whole policy, after a PATCH was merged in."""
    conditions: Json = policy.get("conditions") or {}
    if conditions.get("authenticationFlows") is None:
        return
    controls: Json = policy.get("grantControls") or {}
    if policy.get("sessionControls") is not None or controls.get("builtInControls") != ["block"]:
        raise bad_request(
            "1235: Configured controls are unsupported for policies containing the protocol flows condition. "
            "Only the Block grant control is allowed. No session or external controls are allowed."
        )


def _refuse_read_only(policy: Json) -> None:
    # Even null counts: the property's presence is what is refused.
    if "templateId" in policy:
        raise bad_request(f"1118: TemplateId is a read-only field and cannot be updated.{_SEE}")
    for name in _READ_ONLY:
        if name in policy:
            raise bad_request(f"1001: '{name}' is a readonly field and cannot be updated.{_SEE}")
    for name in policy.keys() - _WRITABLE:
        if "@odata." in name:
            raise _schema_error()
        raise bad_request(
            f"The property '{name}' does not exist on type 'microsoft.graph.conditionalAccessPolicy'. "
            "Make sure to only use property names that are defined by the type."
        )


def _filled(value: object, defaults: Json) -> Json:
    given = as_object(copy.deepcopy(value))
    if given is None:
        raise _schema_error()
    given.pop("@odata.type", None)
    if given.keys() - defaults.keys():
        raise _schema_error()
    return copy.deepcopy(defaults) | given


def _conditions(value: object) -> Json:
    conditions = _filled(value, _CONDITIONS)
    for name, defaults in (("applications", _APPLICATIONS), ("users", _USERS)):
        if conditions[name] is not None:
            conditions[name] = _filled(conditions[name], defaults)
    return conditions


def _grant_controls(value: object) -> Json:
    controls = _filled(value, _GRANT_CONTROLS | {_BIND: None})
    bound = controls.pop(_BIND)
    if bound is not None:
        controls["authenticationStrength"] = {"id": str(bound).rstrip("/").rsplit("/", 1)[-1]}
    built_in: list[str] = controls["builtInControls"] or []
    if controls["operator"] not in {"AND", "OR"} or set(built_in) - _BUILT_IN_CONTROLS:
        raise _schema_error()
    if "block" in built_in and built_in != ["block"]:
        raise bad_request("1032: ConditionalActionPolicy validation failed due to InvalidControls.")
    controls["authenticationStrength"] = _strength_id(controls["authenticationStrength"])
    return controls


def _strength_id(strength: Json | None) -> Json | None:
    """Keep `{"id": ...}`; what GET shows, the expanded strength, does not match the schema of a write."""
    if strength is None:
        return None
    if strength.keys() != {"id"}:
        raise _schema_error()
    if strength["id"] not in _STRENGTHS:
        raise bad_request("1040: Policy contains an invalid authentication strength policy id.")
    return strength


def shown(policy: Json) -> Json:
    """Print a stored policy as GET does: the strength expanded, with its annotations."""
    policy = copy.deepcopy(policy)
    controls = policy.get("grantControls")
    if controls is None:
        return policy
    root = "https://graph.microsoft.com/v1.0/$metadata#identity/conditionalAccess/policies"
    strength = f"('{policy['id']}')/grantControls/authenticationStrength"
    controls["authenticationStrength@odata.context"] = f"{root}{strength}/$entity"
    if controls["authenticationStrength"] is not None:
        controls["authenticationStrength"] = _expanded(controls["authenticationStrength"]["id"], f"{root}{strength}")
    return policy


def _expanded(strength_id: str, context: str) -> Json:
    return {
        "id": strength_id,
        "createdDateTime": "2021-12-01T00:00:00Z",
        "modifiedDateTime": "2021-12-01T00:00:00Z",
        "policyType": "builtIn",
        "requirementsSatisfied": "mfa",
        "allowedCombinations": list(_PHISHING_RESISTANT),
        "combinationConfigurations@odata.context": f"{context}/combinationConfigurations",
        "combinationConfigurations": [],
        "description": "",
    } | _STRENGTHS[strength_id]
