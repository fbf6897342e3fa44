"""Step 2 of the break-glass runbook: what is known of the attack, and the playbooks that fit."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import msgspec

from responders.runbooks.playbooks import PLAYBOOKS, Playbook
from shared.emergency.entries import Answer, Finding, StepState
from shared.emergency.finding_texts import FindingText
from shared.emergency.reports import notice_of, notify
from shared.emergency.runbook import RunbookStep, StepContext, StepEnd
from shared.model.bilingual import Words, filled, joined, quoted, same
from shared.model.cases import Case, Decision
from shared.model.errors import EdgeError
from shared.model.notices import NoticeText
from shared.model.settings import Tenant

SINCE: Final = timedelta(hours=24)
_MOST_CASES: Final = 500
_MOST_LISTED: Final = 12


CASES_UNREAD: Final = FindingText(
    id="cases-unread",
    answer=Answer.UNKNOWN,
    about=Words(en="Cases of {tenant}", ko="{tenant} 테넌트의 사례"),
    text=Words(
        en="They can't be read, so nothing is known of them: {because}",
        ko="읽지 못해 알려진 것이 없습니다: {because}",
    ),
    what_to_do=Words(
        en="Look into the audit and sign-in logs by hand. All playbooks are shown, since any may fit.",
        ko="감사 로그와 로그인 로그를 직접 확인하세요. 어느 것이든 해당할 수 있으므로 모든 플레이북을 표시합니다.",
    ),
)
NO_CASES: Final = FindingText(
    id="no-cases",
    answer=Answer.NOTED,
    about=Words(en="Cases of the last 24 hours", ko="최근 24시간의 사례"),
    text=Words(en="None, as far as is known.", ko="알려진 사례가 없습니다."),
)
ACTOR: Final = FindingText(
    id="actor-of-the-last-day",
    answer=Answer.WRONG,
    about=same("{actor}"),
    text=Words(en="{did}. Touched: {touched}.{waits}", ko="{did}. 영향받은 대상: {touched}.{waits}"),
    what_to_do=Words(
        en="See the cases: responder cases. If nobody can answer for this, treat it as an attacker's.",
        ko="responder cases 명령으로 사례를 확인하세요. 설명할 수 있는 사람이 없으면 공격자의 행위로 보고 대응하세요.",
    ),
)
_NAMELESS: Final = Words(en="An actor whom the records don't name", ko="기록에 이름이 없는 행위자")
_NOT_FINISHED: Final = Words(en=" Not finished: {count}.", ko=" 미완료: {count}건.")
_SOMETHING: Final = Words(en="something that the record doesn't name", ko="기록에 이름이 없는 대상")
_AND_MORE: Final = Words(en="{names} and {more} more", ko="{names} 외 {more}개")
OBJECTS: Final = FindingText(
    id="objects-changed",
    answer=Answer.NOTED,
    about=Words(en="Changed policies and roles", ko="변경된 정책과 역할"),
    text=same("{names}"),
)
ACCOUNTS: Final = FindingText(
    id="accounts-touched",
    answer=Answer.NOTED,
    about=Words(en="Accounts touched", ko="영향받은 계정"),
    text=same("{names}"),
)
PLAYBOOK: Final = FindingText(
    id="playbook",
    answer=Answer.NOTED,
    about=Words(en="Playbook: {title}", ko="플레이북: {title}"),
    text=same("{text}"),
    what_to_do=Words(en="Read it, and say in a note that you did.", ko="읽고, 읽었다고 메모에 적으세요."),
)


def _run(step_context: StepContext) -> StepEnd:
    cases: list[Case] = []
    unread: list[Finding] = []
    for tenant in step_context.runtime.settings.tenants:
        step_context.go_on()
        try:
            cases += _cases(step_context, tenant)
        except EdgeError as error:
            unread.append(_unread(tenant, error))
    playbooks = chosen(cases, hybrid=step_context.emergency.hybrid, all_read=not unread)
    for playbook in playbooks:
        _send(step_context, playbook)
    known = {(one.about, one.text) for one in step_context.progress.findings}
    found = (*unread, *_actors(step_context, cases), *_objects(cases), *(_shown(one) for one in playbooks))
    return StepEnd(
        state=StepState.DONE,
        findings=tuple(
            msgspec.structs.replace(one, is_new=bool(known) and (one.about, one.text) not in known) for one in found
        ),
    )


def _cases(step_context: StepContext, tenant: Tenant) -> list[Case]:
    """Read what happened in the last day and before the emergency, that an approved actor didn't do."""
    since = min(step_context.now, step_context.emergency.declared_at) - SINCE
    found = step_context.runtime.ledger.cases(tenant.id, since=since, most=_MOST_CASES)
    return [case for case in found if case.is_open or case.decision is not Decision.RECORD]


def _unread(tenant: Tenant, error: EdgeError) -> Finding:
    return CASES_UNREAD.found(tenant=tenant.name, because=str(error))


def chosen(cases: Iterable[Case], *, hybrid: bool, all_read: bool) -> tuple[Playbook, ...]:
    """Choose the playbooks that fit; all of them, where not everything is known or nothing says which."""
    detections = {each for case in cases for each in (case.detection, *case.detections)}
    fitting = tuple(
        playbook
        for playbook in PLAYBOOKS
        if (hybrid and playbook.fits_hybrid) or any(playbook.fits(detection) for detection in detections)
    )
    return fitting if all_read and detections and fitting else PLAYBOOKS


def _actors(step_context: StepContext, cases: list[Case]) -> Iterable[Finding]:
    """Say who did what, whoever did most first."""
    if not cases:
        yield NO_CASES.found()
    by_actor: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in cases:
        by_actor[case.tenant_id, case.actor.id].append(case)
    for (_, actor), of_actor in sorted(by_actor.items(), key=lambda one: -len(one[1])):
        titles = Counter(_title(step_context, case) for case in of_actor)
        did = "; ".join(f"{title} ({count})" if count > 1 else title for title, count in titles.most_common())
        touched = _listed(_name(case) for case in of_actor)
        waits = sum(case.is_open for case in of_actor)
        name = quoted(of_actor[0].actor.name) if of_actor[0].actor.name else _NAMELESS
        yield ACTOR.found(
            actor=filled(same("{name} ({id})"), name=name, id=actor) if actor else name,
            did=did,
            touched=touched,
            waits=filled(_NOT_FINISHED, count=waits) if waits else "",
        )


def _objects(cases: list[Case]) -> Iterable[Finding]:
    """Say which guarded objects and which accounts were touched."""
    objects = [case for case in cases if case.object_kind is not None]
    accounts = [case for case in cases if case.target.upn or case.target.kind.lower() == "user"]
    for declared, touched in ((OBJECTS, objects), (ACCOUNTS, accounts)):
        if touched:
            yield declared.found(names=_listed(_name(case) for case in touched))


def _title(step_context: StepContext, case: Case) -> str:
    detection = step_context.runtime.detections.get(case.detection)
    return detection.title if detection is not None else case.detection


def _name(case: Case) -> str:
    return case.target.upn or case.target.name or case.target.id


def _listed(names: Iterable[str]) -> Words:
    each = [*dict.fromkeys(names)]
    shown = joined((quoted(name) if name else _SOMETHING for name in each[:_MOST_LISTED]), ", ")
    more = len(each) - _MOST_LISTED
    return filled(_AND_MORE, names=shown, more=more) if more > 0 else shown


def _shown(playbook: Playbook) -> Finding:
    return PLAYBOOK.found(title=playbook.title, text=playbook.text)


PLAYBOOK_SENT: Final = NoticeText(
    id="playbook-sent",
    title=Words(en="Playbook: {title}", ko="플레이북: {title}"),
    text=Words(en="{text}", ko="{text}"),
    what_to_do=Words(en="Read it before you change anything.", ko="무엇이든 바꾸기 전에 읽으세요."),
)


def _send(step_context: StepContext, playbook: Playbook) -> None:
    """Send the whole text to people, once for each emergency and day, so that nobody needs a link to read it."""
    notice = notice_of(
        step_context.emergency,
        f"playbook {playbook.id}",
        PLAYBOOK_SENT,
        title=playbook.title,
        text=playbook.text,
    )
    notify(step_context.runtime, notice)


PLAYBOOK_REVIEW: Final = RunbookStep(
    number=2,
    id="review-the-playbook",
    title=Words(en="Review the attack playbook", ko="공격 플레이북 검토"),
    person=Words(
        en="Read what is known and the playbooks that are shown. Decide which one you follow, and say so in a note.",
        ko="알려진 내용과 표시된 플레이북을 읽으세요. 어느 것을 따를지 결정하고 메모에 적으세요.",
    ),
    system=Words(
        en="Gathers the cases of the last 24 hours by actor, the changed policies and the accounts touched, and sends"
        " the text of the playbooks that fit: account takeover, malicious consent, policy tampering, lock-out,"
        " federation outage.",
        ko="최근 24시간의 사례를 행위자별로 모으고, 변경된 정책과 영향받은 계정을 정리하고, 해당하는 플레이북(계정"
        " 탈취, 악성 동의, 정책 변조, 관리자 잠금, 페더레이션 장애)의 본문을 보냅니다.",
    ),
    check=Words(
        en="Everybody who works on it knows which playbook is followed, and who does what.",
        ko="대응하는 모든 사람이 어떤 플레이북을 따르고 누가 무엇을 하는지 압니다.",
    ),
    failed=Words(
        en="Read the playbooks of the printed runbook. Take account takeover if you can't tell which one fits.",
        ko="인쇄된 런북의 플레이북을 읽으세요. 어느 것인지 알 수 없으면 계정 탈취를 따르세요.",
    ),
    needs=(),
    run=_run,
)
