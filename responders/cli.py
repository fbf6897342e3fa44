"""`responder …`: the operator's command line."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from responders.commands import COMMANDS
from responders.commands.connection import CommandError
from shared.model.errors import ResponderError

_USAGE_ERROR: Final = 2
_BROKEN_PIPE: Final = 141
_INTERRUPTED: Final = 130
"""What a shell reports of a program that SIGPIPE or SIGINT ended."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit status."""
    words = sys.argv[1:] if argv is None else list(argv)
    parser = _parser(words)
    if not words:
        parser.print_help()
        return _USAGE_ERROR
    arguments = parser.parse_args(words)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except (CommandError, ResponderError) as error:
        print(f"responder: {error}", file=sys.stderr)
        return _USAGE_ERROR
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        return _INTERRUPTED
    return status


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Make the parser, of the one command that is named or of all of them."""
    parser = argparse.ArgumentParser(
        prog="responder",
        description="Puts unapproved changes in Microsoft Entra ID and Azure AD B2C back, or pages the owners.",
        epilog="`responder COMMAND --help` says more about a command.",
    )
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    named = [module for module, commands in COMMANDS.items() if words[:1] and words[0] in commands]
    for module in named or COMMANDS:
        import_module(f"responders.commands.{module}").add_parser(subparsers)
    return parser
