"""The command line as a whole: what it ends with, what it says of a mistyped word, and which version it is."""

import argparse
from typing import Final

import pytest

from responders import cli
from responders.cli import main
from responders.commands.connection import CommandError, NoAnswer, NotFound
from responders.commands.parsing import parser_of
from responders.commands.tables import has_colours, places, print_table
from shared.model.errors import (
    BadIdentifier,
    LeaseLost,
    Locked,
    Refused,
    Rejected,
    SettingsError,
    Throttled,
    Unreachable,
)
from tests.fakes.parsers import formats_of, leaves


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, 0),
        (CommandError("x"), 2),
        (SettingsError(["x"]), 2),
        (BadIdentifier("x"), 2),
        (NotFound("x"), 3),
        (Refused("x"), 4),
        (Rejected("x"), 4),
        (Locked("x", scopes=()), 4),
        (NoAnswer("x"), 5),
        (Unreachable("x"), 5),
        (Throttled("x"), 5),
        (LeaseLost("x"), 5),
        (KeyboardInterrupt(), 130),
    ],
    ids=repr,
)
def test_what_went_wrong_can_be_told_by_the_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException | None, status: int
) -> None:
    def run(_arguments: argparse.Namespace) -> int:
        if error is not None:
            raise error
        return 0

    def parser_of(_words: object) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser()
        parser.set_defaults(run=run)
        parser.add_argument("word")
        return parser

    monkeypatch.setattr(cli, "parser_of", parser_of)
    assert main(["word"]) == status
    assert capsys.readouterr().err.startswith("responder: " if isinstance(error, Exception) else "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("casess",), "'casess' isn't one; did you mean cases? `responder --help` lists them"),
        (("xyzzy",), "'xyzzy' isn't one; `responder --help` lists them"),
        (("catalogue", "-o", "jsno"), "'jsno' isn't one; did you mean json? there are table, json, tsv"),
        (("baseline", "shw"), "'shw' isn't one; did you mean show? there are show, accept, reject"),
    ],
)
def test_a_mistyped_word_is_answered_with_the_nearest(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_the_version_is_the_projects(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("responder 0.")


def test_the_exit_statuses_are_documented_where_people_look(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    assert "5 something can't be reached" in capsys.readouterr().out


# What each command prints.

_DO_SOMETHING: Final = """
approve, revoke, acknowledge, take-back, note, classify, baseline accept, baseline reject, baseline sign, leave, undo,
accept, deny, put-back, restore, contain, release, keep, lists import, stop, start, operator key, operator genesis,
operator add, operator suspend, operator sign, operator keep, operator passkey, operator emergency-key, operator code,
emergency declare, emergency step, emergency acknowledge, emergency announce, emergency ask, emergency confirm,
emergency extend, emergency close, emergency drill, emergency merge
"""
_WRITE_A_TEXT: Final = "lists export, emergency print, completion"
"""A file of a format of its own, paper, a script."""


def test_every_command_prints_json_beside_what_is_for_people_unless_it_only_does_something() -> None:
    """A new command takes -o, or is named above by whoever adds it."""
    without = {name for name, parser in leaves(parser_of()) if "json" not in formats_of(parser)}
    named = {" ".join(name.split()) for name in f"{_DO_SOMETHING},{_WRITE_A_TEXT}".split(",")}
    assert without == named


@pytest.mark.parametrize(
    "formats", [pytest.param(found, id=name) for name, parser in leaves(parser_of()) if (found := formats_of(parser))]
)
def test_what_takes_json_has_something_for_people_too(formats: frozenset[str]) -> None:
    assert formats & {"table", "kusto"}


# Tables.

_WIDTHS: Final = {
    "abc": 3,
    "": 0,
    "한국어": 6,
    "\u1112\u1161\u11ab": 2,
    "e\u0301": 1,
    "日本": 4,
    "\uff57": 2,
    "é": 1,
    "…": 1,
}


@pytest.mark.parametrize("text", _WIDTHS)
def test_how_many_places_a_text_takes(text: str) -> None:
    assert places(text) == _WIDTHS[text]


def test_what_belongs_together_goes_on_below_and_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    print_table(("property", "stands"), [("a.b", "한" * 20 + "abc")], none="")
    lines = capsys.readouterr().out.splitlines()
    assert max(places(line) for line in lines) <= 30
    assert "".join(line[10:].strip() for line in lines[2:]) == "한" * 20 + "abc"


def test_what_goes_on_below_is_cut_between_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "32")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    print_table(("property", "stands"), [("name", "somebody leaves himself out of it"), ("id", "x" * 30)], none="")
    cells = [line[10:].strip() for line in capsys.readouterr().out.splitlines()[2:]]
    assert cells == ["somebody leaves", "himself out of it", "x" * 22, "x" * 8]


@pytest.mark.parametrize(
    ("terminal", "variables", "coloured"),
    [
        (True, {}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
        (False, {}, False),
    ],
)
def test_colours_only_where_somebody_sees_and_wants_them(
    monkeypatch: pytest.MonkeyPatch, *, terminal: bool, variables: dict[str, str], coloured: bool
) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    assert has_colours() is coloured
