"""Principals of the directory, as far as is asked: there and enabled or not, of which kind, Microsoft's own or not."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec import Struct

from responders.kinds.json_leaves import GUID
from responders.rosters import LIST_GROUP_MEMBERS, LIST_GROUPS
from shared.model.calls import Call, Permission, Service
from shared.model.errors import BadIdentifier, EdgeError
from shared.model.events import ActorKind
from shared.model.kinds import TenantKind
from shared.model.read_probes import ReadProbe
from shared.model.tenant_api import TenantApi

GET_USER: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/users/{id}",
    needs=(Permission.USER_READ,),
)
GET_SERVICE_PRINCIPAL: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/servicePrincipals/{id}",
    needs=(Permission.APPLICATION_READ,),
)

LIST_SERVICE_PRINCIPALS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/servicePrincipals",
    needs=(Permission.APPLICATION_READ,),
)

CALLS: Final = (GET_USER, GET_SERVICE_PRINCIPAL, LIST_GROUP_MEMBERS, LIST_GROUPS)

_BY_TYPE: Final[Mapping[str, Call]] = {"user": GET_USER, "serviceprincipal": GET_SERVICE_PRINCIPAL}
_GROUPS: Final = frozenset({"group", "foreigngroup"})
_ENABLED: Final = {"$select": "id,accountEnabled"}
_OWNER: Final = {"$select": "id,appOwnerOrganizationId"}
MICROSOFT: Final = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
"""The tenant of Microsoft's own services. What its employees register is in another one, and is nobody special."""

_MEMBER: Final = {"$select": "id"}
_MOST_MEMBERS: Final = 20
"""Of a group's members, so many are asked for; the first that is enabled is enough."""


class Living(Struct, frozen=True, kw_only=True):
    """Whether one of some principals is there and enabled; None where it isn't known, for the reason in `because`."""

    answer: bool | None
    because: str = ""


def are_living(api: TenantApi, principals: Mapping[str, str]) -> Living:
    """Find out whether one of `principals`, types by id, is there and enabled.

    A group is where one of its members is. Types are Azure's: "User", "ServicePrincipal", "Group".
    """
    return _first_living(principals, lambda identity: _is_living(api, identity, principals[identity].lower()))


def is_one_living(api: TenantApi, identities: Iterable[str]) -> Living:
    """Find out whether one of some principals of any type is there and enabled; a group is where a member is."""

    def is_living(identity: str) -> bool:
        if any(_is_living(api, identity, kind) for kind in _BY_TYPE):
            return True
        return is_group(api, identity) and _has_living_member(api, identity)

    return _first_living(identities, is_living)


def _first_living(identities: Iterable[str], is_living: Callable[[str], bool]) -> Living:
    """Ask for one after another until one is living; what couldn't be read is named where none is."""
    unread = ""
    for identity in identities:
        try:
            if is_living(identity):
                return Living(answer=True)
        except (EdgeError, BadIdentifier) as error:
            unread = unread or str(error)
    return Living(answer=None if unread else False, because=unread)


def is_enabled(api: TenantApi, identity: str) -> bool | None:
    """Say whether a principal is there and, where it isn't a group, enabled; None where that can't be read."""
    try:
        return any(_is_living(api, identity, kind) for kind in _BY_TYPE) or is_group(api, identity)
    except (EdgeError, BadIdentifier):
        return None


def is_gone(api: TenantApi, identity: str) -> bool:
    """Say whether there is neither a user nor a service principal nor a group of this id.

    Raises:
        EdgeError: it can't be read.
        BadIdentifier: the id isn't one.
    """
    return kind_of(api, identity) is ActorKind.UNKNOWN and not is_group(api, identity)


def is_microsofts(api: TenantApi, identity: str) -> bool | None:
    """Say whether a service principal is of one of Microsoft's own services; None where that can't be read.

    A name says nothing: anybody can choose it. In a B2C tenant none changes what is guarded, so nothing is read.
    """
    if api.tenant.kind is not TenantKind.WORKFORCE:
        return False
    try:
        found = api.get(GET_SERVICE_PRINCIPAL, query=_OWNER, id=identity)
    except BadIdentifier:
        return False
    except EdgeError:
        return None
    return found is not None and str(found.get("appOwnerOrganizationId", "")).lower() == MICROSOFT


def kind_of(api: TenantApi, identity: str) -> ActorKind:
    """Say whether a principal is a user or a service principal; unknown where it is neither, or gone.

    Raises:
        EdgeError: it can't be read.
        BadIdentifier: the id isn't one.
    """
    if api.get(GET_USER, query=_MEMBER, id=identity) is not None:
        return ActorKind.USER
    is_service = api.get(GET_SERVICE_PRINCIPAL, query=_MEMBER, id=identity) is not None
    return ActorKind.SERVICE_PRINCIPAL if is_service else ActorKind.UNKNOWN


def is_group(api: TenantApi, identity: str) -> bool:
    """Ask whether there is such a group. Nobody disables a group, and who of it is enabled can change at any time.

    Raises:
        EdgeError: it can't be read.
        BadIdentifier: the id isn't one.
    """
    if GUID.fullmatch(identity) is None:
        raise BadIdentifier(f"{identity!r} is no id of a group: it isn't a GUID")
    return bool(api.list(LIST_GROUPS, query={"$filter": f"id in ('{identity}')", "$select": "id"}))


def _is_living(api: TenantApi, identity: str, kind: str) -> bool:
    if kind in _GROUPS:
        return _has_living_member(api, identity)
    found = api.get(_BY_TYPE.get(kind, GET_USER), query=_ENABLED, id=identity)
    return found is not None and found.get("accountEnabled") is True


def _has_living_member(api: TenantApi, group: str) -> bool:
    """Ask for a group's members, users first.

    Raises:
        EdgeError: they could not be read, or nobody among the first of many is enabled.
    """
    members = api.list(LIST_GROUP_MEMBERS, query=_MEMBER, id=group)
    types = {str(each["id"]): str(each.get("@odata.type", "")).rpartition(".")[2].lower() for each in members}
    asked = _by_type(types)[:_MOST_MEMBERS]
    if any(_is_living(api, each, types[each]) for each in asked):
        return True
    if len(types) > _MOST_MEMBERS:
        raise EdgeError(f"group {group} has {len(types)} members, of whom the first {_MOST_MEMBERS} aren't enabled")
    return False


def _by_type(types: Mapping[str, str]) -> list[str]:
    members: Iterable[str] = (each for each, kind in types.items() if kind not in _GROUPS)
    return sorted(members, key=lambda each: types[each] != "user")


def _own(api: TenantApi) -> Iterable[dict[str, str]]:
    return [{"id": api.tenant.responder_id}]


READ_PROBES: Final = (
    ReadProbe(call=GET_SERVICE_PRINCIPAL, kind=TenantKind.WORKFORCE, query=_ENABLED, ids=_own, is_listing=False),
)
