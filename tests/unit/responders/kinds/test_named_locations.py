"""Named locations: leaves, records, the bin, what is sent, and what guards refuse."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responders.kinds.ca_context import LIST_NAMED_LOCATIONS, CaContext
from responders.kinds.ca_policies import CA_POLICY
from responders.kinds.named_location_leaves import leaves, type_of
from responders.kinds.named_locations import (
    CREATE_NAMED_LOCATION,
    GET_NAMED_LOCATION,
    LIST_DELETED_LOCATIONS,
    LIST_DELETED_LOCATIONS_BETA,
    NAMED_LOCATION,
    UNDELETE_LOCATION,
    UNDELETE_LOCATION_BETA,
    UPDATE_NAMED_LOCATION,
)
from shared.conditional_access.account import Principal
from shared.conditional_access.truth import Truth
from shared.model.errors import EdgeError, Refused, Rejected, Throttled, Unreachable
from shared.model.kinds import Image
from shared.model.object_kinds import CameBack, GuardFacts, Search
from shared.model.objects import EXISTS, WHOLE, ObjectId, Op
from tests.fakes.kinds import difference, op_of, write_of
from tests.fakes.object_records import as_dotnet_spells, object_record
from tests.fakes.scripted_api import ScriptedApi
from tests.fakes.situations import AT, EMERGENCY_ACCOUNT, ca_policy

_ID = "10ca7000-1111-4222-8333-444444444444"
_IP = "#microsoft.graph.ipNamedLocation"
_COUNTRY = "#microsoft.graph.countryNamedLocation"


def _range(cidr: str) -> Image:
    kind = "#microsoft.graph.iPv6CidrRange" if ":" in cidr else "#microsoft.graph.iPv4CidrRange"
    return {"@odata.type": kind, "cidrAddress": cidr}


def _office(**changes: Any) -> Image:  # noqa: ANN401 - JSON
    return {
        "@odata.type": _IP,
        "id": _ID,
        "displayName": "Office",
        "createdDateTime": "2026-01-05T09:00:00Z",
        "modifiedDateTime": "2026-01-05T09:00:00Z",
        "isTrusted": True,
        "ipRanges": [_range("203.0.113.0/24"), _range("2001:db8::/32")],
    } | changes


def _home(**changes: Any) -> Image:  # noqa: ANN401 - JSON
    return {
        "@odata.type": _COUNTRY,
        "id": _ID,
        "displayName": "Home",
        "countriesAndRegions": ["IE", "DE"],
        "countryLookupMethod": "clientIpAddress",
        "includeUnknownCountriesAndRegions": False,
    } | changes


# Leaves.


def test_it_is_split_into_scalars_and_members() -> None:
    assert leaves(_office()) == {
        EXISTS: True,
        "displayName": "Office",
        "isTrusted": True,
        "ipRanges[203.0.113.0/24]": "203.0.113.0/24",
        "ipRanges[2001:db8::/32]": "2001:db8::/32",
    }
    assert leaves(_home(countryLookupMethod="authenticatorAppGps", includeUnknownCountriesAndRegions=True)) == {
        EXISTS: True,
        "displayName": "Home",
        "countriesAndRegions[ie]": "IE",
        "countriesAndRegions[de]": "DE",
        "countryLookupMethod": "authenticatorAppGps",
        "includeUnknownCountriesAndRegions": True,
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (_office(ipRanges=[_range("203.0.113.77/24")]), _office(ipRanges=[_range("203.0.113.0/24")])),
        (_office(ipRanges=[_range("203.0.113.7")]), _office(ipRanges=[_range("203.0.113.7/32")])),
        (_office(ipRanges=[_range("2001:0DB8:0:0::/32")]), _office(ipRanges=[_range("2001:db8::/32")])),
        (_office(ipRanges=[{"cidrAddress": "203.0.113.0/24"}]), _office(ipRanges=["203.0.113.0/24"])),
        (_office(ipRanges=[*reversed(_office()["ipRanges"])]), _office()),
        (_office(isTrusted=False), _office(isTrusted=None)),
        (_home(), {name: value for name, value in _home().items() if not name.startswith(("countryL", "includeU"))}),
        (_home(countriesAndRegions=["de", " IE"]), _home()),
        (_home(countryLookupMethod="ClientIPAddress"), _home()),
        (_office(modifiedDateTime="2026-02-05T09:00:00Z", deletedDateTime="2026-02-05T09:00:00Z"), _office()),
    ],
)
def test_spellings_of_the_same_are_the_same(one: Image, other: Image) -> None:
    assert difference(leaves(one), leaves(other), NAMED_LOCATION) == {}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"isTrusted": False}, {"isTrusted"}),
        ({"displayName": "office"}, {"displayName"}),
        (
            {"ipRanges": [_range("203.0.113.0/25"), _range("2001:db8::/32")]},
            {"ipRanges[203.0.113.0/24]", "ipRanges[203.0.113.0/25]"},
        ),
        ({"orbit": "low"}, {"orbit"}),
    ],
)
def test_what_differs_differs(*, change: Image, named: set[str]) -> None:
    assert difference(leaves(_office()), leaves(_office(**change)), NAMED_LOCATION).keys() == named


def test_a_range_that_is_not_understood_is_a_member_as_it_stands() -> None:
    odd = {"@odata.type": "#microsoft.graph.iPv4Range", "lowerAddress": "203.0.113.4", "upperAddress": "203.0.113.9"}
    stands = _office(ipRanges=[odd, _range("198.51.100.0/24")])
    assert odd in leaves(stands).values()
    api = ScriptedApi({UPDATE_NAMED_LOCATION: None})
    target = leaves(_office(ipRanges=[odd]))
    NAMED_LOCATION.write(api, write_of(NAMED_LOCATION, _ID, stands, target))
    assert api.bodies(UPDATE_NAMED_LOCATION) == [{"@odata.type": _IP, "ipRanges": [odd]}]


@pytest.mark.parametrize(
    ("leaf", "joint"), [(EXISTS, True), ("isTrusted", True), ("ipRanges[::/0]", False), ("displayName", False)]
)
def test_what_must_not_be_taken_apart(*, leaf: str, joint: bool) -> None:
    assert NAMED_LOCATION.rules.is_joint(leaf) is joint


def test_its_type_follows_from_what_it_holds() -> None:
    assert type_of(leaves(_office(isTrusted=False))) == _IP
    assert type_of(leaves(_home())) == _COUNTRY
    assert type_of({EXISTS: True, "displayName": "All compliant networks"}) == ""


def test_it_shares_the_lane_of_the_policies() -> None:
    location = ObjectId(tenant_id="t", kind=NAMED_LOCATION.kind, key="k")
    policy = ObjectId(tenant_id="t", kind=CA_POLICY.kind, key="p")
    other = ObjectId(tenant_id="u", kind=CA_POLICY.kind, key="p")
    lane = NAMED_LOCATION.lane(location, _ID, None)
    assert lane == CA_POLICY.lane(policy, "p", None)
    assert lane != CA_POLICY.lane(other, "p", None)


# Records.


def _recorded(activity: str, **more: Any) -> Any:  # noqa: ANN401 - what the kind gives
    event = object_record(activity, **{"service": "Conditional Access", "target": _ID.upper()} | more)
    return NAMED_LOCATION.recorded(event)


def _as_logged(location: Image) -> Image:
    """Records leave types out."""
    ranges = [{"cidrAddress": each["cidrAddress"]} for each in location.get("ipRanges", [])]
    return {name: value for name, value in location.items() if "@odata" not in name} | (
        {"ipRanges": ranges} if ranges else {}
    )


def _as_dotnet_logs(location: Image) -> Image:
    return as_dotnet_spells(_as_logged(location))


@pytest.mark.parametrize("spell", [_as_logged, _as_dotnet_logs])
@pytest.mark.parametrize("named", ["NamedLocation", "Anything"])
def test_a_record_has_the_difference_of_leaves_in_whatever_property(*, spell: Any, named: str) -> None:  # noqa: ANN401
    before, after = _office(), _office(isTrusted=False, ipRanges=[_range("0.0.0.0/1")])
    (found,) = _recorded("Update Named Location ", old=spell(before), new=spell(after), named=named)
    assert (found.object_id, found.op, found.is_whole) == (_ID, Op.UPDATE, True)
    assert found.wrote == difference(leaves(before), leaves(after), NAMED_LOCATION)


@pytest.mark.parametrize(
    ("activity", "op"),
    [("Add named location", Op.CREATE), ("Restore named location", Op.CREATE), ("Delete named location", Op.DELETE)],
)
def test_a_record_of_a_location_that_came_or_went_has_all_of_it(*, activity: str, op: Op) -> None:
    sides = {"new" if op is Op.CREATE else "old": _as_logged(_home())}
    (found,) = _recorded(activity, **sides)
    here, there = ({}, leaves(_home())) if op is Op.CREATE else (leaves(_home()), {})
    assert (found.op, found.wrote, found.is_whole) == (op, difference(here, there, NAMED_LOCATION), True)


@pytest.mark.parametrize(
    "new",
    [
        None,
        '{"displayName":"Office","ipRan',
        {"KnownNetworkPolicies": {"NetworkName": "Office", "CidrIpRanges": ["203.0.113.0/24"]}},
        _as_logged(_office()) | {"ipRanges": [{"lowerAddress": "203.0.113.4"}]},
        {"id": _ID, "displayName": "Office", "isTrusted": True},
    ],
)
def test_what_a_record_does_not_have_whole_is_not_whole(new: Any) -> None:  # noqa: ANN401 - JSON
    (found,) = _recorded("Update named location", old=_as_logged(_office()), new=new)
    assert not found.is_whole
    (found,) = _recorded("Add named location", new=new)
    assert (found.wrote[EXISTS], found.is_whole) == ((None, True), False)


@pytest.mark.parametrize(
    ("activity", "more"),
    [
        ("Update named location", {"outcome": "failure"}),
        ("Update named location", {"service": "Core Directory"}),
        ("Update conditional access policy", {}),
        ("Update named location", {"target": ""}),
    ],
)
def test_other_records_say_nothing(*, activity: str, more: dict[str, Any]) -> None:
    assert _recorded(activity, old=_as_logged(_office()), new=_as_logged(_home()), **more) == ()


# Searching.


@pytest.mark.parametrize(
    ("standing", "since", "found"),
    [
        (_office(id="other"), None, True),
        (_office(id="other", isTrusted=False), None, True),
        (_office(id="other", displayName="Another"), None, False),
        (_office(id="other", ipRanges=[_range("203.0.113.0/24")]), None, False),
        (_office(id="other", createdDateTime=f"{AT:%Y-%m-%dT%H:%M:%SZ}"), AT, True),
        (_office(id="other"), AT, False),
        (_office(id="other", createdDateTime=None), AT, False),
        (_office(displayName="Renamed since"), AT, True),
    ],
)
def test_a_twin_is_of_the_same_content_and_no_older(*, standing: Image, since: Any, found: bool) -> None:  # noqa: ANN401
    search = Search(ids=(_ID.upper(),), name="Office", target=leaves(_office()), since=since)
    api = ScriptedApi({LIST_NAMED_LOCATIONS: [standing]})
    assert (NAMED_LOCATION.found(api, search) is not None) is found


# Writing.


@pytest.mark.parametrize(
    ("stands", "wanted", "body"),
    [
        (_office(isTrusted=False), _office(), {"@odata.type": _IP, "isTrusted": True}),
        (_office(), _office(isTrusted=False), {"@odata.type": _IP, "isTrusted": False}),
        (
            _office(ipRanges=[_range("0.0.0.0/1")], displayName="x"),
            _office(ipRanges=[_range("203.0.113.9/24")]),
            {"@odata.type": _IP, "displayName": "Office", "ipRanges": [_range("203.0.113.0/24")]},
        ),
        (
            _home(countryLookupMethod="authenticatorAppGps", includeUnknownCountriesAndRegions=True),
            _home(),
            {
                "@odata.type": _COUNTRY,
                "countryLookupMethod": "clientIpAddress",
                "includeUnknownCountriesAndRegions": False,
            },
        ),
        (
            _home(countriesAndRegions=["IE", "DE", "KP"]),
            _home(),
            {"@odata.type": _COUNTRY, "countriesAndRegions": ["DE", "IE"]},
        ),
        (_office(orbit="low"), _office(), {"@odata.type": _IP, "orbit": None}),
    ],
)
def test_no_more_is_sent_than_the_properties_that_change(*, stands: Image, wanted: Image, body: Image) -> None:
    api = ScriptedApi({UPDATE_NAMED_LOCATION: None})
    assert NAMED_LOCATION.write(api, write_of(NAMED_LOCATION, _ID, stands, leaves(wanted))) == _ID
    assert api.bodies(UPDATE_NAMED_LOCATION) == [body]


def test_an_unwanted_one_is_made_untrusted_and_then_left() -> None:
    api = ScriptedApi({UPDATE_NAMED_LOCATION: None})
    NAMED_LOCATION.write(api, write_of(NAMED_LOCATION, _ID, _office(), {}))
    NAMED_LOCATION.write(api, write_of(NAMED_LOCATION, _ID, _office(isTrusted=False), {}))
    assert api.bodies(UPDATE_NAMED_LOCATION) == [{"@odata.type": _IP, "isTrusted": False}]
    assert NAMED_LOCATION.removal is not None
    assert NAMED_LOCATION.removal(leaves(_office())) == {"isTrusted": (True, None)}
    assert NAMED_LOCATION.removal(leaves(_home())) == {}


def _scripted(answers: dict[Any, Any]) -> ScriptedApi:
    made = {UPDATE_NAMED_LOCATION: None, CREATE_NAMED_LOCATION: _office(id="new", isTrusted=False)}
    return ScriptedApi(made | answers)


def _brought_back(answers: dict[Any, Any], wanted: Image | None = None) -> ScriptedApi:
    api = _scripted(answers)
    back = NAMED_LOCATION.write(api, write_of(NAMED_LOCATION, _ID, None, leaves(wanted or _office())))
    is_new = any(each.call == CREATE_NAMED_LOCATION for each in api.sent)
    assert back == ("new" if is_new else _ID)
    return api


_BINNED = _office(isTrusted=False, ipRanges=[_range("0.0.0.0/1")], deletedDateTime="2026-03-01T00:00:00Z")


@pytest.mark.parametrize("wraps", [False, True])
def test_it_comes_out_of_the_bin_and_becomes_as_it_was(*, wraps: bool) -> None:
    answer = {"value": _BINNED} if wraps else _BINNED
    api = _brought_back({LIST_DELETED_LOCATIONS: [_BINNED], UNDELETE_LOCATION: answer})
    assert [each.call for each in api.sent] == [UNDELETE_LOCATION, UPDATE_NAMED_LOCATION]
    (body,) = api.bodies(UPDATE_NAMED_LOCATION)
    assert body["isTrusted"] is True
    assert len(body["ipRanges"]) == 2


def test_where_the_answer_does_not_say_how_it_came_back_it_is_read() -> None:
    bins = {LIST_DELETED_LOCATIONS: [_BINNED], UNDELETE_LOCATION: None}
    api = _brought_back(bins | {GET_NAMED_LOCATION: _BINNED})
    assert len(api.bodies(UPDATE_NAMED_LOCATION)) == 1
    api = _scripted(bins | {GET_NAMED_LOCATION: None})
    back = NAMED_LOCATION.write(api, write_of(NAMED_LOCATION, _ID, None, leaves(_office())))
    assert back == CameBack(tenants_id=_ID, leaves=leaves(_BINNED)), "nothing is set on what doesn't show yet"
    assert api.bodies(UPDATE_NAMED_LOCATION) == []


@pytest.mark.parametrize("status", [400, 403, 404, 405])
@pytest.mark.parametrize("refused", [LIST_DELETED_LOCATIONS, UNDELETE_LOCATION])
def test_where_v1_does_not_serve_the_bin_beta_is_asked_and_then_it_is_made_again(*, status: int, refused: Any) -> None:  # noqa: ANN401
    error = Refused("no", status=status) if status == 403 else Rejected("no", status=status)
    bins = {LIST_DELETED_LOCATIONS: [_BINNED], UNDELETE_LOCATION: _BINNED, refused: error}
    beta = {LIST_DELETED_LOCATIONS_BETA: [_BINNED], UNDELETE_LOCATION_BETA: _BINNED}
    api = _brought_back(bins | beta)
    assert [each.call for each in api.sent] == [UNDELETE_LOCATION_BETA, UPDATE_NAMED_LOCATION]
    api = _brought_back(bins | beta | {UNDELETE_LOCATION_BETA: error})
    assert [each.call for each in api.sent] == [CREATE_NAMED_LOCATION, UPDATE_NAMED_LOCATION]


@pytest.mark.parametrize("error", [Refused("no", status=401), Throttled("later"), Unreachable("cut", status=503)])
@pytest.mark.parametrize("failing", [LIST_DELETED_LOCATIONS, UNDELETE_LOCATION])
def test_what_may_pass_makes_no_twin(*, error: EdgeError, failing: Any) -> None:  # noqa: ANN401 - a call
    with pytest.raises(type(error)):
        _brought_back({LIST_DELETED_LOCATIONS: [_BINNED], UNDELETE_LOCATION: _BINNED, failing: error})


def test_what_would_be_trusted_at_once_with_other_ranges_is_made_again() -> None:
    trusted = _BINNED | {"isTrusted": True}
    api = _brought_back({LIST_DELETED_LOCATIONS: [trusted]})
    assert [each.call for each in api.sent] == [CREATE_NAMED_LOCATION, UPDATE_NAMED_LOCATION]
    api = _brought_back({LIST_DELETED_LOCATIONS: [_office()], UNDELETE_LOCATION: _office()})
    assert [each.call for each in api.sent] == [UNDELETE_LOCATION]


def test_it_is_made_again_untrusted_and_then_trusted() -> None:
    api = _brought_back({LIST_DELETED_LOCATIONS: [_office(id="another")]})
    (made,), (amended,) = api.bodies(CREATE_NAMED_LOCATION), api.bodies(UPDATE_NAMED_LOCATION)
    assert made == {
        "@odata.type": _IP,
        "displayName": "Office",
        "isTrusted": False,
        "ipRanges": [_range("2001:db8::/32"), _range("203.0.113.0/24")],
    }
    assert amended == {"@odata.type": _IP, "isTrusted": True}


def test_countries_are_made_again_with_how_they_are_looked_up() -> None:
    api = _brought_back({LIST_DELETED_LOCATIONS: [], CREATE_NAMED_LOCATION: _home(id="new")}, _home())
    (made,) = api.bodies(CREATE_NAMED_LOCATION)
    assert made["countryLookupMethod"] == "clientIpAddress"
    assert made["includeUnknownCountriesAndRegions"] is False
    assert api.bodies(UPDATE_NAMED_LOCATION) == []


def test_an_answer_without_an_id_is_a_lost_answer() -> None:
    with pytest.raises(Unreachable):
        _brought_back({LIST_DELETED_LOCATIONS: [], CREATE_NAMED_LOCATION: {}})


_cidrs = st.one_of(
    st.ip_addresses(v=4, network="198.18.0.0/15").map(lambda address: f"{address}/28"),
    st.ip_addresses(v=6, network="2001:db8::/32").map(lambda address: f"{address}/64"),
)


@st.composite
def _locations(draw: st.DrawFn) -> Image:
    return _office(
        ipRanges=[_range(each) for each in draw(st.lists(_cidrs, min_size=1, max_size=4))],
        isTrusted=draw(st.booleans()),
        displayName=draw(st.sampled_from(["Office", "Elsewhere"])),
    )


@given(_locations(), _locations())
def test_after_a_write_it_is_exactly_the_target(stands: Image, wanted: Image) -> None:
    api = ScriptedApi({UPDATE_NAMED_LOCATION: None})
    NAMED_LOCATION.write(api, write_of(NAMED_LOCATION, _ID, stands, leaves(wanted)))
    after = dict(stands)
    for body in api.bodies(UPDATE_NAMED_LOCATION):
        after |= body
    assert leaves(after) == leaves(wanted)


# Guards.


def _judged(stands: Image | None, target: Image | None, around: CaContext | None) -> Any:  # noqa: ANN401 - objections
    before, after = leaves(stands) if stands else {}, leaves(target) if target else {}
    facts = GuardFacts(
        tenant=ScriptedApi().tenant,
        object_id=_ID,
        op=op_of(before, after),
        steps=difference(before, after, NAMED_LOCATION),
        stands=before,
        target=after,
        stands_image=stands,
        around=around,
        baseline={},
    )
    if around is None:
        NAMED_LOCATION.look_around(ScriptedApi(), facts)  # fails if it reads anything
    return NAMED_LOCATION.objections(facts)


_READ = CaContext(policies={}, locations={_ID: _office()}, strengths={})


@pytest.mark.parametrize(
    ("around", "words"),
    [
        (CaContext(policies=None, locations={}, unread={"policies": "throttled"}), "throttled"),
        (CaContext(policies={}, locations=None, unread={"named locations": "throttled"}), "throttled"),
    ],
)
@pytest.mark.parametrize(
    ("stands", "target"),
    [
        (_office(), _office(isTrusted=False)),
        (_office(), _office(ipRanges=[_range("198.51.100.0/24")])),
        (_home(), _home(countriesAndRegions=["IE"])),
        (None, _office()),
        (_office(), None),
    ],
)
def test_what_cannot_be_read_never_counts_as_fine(
    *, stands: Image | None, target: Image | None, around: CaContext, words: str
) -> None:
    objection = _judged(stands, target, around)[WHOLE]
    assert (objection.guard, objection.can_pass) == ("emergency-sign-in", True)
    assert words in objection.because
    assert _judged(stands, target, _READ) == {}


@pytest.mark.parametrize(
    ("stands", "target"), [(_office(), _office(displayName="x")), (None, _office(isTrusted=False)), (None, _home())]
)
def test_what_decides_about_no_sign_in_reads_nothing_and_passes(*, stands: Image | None, target: Image) -> None:
    assert _judged(stands, target, None) == {}


def test_a_location_of_neither_addresses_nor_countries_is_not_made() -> None:
    objection = _judged(None, {"displayName": "All compliant networks"}, None)[WHOLE]
    assert (objection.guard, objection.can_pass) == ("kind-of-location", False)


_ACCOUNT = Principal(id=EMERGENCY_ACCOUNT, enabled=Truth.YES, key_allowed=Truth.YES)


def _blocking(**locations: list[str]) -> Image:
    return ca_policy(
        conditions={
            "users": {"includeUsers": ["All"]},
            "applications": {"includeApplications": ["All"]},
            "clientAppTypes": ["all"],
            "locations": locations,
        },
        grantControls={"operator": "OR", "builtInControls": ["block"]},
    )


@pytest.mark.parametrize(
    ("policy", "stands", "target", "refused"),
    [
        (_blocking(includeLocations=[_ID]), _office(), _office(ipRanges=[_range("198.51.100.0/24")]), True),
        (_blocking(includeLocations=[_ID]), _office(), _office(ipRanges=[_range("203.0.113.0/25")]), False),
        (
            _blocking(includeLocations=["All"], excludeLocations=["AllTrusted"]),
            _office(),
            _office(isTrusted=False),
            True,
        ),
        (_blocking(includeLocations=["All"], excludeLocations=["AllTrusted"]), _office(), None, True),
        (_blocking(includeLocations=["AllTrusted"]), _office(), None, False),
        (_blocking(includeLocations=["AllTrusted"]), None, _office(), True),
        (_blocking(includeLocations=[_ID]), _home(), _home(countriesAndRegions=["IE", "DE", "FR"]), True),
    ],
)
def test_what_would_keep_an_emergency_account_out_is_refused(
    *, policy: Image, stands: Image | None, target: Image | None, refused: bool
) -> None:
    standing = {_ID: stands} if stands else {}
    around = CaContext(policies={policy["id"]: policy}, locations=standing, strengths={}, accounts=(_ACCOUNT,))
    found = _judged(stands, target, around)
    assert bool(found) is refused
    if refused:
        assert EMERGENCY_ACCOUNT in found[WHOLE].because
        assert found[WHOLE].can_pass


def test_nobody_loses_or_gets_access_by_name() -> None:
    assert NAMED_LOCATION.loses(leaves(_office()), {}) == NAMED_LOCATION.gains({}, leaves(_office())) == frozenset()


def test_graph_says_when_it_was_made_and_changed() -> None:
    made = NAMED_LOCATION.made(
        _office(createdDateTime=f"{AT:%Y-%m-%dT%H:%M:%S}Z", modifiedDateTime="2026-03-02T10:00:01")
    )
    assert (made.at, made.changed_at, made.by) == (AT, None, "")
    assert NAMED_LOCATION.made(_home()).at is None
    later = AT + timedelta(seconds=1)
    assert NAMED_LOCATION.made(_office(modifiedDateTime=later.isoformat())).changed_at == later
