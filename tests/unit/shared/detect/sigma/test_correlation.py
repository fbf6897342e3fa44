"""Correlation rules become counts and sequences that mean the same, or it is said what can't be."""

import textwrap
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from shared.detect.fields import Audit, SignIn
from shared.detect.sigma.loaded import Loaded
from shared.model.conditions import AnyOf
from shared.model.detections import After, AnyDetection, Burst
from shared.model.kinds import Risk
from tests.fakes.sigma_rules import loaded, rule

_FAILED: Final = "1d9e1c40-52fb-4e0a-9b6d-1f83a0c2e571"
_SIGNED_IN: Final = "2d9e1c40-52fb-4e0a-9b6d-1f83a0c2e572"
_MANY: Final = "3d9e1c40-52fb-4e0a-9b6d-1f83a0c2e573"


def _base(name: str, code: str, rule_id: str) -> str:
    return f"name: {name}\n" + rule(
        f"s:\n    ResultType: {code}\ncondition: s", service="signinlogs", title=name, rule_id=rule_id
    )


def _correlated(folder: Path, correlation: str, *, more: str = "level: high", others: str = "") -> Loaded:
    asked = textwrap.indent(textwrap.dedent(correlation).strip(), "    ")
    many = f"title: Many\nid: {_MANY}\ncorrelation:\n{asked}\n{more}\n"
    parts = [_base("failed", "50126", _FAILED), _base("signed_in", "0", _SIGNED_IN), many]
    return loaded(folder, "---\n".join([*parts, *([others] if others else [])]))


def _made(read: Loaded) -> AnyDetection:
    assert [str(problem) for problem in read.problems] == []
    (found,) = [one for one in read.detections if one.title == "Many"]
    return found


_COUNT: Final = """
type: event_count
rules: [failed]
group-by: [userId]
timespan: 10m
condition:
    gte: 5
"""


def test_an_event_count_is_a_burst_and_the_rule_that_it_names_no_detection(tmp_path: Path) -> None:
    read = _correlated(tmp_path, _COUNT)
    made = _made(read)
    assert made.counted == Burst(at_least=5, within=timedelta(minutes=10), by=SignIn.account)
    assert (made.id, made.risk, made.after) == ("sigma-3d9e1c40", Risk.HIGH, None)
    assert [one.title for one in read.detections] == ["signed_in", "Many"]


@pytest.mark.parametrize("where", ["correlation", "rule"])
def test_with_generate_it_is_one_too(tmp_path: Path, where: str) -> None:
    text = _COUNT + ("generate: true\n" if where == "correlation" else "")
    read = _correlated(tmp_path, text, more="generate: true" if where == "rule" else "level: low")
    assert [one.title for one in read.detections] == ["failed", "signed_in", "Many"]


def test_a_value_count_counts_different_values(tmp_path: Path) -> None:
    made = _made(
        _correlated(
            tmp_path,
            """
            type: value_count
            rules: failed
            group-by: ipAddress
            timespan: 1h
            condition:
                field: userId
                gt: 20
            """,
        )
    )
    expected = Burst(at_least=21, within=timedelta(hours=1), by=SignIn.address, distinct=SignIn.account)
    assert made.counted == expected


def test_several_rules_are_counted_together_and_by_nothing(tmp_path: Path) -> None:
    text = "type: event_count\nrules: [failed, signed_in]\ntimespan: 1h\ncondition:\n    gte: 100"
    made = _made(_correlated(tmp_path, text))
    assert made.counted == Burst(at_least=100, within=timedelta(hours=1))
    assert isinstance(made.when, AnyOf)


def test_two_rules_in_order_are_a_sequence(tmp_path: Path) -> None:
    text = f"type: temporal_ordered\nrules: [failed, {_SIGNED_IN}]\ngroup-by: [userId]\ntimespan: 2d"
    made = _made(_correlated(tmp_path, text))
    assert made.after == After(step_a=SignIn.error_code.is_("50126"), by=SignIn.account, window=timedelta(days=2))
    assert made.when == SignIn.error_code.is_("0")
    assert made.counted is None


def _without(line: str, instead: str = "") -> str:
    assert line in _COUNT
    return _COUNT.replace(line, instead)


_NOT_SAID: Final = {
    "no rules": (_without("rules: [failed]\n"), "it names no rules to correlate"),
    "an unknown rule": (_without("[failed]", "[other]"), "it correlates 'other', and no rule here has that name or id"),
    "another type": (_without("event_count", "temporal"), "its rules may match in any order"),
    "a type that is none": (_without("event_count", "percentile"), "its type is 'percentile'"),
    "no time": (_without("timespan: 10m\n"), "its timespan is ''"),
    "a long time": (_without("10m", "3d"), "it counts within 3d; whole minutes up to a day"),
    "seconds": (_without("10m", "90s"), "it counts within 90s; whole minutes"),
    "no time at all": (_without("10m", "0m"), "it counts within 0m"),
    "two fields": (_without("[userId]", "[userId, ipAddress]"), "it counts by userId and ipAddress together"),
    "a field that is none": (_without("[userId]", "[shoeSize]"), "no sign-in record has a field 'shoeSize'"),
    "a field of several values": (_without("[userId]", "[deviceDetail]"), "deviceDetail: it can't be counted by"),
    "fewer": (_without("gte: 5", "lt: 5"), "its condition has lt; a count can be compared"),
    "two bounds": (_without("gte: 5", "gte: 5\n    lt: 9"), "its condition has gte, lt"),
    "a word": (_without("gte: 5", "gte: many"), "its condition has gte; a count can be compared by one whole number"),
    "nothing": (_without("gte: 5", "gte: 0"), "holds for no records at all"),
    "a field of an event count": (_without("gte: 5", "gte: 5\n    field: userId"), "says whose values a value_count"),
    "no field of a value count": (_without("event_count", "value_count"), "says whose values a value_count"),
    "aliases": (_COUNT + "aliases: {}\n", "fields of different names (aliases)"),
    "a condition that is a text": (_without("\n    gte: 5", " many"), "should be a mapping, like: gte: 10"),
    "one step": (_without("event_count", "temporal_ordered"), "it has 1 steps; two can be said"),
}


@pytest.mark.parametrize(("correlation", "because"), _NOT_SAID.values(), ids=_NOT_SAID)
def test_what_can_not_be_said_is_named(tmp_path: Path, correlation: str, because: str) -> None:
    read = _correlated(tmp_path, correlation)
    (problem,) = read.problems
    assert because in problem.because
    assert problem.title == "Many"
    assert "Many" not in {one.title for one in read.detections}


def test_rules_of_different_logs_and_correlations_of_correlations_are_not_said(tmp_path: Path) -> None:
    audit = "name: added\n" + rule("s:\n    OperationName: Add user\ncondition: s", title="added")
    read = _correlated(tmp_path, _without("[failed]", "[failed, added]"), others=audit)
    assert [problem.because for problem in read.problems] == ["it correlates records of different logs"]
    asked = f"type: event_count\n    rules: [{_MANY}]\n    timespan: 1h\n    condition: {{gte: 2}}"
    again = f"title: Again\ncorrelation:\n    {asked}\n"
    read = _correlated(tmp_path, _COUNT, others=again)
    assert [problem.title for problem in read.problems] == ["Again"]


def test_a_step_that_never_matches_is_said(tmp_path: Path) -> None:
    names = {"added": "Add user", "gone": "Add member from group"}
    bases = [
        f"name: {name}\n"
        + rule(
            f"s:\n    OperationName: {activity}\ncondition: s",
            title=name,
            rule_id=f"{place}d9e1c40-52fb-4e0a-9b6d-1f83a0c2e574",
        )
        for place, (name, activity) in enumerate(names.items(), 4)
    ]
    asked = "type: temporal_ordered\n    rules: [gone, added]\n    group-by: initiatedBy.user.id\n    timespan: 1h"
    text = f"title: Then\ncorrelation:\n    {asked}\n"
    read = loaded(tmp_path, "---\n".join([*bases, text]))
    assert [str(problem) for problem in read.problems] == [
        "rule.yml (Then): initiatedBy.user.id: it can't be counted by, since it isn't one value of each record"
    ]
    read = loaded(tmp_path, "---\n".join([*bases, text.replace("initiatedBy.user.id", "category")]))
    (made,) = read.detections
    assert made.after is not None
    assert made.after.by is Audit.category
    (doubt,) = read.never_matching
    assert "'add member from group'" in doubt.because
