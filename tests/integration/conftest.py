"""Storage as it is: one Azurite, in which each test that asks gets an account of its own."""

from collections.abc import Callable, Generator, Iterator
from itertools import count
from typing import Final

import pytest

from infra.local.stack import Azurite
from shared.clients.storage import Storage

_MOST_ACCOUNTS: Final = 4000
_KEY: Final = "dGVzdA=="
"""Any base64 will do."""

type NewAccount = Callable[[], str]


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
