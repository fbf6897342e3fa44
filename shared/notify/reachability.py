"""The weekly test whether pages reach each owner: it wakes nobody, and asks each to answer.

In Teams each owner is mentioned and opens a page with a button, since Teams says of a card neither that it was posted
nor that it was read. In PagerDuty an incident of severity info is there to be acknowledged until the noon after the
next night, when it is resolved. What can't be tested is said: PagerDuty reaches only whoever is on call, and only a
user who is mapped to an owner is known to be one.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import Final, Protocol

import msgspec

from shared.authority.acts import UNSIGNED, Acts
from shared.authority.owners import NamedOwner
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.bilingual import NO_WORDS, Words, filled
from shared.model.do_all import do_all
from shared.model.notices import NoticeText, Owner, SystemNotice
from shared.notify.paged import Channel
from shared.notify.reached import Reached, note_asked, note_reached, reached

_log = logging.getLogger("responder.notify")

SILENT_FOR: Final = timedelta(days=21)
"""How long an owner may not have answered over any channel before it is a finding: three tests."""

_TEST: Final = ("reached", "test")
_REQUEST: Final = ("reached", "request")
_OPEN_FOR: Final = timedelta(hours=20)
_MOST_MENTIONED: Final = 5
_CASE_PAGES: Final = ("/console/i/{case}", "/open/{case}")
"""What `CASE_LINK` ends with where cases are opened on a page of the app; the latter in settings made earlier."""
_BY: Final = "the weekly test"


def request_test(storage: Storage, *, by: str, at: datetime) -> None:
    """Have the app ask every owner within a minute, whatever was asked this week. Raises EdgeError."""
    storage.upsert(Table.CURSORS, *_REQUEST, {"by": by, "at": at, "done": False})


class Notices(Protocol):
    """Sends system notices."""

    def publish(self, system_notice: SystemNotice, *, over: Collection[Channel]) -> bool:
        """Send one over some channels."""
        ...

    def finish_notice(self, key: str, *, by: str) -> None:
        """Resolve the incidents of one."""
        ...


class Reachability:
    """Asks the owners. `case_link` is the setting, where people open a case: beside it is the page that they open."""

    def __init__(
        self,
        storage: Storage,
        notices: Notices,
        *,
        case_link: str,
        clock: Callable[[], datetime],
        acts: Acts = UNSIGNED,
    ) -> None:
        self._acts = acts
        self._storage = storage
        self._notices = notices
        self._case_link = case_link
        self._clock = clock

    def ask(self) -> int:
        """Ask every owner, once in a week; gives how many were asked. Raises EdgeError; it can be called again."""
        now = self._clock()
        week = week_of(now)
        return 0 if self._test() == week else self._ask(now, week)

    def ask_if_requested(self) -> int:
        """Ask every owner where somebody has requested that; gives how many. Raises EdgeError; can be called again."""
        row = self._storage.row(Table.CURSORS, *_REQUEST)
        if row is None or row.columns.get("done"):
            return 0
        now = self._clock()
        asked = self._ask(now, week_of(now))
        self._storage.replace(Table.CURSORS, row, {**row.columns, "done": True})
        return asked

    def _ask(self, now: datetime, week: str) -> int:
        people = reached(self._storage, clock=self._clock, acts=self._acts)
        if not people:
            return 0
        notices = [*self._cards(week, people), (self._incident(week, people), (Channel.PAGERDUTY,))]
        do_all(
            notices,
            lambda notice: self._notices.publish(notice[0], over=notice[1]),
            failed=lambda notice: f"{notice[0].key} could not be sent",
            log=_log,
        )
        for one in people:
            note_asked(self._storage, one.owner, at=now)
        self._storage.upsert(Table.CURSORS, *_TEST, {"week": week, "at": now, "finished": False})
        return len(people)

    def finish(self) -> bool:
        """Resolve the incident of a test that people had a day for; False where there is none. Raises EdgeError."""
        row = self._storage.row(Table.CURSORS, *_TEST)
        at = row.instant("at") if row else None
        if row is None or at is None or row.columns.get("finished") or at + _OPEN_FOR > self._clock():
            return False
        self._notices.finish_notice(_incident_notice(str(row.columns.get("week"))), by=_BY)
        self._storage.upsert(Table.CURSORS, *_TEST, {**row.columns, "finished": True})
        return True

    def answer(self, upn: str) -> NamedOwner | None:
        """Note that whoever is signed in under a user name opened the card's page; None where that is no owner."""
        people = reached(self._storage, clock=self._clock, acts=self._acts)
        owner = next(
            (one.owner for one in people if one.owner.upn and one.owner.upn.casefold() == upn.casefold()), None
        )
        if owner is not None:
            note_reached(self._storage, owner, Channel.TEAMS, at=self._clock())
        return owner

    def _test(self) -> str | None:
        row = self._storage.row(Table.CURSORS, *_TEST)
        return str(row.columns.get("week")) if row else None

    def _cards(self, week: str, people: Sequence[Reached]) -> list[tuple[SystemNotice, tuple[Channel, ...]]]:
        """Give the cards for Teams, each for as many owners as one can mention."""
        link = reach_link(self._case_link, week)
        ask = _OPEN if link else _NO_PAGE
        found: list[tuple[SystemNotice, tuple[Channel, ...]]] = []
        for number, batch in enumerate(batched(people, _MOST_MENTIONED, strict=False)):
            notice = TEAMS_TEST.notice(f"reach {week} teams {number}", ask=ask)
            found.append((msgspec.structs.replace(notice, owners=_owners(batch), link=link), (Channel.TEAMS,)))
        return found

    def _incident(self, week: str, people: Sequence[Reached]) -> SystemNotice:
        unmapped = [one.owner.name for one in people if not one.owner.pagerduty]
        unknown = filled(_UNKNOWN, names=", ".join(unmapped)) if unmapped else NO_WORDS
        notice = PAGERDUTY_TEST.notice(_incident_notice(week), unknown=unknown)
        return msgspec.structs.replace(notice, owners=_owners(people))


_OPEN: Final = Words(en="Open the page and press the button.", ko="페이지를 열고 단추를 누르세요.")
_NO_PAGE: Final = Words(
    en="It can't be answered: CASE_LINK isn't https://HOST/api/console/i/{case}, so there is no page to open. Tell"
    " whoever operates Entra Responder.",
    ko="응답할 수 없습니다. CASE_LINK가 https://HOST/api/console/i/{case} 형식이 아니어서 열 페이지가 없습니다. Entra"
    " Responder 운영 담당자에게 알리세요.",
)
_UNKNOWN: Final = Words(
    en=" Not known in PagerDuty, so not tested there: {names}.",
    ko=" PagerDuty 사용자를 몰라 시험하지 못한 사람: {names}.",
)
TEAMS_TEST: Final = NoticeText(
    id="teams-test",
    title=Words(en="Test: can Teams reach you?", ko="시험: Teams 알림이 보입니까?"),
    text=Words(
        en="Nothing has happened. Once a week it is tried whether pages reach each owner.",
        ko="아무 일도 없습니다. 일주일에 한 번 호출이 각 담당자에게 닿는지 시험합니다.",
    ),
    what_to_do=Words(en="{ask}", ko="{ask}"),
    link_title=Words(en="Say that it reached you", ko="알림을 받았다고 응답"),
    never_waits=True,  # in a digest it would mention nobody and open nothing
    is_silent=True,
)
PAGERDUTY_TEST: Final = NoticeText(
    id="pagerduty-test",
    title=Words(en="Test: can PagerDuty reach you?", ko="시험: PagerDuty 호출이 옵니까?"),
    text=Words(
        en="Nothing has happened. It reaches only whoever is on call at present.{unknown}",
        ko="아무 일도 없습니다. 지금 당직인 사람에게만 갑니다.{unknown}",
    ),
    what_to_do=Words(
        en="Acknowledge it in PagerDuty. It is resolved by itself at noon tomorrow.",
        ko="PagerDuty에서 확인(acknowledge)하세요. 내일 정오에 저절로 해결됩니다.",
    ),
    never_waits=True,
    is_silent=True,
)


def week_of(now: datetime) -> str:
    """Name the week of a test, like "2026-W10"."""
    year, week, _ = now.isocalendar()
    return f"{year}-W{week:02}"


def reach_link(case_link: str, week: str) -> str:
    """Give the address of the page on which owners answer; "" where people don't open cases on a page of the app."""
    root = next((case_link.removesuffix(one) for one in _CASE_PAGES if case_link.endswith(one)), "")
    return f"{root}/reach/{week}" if root else ""


def untested(one: Reached, *, has_teams: bool, has_pagerduty: bool, hears: bool) -> list[str]:
    """Say what of an owner no test can tell. `hears`: what people do in PagerDuty is sent to the app."""
    found: list[str] = []
    if has_teams and not one.owner.upn:
        found.append("Teams can't mention them without a user principal name")
    if not has_teams:
        found.append("there is no Teams channel")
    if has_pagerduty and not one.owner.pagerduty:
        found.append("their user in PagerDuty isn't known (responder owner … --pagerduty ID)")
    if not has_pagerduty:
        found.append("there is no PagerDuty channel")
    elif not hears:
        found.append("what they acknowledge in PagerDuty isn't heard (PAGERDUTY_WEBHOOK_SECRETS isn't set)")
    return found


def _incident_notice(week: str) -> str:
    return f"reach {week} pagerduty"


def _owners(people: Sequence[Reached]) -> tuple[Owner, ...]:
    return tuple(
        Owner(scope=one.owner.scope, order=number, name=one.owner.name, upn=one.owner.upn)
        for number, one in enumerate(people)
    )
