"""The pipeline from a case on: authorize → decide → notify. `answer` takes one case to its end.

A run may be killed at any point and repeated: what was done already is found in the evidence and in the case's row,
never in memory. `shared.ingest.intake` turns records into cases; `shared.respond.resume` finds the cases and pages that
an interrupted run left behind. Cases of guarded objects are answered with their object: `shared.respond.reconcile`.
"""

import logging
from datetime import datetime

import msgspec

from shared.authority.standing import Authorization
from shared.model.cases import Case, Decision, Standing, State
from shared.model.detections import AnyDetection
from shared.model.errors import BadIdentifier, EdgeError, LeaseLost
from shared.model.events import Event, Log
from shared.respond.case_evidence import authorization_of, event_of
from shared.respond.case_run import MOST_ATTEMPTS, CaseRun
from shared.respond.components import Runtime
from shared.respond.containing import contain_unasked
from shared.respond.deciding import Decided, decide
from shared.respond.named_applications import LOG_SHOWS_WITHIN, ask_for, is_known_by_name

_log = logging.getLogger("responder.pipeline")


def answer(runtime: Runtime, tenant_id: str, case_id: str) -> Case | None:
    """Take a case to its end and give it as it was left; None when it is closed or another run holds its lease.

    None too for the case of a guarded object, which is answered by reconciling that.

    When a service fails, the case is put off; after too many attempts its owners are paged instead. Raises EdgeError
    when storage fails while that is written; the host then repeats the queue message.
    """
    leased = runtime.ledger.claim(tenant_id, case_id)
    if leased is None:
        return None
    run = CaseRun(runtime, leased)
    try:
        _go_or_put_off(run)
    except LeaseLost as lost:
        _log.warning("%s", lost)
    return run.leased.case


def _go_or_put_off(run: CaseRun) -> None:
    try:
        _go(run)
    except LeaseLost:
        raise
    except (EdgeError, BadIdentifier) as error:
        run.put_off(error)
    except Exception as mistake:  # noqa: BLE001 - reported to the owners after a few attempts
        # A mistake in our code. If the host retried it, the case would stay leased until the lease ended, each time.
        _log.exception("case %s, attempt %s failed", run.leased.case.id, run.leased.case.attempts)
        run.put_off(mistake)


def _go(run: CaseRun) -> None:
    """Take the case from its present state to the last one."""
    case = run.leased.case
    detection = run.runtime.detections.get(case.detection)
    if detection is None:
        run.give_up("its detection is no longer in the catalogue")
        return
    if case.attempts > MOST_ATTEMPTS:
        run.give_up("every attempt was interrupted")
        return
    event = event_of(run.runtime, case)
    if event is None:
        run.give_up("its evidence can no longer be read")
        return
    # Until it is decided, whose a name is is asked each time: the log may say otherwise by now.
    is_named = case.state is not State.OPENED and bool(case.actor.id) and is_known_by_name(event.actor)
    actor = case.actor if is_named else event.actor
    run.leased = msgspec.structs.replace(
        run.leased, case=msgspec.structs.replace(case, target=event.target, actor=actor)
    )
    if run.leased.case.state is State.OPENED:
        _decide(run, detection, event)
    if run.leased.case.state is State.ACTED:
        run.page_and_close(detection)


def _decide(run: CaseRun, detection: AnyDetection, event: Event) -> None:
    """Authorize and decide."""
    runtime, now = run.runtime, run.runtime.clock()
    nameless = _name_actor(run)
    authorization = authorization_of(runtime, run.leased.case, event)
    if nameless and authorization.standing is Standing.UNKNOWN:
        authorization = Authorization(standing=Standing.UNKNOWN, because=nameless)
    if _is_early(run, event, authorization, now):
        run.wait_until(run.leased.case.at + LOG_SHOWS_WITHIN)
        return
    mode = runtime.controls.read_state().mode(detection.id)
    if runtime.settings.tenant(run.leased.case.tenant_id) is None:
        decided = Decided(decision=Decision.PAGE, because="this tenant is not configured")
    else:
        decided = decide(detection, authorization.standing, mode)
    announced = _announced(run, detection)
    changes = {
        "actor": run.leased.case.actor,
        "standing": authorization.standing,
        "standing_because": authorization.because,
        "mode": mode,
        "decision": decided.decision,
        "because": f"{decided.because}; {announced}" if announced else decided.because,
        "would": decided.would,
        "decided_at": now,
    }
    if decided.decision is Decision.RECORD:
        run.close(**changes)
        return
    contain_unasked(runtime, msgspec.structs.replace(run.leased.case, standing=authorization.standing), detection)
    run.move(state=State.ACTED, acted_at=now, **changes)


def _name_actor(run: CaseRun) -> str:
    """Ask who the actor is where only the name of an application is known; gives why that can't be said, if so."""
    case = run.leased.case
    if not is_known_by_name(case.actor):
        return ""
    found = ask_for(run.runtime, case.tenant_id, case.actor, case.at)
    if not found.id:
        return f"it is not known who made the change: {found.because}"
    actor = msgspec.structs.replace(case.actor, id=found.id)
    run.leased = msgspec.structs.replace(run.leased, case=msgspec.structs.replace(case, actor=actor))
    return ""


def _is_early(run: CaseRun, event: Event, authorization: Authorization, asked_at: datetime) -> bool:
    """Whether a name alone approves the change, and the log may have lacked whose it was when that was asked."""
    is_by_name = is_known_by_name(event.actor) and bool(run.leased.case.actor.id)
    is_young = asked_at < run.leased.case.at + LOG_SHOWS_WITHIN
    return is_by_name and is_young and authorization.standing is Standing.APPROVED


def _announced(run: CaseRun, detection: AnyDetection) -> str:
    """Say by whom the sign-in of an emergency account was announced. It is paged all the same."""
    case, runtime = run.leased.case, run.runtime
    if detection.log is not Log.SIGN_IN or case.actor.id.lower() not in runtime.settings.emergency_accounts:
        return ""
    try:
        return runtime.announced(case.actor.id.lower(), case.at)
    except EdgeError as error:
        return f"whether this sign-in was announced isn't known: {error}"
