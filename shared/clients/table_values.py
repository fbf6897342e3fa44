"""Values of columns, as JSON has them and in queries.

https://learn.microsoft.com/rest/api/storageservices/payload-format-for-table-service-operations
"""

import base64
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from shared.model.errors import Rejected

_INTEGERS: Final = range(-(2**31), 2**31)


def typed(name: str, value: Any) -> tuple[str, Any]:  # noqa: ANN401 - a column's value, of any type
    """Give a value as JSON has it and its type, "" where JSON tells it."""
    match value:
        case None | str() | bool():
            return "", value
        case int() if value in _INTEGERS:
            return "", value
        case float():
            is_number = math.isfinite(value)
            return "Edm.Double", value if is_number else str(value).replace("inf", "Infinity").replace("nan", "NaN")
        case datetime():
            at = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
            return "Edm.DateTime", f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"
        case bytes():
            return "Edm.Binary", base64.b64encode(value).decode()
        case UUID():
            return "Edm.Guid", str(value)
        case _:
            raise Rejected(f"column {name} takes no {type(value).__name__} like this")


def plain(value: Any, kind: str | None) -> Any:  # noqa: ANN401 - a column's value, of any type
    """Give a value of JSON as Python has it. Raises ValueError for one that isn't of its type."""
    match kind:
        case "Edm.DateTime":
            return datetime.fromisoformat(value).astimezone(UTC)
        case "Edm.Binary":
            return base64.b64decode(value)
        case "Edm.Int64":
            return int(value)
        case "Edm.Double":
            return float(value)
        case "Edm.Guid":
            return UUID(value)
        case _:
            return value


def filled_in(query: str, values: Mapping[str, Any]) -> str:
    """Fill the `@name`s of an OData query in from `values`, each as a term of its type."""
    words = query.split(" ")
    return " ".join(_term(values[word[1:]]) if word.startswith("@") else word for word in words)


def _term(value: Any) -> str:  # noqa: ANN401 - a term of any type
    """Write a value as OData has it."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value) if value in _INTEGERS else f"{value}L"
        case datetime():
            return f"datetime'{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}'"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case _:
            raise Rejected(f"no query of a table takes a {type(value).__name__}")
