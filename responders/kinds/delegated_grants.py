"""What applications were allowed to do in everybody's name: delegated permissions with consent for all users.

A grant goes by its application and the API; each of its scopes is a leaf. What they were allowed in one user's name is
a kind of its own (`user_grants`).

Scopes that somebody unapproved added are taken away again, and none is given. Graph has one permission for both,
`DelegatedPermissionGrant.ReadWrite.All`, by which any application can be allowed anything in everybody's name. So the
identity isn't given it: whoever wants this done unasked grants it by hand, else the page has the command.
"""

import re
from collections.abc import Mapping
from typing import Final

from responders.kinds import grant_scopes
from responders.kinds.grant_scopes import API, CLIENT, DELETE_GRANT, FOR_ALL, LIST_GRANTS, SCOPE, UPDATE_GRANT
from responders.kinds.json_leaves import GUID, member
from responders.kinds.principals import GET_SERVICE_PRINCIPAL
from shared.model.errors import BadIdentifier
from shared.model.events import Event, Log
from shared.model.kinds import Image, Json, ObjectKind, TenantKind
from shared.model.object_kinds import GuardFacts, Kind, Objections, Write
from shared.model.objects import EXISTS, Leaves, Op, Recorded
from shared.model.read_probes import ReadProbe
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi

_ID: Final = re.compile(rf"(?P<client>{GUID.pattern})/(?P<api>{GUID.pattern})")
_LISTED: Final = {"$filter": "consentType eq 'AllPrincipals'"}


def _parts_of(object_id: str) -> tuple[str, str]:
    """Read a grant's id with us: application and API.

    Raises:
        BadIdentifier: it isn't one.
    """
    found = _ID.fullmatch(object_id.lower())
    if found is None:
        raise BadIdentifier(f"{object_id[:120]!r} is no application and API")
    return found["client"], found["api"]


def id_of(grant: Image) -> str:
    """Give the application and the API as one id, in lower case."""
    return f"{grant.get(CLIENT)}/{grant.get(API)}".lower()


def _name_of(grant: Image) -> str:
    return grant_scopes.words(str(grant.get(API)), str(grant.get(CLIENT)))


def leaves(grant: Image) -> dict[str, Json]:
    """Split a grant into its scopes."""
    return {EXISTS: True, CLIENT: str(grant.get(CLIENT)).lower()} | grant_scopes.scopes(grant_scopes.listed(grant))


def _recorded(event: Event) -> tuple[Recorded, ...]:
    """Say which scopes came or went for all users."""
    found = grant_scopes.recorded_grant(event, FOR_ALL)
    if found is None:
        return ()
    op, wrote = grant_scopes.written(found.client, grant_scopes.scopes(found.old), grant_scopes.scopes(found.new))
    object_id, name = f"{found.client}/{found.api}", grant_scopes.words(found.api_name, found.client_name)
    return (Recorded(object_id=object_id, name=name, op=op, wrote=wrote, is_whole=bool(found.old or found.new)),)


# Reading.


def _read(api: TenantApi, object_id: str) -> Image | None:
    client, resource = _parts_of(object_id)
    listed = api.list(LIST_GRANTS, query={"$filter": f"clientId eq '{client}'"})
    found = (each for each in listed if grant_scopes.is_for(each, FOR_ALL) and id_of(each) == f"{client}/{resource}")
    return next(map(grant_scopes.as_kept, found), None)


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    listed = api.list(LIST_GRANTS, query=_LISTED)
    return {id_of(each): grant_scopes.as_kept(each) for each in listed if grant_scopes.is_for(each, FOR_ALL)}


def _is_orphan(api: TenantApi, object_id: str) -> bool:
    """Whether the application or the API was deleted: the grant went with it, without a record."""
    query = {"$select": "id"}
    return any(api.get(GET_SERVICE_PRINCIPAL, query=query, id=each) is None for each in _parts_of(object_id))


# Guards, and writing.


def _objections(facts: GuardFacts) -> Objections:
    return grant_scopes.never_allowed(facts, making=giving(facts.object_id, facts.target))


def giving(object_id: str, target: Leaves) -> str:
    """Give the command that makes a grant again."""
    client, api = _parts_of(object_id)
    return grant_scopes.making({CLIENT: client, "consentType": "AllPrincipals", API: api}, target)


def _write(api: TenantApi, write: Write) -> str:
    """Delete a grant, or take scopes away; those that stand and aren't to go stay. Raises as `grant_scopes.take`."""
    stand = [] if write.op is Op.DELETE else grant_scopes.listed(write.stands or {})
    grant_scopes.take(api, write, [each for each in stand if member(SCOPE, each) in write.target])
    return write.object_id


DELEGATED_GRANT: Final = Kind(
    kind=ObjectKind.DELEGATED_GRANT,
    title="delegated grant",
    tenant_kind=TenantKind.WORKFORCE,
    rules=grant_scopes.RULES,
    calls=(LIST_GRANTS, GET_SERVICE_PRINCIPAL),
    inventory=Inventory(
        kind=ObjectKind.DELEGATED_GRANT, tenant_kind=TenantKind.WORKFORCE, calls=(LIST_GRANTS,), read=_read_all
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
        "Scopes are taken away and never given: the page has the command. Tokens that are out keep what was taken "
        "until they end."
    ),
    undo=(
        "Allow the application the same again with the command on the card; the version before, which the evidence "
        "container holds, says what. The responder never allows an application anything."
    ),
    is_orphan=_is_orphan,
    read_probes=(ReadProbe(call=LIST_GRANTS, kind=TenantKind.WORKFORCE, query=_LISTED),),
)
