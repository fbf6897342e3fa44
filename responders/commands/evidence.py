"""`responder evidence verify`: whether an emergency's evidence is still as it was kept."""

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from responders.commands.connection import (
    CommandError,
    add_settings_option,
    environment_from,
    move_to_the_app,
    values_from,
)
from responders.commands.tables import add_report_option, escaped, escaped_json, is_json
from responders.commands.waiting import waiting_for
from shared.clients.storage import EVIDENCE_PREFIX, Storage
from shared.emergency.manifest import ENTRIES, FolderFiles, KeptFiles, StoredFiles, Verified, verify

if TYPE_CHECKING:
    from responders.commands import Subparsers

_SPOILT: Final = 1
_EMERGENCY: Final = re.compile(r"[0-9A-Za-z-]{6,64}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)


def add_parser(subparsers: "Subparsers") -> None:
    """Add the command."""
    parser = subparsers.add_parser("evidence", help="check the evidence of an emergency")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    check = actions.add_parser(
        "verify",
        help="compare each file with the manifest, and that with itself; ends with 1 where anything was changed",
        description="Finds a changed byte, a missing file, and a manifest that was reordered or cut off.",
    )
    check.add_argument(
        "place",
        metavar="FOLDER_OR_EMERGENCY",
        help="a folder with a copy of the evidence, or the id of an emergency, whose evidence is read from storage",
    )
    check.add_argument(
        "--head",
        default="",
        metavar="DIGEST",
        help="SHA-256 of the manifest's last entry, as the emergency or its report shows it: without it, a manifest"
        " that was made anew as a whole isn't noticed",
    )
    add_report_option(check)
    add_settings_option(check)
    check.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    head = str(arguments.head)
    if head and not _DIGEST.fullmatch(head):
        raise CommandError(f"--head is {head!r}: it should be a SHA-256, 64 hexadecimal digits")
    with waiting_for("comparing the files with the manifest"):
        found = verify(_kept(arguments), head=head)
    if is_json(arguments):
        print(escaped_json(msgspec.json.encode(found).decode()))
    else:
        _print(found, head)
    return _SPOILT if found.problems else 0


def _kept(arguments: argparse.Namespace) -> KeptFiles:
    place = str(arguments.place)
    folder = Path(place)
    if folder.is_dir():
        return FolderFiles(_with_manifest(folder))
    if not _EMERGENCY.fullmatch(place):
        raise CommandError(f"{place!r} is neither a folder nor the id of an emergency")
    move_to_the_app(values_from(arguments))
    environment = environment_from(arguments)
    if not any(name.startswith(("AzureWebJobsStorage", EVIDENCE_PREFIX)) for name in environment):
        raise CommandError(
            "no storage account is set: set EvidenceStorage__accountName or AzureWebJobsStorage,"
            " or pass --settings FILE"
        )
    return StoredFiles(Storage(environment, prefix=EVIDENCE_PREFIX), place)


def _with_manifest(folder: Path) -> Path:
    """Give the folder that the manifest lies in: this one, or the only one below it, as a copy of the container has."""
    found = sorted(path.parent for path in folder.rglob(ENTRIES.rstrip("/")) if path.is_dir())
    if len(found) > 1:
        names = ", ".join(str(path) for path in found)
        raise CommandError(f"there are several emergencies' manifests below {folder}: name one of {names}")
    return found[0] if found else folder


def _print(found: Verified, head: str) -> None:
    print(f"{found.entries:,} manifest entries, {found.files:,} files, {found.records:,} records")
    print(f"head: {found.head or 'none'}")
    for gap in found.gaps:
        print(f"? not read: {escaped(gap)}")
    for problem in found.problems:
        print(f"! {escaped(problem)}")
    if found.problems:
        print("The evidence is not as it was kept.")
    elif head:
        print("The evidence is as it was kept.")
    else:
        print("Each file is as the manifest says. Whether it is the manifest that was written shows only with --head.")
