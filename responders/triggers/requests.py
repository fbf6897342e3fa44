"""HTTP, under a function key: read cases, acknowledge one, read and set modes and the kill switch.

Nothing acts on GET. Who did it is who calls (`callers`), never what a body says.
"""

from collections.abc import Callable
from html import escape
from typing import Annotated, Final

import azure.functions as func
import msgspec
from msgspec import Meta, Struct

from responders.app import front_door, runtime
from responders.triggers.callers import by_of
from shared.authority.acts import NotSigned
from shared.model.cases import Case
from shared.model.errors import LeaseLost, Rejected
from shared.model.kinds import Mode
from shared.respond.remarks import acknowledge

requests = func.Blueprint()
_MOST: Final = 200
_LONGEST_BODY: Final = 16_384


type Reason = Annotated[str, Meta(max_length=1000)]
"""Why it is done. What lowers a guard needs one: a mode that does less, the kill switch."""


class ModeChange(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of PUT modes/{detection}."""

    mode: Mode
    reason: Reason = ""


class Stop(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of PUT kill-switch."""

    stopped: bool
    reason: Reason = ""


class Acknowledgement(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST cases/{case}/acknowledge: an empty object, or none."""


class CaseList(Struct, frozen=True, kw_only=True):
    """Answer of GET cases: the newest, and whether there are more."""

    cases: tuple[Case, ...]
    more: bool


class Modes(Struct, frozen=True, kw_only=True):
    """Answer of GET modes: the kill switch, None where that couldn't be read, why it couldn't, and each mode."""

    stopped: bool | None
    unread: str
    modes: dict[str, Mode]


class SetMode(Struct, frozen=True, kw_only=True):
    """Answer of PUT modes/{detection}."""

    detection: str
    mode: Mode


class Stopped(Struct, frozen=True, kw_only=True):
    """Answer of PUT kill-switch."""

    stopped: bool


class Problem(Struct, frozen=True, kw_only=True):
    """What wasn't done, and why or what would be right: a problem document (RFC 9457)."""

    status: int
    detail: str


@requests.function_name("list_cases")
@requests.route(route="cases", methods=["GET"])
def list_cases(req: func.HttpRequest) -> func.HttpResponse:
    """Give the newest cases, and whether there are more; `?open=1` only those that the app hasn't finished."""
    only_open = req.params.get("open", "") in {"1", "true"}
    found = [
        case
        for tenant in runtime().settings.tenants
        for case in runtime().ledger.cases(tenant.id, only_open=only_open, most=_MOST + 1)
    ]
    found.sort(key=lambda case: case.at, reverse=True)
    return json_response(CaseList(cases=tuple(found[:_MOST]), more=len(found) > _MOST))


@requests.function_name("read_case")
@requests.route(route="cases/{case}", methods=["GET"])
def read_case(req: func.HttpRequest) -> func.HttpResponse:
    """Give one case, as JSON, or as a page to a browser."""
    found = find_case(req.route_params["case"])
    if found is None:
        return problem(404, "no case has that id; GET cases lists those there are")
    if "text/html" in req.headers.get("Accept", ""):
        return func.HttpResponse(_page(found), mimetype="text/html", headers=_SAFE)
    return json_response(found)


@requests.function_name("acknowledge_case")
@requests.route(route="cases/{case}/acknowledge", methods=["POST"])
def acknowledge_case(req: func.HttpRequest) -> func.HttpResponse:
    """Note that somebody has read the page of a case, so that it isn't escalated."""
    try:
        body_of(req, Acknowledgement, otherwise=b"{}")
    except ValueError as error:
        return problem(400, str(error))
    found = find_case(req.route_params["case"])
    if found is None:
        return problem(404, "no case has that id; GET cases lists those there are")
    by = signed_by(req)
    if isinstance(by, func.HttpResponse):
        return by
    return said_of(lambda: acknowledge(runtime(), found, by=by))


def said_of(say: Callable[[], Case]) -> func.HttpResponse:
    """Have something said of a case, and answer with the case."""
    try:
        return json_response(say())
    except ValueError as error:
        return problem(400, str(error))
    except Rejected as rejected:
        return problem(409, str(rejected))
    except LeaseLost:
        return problem(409, "the case is being written by another run; send it again")


@requests.function_name("read_modes")
@requests.route(route="modes", methods=["GET"])
def read_modes(req: func.HttpRequest) -> func.HttpResponse:
    """Give the mode of each detection and the kill switch."""
    del req
    control_state = runtime().controls.read_state()
    modes = {detection: control_state.mode(detection) for detection in runtime().detections}
    return json_response(Modes(stopped=control_state.stopped, unread=control_state.unread, modes=modes))


@requests.function_name("set_mode")
@requests.route(route="modes/{detection}", methods=["PUT"])
def set_mode(req: func.HttpRequest) -> func.HttpResponse:
    """Set the mode of one detection, or of all without one of their own ("*")."""
    detection = req.route_params["detection"]
    if detection != "*" and detection not in runtime().detections:
        return problem(404, _no_such(detection))
    try:
        body = body_of(req, ModeChange)
        by = signed_by(req)
        if isinstance(by, func.HttpResponse):
            return by
        runtime().controls.set_mode(detection, body.mode, by=by, reason=body.reason)
    except ValueError as error:
        return problem(400, str(error))
    except NotSigned as error:
        return problem(403, f"{error}: use `responder mode`")
    return json_response(SetMode(detection=detection, mode=body.mode))


@requests.function_name("set_kill_switch")
@requests.route(route="kill-switch", methods=["PUT"])
def set_kill_switch(req: func.HttpRequest) -> func.HttpResponse:
    """Stop putting anything back, or start again. Pages go on either way."""
    try:
        body = body_of(req, Stop)
        by = signed_by(req)
        if isinstance(by, func.HttpResponse):
            return by
        if body.stopped:
            runtime().controls.stop(by=by, reason=body.reason)
        else:
            runtime().controls.start(by=by, reason=body.reason)
    except ValueError as error:
        return problem(400, str(error))
    except NotSigned as error:
        return problem(403, f"{error}: use `responder stop` or `responder start`")
    return json_response(Stopped(stopped=body.stopped))


def _no_such(detection: str) -> str:
    import difflib  # noqa: PLC0415 - only for who mistyped, start-up is a feature

    near = difflib.get_close_matches(detection, list(runtime().detections), n=3)
    advice = f"did you mean {' or '.join(near)}? " if near else ""
    return f"no detection is called that; {advice}GET modes lists those there are"


_SAFE: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def find_case(case_id: str) -> Case | None:
    """Look in each tenant; an id is letters, digits and dashes, anything else is no id."""
    if not case_id.replace("-", "").isalnum():
        return None
    tenants = runtime().settings.tenants
    return next((case for tenant in tenants if (case := runtime().ledger.case(tenant.id, case_id))), None)


def signed_by(req: func.HttpRequest) -> str | func.HttpResponse:
    """Say who makes a request that is right in itself; a response refuses it."""
    by = by_of(req, front_door(), now=runtime().clock())
    return by if isinstance(by, str) else problem(by.status, by.detail)


def body_of[T: Struct](req: func.HttpRequest, shape: type[T], *, otherwise: bytes = b"") -> T:
    """Read a body; none is what `otherwise` says."""
    raw = req.get_body() or otherwise
    if len(raw) > _LONGEST_BODY:
        raise ValueError(f"the body has {len(raw)} bytes; at most {_LONGEST_BODY} are read")
    try:
        return msgspec.json.decode(raw, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        fields = ", ".join(field.name for field in msgspec.structs.fields(shape))
        wanted = f"a JSON object with {fields}" if fields else "an empty JSON object, or no body"
        raise ValueError(f"{error}; send {wanted}. Who does it (by) isn't asked for: it is who calls") from error


def json_response(value: object) -> func.HttpResponse:
    """Answer with JSON that no cache keeps."""
    return func.HttpResponse(
        msgspec.json.encode(value), mimetype="application/json", headers={"Cache-Control": "no-store"}
    )


def problem(status: int, detail: str) -> func.HttpResponse:
    """Answer that it wasn't done, and why."""
    body = msgspec.json.encode(Problem(status=status, detail=detail))
    return func.HttpResponse(body, status_code=status, mimetype="application/problem+json")


def _page(case: Case) -> str:
    """Write a plain page: every text from the tenant is escaped, and there is nothing to click that acts."""
    fields = msgspec.to_builtins(case)
    rows = "".join(
        f"<tr><th>{escape(name.replace('_', ' '))}</th><td>{escape(_readable(value))}</td></tr>"
        for name, value in fields.items()
        if value not in ("", None, [])
    )
    name = escape(case.id)
    head = f"<!doctype html><meta charset=utf-8><title>Case {name}</title>{_STYLE}"
    return f"{head}<h1>Case {name}</h1><table>{rows}</table>"


_STYLE: Final = (
    "<style>body{font:16px system-ui;margin:2rem;max-width:60rem}"
    "th{text-align:left;vertical-align:top;padding-right:1rem}"
    "td{white-space:pre-wrap;word-break:break-word}</style>"
)


def _readable(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.format(msgspec.json.encode(value)).decode()
