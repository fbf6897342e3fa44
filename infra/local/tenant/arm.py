"""Azure Resource Manager: the subscription, role assignments and the built-in role definitions."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Literal

from aiohttp import web

from infra.local import world
from infra.local.tenant.api_error import ApiError, bad_request, not_found
from infra.local.tenant.azure_access import ROLES
from infra.local.tenant.azure_pim import asks_for_himself
from infra.local.tenant.bodies import json_answer
from infra.local.tenant.odata import skipped
from infra.local.tenant.resource_events import Touched, http_request
from infra.local.tenant.role_assignments import TYPE, Place, is_within
from infra.local.tenant.simulated_in_azure import ABOVE_SUBSCRIPTIONS, answered, publish
from infra.local.tenant.simulation import Simulation
from infra.local.tenant.tokens import ARM, Caller
from infra.local.world import Json

_SCOPE = r"(?P<scope>/subscriptions/[^/]+(?:/resourceGroups/[^/]+(?:/providers/.+?)?)?)"
_RESOURCE = rf"{_SCOPE}/providers/Microsoft\.Authorization"
_ASSIGNMENT = re.compile(rf"{_RESOURCE}/roleAssignments(?:/(?P<name>[^/]+))?", re.IGNORECASE)
_DEFINITION = re.compile(rf"{_RESOURCE}/roleDefinitions(?:/(?P<name>[^/]+))?", re.IGNORECASE)
_LOCK = re.compile(rf"{_RESOURCE}/locks(?:/(?P<name>[^/]+))?", re.IGNORECASE)
_SCHEDULED = re.compile(
    rf"{_RESOURCE}/(?P<collection>role(?:Assignment|Eligibility)Schedule(?:Requests|Instances|s))(?:/(?P<name>[^/]+))?",
    re.IGNORECASE,
)
_COLLECTIONS = {
    name.lower(): name
    for kind in ("Assignment", "Eligibility")
    for name in (f"role{kind}ScheduleRequests", f"role{kind}ScheduleInstances", f"role{kind}Schedules")
}
_ACTIVITY = re.compile(
    r"(?P<scope>/subscriptions/[^/]+)/providers/Microsoft\.Insights/eventtypes/management/values", re.IGNORECASE
)
_SERVICES = re.compile(
    r"/providers/Microsoft\.Support/services(?:/(?P<service>[^/]+)(?P<problems>/problemClassifications(?:/(?P<name>[^/]+))?)?)?",
    re.IGNORECASE,
)
_TICKET = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/providers/Microsoft\.Support/supportTickets/(?P<name>[^/]+)", re.IGNORECASE
)
_OPERATION = re.compile(
    r"/subscriptions/[^/]+/providers/Microsoft\.Support/operations?(?:Status|Results)/(?P<name>[^/]+)", re.IGNORECASE
)
_GROUP = re.compile(r"/subscriptions/[^/]+/resourceGroups/(?P<group>[^/]+)", re.IGNORECASE)
_PARTS_WITH_SUBSCRIPTION = 2
_API_VERSION = re.compile(r"\d{4}-\d\d-\d\d(-preview)?", re.ASCII)
_PRINCIPAL_FILTER = re.compile(r"(?:principalId eq|assignedTo\()\s*'([^']+)'\)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Write:
    request: web.Request
    caller: Caller
    place: Place
    action: Literal["write", "delete"]
    evidence: Json
    http: Json | None


class Arm:
    """One handler for every path: resource ids are matched without regard to case, which aiohttp's routes can't do."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        simulation.pim.publish = self.publish_pim

    def routes(self) -> list[web.RouteDef]:
        """Everything under /subscriptions, and what support there is."""
        paths = ("/subscriptions", "/subscriptions/{rest:.*}", "/providers/{rest:.*}")
        return [web.route("*", path, self._dispatch) for path in paths]

    async def _dispatch(self, request: web.Request) -> web.Response:
        _refuse_api_version(request)
        caller = self._simulation.issuer.read(request.headers.get("Authorization"), ARM)
        left = self._counted(request, caller)
        try:
            answer = await self._answered(request, caller)
        except ApiError as error:
            error.headers |= left
            raise
        answer.headers.update(left)
        return answer

    def _counted(self, request: web.Request, caller: Caller) -> dict[str, str]:
        """Give the headers that tell what is left of the limits; raises ApiError 429."""
        if caller.unthrottled or not self._simulation.settings.arm_is_throttled:
            return {}
        parts = request.path.split("/")
        subscription = parts[2].lower() if len(parts) > _PARTS_WITH_SUBSCRIPTION else ""
        return self._simulation.arm_throttle.count(caller, request.method, subscription=subscription)

    async def _answered(self, request: web.Request, caller: Caller) -> web.Response:
        if caller.principal.tenant != world.WORKFORCE_TENANT:
            message = "The access token is from the wrong issuer. It must match the tenant of this subscription."
            raise ApiError(HTTPStatus.UNAUTHORIZED, "InvalidAuthenticationTokenTenant", message)
        path = request.path.rstrip("/")
        if (listed := self._everybodys(path)) is not None:
            return _get_only(request, listed)
        if not path.lower().startswith(ABOVE_SUBSCRIPTIONS):
            _refuse_unknown_scope(path)
        if path.lower() == world.SUBSCRIPTION_SCOPE:
            self._simulation.access.evidence(caller, "Microsoft.Resources/subscriptions/read", path)
            return _get_only(request, _subscription())
        if found := _ASSIGNMENT.fullmatch(path):
            return await self._assignment(request, caller, found["scope"], found["name"])
        if (body := self._read_only(request, caller, path)) is not None:
            return _get_only(request, body)
        if found := _SCHEDULED.fullmatch(path):
            collection = _COLLECTIONS[found["collection"].lower()]
            return await self._scheduled(
                request, caller, collection, Place(scope=found["scope"], name=found["name"] or "")
            )
        return await self._answered_else(request, caller, path)

    async def _answered_else(self, request: web.Request, caller: Caller, path: str) -> web.Response:
        """Answer about locks, support tickets and what is declared; raises ApiError 404 for what isn't played."""
        if (answer := await answered(self._simulation, request, caller, path)) is not None:
            return answer
        if found := _LOCK.fullmatch(path):
            return await self._lock(request, caller, found["scope"], found["name"])
        if found := _TICKET.fullmatch(path):
            return await self._ticket(request, caller, found["subscription"], found["name"])
        if found := _OPERATION.fullmatch(path):
            return _get_only(request, self._simulation.support.operation(found["name"]))
        raise not_found(f"The resource '{path}' is not played here.", "InvalidResourceType")

    def _everybodys(self, path: str) -> Json | None:
        """Give what is outside of a subscription and needs no role."""
        if found := _SERVICES.fullmatch(path):
            return self._help(found)
        if path == "/subscriptions":
            return {"value": [_subscription()], "count": {"type": "Total", "value": 1}}
        return None

    def _read_only(self, request: web.Request, caller: Caller, path: str) -> Json | None:
        """Give what nobody writes here: definitions of roles and the Activity Log."""
        if found := _DEFINITION.fullmatch(path):
            self._simulation.access.evidence(caller, "Microsoft.Authorization/roleDefinitions/read", found["scope"])
            return _definitions(found["name"])
        if found := _ACTIVITY.fullmatch(path):
            self._simulation.access.evidence(caller, "Microsoft.Insights/eventtypes/values/read", found["scope"])
            return {"value": self._simulation.activity.listed(request.query.get("$filter", ""))}
        return None

    def _help(self, found: re.Match[str]) -> Json:
        """Give the services that there is support for, or the problems of one; they are the same for everybody."""
        support = self._simulation.support
        return (
            support.problems(found["service"], found["name"])
            if found["problems"]
            else support.services(found["service"])
        )

    async def _ticket(self, request: web.Request, caller: Caller, subscription: str, name: str) -> web.Response:
        """Read a support ticket, or accept the request for one."""
        scope, support = f"/subscriptions/{subscription}", self._simulation.support
        if request.method == "GET":
            self._simulation.access.evidence(caller, "Microsoft.Support/supportTickets/read", scope)
            ticket = support.get(name)
            if ticket is None:
                raise not_found(f"The support ticket '{name}' is not found.", "SupportTicketNotFound")
            return json_answer(ticket)
        if request.method != "PUT":
            raise _method_refused(request)
        self._simulation.access.evidence(caller, "Microsoft.Support/supportTickets/write", scope)
        operation = support.create(subscription, name, await _json(request))
        base = f"{self._simulation.root}{scope}/providers/Microsoft.Support"
        version = f"api-version={request.query['api-version']}"
        headers = {
            "Location": f"{base}/operationResults/{operation}?{version}",
            "Azure-AsyncOperation": f"{base}/operationsStatus/{operation}?{version}",
        }
        return web.Response(status=HTTPStatus.ACCEPTED, headers=headers)

    async def _lock(self, request: web.Request, caller: Caller, scope: str, name: str | None) -> web.Response:
        """Read, set and remove management locks."""
        locks, verb = self._simulation.locks, {"GET": "read", "PUT": "write", "DELETE": "delete"}.get(request.method)
        if verb is None or (name is None and verb != "read"):
            raise _method_refused(request)
        self._simulation.access.evidence(caller, f"Microsoft.Authorization/locks/{verb}", scope)
        if name is None:
            return json_answer({"value": locks.listed(scope, at_scope=_only_at_scope(request))})
        if verb == "write":
            return json_answer(locks.write(scope, name, await _json(request)), status=HTTPStatus.CREATED)
        found = locks.get(scope, name) if verb == "read" else locks.delete(scope, name)
        if found is None:
            raise not_found(f"The lock '{name}' could not be found.", "LockNotFound")
        return json_answer(found)

    async def _scheduled(self, request: web.Request, caller: Caller, collection: str, place: Place) -> web.Response:
        """Read what Privileged Identity Management holds, and make requests of it."""
        pim = self._simulation.pim
        if request.method == "PUT" and place.name and collection.endswith("Requests"):
            body = await _json(request)
            if not asks_for_himself(body, caller.principal.id):
                self._simulation.access.evidence(caller, f"Microsoft.Authorization/{collection}/write", place.scope)
            made = pim.request(collection, place, body, by=caller.principal.id)
            return json_answer(made, status=HTTPStatus.CREATED)
        if request.method != "GET":
            raise _method_refused(request)
        self._simulation.access.evidence(caller, f"Microsoft.Authorization/{collection}/read", place.scope)
        listed = self._scheduled_at(collection, place.scope)
        if place.name:
            found = next((each for each in listed if each["name"].lower() == place.name.lower()), None)
            if found is None:
                raise not_found(f"The {collection} '{place.name}' is not found.", "RoleAssignmentScheduleNotFound")
            return json_answer(found)
        keeps = _filter(request.query.get("$filter"), place.scope)
        return json_answer({"value": [each for each in listed if keeps(each)]})

    def _scheduled_at(self, collection: str, scope: str) -> list[Json]:
        pim = self._simulation.pim
        match collection:
            case "roleAssignmentScheduleRequests" | "roleEligibilityScheduleRequests":
                return pim.requests(collection, scope)
            case "roleAssignmentScheduleInstances":
                return pim.instances(scope)
            case "roleAssignmentSchedules":
                return pim.schedules(scope)
            case _:
                return pim.eligibilities(scope)

    async def _assignment(self, request: web.Request, caller: Caller, scope: str, name: str | None) -> web.Response:
        if name is None:
            self._simulation.access.evidence(caller, f"{TYPE}/read", scope)
            return _get_only(request, self._listed(request, scope))
        place = Place(scope=scope, name=name)
        match request.method:
            case "GET":
                self._simulation.access.evidence(caller, f"{TYPE}/read", place.id)
                return json_answer(self._found(place))
            case "PUT":
                return await self._put(request, caller, place)
            case "DELETE":
                return self._delete(request, caller, place)
            case _:
                raise _method_refused(request)

    def _found(self, place: Place) -> Json:
        assignment = self._simulation.role_assignments.store.seen(place.key)
        if assignment is None:
            raise not_found(f"The role assignment '{place.name}' is not found.", "RoleAssignmentNotFound")
        return assignment

    def _listed(self, request: web.Request, scope: str) -> Json:
        keeps = _filter(request.query.get("$filter"), scope)
        related = [
            assignment
            for assignment in self._simulation.role_assignments.store.all_seen().values()
            if is_within(assignment["properties"]["scope"], scope)
            or is_within(scope, assignment["properties"]["scope"])
        ]
        kept = [assignment for assignment in related if keeps(assignment)]
        start, size = skipped(request.query), self._simulation.settings.arm_page_size
        body: Json = {"value": kept[start : start + size]}
        if kept[start + size :]:
            body["nextLink"] = str(request.url.update_query({"$skiptoken": str(start + size)}))
        return body

    async def _put(self, request: web.Request, caller: Caller, place: Place) -> web.Response:
        evidence = self._simulation.access.evidence(caller, f"{TYPE}/write", place.id)
        body = await _json(request)
        assignments = self._simulation.role_assignments
        existed = assignments.get(place) is not None
        written = assignments.write(place, body, by=caller.principal.id)
        http = http_request("PUT", str(request.url), address=caller.principal.ip) if existed else None
        self._publish(_Write(request=request, caller=caller, place=place, action="write", evidence=evidence, http=http))
        # Azure's answer to a creation doesn't say who made it; a GET does.
        answer = written if existed else written | {"properties": written["properties"] | {"createdBy": None}}
        return json_answer(answer, status=HTTPStatus.CREATED)

    def _delete(self, request: web.Request, caller: Caller, place: Place) -> web.Response:
        evidence = self._simulation.access.evidence(caller, f"{TYPE}/delete", place.id)
        self._simulation.locks.refuse(place.id, scope=place.scope)
        if self._is_unseen(place):
            return web.Response(status=HTTPStatus.NO_CONTENT)
        deleted = self._simulation.role_assignments.delete(place)
        if deleted is None:
            return web.Response(status=HTTPStatus.NO_CONTENT)
        http = http_request("DELETE", str(request.url), address=caller.principal.ip)
        self._publish(
            _Write(request=request, caller=caller, place=place, action="delete", evidence=evidence, http=http)
        )
        return json_answer(deleted)

    def _is_unseen(self, place: Place) -> bool:
        """Say whether a write meets a replica that doesn't know the assignment: then it answers that there is none."""
        meets = self._simulation.settings.writes_meet_replicas
        return meets and self._simulation.role_assignments.store.seen(place.key) is None

    def publish_pim(self, place: Place, action: Literal["write", "delete"]) -> None:
        """Send the event of an assignment that Privileged Identity Management wrote or deleted."""
        caller = self._simulation.issuer.as_service(world.MS_PIM, ARM)
        touched = Touched(
            resource_id=place.id,
            resource_type=TYPE,
            action=action,
            caller=caller,
            evidence=self._simulation.access.evidence(caller, f"{TYPE}/{action}", place.id),
            correlation_id=str(uuid.uuid4()),
            http=http_request("DELETE", f"{ARM}{place.id}", address=None) if action == "delete" else None,
        )
        self._send_event(touched)

    def _send_event(self, touched: Touched) -> None:
        publish(self._simulation, touched)

    def _publish(self, write: _Write) -> None:
        touched = Touched(
            resource_id=write.place.id,
            resource_type=TYPE,
            action=write.action,
            caller=write.caller,
            evidence=write.evidence,
            correlation_id=write.request.headers.get("x-ms-correlation-request-id", str(uuid.uuid4())),
            http=write.http,
        )
        self._send_event(touched)


async def _json(request: web.Request) -> object:
    try:
        body: object = await request.json()
    except ValueError as error:
        message = "The request content was invalid and could not be deserialized."
        raise bad_request(message, "InvalidRequestContent") from error
    return body


def _only_at_scope(request: web.Request) -> bool:
    """Read the filter of a listing of locks: none, or `atScope()`."""
    text = request.query.get("$filter", "").strip()
    if text not in {"", "atScope()"}:
        raise bad_request(f"The filter '{text}' is not supported. Supported filters are atScope().", "UnsupportedQuery")
    return bool(text)


def _get_only(request: web.Request, body: Json) -> web.Response:
    if request.method != "GET":
        raise _method_refused(request)
    return json_answer(body)


def _method_refused(request: web.Request) -> ApiError:
    message = f"The requested resource does not support http method '{request.method}'."
    return ApiError(HTTPStatus.METHOD_NOT_ALLOWED, "HttpMethodNotAllowed", message)


def _refuse_api_version(request: web.Request) -> None:
    version = request.query.get("api-version")
    if version is None:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise bad_request(message, "MissingApiVersionParameter")
    if not _API_VERSION.fullmatch(version):
        raise bad_request(f"The api-version '{version}' is invalid.", "InvalidApiVersionParameter")


def _refuse_unknown_scope(path: str) -> None:
    subscription = path.split("/")[2]
    if subscription.lower() != world.SUBSCRIPTION:
        raise not_found(f"The subscription '{subscription}' could not be found.", "SubscriptionNotFound")
    group = _GROUP.match(path)
    if group is not None and group["group"].lower() != world.RESOURCE_GROUP:
        raise not_found(f"Resource group '{group['group']}' could not be found.", "ResourceGroupNotFound")


def _filter(text: str | None, scope: str) -> Callable[[Json], bool]:
    """Read `$filter`: nothing, `atScope()`, `principalId eq '...'`, `assignedTo('...')`, or two joined by `and`."""
    tests: list[Callable[[Json], bool]] = []
    for clause in filter(None, map(str.strip, (text or "").split(" and "))):
        if clause == "asTarget()":
            continue
        if clause == "atScope()":
            tests.append(lambda assignment: is_within(scope, assignment["properties"]["scope"]))
        elif found := _PRINCIPAL_FILTER.fullmatch(clause):
            tests.append(partial(_is_held_by, found[1]))
        else:
            message = f"The filter '{clause}' is not supported. Supported filters are atScope() and principalId."
            raise bad_request(message, "UnsupportedQuery")
    return lambda assignment: all(test(assignment) for test in tests)


def _is_held_by(principal_id: str, assignment: Json) -> bool:
    return bool(assignment["properties"]["principalId"] == principal_id)


def _subscription() -> Json:
    return {
        "id": world.SUBSCRIPTION_SCOPE,
        "subscriptionId": world.SUBSCRIPTION,
        "tenantId": world.WORKFORCE_TENANT,
        "displayName": world.SUBSCRIPTION_NAME,
        "state": "Enabled",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
    }


def _definitions(name: str | None) -> Json:
    """Print one built-in role definition, or all of them."""
    definitions = [
        {
            "id": world.role_definition_id(definition),
            "type": "Microsoft.Authorization/roleDefinitions",
            "name": definition,
            "properties": {
                "roleName": world.RBAC_ROLE_NAMES[definition],
                "type": "BuiltInRole",
                "assignableScopes": ["/"],
                "permissions": [{"actions": list(role.actions), "notActions": list(role.not_actions)}],
            },
        }
        for definition, role in ROLES.items()
    ]
    if name is None:
        return {"value": definitions}
    for definition in definitions:
        if definition["name"] == name.lower():
            return definition
    message = f"The specified role definition with ID '{name}' does not exist."
    raise not_found(message, "RoleDefinitionDoesNotExist")
