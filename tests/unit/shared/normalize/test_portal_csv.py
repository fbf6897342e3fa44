"""The portal's CSV files: what they hold is found as in the records themselves."""

import json
from typing import Any, Final

import pytest

from responders.catalogue import CATALOGUE
from responders.detections.directory_samples import SAMPLE_PROFILE
from responders.detections.samples import TENANT, audit_record
from responders.detections.sign_in_samples import consumer_record
from shared.detect.matcher import Matcher
from shared.model.events import ActorKind, AuditEvent, Log, SignInEvent
from shared.normalize import Reading, read_stream
from shared.normalize.portal_csv import csv_as_json
from tests.fakes.portal_csv import AUDIT_HEADINGS, audit_csv, fits, sign_in_csv
from tests.fakes.record_strategies import everything

type Record = dict[str, Any]

_MATCHER: Final = Matcher(CATALOGUE, SAMPLE_PROFILE)


def _read(text: bytes, *, size: int = 1 << 20) -> list[Reading]:
    chunks = [text[start : start + size] for start in range(0, len(text), size)]
    return [*read_stream(csv_as_json(chunks), tenant_id=TENANT, interest=everything)]


def _met(readings: list[Reading]) -> list[set[str]]:
    assert [reading.unreadable for reading in readings] == [""] * len(readings)
    return [{one.id for one in _MATCHER.matches(reading.event)} for reading in readings if reading.event is not None]


def _samples(log: Log, member: str) -> list[Record]:
    """Give the samples of Graph's own shape."""
    of_log = [one for one in CATALOGUE if one.log is log]
    return [record for one in of_log for record in (*one.hits, *one.misses) if member in record]


_AUDITS: Final = [record for record in _samples(Log.AUDIT, "activityDisplayName") if fits(record)]
_NOT_IN_THE_FILE: Final = {"authenticationDetails", "riskEventTypes_v2"}
_SIGN_INS: Final = [
    record
    for record in _samples(Log.SIGN_IN, "createdDateTime")
    if record["location"] is not None and record["isInteractive"] and not record.keys() & _NOT_IN_THE_FILE
]


@pytest.mark.parametrize(
    ("records", "written"),
    [(_AUDITS, audit_csv(_AUDITS)), (_SIGN_INS, sign_in_csv(_SIGN_INS))],
    ids=["audit", "sign-ins"],
)
def test_detections_match_a_file_as_they_match_its_records(records: list[Record], written: bytes) -> None:
    assert len(records) > 50
    wanted = _met([*read_stream([json.dumps(records).encode()], tenant_id=TENANT, interest=everything)])
    found = _met(_read(written))
    assert [
        (place, wanted[place], found[place]) for place in range(len(records)) if wanted[place] != found[place]
    ] == []


def test_it_does_not_matter_where_a_chunk_ends() -> None:
    text = audit_csv([audit_record("Update user", resultReason='two\r\nlines, "quoted" \N{EN DASH}')] * 3)
    whole = [reading.event for reading in _read(text)]
    assert len(whole) == 3
    for size in (1, 2, 3, 7, 64):
        assert [reading.event for reading in _read(text, size=size)] == whole


@pytest.mark.parametrize(
    ("differences", "kind", "has_id"),
    [
        ({"ActorType": "User", "ActorObjectId": TENANT}, ActorKind.USER, True),
        ({"ActorType": "Application", "ActorServicePrincipalId": TENANT}, ActorKind.SERVICE_PRINCIPAL, True),
        ({"ActorType": "Application", "ActorObjectId": TENANT, "ActorDisplayName": "x"}, "servicePrincipal", False),
        ({"ActorServicePrincipalId": TENANT}, ActorKind.SERVICE_PRINCIPAL, True),
        ({}, ActorKind.UNKNOWN, False),
    ],
)
def test_who_acted(differences: Record, kind: str, has_id: bool) -> None:  # noqa: FBT001 - a column of the table
    row = {"Date (UTC)": "2026-03-17T09:24:51Z", "Activity": "Delete user"} | differences
    cells = ",".join(str(row.get(heading, "")) for heading in AUDIT_HEADINGS)
    (reading,) = _read(f"{','.join(AUDIT_HEADINGS)}\n{cells}\n".encode())
    assert isinstance(reading.event, AuditEvent)
    assert reading.event.actor.kind == kind
    assert (reading.event.actor.id == TENANT) is has_id


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [("Success", "", "0"), ("Failure", "50126", "50126"), ("Failure", "", ""), ("Interrupted", "50140", "50140")],
)
def test_a_success_has_no_code_in_the_file_and_a_failure_without_one_is_none(
    status: str, code: str, error: str
) -> None:
    heading = "Date (UTC),Request ID,Status,Sign-in error code,Username,Location"
    (reading,) = _read(f'{heading}\n2026-03-17T09:24:51Z,r,{status},{code},robin,"Utrecht, Utrecht, NL"\n'.encode())
    assert isinstance(reading.event, SignInEvent)
    assert (reading.event.error_code, reading.event.country, reading.event.city) == (error, "NL", "Utrecht")


@pytest.mark.parametrize("date", ["3/12/2025 7:22:01 AM", "", "soon"])
def test_a_row_whose_date_is_no_instant_is_unreadable_and_keeps_back_no_other(date: str) -> None:
    good = "2026-03-17T09:24:51Z"
    rows = "".join(f"{one},Policy,Delete user,success\n" for one in (good, date, good))
    readings = _read(f"Date (UTC),Category,Activity,Result\n{rows}".encode())
    assert [bool(reading.unreadable) for reading in readings] == [False, True, False]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"Date (UTC),Name\n2026-03-17T09:24:51Z,x\n",
        b"Fecha (UTC),Actividad\n",
        json.dumps([consumer_record(0)]).encode(),
        json.dumps({"Date (UTC)": 1, "Activity": 2, "Category": 3}).encode(),
    ],
)
def test_any_other_text_stays_as_it_is(text: bytes) -> None:
    for size in (1, 1 << 20):
        chunks = [text[start : start + size] for start in range(0, len(text), size)]
        assert b"".join(csv_as_json(chunks)) == text


def test_a_cell_that_is_too_long_is_one_unreadable_row() -> None:
    good = "2026-03-17T09:24:51Z,Policy,Delete user,success\n"
    long = f"2026-03-17T09:24:51Z,Policy,{'x' * 200_000},success\n"
    readings = _read(f"Date (UTC),Category,Activity,Result\n{good}{long}{good}".encode())
    assert [bool(reading.unreadable) for reading in readings] == [False, True, False]
