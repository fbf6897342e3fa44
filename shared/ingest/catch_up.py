"""Reads what the polls left: windows that an outage or a failure kept from being read, and what may have come late.

Records come up to days late, at any time. So each hour of a log is read again when it is three hours old, then eight
hours, one day, two days and six and a half: at any time everything of the last 48 hours was looked at again within a
day, and everything of the last week within the week. That costs five readings for each hour, spread over the day.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from shared.clients.storage import Row
from shared.clients.storage_names import Table
from shared.ingest.intake import Intake
from shared.ingest.lateness import Noted, Reading, store_lateness
from shared.ingest.poll import NO_LICENCE, is_unlicensed, log_intake, read_since
from shared.ingest.unread import KEPT_BY_SERVICE, Unread, give_up, keep_unread, read_unread, replace_unread
from shared.ingest.windows import Part, read_in_parts, read_window
from shared.model.errors import Refused
from shared.model.notices import SystemNotice
from shared.model.settings import Tenant
from shared.model.sources import Source, Window
from shared.respond.components import Runtime

_log = logging.getLogger("responder.catch_up")

LONGEST: Final = timedelta(minutes=6)
"""How long one run reads; the next one goes on."""

AGES: Final = tuple(timedelta(hours=hours) for hours in (3, 8, 24, 48, 156))
"""How old an hour is when it is read again. The last one is before the service deletes it where it keeps a week."""

_HOUR: Final = timedelta(hours=1)
_OLDEST: Final = timedelta(days=7)
_PATIENCE: Final = 12
"""Attempts that give nothing before a window is put off as a whole: as many as lead to the first minute of two hours,
and a few beside it.
"""

_TRIES_TO_PAGE: Final = 2
"""The poll's own attempt, and one of `catch_up` minutes later: one answer that got lost is no news."""

_AGAIN: Final = "again "
_NOTICED: Final = "noticed "


def catch_up(runtime: Runtime, tenant: Tenant, source: Source, *, longest: timedelta = LONGEST) -> Intake:
    """Read what is due of what is still to be read, the newest first, then what is due to be read again.

    A window that can't be read is put off, and people are told once; nothing waits for it. For a tenant without the
    licence for the log, nothing is read.

    Raises EdgeError when the service refuses everything, or storage fails; what is to be read stays stored.
    """
    run = _CatchingUp(runtime, tenant, source, longest)
    if is_unlicensed(runtime.storage, source, tenant.id):
        return run.total
    try:
        run.read_what_is_unread()
        run.read_again()
    except Refused as refused:
        if refused.code != NO_LICENCE:
            raise
    finally:
        store_lateness(runtime.storage, source, tenant.id, run.noted)
        run.notify()
    log_intake(source, tenant, run.total)
    return run.total


class _CatchingUp:
    """One run over a tenant's log."""

    def __init__(self, runtime: Runtime, tenant: Tenant, source: Source, longest: timedelta) -> None:
        self.total = Intake()
        self.noted: list[Noted] = []
        self._runtime = runtime
        self._storage = runtime.storage
        self._tenant = tenant
        self._source = source
        self._until = runtime.clock() + longest

    def _is_over(self) -> bool:
        return self._runtime.clock() >= self._until

    def read_what_is_unread(self) -> None:
        """Read each window whose pause is over, the newest first. Raises EdgeError."""
        now = self._runtime.clock()
        for unread in reversed(read_unread(self._storage, self._source, self._tenant.id)):
            if self._is_over():
                return
            if unread.is_lost or unread.next_at > now:
                continue
            if unread.window.until < now - KEPT_BY_SERVICE:
                self._give_up(unread)
                continue
            parts = self._parts_left(unread.window, None if unread.is_again else Reading.UNREAD)
            replace_unread(self._storage, self._source, self._tenant.id, unread, parts, now=self._runtime.clock())

    def _give_up(self, unread: Unread) -> None:
        """Tell people of a window that the service doesn't have any more, then store that. Raises EdgeError."""
        if not unread.is_again:
            self._runtime.notifier.publish(
                SystemNotice(
                    key=f"{self._source.cursors} given up {self._tenant.id} {unread.row.key}",
                    title=f"A part of the {self._source.name} of {self._tenant.name} was never read",
                    text=f"{unread.window} could not be read in 30 days, and Microsoft has deleted it by now. The last"
                    f" answer: {unread.because or 'none'}",
                    what_to_do="Nothing in these records was detected. If your logs go to a workspace or to storage as"
                    " well, run responder backtest over that time.",
                )
            )
        give_up(self._storage, unread)

    def _parts_left(self, window: Window, reading: Reading | None) -> tuple[Part, ...]:
        """Read a window; gives what couldn't be read of it, which is all of it where nothing could.

        `reading` says what its records tell about how late they come, None where they tell nothing.
        """

        def note(part: Window, minutes: Mapping[str, int]) -> None:
            if reading is not None:
                self.noted.append(Noted(reading=reading, window=part, minutes=minutes, at=self._runtime.clock()))

        return read_in_parts(
            lambda part: read_window(self._runtime, self._tenant, self._source, part, self.total, note=note),
            [window],
            patience=_PATIENCE,
            is_over=self._is_over,
        ).unread

    def read_again(self) -> None:
        """Read the hours that reached one of the ages, the oldest first. Raises EdgeError."""
        row = self._storage.row(Table.CURSORS, _AGAIN + self._source.cursors, self._tenant.id)
        reached = {age: self._reached(row, age) for age in AGES}
        now = self._runtime.clock()
        due = {age: tuple(_hours(reached[age], now - age)) for age in AGES}
        for hour in sorted({hour for hours in due.values() for hour in hours}):
            if self._is_over():
                return
            self._read_hour(Window(since=hour, until=hour + _HOUR))
            reached |= {age: hour + _HOUR for age, hours in due.items() if hour in hours}
            columns = {_column(age): at.isoformat() for age, at in reached.items()}
            self._storage.upsert(Table.CURSORS, _AGAIN + self._source.cursors, self._tenant.id, columns)

    def _reached(self, row: Row | None, age: timedelta) -> datetime:
        """Give the end of the last hour that was read again at an age; at first, none is before the log was read."""
        now = self._runtime.clock()
        begun = read_since(self._storage, self._source, self._tenant.id)
        reached = (row and row.instant(_column(age))) or max(_whole(now - age) - _HOUR, begun or now - _OLDEST)
        return _whole(max(reached, now - _OLDEST))

    def _read_hour(self, hour: Window) -> None:
        """Read an hour again, unless it is stored as still to be read; what can't be read of it is stored so."""
        if any(unread.window.covers(hour) for unread in read_unread(self._storage, self._source, self._tenant.id)):
            return
        now = self._runtime.clock()
        parts = self._parts_left(hour, Reading.AGAIN)
        keep_unread(self._storage, self._source, self._tenant.id, parts, now=now, tries=1, is_again=True)

    def notify(self) -> None:
        """Page once that something can't be read, and say once that it was. Raises EdgeError."""
        unread = [one for one in read_unread(self._storage, self._source, self._tenant.id) if not one.is_again]
        failing = [one for one in unread if one.tries >= _TRIES_TO_PAGE and not one.is_lost]
        row = self._storage.row(Table.CURSORS, _NOTICED + self._source.cursors, self._tenant.id)
        if failing and row is None:
            self._runtime.notifier.publish(self._cannot_be_read(failing))
            columns = {"at": self._runtime.clock().isoformat()}
            self._storage.upsert(Table.CURSORS, _NOTICED + self._source.cursors, self._tenant.id, columns)
        elif row is not None and not failing:
            self._runtime.notifier.publish(self._was_read(row, sum(one.is_lost for one in unread)))
            self._storage.delete(Table.CURSORS, row)

    def _cannot_be_read(self, failing: Sequence[Unread]) -> SystemNotice:
        more = f", and {len(failing) - 1} more" if len(failing) > 1 else ""
        return SystemNotice(
            key=f"{self._source.cursors} unread {self._tenant.id} {self._runtime.clock():%Y%m%d%H%M}",
            title=f"A part of the {self._source.name} of {self._tenant.name} can't be read",
            text=f"Microsoft doesn't give {failing[0].window}{more}. What is newer is read as ever, and these windows"
            f" are tried again for 30 days. The last answer: {failing[0].because}",
            what_to_do="Until the responder says that it has read them, nothing in these records is detected. Look at"
            " the log of that time in the portal. responder status lists what is unread.",
        )

    def _was_read(self, noticed: Row, lost: int) -> SystemNotice:
        but = f" But for {lost} that were given up, as was said." if lost else ""
        return SystemNotice(
            key=f"{self._source.cursors} read {self._tenant.id} {self._runtime.clock():%Y%m%d%H%M}",
            title=f"What couldn't be read of the {self._source.name} of {self._tenant.name} was read now",
            text=f"It was said at {noticed.columns.get('at')} that a part of it can't be read.{but}",
            what_to_do="Nothing: what was found in these records has its cases.",
            is_silent=True,
        )


def _hours(since: datetime, until: datetime) -> Iterator[datetime]:
    """Give the beginnings of the whole hours of a stretch of time."""
    while since + _HOUR <= until:
        yield since
        since += _HOUR


def _whole(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _column(age: timedelta) -> str:
    return f"hours_{age // _HOUR}"
