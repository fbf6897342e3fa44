"""The posture for people who read it in a browser: what to do first, then each stage, what fails in front.

What was found is kept in English, and shown in the page's language where there is that.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from shared.checks import posture_texts as texts
from shared.checks.check import Status
from shared.checks.posture import WITHIN, Posture, PostureLine, Stage, bulleted, first_to_do
from shared.checks.posture_store import Day
from shared.checks.posture_texts import Korean
from shared.emergency.blocks import Badge, Block, Facts, Heading, Items, Paragraph, Table, html
from shared.model.bilingual import ENGLISH, KOREAN, KeptTexts, Value, Words, filled

_MOST_FIRST: Final = 5
_NO_FINDINGS: Final = KeptTexts(())
_FOLDED: Final = (
    (Status.OK, texts.PASSING, "good"),
    (Status.NOT_APPLICABLE, texts.NOT_APPLICABLE, ""),
)
_TONES: Final = {Status.FAILED: "bad", Status.UNKNOWN: "busy", Status.WARNING: "busy"}


class _Page(Struct, frozen=True, kw_only=True):
    """The language of a page, and what checks and items are called in it."""

    language: str
    korean: Mapping[str, Korean]
    findings: KeptTexts

    def found(self, text: str) -> str:
        korean = self.findings.in_korean(text) if self.language == KOREAN else ""
        return _plain(korean or text)

    def say(self, words: Words, **values: Value) -> str:
        return filled(words, **values).in_language(self.language) if values else words.in_language(self.language)

    def _korean(self, line: PostureLine) -> Korean | None:
        return self.korean.get(line.id) if self.language == KOREAN else None

    def title(self, line: PostureLine) -> str:
        known = self._korean(line)
        return known.title if known else line.title

    def todo(self, line: PostureLine) -> str:
        """Say what to do, "" where nothing is to be done."""
        known = self._korean(line)
        if known is None or not line.cure:
            return line.cure
        return self.say(texts.UNREAD) if line.status is Status.UNKNOWN else known.todo


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
    page = _Page(language=language, korean=korean or {}, findings=findings)
    return html(page.say(texts.TITLE, tenant=posture.tenant), _blocks(posture, days, page), language)


def _blocks(posture: Posture, days: Sequence[Day], page: _Page) -> Iterator[Block]:
    counts = Counter(line.status for line in posture.lines if not line.is_manual)
    waiting = sum(line.is_manual and line.needs_somebody for line in posture.lines)
    yield Heading(level=1, text=page.say(texts.TITLE, tenant=posture.tenant))
    yield Paragraph(
        text=page.say(
            texts.SUMMARY,
            passing=counts[Status.OK],
            failing=counts[Status.FAILED],
            unknown=counts[Status.UNKNOWN],
            waiting=waiting,
        ),
        is_alarm=bool(counts[Status.FAILED]),
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


def _trend(posture: Posture, days: Sequence[Day], page: _Page) -> str:
    """Say what the oldest of the earlier days had, "" where there is none."""
    earlier = [day for day in days if day.day < posture.at.date().isoformat()]
    if not earlier:
        return ""
    oldest = earlier[0]
    passed = {line.id for line in posture.lines if line.status is Status.OK}
    before = {check for check, status in oldest.statuses.items() if status is Status.OK}
    return page.say(texts.TREND, day=oldest.day, better=len(passed - before), worse=len(before - passed))


def _stage(stage: Stage, lines: Sequence[PostureLine], page: _Page) -> Iterator[Block]:
    yield Heading(text=page.say(texts.STAGE, stage=int(stage), days=WITHIN[stage].days))
    bad = [line for line in lines if line.status in _TONES]
    yield from (_badge(line, page) for line in bad if not line.is_manual)
    waiting = tuple(_badge(line, page) for line in bad if line.is_manual)
    if waiting:
        yield _folded(page.say(texts.TO_BE_CONFIRMED), str(len(waiting)), "busy", waiting)
    for status, words, tone in _FOLDED:
        rows = tuple(
            (page.title(line), "; ".join(map(page.found, line.found))) for line in lines if line.status is status
        )
        if rows:
            table = Table(head=(page.say(texts.CHECK), page.say(texts.FOUND)), rows=rows)
            yield _folded(page.say(words), str(len(rows)), tone, (table,))


def _folded(title: str, state: str, tone: str, blocks: tuple[Block, ...]) -> Badge:
    return Badge(title=title, state=state, tone=tone, is_open=False, blocks=blocks)


def _badge(line: PostureLine, page: _Page) -> Badge:
    return Badge(
        title=page.title(line),
        state=page.say(texts.WAITS if line.is_manual else texts.STATUSES[line.status]),
        tone="busy" if line.is_manual or line.accepted else _TONES[line.status],
        is_open=line.needs_somebody and not line.is_manual,
        blocks=(Facts(pairs=tuple(_facts(line, page))),),
    )


def _facts(line: PostureLine, page: _Page) -> Iterator[tuple[str, tuple[str, ...]]]:
    command = f"responder posture {'confirm' if line.is_manual else 'accept'} {line.id} --reason TEXT"
    yield page.say(texts.FOUND), bulleted([*map(page.found, line.found)])
    if line.cure:
        yield page.say(texts.TODO), (_plain(page.todo(line)),)
    if line.accepted:
        yield page.say(texts.ACCEPTED), (line.accepted,)
    elif line.status is Status.FAILED:
        yield page.say(texts.TO_CONFIRM if line.is_manual else texts.TO_ACCEPT), (command,)


def _plain(text: str) -> str:
    """Take away the marks around commands, which a terminal needs and a page doesn't."""
    return text.replace("`", "")
