"""The doctor opens storage by itself, so that everything has to be there already."""

import pytest

from shared.clients.storage import Storage


@pytest.fixture
def storage(environment: dict[str, str]) -> Storage:
    """Give an account with everything in it, all empty."""
    made = Storage(environment)
    made.create_all()
    return made
