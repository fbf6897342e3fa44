"""What the settings of App Service authentication say, and what is refused because it isn't played."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from infra.local.host.auth_settings import AuthSettings, Unauthenticated, auth_settings_from
from infra.local.host.errors import SettingsError

_PROPERTIES: dict[str, Any] = {
    "platform": {"enabled": True, "runtimeVersion": "~1"},
    "globalValidation": {
        "requireAuthentication": True,
        "unauthenticatedClientAction": "Return401",
        "excludedPaths": ["/api/open", "/public/*"],
    },
    "httpSettings": {"requireHttps": True},
    "identityProviders": {
        "azureActiveDirectory": {
            "enabled": True,
            "registration": {"clientId": "c", "openIdIssuer": "https://localhost:1/t/v2.0/"},
            "validation": {"allowedAudiences": ["api://c"]},
        }
    },
    "login": {"tokenStore": {"enabled": False}},
}


def _read(folder: Path, properties: dict[str, Any]) -> AuthSettings | None:
    file = folder / "authentication.json"
    file.write_text(json.dumps(properties))
    return auth_settings_from(file)


def _with(path: str, value: object) -> dict[str, Any]:
    properties = copy.deepcopy(_PROPERTIES)
    *way, last = path.split(".")
    place = properties
    for name in way:
        place = place.setdefault(name, {})
    place[last] = value
    return properties


def test_what_is_deployed_is_read(tmp_path: Path) -> None:
    assert _read(tmp_path, _PROPERTIES) == AuthSettings(
        action=Unauthenticated.RETURN_401,
        issuer="https://localhost:1/t/v2.0",
        client_id="c",
        audiences=("c", "api://c"),
        excluded=("/api/open", "/public/*"),
    )


@pytest.mark.parametrize(
    ("path", "value", "action"),
    [
        ("globalValidation.unauthenticatedClientAction", "RedirectToLoginPage", Unauthenticated.REDIRECT),
        ("globalValidation.unauthenticatedClientAction", None, Unauthenticated.REDIRECT),
        ("globalValidation.unauthenticatedClientAction", "Return403", Unauthenticated.RETURN_403),
        ("globalValidation.unauthenticatedClientAction", "AllowAnonymous", Unauthenticated.ALLOW),
        ("globalValidation.requireAuthentication", False, Unauthenticated.ALLOW),
    ],
)
def test_what_comes_of_a_request_that_nobody_signed_in_for(
    tmp_path: Path, path: str, value: object, action: Unauthenticated
) -> None:
    settings = _read(tmp_path, _with(path, value))
    assert settings is not None
    assert settings.action is action


@pytest.mark.parametrize("properties", [{}, _with("platform.enabled", value=False)])
def test_it_is_off_unless_it_is_on(tmp_path: Path, properties: dict[str, Any]) -> None:
    assert _read(tmp_path, properties) is None


_PROVIDER = "identityProviders.azureActiveDirectory"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("globalValidation.unauthenticatedClientAction", "Return404", "'Return404' is not a valid"),
        (f"{_PROVIDER}.registration.clientId", None, "registration.clientId is missing"),
        (f"{_PROVIDER}.registration.openIdIssuer", None, "registration.openIdIssuer is missing"),
        (
            f"{_PROVIDER}.validation.defaultAuthorizationPolicy",
            {"allowedApplications": ["c"]},
            "doesn't play .*allowedApplications",
        ),
        ("identityProviders.gitHub.enabled", True, "doesn't play identityProviders.gitHub.enabled"),
    ],
)
def test_what_is_not_played_is_refused(tmp_path: Path, path: str, value: object, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        _read(tmp_path, _with(path, value))


@pytest.mark.parametrize(
    ("path", "is_excluded"),
    [
        ("/api/open", True),
        ("/api/open/", False),
        ("/api/open/x", False),
        ("/API/OPEN", False),
        ("/public/a/b", True),
        ("/public", False),
        ("/publicity", False),
    ],
)
def test_a_path_is_excluded_as_it_stands_or_by_a_star(tmp_path: Path, path: str, *, is_excluded: bool) -> None:
    settings = _read(tmp_path, _PROPERTIES)
    assert settings is not None
    assert settings.is_excluded(path) is is_excluded
