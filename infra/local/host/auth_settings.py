"""App Service authentication, as its settings say it: the `properties` of the resource `authsettingsV2`.

A part that isn't played is refused, so that nobody takes a guard for granted that isn't there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, cast

from infra.local.host.app_settings import json_object_from
from infra.local.host.errors import SettingsError


class Unauthenticated(StrEnum):
    """What comes of a request that nobody has signed in for."""

    REDIRECT = "RedirectToLoginPage"
    RETURN_401 = "Return401"
    RETURN_403 = "Return403"
    ALLOW = "AllowAnonymous"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSettings:
    """Who is let in. `issuer` is the address of the tenant at the authority; a path in `excluded` needs no sign-in."""

    action: Unauthenticated
    issuer: str
    client_id: str
    audiences: tuple[str, ...]
    excluded: tuple[str, ...] = ()

    def is_excluded(self, path: str) -> bool:
        """Whether a path needs no sign-in: it is listed as it stands, or is under one that is listed with `/*`."""
        return any(
            path.startswith(listed[:-1]) if listed.endswith("/*") else path == listed for listed in self.excluded
        )


_IGNORED: Final = frozenset(
    {
        "platform.runtimeVersion",
        "globalValidation.redirectToProvider",
        "httpSettings.requireHttps",
        "login.tokenStore.enabled",
        "identityProviders.azureActiveDirectory.enabled",
    }
)
"""What changes nothing here: there is one provider, HTTP on loopback, and no token store."""


def auth_settings_from(path: Path) -> AuthSettings | None:
    """Read a file with the properties of `authsettingsV2`; None when they say that authentication is off.

    Raises:
        SettingsError: it can't be read, says something that isn't played, or leaves out what is needed.
    """
    left = dict(_flat(json_object_from(path)))

    def take(name: str, otherwise: object = None) -> Any:  # noqa: ANN401 - a value of the file, of any type
        value = left.pop(name, otherwise)
        if value is None:
            raise SettingsError(f"{path}: {name} is missing.")
        return value

    if not take("platform.enabled", otherwise=False):
        return None
    provider = "identityProviders.azureActiveDirectory"
    is_required = take("globalValidation.requireAuthentication", otherwise=False)
    action = take("globalValidation.unauthenticatedClientAction", otherwise=Unauthenticated.REDIRECT)
    client_id = str(take(f"{provider}.registration.clientId"))
    try:
        settings = AuthSettings(
            action=Unauthenticated(action) if is_required else Unauthenticated.ALLOW,
            issuer=str(take(f"{provider}.registration.openIdIssuer")).rstrip("/"),
            client_id=client_id,
            audiences=(client_id, *take(f"{provider}.validation.allowedAudiences", otherwise=())),
            excluded=tuple(take("globalValidation.excludedPaths", otherwise=())),
        )
    except ValueError as error:
        raise SettingsError(f"{path}: {error}.") from None
    if unplayed := sorted(left.keys() - _IGNORED):
        raise SettingsError(f"{path}: this host doesn't play {', '.join(unplayed)}.")
    return settings


def _flat(content: Mapping[str, object], path: str = "") -> list[tuple[str, object]]:
    """Give each value that isn't an object, by the names on the way to it; what is null was left out."""
    found: list[tuple[str, object]] = []
    for name, value in content.items():
        if isinstance(value, dict):
            found += _flat(cast("Mapping[str, object]", value), f"{path}{name}.")
        elif value is not None:
            found.append((f"{path}{name}", value))
    return found
