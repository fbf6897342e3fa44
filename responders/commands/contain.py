"""`responder contain`, `release`, `keep`, `restraints`: what is taken from the account behind a case, and given back.

Without --yes, `contain` prints the plan with a digest; with it, what was shown is done. `release` gives all of it back
in one step. The app acts at its next look, within a minute or two.
"""

import argparse
from typing import TYPE_CHECKING, Final

from responders.commands.acts import (
    add_confirmation,
    done,
    found_case,
    print_how_to_do_it,
    print_plan,
    who_and_why,
)
from responders.commands.connection import CommandError, add_settings_option, add_who_and_why, since_of
from responders.commands.stored_objects import runtime_from
from responders.commands.tables import Format, add_output_option, escaped, print_beside, print_folded, print_list
from responders.commands.waiting import add_watch_option, waiting_for, watched
from shared.model.errors import LeaseLost
from shared.respond.case_owners import first_owners, scopes_of
from shared.respond.containing import Contained, ContainmentPlan, contain, keep, plan_containment, release
from shared.respond.persons import Result
from shared.respond.restraint_reminders import line_of

if TYPE_CHECKING:
    from responders.commands import Subparsers
    from shared.clients.storage import Row
    from shared.objects.restraints import Containment
    from shared.respond.components import Runtime


def add_parser(subparsers: "Subparsers") -> None:
    """Add the commands."""
    parser = subparsers.add_parser("contain", help="take the account behind a case from whoever uses it, by one plan")
    parser.add_argument("case", metavar="CASE", help="its id; `responder cases` lists them")
    parser.add_argument("--since", default="", metavar="DATE", help="when that began (default: the case), in UTC")
    parser.add_argument(
        "--also", action="append", default=[], metavar="ID", help="an account that it made; may be repeated"
    )
    add_confirmation(parser)
    parser.set_defaults(run=_contain)
    for name, words in (
        ("release", "give back what was taken because of a case"),
        ("keep", "leave an account restrained, and remind nobody any more"),
    ):
        parser = subparsers.add_parser(name, help=words)
        parser.add_argument("case", metavar="CASE", help="its id; `responder restraints` lists them")
        add_who_and_why(parser, why="always needed")
        add_settings_option(parser)
        parser.set_defaults(run=_decide, verb=name)
    parser = subparsers.add_parser("restraints", help="list what was taken from accounts, with age and owner")
    parser.add_argument("--all", action="store_true", help="those that were released too")
    add_output_option(parser)
    add_watch_option(parser)
    add_settings_option(parser)
    parser.set_defaults(run=_list)


def _contain(arguments: argparse.Namespace) -> int:
    runtime = runtime_from(arguments)
    case, since = found_case(runtime, arguments.case), since_of(arguments)
    if not arguments.yes:
        with waiting_for("reading what it can and did"):
            plan = plan_containment(runtime, case, since=since, also=arguments.also)
        _print(runtime, plan, arguments)
        return 0
    by, reason = who_and_why(arguments)
    try:
        contained = contain(runtime, case, digest=arguments.yes, by=by, reason=reason, since=since, also=arguments.also)
    except LeaseLost as lost:
        raise CommandError(f"{Result.BUSY}: {lost}") from lost
    except ValueError as error:
        raise CommandError(str(error)) from error
    _print_result(contained)
    if contained.result in {Result.MOVED, Result.NOT_ALL}:
        _print(runtime, plan_containment(runtime, case, since=since, also=arguments.also), arguments)
    return 0 if contained.result in {Result.DONE, Result.ALREADY} else 1


def _print_result(contained: Contained) -> None:
    print(f"contain: {contained.result}")
    for one in contained.revoked.acted if contained.revoked else ():
        print(escaped(f"- {one.id.kind} {one.id.key}: {one.result}"))
    if contained.result is Result.DONE:
        print("The app does it at its next look, within a minute or two. `responder restraints` says how it stands.")


def _print(runtime: "Runtime", plan: ContainmentPlan, arguments: argparse.Namespace) -> None:
    actor = plan.case.actor
    print(escaped(f"contain {actor.name or 'the account'} ({actor.id}), in this order:"), end="\n\n")
    for number, step in enumerate(plan.steps, start=1):
        stands = f": {step.stands}" if step.stands else ""
        print(escaped(f"{number}. {step.does} {step.account}{stands}"))
        print(escaped(f"   to take it back: {step.undo}"))
    if plan.waiting:
        print("\n" + escaped(f"! it waits: {plan.waiting}"))
    revocation = plan.revocation
    lists = ", ".join(revocation.approvals) or "none"
    print(f"\n{len(plan.steps) + 1}. end its approvals since {plan.since:%Y-%m-%d %H:%M:%S} UTC: {lists}")
    print(f"{len(plan.steps) + 2}. take back what it did since then, objects: {len(revocation.plans)}", end="\n\n")
    for one in revocation.plans:
        print_plan(runtime, one)
        print()
    for text in (*revocation.leans, _ACCOUNTS_MADE):
        print(escaped(f"- {text}"))
    for text in revocation.unread:
        print(escaped(f"! not looked at: {text}"))
    since = f" --since {arguments.since}" if arguments.since else ""
    also = "".join(f" --also {each}" for each in arguments.also)
    print_how_to_do_it(arguments, f"responder contain {plan.case.id}{since}{also}", plan.digest)
    if not plan.digest:
        print("nothing is to be done")


_ACCOUNTS_MADE: Final = (
    "accounts that it made are in this plan only where you name them: look for “Add user” by it in the audit log,"
    " and add --also OBJECT_ID for each"
)


def _decide(arguments: argparse.Namespace) -> int:
    runtime = runtime_from(arguments)
    case = found_case(runtime, arguments.case)
    by, reason = who_and_why(arguments)
    decide = release if arguments.verb == "release" else keep
    result = done(lambda: decide(runtime, case.tenant_id, case.id, by=by, reason=reason))
    print(f"{arguments.verb}: {result}")
    if arguments.verb == "release" and result is Result.DONE:
        print("The app gives it back at its next look, within a minute or two.")
    return 0 if result in {Result.DONE, Result.ALREADY} else 1


def _list(arguments: argparse.Namespace) -> int:
    runtime = runtime_from(arguments)
    broken: list[Row] = []

    def read() -> "list[Containment]":
        broken.clear()
        with waiting_for("reading what was taken"):
            return [
                kept.containment
                for tenant in runtime.settings.tenants
                for kept in runtime.restraints.of_tenant(tenant.id, unreadable=broken.append)
            ]

    status = watched(arguments, read, lambda found: _show(arguments, runtime, found, broken))
    return 1 if broken else status


def _show(arguments: argparse.Namespace, runtime: "Runtime", found: "list[Containment]", broken: "list[Row]") -> None:
    shown = [one for one in found if arguments.all or one.released is None]
    owner_of = first_owners(runtime)
    rows: list[tuple[str, ...]] = []
    for one in shown:
        owner = owner_of(scopes_of(runtime.detections.get(one.detection)))
        names = ", ".join(dict.fromkeys(step.name for step in one.steps))
        age = f"{(runtime.clock() - one.asked.at).total_seconds() / 3600:.1f} h"
        rows.append((one.case, names[:40], age, _decided(one), owner.name if owner else "nobody", one.asked.by))
    print_list(
        arguments,
        ("case", "account", "age", "decided", "owner", "by"),
        rows,
        none="nobody is restrained",
        whole=[{"containment": one, "owner": row[4]} for one, row in zip(shown, rows, strict=True)],
    )
    for one in shown if arguments.output == Format.TABLE else ():
        print()
        for step in one.steps:
            print_folded(f"{one.case}: {line_of(step)}")
    for row in broken:
        print_beside(arguments, escaped(f"! a row can't be read: {row.partition}, {row.key}"))


def _decided(one: "Containment") -> str:
    said, what = (one.released, "released") if one.released else (one.kept, "kept")
    return f"{what} by {said.by}: {said.reason}" if said else "nobody yet"
