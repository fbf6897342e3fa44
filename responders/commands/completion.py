"""`responder completion`: has a shell complete commands, options and their values, as the parser knows them.

The script that a shell loads asks this command at each press of the key, so it is never older than the program. Only
the module of the command that is typed is imported.
"""

import argparse
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from responders.commands import COMMANDS
from responders.commands.parsing import parser_of

if TYPE_CHECKING:
    from responders.commands import Subparsers

_HELP: Final = """\
Prints what has the shell complete `responder` by the Tab key. Load it from the file that your shell reads at its start:

  bash   eval "$(responder completion bash)"
  zsh    eval "$(responder completion zsh)"          after compinit
  fish   responder completion fish | source"""

_SCRIPTS: Final[Mapping[str, str]] = {
    "bash": """\
_responder() {
    local IFS=$'\\n'
    COMPREPLY=($(@START@ completion bash "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _responder responder
""",
    "zsh": """\
_responder() {
    local -a found
    found=("${(@f)$(@START@ completion zsh "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "$found" ]]; then compadd -Q -- $found; else _files; fi
}
compdef _responder responder
""",
    "fish": """\
function __responder_words
    set -l typed (commandline -opc) (commandline -ct)
    @START@ completion fish $typed[2..] 2>/dev/null
end
complete -c responder -a '(__responder_words)'
""",
}
"""For each shell what it loads; @START@ is how the program is started."""


def add_parser(subparsers: "Subparsers") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "completion",
        help="have bash, zsh or fish complete commands and options",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=tuple(_SCRIPTS), metavar="|".join(_SCRIPTS), help="which shell")
    parser.add_argument("typed", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.typed:
        sys.stdout.writelines(f"{word}\n" for word in words_after(arguments.typed))
    else:
        sys.stdout.write(_SCRIPTS[arguments.shell].replace("@START@", _start()))
    return 0


def _start() -> str:
    """Give how this program is started, from anywhere and whatever it is called by."""
    root = Path(__file__).resolve().parents[2]
    return f"PYTHONPATH={shlex.quote(str(root))} {shlex.quote(sys.executable)} -m responders"


def words_after(typed: Sequence[str]) -> list[str]:
    """Give what may stand in the place of the last word; none where a shell should offer files, or nothing fits."""
    *before, begun = typed or [""]
    if not before and not begun.startswith("-"):
        return _that_begin(begun, (name for commands in COMMANDS.values() for name in commands))
    parser, rest = _at(before)
    last = _option(parser, rest[-1]) if rest else None
    if last is not None and last.nargs != 0:
        return _that_begin(begun, last.choices or ())
    if begun.startswith("-"):
        return _that_begin(begun, (name for action in _actions(parser) for name in _options_of(action)))
    return _that_begin(begun, _positional_choices(parser, rest))


def _actions(parser: argparse.ArgumentParser) -> Sequence[argparse.Action]:
    """Give the options and words that a parser takes; argparse has no public way to them."""
    return parser._actions  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]


def _that_begin(begun: str, words: Iterable[object]) -> list[str]:
    return sorted({word for word in map(str, words) if word.startswith(begun)})


def _at(before: Sequence[str]) -> tuple[argparse.ArgumentParser, list[str]]:
    """Go down to the parser of the command that is typed; gives the words after it too."""
    parser: argparse.ArgumentParser = parser_of(before)
    rest = list(before)
    for word in before:
        below = _parsers_below(parser).get(word)
        if below is None:
            break
        parser, rest = below, rest[1:]
    return parser, rest


def _parsers_below(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    """Give the parsers of the commands that a parser leads to, by their names."""
    for action in _actions(parser):
        below: Any = action.choices
        if isinstance(below, dict):
            return cast("dict[str, argparse.ArgumentParser]", below)
    return {}


def _options_of(action: argparse.Action) -> Sequence[str]:
    return () if action.help == argparse.SUPPRESS else action.option_strings


def _option(parser: argparse.ArgumentParser, word: str) -> argparse.Action | None:
    return next((each for each in _actions(parser) if word in each.option_strings), None)


def _positional_choices(parser: argparse.ArgumentParser, rest: Sequence[str]) -> Iterator[str]:
    """Give the choices of the next word that is no option: those of a parser below, or of a word with choices."""
    taken = len(list(_without_options(parser, rest)))
    places = [each for each in _actions(parser) if not each.option_strings]
    if places:
        place = places[min(taken, len(places) - 1)]
        if taken < len(places) or place.nargs in {"*", "+"}:
            yield from map(str, place.choices or ())


def _without_options(parser: argparse.ArgumentParser, rest: Sequence[str]) -> Iterator[str]:
    takes_value = False
    for word in rest:
        if takes_value:
            takes_value = False
            continue
        option = _option(parser, word)
        if option is not None:
            takes_value = option.nargs != 0
        elif not word.startswith("-"):
            yield word
