"""Settings, read once at start from the environment (the app settings of the function app).

Every problem is found before anything runs, and all of them are listed at once. The names below are the app settings'
own; `local.settings.sample.json` carries each with a value that works on the local stack.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import msgspec

from shared.clients.storage import is_connection_string
from shared.model.declarations import TenantKind
from shared.model.errors import SettingsError
from shared.model.profile import BadProfile, TenantProfile, profile_from

_GUID: Final = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_SECRETS: Final = frozenset({"TEAMS_WEBHOOK_URL", "PAGERDUTY_ROUTING_KEY", "B2C_CERTIFICATE", "CASE_LINK"})
"""Never shown; a case's address may hold a function key."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_LONGEST_NUMBER: Final = 10
_FROM_VAULT: Final = frozenset({"TEAMS_WEBHOOK_URL", "PAGERDUTY_ROUTING_KEY", "B2C_CERTIFICATE"})
"""Settings that are deployed as Key Vault references, and that the app can do without for a while."""
_SIGN_INS: Final = frozenset({"poll", "off"})


_REFERENCE: Final = re.compile(r"@Microsoft\.KeyVault\((?P<what>.*)\)", re.IGNORECASE | re.DOTALL)
_SECRET_NAME: Final = re.compile(r"(?:/secrets/|secretname=)(?P<name>[0-9A-Za-z-]{1,127})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """A setting whose value is still the Key Vault reference: App Service could not put the secret in its place.

    That happens when the secret is missing or disabled, or the identity may not read it. `secret` is its name, "" where
    the reference doesn't say. The app does without what the setting is for.
    """

    setting: str
    secret: str

    @property
    def told(self) -> str:
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
    """

    kind: TenantKind
    id: str
    responder_id: str
    client_id: str
    certificate: str = field(default="", repr=False)
    subscriptions: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """What people call it in cards and tables."""
        return "Azure AD B2C" if self.kind is TenantKind.B2C else "Entra ID"


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
    case_link: str = field(repr=False)
    graph_url: str
    graph_audience: str
    arm_url: str
    arm_audience: str
    authority_url: str
    log_workspace_id: str
    log_analytics_url: str
    remediations_per_hour: int
    lease: timedelta
    read_back: timedelta
    poll_overlap: timedelta
    polls_sign_ins: bool
    acknowledge_within: timedelta
    unresolved: tuple[Unresolved, ...] = ()

    @property
    def has_channel(self) -> bool:
        """Whether anybody can be paged at all: False only where no Key Vault reference of a channel resolved."""
        return bool(self.teams_webhook_url or self.pagerduty_routing_key)

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


DEFAULTS: Final[Mapping[str, str]] = {
    "WORKFORCE_CLIENT_ID": "",
    "B2C_TENANT_ID": "",
    "B2C_RESPONDER_ID": "",
    "B2C_CLIENT_ID": "",
    "B2C_CERTIFICATE": "",
    "PROTECTED_PRINCIPAL_IDS": "",
    "VOCABULARY": "",
    "SIGMA_RULES": "",
    "TEAMS_WEBHOOK_URL": "",
    "PAGERDUTY_ROUTING_KEY": "",
    "PAGERDUTY_URL": "https://events.pagerduty.com/v2/enqueue",
    "CASE_LINK": "",
    "GRAPH_URL": "https://graph.microsoft.com",
    "GRAPH_AUDIENCE": "https://graph.microsoft.com",
    "ARM_URL": "https://management.azure.com",
    "ARM_AUDIENCE": "https://management.azure.com",
    "AUTHORITY_URL": "https://login.microsoftonline.com",
    "LOG_WORKSPACE_ID": "",
    "LOG_ANALYTICS_URL": "https://api.loganalytics.io",
    "REMEDIATIONS_PER_HOUR": "10",
    "LEASE_SECONDS": "120",
    "READ_BACK_SECONDS": "20",
    "POLL_OVERLAP_MINUTES": "60",
    "SIGN_INS": "poll",
    "ACKNOWLEDGE_MINUTES": "15",
}
"""Settings that may be left out, with the value that they then have."""

REQUIRED: Final = ("WORKFORCE_TENANT_ID", "WORKFORCE_RESPONDER_ID", "SUBSCRIPTION_IDS", "EMERGENCY_ACCOUNT_IDS")
"""Settings without a safe default."""

SCHEDULES: Final[Mapping[str, str]] = {
    "AUDIT_POLL_SCHEDULE": "0 */2 * * * *",
    "SIGN_IN_POLL_SCHEDULE": "30 */2 * * * *",
    "BACKFILL_SCHEDULE": "0 40 3 * * *",
    "SNAPSHOT_SCHEDULE": "30 */10 * * * *",
    "ROSTER_SCHEDULE": "0 */15 * * * *",
    "COUNTER_PURGE_SCHEDULE": "0 10 4 * * *",
    "RESUME_SCHEDULE": "15 * * * * *",
    "LOG_COUNT_SCHEDULE": "45 */10 * * * *",
}
"""NCRONTAB texts that the timer bindings name; the Functions host reads them, not the app."""


DESCRIPTIONS: Final[Mapping[str, str]] = {
    "WORKFORCE_TENANT_ID": "The Entra tenant that is guarded.",
    "WORKFORCE_RESPONDER_ID": "Object id of the app's managed identity there. Its own put-backs are approved.",
    "WORKFORCE_CLIENT_ID": "Client id of a user-assigned identity; empty for the system-assigned one.",
    "SUBSCRIPTION_IDS": "Subscriptions whose role assignments are guarded, separated by commas.",
    "EMERGENCY_ACCOUNT_IDS": "Object ids of the break-glass accounts. They are never touched.",
    "PROTECTED_PRINCIPAL_IDS": "Further principals from which nothing is ever taken.",
    "B2C_TENANT_ID": "The Azure AD B2C tenant; empty when there is none.",
    "B2C_RESPONDER_ID": "Object id of the app registration's service principal in the B2C tenant.",
    "B2C_CLIENT_ID": "Client id of that app registration.",
    "B2C_CERTIFICATE": "Its certificate with the key: a path, or the file in base64 (a Key Vault reference).",
    "VOCABULARY": "Words that differ by tenant (ids, domains, conventions): one JSON object, or a file's path.",
    "SIGMA_RULES": "A folder of Sigma rules, deployed with the code, that run as detections beside the product's own.",
    "TEAMS_WEBHOOK_URL": "Workflows webhook that posts cards. A secret.",
    "PAGERDUTY_ROUTING_KEY": "Events v2 integration key: the channel that doesn't need the tenant. A secret.",
    "PAGERDUTY_URL": "Where PagerDuty takes events.",
    "CASE_LINK": "Where people open a case, `{case}` for its id; `https://HOST/api/open/{case}` has them sign in.",
    "GRAPH_URL": "Microsoft Graph, of another cloud where needed.",
    "GRAPH_AUDIENCE": "What tokens for Graph are asked for.",
    "ARM_URL": "Azure Resource Manager.",
    "ARM_AUDIENCE": "What tokens for it are asked for.",
    "AUTHORITY_URL": "Where the B2C certificate gets tokens.",
    "LOG_WORKSPACE_ID": "Log Analytics workspace with the sign-in logs, which then counts in place of the app.",
    "LOG_ANALYTICS_URL": "Where that workspace is asked.",
    "REMEDIATIONS_PER_HOUR": "How many objects of a kind are put back in an hour at most; the rest is paged.",
    "LEASE_SECONDS": "After how long another run takes over a case that a run left without a word.",
    "READ_BACK_SECONDS": "How long a change may take to show before it is told as unverified.",
    "POLL_OVERLAP_MINUTES": "How far each poll reaches back before the last one: records come late.",
    "SIGN_INS": "`poll` reads the sign-in logs by Graph, which needs Entra ID P1; `off` leaves them alone.",
    "ACKNOWLEDGE_MINUTES": "After how long an unacknowledged page goes to the next owner and the other channel.",
    "AUDIT_POLL_SCHEDULE": "When the audit logs are read (NCRONTAB, UTC).",
    "SIGN_IN_POLL_SCHEDULE": "When the sign-in logs are read.",
    "BACKFILL_SCHEDULE": "When the last 24 hours are read again.",
    "SNAPSHOT_SCHEDULE": "When the last known good is kept.",
    "ROSTER_SCHEDULE": "When it is read who is privileged and which groups roles can be given to.",
    "COUNTER_PURGE_SCHEDULE": "When counts that nobody needs any more are deleted.",
    "RESUME_SCHEDULE": "When what was left behind is taken up and waiting pages are sent.",
    "LOG_COUNT_SCHEDULE": "When the workspace is asked for counts, where there is one.",
}
"""One sentence on each setting, for the README."""


class _Reader:
    """Reads one environment and gathers what is wrong with it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.problems: list[str] = []
        self.unresolved: list[Unresolved] = []

    def text(self, name: str) -> str:
        # An empty setting is one that was left out: templates write every name.
        found = self._environment.get(name, "").strip() or DEFAULTS.get(name, "")
        if name in _FROM_VAULT and (reference := _REFERENCE.fullmatch(found)):
            self._note_unresolved(name, reference["what"])
            return ""
        if not found and name in REQUIRED:
            self.problems.append(f"{name} is missing: {_RIGHT[name]}")
        return found

    def _note_unresolved(self, name: str, reference: str) -> None:
        secret = _SECRET_NAME.search(reference)
        self.unresolved.append(Unresolved(setting=name, secret=secret["name"] if secret else ""))

    def is_unresolved(self, name: str) -> bool:
        return any(one.setting == name for one in self.unresolved)

    def _problem(self, name: str, found: str, right: str) -> None:
        shown = "a secret value" if name in _SECRETS else repr(found[:80])
        self.problems.append(f"{name} is {shown}: it should be {right}")

    def guid(self, name: str, *, needed_with: str = "") -> str:
        found = self.text(name)
        if found and _GUID.fullmatch(found) is None:
            self._problem(name, found, "a directory object id, like 00000000-0000-0000-0000-000000000000")
        if not found and needed_with:
            self.problems.append(f"{name} is missing: it is needed because {needed_with} is set")
        return found.lower()

    def guids(self, name: str) -> frozenset[str]:
        found = self.text(name)
        parts = [part.strip() for part in found.split(",") if part.strip()]
        if found and not parts:
            self._problem(name, found, _RIGHT.get(name, "ids separated by commas"))
        for part in parts:
            if _GUID.fullmatch(part) is None:
                self._problem(name, part, "ids separated by commas, like 00000000-0000-0000-0000-000000000000")
        return frozenset(part.lower() for part in parts)

    def url(self, name: str) -> str:
        found = self.text(name)
        if found and not _is_address(found):
            self._problem(name, found, "an https:// address")
        return found.rstrip("/")

    def number(self, name: str, *, least: int, most: int) -> int:
        found = self.text(name)
        if not (found.isascii() and found.isdigit() and len(found) < _LONGEST_NUMBER and least <= int(found) <= most):
            self._problem(name, found, f"a whole number from {least} to {most}")
            return least
        return int(found)

    def profile(self, name: str) -> TenantProfile:
        try:
            return profile_from(self.text(name))
        except BadProfile as bad:
            self.problems += bad.problems
            return TenantProfile()

    def check(self, name: str, right: str, is_right: Callable[[str], bool]) -> str:
        found = self.text(name)
        if found and not is_right(found):
            self._problem(name, found, right)
        return found


_RIGHT: Final[Mapping[str, str]] = {
    "WORKFORCE_TENANT_ID": "the id of the Entra tenant that is guarded",
    "WORKFORCE_RESPONDER_ID": "the object id of the app's managed identity, as Enterprise applications shows it",
    "SUBSCRIPTION_IDS": "the ids of the subscriptions whose role assignments are guarded, separated by commas",
    "EMERGENCY_ACCOUNT_IDS": "the object ids of the break-glass accounts, separated by commas; they are never touched",
}


def _b2c_tenant(read: _Reader) -> Tenant | None:
    tenant_id = read.guid("B2C_TENANT_ID")
    if not tenant_id:
        return None
    certificate = read.text("B2C_CERTIFICATE")
    if not certificate and not read.is_unresolved("B2C_CERTIFICATE"):
        read.problems.append("B2C_CERTIFICATE is missing: it is needed because B2C_TENANT_ID is set")
    return Tenant(
        kind=TenantKind.B2C,
        id=tenant_id,
        responder_id=read.guid("B2C_RESPONDER_ID", needed_with="B2C_TENANT_ID"),
        client_id=read.guid("B2C_CLIENT_ID", needed_with="B2C_TENANT_ID"),
        certificate=certificate,
    )


def _is_address(text: str) -> bool:
    """Whether it is an https address; plain http is for the local stack."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    )


def _is_routing_key(text: str) -> bool:
    return re.fullmatch(r"[0-9A-Za-z]{32}", text) is not None


def _is_case_link(text: str) -> bool:
    return _is_address(text) and "{case}" in text


def settings_from(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    Raises:
        SettingsError: something is missing or wrong; it lists every problem, with the field, the value and what would
        be right.
    """
    read = _Reader(environment)
    workforce = Tenant(
        kind=TenantKind.WORKFORCE,
        id=read.guid("WORKFORCE_TENANT_ID"),
        responder_id=read.guid("WORKFORCE_RESPONDER_ID"),
        client_id=read.guid("WORKFORCE_CLIENT_ID"),
        subscriptions=read.guids("SUBSCRIPTION_IDS"),
    )
    b2c = _b2c_tenant(read)
    emergency_accounts = read.guids("EMERGENCY_ACCOUNT_IDS")
    settings = Settings(
        tenants=(workforce, b2c) if b2c else (workforce,),
        profile=msgspec.structs.replace(
            read.profile("VOCABULARY"),
            consumer_tenants=frozenset({b2c.id} if b2c else ()),
            emergency_accounts=emergency_accounts,
            own_site=environment.get("WEBSITE_SITE_NAME", ""),
        ),
        sigma_rules=read.check("SIGMA_RULES", "a folder of Sigma rules that is there", os.path.isdir),
        protected_principals=read.guids("PROTECTED_PRINCIPAL_IDS"),
        emergency_accounts=emergency_accounts,
        teams_webhook_url=read.url("TEAMS_WEBHOOK_URL"),
        pagerduty_routing_key=read.check(
            "PAGERDUTY_ROUTING_KEY", "the 32 characters of an Events v2 integration", _is_routing_key
        ),
        pagerduty_url=read.url("PAGERDUTY_URL"),
        case_link=read.check("CASE_LINK", "an https:// address with {case} where the case id goes", _is_case_link),
        graph_url=read.url("GRAPH_URL"),
        graph_audience=read.url("GRAPH_AUDIENCE"),
        arm_url=read.url("ARM_URL"),
        arm_audience=read.url("ARM_AUDIENCE"),
        authority_url=read.url("AUTHORITY_URL"),
        log_workspace_id=read.guid("LOG_WORKSPACE_ID"),
        log_analytics_url=read.url("LOG_ANALYTICS_URL"),
        remediations_per_hour=read.number("REMEDIATIONS_PER_HOUR", least=0, most=1000),
        lease=timedelta(seconds=read.number("LEASE_SECONDS", least=5, most=3600)),
        read_back=timedelta(seconds=read.number("READ_BACK_SECONDS", least=1, most=240)),
        poll_overlap=timedelta(minutes=read.number("POLL_OVERLAP_MINUTES", least=5, most=1440)),
        polls_sign_ins=read.check("SIGN_INS", "poll or off", _SIGN_INS.__contains__) == "poll",
        acknowledge_within=timedelta(minutes=read.number("ACKNOWLEDGE_MINUTES", least=1, most=1440)),
        unresolved=tuple(read.unresolved),
    )
    problems = [*read.problems, *_contradictions(settings), *_storage_problems(environment)]
    if problems:
        raise SettingsError(problems)
    return settings


def _contradictions(settings: Settings) -> list[str]:
    """Give what is wrong although each setting alone is right."""
    problems: list[str] = []
    lost = settings.unresolved_of("TEAMS_WEBHOOK_URL") or settings.unresolved_of("PAGERDUTY_ROUTING_KEY")
    if not settings.has_channel and not lost:
        problems.append(
            "TEAMS_WEBHOOK_URL and PAGERDUTY_ROUTING_KEY are both missing: nobody could be paged; set at least one"
        )
    if settings.lease <= 3 * settings.read_back:
        problems.append(
            "LEASE_SECONDS should be over three times READ_BACK_SECONDS, or a case is taken over while it is proved"
        )
    if len({tenant.id for tenant in settings.tenants}) != len(settings.tenants):
        problems.append("B2C_TENANT_ID is the same as WORKFORCE_TENANT_ID: they are two different tenants")
    return problems


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


def setting_names() -> frozenset[str]:
    """Every app setting of the product, apart from the platform's own."""
    return frozenset({*REQUIRED, *DEFAULTS, *SCHEDULES})
