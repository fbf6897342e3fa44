"""Directory roles, who holds them or is eligible for them, and the groups, over Graph. Nobody changes them here."""

import uuid
from collections.abc import Iterable
from http import HTTPStatus

from aiohttp import web

from infra.local import world
from infra.local.tenant.api_error import ApiError, bad_request, not_found
from infra.local.tenant.graph import Call, Operation
from infra.local.tenant.odata import list_page
from infra.local.tenant.permissions import DIRECTORY_ROLES, GROUP_ELIGIBILITIES, GROUPS
from infra.local.world import DirectoryRoleAssignment, Group, Json, Principal


def _id_of(*parts: str) -> str:
    """Make an id that is the same each time."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(parts)))


def _refuse_without_pim(call: Call) -> None:
    if call.directory.is_b2c or not call.settings.has_pim:
        message = "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license."
        raise ApiError(HTTPStatus.BAD_REQUEST, "AadPremiumLicenseRequired", message)


def _here(call: Call, assignments: Iterable[DirectoryRoleAssignment], kind: str) -> list[Json]:
    return [
        {
            "id": _id_of(kind, each.role, each.holder.id),
            "principalId": each.holder.id,
            "roleDefinitionId": each.role,
            "directoryScopeId": "/",
        }
        for each in assignments
        if each.holder.tenant == call.directory.tenant
    ]


async def _assignments(call: Call) -> web.Response:
    return list_page(
        call,
        _here(call, world.DIRECTORY_ROLE_ASSIGNMENTS, "assignment"),
        size=call.settings.directory_page_size,
        context="roleManagement/directory/roleAssignments",
        filters=("principalId", "roleDefinitionId"),
    )


async def _eligibilities(call: Call) -> web.Response:
    _refuse_without_pim(call)
    return list_page(
        call,
        [
            each | {"startDateTime": world.SEEDED_AT, "endDateTime": None, "memberType": "Direct"}
            for each in _here(call, world.DIRECTORY_ROLE_ELIGIBILITIES, "eligibility")
        ],
        size=call.settings.directory_page_size,
        context="roleManagement/directory/roleEligibilityScheduleInstances",
        filters=("principalId", "roleDefinitionId"),
    )


def _definition(role: str, name: str, *, is_built_in: bool) -> Json:
    return {"id": role, "displayName": name, "isBuiltIn": is_built_in, "isEnabled": True, "templateId": role}


async def _definitions(call: Call) -> web.Response:
    roles = [_definition(role, name, is_built_in=True) for role, name in world.DIRECTORY_ROLE_NAMES.items()]
    if not call.directory.is_b2c:
        roles.append(_definition(world.CUSTOM_DIRECTORY_ROLE, "Credential rotator", is_built_in=False))
    return list_page(
        call,
        roles,
        size=call.settings.directory_page_size,
        context="roleManagement/directory/roleDefinitions",
        filters=("id", "displayName", "isBuiltIn"),
    )


def _groups_here(call: Call) -> list[Group]:
    return [group for group in world.GROUPS if group.tenant == call.directory.tenant]


async def _groups(call: Call) -> web.Response:
    groups: list[Json] = [
        {
            "id": group.id,
            "displayName": group.name,
            "securityEnabled": True,
            "groupTypes": [],
            "visibility": "HiddenMembership" if group.id in call.settings.hidden_groups else None,
            "isAssignableToRole": group.is_role_assignable,
            "createdDateTime": world.SEEDED_AT,
        }
        for group in _groups_here(call)
    ]
    size = call.settings.directory_page_size
    return list_page(call, groups, size=size, context="groups", filters=("displayName", "isAssignableToRole"))


def _group(call: Call) -> Group:
    found = next((group for group in _groups_here(call) if group.id == call.id.lower()), None)
    if found is None:
        message = (
            f"Resource '{call.id}' does not exist or one of its queried reference-property objects are not present."
        )
        raise not_found(message, "Request_ResourceNotFound")
    return found


def _people(call: Call, principals: Iterable[Principal]) -> web.Response:
    shown: list[Json] = [
        {"@odata.type": f"#microsoft.graph.{each.kind}", "id": each.id, "displayName": each.name} for each in principals
    ]
    return list_page(call, shown, size=call.settings.directory_page_size, context="directoryObjects")


async def _members(call: Call) -> web.Response:
    group = _group(call)
    return _people(call, () if group.id in call.settings.hidden_groups else group.members)


async def _owners(call: Call) -> web.Response:
    return _people(call, _group(call).owners)


async def _group_eligibilities(call: Call) -> web.Response:
    _refuse_without_pim(call)
    if "$filter" not in call.request.query:
        raise bad_request("The request needs a filter by principalId or groupId.", "MissingParameters")
    shown: list[Json] = [
        {
            "id": f"{group.id}_member_{_id_of(group.id, each.id)}",
            "accessId": "member",
            "groupId": group.id,
            "principalId": each.id,
            "memberType": "direct",
            "startDateTime": world.SEEDED_AT,
            "endDateTime": None,
        }
        for group in _groups_here(call)
        for each in group.eligible
    ]
    return list_page(
        call,
        shown,
        size=call.settings.directory_page_size,
        context="identityGovernance/privilegedAccess/group/eligibilityScheduleInstances",
        filters=("groupId", "principalId"),
    )


OPERATIONS = (
    Operation(method="GET", path=f"{DIRECTORY_ROLES}/roleAssignments", handle=_assignments),
    Operation(method="GET", path=f"{DIRECTORY_ROLES}/roleEligibilityScheduleInstances", handle=_eligibilities),
    Operation(method="GET", path=f"{DIRECTORY_ROLES}/roleDefinitions", handle=_definitions),
    Operation(method="GET", path=GROUPS, handle=_groups),
    Operation(method="GET", path=f"{GROUPS}/{{id}}/transitiveMembers", handle=_members),
    Operation(method="GET", path=f"{GROUPS}/{{id}}/owners", handle=_owners),
    Operation(method="GET", path=GROUP_ELIGIBILITIES, handle=_group_eligibilities),
)
