"""A stolen administrator: the approvals are taken back since an instant, and what the account did since then with them.

One plan shows all of it: which approvals end, what stands and what would be put back, leaf by leaf, what others have
built on it since, and what a guard objects to. Confirmed, the approvals end first, as an entry that says since when;
then each object is asked for by itself, and the reconciler writes, with every guard that binds people.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from shared.authority.standing import Approval
from shared.model.calls import ID_SHAPES, checked_id
from shared.model.errors import EdgeError, LeaseLost, Rejected, ResponderError
from shared.model.kinds import ApprovalList, ObjectKind
from shared.model.objects import ObjectId
from shared.respond.act_plans import plan_act
from shared.respond.acts import Acted, act
from shared.respond.asking import ActPlan, Asking, Verb, is_named
from shared.respond.components import Runtime
from shared.respond.persons import Result
from shared.respond.waking import announce

_log = logging.getLogger("responder.acts")

_ACCOUNT: Final = ID_SHAPES["id"]
"""Who acts over HTTP goes by an object id too; on the command line by the name of the terminal's user."""

WAYS_BACK: Final = (
    ObjectKind.EVENT_SUBSCRIPTION,
    ObjectKind.ENTRA_DIAGNOSTIC_SETTING,
    ObjectKind.DIAGNOSTIC_SETTING,
    ObjectKind.RESTRICTED_UNIT,
    ObjectKind.APPLICATION_OWNER,
    ObjectKind.APPLICATION,
    ObjectKind.SERVICE_PRINCIPAL,
    ObjectKind.GUARDED_GROUP,
    ObjectKind.DIRECTORY_ROLE_ASSIGNMENT,
    ObjectKind.DIRECTORY_ROLE_ELIGIBILITY,
    ObjectKind.ROLE_ASSIGNMENT,
    ObjectKind.APP_ROLE_ASSIGNMENT,
    ObjectKind.DELEGATED_GRANT,
    ObjectKind.USER_GRANT,
)
"""The kinds of objects by which somebody comes back, or isn't seen, in the order in which they are taken.

What the responder hears and people see by comes before: whatever is done next is known then. A restricted unit is the
first of the others: while an account is in one, nothing else can be done to it.
"""

_TRIES: Final = 5
_PAUSE: Final = 2.0
"""Seconds between tries of an object that is being looked at."""


class Revocation(Struct, frozen=True, kw_only=True):
    """What taking an account's approvals back since an instant would do.

    `approvals` are the lists on which it has one that ends. `plans` are of the objects of which something is taken
    back, `others` of those that the account changed and of which nothing is. `leans` says what else came of it, and
    `unread` what couldn't be read. `digest` names all of it.
    """

    actor: str
    since: datetime
    approvals: tuple[ApprovalList, ...]
    plans: tuple[ActPlan, ...]
    others: tuple[ActPlan, ...]
    leans: tuple[str, ...]
    unread: tuple[str, ...]
    digest: str


class Revoked(Struct, frozen=True, kw_only=True):
    """What came of it: as a whole, and by object. `revocation` is the plan as it was when it was to be done."""

    result: Result
    revocation: Revocation
    acted: tuple[Acted, ...] = ()


def plan_revocation(runtime: Runtime, actor: str, since: datetime) -> Revocation:
    """Work out what an account did since an instant, and what would be put back.

    Raises Rejected for an emergency account, which nobody fights, for the app itself, and for an instant that is still
    to come; BadIdentifier where it is no object id; EdgeError where approvals or the list of objects can't be read.
    """
    actor = checked_id("id", actor).lower()
    _refuse_ours(runtime, actor)
    if since > runtime.clock():
        raise Rejected(f"{since:%Y-%m-%d %H:%M:%S} UTC is still to come: say since when somebody else used the account")
    plans: list[ActPlan] = []
    unread: list[str] = []
    nameless: Counter[str] = Counter()
    for each in _touched(runtime, actor, since, unread, nameless):
        try:
            plans.append(plan_act(runtime, _asking(each, actor, since)).plan)
        except ResponderError as error:
            unread.append(f"{each.kind} {each.key}: {error}")
    plans.sort(key=_order)
    wanted = tuple(plan for plan in plans if plan.digest)
    approvals = tuple(_approved(runtime, actor, since))
    shown = (actor, since, approvals, [plan.digest for plan in wanted])
    return Revocation(
        actor=actor,
        since=since,
        approvals=approvals,
        plans=wanted,
        others=tuple(plan for plan in plans if not plan.digest),
        leans=(*_given(runtime, actor, since), *_perhaps(runtime, since, nameless)),
        unread=tuple(unread),
        digest=hashlib.sha256(msgspec.json.encode(shown)).hexdigest(),
    )


def revoke_since(runtime: Runtime, actor: str, since: datetime, *, digest: str, by: str, reason: str) -> Revoked:
    """Do what was shown under this digest, if it is still what would be done.

    A run that dies in between is done again: the rest is shown then, under another digest.
    Where an object couldn't be looked at, it is done in part. Raises as `plan_revocation`, and ValueError where `by` or
    `reason` is missing.
    """
    revocation = plan_revocation(runtime, actor, since)
    if not revocation.approvals and not revocation.plans:
        nothing = Result.NOT_ALL if revocation.unread else Result.ALREADY
        return Revoked(result=nothing, revocation=revocation)
    if not is_named(revocation.digest, digest):
        return Revoked(result=Result.MOVED, revocation=revocation)
    if not by.strip() or not reason.strip():
        raise ValueError("it was not revoked: it needs who does it, and a reason")
    announce(runtime.storage, at=runtime.clock(), since=since)
    for each in revocation.approvals:
        runtime.approvals.revoke(each, revocation.actor, by=by, reason=reason, since=since)
    acted = tuple(_act(runtime, plan, by=by, reason=reason) for plan in revocation.plans)
    is_whole = not revocation.unread and all(one.result in {Result.DONE, Result.ALREADY} for one in acted)
    return Revoked(result=Result.DONE if is_whole else Result.NOT_ALL, revocation=revocation, acted=acted)


def _act(runtime: Runtime, plan: ActPlan, *, by: str, reason: str) -> Acted:
    """Ask for one object. What is being looked at is tried again; what fails stops no other."""
    acted = Acted(id=plan.asking.id, result=Result.BUSY)
    for _ in range(_TRIES):
        try:
            acted = act(runtime, plan.asking, digest=plan.digest, by=by, reason=reason)
        except (EdgeError, LeaseLost) as error:
            _log.warning("%s %s could not be asked for: %s", plan.asking.id.kind, plan.asking.id.key, error)
        if acted.result is not Result.BUSY:
            return acted
        runtime.wait(_PAUSE)
    return acted


def _order(plan: ActPlan) -> tuple[int, str, str, str]:
    """Sort what leaves a way back first: owners and credentials, roles, grants, then everything else."""
    kind = plan.asking.id.kind
    place = WAYS_BACK.index(kind) if kind in WAYS_BACK else len(WAYS_BACK)
    return place, kind, plan.name, plan.asking.id.key


def _asking(object_id: ObjectId, actor: str, since: datetime) -> Asking:
    return Asking(verb=Verb.REVOKE, id=object_id, actor=actor, since=since)


def _refuse_ours(runtime: Runtime, actor: str) -> None:
    settings = runtime.settings
    if actor in settings.emergency_accounts:
        raise Rejected(f"{actor} is an emergency account: what it did is denied case by case, or undone by hand")
    if actor in {tenant.responder_id.lower() for tenant in settings.tenants}:
        raise Rejected(f"{actor} is the app's own identity: undo its put-backs case by case")


def _touched(
    runtime: Runtime, actor: str, since: datetime, unread: list[str], nameless: Counter[str]
) -> Iterator[ObjectId]:
    """Give each object that the account changed, or accepted, since an instant.

    `nameless` counts what was accepted since then by whom no account is known.
    """
    for tenant in runtime.settings.tenants:
        kinds = [kind.kind for kind in runtime.kinds.values() if kind.tenant_kind is tenant.kind]
        for seen in (one for kind in kinds for one in runtime.objects.seen(tenant.id, kind)):
            try:
                kept = runtime.objects.read(seen.id)
                accepted = [one for one in kept.state.acceptances if one.at >= since] if kept else []
                nameless.update(one.by for one in accepted if not _ACCOUNT.search(one.by))
                if any(actor in one.by.lower() for one in accepted) or _is_changed(runtime, seen.id, actor, since):
                    yield seen.id
            except ResponderError as error:
                unread.append(f"{seen.id.kind} {seen.id.key}: {error}")


def _is_changed(runtime: Runtime, object_id: ObjectId, actor: str, since: datetime) -> bool:
    changes = runtime.objects.changes(object_id, since=since)
    return any(one.actor.id.lower() == actor and not one.is_ours for one in changes)


def _approved(runtime: Runtime, actor: str, since: datetime) -> Iterator[ApprovalList]:
    """Give the lists on which the account has an approval that doesn't end before the instant yet."""
    for name, who, said in runtime.approvals.all():
        found = next((one for one in ApprovalList if one == name), None)
        if who != actor or found is None:
            continue
        if not isinstance(said, Approval) or said.revoked_at is None or said.revoked_at > since:
            yield found


def _given(runtime: Runtime, actor: str, since: datetime) -> Iterator[str]:
    """Say what else the account did with the app: whom it approved since then."""
    for name, who, said in runtime.approvals.all():
        if isinstance(said, Approval) and said.valid_from >= since and actor in said.approved_by.lower():
            yield f"it approved {said.name} ({who}) on {name}: responder revoke {name} {who}"


def _perhaps(runtime: Runtime, since: datetime, accepted: Counter[str]) -> Iterator[str]:
    """Say what was accepted and approved since then by whom no account is known: it may have been this one."""
    said = (one for _, _, one in runtime.approvals.all())
    approved = Counter(
        one.approved_by
        for one in said
        if isinstance(one, Approval) and one.valid_from >= since and not _ACCOUNT.search(one.approved_by)
    )
    for who in sorted(accepted.keys() | approved.keys()):
        yield (
            f"{who} accepted {accepted[who]} objects and approved {approved[who]} actors since then, by no account that"
            " is known: if that was this one, `responder journal` says what, and `baseline reject` and `revoke` end it"
        )
