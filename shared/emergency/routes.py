"""What the app answers below /api/emergency, whatever carries the request: JSON, or a page where a browser asks.

Nothing acts on GET. Every answer about an emergency has it whole, with its entries, so that whoever has the answer can
go on with it elsewhere. A request that can't be done gets a problem document (RFC 9457) that says what would be right.
"""

import logging
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from html import escape
from http import HTTPStatus
from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.emergency.answering import take
from shared.emergency.asking import PATH, Problem, carried_in, nonce_in, parted, wanted_in
from shared.emergency.blocks import HEADERS
from shared.emergency.engine import Engine
from shared.emergency.entries import Caller, Finding, Proof, Proposal, SignedRequest
from shared.emergency.labels import PROOFS
from shared.emergency.reports import notify
from shared.emergency.state import Agreement, Emergency, StepProgress
from shared.emergency.store import Listed, is_id
from shared.model.bilingual import NO_WORDS, Words, filled
from shared.model.errors import EdgeError
from shared.model.notices import NoticeText, SystemNotice

_log = logging.getLogger("responder.emergency")
_HTML: Final = "text/html"
_MOST_REPORTED: Final = 1_000
_LONGEST_DETAIL: Final = 1_500
SAFE: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none';"
    " form-action 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Asked(Struct, frozen=True, kw_only=True):
    """A request as it came. `path` is without the query; `headers` are by name, in any case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    def header(self, name: str) -> str:
        """Give what a header says, "" where there is none."""
        return next((value for other, value in self.headers.items() if other.lower() == name.lower()), "")


class Identified(Struct, frozen=True, kw_only=True):
    """The operator who makes a request, and what an entry keeps of the request where it is signed."""

    caller: Caller
    signed: SignedRequest | None = None


class NotIdentified(Struct, frozen=True, kw_only=True):
    """Why it isn't known who makes a request. `knew_key`: the emergency key was right, so all owners hear of it.

    `retry_after` is in seconds, 0 for none.
    """

    status: int
    detail: str
    knew_key: bool = False
    operator: str = ""
    retry_after: int = 0


class Reply(Struct, frozen=True, kw_only=True):
    """What is answered."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = msgspec.field(default_factory=lambda: SAFE)


type Identify = Callable[[bytes], Identified | NotIdentified]
"""Says who makes a request, given its first line: what is signed."""

type Page = Callable[[Emergency, str], str]
"""Makes the page of an emergency in a language."""


class _Step(Struct, frozen=True, kw_only=True):
    number: int
    id: str
    title: str
    state: str
    person: str
    findings: tuple[Finding, ...]
    proposals: tuple[dict[str, str], ...]
    next_at: datetime | None
    took_seconds: float | None


class _Waiting(Struct, frozen=True, kw_only=True):
    """What another operator than `asked_by` can confirm by `until`."""

    what: str
    digest: str
    text: str
    asked_by: str
    asked_name: str
    until: datetime


class Shown(Struct, frozen=True, kw_only=True):
    """An emergency as it is answered.

    `next` is what to do next, `waiting` what waits for a second operator; `unstored` says how many entries aren't
    stored yet.
    """

    id: str
    drill: bool
    hybrid: bool
    reason: str
    declared_at: datetime
    declared_by: str
    expires_at: datetime
    has_expired: bool
    closed_at: datetime | None
    next: str
    steps: tuple[_Step, ...]
    agreements: tuple[Agreement, ...]
    waiting: tuple[_Waiting, ...]
    acknowledged: tuple[str, ...]
    unstored: int
    entries: tuple[Any, ...]


class OpenEmergency(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An emergency that is open; nothing but its id where the rest can't be read."""

    id: str
    drill: bool | None = None
    reason: str | None = None
    declared_at: datetime | None = None


class EmergencyList(Struct, frozen=True, kw_only=True):
    """What there is: the open ones, and what was before, None where storage can't be read."""

    open: tuple[OpenEmergency, ...]
    newest: tuple[Listed, ...] | None


def respond(engine: Engine, asked: Asked, identify: Identify, *, page: Page | None = None) -> Reply:
    """Answer a request. `identify` says who makes it, or why that isn't known; `page` makes pages for browsers."""
    try:
        first, rest = parted(asked.body, asked.header("Content-Type"))
        known = identify(first)
        if isinstance(known, NotIdentified):
            return _refused(engine, asked, known)
        _report_use(engine, known.caller)
        return _answer(engine, asked, known, first, rest, page)
    except Problem as problem:
        return _problem(problem)
    except EdgeError as error:
        _log.warning("%s %s failed: %s", asked.method, asked.path, error)
        detail = "What the app needs for this doesn't answer. Try again, or go on by the printed runbook"
        return _problem(Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail))


def _answer(  # noqa: PLR0917 - all are needed
    engine: Engine, asked: Asked, known: Identified, first: bytes, rest: bytes, page: Page | None
) -> Reply:
    match asked.method.upper():
        case "GET":
            return _read(engine, asked, page)
        case "POST":
            signed = known.signed
            wanted = wanted_in(
                asked.path, first, otherwise=lambda: (nonce_in(signed) if signed else "") or uuid.uuid4().hex
            )
            carried = carried_in(rest, wanted, now=engine.now)
            return _shown(engine, asked, take(engine, wanted, known.caller, signed=signed, carried=carried), page)
        case _:
            raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, "Use GET to read and POST to act")


def _read(engine: Engine, asked: Asked, page: Page | None) -> Reply:
    if asked.path == PATH:
        found = tuple(_line(engine, one) for one in engine.store.going())
        return _json(EmergencyList(open=found, newest=_newest(engine)))
    emergency_id = asked.path.removeprefix(f"{PATH}/")
    found = engine.store.read(emergency_id) if is_id(emergency_id) else None
    if found is None:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            f"The app knows no such emergency. GET {PATH} lists those that it knows; what acts is POST",
        )
    return _shown(engine, asked, found, page)


def _line(engine: Engine, emergency_id: str) -> OpenEmergency:
    found = engine.store.read(emergency_id)
    if found is None:
        return OpenEmergency(id=emergency_id)
    return OpenEmergency(id=found.id, drill=found.drill, reason=found.reason, declared_at=found.declared_at)


def _newest(engine: Engine) -> tuple[Listed, ...] | None:
    """List what was before; None where storage can't be read, which says something else than none."""
    try:
        return tuple(engine.store.newest())
    except EdgeError as error:
        _log.warning("the emergencies that there were can't be listed: %s", error)
        return None


def _shown(engine: Engine, asked: Asked, emergency: Emergency, page: Page | None) -> Reply:
    language = asked.header("Accept-Language")
    if _HTML in asked.header("Accept") and asked.method.upper() == "GET":
        made = (page or _page(engine))(emergency, language)
        body, kind = made.encode("utf-8", "replace"), f"{_HTML}; charset=utf-8"
        return Reply(status=HTTPStatus.OK, body=body, content_type=kind, headers=HEADERS)
    return _json(shown(engine, emergency, language))


def shown(engine: Engine, emergency: Emergency, language: str = "") -> Shown:
    """Give an emergency as it is answered."""
    steps = tuple(_step(engine, progress, language) for progress in emergency.steps if engine.step(progress.number))
    return Shown(
        id=emergency.id,
        drill=emergency.drill,
        hybrid=emergency.hybrid,
        reason=emergency.reason,
        declared_at=emergency.declared_at,
        declared_by=emergency.declared_name,
        expires_at=emergency.expires_at,
        has_expired=emergency.has_expired(engine.now),
        closed_at=emergency.closed.at if emergency.closed else None,
        next=_next(engine, emergency, language),
        steps=steps,
        agreements=emergency.agreements,
        waiting=tuple(map(_waiting, emergency.waiting(engine.now))),
        acknowledged=tuple(f"{entry.name}, {entry.at:%Y-%m-%d %H:%M:%S} UTC" for entry in emergency.acknowledged),
        unstored=engine.store.waits,
        entries=emergency.entries,
    )


def _step(engine: Engine, progress: StepProgress, language: str) -> _Step:
    step = engine.step(progress.number)
    assert step is not None  # noqa: S101 - only declared steps are shown
    took = progress.last_ended.took if progress.last_ended else None
    return _Step(
        number=step.number,
        id=step.id,
        title=step.title.in_language(language),
        state=progress.state,
        person=step.person.in_language(language),
        findings=progress.findings,
        proposals=tuple(_proposal(one) for one in progress.proposals),
        next_at=progress.next_at,
        took_seconds=None if took is None else took.total_seconds(),
    )


def _proposal(proposal: Proposal) -> dict[str, str]:
    return {"what": proposal.what, "digest": proposal.digest, "text": proposal.text}


def _waiting(one: Agreement) -> _Waiting:
    return _Waiting(
        what=one.what,
        digest=one.digest,
        text=one.text,
        asked_by=one.asked_by,
        asked_name=one.asked_name,
        until=one.until,
    )


def _next(engine: Engine, emergency: Emergency, language: str) -> str:
    """Say what to do next, "" once it is closed."""
    if emergency.closed is not None:
        return ""
    waits = next(iter(emergency.waiting(engine.now)), None)
    if waits is not None:
        return (
            f"Another operator than {waits.asked_name} confirms by {waits.until:%H:%M:%S} UTC:"
            f" responder emergency confirm {waits.what} {waits.digest}"
        )
    if emergency.closing is not None and (left := engine.to_be_taken_back(emergency)):
        steps = ", ".join(f"step {step.number} ({step.title.in_language(language)})" for step in left)
        return f"It is closed as soon as {steps} is taken back: do what is shown there"
    step = next(
        (step for step in engine.steps if not emergency.step(step.number).is_finished),
        None,
    )
    if step is None:
        return "Close it: POST …/close with a summary"
    return f"Step {step.number}, {step.title.in_language(language)}: {step.person.in_language(language)}"


def _page(engine: Engine) -> Page:
    """Give a plain page with nothing to click; every text is escaped."""

    def made(emergency: Emergency, language: str) -> str:
        lines = [f"<p><b>{escape(_next(engine, emergency, language))}</b></p>"]
        for step in shown(engine, emergency, language).steps:
            lines.append(f"<h2>{step.number}. {escape(step.title)}: {escape(step.state)}</h2>")
            lines += [
                f"<p>{escape(one.about)}: {escape(one.text)} {escape(one.what_to_do)}</p>" for one in step.findings
            ]
        name = f"{'Drill' if emergency.drill else 'Emergency'} {escape(emergency.id)}"
        return f"<!doctype html><meta charset=utf-8><title>{name}</title><h1>{name}</h1>{''.join(lines)}"

    return made


# ---- refusals --------------------------------------------------------------------------------------------------------


def _refused(engine: Engine, asked: Asked, refusal: NotIdentified) -> Reply:
    said = f"{asked.method} {asked.path[:200]} was refused ({refusal.status}): {refusal.detail}"
    engine.refusals.note(said, knew_key=refusal.knew_key, now=engine.now)
    if refusal.knew_key and _is_first(engine, f"refused {refusal.operator} {engine.now:%Y%m%d%H}"):
        key = f"refused {refusal.operator} {engine.now:%Y%m%d%H}"
        claims = filled(_CLAIMS, operator=refusal.operator) if refusal.operator else NO_WORDS
        _notify(engine, KEY_WITHOUT_PROOF.notice(key, claims=claims, because=refusal.detail))
    headers = {**SAFE, **({"Retry-After": str(refusal.retry_after)} if refusal.retry_after else {})}
    return _document(refusal.status, {"status": refusal.status, "detail": refusal.detail}, headers)


def _report_use(engine: Engine, caller: Caller) -> None:
    """Notify all owners, once an hour for each operator, that the emergency key is in use."""
    key = f"emergency key {caller.operator} {engine.now:%Y%m%d%H}"
    if caller.proof is Proof.SIGN_IN or not _is_first(engine, key):
        return
    proof = Words(en=str(caller.proof), ko=PROOFS[caller.proof].ko)
    _notify(engine, KEY_IN_USE.notice(key, who=caller.name, operator=caller.operator, proof=proof))


def _notify(engine: Engine, notice: SystemNotice) -> None:
    notify(engine.runtime, notice, cut_off=engine.store.is_cut_off)


KEY_WITHOUT_PROOF: Final = NoticeText(
    id="emergency-key-without-proof",
    title=Words(en="Somebody has the emergency key and no proof", ko="누군가 증명 없이 비상 키를 사용했습니다"),
    text=Words(en="{claims}{because}", ko="{claims}{because}"),
    what_to_do=Words(
        en="If none of the operators mistyped, exchange the emergency key, and suspend the operator.",
        ko="잘못 입력한 운영자가 없으면 비상 키를 교체하고 그 운영자를 정지하세요.",
    ),
    never_waits=True,
)
_CLAIMS: Final = Words(
    en="It claims to come from operator {operator}. ", ko="요청에 적힌 운영자: {operator}. 확인되지 않았습니다. "
)
KEY_IN_USE: Final = NoticeText(
    id="emergency-key-in-use",
    title=Words(en="The emergency key is in use", ko="비상 키가 사용되고 있습니다"),
    text=Words(en="{who} (operator {operator}), proven by a {proof}.", ko="{who} (운영자 {operator}), 증명: {proof}."),
    what_to_do=Words(
        en="Nothing, if you expected that. Else telephone the operator, and suspend his key.",
        ko="예상한 일이면 할 일이 없습니다. 아니면 그 운영자에게 전화하고 그의 키를 정지하세요.",
    ),
    never_waits=True,
)


def _is_first(engine: Engine, key: str) -> bool:
    """Whether this process hasn't reported this yet. What it forgets is sent once a day all the same."""
    if key in engine.reported:
        return False
    if len(engine.reported) >= _MOST_REPORTED:
        engine.reported.clear()
    engine.reported.add(key)
    return True


def _problem(problem: Problem) -> Reply:
    detail = problem.detail[:_LONGEST_DETAIL]
    more = {"emergency": problem.emergency} if problem.emergency else {}
    return _document(problem.status, {"status": problem.status, "detail": detail, **more}, SAFE)


def _document(status: int, document: dict[str, object], headers: Mapping[str, str]) -> Reply:
    body = msgspec.json.encode(document)
    return Reply(status=status, body=body, content_type="application/problem+json", headers=headers)


def _json(value: object) -> Reply:
    return Reply(status=HTTPStatus.OK, body=msgspec.json.encode(value))
