"""`responder …`: the operator's command line."""

import os
import sys
from collections.abc import Sequence
from typing import Final

from responders.commands.connection import CommandError, ExitStatus
from responders.commands.parsing import parser_of
from shared.authority.acts import NotSigned
from shared.model.errors import LeaseLost, Refused, Rejected, ResponderError, Throttled, Unreachable

_BROKEN_PIPE: Final = 141
_INTERRUPTED: Final = 130
"""What a shell reports of a program that SIGPIPE or SIGINT ended."""


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


def _version() -> str:
    """Read the version from the declaration beside the code: what was only unpacked is installed nowhere."""
    import tomllib  # noqa: PLC0415 - only for who asks
    from pathlib import Path  # noqa: PLC0415 - the same

    declared = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    return str(declared["project"]["version"])
