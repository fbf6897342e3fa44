"""Writes the report of `responder backtest`, as JSON or as text for a terminal."""

import json
import shlex
import textwrap
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Final

from responders.backtest.report import Counts, DetectionActor, Report
from responders.catalogue import BY_ID, CATALOGUE
from responders.commands.records import not_judged_in_words
from responders.commands.tables import escaped
from shared.model.cases import Decision, Standing
from shared.model.detections import Answer, AnyDetection
from shared.model.events import ActorKind

_NOISIEST: Final = 10
_NAME_SHOWN: Final = 40


def as_json(report: Report, until: date) -> str:
    """Write everything as one JSON object; `until` is the end of the approvals that are suggested."""
    found = {
        "from": report.first.isoformat() if report.first else None,
        "to": report.last.isoformat() if report.last else None,
        "records": report.records,
        "unreadable": report.unreadable,
        "not_judged": dict(report.not_judged),
        "cases": report.cases,
        "repeats": report.repeats,
        "detections": [_detection(name, counts) for name, counts in _in_order(report)],
        "actors": [{"actor": actor, "name": name, "cases": cases} for actor, name, cases in _actors(report)],
        "noisiest": [_noisy(key, counts, until) for key, counts in report.noisiest(_NOISIEST)],
    }
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _detection(name: str, counts: Counts) -> dict[str, object]:
    return {"detection": name, "risk": BY_ID[name].risk, "cases": counts.cases} | _by_name(counts)


def _by_name(counts: Counts) -> dict[str, object]:
    return {
        "standings": {standing: counts.standings[standing] for standing in Standing},
        "decisions": {decision: counts.decisions[decision] for decision in Decision},
    }


def _noisy(key: DetectionActor, counts: Counts, until: date) -> dict[str, object]:
    advice, command = suggestion(key, counts, until)
    return {
        "detection": key.detection,
        "actor": key.actor if key.has_id else "",
        "name": counts.name,
        "kind": key.kind,
        "cases": counts.cases,
        **_by_name(counts),
        "suggestion": advice,
        "command": command,
    }


def _in_order(report: Report) -> list[tuple[str, Counts]]:
    return [(one.id, report.detections[one.id]) for one in CATALOGUE if one.id in report.detections]


def _actors(report: Report) -> list[tuple[str, str, int]]:
    """Give the actors with most cases, over all detections: id or name, latest name, count."""
    cases: Counter[str] = Counter()
    names: dict[str, str] = {}
    for key, counts in report.by_actor.items():
        cases[key.actor] += counts.cases
        names[key.actor] = counts.name
    return [(actor, names[actor], count) for actor, count in cases.most_common(_NOISIEST)]


def suggestion(key: DetectionActor, counts: Counts, until: date) -> tuple[str, str]:
    """Say what to do about an actor before the detection is switched on, and the command that does it ("" for none)."""
    detection = BY_ID[key.detection]
    observe = f"responder mode {key.detection} observe"
    if detection.answer is Answer.RECORD:
        return "only recorded, nobody is paged: nothing to do", ""
    if counts.standings[Standing.APPROVED] == counts.cases:
        return "approved: recorded, nobody is paged", ""
    if detection.counted or detection.unless_actor_in is None:
        return _until_rarer(detection), observe
    if not key.has_id:
        return "the records don't say who acted, so it can only be paged: keep it in observe", observe
    if key.kind is ActorKind.UNKNOWN:
        return "find out what kind of principal this is; until then it can only be paged: keep it in observe", observe
    words = [
        *("responder", "approve", detection.unless_actor_in, key.actor),
        *(f"--name={counts.name or key.actor}", f"--kind={key.kind}", f"--until={until}", "--ticket=TICKET"),
    ]
    whose = "this service principal" if key.kind is ActorKind.SERVICE_PRINCIPAL else "this person"
    return f"approve {whose} if it is their work; if nobody knows of it, look into it first", shlex.join(words)


def _until_rarer(detection: AnyDetection) -> str:
    if detection.counted:
        return (
            f"counted, whoever it is: set a higher number as VOCABULARY.thresholds.{detection.id}, or keep it in"
            " observe until this is rarer"
        )
    return "paged whoever did it: keep it in observe until this is rarer"


def as_text(report: Report, until: date, width: int) -> str:
    """Write the tables for a terminal of this width."""
    period = f", from {report.first:%Y-%m-%d %H:%M} to {report.last:%Y-%m-%d %H:%M} UTC" if report.first else ""
    read = f"records: {report.records}, unreadable: {report.unreadable}, cases: {report.cases}{period}"
    read += not_judged_in_words(report.not_judged)
    parts = [f"{read} (further records of the same cases: {report.repeats})"]
    if report.cases:
        parts += [_detections_table(report, width), _noisiest_list(report, until, width)]
    return "\n\n".join(parts) + "\n"


def _detections_table(report: Report, width: int) -> str:
    names = ("detection", "risk", "cases", *Standing, *Decision)
    rows = [
        (name, BY_ID[name].risk.value, *_numbers(counts))
        for name, counts in sorted(_in_order(report), key=lambda item: -item[1].cases)
    ]
    idle = [one.id for one in CATALOGUE if one.id not in report.detections]
    silent = textwrap.fill(f"without a case: {', '.join(idle)}", width, break_on_hyphens=False) if idle else ""
    return "\n".join(filter(None, [*_table(names, rows, width), silent]))


def _numbers(counts: Counts) -> tuple[str, ...]:
    standings = (counts.standings[standing] for standing in Standing)
    decisions = (counts.decisions[decision] for decision in Decision)
    return tuple(map(str, (counts.cases, *standings, *decisions)))


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Lay rows out; where they are wider than the terminal, each is a short list of its own instead."""
    widths = [max(len(row[place]) for row in [names, *rows]) for place in range(len(names))]
    if sum(widths) + 2 * len(widths) - 2 <= width:
        ruled = [names, ["-" * len(name) for name in names], *rows]
        return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in ruled]
    return [
        line
        for row in rows
        for line in textwrap.wrap(
            f"{row[0]}: " + ", ".join(f"{name} {cell}" for name, cell in zip(names[1:], row[1:], strict=True)),
            width,
            subsequent_indent="  ",
            break_on_hyphens=False,
        )
    ]


def _noisiest_list(report: Report, until: date, width: int) -> str:
    lines = ["the noisiest, and what to do about each:"]
    for place, (key, counts) in enumerate(report.noisiest(_NOISIEST), start=1):
        advice, command = suggestion(key, counts, until)
        name = escaped(counts.name)[:_NAME_SHOWN]
        who = f"{name} ({key.actor})" if key.has_id and name else escaped(key.actor)[:_NAME_SHOWN] or "nobody named"
        line = f"{place:2}. {counts.cases} of {key.detection} by {who}: {advice}"
        lines += textwrap.wrap(line, width, subsequent_indent="    ", break_on_hyphens=False)
        # A command stays on one line, so that it can be copied.
        lines += [f"    {escaped(command)}"] if command else []
    return "\n".join(lines)
