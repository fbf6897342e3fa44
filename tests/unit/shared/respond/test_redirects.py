"""Addresses to which applications send people: what is wrong with each, told once, and never by a guess."""

import copy
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

import msgspec
import pytest

from shared.clients.names import Existence
from shared.model.errors import Unreachable
from shared.model.profile import TenantProfile
from shared.model.registrations import Registration
from shared.model.tenant_api import TenantApi
from shared.notify.system_notices import system_notice_card
from shared.respond.components import Runtime
from shared.respond.redirects import (
    GONE,
    LOGOUT_GONE,
    NOT_UNIQUE,
    WHY,
    host_of,
    judge,
    known_problems,
    look_at_redirects,
    looked_at,
)
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, Bench, bench
from tests.fakes.spoilt_storage import SpoiltStorage

_PROFILE: Final = TenantProfile(owned_domains=frozenset({"contoso.example", "contoso.azurewebsites.net"}))
_UNKNOWN_OWNERS: Final = TenantProfile()


def _app(*addresses: str, app_id: str = "a", logout: str = "") -> Registration:
    return Registration(app_id=app_id, name=f"App {app_id}", addresses=addresses, logout=logout)


def _found(hosts: Collection[str]) -> Mapping[str, Existence]:
    return dict.fromkeys(hosts, Existence.FOUND)


def _none(hosts: Collection[str]) -> Mapping[str, Existence]:
    return dict.fromkeys(hosts, Existence.NONE)


def _unknown(hosts: Collection[str]) -> Mapping[str, Existence]:
    return dict.fromkeys(hosts, Existence.UNKNOWN)


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("https://orders.contoso.example/signin", ""),
        ("https://contoso.azurewebsites.net/signin", ""),
        ("https://login.microsoftonline.com/common/oauth2/nativeclient", ""),
        ("http://localhost:8080", ""),
        ("msal7a40c5d9://auth", ""),
        ("https://evil.example/", "not-owned"),
        ("https://orders.contoso.example@evil.example/", "not-owned"),
        ("https://old.azurewebsites.net/", "shared-domain"),
        ("http://orders.contoso.example/", "not-https"),
        ("https://*.contoso.example/", "wildcard"),
        ("https://orders.contoso.example/*", "wildcard"),
    ],
)
def test_what_is_wrong_with_an_address_whose_name_exists(address: str, problem: str) -> None:
    assert [one.problem for one in judge([_app(address)], _PROFILE, _found).problems] == [problem] * bool(problem)


@pytest.mark.parametrize(
    ("address", "is_asked"),
    [
        ("https://orders.contoso.example/signin", True),
        ("HTTPS://OLD.azurewebsites.net:8443/", True),
        ("http://evil.example", True),
        ("https://evil.example\\@contoso.example/", True),
        ("http://localhost", False),
        ("http://127.0.0.1/", False),
        ("https://[2001:db8::1]/", False),
        ("https://*.contoso.example/", False),
        ("msal7a40c5d9://auth", False),
        ("urn:ietf:wg:oauth:2.0:oob", False),
        ("https://[broken", False),
        ("https://intranet/", False),
    ],
)
def test_a_name_that_does_not_exist_is_worst_and_only_names_are_asked_for(address: str, *, is_asked: bool) -> None:
    judged = judge([_app(address)], _PROFILE, _none)
    assert (GONE in {one.problem for one in judged.problems}) is is_asked is bool(host_of(address))


def test_what_nobody_knows_of_a_name_is_possible_and_nothing_more() -> None:
    judged = judge([_app("https://a.contoso.example", logout="https://b.contoso.example")], _PROFILE, _unknown)
    assert judged.problems == ()
    assert [one.problem for one in judged.possible] == [GONE, LOGOUT_GONE]


def test_while_no_domain_is_configured_nobody_is_said_not_to_own_one() -> None:
    assert judge([_app("https://anything.example")], _UNKNOWN_OWNERS, _found).problems == ()
    assert [one.problem for one in judge([_app("https://anything.example")], _UNKNOWN_OWNERS, _none).problems] == [GONE]


def test_an_address_of_two_applications_is_told_of_both_unless_anybody_may_have_it() -> None:
    same = ("https://a.contoso.example/x", "http://localhost", "https://login.live.com/oauth20_desktop.srf", "my://x")
    judged = judge([_app(*same), _app("https://A.contoso.example/x/", *same[1:], app_id="b")], _PROFILE, _found)
    assert [(one.app_id, one.problem) for one in judged.problems] == [("a", NOT_UNIQUE), ("b", NOT_UNIQUE)]


def test_a_log_out_address_whose_name_does_not_exist_is_told() -> None:
    (found,) = judge([_app(logout="https://gone.contoso.example/out")], _PROFILE, _none).problems
    assert (found.problem, found.address) == (LOGOUT_GONE, "https://gone.contoso.example/out")


def test_names_are_looked_up_within_a_bound_and_each_has_its_turn() -> None:
    app = _app(*(f"https://h{number}.contoso.example/" for number in range(1_200)))
    asked: list[set[str]] = []

    def exist(hosts: Collection[str]) -> Mapping[str, Existence]:
        asked.append(set(hosts))
        return _found(hosts)

    for number in range(3):
        judge([app], _PROFILE, exist, day=date(2026, 3, 2) + timedelta(days=number))
    assert [len(one) for one in asked] == [500] * 3
    assert len(set[str]().union(*asked)) == 1_200


def test_each_problem_has_words_for_people() -> None:
    assert all(WHY.values())
    assert {GONE, NOT_UNIQUE, LOGOUT_GONE} <= WHY.keys()


# The look once a day.


class _Apps:
    """The registrations that the tenants have; of some they can't be read."""

    def __init__(self, *registrations: Registration) -> None:
        self.registrations: Sequence[Registration] = registrations
        self.unread: set[str] = set()

    def read(self, api: TenantApi) -> Sequence[Registration]:
        if api.tenant.id in self.unread:
            raise Unreachable("no answer")
        return self.registrations if api.tenant.id == TENANT else ()


def _with(made: Bench, apps: _Apps) -> Runtime:
    settings = copy.replace(made.runtime.settings, profile=_PROFILE)
    return msgspec.structs.replace(made.runtime, registrations=apps.read, settings=settings)


def _titles(made: Bench) -> list[str]:
    return [notice.title.partition(" ")[0] for notice in made.teams.notices]


def test_an_address_is_told_once_and_again_when_it_comes_back(memory: MemoryStorage) -> None:
    made, apps = bench(memory), _Apps(_app("https://evil.example", "https://ok.contoso.example"))
    runtime = _with(made, apps)
    assert look_at_redirects(runtime, _found) == 1
    made.clock.move(timedelta(days=1))
    assert look_at_redirects(runtime, _found) == 0
    apps.registrations = ()
    assert look_at_redirects(runtime, _found) == 0
    assert known_problems(memory, TENANT) == []
    apps.registrations = (_app("https://evil.example"),)
    assert look_at_redirects(runtime, _found) == 1
    assert _titles(made) == ["1", "1"]


def test_what_can_not_be_read_or_looked_up_takes_nothing_back(memory: MemoryStorage) -> None:
    made, apps = bench(memory), _Apps(_app("https://gone.contoso.example"))
    runtime = _with(made, apps)
    assert look_at_redirects(runtime, _none) == 1
    assert look_at_redirects(runtime, _unknown) == 0
    apps.unread = {TENANT}
    with pytest.raises(Unreachable):
        look_at_redirects(runtime, _found)
    assert [one.problem for one in known_problems(memory, TENANT)] == [GONE]
    apps.unread = set()
    assert look_at_redirects(runtime, _found) == 0
    assert known_problems(memory, TENANT) == []


def test_what_is_known_of_a_name_stands_while_it_can_not_be_looked_up_and_is_told_once(memory: MemoryStorage) -> None:
    made, apps = bench(memory), _Apps(_app("https://gone.evil.example", logout="https://out.evil.example"))
    runtime = _with(made, apps)
    for exist in (_none, _unknown, _none, _unknown):
        look_at_redirects(runtime, exist)
        assert [one.problem for one in known_problems(memory, TENANT)] == [GONE, LOGOUT_GONE]
        made.clock.move(timedelta(days=1))
    assert _titles(made) == ["2"]
    look_at_redirects(runtime, _found)
    assert [one.problem for one in known_problems(memory, TENANT)] == ["not-owned"]


def test_what_never_could_be_looked_at_is_known_as_such(memory: MemoryStorage) -> None:
    made, apps = bench(memory), _Apps()
    apps.unread = {TENANT}
    with pytest.raises(Unreachable):
        look_at_redirects(_with(made, apps), _found)
    assert looked_at(memory, TENANT) is None
    apps.unread = set()
    look_at_redirects(_with(made, apps), _found)
    assert looked_at(memory, TENANT) == made.clock()


def test_a_line_says_what_is_wrong_however_long_the_address_is(memory: MemoryStorage) -> None:
    made = bench(memory)
    look_at_redirects(_with(made, _Apps(_app(f"https://evil.example/{'x' * 2_000}"))), _found)
    (notice,) = made.teams.notices
    assert WHY["not-owned"] in msgspec.json.encode(system_notice_card(notice)).decode()


def test_a_run_that_breaks_off_is_repeated_and_tells_once() -> None:
    storage = SpoiltStorage(MemoryStorage())
    storage.create_all()
    made = bench(storage)
    runtime = _with(made, _Apps(_app("https://evil.example", "https://other.example")))
    storage.faults.fail_once("upsert Cursors")
    with pytest.raises(Unreachable):
        look_at_redirects(runtime, _found)
    look_at_redirects(runtime, _found)
    assert _titles(made) == ["2"]
    assert len(known_problems(storage, TENANT)) == 2


def test_many_are_one_message_that_names_the_worst(memory: MemoryStorage) -> None:
    made = bench(memory)
    apps = _Apps(_app("https://*.contoso.example", *(f"https://e{number}.example" for number in range(30))))
    assert look_at_redirects(_with(made, apps), _found) == 31
    (notice,) = made.teams.notices
    assert (len(notice.lines), notice.lines[-1]) == (11, "And 21 more.")
    assert "wildcard" in notice.lines[0]
