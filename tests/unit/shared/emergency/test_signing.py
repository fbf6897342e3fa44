"""The operator's key lies in a file that only its owner reads, and what it signs is for one request, once."""

import os
import stat
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.authority.operator_keys import is_signed
from shared.authority.operators import SignedStatement, statement_text
from shared.emergency.entries import Caller
from shared.emergency.proofs import Request, caller_of
from shared.emergency.signing import (
    BadKeyFile,
    OperatorKey,
    make_key,
    read_key,
    sign_request,
    sign_request_for,
    sign_statement,
)
from tests.fakes.clock import NOW
from tests.fakes.operators import ERIN, GENESIS, HOST, KEY, add, door, folded, private

_ACT: Final = f"https://{HOST}/api/emergency/declare"


def test_a_key_is_made_for_its_owner_alone_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "alice.pem"
    before = os.umask(0)
    try:
        made = make_key(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    read = read_key(path)
    assert read.public == made.public
    assert is_signed(made.public, b"yes", read.sign(b"yes"))


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "alice.pem"
    made = make_key(path)
    with pytest.raises(BadKeyFile, match="never overwritten"):
        make_key(path)
    assert read_key(path).public == made.public
    with pytest.raises(BadKeyFile, match="can't be written"):
        make_key(tmp_path / "no such folder" / "alice.pem")


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "alice.pem"
    make_key(path)
    path.chmod(0o640)
    with pytest.raises(BadKeyFile, match="chmod 600"):
        read_key(path)


def _another_kind() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    "content", [b"", b"secret", b"\xff" * 20_000, _another_kind()], ids=["empty", "text", "long", "kind"]
)
def test_another_file_is_refused_and_shows_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "alice.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(BadKeyFile) as refused:
        read_key(path)
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_file_that_isnt_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadKeyFile, match=r"nowhere\.pem can't be read"):
        read_key(tmp_path / "nowhere.pem")


def test_a_key_shows_its_fingerprint_and_nothing_else() -> None:
    key = OperatorKey(private("alice-1"))
    assert repr(key) == f"OperatorKey({key.public.id})"


def test_two_requests_that_are_the_same_are_signed_apart() -> None:
    key = OperatorKey(private("alice-1"))
    one, other = (sign_request(key, "POST", _ACT, b"{}", emergency_key=KEY, now=NOW) for _ in range(2))
    at = door()
    for headers in (one, other):
        assert isinstance(caller_of(Request(method="POST", url=_ACT, headers=headers, body=b"{}"), at, now=NOW), Caller)


def test_an_app_that_is_reached_by_another_name_is_named() -> None:
    key, url = OperatorKey(private("alice-1")), "https://emergency.contoso.example/api/emergency/declare"
    headers = sign_request_for(HOST, key, "POST", url, b"{}", emergency_key=KEY, now=NOW)
    assert isinstance(caller_of(Request(method="POST", url=url, headers=headers, body=b"{}"), door(), now=NOW), Caller)
    wrong = sign_request(key, "POST", url, b"{}", emergency_key=KEY, now=NOW)
    assert not isinstance(
        caller_of(Request(method="POST", url=url, headers=wrong, body=b"{}"), door(), now=NOW), Caller
    )


@pytest.mark.parametrize(
    "url", [f"{_ACT}?a=%20", f"https://{HOST}/api/../x", f"https://{HOST}//api", f"https://{HOST}"]
)
def test_an_address_that_can_be_spelled_otherwise_isnt_signed(url: str) -> None:
    with pytest.raises(ValueError, match="no escapes"):
        sign_request(OperatorKey(private("alice-1")), "GET", url, emergency_key=KEY, now=NOW)


def test_statements_are_signed_one_after_another() -> None:
    signed = SignedStatement(text=statement_text(add(ERIN)), signatures={})
    for seed in ("erin-1", "alice-1", "carol-1"):
        assert "erin" not in folded(signed).enrolled
        signed = sign_statement(signed, OperatorKey(private(seed)))
    assert "erin" in folded(signed).enrolled
    assert GENESIS.digest != signed.digest
