"""`make demo`: play the story on real parts, tell it as a timeline, exit non-zero when an outcome is off."""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx

from infra.local import stolen_account, stolen_session, story
from infra.local.browser import Browser, SignInError
from infra.local.desk import Desk, until
from infra.local.narrator import Narrator, Played
from infra.local.operators import LocalOperators, local_operators
from infra.local.programs import ProgramError, module
from infra.local.stack import REPOSITORY, Stack
from infra.local.story import Scene
from infra.local.world import ALICE, RESPONDER
from shared.model.cases import Case, State
from shared.model.kinds import ApprovalList, Mode

_CASE_WITHIN: Final = 180.0


def _now() -> datetime:
    return datetime.now(UTC)


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
            played.case = until(
                lambda: played.case_among(self.desk.cases()), within=_CASE_WITHIN, what="no finished case"
            )
        except TimeoutError as error:
            played.wrong = str(error)
            return
        found = (played.case.decision.value, played.case.outcome.value)
        if found != (scene.decision, scene.outcome):
            played.wrong = f"decided {found[0]} with outcome {found[1]}, not {scene.decision} and {scene.outcome}"
            return
        played.wrong = scene.check(self.stack.control.state())

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
        return httpx.get(f"{self.stack.inbox['url']}/messages", timeout=60).json()


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
        f"{stack.host['url']}/api/cases", headers={"x-functions-key": stack.keys["function"]}, timeout=60
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
        browser.press(page, "acknowledge")
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


def _taken_back(demo: Demo) -> list[str]:
    """Let a stolen session do its worst, and take all of it back by one command; gives what is off."""
    say, control, holder = demo.narrator.say, demo.stack.control, stolen_session.HOLDER
    say(f"\n{stolen_session.SUMMARY}")
    for approval_list in ApprovalList:
        demo.desk.approve(holder, approval_list)
    before, since = stolen_session.standing(control), _now()
    stolen_session.act(control)
    try:
        until(lambda: len(_recorded(demo, since)) >= stolen_session.CHANGES, within=_CASE_WITHIN, what="all cases")
    except TimeoutError as error:
        return [f"the stolen session: {error}: {len(_recorded(demo, since))} of {stolen_session.CHANGES}"]
    say(f"{'':10}Then {holder.name} says that it wasn't her. One command shows what would be put back:")
    revoke, values = ("revoke", holder.id, "--since", since.isoformat()), demo.stack.operator_values()
    key = ("--key", str(demo.operators.key_files["alice"][0]), "--no-prompt")
    plan = _run(demo, *revoke, **values)
    digest = next((line.rpartition(" ")[2] for line in plan.said if line.startswith(_TO_DO_IT)), "")
    if not digest:
        return ["the stolen session: no plan was shown"]
    say(f"{'':10}$ responder revoke … --yes {digest}")
    done = _run(demo, *revoke, *key, "--yes", digest, "--by", "Alice", "--reason", "her session was stolen", **values)
    if done.returncode != 0:
        return [f"the stolen session: {done.said[-1] if done.said else 'nothing was said'}"]
    began = time.monotonic()
    try:
        until(lambda: stolen_session.standing(control) == before, within=_TAKEN_BACK_WITHIN, what="as before")
    except TimeoutError:
        now = stolen_session.standing(control)
        return [f"the stolen session: {name} isn't as before" for name, value in before.items() if now[name] != value]
    say(f"{'':10}{'checked':>8}  all of it is as before, {time.monotonic() - began:.0f} s later")
    return []


def _recorded(demo: Demo, since: datetime) -> list[Case]:
    """Give the closed cases of whoever's session was stolen, since then."""
    by_her = (case for case in demo.desk.cases() if case.actor.id == stolen_session.HOLDER.id)
    return [case for case in by_her if case.at >= since - timedelta(seconds=1) and case.state is State.CLOSED]


_TO_DO_IT: Final = "to do it: "
_TAKEN_BACK_WITHIN: Final = 300.0


def _contained(demo: Demo) -> list[str]:
    """Let somebody use an account: it is contained unasked, its work taken back by a plan, and a person releases it."""
    say, control, holder = demo.narrator.say, demo.stack.control, stolen_account.HOLDER
    say(f"\n{stolen_account.SUMMARY}")
    stolen_account.prepare(control)
    demo.desk.controls.set_mode(stolen_account.CONTAINS, Mode.ENFORCE, by="the demo")
    before, since, began = stolen_account.standing(control), _now(), time.monotonic()
    stolen_account.act(control)
    values = demo.stack.operator_values()
    why = ("--by", "Alice", "--reason", f"{holder.name} was phished")
    try:
        until(lambda: stolen_account.is_contained(control), within=_CASE_WITHIN, what="the account isn't contained")
        say(f"{'':10}{'checked':>8}  her account is disabled {time.monotonic() - began:.0f} s later")
        until(lambda: _case_by(demo, since, stolen_account.HIDES), within=_CASE_WITHIN, what="no case of the unit")
        until(lambda: _case_by(demo, since, stolen_account.BLINDS), within=_CASE_WITHIN, what="no case of the export")
        case = until(lambda: _case_by(demo, since, stolen_account.CONTAINS), within=_CASE_WITHIN, what="no case")
        until(lambda: stolen_account.is_put_back(control, before), within=_TAKEN_BACK_WITHIN, what="not put back")
        say(f"{'':10}{'checked':>8}  the export of the activity log that she deleted was made again as it was")
        say(f"{'':10}What she did that nobody put back yet is in one plan:")
        contain = ("contain", case.id, "--since", since.isoformat())
        plan = _run(demo, *contain, **values)
        digest = next((line.rpartition(" ")[2] for line in plan.said if line.startswith(_TO_DO_IT)), "")
        if digest and _run(demo, *contain, "--yes", digest, *why, **values).returncode != 0:
            return ["the stolen account: its work couldn't be taken back"]
        until(lambda: stolen_account.standing(control) == before, within=_TAKEN_BACK_WITHIN, what="it isn't as before")
        say(f"{'':10}{'checked':>8}  it is as before. {holder.name} answers the phone; a person releases her:")
        if _run(demo, "release", case.id, *why, **values).returncode != 0:
            return ["the stolen account: it couldn't be released"]
        until(lambda: stolen_account.is_released(control), within=_CASE_WITHIN, what="it isn't released")
    except TimeoutError as error:
        return [f"the stolen account: {error}"]
    _run(demo, "restraints", "--all", **values)
    return []


def _case_by(demo: Demo, since: datetime, detection: str) -> Case | None:
    """Give the closed case of the stolen account's holder by a detection."""
    found = (one for one in demo.desk.cases() if one.actor.id == stolen_account.HOLDER.id and one.state is State.CLOSED)
    return next((one for one in found if one.detection == detection and one.at >= since - timedelta(seconds=1)), None)


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
    demo.play(story.WEAK_METHOD, story.USER_FLOW_MADE)
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
    off += filter(None, (unopened, _in_front(demo.stack), _examined(demo)))
    return [*off, *_taken_back(demo), *_contained(demo), *_drilled(demo)]


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
                desk = Desk(stack.operator_values(), operators)
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
