"""Who calls: the platform's sign-in, or the emergency key and a proof that the app can check and can't make.

`caller_of` is the one way in:

- A request that brings the emergency key is judged by it alone. The key comes first, since it costs one hash; only who
  knows it makes the app check a signature, a passkey or a code.
- Any other is judged by the platform's sign-in, where that is in front of the app and of the path.

What is left alone: `?code=` and `x-functions-key`, which are the host's own. Neither keys nor codes nor signatures are
logged, or stand in a refusal.
"""

import base64
import hashlib
import hmac
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from shared.authority.operator_keys import PublicKey, is_signed
from shared.authority.operator_store import OperatorList, ReadOperators
from shared.authority.operators import Enrolled, Operators
from shared.authority.passkeys import credential_in, is_by_passkey
from shared.authority.signed_in import NotSignedIn, Person, person_from
from shared.clients.storage import Storage
from shared.emergency.codes import STEP, CodeResult, OneTimeCodes, secrets_in
from shared.emergency.entries import Caller, Proof, SignedRequest
from shared.emergency.signed_requests import (
    CODE,
    HEADERS,
    KEY,
    MOST_BYTES,
    NONCE,
    OF_A_SIGNATURE,
    OPERATOR,
    PASSKEY,
    SIGNATURE,
    SIGNED_BY,
    TIME,
    Request,
    content_to_sign,
    time_in,
)
from shared.emergency.used_proofs import UsedProofs
from shared.model.clock import Clock
from shared.model.settings import Settings

__all__ = ["Door", "Refusal", "Request", "caller_of", "door_of", "person_of", "signed_request_of", "signer_of"]

EXCLUDED: Final = "/api/emergency"
"""Below this the platform asks nobody to sign in (`excludedPaths`), so its headers count for nothing there."""

AROUND: Final = timedelta(minutes=5)
"""How far the time of a signed request may be from the app's."""

_METHODS: Final = frozenset({"GET", "POST", "PUT"})
_OVERRIDES: Final = ("X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override")
_AS_SENT: Final = ("X-Original-URL", "X-WAWS-Unencoded-URL", "X-Rewrite-URL")
"""Headers in which what stands in front of an app says which address a request was sent to."""

_NONCE: Final = re.compile(r"[0-9a-f]{32}")
_OPERATOR: Final = re.compile(r"[a-z0-9-]{1,40}")
_LONGEST_HEADER: Final = 8192
_LONGEST_KEY: Final = 200


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a request isn't from an operator: an HTTP status, and what is wrong and would be right, without secrets.

    `knew_key` marks what owners are told of: the emergency key was right, and the proof wasn't. `operator` is whose key
    or code the request claims, "" where it claims none that is known. `retry_after` is in seconds, 0 for none.
    """

    status: int
    detail: str
    knew_key: bool = False
    operator: str = ""
    retry_after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What callers are checked against, and what they have used up. Made once for a process.

    `host` is the app's own name as the platform gives it, never what a request says. `own_origins` are the origins of
    the app's pages. `key_hashes` are of the emergency key, and of the next one while it is exchanged.
    """

    host: str
    own_origins: frozenset[str]
    environment: Mapping[str, str] = field(repr=False)
    tenant_id: str
    key_hashes: tuple[str, ...] = field(repr=False)
    operators: ReadOperators
    used: UsedProofs
    codes: OneTimeCodes
    check_signature: Callable[[PublicKey, bytes, str], bool] = is_signed


def door_of(
    settings: Settings,
    environment: Mapping[str, str],
    storage: Storage,
    *,
    clock: Clock,
    operators: ReadOperators | None = None,
) -> Door:
    """Make the door of a process. Nothing is read until somebody calls.

    `operators` says who is one, where the process has such a list already.
    """
    host = environment.get("WEBSITE_HOSTNAME", "").lower()
    link = urlsplit(settings.case_link)
    scheme = "http" if host.startswith("127.0.0.1") else "https"
    origins = {f"{scheme}://{host}" if host else "", f"{link.scheme}://{link.netloc}".lower() if link.netloc else ""}
    if host.startswith("127.0.0.1"):
        # The local stack under the name for which browsers have passkeys.
        origins.add(f"http://localhost{host.removeprefix('127.0.0.1')}")
    return Door(
        host=host,
        own_origins=frozenset(origins - {""}),
        environment=environment,
        tenant_id=settings.workforce.id,
        key_hashes=settings.emergency_key_hashes,
        operators=operators
        or OperatorList(storage, setting=settings.emergency_operators, pinned=settings.emergency_genesis, clock=clock),
        used=UsedProofs(storage),
        codes=OneTimeCodes(secrets_in(settings.emergency_codes)),
    )


def caller_of(request: Request, door: Door, *, now: datetime) -> Caller | Refusal:
    """Say which operator makes a request, or why it is refused. Nothing is changed but what was used up.

    Whether the operator may do what the request asks for isn't decided here: a one-time code declares, shows and
    records only (`Caller.may_decide`), and what takes two takes two.
    """
    if refusal := _malformed(request, door):
        return refusal
    if any(request.values(name) for name in HEADERS):
        return _by_key(request, door, now)
    return _by_sign_in(request, door, now)


# ---- what no request may be ------------------------------------------------------------------------------------------


def _malformed(request: Request, door: Door) -> Refusal | None:
    method = request.method.upper()
    if method not in _METHODS or any(request.values(name) for name in _OVERRIDES):
        return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, "Use GET to read and POST to act, and no header for another one")
    if len(request.body) > MOST_BYTES:
        return _refusal(HTTPStatus.CONTENT_TOO_LARGE, f"The body should have {MOST_BYTES} bytes or fewer")
    if method == "GET" and request.body:
        return _refusal(HTTPStatus.BAD_REQUEST, "GET reads, and has no body. Send what acts with POST")
    if any(len(value) > _LONGEST_HEADER for name in HEADERS for value in request.values(name)):
        return _refusal(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"A header should be {_LONGEST_HEADER} long at most"
        )
    return _from_elsewhere(request, door)


def _from_elsewhere(request: Request, door: Door) -> Refusal | None:
    """Refuse what a browser says another site sent; a browser names the origin of whatever acts."""
    origin, site = request.header("Origin").lower(), request.header("Sec-Fetch-Site").lower()
    is_own = {"", "same-origin", "none"} if request.method.upper() == "GET" else {"", "same-origin"}
    if site in is_own and origin in {"", *door.own_origins}:
        return None
    return _refusal(HTTPStatus.FORBIDDEN, "Another site had your browser send this. Use the app's own pages")


# ---- the platform's sign-in ------------------------------------------------------------------------------------------


def person_of(request: Request, door: Door) -> Person | None:
    """Say who is signed in by the platform, where it is in front of the app and of the path; None for nobody."""
    if not _is_behind_sign_in(request):
        return None
    try:
        return person_from(_merged(request), door.environment, tenant_id=door.tenant_id)
    except NotSignedIn:
        return None


def _by_sign_in(request: Request, door: Door, now: datetime) -> Caller | Refusal:
    person = person_of(request, door)
    if person is None:
        return _refusal(
            HTTPStatus.UNAUTHORIZED,
            f"Nobody is known to call. Send the emergency key in the header {KEY} with a signature (responder emergency"
            " does), or sign in where the platform asks for it",
        )
    if not _is_sent_on_purpose(request):
        return _refusal(HTTPStatus.FORBIDDEN, "A browser has to say which page sent this. Use the app's own pages")
    operators = door.operators()
    found = operators.with_object_id(person.id)
    if found is None or not found.acts_at(now):
        return _refusal(
            HTTPStatus.FORBIDDEN,
            f"You are signed in as {person.id}, who is no operator. `responder operator list` lists who is"
            + _doubt(operators),
            operator=found.operator.id if found else "",
        )
    return Caller(operator=found.operator.id, name=found.operator.name, proof=Proof.SIGN_IN)


def _is_behind_sign_in(request: Request) -> bool:
    """Whether the platform asks for a sign-in at this address, by every spelling that it can have been sent with."""
    addresses = [request.url, *(value for name in _AS_SENT for value in request.values(name))]
    return not any(_may_be_excluded(address) for address in addresses)


def _may_be_excluded(address: str) -> bool:
    path = f"/{address.split('://', 1)[1].partition('/')[2]}" if "://" in address else address
    path = unquote(path.partition("?")[0].partition("#")[0])
    parts = [part for part in path.lower().replace("\\", "/").split("/") if part]
    # Dots and escapes within escapes lead elsewhere, and may be read before or after it is seen whether it is excluded.
    return bool({".", ".."} & set(parts)) or "%" in path or parts[: len(_EXCLUDED_PARTS)] == _EXCLUDED_PARTS


_EXCLUDED_PARTS: Final = EXCLUDED.strip("/").split("/")


def _merged(request: Request) -> dict[str, str]:
    """Give the headers by the names that the platform gives them; one that comes twice is joined, and fits nothing."""
    names = ("X-MS-CLIENT-PRINCIPAL", *(f"X-MS-CLIENT-PRINCIPAL-{part}" for part in ("ID", "NAME", "IDP")))
    return {name: request.header(name) for name in names}


def _is_sent_on_purpose(request: Request) -> bool:
    """Whether what acts came from the app's own page, or from a program that brings its token itself."""
    if request.method.upper() == "GET" or request.header("Origin"):
        return True
    return request.header("Authorization").lower().startswith("bearer ")


# ---- the emergency key and a proof -----------------------------------------------------------------------------------


def _by_key(request: Request, door: Door, now: datetime) -> Caller | Refusal:
    if not door.key_hashes:
        return _refusal(HTTPStatus.FORBIDDEN, "The app has no emergency key. Set EMERGENCY_KEY_HASH, or sign in")
    if not _is_key(request.header(KEY), door.key_hashes):
        return _refusal(
            HTTPStatus.UNAUTHORIZED,
            f"The header {KEY} should hold the emergency key. It is kept with the sealed credential",
        )
    found = _by_proof(request, door, now)
    return _known_key(found) if isinstance(found, Refusal) else found


def _is_key(shown: str, hashes: tuple[str, ...]) -> bool:
    if not 0 < len(shown) <= _LONGEST_KEY:
        return False
    digest = hashlib.sha256(shown.encode("utf-8", "surrogateescape")).hexdigest()
    # All are compared, so that the time says nothing of which fits.
    return sum(hmac.compare_digest(digest, one) for one in hashes) > 0


def _by_proof(request: Request, door: Door, now: datetime) -> Caller | Refusal:
    if not request.target or _is_misspelt(request.target):
        return _refusal(
            HTTPStatus.BAD_REQUEST,
            f"The address can be written in another way. Write it plainly, like {EXCLUDED}/…: lower case, no escapes",
        )
    if not door.host:
        return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "The app doesn't know its own host name (WEBSITE_HOSTNAME)")
    match [name for name in (SIGNATURE, PASSKEY, CODE) if request.values(name)]:
        case [name] if name == CODE:
            return _by_code(request, door, now)
        case [name]:
            return _by_signature(request, door, now, with_passkey=name == PASSKEY)
        case []:
            return _refusal(
                HTTPStatus.UNAUTHORIZED,
                "The emergency key alone says nothing of who calls. Sign the request (responder emergency does), or"
                f" send your one-time code in {CODE} and your id in {OPERATOR}",
            )
        case _:
            return _refusal(HTTPStatus.BAD_REQUEST, "Send one proof: a signature, a passkey's answer or a code")


def _is_misspelt(target: str) -> bool:
    """Whether a path is under the excluded one in a spelling that the platform may see otherwise."""
    path = target.partition("?")[0]
    return path.lower().startswith(EXCLUDED) and not path.startswith(EXCLUDED)


def _by_signature(request: Request, door: Door, now: datetime, *, with_passkey: bool) -> Caller | Refusal:
    time, nonce = time_in(request.header(TIME)), request.header(NONCE)
    if time is None or _NONCE.fullmatch(nonce) is None:
        return _refusal(
            HTTPStatus.BAD_REQUEST,
            f"{TIME} should be like 2026-01-31T12:00:00Z, and {NONCE} 32 hexadecimal digits in lower case",
        )
    if abs(now - time) > AROUND:
        return _refusal(
            HTTPStatus.FORBIDDEN,
            f"The request was signed at {time:%Y-%m-%d %H:%M:%S} UTC, and the app has {now:%Y-%m-%d %H:%M:%S}. They may"
            f" be {AROUND.seconds // 60} minutes apart: set your clock, and sign anew",
        )
    found = _signer(request, door, now, with_passkey=with_passkey)
    if isinstance(found, Refusal):
        return found
    if not door.used.use(f"nonce {nonce}", now=now, until=time + 2 * AROUND):
        return _refusal(HTTPStatus.CONFLICT, "This request came before. Sign it anew to send it again", found.operator)
    return found


def _signer(request: Request, door: Door, now: datetime, *, with_passkey: bool) -> Caller | Refusal:
    """Say whose signature a request has. Nothing is used up."""
    operators = door.operators()
    shown = credential_in(request.header(PASSKEY)) if with_passkey else None
    found = _key_of(request, operators, shown)
    if found is None:
        return _refusal(HTTPStatus.FORBIDDEN, f"The key is of no operator{_doubt(operators)}. {_WHO_IS}")
    enrolled, key = found
    if refusal := _not_acting(enrolled, now, operators):
        return refusal
    content = content_to_sign(
        method=request.method,
        target=request.target,
        body=request.body,
        time=request.header(TIME),
        nonce=request.header(NONCE),
        host=door.host,
        key=key.id,
    )
    is_right = (
        is_by_passkey(key, shown[1], content, host=door.host)
        if shown
        else door.check_signature(key, content, request.header(SIGNATURE))
    )
    if not is_right:
        return _refusal(
            HTTPStatus.FORBIDDEN,
            "The signature isn't of this request. Sign it exactly as it is sent: method, path with query, body, time,"
            f" nonce, and {door.host} as the app",
            enrolled.operator.id,
        )
    proof = Proof.PASSKEY if shown else Proof.SIGNATURE
    return Caller(operator=enrolled.operator.id, name=enrolled.operator.name, proof=proof, key=key.id)


def _key_of(
    request: Request, operators: Operators, shown: tuple[str, bytes] | None
) -> tuple[Enrolled, PublicKey] | None:
    if shown:
        return operators.with_credential(shown[0])
    return operators.with_key(request.header(SIGNED_BY))


def _by_code(request: Request, door: Door, now: datetime) -> Caller | Refusal:
    if door.codes.missing:
        return _refusal(
            HTTPStatus.FORBIDDEN, f"One-time codes can't be checked: {door.codes.missing}. Sign the request"
        )
    operator_id = request.header(OPERATOR)
    if _OPERATOR.fullmatch(operator_id) is None:
        return _refusal(HTTPStatus.BAD_REQUEST, f"{OPERATOR} should be your id as an operator, as in the list")
    operators = door.operators()
    enrolled = operators.named(operator_id)
    if enrolled is None:
        return _refusal(HTTPStatus.FORBIDDEN, f"There is no such operator{_doubt(operators)}. {_WHO_IS}")
    if refusal := _not_acting(enrolled, now, operators):
        return refusal
    answer = door.codes.check(operator_id, request.header(CODE), now=now)
    if answer.result is CodeResult.RIGHT and door.used.use(
        f"code {operator_id} {answer.step}", now=now, until=now + 4 * STEP
    ):
        return Caller(operator=operator_id, name=enrolled.operator.name, proof=Proof.CODE)
    wait = math.ceil(answer.wait.total_seconds())
    match answer.result:
        case CodeResult.WRONG:
            status, detail = HTTPStatus.FORBIDDEN, f"The code is wrong. Wait {wait} s, or sign the request"
        case CodeResult.SLOWED:
            status, detail = HTTPStatus.TOO_MANY_REQUESTS, f"Wrong codes came. Wait {wait} s, or sign the request"
        case CodeResult.UNKNOWN:
            status, detail = HTTPStatus.FORBIDDEN, "No secret for codes of this operator is known. Sign the request"
        case CodeResult.RIGHT | CodeResult.USED:
            status, detail = HTTPStatus.CONFLICT, "The code was used already. Wait for the next one"
    return _refusal(status, detail, operator_id, retry_after=wait)


def _not_acting(enrolled: Enrolled, now: datetime, operators: Operators) -> Refusal | None:
    if enrolled.acts_at(now):
        return None
    if enrolled.suspended_at is not None and enrolled.suspended_at <= now:
        why = f"was suspended on {enrolled.suspended_at:%Y-%m-%d %H:%M} UTC"
    else:
        why = f"is an operator only from {enrolled.since:%Y-%m-%d %H:%M} UTC on"
    detail = f"{enrolled.operator.id} {why}. Another operator has to call{_doubt(operators)}"
    return _refusal(HTTPStatus.FORBIDDEN, detail, enrolled.operator.id)


_WHO_IS: Final = "`responder operator list` lists who is"


def _doubt(operators: Operators) -> str:
    """Say what isn't known of the operators, so that nobody takes it for the whole."""
    if operators.unread:
        return f" (as far as is known: {operators.unread})"
    return "" if operators.genesis else " (no list of operators counts: see EMERGENCY_OPERATORS and EMERGENCY_GENESIS)"


def _refusal(status: HTTPStatus, detail: str, operator: str = "", *, retry_after: int = 0) -> Refusal:
    return Refusal(status=status.value, detail=detail, operator=operator, retry_after=retry_after)


def _known_key(refusal: Refusal) -> Refusal:
    return Refusal(
        status=refusal.status,
        detail=refusal.detail,
        knew_key=True,
        operator=refusal.operator,
        retry_after=refusal.retry_after,
    )


# ---- requests that are kept ------------------------------------------------------------------------------------------


def signed_request_of(request: Request) -> SignedRequest | None:
    """Give what `Entry.signed` keeps of a request with a signature or a passkey: never the key. None for others."""
    if not (request.values(SIGNATURE) or request.values(PASSKEY)):
        return None
    return SignedRequest(
        method=request.method.upper(),
        path=request.target,
        body=base64.b64encode(request.body).decode(),
        headers={name: request.header(name) for name in OF_A_SIGNATURE if request.values(name)},
    )


def signer_of(signed: SignedRequest, door: Door, *, at: datetime, now: datetime) -> Caller | Refusal:
    """Check a kept request again, of an entry of `at` that somebody carries here.

    Its signature has to fit, its time has to be the entry's, and its operator has to have been one then, and to be one
    now: what comes from the key of one who was suspended may be dated back. Whether its nonce was used doesn't count:
    entries are joined by their ids. That the entry says what the request asked for is for the caller to see.
    """
    try:
        body = base64.b64decode(signed.body, validate=True)
    except ValueError:
        return _refusal(HTTPStatus.BAD_REQUEST, "The body of a kept request should be in base64")
    request = Request(method=signed.method, url=signed.path, headers=signed.headers, body=body)
    time = time_in(request.header(TIME))
    if not request.target or request.target != signed.path or time is None or abs(at - time) > AROUND:
        return _refusal(HTTPStatus.FORBIDDEN, "A kept request should have the path and the time that were signed")
    with_passkey = bool(request.values(PASSKEY))
    if with_passkey == bool(request.values(SIGNATURE)):
        return _refusal(HTTPStatus.FORBIDDEN, "A kept request should have one proof: a signature or a passkey's answer")
    then = _signer(request, door, at, with_passkey=with_passkey)
    return then if isinstance(then, Refusal) else _signer(request, door, max(at, now), with_passkey=with_passkey)
