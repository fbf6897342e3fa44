"""Privileged Identity Management for Azure roles: who asked for what, and the assignments that the service makes of it.

The service writes and deletes the role assignments itself, so their events and their `createdBy` name `MS-PIM`. Who
asked for one is said by the request only: assignment → schedule instance → schedule → request → `requestorId`.
"""

import asyncio
import datetime as dt
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Literal

import msgspec

from infra.local import world
from infra.local.tenant.api_error import ApiError, bad_request
from infra.local.tenant.instants import instant, now_ticks, parse_instant, ticks
from infra.local.tenant.role_assignments import Place, RoleAssignments, definition_of, is_within, place_of
from infra.local.tenant.settings import Settings
from infra.local.world import Json

type Action = Literal["write", "delete"]
type Publish = Callable[[Place, Action], None]

_PROVIDER: Final = "providers/Microsoft.Authorization"
_DURATION: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_DEFAULT_DURATION: Final = dt.timedelta(hours=8)

type RequestType = Literal[
    "AdminAssign", "AdminRemove", "AdminUpdate", "AdminExtend", "AdminRenew", "SelfActivate", "SelfDeactivate"
]


class _Expiration(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    type: Literal["AfterDuration", "AfterDateTime", "NoExpiration"] = "AfterDuration"
    duration: str | None = None
    end_date_time: str | None = None


class _ScheduleInfo(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    start_date_time: str | None = None
    expiration: _Expiration = _Expiration()


class _Wanted(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    principal_id: str
    role_definition_id: str
    request_type: RequestType
    justification: str | None = None
    schedule_info: _ScheduleInfo = _ScheduleInfo()

    @property
    def role(self) -> str:
        return definition_of({"roleDefinitionId": self.role_definition_id})


class _Body(msgspec.Struct, frozen=True):
    properties: _Wanted


@dataclass(slots=True, kw_only=True)
class _Eligibility:
    id: str
    scope: str
    principal: str
    role: str


@dataclass(slots=True, kw_only=True)
class _Active:
    """An assignment that the service made. `request` is the id of who asked; `ends` is in ticks, None for never."""

    schedule: str
    request: str
    assignment: Place
    began: int
    ends: int | None
    eligibility: _Eligibility | None


class AzurePim:
    """Requests, eligibilities, and what is active. Expiry runs by itself, as tasks of the event loop."""

    def __init__(self, assignments: RoleAssignments, settings: Settings) -> None:
        self._assignments = assignments
        self._settings = settings
        self.publish: Publish = lambda _place, _action: None
        """Told of each assignment that the service writes or deletes; set by who sends events."""
        self._timers: list[asyncio.TimerHandle] = []
        self.reset()

    def reset(self) -> None:
        """Go back to what `world` says."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._requests: dict[str, Json] = {}
        self._active: dict[str, _Active] = {}
        self._eligible = [
            _Eligibility(id=each.id, scope=world.SUBSCRIPTION_SCOPE, principal=each.holder.id, role=each.definition)
            for each in world.AZURE_ROLE_ELIGIBILITIES
        ]

    # -- requests --

    def request(self, collection: str, place: Place, body: object, *, by: str) -> Json:
        """Carry out a request of one of the two kinds and print it; raises ApiError in the words of the service.

        `collection` is `roleAssignmentScheduleRequests` or `roleEligibilityScheduleRequests`.
        """
        try:
            wanted = msgspec.convert(body, _Body).properties
        except msgspec.ValidationError as error:
            raise bad_request(f"The request was incorrectly formatted: {error}", "BadRequestFormat") from error
        key = f"{place.scope}/{_PROVIDER}/{collection}/{place.name}"
        if key.lower() in self._requests:
            message = "The role assignment schedule request already exists."
            raise ApiError(HTTPStatus.CONFLICT, "RoleAssignmentScheduleRequestExists", message)
        if collection == "roleEligibilityScheduleRequests":
            self._change_eligibility(place.scope, wanted)
            target = None
        else:
            target = self._change_assignment(place.scope, wanted, by=by, request=key)
        shown = _request(key, place, wanted, by=by, target=target)
        self._requests[key.lower()] = shown
        return shown

    def requests(self, collection: str, scope: str) -> list[Json]:
        """Print the requests at a scope and below it, oldest first."""
        part = f"/{_PROVIDER}/{collection}/".lower()
        return [
            each
            for key, each in self._requests.items()
            if part in key and is_within(each["properties"]["scope"], scope)
        ]

    def find(self, collection: str, place: Place) -> Json | None:
        """Print one request."""
        return self._requests.get(f"{place.scope}/{_PROVIDER}/{collection}/{place.name}".lower())

    def _change_eligibility(self, scope: str, wanted: _Wanted) -> None:
        held = [each for each in self._eligible if _is_of(each, scope, wanted)]
        if wanted.request_type == "AdminRemove":
            if not held:
                raise _does_not_exist()
            self._eligible.remove(held[0])
            return
        if held:
            raise bad_request("The Role assignment already exists.", "RoleAssignmentExists")
        self._eligible.append(
            _Eligibility(id=str(uuid.uuid4()), scope=scope, principal=wanted.principal_id, role=wanted.role)
        )

    def _change_assignment(self, scope: str, wanted: _Wanted, *, by: str, request: str) -> str:
        """Answer the schedule's name."""
        active = next((each for each in self._standing() if self._is_at(each, scope, wanted)), None)
        match wanted.request_type:
            case "AdminRemove" | "SelfDeactivate":
                return self._end_early(active)
            case "SelfActivate":
                eligibility = self._eligibility_of(scope, wanted, by=by)
            case _:
                eligibility = None
        if active is not None:
            raise bad_request("The Role assignment already exists.", "RoleAssignmentExists")
        return self._begin(scope, wanted, eligibility, request=request)

    def _eligibility_of(self, scope: str, wanted: _Wanted, *, by: str) -> _Eligibility:
        covering = [
            each
            for each in self._eligible
            if each.principal == wanted.principal_id and each.role == wanted.role and is_within(scope, each.scope)
        ]
        if not covering or by != wanted.principal_id:
            raise _does_not_exist()
        return covering[0]

    def _begin(self, scope: str, wanted: _Wanted, eligibility: _Eligibility | None, *, request: str) -> str:
        place = Place(scope=scope, name=str(uuid.uuid4()))
        properties = {"principalId": wanted.principal_id, "roleDefinitionId": wanted.role_definition_id}
        began = now_ticks()
        ends = _end(wanted.schedule_info.expiration, began)
        self._assignments.write(place, {"properties": properties}, by=world.MS_PIM.id)
        schedule = str(uuid.uuid4())
        self._active[schedule] = _Active(
            schedule=schedule,
            request=request,
            assignment=place,
            began=began,
            ends=ends,
            eligibility=eligibility,
        )
        if ends is not None:
            seconds = (ends - began) / ticks(1)
            self._timers.append(asyncio.get_running_loop().call_later(seconds, self._expire, schedule))
        self.publish(place, "write")
        return schedule

    def _end_early(self, active: _Active | None) -> str:
        if active is None:
            raise _does_not_exist()
        if now_ticks() - active.began < ticks(self._settings.pim_shortest_seconds):
            message = "The active duration is too short. Minimum required is 5 minutes."
            raise bad_request(message, "ActiveDurationTooShort")
        self._expire(active.schedule)
        return active.schedule

    def expire_all(self) -> None:
        """End everything that has an end, as if its time had come."""
        for schedule in [each.schedule for each in self._active.values() if each.ends is not None]:
            self._expire(schedule)

    def _expire(self, schedule: str) -> None:
        active = self._active.pop(schedule, None)
        if active is not None and self._assignments.delete(active.assignment) is not None:
            self.publish(active.assignment, "delete")

    # -- what stands --

    def _standing(self) -> list[_Active]:
        """What is active and whose assignment nobody has deleted directly."""
        return [each for each in self._active.values() if self._assignments.get(each.assignment) is not None]

    def _is_at(self, active: _Active, scope: str, wanted: _Wanted) -> bool:
        held: Json = (self._assignments.get(active.assignment) or {})["properties"]
        found = (active.assignment.scope.lower(), held["principalId"], definition_of(held))
        return found == (scope.lower(), wanted.principal_id, wanted.role)

    def instances(self, scope: str) -> list[Json]:
        """Print every active assignment at a scope, above and below it; those made without the service are `Assigned`.

        `endDateTime` is null where the assignment has no end.
        """
        made = {each.assignment.key: each for each in self._standing()}
        shown: list[Json] = []
        for assignment in self._assignments.all():
            place = place_of(assignment["id"])
            if is_within(place.scope, scope) or is_within(scope, place.scope):
                shown.append(_instance(assignment, made.get(place.key)))
        return shown

    def schedules(self, scope: str) -> list[Json]:
        """Print the schedules behind the assignments that the service made."""
        return [
            _schedule(each, self._assignments.get(each.assignment) or {})
            for each in self._standing()
            if is_within(each.assignment.scope, scope)
        ]

    def eligibilities(self, scope: str) -> list[Json]:
        """Print who may activate what, at a scope, above and below it."""
        return [
            _eligibility_instance(each)
            for each in self._eligible
            if is_within(each.scope, scope) or is_within(scope, each.scope)
        ]


def asks_for_himself(body: object, principal_id: str) -> bool:
    """Say whether somebody activates, or gives up, an eligible role of his own: no role is needed for that."""
    try:
        wanted = msgspec.convert(body, _Body).properties
    except msgspec.ValidationError:
        return False
    return wanted.request_type in {"SelfActivate", "SelfDeactivate"} and wanted.principal_id == principal_id


def _does_not_exist() -> ApiError:
    return bad_request("The Role assignment does not exist.", "RoleAssignmentDoesNotExist")


def _is_of(eligibility: _Eligibility, scope: str, wanted: _Wanted) -> bool:
    held = (eligibility.scope.lower(), eligibility.principal, eligibility.role)
    return held == (scope.lower(), wanted.principal_id, wanted.role)


def _end(expiration: _Expiration, began: int) -> int | None:
    """Work out when an assignment ends, in ticks; raises ApiError 400 for what can't be read."""
    match expiration.type:
        case "NoExpiration":
            return None
        case "AfterDateTime":
            try:
                return parse_instant(expiration.end_date_time or "")
            except ValueError as error:
                raise bad_request(str(error), "InvalidScheduleInfo") from error
        case "AfterDuration":
            return began + ticks(_seconds(expiration.duration))


def _seconds(duration: str | None) -> float:
    if duration is None:
        return _DEFAULT_DURATION.total_seconds()
    found = _DURATION.fullmatch(duration)
    if found is None or duration.endswith(("P", "T")):
        raise bad_request(f"The duration '{duration}' is not valid.", "InvalidScheduleInfo")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return dt.timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()


def _kind_of(principal_id: str) -> str:
    principal = world.PRINCIPALS_BY_ID.get(principal_id)
    return "ServicePrincipal" if principal is not None and principal.kind == "servicePrincipal" else "User"


def _request(key: str, place: Place, wanted: _Wanted, *, by: str, target: str | None) -> Json:
    collection = key.split("/")[-2]
    of_eligibility = collection == "roleEligibilityScheduleRequests"
    whose = "Eligibility" if of_eligibility else "Assignment"
    properties: Json = {
        f"targetRole{whose}ScheduleId": target,
        f"targetRole{whose}ScheduleInstanceId": None,
        "scope": place.scope,
        "roleDefinitionId": wanted.role_definition_id,
        "principalId": wanted.principal_id,
        "principalType": _kind_of(wanted.principal_id),
        "requestType": wanted.request_type,
        "status": "Revoked" if wanted.request_type in {"AdminRemove", "SelfDeactivate"} else "Provisioned",
        "approvalId": None,
        "scheduleInfo": {
            "startDateTime": wanted.schedule_info.start_date_time or instant(),
            "expiration": {
                "type": wanted.schedule_info.expiration.type,
                "endDateTime": wanted.schedule_info.expiration.end_date_time,
                "duration": wanted.schedule_info.expiration.duration,
            },
        },
        "ticketInfo": {"ticketNumber": None, "ticketSystem": None},
        "justification": wanted.justification,
        "requestorId": by,
        "createdOn": instant(),
        "condition": None,
        "conditionVersion": None,
    }
    return {
        "properties": properties,
        "name": place.name,
        "id": key,
        "type": f"Microsoft.Authorization/{collection[0].upper()}{collection[1:]}",
    }


def _instance(assignment: Json, active: _Active | None) -> Json:
    held = assignment["properties"]
    eligibility = None if active is None else active.eligibility
    name = str(uuid.uuid5(uuid.NAMESPACE_URL, assignment["id"].lower()))
    scope = held["scope"]
    schedule = name if active is None else active.schedule
    return {
        "properties": {
            "roleAssignmentScheduleId": f"{scope}/{_PROVIDER}/RoleAssignmentSchedules/{schedule}",
            "originRoleAssignmentId": assignment["id"],
            "linkedRoleEligibilityScheduleId": eligibility
            and f"{eligibility.scope}/{_PROVIDER}/RoleEligibilitySchedules/{eligibility.id}",
            "linkedRoleEligibilityScheduleInstanceId": eligibility
            and f"{eligibility.scope}/{_PROVIDER}/RoleEligibilityScheduleInstances/{eligibility.id}",
            "scope": scope,
            "roleDefinitionId": held["roleDefinitionId"],
            "principalId": held["principalId"],
            "principalType": held["principalType"],
            "assignmentType": "Assigned" if eligibility is None else "Activated",
            "status": "Accepted" if active is None else "Provisioned",
            "startDateTime": held["createdOn"] if active is None else instant(active.began),
            "endDateTime": None if active is None or active.ends is None else instant(active.ends),
            "memberType": "Direct",
            "createdOn": held["createdOn"],
            "condition": held["condition"],
            "conditionVersion": held["conditionVersion"],
        },
        "name": name,
        "id": f"{scope}/{_PROVIDER}/RoleAssignmentScheduleInstances/{name}",
        "type": "Microsoft.Authorization/RoleAssignmentScheduleInstances",
    }


def _schedule(active: _Active, assignment: Json) -> Json:
    held = assignment["properties"]
    collection = f"{_PROVIDER}/RoleAssignmentSchedules/{active.schedule}"
    return {
        "properties": {
            "roleAssignmentScheduleRequestId": active.request,
            "scope": held["scope"],
            "roleDefinitionId": held["roleDefinitionId"],
            "principalId": held["principalId"],
            "principalType": held["principalType"],
            "assignmentType": "Assigned" if active.eligibility is None else "Activated",
            "status": "Provisioned",
            "startDateTime": instant(active.began),
            "endDateTime": None if active.ends is None else instant(active.ends),
            "memberType": "Direct",
            "createdOn": held["createdOn"],
            "updatedOn": held["updatedOn"],
        },
        "name": active.schedule,
        "id": f"{held['scope']}/{collection}",
        "type": "Microsoft.Authorization/RoleAssignmentSchedules",
    }


def _eligibility_instance(each: _Eligibility) -> Json:
    return {
        "properties": {
            "roleEligibilityScheduleId": f"{each.scope}/{_PROVIDER}/RoleEligibilitySchedules/{each.id}",
            "scope": each.scope,
            "roleDefinitionId": world.role_definition_id(each.role),
            "principalId": each.principal,
            "principalType": _kind_of(each.principal),
            "status": "Provisioned",
            "startDateTime": world.SEEDED_AT,
            "endDateTime": None,
            "memberType": "Direct",
            "createdOn": world.SEEDED_AT,
            "condition": None,
            "conditionVersion": None,
        },
        "name": each.id,
        "id": f"{each.scope}/{_PROVIDER}/RoleEligibilityScheduleInstances/{each.id}",
        "type": "Microsoft.Authorization/RoleEligibilityScheduleInstances",
    }
