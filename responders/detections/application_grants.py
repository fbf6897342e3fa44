"""Rows 3 to 6 of the guide's table "Applications": permissions granted to applications.

Their conditions exclude each other, so that one grant is one case: a highly privileged app role (3), highly privileged
scopes for one user (4), any other permission on the four APIs that hold the tenant's data (5), highly privileged scopes
for all users (6).
"""

from typing import Final

from responders.detections import attack, references
from responders.detections.activities import APP_ROLE_GIVEN, APP_ROLE_TAKEN, SCOPES_GIVEN, succeeded
from responders.detections.directory_samples import OWN_API_NAMES, app_role_record, application_record, delegated_record
from responders.detections.samples import BY_APP, BY_USER, diagnostic_record
from responders.remediations import (
    GIVE_APP_ROLE_BY_HAND,
    REMOVE_API_PERMISSION,
    REMOVE_APP_ROLE,
    TAKE_DELEGATED_SCOPES,
    TAKE_USER_SCOPES,
)
from shared.detect.fields import Audit
from shared.model.conditions import Not
from shared.model.detections import Answer, Detection
from shared.model.events import AuditEvent, Log
from shared.model.kinds import ApprovalList, Image, Risk

_BY_ESTS: Final[Image] = {"user": BY_USER["user"] | {"displayName": "Azure ESTS Service", "ipAddress": "20.190.129.4"}}
"""How consent is logged: with the person's id, but with a service's name and Microsoft's address."""

APP_ROLE_GRANTED: Detection[AuditEvent] = Detection(
    id="app-role-granted",
    seed_row="applications/3",
    title="Highly privileged application permission granted by an unapproved actor",
    why="The application can read or change everybody's data by itself, without anybody signing in.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(APP_ROLE_GIVEN, also=(Audit.permission_level.is_("high"),)),
    unless_actor_in=ApprovalList.APP_PERMISSIONS,
    answer=Answer.PAGE,
    contains=True,
    remediation=REMOVE_APP_ROLE,
    deviates=(
        "The guide prints no filter; its text names .All and Mail.*. Highly privileged permissions with other names, "
        "such as SMTP.SendAsApp and full_access_as_app, are on a list of ours."
    ),
    techniques=(attack.ADDITIONAL_CLOUD_ROLES, attack.CLOUD_APPLICATION_INTEGRATION),
    reference=references.APP_CONSENT,
    hits=(
        app_role_record("Mail.ReadWrite"),
        app_role_record("full_access_as_app", names=OWN_API_NAMES),
        app_role_record("RoleManagement.ReadWrite.Directory", initiatedBy=BY_APP),
        diagnostic_record(app_role_record("Sites.FullControl.All", initiatedBy=_BY_ESTS)),
    ),
    misses=(
        app_role_record("Mail.ReadWrite", result="failure"),
        app_role_record("orders.read", names=OWN_API_NAMES),
        app_role_record("", names=OWN_API_NAMES),
        application_record("Add app role assignment to service principal", kind="ServicePrincipal"),
    ),
)

APP_ROLE_REMOVED: Detection[AuditEvent] = Detection(
    id="app-role-removed",
    seed_row="privileged-access/app-role-removed",
    title="Application permission taken from an application by an unapproved actor",
    why="An attacker may take permissions from what watches the tenant, so that nobody sees what comes next.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(APP_ROLE_TAKEN),
    unless_actor_in=ApprovalList.APP_PERMISSIONS,
    answer=Answer.PAGE,
    remediation=GIVE_APP_ROLE_BY_HAND,
    deviates="The app never gives a permission: the page has the command.",
    techniques=(attack.ACCOUNT_ACCESS_REMOVAL, attack.DISABLE_TOOLS),
    reference=references.AUDIT_ACTIVITIES,
    hits=(
        app_role_record("AuditLog.Read.All", activityDisplayName=APP_ROLE_TAKEN),
        diagnostic_record(app_role_record("orders.read", names=OWN_API_NAMES, activityDisplayName=APP_ROLE_TAKEN)),
    ),
    misses=(
        app_role_record("AuditLog.Read.All", activityDisplayName=APP_ROLE_TAKEN, result="failure"),
        delegated_record("User.Read", activity="Remove delegated permission grant"),
    ),
)

DELEGATED_PERMISSION_GRANTED: Detection[AuditEvent] = Detection(
    id="delegated-permission-granted",
    seed_row="applications/4",
    title="Highly privileged delegated permission granted by an unapproved actor",
    why="The application can act as that user with all the user's rights, even when the user is not signed in.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(
        *SCOPES_GIVEN, also=(Audit.permission_level.is_("high"), Not(Audit.consent_type.is_("allprincipals")))
    ),
    unless_actor_in=ApprovalList.APP_PERMISSIONS,
    answer=Answer.PAGE,
    remediation=TAKE_USER_SCOPES,
    deviates=(
        "The row repeats application permissions, which are in row 3, and consent for all users, which is in row 6. "
        "Each grant is matched by one row only, so that it is one case. A record doesn't name the user: the grant that "
        "came since is meant, and in doubt people are paged."
    ),
    techniques=(attack.CLOUD_APPLICATION_INTEGRATION, attack.STEAL_APPLICATION_ACCESS_TOKEN),
    reference=references.APP_CONSENT,
    hits=(
        delegated_record(" User.Read Mail.ReadWrite", before=" User.Read"),
        delegated_record("Directory.AccessAsUser.All", initiatedBy=_BY_ESTS),
        delegated_record(
            "Mail.Send offline_access", before="offline_access", activity="Remove delegated permission grant"
        ),
    ),
    misses=(
        delegated_record("User.Read Mail.ReadWrite", before="mail.readwrite  User.Read"),
        delegated_record("Mail.Read", before="Mail.Read Mail.Send", activity="Remove delegated permission grant"),
        delegated_record("Mail.ReadWrite", result="failure"),
        delegated_record("openid profile", names=OWN_API_NAMES),
        delegated_record("Mail.ReadWrite", consent="AllPrincipals"),
    ),
)

SENSITIVE_API_GRANTED: Detection[AuditEvent] = Detection(
    id="sensitive-api-granted",
    seed_row="applications/5",
    title="Permission on Microsoft Graph, Exchange, SharePoint or Entra ID granted by an unapproved actor",
    why="These services hold the tenant's mail, files and directory. A small permission is often the first of several.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(
        APP_ROLE_GIVEN,
        *SCOPES_GIVEN,
        also=(
            Audit.permission_level.is_("other"),
            Audit.api.one_of("microsoft-graph", "exchange", "sharepoint", "entra-id", "office-365-management"),
        ),
    ),
    unless_actor_in=ApprovalList.APP_PERMISSIONS,
    answer=Answer.PAGE,
    remediation=REMOVE_API_PERMISSION,
    deviates=(
        "Highly privileged permissions are left to rows 3, 4 and 6, so that one grant is one case. Office 365 "
        "Management APIs count too: by them an application reads everybody's activity. An app role, and what was "
        "allowed in everybody's name, is taken away again; what one user delegated is paged."
    ),
    techniques=(attack.CLOUD_APPLICATION_INTEGRATION, attack.STEAL_APPLICATION_ACCESS_TOKEN),
    reference=references.APP_CONSENT,
    hits=(
        app_role_record("Calendars.Read"),
        app_role_record("ActivityFeed.Read", names="https://manage.office.com;c5393580-f805-4401-95e8-94b7a6ef2fc2"),
        delegated_record("User.Read"),
        delegated_record(
            "User.Read",
            names="Microsoft.SharePoint;00000003-0000-0ff1-ce00-000000000000;"
            "00000003-0000-0ff1-ce00-000000000000/*.sharepoint.com",
            consent="AllPrincipals",
        ),
    ),
    misses=(
        app_role_record("Mail.ReadWrite"),
        app_role_record("orders.read", names=OWN_API_NAMES),
        delegated_record("User.Read", before="User.Read"),
        delegated_record("orders", names="Microsoft Graph;api://00000003-0000-0000-c000-000000000000"),
        delegated_record("User.Read", result="failure"),
    ),
)

PERMISSION_GRANTED_FOR_ALL: Detection[AuditEvent] = Detection(
    id="permission-granted-for-all",
    seed_row="applications/6",
    title="Highly privileged delegated permission granted for all users by an unapproved actor",
    why="The application can act as anybody who signs in to it, administrators included, and none of them is asked.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(*SCOPES_GIVEN, also=(Audit.permission_level.is_("high"), Audit.consent_type.is_("allprincipals"))),
    unless_actor_in=ApprovalList.APP_PERMISSIONS,
    answer=Answer.PAGE,
    remediation=TAKE_DELEGATED_SCOPES,
    techniques=(attack.CLOUD_APPLICATION_INTEGRATION, attack.STEAL_APPLICATION_ACCESS_TOKEN),
    reference=references.APP_CONSENT,
    hits=(
        delegated_record("User.Read Mail.ReadWrite", before="User.Read", consent="AllPrincipals"),
        delegated_record("user_impersonation", names=OWN_API_NAMES, consent="AllPrincipals"),
    ),
    misses=(
        delegated_record("Mail.ReadWrite"),
        delegated_record("Mail.ReadWrite", before="Mail.ReadWrite", consent="AllPrincipals"),
        delegated_record("User.Read", consent="AllPrincipals"),
        delegated_record("Mail.ReadWrite", consent="AllPrincipals", result="failure"),
    ),
)
