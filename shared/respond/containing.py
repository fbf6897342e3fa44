"""Containment: what is taken from the account behind a case, as one plan, and what a person then decides about it.

The plan goes in an order that leaves no way back: the account first, then what it left behind, credentials before roles
before grants before everything else. A person is shown it and does it by its digest, or mode enforce does the account's
part of it for a detection that says so. Only a person gives it back. Nothing here asks the tenant: the app acts at its
next look.
"""

import hashlib
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from shared.authority import journal
from shared.authority.journal import Act, What
from shared.model.calls import ID_SHAPES, checked_id
from shared.model.cases import Case, Standing
from shared.model.detections import AnyDetection
from shared.model.errors import LeaseLost, Rejected
from shared.model.events import ActorKind
from shared.model.kinds import Mode
from shared.objects.restraints import NOT_TAKEN, Containment, Entry, KeptContainment, RestraintStep, Said, StepState
from shared.respond.asking import is_named
from shared.respond.components import Runtime
from shared.respond.persons import Result
from shared.respond.restraining import never_restrained, why_waiting

if TYPE_CHECKING:
    from shared.respond.stolen import Revocation, Revoked

_log = logging.getLogger("responder.restraints")

_ACCOUNT: Final = ID_SHAPES["id"]


class PlannedStep(Struct, frozen=True, kw_only=True):
    """One act on an account, as a plan shows it: what it does, how it is undone, how it stands ("" for not yet)."""

    account: str
    act: str
    does: str
    undo: str
    stands: str = ""


class ContainmentPlan(Struct, frozen=True, kw_only=True):
    """What containing the actor of a case would do: to the account, and to what it left behind.

    `kept` is what was asked for the case already. `waiting` says why nothing would be sent at present. `digest` names
    all of it, "" where nothing is to be done.
    """

    case: Case
    since: datetime
    steps: tuple[PlannedStep, ...]
    revocation: "Revocation"
    kept: Containment | None
    waiting: str
    digest: str


class Contained(Struct, frozen=True, kw_only=True):
    """What came of it. `plan` is as it was when it was to be done."""

    result: Result
    plan: ContainmentPlan
    revoked: "Revoked | None" = None


def why_not(runtime: Runtime, case: Case) -> str:
    """Say why the actor of a case can't be restrained, "" where it can: above all, it must be certain who that is."""
    actor = case.actor
    if not actor.id:
        return "it isn't known who the actor is"
    if actor.kind is not ActorKind.USER or not _ACCOUNT.fullmatch(actor.id):
        return "its actor is no account of a person: take back what it did with responder revoke"
    if runtime.settings.tenant(case.tenant_id) is None:
        return "its tenant is not configured"
    return never_restrained(runtime.settings, actor.id)


def plan_containment(
    runtime: Runtime, case: Case, *, since: datetime | None = None, also: Collection[str] = ()
) -> ContainmentPlan:
    """Work out what containing the actor of a case would do; `since` is when somebody else began to use the account.

    Without it, that is the instant of the case. `also` are object ids of accounts that it made, as a person names them.
    Raises Rejected where one of them can't be restrained, BadIdentifier where it is no object id, and EdgeError.
    """
    from shared.respond.stolen import plan_revocation  # noqa: PLC0415 - people ask rarely, start-up is a feature

    if because := why_not(runtime, case):
        raise Rejected(f"the actor of case {case.id} is not contained: {because}")
    others = _others(runtime, case, also)
    since = since or case.at
    kept = runtime.restraints.read(case.tenant_id, case.id)
    one = _wanted(runtime, case, kept, Said(by="", at=runtime.clock(), reason=""), others)
    revocation = plan_revocation(runtime, case.actor.id, since)
    is_new = kept is None or one.steps != kept.containment.steps
    has_work = is_new or bool(revocation.approvals or revocation.plans)
    shown = (
        case.id,
        is_new,
        [(step.account, step.act, len(step.entries)) for step in one.steps] if is_new else [],
        revocation.digest,
    )
    return ContainmentPlan(
        case=case,
        since=since,
        steps=_shown_steps(runtime, one, kept),
        revocation=revocation,
        kept=kept.containment if kept else None,
        waiting=why_waiting(runtime, one, []),
        digest=hashlib.sha256(msgspec.json.encode(shown)).hexdigest() if has_work else "",
    )


def contain(
    runtime: Runtime,
    case: Case,
    *,
    digest: str,
    by: str,
    reason: str,
    since: datetime | None = None,
    also: Collection[str] = (),
) -> Contained:
    """Ask for what was shown under this digest, if it is still what would be done. The account comes first.

    A run that dies in between is done again: the rest is shown then, under another digest. Raises as
    `plan_containment`, and ValueError where `by` or `reason` is missing.
    """
    from shared.respond.stolen import revoke_since  # noqa: PLC0415 - people ask rarely, start-up is a feature

    plan = plan_containment(runtime, case, since=since, also=also)
    if not plan.digest:
        return Contained(result=Result.ALREADY, plan=plan)
    if not is_named(plan.digest, digest):
        return Contained(result=Result.MOVED, plan=plan)
    _ask(runtime, case, Said(by=by, at=runtime.clock(), reason=reason), _others(runtime, case, also))
    if not plan.revocation.approvals and not plan.revocation.plans:
        return Contained(result=Result.DONE, plan=plan)
    revoked = revoke_since(runtime, case.actor.id, plan.since, digest=plan.revocation.digest, by=by, reason=reason)
    is_whole = revoked.result in {Result.DONE, Result.ALREADY}
    return Contained(result=Result.DONE if is_whole else Result.NOT_ALL, plan=plan, revoked=revoked)


def _others(runtime: Runtime, case: Case, also: Collection[str]) -> tuple[str, ...]:
    """Give the accounts that a person names besides. Raises Rejected and BadIdentifier."""
    others = tuple(dict.fromkeys(checked_id("id", each).lower() for each in also))
    for each in others:
        if because := never_restrained(runtime.settings, each):
            raise Rejected(f"{each} is not contained: {because}")
    return tuple(each for each in others if each != case.actor.id.lower())


def _wanted(
    runtime: Runtime, case: Case, kept: KeptContainment | None, said: Said, others: Sequence[str]
) -> Containment:
    """Give the containment of a case as it is to be: what was refused, not done or released is asked for again.

    Nothing of what was is taken out. It is the same as it was where nothing more is to be asked for.
    """
    new = _asked(runtime, case, said, others=others)
    if kept is None:
        return new
    before, entry = kept.containment, Entry(at=said.at, state=StepState.ASKED)
    known = {(step.account, step.act) for step in before.steps}
    steps = (
        *(
            msgspec.structs.replace(step, entries=(*step.entries, entry))
            if before.released is not None or step.state in NOT_TAKEN
            else step
            for step in before.steps
        ),
        *(step for step in new.steps if (step.account, step.act) not in known),
    )
    if steps == before.steps:
        return before
    return msgspec.structs.replace(before, asked=said, is_unasked=False, steps=steps, kept=None, released=None)


def _ask(runtime: Runtime, case: Case, said: Said, others: Sequence[str]) -> None:
    """Ask for the accounts' part, where something of it is to be asked for.

    Raises LeaseLost where the app writes the row meanwhile.
    """
    kept = runtime.restraints.read(case.tenant_id, case.id)
    one = _wanted(runtime, case, kept, said, others)
    if kept is not None and one.steps == kept.containment.steps:
        return
    _note(runtime, one, What.CONTAIN, said)
    if kept is None:
        runtime.restraints.insert(one)
    else:
        runtime.restraints.replace(kept, one)


def contain_unasked(runtime: Runtime, case: Case, detection: AnyDetection) -> bool:
    """Ask for the account's part of a containment where mode enforce says so; False where it doesn't.

    It has to be a detection that contains, in mode enforce by its own name ever since the change, an actor who is
    certainly not approved, and an account that may be restrained. What the account did is put back by its own cases.
    Raises EdgeError.
    """
    if not detection.contains or case.standing is not Standing.UNAPPROVED or why_not(runtime, case):
        return False
    controls, now = runtime.controls.history(), runtime.clock()
    is_enforced = controls.enforced_throughout(detection.id, case.at, now) is True
    by_name = controls.present.modes.get(detection.id) is Mode.ENFORCE
    if not (is_enforced and by_name and controls.never_stopped(case.at, now) is True):
        return False
    said = Said(by=f"mode enforce of {detection.id}", at=runtime.clock(), reason=detection.title)
    runtime.restraints.insert(_asked(runtime, case, said, is_unasked=True))
    return True


def release(runtime: Runtime, tenant_id: str, case: str, *, by: str, reason: str) -> Result:
    """Give back what was taken because of a case: the app does it at its next look.

    Raises Rejected where nothing was, EdgeError, and ValueError where `by` or `reason` is missing.
    """

    def changed(one: Containment, said: Said) -> Containment | None:
        return None if one.released else msgspec.structs.replace(one, released=said)

    return _decide(runtime, tenant_id, case, changed, What.RELEASE, by=by, reason=reason)


def keep(runtime: Runtime, tenant_id: str, case: str, *, by: str, reason: str) -> Result:
    """Decide that an account stays restrained: nobody is reminded any more. Raises as `release`."""

    def changed(one: Containment, said: Said) -> Containment | None:
        return None if one.released or one.kept else msgspec.structs.replace(one, kept=said)

    return _decide(runtime, tenant_id, case, changed, What.KEEP_RESTRAINED, by=by, reason=reason)


def _decide(
    runtime: Runtime,
    tenant_id: str,
    case: str,
    changed: Callable[[Containment, Said], Containment | None],
    what: What,
    *,
    by: str,
    reason: str,
) -> Result:
    """Write what a person decided, after the journal has it. Busy where the app writes the same row meanwhile."""
    kept = runtime.restraints.read(tenant_id, case)
    if kept is None:
        raise Rejected(f"nothing was taken from anybody because of case {case}; responder restraints lists what was")
    said = Said(by=by, at=runtime.clock(), reason=reason)
    after = changed(kept.containment, said)
    if after is None:
        return Result.ALREADY
    _note(runtime, kept.containment, what, said)
    return _written(runtime, kept, after, lambda one: changed(one, said))


_TRIES: Final = 20
_PAUSE: Final = 0.5


def _written(
    runtime: Runtime,
    kept: KeptContainment,
    after: Containment,
    again: Callable[[Containment], Containment | None],
) -> Result:
    for _ in range(_TRIES):
        try:
            runtime.restraints.replace(kept, after)
        except LeaseLost as lost:
            _log.info("%s", lost)
        else:
            return Result.DONE
        runtime.wait(_PAUSE)
        found = runtime.restraints.read(after.tenant_id, after.case)
        changed = again(found.containment) if found else None
        if found is None or changed is None:
            return Result.ALREADY
        kept, after = found, changed
    return Result.BUSY


def _asked(
    runtime: Runtime, case: Case, said: Said, *, is_unasked: bool = False, others: Sequence[str] = ()
) -> Containment:
    """Ask for each act on the actor's account, then on the others."""
    entry = Entry(at=said.at, state=StepState.ASKED)
    tenant = runtime.settings.tenant(case.tenant_id)
    actor = case.actor.id.lower()
    names = {actor: case.actor.name or actor, **{each: each for each in others}}
    return Containment(
        tenant_id=case.tenant_id,
        case=case.id,
        detection=case.detection,
        asked=said,
        is_unasked=is_unasked,
        steps=tuple(
            RestraintStep(account=account, name=name, act=act.id, entries=(entry,))
            for account, name in names.items()
            for act in runtime.account_acts
            if tenant is not None and tenant.kind in act.tenants
        ),
    )


def _shown_steps(runtime: Runtime, one: Containment, kept: KeptContainment | None) -> tuple[PlannedStep, ...]:
    acts = {act.id: act for act in runtime.account_acts}
    known = {(step.account, step.act): step.state.value for step in (kept.containment.steps if kept else ())}
    return tuple(
        PlannedStep(
            account=step.name,
            act=step.act,
            does=acts[step.act].does if step.act in acts else step.act,
            undo=acts[step.act].undo if step.act in acts else "",
            stands=known.get((step.account, step.act), ""),
        )
        for step in one.steps
    )


def _note(runtime: Runtime, one: Containment, what: What, said: Said) -> None:
    journal.append(
        runtime.storage,
        Act(
            who=said.by,
            what=what,
            why=said.reason,
            when=said.at,
            subject=f"restraints {one.tenant_id} {one.case}",
            before=None,
            after={"accounts": sorted({step.account for step in one.steps}), "acts": [step.act for step in one.steps]},
        ),
    )
