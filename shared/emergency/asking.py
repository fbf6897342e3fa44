"""What callers ask for: the requests below /api/emergency as types, and the entries that follow from them.

A request is one line of JSON. Where a caller carries the emergency's entries, they follow it, one a line (content type
application/x-ndjson); the first line then says their SHA-256 in `journal`, so that a signature of the first line covers
them too. Only the first line is kept with the entry that it makes: what is kept can be checked again by anybody, and
doesn't grow with what was carried.

An entry follows from its request alone, so whether an entry says what its operator signed is seen by making it again.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from shared.emergency.entries import (
    LASTS,
    LONGEST,
    LONGEST_DRILL,
    Acknowledged,
    Act,
    Asked,
    Caller,
    Confirmed,
    Declared,
    Entry,
    Extended,
    Instant,
    Proposal,
    SignedRequest,
    SignInAnnounced,
    StepRecorded,
    StepStarted,
    StepState,
)
from shared.model.errors import ResponderError

PATH: Final = "/api/emergency"
LEFT: Final = "\nLeft as it is: "
"""Stands in what two operators agreed to, where an emergency is closed though something wasn't taken back."""

MOST_BYTES: Final = 1024 * 1024
MOST_CARRIED: Final = 2_000
"""Entries that a caller may bring at once."""

MOST_ANNOUNCED: Final = timedelta(hours=8)
_LINES: Final = "application/x-ndjson"
_EARLIEST: Final = datetime.fromisoformat("2020-01-01T00:00:00Z")
_AHEAD: Final = timedelta(days=1)

type Id = Annotated[str, Meta(pattern=r"^([0-9a-f]{32})?$")]
type Text = Annotated[str, Meta(max_length=4000)]
type Said = Annotated[str, Meta(min_length=1, max_length=4000, pattern=r"\S")]
type ObjectId = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
type Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
type MaybeDigest = Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?$")]


class Problem(ResponderError):
    """A request that can't be done: an HTTP status, and what is wrong and would be right. Nothing was changed.

    `emergency` is the id of the one that is open already, "" otherwise.
    """

    def __init__(self, status: HTTPStatus, detail: str, *, emergency: str = "") -> None:
        self.status = status
        self.detail = detail
        self.emergency = emergency
        super().__init__(detail)


class _Ask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every request may have: the id of the entry that it makes, and the SHA-256 of the entries that follow it."""

    entry: Id = ""
    journal: MaybeDigest = ""


class Declare(_Ask, frozen=True, kw_only=True):
    """POST /api/emergency. `emergency` is the id to declare it under; the entry's, if none is given."""

    reason: Said
    hybrid: bool
    drill: bool = False
    privileged_accounts: Annotated[tuple[ObjectId, ...], Meta(max_length=200)] = ()
    hours: Annotated[float, Meta(gt=0, le=72)] = LASTS.total_seconds() / 3600
    emergency: Id = ""


class DoStep(_Ask, frozen=True, kw_only=True):
    """POST …/steps/N. `run` lets the app do its part; `done` and `skip` record what a person did or left out.

    A step that is finished runs again with `force` and a `reason`.
    """

    action: Literal["run", "done", "skip"]
    note: Text = ""
    force: bool = False
    reason: Text = ""


class Acknowledge(_Ask, frozen=True, kw_only=True):
    """POST …/acknowledge: the caller has read the page. `over` says how he got it."""

    over: Annotated[str, Meta(max_length=100)] = ""
    note: Text = ""


class Announce(_Ask, frozen=True, kw_only=True):
    """POST …/announce: an emergency account is going to sign in. It is paged all the same, as announced."""

    account: ObjectId
    minutes: Annotated[int, Meta(ge=1, le=480)] = 60


class Ask(_Ask, frozen=True, kw_only=True):
    """POST …/ask: do what a step proposes, once another operator has confirmed it by the same digest."""

    what: Literal["federation", "federation-back"]
    digest: Digest


class Confirm(_Ask, frozen=True, kw_only=True):
    """POST …/confirm: the second operator agrees to exactly the text that has this digest."""

    what: Literal["federation", "federation-back", "close"]
    digest: Digest


class Extend(_Ask, frozen=True, kw_only=True):
    """POST …/extend."""

    until: Instant
    reason: Said


class Close(_Ask, frozen=True, kw_only=True):
    """POST …/close. `left` says why it is closed though something that was changed wasn't taken back."""

    summary: Said
    left: Text = ""


class Bring(_Ask, frozen=True, kw_only=True):
    """POST …/journal: nothing but the entries that are carried."""


type Wish = Declare | DoStep | Acknowledge | Announce | Ask | Confirm | Extend | Close | Bring

DECIDES: Final = (Ask, Confirm, Extend, Close)
"""What a one-time code doesn't do."""


class Wanted(Struct, frozen=True, kw_only=True):
    """A request as it was read. `entry` is the id of the entry that it makes; `step` is 0 where it is of no step."""

    emergency: str
    entry: str
    wish: Wish
    step: int = 0


_OF_ONE: Final = re.compile(rf"{PATH}/([0-9a-f]{{32}})/(\w+)(?:/(\d{{1,3}}))?")
SHAPES: Final[dict[str, type[Wish]]] = {
    "acknowledge": Acknowledge,
    "announce": Announce,
    "ask": Ask,
    "confirm": Confirm,
    "extend": Extend,
    "close": Close,
    "journal": Bring,
}


def wanted_in(path: str, body: bytes, *, otherwise: Callable[[], str]) -> Wanted:
    """Read a request that acts: its path without the query, and its first line.

    `otherwise` gives the id of the entry where the request has none: the nonce of a signed one.

    Raises:
        Problem: there is no such path, or the body isn't what it takes.
    """
    if path == PATH:
        declare = _decoded(body, Declare)
        entry = declare.entry or otherwise()
        return Wanted(emergency=declare.emergency or entry, entry=entry, wish=declare)
    found = _OF_ONE.fullmatch(path)
    shape = SHAPES.get(found[2]) if found else None
    if found and found[2] == "steps" and found[3]:
        step = _decoded(body, DoStep)
        return Wanted(emergency=found[1], entry=step.entry or otherwise(), wish=step, step=int(found[3]))
    if found is None or shape is None or found[3]:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            f"Nothing is there. POST {PATH} declares an emergency; {PATH}/ID/steps/N, and {PATH}/ID/ followed by"
            f" {', '.join(SHAPES)} go on with it, where ID has 32 hexadecimal digits in lower case",
        )
    wish = _decoded(body, shape)
    return Wanted(emergency=found[1], entry=wish.entry or otherwise(), wish=wish)


def _decoded[T: Struct](body: bytes, shape: type[T]) -> T:
    if len(body) > MOST_BYTES:
        raise Problem(HTTPStatus.CONTENT_TOO_LARGE, f"The body should have {MOST_BYTES:,} bytes or fewer")
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        fields = ", ".join(f"{field.name}" + ("" if field.required else "?") for field in msgspec.structs.fields(shape))
        raise Problem(
            HTTPStatus.BAD_REQUEST, f"{error}. Send a JSON object with {fields} (? may be left out)"
        ) from error


# ---- what is carried -------------------------------------------------------------------------------------------------


def parted(body: bytes, content_type: str) -> tuple[bytes, bytes]:
    """Give the first line of a body, which is what is asked for and signed, and the entries that follow it.

    Raises:
        Problem: it is too large.
    """
    if len(body) > MOST_BYTES:
        raise Problem(HTTPStatus.CONTENT_TOO_LARGE, f"The body should have {MOST_BYTES:,} bytes or fewer")
    if content_type.partition(";")[0].strip().lower() != _LINES:
        return body, b""
    first, _, rest = body.partition(b"\n")
    return first, rest


def joined(first: bytes, entries: tuple[Entry, ...]) -> bytes:
    """Put entries after a first line that says their digest (`journal_of`)."""
    return first + b"\n" + _lines(entries)


def journal_of(entries: tuple[Entry, ...]) -> str:
    """Give the digest of entries that are carried, for `journal`."""
    return hashlib.sha256(_lines(entries)).hexdigest()


def _lines(entries: tuple[Entry, ...]) -> bytes:
    return b"".join(msgspec.json.encode(entry, order="sorted") + b"\n" for entry in entries)


def carried_in(rest: bytes, wanted: Wanted, *, now: datetime) -> tuple[Entry, ...]:
    """Read the entries that follow a request.

    Raises:
        Problem: they aren't those of `journal`, can't be read, are too many, or of another emergency.
    """
    if not rest and not wanted.wish.journal:
        return ()
    if hashlib.sha256(rest).hexdigest() != wanted.wish.journal:
        raise Problem(
            HTTPStatus.BAD_REQUEST, "`journal` should be the SHA-256 of all that follows the first line, in hexadecimal"
        )
    lines = [line for line in rest.split(b"\n") if line.strip()]
    if len(lines) > MOST_CARRIED:
        raise Problem(HTTPStatus.CONTENT_TOO_LARGE, f"At most {MOST_CARRIED:,} entries are taken at once")
    entries = tuple(_entry(line, number) for number, line in enumerate(lines, start=2))
    for entry in entries:
        if entry.emergency != wanted.emergency:
            raise Problem(HTTPStatus.BAD_REQUEST, f"The entry {entry.id} is of another emergency than the request")
        if not _EARLIEST <= entry.at <= now + _AHEAD:
            raise Problem(HTTPStatus.BAD_REQUEST, f"The entry {entry.id} is of {entry.at:%Y-%m-%d}, which can't be")
    return entries


_HEX: Final = re.compile(r"[0-9a-f]{32}")


def _entry(line: bytes, number: int) -> Entry:
    try:
        entry = msgspec.json.decode(line, type=Entry)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"Line {number} is no entry: {error}") from error
    if _HEX.fullmatch(entry.id) is None:
        raise Problem(HTTPStatus.BAD_REQUEST, f"Line {number}: an entry's id has 32 hexadecimal digits in lower case")
    return entry


# ---- the entry that follows ------------------------------------------------------------------------------------------


def entry_of(
    wanted: Wanted, caller: Caller, *, at: datetime, text: str = "", signed: SignedRequest | None = None
) -> Entry | None:
    """Give the entry that a request makes, None for one that makes none. `text` is what is asked for by its digest."""
    act = _act_of(wanted, at=at, text=text)
    if act is None:
        return None
    return Entry(
        id=wanted.entry,
        emergency=wanted.emergency,
        at=at,
        by=caller.operator,
        name=caller.name,
        proof=caller.proof,
        act=act,
        signed=signed,
    )


def closing_text(emergency: str, close: Close) -> str:
    """Give what two operators agree to when an emergency is closed."""
    left = f"{LEFT}{close.left.strip()}" if close.left.strip() else ""
    return f"Close emergency {emergency}.\nWhat happened: {close.summary.strip()}{left}"


def _act_of(wanted: Wanted, *, at: datetime, text: str) -> Act | None:  # noqa: C901, PLR0911 - a line for each request
    match wanted.wish:
        case Declare() as wish:
            lasts = min(timedelta(hours=wish.hours), LONGEST_DRILL if wish.drill else LONGEST)
            return Declared(
                reason=wish.reason,
                hybrid=wish.hybrid,
                drill=wish.drill,
                expires_at=at + lasts,
                privileged_accounts=wish.privileged_accounts,
            )
        case DoStep(action="run") as wish:
            return StepStarted(step=wanted.step, run=wanted.entry, forced=wish.reason.strip() if wish.force else "")
        case DoStep() as wish:
            state = StepState.DONE if wish.action == "done" else StepState.SKIPPED
            return StepRecorded(step=wanted.step, state=state, note=wish.note)
        case Acknowledge() as wish:
            return Acknowledged(over=wish.over, note=wish.note)
        case Announce() as wish:
            return SignInAnnounced(
                account=wish.account.lower(), until=at + min(timedelta(minutes=wish.minutes), MOST_ANNOUNCED)
            )
        case Ask() as wish:
            return Asked(what=wish.what, digest=wish.digest, text=text)
        case Close() as wish:
            closing = Proposal(what="close", text=closing_text(wanted.emergency, wish))
            return Asked(what="close", digest=closing.digest, text=closing.text)
        case Confirm() as wish:
            return Confirmed(what=wish.what, digest=wish.digest)
        case Extend() as wish:
            return Extended(until=wish.until, reason=wish.reason)
        case Bring():
            return None


def nonce_in(signed: SignedRequest) -> str:
    """Give the nonce of a signed request: the id of the entry that it makes, where it names none."""
    found = next((value for name, value in signed.headers.items() if name.lower() == "x-emergency-nonce"), "")
    return found if _HEX.fullmatch(found) else ""


def says_what_was_signed(entry: Entry) -> bool:
    """Whether an entry is what its kept request makes. That the request was signed is checked by `proofs.signer_of`."""
    signed = entry.signed
    if signed is None or signed.method.upper() != "POST":
        return False
    try:
        body = base64.b64decode(signed.body, validate=True)
        wanted = wanted_in(signed.path.partition("?")[0], body, otherwise=lambda: nonce_in(signed))
    except (Problem, ValueError):
        return False
    text = entry.act.text if isinstance(entry.act, Asked) else ""
    caller = Caller(operator=entry.by, name=entry.name, proof=entry.proof)
    if isinstance(entry.act, Asked) and Proposal(what=entry.act.what, text=text).digest != entry.act.digest:
        return False
    return entry_of(wanted, caller, at=entry.at, text=text, signed=signed) == entry
