"""Duels: the same leaf swung again and again by a rival, and how long the responder pauses before it swings it back."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from msgspec import Struct

from shared.model.cases import Standing
from shared.model.objects import Intent, IntentState, JudgedChange
from shared.objects.attribution import Link
from shared.objects.verdicts import Account

TWICE: Final = 2
"""Who swings a leaf this often after a put-back is a rival."""

_FIRST_PAUSE: Final = timedelta(minutes=2)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_SWINGS: Final = 4
"""Two actors each swung it twice."""


class Duel(Struct, frozen=True, kw_only=True):
    """A leaf that is swung between two sides. `times` counts the put-backs, `rivals` are the other side's actors by id.

    `pause` is how long the responder waits before it writes once more, None where it stops and leaves it to people.
    """

    leaf: str
    rivals: tuple[str, ...]
    times: int
    pause: timedelta | None


def duels(intents: Sequence[Intent], changes: Sequence[JudgedChange]) -> tuple[Duel, ...]:
    """Give the duels of the responder with others: a leaf that it put back twice against the same actor.

    Against an unapproved rival it goes on at once: who writes twice must not win by it. Against one of whom it isn't
    known, it backs off up to an hour. Against an approved one it stops.
    """
    put_back = Counter(
        (actor, leaf)
        for intent in intents
        if intent.state is IntentState.BOOKED
        for actor in intent.actors
        for leaf in intent.steps
    )
    standings: dict[str, Standing] = {}
    for judged in sorted(changes, key=lambda judged: judged.change.at):
        standings[judged.change.actor.id] = judged.standing
    return tuple(
        Duel(leaf=leaf, rivals=(actor,), times=times, pause=pause(standings.get(actor, Standing.UNKNOWN), times))
        for (actor, leaf), times in sorted(put_back.items())
        if times >= TWICE
    )


def duels_of_approved(account: Account) -> tuple[Duel, ...]:
    """Give the duels of approved actors with each other: both are paged, and the responder has no part in it."""
    found: list[Duel] = []
    for leaf, chain in sorted(account.chains.items()):
        last = chain[-_SWINGS:]
        if len(last) == _SWINGS and _is_swung(account, leaf, last):
            rivals = tuple(dict.fromkeys(link.written.change.actor.id for link in last))
            found.append(Duel(leaf=leaf, rivals=rivals, times=TWICE, pause=None))
    return tuple(found)


def pause(standing: Standing, times: int) -> timedelta | None:
    """Give how long to wait before a leaf is put back once more after so many times; None is for ever."""
    match standing:
        case Standing.UNAPPROVED:
            return timedelta()
        case Standing.UNKNOWN:
            return min(_FIRST_PAUSE * 2 ** min(max(times - TWICE, 0), 10), _LONGEST_PAUSE)
        case Standing.APPROVED:
            return None


def _is_swung(account: Account, leaf: str, links: Sequence[Link]) -> bool:
    if any(link.is_ours or account.replayed.standing_of(link.written, leaf) is not Standing.APPROVED for link in links):
        return False
    actors = [link.written.change.actor.id for link in links]
    values = [link.new for link in links]
    return (
        actors[0] != actors[1]
        and actors[:2] == actors[2:]
        and not account.is_same(leaf, values[0], values[1])
        and account.is_same(leaf, values[0], values[2])
        and account.is_same(leaf, values[1], values[3])
    )
