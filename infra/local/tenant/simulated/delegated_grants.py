"""What applications were allowed to do in the name of all users or of one: `oauth2PermissionGrants`.

A grant is kept with its scopes as a list; Graph gives them as one text. One for all users goes by application and API,
one for a single user by the user besides, and is an object of a kind of its own. The log names no user.
"""

import base64
import json
from dataclasses import replace
from typing import Final

from infra.local import world
from infra.local.tenant.app_roles import EXCHANGE, GRAPH, RESOURCES
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

_PATH: Final = "/oauth2PermissionGrants"
_ONE: Final = f"{_PATH}/{{id}}"
_WRITE: Final[Alternatives] = (frozenset({"DelegatedPermissionGrant.ReadWrite.All"}),)
_READ: Final[Alternatives] = (
    frozenset({"DelegatedPermissionGrant.Read.All"}),
    frozenset({"Directory.Read.All"}),
    *_WRITE,
)
_MISSING: Final = "Request_ResourceNotFound"
_ALL: Final = "AllPrincipals"


def _printed(grant: Json) -> Json:
    return grant | {"scope": " ".join(grant["scope"])}


def _list(asked: Asked) -> Reply:
    several = (asked.shelf, asked.of(ObjectKind.USER_GRANT))
    return Reply(values=[_printed(each) for shelf in several for each in shelf.listed().values()])


def _place_of(asked: Asked, object_id: str) -> Asked:
    """Ask where a grant is kept: one for a single user is named by three ids."""
    return replace(asked, shelf=asked.of(ObjectKind.USER_GRANT)) if object_id.count("/") > 1 else asked


def _create(asked: Asked) -> Reply:
    body: Json = asked.body or {}
    if body.get("consentType") not in {_ALL, "Principal"} or not body.get("clientId"):
        message = "Invalid value specified for property 'consentType' of resource 'OAuth2PermissionGrant'."
        raise Refusal(400, "Request_BadRequest", message)
    if (body["consentType"] == "Principal") != bool(body.get("principalId")):
        raise Refusal(400, "Request_BadRequest", "The value of principalId doesn't go with that of consentType.")
    grant = _grant(body["clientId"], body.get("resourceId", ""), body.get("scope", ""), body.get("principalId"))
    object_id = _object_id(grant["id"])
    shelf = _place_of(asked, object_id).shelf
    if shelf.current(object_id) is not None:
        raise Refusal(409, "Request_MultipleObjectsWithSameKeyValue", "Permission entry already exists.")
    shelf.put(object_id, grant)
    return Reply(status=201, body=_printed(grant))


def _update(asked: Asked) -> Reply:
    object_id = _object_id(asked.ids["id"])
    asked = _place_of(asked, object_id)
    grant = asked.standing(object_id, code=_MISSING)
    if asked.body.keys() != {"scope"} or not asked.body["scope"].strip():
        raise Refusal(400, "Request_BadRequest", "Invalid value specified for property 'scope'.")
    asked.shelf.put(object_id, grant | {"scope": asked.body["scope"].split()})
    return NOTHING


def _delete(asked: Asked) -> Reply:
    object_id = _object_id(asked.ids["id"])
    asked = _place_of(asked, object_id)
    asked.standing(object_id, code=_MISSING)
    asked.shelf.put(object_id, None)
    return NOTHING


def _grant(client: str, api: str, scope: str, user: str | None = None) -> Json:
    object_id = "/".join(filter(None, (client, api or "-", user))).lower()
    return {
        "id": base64.urlsafe_b64encode(object_id.encode()).decode().rstrip("="),
        "clientId": client,
        "consentType": "Principal" if user else _ALL,
        "principalId": user,
        "resourceId": api,
        "scope": scope.split(),
    }


def _object_id(grant_id: str) -> str:
    """Give the responder's id of a grant; raises Refusal 404 where there can't be such a grant."""
    try:
        return base64.urlsafe_b64decode(f"{grant_id}==").decode().lower()
    except ValueError as error:
        raise Refusal(404, _MISSING, f"Resource '{grant_id}' does not exist.") from error


# What the log says.


def _logged(_object_id: str, before: Json | None, after: Json | None) -> Logged:
    grant: Json = after or before or {}
    app_id, name = RESOURCES.get(grant["resourceId"], ("", None))
    verb, operation = ("Add", "Assign") if after else ("Remove", "Unassign")
    changes = [
        _change("DelegatedPermissionGrant.Scope", _text(before), _text(after)),
        _change(
            "DelegatedPermissionGrant.ConsentType", before and before["consentType"], after and after["consentType"]
        ),
        _change("ServicePrincipal.ObjectID", None, grant["clientId"]),
        _change("TargetId.ServicePrincipalNames", None, app_id),
    ]
    api: Json = {"id": grant["resourceId"], "displayName": name, "type": "ServicePrincipal"}
    client: Json = {"id": grant["clientId"], "displayName": None, "type": "ServicePrincipal", "modifiedProperties": []}
    return Logged(
        activity=f"{verb} delegated permission grant",
        category="ApplicationManagement",
        operation=operation,
        targets=[api | {"modifiedProperties": changes}, client],
    )


def _text(grant: Json | None) -> str | None:
    return None if grant is None else " ".join(grant["scope"])


def _change(name: str, old: object, new: object) -> Json:
    both = {"oldValue": old, "newValue": new}
    return {"displayName": name} | {key: None if one is None else json.dumps(one) for key, one in both.items()}


def _sample(client: str, scope: str, user: str | None = None, *, api: str = GRAPH, is_there: bool = True) -> Sample:
    grant = _grant(client, api, scope, user)
    return Sample(object_id=_object_id(grant["id"]), image=grant, is_there=is_there)


SIMULATED: Final = SimulatedKind(
    kind=ObjectKind.DELEGATED_GRANT,
    tenant_kind=TenantKind.WORKFORCE,
    routes=(
        Route(
            method="GET",
            path=_PATH,
            needs=_READ,
            answer=_list,
            filters=("clientId", "consentType", "principalId", "resourceId"),
            is_everywhere=True,
        ),
        Route(method="POST", path=_PATH, needs=_WRITE, answer=_create, is_everywhere=True),
        Route(method="PATCH", path=_ONE, needs=_WRITE, answer=_update),
        Route(method="DELETE", path=_ONE, needs=_WRITE, answer=_delete),
    ),
    logged=_logged,
    samples=(
        _sample(world.RELEASE_PIPELINE.id, "User.Read"),
        _sample(world.IMPOSTOR.id, "Mail.ReadWrite offline_access", is_there=False),
    ),
    detected=frozenset({"create", "update"}),
    is_made_again=False,
    edits=({"scope[Mail.ReadWrite]": True}, {"scope[Directory.AccessAsUser.All]": True}),
    tells_values=True,
    belongs_to=lambda grant: (grant["clientId"], grant["resourceId"]),
)

FOR_ONE_USER: Final = SimulatedKind(
    kind=ObjectKind.USER_GRANT,
    tenant_kind=TenantKind.WORKFORCE,
    routes=(),
    logged=_logged,
    samples=(
        _sample(world.RELEASE_PIPELINE.id, "User.Read Mail.Read", world.DAVE.id),
        _sample(world.IMPOSTOR.id, "Mail.ReadWrite", world.ERIN.id, api=EXCHANGE, is_there=False),
    ),
    detected=frozenset({"create", "update"}),
    is_made_again=False,
    edits=({"scope[Mail.ReadWrite]": True}, {"scope[Directory.AccessAsUser.All]": True}),
    tells_values=True,
    belongs_to=lambda grant: (grant["clientId"], grant["resourceId"], grant["principalId"]),
    recorded_as=lambda grant: grant["resourceId"],
)
"""Grants for one user; the routes are those of the grants for all."""
