"""`responder acknowledge`, `take-back`, `note`, `classify`: what a person says of a case."""

import argparse
from typing import TYPE_CHECKING

from responders.commands.acts import found_case
from responders.commands.connection import CommandError, add_settings_option, person
from responders.commands.stored_objects import runtime_from
from responders.commands.tables import escaped
from shared.model.cases import WHAT_IT_WAS, Case, RemarkKind
from shared.model.errors import LeaseLost
from shared.respond import remarks

if TYPE_CHECKING:
    from collections.abc import Callable

    from responders.commands import Subparsers
    from shared.respond.components import Runtime

    type Say = Callable[[Runtime, Case, str], Case]


def add_parser(subparsers: "Subparsers") -> None:
    """Add the commands."""
    _command(subparsers, "acknowledge", _acknowledge, "say that you take care of a case, so that nobody else is asked")
    _command(
        subparsers, "take-back", _take_back, "say that nobody takes care of a case: the next owners are asked again"
    )
    noted = _command(subparsers, "note", _note, "note something about a case")
    noted.add_argument("text", metavar="TEXT")
    was = _command(subparsers, "classify", _classify, "say what a case was; the last one counts")
    was.add_argument("was", metavar="WHAT", choices=[one.value for one in WHAT_IT_WAS], help=", ".join(WHAT_IT_WAS))
    was.add_argument("--text", default="", help="what there is to say of that")


def _command(
    subparsers: "Subparsers", name: str, run: "Callable[[argparse.Namespace], int]", words: str
) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(name, help=words)
    parser.add_argument("case", metavar="CASE", help="its id, which may be cut short; `responder cases` lists them")
    parser.add_argument("--by", default=None, help="who says it (default: the account you are logged in with)")
    add_settings_option(parser)
    parser.set_defaults(run=run)
    return parser


def _acknowledge(arguments: argparse.Namespace) -> int:
    case = _said(arguments, lambda runtime, case, by: remarks.acknowledge(runtime, case, by=by))
    print(escaped(f"{case.id}: {case.acknowledged_by} takes care of it; nobody else is asked"))
    return 0


def _take_back(arguments: argparse.Namespace) -> int:
    case = _said(arguments, lambda runtime, case, by: remarks.take_back(runtime, case, by=by))
    print(f"{case.id}: nobody takes care of it; where it needs somebody, the next owners are asked again")
    return 0


def _note(arguments: argparse.Namespace) -> int:
    case = _said(arguments, lambda runtime, case, by: remarks.note(runtime, case, by=by, text=arguments.text))
    print(f"{case.id}: noted")
    return 0


def _classify(arguments: argparse.Namespace) -> int:
    was, text = RemarkKind(arguments.was), str(arguments.text)
    case = _said(arguments, lambda runtime, case, by: remarks.classify(runtime, case, was, by=by, text=text))
    print(f"{case.id}: {case.was}")
    return 0


def _said(arguments: argparse.Namespace, say: "Say") -> Case:
    runtime = runtime_from(arguments)
    try:
        return say(runtime, found_case(runtime, arguments.case), (arguments.by or "").strip() or person())
    except LeaseLost as lost:
        raise CommandError(f"the case is just being written; try again: {lost}") from lost
    except ValueError as error:
        raise CommandError(str(error)) from error
