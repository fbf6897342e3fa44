"""The watch from outside: alerts and the workbook read what the app really writes, and no timer is without an alert."""

import re
from collections.abc import Iterator
from typing import Final

from infra.checks.declared import Declared
from infra.checks.deployments import Infrastructure
from infra.checks.problems import Problem
from infra.checks.syntax import Object, Resource, walk
from infra.checks.values import Evaluator, rounds_of

_RULES: Final = "Microsoft.Insights/scheduledQueryRules"
_REQUEST: Final = re.compile(r"\bName (?:==|in) ?\(?((?:'[^']*'(?:, *)?)+)")
_QUOTED: Final = re.compile(r"'([^']*)'")
_MESSAGE: Final = re.compile(r"Message (?:startswith|contains|has|==) '([^']*)'")
_PARSED: Final = re.compile(r"parse Message with ((?:'[^']*'|\w+| )+)")
_POISON: Final = "poison-messages"
PLACEHOLDER: Final = "{function}"
"""In a query that is used for each timer, where the timer's name goes."""

ALERTS: Final = frozenset({"dead-letters", "pages-not-delivered", _POISON})
"""Alerts on what happened, beside those on timers that are silent."""


def check_watching(infrastructure: Infrastructure, declared: Declared) -> Iterator[Problem]:
    """Check the queries, and that there is an alert for each timer and for each kind of trouble."""
    for path, text in infrastructure.files.items():
        if path.endswith(".kql"):
            yield from _check_query(path, text, declared)
    yield from _check_alerts(infrastructure, declared)


def _check_query(path: str, text: str, declared: Declared) -> Iterator[Problem]:
    for number, line in enumerate(text.splitlines(), start=1):
        for name in _functions_in(line):
            if name not in declared.functions:
                right = f"there is {', '.join(sorted(declared.functions))}"
                yield Problem(file=path, line=number, wrong=f"no function is called {name}", right=right)
        for pieces in _messages_in(line):
            if not any(_occur(pieces, logged) for logged in declared.log_texts):
                wrong = f"no log line of the app has {' … '.join(map(repr, pieces))}"
                yield Problem(file=path, line=number, wrong=wrong, right="ask for what is logged, or log it")


def _functions_in(line: str) -> Iterator[str]:
    for found in _REQUEST.finditer(line):
        yield from (name for name in _QUOTED.findall(found[1]) if name != PLACEHOLDER)


def _messages_in(line: str) -> Iterator[tuple[str, ...]]:
    """Give the texts that a line of a query expects in one message, in their order."""
    if found := _MESSAGE.findall(line):
        yield tuple(found)
    for parsed in _PARSED.finditer(line):
        yield tuple(_QUOTED.findall(parsed[1]))


def _occur(pieces: tuple[str, ...], logged: str) -> bool:
    """Whether a log text has the pieces in their order; where it has a value, a query may have none of its own."""
    place = 0
    for piece in pieces:
        found = logged.find(piece, place)
        if found < 0:
            return False
        place = found + len(piece)
    return True


def _check_alerts(infrastructure: Infrastructure, declared: Declared) -> Iterator[Problem]:
    timers: set[str] = set()
    names: set[str] = set()
    place = ("main.bicep", 1)
    for deployment, resource in infrastructure.resources(_RULES):
        place = (deployment.template.path, resource.line)
        evaluator = Evaluator(infrastructure=infrastructure, deployment=deployment)
        for one in rounds_of(evaluator, resource):
            name = resource.object.get("name")
            names.add(str(one.value(name)) if name else "")
            timers |= {found for query in _queries(one, resource) for found in _functions_in(query)}
            if name and one.value(name) == _POISON:
                yield from _check_poison(place, one, resource, declared)
        yield from _check_actions(place, resource)
    for name in sorted(declared.functions_of("timer_trigger") - timers):
        right = "add it to the heartbeats"
        yield Problem(file=place[0], line=place[1], wrong=f"nobody notices when the timer {name} stops", right=right)
    for name in sorted(ALERTS - names):
        yield Problem(file=place[0], line=place[1], wrong=f"there is no alert {name}", right="add it")
    for kind, what in (
        ("Microsoft.Insights/activityLogAlerts", "nobody is told when the app is changed or stopped"),
        ("Microsoft.Insights/actionGroups", "there is nobody to tell"),
    ):
        if not any(True for _ in infrastructure.resources(kind)):
            yield Problem(file=place[0], line=place[1], wrong=what, right=f"add a {kind}")


def _queries(evaluator: Evaluator, resource: Resource) -> Iterator[str]:
    for one in walk(resource.object):
        if isinstance(one, Object) and (query := one.get("query")):
            value = evaluator.value(query)
            if isinstance(value, str):
                yield value


def _check_poison(
    place: tuple[str, int], evaluator: Evaluator, resource: Resource, declared: Declared
) -> Iterator[Problem]:
    queue = f"/{declared.queue}-poison/"
    if not any(queue in query for query in _queries(evaluator, resource)):
        wrong = f"the alert {_POISON} doesn't look at {queue}"
        yield Problem(file=place[0], line=place[1], wrong=wrong, right="the host puts poison messages there")


def _check_actions(place: tuple[str, int], resource: Resource) -> Iterator[Problem]:
    named = [one for one in walk(resource.object) if isinstance(one, Object) and one.get("actionGroups")]
    if not named:
        yield Problem(file=place[0], line=place[1], wrong=f"{resource.name} tells nobody", right="set actionGroups")
