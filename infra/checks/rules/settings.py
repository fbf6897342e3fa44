"""App settings: those of `shared/settings.py` and the platform's, no more and no fewer; secrets come from the vault."""

import re
from collections.abc import Iterator
from typing import Final

from infra.checks.declared import SAMPLE, Declared
from infra.checks.problems import Problem
from infra.checks.snapshots import Infrastructure, Resource, Snapshot, nowhere

SITE: Final = "Microsoft.Web/sites"
_PLATFORM: Final = """
AzureWebJobsStorage__credential AzureWebJobsStorage__clientId AzureWebJobsStorage__blobServiceUri
AzureWebJobsStorage__queueServiceUri AzureWebJobsStorage__tableServiceUri
EvidenceStorage__credential EvidenceStorage__clientId EvidenceStorage__blobServiceUri
APPLICATIONINSIGHTS_CONNECTION_STRING APPLICATIONINSIGHTS_AUTHENTICATION_STRING
"""
PLATFORM: Final = frozenset(_PLATFORM.split())
"""Settings of the Functions host and of the storage clients, all by managed identity."""

_REFUSED: Final = """
ENABLE_ORYX_BUILD FUNCTIONS_EXTENSION_VERSION FUNCTIONS_MAX_HTTP_CONCURRENCY FUNCTIONS_WORKER_PROCESS_COUNT
FUNCTIONS_WORKER_DYNAMIC_CONCURRENCY_ENABLED FUNCTIONS_WORKER_RUNTIME FUNCTIONS_WORKER_RUNTIME_VERSION
SCM_DO_BUILD_DURING_DEPLOYMENT WEBSITE_CONTENTAZUREFILECONNECTIONSTRING WEBSITE_CONTENTOVERVNET WEBSITE_CONTENTSHARE
WEBSITE_DNS_SERVER WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT WEBSITE_NODE_DEFAULT_VERSION WEBSITE_RUN_FROM_PACKAGE
WEBSITE_SKIP_CONTENTSHARE_VALIDATION WEBSITE_TIME_ZONE WEBSITE_USE_PLACEHOLDER WEBSITE_VNET_ROUTE_ALL
"""
REFUSED_SETTINGS: Final = frozenset(_REFUSED.split())
_REFUSED_PROPERTIES: Final = """
alwaysOn containerSize ftpsState functionAppScaleLimit functionsRuntimeScaleMonitoringEnabled isXenon javaVersion
linuxFxVersion minimumElasticInstanceCount netFrameworkVersion powerShellVersion preWarmedInstanceCount pythonVersion
use32BitWorkerProcess vnetBackupRestoreEnabled vnetContentShareEnabled vnetImagePullEnabled vnetRouteAllEnabled
windowsFxVersion
"""
REFUSED_PROPERTIES: Final = frozenset(_REFUSED_PROPERTIES.split())
"""What other plans have as settings or properties of the site (or its `siteConfig`) and Flex Consumption refuses; see
learn.microsoft.com/azure/azure-functions/functions-app-settings, "Flex Consumption plan deprecations"."""

_ON_A_LAPTOP: Final = """
AzureWebJobsStorage EvidenceStorage FUNCTIONS_WORKER_RUNTIME AzureWebJobsFeatureFlags IDENTITY_ENDPOINT
IDENTITY_HEADER REQUESTS_CA_BUNDLE SSL_CERT_FILE
"""
ON_A_LAPTOP: Final = frozenset(_ON_A_LAPTOP.split())
"""What the sample may have besides: connections to the local stack."""

SECRETS: Final = frozenset({"B2C_CERTIFICATE", "PAGERDUTY_ROUTING_KEY", "TEAMS_WEBHOOK_URL"})
MADE_BY_SCRIPTS: Final = frozenset({"b2c-certificate"})
"""Secrets that no deployment makes: `b2c.sh` asks the vault for a certificate of this name."""
_REFERENCE: Final = "@Microsoft.KeyVault(SecretUri="


def check_settings(infrastructure: Infrastructure, declared: Declared) -> Iterator[Problem]:
    """Check the app's settings, what Flex Consumption refuses, and the sample's settings."""
    for snapshot in infrastructure.snapshots.values():
        settings = snapshot.named(f"{SITE}/config", "appsettings")
        if settings is None:
            yield nowhere("no app settings are made", "the app needs its settings")
            continue
        yield from _check_names(infrastructure, settings, declared)
        yield from _check_secrets(infrastructure, snapshot, settings)
        if snapshot.name == "default":
            yield from _check_defaults(infrastructure, settings, declared)
    for _, site in infrastructure.each(SITE):
        yield from _check_site(infrastructure, site)
    yield from _check_sample(declared)


def _values(settings: Resource) -> dict[str, str]:
    found = settings.at("properties")
    return {name: str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _check_names(infrastructure: Infrastructure, settings: Resource, declared: Declared) -> Iterator[Problem]:
    names = _values(settings).keys()
    for name in sorted((declared.settings | PLATFORM) - names):
        right = "shared/settings.py has it" if name in declared.settings else "the platform needs it"
        yield infrastructure.problem(settings, f"app setting {name} is missing", right)
    for name in sorted(names & REFUSED_SETTINGS):
        wrong = f"app setting {name} has no place on Flex Consumption"
        yield infrastructure.problem(settings, wrong, "leave it out; see functionAppConfig")
    for name in sorted(names - declared.settings - PLATFORM - REFUSED_SETTINGS):
        right = "leave it out, or add it to shared/settings.py"
        yield infrastructure.problem(settings, f"app setting {name} is read by nobody", right)


def _check_defaults(infrastructure: Infrastructure, settings: Resource, declared: Declared) -> Iterator[Problem]:
    for name, value in _values(settings).items():
        default = declared.defaults.get(name)
        if default is not None and not value.startswith("[") and value.rstrip("/") != default and name not in SECRETS:
            wrong = f"app setting {name} is {value!r} unless a parameter says otherwise"
            yield infrastructure.problem(settings, wrong, f"shared/settings.py has {default!r}")


def _check_secrets(infrastructure: Infrastructure, snapshot: Snapshot, settings: Resource) -> Iterator[Problem]:
    kept = {one.last_name for one in snapshot.of("Microsoft.KeyVault/vaults/secrets")} | MADE_BY_SCRIPTS
    for name in sorted(SECRETS):
        value = _values(settings).get(name, "")
        if value and _REFERENCE not in value:
            right = "give it a reference to the vault instead of a value"
            yield infrastructure.problem(settings, f"app setting {name} is a secret", right)
        elif value and not any(re.search(rf"\b{secret}\)", value) for secret in kept):
            right = f"the vault has {', '.join(sorted(kept))}"
            yield infrastructure.problem(settings, f"{name} refers to a secret that isn't made", right)


def _check_site(infrastructure: Infrastructure, site: Resource) -> Iterator[Problem]:
    for path in ("properties", "properties.siteConfig"):
        found = site.at(path)
        for name in sorted(found.keys() & REFUSED_PROPERTIES if isinstance(found, dict) else ()):
            yield infrastructure.problem(site, f"Flex Consumption refuses {path}.{name}", "leave it out")
    if not site.text("properties.keyVaultReferenceIdentity"):
        wrong = "references to the vault are read with the system's identity, which there isn't"
        yield infrastructure.problem(site, wrong, "set keyVaultReferenceIdentity")


def _check_sample(declared: Declared) -> Iterator[Problem]:
    if declared.sample is None:
        yield Problem(file=SAMPLE, line=1, wrong="there is no such file", right="it carries every setting once")
        return
    for name in sorted(declared.settings - declared.sample):
        yield Problem(file=SAMPLE, line=1, wrong=f"{name} is missing", right="shared/settings.py has it")
    for name in sorted(declared.sample - declared.settings - ON_A_LAPTOP):
        yield Problem(file=SAMPLE, line=1, wrong=f"{name} is read by nobody", right="leave it out")
