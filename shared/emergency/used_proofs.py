"""What was used already: nonces of signatures, and one-time codes. Each counts once.

It is kept in memory always, and in table `Counters` while storage answers: then one that was used at one instance of
the app counts at no other. Nothing is kept of a proof that was refused, so forgeries fill nothing.
"""

import secrets
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.errors import EdgeError

_PATIENCE: Final = timedelta(seconds=1)
_TRY_AGAIN_AFTER: Final = timedelta(seconds=60)
_THREADS: Final = 4


class UsedProofs:
    """Remembers what was used, for a process. `patience` is how long storage may take to answer."""

    def __init__(self, storage: Storage | None, *, patience: timedelta = _PATIENCE) -> None:
        self._storage = storage
        self._patience = patience.total_seconds()
        self._lock = threading.Lock()
        self._used: dict[str, datetime] = {}
        self._try_again: datetime | None = None
        self._threads = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="used-proofs")

    def __len__(self) -> int:
        """Give how many are remembered."""
        return len(self._used)

    def use(self, name: str, *, now: datetime, until: datetime) -> bool:
        """Use something up; False where it was used already. After `until` it would be refused for its age anyway."""
        with self._lock:
            self._used = {one: end for one, end in self._used.items() if end > now}
            if name in self._used:
                return False
            self._used[name] = until
        return self._storage is None or self._use_in_storage(self._storage, name, now=now, until=until)

    def _use_in_storage(self, storage: Storage, name: str, *, now: datetime, until: datetime) -> bool:
        with self._lock:
            if self._try_again is not None and now < self._try_again:
                return True
        asked: Future[bool | None] = self._threads.submit(_insert, storage, name, until)
        answered = asked.result() if wait([asked], timeout=self._patience).done else None
        if answered is None:
            with self._lock:
                self._try_again = now + _TRY_AGAIN_AFTER
        return answered is not False


def _insert(storage: Storage, name: str, until: datetime) -> bool | None:
    """Write that something is used; False where it was already, None where storage doesn't answer."""
    # The partition begins with the day after which it may go, as all of this table.
    partition = f"{until.astimezone(UTC) + timedelta(days=1):%Y%m%d} used-proofs"
    ours = secrets.token_hex(16)
    try:
        if storage.insert(Table.COUNTERS, partition, name, {"by": ours}):
            return True
        # An answer that was lost is asked for again, and then the row is there: ours, unless another wrote it.
        row = storage.row(Table.COUNTERS, partition, name)
    except EdgeError:
        return None
    return row is not None and row.columns.get("by") == ours
