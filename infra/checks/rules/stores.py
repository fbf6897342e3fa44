"""Tables, containers and queues: those of `shared/clients/storage.py`, and the platform's own."""

from collections.abc import Iterator
from typing import Final

from infra.checks.declared import Declared
from infra.checks.problems import Problem
from infra.checks.snapshots import Infrastructure, nowhere

_STORAGE: Final = "Microsoft.Storage/storageAccounts"
TABLE: Final = f"{_STORAGE}/tableServices/tables"
CONTAINER: Final = f"{_STORAGE}/blobServices/containers"
QUEUE: Final = f"{_STORAGE}/queueServices/queues"
PLATFORM_CONTAINERS: Final = frozenset({"dead-letters", "deployments"})
"""For events that could not be delivered, and for the deployed code."""


def check_stores(infrastructure: Infrastructure, declared: Declared) -> Iterator[Problem]:
    """Check each kind of store. A queue has another beside it, where the host puts poison messages."""
    poison = frozenset(f"{queue}-poison" for queue in declared.queues)
    yield from _check(infrastructure, TABLE, declared.tables)
    yield from _check(infrastructure, CONTAINER, declared.containers | PLATFORM_CONTAINERS)
    yield from _check(infrastructure, QUEUE, declared.queues | poison)


def _check(infrastructure: Infrastructure, kind: str, wanted: frozenset[str]) -> Iterator[Problem]:
    called = kind.rpartition("/")[2].removesuffix("s")
    for snapshot in infrastructure.snapshots.values():
        made = {one.last_name: one for one in snapshot.of(kind)}
        for extra in sorted(made.keys() - wanted):
            right = f"there is {', '.join(sorted(wanted))}"
            yield infrastructure.problem(made[extra], f"the {called} {extra} is used by nobody", right)
        for missing in sorted(wanted - made.keys()):
            yield nowhere(f"the {called} {missing} isn't made", "shared/clients/storage.py has it")
