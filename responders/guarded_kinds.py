"""Every kind of guarded object there is. Loading them takes a while, so what has to start soon asks for them late."""

from typing import Final

from responders.kinds.api_connectors import API_CONNECTOR
from responders.kinds.app_role_assignments import APP_ROLE_ASSIGNMENT
from responders.kinds.application_owners import APPLICATION_OWNER
from responders.kinds.applications import APPLICATION
from responders.kinds.authentication_contexts import AUTHENTICATION_CONTEXT
from responders.kinds.authentication_strengths import AUTHENTICATION_STRENGTH
from responders.kinds.ca_policies import CA_POLICY
from responders.kinds.custom_policies import CUSTOM_POLICY
from responders.kinds.delegated_grants import DELEGATED_GRANT
from responders.kinds.diagnostic_settings import DIAGNOSTIC_SETTING
from responders.kinds.directory_role_assignments import DIRECTORY_ROLE_ASSIGNMENT
from responders.kinds.directory_role_eligibilities import DIRECTORY_ROLE_ELIGIBILITY
from responders.kinds.entra_diagnostic_settings import ENTRA_DIAGNOSTIC_SETTING
from responders.kinds.event_subscriptions import EVENT_SUBSCRIPTION
from responders.kinds.groups import GUARDED_GROUP
from responders.kinds.identity_providers import IDENTITY_PROVIDER
from responders.kinds.methods_policy import METHODS_POLICY
from responders.kinds.named_locations import NAMED_LOCATION
from responders.kinds.restricted_units import RESTRICTED_UNIT
from responders.kinds.role_assignments import ROLE_ASSIGNMENT
from responders.kinds.security_defaults import SECURITY_DEFAULTS
from responders.kinds.service_principals import SERVICE_PRINCIPAL
from responders.kinds.user_flows import USER_FLOW
from responders.kinds.user_grants import USER_GRANT
from shared.model.object_kinds import Kind

KINDS: Final[tuple[Kind, ...]] = (
    CA_POLICY,
    NAMED_LOCATION,
    AUTHENTICATION_STRENGTH,
    AUTHENTICATION_CONTEXT,
    SECURITY_DEFAULTS,
    METHODS_POLICY,
    CUSTOM_POLICY,
    USER_FLOW,
    API_CONNECTOR,
    IDENTITY_PROVIDER,
    ROLE_ASSIGNMENT,
    DIRECTORY_ROLE_ASSIGNMENT,
    DIRECTORY_ROLE_ELIGIBILITY,
    APP_ROLE_ASSIGNMENT,
    APPLICATION,
    SERVICE_PRINCIPAL,
    APPLICATION_OWNER,
    DELEGATED_GRANT,
    USER_GRANT,
    GUARDED_GROUP,
    RESTRICTED_UNIT,
    EVENT_SUBSCRIPTION,
    ENTRA_DIAGNOSTIC_SETTING,
    DIAGNOSTIC_SETTING,
)
"""The kinds of guarded objects."""
