"""What differs, leaf by leaf: label, path, old and new. Members of a list stand together, one by one."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from shared.console import texts
from shared.console.markup import Html, Part, el, joined, path, sentence
from shared.console.names import label
from shared.console.sentences import Named
from shared.model.bilingual import Words
from shared.model.escape import shown
from shared.model.kinds import Json
from shared.model.objects import EXISTS, Leaves, Step, list_of
from shared.notify.diff import Difference
from shared.objects.comparing import member_of

_LONGEST_VALUE: Final = 10_000
_MOST_MEMBERS: Final = 50
_MOST_ROWS: Final = 60

type Note = Callable[[str], Part]
"""Gives what is said of a leaf below its values."""


def nothing_noted(_leaf: str) -> Part:
    """Say nothing of a leaf."""
    return None


def leaf_rows(
    steps: Mapping[str, Step], named: Named, language: str, *, stands: Leaves | None = None, note: Note = nothing_noted
) -> Html:
    """Write what differs as a list; `stands` are the leaves as they are, to count what is unchanged in a list."""
    groups: dict[str, list[tuple[str, Step]]] = {}
    for leaf, step in sorted(steps.items()):
        groups.setdefault(list_of(leaf) or leaf, []).append((leaf, step))
    page = _Page(named=named, language=language, stands=stands or {}, note=note)
    rows = [_row(leaf, found, page) for leaf, found in list(groups.items())[:_MOST_ROWS]]
    more = len(groups) - _MOST_ROWS
    return joined([rows, _more(more, language) if more > 0 else None])


def _more(count: int, language: str) -> Html:
    return el("p", sentence(texts.AND_MORE.in_language(language), count=f"{count:,}"), class_="more")


class _Page(Struct, frozen=True, kw_only=True):
    named: Named
    language: str
    stands: Leaves
    note: Note


def _row(leaf: str, found: list[tuple[str, Step]], page: _Page) -> Html:
    named, language = page.named, page.language
    is_list = any(list_of(each) for each, _ in found)
    title = texts.EXISTS_LABEL.in_language(language) if leaf == EXISTS else label(leaf, language)
    head = el("dt", title or None, None if leaf == EXISTS else path(leaf))
    body: list[Part] = []
    for each, (old, new) in found[:_MOST_MEMBERS]:
        body += _members(each, old, new, named, language) if is_list else _values(leaf, old, new, named, language)
    if len(found) > _MOST_MEMBERS:
        body.append(el("dd", _more(len(found) - _MOST_MEMBERS, language)))
    if is_list:
        touched = {each for each, _ in found}
        same = sum(1 for each in page.stands if list_of(each) == leaf and each not in touched)
        unchanged = sentence(texts.UNCHANGED.in_language(language), count=f"{same:,}")
        body.append(el("dd", unchanged, class_="same") if same else None)
    noted = page.note(found[0][0])
    return el("dl", head, body, el("dd", noted) if noted else None, class_="leaf")


def _members(leaf: str, old: Json, new: Json, named: Named, language: str) -> list[Part]:
    """Write a member that was added or removed; one that is there before and after has values of its own."""
    member = _named(member_of(leaf), named)
    if old is not None and new is not None:
        return [el("dd", member), *_values(leaf, old, new, named, language)]
    return [el("dd", _gone(member, texts.REMOVED, language) if new is None else _come(member, texts.ADDED, language))]


def _values(leaf: str, old: Json, new: Json, named: Named, language: str) -> list[Part]:
    if leaf == EXISTS:
        return [
            el("dd", _gone(_there(old, language), texts.WAS, language)),
            el("dd", _come(_there(new, language), texts.BECAME, language)),
        ]
    gone = el("dd", _gone(_value(old, named, language), texts.WAS, language))
    come = el("dd", _come(_value(new, named, language), texts.BECAME, language))
    return [gone if old is not None or new is None else None, come if new is not None else None]


def _gone(part: Part, words: Words, language: str) -> Html:
    return el("del", el("span", f"{words.in_language(language)} ", class_="vh"), part)


def _come(part: Part, words: Words, language: str) -> Html:
    return el("ins", el("span", f"{words.in_language(language)} ", class_="vh"), part)


def _there(value: Json, language: str) -> str:
    return (texts.THERE if value else texts.NOT_THERE).in_language(language)


def _value(value: Json, named: Named, language: str) -> Html:
    if value is None:
        return el("span", texts.NO_VALUE.in_language(language))
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return _named(text, named)


def _named(text: str, named: Named) -> Html:
    """Write a value, with its name in front where it is a known id."""
    found = named(text)
    written = el("bdi", shown(text, _LONGEST_VALUE))
    return joined([el("bdi", shown(found, _LONGEST_VALUE)), " ", el("code", written)]) if found else written


def leaf_values(leaves: Mapping[str, Json], named: Named, language: str) -> Html:
    """Write what stands, without saying that anything differs."""
    groups: dict[str, list[Html]] = {}
    for leaf, value in sorted(leaves.items()):
        shown_value = _value(value, named, language) if leaf != EXISTS else joined(_there(value, language))
        groups.setdefault(list_of(leaf) or leaf, []).append(el("dd", shown_value))
    written: list[Part] = []
    for leaf, found in groups.items():
        title = texts.EXISTS_LABEL.in_language(language) if leaf == EXISTS else label(leaf, language)
        head = el("dt", title or None, None if leaf == EXISTS else path(leaf))
        more = len(found) - _MOST_MEMBERS
        rest = el("dd", _more(more, language)) if more > 0 else None
        written.append(el("dl", head, found[:_MOST_MEMBERS], rest, class_="leaf"))
    return joined(written)


def differences_shown(found: Iterable[Difference], language: str) -> Html:
    """Write what a record says of something that isn't a guarded object, by its own names of properties."""
    return joined(_difference(one, language) for one in list(found)[:_MOST_ROWS])


def _difference(one: Difference, language: str) -> Html:
    head = el("dt", label(one.path, language) or None, path(one.path))
    if one.is_of_list:
        gone = [el("dd", _gone(_text(each), texts.REMOVED, language)) for each in one.removed[:_MOST_MEMBERS]]
        come = [el("dd", _come(_text(each), texts.ADDED, language)) for each in one.added[:_MOST_MEMBERS]]
        more = max(len(one.removed) - _MOST_MEMBERS, 0) + max(len(one.added) - _MOST_MEMBERS, 0)
        unchanged = sentence(texts.UNCHANGED.in_language(language), count=f"{one.kept:,}")
        rest = [
            el("dd", _more(more, language)) if more else None,
            el("dd", unchanged, class_="same") if one.kept else None,
        ]
        return el("dl", head, gone, come, rest, class_="leaf")
    if one.old is None and one.new is None:
        return el("dl", head, el("dd", texts.VALUE_UNKNOWN.in_language(language), class_="same"), class_="leaf")
    gone, come = (
        el("dd", write(_text(text) if text is not None else texts.NO_VALUE.in_language(language), words, language))
        for write, text, words in ((_gone, one.old, texts.WAS), (_come, one.new, texts.BECAME))
    )
    return el("dl", head, gone, come, class_="leaf")


def _text(text: str) -> Html:
    return el("bdi", shown(text, _LONGEST_VALUE))
