"""Records as rows of Log Analytics, and rows that miss or just meet a condition."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from shared.model.conditions import All, AnyOf, Condition, Contains, EndsWith, Is, Not, OneOf, StartsWith
from shared.model.detections import AnyDetection
from tests.fakes.record_strategies import activity_row, audit_row, places, replaced, sign_in_row

type Json = dict[str, Any]
type Place = tuple[str | int, ...]

TABLES: Final[dict[str, dict[str, str]]] = json.loads(
    Path(__file__).with_name("log_analytics_tables.json").read_text(encoding="utf-8")
)
"""The columns of each table and their types."""

_NOT_TEXT: Final = {"Type", "Id", "TenantId", "AADTenantId", "CorrelationId", "OperationVersion"}


def row_of(record: Json) -> Json:
    """Give the row that a record of any other shape has in Log Analytics."""
    if "activityDisplayName" in record:
        return audit_row(record)
    if "createdDateTime" in record:
        return sign_in_row(record)
    if record.get("category") == "AuditLogs":
        return audit_row(record["properties"])
    if "properties" in record and "createdDateTime" in record["properties"]:
        return sign_in_row(record["properties"])
    return _activity_row(record)


def _activity_row(record: Json) -> Json:
    data = record.get("data") or record.get("identity") or record
    status = record.get("resultType") or data["status"]
    operation = record.get("operationName") or data["operationName"]
    return activity_row(
        {
            "eventTimestamp": next(record[name] for name in ("eventTimestamp", "eventTime", "time") if name in record),
            "operationName": operation if isinstance(operation, dict) else {"value": operation},
            "status": {"value": ""},
            "correlationId": "",
            "eventDataId": "94c3e1d8-7ab0-4f56-85d2-b60f2e9c713a",
            "caller": "morgan@fabrikam.onmicrosoft.com",
            "httpRequest": {"clientIpAddress": "198.51.100.23"},
            "authorization": data["authorization"],
            "claims": data["claims"],
            "properties": record.get("properties", {}),
            "resourceId": record.get("resourceId") or data.get("resourceUri") or record.get("subject"),
            "subscriptionId": "3e81f6a0-27bc-4d95-8c43-07d1a9e4b652",
        }
    ) | {"ActivityStatusValue": status["value"] if isinstance(status, dict) else status}


def table_of(row: Json) -> str:
    """Name the table that a row is in."""
    return str(row["Type"])


def words_of(condition: Condition[Any]) -> Iterator[str]:
    """Give every word that a condition compares with."""
    match condition:
        case Is(_, word) | StartsWith(_, word) | EndsWith(_, word) | Contains(_, word):
            yield word
        case OneOf(_, words):
            yield from sorted(words)
        case All(terms) | AnyOf(terms):
            for term in terms:
                yield from words_of(term)
        case Not(term):
            yield from words_of(term)


_SPACES: Final = " \t\n\N{NO-BREAK SPACE}\N{EM SPACE}\N{IDEOGRAPHIC SPACE}\N{LINE TABULATION}\N{NEXT LINE}"
_HYPHENS: Final = "-\N{EN DASH}\N{EM DASH}\N{NON-BREAKING HYPHEN}\N{MINUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}"


@st.composite
def variants(draw: st.DrawFn, word: str) -> str:
    """Draw a spelling of `word` in other case, spaces and dashes, or something near it that it shouldn't be."""
    blanks, hyphens = st.text(_SPACES, min_size=1, max_size=3), st.sampled_from(_HYPHENS)
    spelt = "".join(draw(blanks) if one == " " else draw(hyphens) if one == "-" else one for one in word)
    cased = draw(st.sampled_from((str, str.upper, str.title, str.lower)))(spelt)
    padded = draw(st.sampled_from(("", " ", "\N{NO-BREAK SPACE}\t"))) + cased + draw(st.sampled_from(("", " ", "\r\n")))
    near = (padded, padded, padded, f"{cased}x", f"x{cased}", cased[:-1], cased.replace(" ", ""), "")
    return draw(st.sampled_from(near))


@st.composite
def rows(draw: st.DrawFn, detection: AnyDetection) -> Json:
    """Draw a row like one of a detection's samples, with up to two texts in it spelt or put otherwise."""
    sample = draw(st.sampled_from((*detection.hits, *detection.hits, *detection.misses)))
    row = _opened(row_of(sample))
    words = sorted(set(words_of(detection.when)))
    for _ in range(draw(st.integers(0, 2))):
        texts = [place for place in places(row) if _is_text(row, place)]
        with_words = [place for place in texts if str(_at(row, place)).strip().casefold() in words]
        place = draw(st.sampled_from(with_words or texts) if draw(st.integers(0, 3)) else st.sampled_from(texts))
        word = draw(st.sampled_from([str(_at(row, place)), *words]))
        row = replaced(row, place, draw(variants(word) | st.none()))
    return _closed(row)


def _opened(row: Json) -> Json:
    """Read the columns that hold JSON, so that what is in them can be changed too."""
    return {name: json.loads(text) if _holds_json(row, name) and text else text for name, text in row.items()}


def _closed(row: Json) -> Json:
    return {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in row.items()}


def _holds_json(row: Json, name: str) -> bool:
    return isinstance(row[name], str) and str(row[name]).startswith(("{", "["))


def _is_text(row: Json, place: Place) -> bool:
    column = TABLES[table_of(row)].get(str(place[0]), "")
    return column in {"string", "dynamic"} and place[0] not in _NOT_TEXT and isinstance(_at(row, place), str)


def _at(row: Json, place: Place) -> object:
    value: Any = row
    for name in place:
        value = value[name]
    return value
