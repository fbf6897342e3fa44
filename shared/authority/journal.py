"""Who did what, why and when: every act that lowers a guard is written here, before it takes effect.

An approval, a mode that lets a detection do less, the kill switch, an accepted baseline, a change that is left as it
is, an undo: each goes through `append` first and is carried out after. So a process that dies in between leaves an
entry without its act, never an act without its entry. Acts that raise a guard are written too.

Table `Journal` has a partition for each subject, such as "mode ca-policy-updated", and a row for each act, numbered
from 1. Rows are only ever inserted. Each entry has the digest of the one before, so a changed, missing or exchanged row
shows (`Chain.problems`), except at the end of a chain. What is hashed is `Entry.content`, the same bytes that operators
sign (`shared.authority.signed_acts`). An entry that nobody signed proves nothing against whoever can write to the
table: he can make a chain anew. Signed entries are numbered apart from the others.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from itertools import groupby
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table
from shared.model.errors import Rejected
from shared.model.kinds import ApprovalList, Image

TAG: Final = b"entra-responder journal entry, version 1\n"
"""What an entry's content begins with."""

_LONGEST: Final = 30_000
"""The most characters of an entry: a column takes 64 KiB of UTF-16."""

_LONGEST_SUBJECT: Final = 250
"""The most characters of a subject: each may take four in the partition key, which may have 1 KiB."""

_TRIES: Final = 20
OF_SIGNED: Final = "signed "
"""What the partitions of signed entries begin with, and those that wait for a signature; no subject does."""

WAITING: Final = f"{OF_SIGNED}waiting"
"""The partition of acts that wait for a second operator."""

SIGNED_ROWS: Final = f"PartitionKey ge '{OF_SIGNED}' and PartitionKey lt '{OF_SIGNED.rstrip()}!'"
"""The query for both: what begins with a blank comes before what begins with the next sign."""

KILL_SWITCH: Final = "kill-switch"
"""The subject of acts on the kill switch."""

APPROVAL: Final = "approval"
MODE: Final = "mode"
OWNER: Final = "owner"
"""What the subjects of acts on approvals, modes and owners begin with."""


def approval_subject(approval_list: ApprovalList | str, actor_id: str) -> str:
    """Name the approvals of an actor on a list."""
    return f"{APPROVAL} {approval_list} {actor_id.lower()}"


def mode_subject(detection: str) -> str:
    """Name the mode of a detection, or of all without one of their own ("*")."""
    return f"{MODE} {detection}"


def owner_subject(scope: str, order: str) -> str:
    """Name a place among those who are paged."""
    return f"{OWNER} {scope} {order}"


def operator_subject(operator_id: str) -> str:
    """Name an operator; "" stands for the founding of the list."""
    return f"operator {operator_id}" if operator_id else "operators"


class What(StrEnum):
    """The kinds of acts."""

    APPROVE = "approve"
    RENEW = "renew"
    ACCEPT_CHANGES = "accept-changes"
    REVOKE = "revoke"
    SET_MODE = "set-mode"
    STOP = "stop"
    START = "start"
    NAME_OWNER = "name-owner"
    REMOVE_OWNER = "remove-owner"
    IMPORT = "import"
    ADOPT = "adopt"
    ACCEPT_BASELINE = "accept-baseline"
    WITHDRAW_BASELINE = "withdraw-baseline"
    SETTLE = "settle"
    LEAVE = "leave"
    UNDO = "undo"
    ACCEPT = "accept"
    DENY = "deny"
    RESTORE = "restore"
    TAKE_BACK = "take-back"
    CONTAIN = "contain"
    RELEASE = "release"
    KEEP_RESTRAINED = "keep-restrained"
    CONFIRM = "confirm"
    ACCEPT_RISK = "accept-risk"
    SORT_ACCOUNT = "sort-account"
    FOUND_OPERATORS = "found-operators"
    ADD_OPERATOR = "add-operator"
    ADD_PASSKEY = "add-passkey"
    SUSPEND_OPERATOR = "suspend-operator"


class Act(Struct, frozen=True, kw_only=True):
    """What a person decided: `who` they are, `why` they did it, `when` it was, and what it was about.

    `before` and `after` are what stood and what stands of the subject, None where there was nothing. Large values are
    named by their digests. An act that raises a guard says so (`lowers`) and may have no reason.
    """

    who: str
    what: What
    why: str
    when: datetime
    subject: str
    before: Image | None
    after: Image | None
    lowers: bool = True


class Effect(Struct, frozen=True, kw_only=True):
    """The row by which an act takes effect: `subject` is that of its key, and the act's instant is its instant."""

    table: Table
    partition: str
    subject: str
    columns: Image


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An act in the journal: its number among those of its subject, and the digest of the one before, "" of none.

    One that operators sign also has the row that it makes, the digest of the statement by which they were founded, and
    the tenant's id: so it counts in one installation, for one row. Its number is that among the signed ones of its
    subject, and `previous` are the digests of those that no other follows, with blanks between.
    """

    act: Act
    number: Annotated[int, Meta(ge=1)]
    previous: str
    effect: Effect | None = None
    founding: str = ""
    tenant: str = ""

    @property
    def text(self) -> str:
        """The JSON, with sorted names; one that is signed is written for people to read."""
        text = msgspec.json.encode(self, order="sorted")
        return (msgspec.json.format(text, indent=2) if self.founding else text).decode()

    @property
    def content(self) -> bytes:
        """The canonical bytes, which are hashed and can be signed: the text after a line with a tag."""
        return TAG + self.text.encode()

    @property
    def digest(self) -> str:
        """The SHA-256 of the content, in hexadecimal."""
        return _digest(self.content)


class Chain(Struct, frozen=True, kw_only=True):
    """The entries of a subject, oldest first, and what is wrong with them: rows that were changed, or are missing."""

    subject: str
    entries: tuple[Entry, ...]
    problems: tuple[str, ...]


class _Written(Struct, frozen=True, kw_only=True):
    """The columns of a row: the entry as JSON, and its digest."""

    entry: str
    digest: str


def problem_with(act: Act) -> str:
    """Say why an act can't be written, "" where it can."""
    if not act.who.strip():
        return "it isn't known who does it"
    if act.lowers and not act.why.strip():
        return "it lowers a guard, so it needs a reason"
    if not act.subject.strip() or len(act.subject) > _LONGEST_SUBJECT or not act.subject.isprintable():
        return f"its subject should be at most {_LONGEST_SUBJECT} printable characters"
    return "it names no time zone" if act.when.tzinfo is None else ""


def append(storage: Storage, act: Act) -> Entry:
    """Write an act, before it is carried out. Gives its entry, whose digest the row of the act keeps.

    Raises:
        ValueError: the act says not who did it, or not why although it lowers a guard; or it is too large.
        EdgeError: it couldn't be written, so the act must not be carried out.
    """
    if problem := problem_with(act):
        raise ValueError(f"{act.subject}: {act.what} was not done: {problem}")
    act = msgspec.structs.replace(act, when=act.when.astimezone(UTC))
    partition = partition_of(act.subject)
    for _ in range(_TRIES):
        rows = storage.rows(Table.JOURNAL, "PartitionKey eq @subject", subject=partition)
        last = max(rows, key=_number, default=None)
        previous = str(last.columns.get("digest", "")) if last else ""
        entry = Entry(act=act, number=_number(last) + 1, previous=previous)
        if storage.insert(Table.JOURNAL, partition, _key(entry.number), columns_with(entry)):
            return entry
        if _is_ours(storage.row(Table.JOURNAL, partition, _key(entry.number)), entry):
            return entry
    raise Rejected(f"writing {Table.JOURNAL}: too many act on {act.subject} at once; do it again")


def columns_with(entry: Entry) -> dict[str, str]:
    """Give the columns of a row with an entry. Raises ValueError: it is too large."""
    if len(entry.text) > _LONGEST:
        raise ValueError(f"an entry of the journal has {len(entry.text)} characters, at most {_LONGEST} can be written")
    return {"entry": entry.text, "digest": entry.digest}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _is_ours(row: Row | None, entry: Entry) -> bool:
    """Whether an insert that was refused had been carried out, and only its answer was lost."""
    return row is not None and row.columns.get("digest") == entry.digest


def history(storage: Storage, subject: str) -> Chain:
    """Read what was done about a subject. Raises EdgeError."""
    rows = storage.rows(Table.JOURNAL, "PartitionKey eq @subject", subject=partition_of(subject))
    return _chain(subject, rows)


def read_all(storage: Storage) -> tuple[Chain, ...]:
    """Read the whole journal but for what operators signed, by subject. Raises EdgeError."""
    rows = [row for row in storage.rows(Table.JOURNAL, "PartitionKey ge ''") if not row.partition.startswith(OF_SIGNED)]
    return tuple(
        _chain(_subject(partition), tuple(members)) for partition, members in groupby(rows, lambda row: row.partition)
    )


def signed_entries(storage: Storage) -> tuple[Entry, ...]:
    """Read the entries that operators signed, without checking their signatures. Raises EdgeError."""
    rows = storage.rows(Table.JOURNAL, SIGNED_ROWS)
    found = (_decoded(str(row.columns.get("entry", ""))) for row in rows if row.partition != WAITING)
    return tuple(entry for entry in found if entry is not None)


def _decoded(text: str) -> Entry | None:
    try:
        return msgspec.json.decode(text, type=Entry)
    except (msgspec.DecodeError, UnicodeError):
        return None


def _chain(subject: str, rows: Iterable[Row]) -> Chain:
    entries: list[Entry] = []
    problems: list[str] = []
    number, previous = 0, ""
    for row in rows:
        number += 1
        found = _entry(row)
        if isinstance(found, str):
            problems.append(f"entry {row.key}: {found}")
            number, previous = _number(row, otherwise=number), str(row.columns.get("digest", ""))
            continue
        problem = _problem_in_chain(found, subject, number, previous)
        problems += [f"entry {row.key}: {problem}"] if problem else []
        entries.append(found)
        number, previous = found.number, found.digest
    return Chain(subject=subject, entries=tuple(entries), problems=tuple(problems))


def _entry(row: Row) -> Entry | str:
    """Read a row; a text says what is wrong with it."""
    try:
        written = msgspec.convert(dict(row.columns), _Written)
        entry = msgspec.json.decode(written.entry, type=Entry)
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError) as error:
        return f"it can't be read: {error}"
    if not entry.digest == written.digest == _digest(TAG + written.entry.encode()):
        return "it isn't what was written: its digest is another"
    return "its number is another than its key says" if _key(entry.number) != row.key else entry


def _problem_in_chain(entry: Entry, subject: str, number: int, previous: str) -> str:
    if entry.act.subject != subject:
        return f"it is of {entry.act.subject}"
    if entry.number != number:
        return f"entries {number} to {entry.number - 1} are missing"
    return "" if entry.previous == previous else "it doesn't follow from the one before"


def _key(number: int) -> str:
    return f"{number:010}"


def _number(row: Row | None, otherwise: int = 0) -> int:
    """Read the number of a row from its key."""
    return int(row.key) if row is not None and row.key.isascii() and row.key.isdigit() else otherwise


_IN_KEYS: Final = frozenset(" *-.:_|@,()'{}")


@lru_cache(maxsize=4096)
def partition_of(subject: str) -> str:
    """Write a subject as a key may be: other characters than letters, digits and a few signs become =CODE=."""
    return "".join(
        one if one.isascii() and (one.isalnum() or one in _IN_KEYS) else f"={ord(one):X}=" for one in subject
    )


def _subject(partition: str) -> str:
    parts = partition.split("=")
    codes = parts[1::2]
    try:
        parts[1::2] = [chr(int(code, 16)) for code in codes]
    except (ValueError, OverflowError):
        return partition
    return "".join(parts)
