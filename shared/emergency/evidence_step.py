"""Step 8: the logs, and what the app knows, are exported into the evidence container. A re-run adds what is new."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec

from shared.emergency.entries import Answer, Evidence, Finding, RunKind, StepState
from shared.emergency.evidence import Added, EvidenceBox, Held, Part
from shared.emergency.exports import (
    LogExport,
    Turns,
    Window,
    case_lines,
    change_lines,
    image_lines,
    in_turn,
    log_lines,
    why_not,
    windows,
)
from shared.emergency.manifest import ManifestEntry, gaps_in
from shared.emergency.runbook import StepContext, StepEnd
from shared.model.errors import EdgeError, Refused

BEFORE: Final = timedelta(hours=24)
"""How long before the declaration the window begins."""
BEFORE_A_DRILL: Final = timedelta(hours=1)
_LONGEST: Final = timedelta(minutes=4)
_GOES_ON: Final = timedelta(minutes=1)
_AFTER_A_GAP: Final = timedelta(minutes=15)
_AGAIN: Final = timedelta(minutes=60)

NOT_AMONG_IT: Final = (
    "Exchange's own audit log, mail, files, risk detections, the activity log of the tenant itself and of management"
    " groups, and whatever happened outside of Entra ID and the watched subscriptions"
)
_HOLD: Final = (
    "az storage blob list --account-name {account} --container-name evidence --prefix emergencies/{emergency}/"
    ' --auth-mode login --query "[].name" --output tsv | xargs -I NAME az storage blob set-legal-hold'
    " --account-name {account} --container-name evidence --name NAME --legal-hold true --auth-mode login"
)


def box_of(context: StepContext) -> EvidenceBox:
    """Give the evidence of the emergency that a step is run for."""
    runtime = context.runtime
    storage = runtime.ledger.evidence
    return EvidenceBox(storage, context.emergency.id, clock=runtime.clock, go_on=context.go_on)


def export_evidence(context: StepContext, exports: Iterable[LogExport]) -> StepEnd:
    """Export what is new. What can't be read is in the manifest and among the findings, with the reason.

    Raises EdgeError where evidence can't be written, and LeaseLost where another run has the emergency.
    """
    box = box_of(context)
    since = context.emergency.declared_at - (BEFORE_A_DRILL if context.emergency.drill else BEFORE)
    added = [(part, box.keep(part, lines)) for part, lines in _own_parts(context, since)]
    found = windows(exports, context.apis.values(), since=since, until=context.now)
    waiting = in_turn(found, box.entries(), again=context.kind is not RunKind.REPEAT)
    left = _keep_logs(context, box, waiting, added)
    box.adopt()
    held = None if context.emergency.drill else box.hold_all()
    if held is None:
        context.would_write("set a legal hold on each file of the evidence")
    entries = box.entries()
    findings = (*_findings(entries, added, context), *_about_the_rest(context, left, held))
    has_all_failed = bool(waiting.never or waiting.once_more) and all(
        one.not_read for part, one in added if part.source not in _OWN
    )
    return StepEnd(
        state=StepState.RUNNING if left else StepState.FAILED if has_all_failed else StepState.DONE,
        findings=(*findings, *_head_finding(box.head)),
        evidence=(*((box.head,) if box.head else ()), *(kept for _, one in added for kept in one.evidence)),
        next_at=_next_at(context, left=left, has_gaps=any(gaps_in(entries))),
    )


_OWN: Final = ("cases", "changes", "images")


def _next_at(context: StepContext, *, left: int, has_gaps: bool) -> datetime | None:
    if left:
        return context.now + _GOES_ON
    if context.emergency.drill:
        return None
    return context.now + (_AFTER_A_GAP if has_gaps else _AGAIN)


def _own_parts(context: StepContext, since: datetime) -> Iterator[tuple[Part, Iterable[bytes]]]:
    """Give what the app itself knows of each tenant, with the lines still to be read."""
    runtime, until = context.runtime, context.now
    for tenant in context.apis:
        made: dict[str, Callable[[str], Iterable[bytes]]] = {
            "cases": lambda each: case_lines(runtime, each, since=since),
            "changes": lambda each: change_lines(runtime, each, since=since, go_on=context.go_on),
            "images": lambda each: image_lines(runtime, each, since=since, go_on=context.go_on),
        }
        for source, lines in made.items():
            yield Part(source=source, tenant=tenant, since=since, until=until), lines(tenant)


def _keep_logs(context: StepContext, box: EvidenceBox, waiting: Turns, added: list[tuple[Part, Added]]) -> int:
    """Export windows until the time is over; gives how many are left that were never read.

    A log that refuses is asked once in a run.
    """
    refusals: dict[tuple[str, str, tuple[str, ...]], str] = {}
    left = 0
    for number, window in enumerate((*waiting.never, *waiting.once_more)):
        place = (window.export.name, window.tenant.id, tuple(window.ids.values()))
        if place in refusals:
            added.append((window.part, box.note_gap(window.part, refusals[place])))
        elif context.runtime.clock() - context.now >= _LONGEST:
            left += number < len(waiting.never)
        else:
            failures: list[EdgeError] = []
            lines = _noting(log_lines(context.apis[window.tenant.id], window, go_on=context.go_on), window, failures)
            added.append((window.part, box.keep(window.part, lines)))
            if failures and isinstance(failures[0], Refused):
                refusals[place] = why_not(window.export, failures[0])
    return left


def _noting(lines: Iterable[bytes], window: Window, failures: list[EdgeError]) -> Iterator[bytes]:
    """Pass the lines on; a failure is remembered, and raised in the words that people read."""
    try:
        yield from lines
    except EdgeError as error:
        failures.append(error)
        raise EdgeError(why_not(window.export, error), status=error.status, code=error.code) from error


def _findings(
    entries: Iterable[ManifestEntry], added: Iterable[tuple[Part, Added]], context: StepContext
) -> Iterator[Finding]:
    """Say of each log of each tenant how many records are kept, and what couldn't be read."""
    ordered = tuple(entries)
    names = {tenant_id: api.tenant.name for tenant_id, api in context.apis.items()}
    files = {entry.file: entry for entry in ordered if entry.file}
    new: dict[tuple[str, str], int] = {}
    for part, one in added:
        new[part.source, part.tenant] = new.get((part.source, part.tenant), 0) + one.new
    for (source, tenant), count in new.items():
        total = sum(entry.count for entry in files.values() if (entry.source, entry.tenant) == (source, tenant))
        about = f"{source} of {names[tenant]}"
        yield Finding(
            answer=Answer.NOTED, about=about, text=f"{total:,} records kept, {count:,} of them new", is_new=count > 0
        )
        gaps = [entry for entry in ordered if (entry.source, entry.tenant) == (source, tenant)]
        for because in dict.fromkeys(gap.partition(": ")[2] for gap in gaps_in(gaps)):
            yield Finding(
                answer=Answer.UNKNOWN,
                about=about,
                text=f"not read, or not to its end: {because}",
                what_to_do="Export it by hand in the portal before its retention ends, or have the step run again.",
            )


def _about_the_rest(context: StepContext, left: int, held: Held | None) -> Iterator[Finding]:
    yield Finding(answer=Answer.NOTED, about="not among the evidence", text=NOT_AMONG_IT)
    if left:
        yield Finding(
            answer=Answer.UNKNOWN, about="windows of logs", text=f"{left:,} are still to be read: the export goes on"
        )
    if held is None:
        yield Finding(answer=Answer.NOTED, about="legal hold", text="not set: this is a drill")
    elif held.missing:
        account = context.runtime.ledger.evidence.account_name or "ACCOUNT"
        command = _HOLD.format(account=account, emergency=context.emergency.id)
        yield Finding(
            answer=Answer.WRONG,
            about="legal hold",
            text=f"on {held.held:,} of {held.of:,} files: {held.missing}. The app may not set holds, since"
            " the same right lifts them; the account's own retention protects the files for its time.",
            what_to_do=f"A person with Storage Blob Data Owner runs: {command}",
        )
    else:
        yield Finding(answer=Answer.FINE, about="legal hold", text=f"set on all {held.of:,} files, as read back")


def _head_finding(head: Evidence | None) -> Iterator[Finding]:
    if head is not None:
        yield Finding(
            answer=Answer.NOTED,
            about="manifest",
            text=f"its last entry is {head.blob}, SHA-256 {head.sha256}",
            what_to_do="Write this sum down outside of the tenant: responder evidence verify --head compares with it.",
        )


def encoded_state(state: object) -> bytes:
    """Give a state as a line of JSON that is the same for the same state."""
    return msgspec.json.encode(state, order="deterministic")
