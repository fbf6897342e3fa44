"""The coverage: of each source and kind of object, when it was last read, how far behind it is, and what isn't seen.

It is read from what polls, sweeps and deliveries store, so it can be read while the app is down, which is when somebody
asks. What can't be read is *unknown*, never *seen*.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table
from shared.detect.rosters import STALE, Roster
from shared.ingest.lateness import Lateness, lateness_of
from shared.ingest.left_out import ABOUT as LEFT_OUT
from shared.ingest.left_out import left_out_read_at
from shared.ingest.poll import cursor_of, failure_columns
from shared.ingest.stream import Arrival, arrivals, stream_lateness
from shared.ingest.unread import Unread, read_unread
from shared.model.errors import EdgeError
from shared.model.object_kinds import Kind
from shared.model.settings import Settings, Tenant
from shared.model.sources import Source
from shared.respond.delivery_times import last_delivery
from shared.respond.sweep import may_be_unread, swept_at

_FAILED: Final = "failed"
IDENTITY: Final = "the identity's permissions"
EVERYTHING: Final = "everything"
"""What an entry is about where storage doesn't answer."""
_PERMISSIONS: Final = "permissions"
_ALL: Final = "all"
_MOST_TEXT: Final = 500
_TRIES_TO_SHOW: Final = 2
SWEPT_WITHIN: Final = timedelta(hours=1)
_LOOKED_WITHIN: Final = timedelta(hours=3)
QUIET_EVENTS: Final = timedelta(days=30)
QUIET_STREAM: Final = timedelta(days=1)
AUDITS: Final = "AuditLogs"
"""The category of the stream that every tenant with a diagnostic setting sends."""
_RECORDS_WITHIN: Final = timedelta(hours=1)
"""The overlap of the polls: where more than half of the records come later, most of a log is seen hours late."""


class Sight(StrEnum):
    """Whether something is seen."""

    BLIND = "blind"
    """Nothing of it is seen."""
    LATE = "late"
    """It is seen, but later than it should be."""
    PARTLY = "partly"
    """Parts of it couldn't be read."""
    UNKNOWN = "unknown"
    """It can't be said."""
    SEES = "seen"
    OFF = "off"
    """Somebody set that it isn't to be read, or no tier reads it and nobody allowed that by hand."""

    @property
    def is_fine(self) -> bool:
        """Whether nobody has to do anything."""
        return self in {Sight.SEES, Sight.OFF}


_WORST: Final = (Sight.BLIND, Sight.PARTLY, Sight.LATE, Sight.UNKNOWN, Sight.OFF, Sight.SEES)


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One source or kind of object of a tenant.

    `read_at` is until when it was read, `because` why not later, `needed` the permissions that the refused call needs,
    `cure` what to do. `late` is how late its records come, `unread` which windows of it are still to be read.
    `is_paged`: people are paged about it here, and not by what reads it.
    """

    about: str
    tenant: str
    tenant_id: str
    sight: Sight
    read_at: datetime | None = None
    because: str = ""
    needed: str = ""
    cure: str = ""
    late: Lateness = Lateness()
    unread: tuple[str, ...] = ()
    is_paged: bool = False

    @property
    def key(self) -> str:
        """A name that stays."""
        return f"{self.about} {self.tenant_id}"


class Coverage(Struct, frozen=True, kw_only=True):
    """Everything that is to be seen, the worst first."""

    at: datetime
    entries: tuple[Entry, ...]

    @property
    def bad(self) -> tuple[Entry, ...]:
        """What isn't seen as it should be."""
        return tuple(entry for entry in self.entries if not entry.sight.is_fine)

    @property
    def is_whole(self) -> bool:
        """Whether what has no entry isn't there: storage answers, and it is known which permissions are missing."""
        return not any(one.sight is Sight.UNKNOWN and one.about in {IDENTITY, EVERYTHING} for one in self.entries)

    @property
    def verdict(self) -> str:
        """Say in a sentence whether the product sees."""
        seen = [entry for entry in self.entries if entry.sight is not Sight.OFF]
        blind, unknown = (sum(entry.sight is sight for entry in seen) for sight in (Sight.BLIND, Sight.UNKNOWN))
        partly = len(self.bad) - blind - unknown
        if not self.bad:
            return f"IT SEES EVERYTHING: all {len(seen)} sources"
        parts = ((blind, "blind"), (partly, "late or in part"), (unknown, "unknown"))
        counted = ", ".join(f"{number} {what}" for number, what in parts if number)
        said = "IT DOES NOT SEE EVERYTHING" if blind + partly else "IT MAY NOT SEE EVERYTHING"
        return f"{said}: {counted}, of {len(seen)} sources"


class LostPermission(Struct, frozen=True, kw_only=True):
    """A permission that the identity should have and hasn't; `where` is the tenant's or subscription's name."""

    where: str
    permission: str
    needed_by: tuple[str, ...]


def note_failure(storage: Storage, about: str, tenant_id: str, error: EdgeError, *, now: datetime) -> None:
    """Store why something couldn't be read. It counts until it was read again. Raises EdgeError."""
    storage.upsert(Table.CURSORS, _FAILED, f"{tenant_id} {about}", failure_columns(error, at=now))


def noting[T](
    storage: Storage, about: str, tenant_id: str, read: Callable[[], T], *, clock: Callable[[], datetime]
) -> T:
    """Read something, and store why where that fails. Raises what `read` raises."""
    try:
        return read()
    except EdgeError as error:
        note_failure(storage, about, tenant_id, error, now=clock())
        raise


def note_permissions(storage: Storage, lost: Sequence[LostPermission], because: str, *, now: datetime) -> None:
    """Store which permissions are missing, and why that can't be said of all of them. Raises EdgeError."""
    columns = {
        "at": now.isoformat(),
        "because": because[:_MOST_TEXT],
        "lost": msgspec.json.encode(lost).decode(),
    }
    storage.upsert(Table.CURSORS, _PERMISSIONS, _ALL, columns)


def permissions_noted_at(storage: Storage) -> datetime | None:
    """Give when it was last looked which permissions are missing. Raises EdgeError."""
    row = storage.row(Table.CURSORS, _PERMISSIONS, _ALL)
    return row.instant("at") if row else None


def read_coverage(
    storage: Storage,
    settings: Settings,
    *,
    sources: Iterable[Source],
    kinds: Iterable[Kind],
    rosters: Iterable[Roster],
    now: datetime,
) -> Coverage:
    """Read how everything is covered. What can't be read is an entry that says so."""
    look = _Look(storage, settings, now)
    if unreadable := look.at_storage():
        return Coverage(at=now, entries=tuple(unreadable))
    entries = [
        *(entry for source in sources for tenant in settings.tenants for entry in look.at_log(source, tenant)),
        *(
            entry
            for kind in kinds
            for tenant in settings.tenants
            if tenant.kind is kind.tenant_kind
            for entry in look.at_kind(kind, tenant)
        ),
        *(
            entry
            for roster in rosters
            for tenant in settings.tenants
            if tenant.kind in roster.tenant_kinds
            for entry in look.at_roster(roster, tenant)
        ),
        *(entry for one in sorted(settings.workforce.subscriptions) for entry in look.at_events(one)),
        *look.at_left_out(),
        *look.at_stream(),
        *look.at_permissions(),
    ]
    return Coverage(at=now, entries=tuple(sorted(entries, key=lambda entry: _WORST.index(entry.sight))))


class _Look:
    """Looks at each source in turn; an error of storage makes its entry unknown, and stops no other."""

    def __init__(self, storage: Storage, settings: Settings, now: datetime) -> None:
        self._storage = storage
        self._settings = settings
        self._now = now
        self._failed: Mapping[str, Row] = {}

    def _tried(self, about: str, tenant: Tenant, look: Callable[[], Iterable[Entry]]) -> list[Entry]:
        try:
            return [*look()]
        except EdgeError as error:
            because = f"storage can't be read: {error}"
            return [self._entry(about, tenant, Sight.UNKNOWN, because=because, cure="See responder doctor.")]

    def _entry(self, about: str, tenant: Tenant, sight: Sight, **more: Any) -> Entry:  # noqa: ANN401 - an entry's own
        return Entry(about=about, tenant=tenant.name, tenant_id=tenant.id, sight=sight, **more)

    def at_storage(self) -> list[Entry]:
        """Read what failed; gives an entry where storage doesn't answer: nothing else needs to be tried then."""

        def look() -> Iterator[Entry]:
            rows = self._storage.rows(Table.CURSORS, "PartitionKey eq @one", one=_FAILED)
            self._failed = {row.key: row for row in rows}
            yield from ()

        return self._tried(EVERYTHING, self._settings.workforce, look)

    def at_log(self, source: Source, tenant: Tenant) -> list[Entry]:
        return self._tried(source.name, tenant, lambda: [self._log(source, tenant)])

    def _log(self, source: Source, tenant: Tenant) -> Entry:
        if source.is_of_sign_ins and not self._settings.polls_sign_ins:
            return self._entry(source.name, tenant, Sight.OFF, because="SIGN_INS is off")
        cursor = cursor_of(self._storage, source, tenant.id)
        if cursor.is_unlicensed:
            because = "Microsoft gives it only to tenants with Entra ID P1"
            return self._entry(source.name, tenant, Sight.BLIND, because=because, cure=_NO_LICENCE)
        known = self._known(source.name, tenant, cursor.row, cursor.until, within=source.late_after, cure=_POLL)
        unread = read_unread(self._storage, source, tenant.id)
        late = lateness_of(self._storage, source, tenant.id, now=self._now)
        windows = tuple(str(one.window) for one in unread if not one.is_again)
        known = msgspec.structs.replace(known, late=late, unread=windows)
        worse = _of_unread(unread) or _of_lateness(late)
        if known.sight is not Sight.SEES or worse is None:
            return known
        sight, because, cure = worse
        return msgspec.structs.replace(known, sight=sight, because=because, cure=cure)

    def _known(
        self, about: str, tenant: Tenant, failed: Row | None, at: datetime | None, *, within: timedelta, cure: str
    ) -> Entry:
        """Say what is known of something that was last read at an instant, with the row that may say why not later."""
        failed_at = failed.instant("failed_at") if failed else None
        columns: Mapping[str, Any] = {}
        if failed and failed_at and (at is None or failed_at > at):
            columns = failed.columns
        because, needed = str(columns.get("because", "")), str(columns.get("needed", ""))
        if at is not None and self._now - at <= within and not needed:
            return self._entry(about, tenant, Sight.SEES, read_at=at)
        never = "it was never read so far" if at is None else ""
        return self._entry(
            about,
            tenant,
            Sight.BLIND if needed or at is None else Sight.LATE,
            read_at=at,
            because=because or never or "nothing has read it since; the app may be down",
            needed=needed,
            cure=_GRANT if needed else cure,
            is_paged=True,
        )

    def at_kind(self, kind: Kind, tenant: Tenant) -> list[Entry]:
        about = about_kind(kind)

        def look() -> Iterator[Entry]:
            at = swept_at(self._storage, tenant.id, kind.kind)
            failed = self._failed.get(f"{tenant.id} {about}")
            known = self._known(about, tenant, failed, at, within=SWEPT_WITHIN, cure=_SWEEP)
            if known.needed and may_be_unread(kind, at):
                sight = Sight.OFF if kind.inventory.is_by_hand else Sight.UNKNOWN
                known = msgspec.structs.replace(known, sight=sight, because=only_read_by(kind), is_paged=False)
            yield known

        return self._tried(about, tenant, look)

    def at_roster(self, roster: Roster, tenant: Tenant) -> list[Entry]:
        about = about_roster(roster)

        def look() -> Iterator[Entry]:
            row = self._storage.row(Table.ROSTERS, roster.kind, tenant.id)
            failed = self._failed.get(f"{tenant.id} {about}")
            at = row.instant("read_at") if row else None
            known = self._known(about, tenant, failed, at, within=STALE, cure=_ROSTERS)
            # The rosters tell people of themselves.
            yield msgspec.structs.replace(known, is_paged=False)

        return self._tried(about, tenant, look)

    def at_left_out(self) -> list[Entry]:
        tenant = self._settings.workforce

        def look() -> Iterator[Entry]:
            at = left_out_read_at(self._storage, tenant.id)
            failed = self._failed.get(f"{tenant.id} {LEFT_OUT}")
            yield self._known(LEFT_OUT, tenant, failed, at, within=SWEPT_WITHIN, cure=_ROSTERS)

        return self._tried(LEFT_OUT, tenant, look)

    def at_events(self, subscription: str) -> list[Entry]:
        tenant = self._settings.workforce
        about = f"events of {subscription}"

        def look() -> Iterator[Entry]:
            at = last_delivery(self._storage, subscription)
            if at is not None and self._now - at <= QUIET_EVENTS:
                yield self._entry(about, tenant, Sight.SEES, read_at=at)
            else:
                because = "no event so far" if at is None else "no event for 30 days"
                yield self._entry(about, tenant, Sight.UNKNOWN, read_at=at, because=because, cure=_CANARY)

        return self._tried(about, tenant, look)

    def at_stream(self) -> list[Entry]:
        return self._tried("audit stream", self._settings.workforce, self._stream)

    def _stream(self) -> Iterator[Entry]:
        came = arrivals(self._storage)
        late = stream_lateness(self._storage, now=self._now) if came else {}
        yield from (self._of_stream(one, late.get((one.tenant_id, one.category), Lateness())) for one in came)
        if not self._settings.audit_stream_hub:
            return
        for tenant in self._settings.tenants:
            if not any(one.tenant_id == tenant.id and one.category == AUDITS for one in came):
                about, because = f"stream of {AUDITS}", "nothing came so far"
                yield self._entry(about, tenant, Sight.UNKNOWN, because=because, cure=_STREAM)

    def _of_stream(self, arrival: Arrival, late: Lateness) -> Entry:
        tenant = self._settings.tenant(arrival.tenant_id)
        sight, because, cure = _of_lateness(late) or (Sight.SEES, "", "")
        if self._now - arrival.at > QUIET_STREAM:
            sight, because, cure = Sight.UNKNOWN, "nothing came for a day", _STREAM
        return Entry(
            about=f"stream of {arrival.category}",
            tenant=tenant.name if tenant else arrival.tenant_id,
            tenant_id=arrival.tenant_id,
            sight=sight,
            read_at=arrival.at,
            because=because,
            cure=cure,
            late=late,
        )

    def at_permissions(self) -> list[Entry]:
        return self._tried(IDENTITY, self._settings.workforce, self._permissions)

    def _permissions(self) -> Iterator[Entry]:
        row = self._storage.row(Table.CURSORS, _PERMISSIONS, _ALL)
        at = row.instant("at") if row else None
        lost = _lost(row) if row else []
        because = str(row.columns.get("because", "")) if row else "nobody has looked so far"
        if at is not None and self._now - at > _LOOKED_WITHIN:
            because = because or "nobody has looked for hours"
        for one in lost:
            yield Entry(
                about=f"permission {one.permission}",
                tenant=one.where,
                tenant_id=one.where,
                sight=Sight.BLIND,
                read_at=at,
                because=f"it is missing; needed by {', '.join(one.needed_by)}",
                needed=one.permission,
                cure=_GRANT,
                is_paged=True,
            )
        tenant = self._settings.workforce
        if because:
            cure = "Run responder doctor."
            yield self._entry(IDENTITY, tenant, Sight.UNKNOWN, read_at=at, because=because, cure=cure)
        elif not lost:
            yield self._entry(IDENTITY, tenant, Sight.SEES, read_at=at)


def about_kind(kind: Kind) -> str:
    """Name a kind of object as a source."""
    return f"every {kind.title}"


def about_roster(roster: Roster) -> str:
    """Name a roster as a source."""
    return f"list of {roster.kind.replace('-', ' ')}"


def _lost(row: Row) -> list[LostPermission]:
    try:
        return msgspec.json.decode(str(row.columns.get("lost", "")), type=list[LostPermission])
    except msgspec.DecodeError:
        return [LostPermission(where="?", permission="?", needed_by=("the row of table Cursors can't be read",))]


def _of_unread(unread: Sequence[Unread]) -> tuple[Sight, str, str] | None:
    """Say what is still to be read of a log, the worst first."""
    never = [one for one in unread if not one.is_again]
    if lost := [one for one in never if one.is_lost]:
        return Sight.PARTLY, f"{lost[0].window} was never read, and Microsoft has deleted it{_more(lost)}", _BACKTEST
    if failing := [one for one in never if one.tries >= _TRIES_TO_SHOW]:
        return Sight.PARTLY, f"{failing[0].window} can't be read{_more(failing)}: {failing[0].because}", _PORTAL
    if never:
        return Sight.LATE, f"{never[0].window} is still to be read{_more(never)}", "Wait: it is being caught up with."
    return None


def _more(some: Sequence[object]) -> str:
    return f", and {len(some) - 1} more windows" if len(some) > 1 else ""


def _of_lateness(late: Lateness) -> tuple[Sight, str, str] | None:
    if late.p50 is None or late.p50 <= _RECORDS_WITHIN:
        return None
    return (
        Sight.LATE,
        "half of its records come more than an hour late",
        _STATUS_PAGE,
    )


_GRANT: Final = "infra/scripts/grant.sh grants it for Graph, deploying again for Azure; a token shows it within a day."
_ONLY_IN_ACT: Final = "Graph has no permission that only reads it, so that tier watch doesn't see it"
_BY_HAND: Final = "no tier reads it; docs/remediations.md says how the identity is allowed to"


def only_read_by(kind: Kind) -> str:
    """Say why not every tier reads the objects of a kind."""
    return _BY_HAND if kind.inventory.is_by_hand else _ONLY_IN_ACT


_NO_LICENCE: Final = "License the tenant, or set SIGN_INS to off."
_POLL: Final = "See what the function that polls it last logged, and whether the app runs."
_SWEEP: Final = "See what take_snapshots last logged."
_ROSTERS: Final = "See what sweep_rosters last logged."
_CANARY: Final = "infra/scripts/canary.sh makes an event that has to arrive."
_STREAM: Final = "See responder doctor stream-arriving."
_PORTAL: Final = "Look at the log of that time in the portal; the responder goes on trying."
_STATUS_PAGE: Final = "Nothing here helps: see the service's status page."
_BACKTEST: Final = "Run responder backtest over that time, if your logs are kept elsewhere too."
