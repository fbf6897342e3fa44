"""`responder cases`: what happened and what was done about it."""

import argparse
import json
from typing import TYPE_CHECKING

import msgspec

from responders.commands.connection import CommandError, add_settings_option, environment_from, storage_from
from responders.commands.tables import escaped_json, print_table
from shared.model.clock import utc_now
from shared.model.settings import settings_from
from shared.respond.ledger import Ledger

if TYPE_CHECKING:
    from responders.commands import Subparsers
    from shared.model.cases import Case


def add_parser(subparsers: "Subparsers") -> None:
    """Add the command."""
    parser = subparsers.add_parser("cases", help="list cases, newest first")
    parser.add_argument("--open", action="store_true", help="only those that the app hasn't finished")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, whole")
    parser.add_argument(
        "--most", type=int, default=200, metavar="N", help="how many of a tenant (default: 200; 0: all)"
    )
    parser.add_argument("case", nargs="?", metavar="CASE", help="show this one, whole")
    add_settings_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    settings = settings_from(environment_from(arguments))
    storage = storage_from(arguments)
    ledger = Ledger(storage, storage, clock=utc_now, lease=settings.lease)
    if arguments.case:
        case = next((one for tenant in settings.tenants if (one := ledger.case(tenant.id, arguments.case))), None)
        if case is None:
            raise CommandError(f"no case has the id {arguments.case}; `responder cases` lists those there are")
        print(escaped_json(json.dumps(msgspec.to_builtins(case), indent=2, ensure_ascii=False)))
        return 0
    if arguments.most < 0:
        raise CommandError(f"--most is a number of cases, not {arguments.most}")
    each = [ledger.cases(tenant.id, only_open=arguments.open, most=arguments.most) for tenant in settings.tenants]
    found = sorted((case for cases in each for case in cases), key=lambda case: case.at, reverse=True)
    if arguments.json:
        for case in found:
            print(escaped_json(msgspec.json.encode(case).decode()))
        return 0
    print_table(
        ("case", "when (UTC)", "detection", "actor", "standing", "decision", "outcome", "state"),
        [_line(case) for case in found],
        none="no open cases" if arguments.open else "no cases",
    )
    return 0


def _line(case: "Case") -> tuple[str, ...]:
    actor = case.actor.name or case.actor.id or "unknown"
    when = f"{case.at:%Y-%m-%d %H:%M:%S}"
    return case.id, when, case.detection, actor[:40], case.standing, case.decision, case.outcome, case.state
