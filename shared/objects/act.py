"""Stage 5: put an object back, and confirm it by reading the object again.

It is the same for every remediation: apply the plan, then read and plan again until the plan is `Already` or the time
is over. The outcome depends on what was read, not on what was sent.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from shared.model.cases import Outcome
from shared.model.errors import EdgeError, Locked, Refused, Rejected, Unreachable
from shared.model.remediations import Already, Doubt, Plan, Put

_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 5.0


class RemediationResult(Struct, frozen=True, kw_only=True):
    """The outcome and the sentence that proves it; `by_hand` is a command that helps a person, "" if there is none."""

    outcome: Outcome
    proof: str
    by_hand: str = ""


def put_back(
    *,
    put: Put,
    apply: Callable[[Put], None],
    look_again: Callable[[], Plan],
    clock: Callable[[], datetime],
    wait: Callable[[float], None],
    within: timedelta,
) -> RemediationResult:
    """Apply a plan, and read the object for at most `within` until it shows the change.

    Raises:
        Throttled: the service asked for a longer wait than the call's own retries allow. The case is answered again
        later.
        Unreachable: the answer was lost and the object doesn't show the change, so it isn't known what was done.
    """
    lost = ""
    try:
        apply(put)
    except Locked as locked:
        return RemediationResult(outcome=Outcome.LOCKED, proof=str(locked), by_hand=locked.by_hand)
    except (Refused, Rejected) as refused:
        return RemediationResult(outcome=Outcome.FAILED, proof=str(refused))
    except Unreachable as unreachable:
        # The service may have carried it out all the same, which only reading the object can show.
        lost = str(unreachable)
    plan = plan_until_done(look_again=look_again, clock=clock, wait=wait, within=within)
    match plan:
        case Already(because=because):
            return RemediationResult(outcome=Outcome.DONE, proof=because)
        case Doubt(because=because):
            return RemediationResult(outcome=Outcome.UNVERIFIED, proof=because)
        case Put() if lost:
            raise Unreachable(lost)
        case Put():
            proof = f"the request was sent, but {within.total_seconds():.0f} s later the object still hadn't changed"
            return RemediationResult(outcome=Outcome.UNVERIFIED, proof=proof)
        case EdgeError() as error:
            proof = f"the request was sent, but the object could not be read afterwards: {error}"
            return RemediationResult(outcome=Outcome.UNVERIFIED, proof=proof)


def plan_until_done(
    *,
    look_again: Callable[[], Plan],
    clock: Callable[[], datetime],
    wait: Callable[[float], None],
    within: timedelta,
) -> Plan | EdgeError:
    """Read and plan again until the plan is `Already`, for at most `within`; give the last plan, or the error.

    One look isn't enough, because Graph and ARM are eventually consistent.
    """
    deadline = clock() + within
    pause = _FIRST_PAUSE
    while True:
        answer = _plan_or_error(look_again)
        left = (deadline - clock()).total_seconds()
        if isinstance(answer, Already) or left <= 0:
            return answer
        wait(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE)


def _plan_or_error(look_again: Callable[[], Plan]) -> Plan | EdgeError:
    try:
        return look_again()
    except EdgeError as error:
        return error
