"""`responder profile suggest`: it prints a profile that can be read again, and writes nothing."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from responders.cli import main
from responders.detections.directory_samples import ROLE_HOLDER
from responders.detections.sign_in_samples import privileged_record
from shared.model.clock import utc_now
from shared.model.profile import profile_from


@pytest.fixture
def exported(tmp_path: Path) -> str:
    """A file with the sign-ins of an administrator on six days, the last of them yesterday."""
    now = utc_now()
    records = [
        privileged_record(0, id=f"sign-in {day}", createdDateTime=f"{now - timedelta(days=day):%Y-%m-%dT09:00:00Z}")
        for day in range(1, 7)
    ]
    file = tmp_path / "sign-ins.json"
    file.write_text(json.dumps(records))
    return str(file)


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["profile", "suggest", *arguments])
    out, error = capsys.readouterr()
    return code, out, error


def test_a_profile_is_printed_with_what_it_was_worked_out_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, exported: str
) -> None:
    present = {"privileged_accounts": [ROLE_HOLDER], "privileged_browsers": ["Firefox"]}
    monkeypatch.setenv("VOCABULARY", json.dumps(present))
    code, out, error = _run(capsys, exported)
    assert code == 0
    read = profile_from(out)
    assert read.privileged_countries == {"NL"}
    assert read.privileged_browsers == {"Firefox"}, "what the profile has stays"
    assert "records of 6 days; nothing is written" in error
    assert (
        "privileged_browsers: privileged accounts signed in so on at least 5 days; VOCABULARY has it already" in error
    )
    assert "nobody is known to be privileged" not in error


def test_what_is_suggested_is_a_table_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, exported: str
) -> None:
    monkeypatch.setenv("VOCABULARY", json.dumps({"privileged_accounts": [ROLE_HOLDER]}))
    code, out, _ = _run(capsys, exported, "-o", "table")
    rows = {line.split()[0]: line.split(maxsplit=1)[1] for line in out.splitlines()}
    assert (code, rows["field"], rows["privileged_countries"]) == (0, "value", '["NL"]')


def test_the_profile_may_be_a_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, exported: str, tmp_path: Path
) -> None:
    file = tmp_path / "profile.json"
    file.write_text('{"owned_domains": ["contoso.com"]}')
    monkeypatch.setenv("VOCABULARY", str(file))
    code, out, error = _run(capsys, exported)
    assert (code, json.loads(out)) == (0, {"owned_domains": ["contoso.com"]})
    assert "they suggest nothing" in error
    assert "nobody is known to be privileged" in error
    assert file.read_text() == '{"owned_domains": ["contoso.com"]}'


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--zone", "Mars"), "--zone is 'Mars'"),
        (("--days", "0"), "no record of the last 0 days"),
    ],
)
def test_what_is_wrong_is_said(
    capsys: pytest.CaptureFixture[str], exported: str, arguments: tuple[str, ...], said: str
) -> None:
    code, out, error = _run(capsys, exported, *arguments)
    assert (code, out) == (2, "")
    assert said in error


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(capsys, "/nowhere.json")[0] == 2
