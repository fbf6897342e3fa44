"""Keeps an emergency's evidence: files of compressed lines, each once and named in the manifest.

A file's bytes depend on its records alone (no time in its header), and its name has their sum. So a run that was killed
between a file and its manifest entry finds the file there when it is run again. What has been kept of a part before
isn't kept again. Memory holds one page of records and a digest of 16 bytes for each record of the part.
"""

import gzip
import hashlib
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import datetime
from typing import BinaryIO, Final, cast

import msgspec
from msgspec import Struct

from shared.clients.storage import Storage
from shared.clients.storage_names import Container
from shared.emergency.entries import Evidence
from shared.emergency.manifest import (
    CHAINED,
    ENTRIES,
    FILES,
    START,
    FileMeasure,
    ManifestEntry,
    StoredFiles,
    digest_of,
    encoded,
    entry_name,
    folder_of,
    lines_of,
)
from shared.model.clock import Clock
from shared.model.errors import EdgeError, LeaseLost, Rejected, ResponderError

_LEVEL: Final = 6
_PIECE: Final = 1024 * 1024
_DIGEST_BYTES: Final = 16
_OFTEN: Final = 2_000
"""After how many records the lease is renewed."""
_LONGEST_REASON: Final = 400
_MOST_TRIES: Final = 1_000
_UNSAFE: Final = re.compile(r"[^a-z0-9.-]+")
_FILE: Final = re.compile(r"files/[^/]+/([^/]+)/(.*)-[0-9a-f]{16}\.ndjson\.gz", re.ASCII)


class Part(Struct, frozen=True, kw_only=True):
    """A piece of what is exported, of which each record is kept once.

    `source` and `part` name it; `tenant` is the tenant's id, "" for what belongs to none. `since` and `until` are the
    time that it covers, where it has one.
    """

    source: str
    tenant: str = ""
    part: str = "all"
    since: datetime | None = None
    until: datetime | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from other parts, however often it is read and until when."""
        return self.source, self.tenant, self.part


class Added(Struct, frozen=True, kw_only=True):
    """What came of keeping a part: how many records were read, how many of them are new, and the file with those.

    `not_read` says why the part, or the rest of it, couldn't be read; "" where it was read to its end.
    """

    read: int
    new: int
    evidence: tuple[Evidence, ...] = ()
    not_read: str = ""


class Held(Struct, frozen=True, kw_only=True):
    """Which files have a legal hold. `missing` says why not all of them could be given one, "" where all have it."""

    held: int
    of: int
    missing: str = ""


class EvidenceBox:
    """The evidence of one emergency in the evidence container.

    `go_on` renews the lease under which this is done, and raises where another run has it.
    """

    def __init__(
        self, storage: Storage, emergency: str, *, clock: Clock, go_on: Callable[[], None] = lambda: None
    ) -> None:
        self._storage = storage
        self._folder = folder_of(emergency)
        self._files = StoredFiles(storage, emergency)
        self._clock = clock
        self._go_on = go_on
        self._entries: list[ManifestEntry] = []
        self._is_read = False
        self._head = START
        self._head_size = 0

    def entries(self) -> tuple[ManifestEntry, ...]:
        """Give the manifest as it was read first, with what was written here since, and what others wrote before that.

        Raises:
            Rejected: an entry isn't as the app writes it, or doesn't follow the one before it.
        """
        while not self._is_read:
            content = self._read(entry_name(len(self._entries) + 1))
            if content is None:
                self._is_read = True
            else:
                self._take(content)
        return tuple(self._entries)

    @property
    def head(self) -> Evidence | None:
        """The last entry of the manifest that was read or written; None while there is none."""
        if not self._entries:
            return None
        blob = f"{self._folder}{self._entries[-1].name}"
        return Evidence(blob=blob, sha256=self._head, size=self._head_size)

    def keep(self, part: Part, records: Iterable[bytes], *, is_new: Callable[[bytes], None] = lambda _: None) -> Added:
        """Keep the records of a part that weren't kept before, each a line of JSON; `is_new` is called with each.

        A ResponderError that `records` raises ends the part: what came before is kept, and the manifest says the rest.
        Raises EdgeError where evidence can't be written, or the part's earlier files can't be read.
        """
        known = self._known(part)
        read = 0
        not_read = ""
        with tempfile.TemporaryFile() as spool, closing(_Lines(cast("BinaryIO", spool))) as lines:
            coming = iter(records)
            while True:
                try:
                    line = next(coming, None)
                except LeaseLost:
                    raise
                except ResponderError as error:
                    not_read = str(error)[:_LONGEST_REASON] or type(error).__name__
                    break
                if line is None:
                    break
                read += 1
                if read % _OFTEN == 0:
                    self._go_on()
                digest = hashlib.blake2b(line, digest_size=_DIGEST_BYTES).digest()
                if digest not in known:
                    known.add(digest)
                    lines.write(line)
                    is_new(line)
            lines.close()
            return self._kept(part, lines, read=read, not_read=not_read)

    def note_gap(self, part: Part, because: str) -> Added:
        """Say in the manifest that a part can't be read."""
        return self._noted(part, read=0, not_read=because[:_LONGEST_REASON])

    def keep_text(self, name: str, content: bytes, *, source: str) -> Evidence:
        """Keep a file that is no listing, such as a report, under `files/` and a name that has its digest."""
        digest = digest_of(content)
        stem, _, ending = name.rpartition(".")
        place = f"{FILES}{_plain(source)}/{_plain(stem)}-{digest[:16]}.{ending}"
        self._storage.keep(Container.EVIDENCE, f"{self._folder}{place}", content)
        kept = Evidence(blob=f"{self._folder}{place}", sha256=digest, size=len(content))
        if not any(entry.file == place for entry in self.entries()):
            file = _File(name=place, sha256=digest, size=len(content))
            self._append(_entry(Part(source=source, part=name), self._clock(), file))
        return kept

    def keep_file(self, name: str, content: bytes, *, tenant: str = "") -> Evidence:
        """Keep a file of a step's own under its own name, below the emergency's folder, and name it in the manifest.

        One that is there already is left as it is. Raises EdgeError where evidence can't be written.
        """
        file = _File(name=name, sha256=digest_of(content), size=len(content))
        self._storage.keep(Container.EVIDENCE, f"{self._folder}{name}", content)
        if all(entry.file != name for entry in self.entries()):
            part = msgspec.structs.replace(_part_of(name), tenant=tenant)
            self._append(_entry(part, self._clock(), file))
        return Evidence(blob=f"{self._folder}{name}", sha256=file.sha256, size=file.size)

    def adopt(self) -> int:
        """Name the files that have no entry: a run that left them was killed, or had no time; gives how many."""
        named = {entry.file for entry in self.entries()}
        left = [name for name in self._files.names() if name.startswith(CHAINED) and name not in named]
        for name in left:
            measure = FileMeasure()
            for piece in self._files.pieces(name):
                measure.add(piece)
            found = _FILE.fullmatch(name)
            part = Part(source=found[1], part=found[2]) if found else _part_of(name)
            file = _File(name=name, sha256=measure.sha256, size=measure.size, count=max(measure.records, 0))
            note = "The run that wrote this file didn't name it."
            self._append(_entry(part, self._clock(), file, note=note))
        return len(left)

    def hold_all(self) -> Held:
        """Set a legal hold on every file and manifest entry; one refusal ends it, since the others would be refused."""
        names = [name for name in self._files.names() if name.startswith((ENTRIES, *CHAINED))]
        for held, name in enumerate(names):
            self._go_on()
            try:
                is_held = self._storage.hold(Container.EVIDENCE, f"{self._folder}{name}")
            except EdgeError as error:
                return Held(held=held, of=len(names), missing=str(error))
            if not is_held:
                return Held(held=held, of=len(names), missing=f"{name} shows no legal hold after it was set")
        return Held(held=len(names), of=len(names))

    # ---- files -------------------------------------------------------------------------------------------------------

    def last_line(self, part: Part) -> bytes | None:
        """Give the record of a part that was kept last; None where none was.

        For parts of which each file has one record: a state that is kept whenever it is another one.
        """
        files = [entry.file for entry in self.entries() if _key(entry) == part.key and entry.file]
        for name in reversed(files):
            last = None
            for line in self._lines(name):
                last = line
            if last is not None:
                return last
        return None

    def last_number(self, part: Part) -> int:
        """Give the number of the last manifest entry of a part; 0 while there is none."""
        return max((entry.number for entry in self.entries() if _key(entry) == part.key), default=0)

    def lines(self, part: Part) -> frozenset[bytes] | None:
        """Give all records that are kept of a part, for one that is always small; None while it was never kept."""
        found = [entry for entry in self.entries() if _key(entry) == part.key]
        files = dict.fromkeys(entry.file for entry in found if entry.file)
        return frozenset(line for name in files for line in self._lines(name)) if found else None

    def keep_state(self, part: Part, state: bytes) -> Added:
        """Keep a state, whether it was kept before or not: one that comes back is a change as well."""
        with tempfile.TemporaryFile() as spool, closing(_Lines(cast("BinaryIO", spool))) as lines:
            lines.write(state)
            lines.close()
            return self._kept(part, lines, read=1, not_read="")

    def _known(self, part: Part) -> set[bytes]:
        files = dict.fromkeys(entry.file for entry in self.entries() if _key(entry) == part.key and entry.file)
        known: set[bytes] = set()
        for name in files:
            self._go_on()
            known.update(hashlib.blake2b(line, digest_size=_DIGEST_BYTES).digest() for line in self._lines(name))
        return known

    def _lines(self, name: str) -> Iterator[bytes]:
        try:
            yield from lines_of(self._files.pieces(name))
        except ValueError as error:
            raise Rejected(f"{self._folder}{name} can't be read: {error}") from error

    def _kept(self, part: Part, lines: "_Lines", *, read: int, not_read: str) -> Added:
        if not lines.count:
            return self._noted(part, read=read, not_read=not_read)
        digest, size = lines.measured()
        name = _file_name(part, digest)
        self._go_on()
        self._storage.keep_stream(Container.EVIDENCE, f"{self._folder}{name}", lines.file)
        kept = Evidence(blob=f"{self._folder}{name}", sha256=digest, size=size)
        file = _File(name=name, sha256=digest, size=size, count=lines.count)
        self._append(_entry(part, self._clock(), file, not_read=not_read))
        return Added(read=read, new=lines.count, evidence=(kept,), not_read=not_read)

    def _noted(self, part: Part, *, read: int, not_read: str) -> Added:
        """Note that a part has nothing new, unless the manifest says just that already."""
        last = next((entry for entry in reversed(self.entries()) if _key(entry) == part.key), None)
        if last is None or last.not_read != not_read or last.until != part.until:
            self._append(_entry(part, self._clock(), _File(), not_read=not_read))
        return Added(read=read, new=0, not_read=not_read)

    # ---- the manifest ------------------------------------------------------------------------------------------------

    def _append(self, entry: ManifestEntry) -> None:
        """Write an entry behind the last one, whoever else writes entries meanwhile."""
        for _ in range(_MOST_TRIES):
            self.entries()
            next_one = msgspec.structs.replace(entry, number=len(self._entries) + 1, previous=self._head)
            content = encoded(next_one)
            is_new = self._storage.keep(Container.EVIDENCE, f"{self._folder}{next_one.name}", content)
            stands = content if is_new else self._read(next_one.name)
            if stands is not None:
                self._take(stands)
            if stands == content:
                return
        raise Rejected(f"the manifest of {self._folder} is written by others all the time")

    def _take(self, content: bytes) -> None:
        name = entry_name(len(self._entries) + 1)
        try:
            entry = msgspec.json.decode(content, type=ManifestEntry)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Rejected(f"{self._folder}{name} isn't as the app writes it: {error}") from error
        if entry.number != len(self._entries) + 1 or entry.previous != self._head:
            raise Rejected(f"{self._folder}{name} doesn't follow the entry before it: the manifest was changed")
        self._entries.append(entry)
        self._head, self._head_size = digest_of(content), len(content)

    def _read(self, name: str) -> bytes | None:
        return self._storage.blob(Container.EVIDENCE, f"{self._folder}{name}")


class _Lines:
    """Writes lines into a compressed file whose bytes depend on them alone."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.count = 0
        self._gzip = gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=_LEVEL, mtime=0)

    def write(self, line: bytes) -> None:
        """Write a line; it has no end of its own."""
        self._gzip.write(line)
        self._gzip.write(b"\n")
        self.count += 1

    def close(self) -> None:
        """Write what is left, once; the file stays open."""
        self._gzip.close()

    def measured(self) -> tuple[str, int]:
        """Give the file's SHA-256 and size, and go back to its start."""
        self.file.seek(0)
        digest, size = hashlib.sha256(), 0
        while piece := self.file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
        self.file.seek(0)
        return digest.hexdigest(), size


class _File(Struct, frozen=True, kw_only=True):
    """A file for a manifest entry: none, where all is as by default."""

    name: str = ""
    sha256: str = ""
    size: int = 0
    count: int = 0


def _entry(part: Part, at: datetime, file: _File, *, not_read: str = "", note: str = "") -> ManifestEntry:
    """Make an entry without a place; `_append` gives it one."""
    return ManifestEntry(
        number=0,
        previous="",
        at=at,
        source=part.source,
        tenant=part.tenant,
        part=part.part,
        since=part.since,
        until=part.until,
        file=file.name,
        sha256=file.sha256,
        size=file.size,
        count=file.count,
        not_read=not_read,
        note=note,
    )


def _part_of(name: str) -> Part:
    """Give what a file is of whose name alone says it: its folder, and the rest."""
    folder, _, rest = name.partition("/")
    return Part(source=folder, part=rest)


def _key(entry: ManifestEntry) -> tuple[str, str, str]:
    return entry.source, entry.tenant, entry.part


def _file_name(part: Part, digest: str) -> str:
    tenant = _plain(part.tenant) or "app"
    return f"{FILES}{tenant}/{_plain(part.source)}/{_plain(part.part)}-{digest[:16]}.ndjson.gz"


def _plain(text: str) -> str:
    return _UNSAFE.sub("-", text.lower()).strip("-.")[:120]
