"""What of a plan may be written: the guards are asked, over the whole and then in parts."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from shared.authority.control_history import ControlState
from shared.model.kinds import Image, Mode
from shared.model.object_kinds import GuardFacts, Kind
from shared.model.objects import (
    EXISTS,
    JudgedChange,
    ObjectChange,
    Objection,
    ObjectPlan,
    ObjectState,
    Op,
    Step,
    Verdict,
    is_asked_id,
    list_of,
)
from shared.objects import guards
from shared.objects.guards import HOURLY_LIMIT, Assessed, Facts, Waiting
from shared.objects.target import target_leaves
from shared.respond.object_run import ObjectRun, Reading
from shared.respond.object_writing import Planned


class Decided(Struct, frozen=True, kw_only=True):
    """What is to be written, None where nothing is, and the objections to the rest by leaf.

    `waiting` is what waits for a place among those that an hour has.
    """

    planned: Planned | None
    objections: Mapping[str, Objection] = {}
    waiting: tuple[Waiting, ...] = ()


class Around(Struct, frozen=True, kw_only=True):
    """What a kind's guards judge by besides the object, as a look read it."""

    read: Any


def decide(
    run: ObjectRun,
    plan: ObjectPlan,
    judged: Sequence[JudgedChange],
    reading: Reading,
    around: Around | None = None,
) -> Decided:
    """Ask the guards about what is planned. What they can't read is an objection.

    Without `around` the kind's own guards aren't asked yet: they are asked in the look right before the write, which
    reads what they judge by. Where they object there, it is decided again by what that look read.
    """
    if plan.op is None:
        return Decided(planned=None)
    objections: dict[str, Objection] = {}
    found = Decided(planned=None)
    for part in _parts(plan):
        found = _Decision(run, part, plan.op, judged, reading).decided(around)
        objections |= found.objections
        if found.planned is not None:
            break
    return msgspec.structs.replace(found, objections=objections)


def _parts(plan: ObjectPlan) -> Sequence[ObjectPlan]:
    """Give what people asked for as a part of its own, before the rest: other guards hold for it."""
    put_back = {leaf for leaf, one in plan.verdicts.items() if one.verdict is Verdict.PUT_BACK}
    asked = {leaf for leaf in put_back if is_asked_for(plan.state, plan.verdicts[leaf].change)}
    if plan.op is not Op.UPDATE or EXISTS in put_back or asked in (set(), put_back):
        return (plan,)
    return (_only(plan, asked), _only(plan, put_back - asked))


def _only(plan: ObjectPlan, leaves: Collection[str]) -> ObjectPlan:
    """Give the plan to put back only these leaves."""
    return msgspec.structs.replace(
        plan,
        verdicts={
            leaf: one for leaf, one in plan.verdicts.items() if one.verdict is not Verdict.PUT_BACK or leaf in leaves
        },
        steps={leaf: step for leaf, step in plan.steps.items() if leaf in leaves},
    )


def is_asked_for(state: ObjectState, change: str) -> bool:
    """Whether a person asked for what is put back for a change."""
    return change in state.asked or is_asked_id(change)


class _Decision:
    """The guards' work on one plan."""

    def __init__(
        self, run: ObjectRun, plan: ObjectPlan, op: Op, judged: Sequence[JudgedChange], reading: Reading
    ) -> None:
        self._run = run
        self._plan = plan
        self._op = op
        self._judged = judged
        self._reading = reading
        self._stands = run.leaves(reading.standing_image)
        self._gains = run.kind.gains(self._stands, target_leaves(self._stands, op, plan.steps))
        settled = {one.change for one in plan.verdicts.values() if one.verdict is Verdict.PUT_BACK}
        self._is_asked = bool(settled) and all(is_asked_for(plan.state, change) for change in settled)

    def decided(self, around: Around | None) -> Decided:
        """Give what may be written, and the objections to the rest."""
        plan = self._plan
        facts = self._facts(self._judged, self._reading)
        allowed = guards.allowed(facts, lambda _op, steps: self._assess(steps, around))
        if allowed.op is None:
            limited = {leaf for leaf, one in allowed.objections.items() if one.guard == HOURLY_LIMIT}
            # What other guards keep waits for no place: with it the object would go before those that can go.
            waits = msgspec.structs.replace(facts, steps={leaf: facts.steps[leaf] for leaf in sorted(limited)})
            return Decided(planned=None, objections=allowed.objections, waiting=waits.waiting if limited else ())
        facts = msgspec.structs.replace(facts, steps=allowed.steps)
        planned = Planned(
            op=self._op,
            steps=allowed.steps,
            target=target_leaves(self._stands, self._op, allowed.steps),
            changes=tuple(dict.fromkeys(change for change in facts.deciding.values() if change)),
            actors=tuple(sorted(facts.actors)),
            summary=summary_of(self._run.kind, plan.state, self._op, allowed.steps),
            source=self._source(allowed.steps),
            facts=self._kind_facts(allowed.steps),
            limits=None if self._is_asked else (facts.limit, facts.limit_in_all),
            moved=lambda look, around: self._moved(allowed.steps, look, Around(read=around)),
        )
        return Decided(planned=planned, objections=allowed.objections)

    def _moved(self, steps: Mapping[str, Step], look: Reading, around: Around) -> str:
        """Judge by what was read right before the write; gives the first objection, "" where there is none."""
        facts = self._facts(self._run.judged(look), look)
        assessed = self._assess(steps, around)
        found = guards.objections(msgspec.structs.replace(facts, steps=steps, assessed=assessed, has_place=True))
        return next((one.because for one in found.values()), "")

    def _facts(self, judged: Sequence[JudgedChange], reading: Reading) -> Facts:
        run, settings, controls = self._run, self._run.runtime.settings, reading.authority.controls.present
        enabled = {who: run.runtime.is_enabled(run.api, who) for who in sorted(self._gains)}
        return Facts(
            op=self._op,
            steps=self._plan.steps,
            assessed=Assessed(gains=self._gains),
            baseline=self._plan.baseline,
            verdicts={leaf: one for leaf, one in self._plan.verdicts.items() if one.verdict is Verdict.PUT_BACK},
            changes={each.change.id: each for each in judged},
            is_stopped=controls.stopped,
            is_configured=run.kind.is_configured(run.tenant, self._plan.state.ids[-1]),
            spent=reading.of_tenant.spent,
            limit=settings.remediations_per_hour,
            limit_in_all=2 * settings.remediations_per_hour,
            decision=run.id.key,
            emergency=settings.emergency_accounts,
            protected=settings.untouchable - settings.emergency_accounts,
            disabled=frozenset(who for who, is_enabled in enabled.items() if is_enabled is False),
            unread=frozenset(who for who, is_enabled in enabled.items() if is_enabled is None),
            named=reading.of_tenant.named,
            restrained=reading.of_tenant.restrained,
            unreturnable=frozenset(filter(run.kind.is_unreturnable, self._plan.steps)),
            chosen_by_name=frozenset(each.change.id for each in judged if self._is_chosen(each.change, controls)),
            is_asked=self._is_asked,
            is_ours=run.kind.is_ours(run.tenant, self._plan.state.ids[-1]),
        )

    def _is_chosen(self, change: ObjectChange, controls: ControlState) -> bool:
        """Whether mode enforce was set by name for a detection of a change that takes away what can't come back."""
        known = (self._run.runtime.detections.get(name) for name in change.detections)
        found = [one.id for one in known if one and one.remediation and one.remediation.destructive]
        return any(controls.modes.get(each) is Mode.ENFORCE for each in found)

    def _kind_facts(self, steps: Mapping[str, Step], around: Any = None) -> GuardFacts:  # noqa: ANN401 - the kind's own
        settings = self._run.runtime.settings
        return GuardFacts(
            tenant=self._run.tenant,
            object_id=self._plan.state.ids[-1],
            op=self._op,
            steps=steps,
            stands=self._stands,
            target=target_leaves(self._stands, self._op, steps),
            stands_image=self._reading.standing_image,
            around=around,
            baseline=self._plan.baseline,
            emergency=settings.emergency_accounts,
            protected=settings.untouchable - settings.emergency_accounts,
            is_asked=self._is_asked,
        )

    def _assess(self, steps: Mapping[str, Step], around: Around | None) -> Assessed:
        facts, kind = self._kind_facts(steps, around.read if around else None), self._run.kind
        return Assessed(
            objections=kind.objections(facts) if around else {},
            loses=kind.loses(facts.stands, facts.target),
            gains=kind.gains(facts.stands, facts.target),
        )

    def _source(self, steps: Mapping[str, Step]) -> Image | None:
        """Give the whole object of the version from which the target's values come, for what a leaf only names.

        Raises EdgeError where it can't be read.
        """
        kind, state = self._run.kind, self._plan.state
        names_only = kind.named_by_digest & {leaf for leaf, (_, new) in steps.items() if new is not None}
        if self._op is Op.DELETE or (self._op is Op.UPDATE and not names_only):
            return None
        for version in (*reversed(state.versions), state.origin):
            wanted = {leaf: new for leaf, (_, new) in steps.items() if new is not None}
            if version.digest and all(
                kind.rules.same(leaf, version.leaves.get(leaf), new) for leaf, new in wanted.items()
            ):
                return self._run.runtime.objects.version(state.id, version.digest)
        return None


def summary_of(kind: Kind, state: ObjectState, op: Op, steps: Mapping[str, Step]) -> str:
    """Say in words what a write does."""
    what = f'{kind.title} "{state.name or state.ids[-1]}"'
    match op:
        case Op.DELETE:
            return f"Remove the {what}"
        case Op.CREATE:
            return f"Create the {what} again"
        case Op.UPDATE:
            names = sorted({list_of(leaf) or leaf for leaf in steps if leaf != EXISTS})
            return f"Put {', '.join(names)} of the {what} back as before"
