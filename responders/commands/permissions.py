"""`responder permissions`: what the responder's identity has to be given, and which declaration needs it."""

import argparse
import json
import sys
from collections.abc import Sequence

from responders.commands import Subparsers
from responders.commands.tables import Format, add_output_option, is_json, print_list
from responders.permissions import DIRECTORY_ROLES, GRANTS, app_role_ids
from shared.model.kinds import TenantKind
from shared.model.permissions import Grant, Tier


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "permissions",
        help="list what the responder's identity has to be given",
        description="List each Graph application permission and Azure action, and which declarations need it."
        " Tier watch reads only; tier act is watch and what puts things back.",
    )
    parser.add_argument("--tier", choices=[one.value for one in Tier], default=Tier.ACT.value, help="default: act")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as one JSON object")
    add_output_option(parser)
    form.add_argument("--plain", action="store_true", help="Graph's alone, as infra/scripts/permissions.txt has them")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    tier = Tier(arguments.tier)
    grants = [grant for grant in GRANTS if grant.is_in(tier)]
    if is_json(arguments):
        sys.stdout.write(json.dumps(_described(grants, tier), indent=2) + "\n")
    elif arguments.plain and arguments.output == Format.TABLE:
        sys.stdout.write(plain(grants))
    else:
        rows = [(each.permission, each.kind, each.tier, ", ".join(each.needed_by)) for each in grants]
        print_list(arguments, ("permission", "tenant", "tier", "needed by"), rows, none="nothing is needed")
    return 0


def plain(grants: Sequence[Grant]) -> str:
    """Give the Graph permissions as the deployment scripts read them: tenant, tier and name, one a line."""
    return "".join(f"{each.kind} {each.tier} {each.permission}\n" for each in grants if not each.is_azure_action)


def _described(grants: Sequence[Grant], tier: Tier) -> dict[str, object]:
    return {"tier": tier, "tenants": {kind: _of_tenant(grants, kind) for kind in TenantKind}}


def _of_tenant(grants: Sequence[Grant], kind: TenantKind) -> dict[str, object]:
    here = [grant for grant in grants if grant.kind is kind]
    return {
        "graph_app_roles": [
            {"name": each.permission, "id": app_role_ids()[each.permission]} | _why(each)
            for each in here
            if not each.is_azure_action
        ],
        "azure_actions": [{"name": each.permission} | _why(each) for each in here if each.is_azure_action],
        "directory_roles": list(DIRECTORY_ROLES) if kind is TenantKind.WORKFORCE else [],
    }


def _why(grant: Grant) -> dict[str, object]:
    return {"tier": grant.tier, "needed_by": list(grant.needed_by)}
