"""One module for each group of subcommands. To add one, write a module with `add_parser` and name it in MODULES.

`add_parser(subparsers)` adds the group's parsers, each with `set_defaults(run=…)`: a function of the parsed arguments
that gives the exit status. It raises CommandError for what the person at the terminal can put right.
"""

import argparse
from typing import Final

type Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # pyright: ignore[reportPrivateUsage] # noqa: SLF001 - argparse has no public name for it

MODULES: Final = ("match", "catalogue", "approvals", "cases", "owners", "switches")
"""In the order of the help text."""


class CommandError(Exception):
    """Something that the person at the terminal can put right; the text says how. Ends the command with 2."""
