"""Declarations of calls to Microsoft Graph and Azure Resource Manager: method, path, permissions, rate limit.

A call is declared beside the code that makes it. Tests compare the declarations with the permissions that the
infrastructure grants, with the paths that Microsoft's SDK knows, and with the calls really made. Ids are checked here
before they become part of a URL.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from typing import Final, override
from urllib.parse import quote

from msgspec import Struct

from shared.model.errors import BadIdentifier


class Service(StrEnum):
    """The API of a call."""

    GRAPH = "graph/v1.0"
    GRAPH_BETA = "graph/beta"
    ARM = "arm"


class Lane(StrEnum):
    """A group of calls that share a rate limit of the service, per tenant; they are paced together."""

    CONDITIONAL_ACCESS = "conditional-access"
    REPORTS = "reports"


class Permission(StrEnum):
    """The permissions of calls: Graph application permissions, and actions of Azure roles (those with a slash)."""

    AUDIT_LOG_READ = "AuditLog.Read.All"
    DIRECTORY_READ = "Directory.Read.All"
    POLICY_READ = "Policy.Read.All"
    POLICY_WRITE_CONDITIONAL_ACCESS = "Policy.ReadWrite.ConditionalAccess"
    POLICY_WRITE_TRUST_FRAMEWORK = "Policy.ReadWrite.TrustFramework"
    AUTHENTICATION_CONTEXT_READ = "AuthenticationContext.Read.All"
    AUTHENTICATION_CONTEXT_WRITE = "AuthenticationContext.ReadWrite.All"
    USER_FLOW_READ = "IdentityUserFlow.Read.All"
    USER_FLOW_WRITE = "IdentityUserFlow.ReadWrite.All"
    METHODS_POLICY_WRITE = "Policy.ReadWrite.AuthenticationMethod"
    API_CONNECTOR_WRITE = "APIConnectors.ReadWrite.All"
    IDENTITY_PROVIDER_READ = "IdentityProvider.Read.All"
    IDENTITY_PROVIDER_WRITE = "IdentityProvider.ReadWrite.All"
    APPLICATION_READ = "Application.Read.All"
    APPLICATION_WRITE = "Application.ReadWrite.All"
    USER_READ = "User.Read.All"
    USER_REVOKE_SESSIONS = "User.RevokeSessions.All"
    USER_ENABLE_DISABLE = "User.EnableDisableAccount.All"
    RISKY_USER_WRITE = "IdentityRiskyUser.ReadWrite.All"
    GROUP_MEMBER_READ = "GroupMember.Read.All"
    GROUP_MEMBER_WRITE = "GroupMember.ReadWrite.All"
    GROUP_WRITE = "Group.ReadWrite.All"
    ROLE_MANAGEMENT_READ = "RoleManagement.Read.Directory"
    ROLE_ASSIGNMENT_REMOVE = "RoleAssignmentSchedule.Remove.Directory"
    ROLE_ELIGIBILITY_REMOVE = "RoleEligibilitySchedule.Remove.Directory"
    ROLE_MANAGEMENT_WRITE = "RoleManagement.ReadWrite.Directory"
    DELEGATED_GRANT_WRITE = "DelegatedPermissionGrant.ReadWrite.All"
    UNIT_WRITE = "AdministrativeUnit.ReadWrite.All"
    APP_ROLE_WRITE = "AppRoleAssignment.ReadWrite.All"
    MAILBOX_SETTINGS_READ = "MailboxSettings.Read"
    GROUP_ELIGIBILITY_READ = "PrivilegedEligibilitySchedule.Read.AzureADGroup"
    DOMAIN_READ = "Domain.Read.All"
    SYNCHRONIZATION_READ = "OnPremDirectorySynchronization.Read.All"
    SECURITY_EVENTS_READ = "SecurityEvents.Read.All"
    ACCESS_REVIEW_READ = "AccessReview.Read.All"
    ROLE_ALERT_READ = "RoleManagementAlert.Read.Directory"
    DEVICE_POLICY_READ = "Policy.Read.DeviceConfiguration"
    FEDERATION_WRITE = "Domain-InternalFederation.ReadWrite.All"
    ROLE_ASSIGNMENT_READ = "Microsoft.Authorization/roleAssignments/read"
    ROLE_ASSIGNMENT_WRITE = "Microsoft.Authorization/roleAssignments/write"
    ROLE_ASSIGNMENT_DELETE = "Microsoft.Authorization/roleAssignments/delete"
    ROLE_DEFINITION_READ = "Microsoft.Authorization/roleDefinitions/read"
    ROLE_SCHEDULE_READ = "Microsoft.Authorization/roleAssignmentScheduleRequests/read"
    LOCK_READ = "Microsoft.Authorization/locks/read"
    DIAGNOSTIC_SETTING_READ = "Microsoft.Insights/diagnosticSettings/read"
    DIAGNOSTIC_SETTING_WRITE = "Microsoft.Insights/diagnosticSettings/write"
    DIAGNOSTIC_SETTING_DELETE = "Microsoft.Insights/diagnosticSettings/delete"
    ENTRA_DIAGNOSTIC_SETTING_READ = "Microsoft.AADIAM/diagnosticSettings/read"
    ENTRA_DIAGNOSTIC_SETTING_WRITE = "Microsoft.AADIAM/diagnosticSettings/write"
    ENTRA_DIAGNOSTIC_SETTING_DELETE = "Microsoft.AADIAM/diagnosticSettings/delete"
    EVENT_SUBSCRIPTION_READ = "Microsoft.EventGrid/systemTopics/eventSubscriptions/read"
    EVENT_SUBSCRIPTION_WRITE = "Microsoft.EventGrid/systemTopics/eventSubscriptions/write"
    EVENT_SUBSCRIPTION_DELETE = "Microsoft.EventGrid/systemTopics/eventSubscriptions/delete"
    ACTIVITY_LOG_READ = "Microsoft.Insights/eventtypes/values/read"
    SUPPORT_SERVICE_READ = "Microsoft.Support/services/read"
    SUPPORT_PROBLEM_READ = "Microsoft.Support/services/problemClassifications/read"
    SUPPORT_TICKET_READ = "Microsoft.Support/supportTickets/read"
    SUPPORT_TICKET_WRITE = "Microsoft.Support/supportTickets/write"

    @property
    def may_write(self) -> bool:
        """Whether whoever holds it may write in Graph; a few objects can't be read with less."""
        return "ReadWrite" in self


_GUID: Final = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_NAME: Final = r"(?!\.{1,2}(?:/|$))[\w()~.$@,;:+=!'*& -]{1,256}"
_TYPES: Final = rf"/providers/{_NAME}(?:/(?!providers/){_NAME}/{_NAME})+"
"""A resource type and its name within its provider; extensions of a resource have a provider of their own again."""

_BELOW: Final = rf"(?:/resourceGroups/{_NAME})?(?:{_TYPES})*"
_SCOPE: Final = rf"(?:/subscriptions/{_GUID}{_BELOW}|/providers/Microsoft\.Management/managementGroups/{_NAME})"
_TOPIC: Final = rf"/subscriptions/{_GUID}/resourceGroups/{_NAME}/providers/Microsoft\.EventGrid/systemTopics/{_NAME}"

_SHAPES: Final[Mapping[str, str]] = {
    "id": _GUID,
    "subscription": _GUID,
    "configuration": _GUID,
    "context": r"(?i)c[1-9]\d?",
    "app_role_assignment": r"[A-Za-z0-9_-]{1,120}",
    "directory_role_assignment": r"[A-Za-z0-9_-]{1,120}",
    "custom_policy": r"(?i)B2C_1A_[A-Za-z0-9_.-]{1,120}",
    "user_flow": r"(?i)B2C_1_(?!A_)[A-Za-z0-9_.-]{1,120}",
    "authentication_method": r"[A-Za-z0-9-]{1,60}",
    "delegated_grant": r"[A-Za-z0-9_-]{1,200}",
    "federated_credential": _GUID,
    "owner": _GUID,
    "member": _GUID,
    "identity_provider": r"[A-Za-z0-9][A-Za-z0-9_.-]{1,160}",
    "mail_folder": "inbox",
    "role_assignment": rf"(?i){_SCOPE}?/providers/Microsoft\.Authorization/roleAssignments/{_GUID}",
    "scope": rf"(?i){_SCOPE}",
    "diagnostic_setting": rf"(?i){_SCOPE}/providers/Microsoft\.Insights/diagnosticSettings/{_NAME}",
    "entra_diagnostic_setting": _NAME,
    "system_topic": rf"(?i){_TOPIC}",
    "event_subscription": rf"(?i){_TOPIC}/eventSubscriptions/{_NAME}",
    "domain": r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]",
    "support_ticket": r"entra-responder-[0-9a-f]{32}",
}


class _Shapes(Mapping[str, re.Pattern[str]]):
    """Compiles each pattern when it is first asked for: together they are a tenth of what the app takes to start."""

    @override
    def __getitem__(self, shape: str) -> re.Pattern[str]:
        return _compiled(shape)

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(_SHAPES)

    @override
    def __len__(self) -> int:
        return len(_SHAPES)


@cache
def _compiled(shape: str) -> re.Pattern[str]:
    return re.compile(_SHAPES[shape])


ID_SHAPES: Final[Mapping[str, re.Pattern[str]]] = _Shapes()
"""For each placeholder of a path, the pattern that the whole id must match."""

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


def checked_id(shape: str, text: str) -> str:
    """Give `text` back if it matches the pattern of `ID_SHAPES` named by `shape`.

    Raises:
        BadIdentifier: it doesn't, or contains ".."; it could lead a URL elsewhere.
    """
    if ID_SHAPES[shape].fullmatch(text) is None or ".." in text:
        raise BadIdentifier(f"{text[:120]!r} is not a {shape.replace('_', ' ')} and was kept out of the URL")
    return text


class Call(Struct, frozen=True, kw_only=True):
    """One request that the product makes.

    `needs` are all the permissions that it needs. `repeatable` says that it may be sent again when the response was
    lost, because sending it twice does no harm. `why_beta` is the reason for using /beta instead of v1.0.
    `api_version` is that of a provider of Azure other than Microsoft.Authorization.
    """

    method: str
    service: Service
    path: str
    needs: tuple[Permission, ...]
    lane: Lane | None = None
    repeatable: bool = True
    why_beta: str = ""
    api_version: str = ""

    def url(self, ids: Mapping[str, str]) -> str:
        """Give the path, which has no host, with `ids` in place of its placeholders.

        Raises:
            BadIdentifier: an id doesn't match the pattern of its placeholder.
        """
        return _PLACEHOLDER.sub(lambda found: quote(checked_id(found[1], ids[found[1]]), safe="/"), self.path)
