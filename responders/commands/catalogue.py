"""`responder catalogue`: every detection there is."""

import argparse
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Final

import msgspec

from responders.commands import Subparsers
from responders.commands.profile import profile_of_environment
from responders.commands.tables import Format, add_output_option, is_json, print_list
from responders.sigma_rules import catalogue_of
from shared.detect.aggregation.describe import raises_case_when
from shared.model.detections import AnyDetection
from shared.model.profile import TenantProfile
from shared.respond.deciding import strongest_decision

_GAP: Final = "  "
_WIDE: Final = 132
_NARROWEST_TITLE: Final = 14


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "catalogue",
        help="list the detections",
        description="List every detection: what it finds, its risk and what is done if the actor isn't approved.",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="as a JSON list, with all that is declared",
    )
    add_output_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if is_json(arguments):
        profile = profile_of_environment()
        entries = [_described(detection, profile) for detection in catalogue_of(os.environ)]
        sys.stdout.write(json.dumps(entries, indent=2, ensure_ascii=False) + "\n")
    elif arguments.output == Format.TSV:
        print_list(arguments, _NAMES, [_row(one) for one in catalogue_of(os.environ)], none="no detections")
    else:
        sys.stdout.write(_table(catalogue_of(os.environ), shutil.get_terminal_size().columns))
    return 0


def _described(detection: AnyDetection, profile: TenantProfile) -> dict[str, object]:
    return {
        "id": detection.id,
        "seed_row": detection.seed_row,
        "title": detection.title,
        "why": detection.why,
        "risk": detection.risk,
        "log": detection.log,
        "speaks": raises_case_when(detection, profile),
        "answer": strongest_decision(detection),
        "remediation": detection.remediation.id if detection.remediation else None,
        "approval_list": detection.unless_actor_in,
        "needs": list(detection.needs),
        "deviates": detection.deviates,
        "techniques": [{"id": one.id, "name": one.name} for one in detection.techniques],
        "reference": detection.reference,
        "also": list(detection.also),
        "vocabulary": _profile_values(detection, profile),
    }


def _profile_values(detection: AnyDetection, profile: TenantProfile) -> dict[str, object]:
    """Give the values of the tenant profile that the detection uses."""
    return {
        name: msgspec.to_builtins(getattr(profile, name), order="deterministic")
        for name in detection.required_profile_keys
    }


_NAMES: Final = ("detection", "risk", "answer", "title")


def _row(detection: AnyDetection) -> list[str]:
    return [detection.id, detection.risk, strongest_decision(detection), detection.title]


def _table(detections: Sequence[AnyDetection], width: int) -> str:
    """Lay the detections out: titles wrap in what width is left, a narrow terminal does without the guide's rows."""
    names: list[str] = list(_NAMES)
    rows = [_row(detection) for detection in detections]
    if width >= _WIDE:
        names.insert(1, "row of the guide")
        rows = [[row[0], one.seed_row, *row[1:]] for row, one in zip(rows, detections, strict=True)]
    widths = [max(len(row[place]) for row in [names, *rows]) for place in range(len(names) - 1)]
    widths.append(max(_NARROWEST_TITLE, width - sum(widths) - len(_GAP) * len(widths)))
    ruler = ["-" * width for width in widths]
    return "".join(line for row in [names, ruler, *rows] for line in _lines(row, widths))


def _lines(row: list[str], widths: list[int]) -> list[str]:
    """Write one row, on as many lines as its title needs."""
    titles = textwrap.wrap(row[-1], widths[-1])
    first = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
    margin = " " * (sum(widths[:-1]) + len(_GAP) * len(first))
    return [_GAP.join([*first, titles[0]]).rstrip() + "\n", *(f"{margin}{title}\n" for title in titles[1:])]
