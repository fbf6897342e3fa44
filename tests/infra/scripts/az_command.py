"""How az reads a command line and prints an answer: the commands and options that the scripts use, and no others.

Names and options are those of Azure CLI 2.91; what isn't listed is refused, as az would.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

import jmespath

USAGE_ERROR: Final = 2
MISSING: Final = 3
"""az's exit status for a resource that isn't there."""


class AzError(Exception):
    """A refusal, in az's words, with its exit status."""

    def __init__(self, message: str, *, status: int = 1) -> None:
        self.status = status
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A command: its options by their long name, with the short ones; `many` take several values, `flags` none."""

    options: Mapping[str, str] = field(default_factory=dict[str, str])
    required: frozenset[str] = frozenset()
    many: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    writes: bool = False


_GLOBAL: Final = {"--output": "-o", "--query": "", "--subscription": "", "--only-show-errors": ""}
_DEPLOY: Final = {"--name": "-n", "--location": "-l", "--template-file": "-f", "--parameters": "-p"}
_IN_GROUP: Final = {"--resource-group": "-g", "--name": "-n"}
_BOTH: Final = frozenset({"--resource-group", "--name"})

COMMANDS: Final[Mapping[tuple[str, ...], Spec]] = {
    ("account", "show"): Spec(),
    ("account", "get-access-token"): Spec(options={"--resource": ""}),
    ("provider", "list"): Spec(),
    ("provider", "register"): Spec(
        options={"--namespace": "-n", "--wait": ""},
        required=frozenset({"--namespace"}),
        flags=frozenset({"--wait"}),
        writes=True,
    ),
    ("deployment", "sub", "what-if"): Spec(
        options=_DEPLOY | {"--no-pretty-print": "", "--exclude-change-types": "-x"},
        required=frozenset({"--location"}),
        many=frozenset({"--parameters", "--exclude-change-types"}),
        flags=frozenset({"--no-pretty-print"}),
    ),
    ("deployment", "sub", "create"): Spec(
        options=_DEPLOY,
        required=frozenset({"--location"}),
        many=frozenset({"--parameters"}),
        writes=True,
    ),
    ("deployment", "sub", "show"): Spec(options={"--name": "-n"}, required=frozenset({"--name"})),
    ("deployment", "group", "show"): Spec(options=_IN_GROUP, required=_BOTH),
    ("deployment", "group", "create"): Spec(
        options=_IN_GROUP | {"--template-file": "-f", "--parameters": "-p"},
        required=frozenset({"--resource-group"}),
        many=frozenset({"--parameters"}),
        writes=True,
    ),
    ("functionapp", "deployment", "source", "config-zip"): Spec(
        options=_IN_GROUP | {"--src": "", "--build-remote": ""}, required=_BOTH | {"--src"}, writes=True
    ),
    ("functionapp", "function", "show"): Spec(
        options=_IN_GROUP | {"--function-name": ""}, required=_BOTH | {"--function-name"}
    ),
    ("functionapp", "keys", "list"): Spec(options=_IN_GROUP, required=_BOTH),
    ("keyvault", "certificate", "show"): Spec(options={"--vault-name": "", "--name": "-n"}),
    ("keyvault", "certificate", "create"): Spec(
        options={"--vault-name": "", "--name": "-n", "--policy": "-p"},
        required=frozenset({"--vault-name", "--name", "--policy"}),
        writes=True,
    ),
    ("ad", "app", "credential", "reset"): Spec(
        options={"--id": "", "--cert": "", "--append": "", "--display-name": ""},
        required=frozenset({"--id"}),
        flags=frozenset({"--append"}),
        writes=True,
    ),
    ("role", "assignment", "list"): Spec(options={"--assignee-object-id": "", "--scope": ""}),
    ("role", "assignment", "delete"): Spec(options={"--ids": ""}, many=frozenset({"--ids"}), writes=True),
    ("rest",): Spec(
        options={"--method": "-m", "--url": "-u", "--url-parameters": "", "--headers": "", "--body": "-b"},
        required=frozenset({"--url"}),
        many=frozenset({"--url-parameters", "--headers"}),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A command line, read: its command and its options by their long names."""

    command: tuple[str, ...]
    options: Mapping[str, Sequence[str]]

    def one(self, option: str, default: str = "") -> str:
        values = self.options.get(option, (default,))
        return values[0] if values else default

    @property
    def writes(self) -> bool:
        if self.command == ("rest",):
            return self.one("--method", "get").lower() != "get"
        return COMMANDS[self.command].writes


def asked_from(argv: Sequence[str]) -> Asked:
    """Read a command line; whatever az doesn't know is refused."""
    words = next(iter(place for place, word in enumerate(argv) if word.startswith("-")), len(argv))
    command = tuple(argv[:words])
    if command not in COMMANDS:
        raise AzError(f"'{' '.join(command)}' is misspelled or not recognized by the system.", status=USAGE_ERROR)
    spec = COMMANDS[command]
    options = _options(argv[words:], spec)
    if lacking := sorted(spec.required - options.keys()):
        raise AzError(f"the following arguments are required: {', '.join(lacking)}", status=USAGE_ERROR)
    return Asked(command=command, options=options)


def _options(words: Sequence[str], spec: Spec) -> dict[str, list[str]]:
    known = {**_GLOBAL, **spec.options}
    long = {short: name for name, short in known.items() if short}
    found: dict[str, list[str]] = {}
    name = ""
    for word in words:
        if word.startswith("-") and (word in known or word in long or not name or not _takes_more(name, found, spec)):
            name = long.get(word, word)
            if name not in known:
                raise AzError(f"unrecognized arguments: {word}", status=USAGE_ERROR)
            found[name] = []
        elif name and _takes_more(name, found, spec):
            found[name].append(word)
        else:
            raise AzError(f"unrecognized arguments: {word}", status=USAGE_ERROR)
    for option, values in found.items():
        if not values and option not in {*spec.flags, "--only-show-errors"}:
            raise AzError(f"argument {option}: expected one argument", status=USAGE_ERROR)
    return found


def _takes_more(name: str, found: Mapping[str, Sequence[str]], spec: Spec) -> bool:
    if name in spec.flags or name == "--only-show-errors":
        return False
    return name in spec.many or not found[name]


def printed(answer: object, asked: Asked) -> str:
    """Print an answer as az does with --query and --output."""
    query = asked.one("--query")
    shown: Any = jmespath.search(query, answer) if query else answer  # pyright: ignore[reportUnknownMemberType] - untyped
    match asked.one("--output", "json"):
        case "none":
            return ""
        case "tsv":
            return _tsv(shown)
        case "json":
            return "" if shown is None else json.dumps(shown, indent=2) + "\n"
        case other:
            raise AzError(f"argument --output/-o: invalid choice: '{other}'", status=USAGE_ERROR)


def _tsv(shown: object) -> str:
    """A list is a row each; a row that is a list itself has tabs between its cells; null is the word None in a list."""
    if shown is None:
        return ""
    rows = cast("list[object]", shown) if isinstance(shown, list) else [shown]
    return "".join(f"{_row(row)}\n" for row in rows)


def _row(row: object) -> str:
    return "\t".join(str(cell) for cell in cast("list[object]", row)) if isinstance(row, list) else str(row)
