"""When a page that grew is sent again: at steps that grow apart, and never so often that people stop reading.

Pure functions over instants. What is graver than what was shown or acknowledged, and the question to the next owner,
don't wait for any of this; both count.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

MOST_OF_A_PAGE: Final = 5
"""How many messages of one page a channel gets in any hour, where nothing graver comes meanwhile."""

HOUR: Final = timedelta(hours=1)
_STEPS: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15))
_EACH: Final = timedelta(minutes=30)


def next_step(started_at: datetime, sent_at: datetime) -> datetime:
    """Give the first time after the last message at which a page that grew is sent: after 1, 5, 15, 45, 75 minutes."""
    passed = sent_at - started_at
    early = next((step for step in _STEPS if step > passed), None)
    last = _STEPS[-1]
    return started_at + (early or last + ((passed - last) // _EACH + 1) * _EACH)


def with_room(earliest: datetime, *, sent: Sequence[datetime], asked: Iterable[datetime]) -> datetime:
    """Give the first instant from `earliest` on at which a message leaves room for what can't wait.

    `sent` is when messages of the page went over the channel in the last hour, `asked` when the next owners are due to
    be asked: their messages show all that is new as well.
    """
    counted = sorted((*sent, *asked))
    later = (one + HOUR for one in counted if one + HOUR > earliest)
    return next(at for at in (earliest, *later) if not _is_crowded(sorted((*counted, at)), at))


def _is_crowded(instants: Sequence[datetime], at: datetime) -> bool:
    """Whether an hour with `at` in it has more messages than a page may have."""
    stretches = zip(instants, instants[MOST_OF_A_PAGE:], strict=False)
    return any(first <= at <= last and last - first < HOUR for first, last in stretches)


def of_last_hour(sent: Iterable[datetime], *, now: datetime) -> tuple[datetime, ...]:
    """Give when messages were sent within the hour up to now, which counts too."""
    return tuple(one for one in (*sent, now) if one + HOUR > now)


def asked_until(asked_at: datetime, until: datetime, *, within: timedelta, most: int) -> tuple[datetime, ...]:
    """Give when the next owners will be asked, if nobody acknowledges, at most `most` of them."""
    times = (asked_at + number * within for number in range(1, most + 1))
    return tuple(one for one in times if one < until)
