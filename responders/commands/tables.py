"""Tables for a terminal, as wide as it is, lists as JSON and TSV, and escapes for characters that a terminal obeys."""

import argparse
import json
import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from itertools import cycle
from typing import Final

import msgspec

_GAP: Final = "  "
_LEAST_OF_FIRST: Final = 20
"""Places that the first column keeps, so that what it names can be told from others by its beginning."""

_LEAST: Final = 10
"""Places that any other column keeps, or its heading if that is longer."""

_INSTANT: Final = "(UTC)"
"""What the heading of a column of instants ends with; half an instant says something else, so none is cut."""

_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""Ids of the directory, which aren't cut either: other commands want them whole."""

_VOWELS_AND_FINALS: Final = (range(0x1160, 0x1200), range(0xD7B0, 0xD800))
"""Parts of a Korean syllable that stand within the place of its first consonant."""


class Format(StrEnum):
    """How a list is printed."""

    TABLE = "table"
    JSON = "json"
    TSV = "tsv"


def add_output_option(parser: argparse.ArgumentParser, *, also: Sequence[str] = ()) -> None:
    """Add -o, which every command that lists something takes. `also` are formats that the command prints itself."""
    parser.add_argument(
        "-o",
        "--output",
        choices=[*(one.value for one in Format), *also],
        default=Format.TABLE.value,
        metavar="|".join((*(one.value for one in Format), *also)),
        help="a table as wide as the terminal (the default), or all of it: JSON, or values between tabs, no headings",
    )


def add_report_option(parser: argparse.ArgumentParser) -> None:
    """Add -o and --json, which every command that prints one report takes: for people, or all of it as JSON."""
    formats = [Format.TABLE.value, Format.JSON.value]
    parser.add_argument("--json", action="store_true", help="the same as -o json")
    parser.add_argument(
        "-o",
        "--output",
        choices=formats,
        default=Format.TABLE.value,
        metavar="|".join(formats),
        help="for people (the default), or all of it as one JSON object",
    )


def is_json(arguments: argparse.Namespace) -> bool:
    """Whether JSON is asked for, by -o json, or by --json where the command has that too."""
    return bool(arguments.output == Format.JSON or getattr(arguments, "json", False))


def print_list(
    arguments: argparse.Namespace,
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    none: str,
    whole: Sequence[object] | None = None,
) -> None:
    """Print a list as -o says, the most important column first: what doesn't fit is cut, or left out from the end.

    `none` is said of an empty list in a table. `whole` is what JSON has instead of the rows' texts, one for each row.
    """
    match Format(arguments.output):
        case Format.JSON:
            found = [dict(zip(_keys(names), row, strict=True)) for row in rows] if whole is None else whole
            print_json(found)
        case Format.TSV:
            for row in rows:
                print("\t".join(escaped(cell) for cell in row))
        case Format.TABLE:
            _print_cut(names, rows, none=none)


def print_json(value: object) -> None:
    """Print a value as JSON of several lines."""
    print(escaped_json(msgspec.json.format(msgspec.json.encode(value)).decode()))


def print_beside(arguments: argparse.Namespace, text: str) -> None:
    """Print what belongs to a list and is no row of it: below a table, else where it disturbs no program."""
    print(text, file=sys.stdout if arguments.output == Format.TABLE else sys.stderr)


def print_table(names: Sequence[str], rows: Sequence[Sequence[str]], *, none: str) -> None:
    """Print what belongs together as a table, or `none`. Nothing is left out: what doesn't fit goes on below."""
    if not rows:
        print(none)
        return
    clean = _clean(names, rows)
    widths = _widths(clean, len(names), _room())
    for row in _ruled(clean, widths):
        pieces = [_pieces(cell, width) for cell, width in zip(row, widths, strict=True)]
        for line in range(max(len(one) for one in pieces)):
            _print_line([one[line] if line < len(one) else "" for one in pieces], widths)


def print_folded(text: str) -> None:
    """Print a text that may be longer than the terminal is wide; what doesn't fit goes on below, further in."""
    room = _room()
    first, *others = _pieces(escaped(text), room) if room else [escaped(text)]
    print(first)
    for line in _pieces("".join(others), room - len(_GAP)) if others else ():
        print(f"{_GAP}{line}")


def has_colours() -> bool:
    """Whether colours may be used: on a terminal, unless NO_COLOR is set (https://no-color.org) or it has none."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def report_width(most: int) -> int:
    """Give how wide the lines of a report may be: as the terminal, and `most` on a wide one or where there is none."""
    return min(_room() or most, most)


def escaped(text: str) -> str:
    """Give text without characters that move a cursor or hide: each becomes its code point in angle brackets."""
    return "".join(one if one.isprintable() else f"<U+{ord(one):04X}>" for one in text)


def escaped_json(text: str) -> str:
    """Give JSON, which may be of several lines, with the same characters written as JSON escapes."""
    return "".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text)


def places(text: str) -> int:
    """Give how many columns of a terminal a text takes: two for each wide character, none for what joins another."""
    return sum(_places_of(one) for one in text)


# ---- layout ----------------------------------------------------------------------------------------------------------


def _print_cut(names: Sequence[str], rows: Sequence[Sequence[str]], *, none: str) -> None:
    if not rows:
        print(none)
        return
    clean, room = _clean(names, rows), _room()
    shown = _how_many_fit(clean, len(names), room)
    widths = _widths([row[:shown] for row in clean], shown, room)
    for row in _ruled([row[:shown] for row in clean], widths):
        _print_line([_cut(cell, width) for cell, width in zip(row, widths, strict=True)], widths)
    left_out = f"; left out: {', '.join(filter(None, names[shown:]))}" if shown < len(names) else ""
    if left_out or any(places(cell) > width for row in clean for cell, width in zip(row, widths, strict=False)):
        print(f"(cut to {room} columns, -o json has all{left_out})", file=sys.stderr)


def _keys(names: Sequence[str]) -> list[str]:
    """Name the columns for programs: in lower case, without units."""
    return [re.sub(r"\W+", "_", re.sub(r"\s*\(.*\)", "", name).lower()) or "state" for name in names]


def _clean(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[escaped(cell) for cell in row] for row in (names, *rows)]


def _ruled(clean: list[list[str]], widths: Sequence[int]) -> list[list[str]]:
    """Give the rows with a line under the headings."""
    return [clean[0], ["-" * width for width in widths], *clean[1:]]


def _room() -> int:
    """Give how many columns there are; 0 where nobody looks at it, so that a file or a program gets all of it."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def _how_many_fit(clean: list[list[str]], columns: int, room: int) -> int:
    """Give how many columns fit, each at its least width; all where there is no limit, and one at least."""
    least = _least(clean, columns)
    fit = (shown for shown in range(columns, 1, -1) if _sum(least[:shown]) <= room)
    return next(fit, 1) if room else columns


def _widths(clean: list[list[str]], columns: int, room: int) -> list[int]:
    """Give the width of each column: what it needs if there is room, else its least and a share of what is left."""
    needed = _needed(clean, columns)
    if not room or _sum(needed) <= room:
        return needed
    widths = _least(clean, columns)
    spare = room - _sum(widths)
    for place in cycle(range(columns)):
        if spare <= 0 or widths == needed:
            break
        if widths[place] < needed[place]:
            widths[place] += 1
            spare -= 1
    return widths


def _needed(clean: list[list[str]], columns: int) -> list[int]:
    return [max(places(row[place]) for row in clean) for place in range(columns)]


def _least(clean: list[list[str]], columns: int) -> list[int]:
    names, *rows = clean
    found: list[int] = []
    for place, needed in enumerate(_needed(clean, columns)):
        is_whole = names[place].endswith(_INSTANT) or (rows and all(_ID.fullmatch(row[place]) for row in rows))
        least_here = max(_LEAST_OF_FIRST if place == 0 else _LEAST, places(names[place]))
        found.append(needed if is_whole else min(needed, least_here))
    return found


def _sum(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _print_line(cells: Sequence[str], widths: Sequence[int]) -> None:
    padded = (cell + " " * (width - places(cell)) for cell, width in zip(cells, widths, strict=True))
    print(_GAP.join(padded).rstrip())


def _cut(text: str, width: int) -> str:
    """Give as much of a text as fits, and say where more follows."""
    return text if places(text) <= width else f"{_beginning(text, width - 1)}…"


def _pieces(text: str, width: int) -> list[str]:
    """Give a text in pieces that fit, cut between words where a piece would not be half empty for it."""
    pieces: list[str] = []
    while text:
        piece = _beginning(text, width) or text[0]
        rest = text[len(piece) :]
        after_space = piece.rfind(" ") + 1
        if rest and not rest.startswith(" ") and 2 * after_space > len(piece):
            piece, rest = piece[:after_space], text[after_space:]
        pieces.append(piece)
        text = rest.removeprefix(" ")
    return pieces or [""]


def _beginning(text: str, width: int) -> str:
    taken = 0
    for number, one in enumerate(text):
        taken += _places_of(one)
        if taken > width:
            return text[:number]
    return text


def _places_of(one: str) -> int:
    """Give the places of a character (Unicode Standard Annex 11; joining ones have none)."""
    if one.isascii():
        return 1
    if unicodedata.category(one) in {"Mn", "Me", "Cf"} or any(ord(one) in part for part in _VOWELS_AND_FINALS):
        return 0
    return 2 if unicodedata.east_asian_width(one) in "WF" else 1
