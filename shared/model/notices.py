"""Who is notified, and the messages about the responder itself."""

from enum import StrEnum

from msgspec import Struct

from shared.model.bilingual import KOREAN, NO_WORDS, Value, Words, filled


class Phase(StrEnum):
    """What a page about a case says of it. A case is paged once in each phase."""

    PENDING = "pending"
    """It can't be put back yet, and the responder keeps trying."""

    ENDED = "ended"
    """What came of it."""


class NoticeTexts(Struct, frozen=True, kw_only=True):
    """What a message says, in one language."""

    title: str
    text: str
    what_to_do: str
    link_title: str = ""


class SystemNotice(Struct, frozen=True, kw_only=True):
    """One message. A second one with the same `key` isn't sent that day.

    `text` may quote the tenant; it is escaped later. `never_waits`: no limit of messages an hour keeps it back. That is
    for the highest risk: somebody has the responder's identity, or an emergency account can't sign in.

    - `until_acknowledged`: it climbs as an urgent page does, until somebody acknowledges it by its `key`. Then a second
      one with the same key isn't sent for three days.
    - `drill`: it is a drill's own, and says so. `is_silent`: it wakes nobody, where the channel can tell.
    - `scopes` are the lists in table `Owners` whose owners are mentioned, `owners` are mentioned besides.
    - `lines` are shown below the text, each on a line of its own.
    - `link` is an address that it opens, for what `link_title` says; "" for none.
    - `korean` is what it says in Korean, None where it is in English only.
    """

    key: str
    title: str
    text: str
    what_to_do: str
    never_waits: bool = False
    until_acknowledged: bool = False
    drill: bool = False
    is_silent: bool = False
    scopes: tuple[str, ...] = ()
    owners: "tuple[Owner, ...]" = ()
    lines: tuple[str, ...] = ()
    link: str = ""
    link_title: str = ""
    korean: NoticeTexts | None = None

    @property
    def title_in_both(self) -> Words:
        """Give the title in each language."""
        return Words(en=self.title, ko=self.texts(KOREAN).title)

    def texts(self, language: str) -> NoticeTexts:
        """Give what it says in a language ("ko", anything else is English), in English where it has no other."""
        english = NoticeTexts(title=self.title, text=self.text, what_to_do=self.what_to_do, link_title=self.link_title)
        return self.korean if self.korean and language == KOREAN else english


class NoticeText(Struct, frozen=True, kw_only=True):
    """A message as it is declared: an id, and its texts in English and Korean with parameters in braces.

    The flags and `scopes` are those of the message.
    """

    id: str
    title: Words
    text: Words
    what_to_do: Words
    link_title: Words = NO_WORDS
    never_waits: bool = False
    until_acknowledged: bool = False
    is_silent: bool = False
    scopes: tuple[str, ...] = ()

    def notice(self, key: str, /, **values: Value) -> SystemNotice:
        """Give the message with its parameters' values. Raises KeyError where one is missing."""
        title, text, what_to_do = (filled(words, **values) for words in (self.title, self.text, self.what_to_do))
        return SystemNotice(
            key=key,
            title=title.en,
            text=text.en,
            what_to_do=what_to_do.en,
            never_waits=self.never_waits,
            until_acknowledged=self.until_acknowledged,
            is_silent=self.is_silent,
            scopes=self.scopes,
            link_title=self.link_title.en,
            korean=NoticeTexts(title=title.ko, text=text.ko, what_to_do=what_to_do.ko, link_title=self.link_title.ko),
        )


class Owner(Struct, frozen=True, kw_only=True):
    """A row of table `Owners`: a person to page for `scope` (an approval list, a detection id, or "*").

    The owners of a scope are paged in the order of `order`, the smallest first. A mention in Teams needs `object_id`,
    or `upn` where that is "".
    """

    scope: str
    order: int
    name: str
    upn: str
    object_id: str = ""
