"""Settings, read once at start from the environment (the app settings of the function app).

Every problem is found before anything runs, and all of them are listed at once. `app_settings` declares each setting.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.model import app_settings as declared
from shared.model.app_settings import Setting
from shared.model.contacts import SupportContact
from shared.model.errors import SettingsError
from shared.model.kinds import TenantKind
from shared.model.profile import BadProfile, TenantProfile
from shared.model.setting_values import WrongValue, is_connection_string, is_loopback

_REFERENCE: Final = re.compile(r"@Microsoft\.KeyVault\((?P<what>.*)\)", re.IGNORECASE | re.DOTALL)
_SECRET_NAME: Final = re.compile(r"(?:/secrets/|secretname=)(?P<name>[0-9A-Za-z-]{1,127})", re.IGNORECASE)


class Unresolved(Struct, frozen=True, kw_only=True):
    """A setting whose value is still the Key Vault reference: App Service could not put the secret in its place.

    That happens when the secret is missing or disabled, or the identity may not read it. `secret` is its name, "" where
    the reference doesn't say. The app does without what the setting is for.
    """

    setting: str
    secret: str

    @property
    def message(self) -> str:
        """Say which one it is."""
        named = f"secret {self.secret}" if self.secret else "its secret"
        return f"the Key Vault reference of {self.setting} didn't resolve ({named})"

    @property
    def cure(self) -> str:
        """Say what to do about it."""
        named = f"the secret {self.secret}" if self.secret else "the secret"
        return (
            f"See that {named} is in the vault and enabled, and that the app's identity may read it (Key Vault Secrets"
            " User)."
            " Then deploy again (infra/scripts/deploy.sh), or have references read anew: az rest --method post --url"
            ' "https://management.azure.com$(az functionapp show -g GROUP -n APP --query id -o tsv)'
            '/config/configreferences/appsettings/refresh?api-version=2022-03-01".'
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A tenant that is guarded.

    `responder_id` is the object id of the responder's own service principal there. The workforce tenant is reached with
    the managed identity `client_id` ("" for the system-assigned one); the B2C tenant with an app registration and
    `certificate`, a path to a PEM or PFX file, or the file's content in base64 (a Key Vault reference gives that).
    `logged` are ids of the app's own resources, in lower case, whose diagnostic settings and event subscriptions are
    guarded.
    """

    kind: TenantKind
    id: str
    responder_id: str
    client_id: str
    certificate: str = field(default="", repr=False)
    subscriptions: frozenset[str] = frozenset()
    logged: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """What people call it in cards and tables."""
        return "Azure AD B2C" if self.kind is TenantKind.B2C else "Entra ID"


def are_founded(genesis: str, statements: str) -> bool:
    """Whether operators are founded, by the settings EMERGENCY_GENESIS and EMERGENCY_OPERATORS."""
    return bool(genesis) or statements.strip() not in {"", "[]"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that an operator chooses.

    Durations are `timedelta`s, ids lower case, URLs without a trailing slash.
    """

    tenants: tuple[Tenant, ...]
    profile: TenantProfile
    sigma_rules: str
    protected_principals: frozenset[str]
    emergency_accounts: frozenset[str]
    teams_webhook_url: str = field(repr=False)
    pagerduty_routing_key: str = field(repr=False)
    pagerduty_url: str
    pagerduty_webhook_secrets: tuple[str, ...] = field(repr=False)
    case_link: str = field(repr=False)
    graph_url: str
    arm_url: str
    authority_url: str
    log_workspace_id: str
    log_analytics_url: str
    remediations_per_hour: int
    lease: timedelta
    read_back: timedelta
    reports_per_ten_seconds: int
    polls_sign_ins: bool
    audit_stream_hub: str
    acknowledge_within: timedelta
    messages_per_hour: int
    notice_language: str
    kept_for: timedelta
    support_contact: SupportContact | None = None
    support_phone: str = ""
    sealed_credential: str = ""
    emergency_phones: tuple[str, ...] = ()
    emergency_key_hashes: tuple[str, ...] = field(default=(), repr=False)
    emergency_operators: str = field(default="", repr=False)
    emergency_genesis: str = ""
    emergency_codes: str = field(default="", repr=False)
    state_keys: tuple[bytes, ...] = field(default=(), repr=False)
    unresolved: tuple[Unresolved, ...] = ()

    @property
    def has_channel(self) -> bool:
        """Whether anybody can be paged at all: False only where no Key Vault reference of a channel resolved."""
        return bool(self.teams_webhook_url or self.pagerduty_routing_key)

    @property
    def has_operators(self) -> bool:
        """Whether operators are founded here: then what lowers a guard counts only with their signatures."""
        return are_founded(self.emergency_genesis, self.emergency_operators)

    @property
    def graph_audience(self) -> str:
        """What tokens for Graph are asked for."""
        return _audience(self.graph_url, declared.GRAPH_URL)

    @property
    def arm_audience(self) -> str:
        """What tokens for Azure Resource Manager are asked for."""
        return _audience(self.arm_url, declared.ARM_URL)

    def unresolved_of(self, setting: str) -> Unresolved | None:
        """Give what is known of a setting whose Key Vault reference didn't resolve; None for any other."""
        return next((one for one in self.unresolved if one.setting == setting), None)

    @property
    def workforce(self) -> Tenant:
        """The Entra tenant that is guarded; there always is one."""
        return next(tenant for tenant in self.tenants if tenant.kind is TenantKind.WORKFORCE)

    def tenant(self, tenant_id: str) -> Tenant | None:
        """The configured tenant with this id; None for any other, on which nothing is ever done."""
        return next((tenant for tenant in self.tenants if tenant.id == tenant_id.lower()), None)

    @property
    def untouchable(self) -> frozenset[str]:
        """Object ids that no remediation may take anything from."""
        own = {tenant.responder_id for tenant in self.tenants}
        return self.protected_principals | self.emergency_accounts | own


def _audience(url: str, setting: Setting[str]) -> str:
    """Give the audience of a service: its own address. The local stack stands in for the public cloud's service."""
    return setting.default if is_loopback(url) else url


class _Reader:
    """Reads settings of one environment and gathers what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.problems: list[str] = []
        self.unresolved: list[Unresolved] = []

    def is_set(self, setting: Setting[Any]) -> bool:
        """Whether it has a value; an empty one is one that was left out, since templates write every name."""
        return bool(self._environment.get(setting.name, "").strip())

    def value[T](self, setting: Setting[T]) -> T:
        """Give the setting's value; of one that is missing or wrong its default, with the problem noted."""
        text = self._text(setting)
        try:
            return setting.read(text)
        except WrongValue as wrong:
            right = wrong.right or setting.required_as or "empty, or ids separated by commas"
            for part in wrong.parts:
                shown = "a secret value" if setting.is_secret else repr(part[:80])
                self.problems.append(f"{setting.name} is {shown}: it should be {right}")
        except BadProfile as bad:
            self.problems += bad.problems
        return setting.read(setting.default)

    def _text(self, setting: Setting[Any]) -> str:
        if not self.is_set(setting):
            self._note_missing(setting)
            return setting.default
        text = self._environment[setting.name].strip()
        if setting.from_vault and (reference := _REFERENCE.fullmatch(text)):
            secret = _SECRET_NAME.search(reference["what"])
            self.unresolved.append(Unresolved(setting=setting.name, secret=secret["name"] if secret else ""))
            return setting.default
        return text

    def _note_missing(self, setting: Setting[Any]) -> None:
        if setting.required_as:
            self.problems.append(f"{setting.name} is missing: {setting.required_as}")
        beside = setting.required_with
        if beside is not None and self.is_set(beside):
            self.problems.append(f"{setting.name} is missing: it is needed because {beside.name} is set")


def settings_from(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    Raises:
        SettingsError: something is missing or wrong; it lists every problem, with the field, the value and what would
        be right.
    """
    reader = _Reader(environment)
    read = reader.value
    workforce = Tenant(
        kind=TenantKind.WORKFORCE,
        id=read(declared.WORKFORCE_TENANT_ID),
        responder_id=read(declared.WORKFORCE_RESPONDER_ID),
        client_id=read(declared.WORKFORCE_CLIENT_ID),
        subscriptions=read(declared.SUBSCRIPTION_IDS),
        logged=read(declared.LOGGED_RESOURCES),
    )
    b2c = _b2c_tenant(reader)
    emergency_accounts = read(declared.EMERGENCY_ACCOUNT_IDS)
    settings = Settings(
        tenants=(workforce, b2c) if b2c else (workforce,),
        profile=msgspec.structs.replace(
            read(declared.VOCABULARY),
            consumer_tenants=frozenset({b2c.id} if b2c else ()),
            emergency_accounts=emergency_accounts,
            own_site=environment.get("WEBSITE_SITE_NAME", ""),
            own_groups=read(declared.OWN_RESOURCE_GROUPS),
            own_identities=frozenset({one.responder_id for one in (workforce, b2c) if one} - {""}),
            operators_app=read(declared.OPERATORS_CLIENT_ID),
        ),
        sigma_rules=read(declared.SIGMA_RULES),
        protected_principals=read(declared.PROTECTED_PRINCIPAL_IDS),
        emergency_accounts=emergency_accounts,
        teams_webhook_url=read(declared.TEAMS_WEBHOOK_URL),
        pagerduty_routing_key=read(declared.PAGERDUTY_ROUTING_KEY),
        pagerduty_url=read(declared.PAGERDUTY_URL),
        pagerduty_webhook_secrets=read(declared.PAGERDUTY_WEBHOOK_SECRETS),
        case_link=read(declared.CASE_LINK),
        graph_url=read(declared.GRAPH_URL),
        arm_url=read(declared.ARM_URL),
        authority_url=read(declared.AUTHORITY_URL),
        log_workspace_id=read(declared.LOG_WORKSPACE_ID),
        log_analytics_url=read(declared.LOG_ANALYTICS_URL),
        remediations_per_hour=read(declared.REMEDIATIONS_PER_HOUR),
        lease=timedelta(seconds=read(declared.LEASE_SECONDS)),
        read_back=timedelta(seconds=read(declared.READ_BACK_SECONDS)),
        reports_per_ten_seconds=read(declared.REPORTS_PER_TEN_SECONDS),
        polls_sign_ins=read(declared.SIGN_INS) == "poll",
        audit_stream_hub=read(declared.AUDIT_STREAM_HUB),
        acknowledge_within=timedelta(minutes=read(declared.ACKNOWLEDGE_MINUTES)),
        messages_per_hour=read(declared.MESSAGES_PER_HOUR),
        notice_language=read(declared.NOTICE_LANGUAGE),
        kept_for=timedelta(days=read(declared.RETENTION_DAYS)),
        support_contact=read(declared.SUPPORT_CONTACT),
        support_phone=read(declared.SUPPORT_PHONE),
        sealed_credential=read(declared.SEALED_CREDENTIAL),
        emergency_phones=read(declared.EMERGENCY_PHONES),
        emergency_key_hashes=read(declared.EMERGENCY_KEY_HASH),
        emergency_operators=read(declared.EMERGENCY_OPERATORS),
        emergency_genesis=read(declared.EMERGENCY_GENESIS),
        emergency_codes=read(declared.EMERGENCY_CODES),
        state_keys=read(declared.STATE_KEYS),
        unresolved=tuple(reader.unresolved),
    )
    problems = [
        *reader.problems,
        *_contradictions(reader, settings),
        *_storage_problems(environment),
        *_stream_problems(environment, settings),
    ]
    if problems:
        raise SettingsError(problems)
    return settings


def _b2c_tenant(reader: _Reader) -> Tenant | None:
    if not reader.is_set(declared.B2C_TENANT_ID):
        return None
    return Tenant(
        kind=TenantKind.B2C,
        id=reader.value(declared.B2C_TENANT_ID),
        responder_id=reader.value(declared.B2C_RESPONDER_ID),
        client_id=reader.value(declared.B2C_CLIENT_ID),
        certificate=reader.value(declared.B2C_CERTIFICATE),
    )


def _contradictions(reader: _Reader, settings: Settings) -> Iterator[str]:
    """Give what is wrong although each setting alone is right."""
    if not reader.is_set(declared.TEAMS_WEBHOOK_URL) and not reader.is_set(declared.PAGERDUTY_ROUTING_KEY):
        yield "TEAMS_WEBHOOK_URL and PAGERDUTY_ROUTING_KEY are both missing: nobody could be paged; set at least one"
    if settings.lease <= 3 * settings.read_back:
        yield "LEASE_SECONDS should be over three times READ_BACK_SECONDS, or a case is taken over while it is proved"
    ids = [tenant.id for tenant in settings.tenants if tenant.id]
    if len(set(ids)) != len(ids):
        yield "B2C_TENANT_ID is the same as WORKFORCE_TENANT_ID: they are two different tenants"


def _storage_problems(environment: Mapping[str, str]) -> list[str]:
    """Say what is missing for storage: a connection string, an account name or the three service addresses."""
    prefix = "AzureWebJobsStorage"
    services = tuple(f"{prefix}__{service}ServiceUri" for service in ("blob", "queue", "table"))
    if connection := environment.get(prefix, "").strip():
        right = "a connection string, as the storage account's Access keys show it"
        return [] if is_connection_string(connection) else [f"{prefix} is a secret value: it should be {right}"]
    if environment.get(f"{prefix}__accountName") or all(map(environment.get, services)):
        return []
    return [f"{prefix} is missing: set a connection string, or {prefix}__accountName, or {', '.join(services)}"]


def _stream_problems(environment: Mapping[str, str], settings: Settings) -> list[str]:
    """Say what is missing for the audit stream: without it the host would leave its function alone, and say little."""
    names = ("AUDIT_STREAM", "AUDIT_STREAM__fullyQualifiedNamespace")
    if not settings.audit_stream_hub or any(environment.get(name, "").strip() for name in names):
        return []
    return [f"{names[1]} is missing: it is needed because AUDIT_STREAM_HUB is set, like NAME.servicebus.windows.net"]
