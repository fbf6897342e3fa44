"""What the Kusto of fields is written with: literals, lists, and expressions that several fields share.

The functions and tables that it names (`Fold`, `Targets`, `Changes` and so on) are defined in `detect.kusto.compile`.
"""

import json
from collections.abc import Collection
from typing import Final

from shared.model.conditions import KustoJoin

SPACES: Final = r"[\s\x{0b}\x{1c}-\x{1f}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]+"
"""Python's idea of a space, spelt out: regular expressions differ in theirs."""

TENANT: Final = "tolower(AADTenantId)"
TARGET_ID: Final = f'tolower(trim(@"{SPACES}", tostring(target.id)))'
IS_OBJECT_ID: Final = 'matches regex "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"'


def quoted(text: str) -> str:
    """Write a text as a Kusto literal, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)


def among(column: str, words: Collection[str]) -> str:
    """Ask whether a column is one of several texts."""
    return f"{column} in ({', '.join(map(quoted, sorted(words)))})" if words else "false"


def flag(name: str, rows: str, word: str) -> KustoJoin:
    """Write a field that is `word` where `rows` has the record, and "" elsewhere; `name` names its column."""
    return KustoJoin(
        rows=f"{rows}\n    | summarize {name}_rows = count() by Id", value=f'iff({name}_rows > 0, "{word}", "")'
    )
