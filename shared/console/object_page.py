"""The page of an object: does it stand as accepted, and how did it come to?"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

from msgspec import Struct

from shared.console import texts
from shared.console.frame import ROOT, View, card, clock, news, page
from shared.console.leaves import leaf_rows, leaf_values
from shared.console.markup import Html, Part, el, in_headline, joined, name
from shared.console.names import label
from shared.console.sentences import NOUNS, Named
from shared.model.bilingual import Words
from shared.model.cases import Standing
from shared.model.escape import shown
from shared.model.object_kinds import LeafRules
from shared.model.objects import EXISTS, WHOLE, Provenance, Verdict, Version
from shared.objects.comparing import differences
from shared.objects.history import Entry, Happening
from shared.respond.persons import History
from shared.respond.persons import Shown as ShownObject

_MOST: Final = 50
_LONGEST: Final = 1_000
_LEAVES_OF_AN_ENTRY: Final = 20


class Past(Struct, frozen=True, kw_only=True):
    """What the page shows: the object as it was last read, what happened to it, and which versions are compared.

    `one` and `two` are numbers of versions, from 1. `said` is what came of a press.
    """

    shown: ShownObject
    history: History
    rules: LeafRules
    one: int = 0
    two: int = 0
    said: Words | None = None


def versions_of(shown_object: ShownObject) -> list[Version]:
    """Give every version that is kept, oldest first."""
    state = shown_object.state
    found = {one.at: one for one in (state.origin, *state.versions)}
    return [found[at] for at in sorted(found)]


def object_page(past: Past, named: Named, view: View) -> str:
    """Write the page."""
    state, seen = past.shown.state, past.shown.seen
    look, words = _verdict(past)
    noun = NOUNS[state.id.kind].in_language(view.language)
    meta = el(
        "p",
        el("span", view.say(words[0], **words[1]), class_=f"st {look}"),
        el("span", f"{noun[0].upper()}{noun[1:]}"),
        el("span", view.put(texts.READ_WHEN, at=clock(seen.until or seen.at, view))),
        class_="meta",
    )
    verdict = el(
        "div",
        el(
            "div", meta, el("h1", in_headline(state.name)), el("p", _accounted(past, view), class_="proof"), class_="in"
        ),
        class_=f"verdict {look}",
    )
    broken = [
        el("p", view.say(texts.CHAIN_BROKEN, because=shown(one, _LONGEST)), class_="err", role="alert")
        for one in past.history.broken
    ]
    body = el(
        "div",
        broken,
        _waiting(past, named, view),
        _compared(past, named, view),
        _history(past, named, view),
        class_="body",
    )
    side = el("div", _ids(past, view), _all(past, named, view), class_="side2")
    main = joined([news(view, past.said), verdict, el("div", body, side, class_="in cols")])
    return page(
        f"{view.say(words[0], **words[1])}: {shown(state.name, 120)}", main, view, up=(ROOT, view.say(texts.INCIDENTS))
    )


def _verdict(past: Past) -> tuple[str, tuple[Words, dict[str, int]]]:
    plan = past.shown.plan
    differing = {leaf for leaf, one in plan.verdicts.items() if one.verdict is not Verdict.LEFT} - {WHOLE}
    if differing:
        return "needs", (texts.DIFFERS, {"count": len(differing)})
    if not past.shown.seen.leaves:
        return "left", (texts.IS_GONE, {})
    if any(one.provenance is Provenance.FIRST_SEEN for one in plan.baseline.values()):
        return "pending", (texts.NOT_ACCEPTED, {})
    return "back", (texts.STANDS_AS_ACCEPTED, {})


def _accounted(past: Past, view: View) -> Html:
    found = Counter(one.provenance for one in past.shown.plan.baseline.values() if one.value is not None)
    return view.put(
        texts.ACCOUNTED,
        total=f"{found.total():,}",
        accepted=f"{found[Provenance.ACCEPTED]:,}",
        approved=f"{found[Provenance.APPROVED] + found[Provenance.BRACKETED]:,}",
        back=f"{found[Provenance.PUT_BACK]:,}",
        first=f"{found[Provenance.FIRST_SEEN]:,}",
    )


def _waiting(past: Past, named: Named, view: View) -> Part:
    """Show each leaf that isn't as accepted: the accepted value, and what stands."""
    plan, leaves = past.shown.plan, past.shown.seen.leaves
    steps = {
        leaf: (plan.baseline[leaf].value if leaf in plan.baseline else None, leaves.get(leaf))
        for leaf in plan.verdicts
        if leaf != WHOLE
    }
    if not steps:
        return None

    def note(leaf: str) -> Part:
        return view.english(plan.verdicts[leaf].verdict.value)

    return card(view.say(texts.WAITS_ON), leaf_rows(steps, named, view.language, stands=leaves, note=note), id_="waits")


def _compared(past: Past, named: Named, view: View) -> Html:
    versions = versions_of(past.shown)
    if len(versions) < 2:  # noqa: PLR2004 - two can be compared
        return card(view.say(texts.COMPARE), el("p", view.say(texts.ONLY_ONE), class_="s"), id_="diff")
    two = past.two if 1 <= past.two <= len(versions) else len(versions)
    one = past.one if 1 <= past.one <= len(versions) else two - 1 or 1
    before, after = versions[one - 1], versions[two - 1]
    found = differences(past.rules, before.leaves, after.leaves)
    total = len(before.leaves.keys() | after.leaves.keys())
    rows = leaf_rows(found, named, view.language, stands=after.leaves)
    same = el("p", view.say(texts.SAME_COUNT, count=total - len(found)), class_="more")
    side = view.say(texts.DIFFER_COUNT, count=len(found), total=total)
    title = view.say(texts.FROM_TO, one=one, two=two)
    nothing = None if found else el("p", view.say(texts.NOTHING_DIFFERS))
    restore = _to_restore(past, one, before, view)
    return card(title, rows, nothing, same, _chooser(versions, one, two, view), restore, id_="diff", side=side)


def _to_restore(past: Past, number: int, version: Version, view: View) -> Part:
    """Lead to the sheet by which the object stands as in a version again."""
    if not view.may_act:
        return None
    # Instants that people name have whole seconds, and a version is kept from its fraction on.
    at = quote(f"{version.at.astimezone(UTC) + timedelta(microseconds=999_999):%Y-%m-%dT%H:%M:%SZ}", safe="")
    href = f"{view.link('o', past.shown.state.id.kind, past.shown.state.id.key, 'restore')}?to={at}"
    return el("p", el("a", view.say(texts.RESTORE_VERSION, number=number), class_="btn", href=href), class_="row fld")


def _chooser(versions: Sequence[Version], one: int, two: int, view: View) -> Html:
    selects = [
        joined(
            [
                el("label", view.say(texts.VERSIONS), class_="vh", for_=f"v-{field}"),
                el(
                    "select",
                    [
                        el("option", _called(number, version, view), value=str(number), selected=number == chosen)
                        for number, version in enumerate(versions, 1)
                    ],
                    id=f"v-{field}",
                    name=field,
                    class_="half",
                ),
            ]
        )
        for field, chosen in (("from", one), ("to", two))
    ]
    return el("form", selects, el("button", view.say(texts.COMPARE), class_="btn"), class_="fld row", method="get")


def _called(number: int, version: Version, view: View) -> str:
    return view.say(texts.VERSION, number=number, at=_day(version.at))


def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


# ---- history ---------------------------------------------------------------------------------------------------------

_HAPPENINGS: Final = {
    Happening.FIRST_READ: Words(en="First read", ko="처음 읽음"),
    Happening.COMPACTED: Words(en="What was before isn't kept", ko="그 이전 기록은 보관하지 않음"),
    Happening.CREATED: Words(en="Made", ko="만들어짐"),
    Happening.CHANGED: Words(en="Changed", ko="변경됨"),
    Happening.DELETED: Words(en="Deleted", ko="삭제됨"),
    Happening.PUT_BACK: Words(en="Put back by the responder", ko="Responder가 되돌림"),
    Happening.FOUND: Words(en="Found so, and no record says by whom", ko="이렇게 발견됨. 누가 했는지 기록이 없음"),
    Happening.ACCEPTED: Words(en="Accepted", ko="수용됨"),
    Happening.ASKED: Words(en="Asked for by a person", ko="사람이 요청함"),
}
_STANDINGS: Final = {
    Standing.APPROVED.value: ("ok", texts.APPROVED),
    Standing.UNAPPROVED.value: ("no", texts.NOT_APPROVED),
    Standing.UNKNOWN.value: ("wa", texts.MAYBE_APPROVED),
}
_BY_RESPONDER: Final = frozenset({Happening.FIRST_READ, Happening.COMPACTED, Happening.PUT_BACK})
_BY_PEOPLE: Final = frozenset({Happening.ACCEPTED, Happening.ASKED})


def _history(past: Past, named: Named, view: View) -> Html:
    found = past.history.entries[::-1]
    lines = [_entry(entry, named, view) for entry in found[:_MOST]]
    left = len(found) - _MOST
    words = view.say(texts.OLDER_LEFT, count=left, key=past.shown.state.id.key)
    older = el("p", words, class_="more") if left > 0 else None
    return card(view.say(texts.HISTORY), el("ol", lines, class_="tl days"), older, id_="history")


def _entry(entry: Entry, named: Named, view: View) -> Html:
    side = "r" if entry.what in _BY_RESPONDER else "h" if entry.what in _BY_PEOPLE else "x"
    who = name(entry.who or entry.who_id) if entry.who or entry.who_id else None
    text = [el("b", view.say(_HAPPENINGS[entry.what])), [": ", who] if who else None]
    return el("li", clock(entry.at, view), el("div", text, list(_about(entry, named, view))), class_=side)


def _about(entry: Entry, named: Named, view: View) -> Iterator[Part]:
    if entry.standing in _STANDINGS:
        tone, words = _STANDINGS[entry.standing]
        yield [" ", el("span", view.say(words), class_=f"tag {tone}")]
    if entry.because:
        yield el("span", view.reason(entry.because, most=_LONGEST), class_="s")
    if entry.case:
        yield el("span", el("a", view.say(texts.INCIDENT), href=view.link("i", entry.case)), class_="s")
    if entry.steps:
        some = dict(sorted(entry.steps.items())[:_LEAVES_OF_AN_ENTRY])
        yield el("details", el("summary", _summary(entry, view)), leaf_rows(some, named, view.language))


def _summary(entry: Entry, view: View) -> Html:
    properties = sorted({leaf.partition("[")[0] for leaf in entry.steps})
    listed = ", ".join(
        view.say(texts.EXISTS_LABEL) if each == EXISTS else label(each, view.language) or each
        for each in properties[:3]
    )
    more = len(properties) - 3
    text = f"{listed} {view.say(texts.AND_MORE, count=more)}" if more > 0 else listed
    return el("span", shown(text, 200))


# ---- beside ----------------------------------------------------------------------------------------------------------


def _ids(past: Past, view: View) -> Html:
    state = past.shown.state
    *older, present = state.ids
    rows = [
        _id(view.say(texts.ID_NOW), present),
        *(_id(view.say(texts.ID_BEFORE), each) for each in older[::-1]),
        _id(view.say(texts.KEY_HERE), state.id.key),
    ]
    return card(view.say(texts.IDS), rows, id_="ids")


def _id(title: str, each: str) -> Html:
    text = el("p", el("span", shown(each, _LONGEST), class_="id"))
    return el("div", el("p", el("span", title), class_="nm"), text, class_="who")


def _all(past: Past, named: Named, view: View) -> Html:
    leaves = past.shown.seen.leaves
    title = el("summary", view.say(texts.ALL_SETTINGS, count=len(leaves)))
    return el("section", el("details", title, leaf_values(leaves, named, view.language)), class_="card")
