"""What stands against a person's act before it is done: which guards object, and what doesn't come back."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from shared.model.errors import EdgeError
from shared.model.object_kinds import Kind
from shared.model.objects import EXISTS, WHOLE, JudgedChange, Objection, ObjectPlan, Op, Verdict
from shared.objects.verdicts import Account
from shared.objects.wishes import Target
from shared.respond.object_deciding import Around, decide
from shared.respond.object_run import ObjectRun, Reading, Unread


def objections_to(
    run: ObjectRun, plan: ObjectPlan, asked: Collection[str], judged: Sequence[JudgedChange], reading: Reading
) -> Mapping[str, Objection]:
    """Ask the guards about the leaves that are asked for; where they can't be asked from here, that is said."""
    if not asked:
        waits = next((one for one in plan.verdicts.values() if one.verdict.waits), None)
        because = waits.verdict.value if waits else "what stands isn't as it was when the plan was made"
        return {WHOLE: Objection(guard="waits", because=because, can_pass=True)}
    only = {leaf: one for leaf, one in plan.verdicts.items() if leaf in asked or one.verdict is not Verdict.PUT_BACK}
    steps = plan.steps if EXISTS in asked else {leaf: one for leaf, one in plan.steps.items() if leaf in asked}
    plan = msgspec.structs.replace(plan, verdicts=only, steps=steps)
    try:
        decided = decide(run, plan, judged, reading)
        if decided.planned is not None and not isinstance(reading.image, Unread):
            around = Around(read=run.around(decided.planned.facts))
            decided = decide(run, plan, judged, reading, around)
    except EdgeError as error:
        return {WHOLE: Objection(guard="unread", because=f"the guards couldn't be asked: {error}", can_pass=True)}
    if isinstance(reading.image, Unread) and not decided.objections:
        because = f"the kind's own guards are asked only by the app: {reading.image.because}"
        return {WHOLE: Objection(guard="unread", because=because, can_pass=True)}
    return decided.objections


def what_stays_away(kind: Kind, account: Account, plan: ObjectPlan, target: Target) -> tuple[str, ...]:
    """Say what of the target doesn't come back, or comes back otherwise."""
    found: list[str] = []
    if plan.op is Op.CREATE:
        found.append("it may get another id: what names its old one is to be looked at")
    if target.is_whole and not target.leaves and kind.removal is not None:
        found.append("it isn't deleted but made harmless")
    versions = (account.state.origin, *account.state.versions)
    for leaf in sorted(kind.named_by_digest & target.leaves.keys()):
        value = target.leaves[leaf]
        is_kept = any(one.digest and account.is_same(leaf, one.leaves.get(leaf), value) for one in versions)
        if value is not None and not is_kept:
            found.append(f"{leaf}: the document of that time isn't kept")
    return tuple(found)
