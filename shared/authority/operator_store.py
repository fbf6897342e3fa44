"""Where statements about operators are kept: table `Operators`, and an app setting for when storage refuses.

Both hold the same statements, public halves only, and both are read: what either has counts. A list is founded only by
a statement whose digest a setting pins, or that the setting itself holds.
"""

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from shared.authority import journal
from shared.authority.journal import Act, What
from shared.authority.operators import (
    Add,
    AddPasskey,
    Genesis,
    Operators,
    SignedStatement,
    Suspend,
    operators_of,
    statement_in,
)
from shared.authority.statements import JOURNAL
from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table
from shared.model.clock import Clock
from shared.model.errors import EdgeError, Rejected

_PARTITION: Final = "statement"
_READ_AGAIN_AFTER: Final = timedelta(seconds=5)
_PATIENCE: Final = timedelta(seconds=2)
_TRY_AGAIN_AFTER: Final = timedelta(seconds=60)
"""How long storage is left alone that couldn't be read: waiting for it would keep an emergency's caller waiting."""


class Kept(Struct, frozen=True, kw_only=True):
    """The statements that could be read, and what is wrong with others."""

    statements: tuple[SignedStatement, ...]
    problems: tuple[str, ...] = ()


def statements_in_setting(text: str) -> Kept:
    """Read the app setting: a JSON array of statements; "" is none."""
    if not text.strip():
        return Kept(statements=())
    try:
        raw = msgspec.json.decode(text, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeError) as error:
        return Kept(statements=(), problems=(f"the setting can't be read: it should be a JSON array ({error})",))
    found: list[SignedStatement] = []
    problems: list[str] = []
    for place, one in enumerate(raw, start=1):
        try:
            found.append(msgspec.json.decode(one, type=SignedStatement))
        except (msgspec.DecodeError, UnicodeError) as error:
            problems.append(f"statement {place} of the setting was ignored: {error}")
    return Kept(statements=tuple(found), problems=tuple(problems))


def setting_of(statements: Sequence[SignedStatement]) -> str:
    """Write the app setting: the statements as a JSON array on one line."""
    return msgspec.json.encode(list(statements)).decode()


def read_statements(storage: Storage) -> Kept:
    """Read the table. Raises EdgeError."""
    rows = storage.rows(Table.OPERATORS, "PartitionKey eq @partition", partition=_PARTITION)
    found: list[SignedStatement] = []
    problems: list[str] = []
    for row in rows:
        one = _statement_in(row)
        if isinstance(one, str):
            problems.append(f"row {row.key[:80]} of table {Table.OPERATORS} was ignored: {one}")
        else:
            found.append(one)
    return Kept(statements=tuple(found), problems=tuple(problems))


def _statement_in(row: Row) -> SignedStatement | str:
    try:
        found = msgspec.json.decode(str(row.columns.get("statement", "")), type=SignedStatement)
    except (msgspec.DecodeError, UnicodeError) as error:
        return str(error)
    return found if row.key == _key(found) else "it isn't what was written: its key is another"


def keep_statement(storage: Storage, signed: SignedStatement, *, by: str, now: datetime) -> None:
    """Write a statement into the journal and then into the table, where it stays. `by` is who has it count.

    Raises:
        ValueError: it isn't a statement, or it isn't said by whom.
        EdgeError: it couldn't be written.
    """
    there = storage.row(Table.OPERATORS, _PARTITION, _key(signed))
    if there is not None and _statement_in(there) == signed:
        return
    entry = journal.append(storage, _act(signed, by=by, now=now))
    columns = {"statement": msgspec.json.encode(signed).decode(), JOURNAL: entry.digest}
    if not storage.insert(Table.OPERATORS, _PARTITION, _key(signed), columns):
        raise Rejected(f"writing {Table.OPERATORS}: another row has this statement's key; delete it in storage")


def _act(signed: SignedStatement, *, by: str, now: datetime) -> Act:
    match statement_in(signed.text):
        case Genesis(operators=operators):
            why = f"founded with {', '.join(operator.id for operator in operators)}"
            what, subject, lowers = What.FOUND_OPERATORS, journal.operator_subject(""), True
        case Add(operator=operator, reason=why):
            what, subject, lowers = What.ADD_OPERATOR, journal.operator_subject(operator.id), True
        case AddPasskey(operator=operator_id, reason=why):
            what, subject, lowers = What.ADD_PASSKEY, journal.operator_subject(operator_id), True
        case Suspend(operator=operator_id, reason=why):
            what, subject, lowers = What.SUSPEND_OPERATOR, journal.operator_subject(operator_id), False
        case str() as problem:
            raise ValueError(f"the statement can't be kept: {problem}")
    return Act(
        who=by,
        what=what,
        why=why,
        when=now,
        subject=subject,
        before=None,
        after={"digest": signed.digest, "signed_by": sorted(signed.signatures)},
        lowers=lowers,
    )


def _key(signed: SignedStatement) -> str:
    """Name a row by the statement and its signatures: further signatures of a statement are a row of their own."""
    signatures = msgspec.json.encode(signed.signatures, order="sorted")
    return f"{signed.digest}|{hashlib.sha256(signatures).hexdigest()[:16]}"


def read_operators(storage: Storage | None, *, setting: str, pinned: str, now: datetime) -> Operators:
    """Say who is an operator by table and setting. Without storage, or where it can't be read, by the setting alone."""
    table, unread = _table(storage)
    return _operators(statements_in_setting(setting), table, pinned=pinned, now=now, unread=unread)


def _table(storage: Storage | None) -> tuple[Kept, str]:
    if storage is None:
        return Kept(statements=()), "storage wasn't asked"
    try:
        return read_statements(storage), ""
    except EdgeError as error:
        return Kept(statements=()), f"table {Table.OPERATORS} could not be read ({error}); the setting alone counts"


def _operators(held: Kept, table: Kept, *, pinned: str, now: datetime, unread: str) -> Operators:
    founding = {pinned} if pinned else {one.digest for one in held.statements}
    found = operators_of((*held.statements, *table.statements), founding=founding, read_at=now, unread=unread)
    return msgspec.structs.replace(found, problems=(*held.problems, *table.problems, *found.problems))


class OperatorList:
    """Who is an operator, for a process: read again every few seconds, and joined with all that was read before.

    What was read once isn't forgotten when storage refuses, or when somebody deletes it there. `patience` is how long a
    caller waits for storage; an answer that comes later counts for the next one.
    """

    def __init__(
        self, storage: Storage, *, setting: str, pinned: str, clock: Clock, patience: timedelta = _PATIENCE
    ) -> None:
        self._storage = storage
        self._held = statements_in_setting(setting)
        self._pinned = pinned
        self._clock = clock
        self._patience = patience.total_seconds()
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="operators")
        self._lock = threading.Lock()
        self._seen: dict[str, SignedStatement] = {}
        self._problems: tuple[str, ...] = ()
        self._unread = f"table {Table.OPERATORS} wasn't read yet; the setting alone counts"
        self._was_read = False
        self._is_late = False
        self._read_again: datetime | None = None
        self._reading: Future[None] | None = None

    def __call__(self) -> Operators:
        """Give who is an operator."""
        now = self._clock()
        reading = self._to_wait_for(now)
        is_late = reading is not None and not wait([reading], timeout=self._patience).done
        with self._lock:
            self._is_late = self._is_late or is_late
            table = Kept(statements=tuple(self._seen.values()), problems=self._problems)
            unread = self._unread
        return _operators(self._held, table, pinned=self._pinned, now=now, unread=unread)

    def _to_wait_for(self, now: datetime) -> Future[None] | None:
        """Begin to read where it is time. Whoever begins waits for it; before the first answer others do too."""
        with self._lock:
            if self._reading is not None and not self._reading.done():
                return None if self._was_read or self._is_late else self._reading
            if self._read_again is not None and now < self._read_again:
                return None
            # Set before the answer, so that a storage that never answers keeps one caller waiting a minute, not each.
            self._read_again = now + _TRY_AGAIN_AFTER
            self._reading = self._threads.submit(self._read, now)
            return self._reading

    def _read(self, now: datetime) -> None:
        table, unread = _table(self._storage)
        with self._lock:
            self._seen |= {_key(one): one for one in table.statements}
            self._unread = unread
            if not unread:
                self._problems = table.problems
                self._was_read = True
                self._read_again = now + _READ_AGAIN_AFTER


type ReadOperators = Callable[[], Operators]
"""Gives who is an operator now."""
