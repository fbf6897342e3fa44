"""Storage for every test: one real Azurite, in which each test that asks gets an account of its own."""

import logging
from collections.abc import Callable, Generator, Iterator
from itertools import count
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from infra.local.stack import Azurite
from shared.clients.storage import Storage
from tests.fakes.memory_storage import MemoryStorage

_MOST_ACCOUNTS: Final = 4000
_KEY: Final = "dGVzdA=="
"""Any base64 will do."""

type NewAccount = Callable[[], str]


def pytest_configure(config: pytest.Config) -> None:
    """Leave out a warning about the SDK's own code, at each 409 of a table."""
    config.addinivalue_line(
        "filterwarnings", "ignore:Testing an element's truth value:DeprecationWarning:azure.data.tables"
    )


settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("here")


@pytest.fixture(autouse=True)
def levels_of_libraries() -> Generator[None]:
    """Undo what loading the app does to the loggers of libraries, which belong to the whole process."""
    loggers = [logging.getLogger(name) for name in ("azure", "httpx", "httpcore", "msal")]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Generator[Azurite]:
    folder = tmp_path_factory.mktemp("azurite")
    accounts = {f"t{number:05}": _KEY for number in range(_MOST_ACCOUNTS)}
    running = Azurite(accounts=accounts, log=folder / "azurite.log")
    running.start_all()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def new_account(azurite: Azurite) -> NewAccount:
    """Give the connection string of an account that nobody has used."""
    numbers: Iterator[int] = count()

    def take() -> str:
        account = f"t{next(numbers):05}"
        endpoints = ";".join(f"{name.capitalize()}Endpoint={url}/{account}" for name, url in azurite.addresses.items())
        return f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={_KEY};{endpoints};"

    return take


@pytest.fixture
def environment(new_account: NewAccount) -> dict[str, str]:
    """Name an empty account, in which nothing is made yet."""
    return {"AzureWebJobsStorage": new_account()}


@pytest.fixture
def storage(environment: dict[str, str]) -> Storage:
    """Give an account with its tables, containers and queue, all empty."""
    made = Storage(environment)
    made.create_all()
    return made


@pytest.fixture
def memory() -> MemoryStorage:
    """Give an account in memory, for tests that ask very much of it."""
    made = MemoryStorage()
    made.create_all()
    return made
