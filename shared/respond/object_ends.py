"""Objects that nobody deleted, and members that nobody took: they went with what they belonged to or were.

No record of their own says so.
"""

from typing import Final

from shared.model.errors import BadIdentifier, EdgeError
from shared.model.events import Actor
from shared.model.objects import EXISTS, ObjectChange, ObjectPlan, Op, Step, Verdict
from shared.respond.object_run import ObjectRun, Reading, Unread

_UNEXPLAINED: Final = frozenset({Verdict.WAIT_UNEXPLAINED, Verdict.DRIFT})


def end_of(run: ObjectRun, reading: Reading, plan: ObjectPlan) -> ObjectChange | None:
    """Give the end of an object, or of members of it, that nobody explains and that went with what is gone too.

    None where it isn't so, or where that can't be read: then a record is waited for, and people are asked.
    """
    try:
        wrote = _gone_members(run, reading, plan) if reading.image is not None else _gone_whole(run, plan)
    except (EdgeError, BadIdentifier):
        return None
    name = f"end-{run.id.key}-{reading.at:%Y%m%dT%H%M%S%f}"
    if not wrote or any(each.id == name for each in reading.changes):
        return None
    return ObjectChange(
        id=name,
        log=run.kind.log,
        actor=Actor(),
        at=reading.at,
        arrived_at=reading.at,
        op=Op.DELETE if EXISTS in wrote else Op.UPDATE,
        wrote=wrote,
        is_whole=True,
        object_id=plan.state.ids[-1],
        is_expiry=True,
    )


def _gone_whole(run: ObjectRun, plan: ObjectPlan) -> dict[str, Step]:
    verdict = plan.verdicts.get(EXISTS)
    if run.kind.is_orphan is None or verdict is None or verdict.verdict not in _UNEXPLAINED:
        return {}
    return {EXISTS: (True, None)} if run.kind.is_orphan(run.api, plan.state.ids[-1]) else {}


def _gone_members(run: ObjectRun, reading: Reading, plan: ObjectPlan) -> dict[str, Step]:
    is_gone, stands = run.kind.is_gone, run.leaves(reading.standing_image)
    if is_gone is None or isinstance(reading.image, Unread):
        return {}
    lost = (leaf for leaf, one in plan.verdicts.items() if one.verdict in _UNEXPLAINED and leaf not in stands)
    return {
        leaf: (plan.baseline[leaf].value, None) for leaf in lost if leaf in plan.baseline and is_gone(run.api, leaf)
    }
