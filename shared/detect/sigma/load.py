"""From a file or a folder of Sigma rules to detections, and to the reasons why others aren't any."""

import copy
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sigma.rule import SigmaLevel, SigmaRule

from shared.detect.sigma.correlation import correlation_of
from shared.detect.sigma.doubts import doubts_of
from shared.detect.sigma.fields import PIM, RISK_DETECTION
from shared.detect.sigma.loaded import Loaded, Problem
from shared.detect.sigma.patterns import Inexpressible
from shared.detect.sigma.reading import Correlation, Parsed, Read, one_line, rules_in
from shared.detect.sigma.translation import condition_of
from shared.model.detections import Answer, AnyDetection, Detection, Technique, is_reference
from shared.model.events import Log
from shared.model.kinds import Risk

_LOGS: Final[Mapping[str, Log]] = {
    "auditlogs": Log.AUDIT,
    "signinlogs": Log.SIGN_IN,
    "activitylogs": Log.RESOURCE,
    PIM: Log.AUDIT,
    RISK_DETECTION: Log.SIGN_IN,
}
_RISKS: Final[Mapping[SigmaLevel, Risk]] = {
    SigmaLevel.INFORMATIONAL: Risk.LOW,
    SigmaLevel.LOW: Risk.LOW,
    SigmaLevel.MEDIUM: Risk.MEDIUM,
    SigmaLevel.HIGH: Risk.HIGH,
    SigmaLevel.CRITICAL: Risk.HIGH,
}
_SLIGHT: Final = frozenset({SigmaLevel.INFORMATIONAL, SigmaLevel.LOW})
_LEVELS: Final[Mapping[str, SigmaLevel]] = {level.name.lower(): level for level in SigmaLevel}
_NO_REASON: Final = frozenset({"", "unknown", "unlikely", "none", "n/a"})
_TECHNIQUE_TAG: Final = re.compile(r"attack\.(?P<id>t\d{4}(\.\d{3})?)", re.ASCII | re.IGNORECASE)
_ID_DIGITS: Final = 8
_LONGEST_SLUG: Final = 60
_LONGEST_TEXT: Final = 600
_LOOK_INTO_IT: Final = "Find out from whoever did it whether it was meant, and look at what else they did since."


def load(path: Path, *, also_known: frozenset[str] = frozenset()) -> Loaded:
    """Read every rule there is at `path`, a file or a folder; `also_known` is as in `doubts_of`."""
    detections: dict[str, AnyDetection] = {}
    files: dict[str, str] = {}
    problems: list[Problem] = []
    read_rules = [*rules_in(path)]
    alone = {id(read): _made(read) for read in read_rules if isinstance(read, Parsed)}
    named = {
        name: alone[id(read)]
        for read in read_rules
        if isinstance(read, Parsed)
        for name in (read.name, str(read.rule.id or ""))
        if name
    }
    parts = _only_parts(read_rules)
    for read in read_rules:
        made = _result(read, alone, named)
        if isinstance(made, Problem):
            problems.append(made)
        elif made.id in detections:
            because = f"its id, {made.id}, is that of {detections[made.id].title!r} in {files[made.id]}"
            problems.append(Problem(file=read.file, title=made.title, because=because))
        elif not (isinstance(read, Parsed) and parts & {read.name, str(read.rule.id or "")}):
            detections[made.id] = made
            files[made.id] = read.file
    doubted = (
        Problem(file=files[one.id], title=one.title, because="; ".join(doubts))
        for one in detections.values()
        if (doubts := doubts_of(one, also_known=also_known))
    )
    return Loaded(
        detections=tuple(detections.values()),
        files=tuple(files.values()),
        problems=tuple(problems),
        never_matching=tuple(doubted),
    )


def _only_parts(read: Sequence[Read]) -> frozenset[str]:
    """Give names and ids of rules that correlations name: they are no detections by themselves, unless it is said."""
    kept = frozenset[str]().union(*(one.rules for one in read if isinstance(one, Correlation) and one.generate))
    return frozenset[str]().union(*(one.rules for one in read if isinstance(one, Correlation))) - kept


def _result(
    read: Read, alone: Mapping[int, AnyDetection | Problem], named: Mapping[str, AnyDetection | Problem]
) -> AnyDetection | Problem:
    match read:
        case Problem():
            return read
        case Parsed():
            return alone[id(read)]
        case Correlation():
            return _correlated(read, named)


def _made(parsed: Parsed) -> AnyDetection | Problem:
    try:
        return detection_of(parsed)
    except Inexpressible as because:
        return Problem(file=parsed.file, title=_line(parsed.rule.title), because=str(because))


def _correlated(read: Correlation, named: Mapping[str, AnyDetection | Problem]) -> AnyDetection | Problem:
    title = _line(read.title)
    try:
        bases = [_base(name, named) for name in read.rules]
        counted, after, when = correlation_of(read, bases)
    except Inexpressible as because:
        return Problem(file=read.file, title=title, because=str(because))
    level = _LEVELS.get(read.level)
    return copy.replace(
        bases[-1],
        id=_id_from(read.id, title),
        seed_row=f"sigma/{read.id or _slug(title)}",
        title=title,
        why=_line(read.description) or f"The Sigma rule {title!r} looks for it.",
        risk=_RISKS[level] if level is not None else Risk.MEDIUM,
        when=when,
        answer=Answer.RECORD if level in _SLIGHT else Answer.PAGE,
        counted=counted,
        after=after,
        techniques=_techniques(read.tags),
        reference=next(filter(is_reference, read.references), ""),
    )


def _base(name: str, named: Mapping[str, AnyDetection | Problem]) -> AnyDetection:
    found = named.get(name)
    if found is None:
        raise Inexpressible(f"it correlates {name!r}, and no rule here has that name or id")
    if isinstance(found, Problem):
        raise Inexpressible(f"it correlates {name!r}, which isn't loaded: {found.because}")
    return found


def detection_of(parsed: Parsed) -> AnyDetection:
    """Make a rule a detection.

    Raises:
        Inexpressible: it is about records that aren't read, or asks what can't be said; the text says what.
    """
    rule = parsed.rule
    log = _log_of(rule)
    title = _line(rule.title)
    when: Any = condition_of(parsed, log, service=(rule.logsource.service or "").lower())
    is_slight = rule.level in _SLIGHT
    return Detection[Any](
        id=_id_of(rule, title),
        seed_row=f"sigma/{rule.id or _slug(title)}",
        title=title,
        why=_line(rule.description or "") or f"The Sigma rule {title!r} looks for it.",
        risk=_RISKS[rule.level] if rule.level is not None else Risk.MEDIUM,
        log=log,
        when=when,
        unless_actor_in=None,
        answer=Answer.RECORD if is_slight else Answer.PAGE,
        first_step=_first_step(rule),
        techniques=_techniques(parsed.tags),
        reference=next(filter(is_reference, parsed.references), ""),
    )


def _techniques(tags: tuple[str, ...]) -> tuple[Technique, ...]:
    """Take the techniques from tags such as attack.t1098.003; others name tactics, groups and software."""
    found = [match["id"].upper() for tag in tags if (match := _TECHNIQUE_TAG.fullmatch(tag))]
    return tuple(Technique(id=each) for each in dict.fromkeys(found))


def _log_of(rule: SigmaRule) -> Log:
    source = rule.logsource
    product, service = (source.product or "").lower(), (source.service or "").lower()
    if product != "azure":
        raise Inexpressible(f"it is about product {product or source.category!r}; rules of product azure are read")
    if service not in _LOGS:
        raise Inexpressible(f"it is about service {service!r} of azure; read are {', '.join(_LOGS)}")
    return _LOGS[service]


def _id_of(rule: SigmaRule, title: str) -> str:
    """Name the detection by the rule's own id, which stays when the title is written anew; a rule may have none."""
    return _id_from(str(rule.id or ""), title)


def _id_from(number: str, title: str) -> str:
    return f"sigma-{number[:_ID_DIGITS] if number else _slug(title)}"


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:_LONGEST_SLUG].strip("-")


def _line(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= _LONGEST_TEXT else f"{line[:_LONGEST_TEXT]}…"


def _first_step(rule: SigmaRule) -> str:
    harmless = [_line(str(each)).rstrip(".") for each in rule.falsepositives or ()]
    named = [each for each in harmless if each.lower() not in _NO_REASON]
    return f"{_LOOK_INTO_IT} It may be harmless: {'; '.join(named)}."[:_LONGEST_TEXT] if named else _LOOK_INTO_IT
