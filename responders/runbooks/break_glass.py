"""The break-glass runbook: what to do in an emergency, in the order of Microsoft's guide."""

from typing import Final

from responders.runbooks.emergency_accounts import EMERGENCY_ACCOUNTS
from responders.runbooks.evidence import EVIDENCE
from responders.runbooks.federation import FEDERATION
from responders.runbooks.mailboxes import MAILBOXES
from responders.runbooks.notification import NOTIFICATION
from responders.runbooks.playbook_review import PLAYBOOK_REVIEW
from responders.runbooks.privileged_sign_ins import PRIVILEGED_SIGN_INS
from responders.runbooks.support_ticket import SUPPORT_TICKET
from shared.emergency.runbook import RunbookStep

BREAK_GLASS: Final[tuple[RunbookStep, ...]] = (
    NOTIFICATION,
    PLAYBOOK_REVIEW,
    EMERGENCY_ACCOUNTS,
    SUPPORT_TICKET,
    PRIVILEGED_SIGN_INS,
    FEDERATION,
    MAILBOXES,
    EVIDENCE,
)
