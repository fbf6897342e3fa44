"""The controls that operators set: the kill switch and the modes.

Each setting of a control is a row of its own in table `Switches` (`shared.authority.statements`): the partition is
`mode` or `kill`, the subject the detection or `all`.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from shared.authority import journal
from shared.authority.acts import UNSIGNED, Acts, with_unknown
from shared.authority.control_history import ControlHistory, ControlState
from shared.authority.journal import Act, Effect, What
from shared.authority.statements import (
    Malformed,
    RowKey,
    instant_after,
    present,
    statements_in,
)
from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table
from shared.model.errors import EdgeError
from shared.model.kinds import Mode

__all__ = ["ControlState", "Controls"]

_MODE, _KILL, _ALL = "mode", "kill", "all"
_BOTH: Final = "PartitionKey ge 'kill' and PartitionKey lt 'modf'"
"""The partitions `kill` and `mode`, in one query: half of them would be taken for the whole."""

NO_MODE: Final = "default"
"""What a row says that takes the mode of a detection's own back."""

_ORDER: Final = tuple(Mode)
"""The modes, from the one that does least."""


class Controls:
    """Reads and sets the controls."""

    def __init__(self, storage: Storage, *, clock: Callable[[], datetime], acts: Acts = UNSIGNED) -> None:
        self._storage = storage
        self._clock = clock
        self._acts = acts

    def read_state(self) -> ControlState:
        """Read all controls as they stand. An unreadable table raises nothing: cases are then answered by paging."""
        return self.history().present

    def history(self) -> ControlHistory:
        """Read all that was ever said of the controls, in one query. Raises nothing: what can't be read is unknown."""
        try:
            return self._read()
        except EdgeError as error:
            return ControlHistory(modes={}, kill_switch=(), unread=str(error))

    def _read(self) -> ControlHistory:
        found = self._acts.valid(
            Table.CONTROLS, self._storage.rows(Table.CONTROLS, _BOTH), [f"{journal.MODE} ", journal.KILL_SWITCH]
        )
        rows, read_at = found.rows, self._clock()
        modes = statements_in([row for row in rows if row.partition == _MODE], _mode_in, read_at=read_at)
        # A row of another name was meant for the switch too.
        kill_switch = statements_in(
            [row for row in rows if row.partition == _KILL], _stopped_in, read_at=read_at, fold=lambda _name: _ALL
        )
        modes = with_unknown(modes, {place: doubt for place, doubt in found.unknown.items() if place[0] == _MODE})
        kill_switch = with_unknown(
            kill_switch, {place: doubt for place, doubt in found.unknown.items() if place[0] == _KILL}
        )
        return ControlHistory(
            modes={detection: statements for (_, detection), statements in modes.items()},
            kill_switch=kill_switch.get((_KILL, _ALL), ()),
        )

    def set_mode(self, detection: str, mode: Mode | None, *, by: str, reason: str = "") -> None:
        """Set the mode of one detection, or of all detections without a mode of their own ("*").

        None takes the mode of its own back. A mode that does less than the present one needs a reason.

        Raises:
            ValueError: that is missing, or who does it.
            EdgeError: the present mode couldn't be read, or the new one not be written.
        """
        controls = self._read()
        standing = controls.present
        said_before = controls.modes.get(detection, ())
        others = {name: one for name, one in standing.modes.items() if name != detection}
        after = mode or ControlState(stopped=False, modes=others).mode(detection)
        self._write(
            _MODE,
            detection,
            {"mode": mode.value if mode else NO_MODE},
            Act(
                who=by,
                what=What.SET_MODE,
                why=reason,
                when=instant_after(said_before, self._clock()),
                subject=journal.mode_subject(detection),
                before={"mode": _shown(present(said_before))},
                after={"mode": _shown(mode)},
                lowers=_ORDER.index(after) < _ORDER.index(standing.mode(detection)),
            ),
        )

    def stop(self, *, by: str, reason: str) -> None:
        """Turn the kill switch on: from now on nothing is put back, and cases are paged instead.

        Raises as `set_mode`.
        """
        self._turn(by=by, reason=reason, what=What.STOP)

    def start(self, *, by: str, reason: str = "") -> None:
        """Turn the kill switch off. Raises as `set_mode`."""
        self._turn(by=by, reason=reason, what=What.START)

    def _turn(self, *, by: str, reason: str, what: What) -> None:
        said_before = self._read().kill_switch
        stopped = what is What.STOP
        self._write(
            _KILL,
            _ALL,
            {"stopped": stopped, "reason": reason},
            Act(
                who=by,
                what=what,
                why=reason,
                when=instant_after(said_before, self._clock()),
                subject=journal.KILL_SWITCH,
                before={"stopped": _shown(present(said_before))},
                after={"stopped": stopped},
                lowers=stopped,
            ),
        )

    def _write(self, partition: str, subject: str, columns: dict[str, Any], act: Act) -> None:
        """Write an act into the journal, and then the row by which it takes effect."""
        columns = {**columns, "by": act.who, "at": act.when.isoformat()}
        effect = Effect(table=Table.CONTROLS, partition=partition, subject=subject, columns=columns)
        self._acts.write(self._storage, act, effect)


def _mode_in(key: RowKey, row: Row) -> Mode | Malformed | None:
    mode = row.columns.get("mode")
    if key.said is None:
        return Malformed(because="its row key names no instant, as those of `responder mode` do: delete it")
    if mode == NO_MODE:
        return None
    return Mode(mode) if mode in set(Mode) else Malformed(because=f"{mode!r} is no mode")


def _stopped_in(key: RowKey, row: Row) -> bool | Malformed:
    stopped = row.columns.get("stopped")
    if key.said is None:
        return Malformed(because="its row key names no instant, as those of `responder stop` do: delete it")
    return stopped if isinstance(stopped, bool) else Malformed(because=f"{stopped!r} is neither true nor false")


def _shown(said: Mode | Malformed | bool | None) -> str | bool | None:  # noqa: FBT001 - what was said, as it was
    return f"malformed: {said.because}" if isinstance(said, Malformed) else said
