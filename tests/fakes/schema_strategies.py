"""Values that a JSON Schema allows, for the part of JSON Schema that our OpenAPI document uses."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from hypothesis import strategies as st

from shared.model.kinds import Json

type Schema = Mapping[str, Any]
_NOTHING: Final[Mapping[str, Sequence[Json]]] = {}
type _Make = Callable[[Schema], st.SearchStrategy[Json]]

_LONGEST_ID: Final = 64
"""Characters of the longest text that has to look like something: a digest."""

JSON_VALUES: Final[st.SearchStrategy[Json]] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
"""Any JSON."""


type Known = Mapping[str, Sequence[Json]]
"""Values that mean something, by the name of the property."""


def values_of(schema: Schema, components: Mapping[str, Schema], known: Known = _NOTHING) -> st.SearchStrategy[Json]:
    """Give values that a schema allows, often `known` ones; `components` are what it refers to, by name."""

    def made(one: Schema) -> st.SearchStrategy[Json]:
        if "$ref" in one:
            return made(components[str(one["$ref"]).rpartition("/")[2]])
        if "enum" in one:
            return st.sampled_from(one["enum"])
        if "anyOf" in one:
            return st.one_of([made(each) for each in one["anyOf"]])
        makers: Mapping[str, _Make] = {"string": _text, "object": lambda each: _object(each, made, known)}
        makers |= {"array": lambda each: st.lists(made(each.get("items", {})), max_size=3)}
        makers |= {"integer": _integer, "number": _number, "boolean": lambda _: st.booleans(), "null": _null}
        return makers[one["type"]](one) if "type" in one else JSON_VALUES

    return made(schema)


def often[T](known: Sequence[T], others: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    """Give one of the known values two times of three."""
    one = st.sampled_from(known)
    return st.one_of(one, one, others)


def _null(_schema: Schema) -> st.SearchStrategy[Json]:
    return st.none()


def _text(schema: Schema) -> st.SearchStrategy[Json]:
    if schema.get("format") == "date-time":
        return st.datetimes().map(lambda at: f"{at.isoformat()}Z")
    longest = min(int(schema.get("maxLength", 60)), 60)
    if "pattern" in schema:
        return st.from_regex(str(schema["pattern"])).filter(_is_short)
    return st.text(min_size=int(schema.get("minLength", 0)), max_size=longest)


def _is_short(text: str) -> bool:
    return len(text) <= _LONGEST_ID


def _integer(schema: Schema) -> st.SearchStrategy[Json]:
    return st.integers(schema.get("minimum"), schema.get("maximum"))


def _number(schema: Schema) -> st.SearchStrategy[Json]:
    least = schema.get("exclusiveMinimum", schema.get("minimum"))
    return st.floats(
        least, schema.get("maximum"), exclude_min="exclusiveMinimum" in schema, allow_nan=False, allow_infinity=False
    )


def _object(schema: Schema, made: _Make, known: Known) -> st.SearchStrategy[Json]:
    def of(name: str, one: Schema) -> st.SearchStrategy[Json]:
        return often(known[name], made(one)) if name in known else made(one)

    properties: Mapping[str, Schema] = schema.get("properties", {})
    if not properties:
        return st.dictionaries(st.text(max_size=8), JSON_VALUES, max_size=3)
    required = set(schema.get("required", ()))
    return st.fixed_dictionaries(
        {name: of(name, one) for name, one in properties.items() if name in required},
        optional={name: of(name, one) for name, one in properties.items() if name not in required},
    )
