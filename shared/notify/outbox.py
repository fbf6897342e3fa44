"""Stage 7: tell people, at least once, and go on until somebody has read it.

A page is a row of table `Outbox` before anything is sent, so a crash loses none; a channel that fails is tried again by
the resume timer. Teams answers 202 even when no card is posted, so a page that needs somebody and that nobody
acknowledged goes to the second channel, which doesn't depend on the tenant, and to the next owner.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from shared.clients.storage import Conflict, Row, Storage, Table
from shared.model.cases import Case, Decision, Outcome
from shared.model.detections import AnyDetection
from shared.model.do_all import each
from shared.model.errors import EdgeError, Throttled, Unreachable
from shared.model.kinds import Risk
from shared.model.notices import SystemNotice
from shared.model.owners import Owner

_log = logging.getLogger("responder.notify")
_SEARCHED: Final = timedelta(days=3)
_RETRY_GAPS: Final = (5, 15, 60, 300, 900)
_LONGEST_ASKED: Final = timedelta(minutes=15)
"""A channel that asks for a longer wait than this is tried all the same: a page is urgent."""

_TRIES_UNTIL_TOLD: Final = 3
"""After how many failed tries a page counts as one that isn't delivered: about a minute and a half."""


class Channel(StrEnum):
    """Ways to reach the owners."""

    TEAMS = "teams"
    PAGERDUTY = "pagerduty"


class Sender(Protocol):
    """Sends the page of a case over one channel, mentioning an owner; raises EdgeError when the channel refuses it."""

    def send(self, case: Case, detection: AnyDetection, owner: Owner | None, *, place: int) -> None:
        """Send it, once."""
        ...

    def tell(self, system_notice: SystemNotice) -> None:
        """Send a bulletin, once."""
        ...


class Page(Struct, frozen=True, kw_only=True):
    """One page to send: which case, over what, to which of the owners (their place in order, 0 first).

    Instead of a case it may carry a bulletin.
    """

    case_id: str
    tenant_id: str
    channel: Channel
    place: int
    tries: int
    row: Row
    system_notice: SystemNotice | None = None


def needs_somebody(case: Case) -> bool:
    """Whether a person has to do something, as against having to know."""
    return case.decision is Decision.PAGE or (
        case.decision is Decision.REMEDIATE and case.outcome not in {Outcome.DONE, Outcome.ALREADY}
    )


class Notifier:
    """Writes and sends pages. `senders` are the channels that can be used.

    Where there is none for now, pages wait in the outbox as failed ones do, until the app is started with one.

    Whoever writes a page sends it; it is due for others only after its turn, so that a slow post isn't made twice.
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
        """`turn` is how long whoever is about to send a page has it to themselves; a post may take that long."""
        self._storage = storage
        self._senders = senders
        self._clock = clock
        self._acknowledge_within = acknowledge_within
        self._turn = turn

    def post(self, case: Case, detection: AnyDetection) -> list[Page]:
        """Write the pages that a case needs, once: those that are there already stay as they are."""
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
        """Send a bulletin over every channel, once for its key; what fails is tried again by the resume timer."""
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
        """Send the bulletin of a page, as `send` does a case."""
        system_notice = page.system_notice
        if system_notice is None:
            return False
        return self._send(page, lambda: self._sender(page).tell(system_notice))

    def send(self, page: Page, case: Case, detection: AnyDetection) -> bool:
        """Send one page and write down that it was; a failure is written down with the time of the next try."""
        owner = self._owner(detection, page.place)
        return self._send(page, lambda: self._sender(page).send(case, detection, owner, place=page.place))

    def _channels(self) -> list[Channel]:
        """Give the channels that pages are written for: those that can be used, or the first, for later."""
        return list(self._senders) or [Channel.TEAMS]

    def _sender(self, page: Page) -> Sender:
        """Give the page's channel; where it can't be used, another one.

        Raises:
            Unreachable: there is none.
        """
        sender = self._senders.get(page.channel) or next(iter(self._senders.values()), None)
        if sender is None:
            raise Unreachable("there is no channel: no Key Vault reference of one resolved")
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
            if page.tries + 1 == _TRIES_UNTIL_TOLD:
                # Once for each page: an alert counts these lines, and one failure that a retry mends is no news.
                _log.error("page %s over %s not delivered after %s tries", page.row.key, page.channel, page.tries + 1)
            return False
        self._note(page, state="sent", tries=page.tries + 1, sent_at=self._clock().isoformat())
        return True

    def _note(self, page: Page, **columns: str | int) -> None:
        try:
            self._storage.replace(Table.OUTBOX, page.row, {**page.row.columns, **columns})
        except Conflict:
            _log.info("page of case %s was sent by another run as well", page.case_id)

    def due(self) -> Iterator[Page]:
        """Take the pages that wait to be sent and whose time has come, each when it is asked for.

        What one run takes is left alone by others for a turn.
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
        """Give the pages that needed somebody, were made long ago and went no further yet.

        A page that couldn't be sent in that time counts as well: its channel may be gone for good.
        """
        limit = self._clock() - self._acknowledge_within
        for page in self._pages("needs_somebody eq true"):
            columns = page.row.columns
            made_at = datetime.fromisoformat(columns.get("sent_at", columns["posted_at"]))
            if not columns.get("escalated") and made_at <= limit:
                yield page

    def escalate(self, page: Page, case: Case | None) -> list[Page]:
        """Write the next pages for an unacknowledged one, unless its case is gone or was acknowledged over another."""
        written = [*self._raise(page, case)] if case and case.acknowledged_at is None else []
        self._note(page, escalated=1)
        return written

    def _raise(self, page: Page, case: Case) -> Iterable[Page]:
        """Go to the other channels with the same owner, and over this one to the next owner."""
        others = [channel for channel in self._senders if channel is not page.channel]
        written = [self._write(case, channel, place=page.place) for channel in others]
        written.append(self._write(case, page.channel, place=page.place + 1) if page.place < 9 else None)  # noqa: PLR2004
        return [one for one in written if one and one.tries == 0]

    def _pages(self, term: str) -> Iterator[Page]:
        """Give the rows that say so; one that can't be read is raised after the others."""
        first = (self._clock() - _SEARCHED).strftime("%Y%m%d")
        rows = self._storage.rows(Table.OUTBOX, f"PartitionKey ge @first and {term}", first=first)
        return each(rows, _page, failed=lambda row: f"the row of page {row.key} can't be read", log=_log)

    def _owner(self, detection: AnyDetection, place: int) -> Owner | None:
        """The owner to mention: of the detection, else of its approval list, else of everything.

        None when none can be read.
        """
        approval_list = detection.unless_actor_in
        scopes = (detection.id, *((approval_list.value,) if approval_list else ()), "*")
        try:
            for scope in scopes:
                rows = sorted(
                    self._storage.rows(Table.OWNERS, "PartitionKey eq @scope", scope=scope), key=lambda row: row.key
                )
                if rows:
                    return _owner_from(scope, rows[place % len(rows)])
        except EdgeError as error:
            _log.warning("the owners could not be read, the page goes out without a mention: %s", error)
        return None


def _gap(tries: int, error: EdgeError) -> timedelta:
    """Say how long to leave a page after a failed try: longer each time, and as long as the channel asks for."""
    gap = timedelta(seconds=_RETRY_GAPS[min(tries, len(_RETRY_GAPS) - 1)])
    asked = error.retry_after if isinstance(error, Throttled | Unreachable) else None
    return max(gap, min(asked, _LONGEST_ASKED)) if asked else gap


def _owner_from(scope: str, row: Row) -> Owner:
    columns = row.columns
    return Owner(
        scope=scope,
        order=int(row.key) if row.key.isdigit() else 0,
        name=str(columns.get("name", "")),
        upn=str(columns.get("upn", "")),
    )


def _partition(case: Case) -> str:
    """The day on which the case was opened; its event may be older than what is searched."""
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
        system_notice=msgspec.json.decode(told, type=SystemNotice) if (told := columns.get("bulletin")) else None,
    )
