"""A simulated tenant for all tests here, back at its seed before each, and the responder's edges to it."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from infra.local import world
from infra.local.tenant.control import TenantControl
from infra.local.world import Principal
from shared.clients.api import TenantEdges
from shared.clients.arm import ArmTransport
from shared.clients.graph import GraphTransport
from shared.model.calls import Service
from shared.model.kinds import TenantKind
from shared.model.settings import Tenant
from tests.fakes.tenant import Unpaced

_ROOT = Path(__file__).parents[3]


class _Identity:
    """A credential that has its tokens from the simulated tenant's control."""

    def __init__(self, control: TenantControl, principal: Principal) -> None:
        self._control = control
        self._principal = principal

    def get_token(self, *scopes: str, **_options: object) -> AccessToken:
        resource = "arm" if scopes[0].startswith("arm:") else "graph"
        return AccessToken(self._control.token(self._principal, resource), int(time.time()) + 3600)


class _ArmIdentity(_Identity):
    def get_token(self, *_scopes: str, **options: object) -> AccessToken:
        return super().get_token("arm:", **options)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedTenant:
    """Steers the simulated tenant, and reaches it as the responder does."""

    control: TenantControl
    workforce: TenantEdges
    b2c: TenantEdges


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The line that the simulated tenant prints when it is ready."""
    command = [sys.executable, "-m", "infra.local.tenant", "--state", str(tmp_path_factory.mktemp("tenant"))]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.terminate()
        assert process.wait(timeout=60) == 0


@pytest.fixture
def simulated(addresses: dict[str, Any]) -> Iterator[SimulatedTenant]:
    with TenantControl(addresses["control"]) as control:
        control.reset()
        control.settings(audit_lag=0, consistency_lag=0, ca_requests_per_second=0)
        workforce = _edges(addresses, control, TenantKind.WORKFORCE, world.WORKFORCE_TENANT, world.RESPONDER)
        b2c = _edges(addresses, control, TenantKind.B2C, world.B2C_TENANT, world.RESPONDER_B2C)
        yield SimulatedTenant(control=control, workforce=workforce, b2c=b2c)
        for edges in (workforce, b2c):
            for transport in edges.transports.values():
                assert isinstance(transport, GraphTransport | ArmTransport)
                transport.close()


def _edges(
    addresses: dict[str, Any], control: TenantControl, kind: TenantKind, tenant_id: str, responder: Principal
) -> TenantEdges:
    identity = _Identity(control, responder)
    tenant = Tenant(
        kind=kind,
        id=tenant_id,
        responder_id=responder.id,
        client_id="",
        subscriptions=frozenset({world.SUBSCRIPTION}),
        logged=frozenset(each.lower() for each in world.LOGGED_RESOURCES),
    )
    transports = {
        Service.GRAPH: GraphTransport(url=addresses["graph"], version="v1.0", credential=identity),
        Service.GRAPH_BETA: GraphTransport(url=addresses["graph"], version="beta", credential=identity),
        Service.ARM: ArmTransport(url=addresses["arm"], credential=_ArmIdentity(control, responder)),
    }
    return TenantEdges(tenant=tenant, transports=transports, pacer=Unpaced(), wait=lambda _seconds: None)
