"""The modes and the kill switch at any instant, by what had been said then. Read once, pure after that.

Of a row that somebody deleted in storage by hand nothing can be known: the answers are as if it had never been.
"""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from shared.authority.statements import Malformed, Statement, in_force, instants, present, throughout
from shared.model.kinds import Mode

EVERY_DETECTION = "*"
"""Stands for all detections without a mode of their own."""

type ModeStatements = tuple[Statement[Mode | None], ...]
"""What was said of a detection's own mode; None takes it back, so that the one for all counts again."""


class ControlState(Struct, frozen=True, kw_only=True):
    """The controls as they were read. When that failed, `stopped` is None, every mode is page, `unread` says why."""

    stopped: bool | None
    modes: dict[str, Mode]
    unread: str = ""

    def mode(self, detection: str) -> Mode:
        """Give the mode of a detection: its own, else the one for all detections ("*"), else observe."""
        return self.modes.get(detection, self.modes.get(EVERY_DETECTION, Mode.PAGE if self.unread else Mode.OBSERVE))


class ControlHistory(Struct, frozen=True, kw_only=True):
    """All that was ever said of the modes, by detection, and of the kill switch: True where it was put on.

    `unread` says why they couldn't be read, if so.
    """

    modes: Mapping[str, ModeStatements]
    kill_switch: tuple[Statement[bool], ...]
    unread: str = ""

    @property
    def present(self) -> ControlState:
        """The controls as they stand. A mode that isn't understood is page, and such a kill switch is on."""
        if self.unread:
            return ControlState(stopped=None, modes={}, unread=self.unread)
        own = {detection: present(statements) for detection, statements in self.modes.items()}
        modes = {detection: _or_page(mode) for detection, mode in own.items() if mode is not None}
        stopped = present(self.kill_switch)
        return ControlState(stopped=isinstance(stopped, Malformed) or bool(stopped), modes=modes)

    def mode(self, detection: str, at: datetime) -> Mode:
        """Give the mode of a detection at an instant; page where it isn't known.

        It is its own, else the one for all detections ("*"), else observe.
        """
        return _or_page(self._mode(detection, at))

    def enforced_throughout(self, detection: str, since: datetime, until: datetime) -> bool | None:
        """Whether a detection enforced at every instant from `since` up to and including `until`.

        False where it surely did not at any, None where it isn't known.
        """
        points = [one.since for name in (detection, EVERY_DETECTION) for one in self.modes.get(name, ())]
        return throughout(self._enforced(detection, at) for at in instants(points, since, until))

    def stopped(self, at: datetime) -> bool | None:
        """Whether the kill switch was on at an instant; None where it isn't known."""
        if self.unread:
            return None
        statement = in_force(self.kill_switch, at)
        if statement is None:
            return False
        return None if isinstance(statement.value, Malformed) else statement.value

    def never_stopped(self, since: datetime, until: datetime) -> bool | None:
        """Whether the kill switch was off at every instant from `since` up to and including `until`.

        False where it was on at any, None where it isn't known.
        """
        found = [self.stopped(at) for at in instants((one.since for one in self.kill_switch), since, until)]
        return throughout(None if stopped is None else not stopped for stopped in found)

    def _mode(self, detection: str, at: datetime) -> Mode | Malformed:
        if self.unread:
            return Malformed(because=self.unread)
        for name in (detection, EVERY_DETECTION):
            statement = in_force(self.modes.get(name, ()), at)
            if statement is not None and statement.value is not None:
                return statement.value
        return Mode.OBSERVE

    def _enforced(self, detection: str, at: datetime) -> bool | None:
        mode = self._mode(detection, at)
        return None if isinstance(mode, Malformed) else mode is Mode.ENFORCE


def _or_page(mode: Mode | Malformed) -> Mode:
    """Take a mode that isn't known for page: somebody wanted more than observing, or less than enforcing."""
    return Mode.PAGE if isinstance(mode, Malformed) else mode
