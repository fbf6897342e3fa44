"""`responder emergency drill`: each step as it ends, then where report and evidence lie and how they are checked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from responders.commands.emergency import App, drill
from shared.emergency.laptop import LaptopJournal
from shared.emergency.signing import make_key

_ID: Final = "d" * 32
_HEAD: Final = "5" * 64
_REPORT: Final = ({"blob": f"emergencies/{_ID}/files/report/report-en.html", "sha256": "1" * 64, "size": 9},)
_MANIFEST: Final = {"blob": f"emergencies/{_ID}/manifest/00000009.json", "sha256": _HEAD, "size": 9}


class _Played:
    """An app with three steps, of which each ends as it is told; `requests` are what was asked of it."""

    def __init__(self, *ends: str, report: tuple[Mapping[str, Any], ...] = (*_REPORT, _MANIFEST)) -> None:
        self.ends = dict(enumerate(ends, 1))
        self.report = report
        self.states = dict.fromkeys(self.ends, "pending")
        self.requests: list[str] = []
        self.waited = 0

    def wait(self, seconds: float) -> None:
        """Let time pass: a step that runs on is done a minute later, or never where it is to stay so."""
        self.waited += int(seconds)
        if self.waited == 60:
            self.states |= {number: "done" for number, end in self.ends.items() if end == "running"}

    def send(self, method: str, url: str, body: bytes, _headers: Mapping[str, str]) -> tuple[int, bytes]:
        path = url.partition("/api/emergency")[2]
        self.requests.append(f"{method} {path}")
        if "/steps/" in path:
            number = int(path.rpartition("/")[2])
            self.states[number] = self.ends[number]
        if method == "GET" and not path:
            return 200, msgspec.json.encode({"open": [{"id": _ID}], "newest": [{"id": _ID}]})
        assert method == "POST" or path == f"/{_ID}", body
        return 200, msgspec.json.encode({"id": _ID, "steps": [*map(self._step, self.ends)], "entries": self._entries()})

    def _step(self, number: int) -> Mapping[str, Any]:
        found = {"answer": "wrong", "about": "ticket", "text": "No contact is set.\n\nTitle: …", "what_to_do": ""}
        return {
            "number": number,
            "title": f"Step {number}",
            "state": self.states[number],
            "took_seconds": 1.25,
            "findings": [found, {**found, "answer": "fine", "about": "quiet"}],
        }

    def _entries(self) -> list[Mapping[str, Any]]:
        is_closed = self.requests[-1].endswith("/close")
        return [{"act": {"type": "closed", "report": self.report}}] if is_closed else [{"act": {"type": "declared"}}]


def _drilled(tmp_path: Path, played: _Played) -> int:
    key, journal = make_key(tmp_path / "key.pem"), LaptopJournal(tmp_path / "journal")
    app = App("https://app.test", "app.test", key, "key", journal, played.send, wait=played.wait)
    return drill(app, is_hybrid=False)


def test_each_step_is_shown_with_its_time_then_where_everything_lies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    played = _Played("done", "blocked", "done")
    assert _drilled(tmp_path, played) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:4] == [
        "   1.2 s  1. Step 1: done",
        "   1.2 s  2. Step 2: blocked",
        "             ticket: No contact is set.",
        "   1.2 s  3. Step 3: done",
    ]
    assert f"The drill {_ID} is closed. Every step was tried: 0 failed, 1 blocked." in said
    assert f"  report    {_REPORT[0]['blob']}" in said
    assert said[-1] == f"Check it: responder evidence verify {_ID} --head {_HEAD}"
    assert [each.rpartition("/")[2] for each in played.requests] == ["POST ", "acknowledge", "1", "2", "3", "close"]


def test_a_failed_step_stops_no_other_and_is_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    played = _Played("done", "failed", "done", report=())
    assert _drilled(tmp_path, played) == 1
    said = capsys.readouterr().out
    assert "3. Step 3: done" in said
    assert "Its report could not be written" in said
    assert played.requests[-1].endswith("/close"), "a drill that failed is closed too"


def test_a_step_that_runs_on_is_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    played = _Played("done", "running", "done")
    assert _drilled(tmp_path, played) == 0
    said = capsys.readouterr().out
    ended = [line.partition(" s  ")[2] for line in said.splitlines()[:3]]
    assert ended == ["1. Step 1: done", "2. Step 2: done", "3. Step 3: done"]
    assert "Every step was tried: 0 failed, 0 blocked.\n" in said
    assert played.waited == 60


def test_a_step_that_never_ends_is_said_to_run_still(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    played = _Played("done", "running", "done")
    played.waited = 60
    assert _drilled(tmp_path, played) == 1
    said = capsys.readouterr().out
    assert "2. Step 2: running" in said
    assert "3. Step 3: done" in said
    assert "0 failed, 0 blocked. 1 had not ended." in said
    assert played.waited == 60 + 300
    assert played.requests[-1].endswith("/close")
