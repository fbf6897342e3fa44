"""What the engine hands to a kind's guards and writes."""

from collections.abc import Mapping
from typing import Any, Final

from shared.model.kinds import Image, Json
from shared.model.object_kinds import GuardFacts, Kind, Objections, Write
from shared.model.objects import EXISTS, BaselineLeaf, Leaves, Op, Provenance, Step
from shared.model.tenant_api import TenantApi
from tests.fakes.lamps import AT

ACCEPTED: Final = {EXISTS: BaselineLeaf(value=True, provenance=Provenance.ACCEPTED, since=AT)}
"""A baseline in which the object's place is accepted."""


def difference(stands: Leaves, target: Leaves, kind: Kind) -> dict[str, Step]:
    """Give the steps from one to the other, by the kind's own rules."""
    steps: dict[str, Step] = {}
    for leaf in sorted({*stands, *target}):
        old, new = stands.get(leaf), target.get(leaf)
        if not kind.rules.same(leaf, old, new):
            steps[leaf] = (old, new)
    return steps


def op_of(stands: Leaves, target: Leaves) -> Op:
    if not stands:
        return Op.CREATE
    return Op.UPDATE if target else Op.DELETE


def write_of(kind: Kind, object_id: str, stands: Image | None, target: Leaves, **more: Any) -> Write:  # noqa: ANN401 - fields
    """Make the write that leads from `stands` to `target`."""
    before = {} if stands is None else kind.leaves(stands)
    fields: dict[str, Any] = {"name": "An object", "op": op_of(before, target)} | more
    return Write(object_id=object_id, steps=difference(before, target, kind), stands=stands, target=target, **fields)


def written(kind: Kind, api: TenantApi, write: Write) -> str:
    """Have a kind write, and give the tenant's id of what shows at once as it is to be."""
    made = kind.write(api, write)
    assert isinstance(made, str), f"it doesn't show yet: {made}"
    return made


def objections(
    kind: Kind,
    api: TenantApi,
    object_id: str,
    stands: Image | None,
    target: Mapping[str, Json],
    **more: Any,  # noqa: ANN401 - fields
) -> Objections:
    """Look around and judge, as the engine does."""
    before = {} if stands is None else kind.leaves(stands)
    fields: dict[str, Any] = {"baseline": dict[str, BaselineLeaf](), "op": op_of(before, target)} | more
    facts = GuardFacts(
        tenant=api.tenant,
        object_id=object_id,
        steps=difference(before, target, kind),
        stands=before,
        target=target,
        stands_image=stands,
        around=None,
        **fields,
    )
    around = kind.look_around(api, facts)
    fields["around"] = around
    return kind.objections(
        GuardFacts(
            tenant=api.tenant,
            object_id=object_id,
            steps=facts.steps,
            stands=before,
            target=target,
            stands_image=stands,
            **fields,
        )
    )
