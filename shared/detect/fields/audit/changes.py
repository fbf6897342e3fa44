"""Modified properties, read in one way by every field that is made of them.

Grants, credentials and addresses are judged new minus old: a record carries the whole list before and after. In Kusto,
properties of one name are taken together where a record has several, of two targets say.
"""

from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Raw
from msgspec.json import Decoder

from shared.detect.fields.kusto_terms import among
from shared.detect.prefilter import of_properties
from shared.model.conditions import KustoJoin, Text
from shared.model.errors import UnreadableRecord
from shared.model.events import AuditEvent, Change, fold
from shared.model.profile import TenantProfile
from shared.normalize.decoding import decode, plain_text

_LIST: Final = Decoder(list[Raw])


def changes_of(event: AuditEvent, *names: str) -> Iterator[Change]:
    """Give the changes of these properties (folded), of every target."""
    for target in event.targets:
        for change in target.changes:
            if fold(change.name) in names:
                yield change


def all_changes(event: AuditEvent) -> Iterator[Change]:
    """Give the changes of every property, of every target."""
    for target in event.targets:
        yield from target.changes


def items(value: str | None) -> list[str]:
    """Give the members of a list in JSON, each a string's content or JSON; the text itself where it isn't a list."""
    if not value:
        return []
    try:
        return [text.strip() for item in decode(_LIST, value) if (text := plain_text(item))]
    except UnreadableRecord:
        return [value.strip()]


def added(change: Change, name_of: Callable[[str], str]) -> list[str]:
    """Give what is in the new value and wasn't in the old one, by the name by which `name_of` distinguishes items."""
    before = set(map(name_of, items(change.old)))
    return [name for item in items(change.new) if (name := name_of(item)) and name not in before]


def first_value(name: str, *properties: str) -> Text[AuditEvent]:
    """Declare a field that is the value of the first of these properties (folded): the new one, or the old one."""

    def read(event: AuditEvent) -> str:
        return next((fold(change.new or change.old or "") for change in changes_of(event, *properties)), "")

    def kusto(_profile: TenantProfile) -> KustoJoin:
        rows = f"""Changes
    | where {among("property", properties)}
    | summarize {name} = max(Fold(coalesce(new, old))) by Id"""
        return KustoJoin(rows=rows, value=f'coalesce({name}, "")')

    return Text(name, read, prefilter=of_properties(*properties), kusto=kusto)
