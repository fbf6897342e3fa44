"""Operators with real keys, the statements that they sign, and a door that they call at."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import cbor2
import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra.local.world import WORKFORCE_TENANT
from shared.authority.operator_keys import KeyKind, PublicKey, bytes_of, text_of
from shared.authority.operators import (
    Add,
    AddPasskey,
    Genesis,
    Operator,
    Operators,
    SignedStatement,
    Statement,
    Suspend,
    operators_of,
    statement_text,
)
from shared.emergency.codes import OneTimeCodes, secrets_in
from shared.emergency.proofs import Door
from shared.emergency.used_proofs import UsedProofs
from tests.fakes.clock import NOW

FOUNDED: Final = NOW - timedelta(days=30)
HOST: Final = "responder.example"
KEY: Final = "the-emergency-key-of-the-tests"
SECRET: Final = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
"""Of Alice's one-time codes."""


def private(seed: str) -> Ed25519PrivateKey:
    """Give the Ed25519 key of a name, always the same."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())


def public(key: Ed25519PrivateKey) -> PublicKey:
    return PublicKey(kind=KeyKind.ED25519, public=text_of(key.public_key().public_bytes_raw()))


def operator(name: str, *, seeds: Sequence[str] = (), object_id: str = "", id: str = "") -> Operator:  # noqa: A002 - as the field
    """Give an operator with two keys, of the seeds NAME-1 and NAME-2 where none are given."""
    digits = hashlib.sha256(name.encode()).hexdigest()
    made = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"
    keys = tuple(public(private(seed)) for seed in (seeds or (f"{name}-1", f"{name}-2")))
    return Operator(id=id or name, name=name.capitalize(), object_id=object_id or made, keys=keys)


def signed(statement: Statement, *seeds: str) -> SignedStatement:
    """Give a statement with the signatures of these keys."""
    text = statement_text(statement)
    return SignedStatement(
        text=text,
        signatures={public(private(seed)).id: text_of(private(seed).sign(text.encode())) for seed in seeds},
    )


class SoftPasskey:
    """A passkey without a device: it signs what a browser would have it sign. `counter` is what it counts from."""

    def __init__(self, seed: str, *, host: str = HOST, counter: int = 0) -> None:
        self.counter = counter
        number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:31])
        self._private = ec.derive_private_key(number, ec.SECP256R1())
        place = self._private.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: place.x.to_bytes(32), -3: place.y.to_bytes(32)}
        self._id = hashlib.sha256(f"id of {seed}".encode()).digest()
        self.public = PublicKey(
            kind=KeyKind.PASSKEY, public=text_of(cbor2.dumps(cose)), credential=text_of(self._id), host=host
        )

    @property
    def key_id(self) -> str:
        return self.public.id

    def sign(self, text: str) -> str:
        """Sign an entry of the journal as a page of the app's own host has it signed."""
        self.counter += 1 if self.counter else 0
        return self.signature(text.encode())

    def signature(self, content: bytes, **differs: Any) -> str:  # noqa: ANN401 - as `answer` takes
        """Give the signature of an entry; what differs is as for `answer`."""
        said = json.loads(bytes_of(self.answer(content, **differs)) or b"")["response"]
        return ".".join((said["clientDataJSON"], said["authenticatorData"], said["signature"]))

    def made(
        self, challenge: bytes, *, origin: str = f"https://{HOST}", host: str = HOST, flags: int = 0b100_0101
    ) -> dict[str, str]:
        """Give what a browser gives that makes it: its id, what it says of itself, and what the authenticator says."""
        client = json.dumps({"type": "webauthn.create", "challenge": text_of(challenge), "origin": origin}).encode()
        cose = bytes_of(self.public.public) or b""
        data = hashlib.sha256(host.encode()).digest() + bytes([flags]) + bytes(4 + 16)
        data += len(self._id).to_bytes(2) + self._id + cose
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return {
            "credential": self.public.credential,
            "client": text_of(client),
            "attestation": text_of(attestation),
        }

    def answer(
        self,
        content: bytes,
        *,
        origin: str = f"https://{HOST}",
        host: str = HOST,
        type: str = "webauthn.get",  # noqa: A002 - as the browser names it
        flags: int = 0b101,
        challenge: bytes | None = None,
        signature: bytes | None = None,
    ) -> str:
        """Give the header for a request; `flags` are that somebody was there (1) and proved who they are (4)."""
        asked = hashlib.sha256(content).digest() if challenge is None else challenge
        client = json.dumps(
            {"type": type, "challenge": text_of(asked), "origin": origin, "crossOrigin": False}
        ).encode()
        data = hashlib.sha256(host.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4)
        made = self._private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        answer = {
            "id": text_of(self._id),
            "rawId": text_of(self._id),
            "type": "public-key",
            "response": {
                "clientDataJSON": text_of(client),
                "authenticatorData": text_of(data),
                "signature": text_of(made if signature is None else signature),
            },
        }
        return text_of(json.dumps(answer).encode())


PASSKEY: Final = SoftPasskey("carol's")
ALICE, DAVE, ERIN = (operator(name) for name in ("alice", "dave", "erin"))
CAROL: Final = msgspec.structs.replace(operator("carol"), keys=(*operator("carol").keys, PASSKEY.public))
GENESIS: Final = signed(Genesis(at=FOUNDED, operators=(ALICE, CAROL, DAVE)), "alice-1", "carol-1", "dave-1")


def add(who: Operator, *, at: datetime = NOW, after: Sequence[str] = (), reason: str = "joins") -> Add:
    return Add(at=at, genesis=GENESIS.digest, after=tuple(after) or (GENESIS.digest,), operator=who, reason=reason)


def add_passkey(
    who: str, passkey: PublicKey, *, at: datetime = NOW, after: Sequence[str] = (), reason: str = "a new phone"
) -> AddPasskey:
    known = tuple(after) or (GENESIS.digest,)
    return AddPasskey(at=at, genesis=GENESIS.digest, after=known, operator=who, passkey=passkey, reason=reason)


def suspend(who: str, *, at: datetime = NOW, after: Sequence[str] = (), reason: str = "phone stolen") -> Suspend:
    return Suspend(at=at, genesis=GENESIS.digest, after=tuple(after) or (GENESIS.digest,), operator=who, reason=reason)


def folded(*statements: SignedStatement, read_at: datetime = NOW, unread: str = "") -> Operators:
    """Say who is an operator by these and the genesis."""
    return operators_of((GENESIS, *statements), founding={GENESIS.digest}, read_at=read_at, unread=unread)


def door(
    operators: Operators | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    codes: str = f'{{"alice": "{SECRET}"}}',
    key: str = KEY,
) -> Door:
    """Give a door at which the three founders are let in. The platform's sign-in is on where `environment` says so."""
    known = operators or folded()
    return Door(
        host=HOST,
        own_origins=frozenset({f"https://{HOST}"}),
        environment=environment or {},
        tenant_id=WORKFORCE_TENANT,
        key_hashes=(hashlib.sha256(key.encode()).hexdigest(),) if key else (),
        operators=lambda: known,
        used=UsedProofs(None),
        codes=OneTimeCodes(secrets_in(codes)),
    )
