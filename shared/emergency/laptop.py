"""An emergency's journal on a laptop, where the app is gone, hostile, or without tokens.

Each entry that is made here is of a request that its operator signs for the app, though it isn't sent: whoever gets the
entry later checks it as the app checks a request. Beside them are the entries that the app answered with. The journal
is a file of lines for each emergency, only ever added to. A line that was cut off is left where it is, and the next one
begins after it.
"""

import base64
import os
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from shared.authority.operator_keys import PublicKey, is_signed
from shared.authority.operators import Operators
from shared.emergency.asking import PATH, Problem, Wish, entry_of, nonce_in, says_what_was_signed, wanted_in
from shared.emergency.entries import Caller, Closed, Entry, Proof, SignedRequest
from shared.emergency.signed_requests import (
    KEY,
    NONCE,
    SIGNATURE,
    SIGNED_BY,
    TIME,
    content_to_sign,
    time_in,
)
from shared.emergency.signing import OperatorKey, sign_request_for
from shared.emergency.state import Emergency, fold
from shared.model.bilingual import Words
from shared.model.errors import ResponderError
from shared.model.notices import NoticeText

_ENDING: Final = ".ndjson"
_NAME: Final = re.compile(r"[0-9a-f]{32}\.ndjson")
_OWN_ONLY: Final = 0o600
_OWN_FOLDER: Final = 0o700
_LARGEST: Final = 64 * 1024 * 1024


DECLARED_ON_A_LAPTOP: Final = NoticeText(
    id="declared-on-a-laptop",
    title=Words(en="Break-glass emergency: {reason}", ko="비상 상황이 선언되었습니다: {reason}"),
    text=Words(
        en="Declared by {by} on a laptop, without the app. {phones}",
        ko="선언한 사람: {by}. 앱 없이 노트북에서 선언했습니다. {phones}",
    ),
    what_to_do=Words(
        en="Telephone the others, and take the runbook that is kept with the sealed credential.",
        ko="다른 사람들에게 전화하고, 봉인된 자격 증명과 함께 보관된 런북을 꺼내세요.",
    ),
    never_waits=True,
)

PHONES: Final = Words(en="The telephones are listed below.", ko="전화번호는 아래에 있습니다.")
NO_PHONES: Final = Words(
    en="EMERGENCY_PHONES isn't set, so no telephones are known here.",
    ko="EMERGENCY_PHONES가 설정되지 않아 전화번호를 모릅니다.",
)


class BadJournal(ResponderError):
    """A journal can't be read or written, or isn't one; the text says what to do."""


class Signer(Struct, frozen=True, kw_only=True):
    """The operator at the laptop. `host` is the app's own host name, for which requests are signed."""

    operator: str
    name: str
    key: OperatorKey
    host: str


def signed_entry(signer: Signer, path: str, wish: Wish, *, now: datetime) -> Entry:
    """Make the entry of what an operator does, signed as a request to `path` below the app's /api/emergency.

    Raises:
        BadJournal: it isn't what such a request takes.
    """
    at, body = now.replace(microsecond=0), msgspec.json.encode(wish)
    headers = sign_request_for(signer.host, signer.key, "POST", path, body, emergency_key="", now=at)
    headers = {name: value for name, value in headers.items() if name != KEY}
    kept = SignedRequest(method="POST", path=path, body=base64.b64encode(body).decode(), headers=headers)
    caller = Caller(operator=signer.operator, name=signer.name, proof=Proof.SIGNATURE, key=signer.key.public.id)
    try:
        wanted = wanted_in(path, body, otherwise=lambda: nonce_in(kept))
    except Problem as problem:
        raise BadJournal(problem.detail) from problem
    entry = entry_of(wanted, caller, at=at, signed=kept)
    if entry is None:
        raise BadJournal("this makes no entry")
    return entry


def step_path(emergency: str, step: int) -> str:
    """Give the path of a request about a step."""
    return f"{PATH}/{emergency}/steps/{step}"


def doubt_about(entry: Entry, operators: Operators, *, host: str) -> str:
    """Say why an entry isn't surely its operator's, "" where it is: signed by a key of theirs, and saying just that."""
    signed = entry.signed
    if signed is not None and entry.proof is Proof.PASSKEY:
        return "it is signed by a passkey, which only the app checks"
    if signed is None or entry.proof is not Proof.SIGNATURE:
        return "it isn't signed"
    found = operators.with_key(signed.headers.get(SIGNED_BY, ""))
    if found is None:
        return "it is signed by a key that no operator has"
    enrolled, key = found
    if (enrolled.operator.id, enrolled.operator.name) != (entry.by, entry.name):
        return f"it is signed by a key of {enrolled.operator.id}, and says {entry.by}"
    if not _fits(entry.at, signed, key, host):
        return "its signature or its time doesn't fit"
    return "" if says_what_was_signed(entry) else "it says something else than what was signed"


def _fits(at: datetime, signed: SignedRequest, key: PublicKey, host: str) -> bool:
    try:
        body = base64.b64decode(signed.body, validate=True)
    except ValueError:
        return False
    content = content_to_sign(
        method=signed.method,
        target=signed.path,
        body=body,
        time=signed.headers.get(TIME, ""),
        nonce=signed.headers.get(NONCE, ""),
        host=host,
        key=key.id,
    )
    is_then = time_in(signed.headers.get(TIME, "")) == at
    return is_then and is_signed(key, content, signed.headers.get(SIGNATURE, ""))


class Read(Struct, frozen=True, kw_only=True):
    """What a journal's file holds: its entries in the order of the lines, and the numbers of lines that are none."""

    entries: tuple[Entry, ...]
    broken: tuple[int, ...] = ()


def read_journal(path: Path) -> Read:
    """Read a journal's file. A line that can't be read is left out and counted; the others stand.

    Raises:
        BadJournal: the file can't be read, or is larger than any journal.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise BadJournal(f"{path} can't be read: {error.strerror}") from None
    if len(content) > _LARGEST:
        raise BadJournal(f"{path} is larger than {_LARGEST:,} bytes: it is no journal of an emergency")
    entries: dict[str, Entry] = {}
    broken: list[int] = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            entry = msgspec.json.decode(line, type=Entry)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            broken.append(number)
            continue
        entries.setdefault(entry.id, entry)
    return Read(entries=tuple(entries.values()), broken=tuple(broken))


class LaptopJournal:
    """The journals in a folder, a file for each emergency, which only their owner can read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, emergency: str) -> Path:
        """Give the file of an emergency's entries."""
        return self._folder / f"{emergency}{_ENDING}"

    def folder_of(self, emergency: str) -> Path:
        """Give the folder for what is read in an emergency, and make it. Raises BadJournal."""
        folder = self._folder / f"{emergency}-reads"
        self._make(folder)
        return folder

    def add(self, entry: Entry) -> None:
        """Add an entry; it is on the disk when this returns. Raises BadJournal."""
        self._make(self._folder)
        path = self.path(entry.emergency)
        line = msgspec.json.encode(entry, order="sorted") + b"\n"
        try:
            opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, _OWN_ONLY)
            with os.fdopen(opened, "r+b", buffering=0) as file:
                file.write(b"\n" + line if _ends_in_a_line(file.fileno()) is False else line)
                os.fsync(file.fileno())
        except OSError as error:
            raise BadJournal(f"{path} can't be written: {error.strerror}") from None

    def keep(self, emergency: str, entries: Iterable[Entry]) -> None:
        """Add the entries of an emergency that aren't there yet: those of an answer of the app. Raises BadJournal."""
        if _NAME.fullmatch(f"{emergency}{_ENDING}") is None:
            raise BadJournal("the answer is of no emergency")
        there = {entry.id for entry in self.entries(emergency)}
        for entry in entries:
            if entry.emergency == emergency and entry.id not in there:
                self.add(entry)

    def entries(self, emergency: str) -> tuple[Entry, ...]:
        """Give what is known of an emergency. Raises BadJournal."""
        path = self.path(emergency)
        return read_journal(path).entries if path.exists() else ()

    def newest_open(self, now: datetime) -> str:
        """Give the id of what is open and hasn't expired, an emergency before a drill, "" for nothing."""
        found = [each for each in self.emergencies() if each.is_open and not each.has_expired(now)]
        return next((each.id for each in sorted(found, key=lambda each: each.drill)), "")

    def emergencies(self, is_signed: Callable[[Entry], bool] = lambda _entry: True) -> Iterator[Emergency]:
        """Give every emergency in the folder, the newest first. Raises BadJournal.

        An entry that isn't signed counts as one that somebody brought: for nothing that takes two. That the app closed
        it counts, since it does so only after two have signed that.
        """
        found: list[Emergency] = []
        for path in self._files():
            entries = read_journal(path).entries
            loose = frozenset(one.digest for one in entries if not isinstance(one.act, Closed) and not is_signed(one))
            folded = fold(path.name.removesuffix(_ENDING), entries, loose)
            if folded is not None:
                found.append(folded)
        yield from sorted(found, key=lambda emergency: (emergency.declared_at, emergency.id), reverse=True)

    def _files(self) -> Iterable[Path]:
        try:
            return [path for path in sorted(self._folder.iterdir()) if _NAME.fullmatch(path.name)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise BadJournal(f"{self._folder} can't be read: {error.strerror}") from None

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(mode=_OWN_FOLDER, parents=True, exist_ok=True)
        except OSError as error:
            raise BadJournal(f"{folder} can't be made: {error.strerror}") from None


def _ends_in_a_line(descriptor: int) -> bool:
    """Whether a file is empty, or ends where a line ends."""
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"
