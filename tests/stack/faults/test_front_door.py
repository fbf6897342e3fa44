"""From the link in a card to the acknowledged case: through App Service authentication, by the page alone."""

from collections.abc import Iterator
from typing import Final, Literal
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from infra.local import story
from infra.local.browser import Browser, SignInError
from infra.local.world import ALICE, MALLORY, TRUDY
from shared.authority.standing import Approval
from shared.clients.storage_names import Table
from shared.model.cases import Case
from shared.model.kinds import ApprovalList, Mode
from tests.fakes.phones import PHONE, Taps, chromium, phone
from tests.stack.faults.running_stack import RunningStack

pytestmark = pytest.mark.stack

_FORGED: Final = {"X-MS-CLIENT-PRINCIPAL-ID": ALICE.id, "X-MS-CLIENT-PRINCIPAL-NAME": ALICE.upn or ""}


@pytest.fixture
def case(running: RunningStack) -> Case:
    """Give a case that was paged and waits for somebody."""
    running.desk.controls.set_mode("*", Mode.PAGE, by="the test", reason="to see what follows")
    case = running.closed(story.OWNER_TAKEN, story.OWNER_TAKEN.act(running.stack.control))
    running.until(lambda: running.posts(case, "teams"), what="no card came")
    return case


def _link(running: RunningStack, case: Case) -> str:
    link = running.desk.settings.case_link.format(case=case.id)
    assert link in str(running.posts(case, "teams")), "the card has another link"
    return link


def test_its_owner_opens_a_case_and_acknowledges_it(running: RunningStack, case: Case) -> None:
    link, app = _link(running, case), running.stack.host["url"]
    with Browser(app) as browser:
        page = browser.open(link, ALICE)
        assert page.status_code == 200
        assert case.id in page.text
        assert browser.post(f"{link}/acknowledge", {}, origin="https://elsewhere.example").status_code == 403
        assert browser.post(f"{link}/acknowledge", {}, origin=app).status_code == 403, "without its token"
        assert not _acknowledged_by(running, case), "another site's form does nothing"
        assert browser.press(page, "acknowledge").status_code == 303
    assert ALICE.id in _acknowledged_by(running, case)


def test_its_owner_puts_it_back_by_the_page_alone(running: RunningStack, case: Case) -> None:
    link, app = _link(running, case), running.stack.host["url"]
    with Browser(app) as browser:
        assert "Needs you" in browser.open(link, ALICE).text

        def offered() -> httpx.Response | None:
            # What is read in the tenant may be from before the change for a moment.
            sheet = browser.get(f"{link}/put-back")
            return sheet if f'action="{urlsplit(link).path}/put-back"' in sheet.text else None

        sheet = running.until(offered, what="the page doesn't offer to put it back")
        assert running.acts() == [], "nothing is done on GET"
        done = browser.press(sheet, "put-back", {"reason": "unwanted"})
        assert done.status_code == 303
        assert "in your name" in browser.get(done.headers["location"]).text
        running.until(running.acts, what="nothing was put back")
        running.until(lambda: ">Put back<" in browser.get(link).text, what="the page doesn't say that it is put back")


@pytest.mark.usefixtures("nobody_approved_since")
def test_on_a_phone_it_is_two_presses_from_the_card_to_acknowledged_and_two_to_approved(
    running: RunningStack, case: Case
) -> None:
    """In a real browser, by the sign-in as it is: one press says who one is, each of the others counts."""
    link = _link(running, case)
    with chromium() as browser, phone(browser) as context:
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(link)
        page.get_by_role("button", name=ALICE.name).tap()
        page.wait_for_url(link)
        for part in (".verdict .st", "h1", ".proof", ".ack .btn"):
            box = page.locator(part).bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= PHONE["height"], part
        page.get_by_role("button", name="Acknowledge").tap()
        expect(page.get_by_role("status")).to_have_text("Acknowledged")
        page.get_by_role("link", name="Approve…").tap()
        page.get_by_label("Ticket").fill("CHG-7")
        page.get_by_role("button", name="Approve", exact=True).tap()
        expect(page.get_by_role("status")).to_have_text("Approved, in your name.")
        assert page.url.startswith(link)
    assert ALICE.id in _acknowledged_by(running, case)
    found = running.desk.approvals.find(ApprovalList.RBAC_ROLES, TRUDY.id)
    assert isinstance(found, Approval)
    assert (found.ticket, ALICE.id in found.approved_by) == ("CHG-7", True)


def test_on_a_phone_undoing_takes_two_presses_and_accepting_two(running: RunningStack) -> None:
    """What was put back is undone, so that it stands as it was changed; what was only paged is accepted."""
    scene, control = story.SELF_EXCLUSION, running.stack.control
    undone = running.closed(scene, scene.act(control))
    running.until(lambda: running.posts(undone, "teams"), what="no card came")
    assert scene.check(control.state()) == "", "it wasn't put back"
    with chromium() as browser, phone(browser) as context:
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(_link(running, undone))
        page.get_by_role("button", name=ALICE.name).tap()
        page.wait_for_url(_link(running, undone))
        taps = Taps(page)
        _tap(running, page, taps, "link", "Undo put-back…")
        _tap(running, page, taps, "button", "Undo: the change was wanted")
        expect(page.get_by_role("status")).to_contain_text("in your name")
        assert taps.count == 2
        running.until(lambda: scene.check(control.state()), what="it doesn't stand as it was changed")
        running.desk.controls.set_mode("*", Mode.PAGE, by="the test", reason="to see what follows")
        accepted = running.closed(story.OWNER_TAKEN, story.OWNER_TAKEN.act(control))
        running.until(lambda: running.posts(accepted, "teams"), what="no card came")
        page.goto(_link(running, accepted))
        _tap(running, page, taps, "link", "Accept as it stands…")
        _tap(running, page, taps, "button", "Accept: it was wanted")
        expect(page.get_by_role("status")).to_contain_text("in your name")
        assert taps.count == 2 + 2
        expect(page.locator(".verdict .st")).to_have_text("Accepted")


def _tap(running: RunningStack, page: Page, taps: Taps, role: Literal["button", "link"], name: str) -> None:
    """Tap what a page offers; the page is opened anew until it does, since what it shows may be from before a write."""

    def is_offered() -> bool:
        try:
            page.get_by_role(role, name=name, exact=True).first.wait_for(timeout=10_000)
        except PlaywrightTimeout:
            page.reload()
            return False
        return True

    running.until(is_offered, what=f"the page doesn't offer {name!r}")
    taps.on(role, name)


@pytest.fixture
def nobody_approved_since(running: RunningStack) -> Iterator[None]:
    """Take away what a test approves: lists stay as they are between tests."""
    before = {row.key for row in running.desk.storage.rows(Table.APPROVED_ACTORS, "PartitionKey ge ''")}
    yield
    for row in running.desk.storage.rows(Table.APPROVED_ACTORS, "PartitionKey ge ''"):
        if row.key not in before:
            running.desk.storage.delete(Table.APPROVED_ACTORS, row)


def test_an_older_cards_link_leads_to_the_page(running: RunningStack, case: Case) -> None:
    with Browser(running.stack.host["url"]) as browser:
        led = browser.open(f"{running.stack.host['url']}/api/open/{case.id}", ALICE)
        assert (led.status_code, led.headers["location"]) == (303, f"/api/console/i/{case.id}")


def test_nobody_else_gets_there(running: RunningStack, case: Case) -> None:
    link, app = _link(running, case), running.stack.host["url"]
    for headers in ({}, _FORGED, {"x-functions-key": running.stack.keys["master"]}):
        for method in ("GET", "POST"):
            answer = httpx.request(method, link, headers={**headers, "Origin": app})
            assert answer.status_code == 302
            assert answer.headers["location"].startswith("/.auth/login/aad")
    with Browser(app) as browser, pytest.raises(SignInError, match="AADSTS50105"):
        browser.open(link, MALLORY)
    assert not _acknowledged_by(running, case)


def _acknowledged_by(running: RunningStack, case: Case) -> str:
    found = running.desk.ledger.case(case.tenant_id, case.id)
    assert found
    return found.acknowledged_by
