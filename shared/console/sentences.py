"""What happened, as one sentence: a template for each kind of change and language, never joined from parts.

Who did it, with standing, is put in front in both languages. Where no object is guarded, the detection's own title
says what happened; it is in English only, and marked so.
"""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from shared.console.markup import Html, el, in_headline, joined, sentence
from shared.model.bilingual import KOREAN, Words
from shared.model.cases import Case, Standing
from shared.model.detections import AnyDetection
from shared.model.events import ActorKind
from shared.model.kinds import ObjectKind
from shared.model.objects import ObjectChange, Op, list_of
from shared.notify.wording import change_text, is_sign_in
from shared.objects.comparing import member_of
from shared.respond.unexplained import UNEXPLAINED

NOUNS: Final[Mapping[ObjectKind, Words]] = {
    ObjectKind.CA_POLICY: Words(en="conditional access policy", ko="조건부 액세스 정책"),
    ObjectKind.SECURITY_DEFAULTS: Words(en="security defaults", ko="보안 기본값 설정"),
    ObjectKind.METHODS_POLICY: Words(en="authentication methods policy", ko="인증 방법 정책"),
    ObjectKind.CUSTOM_POLICY: Words(en="custom policy", ko="사용자 지정 정책"),
    ObjectKind.USER_FLOW: Words(en="user flow", ko="사용자 흐름 설정"),
    ObjectKind.API_CONNECTOR: Words(en="API connector", ko="API 커넥터 설정"),
    ObjectKind.IDENTITY_PROVIDER: Words(en="identity provider", ko="ID 공급자 설정"),
    ObjectKind.ROLE_ASSIGNMENT: Words(en="Azure role assignment", ko="Azure 역할 할당"),
    ObjectKind.DIRECTORY_ROLE_ASSIGNMENT: Words(en="directory role assignment", ko="디렉터리 역할 할당"),
    ObjectKind.DIRECTORY_ROLE_ELIGIBILITY: Words(en="eligibility for a directory role", ko="디렉터리 역할 자격 할당"),
    ObjectKind.APP_ROLE_ASSIGNMENT: Words(en="application permission", ko="애플리케이션 권한"),
    ObjectKind.NAMED_LOCATION: Words(en="named location", ko="명명된 위치 설정"),
    ObjectKind.AUTHENTICATION_STRENGTH: Words(en="authentication strength", ko="인증 강도 설정"),
    ObjectKind.AUTHENTICATION_CONTEXT: Words(en="authentication context", ko="인증 컨텍스트 설정"),
    ObjectKind.APPLICATION: Words(en="application", ko="애플리케이션 설정"),
    ObjectKind.SERVICE_PRINCIPAL: Words(en="service principal", ko="서비스 주체 설정"),
    ObjectKind.APPLICATION_OWNER: Words(en="owner of an application", ko="애플리케이션 소유자 설정"),
    ObjectKind.DELEGATED_GRANT: Words(en="delegated permission", ko="위임된 권한"),
    ObjectKind.USER_GRANT: Words(en="delegated permission for one user", ko="사용자별 위임 권한"),
    ObjectKind.GUARDED_GROUP: Words(en="group", ko="그룹"),
    ObjectKind.RESTRICTED_UNIT: Words(en="restricted management administrative unit", ko="제한된 관리 단위 설정"),
    ObjectKind.DIAGNOSTIC_SETTING: Words(en="diagnostic setting", ko="진단 설정"),
    ObjectKind.ENTRA_DIAGNOSTIC_SETTING: Words(en="diagnostic setting of Entra ID", ko="Entra ID 진단 설정"),
    ObjectKind.EVENT_SUBSCRIPTION: Words(en="event subscription", ko="이벤트 구독"),
}
"""Each kind of object. The Korean ones end in a consonant, so that 을 follows."""

_OPS: Final[Mapping[Op, Words]] = {
    Op.CREATE: Words(en="{who} made the {noun} “{object}”", ko="{who} ‘{object}’ {noun}을 만들었습니다"),
    Op.UPDATE: Words(en="{who} changed the {noun} “{object}”", ko="{who} ‘{object}’ {noun}을 변경했습니다"),
    Op.DELETE: Words(en="{who} deleted the {noun} “{object}”", ko="{who} ‘{object}’ {noun}을 삭제했습니다"),
}
_GIVEN: Final = frozenset(
    {
        ObjectKind.ROLE_ASSIGNMENT,
        ObjectKind.DIRECTORY_ROLE_ASSIGNMENT,
        ObjectKind.DIRECTORY_ROLE_ELIGIBILITY,
        ObjectKind.APP_ROLE_ASSIGNMENT,
        ObjectKind.APPLICATION_OWNER,
        ObjectKind.DELEGATED_GRANT,
        ObjectKind.USER_GRANT,
    }
)
"""What is given and taken away, not made and deleted."""
_GIVEN_OPS: Final[Mapping[Op, Words]] = {
    Op.CREATE: Words(en="{who} gave the {noun} “{object}”", ko="{who} ‘{object}’ {noun}을 추가했습니다"),
    Op.UPDATE: _OPS[Op.UPDATE],
    Op.DELETE: Words(en="{who} took the {noun} “{object}” away", ko="{who} ‘{object}’ {noun}을 제거했습니다"),
}
_EXCLUDED_OWN: Final = Words(
    en="{who} excluded their own account from “{object}”",
    ko="{who} ‘{object}’ 정책의 제외 대상에 자기 계정을 추가했습니다",
)
_EXCLUDED: Final = Words(
    en="{who} excluded {whom} from “{object}”", ko="{who} ‘{object}’ 정책의 제외 대상에 {whom} 계정을 추가했습니다"
)
_EXCLUDED_GROUP: Final = Words(
    en="{who} excluded the group {whom} from “{object}”",
    ko="{who} ‘{object}’ 정책의 제외 대상에 {whom} 그룹을 추가했습니다",
)
_SWITCHED: Final[Mapping[str, Words]] = {
    "disabled": Words(en="{who} switched “{object}” off", ko="{who} ‘{object}’ 정책을 껐습니다"),
    "enabled": Words(en="{who} switched “{object}” on", ko="{who} ‘{object}’ 정책을 켰습니다"),
    "enabledForReportingButNotEnforced": Words(
        en="{who} set “{object}” to report only", ko="{who} ‘{object}’ 정책을 보고 전용으로 바꿨습니다"
    ),
}
_ADDED_MEMBER: Final = Words(
    en="{who} put {whom} into the group “{object}”", ko="{who} ‘{object}’ 그룹에 {whom} 계정을 넣었습니다"
)
_REMOVED_MEMBER: Final = Words(
    en="{who} took {whom} out of the group “{object}”", ko="{who} ‘{object}’ 그룹에서 {whom} 계정을 뺐습니다"
)
_UNEXPLAINED: Final = Words(
    en="The {noun} “{object}” stands otherwise, and no record says who changed it",
    ko="‘{object}’ {noun}이 달라졌지만, 누가 변경했는지 기록이 없습니다",
)
_BY_TITLE: Final = Words(en="{title}, by {who}", ko="{who} 한 일: {title}")
_SIGN_IN: Final = Words(en="{title}: {object}", ko="{object}: {title}")

_WHO: Final = Words(en="{name}", ko="{name} 님이")
_WHO_SERVICE: Final = Words(en="“{name}”", ko="‘{name}’ 앱이")
_NOBODY: Final = Words(en="Somebody the record doesn't name", ko="기록에 이름이 없는 누군가가")
_WITH: Final[Mapping[Standing, Words]] = {
    Standing.UNAPPROVED: Words(en="{who}, who isn't approved,", ko="승인되지 않은 {who}"),
    Standing.UNKNOWN: Words(en="{who}, who may or may not be approved,", ko="승인 여부를 알 수 없는 {who}"),
    Standing.APPROVED: Words(en="{who}, who is approved,", ko="승인된 {who}"),
}

type Named = Callable[[str], str]
"""Gives the name of an id in lower case, "" where it isn't known."""


class Said(Struct, frozen=True, kw_only=True):
    """What a sentence is made for: the language, whether with the actor's standing, and links, "" for none."""

    language: str
    with_standing: bool = False
    who_link: str = ""
    object_link: str = ""


def what_happened(
    case: Case, detection: AnyDetection, change: ObjectChange | None, named: Named, said: Said, *, object_name: str = ""
) -> Html:
    """Say in one sentence who did what to what, without a full stop. `change` is that of a guarded object."""
    who = who_did(case, detection, said)
    whom = object_name or case.target.name or case.target.id
    about = _linked(in_headline(whom), said.object_link)
    if case.object_kind is not None and (change is not None or case.detection == UNEXPLAINED.id):
        noun = NOUNS[case.object_kind].in_language(said.language)
        words = _UNEXPLAINED if change is None else _template(case.object_kind, change)
        person = _whom(change, named)
        return sentence(words.in_language(said.language), who=who, noun=noun, object=about, whom=person)
    title = el("span", change_text(detection, max_length=200), lang="en" if said.language == KOREAN else None)
    if detection.counted or is_sign_in(detection):
        subject = about if detection.counted else _name_of_actor(case)
        return sentence(_SIGN_IN.in_language(said.language), title=title, object=subject)
    return sentence(_BY_TITLE.in_language(said.language), title=title, who=who)


def _template(kind: ObjectKind, change: ObjectChange) -> Words:
    single = _single(change)
    if change.op is not Op.UPDATE or single is None:
        return (_GIVEN_OPS if kind in _GIVEN else _OPS)[change.op]
    leaf, new = single
    member, is_added = member_of(leaf), new is not None
    match kind, list_of(leaf):
        case ObjectKind.CA_POLICY, "conditions.users.excludeUsers" if is_added:
            return _EXCLUDED_OWN if member.lower() == change.actor.id.lower() else _EXCLUDED
        case ObjectKind.CA_POLICY, "conditions.users.excludeGroups" if is_added:
            return _EXCLUDED_GROUP
        case ObjectKind.GUARDED_GROUP, "members":
            return _ADDED_MEMBER if is_added else _REMOVED_MEMBER
        case ObjectKind.CA_POLICY, "" if leaf == "state" and str(new) in _SWITCHED:
            return _SWITCHED[str(new)]
        case _:
            return _OPS[Op.UPDATE]


def _single(change: ObjectChange) -> tuple[str, object] | None:
    """Give the only leaf that a change wrote, and its new value; None where it wrote several, or that isn't known."""
    wrote = {leaf: step for leaf, step in change.wrote.items() if step[0] != step[1]}
    if len(wrote) != 1 or not (change.is_whole or change.whole_properties):
        return None
    ((leaf, (_, new)),) = wrote.items()
    return leaf, new


def _whom(change: ObjectChange | None, named: Named) -> Html:
    single = _single(change) if change else None
    member = member_of(single[0]) if single else ""
    return in_headline(named(member.lower()) or member)


def who_did(case: Case, detection: AnyDetection, said: Said) -> Html:
    """Name who did it, as the subject of a sentence."""
    if not case.actor.id and not case.actor.name:
        return joined(_NOBODY.in_language(said.language))
    words = _WHO_SERVICE if case.actor.kind is ActorKind.SERVICE_PRINCIPAL else _WHO
    who = sentence(words.in_language(said.language), name=_linked(_name_of_actor(case), said.who_link))
    if not said.with_standing or not (detection.unless_actor_in or case.standing is not Standing.UNKNOWN):
        return who
    return sentence(_WITH[case.standing].in_language(said.language), who=who)


def _name_of_actor(case: Case) -> Html:
    return in_headline(case.actor.name or case.actor.id)


def _linked(text: Html, link: str) -> Html:
    return el("a", text, href=link) if link else text
