"""The fields of the sign-in view in Kusto: the second telling of `sign_in_fields`, tested to give the same."""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_network
from typing import Final

from msgspec import Struct

from shared.detect.fields.sign_in_fields import folded, read_hours
from shared.detect.kusto.terms import TENANT, Expression, Field, Looked, among, quoted, same, tenant
from shared.model.profile import Hours, TenantProfile
from shared.normalize.sign_ins import MFA_DENIED, SECOND_FACTOR_FAILED

ACCOUNT: Final = "Principal(UserId)"
ACCOUNT_NAME: Final = "coalesce(UserPrincipalName, UserDisplayName)"
COUNTRY: Final = "coalesce(tostring(parse_json(tostring(LocationDetails)).countryOrRegion), Location)"


def _device(member: str) -> str:
    return f"tostring(parse_json(tostring(DeviceDetail)).{member})"


_BROWSER: Final = f"Fold({_device('browser')})"
_OPERATING_SYSTEM: Final = f"Fold({_device('operatingSystem')})"
_AT: Final = "coalesce(CreatedDateTime, TimeGenerated)"


def _app_set(profile: TenantProfile) -> str:
    known = folded(profile.consumer_apps)
    return f'iff({among("Fold(AppDisplayName)", known)} or {among("Fold(AppId)", known)}, "consumer", "")'


def _account_level(profile: TenantProfile) -> str:
    privileged = among(ACCOUNT, profile.privileged_accounts)
    known = among(TENANT, profile.privileged_known_in)
    return f'case({privileged}, "privileged", isnotempty({ACCOUNT}) and {known}, "other", "unknown")'


def _account_kind(profile: TenantProfile) -> str:
    return f'iff({among(ACCOUNT, profile.emergency_accounts)}, "emergency", "")'


def _account_set(profile: TenantProfile) -> str:
    return f'iff({among(ACCOUNT, profile.vip_accounts)}, "vip", "")'


def _result(profile: TenantProfile) -> str:
    interrupts = among("ResultType", profile.interrupts)
    return f'case(ResultType == "0", "success", {interrupts}, "interrupt", ResultType == "", "", "failure")'


def _abroad(profile: TenantProfile) -> str:
    if not profile.allowed_countries:
        return '"unknown"'
    home = among(f"Fold({COUNTRY})", folded(profile.allowed_countries))
    return f'case(Fold({COUNTRY}) == "", "unknown", {home}, "home", "foreign")'


class _Control(Struct, frozen=True, kw_only=True):
    """How a control is asked for: by `fact`, a column that `step` makes; `lacking` is what asks whether it is told."""

    fact: str
    step: str
    lacking: str
    met: str


def _beyond_controls(profile: TenantProfile) -> Expression:
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
    return Looked(steps=steps, value=f'case({failing}, {lacking}, "unknown", "")')


def _country_control(allowed: frozenset[str]) -> _Control:
    met = among("from_country", folded(allowed))
    return _Control(fact="from_country", step=f"Fold({COUNTRY})", lacking='from_country == ""', met=met)


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
    return _name_control("with_browser", _BROWSER, beginnings)


def _operating_system_control(beginnings: frozenset[str]) -> _Control:
    return _name_control("with_system", _OPERATING_SYSTEM, beginnings)


def _name_control(fact: str, step: str, beginnings: frozenset[str]) -> _Control:
    met = " or ".join(f"{fact} startswith_cs {quoted(word)}" for word in sorted(folded(beginnings)))
    return _Control(fact=fact, step=step, lacking=f'{fact} == ""', met=met)


def _hours(profile: TenantProfile) -> str:
    """Write each account's own hours first, then those of every other."""
    own = {account: of_it for account, of_it in profile.working_hours.items() if account != "*"}
    cases = [f"{ACCOUNT} == {quoted(account)}, {_in_hours(of_it)}" for account, of_it in sorted(own.items())]
    of_all = profile.working_hours.get("*")
    rest = _in_hours(of_all) if of_all else '"unknown"'
    return f"case({', '.join([*cases, rest])})" if cases else rest


def _in_hours(of_one: Hours) -> str:
    """Write `sign_in_fields.hours`; Kusto's week begins with Sunday, day 0."""
    _, begin, length = read_hours(of_one)
    since = f"(datetime_utc_to_local({_AT}, {quoted(of_one.zone)}) - {_minutes(begin)})"
    days = ", ".join(f"{day % 7}d" for day in sorted(of_one.days))
    is_inside = f"dayofweek({since}) in ({days}) and {since} - startofday({since}) < {_minutes(length)}"
    return f'iff({is_inside}, "inside", "outside")'


def _minutes(time: timedelta) -> str:
    return f"{time // timedelta(minutes=1)}m"


_DENIED: Final = Looked(
    rows=f"""union isfuzzy=true
        (SigninLogs | project Id, ResultType, steps = AuthenticationDetails),
        (AADNonInteractiveUserSignInLogs | project Id, ResultType, steps = AuthenticationDetails)
    | where ResultType == "{SECOND_FACTOR_FAILED}"
    | mv-expand with_itemindex=place step = parse_json(steps)
    | extend step_denied = Fold(tostring(step.authenticationStepResultDetail))
    | where step_denied startswith_cs "{MFA_DENIED}"
    | summarize arg_min(place, step_denied) by Id""",
    value=(
        "case("
        f'{{told}} startswith_cs "{MFA_DENIED}", iff({{told}} contains_cs "fraud", "fraud", "denied"),'
        ' isnotempty(step_denied), iff(step_denied contains_cs "fraud", "fraud", "denied"), "")'
    ).format(told="Fold(tostring(parse_json(tostring(Status)).additionalDetails))"),
)


SIGN_IN_FIELDS: Final[Mapping[str, Field]] = {
    "error_code": same("ResultType"),
    "account": same(ACCOUNT),
    "identity": same(f"coalesce({ACCOUNT}, Fold({ACCOUNT_NAME}))"),
    "address": same("Fold(IPAddress)"),
    "country": same(f"Fold({COUNTRY})"),
    "protocol": same("Fold(AuthenticationProtocol)"),
    "app_id": same("tolower(AppId)"),
    "app_name": same("Fold(AppDisplayName)"),
    "app_set": _app_set,
    "tenant": tenant,
    "account_level": _account_level,
    "account_kind": _account_kind,
    "account_set": _account_set,
    "result": _result,
    "abroad": _abroad,
    "beyond_controls": _beyond_controls,
    "hours": _hours,
    "interactive": same('tolower(coalesce(tostring(IsInteractive), ""))'),
    "mfa_answer": same(_DENIED),
    "failure_reason": same("Fold(ResultDescription)"),
    "account_label": same(f"Fold({ACCOUNT_NAME})"),
    "resource_name": same("Fold(ResourceDisplayName)"),
    "client_app": same("Fold(ClientAppUsed)"),
    "conditional_access": same("Fold(ConditionalAccessStatus)"),
    "requirement": same("Fold(AuthenticationRequirement)"),
    "user_agent": same("Fold(UserAgent)"),
    "browser": same(_BROWSER),
    "operating_system": same(_OPERATING_SYSTEM),
    "device": same(f"tolower({_device('deviceId')})"),
    "device_name": same(f"Fold({_device('displayName')})"),
    "device_trust": same(f"Fold({_device('trustType')})"),
    "device_compliant": same(f"tolower({_device('isCompliant')})"),
    "device_managed": same(f"tolower({_device('isManaged')})"),
    "risk_state": same("Fold(RiskState)"),
    "risk_level": same("Fold(RiskLevelDuringSignIn)"),
    "crossing": same("Fold(CrossTenantAccessType)"),
    "home_tenant": same("tolower(HomeTenantId)"),
    "resource_tenant": same("tolower(ResourceTenantId)"),
}
"""By name of the Text field."""
