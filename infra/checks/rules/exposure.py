"""What is open to whom: transport, public access, keys and passwords."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, cast

from infra.checks.deployments import Deployment, Infrastructure
from infra.checks.functions import UNKNOWN, Unknown, Value
from infra.checks.problems import Problem
from infra.checks.syntax import Object, Resource, Text
from infra.checks.values import Evaluator, mentions_parameter, property_at, rounds_of

_TLS: Final = ("TLS1_2", "TLS1_3")
_TLS_OF_SITES: Final = ("1.2", "1.3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Safe:
    """A property that has to be set, and the values that are safe; `named` is for types told apart by their name."""

    type: str
    property: str
    values: tuple[Value, ...]
    named: str = ""


_STORAGE: Final = "Microsoft.Storage/storageAccounts"
_SITE: Final = "Microsoft.Web/sites"

SAFE: Final[tuple[Safe, ...]] = (
    Safe(type=_STORAGE, property="properties.minimumTlsVersion", values=_TLS),
    Safe(type=_STORAGE, property="properties.supportsHttpsTrafficOnly", values=(True,)),
    Safe(type=_STORAGE, property="properties.allowSharedKeyAccess", values=(False,)),
    Safe(type=_STORAGE, property="properties.allowBlobPublicAccess", values=(False,)),
    Safe(type=_STORAGE, property="properties.allowCrossTenantReplication", values=(False,)),
    Safe(type=_STORAGE, property="properties.isLocalUserEnabled", values=(False,)),
    Safe(type=_STORAGE, property="properties.isSftpEnabled", values=(False,)),
    Safe(type=f"{_STORAGE}/blobServices/containers", property="properties.publicAccess", values=("None",)),
    Safe(type="Microsoft.KeyVault/vaults", property="properties.enableRbacAuthorization", values=(True,)),
    Safe(type="Microsoft.KeyVault/vaults", property="properties.enablePurgeProtection", values=(True,)),
    Safe(type="Microsoft.KeyVault/vaults", property="properties.enableSoftDelete", values=(True,)),
    Safe(type=_SITE, property="properties.httpsOnly", values=(True,)),
    Safe(type=_SITE, property="properties.siteConfig.minTlsVersion", values=_TLS_OF_SITES),
    Safe(type=_SITE, property="properties.siteConfig.scmMinTlsVersion", values=_TLS_OF_SITES),
    Safe(type=_SITE, property="properties.siteConfig.ftpsState", values=("Disabled",)),
    Safe(type=f"{_SITE}/basicPublishingCredentialsPolicies", property="properties.allow", values=(False,)),
    Safe(type=f"{_SITE}/config", property="properties.platform.enabled", values=(True,), named="authsettingsV2"),
    Safe(
        type=f"{_SITE}/config",
        property="properties.globalValidation.requireAuthentication",
        values=(True,),
        named="authsettingsV2",
    ),
    Safe(
        type=f"{_SITE}/config",
        property="properties.globalValidation.unauthenticatedClientAction",
        values=("Return401",),
        named="authsettingsV2",
    ),
    Safe(
        type=f"{_SITE}/config", property="properties.httpSettings.requireHttps", values=(True,), named="authsettingsV2"
    ),
    Safe(
        type="Microsoft.OperationalInsights/workspaces", property="properties.features.disableLocalAuth", values=(True,)
    ),
    Safe(type="Microsoft.Insights/components", property="properties.DisableLocalAuth", values=(True,)),
    Safe(type="Microsoft.EventHub/namespaces", property="properties.disableLocalAuth", values=(True,)),
    Safe(type="Microsoft.EventHub/namespaces", property="properties.minimumTlsVersion", values=_TLS_OF_SITES),
)
"""What a deployment gives unless a parameter says otherwise. Left out is not safe: Azure's defaults change."""

REACH: Final[Mapping[str, Mapping[str, str]]] = {
    _STORAGE: {"properties.publicNetworkAccess": "Disabled", "properties.networkAcls.defaultAction": "Deny"},
    "Microsoft.KeyVault/vaults": {
        "properties.publicNetworkAccess": "Disabled",
        "properties.networkAcls.defaultAction": "Deny",
    },
    _SITE: {
        "properties.publicNetworkAccess": "Disabled",
        "properties.siteConfig.ipSecurityRestrictionsDefaultAction": "Deny",
    },
    "Microsoft.OperationalInsights/workspaces": {
        "properties.publicNetworkAccessForIngestion": "Disabled",
        "properties.publicNetworkAccessForQuery": "Disabled",
    },
    "Microsoft.Insights/components": {
        "properties.publicNetworkAccessForIngestion": "Disabled",
        "properties.publicNetworkAccessForQuery": "Disabled",
    },
    "Microsoft.EventHub/namespaces": {"properties.publicNetworkAccess": "Disabled"},
}
"""Properties that open a resource to other networks, with the value that closes it: a parameter has to decide."""

ANONYMOUS_PATHS: Final = frozenset({"/runtime/webhooks/eventgrid"})
"""Paths that need no token, in lower case: Event Grid brings the host's own key."""


def check_exposure(infrastructure: Infrastructure) -> Iterator[Problem]:
    """Check what each resource leaves open."""
    for deployment, resource in infrastructure.resources():
        evaluator = Evaluator(infrastructure=infrastructure, deployment=deployment)
        for safe in SAFE:
            if resource.type == safe.type and (not safe.named or _name_of(resource) == safe.named):
                yield from _check_safe(evaluator, resource, safe)
        for path, closed in REACH.get(resource.type, {}).items():
            yield from _check_reach(evaluator, resource, path, closed)
        if _name_of(resource) == "authsettingsV2":
            yield from _check_paths(evaluator, resource)
    yield from _check_present(infrastructure)
    yield from _check_evidence(infrastructure)


def _name_of(resource: Resource) -> str:
    name = resource.object.get("name")
    return (name.literal or "") if isinstance(name, Text) else ""


def _problem(deployment: Deployment, resource: Resource, line: int, wrong: str, right: str) -> Problem:
    return Problem(file=deployment.template.path, line=line or resource.line, wrong=wrong, right=right)


def _check_safe(evaluator: Evaluator, resource: Resource, safe: Safe) -> Iterator[Problem]:
    found = property_at(resource.object, safe.property)
    right = f"it should be {_shown(safe.values[0])}"
    what = f"{safe.property.removeprefix('properties.')} of {safe.type}"
    if found is None:
        yield _problem(evaluator.deployment, resource, 0, f"{what} isn't set", right)
        return
    for one in rounds_of(evaluator, resource):
        value = one.value(found)
        if value not in safe.values:
            wrong = f"{what} is {_shown(value)}"
            yield _problem(evaluator.deployment, resource, found.line, wrong, right)


def _shown(value: Value) -> str:
    if isinstance(value, Unknown):
        return "what only a deployment knows"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _check_reach(evaluator: Evaluator, resource: Resource, path: str, closed: str) -> Iterator[Problem]:
    found = property_at(resource.object, path)
    what = f"{path.removeprefix('properties.')} of {resource.type}"
    right = f"let a parameter decide, or make it {closed!r}"
    if found is None:
        yield _problem(evaluator.deployment, resource, 0, f"{what} isn't set, so it is public", right)
    elif evaluator.value(found) != closed and not mentions_parameter(evaluator, found):
        yield _problem(
            evaluator.deployment, resource, found.line, f"{what} is public whatever the parameters say", right
        )


def _check_paths(evaluator: Evaluator, resource: Resource) -> Iterator[Problem]:
    found = property_at(resource.object, "properties.globalValidation.excludedPaths")
    value: object = evaluator.value(found) if found else []
    paths = cast("list[Value]", value) if isinstance(value, list) else [UNKNOWN]
    for path in paths:
        if str(path).lower() not in ANONYMOUS_PATHS:
            wrong = f"the path {path} answers without a token"
            right = f"only {', '.join(ANONYMOUS_PATHS)} may"
            yield _problem(evaluator.deployment, resource, found.line if found else 0, wrong, right)


def _check_present(infrastructure: Infrastructure) -> Iterator[Problem]:
    """Check that what closes the app is there at all."""
    names = {(resource.type, _name_of(resource)) for _, resource in infrastructure.resources()}
    for kind, name, what in (
        (f"{_SITE}/config", "authsettingsV2", "App Service authentication is not configured"),
        (f"{_SITE}/basicPublishingCredentialsPolicies", "ftp", "passwords for FTP are left on"),
        (f"{_SITE}/basicPublishingCredentialsPolicies", "scm", "passwords for publishing are left on"),
    ):
        if (kind, name) not in names:
            yield Problem(file="main.bicep", line=1, wrong=what, right=f"add the {kind} named {name}")


def _check_evidence(infrastructure: Infrastructure) -> Iterator[Problem]:
    """Check that the account with the container `evidence` keeps each version."""
    for deployment, resource in infrastructure.resources(f"{_STORAGE}/blobServices/containers"):
        if _name_of(resource) != "evidence":
            continue
        evaluator = Evaluator(infrastructure=infrastructure, deployment=deployment)
        for account in deployment.resources:
            if account.type == _STORAGE:
                body = account.object
                enabled = property_at(body, "properties.immutableStorageWithVersioning.enabled")
                policy = property_at(body, "properties.immutableStorageWithVersioning.immutabilityPolicy")
                if enabled is None or evaluator.value(enabled) is not True or not isinstance(policy, Object):
                    wrong = "evidence can be changed and deleted"
                    right = "set immutableStorageWithVersioning with an immutabilityPolicy"
                    yield _problem(deployment, account, account.line, wrong, right)
