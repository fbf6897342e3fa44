"""Rows of objects and changes that the app signs, and the copies of states by which an older row shows.

Whoever can write to storage can write a row, put an older one back, or delete it. A row that the app didn't sign isn't
believed. Each state that differs in what is decided by has a number, and is copied into the evidence container, where
nothing is overwritten: a row of a lower number than a copy is an older one, and no row where there is a copy was
deleted. The name of a copy can't be foretold by anybody else, so nobody can take its place.

A copy is written beside what follows, so what a host dies over may lack it until the object is written again.
"""

import gzip
import hashlib
import logging
import threading
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from shared.authority.app_keys import AppKeys, vouched
from shared.clients.columns import unpacked
from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Container, Table
from shared.model.errors import EdgeError
from shared.model.objects import ObjectId, ObjectState
from shared.model.start import Start

_log = logging.getLogger("responder.objects")

SIGNED: Final = "vouched"
"""The column with the app's signature."""

CONTENT: Final = "content"
"""The column with the SHA-256 of what the row, or the blob that it names, holds."""

GENERATION: Final = "generation"
"""The column with the number of a state, from 1; it grows where something changes that is decided by."""

FOLDER: Final = "states/"
"""The folder of copies in the evidence container."""

VOUCHED: Final = frozenset(
    {
        "schema",
        "alias_of",
        "name",
        "digest",
        "next_look",
        "origin_at",
        "seen_at",
        "arrived_at",
        "lists",
        "stands",
        "settled",
        CONTENT,
        GENERATION,
    }
)
"""The columns that are signed: with the digest of the content they are all that is decided by."""

_DECIDES: Final = (
    "ids",
    "origin",
    "provenance",
    "accounted",
    "versions",
    "acceptances",
    "filled",
    "left",
    "denied",
    "settled",
    "answered",
    "asked",
)
"""The parts of a state by which is decided what an object is to be, and what is answered."""

_TAG: Final = 32

WRITTEN: Final = "it was written by something else than the app"
DELETED: Final = "it was deleted"
OLDER: Final = "an older one was put in its place"
"""What may be wrong with a row."""


class Copy(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A copy of an object's row: its content as JSON, or `alias_of`; neither, where the object was forgotten."""

    generation: int
    content: str = ""
    alias_of: str = ""
    signature: str = ""


class Vouching(Protocol):
    """Signs rows, and says which are the app's own and the newest."""

    def signed(self, table: Table, partition: str, key: str, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Give the columns of a row with the signature. Raises Rejected: the app's keys can't be read."""
        ...

    def is_ours(self, table: Table, row: Row) -> bool:
        """Whether the app wrote a row as it is, but for its content. Raises as `signed`."""
        ...

    def problem(self, object_id: ObjectId, row: Row | None) -> str:
        """Say what is wrong with an object's row, or with there being none; "" where nothing is. Raises EdgeError."""
        ...

    def index_problem(self, object_id: ObjectId, row: Row) -> str:
        """Say what is wrong with the columns of an object's row that an index is made of, without asking storage."""
        ...

    def next_generation(self, object_id: ObjectId, before: int, old: ObjectState | None, new: ObjectState) -> int:
        """Give the number of a state that follows another."""
        ...

    def copy(self, object_id: ObjectId, made: Copy) -> None:
        """Begin to copy what was stored; failing is only logged."""
        ...

    def note_forgotten(self, object_id: ObjectId, generation: int) -> None:
        """Note in the evidence container that an object's row is about to be deleted. Raises EdgeError."""
        ...

    def newest(self, object_id: ObjectId) -> Copy | None:
        """Give the newest copy of an object; None where there is none. Raises EdgeError."""
        ...

    def report(self, object_id: ObjectId, what: str) -> None:
        """Notify people of what was tampered with. Raises nothing."""
        ...


class Unvouched:
    """Where the app has no keys of its own: whoever may write to storage is believed."""

    def signed(self, table: Table, partition: str, key: str, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Give them as they are."""
        del table, partition, key
        return dict(columns)

    def is_ours(self, table: Table, row: Row) -> bool:
        """Believe every row."""
        del table, row
        return True

    def problem(self, object_id: ObjectId, row: Row | None) -> str:
        """Find none."""
        del object_id, row
        return ""

    def index_problem(self, object_id: ObjectId, row: Row) -> str:
        """Find none."""
        del object_id, row
        return ""

    def next_generation(self, object_id: ObjectId, before: int, old: ObjectState | None, new: ObjectState) -> int:
        """Number nothing."""
        del object_id, before, old, new
        return 0

    def copy(self, object_id: ObjectId, made: Copy) -> None:
        """Copy nothing."""

    def note_forgotten(self, object_id: ObjectId, generation: int) -> None:
        """Note nothing."""

    def newest(self, object_id: ObjectId) -> Copy | None:
        """Know of none."""
        del object_id

    def report(self, object_id: ObjectId, what: str) -> None:
        """Have nothing to say."""


UNVOUCHED: Final = Unvouched()


class AppVouching:
    """What the app signs by its own keys. `evidence` is the account with the evidence container."""

    def __init__(
        self, evidence: Storage, *, keys: AppKeys, start: Start, report: Callable[[ObjectId, str], object]
    ) -> None:
        self._evidence = evidence
        self._keys = keys
        self._start = start
        self._report = report
        self._lock = threading.Lock()
        self._written: dict[ObjectId, int] = {}
        """The highest numbers that this process has written, or has seen in a row or a copy."""
        self._copied: dict[ObjectId, int] = {}

    def signed(self, table: Table, partition: str, key: str, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Give the columns of a row with the signature, as `Vouching`."""
        return {**columns, SIGNED: self._keys.signature(table, partition, key, vouched(columns, VOUCHED))}

    def is_ours(self, table: Table, row: Row) -> bool:
        """Whether the app wrote a row as it is, but for its content, as `Vouching`."""
        said = vouched(row.columns, VOUCHED)
        return self._keys.is_ours(row.columns.get(SIGNED), table, row.partition, row.key, said)

    def problem(self, object_id: ObjectId, row: Row | None) -> str:
        """Say what is wrong with an object's row, or with there being none, as `Vouching`."""
        if row is None:
            return DELETED if self._is_copied(object_id, 1) and self._still_wanted(object_id) else ""
        if not self.is_ours(Table.OBJECTS, row) or not _is_content_as_said(row, "state"):
            return WRITTEN
        if "alias_of" in row.columns:
            return ""
        return OLDER if self._is_older(object_id, row) or self._is_copied(object_id, generation_of(row) + 1) else ""

    def index_problem(self, object_id: ObjectId, row: Row) -> str:
        """Say what is wrong with the columns that an index is made of, as `Vouching`."""
        if not self.is_ours(Table.OBJECTS, row):
            return WRITTEN
        if self._is_older(object_id, row):
            return OLDER
        self._note_written(object_id, generation_of(row))
        return ""

    def _is_older(self, object_id: ObjectId, row: Row) -> bool:
        """Whether this process knows of a later state."""
        with self._lock:
            return generation_of(row) < self._written.get(object_id, 0)

    def _still_wanted(self, object_id: ObjectId) -> bool:
        """Whether an object of which there are copies wasn't forgotten since."""
        newest = self.newest(object_id)
        if newest is not None:
            self._note_written(object_id, newest.generation)
        return newest is not None and bool(newest.content or newest.alias_of)

    def next_generation(self, object_id: ObjectId, before: int, old: ObjectState | None, new: ObjectState) -> int:
        """Give the number of a state that follows another, as `Vouching`."""
        if old is None:
            with self._lock:
                return self._written.get(object_id, before) + 1
        is_other = any(getattr(old, name) != getattr(new, name) for name in _DECIDES)
        return before + 1 if is_other else max(before, 1)

    def copy(self, object_id: ObjectId, made: Copy) -> None:
        """Begin to copy what was stored, unless this process has, as `Vouching`."""
        self._note_written(object_id, made.generation)
        if self._copied.get(object_id, 0) < made.generation:
            self._start(lambda: self._try_to_copy(object_id, made))

    def _try_to_copy(self, object_id: ObjectId, made: Copy) -> None:
        try:
            self._keep(object_id, made)
        except EdgeError as error:
            _log.warning("the state of %s could not be copied into evidence: %s", object_id.key, error)

    def _keep(self, object_id: ObjectId, made: Copy) -> None:
        signature = self._keys.signature(*_said(object_id, made))
        content = msgspec.json.encode(msgspec.structs.replace(made, signature=signature))
        name = self._names(object_id, made.generation)[0]
        self._evidence.keep(Container.EVIDENCE, name, gzip.compress(content, mtime=0))
        with self._lock:
            self._copied[object_id] = max(made.generation, self._copied.get(object_id, 0))

    def _note_written(self, object_id: ObjectId, generation: int) -> None:
        with self._lock:
            self._written[object_id] = max(generation, self._written.get(object_id, 0))

    def note_forgotten(self, object_id: ObjectId, generation: int) -> None:
        """Note that an object's row is about to be deleted, as `Vouching`."""
        self._keep(object_id, Copy(generation=generation + 1))
        self._note_written(object_id, generation + 1)

    def newest(self, object_id: ObjectId) -> Copy | None:
        """Give the newest copy of an object, as `Vouching`; what isn't the app's is passed over."""
        names = self._evidence.blob_names(Container.EVIDENCE, _folder(object_id))
        for name in reversed(names):
            number = name.removeprefix(_folder(object_id)).partition("-")[0]
            if number.isascii() and number.isdigit() and name in self._names(object_id, int(number)):
                return self._copy_in(object_id, int(number), self._evidence.blob(Container.EVIDENCE, name))
        return None

    def _copy_in(self, object_id: ObjectId, generation: int, content: bytes | None) -> Copy | None:
        try:
            found = msgspec.json.decode(gzip.decompress(content or b""), type=Copy)
        except (msgspec.DecodeError, UnicodeError, OSError, EOFError, zlib.error):
            return None
        is_ours = self._keys.is_ours(found.signature, *_said(object_id, found))
        return found if is_ours and found.generation == generation else None

    def _is_copied(self, object_id: ObjectId, generation: int) -> bool:
        names = self._names(object_id, generation)
        return any(self._evidence.blob(Container.EVIDENCE, name) is not None for name in names)

    def _names(self, object_id: ObjectId, generation: int) -> list[str]:
        """Name a copy by each key: a new one is named by the first."""
        tags = self._keys.signatures("copy", *_place(object_id), generation)
        return [f"{_folder(object_id)}{generation:010}-{tag[:_TAG]}.json.gz" for tag in tags]

    def report(self, object_id: ObjectId, what: str) -> None:
        """Notify people of what was tampered with, as `Vouching`: that never keeps anything from being answered."""
        _log.error("%s %s was tampered with: %s", object_id.kind, object_id.key, what)
        try:
            self._report(object_id, what)
        except EdgeError as error:
            _log.warning("people could not be notified of it: %s", error)


def generation_of(row: Row) -> int:
    """Give the number of the state in a row; 0 where it has none."""
    found = row.columns.get(GENERATION)
    return found if isinstance(found, int) else 0


def digest_of(content: bytes) -> str:
    """Give the digest by which a row's content is signed."""
    return hashlib.sha256(content).hexdigest()


def _is_content_as_said(row: Row, name: str) -> bool:
    """Whether a row holds, or names the blob of, what its digest says; blobs are read by that digest."""
    if "alias_of" in row.columns:
        return True
    try:
        content = unpacked(name, row.columns)
    except ValueError:
        return False
    named = str(row.columns.get(f"{name}_blob", "")).rpartition("-")[2]
    return row.columns.get(CONTENT) == (named if content is None else digest_of(content))


def is_whole_change(row: Row) -> bool:
    """Whether a change's row holds, or names the blob of, what its digest says."""
    return _is_content_as_said(row, "change")


def _said(object_id: ObjectId, made: Copy) -> tuple[object, ...]:
    return ("copied", *_place(object_id), made.generation, made.alias_of, digest_of(made.content.encode()))


def _place(object_id: ObjectId) -> tuple[str, str, str]:
    return object_id.tenant_id, object_id.kind, object_id.key


def _folder(object_id: ObjectId) -> str:
    return f"{FOLDER}{'/'.join(_place(object_id))}/"
