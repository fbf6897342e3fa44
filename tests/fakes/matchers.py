"""Matchers that are made once a process: making one takes as long as a whole short story."""

from collections import deque
from contextlib import AbstractContextManager
from typing import Final
from unittest.mock import patch

from shared.detect import cached_matcher
from shared.detect.matcher import Matcher
from shared.model.detections import AnyDetection
from shared.model.profile import TenantProfile

_made: Final = deque[tuple[tuple[AnyDetection, ...], TenantProfile, Matcher]](maxlen=16)


def matchers_made_once() -> AbstractContextManager[object]:
    """Have the matcher of the same detections and profile made once, while this lasts."""
    return patch.object(cached_matcher, "Matcher", _matcher)


def _matcher(detections: tuple[AnyDetection, ...], profile: TenantProfile) -> Matcher:
    found = next((each for of, with_profile, each in _made if of is detections and with_profile == profile), None)
    if found is None:
        found = Matcher(detections, profile)
        _made.append((detections, profile, found))
    return found
