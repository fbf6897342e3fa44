"""What stood in the lists before operators were founded: they sign it once, or it doesn't count any more."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from shared.authority import journal
from shared.authority.acts import WaitsForSecond
from shared.authority.controls import NO_MODE
from shared.authority.journal import Act, Effect, What
from shared.authority.signed_acts import SignedActs
from shared.authority.signed_watch import LISTS
from shared.authority.statements import columns_of, row_key_from
from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table

_WHY: Final = "it stood before operators were founded"


class Standing(Struct, frozen=True, kw_only=True):
    """What stands unsigned: the journal's subject of it, and the row that says it."""

    subject: str
    effect: Effect


def standing(storage: Storage, acts: SignedActs, *, now: datetime) -> list[Standing]:
    """Give what stands of each subject about which nothing is signed, of all lists. Raises EdgeError."""
    found: list[Standing] = []
    for table, (query, subjects) in LISTS.items():
        rows = storage.rows(table, query)
        counting = acts.valid(table, rows, subjects)
        signed = {(row.partition, row_key_from(row.key).subject) for row in counting.rows}
        last: dict[tuple[str, str], Row] = {}
        for row in sorted(rows, key=_place):
            last[row.partition, row_key_from(row.key).subject] = row
        found += [
            Standing(
                subject=_subject(table, *place),
                effect=Effect(table=table, partition=place[0], subject=place[1], columns=columns_of(row)),
            )
            for place, row in sorted(last.items())
            if place not in signed and _stands(row.columns, now)
        ]
    return found


def adopt(storage: Storage, acts: SignedActs, one: Standing, *, now: datetime) -> bool:
    """Sign what stands; False where it waits for a second operator. Raises as `Acts.write`."""
    act = Act(
        who="",
        what=What.ADOPT,
        why=_WHY,
        when=now,
        subject=one.subject,
        before=None,
        after=one.effect.columns,
    )
    try:
        acts.write(storage, act, one.effect)
    except WaitsForSecond:
        return False
    return True


def _place(row: Row) -> tuple[bool, str]:
    return row_key_from(row.key).said is not None, row.key


def _stands(columns: Mapping[str, Any], now: datetime) -> bool:
    """Whether a row still says something: it wasn't taken back, and hasn't ended."""
    if columns.get("removed") or columns.get("revoked_at") or columns.get("mode") == NO_MODE:
        return False
    if columns.get("stopped") is False:
        return False
    until = columns.get("valid_until")
    return until is None or str(until) > now.isoformat()


def _subject(table: Table, partition: str, subject: str) -> str:
    match table:
        case Table.APPROVED_ACTORS:
            return journal.approval_subject(partition, subject)
        case Table.OWNERS:
            return journal.owner_subject(partition, subject)
        case _:
            return journal.KILL_SWITCH if partition == "kill" else journal.mode_subject(subject)
