"""`responder kql`: the detections as Kusto queries for Log Analytics and Sentinel."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from responders.commands import Subparsers
from responders.commands.connection import CommandError, unknown
from responders.commands.profile import add_rosters_option, profile_for
from responders.sigma_rules import catalogue_of
from shared.detect.kusto.compile import document
from shared.model.detections import AnyDetection
from shared.model.profile import TenantProfile

_HELP = """\
Each query finds in AuditLogs, in SigninLogs and AADNonInteractiveUserSignInLogs, or in AzureActivity what the detection
matches, over the time that is chosen where it is run. Approvals aren't asked: what approved actors did is found too.
What differs by tenant is read from the environment (VOCABULARY, EMERGENCY_ACCOUNT_IDS, B2C_TENANT_ID)."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "kql",
        help="write the detections as Kusto queries",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("ids", nargs="*", metavar="ID", help="a detection's id (default: every detection)")
    parser.add_argument("--out", metavar="DIR", help="write a file for each into this folder instead, named ID.kql")
    add_rosters_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    ids: list[str] = arguments.ids
    known = {detection.id: detection for detection in catalogue_of(os.environ)}
    detections = [_detection(known, name) for name in ids or known]
    profile = profile_for(arguments)
    if arguments.out:
        return _write(detections, Path(arguments.out), profile)
    sys.stdout.write("\n".join(document(detection, profile) for detection in detections))
    return 0


def _detection(known: Mapping[str, AnyDetection], name: str) -> AnyDetection:
    if name not in known:
        raise unknown("detection", name, known, listed_by="responder catalogue")
    return known[name]


def _write(detections: Sequence[AnyDetection], folder: Path, profile: TenantProfile) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for detection in detections:
            (folder / f"{detection.id}.kql").write_text(document(detection, profile), encoding="utf-8")
    except OSError as error:
        raise CommandError(f"the queries can't be written to {folder}: {error.strerror}") from error
    print(f"queries written to {folder}: {len(detections)}")
    return 0
