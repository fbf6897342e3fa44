"""One running local stack for the tests here, in which everything is as it should be."""

import os
from collections.abc import Generator
from dataclasses import dataclass

import httpx
import pytest

from infra.local.desk import Desk, settle_in, until
from infra.local.operators import local_operators
from infra.local.stack import Stack
from infra.local.world import SUBSCRIPTION
from responders.sources import SOURCES
from shared.ingest.poll import polled_until
from shared.respond.delivery_times import last_delivery
from tests.stack.faults.running_stack import PATIENT

_CALM = {
    **PATIENT,
    "AUDIT_POLL_SCHEDULE": "*/10 * * * * *",
    "SIGN_IN_POLL_SCHEDULE": "*/10 * * * * *",
    "SNAPSHOT_SCHEDULE": "*/20 * * * * *",
    "ROSTER_SCHEDULE": "*/20 * * * * *",
    "RESUME_SCHEDULE": "*/10 * * * * *",
}
"""Nothing here waits for a timer once everything was read."""

_OF_THE_PLACE = ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthy:
    """A stack where everything is green, and what tests spoil and look at."""

    stack: Stack
    desk: Desk
    values: dict[str, str]
    inbox: httpx.Client


def _polled(desk: Desk) -> bool:
    """Say whether both logs of every tenant were read."""
    places = ((source, tenant) for source in SOURCES for tenant in desk.settings.tenants)
    return all(polled_until(desk.storage, source, tenant.id) for source, tenant in places)


def _accepted(desk: Desk) -> bool:
    """Accept every object, and say whether each is: the role that is given last is read after the others."""
    runtime = desk.runtime
    desk.accept_all()
    return not any(runtime.objects.unaccepted(tenant.id) for tenant in desk.settings.tenants)


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Healthy]:
    folder = tmp_path_factory.mktemp("healthy")
    operators = local_operators(folder / "operators")
    with Stack(folder, settings={**_CALM, **operators.settings}) as stack:
        desk = settle_in(stack, operators)
        until(desk.objects_read, within=60, what="not every object was read")
        until(desk.rosters_read, within=60, what="no rosters")
        until(lambda: _polled(desk), within=60, what="a log was not read")
        until(lambda: last_delivery(desk.storage, SUBSCRIPTION), within=60, what="no event")
        until(lambda: _accepted(desk), within=60, what="not every object was accepted")
        with httpx.Client(base_url=stack.inbox["url"], timeout=60) as inbox:
            yield Healthy(stack=stack, desk=desk, values=stack.values(), inbox=inbox)


@pytest.fixture
def healthy(running: Healthy, monkeypatch: pytest.MonkeyPatch) -> Healthy:
    """Put this process where the app is: its identity endpoint and its certificate authorities."""
    for name in [name for name in os.environ if name in running.values]:
        monkeypatch.delenv(name)
    for name in _OF_THE_PLACE:
        monkeypatch.setenv(name, running.values[name])
    return running
