"""From a file or a folder of Sigma rules to detections, and to the reasons why others aren't any."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sigma.rule import SigmaLevel, SigmaRule

from shared.detect.sigma.loaded import Loaded, Problem
from shared.detect.sigma.patterns import Inexpressible
from shared.detect.sigma.reading import Parsed, one_line, rules_in
from shared.detect.sigma.translation import condition_of
from shared.model.detections import Answer, AnyDetection, Detection, Technique, is_reference
from shared.model.events import Log
from shared.model.kinds import Risk

_LOGS: Final[Mapping[str, Log]] = {
    "auditlogs": Log.AUDIT,
    "signinlogs": Log.SIGN_IN,
    "activitylogs": Log.RESOURCE,
}
_UNREAD_LOGS: Final[Mapping[str, str]] = {
    "riskdetection": "the risk detections of Identity Protection (Graph identityProtection/riskDetections, table"
    " AADUserRiskEvents)",
    "pim": "the alerts of Privileged Identity Management (Graph identityGovernance/roleManagementAlerts)",
}
_RISKS: Final[Mapping[SigmaLevel, Risk]] = {
    SigmaLevel.INFORMATIONAL: Risk.LOW,
    SigmaLevel.LOW: Risk.LOW,
    SigmaLevel.MEDIUM: Risk.MEDIUM,
    SigmaLevel.HIGH: Risk.HIGH,
    SigmaLevel.CRITICAL: Risk.HIGH,
}
_NO_REASON: Final = frozenset({"", "unknown", "unlikely", "none", "n/a"})
_TECHNIQUE_TAG: Final = re.compile(r"attack\.(?P<id>t\d{4}(\.\d{3})?)", re.ASCII | re.IGNORECASE)
_ID_DIGITS: Final = 8
_LONGEST_SLUG: Final = 60
_LONGEST_TEXT: Final = 600
_LOOK_INTO_IT: Final = "Find out from whoever did it whether it was meant, and look at what else they did since."


def load(path: Path) -> Loaded:
    """Read every rule there is at `path`, a file or a folder."""
    detections: dict[str, AnyDetection] = {}
    files: dict[str, str] = {}
    problems: list[Problem] = []
    for read in rules_in(path):
        made = read if isinstance(read, Problem) else _made(read)
        if isinstance(made, Problem):
            problems.append(made)
        elif made.id in detections and isinstance(read, Parsed):
            because = f"its id, {made.id}, is that of {detections[made.id].title!r} in {files[made.id]}"
            problems.append(Problem(file=read.file, title=made.title, because=because))
        else:
            detections[made.id] = made
            files[made.id] = read.file
    return Loaded(detections=tuple(detections.values()), files=tuple(files.values()), problems=tuple(problems))


def _made(parsed: Parsed) -> AnyDetection | Problem:
    try:
        return detection_of(parsed)
    except Inexpressible as because:
        return Problem(file=parsed.file, title=_line(parsed.rule.title), because=str(because))


def detection_of(parsed: Parsed) -> AnyDetection:
    """Make a rule a detection.

    Raises:
        Inexpressible: it is about records that aren't read, or asks what can't be said; the text says what.
    """
    rule = parsed.rule
    log = _log_of(rule)
    title = _line(rule.title)
    when: Any = condition_of(parsed, log)
    is_slight = rule.level in {SigmaLevel.INFORMATIONAL, SigmaLevel.LOW}
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
    if needed := _UNREAD_LOGS.get(service):
        raise Inexpressible(f"it needs {needed}, of which no record is read")
    if service not in _LOGS:
        raise Inexpressible(f"it is about service {service!r} of azure; read are {', '.join(_LOGS)}")
    return _LOGS[service]


def _id_of(rule: SigmaRule, title: str) -> str:
    """Name the detection by the rule's own id, which stays when the title is written anew; a rule may have none."""
    return f"sigma-{str(rule.id)[:_ID_DIGITS] if rule.id else _slug(title)}"


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:_LONGEST_SLUG].strip("-")


def _line(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= _LONGEST_TEXT else f"{line[:_LONGEST_TEXT]}…"


def _first_step(rule: SigmaRule) -> str:
    harmless = [_line(str(each)).rstrip(".") for each in rule.falsepositives or ()]
    named = [each for each in harmless if each.lower() not in _NO_REASON]
    return f"{_LOOK_INTO_IT} It may be harmless: {'; '.join(named)}."[:_LONGEST_TEXT] if named else _LOOK_INTO_IT
