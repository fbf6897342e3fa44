"""Service principals: those of the APIs, of everybody in `world` who is one, and some of the tenant's own applications.

They are in both kinds of tenant; those of a B2C tenant are read, and guarded nowhere.
"""

from collections.abc import Mapping
from typing import Final

from infra.local import world
from infra.local.tenant.app_roles import APP_ROLES, RESOURCES, roles_of
from infra.local.tenant.simulated_credentials import (
    MISSING,
    add_password,
    change,
    described_keys,
    printed_certificates,
    remove_password,
    sent_certificates,
)
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
from infra.local.tenant.simulated_owners import expanded_owners
from infra.local.world import Json
from shared.model.kinds import ObjectKind, TenantKind

MICROSOFT: Final = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
"""The tenant of Microsoft's own services, whose registrations they are."""

_IN: Final = "servicePrincipals"
_PATH: Final = f"/{_IN}"
_ONE: Final = f"{_PATH}/{{id}}"
_READ: Final[Alternatives] = (
    frozenset({"Application.Read.All"}),
    frozenset({"Application.ReadWrite.All"}),
    frozenset({"Directory.Read.All"}),
)
_WRITE: Final[Alternatives] = (frozenset({"Application.ReadWrite.All"}),)
_WRITABLE: Final = frozenset({"accountEnabled", "keyCredentials"})


def _list(asked: Asked) -> Reply:
    listed = asked.shelf.listed().values()
    return Reply(values=[_printed(each, asked.query) | expanded_owners(asked, _IN, each["id"]) for each in listed])


def _get(asked: Asked) -> Reply:
    shown = asked.shown(asked.ids["id"], code=MISSING)
    return Reply(body=_printed(shown, asked.query, is_one=True))


def _printed(kept: Json, query: Mapping[str, str], *, is_one: bool = False) -> Json:
    if "keyCredentials" not in kept:
        return kept
    with_keys = is_one and "keyCredentials" in query.get("$select", "").split(",")
    return kept | {"keyCredentials": printed_certificates(kept, with_keys=with_keys)}


def _update(asked: Asked) -> Reply:
    kept = asked.standing(asked.ids["id"], code=MISSING)
    body: Json = asked.body
    if unknown := body.keys() - _WRITABLE:
        raise Refusal(400, "Request_BadRequest", f"Property '{min(unknown)}' can't be updated.")
    if "keyCredentials" in body:
        body = body | {"keyCredentials": sent_certificates(kept, body["keyCredentials"])}
    asked.shelf.put(asked.ids["id"].lower(), kept | body)
    return NOTHING


# What the log says.


def _logged(object_id: str, before: Json | None, after: Json | None) -> Logged:
    changes = _changes(before or {}, after or {})
    names = [str(each["displayName"]) for each in changes]
    changes.append(change("Included Updated Properties", None, ", ".join(names)))
    target: Json = {
        "id": object_id,
        "displayName": (after or before or {}).get("displayName"),
        "type": "ServicePrincipal",
        "modifiedProperties": changes,
    }
    verb = "Update" if before and after else "Add" if after else "Remove"
    return Logged(
        activity=_activity(before, after) if names == ["KeyDescription"] else f"{verb} service principal",
        category="ApplicationManagement",
        operation=verb,
        targets=[target],
    )


def _activity(before: Json | None, after: Json | None) -> str:
    """Name the record of credentials alone: whether some came or only went."""
    is_more = set(described_keys(after or {})) - set(described_keys(before or {}))
    return f"{'Add' if is_more else 'Remove'} service principal credentials"


def _changes(before: Json, after: Json) -> list[Json]:
    enabled = [[image["accountEnabled"]] if image else [] for image in (before, after)]
    keys = [described_keys(image) for image in (before, after)]
    both = {"AccountEnabled": enabled, "KeyDescription": keys}
    return [change(name, old, new) for name, (old, new) in both.items() if old != new]


# Who there is.


def _service_principal(object_id: str, app_id: str | None, name: str, owner: str | None, **more: object) -> Json:
    made: Json = {
        "id": object_id,
        "appId": app_id,
        "displayName": name,
        "appDisplayName": name,
        "servicePrincipalType": "Application",
        "accountEnabled": True,
        "appOwnerOrganizationId": owner,
        "servicePrincipalNames": [app_id],
        "createdDateTime": world.SEEDED_AT,
        "appRoles": [],
        "passwordCredentials": [],
        "keyCredentials": [],
    }
    return made | more


def owner_of(principal: world.Principal) -> str:
    """Give the tenant that an application is registered in."""
    return MICROSOFT if principal.id == world.MS_PIM.id else principal.tenant


def _of_world(tenant: str) -> Mapping[str, Json]:
    """Give the service principals of the APIs and of everybody in `world` who is one, by id."""
    apis = [
        _service_principal(each, app_id, name, MICROSOFT, appRoles=_app_roles(each))
        for each, (app_id, name) in RESOURCES.items()
    ]
    here = [each for each in world.PRINCIPALS if each.kind == "servicePrincipal" and each.tenant == tenant]
    return {each["id"]: each for each in (*apis, *map(_of_principal, here))}


def _app_roles(api: str) -> list[Json]:
    return [
        {"id": APP_ROLES[role], "value": role, "isEnabled": True, "allowedMemberTypes": ["Application"]}
        for role in roles_of(api)
    ]


def _of_principal(principal: world.Principal) -> Json:
    managed: Json = {"appDisplayName": None, "servicePrincipalType": "ManagedIdentity", "appOwnerOrganizationId": None}
    shown = _service_principal(principal.id, principal.client_id, principal.name, owner_of(principal))
    return shown | (managed if principal is world.RESPONDER else {})


_KEY: Final = "2a8d3c71-75ef-4b26-9d4c-fa3e16b8e592"
_CERTIFICATE: Final = "6e19b4f8-c3a0-4d72-b8e5-24a7d1f9ca63"


def _sample(number: int, name: str, **more: object) -> Json:
    object_id = f"59c{number:05d}-4d2f-4a8e-b63c-9e1f7a0d5b84"
    return _service_principal(
        object_id, f"c59{number:05d}-8a3b-4ea7-94f9-16d5e2ba0738", name, world.WORKFORCE_TENANT, **more
    )


_ARCHIVE: Final = _sample(
    1,
    "Archive",
    passwordCredentials=[{"keyId": _KEY, "displayName": "nightly", "endDateTime": "2027-01-01T00:00:00Z"}],
    keyCredentials=[{"keyId": _CERTIFICATE, "displayName": "tokens"}],
)
_STOPPED: Final = _sample(2, "Stopped", accountEnabled=False)
_OTHER: Final = _sample(3, "Other")

SIMULATED: Final = SimulatedKind(
    kind=ObjectKind.SERVICE_PRINCIPAL,
    tenant_kind=TenantKind.WORKFORCE,
    routes=(
        Route(
            method="GET",
            path=_PATH,
            needs=_READ,
            answer=_list,
            filters=("id", "appId", "displayName"),
            options=("$expand",),
            is_everywhere=True,
        ),
        Route(method="GET", path=_ONE, needs=_READ, answer=_get, is_everywhere=True),
        Route(method="PATCH", path=_ONE, needs=_WRITE, answer=_update),
        Route(method="POST", path=f"{_ONE}/addPassword", needs=_WRITE, answer=add_password),
        Route(method="POST", path=f"{_ONE}/removePassword", needs=_WRITE, answer=remove_password),
    ),
    logged=_logged,
    samples=(
        Sample(object_id=_ARCHIVE["id"], image=_ARCHIVE),
        Sample(object_id=_STOPPED["id"], image=_STOPPED),
        Sample(object_id=_OTHER["id"], image=_OTHER, is_there=False),
    ),
    others=_of_world,
    detected=frozenset({"update"}),
    is_made_again=False,
    is_deleted=False,
    edits=(
        {"accountEnabled": True},
        {"passwordCredentials[8d51eac2-6f30-4942-a7bd-1c9e802f34b6]": True},
        {"keyCredentials[93f701d5-2ace-4e86-9b4f-d6187ea302c9]": True},
    ),
    edits_to_page=({"accountEnabled": False},),
    tells_values=True,
    members={"passwordCredentials": ("keyId",), "keyCredentials": ("keyId",)},
)
