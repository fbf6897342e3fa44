"""The manifest of an emergency's evidence: a chain of entries, each its own blob, that names every file with its sum.

Evidence can't be overwritten, so the manifest isn't one file that grows. Each entry holds the SHA-256 of the entry
before it, as its bytes are kept; whoever knows the last entry's digest (the head) knows the whole manifest. The head is
in the emergency's own entries and in its report.

    emergencies/EMERGENCY/manifest/000001.json
    emergencies/EMERGENCY/files/TENANT/SOURCE/PART-SHA256.ndjson.gz
    emergencies/EMERGENCY/federation/DOMAIN-SHA256.json
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from zlib import MAX_WBITS, decompressobj, error

import msgspec
from msgspec import Struct

from shared.clients.storage import Storage
from shared.clients.storage_names import Container
from shared.model.errors import ResponderError

if TYPE_CHECKING:
    from zlib import _Decompress as Decompress  # pyright: ignore[reportPrivateUsage] - zlib has no public name for it

START: Final = "0" * 64
"""What the first entry holds as the digest of the one before."""

ENTRIES: Final = "manifest/"
FILES: Final = "files/"
FEDERATION: Final = "federation/"
"""Where step 6 keeps how domains were federated, and how they stood afterwards."""

CHAINED: Final = (FILES, FEDERATION)
"""Where every file is named by an entry."""

_INTENT: Final = f"{FEDERATION}intent-"
"""That a write is about to be sent is noted before anything else; step 8 names it later."""
_ENTRY_NAME: Final = re.compile(r"manifest/(\d{6})\.json", re.ASCII)
_GZIP: Final = 16 + MAX_WBITS
_PIECE: Final = 1024 * 1024


class ManifestEntry(Struct, frozen=True, kw_only=True):
    """One entry: a file that is kept, or what couldn't be read.

    `source` is what was exported, `part` which piece of it (a window of time, an account), from `since` to `until`
    where it has a time. `file` is the file's name below the emergency's folder, "" where there was nothing new to keep;
    `sha256` and `size` are of the file as it is kept, `count` are its records. `not_read` says why the part, or the
    rest of it, couldn't be read. `note` is whatever else is to be known.
    """

    number: int
    previous: str
    at: datetime
    source: str
    tenant: str = ""
    part: str = ""
    since: datetime | None = None
    until: datetime | None = None
    file: str = ""
    sha256: str = ""
    size: int = 0
    count: int = 0
    not_read: str = ""
    note: str = ""

    @property
    def name(self) -> str:
        """Its blob's name below the emergency's folder."""
        return entry_name(self.number)


def entry_name(number: int) -> str:
    """Give the name of an entry below the emergency's folder."""
    return f"{ENTRIES}{number:06}.json"


def folder_of(emergency: str) -> str:
    """Give the folder of an emergency's evidence in the container, with a slash at its end."""
    return f"emergencies/{emergency}/"


def encoded(entry: ManifestEntry) -> bytes:
    """Give an entry as it is kept."""
    return msgspec.json.encode(entry, order="sorted")


def digest_of(content: bytes) -> str:
    """Give the SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


class KeptFiles(Protocol):
    """An emergency's evidence, wherever it lies; names are below its folder."""

    def names(self) -> Iterable[str]:
        """Give the names of all files."""
        ...

    def pieces(self, name: str) -> Iterator[bytes]:
        """Read a file piece by piece. Raises OSError or ResponderError where it can't be read."""
        ...


class StoredFiles:
    """The evidence of an emergency in the evidence container."""

    def __init__(self, storage: Storage, emergency: str) -> None:
        self._storage = storage
        self._folder = folder_of(emergency)

    def names(self) -> Iterable[str]:
        """Give the names of all blobs, below the emergency's folder."""
        for name in self._storage.blob_names(Container.EVIDENCE, self._folder):
            yield name.removeprefix(self._folder)

    def pieces(self, name: str) -> Iterator[bytes]:
        """Read a blob piece by piece."""
        return self._storage.pieces(Container.EVIDENCE, f"{self._folder}{name}")


class FolderFiles:
    """The evidence of an emergency as it was copied into a folder: the one that `manifest` and `files` lie in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> Iterable[str]:
        """Give the paths of all files below the folder, with slashes."""
        return sorted(path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*") if path.is_file())

    def pieces(self, name: str) -> Iterator[bytes]:
        """Read a file piece by piece."""
        with (self._folder / name).open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece


class Verified(Struct, frozen=True, kw_only=True):
    """What a check of the evidence found: a sentence for each problem, none where all is as it was kept.

    `head` is the digest of the last entry, "" where there is none. `gaps` are what the manifest says couldn't be read.
    """

    entries: int
    files: int
    records: int
    head: str
    problems: tuple[str, ...]
    gaps: tuple[str, ...] = ()


def verify(kept: KeptFiles, *, head: str = "") -> Verified:
    """Compare every file with the manifest, and the manifest with itself and with `head`, where that is known.

    A head that isn't the last entry's, but an earlier one's, is right too: evidence was added since. Without it, a
    manifest that was cut off at its end is noticed only by the files that no entry names any more.
    """
    names = frozenset(kept.names())
    contents: dict[int, bytes] = {}
    problems: list[str] = []
    for name in sorted(names):
        if found := _ENTRY_NAME.fullmatch(name):
            content = _whole(kept, name, problems)
            if content is not None:
                contents[int(found[1])] = content
        elif name.startswith(ENTRIES):
            problems.append(f"{name} isn't the name of a manifest entry")
    entries = _entries(contents, problems)
    problems += _chain_problems(contents, entries)
    digests = [digest_of(contents[number]) for number in sorted(contents)]
    if head and head.lower() not in digests:
        problems.append(
            f"no manifest entry has the digest {head}, the head that was given: the manifest was cut off, or its last"
            " entry was changed"
        )
    if not contents:
        problems.append("there is no manifest")
    files = {entry.file: entry for entry in entries.values() if entry.file}
    problems += [problem for entry in files.values() for problem in _file_problems(kept, entry, names)]
    problems += _unnamed(names, files)
    return Verified(
        entries=len(contents),
        files=len(files),
        records=sum(entry.count for entry in files.values()),
        head=digests[-1] if digests else "",
        problems=tuple(problems),
        gaps=tuple(gaps_in(entries.values())),
    )


def gaps_in(entries: Iterable[ManifestEntry]) -> Iterator[str]:
    """Say what couldn't be read, as far as no later entry of the same part could."""
    last = {(entry.source, entry.tenant, entry.part): entry for entry in entries}
    for entry in last.values():
        if entry.not_read:
            place = " ".join(part for part in (entry.source, entry.tenant, entry.part) if part)
            yield f"{place}: {entry.not_read}"


def _whole(kept: KeptFiles, name: str, problems: list[str]) -> bytes | None:
    try:
        return b"".join(kept.pieces(name))
    except (OSError, ResponderError) as failure:
        problems.append(f"{name} can't be read: {failure}")
        return None


def _entries(contents: Mapping[int, bytes], problems: list[str]) -> dict[int, ManifestEntry]:
    entries: dict[int, ManifestEntry] = {}
    for number, content in sorted(contents.items()):
        try:
            entries[number] = msgspec.json.decode(content, type=ManifestEntry)
        except (msgspec.MsgspecError, UnicodeDecodeError) as failure:
            problems.append(f"{entry_name(number)} isn't an entry as the app writes it: {failure}")
    return entries


def _chain_problems(contents: Mapping[int, bytes], entries: Mapping[int, ManifestEntry]) -> Iterator[str]:
    for number in range(1, max(contents, default=0) + 1):
        entry = entries.get(number)
        if number not in contents:
            yield f"{entry_name(number)} is missing"
        if entry is None:
            continue
        if entry.number != number:
            yield (
                f"{entry_name(number)} says that it is entry {entry.number}: the manifest was reordered,"
                " or an entry was put in the place of another"
            )
        if number > 1 and number - 1 not in contents:
            continue
        before = START if number == 1 else digest_of(contents[number - 1])
        if entry.previous != before:
            first = "it isn't the first one that was written" if number == 1 else f"entry {number - 1} was changed"
            yield (f"{entry_name(number)} doesn't follow what stands before it: {first}, or the manifest was reordered")


def _file_problems(kept: KeptFiles, entry: ManifestEntry, names: frozenset[str]) -> Iterator[str]:
    if entry.file not in names:
        yield f"{entry.file} is missing ({entry.name} names it)"
        return
    measure = FileMeasure()
    try:
        for piece in kept.pieces(entry.file):
            measure.add(piece)
    except (OSError, ResponderError) as failure:
        yield f"{entry.file} can't be read: {failure}"
        return
    if measure.sha256 != entry.sha256:
        sizes = "" if measure.size == entry.size else f" It has {measure.size:,} bytes instead of {entry.size:,}."
        yield f"{entry.file} was changed: its SHA-256 is {measure.sha256}, {entry.name} has {entry.sha256}.{sizes}"
        return
    if measure.size != entry.size or (entry.file.endswith(".gz") and measure.records != entry.count):
        yield f"{entry.name} has another size or number of records than {entry.file}"


def _unnamed(names: Iterable[str], files: Mapping[str, ManifestEntry]) -> Iterator[str]:
    for name in sorted(names):
        if name.startswith(CHAINED) and not name.startswith(_INTENT) and name not in files:
            yield f"{name} is named by no manifest entry: the manifest was cut off, or the file was put there"


class FileMeasure:
    """What is to be known of a file of compressed lines, as its bytes come: SHA-256, size, number of records."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._unpack = decompressobj(_GZIP)
        self._is_readable = True
        self.size = 0
        self._lines = 0

    def add(self, piece: bytes) -> None:
        """Take in the next bytes."""
        self._sha256.update(piece)
        self.size += len(piece)
        if not self._is_readable:
            return
        try:
            self._lines += sum(text.count(b"\n") for text in _unpacked(self._unpack, piece))
        except error:
            self._is_readable = False

    @property
    def sha256(self) -> str:
        """The SHA-256, in hexadecimal."""
        return self._sha256.hexdigest()

    @property
    def records(self) -> int:
        """The number of lines; -1 where it can't be unpacked to its end."""
        return self._lines if self._is_readable and self._unpack.eof else -1


def lines_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack a file of compressed lines and give the lines, without their ends.

    Raises:
        ValueError: it can't be unpacked to its end.
    """
    unpack, rest = decompressobj(_GZIP), b""
    try:
        for piece in pieces:
            for text in _unpacked(unpack, piece):
                *whole, rest = (rest + text).split(b"\n")
                yield from whole
    except error as failure:
        raise ValueError(f"it can't be unpacked: {failure}") from failure
    if not unpack.eof:
        raise ValueError("it ends before its end")
    if rest:
        yield rest


def _unpacked(unpack: "Decompress", piece: bytes) -> Iterator[bytes]:
    """Unpack what a piece holds, no more than a mebibyte at once: a small file can hold very much."""
    while not unpack.eof:
        text = unpack.decompress(piece, _PIECE)
        piece = unpack.unconsumed_tail
        if not text and not piece:
            return
        yield text
