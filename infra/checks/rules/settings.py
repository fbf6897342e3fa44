"""App settings: those of `shared/settings.py` and the platform's, no more and no fewer; secrets come from the vault."""

from collections.abc import Iterator
from typing import Final

from infra.checks.declared import SAMPLE, Declared
from infra.checks.deployments import Deployment, Infrastructure
from infra.checks.problems import Problem
from infra.checks.syntax import Expression, Name, Object, Property, Resource, Text, walk
from infra.checks.values import UNKNOWN, Evaluator

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
FUNCTIONS_WORKER_RUNTIME FUNCTIONS_WORKER_RUNTIME_VERSION SCM_DO_BUILD_DURING_DEPLOYMENT
WEBSITE_CONTENTAZUREFILECONNECTIONSTRING WEBSITE_CONTENTOVERVNET WEBSITE_CONTENTSHARE WEBSITE_DNS_SERVER
WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT WEBSITE_NODE_DEFAULT_VERSION WEBSITE_RUN_FROM_PACKAGE
WEBSITE_SKIP_CONTENTSHARE_VALIDATION WEBSITE_TIME_ZONE WEBSITE_USE_PLACEHOLDER WEBSITE_VNET_ROUTE_ALL
"""
REFUSED_BY_FLEX: Final = frozenset(_REFUSED.split())
"""What other plans have as settings and Flex Consumption has as properties of the app, or not at all."""

_ON_A_LAPTOP: Final = """
AzureWebJobsStorage EvidenceStorage FUNCTIONS_WORKER_RUNTIME AzureWebJobsFeatureFlags IDENTITY_ENDPOINT
IDENTITY_HEADER REQUESTS_CA_BUNDLE SSL_CERT_FILE
"""
ON_A_LAPTOP: Final = frozenset(_ON_A_LAPTOP.split())
"""What the sample may have besides: connections to the local stack."""

SECRETS: Final = frozenset({"B2C_CERTIFICATE", "PAGERDUTY_ROUTING_KEY", "TEAMS_WEBHOOK_URL"})
_REFERENCE: Final = "@Microsoft.KeyVault(SecretUri="


def check_settings(infrastructure: Infrastructure, declared: Declared) -> Iterator[Problem]:
    """Check the app's settings and the sample's."""
    found = [
        (deployment, resource)
        for deployment, resource in infrastructure.resources("Microsoft.Web/sites/config")
        if isinstance(name := resource.object.get("name"), Text) and name.literal == "appsettings"
    ]
    if not found:
        yield Problem(file="main.bicep", line=1, wrong="no app settings are made", right="the app needs its settings")
    for deployment, resource in found:
        yield from _check_names(deployment, resource, declared)
        yield from _check_defaults(infrastructure, deployment, resource, declared)
        yield from _check_secrets(infrastructure, deployment, resource)
    yield from _check_sample(declared)


def _entries(resource: Resource) -> tuple[Property, ...]:
    properties = resource.object.get("properties")
    return properties.properties if isinstance(properties, Object) else ()


def _check_names(deployment: Deployment, resource: Resource, declared: Declared) -> Iterator[Problem]:
    path = deployment.template.path
    names = {one.name for one in _entries(resource)}
    for name in sorted((declared.settings | PLATFORM) - names):
        right = "shared/settings.py has it" if name in declared.settings else "the platform needs it"
        yield Problem(file=path, line=resource.line, wrong=f"app setting {name} is missing", right=right)
    for one in _entries(resource):
        if one.name in REFUSED_BY_FLEX:
            wrong = f"app setting {one.name} has no place on Flex Consumption"
            yield Problem(file=path, line=one.line, wrong=wrong, right="leave it out; see functionAppConfig")
        elif one.name not in declared.settings | PLATFORM:
            wrong = f"app setting {one.name} is read by nobody"
            yield Problem(file=path, line=one.line, wrong=wrong, right="leave it out, or add it to shared/settings.py")


def _check_defaults(
    infrastructure: Infrastructure, deployment: Deployment, resource: Resource, declared: Declared
) -> Iterator[Problem]:
    evaluator = Evaluator(infrastructure=infrastructure, deployment=deployment)
    for one in _entries(resource):
        value = evaluator.value(one.value)
        default = declared.defaults.get(one.name)
        if default is None or value is UNKNOWN or str(value).rstrip("/") == default:
            continue
        wrong = f"app setting {one.name} is {value!r} unless a parameter says otherwise"
        right = f"shared/settings.py has {default!r}"
        yield Problem(file=deployment.template.path, line=one.line, wrong=wrong, right=right)


def _check_secrets(infrastructure: Infrastructure, deployment: Deployment, resource: Resource) -> Iterator[Problem]:
    path = deployment.template.path
    kept = {
        name.literal
        for _, secret in infrastructure.resources("Microsoft.KeyVault/vaults/secrets")
        if isinstance(name := secret.object.get("name"), Text)
    }
    for one in _entries(resource):
        if one.name not in SECRETS:
            continue
        texts = list(_texts(deployment, one.value))
        if not any(text.startswith(_REFERENCE) for text in texts):
            right = "give it a reference to the vault instead of a value"
            yield Problem(file=path, line=one.line, wrong=f"app setting {one.name} is a secret", right=right)
        elif not any(text.rstrip(")") in kept for text in texts):
            right = f"the vault has {', '.join(sorted(filter(None, kept)))}"
            yield Problem(file=path, line=one.line, wrong=f"{one.name} refers to a secret that isn't made", right=right)
    for site in deployment.template.resources.values():
        properties = site.object.get("properties")
        named = isinstance(properties, Object) and properties.get("keyVaultReferenceIdentity")
        if site.type == "Microsoft.Web/sites" and not named:
            wrong = "references to the vault are read with the system's identity, which there isn't"
            yield Problem(file=path, line=site.line, wrong=wrong, right="set keyVaultReferenceIdentity")


def _texts(deployment: Deployment, value: Expression) -> Iterator[str]:
    """Give the literal texts in a value, those of the variables that it names included."""
    for one in walk(value):
        if isinstance(one, Text):
            yield from (part for part in one.parts if isinstance(part, str))
        elif isinstance(one, Name) and (variable := deployment.template.variables.get(one.name)):
            yield from _texts(deployment, variable.value)


def _check_sample(declared: Declared) -> Iterator[Problem]:
    if declared.sample is None:
        yield Problem(file=f"../{SAMPLE}", line=1, wrong="there is no such file", right="it carries every setting once")
        return
    for name in sorted(declared.settings - declared.sample):
        yield Problem(file=f"../{SAMPLE}", line=1, wrong=f"{name} is missing", right="shared/settings.py has it")
    for name in sorted(declared.sample - declared.settings - ON_A_LAPTOP):
        yield Problem(file=f"../{SAMPLE}", line=1, wrong=f"{name} is read by nobody", right="leave it out")
