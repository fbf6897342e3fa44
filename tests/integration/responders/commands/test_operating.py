"""approve, revoke, approvals, cases, owner, owners, mode, stop, start: the operator's commands on real storage."""

import getpass
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from infra.local.world import ALICE, B2C_TENANT, MALLORY, RELEASE_PIPELINE, WORKFORCE_TENANT
from responders.catalogue import CATALOGUE
from responders.cli import main
from responders.commands.tables import escaped, escaped_json
from shared.authority.approvals import TableApprovals
from shared.authority.controls import Controls
from shared.authority.owners import TableOwners
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.cases import Decision, Outcome, Standing, State
from shared.model.clock import utc_now
from shared.model.events import Actor, ActorKind, Target
from shared.model.kinds import ApprovalList, Mode
from shared.notify.paged import Channel
from shared.notify.reached import note_reached
from shared.respond.ledger import Ledger
from tests.fakes.lamps import lamp_event
from tests.fakes.runtime import SETTINGS

_LIST: Final = ApprovalList.CONDITIONAL_ACCESS
_NEXT_MONTH: Final = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"
_CLEAR: Final = "\x1b[2J\x1b]0;title\x07"

type Run = Callable[..., "_Ran"]


class _Ran:
    def __init__(self, status: int, out: str, err: str) -> None:
        self.status = status
        self.out = out
        self.err = err

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@pytest.fixture
def run(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command where the settings point at an account of this test."""
    for name, value in {**SETTINGS, **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(getpass, "getuser", lambda: "carol")

    def ran(*words: str) -> _Ran:
        status = main(words)
        output = capsys.readouterr()
        return _Ran(status, output.out, output.err)

    return ran


@pytest.fixture
def approvals(storage: Storage) -> TableApprovals:
    return TableApprovals(storage, clock=utc_now)


def _approve(
    run: Run,
    *more: str,
    actor: str = ALICE.id,
    until: str = _NEXT_MONTH,
    ticket: str = "CHG-1",
    hours: str = "",
) -> _Ran:
    words = ("--name", "Alice", "--until", until, "--ticket", ticket, "--hours", hours)
    return run("approve", _LIST, actor, *words, *more)


# Approvals.


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (["--ticket", "CHG-1"], "--until is missing"),
        (["--until", "2027-01-31"], "--ticket is missing"),
        ([], "--until and --ticket is missing"),
        (["--until", "", "--ticket", ""], "--until and --ticket is missing"),
    ],
)
def test_an_approval_needs_an_end_and_a_ticket(
    run: Run, approvals: TableApprovals, words: list[str], missing: str
) -> None:
    ran = run("approve", _LIST, ALICE.id, "--name", "Alice", *words)
    assert ran.status == 2
    assert missing in ran.err
    assert "nothing was written" in ran.err
    assert approvals.all() == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"actor": "alice@contoso.example"},
            "000: `az ad user show --id alice@contoso.example --query id --output tsv` prints it",
        ),
        ({"actor": "a'@b"}, "`az ad user show --id 'a'\"'\"'@b' --query id --output tsv` prints it"),
        ({"actor": "Alice"}, "'Alice' is not an object id"),
        ({"until": "soon"}, "'soon' is not a date: write 2027-01-31"),
        ({"until": "9999-12-31"}, "is not a date"),
        ({"until": "2020-01-31"}, "it has already ended"),
        ({"until": "2099-01-31"}, "longer than a year; renew it instead"),
        ({"ticket": " "}, "it needs a ticket"),
        ({"hours": "9 to 5"}, "its hours '9 to 5' should be like 08:00-18:00 Europe/Amsterdam"),
    ],
)
def test_an_approval_that_is_not_in_order_is_refused(
    run: Run, approvals: TableApprovals, changes: dict[str, str], problem: str
) -> None:
    ran = _approve(run, **changes)
    assert ran.status == 2
    assert problem in ran.err
    assert approvals.all() == []


def test_an_empty_target_does_not_approve_everything(run: Run, approvals: TableApprovals) -> None:
    """As a shell variable that isn't set would give it."""
    assert _approve(run, "--target", "").status == 2
    assert _approve(run, "--target", "a *").status == 2
    assert approvals.all() == []


@pytest.mark.parametrize("name", ["no-such-list", "", "conditional access"])
def test_a_list_that_does_not_exist_is_named_with_those_that_do(run: Run, name: str) -> None:
    with pytest.raises(SystemExit) as raised:
        run("approve", name, ALICE.id, "--name", "Alice")
    assert raised.value.code == 2


def test_from_approving_to_revoking(run: Run, approvals: TableApprovals) -> None:
    assert run("approvals").out == "no approvals\n"
    ran = _approve(run, actor=ALICE.id.upper())
    assert ran.status == 0
    assert f"approved: Alice ({ALICE.id}) on conditional-access until " in ran.out
    listed = run("approvals")
    assert listed.lines[0].split() == ["list", "actor", "name", "state", "until", "(UTC)", "ticket", "kind", "targets"]
    assert listed.lines[2].split()[3] == "valid"
    assert listed.lines[2].split()[-3:] == ["CHG-1", "user", "all"]
    assert run("revoke", _LIST, ALICE.id).out == f"revoked: {ALICE.id} on conditional-access, from now on\n"
    assert "  revoked " in run("approvals").lines[2]
    found = approvals.find(_LIST, ALICE.id)
    assert getattr(found, "approved_by", "") == "carol"


def test_an_approval_may_count_at_some_hours_only(run: Run, approvals: TableApprovals) -> None:
    assert _approve(run, hours="08:00-18:00 Europe/Amsterdam 1,2").status == 0
    found: Any = approvals.find(_LIST, ALICE.id)
    assert found.hours == "08:00-18:00 Europe/Amsterdam 1,2"
    assert "  valid at 08:00-18:00 Europe/Amsterdam 1,2  " in run("approvals").lines[2]


def test_an_approval_says_whose_and_for_what(run: Run, approvals: TableApprovals) -> None:
    words = ("--kind", "servicePrincipal", "--by", "Head of identity", "--target", "B2C_1A_x", "--target", "b2c_1a_y*")
    assert _approve(run, *words, actor=RELEASE_PIPELINE.id).status == 0
    found: Any = approvals.find(_LIST, RELEASE_PIPELINE.id)
    assert (found.kind, found.approved_by) == (ActorKind.SERVICE_PRINCIPAL, "Head of identity")
    assert found.targets == ("b2c_1a_x", "b2c_1a_y*")


def test_revoking_what_is_not_there_says_so(run: Run, approvals: TableApprovals) -> None:
    assert approvals.all() == []
    ran = run("revoke", _LIST, MALLORY.id)
    assert (ran.status, "`responder approvals` lists those there are" in ran.err) == (3, True)
    assert run("revoke", _LIST, "mallory").status == 2


def test_every_state_of_an_approval_can_be_told_apart(run: Run, storage: Storage) -> None:
    good = {"kind": "user", "name": "x", "ticket": "t", "approved_by": "y", "targets": ""}
    long_ago, soon, later = "2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
    rows = {
        "expired": {"valid_from": long_ago, "valid_until": long_ago},
        "valid only from 2090-01-01 00:00": {"valid_from": soon, "valid_until": later},
        "valid": {"valid_from": long_ago, "valid_until": later},
        "revoked 2020-01-01 00:00": {"valid_from": long_ago, "valid_until": later, "revoked_at": long_ago},
        "malformed: Object missing required field `valid_from`": {"valid_until": later},
    }
    for number, columns in enumerate(rows.values()):
        key = f"a11ce000-0000-4000-8000-{number:012}|2020-01-01T00:00:00.000000Z"
        storage.upsert(Table.APPROVED_ACTORS, _LIST, key, good | columns)
    lines = run("approvals").lines[2:]
    assert [any(f"  {state}  " in f"{line}  " for line in lines) for state in rows] == [True] * len(rows)


# Modes and the kill switch.


def test_modes_are_listed_read_and_set(run: Run, storage: Storage) -> None:
    detection = CATALOGUE[0].id
    assert run("mode", detection).out == "observe\n"
    assert run("mode", "*", "page").status == 0
    assert run("mode", detection, "enforce").out == f"{detection} is now in mode enforce\n"
    listed = run("mode")
    assert {line.split()[1] for line in listed.lines[2:-1]} == {"page", "enforce"}
    assert listed.lines[-1] == "kill switch: off"
    (row,) = storage.rows(Table.CONTROLS, "PartitionKey eq 'mode' and RowKey ge @detection", detection=detection)
    assert row.columns["by"] == "carol"
    without = run("mode", detection, "observe")
    assert (without.status, "it lowers a guard, so it needs a reason (--reason)" in without.err) == (2, True)
    assert run("mode", detection, "observe", "--reason", "too noisy", "--by", "Dave").status == 0
    assert run("mode", detection, "default").out == f"{detection} is now in mode page\n"


def test_a_detection_that_does_not_exist_has_no_mode(run: Run, storage: Storage) -> None:
    ran = run("mode", "ca-policy-updatet", "enforce")
    assert ran.status == 3
    assert "no detection is called 'ca-policy-updatet'; did you mean ca-policy-updated" in ran.err
    assert "`responder catalogue` lists every one" in ran.err
    assert storage.rows(Table.CONTROLS, "PartitionKey eq 'mode'") == []


def test_stopping_and_starting(run: Run, storage: Storage) -> None:
    controls = Controls(storage, clock=utc_now)
    assert "nothing is put back" in run("stop", "--reason", "a change window").out
    assert controls.read_state().stopped is True
    assert run("mode").lines[-1] == "kill switch: ON, nothing is put back"
    assert run("start").status == 0
    assert controls.read_state().stopped is False
    with pytest.raises(SystemExit):
        run("stop")
    storage.upsert(Table.CONTROLS, "kill", "all", {"stopped": False})
    assert "still stopped: partition `kill`" in run("start").err


def test_switches_that_cannot_be_read_are_an_error(run: Run) -> None:
    """The tables aren't there: no mode may be told as if it had been read."""
    for words in (("mode",), ("mode", "*"), ("mode", "*", "enforce"), ("stop", "--reason", "x"), ("start",)):
        ran = run(*words)
        assert (ran.status in {2, 4}, "TableNotFound" in ran.err, ran.out) == (True, True, ""), words


# Owners.


def test_owners_are_named_and_listed(run: Run, storage: Storage) -> None:
    assert "nobody is named" in run("owners").out
    assert run("owner", "*", "--name", "Alice", "--upn", "alice@contoso.example").status == 0
    assert run("owner", CATALOGUE[0].id, "--name", "Carol", "--upn", "c@contoso.example", "--order", "5").status == 0
    assert [line.split()[:3] for line in run("owners").lines[2:]] == [
        ["*", "010", "Alice"],
        [CATALOGUE[0].id, "005", "Carol"],
    ]
    without = run("owner", "*", "--name", "Dave", "--upn", "dave@contoso.example")
    assert (without.status, "needs a reason (--reason)" in without.err) == (2, True)
    assert run("owner", "*", "--remove", "--reason", "she left").out == "nobody is paged for * in place 10 any more\n"
    assert "nobody is paged for * in place 10; " in run("owner", "*", "--remove", "--reason", "she left").err
    assert [line.split()[0] for line in run("owners").lines[2:]] == [CATALOGUE[0].id]
    assert len(storage.rows(Table.OWNERS, "PartitionKey ge ''")) == 3


def test_whether_pages_reach_the_owners_is_tried_at_once_on_request(run: Run, storage: Storage) -> None:
    nobody = run("owner", "test")
    assert (nobody.status, "nobody is named" in nobody.err) == (2, True)
    run("owner", "*", "--name", "Alice", "--upn", "alice@contoso.example")
    assert "asks 1 owners whether pages reach them" in run("owner", "test").out
    row = storage.row(Table.CURSORS, "reached", "request")
    assert row is not None
    assert row.columns["done"] is False


def test_list_emergency_has_owners_and_each_has_a_user_in_pagerduty(run: Run, storage: Storage) -> None:
    who = ("--name", "Alice", "--upn", "alice@contoso.example", "--pagerduty")
    assert run("owner", "emergency", *who, "PLH1HKV").status == 0
    listed = run("owner", "list").lines
    assert listed == run("owners").lines
    assert listed[2].split() == ["emergency", "010", "Alice", "alice@contoso.example", "PLH1HKV", "never", "never"]
    note_reached(storage, TableOwners(storage, clock=utc_now).history().present[0], Channel.TEAMS, at=utc_now())
    assert run("owner", "list").lines[2].split()[5:] == [f"{utc_now():%Y-%m-%d}", "never"]
    wrong = run("owner", "emergency", *who, "alice@contoso.example")
    assert (wrong.status, "--pagerduty should be the id at the end" in wrong.err) == (2, True)
    other = run("owner", "emergency", *who, "PMALLR1")
    assert (other.status, "needs a reason (--reason)" in other.err) == (2, True)


@pytest.mark.parametrize("words", [(), ("--name", "Alice"), ("--upn", "a@b"), ("--remove", "--name", "Alice")])
def test_an_owner_is_named_whole_or_removed(run: Run, storage: Storage, words: tuple[str, ...]) -> None:
    ran = run("owner", "*", *words)
    assert (ran.status, "name an owner with --name and --upn, or take one away with --remove" in ran.err) == (2, True)
    assert storage.rows(Table.OWNERS, "PartitionKey ge ''") == []


# The journal.


def test_the_journal_says_who_did_what_and_why(run: Run, storage: Storage) -> None:
    assert run("journal").out == "nothing is in the journal\n"
    _approve(run, "--reason", "on call")
    run("stop", "--reason", "a change window", "--by", "Dave")
    run("start")
    listed = run("journal")
    assert listed.status == 0
    assert [line.split()[2:5] for line in listed.lines[2:]] == [
        ["carol", "approve", "approval"],
        ["Dave", "stop", "kill-switch"],
        ["carol", "start", "kill-switch"],
    ]
    assert listed.lines[2].endswith("CHG-1: on call")
    assert listed.lines[3].endswith("a change window")
    of_one = [line.split() for line in run("journal", "kill-switch").lines[2:]]
    assert of_one == [line.split() for line in listed.lines[3:]]
    assert len(run("journal", "approval", _LIST, ALICE.id).lines) == 3
    said = [json.loads(line)["entry"]["act"]["what"] for line in run("journal", "--json").lines]
    assert said == ["approve", "stop", "start"]
    assert [line.split() for line in run("journal", "--since", "2026-01-01").lines] == [
        line.split() for line in listed.lines
    ]
    assert run("journal", "--since", "2126-01-01").out == "nothing was decided since then\n"
    assert run("journal", "--since", "2126-01-01", "-o", "json").out == "[]\n"
    ran = run("journal", "--since", "soon")
    assert (ran.status, "'soon' is not a date" in ran.err) == (2, True)
    ran = run("journal", "mode", "x")
    assert (ran.status, "nothing is in the journal of 'mode x'" in ran.err) == (3, True)
    storage.purge(Table.JOURNAL, "PartitionKey eq 'kill-switch' and RowKey eq '0000000001'", most=1)
    spoilt = run("journal", "kill-switch")
    assert spoilt.status == 1
    assert spoilt.lines[-1] == "! kill-switch: entry 0000000002: entries 1 to 1 are missing"


def test_an_approval_and_its_end_can_reach_back(run: Run, approvals: TableApprovals) -> None:
    assert _approve(run, "--since", "2026-01-01").status == 0
    ran = run("revoke", _LIST, ALICE.id, "--since", "2026-02-01")
    assert (ran.status, "it needs a reason" in ran.err) == (2, True)
    ran = run("revoke", _LIST, ALICE.id, "--since", "2026-02-01", "--reason", "her account was stolen")
    assert ran.lines[0] == f"revoked: {ALICE.id} on conditional-access, since 2026-02-01 00:00 UTC"
    assert "`responder settle` lists what can be put back" in " ".join(ran.lines[1:])
    history = approvals.history(_LIST, emergency_accounts=())
    actor = Actor(id=ALICE.id, kind=ActorKind.USER)
    found = [history.standing(actor, "x", datetime(2026, month, 15, tzinfo=UTC)).standing for month in (1, 2)]
    assert found == [Standing.APPROVED, Standing.UNAPPROVED]
    for words in (("--since", "2099-01-01"), ("--since", "soon")):
        assert run("revoke", _LIST, ALICE.id, *words, "--reason", "x").status == 2
        assert _approve(run, *words).status == 2


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("conditional-acess",), "is called 'conditional-acess'; did you mean conditional-access? "),
        (
            ("a/b",),
            "is called 'a/b'; `responder catalogue` lists every one, `responder approve --help` the approval lists",
        ),
        (("emergencies",), "did you mean emergency"),
        (("*", "--order", "1000"), "from 0 to 999"),
        (("*", "--order", "-1"), "from 0 to 999"),
    ],
)
def test_an_owner_of_nothing_is_refused(run: Run, storage: Storage, words: tuple[str, ...], problem: str) -> None:
    ran = run("owner", *words, "--name", "Alice", "--upn", "alice@contoso.example")
    assert (ran.status, problem in ran.err) == (2, True)
    assert storage.rows(Table.OWNERS, "PartitionKey ge ''") == []


# Cases.


def _case(storage: Storage, tenant_id: str = WORKFORCE_TENANT, *, name: str = "mallory", closed: bool = False) -> str:
    ledger = Ledger(storage, storage, clock=utc_now, lease=timedelta(minutes=2))
    actor = Actor(id=MALLORY.id, name=name, kind=ActorKind.USER)
    target = Target(id="lamp", name=name)
    event = lamp_event(tenant_id=tenant_id, at=utc_now(), actor=actor, targets=(target,), correlation_id=name)
    case = ledger.open("lamp-switched", event, b"{}")
    assert case is not None
    if closed:
        held = ledger.claim(tenant_id, case.id)
        assert held is not None
        ledger.move(held, state=State.CLOSED, decision=Decision.REMEDIATE, outcome=Outcome.DONE, mode=Mode.ENFORCE)
    return case.id


def test_cases_of_every_tenant_are_listed(run: Run, storage: Storage) -> None:
    assert run("cases").out == "no cases\n"
    first, second = _case(storage, closed=True), _case(storage, B2C_TENANT)
    listed = run("cases").lines
    assert listed[0].split()[:3] == ["case", "when", "(UTC)"]
    assert [line.split()[0] for line in listed[2:]] == [second, first]
    assert listed[3].split()[-4:] == ["done", "remediate", "unknown", "closed"]
    assert [line.split()[0] for line in run("cases", "--open").lines[2:]] == [second]


@pytest.mark.parametrize("name", ["cases", "restraints"])
def test_where_on_call_waits_a_list_is_watched_by_people(run: Run, name: str) -> None:
    ran = run(name, "--watch", "-o", "json")
    assert (ran.status, "--watch shows a table to people" in ran.err) == (2, True)


def test_a_case_is_shown_whole(run: Run, storage: Storage) -> None:
    case_id = _case(storage)
    assert json.loads(run("cases", case_id).out)["id"] == case_id
    assert json.loads(run("cases", f"{case_id[:14]}…").out)["id"] == case_id, "as a table has it that is cut"
    (line,) = run("cases", "--json").lines
    assert json.loads(line)["id"] == case_id
    ran = run("cases", "20260302-unknown")
    assert (ran.status, "`responder cases` lists those there are" in ran.err) == (3, True)


_TRICKS: Final = (_CLEAR, "\x9b2J", "\r\nforged line", "\u202eturned\u202c", "\x7f\x08", "\u2028", "\u200b")


def test_what_a_name_holds_is_shown_and_not_obeyed(run: Run, storage: Storage, approvals: TableApprovals) -> None:
    """A name that the tenant gave must not clear the terminal, forge a line or turn it round."""
    for trick in _TRICKS:
        _case(storage, name=f"mallory{trick}")
    storage.upsert(Table.APPROVED_ACTORS, _LIST, ALICE.id, {"kind": f"user{_CLEAR}", "name": _CLEAR})
    storage.upsert(Table.OWNERS, "*", "010", {"name": _CLEAR, "upn": _CLEAR})
    assert len(approvals.all()) == 1
    case_id = json.loads(run("cases", "--json").lines[0])["id"]
    for words in (("cases",), ("cases", "--json"), ("cases", case_id), ("approvals",), ("owners",)):
        shown = run(*words).out
        assert all(one.isprintable() or one == "\n" for one in shown), words
    assert len(run("cases").lines) == 2 + len(_TRICKS)
    assert [json.loads(line)["actor"]["name"] for line in run("cases", "--json").lines][::-1] == [
        f"mallory{trick}" for trick in _TRICKS
    ]


def test_text_that_a_terminal_shows_stays_as_it_is() -> None:
    assert escaped("é \U0001f4a1 'x'") == "é \U0001f4a1 'x'"
    assert escaped("a\x1b[2J\u202e") == "a<U+001B>[2J<U+202E>"
    assert escaped("\ud800") == "<U+D800>"
    text = json.dumps({"name": "é\x9b\u202e\U000e0001"}, ensure_ascii=False)
    assert escaped_json(text) == r'{"name": "é\u009b\u202e\udb40\udc01"}'
    assert json.loads(escaped_json(text)) == json.loads(text)


# Where the settings come from.


def test_a_settings_file_names_the_account(
    run: Run, storage: Storage, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in {**SETTINGS, **environment}:
        monkeypatch.delenv(name)
    assert "no storage account is set" in run("approvals").err
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"IsEncrypted": False, "Values": {**SETTINGS, **environment}}))
    case_id = _case(storage)
    assert case_id in run("cases", "--settings", str(file)).out
    assert run("approvals", "--settings", str(file)).out == "no approvals\n"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"Values": []}', '{"Values": "x"}', '{"Values": null}', "\xff"])
def test_a_file_that_is_no_settings_file_is_told(run: Run, tmp_path: Path, content: str) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(content.encode("latin-1"))
    ran = run("approvals", "--settings", str(file))
    assert (ran.status, "is not a settings file" in ran.err) == (2, True)


def test_a_file_that_is_not_there_is_told(run: Run, tmp_path: Path) -> None:
    ran = run("approvals", "--settings", str(tmp_path / "nowhere.json"))
    assert (ran.status, "No such file or directory" in ran.err) == (2, True)


def test_wrong_settings_are_listed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKFORCE_TENANT_ID", "contoso")
    ran = run("cases")
    assert (ran.status, "WORKFORCE_TENANT_ID is 'contoso'" in ran.err) == (2, True)


def test_a_wrong_connection_string_is_told_without_showing_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AzureWebJobsStorage", "a-secret")
    ran = run("approvals")
    assert (ran.status, "should be a connection string" in ran.err, "a-secret" in ran.err) == (4, True, False)


def test_an_account_without_a_name_is_noted_by_its_number(
    run: Run, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless() -> str:
        raise OSError("no such user")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert run("start").status == 0
    (row,) = storage.rows(Table.CONTROLS, "PartitionKey eq 'kill'")
    assert row.columns["by"].startswith("uid ")


def test_lists_go_to_a_file_and_into_another_installation(
    run: Run, new_account: Callable[[], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, storage: Storage
) -> None:
    del storage  # its tables are there now
    run("approve", _LIST, ALICE.id, "--name", "Alice", "--until", _NEXT_MONTH, "--ticket", "CHG-1042")
    run("owner", "*", "--name", "Alice", "--upn", "alice@contoso.com")
    run("mode", "ca-policy-updated", "enforce")
    run("mode", "*", "page")
    file = tmp_path / "lists.json"
    assert run("lists", "export", str(file)).out == f"4 rows written to {file}\n"
    assert "is there already and isn't overwritten" in run("lists", "export", str(file)).err
    assert json.loads(run("lists", "export").out)["version"] == 1

    other = new_account()
    Storage({"AzureWebJobsStorage": other}).create_all()
    monkeypatch.setenv("AzureWebJobsStorage", other)
    assert run("lists", "import", str(file), "--what-if").lines[1].startswith(f"+ ApprovedActors {_LIST} {ALICE.id}")
    assert run("approvals").out == "no approvals\n"
    imported = run("lists", "import", str(file))
    assert [line[0] for line in imported.lines[1:]] == ["+", "+", "?", " ", "?", " "]
    assert "    responder mode ca-policy-updated enforce" in imported.lines
    assert "    responder mode '*' page" in imported.lines
    assert ALICE.id in run("approvals").out
    assert "observe" in run("mode").out
    assert [line[0] for line in run("lists", "import", str(file)).lines[1:]] == [" ", " ", "?", " ", "?", " "]


def test_a_file_of_something_else_is_no_list(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text("{}", encoding="utf-8")
    ran = run("lists", "import", str(file))
    assert ran.status == 2
    assert "is not what `responder lists export` writes" in ran.err
    assert "can't be read: No such file" in run("lists", "import", str(tmp_path / "none.json")).err


# What leans on approvals, modes and the kill switch.


def _announced(storage: Storage) -> list[dict[str, Any]]:
    return [dict(row.columns) for row in storage.rows(Table.CONTROLS, "PartitionKey eq 'wake'")]


@pytest.mark.parametrize(
    "words",
    [
        ["mode", "*", "page", "--reason", "a migration"],
        ["stop", "--reason", "a migration"],
        ["start", "--reason", "it is over"],
    ],
    ids=lambda words: words[0],
)
def test_what_leans_on_a_control_is_looked_at_again_when_it_moves(run: Run, storage: Storage, words: list[str]) -> None:
    assert run(*words).status == 0
    assert [one.keys() for one in _announced(storage)] == [{"at"}]


def test_what_was_changed_since_an_approval_or_its_end_counts_is_looked_at_again(run: Run, storage: Storage) -> None:
    assert _approve(run).status == 0
    assert _approve(run, "--since", "2026-01-01", "--reason", "it was hers").status == 0
    assert run("revoke", _LIST, ALICE.id, "--since", "2026-02-01", "--reason", "her account was stolen").status == 0
    since = [one.get("since", "")[:10] for one in _announced(storage)]
    assert since == ["", "2026-01-01", "2026-02-01"]


# Addresses of applications.


def test_unsafe_addresses_are_listed_the_worst_first(run: Run, storage: Storage) -> None:
    assert run("redirects").lines == [
        "Entra ID: not looked at so far",
        "Azure AD B2C: not looked at so far",
        "nothing was found",
    ]
    storage.upsert(Table.CURSORS, "redirects-looked", WORKFORCE_TENANT, {"at": "2026-03-02T12:00:00+00:00"})
    for problem, tenant in (("not-unique", WORKFORCE_TENANT), ("gone", WORKFORCE_TENANT), ("gone", B2C_TENANT)):
        columns = {"tenant_id": tenant, "app_id": "7a", "name": "Portal", "address": "https://x", "problem": problem}
        storage.upsert(Table.CURSORS, "redirects", f"{problem} {tenant}", columns)
    first, *lines = run("redirects").lines
    assert first == "Entra ID: looked at 2026-03-02 12:00 UTC"
    lines = lines[3:]
    assert ["  Entra ID  " in line for line in lines] == [True, True, False]
    assert ["doesn't exist" in line for line in lines] == [True, False, True]
