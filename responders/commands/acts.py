"""`responder undo`, `accept`, `deny`, `put-back`, `restore`: what a person does, shown before it is done.

Without --yes nothing is done: the plan is printed, with a digest. With it, the act is done if the plan is still the
same; the app writes what is to be written at its next look, within a minute or two.
"""

import argparse
import shlex
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from responders.commands.connection import CommandError, add_settings_option, add_who_and_why, person
from responders.commands.found_cases import case_named
from responders.commands.stored_objects import found_object, leaf_shown, runtime_from, value_shown
from responders.commands.tables import escaped, print_table
from responders.commands.waiting import waiting_for
from shared.authority.approvals import since_from
from shared.model.errors import LeaseLost
from shared.model.objects import WHOLE
from shared.respond.act_plans import plan_act
from shared.respond.acts import act
from shared.respond.asking import LEAST_DIGEST, ActPlan, Asking, Verb, asking_of
from shared.respond.persons import Result

if TYPE_CHECKING:
    from responders.commands import Subparsers
    from shared.model.cases import Case
    from shared.respond.components import Runtime

_OF_A_CASE: Final = {
    Verb.UNDO: "take back what the responder wrote for a case; what stood before counts as accepted",
    Verb.ACCEPT: "accept what a case is about as it stands: it is part of the baseline then",
    Verb.DENY: "take back what a case is about, and hold it: whoever unapproved does it again, it is put back",
    Verb.PUT_BACK: "put back now what a case is about that wasn't put back unasked, once",
}


def add_parser(subparsers: "Subparsers") -> None:
    """Add the commands."""
    for verb, words in _OF_A_CASE.items():
        parser = subparsers.add_parser(verb.value, help=words)
        parser.add_argument("case", metavar="CASE", help="its id; `responder cases` lists them")
        add_confirmation(parser)
        parser.set_defaults(run=_of_a_case, verb=verb)
    parser = subparsers.add_parser("restore", help="have an object stand as it stood at an earlier time")
    parser.add_argument("object", metavar="OBJECT", help="its key, or the tenant's id of it")
    parser.add_argument("--to", required=True, metavar="DATE", help="as it stood then, in UTC: 2027-01-31T18:00")
    add_confirmation(parser)
    parser.set_defaults(run=_restore)


def add_confirmation(parser: argparse.ArgumentParser) -> None:
    """Add --yes, who and why, and --settings."""
    parser.add_argument("--yes", default="", metavar="DIGEST", help="do it, if it is still what was shown under this")
    add_who_and_why(parser, why="needed with --yes")
    add_settings_option(parser)


def _of_a_case(arguments: argparse.Namespace) -> int:
    runtime = runtime_from(arguments)
    asking = asking_of(found_case(runtime, arguments.case), arguments.verb)
    return ask(runtime, asking, arguments, f"responder {asking.verb} {arguments.case}")


def _restore(arguments: argparse.Namespace) -> int:
    runtime = runtime_from(arguments)
    asking = Asking(verb=Verb.RESTORE, id=found_object(runtime, arguments.object), to=_instant(arguments.to))
    return ask(runtime, asking, arguments, f"responder restore {arguments.object} --to {arguments.to}")


def _instant(text: str) -> datetime:
    try:
        return since_from(text)
    except ValueError as error:
        raise CommandError(str(error)) from error


def found_case(runtime: "Runtime", case_id: str) -> "Case":
    """Find a case in any tenant by its id, or the beginning of it. Raises CommandError where that is none, or more."""
    return case_named(runtime.ledger, runtime.settings.tenants, case_id)


def ask(runtime: "Runtime", asking: Asking, arguments: argparse.Namespace, command: str) -> int:
    """Print the plan; with --yes do what was shown, and print the new plan where that is out of date."""
    if not arguments.yes:
        with waiting_for("reading how it stands"):
            plan = plan_act(runtime, asking).plan
        print_plan(runtime, plan)
        print_how_to_do_it(arguments, command, plan.digest)
        return 0
    by, reason = who_and_why(arguments)
    acted = done(lambda: act(runtime, asking, digest=arguments.yes, by=by, reason=reason).result)
    print(f"{asking.verb}: {acted}")
    if acted is Result.DONE:
        print("The app does it at its next look, within a minute or two; it is a case then." if _writes(asking) else "")
    if acted is Result.MOVED:
        plan = plan_act(runtime, asking).plan
        print_plan(runtime, plan)
        print_how_to_do_it(arguments, command, plan.digest)
    return 0 if acted in {Result.DONE, Result.ALREADY} else 1


def _writes(asking: Asking) -> bool:
    return asking.verb not in {Verb.ACCEPT, Verb.LEAVE}


def done(act_on: Callable[[], Result]) -> Result:
    """Do it; what another run wrote meanwhile is to be tried again."""
    try:
        return act_on()
    except LeaseLost:
        return Result.BUSY
    except ValueError as error:
        raise CommandError(str(error)) from error


def who_and_why(arguments: argparse.Namespace) -> tuple[str, str]:
    """Give who acts and why. Raises CommandError where no reason is given."""
    if not arguments.reason.strip():
        raise CommandError("it needs a reason, for the journal: --reason TEXT")
    return (arguments.by or "").strip() or person(), arguments.reason


def print_plan(runtime: "Runtime", plan: ActPlan) -> None:
    """Print what would be done to an object, leaf by leaf, what objects to it, and what doesn't come back."""
    kind = runtime.kinds[plan.asking.id.kind]
    print(escaped(f'{plan.asking.verb}: {kind.title} "{plan.name}" ({plan.tenants_id})'), end="\n\n")
    if plan.nothing:
        print(escaped(f"Nothing is to be done: {plan.nothing}."))
        return
    rows = [(leaf_shown(row.leaf), value_shown(row.stands), value_shown(row.will_be), row.note) for row in plan.rows]
    print_table(("property", "stands", "will be", "note"), rows, none="nothing is written; what is denied is held")
    for leaf, one in plan.objections.items():
        where = "" if leaf == WHOLE else f"{leaf_shown(leaf)}: "
        waits = "it waits until that has passed" if one.can_pass else "this doesn't pass by itself"
        print(
            "\n"
            + escaped(f"! a guard objects: {where}{one.because}; {waits}{f': {one.by_hand}' if one.by_hand else ''}")
        )
    for text in plan.cannot:
        print("\n" + escaped(f"! {text}"))
    if plan.op is not None:
        print("\n" + escaped(f"To take it back: {kind.undo}"))


def print_how_to_do_it(arguments: argparse.Namespace, command: str, digest: str) -> None:
    """Print the command that does what was shown, where it was shown from."""
    if digest:
        settings = f" --settings {shlex.quote(arguments.settings)}" if arguments.settings else ""
        print("\n" + escaped(f"to do it: {command} --reason TEXT --yes {digest[:LEAST_DIGEST]}{settings}"))
