"""What a case is judged by beside its own record: its evidence, who else changed the object, how it stood before."""

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
from shared.objects.history import run_of, standing_then, trusted
from shared.respond.components import Runtime

_HISTORY: Final = timedelta(days=7)


def event_of(runtime: Runtime, case: Case) -> Event | None:
    """Read the event of a case from its evidence; None when that can't be read. Raises EdgeError."""
    raw = runtime.ledger.record_of(case)
    detection = runtime.detections.get(case.detection)
    if detection is not None and detection.counted is not None:
        return _count_from(raw)
    # Whatever is looked for today: the case was opened by what was looked for then.
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
    """Give the case with its target's changes, from its evidence: the row holds it without them. Raises EdgeError."""
    event = event_of(runtime, case)
    return msgspec.structs.replace(case, target=event.target, actor=event.actor) if event else case


def as_far_as_known(runtime: Runtime, case: Case) -> Case:
    """Give the case with its changes where they can be read, for people: a page that tells less is better than none."""
    try:
        return with_changes(runtime, case)
    except EdgeError:
        return case


def authorization_of(runtime: Runtime, case: Case) -> Authorization:
    """Say how the actor of a case stands, by the list of the case's own detection."""
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
    """The unapproved changes behind the present state, the later ones by others, and the object before all of them."""

    run: list[Case]
    others_later: list[Case]
    baseline: Baseline


def object_history_of(runtime: Runtime, case: Case, remediation: Remediation) -> ObjectHistory:
    """Read the object's history and, where the remediation needs it, the object before the unapproved changes.

    Raises EdgeError.
    """
    found = runtime.ledger.cases(case.tenant_id, target_id=case.target.id, since=case.at - _HISTORY)
    others = [_judged(runtime, other) for other in _other_changes(runtime, case, found)]
    run, later = run_of(msgspec.structs.replace(case, standing=Standing.UNAPPROVED), others)
    baseline: Baseline = Unknown(because="no snapshot was looked at")
    if remediation.needs_baseline:
        baseline = _baseline(runtime, case, remediation, run, others)
    return ObjectHistory(
        run=[one if one.id == case.id else with_changes(runtime, one) for one in run],
        others_later=[with_changes(runtime, one) for one in later],
        baseline=baseline,
    )


def _other_changes(runtime: Runtime, case: Case, found: list[Case]) -> list[Case]:
    """Leave out what is a second case of a change: a record may match a detection without an approval list as well."""
    judged = {one.event_id for one in (case, *found) if _asks_who(runtime, one)}
    return [one for one in found if one.id != case.id and (_asks_who(runtime, one) or one.event_id not in judged)]


def _asks_who(runtime: Runtime, case: Case) -> bool:
    detection = runtime.detections.get(case.detection)
    return detection is not None and detection.unless_actor_in is not None


def _judged(runtime: Runtime, other: Case) -> Case:
    """Give another case its standing now, where nobody has got to it yet.

    What a break-glass account did is nobody's to undo, whoever is approved: it counts as a change by somebody else.
    """
    if other.actor.id in runtime.settings.emergency_accounts:
        return msgspec.structs.replace(other, standing=Standing.UNKNOWN)
    if other.state is not State.OPENED:
        return other
    return msgspec.structs.replace(other, standing=authorization_of(runtime, other).standing)


def _baseline(runtime: Runtime, case: Case, remediation: Remediation, run: list[Case], others: list[Case]) -> Baseline:
    """Give the object before the run, by a snapshot in which no unapproved change stood."""
    tenant = runtime.settings.tenant(case.tenant_id)
    start = before = run[0].at
    while True:
        found = runtime.snapshots.baseline(case.tenant_id, remediation.kind, case.target.id, before=before)
        stood = standing_then(found.begun_at, found.captured_at, others, before=start)
        if isinstance(found.baseline, Unknown) or not stood:
            own = tenant.responder_id if tenant else ""
            return trusted(found.baseline, found.confirmed_at, run, others, responder_id=own)
        before = min(other.at for other in stood)
