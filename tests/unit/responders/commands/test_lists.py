"""Every command that lists something prints a table that fits, JSON, and TSV. They are found in the parser itself."""

import ast
import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from infra.local.world import ALICE, MALLORY
from responders import commands
from responders.cli import main
from responders.commands import cases, connection, emergency
from responders.commands.parsing import parser_of
from responders.commands.tables import places
from shared.authority.owners import NamedOwner, TableOwners
from shared.clients.storage_names import Table
from shared.model.clock import utc_now
from shared.model.detections import AnyDetection
from shared.model.events import Actor
from shared.respond.redirects import WHY
from tests.fakes.clock import NOW
from tests.fakes.lamps import AT, LAMP, Lamps, lamp_event, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.parsers import formats_of, leaves
from tests.fakes.restraints import scene
from tests.fakes.runtime import TENANT, Bench, approval

_COLUMNS: Final = 80
_KOREAN: Final = "김철수 조건부 액세스 관리자 (서울 본사 정보보안팀)"
_DECOMPOSED: Final = unicodedata.normalize("NFD", "박영희")

type Use = Callable[[Bench], Bench]
type Run = Callable[..., "Ran"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of a command."""

    status: int
    out: str
    err: str


_LISTS: Final[Mapping[str, tuple[str, ...]]] = {
    "approvals": (),
    "baseline show": ("--all",),
    "cases": (),
    "catalogue": (),
    "diff": (LAMP, "--at", f"{NOW:%Y-%m-%dT%H:%M}"),
    "emergency list": (),
    "history": (LAMP,),
    "journal": (),
    "mode": (),
    "operator list": (),
    "owner": ("list",),
    "owners": (),
    "permissions": (),
    "posture": ("list",),
    "redirects": (),
    "restraints": (),
    "roster": (),
    "settle": (),
    "sigma": ("rules",),
}
"""Each command that has -o tsv, and the words that have it list something."""

_ELSEWHERE: Final = "try"
"""A list that a program of its own prints: tests/unit/infra/local/test_trying.py."""

_WITHOUT_ROWS: Final = frozenset({"operator list", "settle"})
"""Lists of which the scene has no row: that they are empty is said, and is an empty list in JSON."""

_NO_LISTS: Final = frozenset(
    {"acts.print_plan", "baseline._print_answers", "baseline._print_object", "stolen._print_result"}
)
"""What prints a table that is no list of its own: a plan, an object, what came of an act."""


def _calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    """Give each call of a function in the commands, by the module and the function in which it is."""
    for path in sorted(Path(commands.__file__).parent.glob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                    yield f"{path.stem}.{function.name}", node


def test_every_list_of_the_parser_is_tried_here() -> None:
    assert {name for name, parser in leaves(parser_of()) if "tsv" in formats_of(parser)} == {*_LISTS, _ELSEWHERE}


def test_what_is_printed_as_a_table_is_a_list_or_known_not_to_be_one() -> None:
    assert {where for where, _ in _calls("print_table")} == _NO_LISTS
    assert len(list(_calls("print_list"))) >= len(_LISTS) - 1


class _App:
    """Stands in for the app where emergencies are asked of it."""

    def ask(self, *_request: object) -> dict[str, Any]:
        one = {"id": "20260302-emergency", "declared_at": "2026-03-02T09:00:00Z", "drill": True}
        return {"open": [one], "newest": [one]}


@pytest.fixture
def run(
    memory: MemoryStorage, use: Use, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """Run a command over storage that has something of everything, with names that are wide."""

    def storage(_environment: object) -> MemoryStorage:
        return memory

    def app_from(_arguments: object) -> _App:
        return _App()

    monkeypatch.setattr(connection, "Storage", storage)
    monkeypatch.setattr(emergency, "app_from", app_from)
    monkeypatch.setenv("COLUMNS", str(_COLUMNS))
    monkeypatch.chdir(tmp_path)
    _fill(memory, use)
    _write_rule(tmp_path / "rules")

    def ran(*words: str, terminal: bool = True) -> Ran:
        monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
        capsys.readouterr()
        status = main(words)
        said = capsys.readouterr()
        return Ran(status=status, out=said.out, err=said.err)

    return ran


def _fill(memory: MemoryStorage, use: Use) -> None:
    made = scene(memory)
    use(made.bench)
    made.bench.seed()
    made.bench.sweep()
    made.bench.runtime.approvals.approve(approval(MALLORY, name=_KOREAN))
    made.bench.accept()
    made.bench.clock.move(timedelta(minutes=1))
    made.bench.lamps.state[LAMP] = "off"
    made.bench.take_in(lamp_record())
    made.bench.answer_queue()
    for number, name in enumerate((_KOREAN, _DECOMPOSED, "Mallory")):
        actor = Actor(id=ALICE.id, name=name)
        made.bench.runtime.ledger.open("lamp-switched", lamp_event(actor=actor, correlation_id=f"{number}"), b"{}")
    made.contain(next(case for case in made.bench.cases(TENANT) if case.actor.id == MALLORY.id))
    owners = TableOwners(memory, clock=utc_now)
    owners.name(NamedOwner(scope="*", order="010", name=_KOREAN, upn="chulsoo@contoso.example"), by=_KOREAN)
    problem = {
        "name": _KOREAN,
        "app_id": ALICE.id,
        "address": "https://x.example/" + "a" * 200,
        "problem": next(iter(WHY)),
    }
    memory.upsert(Table.CURSORS, "redirects", "1", {"tenant_id": TENANT, **problem})


def _write_rule(folder: Path) -> None:
    folder.mkdir()
    (folder / "rule.yml").write_text(
        "title: 조건부 액세스 정책이 변경되었습니다\nid: 0a1b2c3d-0000-4000-8000-000000000000\n"
        "status: test\nlevel: high\n"
        "logsource: {product: azure, service: auditlogs}\n"
        "detection: {selection: {properties.message: Update policy}, condition: selection}\n",
        encoding="utf-8",
    )


def _is_ruler(line: str) -> bool:
    return "--" in line and not line.strip("- ")


def _halves(line: str) -> list[str]:
    """Give what stands in each place of a terminal's line; a wide character has two."""
    return [half for one in unicodedata.normalize("NFC", line) for half in (one, *("~" * (places(one) - 1)))]


@pytest.mark.parametrize("command", sorted(_LISTS))
def test_a_table_fits_and_its_columns_stand_below_each_other(run: Run, command: str) -> None:
    words = (*command.split(), *_LISTS[command])
    ran = run(*words)
    lines = ran.out.splitlines()
    assert ran.status in {0, 1}, ran.err
    assert [line for line in lines if places(line) > _COLUMNS] == []
    if command in _WITHOUT_ROWS:
        return
    (at,) = [number for number, line in enumerate(lines) if _is_ruler(line)][:1]
    gaps = [place for place in range(len(lines[at])) if lines[at][place] == " "]
    rows = lines[at + 1 :][: len(run(*words, "-o", "tsv").out.splitlines())]
    assert rows
    for row in rows:
        halves = _halves(row)
        assert {halves[place] for place in gaps if place < len(halves)} <= {" "}, row


@pytest.mark.parametrize("command", sorted(_LISTS))
def test_json_is_one_document_and_tsv_has_a_line_for_each_row(run: Run, command: str) -> None:
    words = (*command.split(), *_LISTS[command], "-o")
    said: list[object] | dict[str, object] = json.loads(run(*words, "json").out)
    rows = run(*words, "tsv").out.splitlines()
    assert bool(said) is (command not in _WITHOUT_ROWS)
    assert bool(rows) is (command not in _WITHOUT_ROWS)
    assert len({row.count("\t") for row in rows}) <= 1
    if isinstance(said, list) and command != "history":
        assert len(rows) == len(said)


_LINE_BY_LINE: Final = frozenset({"cases", "journal"})


@pytest.mark.parametrize(
    "command", ["baseline show", "cases", "catalogue", "history", "journal", "permissions", "posture", "sigma"]
)
def test_the_flag_that_there_was_gives_what_it_gave(run: Run, command: str) -> None:
    """Of cases and of the journal, an object a line; else the document that -o json gives too."""
    words = (*command.split(), *_LISTS[command])
    said, document = run(*words, "--json").out, run(*words, "-o", "json").out
    if command in _LINE_BY_LINE:
        assert [json.loads(line) for line in said.splitlines()] == json.loads(document)
    elif command != "posture":
        assert said == document


def test_where_nobody_looks_nothing_is_cut(run: Run) -> None:
    ran = run("cases", terminal=False)
    assert (_KOREAN in ran.out, ran.err) == (True, "")
    assert ran.out.splitlines()[0].endswith("state")


def test_what_is_cut_is_said(run: Run) -> None:
    ran = run("cases")
    assert "…" in ran.out
    assert ran.err == "(cut to 80 columns, -o json has all; left out: was, standing, state)\n"


# Which cases, and which one.


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ((), 4),
        (("--actor", MALLORY.id.upper()), 1),
        (("--actor", "박영희"), 1),
        (("--actor", "nobody"), 0),
        (("--detection", "lamp-switched"), 4),
        (("--since", f"{AT:%Y-%m-%dT%H:%M}"), 4),
        (("--since", f"{NOW:%Y-%m-%dT%H:%M}"), 0),
        (("--actor", _KOREAN, "--most", "1"), 1),
    ],
)
def test_a_list_of_cases_is_narrowed(
    run: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], count: int
) -> None:
    def catalogue_of(_environment: object) -> list[AnyDetection]:
        return [Lamps().detection()]

    monkeypatch.setattr(cases, "catalogue_of", catalogue_of)
    assert len(json.loads(run("cases", *words, "-o", "json").out)) == count


def test_a_detection_that_is_not_there_is_no_empty_list(run: Run) -> None:
    ran = run("cases", "--detection", "ca-policy-updatet")
    assert (ran.status, ran.out) == (3, "")
    assert "did you mean ca-policy-updated" in ran.err


def test_an_id_may_be_cut_short_while_it_is_unique(run: Run) -> None:
    known = [one["id"] for one in json.loads(run("cases", "-o", "json").out)]
    assert json.loads(run("cases", known[0][:16]).out)["id"] == known[0]
    assert json.loads(run("cases", known[0][:16].upper()).out)["id"] == known[0]
    several = run("cases", known[0][:9])
    assert (several.status, "more than one case begins with" in several.err) == (2, True)
    none = run("cases", "20200101-abc")
    assert (none.status, "no case has the id 20200101-abc" in none.err) == (3, True)
    assert run("undo", known[0][:16]).status == run("undo", known[0]).status
    (key,) = [one["id"]["key"] for one in json.loads(run("baseline", "show", "--all", "-o", "json").out)]
    assert run("history", key[:8]).out == run("history", key).out
    assert run("history", key[:3]).status == 3
