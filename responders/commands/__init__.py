"""One module for each group of subcommands. To add one, write a module with `add_parser` and list it in COMMANDS.

`add_parser(subparsers)` adds the group's parsers, each with `set_defaults(run=…)`: a function of the parsed arguments
that gives the exit status. It raises `connection.CommandError` for what the person at the terminal can put right.
"""

import argparse
from collections.abc import Mapping
from typing import Final

type Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # pyright: ignore[reportPrivateUsage] # noqa: SLF001 - argparse has no public name for it

COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "match": ("match",),
    "backtest": ("backtest",),
    "catalogue": ("catalogue",),
    "kql": ("kql",),
    "sigma": ("sigma",),
    "approvals": ("approve", "revoke", "approvals"),
    "cases": ("cases",),
    "remarks": ("acknowledge", "take-back", "note", "classify"),
    "baseline": ("baseline", "settle", "leave"),
    "history": ("history", "diff"),
    "acts": ("undo", "accept", "deny", "put-back", "restore"),
    "contain": ("contain", "release", "keep", "restraints"),
    "owners": ("owner", "owners"),
    "lists": ("lists",),
    "roster": ("roster",),
    "redirects": ("redirects",),
    "controls": ("mode", "stop", "start"),
    "journal": ("journal",),
    "evidence": ("evidence",),
    "permissions": ("permissions",),
    "operator": ("operator",),
    "emergency": ("emergency",),
    "doctor": ("doctor",),
    "status": ("status",),
    "posture": ("posture",),
    "suggest": ("profile",),
    "completion": ("completion",),
    "trying": ("try",),
}
"""Each module and its commands, in the order of the help text. What is run imports its own module only."""
