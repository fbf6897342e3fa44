import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from shared.model.errors import SettingsError
from shared.model.profile import DEFAULT, FROM_SETTINGS, FROM_TENANTS, BadProfile, TenantProfile, profile_from
from shared.model.settings import settings_from

CPIM = "5B0E71C4-9f2d-4a63-8e57-d1c03fa2b698"
OFFICE: dict[str, object] = {"zone": "Europe/Amsterdam", "begin": "08:00", "end": "18:30"}
ENVIRONMENT = {
    "WORKFORCE_TENANT_ID": "9c7d2b54-6f0e-4a38-b1d9-e52f83c60a17",
    "WORKFORCE_RESPONDER_ID": "68f3c9d1-0b4e-4e7a-a526-c98d07e31f4b",
    "SUBSCRIPTION_IDS": "3e81f6a0-27bc-4d95-8c43-07d1a9e4b652",
    "EMERGENCY_ACCOUNT_IDS": "D40A6B7E-8c15-4f29-93e6-1b7f52ac80d3",
    "PAGERDUTY_ROUTING_KEY": "0" * 32,
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
}


@pytest.mark.parametrize("nothing", ["", "  ", "{}"])
def test_nothing_is_the_default(nothing: str) -> None:
    assert profile_from(nothing) == DEFAULT == TenantProfile()


def test_what_is_named_replaces_its_default_and_ids_are_lower_case() -> None:
    read = profile_from(json.dumps({"cpim_ids": [CPIM], "owned_domains": [" Fabrikam.EXAMPLE "]}))
    assert read.cpim_ids == {CPIM.lower()}
    assert profile_from(json.dumps({"privileged_accounts": [CPIM]})).privileged_accounts == {CPIM.lower()}
    assert read.owned_domains == {"fabrikam.example"}
    assert read.logout_properties == DEFAULT.logout_properties


def test_what_sign_ins_are_judged_by_is_read() -> None:
    members = {
        "privileged_accounts": [CPIM],
        "privileged_networks": ["203.0.113.0/24", "2001:DB8::/32", "198.51.100.7"],
        "working_hours": {CPIM: OFFICE | {"days": [6, 7]}, "*": OFFICE},
        "thresholds": {"consumer-sign-in-failures": 3},
    }
    read = profile_from(json.dumps(members))
    assert read.privileged_accounts == {CPIM.lower()}
    assert read.working_hours.keys() == {CPIM.lower(), "*"}
    assert read.working_hours["*"].days == {1, 2, 3, 4, 5}
    assert read.thresholds == members["thresholds"]
    assert read.interrupts == DEFAULT.interrupts


def test_what_the_readme_shows_can_be_used() -> None:
    readme = Path(__file__).parents[4] / "README.md"
    (shown,) = re.findall(r"^```json\n(\{.*?^\})\n```$", readme.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert profile_from(shown).thresholds == {"consumer-passwords-sprayed": 20}


def test_it_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    file.write_text(json.dumps({"logout_properties": ["LogoutAddress"]}), encoding="utf-8")
    assert profile_from(str(file)).logout_properties == {"LogoutAddress"}


_WRONG: Final[list[tuple[dict[str, Any], str]]] = [
    ({"cpim_ids": ["CPIM Service"]}, "VOCABULARY.cpim_ids has 'cpim service': it should be an object id"),
    ({"managed_identity_ids": [""]}, "VOCABULARY.managed_identity_ids has ''"),
    *(
        ({name: ["Admins"]}, f"VOCABULARY.{name} has 'admins': it should be an object id")
        for name in ("emergency_groups", "privileged_accounts", "vip_accounts")
    ),
    (
        {"owned_domains": ["https://fabrikam.example"]},
        "VOCABULARY.owned_domains has 'https://fabrikam.example'",
    ),
    ({"shared_domains": ["*.azurewebsites.net"]}, "VOCABULARY.shared_domains has '*.azurewebsites.net'"),
    ({"consumer_apps": [" "]}, "VOCABULARY.consumer_apps has an empty name"),
    ({"logout_properties": [""]}, "VOCABULARY.logout_properties has an empty name"),
    ({"account_attributes": {"City": "["}}, "VOCABULARY.account_attributes.City is '[': it should be a regular"),
    ({"account_attributes": {"City": r"(a)\1"}}, "regular expression as RE2 has them (invalid escape sequence: \\1)"),
    ({"account_attributes": {"City": "(?=a)a"}}, "VOCABULARY.account_attributes.City is '(?=a)a'"),
    ({"account_attributes": {"City": "((a{99}){99}){99}"}}, "VOCABULARY.account_attributes.City is '((a{99}"),
    (
        {"vip_accounts": ["robin@contoso.com"]},
        "VOCABULARY.vip_accounts has 'robin@contoso.com': it should be an",
    ),
    ({"privileged_accounts": ["*"]}, "VOCABULARY.privileged_accounts has '*': it should be an object id"),
    ({"emergency_groups": ["Break glass"]}, "VOCABULARY.emergency_groups has 'break glass': it should be an"),
    ({"allowed_countries": ["Netherlands"]}, "VOCABULARY.allowed_countries has 'Netherlands': it should be a"),
    ({"privileged_countries": ["NL "]}, "VOCABULARY.privileged_countries has 'NL ': it should be a country's"),
    ({"privileged_networks": ["203.0.113.7/24"]}, "VOCABULARY.privileged_networks has '203.0.113.7/24'"),
    ({"privileged_networks": ["office"]}, "'office': it should be a network, like 203.0.113.0/24"),
    ({"privileged_browsers": [" "]}, "VOCABULARY.privileged_browsers has an empty name"),
    ({"privileged_operating_systems": [""]}, "VOCABULARY.privileged_operating_systems has an empty name"),
    ({"interrupts": ["AADSTS50058"]}, "VOCABULARY.interrupts has 'AADSTS50058': it should be an error code"),
    ({"interrupts": ["0"]}, "VOCABULARY.interrupts has '0'"),
    ({"interrupts": [50058]}, "$.interrupts"),
    ({"thresholds": {"x": 0}}, "VOCABULARY.thresholds.x is 0: it should be a whole number from 1 on"),
    ({"thresholds": {"x": "10"}}, "$.thresholds"),
    ({"working_hours": {"morgan": OFFICE}}, "VOCABULARY.working_hours has 'morgan': it should be an object id"),
    ({"working_hours": {"*": OFFICE | {"zone": "CEST+1"}}}, "VOCABULARY.working_hours.*.zone is 'CEST+1'"),
    ({"working_hours": {"*": OFFICE | {"zone": "Europe"}}}, "VOCABULARY.working_hours.*.zone is 'Europe'"),
    ({"working_hours": {"*": OFFICE | {"zone": "../etc"}}}, "VOCABULARY.working_hours.*.zone is '../etc'"),
    ({"working_hours": {"*": OFFICE | {"begin": "8:00"}}}, "VOCABULARY.working_hours.*.begin is '8:00'"),
    ({"working_hours": {"*": OFFICE | {"end": "24:00"}}}, "VOCABULARY.working_hours.*.end is '24:00'"),
    ({"working_hours": {"*": OFFICE | {"days": [0, 7]}}}, "VOCABULARY.working_hours.*.days is [0, 7]"),
    ({"working_hours": {"*": OFFICE | {"days": []}}}, "VOCABULARY.working_hours.*.days is []"),
    ({"working_hours": {"*": OFFICE | {"until": "18:00"}}}, "until"),
    ({"working_hours": {"*": {"zone": "UTC", "begin": "08:00"}}}, "$.working_hours"),
    (
        {"partner_organisations": ["Partner"]},
        "VOCABULARY.partner_organisations has 'partner': it should be a domain",
    ),
    ({"allowed_cities": [""]}, "VOCABULARY.allowed_cities has an empty name"),
    ({"credential_types": ["key"]}, "$.credential_types"),
    ({"automated_tests": {"Tests": "2026-12-31"}}, "VOCABULARY.automated_tests has 'tests': it should be an app id"),
    ({"automated_tests": {CPIM: "some day"}}, "$.automated_tests"),
    ({"account_attributes": {"City": 7}}, "$.account_attributes"),
    ({"owned_domains": "fabrikam.example"}, "$.owned_domains"),
    ({"owned_domains": [7]}, "$.owned_domains"),
    ({"owned_domain": []}, "owned_domain"),
    *(({name: []}, f"VOCABULARY.{name} is read from the tenants") for name in sorted(FROM_TENANTS)),
    *(({name: []}, name) for name in sorted(FROM_SETTINGS - {"own_site", "consumer_tenants"})),
    ({"own_site": "x"}, "VOCABULARY.own_site has a setting of its own"),
    ({"consumer_tenants": None}, "VOCABULARY.consumer_tenants has a setting of its own"),
]


@pytest.mark.parametrize(("members", "expected"), _WRONG)
def test_what_is_wrong_is_told_with_its_field(members: dict[str, Any], expected: str) -> None:
    with pytest.raises(BadProfile) as bad:
        profile_from(json.dumps(members))
    assert expected in str(bad.value)


@pytest.mark.parametrize("text", ["no-such-file.json", "{", "[" * 5000, '{"cpim_ids":' + "[" * 5000, "\0"])
def test_what_cannot_be_read_says_so(text: str) -> None:
    with pytest.raises(BadProfile, match="VOCABULARY"):
        profile_from(text)


def test_every_problem_is_told_with_the_other_settings() -> None:
    wrong = json.dumps({"cpim_ids": ["x"], "owned_domains": ["y"]})
    with pytest.raises(SettingsError) as error:
        settings_from(ENVIRONMENT | {"VOCABULARY": wrong, "REMEDIATIONS_PER_HOUR": "many"})
    problems = "\n".join(error.value.problems)
    assert all(
        name in problems for name in ("VOCABULARY.cpim_ids", "VOCABULARY.owned_domains", "REMEDIATIONS_PER_HOUR")
    )


def test_other_settings_give_the_rest() -> None:
    settings = settings_from(ENVIRONMENT | {"WEBSITE_SITE_NAME": "func-responder"})
    assert settings.profile.emergency_accounts == settings.emergency_accounts
    assert settings.profile.emergency_accounts == {ENVIRONMENT["EMERGENCY_ACCOUNT_IDS"].lower()}
    assert settings.profile.own_site == "func-responder"
    assert settings.profile.consumer_tenants == frozenset()
    assert profile_from("").consumer_tenants is None
