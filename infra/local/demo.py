"""`make demo`: play the story on real parts, tell it as a timeline, exit non-zero when an outcome is off."""

import os
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx

from infra.local import story
from infra.local.browser import Browser, SignInError
from infra.local.desk import Desk, until
from infra.local.operators import LocalOperators, local_operators
from infra.local.programs import ProgramError, module
from infra.local.stack import REPOSITORY, Stack
from infra.local.story import Scene
from infra.local.world import ALICE, RESPONDER
from shared.model.cases import Case, Outcome, State

_CASE_WITHIN: Final = 60.0
_WIDTH: Final = 100


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True, kw_only=True)
class Played:
    """A scene that was played, and what came of it."""

    scene: Scene
    began: datetime
    target_id: str
    case: Case | None = None
    wrong: str = ""


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


class Demo:
    """The story, played on a running stack."""

    def __init__(self, stack: Stack, desk: Desk, narrator: Narrator, operators: LocalOperators) -> None:
        self.stack = stack
        self.desk = desk
        self.narrator = narrator
        self.operators = operators
        self.played: list[Played] = []

    def play(self, *scenes: Scene) -> None:
        """Play scenes at the same time, then wait for each one's case and check it against the tenant's state."""
        begun = [self._begin(scene) for scene in scenes]
        for played in begun:
            self._finish(played)
            self.narrator.print_scene(played)

    def _begin(self, scene: Scene) -> Played:
        began = _now()
        played = Played(scene=scene, began=began, target_id=scene.act(self.stack.control))
        self.played.append(played)
        return played

    def _finish(self, played: Played) -> None:
        scene = played.scene
        try:
            played.case = until(lambda: self._case_of(played), within=_CASE_WITHIN, what="no finished case")
        except TimeoutError as error:
            played.wrong = str(error)
            return
        found = (played.case.decision.value, played.case.outcome.value)
        if found != (scene.decision, scene.outcome):
            played.wrong = f"decided {found[0]} with outcome {found[1]}, not {scene.decision} and {scene.outcome}"
            return
        played.wrong = scene.check(self.stack.control.state())

    def _case_of(self, played: Played) -> Case | None:
        for case in self.desk.cases():
            on_it = case.target.id.lower().endswith(played.target_id.lower())
            is_it = on_it and case.detection == played.scene.detection
            by_whom = case.actor.id == played.scene.actor.id and case.at >= played.began - timedelta(seconds=1)
            if is_it and by_whom and (case.state is State.CLOSED or case.outcome is Outcome.PENDING):
                return case
        return None

    def one_case_for(self, played: Played) -> str:
        """Say what is wrong when an event that came three times made more than one case or one remediation."""
        cases = [case for case in self.desk.cases() if case.target.id.lower().endswith(played.target_id.lower())]
        taken = [case for case in cases if case.detection == played.scene.detection]
        deletes = [
            request
            for request in self.stack.control.requests(principal=RESPONDER)
            if request["method"] == "DELETE" and request["path"].lower() == played.target_id.lower()
        ]
        if (len(taken), len(deletes)) == (1, 1):
            return ""
        return f"{len(taken)} cases and {len(deletes)} deletions, not one of each"

    def cards(self) -> list[dict[str, Any]]:
        """Give the posts that the pager inbox got."""
        return httpx.get(f"{self.stack.inbox['url']}/messages", timeout=10).json()


def _paged(demo: Demo) -> dict[str, str]:
    """Give what the paged cases are about, by their ids."""
    cases = [(played.case, played.scene) for played in demo.played]
    return {case.id: scene.summary for case, scene in cases if case and case.decision.value != "record"}


def _missing_cards(demo: Demo) -> list[str]:
    """Give what is wrong where a paged case is on no page whose card Teams would have shown.

    A page is sent again a minute after its first card at the earliest, so an actor's last cases may be on no card yet.
    """
    posts = str([post for post in demo.cards() if post["accepted"]])
    posted = [cases for cases in demo.desk.pages() if any(case in posts for case in cases)]
    return [
        f"no card came for: {summary}"
        for case, summary in _paged(demo).items()
        if not any(case in cases for cases in posted)
    ]


def _pages_said(demo: Demo) -> str:
    """Say how many pages the paged cases are on."""
    paged = set(_paged(demo))
    pages = [cases for cases in demo.desk.pages() if cases & paged]
    return f"{len(paged)} paged cases are on {len(pages)} pages in the pager inbox, one for each actor"


def _in_front(stack: Stack) -> str:
    """Say what is wrong when anybody gets to the app without signing in; "" when nothing is."""
    answer = httpx.get(
        f"{stack.host['url']}/api/cases", headers={"x-functions-key": stack.keys["function"]}, timeout=10
    )
    is_led_away = answer.status_code == HTTPStatus.FOUND and "/.auth/login/" in answer.headers["location"]
    return "" if is_led_away else f"a call without a token was answered {answer.status_code}"


def _opened(demo: Demo) -> str:
    """Open a case by the link of its card and acknowledge it, as its owner would; says what is wrong, or ""."""
    case = next(played.case for played in demo.played if played.case and played.case.decision.value == "page")
    link = demo.desk.settings.case_link.format(case=case.id)
    with Browser(demo.stack.host["url"]) as browser:
        try:
            page = browser.open(link, ALICE)
        except SignInError as error:
            return f"the link in a card: {error}"
        if page.status_code != HTTPStatus.OK or case.id not in page.text:
            return f"the link in a card gave {page.status_code}"
        browser.post(link, {}, origin=demo.stack.host["url"])
    read = demo.desk.ledger.case(case.tenant_id, case.id)
    return "" if read and ALICE.id in read.acknowledged_by else "the page's button didn't acknowledge the case"


def _examined(demo: Demo) -> str:
    """Ask the app to examine itself, as an operator does from elsewhere; says what is wrong, or ""."""
    stack = demo.stack
    token = stack.control.token(ALICE, "operators")
    done = subprocess.run(
        module("responders", "doctor", "--app", stack.host["url"]),
        env={**os.environ, "RESPONDER_TOKEN": token, "RESPONDER_KEY": stack.keys["function"]},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    demo.narrator.say(f"{'':10}responder doctor --app says: {lines[-1] if lines else done.stderr.strip()}")
    return "" if done.returncode == 0 else "\n".join(line for line in lines if line.startswith(("failed", "unknown")))


def _drilled(demo: Demo) -> list[str]:
    """Go through the break-glass runbook as a drill, then check its evidence; gives what is off."""
    say, control = demo.narrator.say, demo.stack.control
    say(f"\n{_ABOUT_THE_DRILL}")
    control.settings(audit_requests_per_10_seconds=_READS)
    demo.stack.redeploy(settings={"REPORTS_PER_TEN_SECONDS": str(_READS)})
    before, started = control.state(), time.monotonic()
    key = demo.operators.key_files["alice"][0]
    drill = _run(
        demo,
        *("emergency", "--journal", str(demo.stack.folder / "emergency-journal")),
        *("drill", "--app", demo.stack.host["url"], "--key", str(key)),
        RESPONDER_EMERGENCY_KEY=demo.operators.emergency_key,
    )
    if drill.returncode != 0:
        return [f"the drill: {drill.said[-1] if drill.said else 'it said nothing'}"]
    say(f"{'':10}The drill took {time.monotonic() - started:.0f} s. Is its evidence as it was kept?")
    off = [] if control.state() == before else ["the drill changed something in the tenant"]
    check = next(line for line in drill.said if line.startswith(_CHECK)).removeprefix(_CHECK).split()
    say(f"{'':10}$ {_in_short(check)}")
    storage = demo.stack.operator_values()
    verified = _run(demo, *check[1:], **storage)
    return off if verified.returncode == 0 else [*off, "the evidence of the drill isn't as it was kept"]


_CHECK: Final = "Check it: "
_READS: Final = 100
_ABOUT_THE_DRILL: Final = """\
Last a drill of the break-glass runbook, by requests that an operator signs on a laptop. It writes nothing. A tenant
allows five reads of its logs in ten seconds, four seconds for each privileged account; this one now allows a hundred:
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A command that was run: how it ended and what it said, line by line."""

    returncode: int
    said: tuple[str, ...]


def _run(demo: Demo, *arguments: str, **environment: str) -> Ran:
    """Run `responder` and show each line as soon as it is there."""
    said: list[str] = []
    with subprocess.Popen(
        module("responders", *arguments),
        env={**os.environ, **environment},
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as command:
        assert command.stdout is not None  # noqa: S101 - it is a pipe
        for line in command.stdout:
            said.append(line.rstrip())
            demo.narrator.say(f"{'':12}{said[-1]}")
    return Ran(returncode=command.returncode, said=tuple(said))


def _in_short(command: list[str]) -> str:
    return " ".join(word if len(word) < _LONG_WORD else f"{word[:12]}…" for word in command)


_LONG_WORD: Final = 40


def play_story(demo: Demo) -> list[str]:
    """Play all of it; give what is off."""
    say = demo.narrator.say
    demo.play(story.APPROVED_CHANGE)
    demo.play(story.SELF_EXCLUSION)
    demo.play(story.OWNER_TAKEN, story.CUSTOM_POLICY_UPLOADED, story.POLICY_CREATED, story.POLICY_DELETED)
    demo.play(story.HIDDEN_BEHIND_ANOTHER, story.DELETED_AGAIN, story.CREATED_THEN_ENABLED)
    demo.play(story.LOCKS_EVERYBODY_OUT)
    demo.play(story.PIPELINE_CHANGE)
    demo.play(story.IMPOSTOR_CHANGE)
    demo.play(story.PASSWORDS_GUESSED, story.BREAK_GLASS_USED)
    with demo.desk.without_approvals():
        demo.play(story.WITHOUT_APPROVALS)
    demo.play(story.THREE_TIMES)
    off = [f"{played.scene.summary}: {played.wrong}" for played in demo.played if played.wrong]
    if twice := demo.one_case_for(demo.played[-1]):
        off.append(f"{demo.played[-1].scene.summary}: {twice}")
    try:
        until(lambda: not _missing_cards(demo), within=10, what="cards")
    except TimeoutError:
        off += _missing_cards(demo)
    else:
        say(f"{'':10}{_pages_said(demo)}")
    if not (unopened := _opened(demo)):
        say(f"{'':10}the link in a card leads to the case, once its owner has signed in; her click acknowledges it")
    return [*off, *filter(None, (unopened, _in_front(demo.stack), _examined(demo))), *_drilled(demo)]


_FIRST_LOOK: Final = 180.0
"""Seconds for what the app does first, on a machine that is busy otherwise."""

_AS_DEPLOYED: Final = """\
Starting Azurite, the simulated tenant, the pager inbox and the functions host, as they are deployed:
storage by managed identity without a key, Azure's events through a queue, App Service authentication in front."""


def main() -> int:
    """Start the stack, play, tell, check; 0 when all is as it should be, 1 when something is off."""
    narrator = Narrator()
    started = time.monotonic()
    narrator.say(_AS_DEPLOYED)
    with tempfile.TemporaryDirectory(prefix="entra-responder-") as folder:
        try:
            operators = local_operators(Path(folder) / "operators")
            with Stack(Path(folder), settings=operators.settings) as stack:
                desk = Desk(stack.operator_values())
                desk.seed()
                desk.approve_everywhere(ALICE)
                until(desk.objects_read, within=_FIRST_LOOK, what="the first look at every guarded object")
                narrator.say(f"{'':10}{desk.accept_all(within=_FIRST_LOOK)}")
                until(desk.rosters_read, within=_FIRST_LOOK, what="who is privileged")
                narrator.say(f"Up after {time.monotonic() - started:.0f} s. Pager inbox: {stack.inbox['url']}\n")
                off = play_story(Demo(stack, desk, narrator, operators))
        except (ProgramError, TimeoutError) as error:
            narrator.say(f"\nThe demo could not be played: {error}")
            return 1
    narrator.say(f"\nPlayed in {time.monotonic() - started:.0f} s.")
    for problem in off:
        narrator.say(f"OFF: {problem}")
    narrator.say("Something is off." if off else "Every outcome is as it should be.")
    return 1 if off else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nStopped.")
