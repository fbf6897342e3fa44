"""Titles of checks and items in Korean, and what to do about each."""

from collections.abc import Mapping
from typing import Final

from shared.checks.posture_texts import Korean

KOREAN: Final[Mapping[str, Korean]] = {
    "two-emergency-accounts": Korean(
        title="비상 계정 두 개가 준비되어 있음",
        todo=(
            "테넌트의 .onmicrosoft.com 도메인에 계정 두 개를 만들고, 각각 전역 관리자 역할을 영구히 주고, FIDO2 키를"
            " 등록하고, 사서함은 두지 마세요. EMERGENCY_ACCOUNT_IDS에 적으세요."
        ),
    ),
    "emergency-accounts-not-blocked": Korean(
        title="어떤 조건부 액세스 정책도 비상 계정을 막지 않음",
        todo="키 외에 다른 것을 요구하는 정책마다 두 계정을 ID 또는 보호된 그룹으로 제외하세요.",
    ),
    "emergency-accounts-tried": Korean(
        title="비상 계정을 각각 90일 안에 시험함",
        todo="훈련을 하고(`responder emergency drill`) 각 계정으로 로그인하세요. 로그인은 호출됩니다.",
    ),
    "pim-enabled": Korean(
        title="Privileged Identity Management를 쓸 수 있음",
        todo="관리자에게 Entra ID P2 또는 ID Governance 라이선스를 주고, Identity Governance에서 PIM을 한 번 여세요.",
    ),
    "pim-activation-guarded": Korean(
        title="권한 있는 역할을 활성화하려면 MFA와 사유가 필요하고, 알림이 가며, 8시간 안에 끝남",
        todo=(
            "PIM의 역할 설정에서 활성화할 때 MFA와 사유를 요구하고, 관리자에게 알리고, 최대 8시간으로 하세요. 전역"
            " 관리자와 권한 있는 역할 관리자에는 승인도 필요합니다."
        ),
    ),
    "privileged-accounts-categorised": Korean(
        title="권한 있는 역할을 가진 계정마다 용도를 알고 있음",
        todo="이름이 나온 계정마다 `responder posture sort OBJECT_ID admin-only --reason TEXT` 또는 shared로 정하세요.",
    ),
    "privileged-roles-mfa-registered": Korean(
        title="권한 있는 역할을 가진 사람은 모두 두 번째 인증 수단이 있음",
        todo="https://aka.ms/mysecurityinfo에서 등록하게 하세요. FIDO2 키가 가장 좋습니다. 보고서는 하루 늦습니다.",
    ),
    "unneeded-admins-removed": Korean(
        title="권한 있는 역할을 가진 사람은 아직 그 역할을 씀",
        todo="각자에게 물어보고 역할을 빼세요. Graph는 2023년 12월부터의 로그인만 알고 있습니다.",
    ),
    "no-microsoft-accounts-in-roles": Korean(
        title="개인 Microsoft 계정은 권한 있는 역할이 없음",
        todo="역할을 테넌트의 계정에 주고, 그 계정에서는 빼세요.",
    ),
    "no-consumers-in-roles": Korean(
        title="고객 계정은 권한 있는 역할이 없음",
        todo="역할을 B2C 테넌트의 업무 계정이나 게스트에 주고, 고객 계정에서는 빼세요.",
    ),
    "no-guests-in-roles": Korean(
        title="게스트는 권한 있는 역할이 없음", todo="역할을 테넌트의 계정에 주고, 게스트에서는 빼세요."
    ),
    "dedicated-admin-accounts": Korean(
        title="권한 있는 역할을 가진 계정에는 사서함이 없음",
        todo="관리자마다 사서함 라이선스가 없는 두 번째 계정을 만들고, 역할은 그 계정에 주세요.",
    ),
    "admin-passwords-recent": Korean(
        title="암호로 로그인하는 관리자는 90일 안에 암호를 바꿈",
        todo="FIDO2 키나 Windows Hello를 등록하게 하고, 아니면 암호를 바꾸게 하세요.",
    ),
    "no-synced-accounts-in-roles": Korean(
        title="온-프레미스에서 동기화된 계정은 권한 있는 역할이 없음",
        todo="역할을 클라우드에서 만든 계정에 주고, 동기화된 계정에서는 빼세요.",
    ),
    "service-principals-in-roles-known": Korean(
        title="권한 있는 역할을 가진 애플리케이션은 비밀 기간이 짧음",
        todo="관리 ID나 페더레이션 자격 증명을 쓰고, 아니면 1년 안에 끝나는 비밀을 쓰세요.",
    ),
    "privileged-roles-just-in-time": Korean(
        title="권한 있는 역할은 필요할 때 활성화하고, 영구히 갖지 않음",
        todo="PIM에서 각 할당을 적격으로 바꾸거나 끝나는 날을 정하세요. 비상 계정은 그대로 둡니다.",
    ),
    "few-global-administrators": Korean(
        title="전역 관리자가 될 수 있는 사람은 두 명에서 네 명",
        todo="더 작은 역할로 충분한 사람에게는 그 역할을 주세요. `responder roster privileged-accounts`에 나옵니다.",
    ),
    "privileged-roles-require-mfa": Korean(
        title="권한 있는 역할을 가진 사람은 암호만으로 로그인하지 못함",
        todo="권한 있는 역할 모두에, 모든 애플리케이션에 피싱 방지 MFA를 요구하는 정책을 켜세요.",
    ),
    "all-users-require-mfa": Korean(
        title="누구도 암호만으로 로그인하지 못함",
        todo="게스트를 포함한 모든 사용자와 모든 애플리케이션에 MFA를 요구하는 정책을 켜세요.",
    ),
    "legacy-authentication-blocked": Korean(
        title="MFA를 요구할 수 없는 클라이언트는 막혀 있음",
        todo="모든 사용자에 대해 Exchange ActiveSync와 기타 클라이언트를 차단하는 정책을 켜세요.",
    ),
    "identity-protection-on": Korean(
        title="위험한 사용자와 위험한 로그인에 정책이 대응함",
        todo=(
            "모든 사용자에 정책 두 개를 켜세요. 로그인 위험이 높으면 매번 MFA를, 사용자 위험이 높으면 새 암호를"
            " 요구합니다. 둘 다 Entra ID P2가 필요합니다."
        ),
    ),
    "left-out-groups-guarded": Korean(
        title="정책에서 제외된 그룹은 역할을 줄 수 있는 사람만 바꿈",
        todo="역할을 할당할 수 있는 그룹을 새로 만들고, 구성원을 옮기고, 그 그룹을 대신 제외하세요.",
    ),
    "activity-logs-exported": Korean(
        title="구독마다 활동 로그를 다른 곳에 보관함",
        todo="구독의 활동 로그, 내보내기에서 Administrative가 있는 설정을 작업 영역이나 저장소로 추가하세요.",
    ),
    "azure-owners-few": Korean(
        title="소유자가 세 명보다 많은 구독이 없음",
        todo="역할을 주지 않는 사람에게는 Contributor 이하를, 되도록 PIM의 적격으로 주세요.",
    ),
    "admin-contact-known": Korean(
        title="Microsoft가 누구에게 알릴지 알고 있음",
        todo="관리 센터의 조직 설정에 여러 사람이 읽는 주소를 적으세요.",
    ),
    "password-hash-sync-on": Korean(
        title="하이브리드 테넌트는 암호 해시를 동기화함",
        todo="Microsoft Entra Connect에서 페더레이션과 함께 암호 해시 동기화를 켜세요.",
    ),
    "incident-owners-set": Korean(
        title="모든 것을 호출받는 사람이 두 명 이상",
        todo='`responder owner "*" --name NAME --upn UPN`으로 정하고, `responder owners`로 확인하세요.',
    ),
    "approvals-fresh": Korean(
        title="끝난 승인이 없음",
        todo="`responder approve`로 끝나는 날을 다시 정하고, `responder revoke`로 거두세요.",
    ),
    "incident-plan-tried": Korean(
        title="비상 절차를 90일 안에 시험함",
        todo="두 번째 운영자와 한 시간을 내어 `responder emergency drill`을 하세요. 테넌트는 바뀌지 않습니다.",
    ),
    "admin-access-reviewed": Korean(
        title="권한 있는 역할을 가졌거나 적격인 사람을 적어도 반년마다 검토함",
        todo="Identity Governance의 PIM 액세스 검토에서 역할마다 반년 이하로 반복되는 검토를 만드세요.",
    ),
    "no-open-pim-alerts": Korean(
        title="PIM에 활성 경고가 없음",
        todo="PIM의 Microsoft Entra 역할, 경고에서 각각 여세요. 수정은 권장대로 하고, 해제에는 사유가 필요합니다.",
    ),
    "protected-actions-guarded": Korean(
        title="조건부 액세스를 바꾸는 사람에게 강력한 인증을 다시 요구함",
        todo=(
            "역할 및 관리자, 보호된 작업에서 조건부 액세스 작업에 인증 컨텍스트를 정하고, 그 컨텍스트에 매번 피싱 방지"
            " MFA를 요구하는 정책을 켜세요."
        ),
    ),
    "secure-score-kept": Korean(
        title="보안 점수가 한 달 안에 떨어지지 않음",
        todo="Defender 포털의 보안 점수, 기록에서 어떤 권장 사항이 점수를 잃었는지 보세요.",
    ),
    "provisioning-without-failures": Korean(
        title="애플리케이션의 계정이 테넌트와 같이 생기고 사라짐",
        todo="모니터링의 프로비저닝 로그에서 실패로 거르세요. 이유와 권장 조치가 있습니다.",
    ),
    "local-admin-passwords-on": Korean(
        title="조인된 장치마다 로컬 관리자 암호가 다름",
        todo="장치 설정에서 Windows LAPS를 켜고, Intune에 정책을 만드세요.",
    ),
    "device-administrators-few": Korean(
        title="조인된 장치의 관리자는 역할로 정한 사람뿐",
        todo=(
            "장치 설정에서 등록하는 사용자와 전역 관리자가 로컬 관리자가 되지 않게 하고, 필요한 사람에게 Microsoft"
            " Entra Joined Device Local Administrator 역할을 주세요."
        ),
    ),
    "restricted-units-known": Korean(
        title="제한된 관리 단위에는 비상 계정만 있고, 권한 있는 역할을 가진 다른 사람이 없음",
        todo="비상 계정을 위한 제한된 관리 단위를 만들고, 권한 있는 역할을 가진 다른 사람은 그런 단위에서 빼세요.",
    ),
    "application-permissions-known": Korean(
        title="테넌트를 장악할 수 있는 애플리케이션마다 책임자가 있음",
        todo="없어도 되는 권한은 빼고, 나머지는 바꾸는 대상의 목록에 `responder approve`로 책임자를 적으세요.",
    ),
    "nobody-else-could-undo-us": Korean(
        title="역할을 주도록 승인된 사람만 Responder 자체를 바꿀 수 있음",
        todo=(
            "그 권한이나 그리로 이어지는 소유권을 빼세요. 가져야 하는 사람은 `responder approve`로 rbac-roles 또는"
            " directory-roles 목록에 적으세요."
        ),
    ),
    "admin-mail-forwarded": Korean(
        title="관리자 계정으로 온 메일을 누군가 읽음",
        todo="관리자 계정의 주소마다 메일을 보내고 도착하는지 확인하세요.",
    ),
    "devices-and-apps-audited": Korean(
        title="누가 어떤 장치와 네트워크에서 연결하는지 알고 있음",
        todo="30일 동안의 로그인 로그에서 장치와 네트워크를 보고, 허용하는 것을 적어 두세요.",
    ),
    "office-365-roles-reviewed": Korean(
        title="Entra 밖에 있는 Office 365 역할을 검토함",
        todo="Exchange, Purview, Intune 관리 센터의 역할 그룹을 보고, 필요 없는 사람을 빼세요.",
    ),
    "services-owned": Korean(
        title="쓰고 있는 서비스마다 책임자가 있음",
        todo="쓰고 있는 라이선스를 보고(관리 센터, 청구) 서비스마다 책임자를 정하세요.",
    ),
    "admin-access-justified": Korean(
        title="관리자마다 업무상 이유를 적어 둠",
        todo="`responder roster privileged-accounts`를 책임자와 함께 보고, 이유가 없는 역할은 빼세요.",
    ),
    "office-365-guidance-reviewed": Korean(
        title="Office 365에 대한 Microsoft의 보안 지침을 검토함",
        todo="보안 점수의 Exchange, SharePoint, Teams 권장 사항을 살펴보세요.",
    ),
    "exposed-people-known": Korean(
        title="계정을 도난당하면 큰일인 사람을 알고, 강력한 인증을 요구함",
        todo="누구인지 적고, 그룹에 넣고, 그 그룹에 피싱 방지 MFA를 요구하세요.",
    ),
    "logs-kept": Korean(
        title="감사 로그와 로그인 로그를 조사에 필요한 만큼 보관함",
        todo="두 테넌트의 진단 설정에서 로그가 어디로 가고 얼마나 남는지 보세요.",
    ),
    "on-premises-administrators-separate": Korean(
        title="Active Directory 관리자는 따로 만든 계정과 워크스테이션을 씀",
        todo="Domain Admins의 구성원, 로그인하는 곳, 사서함이 있는지를 보세요.",
    ),
    "local-admin-passwords-managed": Korean(
        title="도메인에 조인된 컴퓨터마다 로컬 관리자 암호가 다름",
        todo="서버를 포함해 도메인에 조인된 컴퓨터에 Windows LAPS가 켜져 있는지 보세요.",
    ),
    "production-subscriptions-listed": Korean(
        title="어떤 구독이 운영 환경인지 알고 있음",
        todo="청구 계정의 구독을 Responder의 SUBSCRIPTION_IDS와 비교하세요.",
    ),
    "on-premises-applications-published-safely": Korean(
        title="온-프레미스 애플리케이션은 조인된 장치에서 조건부 액세스를 거쳐 씀",
        todo="인터넷에 게시된 것을 적고, 각각 애플리케이션 프록시나 게이트웨이를 거치는지 보세요.",
    ),
    "privileged-workstations": Korean(
        title="관리자는 다른 일을 하지 않는 워크스테이션에서 일함",
        todo="관리자에 대한 정책이 그 그룹의 장치를 요구하는지, 모두가 하나씩 갖고 있는지 보세요.",
    ),
    "azure-roles-just-in-time": Korean(
        title="Azure 역할은 PIM으로 활성화하고, 가상 머신의 권한 있는 계정을 알고 있음",
        todo="PIM의 Azure 리소스에서 Owner와 User Access Administrator가 적격인지 보고, VM 로그인을 적으세요.",
    ),
    "incident-guidance-followed": Korean(
        title="사고 대응 계획이 NIST SP 800-61을 따르고, Office 365의 것과 비교함",
        todo="표준의 네 단계로 계획을 살펴보고, 당국에 알리는 일이 들어 있는지 보세요.",
    ),
    "password-protocols-off-in-exchange": Korean(
        title="Exchange는 온-프레미스에서도 기본 인증을 받지 않음",
        todo="온-프레미스의 Get-AuthenticationPolicy와 Get-CasMailbox, Exchange Online의 SMTP AUTH를 보세요.",
    ),
    "on-premises-mfa": Korean(
        title="관리자에게 온-프레미스에서도 MFA를 요구함",
        todo="서버의 원격 데스크톱과 원격 액세스가 두 번째 인증 수단을 요구하는지 보세요.",
    ),
    "identity-sensors-healthy": Korean(
        title="Active Directory에 대한 공격을 살피고 있음",
        todo="Defender for Identity에서 도메인 컨트롤러와 AD FS 서버마다 센서가 정상인지 보세요.",
    ),
    "defender-for-cloud-on": Korean(
        title="Defender for Cloud가 모든 구독을 살피고, 경고가 SIEM으로 감",
        todo="Defender for Cloud의 환경 설정에서 구독마다 플랜과 연속 내보내기를 보세요.",
    ),
    "apps-provisioned": Korean(
        title="중요한 애플리케이션은 테넌트에서 계정을 프로비저닝함",
        todo="엔터프라이즈 애플리케이션에서 중요한 것마다 프로비저닝이 돌고 격리되지 않았는지 보세요.",
    ),
    "information-protected": Korean(
        title="중요한 문서에 레이블이 있고, 애플리케이션을 담긴 내용으로 판단함",
        todo="레이블이 게시되었는지, 그런 문서가 있는 애플리케이션에 정책이 더 많이 요구하는지 보세요.",
    ),
    "cloud-apps-watched": Korean(
        title="클라우드 애플리케이션 사용을 살피고, SIEM으로 보냄",
        todo="Defender for Cloud Apps가 검색을 하고 경고가 SIEM으로 가는지 보세요.",
    ),
    "plan-distributed": Korean(
        title="사고 대응 계획에 있는 모두가 계획을 갖고 연락처를 알고 있음",
        todo="갖고 있는 버전을 각자 확인하게 하고, 법무, 홍보, 서비스의 번호로 걸어 보세요.",
    ),
    "risk-assessed": Korean(
        title="위험을 다시 평가하고, 사고에서 배운 것을 실행함",
        todo="지난 사고와 훈련의 후속 조치를 보고, 무엇을 언제까지 받아들이는지 적으세요.",
    ),
}
"""By the ids of checks and items. No particle follows a value."""
