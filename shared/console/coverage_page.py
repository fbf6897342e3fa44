"""The page about the product itself: does it see, can it reach people, how far may it go?"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from shared.authority.control_history import ControlState
from shared.console import texts
from shared.console.frame import ROOT, View, ago, card, clock, page
from shared.console.markup import Html, Part, el, joined, name
from shared.ingest.coverage import Coverage, Entry, Sight
from shared.model.bilingual import Words
from shared.model.escape import shown
from shared.model.kinds import Mode
from shared.notify.paged import Channel
from shared.notify.reached import Reached

_LONGEST: Final = 1_000
_LOOKS: Final[Mapping[Sight, tuple[str, Words]]] = {
    Sight.BLIND: ("needs", Words(en="Not seen", ko="확인 못 함")),
    Sight.PARTLY: ("check", Words(en="Seen in part", ko="일부만 확인")),
    Sight.LATE: ("wait", Words(en="Late", ko="지연됨")),
    Sight.UNKNOWN: ("unread", Words(en="Not known", ko="알 수 없음")),
    Sight.SEES: ("back", Words(en="Seen", ko="확인함")),
    Sight.OFF: ("left", Words(en="Not to be read", ko="읽지 않기로 함")),
}
"""How each answer is drawn and called; five kinds of answer, none of which stands for another."""

_CHANNELS: Final[Mapping[Channel, str]] = {Channel.TEAMS: "Teams", Channel.PAGERDUTY: "PagerDuty"}


class Health(Struct, frozen=True, kw_only=True):
    """What the page shows. `coverage` and `people` are None where they couldn't be read.

    `modes` counts the detections in each mode.
    """

    coverage: Coverage | None
    people: Sequence[Reached] | None
    state: ControlState
    modes: Mapping[Mode, int]


def modes_of(state: ControlState, detections: Sequence[str]) -> Mapping[Mode, int]:
    """Count the detections in each mode."""
    return Counter(state.mode(each) for each in detections)


def coverage_page(health: Health, view: View) -> str:
    """Write the page."""
    coverage = health.coverage
    look, title = _verdict(coverage, view)
    at = [el("span", view.put(texts.AS_OF, at=clock(coverage.at, view)))] if coverage else []
    meta = el("p", el("span", view.say(texts.COVERAGE), class_=f"st {look}"), at, class_="meta")
    verdict = el("div", el("div", meta, el("h1", title), class_="in"), class_=f"verdict {look}")
    body = el("div", _not_seen(coverage, view), _seen(coverage, view), class_="body")
    side = el("div", _reach(health.people, view), _how_far(health, view), class_="side2")
    main = joined([verdict, el("div", body, side, class_="in cols")])
    return page(title, main, view, up=(ROOT, view.say(texts.INCIDENTS)))


def _verdict(coverage: Coverage | None, view: View) -> tuple[str, str]:
    if coverage is None:
        return "unread", view.say(texts.COVERAGE_UNREAD)
    asked = [entry for entry in coverage.entries if entry.sight is not Sight.OFF]
    seen = sum(entry.sight is Sight.SEES for entry in asked)
    words = view.say(texts.SOURCES_SEEN, count=f"{seen:,}", total=f"{len(asked):,}")
    return ("needs" if coverage.bad else "back"), words


def _not_seen(coverage: Coverage | None, view: View) -> Part:
    if coverage is None:
        return None
    if not coverage.bad:
        return card(view.say(texts.NOT_AS_IT_SHOULD), el("p", view.say(texts.NOTHING_UNSEEN)), id_="unseen")
    each = [el("li", _entry(entry, view)) for entry in coverage.bad]
    return card(view.say(texts.NOT_AS_IT_SHOULD), el("ul", each, class_="rows"), id_="unseen")


def _entry(entry: Entry, view: View) -> Part:
    lines: list[Part] = [
        el("p", _badge(entry, view), " ", el("b", _named(entry, view)), class_="meta"),
        _read(entry, view),
    ]
    if entry.because:
        lines.append(el("p", view.english(shown(entry.because, _LONGEST))))
    if entry.needed:
        lines.append(el("p", view.put(texts.NEEDS_PERMISSION, permission=el("code", shown(entry.needed, _LONGEST)))))
    if entry.cure:
        lines.append(el("p", view.english(shown(entry.cure, _LONGEST))))
    return lines


def _badge(entry: Entry, view: View) -> Html:
    look, words = _LOOKS[entry.sight]
    return el("span", view.say(words), class_=f"st {look}")


def _named(entry: Entry, view: View) -> Html:
    return view.english(shown(f"{entry.about}, {entry.tenant}", _LONGEST))


def _read(entry: Entry, view: View) -> Html:
    if entry.read_at is None:
        return el("p", view.say(texts.NEVER_READ), class_="s")
    return el("p", view.put(texts.LAST_READ, at=clock(entry.read_at, view), ago=ago(entry.read_at, view)), class_="s")


def _seen(coverage: Coverage | None, view: View) -> Part:
    """List what is seen, and what isn't to be."""
    fine = [entry for entry in coverage.entries if entry.sight.is_fine] if coverage else []
    if not fine:
        return None
    each = [el("li", _badge(entry, view), " ", _named(entry, view), " ", _read(entry, view)) for entry in fine]
    count = f"{len(fine):,}"
    return card(view.say(texts.SEEN), el("ul", each, class_="rows"), id_="seen", side=count)


# ---- people, and how far it may go -----------------------------------------------------------------------------------


def _reach(people: Sequence[Reached] | None, view: View) -> Html:
    title = view.say(texts.CAN_REACH)
    if people is None:
        return card(title, el("p", view.say(texts.OWNERS_UNREAD), class_="msg"), id_="reach")
    if not people:
        return card(title, el("p", view.say(texts.NOBODY_NAMED), class_="msg"), id_="reach")
    return card(title, el("ul", [el("li", _person(one, view)) for one in people], class_="rows"), id_="reach")


def _person(one: Reached, view: View) -> Part:
    answered = [
        view.put(texts.ANSWERED_OVER, channel=words, at=clock(one.over[channel], view))
        for channel, words in _CHANNELS.items()
        if channel in one.over
    ]
    said: Part = [[each, " "] for each in answered] or view.say(texts.NEVER_ANSWERED)
    return [el("p", el("b", name(one.owner.name or one.owner.upn))), el("p", said, class_="s")]


def _how_far(health: Health, view: View) -> Html:
    state = health.state
    if state.unread:
        return card(view.say(texts.HOW_FAR), el("p", view.say(texts.CONTROLS_UNREAD), class_="msg"), id_="far")
    switch = view.say(texts.KILL_SWITCH if state.stopped else texts.KILL_SWITCH_OFF)
    modes = [
        el("li", el("b", mode.value), ": ", view.say(texts.IN_MODE, count=f"{health.modes[mode]:,}"))
        for mode in Mode
        if health.modes.get(mode)
    ]
    changed = el("p", view.say(texts.CHANGED_BY_COMMAND), " ", el("code", "responder mode"), class_="s")
    return card(view.say(texts.HOW_FAR), el("p", switch), el("ul", modes, class_="why plain"), changed, id_="far")
