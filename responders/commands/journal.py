"""`responder journal`: who lowered or raised which guard, when and why."""

import argparse
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from responders.commands.connection import NotFound, add_settings_option, storage_from
from responders.commands.tables import add_output_option, escaped, escaped_json, print_beside, print_list
from shared.authority import journal

if TYPE_CHECKING:
    from responders.commands import Subparsers
    from shared.authority.journal import Chain, Entry

_SPOILT = 1


def add_parser(subparsers: "Subparsers") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "journal", help="list who lowered or raised which guard, when and why; ends with 1 where rows were changed"
    )
    parser.add_argument(
        "subject", nargs="*", metavar="SUBJECT", help="only about this, like kill-switch or mode ca-policy-updated"
    )
    add_output_option(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line, whole")
    add_settings_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    storage, subject = storage_from(arguments), " ".join(arguments.subject)
    chains = (journal.history(storage, subject),) if subject else journal.read_all(storage)
    entries = sorted((entry for chain in chains for entry in chain.entries), key=lambda entry: entry.act.when)
    if subject and not entries and not chains[0].problems:
        raise NotFound(f"nothing is in the journal of {subject!r}; `responder journal` lists every subject")
    if arguments.json:
        for entry in entries:
            print(escaped_json(msgspec.json.encode({"entry": entry, "digest": entry.digest}).decode()))
    else:
        names = ("when (UTC)", "who", "what", "subject", "before", "after", "why")
        print_list(
            arguments,
            names,
            [_line(entry) for entry in entries],
            none="nothing is in the journal",
            whole=[{"entry": entry, "digest": entry.digest} for entry in entries],
        )
    return _print_problems(arguments, chains)


def _print_problems(arguments: argparse.Namespace, chains: "tuple[Chain, ...]") -> int:
    problems = [f"{chain.subject}: {problem}" for chain in chains for problem in chain.problems]
    for problem in problems:
        print_beside(arguments, f"! {escaped(problem)}")
    return _SPOILT if problems else 0


def _line(entry: "Entry") -> tuple[str, ...]:
    act = entry.act
    when = f"{act.when:%Y-%m-%d %H:%M:%S}"
    return when, act.who, act.what, act.subject, _short(act.before), _short(act.after), act.why


def _short(value: Mapping[str, Any] | None) -> str:
    if value is None:
        return ""
    return " ".join(f"{name}={one if isinstance(one, str) else json.dumps(one)}" for name, one in value.items())[:60]
