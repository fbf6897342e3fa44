"""Content that may be larger than one column of a table: as text where it is short, else compressed, in several.

A column takes 64 KiB (text in UTF-16), a row 1 MiB with its names.
"""

import zlib
from collections.abc import Mapping
from typing import Any, Final

LONGEST_TEXT: Final = 60_000
"""Bytes in UTF-16."""

_COLUMN: Final = 64 * 1024
_MOST_COLUMNS: Final = 14
"""Leaves an eighth of a row for its other columns."""


def packed(name: str, content: bytes) -> dict[str, str | bytes] | None:
    """Give columns `name`, or `name0` and so on, that hold UTF-8 `content`; None where a row can't hold it."""
    text = content.decode()
    if len(text.encode("utf-16-le")) <= LONGEST_TEXT:
        return {name: text}
    compressed = zlib.compress(content)
    pieces = [compressed[begin : begin + _COLUMN] for begin in range(0, len(compressed), _COLUMN)]
    if len(pieces) > _MOST_COLUMNS:
        return None
    return {f"{name}{number}": piece for number, piece in enumerate(pieces)}


def unpacked(name: str, columns: Mapping[str, Any]) -> bytes | None:
    """Read back what `packed` gave; None where there is nothing of that name.

    Raises:
        ValueError: the columns are broken.
    """
    text = columns.get(name)
    if isinstance(text, str):
        return text.encode()
    pieces = [columns[f"{name}{number}"] for number in range(_MOST_COLUMNS) if f"{name}{number}" in columns]
    if not pieces:
        return None
    try:
        return zlib.decompress(b"".join(pieces))
    except (zlib.error, TypeError) as error:
        raise ValueError(f"the columns of {name} can't be decompressed: {error}") from error
