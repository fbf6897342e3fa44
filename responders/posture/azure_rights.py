"""Who holds Azure roles over the responder's own resources, and what of it each role changes, by its definition."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final, cast

from msgspec import Struct

from responders.rosters import GET_ROLE_DEFINITION, LIST_ROLE_ASSIGNMENTS
from shared.checks.check import Unread
from shared.checks.snapshot import Reading, Snapshot
from shared.model.errors import BadIdentifier, EdgeError, Rejected
from shared.model.kinds import Image

_ROLES_IN_AZURE: Final = "the roles over it"
_DATA: Final = "its approvals and baselines"
_CODE: Final = "its code and settings"
_IDENTITY: Final = "its identity"
_SECRETS: Final = "its secrets"
_ACTIONS: Final[Mapping[str, str]] = {
    "Microsoft.Authorization/roleAssignments/write": _ROLES_IN_AZURE,
    "Microsoft.Web/sites/write": _CODE,
    "Microsoft.Web/sites/config/write": _CODE,
    "Microsoft.Web/sites/publish/action": _CODE,
    "Microsoft.Web/sites/host/listkeys/action": _CODE,
    "Microsoft.Storage/storageAccounts/write": _DATA,
    "Microsoft.Storage/storageAccounts/listKeys/action": _DATA,
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write": _IDENTITY,
    "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action": _IDENTITY,
    "Microsoft.KeyVault/vaults/write": _SECRETS,
}
_DATA_ACTIONS: Final[Mapping[str, str]] = {
    "Microsoft.Storage/storageAccounts/tableServices/tables/entities/write": _DATA,
    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write": _CODE,
    "Microsoft.KeyVault/vaults/secrets/getSecret/action": _SECRETS,
}
"""What the app is undone by, and what of it: the blobs hold the code that runs."""


class AzureRight(Struct, frozen=True, kw_only=True):
    """An Azure role over the responder's own resources. `because` is why it isn't known what it allows."""

    principal: str
    role: str
    scope: str
    changes: tuple[str, ...] = ()
    because: str = ""


def own_groups(snapshot: Snapshot) -> frozenset[str]:
    """Give the ids of the resource groups that the responder is installed in. Raises Unread where none is known."""
    profile, tenant = snapshot.settings.profile, snapshot.tenant
    of_resources = ("/".join(each.lower().split("/")[:5]) for each in tenant.logged)
    found = profile.own_groups or frozenset(of_resources)
    if not found:
        raise Unread("OWN_RESOURCE_GROUPS doesn't say where the responder is installed")
    return found


def read_azure(reading: Reading) -> tuple[Sequence[AzureRight], frozenset[str]]:
    """Read who holds which role over the responder's resource groups, and which of them are groups.

    Raises:
        Unread: it isn't known where the responder is.
        EdgeError: the assignments can't be read.
    """
    own = own_groups(reading.before)
    held: list[Image] = []
    for subscription in sorted({group.split("/")[2] for group in own}):
        for each in reading.api.list(LIST_ROLE_ASSIGNMENTS, subscription=subscription):
            properties = cast("Image", each.get("properties") or {})
            if _is_over(str(properties.get("scope") or ""), own):
                held.append(properties | {"subscription": subscription})
    try:
        groups = frozenset(str(each["principalId"]).lower() for each in held if each.get("principalType") == "Group")
        definitions = {
            (each["subscription"], str(each["roleDefinitionId"]).lower().rpartition("/")[2]) for each in held
        }
        read = {role: _read_definition(reading, subscription, role) for subscription, role in sorted(definitions)}
        rights = [_right(each, read[str(each["roleDefinitionId"]).lower().rpartition("/")[2]]) for each in held]
    except KeyError as error:
        raise Rejected(f"an assignment isn't as Azure writes it: {error!r}") from error
    return [each for each in rights if each.changes or each.because], groups


def _is_over(scope: str, own: Iterable[str]) -> bool:
    """Whether a scope is one of our groups, above one, or within one; management groups stand above."""
    scope = scope.lower().rstrip("/")
    if not scope.startswith("/subscriptions/"):
        return True
    return any(f"{group}/".startswith(f"{scope}/") or scope.startswith(f"{group}/") for group in own)


class _Definition(Struct, frozen=True, kw_only=True):
    name: str
    changes: tuple[str, ...] = ()
    because: str = ""


def _read_definition(reading: Reading, subscription: str, role: str) -> _Definition:
    try:
        found = reading.api.get(GET_ROLE_DEFINITION, subscription=subscription, id=role)
    except (EdgeError, BadIdentifier) as error:
        return _Definition(name=f"role {role}", because=f"what that role allows: {error}")
    properties = cast("Image", (found or {}).get("properties") or {})
    name = str(properties.get("roleName") or f"role {role}")
    permissions = cast("list[Image] | None", properties.get("permissions"))
    if permissions is None:
        return _Definition(name=name, because=f"Azure didn't say what {name} allows")
    return _Definition(name=name, changes=_changes(permissions))


def _changes(permissions: Iterable[Image]) -> tuple[str, ...]:
    """Say what of the responder a role changes: each permission allows some actions, and leaves some of them out."""
    found = {
        what
        for permission in permissions
        for known, name in ((_ACTIONS, "actions"), (_DATA_ACTIONS, "dataActions"))
        for action, what in known.items()
        if _matches(action, permission.get(name))
        and not _matches(action, permission.get(f"not{name[0].upper()}{name[1:]}"))
    }
    return tuple(sorted(found))


def _matches(action: str, patterns: object) -> bool:
    listed = cast("list[object]", patterns or [])
    return any(fnmatchcase(action.lower(), str(pattern).lower()) for pattern in listed)


def _right(held: Image, definition: _Definition) -> AzureRight:
    return AzureRight(
        principal=str(held["principalId"]).lower(),
        role=definition.name,
        scope=str(held["scope"]).lower().rstrip("/"),
        changes=definition.changes,
        because=definition.because,
    )
