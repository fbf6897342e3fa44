"""A message that may have reached people already says so when it is sent again, and no other message does."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local.world import MALLORY, WORKFORCE_TENANT
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.bilingual import ENGLISH, KOREAN
from shared.model.cases import Case, Decision, State
from shared.model.errors import EdgeError, Refused, Throttled, Unreachable
from shared.model.events import Actor, Target
from shared.model.notices import SystemNotice
from shared.notify.cards import card_of
from shared.notify.messages import Digest, NoticeCall, NoticeDigest, PageMessage, ShownCase
from shared.notify.outbox import Notifier
from shared.notify.page_cards import digest_alert, digest_card, page_card
from shared.notify.paged import Channel
from shared.notify.system_notices import notice_call_card, notice_digest_alert, notice_digest_card
from shared.notify.wording import page_context_for
from tests.fakes.clock import FakeClock
from tests.fakes.lamps import AT, LAMP, Lamps, actor_of
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import settings_with
from tests.fakes.senders import FakeSender
from tests.fakes.spoilt_storage import SpoiltStorage

_DETECTION: Final = Lamps().detection()
_ACTOR: Final = actor_of(MALLORY)
_NOTICE: Final = SystemNotice(key="a notice", title="Title", text="Text", what_to_do="Nothing.")
_ADDRESSED: Final = msgspec.structs.replace(_NOTICE, scopes=("*",), never_waits=True)
_CLIMBS: Final = msgspec.structs.replace(_ADDRESSED, until_acknowledged=True)
_WITHIN: Final = timedelta(minutes=15)
_MARKS: Final = {
    ENGLISH: "Sent again: it may have reached you already.",
    KOREAN: "다시 보냅니다. 이미 받으셨을 수 있습니다.",
}


class Killed(BaseException):
    """The process is gone: nothing catches this, and nothing that it would have done next is done."""


class _Desk:
    """One process after another over one storage and one Teams, which remembers every message in its order."""

    def __init__(self, inner: Storage, *, per_hour: int = 20) -> None:
        self.storage = SpoiltStorage(inner)
        self.clock = FakeClock()
        self.teams = FakeSender()
        self.per_hour = per_hour
        self.storage.upsert(Table.OWNERS, "*", "010", {"name": "Alice", "upn": "alice@contoso.example"})

    def process(self) -> Notifier:
        return Notifier(
            self.storage,
            {Channel.TEAMS: self.teams},
            clock=self.clock,
            acknowledge_within=_WITHIN,
            messages_per_hour=self.per_hour,
        )

    def page(self, notifier: Notifier, actor: Actor = _ACTOR, number: int = 0) -> None:
        case = _case(actor, number)
        for page in notifier.post(case, _DETECTION):
            notifier.send(page, self.find)

    def find(self, _tenant_id: str, case_id: str) -> ShownCase | None:
        return ShownCase(case=msgspec.structs.replace(_case(), id=case_id), detection=_DETECTION)

    def die_once_sent(self, act: Callable[[], object]) -> None:
        """Have the process killed right after a message went, before it is noted."""
        self.storage.faults.failure = lambda _text: Killed()
        sent = len(self.messages)
        self.storage.faults.spoil = lambda _operation: "before" if len(self.messages) > sent else ""
        with pytest.raises(Killed):
            act()
        self.storage.faults.heal()
        self.storage.faults.failure = Unreachable

    @property
    def messages(self) -> list[bool]:
        """Whether each message that came was marked; unaddressed notices can't be."""
        teams = self.teams
        marked = [*(one.message for one in teams.sent), *teams.digests, *teams.calls, *teams.notice_digests]
        return [*([False] * len(teams.system_notices)), *(one.is_again for one in marked)]

    def pass_time(self, by: timedelta) -> None:
        self.clock.move(by)
        self.process().resume(self.find)


def _case(actor: Actor = _ACTOR, number: int = 0) -> Case:
    return Case(
        id=f"20260302-{number:020}",
        tenant_id=WORKFORCE_TENANT,
        detection=_DETECTION.id,
        correlation_id="",
        event_id="",
        at=AT,
        opened_at=AT,
        actor=actor,
        target=Target(id=LAMP),
        record="",
        state=State.ACTED,
        decision=Decision.PAGE,
    )


@pytest.fixture
def desk(memory: MemoryStorage) -> _Desk:
    return _Desk(memory)


_SENDS: Final[dict[str, Callable[[_Desk], object]]] = {
    "page": lambda desk: desk.page(desk.process()),
    "notice": lambda desk: desk.process().publish(_NOTICE),
    "notice for owners": lambda desk: desk.process().publish(_ADDRESSED),
    "notice that climbs": lambda desk: desk.process().publish(_CLIMBS),
}


@pytest.mark.parametrize("send", _SENDS.values(), ids=_SENDS)
def test_a_message_whose_process_died_once_it_was_sent_is_marked_when_it_comes_again(
    send: Callable[[_Desk], object], desk: _Desk
) -> None:
    desk.die_once_sent(lambda: send(desk))
    desk.die_once_sent(lambda: desk.pass_time(timedelta(minutes=1)))
    desk.pass_time(timedelta(minutes=1))
    desk.pass_time(timedelta(minutes=1))
    assert desk.messages == [False, True, True]


@pytest.mark.parametrize("kind", ["pages", "notices"])
def test_a_digest_whose_process_died_is_marked_too(kind: str, memory: MemoryStorage) -> None:
    desk = _Desk(memory, per_hour=2)
    notifier = desk.process()
    for number in range(6):
        if kind == "pages":
            desk.page(notifier, Actor(id=f"{number:08}-0000-0000-0000-000000000000", name=""), number)
        else:
            notifier.publish(msgspec.structs.replace(_NOTICE, key=f"notice {number}"))
    assert not any(desk.messages)
    alone = len(desk.messages)
    desk.die_once_sent(lambda: _pass_until(desk, lambda: len(desk.messages) > alone))
    assert desk.messages[alone:] == [False]
    digests = desk.teams.digests if kind == "pages" else desk.teams.notice_digests
    _pass_until(desk, lambda: len(digests) > 1)
    assert [one.is_again for one in digests] == [False, True]


def _pass_until(desk: _Desk, is_so: Callable[[], bool]) -> None:
    for _ in range(180):
        if is_so():
            return
        desk.pass_time(timedelta(minutes=1))
    pytest.fail("it never was")


@pytest.mark.parametrize("send", _SENDS.values(), ids=_SENDS)
@pytest.mark.parametrize(
    ("error", "marked"), [(Unreachable("cut"), True), (Throttled("slower"), False), (Refused("no"), False)]
)
def test_a_failed_try_is_marked_where_nobody_knows_whether_it_came(
    error: EdgeError,
    marked: bool,  # noqa: FBT001
    send: Callable[[_Desk], object],
    desk: _Desk,
) -> None:
    desk.teams.failing = error
    send(desk)
    assert desk.messages == []
    desk.teams.failing = None
    desk.pass_time(timedelta(minutes=1))
    assert desk.messages == [marked]


def test_the_next_owner_is_asked_by_a_message_of_his_own(desk: _Desk) -> None:
    desk.die_once_sent(lambda: desk.process().publish(_CLIMBS))
    desk.pass_time(timedelta(minutes=1))
    desk.pass_time(_WITHIN)
    assert [(one.place, one.is_again) for one in desk.teams.calls[:3]] == [(0, False), (0, True), (1, False)]


def test_what_was_kept_back_before_anything_was_sent_is_not_marked(memory: MemoryStorage) -> None:
    desk = _Desk(memory, per_hour=2)
    notifier = desk.process()
    for number in range(3):
        notifier.publish(msgspec.structs.replace(_NOTICE, key=f"notice {number}"))
    for _ in range(12):
        desk.pass_time(timedelta(minutes=10))
    assert len(desk.messages) >= 2
    assert not any(desk.messages)


def test_what_was_sent_without_storage_is_marked_when_it_is_sent_again(desk: _Desk) -> None:
    notifier = desk.process()
    notifier.send_unstored(_ADDRESSED)
    notifier.send_unstored(_ADDRESSED)
    notifier.publish(_ADDRESSED)
    assert desk.messages == [False, True, True]


def _messages(language: str, *, again: bool) -> list[dict[str, Any]]:
    settings = settings_with()
    context = page_context_for(_case(), settings, is_again=again)
    call = NoticeCall(key="key", system_notice=_NOTICE, is_again=again)
    of_several = NoticeDigest(key="digest", system_notices=(_NOTICE,), is_again=again)
    of_notices = [
        notice_call_card(call, language=language),
        notice_digest_card(of_several, language=language),
        notice_digest_alert(of_several, language=language),
    ]
    if language == KOREAN:
        return of_notices
    message = _message(again=again)
    digest = Digest(key="digest", pages=(message,), is_again=again)
    return [
        card_of(_case(), _DETECTION, context),
        page_card(message, settings),
        digest_card(digest, settings),
        digest_alert(digest, settings),
        *of_notices,
    ]


def _message(*, again: bool) -> PageMessage:
    memory = MemoryStorage()
    memory.create_all()
    desk = _Desk(memory)
    desk.page(desk.process())
    return msgspec.structs.replace(desk.teams.sent[0].message, is_again=again)


@pytest.mark.parametrize("language", [ENGLISH, KOREAN])
def test_each_card_and_each_alert_of_its_own_says_that_it_may_have_come_already(language: str) -> None:
    texts = [msgspec.json.encode(card).decode() for card in _messages(language, again=True)]
    assert [_MARKS[language] in text for text in texts] == [True] * len(texts)
    others = [msgspec.json.encode(card).decode() for card in _messages(language, again=False)]
    assert not any(mark in text for mark in _MARKS.values() for text in others)
