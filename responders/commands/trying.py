"""`responder try`: something happens in the simulated tenant that `make up` started, and it is said where to look."""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from responders.commands.connection import CommandError
from responders.commands.tables import add_output_option

if TYPE_CHECKING:
    from responders.commands import Subparsers

_ROOT: Final = Path(__file__).resolve().parents[2]
_PROGRAM: Final = "infra.local.trying"
"""It is run, not imported: the simulated tenant isn't deployed with the app."""


def add_parser(subparsers: "Subparsers") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "try",
        help="with `make up`: have something happen in the simulated tenant, and see what comes of it",
        description="Lists what can happen in the simulated tenant; with a name, it happens, and it is said where to"
        " look. It needs a clone of the repository in which `make up` runs, and touches no real tenant.",
    )
    parser.add_argument("story", nargs="?", default="", metavar="STORY", help="which; without it they are listed")
    add_output_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if not (_ROOT / _PROGRAM.replace(".", "/")).with_suffix(".py").exists():
        raise CommandError("stories are played in a clone of the repository, on the stack of `make up`; this is none")
    words = [arguments.story] if arguments.story else []
    command = [sys.executable, "-m", _PROGRAM, *words, "-o", arguments.output]
    return subprocess.run(command, cwd=_ROOT, check=False).returncode  # noqa: S603 - our own program, without a shell
