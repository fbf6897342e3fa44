"""What people are told of an object beside its cases: what is theirs to decide, and what is fought over."""

from collections.abc import Mapping

import msgspec

from shared.model.notices import SystemNotice
from shared.model.objects import EXISTS, WHOLE, Duel, LeafVerdict, Objection, ObjectPlan, ObjectState, Offer, Verdict
from shared.respond.object_run import ObjectRun
from shared.respond.object_writing import Planned


def publish_notices(run: ObjectRun, plan: ObjectPlan) -> None:
    """Publish what is for people and belongs to no case, each once. Raises EdgeError where it can't be stored."""
    for leaf, verdict in plan.verdicts.items():
        if verdict.verdict is Verdict.BRACKETED:
            _publish_bracketed(run, plan, leaf, verdict)
    for offer in plan.offers:
        _publish_offer(run, plan, offer)
    for duel in plan.duels:
        _publish_duel(run, plan, duel)
    for new in plan.new_to_kind:
        run.runtime.notifier.publish(
            SystemNotice(
                key=f"new leaf {run.id.kind} {new.leaf}",
                title=f"A property is new to every {run.kind.title}",
                text=f"{new.leaf} is {_shown(new.value)} everywhere, and no record names it.",
                what_to_do="Microsoft probably added it. It counts as first seen, and nobody has to do anything.",
            )
        )


def publish_asked(
    run: ObjectRun, state: ObjectState, verdicts: Mapping[str, LeafVerdict], objections: Mapping[str, Objection]
) -> None:
    """Publish, once, why what a person asked for isn't put back: the case of such a change was closed long ago."""
    asked = {
        one.change
        for one in verdicts.values()
        if one.verdict is Verdict.PUT_BACK and one.change in state.asked and one.change in state.answered
    }
    for guard, objection in {one.guard: one for one in objections.values()}.items() if asked else ():
        run.runtime.notifier.publish(
            SystemNotice(
                key=f"asked {run.id.key} {guard} {' '.join(sorted(asked))}",
                title="What a person asked for isn't put back",
                text=f'{run.kind.title} "{state.name}" ({state.ids[-1]}): {objection.because}.',
                what_to_do="It is looked at again until that has passed; `responder leave` ends it."
                if objection.can_pass
                else objection.by_hand or "This doesn't pass by itself: do it by hand, or leave it.",
            )
        )


def _publish_bracketed(run: ObjectRun, plan: ObjectPlan, leaf: str, verdict: LeafVerdict) -> None:
    baseline = plan.baseline.get(leaf) or plan.baseline.get(WHOLE)
    what = "the object itself" if leaf in {EXISTS, WHOLE} else leaf
    was = _shown(baseline.value if baseline else None)
    run.runtime.notifier.publish(
        SystemNotice(
            key=f"bracketed {run.id.key} {leaf} {verdict.change}",
            title="A value is to be accepted that only versions tell of",
            text=f'{run.kind.title} "{plan.state.name}" ({plan.state.ids[-1]}): {what} was {was} and is otherwise now.',
            what_to_do="Find out who changed it. `responder baseline show` shows both values;"
            " `responder baseline accept` accepts what stands.",
        )
    )


def _publish_offer(run: ObjectRun, plan: ObjectPlan, offer: Offer) -> None:
    run.runtime.notifier.publish(
        SystemNotice(
            key=f"offer {run.id.key} {offer.leaf} {offer.change}",
            title="The responder wrote over a change that it learned of only later",
            text=f'{run.kind.title} "{plan.state.name}" ({plan.state.ids[-1]}), {offer.leaf}: the change made it'
            f" {_shown(offer.covered)}, and it is {_shown(offer.stands)} now.",
            what_to_do="If the change was right, make it again; the responder leaves it then.",
        )
    )


def _publish_duel(run: ObjectRun, plan: ObjectPlan, duel: Duel) -> None:
    """Publish that a leaf is fought over: once a day, and each time that the number of put-backs has doubled."""
    who = ", ".join(duel.rivals) or "somebody"
    what = "the object itself" if duel.leaf in {EXISTS, WHOLE} else duel.leaf
    by_us = f"the responder put it back {duel.times} times within a day, and goes on"
    run.runtime.notifier.publish(
        SystemNotice(
            key=f"duel {run.id.key} {duel.leaf} {run.runtime.clock():%Y%m%d} {duel.times.bit_length()}",
            title="Something is changed again and again",
            text=f'{run.kind.title} "{plan.state.name}" ({plan.state.ids[-1]}), {what}: changed by {who};'
            f" {by_us if duel.times else 'both are approved, and the responder leaves it to them'}.",
            what_to_do="Find out who or what changes it: a person, a pipeline, a stolen account. Then stop one side:"
            " block the account, or approve the change.",
        )
    )


def publish_shut_out(run: ObjectRun, planned: Planned) -> None:
    """Judge once more after a write, and call everybody where an emergency account can't sign in any more.

    No look can close the gap between itself and the write.
    """
    around = run.around(planned.facts)
    facts = msgspec.structs.replace(planned.facts, around=around)
    objections = run.kind.objections(facts)
    hit = next((one for one in objections.values() if one.guard.startswith("emergency")), None)
    if hit is None:
        return
    run.runtime.notifier.publish(
        SystemNotice(
            key=f"emergency {run.id.key} {run.runtime.clock():%Y%m%dT%H%M%S}",
            title="An emergency account may be shut out",
            text=f"After the responder wrote {planned.facts.object_id}: {hit.because}",
            what_to_do="Try the emergency account now. The case has the state before; its undo puts that back.",
            never_waits=True,
        )
    )


def _shown(value: object) -> str:
    if value is None:
        return "not there"
    return msgspec.json.encode(value).decode()[:200]
