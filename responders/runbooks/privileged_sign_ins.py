"""Step 5 of the break-glass runbook: what privileged accounts did."""

from typing import Final

from responders.kinds.principals import GET_SERVICE_PRINCIPAL, GET_USER
from responders.sources import DIRECTORY_AUDITS, SIGN_INS
from shared.emergency.accounts import PrincipalCalls
from shared.emergency.privileged_sign_ins import Collectors, collect_sign_ins
from shared.emergency.runbook import RunbookStep, StepContext, StepEnd
from shared.ingest.poll import NO_LICENCE
from shared.model.bilingual import Words
from shared.model.calls import Call

PRINCIPALS: Final = PrincipalCalls(user=GET_USER, service_principal=GET_SERVICE_PRINCIPAL)
CALLS: Final[tuple[Call, ...]] = (GET_USER, GET_SERVICE_PRINCIPAL, SIGN_INS, DIRECTORY_AUDITS)

_COLLECTORS: Final = Collectors(
    principals=PRINCIPALS, sign_ins=SIGN_INS, audits=DIRECTORY_AUDITS, no_licence=NO_LICENCE
)


def _run(context: StepContext) -> StepEnd:
    return collect_sign_ins(context, _COLLECTORS)


PRIVILEGED_SIGN_INS: Final = RunbookStep(
    number=5,
    id="collect-privileged-sign-ins",
    title=Words(en="Check the sign-ins of privileged accounts", ko="권한 있는 계정의 로그인 확인"),
    person=Words(
        en="Judge them: is each sign-in and each change somebody's whom you can name, from where he is? Ask him over"
        " another way than the tenant.",
        ko="판단하세요. 로그인과 변경마다 누가 어디에서 한 것인지 말할 수 있습니까?"
        " 테넌트가 아닌 다른 경로로 당사자에게 확인하세요.",
    ),
    system=Words(
        en="Collects sign-ins and changes of the emergency accounts, of those named in the declaration and of all"
        " holders of privileged roles, since a day before the declaration: at once, and again after 5, 15 and 60"
        " minutes, since records arrive late. What is new is marked.",
        ko="비상 계정, 선언에 적힌 계정, 권한 있는 역할을 가진 모든 계정의 로그인과 변경을 선언 하루 전부터 수집합니다."
        " 기록이 늦게 도착하므로 곧바로 한 번, 그리고 5분, 15분, 60분 뒤에 다시 수집하고 새로운 것을 표시합니다.",
    ),
    check=Words(
        en="Each account is listed with its sign-ins and changes, and none as not read.",
        ko="계정마다 로그인과 변경이 나와 있고, 읽지 못한 계정이 없습니다.",
    ),
    failed=Words(
        en="In the portal: Entra ID > Monitoring > Sign-in logs, filtered by each privileged account, interactive and"
        " non-interactive; then Audit logs, filtered by the same as the actor. Look again after an hour.",
        ko="포털에서 Entra ID > 모니터링 > 로그인 로그를 열고 권한 있는 계정마다 대화형과 비대화형 로그인을 확인하세요."
        " 감사 로그에서도 같은 계정이 한 일을 확인하고, 한 시간 뒤에 다시 보세요.",
    ),
    needs=CALLS,
    run=_run,
)
