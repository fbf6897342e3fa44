"""What a case is opened by that no record explains, and its evidence."""

from typing import Final

from msgspec import Struct

from shared.model.conditions import any_of
from shared.model.detections import Answer, Detection
from shared.model.events import AuditEvent, Log, Target
from shared.model.kinds import Image, Risk

UNEXPLAINED: Final[Detection[AuditEvent]] = Detection(
    id="unexplained-state",
    seed_row="",
    title="A guarded object stands otherwise than agreed, and no record says who changed it",
    why="Somebody may have made a change that the logs lack, or a log is late by more than an hour.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=any_of(),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Find out who changed it. `responder baseline show` shows both values; `responder baseline accept`"
    " accepts what stands.",
)
"""What such a case is opened by. No record matches it: it says what sweeps find."""


class DriftEvidence(Struct, frozen=True, kw_only=True):
    """The evidence of such a case: which leaves stand otherwise, and the whole object as it was read."""

    target: Target
    stands: Image | None
