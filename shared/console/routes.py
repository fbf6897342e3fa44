"""Answers requests to the console: who is let in, what they are shown, and what a press does.

GET shows and does nothing. What acts is a POST from the console's own page, with a token that is valid for who opened
it, in that session, for that act and the plan that was shown. A plan that is out of date isn't done.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
from msgspec import Struct

from shared.authority.acts import NotSigned, WaitsForSecond
from shared.authority.approvals import since_from
from shared.authority.owners import NamedOwner, TableOwners
from shared.console import texts
from shared.console.approval_routes import (
    APPROVALS,
    APPROVE,
    PASSKEY,
    SAID,
    Answer,
    ApprovalDesk,
    Data,
    Led,
    Page,
)
from shared.console.approving import approvable
from shared.console.assets import SCRIPT, STYLE
from shared.console.coverage_page import Health, coverage_page, modes_of
from shared.console.frame import ROOT, View, clock
from shared.console.incident_page import Shown, incident_page
from shared.console.incidents import Incident, acts_on, all_incidents, find, incident_of, open_incidents
from shared.console.list_page import Tab, list_page, not_seen
from shared.console.markup import Html, Part, in_headline
from shared.console.names import names_for, names_in
from shared.console.object_page import Past, object_page
from shared.console.refused_pages import said_page, sign_in_address, turned_away_page
from shared.console.restraint_pages import (
    CONTAIN,
    RESTRAINING,
    RESTRAINT_REASONS,
    RestraintSheet,
    released_plan,
    restraint_page,
)
from shared.console.sayings import SAYINGS, Saying, may_say, say
from shared.console.sentences import Named, Said, what_happened
from shared.console.sheets import (
    LABELS,
    LONGEST_NOTE,
    REASONS,
    RESTORE_REASONS,
    Sheet,
    sheet_page,
    subject_of,
)
from shared.console.tokens import Checked, Holder, Tokens
from shared.console.visitors import Because, TurnedAway, Visitor, visitor_of
from shared.emergency.labels import language_of
from shared.emergency.proofs import Door, Request
from shared.ingest.coverage import Coverage
from shared.model.bilingual import ENGLISH, KOREAN, Words
from shared.model.cases import Case
from shared.model.errors import LeaseLost, Rejected, ResponderError
from shared.model.kinds import ObjectKind
from shared.model.object_kinds import LeafRules
from shared.model.objects import ObjectId
from shared.notify.reached import reached
from shared.objects.restraints import Containment
from shared.respond.act_plans import plan_act
from shared.respond.acts import act
from shared.respond.asking import Asking, Verb, asking_of
from shared.respond.components import Runtime
from shared.respond.containing import contain, plan_containment, release, why_not
from shared.respond.persons import Result, history, show

_log = logging.getLogger("responder.console")

COOKIE: Final = "responder-console"
"""What a person chose for the console: language and theme. Nothing is decided by it."""
_LONGEST_FORM: Final = 16_384
_MOST_FIELDS: Final = 20
_LONGEST_PATH: Final = 500
_A_YEAR: Final = 31_536_000
_FORM: Final = "application/x-www-form-urlencoded"

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'"
)
_SAFE: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # With no-referrer a form's Origin would be null, and a form of another site couldn't be told from our own.
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": f"max-age={_A_YEAR}",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Accept-Language, Cookie",
}

_ABOUT_ITSELF: Final = frozenset({"coverage", "posture", APPROVALS, PASSKEY})
"""The pages about the product and its tenant, by the last part of their addresses."""

_WRITES: Final = frozenset({Verb.PUT_BACK, Verb.UNDO, Verb.DENY})
_SAID: Final[Mapping[str, Words]] = {
    "writes": texts.DONE_WRITES,
    "noted": texts.DONE_NOTED,
    "already": texts.ALREADY,
    "acknowledged": texts.ACKNOWLEDGED,
    "taken-back": texts.TAKEN_BACK,
    "contained": texts.DONE_CONTAINED,
    "in-part": texts.DONE_IN_PART,
    "remarked": texts.NOTED,
    **SAID,
}


class Reply(Struct, frozen=True, kw_only=True):
    """An answer."""

    status: int
    body: bytes = b""
    content_type: str = "text/html"
    headers: Mapping[str, str] = msgspec.field(default_factory=lambda: _SAFE)


class Console(Struct, frozen=True, kw_only=True):
    """What the console works with, for a process. `coverage` reads what is seen, and may take a while.

    `posture` writes the page about the posture of the tenant of a kind; None where there is no such tenant.
    """

    runtime: Runtime
    door: Door
    tokens: Tokens
    coverage: Callable[[], Coverage]
    posture: Callable[[View, str], str | None]

    def answer(self, request: Request) -> Reply:
        """Answer a request."""
        return _Answering(self, request).reply()


class _About(Struct, frozen=True, kw_only=True):
    """What a sheet is about: the incident, the names in it, and what happened as a sentence."""

    incident: Incident
    named: Named
    sentence: Html


class _Answering:
    """The work on one request."""

    def __init__(self, console: Console, request: Request) -> None:
        self._console, self._request = console, request
        self._runtime = console.runtime
        self._now = console.runtime.clock()
        parts = urlsplit(request.url)
        self._path = unquote(parts.path)[:_LONGEST_PATH]
        self._places = [place for place in self._path.removeprefix(ROOT).split("/") if place]
        self._query = {name: values[0] for name, values in parse_qs(parts.query, max_num_fields=_MOST_FIELDS).items()}
        self._is_post = request.method.upper() == "POST"
        self._visitor: Visitor | None = None
        self._language, self._theme = self._chosen()

    def reply(self) -> Reply:
        asset = next((one for one in (STYLE, SCRIPT) if self._places == [one.name]), None)
        if asset is not None and not self._is_post:
            kept = {"Cache-Control": f"public, max-age={_A_YEAR}, immutable", "X-Content-Type-Options": "nosniff"}
            return Reply(status=HTTPStatus.OK, body=asset.content, content_type=asset.content_type, headers=kept)
        visitor = visitor_of(self._request, self._console.door, self._runtime.settings, self._owners, now=self._now)
        if isinstance(visitor, TurnedAway):
            return self._turned_away(visitor)
        self._visitor = visitor
        try:
            return self._post(visitor) if self._is_post else self._get(visitor)
        except LeaseLost:
            return self._said(HTTPStatus.CONFLICT, texts.CANT, text=texts.BUSY, back=self._own_path())
        except Rejected as rejected:
            text = str(rejected)
            view = View(language=self._language, now=self._now, theme=self._theme)
            said = said_page(texts.CANT, view, text=view.english(text), back=self._own_path(), button=texts.OPEN_AGAIN)
            return self._html(HTTPStatus.CONFLICT, said)
        except (ResponderError, msgspec.MsgspecError, KeyError) as error:
            # Storage fails, or a row of it can't be read, by this version of the app at least.
            _log.warning("a page of the console could not be made: %s", error)
            text = texts.MAY_BE_DONE if self._is_post else texts.STORAGE_GONE_TEXT
            return self._said(HTTPStatus.SERVICE_UNAVAILABLE, texts.STORAGE_GONE, text=text, back=self._own_path())

    # ---- who is let in ----

    def _owners(self) -> Sequence[NamedOwner]:
        return TableOwners(self._runtime.storage, clock=self._runtime.clock, acts=self._runtime.acts).history().present

    def _turned_away(self, turned: TurnedAway) -> Reply:
        """Lead a browser to the sign-in; tell everybody else that they aren't signed in."""
        own = self._own_path()
        if turned.because is Because.NOBODY:
            is_browser = "text/html" in self._request.header("Accept")
            if is_browser and not self._is_post:
                return self._redirect(HTTPStatus.FOUND, sign_in_address(own))
            if not is_browser:
                body = msgspec.json.encode({"status": 401, "detail": "nobody is signed in"})
                headers = {**_SAFE, "WWW-Authenticate": "Bearer"}
                return Reply(status=401, body=body, content_type="application/problem+json", headers=headers)
        if turned.person is not None:
            _log.warning("%s opened the console and was not let in", turned.person.id)
        status = HTTPStatus.UNAUTHORIZED if turned.because is Because.NOBODY else HTTPStatus.FORBIDDEN
        return self._html(status, turned_away_page(turned, own, self._view()))

    def _own_path(self) -> str:
        """Give where a browser comes back to: the page itself, or the sheet whose form was sent."""
        if self._places == ["me"] or self._path != own_path(self._path):
            return ROOT
        if self._is_post and self._places[3:] == [Verb.RESTORE]:
            return "/".join((ROOT, *self._places[:3]))
        if self._is_post and SAYINGS & set(self._places[2:]):
            return "/".join((ROOT, *self._places[:2]))
        return self._path

    # ---- pages ----

    def _get(self, visitor: Visitor) -> Reply:
        match self._places:
            case []:
                return self._list(visitor)
            case [which] if which in _ABOUT_ITSELF:
                return self._about_itself(visitor, which)
            case ["i", case_id, *act]:
                return self._of_incident(case_id, act)
            case ["o", kind, key]:
                return self._object(kind, key)
            case ["o", kind, key, Verb.RESTORE]:
                return self._restore_sheet(kind, key, self._query.get("to", ""))
            case _:
                return self._said(HTTPStatus.NOT_FOUND, texts.NO_PAGE)

    def _of_incident(self, case_id: str, act: Sequence[str]) -> Reply:
        match act:
            case []:
                return self._incident(case_id)
            case [verb] if verb in LABELS:
                return self._sheet(case_id, Verb(verb))
            case [restraining] if restraining in RESTRAINING:
                return self._restraint_sheet(case_id, restraining)
            case ["approve"]:
                return self._approve(case_id)
            case _:
                return self._said(HTTPStatus.NOT_FOUND, texts.NO_PAGE)

    def _list(self, visitor: Visitor) -> Reply:
        if asked := self._query.get("id", "").strip():
            found = find(self._runtime, asked)
            return (
                self._no_incident() if found is None else self._redirect(HTTPStatus.SEE_OTHER, f"{ROOT}/i/{found.id}")
            )
        view = self._query.get("view", "")
        if view == "all":
            before = self._query.get("before", "")
            listing = all_incidents(self._runtime, after=find(self._runtime, before) if before else None)
            return self._html(HTTPStatus.OK, list_page(listing, Tab(view="all"), None, self._view()))
        actor = self._query.get("actor", "")[:_LONGEST_PATH]
        listing = open_incidents(self._runtime, of_actor=actor)
        count = None if actor else len(listing.incidents)
        tab = Tab(view="mine" if view == "mine" else "", open_count=count, actor=actor)
        if tab.view:
            mine = [one for one in listing.incidents if f"({visitor.id})" in one.case.acknowledged_by]
            listing = msgspec.structs.replace(listing, incidents=tuple(mine))
        coverage = self._coverage()
        strip = (not_seen(coverage, self._view()),) if coverage and coverage.bad and listing.incidents else ()
        return self._html(HTTPStatus.OK, list_page(listing, tab, coverage, self._view(strip=strip)))

    def _coverage(self) -> Coverage | None:
        try:
            return self._console.coverage()
        except ResponderError as error:
            _log.warning("what is seen could not be read: %s", error)
            return None

    def _health(self) -> Reply:
        """Say whether the product sees, reaches people, and how far it may go; what can't be read is said to be."""
        state = self._runtime.controls.read_state()
        try:
            people = reached(self._runtime.storage, clock=self._runtime.clock, acts=self._runtime.acts)
        except ResponderError as error:
            _log.warning("who is paged could not be read: %s", error)
            people = None
        health = Health(
            coverage=self._coverage(),
            people=people,
            state=state,
            modes=modes_of(state, list(self._runtime.detections)),
        )
        return self._html(HTTPStatus.OK, coverage_page(health, self._view()))

    def _posture(self) -> Reply:
        said = self._console.posture(self._view(), self._query.get("tenant", ""))
        return self._html(HTTPStatus.OK, said) if said else self._said(HTTPStatus.NOT_FOUND, texts.NO_PAGE)

    def _incident(self, case_id: str) -> Reply:
        case = find(self._runtime, case_id)
        if case is None:
            return self._no_incident()
        incident = incident_of(self._runtime, case, with_evidence=True)
        containment, may_contain = self._of_account(case)
        shown = Shown(
            named=names_for(self._runtime, incident),
            tenant=tenant.name if (tenant := self._runtime.settings.tenant(case.tenant_id)) else "",
            rules=self._rules(incident),
            said=self._said_of(case.id),
            others=self._others(incident),
            containment=containment,
            may_contain=may_contain,
            may_approve=not isinstance(approvable(self._runtime, case, incident.detection), Words),
        )
        return self._html(HTTPStatus.OK, incident_page(incident, shown, self._view()))

    def _of_account(self, case: Case) -> tuple[Containment | None, bool]:
        """Give what was taken from accounts because of a case, and whether its actor's can be; neither where unread."""
        try:
            return self._containment(case), not why_not(self._runtime, case)
        except ResponderError as error:
            _log.warning("what was taken because of case %s could not be read: %s", case.id, error)
            return None, False

    def _containment(self, case: Case) -> Containment | None:
        kept = self._runtime.restraints.read(case.tenant_id, case.id)
        return kept.containment if kept else None

    def _rules(self, incident: Incident) -> LeafRules | None:
        kind = self._runtime.kinds.get(incident.case.object_kind) if incident.case.object_kind else None
        return kind.rules if kind else None

    def _others(self, incident: Incident) -> tuple[str, ...] | None:
        """Name the open incidents of the same actor; None where that couldn't be read."""
        actor = incident.case.actor.id
        if not actor:
            return None
        try:
            found = open_incidents(self._runtime, of_actor=actor).incidents
        except ResponderError:
            return None
        return tuple(one.case.id for one in found if one.case.id != incident.case.id)

    def _said_of(self, subject: str) -> Words | None:
        """Give what came of a press, where the address says it and we wrote that address."""
        code, token = self._query.get("said", ""), self._query.get("by", "")
        if code not in _SAID or self._checked(token, f"said {code}", subject, "") is not Checked.RIGHT:
            return None
        return _SAID[code]

    def _object(self, kind: str, key: str) -> Reply:
        found = self._found_object(kind, key)
        if found is None:
            return self._said(HTTPStatus.NOT_FOUND, texts.NO_OBJECT)
        past = Past(
            shown=show(self._runtime, found),
            history=history(self._runtime, found),
            rules=self._runtime.kinds[found.kind].rules,
            one=_number(self._query.get("from", "")),
            two=_number(self._query.get("to", "")),
            said=self._said_of(f"{found.kind}/{found.key}"),
        )
        return self._html(HTTPStatus.OK, object_page(past, names_in(self._runtime, past.history.entries), self._view()))

    def _found_object(self, name: str, key: str) -> ObjectId | None:
        kind = next((one for one in ObjectKind if one == name), None)
        if kind is None or kind not in self._runtime.kinds or not (key.isascii() and key.isalnum()):
            return None
        ids = (ObjectId(tenant_id=tenant.id, kind=kind, key=key) for tenant in self._runtime.settings.tenants)
        return next((kept.id for one in ids if (kept := self._runtime.objects.read(one)) is not None), None)

    def _sheet(
        self, case_id: str, verb: Verb, *, said: Words | None = None, status: int = HTTPStatus.OK, note: str = ""
    ) -> Reply:
        about = self._asked_about(case_id)
        if about is None:
            return self._no_incident()
        case = about.incident.case
        sheet = Sheet(verb=verb, case_id=case.id, sentence=about.sentence, said=said, note=note)
        try:
            plan = plan_act(self._runtime, asking_of(case, verb)).plan
            sheet = msgspec.structs.replace(sheet, plan=plan)
        except Rejected as rejected:
            sheet = msgspec.structs.replace(sheet, nothing=str(rejected))
        return self._html(status, sheet_page(sheet, about.named, self._view()))

    def _restore_sheet(
        self, kind: str, key: str, to: str, *, said: Words | None = None, status: int = HTTPStatus.OK, note: str = ""
    ) -> Reply:
        asking = self._asking_to_restore(kind, key, to)
        kept = self._runtime.objects.read(asking.id) if asking else None
        if asking is None or asking.to is None or kept is None:
            return self._said(HTTPStatus.NOT_FOUND, texts.NO_OBJECT)
        view = self._view()
        sentence = view.put(texts.RESTORES, name=in_headline(kept.state.name), at=clock(asking.to, view))
        sheet = Sheet(
            verb=Verb.RESTORE, case_id="", sentence=sentence, said=said, note=note, place=("o", kind, key), to=to
        )
        try:
            sheet = msgspec.structs.replace(sheet, plan=plan_act(self._runtime, asking).plan)
        except Rejected as rejected:
            sheet = msgspec.structs.replace(sheet, nothing=str(rejected))
        named = names_in(self._runtime, history(self._runtime, asking.id).entries)
        return self._html(status, sheet_page(sheet, named, view))

    def _asking_to_restore(self, kind: str, key: str, to: str) -> Asking | None:
        found = self._found_object(kind, key)
        try:
            return Asking(verb=Verb.RESTORE, id=found, to=since_from(to)) if found else None
        except ValueError:
            return None

    def _restraint_sheet(
        self, case_id: str, what: str, *, said: Words | None = None, status: int = HTTPStatus.OK, note: str = ""
    ) -> Reply:
        about = self._asked_about(case_id)
        if about is None:
            return self._no_incident()
        case = about.incident.case
        sheet = RestraintSheet(
            act=what,
            case_id=case.id,
            sentence=about.sentence,
            kept=self._containment(case),
            said=said,
            note=note,
        )
        if what == CONTAIN:
            try:
                sheet = msgspec.structs.replace(sheet, plan=plan_containment(self._runtime, case))
            except Rejected as rejected:
                sheet = msgspec.structs.replace(sheet, nothing=str(rejected))
        return self._html(status, restraint_page(sheet, about.named, self._view()))

    def _asked_about(self, case_id: str) -> _About | None:
        """Give the incident that a sheet is about; None where there is none."""
        case = find(self._runtime, case_id)
        if case is None:
            return None
        incident = incident_of(self._runtime, case)
        named = names_for(self._runtime, incident)
        said = Said(language=self._language, with_standing=True)
        name = incident.object_state.name if incident.object_state else ""
        sentence = what_happened(case, incident.detection, incident.change, named, said, object_name=name)
        return _About(incident=incident, named=named, sentence=sentence)

    def _no_incident(self) -> Reply:
        days = str(self._runtime.settings.kept_for.days)
        text = self._view().say(texts.KEPT_FOR, days=days)
        return self._html(HTTPStatus.NOT_FOUND, said_page(texts.NO_INCIDENT_FOUND, self._view(), text=text))

    # ---- what a press does ----

    def _post(self, visitor: Visitor) -> Reply:
        form = self._form()
        if form is None or not self._is_from_own_page():
            text, back = texts.ELSEWHERE_TEXT, self._own_path()
            return self._said(HTTPStatus.FORBIDDEN, texts.ELSEWHERE, text=text, back=back, button=texts.OPEN_AGAIN)
        match self._places:
            case ["me"]:
                return self._choose(form)
            case ["passkey"]:
                return self._make_passkey(visitor, form)
            case ["i", case_id, what]:
                return self._press(visitor, case_id, what, form)
            case ["o", kind, key, Verb.RESTORE]:
                return self._restore(visitor, kind, key, form)
            case _:
                return self._said(HTTPStatus.NOT_FOUND, texts.NO_PAGE)

    def _press(self, visitor: Visitor, case_id: str, what: str, form: Mapping[str, str]) -> Reply:
        if what in SAYINGS:
            return self._say(visitor, case_id, Saying(what), form)
        if what in LABELS:
            return self._act(visitor, case_id, Verb(what), form)
        if what in RESTRAINING:
            return self._restrain(visitor, case_id, what, form)
        if what == APPROVE:
            return self._approve(case_id, form)
        return self._said(HTTPStatus.NOT_FOUND, texts.NO_PAGE)

    def _is_from_own_page(self) -> bool:
        """Whether the browser says that our own page sent it; every browser names the origin of a POST."""
        if self._request.header("Sec-Fetch-Site").lower() not in {"", "same-origin"}:
            return False
        return self._request.header("Origin").lower() in self._console.door.own_origins

    def _form(self) -> Mapping[str, str] | None:
        is_form = self._request.header("Content-Type").partition(";")[0].strip().lower() == _FORM
        if not is_form or len(self._request.body) > _LONGEST_FORM:
            return None
        try:
            fields = parse_qs(self._request.body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError:
            return None
        return {name: values[0] for name, values in fields.items() if len(values) == 1}

    def _token_refusal(self, form: Mapping[str, str], act_name: str, subject: str, shown: str) -> Reply | None:
        checked = self._checked(form.get("token", ""), act_name, subject, shown)
        if checked is Checked.RIGHT:
            return None
        status = HTTPStatus.CONFLICT if checked is Checked.OLD else HTTPStatus.FORBIDDEN
        return self._said(
            status, texts.TOO_OLD, text=texts.TOO_OLD_TEXT, back=self._own_path(), button=texts.OPEN_AGAIN
        )

    def _checked(self, token: str, act_name: str, subject: str, shown: str) -> Checked:
        holder = self._holder()
        if holder is None:
            return Checked.WRONG
        return self._console.tokens.check(token, holder, act_name, subject, shown, now=self._now)

    def _holder(self) -> Holder | None:
        visitor = self._visitor
        return Holder(id=visitor.id, session=visitor.session) if visitor else None

    def _make_token(self, act_name: str, subject: str, shown: str) -> str:
        holder = self._holder()
        return self._console.tokens.make(holder, act_name, subject, shown, now=self._now) if holder else ""

    def _say(self, visitor: Visitor, case_id: str, saying: Saying, form: Mapping[str, str]) -> Reply:
        """Note what somebody says of an incident; twice is no error."""
        if refusal := self._token_refusal(form, saying, case_id, ""):
            return refusal
        case = find(self._runtime, case_id)
        if case is None:
            return self._no_incident()
        if not may_say(visitor, saying, case):
            return self._said(HTTPStatus.FORBIDDEN, texts.NEEDS_OPERATOR, back=f"{ROOT}/i/{case_id}")
        said = say(self._runtime, case, saying, form, by=visitor.by)
        if isinstance(said, Words):
            return self._said(HTTPStatus.BAD_REQUEST, said, back=f"{ROOT}/i/{case_id}")
        _log.info("%s said of case %s: %s", visitor.id, case.id, saying)
        return self._led_back(case.id, said)

    def _act(self, visitor: Visitor, case_id: str, verb: Verb, form: Mapping[str, str]) -> Reply:
        """Do what was shown, if it is still what would be done."""
        plan, note = form.get("plan", ""), form.get("note", "").strip()[:LONGEST_NOTE]
        if refusal := self._token_refusal(form, verb, case_id, plan):
            return refusal
        if not visitor.may_act:
            return self._said(HTTPStatus.FORBIDDEN, texts.NEEDS_OPERATOR, back=f"{ROOT}/i/{case_id}")
        words = REASONS[verb].get(form.get("reason", ""))
        if words is None:
            return self._sheet(case_id, verb, said=texts.NO_REASON, status=HTTPStatus.BAD_REQUEST, note=note)
        case = find(self._runtime, case_id)
        if case is None:
            return self._no_incident()
        reason = f"{words.en}. {note}" if note else words.en
        return self._carried_out(visitor, asking_of(case, verb), plan, reason=reason, note=note)

    def _restore(self, visitor: Visitor, kind: str, key: str, form: Mapping[str, str]) -> Reply:
        """Have an object stand as it stood, if the plan is still what would be done."""
        plan, to, typed = form.get("plan", ""), form.get("to", ""), form.get("note", "").strip()[:LONGEST_NOTE]
        if refusal := self._token_refusal(form, Verb.RESTORE, subject_of(("o", kind, key), to), plan):
            return refusal
        if not visitor.may_act:
            return self._said(HTTPStatus.FORBIDDEN, texts.NEEDS_OPERATOR, back=f"{ROOT}/o/{kind}/{key}")
        words, asking = RESTORE_REASONS.get(form.get("reason", "")), self._asking_to_restore(kind, key, to)
        if asking is None:
            return self._said(HTTPStatus.NOT_FOUND, texts.NO_OBJECT)
        if words is None:
            said, status = texts.NO_REASON, HTTPStatus.BAD_REQUEST
            return self._restore_sheet(kind, key, to, said=said, status=status, note=typed)
        reason = f"{words.en}. {typed}" if typed else words.en
        result = act(self._runtime, asking, digest=plan, by=visitor.by, reason=reason).result
        _log.info("%s asked to restore %s %s to %s: %s", visitor.id, kind, key, to, result)
        if result in {Result.DONE, Result.ALREADY}:
            code = "writes" if result is Result.DONE else "already"
            token = self._make_token(f"said {code}", f"{kind}/{key}", "")
            return self._redirect(HTTPStatus.SEE_OTHER, f"{ROOT}/o/{kind}/{key}?said={code}&by={token}#main")
        said = texts.BUSY if result is Result.BUSY else texts.MOVED
        return self._restore_sheet(kind, key, to, said=said, status=HTTPStatus.CONFLICT, note=typed)

    def _carried_out(self, visitor: Visitor, asking: Asking, plan: str, *, reason: str, note: str) -> Reply:
        verb, case_id = asking.verb, asking.case.id if asking.case else ""
        result = act(self._runtime, asking, digest=plan, by=visitor.by, reason=reason).result
        _log.info("%s asked for %s of case %s: %s", visitor.id, verb, case_id, result)
        match result:
            case Result.DONE:
                return self._led_back(case_id, "writes" if verb in _WRITES else "noted")
            case Result.ALREADY if self._was_done(asking, plan):
                return self._led_back(case_id, "already")
            case _:
                # What is so without anybody having pressed this was shown otherwise.
                said = texts.BUSY if result is Result.BUSY else texts.MOVED
                return self._sheet(case_id, verb, said=said, status=HTTPStatus.CONFLICT, note=note)

    def _restrain(self, visitor: Visitor, case_id: str, what: str, form: Mapping[str, str]) -> Reply:
        """Take an account from whoever uses it, or give it back, as it was shown."""
        plan, typed = form.get("plan", ""), form.get("note", "").strip()[:LONGEST_NOTE]
        if refusal := self._token_refusal(form, what, case_id, plan):
            return refusal
        if not visitor.may_act:
            return self._said(HTTPStatus.FORBIDDEN, texts.NEEDS_OPERATOR, back=f"{ROOT}/i/{case_id}")
        case, words = find(self._runtime, case_id), RESTRAINT_REASONS[what].get(form.get("reason", ""))
        if case is None:
            return self._no_incident()
        said: Words | str = texts.NO_REASON
        if words is not None:
            said = self._restrained(
                case, what, plan, by=visitor.by, reason=f"{words.en}. {typed}" if typed else words.en
            )
        if isinstance(said, str):
            _log.info("%s asked to %s the account of case %s: %s", visitor.id, what, case.id, said)
            return self._led_back(case.id, said)
        status = HTTPStatus.CONFLICT if words is not None else HTTPStatus.BAD_REQUEST
        return self._restraint_sheet(case_id, what, said=said, status=status, note=typed)

    def _restrained(self, case: Case, what: str, plan: str, *, by: str, reason: str) -> str | Words:
        """Give the code of what came of it, or why it wasn't done."""
        try:
            result = self._decided(case, what, plan, by=by, reason=reason)
        except (NotSigned, WaitsForSecond):
            # The account comes first, and needs no signature; ending what it was approved for does.
            return "in-part"
        match result:
            case Result.DONE:
                return "contained"
            case Result.ALREADY:
                return "already"
            case Result.BUSY:
                return texts.BUSY
            case _:
                return texts.MOVED

    def _decided(self, case: Case, what: str, plan: str, *, by: str, reason: str) -> Result:
        if what == CONTAIN:
            return contain(self._runtime, case, digest=plan, by=by, reason=reason).result
        kept = self._containment(case)
        if kept is not None and kept.released is None and released_plan(kept) != plan:
            return Result.MOVED
        return release(self._runtime, case.tenant_id, case.id, by=by, reason=reason)

    # ---- approvals ----

    def _approvals(self, visitor: Visitor) -> ApprovalDesk:
        return ApprovalDesk(
            runtime=self._runtime,
            door=self._console.door,
            visitor=visitor,
            view=self._view(),
            request=self._request,
            now=self._now,
        )

    def _about_itself(self, visitor: Visitor, which: str) -> Reply:
        match which:
            case "coverage":
                return self._health()
            case "posture":
                return self._posture()
            case "approvals":
                return self._answered(self._approvals(visitor).approvals(self._said_of(APPROVALS)))
            case _ if not visitor.may_act:
                return self._said(HTTPStatus.FORBIDDEN, texts.NEEDS_OPERATOR)
            case _:
                return self._answered(self._approvals(visitor).passkey())

    def _make_passkey(self, visitor: Visitor, form: Mapping[str, str]) -> Reply:
        if refusal := self._token_refusal(form, PASSKEY, visitor.id, ""):
            return refusal
        if not visitor.may_act:
            return self._said(HTTPStatus.FORBIDDEN, texts.NEEDS_OPERATOR)
        return self._answered(self._approvals(visitor).make_passkey(form))

    def _approve(self, case_id: str, form: Mapping[str, str] | None = None) -> Reply:
        """Show what would be approved; with a form, approve it."""
        visitor = self._visitor
        if form is not None and (refusal := self._token_refusal(form, APPROVE, case_id, form.get("plan", ""))):
            return refusal
        if visitor is None or not visitor.may_act:
            return self._said(HTTPStatus.FORBIDDEN, texts.NEEDS_OPERATOR, back=f"{ROOT}/i/{case_id}")
        about = self._asked_about(case_id)
        if about is None:
            return self._no_incident()
        desk, incident, sentence = self._approvals(visitor), about.incident, about.sentence
        found = desk.sheet(incident, sentence) if form is None else desk.press(incident, sentence, form)
        return self._answered(found)

    def _answered(self, answer: Answer) -> Reply:
        match answer:
            case Page(status=status, html=html):
                return self._html(status, html)
            case Led(to=to, code=code):
                token = self._make_token(f"said {code}", to[-1], "")
                address = "/".join((ROOT, *to))
                return self._redirect(HTTPStatus.SEE_OTHER, f"{address}?said={code}&by={token}#main")
            case Data(body=body):
                return Reply(status=HTTPStatus.OK, body=body, content_type="application/json")

    def _was_done(self, asking: Asking, plan: str) -> bool:
        """Whether somebody has done what a plan showed."""
        return asking.case is not None and any(
            (one.after or {}).get("plan") == plan for one in acts_on(self._runtime, asking.case, asking.id)
        )

    def _led_back(self, case_id: str, code: str) -> Reply:
        """Send the browser to the incident, whose first line says what was done: reloading that sends nothing again."""
        token = self._make_token(f"said {code}", case_id, "")
        return self._redirect(HTTPStatus.SEE_OTHER, f"{ROOT}/i/{case_id}?said={code}&by={token}#main")

    def _choose(self, form: Mapping[str, str]) -> Reply:
        if refusal := self._token_refusal(form, "me", "", ""):
            return refusal
        language = form.get("language", self._language)
        theme = form.get("theme", self._theme)
        chosen = f"{language if language in {ENGLISH, KOREAN} else ENGLISH}.{theme if theme in _THEMES else ''}"
        cookie = f"{COOKIE}={chosen}; Path={ROOT}; Max-Age={_A_YEAR}; HttpOnly; Secure; SameSite=Lax"
        reply = self._redirect(HTTPStatus.SEE_OTHER, own_path(form.get("back", "")))
        return msgspec.structs.replace(reply, headers={**reply.headers, "Set-Cookie": cookie})

    # ---- how it is shown ----

    def _chosen(self) -> tuple[str, str]:
        """Give language and theme: what the person chose, else what the browser prefers."""
        language, theme = "", ""
        try:
            found = SimpleCookie(self._request.header("Cookie")).get(COOKIE)
            language, _, theme = found.value.partition(".") if found else ("", "", "")
        except CookieError:
            pass
        if language not in {ENGLISH, KOREAN}:
            language = language_of(self._request.header("Accept-Language"))
        return language, theme if theme in _THEMES else ""

    def _view(self, *, strip: Sequence[Part] = ()) -> View:
        visitor = self._visitor
        plain = View(language=self._language, now=self._now, theme=self._theme)
        if visitor is None:
            return plain
        return View(
            language=self._language,
            now=self._now,
            theme=self._theme,
            reader=visitor.name,
            reader_id=visitor.id,
            may_act=visitor.may_act,
            here=self._own_path(),
            make_token=self._make_token,
            strip=(self._kill_switch(plain), *strip),
        )

    def _kill_switch(self, view: View) -> Part:
        state = self._runtime.controls.read_state()
        if state.unread:
            return view.say(texts.CONTROLS_UNREAD)
        return view.say(texts.KILL_SWITCH) if state.stopped else None

    def _said(
        self,
        status: int,
        title: Words,
        *,
        text: Words | None = None,
        back: str = ROOT,
        button: Words = texts.TO_INCIDENTS,
    ) -> Reply:
        view = View(language=self._language, now=self._now, theme=self._theme)
        said = view.say(text) if text else None
        return self._html(status, said_page(title, view, text=said, back=back, button=button))

    @staticmethod
    def _html(status: int, text: str) -> Reply:
        return Reply(status=int(status), body=text.encode("utf-8", "backslashreplace"))

    @staticmethod
    def _redirect(status: int, address: str) -> Reply:
        return Reply(status=int(status), headers={**_SAFE, "Location": address})


_THEMES: Final = frozenset({"light", "dark"})


def own_path(path: str) -> str:
    """Give a path of the console to lead a browser to; anything else would lead people away, and becomes its root."""
    is_plain = path.isascii() and path.isprintable() and not set(path) & set("\\?#%:@")
    is_own = path == ROOT or path.startswith(f"{ROOT}/")
    is_direct = "//" not in path and not {".", ".."} & set(path.split("/"))
    return path if is_plain and is_own and is_direct else ROOT


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0  # noqa: PLR2004 - few versions
