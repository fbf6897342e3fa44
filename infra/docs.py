"""Writes the parts of the documentation that follow from declarations. `--check` only says whether they are current."""

import argparse
import re
import sys
from pathlib import Path
from typing import Final

from shared.settings import DEFAULTS, DESCRIPTIONS, REQUIRED, SCHEDULES

_README: Final = Path(__file__).resolve().parents[1] / "README.md"
_BLOCK: Final = re.compile(r"<!-- settings -->.*?(?=\n## )", re.DOTALL)


def settings_table() -> str:
    """Write the settings as a Markdown table, the required ones first, in the order of their descriptions."""
    rows = [_row(name) for name in DESCRIPTIONS if name in REQUIRED]
    rows += [_row(name) for name in DESCRIPTIONS if name not in REQUIRED]
    return "\n".join(["<!-- settings -->", "", "| setting | default | what it is |", "|---|---|---|", *rows, ""])


def _row(name: str) -> str:
    default = {**DEFAULTS, **SCHEDULES}.get(name, "")
    shown = "*required*" if name in REQUIRED else f"`{default}`" if default else ""
    return f"| `{name}` | {shown} | {DESCRIPTIONS[name]} |"


def current_readme(readme: str) -> str:
    """Give the README as it should be.

    Raises:
        ValueError: it has no place for the table.
    """
    if not _BLOCK.search(readme):
        raise ValueError("README.md has no <!-- settings --> block before a heading")
    return _BLOCK.sub(lambda _: settings_table(), readme)


def main() -> int:
    """Write the README anew, or check it: 1 when it isn't current."""
    parser = argparse.ArgumentParser(prog="python -m infra.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing")
    check: bool = parser.parse_args().check
    found = _README.read_text(encoding="utf-8")
    wanted = current_readme(found)
    if found == wanted:
        return 0
    if check:
        sys.stderr.write("README.md is not current: run `make docs`\n")
        return 1
    _README.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
