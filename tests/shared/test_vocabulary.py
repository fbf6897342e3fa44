import json
from pathlib import Path
from typing import Any

import pytest

from shared.errors import SettingsError
from shared.settings import settings_from
from shared.vocabulary import DEFAULT, FROM_SETTINGS, BadVocabulary, Vocabulary, vocabulary_from

CPIM = "5B0E71C4-9f2d-4a63-8e57-d1c03fa2b698"
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
    assert vocabulary_from(nothing) == DEFAULT == Vocabulary()


def test_what_is_named_replaces_its_default_and_ids_are_lower_case() -> None:
    read = vocabulary_from(json.dumps({"cpim_ids": [CPIM], "owned_domains": [" Fabrikam.EXAMPLE "]}))
    assert read.cpim_ids == {CPIM.lower()}
    assert vocabulary_from(json.dumps({"privileged_accounts": [CPIM]})).privileged_accounts == {CPIM.lower()}
    assert read.owned_domains == {"fabrikam.example"}
    assert read.logout_properties == DEFAULT.logout_properties


def test_it_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "vocabulary.json"
    file.write_text(json.dumps({"logout_properties": ["LogoutAddress"]}), encoding="utf-8")
    assert vocabulary_from(str(file)).logout_properties == {"LogoutAddress"}


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"cpim_ids": ["CPIM Service"]}, "VOCABULARY.cpim_ids has 'cpim service': it should be an object id"),
        ({"managed_identity_ids": [""]}, "VOCABULARY.managed_identity_ids has ''"),
        *(
            ({name: ["Admins"]}, f"VOCABULARY.{name} has 'admins': it should be an object id")
            for name in ("emergency_groups", "privileged_accounts", "vip_accounts")
        ),
        ({"owned_domains": ["https://fabrikam.example"]}, "VOCABULARY.owned_domains has 'https://fabrikam.example'"),
        ({"shared_domains": ["*.azurewebsites.net"]}, "VOCABULARY.shared_domains has '*.azurewebsites.net'"),
        ({"consumer_apps": [" "]}, "VOCABULARY.consumer_apps has an empty name"),
        ({"logout_properties": [""]}, "VOCABULARY.logout_properties has an empty name"),
        ({"account_attributes": {"City": "["}}, "VOCABULARY.account_attributes.City is '['"),
        ({"account_attributes": {"City": 7}}, "$.account_attributes"),
        ({"owned_domains": "fabrikam.example"}, "$.owned_domains"),
        ({"owned_domains": [7]}, "$.owned_domains"),
        ({"owned_domain": []}, "owned_domain"),
        *(({name: []}, name) for name in sorted(FROM_SETTINGS - {"own_site", "consumer_tenants"})),
        ({"own_site": "x"}, "VOCABULARY.own_site has a setting of its own"),
        ({"consumer_tenants": None}, "VOCABULARY.consumer_tenants has a setting of its own"),
    ],
)
def test_what_is_wrong_is_told_with_its_field(members: dict[str, Any], told: str) -> None:
    with pytest.raises(BadVocabulary) as bad:
        vocabulary_from(json.dumps(members))
    assert told in str(bad.value)


@pytest.mark.parametrize("text", ["no-such-file.json", "{", "[" * 5000, '{"cpim_ids":' + "[" * 5000, "\0"])
def test_what_cannot_be_read_says_so(text: str) -> None:
    with pytest.raises(BadVocabulary, match="VOCABULARY"):
        vocabulary_from(text)


def test_every_problem_is_told_with_the_other_settings() -> None:
    wrong = json.dumps({"cpim_ids": ["x"], "owned_domains": ["y"]})
    with pytest.raises(SettingsError) as error:
        settings_from(ENVIRONMENT | {"VOCABULARY": wrong, "REMEDIATIONS_PER_HOUR": "many"})
    told = "\n".join(error.value.problems)
    assert all(name in told for name in ("VOCABULARY.cpim_ids", "VOCABULARY.owned_domains", "REMEDIATIONS_PER_HOUR"))


def test_other_settings_give_the_rest() -> None:
    settings = settings_from(ENVIRONMENT | {"WEBSITE_SITE_NAME": "func-responder"})
    assert settings.vocabulary.emergency_accounts == settings.emergency_accounts
    assert settings.vocabulary.emergency_accounts == {ENVIRONMENT["EMERGENCY_ACCOUNT_IDS"].lower()}
    assert settings.vocabulary.own_site == "func-responder"
    assert settings.vocabulary.consumer_tenants == frozenset()
    assert vocabulary_from("").consumer_tenants is None
