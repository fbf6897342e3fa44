"""Texts from the tenant, made safe to read: the invisible is shown, markup stays text, what is long is cut.

Anybody who can rename a policy chooses words that an owner reads at three in the morning. Cards therefore carry such
words in `TextRun`s only. "Text features" of the Adaptive Cards documentation says that a TextRun knows no markdown, and
the JavaScript and Android renderers keep to it; the iOS renderer does parse each run. So no run is left with both
halves of a markup: the text is broken between them, and what stands there is literal everywhere. (A backslash,
markdown's own escape, would show as a backslash on phones.)
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_SHOWN_AS_CODE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_MARKS: Final = frozenset({"Mn", "Me"})
_MOST_MARKS: Final = 2
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})
_ISOLATE, _END_OF_ISOLATE = "\u2068", "\u2069"
_QUOTES: Final = re.compile("[“”„‟]")

_BREAKS: Final = re.compile(
    r"(?<=\*)(?!\*)|(?<=_)(?!_)|(?<=`)|(?<=~)"  # halves of emphasis, code, strikethrough
    r"|(?<=\])(?=\()"  # [text](address)
    r"|(?<=<)(?=[A-Za-z/!?])"  # <at>name</at>
    r"|(?<=&)(?=[A-Za-z#])|(?<=\\)"  # entities, escapes
    r"|(?<=\{)(?=\{)|(?<=\$)(?=\{)"  # {{DATE(...)}} is rewritten by every renderer, ${...} by templating
    r"|(?<=[-+#>])(?= )|(?<=\d[.)])(?= )"  # lists, headings, quotes
    r"|(?<=:)(?=//)|(?<=[Ww]{3})(?=\.)"  # bare addresses
)

type Run = dict[str, Any]
"""A TextRun of a card, ready for JSON."""


def visible(text: str) -> str:
    """Give `text` on one line, with what can't be seen written as code points: `admin[U+200B]`.

    A line's end becomes ↵, and of several spaces in a row all but the first a middle dot (renderers would show one).
    """
    return "".join(_shown(text))


def _shown(text: str) -> Iterator[str]:
    """Show one character after the other; each may need the one before it, or more than one place."""
    before, marks = "", 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in _MARKS else 0
        if character == " " == before:
            yield "·"
        elif marks > _MOST_MARKS:
            yield _code(character)
        else:
            yield _seen(character)
        before = character


@lru_cache(maxsize=4096)
def _seen(character: str) -> str:
    if character in "\n ":
        return {"\n": "↵", " ": " "}[character]
    variation = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    hidden = character in _BLANK or unicodedata.category(character) in _SHOWN_AS_CODE
    return _code(character) if hidden or variation else character


def _code(character: str) -> str:
    return f"[U+{ord(character):04X}]"


def told(text: str, most: int) -> str:
    """Give a text from the tenant for a line of our own: visible, and cut in the middle to about `most` places.

    One that runs from right to left is isolated: it would turn the order of what stands round it, of old and new, say.
    """
    shown = _cut(text, most)
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in shown):
        return f"{_ISOLATE}{shown}{_END_OF_ISOLATE}"
    return shown


def _cut(text: str, most: int) -> str:
    if len(text) <= most and len(shown := visible(text)) <= most:
        return shown
    head = _fitting(_shown(text[:most]), most - most // 2)
    tail = _fitting(reversed(tuple(_shown(text[-most:]))), most // 2)
    left = len(text) - len(head) - len(tail)
    return f"{''.join(head)} …({left:,} left out)… {''.join(reversed(tail))}"


def _fitting(shown: Iterable[str], room: int) -> list[str]:
    taken: list[str] = []
    for places in shown:
        room -= len(places)
        if room < 0:
            break
        taken.append(places)
    return taken


def quoted(text: str, most: int) -> str:
    """Give a text from the tenant in quotation marks that it can't close itself."""
    return f"“{_QUOTES.sub(lambda found: _code(found[0]), told(text, most))}”"


def plain(text: str) -> str:
    """Give a line for a service that makes addresses clickable: `http[://]evil.example`."""
    return text.replace("://", "[://]")


def runs(text: str, *, most_pieces: int, style: Mapping[str, Any]) -> list[Run]:
    """Give the runs that show `text` literally, in the `style` of a TextRun; the tenant's part of it is `told` already.

    A text that would need more than `most_pieces` runs is markup and little else: of the rest only the length is told.
    """
    pieces = [piece for piece in _BREAKS.split(text) if piece]
    if len(pieces) > most_pieces:
        left = sum(map(len, pieces[most_pieces:]))
        pieces = [*pieces[:most_pieces], f" …({left:,} left out)"]
    return [{"type": "TextRun", "text": piece, **style} for piece in pieces]
