"""How a Graph call runs: token, throttle, permission, handler; and a failure record when a write was refused."""

import re
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Literal

from aiohttp import web

from infra.local.tenant.api_error import ApiError, bad_request
from infra.local.tenant.audit_records import Outcome
from infra.local.tenant.directory import Directory
from infra.local.tenant.permissions import (
    DOMAINS,
    FEDERATE_WHERE_ALLOWED,
    NEEDS,
    REFUSAL,
    RESTORE_WHERE_ALLOWED,
    SYNCHRONIZATION,
    SYNCHRONIZATION_WHERE_ALLOWED,
    Alternatives,
    refuse_unpermitted,
)
from infra.local.tenant.replicated import Replicated
from infra.local.tenant.settings import Settings
from infra.local.tenant.simulation import Simulation
from infra.local.tenant.tokens import GRAPH, Caller
from infra.local.world import Json

type Throttle = Literal["conditionalAccess", "audit"]

BOTH = ("v1.0", "beta")
BETA = ("beta",)
_REFUSALS_ON_RECORD = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT})
_KNOWN_PATHS = tuple(re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))) for _, path in NEEDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authenticated request; its token chose the directory."""

    request: web.Request
    caller: Caller
    directory: Directory
    settings: Settings
    correlation_id: str

    @property
    def id(self) -> str:
        """The id in the path."""
        return self.request.match_info["id"]

    async def json(self) -> object:
        """Read the body; raises ApiError 400 when it isn't JSON."""
        try:
            return await self.request.json()
        except ValueError as error:
            raise bad_request("Unable to read JSON request payload.") from error

    @property
    def is_beta(self) -> bool:
        """Whether it asks /beta."""
        return self.request.match_info["version"] == "beta"

    def met[V](self, store: Replicated[V], key: str) -> V | None:
        """Read what a write of this key meets: what stands; by setting, nothing while a reader isn't shown it yet."""
        if self.settings.writes_meet_replicas and store.seen(key) is None:
            return None
        return store.current(key)

    def context(self, fragment: str) -> str:
        """Write the `@odata.context` of this version."""
        return f"{GRAPH}/{self.request.match_info['version']}/$metadata#{fragment}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method on one path. `on_refusal` builds the audit records of a refused write.

    `needs` is the path whose permissions count, where it is another than `path`: a cast needs what the rest needs.
    `refusal` is the code and message for who lacks them.
    """

    method: str
    path: str
    handle: Callable[[Call], Awaitable[web.StreamResponse]]
    versions: Sequence[str] = BOTH
    throttle: Throttle | None = None
    needs: str = ""
    refusal: tuple[str, str] = REFUSAL
    on_refusal: Callable[[Call, Outcome], list[Json]] | None = None


def graph_routes(simulation: Simulation, operations: Sequence[Operation]) -> list[web.RouteDef]:
    """Turn operations into routes, with a last one that refuses every other path."""
    routes = [
        web.route(operation.method, f"/{{version:{version}}}{operation.path}", partial(_run, simulation, operation))
        for operation in operations
        for version in operation.versions
    ]
    return [*routes, web.route("*", "/{version:v1.0|beta}/{rest:.*}", partial(_unknown, simulation))]


def _authenticated(simulation: Simulation, request: web.Request) -> Call:
    caller = simulation.issuer.read(request.headers.get("Authorization"), GRAPH)
    return Call(
        request=request,
        caller=caller,
        directory=simulation.directories[caller.principal.tenant],
        settings=simulation.settings,
        correlation_id=_correlation_id(request),
    )


def _correlation_id(request: web.Request) -> str:
    """Take the caller's id when it is a GUID: that is how a test finds the records of its own change."""
    try:
        return str(uuid.UUID(request.headers.get("client-request-id", "")))
    except ValueError:
        return str(uuid.uuid4())


async def _run(simulation: Simulation, operation: Operation, request: web.Request) -> web.StreamResponse:
    call = _authenticated(simulation, request)
    _refuse_too_fast(simulation, operation, call)
    if "/deletedItems/" in operation.path and not (call.is_beta or call.settings.bin_in_v1):
        raise bad_request("Resource not found for the segment 'deletedItems'.")
    try:
        granted = simulation.granted(call.caller)
        refuse_unpermitted(call.caller, granted, _alternatives(simulation, operation), operation.refusal)
        return await operation.handle(call)
    except ApiError as error:
        if operation.on_refusal is not None and error.status in _REFUSALS_ON_RECORD:
            for record in operation.on_refusal(call, Outcome(reason=error.message)):
                call.directory.audit.add(record)
        raise


def _alternatives(simulation: Simulation, operation: Operation) -> Alternatives:
    settings = simulation.settings
    if operation.path.endswith("/restore") and settings.restore_app_only:
        return RESTORE_WHERE_ALLOWED
    if operation.path.startswith(DOMAINS) and operation.method != "GET" and settings.federation_app_only:
        return FEDERATE_WHERE_ALLOWED
    if operation.path == SYNCHRONIZATION and settings.synchronization_app_only:
        return SYNCHRONIZATION_WHERE_ALLOWED
    return NEEDS[operation.method, operation.needs or operation.path]


def _refuse_too_fast(simulation: Simulation, operation: Operation, call: Call) -> None:
    settings, caller = simulation.settings, call.caller
    if operation.throttle is None or caller.unthrottled:
        return
    tenant = caller.principal.tenant
    if operation.throttle == "audit":
        limit = settings.audit_requests_per_10_seconds
        if wait := simulation.pace.wait_for(f"audit {tenant} {caller.app_id}", limit=limit, window=10):
            raise _too_many({"Retry-After": str(wait)})
        return
    # The real conditional access API says 429 and never says for how long.
    if simulation.pace.wait_for(f"conditionalAccess {tenant}", limit=settings.ca_requests_per_second, window=1):
        raise _too_many({})


def _too_many(headers: dict[str, str]) -> ApiError:
    return ApiError(HTTPStatus.TOO_MANY_REQUESTS, "TooManyRequests", "Too Many Requests", headers=headers)


async def _unknown(simulation: Simulation, request: web.Request) -> web.StreamResponse:
    _authenticated(simulation, request)
    rest = request.match_info["rest"]
    exists = request.match_info["version"] == "beta" or not rest.startswith("trustFramework")
    if exists and any(pattern.fullmatch(f"/{rest}") for pattern in _KNOWN_PATHS):
        message = "Specified HTTP method is not allowed for the request target."
        raise ApiError(HTTPStatus.METHOD_NOT_ALLOWED, "Request_BadRequest", message)
    segment = rest.split("/", 1)[0]
    raise bad_request(f"Resource not found for the segment '{segment}'.")
