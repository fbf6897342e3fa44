"""What kind of value an expression gives, as far as that is plain to see."""

from collections.abc import Mapping
from typing import Final

from infra.checks.syntax import Array, Call, Constant, Expression, Loop, Name, Object, Template, Text

KINDS: Final[Mapping[str, str]] = {
    "text": "a string",
    "number": "a number",
    "flag": "true or false",
    "object": "an object",
    "array": "an array",
}
"""The kinds, and what they are called in messages."""

_WRITTEN: Final[Mapping[str, str]] = {"string": "text", "int": "number", "bool": "flag", "array": "array"}

_GIVES: Final[Mapping[str, str]] = {
    "bool": "flag",
    "concat": "",
    "empty": "flag",
    "filter": "array",
    "guid": "text",
    "items": "array",
    "join": "text",
    "length": "number",
    "loadTextContent": "text",
    "readEnvironmentVariable": "text",
    "replace": "text",
    "split": "array",
    "string": "text",
    "subscriptionResourceId": "text",
    "toLower": "text",
    "union": "",
    "uniqueString": "text",
}


def kind_of_type(written: str) -> str:
    """Give the kind that a parameter's or output's type means."""
    written = written.strip().rstrip("?")
    return "array" if written.endswith("]") else _WRITTEN.get(written, "object")


def kind_of(template: Template, expression: Expression) -> str:  # noqa: PLR0911 - one line for each kind
    """Tell the kind of value that an expression of a file gives; "" when that isn't plain to see."""
    match expression:
        case Text():
            return "text"
        case Constant(value=None):
            return ""
        case Constant(value=found):
            return "flag" if isinstance(found, bool) else "number"
        case Object():
            return "object"
        case Array() | Loop():
            return "array"
        case Name(name=name) if parameter := template.parameters.get(name):
            return kind_of_type(parameter.type)
        case Name(name=name) if variable := template.variables.get(name):
            return kind_of(template, variable.value)
        case Call(name=name):
            return _GIVES.get(name, "")
        case _:
            return ""
