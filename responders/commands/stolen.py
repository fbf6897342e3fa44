"""`responder revoke OBJECT_ID --since DATE`: a stolen account's approvals and what it did since then, as one plan."""

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from responders.commands.acts import print_how_to_do_it, print_plan, who_and_why
from responders.commands.connection import CommandError
from responders.commands.signing import acts_from
from responders.commands.stored_objects import SHOWN, leaf_shown, runtime_from
from responders.commands.tables import escaped, print_table
from responders.commands.waiting import waiting_for
from shared.authority.approvals import TableApprovals, since_from
from shared.respond.persons import Result
from shared.respond.stolen import Revocation, Revoked, plan_revocation, revoke_since

if TYPE_CHECKING:
    from shared.respond.components import Runtime


def revoke_all(arguments: argparse.Namespace) -> int:
    """Print the plan; with --yes do what was shown."""
    if not arguments.since:
        raise CommandError("say since when, like --since 2027-01-31T22:00; or name a LIST to revoke from now on")
    since = _instant(arguments.since)
    runtime = _signing(runtime_from(arguments), arguments)
    if not arguments.yes:
        with waiting_for("reading what it did since then"):
            revocation = plan_revocation(runtime, arguments.object_id, since)
        _print(runtime, revocation, arguments)
        return 0
    by, reason = who_and_why(arguments)
    try:
        revoked = revoke_since(runtime, arguments.object_id, since, digest=arguments.yes, by=by, reason=reason)
    except ValueError as error:
        raise CommandError(str(error)) from error
    return _print_result(runtime, revoked, arguments)


def _signing(runtime: "Runtime", arguments: argparse.Namespace) -> "Runtime":
    """Give the runtime whose approvals are taken back with the key of whoever is at the terminal."""
    acts = acts_from(arguments, runtime.storage)
    approvals = TableApprovals(runtime.storage, clock=runtime.clock, acts=acts)
    return msgspec.structs.replace(runtime, acts=acts, approvals=approvals)


def _instant(text: str) -> datetime:
    try:
        return since_from(text).astimezone(UTC)
    except ValueError as error:
        raise CommandError(str(error)) from error


def _print_result(runtime: "Runtime", revoked: Revoked, arguments: argparse.Namespace) -> int:
    print(f"revoke: {revoked.result}")
    names = {plan.asking.id: plan.name for plan in revoked.revocation.plans}
    if revoked.acted:
        rows = [(one.id.kind.value, names[one.id][:SHOWN], one.id.key, one.result.value) for one in revoked.acted]
        print_table(("kind", "name", "key", "result"), rows, none="")
        print("The app writes at its next looks, within a minute or two; each object is a case then.")
    if revoked.result in {Result.MOVED, Result.NOT_ALL}:
        _print(runtime, plan_revocation(runtime, arguments.object_id, revoked.revocation.since), arguments)
    return 0 if revoked.result in {Result.DONE, Result.ALREADY} else 1


def _print(runtime: "Runtime", revocation: Revocation, arguments: argparse.Namespace) -> None:
    when = f"{revocation.since:%Y-%m-%d %H:%M:%S} UTC"
    lists = ", ".join(revocation.approvals) or "none: it has none that counts since then"
    print(f"approvals of {revocation.actor} that end since {when}: {lists}")
    print(f"objects of which something is put back: {len(revocation.plans)}", end="\n\n")
    for plan in revocation.plans:
        print_plan(runtime, plan)
        print()
    for plan in (*revocation.plans, *revocation.others):
        for leaf, why in plan.stays.items():
            print(escaped(f"- {plan.name or plan.tenants_id}, {leaf_shown(leaf)}: {why}"))
        if plan.withdrawn:
            print(escaped(f"- {plan.name or plan.tenants_id}: the account accepted it; that doesn't count any more"))
        elif plan.nothing and not plan.stays:
            print(escaped(f"- {plan.name or plan.tenants_id}: {plan.nothing}"))
    for text in revocation.leans:
        print(escaped(f"- {text}"))
    for text in revocation.unread:
        print(escaped(f"! not looked at: {text}"))
    if revocation.approvals or revocation.plans:
        print_how_to_do_it(
            arguments, f"responder revoke {arguments.object_id} --since {arguments.since}", revocation.digest
        )
    else:
        print("nothing is to be done")
