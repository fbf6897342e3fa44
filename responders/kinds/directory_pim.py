"""Privileged Identity Management (PIM) for roles of the directory: who asked for what its service did.

Whatever PIM does, Core Directory's record names PIM's own service principal. PIM writes a record of its own beside it,
by whoever asked. The requests themselves can be listed only with a permission to make them.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from msgspec import Struct

from responders.kinds.graph_stamps import instant_of
from responders.kinds.microsoft_services import is_pim
from responders.sources import DIRECTORY_AUDITS
from shared.model.calls import Call
from shared.model.errors import EdgeError
from shared.model.events import Actor, ActorKind, fold
from shared.model.kinds import Image
from shared.model.object_kinds import Confirmation
from shared.model.objects import ObjectChange, Op
from shared.model.tenant_api import TenantApi

CALLS: Final[tuple[Call, ...]] = (DIRECTORY_AUDITS,)

_BEFORE: Final = timedelta(minutes=15)
"""How long PIM may take from its own record to what it does."""

_AFTER: Final = timedelta(minutes=5)
"""How much later PIM's own record may be than what it did."""

_SURELY_WITHIN: Final = timedelta(minutes=1)
"""A record of PIM's that is so near is of the same request. One that is farther off may be of another request, as long
as a nearer one may still come."""

_LATENESS: Final = timedelta(minutes=15)
"""When the log has records so much later, one that isn't there won't come."""

_EXPIRED: Final = "expired"
_TIME_BOUND: Final = "(timebound)"
"""What was bound in time and goes without anybody's asking, its time is over: PIM's record always names who asked."""

_OWN_USES: Final = ("(pim activation)", "(pim deactivate)")
_ELIGIBLE: Final = "eligible"
_NOT_DONE: Final = ("requested", "denied", "canceled", "failed", "request approved", "remove request")
"""Words of PIM's activities that change no assignment. Who approves an activation doesn't carry it out."""

_ELSEWHERE: Final = "outside of pim"
"""In what PIM noticed and didn't do."""


class _Request(Struct, frozen=True, kw_only=True):
    """What PIM's record says: who asked, when, for what."""

    by: Actor
    at: datetime
    activity: str


def with_requester(
    api: TenantApi, change: ObjectChange, *, role: str, holder: str, is_eligibility: bool = False
) -> Confirmation:
    """Say who asked for what a service principal did, where that was PIM; ids are in lower case.

    `is_eligibility` says that the change is of who may take up the role, which PIM logs in words of its own.

    Until PIM's own record is there it isn't known. Where the log has gone on without one, the change is as it is told.
    """
    as_recorded = Confirmation(is_true=True, because="the directory's own log tells it")
    if change.actor.kind is not ActorKind.SERVICE_PRINCIPAL:
        return as_recorded
    try:
        if not is_pim(api, change.actor.id):
            return as_recorded
        found = [
            each
            for each in _requests(api, change.at, role=role, holder=holder)
            if _fits(each, change.op, is_eligibility=is_eligibility)
        ]
        nearest = min(found, key=lambda each: abs(each.at - change.at), default=None)
        if nearest is not None and abs(nearest.at - change.at) <= _SURELY_WITHIN:
            return _asked(nearest, holder, by_itself=change.actor.id)
        if _has_gone_on(api, change.at):
            return as_recorded if nearest is None else _asked(nearest, holder, by_itself=change.actor.id)
    except EdgeError as error:
        return Confirmation(is_true=None, because=f"who asked PIM for it could not be read: {error}")
    return Confirmation(is_true=None, because="PIM did it, and its own record of who asked isn't there yet")


def _asked(request: _Request, holder: str, *, by_itself: str) -> Confirmation:
    """Say who asked; `by_itself` is the id of PIM's own service."""
    is_end = request.activity.startswith("remove") and _TIME_BOUND in request.activity
    if _EXPIRED in request.activity or (is_end and request.by.id in {"", by_itself.lower()}):
        return Confirmation(is_true=True, because="it was bound in time, and its time was over", is_expiry=True)
    return Confirmation(
        is_true=True,
        because="PIM did it; its own record names who asked",
        actor=request.by,
        is_own_use=request.by.id == holder and any(each in request.activity for each in _OWN_USES),
    )


def _fits(request: _Request, op: Op, *, is_eligibility: bool) -> bool:
    verb = "remove" if op is Op.DELETE else ("add", "restore", "update", "approve")
    is_of_it = (_ELIGIBLE in request.activity) == is_eligibility
    words = (*_NOT_DONE, _ELSEWHERE)
    return is_of_it and request.activity.startswith(verb) and not any(each in request.activity for each in words)


def _requests(api: TenantApi, at: datetime, *, role: str, holder: str) -> Iterator[_Request]:
    """Read what PIM logged around an instant about a role and its holder. Raises EdgeError."""
    within = f"activityDateTime ge {_printed(at - _BEFORE)} and activityDateTime le {_printed(at + _AFTER)}"
    for record in api.list(DIRECTORY_AUDITS, query={"$filter": f"loggedByService eq 'PIM' and {within}"}):
        if record.get("result") == "success" and {role, holder} <= _ids_in(record):
            yield _Request(
                by=_actor(_members(record.get("initiatedBy"))),
                at=_instant(record),
                activity=fold(str(record.get("activityDisplayName"))),
            )


def _instant(record: Image) -> datetime:
    found = instant_of(record.get("activityDateTime"))
    if found is None:
        raise EdgeError("a record of PIM's doesn't say when it was")
    return found


def _ids_in(record: Image) -> frozenset[str]:
    """Give the ids that a record names: of its targets, and in its details."""
    targets = (str(one.get("id")) for one in _each(record.get("targetResources")))
    details = (str(one.get("value")) for one in _each(record.get("additionalDetails")))
    return frozenset(each.lower() for each in (*targets, *details))


def _actor(initiated: Mapping[str, Any]) -> Actor:
    user, app = _members(initiated.get("user")), _members(initiated.get("app"))
    if user.get("id"):
        return Actor(id=str(user["id"]).lower(), name=str(user.get("userPrincipalName") or ""), kind=ActorKind.USER)
    kind, name = ActorKind.SERVICE_PRINCIPAL, str(app.get("displayName") or "")
    return Actor(id=str(app.get("servicePrincipalId") or "").lower(), name=name, kind=kind)


def _has_gone_on(api: TenantApi, at: datetime) -> bool:
    query = {"$filter": f"activityDateTime ge {_printed(at + _LATENESS)}", "$top": "1"}
    return bool(api.first_page(DIRECTORY_AUDITS, query=query))


def _printed(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _members(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _each(value: object) -> Iterable[Mapping[str, Any]]:
    return [_members(each) for each in cast("list[object]", value)] if isinstance(value, list) else []


def is_doubtful(actor: Actor) -> bool:
    """Whether somebody else may be behind an actor: what PIM's service does, another asked for."""
    return actor.kind is not ActorKind.USER
