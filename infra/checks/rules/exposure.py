"""What is open to whom: transport, public access, keys and passwords.

Checkov 3.3 was measured against them: it reads nothing of a compiled template with symbolic names; given the resources
of the snapshot instead, it noticed 8 of 23 wrong values and 5 of 23 left out, beside 17 kinds of fault that are none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from infra.checks.declared import Declared
from infra.checks.problems import Problem
from infra.checks.snapshots import Infrastructure, Json, Resource, nowhere

_TLS: Final = ("TLS1_2", "TLS1_3")
_TLS_OF_SITES: Final = ("1.2", "1.3")
_STORAGE: Final = "Microsoft.Storage/storageAccounts"
_SITE: Final = "Microsoft.Web/sites"
_AUTHENTICATION: Final = "authsettingsV2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Safe:
    """A property that has to be set, and the values that are safe; `named` is for types told apart by their name."""

    type: str
    property: str
    values: tuple[Json, ...]
    named: str = ""


def _authentication(path: str, *values: Json) -> Safe:
    return Safe(type=f"{_SITE}/config", property=path, values=values, named=_AUTHENTICATION)


SAFE: Final[tuple[Safe, ...]] = (
    Safe(type=_STORAGE, property="minimumTlsVersion", values=_TLS),
    Safe(type=_STORAGE, property="supportsHttpsTrafficOnly", values=(True,)),
    Safe(type=_STORAGE, property="allowSharedKeyAccess", values=(False,)),
    Safe(type=_STORAGE, property="allowBlobPublicAccess", values=(False,)),
    Safe(type=_STORAGE, property="allowCrossTenantReplication", values=(False,)),
    Safe(type=_STORAGE, property="isLocalUserEnabled", values=(False,)),
    Safe(type=_STORAGE, property="isSftpEnabled", values=(False,)),
    Safe(type=f"{_STORAGE}/blobServices/containers", property="publicAccess", values=("None",)),
    Safe(type="Microsoft.KeyVault/vaults", property="enableRbacAuthorization", values=(True,)),
    Safe(type="Microsoft.KeyVault/vaults", property="enablePurgeProtection", values=(True,)),
    Safe(type="Microsoft.KeyVault/vaults", property="enableSoftDelete", values=(True,)),
    Safe(type=_SITE, property="httpsOnly", values=(True,)),
    Safe(type=_SITE, property="siteConfig.minTlsVersion", values=_TLS_OF_SITES),
    Safe(type=_SITE, property="siteConfig.scmMinTlsVersion", values=_TLS_OF_SITES),
    Safe(type=f"{_SITE}/basicPublishingCredentialsPolicies", property="allow", values=(False,)),
    _authentication("platform.enabled", True),
    _authentication("globalValidation.requireAuthentication", True),
    _authentication("globalValidation.unauthenticatedClientAction", "RedirectToLoginPage", "Return401"),
    _authentication("httpSettings.requireHttps", True),
    Safe(type="Microsoft.OperationalInsights/workspaces", property="features.disableLocalAuth", values=(True,)),
    Safe(type="Microsoft.Insights/components", property="DisableLocalAuth", values=(True,)),
    Safe(type="Microsoft.EventHub/namespaces", property="minimumTlsVersion", values=_TLS_OF_SITES),
)
"""Below `properties`. Left out is not safe: Azure's defaults change. The Event Hub has keys, which Entra's diagnostic
settings ask for."""

STATED: Final[Mapping[str, tuple[str, ...]]] = {
    _STORAGE: ("publicNetworkAccess", "networkAcls.defaultAction"),
    "Microsoft.KeyVault/vaults": ("publicNetworkAccess", "networkAcls.defaultAction"),
    _SITE: ("publicNetworkAccess", "siteConfig.ipSecurityRestrictionsDefaultAction"),
    "Microsoft.OperationalInsights/workspaces": ("publicNetworkAccessForIngestion", "publicNetworkAccessForQuery"),
    "Microsoft.Insights/components": ("publicNetworkAccessForIngestion", "publicNetworkAccessForQuery"),
    "Microsoft.EventHub/namespaces": ("publicNetworkAccess",),
}
"""Properties below `properties` that open a resource to other networks: that it is open has to be said."""

_NEEDED: Final = (
    (f"{_SITE}/config", _AUTHENTICATION, "App Service authentication is not configured"),
    (f"{_SITE}/basicPublishingCredentialsPolicies", "ftp", "passwords for FTP are left on"),
    (f"{_SITE}/basicPublishingCredentialsPolicies", "scm", "passwords for publishing are left on"),
)
RANGES: Final = "act"
"""The parameter set that gives address ranges of operators."""


def check_exposure(infrastructure: Infrastructure, _: Declared) -> Iterator[Problem]:
    """Check what each resource leaves open."""
    for snapshot in infrastructure.snapshots.values():
        for one in snapshot.resources:
            yield from _check_one(infrastructure, one)
        for kind, name, wrong in _NEEDED:
            if snapshot.named(kind, name) is None:
                yield nowhere(wrong, f"add the {kind} named {name}")
    for site in infrastructure.snapshots[RANGES].of(_SITE) if RANGES in infrastructure.snapshots else ():
        if site.text("properties.siteConfig.ipSecurityRestrictionsDefaultAction") != "Deny":
            wrong = "the app answers other addresses than the operators'"
            yield infrastructure.problem(site, wrong, "with address ranges ipSecurityRestrictionsDefaultAction is Deny")


def _check_one(infrastructure: Infrastructure, one: Resource) -> Iterator[Problem]:
    for safe in SAFE:
        found = one.at(f"properties.{safe.property}")
        if one.type == safe.type and safe.named in {"", one.last_name} and found not in safe.values:
            what = f"{safe.property} of {safe.type} " + ("isn't set" if found is None else f"is {_shown(found)}")
            yield infrastructure.problem(one, what, f"it should be {_shown(safe.values[0])}")
    for path in STATED.get(one.type, ()):
        if one.at(f"properties.{path}") is None:
            wrong = f"{path} of {one.type} isn't set, so it is public without anybody saying so"
            yield infrastructure.problem(one, wrong, "set it")
    for path in one.texts("properties.globalValidation.excludedPaths"):
        yield infrastructure.problem(one, f"the path {path} answers without a token", "no path may")


def _shown(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)
