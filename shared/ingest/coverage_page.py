"""The coverage for people: a page for a browser and lines for a terminal, what isn't seen first."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from shared.emergency.blocks import Badge, Block, Facts, Heading, Items, Paragraph, Table, html
from shared.ingest.coverage import Coverage, Entry, Sight

_TONES: Final = {Sight.BLIND: "bad", Sight.PARTLY: "bad", Sight.LATE: "bad", Sight.UNKNOWN: "busy"}
_MOST_WINDOWS: Final = 20
WORDS: Final = {
    Sight.BLIND: "BLIND",
    Sight.PARTLY: "IN PART",
    Sight.LATE: "LATE",
    Sight.UNKNOWN: "UNKNOWN",
    Sight.SEES: "seen",
    Sight.OFF: "off",
}


def coverage_page(coverage: Coverage) -> str:
    """Give the page; `shared.emergency.blocks.HEADERS` go with it."""
    return html(coverage.verdict, _blocks(coverage), "en")


def _blocks(coverage: Coverage) -> Iterator[Block]:
    yield Heading(level=1, text=f"{coverage.verdict}")
    for sight in _TONES:
        names = [f"{entry.about} ({entry.tenant})" for entry in coverage.bad if entry.sight is sight]
        if names:
            yield Paragraph(
                text=f"{WORDS[sight]}: {', '.join(names)}",
                is_alarm=sight is not Sight.UNKNOWN,
                is_note=sight is Sight.UNKNOWN,
            )
    if not coverage.bad:
        yield Paragraph(text="Nothing has to be done.", is_note=True)
    yield Paragraph(
        text=f"As of {coverage.at:%Y-%m-%d %H:%M:%S} UTC, by what Entra Responder stored of its own reading."
    )
    for entry in coverage.bad:
        yield Badge(
            title=f"{entry.about}, {entry.tenant}",
            state=WORDS[entry.sight],
            tone=_TONES[entry.sight],
            is_open=True,
            blocks=tuple(_in_badge(entry, coverage.at)),
        )
    rest = tuple(_row(entry, coverage.at) for entry in coverage.entries if entry.sight.is_fine)
    if rest:
        yield Heading(text="Seen")
        yield Table(head=("what", "where", "last read", "records come within"), rows=rest, unbroken=frozenset({2, 3}))


def _in_badge(entry: Entry, now: datetime) -> Iterator[Block]:
    facts = (
        ("Missing permission", entry.needed),
        ("Why", entry.because),
        ("What to do", entry.cure),
        ("Last read", ago(entry.read_at, now)),
        ("Records come", within(entry)),
    )
    yield Facts(pairs=tuple((name, (text,)) for name, text in facts if text))
    if entry.unread:
        more = len(entry.unread) - _MOST_WINDOWS
        yield Heading(level=3, text="Still to be read")
        yield Items(texts=(*entry.unread[:_MOST_WINDOWS], *([f"and {more} more"] if more > 0 else [])))


def _row(entry: Entry, now: datetime) -> tuple[str, ...]:
    read = entry.because if entry.sight is Sight.OFF else ago(entry.read_at, now)
    return entry.about, entry.tenant, read, within(entry)


def within(entry: Entry) -> str:
    """Say how late the records of a log come, "" where that isn't known."""
    late = entry.late
    if late.p50 is None or late.p99 is None:
        return ""
    return f"{lasting(late.p50)} (half), {lasting(late.p99)} (99 %)"


def ago(at: datetime | None, now: datetime) -> str:
    """Say how long ago something was."""
    return "never" if at is None else f"{lasting(now - at)} ago"


def lasting(time: timedelta) -> str:
    """Say a time in the largest unit that leaves at least two of it, or in minutes."""
    minutes = max(0, round(time / timedelta(minutes=1)))
    for unit, size in (("d", 1440), ("h", 60)):
        if minutes >= 2 * size:
            return f"{minutes // size} {unit}"
    return f"{minutes} min" if minutes else "less than a minute"
