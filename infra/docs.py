"""Writes the parts of the documentation that follow from declarations. `--check` only says whether they are current."""

import argparse
import re
import sys
from pathlib import Path
from typing import Any, Final

from infra import emergency_page, guides_page, infrastructure_page, openapi, posture_page, remediations_page
from infra.checks.building import kept
from infra.checks.declared import declared
from infra.checks.snapshots import read
from infra.detections_page import page
from responders.catalogue import CATALOGUE
from shared.detect.kusto.compile import document, why_no_query
from shared.model.app_settings import SETTINGS, Setting

_ROOT: Final = Path(__file__).resolve().parents[1]
_README: Final = _ROOT / "README.md"
_DETECTIONS: Final = _ROOT / "docs" / "detections.md"
_QUERIES: Final = _ROOT / "docs" / "kql"
_BLOCK: Final = re.compile(r"<!-- settings -->.*?(?=\n## )", re.DOTALL)


def settings_table() -> str:
    """Write the settings as a Markdown table, the required ones first, in the order of their declarations."""
    rows = [_row(setting) for setting in sorted(SETTINGS, key=lambda one: not one.required_as)]
    return "\n".join(["<!-- settings -->", "", "| setting | default | what it is |", "|---|---|---|", *rows, ""])


def _row(setting: Setting[Any]) -> str:
    shown = "*required*" if setting.required_as else f"`{setting.default}`" if setting.default else ""
    needed = f" Needed with `{setting.required_with.name}`." if setting.required_with else ""
    vault = " A secret: deployed as a Key Vault reference." if setting.from_vault else ""
    return f"| `{setting.name}` | {shown} | {setting.description}{needed}{vault} |"


def current_readme(readme: str) -> str:
    """Give the README as it should be.

    Raises:
        ValueError: it has no place for the table.
    """
    if not _BLOCK.search(readme):
        raise ValueError("README.md has no <!-- settings --> block before a heading")
    return _BLOCK.sub(lambda _: settings_table(), readme)


def wanted_files() -> dict[Path, str]:
    """Give every file that is generated, in whole or in part, as it should be."""
    asked = [detection for detection in CATALOGUE if not why_no_query(detection)]
    queries = {_QUERIES / f"{detection.id}.kql": document(detection) for detection in asked}
    readme = current_readme(_README.read_text(encoding="utf-8"))
    emergency = emergency_page.current(emergency_page.PAGE.read_text(encoding="utf-8"))
    pages = {
        _DETECTIONS: page(),
        remediations_page.PAGE: remediations_page.page(),
        posture_page.PAGE: posture_page.page(),
        guides_page.PAGE: guides_page.page(),
        infrastructure_page.PAGE: _infrastructure(),
        emergency_page.PAGE: emergency,
        openapi.PAGE: openapi.page(),
    }
    return {_README: readme, **pages, **queries}


def _infrastructure() -> str:
    """Draw what is committed of the compiler's output: `python -m infra.checks` says whether that is current."""
    committed = kept(_ROOT)
    return infrastructure_page.page(read(_ROOT, committed.template, committed.snapshots, declared()))


def main() -> int:
    """Write what isn't current anew, or name it: 1 when there was something to name."""
    parser = argparse.ArgumentParser(prog="python -m infra.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing")
    check: bool = parser.parse_args().check
    wanted = wanted_files()
    outdated = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    orphans = [path for path in _QUERIES.glob("*.kql") if path not in wanted]
    if check:
        for path in (*outdated, *orphans):
            sys.stderr.write(f"{path.relative_to(_ROOT)} is not current: run `make docs`\n")
        return 1 if outdated or orphans else 0
    _QUERIES.mkdir(parents=True, exist_ok=True)
    for path in outdated:
        path.write_text(wanted[path], encoding="utf-8")
    for path in orphans:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
