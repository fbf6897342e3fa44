"""Table `Owners`: who is paged, in which order. Each place is named again, or given up, by a further row."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from shared.authority import journal
from shared.authority.acts import UNSIGNED, Acts
from shared.authority.journal import Act, Effect, What
from shared.authority.statements import (
    Malformed,
    RowKey,
    Statement,
    in_force,
    instant_after,
    present,
    statements_in,
)
from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table

EMERGENCY: Final = "emergency"
"""The scope of those who are paged in an emergency, and for urgent pages that nobody else has acknowledged."""

EVERYTHING: Final = "*"
"""The scope of those who are paged for everything that has no owners of its own."""


class NamedOwner(Struct, frozen=True, kw_only=True):
    """Who is paged for a scope in a place. `order` is three digits; a row that people wrote by hand may have others.

    `pagerduty` is the id of the owner's user in PagerDuty, "" where nobody entered it.
    """

    scope: str
    order: str
    name: str
    upn: str
    pagerduty: str = ""


type _Places = dict[tuple[str, str], tuple[Statement[NamedOwner | None], ...]]
"""What was said of each place: its owner, or None from when it was given up."""


class OwnerHistory(Struct, frozen=True, kw_only=True):
    """Who was paged for one scope, or for all: as they stand, and as they stood at any instant."""

    places: _Places

    @property
    def present(self) -> tuple[NamedOwner, ...]:
        """Who is paged now, by scope and order."""
        return _named(present(statements) for _, statements in sorted(self.places.items()))

    def at(self, at: datetime) -> tuple[NamedOwner, ...]:
        """Who was paged at an instant, by scope and order."""
        found = (in_force(statements, at) for _, statements in sorted(self.places.items()))
        return _named(one.value if one else None for one in found)


class TableOwners:
    """Names owners and reads them. Rows are never overwritten."""

    def __init__(self, storage: Storage, *, clock: Callable[[], datetime], acts: Acts = UNSIGNED) -> None:
        self._storage = storage
        self._clock = clock
        self._acts = acts

    def history(self, scope: str = "") -> OwnerHistory:
        """Read all that was said of the places of a scope; of every scope where none is given. Raises EdgeError."""
        query = "PartitionKey eq @scope" if scope else "PartitionKey ge @scope"
        rows = self._storage.rows(Table.OWNERS, query, scope=scope)
        about = f"{journal.OWNER} {scope} " if scope else f"{journal.OWNER} "
        found = self._acts.valid(Table.OWNERS, rows, [about])
        # Where an entry is missing, who was named last is paged: better somebody than nobody.
        return OwnerHistory(places=statements_in(found.rows, _read, read_at=self._clock()))

    def name(self, owner: NamedOwner, *, by: str, reason: str = "") -> None:
        """Name who is paged in a place. Who takes the place of another needs a reason.

        Raises:
            ValueError: that is missing, or who does it.
            EdgeError: it couldn't be written.
        """
        statements = self.history(owner.scope).places.get((owner.scope, owner.order), ())
        self._write(owner.scope, owner.order, owner, statements, by=by, reason=reason)

    def remove(self, scope: str, order: str, *, by: str, reason: str) -> bool:
        """Have nobody paged in a place any more; False where nobody is. Raises as `name`."""
        statements = self.history(scope).places.get((scope, order), ())
        if present(statements) is None:
            return False
        self._write(scope, order, None, statements, by=by, reason=reason)
        return True

    def _write(
        self,
        scope: str,
        order: str,
        owner: NamedOwner | None,
        statements: tuple[Statement[NamedOwner | None], ...],
        *,
        by: str,
        reason: str,
    ) -> None:
        said = instant_after(statements, self._clock())
        standing = present(statements)
        before = standing if isinstance(standing, NamedOwner) else None
        act = Act(
            who=by,
            what=What.NAME_OWNER if owner else What.REMOVE_OWNER,
            why=reason,
            when=said,
            subject=journal.owner_subject(scope, order),
            before=_columns(before),
            after=_columns(owner),
            lowers=before is not None and _is_replaced(before, owner),
        )
        columns = {**(_columns(owner) or {"removed": True}), "by": by}
        effect = Effect(table=Table.OWNERS, partition=scope, subject=order, columns=columns)
        self._acts.write(self._storage, act, effect)


def _columns(owner: NamedOwner | None) -> dict[str, Any] | None:
    if owner is None:
        return None
    columns = {"name": owner.name, "upn": owner.upn}
    return {**columns, "pagerduty": owner.pagerduty} if owner.pagerduty else columns


def _is_replaced(before: NamedOwner, after: NamedOwner | None) -> bool:
    """Whether somebody else is paged in the place, or may acknowledge in PagerDuty in the name of who was."""
    if after is None or before.upn != after.upn:
        return True
    return bool(before.pagerduty) and before.pagerduty != after.pagerduty


def _named(found: Iterable[object]) -> tuple[NamedOwner, ...]:
    return tuple(one for one in found if isinstance(one, NamedOwner))


def _read(key: RowKey, row: Row) -> NamedOwner | Malformed | None:
    """Read a row. One that was written by hand without an instant counts too: better somebody is paged than nobody."""
    if row.columns.get("removed"):
        return None
    columns = row.columns
    return NamedOwner(
        scope=row.partition,
        order=key.subject,
        name=str(columns.get("name", "")),
        upn=str(columns.get("upn", "")),
        pagerduty=str(columns.get("pagerduty") or ""),
    )
