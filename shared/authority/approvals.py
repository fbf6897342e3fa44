"""Table `ApprovedActors`: what is said there of actors, and the commands' way to say it.

Every approval has an end and a ticket. Each approval, renewal and revocation is a row of its own
(`shared.authority.statements`): the partition is the approval list, the subject the actor's object id in lower case. A
row has all columns of what stands from then on, so the last row of an actor is how the actor stands.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from shared.authority import journal
from shared.authority.acts import UNSIGNED, Acts, ValidRows, with_unknown
from shared.authority.approval_history import ApprovalHistory, ApprovalStatements, is_key
from shared.authority.journal import Act, Effect, What
from shared.authority.standing import Approval, Malformed, approval_from, problem_with
from shared.authority.statements import (
    SINCE,
    RowKey,
    columns_of,
    instant_after,
    present,
    row_key_from,
    statements_in,
)
from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table
from shared.model.calls import checked_id
from shared.model.errors import EdgeError
from shared.model.kinds import ApprovalList, Image

_LONGEST: Final = timedelta(days=366)
_END_OF_SUBJECT: Final = "}"
"""The character after "|", which ends the subject in a key."""


class TableApprovals:
    """The rows of the table. They are only ever added."""

    def __init__(self, storage: Storage, *, clock: Callable[[], datetime], acts: Acts = UNSIGNED) -> None:
        self._storage = storage
        self._clock = clock
        self._acts = acts

    def history(self, approval_list: ApprovalList, *, emergency_accounts: Iterable[str]) -> ApprovalHistory:
        """Read all that was ever said on a list, in one query.

        Raises nothing: where it can't be read, everybody's standing is unknown.
        """
        accounts = frozenset(account.lower() for account in emergency_accounts)
        try:
            rows = self._valid("PartitionKey eq @list", about=f"{approval_list} ", list=approval_list.value)
        except EdgeError as error:
            return ApprovalHistory(
                approval_list=approval_list, statements={}, emergency_accounts=accounts, unread=str(error)
            )
        by_actor = {actor_id: statements for (_, actor_id), statements in self._statements(rows).items()}
        return ApprovalHistory(approval_list=approval_list, statements=by_actor, emergency_accounts=accounts)

    def find(self, approval_list: ApprovalList, actor_id: str) -> Approval | Malformed | None:
        """Read how an actor stands at present; None when the list has no row for the actor.

        Raises EdgeError when the table can't be read or doesn't exist.
        """
        if not is_key(actor_id):
            return Malformed(because=f"{actor_id[:80]!r} is not an object id")
        return present(self._said_of(approval_list, actor_id))

    def _said_of(self, approval_list: ApprovalList, actor_id: str) -> ApprovalStatements:
        for key in dict.fromkeys((actor_id.lower(), actor_id.upper())):
            rows = self._valid_of(approval_list, key)
            if statements := self._statements(rows).get((approval_list.value, actor_id.lower()), ()):
                return statements
        return ()

    def is_empty(self, approval_list: ApprovalList) -> bool:
        """Whether a list has no row at all. Raises EdgeError as `find`."""
        if self._acts is not UNSIGNED:
            return not self._valid("PartitionKey eq @list", about=f"{approval_list} ", list=approval_list.value).rows
        return not self._storage.rows(Table.APPROVED_ACTORS, "PartitionKey eq @list", most=1, list=approval_list.value)

    def all(self) -> list[tuple[str, str, Approval | Malformed]]:
        """Read how everybody stands at present, by list and actor id, malformed rows included."""
        found = self._statements(self._valid("PartitionKey ge ''", about=""))
        return [(name, actor, said) for (name, actor), several in found.items() if (said := present(several))]

    def _valid_of(self, approval_list: ApprovalList, key: str) -> ValidRows:
        """Read the rows whose key begins with an actor's id, and some of longer ids, which are about others."""
        return self._valid(
            "PartitionKey eq @list and RowKey ge @first and RowKey lt @end",
            about=f"{approval_list} {key}",
            list=approval_list.value,
            first=key,
            end=key + _END_OF_SUBJECT,
        )

    def _valid(self, query: str, *, about: str, **values: str) -> ValidRows:
        rows = self._storage.rows(Table.APPROVED_ACTORS, query, most=0, **values)
        return self._acts.valid(Table.APPROVED_ACTORS, rows, [f"{journal.APPROVAL} {about}"])

    def _statements(self, found: ValidRows) -> dict[tuple[str, str], ApprovalStatements]:
        read_at = self._clock()

        def read(key: RowKey, row: Row) -> Approval | Malformed:
            return _revoked_by(read_at, key, _approval_in(key, row))

        return with_unknown(statements_in(found.rows, read, read_at=read_at, fold=str.lower), found.unknown)

    def approve(self, approval: Approval, *, reason: str = "", since: datetime | None = None) -> None:
        """Write an approval; from now on it takes the place of the actor's earlier one on the same list.

        With `since`, the changes that the actor made from then on are accepted too, though nobody had approved them.

        Raises:
            ValueError: it has no ticket, no name, no approver, an impossible end or start, or a malformed target.
            BadIdentifier: the actor id isn't an object id.
            EdgeError: it couldn't be written.
        """
        checked_id("id", approval.actor_id)
        now = self._clock()
        if since is not None:
            approval = msgspec.structs.replace(approval, valid_from=since)
        problems = problems_with(approval, now=now) + _problems_with_since(since, now)
        if problems:
            raise ValueError("the approval was not written: " + "; ".join(problems))
        said_before = self._said_of(approval.approval_list, approval.actor_id)
        before = present(said_before)
        columns = _columns(approval)
        act = Act(
            who=approval.approved_by,
            what=_kind_of(before, since),
            why=": ".join(filter(None, (approval.ticket, reason))),
            when=instant_after(said_before, now),
            subject=journal.approval_subject(approval.approval_list, approval.actor_id),
            before=_shown(before),
            after=columns,
        )
        columns = columns if since is None else {**columns, SINCE: since.isoformat()}
        self._write(approval.approval_list, approval.actor_id, columns, act)

    def revoke(
        self,
        approval_list: ApprovalList,
        actor_id: str,
        *,
        by: str,
        reason: str = "",
        since: datetime | None = None,
    ) -> bool:
        """End an approval now, or as if it had ended at `since`; its rows stay. False when there is none.

        An approval that was revoked before that keeps the time of that.

        Raises:
            ValueError: it isn't said who revokes it; or `since` is still to come, or has no reason.
            BadIdentifier: the actor id isn't an object id.
            EdgeError: it couldn't be written.
        """
        checked_id("id", actor_id)
        now = self._clock()
        if problems := _problems_with_since(since, now):
            raise ValueError("the approval was not revoked: " + "; ".join(problems))
        if since is not None and not reason.strip():
            raise ValueError("the approval was not revoked: since an earlier instant, it needs a reason")
        found = self._valid_of(approval_list, actor_id.lower())
        said_before = self._statements(found).get((approval_list.value, actor_id.lower()), ())
        before = present(said_before)
        if before is None:
            return False
        when = instant_after(said_before, now)
        revoked_at = since or now
        if isinstance(before, Approval) and before.revoked_at is not None and before.revoked_at <= revoked_at:
            return True
        # A malformed row is written anew as it is: it stays malformed, and the actor unknown.
        columns = columns_of(max(found.rows, key=_place)) if isinstance(before, Malformed) else _columns(before)
        columns |= {"revoked_at": revoked_at.isoformat(), "revoked_by": by}
        act = Act(
            who=by,
            what=What.REVOKE,
            why=reason,
            when=when,
            subject=journal.approval_subject(approval_list, actor_id),
            before=_shown(before),
            after=_shown(columns),
            lowers=False,
        )
        self._write(approval_list, actor_id, columns if since is None else {**columns, SINCE: since.isoformat()}, act)
        return True

    def _write(self, approval_list: ApprovalList, actor_id: str, columns: Image, act: Act) -> None:
        """Write an act into the journal, and then the row by which it takes effect."""
        effect = Effect(table=Table.APPROVED_ACTORS, partition=approval_list, subject=actor_id.lower(), columns=columns)
        self._acts.write(self._storage, act, effect)


def problems_with(approval: Approval, *, now: datetime) -> list[str]:
    """Give the reasons why an approval can't be written at this time; empty when it can."""
    problems = [
        problem_with(approval),
        "it needs the actor's name" if not approval.name.strip() else "",
        "it has already ended" if approval.valid_until <= now else "",
        "it ends before it begins" if approval.valid_until <= approval.valid_from else "",
        "it is longer than a year; renew it instead" if approval.valid_until - now > _LONGEST else "",
        # An empty target would be lost in storage, and an approval without targets covers every object.
        "a target is empty or has a space in it" if any(len(one.split()) != 1 for one in approval.targets) else "",
    ]
    return [problem for problem in problems if problem]


def _problems_with_since(since: datetime | None, now: datetime) -> list[str]:
    if since is None:
        return []
    if since.tzinfo is None:
        return ["the instant since which it counts names no time zone"]
    return ["the instant since which it counts is still to come"] if since > now else []


def _kind_of(before: Approval | Malformed | None, since: datetime | None) -> What:
    if since is not None:
        return What.ACCEPT_CHANGES
    return What.RENEW if isinstance(before, Approval) and before.revoked_at is None else What.APPROVE


def _columns(approval: Approval) -> Image:
    """Give the columns of a row that says this of its actor."""
    fields: Image = msgspec.to_builtins(approval)
    columns = {name: value for name, value in fields.items() if value is not None}
    del columns["approval_list"], columns["actor_id"]
    return {**columns, "targets": " ".join(approval.targets)}


def _shown(said: Approval | Malformed | Image | None) -> Image | None:
    """Give what was said as the journal has it."""
    match said:
        case None:
            return None
        case Approval():
            return _columns(said)
        case Malformed(because=because):
            return {"malformed": because}
        case _:
            return msgspec.to_builtins(said)


def _place(row: Row) -> tuple[bool, str]:
    """Put a row without an instant last, as it counts before all others when it is malformed."""
    return row_key_from(row.key).said is None, row.key


def _revoked_by(read_at: datetime, key: RowKey, said: Approval | Malformed) -> Approval | Malformed:
    """Let a revocation by a clock that is ahead count when it is read."""
    is_ahead = key.said is not None and key.said > read_at
    if is_ahead and isinstance(said, Approval) and said.revoked_at is not None:
        return msgspec.structs.replace(said, revoked_at=min(said.revoked_at, read_at))
    return said


def _approval_in(key: RowKey, row: Row) -> Approval | Malformed:
    if key.said is None:
        return Malformed(because="its row key names no instant, as those of `responder approve` do: delete it")
    if key.subject != key.subject.lower():
        return Malformed(because="its row key should begin with the object id in lower case")
    return approval_from({**row.columns, "approval_list": row.partition, "actor_id": key.subject})


def until_from(text: str) -> datetime:
    """Read an end date: "2027-01-31" (the end of that day, UTC) or a full ISO time.

    Raises:
        ValueError: it is neither.
    """
    try:
        found = datetime.fromisoformat(text)
        whole_day = len(text) <= len("2027-01-31")
        found = found + timedelta(days=1) if whole_day else found
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a date: write 2027-01-31 or 2027-01-31T18:00:00Z") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def since_from(text: str) -> datetime:
    """Read a start: "2027-01-31" (the beginning of that day, UTC) or a full ISO time.

    Raises:
        ValueError: it is neither.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a date: write 2027-01-31 or 2027-01-31T18:00:00Z") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
