"""Stage 5: put something back, and prove it.

The engine is the same for every remediation: apply, then look again until the plan says `Already` or the time is up.
What is told is what was read back, not what was sent.
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


class Acted(Struct, frozen=True, kw_only=True):
    """What came of it, and what was read back; `by_hand` is the command that would help, "" where there is none."""

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
) -> Acted:
    """Apply a plan and read back until it shows, for at most `within`.

    Raises:
        Throttled: the service asked for a longer wait than the call's own retries give; the case is answered again
        later.
    """
    lost = ""
    try:
        apply(put)
    except Locked as locked:
        return Acted(outcome=Outcome.LOCKED, proof=str(locked), by_hand=locked.by_hand)
    except (Refused, Rejected) as refused:
        return Acted(outcome=Outcome.FAILED, proof=str(refused))
    except Unreachable as unreachable:
        # It may have been carried out all the same: only reading back can tell.
        lost = str(unreachable)
    plan = settled(look_again=look_again, clock=clock, wait=wait, within=within)
    match plan:
        case Already(because=because):
            return Acted(outcome=Outcome.DONE, proof=because)
        case Doubt(because=because):
            return Acted(outcome=Outcome.UNVERIFIED, proof=because)
        case Put() if lost:
            raise Unreachable(lost)
        case Put():
            proof = f"it was sent, but {within.total_seconds():.0f} s later the change still didn't show"
            return Acted(outcome=Outcome.UNVERIFIED, proof=proof)
        case EdgeError() as error:
            return Acted(outcome=Outcome.UNVERIFIED, proof=f"it was sent, but could not be read back: {error}")


def settled(
    *,
    look_again: Callable[[], Plan],
    clock: Callable[[], datetime],
    wait: Callable[[float], None],
    within: timedelta,
) -> Plan | EdgeError:
    """Look until the plan is `Already`, for at most `within`; give the last answer.

    Graph and ARM are eventually consistent.
    """
    deadline = clock() + within
    pause = _FIRST_PAUSE
    while True:
        answer = _looked(look_again)
        left = (deadline - clock()).total_seconds()
        if isinstance(answer, Already) or left <= 0:
            return answer
        wait(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE)


def _looked(look_again: Callable[[], Plan]) -> Plan | EdgeError:
    try:
        return look_again()
    except EdgeError as error:
        return error
