"""What Graph takes in, and refuses, as a conditional access policy; and how it prints one.

The refusals are those that break the naive restore, "send back what GET returned": read-only properties, the expanded
authentication strength, annotations, and session controls beside authentication flows.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from infra.local.tenant.api_error import ApiError, bad_request
from infra.local.tenant.bodies import as_object
from infra.local.world import Json

_SEE = (
    " For examples, please see API documentation at "
    "https://docs.microsoft.com/en-us/graph/api/conditionalaccessroot-post-policies?view=graph-rest-1.0."
)
_READ_ONLY = ("id", "createdDateTime", "modifiedDateTime", "deletedDateTime")
_WRITABLE = frozenset(
    {"displayName", "description", "state", "conditions", "grantControls", "sessionControls", "@odata.type"}
)
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
_BETA_ONLY: Final[Mapping[str, Json]] = {
    "conditions": {"agents": None, "agentContext": None, "agentIdRiskLevels": None},
    "conditions.applications": {"networkAccess": None, "globalSecureAccess": None},
    "sessionControls": {"globalSecureAccessFilteringProfile": None},
}
"""Parts that v1.0's metadata lacks, by where they are in a policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a writer may say beyond the rules: beta's own parts, what the service added, and strengths by their ids.

    `added` are the properties that the service has added to every policy, as they are printed.
    """

    is_beta: bool
    added: Json = field(default_factory=dict[str, object])
    strengths: frozenset[str]


def _schema_error() -> ApiError:
    message = "1007: Incoming ConditionalAccessPolicy object is null or does not match the schema of"
    return bad_request(f"{message} ConditionalAccessPolicy type.{_SEE}")


def checked(body: object, terms: Terms) -> Json:
    """Return what to store of a POST or PATCH body, filled up the way GET prints it; raises ApiError 400."""
    given = copy.deepcopy(as_object(body))
    if not given:
        raise _schema_error()
    policy, added = apart(given, terms.added)
    return merged(_checked(policy, terms), added)


def apart(value: Json, shape: Json) -> tuple[Json, Json]:
    """Divide `value` into what `shape` doesn't have and what it has, leaf by leaf."""
    others: Json = {}
    shaped: Json = {}
    for name, each in value.items():
        inner, inner_shape = as_object(each), as_object(shape.get(name))
        if name not in shape:
            others[name] = each
        elif inner is None or inner_shape is None:
            shaped[name] = each
        else:
            others[name], found = apart(inner, inner_shape)
            shaped |= {name: found} if found else {}
    return others, shaped


def merged(value: Json, more: Json) -> Json:
    """Lay `more` over `value`, leaf by leaf; where `value` has null or no object, nothing can be laid into it."""
    laid = dict(value)
    for name, each in more.items():
        inner, mine = as_object(each), as_object(value.get(name))
        if inner is None:
            laid[name] = each
        elif mine is not None:
            laid[name] = merged(mine, inner)
    return laid


def filled_in(value: Json, more: Json) -> Json:
    """Lay the leaves of `more` into `value` where it has null, an empty collection or nothing."""
    laid = dict(value)
    for name, each in more.items():
        inner, mine = as_object(each), as_object(value.get(name))
        if inner is not None and mine is not None:
            laid[name] = filled_in(mine, inner)
        elif inner is None and value.get(name) in (None, [], ""):
            laid[name] = each
    return laid


def _checked(policy: Json, terms: Terms) -> Json:
    _refuse_read_only(policy)
    policy.pop("@odata.type", None)
    if policy.get("state", "enabled") not in _STATES:
        raise _schema_error()
    if "conditions" in policy:
        policy["conditions"] = _conditions(policy["conditions"], terms)
    if policy.get("grantControls") is not None:
        policy["grantControls"] = _grant_controls(policy["grantControls"], terms)
    if policy.get("sessionControls") is not None:
        policy["sessionControls"] = _part(policy["sessionControls"], _SESSION_CONTROLS, "sessionControls", terms)
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


def _part(value: object, defaults: Json, path: str, terms: Terms) -> Json:
    """Fill up a part of a policy. Beta's own properties are kept where they have a value."""
    beta = _BETA_ONLY.get(path, {}) if terms.is_beta else {}
    filled = _filled(value, defaults | beta)
    return {name: each for name, each in filled.items() if name in defaults or each is not None}


def _conditions(value: object, terms: Terms) -> Json:
    conditions = _part(value, _CONDITIONS, "conditions", terms)
    for name, defaults in (("applications", _APPLICATIONS), ("users", _USERS)):
        if conditions[name] is not None:
            conditions[name] = _part(conditions[name], defaults, f"conditions.{name}", terms)
    return conditions


def _beta_only(policy: Json) -> Json:
    """Give the parts of a policy that v1.0's metadata lacks."""
    found: Json = {}
    for path, names in _BETA_ONLY.items():
        part: Json | None = policy
        for step in path.split("."):
            part = as_object((part or {}).get(step))
        kept = {name: value for name, value in (part or {}).items() if name in names}
        for step in reversed(path.split(".")):
            kept = {step: kept} if kept else {}
        found = _joined(found, kept)
    return found


def _joined(one: Json, other: Json) -> Json:
    both = dict(one)
    for name, each in other.items():
        inner, mine = as_object(each), as_object(one.get(name))
        both[name] = each if inner is None or mine is None else _joined(mine, inner)
    return both


def has_preview_parts(policy: Json) -> bool:
    """Say whether a policy has parts that only beta knows."""
    return bool(_beta_only(policy))


def without_preview_parts(policy: Json) -> Json:
    """Leave out the parts that only beta knows."""
    parts = _beta_only(policy)
    return apart(policy, parts)[0] if parts else policy


def _grant_controls(value: object, terms: Terms) -> Json:
    controls = _filled(value, _GRANT_CONTROLS | {_BIND: None})
    bound = controls.pop(_BIND)
    if bound is not None:
        controls["authenticationStrength"] = {"id": str(bound).rstrip("/").rsplit("/", 1)[-1]}
    built_in: list[str] = controls["builtInControls"] or []
    if controls["operator"] not in {"AND", "OR"} or set(built_in) - _BUILT_IN_CONTROLS:
        raise _schema_error()
    if "block" in built_in and built_in != ["block"]:
        raise bad_request("1032: ConditionalActionPolicy validation failed due to InvalidControls.")
    controls["authenticationStrength"] = _strength_id(controls["authenticationStrength"], terms)
    return controls


def _strength_id(strength: Json | None, terms: Terms) -> Json | None:
    """Keep `{"id": ...}`; what GET shows, the expanded strength, does not match the schema of a write."""
    if strength is None:
        return None
    if strength.keys() != {"id"}:
        raise _schema_error()
    if strength["id"] not in terms.strengths:
        raise bad_request("1040: Policy contains an invalid authentication strength policy id.")
    return strength


def shown(policy: Json, strengths: Mapping[str, Json]) -> Json:
    """Print a stored policy as GET does: the strength expanded from `strengths`, with its annotations."""
    controls = as_object(policy.get("grantControls"))
    if controls is None:
        return policy
    context = (
        "https://graph.microsoft.com/v1.0/$metadata#identity/conditionalAccess/policies"
        f"('{policy['id']}')/grantControls/authenticationStrength"
    )
    strength = as_object(controls["authenticationStrength"])
    expanded = None if strength is None else _expanded(strength["id"], strengths, context)
    with_strength = {"authenticationStrength@odata.context": f"{context}/$entity", "authenticationStrength": expanded}
    return policy | {"grantControls": controls | with_strength}


def _expanded(strength_id: str, strengths: Mapping[str, Json], context: str) -> Json:
    """Print a strength inside a policy; one that is gone by now keeps only its id."""
    strength = strengths.get(strength_id, {"id": strength_id})
    return strength | {"combinationConfigurations@odata.context": f"{context}/combinationConfigurations"}
