"""`python -m infra.checks` (`make infra`): Microsoft's compiler over the Bicep, our rules over what it becomes.

One line for each problem, then 1. Where there is no compiler the rules read the committed template and snapshots, and
it is said that nothing was compiled. `--write` writes these, and the page drawn from them, anew.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from infra.checks import picture
from infra.checks.building import WRITE, Built, Places, build, parameters_problems, write
from infra.checks.compiler import REPOSITORY, VARIABLE, Compiler, CompilerError, locate
from infra.checks.declared import Declared, declared
from infra.checks.problems import Problem
from infra.checks.rules.events import check_events
from infra.checks.rules.exposure import check_exposure
from infra.checks.rules.keeping import check_keeping
from infra.checks.rules.names import check_names
from infra.checks.rules.roles import check_roles
from infra.checks.rules.secrets import check_secrets
from infra.checks.rules.settings import check_settings
from infra.checks.rules.stores import check_stores
from infra.checks.rules.watching import check_watching
from infra.checks.snapshots import Infrastructure, read, snapshot_from, sources

RULES: Final[tuple[Callable[[Infrastructure, Declared], Iterator[Problem]], ...]] = (
    check_roles,
    check_settings,
    check_stores,
    check_events,
    check_watching,
    check_exposure,
    check_keeping,
    check_secrets,
    check_names,
)

_NO_COMPILER: Final = f"""
!!! THE BICEP WAS NOT COMPILED: there is no Bicep compiler here.
!!! Not checked: whether it compiles, its types and names, the linter's rules, the format, and whether the committed
!!! template and snapshots are current. Only what follows from those was checked.
!!! Install it with `az bicep install`, or name it in ${VARIABLE}.

"""


def problems_of(infrastructure: Infrastructure, says: Declared) -> list[Problem]:
    """Give what the rules find, each problem once however many snapshots have it."""
    return sorted({problem for rule in RULES for problem in rule(infrastructure, says)})


def main(arguments: list[str] | None = None, root: Path = REPOSITORY) -> int:
    """Check and print."""
    parser = argparse.ArgumentParser(prog="python -m infra.checks", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write what is made from the Bicep anew")
    writes: bool = parser.parse_args(arguments).write
    places = Places(root=root)
    try:
        path = locate()
        return _with_compiler(places, path, writes=writes) if path else _without_compiler(places, writes=writes)
    except CompilerError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _with_compiler(places: Places, path: Path, *, writes: bool) -> int:
    with Compiler(path) as compiler, ThreadPoolExecutor(max_workers=1) as pool:
        sys.stdout.write(f"Bicep {compiler.version} ({path.name} of {path.parent})\n")
        in_each_environment = pool.submit(parameters_problems, places, path)
        built = build(places, compiler)
        if writes and built.template:
            write(places, built)
        found = [one for one in built.problems if not (writes and one.right == WRITE)] + in_each_environment.result()
    for remark in built.remarks:
        sys.stdout.write(f"{remark} (no failure)\n")
    if not built.template:
        return _told(found, "")
    infrastructure = _built(places, built)
    if writes:
        places.page.write_text(picture.page(infrastructure), "utf-8")
    return _told([*found, *problems_of(infrastructure, declared())], _counted(infrastructure, places))


def _without_compiler(places: Places, *, writes: bool) -> int:
    sys.stderr.write(_NO_COMPILER)
    infrastructure = read(places.root)
    if writes:
        places.page.write_text(picture.page(infrastructure), "utf-8")
    return _told(problems_of(infrastructure, declared()), f"{_counted(infrastructure, places)}, nothing compiled")


def _built(places: Places, built: Built) -> Infrastructure:
    return Infrastructure(
        template=json.loads(built.template),
        snapshots={name: snapshot_from(name, content) for name, content in built.snapshots.items()},
        texts=sources(places.root),
    )


def _counted(infrastructure: Infrastructure, places: Places) -> str:
    most = max((len(one.resources) for one in infrastructure.snapshots.values()), default=0)
    return f"{len(places.written)} files, {len(infrastructure.snapshots)} parameter sets, up to {most} resources"


def _told(problems: Iterable[Problem], counted: str) -> int:
    found = sorted(set(problems))
    for problem in found:
        sys.stderr.write(f"{problem}\n")
    if found:
        sys.stderr.write(f"{len(found)} problem{'s' if len(found) > 1 else ''} in the infrastructure\n")
        return 1
    sys.stdout.write(f"infra: {counted}, nothing wrong\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
