"""Rules that strangers broke, by accident or on purpose: each is named, none stops another, none takes long."""

import os
import time
from pathlib import Path
from typing import Final

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.detect.sigma.load import load
from tests.fakes.sigma_rules import RULE_ID, loaded, rule

_GOOD: Final = rule("s:\n    Category: x\ncondition: s", title="A good one")
_SOURCE: Final = "logsource:\n    product: azure\n    service: auditlogs"
_STEPS: Final = list(zip("abcdefgh", "bcdefghi", strict=True))
_LAUGHS: Final = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in _STEPS
)
_MERGES: Final = "a: &a {x: 1}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 9)}]}}\n" for before, name in _STEPS
)

_UNREADABLE: Final = {
    "not YAML": ("title: [unclosed", "isn't YAML that can be read"),
    "tabs": ("title: x\n\tid: y", "isn't YAML that can be read"),
    "a key twice": ("title: x\ntitle: y", "Duplicate key 'title'"),
    "a key that is a list": ("[a, b]: c", "isn't YAML that can be read"),
    "a list": ("- title: x", "it should be a mapping"),
    "a text": ("hello", "it should be a mapping"),
    "a number of 5000 digits": (f"title: {'9' * 5000}", "isn't YAML that can be read"),
    "a day that never was": ("title: 2026-02-30", "isn't YAML that can be read"),
    "code": ("title: !!python/object/apply:os.system [ls]", "isn't YAML that can be read"),
    "a laughing bomb": (_LAUGHS, "it has aliases"),
    "a bomb of merges": (_MERGES, "it has aliases"),
    "itself": ("a: &a [*a]", "it has aliases"),
    "depth": (f"title: {'[' * 21}{']' * 21}", "nested more than 20 deep"),
    "great depth": ("[" * 100_000, "isn't YAML that can be read"),
    "control characters": ("title: \x01", "isn't YAML that can be read"),
    "nothing": ("# only a remark\n---\n", "there is no rule in it"),
    "no bytes": ("", "there is no rule in it"),
    "5 MB": ("# " + "x" * 5_000_000, "larger than 256 KB"),
}


@pytest.mark.parametrize(("text", "because"), _UNREADABLE.values(), ids=_UNREADABLE)
def test_what_cannot_be_read_is_named_at_once(tmp_path: Path, text: str, because: str) -> None:
    began = time.monotonic()
    read = loaded(tmp_path, text)
    assert time.monotonic() - began < 5
    (problem,) = read.problems
    assert problem.is_unreadable
    assert because in problem.because
    assert "\n" not in problem.because
    assert (problem.file, problem.title) == ("rule.yml", "")


_BROKEN: Final = {
    "no title": (_GOOD.replace("title: A good one\n", ""), "it has no title"),
    "an empty title": (_GOOD.replace("A good one", "' \u200b '"), "it has no title"),
    "a long title": (_GOOD.replace("A good one", "x" * 300), "must not exceed 256 characters"),
    "an id that is none": (_GOOD.replace(RULE_ID, "mine"), "identifier must be an UUID"),
    "a level that is none": (_GOOD.replace("level: medium", "level: loud"), "'loud' is not a valid Sigma rule level"),
    "no log source": (_GOOD.replace("logsource:", "source:"), "must have a log source"),
    "a log source that is a text": (_GOOD.replace(_SOURCE, "logsource: azure"), "must be a valid YAML map"),
    "no detection": (_GOOD.replace("detection:", "detect:"), "must have a detection definitions"),
    "a detection that is a list": (_GOOD[: _GOOD.index("detection:")] + "detection: [a]", ""),
    "a detection that is null": (_GOOD[: _GOOD.index("detection:")] + "detection:", ""),
    "a correlation": ("title: Many\ncorrelation:\n    type: event_count", "it names no rules to correlate"),
    "a correlation that is a list": ("title: Many\ncorrelation: [a]", "should be a mapping"),
    "a filter": ("title: But these\nfilter:\n    rules: any", "it is a filter for other rules"),
    "an action": (f"action: global\n{_GOOD}", "write each one whole"),
    "brackets": (rule(f"s:\n    Category: x\ncondition: {'(' * 30}s{')' * 30}"), "more than 20 brackets or nots"),
    "brackets and nots": (
        rule(f"s:\n    Category: x\ncondition: {'(s or not ' * 21}s{')' * 21}"),
        "more than 20 brackets or nots",
    ),
    "nots": (rule(f"s:\n    Category: x\ncondition: {'not ' * 400}s"), "more than 20 brackets or nots"),
    "a long condition": (rule(f"s:\n    Category: x\ncondition: s{' or s' * 1000}"), "2000 are read"),
    "stars": (rule(f"{'s' * 60}:\n    Category: x\ncondition: 1 of {'*s' * 20}"), "more than 3 stars"),
    "a broken regular expression": (rule("s:\n    Category|re: '('\ncondition: s"), ""),
    "bytes": (rule("s:\n    Category: !!binary aGVsbG8=\ncondition: s"), ""),
    "a date": (rule("s:\n    Category: 2026-03-17\ncondition: s"), ""),
    "a map for a value": (rule("s:\n    Category: {a: b}\ncondition: s"), ""),
    "lists in lists": (rule("s:\n    Category: [[a]]\ncondition: s"), ""),
    "a number for a field": (rule("s:\n    7: a\ncondition: s"), ""),
}


@pytest.mark.parametrize(("text", "because"), _BROKEN.values(), ids=_BROKEN)
def test_a_broken_rule_is_named_and_stops_no_other(tmp_path: Path, text: str, because: str) -> None:
    (tmp_path / "a.yml").write_text(text, encoding="utf-8")
    (tmp_path / "b.yml").write_text(_GOOD.replace(RULE_ID, RULE_ID[::-1].replace("-", "")), encoding="utf-8")
    began = time.monotonic()
    read = load(tmp_path)
    assert time.monotonic() - began < 5
    assert [one.title for one in read.detections] == ["A good one"]
    (problem,) = read.problems
    assert problem.file == "a.yml"
    assert because in problem.because
    assert problem.because
    assert str(tmp_path) not in problem.because


@pytest.mark.parametrize(
    "condition", ["(" * 20 + "s" + ")" * 20, "not " * 20 + "s", "(s or not " * 20 + "s" + ")" * 20]
)
def test_what_is_nested_as_far_as_it_may_be_takes_no_time(tmp_path: Path, condition: str) -> None:
    began = time.monotonic()
    assert len(loaded(tmp_path, rule(f"s:\n    Category: x\ncondition: {condition}")).detections) == 1
    assert time.monotonic() - began < 5


def test_what_is_wrong_beside_the_detection_does_not_matter(tmp_path: Path) -> None:
    odd = "tags:\n    - DISABLED FOR NOW\ndate: yesterday\nreferences: here\nstatus: [x]\nrelated: 7\nauthor: 8\n"
    assert len(loaded(tmp_path, _GOOD + odd).detections) == 1


def test_the_rules_of_one_file_are_read_each_by_itself(tmp_path: Path) -> None:
    other = _GOOD.replace(RULE_ID, "0d9e1c40-52fb-4e0a-9b6d-1f83a0c2e574").replace("A good one", "Another")
    read = loaded(tmp_path, f"\ufeff---\n{_GOOD}\n---  \ntitle: [broken\n--- # next\n{other}---\n")
    assert [one.title for one in read.detections] == ["A good one", "Another"]
    assert [one.is_unreadable for one in read.problems] == [True]


def test_a_folder_is_read_whole_in_the_order_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "folder.yml").mkdir()
    for number, name in enumerate(("deep/er/b.yaml", "a.yml", "deep/c.YML")):
        text = _GOOD.replace(RULE_ID, f"{number:08x}-52fb-4e0a-9b6d-1f83a0c2e574")
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "README.md").write_text("no rule", encoding="utf-8")
    os.mkfifo(tmp_path / "pipe.yml")
    (tmp_path / "gone.yml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "latin.yml").write_bytes("title: é".encode("latin-1"))
    read = load(tmp_path)
    assert read.files == ("a.yml", "deep/c.YML", "deep/er/b.yaml")
    assert [one.file for one in read.problems] == ["gone.yml", "latin.yml", "pipe.yml"]
    assert all("the file can't be read" in one.because for one in read.problems)


def test_a_title_cannot_move_the_cursor(tmp_path: Path) -> None:
    read = loaded(tmp_path, _GOOD.replace("A good one", '"A \\e[2J good\\n one\\u202e"'))
    assert [one.title for one in read.detections] == ["A [2J good one"]


_PLACES: Final = ("title", "id", "level", "description", "falsepositives", "logsource", "detection", "s")
_plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_yaml = st.recursive(
    _plain | st.sampled_from(("azure", "s", "x")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("s"), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200)
@given(part=st.sampled_from(_PLACES), odd=_yaml)
def test_anything_in_any_place_gives_a_detection_or_a_reason(
    tmp_path_factory: pytest.TempPathFactory, part: str, odd: object
) -> None:
    members = yaml.safe_load(_GOOD)
    (members["detection"] if part == "s" else members)[part] = odd
    read = loaded(tmp_path_factory.getbasetemp(), yaml.safe_dump(members, allow_unicode=True))
    assert len(read.detections) + len(read.problems) == 1
    assert all(one.because for one in read.problems)
    assert all(one.title and one.why for one in read.detections)
