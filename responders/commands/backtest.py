"""`responder backtest`: what the detections would have done over exported logs, before anything is switched on."""

import argparse
import csv
import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from responders.backtest.aggregation import Aggregation
from responders.backtest.report import FileApprovals, Report
from responders.catalogue import CATALOGUE
from responders.commands import Subparsers
from responders.commands.backtest_report import as_json, as_text
from responders.commands.connection import CommandError
from responders.commands.profile import add_rosters_option, add_tenant_option, profile_for, tenant_for
from responders.commands.tables import add_report_option, is_json
from shared.detect.matcher import Matcher
from shared.model.clock import utc_now
from shared.normalize import read_stream
from shared.normalize.portal_csv import csv_as_json

_CHUNK: Final = 1 << 20
_BAR: Final = 40
_APPROVED_FOR: Final = timedelta(days=180)

_HELP: Final = """\
Reads exported audit, sign-in and activity logs, in any shape that `responder match` reads, and says what each detection
would have done in mode enforce if no guard had objected: counts by detection, standing of the actor and decision, the
noisiest actors, and what to do about each before the detection is switched on. Files may be of any size. Detections
that raise a case only at a threshold, or only after another record, read all the files as one log.

--approvals takes rows of the table ApprovedActors, as JSON or CSV: PartitionKey (the list), RowKey (the object id, and
the instant after "|"), kind, name, valid_from, valid_until, ticket, approved_by, targets, hours, revoked_at. The last
row of each actor counts, for the whole period. Without it nobody's standing is known."""


class Progress:
    """How much has been read, as a bar on standard error when that is a terminal; each percent is drawn once."""

    def __init__(self, total: int) -> None:
        self._total = total if sys.stderr.isatty() else 0
        self._read = 0
        self._drawn = -1

    def chunks(self, file: BinaryIO) -> Iterator[bytes]:
        """Read a file in pieces."""
        while chunk := file.read(_CHUNK):
            self._read += len(chunk)
            self._draw()
            yield chunk

    def done(self) -> None:
        """Take the bar away."""
        if self._drawn >= 0:
            sys.stderr.write("\r\x1b[K")

    def _draw(self) -> None:
        percent = min(100, 100 * self._read // self._total) if self._total else -1
        if percent > self._drawn:
            self._drawn = percent
            bar = ("#" * (percent * _BAR // 100)).ljust(_BAR, ".")
            sys.stderr.write(f"\r[{bar}] {percent:3} %")
            sys.stderr.flush()


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "backtest",
        help="say what the detections would have done over exported logs",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a file of records, or - for standard input")
    parser.add_argument("--approvals", metavar="FILE", help="who is approved, as JSON or CSV")
    add_report_option(parser)
    add_rosters_option(parser)
    add_tenant_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    approvals = _approvals(arguments.approvals) if arguments.approvals else None
    profile = profile_for(arguments)
    report = Report(approvals, profile=profile)
    aggregation = Aggregation(profile, report.add)
    _read_all(arguments.files, report, aggregation, Matcher(CATALOGUE, profile), tenant_id=tenant_for(arguments))
    aggregation.finish()
    until = (utc_now() + _APPROVED_FOR).date()
    text = as_json(report, until) if is_json(arguments) else as_text(report, until, shutil.get_terminal_size().columns)
    sys.stdout.write(text)
    return 0


def _read_all(names: list[str], report: Report, aggregation: Aggregation, matcher: Matcher, *, tenant_id: str) -> None:
    progress = Progress(sum(size_of(name) for name in names))
    try:
        for name in names:
            with opened(name) as file:
                _read(name, progress.chunks(file), matcher, aggregation, report, tenant_id=tenant_id)
    finally:
        progress.done()


def _read(
    name: str, chunks: Iterable[bytes], matcher: Matcher, aggregation: Aggregation, report: Report, *, tenant_id: str
) -> None:
    """Match the records of a file, and count in the report how many there were, and how many can't be read."""
    records = json_records = 0
    for reading in read_stream(csv_as_json(chunks), tenant_id=tenant_id, interest=matcher.interest):
        records += reading.records
        report.unreadable += bool(reading.unreadable)
        report.not_judged.update([reading.not_judged] if reading.not_judged else [])
        json_records += reading.is_json
        if reading.event is not None:
            for detection in matcher.matches(reading.event):
                aggregation.match(detection, reading.event)
            for detection in matcher.matches_step_a(reading.event):
                aggregation.match_step_a(detection, reading.event)
    if records and not json_records:
        raise CommandError(
            f"{name}: there are no JSON records in it; they are read from a list, a page, or one a line, or from the"
            " CSV files that the portal downloads in English"
        )
    report.records += records


def size_of(name: str) -> int:
    """Give a file's size, 0 for standard input. Raises CommandError where there is no such file."""
    try:
        return 0 if name == "-" else Path(name).stat().st_size
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}") from error


def opened(name: str) -> BinaryIO:
    """Open a file, or standard input, which stays open: it isn't ours to close. Raises CommandError as `size_of`."""
    try:
        return open(sys.stdin.fileno(), "rb", closefd=False) if name == "-" else Path(name).open("rb")
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}") from error


def _approvals(name: str) -> FileApprovals:
    try:
        text = Path(name).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CommandError(f"the approvals in {name} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"the approvals in {name} can't be read: the file should be JSON or CSV in UTF-8") from error
    rows = _json_rows(name, text) if text.lstrip().startswith(("[", "{")) else list(csv.DictReader(text.splitlines()))
    clean = [_columns(name, place, row) for place, row in enumerate(rows, start=1)]
    approvals = FileApprovals(clean)
    for approval_list, actor_id, because in approvals.malformed:
        sys.stderr.write(
            f"responder: {name}: the row for {actor_id} on {approval_list} counts for nothing: {because}\n"
        )
    return approvals


def _json_rows(name: str, text: str) -> list[Any]:
    """Give the rows of a list, or of what `az storage entity query` prints: {"items": [...]}."""
    try:
        read = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"the approvals in {name} are not JSON: {error}") from error
    if isinstance(read, dict):
        members = cast("dict[str, Any]", read)
        read = members.get("items", members.get("value"))
    if not isinstance(read, list):
        raise CommandError(f"the approvals in {name} should be a JSON list of rows")
    return cast("list[Any]", read)


def _columns(name: str, place: int, row: object) -> Mapping[str, object]:
    """Give a row's columns without empty ones and those of an export's own (Timestamp, etag, types)."""
    columns = cast("dict[str, object]", row) if isinstance(row, dict) else {}
    kept = {column: value for column, value in columns.items() if value not in (None, "")}
    if missing := [key for key in ("PartitionKey", "RowKey") if not isinstance(kept.get(key), str)]:
        raise CommandError(f"row {place} of {name} has no {' and no '.join(missing)}: rows are of table ApprovedActors")
    return kept
