"""Users, groups and who is in them, over Graph: what a guard reads, and what an attacker changes."""

import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Final

from aiohttp import web

from infra.local import world
from infra.local.tenant import groups
from infra.local.tenant.api_error import ApiError, bad_request, not_found
from infra.local.tenant.audit_records import Record
from infra.local.tenant.bodies import as_object, json_answer
from infra.local.tenant.graph import Call, Operation
from infra.local.tenant.groups import GroupState
from infra.local.tenant.instants import now_ticks
from infra.local.tenant.odata import list_page, selected
from infra.local.tenant.permissions import GROUPS
from infra.local.world import Json, Principal

_ADVANCED: Final = ("$count",)


def no_such_object(object_id: str) -> ApiError:
    """Make Graph's 404 of the directory."""
    message = f"Resource '{object_id}' does not exist or one of its queried reference-property objects are not present."
    return not_found(message, "Request_ResourceNotFound")


def principal_in(call: Call, kind: world.PrincipalKind) -> Principal:
    """Give whom the path names by id or, for a user, by name; raises ApiError 404."""
    for principal in world.PRINCIPALS:
        named = call.id in {principal.id, principal.upn}
        here = principal.kind == kind and principal.tenant == call.directory.tenant
        if named and here and principal.id not in call.settings.deleted_accounts:
            return principal
    raise no_such_object(call.id)


# -- groups --


def _group(call: Call) -> GroupState:
    group = call.directory.groups.seen(call.id.lower())
    if group is None:
        raise no_such_object(call.id)
    return group


def _is_hidden(call: Call, group: GroupState) -> bool:
    return group.id in call.settings.hidden_groups


def _shown_group(call: Call, group: GroupState) -> Json:
    return {
        "id": group.id,
        "displayName": group.name,
        "securityEnabled": True,
        "mailEnabled": False,
        "groupTypes": [],
        "membershipRule": None,
        "onPremisesSyncEnabled": None,
        "visibility": "HiddenMembership" if _is_hidden(call, group) else None,
        "isAssignableToRole": group.is_role_assignable,
        "createdDateTime": world.SEEDED_AT,
    }


async def _list_groups(call: Call) -> web.Response:
    shown = [_shown_group(call, group) for group in call.directory.groups.all_seen().values()]
    size = call.settings.directory_page_size
    return list_page(call, shown, size=size, context="groups", filters=("id", "displayName", "isAssignableToRole"))


async def _get_group(call: Call) -> web.Response:
    shown = selected(call, _shown_group(call, _group(call)))
    return json_answer({"@odata.context": call.context("groups/$entity")} | shown)


def _directory_object(call: Call, object_id: str) -> Json | None:
    """Print a member; None for one that was deleted."""
    principal = world.PRINCIPALS_BY_ID.get(object_id)
    if principal is not None:
        shown: Json = {"@odata.type": f"#microsoft.graph.{principal.kind}", "id": object_id}
        shown |= {"displayName": principal.name}
        return None if object_id in call.settings.deleted_accounts else shown
    group = call.directory.groups.seen(object_id)
    if group is None:
        return None
    return {"@odata.type": "#microsoft.graph.group", "id": group.id, "displayName": group.name}


def _objects(call: Call, ids: Iterable[str], kind: str) -> web.Response:
    """Answer a page of directory objects; `kind`, of a cast in the path, keeps those of one type."""
    shown = [each for object_id in ids if (each := _directory_object(call, object_id)) is not None]
    kept = [each for each in shown if not kind or each["@odata.type"] == f"#microsoft.graph.{kind}"]
    size = call.settings.directory_page_size
    return list_page(call, kept, size=size, context="directoryObjects", options=_ADVANCED)


async def _members(kind: str, call: Call) -> web.Response:
    group = _group(call)
    return _objects(call, () if _is_hidden(call, group) else group.members, kind)


async def _transitive_members(kind: str, call: Call) -> web.Response:
    group = _group(call)
    every = groups.members_below(call.directory.groups.all_seen(), group.id)
    return _objects(call, () if _is_hidden(call, group) else every, kind)


async def _owners(call: Call) -> web.Response:
    return _objects(call, _group(call).owners, "")


async def _reference(call: Call) -> str:
    """Read the object that the body refers to; raises ApiError 400 or 404."""
    reference = str((as_object(await call.json()) or {}).get("@odata.id", ""))
    object_id = reference.rstrip("/").rsplit("/", 1)[-1].lower()
    if not reference:
        raise bad_request("The reference in '@odata.id' is missing.", "Request_BadRequest")
    if _directory_object(call, object_id) is None:
        raise no_such_object(object_id)
    return object_id


def _changeable_group(call: Call) -> GroupState:
    """Give the group that a write is for; raises ApiError 404, or 403 for who may not change its members."""
    group = call.met(call.directory.groups, call.id.lower())
    if group is None:
        raise no_such_object(call.id)
    is_application = call.caller.principal.kind == "servicePrincipal"
    if group.is_role_assignable and is_application and "RoleManagement.ReadWrite.Directory" not in call.caller.roles:
        message = "Insufficient privileges to complete the operation."
        raise ApiError(HTTPStatus.FORBIDDEN, "Authorization_RequestDenied", message)
    return group


async def _add_member(call: Call) -> web.Response:
    group = _changeable_group(call)
    member = await _reference(call)
    if member in group.members:
        message = "One or more added object references already exist for the following modified properties: 'members'."
        raise bad_request(message, "Request_BadRequest")
    call.directory.groups.put(group.id, replace(group, members=(*group.members, member)))
    _log_member(call, "Add member to group", group, member, given=True)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _remove_member(call: Call) -> web.Response:
    group = _changeable_group(call)
    member = call.request.match_info["part"].lower()
    if member not in group.members:
        raise no_such_object(member)
    kept = tuple(each for each in group.members if each != member)
    call.directory.groups.put(group.id, replace(group, members=kept))
    _log_member(call, "Remove member from group", group, member, given=False)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _remove_owner(call: Call) -> web.Response:
    group = _changeable_group(call)
    owner = call.request.match_info["part"].lower()
    if owner not in group.owners:
        raise no_such_object(owner)
    kept = tuple(each for each in group.owners if each != owner)
    if not kept:
        raise bad_request("The group must have at least one owner, hence this one can't go.", "Request_BadRequest")
    call.directory.groups.put(group.id, replace(group, owners=kept))
    _log_member(call, "Remove owner from group", group, owner, given=False)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _add_owner(call: Call) -> web.Response:
    group = _changeable_group(call)
    owner = await _reference(call)
    if owner in group.owners:
        message = "One or more added object references already exist for the following modified properties: 'owners'."
        raise bad_request(message, "Request_BadRequest")
    call.directory.groups.put(group.id, replace(group, owners=(*group.owners, owner)))
    _log_member(call, "Add owner to group", group, owner, given=True)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _groups_above(call: Call) -> web.Response:
    above = groups.groups_above(call.directory.groups.all_seen(), _group(call).id)
    return _objects(call, above, "")


async def _delete_group(call: Call) -> web.Response:
    group = _changeable_group(call)
    call.directory.groups.put(group.id, None)
    target: Json = {"id": group.id, "displayName": group.name, "type": "Group", "groupType": "azureAD"}
    log_change(call, "Delete group", "GroupManagement", target | {"modifiedProperties": []}, operation="Delete")
    return web.Response(status=HTTPStatus.NO_CONTENT)


# -- what somebody is in --


def _roles_as_objects(call: Call, holders: Iterable[str]) -> list[Json]:
    roles = groups.roles_of(call.directory.role_assignments.all_seen().values(), holders)
    return [
        {
            "@odata.type": "#microsoft.graph.directoryRole",
            "id": role_object_id(call.directory.tenant, role),
            "displayName": world.DIRECTORY_ROLE_NAMES.get(role),
            "roleTemplateId": role,
        }
        for role in roles
    ]


def role_object_id(tenant: str, role: str) -> str:
    """Give the id that a directory role has in one tenant; it isn't the template's."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{tenant}/directoryRoles/{role}"))


def _memberships(call: Call, member_id: str) -> list[Json]:
    """Print the groups and the directory roles that somebody is in, directly or through groups."""
    above = groups.groups_above(call.directory.groups.all_seen(), member_id)
    shown = [each for group in above if (each := _directory_object(call, group)) is not None]
    return [*shown, *_roles_as_objects(call, (member_id, *above))]


async def _transitive_member_of(holder: world.PrincipalKind, kind: str, call: Call) -> web.Response:
    shown = _memberships(call, principal_in(call, holder).id)
    kept = [each for each in shown if not kind or each["@odata.type"] == f"#microsoft.graph.{kind}"]
    size = call.settings.directory_page_size
    return list_page(call, kept, size=size, context="directoryObjects", options=_ADVANCED)


async def _member_of(holder: world.PrincipalKind, kind: str, call: Call) -> web.Response:
    member = principal_in(call, holder).id
    directly = groups.groups_with(call.directory.groups.all_seen(), member)
    shown = [each for group in directly if (each := _directory_object(call, group)) is not None]
    shown += _roles_as_objects(call, (member,))
    kept = [each for each in shown if not kind or each["@odata.type"] == f"#microsoft.graph.{kind}"]
    size = call.settings.directory_page_size
    return list_page(call, kept, size=size, context="directoryObjects", options=_ADVANCED)


async def _member_ids(which: str, call: Call) -> web.Response:
    """Answer the ids of everything that somebody is in: `objects` are groups and roles, `groups` are groups."""
    body = as_object(await call.json()) or {}
    if not isinstance(body.get("securityEnabledOnly"), bool):
        raise bad_request("The parameter 'securityEnabledOnly' is missing.", "Request_BadRequest")
    if _directory_object(call, call.id.lower()) is None:
        raise no_such_object(call.id)
    shown = _memberships(call, call.id.lower())
    kept = [each["id"] for each in shown if which == "objects" or each["@odata.type"].endswith(".group")]
    return json_answer({"@odata.context": call.context("Collection(Edm.String)"), "value": kept})


# -- the log --


def person_target(object_id: str) -> Json:
    """Name a member as the log does: people by their names, others by their ids."""
    principal = world.PRINCIPALS_BY_ID.get(object_id)
    if principal is None:
        return {"id": object_id, "displayName": None, "type": "Group"}
    kind = "User" if principal.kind == "user" else "ServicePrincipal"
    return {"id": object_id, "displayName": None, "type": kind, "userPrincipalName": principal.upn}


def _log_member(call: Call, activity: str, group: GroupState, member: str, *, given: bool) -> None:
    side, other = ("newValue", "oldValue") if given else ("oldValue", "newValue")
    changes = [
        {"displayName": "Group.ObjectID", side: f'"{group.id}"', other: None},
        {"displayName": "Group.DisplayName", side: f'"{group.name}"', other: None},
        {"displayName": "Group.WellKnownObjectName", side: None, other: None},
    ]
    target = person_target(member) | {"modifiedProperties": changes}
    second: Json = {"id": group.id, "displayName": None, "type": "Group", "groupType": "azureAD"}
    operation = "Assign" if given else "Unassign"
    log_change(call, activity, "GroupManagement", target, second | {"modifiedProperties": []}, operation=operation)


def log_role(call: Call, activity: str, assignment: Json, *, given: bool) -> None:
    """Log that somebody was given a directory role, or had it taken away."""
    role = assignment["roleDefinitionId"]
    role_object = role_object_id(call.directory.tenant, role)
    side, other = ("newValue", "oldValue") if given else ("oldValue", "newValue")
    values = {
        "Role.ObjectID": role_object,
        "Role.DisplayName": world.DIRECTORY_ROLE_NAMES.get(role, ""),
        "Role.TemplateId": role,
    }
    changes = [{"displayName": name, side: f'"{value}"', other: None} for name, value in values.items()]
    target = person_target(assignment["principalId"]) | {"modifiedProperties": changes}
    second: Json = {"id": role_object, "displayName": None, "type": "Role", "modifiedProperties": []}
    log_change(call, activity, "RoleManagement", target, second, operation="Assign" if given else "Unassign")


def log_pim(call: Call, activity: str, assignment: Json, *, given: bool) -> None:
    """Log, as PIM does, who asked it to give or to take a directory role, or the eligibility for it."""
    role = assignment["roleDefinitionId"]
    record = Record(
        id_prefix=f"PIM_{call.correlation_id}",
        service="PIM",
        category="RoleManagement",
        activity=activity,
        operation="Assign" if given else "Unassign",
        target={"id": role, "displayName": world.DIRECTORY_ROLE_NAMES.get(role, ""), "type": "Role"},
        more_targets=[person_target(assignment["principalId"])],
    )
    call.directory.audit.add(record.graph(call.caller, correlation_id=call.correlation_id, at=now_ticks()))


def log_app_role(call: Call, assignment: Json, value: str, *, given: bool) -> None:
    """Log that an application was given an app role of an API, or had it taken away."""
    side, other = ("newValue", "oldValue") if given else ("oldValue", "newValue")
    values = {
        "AppRole.Id": assignment["appRoleId"],
        "AppRole.Value": value,
        "ServicePrincipal.ObjectID": assignment["principalId"],
    }
    changes = [{"displayName": name, side: f'"{each}"', other: None} for name, each in values.items()]
    api: Json = {"id": assignment["resourceId"], "displayName": assignment["resourceDisplayName"]}
    target = api | {"type": "ServicePrincipal", "modifiedProperties": changes}
    receiver: Json = {"id": assignment["principalId"], "displayName": assignment["principalDisplayName"]}
    second: Json = receiver | {"type": "ServicePrincipal", "modifiedProperties": []}
    activity = "Add app role assignment to service principal"
    if not given:
        activity = "Remove app role assignment from service principal"
    operation = "Assign" if given else "Unassign"
    log_change(call, activity, "ApplicationManagement", target, second, operation=operation)


def log_change(call: Call, activity: str, category: str, target: Json, *more: Json, operation: str) -> None:
    """Log what the caller did to an object of the directory."""
    record = Record(
        id_prefix=f"Directory_{call.correlation_id}",
        service="Core Directory",
        category=category,
        activity=activity,
        operation=operation,
        target=target,
        more_targets=more,
    )
    call.directory.audit.add(record.graph(call.caller, correlation_id=call.correlation_id, at=now_ticks()))


def _with_casts(path: str, handle: Callable[[str, Call], Awaitable[web.StreamResponse]]) -> Iterable[Operation]:
    """Serve a listing of directory objects, and those of one type under a cast."""
    for kind in ("", "group", "user", "servicePrincipal", "directoryRole"):
        cast = f"/microsoft.graph.{kind}" if kind else ""
        yield Operation(method="GET", path=f"{path}{cast}", needs=path, handle=partial(handle, kind))


OPERATIONS = (
    Operation(method="GET", path=GROUPS, handle=_list_groups),
    Operation(method="GET", path=f"{GROUPS}/{{id}}", handle=_get_group),
    Operation(method="DELETE", path=f"{GROUPS}/{{id}}", handle=_delete_group),
    Operation(method="GET", path=f"{GROUPS}/{{id}}/owners", handle=_owners),
    Operation(method="POST", path=f"{GROUPS}/{{id}}/members/$ref", handle=_add_member),
    Operation(method="DELETE", path=f"{GROUPS}/{{id}}/members/{{part}}/$ref", handle=_remove_member),
    Operation(method="POST", path=f"{GROUPS}/{{id}}/owners/$ref", handle=_add_owner),
    Operation(method="DELETE", path=f"{GROUPS}/{{id}}/owners/{{part}}/$ref", handle=_remove_owner),
    Operation(method="GET", path=f"{GROUPS}/{{id}}/transitiveMemberOf", handle=_groups_above),
    *_with_casts(f"{GROUPS}/{{id}}/members", _members),
    *_with_casts(f"{GROUPS}/{{id}}/transitiveMembers", _transitive_members),
    *_with_casts("/users/{id}/memberOf", partial(_member_of, "user")),
    *_with_casts("/users/{id}/transitiveMemberOf", partial(_transitive_member_of, "user")),
    *_with_casts("/servicePrincipals/{id}/memberOf", partial(_member_of, "servicePrincipal")),
    *_with_casts("/servicePrincipals/{id}/transitiveMemberOf", partial(_transitive_member_of, "servicePrincipal")),
    *(
        Operation(
            method="POST", path=f"/{collection}/{{id}}/getMember{which.title()}", handle=partial(_member_ids, which)
        )
        for collection in ("users", "servicePrincipals", "groups", "directoryObjects")
        for which in ("objects", "groups")
    ),
)
