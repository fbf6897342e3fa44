"""What a case was opened by, read back from its evidence."""

import msgspec

from shared.authority.approval_history import ApprovalHistory, standing_of
from shared.authority.standing import Authorization
from shared.model.cases import Case, Standing
from shared.model.errors import EdgeError
from shared.model.events import ActorKind, CountEvent, Event, Target
from shared.normalize import EVERY_RECORD, read_batch
from shared.respond.asked_detections import ASKED_BY_ID
from shared.respond.components import Runtime
from shared.respond.unexplained import UNEXPLAINED, DriftEvidence


def event_of(runtime: Runtime, case: Case) -> Event | None:
    """Read the event of a case from its evidence; None when that can't be read. Raises EdgeError."""
    raw = runtime.ledger.record_of(case)
    detection = runtime.detections.get(case.detection)
    if detection is not None and detection.counted is not None:
        return _count_from(raw)
    # Every record is read, whatever the present detections match: the detection may have changed since.
    readings = read_batch(raw, tenant_id=case.tenant_id, interest=EVERY_RECORD)
    return next((reading.event for reading in readings if reading.event is not None), None)


def _count_from(raw: bytes) -> CountEvent | None:
    try:
        return msgspec.json.decode(raw, type=CountEvent)
    except msgspec.DecodeError:
        return None


def with_changes(runtime: Runtime, case: Case) -> Case:
    """Give the case with the actor and target of its evidence; its row lacks the target's changes. Raises EdgeError."""
    if not case.record:
        return case
    if case.detection == UNEXPLAINED.id:
        evidence = msgspec.json.decode(runtime.ledger.record_of(case), type=DriftEvidence)
        return msgspec.structs.replace(case, target=evidence.target)
    if case.detection in ASKED_BY_ID:
        return msgspec.structs.replace(case, target=_target_in(runtime.ledger.record_of(case)))
    event = event_of(runtime, case)
    if event is None:
        return case
    # Who really asked for a change of a guarded object may be another one than the record names.
    is_found = bool(case.actor.id) and not event.actor.id and case.actor.name == event.actor.name
    actor = case.actor if case.object_key or is_found else event.actor
    return msgspec.structs.replace(case, target=event.target, actor=actor)


class _Targeted(msgspec.Struct, frozen=True):
    """What the evidence of a case has that a person asked for, as far as it is shown."""

    target: Target


def _target_in(raw: bytes) -> Target:
    return msgspec.json.decode(raw, type=_Targeted).target


def with_changes_if_readable(runtime: Runtime, case: Case) -> Case:
    """Give the case with its changes, or without where they can't be read: an incomplete page is better than none."""
    try:
        return with_changes(runtime, case)
    except EdgeError:
        return case


def authorization_of(runtime: Runtime, case: Case, event: Event) -> Authorization:
    """Say whether the actor of a case was approved when it acted, by the approval list of its detection."""
    found = _by_list(runtime, case)
    api = runtime.edges.get(case.tenant_id)
    is_emergency_account = case.actor.id.lower() in runtime.settings.emergency_accounts
    if found.standing is Standing.APPROVED or is_emergency_account or api is None:
        return found
    excuse = runtime.excuse(api, event)
    return Authorization(standing=Standing.APPROVED, because=excuse) if excuse else found


def _by_list(runtime: Runtime, case: Case) -> Authorization:
    detection = runtime.detections.get(case.detection)
    if detection is None:
        return Authorization(standing=Standing.UNKNOWN, because="its detection is no longer in the catalogue")
    history = (
        runtime.approvals.history(detection.unless_actor_in, emergency_accounts=runtime.settings.emergency_accounts)
        if detection.unless_actor_in
        else None
    )
    found = standing_of(case.actor, history, target_id=case.target.id, at=case.at)
    if history is None or found.standing is Standing.APPROVED or case.actor.kind is not ActorKind.SERVICE_PRINCIPAL:
        return found
    return _of_a_service(runtime, case, history) or found


def _of_a_service(runtime: Runtime, case: Case, history: ApprovalHistory) -> Authorization | None:
    """Approve one of Microsoft's services of whom the list itself says nothing; None for anybody else."""
    api, actor = runtime.edges.get(case.tenant_id), case.actor.id.lower()
    if api is None or not actor or history.unread or actor in history.statements:
        return None
    withdrawn = runtime.settings.profile.withdrawn_services
    because = runtime.approved_service(api, actor, history.approval_list, withdrawn)
    return Authorization(standing=Standing.APPROVED, because=because) if because else None
