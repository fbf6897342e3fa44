"""The first stages, in order, on one page: record → event → match → case.

May be killed at any point and run again: every write is found again, by its name or in its set.
"""

import logging
from functools import partial

import msgspec
from msgspec import Struct

from shared.clients.storage_names import Table
from shared.ingest.quarantine import is_kept, quarantine
from shared.model.calls import ID_SHAPES
from shared.model.detections import AnyDetection
from shared.model.events import CountEvent, Event, Log
from shared.model.notices import SystemNotice
from shared.normalize import read_batch
from shared.respond.components import Runtime

_log = logging.getLogger("responder.intake")


class Intake(Struct, kw_only=True):
    """What became of a batch."""

    records: int = 0
    matches: int = 0
    opened: int = 0
    unreadable: int = 0


class _Matched(Struct, kw_only=True):
    """What a batch's records met, where that alone opens no case: it is counted, or is a step of a sequence."""

    number: int = 0
    counted: list[tuple[AnyDetection, Event]] = []
    steps_a: list[tuple[AnyDetection, Event]] = []
    steps_b: list[tuple[AnyDetection, Event, bytes]] = []


def take_in(runtime: Runtime, raw: bytes, *, tenant_id: str) -> Intake:
    """Read a batch of records and open a case for each match.

    Raises EdgeError when a case or a quarantined record couldn't be stored: the batch must then be delivered again.
    """
    intake = Intake()
    matched = _Matched()
    unreadable: list[tuple[bytes, str]] = []
    for reading in read_batch(raw, tenant_id=tenant_id, interest=runtime.matcher.interested):
        intake.records += 1
        if problem := reading.unreadable or _problem_of(reading.event):
            intake.unreadable += 1
            unreadable.append((reading.raw, problem))
        elif reading.event is not None:
            intake.opened += _open_cases(runtime, reading.event, reading.raw, matched)
    intake.matches = matched.number
    intake.opened += runtime.aggregation.count(matched.counted, partial(open_count, runtime))
    intake.opened += runtime.sequences.follow(matched.steps_a, matched.steps_b, partial(_open_step_b, runtime))
    keep_unreadable(runtime, unreadable, tenant_id)
    return intake


def _problem_of(event: Event | None) -> str:
    """Say why an event can't become a case: its tenant is part of names that storage is strict about."""
    if event is None or ID_SHAPES["id"].fullmatch(event.tenant_id):
        return ""
    return f"its tenant, {event.tenant_id[:80]!r}, is not a tenant's id"


def keep_unreadable(runtime: Runtime, records: list[tuple[bytes, str]], tenant_id: str) -> None:
    """Keep records that can't be read, each with the reason; raises EdgeError.

    Those that weren't kept before are told of first: what isn't kept yet is told of at the next delivery.
    """
    now = runtime.clock()
    new = [
        (raw, because) for raw, because in records if not is_kept(runtime.storage, raw, tenant_id=tenant_id, now=now)
    ]
    if new:
        _notify_of_unreadable(runtime, [because for _, because in new], tenant_id)
    for raw, because in new:
        quarantine(runtime.storage, raw, because, tenant_id=tenant_id, now=now)


def _notify_of_unreadable(runtime: Runtime, reasons: list[str], tenant_id: str) -> None:
    """Count them, and say so once an hour: a form of record that can't be read could hide anything."""
    now = runtime.clock()
    runtime.notifier.publish(
        SystemNotice(
            key=f"unreadable {tenant_id} {now:%Y%m%d%H}",
            title="Records came that can't be read",
            text=f"In tenant {tenant_id}, first: {reasons[0]}",
            what_to_do="They are kept whole in container quarantine. Until they can be read, look at the audit log.",
        )
    )
    runtime.storage.add(Table.CURSORS, "quarantine", f"{tenant_id} {now:%Y%m%d}", len(reasons))


def _open_cases(runtime: Runtime, event: Event, raw: bytes, matched: _Matched) -> int:
    """Open the cases that a record makes by itself; put aside those that depend on other records of the batch."""
    opened = 0
    for detection in runtime.matcher.matches(event):
        matched.number += 1
        if detection.counted is not None:
            matched.counted += [(detection, event)] if _is_counted_here(runtime, detection) else []
        elif detection.after is not None:
            matched.steps_b.append((detection, event, raw))
        else:
            opened += _open(runtime, detection, event, raw)
    matched.steps_a += [(detection, event) for detection in runtime.matcher.matches_step_a(event)]
    return opened


def _is_counted_here(runtime: Runtime, detection: AnyDetection) -> bool:
    """Say whether the app counts a detection's records: a workspace that is named counts the sign-ins itself."""
    return detection.log is not Log.SIGN_IN or not runtime.settings.log_workspace_id


def _open_step_b(runtime: Runtime, detection: AnyDetection, tenant_id: str, raw: bytes) -> bool:
    readings = read_batch(raw, tenant_id=tenant_id, interest=runtime.matcher.interested)
    return any(_open(runtime, detection, reading.event, raw) for reading in readings if reading.event is not None)


def open_count(runtime: Runtime, detection: AnyDetection, event: CountEvent) -> bool:
    """Open the case of what was counted, here or elsewhere; says whether it is a new one. Raises EdgeError."""
    return _open(runtime, detection, event, msgspec.json.encode(event))


def _open(runtime: Runtime, detection: AnyDetection, event: Event, raw: bytes) -> bool:
    case = runtime.ledger.open(detection.id, event, raw, one_by=_one_by(runtime, detection, event))
    if case is None:
        return False
    _log.info("case %s opened: %s by %s", case.id, detection.id, event.actor.id or "an unknown actor")
    return True


def _one_by(runtime: Runtime, detection: AnyDetection, event: Event) -> tuple[str, ...]:
    """Give the values by which records of an hour are one case; none where each action is a case of its own."""
    return tuple(field.reader(runtime.settings.profile)(event) for field in detection.one_case_by)
