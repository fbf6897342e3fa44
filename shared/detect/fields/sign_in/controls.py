"""Whether a sign-in keeps to what the profile sets: the controls on privileged accounts, and working hours."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from msgspec import Struct

from shared.detect.fields.kusto_terms import among, quoted
from shared.detect.fields.profile import folded
from shared.detect.fields.sign_in.account import ACCOUNT_KUSTO
from shared.detect.fields.sign_in.client import AT_KUSTO, BROWSER_KUSTO, COUNTRY_KUSTO, OPERATING_SYSTEM_KUSTO
from shared.detect.prefilter import of_settings
from shared.model.conditions import KustoJoin, KustoValue, Text, by_profile
from shared.model.events import SignInEvent, fold
from shared.model.profile import Hours, TenantProfile, is_within, working_day


def _beyond_controls(event: SignInEvent, profile: TenantProfile) -> str:
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


class _Control(Struct, frozen=True, kw_only=True):
    """How Kusto asks for a control: by column `fact`, which `step` makes; `lacking` is true where that is empty."""

    fact: str
    step: str
    lacking: str
    met: str


def _beyond_controls_kusto(profile: TenantProfile) -> KustoValue:
    """Write what fails for sure, then what the record lacks; of a control that isn't set, nothing."""
    controls = {
        name: control(words)
        for name, words, control in (
            ("country", profile.privileged_countries, _country_control),
            ("network", profile.privileged_networks, _network_control),
            ("browser", profile.privileged_browsers, _browser_control),
            ("operating-system", profile.privileged_operating_systems, _operating_system_control),
        )
        if words
    }
    if not controls:
        return '""'
    failing = ", ".join(f"not({one.lacking} or {one.met}), {quoted(name)}" for name, one in controls.items())
    lacking = " or ".join(one.lacking for one in controls.values())
    steps = {one.fact: one.step for one in controls.values()}
    return KustoJoin(steps=steps, value=f'case({failing}, {lacking}, "unknown", "")')


def _country_control(allowed: frozenset[str]) -> _Control:
    met = among("from_country", folded(allowed))
    return _Control(fact="from_country", step=f"Fold({COUNTRY_KUSTO})", lacking='from_country == ""', met=met)


def _network_control(networks: frozenset[str]) -> _Control:
    """Ask for each version by the function for it, which answers null to an address of the other."""
    read = sorted(map(ip_network, networks), key=str)
    met = [
        f"coalesce(ipv{version}_is_in_any_range(from_address, {', '.join(quoted(str(one)) for one in of_it)}), false)"
        for version in (4, 6)
        if (of_it := [one for one in read if one.version == version])
    ]
    return _Control(
        fact="from_address",
        step="Fold(IPAddress)",
        lacking='(isempty(parse_ipv6(from_address)) or from_address contains_cs "/")',
        met=" or ".join(met),
    )


def _browser_control(beginnings: frozenset[str]) -> _Control:
    return _name_control("with_browser", BROWSER_KUSTO, beginnings)


def _operating_system_control(beginnings: frozenset[str]) -> _Control:
    return _name_control("with_system", OPERATING_SYSTEM_KUSTO, beginnings)


def _name_control(fact: str, step: str, beginnings: frozenset[str]) -> _Control:
    met = " or ".join(f"{fact} startswith_cs {quoted(word)}" for word in sorted(folded(beginnings)))
    return _Control(fact=fact, step=step, lacking=f'{fact} == ""', met=met)


class ControlFields:
    """Fields about the controls on privileged accounts.

    - `beyond_controls`: the first of the controls that isn't met ("country", "network", "browser",
      "operating-system"); "" where all are that are set; "unknown" where none fails for sure, and the record lacks what
      one of them looks at.
    """

    beyond_controls: Text[SignInEvent] = by_profile(
        "beyond_controls",
        _beyond_controls,
        *("privileged_countries", "privileged_networks", "privileged_browsers", "privileged_operating_systems"),
        kusto=_beyond_controls_kusto,
    )


def _hours(event: SignInEvent, profile: TenantProfile) -> str:
    by_account = profile.working_hours
    set_for_it = by_account.get(event.actor.id) or by_account.get("*")
    if set_for_it is None:
        return "unknown"
    return "inside" if is_within(set_for_it, event.at) else "outside"


def _hours_kusto(profile: TenantProfile) -> str:
    """Write each account's own hours first, then those of every other."""
    own = {account: hours for account, hours in profile.working_hours.items() if account != "*"}
    cases = [f"{ACCOUNT_KUSTO} == {quoted(account)}, {_in_hours(hours)}" for account, hours in sorted(own.items())]
    of_all = profile.working_hours.get("*")
    rest = _in_hours(of_all) if of_all else '"unknown"'
    return f"case({', '.join([*cases, rest])})" if cases else rest


def _in_hours(hours: Hours) -> str:
    """Write whether it is within these hours; Kusto's week begins with Sunday, day 0."""
    _, begin, length = working_day(hours)
    since = f"(datetime_utc_to_local({AT_KUSTO}, {quoted(hours.zone)}) - {_minutes(begin)})"
    days = ", ".join(f"{day % 7}d" for day in sorted(hours.days))
    is_inside = f"dayofweek({since}) in ({days}) and {since} - startofday({since}) < {_minutes(length)}"
    return f'iff({is_inside}, "inside", "outside")'


def _minutes(time: timedelta) -> str:
    return f"{time // timedelta(minutes=1)}m"


class HoursFields:
    """Fields about when somebody signed in.

    - `hours`: "inside" or "outside" of the account's working hours; "unknown" where it has none.
    """

    hours: Text[SignInEvent] = by_profile(
        "hours",
        _hours,
        "working_hours",
        prefilter=of_settings(lambda profile: profile.working_hours, "inside", "outside"),
        kusto=_hours_kusto,
    )
