"""What a tenant's records suggest for its profile, and what they don't."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import pytest

from responders.catalogue import CATALOGUE
from responders.suggestions import Suggestion, Suggestions, merged
from shared.model.events import Actor, AuditEvent, Event, SignInEvent
from shared.model.profile import TenantProfile, profile_from

_ADMIN: Final = "0000000a-7c3e-4a92-b5d8-1f0e6b9a2c47"
_EMERGENCY: Final = "0000000e-7c3e-4a92-b5d8-1f0e6b9a2c47"
_PROFILE: Final = TenantProfile(
    privileged_accounts=frozenset({_ADMIN, _EMERGENCY}),
    emergency_accounts=frozenset({_EMERGENCY}),
    consumer_tenants=frozenset({"b2c"}),
)
_MONDAY: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
_AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")
_FAILURES: Final = next(each for each in CATALOGUE if each.id == "privileged-sign-in-failures")


def _sign_in(day: int = 0, hour: int = 0, account: str = _ADMIN, **differences: Any) -> SignInEvent:  # noqa: ANN401 - fields
    plain = SignInEvent(
        id=f"{day} {hour} {account} {differences}",
        tenant_id="workforce",
        at=_MONDAY + timedelta(days=day, hours=hour),
        correlation_id="",
        actor=Actor(id=account, address="198.51.100.23"),
        app_id="",
        app_name="",
        resource_name="",
        error_code="0",
        failure_reason="",
        country="NL",
        client_app="",
        authentication_protocol="",
        conditional_access="",
        browser="Edge 134.0.0",
        operating_system="Windows 10",
        interactive="true",
    )
    return msgspec.structs.replace(plain, **differences)


def _found(events: Iterable[Event], profile: TenantProfile = _PROFILE) -> dict[str, Suggestion]:
    suggestions = Suggestions(profile, zone=_AMSTERDAM, since=_MONDAY - timedelta(days=1))
    for event in events:
        suggestions.add(event, [_FAILURES] if isinstance(event, SignInEvent) and event.error_code == "50126" else [])
    return {each.field: each for each in suggestions.found()}


_FIVE_DAYS: Final = [_sign_in(day) for day in range(5)]


def test_where_and_with_what_administrators_sign_in_on_five_days() -> None:
    found = _found(_FIVE_DAYS)
    assert {name: each.value for name, each in found.items()} == {
        "privileged_countries": ["NL"],
        "privileged_networks": ["198.51.100.0/24"],
        "privileged_browsers": ["Edge"],
        "privileged_operating_systems": ["Windows"],
    }
    assert _found(_FIVE_DAYS[1:]) == {}


@pytest.mark.parametrize(
    "differences",
    [
        {"error_code": "50126"},
        {"risk_level": "Medium"},
        {"risk_events": ("unfamiliarFeatures",)},
        {"actor": Actor(id=_EMERGENCY)},
        {"actor": Actor(id="somebody")},
        {"at": _MONDAY - timedelta(days=2)},
    ],
)
def test_what_is_in_doubt_somebody_elses_or_too_old_counts_for_nothing(differences: dict[str, Any]) -> None:
    changed = [msgspec.structs.replace(each, **differences) for each in _FIVE_DAYS]
    assert _found(changed).keys() <= {"thresholds"}


def test_what_was_seen_on_fewer_days_is_left_out_and_named() -> None:
    abroad = [_sign_in(day, country="TH", actor=Actor(id=_ADMIN, address="2001:db8:1::5")) for day in range(2)]
    found = _found([*_FIVE_DAYS, *abroad, _sign_in(6, actor=Actor(id=_ADMIN, address="unknown"), country="")])
    assert found["privileged_countries"].value == ["NL"]
    assert found["privileged_countries"].left_out == ("TH (2 days)",)
    assert found["privileged_networks"].left_out == ("2001:db8:1::/48 (2 days)",)


def test_a_country_counts_that_three_consumers_sign_in_from() -> None:
    events = [_sign_in(0, account=f"c{number}", tenant_id="b2c", country="nl") for number in range(3)]
    events += [_sign_in(day, account="c1", tenant_id="b2c", country="TH") for day in range(9)]
    found = _found(events)["allowed_countries"]
    assert (found.value, found.left_out) == (["NL"], ("TH (1 accounts)",))


def _work(days: Iterable[int], hours: Iterable[int]) -> list[SignInEvent]:
    listed = [*hours]
    return [_sign_in(day, hour) for day in days for hour in listed]


_WEEKDAYS: Final = [day for day in range(14) if day % 7 < 5]


def test_hours_are_those_of_the_zone_on_the_days_that_come_again() -> None:
    found = _found(_work(_WEEKDAYS, range(9)))["working_hours"]
    assert found.value == {
        _ADMIN: {"zone": "Europe/Amsterdam", "begin": "09:00", "end": "18:00", "days": [1, 2, 3, 4, 5]}
    }


def test_one_night_and_one_sunday_change_nothing() -> None:
    odd = [_sign_in(3, 15), _sign_in(6, 2)]
    assert (
        _found([*_work(_WEEKDAYS, range(9)), *odd])["working_hours"]
        == _found(_work(_WEEKDAYS, range(9)))["working_hours"]
    )


def test_what_a_person_changed_is_work_and_what_a_program_renewed_is_none() -> None:
    changes = [
        AuditEvent(
            id=f"{day}",
            tenant_id="workforce",
            at=_MONDAY + timedelta(days=day, hours=3),
            activity="",
            category="",
            service="",
            outcome="Success",
            reason="",
            correlation_id="",
            actor=Actor(id=_ADMIN),
        )
        for day in _WEEKDAYS
    ]
    renewed = [msgspec.structs.replace(each, interactive="false") for each in _work(_WEEKDAYS, range(12))]
    hours = _found([*changes, *renewed])["working_hours"].value[_ADMIN]
    assert (hours["begin"], hours["end"]) == ("12:00", "13:00")


@pytest.mark.parametrize(
    ("events", "why"),
    [(_work(range(9), range(9)), "9 days only"), (_work(_WEEKDAYS, range(15)), "at all hours")],
)
def test_hours_that_say_nothing_are_left_out_with_the_reason(events: list[SignInEvent], why: str) -> None:
    other = "0000000b-7c3e-4a92-b5d8-1f0e6b9a2c47"
    profile = msgspec.structs.replace(_PROFILE, privileged_accounts=frozenset({_ADMIN, other}))
    steady = [msgspec.structs.replace(each, actor=Actor(id=other)) for each in _work(_WEEKDAYS, range(9))]
    found = _found([*events, *steady], profile)["working_hours"]
    assert {*found.value} == {other}
    assert found.left_out == (f"{_ADMIN} ({why})",)


def _failures(*counts: int) -> list[SignInEvent]:
    """Give failed sign-ins: so many each day, within ten minutes."""
    return [
        _sign_in(day, error_code="50126", id=f"{day} {number}", country="")
        for day, count in enumerate(counts)
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("counts", "threshold"),
    [
        ((9, 8, 7), 9),
        ((9, 4, 4), None),
        ((9, 8, 7, 6, 6, 6, 6, 6), 9),
        ((9, 8, 7, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6), 8),
    ],
)
def test_a_threshold_rises_until_it_is_reached_once_a_week(counts: tuple[int, ...], threshold: int | None) -> None:
    found = _found(_failures(*counts)).get("thresholds")
    assert (found and found.value) == (threshold and {_FAILURES.id: threshold})


def test_the_same_record_twice_counts_once() -> None:
    assert "thresholds" not in _found([*_failures(3, 3, 3), *_failures(3, 3, 3)])


def test_what_the_profile_has_stays_and_the_whole_can_be_read_again() -> None:
    suggestions = [*_found([*_work(_WEEKDAYS, range(9)), *_failures(9, 8, 7)]).values()]
    whole = merged({"privileged_countries": ["BE"], "owned_domains": ["contoso.com"]}, suggestions)
    read = profile_from(msgspec.json.encode(whole).decode())
    assert read.privileged_countries == {"BE"}
    assert read.owned_domains == {"contoso.com"}
    assert read.privileged_networks == {"198.51.100.0/24"}
    assert read.working_hours[_ADMIN].begin == "09:00"
    assert read.thresholds == {_FAILURES.id: 9}
