"""Rows 7 to 15 of the guide's table "Infrastructure": user flows, API connectors, identity providers.

B2C logs each change twice, in the categories Authorization and ResourceManagement. Both records are one case.
"""

from typing import Final

from responders.detections import attack, references
from responders.detections.activities import succeeded
from responders.detections.directory_samples import b2c_record
from responders.detections.samples import BY_APP, diagnostic_record
from responders.remediations import (
    DELETE_API_CONNECTOR,
    DELETE_IDENTITY_PROVIDER,
    DELETE_USER_FLOW,
    MAKE_API_CONNECTOR_BY_HAND,
    MAKE_IDENTITY_PROVIDER_BY_HAND,
    MAKE_USER_FLOW_BY_HAND,
    PUT_BACK_API_CONNECTOR,
    PUT_BACK_IDENTITY_PROVIDER,
    PUT_BACK_USER_FLOW,
)
from shared.model.detections import Answer, AnyDetection, Detection
from shared.model.events import AuditEvent, Log
from shared.model.kinds import ApprovalList, Risk

_FLOW: Final = "B2C_1_SignUpOrSignIn"
_CONNECTOR: Final = "CheckCustomerNumber"
_PROVIDER: Final = "Contoso-OIDC"

B2C_USER_FLOW_CREATED: Detection[AuditEvent] = Detection(
    id="b2c-user-flow-created",
    seed_row="infrastructure/7",
    title="B2C user flow created by an unapproved actor",
    why="A new user flow is another way to sign in. It can let anybody sign up, and without a second factor.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded("Create user flow"),
    unless_actor_in=ApprovalList.B2C_USER_FLOWS,
    answer=Answer.PAGE,
    remediation=DELETE_USER_FLOW,
    techniques=(attack.MODIFY_AUTHENTICATION_PROCESS,),
    reference=references.B2C_USER_FLOWS,
    hits=(
        b2c_record("Create user flow", _FLOW),
        b2c_record("Create user flow", _FLOW, category="Authorization"),
        diagnostic_record(b2c_record("Create User Flow ", _FLOW, initiatedBy=BY_APP)),
    ),
    misses=(
        b2c_record("Create user flow", _FLOW, result="failure"),
        b2c_record("Update user flow", _FLOW),
    ),
)

B2C_USER_FLOW_UPDATED: Detection[AuditEvent] = Detection(
    id="b2c-user-flow-updated",
    seed_row="infrastructure/8",
    title="B2C user flow changed by an unapproved actor",
    why="One changed setting can turn off multifactor authentication for everybody who signs in by the user flow.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded("Update user flow"),
    unless_actor_in=ApprovalList.B2C_USER_FLOWS,
    answer=Answer.PAGE,
    remediation=PUT_BACK_USER_FLOW,
    techniques=(attack.MODIFY_AUTHENTICATION_PROCESS, attack.MODIFY_MULTI_FACTOR_AUTHENTICATION),
    reference=references.B2C_USER_FLOWS,
    hits=(
        b2c_record("Update user flow", _FLOW),
        b2c_record("Update user flow", _FLOW, category="Authorization"),
        diagnostic_record(b2c_record("Update User Flow ", _FLOW, initiatedBy=BY_APP)),
    ),
    misses=(
        b2c_record("Update user flow", _FLOW, result="failure"),
        b2c_record("Get user flow", _FLOW),
    ),
)

B2C_USER_FLOW_DELETED: Detection[AuditEvent] = Detection(
    id="b2c-user-flow-deleted",
    seed_row="infrastructure/9",
    title="B2C user flow deleted by an unapproved actor",
    why="Customers can't sign in by this user flow any more, and the API can't restore all of it.",
    risk=Risk.MEDIUM,
    log=Log.AUDIT,
    when=succeeded("Delete user flow"),
    unless_actor_in=ApprovalList.B2C_USER_FLOWS,
    answer=Answer.PAGE,
    remediation=MAKE_USER_FLOW_BY_HAND,
    techniques=(attack.ACCOUNT_ACCESS_REMOVAL,),
    reference=references.B2C_USER_FLOWS,
    hits=(
        b2c_record("Delete user flow", _FLOW),
        b2c_record("Delete user flow", _FLOW, category="Authorization"),
        diagnostic_record(b2c_record("Delete User Flow ", _FLOW, initiatedBy=BY_APP)),
    ),
    misses=(
        b2c_record("Delete user flow", _FLOW, result="failure"),
        b2c_record("Create user flow", _FLOW),
    ),
)

B2C_API_CONNECTOR_CREATED: Detection[AuditEvent] = Detection(
    id="b2c-api-connector-created",
    seed_row="infrastructure/10",
    title="B2C API connector created by an unapproved actor",
    why="A connector receives what customers type while they sign up, and decides whether they may.",
    risk=Risk.MEDIUM,
    log=Log.AUDIT,
    when=succeeded("Create API connector"),
    unless_actor_in=ApprovalList.B2C_API_CONNECTORS,
    answer=Answer.PAGE,
    remediation=DELETE_API_CONNECTOR,
    techniques=(attack.MODIFY_AUTHENTICATION_PROCESS,),
    reference=references.B2C_API_CONNECTORS,
    hits=(
        b2c_record("Create API connector", _CONNECTOR),
        b2c_record("Create API connector", _CONNECTOR, category="Authorization"),
        diagnostic_record(b2c_record("Create Api Connector ", _CONNECTOR, initiatedBy=BY_APP)),
    ),
    misses=(
        b2c_record("Create API connector", _CONNECTOR, result="failure"),
        b2c_record("Update API connector", _CONNECTOR),
    ),
)

B2C_API_CONNECTOR_UPDATED: Detection[AuditEvent] = Detection(
    id="b2c-api-connector-updated",
    seed_row="infrastructure/11",
    title="B2C API connector changed by an unapproved actor",
    why="With another address, what customers type while they sign up is sent to somebody else.",
    risk=Risk.MEDIUM,
    log=Log.AUDIT,
    when=succeeded("Update API connector"),
    unless_actor_in=ApprovalList.B2C_API_CONNECTORS,
    answer=Answer.PAGE,
    remediation=PUT_BACK_API_CONNECTOR,
    techniques=(attack.MODIFY_AUTHENTICATION_PROCESS,),
    reference=references.B2C_API_CONNECTORS,
    hits=(
        b2c_record("Update API connector", _CONNECTOR),
        b2c_record("Update API connector", _CONNECTOR, category="Authorization"),
        diagnostic_record(b2c_record("Update Api Connector ", _CONNECTOR, initiatedBy=BY_APP)),
    ),
    misses=(
        b2c_record("Update API connector", _CONNECTOR, result="failure"),
        b2c_record("Get API connector", _CONNECTOR),
    ),
)

B2C_API_CONNECTOR_DELETED: Detection[AuditEvent] = Detection(
    id="b2c-api-connector-deleted",
    seed_row="infrastructure/12",
    title="B2C API connector deleted by an unapproved actor",
    why="The connector's check is no longer made, or sign-up fails for everybody.",
    risk=Risk.MEDIUM,
    log=Log.AUDIT,
    when=succeeded("Delete API connector"),
    unless_actor_in=ApprovalList.B2C_API_CONNECTORS,
    answer=Answer.PAGE,
    remediation=MAKE_API_CONNECTOR_BY_HAND,
    deviates="The guide prints the activity Update API connector a second time. It means Delete API connector.",
    techniques=(attack.MODIFY_AUTHENTICATION_PROCESS,),
    reference=references.B2C_API_CONNECTORS,
    hits=(
        b2c_record("Delete API connector", _CONNECTOR),
        b2c_record("Delete API connector", _CONNECTOR, category="Authorization"),
        diagnostic_record(b2c_record("Delete Api Connector ", _CONNECTOR, initiatedBy=BY_APP)),
    ),
    misses=(
        b2c_record("Delete API connector", _CONNECTOR, result="failure"),
        b2c_record("Create API connector", _CONNECTOR),
    ),
)

IDENTITY_PROVIDER_CREATED: Detection[AuditEvent] = Detection(
    id="identity-provider-created",
    seed_row="infrastructure/13",
    title="Identity provider created by an unapproved actor",
    why="Whoever runs the identity provider can sign in as any account that it names.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded("Create identity provider", "Create custom identity provider", "Create local identity provider"),
    unless_actor_in=ApprovalList.IDENTITY_PROVIDERS,
    answer=Answer.PAGE,
    remediation=DELETE_IDENTITY_PROVIDER,
    techniques=(attack.TRUST_MODIFICATION,),
    reference=references.B2C_IDENTITY_PROVIDERS,
    hits=(
        b2c_record("Create identity provider", _PROVIDER),
        b2c_record("Create identity provider", _PROVIDER, category="Authorization"),
        b2c_record("Create custom identity provider", _PROVIDER, initiatedBy=BY_APP),
        diagnostic_record(b2c_record("CREATE local identity provider ", _PROVIDER, loggedByService="Core Directory")),
    ),
    misses=(
        b2c_record("Create identity provider", _PROVIDER, result="failure"),
        b2c_record("Update identity provider", _PROVIDER),
    ),
)

IDENTITY_PROVIDER_UPDATED: Detection[AuditEvent] = Detection(
    id="identity-provider-updated",
    seed_row="infrastructure/14",
    title="Identity provider changed by an unapproved actor",
    why=(
        "Whoever controls the new issuer or key can sign in as anybody. The provider's secret can't be read, so it "
        "can't be put back."
    ),
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded("Update identity provider", "Update custom identity provider", "Update local identity provider"),
    unless_actor_in=ApprovalList.IDENTITY_PROVIDERS,
    answer=Answer.PAGE,
    remediation=PUT_BACK_IDENTITY_PROVIDER,
    also=("privileged-accounts/12",),
    deviates=(
        "Row 12 of the guide's table of privileged accounts is the same event. The guide copied it there where it "
        "meant changes of authentication methods."
    ),
    techniques=(attack.TRUST_MODIFICATION,),
    reference=references.B2C_IDENTITY_PROVIDERS,
    hits=(
        b2c_record("Update identity provider", _PROVIDER),
        b2c_record("Update identity provider", _PROVIDER, category="Authorization"),
        b2c_record("Update custom identity provider", _PROVIDER, initiatedBy=BY_APP),
        diagnostic_record(b2c_record("UPDATE local identity provider ", _PROVIDER, loggedByService="Core Directory")),
    ),
    misses=(
        b2c_record("Update identity provider", _PROVIDER, result="failure"),
        b2c_record("Get identity provider", _PROVIDER),
    ),
)

IDENTITY_PROVIDER_DELETED: Detection[AuditEvent] = Detection(
    id="identity-provider-deleted",
    seed_row="infrastructure/15",
    title="Identity provider deleted by an unapproved actor",
    why=(
        "Nobody can sign in by this provider any more. Its secret can't be read, so it can't be restored automatically."
    ),
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded("Delete identity provider", "Delete custom identity provider", "Delete local identity provider"),
    unless_actor_in=ApprovalList.IDENTITY_PROVIDERS,
    answer=Answer.PAGE,
    remediation=MAKE_IDENTITY_PROVIDER_BY_HAND,
    also=("privileged-accounts/13",),
    deviates=(
        "Row 13 of the guide's table of privileged accounts is the same event. It is graded high there and medium "
        "here; high is taken. That row names access reviews as its log, but the record is in the audit log."
    ),
    techniques=(attack.TRUST_MODIFICATION, attack.ACCOUNT_ACCESS_REMOVAL),
    reference=references.B2C_IDENTITY_PROVIDERS,
    hits=(
        b2c_record("Delete identity provider", _PROVIDER),
        b2c_record("Delete identity provider", _PROVIDER, category="Authorization"),
        b2c_record("Delete custom identity provider", _PROVIDER, initiatedBy=BY_APP),
        diagnostic_record(b2c_record("DELETE local identity provider ", _PROVIDER, loggedByService="Core Directory")),
    ),
    misses=(
        b2c_record("Delete identity provider", _PROVIDER, result="failure"),
        b2c_record("Create identity provider", _PROVIDER),
    ),
)

B2C_RESOURCES: Final[tuple[AnyDetection, ...]] = (
    B2C_USER_FLOW_CREATED,
    B2C_USER_FLOW_UPDATED,
    B2C_USER_FLOW_DELETED,
    B2C_API_CONNECTOR_CREATED,
    B2C_API_CONNECTOR_UPDATED,
    B2C_API_CONNECTOR_DELETED,
    IDENTITY_PROVIDER_CREATED,
    IDENTITY_PROVIDER_UPDATED,
    IDENTITY_PROVIDER_DELETED,
)
