"""The watch from outside: alerts and the workbook read what the app really writes, and no timer is without an alert.

No alert misses what falls between two looks, and none is kept from people.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise
from typing import Final

from croniter import croniter

from infra.checks.snapshots import Infrastructure, Problem, Resource, Snapshot, nowhere

RULES: Final = "Microsoft.Insights/scheduledQueryRules"
CHANGES: Final = "Microsoft.Insights/activityLogAlerts"
_REQUEST: Final = re.compile(r"\bName (?:==|in) ?\(?((?:'[^']*'(?:, *)?)+)")
_QUOTED: Final = re.compile(r"'([^']*)'")
_QUOTED_TWICE: Final = re.compile(r'"([^"]*)"')
_MESSAGE: Final = re.compile(r"\bMessage (?:startswith|contains|has|==) '([^']*)'")
_PARSED: Final = re.compile(r"parse Message with ((?:'[^']*'|\w+| )+)")
_AGO: Final = re.compile(r"\bago\((\d+)([mhd])\)")
_ISO: Final = re.compile(r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?)?")
_PLACEHOLDER: Final = re.compile(r"\{\w+\}")
_UNITS: Final[Mapping[str, str]] = {"m": "minutes", "h": "hours", "d": "days"}
_SILENCE: Final = "silence-"
_RUNS_LOOKED_AT: Final = 100
RUN: Final = timedelta(minutes=30)
"""How long a run may take: `functionTimeout` in host.json. A request is logged by when it began."""

ALERTS: Final = frozenset(
    {"dead-letters", "deliveries-failing", "nobody-reached", "pages-not-delivered", "poison-messages"}
)
"""Alerts on what happened, beside those on timers that are silent."""

ALERTED: Final = """
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


def check_watching(made: Infrastructure) -> Iterator[Problem]:
    """Check the queries, and that there is an alert for each timer and for each kind of trouble."""
    for path, text in made.texts.items():
        if path.endswith(".kql"):
            yield from _check_query(made, path, text)
    for snapshot in made.snapshots.values():
        yield from _check_alerts(made, snapshot)
        alerted = {name for rule in snapshot.of(CHANGES) for name in _QUOTED_TWICE.findall(json.dumps(rule.body))}
        for operation in sorted(set(ALERTED.split()) - alerted):
            yield nowhere(f"no alert is raised on {operation}; name it in a {CHANGES}")
        for group in snapshot.of("Microsoft.Insights/actionGroups"):
            if not group.objects("properties.emailReceivers"):
                yield made.problem(group, "the action group reaches nobody by e-mail; give it receivers")
    for _, rule in made.each(RULES):
        yield from _check_windows(made, rule)


def _check_query(made: Infrastructure, path: str, text: str) -> Iterator[Problem]:
    for number, line in enumerate(text.splitlines(), start=1):
        for name in _functions_in(line):
            if name not in made.declared.functions:
                known = ", ".join(sorted(made.declared.functions))
                yield Problem(file=path, line=number, text=f"no function is called {name}; there is {known}")
        for pieces in _messages_in(line):
            if not any(_occur(pieces, logged) for logged in made.declared.log_texts):
                text = f"no log line of the app has {' … '.join(map(repr, pieces))}; ask for what is logged, or log it"
                yield Problem(file=path, line=number, text=text)


def _functions_in(query: str) -> Iterator[str]:
    for found in _REQUEST.finditer(query):
        yield from (name for name in _QUOTED.findall(found[1]) if not _PLACEHOLDER.fullmatch(name))


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


def _check_alerts(made: Infrastructure, snapshot: Snapshot) -> Iterator[Problem]:
    rules = {one.last_name: one for one in snapshot.of(RULES)}
    silences = {name: one for name, one in rules.items() if name.startswith(_SILENCE)}
    watched = {name for one in silences.values() for name in _functions_in(_query(one))}
    for name in sorted(made.declared.timers.keys() - watched):
        yield nowhere(f"nobody notices when the timer {name} stops; add it to the heartbeats")
    for name in sorted(ALERTS - rules.keys()):
        yield nowhere(f"there is no alert {name}; add it")
    for name, rule in rules.items():
        if rule.at("properties.enabled") is not (snapshot.name != FIRST or name not in silences):
            state = "on" if rule.at("properties.enabled") else "off"
            yield made.problem(rule, f"{name} is {state} by the set {snapshot.name}; only heartbeats are ever off")
        if not rule.texts("properties.actions.actionGroups"):
            yield made.problem(rule, f"{name} tells nobody; set actionGroups")


def _check_windows(made: Infrastructure, rule: Resource) -> Iterator[Problem]:
    """Check that a rule sees all that happens between two looks, is raised again, and lets a timer miss a run."""
    name, query = rule.last_name, _query(rule)
    window, often = (_span(rule.text(f"properties.{one}")) for one in ("windowSize", "evaluationFrequency"))
    mute = _span(rule.text("properties.muteActionsDuration"))
    for left in _PLACEHOLDER.findall(query):
        yield made.problem(rule, f"{left} isn't filled in in the query of {name}; replace it")
    if often > window:
        yield made.problem(
            rule, f"{name} looks back {window}, each {often}: what falls between is never seen; look back more"
        )
    if mute and mute > window - often:
        yield made.problem(rule, f"{name} is mute for {mute} and looks back {window}; mute at most {window - often}")
    silence = min([window, *(timedelta(**{_UNITS[unit]: int(many)}) for many, unit in _AGO.findall(query))])
    for timer in _functions_in(query) if name.startswith(_SILENCE) else ():
        gap = longest_gap(made.declared.timers.get(timer, ""))
        if silence <= gap:
            yield made.problem(rule, f"{name} allows {silence} between runs that are {gap} apart; allow more")
        if silence + RUN > window:
            yield made.problem(
                rule, f"{name} looks back {window}, and a run may have begun earlier; look {RUN} further"
            )


@cache
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
