"""Fields of a sign-in that are computed: who, from where, with what and when, as the vocabulary judges it.

Each is text: "" where there is nothing to tell, "unknown" where the record or the vocabulary doesn't say. What is made
of the vocabulary's words is made once.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final
from zoneinfo import ZoneInfo

from shared.model.events import SignInEvent, fold
from shared.model.profile import Hours, TenantProfile
from shared.normalize.sign_ins import is_denied

_DAY: Final = timedelta(days=1)


@lru_cache(maxsize=64)
def folded(words: frozenset[str]) -> frozenset[str]:
    """Give words as they're compared."""
    return frozenset(map(fold, words))


def app_set(event: SignInEvent, profile: TenantProfile) -> str:
    """Tell "consumer" where it is one of the applications by which consumers sign in, by name or app id."""
    known = folded(profile.consumer_apps)
    return "consumer" if fold(event.app_name) in known or fold(event.app_id) in known else ""


def tenant(event: SignInEvent, profile: TenantProfile) -> str:
    """Tell "consumer" where the tenant may hold consumer accounts, "other" where it doesn't."""
    tenants = profile.consumer_tenants
    return "consumer" if tenants is None or event.tenant_id in tenants else "other"


def identity(event: SignInEvent) -> str:
    """Give the account's object id; where no account is known, the name that was typed."""
    return event.actor.id or fold(event.actor.name)


def account_level(event: SignInEvent, profile: TenantProfile) -> str:
    """Tell "privileged", or "other" where it is known that the account isn't."""
    account = event.actor.id
    if account and account in profile.privileged_accounts:
        return "privileged"
    return "other" if account and event.tenant_id in profile.privileged_known_in else "unknown"


def account_kind(event: SignInEvent, profile: TenantProfile) -> str:
    """Tell "emergency" for a break-glass account."""
    return "emergency" if event.actor.id in profile.emergency_accounts else ""


def account_set(event: SignInEvent, profile: TenantProfile) -> str:
    """Tell "vip" for a consumer whose lock-out is told at once."""
    return "vip" if event.actor.id in profile.vip_accounts else ""


def result(event: SignInEvent, profile: TenantProfile) -> str:
    """Tell "success", "interrupt" where it was only held up, or "failure"; "" where the record has no code."""
    code = event.error_code
    if code == "0":
        return "success"
    if code in profile.interrupts:
        return "interrupt"
    return "failure" if code else ""


def abroad(event: SignInEvent, profile: TenantProfile) -> str:
    """Tell "home" for a country where consumers sign in from, "foreign" for another."""
    country = fold(event.country)
    if not country or not profile.allowed_countries:
        return "unknown"
    return "home" if country in folded(profile.allowed_countries) else "foreign"


def beyond_controls(event: SignInEvent, profile: TenantProfile) -> str:
    """Tell the first of the controls on privileged accounts that isn't met; "" where all are that are set.

    "unknown" where none fails for sure, and the record lacks what one of them looks at.
    """
    answers = {control: is_met(event, profile) for control, is_met in _CONTROLS.items()}
    failed = next((control for control, met in answers.items() if met is False), "")
    return failed or ("unknown" if None in answers.values() else "")


def _country_is_met(event: SignInEvent, profile: TenantProfile) -> bool | None:
    if not profile.privileged_countries:
        return True
    country = fold(event.country)
    return country in folded(profile.privileged_countries) if country else None


def _network_is_met(event: SignInEvent, profile: TenantProfile) -> bool | None:
    if not profile.privileged_networks:
        return True
    try:
        address = ip_address(fold(event.actor.address))
    except ValueError:
        return None
    return any(address in network for network in _networks(profile.privileged_networks))


@lru_cache(maxsize=16)
def _networks(written: frozenset[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(map(ip_network, written))


def _browser_is_met(event: SignInEvent, profile: TenantProfile) -> bool | None:
    return _begins(event.browser, profile.privileged_browsers)


def _operating_system_is_met(event: SignInEvent, profile: TenantProfile) -> bool | None:
    return _begins(event.operating_system, profile.privileged_operating_systems)


def _begins(name: str, allowed: frozenset[str]) -> bool | None:
    if not allowed:
        return True
    name = fold(name)
    return name.startswith(tuple(folded(allowed))) if name else None


_CONTROLS: Final[Mapping[str, Callable[[SignInEvent, TenantProfile], bool | None]]] = {
    "country": _country_is_met,
    "network": _network_is_met,
    "browser": _browser_is_met,
    "operating-system": _operating_system_is_met,
}
"""Whether each control is met, None where the record doesn't say; one that isn't set is met by all."""


def hours(event: SignInEvent, profile: TenantProfile) -> str:
    """Tell "inside" or "outside" of the account's working hours; "unknown" where it has none."""
    of_all = profile.working_hours
    set_for_it = of_all.get(event.actor.id) or of_all.get("*")
    if set_for_it is None:
        return "unknown"
    zone, begin, length = read_hours(set_for_it)
    since = event.at.astimezone(zone).replace(tzinfo=None) - begin
    clock = since - since.replace(hour=0, minute=0, second=0, microsecond=0)
    return "inside" if since.isoweekday() in set_for_it.days and clock < length else "outside"


@lru_cache(maxsize=256)
def read_hours(of_one: Hours) -> tuple[ZoneInfo, timedelta, timedelta]:
    """Give the zone, when a working day begins after midnight, and how long it is.

    Told as a length, a night's work is of the day on which it begins, like any other.
    """
    begin, end = map(_since_midnight, (of_one.begin, of_one.end))
    return ZoneInfo(of_one.zone), begin, end - begin if end > begin else end - begin + _DAY


def _since_midnight(time: str) -> timedelta:
    hour, minute = time.split(":")
    return timedelta(hours=int(hour), minutes=int(minute))


def mfa_answer(event: SignInEvent) -> str:
    """Tell "fraud" where the second factor's prompt was reported, "denied" where it wasn't answered with yes."""
    if not event.mfa_detail or not is_denied(event.mfa_detail):
        return ""
    return "fraud" if "fraud" in fold(event.mfa_detail) else "denied"
