"""Forgeries: none passes, and each has a twin without its one fault that does. So a guard that goes fails a test."""

import base64
import copy
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import pytest
from msgspec import Struct
from pyotp.totp import TOTP

from infra.local.world import B2C_TENANT, WORKFORCE_TENANT
from shared.authority.operator_keys import text_of
from shared.emergency.entries import Caller
from shared.emergency.proofs import Door, Refusal, caller_of
from shared.emergency.signed_requests import (
    CODE,
    HEADERS,
    KEY,
    NONCE,
    OPERATOR,
    PASSKEY,
    SIGNATURE,
    SIGNED_BY,
    TIME,
    Request,
    content_to_sign,
    time_text,
)
from shared.emergency.signing import OperatorKey, sign_request_for
from tests.fakes.clock import NOW
from tests.fakes.operators import (
    ALICE,
    CAROL,
    DAVE,
    ERIN,
    GENESIS,
    HOST,
    SECRET,
    SoftPasskey,
    add,
    door,
    folded,
    operator,
    private,
    signed,
    suspend,
)
from tests.fakes.operators import KEY as EMERGENCY_KEY
from tests.fakes.operators import PASSKEY as CAROLS

_ACT: Final = f"https://{HOST}/api/emergency/declare"
_GUARDED: Final = f"https://{HOST}/api/emergencies"
_BODY: Final = b'{"reason":"nobody can sign in","drill":true}'
_SECOND: Final = timedelta(seconds=1)
_ON: Final = {"WEBSITE_AUTH_ENABLED": "True"}
_LONG: Final = "http://schemas.microsoft.com/identity/claims/"


# ---- requests that pass ----------------------------------------------------------------------------------------------


def _signed(
    seed: str = "alice-1",
    *,
    method: str = "POST",
    url: str = _ACT,
    body: bytes = _BODY,
    at: datetime = NOW,
    host: str = HOST,
    key: str = EMERGENCY_KEY,
) -> Request:
    headers = sign_request_for(host, OperatorKey(private(seed)), method, url, body, emergency_key=key, now=at)
    return Request(method=method, url=url, headers=headers, body=body)


def _code(name: str = "alice", *, at: datetime = NOW, code: str = "", key: str = EMERGENCY_KEY) -> Request:
    made = code or TOTP(SECRET).at(at)
    return Request(method="POST", url=_ACT, headers={KEY: key, OPERATOR: name, CODE: made}, body=_BODY)


def _passkey(passkey: SoftPasskey = CAROLS, **said: Any) -> Request:  # noqa: ANN401 - what a browser says
    time, nonce = time_text(NOW), "ab" * 16
    content = content_to_sign(
        method="POST",
        target="/api/emergency/declare",
        body=_BODY,
        time=time,
        nonce=nonce,
        host=HOST,
        key=passkey.public.id,
    )
    headers = {KEY: EMERGENCY_KEY, TIME: time, NONCE: nonce, PASSKEY: passkey.answer(content, **said)}
    return Request(method="POST", url=_ACT, headers=headers, body=_BODY)


def _principal(object_id: str, *, tenant: str = WORKFORCE_TENANT, long: bool = False) -> str:
    prefix = (f"{_LONG}objectidentifier", f"{_LONG}tenantid") if long else ("oid", "tid")
    claims = [{"typ": name, "val": value} for name, value in zip(prefix, (object_id, tenant), strict=True)]
    return base64.b64encode(json.dumps({"auth_typ": "aad", "claims": claims}).encode()).decode()


def _sign_in(
    object_id: str = ALICE.object_id,
    *,
    url: str = _GUARDED,
    tenant: str = WORKFORCE_TENANT,
    method: str = "POST",
    long: bool = False,
    **headers: str,
) -> Request:
    every = {
        "X-MS-CLIENT-PRINCIPAL": _principal(object_id, tenant=tenant, long=long),
        "X-MS-CLIENT-PRINCIPAL-ID": object_id,
        "X-MS-CLIENT-PRINCIPAL-NAME": "alice@contoso.example",
        "X-MS-CLIENT-PRINCIPAL-IDP": "aad",
        "Origin": f"https://{HOST}",
    }
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method=method, url=url, headers={**every, **given}, body=b"" if method == "GET" else _BODY)


# ---- what is changed of them -----------------------------------------------------------------------------------------


def _with(request: Request, headers: Mapping[str, str] | None = None, **changes: Any) -> Request:  # noqa: ANN401 - fields
    changed: Request = msgspec.structs.replace(request, headers={**request.headers, **(headers or {})}, **changes)
    return changed


def _without(request: Request, *names: str) -> Request:
    kept = {name: value for name, value in request.headers.items() if name not in names}
    return msgspec.structs.replace(request, headers=kept)


def _flipped(text: str, place: int = 5) -> str:
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]


class _Forgery(Struct, frozen=True, kw_only=True):
    """What is refused with a status, after what came before it, and the twin that passes in its place."""

    forged: Request
    twin: Request
    status: int
    before: Sequence[Request] = ()
    twin_before: Sequence[Request] = ()
    door: Callable[[], Door] = door
    twin_door: Callable[[], Door] | None = None
    now: datetime = NOW
    says: str = ""


_ALICES: Final = _signed()
_CODE_NOW: Final = _code()
_GONE: Final = signed(suspend("alice", at=NOW - timedelta(hours=1)), "dave-1")
_GONE_CAROL: Final = signed(suspend("carol", at=NOW - timedelta(hours=1)), "dave-1")
_AS_ALICE: Final = operator("mallory", object_id=ALICE.object_id)
_ALICES_KEY: Final = operator("mallory", seeds=("mallory-1", "alice-2"))
_SIGNED_IN: Final = _sign_in()
_ROUTED_ELSEWHERE: Final = f"https://{HOST}/api/cases"


def _without_alice() -> Door:
    return door(folded(_GONE))


def _guarded() -> Door:
    return door(environment=_ON)


def _of(*names: str) -> Callable[[], Door]:
    """Give a door at which these were to be added, by two who may sign for them."""
    people = {"erin": ERIN, "as-alice": _AS_ALICE, "alices-key": _ALICES_KEY, "erin-later": ERIN}
    at = {"erin-later": NOW + timedelta(minutes=1)}
    seeds = {"erin": "erin-1", "erin-later": "erin-1"}
    statements = [
        signed(add(people[name], at=at.get(name, NOW)), "alice-1", "carol-1", seeds.get(name, "mallory-1"))
        for name in names
    ]
    return lambda: door(folded(*statements), environment=_ON)


def _signature(**changes: Any) -> Request:  # noqa: ANN401 - fields of the request
    """Give Alice's request with something else under her signature."""
    return _with(_ALICES, None, **changes)


_NO_KEY: Final[dict[str, _Forgery]] = {
    "nothing at all": _Forgery(forged=_without(_ALICES, *HEADERS), twin=_ALICES, status=401),
    "no emergency key": _Forgery(forged=_without(_ALICES, KEY), twin=_ALICES, status=401),
    "an empty one": _Forgery(forged=_with(_ALICES, {KEY: ""}), twin=_ALICES, status=401),
    "a wrong one": _Forgery(forged=_with(_ALICES, {KEY: _flipped(EMERGENCY_KEY)}), twin=_ALICES, status=401),
    "its beginning": _Forgery(forged=_with(_ALICES, {KEY: EMERGENCY_KEY[:-1]}), twin=_ALICES, status=401),
    "its hash": _Forgery(forged=_with(_ALICES, {KEY: door().key_hashes[0]}), twin=_ALICES, status=401),
    "it twice": _Forgery(forged=_with(_ALICES, {KEY.lower(): EMERGENCY_KEY}), twin=_ALICES, status=401),
    "in another case": _Forgery(forged=_with(_ALICES, {KEY: EMERGENCY_KEY.upper()}), twin=_ALICES, status=401),
    "not in Latin": _Forgery(forged=_with(_ALICES, {KEY: "\udcff키"}), twin=_ALICES, status=401),
    "as ?code=": _Forgery(
        forged=_without(_signed(url=f"{_ACT}?code={EMERGENCY_KEY}"), KEY),
        twin=_signed(url=f"{_ACT}?code={EMERGENCY_KEY}"),
        status=401,
    ),
    "as the host's function key": _Forgery(
        forged=_with(_without(_ALICES, KEY), {"x-functions-key": EMERGENCY_KEY}),
        twin=_with(_ALICES, {"x-functions-key": EMERGENCY_KEY}),
        status=401,
    ),
    "as a bearer token": _Forgery(
        forged=_with(_without(_ALICES, KEY), {"Authorization": f"Bearer {EMERGENCY_KEY}"}),
        twin=_with(_ALICES, {"Authorization": f"Bearer {EMERGENCY_KEY}"}),
        status=401,
    ),
    "an app that has none": _Forgery(
        forged=_with(_ALICES, {KEY: "no"}), twin=_ALICES, status=403, door=lambda: door(key=""), twin_door=door
    ),
    "a wrong one with a right code": _Forgery(forged=_code(key="no"), twin=_CODE_NOW, status=401),
    "a wrong one with a right passkey": _Forgery(forged=_with(_passkey(), {KEY: "no"}), twin=_passkey(), status=401),
}

_NO_SIGNATURE: Final[dict[str, _Forgery]] = {
    "the key alone": _Forgery(forged=_without(_ALICES, SIGNATURE, SIGNED_BY, TIME, NONCE), twin=_ALICES, status=401),
    "unsigned": _Forgery(forged=_without(_ALICES, SIGNATURE), twin=_ALICES, status=401),
    "an empty signature": _Forgery(forged=_with(_ALICES, {SIGNATURE: ""}), twin=_ALICES, status=403),
    "zeros as a signature": _Forgery(forged=_with(_ALICES, {SIGNATURE: text_of(bytes(64))}), twin=_ALICES, status=403),
    "a changed signature": _Forgery(
        forged=_with(_ALICES, {SIGNATURE: _flipped(_ALICES.header(SIGNATURE))}), twin=_ALICES, status=403
    ),
    "a second spelling of it": _Forgery(
        forged=_with(_ALICES, {SIGNATURE: _ALICES.header(SIGNATURE) + "=="}), twin=_ALICES, status=403
    ),
    "it twice": _Forgery(
        forged=_with(_ALICES, {SIGNATURE.lower(): _ALICES.header(SIGNATURE)}), twin=_ALICES, status=403
    ),
    "a stranger's key": _Forgery(forged=_signed("mallory-1"), twin=_signed("carol-1"), status=403, says="no operator"),
    "a stranger's, as Alice's": _Forgery(
        forged=_with(_signed("mallory-1"), {SIGNED_BY: _ALICES.header(SIGNED_BY)}), twin=_ALICES, status=403
    ),
    "Carol's, as Alice's": _Forgery(
        forged=_with(_signed("carol-1"), {SIGNED_BY: _ALICES.header(SIGNED_BY)}), twin=_signed("carol-1"), status=403
    ),
    "no key's id": _Forgery(forged=_without(_ALICES, SIGNED_BY), twin=_ALICES, status=403),
    "the key's id in capitals": _Forgery(
        forged=_with(_ALICES, {SIGNED_BY: _ALICES.header(SIGNED_BY).upper()}), twin=_ALICES, status=403
    ),
    "a passkey's id with an Ed25519 signature": _Forgery(
        forged=_with(_ALICES, {SIGNED_BY: CAROLS.public.id}), twin=_ALICES, status=403
    ),
    "a signature and a code": _Forgery(
        forged=_with(_ALICES, {CODE: TOTP(SECRET).at(NOW), OPERATOR: "alice"}), twin=_CODE_NOW, status=400
    ),
    "a signature and a passkey": _Forgery(
        forged=_with(_ALICES, {PASSKEY: _passkey().header(PASSKEY)}), twin=_passkey(), status=400
    ),
    "a statement's signature": _Forgery(
        forged=_with(_ALICES, {SIGNATURE: GENESIS.signatures[_ALICES.header(SIGNED_BY)]}), twin=_ALICES, status=403
    ),
    "signed before by who was no operator yet": _Forgery(
        forged=_signed("erin-1"), twin=_signed("erin-1"), status=403, door=_of("erin-later"), twin_door=_of("erin")
    ),
}

_ANOTHER_REQUEST: Final[dict[str, _Forgery]] = {
    "another body": _Forgery(forged=_signature(body=_BODY.replace(b"true", b"false")), twin=_ALICES, status=403),
    "no body": _Forgery(forged=_signature(body=b""), twin=_signed(body=b""), status=403),
    "a longer body": _Forgery(forged=_signature(body=_BODY + b" "), twin=_signed(body=_BODY + b" "), status=403),
    "another path": _Forgery(
        forged=_signature(url=_ACT.replace("declare", "close")),
        twin=_signed(url=_ACT.replace("declare", "close")),
        status=403,
    ),
    "another query": _Forgery(
        forged=_signature(url=f"{_ACT}?force=1"), twin=_signed(url=f"{_ACT}?force=1"), status=403
    ),
    "a query left out": _Forgery(
        forged=_with(_signed(url=f"{_ACT}?dry=1"), url=_ACT), twin=_signed(url=f"{_ACT}?dry=1"), status=403
    ),
    "another method": _Forgery(forged=_signature(method="PUT"), twin=_signed(method="PUT"), status=403),
    "GET of what was signed to read, as POST": _Forgery(
        forged=_with(_signed(method="GET", body=b""), method="POST"), twin=_signed(method="GET", body=b""), status=403
    ),
    "GET with what acts": _Forgery(forged=_signature(method="GET"), twin=_ALICES, status=400),
    "POST's signature for GET": _Forgery(
        forged=_with(_signed(body=b""), method="GET"), twin=_signed(body=b"", method="GET"), status=403
    ),
    "HEAD": _Forgery(forged=_signed(method="HEAD", body=b""), twin=_signed(method="GET", body=b""), status=405),
    "DELETE": _Forgery(forged=_signed(method="DELETE"), twin=_ALICES, status=405),
    "a method in a header": _Forgery(
        forged=_with(_ALICES, {"X-HTTP-Method-Override": "PUT"}), twin=_ALICES, status=405
    ),
    "another app's": _Forgery(forged=_signed(host="other.example"), twin=_ALICES, status=403, says=HOST),
    "another app's, with its Host header": _Forgery(
        forged=_with(_signed(host="other.example"), {"Host": "other.example", "X-Forwarded-Host": "other.example"}),
        twin=_with(_ALICES, {"Host": "other.example"}),
        status=403,
    ),
    "another time": _Forgery(
        forged=_with(_ALICES, {TIME: time_text(NOW + _SECOND)}), twin=_signed(at=NOW + _SECOND), status=403
    ),
    "another nonce": _Forgery(forged=_with(_ALICES, {NONCE: "cd" * 16}), twin=_ALICES, status=403),
    "over a megabyte": _Forgery(
        forged=_signed(body=b" " * (1024 * 1024 + 1)), twin=_signed(body=b" " * 1024 * 1024), status=413
    ),
    "a header over 8 KB": _Forgery(forged=_with(_ALICES, {SIGNATURE: "A" * 8193}), twin=_ALICES, status=431),
}

_AGED: Final[dict[str, _Forgery]] = {
    "six minutes old": _Forgery(
        forged=_signed(at=NOW - 301 * _SECOND), twin=_signed(at=NOW - 300 * _SECOND), status=403, says="set your clock"
    ),
    "six minutes ahead": _Forgery(
        forged=_signed(at=NOW + 301 * _SECOND), twin=_signed(at=NOW + 300 * _SECOND), status=403
    ),
    "no time": _Forgery(forged=_without(_ALICES, TIME), twin=_ALICES, status=400),
    "a time without its zone": _Forgery(
        forged=_with(_ALICES, {TIME: time_text(NOW).rstrip("Z")}), twin=_ALICES, status=400
    ),
    "another spelling of the time": _Forgery(
        forged=_with(_ALICES, {TIME: time_text(NOW).replace("Z", "+00:00")}), twin=_ALICES, status=400
    ),
    "a day that there isn't": _Forgery(forged=_with(_ALICES, {TIME: "2026-02-30T10:05:00Z"}), twin=_ALICES, status=400),
    "no nonce": _Forgery(forged=_without(_ALICES, NONCE), twin=_ALICES, status=400),
    "a short nonce": _Forgery(forged=_with(_ALICES, {NONCE: "ab"}), twin=_ALICES, status=400),
    "the same again": _Forgery(
        forged=_ALICES, twin=_signed(), status=409, before=[_ALICES], twin_before=[_ALICES], says="came before"
    ),
    "a nonce of Alice's again by Alice, for something else": _Forgery(
        forged=_with(_ALICES, {NONCE: _ALICES.header(NONCE)}, url=_ACT.replace("declare", "close")),
        twin=_ALICES,
        status=403,
        before=[_ALICES],
    ),
    "a passkey's answer again": _Forgery(forged=_passkey(), twin=_passkey(), status=409, before=[_passkey()]),
}


def _as_sent(url: str) -> Request:
    """Give a request whose address is spelled in another way, under a signature of just that spelling."""
    target = url.split("://", 1)[1].partition("/")[2]
    time, nonce, key = time_text(NOW), "ef" * 16, OperatorKey(private("alice-1"))
    content = content_to_sign(
        method="POST", target=f"/{target}", body=_BODY, time=time, nonce=nonce, host=HOST, key=key.public.id
    )
    headers = {KEY: EMERGENCY_KEY, SIGNED_BY: key.public.id, TIME: time, NONCE: nonce, SIGNATURE: key.sign(content)}
    return Request(method="POST", url=url, headers=headers, body=_BODY)


_SPELLINGS: Final = {
    "capitals": f"https://{HOST}/api/Emergency/declare",
    "a capital prefix": f"https://{HOST}/API/emergency/declare",
    "an escaped letter": f"https://{HOST}/api/%65mergency/declare",
    "an escaped slash": f"https://{HOST}/api/emergency%2Fdeclare",
    "escaped twice": f"https://{HOST}/api/%2565mergency/declare",
    "two slashes": f"https://{HOST}/api//emergency/declare",
    "two slashes first": f"https://{HOST}//api/emergency/declare",
    "a slash at the end": f"https://{HOST}/api/emergency/declare/",
    "dots": f"https://{HOST}/api/cases/../emergency/declare",
    "a dot": f"https://{HOST}/api/./emergency/declare",
    "escaped dots": f"https://{HOST}/api/cases/%2e%2e/emergency/declare",
    "a backslash": f"https://{HOST}/api/emergency\\declare",
    "a semicolon": f"https://{HOST}/api/emergency;x/declare",
    "a fragment": f"{_ACT}#x",
    "an empty query": f"{_ACT}?",
    "an escape in the query": f"{_ACT}?force=%31",
    "a space": f"https://{HOST}/api/emergency/declare ",
    "a line break": f"https://{HOST}/api/emergency/declare\nbody-sha256: x",
    "letters that look alike": f"https://{HOST}/api/\u0435mergency/declare",
}
_PATH_TRICKS: Final[dict[str, _Forgery]] = {
    f"spelled with {name}": _Forgery(forged=_as_sent(url), twin=_as_sent(_ACT), status=400, says="plainly")
    for name, url in _SPELLINGS.items()
}

_SUSPENDED: Final[dict[str, _Forgery]] = {
    "Alice's key after her suspension": _Forgery(
        forged=_ALICES, twin=_ALICES, status=403, door=_without_alice, twin_door=door, says="was suspended"
    ),
    "her second key": _Forgery(
        forged=_signed("alice-2"), twin=_signed("alice-2"), status=403, door=_without_alice, twin_door=door
    ),
    "her code": _Forgery(forged=_CODE_NOW, twin=_CODE_NOW, status=403, door=_without_alice, twin_door=door),
    "Carol's passkey after hers": _Forgery(
        forged=_passkey(), twin=_passkey(), status=403, door=lambda: door(folded(_GONE_CAROL)), twin_door=door
    ),
    "her sign-in": _Forgery(
        forged=_SIGNED_IN,
        twin=_SIGNED_IN,
        status=403,
        door=lambda: door(folded(_GONE), environment=_ON),
        twin_door=_guarded,
    ),
    "one person as two, by object id": _Forgery(
        forged=_signed("mallory-1"), twin=_signed("erin-1"), status=403, door=_of("as-alice"), twin_door=_of("erin")
    ),
    "one person as two, by key": _Forgery(
        forged=_signed("mallory-1"), twin=_signed("erin-1"), status=403, door=_of("alices-key"), twin_door=_of("erin")
    ),
    "the key of somebody whom one alone added": _Forgery(
        forged=_signed("erin-1"),
        twin=_signed("erin-1"),
        status=403,
        door=lambda: door(folded(signed(add(ERIN), "alice-1", "erin-1"))),
        twin_door=_of("erin"),
    ),
    "where nobody founded a list": _Forgery(
        forged=_ALICES,
        twin=_ALICES,
        status=403,
        door=lambda: door(msgspec.structs.replace(folded(), enrolled={}, genesis="")),
        twin_door=door,
        says="EMERGENCY_OPERATORS",
    ),
}

_RIGHT: Final = TOTP(SECRET).at(NOW)
_WRONG: Final = f"{(int(_RIGHT) + 1) % 1_000_000:06}"
_CODES: Final[dict[str, _Forgery]] = {
    "a wrong code": _Forgery(forged=_code(code=_WRONG), twin=_CODE_NOW, status=403, says="wrong"),
    "no code": _Forgery(forged=_with(_CODE_NOW, {CODE: ""}), twin=_CODE_NOW, status=403),
    "a code used twice": _Forgery(forged=_CODE_NOW, twin=_CODE_NOW, status=409, before=[_CODE_NOW], says="used"),
    "a code of the step before one that was used": _Forgery(
        forged=_code(at=NOW - timedelta(seconds=30)),
        twin=_code(at=NOW + timedelta(seconds=30)),
        status=409,
        before=[_CODE_NOW],
        twin_before=[_CODE_NOW],
    ),
    "a code of a minute ago": _Forgery(
        forged=_code(at=NOW - timedelta(seconds=60)), twin=_code(at=NOW - timedelta(seconds=30)), status=403
    ),
    "a code of the next minute but one": _Forgery(
        forged=_code(at=NOW + timedelta(seconds=60)), twin=_code(at=NOW + timedelta(seconds=30)), status=403
    ),
    "in other digits": _Forgery(
        forged=_code(code=_RIGHT.translate({48 + digit: 0x660 + digit for digit in range(10)})),
        twin=_CODE_NOW,
        status=403,
    ),
    "not in Latin": _Forgery(forged=_code(code="\udcff키"), twin=_CODE_NOW, status=403),
    "with a space": _Forgery(forged=_code(code=f"{_RIGHT[:3]} {_RIGHT[3:]}"), twin=_CODE_NOW, status=403),
    "the right one after a wrong one": _Forgery(
        forged=_CODE_NOW, twin=_ALICES, status=429, before=[_code(code=_WRONG)], twin_before=[_code(code=_WRONG)]
    ),
    "Alice's as Carol's": _Forgery(forged=_code("carol"), twin=_CODE_NOW, status=403, says="No secret"),
    "a stranger's": _Forgery(forged=_code("mallory"), twin=_CODE_NOW, status=403, says="no such operator"),
    "nobody's": _Forgery(forged=_without(_CODE_NOW, OPERATOR), twin=_CODE_NOW, status=400),
    "where the vault gave no secrets": _Forgery(
        forged=_CODE_NOW,
        twin=_CODE_NOW,
        status=403,
        door=lambda: door(codes=""),
        twin_door=door,
        says="can't be checked",
    ),
    "where the secrets can't be read": _Forgery(
        forged=_CODE_NOW, twin=_CODE_NOW, status=403, door=lambda: door(codes='["a"]'), twin_door=door
    ),
    "of a secret that is too short": _Forgery(
        forged=_code(code="755224"),
        twin=_CODE_NOW,
        status=403,
        door=lambda: door(codes='{"alice": "AAAA"}'),
        twin_door=door,
    ),
}

_OTHERS: Final = SoftPasskey("mallory's")
_FOR_ELSEWHERE: Final = SoftPasskey("carol's", host="evil.example")
_PASSKEYS: Final[dict[str, _Forgery]] = {
    "a stranger's passkey": _Forgery(forged=_passkey(_OTHERS), twin=_passkey(), status=403),
    "at another site": _Forgery(forged=_passkey(origin="https://evil.example"), twin=_passkey(), status=403),
    "at plain http": _Forgery(forged=_passkey(origin=f"http://{HOST}"), twin=_passkey(), status=403),
    "for another host": _Forgery(forged=_passkey(host="evil.example"), twin=_passkey(), status=403),
    "a registration's answer": _Forgery(forged=_passkey(type="webauthn.create"), twin=_passkey(), status=403),
    "without the person's proof": _Forgery(forged=_passkey(flags=0b001), twin=_passkey(), status=403),
    "with nobody there": _Forgery(forged=_passkey(flags=0b100), twin=_passkey(), status=403),
    "of another challenge": _Forgery(forged=_passkey(challenge=bytes(32)), twin=_passkey(), status=403),
    "with an empty challenge": _Forgery(forged=_passkey(challenge=b""), twin=_passkey(), status=403),
    "with zeros as a signature": _Forgery(forged=_passkey(signature=bytes(70)), twin=_passkey(), status=403),
    "of another body": _Forgery(forged=_with(_passkey(), body=b"{}"), twin=_passkey(), status=403),
    "that isn't JSON": _Forgery(forged=_with(_passkey(), {PASSKEY: "AAAA"}), twin=_passkey(), status=403),
    "with deep JSON": _Forgery(
        forged=_with(_passkey(), {PASSKEY: text_of(b'{"id":' + b"[" * 6000)}), twin=_passkey(), status=403
    ),
    "enrolled for another host": _Forgery(
        forged=_passkey(),
        twin=_passkey(),
        status=403,
        door=lambda: _door_of_app(host="moved.example"),
        twin_door=door,
    ),
}

_FORGED_HEADERS: Final[dict[str, _Forgery]] = {
    "the platform's headers where it isn't on": _Forgery(
        forged=_SIGNED_IN, twin=_SIGNED_IN, status=401, twin_door=_guarded
    ),
    "on an excluded path": _Forgery(forged=_sign_in(url=_ACT), twin=_SIGNED_IN, status=401, door=_guarded),
    "on the excluded path itself": _Forgery(
        forged=_sign_in(url=f"https://{HOST}/api/emergency"), twin=_SIGNED_IN, status=401, door=_guarded
    ),
    **{
        f"on an excluded path spelled with {name}": _Forgery(
            forged=_sign_in(url=url), twin=_SIGNED_IN, status=401, door=_guarded
        )
        for name, url in _SPELLINGS.items()
        if name in {"capitals", "a capital prefix", "an escaped letter", "escaped twice", "two slashes", "dots"}
    },
    "sent to an excluded path, routed elsewhere by dots": _Forgery(
        forged=_sign_in(url=_ROUTED_ELSEWHERE, X_Original_URL="/api/emergency/../cases"),
        twin=_sign_in(url=_ROUTED_ELSEWHERE, X_Original_URL="/api/cases"),
        status=401,
        door=_guarded,
    ),
    "sent to an excluded path, rewritten": _Forgery(
        forged=_sign_in(url=_ROUTED_ELSEWHERE, X_WAWS_Unencoded_URL="/api/emergency/x"),
        twin=_sign_in(url=_ROUTED_ELSEWHERE, X_WAWS_Unencoded_URL="/api/cases"),
        status=401,
        door=_guarded,
    ),
    "with no key, beside a signature": _Forgery(
        forged=_with(_without(_ALICES, KEY), dict(_SIGNED_IN.headers), url=_GUARDED),
        twin=_SIGNED_IN,
        status=401,
        door=_guarded,
    ),
    "of nobody on the list": _Forgery(
        forged=_sign_in(ERIN.object_id), twin=_sign_in(CAROL.object_id), status=403, door=_guarded, says="no operator"
    ),
    "of another tenant": _Forgery(forged=_sign_in(tenant=B2C_TENANT), twin=_SIGNED_IN, status=401, door=_guarded),
    "whose claims name another": _Forgery(
        forged=_with(_SIGNED_IN, {"X-MS-CLIENT-PRINCIPAL": _principal(DAVE.object_id)}),
        twin=_sign_in(DAVE.object_id, long=True),
        status=401,
        door=_guarded,
    ),
    "whose claims name two": _Forgery(
        forged=_with(_SIGNED_IN, {"x-ms-client-principal": _principal(DAVE.object_id)}),
        twin=_SIGNED_IN,
        status=401,
        door=_guarded,
    ),
    "of another provider": _Forgery(
        forged=_with(_SIGNED_IN, {"X-MS-CLIENT-PRINCIPAL-IDP": "github"}), twin=_SIGNED_IN, status=401, door=_guarded
    ),
}

_ELSEWHERE: Final[dict[str, _Forgery]] = {
    "another site's page, with a sign-in": _Forgery(
        forged=_sign_in(Origin="https://evil.example"), twin=_SIGNED_IN, status=403, door=_guarded
    ),
    "no site's page, with a sign-in": _Forgery(
        forged=_without(_SIGNED_IN, "Origin"),
        twin=_with(_without(_SIGNED_IN, "Origin"), {"Authorization": "Bearer x"}),
        status=403,
        door=_guarded,
    ),
    "a page that hides its origin": _Forgery(
        forged=_sign_in(Origin="null"), twin=_SIGNED_IN, status=403, door=_guarded
    ),
    "a neighbour's page on the same domain": _Forgery(
        forged=_sign_in(Sec_Fetch_Site="same-site"),
        twin=_sign_in(Sec_Fetch_Site="same-origin"),
        status=403,
        door=_guarded,
    ),
    "another site's page, with key and signature": _Forgery(
        forged=_with(_ALICES, {"Origin": "https://evil.example"}),
        twin=_with(_ALICES, {"Origin": f"https://{HOST}"}),
        status=403,
    ),
    "another site's page, with a code": _Forgery(
        forged=_with(_CODE_NOW, {"Sec-Fetch-Site": "cross-site"}), twin=_CODE_NOW, status=403
    ),
    "a link followed to what acts": _Forgery(
        forged=_with(_ALICES, {"Sec-Fetch-Site": "none"}),
        twin=_with(_signed(method="GET", body=b""), {"Sec-Fetch-Site": "none"}),
        status=403,
    ),
}

_TABLES: Final = {
    "key": _NO_KEY,
    "signature": _NO_SIGNATURE,
    "request": _ANOTHER_REQUEST,
    "age": _AGED,
    "path": _PATH_TRICKS,
    "operator": _SUSPENDED,
    "code": _CODES,
    "passkey": _PASSKEYS,
    "sign-in": _FORGED_HEADERS,
    "site": _ELSEWHERE,
}
_FORGERIES: Final = {f"{table}: {name}": one for table, rows in _TABLES.items() for name, one in rows.items()}


def _door_of_app(*, host: str) -> Door:
    """Give the door of an app with another name."""
    return copy.replace(door(), host=host)


def _last(door: Door, requests: Sequence[Request], now: datetime) -> Caller | Refusal:
    *before, last = requests
    for one in before:
        caller_of(one, door, now=now)
    return caller_of(last, door, now=now)


def test_there_are_enough_of_them() -> None:
    assert len(_FORGERIES) >= 60
    assert sum(map(len, _TABLES.values())) == len(_FORGERIES)


@pytest.mark.parametrize("name", _FORGERIES)
def test_no_forgery_passes_and_its_twin_does(name: str) -> None:
    one = _FORGERIES[name]
    refused = _last(one.door(), [*one.before, one.forged], one.now)
    assert isinstance(refused, Refusal), refused
    assert (refused.status, one.says in refused.detail) == (one.status, True), refused
    passed = _last((one.twin_door or one.door)(), [*one.twin_before, one.twin], NOW)
    assert isinstance(passed, Caller), passed


@pytest.mark.parametrize("name", _FORGERIES)
def test_a_refusal_shows_no_secret_and_says_who_knew_the_key(name: str) -> None:
    one = _FORGERIES[name]
    refused = _last(one.door(), [*one.before, one.forged], one.now)
    assert isinstance(refused, Refusal)
    shown = f"{refused}"
    secret = [EMERGENCY_KEY, SECRET, _RIGHT, *(one.forged.header(name) for name in (SIGNATURE, PASSKEY, CODE, NONCE))]
    assert not [text for text in secret if len(text) > 4 and text in shown]
    assert not refused.knew_key or one.forged.header(KEY) == EMERGENCY_KEY
    if one.forged.header(KEY) == EMERGENCY_KEY and refused.status not in {405, 413, 431} and not _is_early(refused):
        assert refused.knew_key


def _is_early(refused: Refusal) -> bool:
    """Whether a request is refused before anybody looks at its key."""
    return "GET reads" in refused.detail or "Another site" in refused.detail
