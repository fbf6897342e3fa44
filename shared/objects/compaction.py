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
    ObjectState,
    Provenance,
    Version,
)
from shared.objects.attribution import is_writer_missing
from shared.objects.comparing import differences
from shared.objects.planning import take_account
from shared.objects.verdicts import Account
from shared.objects.versions import REPLICA_LAG, all_versions, needed_versions

RECORDS_COME_WITHIN: Final = timedelta(days=30)
"""No service gives records of changes that are older."""


def compacted(state: ObjectState, changes: Sequence[JudgedChange], rules: LeafRules, *, now: datetime) -> ObjectState:
    """Give the state with as much of its past compacted as can be; `changes` are all since `origin.at`.

    What is decided from then on is the same, but that a value which the responder took more than 30 days ago isn't
    known any more as one that it took. Versions that no change needs any more are left out too.
    """
    ordered = sorted(changes, key=lambda judged: (judged.change.at, judged.change.id))
    end = _end_of_past(state, ordered, now)
    for version in sorted(state.versions, key=lambda version: version.at, reverse=True):
        if version.at < end and version.at > state.origin.at:
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
