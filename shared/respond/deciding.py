"""What to do about a case by itself: record it or page the owners. What can be put back is decided with its object."""

from msgspec import Struct

from shared.model.cases import Decision, Standing
from shared.model.detections import Answer, AnyDetection
from shared.model.kinds import Mode


class Decided(Struct, frozen=True, kw_only=True):
    """A decision, the reason for it, and what mode enforce would have done ("" where that is the same)."""

    decision: Decision
    because: str
    would: str = ""


def decide(detection: AnyDetection, standing: Standing, mode: Mode) -> Decided:
    """Decide about a case whose change nobody puts back, or that changed nothing."""
    if standing is Standing.APPROVED:
        return Decided(decision=Decision.RECORD, because="the actor is approved")
    enforced = _in_enforce_mode(detection, standing)
    if mode is Mode.OBSERVE:
        would = f"would {in_words(enforced.decision)}: {enforced.because}"
        return Decided(decision=Decision.RECORD, because="the detection is in mode observe", would=would)
    return enforced


def strongest_decision(detection: AnyDetection) -> Decision:
    """Give the decision in mode enforce for an unapproved actor when no guard objects. The documentation shows it."""
    if detection.puts_back:
        return Decision.REMEDIATE
    return Decision.RECORD if detection.answer is Answer.RECORD else Decision.PAGE


def enforced_decision(detection: AnyDetection, standing: Standing) -> Decision:
    """Give the decision in mode enforce when no guard objects; the backtest counts these."""
    if standing is Standing.APPROVED:
        return Decision.RECORD
    if standing is Standing.UNAPPROVED and detection.puts_back:
        return Decision.REMEDIATE
    return _in_enforce_mode(detection, standing).decision


def _in_enforce_mode(detection: AnyDetection, standing: Standing) -> Decided:
    """Give the decision that mode enforce makes."""
    if detection.answer is Answer.RECORD:
        return Decided(decision=Decision.RECORD, because="the detection only records")
    if detection.unless_actor_in is None:
        because = (
            "there are too many records, whoever caused them"
            if detection.counted
            else "the detection applies whoever did it"
        )
        return Decided(decision=Decision.PAGE, because=because)
    if standing is Standing.UNKNOWN:
        return Decided(decision=Decision.PAGE, because="it is not known whether the actor is approved")
    return Decided(decision=Decision.PAGE, because="the actor is not approved, and this is not put back automatically")


def in_words(decision: Decision) -> str:
    """Say what a decision does, after "would"."""
    return {
        Decision.RECORD: "only record it",
        Decision.PAGE: "page the owners",
        Decision.REMEDIATE: "put it back",
    }[decision]
