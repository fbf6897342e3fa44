"""Which kinds have objects that wait for other objects, so that what has moved need not ask all kinds who waits.

A row of table `Switches`, partition `waiting-kinds TENANT`, names a kind. It is written before the first such object
is, and anew while there are any; who finds none any more takes it away once it is old, so that no write is missed that
is under way. With a row too many a listing is read for nothing, with one too few an object waits for its next look.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from shared.clients.storage import Row, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.model.clock import Clock
from shared.model.kinds import ObjectKind
from shared.model.objects import Objection, ObjectState, Verdict

_ANEW: Final = timedelta(hours=1)
"""For so long a process counts on a row that it has written."""

_OLD: Final = 3 * _ANEW
_BY_ITSELF: Final = frozenset(
    {
        *(verdict.name.lower() for verdict in Verdict),
        *("authority", "hourly-limit", "kill-switch", "lock", "made-already", "refused", "throttled"),
        *("unproved", "unreadable"),
    }
)
"""What passes with time, by people's acts or with the service, whatever becomes of other objects."""


def leans_on_others(objections: Mapping[str, Objection]) -> bool:
    """Whether one of them may go away when another object moves; others pass with time, or with the service."""
    return any(each.can_pass and each.until is None and each.guard not in _BY_ITSELF for each in objections.values())


class Leaning:
    """Rows that name such kinds. Safe to share between threads; each method raises EdgeError where storage fails."""

    def __init__(self, storage: Storage, *, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._lock = threading.Lock()
        self._named: dict[tuple[str, ObjectKind], datetime] = {}

    def name(self, state: ObjectState) -> None:
        """Name the kind of an object that waits for others, before it is written."""
        if not leans_on_others(state.pending):
            return
        tenant_id, kind, now = state.id.tenant_id, state.id.kind, self._clock()
        with self._lock:
            named = self._named.get((tenant_id, kind))
        if named is not None and now - named < _ANEW:
            return
        self._storage.upsert(Table.CONTROLS, _partition(tenant_id), kind, {"at": now.isoformat()})
        with self._lock:
            self._named[tenant_id, kind] = now

    def kinds(self, tenant_id: str) -> Iterator[tuple[ObjectKind, Row]]:
        """Give the kinds that are named, each with its row."""
        for row in self._storage.rows(Table.CONTROLS, "PartitionKey eq @tenant", tenant=_partition(tenant_id)):
            with suppress(ValueError):
                yield ObjectKind(row.key), row

    def none_found(self, row: Row) -> None:
        """Take a row away where nothing waits that it names, unless it is young or somebody has written it since."""
        at = row.instant("at")
        if at is not None and self._clock() - at < _OLD:
            return
        with suppress(Conflict):
            self._storage.delete(Table.CONTROLS, row)


def _partition(tenant_id: str) -> str:
    # Not between `kill` and `mode`: the rows of those are read as one range, and operators sign them.
    return f"waiting-kinds {tenant_id}"
