"""What is answered about approvals and passkeys: the pages, and what a press does.

`shared.console.routes` lets people in, and checks the tokens of their forms. Here it is decided whose passkey may
sign: one that operators have signed is the reader's own, at an address of this app.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from shared.authority.acts import NotSigned
from shared.authority.operator_keys import KeyKind, PublicKey, text_of
from shared.authority.operators import Enrolled
from shared.authority.passkeys import challenge_of, made_passkey
from shared.authority.signed_acts import SignedActs
from shared.console import approval_texts, texts
from shared.console.approvals_page import Approved, Said, approvals_page
from shared.console.approve_page import PASSKEY, ApproveSheet, approve_page
from shared.console.approving import (
    APPROVE,
    DAYS,
    LONGEST_TICKET,
    SIGNED_WITHIN,
    Outcome,
    Plan,
    Terms,
    approve,
    plan_of,
    problem_with_terms,
    text_to_sign,
    was_done,
)
from shared.console.frame import View
from shared.console.incidents import Incident
from shared.console.markup import Html
from shared.console.passkey_page import OwnPasskeys, challenge_in, made_page, passkey_page
from shared.console.visitors import Visitor
from shared.emergency.proofs import Door, Request
from shared.model.bilingual import Words
from shared.model.errors import Rejected, ResponderError
from shared.respond.components import Runtime

__all__ = ["APPROVALS", "APPROVE", "PASSKEY", "SAID", "Answer", "ApprovalDesk", "Data", "Led", "Page"]

APPROVALS: Final = "approvals"
SAID: Final[Mapping[str, Words]] = {
    Outcome.DONE: approval_texts.DONE_APPROVED,
    Outcome.WAITS: approval_texts.DONE_WAITS,
}
"""What is said of a press, by the code in the address."""

_log = logging.getLogger("responder.console")
_LONGEST_NUMBER: Final = 40


class Page(Struct, frozen=True, kw_only=True):
    """A page, as its HTML."""

    status: int
    html: str


class Led(Struct, frozen=True, kw_only=True):
    """The browser is led to a page, whose first line says what came of a press: a code, and what it is about."""

    to: tuple[str, ...]
    code: str


class Data(Struct, frozen=True, kw_only=True):
    """What the script asked for, as JSON."""

    body: bytes


type Answer = Page | Led | Data


class ToSign(Struct, frozen=True, kw_only=True):
    """What the browser needs to have an approval signed: the digest of its text, by which of these passkeys."""

    at: str
    challenge: str
    passkeys: list[dict[str, str]]


class ApprovalDesk(Struct, frozen=True, kw_only=True):
    """What is answered to one reader, about one request."""

    runtime: Runtime
    door: Door
    visitor: Visitor
    view: View
    request: Request
    now: datetime

    # ---- approving somebody ----

    def sheet(self, incident: Incident, sentence: Html) -> Page:
        """Show what would be approved. Raises EdgeError."""
        return self._sheet(incident, sentence, self._terms({}))

    def press(self, incident: Incident, sentence: Html, form: Mapping[str, str]) -> Answer:
        """Approve as it was shown; the script first asks what is to be signed. Raises EdgeError, Rejected."""
        terms = self._terms(form)
        plan = plan_of(self.runtime, incident.case, incident.detection)
        problem = problem_with_terms(terms, self.now)
        if isinstance(plan, Words) or problem:
            return self._sheet(incident, sentence, terms, said=problem, status=HTTPStatus.BAD_REQUEST)
        if plan.digest != form.get("plan", ""):
            if was_done(plan, terms, by=self.visitor.by):
                return Led(to=("i", incident.case.id), code=Outcome.ALREADY)
            return self._sheet(incident, sentence, terms, said=texts.MOVED, status=HTTPStatus.CONFLICT)
        try:
            found = self._text(plan, terms) if form.get("step") == "text" else self._approved(plan, terms, form)
        except (NotSigned, Rejected) as refused:
            _log.warning("what %s asked for was not approved: %s", self.visitor.id, refused)
            found = approval_texts.WRONGLY_SIGNED
        if isinstance(found, Data):
            return found
        if isinstance(found, Words):
            return self._sheet(incident, sentence, terms, said=found, status=HTTPStatus.FORBIDDEN)
        _log.info("%s approved %s on %s: %s", self.visitor.id, plan.actor_id, plan.approval_list, found)
        return Led(to=(APPROVALS,) if found is Outcome.WAITS else ("i", incident.case.id), code=found)

    def _terms(self, form: Mapping[str, str]) -> Terms:
        until = f"{self.now + timedelta(days=DAYS):%Y-%m-%d}"
        return Terms(
            until=form.get("until", until)[:_LONGEST_NUMBER],
            ticket=form.get("ticket", "").strip()[:LONGEST_TICKET],
            is_since=bool(form.get("since", "")),
        )

    def _sheet(
        self,
        incident: Incident,
        sentence: Html,
        terms: Terms,
        *,
        said: Words | None = None,
        status: int = HTTPStatus.OK,
    ) -> Page:
        plan = plan_of(self.runtime, incident.case, incident.detection)
        sheet = ApproveSheet(
            case_id=incident.case.id,
            sentence=sentence,
            plan=None if isinstance(plan, Words) else plan,
            nothing=plan if isinstance(plan, Words) else None,
            terms=terms,
            is_founded=self._is_founded,
            can_sign=bool(self._is_founded and self._passkeys()),
            said=said,
        )
        return Page(status=int(status), html=approve_page(sheet, self.view))

    def _text(self, plan: Plan, terms: Terms) -> Data:
        """Give the digest that a passkey is to sign: of the entry as it would be written at this instant."""
        passkeys = self._passkeys()
        digest = b""
        if passkeys:
            text = text_to_sign(self.runtime, plan, terms, by=self.visitor.by, at=self.now, key=passkeys[0])
            digest = challenge_of(text.encode())
        made = ToSign(
            at=self.now.isoformat(),
            challenge=text_of(digest),
            passkeys=[{"id": key.credential, "host": key.host} for key in passkeys],
        )
        return Data(body=msgspec.json.encode(made))

    def _approved(self, plan: Plan, terms: Terms, form: Mapping[str, str]) -> Outcome | Words:
        if not self._is_founded:
            return approve(self.runtime, plan, terms, by=self.visitor.by, at=self.now, key=None, signature="")
        if not form.get("signature"):
            return approval_texts.NOT_SIGNED
        at = _instant(form.get("at", ""))
        if at is None or not timedelta(0) <= self.now - at <= SIGNED_WITHIN:
            return approval_texts.SIGNED_LATE
        shown = form.get("credential", "")
        key = next((one for one in self._passkeys() if one.credential == shown), None)
        if key is None:
            return approval_texts.WRONGLY_SIGNED
        signature = form.get("signature", "")
        return approve(self.runtime, plan, terms, by=self.visitor.by, at=at, key=key, signature=signature)

    # ---- who signs ----

    @property
    def _is_founded(self) -> bool:
        return self.runtime.settings.has_operators

    def _operator(self) -> Enrolled | None:
        if not self._is_founded:
            return None
        found = self.door.operators().with_object_id(self.visitor.id)
        return found if found is not None and found.acts_at(self.now) else None

    def _passkeys(self) -> tuple[PublicKey, ...]:
        """Give the passkeys of the reader that were made for an address of this app."""
        operator, own = self._operator(), {urlsplit(one).hostname for one in self.door.own_origins}
        keys = operator.operator.keys if operator else ()
        return tuple(key for key in keys if key.kind is KeyKind.PASSKEY and key.host in own)

    # ---- who is approved ----

    def approvals(self, said: Words | None) -> Page:
        """Show who is approved, and what waits for a second operator; what can't be read is said to be that."""
        shown = Approved(people=None, is_founded=self._is_founded, said=said)
        try:
            people: dict[str, list[Said]] = {}
            for name, actor_id, stands in self.runtime.approvals.all():
                people.setdefault(name, []).append((actor_id, stands))
            shown = msgspec.structs.replace(shown, people=people)
            acts = self.runtime.acts
            waiting = acts.waiting(self.runtime.storage) if isinstance(acts, SignedActs) else []
            shown = msgspec.structs.replace(shown, waiting=waiting)
        except ResponderError as error:
            _log.warning("who is approved could not be read: %s", error)
            shown = msgspec.structs.replace(shown, unread=str(error), waiting=None)
        return Page(status=HTTPStatus.OK, html=approvals_page(shown, self.view))

    # ---- a passkey ----

    def passkey(self, *, said: Words | None = None, status: int = HTTPStatus.OK) -> Page:
        """Show the reader's passkeys, and the button that makes one."""
        operator = self._operator()
        own = OwnPasskeys(
            keys=self._passkeys(),
            operator=operator.operator.id if operator else "",
            local=self._local(),
            said=said,
        )
        return Page(status=int(status), html=passkey_page(own, self.view))

    def _local(self) -> str:
        """Give where the console of the local stack is opened: there are no passkeys for an address of figures."""
        own = sorted(one for one in self.door.own_origins if urlsplit(one).hostname == "localhost")
        return own[0] if own else ""

    def make_passkey(self, form: Mapping[str, str]) -> Page:
        """Show the public half of a passkey that a browser has just made. Nothing is kept."""
        made = made_passkey(
            credential=form.get("credential", ""),
            client=form.get("client", ""),
            attestation=form.get("attestation", ""),
            challenge=challenge_in(form.get("token", "")),
            origin=self.request.header("Origin").lower(),
        )
        if made is None:
            return self.passkey(said=approval_texts.NOT_MADE, status=HTTPStatus.BAD_REQUEST)
        operator = self._operator()
        return Page(status=HTTPStatus.OK, html=made_page(made, operator.operator.id if operator else "", self.view))


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text[:_LONGEST_NUMBER])
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
