from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.local.stack import Stack
from tests.integration.infra.local.host.running import Azurite, RunningHost

type Launch = Callable[..., RunningHost]


@pytest.fixture(scope="package")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    azurite = Azurite.start(tmp_path_factory.mktemp("azurite"))
    yield azurite
    azurite.stop()


@pytest.fixture(scope="package")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start the stack without its functions host."""
    stack = Stack(tmp_path_factory.mktemp("parts"))
    try:
        stack.start_parts()
        yield stack
    finally:
        stack.stop()


@pytest.fixture(scope="module")
def launch() -> Iterator[Launch]:
    """Start hosts that end with the module at the latest."""
    running: list[RunningHost] = []

    def start(app: Path, settings: dict[str, str], *arguments: str, **options: dict[str, str]) -> RunningHost:
        running.append(RunningHost.launch(app, settings, *arguments, environment=options.get("environment")))
        return running[-1]

    yield start
    for host in running:
        host.close()
