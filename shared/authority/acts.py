"""How an act of a person is written, and which rows of a list count: the interface, and what holds without operators.

Where operators are founded, `shared.authority.signed_acts` takes the place of `UnsignedActs`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol

from msgspec import Struct

from shared.authority import journal
from shared.authority.journal import Act, Effect
from shared.authority.statements import JOURNAL, Malformed, Statement, add_row
from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table
from shared.model.errors import ResponderError

LONGEST_WAIT: Final = timedelta(hours=4)
"""How long an act waits for the signature of a second person. It counts from when the first one signed it."""

type Place = tuple[str, str]
"""A partition of a table, and the subject of rows in it."""


class Doubt(Struct, frozen=True, kw_only=True):
    """Why nothing can be said of a place, from an instant on; None is from ever."""

    because: str
    since: datetime | None = None


class ValidRows(Struct, frozen=True, kw_only=True):
    """The rows that count.

    `unknown` are places of which nothing can be said, since too much is missing or in doubt. `problems` say which rows
    were ignored, and which are missing.
    """

    rows: tuple[Row, ...]
    unknown: Mapping[Place, Doubt] = {}
    problems: tuple[str, ...] = ()


class NotSigned(ResponderError):
    """An act takes an operator's signature, or another one; the text says which. Nothing was written."""


class WaitsForSecond(ResponderError):
    """An act takes two persons, and one has signed it: it counts once another one has, who is asked by its digest."""

    def __init__(self, digest: str) -> None:
        hours = int(LONGEST_WAIT.total_seconds() // 3600)
        super().__init__(
            f"signed; it counts once a second operator has signed it, within {hours} hours: responder journal sign"
            f" {digest[:12]} --key KEY"
        )
        self.digest = digest


class Acts(Protocol):
    """Writes acts, and says which rows count by those that were written."""

    def write(self, storage: Storage, act: Act, effect: Effect) -> None:
        """Write an act into the journal, and then the row by which it takes effect.

        Raises:
            ValueError: the act says not who did it, or not why although it lowers a guard; or it is too large.
            EdgeError: it couldn't be written.
            NotSigned: it takes an operator's signature.
            WaitsForSecond: one operator signed it, and it takes two.
        """
        ...

    def valid(self, table: Table, rows: Iterable[Row], subjects: Iterable[str]) -> ValidRows:
        """Say which rows of a table count; `subjects` are what the journal's subjects of these rows begin with.

        Raises EdgeError: that can't be said.
        """
        ...


class UnsignedActs:
    """Acts of an installation without operators: whoever may write to storage is believed."""

    def write(self, storage: Storage, act: Act, effect: Effect) -> None:
        """Write an act as `Acts.write`."""
        entry = journal.append(storage, act)
        columns = {**effect.columns, JOURNAL: entry.digest}
        add_row(storage, effect.table, effect.partition, effect.subject, columns, said=act.when)

    def valid(self, table: Table, rows: Iterable[Row], subjects: Iterable[str]) -> ValidRows:
        """Count all of them."""
        del table, subjects
        return ValidRows(rows=tuple(rows))


UNSIGNED: Final = UnsignedActs()


def with_unknown[T](
    statements: Mapping[Place, tuple[Statement[T], ...]], unknown: Mapping[Place, Doubt]
) -> dict[Place, tuple[Statement[T], ...]]:
    """Give the statements, with a malformed one at the end for each place of which nothing can be said."""
    found = dict(statements)
    for place, one in unknown.items():
        last: Statement[T] = Statement(
            value=Malformed(because=one.because), said=one.since, since=one.since, named=one.since
        )
        found[place] = (*found.get(place, ()), last)
    return found
