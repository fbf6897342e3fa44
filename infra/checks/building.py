"""What the compiler says of the Bicep, and whether what is committed of its output is current.

`root` is a folder that is laid out like the repository.
"""

import difflib
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import replace
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from infra.checks.compiler import Answer, Compiler, CompilerError
from infra.checks.snapshots import MAIN, Json, Problem

TEMPLATE: Final = "infra/compiled/main.json"
"""The committed output of `bicep build`."""

SETS: Final = "tests/unit/infra/bicep"
"""The folder of parameter sets, each with its snapshot, and of the environments that main.bicepparam is read in."""

PLACE: Final = {
    "tenantId": "aaaaaaaa-0000-4000-8000-000000000001",
    "subscriptionId": "bbbbbbbb-0000-4000-8000-000000000001",
    "location": "westeurope",
    "deploymentName": "entra-responder",
}
"""Where the snapshots' deployments are."""

AGES: Final = frozenset({"use-recent-api-versions", "use-recent-module-versions"})
"""Rules that find something because time passes: shown, and no reason to fail."""

WRITE: Final = "run `python -m infra.checks --write` with the newest compiler and look at what changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What came of a build. Without a template, or with a snapshot missing, there are problems that say why."""

    problems: tuple[Problem, ...]
    remarks: tuple[Problem, ...] = ()
    template: str = ""
    snapshots: Mapping[str, Mapping[str, Any]]


class Evaluated(NamedTuple):
    """What a parameter set makes, empty when that isn't known, the problems, and the template that it was made by."""

    content: Mapping[str, Any]
    problems: list[Problem]
    template: str = ""


def build(root: Path, compiler: Compiler) -> Built:
    """Build, lint and format everything, with each parameter set, and compare it with what is kept."""
    answer = compiler.build(root / MAIN)
    found, remarks = sorted_out(root, answer)
    if not answer.text:
        return Built(problems=tuple(found), remarks=tuple(remarks), snapshots={})
    found += [*unformatted(root, compiler), *unused(root, compiler), *outdated_template(root, answer.text)]
    snapshots: dict[str, Mapping[str, Any]] = {}
    for parameters in sorted((root / SETS).glob("*.bicepparam")):
        evaluated = snapshot_of(root, compiler, parameters)
        found += evaluated.problems
        if evaluated.content:
            snapshots[parameters.stem] = evaluated.content
            found += outdated_snapshot(root, parameters.stem, evaluated.content)
    return Built(problems=tuple(found), remarks=tuple(remarks), template=answer.text, snapshots=snapshots)


def kept(root: Path) -> Built:
    """Give what is committed, where there is no compiler."""
    paths = sorted((root / SETS).glob("*.snapshot.json"))
    snapshots = {path.name.removesuffix(".snapshot.json"): json.loads(path.read_bytes()) for path in paths}
    return Built(problems=(), template=(root / TEMPLATE).read_text("utf-8"), snapshots=snapshots)


def parameters_problems(root: Path, path: Path) -> list[Problem]:
    """Build main.bicepparam in each environment of variables.json, by a compiler (at `path`) each, two at a time."""
    environments: dict[str, dict[str, str]] = json.loads((root / SETS / "variables.json").read_bytes())

    def one(variables: Mapping[str, str]) -> Answer:
        with Compiler(path, variables) as compiler:
            return compiler.build_parameters((root / MAIN).with_suffix(".bicepparam"))

    with ThreadPoolExecutor(max_workers=2) as pool:
        answers = dict(zip(environments, pool.map(one, environments.values()), strict=True))
    return [
        replace(problem, text=f"{problem.text} (with {environment})")
        for environment, answer in answers.items()
        for problem in sorted_out(root, answer)[0]
        if problem.file.endswith(".bicepparam")
    ]


def sorted_out(root: Path, answer: Answer) -> tuple[list[Problem], list[Problem]]:
    """Give the findings that fail and those that are only shown."""
    sides: tuple[list[Problem], list[Problem]] = ([], [])
    for one in answer.diagnostics:
        problem = _problem(root, one.file, f"{one.level} {one.code}: {one.message}", line=one.line)
        sides[one.code in AGES and one.level != "error"].append(problem)
    return sides


def unformatted(root: Path, compiler: Compiler) -> Iterator[Problem]:
    """Give the first line of each file that the formatter writes otherwise."""
    for path in sorted([*(root / "infra").rglob("*.bicep*"), *(root / SETS).glob("*.bicepparam")]):
        written, formatted = path.read_text("utf-8"), compiler.formatted(path)
        if written != formatted:
            diff = difflib.unified_diff(written.splitlines(), formatted.splitlines(), n=0, lineterm="")
            changed = next(line for line in diff if line.startswith("@@")).split()[1].lstrip("-").partition(",")[0]
            yield _problem(root, path, "the formatter writes it otherwise; run `bicep format`", line=int(changed))


def unused(root: Path, compiler: Compiler) -> Iterator[Problem]:
    """Give the Bicep files and queries that no deployment uses, and the snapshots of no parameter set."""
    used = {path.resolve() for path in compiler.files_of(root / MAIN)}
    for path in sorted((root / "infra").rglob("*")):
        if path.suffix in {".bicep", ".kql"} and path.resolve() not in used:
            yield _problem(root, path, "no deployment uses this file; use or delete it")
    for path in sorted((root / SETS).glob("*.snapshot.json")):
        if not path.with_name(path.name.replace(".snapshot.json", ".bicepparam")).is_file():
            yield _problem(root, path, "there is no parameter set of this name; delete it")


def snapshot_of(root: Path, compiler: Compiler, parameters: Path) -> Evaluated:
    """Evaluate a parameter set."""
    answer = compiler.build_parameters(parameters)
    problems, _ = sorted_out(root, answer)
    if not answer.text:
        return Evaluated({}, problems)
    try:
        content: Mapping[str, Any] = json.loads(compiler.snapshot(parameters, PLACE))
    except CompilerError as refused:
        return Evaluated({}, [*problems, _problem(root, parameters, f"no snapshot: {refused}")])
    diagnostics: list[Json] = content["diagnostics"]
    problems += (_problem(root, parameters, json.dumps(one)) for one in diagnostics)
    return Evaluated(content, problems, answer.template)


def outdated_template(root: Path, text: str) -> Iterator[Problem]:
    """Compare the committed template with what the compiler makes, apart from the compiler's own name in it."""
    if _without_generator(json.loads(text)) != _without_generator(_json(root / TEMPLATE)):
        yield _problem(root, root / TEMPLATE, f"it is not what the Bicep compiles to; {WRITE}")


def outdated_snapshot(root: Path, name: str, content: Mapping[str, Any]) -> Iterator[Problem]:
    """Compare a committed snapshot as `bicep snapshot --mode validate` does: by what it says, not byte by byte."""
    path = root / SETS / f"{name}.snapshot.json"
    if _json(path) != content:
        yield _problem(root, path, f"it is not what would be deployed now; {WRITE}")


def write(root: Path, built: Built) -> None:
    """Write the template and the snapshots anew where what they say has changed."""
    if any(outdated_template(root, built.template)):
        (root / TEMPLATE).write_text(built.template.rstrip("\n") + "\n", "utf-8")
    for name, content in built.snapshots.items():
        if any(outdated_snapshot(root, name, content)):
            text = json.dumps(content, indent=2, ensure_ascii=False)
            (root / SETS / f"{name}.snapshot.json").write_text(f"{text}\n", "utf-8")


def _problem(root: Path, path: Path, text: str, *, line: int = 1) -> Problem:
    return Problem(file=path.resolve().relative_to(root.resolve()).as_posix(), line=line, text=text)


def _json(path: Path) -> Json:
    """Read a file; None where it is missing or, after a merge say, no JSON: then it isn't current."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def _without_generator(value: Json) -> Json:
    """Leave out which compiler made a template, in those nested in it as well."""
    if isinstance(value, dict):
        return {key: _without_generator(one) for key, one in value.items() if key != "_generator"}
    return [_without_generator(one) for one in value] if isinstance(value, list) else value
