"""What the compiler says of the Bicep, and whether what is committed of its output is current."""

import difflib
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.checks.compiler import Answer, Compiler, CompilerError, Diagnostic
from infra.checks.problems import Problem
from infra.checks.snapshots import Json

PLACE: Final = {
    "tenantId": "aaaaaaaa-0000-4000-8000-000000000001",
    "subscriptionId": "bbbbbbbb-0000-4000-8000-000000000001",
    "location": "westeurope",
    "deploymentName": "entra-responder",
}
"""Where the snapshots' deployments are."""

AGES: Final = frozenset({"use-recent-api-versions", "use-recent-module-versions"})
"""Rules that find something because time passes: shown, and no reason to fail."""

_NEEDED: Final = {
    "EMERGENCY_ACCOUNT_IDS": "cccccccc-0000-4000-8000-000000000001,cccccccc-0000-4000-8000-000000000002",
    "OPERATORS_CLIENT_ID": "dddddddd-0000-4000-8000-000000000001",
    "ALERT_EMAIL": "owners@contoso.com",
}
_B2C: Final = {
    "B2C_TENANT_ID": "eeeeeeee-0000-4000-8000-000000000001",
    "B2C_RESPONDER_ID": "eeeeeeee-0000-4000-8000-000000000002",
    "B2C_CLIENT_ID": "eeeeeeee-0000-4000-8000-000000000003",
}
_CHOICES: Final = {
    "AZURE_ENV_NAME": "staging",
    "AZURE_LOCATION": "northeurope",
    "RESPONDER_TIER": "act",
    "RESPONDER_LOCKS": "false",
    "RESPONDER_HEARTBEATS": "false",
    "STORAGE_SKU": "Standard_LRS",
    "PROTECTED_PRINCIPAL_IDS": "cccccccc-0000-4000-8000-000000000003",
    "WATCHED_SUBSCRIPTION_IDS": "bbbbbbbb-0000-4000-8000-000000000001,bbbbbbbb-0000-4000-8000-000000000002",
    "EXISTING_TOPIC_IDS": "/subscriptions/bbbbbbbb-0000-4000-8000-000000000002/resourceGroups/events/providers/"
    "Microsoft.EventGrid/systemTopics/changes",
    "SIGN_IN_WORKSPACE_ID": "/subscriptions/bbbbbbbb-0000-4000-8000-000000000001/resourceGroups/logs/providers/"
    "Microsoft.OperationalInsights/workspaces/sign-ins",
    "EVIDENCE_DAYS": "730",
    "EVIDENCE_LOCK": "Locked",
    "VOCABULARY": '{"internal_domains": ["contoso.com"]}',
    "PAGE_BY_TEAMS": "true",
    "TEAMS_WEBHOOK_URL": "https://contoso.com/webhook",
    "PAGE_BY_PAGERDUTY": "true",
    "PAGERDUTY_ROUTING_KEY": "made-up",
}
VARIABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "as few variables as possible": _NEEDED,
    "B2C": {**_NEEDED, **_B2C},
    "everything set": {**_NEEDED, **_B2C, **_CHOICES},
}
"""Environments in which main.bicepparam must build."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the files are, below a folder laid out like the repository."""

    root: Path

    @property
    def main(self) -> Path:
        """What is deployed."""
        return self.root / "infra" / "main.bicep"

    @property
    def template(self) -> Path:
        """The committed output of `bicep build`."""
        return self.root / "infra" / "compiled" / "main.json"

    @property
    def page(self) -> Path:
        """The page that is drawn from it."""
        return self.root / "docs" / "infrastructure.md"

    @property
    def sets(self) -> tuple[Path, ...]:
        """The parameter sets, each with its snapshot beside it."""
        return tuple(sorted((self.root / "tests" / "infra" / "bicep").glob("*.bicepparam")))

    @property
    def written(self) -> tuple[Path, ...]:
        """Every file that the formatter judges."""
        found = [*(self.root / "infra").rglob("*.bicep"), *(self.root / "infra").rglob("*.bicepparam"), *self.sets]
        return tuple(sorted(found))

    def named(self, path: Path) -> str:
        """Give a path relative to the root, as problems have it."""
        return path.resolve().relative_to(self.root.resolve()).as_posix()


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What came of a build. Without a template, or with a snapshot missing, there are problems that say why."""

    problems: tuple[Problem, ...]
    remarks: tuple[Problem, ...]
    template: str
    snapshots: Mapping[str, Mapping[str, Any]]


def build(places: Places, compiler: Compiler) -> Built:
    """Build, lint and format everything, in each environment and with each parameter set; compare with what is kept."""
    answer = compiler.build(places.main)
    found, remarks = sorted_out(places, answer)
    if not answer.text:
        return Built(problems=tuple(found), remarks=tuple(remarks), template="", snapshots={})
    found += [*unformatted(places, compiler), *unused(places, compiler), *outdated_template(places, answer.text)]
    snapshots: dict[str, Mapping[str, Any]] = {}
    for parameters in places.sets:
        content, wrong = snapshot_of(places, compiler, parameters)
        found += wrong
        if content:
            snapshots[parameters.stem] = content
            found += outdated_snapshot(places, parameters, content)
    return Built(problems=tuple(found), remarks=tuple(remarks), template=answer.text, snapshots=snapshots)


def parameters_problems(places: Places, path: Path) -> list[Problem]:
    """Build main.bicepparam in each of the environments, with a compiler (at `path`) for each: two at a time."""

    def one(variables: Mapping[str, str]) -> Answer:
        with Compiler(path, variables) as compiler:
            return compiler.build_parameters(places.main.with_suffix(".bicepparam"))

    with ThreadPoolExecutor(max_workers=2) as pool:
        answers = dict(zip(VARIABLES, pool.map(one, VARIABLES.values()), strict=True))
    return [
        Problem(file=problem.file, line=problem.line, wrong=f"{problem.wrong} (with {environment})")
        for environment, answer in answers.items()
        for problem in sorted_out(places, answer)[0]
        if problem.file.endswith(".bicepparam")
    ]


def sorted_out(places: Places, answer: Answer) -> tuple[list[Problem], list[Problem]]:
    """Give the findings that fail and those that are only shown."""
    problems = [(one.code in AGES and one.level != "error", _problem(places, one)) for one in answer.diagnostics]
    return [one for shown, one in problems if not shown], [one for shown, one in problems if shown]


def _problem(places: Places, found: Diagnostic) -> Problem:
    return Problem(file=places.named(found.file), line=found.line, wrong=f"{found.level} {found.code}: {found.message}")


def unformatted(places: Places, compiler: Compiler) -> Iterator[Problem]:
    """Give the first line of each file that the formatter writes otherwise."""
    for path in places.written:
        text, formatted = path.read_text("utf-8"), compiler.formatted(path)
        if text != formatted:
            diff = difflib.unified_diff(text.splitlines(), formatted.splitlines(), n=0, lineterm="")
            changed = next(line for line in diff if line.startswith("@@")).split()[1].lstrip("-").partition(",")[0]
            wrong = "the formatter writes it otherwise"
            yield Problem(file=places.named(path), line=int(changed), wrong=wrong, right="run `bicep format` on it")


def unused(places: Places, compiler: Compiler) -> Iterator[Problem]:
    """Give the Bicep files and queries that no deployment uses."""
    used = {path.resolve() for path in compiler.files_of(places.main)}
    for path in sorted((places.root / "infra").rglob("*")):
        if path.suffix in {".bicep", ".kql"} and path.resolve() not in used:
            yield Problem(
                file=places.named(path), line=1, wrong="no deployment uses this file", right="use or delete it"
            )


def snapshot_of(places: Places, compiler: Compiler, parameters: Path) -> tuple[Mapping[str, Any], list[Problem]]:
    """Evaluate a parameter set: what it makes, empty when there are problems, and these."""
    answer = compiler.build_parameters(parameters)
    problems, _ = sorted_out(places, answer)
    if not answer.text:
        return {}, problems
    try:
        content: Mapping[str, Any] = json.loads(compiler.snapshot(parameters, PLACE))
    except CompilerError as refused:
        return {}, [*problems, Problem(file=places.named(parameters), line=1, wrong=f"no snapshot: {refused}")]
    told = [json.dumps(one) for one in content.get("diagnostics") or []]
    return content, [*problems, *(Problem(file=places.named(parameters), line=1, wrong=one) for one in told)]


def outdated_template(places: Places, text: str) -> Iterator[Problem]:
    """Compare the committed template with what the compiler makes, apart from the compiler's own name in it."""
    now, kept = json.loads(text), _json(places.template)
    if _without_generator(now) != _without_generator(kept):
        made, by = (one.get("metadata", {}).get("_generator", {}).get("version", "?") for one in (now, kept))
        wrong = "it is not what the Bicep compiles to" + (f" (compiled by {by}, now {made})" if made != by else "")
        yield Problem(file=places.named(places.template), line=1, wrong=wrong, right=WRITE)


def outdated_snapshot(places: Places, parameters: Path, content: Mapping[str, Any]) -> Iterator[Problem]:
    """Compare a committed snapshot as `--mode validate` does: by what it says, not byte by byte."""
    kept = parameters.with_suffix(".snapshot.json")
    if _json(kept) != content:
        yield Problem(file=places.named(kept), line=1, wrong="it is not what would be deployed now", right=WRITE)


WRITE: Final = "run `python -m infra.checks --write` and look at what changed"


def write(places: Places, built: Built) -> None:
    """Write the template and the snapshots anew where what they say has changed, and remove those without a set."""
    places.template.parent.mkdir(exist_ok=True)
    if any(outdated_template(places, built.template)):
        places.template.write_text(built.template.rstrip("\n") + "\n", "utf-8")
    for parameters in places.sets:
        content = built.snapshots.get(parameters.stem)
        if content and any(outdated_snapshot(places, parameters, content)):
            text = json.dumps(content, indent=2, ensure_ascii=False)
            parameters.with_suffix(".snapshot.json").write_text(f"{text}\n", "utf-8")


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_bytes()) if path.is_file() else {}


def _without_generator(value: Json) -> Json:
    """Leave out which compiler made a template, in those nested in it as well."""
    match value:
        case dict():
            return {key: _without_generator(one) for key, one in value.items() if key != "_generator"}
        case list():
            return [_without_generator(one) for one in value]
        case _:
            return value
