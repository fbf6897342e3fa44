"""What came of a case, in a few words."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, assert_never

from shared.model.cases import Case, Decision, Outcome


class Ending(StrEnum):
    """What came of a case, in the words that every headline begins with."""

    PUT_BACK = "Put back"
    ALREADY = "Nothing left to put back"
    UNPROVED = "Check this, it could not be confirmed that it was put back"
    FAILED = "Could not be put back"
    PENDING = "Can't be put back yet, the responder keeps trying"
    UNDER_WAY = "Being put back"
    NEEDS_YOU = "Needs you"
    GIVEN_UP = "Needs you, the responder failed on this case"
    OBSERVED = "Only observed, nothing was done"
    RECORDED = "Recorded"


def ending_of(case: Case) -> Ending:
    """Say what came of a case."""
    match case.decision:
        case Decision.RECORD:
            return Ending.OBSERVED if case.would else Ending.RECORDED
        case Decision.PAGE:
            return Ending.GIVEN_UP if case.outcome is Outcome.FAILED else Ending.NEEDS_YOU
        case Decision.REMEDIATE:
            return _REMEDIATED[case.outcome]
        case _:
            assert_never(case.decision)


_REMEDIATED: Final[Mapping[Outcome, Ending]] = {
    Outcome.NONE: Ending.UNDER_WAY,
    Outcome.DONE: Ending.PUT_BACK,
    Outcome.ALREADY: Ending.ALREADY,
    Outcome.UNVERIFIED: Ending.UNPROVED,
    Outcome.FAILED: Ending.FAILED,
    Outcome.PENDING: Ending.PENDING,
}
