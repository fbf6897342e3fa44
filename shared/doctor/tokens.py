"""What a token says of its holder. Nothing is verified here: the services do that."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import msgspec

from shared.checks.unread import Unread
from shared.model.declarations import TenantKind
from shared.model.errors import Refused
from shared.model.settings import Settings, Tenant
from shared.runtime import LazyCredential

_NOT_THE_APP = (
    "Only the app has its identity: ask the app itself, with `responder doctor --app https://HOST`."
    " In the app: assign the identity to it (infra/main.bicep) and set WORKFORCE_CLIENT_ID to its client id."
)
_CERTIFICATE = (
    "B2C_CERTIFICATE should hold the PFX or PEM file with its key, in base64, and the registration B2C_CLIENT_ID its"
    " certificate: infra/scripts/grant.sh --b2c."
)


def claims_of_token(settings: Settings, tenant: Tenant) -> Mapping[str, Any]:
    """Get a token for Graph as the app does, and give its claims.

    Raises:
        Unread: there is no token, or it isn't one that can be looked into.
    """
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - imported on first use, start-up is a feature

    cure = _CERTIFICATE if tenant.kind is TenantKind.B2C else _NOT_THE_APP
    try:
        token = LazyCredential(settings, tenant).get_token(f"{settings.graph_audience}/.default").token
    except AzureError as error:
        raise Unread(f"no token for Graph in {tenant.name}: {error.message}"[:600], cure=cure) from error
    except Refused as refused:
        raise Unread(f"no token for Graph in {tenant.name}: {refused}", cure=cure) from refused
    return claims_from(token)


def claims_from(token: str) -> Mapping[str, Any]:
    """Read the claims of a JSON web token.

    Raises:
        Unread: it is no such token.
    """
    try:
        payload = token.split(".")[1]
        return msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=dict[str, Any])
    except (IndexError, binascii.Error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unread("the token for Graph isn't one that can be looked into") from error
