"""When each owner last answered over each channel, and when they were last asked to: table `Cursors`, one row each."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Final

from msgspec import Struct

from shared.authority.acts import UNSIGNED, Acts
from shared.authority.owners import NamedOwner, TableOwners
from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table
from shared.notify.paged import Channel

_PARTITION: Final = "reached"
_ASKED: Final = "asked_at"


class Reached(Struct, frozen=True, kw_only=True):
    """An owner, with the instants at which they last answered over each channel and were last asked by a test."""

    owner: NamedOwner
    scopes: tuple[str, ...]
    asked_at: datetime | None
    over: dict[Channel, datetime]

    @property
    def last(self) -> datetime | None:
        """When they last answered over any channel."""
        return max(self.over.values(), default=None)


def note_reached(storage: Storage, owner: NamedOwner, channel: Channel, *, at: datetime) -> None:
    """Note that an owner answered over a channel. Raises EdgeError."""
    _note(storage, owner, f"{channel}_at", at)


def note_asked(storage: Storage, owner: NamedOwner, *, at: datetime) -> None:
    """Note that a test asked an owner to answer. Raises EdgeError."""
    _note(storage, owner, _ASKED, at)


def reached(storage: Storage, *, clock: Callable[[], datetime], acts: Acts = UNSIGNED) -> list[Reached]:
    """Give each person who is paged for anything, once, in the order of the table. Raises EdgeError."""
    rows = {row.key: row for row in storage.rows(Table.CURSORS, "PartitionKey eq @reached", reached=_PARTITION)}
    people: dict[str, list[NamedOwner]] = {}
    for owner in TableOwners(storage, clock=clock, acts=acts).history().present:
        people.setdefault(_key(owner), []).append(owner)
    return [_reached(places, rows.get(key)) for key, places in people.items()]


def _reached(places: list[NamedOwner], row: Row | None) -> Reached:
    mapped = next((one for one in places if one.pagerduty), places[0])
    found = {channel: row.instant(f"{channel}_at") for channel in Channel} if row else {}
    return Reached(
        owner=mapped,
        scopes=tuple(one.scope for one in places),
        asked_at=row.instant(_ASKED) if row else None,
        over={channel: at for channel, at in found.items() if at is not None},
    )


def _note(storage: Storage, owner: NamedOwner, column: str, at: datetime) -> None:
    row = storage.row(Table.CURSORS, _PARTITION, _key(owner))
    before = row.instant(column) if row else None
    if before is None or before < at:
        columns = dict(row.columns) if row else {}
        storage.upsert(Table.CURSORS, _PARTITION, _key(owner), {**columns, "upn": owner.upn, column: at})


def _key(owner: NamedOwner) -> str:
    return hashlib.sha256((owner.upn or owner.name).casefold().encode(errors="surrogatepass")).hexdigest()[:32]
