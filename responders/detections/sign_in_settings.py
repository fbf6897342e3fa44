"""Settings of the whole tenant by which people sign in, and what it believes of others. The guide has none of them."""

from typing import Final

from responders.detections import attack, references
from responders.detections.activities import succeeded
from responders.detections.directory_samples import account_record, change, tenant_record
from responders.detections.samples import BY_APP, ca_policy_record, diagnostic_record
from responders.remediations import PUT_BACK_METHODS_POLICY, SWITCH_SECURITY_DEFAULTS
from shared.detect.fields import Audit
from shared.model.conditions import any_of
from shared.model.detections import Answer, AnyDetection, Detection
from shared.model.events import AuditEvent, Log
from shared.model.kinds import ApprovalList, Image, Risk

_NOT_IN_THE_GUIDE: Final = "Not in the guide. The setting reaches as far as a conditional access policy."


def _setting(activity: str, *changes: Image, service: str = "Core Directory", **differences: object) -> Image:
    return tenant_record(activity, "Policy", *changes, loggedByService=service, **differences)


SECURITY_DEFAULTS_CHANGED: Detection[AuditEvent] = Detection(
    id="security-defaults-changed",
    seed_row="infrastructure/beyond/security-defaults",
    title="Security defaults or continuous access evaluation changed by an unapproved actor",
    why=(
        "Without security defaults nobody is asked for a second factor where no policy asks for it. Without continuous "
        "access evaluation stolen tokens stay good until they end."
    ),
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded("Update security defaults", "Update continuous access evaluation"),
    unless_actor_in=ApprovalList.CONDITIONAL_ACCESS,
    answer=Answer.PAGE,
    remediation=SWITCH_SECURITY_DEFAULTS,
    deviates=(f"{_NOT_IN_THE_GUIDE} Security defaults are switched back; continuous access evaluation is paged."),
    techniques=(attack.TENANT_POLICY_MODIFICATION, attack.MODIFY_MULTI_FACTOR_AUTHENTICATION),
    reference=references.SECURITY_DEFAULTS,
    hits=(
        _setting("Update security defaults", service="Conditional Access"),
        _setting("Update continuous access evaluation", service="Conditional Access", initiatedBy=BY_APP),
        diagnostic_record(_setting("Update Security Defaults ", service="Conditional Access")),
    ),
    misses=(
        _setting("Update security defaults", service="Conditional Access", result="failure"),
        ca_policy_record("Update conditional access policy"),
    ),
)

RISK_POLICY_CHANGED: Detection[AuditEvent] = Detection(
    id="risk-policy-changed",
    seed_row="infrastructure/beyond/risk-policies",
    title="Policy of Identity Protection changed by an unapproved actor",
    why="The policy says what happens when a sign-in or an account is at risk. Without it nobody is stopped.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(
        "Update IdentityProtectionPolicy", "Update Sign-In Risk Policy", "Update User Risk and MFA Registration Policy"
    ),
    unless_actor_in=ApprovalList.CONDITIONAL_ACCESS,
    answer=Answer.PAGE,
    deviates=_NOT_IN_THE_GUIDE,
    techniques=(attack.TENANT_POLICY_MODIFICATION,),
    reference=references.RISK_POLICIES,
    hits=(
        _setting("Update IdentityProtectionPolicy", service="Identity Protection"),
        _setting("Update Sign-In Risk Policy", service="AAD Management UX", initiatedBy=BY_APP),
    ),
    misses=(
        _setting("Update IdentityProtectionPolicy", service="Identity Protection", result="failure"),
        _setting("Update NotificationSettings", service="Identity Protection"),
    ),
)

AUTHENTICATION_METHODS_POLICY_CHANGED: Detection[AuditEvent] = Detection(
    id="authentication-methods-policy-changed",
    seed_row="infrastructure/beyond/authentication-methods-policy",
    title="Authentication methods policy changed by an unapproved actor",
    why=(
        "The policy says which methods people may register. A weak one that is switched on can be registered by "
        "whoever has a password."
    ),
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(
        "Authentication Methods Policy Update",
        "Authentication Methods Policy Reset",
        "PATCH Tenant.Patch",
        "Create rollout policy for feature",
        "Update rollout policy of feature",
        "Delete rollout policy of feature",
    ),
    unless_actor_in=ApprovalList.TENANT_SETTINGS,
    answer=Answer.PAGE,
    remediation=PUT_BACK_METHODS_POLICY,
    deviates=(
        f"{_NOT_IN_THE_GUIDE} The older settings of multifactor authentication and staged rollouts count too; they are "
        "paged."
    ),
    techniques=(attack.MODIFY_MULTI_FACTOR_AUTHENTICATION,),
    reference=references.METHODS_POLICY,
    hits=(
        _setting("Authentication Methods Policy Update", service="Authentication Methods"),
        _setting("Authentication Methods Policy Reset", service="Authentication Methods", initiatedBy=BY_APP),
        diagnostic_record(_setting("PATCH Tenant.Patch", service="Authentication Methods")),
        _setting("Update rollout policy of feature", service="Application Proxy"),
    ),
    misses=(
        _setting("Authentication Methods Policy Update", service="Authentication Methods", result="failure"),
        _setting("PATCH Tenant.PatchCaches", service="Authentication Methods"),
    ),
)

MFA_BYPASSED: Detection[AuditEvent] = Detection(
    id="mfa-bypassed",
    seed_row="infrastructure/beyond/mfa-bypass",
    title="Account freed from multifactor authentication by an unapproved actor",
    why="Whoever has the account's password signs in with nothing else while the bypass lasts.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded("Add bypass user", "POST Tenant.CreateBypassedUser"),
    unless_actor_in=ApprovalList.TENANT_SETTINGS,
    answer=Answer.PAGE,
    deviates="Not in the guide. A bypass is an exclusion from each policy that asks for multifactor authentication.",
    techniques=(attack.MODIFY_MULTI_FACTOR_AUTHENTICATION,),
    reference=references.MFA_REPORTS,
    hits=(
        account_record("Add bypass user", category="Policy", loggedByService="AAD Management UX"),
        account_record("POST Tenant.CreateBypassedUser", loggedByService="Authentication Methods", initiatedBy=BY_APP),
    ),
    misses=(
        account_record("Add bypass user", category="Policy", result="failure"),
        account_record("Remove bypassed user", category="Policy"),
    ),
)

CERTIFICATE_AUTHORITY_CHANGED: Detection[AuditEvent] = Detection(
    id="certificate-authority-changed",
    seed_row="infrastructure/beyond/certificate-authorities",
    title="Trusted certificate authorities changed by an unapproved actor",
    why="Whoever has a certificate authority that the tenant trusts can sign in as anybody, with MFA and no password.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=any_of(
        succeeded("Add CertificationBasedAuthConfiguration", "Delete CertificationBasedAuthConfiguration"),
        succeeded("Set Company Information", also=(Audit.changed_properties.contains("trustedcas"),)),
    ),
    unless_actor_in=ApprovalList.TENANT_SETTINGS,
    answer=Answer.PAGE,
    deviates="Not in the guide. A certificate authority is an identity provider for everybody.",
    techniques=(attack.TRUST_MODIFICATION, attack.MODIFY_AUTHENTICATION_PROCESS),
    reference=references.CERTIFICATE_AUTHORITIES,
    hits=(
        _setting("Add CertificationBasedAuthConfiguration", category="CertificateBasedAuthConfiguration"),
        _setting("Delete CertificationBasedAuthConfiguration", initiatedBy=BY_APP),
        tenant_record("Set Company Information", "Other", change("TrustedCAsForPasswordlessAuth", [], ["MIID"])),
    ),
    misses=(
        _setting("Add CertificationBasedAuthConfiguration", result="failure"),
        tenant_record("Set Company Information", "Other", change("TechnicalNotificationMails", [], ["a@b.example"])),
    ),
)

CROSS_TENANT_ACCESS_CHANGED: Detection[AuditEvent] = Detection(
    id="cross-tenant-access-changed",
    seed_row="infrastructure/beyond/cross-tenant-access",
    title="Cross-tenant access or synchronisation changed by an unapproved actor",
    why=(
        "A partner's tenant can be believed about multifactor authentication and devices, and its users can be made "
        "here without an invitation."
    ),
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(
        "Add a partner to cross-tenant access setting",
        "Update a partner cross-tenant access setting",
        "Delete partner specific cross-tenant access setting",
        "Update the company default cross-tenant access setting",
        "Reset the cross-tenant access default setting",
        "Create a partner cross-tenant identity sync setting",
        "Update a partner cross-tenant identity sync setting",
        "Delete a partner cross-tenant identity sync setting",
        "Create a MultiTenantOrg",
        "Update a MultiTenantOrg",
        "Add MultiTenantOrg tenant",
        "Tenant joining MultiTenantOrg tenant",
        "Update a multitenant org identity sync policy template",
        "Update a multitenant org partner configuration template",
    ),
    unless_actor_in=ApprovalList.TENANT_SETTINGS,
    answer=Answer.PAGE,
    deviates="Not in the guide. What a partner is believed decides sign-ins as an identity provider does.",
    techniques=(attack.TRUST_MODIFICATION,),
    reference=references.CROSS_TENANT_ACCESS,
    hits=(
        _setting("Add a partner to cross-tenant access setting", category="CrossTenantAccessSettings"),
        _setting("Update a partner cross-tenant access setting", category="CrossTenantAccessSettings"),
        _setting("Create a partner cross-tenant identity sync setting", initiatedBy=BY_APP),
        diagnostic_record(_setting("Update the company default cross-tenant access setting")),
    ),
    misses=(
        _setting("Update a partner cross-tenant access setting", result="failure"),
        _setting("Migrated partner cross-tenant access settings to the scalable model"),
    ),
)

PERMISSION_GRANT_POLICY_CHANGED: Detection[AuditEvent] = Detection(
    id="permission-grant-policy-changed",
    seed_row="infrastructure/beyond/permission-grant-policies",
    title="Permission grant policy changed by an unapproved actor",
    why="The policy says which applications people may consent to. A wide one lets them give their mail to a stranger.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded("Add permission grant policy", "Update permission grant policy", "Delete permission grant policy"),
    unless_actor_in=ApprovalList.TENANT_SETTINGS,
    answer=Answer.PAGE,
    deviates="Not in the guide, whose rows on consent lean on these policies.",
    techniques=(attack.TENANT_POLICY_MODIFICATION, attack.CLOUD_APPLICATION_INTEGRATION),
    reference=references.CONSENT_POLICIES,
    hits=(
        _setting("Add permission grant policy", category="PermissionGrantPolicy"),
        _setting("Update permission grant policy", category="PermissionGrantPolicy", initiatedBy=BY_APP),
    ),
    misses=(
        _setting("Update permission grant policy", result="failure"),
        _setting("Update policy"),
    ),
)

HYBRID_AUTHENTICATION_CHANGED: Detection[AuditEvent] = Detection(
    id="hybrid-authentication-changed",
    seed_row="infrastructure/beyond/hybrid-authentication",
    title="Connector or hybrid authentication changed by an unapproved actor",
    why=(
        "A connector for pass-through authentication is handed passwords and says who may sign in. One that an "
        "attacker registers accepts any password."
    ),
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(
        "Register connector",
        "Add a Connector to Connector Group",
        "Add connector Group",
        "Update Connector Group",
        "Delete Connector Group",
        "Enable application proxy",
        "Disable application proxy",
        "Enable passthrough authentication",
        "Disable passthrough authentication",
        "Enable Desktop Sso",
        "Enable Desktop Sso for a specific domain",
        "Disable Desktop Sso",
        "Disable Desktop Sso for a specific domain",
        "Set DirSyncEnabled flag",
        "Set DirSync feature",
        "Enable password writeback for directory",
        "Disable password writeback for directory",
    ),
    unless_actor_in=ApprovalList.TENANT_SETTINGS,
    answer=Answer.PAGE,
    deviates="Not in the guide. A connector is an identity provider for everybody who signs in through it.",
    techniques=(attack.MODIFY_AUTHENTICATION_PROCESS, attack.TRUST_MODIFICATION),
    reference=references.HYBRID_AUTHENTICATION,
    hits=(
        _setting("Register connector", service="Application Proxy", category="ResourceManagement"),
        _setting("Enable passthrough authentication", service="Application Proxy", initiatedBy=BY_APP),
        diagnostic_record(_setting("Enable Desktop Sso for a specific domain", service="Application Proxy")),
        _setting("Set DirSync feature"),
    ),
    misses=(
        _setting("Register connector", service="Application Proxy", result="failure"),
        _setting("Add application SSL certificate", service="Application Proxy"),
    ),
)

SIGN_IN_SETTINGS: Final[tuple[AnyDetection, ...]] = (
    SECURITY_DEFAULTS_CHANGED,
    RISK_POLICY_CHANGED,
    AUTHENTICATION_METHODS_POLICY_CHANGED,
    MFA_BYPASSED,
    CERTIFICATE_AUTHORITY_CHANGED,
    CROSS_TENANT_ACCESS_CHANGED,
    PERMISSION_GRANT_POLICY_CHANGED,
    HYBRID_AUTHENTICATION_CHANGED,
)
