"""What rules mean, held to a second and simpler reader of Sigma's specification; and what can't be said, with why."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shared.detect.conditions import predicate, required
from shared.detect.fields import Audit, SignIn
from shared.detect.matcher import Matcher
from shared.detect.sigma.load import load
from shared.model.conditions import All, AnyOf, Condition, Contains, Is, Not, OneOf
from shared.model.detections import Answer, AnyDetection
from shared.model.events import Actor, AuditEvent, Change, Log, Target
from shared.model.kinds import Risk
from tests.fakes.sigma_rules import RULE_ID, detection_from, loaded, reason_from, rule, selection

type Json = dict[str, Any]

_FIELDS: Final = ("activityDisplayName", "Category", "properties.targetResources{}.modifiedProperties{}.displayName")
_MODIFIERS: Final = ("", "contains", "startswith", "endswith", "all", "contains|all", "startswith|all", "neq")

_pieces = st.sampled_from(("a", "b", "ab", "Ba", "a b", " ", "-", "*", "*", "?", "\\", "\\*", "\\\\"))
_words = st.sampled_from(("a", "ab", "aba", "b", "A B", "a b", "a-b", "*", "\\"))
_texts = st.one_of(_words, _words, st.just(""), st.lists(_words, max_size=3).map("".join))
_starred = st.tuples(st.sampled_from(("", "*")), _words, st.sampled_from(("", "*"))).map("".join)
_patterns = st.one_of(_words, _starred, _starred, st.lists(_pieces, max_size=3).map("".join))
_values = st.one_of(_patterns, _patterns, st.just(""), st.none())


@st.composite
def _items(draw: st.DrawFn) -> tuple[str, Any]:
    field = draw(st.sampled_from(_FIELDS))
    if draw(st.integers(0, 9)) == 0:
        return f"{field}|exists", draw(st.booleans())
    modifier = draw(st.sampled_from(_MODIFIERS))
    values = _patterns if re.search("contains|with", modifier) else _values
    value = draw(st.lists(values, min_size=1, max_size=3)) if "all" in modifier or draw(st.booleans()) else draw(values)
    return f"{field}|{modifier}".rstrip("|"), value


_maps = st.lists(_items(), min_size=1, max_size=2).map(dict[str, Any])
_selections = st.one_of(_maps, st.lists(_maps, min_size=1, max_size=2))
_NAMES: Final = ("selection", "selection_more", "filter")
_conditions = st.recursive(
    st.sampled_from((*_NAMES, "1 of selection*", "all of selection*", "1 of them", "all of them")),
    lambda inner: st.one_of(
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} and {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} or {two[1]})"),
    ),
    max_leaves=4,
)
_rules = st.fixed_dictionaries(dict.fromkeys(_NAMES, _selections) | {"condition": _conditions})
_records = st.fixed_dictionaries({_FIELDS[0]: _texts, _FIELDS[1]: _texts, _FIELDS[2]: st.lists(_texts, max_size=3)})


class Unsayable(Exception):
    """Raised by the second reader for a value that can't be asked: a wildcard elsewhere than at its ends, say."""


def _tokens(written: str) -> list[str]:
    """Split a value into characters: "*" and "?" are wildcards, a literal character has a dot before it."""
    read: list[str] = []
    rest = written
    while rest:
        if rest[0] == "\\" and rest[1:2] and rest[1] in "*?\\":
            read.append(f".{rest[1]}")
            rest = rest[2:]
        else:
            read.append(rest[0] if rest[0] in "*?" else f".{rest[0]}")
            rest = rest[1:]
    return read


def _spaced(text: str) -> str:
    return re.sub(" +", " ", text.lower())


def _one_meets(tokens: list[str], value: str) -> bool:
    literal = [token for token in tokens if token != "*"]
    if not literal:
        return bool(value) if tokens else not value
    first, last = tokens.index(literal[0]), len(tokens) - tokens[::-1].index(literal[-1])
    text = _spaced("".join(token[1:] for token in literal))
    is_open = first > 0 or last < len(tokens)
    if "*" in tokens[first:last] or "?" in literal or (is_open and not text.strip()):
        raise Unsayable
    text = text if first else text.lstrip()
    text = text if last < len(tokens) else text.rstrip()
    pattern = f"{'.*' if first else ''}{re.escape(text)}{'.*' if last < len(tokens) else ''}"
    return re.fullmatch(pattern, value, re.DOTALL) is not None


def _opened(tokens: list[str], modifier: str) -> list[str]:
    """Put the wildcards that a modifier stands for."""
    if ("contains" in modifier or "endswith" in modifier) and tokens[:1] != ["*"]:
        tokens = ["*", *tokens]
    if ("contains" in modifier or "startswith" in modifier) and tokens[-1:] != ["*"]:
        tokens = [*tokens, "*"]
    return tokens


def _item_holds(key: str, value: Any, record: Json) -> bool:  # noqa: ANN401 - whatever YAML gives
    field, _, modifier = key.partition("|")
    held: list[str] = record[field] if isinstance(record[field], list) else [record[field]]
    there = [_spaced(one).strip() for one in held]
    there = [one for one in there if one]
    if modifier == "exists":
        return bool(there) is value
    each = cast("list[Any]", value) if isinstance(value, list) else [value]
    asked = [_opened(_tokens(written or ""), modifier) for written in each]
    answers = [any([_one_meets(tokens, one) for one in there or [""]]) for tokens in asked]  # noqa: C419 - each is read
    holds = all(answers) if "all" in modifier else any(answers)
    return not holds if modifier == "neq" else holds


def _selected(selection: Any, record: Json) -> bool:  # noqa: ANN401 - whatever YAML gives
    if isinstance(selection, list):
        each = cast("list[Json]", selection)
        return any([_selected(one, record) for one in each])  # noqa: C419 - as above
    return all([_item_holds(key, value, record) for key, value in selection.items()])  # noqa: C419 - as above


def second_reading(detection: Json, record: Json) -> bool:
    """Say whether a record meets a rule, straight from its members.

    Raises:
        Unsayable: something that its condition names can't be asked.
    """
    said = str(detection["condition"])
    for word, joint in (("1", "or"), ("all", "and")):
        of_them, of_some = f" {joint} ".join(_NAMES), f" {joint} ".join(_NAMES[:2])
        said = said.replace(f"{word} of them", f"({of_them})").replace(f"{word} of selection*", f"({of_some})")
    answers = {name: _selected(detection[name], record) for name in set(re.findall(r"[a-z_]+", said)) & {*_NAMES}}
    return bool(eval(said, {"__builtins__": {}}, answers))  # noqa: S307 - names, and, or, not


def event_of(record: Json) -> AuditEvent:
    return AuditEvent(
        id="1",
        tenant_id="t",
        at=datetime(2026, 3, 17, tzinfo=UTC),
        activity=record[_FIELDS[0]],
        category=record[_FIELDS[1]],
        service="",
        outcome="",
        reason="",
        correlation_id="1",
        actor=Actor(),
        targets=(Target(changes=tuple(Change(name=name) for name in record[_FIELDS[2]])),),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rules")


@given(detection=_rules, records=st.lists(_records, min_size=1, max_size=8))
def test_a_rule_means_what_a_second_reader_takes_it_to_mean(folder: Path, detection: Json, records: list[Json]) -> None:
    read = loaded(folder, rule(yaml.safe_dump(detection, allow_unicode=True, width=1000)))
    try:
        expected = [second_reading(detection, record) for record in records]
    except Unsayable:
        assert [problem.is_unreadable for problem in read.problems] == [False]
        return
    assert [str(problem) for problem in read.problems] == []
    (made,) = read.detections
    matcher = Matcher([made])
    assert [bool(matcher.matches(event_of(record))) for record in records] == expected


_UNSAYABLE: Final = [
    ("OperationName: Add*user", "'Add*user' has a wildcard that isn't a * at its beginning or end"),
    ("OperationName: Add?", "has a wildcard"),
    ("OperationName|contains: 'a*b'", "has a wildcard"),
    ("OperationName|re: 'Add.*'", "OperationName|re: regular expressions can't be said"),
    ("OperationName|re|i: 'Add.*'", "OperationName|ignorecase: this modifier can't be said"),
    ("IPAddress|cidr: 10.0.0.0/8", "IPAddress|cidr: networks can't be said"),
    ("OperationName|cased: Add", "OperationName|cased: case isn't told apart here"),
    ("OperationName|base64: Add", "OperationName|base64: this modifier can't be said"),
    ("OperationName|base64offset|contains: Add", "OperationName|base64offset: this modifier can't be said"),
    ("OperationName|utf16: Add", "OperationName|utf16: this modifier can't be said"),
    ("OperationName|windash|contains: ' -x'", "OperationName|windash: this modifier can't be said"),
    ("OperationName|fieldref: Category", "OperationName|fieldref: two fields can't be compared"),
    ("OperationName|expand: '%names%'", "OperationName|expand: it has placeholders"),
    ("OperationName|lt: 5", "OperationName|lt: this modifier can't be said"),
    ("OperationName|gte: 5", "OperationName|gte: this modifier can't be said"),
    ("activityDateTime|hour: 5", "activityDateTime|hour: this modifier can't be said"),
    ("OperationName|contains: ' '", "a value of spaces alone"),
    (f"OperationName: {'x' * 501}", "a value has 501 characters; 500 can be compared"),
    ("OperationName|sounds: Add", "Unknown modifier 'sounds'"),
]


@pytest.mark.parametrize(("members", "because"), _UNSAYABLE, ids=[members[:40] for members, _ in _UNSAYABLE])
def test_what_cannot_be_said_is_named(tmp_path: Path, members: str, because: str) -> None:
    assert because in reason_from(tmp_path, selection(members))


def test_all_that_cannot_be_said_is_told_at_once(tmp_path: Path) -> None:
    because = reason_from(tmp_path, selection("Colour: red\nSize: large\nOperationName: a*b\nCategory: Policy"))
    assert "'Colour'" in because
    assert "'Size'" in because
    assert "a*b" in because


@pytest.mark.parametrize(
    ("detection", "because"),
    [
        ("keywords: [mimikatz, secret]\ncondition: keywords", "looks for words anywhere in a record"),
        ("s:\n    Category: x\ncondition: s | count() by Category > 5", "counts records"),
        ("s:\n    Category: x\ntimeframe: 10m\ncondition: s", "counts records in a time"),
        ("s:\n    Category: x\ncondition: s and other", "'other' not defined"),
        ("s:\n    Category: x\ncondition: 1 of more*", "doesn't match any detection"),
        ("s:\n    Category: x\ncondition: 2 of them", "Expected"),
        ("s:\n    Category: x", "must contain at least one condition|should be a text"),
        ("s: {}\ncondition: s", "Detection is empty"),
        ("s:\n    Category: x\ncondition: [s, 7]", "should be a text"),
    ],
)
def test_a_condition_that_cannot_be_said_is_named(tmp_path: Path, detection: str, because: str) -> None:
    assert re.search(because, reason_from(tmp_path, rule(detection)))


@pytest.mark.parametrize(
    ("source", "because"),
    [
        ("product: azure\n    service: entra_id", "read are auditlogs, signinlogs, activitylogs"),
        ("product: azure", "read are auditlogs, signinlogs, activitylogs"),
        ("product: windows\n    service: security", "it is about product 'windows'"),
        ("category: proxy", "it is about product 'proxy'"),
    ],
)
def test_a_rule_about_records_that_are_not_read_says_which_it_needs(tmp_path: Path, source: str, because: str) -> None:
    text = rule("s:\n    Category: x\ncondition: s").replace("product: azure\n    service: auditlogs", source)
    assert because in reason_from(tmp_path, text)


_TREES: Final[list[tuple[str, Condition[Any]]]] = [
    ("s:\n    Category: [B, a]\ncondition: s", OneOf(Audit.category, frozenset({"a", "b"}))),
    ("s:\n    Category: x\ncondition: not s", Not(Is(Audit.category, "x"))),
    ("s:\n    Category: x\ncondition: not (not s)", Is(Audit.category, "x")),
    (
        "s:\n    Category: x\n    Service: y\nt:\n    Category: z\ncondition: s and not t",
        All((Is(Audit.category, "x"), Is(Audit.service, "y"), Not(Is(Audit.category, "z")))),
    ),
    (
        "s:\n    - Category: x\n    - Category: y\n    - Service: z\ncondition: s",
        AnyOf((OneOf(Audit.category, frozenset({"x", "y"})), Is(Audit.service, "z"))),
    ),
    ("s:\n    modifiedProperties.displayName: x\ncondition: s", Contains(Audit.changed_properties, "\nx\n")),
    ("s:\n    Category: x\nt:\n    Category: y\ncondition: [s, t]", OneOf(Audit.category, frozenset({"x", "y"}))),
]


@pytest.mark.parametrize(("detection", "tree"), _TREES)
def test_a_tree_is_flat_where_it_can_be(tmp_path: Path, detection: str, tree: Condition[Any]) -> None:
    assert detection_from(tmp_path, rule(detection)).when == tree


def test_the_index_finds_the_names_in_a_rule(tmp_path: Path) -> None:
    made = detection_from(tmp_path, selection("OperationName: [Add user, Add group.]\nCategory: x"))
    assert required(made.when, Audit.activity) == {"add user", "add group", "add group."}
    codes = detection_from(tmp_path, selection("ResultType: [50126, 0]", service="signinlogs"))
    assert required(codes.when, SignIn.error_code) == {"50126", "0"}


@pytest.mark.parametrize(
    ("level", "risk", "answer"),
    [
        ("level: informational", Risk.LOW, Answer.RECORD),
        ("level: low", Risk.LOW, Answer.RECORD),
        ("level: medium", Risk.MEDIUM, Answer.PAGE),
        ("level: high", Risk.HIGH, Answer.PAGE),
        ("level: critical", Risk.HIGH, Answer.PAGE),
        ("", Risk.MEDIUM, Answer.PAGE),
    ],
)
def test_a_level_says_how_loud_a_rule_is(tmp_path: Path, level: str, risk: Risk, answer: Answer) -> None:
    made = detection_from(tmp_path, rule("s:\n    Category: x\ncondition: s", more=level))
    assert (made.risk, made.answer) == (risk, answer)


def test_a_rule_becomes_a_detection_that_nobody_is_approved_for(tmp_path: Path) -> None:
    more = "level: high\ndescription: |\n    Somebody\n    did it.\nfalsepositives:\n    - Unknown\n    - A rota."
    made = detection_from(tmp_path, rule("s:\n    Category: x\ncondition: s", title="It  happened", more=more))
    assert (made.id, made.seed_row, made.title) == (f"sigma-{RULE_ID[:8]}", f"sigma/{RULE_ID}", "It happened")
    assert (made.why, made.log, made.unless_actor_in) == ("Somebody did it.", Log.AUDIT, None)
    assert made.first_step.endswith("It may be harmless: A rota.")
    assert made.remediation is None


def test_tags_and_references_say_which_techniques_and_where_to_read_on(tmp_path: Path) -> None:
    more = (
        "level: high\ntags:\n    - attack.persistence\n    - attack.T1098.003\n    - attack.t1098\n"
        "    - attack.t1098.003\n"
        "    - attack.g0016\n    - nonsense\n    - 7\n"
        "references:\n    - http://plain.example/\n    - 'https://spaces in.example/'\n    - https://x.example/a?b=c#d\n"
        "    - https://y.example/"
    )
    made = detection_from(tmp_path, rule("s:\n    Category: x\ncondition: s", more=more))
    assert [str(technique) for technique in made.techniques] == ["T1098.003", "T1098"]
    assert made.reference == "https://x.example/a?b=c#d"


def test_a_rule_without_an_id_goes_by_its_title(tmp_path: Path) -> None:
    text = rule("s:\n    Category: x\ncondition: s", title="'Added: A User (again)'").replace(f"id: {RULE_ID}\n", "")
    made = detection_from(tmp_path, text)
    assert (made.id, made.seed_row) == ("sigma-added-a-user-again", "sigma/added-a-user-again")
    assert "harmless" not in made.first_step


def test_of_two_rules_with_one_id_the_second_is_named(tmp_path: Path) -> None:
    for name in ("b.yml", "a.yml"):
        (tmp_path / name).write_text(rule("s:\n    Category: x\ncondition: s", title=f"Rule {name[0]}"))
    read = load(tmp_path)
    assert [(one.title, file) for one, file in zip(read.detections, read.files, strict=True)] == [("Rule a", "a.yml")]
    assert [str(one) for one in read.problems] == [
        f"b.yml (Rule b): its id, sigma-{RULE_ID[:8]}, is that of 'Rule a' in a.yml"
    ]


def test_a_detection_meets_events_like_any_other(tmp_path: Path) -> None:
    made: AnyDetection = detection_from(tmp_path, selection("Category: x"))
    meets = predicate(made.when)
    assert meets(event_of({_FIELDS[0]: "", _FIELDS[1]: "X ", _FIELDS[2]: []}))
    assert not meets(event_of({_FIELDS[0]: "x", _FIELDS[1]: "", _FIELDS[2]: []}))
