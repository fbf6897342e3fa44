"""Thresholds are set by the id of a detection: a wrong one would change nothing and say nothing, so it is refused.

That can only be seen where the detections are known.
"""

from collections.abc import Iterable

from shared.model.detections import AnyDetection
from shared.model.profile import TenantProfile

_LONGEST_SHOWN = 80


def threshold_problems(profile: TenantProfile, detections: Iterable[AnyDetection]) -> list[str]:
    """Say of each threshold that is set for no detection that counts what would be right."""
    counted = sorted(detection.id for detection in detections if detection.counted)
    return [
        f"VOCABULARY.thresholds has {name[:_LONGEST_SHOWN]!r}: it should be a detection that counts, one of "
        f"{', '.join(counted)}"
        for name in sorted(profile.thresholds.keys() - set(counted))
    ]
