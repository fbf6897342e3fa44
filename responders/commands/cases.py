"""`responder cases`: what happened and what was done about it."""

import argparse
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec

from responders.commands.connection import (
    CommandError,
    add_settings_option,
    environment_from,
    since_of,
    storage_from,
    unknown,
)
from responders.commands.found_cases import case_named
from responders.commands.tables import Format, add_output_option, escaped_json, print_json, print_list
from responders.commands.waiting import add_watch_option, waiting_for, watched
from responders.sigma_rules import catalogue_of
from shared.model.clock import utc_now
from shared.model.events import fold
from shared.model.settings import settings_from
from shared.respond.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from responders.commands import Subparsers
    from shared.model.cases import Case
    from shared.model.settings import Tenant

_COLUMNS: Final = ("case", "when (UTC)", "detection", "actor", "outcome", "decision", "was", "standing", "state")


def add_parser(subparsers: "Subparsers") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "cases",
        help="list cases, newest first, or show one",
        description="List cases, the newest first. Options narrow the list; --most counts what is left of each tenant.",
    )
    parser.add_argument("--open", action="store_true", help="only those that the app hasn't finished")
    parser.add_argument("--since", default="", metavar="DATE", help="only of what happened since then, in UTC")
    parser.add_argument("--actor", default="", metavar="WHO", help="only by who has this id, or this in the name")
    parser.add_argument("--detection", default="", metavar="ID", help="only those that this detection found")
    add_output_option(parser)
    add_watch_option(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line, whole")
    parser.add_argument(
        "--most", type=int, default=200, metavar="N", help="how many of a tenant (default: 200; 0: all)"
    )
    parser.add_argument("case", nargs="?", metavar="CASE", help="show this one, whole; its id may be cut short")
    add_settings_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    settings = settings_from(environment_from(arguments))
    storage = storage_from(arguments)
    ledger = Ledger(storage, storage, clock=utc_now, lease=settings.lease)
    if arguments.case:
        print_json(case_named(ledger, settings.tenants, arguments.case))
        return 0
    if arguments.most < 0:
        raise CommandError(f"--most is a number of cases, not {arguments.most}")
    _check_detection(arguments)
    since = since_of(arguments)

    def read() -> "list[Case]":
        each = [islice(_cases(ledger, tenant, arguments, since), arguments.most or None) for tenant in settings.tenants]
        with waiting_for("reading cases"):
            return sorted((case for cases in each for case in cases), key=lambda case: case.at, reverse=True)

    return watched(arguments, read, lambda found: _show(arguments, found))


def _show(arguments: argparse.Namespace, found: "list[Case]") -> None:
    if arguments.json:
        for case in found:
            print(escaped_json(msgspec.json.encode(case).decode()))
        return
    rows = [_line(case, is_table=arguments.output == Format.TABLE) for case in found]
    print_list(arguments, _COLUMNS, rows, none=_none(arguments), whole=found)


def _check_detection(arguments: argparse.Namespace) -> None:
    """Refuse a detection that isn't there: an empty list would say that nothing happened."""
    wanted = str(arguments.detection)
    if wanted:
        known = [one.id for one in catalogue_of(environment_from(arguments))]
        if wanted not in known:
            raise unknown("detection", wanted, known, listed_by="responder catalogue")


def _cases(ledger: Ledger, tenant: "Tenant", arguments: argparse.Namespace, since: datetime | None) -> "Iterator[Case]":
    """Give the cases that are asked for; where nothing but their number limits them, no more are read than that."""
    is_narrowed = bool(arguments.actor or arguments.detection)
    most = 0 if is_narrowed else arguments.most
    return (
        case
        for case in ledger.cases(tenant.id, only_open=arguments.open, most=most, since=since)
        if _is_by(case, arguments.actor) and _is_of(case, arguments.detection)
    )


def _is_by(case: "Case", who: str) -> bool:
    return not who or case.actor.id.lower() == who.lower() or fold(who) in fold(case.actor.name)


def _is_of(case: "Case", detection: str) -> bool:
    return not detection or detection in {case.detection, *case.detections}


def _none(arguments: argparse.Namespace) -> str:
    kind = "open cases" if arguments.open else "cases"
    is_narrowed = arguments.actor or arguments.detection or arguments.since
    return f"no {kind} like that" if is_narrowed else f"no {kind}"


def _line(case: "Case", *, is_table: bool) -> tuple[str, ...]:
    """Give a case's row; in a table the id says the year."""
    actor = case.actor.name or case.actor.id or "unknown"
    when = f"{case.at:%m-%d %H:%M}" if is_table else f"{case.at:%Y-%m-%d %H:%M:%S}"
    return case.id, when, case.detection, actor, case.outcome, case.decision, case.was or "", case.standing, case.state
