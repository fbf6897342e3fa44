"""What follows from a page as it is stored: when it is sent, what rings, who is asked."""

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local.world import MALLORY
from shared.model.kinds import Risk
from shared.model.notices import Phase, SystemNotice
from shared.notify.endings import Ending
from shared.notify.paged import (
    NOTHING,
    Channel,
    Delivery,
    PagedChange,
    PageState,
    due_at,
    escalated,
    is_unlimited,
    noted_sent,
    rings_anew,
    worst_first,
)
from tests.fakes.clock import NOW

_MINUTE: Final = timedelta(minutes=1)
_TURN: Final = timedelta(seconds=30)


def _delivery(**differences: Any) -> Delivery:  # noqa: ANN401 - the fields of a delivery
    fields: dict[str, Any] = {
        "channel": Channel.TEAMS,
        "next_try": NOW,
        "is_call": False,
        "sent_at": NOW,
        "sent_news": 1,
        "shown": 1,
        "urgency": 2,
    }
    return Delivery(**fields | differences)


def _page(delivery: Delivery, **differences: Any) -> PageState:  # noqa: ANN401 - the fields of a page
    fields: dict[str, Any] = {"id": "page", "started_at": NOW, "news": 2, "urgency": 2, "deliveries": (delivery,)}
    return PageState(**fields | differences)


def _change(**differences: Any) -> PagedChange:  # noqa: ANN401 - the fields of a change
    fields: dict[str, Any] = {
        "case_id": "20260302-1",
        "tenant_id": MALLORY.tenant,
        "phase": Phase.ENDED,
        "risk": Risk.HIGH,
        "ending": Ending.NEEDS_YOU,
        "needs_somebody": True,
        "what": "",
        "about": "",
        "scopes": ("*",),
        "at": NOW,
    }
    return PagedChange(**fields | differences)


@pytest.mark.parametrize(
    ("urgency", "acknowledged", "shown", "news", "rings", "unlimited"),
    [
        (5, NOTHING, 2, 2, True, False),
        (5, 2, 2, 2, True, True),
        (5, 5, 2, 2, False, False),
        (5, 4, 2, 2, True, True),
        (2, 0, 2, 2, False, False),
        (2, 2, 2, 2, False, False),
        (5, 2, 2, 1, False, True),
        (1, 0, NOTHING, 2, True, True),
    ],
)
def test_what_rings_and_what_no_limit_keeps_back(
    *, urgency: int, acknowledged: int, shown: int, news: int, rings: bool, unlimited: bool
) -> None:
    delivery = _delivery(urgency=shown)
    page = _page(delivery, urgency=urgency, acknowledged=acknowledged, news=news)
    assert rings_anew(page, delivery) is rings
    assert is_unlimited(page, delivery) is unlimited


@pytest.mark.parametrize("never_waits", [True, False])
def test_a_notice_is_unlimited_when_it_says_so(*, never_waits: bool) -> None:
    notice = SystemNotice(key="", title="", text="", what_to_do="", never_waits=never_waits)
    delivery = _delivery()
    assert is_unlimited(_page(delivery, system_notice=notice, urgency=5, acknowledged=2), delivery) is never_waits


def _due_at(delivery: Delivery, **differences: Any) -> datetime | None:  # noqa: ANN401 - the fields of a page
    return due_at(_page(delivery, **differences), delivery, within=15 * _MINUTE)


@pytest.mark.parametrize(
    ("asked", "acknowledged", "place", "due_after"),
    [
        (False, NOTHING, 0, 5),
        (True, NOTHING, 0, 61),
        (True, 2, 0, 5),
        (True, NOTHING, 9, 5),
    ],
    ids=["nobody is asked", "asked each 15 minutes", "acknowledged", "the last owner was asked"],
)
def test_what_is_only_more_leaves_room_for_asking_the_next_owners(
    *, asked: bool, acknowledged: int, place: int, due_after: int
) -> None:
    sent = (NOW, NOW + _MINUTE)
    asked_at = NOW if asked else None
    delivery = _delivery(sent=sent, sent_at=sent[-1], asked_at=asked_at, place=place)
    assert _due_at(delivery, asks=2, acknowledged=acknowledged) == NOW + due_after * _MINUTE


@pytest.mark.parametrize(
    ("sent_after", "due_after"),
    [(0, 1), (0.5, 1), (1, 5), (3, 5), (5, 15), (14, 15), (15, 45), (44, 45), (45, 75), (61, 75), (-1, 1)],
)
def test_a_page_that_grew_is_sent_at_the_next_step(sent_after: float, due_after: float) -> None:
    delivery = _delivery(sent_at=NOW + sent_after * _MINUTE)
    assert _due_at(delivery) == NOW + due_after * _MINUTE


def test_what_has_nothing_new_is_not_due_and_what_was_never_sent_is_due_at_once() -> None:
    assert _due_at(_delivery(), news=1) is None
    assert _due_at(_delivery(sent_at=None), news=1) == NOW
    assert _due_at(_delivery(is_call=True), news=1) == NOW
    later = _delivery(next_try=NOW + 20 * _MINUTE)
    assert _due_at(later) == later.next_try


@pytest.mark.parametrize("order", [1, -1])
def test_the_last_phase_of_a_case_counts_in_any_order(order: int) -> None:
    phases = (_change(phase=Phase.PENDING), _change(phase=Phase.ENDED, needs_somebody=False))
    (change,) = worst_first(phases[::order])
    assert change.phase is Phase.ENDED


def test_the_next_owner_who_is_asked_while_a_message_is_sent_is_still_asked() -> None:
    sent = _page(_delivery(asked_at=NOW))
    meanwhile = escalated(sent, Channel.TEAMS, (), now=NOW + _MINUTE, turn=_TURN)
    after = noted_sent(meanwhile, sent, Channel.TEAMS, (_change(),), now=NOW + 2 * _MINUTE).over(Channel.TEAMS)
    assert after is not None
    assert (after.place, after.is_call, after.asked_at) == (1, True, NOW + _MINUTE)
    assert due_at(meanwhile, after, within=15 * _MINUTE) is not None


def test_what_was_sent_before_the_news_does_not_count_as_sent_with_it() -> None:
    sent = _page(_delivery())
    meanwhile = msgspec.structs.replace(sent, news=3)
    after = noted_sent(meanwhile, sent, Channel.TEAMS, (_change(),), now=NOW).over(Channel.TEAMS)
    assert after is not None
    assert after.sent_news == 2
