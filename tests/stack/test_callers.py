"""Who calls, on the whole stack: through App Service authentication in front, the host and Microsoft's worker."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

import httpx
import msgspec
import pytest
from playwright.sync_api import Page, expect

from infra.local.browser import Browser
from infra.local.desk import Desk
from infra.local.operators import LocalOperators, local_operators
from infra.local.stack import Stack
from infra.local.world import ALICE, BREAK_GLASS_1, TRUDY, WORKFORCE_TENANT
from shared.authority.journal import signed_entries
from shared.authority.operator_keys import PublicKey
from shared.authority.operator_store import keep_statement
from shared.authority.operators import AddPasskey, SignedStatement, statement_text
from shared.authority.standing import Approval
from shared.emergency.signing import sign_request, sign_statement
from shared.model.events import Actor, ActorKind
from shared.model.kinds import ApprovalList
from tests.fakes.lamps import lamp_event
from tests.fakes.phones import PasskeyDevice, Taps, chromium, phone
from tests.stack.faults.running_stack import SELDOM

pytestmark = pytest.mark.stack

_BODY: Final = b"{}"
_TRIES: Final = 60
_FORGED: Final = {"X-MS-CLIENT-PRINCIPAL-ID": ALICE.id, "X-MS-CLIENT-PRINCIPAL-IDP": "aad"}


class _There:
    """A stack with operators, and what they ask of it."""

    def __init__(self, stack: Stack, operators: LocalOperators) -> None:
        self.stack = stack
        self.operators = operators
        self.desk = Desk(stack.operator_values(), operators)
        self.desk.storage.create_all()
        self._ledger = self.desk.ledger
        self._cases: list[str] = []

    def a_case(self) -> None:
        """Have another case to acknowledge."""
        actor = Actor(id=TRUDY.id, name=TRUDY.name, kind=ActorKind.USER)
        event = lamp_event(tenant_id=WORKFORCE_TENANT, at=datetime.now(UTC), actor=actor, correlation_id=uuid4().hex)
        case = self._ledger.open("ca-policy-updated", event, b"{}")
        assert case is not None
        self._cases.append(case.id)

    @property
    def case_id(self) -> str:
        return self._cases[-1]

    @property
    def url(self) -> str:
        return f"{self.stack.host['url']}/api/cases/{self.case_id}/acknowledge"

    def post(self, headers: Mapping[str, str], body: bytes = _BODY) -> httpx.Response:
        return httpx.post(self.url, content=body, headers=dict(headers), timeout=60)

    def post_once_it_is_free(self, headers: Callable[[], Mapping[str, str]]) -> Mapping[str, str]:
        """Acknowledge, again while the app itself is writing the case; gives the headers with which it was done."""
        for _ in range(_TRIES):
            sent = headers()
            answer = self.post(sent)
            if answer.status_code != HTTPStatus.CONFLICT:
                assert answer.status_code == HTTPStatus.OK, answer.text
                return sent
            time.sleep(1)
        raise AssertionError("the app never let go of the case")

    def stop(self, headers: Mapping[str, str]) -> httpx.Response:
        url, body = f"{self.stack.host['url']}/api/kill-switch", b'{"stopped":true,"reason":"to see"}'
        return httpx.put(url, content=body, headers=dict(headers), timeout=60)

    def signed(self, operator: str, *, key: str = "") -> dict[str, str]:
        key = key or self.operators.emergency_key
        now = datetime.now(UTC)
        own = self.operators.key(operator)
        return self.stack.operator_headers() | sign_request(own, "POST", self.url, _BODY, emergency_key=key, now=now)

    def who(self) -> list[str]:
        found = (self._ledger.case(WORKFORCE_TENANT, case) for case in self._cases)
        return [case.acknowledged_by for case in found if case is not None]


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_There]:
    folder = tmp_path_factory.mktemp("callers")
    operators = local_operators(folder / "operators")
    with Stack(folder, settings={**SELDOM, **operators.settings}) as stack:
        yield _There(stack, operators)


def test_who_did_it_is_who_signed_in_or_who_signed(there: _There) -> None:
    there.a_case()
    there.post_once_it_is_free(there.stack.operator_headers)
    there.a_case()
    signed = there.post_once_it_is_free(lambda: there.signed("carol"))
    assert there.post(signed).status_code == 409, "the same again"
    assert there.post(there.signed("carol"), _BODY + b" ").status_code == 403, "another body"
    assert there.post(there.signed("carol", key="wrong")).status_code == 401
    *_, first, second = there.who()
    assert ALICE.id in first
    assert "(operator carol)" in second


def test_where_operators_are_founded_the_kill_switch_takes_what_two_of_them_sign(there: _There) -> None:
    answer = there.stop(there.stack.operator_headers())
    assert answer.status_code == 403
    assert "one of them signs this" in answer.json()["detail"]


def test_the_console_lets_operators_in_and_nobody_else_who_may_sign_in(there: _There) -> None:
    url = f"{there.stack.host['url']}/api/console"
    with Browser(there.stack.host["url"]) as browser:
        page = browser.open(url, ALICE)
        assert page.status_code == 200
        assert "Sign out" in page.text
    with Browser(there.stack.host["url"]) as browser:
        refused = browser.open(url, BREAK_GLASS_1)
        assert refused.status_code == 403
        assert BREAK_GLASS_1.id in refused.text
        assert "not as an operator" in refused.text
    for headers in ({}, _FORGED, {"Accept": "text/html"}, {"x-functions-key": there.stack.keys["master"]}):
        assert httpx.get(url, headers=headers, timeout=60).status_code == 302
    forged = there.stack.operator_headers() | dict.fromkeys(_FORGED, "x")
    assert httpx.get(url, headers=forged, timeout=60).status_code == 200, "what a client sends of itself is taken away"


@pytest.mark.parametrize("path", ["/api/emergency/../", "/api/emergency/%2e%2e/"])
def test_headers_that_are_forged_on_an_excluded_path_name_nobody(there: _There, path: str) -> None:
    there.a_case()
    path = path + there.url.partition("/api/")[2]
    raw: Any = httpx.URL(there.stack.host["url"]).copy_with(raw_path=path.encode())
    headers = {**_FORGED, "x-functions-key": there.stack.keys["function"]}
    answer = httpx.post(raw, content=_BODY, headers=headers, timeout=60)
    assert ALICE.id not in there.who()[-1]
    assert answer.status_code in {200, 302, 401, 404, 405}


def test_what_is_excluded_needs_no_sign_in_and_a_large_body_stops_at_the_host(there: _There) -> None:
    nothing = f"{there.stack.host['url']}/api/emergency-not"
    assert httpx.get(nothing).status_code == 302
    there.a_case()
    assert there.post(there.stack.operator_headers(), b" " * (1024 * 1024 + 1)).status_code == 413


def _have_added(there: _There, passkey: PublicKey) -> None:
    """Have the three operators sign that a passkey is Alice's."""
    genesis = there.operators.settings["EMERGENCY_GENESIS"]
    statement = AddPasskey(
        at=datetime.now(UTC), genesis=genesis, after=(genesis,), operator="alice", passkey=passkey, reason="a new phone"
    )
    signed = SignedStatement(text=statement_text(statement), signatures={})
    for name in ("alice", "carol", "dave"):
        signed = sign_statement(signed, there.operators.key(name))
    keep_statement(there.desk.storage, signed, by="alice", now=datetime.now(UTC))


def _signed_once_it_is_known(page: Page, address: str, device: PasskeyDevice) -> int:
    """Approve as soon as both of the app's readers know the passkey; gives how many taps that took at last."""
    for _ in range(_TRIES):
        page.goto(address)
        taps = Taps(page)
        taps.on("link", "Approve…")
        page.wait_for_url("**/i/*/approve")
        if not page.get_by_label("Ticket").is_visible():
            page.wait_for_timeout(1000)
            continue
        page.get_by_label("Ticket").fill("CHG-7")
        touched = device.touched
        taps.on("button", "Approve and sign")
        expect(page.get_by_role("status").or_(page.get_by_role("alert")).first).to_be_visible()
        if page.get_by_role("status").is_visible():
            return taps.count + device.touched - touched
    raise AssertionError("the passkey that was added never signed")


def test_an_operator_approves_with_three_taps_the_last_one_on_the_passkey(there: _There) -> None:
    there.a_case()
    port = there.stack.host["url"].rpartition(":")[2]
    console = f"http://localhost:{port}/api/console"
    address = f"{console}/i/{there.case_id}"
    with chromium() as browser, phone(browser) as context:
        page = context.new_page()
        page.set_default_timeout(20_000)
        device = PasskeyDevice(page)
        page.goto(f"{console}/passkey")
        page.get_by_role("button", name=ALICE.name).tap()
        page.get_by_role("button", name="Make the passkey").tap()
        expect(page.locator("h1")).to_have_text("The passkey is made")
        _have_added(there, msgspec.json.decode(page.locator("code.pre").first.inner_text(), type=PublicKey))
        assert _signed_once_it_is_known(page, address, device) == 3
    found = there.desk.approvals.find(ApprovalList.CONDITIONAL_ACCESS, TRUDY.id)
    assert isinstance(found, Approval)
    assert (found.ticket, ALICE.id in found.approved_by) == ("CHG-7", True)
    entry = next(one for one in signed_entries(there.desk.storage) if one.act.subject.endswith(TRUDY.id))
    assert entry.act.who == ALICE.name
