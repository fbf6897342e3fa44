"""Tables, containers and queues: those of `shared/clients/storage_names.py`, and the platform's own."""

from collections.abc import Iterator
from typing import Final

from infra.checks.snapshots import Infrastructure, Problem, nowhere

_STORAGE: Final = "Microsoft.Storage/storageAccounts"
TABLE: Final = f"{_STORAGE}/tableServices/tables"
CONTAINER: Final = f"{_STORAGE}/blobServices/containers"
QUEUE: Final = f"{_STORAGE}/queueServices/queues"
PLATFORM_CONTAINERS: Final = frozenset({"deployments"})
"""For the deployed code."""


def check_stores(made: Infrastructure) -> Iterator[Problem]:
    """Check each kind of store. A queue has another beside it, where the host puts poison messages."""
    for kind, wanted in (
        (TABLE, made.declared.tables),
        (CONTAINER, made.declared.containers | PLATFORM_CONTAINERS),
        (QUEUE, made.declared.queues | {f"{queue}-poison" for queue in made.declared.queues}),
    ):
        called = kind.rpartition("/")[2].removesuffix("s")
        for snapshot in made.snapshots.values():
            there = {one.last_name: one for one in snapshot.of(kind)}
            for extra in sorted(there.keys() - wanted):
                yield made.problem(there[extra], f"the {called} {extra} is used by nobody; leave it out")
            for missing in sorted(wanted - there.keys()):
                yield nowhere(f"the {called} {missing} isn't made; shared/clients/storage_names.py has it")
