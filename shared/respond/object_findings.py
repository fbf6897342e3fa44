"""How the case of a change stands: by one detection, and by all that the change meets."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from shared.model.cases import Decision, Outcome
from shared.model.detections import AnyDetection
from shared.model.kinds import Risk

_RISKS: Final = tuple(Risk)


class Finding(Struct, frozen=True, kw_only=True):
    """How a case stands by a ruling. `is_final` says that nothing more is to come by itself."""

    decision: Decision
    outcome: Outcome
    because: str
    is_final: bool
    is_paged: bool
    would: str = ""
    by_hand: str = ""


class Heard(Struct, frozen=True, kw_only=True):
    """What a detection of the change finds."""

    detection: AnyDetection
    finding: Finding


WAITS: Final = Finding(decision=Decision.RECORD, outcome=Outcome.NONE, because="", is_final=False, is_paged=False)
"""Nothing can be said of the change yet."""

LEFT: Final = Finding(
    decision=Decision.RECORD,
    outcome=Outcome.NONE,
    because="a person said to leave it as it is",
    is_final=True,
    is_paged=False,
)


def paged(because: str, *, would: str = "", by_hand: str = "") -> Finding:
    """Give the finding that people are paged, and nothing more comes by itself."""
    return Finding(
        decision=Decision.PAGE,
        outcome=Outcome.NONE,
        because=because,
        is_final=True,
        is_paged=True,
        would=would,
        by_hand=by_hand,
    )


def recorded(because: str, *, would: str = "") -> Finding:
    """Give the finding that the change is only recorded."""
    return Finding(
        decision=Decision.RECORD, outcome=Outcome.NONE, because=because, is_final=True, is_paged=False, would=would
    )


def loudest(deciding: Heard, others: Sequence[Heard]) -> Heard:
    """Give the detection that people hear of, and what they hear.

    That is the one that decides what is put back, unless another one pages where it would record, wait, or page for
    less. What it would have done is said all the same, and that more is to come. A person who said to leave the change
    has heard of it.
    """
    found = deciding.finding
    louder = [each for each in others if each.finding.is_paged and _is_louder(each, deciding)]
    if found is LEFT or (not louder and (found is WAITS or found.is_paged)):
        return deciding
    if not louder:
        would = found.would or next((each.finding.would for each in others if each.finding.would), "")
        return Heard(detection=deciding.detection, finding=replace(found, would=would))
    other = max(louder, key=_risk)
    finding = replace(other.finding, would=found.would)
    if found is WAITS:
        finding = replace(finding, outcome=Outcome.PENDING, is_final=False)
    return Heard(detection=other.detection, finding=finding)


def _is_louder(other: Heard, deciding: Heard) -> bool:
    """Whether another detection pages where the one that decides doesn't, or pages for more where that only pages."""
    match deciding.finding.decision:
        case Decision.RECORD:
            return True
        case Decision.PAGE:
            return _risk(other) > _risk(deciding)
        case Decision.REMEDIATE:
            return False


def _risk(heard: Heard) -> int:
    return _RISKS.index(heard.detection.risk)
