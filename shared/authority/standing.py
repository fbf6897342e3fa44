"""Stage 3: is the actor approved? The answer is approved, unapproved or unknown, and any doubt makes it unknown."""

from datetime import datetime
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from shared.authority.statements import Malformed
from shared.model.cases import Standing
from shared.model.errors import EdgeError
from shared.model.events import Actor, ActorKind
from shared.model.kinds import ApprovalList
from shared.model.profile import hours_from, is_within


class Approval(Struct, frozen=True, kw_only=True):
    """What a row of table `ApprovedActors` says: the actor may make the changes that the approval list is about.

    With `targets`, it covers only objects with these ids (lower case); a target that ends with "*" covers every id that
    begins so. With `hours` (as `profile.hours_from` reads them), what is done outside of them is in doubt. From
    `revoked_at` on, the actor is unapproved.
    """

    approval_list: ApprovalList
    actor_id: str
    kind: ActorKind
    name: str
    valid_from: datetime
    valid_until: datetime
    ticket: str
    approved_by: str
    targets: tuple[str, ...] = ()
    hours: str = ""
    revoked_at: datetime | None = None

    def covers(self, target_id: str) -> bool:
        """Whether changes of this object are covered."""
        wanted = target_id.lower()
        return not self.targets or any(_covers(pattern.lower(), wanted) for pattern in self.targets)


def _covers(pattern: str, target_id: str) -> bool:
    return target_id.startswith(pattern[:-1]) if pattern.endswith("*") else target_id == pattern


class Approvals(Protocol):
    """Reads approval rows. Both methods raise EdgeError when the table can't be read."""

    def find(self, approval_list: ApprovalList, actor_id: str) -> Approval | Malformed | None:
        """Read the row of an actor; None when the list has none."""
        ...

    def is_empty(self, approval_list: ApprovalList) -> bool:
        """Say whether the list has no row at all."""
        ...


class Authorization(Struct, frozen=True, kw_only=True):
    """A standing, and the reason for it."""

    standing: Standing
    because: str


_UNKNOWN: Final = Standing.UNKNOWN


def authorize(
    actor: Actor,
    approval_list: ApprovalList | None,
    *,
    target_id: str,
    at: datetime,
    responder_id: str,
    approvals: Approvals,
) -> Authorization:
    """Say whether `actor` is approved for a change of `target_id` made at `at`.

    `responder_id` is the responder's own identity in the tenant, which is always approved. Without an `approval_list`
    the detection applies whoever did it, so the standing is unknown.
    """
    if responder_id and actor.id == responder_id:
        return Authorization(standing=Standing.APPROVED, because="the responder itself made the change")
    if approval_list is None:
        return Authorization(standing=_UNKNOWN, because="the detection has no approval list")
    if not actor.id:
        return Authorization(standing=_UNKNOWN, because="the record doesn't say who made the change")
    try:
        approval = approvals.find(approval_list, actor.id)
        if approval is None and approvals.is_empty(approval_list):
            return Authorization(
                standing=_UNKNOWN,
                because=f"approval list {approval_list} is empty, so nobody counts as unapproved",
            )
    except EdgeError as error:
        return Authorization(standing=_UNKNOWN, because=f"approval list {approval_list} could not be read: {error}")
    return authorization_by(approval, approval_list, actor, target_id, at)


def authorization_by(
    approval: Approval | Malformed | None, approval_list: ApprovalList, actor: Actor, target_id: str, at: datetime
) -> Authorization:
    """Say whether an actor is approved for a change made at `at`, by what a list with rows says of the actor."""
    match approval:
        case None:
            return Authorization(
                standing=Standing.UNAPPROVED, because=f"no row for {actor.id} in approval list {approval_list}"
            )
        case Malformed(because=because):
            return Authorization(
                standing=_UNKNOWN,
                because=f"the row for {actor.id} in approval list {approval_list} is malformed: {because}",
            )
        case Approval():
            standing, reason = _standing_by_approval(approval, actor, target_id, at)
            row = f"the row for {actor.id} in approval list {approval_list} (ticket {approval.ticket})"
            return Authorization(standing=standing, because=f"{row} {reason}")


def _standing_by_approval(approval: Approval, actor: Actor, target_id: str, at: datetime) -> tuple[Standing, str]:
    if approval.kind is not actor.kind:
        return _UNKNOWN, f"is for a {approval.kind}, and a {actor.kind} acted"
    if approval.revoked_at is not None and at >= approval.revoked_at:
        return Standing.UNAPPROVED, f"was revoked on {approval.revoked_at:%Y-%m-%d %H:%M} UTC"
    if at < approval.valid_from:
        return _UNKNOWN, f"is valid only from {approval.valid_from:%Y-%m-%d %H:%M} UTC, after the change"
    if at >= approval.valid_until:
        return _UNKNOWN, f"ended on {approval.valid_until:%Y-%m-%d %H:%M} UTC, before the change"
    if not approval.covers(target_id):
        return Standing.UNAPPROVED, "covers other objects, not this one"
    return _standing_by_hours(approval, at)


def _standing_by_hours(approval: Approval, at: datetime) -> tuple[Standing, str]:
    """Somebody may well work late: at another time it is in doubt whether it is them."""
    if approval.hours and not is_within(hours_from(approval.hours), at):
        return _UNKNOWN, f"counts at {approval.hours}, and the change was made at another time"
    return Standing.APPROVED, f"is valid until {approval.valid_until:%Y-%m-%d %H:%M} UTC"


def approval_from(columns: dict[str, object]) -> Approval | Malformed:
    """Read a row's columns; a row with any problem is Malformed as a whole."""
    targets = columns.get("targets", "")
    fields = {**columns, "targets": tuple(targets.split()) if isinstance(targets, str) else targets}
    try:
        approval = msgspec.convert({name: value for name, value in fields.items() if value is not None}, Approval)
    except msgspec.ValidationError as error:
        return Malformed(because=str(error))
    problem = problem_with(approval)
    return Malformed(because=problem) if problem else approval


def problem_with(approval: Approval) -> str:
    """Say what is wrong with an approval whose fields have the right types, "" where nothing is."""
    if approval.kind is ActorKind.UNKNOWN:
        return "its kind should be user or servicePrincipal"
    if not approval.ticket.strip():
        return "it needs a ticket, which says who asked for it"
    if any(set(target) & set(",;") for target in approval.targets):
        return "its targets should be separated by spaces"
    try:
        _ = hours_from(approval.hours) if approval.hours else None
    except ValueError as error:
        return f"its hours {error}"
    instants = {
        "valid_from": approval.valid_from,
        "valid_until": approval.valid_until,
        "revoked_at": approval.revoked_at,
    }
    naive = [name for name, instant in instants.items() if instant is not None and instant.tzinfo is None]
    return f"{naive[0]} names no time zone; it should be like 2027-01-31T18:00:00Z" if naive else ""
