"""What every page of the console has: the head, the bar with the pages, a strip, the footer; and how links are made.

Every link is made by `View.link`, every form by `View.form`, so that none lacks its token.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from shared.console import approval_texts, texts
from shared.console.assets import SCRIPT, STYLE
from shared.console.markup import Html, Part, el, joined, name, sentence
from shared.console.reasons import in_korean
from shared.model.bilingual import ENGLISH, KOREAN, Value, Words, filled
from shared.model.escape import shown

ROOT: Final = "/api/console"
SIGN_IN: Final = "/.auth/login/aad"
SIGN_OUT: Final = "/.auth/logout"

_MARK: Final = Html(
    '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.4" aria-hidden="true">'
    '<path d="M5 11a7.5 7.5 0 1 1 1.6 6.2"/><path d="M4 5.6V11h5.4"/></svg>'
)

type MakeToken = Callable[[str, str, str], str]
"""Makes the token of a form, by what it does, to what, and what was shown."""


class View(Struct, frozen=True, kw_only=True):
    """How a page is shown, and to whom. `reader` is the name of who is signed in, "" for nobody who may read.

    `theme` is "light", "dark" or "" for what the system has; `strip` is what the product says of itself; `here` is the
    page's own address.
    """

    language: str
    now: datetime
    reader: str = ""
    reader_id: str = ""
    may_act: bool = False
    theme: str = ""
    here: str = ROOT
    make_token: MakeToken = lambda _act, _subject, _shown: ""
    strip: tuple[Part, ...] = ()

    def say(self, words: Words, **values: Value) -> str:
        """Give a text in the page's language."""
        return filled(words, **values).in_language(self.language) if values else words.in_language(self.language)

    def put(self, words: Words, **slots: Html | str) -> Html:
        """Give a text in the page's language, with markup in its slots."""
        return sentence(words.in_language(self.language), **slots)

    def english(self, text: str) -> Html:
        """Mark a text of ours that there is in English only."""
        return el("span", text, lang=ENGLISH if self.language == KOREAN else None)

    def reason(self, text: str, *, most: int) -> Html:
        """Write a stored reason, cut to so many characters: in Korean where there is that, else marked as English."""
        said = in_korean(text) if self.language == KOREAN else ""
        return joined(shown(said, most)) if said else self.english(shown(text, most))

    def link(self, *parts: str) -> str:
        """Give the address of a page."""
        return "/".join((ROOT, *parts))

    def form(self, act: str, subject: str, *parts: Part, shown: str = "", action: str, class_: str = "") -> Html:
        """Make a form that acts, with its token."""
        token = el("input", type="hidden", name="token", value=self.make_token(act, subject, shown))
        return el("form", token, *parts, method="post", action=action, class_=class_ or None)


def clock(at: datetime, view: View) -> Html:
    """Write an instant: the time of today, or with its day."""
    at = at.astimezone(UTC)
    is_today = at.date() == view.now.astimezone(UTC).date()
    return el("time", f"{at:%H:%M:%S}" if is_today else f"{at:%Y-%m-%d %H:%M}", datetime=f"{at:%Y-%m-%dT%H:%M:%SZ}")


def ago(at: datetime, view: View) -> str:
    """Say how long ago something was."""
    return view.say(texts.AGO, time=texts.time_passed(view.now - at))


def card(title: Part, *parts: Part, id_: str, side: Part = None, class_: str = "card") -> Html:
    """Make a part of a page with its heading."""
    heading = el("h2", title, id=f"h-{id_}")
    head = el("div", heading, el("span", side, class_="s"), class_="hd") if side else heading
    return el("section", head, *parts, id=id_, class_=class_, aria_labelledby=f"h-{id_}")


def page(title: str, main: Part, view: View, *, up: tuple[str, str] | None = None, body_class: str = "") -> str:
    """Write a whole page. `up` is where the page above it is, and its name."""
    head = el(
        "head",
        Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'),
        Html('<meta name="color-scheme" content="light dark">'),
        el("title", f"{title} · {texts.PRODUCT}"),
        el("link", rel="stylesheet", href=f"{ROOT}/{STYLE.name}"),
        el("script", src=f"{ROOT}/{SCRIPT.name}", defer=True),
    )
    strips = [
        el("aside", el("div", each, class_="in"), class_="strip", aria_label=view.say(texts.NOTICE))
        for each in view.strip
        if each
    ]
    body = el(
        "body",
        el("a", view.say(texts.SKIP), class_="skip", href="#main"),
        _bar(view, up),
        strips,
        el("main", main, id="main", tabindex="-1"),
        _footer(view),
        class_=body_class or None,
    )
    return f"<!doctype html>{el('html', head, body, lang=view.language, data_theme=view.theme or None)}"


def _bar(view: View, up: tuple[str, str] | None) -> Html:
    brand = el(
        "a", _MARK, el("span", "Responder"), class_=f"brand{' mini' if up else ''}", href=ROOT, aria_label=texts.PRODUCT
    )
    if not view.reader:
        return el("header", el("div", brand, class_="in"), class_="top")
    back = el("a", up[1], class_="up", href=up[0]) if up else None
    pages = (
        (ROOT, texts.INCIDENTS),
        (f"{ROOT}/approvals", approval_texts.APPROVALS),
        (f"{ROOT}/coverage", texts.COVERAGE),
        (f"{ROOT}/posture", texts.POSTURE),
    )
    links = [el("a", view.say(words), href=at, aria_current="page" if at == view.here else None) for at, words in pages]
    out = el("a", view.say(texts.SIGN_OUT), href=f"{SIGN_OUT}?post_logout_redirect_uri={ROOT}")
    me = el("div", el("p", name(view.reader), class_="s"), out, class_="me")
    menu = el("button", view.say(texts.MENU), class_="menu", type="button", popovertarget="nav")
    nav = el("nav", links, me, id="nav", popover=True, aria_label=view.say(texts.PAGES))
    return el("header", el("div", brand, back, menu, nav, class_="in"), class_="top")


def _footer(view: View) -> Html:
    at = el("time", f"{view.now.astimezone(UTC):%H:%M:%S}", datetime=f"{view.now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    parts: list[Part] = [el("span", view.put(texts.AS_OF, at=at)), el("span", view.say(texts.ALL_TIMES))]
    if view.reader:
        other = ("en", "English") if view.language == KOREAN else ("ko", "한국어")
        looks = [look for look in (("light", texts.LIGHT), ("dark", texts.DARK)) if look[0] != view.theme]
        parts.append(
            view.form(
                "me",
                "",
                el("input", type="hidden", name="back", value=view.here),
                el("button", other[1], name="language", value=other[0], lang=other[0], class_="lk"),
                [el("button", view.say(words), name="theme", value=value, class_="lk") for value, words in looks],
                action=f"{ROOT}/me",
            )
        )
    return el("footer", el("div", parts, class_="in"), class_="foot")


def news(view: View, said: Words | None, *, is_alarm: bool = False) -> Html:
    """Say in the first line what came of a press; nothing where nothing was pressed."""
    if said is None:
        return joined(None)
    return el("p", view.say(said), class_="news alarm" if is_alarm else "news", role="alert" if is_alarm else "status")
