"""How what a step may find is declared: an id, what it means, and its texts in English and Korean with parameters.

A step makes its findings from declarations alone, so that none is there in one language only. What a parameter quotes
from the tenant, from a person or from an error stays as it is, but on one line. The Korean texts put no particle behind
a parameter, since it would depend on how that ends.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from shared.emergency.entries import Answer, Finding, FoundTexts
from shared.emergency.runbook import Words

type Value = str | int | Words

_NOTHING: Final = Words(en="", ko="")


class FindingText(Struct, frozen=True, kw_only=True):
    """Something that a step may find. Parameters stand in braces, the same ones in both languages.

    `what_to_do` is empty in both where there is nothing to do.
    """

    id: str
    answer: Answer
    about: Words
    text: Words
    what_to_do: Words = _NOTHING

    def found(self, *, is_new: bool = False, **values: Value) -> Finding:
        """Give the finding with its parameters' values. Raises KeyError where one is missing."""
        about, text, what_to_do = (filled(words, **values) for words in (self.about, self.text, self.what_to_do))
        return Finding(
            answer=self.answer,
            about=about.en,
            text=text.en,
            what_to_do=what_to_do.en,
            is_new=is_new,
            id=self.id,
            korean=FoundTexts(about=about.ko, text=text.ko, what_to_do=what_to_do.ko),
        )


def filled(words: Words, **values: Value) -> Words:
    """Give a text with the values of its parameters, in each language those of that language."""
    return Words(en=_filled(words.en, values, "en"), ko=_filled(words.ko, values, "ko"))


def _filled(text: str, values: dict[str, Value], language: str) -> str:
    return text.format_map({name: _value(value, language) for name, value in values.items()})


def _value(value: Value, language: str) -> str | int:
    """Give a value; what is quoted begins no line of its own, where it could pass for a text of the app's."""
    if isinstance(value, str):
        value = quoted(value)
    return value.in_language(language) if isinstance(value, Words) else value


def same(text: str) -> Words:
    """Give a text of our own that is the same in both languages: parameters, a command."""
    return Words(en=text, ko=text)


def quoted(text: str) -> Words:
    """Give what the tenant, a person or an error says, on one line."""
    return same("↵".join(text.splitlines()))


def joined(parts: Iterable[Words], between: str) -> Words:
    """Join texts."""
    each = tuple(parts)
    return Words(en=between.join(part.en for part in each), ko=between.join(part.ko for part in each))


def some(names: list[str], most: int) -> Words:
    """List the first names, and say how many more there are."""
    shown = quoted(", ".join(names[:most])).en
    more = len(names) - most
    if more <= 0:
        return same(shown)
    return Words(en=f"{shown}, and {more:,} more", ko=f"{shown} 외 {more:,}개")
