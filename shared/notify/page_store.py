"""The rows of table `Outbox`: pages, their changes, and which page a case is on.

A case is entered in an order that loses none, whichever run dies where: which page it is on, then its change beside the
page's others, then the page itself, which says that there is something to send. Each step can be repeated. Partitions
begin with a day, so the timer reads a few small ones and whole days can be deleted.
"""

import hashlib
import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.clients.storage import Row, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.model.cases import Case
from shared.model.clock import Clock
from shared.model.errors import EdgeError
from shared.model.notices import Phase, SystemNotice
from shared.notify.paged import (
    ONE_PAGE,
    PagedChange,
    PageState,
    group_of,
    new_page,
    page_id,
    start_of,
    unreadable_change,
)

_log = logging.getLogger("responder.notify")

_SEARCHED: Final = timedelta(days=3)
_TAKES_LATE: Final = timedelta(days=1)
"""How long a page takes the change of a run that died after it had noted the page."""

_AHEAD: Final = timedelta(minutes=10)
"""How far another host's clock may be ahead."""

_TRIES: Final = 20
_LONGEST_TURN: Final = 5.0
"""Seconds for which a change waits for others of its process to be put on their pages, before it goes beside them."""

_LONGEST_NOTICE: Final = 8_000
_UNREADABLE: Final = (msgspec.MsgspecError, KeyError, ValueError, TypeError)

type Unreadable = Callable[[Row], None]
type Grow = Callable[[PageState], PageState]


class StoredPage(Struct, frozen=True, kw_only=True):
    """A page and the row that it was read from."""

    state: PageState
    row: Row


class Entered(Struct, frozen=True, kw_only=True):
    """A page before and after a case was put on it; `before` is None where the page is new."""

    before: PageState | None
    after: StoredPage


class PageOverError(Exception):
    """Nothing can be added to a page any more: its row can't be read, or it is so old that nobody looks at it again."""


class PageStore:
    """Table `Outbox`. `unreadable` is told of each row that can't be read; it stays as it is, for a person."""

    def __init__(self, storage: Storage, *, clock: Clock, unreadable: Unreadable) -> None:
        self._storage = storage
        self._clock = clock
        self._unreadable = unreadable
        self._turns = threading.Lock()

    def enter(self, case: Case, change: PagedChange, grow: Grow) -> Entered:
        """Put a case on the page of its actor.

        `grow` adds the change to the page's state. A case that is on a page already stays on that one. Raises EdgeError
        when storage fails; it is then to be repeated.
        """
        page = self._page_of(case, change.phase) or self._new_entry(case, change.phase, self._current_page(case))
        try:
            return self._enter(page, case, change, grow)
        except PageOverError:
            page = self._next_page(case)
            self._storage.upsert(Table.OUTBOX, _of_case(case), change.phase.value, {"page": page})
            return self._enter(page, case, change, grow)

    def _enter(self, page: str, case: Case, change: PagedChange, grow: Grow) -> Entered:
        columns = {"change": msgspec.json.encode(change).decode()}
        is_new = self._storage.insert(Table.OUTBOX, _changes_of(page), f"{case.id} {change.phase}", columns)
        if is_new and start_of(page) + _TAKES_LATE < self._clock():
            raise PageOverError(page)
        return self._grow(page, case, grow)

    def _grow(self, page: str, case: Case, grow: Grow) -> Entered:
        # Changes of one actor come by the dozen: in this process each waits for its turn, instead of trying again.
        has_turn = self._turns.acquire(timeout=_LONGEST_TURN)
        try:
            return self._grown(page, case, grow)
        finally:
            if has_turn:
                self._turns.release()

    def _grown(self, page: str, case: Case, grow: Grow) -> Entered:
        for _ in range(_TRIES):
            row = self._storage.row(Table.OUTBOX, _pages_of(page), page)
            before = self._read(row) if row else None
            if row and before is None:
                raise PageOverError(page)
            after = grow(before or new_page(page, case))
            if row is None:
                made = self._storage.inserted(Table.OUTBOX, _pages_of(page), page, _columns(after))
                if made is not None:
                    return Entered(before=None, after=StoredPage(state=after, row=made))
                continue
            try:
                written = self._storage.replace(Table.OUTBOX, row, _columns(after))
            except Conflict:
                continue
            return Entered(before=before, after=StoredPage(state=after, row=written))
        raise Conflict(f"page {page} was written by others all the time")

    # ---- which page a case is on ----

    def _page_of(self, case: Case, phase: Phase) -> str:
        """Give the page that a case was entered on in a phase; "" when there is none."""
        row = self._storage.row(Table.OUTBOX, _of_case(case), phase.value)
        return _page_in(row) if row else ""

    def _new_entry(self, case: Case, phase: Phase, page: str) -> str:
        """Note which page a case is on, unless another run has noted it; gives the page that is noted."""
        if self._storage.insert(Table.OUTBOX, _of_case(case), phase.value, {"page": page}):
            return page
        noted = self._page_of(case, phase)
        if not noted:
            self._storage.upsert(Table.OUTBOX, _of_case(case), phase.value, {"page": page})
        return noted or page

    def _current_page(self, case: Case) -> str:
        """Give the page that takes changes of the case's actor now; it begins one where there is none."""
        now = self._clock()
        group = group_of(case)
        for _ in range(_TRIES):
            days = sorted({f"{at:%Y%m%d}" for at in (now, now - ONE_PAGE)}, reverse=True)
            rows = [self._storage.row(Table.OUTBOX, f"{day} actors", group) for day in days]
            found = next((page for row in rows if row and _takes(page := _page_in(row), now)), "")
            if found:
                return found
            page = page_id(group, now, secrets.token_hex(2))
            if self._begin(rows[0], days[0], group, page):
                return page
        raise Conflict(f"the page of actor {group} was begun by others all the time")

    def _begin(self, row: Row | None, day: str, group: str, page: str) -> bool:
        if row is None:
            return self._storage.insert(Table.OUTBOX, f"{day} actors", group, {"page": page})
        try:
            self._storage.replace(Table.OUTBOX, row, {"page": page})
        except Conflict:
            return False
        return True

    def _next_page(self, case: Case) -> str:
        """Begin another page for the case's actor, in place of one that can't be read."""
        now = self._clock()
        page = page_id(group_of(case), now, secrets.token_hex(2))
        self._storage.upsert(Table.OUTBOX, f"{now:%Y%m%d} actors", group_of(case), {"page": page})
        return page

    def pages_with(self, case: Case) -> Iterator[tuple[str, PagedChange | None]]:
        """Give the ids of the pages that a case is on, each with the change as it stands there, None if unreadable."""
        for row in self._storage.rows(Table.OUTBOX, "PartitionKey eq @case", case=_of_case(case)):
            page = _page_in(row)
            if page:
                change = self._storage.row(Table.OUTBOX, _changes_of(page), f"{case.id} {row.key}")
                yield page, _change_in(change) if change else None

    # ---- pages ----

    def add_notice(self, system_notice: SystemNotice, state: Callable[[str], PageState]) -> StoredPage | None:
        """Write the page of a system notice, once a day for its key; None when there is one already.

        One that climbs is written once in the three days for which it does.
        """
        page, *before = self._notice_ids(system_notice.key)
        if system_notice.until_acknowledged and any(self._row(one) for one in before):
            return None
        made = state(page)
        short = msgspec.structs.replace(system_notice, text=system_notice.text[:_LONGEST_NOTICE])
        made = msgspec.structs.replace(made, system_notice=short)
        row = self._storage.inserted(Table.OUTBOX, _pages_of(page), page, _columns(made))
        return StoredPage(state=made, row=row) if row is not None else None

    def _notice_ids(self, key: str) -> list[str]:
        """Give the ids that the pages of a notice have, for today and the days before it that are looked at."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        midnight = self._clock().replace(hour=0, minute=0, second=0, microsecond=0)
        return [page_id(digest, midnight - timedelta(days=back), "") for back in range(_SEARCHED.days + 1)]

    def notice_pages(self, key: str) -> list[StoredPage]:
        """Give the pages of the notices with this key of the last three days, the newest first."""
        return [stored for page in self._notice_ids(key) if (stored := self.page(page))]

    def unreached_pages(self, since: datetime) -> Iterator[StoredPage]:
        """Give the pages, finished or not, of which it was said after `since` that they reached nobody."""
        first = since - _SEARCHED
        days = range((self._clock().date() - first.date()).days + 1)
        for day in (f"{first + timedelta(days=number):%Y%m%d}" for number in days):
            query = "PartitionKey eq @pages and unreached eq true"
            for row in self._storage.rows(Table.OUTBOX, query, pages=f"{day} pages"):
                state = self._read(row)
                if state is not None:
                    yield StoredPage(state=state, row=row)

    def open_pages(self) -> Iterator[StoredPage]:
        """Give the pages of the last three days that aren't finished; a row that can't be read is left out."""
        now = self._clock()
        days = sorted({f"{now + _AHEAD - timedelta(days=back):%Y%m%d}" for back in range(_SEARCHED.days + 1)})
        oldest = now - _SEARCHED
        for day in days:
            query = "PartitionKey eq @pages and open eq true"
            for row in self._storage.rows(Table.OUTBOX, query, pages=f"{day} pages"):
                state = self._read(row)
                if state is not None and state.started_at >= oldest:
                    yield StoredPage(state=state, row=row)

    def changes(self, page: PageState) -> tuple[PagedChange, ...]:
        """Give the changes of a page, each in each of its phases; one that can't be read is told by its case's id."""
        rows = self._storage.rows(Table.OUTBOX, "PartitionKey eq @changes", changes=_changes_of(page.id))
        return tuple(self._change(row, page) for row in rows)

    def _change(self, row: Row, page: PageState) -> PagedChange:
        change = _change_in(row)
        if change is not None:
            return change
        self._report(row)
        name, _, phase = row.key.partition(" ")
        return unreadable_change(name, phase, page.started_at, tenant_id=page.tenant_id)

    def reserve(self, page: StoredPage, change: Callable[[PageState], PageState]) -> StoredPage | None:
        """Write a page as it is after `change`; None when another run has written it since it was read."""
        after = change(page.state)
        try:
            row = self._storage.replace(Table.OUTBOX, page.row, _columns(after))
        except Conflict:
            return None
        return StoredPage(state=after, row=row)

    def update(self, page: StoredPage, change: Callable[[PageState], PageState]) -> StoredPage:
        """Write a page as it is after `change`, which is made again on what another run has written meanwhile."""
        written = self.reserve(page, change)
        for _ in range(_TRIES):
            if written is not None:
                return written
            fresh = self.page(page.state.id)
            if fresh is None:
                break
            written = self.reserve(fresh, change)
        raise Conflict(f"page {page.state.id} was written by others all the time, or is gone")

    def page(self, page: str) -> StoredPage | None:
        """Read one page; None when there is none, or it can't be read."""
        row = self._row(page)
        state = self._read(row) if row else None
        return StoredPage(state=state, row=row) if row and state else None

    def _row(self, page: str) -> Row | None:
        return self._storage.row(Table.OUTBOX, _pages_of(page), page)

    def _read(self, row: Row) -> PageState | None:
        try:
            return msgspec.json.decode(row.columns["page"], type=PageState)
        except _UNREADABLE as reason:
            _log.warning("the row of page %s can't be read: %s", row.key, reason)
        self._report(row)
        return None

    def _report(self, row: Row) -> None:
        """Tell of a row that can't be read; where that fails too, what it was read for goes on all the same."""
        try:
            self._unreadable(row)
        except EdgeError:
            _log.exception("nobody could be told that row %s can't be read", row.key)


def cases_on_pages(storage: Storage, day: datetime) -> dict[str, frozenset[str]]:
    """Give the ids of the cases on each page that was begun on a day (UTC), by the page's id. Raises EdgeError."""
    rows = storage.rows(
        Table.OUTBOX,
        "PartitionKey ge @first and PartitionKey lt @last",
        first=f"{day:%Y%m%d} changes ",
        last=f"{day:%Y%m%d} changes!",
    )
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row.partition.rpartition(" ")[2], set()).add(row.key.partition(" ")[0])
    return {page: frozenset(cases) for page, cases in found.items()}


def _takes(page: str, now: datetime) -> bool:
    return bool(page) and start_of(page) + ONE_PAGE > now


def _page_in(row: Row) -> str:
    """Give the page that a row names; "" where it names none that can be."""
    page = row.columns.get("page")
    try:
        start_of(str(page))
    except ValueError:
        return ""
    return str(page)


def _change_in(row: Row) -> PagedChange | None:
    try:
        return msgspec.json.decode(row.columns["change"], type=PagedChange)
    except _UNREADABLE:
        return None


def _columns(state: PageState) -> dict[str, Any]:
    return {
        "page": msgspec.json.encode(state).decode(),
        "open": state.is_open,
        "tenant_id": state.tenant_id,
        "unreached": state.unreached_at is not None,
    }


def _pages_of(page: str) -> str:
    return f"{page[:8]} pages"


def _changes_of(page: str) -> str:
    return f"{page[:8]} changes {page}"


def _of_case(case: Case) -> str:
    """Give the partition that says on which pages a case is: by the day when it was opened, which never changes."""
    return f"{case.opened_at:%Y%m%d} case {case.id}"
