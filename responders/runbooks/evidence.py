"""Step 8 of the break-glass runbook: the evidence is exported and kept."""

from typing import Final

from responders.kinds.activity_log import LIST_ACTIVITY
from responders.sources import AUDIT_LOG, SIGN_IN_LOG, SIGN_INS
from shared.emergency.evidence_step import export_evidence
from shared.emergency.exports import LogExport
from shared.emergency.runbook import RunbookStep, StepContext, StepEnd
from shared.ingest.poll import NO_LICENCE
from shared.model.bilingual import Words
from shared.model.calls import Call
from shared.model.kinds import TenantKind

_EVERYWHERE: Final = (TenantKind.WORKFORCE, TenantKind.B2C)


def _sign_ins_of(kind: Words, event_type: str) -> LogExport:
    return LogExport(
        name=f"sign-ins of {kind.en}",
        korean=f"{kind.ko} 로그인",
        call=SIGN_INS,
        kinds=_EVERYWHERE,
        time_field=SIGN_IN_LOG.time_field,
        page_size=SIGN_IN_LOG.page_size,
        only=f"signInEventTypes/any(t: t eq '{event_type}')",
        no_licence=NO_LICENCE,
    )


EXPORTS: Final = (
    LogExport(
        name="audit log",
        korean="감사 로그",
        call=AUDIT_LOG.call,
        kinds=_EVERYWHERE,
        time_field=AUDIT_LOG.time_field,
        page_size=AUDIT_LOG.page_size,
    ),
    LogExport(
        name="sign-ins of users",
        korean="사용자 로그인",
        call=SIGN_INS,
        kinds=_EVERYWHERE,
        time_field=SIGN_IN_LOG.time_field,
        page_size=SIGN_IN_LOG.page_size,
        only=SIGN_IN_LOG.only,
        no_licence=NO_LICENCE,
    ),
    _sign_ins_of(Words(en="service principals", ko="서비스 주체"), "servicePrincipal"),
    _sign_ins_of(Words(en="managed identities", ko="관리 ID"), "managedIdentity"),
    LogExport(
        name="activity log",
        korean="활동 로그",
        call=LIST_ACTIVITY,
        kinds=(TenantKind.WORKFORCE,),
        time_field="eventTimestamp",
        quotes="'",
        query={"api-version": "2015-04-01"},
        each=lambda api: [{"subscription": each} for each in sorted(api.tenant.subscriptions)],
    ),
)
"""The logs that are exported. What each needs is its call's."""

CALLS: Final[tuple[Call, ...]] = tuple(dict.fromkeys(export.call for export in EXPORTS))


def _run(context: StepContext) -> StepEnd:
    return export_evidence(context, EXPORTS)


EVIDENCE: Final = RunbookStep(
    number=8,
    id="keep-the-evidence",
    title=Words(en="Keep the evidence", ko="증거 보존"),
    person=Words(
        en="Take over custody: note who has access to the evidence from now on, and write the manifest's last sum"
        " down outside of the tenant.",
        ko="증거의 보관 책임을 인수하세요. 지금부터 누가 증거에 접근할 수 있는지 기록하고,"
        " 매니페스트의 마지막 해시 값을 테넌트 밖에 적어 두세요.",
    ),
    system=Words(
        en="Exports the audit log, the sign-ins and the activity log since a day before the declaration, with the"
        " app's own cases, changes and images before and after, as compressed NDJSON into the immutable container,"
        " with a manifest whose entries hang together by SHA-256. Each further run adds only what is new.",
        ko="선언 하루 전부터의 감사 로그, 로그인 기록, 활동 로그와 앱이 가진 사례, 변경 사항,"
        " 변경 전후 상태를 압축 NDJSON으로 변경 불가 컨테이너에 내보냅니다."
        " 매니페스트의 항목들은 SHA-256으로 이어져 있습니다. 다시 실행하면 새로운 것만 추가됩니다.",
    ),
    check=Words(
        en="`responder evidence verify EMERGENCY --head SUM` says that the evidence is as it was kept.",
        ko="`responder evidence verify EMERGENCY --head SUM` 명령이 증거가 보존된 그대로라고 답합니다.",
    ),
    failed=Words(
        en="In the portal, download the audit log and the sign-in logs (Entra ID > Monitoring > Audit logs, Sign-in"
        " logs > Download) and the activity log of each subscription. Note the SHA-256 of each file, and keep them on"
        " two media.",
        ko="포털에서 감사 로그와 로그인 로그(Entra ID > 모니터링 > 감사 로그, 로그인 로그 > 다운로드),"
        " 각 구독의 활동 로그를 내려받으세요. 파일마다 SHA-256을 기록하고 두 개의 매체에 보관하세요.",
    ),
    needs=CALLS,
    run=_run,
)
