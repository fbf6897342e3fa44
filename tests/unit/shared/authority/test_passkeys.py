"""A passkey signs an entry of the journal at the app's own page, with its person there; nothing else counts as that."""

from collections.abc import Callable
from typing import Final

import pytest

from shared.authority.operator_keys import text_of
from shared.authority.passkeys import counter_of, is_signed_by_passkey
from shared.authority.signed_entries import is_by_key
from tests.fakes.operators import PASSKEY, SoftPasskey, private, public

_TEXT: Final = b"entra-responder journal entry, version 1\n{}"


def test_what_a_passkey_signed_is_its_own_and_of_this_text_alone() -> None:
    signature = PASSKEY.signature(_TEXT)
    assert is_signed_by_passkey(PASSKEY.public, _TEXT, signature)
    assert is_by_key(PASSKEY.public, _TEXT.decode(), signature)
    assert not is_signed_by_passkey(PASSKEY.public, _TEXT + b" ", signature)
    assert not is_signed_by_passkey(SoftPasskey("another").public, _TEXT, signature)
    assert not is_by_key(public(private("carol-1")), _TEXT.decode(), signature)


def _part(place: int, change: Callable[[str], str]) -> str:
    parts = PASSKEY.signature(_TEXT).split(".")
    parts[place] = change(parts[place])
    return ".".join(parts)


_FORGED: Final[dict[str, Callable[[], str]]] = {
    "another challenge": lambda: PASSKEY.signature(_TEXT, challenge=b"x" * 32),
    "the text itself as the challenge": lambda: PASSKEY.signature(_TEXT, challenge=_TEXT),
    "another origin": lambda: PASSKEY.signature(_TEXT, origin="https://evil.example"),
    "our host at another port": lambda: PASSKEY.signature(_TEXT, origin="https://responder.example:8443"),
    "our host without TLS": lambda: PASSKEY.signature(_TEXT, origin="http://responder.example"),
    "this computer": lambda: PASSKEY.signature(_TEXT, origin="http://localhost:7071"),
    "another rp id": lambda: PASSKEY.signature(_TEXT, host="evil.example"),
    "the person wasn't asked who they are": lambda: PASSKEY.signature(_TEXT, flags=0b001),
    "nobody was there": lambda: PASSKEY.signature(_TEXT, flags=0b100),
    "it was made, not used": lambda: PASSKEY.signature(_TEXT, type="webauthn.create"),
    "another credential": lambda: SoftPasskey("mallory's").signature(_TEXT),
    "no signature": lambda: PASSKEY.signature(_TEXT, signature=b""),
    "a signature of something else": lambda: PASSKEY.signature(_TEXT, signature=b"x" * 70),
    "two parts": lambda: PASSKEY.signature(_TEXT).rpartition(".")[0],
    "four parts": lambda: f"{PASSKEY.signature(_TEXT)}.AAAA",
    "a part with padding": lambda: _part(2, lambda part: f"{part}="),
    "a browser that says nothing": lambda: _part(0, lambda _part: text_of(b"{}")),
    "an authenticator that says less": lambda: _part(1, lambda part: part[:40]),
    "a header of a request": lambda: PASSKEY.answer(_TEXT),
    "nothing": lambda: "",
    "very long": lambda: "AAAA" * 3000,
}


@pytest.mark.parametrize("name", _FORGED)
def test_a_forged_signature_is_none(name: str) -> None:
    assert not is_signed_by_passkey(PASSKEY.public, _TEXT, _FORGED[name]())


def test_a_passkey_of_the_local_stack_signs_there_and_nowhere_else() -> None:
    local = SoftPasskey("local", host="localhost")
    for origin, counts in {
        "http://localhost:7071": True,
        "http://localhost": True,
        "https://localhost": False,
        "http://localhost.evil.example": False,
        "http://localhost:7071/": False,
        "https://responder.example": False,
    }.items():
        made = local.signature(_TEXT, origin=origin, host="localhost")
        assert is_signed_by_passkey(local.public, _TEXT, made) is counts, origin


def test_how_often_a_passkey_signed_is_read_from_what_it_says() -> None:
    counting = SoftPasskey("counts", counter=41)
    assert [counter_of(counting.sign("x")) for _ in range(2)] == [42, 43]
    assert [counter_of(one) for one in ("", "AAAA", PASSKEY.signature(_TEXT), "AAAA.AAAA.AAAA")] == [0, 0, 0, 0]
