"""The parser of the command line, made of what each command's module adds to it."""

import argparse
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, override

from responders.commands import COMMANDS
from responders.commands.connection import did_you_mean

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
