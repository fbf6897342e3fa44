"""App roles that applications were given: permissions that they hold by themselves, without anybody signing in.

An assignment goes by what it is: the API, the application that holds it, and the app role. Graph's own id of it is in
no record. It is there or it isn't; nothing of it can be changed. Consent to several permissions is several of them.

A sweep reads what the APIs gave that hold the tenant's data (`API_NAMES`). What other APIs gave is known by records.

The responder takes them away and never gives one. Graph has one permission for both,
`AppRoleAssignment.ReadWrite.All`, which is as much as the whole tenant. So the identity isn't given it: whoever wants
app roles taken away unasked grants it by hand, else the page has the command. Tokens that are out keep what was taken
until they end.
"""

import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from responders.kinds import given_rights, graph_stamps
from responders.kinds.az_rest import az_rest
from responders.kinds.json_leaves import GUID
from responders.kinds.principals import GET_SERVICE_PRINCIPAL, LIST_SERVICE_PRINCIPALS
from shared.model.calls import Call, Permission, Service
from shared.model.errors import BadIdentifier, Refused, Rejected
from shared.model.events import AuditEvent, Event, Log, fold
from shared.model.kinds import Image, Json, ObjectKind, TenantKind
from shared.model.object_kinds import GuardFacts, Kind, Objections, Write
from shared.model.objects import EXISTS, Op, Recorded
from shared.model.privileges import API_NAMES
from shared.model.read_probes import ReadProbe, first_of
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi, delete

LIST_ROLE_HOLDERS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/servicePrincipals/{id}/appRoleAssignedTo",
    needs=(Permission.APPLICATION_READ,),
)
"""What an API gave, and to whom."""

LIST_APP_ROLES: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/servicePrincipals/{id}/appRoleAssignments",
    needs=(Permission.APPLICATION_READ,),
)
"""What an application holds."""

DELETE_APP_ROLE: Final = Call(
    method="DELETE",
    service=Service.GRAPH,
    path="/servicePrincipals/{id}/appRoleAssignedTo/{app_role_assignment}",
    needs=(Permission.APP_ROLE_WRITE,),
    repeatable=False,
)

_API: Final = "resourceId"
_HOLDER: Final = given_rights.HOLDER
_ROLE: Final = "appRoleId"
_NAMES: Final = (_API, _HOLDER, _ROLE)

_ID: Final = re.compile(rf"(?P<api>{GUID.pattern})/(?P<holder>{GUID.pattern})/(?P<role>{GUID.pattern})")
_ACTIVITIES: Final[Mapping[str, Op]] = {
    "add app role assignment to service principal": Op.CREATE,
    "remove app role assignment from service principal": Op.DELETE,
}
_APPLICATION: Final = "serviceprincipal"
_NO_SUCH: Final = "Request_ResourceNotFound"


class _Parts(Struct, frozen=True, kw_only=True):
    """What an assignment is, as its id with us says: ids in lower case."""

    api: str
    holder: str
    role: str


def _parts_of(object_id: str) -> _Parts:
    """Read an assignment's id.

    Raises:
        BadIdentifier: it isn't one.
    """
    found = _ID.fullmatch(object_id.lower())
    if found is None:
        raise BadIdentifier(f"{object_id[:120]!r} is no API, holder and app role")
    return _Parts(api=found["api"], holder=found["holder"], role=found["role"])


def id_of(assignment: Image) -> str:
    """Give API, holder and app role as one id, in lower case."""
    return "/".join(str(assignment.get(name)) for name in _NAMES).lower()


def leaves(assignment: Image) -> dict[str, Json]:
    """Split an assignment: what it is is its id, so that only whether it is there can change."""
    return _values(id_of(assignment))


def _values(object_id: str) -> dict[str, Json]:
    return {EXISTS: True, **dict(zip(_NAMES, object_id.split("/"), strict=True))}


def _name_of(assignment: Image) -> str:
    api = str(assignment.get("resourceDisplayName") or assignment.get(_API))
    holder = str(assignment.get("principalDisplayName") or assignment.get(_HOLDER))
    return _words(str(assignment.get(_ROLE)), api, holder)


def _words(role: str, api: str, holder: str) -> str:
    return f"{role} of {api} for {holder}"


# What records say.


def _recorded(event: Event) -> tuple[Recorded, ...]:
    """Say which assignment came or went: the API is the first target, the rest is in its properties."""
    op = given_rights.recorded_op(event, _ACTIVITIES)
    if op is None or not isinstance(event, AuditEvent) or fold(event.target.kind) != _APPLICATION:
        return ()
    api = event.target
    role, holder = (given_rights.value_in(api, name) for name in ("approle.id", "serviceprincipal.objectid"))
    object_id = f"{api.id}/{holder}/{role}".lower()
    if _ID.fullmatch(object_id) is None:
        return ()
    named = next((one.name for one in event.targets[1:] if one.id.lower() == holder.lower()), "") or holder
    name = _words(given_rights.value_in(api, "approle.value") or role, api.name or api.id, named)
    wrote = given_rights.steps(_values(object_id), op)
    return (Recorded(object_id=object_id, name=name, op=op, wrote=wrote, is_whole=True),)


# Reading.


def _read(api: TenantApi, object_id: str) -> Image | None:
    """Find an assignment among those of its holder; one that was deleted has none."""
    try:
        held = api.list(LIST_APP_ROLES, id=_parts_of(object_id).holder)
    except Rejected as rejected:
        if rejected.code != _NO_SUCH:
            raise
        return None
    return next((each for each in held if id_of(each) == object_id.lower()), None)


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    found: dict[str, Image] = {}
    for app_id in API_NAMES:
        query = {"$filter": f"appId eq '{app_id}'", "$select": "id"}
        for resource in api.list(LIST_SERVICE_PRINCIPALS, query=query):
            given = api.list(LIST_ROLE_HOLDERS, id=str(resource["id"]))
            found |= {id_of(each): each for each in given if fold(str(each.get("principalType"))) == _APPLICATION}
    return found


def _is_orphan(api: TenantApi, object_id: str) -> bool:
    """Whether the holder or the API was deleted: what they gave and were given goes with them, without a record."""
    parts, query = _parts_of(object_id), {"$select": "id"}
    return any(api.get(GET_SERVICE_PRINCIPAL, query=query, id=each) is None for each in (parts.holder, parts.api))


# Guards.


def _objections(facts: GuardFacts) -> Objections:
    if facts.op is Op.DELETE:
        return {}
    return given_rights.never_given("an application a permission", by_hand=giving(facts.object_id))


# Writing, and commands for a person.

_URL: Final = "https://graph.microsoft.com/v1.0/servicePrincipals/{}/appRoleAssignedTo"


def giving(object_id: str) -> str:
    """Give the command that gives an app role; "" where the id isn't one."""
    try:
        parts = _parts_of(object_id)
    except BadIdentifier:
        return ""
    body = {_HOLDER: parts.holder, _API: parts.api, _ROLE: parts.role}
    return az_rest("POST", _URL.format(parts.api), body)


def taking(assignment: Image) -> str:
    """Give the command that takes an app role away."""
    return az_rest("DELETE", f"{_URL.format(assignment.get(_API))}/{assignment.get('id')}")


def _write(api: TenantApi, write: Write) -> str:
    """Take an app role away.

    Raises:
        Refused: the permission isn't there; `by_hand` is the command.
        Rejected: an app role was to be given.
        DoneAlready: somebody was faster.
    """
    if write.op is not Op.DELETE or write.stands is None:
        raise Rejected("the responder never gives an app role")
    stands = write.stands
    try:
        delete(api, DELETE_APP_ROLE, write.object_id, id=str(stands[_API]), app_role_assignment=str(stands["id"]))
    except Refused as refused:
        refused.by_hand = taking(stands)
        raise
    return write.object_id


INVENTORY: Final = Inventory(
    kind=ObjectKind.APP_ROLE_ASSIGNMENT,
    tenant_kind=TenantKind.WORKFORCE,
    calls=(LIST_SERVICE_PRINCIPALS, LIST_ROLE_HOLDERS),
    read=_read_all,
)

APP_ROLE_ASSIGNMENT: Final = Kind(
    kind=ObjectKind.APP_ROLE_ASSIGNMENT,
    title="app role assignment",
    tenant_kind=TenantKind.WORKFORCE,
    rules=given_rights.RULES,
    calls=(LIST_APP_ROLES, LIST_ROLE_HOLDERS, LIST_SERVICE_PRINCIPALS, GET_SERVICE_PRINCIPAL),
    inventory=INVENTORY,
    id_of=id_of,
    name_of=_name_of,
    leaves=leaves,
    log=Log.AUDIT,
    activities=frozenset(_ACTIVITIES),
    recorded=_recorded,
    read=_read,
    objections=_objections,
    loses=given_rights.loses,
    gains=given_rights.gains,
    write=_write,
    made=graph_stamps.made,
    by_hand=(DELETE_APP_ROLE,),
    limits=(
        "An app role is taken away and never given: the page has the command. Tokens that are out keep what was "
        "taken until they end."
    ),
    undo=(
        "Give the application the permission again with the command on the card; the version before, which the evidence"
        " container holds, says which. The responder never gives one."
    ),
    is_orphan=_is_orphan,
    read_probes=(
        ReadProbe(call=LIST_SERVICE_PRINCIPALS, kind=TenantKind.WORKFORCE, query={"$select": "id"}),
        ReadProbe(call=LIST_ROLE_HOLDERS, kind=TenantKind.WORKFORCE, ids=first_of(LIST_SERVICE_PRINCIPALS, "id")),
        ReadProbe(call=LIST_APP_ROLES, kind=TenantKind.WORKFORCE, ids=first_of(LIST_SERVICE_PRINCIPALS, "id")),
    ),
)
