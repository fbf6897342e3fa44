"""`responder owner`, `owners`: who is paged."""

import argparse
import re
from typing import TYPE_CHECKING

from responders.commands.connection import (
    CommandError,
    NotFound,
    add_settings_option,
    add_who_and_why,
    environment_from,
    person,
    storage_from,
    unknown,
)
from responders.commands.signing import acts_from, add_genesis_option, add_key_options, or_waits
from responders.commands.tables import add_output_option, print_list
from responders.sigma_rules import catalogue_of
from shared.authority.owners import EMERGENCY, EVERYTHING, NamedOwner, TableOwners
from shared.model.clock import utc_now
from shared.model.kinds import ApprovalList
from shared.notify.paged import Channel
from shared.notify.reachability import request_test
from shared.notify.reached import Reached, reached

if TYPE_CHECKING:
    from responders.commands import Subparsers

_SCOPES = (
    'a detection id, an approval list, "*" for everything, or "emergency" for those who are paged in an emergency and'
    " when nobody else answers; `list` lists who is paged, `test` tries now whether pages reach them"
)
_PAGERDUTY = "the id of the owner's user in PagerDuty, like PLH1HKV: what they acknowledge there counts here"
_PAGERDUTY_ID = re.compile(r"P[0-9A-Z]{3,30}")


def add_parser(subparsers: "Subparsers") -> None:
    """Add the two commands."""
    owner = subparsers.add_parser("owner", help="name somebody who is paged")
    owner.add_argument("scope", metavar="SCOPE", help=_SCOPES)
    owner.add_argument("--name", default="")
    owner.add_argument("--upn", default="", help="the user principal name that Teams mentions")
    owner.add_argument("--pagerduty", default="", metavar="ID", help=_PAGERDUTY)
    owner.add_argument("--remove", action="store_true", help="have nobody paged in that place any more")
    owner.add_argument("--order", type=int, default=10, help="who comes first: the lowest number (default: 10)")
    add_who_and_why(owner, why="needed where somebody is no longer paged")
    add_output_option(owner)
    add_key_options(owner)
    add_settings_option(owner)
    owner.set_defaults(run=_owner)
    owners = subparsers.add_parser("owners", help="list who is paged")
    add_output_option(owners)
    add_genesis_option(owners)
    add_settings_option(owners)
    owners.set_defaults(run=_owners)


def _owner(arguments: argparse.Namespace) -> int:
    if arguments.scope == "list":
        return _owners(arguments)
    if arguments.scope == "test":
        return _test(arguments)
    detections = catalogue_of(environment_from(arguments))
    scopes = [*(one.value for one in ApprovalList), *(detection.id for detection in detections), EMERGENCY]
    if arguments.scope not in {*scopes, EVERYTHING}:
        near = unknown("detection or approval list", arguments.scope, scopes, listed_by="responder catalogue")
        raise CommandError(
            f"{near}, `responder approve --help` the approval lists; * stands for everything, {EMERGENCY} for an"
            " emergency"
        )
    if not 0 <= arguments.order <= 999:  # noqa: PLR2004 - three digits of a key
        raise CommandError("the order should be a number from 0 to 999")
    if arguments.remove == bool(arguments.name or arguments.upn) or bool(arguments.name) != bool(arguments.upn):
        raise CommandError("name an owner with --name and --upn, or take one away with --remove")
    if arguments.pagerduty and _PAGERDUTY_ID.fullmatch(arguments.pagerduty) is None:
        raise CommandError("--pagerduty should be the id at the end of the address of the user's page, like PLH1HKV")
    owners, order, by = _table(arguments), f"{arguments.order:03}", arguments.by or person()
    try:
        if arguments.remove:
            return _remove(owners, arguments.scope, order, by=by, reason=arguments.reason)
        owner = NamedOwner(
            scope=arguments.scope,
            order=order,
            name=arguments.name,
            upn=arguments.upn,
            pagerduty=arguments.pagerduty,
        )
        if not or_waits(lambda: owners.name(owner, by=by, reason=arguments.reason)):
            return 0
    except ValueError as error:
        raise CommandError(f"{error} (--reason)") from error
    print(f"{arguments.name} is paged for {arguments.scope}, in place {arguments.order}")
    return 0


def _test(arguments: argparse.Namespace) -> int:
    storage = storage_from(arguments)
    people = reached(storage, clock=utc_now, acts=acts_from(arguments, storage))
    if not people:
        raise CommandError('nobody is named, so nobody can be asked: responder owner "*" --name NAME --upn UPN')
    request_test(storage, by=arguments.by or person(), at=utc_now())
    print(f"Within two minutes the app asks {len(people)} owners whether pages reach them; it wakes nobody.")
    print("`responder owners` shows who has answered. In one week each is asked once a day at most.")
    return 0


def _remove(owners: TableOwners, scope: str, order: str, *, by: str, reason: str) -> int:
    there: list[bool] = []
    if not or_waits(lambda: there.append(owners.remove(scope, order, by=by, reason=reason))):
        return 0
    if not any(there):
        raise NotFound(f"nobody is paged for {scope} in place {int(order)}; `responder owners` lists who is")
    print(f"nobody is paged for {scope} in place {int(order)} any more")
    return 0


def _table(arguments: argparse.Namespace) -> TableOwners:
    storage = storage_from(arguments)
    return TableOwners(storage, clock=utc_now, acts=acts_from(arguments, storage))


def _owners(arguments: argparse.Namespace) -> int:
    storage = storage_from(arguments)
    acts = acts_from(arguments, storage)
    people = {_key(one.owner): one for one in reached(storage, clock=utc_now, acts=acts)}
    lines = [
        (owner.scope, owner.order, owner.name, owner.upn, owner.pagerduty, *_answers(people.get(_key(owner))))
        for owner in TableOwners(storage, clock=utc_now, acts=acts).history().present
    ]
    headings = ("scope", "order", "name", "upn", "in PagerDuty", "Teams reached", "PagerDuty reached")
    print_list(arguments, headings, lines, none="nobody is named: pages go out without a mention")
    return 0


def _key(owner: NamedOwner) -> str:
    return (owner.upn or owner.name).casefold()


def _answers(one: Reached | None) -> tuple[str, str]:
    """Say when an owner last answered over each channel."""
    over = one.over if one else {}
    teams, pagerduty = (over.get(channel) for channel in (Channel.TEAMS, Channel.PAGERDUTY))
    return (f"{teams:%Y-%m-%d}" if teams else "never", f"{pagerduty:%Y-%m-%d}" if pagerduty else "never")
