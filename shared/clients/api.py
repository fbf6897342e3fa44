"""Calls of a tenant's APIs: pacing, retries and the meaning of each response.

Transports (`graph.py`, `arm.py`) only send. All retries are decided here. A 429 is always retried, because the request
wasn't carried out. A 408, a 5xx or a lost response is retried only for calls declared repeatable. Retries are limited
in number and time, and wait as long as the service asks for.
"""

import codecs
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
from msgspec import Struct

from shared.clients.answers import Answer, meaning
from shared.model.calls import Call, Lane, Service
from shared.model.clock import Clock, utc_now
from shared.model.errors import UNREADABLE_TEXT, Locked, Refused, Rejected, Throttled, Unreachable
from shared.model.kinds import Image, Json
from shared.model.settings import Tenant

if TYPE_CHECKING:
    from tenacity import RetryCallState

_ATTEMPTS: Final = 5
_MOST_WAITING: Final = timedelta(seconds=45)
"""The total waiting time for one call: shorter than the lease of a case, so that no other run takes the case over."""
_LONGEST_WAIT: Final = timedelta(seconds=30)
_MOST_PAGES: Final = 10_000
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_REFUSALS: Final = frozenset({401, 403})
_LOCKED: Final = "ScopeLocked"
_ARE_LOCKED: Final = "are locked:"
_LOCKED_SCOPE: Final = re.compile(r"'(/[^']+)'")
"""ARM names the locked scopes after `_ARE_LOCKED`, not the locks."""
_OTHER_THINGS_MISSING: Final = frozenset(
    {"", "SubscriptionNotFound", "InvalidResourceType", "InvalidResourceNamespace"}
)
"""Codes of a 404 that doesn't mean that the object is gone: its parent is missing, or no API answered."""


class Transport(Protocol):
    """Sends one request, once, with the tenant's credential. Raises Unreachable when no response arrives."""

    def exchange(
        self, method: str, url: str, *, query: Mapping[str, str], body: bytes | None, content_type: str
    ) -> Answer:
        """Send to a path, which starts with a slash, or to the URL of a next page that the service gave."""
        ...


class Pacer(Protocol):
    """Makes a call wait for its turn in its lane."""

    def wait_for(self, tenant_id: str, lane: Lane) -> None:
        """Return when the tenant's next call in this lane may go."""
        ...

    def reserved(self, tenant_id: str, lane: Lane, calls: int) -> "Pacer":
        """Give a pacer whose next calls in this lane follow one another, with nobody else's in between."""
        ...


class TenantEdges(Struct, frozen=True, kw_only=True):
    """Graph and ARM of one tenant, as remediations and inventories use them.

    `wait` sleeps for some seconds. `before_write` is called immediately before a write is sent; if it raises, the write
    isn't sent. `after_refusal` is called when the service has answered that it didn't carry a write out.
    `repeats_lost_writes` is False for who has to look again before a write is sent a second time. `clock` is needed for
    a Retry-After that is a date.
    """

    tenant: Tenant
    transports: Mapping[Service, Transport]
    pacer: Pacer
    wait: Callable[[float], None]
    before_write: Callable[[], None] = lambda: None
    after_refusal: Callable[[], None] = lambda: None
    repeats_lost_writes: bool = True
    clock: Clock = utc_now

    def get(self, call: Call, /, *, query: Mapping[str, str] | None = None, **ids: str) -> Image | None:
        """Read one object; None when the service says that it doesn't exist."""
        answer = self._found(call, ids, query=query)
        return None if answer is None else _decoded(call, answer, dict[str, Any])

    def text(self, call: Call, /, **ids: str) -> str | None:
        """Read one object that is an XML document; None when the service says that it doesn't exist."""
        answer = self._found(call, ids)
        try:
            return None if answer is None else _document(answer.body)
        except UnicodeDecodeError as error:
            said = f"{call.method} {call.path} gave text in an encoding that isn't known: {error}"
            raise Rejected(said, code=UNREADABLE_TEXT) from error

    def _found(self, call: Call, ids: Mapping[str, str], *, query: Mapping[str, str] | None = None) -> Answer | None:
        try:
            return self._answer(call, ids, query=query)
        except Rejected as rejected:
            if rejected.status == _NOT_FOUND and rejected.code not in _OTHER_THINGS_MISSING:
                return None
            raise

    def pages(self, call: Call, /, *, query: Mapping[str, str] | None = None, **ids: str) -> Iterator[bytes]:
        """Read a listing page by page, as raw bytes, each when it is asked for; an error is raised at its page."""
        answer = self._answer(call, ids, query=query)
        followed: set[str] = set()
        while link := _next_link(call, answer):
            if link in followed or len(followed) >= _MOST_PAGES:
                raise Rejected(f"the listing {call.path} doesn't end; pages read: {len(followed)}, next: {link[:200]}")
            yield answer.body
            followed.add(link)
            answer = self._answer(call, ids, link=link)
        yield answer.body

    def records(
        self, call: Call, /, *, query: Mapping[str, str] | None = None, **ids: str
    ) -> Iterator["list[msgspec.Raw]"]:
        """Read a listing page by page, each member as its JSON text; an error is raised at its page."""
        for page in self.pages(call, query=query, **ids):
            yield _decoded_body(call, page, _Links).value

    def list(self, call: Call, /, *, query: Mapping[str, str] | None = None, **ids: str) -> "list[Image]":
        """Read a whole listing. An error on any page is raised; an incomplete listing is never returned."""
        pages = self.pages(call, query=query, **ids)
        return [image for page in pages for image in _decoded_body(call, page, _Page).value]

    def first_page(self, call: Call, /, *, query: Mapping[str, str] | None = None, **ids: str) -> "list[Image]":
        """Read only the first page of a listing, to check that the listing can be read."""
        return _decoded_body(call, self._answer(call, ids, query=query).body, _Page).value

    def send(self, call: Call, /, *, body: Json = None, **ids: str) -> Image | None:
        """Write, with a JSON body or none; gives the response's body, None where it is empty."""
        sent = None if body is None else msgspec.json.encode(body)
        answer = self._answer(call, ids, body=sent)
        return _decoded(call, answer, dict[str, Any]) if answer.body else None

    def upload(self, call: Call, /, *, xml: str, **ids: str) -> None:
        """Write an XML document."""
        self._answer(call, ids, body=xml.encode(), content_type="application/xml")

    def _answer(
        self,
        call: Call,
        ids: Mapping[str, str],
        *,
        query: Mapping[str, str] | None = None,
        link: str = "",
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        """Send a request and retry it where that is safe. Raises the error that the last response means.

        A write can be refused because an earlier attempt, whose response was lost, was carried out: there is nothing
        left to delete then. So a refusal after a lost response is raised as Unreachable.
        """
        from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_before_delay  # noqa: PLC0415

        url = link or call.url(ids)
        lost: list[Unreachable] = []

        def once() -> Answer:
            try:
                return self._once(call, url, query=query or {}, body=body, content_type=content_type)
            except Unreachable as unreachable:
                lost.append(unreachable)
                raise

        retrying = Retrying(
            stop=stop_after_attempt(_ATTEMPTS) | stop_before_delay(_MOST_WAITING),
            wait=_delay,
            retry=retry_if_exception(self._is_worth_another_try(call)),
            sleep=self.wait,
            reraise=True,
        )
        try:
            return retrying(once)
        except (Refused, Rejected) as refused:
            if lost and call.method != "GET":
                raise Unreachable(f"{refused}; an earlier attempt may have been carried out: {lost[0]}") from refused
            raise

    def _is_worth_another_try(self, call: Call) -> Callable[[BaseException], bool]:
        is_repeated = call.repeatable and (call.method == "GET" or self.repeats_lost_writes)

        def is_worth(error: BaseException) -> bool:
            if not isinstance(error, Throttled) and not (isinstance(error, Unreachable) and is_repeated):
                return False
            return error.retry_after is None or error.retry_after <= _LONGEST_WAIT

        return is_worth

    def _once(self, call: Call, url: str, *, query: Mapping[str, str], body: bytes | None, content_type: str) -> Answer:
        if call.lane:
            self.pacer.wait_for(self.tenant.id, call.lane)
        if call.method != "GET":
            self.before_write()
        transport = self.transports[call.service]
        versioned = {"api-version": call.api_version, **query} if call.api_version else query
        answer = transport.exchange(call.method, url, query=versioned, body=body, content_type=content_type)
        try:
            return self._checked(call, url, answer)
        except (Throttled, Refused, Rejected):
            if call.method != "GET":
                self.after_refusal()
            raise

    def _checked(self, call: Call, url: str, answer: Answer) -> Answer:
        """Give the response back if it is a success, else raise the error that it means."""
        if answer.is_success:
            return answer
        try:
            error = msgspec.json.decode(answer.body, type=_ErrorBody).error
        except (msgspec.DecodeError, UnicodeDecodeError):
            error = _Error()
        said = f"{call.method} {url.partition('?')[0]} gave {answer.status} {error.code}: {error.message}"[:500]
        if answer.status == _CONFLICT and error.code == _LOCKED:
            raise Locked(said, scopes=_LOCKED_SCOPE.findall(error.message.partition(_ARE_LOCKED)[2]))
        if answer.status in _REFUSALS:
            said = f"{said} (the call needs {', '.join(call.needs)})"
        raise meaning(answer, said, clock=self.clock, code=error.code, needed=call.needs)


def _delay(state: "RetryCallState") -> float:
    """Give the seconds until the next attempt: what the service asks for, else 1, 2, 4 and so on."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, Throttled | Unreachable) else None
    return asked.total_seconds() if asked else float(2 ** (state.attempt_number - 1))


_BEGINNINGS: Final = (
    *((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")),
    *((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be")),
)
_ENCODING: Final = re.compile(rb"""\s*<\?xml\b[^>]*?\bencoding\s*=\s*["']([\w.-]{1,40})["']""")
_SINGLE_BYTES: Final = frozenset({"iso-8859-1", "latin1", "windows-1252", "us-ascii"})
"""Encodings in which documents are found beside Unicode's."""


def _document(body: bytes) -> str:
    """Decode an XML document: as its first bytes say, else as it declares, else as UTF-8.

    Raises:
        UnicodeDecodeError: it isn't text in that encoding.
    """
    for beginning, encoding in _BEGINNINGS:
        if body.startswith(beginning):
            return body.decode(encoding)
    declared = _ENCODING.match(body)
    named = declared[1].decode().lower() if declared else ""
    return body.decode(named if named in _SINGLE_BYTES else "utf-8")


class _Page(Struct, rename={"next_link": "@odata.nextLink", "arm_next_link": "nextLink"}):
    value: list[dict[str, Any]]
    next_link: str | None = None
    arm_next_link: str | None = None


class _Links(Struct, rename={"next_link": "@odata.nextLink", "arm_next_link": "nextLink"}):
    value: list[msgspec.Raw]
    next_link: str | None = None
    arm_next_link: str | None = None


class _Error(Struct, frozen=True):
    code: str = ""
    message: str = ""


class _ErrorBody(Struct):
    error: _Error = _Error()


def _next_link(call: Call, answer: Answer) -> str:
    links = _decoded(call, answer, _Links)
    return links.next_link or links.arm_next_link or ""


def _decoded[T](call: Call, answer: Answer, shape: type[T]) -> T:
    return _decoded_body(call, answer.body, shape)


_HALF: Final = re.compile(
    rb"""(\\\\)|\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"""
)


def _without_halves(body: bytes) -> bytes:
    """Replace halves of characters, which one odd name can bring into a listing and which no decoder takes."""
    return _HALF.sub(lambda found: found[1] or rb"\ufffd", body)


def _decoded_body[T](call: Call, body: bytes, shape: type[T]) -> T:
    """Decode the body of a success. Raises Unreachable when it can't be read: the call's effect isn't known then."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        mended = _without_halves(body)
        if mended != body:
            return _decoded_body(call, mended, shape)
        raise Unreachable(f"{call.method} {call.path} succeeded with a body that can't be read: {error}") from error
