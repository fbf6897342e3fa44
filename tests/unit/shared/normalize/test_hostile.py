"""Whatever arrives, a reading comes of it, and soon: an event, or the reason why there is none."""

import json
import time
from collections.abc import Callable
from functools import reduce
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responders.catalogue import CATALOGUE
from responders.detections.samples import CA_POLICY, audit_record, ca_policy_record
from shared.detect.matcher import Matcher
from shared.model.events import AuditEvent, ResourceEvent, SignInEvent
from shared.normalize import Reading, read_batch, read_stream
from tests.fakes.record_strategies import (
    SAMPLES,
    Json,
    any_json,
    broken_records,
    everything,
    lookalikes,
    nested_string,
    places,
    replaced,
    written,
)

MATCHER = Matcher(CATALOGUE)
_LARGE = 1_000_000


def read(raw: bytes) -> list[Reading]:
    """Read `raw` as a whole and as a stream, and check what must hold of every reading."""
    readings = list(read_batch(raw, tenant_id="t", interest=everything))
    for reading in readings:
        assert isinstance(reading.event, AuditEvent | SignInEvent | ResourceEvent) is not bool(reading.unreadable)
        assert len(raw) > _LARGE or reading.raw in raw
        if reading.event is not None:
            MATCHER.matches(reading.event)
            assert msgspec.json.encode(reading.event)
            assert reading.event.at.utcoffset().total_seconds() == 0  # pyright: ignore[reportOptionalMemberAccess]
    assert len(list(read_stream([raw], tenant_id="t", interest=MATCHER.interest))) >= len(readings)
    return readings


@settings(deadline=None, max_examples=300)
@given(any_json)
def test_any_json_is_answered(value: object) -> None:
    read(written(value))


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_are_answered(raw: bytes) -> None:
    readings = read(raw)
    assert readings or not raw.strip(b" \t\r\n\v\f,[]\xef\xbb\xbf")


@settings(deadline=None, max_examples=300)
@given(lookalikes)
def test_the_keys_of_a_record_with_other_values_are_answered(value: Json) -> None:
    assert len(read(written([value]))) == 1 or "value" in value or "records" in value


@settings(deadline=None, max_examples=200)
@given(broken_records())
def test_a_real_record_with_something_wrong_in_it_is_answered(record: Json) -> None:
    assert read(written(record))


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(list(SAMPLES.values())), st.data())
def test_a_real_record_with_bytes_changed_is_answered(record: Json, data: st.DataObject) -> None:
    raw = bytearray(written(record))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    read(bytes(raw))


@settings(deadline=None, max_examples=100)
@given(st.lists(broken_records(), min_size=2, max_size=5))
def test_a_record_reads_the_same_alone_and_in_company(records: list[Json]) -> None:
    together = [(reading.event, reading.unreadable) for reading in read(written(records))]
    alone = [(reading.event, reading.unreadable) for record in records for reading in read(written([record]))]
    assert together == alone


_CHANGE: Json = {"displayName": "ConditionalAccessPolicy", "oldValue": None, "newValue": '"new"'}


def _changed(*changes: Json) -> Json:
    target = {"id": CA_POLICY["id"], "type": "Policy", "modifiedProperties": changes}
    return ca_policy_record("Update conditional access policy", targetResources=[target])


def _property(value: str) -> Json:
    return _changed(_CHANGE | {"newValue": value})


LARGE = 10_000_000
MANY = 300_000
COSTLY: dict[str, Callable[[], bytes]] = {
    "strings in strings, 50 deep": lambda: written(_property(nested_string(50))),
    "a property of 10 MB": lambda: written(_property("x" * LARGE)),
    "a property of quotes": lambda: written(_property('"' * MANY)),
    "a property of backslashes": lambda: written(_property('"' + "\\" * MANY)),
    "a property of lone surrogates": lambda: written(_property('"' + "\ud800x" * MANY)),
    "a name of combining marks": lambda: written(audit_record("e\u0323\u0301" * MANY)),
    "opening brackets": lambda: b"[" * MANY,
    "opening braces": lambda: b"{" * MANY,
    "empty lists": lambda: b"[" + b"[]," * 20_000,
    "5,000 modified properties": lambda: written(_changed(*(_CHANGE | {"displayName": f"P{n}"} for n in range(5_000)))),
    "null characters": lambda: written(_property("\u0000" * MANY)),
    "an open string": lambda: b'{"a": "' + b"a" * LARGE,
    "quotes": lambda: b'[{"a":' + b'"' * MANY,
    "commas": lambda: b"[1" + b"," * LARGE,
    "members": lambda: written({f"member{number}": number for number in range(100_000)}),
    "targets": lambda: written(
        ca_policy_record("Update conditional access policy", targetResources=[{"id": "x"}] * 10_000)
    ),
    "digits": lambda: b'{"createdDateTime":"2026-03-17T09:20:11Z","status":{"errorCode":' + b"9" * 100_000 + b"}}",
    "deep JSON in a string": lambda: written(_property("[" * 100_000)),
    "a column that is deep JSON": lambda: written(SAMPLES["audit row"] | {"TargetResources": "[" * 100_000}),
}


@pytest.mark.parametrize("make", COSTLY.values(), ids=COSTLY)
def test_a_costly_record_is_answered_in_bounded_time(make: Callable[[], bytes]) -> None:
    raw = make()
    started = time.process_time()
    assert read(raw)
    assert time.process_time() - started < 20


def test_a_property_of_10_mb_is_kept_whole() -> None:
    (reading,) = read(COSTLY["a property of 10 MB"]())
    assert isinstance(reading.event, AuditEvent)
    assert reading.event.target.changes[0].new == "x" * LARGE


def test_strings_in_strings_are_opened_once() -> None:
    (reading,) = read(written(_property(nested_string(3))))
    assert isinstance(reading.event, AuditEvent)
    assert reading.event.target.changes[0].new == json.loads(nested_string(3))


def test_every_one_of_5000_modified_properties_is_kept() -> None:
    (reading,) = read(COSTLY["5,000 modified properties"]())
    assert isinstance(reading.event, AuditEvent)
    assert [change.name for change in reading.event.target.changes] == [f"P{number}" for number in range(5_000)]


def _texts(sample: Json) -> list[tuple[tuple[str | int, ...], str]]:
    found = ((path, reduce(lambda value, name: value[name], path, cast("Any", sample))) for path in places(sample))
    return [(path, value) for path, value in found if isinstance(value, str)]


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
@pytest.mark.parametrize("text", ["\0", "\ud800", "a\0b", "\ud800\udc00\udc00"])
def test_an_odd_text_in_any_place_costs_no_more_than_its_record(sample: Json, text: str) -> None:
    for path, _ in _texts(sample):
        (reading,) = read(written([replaced(sample, path, text)]))
        assert reading.is_json


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
@pytest.mark.parametrize("date", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"])
def test_a_date_that_can_not_be_right_is_told_or_decides_nothing(sample: Json, date: str) -> None:
    """The year 1 is what .NET writes for no date; in some zones it is before the first that Python knows."""
    dates = [path for path, value in _texts(sample) if value.startswith("2026-")]
    readings = [reading for path in dates for reading in read(written([replaced(sample, path, date)]))]
    assert any("years 2000 to 2099 are read" in reading.unreadable for reading in readings)
    assert all(reading.event is None or reading.event.at.year == 2026 for reading in readings)
