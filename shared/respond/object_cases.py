"""The cases of an object's changes: what people see. Each detected change is one case, and its outcome is the object's.

A case is opened under the object's lease and written from what was decided about the object. It is paged once when it
is decided, and once more when what kept it from being put back has passed. Where a change meets several detections, the
one that puts back says what is done, and the loudest what people hear.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.model.cases import Case, Decision, Outcome, Standing, State, change_case_id
from shared.model.detections import Answer, AnyDetection
from shared.model.events import Change, Target
from shared.model.kinds import Mode, Risk
from shared.model.notices import Phase
from shared.model.objects import (
    EXISTS,
    WHOLE,
    Intent,
    IntentState,
    JudgedChange,
    LeafVerdict,
    ObjectChange,
    Objection,
    ObjectState,
    Op,
    Step,
    Verdict,
    asked_id,
)
from shared.objects.planning import GRACE
from shared.respond.authority_reading import AuthorityReading, authorize, deciding_detection
from shared.respond.case_run import detection_of, shown_case
from shared.respond.components import Runtime
from shared.respond.containing import contain_unasked
from shared.respond.deciding import decide
from shared.respond.ledger import LeasedCase
from shared.respond.object_findings import LEFT, WAITS, Finding, Heard, loudest, paged, recorded

_log = logging.getLogger("responder.cases")


class PutBack(Struct, frozen=True, kw_only=True):
    """What was put back of an object: because of which changes, the steps, in words, how that was read back.

    `before` names the evidence with the object as it stood before.
    """

    changes: tuple[str, ...]
    steps: Mapping[str, Step]
    summary: str
    proof: str
    before: str
    at: datetime


class Ruling(Struct, frozen=True, kw_only=True):
    """What was decided about an object, as its cases show it.

    `verdicts` are the final ones by leaf, `objections` the guards' reasons by leaf, `put_back` what this run wrote.
    `would` says by change what mode enforce would have done. `thefts` are changes under the responder's identity that
    it didn't make. `unread` says why nothing is known of the object at present, `at_most` the risk that its changes
    deserve, None for that of their detections.
    """

    state: ObjectState
    verdicts: Mapping[str, LeafVerdict]
    objections: Mapping[str, Objection]
    put_back: Sequence[PutBack]
    would: Mapping[str, str]
    authority: AuthorityReading
    now: datetime
    thefts: frozenset[str] = frozenset()
    unread: Objection | None = None
    at_most: Risk | None = None


PROVED_WITHIN: Final = timedelta(minutes=5)
"""For so long the case waits for the record of a write whose answer was lost, before it says that others did it."""


def write_cases(runtime: Runtime, changes: Sequence[JudgedChange], ruling: Ruling) -> tuple[str, ...]:
    """Open, move and close the cases of an object's changes; gives the ids of those whose case is closed.

    Raises EdgeError where a case can't be written; the object stays due then.
    """
    settled: list[str] = list(ruling.state.answered)
    for judged in changes:
        change = judged.change
        if change.id in ruling.state.answered or not change.detections or (change.is_ours and not change.cases):
            continue
        if _write_case(runtime, judged, ruling):
            settled.append(change.id)
    return tuple(dict.fromkeys(settled))


def _write_case(runtime: Runtime, judged: JudgedChange, ruling: Ruling) -> bool:
    """Write the case of a change; says whether it is closed."""
    change = judged.change
    leased = runtime.ledger.open_change(_new_case(runtime, change, ruling))
    case = leased.case
    if not case.is_open:
        return True
    heard = _heard(runtime, judged, ruling)
    if heard is None or heard.finding is WAITS:
        return False
    detection, found = heard.detection, heard.finding
    now = runtime.clock()
    done = _put_back_of(change, ruling)
    fields: dict[str, Any] = {
        "detection": detection.id,
        "actor": change.actor,
        "standing": judged.standing,
        "standing_because": judged.because,
        "mode": ruling.authority.controls.present.mode(detection.id),
        "decision": found.decision,
        "because": found.because,
        "would": found.would,
        "outcome": found.outcome,
        "by_hand": found.by_hand,
        "at_most": ruling.at_most,
        "decided_at": case.decided_at or now,
        "pending": "",
    }
    if done is not None:
        fields |= {
            "summary": done.summary,
            "proof": done.proof,
            "before": done.before,
            "put_back": changes_in(done.steps),
            "acted_at": done.at,
        }
    if not found.is_final and case.pending and (case.decision, case.outcome) == (found.decision, found.outcome):
        # Paged already: one page at once, one more when it ends.
        return False
    if found.decision is not Decision.RECORD:
        _contain(runtime, case, judged, ruling)
    # Stored once, when it has been paged: a run that dies before finds it open, and pages it by the same row.
    decided = msgspec.structs.replace(case, state=State.ACTED, lease_until=None, **fields)
    end_case(runtime, LeasedCase(case=decided, row=leased.row), detection, found)
    return found.is_final


def _contain(runtime: Runtime, case: Case, judged: JudgedChange, ruling: Ruling) -> None:
    """Restrain who made a change, where the mode of one of its detections says so. Nothing on a delivery's word."""
    change = judged.change
    is_rightful = change.is_rightful and judged.standing is Standing.APPROVED
    if change.is_ours or is_rightful or not change.is_confirmed or change.id in ruling.thefts:
        return
    for detection in filter(None, map(runtime.detections.get, change.detections)):
        if detection.contains:
            standing = authorize(runtime, detection, change, ruling.authority, ruling.state).standing
            mine = msgspec.structs.replace(case, detection=detection.id, actor=change.actor, standing=standing)
            contain_unasked(runtime, mine, detection)


def end_case(runtime: Runtime, leased: LeasedCase, detection: AnyDetection, found: Finding) -> None:
    """Page a case that was written as it was found, where that is to be, and close it where nothing more comes.

    Where something comes, what the case waits for is noted after the page.
    """
    case = leased.case
    phase = Phase.ENDED if found.is_final else Phase.PENDING
    pages = runtime.notifier.post(case, detection, phase=phase) if found.is_paged else []
    if found.is_final:
        runtime.ledger.move(leased, state=State.CLOSED, closed_at=runtime.clock(), lease_until=None)
        _log.info("case %s closed: %s, %s", case.id, found.decision, found.outcome)
    else:
        # It says that people were paged, so it is written only now: a run that dies before it pages again.
        runtime.ledger.move(leased, pending=found.because, lease_until=None)
    for page in pages:
        runtime.notifier.send(page, lambda tenant_id, case_id: shown_case(runtime, tenant_id, case_id))


def _new_case(runtime: Runtime, change: ObjectChange, ruling: Ruling) -> Case:
    detection = deciding_detection(runtime, change)
    state = ruling.state
    return Case(
        id=change_case_id(change.id, change.at),
        tenant_id=state.id.tenant_id,
        detection=detection.id if detection else change.detections[0],
        detections=change.detections,
        correlation_id="",
        event_id=change.id,
        at=change.at,
        opened_at=change.arrived_at,
        actor=change.actor,
        target=Target(
            id=change.object_id,
            name=state.name,
            changes=tuple(
                Change(name=leaf, old=_text(old), new=_text(new)) for leaf, (old, new) in sorted(change.wrote.items())
            ),
        ),
        record=change.record,
        object_kind=state.id.kind,
        object_key=state.id.key,
        change=change.id,
    )


def _heard(runtime: Runtime, judged: JudgedChange, ruling: Ruling) -> Heard | None:
    """Say which detection of a change people hear of, and what; None while nothing can be said yet."""
    deciding = deciding_detection(runtime, judged.change)
    found = finding_of(judged, deciding, ruling)
    if found is None:
        return None
    detection = deciding or detection_of(runtime, _new_case(runtime, judged.change, ruling))
    return loudest(Heard(detection=detection, finding=found), _others(runtime, judged, detection, ruling))


def _others(runtime: Runtime, judged: JudgedChange, deciding: AnyDetection, ruling: Ruling) -> list[Heard]:
    """Hear what a change's other detections find, each by its own approval list and mode.

    Nothing is heard of what the responder did, of a rightful use or end, and of what may not have been made.
    """
    change = judged.change
    is_rightful = change.is_rightful and judged.standing is Standing.APPROVED
    if change.is_ours or is_rightful or not change.is_confirmed or change.id in ruling.thefts:
        return []
    heard: list[Heard] = []
    for detection in (runtime.detections.get(name) for name in change.detections):
        if detection is None or detection.id == deciding.id:
            continue
        standing = authorize(runtime, detection, change, ruling.authority, ruling.state).standing
        found = decide(detection, standing, ruling.authority.controls.present.mode(detection.id))
        finding = paged if found.decision is Decision.PAGE else recorded
        heard.append(Heard(detection=detection, finding=finding(found.because, would=found.would)))
    return heard


def finding_of(judged: JudgedChange, detection: AnyDetection | None, ruling: Ruling) -> Finding | None:
    """Say how the case of a change stands; None while nothing can be said yet.

    `detection` is the one that decides, None where it was removed since.
    """
    change = judged.change
    if untrue := _untrue_finding(change, ruling):
        return untrue
    if detection is None:
        return paged("its detection is no longer in the catalogue")
    if not change.is_confirmed:
        found = _unconfirmed_finding(change, detection, ruling)
        return found and _by_mode(found, judged, detection, ruling)
    by = _accepted_by(change, ruling)
    if by or judged.standing is Standing.APPROVED:
        return recorded(f"{by} accepted it as it stands") if by else _approved_finding(judged, ruling)
    if ruling.unread and ruling.unread.guard == "authority":
        return _objected([ruling.unread])
    found = _finding(judged, detection, ruling)
    return found if found is None or found is WAITS else _by_mode(found, judged, detection, ruling)


def _accepted_by(change: ObjectChange, ruling: Ruling) -> str:
    """Say who accepted a change when asked about it by its case, "" where nobody did or part of it needs an answer.

    Who wrote the same object otherwise since is asked about by a case of its own.
    """
    found = next((one for one in ruling.state.acceptances if change.id in one.about and one.wish is None), None)
    mine = _of(change, ruling)
    return "" if found is None or any(one.change == change.id for one in mine.values()) else found.by


def _untrue_finding(change: ObjectChange, ruling: Ruling) -> Finding | None:
    """Say of a change that it was made by somebody else than its record says, or never; None where it wasn't."""
    if change.id in ruling.thefts:
        return paged("the responder's identity made this change, and the responder didn't: somebody has its identity")
    if change.is_denied and not change.is_confirmed:
        return recorded("the tenant says that this change wasn't made")
    return None


def _unconfirmed_finding(change: ObjectChange, detection: AnyDetection, ruling: Ruling) -> Finding | None:
    """Say how a change stands that only a delivery tells: people hear of it where the tenant can't or doesn't say."""
    because = "only a delivery tells of this change, and the tenant doesn't say who made it"
    is_late = ruling.now >= change.arrived_at + GRACE
    if detection.answer is Answer.RECORD:
        return recorded("the detection only records") if is_late else None
    if ruling.unread:
        return _objected([ruling.unread], who=f"{because}: ")
    return paged(because) if is_late else None


def _approved_finding(judged: JudgedChange, ruling: Ruling) -> Finding:
    """Say that the actor was approved; people are paged where something else about the change needs them."""
    change = judged.change
    mine = [one for one in ruling.verdicts.values() if one.change == change.id]
    people = next((one for one in mine if one.verdict.needs_people), None)
    if people is not None and not change.is_ours:
        return paged(f"the actor is approved, but {_in_words(people.verdict)}")
    return recorded(judged.because if change.is_rightful else "the actor is approved")


def _finding(judged: JudgedChange, detection: AnyDetection, ruling: Ruling) -> Finding | None:
    change = judged.change
    if detection.answer is Answer.RECORD:
        return recorded("the detection only records")
    if detection.unless_actor_in is None:
        return paged("the detection applies whoever did it")
    if ruling.unread:
        return _objected([ruling.unread])
    if judged.standing is Standing.UNKNOWN:
        return paged("it is not known whether the actor is approved")
    if not detection.puts_back:
        return paged("the actor is not approved, and this is not put back automatically")
    return _standing_finding(change, ruling) or _ended_finding(change, ruling)


def _standing_finding(change: ObjectChange, ruling: Ruling) -> Finding | None:
    """Say how a change stands of whose leaves one isn't as in the baseline; None where all are."""
    mine = _of(change, ruling)
    objections = _objections_to(mine, ruling)
    if objections:
        return _objected(objections)
    if any(one.verdict.waits for one in mine.values()):
        return WAITS
    people = next((one.verdict for one in mine.values() if one.verdict.needs_people), None)
    if people is not None:
        stopped = _stopped(ruling) if people is Verdict.LISTED else ""
        return paged(f"the actor is not approved, but {stopped or _in_words(people)}")
    if any(one.verdict is Verdict.LEFT for one in mine.values()):
        return LEFT
    return None


def _stopped(ruling: Ruling) -> str:
    """Say that nothing is put back at present, "" where that isn't why."""
    controls = ruling.authority.controls.present
    if controls.stopped is None:
        return "the kill switch could not be read"
    return "the kill switch is on" if controls.stopped else ""


def _ended_finding(change: ObjectChange, ruling: Ruling) -> Finding:
    is_done = _put_back_of(change, ruling) is not None or _was_put_back(change, ruling.state)
    if not is_done and any(_answers(intent, change) for intent in unproven(ruling.state, ruling.now)):
        return WAITS  # it may have been the responder: its own record says so soon, or doesn't come
    nothing = "the actor is not approved, and nothing that it changed stands any more"
    return Finding(
        decision=Decision.REMEDIATE,
        outcome=Outcome.DONE if is_done else Outcome.ALREADY,
        because="the actor is not approved" if is_done else nothing,
        is_final=True,
        is_paged=True,
    )


def _objections_to(mine: Mapping[str, LeafVerdict], ruling: Ruling) -> list[Objection]:
    """Give the objections to putting back what a change wrote. Existence is put back as a whole."""
    if not any(one.verdict is Verdict.PUT_BACK for one in mine.values()):
        return []
    if EXISTS in mine:
        return list(ruling.objections.values())
    return [one for leaf, one in ruling.objections.items() if leaf in mine or leaf == WHOLE]


def _put_back_of(change: ObjectChange, ruling: Ruling) -> PutBack | None:
    """Give what this run wrote over a change."""
    return next(
        (
            one
            for one in reversed(ruling.put_back)
            if not _is_rightful(one.changes, ruling.state)
            and (change.id in one.changes or _is_over(one.steps, change, one.at))
        ),
        None,
    )


def _is_over(steps: Mapping[str, Step], change: ObjectChange, at: datetime) -> bool:
    """Whether a write went over what a change wrote."""
    return change.at <= at and not steps.keys().isdisjoint(change.wrote)


def _is_rightful(changes: Sequence[str], state: ObjectState) -> bool:
    """Whether a write only exchanged what was somebody's right, as an undo does: no change was put back by it."""
    wished = {asked_id(one.id) for one in state.acceptances if one.wish and not one.wish.act.takes_from_others}
    return bool(changes) and wished.issuperset(changes)


def _was_put_back(change: ObjectChange, state: ObjectState) -> bool:
    """Whether an earlier run put the change back, and died before it wrote the case."""
    return any(
        intent.state is IntentState.BOOKED and not _is_rightful(intent.changes, state) and _answers(intent, change)
        for intent in state.intents
    )


def _answers(intent: Intent, change: ObjectChange) -> bool:
    return change.id in intent.changes or _is_over(intent.steps, change, intent.at)


def unproven(state: ObjectState, now: datetime) -> list[Intent]:
    """Give the writes of which it isn't known yet whether they were carried out, while their record may still come."""
    return [one for one in state.intents if one.state is IntentState.OPEN and now < one.at + PROVED_WITHIN]


def _by_mode(found: Finding, judged: JudgedChange, detection: AnyDetection, ruling: Ruling) -> Finding:
    """Do less where the detection isn't in mode enforce, and say what enforce would have done."""
    if found.decision is Decision.RECORD or found.outcome is Outcome.DONE:
        return found
    mode = ruling.authority.controls.present.mode(detection.id)
    planned = ruling.would.get(judged.change.id)
    would = f"would put it back: {planned}" if planned else f"would page the owners: {found.because}"
    if mode is Mode.OBSERVE:
        return recorded("the detection is in mode observe", would=would)
    if mode is Mode.PAGE and planned:
        unread = "the kill switch could not be read" if ruling.authority.controls.present.unread else ""
        return paged(unread or "the detection is in mode page", would=would)
    return found


def _objected(objections: Sequence[Objection], *, who: str = "the actor is not approved, but ") -> Finding:
    lasting = [one for one in objections if not one.can_pass]
    one = (lasting or list(objections))[0]
    because = one.because if one.guard == "authority" else f"{who}{one.because}"
    if lasting:
        return paged(because, by_hand=one.by_hand)
    return Finding(
        decision=Decision.REMEDIATE,
        outcome=Outcome.PENDING,
        because=because,
        is_final=False,
        is_paged=True,
        by_hand=one.by_hand,
    )


def _of(change: ObjectChange, ruling: Ruling) -> dict[str, LeafVerdict]:
    """Give the verdicts that a change has part in: on what it wrote or may have written, whoever wrote it last."""
    wrote = {EXISTS} if change.op is not Op.UPDATE else set(change.wrote)
    return {
        leaf: verdict
        for leaf, verdict in ruling.verdicts.items()
        if verdict.change == change.id
        or leaf in wrote
        or (leaf in {WHOLE, EXISTS} and not change.is_whole and verdict.verdict.waits)
    }


_WORDS: Final[Mapping[Verdict, str]] = {
    Verdict.OFFER: "the responder had put another value there, over a change that was known only later",
    Verdict.LISTED: "it was made while nothing was to be put back, so a person decides (responder settle)",
    Verdict.DRIFT: "nobody is known to have made what stands",
    Verdict.UNKNOWN: "it brings back what the responder took away from an unapproved actor",
    Verdict.MISSING: "a change before it was never recorded",
    Verdict.MIXED: "changes of approved and unapproved actors meet in it",
    Verdict.BENEATH: "it lies over a change that nobody has accounted for",
    Verdict.UNTOLD: "it isn't known what the change wrote",
    Verdict.BRACKETED: "what it wrote is only known from the versions around it, and a person has to accept that",
}


def _in_words(verdict: Verdict) -> str:
    return _WORDS.get(verdict, verdict.value)


def changes_in(steps: Mapping[str, Step]) -> tuple[Change, ...]:
    """Give the steps of leaves as a case shows them."""
    names = {EXISTS: "the object", WHOLE: "the object"}
    return tuple(
        Change(name=names.get(leaf, leaf), old=_text(old), new=_text(new)) for leaf, (old, new) in sorted(steps.items())
    )


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
