"""The console in a real browser: on a phone, by night, without script, by keyboard alone, and by the rules of axe."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from infra.local.world import WORKFORCE_TENANT
from responders.account_acts import ACCOUNT_ACTS
from shared.checks.posture_store import PostureStore
from shared.model.kinds import Mode
from shared.respond.asking import Verb
from tests.fakes.console import Desk, desk, served
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.postures import poor

_AXE: Final = Path(__file__).resolve().parents[4] / "node_modules" / "axe-core" / "axe.min.js"
_ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
_PHONE: Final[ViewportSize] = {"width": 390, "height": 664}
"""What a small iPhone shows of a page."""
_DESK: Final[ViewportSize] = {"width": 1280, "height": 900}
_LONG: Final = "n" * 300
_RULES: Final = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass(frozen=True, kw_only=True)
class _Site:
    """A console, its address, and each page of it."""

    made: Desk
    url: str
    complaints: list[str] = field(default_factory=list[str])

    @property
    def pages(self) -> dict[str, str]:
        case = self.made.bench.cases()[0]
        return {
            "incidents": self.url,
            "all": f"{self.url}?view=all",
            "incident": f"{self.url}/i/{case.id}",
            "object": f"{self.url}/o/{case.object_kind}/{case.object_key}",
            "missing": f"{self.url}/i/x",
            "coverage": f"{self.url}/coverage",
            "posture": f"{self.url}/posture",
            "contain": f"{self.url}/i/{case.id}/contain",
            "restore": f"{self.url}/o/{case.object_kind}/{case.object_key}/restore?to=2026-03-02T09:56:00Z",
            **{verb: f"{self.url}/i/{case.id}/{verb}" for verb in (Verb.PUT_BACK, Verb.DENY, Verb.ACCEPT, Verb.LEAVE)},
        }


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_ARGUMENTS)
        yield browser
        browser.close()


def _site(name: str = "", **options: Any) -> Iterator[_Site]:  # noqa: ANN401 - as `desk` takes
    """Give a console; `name` is that of the policy, and of whatever else has one."""
    storage = MemoryStorage()
    storage.create_all()
    named = {"name": name} if name else {}
    made = desk(storage, mode=Mode.PAGE, account_acts=ACCOUNT_ACTS, **named, **options)
    kept = PostureStore(storage, WORKFORCE_TENANT)
    for days in (1, 0):
        at = made.bench.clock() - timedelta(days=days)
        kept.keep(poor(at, **({"name": name, "mallory": name} if name else {})))
    with served(made) as url:
        yield _Site(made=made, url=url)


@pytest.fixture(scope="module")
def site() -> Iterator[_Site]:
    yield from _site()


@pytest.fixture
def own_site() -> Iterator[_Site]:
    """Give one in which a test may act."""
    yield from _site()


@pytest.fixture(scope="module")
def long_site() -> Iterator[_Site]:
    """Give one whose policy has a name of 300 letters."""
    yield from _site(name=_LONG)


def _opened(context: BrowserContext, url: str, complaints: list[str]) -> Page:
    page = context.new_page()
    page.set_default_timeout(5_000)
    page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(url)
    return page


_PAGES: Final = (
    "incidents",
    "all",
    "incident",
    "object",
    "missing",
    "coverage",
    "posture",
    "contain",
    "restore",
    *(Verb.PUT_BACK, Verb.DENY, Verb.ACCEPT, Verb.LEAVE),
)


@pytest.mark.parametrize(
    ("size", "scheme", "language"),
    [(_PHONE, "light", "en"), (_PHONE, "dark", "ko"), (_DESK, "light", "ko"), (_DESK, "dark", "en")],
    ids=["phone by day", "phone by night", "desk by day", "desk by night"],
)
def test_no_page_breaks_a_rule_of_accessibility(
    browser: Browser, site: _Site, size: ViewportSize, scheme: Literal["light", "dark"], language: str
) -> None:
    with browser.new_context(viewport=size, color_scheme=scheme, locale=language, bypass_csp=True) as context:
        for name in _PAGES:
            page = _opened(context, site.pages[name], site.complaints)
            page.evaluate(_AXE.read_text(encoding="utf-8"))
            found = page.evaluate(
                "rules => axe.run(document, {runOnly: rules}).then(r => r.violations.map(v => [v.id,"
                " v.nodes.slice(0, 3).map(n => n.target.join(' ')), v.nodes[0].failureSummary]))",
                _RULES,
            )
            assert found == [], name
            page.close()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_who_what_and_state_are_seen_on_a_phone_without_scrolling(browser: Browser, site: _Site, language: str) -> None:
    with browser.new_context(viewport=_PHONE, locale=language) as context:
        page = _opened(context, site.pages["incident"], site.complaints)
        bar = page.locator(".ack").bounding_box()
        assert bar is not None
        for part in (".verdict .st", "h1", ".proof", ".next .btn >> nth=0", ".ack .btn"):
            box = page.locator(part).bounding_box()
            assert box is not None
            limit = _PHONE["height"] if part == ".ack .btn" else bar["y"]
            assert box["y"] + box["height"] <= limit, part
        # In the order in which they are read.
        tops = [page.locator(part).bounding_box() for part in (".verdict .st", "h1", ".proof", ".next h2")]
        assert [box["y"] for box in tops if box] == sorted(box["y"] for box in tops if box)


_SIZES: Final = ((320, "100%"), (390, "100%"), (899, "100%"), (640, "200%"), (1280, "200%"))
"""Widths of the screen, with the size of text."""


@pytest.mark.parametrize("language", ["en", "ko"])
def test_what_will_be_done_and_its_button_are_seen_together_on_a_phone(
    browser: Browser, site: _Site, language: str
) -> None:
    with browser.new_context(viewport=_PHONE, locale=language) as context:
        for verb in (Verb.PUT_BACK, Verb.DENY, Verb.ACCEPT, Verb.LEAVE):
            page = _opened(context, site.pages[verb], site.complaints)
            for part in ("#plan", "#mind", ".acts .pri"):
                box = page.locator(part).bounding_box()
                assert box is not None
                assert box["y"] + box["height"] <= _PHONE["height"], (verb, part)
            page.close()


@pytest.mark.parametrize("of", ["site", "long_site"])
def test_no_page_is_wider_than_the_screen(browser: Browser, request: pytest.FixtureRequest, of: str) -> None:
    site: _Site = request.getfixturevalue(of)
    with browser.new_context() as context:
        for name in _PAGES:
            page = _opened(context, site.pages[name], site.complaints)
            for width, text in _SIZES:
                page.set_viewport_size({"width": width, "height": 664})
                page.evaluate("size => { document.documentElement.style.fontSize = size; }", text)
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width, text)
            page.close()


def test_everything_works_without_script(browser: Browser, own_site: _Site) -> None:
    with browser.new_context(viewport=_PHONE, java_script_enabled=False) as context:
        page = _opened(context, own_site.pages["incident"], own_site.complaints)
        page.locator(".menu").click()
        expect(page.locator("#nav")).to_be_visible()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Acknowledge").click()
        expect(page.get_by_role("status")).to_have_text("Acknowledged")
        expect(page.locator(".ack")).to_contain_text("You have it")
        page.get_by_role("link", name="Put back…").click()
        page.get_by_text("Add a note").click()
        page.get_by_label("Note").fill("CHG-7")
        page.get_by_role("button", name="Put back: it wasn't wanted").click()
        expect(page.get_by_role("status")).to_contain_text("in your name")
        expect(page.locator(".verdict .st")).to_have_text("Being put back")
        own_site.made.go_on()
        page.reload()
        expect(page.locator(".verdict .st")).to_have_text("Put back")
        expect(page.get_by_text("CHG-7").first).to_be_visible()


def test_the_posture_is_read_without_script_and_nothing_is_folded_that_fails_first(
    browser: Browser, site: _Site
) -> None:
    with browser.new_context(viewport=_PHONE, java_script_enabled=False) as context:
        page = _opened(context, site.url, site.complaints)
        page.locator(".menu").click()
        page.get_by_role("link", name="Posture").click()
        for part in (".verdict .st", "h1", "#first h2"):
            box = page.locator(part).bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= _PHONE["height"], part
        expect(page.locator("#gaps")).to_contain_text("signs in with a password")
        expect(page.locator("#undoing")).to_contain_text("holds Global Administrator")
        folded = page.locator("#stage-2 details").filter(has_text="The secure score")
        folded.locator("summary").click()
        expect(folded.get_by_text("SecurityEvents.Read.All")).to_be_visible()


def test_everything_is_reached_by_the_keyboard_alone_and_never_under_the_bar(browser: Browser, own_site: _Site) -> None:
    with browser.new_context(viewport=_PHONE) as context:
        page = _opened(context, own_site.pages["incidents"], own_site.complaints)
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url("**/i/*")
        stops = page.evaluate("document.querySelectorAll('main a, main button, main summary').length")
        seen: set[str] = set()
        for _ in range(stops + 12):
            page.keyboard.press("Tab")
            hidden, name = page.evaluate(
                "(() => { const e = document.activeElement, bar = document.querySelector('.ack');"
                " if (!e || e === document.body) return [false, '']; const box = e.getBoundingClientRect();"
                " return [!e.closest('.ack') && box.top >= bar.getBoundingClientRect().top - 2,"
                " e.textContent.trim()]; })()"
            )
            assert not hidden, name
            seen.add(name)
        assert {"Acknowledge", "Put back…", "Deny for good…", "Accept as it stands…", "Leave it…"} <= seen
        page.keyboard.press("n")
        page.keyboard.press("Enter")
        page.wait_for_url("**/put-back")
        assert own_site.made.bench.only_case().acknowledged_at is None, "no key acts by itself"


def test_the_stylesheet_and_the_script_are_all_that_a_page_asks_for(browser: Browser, site: _Site) -> None:
    asked: list[str] = []
    with browser.new_context(viewport=_DESK) as context:
        context.on("request", lambda request: asked.append(request.url))
        _opened(context, site.pages["incident"], site.complaints)
    assert {url.rpartition("/")[2].partition("-")[0] for url in asked if url != site.pages["incident"]} <= {
        "console",
        "favicon.ico",
    }
    assert [url for url in asked if not url.startswith(site.url.removesuffix("/api/console"))] == []


def test_language_and_theme_stay_as_chosen(browser: Browser, site: _Site) -> None:
    with browser.new_context(viewport=_DESK, locale="en") as context:
        page = _opened(context, site.pages["incident"], site.complaints)
        page.get_by_role("button", name="한국어").click()
        expect(page.locator("html")).to_have_attribute("lang", "ko")
        page.get_by_role("button", name="어둡게").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        assert page.url == site.pages["incident"]
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 18, 22)"


def test_no_page_broke_its_own_policy(site: _Site, long_site: _Site) -> None:
    """The last one: what browsers had to complain of while all others ran."""
    assert site.complaints == long_site.complaints == []
