from typing import Any

import httpx
import pytest

from infra.local import world
from infra.local.tenant.control import TenantControl
from infra.local.world import SUBSCRIPTION_SCOPE, WORKFORCE_TENANT, Json
from tests.integration.infra.local.tenant.conftest import Acting
from tests.integration.infra.local.tenant.polling import eventually

_VERSION = {"api-version": "2024-04-01"}
_TICKET = f"{SUBSCRIPTION_SCOPE}/providers/Microsoft.Support/supportTickets/emergency-1"
_SERVICES = "/providers/Microsoft.Support/services"
_CONTACT = {
    "firstName": "Alice",
    "lastName": "Alvarez",
    "primaryEmailAddress": "alice@contoso.com",
    "phoneNumber": "+353 1 555 0100",
    "preferredContactMethod": "phone",
    "preferredTimeZone": "UTC",
    "preferredSupportLanguage": "en-US",
    "country": "IRL",
}


@pytest.fixture
def alice(acting: Acting) -> httpx.Client:
    return acting(world.ALICE, "arm")


@pytest.fixture
def body(alice: httpx.Client) -> Json:
    services: list[Json] = alice.get(_SERVICES, params=_VERSION).raise_for_status().json()["value"]
    service = next(each for each in services if "Entra" in each["properties"]["displayName"])
    problems = alice.get(f"{service['id']}/problemClassifications", params=_VERSION).raise_for_status().json()["value"]
    properties = {
        "serviceId": service["id"],
        "problemClassificationId": problems[1]["id"],
        "title": "Nobody can sign in",
        "description": "Nobody can sign in.",
        "severity": "critical",
        "advancedDiagnosticConsent": "Yes",
        "contactDetails": _CONTACT,
    }
    return {"properties": properties}


def _tickets(control: TenantControl) -> list[Json]:
    tickets: list[Json] = control.state()[WORKFORCE_TENANT]["supportTickets"]
    return tickets


@pytest.mark.parametrize("plan", ["Professional Direct", "Premier", "Unified"])
def test_a_ticket_is_there_some_time_after_it_was_accepted(
    control: TenantControl, alice: httpx.Client, body: Json, plan: str
) -> None:
    control.settings(support_plan=plan, support_delay=0.4)
    accepted = alice.put(_TICKET, params=_VERSION, json=body)
    assert (accepted.status_code, accepted.content) == (202, b"")
    progress = accepted.headers["Azure-AsyncOperation"]
    assert alice.get(_TICKET, params=_VERSION).status_code == 404
    assert alice.get(progress).json()["status"] == "InProgress"
    shown = eventually(lambda: alice.get(_TICKET, params=_VERSION), lambda answer: answer.status_code == 200).json()
    assert shown["properties"]["status"] == "Open"
    assert shown["properties"]["supportTicketId"].isdigit()
    assert alice.get(progress).json()["status"] == "Succeeded"
    assert alice.get(accepted.headers["Location"]).status_code == 200
    assert alice.put(_TICKET, params=_VERSION, json=body).status_code == 409
    assert len(_tickets(control)) == 1


@pytest.mark.parametrize("plan", ["Basic", "Developer", "Standard"])
def test_other_plans_are_refused(control: TenantControl, alice: httpx.Client, body: Json, plan: str) -> None:
    control.settings(support_plan=plan)
    assert alice.put(_TICKET, params=_VERSION, json=body).status_code == 400
    control.settings(support_plan_refuses="later")
    accepted = alice.put(_TICKET, params=_VERSION, json=body)
    assert accepted.status_code == 202
    assert alice.get(accepted.headers["Azure-AsyncOperation"]).json()["status"] == "Failed"
    assert alice.get(_TICKET, params=_VERSION).status_code == 404
    assert _tickets(control) == []


@pytest.mark.parametrize(
    "change",
    [
        {"severity": "disaster"},
        {"serviceId": f"{_SERVICES}/00000000-0000-0000-0000-000000000000"},
        {"problemClassificationId": f"{_SERVICES}/x/problemClassifications/y"},
        {"contactDetails": {**_CONTACT, "phoneNumber": ""}},
        {"contactDetails": None},
        {"title": None},
    ],
)
def test_what_is_not_whole_is_refused(
    control: TenantControl, alice: httpx.Client, body: Json, change: dict[str, Any]
) -> None:
    control.settings(support_plan="Premier")
    wrong = {"properties": body["properties"] | change}
    assert alice.put(_TICKET, params=_VERSION, json=wrong).status_code == 400
    assert _tickets(control) == []


def test_the_right_to_write_tickets_is_needed(control: TenantControl, acting: Acting, body: Json) -> None:
    control.settings(support_plan="Premier")
    control.revoke(world.RESPONDER, "Microsoft.Support/supportTickets/write")
    app = acting(world.RESPONDER, "arm")
    assert app.put(_TICKET, params=_VERSION, json=body).status_code == 403
    control.grant(world.RESPONDER, "Microsoft.Support/supportTickets/write")
    assert app.put(_TICKET, params=_VERSION, json=body).status_code == 202
    assert acting(world.DAVE, "arm").get(_TICKET, params=_VERSION).status_code == 403


def test_what_is_not_there_is_404(alice: httpx.Client) -> None:
    for path in (
        f"{_SERVICES}/nothing",
        f"{_SERVICES}/nothing/problemClassifications",
        f"{SUBSCRIPTION_SCOPE}/providers/Microsoft.Support/operationsStatus/nothing",
        "/providers/Microsoft.Else/things",
    ):
        assert alice.get(path, params=_VERSION).status_code == 404, path
    assert alice.delete(_TICKET, params=_VERSION).status_code == 405
    assert alice.get(_SERVICES).status_code == 400
