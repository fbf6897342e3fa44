"""Tables, containers and the queue: those of `shared/clients/storage.py`, and the platform's own containers."""

from collections.abc import Iterator
from typing import Final

from infra.checks.declared import Declared
from infra.checks.deployments import Infrastructure
from infra.checks.problems import Problem
from infra.checks.values import Evaluator, rounds_of

_STORAGE: Final = "Microsoft.Storage/storageAccounts"
PLATFORM_CONTAINERS: Final = frozenset({"dead-letters", "deployments"})
"""For events that could not be delivered, and for the deployed code."""


def check_stores(infrastructure: Infrastructure, declared: Declared) -> Iterator[Problem]:
    """Check each kind of store."""
    containers = declared.containers | PLATFORM_CONTAINERS
    yield from _check(infrastructure, f"{_STORAGE}/tableServices/tables", "table", declared.tables)
    yield from _check(infrastructure, f"{_STORAGE}/blobServices/containers", "container", containers)
    yield from _check(infrastructure, f"{_STORAGE}/queueServices/queues", "queue", frozenset({declared.queue}))


def _check(infrastructure: Infrastructure, kind: str, called: str, wanted: frozenset[str]) -> Iterator[Problem]:
    made: set[str] = set()
    place = ("main.bicep", 1)
    for deployment, resource in infrastructure.resources(kind):
        evaluator = Evaluator(infrastructure=infrastructure, deployment=deployment)
        name = resource.object.get("name")
        names = {str(one.value(name)) for one in rounds_of(evaluator, resource)} if name else set[str]()
        place = (deployment.template.path, resource.line)
        made |= names
        for extra in sorted(names - wanted):
            wrong = f"the {called} {extra} is used by nobody"
            yield Problem(file=place[0], line=place[1], wrong=wrong, right=f"there is {', '.join(sorted(wanted))}")
    for missing in sorted(wanted - made):
        wrong = f"the {called} {missing} isn't made"
        yield Problem(file=place[0], line=place[1], wrong=wrong, right="shared/clients/storage.py has it")
