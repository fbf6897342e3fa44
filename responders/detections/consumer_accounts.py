"""The guide's table "Consumer accounts": the accounts that customers sign in with."""

from datetime import timedelta
from typing import Final

from responders.detections import attack, references
from responders.detections.activities import ACCOUNT_DELETED, OUTSIDE_PIM, ROLE_GIVEN, succeeded
from responders.detections.directory_samples import (
    BY_CONSUMER,
    BY_CPIM,
    BY_IMPOSTOR,
    CONSUMER,
    ROLE_HOLDER,
    account_record,
    change,
    new_account_record,
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
    title="Directory role assigned to a consumer account",
    why="Somebody who signed up as a customer can now administer the directory.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(*ROLE_GIVEN, OUTSIDE_PIM, also=(Audit.tenant.is_("consumer"),)),
    unless_actor_in=None,
    answer=Answer.PAGE,
    after=After(
        step_a=succeeded("Add user", also=(Audit.tenant.is_("consumer"), Audit.actor_service.is_("cpim"))),
        by=Audit.principal,
        window=_EVER,
    ),
    first_step="Remove the role and revoke the account's sessions. No customer needs an administrator role.",
    deviates=(
        "Applies whoever assigned the role, approved or not. An account counts if CPIM Service created it in the last "
        "ten years. That is known only if the object id of CPIM Service is configured and the record of the creation "
        "was seen."
    ),
    techniques=(attack.ADDITIONAL_CLOUD_ROLES,),
    reference=references.CONSUMER_TABLE,
    hits=(
        role_record("Add member to role", identity=CONSUMER),
        pim_record("Add member to role in PIM completed (permanent)", identity=CONSUMER),
        pim_record(OUTSIDE_PIM, identity=CONSUMER, initiatedBy=BY_APP),
    ),
    misses=(
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

CONSUMER_ACCOUNTS: Final[tuple[AnyDetection, ...]] = (
    CONSUMER_ACCOUNTS_BURST,
    CONSUMER_ACCOUNT_CREATED,
    CONSUMER_ACCOUNT_DELETED,
    CONSUMER_ACCOUNT_UPDATED,
    CONSUMER_ACCOUNT_SHORT_LIVED,
    CONSUMER_ACCOUNT_MADE_PRIVILEGED,
    CONSUMER_ACCOUNT_OFF_BASELINE,
)
