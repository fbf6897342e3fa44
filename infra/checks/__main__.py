"""`python -m infra.checks` (`make infra`): every rule over every file; one line for each problem, then 1."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from infra.checks.declared import Declared, declared
from infra.checks.deployments import Infrastructure
from infra.checks.problems import Problem, UnparsedError
from infra.checks.rules.events import check_events
from infra.checks.rules.exposure import check_exposure
from infra.checks.rules.keeping import check_keeping
from infra.checks.rules.linked import check_names
from infra.checks.rules.names import check_names_fit
from infra.checks.rules.roles import check_roles
from infra.checks.rules.secrets import check_secrets
from infra.checks.rules.settings import check_settings
from infra.checks.rules.stores import check_stores
from infra.checks.rules.typed import check_types
from infra.checks.rules.watching import check_watching
from infra.checks.shapes import ResourceType, resource_types

INFRA: Final = Path(__file__).resolve().parents[1]


def problems_of(infrastructure: Infrastructure, says: Declared, types: Mapping[str, ResourceType]) -> list[Problem]:
    """Give every problem once, by file and line; of files that can't be read, only that."""
    try:
        return sorted(set(_found(infrastructure, says, types)))
    except UnparsedError as error:
        return sorted(error.problems)


def _found(infrastructure: Infrastructure, says: Declared, types: Mapping[str, ResourceType]) -> Iterator[Problem]:
    yield from check_types(infrastructure, types)
    yield from check_names(infrastructure)
    yield from check_names_fit(infrastructure)
    yield from check_exposure(infrastructure)
    yield from check_secrets(infrastructure)
    yield from check_keeping(infrastructure)
    yield from check_roles(infrastructure, says)
    yield from check_settings(infrastructure, says)
    yield from check_stores(infrastructure, says)
    yield from check_events(infrastructure, says)
    yield from check_watching(infrastructure, says)


def main() -> int:
    """Check and print."""
    infrastructure = Infrastructure.read(INFRA)
    found = problems_of(infrastructure, declared(), resource_types())
    for problem in found:
        sys.stderr.write(f"{problem}\n")
    if found:
        sys.stderr.write(f"{len(found)} problem{'s' if len(found) > 1 else ''} in the infrastructure\n")
        return 1
    made = len({(one.type, one.line, where.template.path) for where, one in infrastructure.resources()})
    sys.stdout.write(f"infra: {len(infrastructure.templates)} files, {made} resources, nothing wrong\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
