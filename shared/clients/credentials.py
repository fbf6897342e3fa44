"""How the app signs in to a tenant: its managed identity, or a certificate in the B2C tenant."""

import os
from collections.abc import Mapping
from json import JSONDecodeError
from typing import TYPE_CHECKING, Any, Final

from shared.model.errors import Refused
from shared.model.kinds import TenantKind
from shared.model.once import Once
from shared.model.settings import Settings, Tenant

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

_PUBLIC_AUTHORITY: Final = "https://login.microsoftonline.com"

TIME_LIMITS: Final[Mapping[str, Any]] = {"connection_timeout": 5, "read_timeout": 10, "retry_total": 1}
"""Seconds, and attempts after the first: about half a minute in all, as long as a request waits for its token.

By default azure-identity goes on for many minutes, and until it ends no other attempt is made.
"""


class CheckedCredential:
    """A credential whose failures are all the SDK's.

    Where something else answers in place of the sign-in service, and not in JSON, azure-identity lets the decoder's
    error through.
    """

    def __init__(self, credential: "TokenCredential") -> None:
        self._credential = credential

    def get_token(self, *scopes: str, **options: Any) -> "AccessToken":  # noqa: ANN401 - handed on as it came
        """Give a token for `scopes`. Raises AzureError."""
        from azure.core.exceptions import ServiceResponseError  # noqa: PLC0415 - imported on first use

        try:
            return self._credential.get_token(*scopes, **options)
        except JSONDecodeError as error:
            raise ServiceResponseError("what answered isn't the sign-in service", error=error) from error


class LazyCredential:
    """A tenant's credential from azure-identity, made (and its SDK imported) when the first token is asked for."""

    def __init__(self, settings: Settings, tenant: Tenant) -> None:
        self._settings = settings
        self._tenant = tenant
        self._credential = Once(self._make)

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **options: Any,  # noqa: ANN401 - handed on as it came
    ) -> "AccessToken":
        """Give a token for `scopes`; azure-identity keeps it until shortly before it ends."""
        credential = CheckedCredential(self._credential())
        return credential.get_token(*scopes, claims=claims, tenant_id=tenant_id, enable_cae=enable_cae, **options)

    def _make(self) -> "TokenCredential":
        from azure.identity import CertificateCredential, ManagedIdentityCredential  # noqa: PLC0415 - imported on first use

        tenant = self._tenant
        if tenant.kind is TenantKind.WORKFORCE:
            return (
                ManagedIdentityCredential(client_id=tenant.client_id, **TIME_LIMITS)
                if tenant.client_id
                else ManagedIdentityCredential(**TIME_LIMITS)
            )
        if unresolved := self._settings.unresolved_of("B2C_CERTIFICATE"):
            raise Refused(f"{unresolved.message}, so nothing can be read or put back in {tenant.name}")
        authority = self._settings.authority_url
        try:
            return CertificateCredential(
                tenant.id,
                tenant.client_id,
                certificate_data=certificate_bytes(tenant.certificate),
                authority=authority,
                disable_instance_discovery=authority != _PUBLIC_AUTHORITY,
                **TIME_LIMITS,
            )
        except (OSError, ValueError) as error:
            # The text of these may quote what is set.
            raise Refused(
                "B2C_CERTIFICATE can't be used: it should be a PEM or PFX file with its key, as a path or in base64"
                f" ({type(error).__name__})"
            ) from None


def certificate_bytes(setting: str) -> bytes:
    """Read a certificate with its key: a file's path, or the file in base64 as a Key Vault reference gives it."""
    import base64  # noqa: PLC0415 - needed once, by tenants with a certificate
    from pathlib import Path  # noqa: PLC0415

    if os.path.isfile(setting):  # noqa: PTH113 - Path's would raise for a certificate that makes too long a file name
        return Path(setting).read_bytes()
    return base64.b64decode(setting, validate=True)
