"""The case of what no record explains: an object stands otherwise than agreed, and nobody is known to have done it.

It is opened once the time is over in which a record may still come, paged, and closed like any case that people must
see to. A record that comes later joins it: the case names who made the change, and the change has a case of its own.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from shared.model.cases import Case, Standing, State, change_case_id
from shared.model.events import Actor, Change, Target
from shared.model.kinds import Image, Json, Mode
from shared.model.object_kinds import Made
from shared.model.objects import EXISTS, WHOLE, Drift, JudgedChange, ObjectPlan, Verdict
from shared.objects.planning import GRACE
from shared.respond.object_cases import changes_in, end_case
from shared.respond.object_findings import paged
from shared.respond.object_run import ObjectRun, risk_of
from shared.respond.unexplained import UNEXPLAINED, DriftEvidence

_BECAUSE: Final = f"no record of the change came within {GRACE.total_seconds() / 60:.0f} minutes"


def write_drift_cases(
    run: ObjectRun, plan: ObjectPlan, judged: Sequence[JudgedChange], image: Image | None
) -> tuple[Drift, ...]:
    """Open a case for what drifts and has none, and let records join those that there are.

    Gives what drifts now, each with its case, for the object's state. Raises EdgeError where a case can't be written;
    the object stays due then, and the same case is written.
    """
    stands = run.leaves(image)
    drifting = {leaf: stands.get(leaf) for leaf, one in plan.verdicts.items() if one.verdict is Verdict.DRIFT}
    known = [one for one in plan.state.drifts if _is_part(one.leaves, drifting)]
    for one in plan.state.drifts:
        if one not in known:
            _join(run, one, judged)
    covered = {leaf for one in known for leaf in one.leaves}
    new = {leaf: value for leaf, value in drifting.items() if leaf not in covered}
    if new:
        known.append(Drift(case=_open(run, plan, new, image), leaves=new, since=run.runtime.clock()))
    return tuple(known)


def _is_part(leaves: Mapping[str, Json], drifting: Mapping[str, Json]) -> bool:
    """Whether any of the leaves still drifts at its value."""
    return any(leaf in drifting and drifting[leaf] == value for leaf, value in leaves.items())


def _open(run: ObjectRun, plan: ObjectPlan, leaves: Mapping[str, Json], image: Image | None) -> str:
    """Open, page and close the case; gives its id."""
    runtime, state = run.runtime, plan.state
    now = runtime.clock()
    seen_at = min((one.since for one in state.differing if one.leaf in leaves), default=now)
    case_id = change_case_id(_identity(run, leaves), seen_at)
    target = Target(id=state.ids[-1], name=state.name, changes=_changes(plan, leaves))
    record = f"{state.id.tenant_id}/objects/{state.id.kind}/{state.id.key}/drift-{case_id}.json"
    runtime.ledger.keep_copy(record, msgspec.json.encode(DriftEvidence(target=target, stands=image)))
    case = Case(
        id=case_id,
        tenant_id=state.id.tenant_id,
        detection=UNEXPLAINED.id,
        detections=(UNEXPLAINED.id,),
        correlation_id="",
        event_id=case_id,
        at=seen_at,
        opened_at=now,
        actor=Actor(id=""),
        target=target,
        record=record,
        object_kind=state.id.kind,
        object_key=state.id.key,
        at_most=risk_of(run, run.leaves(image), state),
    )
    found = paged(f"{_BECAUSE}{_said_by(run, image, leaves)}")
    leased = runtime.ledger.open_change(case)
    if not leased.case.is_open:
        return case_id
    leased = runtime.ledger.move(
        leased,
        state=State.ACTED,
        lease_until=None,
        mode=Mode.PAGE,
        standing=Standing.UNKNOWN,
        standing_because="no record says who made the change",
        decision=found.decision,
        outcome=found.outcome,
        because=found.because,
        decided_at=now,
    )
    end_case(runtime, leased, UNEXPLAINED, found)
    return case_id


def _said_by(run: ObjectRun, image: Image | None, leaves: Collection[str]) -> str:
    """Say whom the object itself names, where its service stamps that: no record does, so nobody is judged by it."""
    made = run.kind.made(image) if image is not None else Made()
    if EXISTS in leaves and made.by:
        return f"; the object itself names {made.by} as its maker{_at(made.at)}"
    if made.changed_by and made.changed_by != made.by:
        return f"; the object itself names {made.changed_by} as who changed it last{_at(made.changed_at)}"
    return ""


def _at(instant: datetime | None) -> str:
    return f", at {instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if instant else ""


def _identity(run: ObjectRun, leaves: Mapping[str, Json]) -> str:
    """Name the drift by what stands where: tried again after a crash, it is the same case."""
    values = msgspec.json.encode(sorted(leaves.items()), order="deterministic")
    return f"drift {run.id.tenant_id} {run.id.kind} {run.id.key} {hashlib.sha256(values).hexdigest()}"


def _changes(plan: ObjectPlan, leaves: Mapping[str, Json]) -> tuple[Change, ...]:
    agreed = {leaf: plan.baseline.get(leaf) or plan.baseline.get(WHOLE) for leaf in leaves}
    return changes_in({leaf: (one.value if (one := agreed[leaf]) else None, value) for leaf, value in leaves.items()})


def _join(run: ObjectRun, drift: Drift, judged: Sequence[JudgedChange]) -> None:
    """Have the case of what is explained by now name whose change it was, where a record says so."""
    found = next((each for each in judged if _explains(run, each, drift)), None)
    case = run.runtime.ledger.case(run.id.tenant_id, drift.case) if found else None
    if found is None or case is None or case.actor.id:
        return
    change = found.change
    run.runtime.ledger.move(
        run.runtime.ledger.open_change(case),
        actor=change.actor,
        standing=found.standing,
        standing_because=found.because,
        because=f"{_BECAUSE}; one that came later names the actor, and has case {change_case_id(change.id, change.at)}",
    )


def _explains(run: ObjectRun, judged: JudgedChange, drift: Drift) -> bool:
    same, change = run.kind.rules.same, judged.change
    if change.is_ours or not change.actor.id:
        return False
    return any(leaf in drift.leaves and same(leaf, new, drift.leaves[leaf]) for leaf, (_, new) in change.wrote.items())
