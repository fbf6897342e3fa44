"""The controls that operators set, the kill switch and the modes, and the hourly counts of remediations.

All are in table `Switches`.
"""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from shared.clients.storage import Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.model.errors import EdgeError, Rejected
from shared.model.kinds import Mode, ObjectKind

_TRIES = 5


class ControlState(Struct, frozen=True, kw_only=True):
    """The controls as they were read. When that failed, `stopped` is None, every mode is page, `unread` says why."""

    stopped: bool | None
    modes: dict[str, Mode]
    unread: str = ""

    def mode(self, detection: str) -> Mode:
        """Give the mode of a detection: its own, else the one for all detections ("*"), else observe."""
        return self.modes.get(detection, self.modes.get("*", Mode.PAGE if self.unread else Mode.OBSERVE))


class Controls:
    """Reads and sets the controls, and counts remediations."""

    def __init__(self, storage: Storage, *, clock: Callable[[], datetime]) -> None:
        self._storage = storage
        self._clock = clock

    def read_state(self) -> ControlState:
        """Read all controls. An unreadable table raises nothing: cases are still answered then, by paging."""
        try:
            rows = self._storage.rows(Table.CONTROLS, "PartitionKey eq @kind", kind="mode")
            stop = self._storage.row(Table.CONTROLS, "kill", "all")
        except EdgeError as error:
            return ControlState(stopped=None, modes={}, unread=str(error))
        known = {row.key: Mode(row.columns["mode"]) for row in rows if row.columns.get("mode") in set(Mode)}
        unknown = {row.key: Mode.PAGE for row in rows if row.key not in known}
        return ControlState(stopped=bool(stop and stop.columns.get("stopped", True)), modes={**known, **unknown})

    def set_mode(self, detection: str, mode: Mode, *, by: str) -> None:
        """Set the mode of one detection, or of all detections without a mode of their own ("*")."""
        columns = {"mode": mode.value, "by": by, "at": self._clock().isoformat()}
        self._storage.upsert(Table.CONTROLS, "mode", detection, columns)

    def stop(self, *, by: str, reason: str) -> None:
        """Turn the kill switch on: from now on nothing is put back, and cases are paged instead."""
        columns = {"stopped": True, "by": by, "reason": reason, "at": self._clock().isoformat()}
        self._storage.upsert(Table.CONTROLS, "kill", "all", columns)

    def start(self, *, by: str) -> None:
        """Turn the kill switch off."""
        columns = {"stopped": False, "by": by, "at": self._clock().isoformat()}
        self._storage.upsert(Table.CONTROLS, "kill", "all", columns)

    def count_remediation(self, kind: ObjectKind, *, limit: int) -> bool:
        """Count one more remediation of a kind in this hour; False, without counting, when the limit is reached.

        Raises EdgeError when the count can't be read or written.
        """
        partition, hour = f"spent {kind}", self._hour()
        for _ in range(_TRIES):
            row = self._storage.row(Table.CONTROLS, partition, hour)
            if row is None:
                if limit > 0 and self._storage.insert(Table.CONTROLS, partition, hour, {"count": 1}):
                    return True
                if limit <= 0:
                    return False
                continue
            count = row.columns.get("count")
            if not isinstance(count, int):
                raise Rejected(f"the count of remediations in this hour, {count!r}, is not a number")
            if count >= limit:
                return False
            try:
                self._storage.replace(Table.CONTROLS, row, {"count": count + 1})
            except Conflict:
                continue
            return True
        return False

    def _hour(self) -> str:
        return f"{self._clock():%Y%m%d%H}"
