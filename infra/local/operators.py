"""Made-up operators for the local stack: key files, the list that they founded, an emergency key and one-time codes.

Made once in a folder and read again after that. `settings` go into the stack (`Stack(settings=…)`).
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from pyotp import random_base32

from infra.local.world import ALICE, CAROL, DAVE, Principal
from shared.authority.operator_store import setting_of
from shared.authority.operators import Genesis, Operator, SignedStatement, statement_text
from shared.emergency.signing import OperatorKey, make_key, read_key, sign_statement

_PEOPLE: Final[Mapping[str, Principal]] = {"alice": ALICE, "carol": CAROL, "dave": DAVE}
_FOUNDED: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOperators:
    """The operators alice, carol and dave. `key_files` are by operator, two each; `codes` are secrets in base32."""

    settings: Mapping[str, str]
    emergency_key: str
    key_files: Mapping[str, tuple[Path, Path]]
    codes: Mapping[str, str]

    def key(self, operator: str) -> OperatorKey:
        """Give the first key of an operator."""
        return read_key(self.key_files[operator][0])


def local_operators(folder: Path) -> LocalOperators:
    """Give the operators of a folder, which is made where it isn't there."""
    folder.mkdir(parents=True, exist_ok=True)
    key_files = {name: (folder / f"{name}-1.pem", folder / f"{name}-2.pem") for name in _PEOPLE}
    keys = {name: [_key(path) for path in paths] for name, paths in key_files.items()}
    genesis = _genesis(keys)
    emergency_key = _kept(folder / "emergency-key", secrets.token_urlsafe(32))
    codes = {name: _kept(folder / f"{name}-codes", random_base32(32)) for name in _PEOPLE}
    return LocalOperators(
        settings={
            "EMERGENCY_KEY_HASH": hashlib.sha256(emergency_key.encode()).hexdigest(),
            "EMERGENCY_OPERATORS": setting_of([genesis]),
            "EMERGENCY_GENESIS": genesis.digest,
            "EMERGENCY_CODES": msgspec.json.encode(codes).decode(),
        },
        emergency_key=emergency_key,
        key_files=key_files,
        codes=codes,
    )


def _genesis(keys: Mapping[str, list[OperatorKey]]) -> SignedStatement:
    operators = tuple(
        Operator(id=name, name=person.name, object_id=person.id, keys=tuple(key.public for key in keys[name]))
        for name, person in _PEOPLE.items()
    )
    signed = SignedStatement(text=statement_text(Genesis(at=_FOUNDED, operators=operators)), signatures={})
    for own in keys.values():
        signed = sign_statement(signed, own[0])
    return signed


def _key(path: Path) -> OperatorKey:
    return read_key(path) if path.exists() else make_key(path)


def _kept(path: Path, made: str) -> str:
    """Give what a file has, or put there what was made."""
    if not path.exists():
        path.write_text(made, encoding="utf-8")
        path.chmod(0o600)
    return path.read_text(encoding="utf-8")
