"""What a shell offers after what is typed: as the parser knows it, whatever command comes to be."""

import subprocess
from pathlib import Path
from typing import Final

import pytest

from responders.cli import main
from responders.commands import COMMANDS
from responders.commands.completion import words_after
from responders.commands.parsing import parser_of
from tests.fakes.parsers import leaves

_FORMATS: Final = ["json", "table", "tsv"]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (("ca",), ["cases", "catalogue"]),
        (("nosuch",), []),
        (("--v",), ["--version"]),
        (("cases", "--o"), ["--open", "--output"]),
        (("cases", "-o", ""), _FORMATS),
        (("cases", "-o", "j"), ["json"]),
        (("cases", "--actor", ""), []),
        (("cases", "--actor", "x", "--wat"), ["--watch"]),
        (("cases", "--open", "--s"), ["--settings", "--since"]),
        (("baseline", ""), ["accept", "reject", "show", "sign"]),
        (("baseline", "show", "-o", ""), _FORMATS),
        (("mode", "ca-policy-updated", "e"), ["enforce"]),
        (("mode", "--reason", "x", "ca-policy-updated", "e"), ["enforce"]),
        (("posture", "--tenant", ""), ["b2c", "workforce"]),
        (("posture", "confirm", ""), []),
        (("completion", ""), ["bash", "fish", "zsh"]),
        (("doctor", "x"), []),
        (("nosuch", ""), []),
    ],
    ids=" ".join,
)
def test_what_may_stand_there_is_offered(typed: tuple[str, ...], offered: list[str]) -> None:
    assert words_after(typed) == offered


@pytest.mark.parametrize("name", [name for name, _ in leaves(parser_of())])
def test_every_command_is_offered_by_its_beginning_and_so_are_its_options(name: str) -> None:
    path = name.split()
    for number, word in enumerate(path):
        assert word in words_after((*path[:number], word[:2]))
    assert "--help" in words_after((*path, "--"))


def test_nothing_typed_offers_every_command() -> None:
    assert words_after([""]) == sorted(name for commands in COMMANDS.values() for name in commands)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_starts_this_program_from_anywhere(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f" -m responders completion {shell} " in script
    assert "@START@" not in script
    assert f"PYTHONPATH={Path(__file__).resolve().parents[4]}" in script


def test_the_words_are_printed_one_a_line_and_options_are_not_taken_for_our_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["completion", "bash", "cases", "--s"]) == 0
    assert capsys.readouterr().out == "--settings\n--since\n"


def test_bash_itself_completes(tmp_path: Path) -> None:
    """Load the script as a person does, in another folder, and have bash's own words completed."""
    asked = """
eval "$(cd "$1" && "$2" -m responders completion bash)"
COMP_WORDS=(responder posture --tenant ""); COMP_CWORD=3; _responder; echo "${COMPREPLY[@]}"
complete -p responder
"""
    root = Path(__file__).resolve().parents[4]
    words = ["bash", "--norc", "-c", asked, "bash", str(root), str(root / ".venv/bin/python")]
    ended = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == ["b2c workforce", "complete -o default -F _responder responder"]
