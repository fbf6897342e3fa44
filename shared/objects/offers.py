"""What a write of ours covered: an approved or unknown change known only now is offered back, with both values."""

from shared.model.cases import Standing
from shared.model.kinds import Json
from shared.model.objects import EXISTS, WHOLE, ObjectChange, Offer, Op, sent_value
from shared.objects.attribution import Link
from shared.objects.verdicts import Account
from shared.objects.versions import WrittenChange


def offers(account: Account) -> tuple[Offer, ...]:
    """Give what people are offered to have back, whenever its record comes."""
    found: dict[tuple[str, str], Json] = {}
    for covered in account.replayed.covered:
        found.setdefault((covered.change, covered.leaf), covered.value)
    ours = [each.change for each in account.written if each.change.is_ours]
    for each in account.written if ours else ():
        if each.change.is_ours or each.judged.standing is Standing.UNAPPROVED:
            continue
        if not each.is_all and any(_came_after(account, each.change, write) for write in ours):
            found[each.change.id, WHOLE] = None
        for leaf, (_, new) in each.wrote.items():
            if _is_covered_unknown(account, each, leaf, ours):
                found[each.change.id, leaf] = new
    changes = {each.change.id: each.change for each in account.written}
    return tuple(
        Offer(change=change, leaf=leaf, covered=value, stands=account.seen.leaves.get(leaf))
        for (change, leaf), value in found.items()
        if _is_open(account, changes[change], leaf, value) and (leaf == EXISTS or (change, EXISTS) not in found)
    )


def _is_covered_unknown(account: Account, written: WrittenChange, leaf: str, ours: list[ObjectChange]) -> bool:
    """Whether a write of ours went over an unknown change of this leaf that wasn't known when it was decided on."""
    if account.replayed.standing_of(written, leaf) is not Standing.UNKNOWN:
        return False
    writes = [write for write in ours if _came_after(account, written.change, write) and _touches(write, leaf)]
    if not writes:
        return False
    first = writes[0].at
    return not any(
        written.change.at < link.written.change.at < first and _settles(account, link, leaf)
        for link in account.chain(leaf)
    )


def _settles(account: Account, link: Link, leaf: str) -> bool:
    """Whether what lies beneath this link was over before it."""
    return link.is_ours or account.replayed.standing_of(link.written, leaf) is Standing.APPROVED


def _came_after(account: Account, change: ObjectChange, write: ObjectChange) -> bool:
    """Whether a change was made before a write of ours, and came to be known after that was decided on."""
    decided_at = next((intent.at for intent in account.state.intents if intent.id == write.intent), write.at)
    return change.at <= write.at and change.arrived_at >= min(decided_at, write.at)


def _touches(write: ObjectChange, leaf: str) -> bool:
    return write.op is not Op.UPDATE or leaf in write.wrote or sent_value(write.sent, leaf)[0]


def _is_open(account: Account, change: ObjectChange, leaf: str, value: Json) -> bool:
    """Whether nobody has answered the offer yet, and the value doesn't stand."""
    if any(acceptance.at >= change.arrived_at and acceptance.covers(leaf) for acceptance in account.state.acceptances):
        return False
    if leaf == WHOLE:
        return change.id not in account.state.settled
    stands = account.seen.leaves.get(leaf)
    return not account.is_same(leaf, stands, value) and not account.is_left(leaf, stands)
