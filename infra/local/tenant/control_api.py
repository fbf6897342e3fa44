"""`/control`: how tests and scenarios steer the tenant. No token is asked for; the server listens on loopback only."""

import re
import uuid
from dataclasses import dataclass, field
from typing import Literal

import msgspec
from aiohttp import web

from infra.local import world
from infra.local.tenant.api_error import bad_request, not_found
from infra.local.tenant.bodies import json_answer
from infra.local.tenant.domain_seeds import federated
from infra.local.tenant.event_grid import Plan, Schema
from infra.local.tenant.faults import Fault
from infra.local.tenant.noise import ordinary_records
from infra.local.tenant.record_log import RecordPlan
from infra.local.tenant.simulated import SERVED
from infra.local.tenant.simulated_in_azure import Writer
from infra.local.tenant.simulated_routes import Author
from infra.local.tenant.simulation import Simulation
from infra.local.tenant.tokens import ARM, GRAPH, STORAGE, Caller
from infra.local.world import Json

_AUDIENCES = {"graph": GRAPH, "arm": ARM, "storage": STORAGE}


@dataclass(frozen=True, slots=True, kw_only=True)
class _TokenWanted:
    principal: str
    resource: Literal["graph", "arm", "storage", "operators"] = "graph"
    unthrottled: bool = False
    lifetime: int = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class _GrantsWanted:
    principal: str
    add: list[str] = field(default_factory=list[str])
    remove: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True, kw_only=True)
class _NoiseWanted:
    count: int
    tenant: str = world.WORKFORCE_TENANT


@dataclass(frozen=True, slots=True, kw_only=True)
class _HybridWanted:
    domain: str = world.COMPANY_DOMAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class _ObjectWanted:
    by: str
    kind: str
    id: str
    image: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _StaleWanted:
    id: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _RecordPlanWanted:
    tenant: str
    plan: RecordPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class _SubscriptionWanted:
    queue: str
    schema: Schema = "EventGridSchema"
    token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _DuplicatesWanted:
    tenant: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _RecordWanted:
    tenant: str
    record: Json


async def _wanted[T](request: web.Request, kind: type[T]) -> T:
    """Read the body as `kind`; raises ApiError 400 with what is wrong."""
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except msgspec.DecodeError as error:
        raise bad_request(f"{request.method} {request.path}: {error}") from error


def _refuse_bad_pattern(text: str) -> None:
    try:
        re.compile(text)
    except re.error as error:
        raise bad_request(f"match {text!r} is not a regular expression: {error}") from error


def _principal(principal_id: str) -> world.Principal:
    principal = world.PRINCIPALS_BY_ID.get(principal_id)
    if principal is None:
        raise not_found(f"no principal {principal_id!r} in infra/local/world.py")
    return principal


class ControlApi:
    """One method for each call."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def routes(self) -> list[web.RouteDef]:
        """All calls."""
        return [
            web.post("/control/token", self._token),
            web.post("/control/grants", self._grants),
            web.post("/control/settings", self._change_settings),
            web.get("/control/settings", self._settings),
            web.post("/control/reset", self._reset),
            web.get("/control/state", self._state),
            web.get("/control/log", self._log),
            web.post("/control/noise", self._noise),
            web.post("/control/audit/duplicates", self._duplicates),
            web.post("/control/audit/records", self._add_record),
            web.post("/control/audit/plans", self._plan_records),
            web.post("/control/objects", self._write_object),
            web.post("/control/stale", self._stale),
            web.post("/control/hybrid", self._make_hybrid),
            web.post("/control/pim/expire", self._expire_pim),
            web.post("/control/sign-ins", self._add_sign_in),
            web.post("/control/faults", self._add_fault),
            web.delete("/control/faults", self._clear_faults),
            web.post("/control/eventgrid/subscriptions", self._subscribe),
            web.get("/control/eventgrid/subscriptions", self._subscriptions),
            web.delete("/control/eventgrid/subscriptions/{id}", self._unsubscribe),
            web.post("/control/eventgrid/next", self._plan_next),
            web.get("/control/eventgrid/deadletters", self._dead_letters),
            web.get("/control/eventgrid/attempts", self._attempts),
        ]

    async def _token(self, request: web.Request) -> web.Response:
        wanted = await _wanted(request, _TokenWanted)
        if wanted.resource == "operators":
            token = self._simulation.operator_token(_principal(wanted.principal), lifetime=wanted.lifetime)
            return json_answer({"access_token": token})
        token = self._simulation.token_for(
            _principal(wanted.principal),
            _AUDIENCES[wanted.resource],
            lifetime=wanted.lifetime,
            unthrottled=wanted.unthrottled,
        )
        return json_answer({"access_token": token})

    async def _grants(self, request: web.Request) -> web.Response:
        wanted = await _wanted(request, _GrantsWanted)
        principal = _principal(wanted.principal)
        for name in wanted.add:
            self._simulation.grant(principal.id, name)
        for name in wanted.remove:
            self._simulation.revoke(principal.id, name)
        return _done()

    async def _change_settings(self, request: web.Request) -> web.Response:
        try:
            self._simulation.settings.change(msgspec.json.decode(await request.read(), type=dict[str, object]))
        except msgspec.DecodeError as error:
            raise bad_request(str(error)) from error
        return await self._settings(request)

    async def _settings(self, _request: web.Request) -> web.Response:
        return json_answer(msgspec.to_builtins(self._simulation.settings))

    async def _reset(self, _request: web.Request) -> web.Response:
        self._simulation.reset()
        return _done()

    async def _state(self, _request: web.Request) -> web.Response:
        tenants = {tenant: directory.state() for tenant, directory in self._simulation.directories.items()}
        tenants[world.WORKFORCE_TENANT]["roleAssignments"] = self._simulation.role_assignments.all()
        tenants[world.WORKFORCE_TENANT]["supportTickets"] = self._simulation.support.all()
        return json_answer(tenants)

    async def _log(self, request: web.Request) -> web.Response:
        since = request.query.get("since", "0")
        if not since.isdecimal():
            raise bad_request(f"since={since!r} is not the number of a log entry")
        principal = request.query.get("principal")
        entries = [
            entry
            for entry in self._simulation.requests
            if entry["number"] > int(since) and principal in {None, entry["principal"]}
        ]
        return json_answer(entries)

    async def _noise(self, request: web.Request) -> web.Response:
        wanted = await _wanted(request, _NoiseWanted)
        for record in ordinary_records(wanted.tenant, wanted.count):
            self._simulation.directories[wanted.tenant].audit.add(record)
        return _done()

    async def _duplicates(self, request: web.Request) -> web.Response:
        wanted = await _wanted(request, _DuplicatesWanted)
        self._simulation.directories[wanted.tenant].audit.double_next(wanted.count)
        return _done()

    async def _add_record(self, request: web.Request) -> web.Response:
        wanted = await _wanted(request, _RecordWanted)
        self._simulation.directories[wanted.tenant].audit.add(wanted.record)
        return _done()

    async def _plan_records(self, request: web.Request) -> web.Response:
        wanted = await _wanted(request, _RecordPlanWanted)
        _refuse_bad_pattern(wanted.plan.match)
        self._simulation.directories[wanted.tenant].audit.plan(wanted.plan)
        return _done()

    async def _expire_pim(self, _request: web.Request) -> web.Response:
        self._simulation.pim.expire_all()
        return _done()

    async def _make_hybrid(self, request: web.Request) -> web.Response:
        wanted = await _wanted(request, _HybridWanted)
        domains = self._simulation.directories[world.WORKFORCE_TENANT].domains
        domain = domains.current(wanted.domain)
        if domain is None:
            raise not_found(f"no domain {wanted.domain!r} in infra/local/world.py")
        domains.seed(wanted.domain, federated(domain, world.FEDERATION_SETTINGS))
        self._simulation.settings.change({"is_hybrid": True})
        return _done()

    async def _write_object(self, request: web.Request) -> web.Response:
        wanted = await _wanted(request, _ObjectWanted)
        simulated = next((each for each in SERVED if each.kind == wanted.kind), None)
        if simulated is None:
            raise not_found(f"no kind {wanted.kind!r} in infra/local/tenant/simulated")
        person = _principal(wanted.by)
        if simulated.resource_type:
            writer = Writer(simulation=self._simulation, caller=self._simulation.issuer.as_service(person, ARM))
            writer.write(simulated, wanted.id, wanted.image)
            return _done()
        author = Author(
            directory=self._simulation.directories[person.tenant],
            caller=Caller(principal=person, app_id="", roles=frozenset(), unthrottled=True, claims={}),
            correlation_id=str(uuid.uuid4()),
        )
        author.write(simulated, wanted.id.lower(), wanted.image)
        return _done()

    async def _stale(self, request: web.Request) -> web.Response:
        wanted = await _wanted(request, _StaleWanted)
        keys = (wanted.id, wanted.id.lower())
        held = [(store, key) for store in self._simulation.stores() for key in keys if store.knows(key)]
        if not held:
            raise not_found(f"no object {wanted.id!r} is kept here")
        for store, key in held:
            store.hold(key, wanted.seconds)
        return _done()

    async def _add_sign_in(self, request: web.Request) -> web.Response:
        wanted = await _wanted(request, _RecordWanted)
        self._simulation.directories[wanted.tenant].sign_ins.add(wanted.record)
        return _done()

    async def _add_fault(self, request: web.Request) -> web.Response:
        fault = await _wanted(request, Fault)
        _refuse_bad_pattern(fault.match)
        self._simulation.faults.add(fault)
        return _done()

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self._simulation.faults.clear()
        return _done()

    async def _subscribe(self, request: web.Request) -> web.Response:
        wanted = await _wanted(request, _SubscriptionWanted)
        made = self._simulation.events.subscribe(wanted.queue, wanted.schema, token=wanted.token)
        return json_answer(made, status=201)

    async def _subscriptions(self, _request: web.Request) -> web.Response:
        return json_answer(self._simulation.events.subscriptions)

    async def _unsubscribe(self, request: web.Request) -> web.Response:
        self._simulation.events.unsubscribe(request.match_info["id"])
        return _done()

    async def _plan_next(self, request: web.Request) -> web.Response:
        self._simulation.events.plan_next(await _wanted(request, Plan))
        return _done()

    async def _dead_letters(self, _request: web.Request) -> web.Response:
        return json_answer(self._simulation.events.dead_letters)

    async def _attempts(self, _request: web.Request) -> web.Response:
        return json_answer(list(self._simulation.events.attempts))


def _done() -> web.Response:
    return json_answer({})
