"""Values of leaves compared: one rule for null, absent and empty, and for every spelling of an id."""

from shared.model.kinds import Json
from shared.model.object_kinds import LeafRules
from shared.model.objects import EXISTS, Leaves, ObjectChange, Op, Step, list_of


def is_same(rules: LeafRules, leaf: str, one: Json, other: Json) -> bool:
    """Whether two values of a leaf mean the same. Equal ones do; the kind decides about all others."""
    if one is other or (type(one) is type(other) and one == other):
        return True
    return rules.same(leaf, one, other)


def differences(rules: LeafRules, before: Leaves, after: Leaves) -> dict[str, Step]:
    """Give each leaf that differs between two versions, with its old and new value."""
    found: dict[str, Step] = {}
    for leaf in {**before, **after}:
        old, new = before.get(leaf), after.get(leaf)
        if not is_same(rules, leaf, old, new):
            found[leaf] = (old, new)
    return found


def unit_of(leaf: str) -> str:
    """Give what a service replaces when a leaf is written: the whole list for a member, else the leaf."""
    return list_of(leaf) or leaf


def member_of(leaf: str) -> str:
    """Give the member that a leaf of a list is about: "<id>" of "conditions.users.excludeUsers[<id>]", else ""."""
    return leaf[leaf.index("[") + 1 : -1] if list_of(leaf) else ""


def carry_out(change: ObjectChange, leaves: dict[str, Json]) -> None:
    """Change the leaves as a change did, as far as its record tells."""
    if change.op is not Op.UPDATE:
        leaves.clear()
    if change.op is Op.DELETE:
        return
    leaves.update({leaf: new for leaf, (_, new) in change.wrote.items()})
    if change.op is Op.CREATE:
        leaves[EXISTS] = True
