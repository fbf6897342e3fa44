"""Tokens for the operators' registration, signed with a key that others can check: those for Microsoft's aren't."""

import time
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from infra.local import world
from infra.local.world import Principal


class OperatorTokens:
    """Signs with a key of this process. `issuer` is the authority's address of the tenant, known once it listens."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._key_id = uuid.uuid4().hex
        self.issuer = ""

    def public_key(self) -> dict[str, Any]:
        """Give the key that checks the tokens, as the authority publishes it."""
        return {
            **RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True),
            "kid": self._key_id,
            "use": "sig",
            "alg": "RS256",
        }

    def id_token(self, person: Principal, *, nonce: str) -> str:
        """Make what a browser gets when somebody has signed in."""
        return self._signed(person, lifetime=3600, nonce=nonce)

    def access_token(self, person: Principal, *, lifetime: int) -> str:
        """Make what the Azure CLI gets for somebody; a negative `lifetime` (seconds) makes one that has run out."""
        return self._signed(person, lifetime=lifetime, azp=world.AZURE_CLI, scp="user_impersonation")

    def _signed(self, person: Principal, *, lifetime: int, **claims: str) -> str:
        now = int(time.time())
        known = {
            "aud": world.OPERATORS_CLIENT_ID,
            "iss": self.issuer,
            "iat": now,
            "nbf": now - 300 + min(lifetime, 0),
            "exp": now + lifetime,
            "tid": person.tenant,
            "oid": person.id,
            "sub": person.id,
            "name": person.name,
            "preferred_username": person.upn,
            "ver": "2.0",
        }
        return jwt.encode(known | claims, self._key, algorithm="RS256", headers={"kid": self._key_id})
