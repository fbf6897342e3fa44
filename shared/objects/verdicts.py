"""What each leaf is that differs from the baseline, and of each repaired one, whether it was repaired over a doubt."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from shared.model.cases import Standing
from shared.model.kinds import Json
from shared.model.object_kinds import LeafRules
from shared.model.objects import (
    EXISTS,
    Acceptance,
    LeafVerdict,
    Noticed,
    ObjectState,
    Op,
    Provenance,
    Verdict,
    Version,
    asked_id,
    is_asked_id,
)
from shared.objects.attribution import (
    OWN_RECORD_WITHIN,
    Chains,
    Link,
    is_writer_missing,
    latest,
    lies_over_another,
)
from shared.objects.comparing import carry_out, differences, is_same
from shared.objects.replay import Replayed
from shared.objects.versions import REPLICA_LAG, WrittenChange


class Account(Struct, frozen=True, kw_only=True):
    """All that is known of an object at one look: its state, history, baseline, and what stands.

    `versions` are in order, the first is where the history starts. `grace` is how long a record is waited for.
    """

    state: ObjectState
    versions: tuple[Version, ...]
    written: tuple[WrittenChange, ...]
    chains: Chains
    replayed: Replayed
    seen: Version
    rules: LeafRules
    now: datetime
    grace: timedelta

    def chain(self, leaf: str) -> Sequence[Link]:
        """Give the writers of a leaf."""
        return self.chains.get(leaf, ())

    def is_same(self, leaf: str, one: Json, other: Json) -> bool:
        """Whether two values of a leaf mean the same."""
        return is_same(self.rules, leaf, one, other)

    def is_left(self, leaf: str, stands: Json) -> bool:
        """Whether a person said to leave the leaf at this value; another value there is a new change."""
        return self._is_among(self.state.left, leaf, stands)

    def is_denied(self, leaf: str, stands: Json) -> bool:
        """Whether a person denied the leaf this value for good."""
        return self._is_among(self.state.denied, leaf, stands)

    def _is_among(self, noticed: Sequence[Noticed], leaf: str, value: Json) -> bool:
        return any(self.is_same(leaf, each.value, value) for each in noticed if each.leaf == leaf)

    def wish_for(self, leaf: str, stands: Json) -> Acceptance | None:
        """Give what a person asked to have written into a leaf, as long as nobody wrote that leaf since."""
        since = self.replayed.of(leaf).since
        for one in reversed(self.state.acceptances):
            if one.wish is None or one.at != since or not one.covers(leaf):
                continue
            chain = self.chain(leaf)
            is_newer = bool(chain) and chain[-1].written.change.at > one.at
            return one if not is_newer and self.is_same(leaf, one.stood(leaf), stands) else None
        return None


def judge(account: Account, leaf: str, stands: Json) -> LeafVerdict:
    """Say what a leaf is that stands otherwise than in the baseline."""
    if (decided := _decided_by_people(account, leaf, stands)) is not None:
        return decided
    chain = account.chain(leaf)
    last = latest(chain, leaf, stands, account.rules)
    if last is None:
        return _unexplained(account, leaf, stands)
    change = last.written.change
    if change.is_ours:
        unfinished = _unfinished(account, leaf, last)
        if unfinished is not None:
            return unfinished
        return LeafVerdict(verdict=Verdict.OFFER, change=_counted_on(account, leaf) or change.id)
    if account.replayed.standing_of(last.written, leaf) is not Standing.UNAPPROVED:
        return LeafVerdict(verdict=Verdict.UNKNOWN, change=change.id)
    return _judge_unapproved(account, leaf, chain)


def _decided_by_people(account: Account, leaf: str, stands: Json) -> LeafVerdict | None:
    """Say what a person decided about a leaf as it stands, None where nobody did."""
    if account.is_left(leaf, stands):
        return LeafVerdict(verdict=Verdict.LEFT)
    wish = account.wish_for(leaf, stands)
    return LeafVerdict(verdict=Verdict.PUT_BACK, change=asked_id(wish.id)) if wish is not None else None


def judge_repair(account: Account, leaf: str, stands: Json) -> LeafVerdict | None:
    """Say whether a leaf that stands as in the baseline needs an answer all the same.

    It does where an unapproved change wrote it over an unknown change or a missing writer: nobody knows whether the
    baseline's value is what that other one wanted gone.
    """
    chain = account.chain(leaf)
    last = latest(chain, leaf, stands, account.rules)
    if last is None or last.written.judged.standing is not Standing.UNAPPROVED:
        return None
    if last.written.change.at <= account.replayed.of(leaf).since or account.is_left(leaf, stands):
        return None
    doubt = _doubt_about_writers(account, leaf, chain)
    if doubt is not None:
        return doubt
    if lies_over_another(chain[:-1], leaf, account.replayed):
        return LeafVerdict(verdict=Verdict.BENEATH, change=last.written.change.id)
    return None


def judge_untold(account: Account) -> LeafVerdict | None:
    """Say whether a change waits for what it wrote, or goes to people because that stays unknown."""
    return _first_untold(account, account.versions[0].at)


def judge_bracketed(account: Account, leaf: str, stands: Json) -> LeafVerdict | None:
    """Say whether a leaf stands as an approved change made it of which only versions tell: a person is to accept it.

    Nobody needs to accept what somebody made of a right of his own.
    """
    agreed = account.replayed.of(leaf)
    if agreed.provenance is not Provenance.BRACKETED or account.is_left(leaf, stands):
        return None
    counted = _counted_on(account, leaf)
    if any(each.change.id == counted and each.change.is_own_use for each in account.written):
        return None
    return LeafVerdict(verdict=Verdict.BRACKETED, change=counted)


def _judge_unapproved(account: Account, leaf: str, chain: Sequence[Link]) -> LeafVerdict:
    """Say whether what an unapproved change wrote is to be put back unasked."""
    last, change = chain[-1].written, chain[-1].written.change.id
    doubt = _doubt_about_writers(account, leaf, chain)
    if doubt is not None:
        return doubt
    if not last.judged.is_live and not account.is_denied(leaf, account.seen.leaves.get(leaf)):
        return LeafVerdict(verdict=Verdict.LISTED, change=change)
    if lies_over_another(chain[:-1], leaf, account.replayed) or _was_left(account, leaf):
        return LeafVerdict(verdict=Verdict.BENEATH, change=change)
    if _meets_another(account, leaf, last):
        return LeafVerdict(verdict=Verdict.MIXED, change=change)
    if leaf == EXISTS and last.change.op is Op.DELETE and (over := _deleted_over_another(account, last)):
        return LeafVerdict(verdict=Verdict.BENEATH, change=change, until=over.until)
    return LeafVerdict(verdict=Verdict.PUT_BACK, change=change)


def _unfinished(account: Account, leaf: str, link: Link) -> LeafVerdict | None:
    """Say whether a creation of ours left a leaf otherwise than intended: the bin gives back what an attacker wrote.

    It is put back for the changes for which the object was made again.
    """
    change = link.written.change
    intent = next((each for each in account.state.intents if each.id == change.intent), None)
    if intent is None or change.op is not Op.CREATE:
        return None
    if account.is_same(leaf, link.new, intent.steps.get(leaf, (None, None))[1]):
        return None
    if asked := next(filter(is_asked_id, intent.changes), ""):
        return LeafVerdict(verdict=Verdict.PUT_BACK, change=asked)
    causes = [each.judged for each in account.written if each.change.id in intent.changes]
    if not causes or any(each.standing is not Standing.UNAPPROVED for each in causes):
        return LeafVerdict(verdict=Verdict.UNKNOWN, change=change.id)
    is_live = all(each.is_live for each in causes)
    return LeafVerdict(verdict=Verdict.PUT_BACK if is_live else Verdict.LISTED, change=causes[-1].change.id)


def _unexplained(account: Account, leaf: str, stands: Json) -> LeafVerdict:
    """Say what a leaf is whose value nobody is known to have written."""
    chain = account.chain(leaf)
    if chain and chain[-1].is_ours and not chain[-1].written.change.is_whole:
        return LeafVerdict(verdict=Verdict.WAIT_CLAIM, change=chain[-1].written.change.id)
    since = account.replayed.of(leaf).since
    untold = _first_untold(account, since)
    if untold is not None:
        return untold
    until = _differing_since(account, leaf, stands) + account.grace
    if account.now < until:
        # What was read may be from before the latest change: then it goes by itself, which a look has to show.
        agrees = chain[-1].written.change.at + REPLICA_LAG if chain else until
        until = min(until, agrees) if account.now < agrees else until
        return LeafVerdict(verdict=Verdict.WAIT_UNEXPLAINED, until=until)
    return LeafVerdict(verdict=Verdict.PUT_BACK if account.is_denied(leaf, stands) else Verdict.DRIFT)


def _first_untold(account: Account, since: datetime) -> LeafVerdict | None:
    """Give the verdict on the first change after an instant of which it isn't known what it wrote."""
    untold = [
        each.change
        for each in account.written
        if not each.is_all and each.change.at > since and each.change.id not in account.state.settled
    ]
    if not untold:
        return None
    first = min(untold, key=lambda change: (change.arrived_at, change.id))
    until = first.arrived_at + account.grace
    if account.now < until:
        return LeafVerdict(verdict=Verdict.WAIT_UNTOLD, change=first.id, until=until)
    return LeafVerdict(verdict=Verdict.UNTOLD, change=first.id)


def _differing_since(account: Account, leaf: str, stands: Json) -> datetime:
    noticed = (each for each in account.state.differing if each.leaf == leaf)
    return next((each.since for each in noticed if account.is_same(leaf, each.value, stands)), account.now)


def _doubt_about_writers(account: Account, leaf: str, chain: Sequence[Link]) -> LeafVerdict | None:
    if not is_writer_missing(chain, leaf, account.state, account.versions[0], account.rules):
        return None
    change = chain[-1].written.change
    until = change.arrived_at + account.grace
    if account.now < until:
        return LeafVerdict(verdict=Verdict.WAIT_MISSING, change=change.id, until=until)
    return LeafVerdict(verdict=Verdict.MISSING, change=change.id)


def _was_left(account: Account, leaf: str) -> bool:
    return any(each.leaf == leaf for each in account.state.left)


def _meets_another(account: Account, leaf: str, last: WrittenChange) -> bool:
    """Whether a later approved or unknown change meets unapproved existence, state or grant controls."""
    if not (leaf == EXISTS or account.rules.is_joint(leaf)):
        return False
    position = account.written.index(last)
    return any(
        each.judged.standing is not Standing.UNAPPROVED
        for each in account.written[position + 1 :]
        if not each.change.is_ours
    )


class _Over(Struct, frozen=True, kw_only=True):
    """What a deletion lies over that isn't ours to put back. `until` is when that may be otherwise, if so."""

    until: datetime | None = None


def _deleted_over_another(account: Account, deletion: WrittenChange) -> _Over | None:
    """Say whether any leaf of a deleted object was something else than the baseline's, and not ours to put back."""
    at = deletion.change.at
    version = next((each for each in reversed(account.versions) if each.at <= at and each.leaves), account.versions[0])
    stood: dict[str, Json] = dict(version.leaves)
    for each in account.written[: account.written.index(deletion)]:
        if each.change.at <= version.at - REPLICA_LAG:
            continue
        if not each.is_all and not each.judged.is_live:
            return _Over()
        carry_out(each.change, stood)
        stood.update({leaf: new for leaf, (_, new) in each.wrote.items()})
    # What its record says that stood goes first: somebody may have changed the object whom no record tells.
    recorded = {leaf: old for leaf, (old, _) in deletion.change.wrote.items() if leaf != EXISTS}
    stood = recorded if recorded and deletion.change.is_whole else {**stood, **recorded}
    before = _before(account, deletion)
    left_out = {each.leaf for each in account.state.filled if each.leaf not in stood}
    agreed = {leaf: each.value for leaf, each in account.replayed.baseline.items() if leaf not in left_out}
    differing = [leaf for leaf in differences(account.rules, stood, agreed) if leaf != EXISTS]
    found = {leaf: judge(before, leaf, stood.get(leaf)) for leaf in differing}
    others = {leaf: one for leaf, one in found.items() if one.verdict is not Verdict.PUT_BACK}
    if not others:
        return None
    claimed = (before.chain(leaf)[-1] for leaf, one in others.items() if one.verdict is Verdict.WAIT_CLAIM)
    ends = [link.written.change.arrived_at + OWN_RECORD_WITHIN for link in claimed]
    return _Over(until=min(ends, default=None))


def _before(account: Account, written: WrittenChange) -> Account:
    """Give the account with the writers before a change only."""
    until = {leaf: _until(chain, written) for leaf, chain in account.chains.items()}
    return replace(account, chains=until)


def _until(chain: Sequence[Link], written: WrittenChange) -> Sequence[Link]:
    position = next((place for place, link in enumerate(chain) if link.written is written), len(chain))
    return chain[:position]


def _counted_on(account: Account, leaf: str) -> str:
    """Give the approved change that made the baseline's value of a leaf."""
    since = account.replayed.of(leaf).since
    return next((link.written.change.id for link in account.chain(leaf) if link.written.change.at == since), "")
