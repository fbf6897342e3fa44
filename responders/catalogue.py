"""Every detection there is, in the order of the guide's tables."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from responders.detections.account_risk import ACCOUNT_RISK
from responders.detections.applications import APPLICATIONS
from responders.detections.b2c_resources import B2C_RESOURCES
from responders.detections.beyond import BEYOND
from responders.detections.consumer_accounts import CONSUMER_ACCOUNTS
from responders.detections.consumer_sign_ins import CONSUMER_SIGN_INS
from responders.detections.infrastructure import POLICIES
from responders.detections.privileged_access import PRIVILEGED_ACCESS
from responders.detections.privileged_accounts import PRIVILEGED_ACCOUNTS
from shared.model.detections import AnyDetection

CATALOGUE: Final[tuple[AnyDetection, ...]] = (
    *CONSUMER_ACCOUNTS,
    *CONSUMER_SIGN_INS,
    *PRIVILEGED_ACCOUNTS,
    *APPLICATIONS,
    *POLICIES,
    *B2C_RESOURCES,
    *BEYOND,
    *PRIVILEGED_ACCESS,
    *ACCOUNT_RISK,
)

BY_ID: Final[Mapping[str, AnyDetection]] = MappingProxyType({detection.id: detection for detection in CATALOGUE})
