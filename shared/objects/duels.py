"""Duels: a leaf that two sides swing against each other again and again. People hear of each, named.

Against an unapproved actor the responder goes on, each time at once: who writes twice must not win by it. What others
wrote, approved or unknown, it never writes over, so it has no part in a duel with them.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from shared.model.cases import Standing
from shared.model.objects import EXISTS, Duel, Intent, IntentState, is_asked_id
from shared.objects.attribution import Link
from shared.objects.verdicts import Account

TWICE: Final = 2
"""A leaf that is put back this often within `WITHIN` is fought over."""

WITHIN: Final = timedelta(days=1)

_SWINGS: Final = 4
"""Two actors each swung it twice."""


def duels(intents: Sequence[Intent]) -> tuple[Duel, ...]:
    """Give the duels of the responder with others: a leaf that it put back twice within a day, whoever swung it."""
    booked = [one for one in intents if one.state is IntentState.BOOKED and not _is_asked(one)]
    latest = max((one.at for one in booked), default=None)
    if latest is None:
        return ()
    rivals: dict[str, list[tuple[str, ...]]] = {}
    answered: set[tuple[str, str]] = set()
    for intent in booked:
        if intent.at < latest - WITHIN:
            continue
        # What is made again has all of its leaves written: what is fought over is whether it is there.
        for leaf in (EXISTS,) if EXISTS in intent.steps else intent.steps:
            swings = {(leaf, change) for change in intent.changes}
            # A put-back that took two writes answers the same changes: nobody swung the leaf in between.
            if not swings or swings - answered:
                rivals.setdefault(leaf, []).append(intent.actors)
            answered |= swings
    return tuple(
        Duel(leaf=leaf, rivals=tuple(dict.fromkeys(actor for each in swung for actor in each)), times=len(swung))
        for leaf, swung in sorted(rivals.items())
        if len(swung) >= TWICE
    )


def _is_asked(intent: Intent) -> bool:
    """Whether a person had it written: nobody swung anything."""
    return bool(intent.changes) and all(map(is_asked_id, intent.changes))


def duels_of_approved(account: Account) -> tuple[Duel, ...]:
    """Give the duels of approved actors with each other: both are paged, and the responder has no part in it."""
    found: list[Duel] = []
    for leaf, chain in sorted(account.chains.items()):
        last = chain[-_SWINGS:]
        if len(last) == _SWINGS and _is_swung(account, leaf, last):
            rivals = tuple(dict.fromkeys(link.written.change.actor.id for link in last))
            found.append(Duel(leaf=leaf, rivals=rivals, times=0))
    return tuple(each for each in found if each.leaf == EXISTS) or tuple(found)


def _is_swung(account: Account, leaf: str, links: Sequence[Link]) -> bool:
    if any(link.is_ours or account.replayed.standing_of(link.written, leaf) is not Standing.APPROVED for link in links):
        return False
    if any(link.written.change.is_rightful for link in links):
        return False  # who uses a right of his own each day, and whose time is over each day, fights nobody
    actors = [link.written.change.actor.id for link in links]
    values = [link.new for link in links]
    return (
        actors[0] != actors[1]
        and actors[:2] == actors[2:]
        and not account.is_same(leaf, values[0], values[1])
        and account.is_same(leaf, values[0], values[2])
        and account.is_same(leaf, values[1], values[3])
    )
