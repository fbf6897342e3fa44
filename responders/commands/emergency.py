"""`responder emergency`: what people do in an emergency."""

import argparse
from typing import TYPE_CHECKING

from responders.commands.connection import CommandError
from responders.commands.emergency_offline import OFFLINE, add_offline, run_offline

if TYPE_CHECKING:
    from responders.commands import Subparsers


def add_parser(subparsers: "Subparsers") -> None:
    """Add the command with its own."""
    parser = subparsers.add_parser(
        "emergency",
        help="an emergency: without the app on a laptop, a laptop's journal, the runbook on paper",
        description=OFFLINE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_offline(parser, parser.add_subparsers(title="commands", metavar="COMMAND"))
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if not arguments.offline:
        raise CommandError("name a command, or --offline: `responder emergency --help` lists them")
    return run_offline(arguments)
