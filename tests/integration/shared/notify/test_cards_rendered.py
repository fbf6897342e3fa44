"""Cards as people see them: drawn by Microsoft's renderer on the page of the local stack's inbox, in a real browser."""

import re
import shutil
from collections.abc import Iterator

import msgspec
import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect, sync_playwright

from responders.runbooks.notification import PAGE
from shared.model.bilingual import ENGLISH, KOREAN, Value
from shared.model.cases import Case
from shared.model.detections import AnyDetection
from shared.model.notices import Phase
from shared.notify.cards import alert_of, card_of
from shared.notify.channels import TeamsSender
from shared.notify.messages import Digest, NoticeCall, PageMessage
from shared.notify.page_cards import digest_card, page_card
from shared.notify.paged import paged_change, worst_first
from tests.fakes.card_cases import (
    BY_ENDING,
    CA_POLICY_UPDATED,
    EVIL_TEXTS,
    FAILED,
    GUARDED,
    HUGE,
    PAGE_CONTEXT,
    PUT_BACK,
    evil,
)
from tests.fakes.runtime import settings_with
from tests.integration.infra.local.inbox.conftest import RunningInbox, running_inbox
from tests.unit.shared.notify.test_cards import HEADLINES

_DESK: ViewportSize = {"width": 1280, "height": 900}
_PHONE: ViewportSize = {"width": 390, "height": 844}
_MARKUP = "a, img, script, b, strong, em, i, ul, ol, h1, h2, code, blockquote, table"
_ISOLATES = str.maketrans("", "", "\u2068\u2069")

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def inbox() -> Iterator[RunningInbox]:
    with running_inbox() as running:
        yield running


@pytest.fixture(scope="module")
def open_page(inbox: RunningInbox) -> Iterator[Page]:
    arguments = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        page = browser.new_page(viewport=_DESK)
        page.set_default_timeout(10_000)
        page.goto(inbox.url)
        yield page
        browser.close()


@pytest.fixture
def page(open_page: Page, inbox: RunningInbox) -> Page:
    """The inbox's page, empty and as wide as a desk's."""
    assert inbox.client.delete("/messages").status_code == 204
    expect(open_page.locator(".posts > li")).to_have_count(0)
    open_page.set_viewport_size(_DESK)
    return open_page


def post(inbox: RunningInbox, case: Case, detection: AnyDetection = CA_POLICY_UPDATED) -> None:
    body = msgspec.json.encode(card_of(case, detection, PAGE_CONTEXT))
    assert inbox.client.post(inbox.teams, content=body).status_code == 202


def drawn(page: Page, inbox: RunningInbox, case: Case, detection: AnyDetection = CA_POLICY_UPDATED) -> Locator:
    """Post a card and give it as it stands on the page."""
    post(inbox, case, detection)
    card = page.locator("#teams .posts > li:not(.refused) .card")
    expect(card).to_have_count(1)
    return card


def text_of(part: Locator) -> str:
    return (part.text_content() or "").translate(_ISOLATES)


@pytest.mark.parametrize("name", BY_ENDING)
def test_the_headline_is_the_first_thing_on_every_card(name: str, page: Page, inbox: RunningInbox) -> None:
    card = drawn(page, inbox, *BY_ENDING[name])
    first = card.locator(".ac-richTextBlock").first
    assert text_of(first) == HEADLINES[name]
    assert card.locator("button").all_inner_texts()[0] == "Open the case"
    assert card.locator("a").count() == 0


def test_texts_of_the_tenant_are_shown_literally(page: Page, inbox: RunningInbox) -> None:
    for text in EVIL_TEXTS:
        post(inbox, evil(text))
    cards = page.locator("#teams .posts > li:not(.refused) .card")
    expect(cards).to_have_count(len(EVIL_TEXTS))
    assert page.locator(".card").locator(_MARKUP).count() == 0
    for card, text in zip(reversed(cards.all()), EVIL_TEXTS, strict=True):
        shown = text_of(card.locator(".ac-richTextBlock").first)
        assert card.locator(".mention").all_inner_texts() == ["Alex Admin"]
        assert f"“{text}”" in shown or re.search(r"\[U\+[0-9A-F]{4,}\]|↵| ·", shown), text
        assert f"“{text}”" in shown or not re.fullmatch("[ -~]*", text) or "  " in text, text


def test_a_huge_card_is_accepted_and_says_that_there_is_more(page: Page, inbox: RunningInbox) -> None:
    text = text_of(drawn(page, inbox, HUGE))
    assert "more: open the case for all of them." in text
    assert "left out)" in text


@pytest.mark.parametrize("name", ["put-back", "failed", "role", "custom-policy"])
def test_a_card_fits_a_phone(name: str, page: Page, inbox: RunningInbox) -> None:
    page.set_viewport_size(_PHONE)
    card = drawn(page, inbox, *BY_ENDING[name])
    assert page.evaluate("document.documentElement.scrollWidth") <= _PHONE["width"]
    right_edges: list[float] = card.locator(".ac-richTextBlock").evaluate_all(
        "parts => parts.map(part => part.getBoundingClientRect().right)"
    )
    box = card.bounding_box()
    assert box is not None
    assert max(right_edges) <= box["x"] + box["width"]


def test_the_essential_is_on_the_first_screen_of_a_phone(page: Page, inbox: RunningInbox) -> None:
    page.set_viewport_size(_PHONE)
    card = drawn(page, inbox, FAILED)
    step = card.locator(".ac-richTextBlock").filter(has_text="The change is still in force").bounding_box()
    assert step is not None
    assert step["y"] + step["height"] <= _PHONE["height"]


def test_each_change_on_a_page_of_several_opens_its_case(page: Page, inbox: RunningInbox) -> None:
    cards = page.locator("#teams .posts > li:not(.refused) .card")
    for number, width in enumerate((_DESK, _PHONE), start=1):
        page.set_viewport_size(width)
        body = msgspec.json.encode(page_card(_several(GUARDED, PUT_BACK, FAILED), settings_with()))
        assert inbox.client.post(inbox.teams, content=body).status_code == 202
        expect(cards).to_have_count(number)
        assert page.evaluate("document.documentElement.scrollWidth") <= width["width"]
    rows = cards.first.get_by_role("link").filter(has_text=re.compile("Case 2026"))
    assert [text_of(row).split(":")[0] for row in rows.all()] == ["Needs you", "Could not be put back", "Put back"]


def test_a_digest_is_drawn(page: Page, inbox: RunningInbox) -> None:
    digest = Digest(key="digest", pages=(_several(GUARDED, GUARDED), _several(PUT_BACK)))
    assert inbox.client.post(inbox.teams, json=digest_card(digest, settings_with())).status_code == 202
    card = page.locator("#teams .posts > li:not(.refused) .card")
    expect(card).to_have_count(1)
    assert text_of(card.locator(".ac-richTextBlock").first).startswith("3 more changes by 1 actor: 2 need you")


@pytest.mark.parametrize("language", [ENGLISH, KOREAN])
@pytest.mark.parametrize("width", [360, _DESK["width"]])
def test_the_page_of_an_emergency_fits_in_either_language(
    language: str, width: int, page: Page, inbox: RunningInbox
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    values: dict[str, Value] = {"by": "Alex Admin", "at": "2026-11-30 03:12 UTC", "reason": "nobody can sign in"}
    notice = PAGE.notice("key", id="0" * 32, **values)
    call = NoticeCall(key="page", system_notice=notice, owners=PAGE_CONTEXT.owners, place=1)
    TeamsSender(settings_with(TEAMS_WEBHOOK_URL=inbox.teams, NOTICE_LANGUAGE=language)).send_call(call)
    card = page.locator("#teams .posts > li:not(.refused) .card")
    expect(card).to_have_count(1)
    assert text_of(card.locator(".ac-richTextBlock").first) == notice.texts(language).title
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def _several(*cases: Case) -> PageMessage:
    changes = (paged_change(case, CA_POLICY_UPDATED, Phase.ENDED) for case in cases)
    named = (msgspec.structs.replace(change, case_id=f"20261121-{place}") for place, change in enumerate(changes))
    return PageMessage(key="page", tenant_id=cases[0].tenant_id, by="“Mallory”", changes=worst_first(named))


def test_the_alert_is_taken_and_shown(page: Page, inbox: RunningInbox) -> None:
    event = {**alert_of(PUT_BACK, CA_POLICY_UPDATED, PAGE_CONTEXT), "routing_key": inbox.routing_key}
    assert inbox.client.post(inbox.pagerduty, json=event).status_code == 202
    alert = page.locator("#pagerduty .posts > li")
    expect(alert).to_have_count(1)
    expect(alert).to_contain_text(HEADLINES["put-back"])
