"""The console's page about the tenant's posture: what to mend first, what gets past, who could undo us, each stage.

It shows what the daily look stored. Nothing is asked of the tenant.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

from msgspec import Struct

from shared.checks import posture_texts as texts
from shared.checks.check import Status
from shared.checks.posture import WITHIN, Posture, PostureLine, Stage, first_to_do
from shared.checks.posture_store import Day, PostureStore
from shared.checks.posture_texts import Korean
from shared.checks.posture_wording import Counted, PostureWording, counted, trend_of
from shared.clients.storage import Storage
from shared.console import texts as console_texts
from shared.console.frame import ROOT, View, ago, card, clock, page
from shared.console.markup import Html, Part, el, joined, name
from shared.model.bilingual import KeptTexts, Words
from shared.model.escape import shown
from shared.model.kinds import TenantKind
from shared.model.settings import Settings, Tenant

_MOST_FIRST: Final = 3
_LONGEST: Final = 1_000
_SHORT: Final = 240
"""Characters of what was found, where it is only a reminder."""
_SHOWN_DAYS: Final = timedelta(days=30)
_IS_OLD: Final = timedelta(hours=50)
"""A result that is older was left out twice by the daily look."""
_TABS: Final[Mapping[TenantKind, str]] = {TenantKind.WORKFORCE: "Entra ID", TenantKind.B2C: "Azure AD B2C"}

_LOOKS: Final[Mapping[Status, tuple[str, Words]]] = {
    Status.FAILED: ("failed", texts.FAILS),
    Status.UNKNOWN: ("unread", texts.NOT_KNOWN),
    Status.WARNING: ("check", texts.STATUSES[Status.WARNING]),
    Status.OK: ("back", texts.PASSING),
    Status.NOT_APPLICABLE: ("watched", texts.NOT_APPLICABLE),
}
"""How each answer is drawn and called: none stands for another."""
_BAD: Final = (Status.FAILED, Status.UNKNOWN, Status.WARNING)
_FOLDED: Final = (Status.OK, Status.NOT_APPLICABLE)


class Topics(Struct, frozen=True, kw_only=True):
    """Which checks have a card of their own, by their ids: what gets past sign-in policies, and who could undo us."""

    gaps: frozenset[str] = frozenset()
    undoing: frozenset[str] = frozenset()


class PosturePages(Struct, frozen=True, kw_only=True):
    """What the pages are made of."""

    storage: Storage
    settings: Settings
    topics: Topics
    korean: Mapping[str, Korean]
    findings: KeptTexts

    def page(self, view: View, kind: str = "") -> str | None:
        """Write the page about the tenant of a kind, "" for the first; None where no such tenant is guarded.

        Raises EdgeError where storage fails.
        """
        tenants = self.settings.tenants
        tenant = next((each for each in tenants if each.kind == kind), None) if kind else tenants[0]
        if tenant is None:
            return None
        store = PostureStore(self.storage, tenant.id)
        posture = store.latest()
        tabs = _tabs(tenants, tenant, view)
        if posture is None:
            return _never_looked(tabs, view)
        days = store.days(since=posture.at - _SHOWN_DAYS)
        words = PostureWording(language=view.language, korean=self.korean, findings=self.findings)
        return _Page(posture, days, self.topics, words, view).whole(tabs)


def _tabs(tenants: Sequence[Tenant], chosen: Tenant, view: View) -> Part:
    if len(tenants) == 1:
        return None
    links = [
        el(
            "a",
            _TABS[each.kind],
            href=f"{ROOT}/posture?tenant={each.kind}",
            aria_current="page" if each is chosen else None,
        )
        for each in tenants
    ]
    return el("div", el("nav", links, class_="tabs", aria_label=view.say(texts.WHICH_TENANT)), class_="in")


def _never_looked(tabs: Part, view: View) -> str:
    title = view.say(texts.NEVER_LOOKED)
    said = el("div", el("h1", title), el("p", view.say(texts.NEVER_LOOKED_TEXT)), class_="card empty")
    return page(title, joined([tabs, el("div", said, class_="in")]), view, up=_up(view))


def _up(view: View) -> tuple[str, str]:
    return ROOT, view.say(console_texts.INCIDENTS)


class _Page:
    """The work on one page."""

    def __init__(
        self, posture: Posture, days: Sequence[Day], topics: Topics, words: PostureWording, view: View
    ) -> None:
        self._posture, self._days, self._topics = posture, days, topics
        self._words, self._view = words, view
        self._counts = counted(posture.lines)

    def whole(self, tabs: Part) -> str:
        say = self._view.say
        look, title = self._verdict()
        meta = [
            el("span", say(console_texts.POSTURE), class_=f"st {look}"),
            el("span", name(self._posture.tenant)),
            el("span", self._view.put(console_texts.AS_OF, at=clock(self._posture.at, self._view))),
        ]
        verdict = [el("p", meta, class_="meta"), el("h1", title), el("p", self._all_of_it(), class_="proof")]
        gaps = self._topic(self._topics.gaps, texts.GAPS, "gaps")
        undoing = self._topic(self._topics.undoing, texts.UNDOING, "undoing")
        stages = [self._stage(stage) for stage in Stage]
        body = el("div", self._first(), gaps, undoing, stages, class_="body")
        side = el("div", self._trend(), self._exceptions(), self._about(), class_="side2")
        main = joined(
            [
                tabs,
                el("div", el("div", verdict, class_="in"), class_=f"verdict {look}"),
                el("div", body, side, class_="in cols"),
            ]
        )
        return page(title, main, self._view, up=_up(self._view))

    def _verdict(self) -> tuple[str, str]:
        counts, say = self._counts, self._view.say
        total = len(self._posture.lines) - counts.waiting - counts.confirmed
        if counts.failing:
            unknown = say(texts.AND_UNKNOWN, count=counts.unknown) if counts.unknown else ""
            return "failed", say(texts.SOME_FAIL, count=counts.failing, total=total) + unknown
        if counts.unknown:
            return "check", say(texts.SOME_UNKNOWN, count=counts.unknown, total=total)
        return "back", say(texts.NONE_FAILS, total=total)

    def _all_of_it(self) -> Part:
        """Say every count, so that they add up, and that the result is old where it is."""
        counts = self._counts
        each = (
            (texts.COUNT_PASSING, counts.passing),
            (texts.COUNT_LOOK, counts.to_look_at),
            (texts.COUNT_ACCEPTED, counts.accepted),
            (texts.COUNT_NOT_APPLICABLE, counts.not_applicable),
            (texts.COUNT_WAITING, counts.waiting),
        )
        said = ", ".join(self._view.say(words, count=count) for words, count in each if count)
        is_old = self._view.now - self._posture.at > _IS_OLD
        old = el("b", self._view.say(texts.OLD, ago=ago(self._posture.at, self._view))) if is_old else None
        return [f"{said}. " if said else None, old]

    # ---- what is found ----

    def _first(self) -> Part:
        first = first_to_do(self._posture, _MOST_FIRST)
        if not first:
            return None
        items = [
            el("li", el("p", el("b", self._titled(line)), el("br"), self._commands(self._words.todo(line))))
            for line in first
        ]
        return card(self._view.say(texts.FIRST), el("ol", items), id_="first", class_="card next")

    def _titled(self, line: PostureLine) -> Html:
        """Write the name of a check: in the page's language where there is that, else marked as English."""
        title = self._words.title(line)
        return self._view.english(title) if title == line.title else joined(title)

    def _commands(self, text: str) -> Part:
        """Write a text of ours, with what stands between backticks as code."""
        parts = [el("code", part) if number % 2 else part for number, part in enumerate(text.split("`"))]
        return el("span", parts)

    def _topic(self, ids: frozenset[str], title: Words, id_: str) -> Part:
        """Write all that checks on one matter found, each by itself; nothing where all of them pass."""
        bad = [line for line in self._posture.lines if line.id in ids and line.status in _BAD]
        if not bad:
            return None
        each = [el("li", el("h3", self._badge(line), " ", self._titled(line)), self._details(line)) for line in bad]
        return card(self._view.say(title), el("ul", each, class_="rows"), id_=id_)

    def _badge(self, line: PostureLine) -> Html:
        look, words = _LOOKS[line.status]
        if line.accepted:
            look, words = "left", texts.ACCEPTED
        elif line.is_manual and line.needs_somebody:
            look, words = "pending", texts.WAITS
        return el("span", self._view.say(words), class_=f"st {look}")

    def _details(self, line: PostureLine) -> Part:
        say = self._view.say
        found = [el("li", self._found(text)) for text in line.found]
        yet = self._words.command(line)
        return [
            el("ul", found, class_="why plain"),
            el("p", self._commands(self._words.todo(line))) if line.cure else None,
            el("p", self._found(line.accepted), class_="s") if line.accepted else None,
            el("p", say(yet[0]), ": ", el("code", yet[1]), class_="s") if yet else None,
        ]

    def _found(self, text: str, most: int = _LONGEST) -> Html:
        korean = self._words.found_in_korean(text)
        said = joined(shown(korean, most)) if korean else self._view.english(shown(text, most))
        return el("bdi", said)

    # ---- each stage ----

    def _stage(self, stage: Stage) -> Part:
        lines = [line for line in self._posture.lines if line.stage == stage]
        if not lines:
            return None
        checks = [line for line in lines if not line.is_manual]
        bad = [line for line in checks if line.status in _BAD and not line.accepted]
        waiting = [line for line in lines if line.is_manual and line.needs_somebody]
        rest = [line for line in lines if line not in bad and line not in waiting and not line.accepted]
        title = self._view.say(texts.STAGE, stage=int(stage), days=WITHIN[stage].days)
        return card(
            title,
            self._bar(counted(checks)),
            el("ul", [el("li", self._row(line)) for line in bad], class_="rows fold") if bad else None,
            self._folded(texts.TO_BE_CONFIRMED, waiting),
            [self._folded(_LOOKS[status][1], [one for one in rest if one.status is status]) for status in _FOLDED],
            id_=f"stage-{stage}",
        )

    def _row(self, line: PostureLine) -> Part:
        heading = [self._badge(line), " ", el("span", self._titled(line), class_="t")]
        for ids, anchor in ((self._topics.gaps, "gaps"), (self._topics.undoing, "undoing")):
            if line.id in ids:
                return el("p", heading, " ", el("a", self._view.say(texts.SEE_ABOVE), href=f"#{anchor}"))
        return el("details", el("summary", heading), self._details(line))

    def _folded(self, title: Words, lines: Sequence[PostureLine]) -> Part:
        """List what needs nobody's eye at once, folded, with how many there are."""
        if not lines:
            return None
        each = [el("li", self._titled(line), el("br"), self._reminder(line)) for line in lines]
        summary = el("summary", self._view.say(title), f": {len(lines):,}")
        return el("details", summary, el("ul", each, class_="why plain"))

    def _reminder(self, line: PostureLine) -> Html:
        if not line.is_manual or not line.needs_somebody:
            return el("span", self._found("; ".join(line.found[:1]), _SHORT), class_="s")
        command = self._words.command(line)
        return el("code", command[1] if command else "", class_="s")

    def _bar(self, counts: Counted) -> Part:
        """Draw what became of a stage's checks, and say the same in words."""
        parts = (
            ("failed", counts.failing, texts.COUNT_FAILING),
            ("unread", counts.unknown, texts.COUNT_UNKNOWN),
            ("check", counts.to_look_at, texts.COUNT_LOOK),
            ("left", counts.accepted, texts.COUNT_ACCEPTED),
            ("back", counts.passing, texts.COUNT_PASSING),
            ("watched", counts.not_applicable, texts.COUNT_NOT_APPLICABLE),
        )
        some = [part for part in parts if part[1]]
        if not some:
            return None
        said = ", ".join(self._view.say(words, count=count) for _, count, words in some)
        drawn = _bar([(look, count) for look, count, _ in some])
        return [drawn, el("p", said, class_="s")]

    # ---- beside ----

    def _trend(self) -> Part:
        trend = trend_of(self._posture, self._days)
        if trend is None:
            return None
        checks = {line.id for line in self._posture.lines if not line.is_manual}
        passing = [
            sum(status is Status.OK for check, status in day.statuses.items() if check in checks) for day in self._days
        ]
        said = self._view.say(texts.TREND, day=trend.day, better=trend.better, worse=trend.worse)
        return card(
            self._view.say(texts.TREND_TITLE), _columns(passing, len(checks)), el("p", said, class_="s"), id_="trend"
        )

    def _exceptions(self) -> Part:
        """List what fails and somebody accepts, with who, until when and why."""
        accepted = [line for line in self._posture.lines if line.accepted]
        if not accepted:
            return None
        each = [
            el("li", el("p", el("b", self._titled(line))), el("p", self._found(line.accepted), class_="s"))
            for line in accepted
        ]
        return card(self._view.say(texts.EXCEPTIONS), el("ul", each, class_="rows"), id_="accepted")

    def _about(self) -> Html:
        say = self._view.say
        commands = ("responder posture all", "responder posture accept CHECK", "responder posture confirm ITEM")
        listed = [el("li", el("code", command)) for command in commands]
        return card(
            say(texts.ABOUT), el("p", say(texts.LOOKED_DAILY)), el("ul", listed, class_="why plain"), id_="about"
        )


def _bar(parts: Sequence[tuple[str, int]]) -> Html:
    """Draw parts of a whole side by side; whoever can't see it has the words beside it."""
    total = sum(count for _, count in parts)
    return el(
        "svg", _parts(parts, total), viewBox="0 0 100 4", preserveAspectRatio="none", class_="bar", aria_hidden="true"
    )


def _parts(parts: Sequence[tuple[str, int]], total: int) -> Iterator[Html]:
    begin = 0
    for look, count in parts:
        at, width = 100 * begin / total, 100 * count / total
        yield el("rect", x=f"{at:.2f}", y="0", width=f"{width - 0.4:.2f}", height="4", class_=look)
        begin += count


def _columns(values: Sequence[int], most: int) -> Html:
    """Draw a value a day, the latest at the right."""
    rects = [
        el("rect", x=f"{3 * number}", y=f"{most - value}", width="2.4", height=f"{value}", class_="back")
        for number, value in enumerate(values)
    ]
    box = f"0 0 {3 * len(values)} {max(most, 1)}"
    return el("svg", rects, viewBox=box, preserveAspectRatio="none", class_="columns", aria_hidden="true")
