from collections.abc import Generator
from contextlib import closing

import httpx
import pytest

from infra.local.desk import Desk
from tests.stack.faults.proxy import Proxy
from tests.stack.faults.running_stack import QUICK, RunningStack, StackBehindProxy


@pytest.fixture(scope="package")
def started(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningStack]:
    """Start one stack for all tests here; the desk and the tests don't go through the proxy."""
    folder = tmp_path_factory.mktemp("stack")
    with Proxy() as proxy, StackBehindProxy(folder, proxy, settings=QUICK) as stack:
        desk = Desk(stack.operator_values())
        with (
            httpx.Client(base_url=stack.inbox["url"], timeout=10) as inbox,
            httpx.Client(base_url=stack.host["url"], headers=stack.operator_headers(key="master"), timeout=10) as host,
        ):
            running = RunningStack(stack=stack, proxy=proxy, desk=desk, inbox=inbox, host=host)
            with closing(running):
                yield running


@pytest.fixture
def running(started: RunningStack) -> RunningStack:
    started.reset()
    return started
