"""What the local stack's operators sign: Alice by herself, and Carol with her where it takes two."""

from collections.abc import Iterable, Mapping
from typing import Final

from infra.local.operators import LocalOperators
from shared.authority.acts import ValidRows, WaitsForSecond
from shared.authority.journal import Act, Effect
from shared.authority.operator_store import read_operators
from shared.authority.operators import Operators
from shared.authority.signed_acts import SignedActs
from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table
from shared.emergency.signing import OperatorKey
from shared.model.clock import utc_now
from shared.model.settings import Settings

_FIRST: Final = "alice"
_SECOND: Final = "carol"


class _Key:
    """An operator's key, whose holder signs whatever is shown."""

    def __init__(self, key: OperatorKey) -> None:
        self._key = key

    @property
    def key_id(self) -> str:
        return self._key.public.id

    def sign(self, text: str) -> str:
        return self._key.sign(text.encode())


class TwoOperators:
    """Writes acts as both sign them, and says which rows are valid."""

    def __init__(self, first: SignedActs, second: SignedActs) -> None:
        self._first = first
        self._second = second

    def write(self, storage: Storage, act: Act, effect: Effect) -> None:
        """Have it signed by as many as it takes."""
        try:
            self._first.write(storage, act, effect)
        except WaitsForSecond as waits:
            self._second.sign(storage, waits.digest)

    def valid(self, table: Table, rows: Iterable[Row], subjects: Iterable[str]) -> ValidRows:
        """Say which rows are valid."""
        return self._first.valid(table, rows, subjects)


def two_operators(
    settings: Settings, storage: Storage, values: Mapping[str, str], operators: LocalOperators
) -> TwoOperators:
    """Give the two of the local stack, whose accounts and settings these are."""
    evidence = Storage(values, prefix="EvidenceStorage")

    def known() -> Operators:
        return read_operators(
            storage, setting=settings.emergency_operators, pinned=settings.emergency_genesis, now=utc_now()
        )

    first, second = (
        SignedActs(
            evidence,
            operators=known,
            tenant=settings.workforce.id,
            clock=utc_now,
            signer=_Key(operators.key(name)),
        )
        for name in (_FIRST, _SECOND)
    )
    return TwoOperators(first, second)
