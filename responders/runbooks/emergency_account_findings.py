"""What step 3 may find, and what a person does about it, in English and Korean."""

from typing import Final

from shared.emergency.entries import Answer
from shared.emergency.finding_texts import FindingText
from shared.model.bilingual import Words, same

_WHICH: Final = Words(en="Which account to use", ko="사용할 계정")
_ACCOUNT: Final = Words(en="Emergency account {account}", ko="비상 계정 {account}")
_CREDENTIAL: Final = Words(en="The sealed credential", ko="봉인된 자격 증명")
_POLICIES: Final = Words(en="Policies for emergency account {account}", ko="비상 계정 {account}에 적용되는 정책")
_USE_ANOTHER: Final = Words(en="Use another one.", ko="다른 계정을 사용하세요.")
TRY_EACH: Final = Words(
    en="Try each emergency account from a private window, on another network. If none works, go to step 4.",
    ko="다른 네트워크의 개인 창에서 비상 계정을 하나씩 시도하세요. 모두 안 되면 4단계로 가세요.",
)

TOO_FEW: Final = FindingText(
    id="too-few-emergency-accounts",
    answer=Answer.WRONG,
    about=Words(en="Emergency accounts", ko="비상 계정"),
    text=Words(
        en="EMERGENCY_ACCOUNT_IDS names {count}; there should be two or more.",
        ko="EMERGENCY_ACCOUNT_IDS에 {count}개뿐입니다. 두 개 이상이어야 합니다.",
    ),
    what_to_do=Words(
        en="Sign in with the one that there is; if there is none, go to step 4 at once.",
        ko="있는 계정으로 로그인하세요. 하나도 없으면 바로 4단계로 가세요.",
    ),
)
NONE_READY: Final = FindingText(
    id="no-emergency-account-ready",
    answer=Answer.UNKNOWN,
    about=_WHICH,
    text=Words(
        en="Of no emergency account it is known that it can sign in.",
        ko="로그인할 수 있다고 확인된 비상 계정이 없습니다.",
    ),
    what_to_do=TRY_EACH,
)
READY: Final = FindingText(
    id="emergency-accounts-ready",
    answer=Answer.FINE,
    about=_WHICH,
    text=Words(
        en="As far as can be seen, {accounts} can sign in.",
        ko="확인한 범위에서 로그인할 수 있는 계정: {accounts}.",
    ),
    what_to_do=Words(
        en="Take the sealed credential, two people, and note who opened it.",
        ko="두 사람이 함께 봉인된 자격 증명을 꺼내고 누가 열었는지 기록하세요.",
    ),
)
SEALED: Final = FindingText(id="sealed-credential-where", answer=Answer.NOTED, about=_CREDENTIAL, text=same("{where}"))
SEALED_NOT_SET: Final = FindingText(
    id="sealed-credential-not-set",
    answer=Answer.UNKNOWN,
    about=_CREDENTIAL,
    text=Words(
        en="SEALED_CREDENTIAL isn't set, so the app can't say where it is.",
        ko="SEALED_CREDENTIAL이 설정되지 않아 앱이 위치를 알려 줄 수 없습니다.",
    ),
    what_to_do=Words(
        en="Look at the printed runbook. Later, set SEALED_CREDENTIAL.",
        ko="인쇄된 런북을 보세요. 나중에 SEALED_CREDENTIAL을 설정하세요.",
    ),
)

# ---- the account itself ----------------------------------------------------------------------------------------------

ACCOUNT_UNREAD: Final = FindingText(
    id="emergency-account-unread",
    answer=Answer.UNKNOWN,
    about=_ACCOUNT,
    text=Words(en="It can't be read: {because}", ko="읽지 못했습니다: {because}"),
    what_to_do=Words(en="Try to sign in with it.", ko="이 계정으로 로그인을 시도해 보세요."),
)
ACCOUNT_MISSING: Final = FindingText(
    id="emergency-account-missing",
    answer=Answer.WRONG,
    about=_ACCOUNT,
    text=Words(en="There is no such account in the tenant.", ko="테넌트에 이 계정이 없습니다."),
    what_to_do=Words(
        en="Use another one. Restore it from the deleted users, or put EMERGENCY_ACCOUNT_IDS right.",
        ko="다른 계정을 사용하세요. 삭제된 사용자에서 복원하거나 EMERGENCY_ACCOUNT_IDS를 바로잡으세요.",
    ),
)
ENABLED: Final = FindingText(
    id="emergency-account-enabled",
    answer=Answer.FINE,
    about=_ACCOUNT,
    text=Words(en="It exists and is enabled.", ko="존재하며 사용 가능합니다."),
)
DISABLED: Final = FindingText(
    id="emergency-account-disabled",
    answer=Answer.WRONG,
    about=_ACCOUNT,
    text=Words(en="It is disabled.", ko="사용 중지되어 있습니다."),
    what_to_do=Words(
        en="Use another one; enable it from there: Entra admin center, Users, the account.",
        ko="다른 계정을 사용하고, 그 계정으로 Entra 관리 센터의 사용자에서 이 계정을 사용하도록 설정하세요.",
    ),
)
ENABLED_NOT_SAID: Final = FindingText(
    id="emergency-account-enabled-not-said",
    answer=Answer.UNKNOWN,
    about=_ACCOUNT,
    text=Words(
        en="Graph doesn't say whether it is enabled.",
        ko="Graph로는 사용 가능한지 알 수 없습니다.",
    ),
)
CLOUD_ONLY: Final = FindingText(
    id="emergency-account-cloud-only",
    answer=Answer.FINE,
    about=_ACCOUNT,
    text=Words(en="It is cloud-only.", ko="클라우드 전용입니다."),
)
SYNCHRONIZED: Final = FindingText(
    id="emergency-account-synchronized",
    answer=Answer.WRONG,
    about=_ACCOUNT,
    text=Words(
        en="It is synchronized from on-premises, so it falls with what is there.",
        ko="온-프레미스에서 동기화된 계정이므로 온-프레미스에 문제가 생기면 함께 쓸 수 없게 됩니다.",
    ),
    what_to_do=_USE_ANOTHER,
)
OTHER_DOMAIN: Final = FindingText(
    id="emergency-account-in-another-domain",
    answer=Answer.WRONG,
    about=_ACCOUNT,
    text=Words(
        en="It isn't in the tenant's own domain (*{domain}), so it may depend on a federation.",
        ko="테넌트 기본 도메인(*{domain})의 계정이 아니므로 페더레이션에 의존할 수 있습니다.",
    ),
    what_to_do=Words(en="Use another one first.", ko="먼저 다른 계정을 사용하세요."),
)
CLOUD_ONLY_NOT_SAID: Final = FindingText(
    id="emergency-account-cloud-only-not-said",
    answer=Answer.UNKNOWN,
    about=_ACCOUNT,
    text=Words(
        en="Graph doesn't say whether it is cloud-only.",
        ko="Graph로는 클라우드 전용인지 알 수 없습니다.",
    ),
)
METHODS: Final = FindingText(
    id="emergency-account-methods",
    answer=Answer.FINE,
    about=_ACCOUNT,
    text=Words(en="It has registered {methods}.", ko="등록된 인증 방법: {methods}."),
)
NO_SECOND_FACTOR: Final = FindingText(
    id="emergency-account-without-second-factor",
    answer=Answer.WRONG,
    about=_ACCOUNT,
    text=Words(
        en="It has registered no second factor, which Microsoft asks every administrator for.",
        ko="등록된 두 번째 인증 수단이 없습니다. Microsoft는 모든 관리자에게 이를 요구합니다.",
    ),
    what_to_do=Words(
        en="Use another one first. With this one, register a key when you are asked to.",
        ko="먼저 다른 계정을 사용하세요. 이 계정으로 로그인하면 요청될 때 보안 키를 등록하세요.",
    ),
)
METHODS_UNREAD: Final = FindingText(
    id="emergency-account-methods-unread",
    answer=Answer.UNKNOWN,
    about=_ACCOUNT,
    text=Words(
        en="Whether it has a second factor can't be read: {because}",
        ko="두 번째 인증 수단이 있는지 읽지 못했습니다: {because}",
    ),
)
METHODS_NOT_REPORTED: Final = FindingText(
    id="emergency-account-methods-not-reported",
    answer=Answer.UNKNOWN,
    about=_ACCOUNT,
    text=Words(
        en="The report of registered methods, which is up to a day old, doesn't have it.",
        ko="최대 하루 늦은 등록 방법 보고서에 이 계정이 없습니다.",
    ),
)

# ---- what keeps it out -----------------------------------------------------------------------------------------------

POLICIES_UNREAD_IN_PART: Final = FindingText(
    id="policies-unread-in-part",
    answer=Answer.UNKNOWN,
    about=Words(en="Conditional access", ko="조건부 액세스"),
    text=Words(
        en="Not everything could be read ({what}): {because}",
        ko="일부를 읽지 못했습니다({what}): {because}",
    ),
    what_to_do=Words(
        en="What isn't known counts as keeping an account out.",
        ko="알 수 없는 것은 계정을 막는 것으로 봅니다.",
    ),
)
POLICIES_UNREAD: Final = FindingText(
    id="policies-unread",
    answer=Answer.UNKNOWN,
    about=_POLICIES,
    text=Words(en="Conditional access could not be read.", ko="조건부 액세스 정책을 읽지 못했습니다."),
)
NOT_KEPT_OUT: Final = FindingText(
    id="emergency-account-not-kept-out",
    answer=Answer.FINE,
    about=_POLICIES,
    text=Words(
        en="No conditional access policy keeps it out.",
        ko="이 계정을 막는 조건부 액세스 정책이 없습니다.",
    ),
)
KEPT_OUT_NOT_KNOWN: Final = FindingText(
    id="emergency-account-kept-out-not-known",
    answer=Answer.UNKNOWN,
    about=_POLICIES,
    text=Words(
        en="Whether a policy keeps it out isn't known.",
        ko="이 계정을 막는 정책이 있는지 알 수 없습니다.",
    ),
)
_EXCLUDE: Final = Words(
    en="Exclude the account from the policy, or switch the policy to report-only, from an account that can sign in.",
    ko="로그인할 수 있는 계정으로 이 계정을 정책에서 제외하거나 정책을 보고 전용으로 바꾸세요.",
)
KEPT_OUT: Final = FindingText(
    id="emergency-account-kept-out",
    answer=Answer.WRONG,
    about=_POLICIES,
    text=Words(
        en="“{policy}” keeps it out{where}: it asks for {controls}.{doubts}",
        ko="“{policy}” 정책이 이 계정을 막습니다{where}. 요구 사항: {controls}.{doubts}",
    ),
    what_to_do=_EXCLUDE,
)
MAY_BE_KEPT_OUT: Final = FindingText(
    id="emergency-account-may-be-kept-out",
    answer=Answer.UNKNOWN,
    about=_POLICIES,
    text=Words(
        en="“{policy}” may keep it out{where}: it asks for {controls}.{doubts}",
        ko="“{policy}” 정책이 이 계정을 막을 수 있습니다{where}. 요구 사항: {controls}.{doubts}",
    ),
    what_to_do=_EXCLUDE,
)
WHERE: Final = Words(en=" with {needs}", ko="(조건: {needs})")
DOUBTS: Final = Words(en=" Not known: {names}.", ko=" 알 수 없는 것: {names}.")

# ---- at the end ------------------------------------------------------------------------------------------------------

CREDENTIAL_OPENED: Final = FindingText(
    id="sealed-credential-opened",
    answer=Answer.WRONG,
    about=_ACCOUNT,
    text=Words(
        en="Its sign-in was announced, so its sealed credential was opened.",
        ko="로그인을 예고했으므로 봉인된 자격 증명이 열렸습니다.",
    ),
    what_to_do=Words(
        en="Change its credential and seal the new one, before the case is put away.",
        ko="마무리하기 전에 자격 증명을 바꾸고 새 자격 증명을 봉인하세요.",
    ),
)
