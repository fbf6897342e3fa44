"""What holds for every test."""

import logging
import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from tests.fakes.matchers import matchers_made_once
from tests.fakes.memory_storage import MemoryStorage


def pytest_configure(config: pytest.Config) -> None:
    """Leave out a warning about the SDK's own code, at each 409 of a table."""
    config.addinivalue_line(
        "filterwarnings", "ignore:Testing an element's truth value:DeprecationWarning:azure.data.tables"
    )


settings.register_profile(
    "here",
    deadline=None,
    max_examples=int(os.environ.get("EXAMPLES", "40")),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("here")


@pytest.fixture(autouse=True, scope="session")
def same_matchers() -> Generator[None]:
    """Make the matcher of the same detections and profile once a process."""
    with matchers_made_once():
        yield


@pytest.fixture(autouse=True)
def levels_of_libraries() -> Generator[None]:
    """Undo what loading the app does to the loggers of libraries, which belong to the whole process."""
    loggers = [logging.getLogger(name) for name in ("azure", "httpx", "httpcore", "msal")]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture
def memory() -> MemoryStorage:
    """Give an account in memory."""
    made = MemoryStorage()
    made.create_all()
    return made
