from dataclasses import replace

import pytest

from tests.infra.checks.breaking import broken, intact, only, problems_in, says

_APP = "modules/app.bicep"
_LEASE = "    LEASE_SECONDS: string(leaseSeconds)\n"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "    LEASE_SECONDS: string(",
            "    LEASE_SECOND: string(",
            "app setting LEASE_SECONDS is missing; shared/settings",
        ),
        ("    LEASE_SECONDS: string(", "    LEASE_SECOND: string(", "app setting LEASE_SECOND is read by nobody"),
        (
            "    EvidenceStorage__clientId:",
            "    EvidenceStorage__id:",
            "EvidenceStorage__clientId is missing; the platform",
        ),
        (_LEASE, f"{_LEASE}    FUNCTIONS_WORKER_RUNTIME: 'python'\n", "has no place on Flex Consumption"),
        (_LEASE, f"{_LEASE}    WEBSITE_RUN_FROM_PACKAGE: '1'\n", "has no place on Flex Consumption"),
        (
            "'https://graph.microsoft.com'",
            "'https://graph.microsoft.us'",
            "shared/settings.py has 'https://graph.micros",
        ),
        (": pageByTeams ? '${secretReference}teams-webhook-url)' : ''", ": caseLink", "TEAMS_WEBHOOK_URL is a secret"),
        ("pagerduty-routing-key)'", "pagerduty-key)'", "refers to a secret that isn't made; the vault has"),
        ("    keyVaultReferenceIdentity: identityId\n", "", "set keyVaultReferenceIdentity"),
    ],
)
def test_a_wrong_setting_is_found(old: str, new: str, said: str) -> None:
    found = broken(_APP, (old, new))
    assert any(one.startswith(f"infra/{_APP}:") and said in one for one in found), found


def test_a_default_in_main_follows_the_code() -> None:
    found = broken("main.bicep", ("param leaseSeconds int = 120", "param leaseSeconds int = 240"))
    only(
        found,
        _APP,
        "app setting LEASE_SECONDS is '240' unless a parameter says otherwise; shared/settings.py has '120'",
    )


def test_a_schedule_in_main_follows_the_code() -> None:
    found = broken("main.bicep", ("'15 * * * * *'", "'15 */5 * * * *'"))
    only(found, _APP, "RESUME_SCHEDULE is '15 */5 * * * *'")


def test_a_new_setting_in_the_code_is_asked_for() -> None:
    found = problems_in(
        dict(intact().files),
        by=replace(says(), settings=says().settings | {"NEW_ONE"}, sample=frozenset({*says().settings, "NEW_ONE"})),
    )
    only(found, _APP, "app setting NEW_ONE is missing; shared/settings.py has it")


def test_settings_that_are_not_made_at_all_are_asked_for() -> None:
    found = broken(_APP, ("name: 'appsettings'", "name: 'web'"))
    assert "infra/main.bicep:1: no app settings are made; the app needs its settings" in found
