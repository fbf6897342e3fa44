"""How many messages an hour go over a channel, counted for all hosts together in table `Outbox`.

Half of the limit is for digests, which are as far apart as that allows: so when the other half is used up, what came
since is still sent within minutes.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from shared.clients.storage import Row, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.model.clock import Clock

_log = logging.getLogger("responder.notify")
_PARTITION: Final = "limits"
_HOUR: Final = timedelta(hours=1)
_TRIES: Final = 10


class _Sent(Struct, frozen=True, kw_only=True):
    """When messages were sent in the last hour, in milliseconds since 1970: single ones and digests."""

    single: tuple[int, ...] = ()
    digests: tuple[int, ...] = ()


class Counted(Struct, frozen=True, kw_only=True):
    """A message that was counted, at an instant in milliseconds since 1970."""

    key: str
    at: int
    is_digest: bool


class MessageLimit:
    """At most `per_hour` messages in any hour over each of the things that are limited, named by a `key`."""

    def __init__(self, storage: Storage, *, clock: Clock, per_hour: int) -> None:
        self._storage = storage
        self._clock = clock
        self._per_hour = per_hour
        self._digests = max(1, per_hour // 2)

    def take(self, key: str) -> Counted | None:
        """Count one message; None when it has to wait."""
        at = self._change(key, self._with_single)
        return None if at is None else Counted(key=key, at=at, is_digest=False)

    def take_digest(self, key: str) -> Counted | None:
        """Count one digest; None when it has to wait."""
        at = self._change(key, self._with_digest)
        return None if at is None else Counted(key=key, at=at, is_digest=True)

    def give_back(self, counted: Counted) -> None:
        """Take back a message that was counted and not sent."""
        self._change(counted.key, lambda sent, _at: _without(sent, counted))

    def _with_single(self, sent: _Sent, at: int) -> _Sent | None:
        if len(sent.single) >= self._per_hour - self._digests or self._is_full(sent):
            return None
        return _Sent(single=(*sent.single, at), digests=sent.digests)

    def _with_digest(self, sent: _Sent, at: int) -> _Sent | None:
        apart = _HOUR // timedelta(milliseconds=1) // self._digests
        is_too_soon = bool(sent.digests) and max(sent.digests) + apart > at
        if is_too_soon or self._is_full(sent):
            return None
        return _Sent(single=sent.single, digests=(*sent.digests, at))

    def _is_full(self, sent: _Sent) -> bool:
        return len(sent.single) + len(sent.digests) >= self._per_hour

    def _change(self, key: str, change: "_Change") -> int | None:
        """Write what `change` makes of the last hour; None when it makes nothing, or others keep writing."""
        at = (self._clock() - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
        for _ in range(_TRIES):
            row = self._storage.row(Table.OUTBOX, _PARTITION, key)
            after = change(_of_last_hour(_read(row), at), at)
            if after is None:
                return None
            columns = {"sent": msgspec.json.encode(after).decode()}
            if row is None:
                if self._storage.insert(Table.OUTBOX, _PARTITION, key, columns):
                    return at
                continue
            try:
                self._storage.replace(Table.OUTBOX, row, columns)
            except Conflict:
                continue
            return at
        return None


type _Change = Callable[[_Sent, int], _Sent | None]


def _read(row: Row | None) -> _Sent:
    """Read a row; one that can't be read counts nothing, since a wrong count must keep nothing back."""
    try:
        return msgspec.json.decode(row.columns["sent"], type=_Sent) if row else _Sent()
    except (msgspec.MsgspecError, KeyError, TypeError):
        _log.warning("the messages of the last hour can't be read, so they are counted anew")
        return _Sent()


def _of_last_hour(sent: _Sent, at: int) -> _Sent:
    since = at - _HOUR // timedelta(milliseconds=1)
    return _Sent(
        single=tuple(one for one in sent.single if one > since),
        digests=tuple(one for one in sent.digests if one > since),
    )


def _without(sent: _Sent, counted: Counted) -> _Sent:
    if counted.is_digest:
        return _Sent(single=sent.single, digests=_less(sent.digests, counted.at))
    return _Sent(single=_less(sent.single, counted.at), digests=sent.digests)


def _less(instants: tuple[int, ...], at: int) -> tuple[int, ...]:
    place = instants.index(at) if at in instants else len(instants)
    return instants[:place] + instants[place + 1 :]
