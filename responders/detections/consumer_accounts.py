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
    account_record,
    change,
    new_account_record,
    pim_record,
    role_record,
)
from responders.detections.samples import BY_APP, diagnostic_record
from shared.detect.fields import Audit
from shared.model.conditions import Condition, Not, any_of
from shared.model.declarations import After, Answer, AnyDetection, ApprovalList, Burst, Detection, Risk
from shared.model.events import AuditEvent, Log

_NOT_BY_CPIM: Final[tuple[Condition[AuditEvent], ...]] = (
    Audit.tenant.is_("consumer"),
    Not(Audit.actor_service.is_("cpim")),
)
_CPIM_BY_ID: Final = (
    "The guide names CPIM Service, and anybody can give an application that name: its object id is asked for, which "
    "differs by tenant and is configured."
)
_DISABLED: Final = change("AccountEnabled", [True], [False])
_EVER: Final = timedelta(days=3650)

CONSUMER_ACCOUNTS_BURST: Detection[AuditEvent] = Detection(
    id="consumer-accounts-burst",
    seed_row="consumer-accounts/1",
    title="Many consumer accounts created or deleted within an hour",
    why="Robots that sign up, or somebody who empties the directory: by the time customers call it is done.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded("Add user", "Delete user", also=(Audit.tenant.is_("consumer"),)),
    unless_actor_in=None,
    answer=Answer.PAGE,
    counted=Burst(at_least=100, within=timedelta(hours=1)),
    first_step=(
        "See who made or deleted them. Sign-ups: turn on a CAPTCHA, or block the addresses that they come from. "
        "Deleted ones: restore them within 30 days."
    ),
    deviates=(
        "The guide counts what CPIM Service did; everybody's are counted, since its object id may not be configured "
        "and row 2 asks about the others in any case. The number is ours; the vocabulary's thresholds set another."
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
    why="Customers get their accounts by signing up. One made by hand is somebody's way in, and looks like a customer.",
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
    why="The customer can't sign in any more. A hard delete can't be undone; any other can for 30 days.",
    risk=Risk.MEDIUM,
    log=Log.AUDIT,
    when=succeeded(*ACCOUNT_DELETED, also=_NOT_BY_CPIM),
    unless_actor_in=ApprovalList.CONSUMER_ACCOUNTS,
    answer=Answer.PAGE,
    deviates=f"{_CPIM_BY_ID} The hard delete isn't in the guide's print.",
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
    title="Consumer account's way to sign in changed by an unapproved actor",
    why="Whoever sets another sign-in name, address or factor takes the account over, or locks the customer out.",
    risk=Risk.MEDIUM,
    log=Log.AUDIT,
    when=succeeded(
        "Update user",
        "Disable account",
        also=(
            *_NOT_BY_CPIM,
            Not(Audit.actor_is_target.is_("self")),
            any_of(Audit.activity.is_("Disable account"), Audit.account_change.is_("sign-in")),
        ),
    ),
    unless_actor_in=ApprovalList.CONSUMER_ACCOUNTS,
    answer=Answer.PAGE,
    deviates=(
        "From the guide's section on baselines, which asks for every update by an administrator who isn't approved: "
        "only properties by which one signs in count, since others change all day."
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
        account_record("Enable account"),
    ),
)

CONSUMER_ACCOUNT_SHORT_LIVED: Detection[AuditEvent] = Detection(
    id="consumer-account-short-lived",
    seed_row="consumer-accounts/2/short-lived",
    title="Consumer account created and deleted within a day by an unapproved actor",
    why="An account that somebody made by hand, used and took away again has done what it was made for.",
    risk=Risk.MEDIUM,
    log=Log.AUDIT,
    when=succeeded(*ACCOUNT_DELETED, also=_NOT_BY_CPIM),
    unless_actor_in=ApprovalList.CONSUMER_ACCOUNTS,
    answer=Answer.PAGE,
    after=After(step_a=succeeded("Add user", also=_NOT_BY_CPIM), by=Audit.principal, window=timedelta(days=1)),
    first_step="See in the audit log and the sign-in log what the account did while it was there.",
    deviates=f"{_CPIM_BY_ID} The guide gives no time between the two; a day is taken.",
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
    title="Directory role given to a consumer's account",
    why="Whoever signed up as a customer, and chose the password, now administers the directory.",
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
    first_step="Take the role away again and revoke the account's sessions. Nobody needs a customer as administrator.",
    deviates=(
        "Told whoever gave it, approved or not; role-assigned puts it back where they weren't. Accounts that CPIM "
        "Service made in ten years count, as far as its object id is configured and its records were seen."
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
    why="Accounts that didn't come the usual way tend to lack what the usual way writes, a customer number say.",
    risk=Risk.MEDIUM,
    log=Log.AUDIT,
    when=succeeded("Add user", also=(Audit.tenant.is_("consumer"), Audit.account_fault.one_of("missing", "pattern"))),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="See how the account came to be. If nobody can say: block its sign-in and look at what it did.",
    deviates=(
        "From the guide's section on baselines, which gives no risk: that of an account that wasn't approved is "
        "taken. Without attributes in the configuration it never speaks."
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
