"""Prints what a deployment would take away of what the last one had, a line each; nothing where it takes nothing.

`python3 narrower.py VALUES PARAMETER-FILE [NAME…]`: VALUES is what values.py printed of the values to come; standard
input has the last deployment's `properties.parameters` as az shows them (null is none). Parameters called NAME aren't
compared, nor are secrets, which Azure doesn't show, nor values that follow from another one's variable.

Narrower is a text that would be empty, a list without something that was in it, a switch that would be off, and the
tier watch after act. Each line is what to export, with the reason behind it. Needs nothing but Python.
"""

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

_PARAMETER = re.compile(r"^param (\w+) =", re.MULTILINE)
_VARIABLE = re.compile(r"readEnvironmentVariable\(\s*'(\w+)'")


def variables_of(parameter_file: str) -> dict[str, list[str]]:
    """Give the environment variables from which each parameter is read, the one of its own first."""
    _, *parts = _PARAMETER.split(parameter_file)
    return {name: _VARIABLE.findall(text) for name, text in zip(parts[::2], parts[1::2], strict=True)}


def narrower(before: object, now: str) -> str:
    """Say in what way a value is narrower than the one before; "" where it isn't."""
    if isinstance(before, list):
        return _fewer(before, now)  # pyright: ignore[reportUnknownArgumentType] - JSON
    if before is True:
        return "would be false" if now == "false" else ""
    if before == "act":
        return "would be watch" if now == "watch" else ""
    return "would be empty" if before and not now else ""


def _fewer(before: list[Any], now: str) -> str:
    if not all(isinstance(each, str) for each in before):
        left = len(json.loads(now)) if now.startswith("[") else 0
        return f"would have {left} of {len(before)}" if left < len(before) else ""
    kept = now.lower().split(",")
    lost = [each for each in before if each.lower() not in kept]
    return f"would be without {', '.join(lost)}" if lost else ""


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON
    """Give a value as the variable has it from which it is read."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):  # pyright: ignore[reportUnknownVariableType] - JSON
        return ",".join(value)  # pyright: ignore[reportUnknownArgumentType] - JSON
    return value if isinstance(value, str) else json.dumps(value)


def lines_of_narrower(before: dict[str, Any], now: dict[str, str], variables: dict[str, list[str]]) -> list[str]:
    """Give a line for each parameter that would be narrower."""
    lines: list[str] = []
    for name, value in now.items():
        was, read = before.get(name, {}).get("value"), variables.get(name, [])
        how = "" if len(read) > 1 else narrower(was, value)
        if how and read:
            lines.append(f"export {read[0]}={shlex.quote(_text(was))}  # {how}")
        elif how:
            lines.append(f"{name} in infra/main.bicepparam was {_text(was)}: it {how}")
    return lines


def _main(values: str, parameter_file: str, *left_out: str) -> None:
    before: dict[str, Any] = json.load(sys.stdin) or {}
    rows = [row.split("\t", 1) for row in Path(values).read_text(encoding="utf-8").splitlines()]
    now = {name: value for name, value in rows if name not in left_out}
    for line in lines_of_narrower(before, now, variables_of(Path(parameter_file).read_text(encoding="utf-8"))):
        sys.stdout.write(f"  {line}\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
