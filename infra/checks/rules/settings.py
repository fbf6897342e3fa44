"""App settings: those of `model.app_settings` and the platform's, no more, no fewer; secrets come from the vault."""

import re
from collections.abc import Iterator, KeysView
from typing import Final

from infra.checks.declared import SAMPLE
from infra.checks.snapshots import APP_SETTINGS, SITE, Infrastructure, Problem, Resource, Snapshot, nowhere
from shared.console.frame import ROOT

_PLATFORM: Final = """
AzureWebJobsStorage__credential AzureWebJobsStorage__clientId AzureWebJobsStorage__blobServiceUri
AzureWebJobsStorage__queueServiceUri AzureWebJobsStorage__tableServiceUri
EvidenceStorage__credential EvidenceStorage__clientId EvidenceStorage__blobServiceUri
APPLICATIONINSIGHTS_CONNECTION_STRING APPLICATIONINSIGHTS_AUTHENTICATION_STRING PYTHON_THREADPOOL_THREAD_COUNT
FUNCTIONS_REQUEST_BODY_SIZE_LIMIT
AUDIT_STREAM__fullyQualifiedNamespace AUDIT_STREAM__credential AUDIT_STREAM__clientId
"""
PLATFORM: Final = frozenset(_PLATFORM.split())
"""Settings of the Functions host, its worker, the storage clients and the audit stream, all by managed identity."""

_REFUSED: Final = """
ENABLE_ORYX_BUILD FUNCTIONS_EXTENSION_VERSION FUNCTIONS_MAX_HTTP_CONCURRENCY FUNCTIONS_WORKER_PROCESS_COUNT
FUNCTIONS_WORKER_DYNAMIC_CONCURRENCY_ENABLED FUNCTIONS_WORKER_RUNTIME FUNCTIONS_WORKER_RUNTIME_VERSION
SCM_DO_BUILD_DURING_DEPLOYMENT WEBSITE_CONTENTAZUREFILECONNECTIONSTRING WEBSITE_CONTENTOVERVNET WEBSITE_CONTENTSHARE
WEBSITE_DNS_SERVER WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT WEBSITE_NODE_DEFAULT_VERSION WEBSITE_RUN_FROM_PACKAGE
WEBSITE_SKIP_CONTENTSHARE_VALIDATION WEBSITE_TIME_ZONE WEBSITE_USE_PLACEHOLDER WEBSITE_VNET_ROUTE_ALL
"""
REFUSED_SETTINGS: Final = frozenset(_REFUSED.split())
_PROPERTIES: Final = """
alwaysOn containerSize ftpsState functionAppScaleLimit functionsRuntimeScaleMonitoringEnabled isXenon javaVersion
linuxFxVersion minimumElasticInstanceCount netFrameworkVersion powerShellVersion preWarmedInstanceCount pythonVersion
use32BitWorkerProcess vnetBackupRestoreEnabled vnetContentShareEnabled vnetImagePullEnabled vnetRouteAllEnabled
windowsFxVersion
"""
REFUSED_PROPERTIES: Final = frozenset(_PROPERTIES.split())
"""What other plans have as settings or as properties of the site or its `siteConfig`, and Flex Consumption refuses:
learn.microsoft.com/azure/azure-functions/functions-app-settings, "Flex Consumption plan deprecations"."""

ON_A_LAPTOP: Final = """
AzureWebJobsStorage EvidenceStorage FUNCTIONS_WORKER_RUNTIME AzureWebJobsFeatureFlags IDENTITY_ENDPOINT
IDENTITY_HEADER REQUESTS_CA_BUNDLE SSL_CERT_FILE
"""
"""What the sample may have besides: connections to the local stack."""

MADE_BY_SCRIPTS: Final = frozenset({"b2c-certificate"})
"""Secrets that no deployment makes: `b2c.sh` asks the vault for a certificate of this name."""


OF_THE_DEPLOYMENT: Final = frozenset({"OWN_RESOURCE_GROUPS", "LOGGED_RESOURCES", "OPERATORS_CLIENT_ID"})
"""Settings that say what was deployed. On a laptop there is none of it, so they may be left out there."""


def check_settings(made: Infrastructure) -> Iterator[Problem]:
    """Check the app's settings, what Flex Consumption refuses, and the sample's settings."""
    for snapshot in made.snapshots.values():
        settings = snapshot.named(*APP_SETTINGS)
        if settings is None:
            yield nowhere("no app settings are made; the app needs its settings")
            continue
        yield from _check_names(made, settings, snapshot.settings.keys())
        yield from _check_secrets(made, snapshot, settings)
        yield from _check_link(made, snapshot, settings)
        if snapshot.name == "default":
            yield from _check_defaults(made, snapshot, settings)
    for _, site in made.each(SITE):
        yield from _check_site(made, site)
    for name in sorted(made.declared.settings - made.declared.sample):
        yield Problem(file=SAMPLE, line=1, text=f"{name} is missing; shared/model/app_settings.py has it")
    for name in sorted(made.declared.sample - made.declared.settings - set(ON_A_LAPTOP.split())):
        yield Problem(file=SAMPLE, line=1, text=f"{name} is read by nobody; leave it out")


def _check_names(made: Infrastructure, of: Resource, names: KeysView[str]) -> Iterator[Problem]:
    for name in sorted((made.declared.settings | PLATFORM) - names):
        by = "shared/model/app_settings.py has it" if name in made.declared.settings else "the platform needs it"
        yield made.problem(of, f"app setting {name} is missing; {by}")
    for name in sorted(names & REFUSED_SETTINGS):
        yield made.problem(of, f"app setting {name} has no place on Flex Consumption; see functionAppConfig")
    for name in sorted(names - made.declared.settings - PLATFORM - REFUSED_SETTINGS):
        yield made.problem(
            of, f"app setting {name} is read by nobody; leave it out, or let shared/model/app_settings.py have it"
        )


def _check_defaults(made: Infrastructure, snapshot: Snapshot, of: Resource) -> Iterator[Problem]:
    for name, value in snapshot.settings.items():
        default = made.declared.defaults.get(name)
        if (
            default is not None
            and not value.startswith("[")
            and value.rstrip("/") != default
            and name not in made.declared.vaulted | OF_THE_DEPLOYMENT
        ):
            yield made.problem(
                of, f"app setting {name} is {value!r} by default; shared/model/app_settings.py has {default!r}"
            )


def _check_secrets(made: Infrastructure, snapshot: Snapshot, of: Resource) -> Iterator[Problem]:
    kept = {one.last_name for one in snapshot.of("Microsoft.KeyVault/vaults/secrets")} | MADE_BY_SCRIPTS
    for name in sorted(made.declared.vaulted):
        value = snapshot.settings.get(name, "")
        if value and "@Microsoft.KeyVault(SecretUri=" not in value:
            yield made.problem(of, f"app setting {name} is a secret; give it a reference to the vault, not a value")
        elif value and not any(re.search(rf"[}}/]{secret}\)", value) for secret in kept):
            yield made.problem(
                of, f"{name} refers to a secret that isn't made; the vault has {', '.join(sorted(kept))}"
            )


def _check_link(made: Infrastructure, snapshot: Snapshot, of: Resource) -> Iterator[Problem]:
    """Check that cards lead to the console: the address that is there for everybody to read holds no key."""
    link = snapshot.settings.get("CASE_LINK", "")
    if f"https://{{0}}{ROOT}/i/{{{{case}}}}'" not in link or any(sign in link for sign in ("?code=", "&code=", "key=")):
        yield made.problem(of, f"CASE_LINK isn't https://HOST{ROOT}/i/{{case}}, without a key, so cards lead elsewhere")


def _check_site(made: Infrastructure, site: Resource) -> Iterator[Problem]:
    for path in ("properties", "properties.siteConfig"):
        found = site.at(path)
        for name in sorted(found.keys() & REFUSED_PROPERTIES if isinstance(found, dict) else ()):
            yield made.problem(site, f"Flex Consumption refuses {path}.{name}; leave it out")
    if not site.text("properties.keyVaultReferenceIdentity"):
        yield made.problem(site, "the vault is read with an identity that there isn't; set keyVaultReferenceIdentity")
