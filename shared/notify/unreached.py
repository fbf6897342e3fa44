"""Says that nobody could be reached: in the log at once, on every channel, and at noon of a night as it was.

The bound is `REACHED_WITHIN` times the time to acknowledge. The line in the log raises an alert, which reaches people
without the app's channels. The channels get one message for all pages that reached nobody since the last one, at most
one in each such time.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec

from shared.authority.owners import EMERGENCY, EVERYTHING
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.do_all import do_all
from shared.model.notices import SystemNotice
from shared.notify.page_store import PageStore, StoredPage
from shared.notify.paged import REACHED_WITHIN, PageState, asks_somebody, is_unreached, worst_first

_log = logging.getLogger("responder.notify")
_MOST_NAMED: Final = 5
_PLACE: Final = ("noon", "told")
_FURTHEST_BACK: Final = timedelta(days=3)
_A_DAY: Final = timedelta(days=1)


class Publish(Protocol):
    """Sends a system notice; False where one with its key was sent already. Raises EdgeError."""

    def __call__(self, system_notice: SystemNotice, /) -> bool:
        """Send it."""
        ...


class Unreached:
    """Finds the urgent pages that reached nobody. `within` is the time to acknowledge."""

    def __init__(
        self, storage: Storage, pages: PageStore, publish: Publish, *, clock: Callable[[], datetime], within: timedelta
    ) -> None:
        self._storage = storage
        self._pages = pages
        self._publish = publish
        self._clock = clock
        self._within = within

    @property
    def bound(self) -> timedelta:
        """Within which an urgent page reaches somebody who acknowledges, or it is said that it didn't."""
        return REACHED_WITHIN * self._within

    def say(self) -> None:
        """Say it of the pages that came to the bound. A failure doesn't stop the rest; the first is raised at the end.

        Raises EdgeError.
        """
        now = self._clock()
        open_pages = [*self._pages.open_pages()]
        found = [one for one in open_pages if is_unreached(one.state, now=now, within=self._within)]
        noted = do_all(found, self._say_in_log, failed=lambda one: f"page {one.state.id} reached nobody", log=_log)
        waiting = [one for one in open_pages if one.state.unreached_at and not one.state.unreached_published]
        for is_drill in (False, True):
            self._announce([one for one in (*waiting, *noted) if one and one.state.is_drill is is_drill])

    def _say_in_log(self, stored: StoredPage) -> StoredPage | None:
        """Log it before it is noted: a run that dies in between leaves the line to be written again."""
        state = stored.state
        if not asks_somebody(state, self._pages.changes(state)):
            self._pages.update(stored, lambda page: msgspec.structs.replace(page, unanswered_since=None))
            return None
        minutes = self.bound // timedelta(minutes=1)
        _log.error("page %s reached nobody who acknowledged within %s minutes", state.id, minutes)
        now = self._clock()
        return self._pages.update(stored, lambda page: msgspec.structs.replace(page, unreached_at=now))

    def _announce(self, pages: list[StoredPage]) -> None:
        """Tell it on every channel, if the time for a message has come; else it is told with the next."""
        still = [one for one in pages if one.state.is_urgent]
        if still and not self._publish(self._notice(still)):
            return
        do_all(
            pages,
            lambda one: self._pages.update(one, lambda page: msgspec.structs.replace(page, unreached_published=True)),
            failed=lambda one: f"that page {one.state.id} reached nobody could not be noted",
            log=_log,
        )

    def _notice(self, pages: list[StoredPage]) -> SystemNotice:
        now = self._clock()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        begun = midnight + (now - midnight) // self._within * self._within
        is_drill = pages[0].state.is_drill
        minutes = self.bound // timedelta(minutes=1)
        return SystemNotice(
            key=f"unreached {begun:%Y%m%dT%H%M}{' drill' if is_drill else ''}",
            title="Nobody could be reached",
            text=f"Nobody has acknowledged {_counted(len(pages))} within {minutes} minutes, though the owners and list"
            f" emergency were asked: {self._list(pages)}.",
            what_to_do="Whoever reads this: acknowledge it, and call the owners by phone. Nobody may be working on it.",
            never_waits=True,
            drill=is_drill,
            scopes=(EMERGENCY, EVERYTHING),
        )

    def report_night(self) -> bool:
        """Tell owners and list `emergency`, once a day, of what reached nobody since the last noon; False for nothing.

        Raises EdgeError; it is then to be called again.
        """
        now = self._clock()
        since = self._last_noon(now)
        found = [one for one in self._pages.unreached_pages(since) if _is_between(one.state, since, now)]
        real = [one for one in found if not one.state.is_drill]
        if real:
            self._publish(self._night(real, now))
        self._storage.upsert(Table.CURSORS, *_PLACE, {"until": now})
        return bool(real)

    def _last_noon(self, now: datetime) -> datetime:
        row = self._storage.row(Table.CURSORS, *_PLACE)
        until = row.instant("until") if row else None
        return max(until, now - _FURTHEST_BACK) if until else now - _A_DAY

    def _night(self, pages: list[StoredPage], now: datetime) -> SystemNotice:
        begun = min(one.state.unanswered_since or one.state.started_at for one in pages)
        open_now = sum(one.state.is_urgent for one in pages)
        later = len(pages) - open_now
        ended = f"{later:,} of them acknowledged later, {open_now:,} by nobody until now"
        return SystemNotice(
            key=f"night {now:%Y%m%d}",
            title="Nobody could be woken last night",
            text=f"{_counted(len(pages)).capitalize()} since {begun:%Y-%m-%d %H:%M} UTC reached nobody in time,"
            f" {ended}: {self._list(pages)}.",
            what_to_do="Find out why: who was on call, did PagerDuty ring, is Teams' flow posting, are there owners on"
            " list emergency? Try each owner: responder owners says who could be reached when.",
            never_waits=True,
            scopes=(EVERYTHING, EMERGENCY),
        )

    def _list(self, pages: Iterable[StoredPage]) -> str:
        """Name what pages are about; one that can't be read is named by its id."""
        named = [self._about(one.state) for one in pages]
        listed = "; ".join(named[:_MOST_NAMED])
        left = len(named) - _MOST_NAMED
        return f"{listed} and {left:,} more" if left > 0 else listed

    def _about(self, page: PageState) -> str:
        if page.system_notice is not None:
            return page.system_notice.title
        worst = next(iter(worst_first(self._pages.changes(page))), None)
        if worst is None:
            return f"page {page.id}"
        by = f" by {page.by}" if page.by else ""
        return f"{worst.what}{by} (case {worst.case_id})"


def _is_between(page: PageState, since: datetime, until: datetime) -> bool:
    return page.unreached_at is not None and since < page.unreached_at <= until


def _counted(pages: int) -> str:
    return f"{pages:,} urgent page{'' if pages == 1 else 's'}"
