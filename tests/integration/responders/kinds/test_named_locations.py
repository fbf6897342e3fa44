"""Named locations of the simulated tenant, over HTTP, with the records that it writes itself."""

from typing import Any

import pytest

from infra.local import world
from responders.kinds.named_location_leaves import leaves
from responders.kinds.named_locations import NAMED_LOCATION
from shared.model.kinds import Image
from shared.model.objects import WHOLE, Op
from tests.fakes.kinds import difference, objections, write_of, written
from tests.fakes.recorded import recorded_of
from tests.integration.responders.conftest import SimulatedTenant

_CA = "/v1.0/identity/conditionalAccess"
_LOCATIONS = f"{_CA}/namedLocations"
_IP = "#microsoft.graph.ipNamedLocation"
_COUNTRY = "#microsoft.graph.countryNamedLocation"


def _range(cidr: str) -> Image:
    kind = "#microsoft.graph.iPv6CidrRange" if ":" in cidr else "#microsoft.graph.iPv4CidrRange"
    return {"@odata.type": kind, "cidrAddress": cidr}


def _read(simulated: SimulatedTenant, location_id: str) -> Image:
    found = NAMED_LOCATION.read(simulated.workforce, location_id)
    assert found is not None
    return found


def _does(simulated: SimulatedTenant, method: str, path: str, body: Image | None = None) -> Image:
    with simulated.control.as_principal(world.MALLORY, "graph") as mallory:
        answer = mallory.request(method, path, json=body).raise_for_status()
    return answer.json() if answer.content else {}


_CHANGES: list[tuple[str, Image]] = [
    (world.OFFICE, {"@odata.type": _IP, "displayName": "Mallory's office"}),
    (world.OFFICE, {"@odata.type": _IP, "isTrusted": False}),
    (world.OFFICE, {"@odata.type": _IP, "ipRanges": [_range("203.0.113.9/24"), _range("198.51.100.0/24")]}),
    (world.OFFICE, {"@odata.type": _IP, "ipRanges": [_range("2001:DB8:0::/48")], "isTrusted": False}),
    (world.HOME_COUNTRIES, {"@odata.type": _COUNTRY, "countriesAndRegions": ["DE", "KP"]}),
    (
        world.HOME_COUNTRIES,
        {
            "@odata.type": _COUNTRY,
            "includeUnknownCountriesAndRegions": True,
            "countryLookupMethod": "authenticatorAppGps",
        },
    ),
]


@pytest.mark.parametrize(("location", "body"), _CHANGES, ids=str)
def test_a_change_is_recorded_whole_and_put_back(simulated: SimulatedTenant, *, location: str, body: Image) -> None:
    before = _read(simulated, location)
    _does(simulated, "PATCH", f"{_LOCATIONS}/{location}", body)
    after = _read(simulated, location)
    (recorded,) = recorded_of(NAMED_LOCATION, simulated.workforce, location)
    assert (recorded.op, recorded.is_whole) == (Op.UPDATE, True)
    assert recorded.wrote == difference(leaves(before), leaves(after), NAMED_LOCATION) != {}
    NAMED_LOCATION.write(simulated.workforce, write_of(NAMED_LOCATION, location, after, leaves(before)))
    assert leaves(_read(simulated, location)) == leaves(before)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"restore_app_only": True},
        {"restore_app_only": True, "restore_wraps_in_value": True},
        {"restore_app_only": True, "bin_in_v1": False},
    ],
)
@pytest.mark.parametrize("location", [world.OFFICE, world.HOME_COUNTRIES])
def test_a_deleted_one_is_brought_back_as_it_was_before_it_was_prepared_for_that(
    simulated: SimulatedTenant, *, location: str, settings: dict[str, Any]
) -> None:
    simulated.control.settings(**settings)
    before = _read(simulated, location)
    if before.get("isTrusted"):
        body = {"@odata.type": _IP, "isTrusted": False, "ipRanges": [_range("198.51.100.7/32")]}
        _does(simulated, "PATCH", f"{_LOCATIONS}/{location}", body)
    prepared = _read(simulated, location)
    _does(simulated, "DELETE", f"{_LOCATIONS}/{location}")
    assert NAMED_LOCATION.read(simulated.workforce, location) is None
    recorded = recorded_of(NAMED_LOCATION, simulated.workforce, location)[-1]
    assert (recorded.op, recorded.is_whole) == (Op.DELETE, True)
    assert recorded.wrote == difference(leaves(prepared), {}, NAMED_LOCATION)
    write = write_of(NAMED_LOCATION, location, None, leaves(before), name=before["displayName"])
    assert objections(NAMED_LOCATION, simulated.workforce, location, None, leaves(before)) == {}
    back = written(NAMED_LOCATION, simulated.workforce, write)
    assert (back == location) == bool(settings)
    assert leaves(_read(simulated, back)) == leaves(before)
    own = recorded_of(NAMED_LOCATION, simulated.workforce, back)
    assert own[-1].op is (Op.CREATE if location == world.HOME_COUNTRIES else Op.UPDATE)


def test_an_unwanted_one_is_recorded_whole_and_made_untrusted_though_it_is_used(simulated: SimulatedTenant) -> None:
    ranges = [_range("198.51.100.0/24"), _range("2001:db8::/32")]
    body = {"@odata.type": _IP, "displayName": "Head office 2", "isTrusted": True, "ipRanges": ranges}
    made = _does(simulated, "POST", _LOCATIONS, body)["id"]
    image = _read(simulated, made)
    (recorded,) = recorded_of(NAMED_LOCATION, simulated.workforce, made)
    assert (recorded.op, recorded.is_whole) == (Op.CREATE, True)
    assert recorded.wrote == difference({}, leaves(image), NAMED_LOCATION)
    _name_it_in_a_policy(simulated, made)
    assert NAMED_LOCATION.removal is not None
    steps = NAMED_LOCATION.removal(leaves(image))
    target = {leaf: value for leaf, value in leaves(image).items() if leaf not in steps}
    emergency = frozenset({world.BREAK_GLASS_1.id})
    assert objections(NAMED_LOCATION, simulated.workforce, made, image, target, emergency=emergency) == {}
    NAMED_LOCATION.write(simulated.workforce, write_of(NAMED_LOCATION, made, image, target))
    assert leaves(_read(simulated, made)) == target
    assert NAMED_LOCATION.removal(target) == {}
    deleted = write_of(NAMED_LOCATION, made, _read(simulated, made), {})
    assert NAMED_LOCATION.write(simulated.workforce, deleted) == made
    assert leaves(_read(simulated, made)) == target


def _name_it_in_a_policy(simulated: SimulatedTenant, location: str, **more: Any) -> str:  # noqa: ANN401 - JSON
    policy = {
        "displayName": "Outside only",
        "state": "enabled",
        "conditions": {
            "users": {"includeUsers": ["All"]},
            "applications": {"includeApplications": ["All"]},
            "locations": {"includeLocations": ["All"], "excludeLocations": [location]},
        },
        "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
    }
    return str(_does(simulated, "POST", f"{_CA}/policies", policy | more)["id"])


def test_what_would_keep_an_emergency_account_out_is_refused(simulated: SimulatedTenant) -> None:
    location = world.OFFICE
    block = {"grantControls": {"operator": "OR", "builtInControls": ["block"]}}
    _name_it_in_a_policy(simulated, location, **block)
    stands = _read(simulated, location)
    emergency = frozenset({world.BREAK_GLASS_1.id})

    def judged(target: dict[str, Any]) -> Any:  # noqa: ANN401 - objections
        return objections(NAMED_LOCATION, simulated.workforce, location, stands, target, emergency=emergency)

    elsewhere = leaves(stands | {"ipRanges": [_range("198.51.100.0/24")]})
    refused = judged(elsewhere)[WHOLE]
    assert f"emergency account {world.BREAK_GLASS_1.id}" in refused.because
    assert refused.can_pass
    assert judged(leaves(stands | {"ipRanges": [*stands["ipRanges"], _range("198.51.100.0/24")]})) == {}
    assert judged(leaves(stands | {"displayName": "Office"})) == {}


def test_records_cut_short_tell_less_and_say_so(simulated: SimulatedTenant) -> None:
    simulated.control.settings(record_value_limit=60)
    _does(simulated, "PATCH", f"{_LOCATIONS}/{world.OFFICE}", _CHANGES[1][1])
    (recorded,) = recorded_of(NAMED_LOCATION, simulated.workforce, world.OFFICE)
    assert (recorded.op, recorded.wrote, recorded.is_whole) == (Op.UPDATE, {}, False)


def test_the_inventory_has_them_all(simulated: SimulatedTenant) -> None:
    assert NAMED_LOCATION.inventory.read(simulated.workforce).keys() == {world.OFFICE, world.HOME_COUNTRIES}
