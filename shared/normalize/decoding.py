"""Decodes JSON; whatever the text is, the only error is UnreadableRecord, which says what is wrong with it."""

import re
from datetime import UTC, datetime

from msgspec import DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder

from shared.model.errors import UnreadableRecord

NULL = Raw(b"null")

YEARS = range(2000, 2100)
"""Azure is younger, and a date after this is a broken clock."""

_HIGH, _LOW = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_LONE_SURROGATES = re.compile(rb"(?:" + _HIGH + rb"(?!" + _LOW + rb")|" + _LOW + rb")++")
_OTHERS = re.compile(rb"(?:[^\\]++|" + _HIGH + _LOW + rb"|\\(?!u[dD][89a-fA-F]).)*+", re.DOTALL)
_LONE, _REPLACEMENT = len(rb"\ud800"), rb"\ufffd"

_TEXT = Decoder(str)
_decode_text = _TEXT.decode
_NULL = b"null"


class NotJson(UnreadableRecord):
    """A piece of input that isn't JSON at all, as opposed to a record of an unknown shape."""


class NotJudged(Exception):
    """A record of a category that no detection judges: neither read nor unreadable. Its text is the category."""


class TooDeep(UnreadableRecord):
    """JSON that is nested too deeply to be decoded; only an attacker would write it."""


class LocalizedText(Struct):
    """The Activity Log's pair of a value and its translation; only the value is used."""

    value: str | None = None


def decode[T](decoder: Decoder[T], text: Raw | bytes | str) -> T:
    """Decode `text`; if that fails, decode it again without lone surrogates and broken UTF-8.

    Otherwise somebody could choose a name that makes the record of their action unreadable.

    Raises:
        UnreadableRecord: it isn't JSON, or not of the decoder's type.
    """
    try:
        return decoder.decode(text)
    except RecursionError:
        raise TooDeep("its JSON is nested too deeply") from None
    except (DecodeError, UnicodeDecodeError) as failure:
        broken = text.encode() if isinstance(text, str) else bytes(text)
        mended = _mend(broken)
        if mended == broken:
            raise _unreadable(failure) from None
    try:
        return decoder.decode(mended)
    except RecursionError:
        raise TooDeep("its JSON is nested too deeply") from None
    except DecodeError as failure:
        raise _unreadable(failure) from None


def decode_inner[T](decoder: Decoder[T], value: Raw) -> T | None:
    """Decode a value that may be JSON in a string, as in Log Analytics; None for null and an empty string."""
    json = bytes(value)
    if json.startswith(b'"'):
        json = decode(_TEXT, value).strip().encode()
    if json in {b"", b"null"}:
        return None
    try:
        return decode(decoder, json)
    except NotJson as failure:
        raise UnreadableRecord(f"a string in it should hold JSON: {failure}") from None


def plain_text(value: Raw | bytes) -> str | None:
    """Give a value as text: a string's content, None for null, other JSON as it was written."""
    json = bytes(value)
    if json[:1] == b'"':
        return _text(json)
    return None if json in {b"", b"null"} else json.decode(errors="replace")


def _text(json: bytes | str) -> str:
    """Decode a JSON string; as `decode`, but faster for valid text."""
    try:
        return _TEXT.decode(json)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return decode(_TEXT, json)


def unwrapped(value: Raw) -> str | None:
    """Give a modified property's old or new value.

    It is a string that holds JSON: a JSON string in it gives its content, `null` gives None, lists and objects stay
    JSON text. What isn't JSON is plain text already.
    """
    json = bytes(value)
    if json == _NULL:
        return None
    try:
        text = _decode_text(json)
        if text and text[0] == '"':
            return _decode_text(text)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return _unwrapped_with_care(json)
    return None if text.strip() == "null" else text


def _unwrapped_with_care(json: bytes) -> str | None:
    """Unwrap a value that isn't a string, or isn't valid JSON."""
    text = plain_text(json)
    if text is None or text.strip() == "null":
        return None
    if text[:1] != '"':
        return text
    try:
        return _text(text)
    except UnreadableRecord:
        return text


def word(value: LocalizedText | str | None) -> str:
    """Give the value, with or without a translation beside it."""
    return (value.value if isinstance(value, LocalizedText) else value) or ""


_READ_INSTANT = datetime.fromisoformat
_OF_THE_ENVELOPE = "%m/%d/%Y %I:%M:%S %p"


def envelope_instant(text: str | None) -> datetime | None:
    """Read the time of an envelope, which Azure writes as ISO 8601 or, of sign-ins, as `12/12/2025 3:03:58 PM` in UTC.

    Raises:
        UnreadableRecord: it is neither.
    """
    if not text:
        return None
    try:
        return _READ_INSTANT(text)
    except ValueError:
        pass
    try:
        return datetime.strptime(text.strip(), _OF_THE_ENVELOPE).replace(tzinfo=UTC)
    except ValueError:
        raise UnreadableRecord(f"its time, {text[:40]!r}, is none that Azure writes") from None


def instant(at: datetime | None) -> datetime:
    """Give a record's time in UTC; in Azure's logs a time without a zone is UTC.

    Raises:
        UnreadableRecord: there is no time, or the year is impossible.
    """
    if at is None:
        raise UnreadableRecord("it has no time")
    if at.year not in YEARS:
        raise UnreadableRecord(f"its time, {at.isoformat()}, can't be right: years {YEARS[0]} to {YEARS[-1]} are read")
    if at.tzinfo is UTC:
        return at
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _mend(broken: bytes) -> bytes:
    """Replace each lone surrogate and each byte that isn't UTF-8 by U+FFFD."""
    text = broken.decode(errors="replace").encode()
    mended: list[bytes] = []
    at = 0
    while others := _OTHERS.match(text, at):
        lone = _LONE_SURROGATES.match(text, others.end())
        if lone is None:
            break
        mended += (others[0], _REPLACEMENT * (len(lone[0]) // _LONE))
        at = lone.end()
    return b"".join((*mended, text[at:]))


def _unreadable(failure: DecodeError | UnicodeDecodeError) -> UnreadableRecord:
    if isinstance(failure, ValidationError):
        return UnreadableRecord(f"it has a value of an unexpected kind: {failure}")
    return NotJson(f"it isn't JSON: {failure}")
