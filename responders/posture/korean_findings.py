"""What checks find, in Korean: it is kept in English, as the command line says it.

A finding that isn't here stays in English. Names, ids and lists of them stay as they are, and no particle follows one.
"""

from typing import Final

from shared.model.bilingual import KeptTexts

_LET_IN: Final = "암호만으로 로그인됨"
_OF_ROLES: Final = "권한 있는 역할을 가진 계정"

FINDINGS: Final = KeptTexts(
    (
        # Emergency accounts.
        ("ready: {who}", "준비됨: {who}"),
        ("{who}: no policy keeps it out", "{who}: 막는 정책 없음"),
        ("{who}: kept out, somewhere at least, by {what}", "{who}: 적어도 어떤 조건에서 막힘. 정책: {what}"),
        ("{who}: whether {what} keeps it out isn't known: {why}", "{who}: 막히는지 알 수 없음. 정책: {what} ({why})"),
        ("{who}: there is no such account", "{who}: 그런 계정이 없음"),
        ("{who}: it is disabled", "{who}: 사용하지 않도록 설정됨"),
        ("{who}: it is synchronized from on-premises", "{who}: 온-프레미스에서 동기화됨"),
        ("{who}: its name doesn't end with {what}", "{who}: 이름이 다음으로 끝나지 않음: {what}"),
        ("{who}: it has a mailbox, so it is somebody's", "{who}: 사서함이 있어 누군가의 계정임"),
        (
            "{who}: it isn't assigned Global Administrator itself, for good",
            "{who}: 전역 관리자 역할이 영구히 직접 할당되지 않음",
        ),
        ("{who}: it has no second factor", "{who}: 두 번째 인증 수단이 없음"),
        ("each has signed in within {days} days", "모두 {days}일 안에 로그인함"),
        ("no sign-in within {days} days is known of {who}", "{days}일 안의 로그인이 없음: {who}"),
        # Roles and who holds them.
        ("Privileged Identity Management answers", "PIM이 응답함"),
        (
            "the tenant has no licence for Privileged Identity Management (Entra ID P2 or ID Governance)",
            "PIM 라이선스(Entra ID P2 또는 ID Governance)가 없음",
        ),
        ("there is no PIM to activate roles with", "역할을 활성화할 PIM이 없음"),
        (
            "activating any of {count} privileged roles asks for all that it should",
            "권한 있는 역할 {count}개 모두 갖춤",
        ),
        ("{count} of {all} privileged roles: {what}", "권한 있는 역할 {all}개 중 {count}개: {what}"),
        (
            "{count} of {all} accounts are for administration alone, or shared: {who}",
            "관리 전용인지 공유인지 정해야 할 계정 {all}개 중 {count}개: {who}",
        ),
        ("none of {all} accounts that hold privileged roles have a mailbox", f"{_OF_ROLES} {{all}}개에 사서함 없음"),
        (
            "{count} of {all} accounts that hold privileged roles have a mailbox: {who}",
            f"{_OF_ROLES} {{all}}개 중 사서함이 있는 것 {{count}}개: {{who}}",
        ),
        ("none of {all} accounts that hold privileged roles are guests", f"{_OF_ROLES} {{all}}개 중 게스트 없음"),
        (
            "{count} of {all} accounts that hold privileged roles are guests: {who}",
            f"{_OF_ROLES} {{all}}개 중 게스트 {{count}}개: {{who}}",
        ),
        (
            "none of {all} accounts that hold privileged roles are Microsoft accounts",
            f"{_OF_ROLES} {{all}}개 중 개인 Microsoft 계정 없음",
        ),
        (
            "{count} of {all} accounts that hold privileged roles are Microsoft accounts: {who}",
            f"{_OF_ROLES} {{all}}개 중 개인 Microsoft 계정 {{count}}개: {{who}}",
        ),
        (
            "none of {all} accounts that hold privileged roles are customers'",
            f"{_OF_ROLES} {{all}}개 중 고객 계정 없음",
        ),
        (
            "{count} of {all} accounts that hold privileged roles are customers': {who}",
            f"{_OF_ROLES} {{all}}개 중 고객 계정 {{count}}개: {{who}}",
        ),
        (
            "none of {all} accounts that hold privileged roles are synchronized",
            f"{_OF_ROLES} {{all}}개 중 동기화된 것 없음",
        ),
        (
            "{count} of {all} accounts that hold privileged roles are synchronized: {who}",
            f"{_OF_ROLES} {{all}}개 중 동기화된 것 {{count}}개: {{who}}",
        ),
        (
            "each of {all} who hold privileged roles has a second factor",
            f"{_OF_ROLES} {{all}}개 모두 두 번째 인증 수단 있음",
        ),
        (
            "{count} of {all} who hold privileged roles have no second factor: {who}",
            f"{_OF_ROLES} {{all}}개 중 두 번째 인증 수단이 없는 것 {{count}}개: {{who}}",
        ),
        (
            "each of {all} who hold privileged roles has signed in within {days} days",
            f"{_OF_ROLES} {{all}}개 모두 {{days}}일 안에 로그인함",
        ),
        (
            "{count} of {all} who hold privileged roles haven't signed in for {days} days: {who}",
            f"{_OF_ROLES} {{all}}개 중 {{days}}일 동안 로그인하지 않은 것 {{count}}개: {{who}}",
        ),
        ("nobody has held a privileged role for {days} days", "{days}일 동안 권한 있는 역할을 가진 사람이 없음"),
        ("none of {all} passwords is older than {days} days", "{days}일보다 오래된 암호 없음 ({all}개)"),
        (
            "{count} of {all} passwords are older than {days} days: {who}",
            "{days}일보다 오래된 암호 {all}개 중 {count}개: {who}",
        ),
        ("whoever holds a privileged role signs in without a password", f"{_OF_ROLES}은 모두 암호 없이 로그인함"),
        (
            "no application holds a privileged role, beside the responder",
            "Responder 외에 권한 있는 역할을 가진 앱 없음",
        ),
        (
            "secrets that are over, or last longer than a year: {bad}; all with roles: {who}",
            "끝났거나 1년보다 긴 비밀: {bad}. 역할을 가진 앱: {who}",
        ),
        (
            "{count} hold privileged roles, with secrets of a year at most: {who}",
            "권한 있는 역할을 가진 앱 {count}개, 비밀은 1년 이하: {who}",
        ),
        ("without PIM every role is held for good", "PIM이 없어 모든 역할을 영구히 가짐"),
        (
            "nobody but the emergency accounts holds a privileged role for good",
            "비상 계정 외에는 권한 있는 역할을 영구히 갖지 않음",
        ),
        ("{count} assignments have no end: {who}", "끝이 없는 할당 {count}개: {who}"),
        (
            (
                "{count} hold or may activate Global Administrator, beside the emergency accounts: one who is away"
                " leaves the emergency accounts alone"
            ),
            "비상 계정 외에 전역 관리자가 될 수 있는 사람 {count}명: 한 명이 자리를 비우면 비상 계정만 남음",
        ),
        (
            "{count} hold or may activate Global Administrator, beside the emergency accounts: {who}",
            "비상 계정 외에 전역 관리자가 될 수 있는 사람 {count}명: {who}",
        ),
        (
            "{count} hold or may activate Global Administrator, beside the emergency accounts",
            "비상 계정 외에 전역 관리자가 될 수 있는 사람 {count}명",
        ),
        # Reviews, alerts, protected actions.
        ("without Entra ID P2 or ID Governance there are no access reviews", "라이선스가 없어 액세스 검토가 없음"),
        (
            "each of {count} privileged roles that somebody holds is reviewed within {days} days",
            "누군가 가진 권한 있는 역할 {count}개 모두 {days}일 안에 검토함",
        ),
        (
            "no access review covers {count} of {all} privileged roles that somebody holds: {what}",
            "누군가 가진 권한 있는 역할 {all}개 중 검토하지 않는 것 {count}개: {what}",
        ),
        ("there is no PIM to raise alerts", "경고를 낼 PIM이 없음"),
        ("PIM has no active alert", "PIM에 활성 경고 없음"),
        ("active alerts, with how many they are about: {what}", "활성 경고와 대상 수: {what}"),
        (
            "who changes conditional access is asked for more, whatever session they have",
            "조건부 액세스를 바꾸려면 어떤 세션이든 다시 인증해야 함",
        ),
        (
            "{count} of {all} actions on conditional access are unprotected: {what}",
            "보호되지 않은 조건부 액세스 작업 {all}개 중 {count}개: {what}",
        ),
        # Conditional access.
        (
            "each of {all} who hold privileged roles is asked for more than a password",
            f"{_OF_ROLES} {{all}}개 모두 암호만으로는 안 됨",
        ),
        (
            "{count} of {all} who hold privileged roles get in by a password alone: {who}",
            f"{_OF_ROLES} {{all}}개 중 {_LET_IN} {{count}}개: {{who}}",
        ),
        ("for example {who} signs in with a password", f"예를 들어 {{who}}: {_LET_IN}"),
        ("for example {who} signs in with a password {how}", f"예를 들어 {{who}}: {_LET_IN} ({{how}})"),
        ("whether a password is enough can't be told of {who}", "암호만으로 되는지 알 수 없음: {who}"),
        (
            "nobody but the emergency accounts holds a privileged role at present",
            "지금은 비상 계정만 권한 있는 역할을 가짐",
        ),
        (
            "whoever is in no group is asked for more than a password, wherever they are and whatever they ask for",
            "그룹이 없는 사람도 어디서 무엇을 하든 암호만으로는 안 됨",
        ),
        ("a member in no group signs in with a password", f"그룹이 없는 구성원: {_LET_IN}"),
        ("a member in no group signs in with a password {how}", f"그룹이 없는 구성원: {_LET_IN} ({{how}})"),
        ("a guest in no group signs in with a password", f"그룹이 없는 게스트: {_LET_IN}"),
        ("a guest in no group signs in with a password {how}", f"그룹이 없는 게스트: {_LET_IN} ({{how}})"),
        ("security defaults keep legacy clients out", "보안 기본값이 레거시 클라이언트를 막음"),
        ("clients that can't be asked for MFA are kept out", "MFA를 요구할 수 없는 클라이언트는 막힘"),
        ("whoever has a password gets in by {what}", "암호만 있으면 다음으로 들어올 수 있음: {what}"),
        (
            "security defaults ask for MFA, and don't answer the risk of a user or a sign-in by policy",
            "보안 기본값은 MFA를 요구하지만, 사용자와 로그인의 위험에 정책으로 대응하지 않음",
        ),
        (
            "enabled policies answer the risk of users and of sign-ins",
            "사용자와 로그인의 위험에 대응하는 정책이 켜져 있음",
        ),
        (
            "no enabled policy answers {what} where it is high, for everybody",
            "높은 위험에 모두를 위해 대응하는 정책이 없음: {what}",
        ),
        ("no enabled policy leaves a group out", "그룹을 제외하는 정책이 없음"),
        ("only who may give roles changes {what}", "역할을 줄 수 있는 사람만 바꿈: {what}"),
        (
            (
                "{count} of {all} groups that policies leave out can be changed by their owners and by every groups"
                " administrator: {what}"
            ),
            "정책에서 제외된 그룹 {all}개 중 소유자와 그룹 관리자가 바꿀 수 있는 것 {count}개: {what}",
        ),
        # Azure, the directory, devices, reports.
        ("no subscription is watched", "감시하는 구독이 없음"),
        (
            "{what}: nothing keeps who did what; Azure does so for 90 days",
            "{what}: 보관하는 곳 없음. Azure는 90일만 보관함",
        ),
        ("{what} has {count} owners: {who}", "{what}: 소유자 {count}명: {who}"),
        ("{what} has {count} owners", "{what}: 소유자 {count}명"),
        (
            "the organization names no address for technical or security messages",
            "기술 또는 보안 알림을 받을 주소가 없음",
        ),
        ("Microsoft writes to {who}", "Microsoft가 알리는 주소: {who}"),
        ("nothing is synchronized from on-premises", "온-프레미스에서 동기화하는 것이 없음"),
        ("password hashes are synchronized", "암호 해시를 동기화함"),
        (
            "password hashes aren't synchronized: nobody could sign in while the federation is down",
            "암호 해시를 동기화하지 않음: 페더레이션이 멈추면 아무도 로그인할 수 없음",
        ),
        ("nobody may join a device", "장치를 조인할 수 있는 사람이 없음"),
        ("Windows LAPS is on for joined devices", "조인된 장치에 Windows LAPS가 켜져 있음"),
        ("Windows LAPS is off for joined devices", "조인된 장치에 Windows LAPS가 꺼져 있음"),
        ("whoever joins a device becomes its administrator", "장치를 조인하는 사람이 그 관리자가 됨"),
        (
            "each Global Administrator becomes administrator of every device that joins",
            "전역 관리자가 조인되는 모든 장치의 관리자가 됨",
        ),
        ("administrators of joined devices: nobody by a role", "조인된 장치의 관리자: 역할을 가진 사람 없음"),
        ("administrators of joined devices: {who}", "조인된 장치의 관리자: {who}"),
        ("Microsoft has worked out no secure score for this tenant", "이 테넌트의 보안 점수가 없음"),
        (
            "{points} of {most} points ({share} %); there is none of {days} days before",
            "{most}점 중 {points}점({share} %). {days}일 전의 점수는 없음",
        ),
        (
            "{points} of {most} points ({share} %), {before} % at {day}",
            "{most}점 중 {points}점({share} %), {day}에는 {before} %",
        ),
        ("nothing is provisioned to an application", "애플리케이션에 프로비저닝하는 것이 없음"),
        ("nothing failed to be provisioned within a day", "하루 안에 실패한 프로비저닝이 없음"),
        ("what failed within a day, by application: {what}", "하루 안에 실패한 프로비저닝: {what}"),
        # Units, applications, who could undo the responder.
        (
            "nobody, the responder neither, can disable who holds a privileged role there: {who}",
            "권한 있는 역할을 가졌는데 아무도(Responder도) 사용하지 않도록 할 수 없음: {who}",
        ),
        (
            "{count} of {all} emergency accounts are in no restricted unit: {who}",
            "제한된 관리 단위에 없는 비상 계정 {all}개 중 {count}개: {who}",
        ),
        (
            "{count} restricted units, with the emergency accounts in one, and no other who holds a role",
            "제한된 관리 단위 {count}개: 비상 계정이 들어 있고, 역할을 가진 다른 사람은 없음",
        ),
        (
            "no application holds a permission that is as much as the tenant, beside the responder",
            "Responder 외에 테넌트를 장악할 수 있는 권한을 가진 앱 없음",
        ),
        (
            "nobody answers for {count} of {all} such applications: {what}",
            "책임자가 없는 앱 {all}개 중 {count}개: {what}",
        ),
        ("somebody answers for each: {what}", "모두 책임자가 있음: {what}"),
        (
            "only {count} who are meant to could change the app, its approvals or its baselines",
            "앱과 승인, 기준을 바꿀 수 있는 것은 그래야 하는 {count}명뿐",
        ),
        ("{what} isn't known: {why}", "알 수 없음: {what} ({why})"),
        # The installation.
        ("nobody is named who is paged about everything", "모든 것을 호출받는 사람이 정해지지 않음"),
        (
            "only {who} is paged about everything: who is paged when they are away?",
            "모든 것을 호출받는 사람이 한 명뿐: {who}. 자리를 비우면 누가 호출받나요?",
        ),
        ("paged about everything: {who}", "모든 것을 호출받음: {who}"),
        ("rows that can't be read approve nobody: {who}", "읽을 수 없어 아무도 승인하지 않는 행: {who}"),
        ("{count} of {all} approvals are over: {who}", "끝난 승인 {all}개 중 {count}개: {who}"),
        (
            "{count} of {all} approvals end within {days} days: {who}",
            "{days}일 안에 끝나는 승인 {all}개 중 {count}개: {who}",
        ),
        ("{count} approvals, each with an end that is to come", "승인 {count}개, 모두 아직 끝나지 않음"),
        ("no drill was ever held", "훈련을 한 적이 없음"),
        ("the last drill was held at {day}", "마지막 훈련: {day}"),
        # Items that people confirm, and what couldn't be read.
        ("nobody has confirmed it", "아직 아무도 확인하지 않음"),
        ("{who} confirmed it at {day}; that ended at {end}", "{day}에 확인됨: {who}. {end}에 끝남"),
        ("{who} confirmed it at {day}, until {end}", "{day}에 확인됨: {who}. {end}까지"),
        ("{who} accepts the risk until {day}: {why}", "{day}까지 위험 수용: {who} ({why})"),
        ("couldn't be checked: {why}", "확인하지 못함: {why}"),
        ("and {count} more", "외 {count}개"),
    )
)
"""In this order: the first that fits counts."""
