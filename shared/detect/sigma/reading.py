"""From files to rules as pySigma parses them, each by itself: a broken one never keeps another from being read.

Rules come from strangers. Files are bounded, YAML that could unfold into more than was written isn't read at all, and
whatever pySigma makes of an odd rule is a problem of that rule.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

import yaml
from msgspec import Struct
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule
from sigma.rule.base import SigmaYAMLLoader

from shared.detect.sigma.loaded import Problem

_LARGEST: Final = 256 * 1024
"""Bytes of a file: a hundred times those of an ordinary rule."""
_DEEPEST: Final = 20
_LONGEST_CONDITION: Final = 2000
_MOST_NESTED: Final = 20
_MOST_STARS: Final = 3
_LONGEST_SAID: Final = 300
_WANTED: Final = frozenset({"title", "id", "description", "level", "falsepositives", "logsource", "detection"})
"""The members that a detection is made of: what is wrong with another one doesn't matter here."""
_SUFFIXES: Final = frozenset({".yml", ".yaml"})
_BETWEEN_DOCUMENTS: Final = re.compile(r"^---(?:[ \t].*)?$", re.MULTILINE)


class Parsed(Struct, frozen=True, kw_only=True):
    """A rule, the file it is from, and a tree of pySigma's for each of its conditions.

    `tags` and `references` are the rule's, as they stand in the file: pySigma would refuse the rule for a wrong one.
    `name` is what correlations may call it, beside its id.
    """

    file: str
    rule: SigmaRule
    trees: tuple[object, ...]
    tags: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    name: str = ""


class Correlation(Struct, frozen=True, kw_only=True):
    """A rule that correlates others: by `rules` their names or ids, `group_by` fields; `condition` as it stands there.

    `timespan` is as Sigma writes it: "10m". With `generate` the rules that it names are detections of their own too.
    """

    file: str
    title: str
    id: str
    description: str
    level: str
    tags: tuple[str, ...]
    references: tuple[str, ...]
    kind: str
    rules: tuple[str, ...]
    group_by: tuple[str, ...]
    timespan: str
    condition: Mapping[str, Any]
    generate: bool


class _Wrong(Exception):
    """What is wrong with a rule."""


type Read = Parsed | Correlation | Problem
"""What a document becomes."""


def rules_in(path: Path) -> Iterator[Read]:
    """Read a file, or every YAML file of a folder and of those below it, in the order of their names."""
    if not path.is_dir():
        yield from _rules_of(path, path.name)
        return
    for file in sorted(path.rglob("*")):
        if file.suffix.lower() in _SUFFIXES and not file.is_dir():
            yield from _rules_of(file, file.relative_to(path).as_posix())


def _rules_of(path: Path, name: str) -> Iterator[Read]:
    try:
        text = _text_of(path)
    except (_Wrong, OSError, UnicodeDecodeError) as error:
        because = getattr(error, "strerror", None) or str(error)
        yield Problem(file=name, title="", because=f"the file can't be read: {because}", is_unreadable=True)
        return
    documents = [part for part in _BETWEEN_DOCUMENTS.split(text) if _says_something(part)]
    if not documents:
        yield Problem(file=name, title="", because="there is no rule in it", is_unreadable=True)
    for document in documents:
        yield _rule_of(document, name)


def _text_of(path: Path) -> str:
    if not path.is_file():
        raise _Wrong("it isn't a file")
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise _Wrong(f"it is larger than {_LARGEST // 1024} KB, and rules are a few")
    return content.decode("utf-8-sig")


def _says_something(document: str) -> bool:
    return any(line.strip() and not line.lstrip().startswith("#") for line in document.splitlines())


def _rule_of(document: str, name: str) -> Read:
    try:
        members = _members(document)
    except (_Wrong, yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        return Problem(
            file=name, title="", because=f"it isn't YAML that can be read: {_message(error)}", is_unreadable=True
        )
    title = one_line(str(members.get("title") or ""))
    try:
        _check(members)
        if "correlation" in members:
            return _correlation_of(members, name, title)
        rule = SigmaRule.from_dict({key: members[key] for key in _WANTED & members.keys()})
        trees = tuple(each.parsed for each in rule.detection.parsed_condition)
        tags, references = _texts(members.get("tags")), _texts(members.get("references"))
        called = one_line(str(members.get("name") or ""))
        return Parsed(file=name, rule=rule, trees=trees, tags=tags, references=references, name=called)
    except _Wrong as wrong:
        because = str(wrong)
    except SigmaError as error:
        because = _message(error)
    except Exception as error:  # noqa: BLE001 - pySigma raises what comes; it is about this rule and no other
        because = f"it isn't a Sigma rule: {_message(error)}"
    return Problem(file=name, title=title, because=because)


def _correlation_of(members: dict[str, Any], file: str, title: str) -> Correlation:
    found: object = members["correlation"]
    if not isinstance(found, dict):
        raise _Wrong("correlation should be a mapping with type, rules, timespan and condition")
    correlation = cast("dict[str, Any]", found)
    if "aliases" in correlation:
        raise _Wrong("it correlates fields of different names (aliases); one field of one name can be said")
    condition: object = correlation.get("condition") or {}
    if not isinstance(condition, dict):
        raise _Wrong("correlation.condition should be a mapping, like: gte: 10")
    return Correlation(
        file=file,
        title=title,
        id=str(members.get("id") or ""),
        description=one_line(str(members.get("description") or "")),
        level=str(members.get("level") or "").lower(),
        tags=_texts(members.get("tags")),
        references=_texts(members.get("references")),
        kind=str(correlation.get("type") or ""),
        rules=_one_or_more(correlation.get("rules")),
        group_by=_one_or_more(correlation.get("group-by")),
        timespan=str(correlation.get("timespan") or ""),
        condition=cast("dict[str, Any]", condition),
        generate=bool(correlation.get("generate") or members.get("generate")),
    )


def _one_or_more(member: object) -> tuple[str, ...]:
    return (member,) if isinstance(member, str) else _texts(member)


def _members(document: str) -> dict[str, Any]:
    """Read one document, after a look at its events: nothing is built of one that could grow without bound."""
    depth = 0
    for event in yaml.parse(document, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise _Wrong("it has aliases (*name), which no rule needs: write out what they stand for")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise _Wrong(f"it is nested more than {_DEEPEST} deep")
    members = yaml.load(document, Loader=SigmaYAMLLoader)  # noqa: S506 - a safe loader that takes no key twice
    if not isinstance(members, dict):
        raise _Wrong("it should be a mapping with title, logsource and detection")
    return cast("dict[str, Any]", members)


def _texts(member: object) -> tuple[str, ...]:
    """Give the texts of a list; anything else in it, or instead of it, is left out."""
    members = cast("list[object]", member) if isinstance(member, list) else []
    return tuple(one for one in members if isinstance(one, str))


def one_line(text: str) -> str:
    """Give a text on one line, without what would move a cursor or hide."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def _check(members: dict[str, Any]) -> None:
    """Find what is no rule about single records, and what pySigma would take too long over."""
    if not one_line(str(members.get("title") or "")):
        raise _Wrong("it has no title")
    if "filter" in members and "detection" not in members:
        raise _Wrong("it is a filter for other rules: put its condition into those")
    if "action" in members:
        raise _Wrong(
            f"action {str(members['action'])[:40]!r} is how rules were once put together: write each one whole"
        )
    detection = members.get("detection")
    if not isinstance(detection, dict):
        return
    named = cast("dict[str, Any]", detection)
    conditions = named.get("condition")
    for condition in cast("list[Any]", conditions) if isinstance(conditions, list) else [conditions]:
        _check_condition(condition)
    if "timeframe" in named:
        raise _Wrong("it counts records in a time (timeframe), as Sigma once did: write a correlation")


def _check_condition(condition: object) -> None:
    if not isinstance(condition, str):
        raise _Wrong("detection.condition should be a text, like: selection and not filter")
    if "|" in condition:
        raise _Wrong("it counts records (| in its condition), as Sigma once did: write a correlation")
    if len(condition) > _LONGEST_CONDITION:
        raise _Wrong(f"its condition has {len(condition)} characters; {_LONGEST_CONDITION} are read")
    if condition.count("(") > _MOST_NESTED or condition.split().count("not") > _MOST_NESTED:
        raise _Wrong(f"its condition has more than {_MOST_NESTED} brackets or nots")
    if any(word.count("*") > _MOST_STARS for word in condition.split()):
        raise _Wrong(f"its condition has a name with more than {_MOST_STARS} stars")


def _message(error: Exception) -> str:
    """Give what an exception says, on one line, without the file that pySigma adds."""
    said = str(error.args[0]) if isinstance(error, SigmaError) and error.args else str(error)
    return one_line(said)[:_LONGEST_SAID] or type(error).__name__
