"""Rules that correlate others, as the product counts and follows: a burst, or a sequence of two steps."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from shared.detect.sigma.fields import answer_for
from shared.detect.sigma.patterns import Inexpressible, Plain
from shared.detect.sigma.reading import Correlation
from shared.model.conditions import Condition, Text, any_of
from shared.model.detections import After, AnyDetection, Burst
from shared.model.events import Log

_UNITS: Final = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_LONGEST_BURST: Final = timedelta(days=1)
"""Counts are kept for two days, and records come late."""

_LONGEST_SEQUENCE: Final = timedelta(days=3650)
_STEPS: Final = 2

type Correlated = tuple[Burst | None, After[Any] | None, Condition[Any]]
"""What is counted, or what it follows, and the condition of the records."""


def correlation_of(rule: Correlation, bases: Sequence[AnyDetection]) -> Correlated:
    """Say what a correlation asks; `bases` are the rules that it names, in its order.

    Raises:
        Inexpressible: it can't be counted or followed so; the text says why.
    """
    if not bases:
        raise Inexpressible("it names no rules to correlate")
    log = bases[0].log
    if any(base.log is not log for base in bases):
        raise Inexpressible("it correlates records of different logs")
    if any(base.counted or base.after for base in bases):
        raise Inexpressible("it correlates a correlation")
    match rule.kind:
        case "event_count" | "value_count":
            when = bases[0].when if len(bases) == 1 else any_of(*(base.when for base in bases))
            return _burst(rule, log), None, when
        case "temporal_ordered":
            step_a, step_b = _two(bases)
            return None, _sequence(rule, log, step_a), step_b.when
        case "temporal":
            raise Inexpressible("its rules may match in any order; temporal_ordered of two rules can be said")
        case other:
            raise Inexpressible(f"its type is {other!r}; event_count, value_count and temporal_ordered can be said")


def _two(bases: Sequence[AnyDetection]) -> tuple[AnyDetection, AnyDetection]:
    if len(bases) != _STEPS:
        raise Inexpressible(f"it has {len(bases)} steps; two can be said")
    return bases[0], bases[1]


def _burst(rule: Correlation, log: Log) -> Burst:
    within = _timespan(rule.timespan)
    if within % timedelta(minutes=1) or not timedelta() < within <= _LONGEST_BURST:
        raise Inexpressible(f"it counts within {rule.timespan}; whole minutes up to a day can be counted")
    if len(rule.group_by) > 1:
        raise Inexpressible(f"it counts by {' and '.join(rule.group_by)} together; by one field can be counted")
    condition = dict(rule.condition)
    counted = condition.pop("field", None)
    if (rule.kind == "value_count") is not isinstance(counted, str):
        raise Inexpressible("condition.field says whose values a value_count counts, and stands nowhere else")
    return Burst(
        at_least=_at_least(condition),
        within=within,
        by=_field(log, rule.group_by[0]) if rule.group_by else None,
        distinct=_field(log, counted) if isinstance(counted, str) else None,
    )


def _sequence(rule: Correlation, log: Log, step_a: AnyDetection) -> After[Any]:
    if len(rule.group_by) != 1:
        raise Inexpressible("a sequence is followed by one field (group-by) that its steps have in common")
    window = _timespan(rule.timespan)
    if not timedelta() < window <= _LONGEST_SEQUENCE:
        raise Inexpressible(f"its steps may be {rule.timespan} apart; up to ten years can be said")
    return After(step_a=step_a.when, by=_field(log, rule.group_by[0]), window=window)


def _at_least(condition: dict[str, Any]) -> int:
    match condition:
        case {"gte": int(number), **rest} if not rest and not isinstance(number, bool):
            least = number
        case {"gt": int(number), **rest} if not rest and not isinstance(number, bool):
            least = number + 1
        case _:
            said = ", ".join(condition) or "nothing"
            raise Inexpressible(f"its condition has {said}; a count can be compared by one whole number, as gt or gte")
    if least < 1:
        raise Inexpressible("its condition holds for no records at all")
    return least


def _field(log: Log, name: str) -> Text[Any]:
    answer = answer_for(log, name)
    if not isinstance(answer, Plain) or answer.only is not None:
        raise Inexpressible(f"{name}: it can't be counted by, since it isn't one value of each record")
    return answer.field


def _timespan(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,6})([smhdw])", text.strip())
    if found is None:
        raise Inexpressible(f"its timespan is {text!r}; it should be a number with s, m, h, d or w, like 10m")
    return int(found[1]) * _UNITS[found[2]]
