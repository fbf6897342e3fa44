"""`responder match`: which records of a file the detections match, without a tenant."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final, cast

import msgspec

from responders.commands import Subparsers
from responders.commands.connection import environment_from
from responders.commands.profile import add_rosters_option, add_tenant_option, profile_for, tenant_for
from responders.commands.records import not_judged_in_words
from responders.commands.tables import Format, print_list
from responders.sigma_rules import catalogue_of
from shared.detect.aggregation.describe import raises_case_when
from shared.detect.matcher import Matcher
from shared.model.detections import AnyDetection
from shared.model.events import Event
from shared.normalize import Reading, read_batch, read_stream
from shared.normalize.portal_csv import csv_as_json

_CHUNK: Final = 1 << 20
_HELD_WHOLE: Final = 1 << 24
"""A text up to this long is decoded in one go, which is faster. Longer ones take no more memory than it."""

_ENOUGH_THAT_IS_NOT_JSON: Final = 1000

_HELP: Final = """\
Each match is one line of JSON on standard output: the record's place in its file (from 0), the detection, the actor,
the target and what changed; "speaks" where it takes more than this record for a case. A record that can't be read is a
line with the reason. Totals go to standard error.

Read are audit, sign-in and activity records as Microsoft Graph, diagnostic settings, Log Analytics, Event Grid and the
Azure Activity Log give them, in a JSON list, a page, what a query answers, or one a line. The shape is found out record
by record. Records of a category that no detection judges, such as RiskyUsers, are counted apart.

Read are also the CSV files of the audit log and the sign-in logs that the portal downloads, in English. Of a record
they hold at most three targets, and five properties of each: what is beyond that isn't found.

The exit status is 0, or 2 when a file couldn't be read at all."""


class _NotReadable(Exception):
    """A file that holds nothing to match; the text says why."""


class _Totals:
    """The figures of the last line."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.records = 0
        self.matches = 0
        self.unreadable = 0
        self.not_judged = Counter[str]()

    def __str__(self) -> str:
        seconds = time.perf_counter() - self.started
        return (
            f"records read: {self.records}, matches: {self.matches}, unreadable: {self.unreadable}, "
            f"seconds: {seconds:.2f}{not_judged_in_words(self.not_judged)}"
        )


class _Written:
    """The lines, as -o says: each at once, or all of them at the end."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._is_at_once = arguments.output not in set(Format)
        self._lines: list[dict[str, object]] = []

    def add(self, line: dict[str, object]) -> None:
        if self._is_at_once:
            sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
        else:
            self._lines.append(line)

    def end(self) -> None:
        if not self._is_at_once:
            rows = [_row(line) for line in self._lines]
            print_list(self._arguments, _COLUMNS, rows, none="nothing matches", whole=self._lines)
        sys.stdout.flush()


_COLUMNS: Final = ("detection", "record", "risk", "actor", "target")


def _row(line: Mapping[str, object]) -> tuple[str, ...]:
    """Give a match, or a record that can't be read, as a row of a table."""
    if "unreadable" in line:
        return "can't be read", f"{line['record']}", "", "", f"{line['unreadable']}"
    actor, target = (cast("Mapping[str, str]", line[each]) for each in ("actor", "target"))
    names = (actor["name"] or actor["id"], target["name"] or target["id"])
    return str(line["detection"]), f"{line['record']}", str(line["risk"]), *names


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "match",
        help="say which records of a file the detections match",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a file of records, or - for standard input")
    add_rosters_option(parser)
    add_tenant_option(parser)
    lines = "jsonl"
    parser.add_argument(
        "-o",
        "--output",
        choices=(lines, Format.JSON.value, Format.TABLE.value),
        default=lines,
        metavar=f"{lines}|json|table",
        help="one JSON object a line, as each is found (the default), all of it as a JSON list, or a table",
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    files: list[str] = arguments.files
    catalogue, profile = catalogue_of(environment_from(arguments)), profile_for(arguments)
    tenant_id = tenant_for(arguments)
    matcher = Matcher(catalogue, profile)
    case_when = {one.id: raises_case_when(one, profile) for one in catalogue}
    totals = _Totals()
    written = _Written(arguments)
    status = 0
    for name in files:
        label = {"file": name} if len(files) > 1 else {}
        try:
            for line in _lines_of(name, matcher, case_when, totals, tenant_id=tenant_id):
                written.add(label | line)
        except (_NotReadable, OSError) as error:
            if isinstance(error, BrokenPipeError):
                raise
            sys.stdout.flush()
            sys.stderr.write(f"responder: {name}: {getattr(error, 'strerror', None) or error}\n")
            status = 2
    written.end()
    sys.stderr.write(f"responder: {totals}\n")
    return status


def _lines_of(
    name: str, matcher: Matcher, case_when: Mapping[str, str], totals: _Totals, *, tenant_id: str
) -> Iterator[dict[str, object]]:
    """Give a line for each match and each record that can't be read; a file without any JSON is one error."""
    with _opened(name) as file:
        for reading in _with_json(_readings(file, matcher, tenant_id)):
            totals.records += reading.records
            if reading.not_judged:
                totals.not_judged[reading.not_judged] += 1
            if reading.unreadable:
                totals.unreadable += 1
                yield {"record": reading.index, "unreadable": reading.unreadable}
            elif reading.event is not None:
                for detection in matcher.matches(reading.event):
                    totals.matches += 1
                    yield _match(reading.index, reading.event, detection, case_when[detection.id])


def _opened(name: str) -> BinaryIO:
    """Open a file, or standard input, which stays open: it isn't ours to close."""
    return open(sys.stdin.fileno(), "rb", closefd=False) if name == "-" else Path(name).open("rb")


def _readings(file: BinaryIO, matcher: Matcher, tenant_id: str) -> Iterator[Reading]:
    chunks = csv_as_json(iter(lambda: file.read(_CHUNK), b""))
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size > _HELD_WHOLE:
            return read_stream(chain(held, chunks), tenant_id=tenant_id, interest=matcher.interest)
    return read_batch(b"".join(held), tenant_id=tenant_id, interest=matcher.interest)


def _with_json(readings: Iterable[Reading]) -> Iterator[Reading]:
    """Give the readings once one of them is JSON.

    Raises:
        _NotReadable: none is.
    """
    before: list[Reading] = []
    remaining = iter(readings)
    for reading in remaining:
        before.append(msgspec.structs.replace(reading, text=msgspec.Raw(b"")))
        if reading.is_json:
            before[-1] = reading
            yield from before
            yield from remaining
            return
        if len(before) == _ENOUGH_THAT_IS_NOT_JSON:
            break
    if before:
        raise _NotReadable(
            "there are no JSON records in it; they are read from a list, a page, or one a line, in UTF-8, or from the"
            " CSV files that the portal downloads in English"
        )


def _match(index: int, event: Event, detection: AnyDetection, case_when: str) -> dict[str, object]:
    actor, target = event.actor, event.target
    line: dict[str, object] = {
        "record": index,
        "id": event.id,
        "detection": detection.id,
        "seed_row": detection.seed_row,
        "risk": detection.risk,
        "actor": {"id": actor.id, "name": actor.name, "kind": actor.kind},
        "target": {"id": target.id, "name": target.name, "kind": target.kind},
        "changes": target.changes,
    }
    return line | ({"speaks": case_when} if case_when else {})
