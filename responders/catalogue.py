"""Every detection there is, in the order of the guide's tables."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from responders.detections.infrastructure import INFRASTRUCTURE
from responders.detections.privileged_access import PRIVILEGED_ACCESS
from shared.catalog import AnyDetection

CATALOGUE: Final[tuple[AnyDetection, ...]] = (*INFRASTRUCTURE, *PRIVILEGED_ACCESS)

BY_ID: Final[Mapping[str, AnyDetection]] = MappingProxyType({detection.id: detection for detection in CATALOGUE})
