"""The page of an emergency that a browser is shown: what to do next, and how far each step is.

A pure function of the folded state. It has no script and no form: nothing acts on a page that is fetched.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from shared.emergency import labels
from shared.emergency.blocks import Badge, Block, Facts, Heading, Items, Paragraph, Point, Points, html
from shared.emergency.entries import Answer, Finding, StepState
from shared.emergency.manifest import ENTRIES
from shared.emergency.runbook import RunbookStep
from shared.emergency.state import Emergency, StepProgress
from shared.model.bilingual import KOREAN

_TONES: Final[Mapping[StepState, str]] = {
    StepState.PENDING: "calm",
    StepState.RUNNING: "busy",
    StepState.DONE: "good",
    StepState.SKIPPED: "calm",
    StepState.BLOCKED: "bad",
    StepState.FAILED: "bad",
}
_ANSWER_TONES: Final[Mapping[Answer, str]] = {
    Answer.WRONG: "bad",
    Answer.UNKNOWN: "doubt",
    Answer.NOTED: "calm",
    Answer.FINE: "good",
}
_ORDER: Final = (Answer.WRONG, Answer.UNKNOWN, Answer.NOTED, Answer.FINE)
_MOST_FINDINGS: Final = 200
MANIFEST: Final = f"/{ENTRIES}"
"""What the names of manifest entries have, and those of files haven't."""


def emergency_page(emergency: Emergency, steps: Iterable[RunbookStep], *, now: datetime, language: str) -> str:
    """Give the page in a language ("en" or "ko"); `shared.emergency.blocks.HEADERS` go with it."""
    kind = labels.DRILL if emergency.drill else labels.EMERGENCY
    title = f"{kind.in_language(language)} {emergency.id[:8]}"
    return html(title, [*_blocks(emergency, tuple(steps), now, language)], language)


def _blocks(emergency: Emergency, steps: tuple[RunbookStep, ...], now: datetime, language: str) -> Iterator[Block]:
    by_number = {step.number: step for step in steps}
    kind = labels.DRILL if emergency.drill else labels.EMERGENCY
    state = labels.OPEN if emergency.is_open else labels.CLOSED
    yield Heading(level=1, text=f"{kind.in_language(language)}: {state.in_language(language)}")
    if emergency.has_expired(now):
        yield Paragraph(is_alarm=True, text=labels.EXPIRED.in_language(language))
    yield from _next(emergency, by_number, language)
    yield from _waiting(emergency, now, language)
    yield Facts(pairs=tuple(facts(emergency, language)))
    yield Heading(text=labels.STEPS.in_language(language))
    yield from about_english(emergency, language)
    for progress in emergency.steps:
        step = by_number.get(progress.number)
        if step is not None:
            yield _step(emergency, step, progress, language)
    yield Paragraph(text=labels.NOTHING_HERE_ACTS.in_language(language))


def _next(emergency: Emergency, steps: Mapping[int, RunbookStep], language: str) -> Iterator[Block]:
    if not emergency.is_open:
        return
    number = emergency.next_step
    step = steps.get(number) if number is not None else None
    command = labels.COMMAND.in_language(language)
    if step is None:
        text = f"{labels.ALL_FINISHED.in_language(language)}\n{command}: responder emergency close --summary SUMMARY"
        yield Paragraph(is_note=True, text=text)
        return
    label, title = labels.NEXT.in_language(language), step.title.in_language(language)
    progress = emergency.step(step.number)
    said = step.failed if _is_for_people(progress) else step.person
    done = " --done --note NOTE" if _is_for_people(progress) or progress.is_finished else ""
    text = f"{label}: {step.number}. {title}\n{said.in_language(language)}"
    yield Paragraph(is_note=True, text=f"{text}\n{command}: responder emergency step {step.number}{done}")


def _is_for_people(progress: StepProgress) -> bool:
    """Whether the app can't go on with a step: not where it waits for what two operators agree to."""
    is_blocked = progress.state is StepState.BLOCKED and not progress.proposals
    return is_blocked or progress.state is StepState.FAILED


def _waiting(emergency: Emergency, now: datetime, language: str) -> Iterator[Block]:
    """Show what waits for the second operator, in full: he confirms exactly this text."""
    for one in emergency.waiting(now) if emergency.is_open else ():
        yield Paragraph(
            is_alarm=True, text=f"{labels.WAITS.in_language(language)} {labels.when(one.until)}: {one.text}"
        )
        asked_by = (labels.ASKED_BY.in_language(language), (_person(one.asked_name, one.asked_by),))
        command = f"responder emergency confirm {one.what} {one.digest}"
        yield Facts(pairs=(asked_by, (labels.CONFIRM_WITH.in_language(language), (command,))))


def facts(emergency: Emergency, language: str, *, is_over: bool = False) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give what is to be known of an emergency as a whole, with names in a language.

    `is_over`: it is just being closed, which its entries don't say yet.
    """
    is_open = emergency.is_open and not is_over
    yield labels.REASON.in_language(language), (emergency.reason,)
    yield labels.DECLARED_BY.in_language(language), (_person(emergency.declared_name, emergency.declared_by),)
    yield labels.DECLARED_AT.in_language(language), (labels.when(emergency.declared_at),)
    if is_open:
        yield labels.EXPIRES_AT.in_language(language), (labels.when(emergency.expires_at),)
    hybrid = labels.IS_HYBRID if emergency.hybrid else labels.IS_CLOUD
    yield labels.HYBRID.in_language(language), (hybrid.in_language(language),)
    nobody = labels.NOBODY_YET if is_open else labels.NOBODY
    names = tuple(f"{_person(entry.name, entry.by)}, {labels.when(entry.at)}" for entry in emergency.acknowledged)
    yield labels.ACKNOWLEDGED.in_language(language), names or (nobody.in_language(language),)
    yield "ID", (emergency.id,)


def _person(name: str, operator: str) -> str:
    return f"{name} ({operator})" if name and name != operator else operator


def _step(emergency: Emergency, step: RunbookStep, progress: StepProgress, language: str) -> Badge:
    has_news = any(finding.answer in {Answer.WRONG, Answer.UNKNOWN} for finding in progress.findings)
    state = labels.STATES[progress.state].in_language(language)
    is_next = emergency.is_open and emergency.next_step == step.number
    return Badge(
        title=f"{step.number}. {step.title.in_language(language)}",
        state=state,
        tone=_TONES[progress.state],
        is_open=is_next or progress.state in {StepState.BLOCKED, StepState.FAILED} or has_news,
        blocks=tuple(_in_step(step, progress, language)),
    )


def _in_step(step: RunbookStep, progress: StepProgress, language: str) -> Iterator[Block]:
    if _is_for_people(progress):
        yield Paragraph(
            is_alarm=True, text=f"{labels.INSTEAD.in_language(language)}: {step.failed.in_language(language)}"
        )
    if progress.proposals:
        yield Heading(level=3, text=labels.WOULD_DO.in_language(language))
        ask = labels.ASK_WITH.in_language(language)
        yield Items(
            texts=tuple(
                f"{one.text}\n{ask}: responder emergency ask {one.what} {one.digest}" for one in progress.proposals
            )
        )
    if progress.findings:
        yield Heading(level=3, text=labels.FINDINGS.in_language(language))
        yield points_of(progress.findings, language)
    if progress.records:
        yield Heading(level=3, text=labels.RECORDED.in_language(language))
        yield Items(
            texts=tuple(
                f"{labels.when(one.at)}, {_person(one.name, one.by)}:"
                f" {labels.STATES[one.state].in_language(language)}. {one.note}"
                for one in progress.records
            )
        )
    yield Facts(pairs=tuple(_about_step(step, progress, language)))


def _about_step(step: RunbookStep, progress: StepProgress, language: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    if progress.next_at is not None:
        yield labels.LOOKS_AGAIN.in_language(language), (labels.when(progress.next_at),)
    if progress.evidence:
        last = max(progress.evidence, key=lambda one: (MANIFEST in one.blob, one.blob))
        files = f"{labels.FILE.in_language(language)}: {len(progress.evidence):,}"
        yield labels.EVIDENCE.in_language(language), (files, last.blob, f"SHA-256 {last.sha256}")
    yield labels.PERSON.in_language(language), (step.person.in_language(language),)
    yield labels.SYSTEM.in_language(language), (step.system.in_language(language),)
    yield labels.CHECK.in_language(language), (step.check.in_language(language),)
    if not _is_for_people(progress):
        yield labels.IF_IT_FAILS.in_language(language), (step.failed.in_language(language),)


def about_english(emergency: Emergency, language: str) -> Iterator[Block]:
    """Say why some findings are in English, where the page isn't: they were kept before there was another language."""
    found = (finding for progress in emergency.steps for finding in progress.findings)
    if language == KOREAN and any(finding.korean is None for finding in found):
        yield Paragraph(text=labels.FINDINGS_IN_ENGLISH.in_language(language))


def points_of(findings: Iterable[Finding], language: str) -> Points:
    """Say what was found, the worst first, and what is new before the rest."""
    ordered = sorted(findings, key=lambda finding: (not finding.is_new, _ORDER.index(finding.answer)))
    ordered.sort(key=lambda finding: _ORDER.index(finding.answer))
    points = [_point(finding, language) for finding in ordered[:_MOST_FINDINGS]]
    if len(ordered) > _MOST_FINDINGS:
        more = labels.MORE_FINDINGS.in_language(language).format(count=len(ordered) - _MOST_FINDINGS)
        points.append(Point(mark="…", tone="calm", title="", text=more, todo_name="", todo=""))
    return Points(points=tuple(points))


def _point(finding: Finding, language: str) -> Point:
    said = finding.texts(language)
    answer = labels.ANSWERS[finding.answer].in_language(language)
    return Point(
        mark=f"{answer}, {labels.NEW.in_language(language)}" if finding.is_new else answer,
        tone=_ANSWER_TONES[finding.answer],
        title=said.about,
        text=said.text,
        todo_name=labels.WHAT_TO_DO.in_language(language),
        todo=said.what_to_do,
    )
