"""Laws of pages over random stories: changes, acknowledgements, broken channels, two hosts, runs that die anywhere."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.local.world import WORKFORCE_TENANT
from shared.clients.storage import Row
from shared.model.cases import Case, Decision, Outcome, State
from shared.model.errors import Throttled, Unreachable
from shared.model.events import Actor, Target
from shared.model.kinds import Risk
from shared.model.notices import Phase, SystemNotice
from shared.notify.messages import Digest, NoticeCall, NoticeDigest, PageMessage, ShownCase
from shared.notify.outbox import Notifier
from shared.notify.pace import MOST_OF_A_PAGE
from shared.notify.page_store import PageStore
from shared.notify.paged import NOTHING, Channel, PagedChange, Signal
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.lamps import LAMP, Lamps
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.spoilt_storage import SpoiltStorage

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_PER_HOUR: Final = 6
_DETECTIONS: Final = {risk: Lamps().detection(risk=risk) for risk in Risk}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    actor: int
    risk: Risk
    is_done: bool
    host: int
    is_pending_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Acknowledge:
    case: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Break:
    channel: Channel
    failure: type[Unreachable | Throttled] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Die:
    """The host dies at this storage operation from now on, before or after it is carried out."""

    host: int
    operation: int
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    seconds: int


type _Event = _Change | _Acknowledge | _Break | _Die | _Pass

_HOSTS: Final = st.integers(0, 1)
_CHANGES: Final = st.builds(
    _Change,
    actor=st.integers(0, 3) | st.integers(0, 30),
    risk=st.sampled_from(Risk),
    is_done=st.booleans(),
    host=_HOSTS,
    is_pending_first=st.booleans(),
)
_QUIET: Final = (
    _CHANGES
    | st.builds(_Acknowledge, case=st.integers(0, 40))
    | st.builds(_Pass, seconds=st.sampled_from((1, 20, 90, 400, 2_000)))
)
_EVENTS: Final = (
    _QUIET
    | st.builds(_Break, channel=st.sampled_from(Channel), failure=st.sampled_from((None, None, Unreachable, Throttled)))
    | st.builds(_Die, host=_HOSTS, operation=st.integers(0, 25), how=st.sampled_from(("before", "after")))
)


class _Died(BaseException):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    """A message that a channel accepted: when, which pages, and whether an acknowledgement lets it pass the limit."""

    at: datetime
    pages: tuple[PageMessage, ...]
    is_outside: bool


@dataclass(slots=True)
class _Inbox:
    """A channel, and what people saw on it."""

    world: "_World"
    channel: Channel
    failure: type[Unreachable | Throttled] | None = None
    messages: list[_Message] = field(default_factory=list[_Message])
    shown: dict[str, int] = field(default_factory=dict[str, int])
    calls: list[NoticeCall] = field(default_factory=list[NoticeCall])

    def send(self, message: PageMessage) -> None:
        self._take((message,))

    def send_digest(self, digest: Digest) -> None:
        self._take(digest.pages)

    def send_system_notice(self, system_notice: SystemNotice) -> None:
        raise AssertionError(system_notice)

    def send_call(self, call: NoticeCall) -> None:
        if self.failure is not None:
            raise self.failure("cut")
        self.calls.append(call)

    def signal(self, key: str, signal: Signal) -> None:
        """The laws are about messages."""

    def send_notice_digest(self, digest: NoticeDigest) -> None:
        raise AssertionError(digest)

    def _take(self, pages: tuple[PageMessage, ...]) -> None:
        if self.failure is not None:
            raise self.failure("cut")
        is_outside = len(pages) == 1 and self._is_outside(pages[0])
        self.messages.append(_Message(at=self.world.clock(), pages=pages, is_outside=is_outside))
        for page in pages:
            name = _page(page)
            self.shown[name] = max(self.shown.get(name, NOTHING), *(change.urgency for change in page.changes))

    def _is_outside(self, page: PageMessage) -> bool:
        acknowledged = self.world.acknowledged.get(_page(page), NOTHING)
        worst = max(change.urgency for change in page.changes)
        return acknowledged > NOTHING and worst > max(acknowledged, self.shown.get(_page(page), NOTHING))


def _never(row: Row) -> None:
    raise AssertionError(row)


def _page(message: PageMessage) -> str:
    return message.key.split()[0]


class _World:
    """Two hosts over one storage in memory, the timer of each, and an oracle that only reads messages."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.memory = MemoryStorage()
        self.memory.create_all()
        self.storages = [SpoiltStorage(self.memory) for _ in range(2)]
        self.inboxes = {channel: _Inbox(self, channel) for channel in Channel}
        self.acknowledged: dict[str, int] = {}
        self.cases: list[ShownCase] = []
        self.unposted: list[tuple[ShownCase, Phase]] = []
        self.deaths = 0
        self.failures = 0
        self.pages = PageStore(self.memory, clock=self.clock, unreadable=_never)
        for storage in self.storages:
            storage.faults.failure = _Died
        self.notifiers = [
            Notifier(
                storage,
                self.inboxes,
                clock=self.clock,
                acknowledge_within=15 * _MINUTE,
                messages_per_hour=_PER_HOUR,
            )
            for storage in self.storages
        ]

    def find(self, _tenant_id: str, case_id: str) -> ShownCase | None:
        return next((one for one in self.cases if one.case.id == case_id), None)

    def play(self, events: Sequence[_Event]) -> None:
        for event in events:
            match event:
                case _Change():
                    self._change(event)
                case _Acknowledge() if self.cases:
                    self._acknowledge(self.cases[event.case % len(self.cases)])
                case _Break():
                    self.failures += event.failure is not None
                    self.inboxes[event.channel].failure = event.failure
                case _Die():
                    self._die(event)
                case _Pass():
                    self.pass_time(timedelta(seconds=event.seconds))
                case _:
                    pass

    def _change(self, change: _Change) -> None:
        outcome: dict[str, Any] = (
            {"decision": Decision.REMEDIATE, "outcome": Outcome.DONE} if change.is_done else {"decision": Decision.PAGE}
        )
        number = len(self.cases)
        case = Case(
            id=f"20260302-{number:04}",
            tenant_id=WORKFORCE_TENANT,
            detection="lamp-switched",
            correlation_id="",
            event_id="",
            at=NOW + timedelta(seconds=number // 2),
            opened_at=self.clock(),
            actor=Actor(id=f"actor-{change.actor}", name=""),
            target=Target(id=LAMP),
            record="",
            state=State.ACTED,
            **outcome,
        )
        shown = ShownCase(case=case, detection=_DETECTIONS[change.risk])
        self.cases.append(shown)
        phases = (Phase.PENDING, Phase.ENDED) if change.is_pending_first else (Phase.ENDED,)
        for phase in phases:
            self._post(shown, phase, host=change.host)

    def _post(self, shown: ShownCase, phase: Phase, *, host: int) -> None:
        """Post as the run of a case does: a case whose run died isn't closed, so another run posts it again."""
        urgency = _urgency(shown)
        before = {channel: dict(inbox.shown) for channel, inbox in self.inboxes.items()}
        try:
            pages = self.notifiers[host].post(shown.case, shown.detection, phase=phase)
        except _Died:
            self._died(host)
            self.unposted.append((shown, phase))
            return
        try:
            for page in pages:
                self.notifiers[host].send(page, self.find)
        except _Died:
            self._died(host)
            return
        if pages and not self.deaths and not self.failures:
            self._assert_rang(shown, pages[0].state.id, urgency, before)

    def _assert_rang(self, shown: ShownCase, page: str, urgency: int, before: dict[Channel, dict[str, int]]) -> None:
        """What is above all that was acknowledged and shown is on people's screens when the run ends."""
        acknowledged = self.acknowledged.get(page, NOTHING)
        teams = self.inboxes[Channel.TEAMS]
        if acknowledged > NOTHING and urgency > max(acknowledged, before[Channel.TEAMS].get(page, NOTHING)):
            assert teams.messages[-1].at == self.clock()
            assert shown.case.id in {change.case_id for change in teams.messages[-1].pages[0].changes}

    def _acknowledge(self, shown: ShownCase) -> None:
        try:
            self.notifiers[0].acknowledge(shown.case, by="Carol")
        except _Died:
            self._died(0)
            return
        for page, _ in self.pages.pages_with(shown.case):
            seen = max([_urgency(shown), *(inbox.shown.get(page, NOTHING) for inbox in self.inboxes.values())])
            self.acknowledged[page] = max(seen, self.acknowledged.get(page, NOTHING))

    def _die(self, death: _Die) -> None:
        faults = self.storages[death.host].faults
        at = len(faults.log) + death.operation
        faults.spoil = lambda _operation: death.how if len(faults.log) - 1 == at else ""

    def _died(self, host: int) -> None:
        self.deaths += 1
        self.storages[host].faults.heal()

    def pass_time(self, by: timedelta, *, step: timedelta = _MINUTE) -> None:
        while by > timedelta():
            self.clock.move(min(by, step))
            by -= step
            waiting, self.unposted = self.unposted, []
            for shown, phase in waiting:
                self._post(shown, phase, host=1)
            for host, notifier in enumerate(self.notifiers):
                try:
                    notifier.resume(self.find)
                except _Died:
                    self._died(host)

    def settle(self) -> None:
        """Let everything that can pass have passed."""
        for inbox in self.inboxes.values():
            inbox.failure = None
        for storage in self.storages:
            storage.faults.heal()
        self.pass_time(timedelta(hours=4), step=5 * _MINUTE)

    # -- laws --

    def assert_nothing_is_unsent(self) -> None:
        shown = {
            change.case_id
            for message in self.inboxes[Channel.TEAMS].messages
            for page in message.pages
            for change in page.changes
        }
        assert shown == {one.case.id for one in self.cases}
        assert self.notifiers[0].due() == []
        ended = {
            change.case_id: change.phase
            for message in self.inboxes[Channel.TEAMS].messages
            for page in message.pages
            for change in page.changes
        }
        assert set(ended.values()) <= {Phase.ENDED}, "the last thing that people read of a case is how it ended"

    def assert_limits_are_kept(self) -> None:
        for inbox in self.inboxes.values():
            limited = [message.at for message in inbox.messages if not message.is_outside]
            for at in limited:
                within = [other for other in limited if at - _HOUR < other <= at]
                # A run that died after it had sent sends again, and its message counts twice for the oracle alone.
                assert len(within) <= _PER_HOUR + self.deaths, (inbox.channel, within)

    def assert_the_worst_comes_first(self) -> None:
        for inbox in self.inboxes.values():
            for message in inbox.messages:
                tops = [page.changes[0].urgency for page in message.pages]
                assert len(tops) == 1 or max(tops) == tops[0]
                for page in message.pages:
                    assert list(page.changes) == sorted(page.changes, key=_rank)
                    assert len({change.case_id for change in page.changes}) == len(page.changes)

    def assert_nothing_is_repeated(self) -> None:
        """A page comes again only with something new in it, or to ask the next owner."""
        for inbox in self.inboxes.values():
            last: dict[str, tuple[frozenset[tuple[str, Phase]], int]] = {}
            for message in inbox.messages:
                for page in message.pages:
                    listed = frozenset((change.case_id, change.phase) for change in page.changes)
                    before = last.get(_page(page))
                    assert before is None or listed - before[0] or page.place > before[1], message
                    last[_page(page)] = listed, page.place

    def assert_an_hour_of_a_page_is_few_messages(self) -> None:
        """Of one page, with the next owners who are asked, while nothing graver comes; what is graver begins anew."""
        for inbox in self.inboxes.values():
            sent: dict[str, list[datetime]] = {}
            worst: dict[str, int] = {}
            for message in inbox.messages:
                for page in message.pages:
                    urgency = page.changes[0].urgency
                    if urgency > worst.get(_page(page), NOTHING):
                        worst[_page(page)], sent[_page(page)] = urgency, []
                    sent[_page(page)].append(message.at)
                    within = [at for at in sent[_page(page)] if message.at - _HOUR < at]
                    assert len(within) <= MOST_OF_A_PAGE, (inbox.channel, within)

    def assert_one_page_for_an_actor_and_hour(self) -> None:
        starts: dict[str, list[datetime]] = {}
        for name in {_page(page) for inbox in self.inboxes.values() for one in inbox.messages for page in one.pages}:
            starts.setdefault(name[16:32], []).append(datetime.strptime(name[:15] + "+0000", "%Y%m%dT%H%M%S%z"))
        for begun in starts.values():
            begun.sort()
            assert all(later - sooner >= _HOUR for sooner, later in pairwise(begun))


def _urgency(shown: ShownCase) -> int:
    done = shown.case.decision is Decision.REMEDIATE
    return 2 * (Risk.LOW, Risk.MEDIUM, Risk.HIGH).index(shown.detection.risk) + (not done)


def _rank(change: PagedChange) -> tuple[int, datetime, str]:
    return -change.urgency, change.at, change.case_id


_STORIES: Final = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


@_STORIES
@given(st.lists(_EVENTS, max_size=40))
def test_whatever_happens_everything_is_sent_within_the_limit_the_worst_first(events: list[_Event]) -> None:
    world = _World()
    world.play(events)
    world.settle()
    world.assert_nothing_is_unsent()
    world.assert_limits_are_kept()
    world.assert_the_worst_comes_first()
    world.assert_one_page_for_an_actor_and_hour()


@_STORIES
@given(st.lists(_QUIET, max_size=40))
def test_where_nothing_breaks_nothing_is_sent_twice_and_what_is_worse_rings(events: list[_Event]) -> None:
    world = _World()
    world.play(events)
    world.settle()
    world.assert_nothing_is_unsent()
    world.assert_limits_are_kept()
    world.assert_nothing_is_repeated()
    world.assert_an_hour_of_a_page_is_few_messages()


def test_the_oracle_finds_a_limit_that_is_broken() -> None:
    world = _World()
    inbox = world.inboxes[Channel.TEAMS]
    inbox.messages += [_Message(at=NOW, pages=(), is_outside=False)] * (_PER_HOUR + 1)
    with pytest.raises(AssertionError):
        world.assert_limits_are_kept()
