"""`responder roster`: who counts as privileged, which groups roles can be given to, and when that was last read."""

import argparse
from typing import TYPE_CHECKING

from responders.commands.connection import add_settings_option, environment_from, storage_from
from responders.commands.tables import Format, add_output_option, print_list
from responders.rosters import ROSTERS
from shared.detect.rosters import Rosters
from shared.model.clock import utc_now
from shared.model.kinds import TenantKind
from shared.model.settings import settings_from

if TYPE_CHECKING:
    from datetime import datetime

    from responders.commands import Subparsers
    from shared.detect.rosters import Listed
    from shared.model.settings import Settings


def add_parser(subparsers: "Subparsers") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "roster",
        help="say who counts as privileged, and when that was last read",
        description="Say when each roster was last read; with --tenant, list the ids of that tenant's as well."
        " Whoever isn't on a roster that is stale is unknown.",
    )
    parser.add_argument(
        "--tenant", choices=[kind.value for kind in TenantKind], help="this tenant alone, with every id that is listed"
    )
    add_output_option(parser)
    add_settings_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    settings = settings_from(environment_from(arguments))
    tenants = {one.id: one for one in settings.tenants if arguments.tenant in {None, one.kind.value}}
    now = utc_now()
    listed = Rosters(storage_from(arguments), ROSTERS, clock=utc_now).all(tenants.values())
    if arguments.tenant and arguments.output != Format.TABLE:
        print_list(arguments, ("id", "roster"), _ids(listed, settings), none="")
        return 0
    print_list(
        arguments,
        ("tenant", "roster", "ids", "read (UTC)", "others are"),
        [(tenants[each.tenant_id].name, *_line(each, now)) for each in listed],
        none="there is no such tenant",
    )
    if arguments.tenant and tenants:
        print()
        print_list(arguments, ("id", "roster"), _ids(listed, settings), none="nobody is listed")
    return 0


def _line(listed: "Listed", now: "datetime") -> tuple[str, ...]:
    read_at = f"{listed.read_at:%Y-%m-%d %H:%M}" if listed.read_at else "never"
    return listed.kind, str(len(listed.ids)), read_at, "known" if listed.is_fresh(now) else "UNKNOWN"


def _ids(listed: "tuple[Listed, ...]", settings: "Settings") -> list[tuple[str, str]]:
    read = [(each, one.kind.value) for one in listed for each in sorted(one.ids)]
    return [*read, *((each, "VOCABULARY") for each in sorted(settings.profile.privileged_accounts))]
