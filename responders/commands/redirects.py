"""`responder redirects`: which addresses that applications send people to aren't safe, as of the last look."""

import argparse

from responders.commands import Subparsers
from responders.commands.connection import add_settings_option, environment_from, storage_from
from responders.commands.tables import add_output_option, print_beside, print_list
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
    add_output_option(parser)
    add_settings_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    settings = settings_from(environment_from(arguments))
    storage = storage_from(arguments)
    rows = [
        (one.name, one.address, WHY[one.problem], tenant.name, one.app_id)
        for tenant in settings.tenants
        for one in known_problems(storage, tenant.id)
    ]
    for tenant in settings.tenants:
        at = looked_at(storage, tenant.id)
        print_beside(
            arguments, f"{tenant.name}: {f'looked at {at:%Y-%m-%d %H:%M} UTC' if at else 'not looked at so far'}"
        )
    names = ("application", "address", "what is wrong", "tenant", "app id")
    print_list(arguments, names, rows, none="nothing was found")
    return 0
