"""Registrations of applications, as Graph has them: addresses, credentials, and trusts in other issuers' tokens.

Graph shows trusts only where `$expand` asks for them. What is sent of `web` replaces all of it here; whether Graph
keeps the rest isn't documented.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

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

_PATH: Final = "/applications"
_ONE: Final = f"{_PATH}/{{id}}"
_TRUSTS: Final = f"{_ONE}/federatedIdentityCredentials"
_FEDERATED: Final = "federatedIdentityCredentials"
_READ: Final[Alternatives] = (
    frozenset({"Application.Read.All"}),
    frozenset({"Application.ReadWrite.All"}),
    frozenset({"Directory.Read.All"}),
)
_WRITE: Final[Alternatives] = (frozenset({"Application.ReadWrite.All"}),)
_WRITABLE: Final = frozenset({"identifierUris", "keyCredentials", "publicClient", "signInAudience", "spa", "web"})
_IN_LOG: Final = {"Id": "id", "Name": "name", "Issuer": "issuer", "Subject": "subject", "Audiences": "audiences"}


def _list(asked: Asked) -> Reply:
    listed = asked.shelf.listed().values()
    return Reply(
        values=[_printed(each, asked.query) | expanded_owners(asked, "applications", each["id"]) for each in listed]
    )


def _get(asked: Asked) -> Reply:
    shown = asked.shown(asked.ids["id"], code=MISSING)
    if asked.query.get("$select") == "keyCredentials":
        return Reply(body={"keyCredentials": printed_certificates(shown, with_keys=True)})
    return Reply(body=_printed(shown, asked.query))


def _printed(application: Json, query: Mapping[str, str]) -> Json:
    shown = application | {"keyCredentials": printed_certificates(application)}
    del shown[_FEDERATED]
    return shown | ({_FEDERATED: _trusts(application)} if query.get("$expand") == _FEDERATED else {})


def _trusts(application: Json) -> list[Json]:
    return [_trust(each) for each in application[_FEDERATED]]


def _trust(kept: Json) -> Json:
    """Print a trust; its id follows from its name."""
    audiences = ["api://AzureADTokenExchange"]
    return {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, kept["name"])), "audiences": audiences, "description": None} | kept


def _update(asked: Asked) -> Reply:
    application = asked.standing(asked.ids["id"], code=MISSING)
    body: Json = asked.body
    if unknown := body.keys() - _WRITABLE:
        raise Refusal(400, "Request_BadRequest", f"Property '{min(unknown)}' can't be updated.")
    for name in body.keys() & {"web", "spa", "publicClient"}:
        if "redirectUriSettings" in body[name] or "redirectUris" not in body[name]:
            raise Refusal(400, "Request_BadRequest", f"'{name}' has to have its redirect URIs once.")
    if "keyCredentials" in body:
        body = body | {"keyCredentials": sent_certificates(application, body["keyCredentials"])}
    asked.shelf.put(asked.ids["id"].lower(), application | body)
    return NOTHING


def _delete_trust(asked: Asked) -> Reply:
    application = asked.standing(asked.ids["id"], code=MISSING)
    left = [each for each in application[_FEDERATED] if _trust(each)["id"] != asked.ids["part"].lower()]
    if len(left) == len(application[_FEDERATED]):
        raise Refusal(404, MISSING)
    asked.shelf.put(asked.ids["id"].lower(), application | {_FEDERATED: left})
    return NOTHING


# What the log says.


def _logged(object_id: str, before: Json | None, after: Json | None) -> Logged:
    verb = "Update" if before and after else "Add" if after else "Delete"
    changes = _changes(before or {}, after or {})
    names = [str(each["displayName"]) for each in changes]
    changes.append(change("Included Updated Properties", None, ", ".join(names)))
    name = (after or before or {}).get("displayName")
    target: Json = {"id": object_id, "displayName": name, "type": "Application", "modifiedProperties": changes}
    secrets = " \N{EN DASH} Certificates and secrets management " if names == ["KeyDescription"] else ""
    return Logged(
        activity=f"{verb} application{secrets if verb == 'Update' else ''}",
        category="ApplicationManagement",
        operation=verb,
        targets=[target],
    )


def _changes(before: Json, after: Json) -> list[Json]:
    recorded_as: Mapping[str, Callable[[Json], object]] = {
        "AppAddress": _addresses,
        "AppIdentifierUri": lambda image: image.get("identifierUris", []),
        "FederatedIdentityCredentials": lambda image: [
            {name: _trust(each)[of] for name, of in _IN_LOG.items()} for each in image.get(_FEDERATED, [])
        ],
        "KeyDescription": described_keys,
        "LogoutUrl": lambda image: [url] if (url := image.get("web", {}).get("logoutUrl")) else [],
    }
    both = {name: (read(before), read(after)) for name, read in recorded_as.items()}
    return [change(name, old, new) for name, (old, new) in both.items() if old != new]


def _addresses(image: Json) -> list[Json]:
    clients = {"web": 1, "publicClient": 2, "spa": 3}
    return [
        {"AddressType": 0, "Address": each, "ReplyAddressClientType": number, "ReplyAddressIndex": None}
        for name, number in clients.items()
        for each in image.get(name, {}).get("redirectUris", [])
    ]


def _application(number: int, name: str, **more: Any) -> Json:  # noqa: ANN401 - properties of any type
    web = {"redirectUris": ["http://localhost:5001/Signin"], "logoutUrl": None, "homePageUrl": None}
    made: Json = {
        "id": f"a99{number:05d}-3c1e-4b7a-9d52-6f0e8a41c7b3",
        "appId": f"c11{number:05d}-7f2a-4d96-b3e8-05c4d1a9e627",
        "displayName": name,
        "signInAudience": "AzureADMyOrg",
        "identifierUris": [],
        "web": web,
        "spa": {"redirectUris": []},
        "publicClient": {"redirectUris": []},
        "passwordCredentials": [],
        "keyCredentials": [],
        _FEDERATED: [],
    }
    return made | more


_KEY: Final = "1f7c2b90-64de-4a15-8c3b-e92d05a7f481"
_CERTIFICATE: Final = "5d08a3e7-b29f-4c61-a7d4-13f6c0e8b952"
_ORDERS: Final = _application(
    1,
    "Orders",
    identifierUris=["api://orders.fabrikam.example"],
    passwordCredentials=[{"keyId": _KEY, "displayName": "deploy", "endDateTime": "2027-01-01T00:00:00Z"}],
    keyCredentials=[{"keyId": _CERTIFICATE, "displayName": "signing"}],
)

SIMULATED: Final = SimulatedKind(
    kind=ObjectKind.APPLICATION,
    tenant_kind=TenantKind.WORKFORCE,
    routes=(
        Route(
            method="GET",
            path=_PATH,
            needs=_READ,
            answer=_list,
            filters=("appId", "displayName"),
            options=("$expand",),
            is_everywhere=True,
        ),
        Route(method="GET", path=_ONE, needs=_READ, answer=_get),
        Route(method="PATCH", path=_ONE, needs=_WRITE, answer=_update),
        Route(method="POST", path=f"{_ONE}/addPassword", needs=_WRITE, answer=add_password),
        Route(method="POST", path=f"{_ONE}/removePassword", needs=_WRITE, answer=remove_password),
        Route(method="DELETE", path=f"{_TRUSTS}/{{part}}", needs=_WRITE, answer=_delete_trust),
    ),
    logged=_logged,
    samples=(
        Sample(object_id=_ORDERS["id"], image=_ORDERS),
        Sample(object_id=_application(2, "Other")["id"], image=_application(2, "Other"), is_there=False),
    ),
    detected=frozenset({"update"}),
    is_made_again=False,
    is_deleted=False,
    edits=(
        {"passwordCredentials[7c40d9b1-5e2f-4831-96ac-0b8d7f1e23a5]": True},
        {"keyCredentials[82e6f0c4-19bd-4d75-8a3e-c5076d92f1b8]": True},
        {f"{_FEDERATED}[ci|https://evil.example/oidc|repo:evil/ci]": True},
        {"web.redirectUris[https://evil.example/callback]": True},
        {"identifierUris[api://evil]": True},
    ),
    members={
        "passwordCredentials": ("keyId",),
        "keyCredentials": ("keyId",),
        _FEDERATED: ("name", "issuer", "subject"),
    },
)
