"""`responder sigma`: what becomes of Sigma rules, before they run as detections."""

import argparse
import json
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from responders.commands import Subparsers
from responders.commands.connection import NotFound
from responders.commands.profile import profile_of_environment
from responders.commands.tables import Format, add_output_option, escaped, is_json, print_list
from responders.sigma_rules import rules_in
from shared.detect.kusto.compile import document
from shared.detect.sigma.loaded import Loaded, Problem

_MARGIN: Final = "    "
_HELP: Final = """\
Reads a Sigma rule, or every one in a folder, and says what it became: a detection with its log and risk, or why it is
none. A rule is loaded only if it means here exactly what its authors wrote. It has to be of product azure, service
auditlogs, signinlogs, activitylogs, pim (whose alerts the audit log tells) or riskdetection (what records of sign-ins
name). Correlations of the types event_count, value_count and temporal_ordered (of two rules) are counted and followed;
the rules that they name are no detections by themselves, unless they say generate.

Rules that are loaded and would never match are listed too, with the reason: no record has what they ask for.

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
    add_output_option(parser)
    form.add_argument("--kql", action="store_true", help="the query of each that is loaded; the rest on standard error")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if not Path(arguments.path).exists():
        raise NotFound(f"there is no file or folder {arguments.path}")
    rules = rules_in(arguments.path)
    if is_json(arguments):
        sys.stdout.write(json.dumps(_described(rules), indent=2, ensure_ascii=False) + "\n")
    elif arguments.kql:
        _write_queries(rules)
    else:
        _print_tables(arguments, rules)
    return 0 if rules.detections and not any(problem.is_unreadable for problem in rules.problems) else 1


def _described(rules: Loaded) -> dict[str, object]:
    loaded = zip(rules.detections, rules.files, strict=True)
    return {
        "loaded": [
            {"id": one.id, "file": file, "title": one.title, "log": one.log, "risk": one.risk, "answer": one.answer}
            for one, file in loaded
        ],
        "never_matching": [
            {"file": problem.file, "title": problem.title, "because": problem.because}
            for problem in rules.never_matching
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
    for problem in rules.never_matching:
        sys.stderr.write(f"responder: never matches: {problem}\n")


def _print_tables(arguments: argparse.Namespace, rules: Loaded) -> None:
    rows = [(one.id, one.log, one.risk, one.answer, one.title) for one in rules.detections]
    print_list(arguments, ("detection", "log", "risk", "answer", "title"), rows, none="no rule is loaded")
    if arguments.output == Format.TSV:
        return
    _print_problems("loaded, but they never match:", rules.never_matching)
    _print_problems("not loaded:", rules.problems)
    never = f" (of which {len(rules.never_matching)} never match)" if rules.never_matching else ""
    print(f"\nloaded: {len(rules.detections)}{never}, not loaded: {len(rules.problems)}")


def _print_problems(heading: str, problems: Sequence[Problem]) -> None:
    if problems:
        print(f"\n{heading}")
    width = shutil.get_terminal_size().columns
    for problem in problems:
        print(escaped(problem.file) + (f" ({escaped(problem.title)})" if problem.title else ""))
        print(textwrap.fill(escaped(problem.because), width, initial_indent=_MARGIN, subsequent_indent=_MARGIN))
