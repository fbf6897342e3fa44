"""Step 8: the logs, and what the app knows, are exported into the evidence container. A re-run adds what is new."""

from collections.abc import Callable, Iterable, Iterator, Sequence
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
from shared.emergency.finding_texts import FindingText
from shared.emergency.manifest import ManifestEntry, gaps_in
from shared.emergency.runbook import StepContext, StepEnd
from shared.model.bilingual import Words, quoted
from shared.model.errors import EdgeError, Refused

BEFORE: Final = timedelta(hours=24)
"""How long before the declaration the window begins."""
BEFORE_A_DRILL: Final = timedelta(hours=1)
_LONGEST: Final = timedelta(minutes=4)
_GOES_ON: Final = timedelta(minutes=1)
_AFTER_A_GAP: Final = timedelta(minutes=15)
_AGAIN: Final = timedelta(minutes=60)

NOT_AMONG_IT: Final = FindingText(
    id="not-among-the-evidence",
    answer=Answer.NOTED,
    about=Words(en="not among the evidence", ko="증거에 없는 것"),
    text=Words(
        en="Exchange's own audit log, mail, files, risk detections, the activity log of the tenant itself and of"
        " management groups, and whatever happened outside of Entra ID and the watched subscriptions",
        ko="Exchange 자체 감사 로그, 메일, 파일, 위험 탐지, 테넌트 자체와 관리 그룹의 활동 로그, 그리고 Entra ID와"
        " 감시하는 구독 밖에서 일어난 일",
    ),
)
_SOURCE: Final = Words(en="{source} of {tenant}", ko="{source}({tenant})")
RECORDS_KEPT: Final = FindingText(
    id="records-kept",
    answer=Answer.NOTED,
    about=_SOURCE,
    text=Words(
        en="{total:,} records kept, {new:,} of them new",
        ko="기록 {total:,}건 보관, 새 기록 {new:,}건",
    ),
)
LOG_NOT_READ: Final = FindingText(
    id="log-not-read",
    answer=Answer.UNKNOWN,
    about=_SOURCE,
    text=Words(
        en="not read, or not to its end: {because}",
        ko="읽지 못했거나 끝까지 읽지 못했습니다: {because}",
    ),
    what_to_do=Words(
        en="Export it by hand in the portal before its retention ends, or have the step run again.",
        ko="보존 기간이 끝나기 전에 포털에서 직접 내보내거나 이 단계를 다시 실행하세요.",
    ),
)
WINDOWS_LEFT: Final = FindingText(
    id="windows-left",
    answer=Answer.UNKNOWN,
    about=Words(en="windows of logs", ko="로그 구간"),
    text=Words(
        en="{count:,} are still to be read: the export goes on",
        ko="아직 {count:,}개를 읽어야 합니다. 내보내기가 계속됩니다",
    ),
)
_LEGAL_HOLD: Final = Words(en="legal hold", ko="법적 보존")
NO_HOLD_IN_A_DRILL: Final = FindingText(
    id="no-legal-hold-in-a-drill",
    answer=Answer.NOTED,
    about=_LEGAL_HOLD,
    text=Words(en="not set: this is a drill", ko="훈련이므로 설정하지 않았습니다"),
)
HOLD_MISSING: Final = FindingText(
    id="legal-hold-missing",
    answer=Answer.WRONG,
    about=_LEGAL_HOLD,
    text=Words(
        en="on {held:,} of {of:,} files: {missing}. The app may not set holds, since the same right lifts them; the"
        " account's own retention protects the files for its time.",
        ko="파일 {of:,}개 중 {held:,}개에 설정됨: {missing}. 설정 권한으로 해제도 할 수 있으므로 앱에는 이 권한이"
        " 없습니다. 그동안은 스토리지 계정의 보존 정책이 파일을 보호합니다.",
    ),
    what_to_do=Words(
        en="A person with Storage Blob Data Owner runs: {command}",
        ko="Storage Blob Data Owner 역할을 가진 사람이 실행하세요: {command}",
    ),
)
HOLD_SET: Final = FindingText(
    id="legal-hold-set",
    answer=Answer.FINE,
    about=_LEGAL_HOLD,
    text=Words(
        en="set on all {of:,} files, as read back",
        ko="파일 {of:,}개 모두에 설정되었음을 다시 읽어 확인했습니다",
    ),
)
HEAD: Final = FindingText(
    id="manifest-head",
    answer=Answer.NOTED,
    about=Words(en="manifest", ko="매니페스트"),
    text=Words(
        en="its last entry is {blob}, SHA-256 {sha256}",
        ko="마지막 항목 {blob}, SHA-256 {sha256}",
    ),
    what_to_do=Words(
        en="Write this sum down outside of the tenant: responder evidence verify --head compares with it.",
        ko="이 해시 값을 테넌트 밖에 적어 두세요. responder evidence verify --head 명령이 이 값과 비교합니다.",
    ),
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


def export_evidence(context: StepContext, exports: Sequence[LogExport]) -> StepEnd:
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
    findings = (*_findings(entries, added, context, exports), *_about_the_rest(context, left, held))
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
_OWN_NAMES: Final = (
    Words(en="cases", ko="사례"),
    Words(en="changes", ko="변경 사항"),
    Words(en="images", ko="변경 전후 상태"),
)


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
    entries: Iterable[ManifestEntry],
    added: Iterable[tuple[Part, Added]],
    context: StepContext,
    exports: Sequence[LogExport],
) -> Iterator[Finding]:
    """Say of each log of each tenant how many records are kept, and what couldn't be read."""
    ordered = tuple(entries)
    sources = {name.en: name for name in (*_OWN_NAMES, *(Words(en=one.name, ko=one.korean) for one in exports))}
    names = {tenant_id: api.tenant.name for tenant_id, api in context.apis.items()}
    files = {entry.file: entry for entry in ordered if entry.file}
    new: dict[tuple[str, str], int] = {}
    for part, one in added:
        new[part.source, part.tenant] = new.get((part.source, part.tenant), 0) + one.new
    for (source, tenant), count in new.items():
        total = sum(entry.count for entry in files.values() if (entry.source, entry.tenant) == (source, tenant))
        said = sources.get(source, quoted(source))
        yield RECORDS_KEPT.found(source=said, tenant=names[tenant], total=total, new=count, is_new=count > 0)
        gaps = [entry for entry in ordered if (entry.source, entry.tenant) == (source, tenant)]
        for because in dict.fromkeys(gap.partition(": ")[2] for gap in gaps_in(gaps)):
            yield LOG_NOT_READ.found(source=said, tenant=names[tenant], because=because)


def _about_the_rest(context: StepContext, left: int, held: Held | None) -> Iterator[Finding]:
    yield NOT_AMONG_IT.found()
    if left:
        yield WINDOWS_LEFT.found(count=left)
    if held is None:
        yield NO_HOLD_IN_A_DRILL.found()
    elif held.missing:
        account = context.runtime.ledger.evidence.account_name or "ACCOUNT"
        command = _HOLD.format(account=account, emergency=context.emergency.id)
        yield HOLD_MISSING.found(held=held.held, of=held.of, missing=held.missing, command=command)
    else:
        yield HOLD_SET.found(of=held.of)


def _head_finding(head: Evidence | None) -> Iterator[Finding]:
    if head is not None:
        yield HEAD.found(blob=head.blob, sha256=head.sha256)


def encoded_state(state: object) -> bytes:
    """Give a state as a line of JSON that is the same for the same state."""
    return msgspec.json.encode(state, order="deterministic")
