import json
from datetime import timedelta
from typing import Any, Final, override

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.world import (
    B2C_TENANT,
    BREAK_GLASS_1,
    BREAK_GLASS_2,
    MALLORY,
    RESPONDER,
    RESPONDER_B2C,
    SUBSCRIPTION,
    WORKFORCE_TENANT,
)
from shared.model import app_settings
from shared.model.app_settings import SCHEDULES, SETTINGS, Setting
from shared.model.errors import SettingsError
from shared.model.kinds import TenantKind
from shared.model.settings import Settings, Unresolved, settings_from
from tests.fakes.emergencies import CONTACT
from tests.fakes.runtime import SETTINGS as RIGHT

_REQUIRED: Final = tuple(setting.name for setting in SETTINGS if setting.required_as)
_NAMES: Final = frozenset(setting.name for setting in SETTINGS)
_NEEDED: Final = {name: RIGHT[name] for name in (*_REQUIRED, "AzureWebJobsStorage", "TEAMS_WEBHOOK_URL")}


def _problems(**changes: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as raised:
        settings_from({**RIGHT, **changes})
    return raised.value.problems


def _without(*names: str, **changes: str) -> dict[str, str]:
    return {name: value for name, value in {**RIGHT, **changes}.items() if name not in names}


# What is right.


def test_everything_is_read() -> None:
    settings = settings_from(RIGHT)
    workforce, b2c = settings.tenants
    assert (workforce.kind, workforce.id, workforce.responder_id) == (
        TenantKind.WORKFORCE,
        WORKFORCE_TENANT,
        RESPONDER.id,
    )
    assert workforce.subscriptions == {SUBSCRIPTION}
    assert (b2c.kind, b2c.id, b2c.client_id) == (TenantKind.B2C, B2C_TENANT, RESPONDER_B2C.client_id)
    assert settings.emergency_accounts == {BREAK_GLASS_1.id, BREAK_GLASS_2.id}
    assert settings.lease == timedelta(seconds=120)
    assert settings.tenant(WORKFORCE_TENANT.upper()) == workforce
    assert settings.tenant("another") is None


def test_what_is_needed_is_enough_and_the_rest_has_its_default() -> None:
    settings = settings_from(_NEEDED)
    assert len(settings.tenants) == 1
    assert settings.graph_url == "https://graph.microsoft.com"
    assert settings.remediations_per_hour == 10
    assert settings.kept_for == timedelta(days=365)


def test_an_empty_setting_is_one_that_was_left_out() -> None:
    """Templates write every name, with an empty value where nothing was given."""
    assert settings_from({**_NEEDED, **dict.fromkeys(_NAMES - _NEEDED.keys(), " ")}) == settings_from(_NEEDED)


def test_ids_are_read_in_any_spelling_and_compared_in_lower_case() -> None:
    ids = f" {BREAK_GLASS_1.id.upper()} , ,{BREAK_GLASS_2.id} "
    settings = settings_from({**RIGHT, "EMERGENCY_ACCOUNT_IDS": ids, "WORKFORCE_TENANT_ID": WORKFORCE_TENANT.upper()})
    assert settings.emergency_accounts == {BREAK_GLASS_1.id, BREAK_GLASS_2.id}
    assert settings.tenants[0].id == WORKFORCE_TENANT


def test_nothing_is_taken_from_emergency_accounts_protected_principals_and_the_responder_itself() -> None:
    settings = settings_from({**RIGHT, "PROTECTED_PRINCIPAL_IDS": MALLORY.id})
    assert settings.untouchable == {BREAK_GLASS_1.id, BREAK_GLASS_2.id, MALLORY.id, RESPONDER.id, RESPONDER_B2C.id}


@pytest.mark.parametrize(
    "storage",
    [
        {"AzureWebJobsStorage": "UseDevelopmentStorage=true"},
        {"AzureWebJobsStorage__accountName": "stresponder"},
        {f"AzureWebJobsStorage__{service}ServiceUri": "https://st.example" for service in ("blob", "queue", "table")},
    ],
    ids=["connection string", "account", "addresses"],
)
def test_storage_is_named_in_one_of_three_ways(storage: dict[str, str]) -> None:
    assert settings_from({**_without("AzureWebJobsStorage"), **storage})


@pytest.mark.parametrize("channel", ["TEAMS_WEBHOOK_URL", "PAGERDUTY_ROUTING_KEY"])
def test_one_channel_is_enough(channel: str) -> None:
    assert settings_from(_without({"TEAMS_WEBHOOK_URL", "PAGERDUTY_ROUTING_KEY"}.difference({channel}).pop()))


def test_the_local_stack_is_reached_without_https() -> None:
    local = {
        "GRAPH_URL": "http://127.0.0.1:7072/",
        "ARM_URL": "http://localhost:7072",
        "CASE_LINK": "http://[::1]:7071/{case}",
    }
    assert settings_from({**RIGHT, **local}).graph_url == "http://127.0.0.1:7072"


@pytest.mark.parametrize(
    ("url", "audience"),
    [
        ("", "https://graph.microsoft.com"),
        ("https://graph.microsoft.com/", "https://graph.microsoft.com"),
        ("https://graph.microsoft.us", "https://graph.microsoft.us"),
        ("http://127.0.0.1:7072", "https://graph.microsoft.com"),
        ("https://localhost:7072", "https://graph.microsoft.com"),
    ],
)
def test_tokens_are_asked_for_the_services_own_address_but_for_stand_ins(url: str, audience: str) -> None:
    assert settings_from({**RIGHT, "GRAPH_URL": url}).graph_audience == audience
    arm = {"": "", "https://graph.microsoft.com/": "https://management.azure.com/"}
    settings = settings_from({**RIGHT, "ARM_URL": arm.get(url, url)})
    assert settings.arm_audience == (audience if audience.endswith(".us") else "https://management.azure.com")


@pytest.mark.parametrize(("setting", "polls"), [("poll", True), ("off", False), ("", True)])
def test_sign_ins_are_polled_unless_that_is_switched_off(setting: str, *, polls: bool) -> None:
    assert settings_from({**RIGHT, "SIGN_INS": setting}).polls_sign_ins is polls


# Secrets that App Service could not read.

_REFERENCES: Final = (
    ("@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/the-secret/)", "the-secret"),
    ("@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/the-secret/0123456789abcdef)", "the-secret"),
    ("@Microsoft.KeyVault(VaultName=kv;SecretName=the-secret)", "the-secret"),
    ("@microsoft.keyvault(VaultName=kv;SecretName=the-secret;SecretVersion=1)", "the-secret"),
    ("@Microsoft.KeyVault(something else)", ""),
)


@pytest.mark.parametrize(("reference", "secret"), _REFERENCES)
@pytest.mark.parametrize(
    "name", ["TEAMS_WEBHOOK_URL", "PAGERDUTY_ROUTING_KEY", "PAGERDUTY_WEBHOOK_SECRETS", "B2C_CERTIFICATE"]
)
def test_a_reference_that_did_not_resolve_is_done_without_and_named(name: str, reference: str, secret: str) -> None:
    settings = settings_from({**RIGHT, name: reference})
    assert settings.unresolved == (Unresolved(setting=name, secret=secret),)
    assert settings.unresolved_of(name) == settings.unresolved[0]
    assert settings.unresolved_of("CASE_LINK") is None
    right = settings_from(RIGHT)
    assert bool(settings.teams_webhook_url) is (name != "TEAMS_WEBHOOK_URL")
    assert bool(settings.pagerduty_routing_key) is (name != "PAGERDUTY_ROUTING_KEY")
    assert settings.tenants[0] == right.tenants[0]
    assert settings.tenants[1].certificate == ("" if name == "B2C_CERTIFICATE" else right.tenants[1].certificate)
    assert (name in settings.unresolved[0].message, secret in settings.unresolved[0].cure) == (True, True)


def test_without_any_channel_the_app_starts_when_that_is_the_vaults_fault_alone() -> None:
    reference = _REFERENCES[0][0]
    both = {"TEAMS_WEBHOOK_URL": reference, "PAGERDUTY_ROUTING_KEY": reference}
    for names in (["TEAMS_WEBHOOK_URL"], ["PAGERDUTY_ROUTING_KEY"], list(both)):
        settings = settings_from({**_without(*both), **{name: both[name] for name in names}})
        assert not settings.has_channel
    assert settings_from(RIGHT).has_channel


@pytest.mark.parametrize("name", ["WORKFORCE_TENANT_ID", "CASE_LINK", "VOCABULARY", "AzureWebJobsStorage"])
def test_what_the_app_can_not_do_without_must_not_be_a_reference(name: str) -> None:
    assert any(name in problem for problem in _problems(**{name: _REFERENCES[0][0]}))


@pytest.mark.parametrize("text", ["@Microsoft.KeyVault", "x @Microsoft.KeyVault(SecretName=a)", "@Microsoft.KeyVault("])
def test_what_only_looks_like_a_reference_is_a_wrong_value(text: str) -> None:
    (problem,) = _problems(TEAMS_WEBHOOK_URL=text)
    assert problem == "TEAMS_WEBHOOK_URL is a secret value: it should be an https:// address"


# What is wrong: named, with what would be right.


def test_sign_ins_that_are_neither_polled_nor_off() -> None:
    assert _problems(SIGN_INS="sometimes") == ("SIGN_INS is 'sometimes': it should be poll or off",)


@pytest.mark.parametrize("name", _REQUIRED)
def test_what_is_needed_and_missing_is_named_with_what_it_is(name: str) -> None:
    for environment in (_without(name), {**RIGHT, name: "  "}):
        with pytest.raises(SettingsError) as raised:
            settings_from(environment)
        (problem,) = raised.value.problems
        assert problem.startswith(f"{name} is missing: the ")


_NO_ID: Final = ("contoso", WORKFORCE_TENANT[:-1], f"{WORKFORCE_TENANT}0", f"{{{WORKFORCE_TENANT}}}", "é" * 36)
_NO_ADDRESS: Final = (
    "graph.microsoft.com",
    "http://graph.microsoft.com",
    "ftp://localhost/x",
    "//localhost/x",
    "https://",
    "https://[",
    "https://a\N{DOUBLE-STRUCK CAPITAL C}\N{CARE OF}b",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "http://127.0.0.1.evil.example/{case}",
)


_NO_CONTACT: Final = (
    "Alice Alvarez",
    "[]",
    "{}",
    "[" * 5_000,
    *(json.dumps({name: value for name, value in CONTACT.items() if name != left_out}) for left_out in CONTACT),
    *(
        json.dumps(CONTACT | changed)
        for changed in (
            {"first_name": ""},
            {"email": "alice"},
            {"phone": "by post"},
            {"phone": ""},
            {"country": "Ireland"},
            {"country": "ie"},
            {"language": "English"},
            {"fax": "+353 1 555 0100"},
        )
    ),
)


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        *(("WORKFORCE_TENANT_ID", wrong, "a directory object id") for wrong in _NO_ID),
        *(("WORKFORCE_RESPONDER_ID", wrong, "a directory object id") for wrong in _NO_ID),
        *(("B2C_CLIENT_ID", wrong, "a directory object id") for wrong in _NO_ID),
        ("SUBSCRIPTION_IDS", "production", "ids separated by commas"),
        ("SUBSCRIPTION_IDS", f"{SUBSCRIPTION};{SUBSCRIPTION}", "ids separated by commas"),
        ("EMERGENCY_ACCOUNT_IDS", "emergency-1@contoso.example", "ids separated by commas"),
        ("EMERGENCY_ACCOUNT_IDS", ", ,", "the object ids of the break-glass accounts"),
        ("SUBSCRIPTION_IDS", ",", "the ids of the subscriptions"),
        *(("GRAPH_URL", wrong, "an https:// address") for wrong in _NO_ADDRESS),
        *(("PAGERDUTY_URL", wrong, "an https:// address") for wrong in _NO_ADDRESS),
        ("REMEDIATIONS_PER_HOUR", "-1", "a whole number from 0 to 1000"),
        ("REMEDIATIONS_PER_HOUR", "1001", "a whole number from 0 to 1000"),
        ("REMEDIATIONS_PER_HOUR", "ten", "a whole number from 0 to 1000"),
        ("REMEDIATIONS_PER_HOUR", "1.5", "a whole number from 0 to 1000"),
        ("REMEDIATIONS_PER_HOUR", "\N{ARABIC-INDIC DIGIT ONE}", "a whole number from 0 to 1000"),
        ("REMEDIATIONS_PER_HOUR", "9" * 5_000, "a whole number from 0 to 1000"),
        ("LEASE_SECONDS", "4", "a whole number from 5 to 3600"),
        ("READ_BACK_SECONDS", "0", "a whole number from 1 to 240"),
        ("ACKNOWLEDGE_MINUTES", "0", "a whole number from 1 to 1440"),
        ("RETENTION_DAYS", "59", "a whole number from 60 to 3650"),
        *(("SUPPORT_CONTACT", wrong, 'a JSON object like {"first_name": "Alice"') for wrong in _NO_CONTACT),
        ("RETENTION_DAYS", "3651", "a whole number from 60 to 3650"),
    ],
)
def test_a_wrong_value_is_named_with_what_would_be_right(name: str, wrong: str, right: str) -> None:
    changes = {"LEASE_SECONDS": "3600"} if name == "READ_BACK_SECONDS" else {}
    problems = [problem for problem in _problems(**{**changes, name: wrong}) if problem.startswith(f"{name} is ")]
    (problem,) = problems
    assert right in problem
    assert repr(wrong.strip()[:80]) in problem


_SECRET: Final = "do-not-show-me"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("AzureWebJobsStorage", _SECRET),
        ("AzureWebJobsStorage", f"AccountName=stresponder;AccountKey;{_SECRET}"),
        ("TEAMS_WEBHOOK_URL", f"flows.example/workflows?sig={_SECRET}"),
        ("TEAMS_WEBHOOK_URL", f"http://flows.example/workflows?sig={_SECRET}"),
        ("PAGERDUTY_ROUTING_KEY", _SECRET),
        ("CASE_LINK", f"https://responder.example/api/cases?code={_SECRET}"),
        ("CASE_LINK", f"http://responder.example/api/cases/{{case}}?code={_SECRET}"),
    ],
)
def test_a_wrong_secret_is_named_but_never_shown(name: str, wrong: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings_from({**RIGHT, name: wrong})
    assert name in str(raised.value)
    assert _SECRET not in str(raised.value)


def test_settings_do_not_show_their_secrets_when_they_are_printed() -> None:
    secrets = {
        "TEAMS_WEBHOOK_URL": f"https://flows.example/?sig={_SECRET}",
        "PAGERDUTY_ROUTING_KEY": "0" * 31 + "x",
        "B2C_CERTIFICATE": _SECRET,
        "CASE_LINK": f"https://responder.example/{{case}}?code={_SECRET}",
    }
    shown = repr(settings_from({**RIGHT, **secrets}))
    assert _SECRET not in shown
    assert secrets["PAGERDUTY_ROUTING_KEY"] not in shown


def test_everything_that_is_wrong_is_listed_at_once() -> None:
    problems = _problems(
        WORKFORCE_TENANT_ID="contoso",
        SUBSCRIPTION_IDS="",
        GRAPH_URL="nowhere",
        LEASE_SECONDS="soon",
        AzureWebJobsStorage="",
        TEAMS_WEBHOOK_URL="",
        PAGERDUTY_ROUTING_KEY="",
    )
    named = [problem.split()[0] for problem in problems]
    assert set(named) >= {
        "WORKFORCE_TENANT_ID",
        "SUBSCRIPTION_IDS",
        "GRAPH_URL",
        "LEASE_SECONDS",
        "AzureWebJobsStorage",
        "TEAMS_WEBHOOK_URL",
    }
    with pytest.raises(SettingsError) as raised:
        settings_from({})
    assert all(problem in str(raised.value) for problem in raised.value.problems)
    assert len(raised.value.problems) == len(_REQUIRED) + 2


@pytest.mark.parametrize("missing", ["B2C_RESPONDER_ID", "B2C_CLIENT_ID", "B2C_CERTIFICATE"])
def test_a_b2c_tenant_needs_all_of_its_settings(missing: str) -> None:
    assert _problems(**{missing: ""}) == (f"{missing} is missing: it is needed because B2C_TENANT_ID is set",)


def test_without_a_b2c_tenant_its_other_settings_are_not_asked_for() -> None:
    assert settings_from(_without("B2C_TENANT_ID", "B2C_RESPONDER_ID", "B2C_CLIENT_ID", "B2C_CERTIFICATE"))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"TEAMS_WEBHOOK_URL": "", "PAGERDUTY_ROUTING_KEY": ""}, "nobody could be paged"),
        ({"LEASE_SECONDS": "20", "READ_BACK_SECONDS": "20"}, "LEASE_SECONDS should be over"),
        ({"B2C_TENANT_ID": WORKFORCE_TENANT}, "they are two different tenants"),
        ({"AzureWebJobsStorage": ""}, "AzureWebJobsStorage is missing"),
    ],
)
def test_settings_that_do_not_go_together(changes: dict[str, str], problem: str) -> None:
    (found,) = _problems(**changes)
    assert problem in found


# Laws.

_values = st.sampled_from(["", " ", ",", "10", "https://a.example", WORKFORCE_TENANT, "{case}", "true"]) | st.text(
    max_size=12
)
_environments = st.dictionaries(st.sampled_from(sorted(_NAMES - {"VOCABULARY"})), _values)


@given(environment=_environments.map(lambda changes: {**RIGHT, **changes}) | _environments)
def test_any_environment_gives_settings_or_says_what_is_wrong(environment: dict[str, str]) -> None:
    try:
        settings = settings_from(environment)
    except SettingsError as error:
        assert all(error.problems)  # noqa: PT017 - either is right
    else:
        assert isinstance(settings, Settings)
        assert settings.emergency_accounts
        assert settings.teams_webhook_url or settings.pagerduty_routing_key
        assert settings.lease > settings.read_back


@given(url=st.text(max_size=30) | st.text(max_size=20).map("https://{}".format))
def test_any_text_as_an_address_is_taken_or_refused(url: str) -> None:
    try:
        settings_from({**RIGHT, "GRAPH_URL": url, "CASE_LINK": url})
    except SettingsError as error:
        assert "an https:// address" in str(error)  # noqa: PT017


# The declarations.


class _Watched(dict[str, str]):
    """An environment that notes which settings are asked for."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    @override
    def get(self, key: str, default: Any = None, /) -> Any:
        self.asked.add(key)
        return super().get(key, default)


def test_the_app_reads_each_setting_that_is_declared_but_the_schedules() -> None:
    watched = _Watched({**RIGHT})
    settings_from(watched)
    assert watched.asked & _NAMES == _NAMES - SCHEDULES.keys()


def test_names_are_declared_once() -> None:
    assert len(_NAMES) == len(SETTINGS)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_declaration_holds_together(setting: Setting[Any]) -> None:
    assert vars(app_settings)[setting.name] is setting
    assert setting.description.endswith(".")
    assert setting.default == "" or not (setting.required_as or setting.required_with)
    assert setting.is_secret or not setting.from_vault
    setting.read(setting.default)  # raises where a default is wrong


@pytest.mark.parametrize(
    "name",
    [
        "GRAPH_AUDIENCE",
        "ARM_AUDIENCE",
        "POLL_OVERLAP_MINUTES",
        "BACKFILL_SCHEDULE",
        "COUNTER_PURGE_SCHEDULE",
        "LOG_COUNT_SCHEDULE",
        "SOMETHING_ELSE",
    ],
)
def test_a_setting_that_is_not_one_or_not_one_any_more_is_ignored(name: str) -> None:
    assert name not in _NAMES
    assert settings_from({**RIGHT, name: "wrong"}) == settings_from(RIGHT)


def test_whom_an_emergency_needs_is_read() -> None:
    settings = settings_from(
        _without(
            SUPPORT_CONTACT=json.dumps(CONTACT),
            SUPPORT_PHONE="+353 1 555 0199",
            SEALED_CREDENTIAL="Safe, room 2.14",
            EMERGENCY_PHONES="; Alice +353 1 555 0100 ;Erin +353 1 555 0101;;",
        )
    )
    contact = settings.support_contact
    assert contact is not None
    assert (contact.name, contact.phone, contact.language, contact.time_zone) == (
        "Alice Alvarez",
        "+353 1 555 0100",
        "en-US",
        "UTC",
    )
    assert settings.support_phone == "+353 1 555 0199"
    assert settings.sealed_credential == "Safe, room 2.14"
    assert settings.emergency_phones == ("Alice +353 1 555 0100", "Erin +353 1 555 0101")


def test_an_emergency_does_without_contacts() -> None:
    settings = settings_from(_without("SUPPORT_CONTACT"))
    assert settings.support_contact is None
    assert (settings.support_phone, settings.sealed_credential, settings.emergency_phones) == ("", "", ())


_LONG_SECRET: Final = "0123456789abcdef"


@pytest.mark.parametrize(
    ("value", "secrets"),
    [
        ("", ()),
        (_LONG_SECRET, (_LONG_SECRET,)),
        (f"{_LONG_SECRET}, {_LONG_SECRET}1", (_LONG_SECRET, f"{_LONG_SECRET}1")),
        (f"{_LONG_SECRET},", (_LONG_SECRET,)),
    ],
)
def test_the_webhook_has_one_secret_or_two_while_it_is_exchanged(value: str, secrets: tuple[str, ...]) -> None:
    assert settings_from({**RIGHT, "PAGERDUTY_WEBHOOK_SECRETS": value}).pagerduty_webhook_secrets == secrets


@pytest.mark.parametrize("value", ["short", ",", f"{_LONG_SECRET},short", ",".join([_LONG_SECRET] * 3)])
def test_secrets_that_could_be_guessed_stop_the_app_and_are_not_shown(value: str) -> None:
    (problem,) = _problems(PAGERDUTY_WEBHOOK_SECRETS=value)
    assert problem.startswith("PAGERDUTY_WEBHOOK_SECRETS is a secret value")
    assert _LONG_SECRET not in problem
