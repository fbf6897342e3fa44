"""The simulated tenant's answers for the kinds of Azure that are declared in `infra.local.tenant.simulated`."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from infra.local import world
from infra.local.tenant.api_error import ApiError
from infra.local.tenant.bodies import json_answer
from infra.local.tenant.replicated import Replicated
from infra.local.tenant.resource_events import Touched, http_request, resource_event
from infra.local.tenant.simulated import IN_AZURE
from infra.local.tenant.simulated_kind import Asked, Refusal, Route, SimulatedKind, path_pattern
from infra.local.tenant.simulation import Simulation
from infra.local.tenant.tokens import ARM, Caller
from infra.local.world import Json

ABOVE_SUBSCRIPTIONS: Final = "/providers/microsoft.aadiam/"
"""What is the tenant's own, in lower case; all else that is played here is in the subscription."""

_ROUTES: Final = tuple((each, route, path_pattern(route.path)) for each in IN_AZURE for route in each.routes)


async def answered(simulation: Simulation, request: web.Request, caller: Caller, path: str) -> web.Response | None:
    """Answer a request about what is declared; None where it isn't about that. Raises ApiError."""
    for simulated, route, pattern in _ROUTES:
        found = pattern.fullmatch(path)
        if found is None or route.method != request.method:
            continue
        evidence = _may(simulation, caller, route, path)
        writer = Writer(simulation=simulation, caller=caller, url=str(request.url), evidence=evidence)
        body = await request.json() if request.method == "PUT" else None
        try:
            reply = route.answer(Asked(shelf=_Shelf(simulated, writer), ids=found.groupdict(), body=body))
        except Refusal as refusal:
            raise ApiError(refusal.status, refusal.code, refusal.message) from refusal
        shown = reply.body if reply.values is None else {"value": reply.values}
        return web.Response(status=reply.status) if shown is None else json_answer(shown, status=reply.status)
    return None


def publish(simulation: Simulation, touched: Touched) -> None:
    """Let the Activity Log tell of a write, and Event Grid of what is in the subscription."""
    event = resource_event(touched)
    if touched.resource_id.lower().startswith(world.SUBSCRIPTION_SCOPE):
        simulation.activity.add(event)
        simulation.events.publish(event)


def _may(simulation: Simulation, caller: Caller, route: Route, path: str) -> Json:
    """Give the evidence of the role by which a caller may make a request; raises ApiError 403."""
    evidence: Json = {}
    for action in sorted(route.needs[0]):
        evidence = simulation.access.evidence(caller, action, path)
    return evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Who writes, at which address, by what role."""

    simulation: Simulation
    caller: Caller
    url: str = ARM
    evidence: Json = field(default_factory=dict[str, Any])

    def write(self, simulated: SimulatedKind, object_id: str, image: Json | None) -> None:
        """Write an object, or delete it (None), and let Azure tell of it; raises ApiError 409 for what is locked."""
        store = self.simulation.directories[world.WORKFORCE_TENANT].shelves[simulated.kind]
        before = store.current(object_id.lower())
        if image is None:
            self.simulation.locks.refuse(object_id, scope=object_id.rpartition("/providers/")[0])
        store.put(object_id.lower(), image)
        if before == image:
            return
        verb = "DELETE" if image is None else "PUT"
        publish(
            self.simulation,
            Touched(
                resource_id=object_id,
                resource_type=simulated.resource_type,
                action="delete" if image is None else "write",
                caller=self.caller,
                evidence=self.evidence,
                correlation_id=str(uuid.uuid4()),
                http=http_request(verb, self.url, address=self.caller.principal.ip) if before else None,
            ),
        )


@dataclass(frozen=True, slots=True)
class _Shelf:
    """One kind's objects; what is put there is told as the caller's."""

    simulated: SimulatedKind
    writer: Writer

    def listed(self) -> Mapping[str, Json]:
        return self._store().all_seen()

    def seen(self, object_id: str) -> Json | None:
        return self._store().seen(object_id)

    def current(self, object_id: str) -> Json | None:
        return self._store().current(object_id)

    def put(self, object_id: str, image: Json | None) -> None:
        self.writer.write(self.simulated, object_id, image)

    def _store(self) -> Replicated[Json]:
        return self.writer.simulation.directories[world.WORKFORCE_TENANT].shelves[self.simulated.kind]
