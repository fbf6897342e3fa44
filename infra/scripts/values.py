"""Prints the values that a parameter file gives, from what `az bicep build-params --stdout` says on standard input.

One a line, name and value with a tab between; lists with commas, blanks for line breaks; `given` for a secret, which is
never printed. Values that the parameter file leaves out have the template's default; where that is an expression,
there is no line. Needs nothing but Python.
"""

import json
import sys
from typing import Any


def values_of(built: dict[str, Any]) -> dict[str, str]:
    """Give each parameter's value as text."""
    declared: dict[str, dict[str, Any]] = json.loads(built["templateJson"])["parameters"]
    given: dict[str, dict[str, Any]] = json.loads(built["parametersJson"])["parameters"]
    values: dict[str, str] = {}
    for name, parameter in declared.items():
        value = given[name]["value"] if name in given else parameter.get("defaultValue", "")
        if str(parameter.get("type", "")).lower().startswith("secure"):
            value = "given" if value else ""
        if not (isinstance(value, str) and value.startswith("[") and name not in given):
            values[name] = _text(value)
    return values


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list) and all(isinstance(each, str) for each in value):  # pyright: ignore[reportUnknownVariableType] - JSON
        return ",".join(value)  # pyright: ignore[reportUnknownArgumentType] - JSON
    if isinstance(value, list | dict):
        return json.dumps(value)
    return " ".join(str(value).splitlines())


if __name__ == "__main__":
    sys.stdout.writelines(f"{name}\t{value}\n" for name, value in values_of(json.load(sys.stdin)).items())
