"""What the product declares and the infrastructure has to follow: settings, actions, operations, stores, functions."""

import ast
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Final, cast

import azure.functions as func

from infra.checks.compiler import REPOSITORY
from responders import triggers
from responders.catalogue import CATALOGUE
from responders.permissions import GRANTS
from shared.clients.storage_names import Container, Table
from shared.detect.conditions import required
from shared.detect.fields import Resource
from shared.model.app_settings import SCHEDULES, SETTINGS
from shared.model.detections import AnyDetection
from shared.model.events import Log
from shared.model.permissions import Grant, Tier

SAMPLE: Final = "local.settings.sample.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What the code says, read from the code.

    `defaults` are of settings that may be left out; `vaulted` are settings whose value comes from the vault. `sample`
    are the names in the sample settings. `timers` are the functions that a timer starts, with their NCRONTAB schedule,
    by default where it is a setting; `queues` are those that start a function, `consumer_groups` those as whose members
    functions read an Event Hub.
    `log_texts` are what is logged, `%s` where values go. `unbounded` are detections on Azure resources that name no
    operation, `of_own_groups` those that look at each operation in the app's own resource groups.
    """

    settings: frozenset[str]
    defaults: Mapping[str, str]
    vaulted: frozenset[str]
    sample: frozenset[str]
    watch_actions: frozenset[str]
    act_actions: frozenset[str]
    operations: frozenset[str]
    unbounded: tuple[str, ...]
    tables: frozenset[str]
    containers: frozenset[str]
    queues: frozenset[str]
    consumer_groups: frozenset[str]
    functions: frozenset[str]
    timers: Mapping[str, str]
    log_texts: tuple[str, ...]
    of_own_groups: tuple[str, ...]


def declared(repository: Path = REPOSITORY) -> Declared:
    """Read what the code declares."""
    watch, act = actions(GRANTS)
    operations, unbounded, of_own_groups = operations_of(CATALOGUE)
    functions = triggers_of(*blueprints())
    sample = cast("dict[str, dict[str, str]]", json.loads((repository / SAMPLE).read_bytes()))
    started = {name: cast("dict[str, str]", trigger.get_dict_repr()) for name, trigger in functions.items()}
    return Declared(
        settings=frozenset(one.name for one in SETTINGS),
        defaults={one.name: one.default for one in SETTINGS if not one.required_as},
        vaulted=frozenset(one.name for one in SETTINGS if one.from_vault),
        sample=frozenset(sample["Values"]),
        watch_actions=watch,
        act_actions=act,
        operations=operations,
        unbounded=unbounded,
        of_own_groups=of_own_groups,
        tables=frozenset(map(str, Table)),
        containers=frozenset(map(str, Container)),
        queues=frozenset(how["queueName"] for how in started.values() if how["type"] == "queueTrigger"),
        consumer_groups=frozenset(how["consumerGroup"] for how in started.values() if how["type"] == "eventHubTrigger"),
        functions=frozenset(functions),
        timers={name: _schedule(how["schedule"]) for name, how in started.items() if how["type"] == "timerTrigger"},
        log_texts=_log_texts_in(repository),
    )


def actions(grants: Iterable[Grant]) -> tuple[frozenset[str], frozenset[str]]:
    """Give the Azure actions of the tier *watch*, and those that *act* has besides."""
    azure = [grant for grant in grants if grant.is_azure_action]
    watch = frozenset(str(grant.permission) for grant in azure if grant.tier is Tier.WATCH)
    return watch, frozenset(str(grant.permission) for grant in azure) - watch


def operations_of(
    detections: Iterable[AnyDetection],
) -> tuple[frozenset[str], tuple[str, ...], tuple[str, ...]]:
    """Give the operations, in lower case, that detections on Azure resources look for.

    And the detections that name none: those for which no filter can be made, and those on the app's own groups.
    """
    found: set[str] = set()
    unbounded: list[str] = []
    of_own_groups: list[str] = []
    for detection in detections:
        if detection.log is Log.RESOURCE:
            values = required(detection.when, Resource.operation)
            found |= values or set()
            if values is None:
                is_of_own = required(detection.when, Resource.group) == frozenset({"own"})
                (of_own_groups if is_of_own else unbounded).append(detection.id)
    return frozenset(found), tuple(unbounded), tuple(of_own_groups)


def _schedule(binding: str) -> str:
    """Give the schedule of a timer's binding, which has it itself or names a setting, as %NAME%."""
    return SCHEDULES[binding.strip("%")] if binding.startswith("%") else binding


def blueprints() -> Iterator[func.Blueprint]:
    """Give the blueprints in the modules of `responders.triggers`."""
    for module in iter_modules(triggers.__path__):
        for value in vars(import_module(f"{triggers.__name__}.{module.name}")).values():
            if isinstance(value, func.Blueprint):
                yield value


def triggers_of(*registered: func.Blueprint) -> dict[str, func.decorators.core.Trigger]:
    """Give the trigger of each function of these blueprints."""
    app = func.FunctionApp()
    for blueprint in registered:
        app.register_functions(blueprint)
    return {one.get_function_name() or "": trigger for one in app.get_functions() if (trigger := one.get_trigger())}


@cache
def _log_texts_in(repository: Path) -> tuple[str, ...]:
    paths = [path for folder in ("shared", "responders") for path in (repository / folder).rglob("*.py")]
    logging = (source for path in paths if b"_log." in (source := path.read_bytes()))
    return tuple(text for source in logging for text in _log_texts(ast.parse(source)))


def _log_texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "_log"
            and node.args
            and isinstance(text := node.args[0], ast.Constant)
        ):
            yield str(text.value)
