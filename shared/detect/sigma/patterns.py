"""What a rule asks of a field, and how each kind of field answers: by a condition that means exactly that."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from msgspec import Struct

from shared.model.conditions import (
    Comparison,
    Condition,
    Contains,
    EndsWith,
    Is,
    Not,
    OneOf,
    StartsWith,
    Text,
    all_of,
    any_of,
    as_written,
)
from shared.model.events import fold


class Inexpressible(Exception):
    """Something of a rule that can't be said as a condition; the text says what, and what would be right."""


class Pattern(Struct, frozen=True, kw_only=True):
    """A text that a value has to be, or to begin with, to end with or to hold: what is open may be anything.

    `text` is folded. Where a part was meant to begin or end with a space, it still does.
    """

    text: str
    open_start: bool = False
    open_end: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the value has to be this, from end to end."""
        return not (self.open_start or self.open_end)


_LONGEST: Final = 500
"""Where `events.fold` cuts a text: what is longer couldn't be compared."""
_LONGEST_SHOWN: Final = 60


def pattern_of(text: str, *, open_start: bool, open_end: bool) -> Pattern:
    """Make a pattern of a text as it was written.

    Raises:
        Inexpressible: it is too long to compare, nothing but spaces, or stands for words that the user is to put in.
    """
    if len(text) > _LONGEST:
        raise Inexpressible(f"a value has {len(text)} characters; {_LONGEST} can be compared")
    if text.startswith("<") and text.endswith(">"):
        raise Inexpressible(f"{_short(text)} stands for words of your own: put them there")
    folded = fold(text)
    if not folded and (open_start or open_end):
        raise Inexpressible("a value of spaces alone can't be asked")
    before = " " if open_start and text[:1].isspace() else ""
    after = " " if open_end and text[-1:].isspace() else ""
    return Pattern(text=f"{before}{folded}{after}", open_start=open_start, open_end=open_end)


def _short(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…")


class Answer(Protocol):
    """How a field answers."""

    def meets(self, pattern: Pattern) -> Condition[Any]:
        """Ask whether the value meets a pattern. Raises Inexpressible where that can't be asked of this field."""
        ...

    def is_there(self) -> Condition[Any]:
        """Ask whether the record has a value there."""
        ...


class Plain(Struct, frozen=True, kw_only=True):
    """A field that is a text of ours.

    `only` is what has to hold for a record to have it (a user's name, where an application may have acted). `spellings`
    gives those that records have of a whole value; where not every text can occur, `is_right` says which can, and
    `right` says so to people.
    """

    field: Text[Any]
    only: Condition[Any] | None = None
    spellings: Callable[[str], frozenset[str]] = as_written
    is_right: Callable[[str], bool] | None = None
    right: str = ""

    def meets(self, pattern: Pattern) -> Condition[Any]:
        """Ask whether the text meets a pattern. Raises Inexpressible for one that no record can meet."""
        return self._where_there(self._whole(pattern.text) if pattern.is_whole else self._part(pattern))

    def is_there(self) -> Condition[Any]:
        """Ask whether the text isn't empty."""
        return self._where_there(Not(Is(self.field, "")))

    def _whole(self, text: str) -> Comparison[Any]:
        values = self.spellings(text)
        if self.is_right is not None and not all(map(self.is_right, values)):
            raise Inexpressible(f"no record has {_short(text)} there: it should be {self.right}")
        return Is(self.field, *values) if len(values) == 1 else OneOf(self.field, values)

    def _part(self, pattern: Pattern) -> Comparison[Any]:
        if not pattern.open_start:
            return StartsWith(self.field, pattern.text)
        return Contains(self.field, pattern.text) if pattern.open_end else EndsWith(self.field, pattern.text)

    def _where_there(self, condition: Condition[Any]) -> Condition[Any]:
        return condition if self.only is None else all_of(self.only, condition)


class Listed(Struct, frozen=True, kw_only=True):
    """A field of several values, of which one has to meet the pattern: a text of `fields.audit.lists`.

    With `key`, the values are those of the lines that begin with `key=`. With `in_quotes`, a value may be a JSON string
    in the record, whose quotes are gone here: a pattern may name them.
    """

    field: Text[Any]
    key: str = ""
    in_quotes: bool = False

    def meets(self, pattern: Pattern) -> Condition[Any]:
        """Ask whether one of the values meets a pattern. Raises Inexpressible where lines can't answer that."""
        if self.key and pattern.open_start:
            raise Inexpressible("of this field, only the whole value or its beginning can be asked")
        start = "" if pattern.open_start else self._begin
        line = f"{start}{pattern.text}{'' if pattern.open_end else '\n'}"
        lines = dict.fromkeys([line, *(_unquoted(pattern) if self.in_quotes else ())])
        asked = [Contains(self.field, each) for each in lines]
        return asked[0] if len(asked) == 1 else any_of(*asked)

    def is_there(self) -> Condition[Any]:
        """Ask whether there is any value."""
        return Contains(self.field, self._begin) if self.key else Not(Is(self.field, ""))

    @property
    def _begin(self) -> str:
        return f"\n{self.key}=" if self.key else "\n"


def _unquoted(pattern: Pattern) -> Iterator[str]:
    """Give what is in the lines where the quotes around a pattern are those around the value."""
    text, start, end = pattern.text, "" if pattern.open_start else "\n", "" if pattern.open_end else "\n"
    if text.startswith('"'):
        yield f"\n{text[1:]}{end}"
    if text.endswith('"'):
        yield f"{start}{text[:-1]}\n"
    if len(text) > 1 and text.startswith('"') and text.endswith('"'):
        yield f"\n{text[1:-1]}\n"


class Several(Struct, frozen=True, kw_only=True):
    """A field that holds others of ours: it meets what one of them meets.

    With `only_parts`, it is an object or a list of them, so nothing is ever equal to the whole of it.
    """

    parts: tuple[Answer, ...]
    only_parts: bool = False

    def meets(self, pattern: Pattern) -> Condition[Any]:
        """Ask whether one of the parts meets a pattern. Raises Inexpressible for the whole of an object."""
        if self.only_parts and not (pattern.open_start and pattern.open_end):
            raise Inexpressible("it holds others: ask for one of those, or use contains")
        return any_of(*(part.meets(pattern) for part in self.parts))

    def is_there(self) -> Condition[Any]:
        """Ask whether one of the parts is there."""
        return any_of(*(part.is_there() for part in self.parts))


class Worded(Struct, frozen=True, kw_only=True):
    """A field whose values are words with a meaning of their own; `parts` answers for what is asked of other parts.

    Without `parts`, only whole words can be asked for.
    """

    words: Mapping[str, Condition[Any]]
    parts: Answer | None = None

    def meets(self, pattern: Pattern) -> Condition[Any]:
        """Ask what the word means. Raises Inexpressible for a word that no record has."""
        if pattern.text in self.words:
            return self.words[pattern.text]
        if not pattern.is_whole:
            if self.parts is None:
                raise Inexpressible("only whole words can be asked for")
            return self.parts.meets(pattern)
        raise Inexpressible(f"no record has {_short(pattern.text)} there: it should be {' or '.join(self.words)}")

    def is_there(self) -> Condition[Any]:
        """Ask whether there is any word."""
        return any_of(*self.words.values()) if self.parts is None else self.parts.is_there()
