"""Objects that nobody deleted: they went with what they belonged to, and no record of their own says so."""

from shared.model.errors import BadIdentifier, EdgeError
from shared.model.events import Actor
from shared.model.objects import EXISTS, ObjectChange, ObjectPlan, Op, Verdict
from shared.respond.object_run import ObjectRun, Reading


def end_of(run: ObjectRun, reading: Reading, plan: ObjectPlan) -> ObjectChange | None:
    """Give the end of an object that isn't there, where nobody explains that and what it belonged to is gone too.

    None where it isn't so, or where that can't be read: then a record is waited for, and people are asked.
    """
    verdict = plan.verdicts.get(EXISTS)
    if run.kind.is_orphan is None or reading.image is not None or verdict is None:
        return None
    if verdict.verdict not in {Verdict.WAIT_UNEXPLAINED, Verdict.DRIFT}:
        return None
    object_id = plan.state.ids[-1]
    try:
        if not run.kind.is_orphan(run.api, object_id):
            return None
    except (EdgeError, BadIdentifier):
        return None
    name = f"end-{run.id.key}-{reading.at:%Y%m%dT%H%M%S%f}"
    if any(each.id == name for each in reading.changes):
        return None
    return ObjectChange(
        id=name,
        log=run.kind.log,
        actor=Actor(),
        at=reading.at,
        arrived_at=reading.at,
        op=Op.DELETE,
        wrote={EXISTS: (True, None)},
        is_whole=True,
        object_id=object_id,
        is_expiry=True,
    )
