"""Runs the steps of an emergency, each under a lease, each by itself.

That a run began is an entry before it does anything, how it ended one after it. So after a kill the same run is begun
again, and one that has ended never is. A step that fails ends as failed, with what a person does instead, and stops no
other. Where storage can't be reached, no lease can be had: steps that only read and report run all the same, those that
write don't.
"""

import hashlib
import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from shared.clients.api import TenantEdges
from shared.emergency.asking import LEFT
from shared.emergency.entries import (
    APP,
    Act,
    Answer,
    Closed,
    Entry,
    Evidence,
    Finding,
    FoundTexts,
    Proof,
    RunKind,
    StepEnded,
    StepStarted,
    StepState,
)
from shared.emergency.finding_texts import FindingText
from shared.emergency.refusals import RefusalLog
from shared.emergency.reports import notice_of, notify, report_new
from shared.emergency.runbook import RunbookStep, StepContext, StepEnd
from shared.emergency.state import Emergency, StepRun
from shared.emergency.store import Emergencies, Held
from shared.model.bilingual import Value, Words, filled, quoted, same
from shared.model.errors import EdgeError, LeaseLost, Refused, ResponderError
from shared.model.notices import NoticeText
from shared.objects.leases import Lease
from shared.respond.components import Runtime

_log = logging.getLogger("responder.emergency")

NAME: Final = "Entra Responder"
_MOST_FINDINGS: Final = 300
_LONGEST_TEXT: Final = 2_000
_MOST_EVIDENCE: Final = 300
_HALF: Final = 0.5
_LOOKS_AGAIN: Final = timedelta(minutes=1)

NO_LEASE: Final = FindingText(
    id="step-without-lease",
    answer=Answer.UNKNOWN,
    about=same("{title}"),
    text=Words(
        en="The app can't make sure that it alone does this, so it does nothing: {because}",
        ko="앱이 혼자서만 실행하는지 확인할 수 없어 아무것도 하지 않습니다: {because}",
    ),
    what_to_do=same("{instead}"),
)
STEP_FAILED: Final = FindingText(
    id="step-failed",
    answer=Answer.UNKNOWN,
    about=same("{title}"),
    text=same("{because}"),
    what_to_do=same("{instead}"),
)
MISTAKE: Final = Words(
    en="The app made a mistake ({error}); its log says more",
    ko="앱에 오류가 있었습니다({error}). 자세한 내용은 앱 로그에 있습니다",
)
NOT_SENT: Final = FindingText(
    id="not-sent-in-a-drill",
    answer=Answer.NOTED,
    about=Words(en="Not sent, since this is a drill", ko="훈련이므로 보내지 않음"),
    text=same("{request}"),
)
MORE: Final = FindingText(
    id="more-findings",
    answer=Answer.NOTED,
    about=Words(en="More", ko="그 밖의 결과"),
    text=Words(en="{count:,} further findings aren't shown", ko="표시하지 않은 결과가 {count:,}건 더 있습니다"),
)

type WriteReport = Callable[[Emergency], tuple[Evidence, ...]]
"""Writes the report of an emergency that is about to be closed; raises ResponderError where it can't."""


class Engine(Struct, frozen=True, kw_only=True):
    """What runs emergencies: the parts of the app, the entries, the eight steps in order, and who writes the report.

    There is one for a process. `reported` names what it has notified people of, so that they aren't asked to be again.
    `adding` is held from the look whether an entry is there until it is: a timer and a request, or a request that is
    sent again, may come to the same at once, and entries of two instants would be two.
    """

    runtime: Runtime
    store: Emergencies
    steps: Sequence[RunbookStep]
    write_report: WriteReport = lambda _emergency: ()
    reported: set[str] = msgspec.field(default_factory=set[str])
    refusals: RefusalLog = msgspec.field(default_factory=RefusalLog)
    adding: threading.RLock = msgspec.field(default_factory=threading.RLock)

    @property
    def now(self) -> datetime:
        """The time of what happens now."""
        return self.runtime.clock()

    def step(self, number: int) -> RunbookStep | None:
        """Give a step's declaration, None where there is none."""
        return next((step for step in self.steps if step.number == number), None)

    def add(self, emergency: str, act: Act, name: str) -> None:
        """Keep an entry of the app's own, unless there is one under the same `name` already."""
        entry = self.entry(emergency, act, name)
        with self.adding:
            folded = self.store.read(emergency)
            if folded is None or all(one.id != entry.id for one in folded.entries):
                self.store.add(Held(entry=entry))

    def entry(self, emergency: str, act: Act, name: str) -> Entry:
        """Make an entry of the app's own."""
        return Entry(
            id=id_from(emergency, name), emergency=emergency, at=self.now, by=APP, name=NAME, proof=Proof.APP, act=act
        )

    def report(self, emergency: Emergency, key: str, said: NoticeText, /, **values: Value) -> bool:
        """Notify people of something about an emergency, once for each key and day."""
        notice = notice_of(emergency, key, said, **values)
        return notify(self.runtime, notice, cut_off=self.store.is_cut_off)

    def announced(self, account: str, at: datetime) -> str:
        """Say by whom the sign-in of an emergency account was announced for an instant, "" for nobody."""
        for emergency_id in self.store.going():
            found = self.store.read(emergency_id)
            announcement = found.announcement(account, at) if found else None
            if announcement is not None:
                return f"announced by {announcement.name} at {announcement.at:%H:%M} UTC, in emergency {emergency_id}"
        return ""

    # ---- one run -----------------------------------------------------------------------------------------------------

    def start(self, emergency: str, number: int, name: str, *, kind: RunKind = RunKind.STEP) -> None:
        """Begin a run of a step for the app itself, unless it has begun, and carry it out."""
        run = id_from(emergency, name)
        self.add(emergency, StepStarted(step=number, run=run, kind=kind), name)
        self.carry_out(emergency, number, run)

    def carry_out(self, emergency: str, number: int, run: str) -> None:
        """Carry out a run that has begun, or go on with one that was killed; nothing, where another run has the step.

        Whatever goes wrong with the step itself is its end; only a failure of what the engine needs is raised.
        """
        step = self.step(number)
        folded = self.store.read(emergency)
        if step is None or folded is None or _begun(folded, number, run) is None:
            return
        lane = f"emergency {emergency} step {number}"
        with _own_lock(lane) as is_ours:
            if not is_ours:
                return
            try:
                lease = self._lease(lane)
            except EdgeError as error:
                self._without_lease(folded, step, run, error)
                return
            if lease is None:
                return
            try:
                self._under_lease(emergency, step, run, lease)
            finally:
                self._release(lease)

    def _lease(self, lane: str) -> Lease | None:
        if self.store.is_cut_off:
            raise Refused("storage can't be reached, so no lease can be had")
        return self.runtime.leases.take([lane], f"{socket.gethostname()} {os.getpid()} {uuid.uuid4().hex}")

    def _release(self, lease: Lease) -> None:
        try:
            self.runtime.leases.release(lease)
        except EdgeError as error:
            _log.warning("a lease of an emergency could not be given up, and ends by itself: %s", error)

    def _under_lease(self, emergency: str, step: RunbookStep, run: str, lease: Lease) -> None:
        """Read once more what another run may have done meanwhile, then do what is left."""
        folded = self.store.read(emergency)
        begun = _begun(folded, step.number, run) if folded else None
        if folded is None or begun is None or begun.ended is not None:
            return

        def go_on() -> None:
            if lease.left() < lease.seconds * _HALF:
                self.runtime.leases.renew(lease)

        self._run(folded, step, begun, go_on)

    def _without_lease(self, emergency: Emergency, step: RunbookStep, run: str, error: EdgeError) -> None:
        begun = _begun(emergency, step.number, run)
        if begun is None or begun.ended is not None:
            return
        if not step.writes or emergency.drill:
            self._run(emergency, step, begun, lambda: None)
            return
        because = NO_LEASE.found(title=step.title, because=str(error), instead=step.failed)
        # What a person does by hand meanwhile isn't done a second time.
        end = StepEnd(state=StepState.BLOCKED, findings=(because,), next_at=self._again(begun.kind))
        self._end(emergency.id, step, run, end)

    def _again(self, kind: RunKind) -> datetime | None:
        """When a run that couldn't do what it should looks again: only one that takes back, as closing waits for it."""
        return self.now + _LOOKS_AGAIN if kind is RunKind.BACK else None

    def _run(self, emergency: Emergency, step: RunbookStep, begun: StepRun, go_on: Callable[[], None]) -> None:
        dry: list[str] = []
        step_context = StepContext(
            emergency=emergency,
            step=step,
            run=begun.id,
            kind=begun.kind,
            runtime=_read_only(self.runtime) if emergency.drill else self.runtime,
            now=self.now,
            go_on=go_on,
            would_write=dry.append,
        )
        try:
            end = self._outcome(step, step_context)
        except LeaseLost as lost:
            _log.warning("step %s of emergency %s is gone on with by another run: %s", step.number, emergency.id, lost)
            return
        noted = tuple(NOT_SENT.found(request=one) for one in dry)
        self._end(emergency.id, step, begun.id, msgspec.structs.replace(end, findings=(*end.findings, *noted)))

    def _outcome(self, step: RunbookStep, step_context: StepContext) -> StepEnd:
        """Do what the step does. Raises LeaseLost; every other failure is the step's end."""
        run = step.way_back if step_context.kind is RunKind.BACK else step.run
        if run is None:
            return StepEnd(state=StepState.DONE)
        try:
            return run(step_context)
        except LeaseLost:
            raise
        except ResponderError as error:
            _log.warning("step %s of emergency %s failed: %s", step.number, step_context.emergency.id, error)
            return _failed(step, quoted(str(error)), next_at=self._again(step_context.kind))
        except Exception as error:  # noqa: BLE001 - as the next line says
            # One step's mistake must not keep the others from a person who needs them now.
            _log.exception("step %s of emergency %s failed", step.number, step_context.emergency.id)
            said = filled(MISTAKE, error=type(error).__name__)
            return _failed(step, said, next_at=self._again(step_context.kind))

    def _end(self, emergency: str, step: RunbookStep, run: str, end: StepEnd) -> None:
        ended = StepEnded(
            step=step.number,
            run=run,
            state=end.state,
            findings=_shortened(end.findings),
            evidence=end.evidence[-_MOST_EVIDENCE:],
            next_at=end.next_at,
            proposals=end.proposals,
            announces=end.announces,
        )
        self.add(emergency, ended, f"{run} ended")
        _log.info("step %s of emergency %s is %s", step.number, emergency, end.state)

    # ---- going on ----------------------------------------------------------------------------------------------------

    def go_on_with_agreed(self, emergency: Emergency) -> None:
        """Do what two operators have agreed to and no run has done since: federation and its way back, then closing."""
        for one in emergency.agreements:
            if one.confirmed_at is None or not emergency.is_agreed(one.what, one.digest) or one.what not in _KINDS:
                continue
            number = next((each.number for each in emergency.steps if _proposes(each.proposals, one.digest)), None)
            if number is not None:
                name = f"{one.what} {one.digest} {one.confirmed_at.isoformat()}"
                self.start(emergency.id, number, name, kind=_KINDS[one.what])

    def take_back(self, emergency: Emergency, closing: str) -> bool:
        """Take back what steps did, each that has a way back and did something; whether all of it is.

        `closing` names the attempt at closing: each tries a step's way back once, and again where that wants to look
        again, since a person may have taken it back meanwhile.
        """
        waits = self.to_be_taken_back(emergency)
        for step in waits:
            self.start(emergency.id, step.number, f"back {step.number} {closing}", kind=RunKind.BACK)
            last = emergency.step(step.number).last_back
            next_at = last.ended.next_at if last is not None and last.ended is not None else None
            if last is not None and next_at is not None and next_at <= self.now:
                self.start(emergency.id, step.number, f"back after {last.id}", kind=RunKind.BACK)
        after = self.store.read(emergency.id)
        return after is not None and all(after.step(step.number).is_taken_back for step in waits)

    def to_be_taken_back(self, emergency: Emergency) -> list[RunbookStep]:
        """Give the steps that have a way back, did something, and aren't taken back since."""
        return [step for step in self.steps if step.way_back is not None and _is_to_be_taken_back(emergency, step)]

    def finish_closing(self, emergency_id: str) -> None:
        """Close an emergency that two operators agreed to close, once all is taken back that they don't leave."""
        emergency = self.store.read(emergency_id)
        if emergency is None or emergency.closed is not None:
            return
        closing = emergency.closing
        if closing is None or closing.confirmed_at is None:
            return
        is_taken_back = self.take_back(emergency, closing.confirmed_at.isoformat())
        if is_taken_back or LEFT in closing.text:
            self.close(self.store.read(emergency_id) or emergency, closing.text)

    def close(self, emergency: Emergency, summary: str, *, ended_by: str = "") -> None:
        """Write the report, keep the entry that closes it, and notify people. Each is there once, however often."""
        report: tuple[Evidence, ...] = ()
        try:
            report = self.write_report(emergency)
        except (ResponderError, OSError) as error:
            _log.warning("the report of emergency %s could not be written: %s", emergency.id, error)
        self.add(emergency.id, Closed(summary=summary, report=report, ended_by=ended_by), "closed")
        self.settle(emergency.id)

    def settle(self, emergency_id: str) -> None:
        """Notify people that an emergency is closed, and let the next one be declared."""
        closed = self.store.read(emergency_id)
        if closed is not None:
            report_new(self, closed)
            self.store.settle(emergency_id)


_KINDS: Final = {"federation": RunKind.STEP, "federation-back": RunKind.BACK}


def _proposes(proposals: Sequence[object], digest: str) -> bool:
    return any(getattr(proposal, "digest", "") == digest for proposal in proposals)


def id_from(emergency: str, name: str) -> str:
    """Give the id of what is there once in an emergency under a name."""
    return hashlib.sha256(f"{emergency} {name}".encode()).hexdigest()[:32]


def _begun(emergency: Emergency, number: int, run: str) -> StepRun | None:
    return next((each for each in emergency.step(number).runs if each.id == run), None)


def _is_to_be_taken_back(emergency: Emergency, step: RunbookStep) -> bool:
    progress = emergency.step(step.number)
    runs = [run.ended for run in progress.runs if run.ended is not None and run.kind is not RunKind.BACK]
    did = any(one.state is StepState.DONE for one in (*runs, *progress.records))
    return did and not progress.is_taken_back


def _failed(step: RunbookStep, because: Words, *, next_at: datetime | None) -> StepEnd:
    finding = STEP_FAILED.found(title=step.title, because=because, instead=step.failed)
    return StepEnd(state=StepState.FAILED, findings=(finding,), next_at=next_at)


def _shortened(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Cut what one entry can't hold, and say so: what is wrong and unknown comes before what is fine."""
    order = (Answer.WRONG, Answer.UNKNOWN, Answer.NOTED, Answer.FINE)
    kept = findings
    if len(findings) > _MOST_FINDINGS:
        kept = tuple(sorted(findings, key=lambda one: order.index(one.answer))[: _MOST_FINDINGS - 1])
        kept = (*kept, MORE.found(count=len(findings) - len(kept)))
    return tuple(_cut(msgspec.structs.replace(one, korean=_cut(one.korean) if one.korean else None)) for one in kept)


def _cut[T: (Finding, FoundTexts)](texts: T) -> T:
    return msgspec.structs.replace(
        texts,
        about=texts.about[:_LONGEST_TEXT],
        text=texts.text[:_LONGEST_TEXT],
        what_to_do=texts.what_to_do[:_LONGEST_TEXT],
    )


class WritesInADrill(ResponderError):
    """A step would have written to a tenant in a drill other than by `StepContext.write`; nothing was sent."""


def _read_only(runtime: Runtime) -> Runtime:
    """Give the runtime of a drill: whatever isn't a read is refused before it is sent."""

    def refuse() -> None:
        raise WritesInADrill("a drill sends nothing but reads")

    def quiet(edges: TenantEdges) -> TenantEdges:
        return msgspec.structs.replace(edges, before_write=refuse)

    return msgspec.structs.replace(runtime, edges={tenant: quiet(edges) for tenant, edges in runtime.edges.items()})


class _OwnLock:
    """Keeps two threads of one process from a step, for when no lease can be had."""

    _held: Final[set[str]] = set()
    _lock: Final = threading.Lock()

    def __init__(self, name: str) -> None:
        self._name = name
        self._is_ours = False

    def __enter__(self) -> bool:
        with self._lock:
            self._is_ours = self._name not in self._held
            if self._is_ours:
                self._held.add(self._name)
        return self._is_ours

    def __exit__(self, *_of: object) -> None:
        if self._is_ours:
            with self._lock:
                self._held.discard(self._name)


def _own_lock(name: str) -> _OwnLock:
    return _OwnLock(name)
