"""The report at an emergency's end: timeline, people, evidence with sums, what was blocked, follow-ups.

A drill's report has the minutes that each step took, beside those of former drills. It is written as Markdown and as
HTML, in English and in Korean, and kept among the evidence, where the manifest's chain covers it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from shared.emergency import labels
from shared.emergency.blocks import Block, Facts, Heading, Items, Paragraph, Table, html, markdown
from shared.emergency.entries import STEPS, Answer, Entry, Evidence, Proof, StepState
from shared.emergency.evidence import EvidenceBox
from shared.emergency.page import MANIFEST, about_english, facts, points_of
from shared.emergency.runbook import RunbookStep
from shared.emergency.state import FEDERATION_STEP, Emergency, StepProgress
from shared.model.bilingual import ENGLISH, KOREAN

LANGUAGES: Final = (ENGLISH, KOREAN)
_MOST_DRILLS: Final = 8


class Ending(Struct, frozen=True, kw_only=True):
    """How an emergency ends, which its entries don't say yet: the report is kept before the last entry is written."""

    at: datetime
    by: str
    summary: str


def ending_of(emergency: Emergency, *, at: datetime) -> Ending:
    """Give how an emergency ends that is about to be closed, by what two operators agreed to."""
    agreed = [one for one in emergency.agreements if one.what == "close" and one.confirmed_at is not None]
    if not agreed:
        return Ending(at=at, by="", summary="")
    last = agreed[-1]
    return Ending(at=at, by=f"{last.asked_name}, {last.confirmed_name}", summary=last.text)


def keep_reports(
    box: EvidenceBox,
    emergency: Emergency,
    steps: Iterable[RunbookStep],
    *,
    ending: Ending,
    former: Sequence[Emergency] = (),
) -> tuple[Evidence, ...]:
    """Keep the report in both languages and both forms; then the manifest's head, which covers them.

    `former` are drills that were done before, whatever their order. Raises EdgeError where evidence can't be written.
    """
    declared = tuple(steps)
    kept: list[Evidence] = []
    for language in LANGUAGES:
        blocks = tuple(report_of(emergency, declared, language=language, ending=ending, former=former))
        title = _title(emergency, language)
        page = html(title, blocks, language)
        kept += [
            box.keep_text(f"report-{language}.md", markdown(blocks).encode(), source="report"),
            box.keep_text(f"report-{language}.html", page.encode(), source="report"),
        ]
    return (*kept, *((box.head,) if box.head else ()))


def report_of(
    emergency: Emergency,
    steps: Sequence[RunbookStep],
    *,
    language: str,
    ending: Ending,
    former: Sequence[Emergency] = (),
) -> Iterator[Block]:
    """Give the report in a language ("en" or "ko")."""
    yield Heading(level=1, text=_title(emergency, language))
    yield Facts(pairs=(*facts(emergency, language, is_over=True), *_end_facts(emergency, ending, language)))
    yield from about_english(emergency, language)
    yield Heading(text=labels.STEPS.in_language(language))
    yield _step_table(emergency, steps, language)
    if emergency.drill:
        yield from _trend(emergency, former, language)
    yield Heading(text=labels.FOLLOW_UPS.in_language(language))
    yield Items(texts=tuple(_follow_ups(emergency, steps, language)))
    yield Heading(text=labels.BLOCKED.in_language(language))
    yield Items(texts=tuple(_blocked(emergency, steps, language)) or (labels.NOTHING.in_language(language),))
    yield Heading(text=labels.PEOPLE.in_language(language))
    yield _people(emergency, language)
    yield Heading(text=labels.FINDINGS.in_language(language))
    yield from _all_findings(emergency, steps, language)
    yield Heading(text=labels.TIMELINE.in_language(language))
    yield _timeline(emergency, language)
    yield Heading(text=labels.EVIDENCE.in_language(language))
    yield from _evidence(emergency, language)


def _title(emergency: Emergency, language: str) -> str:
    kind = labels.DRILL_REPORT if emergency.drill else labels.REPORT
    mark = f"{labels.DRILL.in_language(language)}: " if emergency.drill else ""
    return f"{mark}{kind.in_language(language)} {emergency.id[:8]}"


def _end_facts(emergency: Emergency, ending: Ending, language: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield labels.CLOSED_AT.in_language(language), (labels.when(ending.at),)
    yield labels.CLOSED_BY.in_language(language), (ending.by,)
    lasted = labels.minutes(ending.at - emergency.declared_at)
    yield labels.LASTED.in_language(language), (labels.LONG.in_language(language).format(minutes=lasted),)
    yield labels.SUMMARY.in_language(language), (ending.summary,)


# ---- steps and drills ------------------------------------------------------------------------------------------------


def minutes_of(progress: StepProgress) -> timedelta | None:
    """Give how long a step took: from its first start until it was first finished, by the app or by a person."""
    begins = [run.started_at for run in progress.runs]
    ends = [
        run.ended_at
        for run in progress.runs
        if run.ended_at is not None and run.ended is not None and run.ended.state in {StepState.DONE, StepState.SKIPPED}
    ]
    ends += [record.at for record in progress.records]
    if not begins or not ends:
        return None
    return max(min(ends) - min(begins), timedelta())


def _step_table(emergency: Emergency, steps: Sequence[RunbookStep], language: str) -> Table:
    titles = {step.number: step.title.in_language(language) for step in steps}
    head = (labels.STEP, labels.STATE, labels.MINUTES, labels.RECORDED)
    return Table(
        head=tuple(label.in_language(language) for label in head),
        rows=tuple(
            (
                f"{progress.number}. {titles.get(progress.number, '')}",
                labels.STATES[progress.state].in_language(language),
                labels.minutes(minutes_of(progress)),
                "; ".join(f"{record.name}: {record.note}" for record in progress.records),
            )
            for progress in emergency.steps
        ),
    )


def _trend(emergency: Emergency, former: Sequence[Emergency], language: str) -> Iterator[Block]:
    """Compare the minutes of each step with those of former drills, the latest first."""
    before = sorted(
        (one for one in former if one.drill and one.declared_at < emergency.declared_at and one.id != emergency.id),
        key=lambda one: one.declared_at,
        reverse=True,
    )[:_MOST_DRILLS]
    yield Heading(text=labels.TREND.in_language(language))
    if before:
        now, last = _total(emergency), _total(before[0])
        if now is not None and last is not None:
            label = labels.FASTER if now < last else labels.SLOWER
            yield Paragraph(is_note=True, text=f"{label.in_language(language)} {labels.minutes(abs(now - last))}")
    else:
        yield Paragraph(is_note=True, text=labels.NO_FORMER.in_language(language))
    names = (labels.DATE.in_language(language), *(str(number) for number in STEPS), labels.TOTAL.in_language(language))
    rows = tuple(_drill_row(one) for one in (emergency, *before))
    yield Table(head=names, rows=rows, unbroken=frozenset({0}), is_of_numbers=True)


def _drill_row(drill: Emergency) -> tuple[str, ...]:
    steps = (labels.minutes(minutes_of(progress)) for progress in drill.steps)
    return (f"{drill.declared_at:%Y-%m-%d}", *steps, labels.minutes(_total(drill)))


def _total(drill: Emergency) -> timedelta | None:
    """Give how long it took until every step was finished; None where one never was."""
    ends: list[datetime] = []
    for progress in drill.steps:
        took = minutes_of(progress)
        if took is None:
            return None
        ends.append(min(run.started_at for run in progress.runs) + took)
    return max(ends) - drill.declared_at


# ---- what is left ----------------------------------------------------------------------------------------------------


def _follow_ups(emergency: Emergency, steps: Sequence[RunbookStep], language: str) -> Iterator[str]:
    titles = {step.number: step for step in steps}
    if emergency.announced and not emergency.drill:
        yield f"{labels.ROTATE.in_language(language)} ({', '.join(emergency.announced_accounts)})"
    federation = emergency.step(FEDERATION_STEP)
    if _was_changed(emergency) and not federation.is_taken_back:
        yield labels.FEDERATION_BACK.in_language(language)
    yield labels.RECHECK.in_language(language)
    yield labels.CUSTODY.in_language(language)
    for progress in emergency.steps:
        step = titles.get(progress.number)
        if step is not None and not progress.is_finished:
            label = labels.NOT_FINISHED.in_language(language)
            yield f"{label}: {step.number}. {step.title.in_language(language)}. {step.failed.in_language(language)}"
    todo = dict.fromkeys(
        f"{finding.texts(language).about}: {finding.texts(language).what_to_do}"
        for progress in emergency.steps
        for finding in progress.findings
        if finding.what_to_do and finding.answer in {Answer.WRONG, Answer.UNKNOWN}
    )
    yield from todo


def _was_changed(emergency: Emergency) -> bool:
    """Say whether two operators agreed to change federation, and the step was then done."""
    agreed = any(one.what == "federation" and one.confirmed_at is not None for one in emergency.agreements)
    return agreed and emergency.step(FEDERATION_STEP).state is StepState.DONE


def _blocked(emergency: Emergency, steps: Sequence[RunbookStep], language: str) -> Iterator[str]:
    titles = {step.number: step.title.in_language(language) for step in steps}
    for progress in emergency.steps:
        name = f"{progress.number}. {titles.get(progress.number, '')}"
        if progress.state is not StepState.DONE:
            yield f"{name}: {labels.STATES[progress.state].in_language(language)}"
        found = [one for one in progress.findings if one.answer in {Answer.WRONG, Answer.UNKNOWN}]
        for finding in found:
            answer = labels.ANSWERS[finding.answer].in_language(language)
            said = finding.texts(language)
            yield f"{name}: [{answer}] {said.about}: {said.text}"


def _all_findings(emergency: Emergency, steps: Sequence[RunbookStep], language: str) -> Iterator[Block]:
    titles = {step.number: step.title.in_language(language) for step in steps}
    if not any(progress.findings for progress in emergency.steps):
        yield Paragraph(text=labels.NOTHING.in_language(language))
    for progress in emergency.steps:
        if progress.findings:
            yield Heading(level=3, text=f"{progress.number}. {titles.get(progress.number, '')}")
            yield points_of(progress.findings, language)


# ---- people, timeline, evidence --------------------------------------------------------------------------------------


def _people(emergency: Emergency, language: str) -> Table:
    by_person: dict[str, list[Entry]] = {}
    for entry in emergency.entries:
        if entry.proof is not Proof.APP:
            by_person.setdefault(entry.by, []).append(entry)
    head = (labels.NAME, labels.PROOF, labels.ACTS, labels.FIRST, labels.LAST)
    return Table(
        head=tuple(label.in_language(language) for label in head),
        rows=tuple(
            (
                f"{entries[0].name} ({operator})",
                ", ".join(dict.fromkeys(labels.PROOFS[entry.proof].in_language(language) for entry in entries)),
                str(len(entries)),
                labels.when(entries[0].at),
                labels.when(entries[-1].at),
            )
            for operator, entries in by_person.items()
        ),
        unbroken=frozenset({3, 4}),
    )


def _timeline(emergency: Emergency, language: str) -> Table:
    head = (labels.TIME, labels.WHO, labels.WHAT)
    rows = (
        (
            labels.when(entry.at).removesuffix(" UTC"),
            _who(emergency, entry, language),
            labels.said_of(entry.act, language),
        )
        for entry in emergency.entries
    )
    return Table(head=tuple(label.in_language(language) for label in head), rows=tuple(rows), unbroken=frozenset({0}))


def _who(emergency: Emergency, entry: Entry, language: str) -> str:
    if entry.proof is Proof.APP:
        return labels.PROOFS[Proof.APP].in_language(language)
    unchecked = f"; {labels.UNCHECKED.in_language(language)}" if entry.id in emergency.carried else ""
    return f"{entry.name}, {labels.PROOFS[entry.proof].in_language(language)}{unchecked}"


def _evidence(emergency: Emergency, language: str) -> Iterator[Block]:
    kept = dict.fromkeys(one for progress in emergency.steps for one in progress.evidence)
    heads = [one for one in kept if MANIFEST in one.blob]
    last = max(heads, key=lambda one: one.blob, default=None)
    files = [one for one in kept if MANIFEST not in one.blob]
    if not kept:
        yield Paragraph(text=labels.NOTHING.in_language(language))
        return
    yield Paragraph(text=labels.HEAD.in_language(language))
    head = (labels.FILE, labels.SIZE, labels.SUM)
    yield Table(
        head=tuple(label.in_language(language) for label in head),
        rows=tuple((one.blob, f"{one.size:,}", one.sha256) for one in (*files, *([last] if last else []))),
        codes=frozenset({0, 2}),
        unbroken=frozenset({1}),
    )
