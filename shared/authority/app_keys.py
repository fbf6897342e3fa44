"""The app's own keys: by them it vouches for what it makes itself and stores, such as baselines.

They lie in the vault, whose secrets neither who writes to storage nor who reads the app's settings can read. They never
vouch for what takes a person: whoever has the app has them too.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.model.errors import Rejected
from shared.model.settings import Settings

_TAG: Final = b"entra-responder app, version 1\n"
"""What begins all that the app signs: no other signature is made over that."""


class AppKeys(Struct, frozen=True, kw_only=True):
    """The keys: the first signs, each is believed. `missing` says why there is none although there should be."""

    keys: tuple[bytes, ...] = ()
    missing: str = ""

    @property
    def are_set(self) -> bool:
        """Whether what the app stores is to be signed."""
        return bool(self.keys or self.missing)

    def signature(self, *what: object) -> str:
        """Sign texts, numbers and mappings of such, 64 hexadecimal digits. Raises Rejected: the keys can't be read."""
        return self._signature(self._known()[0], what)

    def signatures(self, *what: object) -> tuple[str, ...]:
        """Give what each key signs that with, the first as `signature`. Raises Rejected: the keys can't be read."""
        return tuple(self._signature(key, what) for key in self._known())

    def is_ours(self, signature: object, *what: object) -> bool:
        """Whether the app signed that. Raises Rejected: the keys can't be read."""
        if not isinstance(signature, str) or not signature.isascii():
            return False
        return any(hmac.compare_digest(one, signature) for one in self.signatures(*what))

    def _known(self) -> tuple[bytes, ...]:
        if not self.keys:
            raise Rejected(f"reading the app's own keys: {self.missing or 'none is set'}")
        return self.keys

    @staticmethod
    def _signature(key: bytes, what: tuple[object, ...]) -> str:
        content = msgspec.json.encode(what, order="sorted")
        return hmac.digest(key, _TAG + content, hashlib.sha256).hex()


def app_keys_of(settings: Settings) -> AppKeys:
    """Give the keys that the settings name. One that the vault didn't give is missing, never left out."""
    unresolved = settings.unresolved_of("STATE_KEYS")
    return AppKeys(keys=settings.state_keys, missing=unresolved.message if unresolved else "")


def vouched(columns: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """Give the columns of a row by their names, without those that it hasn't: what a signature is over."""
    return {name: value for name, value in columns.items() if name in names and value is not None}
