"""A hybrid tenant in memory, behind the transports that the product really uses: domains, synchronization, support.

It refuses what the services refuse: an application that changes federation or reads the features of synchronization, a
subdomain, a support plan. It counts what it is sent, loses answers, shows writes late, and ends a run on request.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from infra.local.world import COMPANY_DOMAIN, FEDERATION_SETTINGS, SHOP_DOMAIN, SUBSCRIPTION, WORKFORCE_TENANT
from shared.clients.answers import Answer
from shared.clients.api import TenantEdges
from shared.model.calls import Service
from shared.model.errors import Unreachable
from shared.model.kinds import Image, TenantKind
from shared.model.settings import Tenant
from tests.fakes.clock import NOW
from tests.fakes.tenant import Request, Unpaced, answer_of

_ENTRA: Final = "5e4f1ce0-3a7d-4b96-8c21-f0d9e6b7a514"
_TICKET: Final = re.compile(r"/subscriptions/([^/]+)/providers/Microsoft\.Support/supportTickets/([^/]+)")


class Killed(BaseException):
    """The process ended here: nothing after this point is done."""


def federation(**changes: object) -> Image:
    """Give federation settings as Graph shows them."""
    return {"id": "fed00000-0000-4000-8000-000000000001", **FEDERATION_SETTINGS, **changes}


def domain(name: str, *, authentication: str = "Managed", is_root: bool = True) -> Image:
    """Give a domain as Graph shows it."""
    return {"id": name, "isRoot": is_root, "authenticationType": authentication, "isDefault": False}


@dataclass(slots=True, kw_only=True)
class HybridTenant:
    """`domains` and `federations` are by name; a federated root's subdomains show what it shows.

    `may_write`: the application may change federation. `reads_features`: it may read those of synchronization.
    `spoil` is asked with each request; it may give an answer instead, or raise. `lose` says of which writes, counted
    from 0, the answer is lost after they were carried out, `cut` which ones never arrive. `late` is how many reads
    after a write still show the state before. `kill_before` and `kill_after` end the process at a write.
    """

    domains: dict[str, Image] = field(
        default_factory=lambda: {
            COMPANY_DOMAIN: domain(COMPANY_DOMAIN, authentication="Federated"),
            SHOP_DOMAIN: domain(SHOP_DOMAIN, authentication="Federated", is_root=False),
            "contoso.onmicrosoft.com": domain("contoso.onmicrosoft.com"),
        }
    )
    federations: dict[str, Image] = field(default_factory=lambda: {COMPANY_DOMAIN: federation()})
    features: Image = field(default_factory=lambda: {"passwordSyncEnabled": True})
    hashes_at: datetime | None = NOW - timedelta(minutes=10)
    may_write: bool = True
    reads_features: bool = True
    plans: dict[str, str] = field(default_factory=lambda: {SUBSCRIPTION: "Premier"})
    tickets: dict[tuple[str, str], Image] = field(default_factory=dict[tuple[str, str], Image])
    tickets_show: bool = True
    services: tuple[str, ...] = ("Billing", "Microsoft Entra Sign-in and Multifactor Authentication")
    spoil: Callable[[Request], Answer | None] = lambda _request: None
    lose: frozenset[int] = frozenset()
    cut: frozenset[int] = frozenset()
    late: int = 0
    kill_before: frozenset[int] = frozenset()
    kill_after: frozenset[int] = frozenset()
    log: list[Request] = field(default_factory=list[Request])
    _before: "tuple[dict[str, Image], dict[str, Image]] | None" = None
    _left: int = 0

    @property
    def writes(self) -> list[Request]:
        """Every write that reached the tenant or was on its way there."""
        return [request for request in self.log if request.method != "GET"]

    def state(self) -> bytes:
        """Everything that a write could change, as bytes."""
        tickets = {" ".join(key): value for key, value in self.tickets.items()}
        return msgspec.json.encode([self.domains, self.federations, tickets, self.features], order="sorted")

    def edges(self, wait: Callable[[float], None] = lambda _seconds: None) -> TenantEdges:
        """Give what the product reaches it by."""
        tenant = Tenant(
            kind=TenantKind.WORKFORCE,
            id=WORKFORCE_TENANT,
            responder_id="4e590000-2f6b-4b1d-8c73-9a0e5d7f1c36",
            client_id="",
            subscriptions=frozenset(self.plans),
        )
        transports = {service: _Transport(self, service) for service in Service}
        return TenantEdges(tenant=tenant, transports=transports, pacer=Unpaced(), wait=wait)

    def answer(self, service: Service, request: Request) -> Answer:
        """Answer a request, unless a test wants it otherwise."""
        number = len(self.writes)
        is_write = request.method != "GET"
        self.log.append(request)
        if (spoilt := self.spoil(request)) is not None:
            return spoilt
        if is_write and number in self.kill_before:
            raise Killed
        if is_write and number in self.cut:
            raise Unreachable("the connection was cut")
        shown = (dict(self.domains), dict(self.federations))
        answer = _carried_out(self, service, request)
        if not is_write:
            return answer
        if answer.is_success:
            self._before, self._left = shown, self.late
        if number in self.kill_after:
            raise Killed
        if number in self.lose:
            raise Unreachable("the answer was lost")
        return answer

    def show_all(self) -> None:
        """Show every write from now on."""
        self._left = self.late = 0

    def seen(self) -> tuple[dict[str, Image], dict[str, Image]]:
        """Give domains and federations as a reader is shown them."""
        if self._before is not None and self._left > 0:
            self._left -= 1
            return self._before
        return self.domains, self.federations


class _Transport:
    def __init__(self, tenant: HybridTenant, service: Service) -> None:
        self._tenant = tenant
        self._service = service

    def exchange(
        self, method: str, url: str, *, query: Mapping[str, str], body: bytes | None, content_type: str
    ) -> Answer:
        assert content_type
        sent: Any = None if body is None else msgspec.json.decode(body)
        return self._tenant.answer(self._service, Request(method, url, sent, dict(query)))


def _error(status: int, code: str, message: str = "") -> Answer:
    return answer_of({"error": {"code": code, "message": message or code}}, status)


def _carried_out(tenant: HybridTenant, service: Service, request: Request) -> Answer:
    if service is Service.ARM:
        assert request.query["api-version"] == "2024-04-01"
        return _support(tenant, request)
    if request.url == "/organization":
        assert service is Service.GRAPH_BETA
        at = None if tenant.hashes_at is None else f"{tenant.hashes_at:%Y-%m-%dT%H:%M:%SZ}"
        return answer_of({"value": [{"onPremisesSyncEnabled": True, "onPremisesLastPasswordSyncDateTime": at}]})
    assert service is Service.GRAPH
    if request.url == "/directory/onPremisesSynchronization":
        if not tenant.reads_features:
            return _error(403, "Authorization_RequestDenied")
        return answer_of({"value": [{"id": WORKFORCE_TENANT, "features": tenant.features}]})
    if request.method == "GET":
        return _read(tenant, request)
    return _write(tenant, request) if tenant.may_write else _error(403, "Authorization_RequestDenied")


def _read(tenant: HybridTenant, request: Request) -> Answer:
    domains, federations = tenant.seen()
    if request.url == "/domains":
        return answer_of({"value": list(domains.values())})
    _, _, name, *rest = request.url.split("/")
    if name not in domains:
        return _error(404, "Request_ResourceNotFound")
    if not rest:
        return answer_of(domains[name])
    if name not in federations:
        return _error(404, "Request_ResourceNotFound")
    return answer_of({"value": [federations[name]]})


def _write(tenant: HybridTenant, request: Request) -> Answer:
    _, _, name, *rest = request.url.split("/")
    if not tenant.domains[name]["isRoot"]:
        return _error(400, "Request_BadRequest", "because it is a subdomain")
    if request.method == "PATCH" and not rest:
        assert request.body == {"authenticationType": "Managed"}
        _set(tenant, name, "Managed", None)
        return answer_of(None, 204)
    assert (request.method, rest) == ("POST", ["federationConfiguration"])
    if name in tenant.federations:
        return _error(409, "Request_MultipleObjectsWithSameKeyValue")
    _set(tenant, name, "Federated", federation(**request.body, id="fed00000-0000-4000-8000-000000000002"))
    return answer_of(tenant.federations[name], 201)


def _set(tenant: HybridTenant, name: str, authentication: str, settings: Image | None) -> None:
    tenant.domains = {
        key: value | {"authenticationType": authentication} if key == name or key.endswith(f".{name}") else value
        for key, value in tenant.domains.items()
    }
    tenant.federations = {key: value for key, value in tenant.federations.items() if key != name}
    if settings is not None:
        tenant.federations[name] = settings


def _support(tenant: HybridTenant, request: Request) -> Answer:
    if request.url == "/providers/Microsoft.Support/services":
        listed = [
            {
                "id": f"/providers/Microsoft.Support/services/{_ENTRA}",
                "name": _ENTRA,
                "properties": {"displayName": title},
            }
            for title in tenant.services
        ]
        return answer_of({"value": listed})
    if request.url.endswith("/problemClassifications"):
        problem = {"id": f"{request.url}/locked", "properties": {"displayName": "Users cannot sign in"}}
        return answer_of({"value": [{"id": "x", "properties": {"displayName": "Other"}}, problem]})
    found = _TICKET.fullmatch(request.url)
    assert found is not None, request.url
    key = (found[1], found[2])
    if request.method == "GET":
        ticket = tenant.tickets.get(key)
        return _error(404, "SupportTicketNotFound") if ticket is None or not tenant.tickets_show else answer_of(ticket)
    assert request.method == "PUT"
    if key in tenant.tickets:
        return _error(409, "Conflict")
    if tenant.plans[found[1]] not in {"Professional Direct", "Premier", "Unified"}:
        return _error(400, "InvalidSupportPlan", "the plan doesn't allow it")
    tenant.tickets[key] = {"name": found[2], "properties": {"supportTicketId": "2603020010000123", "status": "Open"}}
    return answer_of(None, 202)
