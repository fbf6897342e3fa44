"""What is to be written: what stands, with the unapproved leaves as in the baseline, without what people left."""

from collections.abc import Mapping

from shared.model.kinds import Json
from shared.model.objects import EXISTS, WHOLE, LeafVerdict, Leaves, Op, Provenance, Step, Verdict
from shared.objects.comparing import is_same
from shared.objects.verdicts import Account


def steps_to(account: Account, verdicts: Mapping[str, LeafVerdict]) -> tuple[Op | None, dict[str, Step]]:
    """Give the write that puts back what is to be put back, and its leaves; (None, {}) where there is nothing."""
    put_back = [leaf for leaf, each in verdicts.items() if each.verdict is Verdict.PUT_BACK]
    if not put_back:
        return None, {}
    stands = account.seen.leaves
    if EXISTS not in put_back:
        return Op.UPDATE, {leaf: (stands.get(leaf), wanted(account, leaf)) for leaf in sorted(put_back)}
    if stands:
        return Op.DELETE, {EXISTS: (True, None)}
    return Op.CREATE, {leaf: (None, value) for leaf, value in _made_again(account).items()}


def target_leaves(stands: Leaves, op: Op, steps: Mapping[str, Step]) -> dict[str, Json]:
    """Give all leaves of the object as they are to be after a write; empty after a deletion."""
    if op is Op.DELETE:
        return {}
    leaves = {**stands, **{leaf: new for leaf, (_, new) in steps.items()}}
    return {leaf: value for leaf, value in leaves.items() if value is not None}


def wanted(account: Account, leaf: str) -> Json:
    """Give the baseline's value of a leaf, in the API's spelling where any version has it in that."""
    value = account.replayed.of(leaf).value
    if value is None:
        return None
    for version in (account.seen, *reversed(account.versions)):
        spelled = version.leaves.get(leaf)
        if spelled is not None and is_same(account.rules, leaf, spelled, value):
            return spelled
    return value


def _made_again(account: Account) -> dict[str, Json]:
    """Give the leaves of an object that is made again, without those that a service filled in by itself."""
    filled = {each.leaf for each in account.state.filled}
    return {
        leaf: wanted(account, leaf)
        for leaf, agreed in sorted(account.replayed.baseline.items())
        if leaf != WHOLE
        and agreed.value is not None
        and not (leaf in filled and agreed.provenance is Provenance.FIRST_SEEN)
    }
