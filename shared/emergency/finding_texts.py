"""How what a step may find is declared: an id, what it means, and its texts in English and Korean with parameters.

A step makes its findings from declarations alone, so that none is there in one language only. `shared.model.bilingual`
says what the texts may have in them.
"""

from msgspec import Struct

from shared.emergency.entries import Answer, Finding, FoundTexts
from shared.model.bilingual import NO_WORDS, Value, Words, filled


class FindingText(Struct, frozen=True, kw_only=True):
    """Something that a step may find. Parameters stand in braces, the same ones in both languages.

    `what_to_do` is empty in both where there is nothing to do.
    """

    id: str
    answer: Answer
    about: Words
    text: Words
    what_to_do: Words = NO_WORDS

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
