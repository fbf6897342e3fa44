"""The cached matcher: rebuilt when the rosters change, which fill the tenant's profile."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from shared.detect.matcher import Matcher
from shared.detect.rosters import Listed, Rosters, with_rosters
from shared.model.detections import AnyDetection
from shared.model.errors import EdgeError
from shared.model.profile import TenantProfile
from shared.model.settings import Tenant

_LOOK_AGAIN: Final = timedelta(minutes=1)
_LOOK_AGAIN_SOON: Final = timedelta(seconds=5)
"""While one is missing or stale: right after a deployment nobody is known to be privileged."""

_log = logging.getLogger("responder.matching")


class CachedMatcher:
    """Holds the matcher. Safe to share between threads.

    The rosters are read when a matcher is first asked for, and again at most once a minute, or every five seconds while
    one is stale; the matcher is made anew, which takes milliseconds, only when they have changed. Rosters that
    can't be read stay as they were, until they are stale.
    """

    def __init__(
        self,
        detections: tuple[AnyDetection, ...],
        profile: TenantProfile,
        rosters: Rosters,
        *,
        tenants: tuple[Tenant, ...],
        clock: Callable[[], datetime],
    ) -> None:
        self._detections = detections
        self._profile = profile
        self._rosters = rosters
        self._tenants = tenants
        self._clock = clock
        self._lock = threading.Lock()
        self._looked_at: datetime | None = None
        self._listed: tuple[Listed, ...] = ()
        self._made: tuple[TenantProfile, Matcher] | None = None

    @property
    def matcher(self) -> Matcher:
        """The matcher with what the rosters say now."""
        return self._current()[1]

    @property
    def profile(self) -> TenantProfile:
        """The profile with what the rosters say now."""
        return self._current()[0]

    def _current(self) -> tuple[TenantProfile, Matcher]:
        with self._lock:
            now = self._clock()
            if self._made and self._looked_at and abs(now - self._looked_at) < self._rest(now):
                return self._made
            self._looked_at = now
            self._listed = self._read()
            profile = with_rosters(self._profile, self._listed, now=now)
            if self._made is None or self._made[0] != profile:
                self._made = profile, Matcher(self._detections, profile)
            return self._made

    def _rest(self, now: datetime) -> timedelta:
        """Say how long after one look the next one follows."""
        return _LOOK_AGAIN if all(each.is_fresh(now) for each in self._listed) else _LOOK_AGAIN_SOON

    def _read(self) -> tuple[Listed, ...]:
        try:
            return self._rosters.all(self._tenants)
        except EdgeError as error:
            _log.warning("the rosters couldn't be read, so those of before go on counting: %s", error)
            return self._listed
