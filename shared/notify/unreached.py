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
from shared.model.bilingual import NO_WORDS, Words, filled, joined
from shared.model.do_all import do_all
from shared.model.notices import NoticeText, SystemNotice
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
        key = f"unreached {begun:%Y%m%dT%H%M}{' drill' if is_drill else ''}"
        notice = UNREACHED.notice(key, pages=_counted(len(pages)), minutes=minutes, listed=self._list(pages))
        return msgspec.structs.replace(notice, drill=is_drill)

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
        return NIGHT.notice(
            f"night {now:%Y%m%d}",
            pages=_counted(len(pages)),
            since=f"{begun:%Y-%m-%d %H:%M} UTC",
            later=len(pages) - open_now,
            open=open_now,
            listed=self._list(pages),
        )

    def _list(self, pages: Iterable[StoredPage]) -> Words:
        """Name what pages are about; one that can't be read is named by its id."""
        named = [self._about(one.state) for one in pages]
        listed = joined(named[:_MOST_NAMED], "; ")
        left = len(named) - _MOST_NAMED
        return filled(_AND_MORE, listed=listed, left=left) if left > 0 else listed

    def _about(self, page: PageState) -> Words:
        if page.system_notice is not None:
            return page.system_notice.title_in_both
        worst = next(iter(worst_first(self._pages.changes(page))), None)
        if worst is None:
            return filled(_PAGE, page=page.id)
        by = filled(_BY, by=page.by) if page.by else NO_WORDS
        return filled(_WORST, what=worst.what, by=by, case=worst.case_id)


def _is_between(page: PageState, since: datetime, until: datetime) -> bool:
    return page.unreached_at is not None and since < page.unreached_at <= until


def _counted(pages: int) -> Words:
    return filled(_ONE_PAGE if pages == 1 else _PAGES, count=pages)


_ONE_PAGE: Final = Words(en="{count:,} urgent page", ko="긴급 호출 {count:,}건")
_PAGES: Final = Words(en="{count:,} urgent pages", ko="긴급 호출 {count:,}건")
_AND_MORE: Final = Words(en="{listed} and {left:,} more", ko="{listed} 외 {left:,}건")
_PAGE: Final = Words(en="page {page}", ko="호출 {page}")
_BY: Final = Words(en=" by {by}", ko=", 행위자 {by}")
_WORST: Final = Words(en="{what}{by} (case {case})", ko="{what}{by} (사례 {case})")
UNREACHED: Final = NoticeText(
    id="nobody-reached",
    title=Words(en="Nobody could be reached", ko="아무에게도 연락이 닿지 않았습니다"),
    text=Words(
        en="Nobody has acknowledged {pages} within {minutes} minutes, though the owners and list emergency were asked:"
        " {listed}.",
        ko="담당자와 emergency 목록을 호출했지만 {minutes}분 안에 아무도 확인하지 않았습니다. {pages}: {listed}.",
    ),
    what_to_do=Words(
        en="Whoever reads this: acknowledge it, and call the owners by phone. Nobody may be working on it.",
        ko="이 글을 읽는 사람이 확인했다고 알리고 담당자들에게 전화하세요. 아무도 대응하고 있지 않을 수 있습니다.",
    ),
    never_waits=True,
    scopes=(EMERGENCY, EVERYTHING),
)
NIGHT: Final = NoticeText(
    id="nobody-woken",
    title=Words(en="Nobody could be woken last night", ko="지난밤 아무도 깨우지 못했습니다"),
    text=Words(
        en="{pages} since {since} reached nobody in time, {later:,} of them acknowledged later, {open:,} by nobody"
        " until now: {listed}.",
        ko="{since} 이후 제때 아무에게도 닿지 않은 것: {pages}. 나중에 확인 {later:,}건, 아직 미확인 {open:,}건:"
        " {listed}.",
    ),
    what_to_do=Words(
        en="Find out why: who was on call, did PagerDuty ring, is Teams' flow posting, are there owners on list"
        " emergency? Try each owner: responder owners says who could be reached when.",
        ko="이유를 알아내세요. 누가 당직이었는지, PagerDuty가 울렸는지, Teams 흐름이 게시하는지, emergency 목록에"
        " 담당자가 있는지 확인하세요. 담당자마다 시험하세요: responder owners는 누구에게 언제 닿았는지 보여 줍니다.",
    ),
    never_waits=True,
    scopes=(EVERYTHING, EMERGENCY),
)
