"""A store whose reads lag behind its writes, as reads from another replica do."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Lags:
    """For how many seconds a write stays unseen; each is asked when it matters, so a changed setting counts at once.

    `reads` is for everything. `listings` comes on top for what was created or deleted: it is read by its id already,
    and the listing still lacks it, or still has it.
    """

    reads: Callable[[], float]
    listings: Callable[[], float] = lambda: 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version[V]:
    visible_at: float
    value: V | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held[V]:
    until: float
    value: V | None


class Replicated[V]:
    """Values by key. `current` and `put` see the truth; `seen` and `all_seen` see what a reader is shown.

    Versions that nobody can be shown any more are dropped at the next write of their key.
    """

    def __init__(self, lags: Lags) -> None:
        self._lags = lags
        self._versions: dict[str, list[_Version[V]]] = {}
        self._held: dict[str, _Held[V]] = {}

    def __len__(self) -> int:
        """How many versions are kept, of all keys."""
        return sum(map(len, self._versions.values()))

    def seed(self, key: str, value: V) -> None:
        """Put `value` as if it had been there forever."""
        self._versions[key] = [_Version(visible_at=0.0, value=value)]

    def put(self, key: str, value: V | None) -> None:
        """Write `value`; None deletes."""
        now = time.monotonic()
        versions = self._without_passed(self._versions.get(key, []), now)
        self._versions[key] = [*versions, _Version(visible_at=now + self._lags.reads(), value=value)]
        self._forget_gone(now)

    def hold(self, key: str, seconds: float) -> None:
        """Show this key for so long as it is seen now, whatever is written: one stale replica."""
        self._held[key] = _Held(until=time.monotonic() + seconds, value=self.seen(key))

    def knows(self, key: str) -> bool:
        """Say whether a value of this key stands, or is still shown."""
        return self.current(key) is not None or self.seen(key) is not None

    def current(self, key: str) -> V | None:
        """Read what was written last."""
        versions = self._versions.get(key)
        return versions[-1].value if versions else None

    def all_current(self) -> dict[str, V]:
        """Read everything as written last, oldest key first."""
        return {key: value for key in self._versions if (value := self.current(key)) is not None}

    def seen(self, key: str) -> V | None:
        """Read what a lagging reader is shown."""
        now = time.monotonic()
        held = self._held.get(key)
        if held is not None and now < held.until:
            return held.value
        return _last_visible(self._versions.get(key, []), now)

    def all_seen(self) -> dict[str, V]:
        """Read everything a lagging reader's listing shows, oldest key first."""
        now, lag = time.monotonic(), self._lags.listings()
        return {key: value for key in self._versions if (value := self._listed(key, now, lag)) is not None}

    def _listed(self, key: str, now: float, lag: float) -> V | None:
        if lag == 0:
            return self.seen(key)
        before = _last_visible(self._versions[key], now - lag)
        if before is None:
            return None
        return self.seen(key) or before

    def _without_passed(self, versions: list[_Version[V]], now: float) -> list[_Version[V]]:
        """Leave out what is older than the version that the slowest listing shows."""
        oldest_view = now - self._lags.listings()
        visible = [place for place, version in enumerate(versions) if version.visible_at <= oldest_view]
        return versions[visible[-1] :] if visible else versions

    def _forget_gone(self, now: float) -> None:
        """Drop the keys of which only a deletion is left: a store that lives long must not grow with them."""
        oldest_view = now - self._lags.listings()
        for key in [key for key, held in self._held.items() if held.until <= now]:
            del self._held[key]
        gone = [
            key
            for key, versions in self._versions.items()
            if versions[-1].value is None and versions[-1].visible_at <= oldest_view and key not in self._held
        ]
        for key in gone:
            del self._versions[key]


def _last_visible[V](versions: list[_Version[V]], at: float) -> V | None:
    """Give the value that became visible last by `at`."""
    return next((version.value for version in reversed(versions) if version.visible_at <= at), None)
