"""What is kept of the posture: the last result, a line for each day, and what people decided about checks and items.

All of it is in table `Switches`, in a partition for each tenant: `latest`, `day 2026-03-02`, `confirmed ITEM`,
`accepted CHECK`, `sorted ACCOUNT`. Days are kept for a bit more than a year.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from shared.authority import journal
from shared.authority.journal import Act, What
from shared.checks.check import Status
from shared.checks.posture import Decision, Posture
from shared.clients.columns import packed, unpacked
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.errors import Rejected

_LATEST: Final = "latest"
_DAY: Final = "day "
_KEPT: Final = timedelta(days=400)
_LONGEST: Final = timedelta(days=400)
"""The longest that a decision counts: what nobody looks at again for a year is forgotten."""


class Day(Struct, frozen=True, kw_only=True):
    """What the checks of a day gave: the status of each by its id."""

    day: str
    statuses: dict[str, Status]


class Decisions(Struct, frozen=True, kw_only=True):
    """What people decided, by the ids of items, checks and accounts; those that ended too."""

    confirmed: Mapping[str, Decision]
    accepted: Mapping[str, Decision]
    sorted: Mapping[str, Decision]


class PostureStore:
    """The rows of a tenant's posture. Each method raises EdgeError where storage fails."""

    def __init__(self, storage: Storage, tenant_id: str) -> None:
        self._storage = storage
        self._partition = f"posture {tenant_id}"

    def latest(self) -> Posture | None:
        """Give the last result; None where there is none, or it can't be read any more."""
        row = self._storage.row(Table.CONTROLS, self._partition, _LATEST)
        try:
            content = unpacked("posture", row.columns) if row else None
            return msgspec.json.decode(content, type=Posture) if content else None
        except (ValueError, msgspec.DecodeError):
            return None  # of another version: the next one takes its place

    def keep(self, posture: Posture) -> None:
        """Keep a result, and its day; days that are too old go. Raises Rejected for one that no row can hold."""
        columns = packed("posture", msgspec.json.encode(posture))
        if columns is None:
            raise Rejected("the posture is larger than a row of the table")
        day = Day(day=posture.at.date().isoformat(), statuses={line.id: line.status for line in posture.lines})
        key = f"{_DAY}{day.day}"
        self._storage.upsert(
            Table.CONTROLS, self._partition, key, {"statuses": msgspec.json.encode(day.statuses).decode()}
        )
        self._storage.upsert(Table.CONTROLS, self._partition, _LATEST, columns)
        oldest = f"{_DAY}{(posture.at - _KEPT).date().isoformat()}"
        for row in self._rows(_DAY, oldest):
            self._storage.delete(Table.CONTROLS, row)

    def days(self, *, since: datetime) -> list[Day]:
        """Give the days from an instant on, the oldest first. A row that can't be read is left out."""
        found: list[Day] = []
        for row in self._rows(f"{_DAY}{since.date().isoformat()}", f"{_DAY}~"):
            try:
                statuses = msgspec.json.decode(str(row.columns.get("statuses")), type=dict[str, Status])
            except msgspec.DecodeError:
                continue
            found.append(Day(day=row.key.removeprefix(_DAY), statuses=statuses))
        return sorted(found, key=lambda each: each.day)

    def decisions(self) -> Decisions:
        """Give what people decided. A row that can't be read decides nothing."""
        found: dict[str, dict[str, Decision]] = {"confirmed": {}, "accepted": {}, "sorted": {}}
        for kind, by_id in found.items():
            for row in self._rows(f"{kind} ", f"{kind} ~"):
                try:
                    by_id[row.key.partition(" ")[2]] = msgspec.json.decode(str(row.columns.get("said")), type=Decision)
                except msgspec.DecodeError:
                    continue
        return Decisions(**found)

    def confirm(self, item: str, decision: Decision) -> None:
        """Note that a person confirms an item. Raises ValueError where the reason or the end is missing or wrong."""
        self._decide("confirmed", item, decision, What.CONFIRM)

    def accept(self, check: str, decision: Decision) -> None:
        """Note that a person accepts the risk of a check that fails. Raises as `confirm`."""
        self._decide("accepted", check, decision, What.ACCEPT_RISK)

    def sort(self, account: str, decision: Decision) -> None:
        """Note of which category an account is, by its object id. Raises as `confirm`."""
        self._decide("sorted", account.lower(), decision, What.SORT_ACCOUNT)

    def _decide(self, kind: str, of: str, decision: Decision, what: What) -> None:
        if not decision.by.strip() or not decision.reason.strip():
            raise ValueError("who decides it and why should be said")
        if not decision.at < decision.until <= decision.at + _LONGEST:
            raise ValueError(f"it should end within {_LONGEST.days} days from now, so that somebody looks again")
        key = f"{kind} {of}"
        row = self._storage.row(Table.CONTROLS, self._partition, key)
        said = msgspec.json.encode(decision).decode()
        journal.append(
            self._storage,
            Act(
                who=decision.by,
                what=what,
                why=decision.reason,
                when=decision.at,
                subject=f"{self._partition} {of}",
                before={"said": row.columns.get("said")} if row else None,
                after={"said": said},
            ),
        )
        self._storage.upsert(Table.CONTROLS, self._partition, key, {"said": said})

    def _rows(self, first: str, last: str):  # noqa: ANN202 - as storage gives them
        return self._storage.rows(
            Table.CONTROLS,
            "PartitionKey eq @it and RowKey ge @first and RowKey lt @last",
            it=self._partition,
            first=first,
            last=last,
        )
