"""Changes that affect the whole tenant and are missing from the guide's table "Infrastructure"."""

from typing import Final

from responders.detections import attack, references
from responders.detections.activities import succeeded
from responders.detections.directory_samples import b2c_record, change, target
from responders.detections.samples import BY_APP, TENANT, audit_record, diagnostic_record
from shared.model.detections import Answer, AnyDetection, Detection
from shared.model.events import AuditEvent, Log
from shared.model.kinds import ApprovalList, Image, Risk

_KEY: Final = "B2C_1A_TokenSigningKeyContainer"


def _tenant_record(activity: str, kind: str, *changes: Image, **differences: object) -> Image:
    """Make the record of a change of the whole tenant; a domain goes by its name, without an id."""
    changed = target(None if kind == "Other" else TENANT, kind, *changes, name="fabrikam.example")
    return audit_record(activity, **{"targetResources": [changed]} | differences)


B2C_POLICY_KEY_CHANGED: Detection[AuditEvent] = Detection(
    id="b2c-policy-key-changed",
    seed_row="infrastructure/beyond/policy-keys",
    title="B2C policy key changed by an unapproved actor",
    why="Policy keys sign tokens. Whoever knows a key can issue tokens for any customer.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(
        "Create policy key",
        "Update policy key",
        "Delete policy key",
        "Restore policy key",
        "Upload secret into policy key",
        "Upload certificate to policy key",
    ),
    unless_actor_in=ApprovalList.B2C_POLICY_KEYS,
    answer=Answer.PAGE,
    deviates="Not in the guide. A policy key affects everybody who signs in by a custom policy that uses it.",
    techniques=(attack.FORGE_WEB_CREDENTIALS, attack.MODIFY_AUTHENTICATION_PROCESS),
    reference=references.B2C_POLICY_KEYS,
    hits=(
        b2c_record("Upload secret into policy key", _KEY),
        b2c_record("Create policy key", _KEY, category="Authorization"),
        diagnostic_record(b2c_record("Upload Certificate to policy key", _KEY, initiatedBy=BY_APP)),
    ),
    misses=(
        b2c_record("Get policy key", _KEY),
        b2c_record("Delete policy key", _KEY, result="failure"),
    ),
)

AUTHORIZATION_POLICY_UPDATED: Detection[AuditEvent] = Detection(
    id="authorization-policy-updated",
    seed_row="infrastructure/beyond/authorization-policy",
    title="Tenant's authorization policy changed by an unapproved actor",
    why=(
        "The policy says what every user may do by default, such as inviting guests, registering applications and "
        "consenting to risky ones."
    ),
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded("Update authorization policy"),
    unless_actor_in=ApprovalList.TENANT_SETTINGS,
    answer=Answer.PAGE,
    deviates="Not in the guide. The policy affects the whole tenant, as conditional access does.",
    techniques=(attack.TENANT_POLICY_MODIFICATION,),
    reference=references.USER_PERMISSIONS,
    hits=(
        _tenant_record("Update authorization policy", "Other", change("AllowUserConsentForRiskyApps", [False], [True])),
    ),
    misses=(
        _tenant_record("Update authorization policy", "Other", result="failure"),
        _tenant_record("Update policy", "Policy"),
    ),
)

DOMAIN_FEDERATION_CHANGED: Detection[AuditEvent] = Detection(
    id="domain-federation-changed",
    seed_row="infrastructure/beyond/domain-federation",
    title="Authentication or federation of a domain changed by an unapproved actor",
    why="Whoever a domain is federated with can sign in as any of its users, without their password or second factor.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded("Set domain authentication", "Set federation settings on domain"),
    unless_actor_in=ApprovalList.TENANT_SETTINGS,
    answer=Answer.PAGE,
    deviates="Not in the guide. A federated domain is an identity provider for all its users.",
    techniques=(attack.TRUST_MODIFICATION, attack.FORGE_SAML_TOKENS),
    reference=references.FEDERATION_CHANGES,
    hits=(
        _tenant_record("Set domain authentication", "Other", change("LiveType", ["Managed"], ["Federated"])),
        _tenant_record("Set federation settings on domain", "Other", initiatedBy=BY_APP),
    ),
    misses=(
        _tenant_record("Add unverified domain", "Other", change("LiveType", ["None"], ["Managed"])),
        _tenant_record("Set domain authentication", "Other", result="failure"),
    ),
)

AUTHENTICATION_FLOW_CHANGED: Detection[AuditEvent] = Detection(
    id="authentication-flow-changed",
    seed_row="infrastructure/beyond/authentication-flows",
    title="Authentication flow changed by an unapproved actor",
    why="Self-service sign-up, or a program that is called at each sign-in, can let others into the tenant.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(
        "Update authentication flows policy",
        "Create authenticationEventListener",
        "Create customAuthenticationExtension",
    ),
    unless_actor_in=ApprovalList.TENANT_SETTINGS,
    answer=Answer.PAGE,
    deviates="Not in the guide. These do in an external tenant what user flows and API connectors do in B2C.",
    techniques=(attack.MODIFY_AUTHENTICATION_PROCESS,),
    reference=references.AUTHENTICATION_EXTENSIONS,
    hits=(
        _tenant_record("Update authentication flows policy", "Policy"),
        _tenant_record("Create authenticationEventListener", "Other"),
        _tenant_record("Create CustomAuthenticationExtension", "Other", initiatedBy=BY_APP),
    ),
    misses=(
        _tenant_record("Update authentication flows policy", "Policy", result="failure"),
        _tenant_record("Update authentication methods policy", "Policy"),
    ),
)

BEYOND: Final[tuple[AnyDetection, ...]] = (
    B2C_POLICY_KEY_CHANGED,
    AUTHORIZATION_POLICY_UPDATED,
    DOMAIN_FEDERATION_CHANGED,
    AUTHENTICATION_FLOW_CHANGED,
)
