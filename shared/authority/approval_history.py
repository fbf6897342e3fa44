"""Who was approved at any instant, by what the approval list said then. Read once, pure after that.

What is said later doesn't change an answer, with two exceptions that a person makes on purpose: changes that are
accepted afterwards, and an approval that is revoked since an earlier instant. Neither makes anything be put back
unasked: who was approved, as far as had been said, wasn't unapproved throughout. An approval that says it is valid from
earlier than it was said counts from when it was said. Of a row that somebody deleted in storage by hand nothing can be
known: the answers are as if it had never been.
"""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from shared.authority.standing import Approval, Authorization, authorization_by
from shared.authority.statements import Malformed, Statement, in_force, instants, throughout
from shared.model.cases import Standing
from shared.model.events import Actor
from shared.model.kinds import ApprovalList

type ApprovalStatements = tuple[Statement[Approval], ...]

_LONGEST_KEY = 512


class ApprovalHistory(Struct, frozen=True, kw_only=True):
    """All that was ever said on an approval list, by actor in lower case. `unread` says why it couldn't be read, if so.

    `emergency_accounts` are the object ids, in lower case, of those whose changes are unknown whatever the list says:
    people are called, nobody fights them. The responder's own identity is nobody special here.
    """

    approval_list: ApprovalList
    statements: Mapping[str, ApprovalStatements]
    emergency_accounts: frozenset[str]
    unread: str = ""

    def standing(self, actor: Actor, target_id: str, at: datetime) -> Authorization:
        """Say whether an actor was approved for a change of `target_id` made at `at`. Any doubt makes it unknown."""
        return self._standing(actor, self._said_of(actor), target_id, at)

    def _standing(self, actor: Actor, said: ApprovalStatements, target_id: str, at: datetime) -> Authorization:
        if doubt := self._doubt(actor):
            return Authorization(standing=Standing.UNKNOWN, because=doubt)
        statement = in_force(said, at)
        if statement is not None:
            return authorization_by(statement.value, self.approval_list, actor, target_id, at)
        match self.was_empty(at):
            case True:
                because = f"approval list {self.approval_list} was empty, so nobody counts as unapproved"
                return Authorization(standing=Standing.UNKNOWN, because=because)
            case None:
                because = f"whether approval list {self.approval_list} had any row then isn't known"
                return Authorization(standing=Standing.UNKNOWN, because=because)
            case False:
                return self._without_row(actor, said, target_id, at)

    def _without_row(self, actor: Actor, said: ApprovalStatements, target_id: str, at: datetime) -> Authorization:
        found = authorization_by(None, self.approval_list, actor, target_id, at)
        first = next((one.said for one in said if one.said is not None), None)
        later = f" at that time; the first is of {first:%Y-%m-%d %H:%M} UTC" if first else ""
        return Authorization(standing=found.standing, because=found.because + later)

    def was_empty(self, at: datetime) -> bool | None:
        """Whether nothing had been said on the list before or at an instant; then everybody is unknown.

        None where that isn't known: the list couldn't be read, or its only rows till then may be those that name no
        instant.
        """
        if self.unread:
            return None
        instants_said = [one.said for several in self.statements.values() for one in several]
        if any(said is not None and said <= at for said in instants_said):
            return False
        return None if None in instants_said else True

    def unapproved_throughout(self, actor: Actor, target_id: str, since: datetime, until: datetime) -> bool | None:
        """Whether an actor was unapproved at every instant from `since` up to and including `until`.

        False where the actor was approved at any, None where it isn't known. What counts at an instant is what had been
        said by then: an approval that was revoked since an earlier instant was one until somebody revoked it.
        """
        said = self._said_of(actor)
        points = [point for one in said for point in (one.said, *_turns(one))]
        # That the list isn't empty any more turns an answer only from unknown, which `since` itself has then.
        return throughout(
            _is_unapproved(self._standing(actor, _said_by(at, said), target_id, at).standing)
            for at in instants(points, since, until)
        )

    def _said_of(self, actor: Actor) -> ApprovalStatements:
        return self.statements.get(actor.id.lower(), ())

    def _doubt(self, actor: Actor) -> str:
        """Say why nothing can be said of an actor at any instant, "" where something can."""
        if actor.id.lower() in self.emergency_accounts:
            return "an emergency account made the change: people are called, whatever the lists say"
        if self.unread:
            return f"approval list {self.approval_list} could not be read: {self.unread}"
        if not actor.id:
            return "the record doesn't say who made the change"
        return "" if is_key(actor.id) else f"{actor.id[:80]!r} is not an object id"


def standing_of(
    actor: Actor, history: ApprovalHistory | None, *, target_id: str, at: datetime, own_intent: str = ""
) -> Authorization:
    """Say whether a change was approved: by an intent of the responder's own, or by what the list said at its instant.

    `own_intent` is the intent in the ledger that explains a change as the responder's own, "" where none does. Only
    that approves the responder: its identity alone may have been stolen. `history` is of the detection's approval list,
    None where it has none: then the detection applies whoever did it, and the standing is unknown.
    """
    if own_intent:
        return Authorization(standing=Standing.APPROVED, because=f"the responder made the change (intent {own_intent})")
    if history is None:
        return Authorization(standing=Standing.UNKNOWN, because="the detection has no approval list")
    return history.standing(actor, target_id, at)


def is_key(actor_id: str) -> bool:
    """Whether an actor's id can be part of a row's key. Where it can't, that no row is found proves nothing."""
    return 0 < len(actor_id) <= _LONGEST_KEY and not set(actor_id) & set("/\\#?") and actor_id.isprintable()


def _said_by(at: datetime, statements: ApprovalStatements) -> ApprovalStatements:
    """Give what had been said by an instant, and what may have been."""
    return tuple(one for one in statements if one.said is None or one.said <= at)


def _turns(statement: Statement[Approval]) -> list[datetime | None]:
    """Give the instants at which what a statement says may change."""
    approval = statement.value
    if isinstance(approval, Malformed):
        return [statement.since]
    return [statement.since, approval.valid_from, approval.valid_until, approval.revoked_at]


def _is_unapproved(standing: Standing) -> bool | None:
    return None if standing is Standing.UNKNOWN else standing is Standing.UNAPPROVED
