"""The page in a real browser: Debian's chromium when it is there, else the one Playwright brought."""

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, override

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Locator, Page, ViewportSize, expect, sync_playwright

from tests.fakes.posts import card, event, mentioning, message, text_block
from tests.integration.infra.local.inbox.conftest import RunningInbox

if TYPE_CHECKING:
    from infra.local.inbox.wire import Json

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_DESK: ViewportSize = {"width": 1280, "height": 844}
_HOSTILE = (
    "[click](http://evil)",
    "<img src=x onerror=alert(1)>",
    "<at>Anna</at>",
    "<script>alert(1)</script>",
    "**a** _b_",
)
_ENTITIES = str.maketrans({character: f"&#{ord(character)};" for character in r"\`*_{}[]()<>#+-.!|~&"})


def with_backslashes(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~&])", r"\\\1", text)


def with_entities(text: str) -> str:
    return text.translate(_ENTITIES)


@dataclass(kw_only=True)
class OpenPage:
    """The inbox's page, open while the module's tests run, and what it did. Playwright hangs its marks on listeners."""

    page: Page
    asked: list[str] = field(default_factory=list[str])
    complaints: list[str] = field(default_factory=list[str])

    def listen(self) -> None:
        context = self.page.context
        context.on("request", lambda request: self.asked.append(request.url))
        context.on("dialog", self._dismiss)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("console", self._note)

    def _dismiss(self, dialog: Dialog) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()

    def _note(self, said: ConsoleMessage) -> None:
        if said.type in {"error", "warning"}:
            self.complaints.append(said.text)


# For this module only: while Playwright's synchronous side runs, its thread can't run another event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def open_page(browser: Browser, module_inbox: RunningInbox) -> Iterator[OpenPage]:
    with browser.new_context(viewport=_DESK) as context:
        opened = OpenPage(page=context.new_page())
        opened.page.set_default_timeout(5_000)
        opened.listen()
        opened.page.goto(module_inbox.url)
        yield opened


@pytest.fixture
def page(open_page: OpenPage, inbox: RunningInbox) -> Iterator[Page]:
    """The page, empty; afterwards it must have asked nobody else, raised no dialog, and logged no complaint."""
    page = open_page.page
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(_DESK)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page.locator(".posts > li")).to_have_count(0)
    open_page.complaints.clear()
    yield page
    assert [address for address in open_page.asked if not address.startswith(inbox.url)] == []
    assert open_page.complaints == []


def teams_posts(page: Page) -> Locator:
    return page.locator("#teams .posts > li")


def alerts(page: Page) -> Locator:
    return page.locator("#pagerduty .posts > li")


def contrasts(texts: Locator) -> dict[str, float]:
    """The WCAG contrast of each visible element's text with the first opaque background behind it."""
    pairs: list[tuple[str, float]] = texts.evaluate_all(
        """elements => elements.filter(element => element.checkVisibility()).map(element => {
                const channels = color => color.match(/[0-9.]+/g).map(Number);
                const luminance = color => {
                    const [r, g, b] = channels(color).slice(0, 3)
                        .map(c => c / 255)
                        .map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
                    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
                };
                let behind = element;
                const opaque = node => (channels(getComputedStyle(node).backgroundColor)[3] ?? 1) === 1;
                while (!opaque(behind)) behind = behind.parentElement;
                const both = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor].map(luminance);
                return [element.innerText, (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05)];
            })"""
    )
    return dict(pairs)


def test_an_empty_inbox_says_so(page: Page) -> None:
    expect(page.get_by_text("No pages yet…")).to_be_visible()
    expect(page.get_by_text("No alerts yet…")).to_be_visible()
    expect(page).to_have_title("Pager inbox")


def test_cards_appear_by_themselves_the_newest_first(page: Page, inbox: RunningInbox) -> None:
    page.evaluate("window.loadedOnce = true")
    for text in ("first card", "second card", "third card"):
        inbox.post_card(message(card(text_block(text))))
    expect(teams_posts(page).locator(".ac-textBlock")).to_have_text(["third card", "second card", "first card"])
    expect(page.get_by_text("No pages yet…")).to_be_hidden()
    expect(page).to_have_title("(3) Pager inbox")
    assert page.evaluate("window.loadedOnce") is True


def test_what_was_opened_stays_open_when_more_comes(page: Page, inbox: RunningInbox) -> None:
    inbox.post_card(message(card(text_block("first card"))))
    teams_posts(page).get_by_text("As posted").click()
    inbox.post_card(message(card(text_block("second card"))))
    expect(teams_posts(page)).to_have_count(2)
    expect(teams_posts(page).nth(1).locator("pre")).to_contain_text('"text": "first card"')


def test_clearing_empties_the_page(page: Page, inbox: RunningInbox) -> None:
    inbox.post_card(message(card(text_block("a card"))))
    expect(teams_posts(page)).to_have_count(1)
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("No pages yet…")).to_be_visible()


def test_markdown_that_teams_documents(page: Page, inbox: RunningInbox) -> None:
    text = "**bold** _slanted_ [the case](https://example.com/case)\n\n- one\n- two"
    inbox.post_card(message(card(text_block(text))))
    post = teams_posts(page)
    expect(post.locator("strong")).to_have_text("bold")
    expect(post.locator("em")).to_have_text("slanted")
    expect(post.locator("li")).to_have_text(["one", "two"])
    expect(post.get_by_role("link", name="the case")).to_have_attribute("href", "https://example.com/case")


def test_markdown_that_teams_lacks_stays_text(page: Page, inbox: RunningInbox) -> None:
    shown = "# head `code` > quote ~~gone~~ <https://example.com> [x](javascript:alert(1))"
    inbox.post_card(message(card(text_block(shown))))
    expect(teams_posts(page).locator(".ac-textBlock")).to_have_text(shown)
    expect(teams_posts(page).locator("a, h1, code, blockquote, s")).to_have_count(0)


@pytest.mark.parametrize("escaped", [with_backslashes, with_entities])
def test_an_escaped_name_is_only_text(page: Page, inbox: RunningInbox, escaped: Callable[[str], str]) -> None:
    facts: list[Json] = [{"title": str(place), "value": escaped(name)} for place, name in enumerate(_HOSTILE)]
    body = card(text_block("For <at>Anna</at>"), {"type": "FactSet", "facts": facts}, msteams=mentioning("Anna"))
    inbox.post_card(message(body))
    expect(teams_posts(page).locator(".ac-fact-value")).to_have_text(list(_HOSTILE))
    expect(teams_posts(page).locator(".card").locator("a, img, script, strong, em")).to_have_count(0)
    expect(teams_posts(page).locator(".mention")).to_have_text(["Anna"])


def test_an_unescaped_name_shows_what_it_would_do_in_teams(page: Page, inbox: RunningInbox) -> None:
    facts: list[Json] = [{"title": "policy", "value": name} for name in _HOSTILE[:4]]
    inbox.post_card(message(card({"type": "FactSet", "facts": facts}, msteams=mentioning("Anna"))))
    values = teams_posts(page).locator(".ac-fact-value")
    expect(values.nth(0).get_by_role("link")).to_have_attribute("href", "http://evil")
    expect(values.nth(1)).to_have_text(_HOSTILE[1])
    expect(values.nth(2).locator(".mention")).to_have_text("Anna")
    expect(values.nth(3)).to_have_text(_HOSTILE[3])
    expect(page.locator(".card").locator("img, script")).to_have_count(0)


def test_at_text_without_an_entity_stays_text(page: Page, inbox: RunningInbox) -> None:
    inbox.post_card(message(card(text_block("<at>all</at>"))))
    expect(teams_posts(page).locator(".ac-textBlock")).to_have_text("<at>all</at>")
    expect(page.locator(".mention")).to_have_count(0)


def test_each_card_knows_only_its_own_mentions(page: Page, inbox: RunningInbox) -> None:
    inside: Json = {
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [text_block("for <at>Anna</at>, not <at>Bert</at>")],
    }
    show: Json = {"type": "Action.ShowCard", "title": "Evidence", "card": inside}
    inbox.post_card(message(card(actions=[show], body=[text_block("<at>Anna</at>")], msteams=mentioning("Anna"))))
    expect(teams_posts(page)).to_have_count(1)
    inbox.post_card(message(card(text_block("<at>Bert</at>"), msteams=mentioning("Bert"))))
    expect(teams_posts(page).nth(0).locator(".mention")).to_have_text("Bert")
    page.get_by_role("button", name="Evidence").click()
    expect(teams_posts(page).nth(1)).to_contain_text("for Anna, not <at>Bert</at>")


def test_a_card_teams_would_not_post_is_greyed_and_says_why(page: Page, inbox: RunningInbox) -> None:
    inbox.post_card(
        card(text_block("a bare card"), actions=[{"type": "Action.OpenUrl", "title": "x", "url": inbox.url}])
    )
    post = teams_posts(page)
    expect(post).to_contain_text("Not posted")
    expect(post).to_contain_text("The sender saw 202")
    expect(post).to_contain_text("This is a bare card")
    expect(post.locator(".card")).to_contain_text("a bare card")
    expect(post.locator(".card")).to_have_css("filter", "grayscale(1)")
    assert post.locator(".card").evaluate("card => card.inert") is True


def test_a_good_card_is_not_greyed(page: Page, inbox: RunningInbox) -> None:
    inbox.post_card(message(card(text_block("a card"))))
    expect(teams_posts(page).locator(".card")).to_have_css("filter", "none")
    expect(page.get_by_text("Not posted")).to_have_count(0)


def test_what_is_not_json_is_shown_as_text(page: Page, inbox: RunningInbox) -> None:
    inbox.client.post(inbox.teams, content=b"<img src=x onerror=alert(1)>")
    teams_posts(page).get_by_text("As posted").click()
    expect(teams_posts(page).locator("pre")).to_have_text("<img src=x onerror=alert(1)>")


def test_odd_posts_do_not_stop_the_page(page: Page, inbox: RunningInbox) -> None:
    odd: list[Json] = [
        None,
        [],
        "text",
        message(None),
        message(card(None, 7, {"type": "Nonsense"}, {"type": "TextBlock", "text": 5})),
        {"type": "message", "attachments": [None]},
        message(card(text_block("<at>Anna</at>"), msteams={"entities": [None, {"type": "mention", "text": ""}]})),
    ]
    for body in odd:
        inbox.post_card(body)
    inbox.post_event({"event_action": {"a": "b"}})
    inbox.post_event(event(inbox.routing_key, custom_details=[1, {"a": None}], component=7) | {"links": 7, "client": 7})
    inbox.post_card(message(card(text_block("after all that"))))
    expect(teams_posts(page).first).to_contain_text("after all that")
    expect(teams_posts(page)).to_have_count(len(odd) + 1)
    expect(alerts(page)).to_have_count(2)


def test_a_button_opens_its_address_beside_the_inbox(page: Page, inbox: RunningInbox) -> None:
    acknowledge: Json = {"type": "Action.OpenUrl", "title": "Acknowledge", "url": f"{inbox.url}/?case=1"}
    inbox.post_card(message(card(text_block("a card"), actions=[acknowledge])))
    with page.context.expect_page() as opening:
        page.get_by_role("link", name="Acknowledge").click()
    opening.value.wait_for_load_state()
    assert opening.value.url == f"{inbox.url}/?case=1"
    assert opening.value.evaluate("opener") is None
    opening.value.close()


def test_no_script_address_is_ever_opened(page: Page, inbox: RunningInbox) -> None:
    address = "javascript:alert(1)"
    inbox.post_card(message(card(actions=[{"type": "Action.OpenUrl", "title": "evil", "url": address}])))
    inbox.post_event(
        event(inbox.routing_key) | {"links": [{"href": address, "text": "evil link"}], "client_url": address}
    )
    page.get_by_role("link", name="evil").click()
    expect(alerts(page).get_by_text("evil link")).to_be_visible()
    expect(alerts(page).locator("a")).to_have_count(0)
    assert len(page.context.pages) == 1


def test_pagerduty_alerts_have_a_lane_with_severity_and_count(page: Page, inbox: RunningInbox) -> None:
    inbox.post_event(event(inbox.routing_key, dedup_key="case-2", severity="warning", summary="<b>Policy</b> deleted"))
    for _ in range(2):
        inbox.post_event(event(inbox.routing_key, custom_details={"actor": "mallory@contoso.com"}))
    expect(alerts(page)).to_have_count(2)
    newest = alerts(page).first
    expect(newest.locator(".severity")).to_have_text("critical")
    expect(newest.locator(".times")).to_have_text("\u00d72")
    expect(newest).to_contain_text("mallory@contoso.com")
    expect(alerts(page).nth(1).locator("h3")).to_have_text("<b>Policy</b> deleted")
    expect(alerts(page).nth(1).locator(".times")).to_have_count(0)
    inbox.post_event(event(inbox.routing_key, action="acknowledge"))
    expect(newest.locator(".state")).to_have_text("acknowledged")
    inbox.post_event(event(inbox.routing_key, action="resolve"))
    expect(newest.locator(".state")).to_have_text("resolved")
    expect(teams_posts(page)).to_have_count(0)


def test_a_refused_event_is_shown_with_its_errors(page: Page, inbox: RunningInbox) -> None:
    inbox.post_event(event(inbox.routing_key, severity="high"))
    expect(alerts(page)).to_contain_text("Refused")
    expect(alerts(page)).to_contain_text("'payload.severity' is invalid")


def test_services_can_be_switched_from_the_page(page: Page, inbox: RunningInbox) -> None:
    page.get_by_label("Teams", exact=True).select_option("off")
    expect(page.locator("body")).to_have_attribute("data-teams", "off")
    assert inbox.client.get("/control/settings").json()["teams"] == "off"
    inbox.set(teams="on")
    expect(page.get_by_label("Teams", exact=True)).to_have_value("on")


class _Outside(BaseHTTPRequestHandler):
    """Some other server, which counts who asks."""

    hits = 0

    def do_GET(self) -> None:
        type(self).hits += 1
        self.send_response(204)
        self.end_headers()

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def outside() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Outside) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/pixel.png"
        server.shutdown()
        thread.join()
        assert _Outside.hits == 0


def test_no_picture_is_fetched_from_outside(browser: Browser, own_inbox: RunningInbox, outside: str) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(own_inbox.url)
        picture: Json = {"type": "Image", "url": outside, "altText": "a pixel"}
        own_inbox.post_event(event(own_inbox.routing_key) | {"images": [{"src": outside}]})
        own_inbox.post_card(message(card(picture, backgroundImage=outside)))
        # The words stand there once the browser has refused the picture; a request would have been made by then.
        expect(page.get_by_text("[picture not fetched: a pixel]")).to_be_visible()
        expect(alerts(page)).to_have_count(1)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_can_be_read_in_either_scheme(page: Page, inbox: RunningInbox, *, dark: bool) -> None:
    colors = ("default", "accent", "attention", "good", "warning", "light", "dark")
    blocks: list[Json] = [{**text_block(name), "color": name} for name in colors]
    blocks += [{**text_block(f"subtle {name}"), "color": name, "isSubtle": True} for name in colors]
    boxes: list[Json] = [
        {"type": "Container", "style": style, "items": [{**text_block(f"{style} box"), "isSubtle": True}]}
        for style in ("emphasis", "good", "attention", "warning", "accent")
    ]
    buttons: list[Json] = [
        {"type": "Action.OpenUrl", "title": style, "url": "https://example.com", "style": style}
        for style in ("default", "positive", "destructive")
    ]
    page.emulate_media(color_scheme="dark" if dark else "light")
    inbox.post_card(message(card(*blocks, *boxes, actions=buttons)))
    inbox.post_card(card())
    for severity in ("critical", "error", "warning", "info"):
        inbox.post_event(event(inbox.routing_key, dedup_key=severity, severity=severity))
    expect(alerts(page)).to_have_count(4)
    expect(page.locator("body")).to_have_css("background-color", "rgb(22, 22, 22)" if dark else "rgb(245, 245, 245)")
    texts = ".post:not(.refused) .ac-textBlock, .ac-pushButton, .severity, .reason, .saw, .source, h1, h2, .fine, .link"
    found = contrasts(page.locator(texts))
    assert len(found) > 30
    assert {text: ratio for text, ratio in found.items() if ratio < 4.5} == {}


def test_a_phone_shows_one_lane_at_a_time_and_scrolls_one_way(page: Page, inbox: RunningInbox) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    facts: Json = {"type": "FactSet", "facts": [{"title": "Correlation id", "value": "0123456789abcdef" * 12}]}
    button: Json = {"type": "Action.OpenUrl", "title": "Open the case with a long name " * 3, "url": inbox.url}
    inbox.post_card(message(card(text_block("x" * 300), facts, actions=[button, button])))
    inbox.post_event(event(inbox.routing_key, summary="y" * 300, custom_details={"z" * 80: "z" * 300}))
    for lane, other in (("PagerDuty", "teams"), ("Teams", "pagerduty")):
        page.get_by_role("button", name=f"{lane} 1").click()
        expect(page.locator(f"#{lane.lower()} .posts > li")).to_be_visible()
        expect(page.locator(f"#{other} .posts > li")).to_be_hidden()
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_lost_server_is_told(browser: Browser, own_inbox: RunningInbox) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(own_inbox.url)
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        own_inbox.process.terminate()
        expect(page.get_by_text("Not connected, trying again…")).to_be_visible()
