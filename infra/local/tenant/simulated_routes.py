"""The simulated tenant's routes over HTTP for the kinds that are declared in `infra.local.tenant.simulated`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from aiohttp import web

from infra.local.tenant.api_error import ApiError
from infra.local.tenant.audit_records import Record
from infra.local.tenant.bodies import json_answer
from infra.local.tenant.directory import Directory
from infra.local.tenant.graph import Call, Operation
from infra.local.tenant.instants import instant, now_ticks
from infra.local.tenant.odata import list_page, selected
from infra.local.tenant.simulated import SERVED
from infra.local.tenant.simulated_kind import Asked, Refusal, Route, SimulatedKind
from infra.local.tenant.tokens import Caller
from infra.local.world import Json
from shared.model.kinds import TenantKind

_PAGE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who writes into which directory, and the id by which the log names what was done at once."""

    directory: Directory
    caller: Caller
    correlation_id: str

    def write(self, simulated: SimulatedKind, object_id: str, image: Json | None) -> None:
        """Write an object, or delete it (None), and log it."""
        store = self.directory.shelves[simulated.kind]
        before = store.current(object_id)
        store.put(object_id, image)
        for record in records_of(simulated, object_id, before, image, self.correlation_id):
            self.directory.audit.add(record.graph(self.caller, correlation_id=self.correlation_id, at=now_ticks()))


@dataclass(frozen=True, slots=True)
class _Shelf:
    """One kind's objects in the directory that a call is about; what is put there is logged as the caller's."""

    simulated: SimulatedKind
    call: Call

    def listed(self) -> Mapping[str, Json]:
        listed, gone = self.call.directory.shelves[self.simulated.kind].all_seen(), self.call.settings.deleted_accounts
        return {object_id: image for object_id, image in listed.items() if object_id not in gone}

    def seen(self, object_id: str) -> Json | None:
        if object_id in self.call.settings.deleted_accounts:
            return None
        return self.call.directory.shelves[self.simulated.kind].seen(object_id)

    def current(self, object_id: str) -> Json | None:
        return self.call.met(self.call.directory.shelves[self.simulated.kind], object_id)

    def put(self, object_id: str, image: Json | None) -> None:
        call = self.call
        author = Author(directory=call.directory, caller=call.caller, correlation_id=call.correlation_id)
        author.write(self.simulated, object_id, image)


def records_of(
    simulated: SimulatedKind, object_id: str, before: Json | None, after: Json | None, correlation_id: str
) -> list[Record]:
    """Give what the log says of a change; nothing where nothing was changed. B2C tells of each change twice."""
    if before == after:
        return []
    logged = simulated.logged(object_id, before, after)
    is_b2c = logged.service == "B2C"
    first, *more = logged.targets
    return [
        Record(
            id_prefix="B2C" if is_b2c else f"Directory_{correlation_id}",
            service=logged.service,
            category=category,
            activity=logged.activity,
            operation=logged.operation,
            target=first,
            more_targets=more,
            details=logged.details,
        )
        for category in logged.categories
    ]


_BY_KIND: Final = {each.kind: each for each in SERVED}


async def _answered(simulated: SimulatedKind, route: Route, call: Call) -> web.Response:
    is_here = (simulated.tenant_kind is TenantKind.B2C) == call.directory.is_b2c
    if not is_here and not route.is_everywhere:
        segment = route.path.split("/")[1]
        raise ApiError(400, "BadRequest", f"Resource not found for the segment '{segment}'.")
    body = await call.json() if route.method in {"POST", "PATCH", "PUT"} else None
    asked = Asked(
        shelf=_Shelf(simulated, call),
        of=lambda kind: _Shelf(_BY_KIND[kind], call),
        ids=dict(call.request.match_info),
        body=body,
        now=instant(),
        query=call.request.query,
    )
    try:
        reply = route.answer(asked)
    except Refusal as refusal:
        raise ApiError(refusal.status, refusal.code, refusal.message) from refusal
    if reply.values is not None:
        context, options = route.path.strip("/"), route.options
        return list_page(call, reply.values, size=_PAGE, context=context, filters=route.filters, options=options)
    if reply.body is None:
        return web.Response(status=reply.status)
    return json_answer(selected(call, reply.body) if route.method == "GET" else reply.body, status=reply.status)


OPERATIONS: Final = tuple(
    Operation(
        method=route.method,
        path=route.path,
        handle=partial(_answered, simulated, route),
        versions=route.versions,
    )
    for simulated in SERVED
    if not simulated.resource_type
    for route in simulated.routes
)
