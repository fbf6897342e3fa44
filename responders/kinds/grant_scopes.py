"""Delegated permissions of an application: a grant's scopes, as Graph and the log have them, and how they are taken.

A grant is kept with its scopes as a list; Graph gives them as one text. Each scope is a leaf. Records tell the scopes
before and after, and never the user: they name the application, the API, and whether it is for one user or for all.
"""

from collections.abc import Iterable, Mapping
from typing import Final, cast

from msgspec import Struct

from responders.kinds import given_rights
from responders.kinds.az_rest import GRAPH, az_rest
from responders.kinds.json_leaves import GUID, member
from shared.model.calls import Call, Permission, Service
from shared.model.errors import Refused, Rejected
from shared.model.events import AuditEvent, Event, fold
from shared.model.kinds import Image, Json
from shared.model.object_kinds import GuardFacts, LeafRules, Objections, Write
from shared.model.objects import EXISTS, WHOLE, Leaves, Op, Step, list_of
from shared.model.tenant_api import TenantApi, delete

_PATH: Final = "/oauth2PermissionGrants"
_ONE: Final = f"{_PATH}/{{delegated_grant}}"
LIST_GRANTS: Final = Call(method="GET", service=Service.GRAPH, path=_PATH, needs=(Permission.DIRECTORY_READ,))
_NEEDS: Final = (Permission.DELEGATED_GRANT_WRITE,)
UPDATE_GRANT: Final = Call(method="PATCH", service=Service.GRAPH, path=_ONE, needs=_NEEDS, repeatable=False)
"""Not repeatable: it sends all scopes, which somebody may have changed meanwhile."""

DELETE_GRANT: Final = Call(method="DELETE", service=Service.GRAPH, path=_ONE, needs=_NEEDS, repeatable=False)

CLIENT: Final = "clientId"
API: Final = "resourceId"
USER: Final = "principalId"
SCOPE: Final = "scope"
FOR_ALL: Final = "allprincipals"
FOR_ONE: Final = "principal"

ACTIVITIES: Final = frozenset({"add delegated permission grant", "remove delegated permission grant"})
"""A change of a grant can be logged as its removal, so what it was is told by its scopes."""

RULES: Final = LeafRules(
    same=lambda leaf, one, other: (one is None) is (other is None) and (bool(list_of(leaf)) or one == other),
    is_joint=lambda leaf: leaf == EXISTS,
)
_SCOPES_IN_LOG: Final = "delegatedpermissiongrant.scope"
_CONSENT_IN_LOG: Final = "delegatedpermissiongrant.consenttype"
_CLIENT_IN_LOG: Final = "serviceprincipal.objectid"


def words(api: str, client: str) -> str:
    """Name a grant."""
    return f"{api} for {client}"


def scopes(several: Iterable[str]) -> dict[str, Json]:
    """Give the leaves of scopes."""
    return {member(SCOPE, each): each for each in several}


def listed(grant: Image) -> list[str]:
    """Give the scopes of a grant that is kept."""
    return [str(each) for each in cast("list[object]", grant.get(SCOPE) or [])]


def as_kept(grant: Image) -> Image:
    """Split the scopes of a grant as Graph gives it."""
    return grant | {SCOPE: str(grant.get(SCOPE) or "").split()}


def is_for(grant: Image, consent: str) -> bool:
    """Say whether a grant is for all users (`FOR_ALL`) or for one (`FOR_ONE`)."""
    return fold(str(grant.get("consentType"))) == consent


# What records say.


class RecordedGrant(Struct, frozen=True, kw_only=True):
    """What a record says of a grant: ids in lower case, names as they are, and scopes before and after."""

    client: str
    api: str
    client_name: str
    api_name: str
    old: tuple[str, ...] = ()
    new: tuple[str, ...] = ()


def recorded_grant(event: Event, consent: str) -> RecordedGrant | None:
    """Read a record of a grant for all users or for one: the API is the first target, the rest is in its properties."""
    if not given_rights.tells_of_directory(event):
        return None
    api = event.target
    client = given_rights.value_in(api, _CLIENT_IN_LOG)
    ids = (client, api.id)
    is_about = fold(event.activity) in ACTIVITIES and fold(given_rights.value_in(api, _CONSENT_IN_LOG)) == consent
    if not is_about or not all(map(GUID.fullmatch, ids)):
        return None
    named = next((one.name for one in event.targets[1:] if one.id.lower() == client.lower()), "") or client
    old, new = _scopes_in(event)
    return RecordedGrant(
        client=client.lower(), api=api.id.lower(), client_name=named, api_name=api.name or api.id, old=old, new=new
    )


def _scopes_in(event: AuditEvent) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the scopes before and after."""
    change = next((each for each in event.target.changes if fold(each.name) == _SCOPES_IN_LOG), None)
    if change is None:
        return (), ()
    before, after = (tuple((text or "").strip(' "').split()) for text in (change.old, change.new))
    return before, after


def written(client: str, old: Mapping[str, Json], new: Mapping[str, Json]) -> tuple[Op, dict[str, Step]]:
    """Say what a change of a grant was, and what it wrote, by the leaves of the scopes before and after."""
    op = Op.CREATE if new and not old else Op.DELETE if old and not new else Op.UPDATE
    if op is Op.UPDATE:
        return op, {leaf: (old.get(leaf), new.get(leaf)) for leaf in sorted(old.keys() ^ new.keys())}
    return op, given_rights.steps({EXISTS: True, CLIENT: client, **new, **old}, op)


# Guards.


def never_allowed(facts: GuardFacts, *, making: str) -> Objections:
    """Object to allowing an application anything; `making` is the command that makes the grant again."""
    if facts.op is Op.DELETE:
        return {}
    what = "an application a permission"
    if facts.op is Op.CREATE:
        return given_rights.never_given(what, by_hand=making)
    given = [leaf for leaf, (_, new) in facts.steps.items() if list_of(leaf) == SCOPE and new is not None]
    command = narrowing(facts.stands_image or {}, joined(facts.target)) if given else ""
    never = given_rights.never_given(what, by_hand=command)[WHOLE]
    return dict.fromkeys(given, never)


def loses(before: Leaves, after: Leaves) -> frozenset[str]:
    """The application loses what it was allowed to."""
    is_less = any(leaf not in after for leaf in before)
    return frozenset({str(before[CLIENT])}) if is_less and CLIENT in before else frozenset()


# Writing, and commands for a person.

_URL: Final = f"{GRAPH}{_PATH}"


def joined(target: Leaves) -> str:
    """Write the scopes as Graph does."""
    return " ".join(str(value) for leaf, value in sorted(target.items()) if list_of(leaf) == SCOPE)


def making(grant: Image, target: Leaves) -> str:
    """Give the command that makes a grant again; `grant` is what it has beside its scopes."""
    return az_rest("POST", _URL, grant | {SCOPE: joined(target)})


def narrowing(grant: Image, scope: str) -> str:
    """Give the command that sets a grant's scopes."""
    return az_rest("PATCH", f"{_URL}/{grant.get('id')}", {SCOPE: scope})


def take(api: TenantApi, write: Write, kept: list[str]) -> None:
    """Leave a grant the scopes that are kept, or delete it where there are none.

    Raises:
        Refused: the permission isn't there; `by_hand` is the command.
        Rejected: a grant was to be made.
        DoneAlready: somebody was faster and deleted it.
    """
    if write.op is Op.CREATE or write.stands is None:
        raise Rejected("the responder never allows an application anything")
    grant_id = str(write.stands["id"])
    try:
        if kept:
            api.send(UPDATE_GRANT, body={SCOPE: " ".join(kept)}, delegated_grant=grant_id)
        else:
            delete(api, DELETE_GRANT, write.object_id, delegated_grant=grant_id)
    except Refused as refused:
        deleting = az_rest("DELETE", f"{_URL}/{grant_id}")
        refused.by_hand = narrowing(write.stands, " ".join(kept)) if kept else deleting
        raise
