"""The HTTP side of the simulation: routes, and what happens around every request."""

import asyncio
import ssl
import sys
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from itertools import count

from aiohttp import web

from infra.local.tenant import (
    accounts,
    authentication_contexts,
    authentication_strengths,
    conditional_access,
    custom_policies,
    directory_roles,
    domains,
    mail_apps,
    mailboxes,
    named_locations,
    people,
    posture_reads,
    posture_reports,
    reads,
    simulated_routes,
)
from infra.local.tenant.api_error import ApiError, arm_error, graph_error
from infra.local.tenant.arm import Arm
from infra.local.tenant.control_api import ControlApi
from infra.local.tenant.faults import Fault
from infra.local.tenant.graph import graph_routes
from infra.local.tenant.instants import instant
from infra.local.tenant.people_sign_in import PeopleSignIn
from infra.local.tenant.sign_in import SignIn
from infra.local.tenant.simulation import Simulation
from infra.local.world import WORKFORCE_TENANT

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_GRAPH_OPERATIONS = (
    *conditional_access.OPERATIONS,
    *named_locations.OPERATIONS,
    *people.OPERATIONS,
    *accounts.OPERATIONS,
    *authentication_strengths.OPERATIONS,
    *authentication_contexts.OPERATIONS,
    *custom_policies.OPERATIONS,
    *directory_roles.OPERATIONS,
    *domains.OPERATIONS,
    *mailboxes.OPERATIONS,
    *mail_apps.OPERATIONS,
    *posture_reads.OPERATIONS,
    *posture_reports.OPERATIONS,
    *reads.OPERATIONS,
    *simulated_routes.OPERATIONS,
)
_HOST = "127.0.0.1"


def _is_control(request: web.Request) -> bool:
    return request.path.startswith("/control")


class Server:
    """One listener for HTTP, and one for HTTPS that serves the token endpoint alone."""

    def __init__(self, simulation: Simulation, *, verbose: bool) -> None:
        self._simulation = simulation
        self._verbose = verbose
        self._numbers = count(1)
        self._runners: list[web.AppRunner] = []

    async def start(self, *, port: int, tls_port: int) -> tuple[int, int]:
        """Listen on loopback; a port of 0 takes a free one. Answers both ports."""
        sign_in = SignIn(self._simulation)
        people = PeopleSignIn(self._simulation)
        plain = [
            *sign_in.plain_routes(),
            *people.plain_routes(),
            *ControlApi(self._simulation).routes(),
            *Arm(self._simulation).routes(),
            *graph_routes(self._simulation, _GRAPH_OPERATIONS),
        ]
        http = await self._listen(plain, port)
        tls = [*sign_in.tls_routes(), *people.tls_routes()]
        https = await self._listen(tls, tls_port, ssl_context=self._simulation.certificates.server)
        self._simulation.root = f"http://{_HOST}:{http}"
        self._simulation.operators.issuer = f"https://localhost:{https}/{WORKFORCE_TENANT}/v2.0"
        return http, https

    async def stop(self) -> None:
        """Stop listening and delivering."""
        await self._simulation.events.close()
        for runner in self._runners:
            await runner.cleanup()

    async def _listen(self, routes: list[web.RouteDef], port: int, ssl_context: ssl.SSLContext | None = None) -> int:
        application = web.Application(middlewares=[self._log, self._spoil, self._answer_errors])
        application.add_routes(routes)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, _HOST, port, ssl_context=ssl_context).start()
        self._runners.append(runner)
        return int(runner.addresses[0][1])

    @web.middleware
    async def _log(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Keep one entry for each request outside /control; status 0 is a cut connection."""
        if _is_control(request):
            return await handler(request)
        request["principal"] = self._simulation.issuer.holder(request.headers.get("Authorization"))
        entry = {
            "number": next(self._numbers),
            "time": instant(),
            "method": request.method,
            "path": request.path,
            "query": request.query_string,
            "principal": request["principal"],
        }
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        try:
            response = await handler(request)
            status = 0 if request.get("cut") else response.status
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            self._simulation.requests.append(entry | {"status": int(status)})
            if self._verbose:
                print(entry["time"], int(status), request.method, request.path_qs, file=sys.stderr, flush=True)
        return response

    @web.middleware
    async def _spoil(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Apply a fault that was ordered for this request."""
        if _is_control(request):
            return await handler(request)
        fault = self._simulation.faults.take(request.method, request.path, principal=request["principal"])
        if fault is None:
            return await handler(request)
        if fault.after:
            answer = await handler(request)
            await asyncio.sleep(fault.delay)
            return answer if fault.status is None else _spoiled(request, fault, fault.status)
        await asyncio.sleep(fault.delay)
        return await handler(request) if fault.status is None else _spoiled(request, fault, fault.status)

    @web.middleware
    async def _answer_errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except ApiError as error:
            return _in_words_of(request, error)


def _in_words_of(request: web.Request, error: ApiError) -> web.Response:
    return graph_error(error, request) if request.path.startswith(("/v1.0", "/beta")) else arm_error(error)


def _spoiled(request: web.Request, fault: Fault, status: int) -> web.StreamResponse:
    if status == 0:
        request["cut"] = True
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    phrase = HTTPStatus(status).phrase
    code, message = fault.code or phrase.replace(" ", ""), fault.message or phrase
    return _in_words_of(request, ApiError(status, code, message, headers=headers | fault.headers))
