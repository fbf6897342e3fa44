"""The tenant profile: the ids, domains, conventions and names that differ from tenant to tenant.

The setting `VOCABULARY` holds it as one JSON object, or is the path of a file with it; what it leaves out has the
default below. Conditions never read it: the fields that they read are computed with it (`conditions.Text.read_with`).
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, cast

import msgspec
from msgspec import Struct

from shared.model import patterns
from shared.model.events import fold

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DOMAIN: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_COUNTRY: Final = re.compile(r"[A-Za-z]{2}")
_CODE: Final = re.compile(r"[1-9][0-9]{0,9}")
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_WORKING_DAYS: Final = frozenset({1, 2, 3, 4, 5})
_WEEK: Final = frozenset(range(1, 8))

SHARED_DOMAINS: Final = frozenset(
    {
        "azure-api.net",
        "azurecontainer.io",
        "azurecr.io",
        "azureedge.net",
        "azurefd.net",
        "azurestaticapps.net",
        "azurewebsites.net",
        "blob.core.windows.net",
        "cloudapp.azure.com",
        "cloudapp.net",
        "core.windows.net",
        "github.io",
        "herokuapp.com",
        "netlify.app",
        "trafficmanager.net",
        "vercel.app",
    }
)
"""Domains under which anybody can take a name that was given up.

From Microsoft's page "Prevent dangling DNS entries and avoid subdomain takeover", and the largest hosts besides Azure.
"""


INTERRUPTS: Final = frozenset(
    """
    50058 50072 50074 50076 50097 50125 50127 50129 50140 50143 50144 65001
    """.split()  # noqa: SIM905 - a list of quoted numbers would be a page
)
"""Error codes of sign-ins that were only interrupted, for a second factor, consent or a new password: no failures."""


class Hours(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When somebody works: `days` by Monday = 1 to Sunday = 7, `begin` and `end` as "08:00" in `zone` (IANA).

    Where `end` isn't after `begin`, it is of the next day.
    """

    zone: str
    begin: str
    end: str
    days: frozenset[int] = _WORKING_DAYS


_DAY: Final = timedelta(days=1)


@lru_cache(maxsize=256)
def working_day(hours: Hours) -> "tuple[ZoneInfo, timedelta, timedelta]":
    """Give the zone, when a working day begins after midnight, and how long it is.

    With its length, a night's work is of the day on which it begins, like any other.
    """
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - few profiles have working hours, start-up is a feature

    begin, end = map(_since_midnight, (hours.begin, hours.end))
    return ZoneInfo(hours.zone), begin, end - begin if end > begin else end - begin + _DAY


def _since_midnight(time: str) -> timedelta:
    hour, minute = time.split(":")
    return timedelta(hours=int(hour), minutes=int(minute))


def is_within(hours: Hours, at: datetime) -> bool:
    """Whether somebody with these hours works at an instant."""
    zone, begin, length = working_day(hours)
    since = at.astimezone(zone).replace(tzinfo=None) - begin
    clock = since - since.replace(hour=0, minute=0, second=0, microsecond=0)
    return since.isoweekday() in hours.days and clock < length


def hours_from(text: str) -> Hours:
    """Read hours as people write them: "08:00-18:00 Europe/Amsterdam", and the days where they aren't 1,2,3,4,5.

    Raises:
        ValueError: they aren't written so, or mean nothing.
    """
    found = _HOURS.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text[:80]!r} should be like 08:00-18:00 Europe/Amsterdam 1,2,3,4,5 (days from Monday, 1)")
    begin, end, zone, days = found.groups()
    numbers = frozenset(map(int, days.split(","))) if days else _WORKING_DAYS
    hours = Hours(zone=zone, begin=begin, end=end, days=numbers)
    if problems := [f"{field} {problem}" for field, problem in _wrong_hours("*", hours)]:
        raise ValueError("; ".join(problems).replace("working_hours.*.", ""))
    return hours


_HOURS: Final = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d) ([\w/+-]+)(?: ([1-7](?:,[1-7])*))?", re.ASCII)


type CredentialType = Literal["password", "certificate", "federated"]


class TenantProfile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The profile of one installation's tenants. Ids and domains are lower case.

    - `cpim_ids`: object ids of the service principal "CPIM Service", the approved source of consumer accounts. A name
      is never enough: as long as it is empty, its accounts count as somebody else's.
    - `managed_identity_ids`: object ids of "Managed Service Identity", which renews managed identities' certificates.
    - `consumer_apps`: names and app ids of the applications by which consumers sign in.
    - `owned_domains`: domains of the tenant's own, with all below them. Empty: ownership is unknown.
    - `shared_domains`: domains under which anybody can take a name.
    - `partner_organisations`: domains, with all below them, and tenant ids of the organisations that you work with.
      Empty: it isn't known who is one.
    - `credential_types`: the kinds of credentials that your applications use: "password", "certificate", "federated".
      Empty: it isn't known which.
    - `automated_tests`: by app id of an application that signs in with passwords to test itself, the last day (UTC) on
      which it may.
    - `account_attributes`: what a consumer account is created with, and the pattern that the whole value meets: a
      regular expression as RE2 has them.
    - `logout_properties`: names, or parts of names, of the property that holds an application's log-out address.

    - `allowed_countries`: where consumers sign in from, as two-letter codes. Empty: it isn't known who is abroad.
    - `allowed_cities`: names of the cities that they sign in from, as sign-in records have them. Empty: likewise.
    - `privileged_countries`, `privileged_networks` (in CIDR notation), `privileged_browsers`,
      `privileged_operating_systems` (beginnings of names): where and with what privileged accounts sign in. Empty: that
      control isn't looked at.
    - `working_hours`: by object id of an account, or "*" for every account that isn't named.
    - `vip_accounts`: object ids of consumers whose lock-out opens a case at once.
    - `interrupts`: error codes of sign-ins that were only interrupted.
    - `thresholds`: by id of a detection with a threshold, from how many records on it opens a case.
    - `privileged_accounts`: object ids that count as privileged beside those that hold a privileged role.
    - `emergency_groups`: object ids of groups whose members are the break-glass accounts.
    - `withdrawn_services`: app ids of Microsoft's services that aren't approved here (`responder approvals
      --microsoft` lists those that are otherwise).

    Other settings fill `consumer_tenants` (None: any tenant may hold consumer accounts), `emergency_accounts`,
    `own_site` (the name of the function app itself), `own_groups` (ids of the resource groups that it is installed in,
    in lower case), `own_identities` (object ids of its own service principals) and `operators_app` (client id of the
    registration by which people call it). Rosters read from the tenants add to `privileged_accounts` and fill
    `role_assignable_groups` and `policy_groups` (those that conditional access policies leave out). In the tenants of
    `privileged_known_in`, `groups_known_in` and `policy_groups_known_in` the rosters are complete: an account or group
    that they don't name isn't one. In other tenants that is unknown.
    """

    cpim_ids: frozenset[str] = frozenset()
    managed_identity_ids: frozenset[str] = frozenset()
    consumer_apps: frozenset[str] = frozenset({"CPIM PowerShell Client", "ProxyIdentityExperienceFramework"})
    owned_domains: frozenset[str] = frozenset()
    shared_domains: frozenset[str] = SHARED_DOMAINS
    account_attributes: Mapping[str, str] = {}
    logout_properties: frozenset[str] = frozenset({"LogoutUrl"})
    partner_organisations: frozenset[str] = frozenset()
    credential_types: frozenset[CredentialType] = frozenset()
    automated_tests: Mapping[str, date] = {}
    allowed_countries: frozenset[str] = frozenset()
    allowed_cities: frozenset[str] = frozenset()
    privileged_countries: frozenset[str] = frozenset()
    privileged_networks: frozenset[str] = frozenset()
    privileged_browsers: frozenset[str] = frozenset()
    privileged_operating_systems: frozenset[str] = frozenset()
    working_hours: Mapping[str, Hours] = {}
    vip_accounts: frozenset[str] = frozenset()
    interrupts: frozenset[str] = INTERRUPTS
    thresholds: Mapping[str, int] = {}
    privileged_accounts: frozenset[str] = frozenset()
    emergency_groups: frozenset[str] = frozenset()
    withdrawn_services: frozenset[str] = frozenset()
    role_assignable_groups: frozenset[str] = frozenset()
    privileged_known_in: frozenset[str] = frozenset()
    groups_known_in: frozenset[str] = frozenset()
    policy_groups: frozenset[str] = frozenset()
    policy_groups_known_in: frozenset[str] = frozenset()
    consumer_tenants: frozenset[str] | None = None
    emergency_accounts: frozenset[str] = frozenset()
    own_site: str = ""
    own_groups: frozenset[str] = frozenset()
    own_identities: frozenset[str] = frozenset()
    operators_app: str = ""


DEFAULT: Final = TenantProfile()

FROM_SETTINGS: Final = frozenset(
    {"consumer_tenants", "emergency_accounts", "own_site", "own_groups", "own_identities", "operators_app"}
)
"""Fields that have settings of their own, so `VOCABULARY` may not name them."""

FROM_TENANTS: Final = frozenset(
    {"role_assignable_groups", "privileged_known_in", "groups_known_in", "policy_groups", "policy_groups_known_in"}
)
"""Fields that the rosters fill, so `VOCABULARY` may not name them either."""


class BadProfile(Exception):
    """The profile can't be used; each of `problems` names the field and says what would be right."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


def profile_from(setting: str) -> TenantProfile:
    """Read the setting: JSON, a file's path, or nothing, which gives the defaults.

    Raises:
        BadProfile: it can't be read, or a field of it is wrong.
    """
    text = setting.strip()
    if not text:
        return DEFAULT
    if not text.startswith("{"):
        text = _text_of(text)
    try:
        members = msgspec.json.decode(text, type=dict[str, object])
        read = msgspec.convert(_lowered(members), TenantProfile)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadProfile([f"VOCABULARY should be a JSON object as the README shows it: {error}"]) from None
    problems = [f"VOCABULARY.{field} {problem}" for field, problem in _problems(read, members)]
    if problems:
        raise BadProfile(problems)
    return read


def _text_of(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        because = getattr(error, "strerror", None) or error
        raise BadProfile(
            [f"VOCABULARY is {path[:80]!r}: it should be a JSON object or the path of a file with one ({because})"]
        ) from None


_OBJECT_IDS: Final = (
    "cpim_ids",
    "managed_identity_ids",
    "vip_accounts",
    "privileged_accounts",
    "emergency_groups",
    "withdrawn_services",
)
_DOMAINS: Final = ("owned_domains", "shared_domains")
_PARTNERS: Final = ("partner_organisations",)
_COMPARED_IN_LOWER_CASE: Final = frozenset(
    {*_OBJECT_IDS, *_DOMAINS, *_PARTNERS, "working_hours", "credential_types", "automated_tests"}
)


def _lowered(members: dict[str, object]) -> dict[str, object]:
    return {name: _lower(value) if name in _COMPARED_IN_LOWER_CASE else value for name, value in members.items()}


def _lower(value: object) -> object:
    """Bring the texts of a list, or the names of an object's members, to lower case."""
    match value:
        case list():
            texts = cast("list[object]", value)
            return [text.strip().lower() if isinstance(text, str) else text for text in texts]
        case dict():
            members = cast("dict[str, object]", value)
            return {name.strip().lower(): member for name, member in members.items()}
        case _:
            return value


def _not_set_here(members: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for field in sorted(FROM_SETTINGS & members.keys()):
        yield field, "has a setting of its own and can't be set here"
    for field in sorted(FROM_TENANTS & members.keys()):
        yield field, "is read from the tenants and can't be set here"


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _is_organisation(text: str) -> bool:
    return bool(_DOMAIN.fullmatch(text) or _GUID.fullmatch(text))


def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - few profiles have working hours, start-up is a feature

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


_ID: Final = "an object id, like 00000000-0000-0000-0000-000000000000"
_KINDS: Final[Mapping[str, tuple[Callable[[str], object], tuple[str, ...]]]] = {
    _ID: (_GUID.fullmatch, _OBJECT_IDS),
    "a domain, like contoso.com": (_DOMAIN.fullmatch, _DOMAINS),
    "a domain or a tenant id, like contoso.com": (_is_organisation, _PARTNERS),
    "a country's two letters, like NL": (_COUNTRY.fullmatch, ("allowed_countries", "privileged_countries")),
    "a network, like 203.0.113.0/24 or 2001:db8::/32": (_is_network, ("privileged_networks",)),
    "an error code, like 50058": (_CODE.fullmatch, ("interrupts",)),
}
"""What each text of some fields should be, how that is checked, and the fields."""

_NAMES: Final = (
    "consumer_apps",
    "logout_properties",
    "allowed_cities",
    "privileged_browsers",
    "privileged_operating_systems",
)
"""Fields whose texts may be anything but empty: an empty part of a name would fit every name."""


def _problems(read: TenantProfile, members: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Give each field that is wrong although its type is right."""
    yield from _not_set_here(members)
    yield from _wrong_texts(read)
    for name, pattern in read.account_attributes.items():
        if problem := patterns.problem_with(pattern):
            because = f"it should be a regular expression as RE2 has them ({problem})"
            yield f"account_attributes.{name}", f"is {pattern[:80]!r}: {because}"
    for account, hours in read.working_hours.items():
        yield from _wrong_hours(account, hours)
    for app in read.automated_tests:
        if not _GUID.fullmatch(app):
            yield "automated_tests", f"has {app[:80]!r}: it should be an app id, like {_ID.rpartition(' ')[2]}"
    for detection, least in read.thresholds.items():
        if least < 1:
            yield f"thresholds.{detection}", f"is {least}: it should be a whole number from 1 on"


def _wrong_texts(read: TenantProfile) -> Iterator[tuple[str, str]]:
    for right, (is_right, fields) in _KINDS.items():
        for field in fields:
            texts: frozenset[str] = getattr(read, field)
            for wrong in sorted(text for text in texts if not is_right(text)):
                yield field, f"has {wrong[:80]!r}: it should be {right}"
    for field in _NAMES:
        if not all(map(fold, getattr(read, field))):
            yield field, "has an empty name"


def _wrong_hours(account: str, hours: Hours) -> Iterator[tuple[str, str]]:
    field = f"working_hours.{account}"
    if account != "*" and not _GUID.fullmatch(account):
        yield "working_hours", f'has {account[:80]!r}: it should be {_ID}, or "*"'
    if not _is_zone(hours.zone):
        yield f"{field}.zone", f"is {hours.zone[:80]!r}: it should be a time zone, like Europe/Amsterdam"
    for name, time in (("begin", hours.begin), ("end", hours.end)):
        if not _TIME.fullmatch(time):
            yield f"{field}.{name}", f'is {time[:80]!r}: it should be a time, like "08:00"'
    if not hours.days or hours.days - _WEEK:
        yield f"{field}.days", f"is {sorted(hours.days)}: it should be days from 1, Monday, to 7, Sunday"
