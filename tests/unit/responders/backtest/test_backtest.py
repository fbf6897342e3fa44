import csv
import io
import json
import shlex
import sys
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from responders.backtest.report import FileApprovals, Report
from responders.catalogue import BY_ID
from responders.cli import main
from responders.commands.backtest import Progress
from responders.detections.samples import (
    ADMINISTRATOR,
    BY_APP,
    CA_POLICY,
    PIPELINE,
    audit_record,
    ca_policy_record,
    custom_policy_record,
    event_grid_record,
)
from shared.model.cases import Decision, Standing
from shared.model.clock import utc_now
from shared.model.events import AuditEvent
from shared.normalize import read_batch
from tests.fakes.portal_csv import audit_csv
from tests.fakes.record_strategies import ROLE_WRITE, everything, written

type Json = dict[str, Any]
type Backtest = Callable[..., Json]

CREATED = BY_ID["ca-policy-created"]


def record(number: int, **differences: Any) -> Json:  # noqa: ANN401 - members of a record
    correlation = f"7b1f0c96-3d2a-4e85-9a67-{number:012}"
    return ca_policy_record("Add conditional access policy", new=CA_POLICY, correlationId=correlation, **differences)


def by(actor: str, name: str = "") -> Json:
    return {"user": {"id": actor, "userPrincipalName": name or f"{actor[:4]}@fabrikam.com"}, "app": None}


def row(**columns: object) -> Json:
    return {
        "PartitionKey": "conditional-access",
        "RowKey": ADMINISTRATOR,
        "kind": "user",
        "name": "Morgan Moss",
        "valid_from": "2026-11-01T00:00:00Z",
        "valid_until": "2027-05-01T00:00:00Z",
        "ticket": "CHG-1042",
        "approved_by": "Alice",
    } | columns


@pytest.fixture
def report(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Backtest:
    """Backtest records and give the JSON."""

    def run(records: object, *words: str, status: int = 0) -> Json:
        file = tmp_path / "records.json"
        file.write_bytes(written(records))
        assert main(["backtest", str(file), "--json", *words]) == status
        return json.loads(capfd.readouterr().out)

    return run


@pytest.fixture
def approvals(tmp_path: Path) -> Callable[[object], str]:
    def write(rows: object) -> str:
        file = tmp_path / "approvals.json"
        file.write_text(json.dumps(rows))
        return f"--approvals={file}"

    return write


def test_cases_are_counted_by_detection(report: Backtest) -> None:
    found = report(
        [record(1), record(2), audit_record("Add device"), event_grid_record(ROLE_WRITE), {"Operation": "x"}]
    )
    assert (found["records"], found["unreadable"], found["cases"], found["repeats"]) == (5, 1, 3, 0)
    assert [(one["detection"], one["risk"], one["cases"]) for one in found["detections"]] == [
        ("ca-policy-created", "high", 2),
        ("rbac-role-assigned", "high", 1),
    ]
    assert (found["from"], found["to"]) == ("2026-03-17T09:24:51.038415+00:00", "2026-03-17T09:24:52.617094+00:00")
    assert found["actors"] == [{"actor": ADMINISTRATOR, "name": "morgan@fabrikam.onmicrosoft.com", "cases": 3}]


def test_the_portals_csv_gives_the_same_report_as_its_records(
    report: Backtest, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    records = [record(1), record(2, initiatedBy=BY_APP), audit_record("Add device"), record(3)]
    file = tmp_path / "AuditLogs.csv"
    file.write_bytes(audit_csv(records))
    assert main(["backtest", str(file), "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == report(records)


def test_twins_and_duplicates_are_one_case(report: Backtest) -> None:
    twins = [custom_policy_record("Create custom policy", category=name) for name in ("Authorization", "Policy")]
    found = report([*twins, *twins, record(1), record(1)])
    assert (found["cases"], found["repeats"]) == (2, 4)


def test_without_approvals_nobodys_standing_is_known(report: Backtest) -> None:
    (counted,) = report([record(1)])["detections"]
    assert counted["standings"] == {"approved": 0, "unapproved": 0, "unknown": 1}
    assert counted["decisions"] == {"record": 0, "page": 1, "remediate": 0}


@pytest.mark.parametrize(
    ("columns", "standing", "decision"),
    [
        ({}, "approved", "record"),
        ({"RowKey": ADMINISTRATOR.upper()}, "approved", "record"),
        ({"RowKey": PIPELINE}, "unapproved", "remediate"),
        ({"revoked_at": "2026-01-01T00:00:00Z"}, "unapproved", "remediate"),
        ({"targets": CA_POLICY["id"]}, "approved", "record"),
        ({"targets": "another"}, "unapproved", "remediate"),
        ({"kind": "servicePrincipal"}, "unknown", "page"),
        ({"valid_until": "2026-01-01T00:00:00Z"}, "unknown", "page"),
        ({"ticket": ""}, "unknown", "page"),
        ({"PartitionKey": "rbac-roles"}, "unknown", "page"),
    ],
)
def test_the_approvals_decide(
    report: Backtest, approvals: Callable[[object], str], columns: Json, standing: str, decision: str
) -> None:
    (counted,) = report([record(1)], approvals([row(**columns)]))["detections"]
    assert [name for name, count in counted["standings"].items() if count] == [standing]
    assert [name for name, count in counted["decisions"].items() if count] == [decision]


@pytest.mark.parametrize("revoked_last", [True, False])
def test_what_was_said_last_of_an_actor_counts(
    report: Backtest,
    approvals: Callable[[object], str],
    revoked_last: bool,  # noqa: FBT001 - the parameter
) -> None:
    keys = [f"{ADMINISTRATOR}|2026-11-0{day}T00:00:00.000000Z" for day in (1, 2)]
    revoked, valid = keys[::-1] if revoked_last else keys
    rows = [row(RowKey=revoked, revoked_at="2026-01-01T00:00:00Z"), row(RowKey=valid)]
    (counted,) = report([record(1)], approvals(rows))["detections"]
    expected = "unapproved" if revoked_last else "approved"
    assert [name for name, count in counted["standings"].items() if count] == [expected]


def test_approvals_are_read_from_csv_and_from_the_cli_of_azure(report: Backtest, tmp_path: Path) -> None:
    text = io.StringIO()
    table = csv.DictWriter(text, [*row(), "Timestamp", "targets", "name@type"])
    table.writeheader()
    table.writerow(row() | {"Timestamp": "2026-11-01T00:00:00Z", "targets": "", "name@type": "Edm.String"})
    file = tmp_path / "approvals.csv"
    file.write_text("\N{ZERO WIDTH NO-BREAK SPACE}" + text.getvalue(), encoding="utf-8")
    assert report([record(1)], f"--approvals={file}")["detections"][0]["standings"]["approved"] == 1
    file.write_text(json.dumps({"items": [row(etag="W/1", revoked_at=None)], "nextMarker": {}}))
    assert report([record(1)], f"--approvals={file}")["detections"][0]["standings"]["approved"] == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"a": 1}', "should be a JSON list of rows"),
        (b"[", "are not JSON"),
        (b"[7]", "row 1 of"),
        (b'[{"PartitionKey": "conditional-access"}]', "has no RowKey: rows are of table ApprovedActors"),
        (b"list,actor\na,b\n", "has no PartitionKey and no RowKey"),
        (b"\xff\xfe\0", "should be JSON or CSV in UTF-8"),
        (None, "can't be read: No such file"),
    ],
)
def test_approvals_that_cannot_be_read_are_an_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], content: bytes | None, problem: str
) -> None:
    records, file = tmp_path / "records.json", tmp_path / "approvals"
    records.write_bytes(written([record(1)]))
    if content is not None:
        file.write_bytes(content)
    assert main(["backtest", str(records), "--approvals", str(file)]) == 2
    captured = capfd.readouterr()
    assert problem in captured.err
    assert captured.out == ""


def test_a_malformed_approval_is_told_and_counts_for_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    records, file = tmp_path / "records.json", tmp_path / "approvals.json"
    records.write_bytes(written([record(1)]))
    file.write_text(json.dumps([row(valid_until="next year")]))
    assert main(["backtest", str(records), "--approvals", str(file)]) == 0
    message = f"the row for {ADMINISTRATOR} on conditional-access counts for nothing: "
    assert message in capfd.readouterr().err


def test_the_ten_noisiest_come_with_a_command_that_can_be_run(report: Backtest) -> None:
    actors = [f"{number:08}-0000-4000-8000-000000000000" for number in range(12)]
    records = [
        record(100 * place + each, initiatedBy=by(actor))
        for place, actor in enumerate(actors)
        for each in range(place + 1)
    ]
    found = report([*records, *(record(5000 + each, initiatedBy=BY_APP) for each in range(20))])
    noisiest = found["noisiest"]
    assert [one["cases"] for one in noisiest] == [20, *range(12, 3, -1)]
    assert noisiest[0]["actor"] == PIPELINE
    until = (utc_now() + timedelta(days=180)).date()
    assert shlex.split(noisiest[0]["command"]) == [
        *("responder", "approve", "conditional-access", PIPELINE),
        *("--name=deployment-pipeline", "--kind=servicePrincipal", f"--until={until}", "--ticket=TICKET"),
    ]
    assert "this service principal" in noisiest[0]["suggestion"]
    assert "this person" in noisiest[1]["suggestion"]


def test_a_name_cannot_put_anything_else_into_the_command(report: Backtest) -> None:
    name = "x'; rm -rf ~ #\x1b[2J"
    (noisy,) = report([record(1, initiatedBy=by(ADMINISTRATOR, name))])["noisiest"]
    assert f"--name={name}" in shlex.split(noisy["command"])
    assert len(shlex.split(noisy["command"])) == 8


def test_where_nobody_can_be_approved_something_else_is_suggested(
    report: Backtest, approvals: Callable[[object], str]
) -> None:
    (noisy,) = report([record(1, initiatedBy=None)])["noisiest"]
    assert "don't say who acted" in noisy["suggestion"]
    assert noisy["command"] == "responder mode ca-policy-created observe"
    assert noisy["actor"] == ""
    (noisy,) = report([record(1)], approvals([row()]))["noisiest"]
    assert (noisy["suggestion"], noisy["command"]) == ("approved: recorded, nobody is paged", "")


@pytest.mark.parametrize("columns", [50, 80, 160])
def test_the_tables_fit_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    file = tmp_path / "records.json"
    file.write_bytes(
        written([record(1), record(2, initiatedBy=by(ADMINISTRATOR, "\x1b[31mred")), event_grid_record(ROLE_WRITE)])
    )
    assert main(["backtest", str(file)]) == 0
    text = capfd.readouterr().out
    lines = [line for line in text.splitlines()[1:] if "responder approve" not in line]
    assert all(len(line) <= columns for line in lines)
    assert text.startswith("records: 3, unreadable: 0, cases: 3, from 2026-03-17 09:24 to 2026-03-17 09:24 UTC")
    assert "\x1b" not in text
    assert "without a case: " in text
    assert ("ca-policy-created" in text, "rbac-role-assigned" in text) == (True, True)


def test_nothing_found_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "records.json"
    file.write_bytes(written([audit_record("Add device")]))
    assert main(["backtest", str(file)]) == 0
    captured = capfd.readouterr()
    assert captured.out == "records: 1, unreadable: 0, cases: 0 (further records of the same cases: 0)\n"
    assert captured.err == ""


@pytest.mark.parametrize("content", [b"hello", b"{" * 3000, b"\x89PNG\r\n"])
def test_a_file_without_records_is_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str], content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    assert main(["backtest", str(file)]) == 2
    assert main(["backtest", str(tmp_path / "missing")]) == 2
    errors = capfd.readouterr().err
    assert f"responder: {file}: there are no JSON records in it" in errors
    assert f"responder: {tmp_path / 'missing'}: No such file or directory" in errors


def test_the_bar_is_drawn_on_a_terminal_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    progress = Progress(4 << 20)
    assert sum(map(len, progress.chunks(io.BytesIO(b" " * (4 << 20))))) == 4 << 20
    progress.done()
    drawn = terminal.getvalue()
    assert [part[-5:-2].strip() for part in drawn.split("\r")[1:-1]] == ["25", "50", "75", "100"]
    assert drawn.endswith("\r\x1b[K")


def _peak(file: Path, size: int, capfd: pytest.CaptureFixture[str]) -> int:
    """Give the most memory, in bytes, that a backtest of so large a file takes."""
    lines = [written(audit_record("Add device", resultReason="x" * 4000)) + b"\n"] * 40 + [written(record(1)) + b"\n"]
    block = b"".join(lines)
    with file.open("wb") as out:
        for _ in range(size // len(block)):
            out.write(block)
    tracemalloc.start()
    try:
        assert main(["backtest", str(file)]) == 0
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    capfd.readouterr()
    return peak


def test_memory_does_not_grow_with_the_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "records.jsonl"
    _peak(file, 1 << 20, capfd)
    small, large = _peak(file, 8 << 20, capfd), _peak(file, 40 << 20, capfd)
    assert large < small + (1 << 20)


def test_memory_does_not_grow_with_the_cases_and_the_counts_stay_right() -> None:
    report = Report(None, cases_remembered=50, actors_remembered=10)
    noisy, quiet = by(ADMINISTRATOR), [by(f"{number:08}-0000-4000-8000-000000000000") for number in range(100)]
    records = [
        record(3 * number + each, initiatedBy=quiet[number] if each else noisy)
        for number in range(100)
        for each in range(2)
    ]
    for reading in read_batch(written(records), tenant_id="", interest=everything):
        assert isinstance(reading.event, AuditEvent)
        report.add(CREATED, reading.event)
    assert len(report.by_actor) <= 10
    assert (report.cases, report.repeats) == (200, 0)
    ((key, counts),) = report.noisiest(1)
    assert (key.actor, counts.cases) == (ADMINISTRATOR, 100)
    assert (counts.standings[Standing.UNKNOWN], counts.decisions[Decision.PAGE]) == (100, 100)


def test_an_export_of_nothing_makes_every_list_empty() -> None:
    assert FileApprovals([]).is_empty(CREATED.unless_actor_in or pytest.fail("it has a list"))
