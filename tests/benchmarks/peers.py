"""`make bench-peers`: matching here against zargunlite, the fastest program of its kind that runs as many rules.

Both get the same records. For each detection zargunlite has a rule that asks for its activities or error codes and for
one account, so that few are found: our own also look at who did it, to whom, and what changed. It gets all records at
once, which suits it best.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final

import msgspec

from responders.catalogue import CATALOGUE
from responders.detections.samples import BREAK_GLASS, TENANT
from shared.detect.conditions import required
from shared.detect.matcher import INDEXED_BY, Matcher
from shared.model.events import Log
from shared.normalize import read_batch
from tests.benchmarks import match_rate, sign_in_rate

_RUNS: Final = 3
_COLUMNS: Final[Mapping[Log, str]] = {Log.AUDIT: "activityDisplayName", Log.SIGN_IN: "errorCode"}
_ABOUT_ONE: Final[Mapping[Log, str]] = {
    Log.AUDIT: f"targetResources LIKE '%{BREAK_GLASS}%'",
    Log.SIGN_IN: f"userId = '{BREAK_GLASS}'",
}


class _Zargunlite:
    """The other program with its rules; it is installed beside this one, so its types aren't known here."""

    def __init__(self, log: Log) -> None:
        self._core: Any = import_module("zargunlite.core")
        self._preprocess: Any = import_module("zargunlite.preprocess")
        model: Any = import_module("zargunlite.model")
        self.rules: list[Any] = [
            model.ZircoliteRule(title=one.title, id=one.id, rule=[_query(log, names)])
            for one in CATALOGUE
            if one.log is log and (names := required(one.when, INDEXED_BY[log]))
        ]

    def find(self, pages: Sequence[bytes]) -> int:
        """Read the pages, and count what meets a rule."""
        records = [record for page in pages for record in msgspec.json.decode(page)["value"]]
        rows = [self._preprocess.mapping_field(self._preprocess.flatten_json(record)) for record in records]
        with self._core.ZargunCore() as core:
            core.load_data(rows)
            return sum(core.execute_zircolite_rule(rule).count for rule in self.rules)


def _query(log: Log, names: frozenset[str]) -> str:
    listed = ", ".join("'{}'".format(name.replace("'", "''")) for name in sorted(names))
    return f"SELECT * FROM logs WHERE {_COLUMNS[log]} IN ({listed}) AND {_ABOUT_ONE[log]}"  # noqa: S608 - of our own names, in memory


def _ours(matcher: Matcher, pages: Sequence[bytes]) -> int:
    return sum(
        len(matcher.matches(reading.event))
        for page in pages
        for reading in read_batch(page, tenant_id=TENANT, interest=matcher.interest)
        if reading.event is not None
    )


def _seconds(run: Callable[[], int]) -> float:
    """Give the least of the processor's seconds that a run takes; it has to find something."""
    taken: list[float] = []
    for _ in range(_RUNS):
        started = time.thread_time()
        if not run():
            raise AssertionError("nothing was found: the figure would mean nothing")
        taken.append(time.thread_time() - started)
    return min(taken)


def _compared(log: Log, pages: Sequence[bytes]) -> dict[str, float]:
    matcher, other = Matcher(CATALOGUE, match_rate.PROFILE), _Zargunlite(log)
    ours, theirs = _seconds(lambda: _ours(matcher, pages)), _seconds(lambda: other.find(pages))
    return {
        "records_per_s": round(match_rate.RECORDS / ours),
        "zargunlite_per_s": round(match_rate.RECORDS / theirs),
        "rules": len(other.rules),
        "times_as_fast": round(theirs / ours, 1),
    }


def main() -> int:
    """Compare, and print one JSON object."""
    pages = {Log.AUDIT: match_rate.mixed_pages(), Log.SIGN_IN: sign_in_rate.pages()}
    sys.stdout.write(json.dumps({log: _compared(log, of_log) for log, of_log in pages.items()}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
