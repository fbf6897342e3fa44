"""The first stages of the pipeline: record → event → match → case.

They may be interrupted at any point and repeated: each write has a fixed name, so it isn't made twice.
"""

import logging
from collections.abc import Callable
from functools import partial

import msgspec
from msgspec import Struct

from shared.clients.storage_names import Table
from shared.ingest.quarantine import is_kept, quarantine
from shared.model.calls import ID_SHAPES
from shared.model.detections import AnyDetection
from shared.model.events import CountEvent, Event, Log, fold
from shared.model.notices import SystemNotice
from shared.normalize import Interest, read_batch
from shared.normalize.glance import Glance
from shared.respond.components import Runtime
from shared.respond.object_intake import Arrived, queue_arrived, recorded_changes, store

_log = logging.getLogger("responder.intake")


class Intake(Struct, kw_only=True):
    """The counts of a batch: records read, matches found, cases opened, records that can't be read.

    `arrived` are the changes of guarded objects: each that is new counts as opened, and its case opens with its object.
    """

    records: int = 0
    matches: int = 0
    opened: int = 0
    unreadable: int = 0
    arrived: list[Arrived] = []


class _Matched(Struct, kw_only=True):
    """The matches of a batch that open no case by themselves: those to count, and the steps of sequences."""

    number: int = 0
    counted: list[tuple[AnyDetection, Event]] = []
    steps_a: list[tuple[AnyDetection, Event]] = []
    steps_b: list[tuple[AnyDetection, Event, bytes]] = []


def take_in(runtime: Runtime, raw: bytes, *, tenant_id: str) -> Intake:
    """Read a batch of records, open a case for each match, and queue each guarded object of which it tells a change.

    Raises EdgeError when a case, a change or an unreadable record couldn't be stored; the batch must then be delivered
    again.
    """
    intake = begin_to_take_in(runtime, raw, tenant_id=tenant_id, is_read_again=True)
    intake.opened += queue_arrived(runtime, intake.arrived)
    return intake


def begin_to_take_in(runtime: Runtime, raw: bytes, *, tenant_id: str, is_read_again: bool = False) -> Intake:
    """Read a batch as `take_in` does, but only begin to store the changes in `arrived`: the caller waits for each.

    `is_read_again` says that most of the records were probably taken in before.
    """
    intake = Intake()
    matched = _Matched()
    unreadable: list[tuple[bytes, str]] = []
    for reading in read_batch(raw, tenant_id=tenant_id, interest=interest_of(runtime)):
        intake.records += reading.records
        if problem := reading.unreadable or _problem_of(reading.event):
            intake.unreadable += 1
            unreadable.append((reading.raw, problem))
        elif reading.event is not None:
            intake.opened += _open_cases(
                runtime, reading.event, reading.raw, matched, intake.arrived, is_read_again=is_read_again
            )
    intake.matches = matched.number
    intake.opened += runtime.aggregation.count(matched.counted, partial(open_count, runtime))
    intake.opened += runtime.sequences.follow(matched.steps_a, matched.steps_b, partial(_open_step_b, runtime))
    keep_unreadable(runtime, unreadable, tenant_id)
    return intake


def interest_of(runtime: Runtime) -> Interest:
    """Give what says of a record whether it is taken in: what a detection could be about, and what tells of objects."""
    kinds, interest = runtime.kinds.values(), runtime.matcher.interest
    activities = {log: frozenset[str]().union(*(kind.activities for kind in kinds if kind.log is log)) for log in Log}

    def at_a_glance(log: Log, name: str, tenant_id: str) -> Callable[[Glance], bool] | bool:
        return fold(name) in activities[log] or interest.at_a_glance(log, name, tenant_id)

    def in_record(log: Log, name: str, raw: msgspec.Raw, tenant_id: str) -> bool:
        return fold(name) in activities[log] or interest.in_record(log, name, raw, tenant_id)

    return Interest(at_a_glance=at_a_glance, in_record=in_record)


def _problem_of(event: Event | None) -> str:
    """Say why an event can't become a case: its tenant id becomes part of names in storage, so it must be an id."""
    if event is None or ID_SHAPES["id"].fullmatch(event.tenant_id):
        return ""
    return f"its tenant, {event.tenant_id[:80]!r}, is not a tenant's id"


def keep_unreadable(runtime: Runtime, records: list[tuple[bytes, str]], tenant_id: str) -> None:
    """Store records that can't be read, each with the reason, and publish a notice about new ones. Raises EdgeError.

    The notice comes first: if storing fails, the next delivery finds the records new and publishes it again.
    """
    now = runtime.clock()
    new = [
        (raw, because) for raw, because in records if not is_kept(runtime.storage, raw, tenant_id=tenant_id, now=now)
    ]
    if new:
        _publish_unreadable(runtime, [because for _, because in new], tenant_id)
    for raw, because in new:
        quarantine(runtime.storage, raw, because, tenant_id=tenant_id, now=now)


def _publish_unreadable(runtime: Runtime, reasons: list[str], tenant_id: str) -> None:
    """Publish a notice once an hour, since attacks in such records aren't detected, and count the records."""
    now = runtime.clock()
    tenant = runtime.settings.tenant(tenant_id)
    runtime.notifier.publish(
        SystemNotice(
            key=f"unreadable {tenant_id} {now:%Y%m%d%H}",
            title="Some records can't be read",
            text=f"{tenant.name if tenant else 'An unknown tenant'} ({tenant_id}). The first of them: {reasons[0]}",
            what_to_do="Nothing in these records is detected, so look at the tenant's audit log of this hour yourself."
            " The records are stored unchanged in blob container quarantine.",
        )
    )
    runtime.storage.add(Table.CURSORS, "quarantine", f"{tenant_id} {now:%Y%m%d}", len(reasons))


def _open_cases(
    runtime: Runtime, event: Event, raw: bytes, matched: _Matched, arrived: list[Arrived], *, is_read_again: bool
) -> int:
    """Open the cases that depend on this record alone; add the other matches to `matched`.

    What matches and tells changes of guarded objects isn't a case yet: those changes are added to `arrived`.
    """
    opened = 0
    found = [*runtime.matcher.matches(event)]
    alone = [one for one in found if one.counted is None and one.after is None and not one.one_case_by]
    recorded = recorded_changes(runtime, event, alone)
    arrived += [
        store(runtime, change, raw, is_read_again=is_read_again)
        for change in recorded
        if not (is_read_again and runtime.objects.has_change(change.id, change.change))
    ]
    for detection in found:
        matched.number += 1
        if detection.counted is not None:
            matched.counted += [(detection, event)] if _is_counted_here(runtime, detection) else []
        elif detection.after is not None:
            matched.steps_b.append((detection, event, raw))
        elif not recorded or detection not in alone:
            opened += _open(runtime, detection, event, raw)
    matched.steps_a += [(detection, event) for detection in runtime.matcher.matches_step_a(event)]
    return opened


def _is_counted_here(runtime: Runtime, detection: AnyDetection) -> bool:
    """Say whether the app counts a detection's records; a configured workspace counts the sign-ins instead."""
    return detection.log is not Log.SIGN_IN or not runtime.settings.log_workspace_id


def _open_step_b(runtime: Runtime, detection: AnyDetection, tenant_id: str, raw: bytes) -> bool:
    readings = read_batch(raw, tenant_id=tenant_id, interest=interest_of(runtime))
    return any(_open(runtime, detection, reading.event, raw) for reading in readings if reading.event is not None)


def open_count(runtime: Runtime, detection: AnyDetection, event: CountEvent) -> bool:
    """Open the case of a count, made by the app or the workspace; says whether it is new. Raises EdgeError."""
    return _open(runtime, detection, event, msgspec.json.encode(event))


def _open(runtime: Runtime, detection: AnyDetection, event: Event, raw: bytes) -> bool:
    case = runtime.ledger.open(detection.id, event, raw, one_by=_one_by(runtime, detection, event))
    if case is None:
        return False
    _log.info("case %s opened: %s by %s", case.id, detection.id, event.actor.id or "an unknown actor")
    return True


def _one_by(runtime: Runtime, detection: AnyDetection, event: Event) -> tuple[str, ...]:
    """Give the values by which records of an hour are one case; empty where each action is a case of its own."""
    return tuple(field.reader(runtime.settings.profile)(event) for field in detection.one_case_by)
