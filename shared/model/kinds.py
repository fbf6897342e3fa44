"""The kinds of things that every stage names: risks, modes, approval lists, objects, tenants."""

from enum import StrEnum
from typing import Any


class Risk(StrEnum):
    """The guide's own grading."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    def at_most(self, other: "Risk | None") -> "Risk":
        """Give the lower one; None says nothing."""
        return self if other is None else min(self, other, key=tuple(Risk).index)


class ApprovalList(StrEnum):
    """Lists of approved actors: the partition keys of table `ApprovedActors`."""

    CONDITIONAL_ACCESS = "conditional-access"
    B2C_CUSTOM_POLICIES = "b2c-custom-policies"
    RBAC_ROLES = "rbac-roles"
    CONSUMER_ACCOUNTS = "consumer-accounts"
    APP_REGISTRATIONS = "app-registrations"
    APP_PERMISSIONS = "app-permissions"
    DIRECTORY_ROLES = "directory-roles"
    B2C_USER_FLOWS = "b2c-user-flows"
    B2C_API_CONNECTORS = "b2c-api-connectors"
    B2C_POLICY_KEYS = "b2c-policy-keys"
    IDENTITY_PROVIDERS = "identity-providers"
    TENANT_SETTINGS = "tenant-settings"
    PIM_SETTINGS = "pim-settings"
    MONITORING = "monitoring"


class Mode(StrEnum):
    """How far a detection may go. `observe` records what would have been done and is the default."""

    OBSERVE = "observe"
    PAGE = "page"
    ENFORCE = "enforce"


class ObjectKind(StrEnum):
    """Kinds of object that snapshots are taken of and remediations act on."""

    CA_POLICY = "ca-policy"
    SECURITY_DEFAULTS = "security-defaults"
    METHODS_POLICY = "authentication-methods-policy"
    CUSTOM_POLICY = "custom-policy"
    USER_FLOW = "user-flow"
    API_CONNECTOR = "api-connector"
    IDENTITY_PROVIDER = "identity-provider"
    ROLE_ASSIGNMENT = "role-assignment"
    DIRECTORY_ROLE_ASSIGNMENT = "directory-role-assignment"
    DIRECTORY_ROLE_ELIGIBILITY = "directory-role-eligibility"
    APP_ROLE_ASSIGNMENT = "app-role-assignment"
    NAMED_LOCATION = "named-location"
    AUTHENTICATION_STRENGTH = "authentication-strength"
    AUTHENTICATION_CONTEXT = "authentication-context"
    APPLICATION = "application"
    SERVICE_PRINCIPAL = "service-principal"
    APPLICATION_OWNER = "application-owner"
    DELEGATED_GRANT = "delegated-grant"
    USER_GRANT = "user-grant"
    GUARDED_GROUP = "guarded-group"
    RESTRICTED_UNIT = "restricted-unit"
    DIAGNOSTIC_SETTING = "diagnostic-setting"
    ENTRA_DIAGNOSTIC_SETTING = "entra-diagnostic-setting"
    EVENT_SUBSCRIPTION = "event-subscription"


class TenantKind(StrEnum):
    """The two kinds of tenant that are guarded."""

    WORKFORCE = "workforce"
    B2C = "b2c"


type Json = dict[str, Any] | list[Any] | str | int | float | bool | None
"""Anything that JSON can say."""


type Image = dict[str, Any]
"""An object as its API gave it, kept whole; a custom policy is {"id", "xml"}."""
