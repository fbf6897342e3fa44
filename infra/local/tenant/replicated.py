"""A store whose reads lag behind its writes, as reads from another replica do."""

import time
from collections.abc import Callable


class Replicated[V]:
    """Values by key. `current` and `put` see the truth; `seen` and `all_seen` see what a reader is shown."""

    def __init__(self, lag: Callable[[], float]) -> None:
        """`lag` says for how many seconds a write stays unseen; it is asked at each write."""
        self._lag = lag
        self._versions: dict[str, list[tuple[float, V | None]]] = {}

    def seed(self, key: str, value: V) -> None:
        """Put `value` as if it had been there forever."""
        self._versions[key] = [(0.0, value)]

    def put(self, key: str, value: V | None) -> None:
        """Write `value`; None deletes."""
        self._versions.setdefault(key, []).append((time.monotonic() + self._lag(), value))

    def current(self, key: str) -> V | None:
        """Read what was written last."""
        versions = self._versions.get(key)
        return versions[-1][1] if versions else None

    def all_current(self) -> dict[str, V]:
        """Read everything as written last, oldest key first."""
        return {key: value for key in self._versions if (value := self.current(key)) is not None}

    def seen(self, key: str) -> V | None:
        """Read what a lagging reader is shown."""
        now = time.monotonic()
        shown = [value for visible_at, value in self._versions.get(key, []) if visible_at <= now]
        return shown[-1] if shown else None

    def all_seen(self) -> dict[str, V]:
        """Read everything a lagging reader is shown, oldest key first."""
        return {key: value for key in self._versions if (value := self.seen(key)) is not None}
