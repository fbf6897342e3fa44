import httpx

from infra.local import world
from infra.local.tenant.control import TenantControl
from tests.integration.infra.local.tenant.conftest import Acting

_VERSION = {"api-version": "2022-04-01"}
_LEFT = "x-ms-ratelimit-remaining-subscription"
_ASSIGNMENT = world.role_assignment_path("0badc0de-0000-4000-8000-000000000001")


def _deletions(client: httpx.Client, count: int) -> list[httpx.Response]:
    return [client.delete(_ASSIGNMENT, params=_VERSION) for _ in range(count)]


def test_azure_keeps_its_limits_only_while_the_setting_is_on(control: TenantControl, acting: Acting) -> None:
    responder = acting(world.RESPONDER, "arm", unthrottled=False)
    assert f"{_LEFT}-deletes" not in responder.delete(_ASSIGNMENT, params=_VERSION).headers
    control.storm()
    answers = _deletions(responder, 240)
    assert answers[0].headers[f"{_LEFT}-deletes"] == "199"
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert [answer.status_code for answer in answers[:200]] == [204] * 200
    assert refused[0].json()["error"]["code"] == "SubscriptionRequestsThrottled"
    assert int(refused[0].headers["Retry-After"]) >= 1
    assert responder.get("/subscriptions", params=_VERSION).headers["x-ms-ratelimit-remaining-tenant-reads"] == "249"


def test_people_of_a_story_are_not_throttled(control: TenantControl, acting: Acting) -> None:
    control.storm()
    answers = _deletions(acting(world.ALICE, "arm"), 210)
    assert {answer.status_code for answer in answers} == {204}


def test_a_refusal_for_another_reason_tells_what_is_left_too(control: TenantControl, acting: Acting) -> None:
    control.storm()
    answer = acting(world.DAVE, "arm", unthrottled=False).delete(_ASSIGNMENT, params=_VERSION)
    assert (answer.status_code, answer.headers[f"{_LEFT}-deletes"]) == (403, "199")
