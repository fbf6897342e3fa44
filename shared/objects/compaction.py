"""Compaction: what an object's past comes to, in place of the past itself.

An object's history would grow for ever. Where all changes up to a version are settled, are older than records can still
come, and left the object as its baseline says, that version becomes the new first one, with the baseline of then. The
changes stay in table `Changes` for the report until their retention ends, but nothing reads them to decide.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from shared.model.cases import Standing
from shared.model.object_kinds import LeafRules
from shared.model.objects import (
    BaselineLeaf,
    IntentState,
    JudgedChange,
    Noticed,
    ObjectChange,
    ObjectState,
    Provenance,
    Version,
    asked_id,
)
from shared.objects.attribution import is_writer_missing
from shared.objects.comparing import differences
from shared.objects.planning import take_account
from shared.objects.verdicts import Account
from shared.objects.versions import REPLICA_LAG, all_versions, is_past, needed_versions

_JUST_BEFORE: Final = timedelta(microseconds=1)

RECORDS_COME_WITHIN: Final = timedelta(days=30)
"""No service gives records of changes that are older."""


def is_done_with(state: ObjectState, change: ObjectChange) -> bool:
    """Whether a change was compacted, and so needs no answer. One whose record came later than records do needs one."""
    return is_past(state, change) and change.arrived_at <= state.origin.at + RECORDS_COME_WITHIN


def compacted(
    state: ObjectState,
    changes: Sequence[JudgedChange],
    rules: LeafRules,
    *,
    now: datetime,
    confirmed_at: datetime | None = None,
) -> ObjectState:
    """Give the state with as much of its past compacted as can be; `changes` are all since `origin.at`.

    `confirmed_at` is when the object was last seen to stand as its last version.

    What is decided from then on is the same, but that a value which the responder took more than 30 days ago isn't
    known any more as one that it took. Versions that no change needs any more are left out too.
    """
    ordered = sorted(changes, key=lambda judged: (judged.change.at, judged.change.id))
    end = _end_of_past(state, ordered, now)
    for version in _candidates(state, ordered, end, confirmed_at):
        if state.origin.at < version.at < end:
            accounted = _accounted(state, ordered, version, rules)
            if accounted is not None:
                state = _from(state, ordered, version, accounted)
                break
    return _without_unneeded(state, ordered, rules)


def _end_of_past(state: ObjectState, changes: Sequence[JudgedChange], now: datetime) -> datetime:
    """Give the instant before which everything is settled and no record can come any more."""
    unsettled = [judged.change.at for judged in changes if judged.change.id not in state.settled]
    unknown = [intent.at for intent in state.intents if intent.state is IntentState.OPEN]
    return min([now - RECORDS_COME_WITHIN, *unsettled, *unknown])


def _candidates(
    state: ObjectState, changes: Sequence[JudgedChange], end: datetime, confirmed_at: datetime | None
) -> list[Version]:
    """Give the versions that could become the first one, latest first, each as late as it is known to have stood.

    A version is kept once, when it is first seen, often within seconds of the change; until the next change it stood.
    """
    known = sorted(state.versions, key=lambda version: version.at)
    found: list[Version] = []
    for version, after in zip(known, [*known[1:], None][: len(known)], strict=True):
        following = min((one.change.at for one in changes if one.change.at > version.at), default=None)
        stood_until = confirmed_at if after is None else following
        if after is not None and following is not None and after.at < following:
            stood_until = None  # something moved of which no record tells when
        until = min(one for one in (stood_until, following, end) if one is not None) - _JUST_BEFORE
        is_known = stood_until is not None and until > version.at
        found.append(replace(version, at=until) if is_known else version)
    return sorted(found, key=lambda version: version.at, reverse=True)


def _accounted(
    state: ObjectState, changes: Sequence[JudgedChange], version: Version, rules: LeafRules
) -> dict[str, BaselineLeaf] | None:
    """Give the baseline of the instant of a version; None where the version differs from it."""
    until = replace(
        state,
        acceptances=tuple(one for one in state.acceptances if one.at <= version.at),
        filled=tuple(one for one in state.filled if one.since <= version.at),
        versions=tuple(one for one in state.versions if one.at <= version.at),
    )
    past = [judged for judged in changes if judged.change.at <= version.at]
    if past and past[-1].change.at > version.at - REPLICA_LAG:
        return None
    account = take_account(until, past, version, rules, now=version.at)
    baseline = account.replayed.baseline
    wanted = {leaf: each.value for leaf, each in baseline.items() if each.value is not None}
    if differences(rules, version.leaves, wanted) or any(_is_open(account, leaf) for leaf in account.chains):
        return None
    return baseline


def _is_open(account: Account, leaf: str) -> bool:
    """Whether a later change of a leaf would be judged by who wrote it before, or by who may have."""
    chain = account.chain(leaf)
    if not chain:
        return False
    last = chain[-1]
    is_accounted = (
        last.is_ours
        or account.replayed.standing_of(last.written, leaf) is Standing.APPROVED
        or last.written.change.at <= account.replayed.of(leaf).since
    )
    return not is_accounted or is_writer_missing(chain, leaf, account.state, account.versions[0], account.rules)


def _from(
    state: ObjectState, changes: Sequence[JudgedChange], version: Version, accounted: Mapping[str, BaselineLeaf]
) -> ObjectState:
    """Give the state with a version as its first one."""
    past = {judged.change.id for judged in changes if judged.change.at <= version.at}
    past |= {asked_id(one.id) for one in state.acceptances if one.at <= version.at}
    # What a service filled in stays noted as that, not as what stood at first: it is left out of a creation.
    filled = {one.leaf for one in state.filled if accounted.get(one.leaf) == _as_filled(one)}
    return replace(
        state,
        origin=replace(version, leaves={leaf: value for leaf, value in version.leaves.items() if leaf not in filled}),
        accounted={leaf: each for leaf, each in accounted.items() if leaf not in filled},
        versions=tuple(one for one in state.versions if one.at > version.at),
        acceptances=tuple(one for one in state.acceptances if one.at > version.at),
        filled=tuple(one for one in state.filled if one.since > version.at or one.leaf in filled),
        intents=tuple(one for one in state.intents if one.at > version.at or one.state is IntentState.OPEN),
        settled=tuple(one for one in state.settled if one not in past),
        answered=tuple(one for one in state.answered if one not in past),
        asked=tuple(one for one in state.asked if one not in past),
    )


def _as_filled(noticed: Noticed) -> BaselineLeaf:
    return BaselineLeaf(value=noticed.value, provenance=Provenance.FIRST_SEEN, since=noticed.since)


def _without_unneeded(state: ObjectState, changes: Sequence[JudgedChange], rules: LeafRules) -> ObjectState:
    """Leave out the versions that bracket nothing; the first and the last stay."""
    later = [judged for judged in changes if judged.change.at > state.origin.at]
    needed = needed_versions(later, all_versions(state, state.origin), rules)
    return replace(state, versions=tuple(one for one in state.versions if one in needed))
