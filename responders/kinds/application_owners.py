"""Owners of applications and of service principals: an owner adds credentials to it, and signs in with all it holds.

An ownership is there or isn't, and goes by what is owned and by whom. The responder takes one away that somebody
unapproved gave, and never gives one. Who registers an application becomes its owner by that: nobody's application
changed hands, so that is no change where the log has the registration by the same actor.

Graph has one permission for both, `Application.ReadWrite.All`, which is as much as the whole tenant. So the identity
isn't given it: whoever wants owners taken away unasked grants it by hand, else the page has the command.

Owners are listed with what they own, 20 at most of each; of one that has as many, they are listed by themselves.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from msgspec import Struct

from responders.kinds import given_rights, principals, registrars
from responders.kinds.app_credentials import items
from responders.kinds.az_rest import GRAPH, az_rest
from responders.kinds.json_leaves import GUID
from responders.kinds.member_references import reference
from responders.kinds.principals import LIST_SERVICE_PRINCIPALS
from responders.registrations import LIST_REGISTRATIONS
from shared.model.calls import Call, Permission, Service
from shared.model.errors import BadIdentifier, Refused, Rejected
from shared.model.events import AuditEvent, Event, Log, Target, fold
from shared.model.kinds import Image, Json, ObjectKind, TenantKind
from shared.model.object_kinds import Confirmation, GuardFacts, Kind, Objections, Write
from shared.model.objects import EXISTS, ObjectChange, Op, Recorded
from shared.model.read_probes import ReadProbe, first_of
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi, delete


def _listing(path: str) -> Call:
    return Call(method="GET", service=Service.GRAPH, path=f"{path}/owners", needs=(Permission.APPLICATION_READ,))


def _removal(path: str) -> Call:
    return Call(
        method="DELETE",
        service=Service.GRAPH,
        path=f"{path}/owners/{{owner}}/$ref",
        needs=(Permission.APPLICATION_WRITE,),
        repeatable=False,
    )


LIST_APPLICATION_OWNERS: Final = _listing("/applications/{id}")
REMOVE_APPLICATION_OWNER: Final = _removal("/applications/{id}")
LIST_SERVICE_OWNERS: Final = _listing("/servicePrincipals/{id}")
REMOVE_SERVICE_OWNER: Final = _removal("/servicePrincipals/{id}")


class _Collection(Struct, frozen=True, kw_only=True):
    """Where something owned is: how the log calls it, and the requests about it and its owners."""

    in_log: str
    registered_by: str
    listing: Call
    owners: Call
    remove: Call


_APPLICATIONS: Final = "applications"
_SERVICES: Final = "serviceprincipals"
_COLLECTIONS: Final[Mapping[str, _Collection]] = {
    _APPLICATIONS: _Collection(
        in_log="application",
        registered_by="Add application",
        listing=LIST_REGISTRATIONS,
        owners=LIST_APPLICATION_OWNERS,
        remove=REMOVE_APPLICATION_OWNER,
    ),
    _SERVICES: _Collection(
        in_log="service principal",
        registered_by="Add service principal",
        listing=LIST_SERVICE_PRINCIPALS,
        owners=LIST_SERVICE_OWNERS,
        remove=REMOVE_SERVICE_OWNER,
    ),
}
"""By the first part of our ids."""

_WITH_OWNERS: Final = {"$select": "id,displayName", "$expand": "owners($select=id)"}
_MOST_EXPANDED: Final = 20
"""So many owners are listed with what they own, and no more, without a word that there are more."""

_IN: Final = "ownedIn"
_OWNED: Final = "ownedId"
_OWNER: Final = given_rights.HOLDER
_NAME: Final = "ownedName"

_ID: Final = re.compile(
    rf"(?P<within>{_APPLICATIONS}|{_SERVICES})/(?P<owned>{GUID.pattern})/(?P<owner>{GUID.pattern})", re.IGNORECASE
)
_ACTIVITIES: Final[Mapping[str, Op]] = {
    f"{verb} {each.in_log}": op
    for verb, op in (("add owner to", Op.CREATE), ("remove owner from", Op.DELETE))
    for each in _COLLECTIONS.values()
}
_OWNED_IN_LOG: Final = ("application.objectid", "serviceprincipal.objectid")
_NO_SUCH: Final = "Request_ResourceNotFound"
_WITHIN: Final = timedelta(minutes=5)
"""How far apart the records of a registration and of its first owner may be: they are of one action."""


class _Parts(Struct, frozen=True, kw_only=True):
    """What an ownership is, as its id with us says: in lower case."""

    within: str
    owned: str
    owner: str

    @property
    def collection(self) -> _Collection:
        """Where it is."""
        return _COLLECTIONS[self.within]


def _parts_of(object_id: str) -> _Parts:
    """Read an ownership's id.

    Raises:
        BadIdentifier: it isn't one.
    """
    found = _ID.fullmatch(object_id.lower())
    if found is None:
        raise BadIdentifier(f"{object_id[:120]!r} is no application or service principal and its owner")
    return _Parts(within=found["within"], owned=found["owned"], owner=found["owner"])


def id_of(ownership: Image) -> str:
    """Give the collection, what is owned and its owner as one id, in lower case."""
    return "/".join(str(ownership.get(name)) for name in (_IN, _OWNED, _OWNER)).lower()


def leaves(ownership: Image) -> dict[str, Json]:
    """Split an ownership: what it is is its id, so that only whether it is there can change."""
    return _values(id_of(ownership))


def _values(object_id: str) -> dict[str, Json]:
    return {EXISTS: True, **dict(zip((_IN, _OWNED, _OWNER), object_id.split("/"), strict=True))}


def _name_of(ownership: Image) -> str:
    return _words(str(ownership.get(_NAME) or ownership.get(_OWNED)), str(ownership.get(_OWNER)))


def _words(owned: str, owner: str) -> str:
    return f"{owned} for {owner}"


# What records say.


def _recorded(event: Event) -> tuple[Recorded, ...]:
    """Say which ownership came or went: the owner is the first target, what is owned is in its properties."""
    op = given_rights.recorded_op(event, _ACTIVITIES)
    if op is None or not isinstance(event, AuditEvent):
        return ()
    within = next(name for name, each in _COLLECTIONS.items() if fold(event.activity).endswith(f" {each.in_log}"))
    owned = _owned_in(event)
    object_id = f"{within}/{owned.id}/{event.target.id}".lower()
    if _ID.fullmatch(object_id) is None:
        return ()
    owner = event.target.name or event.target.upn or event.target.id
    wrote = given_rights.steps(_values(object_id), op)
    name = _words(owned.name or owned.id, owner)
    return (Recorded(object_id=object_id, name=name, op=op, wrote=wrote, is_whole=True),)


def _owned_in(event: AuditEvent) -> Target:
    """Give what a record says is owned: by a property of the owner's, else as the second target."""
    named = next(filter(None, (given_rights.value_in(event.target, each) for each in _OWNED_IN_LOG)), "")
    others = event.targets[1:]
    if not named:
        return others[0] if others else Target()
    return next((each for each in others if each.id.lower() == named.lower()), Target(id=named))


# Reading.


def _ownership(within: str, owned: Image, owner: Image) -> Image:
    return {_IN: within, _OWNED: owned["id"], _NAME: owned.get("displayName"), _OWNER: owner["id"]}


def _read(api: TenantApi, object_id: str) -> Image | None:
    """Find an owner among those of what is owned; what was deleted has none."""
    parts = _parts_of(object_id)
    found = (_ownership(parts.within, {"id": parts.owned}, each) for each in _owners(api, parts) or ())
    return next((each for each in found if id_of(each) == object_id.lower()), None)


def _owners(api: TenantApi, parts: _Parts) -> list[Image] | None:
    """List owners; None where what they owned isn't there any more."""
    try:
        return api.list(parts.collection.owners, query={"$select": "id"}, id=parts.owned)
    except Rejected as rejected:
        if rejected.code != _NO_SUCH:
            raise
        return None


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    found: dict[str, Image] = {}
    for within, collection in _COLLECTIONS.items():
        for owned in api.list(collection.listing, query=_WITH_OWNERS):
            owners = items(owned, "owners")
            if len(owners) >= _MOST_EXPANDED:
                owners = api.list(collection.owners, query={"$select": "id"}, id=str(owned["id"]))
            several = (_ownership(within, owned, each) for each in owners)
            found |= {id_of(each): each for each in several}
    return found


def _is_orphan(api: TenantApi, object_id: str) -> bool:
    """Whether the owner or what was owned was deleted: the ownership went with it, without a record."""
    parts = _parts_of(object_id)
    return _owners(api, parts) is None or principals.is_gone(api, parts.owner)


def _confirm(api: TenantApi, change: ObjectChange, _image: Image | None) -> Confirmation:
    """Say of whoever became an owner by himself whether he had registered the application just then. Raises EdgeError.

    Both are of one action, and in one log.
    """
    parts = _parts_of(change.object_id)
    as_recorded = Confirmation(is_true=True, because="the directory's own log tells it")
    if change.op is not Op.CREATE or change.actor.id.lower() != parts.owner:
        return as_recorded
    since, until = change.at - _WITHIN, change.at + _WITHIN
    is_registrar = registrars.registered(
        api, parts.collection.registered_by, actor=parts.owner, owned=parts.owned, since=since, until=until
    )
    if not is_registrar:
        return as_recorded
    return Confirmation(is_true=True, because=registrars.BY_REGISTERING, is_own_use=True)


# Guards.


def _objections(facts: GuardFacts) -> Objections:
    if facts.op is Op.DELETE:
        return {}
    return given_rights.never_given("somebody an application", by_hand=giving(facts.object_id))


# Writing, and commands for a person.


def giving(object_id: str) -> str:
    """Give the command that makes somebody an owner; "" where the id isn't one."""
    try:
        parts = _parts_of(object_id)
    except BadIdentifier:
        return ""
    return az_rest("POST", f"{GRAPH}/{_place(parts)}/$ref", reference(parts.owner))


def taking(object_id: str) -> str:
    """Give the command that takes an owner away."""
    parts = _parts_of(object_id)
    return az_rest("DELETE", f"{GRAPH}/{_place(parts)}/{parts.owner}/$ref")


def _place(parts: _Parts) -> str:
    return parts.collection.owners.url({"id": parts.owned}).removeprefix("/")


def _write(api: TenantApi, write: Write) -> str:
    """Take an owner away.

    Raises:
        Refused: the permission isn't there; `by_hand` is the command.
        Rejected: somebody was to be made an owner.
        DoneAlready: somebody was faster.
    """
    if write.op is not Op.DELETE or write.stands is None:
        raise Rejected("the responder never makes anybody an owner")
    parts = _parts_of(write.object_id)
    try:
        delete(api, parts.collection.remove, write.object_id, id=parts.owned, owner=parts.owner)
    except Refused as refused:
        refused.by_hand = taking(write.object_id)
        raise
    return write.object_id


_LISTINGS: Final = tuple(each.listing for each in _COLLECTIONS.values())
_OWNERS: Final = tuple(each.owners for each in _COLLECTIONS.values())

APPLICATION_OWNER: Final = Kind(
    kind=ObjectKind.APPLICATION_OWNER,
    title="owner of an application",
    tenant_kind=TenantKind.WORKFORCE,
    rules=given_rights.RULES,
    calls=(*_LISTINGS, *_OWNERS, *principals.CALLS),
    inventory=Inventory(
        kind=ObjectKind.APPLICATION_OWNER,
        tenant_kind=TenantKind.WORKFORCE,
        calls=(*_LISTINGS, *_OWNERS),
        read=_read_all,
    ),
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
    confirm=_confirm,
    by_hand=tuple(each.remove for each in _COLLECTIONS.values()),
    limits=(
        "An owner is taken away and never given: the page has the command. Who takes an owner away is recorded only. "
        "What an owner did meanwhile, such as adding a credential, is a change of its own. Owners in a B2C tenant are "
        "paged only."
    ),
    undo=(
        "Make them an owner again with the command on the card; the version before, which the evidence container "
        "holds, says of what. The responder never makes anybody an owner."
    ),
    is_orphan=_is_orphan,
    read_probes=tuple(
        probe
        for each in _COLLECTIONS.values()
        for probe in (
            ReadProbe(call=each.listing, kind=TenantKind.WORKFORCE, query=_WITH_OWNERS),
            ReadProbe(call=each.owners, kind=TenantKind.WORKFORCE, ids=first_of(each.listing, "id")),
        )
    ),
)
