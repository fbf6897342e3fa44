"""Stage 4: decide what to do about a case. Pure functions: everything that was read comes in as `Facts`.

A change is put back only if its actor is known to be unapproved, the mode is enforce, and no guard objects.
"""

from collections.abc import Callable
from typing import Final, assert_never

from msgspec import Struct

from shared.model.cases import Decision, Standing
from shared.model.detections import Answer, AnyDetection
from shared.model.kinds import Mode
from shared.model.remediations import Already, Doubt, Plan


class Facts(Struct, frozen=True, kw_only=True):
    """Everything that a decision depends on.

    `stopped` says whether the kill switch is on (None: it couldn't be read). `plan` is None where the detection has no
    remediation, or where the tenant couldn't be read; `unread` then says why. `protected` are the ids of protected
    principals that would lose something. `remediations_this_hour` counts those of this kind (None: it couldn't be
    read), `limit` is the most that are allowed.
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
    remediations_this_hour: int | None = 0
    limit: int = 1


class Decided(Struct, frozen=True, kw_only=True):
    """A decision, the reason for it, and what mode enforce would have done ("" where that is the same)."""

    decision: Decision
    because: str
    would: str = ""


class Guard(Struct, frozen=True, kw_only=True):
    """A check that can keep a change from being put back. `objection` gives the reason, "" where there is none."""

    id: str
    objection: Callable[[Facts], str]


def _stopped(facts: Facts) -> str:
    if facts.stopped is None:
        return "the kill switch could not be read"
    return "the kill switch is on" if facts.stopped else ""


def _not_configured(facts: Facts) -> str:
    return "" if facts.configured else "this tenant or subscription is not configured"


def _emergency_actor(facts: Facts) -> str:
    return "a break-glass account made the change" if facts.actor_is_emergency_account else ""


def _nothing_planned(facts: Facts) -> str:
    if facts.unread:
        return f"the tenant could not be read: {facts.unread}"
    return "there is no plan for putting it back" if facts.plan is None else ""


def _doubtful(facts: Facts) -> str:
    return facts.plan.because if isinstance(facts.plan, Doubt) else ""


def _protected(facts: Facts) -> str:
    if isinstance(facts.plan, Already) or not facts.protected:
        return ""
    return f"putting it back would affect a protected principal ({', '.join(sorted(facts.protected))})"


def _last_holder(facts: Facts) -> str:
    if isinstance(facts.plan, Already) or facts.last_holder is False:
        return ""
    if facts.last_holder is None:
        return "it is not known whether anybody else still holds the role"
    return "putting it back would take the role from its last holder"


def _too_many(facts: Facts) -> str:
    if isinstance(facts.plan, Already):
        return ""
    if facts.remediations_this_hour is None:
        return "the number of remediations in this hour could not be read"
    return (
        ""
        if facts.remediations_this_hour < facts.limit
        else f"the hourly limit for remediations of this kind ({facts.limit}) is reached"
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
"""In the order in which they are asked; a case shows the first objection."""


def decide(detection: AnyDetection, facts: Facts) -> Decided:
    """Decide what to do: remediate only with an unapproved actor, in mode enforce, and when no guard objects."""
    if facts.standing is Standing.APPROVED:
        return Decided(decision=Decision.RECORD, because="the actor is approved")
    strictest = _in_enforce_mode(detection, facts)
    match facts.mode:
        case Mode.OBSERVE:
            would = f"would {_in_words(strictest.decision)}: {strictest.because}"
            return Decided(decision=Decision.RECORD, because="the detection is in mode observe", would=would)
        case Mode.PAGE if strictest.decision is Decision.REMEDIATE:
            would = f"would {_in_words(strictest.decision)}: {strictest.because}"
            return Decided(decision=Decision.PAGE, because="the detection is in mode page", would=would)
        case Mode.PAGE | Mode.ENFORCE:
            return strictest
        case _:
            assert_never(facts.mode)


def strongest_decision(detection: AnyDetection) -> Decision:
    """Give the decision in mode enforce for an unapproved actor when no guard objects. The documentation shows it."""
    if detection.puts_back:
        return Decision.REMEDIATE
    return Decision.RECORD if detection.answer is Answer.RECORD else Decision.PAGE


def _in_enforce_mode(detection: AnyDetection, facts: Facts) -> Decided:
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
    if facts.standing is Standing.UNKNOWN:
        return Decided(decision=Decision.PAGE, because="it is not known whether the actor is approved")
    if not detection.puts_back:
        return Decided(
            decision=Decision.PAGE, because="the actor is not approved, and this is not put back automatically"
        )
    objection = next((objection_text for guard in GUARDS if (objection_text := guard.objection(facts))), "")
    if objection:
        return Decided(decision=Decision.PAGE, because=f"the actor is not approved, but {objection}")
    return Decided(decision=Decision.REMEDIATE, because="the actor is not approved")


def _in_words(decision: Decision) -> str:
    match decision:
        case Decision.RECORD:
            return "only record it"
        case Decision.PAGE:
            return "page the owners"
        case Decision.REMEDIATE:
            return "put it back"
        case _:
            assert_never(decision)
