"""Stage 7: page the owners at least once, and ask until somebody acknowledges.

The changes of one actor within an hour are one page, which is sent again as it grows (`shared.notify.paged`). A page is
written to table `Outbox` before it is sent, so a crash loses none. When a channel fails, the resume timer sends it
again. Teams answers 202 even when no card is posted. So a page that needs a person and wasn't acknowledged is also sent
over the second channel, which doesn't depend on the tenant, and to the next owner. An urgent one also goes to list
`emergency`, and if nobody acknowledges it within a bound, that is said on every channel and in the log
(`shared.notify.unreached`). Incidents are told what became of them (`shared.notify.signals`).

No channel gets more than a number of messages an hour: what is kept back is folded into digests. Only what is more
urgent than somebody acknowledged on the same page, and the gravest system notices, are outside of that.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from shared.authority.acts import UNSIGNED, Acts
from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table
from shared.model.bilingual import Words
from shared.model.cases import Case, Decision
from shared.model.detections import AnyDetection
from shared.model.do_all import do_all
from shared.model.errors import EdgeError, Throttled, Unreachable
from shared.model.kinds import Risk
from shared.model.notices import NoticeText, Phase, SystemNotice
from shared.notify.asked_owners import AskedOwners
from shared.notify.heard import Heard
from shared.notify.message_limit import Counted, MessageLimit
from shared.notify.messages import MOST_NOTICES, Digest, NoticeCall, NoticeDigest, PageMessage, ShownCase
from shared.notify.page_store import PageStore, StoredPage
from shared.notify.paged import (
    NOTHING,
    URGENT,
    Channel,
    Delivery,
    PagedChange,
    PageState,
    Signal,
    acknowledged,
    acknowledged_up_to,
    asks_somebody,
    begun,
    due_at,
    escalated,
    grown,
    incident_key,
    incident_of,
    is_unanswered,
    is_unlimited,
    noted_failed,
    noted_sent,
    paged_change,
    released,
    reserved_between,
    rings_anew,
    taken_back,
    worst_first,
)
from shared.notify.signals import Signals
from shared.notify.unreached import Unreached

_log = logging.getLogger("responder.notify")
_RETRY_GAPS: Final = (5, 15, 60, 300, 900)
_LONGEST_ASKED: Final = timedelta(minutes=15)
"""The longest wait that a channel may ask for; after it the page is sent again, because pages are urgent."""

_TRIES_UNTIL_ERROR: Final = 3
"""Failed tries after which an error is logged, which raises an alert: about a minute and a half."""

_TRIES_TO_RESERVE: Final = 5
_MOST_OWNERS: Final = 5
_LONGEST_NAME: Final = 200
_MOST_UNSTORED: Final = 1_000
"""How many messages that could not be stored are remembered, so that a second one is marked as such."""

type FindCase = Callable[[str, str], ShownCase | None]
"""Reads a case by tenant and id, as it is to be shown; None when it is gone."""


class Sender(Protocol):
    """Sends over one channel. Each method sends one message, once, and raises EdgeError when the channel fails."""

    def send(self, message: PageMessage) -> None:
        """Send the page of an actor, mentioning its owners."""
        ...

    def send_digest(self, digest: Digest) -> None:
        """Send several pages in one message."""
        ...

    def send_system_notice(self, system_notice: SystemNotice) -> None:
        """Send a system notice."""
        ...

    def send_call(self, call: NoticeCall) -> None:
        """Send a system notice that is addressed to owners."""
        ...

    def send_notice_digest(self, digest: NoticeDigest) -> None:
        """Send several system notices in one message."""
        ...

    def signal(self, key: str, signal: Signal) -> None:
        """Say what became of the incident with this key, where the channel keeps incidents."""
        ...


class Page(Struct, frozen=True, kw_only=True):
    """A page to send over one channel, as it was read."""

    stored: StoredPage
    channel: Channel

    @property
    def state(self) -> PageState:
        """The page itself."""
        return self.stored.state

    @property
    def delivery(self) -> Delivery:
        """How far it has come over the channel. Raises KeyError when it isn't sent over it."""
        delivery = self.state.over(self.channel)
        if delivery is None:
            raise KeyError(self.channel)
        return delivery


class Notifier:
    """Writes and sends pages over `senders`, the channels that can be used.

    Without any channel, pages wait in the outbox like those that failed, until the app is started with one. The run
    that writes a page also sends it. Other runs send it only after the time `turn`, so that a slow request isn't made
    twice.
    """

    def __init__(
        self,
        storage: Storage,
        senders: Mapping[Channel, Sender],
        *,
        clock: Callable[[], datetime],
        acknowledge_within: timedelta,
        messages_per_hour: int = 20,
        turn: timedelta = timedelta(seconds=30),
        acts: Acts = UNSIGNED,
    ) -> None:
        """`turn` is the time for which a page is reserved for one run: as long as a request may take."""
        self._storage = storage
        self._owners = AskedOwners(storage, clock=clock, acts=acts)
        self._senders = senders
        self._clock = clock
        self._acknowledge_within = acknowledge_within
        self._turn = turn
        self._unstored: dict[str, tuple[Channel, ...]] = {}
        self._pages = PageStore(storage, clock=clock, unreadable=self._report_page_row)
        self._limit = MessageLimit(storage, clock=clock, per_hour=messages_per_hour)
        self._signals = Signals(self._pages, senders, clock=clock)
        self.heard = Heard(storage, self._pages, self._owners, self.publish, clock=clock)
        self.unreached = Unreached(storage, self._pages, self.publish, clock=clock, within=acknowledge_within)

    # ---- writing ----

    def post(self, case: Case, detection: AnyDetection, *, phase: Phase = Phase.ENDED) -> list[Page]:
        """Put a case on its actor's page, once in each phase, and give what this run is to send of it at once.

        What it doesn't give is sent by the timer when it is due. Raises EdgeError when storage fails: nothing is lost
        when it is called again.
        """
        if case.decision is Decision.RECORD:
            return []
        change = paged_change(case, detection, phase)
        channels = self._channels_for(change)
        now = self._clock()
        entered = self._pages.enter(case, change, lambda page: grown(page, change, channels, now=now, turn=self._turn))
        return _reserved(entered.before, entered.after)

    def _channels_for(self, change: PagedChange) -> list[Channel]:
        urgent = change.risk is Risk.HIGH and change.needs_somebody
        wanted = (Channel.TEAMS, Channel.PAGERDUTY) if urgent else (Channel.TEAMS,)
        return [channel for channel in wanted if channel in self._senders] or self._channels()[:1]

    def publish(self, system_notice: SystemNotice, *, over: Collection[Channel] = ()) -> bool:
        """Send a system notice over every channel, or those of `over` that can be used, once a day for its key.

        False where one with its key was sent already. The resume timer repeats what failed. A notice that climbs
        (`until_acknowledged`) is sent again, to further owners, until `acknowledge_notice`.
        """
        now = self._clock()
        asks = URGENT if system_notice.until_acknowledged else NOTHING
        asked_at = now if system_notice.until_acknowledged else None
        channels = [channel for channel in self._channels() if not over or channel in over]

        def made(page: str) -> PageState:
            first = Delivery(channel=Channel.TEAMS, next_try=now + self._turn, asked_at=asked_at, is_begun=True)
            sent = self._unstored.get(system_notice.key, ())
            return PageState(
                id=page,
                started_at=now,
                deliveries=tuple(
                    msgspec.structs.replace(first, channel=channel, may_have_come=channel in sent)
                    for channel in channels
                ),
                urgency=asks,
                asks=asks,
                unanswered_since=asked_at,
            )

        stored = self._pages.add_notice(system_notice, made)
        if stored is None:
            return False
        do_all(
            stored.state.deliveries,
            lambda delivery: self._send_alone(Page(stored=stored, channel=delivery.channel), _no_case),
            failed=lambda delivery: f"the notice could not be sent over {delivery.channel}",
            log=_log,
        )
        return True

    def is_published(self, key: str) -> bool:
        """Whether a notice with this key was published today or in the three days before. Raises EdgeError."""
        return bool(self._pages.notice_pages(key))

    def acknowledge_notice(self, key: str, *, by: str) -> bool:
        """Note that somebody takes care of a notice that climbs: nobody is asked any more; False where there is none.

        The first who acknowledges stays. Raises EdgeError; it can be called again.
        """
        pages = [stored for stored in self._pages.notice_pages(key) if stored.state.asks > NOTHING]
        for stored in pages:
            self._pages.update(stored, lambda state: self._taken(state, by))
        return bool(pages)

    def finish_notice(self, key: str, *, by: str) -> None:
        """Note that what a notice was about is over: nobody is asked any more, and its incidents are resolved.

        Raises EdgeError; it can be called again.
        """
        for stored in self._pages.notice_pages(key):
            self._pages.update(stored, lambda state: self._finished(self._taken(state, by)))

    def who_acknowledged(self, key: str) -> str:
        """Give who acknowledged the newest notice with this key, "" while nobody has. Raises EdgeError."""
        return next((stored.state.acknowledged_by for stored in self._pages.notice_pages(key)), "")

    def _taken(self, state: PageState, by: str) -> PageState:
        if state.acknowledged >= state.asks:
            return state
        return acknowledged_up_to(state, urgency=state.asks, by=by[:_LONGEST_NAME], at=self._clock())

    def _finished(self, state: PageState) -> PageState:
        deliveries = tuple(msgspec.structs.replace(one, asked_at=None, is_call=False) for one in state.deliveries)
        return msgspec.structs.replace(state, finished_at=state.finished_at or self._clock(), deliveries=deliveries)

    def send_unstored(self, system_notice: SystemNotice) -> tuple[Channel, ...]:
        """Send a system notice over every channel at once, for when storage fails; gives the channels that took it.

        Nothing is stored, so nothing repeats what failed, and a second one with the same key is sent too, marked as
        such where this process sent the first.
        """
        took: list[Channel] = []
        before = self._unstored.get(system_notice.key, ())
        again = NoticeCall(key=system_notice.key, system_notice=system_notice, is_again=True)
        for channel, sender in self._senders.items():
            try:
                if channel in before:
                    sender.send_call(again)
                else:
                    sender.send_system_notice(system_notice)
            except EdgeError as error:
                _log.warning("the notice “%s” over %s failed: %s", system_notice.key, channel, error)
            else:
                took.append(channel)
        if len(self._unstored) >= _MOST_UNSTORED:
            self._unstored.clear()
        self._unstored[system_notice.key] = tuple(dict.fromkeys((*before, *took)))
        return tuple(took)

    def report_unreadable_row(self, table: Table, row: Row) -> None:
        """Publish, once a day for each row, that it can't be read. Raises EdgeError."""
        self.publish(
            UNREADABLE_ROW.notice(
                f"unreadable row {table} {row.partition} {row.key}", row=row.key, partition=row.partition, table=table
            )
        )

    def _report_page_row(self, row: Row) -> None:
        self.report_unreadable_row(Table.OUTBOX, row)

    def acknowledge(self, case: Case, *, by: str) -> None:
        """Note that somebody takes care of the pages that a case is on, up to the most urgent thing that they showed.

        Raises EdgeError; it can be called again.
        """
        for page, change in self._pages.pages_with(case):
            stored = self._pages.page(page)
            if stored is not None:
                urgency = change.urgency if change else NOTHING
                self._pages.update(stored, lambda state, own=urgency: self._acknowledged(state, own, by))

    def take_back(self, case: Case) -> None:
        """Note that nobody takes care of the pages that a case is on any more, so that the next owners are asked.

        Raises EdgeError; it can be called again.
        """
        at = self._clock()
        for page, _ in self._pages.pages_with(case):
            stored = self._pages.page(page)
            if stored is not None:
                self._pages.update(stored, lambda state: taken_back(state, at=at))

    def _acknowledged(self, page: PageState, urgency: int, by: str) -> PageState:
        return acknowledged(page, urgency=urgency, by=by[:_LONGEST_NAME], at=self._clock())

    # ---- sending ----

    def send(self, page: Page, find_case: FindCase) -> bool:
        """Send one page that is reserved for this run, unless the limit keeps it back; False when it wasn't sent.

        A failure of the channel is stored with the time of the next try. Raises EdgeError when storage fails.
        """
        return self._send_alone(page, find_case)

    def resume(self, find_case: FindCase) -> None:
        """Send what is due, then ask the next owners where nobody has acknowledged in time.

        Then it is said which pages reached nobody, and channels are told what became of their incidents. A failure
        doesn't stop the rest; the first one is raised at the end.
        """
        if next(self._pages.open_pages(), None) is None:
            return  # each part asks for the open pages anew, and mostly there are none
        # Sending comes first: escalating changes the same rows, and it must see which pages were sent.
        parts: tuple[tuple[str, Callable[[], None]], ...] = (
            ("what is due", lambda: self._send_due(find_case)),
            ("what nobody acknowledged", lambda: self._escalate_all(find_case)),
            ("that nobody could be reached", self.unreached.say),
            ("what became of incidents", self._signals.send_due),
        )
        do_all(parts, lambda part: part[1](), failed=lambda part: f"{part[0]} could not all be sent", log=_log)

    def due(self) -> list[Page]:
        """Give what is due now: what no limit keeps back first, then the most urgent, the oldest first."""
        now = self._clock()
        pages = [
            Page(stored=stored, channel=delivery.channel)
            for stored in self._pages.open_pages()
            for delivery in stored.state.deliveries
            if self._is_due(stored.state, delivery.channel, now)
        ]
        return sorted(pages, key=_order)

    def _is_due(self, page: PageState, channel: Channel, now: datetime) -> bool:
        delivery = page.over(channel)
        at = due_at(page, delivery, within=self._acknowledge_within) if delivery else None
        return at is not None and at <= now

    def _send_due(self, find_case: FindCase) -> None:
        by_limit: dict[str, list[Page]] = {}
        for page in self.due():
            by_limit.setdefault(self._limited_by(page), []).append(page)
        do_all(
            by_limit.values(),
            lambda pages: self._send_some(pages, find_case),
            failed=lambda pages: f"not every message could be sent over {pages[0].channel}",
            log=_log,
        )

    def _send_some(self, pages: list[Page], find_case: FindCase) -> None:
        """Send pages over one channel: one by one while the limit lets them pass, the others in a digest."""
        waiting: list[Page] = []

        def send(page: Page) -> None:
            if waiting:  # what no limit keeps back came before
                waiting.append(page)
                return
            reserved = self._reserved(page)
            if reserved is not None and not self._send_alone(reserved, find_case, kept_back=waiting):
                _log.info("page %s over %s waits", page.state.id, page.channel)

        try:
            do_all(pages, send, failed=lambda page: f"page {page.state.id} could not be sent", log=_log)
        finally:
            self._send_digest(waiting, find_case)

    def _reserved(self, page: Page) -> Page | None:
        """Keep other runs from sending the page for a turn; None when another run has it."""
        now = self._clock()
        current: StoredPage | None = page.stored
        for _ in range(_TRIES_TO_RESERVE):
            if current is None or not self._is_due(current.state, page.channel, now):
                return None
            stored = self._pages.reserve(current, lambda state: _begun(state, page.channel, now + self._turn))
            if stored is not None:
                return Page(stored=stored, channel=page.channel)
            # It may have been written for another channel, by this run too.
            current = self._pages.page(page.state.id)
        return None

    def _send_alone(self, page: Page, find_case: FindCase, *, kept_back: list[Page] | None = None) -> bool:
        """Send one page in a message of its own; where the limit keeps it back, it is added to `kept_back`."""
        counted = None
        if not is_unlimited(page.state, page.delivery):
            counted = self._limit.take(self._limited_by(page))
            if counted is None:
                stored = self._pages.update(page.stored, lambda state: _released(state, page.channel, self._clock()))
                if kept_back is not None:
                    kept_back.append(Page(stored=stored, channel=page.channel))
                return False
        return self._send_counted(page, find_case, counted)

    def _send_counted(self, page: Page, find_case: FindCase, counted: Counted | None) -> bool:
        """Send a page whose message is counted, or is outside the limit (None)."""
        is_sent = False
        try:
            is_sent = self._send_now(page, find_case)
        finally:
            if counted is not None and not is_sent:
                self._limit.give_back(counted)
        return is_sent

    def _send_now(self, page: Page, find_case: FindCase) -> bool:
        sender = self._sender(page)
        notice = page.state.system_notice
        if notice is not None:
            return self._deliver([page], lambda: self._send_notice(sender, page, notice), {})
        rows = self._pages.changes(page.state)
        if not _has_something_to_say(page, rows):
            self._note_sent(page, rows, is_message=False)
            return False
        message = self._message(page, rows, find_case)
        return self._deliver([page], lambda: sender.send(message), {page.state.id: rows})

    def _send_notice(self, sender: Sender, page: Page, notice: SystemNotice) -> None:
        is_again = page.delivery.may_have_come
        if not _is_addressed(notice):
            if is_again:
                sender.send_call(NoticeCall(key=notice.key, system_notice=notice, is_again=True))
            else:
                sender.send_system_notice(notice)
            return
        place = page.delivery.place
        key = incident_key(page.state, page.delivery)
        owners = self._owners.of_notice(notice, place)
        sender.send_call(NoticeCall(key=key, system_notice=notice, owners=owners, place=place, is_again=is_again))

    def _send_digest(self, pages: list[Page], find_case: FindCase) -> None:
        """Send what the limit keeps back in one message, if the time for one has come. The rest waits for the next."""
        if not pages:
            return
        counted = self._limit.take_digest(self._limited_by(pages[0]))
        if counted is None:
            return
        in_order = sorted(pages, key=_order)
        if in_order[0].state.system_notice is not None:
            in_order = in_order[:MOST_NOTICES]
        taken: list[Page] = []
        try:
            do_all(
                in_order,
                lambda page: taken.extend(filter(None, [self._reserved(page)])),
                failed=lambda page: f"page {page.state.id} could not be put into a digest",
                log=_log,
            )
        finally:
            self._send_together(taken, find_case, counted)

    def _send_together(self, pages: list[Page], find_case: FindCase, counted: Counted) -> None:
        """Send pages that are reserved for this run in one message that is counted."""
        if not pages:
            self._limit.give_back(counted)
        elif len(pages) == 1:
            self._send_counted(pages[0], find_case, counted)
        elif pages[0].state.system_notice is not None:
            self._or_give_back(counted, lambda: self._send_notices(pages, counted))
        else:
            self._send_pages(pages, counted)

    def _send_notices(self, pages: list[Page], counted: Counted) -> bool:
        notices = tuple(page.state.system_notice for page in pages if page.state.system_notice)
        digest = NoticeDigest(key=f"digest {counted.at}", system_notices=notices, is_again=_are_again(pages))
        sender = self._sender(pages[0])
        return self._deliver(pages, lambda: sender.send_notice_digest(digest), {}, key=digest.key)

    def _send_pages(self, pages: list[Page], counted: Counted) -> None:
        """Send pages in one message; one that can't be read waits and keeps no other back."""
        read: list[tuple[Page, tuple[PagedChange, ...], PageMessage]] = []

        def read_page(page: Page) -> None:
            rows = self._pages.changes(page.state)
            if _has_something_to_say(page, rows):
                read.append((page, rows, self._message(page, rows, _no_case)))
            else:
                self._note_sent(page, rows, is_message=False)

        try:
            do_all(pages, read_page, failed=lambda page: f"page {page.state.id} could not be read", log=_log)
        finally:
            self._or_give_back(counted, lambda: self._send_read(read, counted))

    def _send_read(self, read: list[tuple[Page, tuple[PagedChange, ...], PageMessage]], counted: Counted) -> bool:
        if not read:
            return False
        messages = tuple(message for _, _, message in read)
        owners = tuple(dict.fromkeys(owner for message in messages for owner in message.owners))[:_MOST_OWNERS]
        pages = [page for page, _, _ in read]
        digest = Digest(key=f"digest {counted.at}", pages=messages, owners=owners, is_again=_are_again(pages))
        sender = self._sender(read[0][0])
        rows = {page.state.id: changes for page, changes, _ in read}
        return self._deliver(pages, lambda: sender.send_digest(digest), rows, key=digest.key)

    def _or_give_back(self, counted: Counted, send: Callable[[], bool]) -> None:
        """Send a message that is counted; it counts no more where it wasn't sent."""
        is_sent = False
        try:
            is_sent = send()
        finally:
            if not is_sent:
                self._limit.give_back(counted)

    def _message(self, page: Page, rows: tuple[PagedChange, ...], find_case: FindCase) -> PageMessage:
        changes = worst_first(rows)
        delivery = page.delivery
        place = 0 if rings_anew(page.state, delivery) else delivery.place
        return PageMessage(
            key=incident_key(page.state, delivery),
            tenant_id=page.state.tenant_id,
            by=page.state.by,
            changes=changes,
            owners=self._owners.of_page(changes[0].scopes, place, is_urgent=page.state.is_urgent),
            place=place,
            worst=_found(changes[0], find_case),
            new=min(len(changes), len(rows) - delivery.shown) if delivery.sent_at else 0,
            since=delivery.sent_at,
            is_again=delivery.may_have_come,
        )

    def _channels(self) -> list[Channel]:
        """Give the channels to write pages for: those that can be used, or Teams, so that the page waits for it."""
        return list(self._senders) or [Channel.TEAMS]

    def _sender(self, page: Page) -> Sender:
        """Give the sender of the page's channel, or of another channel where that one can't be used."""
        return self._senders.get(page.channel) or next(iter(self._senders.values()), _NoChannel())

    def _limited_by(self, page: Page) -> str:
        """Give what a message is counted under: pages and system notices apart, each channel for itself."""
        channel = page.channel if page.channel in self._senders else next(iter(self._senders), page.channel)
        return f"{'notices' if page.state.system_notice else 'pages'} {channel}"

    def _deliver(
        self,
        pages: list[Page],
        attempt: Callable[[], None],
        rows: Mapping[str, tuple[PagedChange, ...]],
        *,
        key: str = "",
    ) -> bool:
        """Make one attempt at sending these pages in one message, and store for each what came of it.

        `key` is the key of a digest, "" where the message is of one page alone.
        """
        try:
            attempt()
        except EdgeError as error:
            self._note_all_failed(pages, error)
            return False
        self._for_each(pages, lambda page: self._note_in_incident(page, rows.get(page.state.id, ()), key))
        return True

    def _note_all_failed(self, pages: list[Page], error: EdgeError) -> None:
        self._for_each(pages, lambda page: self._note_failed(page, error))

    def _for_each(self, pages: Iterable[Page], note: Callable[[Page], None]) -> None:
        do_all(pages, note, failed=lambda page: f"what came of page {page.state.id} could not be stored", log=_log)

    def _note_sent(self, page: Page, rows: tuple[PagedChange, ...], *, is_message: bool) -> None:
        now = self._clock()
        self._pages.update(
            page.stored,
            lambda state: noted_sent(state, page.state, page.channel, rows, now=now, is_message=is_message),
        )

    def _note_in_incident(self, page: Page, rows: tuple[PagedChange, ...], key: str) -> None:
        """Store that a page was sent, and the incident that it is in where the channel keeps some."""
        if page.channel is not Channel.PAGERDUTY or (page.state.system_notice and not _is_addressed_page(page, key)):
            self._note_sent(page, rows, is_message=True)
            return
        incident = incident_of(page.state, page.delivery, rows, key=key)
        now = self._clock()
        self._pages.update(
            page.stored,
            lambda state: noted_sent(state, page.state, page.channel, rows, now=now, incident=incident),
        )

    def _note_failed(self, page: Page, error: EdgeError) -> None:
        tries = page.delivery.tries
        gap = _gap(tries, error)
        name = f"{page.state.id} {page.channel} {page.delivery.place}"
        _log.warning(
            "page %s over %s failed, next try in %s s: %s", name, page.channel, int(gap.total_seconds()), error
        )
        next_try = self._clock() + gap
        self._pages.update(
            page.stored,
            lambda state: noted_failed(
                state,
                page.channel,
                error=str(error)[:500],
                next_try=next_try,
                is_unsure=isinstance(error, Unreachable) and bool(self._senders),
            ),
        )
        if tries + 1 == _TRIES_UNTIL_ERROR:
            # Logged once for each page, because an alert counts these lines; a first failure is often temporary.
            _log.error("page %s over %s not delivered after %s tries", name, page.channel, tries + 1)

    # ---- asking again ----

    def unacknowledged(self) -> Iterator[Page]:
        """Give the pages over whose channel somebody was asked, and didn't acknowledge within the time.

        That includes pages that could not be sent, since their channel may never work again.
        """
        now = self._clock()
        for stored in self._pages.open_pages():
            for delivery in stored.state.deliveries:
                if is_unanswered(stored.state, delivery, now=now, within=self._acknowledge_within):
                    yield Page(stored=stored, channel=delivery.channel)

    def _escalate_all(self, find_case: FindCase) -> None:
        written: list[Page] = []
        try:
            do_all(
                [*self.unacknowledged()],
                lambda page: written.extend(self.escalate(page)),
                failed=lambda page: f"page {page.state.id} could not be escalated",
                log=_log,
            )
        finally:
            do_all(
                sorted(written, key=_order),
                lambda page: self._send_alone(page, find_case),
                failed=lambda page: f"page {page.state.id} could not be sent",
                log=_log,
            )

    def escalate(self, page: Page) -> list[Page]:
        """Ask the next owner over the page's channel and the same one over the others; gives what is to be sent.

        Nobody is asked where meanwhile somebody acknowledged it, or nothing of it needs a person any more.
        """
        current = self._pages.page(page.state.id)
        if current is None:
            return []
        now = self._clock()
        delivery = current.state.over(page.channel)
        if delivery is None or not is_unanswered(current.state, delivery, now=now, within=self._acknowledge_within):
            return []
        asks = asks_somebody(current.state, self._pages.changes(current.state))
        others = [channel for channel in self._senders if channel is not page.channel]
        after = self._pages.reserve(
            current,
            lambda state: (
                escalated(state, page.channel, others, now=now, turn=self._turn)
                if asks
                else state.with_delivery(msgspec.structs.replace(delivery, asked_at=None))
            ),
        )
        if after is None:
            return []
        return _reserved(current.state, after)


UNREADABLE_ROW: Final = NoticeText(
    id="unreadable-row",
    title=Words(en="A stored row can't be read", ko="저장된 행을 읽을 수 없습니다"),
    text=Words(
        en="Row “{row}” in partition “{partition}” of table {table}. The responder leaves it as it is and goes on"
        " without it.",
        ko="{table} 테이블, 파티션 “{partition}”, 행 “{row}”. 그대로 두고 이 행 없이 계속합니다.",
    ),
    what_to_do=Words(
        en="Look at the row in the storage account. If another version of the app or a person wrote it, put it right or"
        " delete it.",
        ko="스토리지 계정에서 그 행을 확인하세요. 앱의 다른 버전이나 사람이 쓴 것이면 고치거나 삭제하세요.",
    ),
)


class _NoChannel:
    """Stands in where no channel can be used: every message fails, and waits."""

    def send(self, message: PageMessage) -> None:
        self._fail(message)

    def send_digest(self, digest: Digest) -> None:
        self._fail(digest)

    def send_system_notice(self, system_notice: SystemNotice) -> None:
        self._fail(system_notice)

    def send_call(self, call: NoticeCall) -> None:
        self._fail(call)

    def signal(self, key: str, signal: Signal) -> None:
        self._fail((key, signal))

    def send_notice_digest(self, digest: NoticeDigest) -> None:
        self._fail(digest)

    def _fail(self, _message: object) -> None:
        raise Unreachable("no channel can be used: the Key Vault references of their secrets didn't resolve")


def _reserved(before: PageState | None, after: StoredPage) -> list[Page]:
    """Give what is to be sent by the run that wrote the page."""
    return [Page(stored=after, channel=one.channel) for one in reserved_between(before, after.state)]


def _no_case(_tenant_id: str, _case_id: str) -> ShownCase | None:
    return None


def _found(change: PagedChange, find_case: FindCase) -> ShownCase | None:
    """Read the worst case of a page; None where that can't be done, since the page says enough without it."""
    try:
        return find_case(change.tenant_id, change.case_id)
    except (EdgeError, msgspec.MsgspecError, KeyError) as error:
        _log.warning("case %s can't be read, so its page shows what is stored with the page: %s", change.case_id, error)
        return None


def _has_something_to_say(page: Page, rows: tuple[PagedChange, ...]) -> bool:
    """Whether a message would say anything new: a case that is posted twice adds nothing."""
    delivery = page.delivery
    return bool(rows) and (delivery.is_call or delivery.sent_at is None or len(rows) > delivery.shown)


def _are_again(pages: Iterable[Page]) -> bool:
    """Whether any of them may have come already."""
    return any(page.delivery.may_have_come for page in pages)


def _is_addressed(notice: SystemNotice) -> bool:
    """Whether a notice mentions owners or opens something, so that it is a message of its own kind."""
    return notice.until_acknowledged or bool(notice.scopes or notice.owners or notice.link)


def _is_addressed_page(page: Page, key: str) -> bool:
    """Whether a notice went out by itself to owners: its incident has the page's key, and is told what became of it."""
    notice = page.state.system_notice
    return notice is not None and not key and _is_addressed(notice)


def _begun(page: PageState, channel: Channel, until: datetime) -> PageState:
    delivery = page.over(channel)
    return page.with_delivery(begun(delivery, until=until)) if delivery else page


def _released(page: PageState, channel: Channel, at: datetime) -> PageState:
    delivery = page.over(channel)
    return page.with_delivery(released(delivery, at=at)) if delivery else page


def _order(page: Page) -> tuple[bool, int, datetime, str]:
    return (not is_unlimited(page.state, page.delivery), -page.state.urgency, page.state.started_at, page.state.id)


def _gap(tries: int, error: EdgeError) -> timedelta:
    """Give the wait after a failed try: longer each time, and at least as long as the channel asks for."""
    gap = timedelta(seconds=_RETRY_GAPS[min(tries, len(_RETRY_GAPS) - 1)])
    asked = error.retry_after if isinstance(error, Throttled | Unreachable) else None
    return max(gap, min(asked, _LONGEST_ASKED)) if asked else gap
