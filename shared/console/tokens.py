"""The token of a form: it is valid for who opened the page, in that session, for that act, and for an hour.

It is an HMAC-SHA-256 under a key that all instances share. A neighbour on the regional domain can set cookies for this
one, so nothing is compared with a cookie. Which origin a request is from is checked besides.
"""

import hashlib
import hmac
import json
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.errors import Rejected

VALID_FOR: Final = timedelta(hours=1)
_PARTITION: Final = "console"
_KEY: Final = "token-key"
_COLUMN: Final = "key"
_BYTES: Final = 32
_LONGEST: Final = 200


class Checked(StrEnum):
    """What a token is."""

    RIGHT = "right"
    OLD = "old"
    WRONG = "wrong"


class Holder(Struct, frozen=True, kw_only=True):
    """Who a token is made for: an object id, and the session that they signed in for."""

    id: str
    session: str


class Tokens:
    """Makes tokens and checks them."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._known: bytes = b""

    def make(self, holder: Holder, act: str, subject: str, shown: str, *, now: datetime) -> str:
        """Make the token of a form. Raises EdgeError where the key can't be read."""
        issued = int(now.timestamp())
        return f"{issued}.{self._sum(holder, act, subject, shown, issued)}"

    def check(self, token: str, holder: Holder, act: str, subject: str, shown: str, *, now: datetime) -> Checked:
        """Say whether a token is of this form. Raises EdgeError where the key can't be read."""
        issued, _, said = token[:_LONGEST].partition(".")
        if not issued.isascii() or not issued.isdigit() or not said.isascii():
            return Checked.WRONG
        if not hmac.compare_digest(said, self._sum(holder, act, subject, shown, int(issued))):
            return Checked.WRONG
        age = now.timestamp() - int(issued)
        return Checked.RIGHT if abs(age) <= VALID_FOR.total_seconds() else Checked.OLD

    def _sum(self, holder: Holder, act: str, subject: str, shown: str, issued: int) -> str:
        text = json.dumps((holder.id.lower(), holder.session, act, subject, shown, issued))
        return hmac.digest(self._key(), text.encode(), hashlib.sha256).hex()

    def _key(self) -> bytes:
        if not self._known:
            self._known = self._stored_key()
        return self._known

    def _stored_key(self) -> bytes:
        """Read the key that all instances share; the first one makes it."""
        made = {_COLUMN: secrets.token_hex(_BYTES)}
        row = self._storage.row(Table.CONTROLS, _PARTITION, _KEY)
        if row is None:
            self._storage.insert(Table.CONTROLS, _PARTITION, _KEY, made)
            row = self._storage.row(Table.CONTROLS, _PARTITION, _KEY)
        text = str(row.columns.get(_COLUMN, "")) if row else ""
        if len(text) != 2 * _BYTES:
            raise Rejected(f"the key of the console in table {Table.CONTROLS} isn't one; delete its row in storage")
        return text.encode()
