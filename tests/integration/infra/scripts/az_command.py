"""How az takes a command line, with its own parser, and how it prints an answer."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import jmespath

from tests.integration.infra.scripts.az_parser import AzParser

SUBSCRIPTION: Final = "0c9e2b74-51fd-4a36-b8e0-6d7f93a1c258"
TENANT: Final = "5f1c7a3e-94d2-4b0e-8a57-3c6d1e2f4a90"
B2C: Final = "b2c0d4e6-7a18-4f93-9c25-e81f60a7b3d2"

FAILED: Final = 1
MISSING: Final = 3
"""az's exit status for a resource that isn't there. `az rest` has 1 for it, like for every other refusal."""

_READS: Final = frozenset({"show", "list", "what-if", "get-access-token", "list-deleted", "build-params", "exists"})


class AzError(Exception):
    """A refusal, in az's words, with its exit status."""

    def __init__(self, message: str, *, status: int = FAILED) -> None:
        self.status = status
        super().__init__(message)


class Caller(NamedTuple):
    """Where a call comes from."""

    folder: Path
    environment: Mapping[str, str]
    in_b2c: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A command line, read: its command and its options by their longest names."""

    command: tuple[str, ...]
    options: Mapping[str, Sequence[str]]
    default_subscription: str = SUBSCRIPTION

    def one(self, option: str, default: str = "") -> str:
        """Give the value of an option that takes one."""
        values = self.options.get(option, (default,))
        return values[0] if values else default

    @property
    def subscription(self) -> str:
        """Id of the subscription that is meant."""
        return self.one("--subscription", self.default_subscription).lower()

    @property
    def group_id(self) -> str:
        """Id of the resource group that is meant."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.one('--resource-group')}"

    @property
    def writes(self) -> bool:
        if self.command == ("rest",):
            return self.one("--method", "get").lower() != "get" and "Microsoft.ResourceGraph" not in self.one("--url")
        return not (self.command[-1] in _READS or self.command[-1].startswith("list-"))


def asked_from(argv: Sequence[str], parser: AzParser, default_subscription: str) -> Asked:
    """Read a command line as az does that is set to a subscription.

    Raises:
        AzError: az's parser refuses it.
    """
    read = parser.read(argv)
    if read.status:
        raise AzError(read.error, status=read.status)
    return Asked(command=tuple(read.command.split()), options=read.options, default_subscription=default_subscription)


def printed(answer: object, asked: Asked) -> str:
    """Print an answer as az does with --query and --output."""
    query = asked.one("--query")
    shown: Any = jmespath.search(query, answer) if query else answer  # pyright: ignore[reportUnknownMemberType] - untyped
    match asked.one("--output", "json"):
        case "none":
            return ""
        case "tsv":
            return _tsv(shown)
        case _:
            return "" if shown is None else json.dumps(shown, indent=2) + "\n"


def _tsv(shown: object) -> str:
    """A list is a row each; a row that is a list itself has tabs between its cells; null is the word None in a list."""
    if shown is None:
        return ""
    rows = cast("list[object]", shown) if isinstance(shown, list) else [shown]
    return "".join(f"{_row(row)}\n" for row in rows)


def _row(row: object) -> str:
    if isinstance(row, bool):
        return str(row).lower()
    return "\t".join(map(_cell, cast("list[object]", row))) if isinstance(row, list) else _cell(row)


def _cell(cell: object) -> str:
    """A list in a cell is its length there, an object is nothing."""
    if isinstance(cell, list):
        return str(len(cast("list[object]", cell)))
    return "" if isinstance(cell, dict) else str(cell)
