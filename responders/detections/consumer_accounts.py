"""The guide's table "Consumer accounts": the accounts that customers sign in with."""

from datetime import timedelta
from typing import Final

from responders.detections import attack, references
from responders.detections.activities import (
    ACCOUNT_DELETED,
    MEMBER_ADDED,
    OUTSIDE_PIM,
    OWNER_ADDED,
    ROLE_GIVEN,
    succeeded,
)
from responders.detections.directory_samples import (
    BY_CONSUMER,
    BY_CPIM,
    BY_IMPOSTOR,
    CONSUMER,
    EMERGENCY_GROUP,
    PARTNER,
    ROLE_ASSIGNABLE_GROUP,
    ROLE_HOLDER,
    STRANGER,
    account_record,
    change,
    group_owner_record,
    invitation_record,
    member_record,
    new_account_record,
    partner_record,
    pim_record,
    role_record,
)
from responders.detections.samples import BY_APP, diagnostic_record
from shared.detect.fields import Audit
from shared.model.conditions import Condition, Not, any_of
from shared.model.detections import After, Answer, AnyDetection, Burst, Detection
from shared.model.events import AuditEvent, Log
from shared.model.kinds import ApprovalList, Risk

_NOT_BY_CPIM: Final[tuple[Condition[AuditEvent], ...]] = (
    Audit.tenant.is_("consumer"),
    Not(Audit.actor_service.is_("cpim")),
)
_CPIM_BY_ID: Final = (
    "The guide recognises CPIM Service by its name, but anybody can give an application that name. Here it is "
    "recognised by its object id, which differs by tenant and is configured."
)
_DISABLED: Final = change("AccountEnabled", [True], [False])
_EVER: Final = timedelta(days=3650)

CONSUMER_ACCOUNTS_BURST: Detection[AuditEvent] = Detection(
    id="consumer-accounts-burst",
    seed_row="consumer-accounts/1",
    title="Many consumer accounts created or deleted within an hour",
    why="Bots are signing up, or somebody is deleting customers' accounts in bulk.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded("Add user", "Delete user", also=(Audit.tenant.is_("consumer"),)),
    unless_actor_in=None,
    answer=Answer.PAGE,
    counted=Burst(at_least=100, within=timedelta(hours=1)),
    first_step=(
        "Find out who created or deleted the accounts. If bots signed up, turn on a CAPTCHA or block their addresses. "
        "Deleted accounts can be restored for 30 days."
    ),
    deviates=(
        "The guide counts only what CPIM Service does. Here everybody's records count, because CPIM Service is "
        "recognised by its object id, which may not be configured. The guide names no threshold. This one is our "
        "choice, and the tenant profile's thresholds can set another."
    ),
    techniques=(attack.CREATE_CLOUD_ACCOUNT, attack.ACCOUNT_ACCESS_REMOVAL),
    reference=references.CONSUMER_TABLE,
    hits=(
        new_account_record(initiatedBy=BY_CPIM),
        account_record("Delete user", initiatedBy=BY_CPIM),
        new_account_record(initiatedBy=BY_APP),
    ),
    misses=(
        new_account_record(initiatedBy=BY_CPIM, result="failure"),
        account_record("Update user", _DISABLED, initiatedBy=BY_CPIM),
    ),
)

CONSUMER_ACCOUNT_CREATED: Detection[AuditEvent] = Detection(
    id="consumer-account-created",
    seed_row="consumer-accounts/2",
    title="Consumer account created by an unapproved actor",
    why=(
        "Customers get their account by signing up. An account that somebody creates by hand gives that person access "
        "and looks like any customer's."
    ),
    risk=Risk.MEDIUM,
    log=Log.AUDIT,
    when=succeeded("Add user", also=_NOT_BY_CPIM),
    unless_actor_in=ApprovalList.CONSUMER_ACCOUNTS,
    answer=Answer.PAGE,
    deviates=_CPIM_BY_ID,
    techniques=(attack.CREATE_CLOUD_ACCOUNT,),
    reference=references.CONSUMER_TABLE,
    hits=(
        new_account_record(),
        new_account_record(initiatedBy=BY_APP),
        new_account_record(initiatedBy=BY_IMPOSTOR),
        diagnostic_record(new_account_record(activityDisplayName="Add\N{NO-BREAK SPACE}user ")),
    ),
    misses=(
        new_account_record(initiatedBy=BY_CPIM),
        new_account_record(result="failure"),
        account_record("Add user sponsor"),
    ),
)

CONSUMER_ACCOUNT_DELETED: Detection[AuditEvent] = Detection(
    id="consumer-account-deleted",
    seed_row="consumer-accounts/2/deleted",
    title="Consumer account deleted by an unapproved actor",
    why=(
        "The customer can no longer sign in. A deleted account can be restored for 30 days; a hard delete can't be "
        "undone."
    ),
    risk=Risk.MEDIUM,
    log=Log.AUDIT,
    when=succeeded(*ACCOUNT_DELETED, also=_NOT_BY_CPIM),
    unless_actor_in=ApprovalList.CONSUMER_ACCOUNTS,
    answer=Answer.PAGE,
    deviates=f"{_CPIM_BY_ID} The guide doesn't name the hard delete.",
    techniques=(attack.ACCOUNT_ACCESS_REMOVAL,),
    reference=references.CONSUMER_TABLE,
    hits=(
        account_record("Delete user", change("Is Hard Deleted", None, "False")),
        account_record("Hard Delete user"),
        account_record("Delete user", initiatedBy=BY_IMPOSTOR),
    ),
    misses=(
        account_record("Delete user", initiatedBy=BY_CPIM),
        account_record("Delete user", result="failure"),
        account_record("Restore user"),
    ),
)

CONSUMER_ACCOUNT_UPDATED: Detection[AuditEvent] = Detection(
    id="consumer-account-updated",
    seed_row="consumer-accounts/2/updated",
    title="Sign-in details of a consumer account changed by an unapproved actor",
    why=(
        "Whoever changes the sign-in name, e-mail address or phone number can take the account over or lock the "
        "customer out."
    ),
    risk=Risk.MEDIUM,
    log=Log.AUDIT,
    when=succeeded(
        "Update user",
        "Disable account",
        also=(
            *_NOT_BY_CPIM,
            Not(Audit.actor_is_target.is_("self")),
            Not(Audit.target_level.is_("privileged")),
            any_of(Audit.activity.is_("Disable account"), Audit.account_change.is_("sign-in")),
        ),
    ),
    unless_actor_in=ApprovalList.CONSUMER_ACCOUNTS,
    answer=Answer.PAGE,
    deviates=(
        "This comes from the guide's section on baselines, which asks for every update by an unapproved administrator. "
        "Only properties used for sign-in count here, because other properties change all day. Administrators of the "
        "tenant aren't consumers: their accounts are left to the table of privileged accounts."
    ),
    techniques=(attack.ACCOUNT_MANIPULATION, attack.ACCOUNT_ACCESS_REMOVAL),
    reference=references.ACCOUNT_BASELINE,
    hits=(
        account_record("Update user", _DISABLED),
        account_record("Disable account", _DISABLED),
        account_record("Disable account"),
        account_record("Update user", change("SignInNames", [], [{"Type": "emailAddress", "Value": "x@evil.example"}])),
    ),
    misses=(
        account_record("Update user", change("JobTitle", ["Clerk"], ["Head clerk"])),
        account_record("Update user", _DISABLED, initiatedBy=BY_CPIM),
        account_record("Update user", change("OtherMail", [], ["robin@fabrikam.example"]), initiatedBy=BY_CONSUMER),
        account_record("Update user", _DISABLED, result="failure"),
        account_record("Update user", _DISABLED, identity=ROLE_HOLDER),
        account_record("Enable account"),
    ),
)

CONSUMER_ACCOUNT_SHORT_LIVED: Detection[AuditEvent] = Detection(
    id="consumer-account-short-lived",
    seed_row="consumer-accounts/2/short-lived",
    title="Consumer account created and deleted within a day by an unapproved actor",
    why="Somebody may have created the account by hand, used it, and deleted it to hide what they did.",
    risk=Risk.MEDIUM,
    log=Log.AUDIT,
    when=succeeded(*ACCOUNT_DELETED, also=_NOT_BY_CPIM),
    unless_actor_in=ApprovalList.CONSUMER_ACCOUNTS,
    answer=Answer.PAGE,
    after=After(step_a=succeeded("Add user", also=_NOT_BY_CPIM), by=Audit.principal, window=timedelta(days=1)),
    first_step="Look in the audit log and the sign-in log for what the account did while it existed.",
    deviates=f"{_CPIM_BY_ID} The guide gives no time between the two; one day is our choice.",
    techniques=(attack.CREATE_CLOUD_ACCOUNT, attack.CLEAR_PERSISTENCE),
    reference=references.CONSUMER_TABLE,
    hits=(
        account_record("Delete user"),
        account_record("Hard Delete user", initiatedBy=BY_IMPOSTOR),
    ),
    misses=(
        account_record("Delete user", initiatedBy=BY_CPIM),
        account_record("Delete user", result="failure"),
        new_account_record(),
    ),
)

CONSUMER_ACCOUNT_MADE_PRIVILEGED: Detection[AuditEvent] = Detection(
    id="consumer-account-made-privileged",
    seed_row="consumer-accounts/3",
    title="Role or membership of a privileged group given to a consumer account",
    why="Somebody who signed up as a customer can now administer the directory, or what a role in Azure reaches.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=any_of(
        succeeded(*ROLE_GIVEN, OUTSIDE_PIM, also=(Audit.tenant.is_("consumer"),)),
        succeeded(
            MEMBER_ADDED,
            *OWNER_ADDED,
            also=(Audit.tenant.is_("consumer"), Audit.group_level.is_("role-assignable")),
        ),
    ),
    unless_actor_in=None,
    answer=Answer.PAGE,
    after=After(
        step_a=succeeded("Add user", also=(Audit.tenant.is_("consumer"), Audit.actor_service.is_("cpim"))),
        by=Audit.principal,
        window=_EVER,
    ),
    first_step="Take it away and revoke the account's sessions. No customer needs an administrator role.",
    deviates=(
        "Applies whoever gave it, approved or not. Of Azure roles PIM's records are judged; the event of an assignment "
        "itself doesn't say who received it, so rbac-role-assigned is for those. A group is privileged if roles can be "
        "assigned to it. An account counts if CPIM Service created it in the last "
        "ten years. That is known only if the object id of CPIM Service is configured and the record of the creation "
        "was seen."
    ),
    techniques=(attack.ADDITIONAL_CLOUD_ROLES,),
    reference=references.CONSUMER_TABLE,
    hits=(
        role_record("Add member to role", identity=CONSUMER),
        pim_record("Add member to role in PIM completed (permanent)", identity=CONSUMER),
        pim_record(OUTSIDE_PIM, identity=CONSUMER, initiatedBy=BY_APP),
        pim_record(
            "Add eligible member to role in PIM completed (timebound)",
            identity=CONSUMER,
            category="ResourceManagement",
        ),
        member_record(MEMBER_ADDED, ROLE_ASSIGNABLE_GROUP, identity=CONSUMER),
        group_owner_record(ROLE_ASSIGNABLE_GROUP, identity=CONSUMER),
    ),
    misses=(
        member_record(MEMBER_ADDED, EMERGENCY_GROUP, identity=CONSUMER),
        member_record(MEMBER_ADDED, ROLE_ASSIGNABLE_GROUP, identity=CONSUMER, result="failure"),
        role_record("Add member to role", identity=CONSUMER, result="failure"),
        role_record("Remove member from role", identity=CONSUMER),
        new_account_record(initiatedBy=BY_CPIM),
    ),
)

CONSUMER_ACCOUNT_OFF_BASELINE: Detection[AuditEvent] = Detection(
    id="consumer-account-off-baseline",
    seed_row="consumer-accounts/baseline",
    title="Consumer account created without a standard attribute, or against the naming convention",
    why=(
        "An account that was not created by the normal sign-up often lacks what sign-up writes, such as a customer "
        "number."
    ),
    risk=Risk.MEDIUM,
    log=Log.AUDIT,
    when=succeeded("Add user", also=(Audit.tenant.is_("consumer"), Audit.account_fault.one_of("missing", "pattern"))),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Find out how the account was created. If nobody knows, block its sign-in and look at what it did.",
    deviates=(
        "This comes from the guide's section on baselines, which gives no risk: medium is taken, as for an account "
        "that wasn't approved. Raises no case until the expected attributes are configured."
    ),
    techniques=(attack.CREATE_CLOUD_ACCOUNT,),
    reference=references.ACCOUNT_BASELINE,
    hits=(
        new_account_record(initiatedBy=BY_CPIM, customer_number=""),
        new_account_record(initiatedBy=BY_CPIM, customer_number="10482"),
        account_record("Add user", initiatedBy=BY_CPIM),
    ),
    misses=(
        new_account_record(initiatedBy=BY_CPIM),
        new_account_record(initiatedBy=BY_CPIM, customer_number="", result="failure"),
        account_record("Update user", change("CustomerNumber", ["C-10482"], [])),
    ),
)

CONSUMER_ACCOUNT_ATTRIBUTE_CHANGED: Detection[AuditEvent] = Detection(
    id="consumer-account-attribute-changed",
    seed_row="consumer-accounts/baseline/changed",
    title="Standard attribute of a consumer account removed, or changed against the naming convention",
    why="Whoever takes an account over may change what identifies it, so that it isn't found or passes for another.",
    risk=Risk.MEDIUM,
    log=Log.AUDIT,
    when=succeeded(
        "Update user", also=(Audit.tenant.is_("consumer"), Audit.attribute_fault.one_of("missing", "pattern"))
    ),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Find out who changed it and why, and put the attribute right. Look at what the account did since.",
    deviates=(
        "This comes from the guide's section on baselines, which gives no risk: medium is taken, as at the account's "
        "creation. Only attributes that the record changes are judged. Raises no case until the expected attributes "
        "are configured."
    ),
    techniques=(attack.ACCOUNT_MANIPULATION,),
    reference=references.ACCOUNT_BASELINE,
    hits=(
        account_record("Update user", change("CustomerNumber", ["C-10482"], []), initiatedBy=BY_CPIM),
        account_record("Update user", change("CustomerNumber", ["C-10482"], ["10482"]), initiatedBy=BY_CONSUMER),
        account_record("Update user", change("CustomerNumber", "C-10482")),
    ),
    misses=(
        account_record("Update user", change("CustomerNumber", ["C-10482"], ["C-10483"])),
        account_record("Update user", change("CustomerNumber", ["10482"], ["10482"])),
        account_record("Update user", change("JobTitle", ["Clerk"], [])),
        account_record("Update user", change("CustomerNumber", ["C-10482"], []), result="failure"),
        new_account_record(initiatedBy=BY_CPIM, customer_number="10482"),
    ),
)

PARTNER_OUTSIDE: Detection[AuditEvent] = Detection(
    id="partner-outside",
    seed_row="consumer-accounts/baseline/organisations",
    title="Access for an organisation that isn't on the list of partners",
    why="A person or a tenant that nobody works with can come in as a guest, and looks like any other partner's.",
    risk=Risk.MEDIUM,
    log=Log.AUDIT,
    when=succeeded(
        "Invite external user",
        "Invite external user with reset invitation status",
        "Add a partner to cross-tenant access setting",
        "Update a partner cross-tenant access setting",
        "Create a partner cross-tenant identity sync setting",
        "Update a partner cross-tenant identity sync setting",
        also=(Audit.partner.is_("outside"),),
    ),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step=(
        "Ask whoever did it. If nobody works with that organisation, delete the guest or the setting; else put the "
        "organisation on the list (partner_organisations)."
    ),
    deviates=(
        "This comes from the guide's section on baselines, which asks for a list of the organisations that you work "
        "with and gives no risk: medium is taken. Applies whoever did it, approved or not. Raises no case until the "
        "list is configured. A record that names no organisation doesn't count; cross-tenant-access-changed is for "
        "those."
    ),
    techniques=(attack.CREATE_CLOUD_ACCOUNT, attack.TRUST_MODIFICATION),
    reference=references.ACCOUNT_BASELINE,
    hits=(
        invitation_record("robin@evil.example"),
        invitation_record("robin@partner.example.evil.example", initiatedBy=BY_APP),
        diagnostic_record(invitation_record("robin@partner.example@evil.example")),
        partner_record("Add a partner to cross-tenant access setting", STRANGER),
        partner_record("Update a partner cross-tenant access setting", STRANGER.upper()),
    ),
    misses=(
        invitation_record("robin@partner.example"),
        invitation_record("robin@SALES.Partner.example"),
        invitation_record("robin@evil.example", result="failure"),
        invitation_record(""),
        partner_record("Add a partner to cross-tenant access setting", PARTNER),
        partner_record("Delete partner specific cross-tenant access setting", STRANGER),
    ),
)

CONSUMER_ACCOUNTS: Final[tuple[AnyDetection, ...]] = (
    CONSUMER_ACCOUNTS_BURST,
    CONSUMER_ACCOUNT_CREATED,
    CONSUMER_ACCOUNT_DELETED,
    CONSUMER_ACCOUNT_UPDATED,
    CONSUMER_ACCOUNT_SHORT_LIVED,
    CONSUMER_ACCOUNT_MADE_PRIVILEGED,
    CONSUMER_ACCOUNT_OFF_BASELINE,
    CONSUMER_ACCOUNT_ATTRIBUTE_CHANGED,
    PARTNER_OUTSIDE,
)
