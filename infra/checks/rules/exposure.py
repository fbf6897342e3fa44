"""What is open to whom: transport, public access, keys and passwords.

Checkov 3.3 was measured against them: it reads nothing of a compiled template with symbolic names; given the resources
of the snapshot instead, it noticed 8 of 23 wrong values and 5 of 23 left out, beside 17 kinds of fault that are none.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from infra.checks.snapshots import Infrastructure, Json, Problem, Resource, nowhere
from shared.emergency.proofs import EXCLUDED

_TLS: Final = ("TLS1_2", "TLS1_3")
_TLS_OF_SITES: Final = ("1.2", "1.3")
_STORAGE: Final = "Microsoft.Storage/storageAccounts"
_SITE: Final = "Microsoft.Web/sites"
_POLICIES: Final = f"{_SITE}/basicPublishingCredentialsPolicies"
_CONFIG: Final = f"{_SITE}/config"
_AUTHENTICATION: Final = "authsettingsV2"
_VAULT: Final = "Microsoft.KeyVault/vaults"


class Safe(NamedTuple):
    """A property that has to be set, and the values that are safe; `named` tells a resource that has to be there."""

    type: str
    property: str
    values: tuple[Json, ...]
    named: str = ""


SAFE: Final = (
    Safe(_STORAGE, "minimumTlsVersion", _TLS),
    Safe(_STORAGE, "supportsHttpsTrafficOnly", (True,)),
    *(Safe(_STORAGE, name, (False,)) for name in ("allowSharedKeyAccess", "allowBlobPublicAccess", "isSftpEnabled")),
    *(Safe(_STORAGE, name, (False,)) for name in ("allowCrossTenantReplication", "isLocalUserEnabled")),
    Safe(f"{_STORAGE}/blobServices/containers", "publicAccess", ("None",)),
    *(Safe(_VAULT, f"enable{what}", (True,)) for what in ("RbacAuthorization", "PurgeProtection", "SoftDelete")),
    Safe(_SITE, "httpsOnly", (True,)),
    Safe(_SITE, "siteConfig.minTlsVersion", _TLS_OF_SITES),
    Safe(_SITE, "siteConfig.scmMinTlsVersion", _TLS_OF_SITES),
    Safe(_POLICIES, "allow", (False,), "ftp"),
    Safe(_POLICIES, "allow", (False,), "scm"),
    Safe(_CONFIG, "platform.enabled", (True,), _AUTHENTICATION),
    Safe(_CONFIG, "globalValidation.requireAuthentication", (True,), _AUTHENTICATION),
    Safe(
        _CONFIG, "globalValidation.unauthenticatedClientAction", ("RedirectToLoginPage", "Return401"), _AUTHENTICATION
    ),
    Safe(_CONFIG, "httpSettings.requireHttps", (True,), _AUTHENTICATION),
    Safe("Microsoft.OperationalInsights/workspaces", "features.disableLocalAuth", (True,)),
    Safe("Microsoft.Insights/components", "DisableLocalAuth", (True,)),
    Safe("Microsoft.EventHub/namespaces", "minimumTlsVersion", _TLS_OF_SITES),
)
"""Below `properties`. Left out is not safe: Azure's defaults change. The Event Hub has keys, which Entra's diagnostic
settings ask for."""

_LOGS: Final = ("publicNetworkAccessForIngestion", "publicNetworkAccessForQuery")
STATED: Final[Mapping[str, tuple[str, ...]]] = {
    _STORAGE: ("publicNetworkAccess", "networkAcls.defaultAction"),
    _VAULT: ("publicNetworkAccess", "networkAcls.defaultAction"),
    _SITE: ("publicNetworkAccess", "siteConfig.ipSecurityRestrictionsDefaultAction"),
    "Microsoft.OperationalInsights/workspaces": _LOGS,
    "Microsoft.Insights/components": _LOGS,
    "Microsoft.EventHub/namespaces": ("publicNetworkAccess",),
}
"""Properties below `properties` that open a resource to other networks: that it is open has to be said."""

WITHOUT_TOKEN: Final = frozenset({EXCLUDED, f"{EXCLUDED}/*"})
"""Paths that the platform lets anybody reach, because the code behind them checks who calls in another way."""

RANGES: Final = "act"
"""The parameter set that gives address ranges of operators."""


def check_exposure(made: Infrastructure) -> Iterator[Problem]:
    """Check what each resource leaves open."""
    for snapshot in made.snapshots.values():
        for one in snapshot.resources:
            yield from _check_one(made, one)
        for kind, name in sorted({(safe.type, safe.named) for safe in SAFE if safe.named}):
            if snapshot.named(kind, name) is None:
                yield nowhere(f"the app isn't closed: there is no {kind} named {name}; add it")
        for site in snapshot.of(_SITE) if snapshot.name == RANGES else ():
            if site.text("properties.siteConfig.ipSecurityRestrictionsDefaultAction") != "Deny":
                yield made.problem(site, "other addresses than the operators' reach the app; the default is Deny")


def _check_one(made: Infrastructure, one: Resource) -> Iterator[Problem]:
    for safe in SAFE:
        found = one.at(f"properties.{safe.property}")
        if one.type == safe.type and safe.named in {"", one.last_name} and found not in safe.values:
            state = "isn't set" if found is None else f"is {_shown(found)}"
            yield made.problem(one, f"{safe.property} of {safe.type} {state}; it should be {_shown(safe.values[0])}")
    for path in STATED.get(one.type, ()):
        if one.at(f"properties.{path}") is None:
            yield made.problem(
                one, f"{path} of {one.type} isn't set, so it is public without anybody saying so; set it"
            )
    for path in one.texts("properties.globalValidation.excludedPaths"):
        if path not in WITHOUT_TOKEN:
            allowed = ", ".join(sorted(WITHOUT_TOKEN))
            yield made.problem(one, f"the path {path} answers without a token; only {allowed} may")


def _shown(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)
