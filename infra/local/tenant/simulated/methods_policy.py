"""The authentication methods policy: which methods people may register and sign in with.

It is kept with each method's configuration under the method's id; Graph prints them as one list.
"""

from typing import Final

from infra.local.tenant.simulated_kind import (
    NOTHING,
    Alternatives,
    Asked,
    Logged,
    Refusal,
    Reply,
    Route,
    Sample,
    SimulatedKind,
)
from infra.local.world import Json
from shared.model.kinds import ObjectKind, TenantKind

_ID: Final = "authenticationmethodspolicy"
_PATH: Final = "/policies/authenticationMethodsPolicy"
_CONFIGURATION: Final = f"{_PATH}/authenticationMethodConfigurations/{{id}}"
_READ: Final[Alternatives] = (frozenset({"Policy.Read.All"}), frozenset({"Policy.Read.AuthenticationMethod"}))
_WRITE: Final[Alternatives] = (frozenset({"Policy.ReadWrite.AuthenticationMethod"}),)
_METHODS: Final = ("Fido2", "MicrosoftAuthenticator", "Sms", "TemporaryAccessPass", "SoftwareOath")
_EVERYBODY: Final[Json] = {"id": "all_users", "targetType": "group", "isRegistrationRequired": False}


def _type_of(method: str) -> str:
    return f"#microsoft.graph.{method[0].lower()}{method[1:]}AuthenticationMethodConfiguration"


def _get(asked: Asked) -> Reply:
    kept = asked.shown(_ID)
    configurations = [{"@odata.type": _type_of(each), "id": each} | kept[each] for each in _METHODS if each in kept]
    policy = {name: value for name, value in kept.items() if name not in _METHODS}
    return Reply(body=policy | {"authenticationMethodConfigurations": configurations})


def _update(asked: Asked) -> Reply:
    kept = asked.standing(_ID)
    if unknown := asked.body.keys() - {"registrationEnforcement", "policyMigrationState"}:
        raise Refusal(400, "Request_BadRequest", f"Property '{min(unknown)}' can't be updated.")
    asked.shelf.put(_ID, kept | asked.body)
    return NOTHING


def _configure(asked: Asked) -> Reply:
    kept, body = asked.standing(_ID), dict(asked.body)
    method = next((each for each in _METHODS if each.lower() == asked.ids["id"].lower() and each in kept), "")
    if not method:
        raise Refusal(404, "resourceNotFound", f"Resource '{asked.ids['id']}' does not exist.")
    if body.pop("@odata.type", "") != _type_of(method) or "id" in body:
        raise Refusal(400, "Request_BadRequest", "The type of the configuration must be included in the body.")
    if body.get("state", "enabled") not in {"enabled", "disabled"}:
        raise Refusal(400, "Request_BadRequest", "Invalid value for 'state'.")
    asked.shelf.put(_ID, kept | {method: kept[method] | body})
    return NOTHING


def _logged(_object_id: str, _before: Json | None, _after: Json | None) -> Logged:
    return Logged(
        activity="Authentication Methods Policy Update",
        category="ApplicationManagement",
        operation="Update",
        service="Authentication Methods",
        targets=[{"id": None, "displayName": "Authentication Methods Policy", "type": "Other"}],
    )


_POLICY: Final[Json] = {
    "id": "authenticationMethodsPolicy",
    "displayName": "Authentication Methods Policy",
    "policyMigrationState": "migrationComplete",
    "policyVersion": "1.5",
    "Fido2": {"state": "enabled", "isAttestationEnforced": True, "includeTargets": [_EVERYBODY]},
    "MicrosoftAuthenticator": {"state": "enabled", "includeTargets": [_EVERYBODY]},
    "Sms": {"state": "disabled", "includeTargets": [_EVERYBODY]},
    "TemporaryAccessPass": {"state": "disabled", "isUsableOnce": True, "defaultLifetimeInMinutes": 60},
}

SIMULATED: Final = SimulatedKind(
    kind=ObjectKind.METHODS_POLICY,
    tenant_kind=TenantKind.WORKFORCE,
    routes=(
        Route(method="GET", path=_PATH, needs=_READ, answer=_get),
        Route(method="PATCH", path=_PATH, needs=_WRITE, answer=_update),
        Route(method="PATCH", path=_CONFIGURATION, needs=_WRITE, answer=_configure),
    ),
    logged=_logged,
    samples=(Sample(object_id=_ID, image=_POLICY),),
    detected=frozenset({"update"}),
    is_made_again=False,
    is_deleted=False,
    is_always_there=True,
    edits=(
        {"Sms.state": "enabled"},
        {"TemporaryAccessPass.state": "enabled", "TemporaryAccessPass.isUsableOnce": False},
        {"TemporaryAccessPass.defaultLifetimeInMinutes": 480},
        {"MicrosoftAuthenticator.state": "disabled"},
        {"Sms.state": "disabled"},
    ),
)
