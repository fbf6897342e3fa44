"""The inbox acts as PagerDuty does: what people do there is sent, signed, to whoever listens."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from msgspec import Struct

from shared.authority.owners import EMERGENCY, NamedOwner, TableOwners
from shared.model.kinds import Risk
from shared.model.notices import SystemNotice
from shared.notify.channels import PagerDutySender, TeamsSender
from shared.notify.outbox import Notifier
from shared.notify.paged import Channel
from shared.notify.pagerduty_webhook import SIGNATURE, HeardEvent, event_from
from tests.fakes.answering import Service, answering_service
from tests.fakes.clock import FakeClock
from tests.fakes.lamps import Lamps
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.posts import event
from tests.fakes.runtime import settings_with
from tests.integration.infra.local.inbox.conftest import RunningInbox, running_inbox
from tests.unit.shared.notify.test_outbox import _case  # pyright: ignore[reportPrivateUsage]

_HIGH: Final = Lamps().detection(risk=Risk.HIGH)


class _Subscribed(Struct, kw_only=True):
    """An inbox whose webhook goes to a service that remembers what came."""

    inbox: RunningInbox
    service: Service

    def act(self, action: str, *, user: str = "PALICE1", alert: object = None) -> Any:  # noqa: ANN401 - JSON
        number = alert if alert is not None else self.alerts()[0]["id"]
        return self.inbox.client.post(f"/control/alerts/{number}", json={"action": action, "user": user})

    def alerts(self) -> list[dict[str, Any]]:
        return self.inbox.client.get("/alerts").json()

    def heard(self, number: int = -1) -> HeardEvent:
        """Read a webhook as the product does."""
        signature = self.service.received[number][SIGNATURE.lower()]
        secrets = (self.inbox.webhook_secret,)
        return event_from(self.service.raw[number], signature, secrets=secrets, now=datetime.now(UTC))


@pytest.fixture(scope="module")
def subscribed() -> Iterator[_Subscribed]:
    with answering_service() as service, running_inbox("--webhook", f"{service.url}/hook") as inbox:
        service.status = 200
        yield _Subscribed(inbox=inbox, service=service)


@pytest.fixture
def fresh(subscribed: _Subscribed) -> _Subscribed:
    subscribed.inbox.client.delete("/messages")
    subscribed.inbox.set(teams="on", pagerduty="on")
    for remembered in (subscribed.service.raw, subscribed.service.received, subscribed.service.paths):
        remembered.clear()
    subscribed.service.status = 200
    return subscribed


@pytest.mark.parametrize(
    ("action", "kind", "state"),
    [
        ("acknowledge", "incident.acknowledged", "acknowledged"),
        ("resolve", "incident.resolved", "resolved"),
    ],
)
def test_what_a_person_does_is_sent_signed(fresh: _Subscribed, action: str, kind: str, state: str) -> None:
    fresh.inbox.post_event(event(fresh.inbox.routing_key, dedup_key="a page"))
    answer = fresh.act(action)
    assert (answer.status_code, answer.json()["webhook"]) == (200, 200)
    heard = fresh.heard()
    assert (heard.type, heard.incident) == (kind, "a page")
    assert heard.agent is not None
    assert (heard.agent.id, heard.agent.name, heard.agent.is_user) == ("PALICE1", "Alice Alvarez", True)
    assert fresh.alerts()[0]["state"] == state


def test_what_an_event_does_is_an_integrations_doing(fresh: _Subscribed) -> None:
    for action in ("trigger", "acknowledge"):
        fresh.inbox.post_event(event(fresh.inbox.routing_key, dedup_key="a page", action=action))
    answer = fresh.act("resolve")
    assert answer.json()["webhook"] == 200
    agents = [fresh.heard(number).agent for number in range(2)]
    assert [agent.is_user for agent in agents if agent] == [False, True]


def test_a_webhook_that_got_no_2xx_comes_again_as_the_same_event(fresh: _Subscribed) -> None:
    fresh.inbox.post_event(event(fresh.inbox.routing_key))
    fresh.service.status = 503
    assert fresh.act("acknowledge").json()["webhook"] == 503
    assert len(fresh.service.raw) > 1
    assert len({fresh.heard(number).id for number in range(len(fresh.service.raw))}) == 1


def test_a_webhook_that_was_refused_is_not_sent_again(fresh: _Subscribed) -> None:
    fresh.inbox.post_event(event(fresh.inbox.routing_key))
    fresh.service.status = 401
    assert fresh.act("acknowledge").json()["webhook"] == 401
    assert len(fresh.service.raw) == 1


@pytest.mark.parametrize(
    ("alert", "body", "status"),
    [
        ("999999", {"action": "acknowledge", "user": "PALICE1"}, 404),
        ("x", {"action": "acknowledge", "user": "PALICE1"}, 404),
        ("9" * 30, {"action": "acknowledge", "user": "PALICE1"}, 404),
        ("1", {"action": "close", "user": "PALICE1"}, 400),
        ("1", {"action": "resolve", "user": "PNOBODY"}, 400),
        ("1", [], 400),
    ],
)
def test_what_can_not_be_done_says_why(fresh: _Subscribed, alert: str, body: object, status: int) -> None:
    answer = fresh.inbox.client.post(f"/control/alerts/{alert}", json=body)
    assert answer.status_code == status
    assert answer.text
    assert fresh.service.raw == []


class _Product:
    """The product's pages over the inbox's two services, with storage in memory and a clock that the test moves."""

    def __init__(self, fresh: _Subscribed) -> None:
        self.fresh = fresh
        self.clock = FakeClock(datetime.now(UTC))
        inbox = fresh.inbox
        settings = settings_with(
            TEAMS_WEBHOOK_URL=inbox.teams, PAGERDUTY_URL=inbox.pagerduty, PAGERDUTY_ROUTING_KEY=inbox.routing_key
        )
        senders = {Channel.TEAMS: TeamsSender(settings), Channel.PAGERDUTY: PagerDutySender(settings)}
        storage = MemoryStorage()
        storage.create_all()
        self.notifier = Notifier(storage, senders, clock=self.clock, acknowledge_within=timedelta(minutes=15))
        owners = TableOwners(storage, clock=self.clock)
        for scope, name, user in (("*", "Alice", "PALICE1"), (EMERGENCY, "Dora", "")):
            upn = f"{name.lower()}@contoso.com"
            owners.name(NamedOwner(scope=scope, order="010", name=name, upn=upn, pagerduty=user), by="a test")

    def page(self) -> None:
        case = _case(opened_at=self.clock())
        for page in self.notifier.post(case, _HIGH):
            self.notifier.send(page, _no_case)

    def wait(self, minutes: int) -> None:
        for _ in range(minutes):
            self.clock.move(timedelta(minutes=1))
            self.notifier.heard.act(_nothing)
            self.notifier.resume(_no_case)

    def hear(self) -> None:
        assert self.notifier.heard.keep(self.fresh.heard())

    def messages(self, service: str) -> list[dict[str, Any]]:
        posts = self.fresh.inbox.client.get("/messages").json()
        return [post for post in posts if post["kind"] == service]


def _no_case(_tenant: str, _case_id: str) -> None:
    return None


def _nothing(_tenant: str, _case_id: str, _by: str) -> None:
    return None


def test_acknowledging_in_pagerduty_ends_the_climbing(fresh: _Subscribed) -> None:
    product = _Product(fresh)
    product.page()
    fresh.act("acknowledge")
    product.hear()
    product.wait(60)
    cards = product.messages("teams")
    assert [card["accepted"] for card in cards] == [True, True], "the page, and that Alice takes care of it"
    assert "takes care of it" in str(cards[0]["payload"])
    assert [alert["state"] for alert in fresh.alerts()] == ["acknowledged"]


def test_teams_that_posts_nothing_and_nobody_who_acknowledges(fresh: _Subscribed) -> None:
    """The flow says 202 to everything: only that nobody acknowledged shows that nobody was reached."""
    fresh.inbox.set(teams="off")
    product = _Product(fresh)
    product.page()
    product.wait(46)
    assert {(post["status"], post["accepted"]) for post in product.messages("teams")} == {(202, False)}
    summaries = [alert["summary"] for alert in fresh.alerts()]
    assert "Nobody could be reached" in summaries
    assert all(post["accepted"] for post in product.messages("pagerduty"))


def test_what_is_acknowledged_and_finished_in_the_product_shows_in_pagerduty(fresh: _Subscribed) -> None:
    product = _Product(fresh)
    notice = SystemNotice(
        key="emergency 1", title="Declared", text="By Alice.", what_to_do="Answer.", until_acknowledged=True
    )
    product.notifier.publish(notice)
    product.wait(1)
    product.notifier.acknowledge_notice(notice.key, by="Alice")
    product.wait(1)
    assert [alert["state"] for alert in fresh.alerts()] == ["acknowledged"]
    product.notifier.finish_notice(notice.key, by="Alice")
    product.wait(1)
    assert [alert["state"] for alert in fresh.alerts()] == ["resolved"]
