"""`responder approve`, `revoke`, `approvals`: who may make which changes."""

import argparse
import shlex

from responders.commands import Subparsers
from responders.commands.connection import (
    CommandError,
    NotFound,
    add_settings_option,
    add_who_and_why,
    environment_from,
    person,
    storage_from,
)
from responders.commands.profile import profile_of_environment
from responders.commands.signing import acts_from, add_genesis_option, add_key_options, or_waits
from responders.commands.tables import add_output_option, print_beside, print_list
from responders.kinds.microsoft_services import MICROSOFT_SERVICES
from shared.authority.approvals import TableApprovals, since_from, until_from
from shared.authority.standing import Approval, Malformed
from shared.model.calls import checked_id
from shared.model.clock import utc_now
from shared.model.errors import BadIdentifier
from shared.model.events import ActorKind
from shared.model.kinds import ApprovalList
from shared.respond.waking import announce


def add_parser(subparsers: Subparsers) -> None:
    """Add the three commands."""
    approve = subparsers.add_parser("approve", help="let an actor make the changes that an approval list covers")
    approve.add_argument("list", choices=[one.value for one in ApprovalList], metavar="LIST", help=_LISTS)
    approve.add_argument(
        "object_id", metavar="OBJECT_ID", help="the actor's object id in the directory (a name is never enough)"
    )
    approve.add_argument("--name", required=True, help="who that is, for people to read")
    approve.add_argument(
        "--kind", choices=["user", "servicePrincipal"], default="user", help="what it is (default: user)"
    )
    approve.add_argument("--until", metavar="DATE", help="when it ends, like 2027-01-31; at most a year ahead")
    approve.add_argument("--ticket", help="the request that this answers, like CHG-1234")
    approve.add_argument(
        "--target", action="append", default=[], metavar="ID", help="only for this object; may be given again"
    )
    approve.add_argument(
        "--hours",
        default="",
        metavar="HOURS",
        help="only at these hours, like '08:00-18:00 Europe/Amsterdam', with days like 1,2,3,4,5 behind it where they"
        " aren't Monday to Friday; what is done at other times is paged",
    )
    approve.add_argument("--since", metavar="DATE", help="accept the changes made since then too; the default is now")
    approve.add_argument("--by", default=None, help="who approves it (default: the account you are logged in with)")
    approve.add_argument("--reason", default="", help="what the journal should say beside the ticket")
    add_key_options(approve)
    add_settings_option(approve)
    approve.set_defaults(run=_approve)

    revoke = subparsers.add_parser(
        "revoke",
        help="take an approval back, now or since an instant; or all that a stolen account did",
    )
    revoke.add_argument(
        "list",
        nargs="?",
        choices=[one.value for one in ApprovalList],
        metavar="LIST",
        help=f"{_LISTS}; without one, every list, and what the account did since then is put back",
    )
    revoke.add_argument("object_id", metavar="OBJECT_ID")
    revoke.add_argument("--since", metavar="DATE", help="what was done since then counts as unapproved too")
    revoke.add_argument("--yes", default="", metavar="DIGEST", help="without LIST: do what was shown under this")
    add_who_and_why(revoke, why="needed with --since")
    add_key_options(revoke)
    add_settings_option(revoke)
    revoke.set_defaults(run=_revoke)

    approvals = subparsers.add_parser("approvals", help="list the approvals, expired and malformed ones too")
    approvals.add_argument(
        "--microsoft", action="store_true", help="list Microsoft's services that are approved besides, and why"
    )
    add_output_option(approvals)
    add_genesis_option(approvals)
    add_settings_option(approvals)
    approvals.set_defaults(run=_approvals)


_LISTS = "one of: " + ", ".join(one.value for one in ApprovalList)


def _approve(arguments: argparse.Namespace) -> int:
    if not arguments.until or not arguments.ticket:
        missing = " and ".join(
            name for name, value in (("--until", arguments.until), ("--ticket", arguments.ticket)) if not value
        )
        raise CommandError(f"an approval needs an end and a ticket: {missing} is missing, nothing was written")
    _check_object_id(arguments.object_id)
    try:
        approval = Approval(
            approval_list=ApprovalList(arguments.list),
            actor_id=arguments.object_id.lower(),
            kind=ActorKind(arguments.kind),
            name=arguments.name,
            valid_from=utc_now(),
            valid_until=until_from(arguments.until),
            ticket=arguments.ticket,
            approved_by=arguments.by or person(),
            targets=tuple(target.lower() for target in arguments.target),
            hours=arguments.hours.strip(),
        )
        since = since_from(arguments.since) if arguments.since else None
        storage = storage_from(arguments)
        announce(storage, at=utc_now(), since=since)
        approvals = TableApprovals(storage, clock=utc_now, acts=acts_from(arguments, storage))
        if not or_waits(lambda: approvals.approve(approval, reason=arguments.reason, since=since)):
            return 0
    except ValueError as error:
        raise CommandError(str(error)) from error
    print(
        f"approved: {approval.name} ({approval.actor_id}) on {approval.approval_list}"
        f" until {approval.valid_until:%Y-%m-%d %H:%M} UTC"
    )
    return 0


def _check_object_id(text: str) -> None:
    """Say how to find the object id where a name was given: names can be taken over, ids can't.

    Raises:
        CommandError: it isn't an object id.
    """
    try:
        checked_id("id", text)
    except BadIdentifier as error:
        look_up = (
            f"`az ad user show --id {shlex.quote(text)} --query id --output tsv` prints it"
            if "@" in text
            else "`az ad user show` or `az ad sp show` prints it"
        )
        raise CommandError(
            f"{text!r} is not an object id, which looks like 0a1b2c3d-0000-4000-8000-000000000000: {look_up}"
        ) from error


def _revoke(arguments: argparse.Namespace) -> int:
    _check_object_id(arguments.object_id)
    if arguments.list is None:
        from responders.commands.stolen import revoke_all  # noqa: PLC0415 - it loads the app; one list needs only storage

        return revoke_all(arguments)
    storage = storage_from(arguments)
    approvals = TableApprovals(storage, clock=utc_now, acts=acts_from(arguments, storage))
    try:
        since = since_from(arguments.since) if arguments.since else None
        announce(storage, at=utc_now(), since=since)
        found = approvals.revoke(
            ApprovalList(arguments.list),
            arguments.object_id,
            by=arguments.by or person(),
            reason=arguments.reason,
            since=since,
        )
    except ValueError as error:
        raise CommandError(str(error)) from error
    if not found:
        raise NotFound(
            f"there is no approval for {arguments.object_id} on {arguments.list};"
            " `responder approvals` lists those there are"
        )
    when = f"since {since:%Y-%m-%d %H:%M} UTC" if since else "from now on"
    print(f"revoked: {arguments.object_id} on {arguments.list}, {when}")
    if since:
        print(
            "what was changed since then is looked at again; in some minutes `responder settle` lists what can be put"
        )
        print("back, and `responder settle OBJECT` puts it back")
    return 0


def _approvals(arguments: argparse.Namespace) -> int:
    if arguments.microsoft:
        return _microsoft(arguments)
    storage = storage_from(arguments)
    approvals = TableApprovals(storage, clock=utc_now, acts=acts_from(arguments, storage))
    rows = [_line(name, actor, approval) for name, actor, approval in approvals.all()]
    names = ("list", "actor", "name", "state", "until (UTC)", "ticket", "kind", "targets")
    print_list(arguments, names, rows, none="no approvals")
    return 0


def _microsoft(arguments: argparse.Namespace) -> int:
    withdrawn = profile_of_environment(environment_from(arguments)).withdrawn_services
    print_list(
        arguments,
        ("list", "app id", "name", "state", "why"),
        [
            (name, one.app_id, one.name, "withdrawn" if one.app_id in withdrawn else "approved", one.why)
            for one in MICROSOFT_SERVICES
            for name in sorted(one.lists)
        ],
        none="none",
    )
    print_beside(
        arguments, "VOCABULARY.withdrawn_services takes one out everywhere; a row of its own decides for its list"
    )
    return 0


def _line(approval_list: str, actor_id: str, approval: Approval | Malformed) -> tuple[str, ...]:
    if isinstance(approval, Malformed):
        return approval_list, actor_id, "", f"malformed: {approval.because}", "", "", "", ""
    until = f"{approval.valid_until:%Y-%m-%d %H:%M}"
    targets = " ".join(approval.targets) or "all"
    return approval_list, actor_id, approval.name, _state(approval), until, approval.ticket, approval.kind, targets


def _state(approval: Approval) -> str:
    if approval.revoked_at is not None:
        return f"revoked {approval.revoked_at:%Y-%m-%d %H:%M}"
    if approval.valid_until <= utc_now():
        return "expired"
    if approval.valid_from > utc_now():
        return f"valid only from {approval.valid_from:%Y-%m-%d %H:%M}"
    return f"valid at {approval.hours}" if approval.hours else "valid"
