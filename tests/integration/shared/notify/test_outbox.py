"""Pages on Azurite: its rows, ETags and range queries carry what the tests on storage in memory show."""

from datetime import timedelta
from typing import Any

import pytest

from infra.local.world import MALLORY, WORKFORCE_TENANT
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.cases import Case, Decision, State
from shared.model.events import Target
from shared.model.kinds import Risk
from shared.model.notices import SystemNotice
from shared.notify.messages import ShownCase
from shared.notify.outbox import Notifier
from shared.notify.page_store import cases_on_pages
from shared.notify.paged import Channel
from tests.fakes.clock import FakeClock
from tests.fakes.lamps import AT, LAMP, Lamps, actor_of
from tests.fakes.senders import FakeSender

_WITHIN = timedelta(minutes=15)


class _Hosts:
    """Two hosts over one storage account, which share the channels."""

    def __init__(self, storage: Storage, *, per_hour: int) -> None:
        self.storage = storage
        self.clock = FakeClock()
        self.teams, self.pagerduty = FakeSender(), FakeSender()
        self.cases: dict[str, ShownCase] = {}
        self.notifiers = [
            Notifier(
                storage,
                {Channel.TEAMS: self.teams, Channel.PAGERDUTY: self.pagerduty},
                clock=self.clock,
                acknowledge_within=_WITHIN,
                messages_per_hour=per_hour,
            )
            for _ in range(2)
        ]

    def post(self, name: str, *, host: int = 0, risk: Risk = Risk.HIGH, **differences: Any) -> Case:  # noqa: ANN401
        fields: dict[str, Any] = {
            "id": f"20260302-{name}",
            "tenant_id": WORKFORCE_TENANT,
            "detection": "lamp-switched",
            "correlation_id": "",
            "event_id": "",
            "at": AT,
            "opened_at": self.clock(),
            "actor": actor_of(MALLORY),
            "target": Target(id=LAMP),
            "record": "",
            "state": State.ACTED,
            "decision": Decision.PAGE,
        }
        case = Case(**fields | differences)
        shown = ShownCase(case=case, detection=Lamps().detection(risk=risk))
        self.cases[case.id] = shown
        for page in self.notifiers[host].post(case, shown.detection):
            self.notifiers[host].send(page, self.find)
        return case

    def find(self, _tenant_id: str, case_id: str) -> ShownCase | None:
        return self.cases.get(case_id)

    def pass_time(self, by: timedelta) -> None:
        self.clock.move(by)
        for notifier in self.notifiers:
            notifier.resume(self.find)


@pytest.fixture
def hosts(storage: Storage) -> _Hosts:
    return _Hosts(storage, per_hour=4)


def test_the_changes_of_an_actor_are_one_page_whichever_host_answers_them(hosts: _Hosts) -> None:
    names = [hosts.post(f"{number:03}", host=number % 2).id for number in range(6)]
    hosts.pass_time(timedelta(minutes=1))
    assert [len(sent.case_ids) for sent in hosts.teams.sent] == [1, 6]
    (cases,) = cases_on_pages(hosts.storage, hosts.clock()).values()
    assert cases == set(names)


def test_an_acknowledgement_ends_the_escalation_and_a_higher_risk_begins_it_again(hosts: _Hosts) -> None:
    trifle = hosts.post("trifle", risk=Risk.LOW)
    hosts.pass_time(_WITHIN)
    assert [sent.place for sent in hosts.teams.sent] == [0, 1]
    hosts.notifiers[1].acknowledge(trifle, by="Carol")
    hosts.pass_time(_WITHIN)
    assert len(hosts.teams.sent) == 2
    hosts.post("real")
    assert hosts.teams.sent[-1].case_ids == ["20260302-real", "20260302-trifle"]


def test_both_hosts_together_keep_to_the_limit_and_fold_the_rest(hosts: _Hosts) -> None:
    for number in range(8):
        actor = actor_of(MALLORY)
        hosts.post(f"{number}", host=number % 2, actor=type(actor)(id=f"actor-{number}", name=""))
        hosts.notifiers[number % 2].publish(
            SystemNotice(key=f"notice/{number}?", title=f"Notice {number}", text="", what_to_do="")
        )
    hosts.pass_time(timedelta(minutes=1))
    for sender in (hosts.teams, hosts.pagerduty):
        assert (len(sender.sent), len(sender.digests)) == (2, 1)
        assert len(sender.case_ids()) == 8
        assert (len(sender.system_notices), len(sender.notice_digests)) == (2, 1)


def test_a_row_that_cannot_be_read_is_reported_and_left(hosts: _Hosts) -> None:
    hosts.post("one")
    (row,) = hosts.storage.rows(Table.OUTBOX, "open eq true")
    hosts.storage.upsert(Table.OUTBOX, row.partition, row.key, {**row.columns, "page": "{"})
    for _ in range(2):
        hosts.pass_time(timedelta(minutes=1))
    assert [row.key in one.text for one in hosts.teams.system_notices] == [True]
    hosts.post("two")
    assert hosts.teams.sent[-1].case_ids == ["20260302-two"]
