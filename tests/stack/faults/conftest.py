from collections.abc import Generator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest

from infra.local.desk import Desk
from tests.stack.faults.accepted import Shared
from tests.stack.faults.proxy import Proxy
from tests.stack.faults.running_stack import QUICK, RunningStack, StackBehindProxy


@pytest.fixture(scope="package")
def started(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningStack]:
    """Start one stack for all tests here; the desk and the tests don't go through the proxy."""
    folder = tmp_path_factory.mktemp("stack")
    run: str | None = pytestconfig.getoption("--share", None)
    shared = Shared(tmp_path_factory.getbasetemp() if run is None else Path(run))
    with ExitStack() as undo, shared.turn():
        proxy = undo.enter_context(Proxy())
        stack = undo.enter_context(StackBehindProxy(folder, proxy, settings=QUICK))
        headers = stack.operator_headers(key="master")
        running = RunningStack(
            stack=stack,
            proxy=proxy,
            desk=Desk(stack.operator_values()),
            inbox=undo.enter_context(httpx.Client(base_url=stack.inbox["url"], timeout=60)),
            host=undo.enter_context(httpx.Client(base_url=stack.host["url"], headers=headers, timeout=60)),
            shared=shared,
        )
        undo.enter_context(closing(running))
        running.reset()
        everything = undo.pop_all()
    with everything:
        yield running


@pytest.fixture
def running(started: RunningStack) -> RunningStack:
    started.reset()
    return started
