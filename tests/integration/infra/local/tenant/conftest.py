"""One tenant process for all tests here, back at its seed before each."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from infra.local import world
from infra.local.tenant.control import Resource, TenantControl
from infra.local.world import Principal
from tests.fakes.queue_service import QueueService

_ROOT = Path(__file__).parents[5]


class Ready(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The line that the process prints."""

    ready: bool
    graph: str
    arm: str
    identity_endpoint: str
    identity_header: str
    authority: str
    ca_file: str
    b2c_certificate: str
    loopback_certificate: str
    control: str


def started(state: Path) -> tuple[subprocess.Popen[str], Ready]:
    """Start the tenant and wait for its line."""
    command = [sys.executable, "-m", "infra.local.tenant", "--state", str(state)]
    process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, msgspec.convert(json.loads(process.stdout.readline()), Ready)


@pytest.fixture(scope="session")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    process, ready = started(tmp_path_factory.mktemp("tenant"))
    with process:
        yield ready
        process.terminate()
        assert process.wait(timeout=60) == 0


@pytest.fixture
def control(tenant: Ready) -> Iterator[TenantControl]:
    """Steers a tenant whose lags are off; a test of a lag turns its own on."""
    with TenantControl(tenant.control) as control:
        control.reset()
        control.settings(audit_lag=0, consistency_lag=0)
        yield control


@pytest.fixture(scope="session")
def anonymous() -> Iterator[httpx.Client]:
    """A client without a token; making one for each request would take longer than the request."""
    with httpx.Client(timeout=30) as client:
        yield client


type Acting = Callable[..., httpx.Client]


@pytest.fixture
def acting(control: TenantControl) -> Iterator[Acting]:
    """Make clients that act as a principal, and close them in the end."""
    clients: list[httpx.Client] = []

    def act(principal: Principal, resource: Resource = "graph", *, unthrottled: bool = True) -> httpx.Client:
        clients.append(control.as_principal(principal, resource, unthrottled=unthrottled))
        return clients[-1]

    yield act
    for client in clients:
        client.close()


@pytest.fixture
def alice(acting: Acting) -> httpx.Client:
    return acting(world.ALICE)


@pytest.fixture
def carol(acting: Acting) -> httpx.Client:
    return acting(world.CAROL)


@pytest.fixture
def responder(acting: Acting) -> httpx.Client:
    return acting(world.RESPONDER)


@pytest.fixture
def queue() -> Iterator[QueueService]:
    with QueueService() as queue:
        yield queue
