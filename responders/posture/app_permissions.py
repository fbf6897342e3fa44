"""Applications that hold, by themselves and at any hour, permissions that are as much as the whole tenant."""

from collections.abc import Mapping
from typing import Final, cast

from msgspec import Struct

from responders.kinds.app_role_assignments import LIST_ROLE_HOLDERS
from responders.kinds.principals import LIST_SERVICE_PRINCIPALS
from responders.posture.installation import APPROVALS
from responders.posture.names import some_of
from shared.checks.check import Finding, Unread, failed, not_applicable, ok
from shared.checks.posture import PostureCheck, Stage
from shared.checks.snapshot import EVERY_TENANT, Part, Reading, Snapshot
from shared.model.errors import Rejected
from shared.model.kinds import Image
from shared.model.privileges import API_NAMES

WHOLE_TENANT: Final = frozenset(
    {
        "application.readwrite.all",
        "approleassignment.readwrite.all",
        "delegatedpermissiongrant.readwrite.all",
        "directory.readwrite.all",
        "domain.readwrite.all",
        "group.readwrite.all",
        "groupmember.readwrite.all",
        "policy.readwrite.authenticationmethod",
        "policy.readwrite.conditionalaccess",
        "policy.readwrite.permissiongrant",
        "privilegedassignmentschedule.readwrite.azureadgroup",
        "privilegedeligibilityschedule.readwrite.azureadgroup",
        "roleassignmentschedule.readwrite.directory",
        "roleeligibilityschedule.readwrite.directory",
        "rolemanagement.readwrite.directory",
        "rolemanagementpolicy.readwrite.directory",
        "user.readwrite.all",
        "userauthenticationmethod.readwrite.all",
        "full_access_as_app",
        "mail.readwrite",
    }
)
"""Permissions, folded, by which an application takes over accounts, roles or policies, or reads all mail."""

_NAMED: Final = "id,appId,displayName,appRoles"
_HELD: Final = "serviceprincipal"


class Powerful(Struct, frozen=True, kw_only=True):
    """An application that holds some of `WHOLE_TENANT`, with their names."""

    id: str
    name: str
    permissions: frozenset[str]


def _read_powerful(reading: Reading) -> Mapping[str, Powerful]:
    """Read who holds such permissions, by object id in lower case; the responder isn't among them."""
    found: dict[str, Powerful] = {}
    for app_id in API_NAMES:
        query = {"$filter": f"appId eq '{app_id}'", "$select": _NAMED}
        for api in reading.api.list(LIST_SERVICE_PRINCIPALS, query=query):
            names = _permissions_of(api)
            for given in reading.api.list(LIST_ROLE_HOLDERS, id=str(api["id"])):
                permission = names.get(str(given.get("appRoleId")).lower())
                if permission and str(given.get("principalType")).lower() == _HELD:
                    _add(found, given, permission)
    return {each: powerful for each, powerful in found.items() if each != reading.api.tenant.responder_id.lower()}


def _permissions_of(api: Image) -> Mapping[str, str]:
    """Give the names of an API's permissions of `WHOLE_TENANT` by their ids.

    Raises:
        Unread: it lists none of its permissions, so that nobody could be told from what it gave.
    """
    roles = cast("list[Image] | None", api.get("appRoles"))
    if roles is None:
        raise Unread(f"Graph didn't name the permissions of {api.get('displayName') or api.get('appId')}")
    named = {str(each.get("id")).lower(): str(each.get("value") or "") for each in roles}
    return {each: name for each, name in named.items() if name.lower() in WHOLE_TENANT}


def _add(found: dict[str, Powerful], given: Image, permission: str) -> None:
    try:
        holder = str(given["principalId"]).lower()
    except KeyError as error:
        raise Rejected(f"Graph listed a permission without {error}") from error
    before = found.get(holder)
    found[holder] = Powerful(
        id=holder,
        name=str(given.get("principalDisplayName") or holder),
        permissions=(before.permissions if before else frozenset[str]()) | {permission},
    )


POWERFUL: Final = Part(
    id="application-permissions",
    kinds=EVERY_TENANT,
    title="which applications hold high permissions",
    read=_read_powerful,
    calls=(LIST_SERVICE_PRINCIPALS, LIST_ROLE_HOLDERS),
)

PARTS: Final = (POWERFUL,)


def _known(snapshot: Snapshot) -> list[Finding]:
    powerful = snapshot.of(POWERFUL)
    approved = {
        actor.lower()
        for _, actor, said in snapshot.of(APPROVALS)
        if said is not None and said.revoked_at is None and said.valid_until > snapshot.at
    }
    if not powerful:
        return [not_applicable("no application holds a permission that is as much as the tenant, beside the responder")]
    unknown = [each for each in powerful.values() if each.id not in approved]
    if unknown:
        names = some_of(f"{each.name} {each.id} ({', '.join(sorted(each.permissions))})" for each in unknown)
        return [failed(f"nobody answers for {len(unknown):,} of {len(powerful):,} such applications: {names}")]
    return [ok(f"somebody answers for each: {some_of(each.name for each in powerful.values())}")]


CHECKS: Final = (
    PostureCheck(
        id="application-permissions-known",
        kinds=EVERY_TENANT,
        stage=Stage.MONTHS,
        title="Of each application that could take the tenant over, somebody answers for it",
        why="It acts without MFA, at any hour, for whoever has one of its secrets.",
        passages=(59, 70, 119),
        parts=(POWERFUL, APPROVALS),
        cure=(
            "Take permissions away that it can do without; `responder approve` names who answers for the rest, on the"
            " list of what it changes."
        ),
        run=_known,
    ),
)
