"""The list of incidents: what needs somebody, and has somebody got it?"""

from collections import Counter
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from msgspec import Struct

from shared.console import texts
from shared.console.frame import ROOT, View, clock, page
from shared.console.incidents import FINISHED_FOR, MOST_FINISHED, Incident, Listing, object_of
from shared.console.markup import Html, Part, el, joined, name
from shared.console.names import well_known
from shared.console.sentences import Said, what_happened, who_did
from shared.ingest.coverage import Coverage, Sight
from shared.model.bilingual import Words
from shared.model.cases import Case
from shared.model.kinds import Risk

_MOST_NAMED: Final = 3
_MANY: Final = 4
"""As many open changes of one actor are one row."""
_TICK: Final = Html(
    '<svg viewBox="0 0 44 44" fill="none" stroke="currentColor" stroke-width="3" aria-hidden="true">'
    '<circle cx="22" cy="22" r="19"/><path d="m13 23 6.5 6.5 12-13.5"/></svg>'
)


class Tab(Struct, frozen=True, kw_only=True):
    """Which incidents are shown ("", "mine", "all"), and how many are open, None where that wasn't asked.

    `actor` is an object id, where only the open ones of one actor are shown.
    """

    view: str
    open_count: int | None = None
    actor: str = ""


def list_page(listing: Listing, tab: Tab, coverage: Coverage | None, view: View) -> str:
    """Write the page. `coverage` says what is seen; None where that wasn't asked."""
    needing = [one for one in listing.incidents if one.state.needs_somebody]
    if tab.view == "all":
        body = _list(listing.incidents, view) if listing.incidents else _nothing(texts.NO_INCIDENT, view)
    elif not listing.incidents:
        body = _nothing_open(coverage, view) if not tab.view and not tab.actor else _none_of_mine(tab, view)
    else:
        body = _open(listing.incidents, view, is_grouped=not tab.view and not tab.actor)
    title = _title(listing, tab, len(needing), view)
    heading = el("div", el("h1", title), class_="page") if listing.incidents or tab.view or tab.actor else None
    main = el("div", heading, _tabs(tab, view), body, _below(listing, tab, view), class_="in")
    plain = view.say(texts.INCIDENTS) if tab.view == "all" or tab.actor else _count(len(needing), view)
    return page(plain, main, view)


def _title(listing: Listing, tab: Tab, needing: int, view: View) -> Part:
    if tab.view == "all":
        return view.say(texts.ALL)
    if tab.actor:
        called = next((one.case.actor.name for one in listing.incidents if one.case.actor.name), tab.actor)
        return view.put(texts.OF_ACTOR, name=name(called))
    return _count(needing, view)


def _open(found: Sequence[Incident], view: View, *, is_grouped: bool) -> Html:
    """List what needs somebody, then the rest; many changes of one actor are one row."""
    groups: list[tuple[Incident, ...]] = _of_one_actor(found) if is_grouped else [(one,) for one in found]
    first = [group for group in groups if group[0].state.needs_somebody]
    rest = [group for group in groups if not group[0].state.needs_somebody]
    return joined([_rows(first, view) if first else None, _others(rest, view) if rest else None])


def _of_one_actor(found: Sequence[Incident]) -> list[tuple[Incident, ...]]:
    """Put changes of one actor together where they are many; each group keeps its order, the worst first."""
    groups: dict[str, list[Incident]] = {}
    for one in found:
        is_change = object_of(one.case) is not None and bool(one.case.actor.id)
        groups.setdefault(f"{one.case.tenant_id} {one.case.actor.id}" if is_change else one.case.id, []).append(one)
    parts = [[tuple(each)] if len(each) >= _MANY else [(one,) for one in each] for each in groups.values()]
    return [group for part in parts for group in part]


def _count(count: int, view: View) -> str:
    match count:
        case 0:
            return view.say(texts.COUNT_NONE)
        case 1:
            return view.say(texts.COUNT_ONE)
        case _:
            return view.say(texts.COUNT, count=count)


def _tabs(tab: Tab, view: View) -> Html:
    count = "" if tab.open_count is None else f" {tab.open_count:,}"
    each = (("", f"{view.say(texts.OPEN)}{count}"), ("mine", view.say(texts.MINE)), ("all", view.say(texts.ALL)))
    links = [
        el(
            "a",
            text,
            href=f"{ROOT}?view={which}" if which else ROOT,
            aria_current="page" if which == tab.view and not tab.actor else None,
        )
        for which, text in each
    ]
    return el("nav", links, class_="tabs", aria_label=view.say(texts.WHICH))


def _others(groups: Sequence[tuple[Incident, ...]], view: View) -> Html:
    count = el("span", f" {sum(map(len, groups)):,}", class_="s")
    return joined([el("h2", view.say(texts.PUT_BACK_UNSEEN), count, class_="grp"), _rows(groups, view)])


def _rows(groups: Sequence[tuple[Incident, ...]], view: View) -> Html:
    return el("ul", [_row(each[0], view) if len(each) == 1 else _group(each, view) for each in groups], class_="list")


def _group(group: tuple[Incident, ...], view: View) -> Html:
    """Write one row for many changes of one actor: the worst state, and how many are in which."""
    worst, times = group[0], [one.case.at for one in group]
    waiting = next((one for one in group if one.case.acknowledged_at is None), worst)
    state = el("span", worst.state.words.in_language(view.language), class_=f"st {worst.state.look}")
    has = el("span", who_has(waiting.case, view), class_="s hv")
    at = el("span", view.say(texts.time_passed(view.now - max(times))), class_="at")
    said = view.put(
        texts.MANY,
        who=who_did(worst.case, worst.detection, Said(language=view.language)),
        count=f"{len(group):,}",
        objects=f"{len({object_of(one.case) for one in group}):,}",
        time=view.say(texts.time_passed(max(times) - min(times))),
    )
    link = el("a", said, class_="w", href=f"{ROOT}?actor={quote(worst.case.actor.id, safe='')}")
    counts = Counter(one.state.words.in_language(view.language) for one in group)
    each = ", ".join(f"{words}: {count:,}" for words, count in counts.most_common())
    risk = view.say(texts.RISKS[max((one.risk for one in group), key=tuple(Risk).index)])
    return el("li", state, has, at, link, el("span", f"{risk}. {each}", class_="s d"))


def _list(found: Sequence[Incident], view: View) -> Html:
    return el("ul", [_row(one, view) for one in found], class_="list")


def _row(incident: Incident, view: View) -> Html:
    case = incident.case
    state = el("span", incident.state.words.in_language(view.language), class_=f"st {incident.state.look}")
    has = el("span", who_has(case, view), class_="s hv")
    at = el("span", view.say(texts.time_passed(view.now - case.at)), class_="at")
    said = what_happened(
        case,
        incident.detection,
        incident.change,
        well_known(incident),
        Said(language=view.language),
        object_name=incident.object_state.name if incident.object_state else "",
    )
    link = el("a", said, class_="w", href=view.link("i", case.id))
    return el("li", state, has, at, link, el("span", _why(incident, view), class_="s d"))


def _why(incident: Incident, view: View) -> Part:
    """Say the risk, and the reason in one line."""
    risk = view.say(texts.RISKS[incident.risk])
    because = incident.case.pending or incident.case.because
    return [risk, ". ", view.reason(f"{because[:1].upper()}{because[1:]}", most=160)] if because else risk


def who_has(case: Case, view: View) -> Html:
    """Say who has acknowledged an incident."""
    if case.acknowledged_at is None:
        return joined(view.say(texts.NOBODY_HAS_IT))
    if f"({view.reader_id})" in case.acknowledged_by and view.reader_id:
        return joined(view.say(texts.YOU_HAVE_IT))
    return view.put(texts.SOMEBODY_HAS_IT, name=name(person_in(case.acknowledged_by)))


def person_in(by: str) -> str:
    """Give the name of who is written as "name (id)"."""
    return by.partition(" (")[0] or by


def _below(listing: Listing, tab: Tab, view: View) -> Part:
    older = f"{ROOT}?view=all&before={listing.last}"
    days, most = str(FINISHED_FOR.days), str(MOST_FINISHED)
    looks_back = el("p", view.say(texts.OPEN_LOOKS_BACK, days=days, most=most), class_="s more")
    return [
        el("p", view.say(texts.ROW_UNREAD, count=listing.broken), class_="msg") if listing.broken else None,
        el("p", el("a", view.say(texts.OLDER), href=older, class_="btn"), class_="row fld") if listing.last else None,
        looks_back if tab.view != "all" else None,
        _find(view),
    ]


def _find(view: View) -> Html:
    field = el("input", id="q", name="id", type="search", autocomplete="off", maxlength="40")
    label = el("label", view.say(texts.FIND_LABEL), class_="vh", for_="q")
    form = el(
        "form", label, field, el("button", view.say(texts.FIND_BUTTON), class_="btn"), class_="filter", action=ROOT
    )
    title = el("h2", view.say(texts.FIND), id="h-find")
    return el("section", title, form, class_="card", aria_labelledby="h-find", role="search")


def _nothing(words: Words, view: View) -> Html:
    return el("section", el("p", view.say(words)), class_="card empty")


def _none_of_mine(tab: Tab, view: View) -> Html:
    return el("section", el("p", view.say(texts.NONE_MINE, count=tab.open_count or 0)), class_="card empty")


def _nothing_open(coverage: Coverage | None, view: View) -> Html:
    """Say that nothing is open, and what that rests on: without a tick where not everything is seen."""
    if coverage is None or coverage.bad:
        parts: list[Part] = [el("h1", view.say(texts.NOTHING_OPEN_UNREAD))]
        parts += [el("p", not_seen(coverage, view))] if coverage else []
        return el("section", parts, class_="card empty")
    seen = [entry for entry in coverage.entries if entry.sight is not Sight.OFF]
    oldest = min((entry.read_at for entry in seen if entry.read_at), default=coverage.at)
    rests = view.put(texts.READ_UP_TO, at=clock(oldest, view), count=f"{len(seen):,}")
    return el("section", _TICK, el("h1", view.say(texts.NOTHING_OPEN)), el("p", rests), class_="card empty")


def not_seen(coverage: Coverage, view: View) -> Html:
    """Name what isn't seen as it should be."""
    names = [f"{entry.about} ({entry.tenant})" for entry in coverage.bad]
    listed = ", ".join(names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    if more > 0:
        listed = f"{listed} {view.say(texts.AND_MORE, count=more)}"
    return view.put(texts.NOT_SEEN, names=view.english(listed))
