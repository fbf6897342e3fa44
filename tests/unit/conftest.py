"""Unit tests start no program: storage is in memory, and `tests/integration` holds it to what Azurite does."""

import pytest

from tests.fakes.memory_storage import MemoryStorage


@pytest.fixture
def storage(memory: MemoryStorage) -> MemoryStorage:
    """Give an account with its tables, containers and queues, all empty."""
    return memory
