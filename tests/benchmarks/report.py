"""`docs/performance.md`: the figures of `make bench`, with what each means. `performance.json` is what was measured.

`python -m tests.benchmarks.report` writes the page anew from the file. A figure that nobody has explained is an error.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

DOCS: Final = Path(__file__).parents[2] / "docs"
FIGURES: Final = DOCS / "performance.json"
PAGE: Final = DOCS / "performance.md"

_TEN_TIMES: Final = "_for_ten_times_the_"
_WHOLE_FROM: Final = 1000
_CPUS: Final = Path("/proc/cpuinfo")

type Figures = Mapping[str, Mapping[str, float]]
"""What was measured, by the benchmark and the figure's name."""


class Figure(Struct, frozen=True):
    """What a figure means, and how it is to be at best or at least, "" where no more is wanted of it."""

    means: str
    aim: str = ""


class Section(Struct, frozen=True, kw_only=True):
    """A benchmark on the page: what is played, and its figures by name."""

    title: str
    about: str
    figures: Mapping[str, Figure]


SECTIONS: Final[Mapping[str, Section]] = {
    "import": Section(
        title="Start",
        about="A fresh process imports the app, and another one no more than Microsoft's library for functions.",
        figures={
            "app_ms": Figure("ms for `import function_app`"),
            "floor_ms": Figure("ms for `import azure.functions` alone"),
            "ratio": Figure("the first as a multiple of the second", "≤ 1.6"),
            "rss_mb": Figure("MB of memory at most", "≤ 60"),
        },
    ),
    "match": Section(
        title="Audit records",
        about="20,000 audit records on one core, decoded, read and matched with all detections. In turns the same"
        " bytes are only decoded, into types.",
        figures={
            "records_per_s": Figure("records a second, matched"),
            "decode_per_s": Figure("records a second, only decoded"),
            "ratio": Figure("the first as a part of the second", "≥ 0.75"),
            "time_with_1000_more": Figure("how many times as long it takes with 1,000 detections more"),
        },
    ),
    "sign-ins": Section(
        title="Sign-ins",
        about="The same for 20,000 sign-ins.",
        figures={
            "records_per_s": Figure("records a second, matched"),
            "decode_per_s": Figure("records a second, only decoded"),
            "ratio": Figure("the first as a part of the second", "≥ 0.75"),
        },
    ),
    "aggregation": Section(
        title="Threshold aggregation",
        about="A page of 1,000 sign-ins of customers, of which 65 fail, each of another account. Each is counted"
        " by its account, by its address and in all.",
        figures={
            "requests": Figure("requests to storage", "≤ 6"),
            "writes": Figure("of these, those that write"),
            "cpu_ms": Figure("ms of the processor for matching and counting the page"),
        },
    ),
    "remedy": Section(
        title="From an event to the call that puts it back",
        about="An unapproved actor takes a role, on the local stack: host, app, storage and tenant share the cores. The"
        " queue is looked into each 0.2 s while nothing comes, so its pick-up is most of the time; what the app"
        " takes is counted from the begin of its function. A bare client that knows what to do reads and deletes.",
        figures={
            "p50_ms": Figure("ms from the message in the queue until the tenant is called, median"),
            "p99_ms": Figure("the same, of 99 of 100"),
            "in_function_p50_ms": Figure("ms from the begin of the function until the call, median", "≤ 50"),
            "in_function_p99_ms": Figure("the same, of 99 of 100", "≤ 100"),
            "cpu_ms": Figure("ms of the processor that the app takes for all of it, also after the call"),
            "bare_p50_ms": Figure("ms that the bare client takes, median"),
            "bare_p99_ms": Figure("the same, of 99 of 100"),
            "ratio": Figure("the app's median, with the queue, as a multiple of the bare one"),
            "tenant_round_trips": Figure("requests to the tenant: read, look, write, proof", "4"),
            "storage_round_trips_before": Figure("requests to storage before the call"),
            "storage_rounds_before": Figure("how many of them wait for one another", "≤ 2"),
        },
    ),
    "burst": Section(
        title="Many changes at once",
        about="Two actors take 200 roles at once, each at a resource of its own, on the local stack. The tenant has no"
        " limits. `python -m tests.benchmarks.burst --changes 2000` plays more.",
        figures={
            "changes": Figure("changes"),
            "seconds": Figure("seconds from the first message until no role is left"),
            "answers_per_s": Figure("changes put back a second"),
            "app_cpu_ms_per_change": Figure("ms of the processor that the app takes for each"),
            "events_waiting_at_most": Figure("events that waited in the queue at most"),
            "own_messages_waiting_at_most": Figure("messages of the app's own that waited at most", "0"),
            "lost": Figure("changes whose case isn't closed as put back", "0"),
            "double": Figure("calls that put back what was put back already", "0"),
            "cases_too_many": Figure("cases beyond one for each change", "0"),
        },
    ),
    "conditional-access": Section(
        title="Judging conditional access",
        about="20 accounts are judged by 500 policies, on one core, as a guard does it before a put-back.",
        figures={
            "read_ms": Figure("ms to prepare the policies, median"),
            "judge_ms": Figure("ms for all verdicts, median"),
            "judge_least_ms": Figure("ms for all verdicts, at best"),
            "lockouts": Figure("lockouts found, on average: the same each time"),
        },
    ),
    "posture": Section(
        title="The daily look at the posture",
        about="A large tenant, read from memory: what it costs without the service's own time.",
        figures={
            "requests": Figure("requests to the tenant"),
            "of_reports": Figure("of these, of reports, which have a limit of their own"),
            "of_conditional_access": Figure("of these, of conditional access: one a second at most"),
            "read_seconds": Figure("seconds of the processor for reading"),
            "judge_seconds": Figure("seconds of the processor for judging"),
        },
    ),
    "backlog": Section(
        title="Catching up",
        about="Three days' backlog, 200,000 sign-ins and 20,000 audit records, at the service's pace.",
        figures={
            "records": Figure("records that were to be read"),
            "minutes": Figure("minutes until all were"),
            "requests": Figure("requests to the tenant"),
            "live_intervals": Figure("the longest that what is new waited, in intervals of the poll"),
            "missed": Figure("planted records that weren't found", "0"),
            "memory_mb_grown": Figure("MB by which memory grew"),
        },
    ),
    "forgeries": Section(
        title="Forged requests",
        about="Requests with forged signatures, as many as one process sends, on the local stack.",
        figures={
            "forgeries_per_second": Figure("refused a second, by this computer, which also makes them"),
            "app_cpu_ms_per_forgery": Figure("ms of the processor that the app takes for one"),
            "host_cpu_ms_per_forgery": Figure("ms that the host in place of Azure's takes for one"),
            "forging_cpu_ms_per_forgery": Figure("ms that making one takes"),
            "declaration_seconds": Figure("seconds that a signed declaration takes amid them"),
        },
    ),
}


def page(measured: Mapping[str, Any]) -> str:
    """Write the page. Raises KeyError for a figure that isn't explained."""
    computer = measured["computer"]
    measured_on = f"{computer['cores']} cores ({computer['processor']})"
    lines = [
        "# Performance",
        "",
        f"Measured by `make bench` on {measured_on}, which {computer['load']} processes wanted on average by the end.",
        "Ratios are what counts: both sides of each are measured in turns, on the same computer. This page is made of",
        "[performance.json](performance.json) by `python -m tests.benchmarks.report`.",
    ]
    figures: Figures = measured["figures"]
    for key in [key for key in SECTIONS if key in figures]:
        lines += ["", f"## {SECTIONS[key].title}", "", SECTIONS[key].about, "", *_table(key, figures[key])]
    unknown = figures.keys() - SECTIONS.keys()
    if unknown:
        raise KeyError(f"nobody has said what {', '.join(sorted(unknown))} is about")
    return "\n".join([*lines, ""])


def _table(key: str, figures: Mapping[str, float]) -> Iterator[str]:
    yield "| figure | is | aim |"
    yield "|---|---|---|"
    for name, value in figures.items():
        base, _, grown = name.partition(_TEN_TIMES)
        figure = SECTIONS[key].figures[base]
        means = f"{figure.means}: times as many for ten times the {grown.replace('_', ' ')}" if grown else figure.means
        yield f"| {means} | {_shown(value)} | {figure.aim} |"


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or abs(value) >= _WHOLE_FROM else f"{value:,g}"


def keep(figures: Figures) -> None:
    """Store figures as measured now on this computer, beside those that weren't measured, and write the page anew."""
    known: Figures = json.loads(FIGURES.read_text(encoding="utf-8"))["figures"] if FIGURES.is_file() else {}
    measured = {"computer": _computer(), "figures": {**known, **figures}}
    FIGURES.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    PAGE.write_text(page(measured), encoding="utf-8")


def _computer() -> dict[str, Any]:
    """Say what was measured on: how many cores, which, and how many processes wanted one on average."""
    models = (line for line in _CPUS.read_text(encoding="utf-8").splitlines() if line.startswith("model name"))
    processor = next(models, "").partition(": ")[2] or "of an unknown kind"
    return {"cores": os.cpu_count(), "processor": processor, "load": round(os.getloadavg()[1], 1)}


def main() -> int:
    """Write the page anew."""
    PAGE.write_text(page(json.loads(FIGURES.read_text(encoding="utf-8"))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
