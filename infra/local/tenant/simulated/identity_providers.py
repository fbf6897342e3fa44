"""Identity providers of Azure AD B2C: whoever reads one sees `****` in place of its secret."""

from typing import Final

from infra.local.tenant.simulated_kind import (
    BETA,
    NOTHING,
    Alternatives,
    Asked,
    Logged,
    Refusal,
    Reply,
    Route,
    Sample,
    SimulatedKind,
    remove_one,
    show_all,
    show_one,
    verb_of,
)
from infra.local.world import Json
from shared.model.kinds import ObjectKind, TenantKind

_PATH: Final = "/identity/identityProviders"
_ONE: Final = f"{_PATH}/{{id}}"
_READ: Final[Alternatives] = (frozenset({"IdentityProvider.Read.All"}), frozenset({"IdentityProvider.ReadWrite.All"}))
_WRITE: Final[Alternatives] = (frozenset({"IdentityProvider.ReadWrite.All"}),)
_TYPE: Final = "@odata.type"
_MASK: Final = "****"


def _update(asked: Asked) -> Reply:
    provider, body = asked.standing(asked.ids["id"]), asked.body
    if body.get(_TYPE) != provider[_TYPE]:
        raise Refusal(400, "AADB2C", "The type of the identity provider is missing.")
    if body.get("clientSecret") == _MASK or body.keys() & {"id", "identityProviderType"}:
        raise Refusal(400, "AADB2C", "The identity provider can't be updated so.")
    asked.shelf.put(asked.ids["id"].lower(), provider | body | {"clientSecret": _MASK})
    return NOTHING


def _logged(object_id: str, before: Json | None, after: Json | None) -> Logged:
    verb = verb_of(before, after)
    known = after or before or {"id": object_id, "displayName": object_id}
    return Logged(
        activity=f"{verb} identity provider",
        category="ResourceManagement",
        operation=verb,
        service="B2C",
        targets=[{"id": known["id"], "displayName": known["displayName"], "type": "Other", "modifiedProperties": []}],
    )


def _openid(object_id: str, name: str) -> Json:
    return {
        _TYPE: "#microsoft.graph.openIdConnectIdentityProvider",
        "id": object_id,
        "displayName": name,
        "clientId": "56433757-cadd-4135-8431-2c9e3fd68ae8",
        "clientSecret": _MASK,
        "metadataUrl": "https://login.contoso.example/.well-known/openid-configuration",
        "responseType": "code",
        "responseMode": "form_post",
        "scope": "openid",
        "claimsMapping": {"userId": "sub", "displayName": "name"},
    }


_FIRST: Final = "OIDC-V1-Contoso-085a8a0c-58cb-4b6d-8e07-1328ea404e1a"
_OTHER: Final = "OIDC-V1-Other-6d1f0b37-2c4e-4a95-b8d3-7e9a5c0f4b21"

SIMULATED: Final = SimulatedKind(
    kind=ObjectKind.IDENTITY_PROVIDER,
    tenant_kind=TenantKind.B2C,
    routes=(
        Route(method="GET", path=_PATH, needs=_READ, answer=show_all, versions=BETA),
        Route(method="GET", path=_ONE, needs=_READ, answer=show_one, versions=BETA),
        Route(method="PATCH", path=_ONE, needs=_WRITE, answer=_update, versions=BETA),
        Route(method="DELETE", path=_ONE, needs=_WRITE, answer=remove_one, versions=BETA),
    ),
    logged=_logged,
    samples=(
        Sample(object_id=_FIRST, image=_openid(_FIRST, "Contoso")),
        Sample(object_id=_OTHER, image=_openid(_OTHER, "Other"), is_there=False),
    ),
    detected=frozenset({"create", "update", "delete"}),
    is_made_again=False,
    edits=({"metadataUrl": "https://evil.example/.well-known/openid-configuration"}, {"displayName": "Staff"}),
    edits_to_page=({"clientId": "e0e00000-1b7d-4f3a-9c52-8d6a4f0b2e71"},),
)
