"""What the case of a person's act is opened by: an undo, a denial, an older version, what a stolen account did."""

from collections.abc import Mapping
from typing import Final

from shared.model.conditions import any_of
from shared.model.detections import Answer, AnyDetection, Detection
from shared.model.events import AuditEvent, Log
from shared.model.kinds import Risk
from shared.model.objects import Asked


def _asked(act: Asked, title: str, why: str) -> Detection[AuditEvent]:
    return Detection(
        id=f"person-{act}",
        seed_row="",
        title=title,
        why=why,
        risk=Risk.LOW,
        log=Log.AUDIT,
        when=any_of(),
        unless_actor_in=None,
        answer=Answer.PAGE,
        first_step=f"Nothing, if you know of it. `responder journal` says who asked for the {act}, and why.",
    )


ASKED: Final[Mapping[Asked, AnyDetection]] = {
    Asked.UNDO: _asked(
        Asked.UNDO, "A person had a put-back undone", "The change was wanted, or the responder was wrong."
    ),
    Asked.DENY: _asked(
        Asked.DENY, "A person denied a change for good", "The change isn't wanted, whoever makes it again."
    ),
    Asked.RESTORE: _asked(
        Asked.RESTORE, "A person had an object restored", "It is to stand as it stood at an earlier time."
    ),
    Asked.REVOKE: _asked(
        Asked.REVOKE, "A person had the changes of an account taken back", "Somebody else used the account."
    ),
}
"""By what was asked. No record matches these: they say what a person had done."""

ASKED_BY_ID: Final[Mapping[str, AnyDetection]] = {one.id: one for one in ASKED.values()}
