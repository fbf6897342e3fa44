"""`responder …`: the operator's command line."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, override

from responders.commands import COMMANDS
from responders.commands.connection import CommandError, ExitStatus, did_you_mean
from shared.authority.acts import NotSigned
from shared.model.errors import LeaseLost, Refused, Rejected, ResponderError, Throttled, Unreachable

_BROKEN_PIPE: Final = 141
_INTERRUPTED: Final = 130
"""What a shell reports of a program that SIGPIPE or SIGINT ended."""

_FEW: Final = 12
"""As many choices are listed to somebody who mistyped one; of more only the nearest are named."""

_EPILOG: Final = """\
`responder COMMAND --help` says more about a command. Ids of cases and objects may be cut short while they are unique.

exit status: 0 done; 1 done, and something isn't as it should be; 2 wrong usage or settings; 3 what was named isn't
there; 4 refused; 5 something can't be reached, or is busy: try again"""


class Parser(argparse.ArgumentParser):
    """A parser that names what is nearest to a mistyped word, instead of all there is."""

    @override
    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        known = [str(one) for one in action.choices]
        listed = f"there are {', '.join(known)}" if len(known) <= _FEW else f"`{self.prog} --help` lists them"
        raise argparse.ArgumentError(action, f"{value!r} isn't one; {did_you_mean(str(value), known)}{listed}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit status."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words[:1] == ["--version"]:
        print(f"responder {_version()}")
        return ExitStatus.DONE
    parser = parser_of(words)
    if not words:
        parser.print_help()
        return ExitStatus.USAGE
    arguments = parser.parse_args(words)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except (CommandError, ResponderError) as error:
        print(f"responder: {error}", file=sys.stderr)
        return _status_of(error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        return _INTERRUPTED
    return status


def _status_of(error: CommandError | ResponderError) -> int:
    match error:
        case CommandError():
            return error.exit_status
        case Refused() | NotSigned() | Rejected():
            return ExitStatus.REFUSED
        case Throttled() | Unreachable() | LeaseLost():
            return ExitStatus.UNREACHABLE
        case _:
            return ExitStatus.USAGE


def parser_of(words: Sequence[str] = ()) -> Parser:
    """Make the parser, of the one command that is named or of all of them."""
    parser = Parser(
        prog="responder",
        description="Puts unapproved changes in Microsoft Entra ID and Azure AD B2C back, or pages the owners.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="say which version this is")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    named = [module for module, commands in COMMANDS.items() if words[:1] and words[0] in commands]
    for module in named or COMMANDS:
        import_module(f"responders.commands.{module}").add_parser(subparsers)
    return parser


def _version() -> str:
    """Read the version from the declaration beside the code: what was only unpacked is installed nowhere."""
    import tomllib  # noqa: PLC0415 - only for who asks
    from pathlib import Path  # noqa: PLC0415 - the same

    declared = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    return str(declared["project"]["version"])
