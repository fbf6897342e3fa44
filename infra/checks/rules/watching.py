"""The watch from outside: alerts and the workbook read what the app really writes, and no timer is without an alert.

No alert misses what falls between two looks, and none is kept from people.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Final

from croniter import croniter

from infra.checks.declared import Declared
from infra.checks.problems import Problem
from infra.checks.snapshots import Infrastructure, Resource, Snapshot, nowhere

RULES: Final = "Microsoft.Insights/scheduledQueryRules"
CHANGES: Final = "Microsoft.Insights/activityLogAlerts"
_REQUEST: Final = re.compile(r"\bName (?:==|in) ?\(?((?:'[^']*'(?:, *)?)+)")
_QUOTED: Final = re.compile(r"'([^']*)'")
_MESSAGE: Final = re.compile(r"\bMessage (?:startswith|contains|has|==) '([^']*)'")
_PARSED: Final = re.compile(r"parse Message with ((?:'[^']*'|\w+| )+)")
_AGO: Final = re.compile(r"\bago\((\d+)([mhd])\)")
_ISO: Final = re.compile(r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?)?")
_UNITS: Final[Mapping[str, str]] = {"m": "minutes", "h": "hours", "d": "days"}
_SILENCE: Final = "silence-"
_RUNS_LOOKED_AT: Final = 300
PLACEHOLDER: Final = "{function}"
"""In a query that is used for each timer, where the timer's name goes."""

ALERTS: Final = frozenset({"dead-letters", "pages-not-delivered", "poison-messages"})
"""Alerts on what happened, beside those on timers that are silent."""

TOLD: Final = """
Microsoft.Web/sites/stop/action Microsoft.Web/sites/write Microsoft.Web/sites/delete Microsoft.Web/sites/config/write
Microsoft.EventGrid/systemTopics/delete Microsoft.EventGrid/systemTopics/eventSubscriptions/delete
Microsoft.ManagedIdentity/userAssignedIdentities/delete Microsoft.Insights/components/delete
Microsoft.Insights/diagnosticSettings/delete Microsoft.Insights/actionGroups/delete
Microsoft.Insights/activityLogAlerts/delete Microsoft.Insights/scheduledQueryRules/delete
Microsoft.Insights/scheduledQueryRules/disable/action Microsoft.Authorization/locks/delete
"""
"""Operations that would blind, stop or silence the responder: people hear of each."""

FIRST: Final = "first"
"""The parameter set of a first deployment, when there is no code yet that could be missed."""


def check_watching(infrastructure: Infrastructure, declared: Declared) -> Iterator[Problem]:
    """Check the queries, and that there is an alert for each timer and for each kind of trouble."""
    for path, text in infrastructure.texts.items():
        if path.endswith(".kql"):
            yield from _check_query(path, text, declared)
    for snapshot in infrastructure.snapshots.values():
        yield from _check_alerts(infrastructure, snapshot, declared)
        yield from _check_changes(snapshot)
    for _, rule in infrastructure.each(RULES):
        yield from _check_windows(infrastructure, rule, declared)


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


def _functions_in(query: str) -> Iterator[str]:
    for found in _REQUEST.finditer(query):
        yield from (name for name in _QUOTED.findall(found[1]) if name != PLACEHOLDER)


def _messages_in(line: str) -> Iterator[tuple[str, ...]]:
    """Give the texts that a line of a query expects in one message, in their order."""
    if found := _MESSAGE.findall(line):
        yield tuple(found)
    for parsed in _PARSED.finditer(line):
        yield tuple(_QUOTED.findall(parsed[1]))


def _occur(pieces: tuple[str, ...], logged: str) -> bool:
    """Whether a log text has the pieces in their order; where it has a value, a query may have none of its own."""
    return re.search(".*?".join(map(re.escape, pieces)), logged) is not None


def _query(rule: Resource) -> str:
    return "\n".join(str(one.get("query", "")) for one in rule.objects("properties.criteria.allOf"))


def _check_alerts(infrastructure: Infrastructure, snapshot: Snapshot, declared: Declared) -> Iterator[Problem]:
    rules = {one.last_name: one for one in snapshot.of(RULES)}
    silences = {name: one for name, one in rules.items() if name.startswith(_SILENCE)}
    watched = {name for one in silences.values() for name in _functions_in(_query(one))}
    for name in sorted(declared.functions_of("timer_trigger") - watched):
        yield nowhere(f"nobody notices when the timer {name} stops", "add it to the heartbeats")
    for name in sorted(ALERTS - rules.keys()):
        yield nowhere(f"there is no alert {name}", "add it")
    for queue in sorted(declared.queues):
        if not any(f"/{queue}-poison/" in _query(rule) for rule in rules.values()):
            yield nowhere(f"no alert looks at /{queue}-poison/", "the host puts poison messages there")
    for name, rule in rules.items():
        if rule.at("properties.enabled") is not (snapshot.name != FIRST or name not in silences):
            wrong = f"{name} is {'off' if snapshot.name != FIRST else 'on'} with the parameters of {snapshot.name}"
            yield infrastructure.problem(
                rule, wrong, "heartbeats are off before the code is there, and on from then on"
            )
        if not rule.texts("properties.actions.actionGroups"):
            yield infrastructure.problem(rule, f"{name} tells nobody", "set actionGroups")


def _check_changes(snapshot: Snapshot) -> Iterator[Problem]:
    told = {str(one) for rule in snapshot.of(CHANGES) for one in _values(rule.at("properties.condition"))}
    for operation in sorted(set(TOLD.split()) - told):
        yield nowhere(f"nobody is told of {operation}", f"name it in a {CHANGES}")
    for group in snapshot.of("Microsoft.Insights/actionGroups"):
        if not group.objects("properties.emailReceivers"):
            yield nowhere(f"the action group {group.last_name} reaches nobody by e-mail", "give it receivers")


def _values(value: object) -> Iterator[object]:
    match value:
        case dict():
            for one in value.values():  # pyright: ignore[reportUnknownVariableType] - JSON
                yield from _values(one)  # pyright: ignore[reportUnknownArgumentType]
        case list():
            for one in value:  # pyright: ignore[reportUnknownVariableType]
                yield from _values(one)  # pyright: ignore[reportUnknownArgumentType]
        case _:
            yield value


def _check_windows(infrastructure: Infrastructure, rule: Resource, declared: Declared) -> Iterator[Problem]:
    """Check that a rule sees all that happens between two looks, is told again, and lets a timer miss a run."""
    window, often = (_span(rule.text(f"properties.{name}")) for name in ("windowSize", "evaluationFrequency"))
    if often > window:
        wrong = f"{rule.last_name} looks at {window}, each {often}: what falls between is never seen"
        yield infrastructure.problem(rule, wrong, "its window should be as long as its frequency at least")
    mute = rule.text("properties.muteActionsDuration")
    if mute and _span(mute) > window - often:
        wrong = f"{rule.last_name} is mute for {_span(mute)} and looks back {window}: an alarm in between is lost"
        yield infrastructure.problem(rule, wrong, "mute no longer than windowSize less evaluationFrequency")
    silence = min([window, *(timedelta(**{_UNITS[unit]: int(many)}) for many, unit in _AGO.findall(_query(rule)))])
    for name in _functions_in(_query(rule)) if rule.last_name.startswith(_SILENCE) else ():
        gap = longest_gap(declared.defaults.get(declared.schedules.get(name, ""), ""))
        if silence <= gap:
            wrong = f"{rule.last_name} allows {silence} between runs that are {gap} apart"
            yield infrastructure.problem(rule, wrong, "allow more than the longest time between two runs")
        if silence + RUN > window:
            wrong = f"{rule.last_name} looks back {window} for runs that may have begun {silence + RUN} ago"
            yield infrastructure.problem(rule, wrong, "widen its window by what a run may take")


RUN: Final = timedelta(minutes=30)
"""How long a run may take: `functionTimeout` in host.json. A run counts by when it began."""


def longest_gap(schedule: str) -> timedelta:
    """Give the longest time between two runs of an NCRONTAB text; nothing for ""."""
    if not schedule:
        return timedelta()
    second, _, cron = schedule.partition(" ")
    runs = croniter(f"{cron} {second}", datetime(2026, 1, 1, tzinfo=UTC), ret_type=datetime)
    return max(later - earlier for earlier, later in pairwise(islice(runs, _RUNS_LOOKED_AT)))


def _span(text: str) -> timedelta:
    found = _ISO.fullmatch(text)
    return timedelta(**{name: int(value) for name, value in found.groupdict("0").items()}) if found else timedelta()
