"""Stage 4: what is done about a case. Pure: everything that was read comes in as `Facts`.

Only the change of a positively unapproved actor is ever put back, in mode enforce, with every guard content.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, assert_never

from msgspec import Struct

from shared.model.cases import Decision, Standing
from shared.model.detections import Answer, AnyDetection
from shared.model.kinds import Mode
from shared.model.remediations import Already, Doubt, Plan


class Facts(Struct, frozen=True, kw_only=True):
    """All that a decision rests on.

    `stopped` is the kill switch (None: it couldn't be read). `plan` is None where the detection has no remediation or
    reading the tenant failed; `unread` then says why. `protected` are those principals that would lose something and
    must not. `spent` is how many remediations of this kind were done in this hour (None: it couldn't be read), `limit`
    how many may be.
    """

    standing: Standing
    mode: Mode
    stopped: bool | None
    configured: bool
    actor_is_emergency_account: bool
    plan: Plan | None = None
    unread: str = ""
    protected: frozenset[str] = frozenset()
    last_holder: bool | None = False
    spent: int | None = 0
    limit: int = 1


class Decided(Struct, frozen=True, kw_only=True):
    """A decision, why, and what a stricter mode would have done ("" where nothing else)."""

    decision: Decision
    because: str
    would: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A reason not to put anything back. `objection` gives the sentence, "" when the guard is content."""

    id: str
    objection: Callable[[Facts], str]


def _stopped(facts: Facts) -> str:
    if facts.stopped is None:
        return "the kill switch could not be read"
    return "the kill switch is on" if facts.stopped else ""


def _not_configured(facts: Facts) -> str:
    return "" if facts.configured else "the tenant is not one of those configured"


def _emergency_actor(facts: Facts) -> str:
    return "a break-glass account made the change" if facts.actor_is_emergency_account else ""


def _nothing_planned(facts: Facts) -> str:
    if facts.unread:
        return f"the tenant could not be read: {facts.unread}"
    return "nothing was planned" if facts.plan is None else ""


def _doubtful(facts: Facts) -> str:
    return facts.plan.because if isinstance(facts.plan, Doubt) else ""


def _protected(facts: Facts) -> str:
    if isinstance(facts.plan, Already) or not facts.protected:
        return ""
    return f"it would take something from a protected principal ({', '.join(sorted(facts.protected))})"


def _last_holder(facts: Facts) -> str:
    if isinstance(facts.plan, Already) or facts.last_holder is False:
        return ""
    if facts.last_holder is None:
        return "it could not be told whether somebody else still holds the role"
    return "it would take the role from the last one who holds it"


def _too_many(facts: Facts) -> str:
    if isinstance(facts.plan, Already):
        return ""
    if facts.spent is None:
        return "the number of remediations in this hour could not be read"
    return (
        ""
        if facts.spent < facts.limit
        else f"{facts.limit} of this kind were put back in this hour, which is the limit"
    )


GUARDS: Final = (
    Guard(id="kill-switch", objection=_stopped),
    Guard(id="tenant-configured", objection=_not_configured),
    Guard(id="emergency-actor", objection=_emergency_actor),
    Guard(id="planned", objection=_nothing_planned),
    Guard(id="certain", objection=_doubtful),
    Guard(id="protected-principal", objection=_protected),
    Guard(id="last-holder", objection=_last_holder),
    Guard(id="hourly-limit", objection=_too_many),
)
"""In the order in which they are asked; the first objection is the one that is told."""


def decide(detection: AnyDetection, facts: Facts) -> Decided:
    """Choose what is done.

    Laws (tested): remediate only for an unapproved actor, mode enforce and no guard's objection.
    """
    if facts.standing is Standing.APPROVED:
        return Decided(decision=Decision.RECORD, because="the actor is approved")
    strictest = _strictest(detection, facts)
    match facts.mode:
        case Mode.OBSERVE:
            would = f"would {_words(strictest.decision)}: {strictest.because}"
            return Decided(decision=Decision.RECORD, because="the detection is in mode observe", would=would)
        case Mode.PAGE if strictest.decision is Decision.REMEDIATE:
            would = f"would {_words(strictest.decision)}: {strictest.because}"
            return Decided(decision=Decision.PAGE, because="the detection is in mode page", would=would)
        case Mode.PAGE | Mode.ENFORCE:
            return strictest
        case _:
            assert_never(facts.mode)


def strongest_decision(detection: AnyDetection) -> Decision:
    """Give what is done in mode enforce, when the actor is unapproved and no guard objects: what documents say."""
    if detection.puts_back:
        return Decision.REMEDIATE
    return Decision.RECORD if detection.answer is Answer.RECORD else Decision.PAGE


def _strictest(detection: AnyDetection, facts: Facts) -> Decided:
    """Give what mode enforce does."""
    if detection.answer is Answer.RECORD:
        return Decided(decision=Decision.RECORD, because="the detection only records")
    if detection.unless_actor_in is None:
        because = (
            "there are too many records, whoever caused them" if detection.counted else "it applies whoever did it"
        )
        return Decided(decision=Decision.PAGE, because=because)
    if facts.standing is Standing.UNKNOWN:
        return Decided(decision=Decision.PAGE, because="it could not be told whether the actor is approved")
    if not detection.puts_back:
        return Decided(
            decision=Decision.PAGE, because="the actor is not approved, and this is not put back automatically"
        )
    objection = next((told for guard in GUARDS if (told := guard.objection(facts))), "")
    if objection:
        return Decided(decision=Decision.PAGE, because=f"the actor is not approved, but {objection}")
    return Decided(decision=Decision.REMEDIATE, because="the actor is not approved")


def _words(decision: Decision) -> str:
    match decision:
        case Decision.RECORD:
            return "only record it"
        case Decision.PAGE:
            return "page the owners"
        case Decision.REMEDIATE:
            return "put it back"
        case _:
            assert_never(decision)
