"""What the product declares and the infrastructure has to follow: settings, actions, operations, stores, functions."""

import ast
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from responders.catalogue import CATALOGUE
from responders.permissions import GRANTS
from shared.catalog import AnyDetection
from shared.clients.storage import CASES_QUEUE, Container, Table
from shared.conditions import Resource, required
from shared.events import Log
from shared.grants import Grant, Tier
from shared.settings import DEFAULTS, SCHEDULES, setting_names

REPOSITORY: Final = Path(__file__).resolve().parents[2]
SAMPLE: Final = "local.settings.sample.json"
_CODE: Final = ("shared", "responders")
_LOGGING: Final = frozenset({"debug", "info", "warning", "error", "exception", "critical"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What the code says, read from the code.

    `defaults` are of settings that may be left out. `sample` are the names in the sample settings; None when there is
    no such file. `functions` are the app's by name, with the kind of their trigger; `schedules` are the settings with
    those of its timers. `log_texts` are what it logs, `%s` where values go. `unbounded` are detections on Azure
    resources that name no operation.
    """

    settings: frozenset[str]
    defaults: Mapping[str, str]
    sample: frozenset[str] | None
    watch_actions: frozenset[str]
    act_actions: frozenset[str]
    operations: frozenset[str]
    unbounded: tuple[str, ...]
    tables: frozenset[str]
    containers: frozenset[str]
    queues: frozenset[str]
    functions: Mapping[str, str]
    schedules: Mapping[str, str]
    log_texts: tuple[str, ...]

    def functions_of(self, trigger: str) -> frozenset[str]:
        """Give the names of the functions with a kind of trigger, `timer_trigger` say."""
        return frozenset(name for name, kind in self.functions.items() if kind == trigger)


def declared(repository: Path = REPOSITORY) -> Declared:
    """Read what the code declares."""
    watch, act = actions(GRANTS)
    operations, unbounded = operations_of(CATALOGUE)
    trees = [ast.parse(path.read_bytes()) for folder in _CODE for path in (repository / folder).rglob("*.py")]
    return Declared(
        settings=setting_names(),
        defaults={**DEFAULTS, **SCHEDULES},
        sample=_sample(repository / SAMPLE),
        watch_actions=watch,
        act_actions=act,
        operations=operations,
        unbounded=unbounded,
        tables=frozenset(map(str, Table)),
        containers=frozenset(map(str, Container)),
        queues=frozenset({CASES_QUEUE}),
        functions={name: kind for tree in trees for name, kind, _ in _functions(tree)},
        schedules={name: setting for tree in trees for name, _, setting in _functions(tree) if setting},
        log_texts=tuple(text for tree in trees for text in _log_texts(tree)),
    )


def actions(grants: Iterable[Grant]) -> tuple[frozenset[str], frozenset[str]]:
    """Give the Azure actions of the tier *watch*, and those that *act* has besides."""
    azure = [grant for grant in grants if grant.is_azure_action]
    watch = frozenset(str(grant.permission) for grant in azure if grant.tier is Tier.WATCH)
    return watch, frozenset(str(grant.permission) for grant in azure) - watch


def operations_of(detections: Iterable[AnyDetection]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Give what detections on Azure resources look for, in lower case, and the detections that name no operation."""
    found: set[str] = set()
    unbounded: list[str] = []
    for detection in detections:
        if detection.log is Log.RESOURCE:
            values = required(detection.when, Resource.operation)
            found |= values or set()
            unbounded += [detection.id] if values is None else []
    return frozenset(found), tuple(unbounded)


def _sample(path: Path) -> frozenset[str] | None:
    if not path.is_file():
        return None
    content = cast("dict[str, dict[str, str]]", json.loads(path.read_text("utf-8")))
    return frozenset(content["Values"])


def _functions(tree: ast.AST) -> Iterator[tuple[str, str, str]]:
    """Read `@x.function_name("name")`, the trigger beside it, and the setting with the schedule."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef):
            continue
        calls = [
            one for one in node.decorator_list if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute)
        ]
        named = {cast("ast.Attribute", call.func).attr: call for call in calls}
        if name := _first_text(named.pop("function_name", None)):
            kind = next((kind for kind in named if kind.endswith("trigger") or kind == "route"), "")
            yield name, kind, _schedule(named.get(kind))


def _schedule(trigger: ast.Call | None) -> str:
    """Give what stands between per cent signs in `schedule="%SETTING%"`, "" for none."""
    values = [one.value for one in trigger.keywords if one.arg == "schedule"] if trigger else []
    return next((str(one.value).strip("%") for one in values if isinstance(one, ast.Constant)), "")


def _log_texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "_log"
            and node.func.attr in _LOGGING
            and (text := _first_text(node))
        ):
            yield text


def _first_text(call: ast.Call | None) -> str:
    first = call.args[0] if call and call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
