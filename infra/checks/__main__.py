"""`python -m infra.checks` (`make infra`): Microsoft's compiler over the Bicep, our rules over what it becomes.

One line for each problem, then 1. Where there is no compiler the rules read the committed template and snapshots, and
it is said that nothing was compiled. `--write` writes these anew; `infra.docs` draws a page from them.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import replace
from pathlib import Path
from typing import Final

from infra.checks.building import WRITE, Built, build, kept, parameters_problems, write
from infra.checks.compiler import REPOSITORY, VARIABLE, Compiler, CompilerError, locate
from infra.checks.declared import declared
from infra.checks.rules import events, exposure, keeping, names, roles, secrets, settings, stores, streams, watching
from infra.checks.snapshots import Infrastructure, Problem, read

RULES: Final[tuple[Callable[[Infrastructure], Iterator[Problem]], ...]] = (
    *(roles.check_roles, settings.check_settings, stores.check_stores, streams.check_streams),
    *(events.check_events, watching.check_watching),
    *(exposure.check_exposure, keeping.check_keeping, secrets.check_secrets, names.check_names),
)

_NO_COMPILER: Final = f"""
!!! THE BICEP WAS NOT COMPILED: there is no Bicep compiler here.
!!! Not checked: whether it compiles, its types and names, the linter's rules, the format, and whether the committed
!!! template and snapshots are current. Only what follows from those was checked.
!!! Install it with `az bicep install`, or name it in ${VARIABLE}.

"""


def problems_of(made: Infrastructure) -> list[Problem]:
    """Give what the rules find, each problem once however many snapshots have it."""
    return sorted({problem for rule in RULES for problem in rule(made)})


def main(arguments: list[str] | None = None, root: Path = REPOSITORY) -> int:
    """Check and print: 1 when there was something to tell."""
    parser = argparse.ArgumentParser(prog="python -m infra.checks", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write what is made from the Bicep anew")
    writes: bool = parser.parse_args(arguments).write
    try:
        path = locate()
        built = _built(root, path) if path else kept(root)
    except CompilerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if path is None:
        sys.stderr.write(_NO_COMPILER)
    found = list(built.problems)
    if built.template:
        made = read(root, built.template, built.snapshots, declared())
        found += problems_of(made)
        if writes:
            write(root, built)
            found = [one for one in found if not one.text.endswith(WRITE)]
    for problem in sorted(set(found)):
        sys.stderr.write(f"{problem}\n")
    sys.stdout.writelines(f"{remark} (shown only: it comes with time)\n" for remark in built.remarks)
    counted = f"{len(built.snapshots)} parameter sets" + ("" if path else ", NOTHING COMPILED")
    sys.stdout.write(f"infra: {counted}, {len(set(found)) or 'no'} problem{'s' if len(set(found)) != 1 else ''}\n")
    return 1 if found else 0


def _built(root: Path, path: Path) -> Built:
    with Compiler(path) as compiler, ThreadPoolExecutor(max_workers=1) as pool:
        sys.stdout.write(f"Bicep {compiler.version}: {path}\n")
        in_each_environment = pool.submit(parameters_problems, root, path)
        built = build(root, compiler)
        return replace(built, problems=(*built.problems, *in_each_environment.result()))


if __name__ == "__main__":
    sys.exit(main())
