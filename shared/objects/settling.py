"""Which changes need no answer any more. They are still read for attribution."""

from collections.abc import Mapping, Sequence

from shared.model.objects import EXISTS, LeafVerdict, Offer, Verdict
from shared.objects.verdicts import Account
from shared.objects.versions import WrittenChange


def settled_changes(
    account: Account, verdicts: Mapping[str, LeafVerdict], offered: Sequence[Offer], *, is_harmless: bool = False
) -> tuple[str, ...]:
    """Give the ids of all changes that are settled, those that a person settled before included.

    A change is settled when its leaves have become baseline, or no longer stand and no write of ours covered it, or a
    person left them. Neither a failed try nor a page settles it, nor does it settle by itself while it isn't known what
    it wrote. `is_harmless` says that the object isn't to be there and has been made harmless: nothing of it stands.
    """
    pending = {each.change for each in offered}
    pending |= {each.change for each in verdicts.values() if each.verdict is not Verdict.LEFT}
    settled = dict.fromkeys(account.state.settled)
    for each in account.written:
        if each.change.is_ours or (
            each.is_all and each.change.id not in pending and (is_harmless or _is_over(account, each))
        ):
            settled[each.change.id] = None
    return tuple(settled)


def _is_over(account: Account, written: WrittenChange) -> bool:
    stands = account.seen.leaves
    for leaf, (_, new) in written.wrote.items():
        if not stands and leaf != EXISTS:
            continue
        value = stands.get(leaf)
        if not account.is_same(leaf, value, new) or account.is_left(leaf, value):
            continue
        if not account.is_same(leaf, account.replayed.of(leaf).value, new):
            return False
    return True
