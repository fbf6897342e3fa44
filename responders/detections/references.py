"""Microsoft's pages that detections refer to: the guide's tables, and what documents the activity itself."""

from typing import Final

_LEARN: Final = "https://learn.microsoft.com"

GUIDE: Final = f"{_LEARN}/entra/architecture/security-operations-consumer-accounts"
ACCOUNT_BASELINE: Final = f"{GUIDE}#consumer-account-creation"
CONSUMER_TABLE: Final = f"{GUIDE}#consumer-accounts"
PRIVILEGED_GUIDE: Final = f"{_LEARN}/entra/architecture/security-operations-privileged-accounts"
APPLICATIONS_GUIDE: Final = f"{_LEARN}/entra/architecture/security-operations-applications"

AUDIT_ACTIVITIES: Final = f"{_LEARN}/entra/identity/monitoring-health/reference-audit-activities"
SMART_LOCKOUT: Final = f"{_LEARN}/entra/identity/authentication/howto-password-smart-lockout"
MFA_REPORTS: Final = f"{_LEARN}/entra/identity/authentication/howto-mfa-mfasettings"
PASSWORD_SPRAY: Final = f"{_LEARN}/security/operations/incident-response-playbook-password-spray"

CA_AUDIT_LOG: Final = f"{_LEARN}/entra/identity/conditional-access/troubleshoot-policy-changes-audit-log"
CA_SIGN_INS: Final = f"{_LEARN}/entra/identity/conditional-access/troubleshoot-conditional-access"
NAMED_LOCATIONS: Final = f"{_LEARN}/entra/identity/conditional-access/concept-assignment-network"
AUTHENTICATION_STRENGTHS: Final = f"{_LEARN}/entra/identity/authentication/concept-authentication-strengths"
AUTHENTICATION_CONTEXTS: Final = f"{_LEARN}/entra/identity/conditional-access/concept-conditional-access-cloud-apps"
BREAK_GLASS: Final = f"{_LEARN}/entra/identity/role-based-access-control/security-emergency-access"
ROLE_ASSIGNABLE_GROUPS: Final = f"{_LEARN}/entra/identity/role-based-access-control/groups-concept"
PIM_ALERTS: Final = f"{_LEARN}/entra/id-governance/privileged-identity-management/pim-how-to-configure-security-alerts"
PIM_SETTINGS: Final = f"{_LEARN}/entra/id-governance/privileged-identity-management/pim-how-to-change-default-settings"

APP_CONSENT: Final = f"{_LEARN}/security/operations/incident-response-playbook-app-consent"
APP_OWNERS: Final = f"{_LEARN}/entra/identity/enterprise-apps/overview-assign-app-owners"
APP_SECURITY: Final = f"{_LEARN}/entra/identity-platform/security-best-practices-for-app-registration"
REDIRECT_ADDRESSES: Final = f"{_LEARN}/entra/identity-platform/reply-url"
ROPC: Final = f"{_LEARN}/entra/identity-platform/v2-oauth-ropc"
SIGN_OUT: Final = f"{_LEARN}/entra/identity-platform/v2-protocols-oidc"
DANGLING_DNS: Final = f"{_LEARN}/azure/security/fundamentals/subdomain-takeover"

B2C_THREATS: Final = f"{_LEARN}/azure/active-directory-b2c/threat-management"
B2C_CUSTOM_POLICIES: Final = f"{_LEARN}/azure/active-directory-b2c/custom-policy-overview"
B2C_USER_FLOWS: Final = f"{_LEARN}/azure/active-directory-b2c/user-flow-overview"
B2C_API_CONNECTORS: Final = f"{_LEARN}/azure/active-directory-b2c/api-connectors-overview"
B2C_IDENTITY_PROVIDERS: Final = f"{_LEARN}/azure/active-directory-b2c/add-identity-provider"
B2C_POLICY_KEYS: Final = f"{_LEARN}/azure/active-directory-b2c/policy-keys-overview"

USER_PERMISSIONS: Final = f"{_LEARN}/entra/fundamentals/users-default-permissions"
FEDERATION_CHANGES: Final = f"{_LEARN}/entra/identity/hybrid/connect/how-to-connect-monitor-federation-changes"
AUTHENTICATION_EXTENSIONS: Final = f"{_LEARN}/entra/identity-platform/custom-extension-overview"

AZURE_ROLE_CHANGES: Final = f"{_LEARN}/azure/role-based-access-control/change-history-report"
AZURE_CUSTOM_ROLES: Final = f"{_LEARN}/azure/role-based-access-control/custom-roles"
ELEVATED_ACCESS: Final = f"{_LEARN}/azure/role-based-access-control/elevate-access-global-admin"
DIAGNOSTIC_SETTINGS: Final = f"{_LEARN}/azure/azure-monitor/platform/diagnostic-settings"
