"""Privileged Identity Management (PIM) for Azure roles: who asked for what its service did, and what ended by itself.

Whatever PIM writes, events and the assignment name PIM's own service principal. Who wanted it is in the schedule
request. An assignment that was bound in time is deleted by PIM when its time is over, without anybody asking. Who takes
up a role that he is eligible for, or gives it up again, makes a rightful use of it: PIM itself has checked that.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, cast

from msgspec import Struct

from responders.kinds import principals
from responders.kinds.activity_log import APART
from shared.model.calls import Call, Permission, Service
from shared.model.errors import BadIdentifier, EdgeError, Refused, Rejected
from shared.model.events import Actor, ActorKind
from shared.model.kinds import Image, TenantKind
from shared.model.object_kinds import Confirmation
from shared.model.objects import ObjectChange, Op
from shared.model.read_probes import ReadProbe, scope_of_each_subscription
from shared.model.tenant_api import TenantApi

LIST_SCHEDULE_REQUESTS: Final = Call(
    method="GET",
    service=Service.ARM,
    path="{scope}/providers/Microsoft.Authorization/roleAssignmentScheduleRequests",
    needs=(Permission.ROLE_SCHEDULE_READ,),
)
"""With a filter by principal: the requests for this principal at the scope and below."""

CALLS: Final = (LIST_SCHEDULE_REQUESTS,)

_LATENESS: Final = timedelta(minutes=15)
"""How long PIM may take from a request, or from the end of a schedule, to what it does."""

_VERSION: Final = {"api-version": "2020-10-01"}
_NO_LICENCE: Final = "AadPremiumLicenseRequired"
_ENDLESS: Final = "noexpiration"
_REMOVALS: Final = frozenset({"adminremove", "selfdeactivate"})
_OWN_USES: Final = frozenset({"selfactivate", "selfdeactivate"})
_CAME_TO_NOTHING: Final = frozenset(
    {
        "denied",
        "canceled",
        "failed",
        "failedasresourceislocked",
        "admindenied",
        "timedout",
        "invalid",
        "pendingapproval",
        "pendingapprovalprovisioning",
        "pendingadmindecision",
    }
)
"""States of a request of which nothing came, or not yet."""

_APPROVED_WITHIN: Final = timedelta(days=1)
"""For so long a request may wait for the approval of another person."""

_DURATION: Final = re.compile(r"P(?:(\d{1,4})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?", re.IGNORECASE)
_GUID: Final = re.compile(r"[0-9a-fA-F-]{36}")


class ScheduleRequest(Struct, frozen=True, kw_only=True):
    """What somebody asked of PIM for a principal: ids in lower case, `at` when, to begin at `begins_at`.

    `needed_approval` says that another person had to approve it. `ends_at` is None where it isn't known.
    """

    by: str
    at: datetime
    kind: str
    principal: str
    role: str
    scope: str
    is_time_bound: bool
    begins_at: datetime
    ends_at: datetime | None
    status: str = ""
    needed_approval: bool = False

    @property
    def is_own_use(self) -> bool:
        """Whether somebody took up a role that he is eligible for, or gave it up again."""
        return self.kind in _OWN_USES and self.by == self.principal

    @property
    def is_removal(self) -> bool:
        """Whether it takes the role away."""
        return self.kind in _REMOVALS

    def gives(self, *, role: str, scope: str) -> bool:
        """Whether it is about giving this role (GUID in lower case) at this scope."""
        return self.is_about(role=role, scope=scope) and not self.is_removal

    def is_about(self, *, role: str, scope: str) -> bool:
        """Whether it is about this role (GUID in lower case; "" for any) at this scope."""
        return role in {"", self.role} and self.scope == scope.lower()


def requests_of(api: TenantApi, *, scope: str, principal: str) -> list[ScheduleRequest]:
    """List what was asked of PIM for a principal at a scope; nothing in a tenant without PIM's licence.

    Raises:
        EdgeError: they can't be read.
        BadIdentifier: the scope or the principal isn't one.
    """
    if not _GUID.fullmatch(principal):
        raise BadIdentifier(f"{principal[:80]!r} is not an id of a principal")
    query = {"$filter": f"principalId eq '{principal}'", **_VERSION}
    try:
        listed = api.list(LIST_SCHEDULE_REQUESTS, query=query, scope=scope)
    except (Refused, Rejected) as error:
        if _NO_LICENCE not in str(error):
            raise
        return []
    return [request for each in listed if (request := _read(each)) is not None]


def _read(image: Image) -> ScheduleRequest | None:
    properties = cast("Image", image.get("properties") or {})
    at = _instant(properties.get("createdOn"))
    if at is None:
        return None
    schedule = cast("Image", properties.get("scheduleInfo") or {})
    expiration = cast("Image", schedule.get("expiration") or {})
    return ScheduleRequest(
        by=str(properties.get("requestorId") or "").lower(),
        at=at,
        kind=str(properties.get("requestType") or "").lower(),
        principal=str(properties.get("principalId") or "").lower(),
        role=str(properties.get("roleDefinitionId") or "").rpartition("/")[2].lower(),
        scope=str(properties.get("scope") or "").lower(),
        is_time_bound=str(expiration.get("type") or _ENDLESS).lower() != _ENDLESS,
        begins_at=_instant(schedule.get("startDateTime")) or at,
        status=str(properties.get("status") or "").lower(),
        needed_approval=bool(properties.get("approvalId")),
        ends_at=_end(schedule, expiration, begins=at),
    )


def _end(schedule: Image, expiration: Image, *, begins: datetime) -> datetime | None:
    named = _instant(expiration.get("endDateTime"))
    if named is not None:
        return named
    found = _DURATION.fullmatch(str(expiration.get("duration") or ""))
    if found is None:
        return None
    days, hours, minutes, seconds = (int(each or 0) for each in found.groups())
    begun = _instant(schedule.get("startDateTime")) or begins
    return begun + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _instant(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else None


def with_requester(
    api: TenantApi, change: ObjectChange, confirmation: Confirmation, *, scope: str, principal: str, role: str
) -> Confirmation:
    """Say who asked for what a service principal did, where PIM did it, and whether it was the end of a schedule.

    Where that can't be read, it isn't known who did it, so it isn't confirmed either.
    """
    if confirmation.is_true is not True or change.actor.kind is ActorKind.USER:
        return confirmation
    try:
        asked = requests_of(api, scope=scope, principal=principal)
        is_removal = change.op is Op.DELETE
        mine = [each for each in asked if each.is_about(role=role, scope=scope)]
        request = _asked_for([each for each in mine if each.is_removal == is_removal], change.at)
        if request is not None:
            return Confirmation(
                is_true=True,
                because="PIM did it; its request names who asked",
                actor=Actor(id=request.by, kind=_kind_of_requester(api, request)),
                is_own_use=request.is_own_use,
            )
    except (EdgeError, BadIdentifier) as error:
        return Confirmation(is_true=None, because=f"whether PIM was asked for it could not be read: {error}")
    if is_removal and expired(mine, role=role, scope=scope, at=change.at):
        return Confirmation(is_true=True, because="it was bound in time, and its time was over", is_expiry=True)
    return confirmation


def _asked_for(requests: Iterable[ScheduleRequest], at: datetime) -> ScheduleRequest | None:
    """Give the request that made PIM do something at an instant; None where there is none.

    Whoever was given a role can ask for an activation as well. So that counts only where nobody asked otherwise.
    """
    found = [each for each in requests if each.by and each.status not in _CAME_TO_NOTHING and _is_before(each, at)]
    return _latest([each for each in found if not each.is_own_use] or found)


def _is_before(request: ScheduleRequest, at: datetime) -> bool:
    """Whether PIM may have done then what was asked: at once, when it was to begin, or once it was approved."""
    waits = _APPROVED_WITHIN if request.needed_approval else timedelta()
    instants = (request.at, request.begins_at)
    return any(at - _LATENESS - waits <= each <= at + APART for each in instants) and request.at <= at + APART


def _kind_of_requester(api: TenantApi, request: ScheduleRequest) -> ActorKind:
    """Give the kind of principal that asked, by which an approval is for it. Raises EdgeError and BadIdentifier.

    Only people are eligible for a role. Where the directory may not be read it is unknown, and so is an approval.
    """
    if request.is_own_use:
        return ActorKind.USER
    try:
        return principals.kind_of(api, request.by)
    except Refused:
        return ActorKind.UNKNOWN


def _latest(requests: Iterable[ScheduleRequest]) -> ScheduleRequest | None:
    return max(requests, key=lambda each: each.at, default=None)


def expired(requests: Iterable[ScheduleRequest], *, role: str, scope: str, at: datetime) -> bool:
    """Say whether what was given in time ended by itself at this instant: nobody asked for its removal."""
    mine = [each for each in requests if each.is_about(role=role, scope=scope)]
    given = _latest(each for each in mine if not each.is_removal and each.at <= at)
    if given is None or given.ends_at is None or not given.is_time_bound:
        return False
    is_removed = any(each.is_removal and given.at <= each.at <= at + APART for each in mine)
    return not is_removed and given.ends_at - APART <= at <= given.ends_at + _LATENESS


READ_PROBES: Final = (
    ReadProbe(
        call=LIST_SCHEDULE_REQUESTS,
        kind=TenantKind.WORKFORCE,
        query={"$filter": "atScope()", **_VERSION},
        ids=scope_of_each_subscription,
        no_licence=_NO_LICENCE,
    ),
)
