"""In which state an incident is, as people see it: what the responder did, and what a person has decided since."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from shared.authority.journal import Act, What
from shared.model.bilingual import Words
from shared.model.cases import Case, Standing
from shared.model.objects import IntentState, ObjectState
from shared.notify.endings import Ending, ending_of


class Look(StrEnum):
    """How a state is drawn: the class of its shape and colour."""

    NEEDS = "needs"
    WAIT = "wait"
    CHECK = "check"
    GOING = "going"
    BACK = "back"
    FAILED = "failed"
    WATCHED = "watched"
    LEFT = "left"
    PENDING = "pending"
    UNREAD = "unread"


class Stage(StrEnum):
    """What a person can do about an incident."""

    NEEDS = "needs"
    """People judge: nothing was put back."""
    WATCHED = "watched"
    """Nothing was put back, since people only watch."""
    WAITS = "waits"
    CHECK = "check"
    FAILED = "failed"
    GOING = "going"
    BACK = "back"
    APPROVED = "approved"
    DECIDED = "decided"
    """A person has accepted it, or left it as it is."""
    UNKNOWN = "unknown"
    """What people decided about it couldn't be read."""


class Shown(Struct, frozen=True, kw_only=True):
    """A state with its words. `act` is what a person decided last about the incident, None for nothing."""

    look: Look
    stage: Stage
    words: Words
    act: Act | None = None

    @property
    def needs_somebody(self) -> bool:
        """Whether somebody has to do something about it."""
        return self.stage in _NEED_SOMEBODY


_NEED_SOMEBODY: Final = frozenset({Stage.NEEDS, Stage.WAITS, Stage.CHECK, Stage.FAILED, Stage.UNKNOWN})

_BY_ENDING: Final[Mapping[Ending, tuple[Look, Stage, Words]]] = {
    Ending.PUT_BACK: (Look.BACK, Stage.BACK, Words(en="Put back", ko="되돌림 완료")),
    Ending.ALREADY: (Look.BACK, Stage.BACK, Words(en="Nothing left to put back", ko="되돌릴 것이 없음")),
    Ending.UNPROVED: (Look.CHECK, Stage.CHECK, Words(en="Check by hand", ko="직접 확인 필요")),
    Ending.FAILED: (Look.FAILED, Stage.FAILED, Words(en="Could not be put back", ko="되돌리지 못함")),
    Ending.PENDING: (Look.WAIT, Stage.WAITS, Words(en="Not back yet", ko="아직 되돌리지 못함")),
    Ending.UNDER_WAY: (Look.GOING, Stage.GOING, Words(en="Being put back", ko="되돌리는 중")),
    Ending.NEEDS_YOU: (Look.NEEDS, Stage.NEEDS, Words(en="Needs you", ko="조치 필요")),
    Ending.GIVEN_UP: (Look.NEEDS, Stage.NEEDS, Words(en="Needs you", ko="조치 필요")),
    Ending.OBSERVED: (Look.WATCHED, Stage.WATCHED, Words(en="Only watched", ko="관찰만 함")),
    Ending.RECORDED: (Look.PENDING, Stage.APPROVED, Words(en="Recorded", ko="기록함")),
}
_APPROVED: Final = Words(en="Approved change", ko="승인된 변경")
_UNDECIDED: Final = Words(en="Being looked at", ko="확인하는 중")
_ACCEPTED: Final = Words(en="Accepted", ko="수용됨")
_UNDONE: Final = Words(en="Put-back undone", ko="되돌림이 취소됨")
_UNDOING: Final[Mapping[Stage, Words]] = {
    Stage.GOING: Words(en="Being undone", ko="취소하는 중"),
    Stage.WAITS: Words(en="Not undone yet", ko="아직 취소하지 못함"),
}
_LEFT: Final = Words(en="Left as it is", ko="그대로 둠")
_UNREAD: Final = Words(en="Not read", ko="읽지 못함")
_GOING, _BACK = _BY_ENDING[Ending.UNDER_WAY], _BY_ENDING[Ending.PUT_BACK]
_WAITS: Final = _BY_ENDING[Ending.PENDING]


def state_of(case: Case, acts: Sequence[Act] | None, state: ObjectState | None) -> Shown:
    """Say in which state an incident is.

    `acts` are what people decided about it, oldest first; None where that couldn't be read: then an incident that would
    need somebody is *not read*. `state` is that of its object, None where it has none.
    """
    look, stage, words = _BY_ENDING[ending_of(case)]
    if case.is_open and case.decided_at is None:
        look, stage, words = Look.GOING, Stage.GOING, _UNDECIDED
    elif stage is Stage.APPROVED and case.standing is Standing.APPROVED:
        words = _APPROVED
    if acts is None:
        is_settled = stage in {Stage.APPROVED, Stage.WATCHED}
        return Shown(look=look, stage=stage, words=words) if is_settled else _unread()
    last = acts[-1] if acts else None
    if last is None:
        return Shown(look=look, stage=stage, words=words)
    return _decided(last, state)


def _unread() -> Shown:
    return Shown(look=Look.UNREAD, stage=Stage.UNKNOWN, words=_UNREAD)


def _decided(act: Act, state: ObjectState | None) -> Shown:
    match act.what:
        case What.ACCEPT:
            return Shown(look=Look.PENDING, stage=Stage.DECIDED, words=_ACCEPTED, act=act)
        case What.UNDO:
            look, stage, words = _asked_for(act, state)
            is_undone = stage is Stage.BACK
            return Shown(
                look=Look.PENDING if is_undone else look,
                stage=Stage.DECIDED if is_undone else stage,
                words=_UNDONE if is_undone else _UNDOING.get(stage, words),
                act=act,
            )
        case What.LEAVE:
            return Shown(look=Look.LEFT, stage=Stage.DECIDED, words=_LEFT, act=act)
        case _:
            look, stage, words = _asked_for(act, state)
            return Shown(look=look, stage=stage, words=words, act=act)


def _asked_for(act: Act, state: ObjectState | None) -> tuple[Look, Stage, Words]:
    """Say how far a write is that a person asked for, by what was written since."""
    if state is None:
        return Look.UNREAD, Stage.UNKNOWN, _UNREAD
    if any(one.state is IntentState.BOOKED and one.at >= act.when for one in state.intents):
        return _BACK
    if state.looked_at is None or state.looked_at <= act.when:
        return _GOING  # what waits was noted before
    if state.pending:
        return _WAITS
    return _BACK if state.next_look is None else _GOING
