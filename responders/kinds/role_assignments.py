"""Azure role assignments.

An assignment's content is what it gives to whom and where: role, principal, scope, condition, description. Events about
assignments carry no values, so what a change wrote follows from the versions around it. The responder takes any role
away, and gives any back but those whose holder can give any role: there it says the command for a person.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, cast

from msgspec import Struct

from responders.kinds import activity_log, azure_locks, azure_pim, principals
from responders.kinds.azure_stamps import instant
from responders.kinds.role_assignment_commands import giving, taking
from responders.rosters import LIST_ROLE_ASSIGNMENTS
from shared.model.calls import Call, Permission, Service
from shared.model.errors import BadIdentifier, DoneAlready, EdgeError, Locked, Refused, Rejected
from shared.model.events import Event, Log, ResourceEvent
from shared.model.kinds import Image, Json, ObjectKind, Risk, TenantKind
from shared.model.object_kinds import (
    Confirmation,
    GuardFacts,
    Kind,
    LeafRules,
    Made,
    Objections,
    Search,
    Write,
)
from shared.model.objects import EXISTS, WHOLE, WRITABLE, Leaves, ObjectChange, ObjectId, Objection, Op, Recorded, Step
from shared.model.privileges import READING_AZURE_ROLES, WELL_KNOWN_NAMES
from shared.model.read_probes import ReadProbe, each_subscription, first_of, scope_of_each_subscription
from shared.model.remediations import Inventory
from shared.model.settings import Tenant
from shared.model.tenant_api import TenantApi, delete

_ASSIGNMENTS: Final = "/providers/Microsoft.Authorization/roleAssignments"

GET_ROLE_ASSIGNMENT: Final = Call(
    method="GET",
    service=Service.ARM,
    path="{role_assignment}",
    needs=(Permission.ROLE_ASSIGNMENT_READ,),
)
WRITE_ROLE_ASSIGNMENT: Final = Call(
    method="PUT",
    service=Service.ARM,
    path="{role_assignment}",
    needs=(Permission.ROLE_ASSIGNMENT_WRITE,),
)
DELETE_ROLE_ASSIGNMENT: Final = Call(
    method="DELETE",
    service=Service.ARM,
    path="{role_assignment}",
    needs=(Permission.ROLE_ASSIGNMENT_DELETE,),
)
LIST_ROLE_ASSIGNMENTS_AT_SCOPE: Final = Call(
    method="GET",
    service=Service.ARM,
    path=f"{{scope}}{_ASSIGNMENTS}",
    needs=(Permission.ROLE_ASSIGNMENT_READ,),
)
"""With the filter `atScope()`: those at the scope and above it, not below."""

AT_SCOPE: Final = {"$filter": "atScope()"}
_OWNER: Final = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
_USER_ACCESS_ADMINISTRATOR: Final = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
_RBAC_ADMINISTRATOR: Final = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
_NEEDS_A_HOLDER: Final = frozenset({_OWNER, _USER_ACCESS_ADMINISTRATOR})
"""Roles without whose last holder nobody could give access any more."""

_NEVER_GIVEN: Final = frozenset({_OWNER, _USER_ACCESS_ADMINISTRATOR, _RBAC_ADMINISTRATOR})
"""Roles whose holder can give any role to anybody: whoever has the responder's identity must not get that far. Its own
role in Azure forbids it too (`infra/modules/roles.bicep`)."""

_ROLE: Final = "roleDefinitionId"
_HOLDER: Final = "principalId"
_SCOPE: Final = "scope"
_CONDITION: Final = "condition"
_IDS: Final = frozenset({_ROLE, _HOLDER, _SCOPE, "delegatedManagedIdentityResourceId"})
_TEXTS: Final = (_CONDITION, "conditionVersion", "description", "delegatedManagedIdentityResourceId")
_OPERATIONS: Final[Mapping[str, Op]] = {
    "microsoft.authorization/roleassignments/write": Op.UPDATE,
    "microsoft.authorization/roleassignments/delete": Op.DELETE,
}
"""A write is told as an update: the event doesn't say whether the assignment was there before."""

_EXISTS_ALREADY: Final = "RoleAssignmentExists"


def _properties(assignment: Image) -> Image:
    return cast("Image", assignment.get("properties") or {})


def id_of(assignment: Image) -> str:
    """Give the resource id, in lower case: ARM ignores case and its spelling varies."""
    return str(assignment["id"]).lower()


def leaves(assignment: Image) -> dict[str, Json]:
    """Split an assignment. The role is its GUID alone: the same definition has a longer id in each subscription.

    What isn't set is null, "" or missing, as the API's version has it; a version of a condition that isn't there means
    nothing.
    """
    properties = _properties(assignment)
    texts = {name: str(properties[name]).strip() for name in _TEXTS if properties.get(name)}
    if _CONDITION not in texts:
        texts.pop("conditionVersion", None)
    found: dict[str, Json] = {
        EXISTS: True,
        _ROLE: str(properties.get(_ROLE) or "").rpartition("/")[2].lower(),
        _HOLDER: str(properties.get(_HOLDER) or "").lower(),
        _SCOPE: str(properties.get(_SCOPE) or scope_of(str(assignment["id"]))).lower(),
    }
    return found | {name: text.lower() if name in _IDS else text for name, text in texts.items() if text}


def scope_of(assignment_id: str) -> str:
    """Cut the scope off an assignment's id; the last of the word counts, since a scope may itself hold it."""
    return assignment_id[: assignment_id.lower().rindex(_ASSIGNMENTS.lower())]


def _same(leaf: str, one: Json, other: Json) -> bool:
    if leaf in _IDS and isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    return one == other


def _is_joint(leaf: str) -> bool:
    return leaf in {EXISTS, _CONDITION}


def _words(values: Leaves) -> str:
    role = str(values.get(_ROLE))
    return f"{WELL_KNOWN_NAMES.get(role, 'role')} ({role}) of {values.get(_HOLDER)} at {values.get(_SCOPE)}"


def _name_of(assignment: Image) -> str:
    return _words(leaves(assignment))


def _recorded(event: Event) -> tuple[Recorded, ...]:
    if not isinstance(event, ResourceEvent) or event.outcome != "success":
        return ()
    op = _OPERATIONS.get(event.operation.lower())
    if op is None:
        return ()
    wrote: dict[str, Step] = {EXISTS: (True, None)} if op is Op.DELETE else {}
    return (Recorded(object_id=event.target.id, name=event.target.name, op=op, wrote=wrote),)


def _read(api: TenantApi, assignment_id: str) -> Image | None:
    """Read an assignment; one above the subscriptions as they list it, where it may not be read by itself."""
    try:
        return api.get(GET_ROLE_ASSIGNMENT, role_assignment=assignment_id)
    except Refused:
        if not _is_above(assignment_id):
            raise
    return next((each for each in _listed_above(api) if id_of(each) == assignment_id.lower()), None)


def _is_above(scope: str) -> bool:
    """Whether a scope, or what is there, is above all subscriptions: a management group, or the root of all."""
    return not scope.lower().startswith("/subscriptions/")


def _listed_above(api: TenantApi) -> Iterator[Image]:
    """Give the assignments that the watched subscriptions inherit: the right to read those at the subscription does."""
    for subscription in sorted(api.tenant.subscriptions):
        scope = f"/subscriptions/{subscription}"
        listed = api.list(LIST_ROLE_ASSIGNMENTS_AT_SCOPE, query=AT_SCOPE, scope=scope)
        yield from (each for each in listed if _is_above(id_of(each)))


def _list_at(api: TenantApi, scope: str) -> Iterable[Image]:
    """List the assignments at a scope and above it; of one above the subscriptions, those that they inherit of it."""
    if not _is_above(scope):
        return api.list(LIST_ROLE_ASSIGNMENTS_AT_SCOPE, query=AT_SCOPE, scope=scope)
    # Which management group is above which isn't known, so what another one gives doesn't count.
    return [each for each in _listed_above(api) if leaves(each)[_SCOPE] in {scope.lower(), "/", ""}]


def _find(api: TenantApi, search: Search) -> Image | None:
    """Search by id, then for one that gives the same to the same: ARM has no two of them.

    The scope's own listing has the spelling of the scope that ARM chose, so nothing but the leaves is compared.
    """
    for each in search.ids:
        if (found := _read(api, each)) is not None:
            return found
    listed = _list_at(api, str(search.target[_SCOPE]))
    return next((each for each in listed if _gives_the_same(leaves(each), search.target)), None)


def _gives_the_same(one: Leaves, other: Leaves) -> bool:
    return all(_same(name, one.get(name), other.get(name)) for name in (_ROLE, _HOLDER, _SCOPE))


def _lane(of: ObjectId, assignment_id: str, _image: Image | None) -> str:
    """One lane a scope: which role it was isn't known of an assignment that is gone."""
    return f"{of.tenant_id}|{of.kind}|{scope_of(assignment_id).lower()}"


# What the guards judge by.


class Around(Struct, frozen=True, kw_only=True):
    """Who else holds the role at the scope, and whether the assignment was bound in time; None where it isn't known.

    `others_living` says that one of the other holders is there and enabled.
    """

    others_living: bool | None = True
    time_bound: bool | None = False
    because: str = ""


def _look_around(api: TenantApi, facts: GuardFacts) -> Around:
    before, after = facts.stands, facts.target
    if _ROLE not in before and _ROLE not in after:
        return Around()  # a deletion's record alone proves that it stood, and doesn't say what it was
    if before and not after and before.get(_ROLE) in _NEEDS_A_HOLDER:
        return _look_for_holders(api, facts)
    if after and not before and after.get(_ROLE) not in _NEVER_GIVEN:
        return _look_for_schedule(api, after)
    return Around()


def _look_for_holders(api: TenantApi, facts: GuardFacts) -> Around:
    role, own = facts.stands[_ROLE], facts.object_id.lower()
    try:
        listed = _list_at(api, str(facts.stands[_SCOPE]))
    except (EdgeError, BadIdentifier) as error:
        return Around(others_living=None, because=str(error))
    others = [_properties(each) for each in listed if id_of(each) != own and leaves(each)[_ROLE] == role]
    held_by = {str(each.get(_HOLDER) or "").lower(): str(each.get("principalType") or "") for each in others}
    held_by.pop(str(facts.stands[_HOLDER]), None)
    living = principals.are_living(api, held_by)
    return Around(others_living=living.answer, because=living.because)


def _look_for_schedule(api: TenantApi, target: Leaves) -> Around:
    try:
        asked = azure_pim.requests_of(api, scope=str(target[_SCOPE]), principal=str(target[_HOLDER]))
    except (EdgeError, BadIdentifier) as error:
        return Around(time_bound=None, because=str(error))
    mine = [each for each in asked if each.gives(role=str(target[_ROLE]), scope=str(target[_SCOPE]))]
    latest = max(mine, key=lambda each: each.at, default=None)
    return Around(time_bound=latest is not None and latest.is_time_bound)


def _objections(facts: GuardFacts) -> Objections:
    objection = _objection(facts, cast("Around", facts.around))
    return {} if objection is None else {WHOLE: objection}


def _objection(facts: GuardFacts, around: Around) -> Objection | None:
    if not facts.target:
        return _last_holder(facts, around)
    if facts.stands and not _gives_the_same(facts.stands, facts.target):
        return _another_stands(facts)
    if facts.target.get(_ROLE) in _NEVER_GIVEN:
        properties = _properties(facts.stands_image or {})
        return Objection(
            guard="never-given",
            because="it would give a role whose holder can give any role, which the responder never does",
            can_pass=False,
            by_hand=giving(facts.object_id, facts.target, principal_type=properties.get("principalType")),
        )
    if around.time_bound is None:
        because = f"whether the assignment was bound in time could not be read: {around.because}"
        return Objection(guard="time-bound", because=because, can_pass=True)
    if around.time_bound and not facts.stands:
        because = "the assignment was bound in time, and would come back as a permanent one"
        return Objection(guard="time-bound", because=because, can_pass=False)
    return None


def _another_stands(facts: GuardFacts) -> Objection:
    """Say that the id was used for another assignment: Azure lets nobody change what one gives to whom.

    The commands are by the baseline: of a part of the difference, a target gives one's role to the other's holder.
    """
    before = {leaf: each.value for leaf, each in facts.baseline.items()}
    return Objection(
        guard="identity",
        because=f"another role assignment has this id now: {_words(facts.stands)}",
        can_pass=False,
        by_hand=f"{taking(facts.object_id)}; {giving(facts.object_id, before)}",
    )


def _last_holder(facts: GuardFacts, around: Around) -> Objection | None:
    """Protect the last living holder, unless its place is nobody's who was accepted or approved."""
    place = facts.baseline.get(EXISTS)
    is_protected = facts.is_asked or (place is not None and place.value is True and place.provenance in WRITABLE)
    if not is_protected or around.others_living:
        return None
    because = f"{facts.stands.get(_HOLDER)} is the last living holder of the role at {facts.stands.get(_SCOPE)}"
    if around.others_living is None:
        because = f"whether anybody else who is enabled holds the role could not be read: {around.because}"
    return Objection(guard="last-holder", because=because, can_pass=True)


def _loses(before: Leaves, after: Leaves) -> frozenset[str]:
    """Whoever no longer holds the role, or holds it under another condition."""
    names = (EXISTS, _ROLE, _HOLDER, _SCOPE, _CONDITION)
    changed = any(before.get(name) != after.get(name) for name in names)
    holder = before.get(_HOLDER)
    return frozenset({str(holder)}) if holder and changed else frozenset()


def _gains(before: Leaves, after: Leaves) -> frozenset[str]:
    return _loses(after, before)


def _risk(given: Leaves) -> Risk | None:
    """Tens of thousands may be made readers at once, by a script of somebody's; that wakes nobody."""
    return Risk.LOW if given.get(_ROLE) in READING_AZURE_ROLES else None


# Writing.


def _write(api: TenantApi, write: Write) -> str:
    """Carry out a write.

    Raises:
        Locked: a management lock forbids it; `by_hand` lifts the lock.
        Rejected: PrincipalNotFound where the holder is gone, RoleDefinitionDoesNotExist where the role is;
            RoleAssignmentExists where another one of the same role and holder differs in the rest.
        DoneAlready: somebody was faster and gave the same, under this id or another one, or took it.
    """
    try:
        return _sent(api, write)
    except Locked as locked:
        raise azure_locks.named(api, locked) from locked


def _sent(api: TenantApi, write: Write) -> str:
    if write.op is Op.DELETE:
        delete(api, DELETE_ROLE_ASSIGNMENT, write.object_id, role_assignment=write.object_id)
        return write.object_id
    try:
        answer = api.send(WRITE_ROLE_ASSIGNMENT, body=_body(write), role_assignment=write.object_id)
    except Rejected as rejected:
        found = _given_elsewhere(api, write) if rejected.code == _EXISTS_ALREADY else None
        if found is None:
            raise
        raise DoneAlready(id_of(found)) from rejected
    maker = made(answer).by if answer and write.op is Op.CREATE else ""
    if maker and maker != api.tenant.responder_id.lower():
        # Who puts what stands already gets it as an answer, as it was made.
        raise DoneAlready(write.object_id)
    return write.object_id


def _given_elsewhere(api: TenantApi, write: Write) -> Image | None:
    """Somebody was faster: give the assignment that gives the same, if all of it is as wanted."""
    found = _find(api, Search(ids=(), name=write.name, target=write.target))
    return found if found is not None and leaves(found) == dict(write.target) else None


def _body(write: Write) -> Image:
    """Write the whole assignment: ARM replaces it. The type spares ARM the search for a principal that is new to it."""
    known = _properties(write.source or write.stands or {})
    is_same_holder = str(known.get(_HOLDER, "")).lower() == write.target[_HOLDER]
    properties: Image = {
        _ROLE: _definition(write.object_id, str(write.target[_ROLE])),
        _HOLDER: write.target[_HOLDER],
        **{name: write.target[name] for name in _TEXTS if name in write.target},
    }
    if is_same_holder and known.get("principalType"):
        properties["principalType"] = known["principalType"]
    return {"properties": properties}


def _definition(assignment_id: str, role: str) -> str:
    """Give the id of a role's definition in the subscription of an assignment, else in the directory."""
    subscription = "/".join(assignment_id.split("/")[:3]) if assignment_id.lower().startswith("/subscriptions/") else ""
    return f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"


# Who did it.


def made(assignment: Image) -> Made:
    """Give who made an assignment and who wrote it last, as ARM stamped it."""
    properties = _properties(assignment)
    return Made(
        by=str(properties.get("createdBy") or "").lower(),
        at=instant(properties.get("createdOn")),
        changed_by=str(properties.get("updatedBy") or "").lower(),
        changed_at=instant(properties.get("updatedOn")),
    )


def _is_configured(tenant: Tenant, assignment_id: str) -> bool:
    """Whether an assignment is in one of the tenant's subscriptions, or in none: those of management groups are."""
    parts = assignment_id.lower().split("/")
    return parts[1:2] != ["subscriptions"] or not tenant.subscriptions.isdisjoint(parts[2:3])


def _confirm(api: TenantApi, change: ObjectChange, assignment: Image | None) -> Confirmation:
    """Compare what a delivery told with what Azure itself says, and ask PIM who asked for what it did.

    Of a deletion, `assignment` is the last one that was read, None where there is none.
    """
    stamped = None
    if change.op is not Op.DELETE and assignment is not None:
        stamped = _stamped(change, made(assignment))
    confirmation = stamped or _logged(api, change)
    if assignment is None:
        return confirmation
    values = leaves(assignment)
    return azure_pim.with_requester(
        api, change, confirmation, scope=str(values[_SCOPE]), principal=str(values[_HOLDER]), role=str(values[_ROLE])
    )


def _logged(api: TenantApi, change: ObjectChange) -> Confirmation:
    """Ask the subscription's own log for who deleted or wrote an assignment that isn't there."""
    try:
        if change.op is Op.DELETE and _is_still_there(api, change):
            return Confirmation(is_true=None, because="the role assignment is still there")
        events = activity_log.events_about(api, change.object_id, shape="role_assignment", at=change.at)
    except (EdgeError, BadIdentifier) as error:
        return activity_log.unread(error)
    return activity_log.confirmation(change, events, _OPERATIONS)


def _is_still_there(api: TenantApi, deletion: ObjectChange) -> bool:
    """Whether an assignment stands that wasn't made again after its deletion."""
    standing = _read(api, deletion.object_id)
    made_at = made(standing).at if standing is not None else None
    return standing is not None and (made_at is None or made_at <= deletion.at)


def _stamped(change: ObjectChange, stamps: Made) -> Confirmation | None:
    """Compare with whom an assignment itself names; None where it doesn't name the actor.

    It names only who made it and who wrote it last: between them, or right before, others may have written it.
    """
    written = [(stamps.by, stamps.at), (stamps.changed_by, stamps.changed_at)]
    near = [by for by, at in written if by and at is not None and abs(at - change.at) <= activity_log.APART]
    if change.actor.id.lower() not in near:
        return None
    return Confirmation(is_true=True, because="the role assignment names this actor and instant")


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    return {id_of(each): each for each in _listed(api, sorted(api.tenant.subscriptions))}


def _listed(api: TenantApi, subscriptions: Sequence[str]) -> Iterator[Image]:
    for subscription in subscriptions:
        yield from api.list(LIST_ROLE_ASSIGNMENTS, subscription=subscription)


INVENTORY: Final = Inventory(
    kind=ObjectKind.ROLE_ASSIGNMENT,
    tenant_kind=TenantKind.WORKFORCE,
    calls=(LIST_ROLE_ASSIGNMENTS,),
    read=_read_all,
)

ROLE_ASSIGNMENT: Final = Kind(
    kind=ObjectKind.ROLE_ASSIGNMENT,
    title="Azure role assignment",
    tenant_kind=TenantKind.WORKFORCE,
    rules=LeafRules(same=_same, is_joint=_is_joint, tells_creations=False),
    calls=(
        GET_ROLE_ASSIGNMENT,
        LIST_ROLE_ASSIGNMENTS_AT_SCOPE,
        LIST_ROLE_ASSIGNMENTS,
        WRITE_ROLE_ASSIGNMENT,
        DELETE_ROLE_ASSIGNMENT,
        *azure_locks.CALLS,
        *azure_pim.CALLS,
        *activity_log.CALLS,
        *principals.CALLS,
    ),
    inventory=INVENTORY,
    id_of=id_of,
    name_of=_name_of,
    leaves=leaves,
    log=Log.RESOURCE,
    activities=frozenset(_OPERATIONS),
    recorded=_recorded,
    read=_read,
    find=_find,
    lane=_lane,
    look_around=_look_around,
    objections=_objections,
    loses=_loses,
    gains=_gains,
    write=_write,
    made=made,
    limits=(
        "Owner, User Access Administrator and Role Based Access Control Administrator are taken away and never "
        "given: the page has the command. What was bound in time isn't given again. What a lock keeps waits until "
        "the lock goes."
    ),
    undo=(
        "Write the role assignment again under the same id from the version before, which the evidence container "
        "holds; delete one that was made again."
    ),
    confirm=_confirm,
    risk=_risk,
    is_configured=_is_configured,
    read_probes=(
        ReadProbe(call=LIST_ROLE_ASSIGNMENTS, kind=TenantKind.WORKFORCE, ids=each_subscription),
        ReadProbe(
            call=LIST_ROLE_ASSIGNMENTS_AT_SCOPE,
            kind=TenantKind.WORKFORCE,
            query=AT_SCOPE,
            ids=scope_of_each_subscription,
        ),
        ReadProbe(
            call=GET_ROLE_ASSIGNMENT,
            kind=TenantKind.WORKFORCE,
            ids=first_of(LIST_ROLE_ASSIGNMENTS, "role_assignment", each_subscription),
            is_listing=False,
        ),
        *azure_locks.READ_PROBES,
        *azure_pim.READ_PROBES,
        *activity_log.READ_PROBES,
        *principals.READ_PROBES,
    ),
)
