"""Stage 7: page the owners at least once, and escalate until somebody acknowledges the case.

A page is written to table `Outbox` before it is sent, so a crash loses none. When a channel fails, the resume timer
sends the page again. Teams answers 202 even when no card is posted. So a page that needs a person and wasn't
acknowledged is also sent over the second channel, which doesn't depend on the tenant, and to the next owner.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from shared.authority.owners import NamedOwner, TableOwners
from shared.clients.storage import Row, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.model.cases import Case, Decision, Outcome
from shared.model.detections import AnyDetection
from shared.model.do_all import each
from shared.model.errors import EdgeError, Throttled, Unreachable
from shared.model.kinds import Risk
from shared.model.notices import Owner, SystemNotice

_log = logging.getLogger("responder.notify")
_SEARCHED: Final = timedelta(days=3)
_RETRY_GAPS: Final = (5, 15, 60, 300, 900)
_LONGEST_ASKED: Final = timedelta(minutes=15)
"""The longest wait that a channel may ask for; after it the page is sent again, because pages are urgent."""

_TRIES_UNTIL_ERROR: Final = 3
"""Failed tries after which an error is logged, which raises an alert: about a minute and a half."""


class Channel(StrEnum):
    """Ways to reach the owners."""

    TEAMS = "teams"
    PAGERDUTY = "pagerduty"


class Sender(Protocol):
    """Sends pages and system notices over one channel. Both methods raise EdgeError when the channel fails."""

    def send(self, case: Case, detection: AnyDetection, owner: Owner | None, *, place: int) -> None:
        """Send the page of a case once, mentioning `owner`; `place` is the number of owners who were paged before."""
        ...

    def send_system_notice(self, system_notice: SystemNotice) -> None:
        """Send a system notice, once."""
        ...


class Page(Struct, frozen=True, kw_only=True):
    """One page to send: of which case, over which channel, to which owner (`place` in their order, from 0).

    A page with a `system_notice` is about the responder instead of a case; its ids are "" then.
    """

    case_id: str
    tenant_id: str
    channel: Channel
    place: int
    tries: int
    row: Row
    system_notice: SystemNotice | None = None


def needs_somebody(case: Case) -> bool:
    """Whether a person has to act, rather than only be informed."""
    return case.decision is Decision.PAGE or (
        case.decision is Decision.REMEDIATE and case.outcome not in {Outcome.DONE, Outcome.ALREADY}
    )


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
        turn: timedelta = timedelta(seconds=30),
    ) -> None:
        """`turn` is the time for which a page is reserved for one run: as long as a request may take."""
        self._storage = storage
        self._owners = TableOwners(storage, clock=clock)
        self._senders = senders
        self._clock = clock
        self._acknowledge_within = acknowledge_within
        self._turn = turn

    def post(self, case: Case, detection: AnyDetection) -> list[Page]:
        """Write the pages that a case needs. Pages that were written before stay as they are."""
        if case.decision is Decision.RECORD:
            return []
        urgent = detection.risk is Risk.HIGH and needs_somebody(case)
        wanted = (Channel.TEAMS, Channel.PAGERDUTY) if urgent else (Channel.TEAMS,)
        channels = [channel for channel in wanted if channel in self._senders] or self._channels()[:1]
        return [page for channel in channels if (page := self._write(case, channel, place=0))]

    def _write(self, case: Case, channel: Channel, *, place: int) -> Page | None:
        now = self._clock()
        partition, key = _partition(case), f"{case.id} {channel} {place}"
        columns = {
            "case_id": case.id,
            "tenant_id": case.tenant_id,
            "channel": channel.value,
            "place": place,
            "tries": 0,
            "state": "waiting",
            "next_try": (now + self._turn).isoformat(),
            "posted_at": now.isoformat(),
            "needs_somebody": needs_somebody(case),
        }
        self._storage.insert(Table.OUTBOX, partition, key, columns)
        row = self._storage.row(Table.OUTBOX, partition, key)
        return _page(row) if row and row.columns["state"] == "waiting" else None

    def publish(self, system_notice: SystemNotice) -> None:
        """Send a system notice over every channel, once for its key. The resume timer repeats what failed."""
        now = self._clock()
        for channel in self._channels():
            partition, key = f"{now:%Y%m%d}", f"{system_notice.key} {channel} 0"
            columns = {
                "case_id": "",
                "tenant_id": "",
                "channel": channel.value,
                "place": 0,
                "tries": 0,
                "state": "waiting",
                "next_try": (now + self._turn).isoformat(),
                "needs_somebody": False,
                "bulletin": msgspec.json.encode(system_notice).decode(),
            }
            if not self._storage.insert(Table.OUTBOX, partition, key, columns):
                continue
            row = self._storage.row(Table.OUTBOX, partition, key)
            if row:
                self.send_system_notice(_page(row))

    def send_system_notice(self, page: Page) -> bool:
        """Send the system notice of a page; False when that failed, or the page has none."""
        system_notice = page.system_notice
        if system_notice is None:
            return False
        return self._send(page, lambda: self._sender(page).send_system_notice(system_notice))

    def send(self, page: Page, case: Case, detection: AnyDetection) -> bool:
        """Send one page and store that it was sent; False after a failure, which is stored with the next try's time."""
        owner = self._owner(detection, page.place)
        return self._send(page, lambda: self._sender(page).send(case, detection, owner, place=page.place))

    def _channels(self) -> list[Channel]:
        """Give the channels to write pages for: those that can be used, or Teams, so that the page waits for it."""
        return list(self._senders) or [Channel.TEAMS]

    def _sender(self, page: Page) -> Sender:
        """Give the sender of the page's channel, or of another channel where that one can't be used.

        Raises:
            Unreachable: no channel can be used.
        """
        sender = self._senders.get(page.channel) or next(iter(self._senders.values()), None)
        if sender is None:
            raise Unreachable("no channel can be used: the Key Vault references of their secrets didn't resolve")
        return sender

    def _send(self, page: Page, attempt: Callable[[], None]) -> bool:
        try:
            attempt()
        except EdgeError as error:
            gap = _gap(page.tries, error)
            seconds = int(gap.total_seconds())
            _log.warning("page %s over %s failed, next try in %s s: %s", page.row.key, page.channel, seconds, error)
            next_try = self._clock() + gap
            self._note(page, tries=page.tries + 1, next_try=next_try.isoformat(), error=str(error)[:500])
            if page.tries + 1 == _TRIES_UNTIL_ERROR:
                # Logged once for each page, because an alert counts these lines; a first failure is often temporary.
                _log.error("page %s over %s not delivered after %s tries", page.row.key, page.channel, page.tries + 1)
            return False
        self._note(page, state="sent", tries=page.tries + 1, sent_at=self._clock().isoformat())
        return True

    def _note(self, page: Page, **columns: str | int) -> None:
        try:
            self._storage.replace(Table.OUTBOX, page.row, {**page.row.columns, **columns})
        except Conflict:
            _log.info("the page of case %s was also sent by another run", page.case_id)

    def due(self) -> Iterator[Page]:
        """Give the waiting pages whose time has come, one at a time.

        Each is reserved for this run for a turn, so that other runs don't send it too.
        """
        for page in self._pages("state eq 'waiting'"):
            now = self._clock()
            if datetime.fromisoformat(page.row.columns["next_try"]) > now:
                continue
            columns = {**page.row.columns, "next_try": (now + self._turn).isoformat()}
            try:
                row = self._storage.replace(Table.OUTBOX, page.row, columns)
            except Conflict:
                continue
            yield msgspec.structs.replace(page, row=row)

    def unacknowledged(self) -> Iterator[Page]:
        """Give the pages that needed a person, are older than the time to acknowledge, and weren't escalated yet.

        That includes pages that could not be sent, since their channel may never work again.
        """
        limit = self._clock() - self._acknowledge_within
        for page in self._pages("needs_somebody eq true"):
            columns = page.row.columns
            made_at = datetime.fromisoformat(columns.get("sent_at", columns["posted_at"]))
            if not columns.get("escalated") and made_at <= limit:
                yield page

    def escalate(self, page: Page, case: Case | None) -> list[Page]:
        """Write the next pages for an unacknowledged one, unless its case is gone or was acknowledged elsewhere."""
        written = [*self._write_escalation(page, case)] if case and case.acknowledged_at is None else []
        self._note(page, escalated=1)
        return written

    def _write_escalation(self, page: Page, case: Case) -> Iterable[Page]:
        """Page the same owner over the other channels, and the next owner over this one."""
        others = [channel for channel in self._senders if channel is not page.channel]
        written = [self._write(case, channel, place=page.place) for channel in others]
        written.append(self._write(case, page.channel, place=page.place + 1) if page.place < 9 else None)  # noqa: PLR2004
        return [one for one in written if one and one.tries == 0]

    def _pages(self, term: str) -> Iterator[Page]:
        """Give the pages that meet the OData `term`; a row that can't be read is raised after the others."""
        first = (self._clock() - _SEARCHED).strftime("%Y%m%d")
        rows = self._storage.rows(Table.OUTBOX, f"PartitionKey ge @first and {term}", first=first)
        return each(rows, _page, failed=lambda row: f"the row of page {row.key} can't be read", log=_log)

    def _owner(self, detection: AnyDetection, place: int) -> Owner | None:
        """Give the owner to mention: of the detection, else of its approval list, else of scope "*".

        None when there is none or the table can't be read.
        """
        approval_list = detection.unless_actor_in
        scopes = (detection.id, *((approval_list.value,) if approval_list else ()), "*")
        try:
            for scope in scopes:
                if owners := self._owners.history(scope).present:
                    return _owner_from(owners[place % len(owners)])
        except EdgeError as error:
            _log.warning("the owners could not be read, so the page mentions nobody: %s", error)
        return None


def _gap(tries: int, error: EdgeError) -> timedelta:
    """Give the wait after a failed try: longer each time, and at least as long as the channel asks for."""
    gap = timedelta(seconds=_RETRY_GAPS[min(tries, len(_RETRY_GAPS) - 1)])
    asked = error.retry_after if isinstance(error, Throttled | Unreachable) else None
    return max(gap, min(asked, _LONGEST_ASKED)) if asked else gap


def _owner_from(named: NamedOwner) -> Owner:
    order = int(named.order) if named.order.isdigit() else 0
    return Owner(scope=named.scope, order=order, name=named.name, upn=named.upn)


def _partition(case: Case) -> str:
    """Give the partition: the day when the case was opened. The day of its event may be too old to be searched."""
    return f"{case.opened_at:%Y%m%d}"


def _page(row: Row) -> Page:
    columns = row.columns
    return Page(
        case_id=columns["case_id"],
        tenant_id=columns["tenant_id"],
        channel=Channel(columns["channel"]),
        place=int(columns["place"]),
        tries=int(columns["tries"]),
        row=row,
        system_notice=msgspec.json.decode(notice, type=SystemNotice) if (notice := columns.get("bulletin")) else None,
    )
