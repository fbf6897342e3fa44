"""Where entries of emergencies are kept: table `Emergencies`, and in memory what couldn't be stored yet.

An entry is a row that is inserted and never changed. All are in one partition, so that an emergency is declared, ends a
drill and becomes the open one in one transaction: a second declaration meets the row of the first. Where storage can't
be reached, entries stay in memory, and every answer goes on from them; they are in storage once it answers again, each
once. Storage that failed isn't asked again for half a minute, because each caller would wait for it.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.clients.storage import Row, RowOp, RowWrite, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.emergency.entries import Declared, Entry, Proof
from shared.emergency.state import Emergency, fold
from shared.model.clock import Clock
from shared.model.errors import BrokenRow, EdgeError, Rejected

_log = logging.getLogger("responder.emergency")

PARTITION: Final = "emergencies"
_OPEN: Final = "open"
_GOING: Final = "going"
_NEWEST: Final = "newest"
_PIECE: Final = 60_000
"""Bytes of an entry in one column; a column takes 64 KiB."""

_MOST_PIECES: Final = 15
"""A row takes 1 MiB in all."""

LONGEST_ENTRY: Final = _PIECE * _MOST_PIECES
MOST_ENTRIES: Final = 5_000
"""Entries that people and callers may make of an emergency: far more than any needs. The app's own may be as many
again, so that nobody keeps it from saying how a run ended."""

SIGNED: Final = frozenset({Proof.SIGNATURE, Proof.PASSKEY})
"""Proofs that can be checked again later, by whoever has the entry."""

_PAUSE: Final = timedelta(seconds=30)
_AFTER_ALL_SECONDS: Final = 10**11
_TRIES: Final = 5
_END: Final = "."
"""Sorts right after "-", which follows the id of an emergency in the keys of its rows."""


class TooMuch(Rejected):
    """An entry is too large, or an emergency has too many."""


class AlreadyOpen(Rejected):
    """One is open already: `emergency` is its id."""

    def __init__(self, emergency: str) -> None:
        self.emergency = emergency
        super().__init__(f"the emergency {emergency} is open already")


class Held(Struct, frozen=True, kw_only=True):
    """An entry that is kept. `is_carried`: a caller brought it, and it can't be checked."""

    entry: Entry
    is_carried: bool = False

    @property
    def key(self) -> str:
        """The key of its row: another content under the same id is another row."""
        return f"{self.entry.emergency}-{self.entry.id}-{self.entry.digest[:16]}"


class Listed(Struct, frozen=True, kw_only=True):
    """An emergency or a drill in the list of all of them."""

    id: str
    drill: bool
    declared_at: datetime


class Emergencies:
    """The entries of all emergencies. Safe to share between threads."""

    def __init__(self, storage: Storage, *, clock: Clock, is_signed: Callable[[Entry], bool]) -> None:
        """`is_signed` says whether an entry says what its signed request says, and an operator signed that.

        Who can write into the table could write an entry; one that is said to be signed is checked when it is read.
        """
        self._storage = storage
        self._clock = clock
        self._is_signed = is_signed
        self._signed: dict[str, bool] = {}
        self._lock = threading.RLock()
        self._waiting: dict[str, dict[str, Held]] = {}
        """By emergency, the entries that aren't in storage yet, by their keys."""
        self._known: dict[str, dict[str, Held]] = {}
        """By emergency, all entries that this process has seen: what it goes on with while storage can't be read."""
        self._read: dict[str, tuple[str, Held]] = {}
        """By their keys, the rows that were read, with their ETags: a row is decoded once, unless somebody wrote it."""
        self._asked_again_at: datetime | None = None

    # ---- reading ----

    @property
    def is_cut_off(self) -> bool:
        """Whether storage failed just now, and isn't asked."""
        return self._asked_again_at is not None and self._clock() < self._asked_again_at

    @property
    def waits(self) -> int:
        """How many entries aren't in storage yet."""
        with self._lock:
            return sum(map(len, self._waiting.values()))

    def read(self, emergency: str) -> Emergency | None:
        """Give an emergency as it stands, from storage and from memory; None where neither knows it."""
        if not is_id(emergency):
            return None
        held = self._try(lambda: {one.key: one for one in self._stored(emergency)}, dict[str, Held]())
        with self._lock:
            known = self._known.setdefault(emergency, {})
            for key, one in held.items():
                if key not in known or known[key].is_carried:
                    known[key] = one
            if not known:
                del self._known[emergency]
            kept = list(known.values())
        carried = frozenset(one.entry.digest for one in kept if one.is_carried)
        return fold(emergency, (one.entry for one in kept), carried)

    def _stored(self, emergency: str) -> Iterator[Held]:
        query = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last"
        rows = self._storage.rows(
            Table.EMERGENCIES, query, partition=PARTITION, first=f"{emergency}-", last=f"{emergency}{_END}"
        )
        for row in rows:
            try:
                held = self._decoded(row)
                yield Held(entry=held.entry, is_carried=held.is_carried or not self._is_believed(held))
            except BrokenRow as broken:
                # The others say what they say; and the row stays as it is, for people to look at.
                _log.error("%s", broken)

    def _decoded(self, row: Row) -> Held:
        etag, held = self._read.get(row.key, ("", None))
        if held is None or etag != row.etag:
            held = _held(row)
            self._read[row.key] = row.etag, held
        return held

    def can_check(self, entry: Entry) -> bool:
        """Whether an entry that somebody brings can be checked, and is what its operator signed."""
        return entry.proof in SIGNED and self._is_believed(Held(entry=entry))

    def _is_believed(self, held: Held) -> bool:
        if held.entry.proof not in SIGNED:
            return True
        if held.key not in self._signed:
            self._signed[held.key] = self._is_signed(held.entry)
        return self._signed[held.key]

    def open_id(self, *, drill: bool = False) -> str:
        """Give the id of the emergency (the drill) that is open, "" where none is."""
        rows = self._try(lambda: [self._storage.row(Table.EMERGENCIES, PARTITION, _guard(drill=drill))], None)
        stored = str(rows[0].columns.get("emergency", "")) if rows and rows[0] is not None else ""
        if stored:
            return stored
        known = self._known_open(only_waiting=rows is not None)
        return next((one.id for one in known if one.drill is drill), "")

    def _known_open(self, *, only_waiting: bool) -> list[Emergency]:
        """Give those that memory says are open. Where storage answers, only those that it doesn't know yet count."""
        with self._lock:
            ids = [
                emergency
                for emergency in self._known
                if not only_waiting or any(self._declares(one) for one in self._waiting.get(emergency, {}).values())
            ]
            kept = {emergency: list(self._known[emergency].values()) for emergency in ids}
        folded = (fold(one, (held.entry for held in all_of)) for one, all_of in kept.items())
        return [one for one in folded if one is not None and one.is_open]

    @staticmethod
    def _declares(held: Held) -> bool:
        return isinstance(held.entry.act, Declared)

    def going(self) -> list[str]:
        """Give the ids of all that are open, drills too: those whose steps repeat and whose time ends."""
        query = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last"
        rows = self._try(
            lambda: self._storage.rows(
                Table.EMERGENCIES, query, partition=PARTITION, first=f"{_GOING}-", last=f"{_GOING}{_END}"
            ),
            None,
        )
        stored = [row.key.partition("-")[2] for row in rows or []]
        known = [one.id for one in self._known_open(only_waiting=rows is not None)]
        return [*dict.fromkeys([*stored, *known])]

    def newest(self, *, most: int = 50) -> list[Listed]:
        """Give the emergencies and drills that storage knows, the newest first."""
        query = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last"
        rows = self._storage.rows(
            Table.EMERGENCIES, query, most=most, partition=PARTITION, first=f"{_NEWEST}-", last=f"{_NEWEST}{_END}"
        )
        return [
            Listed(
                id=str(row.columns.get("emergency", "")),
                drill=row.columns.get("drill") is True,
                declared_at=row.instant("declared_at") or datetime.min.replace(tzinfo=UTC),
            )
            for row in rows
        ]

    # ---- writing ----

    def declare(self, declaring: Held, *, ends_drill: Callable[[str], Entry]) -> Emergency:
        """Keep a declaration, unless one is open already. A real emergency ends the drill that is open.

        `ends_drill` makes the entry that closes a drill, given its id.

        Raises:
            AlreadyOpen: one is open; nothing was written. For a drill, an emergency that is open counts too.
        """
        act = declaring.entry.act
        assert isinstance(act, Declared)  # noqa: S101 - the caller made it
        emergency = declaring.entry.emergency
        for drill in {False, act.drill}:
            found = self.open_id(drill=drill)
            if found and found != emergency and not self._is_over(found):
                raise AlreadyOpen(found)
        closing = self._remember_declared(declaring, act, ends_drill)
        self._try(lambda: self._store_declared(declaring, act, closing), None)
        folded = self.read(emergency)
        assert folded is not None  # noqa: S101 - it was just remembered
        return folded

    def _is_over(self, emergency: str) -> bool:
        """Whether what a row says to be open is closed: the process that closed it was killed, or had no storage."""
        folded = self.read(emergency)
        if folded is None or folded.is_open:
            return False
        self.settle(emergency)
        return True

    def _remember_declared(self, declaring: Held, act: Declared, ends_drill: Callable[[str], Entry]) -> Held | None:
        """Keep it in memory first, with the end of the drill that it ends."""
        open_drill = "" if act.drill else self.open_id(drill=True)
        closing = Held(entry=ends_drill(open_drill)) if open_drill else None
        self._remember([declaring, *([closing] if closing else [])])
        return closing

    def _store_declared(self, declaring: Held, act: Declared, closing: Held | None) -> None:
        """Write the declaration, its row as the open one, and the end of a drill: all of it or nothing.

        Raises:
            AlreadyOpen: somebody else declared one meanwhile; this one is forgotten.
        """
        emergency = declaring.entry.emergency
        writes = [_insert(declaring), *_opening(declaring.entry, act)]
        if closing is not None:
            writes += [_insert(closing), *self._closing_writes(closing.entry.emergency, drill=True)]
        try:
            self._storage.write_together(Table.EMERGENCIES, PARTITION, writes)
        except Conflict:
            if self._is_stored(declaring):
                self._settled([declaring, *([closing] if closing else [])])
                return  # an insert whose answer was lost, and which was sent again
            other = self._storage.row(Table.EMERGENCIES, PARTITION, _guard(drill=act.drill))
            self._forget([declaring, *([closing] if closing else [])])
            raise AlreadyOpen(str(other.columns.get("emergency", "")) if other else "") from None
        self._settled([declaring, *([closing] if closing else [])])
        _log.info("emergency %s was declared%s", emergency, ", as a drill" if act.drill else "")

    def _is_stored(self, held: Held) -> bool:
        return self._storage.row(Table.EMERGENCIES, PARTITION, held.key) is not None

    def add(self, *held: Held) -> None:
        """Keep entries of emergencies that are known, each once; in memory, where storage can't be reached.

        Raises:
            TooMuch: an entry is too large, or its emergency has too many; nothing was kept.
        """
        for one in held:
            if len(one.entry.content) > LONGEST_ENTRY:
                raise TooMuch(f"an entry has more than {LONGEST_ENTRY:,} bytes")
            most = MOST_ENTRIES if one.entry.proof is not Proof.APP or one.is_carried else 2 * MOST_ENTRIES
            if len(self._known.get(one.entry.emergency, {})) + len(held) > most:
                raise TooMuch(f"an emergency has at most {MOST_ENTRIES:,} entries")
        self._remember(held)
        self.flush()

    def flush(self) -> int:
        """Store what waits in memory; gives how many entries still wait. Raises nothing where storage fails."""
        with self._lock:
            waiting = {emergency: list(held.values()) for emergency, held in self._waiting.items() if held}
        for emergency, held in waiting.items():
            self._try(lambda of=emergency, some=held: self._store(of, some), None)
        return self.waits

    def settle(self, emergency: str) -> None:
        """Take away the rows that say that it is open, once it is closed and everybody knows: the next can be declared.

        Until then `going` names it, so that what a kill left out is made up for.
        """
        self._try(lambda: self._note_closed(emergency), None)

    def _store(self, emergency: str, held: list[Held]) -> None:
        """Store entries that may be there already, then the notes that follow from them."""
        for some in batched(held, 20, strict=False):
            self._insert_all(list(some))
            self._settled(some)
        self._note(emergency)

    def _insert_all(self, held: list[Held]) -> None:
        """Insert rows; those that are there already stay, but for one that is carried and could be checked since."""
        try:
            if len(held) > 1 and sum(len(one.entry.content) for one in held) < LONGEST_ENTRY:
                self._storage.write_together(Table.EMERGENCIES, PARTITION, [_insert(one) for one in held])
                return
        except Conflict:
            _log.debug("some of %s entries are in storage already", len(held))
        for one in held:
            if self._storage.insert(Table.EMERGENCIES, PARTITION, one.key, _columns(one)) or one.is_carried:
                continue
            row = self._storage.row(Table.EMERGENCIES, PARTITION, one.key)
            if row is not None and row.columns.get("carried") is True:
                self._replace(row, _columns(one))

    def _replace(self, row: Row, columns: Mapping[str, Any]) -> None:
        try:
            self._storage.replace(Table.EMERGENCIES, row, columns)
        except Conflict:
            _log.debug("row %s was written by another run", row.key)

    def _note(self, emergency: str) -> None:
        """Write the rows that say what is open, where they are missing: after a kill, or for what was in memory.

        One that was over before storage answered is listed all the same.
        """
        folded = self.read(emergency)
        if folded is None:
            return
        act = Declared(reason="", hybrid=False, drill=folded.drill, expires_at=folded.expires_at)
        for write in _opening_of(emergency, folded.declared_at, act):
            if folded.is_open or write.key.startswith(f"{_NEWEST}-"):
                self._storage.insert(Table.EMERGENCIES, PARTITION, write.key, write.columns)

    def _note_closed(self, emergency: str) -> None:
        folded = self.read(emergency)
        writes = self._closing_writes(emergency, drill=folded.drill) if folded and not folded.is_open else []
        if not writes:
            return
        try:
            self._storage.write_together(Table.EMERGENCIES, PARTITION, writes)
        except Conflict:
            _log.debug("the rows of emergency %s were changed by another run", emergency)

    def _closing_writes(self, emergency: str, *, drill: bool) -> list[RowWrite]:
        """Give what takes the rows away that say that it is open, those that are there."""
        going = self._storage.row(Table.EMERGENCIES, PARTITION, f"{_GOING}-{emergency}")
        guard = self._storage.row(Table.EMERGENCIES, PARTITION, _guard(drill=drill))
        mine = guard is not None and guard.columns.get("emergency") == emergency
        return [
            RowWrite(op=RowOp.DELETE, key=row.key, etag=row.etag)
            for row in (going, guard if mine else None)
            if row is not None
        ]

    # ---- memory ----

    def _remember(self, held: Iterable[Held]) -> None:
        with self._lock:
            for one in held:
                known = self._known.setdefault(one.entry.emergency, {})
                if one.key in known and (one.is_carried or not known[one.key].is_carried):
                    continue
                known[one.key] = one
                self._waiting.setdefault(one.entry.emergency, {})[one.key] = one

    def _settled(self, held: Iterable[Held]) -> None:
        with self._lock:
            for one in held:
                self._waiting.get(one.entry.emergency, {}).pop(one.key, None)
            self._waiting = {emergency: some for emergency, some in self._waiting.items() if some}

    def _forget(self, held: Iterable[Held]) -> None:
        self._settled(held)
        with self._lock:
            for one in held:
                self._known.get(one.entry.emergency, {}).pop(one.key, None)

    def _try[T, O](self, ask: Callable[[], T], otherwise: O) -> T | O:
        """Ask storage, unless it failed just now; gives `otherwise` where it fails."""
        if self.is_cut_off:
            return otherwise
        try:
            answer = ask()
        except AlreadyOpen:
            raise
        except EdgeError as error:
            _log.warning("emergencies are gone on with from memory for a while: %s", error)
            self._asked_again_at = self._clock() + _PAUSE
            return otherwise
        self._asked_again_at = None
        return answer


def is_id(text: str) -> bool:
    """Whether a text is an id of an emergency or an entry: 32 hexadecimal digits in lower case."""
    return len(text) == 32 and all(digit in "0123456789abcdef" for digit in text)  # noqa: PLR2004 - as documented


def _guard(*, drill: bool) -> str:
    return f"{_OPEN}-{'drill' if drill else 'emergency'}"


def _insert(held: Held) -> RowWrite:
    return RowWrite(op=RowOp.INSERT, key=held.key, columns=_columns(held))


def _opening(entry: Entry, act: Declared) -> list[RowWrite]:
    return _opening_of(entry.emergency, entry.at, act)


def _opening_of(emergency: str, at: datetime, act: Declared) -> list[RowWrite]:
    """Give the rows that say that it is open: what a second declaration meets, its own, its place in the list."""
    columns = {"emergency": emergency, "drill": act.drill, "declared_at": at.astimezone(UTC).isoformat()}
    left = _AFTER_ALL_SECONDS - int(at.timestamp())
    keys = (_guard(drill=act.drill), f"{_GOING}-{emergency}", f"{_NEWEST}-{left:012d}-{emergency}")
    return [RowWrite(op=RowOp.INSERT, key=key, columns=columns) for key in keys]


def _columns(held: Held) -> dict[str, Any]:
    content = held.entry.content
    pieces = {f"entry{number}": bytes(piece) for number, piece in enumerate(_pieces(content))}
    return {"at": held.entry.at.astimezone(UTC).isoformat(), "carried": held.is_carried, **pieces}


def _pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), _PIECE):
        yield content[start : start + _PIECE]


def _held(row: Row) -> Held:
    """Read an entry.

    Raises:
        BrokenRow: it can't be read, or isn't what its key says: somebody wrote into it.
    """
    pieces = [row.columns.get(f"entry{number}") for number in range(_MOST_PIECES)]
    content = b"".join(piece for piece in pieces if isinstance(piece, bytes))
    try:
        entry = msgspec.json.decode(content, type=Entry)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BrokenRow(f"row {row.key} of table {Table.EMERGENCIES} can't be read: {error}") from error
    held = Held(entry=entry, is_carried=row.columns.get("carried") is not False)
    if held.key != row.key:
        raise BrokenRow(f"row {row.key} of table {Table.EMERGENCIES} isn't what its key says")
    return held
