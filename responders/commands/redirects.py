"""`responder redirects`: which addresses that applications send people to aren't safe, as of the last look."""

import argparse

from responders.commands import Subparsers
from responders.commands.connection import add_settings_option, environment_from, storage_from
from responders.commands.tables import print_table
from shared.model.settings import settings_from
from shared.respond.redirects import WHY, known_problems, looked_at


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "redirects",
        help="list the addresses to which applications send people and that aren't safe",
        description="List what the app found when it last looked, once a day: names that don't exist, domains that"
        " aren't yours, wildcards, addresses without https or of several applications; and when that was.",
    )
    add_settings_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    settings = settings_from(environment_from(arguments))
    storage = storage_from(arguments)
    rows = [
        (tenant.name, one.name, one.app_id, one.address, WHY[one.problem])
        for tenant in settings.tenants
        for one in known_problems(storage, tenant.id)
    ]
    for tenant in settings.tenants:
        at = looked_at(storage, tenant.id)
        print(f"{tenant.name}: {f'looked at {at:%Y-%m-%d %H:%M} UTC' if at else 'not looked at so far'}")
    print_table(("tenant", "application", "app id", "address", "what is wrong"), rows, none="nothing was found")
    return 0
