"""The console in a real browser: on a phone, by night, without script, by keyboard alone, and by the rules of axe."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from infra.local.world import ALICE, MALLORY, WORKFORCE_TENANT, Principal
from responders.account_acts import ACCOUNT_ACTS
from shared.authority.acts import WaitsForSecond
from shared.authority.approvals import TableApprovals
from shared.authority.operator_keys import PublicKey
from shared.authority.operator_store import keep_statement
from shared.authority.operators import AddPasskey
from shared.authority.signed_acts import SignedActs
from shared.authority.standing import Approval
from shared.checks.posture_store import PostureStore
from shared.model.kinds import ApprovalList, Mode
from shared.respond.asking import Verb
from tests.fakes.console import ALICES_PASSKEY, Desk, FrontDoor, desk, founded_desk, served
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.operators import signed
from tests.fakes.phones import PHONE, PasskeyDevice, Taps, chromium, phone
from tests.fakes.postures import poor
from tests.fakes.runtime import approval

_AXE: Final = Path(__file__).resolve().parents[4] / "node_modules" / "axe-core" / "axe.min.js"
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
            "approvals": f"{self.url}/approvals",
            "passkey": f"{self.url}/passkey",
            "approve": f"{self.url}/i/{case.id}/approve",
            "contain": f"{self.url}/i/{case.id}/contain",
            "restore": f"{self.url}/o/{case.object_kind}/{case.object_key}/restore?to=2026-03-02T09:56:00Z",
            **{verb: f"{self.url}/i/{case.id}/{verb}" for verb in (Verb.PUT_BACK, Verb.DENY, Verb.ACCEPT, Verb.LEAVE)},
        }


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def _storage() -> MemoryStorage:
    storage = MemoryStorage()
    storage.create_all()
    return storage


def _examine(made: Desk, name: str = "") -> None:
    """Have the tenant looked at twice, poorly as it stands."""
    kept = PostureStore(made.bench.storage, WORKFORCE_TENANT)
    for days in (1, 0):
        at = made.bench.clock() - timedelta(days=days)
        kept.keep(poor(at, **({"name": name, "mallory": name} if name else {})))


def _site(mode: Mode = Mode.PAGE, *, name: str = "", **options: Any) -> Iterator[_Site]:  # noqa: ANN401 - as `desk` takes
    """Give a console; `name` is that of the policy, and of whatever else has one."""
    named = {"name": name} if name else {}
    made = desk(_storage(), mode=mode, account_acts=ACCOUNT_ACTS, **named, **options)
    _examine(made, name)
    with served(made) as url:
        yield _Site(made=made, url=url)


@pytest.fixture(scope="module")
def site() -> Iterator[_Site]:
    """Give one with operators; something waits for the second of them."""
    made = founded_desk(_storage(), ALICES_PASSKEY.public, account_acts=ACCOUNT_ACTS)
    _examine(made)
    acts = made.bench.runtime.acts
    assert isinstance(acts, SignedActs)
    approvals = TableApprovals(made.bench.storage, clock=made.bench.clock, acts=acts.with_signer(ALICES_PASSKEY))
    with suppress(WaitsForSecond):
        approvals.approve(approval(MALLORY, ApprovalList.DIRECTORY_ROLES))
    with served(made) as url:
        yield _Site(made=made, url=url)


@pytest.fixture
def own_site() -> Iterator[_Site]:
    """Give one in which a test may act."""
    yield from _site()


@pytest.fixture
def back_site() -> Iterator[_Site]:
    """Give one in which the change was put back, and a test may act."""
    yield from _site(Mode.ENFORCE)


@pytest.fixture
def signed_in_site() -> Iterator[_Site]:
    """Give one with operators in front of which one signs in, at a name for which browsers have passkeys."""
    made = founded_desk(_storage(), account_acts=ACCOUNT_ACTS)
    with served(made, host="localhost", front=FrontDoor(made.bench.clock)) as url:
        yield _Site(made=made, url=url)


@pytest.fixture(scope="module")
def long_site() -> Iterator[_Site]:
    """Give one whose policy has a name of 300 letters."""
    yield from _site(name=_LONG)


def _opened(context: BrowserContext, url: str, complaints: list[str]) -> Page:
    page = context.new_page()
    page.set_default_timeout(20_000)
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
    "approvals",
    "passkey",
    "approve",
    "contain",
    "restore",
    *(Verb.PUT_BACK, Verb.DENY, Verb.ACCEPT, Verb.LEAVE),
)


@pytest.mark.parametrize(
    ("size", "scheme", "language"),
    [(PHONE, "light", "en"), (PHONE, "dark", "ko"), (_DESK, "light", "ko"), (_DESK, "dark", "en")],
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
    with browser.new_context(viewport=PHONE, locale=language) as context:
        page = _opened(context, site.pages["incident"], site.complaints)
        bar = page.locator(".ack").bounding_box()
        assert bar is not None
        for part in (".verdict .st", "h1", ".proof", ".next .btn >> nth=0", ".ack .btn"):
            box = page.locator(part).bounding_box()
            assert box is not None
            limit = PHONE["height"] if part == ".ack .btn" else bar["y"]
            assert box["y"] + box["height"] <= limit, part
        # In the order in which they are read.
        tops = [page.locator(part).bounding_box() for part in (".verdict .st", "h1", ".proof", ".next h2")]
        assert [box["y"] for box in tops if box] == sorted(box["y"] for box in tops if box)


def test_acknowledging_is_one_tap_and_accepting_two(browser: Browser, own_site: _Site) -> None:
    with phone(browser) as context:
        page = _opened(context, own_site.pages["incident"], own_site.complaints)
        taps = Taps(page)
        taps.on("button", "Acknowledge")
        expect(page.get_by_role("status")).to_have_text("Acknowledged")
        assert taps.count == 1
        taps.on("link", "Accept as it stands…")
        taps.on("button", "Accept: it was wanted")
        expect(page.get_by_role("status")).to_contain_text("in your name")
        assert taps.count == 1 + 2
        expect(page.locator(".verdict .st")).to_have_text("Accepted")


def test_undoing_is_two_taps(browser: Browser, back_site: _Site) -> None:
    with phone(browser) as context:
        page = _opened(context, back_site.pages["incident"], back_site.complaints)
        taps = Taps(page)
        taps.on("link", "Undo put-back…")
        taps.on("button", "Undo: the change was wanted")
        expect(page.get_by_role("status")).to_contain_text("in your name")
        assert taps.count == 2


def _sign_in(page: Page, who: Principal) -> None:
    page.get_by_role("button", name=who.name).tap()
    page.wait_for_url("**/api/console**")


def _have_added(site: _Site, passkey: PublicKey) -> None:
    """Have the operators sign that a passkey is Alice's."""
    bench, known = site.made.bench, site.made.console.door.operators()
    statement = AddPasskey(
        at=bench.clock(),
        genesis=known.genesis,
        after=known.heads,
        operator="alice",
        passkey=passkey,
        reason="a new phone",
    )
    keep_statement(bench.storage, signed(statement, "alice-1", "carol-1", "dave-1"), by="Alice", now=bench.clock())


def test_approving_is_three_taps_the_last_one_on_the_passkey(browser: Browser, signed_in_site: _Site) -> None:
    site = signed_in_site
    with phone(browser) as context:
        page = _opened(context, site.pages["incident"], site.complaints)
        device = PasskeyDevice(page)
        _sign_in(page, ALICE)
        expect(page.locator("h1")).to_contain_text("excluded their own account")
        page.get_by_role("link", name="Approve…").tap()
        expect(page.get_by_text("You have no passkey for this console")).to_be_visible()
        page.get_by_role("link", name="Make a passkey…").tap()
        page.get_by_role("button", name="Make the passkey").tap()
        expect(page.locator("h1")).to_have_text("The passkey is made")
        public = msgspec.json.decode(page.locator("code.pre").first.inner_text(), type=PublicKey)
        assert (public.host, len(public.credential) > 20) == ("localhost", True)
        _have_added(site, public)
        site.made.bench.clock.move(timedelta(minutes=1))  # each instance reads who is an operator again within a minute

        page.goto(site.pages["incident"])
        taps, touched = Taps(page), device.touched
        taps.on("link", "Approve…")
        page.get_by_label("Ticket").fill("CHG-7")
        taps.on("button", "Approve and sign")
        expect(page.get_by_role("status")).to_have_text("Approved, in your name.")
        assert taps.count + device.touched - touched == 3
        found = site.made.bench.runtime.approvals.find(ApprovalList.CONDITIONAL_ACCESS, MALLORY.id)
        assert isinstance(found, Approval)
        assert (found.ticket, found.approved_by) == ("CHG-7", f"{ALICE.upn} ({ALICE.id})")
        page.goto(site.pages["approvals"])
        expect(page.get_by_text("CHG-7").first).to_be_visible()

        device.refuse()
        page.goto(site.pages["approve"])
        page.get_by_label("Ticket").fill("CHG-8")
        page.get_by_role("button", name="Approve and sign", exact=True).tap()
        expect(page.get_by_role("alert")).to_contain_text("the device refused")
        assert site.made.bench.runtime.approvals.find(ApprovalList.CONDITIONAL_ACCESS, MALLORY.id) == found
    assert site.complaints == []


def test_a_wrong_operator_sees_nothing_and_an_ended_session_does_nothing(
    browser: Browser, signed_in_site: _Site
) -> None:
    site = signed_in_site
    with phone(browser) as context:
        page = _opened(context, site.pages["incident"], site.complaints)
        _sign_in(page, MALLORY)
        expect(page.locator("h1")).to_have_text("You're signed in, but not as an operator")
        assert "CA001" not in page.content()
        page.get_by_role("link", name="Sign in with another account").tap()
        _sign_in(page, ALICE)
        page.goto(site.pages["incident"])
        site.made.bench.clock.move(timedelta(hours=2))
        page.get_by_role("button", name="Acknowledge").tap()
        expect(page.locator("h1")).to_have_text("You were signed out. Nothing was done.")
        assert site.made.bench.only_case().acknowledged_at is None
        page.get_by_role("link", name="Sign in").tap()
        _sign_in(page, ALICE)
        page.get_by_role("button", name="Acknowledge").tap()
        expect(page.get_by_role("status")).to_have_text("Acknowledged")
    assert site.complaints == []


_SIZES: Final = ((320, "100%"), (390, "100%"), (899, "100%"), (640, "200%"), (1280, "200%"))
"""Widths of the screen, with the size of text."""


@pytest.mark.parametrize("language", ["en", "ko"])
def test_what_will_be_done_and_its_button_are_seen_together_on_a_phone(
    browser: Browser, site: _Site, language: str
) -> None:
    with browser.new_context(viewport=PHONE, locale=language) as context:
        for verb in (Verb.PUT_BACK, Verb.DENY, Verb.ACCEPT, Verb.LEAVE):
            page = _opened(context, site.pages[verb], site.complaints)
            for part in ("#plan", "#mind", ".acts .pri"):
                box = page.locator(part).bounding_box()
                assert box is not None
                assert box["y"] + box["height"] <= PHONE["height"], (verb, part)
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


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_bar_keeps_the_name_of_each_page_on_one_line_and_marks_the_one_that_is_shown(
    browser: Browser, site: _Site, language: str
) -> None:
    with browser.new_context(viewport={"width": 900, "height": 664}, locale=language) as context:
        page = _opened(context, site.pages["posture"], site.complaints)
        lines = page.evaluate(
            "Array.from(document.querySelectorAll('#nav > a'), link => { const all = document.createRange();"
            " all.selectNodeContents(link); return all.getClientRects().length; })"
        )
        assert lines == [1] * len(lines)
        expect(page.locator("#nav [aria-current=page]")).to_have_attribute("href", "/api/console/posture")


def test_everything_works_without_script(browser: Browser, own_site: _Site) -> None:
    with browser.new_context(viewport=PHONE, java_script_enabled=False) as context:
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
    with browser.new_context(viewport=PHONE, java_script_enabled=False) as context:
        page = _opened(context, site.url, site.complaints)
        page.locator(".menu").click()
        page.get_by_role("link", name="Posture").click()
        for part in (".verdict .st", "h1", "#first h2"):
            box = page.locator(part).bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= PHONE["height"], part
        expect(page.locator("#gaps")).to_contain_text("signs in with a password")
        expect(page.locator("#undoing")).to_contain_text("holds Global Administrator")
        folded = page.locator("#stage-2 details").filter(has_text="The secure score")
        folded.locator("summary").click()
        expect(folded.get_by_text("SecurityEvents.Read.All")).to_be_visible()


def test_everything_is_reached_by_the_keyboard_alone_and_never_under_the_bar(browser: Browser, own_site: _Site) -> None:
    with browser.new_context(viewport=PHONE) as context:
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
