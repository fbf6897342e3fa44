"""Tells what happens in the demo, for a person at a terminal."""

import os
import sys
import textwrap
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from infra.local.story import Scene
from shared.model.cases import Case, Outcome, State

_WIDTH: Final = 100


@dataclass(slots=True, kw_only=True)
class Played:
    """A scene that was played, and what came of it."""

    scene: Scene
    began: datetime
    target_id: str
    case: Case | None = None
    wrong: str = ""

    def case_among(self, cases: Iterable[Case]) -> Case | None:
        """Find the case that was made of it, once it has come to something."""
        return next((case for case in cases if self._is_its(case) and _came_to_something(case)), None)

    def _is_its(self, case: Case) -> bool:
        on_it = case.target.id.lower().endswith(self.target_id.lower())
        by_whom = case.actor.id == self.scene.actor.id and case.at >= self.began - timedelta(seconds=1)
        return on_it and by_whom and case.detection == self.scene.detection


def _came_to_something(case: Case) -> bool:
    return case.state is State.CLOSED or case.outcome is Outcome.PENDING


class Narrator:
    """Tells what happens, for a person at a terminal; colours only where there is one."""

    def __init__(self) -> None:
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._lock = threading.Lock()

    def _paint(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour else text

    def say(self, text: str = "") -> None:
        """Print a line of the narrator's own."""
        with self._lock:
            print(text, flush=True)

    def print_scene(self, played: Played) -> None:
        """Print what happened, what was decided and why, what was done and how long it took."""
        lines = [f"{played.began:%H:%M:%S}  {self._paint('1', played.scene.summary)}"]
        case = played.case
        if case is not None:
            decided = f"{_decision_words(case)}: {case.because}; {case.standing_because}"
            lines += _wrapped("decided", decided)
            if case.decision.value == "remediate":
                lines += _wrapped("done", f"{case.summary}")
                lines += _wrapped("proved", f"{case.outcome}: {case.proof}")
            lines += _wrapped("took", _took(case))
        verdict = (
            self._paint("31;1", f"WRONG  {played.wrong}") if played.wrong else self._paint("32", "as it should be")
        )
        lines += [f"{'':10}{'checked':>8}  {verdict}", ""]
        self.say("\n".join(lines))


def _wrapped(label: str, text: str) -> list[str]:
    rows = textwrap.wrap(text, _WIDTH - 20) or [""]
    return [f"{'':10}{label if place == 0 else '':>8}  {row}" for place, row in enumerate(rows)]


def _decision_words(case: Case) -> str:
    if case.outcome is Outcome.PENDING:
        return "owners paged, not put back yet"
    return {"record": "only recorded", "page": "owners paged, nothing touched", "remediate": "put back"}[case.decision]


def _took(case: Case) -> str:
    end = case.acted_at or case.closed_at or case.opened_at
    if case.decision.value == "record":
        return f"{(end - case.at).total_seconds():.1f} s from the change to the record"
    seen = (case.opened_at - case.at).total_seconds()
    return (
        f"{(end - case.at).total_seconds():.1f} s from the change to the end ({seen:.1f} s until its record was there)"
    )
