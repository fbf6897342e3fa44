"""Approving the actor of an incident: what would be approved, what a person typed, and the act itself.

Where operators are founded, an operator's passkey signs the act in the browser. It signs the digest of the entry's
text, which depends on what was typed, so the browser asks for it first (`text_to_sign`). Nothing is kept in between:
when the signature comes, the entry is made anew from the same words and the same instant, and has to be the one that
was signed.
"""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from shared.authority.acts import WaitsForSecond
from shared.authority.approvals import TableApprovals, until_from
from shared.authority.operator_keys import PublicKey
from shared.authority.signed_acts import SignedActs, Signer
from shared.authority.signed_entries import is_by_key, takes_two
from shared.authority.standing import Approval
from shared.authority.statements import Malformed
from shared.console import approval_texts as texts
from shared.model.bilingual import Words
from shared.model.calls import checked_id
from shared.model.cases import Case
from shared.model.detections import AnyDetection
from shared.model.errors import BadIdentifier, Rejected
from shared.model.escape import shown
from shared.model.events import ActorKind
from shared.model.kinds import ApprovalList
from shared.respond.components import Runtime
from shared.respond.waking import announce

APPROVE: Final = "approve"
DAYS: Final = 30
"""How long an approval holds where nobody enters another end."""

MOST_DAYS: Final = 365
LONGEST_TICKET: Final = 100
SIGNED_WITHIN: Final = timedelta(minutes=10)
"""How old the instant may be that the browser was given when the signature comes."""

_LONGEST_NAME: Final = 120


class Plan(Struct, frozen=True, kw_only=True):
    """What would be approved: an actor, on the list of the detection.

    `at` is when the incident's change was made, `stands` what the list says of the actor now, None for nothing, and
    `is_first` whether nobody is on the list yet.
    """

    approval_list: ApprovalList
    actor_id: str
    kind: ActorKind
    name: str
    at: datetime
    stands: Approval | Malformed | None
    is_first: bool

    @property
    def takes_two(self) -> bool:
        """Whether two persons have to sign it, where operators are founded."""
        return takes_two(self.approval_list)

    @property
    def digest(self) -> str:
        """Name what was shown, so that a page that is out of date approves nobody."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()


class Terms(Struct, frozen=True, kw_only=True):
    """What a person typed: the last day, as "2027-01-31", and the ticket; and whether this change is approved too."""

    until: str
    ticket: str
    is_since: bool = False


class Outcome(StrEnum):
    """What came of it."""

    DONE = "approved"
    WAITS = "waits-for-second"
    ALREADY = "already"


def plan_of(runtime: Runtime, case: Case, detection: AnyDetection) -> Plan | Words:
    """Say what would be approved; words say why nobody can be. Raises EdgeError: the list can't be read."""
    found = approvable(runtime, case, detection)
    if isinstance(found, Words):
        return found
    actor_id = case.actor.id.lower()
    return Plan(
        approval_list=found,
        actor_id=actor_id,
        kind=case.actor.kind,
        name=shown(case.actor.name, _LONGEST_NAME) if case.actor.name.strip() else actor_id,
        at=case.at,
        stands=runtime.approvals.find(found, actor_id),
        is_first=runtime.approvals.is_empty(found),
    )


def approvable(runtime: Runtime, case: Case, detection: AnyDetection) -> ApprovalList | Words:
    """Give the list on which the actor can be approved; words say why on none."""
    if detection.unless_actor_in is None:
        return texts.NO_LIST
    try:
        checked_id("id", case.actor.id)
    except BadIdentifier:
        return texts.NOBODY_KNOWN
    if case.actor.kind is ActorKind.UNKNOWN:
        return texts.NOBODY_KNOWN
    own = {tenant.responder_id for tenant in runtime.settings.tenants}
    if case.actor.id.lower() in runtime.settings.emergency_accounts | own:
        return texts.NEVER_APPROVED
    return detection.unless_actor_in


def problem_with_terms(terms: Terms, now: datetime) -> Words | None:
    """Say why what was typed approves nobody, None where it does."""
    if not terms.ticket:
        return texts.NO_TICKET
    try:
        until = until_from(terms.until)
    except ValueError:
        return texts.NO_DAY
    return None if now < until <= now + timedelta(days=MOST_DAYS + 1) else texts.NO_DAY


class _AskedToSign(Exception):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class _Asks(Struct, frozen=True):
    """Takes the text instead of signing it."""

    key_id: str

    def sign(self, text: str) -> str:
        raise _AskedToSign(text)


class _Given(Struct, frozen=True):
    """A signature that the browser gave for a text, and for no other."""

    key: PublicKey
    signature: str

    @property
    def key_id(self) -> str:
        return self.key.id

    def sign(self, text: str) -> str:
        """Give the signature. Raises Rejected: it is of something else, or not by this passkey."""
        if not is_by_key(self.key, text, self.signature):
            raise Rejected("the passkey's signature isn't of this approval. Nothing was approved")
        return self.signature


def text_to_sign(runtime: Runtime, plan: Plan, terms: Terms, *, by: str, at: datetime, key: PublicKey) -> str:
    """Give the text of the journal's entry that a passkey is to sign. Nothing is written."""
    try:
        _approvals(runtime, at, _Asks(key.id)).approve(_approval(plan, terms, by=by, at=at), since=_since(plan, terms))
    except _AskedToSign as asked:
        return asked.text
    raise Rejected("operators aren't founded here, so nothing is to be signed")


def approve(
    runtime: Runtime, plan: Plan, terms: Terms, *, by: str, at: datetime, key: PublicKey | None, signature: str
) -> Outcome:
    """Approve the actor, as it was shown; with a passkey's signature where operators are founded (`key`).

    Raises:
        NotSigned: operators are founded, and no key is given, or it is nobody's.
        Rejected: the signature isn't of this.
        EdgeError: it couldn't be written.
    """
    approval = _approval(plan, terms, by=by, at=at)
    given = _Given(key, signature) if key else None
    if given is not None and key is not None:
        # Before it is announced: what isn't signed rightly has nothing looked at again.
        given.sign(text_to_sign(runtime, plan, terms, by=by, at=at, key=key))
    approvals = _approvals(runtime, at, given)
    announce(runtime.storage, at=at, since=_since(plan, terms))
    try:
        approvals.approve(approval, since=_since(plan, terms))
    except WaitsForSecond:
        return Outcome.WAITS
    except ValueError as error:
        raise Rejected(str(error)) from error
    return Outcome.DONE


def was_done(plan: Plan, terms: Terms, *, by: str) -> bool:
    """Whether somebody stands approved as was asked, by the same person: a form that was sent twice."""
    stands = plan.stands
    if not isinstance(stands, Approval) or stands.revoked_at is not None:
        return False
    asked = (terms.ticket, by, until_from(terms.until))
    return (stands.ticket, stands.approved_by, stands.valid_until) == asked


def _approvals(runtime: Runtime, at: datetime, signer: Signer | None) -> TableApprovals:
    """Give the list to be written into: what is written has the instant that the browser was given."""
    acts = runtime.acts
    if signer is not None and isinstance(acts, SignedActs):
        acts = acts.with_signer(signer)
    return TableApprovals(runtime.storage, clock=lambda: at, acts=acts)


def _approval(plan: Plan, terms: Terms, *, by: str, at: datetime) -> Approval:
    return Approval(
        approval_list=plan.approval_list,
        actor_id=plan.actor_id,
        kind=plan.kind,
        name=plan.name,
        valid_from=at,
        valid_until=until_from(terms.until),
        ticket=terms.ticket,
        approved_by=by,
    )


def _since(plan: Plan, terms: Terms) -> datetime | None:
    return plan.at if terms.is_since else None
