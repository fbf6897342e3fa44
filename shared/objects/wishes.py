"""What a person decides about an object, worked out before it is done: which leaves, what stands, what is to stand.

Pure: what was read comes in. What a person asks is an acceptance of values, with what stood when he was shown it, so
that it never goes over what anybody writes afterwards. That it may be written is the guards' to say.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from shared.model.cases import Standing
from shared.model.kinds import Json
from shared.model.objects import (
    EXISTS,
    SCHEMA,
    WHOLE,
    WRITABLE,
    Acceptance,
    Asked,
    Intent,
    IntentState,
    JudgedChange,
    Leaves,
    Noticed,
    ObjectState,
    Op,
    Provenance,
    Version,
    Wish,
    asked_id,
)
from shared.objects.comparing import differences
from shared.objects.target import wanted
from shared.objects.verdicts import Account

UNSEEN: Final = "nobody has accepted this value; doing it accepts it"


class Target(Struct, frozen=True, kw_only=True):
    """What is to stand: these leaves, or with `is_whole` nothing but them. A leaf that is to go has None.

    `notes` say by leaf (or `WHOLE`) what a person should know of it before.
    """

    leaves: Mapping[str, Json]
    is_whole: bool = False
    notes: Mapping[str, str] = {}


def acceptance_of(
    target: Target, stands: Leaves, act: Asked | None, *, at: datetime, by: str, reason: str, about: Sequence[str]
) -> Acceptance:
    """Give what a person decides as the object's state keeps it; without an `act` nothing is to be written."""
    if not target.leaves and not target.is_whole:
        raise ValueError("an acceptance of no leaf would be one of the whole object")
    leaves: dict[str, Json] = {leaf: value for leaf, value in target.leaves.items() if value is not None}
    stood = dict(stands) if target.is_whole else {leaf: stands[leaf] for leaf in target.leaves if leaf in stands}
    return Acceptance(
        at=at,
        by=by,
        reason=reason,
        leaves=leaves,
        only=() if target.is_whole else tuple(sorted(target.leaves)),
        wish=Wish(act=act, stood=stood) if act else None,
        about=tuple(about),
    )


def with_acceptance(state: ObjectState, acceptance: Acceptance, denied: Mapping[str, Json] = {}) -> ObjectState:
    """Give the state with what a person decided: of those leaves nothing else that people decided counts any more.

    `denied` are leaves at the value that is denied for good.
    """
    now_denied = [Noticed(leaf=leaf, value=value, since=acceptance.at) for leaf, value in denied.items()]
    kept = [one for one in still_denied(state, acceptance) if one.leaf not in denied]
    return replace(
        state,
        acceptances=(*state.acceptances, acceptance),
        left=tuple(one for one in state.left if not acceptance.covers(one.leaf)),
        denied=(*kept, *now_denied),
        schema=SCHEMA,
    )


def still_denied(state: ObjectState, acceptance: Acceptance) -> tuple[Noticed, ...]:
    """Give what stays denied when a person accepts something: all but those very values."""
    return tuple(
        one
        for one in state.denied
        if not (acceptance.covers(one.leaf) and acceptance.leaves.get(one.leaf) == one.value)
    )


def without_approval(judged: Sequence[JudgedChange], changes: Collection[str]) -> list[JudgedChange]:
    """Give changes as if nobody had ever approved some of them: of those it doesn't matter which wrote what."""
    return [
        replace(one, standing=Standing.UNAPPROVED, is_live=True) if one.change.id in changes else one for one in judged
    ]


def leaves_of(account: Account, changes: Collection[str]) -> frozenset[str]:
    """Give the leaves that some changes wrote; of an object that was made or deleted, that it is there."""
    mine = [one for one in account.written if one.change.id in changes]
    if any(one.change.op is not Op.UPDATE or EXISTS in one.wrote for one in mine):
        return frozenset({EXISTS})
    return frozenset(leaf for one in mine for leaf in one.wrote)


def accepted(account: Account, leaves: Collection[str], changes: Collection[str]) -> Target:
    """Take what stands as what is to stand: of some leaves, or of a whole object that was made, or is gone.

    What others wrote into an object since it was made isn't accepted with it: that has cases of its own.
    """
    stands = account.seen.leaves
    if EXISTS not in leaves:
        return Target(leaves={leaf: stands.get(leaf) for leaf in leaves})
    if not stands:
        return Target(leaves={}, is_whole=True)
    others = {leaf for leaf in stands if leaf != EXISTS and _is_anothers(account, leaf, changes)}
    notes = dict.fromkeys(others, "written by somebody else since; it stays out")
    mine = {leaf: value for leaf, value in values_of(account, changes, others).items() if value != stands[leaf]}
    kept = {leaf: value for leaf, value in stands.items() if leaf not in others}
    return Target(leaves={**kept, **mine}, is_whole=True, notes=notes)


def _is_anothers(account: Account, leaf: str, changes: Collection[str]) -> bool:
    chain = account.chain(leaf)
    if not chain:
        return False
    last = chain[-1].written
    is_fine = last.change.id in changes or last.change.is_ours
    return not is_fine and account.replayed.standing_of(last, leaf) is not Standing.APPROVED


def taken_back(account: Account, leaves: Collection[str], changes: Collection[str]) -> Target:
    """Give what is to stand without some changes: the baseline, or what stood before them where a person accepted them.

    `account` is as if nobody had approved the changes.
    """
    stands, baseline = account.seen.leaves, account.replayed
    if EXISTS in leaves:
        is_to_be = baseline.of(EXISTS).value is True
        if is_to_be is bool(stands):
            is_to_be = _before(account, EXISTS, changes) is True
        if not is_to_be:
            return Target(leaves={}, is_whole=True)
        return Target(leaves=_agreed(account), is_whole=True, notes=_unseen(account, _agreed(account)))
    found: dict[str, Json] = {}
    for leaf in leaves:
        value = wanted(account, leaf)
        if account.is_same(leaf, value, stands.get(leaf)) and _wrote(account, leaf, changes, value):
            value = _before(account, leaf, changes)
        found[leaf] = value
    notes = _unseen(account, [leaf for leaf in found if not account.is_same(leaf, found[leaf], stands.get(leaf))])
    return Target(leaves=found, notes={**_followed(account, found, changes), **notes})


def taken_from(account: Account, leaves: Collection[str], changes: Collection[str]) -> Target | None:
    """Give what is to stand without the changes of a stolen account, None where nothing of theirs is left to take.

    What somebody else has written or accepted since stays as it is, and so does what would have to be replaced by a
    value that nobody has accepted: that is for people, leaf by leaf.
    """
    if EXISTS in leaves and (account.replayed.of(EXISTS).value is True) is not bool(account.seen.leaves):
        is_theirs = _is_last(account, EXISTS, changes) and is_writable(account, EXISTS)
        return taken_back(account, leaves, changes) if is_theirs else None
    mine = [leaf for leaf in _standing(account, changes) if is_writable(account, leaf)]
    return Target(leaves={leaf: wanted(account, leaf) for leaf in mine}) if mine else None


def kept_from(account: Account, changes: Collection[str]) -> dict[str, str]:
    """Say of each leaf that a stolen account wrote, and that isn't taken back, why it stays as it is."""
    why = "nobody had accepted the value before it: a person decides by its case"
    found = {leaf: why for leaf in _standing(account, changes) if not is_writable(account, leaf)}
    for leaf, chain in account.chains.items():
        if not any(one.written.change.id in changes for one in chain):
            continue
        last, agreed = chain[-1].written.change, account.replayed.of(leaf)
        if last.id not in changes and not last.is_ours:
            found[leaf] = f"written since by {last.actor.name or last.actor.id or 'somebody'}, so it stays"
        elif last.id in changes and agreed.since > last.at and agreed.provenance is Provenance.ACCEPTED:
            found[leaf] = "accepted since by a person, so it stays"
    return found


def _standing(account: Account, changes: Collection[str]) -> list[str]:
    """Give the leaves that stand as one of the changes wrote them, and aren't to stand so without it."""
    stands = account.seen.leaves
    return [
        leaf
        for leaf in sorted(account.chains)
        if _is_last(account, leaf, changes)
        and not account.is_same(leaf, stands.get(leaf), account.replayed.of(leaf).value)
        and (stands or leaf == EXISTS)
    ]


def _is_last(account: Account, leaf: str, changes: Collection[str]) -> bool:
    chain = account.chain(leaf)
    return bool(chain) and chain[-1].written.change.id in changes


def is_agreed(account: Account, leaf: str) -> bool:
    """Whether a leaf stands as a person accepted it, or an approved actor wrote it."""
    agreed = account.replayed.of(leaf)
    stands = account.seen.leaves.get(leaf)
    return agreed.provenance in WRITABLE and account.is_same(leaf, agreed.value, stands)


def undone(account: Account, intents: Sequence[Intent], before: Mapping[str, Leaves]) -> Target:
    """Give what stood before some writes of the responder's, which are in order; `before` has that by intent."""
    found: dict[str, Json] = {}
    for intent in intents[::-1]:
        if intent.op is not Op.UPDATE:
            stood = before.get(intent.id, {})
            return Target(leaves=dict(stood), is_whole=True)
        found |= {leaf: old for leaf, (old, _) in intent.steps.items()}
    since = max((one.at for one in intents), default=account.now)
    notes = {
        leaf: f"changed since by {link.written.change.actor.name or link.written.change.actor.id or 'somebody'}"
        for leaf in found
        if (chain := account.chain(leaf)) and not (link := chain[-1]).is_ours and link.written.change.at > since
    }
    return Target(leaves=found, notes=notes)


def only_of(account: Account, target: Target, changes: Collection[str]) -> Target:
    """Leave out what was put back beside some changes, for others: each has a case, and may be an attacker's.

    Where it isn't known any more what they wrote, or that is the whole object, all of it stays.
    """
    mine: set[str] = set()
    for one in account.state.acceptances:
        mine |= set(one.only) if asked_id(one.id) in changes else set()
    mine |= leaves_of(account, changes)
    if target.is_whole or EXISTS in mine or mine.isdisjoint(target.leaves):
        return target
    leaves = {leaf: value for leaf, value in target.leaves.items() if leaf in mine}
    return replace(target, leaves=leaves, notes={leaf: note for leaf, note in target.notes.items() if leaf in mine})


def restored(account: Account, version: Version) -> Target:
    """Give what is to stand as an object stood in a version: only what differs, unless it was made or deleted since."""
    stands = account.seen.leaves
    if bool(stands) is not bool(version.leaves):
        return Target(leaves=dict(version.leaves), is_whole=True)
    found = differences(account.rules, stands, version.leaves)
    notes = {
        leaf: f"approved since: {link.written.change.actor.name or link.written.change.actor.id}"
        for leaf in found
        if (chain := account.chain(leaf))
        and not (link := chain[-1]).is_ours
        and link.written.change.at > version.at
        and account.replayed.standing_of(link.written, leaf) is Standing.APPROVED
    }
    return Target(leaves={leaf: new for leaf, (_, new) in found.items()}, notes=notes)


def with_existence(account: Account, target: Target) -> Target:
    """Give a target as one of the whole object where that stands, harmless, and isn't to be there as things are."""
    stands = account.seen.leaves
    if target.is_whole or not stands or not target.leaves or account.replayed.of(EXISTS).value is True:
        return target
    leaves = {leaf: value for leaf, value in {**stands, **target.leaves}.items() if value is not None}
    return Target(leaves=leaves, is_whole=True, notes=target.notes)


def is_reached(account: Account, target: Target) -> bool:
    """Whether all stands already as it is to stand."""
    stands = account.seen.leaves
    if not target.is_whole:
        return all(account.is_same(leaf, stands.get(leaf), value) for leaf, value in target.leaves.items())
    return not differences(account.rules, stands, {leaf: one for leaf, one in target.leaves.items() if one is not None})


def is_writable(account: Account, leaf: str) -> bool:
    """Whether the baseline's value of a leaf was accepted, approved or put back, or a record proves its absence."""
    agreed = account.replayed.of(leaf)
    if agreed.provenance in WRITABLE:
        return True
    made = leaf == EXISTS and agreed.value is None and any(one.change.op is Op.CREATE for one in account.written)
    return made or (agreed.value is None and bool(account.chain(leaf)) and account.chain(leaf)[0].old is None)


def writes_for(state: ObjectState, change: str) -> tuple[Intent, ...]:
    """Give the writes by which a change was put back, or by which a wish was written, in order."""
    booked = (one for one in state.intents if one.state is IntentState.BOOKED and change in one.changes)
    return tuple(sorted(booked, key=lambda intent: intent.at))


def values_of(account: Account, changes: Collection[str], leaves: Collection[str]) -> dict[str, Json]:
    """Give the last value that some changes wrote into each of these leaves; of one that they didn't, what stands."""
    found: dict[str, Json] = {leaf: account.seen.leaves.get(leaf) for leaf in leaves}
    for one in account.written:
        if one.change.id in changes:
            found |= {leaf: new for leaf, (_, new) in one.wrote.items() if leaf in leaves}
            found |= {EXISTS: True} if EXISTS in leaves and one.change.op is Op.CREATE else {}
            found |= {EXISTS: None} if EXISTS in leaves and one.change.op is Op.DELETE else {}
    return found


def _agreed(account: Account) -> dict[str, Json]:
    """Give the leaves of the baseline without those that a service fills in by itself."""
    filled = {each.leaf for each in account.state.filled}
    return {
        leaf: wanted(account, leaf)
        for leaf, agreed in sorted(account.replayed.baseline.items())
        if leaf != WHOLE
        and agreed.value is not None
        and not (leaf in filled and agreed.provenance is Provenance.FIRST_SEEN)
    }


def _unseen(account: Account, leaves: Collection[str]) -> dict[str, str]:
    return {leaf: UNSEEN for leaf in leaves if not is_writable(account, leaf)}


def _wrote(account: Account, leaf: str, changes: Collection[str], value: Json) -> bool:
    """Whether one of the changes wrote the value last."""
    chain = account.chain(leaf)
    return bool(chain) and chain[-1].written.change.id in changes and account.is_same(leaf, chain[-1].new, value)


def _before(account: Account, leaf: str, changes: Collection[str]) -> Json:
    """Give what stood before the first of the changes wrote a leaf."""
    link = next((one for one in account.chain(leaf) if one.written.change.id in changes), None)
    return link.old if link is not None else None


def _followed(account: Account, leaves: Collection[str], changes: Collection[str]) -> dict[str, str]:
    """Say of which leaves somebody else has written since: that leans on it."""
    found: dict[str, str] = {}
    for leaf in leaves:
        chain = account.chain(leaf)
        if chain and chain[-1].written.change.id not in changes and not chain[-1].is_ours:
            actor = chain[-1].written.change.actor
            found[leaf] = f"written since by {actor.name or actor.id or 'somebody'}"
    return found
