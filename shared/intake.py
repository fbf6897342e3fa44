"""The first stages, in order, on one page: record → event → match → case.

May be killed at any point and run again: every write is found again, by its name or in its set.
"""

import logging
from functools import partial

import msgspec
from msgspec import Struct

from shared.bulletins import Bulletin
from shared.catalog import AnyDetection
from shared.clients.calls import ID_SHAPES
from shared.clients.storage import Table
from shared.events import CountEvent, Event, Log
from shared.machine import Machine
from shared.normalize import read_batch
from shared.quarantine import is_kept, quarantine

_log = logging.getLogger("responder.intake")


class Intake(Struct, kw_only=True):
    """What became of a batch."""

    records: int = 0
    matches: int = 0
    opened: int = 0
    unreadable: int = 0


class _Matched(Struct, kw_only=True):
    """What a batch's records met, where that alone opens no case: it is counted, or speaks of what came before."""

    number: int = 0
    counted: list[tuple[AnyDetection, Event]] = []
    firsts: list[tuple[AnyDetection, Event]] = []
    seconds: list[tuple[AnyDetection, Event, bytes]] = []


def take_in(machine: Machine, raw: bytes, *, tenant_id: str) -> Intake:
    """Read a batch of records and open a case for each match.

    Raises EdgeError when a case or a quarantined record couldn't be stored: the batch must then be delivered again.
    """
    intake = Intake()
    matched = _Matched()
    unreadable: list[tuple[bytes, str]] = []
    for reading in read_batch(raw, tenant_id=tenant_id, interest=machine.matcher.interested):
        intake.records += 1
        if problem := reading.unreadable or _problem_of(reading.event):
            intake.unreadable += 1
            unreadable.append((reading.raw, problem))
        elif reading.event is not None:
            intake.opened += _open_cases(machine, reading.event, reading.raw, matched)
    intake.matches = matched.number
    intake.opened += machine.counting.count(matched.counted, partial(open_count, machine))
    intake.opened += machine.pairs.follow(matched.firsts, matched.seconds, partial(_open_second, machine))
    keep_unreadable(machine, unreadable, tenant_id)
    return intake


def _problem_of(event: Event | None) -> str:
    """Say why an event can't become a case: its tenant is part of names that storage is strict about."""
    if event is None or ID_SHAPES["id"].fullmatch(event.tenant_id):
        return ""
    return f"its tenant, {event.tenant_id[:80]!r}, is not a tenant's id"


def keep_unreadable(machine: Machine, records: list[tuple[bytes, str]], tenant_id: str) -> None:
    """Keep records that can't be read, each with the reason; raises EdgeError.

    Those that weren't kept before are told of first: what isn't kept yet is told of at the next delivery.
    """
    now = machine.clock()
    new = [
        (raw, because) for raw, because in records if not is_kept(machine.storage, raw, tenant_id=tenant_id, now=now)
    ]
    if new:
        _tell_of_unreadable(machine, [because for _, because in new], tenant_id)
    for raw, because in new:
        quarantine(machine.storage, raw, because, tenant_id=tenant_id, now=now)


def _tell_of_unreadable(machine: Machine, reasons: list[str], tenant_id: str) -> None:
    """Count them, and say so once an hour: a form of record that can't be read could hide anything."""
    now = machine.clock()
    machine.notifier.publish(
        Bulletin(
            key=f"unreadable {tenant_id} {now:%Y%m%d%H}",
            title="Records came that can't be read",
            text=f"In tenant {tenant_id}, first: {reasons[0]}",
            what_to_do="They are kept whole in container quarantine. Until they can be read, look at the audit log.",
        )
    )
    machine.storage.add(Table.CURSORS, "quarantine", f"{tenant_id} {now:%Y%m%d}", len(reasons))


def _open_cases(machine: Machine, event: Event, raw: bytes, matched: _Matched) -> int:
    """Open the cases that a record makes by itself; put aside those that depend on other records of the batch."""
    opened = 0
    for detection in machine.matcher.matches(event):
        matched.number += 1
        if detection.counted is not None:
            matched.counted += [(detection, event)] if _is_counted_here(machine, detection) else []
        elif detection.after is not None:
            matched.seconds.append((detection, event, raw))
        else:
            opened += _open(machine, detection, event, raw)
    matched.firsts += [(detection, event) for detection in machine.matcher.firsts(event)]
    return opened


def _is_counted_here(machine: Machine, detection: AnyDetection) -> bool:
    """Say whether the app counts a detection's records: a workspace that is named counts the sign-ins itself."""
    return detection.log is not Log.SIGN_IN or not machine.settings.log_workspace_id


def _open_second(machine: Machine, detection: AnyDetection, tenant_id: str, raw: bytes) -> bool:
    readings = read_batch(raw, tenant_id=tenant_id, interest=machine.matcher.interested)
    return any(_open(machine, detection, reading.event, raw) for reading in readings if reading.event is not None)


def open_count(machine: Machine, detection: AnyDetection, event: CountEvent) -> bool:
    """Open the case of what was counted, here or elsewhere; says whether it is a new one. Raises EdgeError."""
    return _open(machine, detection, event, msgspec.json.encode(event))


def _open(machine: Machine, detection: AnyDetection, event: Event, raw: bytes) -> bool:
    case = machine.ledger.open(detection.id, event, raw, one_by=_one_by(machine, detection, event))
    if case is None:
        return False
    _log.info("case %s opened: %s by %s", case.id, detection.id, event.actor.id or "an unknown actor")
    return True


def _one_by(machine: Machine, detection: AnyDetection, event: Event) -> tuple[str, ...]:
    """Give the values by which records of an hour are one case; none where each action is a case of its own."""
    return tuple(field.reader(machine.settings.vocabulary)(event) for field in detection.one_case_by)
