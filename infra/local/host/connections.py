"""How a storage account is reached: by the connection string in an app setting, or by the app's managed identity.

The names are those that Azure's host reads: `NAME`, or `NAME__accountName`, or `NAME__queueServiceUri` and the like,
with `NAME__credential` (`managedidentity`) and `NAME__clientId` for a user-assigned identity.
"""

import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from infra.local.host.errors import AppError

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

type Service = Literal["blob", "queue"]
type Setting = Callable[[str], str | None]
"""The value of an app setting, None when there is none of that name."""

_SERVICES: Final[tuple[Service, ...]] = ("blob", "queue")
_MANAGED_IDENTITY: Final = "managedidentity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One account, named by `setting`: a connection string, or else the addresses of its services and an identity."""

    setting: str
    connection_string: str = field(default="", repr=False)
    addresses: Mapping[Service, str] = field(default_factory=dict["Service", str])
    client_id: str = ""

    def address(self, service: Service) -> str:
        """Give the address of a service that is reached by identity.

        Raises:
            AppError: the settings name none.
        """
        found = self.addresses.get(service)
        if not found:
            raise AppError(
                f"App setting {self.setting}__{service}ServiceUri is missing: the {service}s of {self.setting} are"
                " reached by identity, so it has to give their address."
            )
        return found


def is_connected(setting: str, resolve: Setting) -> bool:
    """Whether any app setting says how to reach the account."""
    names = (setting, f"{setting}__accountName", *(f"{setting}__{service}ServiceUri" for service in _SERVICES))
    return any(resolve(name) for name in names)


def connection_from(setting: str, resolve: Setting) -> Connection:
    """Read how the account is reached that a binding names.

    Raises:
        AppError: nothing says it, or what is said can't be.
    """
    if connection_string := resolve(setting):
        return Connection(setting=setting, connection_string=connection_string)
    account = resolve(f"{setting}__accountName")
    addresses: dict[Service, str] = {}
    for service in _SERVICES:
        usual = f"https://{account}.{service}.core.windows.net" if account else ""
        if address := resolve(f"{setting}__{service}ServiceUri") or usual:
            addresses[service] = address.rstrip("/")
    if not addresses:
        raise AppError(
            f"App setting {setting} is missing: set it to a storage connection string, such as"
            f" UseDevelopmentStorage=true, or set {setting}__accountName, or {setting}__blobServiceUri and"
            f" {setting}__queueServiceUri, to reach the account by identity."
        )
    if plain := [address for address in addresses.values() if not address.startswith("https://")]:
        raise AppError(f"{setting} is reached by identity, which needs https; {plain[0]} isn't.")
    credential = resolve(f"{setting}__credential") or _MANAGED_IDENTITY
    if credential.lower() != _MANAGED_IDENTITY:
        raise AppError(f"App setting {setting}__credential is {credential!r}: this host plays {_MANAGED_IDENTITY}.")
    return Connection(setting=setting, addresses=addresses, client_id=resolve(f"{setting}__clientId") or "")


def managed_identity(client_id: str) -> "AsyncTokenCredential":
    """Give the credential of the app's identity; its endpoint is in IDENTITY_ENDPOINT, as on App Service."""
    from azure.identity.aio import ManagedIdentityCredential  # noqa: PLC0415 - imported where it is used

    return ManagedIdentityCredential(client_id=client_id) if client_id else ManagedIdentityCredential()


def trusted_authorities() -> ssl.SSLContext | bool:
    """Give the same for HTTPS of other kinds."""
    bundle = os.environ.get("REQUESTS_CA_BUNDLE")
    return ssl.create_default_context(cafile=bundle) if bundle else True


def authority() -> str | bool:
    """Give what vouches for the services' certificates: the file in REQUESTS_CA_BUNDLE, else the usual authorities."""
    return os.environ.get("REQUESTS_CA_BUNDLE") or True
