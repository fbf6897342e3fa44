"""Makes text from the tenant safe to show: invisible characters become visible, markup stays text, long text is cut.

Anybody who can rename a policy can choose text that an owner reads on a card. Cards therefore carry such text only in
`TextRun`s. The page "Text features" of the Adaptive Cards documentation says that a TextRun doesn't interpret markdown.
The JavaScript and Android renderers follow it, but the iOS renderer parses each run. So `runs` splits the text inside
every markup token, and no single run holds a complete one. (A backslash, markdown's own escape, would be shown as a
backslash on phones.)
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
    """Give `text` on one line, with invisible characters written as code points: `admin[U+200B]`.

    A line break becomes ↵. Of several spaces in a row, all but the first become a middle dot, because renderers would
    show a single space.
    """
    return "".join(_visible_characters(text))


def _visible_characters(text: str) -> Iterator[str]:
    """Give the visible form of each character; it may depend on the character before, and may be several characters."""
    before, marks = "", 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in _MARKS else 0
        if character == " " == before:
            yield "·"
        elif marks > _MOST_MARKS:
            yield _code_point(character)
        else:
            yield _visible_character(character)
        before = character


@lru_cache(maxsize=4096)
def _visible_character(character: str) -> str:
    if character in "\n ":
        return {"\n": "↵", " ": " "}[character]
    variation = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    hidden = character in _BLANK or unicodedata.category(character) in _SHOWN_AS_CODE
    return _code_point(character) if hidden or variation else character


def _code_point(character: str) -> str:
    return f"[U+{ord(character):04X}]"


def shown(text: str, max_length: int) -> str:
    """Give text from the tenant in a form that is safe inside our own sentences.

    Invisible characters become visible, and text longer than about `max_length` characters is cut in the middle.
    Right-to-left text is isolated, because it would reverse the order of the words around it, such as old and new.
    """
    visible_text = _cut(text, max_length)
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in visible_text):
        return f"{_ISOLATE}{visible_text}{_END_OF_ISOLATE}"
    return visible_text


def _cut(text: str, max_length: int) -> str:
    if len(text) <= max_length and len(visible_text := visible(text)) <= max_length:
        return visible_text
    head = _fitting(_visible_characters(text[:max_length]), max_length - max_length // 2)
    tail = _fitting(reversed(tuple(_visible_characters(text[-max_length:]))), max_length // 2)
    left = len(text) - len(head) - len(tail)
    return f"{''.join(head)} …({left:,} left out)… {''.join(reversed(tail))}"


def _fitting(visible_text: Iterable[str], length: int) -> list[str]:
    fitting: list[str] = []
    for places in visible_text:
        length -= len(places)
        if length < 0:
            break
        fitting.append(places)
    return fitting


def quoted(text: str, max_length: int) -> str:
    """Give text from the tenant in quotation marks; quotation marks inside it become code points."""
    return f"“{_QUOTES.sub(lambda found: _code_point(found[0]), shown(text, max_length))}”"


def unlinked(text: str) -> str:
    """Break the addresses in `text`, for a service that makes them clickable: `http[://]evil.example`."""
    return text.replace("://", "[://]")


def runs(text: str, *, max_runs: int, style: Mapping[str, Any]) -> list[Run]:
    """Split `text` into the TextRuns that show it literally, each with the properties in `style`.

    Text from the tenant in it must have gone through `shown`. After `max_runs` runs only the number of characters left
    out is given: a text that needs more is mostly markup.
    """
    pieces = [piece for piece in _BREAKS.split(text) if piece]
    if len(pieces) > max_runs:
        left = sum(map(len, pieces[max_runs:]))
        pieces = [*pieces[:max_runs], f" …({left:,} left out)"]
    return [{"type": "TextRun", "text": piece, **style} for piece in pieces]
