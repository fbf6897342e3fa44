"""Table `ApprovedActors`: `authorize` reads it, the commands manage it. Every approval has an end and a ticket."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from shared.authority.standing import Approval, Malformed, approval_from, problem_with
from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table
from shared.model.calls import checked_id
from shared.model.kinds import ApprovalList

_LONGEST: Final = timedelta(days=366)


class TableApprovals:
    """The rows of the table: the partition is the approval list, the key the actor's object id in lower case."""

    def __init__(self, storage: Storage, *, clock: Callable[[], datetime]) -> None:
        self._storage = storage
        self._clock = clock

    def find(self, approval_list: ApprovalList, actor_id: str) -> Approval | Malformed | None:
        """Read the row of an actor; None when the list has none.

        Raises EdgeError when the table can't be read or doesn't exist.
        """
        if not _is_key(actor_id):
            return Malformed(because=f"{actor_id[:80]!r} is not an object id")
        row = self._storage.row(Table.APPROVED_ACTORS, approval_list, actor_id.lower())
        if row is None and actor_id.lower() != actor_id.upper():
            row = self._storage.row(Table.APPROVED_ACTORS, approval_list, actor_id.upper())
        return _approval_in(row) if row else None

    def is_empty(self, approval_list: ApprovalList) -> bool:
        """Whether a list has no row at all. Raises EdgeError as `find`."""
        return not self._storage.rows(Table.APPROVED_ACTORS, "PartitionKey eq @list", most=1, list=approval_list.value)

    def all(self) -> list[tuple[str, str, Approval | Malformed]]:
        """Read every row, with its list and actor id, malformed ones included."""
        rows = self._storage.rows(Table.APPROVED_ACTORS, "PartitionKey ge ''")
        return [(row.partition, row.key, _approval_in(row)) for row in rows]

    def approve(self, approval: Approval) -> None:
        """Write an approval; it replaces the actor's earlier one on the same list.

        Raises:
            ValueError: it has no ticket, no name, an impossible end or a malformed target.
            BadIdentifier: the actor id isn't an object id.
        """
        checked_id("id", approval.actor_id)
        if found := problems_with(approval, now=self._clock()):
            raise ValueError("the approval was not written: " + "; ".join(found))
        fields = msgspec.to_builtins(approval)
        columns = {name: value for name, value in fields.items() if value is not None}
        del columns["approval_list"], columns["actor_id"]
        columns["targets"] = " ".join(approval.targets)
        self._storage.upsert(Table.APPROVED_ACTORS, approval.approval_list, approval.actor_id.lower(), columns)

    def revoke(self, approval_list: ApprovalList, actor_id: str, *, by: str) -> bool:
        """End an approval now; its row stays, as history. False when there is none.

        An approval that was revoked before keeps the time of that.
        """
        checked_id("id", actor_id)
        row = self._storage.row(Table.APPROVED_ACTORS, approval_list, actor_id.lower())
        if row is None:
            return False
        found, now = _approval_in(row), self._clock()
        if isinstance(found, Approval) and found.revoked_at is not None and found.revoked_at <= now:
            return True
        self._storage.replace(
            Table.APPROVED_ACTORS, row, {**row.columns, "revoked_at": now.isoformat(), "revoked_by": by}
        )
        return True


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


def _approval_in(row: Row) -> Approval | Malformed:
    if row.key != row.key.lower():
        return Malformed(because="its row key should be the object id in lower case")
    return approval_from({**row.columns, "approval_list": row.partition, "actor_id": row.key})


def _is_key(text: str) -> bool:
    return bool(text) and len(text) <= 512 and not set(text) & set("/\\#?") and text.isprintable()  # noqa: PLR2004 - a key


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
