import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.normalize import Reading, read_batch, read_stream
from shared.normalize.pieces import pieces
from tests.fakes.record_strategies import SAMPLES, Json, everything, written

RECORDS = list(SAMPLES.values())
GOOD = RECORDS[0]


def read(raw: bytes) -> list[Reading]:
    return list(read_batch(raw, tenant_id="t", interest=everything))


def stream(raw: bytes, size: int) -> list[Reading]:
    chunks = (raw[start : start + size] for start in range(0, len(raw), size))
    return list(read_stream(chunks, tenant_id="t", interest=everything))


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def indented(value: object) -> bytes:
    return json.dumps(value, indent=3).encode()


def page(records: list[Json]) -> bytes:
    link = "https://graph.microsoft.com/v1.0/auditLogs/directoryAudits?$skiptoken=[{x}],"
    return compact(
        {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata", "@odata.nextLink": link, "value": records}
    )


ENVELOPES = {
    "page": page(RECORDS),
    "page whose link comes last": compact({"value": RECORDS, "@odata.nextLink": 'https://x/?$skip="]}'}),
    "list": compact(RECORDS),
    "indented list": json.dumps(RECORDS, indent=2).encode(),
    "records": compact({"records": RECORDS}),
    "indented page": json.dumps({"@odata.count": len(RECORDS), "value": RECORDS}, indent=4).encode(),
    "one a line": b"\n".join(map(compact, RECORDS)),
    "one a line, Windows": b"\xef\xbb\xbf" + b"\r\n".join(map(compact, RECORDS)) + b"\r\n\r\n",
    "indented, one after another": b"\n".join(json.dumps(record, indent=1).encode() for record in RECORDS),
    "a list a line": b"\n".join(compact([record]) for record in RECORDS),
    "records, a line each": b"\n".join(
        compact({"records": RECORDS[place : place + 3]}) for place in range(0, len(RECORDS), 3)
    ),
    "list of lists": compact([RECORDS[:2], RECORDS[2:]]),
    "list of records": compact([{"records": RECORDS[:2]}, {"records": RECORDS[2:]}]),
}


@pytest.mark.parametrize("raw", ENVELOPES.values(), ids=ENVELOPES)
def test_every_envelope_holds_the_same_records(raw: bytes) -> None:
    readings = read(raw)
    assert [reading.unreadable for reading in readings] == [""] * len(RECORDS)
    assert [reading.event for reading in readings] == [read(compact(record))[0].event for record in RECORDS]
    assert [reading.index for reading in readings] == list(range(len(RECORDS)))


@pytest.mark.parametrize("raw", ENVELOPES.values(), ids=ENVELOPES)
@pytest.mark.parametrize("size", [1000, 1 << 20])
def test_a_stream_is_read_like_a_whole(raw: bytes, size: int) -> None:
    streamed = stream(raw, size)
    assert [reading.event for reading in streamed] == [reading.event for reading in read(raw)]
    assert [reading.raw.strip() for reading in streamed] == [reading.raw.strip() for reading in read(raw)]


@pytest.mark.parametrize("record", RECORDS, ids=SAMPLES)
@pytest.mark.parametrize("dump", [compact, written, indented])
def test_the_bytes_of_a_record_are_kept_as_they_came(record: Json, dump: Callable[[object], bytes]) -> None:
    raw = dump(record)
    for batch in (raw, b"[" + raw + b"]", b'{"value":[' + raw + b"]}", b'{"records": [' + raw + b", " + raw + b"] }"):
        assert {reading.raw for reading in read(batch)} == {raw}


@pytest.mark.parametrize("raw", [b"[]", b'{"value":[]}', b'{"records":[]}', b"", b"  \n", b"\xef\xbb\xbf", b"[[]]"])
def test_an_empty_batch_has_no_records(raw: bytes) -> None:
    assert read(raw) == []
    assert stream(raw, 1) == []


BROKEN = {
    "not closed": b'{"activityDisplayName": "Add user"',
    "no JSON": b'{"activityDisplayName": nope}',
    "a number": b"7",
    "a text": b'"hello"',
    "half a pair": b'{"x": "\\ud800"}',
    "not UTF-8": b'{"activityDisplayName": "\xff\xfe"}',
    "too deep": b'{"x":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "no shape": b'{"x": 1}',
    "a huge number": b'{"activityDateTime": 1e999, "activityDisplayName": "x"}',
    "null": b"null",
}


@pytest.mark.parametrize(
    "broken", [value for name, value in BROKEN.items() if name != "not closed"], ids=lambda raw: raw[:30]
)
@pytest.mark.parametrize("form", [b"[%b,%b,%b]", b'{"value":[%b,%b,%b]}', b"%b\n%b\n%b\n"])
def test_one_broken_record_never_stops_its_batch(broken: bytes, form: bytes) -> None:
    good = compact(GOOD)
    before, bad, after = read(form % (good, broken, good))
    assert before.event == after.event == read(good)[0].event is not None
    assert (bad.event, bad.index, bad.raw) == (None, 1, broken)
    assert bad.unreadable


def test_a_line_that_is_not_closed_spoils_only_itself() -> None:
    good = compact(GOOD)
    readings = read(good + b"\n" + BROKEN["not closed"] + b"\n" + good)
    assert [bool(reading.unreadable) for reading in readings] == [False, True, False]


@pytest.mark.parametrize("envelope", ["page", "list", "records", "one a line", "indented list"])
def test_a_batch_that_was_cut_short_gives_its_whole_records_and_says_so(envelope: str) -> None:
    raw = ENVELOPES[envelope]
    for cut in random.Random(7).sample(range(len(raw) // 2, len(raw) - 2), 20):  # noqa: S311 - the same cuts each time
        *whole, last = read(raw[:cut])
        expected = [read(compact(record))[0].event for record in RECORDS]
        assert [reading.event for reading in whole] == expected[: len(whole)]
        assert last.event == expected[len(whole)] if envelope == "one a line" and last.event else last.unreadable


def test_a_list_that_ends_between_two_records_is_cut_short_too() -> None:
    good = compact(GOOD)
    for raw in (b"[" + good, b"[" + good + b",", b'{"value":[' + good):
        whole, missing = read(raw)
        assert whole.event is not None
        assert "truncated" in missing.unreadable


def test_what_follows_a_list_in_a_broken_page_is_not_lost() -> None:
    good = compact(GOOD)
    assert [bool(reading.event) for reading in read(b'{"value":[' + good + b"] " + good)] == [True, True]
    inside, after = read(b'{"value":[' + good + b"] nonsense}")
    assert inside.event is not None
    assert after.raw == b" nonsense}"
    assert "isn't JSON" in after.unreadable


@pytest.mark.parametrize(
    "text", [b'# Heading\n\nSome [text](link), "quoted".\n', b"{{{{", b"PK\x03\x04\x00\x00", b"]", b"<html>[1]</html>"]
)
def test_a_text_without_json_is_one_unreadable_record(text: bytes) -> None:
    (reading,) = read(text)
    assert (reading.raw, reading.index, reading.is_json) == (text, 0, False)
    assert "isn't JSON" in reading.unreadable


def test_a_lone_surrogate_does_not_hide_a_record() -> None:
    record = GOOD | {"resultReason": "a\ud800b", "activityDisplayName": "Add user"}
    for raw in (written(record), b"[" + written(record) + b"," + written(GOOD) + b"]"):
        reading = read(raw)[0]
        assert reading.event is not None
        assert reading.event.reason == "a\N{REPLACEMENT CHARACTER}b"  # pyright: ignore[reportAttributeAccessIssue]
        assert reading.raw == written(record)


def test_a_pair_of_surrogates_stays_one_character() -> None:
    record = GOOD | {"resultReason": "\N{SMILING FACE WITH OPEN MOUTH} \\ud800 \ud800"}
    (reading,) = read(written(record))
    assert reading.event is not None
    assert reading.event.reason == "\N{SMILING FACE WITH OPEN MOUTH} \\ud800 \N{REPLACEMENT CHARACTER}"  # pyright: ignore[reportAttributeAccessIssue]


def test_lists_in_lists_have_an_end() -> None:
    raw: Json | list[Any] = GOOD
    for _ in range(10):
        raw = [raw]
    (reading,) = read(compact(raw))
    assert "list in a list" in reading.unreadable


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.sampled_from(RECORDS), max_size=4), st.sampled_from(["list", "page", "lines", "indented"]), st.data()
)
def test_cutting_does_not_depend_on_the_chunks(records: list[Json], form: str, data: st.DataObject) -> None:
    raw = {
        "list": compact(records),
        "page": page(records),
        "lines": b"\n".join(map(compact, records)),
        "indented": json.dumps(records, indent=2).encode(),
    }[form]
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)), max_size=6)))

    def chunks() -> Iterator[bytes]:
        for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
            if raw[start:end]:
                yield raw[start:end]

    cut = list(pieces(chunks()))
    assert cut == list(pieces([raw]))
    assert [json.loads(piece) for piece in cut] == records


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.sampled_from([b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"\n", b" ", b"a", b"1", b'"value":[']))
)
def test_every_byte_that_is_not_blank_or_a_comma_ends_up_in_a_piece_or_an_envelope(parts: list[bytes]) -> None:
    raw = b"".join(parts)
    assert len(b"".join(pieces([raw]))) <= len(raw)
    assert list(pieces([raw])) == list(pieces([raw[place : place + 1] for place in range(len(raw))]))
