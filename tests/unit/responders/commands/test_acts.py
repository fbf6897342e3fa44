"""`responder undo`, `accept`, `deny`, `put-back`, `leave CASE`, `restore`: a plan is shown, and done only as shown."""

import argparse
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import pytest

from infra.local.world import ALICE, BREAK_GLASS_1
from responders.cli import main
from responders.commands.acts import print_how_to_do_it
from shared.model.kinds import Mode
from shared.model.objects import key_of
from shared.respond.resume import resume
from tests.fakes.lamps import LAMP, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import Bench, ready_bench

_MINUTE: Final = timedelta(minutes=1)
_WHY: Final = ("--by", "Carol Chen", "--reason", "CHG-7")

type _Run = Callable[..., tuple[int, str, str]]
type _Use = Callable[[Bench], Bench]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> _Run:
    def command(*words: str) -> tuple[int, str, str]:
        status = main(words)
        output = capsys.readouterr()
        return status, output.out, output.err

    return command


@pytest.fixture
def back(memory: MemoryStorage, use: _Use) -> Bench:
    """Give a lamp that was switched off and put back."""
    ready = use(ready_bench(memory))
    ready.take_in(lamp_record())
    ready.answer_queue()
    return ready


@pytest.fixture
def watched(memory: MemoryStorage, use: _Use) -> Bench:
    """Give a lamp that was switched off while people only watched."""
    ready = use(ready_bench(memory, mode=Mode.PAGE))
    ready.take_in(lamp_record())
    ready.answer_queue()
    return ready


def _digest(text: str) -> str:
    found = re.search(r"--yes ([0-9a-f]{12})$", text, re.MULTILINE)
    assert found is not None, text
    return found[1]


def _go_on(ready: Bench) -> None:
    ready.clock.move(_MINUTE)
    resume(ready.runtime)


@pytest.mark.parametrize(
    ("verb", "fixture", "line"),
    [
        ("undo", "back", ["state", "on", "off"]),
        ("deny", "watched", ["state", "off", "on"]),
        ("put-back", "watched", ["state", "off", "on"]),
        ("accept", "watched", ["state", "off", "off"]),
        ("leave", "watched", ["state", "off", "off"]),
    ],
)
def test_the_plan_is_shown_and_then_done_once(
    run: _Run, request: pytest.FixtureRequest, verb: str, fixture: str, line: list[str]
) -> None:
    ready: Bench = request.getfixturevalue(fixture)
    case, writes = ready.only_case().id, list(ready.lamps.writes)
    status, shown, _ = run(verb, case)
    assert status == 0
    assert [each.split() for each in shown.splitlines() if each.startswith("state")] == [line]
    assert f"\nto do it: responder {verb} {case} --reason TEXT --yes " in shown
    assert "<U+" not in shown
    _go_on(ready)
    assert ready.lamps.writes == writes, "showing does nothing"
    status, text, _ = run(verb, case, *_WHY, "--yes", _digest(shown))
    assert (status, text.splitlines()[0]) == (0, f"{verb}: done")
    _go_on(ready)
    assert ready.lamps.state[LAMP] == line[2]
    status, text, _ = run(verb, case, *_WHY, "--yes", _digest(shown))
    assert (status, text.strip()) == (0, f"{verb}: done already")


def test_a_plan_that_is_out_of_date_is_shown_anew(watched: Bench, run: _Run) -> None:
    case = watched.only_case().id
    _, shown, _ = run("deny", case)
    watched.lamps.state[LAMP] = "red"
    status, text, _ = run("deny", case, *_WHY, "--yes", _digest(shown))
    assert status == 1
    assert "not done: it was read otherwise since it was shown" in text
    assert "red" in text
    assert _digest(text) != _digest(shown)


def test_what_a_guard_objects_to_is_shown(watched: Bench, run: _Run) -> None:
    watched.lamps.touches = frozenset({BREAK_GLASS_1.id})
    _, shown, _ = run("deny", watched.only_case().id)
    assert "! a guard objects: state: an emergency account would lose something" in shown


def test_two_values_that_begin_alike_are_told_apart(watched: Bench, run: _Run) -> None:
    """What was changed may stand behind what a table has room for."""
    watched.lamps.state[LAMP] = f"{'x' * 80} evil"
    to = f"{watched.clock():%Y-%m-%dT%H:%M:%S}"
    _, shown, _ = run("restore", LAMP, "--to", to)
    watched.lamps.state[LAMP] = f"{'x' * 80} good"
    _, other, _ = run("restore", LAMP, "--to", to)
    rows = [next(line for line in text.splitlines() if line.startswith("state")) for text in (shown, other)]
    assert "(85 characters, " in rows[0]
    assert rows[0] != rows[1]


def test_it_needs_a_reason(watched: Bench, run: _Run) -> None:
    case = watched.only_case().id
    _, shown, _ = run("deny", case)
    status, _, errors = run("deny", case, "--yes", _digest(shown))
    assert status == 2
    assert "it needs a reason" in errors


@pytest.mark.parametrize("case", ["20260302-00000000000000000000", "../cases"])
def test_an_unknown_case_says_so(watched: Bench, run: _Run, case: str) -> None:
    assert watched.cases() != []
    status, _, errors = run("undo", case)
    assert status == 3
    assert "`responder cases` lists" in errors


def test_where_nothing_was_put_back_there_is_nothing_to_undo(watched: Bench, run: _Run) -> None:
    status, _, errors = run("undo", watched.only_case().id)
    assert status == 4
    assert "nothing can be undone" in errors


def test_an_object_is_restored_to_a_time(back: Bench, run: _Run) -> None:
    back.lamps.state[LAMP] = "red"
    to = f"{back.clock() - 2 * _MINUTE:%Y-%m-%dT%H:%M:%S}"
    status, shown, _ = run("restore", LAMP, "--to", to)
    assert status == 0
    assert ["state", "red", "on"] in [each.split() for each in shown.splitlines()]
    status, text, _ = run("restore", key_of(LAMP), "--to", to, *_WHY, "--yes", _digest(shown))
    assert (status, text.splitlines()[0]) == (0, "restore: done")
    _go_on(back)
    assert back.lamps.state[LAMP] == "on"


@pytest.mark.parametrize("to", ["yesterday", "2020-01-01"])
def test_a_time_of_which_nothing_is_kept_says_so(back: Bench, run: _Run, to: str) -> None:
    assert back.cases() != []
    status, _, errors = run("restore", LAMP, "--to", to)
    assert status == (2 if to == "yesterday" else 4)
    assert errors


def test_what_a_stolen_account_did_is_shown_and_taken_back(memory: MemoryStorage, use: _Use, run: _Run) -> None:
    ready = use(ready_bench(memory))
    since = f"{ready.clock() - 6 * _MINUTE:%Y-%m-%dT%H:%M:%S}"
    ready.take_in(lamp_record(ALICE))
    ready.answer_queue()
    status, shown, _ = run("revoke", ALICE.id, "--since", since)
    assert status == 0
    assert "that end since" in shown
    assert ["state", "off", "on"] in [each.split() for each in shown.splitlines()]
    assert "<U+" not in shown
    status, text, _ = run("revoke", ALICE.id, "--since", since, *_WHY, "--yes", _digest(shown))
    assert (status, text.splitlines()[0]) == (0, "revoke: done")
    _go_on(ready)
    assert ready.lamps.state[LAMP] == "on"
    status, text, _ = run("revoke", ALICE.id, "--since", since, *_WHY, "--yes", _digest(shown))
    assert (status, text.splitlines()[0]) == (0, "revoke: done already")


def test_without_a_list_it_is_asked_since_when(back: Bench, run: _Run) -> None:
    assert back.cases() != []
    status, _, errors = run("revoke", ALICE.id)
    assert status == 2
    assert "say since when" in errors


@pytest.mark.parametrize(
    ("settings", "said"), [(None, ""), (".local/my settings.json", " --settings '.local/my settings.json'")]
)
def test_the_command_that_does_it_is_whole(capsys: pytest.CaptureFixture[str], settings: str | None, said: str) -> None:
    print_how_to_do_it(argparse.Namespace(settings=settings), "responder undo x", "0123456789abcdef")
    assert capsys.readouterr().out == f"\nto do it: responder undo x --reason TEXT --yes 0123456789ab{said}\n"
