"""What must be written to an object, worked out naively from what truly happened. Written apart from the planner.

It goes once through all actions as they were made, and knows everything: no record is late, lost or cut short.
"""

from dataclasses import dataclass, field

from shared.model.cases import Standing
from shared.model.kinds import Json
from shared.model.objects import EXISTS, JudgedChange, Op, Step

_APPROVED, _OURS_TO_TAKE, _DOUBTFUL, _US = "approved", "ours to take", "doubtful", "us"


@dataclass
class Leaf:
    """A leaf: what stands, what somebody vouched for, and whether all that was written since is ours to take."""

    stands: Json
    vouched: Json
    since: str = _APPROVED
    writer: int = -1
    taken: list[Json] = field(default_factory=list[Json])


def must_write(origin: dict[str, Json], actions: list[JudgedChange], joint: str) -> tuple[Op | None, dict[str, Step]]:
    """Give the write that must be decided on after all these actions, in the order in which they were made."""
    leaves = {name: Leaf(stands=value, vouched=value) for name, value in origin.items()}
    leaves.setdefault(EXISTS, Leaf(stands=None, vouched=None))
    before_deletion: dict[str, Leaf] = {}
    for number, action in enumerate(actions):
        if action.change.op is Op.DELETE:
            before_deletion = {
                name: Leaf(each.stands, each.vouched, each.since, each.writer) for name, each in leaves.items()
            }
        _carry_out(leaves, action, number)

    def meets_others(name: str, leaf: Leaf) -> bool:
        return name in {EXISTS, joint} and any(
            each.standing is not Standing.UNAPPROVED and each.change.op is not Op.DELETE and not each.change.is_ours
            for each in actions[leaf.writer + 1 :]
        )

    def is_to_go(name: str, leaf: Leaf) -> bool:
        return leaf.since == _OURS_TO_TAKE and not meets_others(name, leaf)

    exists = leaves[EXISTS]
    if exists.stands != exists.vouched:
        if not is_to_go(EXISTS, exists):
            return None, {}
        if exists.stands:
            return Op.DELETE, {EXISTS: (True, None)}
        if any(
            leaf.stands != leaves[name].vouched and not is_to_go(name, leaf)
            for name, leaf in before_deletion.items()
            if name != EXISTS
        ):
            return None, {}
        return Op.CREATE, {name: (None, leaf.vouched) for name, leaf in leaves.items() if leaf.vouched is not None}
    if not exists.stands:
        return None, {}
    steps = {
        name: (leaf.stands, leaf.vouched)
        for name, leaf in leaves.items()
        if leaf.stands != leaf.vouched and is_to_go(name, leaf)
    }
    return (Op.UPDATE if steps else None), steps


def _who(action: JudgedChange) -> str:
    if action.change.is_ours:
        return _US
    if action.standing == _APPROVED:
        return _APPROVED
    return _OURS_TO_TAKE if action.is_live else _DOUBTFUL


def _carry_out(leaves: dict[str, Leaf], action: JudgedChange, number: int) -> None:
    change, who = action.change, _who(action)
    wrote = {name: new for name, (_, new) in change.wrote.items()}
    if change.op is Op.DELETE:
        wrote = dict.fromkeys(leaves)
    asked_again = change.op is not Op.UPDATE and wrote.get(EXISTS) in leaves[EXISTS].taken
    if change.op is not Op.UPDATE and who == _APPROVED and not asked_again:
        for leaf in leaves.values():
            leaf.vouched, leaf.since = None, _APPROVED
    for name, new in wrote.items():
        leaf = leaves.setdefault(name, Leaf(stands=None, vouched=None))
        is_doubtful = asked_again or (change.op is not Op.DELETE and new in leaf.taken)
        by = _DOUBTFUL if who == _APPROVED and is_doubtful else who
        if by == _US:
            if leaf.stands != leaf.vouched and (change.op is Op.UPDATE or name == EXISTS):
                leaf.taken.append(leaf.stands)
            leaf.since = _APPROVED
        elif by == _APPROVED:
            leaf.vouched, leaf.since = new, _APPROVED
        elif by == _DOUBTFUL or leaf.since == _APPROVED:
            leaf.since = by
        leaf.stands, leaf.writer = new, number
