"""What applications were allowed to do in one user's name, as far as it is highly privileged.

Each user who may consent makes such grants, and most are of no account. So a grant counts here by its highly privileged
scopes (`shared.model.privileges`): with none of them it isn't there, and others in it stay as they are.

A record names the application and the API, and not the user. Whose grant it is about is looked up: it is the one that
came since, or the only one there is. Where that leaves a doubt, people are paged by the record's case.

Scopes that somebody unapproved added are taken away again, and none is given: see `delegated_grants`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from responders.kinds import grant_scopes, principals
from responders.kinds.grant_scopes import API, CLIENT, DELETE_GRANT, FOR_ONE, LIST_GRANTS, SCOPE, UPDATE_GRANT, USER
from responders.kinds.json_leaves import GUID, member
from responders.kinds.principals import GET_SERVICE_PRINCIPAL
from shared.model.errors import BadIdentifier
from shared.model.events import Event, Log
from shared.model.kinds import Image, Json, ObjectKind, TenantKind
from shared.model.object_kinds import GuardFacts, Kind, Objections, Write
from shared.model.objects import EXISTS, Leaves, Recorded
from shared.model.privileges import is_highly_privileged
from shared.model.read_probes import ReadProbe
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi

_ID: Final = re.compile(rf"(?P<client>{GUID.pattern})/(?P<api>{GUID.pattern})/(?P<user>{GUID.pattern})")
_LISTED: Final = {"$filter": "consentType eq 'Principal'", "$top": "999"}
"""In a large tenant there are tens of thousands."""


class _Parts(Struct, frozen=True, kw_only=True):
    """What a grant is, as its id with us says: ids in lower case."""

    client: str
    api: str
    user: str


def _parts_of(object_id: str) -> _Parts:
    """Read a grant's id with us.

    Raises:
        BadIdentifier: it isn't one.
    """
    found = _ID.fullmatch(object_id.lower())
    if found is None:
        raise BadIdentifier(f"{object_id[:120]!r} is no application, API and user")
    return _Parts(client=found["client"], api=found["api"], user=found["user"])


def id_of(grant: Image) -> str:
    """Give the application, the API and the user as one id, in lower case."""
    return "/".join(str(grant.get(name)) for name in (CLIENT, API, USER)).lower()


def _name_of(grant: Image) -> str:
    return _name(str(grant.get(API)), str(grant.get(CLIENT)))


def _name(api: str, client: str) -> str:
    """Name a grant by what a record has of it: all users' grants of an application for an API are called the same."""
    return f"{grant_scopes.words(api, client)}, in one user's name".lower()


def leaves(grant: Image) -> dict[str, Json]:
    """Split a grant into its highly privileged scopes."""
    return {EXISTS: True, CLIENT: str(grant.get(CLIENT)).lower()} | _counting(grant_scopes.listed(grant))


def _counting(scopes: Iterable[str]) -> dict[str, Json]:
    return grant_scopes.scopes(filter(is_highly_privileged, scopes))


def _recorded(event: Event) -> tuple[Recorded, ...]:
    """Say which highly privileged scopes came or went in a user's name; its object goes by a name, not by its id."""
    found = grant_scopes.recorded_grant(event, FOR_ONE)
    if found is None:
        return ()
    old, new = _counting(found.old), _counting(found.new)
    if not old and not new:
        return ()
    op, wrote = grant_scopes.written(found.client, old, new)
    name = _name(found.api, found.client)
    return (Recorded(object_id=name, name=name, op=op, wrote=wrote, is_whole=True),)


# Reading.


def _read(api: TenantApi, object_id: str) -> Image | None:
    user = _parts_of(object_id).user
    return _counted(api.list(LIST_GRANTS, query={"$filter": f"principalId eq '{user}'"})).get(object_id.lower())


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    return _counted(api.list(LIST_GRANTS, query=_LISTED))


def _counted(grants: Iterable[Image]) -> dict[str, Image]:
    """Keep the grants for one user that have a highly privileged scope."""
    kept = (grant_scopes.as_kept(each) for each in grants if grant_scopes.is_for(each, FOR_ONE))
    return {id_of(each): each for each in kept if _counting(grant_scopes.listed(each))}


def _is_orphan(api: TenantApi, object_id: str) -> bool:
    """Whether the application, the API or the user was deleted: the grant went with it, without a record."""
    parts, query = _parts_of(object_id), {"$select": "id"}
    services = (parts.client, parts.api)
    is_gone = any(api.get(GET_SERVICE_PRINCIPAL, query=query, id=each) is None for each in services)
    return is_gone or principals.is_gone(api, parts.user)


# Guards, and writing.


def _objections(facts: GuardFacts) -> Objections:
    return grant_scopes.never_allowed(facts, making=giving(facts.object_id, facts.target))


def giving(object_id: str, target: Leaves) -> str:
    """Give the command that makes a grant again."""
    parts = _parts_of(object_id)
    grant = {CLIENT: parts.client, "consentType": "Principal", API: parts.api, USER: parts.user}
    return grant_scopes.making(grant, target)


def _write(api: TenantApi, write: Write) -> str:
    """Take highly privileged scopes away; all others stay. Raises as `grant_scopes.take`."""
    stand = grant_scopes.listed(write.stands or {})
    kept = [each for each in stand if member(SCOPE, each) in write.target or not is_highly_privileged(each)]
    grant_scopes.take(api, write, kept)
    return write.object_id


USER_GRANT: Final = Kind(
    kind=ObjectKind.USER_GRANT,
    title="delegated grant for one user",
    tenant_kind=TenantKind.WORKFORCE,
    rules=grant_scopes.RULES,
    calls=(LIST_GRANTS, *principals.CALLS),
    inventory=Inventory(
        kind=ObjectKind.USER_GRANT, tenant_kind=TenantKind.WORKFORCE, calls=(LIST_GRANTS,), read=_read_all
    ),
    id_of=id_of,
    name_of=_name_of,
    leaves=leaves,
    log=Log.AUDIT,
    activities=grant_scopes.ACTIVITIES,
    recorded=_recorded,
    read=_read,
    objections=_objections,
    loses=grant_scopes.loses,
    write=_write,
    by_hand=(UPDATE_GRANT, DELETE_GRANT),
    limits=(
        "Only highly privileged scopes are taken away, and none is given: the page has the command. A record doesn't "
        "name the user: where more than one grant may be meant, it is paged. Tokens that are out keep what was taken "
        "until they end."
    ),
    undo=(
        "Let the user consent again, or allow the application the same with the command on the card; the version "
        "before, which the evidence container holds, says what. The responder never allows an application anything."
    ),
    is_orphan=_is_orphan,
    is_id=lambda text: _ID.fullmatch(text.lower()) is not None,
    read_probes=(ReadProbe(call=LIST_GRANTS, kind=TenantKind.WORKFORCE, query=_LISTED),),
)
