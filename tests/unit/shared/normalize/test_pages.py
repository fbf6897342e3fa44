"""A page that is glanced at gives what its records give one by one: the same matches, the same that can't be read."""

import json
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from responders.catalogue import CATALOGUE
from responders.detections.directory_samples import ROLE_ASSIGNABLE_GROUP, ROLE_HOLDER, SAMPLE_PROFILE
from responders.detections.samples import BREAK_GLASS, BY_USER, TENANT, audit_record
from responders.detections.sign_in_samples import sign_in_record
from shared.detect.matcher import Matcher
from shared.model.kinds import Image
from shared.model.profile import TenantProfile
from shared.normalize import EVERY_RECORD, Interest, Reading, read_batch, read_stream
from shared.normalize.glance import glances
from tests.fakes.record_strategies import Json, any_json, broken_records, lookalikes, places, replaced

_NO_WORDS: Final = TenantProfile(consumer_tenants=frozenset())
_OF_CONSUMERS: Final = msgspec.structs.replace(SAMPLE_PROFILE, consumer_tenants=frozenset({TENANT}))
_MATCHERS: Final = [Matcher(CATALOGUE, words) for words in (SAMPLE_PROFILE, _OF_CONSUMERS, _NO_WORDS, TenantProfile())]
_HITS: Final = [record for one in CATALOGUE for record in (*one.hits, *one.misses)]
_SOMEBODY: Final = "3d1f0c52-86b7-4e9a-a4c8-52e7d90b61f3"
_FEW_OF: Final = 40
"""So many records around one that is wanted have it cut out by its id."""


def compact(value: object) -> bytes:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode(errors="surrogatepass")


def escaped(value: object) -> bytes:
    return json.dumps(value, indent=1, allow_nan=False).encode()


def listed(records: list[Any]) -> object:
    return records


def page(records: list[Any]) -> object:
    return {"@odata.context": "https://graph.microsoft.com/beta/$metadata", "value": records, "@odata.nextLink": "x"}


def exported(records: list[Any]) -> object:
    return {"records": records}


@st.composite
def _changed_hits(draw: st.DrawFn) -> Image:
    """A record that a detection looks at, with up to three of its values changed to those of another one."""
    record, other = draw(st.sampled_from(_HITS)), draw(st.sampled_from(_HITS))
    values = [value for path in places(other) if isinstance(value := _at(other, path), str)]
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from([path for path in places(record) if isinstance(_at(record, path), str)]))
        text = _at(record, path)
        known = (
            text.upper(),
            f" {text} ",
            BREAK_GLASS,
            ROLE_HOLDER.upper(),
            ROLE_ASSIGNABLE_GROUP,
            draw(st.sampled_from(values)),
        )
        record = replaced(record, path, draw(st.sampled_from(known)))
    return record


def _at(record: Any, path: Iterable[str | int]) -> Any:  # noqa: ANN401 - anything that JSON has
    for name in path:
        record = record[name]
    return record


def _filler(place: int) -> Json:
    return audit_record("Update device", id=f"filler {place}")


_records: Final = _changed_hits() | _changed_hits() | broken_records() | lookalikes | any_json


def _outcome(readings: Iterable[Reading], matcher: Matcher) -> tuple[int, list[tuple[object, ...]]]:
    """Give how many records there were, and of those that match or can't be read what becomes of them, in order."""
    number, found = 0, list[tuple[object, ...]]()
    for reading in readings:
        assert reading.index == number
        number += reading.records
        met = [one.id for one in matcher.matches(reading.event)] if reading.event else []
        steps = [one.id for one in matcher.matches_step_a(reading.event)] if reading.event else []
        if met or steps or reading.unreadable or reading.not_judged:
            said = (reading.unreadable, reading.not_judged, reading.is_json)
            found.append((reading.index, reading.raw.strip(), met, steps, *said))
    return number, found


@settings(deadline=None, max_examples=60)
@given(
    records=st.lists(_records, max_size=6),
    fillers=st.sampled_from((0, 0, _FEW_OF)),
    form=st.sampled_from((listed, page, exported)),
    write=st.sampled_from((compact, escaped)),
    matcher=st.sampled_from(_MATCHERS),
)
def test_a_page_gives_what_its_records_give_one_by_one(
    records: list[Any],
    fillers: int,
    form: Callable[[list[Any]], object],
    write: Callable[[object], bytes],
    matcher: Matcher,
) -> None:
    try:
        raw = write(form([*records, *map(_filler, range(fillers)), *records[:1]]))
    except ValueError:
        reject()  # a number that JSON hasn't
    at_once = _outcome(read_batch(raw, tenant_id=TENANT, interest=matcher.interest), matcher)
    one_by_one = _outcome(read_stream([raw], tenant_id=TENANT, interest=matcher.interest), matcher)
    assert at_once == one_by_one


@settings(deadline=None, max_examples=60)
@given(records=st.lists(_changed_hits(), min_size=1, max_size=6), matcher=st.sampled_from(_MATCHERS))
def test_nothing_matches_that_is_passed_over_at_a_glance(records: list[Any], matcher: Matcher) -> None:
    raw = compact(page(records))
    every = list(read_batch(raw, tenant_id=TENANT, interest=EVERY_RECORD))
    assert _outcome(read_batch(raw, tenant_id=TENANT, interest=matcher.interest), matcher) == _outcome(every, matcher)


def test_the_laws_are_about_records_that_are_passed_over_and_records_that_match() -> None:
    matcher = _MATCHERS[0]
    assert glances(compact(page(_HITS))), "the catalogue's records can be glanced at"
    readings = list(read_batch(compact(page(_HITS)), tenant_id=TENANT, interest=matcher.interest))
    passed_over = sum(reading.records for reading in readings if not reading.raw)
    matched = sum(bool(reading.event and matcher.matches(reading.event)) for reading in readings)
    assert passed_over > len(_HITS) / 20
    assert matched > len(_HITS) / 10


def _readings(records: list[Any], matcher: Matcher, *, tenant_id: str = TENANT) -> list[Reading]:
    return list(read_batch(compact(page(records)), tenant_id=tenant_id, interest=matcher.interest))


def test_records_that_are_passed_over_one_after_another_are_one_reading() -> None:
    wanted = audit_record("Delete conditional access policy", id="wanted")
    records = [*map(_filler, range(30)), wanted, *map(_filler, range(30, 50))]
    before, found, after = _readings(records, _MATCHERS[0])
    assert [(one.index, one.records) for one in (before, found, after)] == [(0, 30), (30, 1), (31, 20)]
    assert (before.raw, found.raw, after.raw) == (b"", compact(wanted), b"")


def _member(**target: object) -> Json:
    return audit_record("Add member to group", initiatedBy=BY_USER, targetResources=[target])


_OF_ROLES: Final = [
    {"displayName": " group.OBJECTID ", "oldValue": None, "newValue": f'"{ROLE_ASSIGNABLE_GROUP.upper()}"'}
]
_OF_NONE: Final = [{"displayName": "Group.ObjectID", "oldValue": None, "newValue": f'"{_SOMEBODY}"'}]


@pytest.mark.parametrize(
    ("record", "is_wanted"),
    [
        (_member(id=_SOMEBODY, type="User", modifiedProperties=_OF_NONE), False),
        (_member(id=_SOMEBODY, type="User", modifiedProperties=_OF_ROLES), True),
        (_member(id=f" {BREAK_GLASS.upper()}", type="User", modifiedProperties=[]), True),
        (_member(id=None, displayName=BREAK_GLASS, type="User", modifiedProperties=[]), True),
        (_member(id="00000000-0000-0000-0000-000000000000", userPrincipalName=BREAK_GLASS, type="User"), True),
        (_member(id=_SOMEBODY, type="User", modifiedProperties=None), False),
        (audit_record("Reset password (by admin)", targetResources=[{"id": _SOMEBODY, "type": "User"}]), False),
        (audit_record("Reset password (by admin)", targetResources=[{"id": "nobody's", "type": "User"}]), True),
        (audit_record("Reset password (by admin)", targetResources=None), True),
        (sign_in_record(userId=_SOMEBODY, status={"errorCode": 0}), False),
        (sign_in_record(userId=ROLE_HOLDER.upper(), status={"errorCode": 0}), True),
        (sign_in_record(userId=_SOMEBODY, status={"errorCode": 0}, authenticationProtocol="ROPC"), True),
    ],
)
def test_what_a_glance_shows(record: Json, *, is_wanted: bool) -> None:
    (reading,) = _readings([record], _MATCHERS[0])
    assert bool(reading.raw) is is_wanted


def test_what_is_about_consumers_is_passed_over_in_another_tenant() -> None:
    created = audit_record("Add user", targetResources=[{"id": _SOMEBODY, "type": "User"}])
    of_consumers, of_staff = (_readings([created], _MATCHERS[1], tenant_id=one)[0] for one in (TENANT, _SOMEBODY))
    assert (bool(of_consumers.event), bool(of_staff.raw)) == (True, False)


_DELETED: Final = "Delete conditional access policy"


@pytest.mark.parametrize(
    "wanted",
    [
        audit_record(_DELETED, id="filler 39"),
        audit_record(_DELETED, id='a "quoted" one'),
        audit_record(_DELETED, id=None),
        {"activityDisplayName": _DELETED} | audit_record(_DELETED, id="not first"),
        audit_record(_DELETED, id="b", targetResources=[{"id": "b", "displayName": '{"id":"b"'}, {"id": "next"}]),
        audit_record(_DELETED, id="b", targetResources=[{"id": "filler 0", "type": '},{"id":"filler 0"'}]),
    ],
    ids=["an id twice", "an id in quotes", "no id", "an id that isn't first", "a target's id", "the next one's id"],
)
def test_each_record_that_is_wanted_is_cut_out_whole(wanted: Json) -> None:
    record = {name: value for name, value in wanted.items() if value is not None}
    before = [audit_record("Update device", id="a", targetResources=[{"id": "b"}])]
    for records in ([*before, record, *map(_filler, range(_FEW_OF))], [*map(_filler, range(_FEW_OF)), record]):
        found = [one.raw for one in _readings(records, _MATCHERS[0]) if one.raw]
        assert found == [compact(record)]


def test_a_record_that_is_there_twice_is_read_twice() -> None:
    wanted = audit_record(_DELETED, id="twice")
    records = [wanted, *map(_filler, range(_FEW_OF)), wanted, _filler(99)]
    assert [one.index for one in _readings(records, _MATCHERS[0]) if one.event] == [0, _FEW_OF + 1]


@pytest.mark.parametrize(
    "raw", [b'{"value":[{"id":"1"}],"tables":[]}', b'{"value":[1]}', b'{"id":"1"}', b"[[]]", b"", b'{"value":[{"id":']
)
def test_what_is_no_page_of_records_is_not_glanced_at(raw: bytes) -> None:
    assert glances(raw) is None


def test_each_name_is_asked_for_once_in_a_page() -> None:
    asked: list[tuple[str, str]] = []

    def at_a_glance(_log: object, name: str, tenant_id: str) -> bool:
        asked.append((name, tenant_id))
        return False

    interest = Interest(at_a_glance=at_a_glance, in_record=EVERY_RECORD.in_record)
    records = [audit_record("Update device"), audit_record("Add device"), audit_record("Update device")]
    (passed,) = read_batch(compact(records), tenant_id=TENANT.upper(), interest=interest)
    assert (passed.records, asked) == (3, [("Update device", TENANT), ("Add device", TENANT)])
