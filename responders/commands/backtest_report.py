"""How `responder backtest` tells what it counted."""

import json
import shlex
import textwrap
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Final

from responders.backtest.report import Counts, Pair, Tally
from responders.catalogue import BY_ID, CATALOGUE
from responders.commands.tables import legible
from shared.model.cases import Decision, Standing
from shared.model.detections import Answer, AnyDetection
from shared.model.events import ActorKind

_NOISIEST: Final = 10
_NAME_SHOWN: Final = 40


def as_json(tally: Tally, until: date) -> str:
    """Write everything as one JSON object; `until` is the end of the approvals that are suggested."""
    report = {
        "from": tally.first.isoformat() if tally.first else None,
        "to": tally.last.isoformat() if tally.last else None,
        "records": tally.records,
        "unreadable": tally.unreadable,
        "cases": tally.cases,
        "repeats": tally.repeats,
        "detections": [_detection(name, counts) for name, counts in _in_order(tally)],
        "actors": [{"actor": actor, "name": name, "cases": cases} for actor, name, cases in _actors(tally)],
        "noisiest": [_noisy(pair, counts, until) for pair, counts in tally.noisiest(_NOISIEST)],
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def _detection(name: str, counts: Counts) -> dict[str, object]:
    return {"detection": name, "risk": BY_ID[name].risk, "cases": counts.cases} | _by_name(counts)


def _by_name(counts: Counts) -> dict[str, object]:
    return {
        "standings": {standing: counts.standings[standing] for standing in Standing},
        "decisions": {decision: counts.decisions[decision] for decision in Decision},
    }


def _noisy(pair: Pair, counts: Counts, until: date) -> dict[str, object]:
    advice, command = suggestion(pair, counts, until)
    return {
        "detection": pair.detection,
        "actor": pair.actor if pair.has_id else "",
        "name": counts.name,
        "kind": pair.kind,
        "cases": counts.cases,
        **_by_name(counts),
        "suggestion": advice,
        "command": command,
    }


def _in_order(tally: Tally) -> list[tuple[str, Counts]]:
    return [(one.id, tally.detections[one.id]) for one in CATALOGUE if one.id in tally.detections]


def _actors(tally: Tally) -> list[tuple[str, str, int]]:
    """Give the actors with most cases, over all detections: id or name, latest name, count."""
    cases: Counter[str] = Counter()
    names: dict[str, str] = {}
    for pair, counts in tally.pairs.items():
        cases[pair.actor] += counts.cases
        names[pair.actor] = counts.name
    return [(actor, names[actor], count) for actor, count in cases.most_common(_NOISIEST)]


def suggestion(pair: Pair, counts: Counts, until: date) -> tuple[str, str]:
    """Say what to do about a pair before its detection is switched on, and the command that does it ("" for none)."""
    detection = BY_ID[pair.detection]
    observe = f"responder mode {pair.detection} observe"
    if detection.answer is Answer.RECORD:
        return "only recorded, nobody is paged: nothing to do", ""
    if counts.standings[Standing.APPROVED] == counts.cases:
        return "approved: recorded, nobody is paged", ""
    if detection.counted or detection.unless_actor_in is None:
        return _until_rarer(detection), observe
    if not pair.has_id:
        return "the records don't say who acted, so it can only be paged: keep it in observe", observe
    if pair.kind is ActorKind.UNKNOWN:
        return "find out what kind of principal this is; until then it can only be paged: keep it in observe", observe
    words = [
        *("responder", "approve", detection.unless_actor_in, pair.actor),
        *(f"--name={counts.name or pair.actor}", f"--kind={pair.kind}", f"--until={until}", "--ticket=TICKET"),
    ]
    whose = "this service principal" if pair.kind is ActorKind.SERVICE_PRINCIPAL else "this person"
    return f"approve {whose} if it is their work; if nobody knows of it, look into it first", shlex.join(words)


def _until_rarer(detection: AnyDetection) -> str:
    if detection.counted:
        return (
            f"counted, whoever it is: set a higher number as VOCABULARY.thresholds.{detection.id}, or keep it in"
            " observe until this is rarer"
        )
    return "paged whoever did it: keep it in observe until this is rarer"


def as_text(tally: Tally, until: date, width: int) -> str:
    """Write the tables for a terminal of this width."""
    period = f", from {tally.first:%Y-%m-%d %H:%M} to {tally.last:%Y-%m-%d %H:%M} UTC" if tally.first else ""
    read = f"records: {tally.records}, unreadable: {tally.unreadable}, cases: {tally.cases}{period}"
    parts = [f"{read} (further records of the same cases: {tally.repeats})"]
    if tally.cases:
        parts += [_detections_table(tally, width), _noisiest_list(tally, until, width)]
    return "\n\n".join(parts) + "\n"


def _detections_table(tally: Tally, width: int) -> str:
    names = ("detection", "risk", "cases", *Standing, *Decision)
    rows = [
        (name, BY_ID[name].risk.value, *_numbers(counts))
        for name, counts in sorted(_in_order(tally), key=lambda item: -item[1].cases)
    ]
    idle = [one.id for one in CATALOGUE if one.id not in tally.detections]
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


def _noisiest_list(tally: Tally, until: date, width: int) -> str:
    lines = ["the noisiest, and what to do about each:"]
    for place, (pair, counts) in enumerate(tally.noisiest(_NOISIEST), start=1):
        advice, command = suggestion(pair, counts, until)
        name = legible(counts.name)[:_NAME_SHOWN]
        who = f"{name} ({pair.actor})" if pair.has_id and name else legible(pair.actor)[:_NAME_SHOWN] or "nobody named"
        told = f"{place:2}. {counts.cases} of {pair.detection} by {who}: {advice}"
        lines += textwrap.wrap(told, width, subsequent_indent="    ", break_on_hyphens=False)
        # A command stays on one line, so that it can be copied.
        lines += [f"    {legible(command)}"] if command else []
    return "\n".join(lines)
