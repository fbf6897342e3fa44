"""Carries out what a person was shown: an undo, an acceptance, a denial, a leave, an older version.

The plan is worked out anew under the lease of the object's lane, and done only where it is still what was shown. The
journal has it before it takes effect. What is to be written is written by the reconciler, at its next look, with every
guard that binds people.
"""

import logging
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from shared.authority.journal import What
from shared.model.cases import Case
from shared.model.errors import LeaseLost, ResponderError
from shared.model.objects import ObjectId
from shared.respond.act_plans import Worked, plan_act
from shared.respond.asking import ActPlan, Asking, Verb, is_named
from shared.respond.components import Runtime
from shared.respond.persons import Result, held, note, write

_log = logging.getLogger("responder.acts")

_WHAT: Final[Mapping[Verb, What]] = {
    Verb.UNDO: What.UNDO,
    Verb.ACCEPT: What.ACCEPT,
    Verb.DENY: What.DENY,
    Verb.LEAVE: What.LEAVE,
    Verb.RESTORE: What.RESTORE,
    Verb.REVOKE: What.TAKE_BACK,
    Verb.PUT_BACK: What.SETTLE,
}


class Acted(Struct, frozen=True, kw_only=True):
    """What came of an act, and the plan as it is now; None where nothing could be planned."""

    id: ObjectId
    result: Result
    plan: ActPlan | None = None


def act(runtime: Runtime, asking: Asking, *, digest: str, by: str, reason: str) -> Acted:
    """Do what was shown under this digest, if it is still what would be done.

    Raises EdgeError, Rejected as `plan_act`, LeaseLost where the object was written meanwhile, and ValueError where
    `by` or `reason` is missing.
    """
    with held(runtime, asking.id) as kept:
        if kept is None:
            return Acted(id=asking.id, result=Result.BUSY)
        worked = plan_act(runtime, asking, by=by, reason=reason)
        plan = worked.plan
        if plan.is_done or any(one.id and is_named(one.id, digest) for one in worked.kept.state.acceptances):
            result = Result.ALREADY
        elif plan.nothing:
            result = Result.NOTHING
        elif not is_named(plan.digest, digest):
            result = Result.MOVED
        else:
            _do(runtime, worked, by=by, reason=reason)
            result = Result.DONE
    if result is Result.DONE and asking.case is not None:
        _acknowledge(runtime, asking.case, by=by)
    return Acted(id=asking.id, result=result, plan=plan)


def _do(runtime: Runtime, worked: Worked, *, by: str, reason: str) -> None:
    plan, asking = worked.plan, worked.plan.asking
    after = {
        "plan": plan.digest,
        "leaves": [row.leaf for row in plan.rows][:_MOST_LEAVES],
        **({"case": asking.case.id} if asking.case else {}),
        **({"to": asking.to.isoformat()} if asking.to else {}),
        **({"actor": asking.actor} if asking.actor else {}),
        **({"withdrawn": plan.withdrawn} if plan.withdrawn else {}),
    }
    note(runtime, worked.kept.state, _WHAT[asking.verb], by=by, reason=reason, after=after)
    write(runtime, worked.kept, worked.state)


_MOST_LEAVES: Final = 200


def _acknowledge(runtime: Runtime, case: Case, *, by: str) -> None:
    """Note that somebody has the case. What he decided is done, so that this fails is no reason to say otherwise."""
    try:
        runtime.notifier.acknowledge(case, by=by)
        runtime.ledger.acknowledge(case, by=by)
    except (ResponderError, LeaseLost) as error:
        _log.warning("that %s has case %s could not be noted: %s", by, case.id, error)
