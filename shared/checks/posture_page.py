"""The posture for people who read it in a browser: what to do first, then each stage, what fails in front.

What was found is kept in English, and shown in the page's language where there is that.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from shared.checks import posture_texts as texts
from shared.checks.check import Status
from shared.checks.posture import WITHIN, Posture, PostureLine, Stage, bulleted, first_to_do
from shared.checks.posture_store import Day
from shared.checks.posture_texts import Korean
from shared.checks.posture_wording import PostureWording, counted, trend_of
from shared.emergency.blocks import Badge, Block, Facts, Heading, Items, Paragraph, Table, html
from shared.model.bilingual import ENGLISH, KeptTexts

_MOST_FIRST: Final = 5
_NO_FINDINGS: Final = KeptTexts(())
_FOLDED: Final = (
    (Status.OK, texts.PASSING, "good"),
    (Status.NOT_APPLICABLE, texts.NOT_APPLICABLE, ""),
)
_TONES: Final = {Status.FAILED: "bad", Status.UNKNOWN: "busy", Status.WARNING: "busy"}


def posture_page(
    posture: Posture,
    days: Sequence[Day] = (),
    *,
    language: str = ENGLISH,
    korean: Mapping[str, Korean] | None = None,
    findings: KeptTexts = _NO_FINDINGS,
) -> str:
    """Give the page; `shared.emergency.blocks.HEADERS` go with it. `days` are earlier results, the oldest first.

    `korean` has titles and what to do in Korean, by the ids of checks and items, `findings` what was found; what isn't
    there stays in English.
    """
    page = PostureWording(language=language, korean=korean or {}, findings=findings)
    return html(page.say(texts.TITLE, tenant=posture.tenant), _blocks(posture, days, page), language)


def _blocks(posture: Posture, days: Sequence[Day], page: PostureWording) -> Iterator[Block]:
    counts = counted(posture.lines)
    yield Heading(level=1, text=page.say(texts.TITLE, tenant=posture.tenant))
    yield Paragraph(
        text=page.say(
            texts.SUMMARY,
            passing=counts.passing,
            failing=counts.failing + counts.accepted,
            unknown=counts.unknown,
            waiting=counts.waiting,
        ),
        is_alarm=bool(counts.failing + counts.accepted),
    )
    as_of = page.say(texts.AS_OF, at=f"{posture.at:%Y-%m-%d %H:%M}")
    yield Paragraph(text=f"{as_of} {_trend(posture, days, page)}".strip(), is_note=True)
    first = first_to_do(posture, _MOST_FIRST)
    if first:
        yield Heading(text=page.say(texts.FIRST))
        yield Items(texts=tuple(f"{page.title(line)}\n{_plain(page.todo(line))}" for line in first))
    for stage in Stage:
        lines = [line for line in posture.lines if line.stage == stage]
        if lines:
            yield from _stage(stage, lines, page)


def _trend(posture: Posture, days: Sequence[Day], page: PostureWording) -> str:
    """Say what the oldest of the earlier days had, "" where there is none."""
    trend = trend_of(posture, days)
    return page.say(texts.TREND, day=trend.day, better=trend.better, worse=trend.worse) if trend else ""


def _found(text: str, page: PostureWording) -> str:
    return _plain(page.found_in_korean(text) or text)


def _stage(stage: Stage, lines: Sequence[PostureLine], page: PostureWording) -> Iterator[Block]:
    yield Heading(text=page.say(texts.STAGE, stage=int(stage), days=WITHIN[stage].days))
    bad = [line for line in lines if line.status in _TONES]
    yield from (_badge(line, page) for line in bad if not line.is_manual)
    waiting = tuple(_badge(line, page) for line in bad if line.is_manual)
    if waiting:
        yield _folded(page.say(texts.TO_BE_CONFIRMED), str(len(waiting)), "busy", waiting)
    for status, words, tone in _FOLDED:
        rows = tuple(
            (page.title(line), "; ".join(_found(each, page) for each in line.found))
            for line in lines
            if line.status is status
        )
        if rows:
            table = Table(head=(page.say(texts.CHECK), page.say(texts.FOUND)), rows=rows)
            yield _folded(page.say(words), str(len(rows)), tone, (table,))


def _folded(title: str, state: str, tone: str, blocks: tuple[Block, ...]) -> Badge:
    return Badge(title=title, state=state, tone=tone, is_open=False, blocks=blocks)


def _badge(line: PostureLine, page: PostureWording) -> Badge:
    return Badge(
        title=page.title(line),
        state=page.say(texts.WAITS if line.is_manual else texts.STATUSES[line.status]),
        tone="busy" if line.is_manual or line.accepted else _TONES[line.status],
        is_open=line.needs_somebody and not line.is_manual,
        blocks=(Facts(pairs=tuple(_facts(line, page))),),
    )


def _facts(line: PostureLine, page: PostureWording) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield page.say(texts.FOUND), bulleted([_found(each, page) for each in line.found])
    if line.cure:
        yield page.say(texts.TODO), (_plain(page.todo(line)),)
    if line.accepted:
        yield page.say(texts.ACCEPTED), (_found(line.accepted, page),)
    elif command := page.command(line):
        yield page.say(command[0]), (command[1],)


def _plain(text: str) -> str:
    """Take away the marks around commands, which a terminal needs and a page doesn't."""
    return text.replace("`", "")
