"""Tables for a terminal, with columns as wide as their text, and escapes for characters that a terminal obeys."""

import json
from collections.abc import Sequence


def escaped(text: str) -> str:
    """Give text without characters that move a cursor or hide: each becomes its code point in angle brackets."""
    return "".join(one if one.isprintable() else f"<U+{ord(one):04X}>" for one in text)


def escaped_json(text: str) -> str:
    """Give JSON, which may be of several lines, with the same characters written as JSON escapes."""
    return "".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text)


def print_table(names: Sequence[str], rows: Sequence[Sequence[str]], *, none: str) -> None:
    """Print rows under their column names, or `none` where there is no row."""
    if not rows:
        print(none)
        return
    clean = [[escaped(cell) for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in [names, *clean]) for place in range(len(names))]
    for row in [names, ["-" * width for width in widths], *clean]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
