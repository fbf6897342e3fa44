"""Tells channels that keep incidents what became of them: somebody takes care of it, or it is over.

What a channel is still to be told follows from the page as it is stored (`paged.signals_of`), so a run that dies, or a
channel that fails, loses nothing: the resume timer goes on.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec

from shared.model.do_all import do_all
from shared.model.errors import EdgeError, Refused, Rejected
from shared.notify.page_store import PageStore, StoredPage
from shared.notify.paged import Channel, Signal, noted_signal, signals_of

_log = logging.getLogger("responder.notify")
_GAPS: Final = (60, 300, 900)
"""Seconds until a channel that failed is told again."""


class Signaller(Protocol):
    """A channel."""

    def signal(self, key: str, signal: Signal) -> None:
        """Tell the channel what became of the incident with this key. Raises EdgeError."""
        ...


class Signals:
    """Sends what channels are still to be told of incidents."""

    def __init__(
        self, pages: PageStore, senders: Mapping[Channel, Signaller], *, clock: Callable[[], datetime]
    ) -> None:
        self._pages = pages
        self._senders = senders
        self._clock = clock

    def send_due(self) -> None:
        """Tell every channel what it doesn't know yet. A failure of storage is raised when all are done."""
        do_all(
            [*self._waiting()],
            lambda found: self._send(*found),
            failed=lambda found: f"the incidents of page {found[0].state.id} could not be updated",
            log=_log,
        )

    def _waiting(self) -> Iterator[tuple[StoredPage, Channel]]:
        now = self._clock()
        for stored in self._pages.open_pages():
            for delivery in stored.state.deliveries:
                is_due = delivery.signal_try is None or delivery.signal_try <= now
                if is_due and delivery.channel in self._senders and signals_of(stored.state, delivery):
                    yield stored, delivery.channel

    def _send(self, stored: StoredPage, channel: Channel) -> None:
        delivery = stored.state.over(channel)
        for incident, signal in signals_of(stored.state, delivery) if delivery else ():
            try:
                self._senders[channel].signal(incident.key, signal)
            except (Refused, Rejected) as error:
                # Trying it again would change nothing: people see the incident as it stands.
                _log.warning("%s didn't take that incident %s is %sd: %s", channel, incident.key, signal, error)
            except EdgeError as error:
                _log.warning("%s couldn't be told that incident %s is %sd: %s", channel, incident.key, signal, error)
                self._put_off(stored, channel)
                return
            stored = self._pages.update(
                stored, lambda page, key=incident.key, said=signal: noted_signal(page, channel, key, said)
            )

    def _put_off(self, stored: StoredPage, channel: Channel) -> None:
        delivery = stored.state.over(channel)
        tries = delivery.signal_tries if delivery else 0
        at = self._clock() + timedelta(seconds=_GAPS[min(tries, len(_GAPS) - 1)])
        self._pages.update(
            stored,
            lambda page: (
                page.with_delivery(msgspec.structs.replace(one, signal_try=at, signal_tries=one.signal_tries + 1))
                if (one := page.over(channel))
                else page
            ),
        )
