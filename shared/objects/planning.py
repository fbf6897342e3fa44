"""What is decided about an object: the verdict on each leaf that isn't as in the baseline, and what is to be written.

Pure: everything that was read comes in, the clock too. The general guards are asked afterwards.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from shared.model.object_kinds import LeafRules
from shared.model.objects import (
    EXISTS,
    WHOLE,
    JudgedChange,
    LeafVerdict,
    Leaves,
    Noticed,
    ObjectPlan,
    ObjectState,
    Op,
    Provenance,
    Step,
    Verdict,
    Version,
)
from shared.objects.attribution import chains, without_false_claims
from shared.objects.comparing import differences
from shared.objects.duels import duels, duels_of_approved
from shared.objects.folding import history
from shared.objects.new_leaves import leaves_new_to_kind
from shared.objects.offers import offers
from shared.objects.replay import replay
from shared.objects.settling import settled_changes
from shared.objects.staleness import shows_at, stale_verdict
from shared.objects.target import steps_to
from shared.objects.verdicts import Account, judge, judge_bracketed, judge_repair, judge_untold
from shared.objects.versions import all_versions, first_version, is_past, written_changes

GRACE: Final = timedelta(minutes=60)
"""How long a record is waited for before people are paged; records are late."""

_WITHOUT_RECORD: Final = {Verdict.WAIT_UNEXPLAINED: Verdict.WAIT_MISSING, Verdict.DRIFT: Verdict.MISSING}
"""What a creation is when nobody knows who changed the object afterwards."""

_NOTICED_FOR: Final = timedelta(days=1)
"""A leaf that went back and forth within this time is waited for only once."""


def plan_object(
    state: ObjectState,
    changes: Sequence[JudgedChange],
    seen: Version,
    rules: LeafRules,
    *,
    now: datetime,
    grace: timedelta = GRACE,
    added: Sequence[Noticed] = (),
    removal: Callable[[Leaves], Mapping[str, Step]] | None = None,
) -> ObjectPlan:
    """Decide about an object: what to write, and of each leaf that isn't written, why.

    `changes` are all that are kept of the object, settled ones too, in any order. `seen` is what was just read.
    `added` are leaves that a service added to every object of the kind, as a sweep saw. `removal` is the kind's: an
    object that isn't to be there is made harmless by those steps instead of being deleted.
    """
    account = take_account(state, changes, seen, rules, now=now, grace=grace)
    new = leaves_new_to_kind(account, added)
    if new:
        state = replace(state, filled=(*state.filled, *new))
        account = take_account(state, changes, seen, rules, now=now, grace=grace)
    verdicts = _verdicts(account)
    op, steps = steps_to(account, verdicts)
    is_harmless = False
    if op is Op.DELETE and removal is not None:
        op, steps = Op.UPDATE, dict(removal(seen.leaves))
        is_harmless = not steps
        doubts = _doubts_about_removal(account, steps)
        if doubts:
            op, steps = None, {}
            verdicts = _with_doubts(verdicts, doubts, state)
    if is_harmless:
        op = None
        del verdicts[EXISTS]
    if steps:
        stale = stale_verdict(account, steps)
        if stale is not None:
            verdicts |= {leaf: stale for leaf, each in verdicts.items() if each.verdict is Verdict.PUT_BACK}
            op, steps = None, {}
    offered = offers(account)
    return ObjectPlan(
        state=replace(
            state,
            differing=_differing(account, verdicts),
            settled=settled_changes(account, verdicts, offered, is_harmless=is_harmless),
        ),
        baseline=account.replayed.baseline,
        verdicts=verdicts,
        op=op,
        steps=steps,
        offers=offered,
        duels=(*duels(state.intents), *duels_of_approved(account)),
        new_to_kind=new,
        shows_at=shows_at(account, verdicts),
    )


def take_account(
    state: ObjectState,
    changes: Sequence[JudgedChange],
    seen: Version,
    rules: LeafRules,
    *,
    now: datetime,
    grace: timedelta = GRACE,
) -> Account:
    """Put in order what is known of an object: its history, what each change wrote, the baseline and the writers."""
    changes = [judged for judged in changes if not is_past(state, judged.change)]
    by_instant = sorted(changes, key=lambda judged: (judged.change.at, judged.change.id))
    first = first_version(state, by_instant)
    ordered = history(changes, first.leaves, rules)
    versions = all_versions(state, first, seen)
    written = without_false_claims(written_changes(ordered, versions, rules), rules, now=now)
    replayed = replay(state, first, written, rules)
    return Account(
        state=state,
        versions=versions,
        written=written,
        chains=chains(written, versions, replayed.baseline, rules),
        replayed=replayed,
        seen=seen,
        rules=rules,
        now=now,
        grace=grace,
    )


def _verdicts(account: Account) -> dict[str, LeafVerdict]:
    """Judge the object as a whole, then its existence, then its leaves where it is there and is to be there."""
    found: dict[str, LeafVerdict] = {}
    untold = judge_untold(account)
    if untold is not None:
        found[WHOLE] = untold
    stands, agreed = account.seen.leaves, account.replayed.baseline
    is_there, is_to_be = bool(stands), account.replayed.of(EXISTS).value is True
    if is_there is not is_to_be:
        found[EXISTS] = judge(account, EXISTS, stands.get(EXISTS))
        return found
    if not is_there:
        return found | _undiffering(account, (EXISTS,))
    wanted = {leaf: each.value for leaf, each in agreed.items() if each.value is not None}
    differing = differences(account.rules, stands, wanted)
    found |= {leaf: judge(account, leaf, stands.get(leaf)) for leaf in differing}
    bracketed = [leaf for leaf, each in agreed.items() if each.provenance is Provenance.BRACKETED]
    doubtful = dict.fromkeys((*account.chains, *bracketed))
    return found | _undiffering(account, [leaf for leaf in doubtful if leaf not in differing])


def _undiffering(account: Account, leaves: Collection[str]) -> dict[str, LeafVerdict]:
    """Judge leaves that stand as in the baseline; few of them need an answer."""
    found: dict[str, LeafVerdict] = {}
    for leaf in leaves:
        stands = account.seen.leaves.get(leaf)
        verdict = judge_repair(account, leaf, stands) or judge_bracketed(account, leaf, stands)
        if verdict is not None:
            found[leaf] = verdict
    return found


def _doubts_about_removal(account: Account, steps: Mapping[str, Step]) -> dict[str, LeafVerdict]:
    """Judge what would be set on an unwanted object: another than who made it may have set it, for a reason."""
    judged = {leaf: judge(account, leaf, account.seen.leaves.get(leaf)) for leaf in steps}
    return {leaf: each for leaf, each in judged.items() if each.verdict is not Verdict.PUT_BACK}


def _with_doubts(
    verdicts: Mapping[str, LeafVerdict], doubts: Mapping[str, LeafVerdict], state: ObjectState
) -> dict[str, LeafVerdict]:
    """Let the object's existence wait for what its leaves wait for, unless its creation was answered before."""
    rest = {leaf: each for leaf, each in verdicts.items() if leaf != EXISTS}
    made = verdicts[EXISTS].change
    if made in state.settled:
        return rest | dict(doubts)
    doubt = next(iter(doubts.values()))
    verdict = _WITHOUT_RECORD.get(doubt.verdict, doubt.verdict)
    return rest | {EXISTS: LeafVerdict(verdict=verdict, change=made, until=doubt.until)} | dict(doubts)


def _differing(account: Account, verdicts: dict[str, LeafVerdict]) -> tuple[Noticed, ...]:
    """Note since when leaves differ, for those that nobody explains."""
    kept = [
        each for each in account.state.differing if account.now < each.since + _NOTICED_FOR or each.leaf in verdicts
    ]
    known = {each.leaf for each in kept if account.is_same(each.leaf, each.value, account.seen.leaves.get(each.leaf))}
    new = [
        Noticed(leaf=leaf, value=account.seen.leaves.get(leaf), since=account.now)
        for leaf, each in verdicts.items()
        if each.verdict is Verdict.WAIT_UNEXPLAINED and leaf not in known
    ]
    return (*kept, *new)
