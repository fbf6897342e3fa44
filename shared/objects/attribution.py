"""Who wrote a leaf: the chain of its writers, the latest one, what lies beneath it, and whether a writer is missing.

A chain goes by instants through all changes, settled ones too. A deletion writes every leaf away.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from shared.model.cases import Standing
from shared.model.kinds import Json
from shared.model.object_kinds import LeafRules
from shared.model.objects import EXISTS, WHOLE, Acceptance, ObjectChange, ObjectState, Op, Step, Version, sent_value
from shared.objects.comparing import is_same
from shared.objects.replay import Replayed
from shared.objects.versions import REPLICA_LAG, WrittenChange

OWN_RECORD_WITHIN: Final = timedelta(hours=3)
"""After this the responder's own record would have come: what nobody proved to be its write wasn't."""


class Link(Struct, frozen=True):
    """A change that wrote a leaf, with the leaf's old and new value."""

    written: WrittenChange
    old: Json
    new: Json

    @property
    def is_ours(self) -> bool:
        """Whether the responder wrote it."""
        return self.written.change.is_ours


type Chains = Mapping[str, Sequence[Link]]
"""The writers of each leaf, oldest first. Leaves that nobody wrote have none."""


def without_false_claims(
    written: Sequence[WrittenChange], rules: LeafRules, *, now: datetime
) -> tuple[WrittenChange, ...]:
    """Leave out writes whose answer was lost and that weren't ours: another wrote the same later, or it is too late."""
    return tuple(
        each
        for position, each in enumerate(written)
        if not each.change.is_ours
        or each.change.is_whole
        or _may_be_ours(each, written[position + 1 :], rules, now=now)
    )


def chains(
    written: Sequence[WrittenChange], versions: Sequence[Version], known: Collection[str], rules: LeafRules
) -> dict[str, list[Link]]:
    """Give the writers of each leaf. `versions` are in order; the first is where the history starts.

    `known` are leaves that the object has by the baseline: a deletion writes them away too, and those that were gone.
    """
    found: dict[str, list[Link]] = {}
    standing: dict[str, Json] = {**dict.fromkeys(known), **versions[0].leaves}
    for each in written:
        change = each.change
        wrote = dict(each.wrote)
        if change.op is Op.DELETE:
            wrote |= {leaf: (old, None) for leaf, old in standing.items() if leaf not in {EXISTS, WHOLE}}
        elif change.sent:
            wrote = {**_swept(change, found, versions, rules), **wrote}
        for leaf, (old, new) in wrote.items():
            found.setdefault(leaf, []).append(Link(each, old, new))
            standing[leaf] = new
    return found


def latest(chain: Sequence[Link], leaf: str, stands: Json, rules: LeafRules) -> Link | None:
    """Give the latest known change of a leaf, if it wrote the value that stands; else the leaf is unexplained."""
    return chain[-1] if chain and is_same(rules, leaf, chain[-1].new, stands) else None


def is_writer_missing(chain: Sequence[Link], leaf: str, state: ObjectState, first: Version, rules: LeafRules) -> bool:
    """Whether along the chain an old value isn't what stood before it: a record is still to come, or never will.

    What stood when a person accepted the leaf, or when the responder read it for a write, needs no writer any more.
    """
    stood, since = _accepted(state.acceptances, leaf, chain[-1].written.change.at) or (first.leaves.get(leaf), first.at)
    filled = [noticed.value for noticed in state.filled if noticed.leaf == leaf]
    is_missing = False
    before: Link | None = None
    for link in chain:
        if link.written.change.at <= since:
            continue
        if link.is_ours:
            is_missing = False
        elif link.written.change.op is Op.DELETE and leaf != EXISTS:
            pass  # its record doesn't tell what it took away
        elif not is_same(rules, leaf, link.old, stood) and not _wrote_one_difference(before, link, leaf):
            is_filled = stood is None and any(is_same(rules, leaf, link.old, value) for value in filled)
            is_missing = is_missing or not is_filled
        stood, before = link.new, link
    return is_missing


def lies_over_another(chain: Sequence[Link], leaf: str, replayed: Replayed) -> bool:
    """Whether beneath a change there is one that isn't accounted for and isn't ours to take: unknown, or not live.

    `chain` are the links before the change. A target is never older than one of those.
    """
    since = replayed.of(leaf).since
    for link in reversed(chain):
        standing = replayed.standing_of(link.written, leaf)
        at = link.written.change.at
        if link.is_ours or standing is Standing.APPROVED or at < since:
            return False
        if at == since and link.written.judged.standing is not Standing.APPROVED:
            return False  # accepted as it stood then; one of an approved actor brought back what we took
        if standing is not Standing.UNAPPROVED or not link.written.judged.is_live:
            return True
    return False


def _may_be_ours(written: WrittenChange, later: Sequence[WrittenChange], rules: LeafRules, *, now: datetime) -> bool:
    """Whether a write whose answer was lost may be the responder's: nobody else wrote it, and it isn't too late."""
    if now > written.change.arrived_at + OWN_RECORD_WITHIN:
        return False
    return not any(
        leaf in each.wrote and is_same(rules, leaf, each.wrote[leaf][1], new)
        for each in later
        if not each.change.is_ours
        for leaf, (_, new) in written.wrote.items()
    )


def _swept(change: ObjectChange, found: Chains, versions: Sequence[Version], rules: LeafRules) -> dict[str, Step]:
    """Give what a part that was sent whole changed besides what it was sent for: leaves nobody had told of yet."""
    look = next((version for version in reversed(versions) if version.at <= change.at), versions[0])
    swept: dict[str, Step] = {}
    for leaf, chain in found.items():
        is_sent, value = sent_value(change.sent, leaf)
        stood = chain[-1].new
        if not is_sent or is_same(rules, leaf, stood, value):
            continue
        is_known = chain[-1].written.change.at <= look.at - REPLICA_LAG
        if is_known and is_same(rules, leaf, look.leaves.get(leaf), value):
            continue  # it had gone, or come, before we looked
        swept[leaf] = (stood, value)
    return swept


def _accepted(acceptances: Sequence[Acceptance], leaf: str, before: datetime) -> tuple[Json, datetime] | None:
    """Give the value of a leaf that a person last accepted before an instant, and when."""
    for acceptance in sorted(acceptances, key=lambda acceptance: acceptance.at, reverse=True):
        if acceptance.at < before and acceptance.covers(leaf):
            return acceptance.stood(leaf), acceptance.at
    return None


def _wrote_one_difference(before: Link | None, link: Link, leaf: str) -> bool:
    """Whether both are unapproved changes that wrote the difference of two versions together."""
    return (
        before is not None
        and before.written.is_bracketed(leaf)
        and link.written.is_bracketed(leaf)
        and (before.old, before.new) == (link.old, link.new)
    )
