"""Calls to Microsoft Graph and Azure Resource Manager, declared: method, path, permissions, pace.

A call is a literal beside the code that makes it, so that the permissions granted by the infrastructure, the paths
known to Microsoft's SDK and the calls really made can be compared by tests. Ids are checked here, before they
become part of a URL.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import quote

from shared.model.errors import BadIdentifier


class Service(StrEnum):
    """Which API a call belongs to."""

    GRAPH = "graph/v1.0"
    GRAPH_BETA = "graph/beta"
    ARM = "arm"


class Lane(StrEnum):
    """Calls that share a limit of the service and so are paced together, per tenant and over all instances."""

    CONDITIONAL_ACCESS = "conditional-access"
    REPORTS = "reports"


class Permission(StrEnum):
    """What a call needs: Graph application permissions, and actions of Azure roles (those with a slash)."""

    AUDIT_LOG_READ = "AuditLog.Read.All"
    DIRECTORY_READ = "Directory.Read.All"
    POLICY_READ = "Policy.Read.All"
    POLICY_WRITE_CONDITIONAL_ACCESS = "Policy.ReadWrite.ConditionalAccess"
    POLICY_WRITE_TRUST_FRAMEWORK = "Policy.ReadWrite.TrustFramework"
    APPLICATION_READ = "Application.Read.All"
    USER_READ = "User.Read.All"
    GROUP_MEMBER_READ = "GroupMember.Read.All"
    ROLE_MANAGEMENT_READ = "RoleManagement.Read.Directory"
    GROUP_ELIGIBILITY_READ = "PrivilegedEligibilitySchedule.Read.AzureADGroup"
    ROLE_ASSIGNMENT_READ = "Microsoft.Authorization/roleAssignments/read"
    ROLE_ASSIGNMENT_WRITE = "Microsoft.Authorization/roleAssignments/write"
    ROLE_ASSIGNMENT_DELETE = "Microsoft.Authorization/roleAssignments/delete"
    ROLE_DEFINITION_READ = "Microsoft.Authorization/roleDefinitions/read"
    LOCK_READ = "Microsoft.Authorization/locks/read"


_GUID: Final = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_NAME: Final = r"[\w().~-]{1,128}"
_SCOPE: Final = rf"/subscriptions/{_GUID}(?:/resourceGroups/{_NAME}(?:/providers/{_NAME}(?:/{_NAME}/{_NAME})+)?)?"

ID_SHAPES: Final[Mapping[str, re.Pattern[str]]] = {
    "id": re.compile(_GUID),
    "subscription": re.compile(_GUID),
    "custom_policy": re.compile(r"B2C_1A_[A-Za-z0-9_.-]{1,120}", re.IGNORECASE),
    "role_assignment": re.compile(
        rf"{_SCOPE}/providers/Microsoft\.Authorization/roleAssignments/{_GUID}",
        re.IGNORECASE,
    ),
    "scope": re.compile(_SCOPE, re.IGNORECASE),
}
"""The shape of each placeholder that a path may have, matched against the whole text."""

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


def checked_id(shape: str, text: str) -> str:
    """Give `text` back when it has the named shape of `ID_SHAPES`.

    Raises:
        BadIdentifier: it hasn't, or holds a part ("..", "%", "?") that would lead a URL elsewhere.
    """
    if ID_SHAPES[shape].fullmatch(text) is None or ".." in text:
        raise BadIdentifier(f"{text[:120]!r} is not a {shape.replace('_', ' ')} and was kept out of the URL")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that the product makes.

    `needs` are the permissions, all of them. `repeatable` says that sending it twice does no harm, so that it
    may be sent again when the answer was lost. `why_beta` is the reason for a call that v1.0 doesn't have.
    """

    method: str
    service: Service
    path: str
    needs: tuple[Permission, ...]
    lane: Lane | None = None
    repeatable: bool = True
    why_beta: str = ""

    def url(self, ids: Mapping[str, str]) -> str:
        """Fill the path's placeholders, each checked against its shape; paths start with a slash and have no host.

        Raises:
            BadIdentifier: an id hasn't the shape that its placeholder names.
        """
        return _PLACEHOLDER.sub(lambda found: quote(checked_id(found[1], ids[found[1]]), safe="/"), self.path)
