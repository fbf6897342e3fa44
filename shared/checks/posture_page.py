"""The posture for people who read it in a browser: what to do first, then each stage, what fails in front."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from shared.checks.check import Status
from shared.checks.posture import WITHIN, Posture, PostureLine, Stage, first_to_do
from shared.checks.posture_store import Day
from shared.emergency.blocks import Badge, Block, Facts, Heading, Items, Paragraph, Table, html

_MOST_FIRST: Final = 5
_CONFIRM: Final = "to confirm"
_WORDS: Final = {
    Status.OK: "passes",
    Status.WARNING: "look at it",
    Status.FAILED: "FAILS",
    Status.UNKNOWN: "can't tell",
    Status.NOT_APPLICABLE: "doesn't apply",
}
_TONES: Final = {Status.FAILED: "bad", Status.UNKNOWN: "busy", Status.WARNING: "busy"}


def posture_page(posture: Posture, days: Sequence[Day] = ()) -> str:
    """Give the page; `shared.emergency.blocks.HEADERS` go with it. `days` are earlier results, the oldest first."""
    return html(f"Posture of {posture.tenant}", _blocks(posture, days), "en")


def _blocks(posture: Posture, days: Sequence[Day]) -> Iterator[Block]:
    counts = Counter(line.status for line in posture.lines if not line.is_manual)
    waiting = sum(line.is_manual and line.needs_somebody for line in posture.lines)
    yield Heading(level=1, text=f"Posture of {posture.tenant}")
    said = f"{counts[Status.OK]} checks pass, {counts[Status.FAILED]} fail, {counts[Status.UNKNOWN]} can't be told"
    yield Paragraph(
        text=f"{said}; {waiting} items wait for somebody to confirm them.", is_alarm=bool(counts[Status.FAILED])
    )
    yield Paragraph(text=f"As of {posture.at:%Y-%m-%d %H:%M} UTC. {_trend(posture, days)}".strip(), is_note=True)
    first = first_to_do(posture, _MOST_FIRST)
    if first:
        yield Heading(text="What to do first")
        yield Items(texts=tuple(line.title for line in first))
    for stage in Stage:
        lines = [line for line in posture.lines if line.stage == stage]
        if lines:
            yield from _stage(stage, lines)


def _trend(posture: Posture, days: Sequence[Day]) -> str:
    """Say what the oldest of the earlier days had, "" where there is none."""
    earlier = [day for day in days if day.day < posture.at.date().isoformat()]
    if not earlier:
        return ""
    oldest = earlier[0]
    passed = {line.id for line in posture.lines if line.status is Status.OK}
    before = {check for check, status in oldest.statuses.items() if status is Status.OK}
    return f"Since {oldest.day}: {len(passed - before)} began to pass, {len(before - passed)} no longer do."


def _stage(stage: Stage, lines: Sequence[PostureLine]) -> Iterator[Block]:
    yield Heading(text=f"Stage {stage}: within {WITHIN[stage].days} days")
    for line in lines:
        if line.status in _TONES:
            yield Badge(
                title=line.title,
                state=_CONFIRM if line.is_manual else _WORDS[line.status],
                tone="busy" if line.is_manual or line.accepted else _TONES[line.status],
                is_open=line.needs_somebody and not line.is_manual,
                blocks=(Facts(pairs=tuple(_facts(line))),),
            )
    for status in (Status.OK, Status.NOT_APPLICABLE):
        rows = tuple((line.title, "; ".join(line.found)) for line in lines if line.status is status)
        if rows:
            yield Table(head=(_WORDS[status], "what was found"), rows=rows)


def _facts(line: PostureLine) -> Iterator[tuple[str, tuple[str, ...]]]:
    command = f"responder posture {'confirm' if line.is_manual else 'accept'} {line.id} --reason TEXT"
    yield "What was found", line.found
    if line.cure:
        yield "What to do", (line.cure,)
    if line.accepted:
        yield "Accepted", (line.accepted,)
    elif line.status is Status.FAILED:
        yield "Once it is so" if line.is_manual else "To take the risk", (command,)
