"""Asks the tenant's own log who did what nobody explains: an object stands otherwise, and no record of that came.

Of some changes no record comes by itself, such as of one that ended what delivers records. Where a kind can ask the log
about one object, that is done as long as a record is waited for. What the log has is taken in like any other record.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from shared.model.detections import AnyDetection
from shared.model.errors import BadIdentifier, EdgeError
from shared.model.events import Event
from shared.model.objects import ObjectPlan, ObjectState, Verdict
from shared.respond.components import Runtime
from shared.respond.object_intake import recorded_changes, store
from shared.respond.object_run import ObjectRun

_log = logging.getLogger("responder.objects")

LOOKS_BACK: Final = timedelta(hours=2)
"""How long before it was seen to differ an object may have been changed: people are paged where sweeps don't run."""

ASKED_EACH: Final = timedelta(minutes=2)
"""How often the log is asked: it has most records within minutes."""


def waits_for_records(run: ObjectRun, plan: ObjectPlan) -> bool:
    """Whether the log may say more of an object, which nobody explains so far."""
    if run.kind.events_of is None:
        return False
    return any(one.verdict is Verdict.WAIT_UNEXPLAINED for one in plan.verdicts.values())


def take_answers(run: ObjectRun, state: ObjectState, since: datetime) -> bool:
    """Ask the log for what was done to an object since an instant; gives whether it has what wasn't known.

    Raises EdgeError where storage fails. A log that can't be read is one that has nothing yet.
    """
    events_of = run.kind.events_of
    if events_of is None:
        return False
    try:
        found = events_of(run.api, state.ids[-1], since, run.runtime.clock())
    except (EdgeError, BadIdentifier) as error:
        _log.warning("who changed %s could not be asked: %s", state.ids[-1], error)
        return False
    taken = [_is_taken(run.runtime, raw, event) for raw, event in found]
    return True in taken


def _is_taken(runtime: Runtime, raw: bytes, event: Event) -> bool:
    changes = recorded_changes(runtime, event, _alone(runtime, event))
    arrived = [store(runtime, one, raw, is_read_again=True) for one in changes]
    is_new = [one.stored()[1] for one in arrived]
    return True in is_new


def _alone(runtime: Runtime, event: Event) -> Sequence[AnyDetection]:
    """Give the detections that a record meets by itself, as where it comes by the usual way."""
    found = runtime.matcher.matches(event)
    return [one for one in found if one.counted is None and one.after is None and not one.one_case_by]
