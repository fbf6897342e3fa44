"""HTML that is made of elements, so that no text becomes markup: whatever isn't `Html` is escaped.

Text from the tenant goes through `name` or `value`, which also make invisible characters visible, cut what is long and
keep the direction of what is right-to-left to itself.
"""

from collections.abc import Iterable
from html import escape
from string import Formatter
from typing import Final

from shared.model.escape import shown

LONGEST_NAME: Final = 160
"""Characters of a name outside of headlines, where it is whole up to this."""
_HEADLINE: Final = 80
_SHORT: Final = 24
_EMPTY_ELEMENTS: Final = frozenset({"input", "meta", "link", "br"})


class Html(str):
    """A text that is markup already."""

    __slots__ = ()


type Part = str | Iterable[Part] | None
"""What an element holds: markup, a text that is escaped, several of them, or nothing."""


def el(tag: str, *parts: Part, **attributes: str | bool | None) -> Html:
    """Make an element. An attribute with an underscore gets a hyphen, a last one is dropped (`class_`).

    True is an attribute without a value; None and False leave it out.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if tag in _EMPTY_ELEMENTS:
        return Html(f"<{tag}{written}>")
    return Html(f"<{tag}{written}>{joined(parts)}</{tag}>")


def _attribute(key: str, value: str | bool | None) -> str:  # noqa: FBT001 - an attribute is there or not
    if value is None or value is False:
        return ""
    key = key.removesuffix("_").replace("_", "-")
    return f" {key}" if value is True else f' {key}="{escape(value)}"'


def joined(parts: Part) -> Html:
    """Write parts one after the other."""
    if parts is None:
        return Html("")
    if isinstance(parts, Html):
        return parts
    if isinstance(parts, str):
        return Html(escape(parts, quote=False))
    return Html("".join(joined(part) for part in parts))


def name(text: str, *, most: int = LONGEST_NAME) -> Html:
    """Write a name that somebody in the tenant chose."""
    is_unbroken = len(text) <= _SHORT and "-" in text
    return el("bdi", shown(text, most), class_="k" if is_unbroken else None)


def in_headline(text: str) -> Html:
    """Write such a name in a headline: cut in the middle where it is long."""
    return name(text, most=_HEADLINE)


def path(leaf: str) -> Html:
    """Write the name of a leaf, which may be broken after each dot."""
    first, *others = shown(leaf, LONGEST_NAME).split(".")
    return el("code", el("bdi", first, [[Html("<wbr>"), f".{part}"] for part in others]))


def sentence(template: str, **slots: Html | str) -> Html:
    """Fill a template; each slot (`{who}`) is markup, or text that is escaped."""
    written: list[Part] = []
    for text, slot, _, _ in Formatter().parse(template):
        written.append(text)
        if slot is not None:
            written.append(slots[slot])
    return joined(written)
