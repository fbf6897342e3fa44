"""Changes that affect the whole tenant and are missing from the guide's table "Infrastructure"."""

from typing import Final

from responders.detections import attack, references
from responders.detections.activities import succeeded
from responders.detections.directory_samples import b2c_record, change, tenant_record
from responders.detections.samples import BY_APP, diagnostic_record
from responders.detections.sign_in_settings import SIGN_IN_SETTINGS
from shared.model.detections import Answer, AnyDetection, Detection
from shared.model.events import AuditEvent, Log
from shared.model.kinds import ApprovalList, Risk

_KEY: Final = "B2C_1A_TokenSigningKeyContainer"


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
        "Upload key to policy key",
        "Update secret into policy key",
        "Update certificate to policy key",
        "Generate key",
    ),
    unless_actor_in=ApprovalList.B2C_POLICY_KEYS,
    answer=Answer.PAGE,
    deviates="Not in the guide. A policy key affects everybody who signs in by a custom policy that uses it.",
    techniques=(attack.FORGE_WEB_CREDENTIALS, attack.MODIFY_AUTHENTICATION_PROCESS),
    reference=references.B2C_POLICY_KEYS,
    hits=(
        b2c_record("Upload secret into policy key", _KEY),
        b2c_record("Create policy key", _KEY, category="Authorization"),
        b2c_record("Upload key to policy key", _KEY, category="KeyManagement"),
        b2c_record("Generate key", _KEY),
        diagnostic_record(b2c_record("Upload Certificate to policy key", _KEY, initiatedBy=BY_APP)),
    ),
    misses=(
        b2c_record("Get policy key", _KEY),
        b2c_record("Get active key metadata from policy key", _KEY),
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
        tenant_record("Update authorization policy", "Other", change("AllowUserConsentForRiskyApps", [False], [True])),
    ),
    misses=(
        tenant_record("Update authorization policy", "Other", result="failure"),
        tenant_record("Update policy", "Policy"),
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
    contains=True,
    deviates="Not in the guide. A federated domain is an identity provider for all its users.",
    techniques=(attack.TRUST_MODIFICATION, attack.FORGE_SAML_TOKENS),
    reference=references.FEDERATION_CHANGES,
    hits=(
        tenant_record("Set domain authentication", "Other", change("LiveType", ["Managed"], ["Federated"])),
        tenant_record("Set federation settings on domain", "Other", initiatedBy=BY_APP),
    ),
    misses=(
        tenant_record("Add unverified domain", "Other", change("LiveType", ["None"], ["Managed"])),
        tenant_record("Set domain authentication", "Other", result="failure"),
    ),
)

_FLOW_CHANGED: Final = (
    "Update authentication flows policy",
    "Update authenticationEventsPolicy",
    *(
        f"{done} {part}"
        for done in ("Create", "Update", "Delete")
        for part in ("authenticationEventListener", "authenticationEventsFlow", "customAuthenticationExtension")
    ),
    "Update OnAttributeCollectionStartCustomExtension",
    "Update OnAttributeCollectionSubmitCustomExtension",
    "Update OnPageRenderStartCustomExtension",
)

AUTHENTICATION_FLOW_CHANGED: Detection[AuditEvent] = Detection(
    id="authentication-flow-changed",
    seed_row="infrastructure/beyond/authentication-flows",
    title="Authentication flow changed by an unapproved actor",
    why="Self-service sign-up, or a program that is called at each sign-in, can let others into the tenant.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(*_FLOW_CHANGED),
    unless_actor_in=ApprovalList.TENANT_SETTINGS,
    answer=Answer.PAGE,
    deviates="Not in the guide. These do in an external tenant what user flows and API connectors do in B2C.",
    techniques=(attack.MODIFY_AUTHENTICATION_PROCESS,),
    reference=references.AUTHENTICATION_EXTENSIONS,
    hits=(
        tenant_record("Update authentication flows policy", "Policy"),
        tenant_record("Create authenticationEventListener", "Other"),
        tenant_record("Delete authenticationEventlistener", "Other", loggedByService="B2C"),
        tenant_record("Update authenticationEventsFlow", "Other", loggedByService="B2C"),
        tenant_record("Create CustomAuthenticationExtension", "Other", initiatedBy=BY_APP),
    ),
    misses=(
        tenant_record("Update authentication flows policy", "Policy", result="failure"),
        tenant_record("Get authenticationEventsFlow", "Other"),
    ),
)

BEYOND: Final[tuple[AnyDetection, ...]] = (
    B2C_POLICY_KEY_CHANGED,
    AUTHORIZATION_POLICY_UPDATED,
    DOMAIN_FEDERATION_CHANGED,
    AUTHENTICATION_FLOW_CHANGED,
    *SIGN_IN_SETTINGS,
)
