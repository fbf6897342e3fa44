"""Each test opens one thing."""

import pytest

from infra.checks.rules.exposure import REACH, SAFE
from tests.infra.checks.breaking import broken, intact, only, problems_in

_STORAGE = "modules/storage.bicep"
_APP = "modules/app.bicep"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (_STORAGE, "publicAccess: 'None'", "publicAccess: 'Blob'", "publicAccess of Microsoft.Storage"),
        (_STORAGE, "allowSharedKeyAccess: false", "allowSharedKeyAccess: true", "allowSharedKeyAccess of Microsoft."),
        (_STORAGE, "    allowBlobPublicAccess: false\n", "", "isn't set; it should be false"),
        (_STORAGE, "'TLS1_2'", "'TLS1_0'", "is 'TLS1_0'; it should be 'TLS1_2'"),
        (_STORAGE, "supportsHttpsTrafficOnly: true", "supportsHttpsTrafficOnly: false", "it should be true"),
        (_STORAGE, "empty(subnetId) ? 'Allow' : 'Deny'", "'Allow'", "is public whatever the parameters say"),
        (_STORAGE, ": publicNetworkAccess\n", ": 'Enabled'\n", "is public whatever the parameters say"),
        ("modules/vault.bicep", "    publicNetworkAccess: publicNetworkAccess\n", "", "isn't set, so it is public"),
        ("modules/vault.bicep", "enableRbacAuthorization: true", "enableRbacAuthorization: false", "it should be true"),
        ("modules/vault.bicep", "    enablePurgeProtection: true\n", "", "enablePurgeProtection of Microsoft.KeyVault"),
        (_APP, "httpsOnly: true", "httpsOnly: false", "httpsOnly of Microsoft.Web/sites is false; it should be true"),
        (_APP, "minTlsVersion: '1.2'", "minTlsVersion: '1.0'", "minTlsVersion of Microsoft.Web/sites is '1.0'"),
        (_APP, "ftpsState: 'Disabled'", "ftpsState: 'FtpsOnly'", "ftpsState of Microsoft.Web/sites is 'FtpsOnly'"),
        (
            _APP,
            "allow: false",
            "allow: true",
            "allow of Microsoft.Web/sites/basicPublishingCredentialsPolicies is true",
        ),
        (_APP, "requireAuthentication: true", "requireAuthentication: false", "requireAuthentication of"),
        (
            _APP,
            "'Return401'",
            "'AllowAnonymous'",
            "unauthenticatedClientAction of Microsoft.Web/sites/config is 'Allow",
        ),
        (
            _APP,
            "        '/runtime/webhooks/eventgrid'\n",
            "        '/api/modes'\n",
            "the path /api/modes answers without",
        ),
        (_APP, "empty(operatorAddressRanges) ? 'Allow' : 'Deny'", "'Allow'", "ipSecurityRestrictionsDefaultAction"),
        ("modules/monitoring.bicep", "disableLocalAuth: true", "disableLocalAuth: false", "features.disableLocalAuth"),
        ("modules/monitoring.bicep", "    DisableLocalAuth: true\n", "", "DisableLocalAuth of Microsoft.Insights"),
        (
            "main.bicep",
            "param auditStreamKeys bool = false",
            "param auditStreamKeys bool = true",
            "disableLocalAuth of",
        ),
        ("modules/stream.bicep", "minimumTlsVersion: '1.2'", "minimumTlsVersion: '1.0'", "minimumTlsVersion of"),
        (
            "modules/evidence.bicep",
            "      enabled: true\n      imm",
            "      enabled: false\n      imm",
            "evidence can be",
        ),
    ],
)
def test_what_is_opened_is_found(file: str, old: str, new: str, said: str) -> None:
    found = broken(file, (old, new))
    assert any(said in one for one in found), found


@pytest.mark.parametrize(
    ("symbol", "said"),
    [
        ("noFtpPasswords", "passwords for FTP are left on"),
        ("noPublishingPasswords", "passwords for publishing are left on"),
        ("authentication", "App Service authentication is not configured"),
    ],
)
def test_what_closes_the_app_may_not_be_missing(symbol: str, said: str) -> None:
    text = intact().files[_APP]
    start = text.index(f"resource {symbol} ")
    end = text.index("\n}\n", start) + 3
    found = problems_in({**intact().files, _APP: text[:start] + text[end:]})
    assert any(one.startswith("infra/main.bicep:") and said in one for one in found), found


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (_APP, "  scope: app\n", "  scope: plan\n", "app can be deleted by a slip; lock it"),
        ("modules/vault.bicep", "level: 'CanNotDelete'", "level: 'ReadOnly'", "its level should be CanNotDelete"),
        (
            "modules/topic.bicep",
            "  name: 'deliveries'\n  scope: topic\n",
            "  name: 'deliveries'\n",
            "nobody sees who touched",
        ),
        (
            "modules/monitoring.bicep",
            "SamplingPercentage: 100",
            "SamplingPercentage: 50",
            "SamplingPercentage should be",
        ),
    ],
)
def test_what_is_to_be_kept_is_kept(file: str, old: str, new: str, said: str) -> None:
    only(broken(file, (old, new)), file, said)


def test_every_expectation_is_about_a_resource_that_there_is() -> None:
    there = {resource.type for _, resource in intact().resources()}
    assert {safe.type for safe in SAFE} | set(REACH) <= there
