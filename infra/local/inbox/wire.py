"""What comes over the wire, before anybody knows what it is."""

from collections.abc import Iterable

import msgspec

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None

DEPTH_LIMIT = 128


def json_from(body: bytes) -> Json:
    """Read `body` as JSON; whatever is read can be written again.

    Raises:
        ValueError: it isn't JSON, isn't UTF-8, or nests deeper than `DEPTH_LIMIT`.
    """
    try:
        value: Json = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    level: list[Json] = [value]
    for _ in range(DEPTH_LIMIT):
        level = [child for part in level for child in _children(part)]
        if not level:
            return value
    raise ValueError(f"it nests deeper than {DEPTH_LIMIT} levels")


def _children(value: Json) -> Iterable[Json]:
    match value:
        case dict():
            return value.values()
        case list():
            return value
        case _:
            return ()


def text_at(value: Json, key: str) -> str:
    """Give the text under `key`; "" where there is no object, no such key, or something else than text."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""
