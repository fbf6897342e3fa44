"""The tenant profile of commands that work without a tenant; they read only the settings that it is made of."""

import argparse
import os
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from responders.catalogue import CATALOGUE
from responders.commands.connection import CommandError, add_settings_option, environment_from, storage_from
from shared.detect.aggregation.thresholds import threshold_problems
from shared.model.errors import SettingsError
from shared.model.profile import BadProfile, TenantProfile, profile_from
from shared.model.setting_values import resource_groups

_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SEPARATORS: Final = re.compile(r"[,\s]+")


def add_rosters_option(parser: argparse.ArgumentParser) -> None:
    """Add --rosters, and --settings, which says where they are."""
    parser.add_argument(
        "--rosters",
        action="store_true",
        help="know who is privileged now, by the rosters in storage (default: only whom VOCABULARY names)",
    )
    add_settings_option(parser)


def profile_for(arguments: argparse.Namespace) -> TenantProfile:
    """Give the tenant profile of the settings, with --rosters also with the rosters as they are now.

    Raises:
        CommandError: the settings name no storage account.
        SettingsError: they are wrong.
        EdgeError: the rosters can't be read.
    """
    if not arguments.rosters:
        return profile_of_environment(environment_from(arguments))
    from responders.rosters import ROSTERS  # noqa: PLC0415 - only where it is needed
    from shared.detect.rosters import Rosters, with_rosters  # noqa: PLC0415
    from shared.model.clock import utc_now  # noqa: PLC0415
    from shared.model.settings import settings_from  # noqa: PLC0415

    settings = settings_from(environment_from(arguments))
    listed = Rosters(storage_from(arguments), ROSTERS, clock=utc_now).all(settings.tenants)
    return with_rosters(settings.profile, listed, now=utc_now())


def add_tenant_option(parser: argparse.ArgumentParser) -> None:
    """Add --tenant: whose the records are that don't say it, such as exports from Microsoft Graph."""
    parser.add_argument(
        "--tenant",
        metavar="TENANT",
        default="",
        help="whose the records are that don't name a tenant, such as those of Microsoft Graph: workforce, b2c or an id"
        " (default: the Entra tenant of the settings)",
    )


def tenant_for(arguments: argparse.Namespace) -> str:
    """Give the id of the tenant of records that don't name theirs; "" where the settings name none.

    Raises:
        CommandError: --tenant is none that the settings name, nor an id.
    """
    environment, asked = environment_from(arguments), str(arguments.tenant).strip().lower()
    ids = {kind: environment.get(f"{kind.upper()}_TENANT_ID", "").strip().lower() for kind in ("workforce", "b2c")}
    if asked and not _GUID.fullmatch(asked) and not ids.get(asked):
        raise CommandError(f"--tenant is {asked[:80]!r}: it should be workforce or b2c, as in the settings, or an id")
    return ids.get(asked, asked) if asked else ids["workforce"]


def profile_of_environment(environment: Mapping[str, str] = os.environ) -> TenantProfile:
    """Read the tenant profile of this environment; where nothing is set, any tenant may hold consumer accounts.

    Raises:
        SettingsError: setting `VOCABULARY` is wrong.
    """
    try:
        read = profile_from(environment.get("VOCABULARY", ""))
    except BadProfile as bad:
        raise SettingsError(bad.problems) from None
    if problems := threshold_problems(read, CATALOGUE):
        raise SettingsError(problems)
    tenants = _ids(environment.get("B2C_TENANT_ID", ""))
    return msgspec.structs.replace(
        read,
        consumer_tenants=tenants or None,
        emergency_accounts=_ids(environment.get("EMERGENCY_ACCOUNT_IDS", "")),
        own_site=environment.get("WEBSITE_SITE_NAME", ""),
        own_groups=resource_groups(environment.get("OWN_RESOURCE_GROUPS", "")),
        own_identities=_ids(
            f"{environment.get('WORKFORCE_RESPONDER_ID', '')} {environment.get('B2C_RESPONDER_ID', '')}"
        ),
        operators_app=environment.get("OPERATORS_CLIENT_ID", "").lower(),
    )


def _ids(setting: str) -> frozenset[str]:
    return frozenset(part.lower() for part in _SEPARATORS.split(setting) if part)
