"""What an event says of guarded objects becomes changes of them, stored before anything is decided."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

import msgspec
from msgspec import Struct

from shared.model.detections import AnyDetection
from shared.model.events import AuditEvent, Event, ResourceEvent
from shared.model.kinds import Risk, TenantKind
from shared.model.object_kinds import Kind
from shared.model.objects import ObjectChange, ObjectId, Recorded, key_of
from shared.model.once import Once
from shared.objects.due import Look
from shared.objects.folding import change_id
from shared.respond.case_rows import shortened
from shared.respond.components import Runtime
from shared.respond.messages import ObjectMessage
from shared.respond.object_naming import identified

_RISKS: Final = tuple(Risk)

_LONGEST_NAME: Final = 2000
"""Characters."""

NOTED_FOR: Final = timedelta(seconds=90)
"""After this a timer takes up an object whose change nobody has answered."""


class RecordedChange(Struct, frozen=True, kw_only=True):
    """A change of an object that an event tells. `tenants_id` is the tenant's id of the object in the event."""

    id: ObjectId
    tenants_id: str
    name: str
    change: ObjectChange


def recorded_changes(runtime: Runtime, event: Event, detections: Sequence[AnyDetection]) -> list[RecordedChange]:
    """Give the changes of guarded objects that an event tells; `detections` are those that it meets.

    Raises EdgeError where storage fails while an object is looked up that the event only names.
    """
    tenant = runtime.settings.tenant(event.tenant_id)
    if tenant is None:
        return []
    return [
        _recorded_change(runtime, kind, recorded, event, detections)
        for kind in _kinds_of(runtime, tenant.kind)
        if not kind.takes_answered or _is_answered(kind, detections)
        for described in kind.recorded(event)
        if not kind.skips_others or kind.is_configured(tenant, described.object_id)
        if (recorded := identified(runtime, kind, tenant, described, event.at)) is not None
    ]


def _kinds_of(runtime: Runtime, tenant_kind: TenantKind) -> list[Kind]:
    return [kind for kind in runtime.kinds.values() if kind.tenant_kind is tenant_kind]


def _is_answered(kind: Kind, detections: Sequence[AnyDetection]) -> bool:
    return any(one.remediation is not None and kind.kind in one.remediation.kinds for one in detections)


def _recorded_change(
    runtime: Runtime, kind: Kind, recorded: Recorded, event: Event, detections: Sequence[AnyDetection]
) -> RecordedChange:
    risks = [detection.risk for detection in detections]
    change = ObjectChange(
        id=change_id(event, recorded),
        log=event.log,
        source=_source(event),
        actor=event.actor,
        at=event.at,
        arrived_at=runtime.clock(),
        op=recorded.op,
        wrote=recorded.wrote,
        is_whole=recorded.is_whole,
        whole_properties=recorded.whole_properties,
        object_id=recorded.object_id,
        detections=tuple(detection.id for detection in detections),
        risk=max(risks, key=_RISKS.index, default=Risk.LOW),
        is_confirmed=kind.confirm is None or not kind.is_doubtful(event.actor),
    )
    object_id = ObjectId(tenant_id=event.tenant_id, kind=kind.kind, key=key_of(recorded.object_id))
    return RecordedChange(
        id=object_id,
        tenants_id=recorded.object_id,
        name=shortened(recorded.name, _LONGEST_NAME),
        change=_storable(change),
    )


def _source(event: Event) -> str:
    """Name the log that an event is from, where two may tell of the same action.

    Azure AD B2C writes two records of one change, in two categories. Event Grid delivers what the Activity Log has too.
    """
    match event:
        case AuditEvent():
            return f"{event.log} {event.category}"
        case ResourceEvent(is_delivered=True):
            return f"{event.log} delivered"
        case _:
            return event.log


def _storable(change: ObjectChange) -> ObjectChange:
    """Give the change with whole characters only: half ones, which JSON can escape, can't be stored.

    Values that had any aren't known, so the change isn't told whole any more.
    """
    actor = change.actor
    cleaned = msgspec.structs.replace(
        change,
        actor=msgspec.structs.replace(
            actor,
            id=shortened(actor.id, _LONGEST_NAME),
            name=shortened(actor.name, _LONGEST_NAME),
            address=shortened(actor.address, _LONGEST_NAME),
        ),
    )
    try:
        msgspec.json.encode(cleaned)
    except UnicodeEncodeError:
        return msgspec.structs.replace(cleaned, wrote={}, is_whole=False, whole_properties=())
    return cleaned


class Arrived(Struct, frozen=True, kw_only=True):
    """A change that is being stored.

    `stored` waits for that, and gives the note that its object is due, and whether the change is new. It raises
    EdgeError where the change couldn't be stored.
    """

    id: ObjectId
    tenants_id: str
    name: str
    change: ObjectChange
    stored: Callable[[], tuple[Look, bool]]


def store(runtime: Runtime, recorded: RecordedChange, raw: bytes, *, is_read_again: bool) -> Arrived:
    """Begin to store a change: its record as evidence, the note that its object is due, and the change itself.

    Until all stand the record isn't done with, and is taken in again. A delivery that comes again is stored again, so
    the three are written side by side. Of a log that is read again, what is stored is passed over: there the note goes
    before the change.
    """
    record = runtime.ledger.record_name(recorded.id.tenant_id, recorded.change.id, raw)
    change = msgspec.structs.replace(recorded.change, record=record)
    evidence = runtime.start(lambda: runtime.ledger.keep_copy(record, raw))
    noted = runtime.start(lambda: runtime.due.note(recorded.id, change.arrived_at + NOTED_FOR))

    def add() -> bool:
        if is_read_again:
            noted()
        return runtime.objects.add_change(recorded.id, change)

    added = add if is_read_again else runtime.start(add)

    def stored() -> tuple[Look, bool]:
        evidence()
        return noted(), added()

    return Arrived(
        id=recorded.id, tenants_id=recorded.tenants_id, name=recorded.name, change=change, stored=Once(stored).__call__
    )


def queue_arrived(runtime: Runtime, arrived: Sequence[Arrived]) -> int:
    """Wait until a batch's changes are stored, and queue each object that has a new one; gives how many are new.

    Raises EdgeError.
    """
    new = [one for one in arrived if one.stored()[1]]
    for each in dict.fromkeys(one.id for one in new):
        tenants_id = next(one.tenants_id for one in new if one.id == each)
        looks = tuple(one.stored()[0] for one in arrived if one.id == each)
        runtime.storage.enqueue(msgspec.json.encode(ObjectMessage(id=each, tenants_id=tenants_id, looks=looks)))
    return len([one for one in new if one.change.detections])
