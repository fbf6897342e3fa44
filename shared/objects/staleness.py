"""Looks that are behind: what the newest known change or our own write made isn't there yet. Nothing is sent on one."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from shared.model.object_kinds import LeafRules
from shared.model.objects import LeafVerdict, ObjectPlan, Verdict, Version
from shared.objects.attribution import Link
from shared.objects.comparing import differences, unit_of
from shared.objects.verdicts import Account
from shared.objects.versions import REPLICA_LAG

_SOON: Final = timedelta(seconds=15)
"""The pause before the first of these looks; each next one is as long as the change is old."""


def is_stale(plan: ObjectPlan) -> bool:
    """Whether the plan was made on a look that is behind, so that nothing may be sent on it: look again."""
    return any(each.verdict is Verdict.WAIT_STALE for each in plan.verdicts.values())


def has_moved(before: Version, look: Version, rules: LeafRules) -> bool:
    """Whether anything moved between the read that was planned by and the look right before the write."""
    return bool(differences(rules, before.leaves, look.leaves))


def stale_verdict(account: Account, to_write: Collection[str]) -> LeafVerdict | None:
    """Give the verdict on what is to be written where the look lacks something that is known to have been written.

    It lacks a leaf of the newest known change or of our own newest write, or a leaf of a list that is to be written
    whole (a list is one write), and no later change explains that. After the grace it isn't waited for any more.
    """
    lacking = [link for leaf, link in _last_links(account, to_write) if _lacks(account, leaf, link)]
    if not lacking:
        return None
    newest = max(lacking, key=lambda link: link.written.change.at).written.change
    return LeafVerdict(verdict=Verdict.WAIT_STALE, change=newest.id, until=newest.at + account.grace)


def shows_at(account: Account, verdicts: Collection[str]) -> datetime | None:
    """Say when to look whether the latest change of a leaf shows that doesn't yet; None where all that are new do.

    Somebody may have undone it whom no record tells, or the replica that was read is behind: that shows in its time.
    `verdicts` are leaves that are looked at again anyway.
    """
    since = [
        chain[-1].written.change.at
        for leaf, chain in account.chains.items()
        if leaf not in verdicts and chain and not chain[-1].is_ours and _is_unseen(account, leaf, chain[-1])
    ]
    ages = [max(account.now - at, _SOON) for at in since if account.now < at + REPLICA_LAG]
    return account.now + min(ages) if ages else None


def _is_unseen(account: Account, leaf: str, link: Link) -> bool:
    stands = account.seen.leaves.get(leaf)
    agreed = account.replayed.of(leaf).value
    return not account.is_same(leaf, stands, link.new) and not account.is_same(leaf, agreed, link.new)


def _last_links(account: Account, to_write: Collection[str]) -> list[tuple[str, Link]]:
    units = {unit_of(leaf) for leaf in to_write}
    theirs = [each for each in account.written if not each.change.is_ours]
    ours = [each for each in account.written if each.change.is_ours and each.change.is_whole]
    newest = {id(each[-1]) for each in (theirs, ours) if each}
    return [
        (leaf, chain[-1])
        for leaf, chain in account.chains.items()
        if chain and leaf not in to_write and (id(chain[-1].written) in newest or unit_of(leaf) in units)
    ]


def _lacks(account: Account, leaf: str, link: Link) -> bool:
    if account.now >= link.written.change.at + account.grace:
        return False
    stands = account.seen.leaves.get(leaf)
    return not account.is_same(leaf, stands, link.new) and not account.is_left(leaf, stands)
