"""`responder owner`, `owners`: who is paged."""

import argparse
from typing import TYPE_CHECKING

from responders.commands.connection import CommandError, add_settings_option, environment_from, storage_from, unknown
from responders.commands.tables import print_table
from responders.sigma_rules import catalogue_of
from shared.clients.storage_names import Table
from shared.model.kinds import ApprovalList

if TYPE_CHECKING:
    from responders.commands import Subparsers


def add_parser(subparsers: "Subparsers") -> None:
    """Add the two commands."""
    owner = subparsers.add_parser("owner", help="name somebody who is paged")
    owner.add_argument("scope", metavar="SCOPE", help='a detection id, an approval list, or "*" for everything')
    owner.add_argument("--name", required=True)
    owner.add_argument("--upn", required=True, help="the user principal name that Teams mentions")
    owner.add_argument("--order", type=int, default=10, help="who comes first: the lowest number (default: 10)")
    add_settings_option(owner)
    owner.set_defaults(run=_owner)
    owners = subparsers.add_parser("owners", help="list who is paged")
    add_settings_option(owners)
    owners.set_defaults(run=_owners)


def _owner(arguments: argparse.Namespace) -> int:
    detections = catalogue_of(environment_from(arguments))
    scopes = [*(one.value for one in ApprovalList), *(detection.id for detection in detections)]
    if arguments.scope not in {*scopes, "*"}:
        near = unknown("detection or approval list", arguments.scope, scopes, listed_by="responder catalogue")
        raise CommandError(f"{near}, `responder approve --help` the approval lists; * stands for everything")
    if not 0 <= arguments.order <= 999:  # noqa: PLR2004 - three digits of a key
        raise CommandError("the order should be a number from 0 to 999")
    storage = storage_from(arguments)
    columns = {"name": arguments.name, "upn": arguments.upn}
    storage.upsert(Table.OWNERS, arguments.scope, f"{arguments.order:03}", columns)
    print(f"{arguments.name} is paged for {arguments.scope}, in place {arguments.order}")
    return 0


def _owners(arguments: argparse.Namespace) -> int:
    rows = storage_from(arguments).rows(Table.OWNERS, "PartitionKey ge ''")
    lines = [(row.partition, row.key, str(row.columns.get("name")), str(row.columns.get("upn"))) for row in rows]
    print_table(("scope", "order", "name", "upn"), lines, none="nobody is named: pages go out without a mention")
    return 0
