"""What a case is decided by, besides its row: its event, the actor's standing, and the history of its object."""

from datetime import timedelta
from typing import Final

import msgspec
from msgspec import Raw, Struct

from shared.authority.standing import Authorization, authorize
from shared.model.cases import Case, Standing, State
from shared.model.errors import EdgeError
from shared.model.events import CountEvent, Event, Log
from shared.model.remediations import Baseline, Remediation, Unknown
from shared.normalize import read_batch
from shared.objects.history import in_force_during_snapshot, split_history, trusted_baseline
from shared.respond.components import Runtime

_HISTORY: Final = timedelta(days=7)


def event_of(runtime: Runtime, case: Case) -> Event | None:
    """Read the event of a case from its evidence; None when that can't be read. Raises EdgeError."""
    raw = runtime.ledger.record_of(case)
    detection = runtime.detections.get(case.detection)
    if detection is not None and detection.counted is not None:
        return _count_from(raw)
    # Every record is read, whatever the present detections match: the detection may have changed since.
    readings = read_batch(raw, tenant_id=case.tenant_id, interest=_any_record)
    return next((reading.event for reading in readings if reading.event is not None), None)


def _any_record(_log: Log, _name: str, _raw: Raw, _tenant_id: str) -> bool:
    return True


def _count_from(raw: bytes) -> CountEvent | None:
    try:
        return msgspec.json.decode(raw, type=CountEvent)
    except msgspec.DecodeError:
        return None


def with_changes(runtime: Runtime, case: Case) -> Case:
    """Give the case with the actor and target of its evidence; its row lacks the target's changes. Raises EdgeError."""
    event = event_of(runtime, case)
    return msgspec.structs.replace(case, target=event.target, actor=event.actor) if event else case


def with_changes_if_readable(runtime: Runtime, case: Case) -> Case:
    """Give the case with its changes, or without where they can't be read: an incomplete page is better than none."""
    try:
        return with_changes(runtime, case)
    except EdgeError:
        return case


def authorization_of(runtime: Runtime, case: Case) -> Authorization:
    """Say whether the actor of a case is approved, by the approval list of its detection."""
    detection = runtime.detections.get(case.detection)
    if detection is None:
        return Authorization(standing=Standing.UNKNOWN, because="its detection is no longer in the catalogue")
    tenant = runtime.settings.tenant(case.tenant_id)
    return authorize(
        case.actor,
        detection.unless_actor_in,
        target_id=case.target.id,
        at=case.at,
        responder_id=tenant.responder_id if tenant else "",
        approvals=runtime.approvals,
    )


class ObjectHistory(Struct, frozen=True, kw_only=True):
    """The unapproved changes of an object, later changes by others, and the baseline before the unapproved changes."""

    unapproved_changes: list[Case]
    later_changes_by_others: list[Case]
    baseline: Baseline


def object_history_of(runtime: Runtime, case: Case, remediation: Remediation) -> ObjectHistory:
    """Read the history of a case's object and, where the remediation needs one, the baseline. Raises EdgeError."""
    found = runtime.ledger.cases(case.tenant_id, target_id=case.target.id, since=case.at - _HISTORY)
    others = [_with_present_standing(runtime, other) for other in _other_changes(runtime, case, found)]
    unapproved_changes, later_changes = split_history(
        msgspec.structs.replace(case, standing=Standing.UNAPPROVED), others
    )
    baseline: Baseline = Unknown(because="no snapshot was read")
    if remediation.needs_baseline:
        baseline = _baseline(runtime, case, remediation, unapproved_changes, others)
    return ObjectHistory(
        unapproved_changes=[one if one.id == case.id else with_changes(runtime, one) for one in unapproved_changes],
        later_changes_by_others=[with_changes(runtime, one) for one in later_changes],
        baseline=baseline,
    )


def _other_changes(runtime: Runtime, case: Case, found: list[Case]) -> list[Case]:
    """Give the cases of other changes.

    One record may match several detections. Where one of them has an approval list, the cases of those without are left
    out.
    """
    with_approval_list = {one.event_id for one in (case, *found) if _has_approval_list(runtime, one)}
    return [
        one
        for one in found
        if one.id != case.id and (_has_approval_list(runtime, one) or one.event_id not in with_approval_list)
    ]


def _has_approval_list(runtime: Runtime, case: Case) -> bool:
    detection = runtime.detections.get(case.detection)
    return detection is not None and detection.unless_actor_in is not None


def _with_present_standing(runtime: Runtime, other: Case) -> Case:
    """Give another case with the standing of its actor, which is not stored before the case is decided.

    The standing of a break-glass account is always unknown here, so its changes are never undone.
    """
    if other.actor.id in runtime.settings.emergency_accounts:
        return msgspec.structs.replace(other, standing=Standing.UNKNOWN)
    if other.state is not State.OPENED:
        return other
    return msgspec.structs.replace(other, standing=authorization_of(runtime, other).standing)


def _baseline(
    runtime: Runtime, case: Case, remediation: Remediation, unapproved_changes: list[Case], others: list[Case]
) -> Baseline:
    """Give the object as it was before the unapproved changes, from a snapshot that contains none of them."""
    tenant = runtime.settings.tenant(case.tenant_id)
    start = before = unapproved_changes[0].at
    while True:
        found = runtime.snapshots.baseline(case.tenant_id, remediation.kind, case.target.id, before=before)
        in_force = in_force_during_snapshot(found.begun_at, found.captured_at, others, before=start)
        if isinstance(found.baseline, Unknown) or not in_force:
            responder_id = tenant.responder_id if tenant else ""
            return trusted_baseline(
                found.baseline, found.confirmed_at, unapproved_changes, others, responder_id=responder_id
            )
        before = min(other.at for other in in_force)
