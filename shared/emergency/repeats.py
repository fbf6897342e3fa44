"""What the timer does about open emergencies: goes on with what was killed, repeats what is to look again, ends drills.

An emergency that has expired is reported each hour until somebody closes it; nothing of it ends by itself.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from shared.emergency.engine import Engine
from shared.emergency.entries import RunKind
from shared.emergency.reports import notify, report_new
from shared.emergency.state import Emergency
from shared.model.bilingual import Words, filled
from shared.model.do_all import do_all
from shared.model.notices import NoticeText

_MONDAY: Final = 1
type _Parts = Mapping[str, Callable[[], None]]

_log = logging.getLogger("responder.emergency")

DRILL_DUE: Final = NoticeText(
    id="drill-due",
    title=Words(en="Try the break-glass runbook", ko="비상 런북을 훈련하세요"),
    text=Words(
        en="{since} A plan that nobody has tried fails when it is needed.",
        ko="{since} 아무도 해 보지 않은 계획은 정작 필요할 때 실패합니다.",
    ),
    what_to_do=Words(
        en="Set an hour aside with a second operator: responder emergency drill. It changes nothing in the tenant.",
        ko="두 번째 운영자와 함께 한 시간을 내세요: responder emergency drill. 테넌트는 아무것도 바뀌지 않습니다.",
    ),
)
_LAST_DRILL: Final = Words(en="The last one was on {day}.", ko="마지막 훈련 날짜: {day}.")
_NO_DRILL: Final = Words(en="There was none yet.", ko="아직 훈련한 적이 없습니다.")
EXPIRED: Final = NoticeText(
    id="emergency-expired",
    title=Words(en="An emergency has expired and isn't closed", ko="비상 상황의 시간이 지났지만 종료되지 않았습니다"),
    text=Words(
        en="{by} declared it at {at}; its time was over at {until}. Sign-ins that were announced count as announced no"
        " more.",
        ko="선언한 사람: {by}, {at}. 만료 시각: {until}. 예고된 로그인은 더 이상 예고된 것으로 보지 않습니다.",
    ),
    what_to_do=Words(
        en="Close it, or extend it: emergency {id}. This comes each hour until then.",
        ko="종료하거나 연장하세요: 비상 상황 {id}. 그때까지 매시간 이 알림이 옵니다.",
    ),
)


def go_on(engine: Engine) -> int:
    """Go on with every emergency and drill that is open; gives how many there are.

    A failure doesn't stop the rest; the first one is raised at the end.
    """
    engine.store.flush()
    going = engine.store.going()
    do_all(
        going,
        lambda emergency: _go_on_with(engine, emergency),
        failed=lambda emergency: f"emergency {emergency} could not be gone on with",
        log=_log,
    )
    return len(going)


DRILL_EACH: Final = timedelta(days=90)
"""How old the last drill may be before the next one is asked for."""


def ask_for_drill(engine: Engine) -> bool:
    """Ask people for a drill where the last one is too old or there was none, on Mondays; whether they were asked.

    Raises EdgeError where that can't be read.
    """
    if engine.now.isoweekday() != _MONDAY:
        return False
    last = max((one.declared_at for one in engine.store.newest() if one.drill), default=None)
    now = engine.now
    if last is not None and now - last <= DRILL_EACH:
        return False
    since = filled(_LAST_DRILL, day=f"{last:%Y-%m-%d}") if last else _NO_DRILL
    return notify(engine.runtime, DRILL_DUE.notice(f"drill due {now:%G-%V}", since=since))


def _go_on_with(engine: Engine, emergency_id: str) -> None:
    emergency = engine.store.read(emergency_id)
    if emergency is None:
        _log.error("emergency %s is said to be open, and nothing declares it", emergency_id)
        return
    if emergency.closed is not None:
        engine.settle(emergency_id)
        return
    if emergency.drill and emergency.has_expired(engine.now):
        engine.take_back(emergency, "expired")
        engine.close(emergency, "The time of the drill was over.")
        return
    parts: _Parts = {
        "what people have to know": lambda: report_new(engine, emergency),
        "its declaration": lambda: _begin(engine, emergency),
        "its expiry": lambda: _report_expired(engine, emergency),
        "what was interrupted": lambda: _resume(engine, emergency),
        "what is to look again": lambda: _repeat(engine, emergency),
        "what two operators agreed to": lambda: engine.go_on_with_agreed(emergency),
        "closing": lambda: engine.finish_closing(emergency_id),
    }
    do_all(
        parts,
        lambda part: parts[part](),
        failed=lambda part: f"{part} of emergency {emergency_id} could not be gone on with",
        log=_log,
    )


def _begin(engine: Engine, emergency: Emergency) -> None:
    """Make up for what a kill right after the declaration left out."""
    if not emergency.step(1).runs:
        engine.start(emergency.id, 1, "step 1")


def _report_expired(engine: Engine, emergency: Emergency) -> None:
    if not emergency.has_expired(engine.now):
        return
    engine.report(
        emergency,
        f"expired {engine.now:%Y%m%d%H}",
        EXPIRED,
        by=emergency.declared_name,
        at=f"{emergency.declared_at:%Y-%m-%d %H:%M} UTC",
        until=f"{emergency.expires_at:%Y-%m-%d %H:%M} UTC",
        id=emergency.id,
    )


def _resume(engine: Engine, emergency: Emergency) -> None:
    """Begin each run again that hasn't ended, unless another run has its lease."""
    for step in emergency.steps:
        if step.open_run is not None:
            engine.carry_out(emergency.id, step.number, step.open_run.id)


def _repeat(engine: Engine, emergency: Emergency) -> None:
    for step in emergency.steps:
        last = step.last_ended
        if last is None or step.open_run is not None or step.next_at is None or step.next_at > engine.now:
            continue
        engine.start(emergency.id, step.number, f"after {last.id}", kind=RunKind.REPEAT)
