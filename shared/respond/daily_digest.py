"""The daily digest: what was only recorded since the last one, one card for each owner; it wakes nobody.

A digest is noted, with the time that it covers, before its cards are published, and is gone on with by whoever finds it
open. So each case is in one digest, over several instances and through crashes.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from shared.clients.storage import Row
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.model.cases import Case, Standing
from shared.model.detections import Answer, AnyDetection
from shared.model.do_all import do_all
from shared.model.kinds import Risk
from shared.model.notices import Owner, SystemNotice
from shared.notify.paged import Channel
from shared.respond.case_owners import first_owners, scopes_of
from shared.respond.case_rows import shortened
from shared.respond.components import Runtime

_log = logging.getLogger("responder.digest")

_PLACE: Final = ("recorded", "digest")
_A_DAY: Final = timedelta(days=1)
_LEAST: Final = timedelta(hours=12)
"""The shortest time that a digest covers: a second timer of the same noon finds nothing to do."""

_FURTHEST_BACK: Final = timedelta(days=7)
_SETTLED: Final = timedelta(minutes=10)
"""How old a case's end has to be: its row is written a little later than the time that it names."""

_MOST_LINES: Final = 10
_MOST_ACTORS: Final = 3
_LONGEST_NAME: Final = 60
_LOUDEST_FIRST: Final = {Risk.HIGH: 0, Risk.MEDIUM: 1, Risk.LOW: 2}


class _Group(Struct, frozen=True):
    """Cases that are told of in one line: of one detection, recorded for one reason."""

    detection: str
    because: str


type _Found = dict[_Group, Counter[str]]
"""How many cases of each group each actor has."""


def begin_digest(runtime: Runtime) -> int:
    """Send the digest of what was recorded since the last one; gives how many cards there are.

    Raises EdgeError; what was begun is gone on with by `go_on_with_digest`.
    """
    go_on_with_digest(runtime)
    row = runtime.storage.row(Table.CURSORS, *_PLACE)
    until = runtime.clock() - _SETTLED
    last = row.instant("until") if row else None
    since = until - _A_DAY if last is None else max(last, until - _FURTHEST_BACK)
    if until - since < _LEAST:
        return 0
    columns = {"since": since.isoformat(), "until": until.isoformat(), "done": False}
    try:
        if row is not None:
            runtime.storage.replace(Table.CURSORS, row, columns)
        else:
            runtime.storage.insert(Table.CURSORS, *_PLACE, columns)
    except Conflict:
        _log.info("another instance has begun the digest")
    return go_on_with_digest(runtime)


def go_on_with_digest(runtime: Runtime) -> int:
    """Publish the cards of a digest that was begun and not ended; gives how many there are. Raises EdgeError."""
    row = runtime.storage.row(Table.CURSORS, *_PLACE)
    if row is None or row.columns.get("done"):
        return 0
    since, until = row.instant("since"), row.instant("until")
    cards = [] if since is None or until is None else list(_cards(runtime, since, until))
    do_all(cards, lambda card: _publish(runtime, card), failed=lambda card: f"{card.key} isn't published", log=_log)
    try:
        runtime.storage.replace(Table.CURSORS, row, {**row.columns, "done": True})
    except Conflict:
        _log.info("another instance has ended the digest")
    return len(cards)


def _publish(runtime: Runtime, card: SystemNotice) -> None:
    """Publish a card once, also where the day has ended since."""
    if runtime.notifier.is_published(card.key):
        return
    over = (Channel.TEAMS,) if runtime.settings.teams_webhook_url else ()
    runtime.notifier.publish(card, over=over)


def _cards(runtime: Runtime, since: datetime, until: datetime) -> Iterator[SystemNotice]:
    owner_of = first_owners(runtime)
    by_owner: dict[Owner | None, _Found] = {}
    for tenant in runtime.settings.tenants:
        for case in runtime.ledger.recorded(
            tenant.id, since=since, until=until, unreadable=lambda row: _unreadable(runtime, row)
        ):
            found = by_owner.setdefault(owner_of(scopes_of(runtime.detections.get(case.detection))), {})
            group = _Group(case.detection, _because(case, runtime.detections.get(case.detection)))
            found.setdefault(group, Counter())[_name(case)] += 1
    for owner, found in by_owner.items():
        yield _card(owner, found, runtime.detections, since, until)


def _unreadable(runtime: Runtime, row: Row) -> None:
    runtime.notifier.report_unreadable_row(Table.CASES, row)


def _because(case: Case, detection: AnyDetection | None) -> str:
    if case.standing is Standing.APPROVED:
        return "approved"
    if detection is not None and detection.answer is Answer.RECORD:
        return "only recorded"
    return f"mode {case.mode.value}"


def _name(case: Case) -> str:
    return shortened(case.actor.name or case.actor.id or "nobody named", _LONGEST_NAME)


def _card(
    owner: Owner | None,
    found: _Found,
    detections: Mapping[str, AnyDetection],
    since: datetime,
    until: datetime,
) -> SystemNotice:
    total = sum(sum(actors.values()) for actors in found.values())
    ordered = sorted(found.items(), key=lambda one: _order(one[0], one[1], detections))
    lines = [_line(group, actors, detections) for group, actors in ordered[:_MOST_LINES]]
    if (left := len(ordered) - _MOST_LINES) > 0:
        lines.append(f"And {left:,} more kind{'' if left == 1 else 's'}.")
    whose = (owner.upn or owner.name) if owner else ""
    return SystemNotice(
        key=f"recorded {until:%Y%m%d%H%M%S} {whose}",
        title=f"{total:,} {'case was' if total == 1 else 'cases were'} only recorded",
        text=f"From {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC; nobody was called for them.",
        lines=tuple(lines),
        what_to_do="If you know of all of it, nothing. responder cases lists each.",
        never_waits=True,  # in a digest of notices it would mention nobody and lose its lines
        is_silent=True,
        owners=(owner,) if owner else (),
    )


def _order(group: _Group, actors: Counter[str], detections: Mapping[str, AnyDetection]) -> tuple[bool, int, int, str]:
    """Sort what nobody approved first, then by risk, then by number."""
    detection = detections.get(group.detection)
    risk = _LOUDEST_FIRST[detection.risk] if detection else 0
    return group.because == "approved", risk, -sum(actors.values()), group.detection


def _line(group: _Group, actors: Counter[str], detections: Mapping[str, AnyDetection]) -> str:
    detection = detections.get(group.detection)
    named = _named(actors.most_common(_MOST_ACTORS))
    more = len(actors) - _MOST_ACTORS
    others = f" and {more:,} more" if more > 0 else ""
    risk = f"{detection.risk.value}, " if detection else ""
    return f"{_title(group, detection)} ({risk}{group.because}): {sum(actors.values()):,}, by {named}{others}"


def _title(group: _Group, detection: AnyDetection | None) -> str:
    title = detection.title if detection else group.detection
    return title.replace(" by an unapproved actor", "") if group.because == "approved" else title


def _named(actors: Iterable[tuple[str, int]]) -> str:
    return ", ".join(name if count == 1 else f"{name} ({count:,})" for name, count in actors)
