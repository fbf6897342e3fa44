"""Directory role assignments: who holds which role over the whole directory.

Graph gives an assignment an id that no record names, and another one when it is made again. So an assignment goes by
what it is: role and holder. It is there or it isn't; nothing of it can be changed. Of assignments over a part of the
directory records don't say over which, so those aren't guarded; detections page them.

The responder takes roles away and never gives one. By an assignment alone nobody can tell whether PIM had bound it in
time; it would come back for good. So its identity gets a permission with which roles can only be removed, by a request
to PIM. PIM refuses that in an assignment's first five minutes, and in a tenant without its licence. Whoever wants it at
once grants `RoleManagement.ReadWrite.Directory` by hand, which is as much as the whole tenant.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final, cast

from msgspec import Struct

from responders.kinds import directory_pim, given_rights, principals
from responders.kinds.az_rest import az_rest
from responders.kinds.json_leaves import GUID
from responders.rosters import CUSTOM_ROLES, LIST_DIRECTORY_ROLE_ASSIGNMENTS, LIST_DIRECTORY_ROLES, LIST_GROUP_MEMBERS
from shared.model.calls import Call, Permission, Service
from shared.model.errors import BadIdentifier, DoneAlready, EdgeError, Refused, Rejected
from shared.model.events import AuditEvent, Event, Log, fold
from shared.model.kinds import Image, Json, ObjectKind, TenantKind
from shared.model.object_kinds import Confirmation, GuardFacts, Kind, Objections, Search, Write
from shared.model.objects import EXISTS, WHOLE, ObjectChange, ObjectId, Objection, Op, Recorded
from shared.model.privileges import GLOBAL_ADMINISTRATOR
from shared.model.read_probes import ReadProbe
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi, delete

DELETE_ROLE_ASSIGNMENT: Final = Call(
    method="DELETE",
    service=Service.GRAPH,
    path="/roleManagement/directory/roleAssignments/{directory_role_assignment}",
    needs=(Permission.ROLE_MANAGEMENT_WRITE,),
    repeatable=False,
)
"""Tried first: it takes a role away at once. The identity isn't given its permission."""

REQUEST_REMOVAL: Final = Call(
    method="POST",
    service=Service.GRAPH,
    path="/roleManagement/directory/roleAssignmentScheduleRequests",
    needs=(Permission.ROLE_ASSIGNMENT_REMOVE,),
    repeatable=False,
)
"""Asks PIM to remove an assignment, however it was made. With this permission nothing can be given."""


ROLE: Final = "roleDefinitionId"
_HOLDER: Final = given_rights.HOLDER
SCOPE: Final = "directoryScopeId"
_TEMPLATE: Final = "roleTemplateId"
"""What a role goes by in records. Of a tenant's own roles it may be another id than the definition's."""

_ID: Final = re.compile(rf"(?P<role>{GUID.pattern})/(?P<holder>{GUID.pattern})")
EVERYWHERE: Final = "/"

NO_SUCH: Final = "RoleAssignmentDoesNotExist"
_ACTIVITIES: Final[Mapping[str, Op]] = {
    "add member to role": Op.CREATE,
    "remove member from role": Op.DELETE,
}
"""Of roles over the whole directory; others have activities of their own."""

HOLDERS: Final = frozenset({"user", "serviceprincipal", "group"})
JUSTIFICATION: Final = "Given by an actor who isn't approved"


class Parts(Struct, frozen=True, kw_only=True):
    """What an assignment is, as its id with us says: ids in lower case."""

    role: str
    holder: str


def parts_of(object_id: str) -> Parts:
    """Read an assignment's id.

    Raises:
        BadIdentifier: it isn't one.
    """
    found = _ID.fullmatch(object_id.lower())
    if found is None:
        raise BadIdentifier(f"{object_id[:120]!r} is no role and holder")
    return Parts(role=found["role"], holder=found["holder"])


def id_of(assignment: Image) -> str:
    """Give role and holder as one id, in lower case."""
    role = assignment.get(_TEMPLATE) or assignment.get(ROLE)
    return f"{role}/{assignment.get(_HOLDER)}".lower()


def leaves(assignment: Image) -> dict[str, Json]:
    """Split an assignment: what it is is its id, so that only whether it is there can change."""
    role, _, holder = id_of(assignment).partition("/")
    return values_of(role, holder)


def values_of(role: str, holder: str) -> dict[str, Json]:
    """Give the leaves of a role that somebody has."""
    return {EXISTS: True, ROLE: role, _HOLDER: holder}


def name_of(assignment: Image) -> str:
    """Name it by role and holder."""
    role, _, holder = id_of(assignment).partition("/")
    return words(role, holder, "")


def words(role: str, holder: str, role_name: str) -> str:
    """Name a role and its holder, with the role's own name where it is known."""
    return f"{role_name or ('Global Administrator' if role == GLOBAL_ADMINISTRATOR else 'role')} ({role}) of {holder}"


# What records say.


def recorded(event: Event, activities: Mapping[str, Op]) -> tuple[Recorded, ...]:
    """Say which role came or went: the holder is the first target, the role is in its properties."""
    op = given_rights.recorded_op(event, activities)
    if op is None or not isinstance(event, AuditEvent) or fold(event.target.kind) not in HOLDERS:
        return ()
    role, holder = given_rights.value_in(event.target, "role.templateid").lower(), event.target.id.lower()
    if _ID.fullmatch(f"{role}/{holder}") is None:
        return ()
    name = words(role, holder, given_rights.value_in(event.target, "role.displayname"))
    wrote = given_rights.steps(values_of(role, holder), op)
    return (Recorded(object_id=f"{role}/{holder}", name=name, op=op, wrote=wrote, is_whole=True),)


def _recorded(event: Event) -> tuple[Recorded, ...]:
    return recorded(event, _ACTIVITIES)


# Reading.


def _read(api: TenantApi, object_id: str) -> Image | None:
    held = _everywhere(api, {"$filter": f"{_HOLDER} eq '{parts_of(object_id).holder}'"})
    return held_as(api, held, object_id)


def _everywhere(api: TenantApi, query: Mapping[str, str] | None = None) -> list[Image]:
    """List assignments over the whole directory."""
    return [each for each in api.list(LIST_DIRECTORY_ROLE_ASSIGNMENTS, query=query) if each.get(SCOPE) == EVERYWHERE]


def among(assignments: Iterable[Image], object_id: str) -> Image | None:
    """Find one by its id with us."""
    return next((each for each in assignments if id_of(each) == object_id.lower()), None)


def held_as(api: TenantApi, held: Collection[Image], object_id: str) -> Image | None:
    """Find one among those of its holder: by its role's definition, else by the template of an own role."""
    found, role = among(held, object_id), parts_of(object_id).role
    if found is not None or all(str(each.get(ROLE)).lower() == role for each in held):
        return found
    return among(with_templates(api, held), object_id)


def with_templates(api: TenantApi, assignments: Iterable[Image]) -> list[Image]:
    """Add the template of the tenant's own roles where it is another id than the definition's."""
    own = api.list(LIST_DIRECTORY_ROLES, query=CUSTOM_ROLES)
    templates = {str(each["id"]).lower(): str(each.get("templateId") or each["id"]).lower() for each in own}
    found: list[Image] = []
    for each in assignments:
        role = str(each.get(ROLE)).lower()
        template = templates.get(role, role)
        found.append(each if template == role else each | {_TEMPLATE: template})
    return found


def _find(api: TenantApi, search: Search) -> Image | None:
    """Read it: it has one id for good."""
    return _read(api, search.ids[-1])


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    return {id_of(each): each for each in with_templates(api, _everywhere(api))}


def _lane(of: ObjectId, object_id: str, _image: Image | None) -> str:
    """One lane a role: its holders are judged together."""
    return f"{of.tenant_id}|{of.kind}|{object_id.partition('/')[0].lower()}"


# Guards.


class Around(Struct, frozen=True, kw_only=True):
    """Whom else it reaches: who is in the group that holds the role, and whether others hold it too.

    None is what couldn't be read, for the reason in `because`.
    """

    members: frozenset[str] | None = frozenset()
    others_living: bool | None = True
    because: str = ""


def _look_around(api: TenantApi, facts: GuardFacts) -> Around:
    if facts.op is not Op.DELETE:
        return Around()
    try:
        members = members_of(api, str(facts.stands[_HOLDER]))
    except (EdgeError, BadIdentifier) as error:
        return Around(members=None, because=str(error))
    if facts.stands.get(ROLE) != GLOBAL_ADMINISTRATOR:
        return Around(members=members)
    try:
        others = _other_holders(api, str(facts.stands[_HOLDER]))
    except EdgeError as error:
        return Around(members=members, others_living=None, because=str(error))
    living = principals.is_one_living(api, others)
    return Around(members=members, others_living=living.answer, because=living.because)


def members_of(api: TenantApi, holder: str) -> frozenset[str]:
    """Give who is in the group that holds the role, through other groups too; nobody where the holder is no group."""
    if not principals.is_group(api, holder):
        return frozenset()
    return frozenset(
        str(each["id"]).lower() for each in api.list(LIST_GROUP_MEMBERS, query={"$select": "id"}, id=holder)
    )


def _other_holders(api: TenantApi, holder: str) -> list[str]:
    listed = _everywhere(api, {"$filter": f"{ROLE} eq '{GLOBAL_ADMINISTRATOR}'"})
    return sorted({str(each[_HOLDER]).lower() for each in listed} - {holder})


def _objections(facts: GuardFacts) -> Objections:
    if facts.op is not Op.DELETE:
        return given_rights.never_given("a role of the directory", by_hand=giving(facts.object_id))
    objection = _objection(facts, cast("Around", facts.around))
    return {} if objection is None else {WHOLE: objection}


def _objection(facts: GuardFacts, around: Around) -> Objection | None:
    touched = touching(facts, around.members, around.because)
    if touched is not None or around.others_living:
        return touched
    because = f"{facts.stands.get(_HOLDER)} is the last living Global Administrator"
    if around.others_living is None:
        because = f"whether there is another Global Administrator who is enabled could not be read: {around.because}"
    return Objection(guard="last-holder", because=because, can_pass=True)


def touching(facts: GuardFacts, members: frozenset[str] | None, because: str) -> Objection | None:
    """Object where an emergency account or a protected principal has the role through a group.

    `members` are those of the group that holds it, None where they couldn't be read, for the reason in `because`.
    """
    if members is None:
        because = f"whether an emergency account holds the role through it could not be read: {because}"
        return Objection(guard="emergency-account", because=because, can_pass=True)
    if emergency := members & facts.emergency:
        because = f"an emergency account holds the role through it ({', '.join(sorted(emergency))})"
        return Objection(guard="emergency-account", because=because, can_pass=True)
    if protected := members & facts.protected:
        because = f"a protected principal holds the role through it ({', '.join(sorted(protected))})"
        return Objection(guard="protected-principal", because=because, can_pass=True)
    return None


# Writing, and commands for a person.


def giving(object_id: str) -> str:
    """Give the command that gives a role; "" where the id isn't one."""
    try:
        parts = parts_of(object_id)
    except BadIdentifier:
        return ""
    return az_rest("POST", _URL, {_HOLDER: parts.holder, ROLE: parts.role, SCOPE: EVERYWHERE})


def taking(assignment: Image) -> str:
    """Give the command that takes a role away."""
    return az_rest("DELETE", f"{_URL}/{assignment.get('id')}")


_URL: Final = "https://graph.microsoft.com/v1.0/roleManagement/directory/roleAssignments"


def _write(api: TenantApi, write: Write) -> str:
    """Take a role away: at once where the identity may, else by a request to PIM.

    Raises:
        Rejected: ActiveDurationTooShort for the first five minutes; a role was to be given.
        Refused: neither permission is there, or the tenant has no licence for PIM.
        DoneAlready: somebody was faster.
    """
    if write.op is not Op.DELETE or write.stands is None:
        raise Rejected("the responder never gives a role of the directory")
    try:
        delete(api, DELETE_ROLE_ASSIGNMENT, write.object_id, directory_role_assignment=str(write.stands["id"]))
    except Refused:
        _ask_for_removal(api, write, write.stands)
    return write.object_id


def _ask_for_removal(api: TenantApi, write: Write, stands: Image) -> None:
    body: Image = {"action": "adminRemove", "justification": JUSTIFICATION}
    try:
        api.send(REQUEST_REMOVAL, body=body | {name: stands.get(name) for name in (_HOLDER, ROLE, SCOPE)})
    except (Refused, Rejected) as error:
        if error.code == NO_SUCH:
            raise DoneAlready(write.object_id) from error
        error.by_hand = taking(stands)
        raise


def _is_orphan(api: TenantApi, object_id: str) -> bool:
    """Whether the holder was deleted: an account's roles go with it, without a record."""
    return principals.is_gone(api, parts_of(object_id).holder)


# Who did it.


def _confirm(api: TenantApi, change: ObjectChange, _assignment: Image | None) -> Confirmation:
    parts = parts_of(change.object_id)
    return directory_pim.with_requester(api, change, role=parts.role, holder=parts.holder)


INVENTORY: Final = Inventory(
    kind=ObjectKind.DIRECTORY_ROLE_ASSIGNMENT,
    tenant_kind=TenantKind.WORKFORCE,
    calls=(LIST_DIRECTORY_ROLE_ASSIGNMENTS, LIST_DIRECTORY_ROLES),
    read=_read_all,
)

DIRECTORY_ROLE_ASSIGNMENT: Final = Kind(
    kind=ObjectKind.DIRECTORY_ROLE_ASSIGNMENT,
    title="directory role assignment",
    tenant_kind=TenantKind.WORKFORCE,
    rules=given_rights.RULES,
    calls=(
        LIST_DIRECTORY_ROLE_ASSIGNMENTS,
        LIST_DIRECTORY_ROLES,
        REQUEST_REMOVAL,
        *principals.CALLS,
        *directory_pim.CALLS,
    ),
    inventory=INVENTORY,
    id_of=id_of,
    name_of=name_of,
    leaves=leaves,
    log=Log.AUDIT,
    activities=frozenset(_ACTIVITIES),
    recorded=_recorded,
    read=_read,
    find=_find,
    by_hand=(DELETE_ROLE_ASSIGNMENT,),
    lane=_lane,
    look_around=_look_around,
    objections=_objections,
    loses=given_rights.loses,
    gains=given_rights.gains,
    write=_write,
    limits=(
        "A role is taken away and never given: the page has the command. Roles over an administrative unit or one "
        "application are paged."
    ),
    undo=(
        "Give the role again with the command on the card; the version before, which the evidence container holds, says"
        " to whom and where. The responder never gives a role of the directory."
    ),
    confirm=_confirm,
    is_orphan=_is_orphan,
    is_doubtful=directory_pim.is_doubtful,
    is_by_a_service=True,
    read_probes=(
        ReadProbe(call=LIST_DIRECTORY_ROLE_ASSIGNMENTS, kind=TenantKind.WORKFORCE),
        ReadProbe(call=LIST_DIRECTORY_ROLES, kind=TenantKind.WORKFORCE, query=CUSTOM_ROLES),
        *principals.READ_PROBES,
    ),
)
