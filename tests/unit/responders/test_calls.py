"""Every call is declared, declared right, and known to Microsoft's SDK."""

import re
from functools import cache
from importlib import import_module
from importlib.resources import files
from pkgutil import iter_modules
from types import ModuleType

import pytest

from responders import account_acts, kinds, left_out, posture, read_probes, registrations, rosters, runbooks, sources
from responders.catalogue import CATALOGUE
from responders.content import KINDS
from responders.kinds import identity_providers, named_locations
from responders.permissions import BY_HAND, CALLS, GRANTS, app_role_ids
from responders.posture.reports import FILTERED_IN_BETA
from responders.rosters import ROSTERS
from responders.runbooks import federation_reading
from shared.model.calls import ID_SHAPES, Call, Lane, Permission, Service

_MODULES: tuple[ModuleType, ...] = (
    sources,
    rosters,
    left_out,
    registrations,
    read_probes,
    account_acts,
    *(
        import_module(f"{package.__name__}.{each.name}")
        for package in (kinds, posture, runbooks)
        for each in iter_modules(package.__path__)
    ),
)
_REMEDIATIONS = tuple(each.remediation for each in CATALOGUE if each.remediation)
_INVENTORIES = tuple(each.inventory for each in KINDS if each.inventory)

_WHYS = {
    rosters.CA_POLICIES_IN_BETA,
    named_locations.WHY_BETA,
    identity_providers.WHY_BETA,
    federation_reading.GET_ORGANIZATION.why_beta,
    FILTERED_IN_BETA,
}
_IN_BOTH = {sources.SIGN_INS, *(call for call in CALLS if call.why_beta in _WHYS)}
"""Those that v1.0 has as well, and answers with less, or may not serve."""

each_call = pytest.mark.parametrize("call", [*CALLS, *BY_HAND], ids=lambda call: f"{call.method} {call.path}")


_BUILDER = re.compile(
    rb"^msgraph\.generated\.([\w.]+)\.\w+RequestBuilder::\|public\|(get|post|patch|put|delete)\(", re.MULTILINE
)


@cache
def _sdk() -> frozenset[tuple[bytes, bytes]]:
    """Path and method of every request of Microsoft's v1.0 SDK, by its own list of everything in it."""
    listed = files("msgraph").joinpath("generated", "kiota-dom-export.txt").read_bytes()
    return frozenset(_BUILDER.findall(listed))


def _is_in_v1(call: Call) -> bool:
    segments = ("item" if part.startswith("{") else part.lstrip("$") for part in call.path.strip("/").split("/"))
    return (".".join(segments).encode(), call.method.lower().encode()) in _sdk()


@each_call
def test_it_is_in_the_version_that_it_is_declared_for(call: Call) -> None:
    if call.service is not Service.ARM:
        assert _is_in_v1(call) == (call.service is Service.GRAPH or call in _IN_BOTH)
    assert bool(call.why_beta) == (call.service is Service.GRAPH_BETA)


def test_the_comparison_with_the_sdk_can_fail() -> None:
    wrong = Call(method="PUT", service=Service.GRAPH, path="/identity/conditionalAccess/policies", needs=())
    assert not _is_in_v1(wrong)


_WITH_SLASHES = ("role_assignment", "scope", "diagnostic_setting", "system_topic", "event_subscription")
"""Placeholders for whole resource ids."""


@each_call
def test_its_path_has_only_placeholders_that_are_checked(call: Call) -> None:
    placeholders: list[str] = re.findall(r"\{(\w+)\}", call.path)
    assert set(placeholders) <= ID_SHAPES.keys()
    filled = re.sub(rf"\{{(?:{'|'.join(_WITH_SLASHES)})\}}", "/x", call.path)
    assert filled.startswith("/")
    assert "?" not in filled
    assert "//" not in filled


@each_call
def test_its_permissions_are_of_its_service(call: Call) -> None:
    assert call.needs
    assert all(("/" in permission) == (call.service is Service.ARM) for permission in call.needs)


@each_call
def test_conditional_access_and_identity_protection_share_a_lane(call: Call) -> None:
    shares = "/conditionalAccess/" in call.path or call.path.startswith("/identityProtection/")
    assert (call.lane is Lane.CONDITIONAL_ACCESS) == shares


@each_call
def test_what_makes_something_new_is_never_sent_twice(call: Call) -> None:
    assert call.repeatable == (call.method != "POST" and call not in BY_HAND)


def test_every_call_is_in_the_list_once() -> None:
    declared = {id(call): call for module in _MODULES for call in _declared_in(module)}.values()
    every = (*CALLS, *BY_HAND)
    assert sorted(every, key=_by_path) == sorted(declared, key=_by_path)
    assert len({(call.service, call.method, call.path) for call in every}) == len(every)


def _by_path(call: Call) -> tuple[str, str, str]:
    return call.service, call.path, call.method


def _declared_in(module: ModuleType) -> list[Call]:
    return [value for value in vars(module).values() if isinstance(value, Call)]


def test_whatever_makes_calls_takes_them_from_the_list() -> None:
    by_hand = {each.kind for each in _INVENTORIES if each.is_by_hand}
    assert all(each.by_hand for each in KINDS if each.kind in by_hand)
    for user in (*_REMEDIATIONS, *_INVENTORIES, *KINDS, *ROSTERS):
        assert bool(user.calls) != (user.kind in by_hand and user not in _REMEDIATIONS)
        assert set(user.calls) <= set(CALLS)


def test_no_permission_is_asked_for_nothing() -> None:
    assert {permission for call in (*CALLS, *BY_HAND) for permission in call.needs} == set(Permission)


def test_what_is_left_to_be_granted_by_hand_is_granted_to_nobody() -> None:
    by_hand = {permission for call in BY_HAND for permission in call.needs}
    assert by_hand
    assert by_hand.isdisjoint(grant.permission for grant in GRANTS)
    assert by_hand.isdisjoint(app_role_ids())
