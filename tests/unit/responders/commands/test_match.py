import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from responders.catalogue import CATALOGUE
from responders.cli import main
from responders.commands import COMMANDS
from responders.detections.directory_samples import COLLEAGUE, account_record, new_account_record, role_record
from responders.detections.samples import (
    ADMINISTRATOR,
    CA_POLICY,
    audit_record,
    ca_policy_record,
    event_grid_record,
)
from tests.fakes.portal_csv import audit_csv
from tests.fakes.record_strategies import ROLE_WRITE, SAMPLES, written

MATCHING = ca_policy_record("Update conditional access policy", old=CA_POLICY, new=CA_POLICY | {"state": "disabled"})
IDLE = audit_record("Add device")
UNREADABLE = {"Operation": "Add member to role.", "Workload": "AzureActiveDirectory"}


class Ran:
    """What one run of the command line gave."""

    def __init__(self, *words: str, capture: pytest.CaptureFixture[str]) -> None:
        self.status = main(words)
        output = capture.readouterr()
        self.text = output.out
        self.errors = output.err

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


type Run = Callable[..., Ran]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    return lambda *words: Ran(*map(str, words), capture=capfd)


def shell(*words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "responders", *words], input=stdin, capture_output=True, check=False)


def test_a_match_is_a_line_with_everything_that_matters(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "records.json"
    file.write_bytes(written([IDLE, MATCHING, UNREADABLE, IDLE]))
    ran = run("match", file)
    match, unreadable = ran.lines
    change = match.pop("changes")[0]
    assert match == {
        "record": 1,
        "id": MATCHING["id"],
        "detection": "ca-policy-updated",
        "seed_row": "infrastructure/3",
        "risk": "high",
        "actor": {"id": ADMINISTRATOR, "name": "morgan@fabrikam.onmicrosoft.com", "kind": "user"},
        "target": {"id": CA_POLICY["id"], "name": CA_POLICY["displayName"], "kind": "Policy"},
    }
    assert change["name"] == "ConditionalAccessPolicy"
    assert (json.loads(change["old"])["state"], json.loads(change["new"])["state"]) == ("enabled", "disabled")
    assert unreadable["record"] == 2
    assert "Office 365" in unreadable["unreadable"]
    assert ran.errors.startswith("responder: records read: 4, matches: 1, unreadable: 1, seconds: 0.")
    assert ran.status == 0


def test_a_record_that_is_not_enough_by_itself_says_so(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "records.json"
    file.write_bytes(written(role_record("Add member to role")))
    conditions = {line["detection"]: line.get("speaks", "") for line in run("match", file).lines}
    assert conditions == {
        "consumer-account-made-privileged": "only within 10 years after another record with the same account",
        "role-assigned": "",
    }


def test_an_azure_role_is_matched_too(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "events.json"
    file.write_bytes(written([event_grid_record(ROLE_WRITE)]))
    (match,) = run("match", file).lines
    assert (match["detection"], match["changes"]) == ("rbac-role-assigned", [])
    assert match["target"]["kind"] == "Microsoft.Authorization/roleAssignments"


def test_several_files_are_named_and_each_is_counted_from_0(run: Run, tmp_path: Path) -> None:
    files = [tmp_path / "a.json", tmp_path / "b.jsonl"]
    files[0].write_bytes(written({"value": [IDLE, MATCHING]}))
    files[1].write_bytes(written(MATCHING) + b"\n" + written(IDLE))
    ran = run("match", *files)
    assert [(line["file"], line["record"]) for line in ran.lines] == [(str(files[0]), 1), (str(files[1]), 0)]
    assert "records read: 4, matches: 2, unreadable: 0" in ran.errors


def test_a_file_that_cannot_be_read_does_not_stop_the_others(run: Run, tmp_path: Path) -> None:
    prose, records = tmp_path / "notes.md", tmp_path / "records.json"
    prose.write_text('# Notes\n\n- [a link](https://example.com), 1 number\n\n7\n\n```json\n{\n  "a": 1\n}\n```\n')
    records.write_bytes(written([MATCHING]))
    ran = run("match", prose, tmp_path / "missing.json", tmp_path, records)
    assert [line["detection"] for line in ran.lines] == ["ca-policy-updated"]
    problems = ran.errors.splitlines()
    assert problems[0] == (
        f"responder: {prose}: there are no JSON records in it; "
        "they are read from a list, a page, or one a line, in UTF-8, or from the CSV files that the portal downloads in"
        " English"
    )
    assert problems[1] == f"responder: {tmp_path / 'missing.json'}: No such file or directory"
    assert problems[2] == f"responder: {tmp_path}: Is a directory"
    assert problems[3].startswith("responder: records read: 1, matches: 1")
    assert len(problems) == 4
    assert ran.status == 2


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\0\0", b"{" * 3000, '[{"a": 1}]'.encode("utf-16"), b"hello"])
def test_what_is_not_json_is_one_error(run: Run, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    ran = run("match", file)
    assert (ran.text, ran.status) == ("", 2)
    assert len(ran.errors.splitlines()) == 2


@pytest.mark.parametrize("content", [b"", b"[]", b'{"value": []}', b"\n\n"])
def test_an_empty_export_is_no_error(run: Run, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "empty.json"
    file.write_bytes(content)
    ran = run("match", file)
    assert (ran.text, ran.status) == ("", 0)
    assert "records read: 0," in ran.errors


def test_broken_records_among_whole_ones_are_told_of(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    file.write_bytes(b"not json\n" + written(MATCHING) + b"\n{broken\n")
    ran = run("match", file)
    assert [("unreadable" in line, line["record"]) for line in ran.lines] == [(True, 0), (False, 1), (True, 2)]
    assert ran.status == 0


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_every_shape_is_read(run: Run, tmp_path: Path, sample: dict[str, Any]) -> None:
    file = tmp_path / "record.json"
    file.write_bytes(written(sample))
    assert "records read: 1," in run("match", file).errors


def test_standard_input_is_read() -> None:
    ran = shell("match", "-", stdin=written([MATCHING]))
    assert json.loads(ran.stdout)["record"] == 0
    assert ran.returncode == 0


def peak_memory(file: Path, thousands: int) -> float:
    """Match that many thousand records, one of which matches, and give the process's peak in MB."""
    with file.open("wb") as large:
        large.write(b'{"@odata.context":"x","value":[' + written(MATCHING))
        large.writelines([(b"," + written(IDLE)) * 1000] * thousands)
        large.write(b"]}")
    code = (
        "import resource, sys; from responders.cli import main; status = main(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024); sys.exit(status)"
    )
    ran = subprocess.run([sys.executable, "-c", code, "match", str(file)], capture_output=True, check=True)
    match, megabytes = ran.stdout.splitlines()
    assert json.loads(match)["record"] == 0
    assert f"records read: {thousands}001, matches: 1, unreadable: 0" in ran.stderr.decode()
    return float(megabytes)


def test_a_large_file_takes_no_more_memory_than_one_that_is_held_whole(tmp_path: Path) -> None:
    held, streamed = (peak_memory(tmp_path / "records.json", thousands) for thousands in (20, 80))
    assert streamed < held + 20


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    file = tmp_path / "records.json"
    file.write_bytes(written([MATCHING] * 5000))
    command = [sys.executable, "-m", "responders", "match", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_without_a_command_the_help_is_shown(run: Run) -> None:
    ran = run()
    assert ran.status == 2
    assert all(command in ran.text for command in ("match", "catalogue"))


@pytest.mark.parametrize("module", COMMANDS)
def test_each_module_has_the_commands_that_it_is_listed_with(module: str) -> None:
    subparsers = argparse.ArgumentParser().add_subparsers()
    import_module(f"responders.commands.{module}").add_parser(subparsers)
    assert tuple(subparsers.choices) == COMMANDS[module]


def test_what_the_person_at_the_terminal_can_put_right_is_one_line(run: Run) -> None:
    ran = run("approvals", "--settings", "no-such-file.json")
    assert ran.status == 2
    assert ran.errors == "responder: the settings file no-such-file.json can't be read: No such file or directory\n"


@pytest.mark.parametrize("words", [["match"], ["no-such-command"], ["catalogue", "--xml"]])
def test_a_wrong_command_line_ends_with_2(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    assert "usage: responder" in capfd.readouterr().err


@pytest.mark.parametrize("words", [["--help"], ["match", "--help"], ["catalogue", "--help"]])
def test_help_is_help(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 0
    assert "usage: responder" in capfd.readouterr().out


def test_the_catalogue_is_a_list_of_all_there_is_to_know(run: Run) -> None:
    ran = run("catalogue", "--json")
    listed = json.loads(ran.text)
    assert [entry["id"] for entry in listed] == [detection.id for detection in CATALOGUE]
    names = (
        "id seed_row title why risk log speaks answer remediation approval_list needs deviates techniques reference"
        " also vocabulary"
    )
    assert all(list(entry) == names.split() for entry in listed)
    by_id = {entry["id"]: entry for entry in listed}
    created = by_id["ca-policy-created"]
    assert created["remediation"] == "disable-ca-policy"
    assert created["approval_list"] == "conditional-access"
    assert created["vocabulary"] == {}
    assert created["answer"] == "remediate"
    assert created["techniques"][0] == {"id": "T1556.009", "name": "Conditional Access Policies"}
    assert created["reference"].startswith("https://learn.microsoft.com/entra/identity/conditional-access/")
    assert by_id["mfa-fraud-reported"]["answer"] == "page"
    assert "Policy.ReadWrite.ConditionalAccess" in created["needs"]
    assert by_id["mfa-fraud-reported"]["approval_list"] is None
    assert by_id["identity-provider-deleted"]["also"] == ["privileged-accounts/13"]


def test_the_catalogue_tells_the_words_that_differ_by_tenant(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOCABULARY", json.dumps({"logout_properties": ["SignOutUrl"], "owned_domains": ["a.example"]}))
    monkeypatch.setenv("EMERGENCY_ACCOUNT_IDS", "D40A6B7E-8c15-4f29-93e6-1b7f52ac80d3")
    by_id = {entry["id"]: entry["vocabulary"] for entry in json.loads(run("catalogue", "--json").text)}
    assert by_id["app-logout-url-changed"] == {"logout_properties": ["SignOutUrl"]}
    assert by_id["app-redirect-changed"]["owned_domains"] == ["a.example"]
    assert by_id["break-glass-changed"] == {"emergency_accounts": ["d40a6b7e-8c15-4f29-93e6-1b7f52ac80d3"]}


def test_a_wrong_tenant_profile_is_reported_with_its_field(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOCABULARY", json.dumps({"owned_domains": ["https://a.example"]}))
    ran = run("catalogue", "--json")
    assert ran.status == 2
    assert "VOCABULARY.owned_domains has 'https://a.example'" in ran.errors


@pytest.mark.parametrize("columns", [60, 80, 140, 200])
def test_the_catalogue_fits_the_terminal(run: Run, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = run("catalogue").text.splitlines()
    assert all(len(line) <= max(columns, 72) for line in lines)
    assert all(any(line.startswith(detection.id) for line in lines) for detection in CATALOGUE)
    assert any("infrastructure/5" in line for line in lines) is (columns >= 132)


def _settings(tmp_path: Path, **values: str) -> Path:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"Values": values}), encoding="utf-8")
    return file


_B2C = "b2c0d4e6-7a18-4f93-9c25-e81f60a7b3d2"
_ENTRA = "5f1c7a3e-94d2-4b0e-8a57-3c6d1e2f4a90"


@pytest.mark.parametrize(
    ("words", "matches"),
    [((), 0), (("--tenant", "b2c"), 1), (("--tenant", _B2C.upper()), 1), (("--tenant", "workforce"), 0)],
)
def test_records_that_name_no_tenant_are_of_the_one_that_is_said(
    run: Run, tmp_path: Path, words: tuple[str, ...], matches: int
) -> None:
    file = tmp_path / "records.json"
    file.write_bytes(written([new_account_record()]))
    settings = _settings(tmp_path, WORKFORCE_TENANT_ID=_ENTRA, B2C_TENANT_ID=_B2C)
    ran = run("match", file, "--settings", settings, *words)
    assert [line["detection"] for line in ran.lines if line["detection"] == "consumer-account-created"] == (
        ["consumer-account-created"] * matches
    )


def test_the_profile_is_that_of_the_settings_without_rosters_too(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "records.json"
    file.write_bytes(written([account_record("Reset password", identity=COLLEAGUE)]))
    settings = _settings(tmp_path, EMERGENCY_ACCOUNT_IDS=COLLEAGUE)
    assert [line["detection"] for line in run("match", file, "--settings", settings).lines] == ["break-glass-changed"]
    text = run("kql", "break-glass-changed", "--settings", settings).text
    assert COLLEAGUE in text


def test_a_tenant_that_the_settings_do_not_name_is_said(run: Run, tmp_path: Path) -> None:
    ran = run("match", tmp_path / "none", "--settings", _settings(tmp_path), "--tenant", "b2c")
    assert ran.status == 2
    assert "--tenant is 'b2c': it should be workforce or b2c, as in the settings, or an id" in ran.errors


def test_matches_are_a_list_or_a_table_too(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "records.json"
    file.write_bytes(written([IDLE, MATCHING, UNREADABLE]))
    lines = run("match", file).lines
    assert json.loads(run("match", file, "-o", "json").text) == lines
    head, _, matched, unreadable = run("match", file, "-o", "table").text.splitlines()
    assert head.split() == ["detection", "record", "risk", "actor", "target"]
    assert matched.startswith("ca-policy-updated  1")
    assert unreadable.startswith("can't be read      2")
    file.write_bytes(written([IDLE]))
    assert run("match", file, "-o", "json").text == "[]\n"
    assert run("match", file, "-o", "table").text == "nothing matches\n"


def test_categories_that_nothing_judges_are_counted_apart(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "records.json"
    file.write_bytes(written([{"category": "RiskyAgents"}, {"category": "RiskyAgents"}, IDLE]))
    ran = run("match", file)
    assert ran.text == ""
    assert "unreadable: 0" in ran.errors
    assert ", of categories that nothing judges: RiskyAgents 2" in ran.errors


@pytest.mark.parametrize("size", [1, 20_000], ids=["held whole", "streamed"])
def test_the_portals_csv_gives_the_matches_of_its_records(run: Run, tmp_path: Path, size: int) -> None:
    file = tmp_path / "AuditLogs_2026-03-17.csv"
    file.write_bytes(audit_csv([IDLE, MATCHING, *[IDLE] * size]))
    ran = run("match", file)
    (match,) = ran.lines
    assert (match["record"], match["detection"]) == (1, "ca-policy-updated")
    assert f"records read: {size + 2}" in ran.errors
    assert ran.status == 0


def test_another_csv_file_is_said_to_have_no_records(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("Name,Value\na,b\n", encoding="utf-8")
    ran = run("match", file)
    assert ran.status == 2
    assert "the CSV files that the portal downloads in English" in ran.errors
