"""Every kind of object that is snapshotted."""

from typing import Final

from responders.remediations.ca_policies import CA_POLICIES
from responders.remediations.custom_policies import CUSTOM_POLICIES
from responders.remediations.role_assignments import ROLE_ASSIGNMENTS
from shared.model.declarations import Inventory

INVENTORIES: Final[tuple[Inventory, ...]] = (CA_POLICIES, CUSTOM_POLICIES, ROLE_ASSIGNMENTS)
