"""The case of what a person had written: an undo, a denial, an older version, what a stolen account did.

It is opened when the object is first looked at after the act, and closed when what was asked for stands, or can't be.
It has the state before and what was written, so it can be undone as any put-back.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import msgspec

from shared.model.cases import Case, Decision, Outcome, Standing, State, change_case_id
from shared.model.events import Actor, Target
from shared.model.kinds import Mode
from shared.model.objects import (
    EXISTS,
    WHOLE,
    Acceptance,
    Asked,
    Intent,
    LeafVerdict,
    Objection,
    ObjectState,
    Step,
    asked_id,
)
from shared.objects.wishes import writes_for
from shared.respond.asked_detections import ASKED
from shared.respond.ledger import LeasedCase
from shared.respond.object_cases import PutBack, changes_in, end_case, unproven
from shared.respond.object_findings import WAITS, Finding, paged
from shared.respond.object_run import ObjectRun

_DONE: Final = Finding(
    decision=Decision.REMEDIATE, outcome=Outcome.DONE, because="a person asked for it", is_final=True, is_paged=False
)
_ALREADY: Final = Finding(
    decision=Decision.REMEDIATE,
    outcome=Outcome.ALREADY,
    because="a person asked for it, and nothing of it stood otherwise when it was to be written",
    is_final=True,
    is_paged=False,
)


class AskedEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """The evidence of such a case: what the person decided, and about what."""

    target: Target
    acceptance: Acceptance


def asked_case_id(acceptance: Acceptance) -> str:
    """Give the id of the case of what a person asked."""
    return change_case_id(asked_id(acceptance.id), acceptance.at)


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What a run decided and wrote, as the cases of what people asked show it."""

    state: ObjectState
    verdicts: Mapping[str, LeafVerdict]
    objections: Mapping[str, Objection]
    put_back: Sequence[PutBack]


def write_asked_cases(run: ObjectRun, looked: Looked) -> tuple[str, ...]:
    """Open, move and close the cases of what people asked of an object; gives the ids of what needs no case any more.

    Raises EdgeError where a case can't be written; the object stays due then.
    """
    answered = looked.state.answered
    wishes = [(one, one.wish.act) for one in looked.state.acceptances if one.wish and asked_id(one.id) not in answered]
    return tuple(asked_id(one.id) for one, act in wishes if _write_case(run, looked, one, act))


def _write_case(run: ObjectRun, looked: Looked, wish: Acceptance, act: Asked) -> bool:
    """Write the case of a wish; says whether it is closed."""
    leased = _opened(run, looked.state, wish, act)
    case = leased.case
    if not case.is_open:
        return True
    found = _finding(run, looked, wish)
    if found is WAITS or (not found.is_final and case.pending and case.outcome is found.outcome):
        return False
    fields: dict[str, Any] = {
        "decision": found.decision,
        "outcome": found.outcome,
        "because": found.because,
        "by_hand": found.by_hand,
        "decided_at": case.decided_at or run.runtime.clock(),
        "pending": "",
        **_written(run, looked, wish),
    }
    leased = run.runtime.ledger.move(leased, state=State.ACTED, lease_until=None, **fields)
    end_case(run.runtime, leased, ASKED[act], found)
    return found.is_final


def _opened(run: ObjectRun, state: ObjectState, wish: Acceptance, act: Asked) -> LeasedCase:
    runtime = run.runtime
    case_id = asked_case_id(wish)
    target = Target(id=state.ids[-1], name=state.name, changes=changes_in(wanted_steps(wish)))
    record = f"{state.id.tenant_id}/objects/{state.id.kind}/{state.id.key}/asked-{case_id}.json"
    if runtime.ledger.case(state.id.tenant_id, case_id) is None:
        runtime.ledger.keep_copy(record, msgspec.json.encode(AskedEvidence(target=target, acceptance=wish)))
    return runtime.ledger.open_change(
        Case(
            id=case_id,
            tenant_id=state.id.tenant_id,
            detection=ASKED[act].id,
            detections=(ASKED[act].id,),
            correlation_id="",
            event_id=case_id,
            at=wish.at,
            opened_at=runtime.clock(),
            actor=Actor(id="", name=wish.by),
            target=target,
            record=record,
            mode=Mode.ENFORCE,
            standing=Standing.APPROVED,
            standing_because=f"{wish.by} asked for it: {wish.reason}",
            object_kind=state.id.kind,
            object_key=state.id.key,
            change=asked_id(wish.id),
        )
    )


def wanted_steps(wish: Acceptance) -> dict[str, Step]:
    """Give what a wish changes, leaf by leaf; of an object that is made or taken away, that it is."""
    stood = wish.wish.stood if wish.wish else {}
    if not wish.only and bool(stood) is not bool(wish.leaves):
        return {EXISTS: (stood.get(EXISTS), wish.leaves.get(EXISTS))}
    leaves = wish.only or tuple(sorted({*stood, *wish.leaves}))
    steps = {leaf: (stood.get(leaf), wish.leaves.get(leaf)) for leaf in leaves}
    return {leaf: (old, new) for leaf, (old, new) in steps.items() if old != new}


def _finding(run: ObjectRun, looked: Looked, wish: Acceptance) -> Finding:
    name = asked_id(wish.id)
    mine = {leaf for leaf, one in looked.verdicts.items() if one.change == name}
    if mine:
        return _waiting(mine, looked.objections)
    if any(name in one.changes for one in looked.put_back) or _booked(looked.state, wish) is not None:
        return _DONE
    if WHOLE in looked.objections or any(name in one.changes for one in unproven(looked.state, run.runtime.clock())):
        return WAITS
    # What was read may be out of date, or a write's answer isn't known: then it isn't known either what stands.
    is_unknown = any(one.verdict.waits for leaf, one in looked.verdicts.items() if wish.covers(leaf) or leaf == EXISTS)
    return WAITS if is_unknown else _ALREADY


def _waiting(mine: Collection[str], objections: Mapping[str, Objection]) -> Finding:
    """Say what keeps the wish from being written."""
    wanted = {*mine, WHOLE}
    found = [one for leaf, one in objections.items() if leaf in wanted or EXISTS in mine]
    if not found:
        return WAITS
    one = next((one for one in found if not one.can_pass), found[0])
    because = f"a person asked for it, but {one.because}"
    if not one.can_pass:
        return paged(because, by_hand=one.by_hand)
    return Finding(
        decision=Decision.REMEDIATE,
        outcome=Outcome.PENDING,
        because=because,
        is_final=False,
        is_paged=True,
        by_hand=one.by_hand,
    )


def _booked(state: ObjectState, wish: Acceptance) -> Intent | None:
    """Give a write of an earlier run, which died before it wrote the case."""
    return next(iter(writes_for(state, asked_id(wish.id))[::-1]), None)


def _written(run: ObjectRun, looked: Looked, wish: Acceptance) -> dict[str, Any]:
    """Give the fields of the case that say what was written."""
    done = next((one for one in reversed(looked.put_back) if asked_id(wish.id) in one.changes), None)
    if done is not None:
        return {
            "summary": done.summary,
            "proof": done.proof,
            "before": done.before,
            "put_back": changes_in(done.steps),
            "acted_at": done.at,
        }
    intent = _booked(looked.state, wish)
    if intent is None:
        return {}
    return {
        "before": run.runtime.ledger.before_name(looked.state.id, intent.id),
        "put_back": changes_in(intent.steps),
        "acted_at": intent.at,
    }
