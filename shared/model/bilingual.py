"""Texts in English and Korean, and how values are put into them.

Such a text is declared once, in both languages, so that none is there in one language only. What a parameter quotes
from the tenant, from a person or from an error stays as it is, but on one line. The Korean texts put no particle behind
a parameter, since it would depend on how that ends.
"""

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Final

from msgspec import Struct

ENGLISH: Final = "en"
KOREAN: Final = "ko"


class Words(Struct, frozen=True, kw_only=True):
    """A text in English and in Korean."""

    en: str
    ko: str

    def in_language(self, language: str) -> str:
        """Give the text in a language ("ko", "ko-KR", anything else is English)."""
        return self.ko if language.lower().startswith(KOREAN) else self.en


type Value = str | int | Words

NO_WORDS: Final = Words(en="", ko="")


def filled(words: Words, **values: Value) -> Words:
    """Give a text with the values of its parameters, in each language those of that language.

    Raises KeyError where one is missing.
    """
    return Words(en=_filled(words.en, values, ENGLISH), ko=_filled(words.ko, values, KOREAN))


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


_PART: Final = re.compile(r"\\\{(\w+)\\\}")


class KeptTexts:
    """Texts that are kept in English, as the code makes them, with their Korean; a part in braces is any value."""

    def __init__(self, texts: Iterable[tuple[str, str]]) -> None:
        self._texts = tuple(texts)

    @cached_property
    def _compiled(self) -> tuple[tuple[re.Pattern[str], str], ...]:
        return tuple((re.compile(_PART.sub(r"(?P<\1>.+?)", re.escape(en))), ko) for en, ko in self._texts)

    def in_korean(self, text: str) -> str:
        """Give a text in Korean, by the first that fits; "" for one that there is in English only."""
        for pattern, korean in self._compiled:
            found = pattern.fullmatch(text)
            if found is not None:
                return korean.format_map(found.groupdict())
        return ""
