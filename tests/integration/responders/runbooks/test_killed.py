"""A whole hybrid emergency whose every process is killed with kill -9, on Azurite and the simulated tenant.

Each effect of each step (a row, a blob, a write to the tenant, a message) is the last act of one process; the next one
goes on from what is stored, as the timer and a client that repeats its request do. Nothing is lost, and nothing is done
twice; a message may come again, under the same key.
"""

import itertools
import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local.stack import REPOSITORY
from infra.local.world import COMPANY_DOMAIN, FEDERATION_SETTINGS, RESPONDER, WORKFORCE_TENANT
from responders.rosters import PRIVILEGED_ACCOUNTS
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.detect.rosters import Rosters
from shared.emergency.entries import StepEnded, StepStarted, StepState
from shared.emergency.manifest import StoredFiles, verify
from shared.emergency.state import Emergency
from shared.emergency.store import Emergencies
from tests.fakes.card_parts import lines
from tests.fakes.emergencies import CONTACT, EMERGENCY
from tests.fakes.http_service import HttpService, Reply, http_service
from tests.fakes.mortal_app import Order, Outcome
from tests.integration.responders.conftest import SimulatedTenant

type _Request = tuple[str, str, str, Mapping[str, object]]
"""What is asked for: its name, and the path, the operator and the body of the request."""

_FIRST: Final[tuple[_Request, ...]] = (
    ("declaration", "", "carol", {"reason": "Nobody can sign in", "hybrid": True, "emergency": EMERGENCY}),
    ("acknowledgement", "acknowledge", "dave", {"over": "telephone"}),
    *((f"step {number}", f"steps/{number}", "carol", {"action": "run"}) for number in range(2, 7)),
)
_SWITCH: Final[tuple[_Request, _Request]] = (
    ("asking for the switch", "ask", "carol", {"what": "federation"}),
    ("the switch, agreed", "confirm", "dave", {"what": "federation"}),
)
_THEN: Final[tuple[_Request, ...]] = (
    ("step 7", "steps/7", "carol", {"action": "run"}),
    ("step 8", "steps/8", "carol", {"action": "run"}),
    ("closing", "close", "carol", {"summary": "The servers are back"}),
    ("closing, agreed", "confirm", "dave", {"what": "close"}),
)
_BACK: Final[tuple[_Request, _Request]] = (
    ("asking for the way back", "ask", "carol", {"what": "federation-back"}),
    ("the way back, agreed", "confirm", "dave", {"what": "federation-back"}),
)


_MARKS: Final = ("Sent again: it may have reached you already.", "Nobody has acknowledged the earlier pages.")


@dataclass(slots=True, kw_only=True)
class _World:
    """What stays while processes come and go. `killed` counts those by what they were answering."""

    storage: Storage
    simulated: SimulatedTenant
    posts: HttpService
    orders: subprocess.Popen[bytes]
    template: Order
    killed: Counter[str] = field(default_factory=Counter[str])
    time: timedelta = timedelta()
    entries: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    survived: dict[str, set[str]] = field(default_factory=lambda: defaultdict[str, set[str]](set))

    def play(self, *requests: _Request) -> None:
        """Have requests answered, each by as many processes as it takes: each dies of another effect."""
        for name, path, by, body in requests:
            self.answer(name, path, by, {**body, "entry": f"{next(self.entries):032x}"})

    def answer(self, name: str, path: str | None, by: str = "", body: dict[str, Any] | None = None) -> None:
        survived, body = self.survived[name], body or {}
        while outcome := self._process(path, by, body, survived):
            assert outcome not in survived
            survived.add(outcome)
            self.killed[name] += 1
            self._forget_leases()

    def _process(self, path: str | None, by: str, body: dict[str, Any], survived: set[str]) -> str:
        """Give what the process was killed by, "" where it came to its end."""
        self.time += timedelta(seconds=1)
        order = msgspec.structs.replace(
            self.template,
            now=self.template.now + self.time,
            path=path,
            by=by,
            body=body,
            survived=frozenset(survived),
        )
        assert self.orders.stdin
        assert self.orders.stdout
        self.orders.stdin.write(msgspec.json.encode(order) + b"\n")
        self.orders.stdin.flush()
        outcome = msgspec.json.decode(self.orders.stdout.readline(), type=Outcome)
        assert not outcome.problem, (path, outcome.problem)
        return outcome.killed_by

    def _forget_leases(self) -> None:
        """Let the leases of the dead end: 40 seconds that nobody wants to wait."""
        for row in self.storage.rows(Table.LEASES, "PartitionKey ge ''"):
            self.storage.delete(Table.LEASES, row)

    def pass_time(self, minutes: float) -> None:
        self.time += timedelta(minutes=minutes)

    @property
    def emergency(self) -> Emergency:
        store = Emergencies(self.storage, clock=lambda: datetime.now(UTC), is_signed=lambda _entry: True)
        found = store.read(EMERGENCY)
        assert found is not None
        return found

    @property
    def writes(self) -> list[str]:
        made = self.simulated.control.requests(principal=RESPONDER)
        return [f"{one['method']} {one['path']}" for one in made if one["method"] != "GET" and one["status"] < 300]

    @property
    def domain(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.simulated.control.state()[WORKFORCE_TENANT]["domains"][COMPANY_DOMAIN]
        return found

    def alerts(self) -> Counter[str]:
        """Give how often PagerDuty got each message, by its title."""
        events = [json.loads(asked.body) for asked in self.posts.asked if asked.path == "/v2/enqueue"]
        return Counter(event["payload"]["summary"] for event in events if event["event_action"] == "trigger")

    def sent_by_key(self) -> Counter[tuple[str, str]]:
        """Give how often PagerDuty got each event, by the key that makes them one alert."""
        events = [json.loads(asked.body) for asked in self.posts.asked if asked.path == "/v2/enqueue"]
        return Counter((event["event_action"], event["dedup_key"]) for event in events)


@pytest.fixture
def world(
    simulated: SimulatedTenant, addresses: dict[str, Any], storage: Storage, environment: dict[str, str]
) -> Iterator[_World]:
    control = simulated.control
    control.settings(audit_lag=0, audit_jitter=0, audit_requests_per_10_seconds=0, support_plan="Unified")
    control.make_hybrid()
    control.settings(federation_app_only=True, synchronization_app_only=True)
    granted = ("Domain-InternalFederation.ReadWrite.All", "Domain.ReadWrite.All")
    control.grant(RESPONDER, *granted, "Microsoft.Support/supportTickets/write")
    now = datetime.now(UTC).replace(microsecond=0)
    Rosters(storage, clock=lambda: now).sweep(PRIVILEGED_ACCOUNTS, simulated.workforce)
    command = [sys.executable, "-m", "tests.fakes.mortal_app"]
    with (
        http_service(Reply(status=202, body=b'{"status":"success","message":"","dedup_key":"x"}')) as posts,
        subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as orders,
    ):
        settings = {
            "TEAMS_WEBHOOK_URL": f"{posts.url}/workflows/1?sig=made-up",
            "PAGERDUTY_URL": f"{posts.url}/v2/enqueue",
            "SUPPORT_CONTACT": json.dumps(CONTACT),
            **dict.fromkeys(("B2C_TENANT_ID", "B2C_RESPONDER_ID", "B2C_CLIENT_ID", "B2C_CERTIFICATE"), ""),
        }
        template = Order(
            storage=environment["AzureWebJobsStorage"],
            graph=addresses["graph"],
            arm=addresses["arm"],
            tokens=(control.token(RESPONDER), control.token(RESPONDER, "arm")),
            settings=settings,
            now=now,
            path="",
            by="",
            body={},
            survived=frozenset(),
        )
        yield _World(storage=storage, simulated=simulated, posts=posts, orders=orders, template=template)
        assert orders.stdin
        orders.stdin.close()
        assert orders.wait(timeout=120) == 0


def _agree(world: _World, *requests: _Request, until: str) -> None:
    """Have two operators agree, and again where the process was killed right before the tenant was written.

    Nobody can tell then whether it was, so it is never sent for the same agreement, and people are told to ask again.
    It is done once the company's domain is as in `until`.
    """
    for _ in range(4):
        world.play(*requests)
        if world.domain["authenticationType"] == until:
            return
        assert any("it isn't sent twice" in finding.text for finding in world.emergency.step(6).findings)
    pytest.fail(f"nothing made it {until}")


def test_killed_at_each_effect_of_each_step_and_on(world: _World) -> None:
    world.play(*_FIRST)
    _agree(world, *_SWITCH, until="Managed")
    world.play(*_THEN)
    _agree(world, *_BACK, until="Federated")
    for minutes in (2, 10):
        world.pass_time(minutes)
        world.answer("timer", None)
    print(f"killed {sum(world.killed.values())} processes: {dict(world.killed)}")  # noqa: T201 - figures, by -s
    _assert_nothing_lost(world)
    _assert_nothing_twice(world)


def _assert_repeated_cards_are_marked(world: _World) -> None:
    """Each message comes once without a mark: as often as PagerDuty, which has a key for each, knows of others."""
    events = [json.loads(asked.body) for asked in world.posts.asked if asked.path == "/v2/enqueue"]
    triggers = {(one["payload"]["summary"], one["dedup_key"]) for one in events if one["event_action"] == "trigger"}
    keys = Counter(title for title, _ in triggers)
    cards = [lines(json.loads(asked.body)) for asked in world.posts.asked if asked.path.startswith("/workflows/")]
    unmarked = [card for card in cards if not card[0].startswith(_MARKS)]
    titles = Counter(next(line for line in card if line in keys) for card in unmarked)
    assert {title: times for title, times in titles.items() if times > keys[title]} == {}
    assert any(card[0].startswith(_MARKS[0]) for card in cards)


def _assert_nothing_lost(world: _World) -> None:
    end = world.emergency
    assert end.closed is not None
    assert [step.state for step in end.steps] == [StepState.DONE] * 8, [(one.state, one.findings) for one in end.steps]
    runs = [(entry.act.run, type(entry.act)) for entry in end.entries if isinstance(entry.act, StepStarted | StepEnded)]
    begun = {run for run, kind in runs if kind is StepStarted}
    assert begun == {run for run, kind in runs if kind is StepEnded}, "each run that began has ended"
    titles = world.alerts()
    for title in (
        "An emergency was declared",
        "A second operator is needed",
        "Two operators agreed",
        "The emergency is closed",
    ):
        assert any(title in sent for sent in titles), (title, titles)
    head = end.step(8).evidence[-1]
    assert verify(StoredFiles(world.storage, EMERGENCY), head="").problems == (), head
    assert world.killed.total() > 80
    assert min(world.killed[name] for name, *_ in (*_FIRST, *_SWITCH, *_THEN, *_BACK)) >= 2, world.killed


def _assert_nothing_twice(world: _World) -> None:
    end = world.emergency
    assert len({entry.id for entry in end.entries}) == len(end.entries)
    ended = Counter(entry.act.run for entry in end.entries if isinstance(entry.act, StepEnded))
    assert set(ended.values()) == {1}
    rows = world.storage.rows(Table.EMERGENCIES, "PartitionKey eq @it", it="emergencies")
    ids = [row.key.split("-")[1] for row in rows if row.key.startswith(f"{EMERGENCY}-")]
    assert len(ids) == len(set(ids)), "each entry is in storage once"
    ticket, switch, back = world.writes
    assert ticket.startswith("PUT /subscriptions/")
    assert switch == f"PATCH /v1.0/domains/{COMPANY_DOMAIN}"
    assert back == f"POST /v1.0/domains/{COMPANY_DOMAIN}/federationConfiguration"
    settings = world.domain["federationConfiguration"]
    assert {name: settings[name] for name in FEDERATION_SETTINGS} == FEDERATION_SETTINGS
    _assert_repeated_cards_are_marked(world)
    again = sum(times - 1 for times in world.sent_by_key().values())
    died = [
        effect for survived in world.survived.values() for effect in survived if "send" in effect or "Out" in effect
    ]
    assert again <= len(died), "a message comes again only where a process died before it had noted that it was sent"
