"""`responder sigma`: what becomes of Sigma rules, before they run as detections."""

import argparse
import json
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Final

from responders.commands import Subparsers
from responders.commands.connection import CommandError
from responders.commands.profile import profile_of_environment
from responders.commands.tables import escaped, print_table
from responders.sigma_rules import rules_in
from shared.detect.kusto.compile import document
from shared.detect.sigma.loaded import Loaded

_MARGIN: Final = "    "
_HELP: Final = """\
Reads a Sigma rule, or every one in a folder, and says what it became: a detection with its log and risk, or why it is
none. A rule is loaded only if it means here exactly what its authors wrote. It has to be of product azure, service
auditlogs, signinlogs or activitylogs, and about single records.

With setting SIGMA_RULES a folder's rules run as detections: each observes until `responder mode ID page`. They page
whoever did it, and never put anything back. `SIGMA_RULES=FOLDER responder match FILE` tries them on exported logs.

The exit status is 0, or 1 when no rule is loaded or a file couldn't be read at all."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "sigma",
        help="say what becomes of Sigma rules",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", metavar="FILE|FOLDER", help="a rule, or a folder of them")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as one JSON object")
    form.add_argument("--kql", action="store_true", help="the query of each that is loaded; the rest on standard error")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if not Path(arguments.path).exists():
        raise CommandError(f"there is no file or folder {arguments.path}")
    rules = rules_in(arguments.path)
    if arguments.json:
        sys.stdout.write(json.dumps(_described(rules), indent=2, ensure_ascii=False) + "\n")
    elif arguments.kql:
        _write_queries(rules)
    else:
        _print_tables(rules)
    return 0 if rules.detections and not any(problem.is_unreadable for problem in rules.problems) else 1


def _described(rules: Loaded) -> dict[str, object]:
    loaded = zip(rules.detections, rules.files, strict=True)
    return {
        "loaded": [
            {"id": one.id, "file": file, "title": one.title, "log": one.log, "risk": one.risk, "answer": one.answer}
            for one, file in loaded
        ],
        "not_loaded": [
            {"file": problem.file, "title": problem.title, "because": problem.because} for problem in rules.problems
        ],
    }


def _write_queries(rules: Loaded) -> None:
    profile = profile_of_environment()
    sys.stdout.write("\n".join(document(detection, profile) for detection in rules.detections))
    sys.stdout.flush()
    for problem in rules.problems:
        sys.stderr.write(f"responder: not loaded: {problem}\n")


def _print_tables(rules: Loaded) -> None:
    rows = [(one.id, one.log, one.risk, one.answer, one.title) for one in rules.detections]
    print_table(("detection", "log", "risk", "answer", "title"), rows, none="no rule is loaded")
    if rules.problems:
        print("\nnot loaded:")
    width = shutil.get_terminal_size().columns
    for problem in rules.problems:
        print(escaped(problem.file) + (f" ({escaped(problem.title)})" if problem.title else ""))
        print(textwrap.fill(escaped(problem.because), width, initial_indent=_MARGIN, subsequent_indent=_MARGIN))
    print(f"\nloaded: {len(rules.detections)}, not loaded: {len(rules.problems)}")
