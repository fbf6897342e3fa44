"""For tests that use little of an account each: what isn't used isn't made, which else is half of what they take."""

from typing import Any, override

import pytest

from shared.clients.storage import Storage
from shared.clients.storage_names import QUEUES, Container, Table, poison_queue


class _MadeWhenUsed(Storage):
    """An account of which each table is made when it is first used, and the containers and queues likewise."""

    @override
    def _table(self, table: Table) -> Any:
        def made() -> object:
            service = self._once("tables", self._tables)
            service.create_table_if_not_exists(table)
            return service.get_table_client(table)

        return self._once(f"table {table}", made)

    @override
    def _requests(self, table: Table) -> Any:
        self._table(table)
        return super()._requests(table)

    @override
    def _kept_in(self, container: Container) -> Any:
        self._once("blobs", self._blobs)
        return super()._kept_in(container)

    @override
    def delete_table(self, table: Table) -> None:
        self._table(table)
        super().delete_table(table)

    @override
    def _blobs(self) -> Any:
        service = super()._blobs()
        for container in Container:
            service.create_container(container)
        return service

    @override
    def _queues(self) -> Any:
        service = super()._queues()
        for name in QUEUES:
            service.create_queue(name)
            service.create_queue(poison_queue(name))
        return service


@pytest.fixture
def storage(environment: dict[str, str]) -> Storage:
    """Give an account in which everything is empty."""
    return _MadeWhenUsed(environment)
