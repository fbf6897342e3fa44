"""Splits JSON text into records without holding all of it; a broken record doesn't affect the others.

The text is a list, an envelope ({"value": [...]} or {"records": [...]}), one value a line, or objects one after
another. Any other text is split into lines.
"""

import re
from collections.abc import Iterable, Iterator

from msgspec import DecodeError, Raw
from msgspec.json import Decoder

_BOM = b"\xef\xbb\xbf"
_LOOK_AHEAD = 1 << 12
"""Bytes that are buffered at least: more than an envelope has before its list."""

_LONGEST_LINE = 1 << 22
"""Bytes; with a longer first line the whole text counts as one value."""

_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_BLANK = re.compile(rb"[\s,]*+")
_LIST_START = re.compile(
    rb"\[|\{(?:\s*+" + _STRING + rb"\s*+:\s*+(?:" + _STRING + rb'|[^"\[\]{},]++),)*+\s*+"(?:value|records)"\s*+:\s*+\[',
    re.DOTALL,
)
_SCALAR = re.compile(rb'(?:[^"\[\]{},\n]++|' + _STRING + rb")*+(?:([\[{])|(?=[\]},\n]))", re.DOTALL)
_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+(?:([\[{]++)|[\]}])", re.DOTALL)
_VALUE = Decoder(Raw)


def pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Split the text of `chunks` into records.

    Text that can't be split is given as one piece, which can't be decoded later; a list without its end gives an empty
    piece at the end.
    """
    text = _Text(chunks)
    yield from text.values() if text.starts_with_a_longer_value() else text.lines()


class _Text:
    """The buffered text; everything before `_at` has been given out."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._buffer = b""
        self._at = 0
        self._cut_short = False
        self._look_ahead()
        if self._buffer.startswith(_BOM):
            self._at = len(_BOM)

    def starts_with_a_longer_value(self) -> bool:
        """Say whether the text begins with an object or a list that is longer than the first line."""
        if self._skip_blank() not in {b"{", b"["}:
            return False
        while (end := self._buffer.find(b"\n", self._at)) < 0 and len(self._buffer) < _LONGEST_LINE and self._more():
            pass
        return end < 0 or not _is_json(self._buffer[self._at : end])

    def lines(self) -> Iterator[bytes]:
        """Give each line that isn't blank."""
        while True:
            end = self._buffer.find(b"\n", self._at) + 1
            if not end and self._more():
                continue
            if line := self._cut(end or len(self._buffer)).strip():
                yield line
            if not end:
                return

    def values(self) -> Iterator[bytes]:
        """Give each value; for a list or an envelope, its elements instead."""
        while self._skip_blank():
            start = _LIST_START.match(self._buffer, self._at)
            if start is None:
                yield self._value(depth=0)
                continue
            self._at = start.end()
            yield from self._elements()
            if start[0] != b"[" and (rest := self._value(depth=1)) and not _is_json(b'{"":0' + rest):
                yield rest

    def _elements(self) -> Iterator[bytes]:
        while (following := self._skip_blank()) != b"]":
            if following:
                yield self._value(depth=0)
                continue
            if not self._cut_short:
                yield b""
            return
        self._at += 1

    def _value(self, *, depth: int) -> bytes:
        """Take one value: up to its closing bracket, or else up to the comma, bracket or line end that follows."""
        scanned = self._at
        while True:
            found = (_BRACKET if depth else _SCALAR).match(self._buffer, scanned)
            if found is None:
                scanned -= self._at
                if self._more():
                    continue
                self._cut_short = True
                return self._cut(len(self._buffer))
            scanned = found.end()
            depth += len(found[1]) if found[1] else -1
            if depth <= 0:
                return self._cut(max(scanned, self._at + 1))

    def _skip_blank(self) -> bytes:
        """Move to the next byte that isn't blank or a comma, and give it; b"" at the end."""
        while True:
            self._look_ahead()
            self._at = _BLANK.match(self._buffer, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._buffer):
                return self._buffer[self._at : self._at + 1]
            if not self._more():
                return b""

    def _look_ahead(self) -> None:
        while len(self._buffer) - self._at < _LOOK_AHEAD and self._more():
            pass

    def _more(self) -> bool:
        """Read until the buffered text has doubled, so that a long value isn't searched for its end too often."""
        rest = self._buffer[self._at :]
        read = [rest]
        size = 0
        while size <= len(rest) and (chunk := next(self._chunks, b"")):
            read.append(chunk)
            size += len(chunk)
        self._buffer, self._at = b"".join(read), 0
        return size > 0

    def _cut(self, end: int) -> bytes:
        cut = self._buffer[self._at : end]
        self._at = end
        return cut


def _is_json(text: bytes) -> bool:
    try:
        _VALUE.decode(text)
    except (DecodeError, RecursionError):
        return False
    return True
