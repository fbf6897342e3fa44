"""What step 6 may find, and what a person does about it, in English and Korean."""

from typing import Final

from shared.emergency.entries import Answer
from shared.emergency.finding_texts import FindingText
from shared.model.bilingual import Words, same

_DOMAIN: Final = same("{domain}")
_DOMAINS: Final = Words(en="domains", ko="도메인")
_WHAT_TO_DO: Final = Words(en="what to do", ko="할 일")
_HASH_SYNC: Final = Words(en="password hash synchronization", ko="암호 해시 동기화")
_HASH_AGE: Final = Words(en="age of the password hashes", ko="암호 해시의 최신 여부")
_RUN_IT: Final = Words(
    en="Sign in as the break-glass administrator, and run: {command}",
    ko="비상 관리자로 로그인해 다음을 실행하세요: {command}",
)
_LOOK_AT_IT: Final = Words(en="Look at it, and ask for it again.", ko="내용을 확인하고 다시 요청하세요.")
_RUN_THE_STEP_AGAIN: Final = Words(
    en="Run this step again afterwards: it reads back what stands.",
    ko="그 뒤에 이 단계를 다시 실행하면 현재 상태를 읽어 확인합니다.",
)

# ---- domains ---------------------------------------------------------------------------------------------------------

KEPT: Final = FindingText(
    id="federation-settings-kept",
    answer=Answer.FINE,
    about=_DOMAIN,
    text=Words(
        en="It is federated{below}. Its settings are kept: {blob}.",
        ko="페더레이션 도메인입니다{below}. 설정을 보관했습니다: {blob}",
    ),
)
WITH_SUBDOMAINS: Final = Words(
    en=", and its subdomains {names} with it",
    ko="(하위 도메인 포함: {names})",
)
NOT_KEPT: Final = FindingText(
    id="federation-settings-not-kept",
    answer=Answer.UNKNOWN,
    about=_DOMAIN,
    text=Words(
        en="It is federated, and its settings could not be read or kept: {because}",
        ko="페더레이션 도메인인데 설정을 읽거나 보관하지 못했습니다: {because}",
    ),
)
NO_SETTINGS: Final = Words(
    en="the domain is federated, and Graph gives no settings of it.",
    ko="페더레이션 도메인인데 Graph에 설정이 없습니다.",
)
SETTINGS_MISSING: Final = Words(
    en="{names} are missing in them.",
    ko="설정에 없는 항목이 있습니다: {names}.",
)
DOMAIN_UNREADABLE: Final = FindingText(
    id="domain-unreadable",
    answer=Answer.UNKNOWN,
    about=_DOMAIN,
    text=Words(
        en="Graph doesn't say whether this domain is a root, or how its people sign in.",
        ko="Graph로는 이 도메인이 루트인지, 사용자가 어떻게 로그인하는지 알 수 없습니다.",
    ),
)
SUBDOMAIN_ALONE: Final = FindingText(
    id="federated-subdomain-alone",
    answer=Answer.WRONG,
    about=_DOMAIN,
    text=Words(
        en="It is a federated subdomain whose root isn't federated. A subdomain can't be changed by itself.",
        ko="루트 도메인은 페더레이션이 아닌데 하위 도메인만 페더레이션입니다. 하위 도메인은 따로 변경할 수 없습니다.",
    ),
    what_to_do=Words(
        en="Ask Microsoft's support how this came to be before you change the root.",
        ko="루트 도메인을 변경하기 전에 왜 이렇게 되었는지 Microsoft 지원에 문의하세요.",
    ),
)

# ---- one write -------------------------------------------------------------------------------------------------------

CHANGED_MEANWHILE: Final = FindingText(
    id="domain-changed-meanwhile",
    answer=Answer.WRONG,
    about=_DOMAIN,
    text=Words(en="Nothing was sent: {changed}.", ko="아무것도 보내지 않았습니다: {changed}."),
    what_to_do=_LOOK_AT_IT,
)
IT_CHANGED: Final = Words(en="it changed meanwhile", ko="그사이 상태가 바뀌었습니다")
NOT_LOOKED_AT_AGAIN: Final = FindingText(
    id="domain-not-looked-at-again",
    answer=Answer.UNKNOWN,
    about=_DOMAIN,
    text=Words(
        en="Nothing was sent, since this can't be looked at again, or noted, just before: {because}",
        ko="보내기 직전에 다시 확인하거나 기록하지 못해 아무것도 보내지 않았습니다: {because}",
    ),
    what_to_do=_RUN_IT,
)
REFUSED: Final = FindingText(
    id="domain-write-refused",
    answer=Answer.WRONG,
    about=_DOMAIN,
    text=Words(en="Graph refuses it to the app: {because}", ko="Graph가 앱의 요청을 거부했습니다: {because}"),
    what_to_do=_RUN_IT,
)
NOT_TAKEN: Final = FindingText(
    id="domain-write-not-taken",
    answer=Answer.WRONG,
    about=_DOMAIN,
    text=Words(en="Graph doesn't take it: {because}", ko="Graph가 요청을 받아들이지 않습니다: {because}"),
    what_to_do=_RUN_IT,
)
WOULD_BE_SENT: Final = FindingText(
    id="domain-write-in-a-drill",
    answer=Answer.NOTED,
    about=_DOMAIN,
    text=Words(
        en="A drill changes nothing. In an emergency it would have been sent now.",
        ko="훈련이므로 아무것도 변경하지 않습니다. 실제 비상 상황이라면 지금 보냈을 것입니다.",
    ),
)
STANDS_AS_AGREED: Final = FindingText(
    id="domain-stands-as-agreed",
    answer=Answer.FINE,
    about=_DOMAIN,
    text=Words(
        en="It stands as agreed, as read back at {at} UTC.",
        ko="합의한 상태입니다. {at} UTC에 다시 읽어 확인했습니다.",
    ),
)
NOT_SHOWN_YET: Final = FindingText(
    id="domain-write-not-shown-yet",
    answer=Answer.UNKNOWN,
    about=_DOMAIN,
    text=Words(
        en="{so_far}, and the tenant doesn't show it yet.{last} It may take an hour to show.",
        ko="{so_far}. 테넌트에는 아직 보이지 않습니다.{last} 보이기까지 한 시간이 걸릴 수 있습니다.",
    ),
    what_to_do=Words(
        en="Wait for it. If it hasn't come by then, ask for it again, or run: {command}",
        ko="기다리세요. 그때까지 보이지 않으면 다시 요청하거나 다음을 실행하세요: {command}",
    ),
)
AFTER_NOT_KEPT: Final = FindingText(
    id="domain-state-after-not-kept",
    answer=Answer.UNKNOWN,
    about=_DOMAIN,
    text=Words(
        en="How it stands now could not be read or kept as evidence: {because}",
        ko="현재 상태를 읽거나 증거로 보관하지 못했습니다: {because}",
    ),
    what_to_do=_RUN_THE_STEP_AGAIN,
)
CANT_BE_READ_BACK: Final = Words(en=" It can't be read back: {because}.", ko=" 다시 읽지 못했습니다: {because}.")
NOT_TWICE: Final = Words(
    en="An earlier run may have sent this, and it isn't sent twice",
    ko="이전 실행이 이미 보냈을 수 있으므로 두 번 보내지 않습니다",
)
MAY_HAVE_ARRIVED: Final = Words(
    en="It isn't known whether the request arrived ({lost})",
    ko="요청이 도착했는지 알 수 없습니다({lost})",
)
SENT: Final = Words(en="It was sent", ko="보냈습니다")

# ---- how it ends -----------------------------------------------------------------------------------------------------

_DECLARE_AS_HYBRID: Final = Words(
    en="If people can't sign in because of the federation, declare the emergency as hybrid.",
    ko="페더레이션 때문에 로그인할 수 없다면 비상 상황을 하이브리드로 선언하세요.",
)
NOT_HYBRID_UNREAD: Final = FindingText(
    id="not-hybrid-domains-unread",
    answer=Answer.UNKNOWN,
    about=_DOMAINS,
    text=Words(
        en="The emergency was declared as not hybrid. Whether a domain is federated can't be read: {because}",
        ko="하이브리드가 아니라고 선언했습니다. 페더레이션 도메인이 있는지는 읽지 못했습니다: {because}",
    ),
    what_to_do=_DECLARE_AS_HYBRID,
)
NOT_HYBRID_AND_FEDERATED: Final = FindingText(
    id="not-hybrid-and-federated",
    answer=Answer.WRONG,
    about=_DOMAINS,
    text=Words(
        en="The emergency was declared as not hybrid, and yet these domains are federated: {names}.",
        ko="하이브리드가 아니라고 선언했지만 페더레이션 도메인이 있습니다: {names}.",
    ),
    what_to_do=_DECLARE_AS_HYBRID,
)
NOT_HYBRID: Final = FindingText(
    id="not-hybrid",
    answer=Answer.FINE,
    about=_DOMAINS,
    text=Words(
        en="The emergency isn't hybrid, and no domain is federated.",
        ko="하이브리드가 아니며 페더레이션 도메인도 없습니다.",
    ),
)
DOMAINS_UNREAD: Final = FindingText(
    id="domains-unread",
    answer=Answer.UNKNOWN,
    about=_DOMAINS,
    text=Words(
        en="How people of the domains sign in can't be read, so nothing is changed: {because}",
        ko="도메인의 로그인 방식을 읽지 못해 아무것도 변경하지 않습니다: {because}",
    ),
    what_to_do=Words(
        en="As the break-glass administrator, look with"
        " Connect-MgGraph -TenantId {tenant} -Scopes Domain.Read.All; Get-MgDomain",
        ko="비상 관리자로 다음을 실행해 확인하세요:"
        " Connect-MgGraph -TenantId {tenant} -Scopes Domain.Read.All; Get-MgDomain",
    ),
)
SWITCHED: Final = FindingText(
    id="domain-switched",
    answer=Answer.FINE,
    about=_DOMAIN,
    text=Words(
        en="It is managed: Entra ID checks passwords itself. Its settings before are kept.",
        ko="관리형입니다. Entra ID가 암호를 직접 확인합니다. 이전 설정은 보관되어 있습니다.",
    ),
)
NONE_FEDERATED: Final = FindingText(
    id="no-domain-federated",
    answer=Answer.NOTED,
    about=_DOMAINS,
    text=Words(
        en="No domain is federated, so there is nothing to switch.",
        ko="페더레이션 도메인이 없으므로 전환할 것이 없습니다.",
    ),
    what_to_do=Words(
        en="If passwords are checked on the premises (pass-through authentication), change the sign-in method in Entra"
        " Connect, or have Microsoft's support do it.",
        ko="암호를 온-프레미스에서 확인한다면(통과 인증) Entra Connect에서 로그인 방법을 변경하거나 Microsoft 지원에"
        " 요청하세요.",
    ),
)
NO_COMMAND: Final = FindingText(
    id="switch-would-lock-out",
    answer=Answer.WRONG,
    about=_WHAT_TO_DO,
    text=Words(
        en="Nothing is changed, and there is no command: without password hashes nobody of these domains gets in.",
        ko="아무것도 변경하지 않으며 실행할 명령도 없습니다. 암호 해시가 없으면 이 도메인에서는"
        " 아무도 로그인할 수 없습니다.",
    ),
)
BY_HAND: Final = FindingText(
    id="switch-by-hand",
    answer=Answer.UNKNOWN,
    about=_WHAT_TO_DO,
    text=Words(
        en="The app doesn't do it, since something above isn't as it should be or couldn't be read.",
        ko="위의 내용 중 이상이 있거나 읽지 못한 것이 있어 앱이 실행하지 않습니다.",
    ),
    what_to_do=Words(
        en="Make sure of it yourself. {keep}Sign in as the break-glass administrator, and run: {command}",
        ko="직접 확인하세요. {keep}비상 관리자로 로그인해 다음을 실행하세요: {command}",
    ),
)
KEEP_FIRST: Final = Words(
    en="First keep the settings: {command} . Then: ",
    ko="먼저 설정을 보관하세요: {command} . 그다음 ",
)
PROPOSED: Final = FindingText(
    id="switch-proposed",
    answer=Answer.NOTED,
    about=_WHAT_TO_DO,
    text=Words(
        en="Everything that the switch depends on is as it should be. Two operators have to agree to it.",
        ko="전환에 필요한 조건이 모두 충족되었습니다. 운영자 두 명이 동의해야 합니다.",
    ),
    what_to_do=Words(
        en="One asks for it, another one confirms it within 15 minutes. With no second person: Sign in as the"
        f" break-glass administrator, and run: {{command}} . {_RUN_THE_STEP_AGAIN.en}",
        ko="한 운영자가 요청하고 다른 운영자가 15분 안에 확인합니다. 두 번째 사람이 없으면 비상 관리자로 로그인해"
        f" 다음을 실행하세요: {{command}} . {_RUN_THE_STEP_AGAIN.ko}",
    ),
)

# ---- the way back ----------------------------------------------------------------------------------------------------

NOTHING_TO_TAKE_BACK: Final = FindingText(
    id="no-federation-to-take-back",
    answer=Answer.FINE,
    about=_DOMAINS,
    text=Words(
        en="No federation was kept in this emergency, so there is nothing to take back.",
        ko="이 비상 상황에서 보관한 페더레이션이 없으므로 되돌릴 것이 없습니다.",
    ),
)
STATE_UNREAD: Final = FindingText(
    id="domain-state-unread",
    answer=Answer.UNKNOWN,
    about=_DOMAIN,
    text=Words(en="How it stands can't be read: {because}", ko="현재 상태를 읽지 못했습니다: {because}"),
)
DOMAIN_GONE: Final = FindingText(
    id="domain-gone",
    answer=Answer.WRONG,
    about=_DOMAIN,
    text=Words(
        en="The domain isn't there any more, or Graph doesn't say how its people sign in.",
        ko="도메인이 더 이상 없거나 Graph로는 로그인 방식을 알 수 없습니다.",
    ),
    what_to_do=Words(en="Find out who removed it.", ko="누가 제거했는지 확인하세요."),
)
MANAGED_NOW: Final = FindingText(
    id="domain-managed-now",
    answer=Answer.NOTED,
    about=_DOMAIN,
    text=Words(
        en="It is managed, and was federated before.",
        ko="지금은 관리형이며 이전에는 페더레이션이었습니다.",
    ),
)
FEDERATED_AS_BEFORE: Final = FindingText(
    id="domain-federated-as-before",
    answer=Answer.FINE,
    about=_DOMAIN,
    text=Words(en="It is federated as before.", ko="이전과 같은 페더레이션 상태입니다."),
)
FEDERATED_OTHERWISE: Final = FindingText(
    id="domain-federated-otherwise",
    answer=Answer.WRONG,
    about=_DOMAIN,
    text=Words(
        en="It is federated otherwise than before, and this step didn't do it: somebody else did.",
        ko="이전과 다른 페더레이션 설정입니다. 이 단계가 아닌 다른 누군가가 설정했습니다.",
    ),
    what_to_do=Words(
        en="Compare it with {blob}: who set it can sign in as anybody of this domain.",
        ko="다음 증거와 비교하세요: {blob}. 설정한 사람은 이 도메인의 누구로든 로그인할 수 있습니다.",
    ),
)
BACK_PROPOSED: Final = FindingText(
    id="federation-back-proposed",
    answer=Answer.NOTED,
    about=_WHAT_TO_DO,
    text=Words(
        en="Two operators have to agree that the federation is made again.",
        ko="페더레이션을 되돌리려면 운영자 두 명이 동의해야 합니다.",
    ),
    what_to_do=Words(
        en="One asks for it, another one confirms it within 15 minutes. With no second person, fetch"
        " {files} from the evidence. Sign in as the break-glass administrator, and run: {command}",
        ko="한 운영자가 요청하고 다른 운영자가 15분 안에 확인합니다. 두 번째 사람이 없으면 증거에서 다음 파일을"
        " 가져오세요: {files}. 그런 다음 비상 관리자로 로그인해 다음을 실행하세요: {command}",
    ),
)
BACK_GOES_ON: Final = FindingText(
    id="federation-back-goes-on",
    answer=Answer.NOTED,
    about=Words(en="how it goes on", ko="다음 진행"),
    text=Words(
        en="The app looks again within minutes, and closes the emergency once it stands as before. Closing it again has"
        " it look at once.",
        ko="앱이 몇 분 안에 다시 확인하고, 이전 상태로 돌아오면 비상 상황을 종료합니다. 다시 종료를 요청하면 바로"
        " 확인합니다.",
    ),
    what_to_do=Words(
        en="If it is to stay as it is, close the emergency again with --left and the reason.",
        ko="그대로 두려면 --left에 이유를 적어 비상 상황을 다시 종료하세요.",
    ),
)
TWO_PROVIDERS: Final = FindingText(
    id="domain-kept-with-two-providers",
    answer=Answer.WRONG,
    about=_DOMAIN,
    text=Words(
        en="It was kept with two providers in this emergency: {first} and {second}",
        ko="이 비상 상황에서 서로 다른 두 공급자로 보관되었습니다: {first}, {second}",
    ),
    what_to_do=Words(
        en="Find out which one is yours, and federate the domain by hand.",
        ko="어느 것이 우리 것인지 확인하고 도메인의 페더레이션을 직접 설정하세요.",
    ),
)
EVIDENCE_UNREAD: Final = FindingText(
    id="federation-evidence-unread",
    answer=Answer.UNKNOWN,
    about=same("{blob}"),
    text=Words(en="This evidence can't be read: {because}", ko="이 증거를 읽지 못했습니다: {because}"),
)
EVIDENCE_CHANGED: Final = FindingText(
    id="federation-evidence-changed",
    answer=Answer.WRONG,
    about=same("{blob}"),
    text=Words(
        en="This evidence is gone, or isn't what was kept: its SHA-256 is another one.",
        ko="이 증거가 없거나 보관한 그대로가 아닙니다. SHA-256 값이 다릅니다.",
    ),
    what_to_do=Words(
        en="Take the federation from elsewhere.",
        ko="다른 곳에 보관한 페더레이션 설정을 사용하세요.",
    ),
)

# ---- password hashes -------------------------------------------------------------------------------------------------

HASH_SYNC_UNREAD: Final = FindingText(
    id="hash-sync-unread",
    answer=Answer.UNKNOWN,
    about=_HASH_SYNC,
    text=Words(en="Whether it is on can't be read: {because}", ko="켜져 있는지 읽지 못했습니다: {because}"),
    what_to_do=Words(
        en="Look in the Entra admin center under Identity > Hybrid management > Microsoft Entra Connect.",
        ko="Entra 관리 센터의 ID > 하이브리드 관리 > Microsoft Entra Connect에서 확인하세요.",
    ),
)
HASH_SYNC_ON: Final = FindingText(
    id="hash-sync-on",
    answer=Answer.FINE,
    about=_HASH_SYNC,
    text=Words(en="It is on.", ko="켜져 있습니다."),
)
HASH_SYNC_OFF: Final = FindingText(
    id="hash-sync-off",
    answer=Answer.WRONG,
    about=_HASH_SYNC,
    text=Words(
        en="It is off: Entra ID has no password hashes, so a managed domain would lock everybody out of it.",
        ko="꺼져 있습니다. Entra ID에 암호 해시가 없으므로 도메인을 관리형으로 바꾸면 아무도 로그인할 수 없습니다.",
    ),
    what_to_do=Words(
        en="Don't make the domain managed. Turn password hash synchronization on in Entra Connect, wait until one full"
        " synchronization is through, and run this step again; or set passwords in the cloud for those who must get"
        " in.",
        ko="도메인을 관리형으로 바꾸지 마세요. Entra Connect에서 암호 해시 동기화를 켜고 전체 동기화가 한 번 끝난 뒤 이"
        " 단계를 다시 실행하거나, 꼭 로그인해야 하는 사람의 암호를 클라우드에서 설정하세요.",
    ),
)
HASH_SYNC_NOT_SAID: Final = FindingText(
    id="hash-sync-not-said",
    answer=Answer.UNKNOWN,
    about=_HASH_SYNC,
    text=Words(en="Graph doesn't say whether it is on.", ko="Graph로는 켜져 있는지 알 수 없습니다."),
)
_LOOK_AT_THE_TIME: Final = Words(
    en="Look at the time of the last password hash synchronization in the Entra admin center before you go on.",
    ko="계속하기 전에 Entra 관리 센터에서 마지막 암호 해시 동기화 시각을 확인하세요.",
)
HASH_AGE_UNREAD: Final = FindingText(
    id="hash-age-unread",
    answer=Answer.UNKNOWN,
    about=_HASH_AGE,
    text=Words(en="It can't be read: {because}", ko="읽지 못했습니다: {because}"),
    what_to_do=_LOOK_AT_THE_TIME,
)
HASH_AGE_NOT_SAID: Final = FindingText(
    id="hash-age-not-said",
    answer=Answer.UNKNOWN,
    about=_HASH_AGE,
    text=Words(en="Graph gives no time of it.", ko="Graph에 시각이 없습니다."),
    what_to_do=_LOOK_AT_THE_TIME,
)
HASH_AGE_IN_THE_FUTURE: Final = FindingText(
    id="hash-age-in-the-future",
    answer=Answer.UNKNOWN,
    about=_HASH_AGE,
    text=Words(
        en="The last synchronization is said to be in the future: {at} UTC.",
        ko="마지막 동기화 시각이 미래로 나옵니다: {at} UTC.",
    ),
    what_to_do=_LOOK_AT_THE_TIME,
)
_LAST_SYNCHRONIZED: Final = Words(
    en="They were synchronized last at {at} UTC, {age} ago.",
    ko="마지막 동기화: {at} UTC({age} 전).",
)
HASHES_FRESH: Final = FindingText(
    id="hashes-fresh",
    answer=Answer.FINE,
    about=_HASH_AGE,
    text=_LAST_SYNCHRONIZED,
)
HASHES_STALE: Final = FindingText(
    id="hashes-stale",
    answer=Answer.WRONG,
    about=_HASH_AGE,
    text=_LAST_SYNCHRONIZED,
    what_to_do=Words(
        en="Whoever has changed the password since then signs in with the old one, and new accounts not at all. If the"
        " server that synchronizes can't be brought back, decide whether that is better than nobody signing in.",
        ko="그 뒤에 암호를 바꾼 사람은 이전 암호로 로그인하고, 새 계정은 로그인할 수 없습니다. 동기화 서버를 복구할 수"
        " 없다면 아무도 로그인하지 못하는 것보다 나은지 판단하세요.",
    ),
)
