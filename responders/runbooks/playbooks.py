"""The attack playbooks: what people do first about each kind of attack, in words that fit on a card."""

from typing import Final

from msgspec import Struct

from shared.model.bilingual import Words


class Playbook(Struct, frozen=True, kw_only=True):
    """What to do about one kind of attack. It fits where a case of one of `detections` is open.

    An entry of `detections` that ends with "-" stands for all that begin so. `fits_hybrid`: a tenant that is federated
    may need it, whatever the cases say.
    """

    id: str
    title: Words
    text: Words
    detections: tuple[str, ...]
    fits_hybrid: bool = False

    def fits(self, detection: str) -> bool:
        """Whether a case of this detection calls for it."""
        return any(detection.startswith(each) if each.endswith("-") else detection == each for each in self.detections)


ACCOUNT_TAKEOVER: Final = Playbook(
    id="account-takeover",
    title=Words(en="Account takeover", ko="계정 탈취"),
    text=Words(
        en="1. From another account: disable the account, revoke its sessions, reset its password. 2. Remove methods,"
        " devices and app passwords that its owner doesn't know. 3. See what it did since the first strange sign-in:"
        " roles, consents, credentials of apps, mail rules, policies; take that back: responder revoke ID --since"
        " INSTANT shows what the app can put back as one plan. 4. Look for the same address and device at other"
        " accounts. 5. Ask the person by telephone, never by mail. 6. Enable it only with new methods.",
        ko="1. 다른 계정으로 해당 계정을 비활성화하고 세션을 해지하고 암호를 재설정하세요. 2. 소유자가 모르는 인증"
        " 방법, 디바이스, 앱 암호를 제거하세요. 3. 처음 이상한 로그인 이후의 역할, 동의, 앱 자격 증명, 메일 규칙, 정책"
        " 변경을 확인하고 되돌리세요. responder revoke ID --since INSTANT 명령이 앱이 되돌릴 수 있는 변경을 한 계획으로"
        " 보여 줍니다. 4. 같은 주소와 디바이스를 다른 계정에서 찾으세요. 5. 메일이 아니라 전화로 본인에게 확인하세요."
        " 6. 새 인증 방법을 등록한 뒤에만 다시 활성화하세요.",
    ),
    detections=(
        "privileged-",
        "break-glass-used",
        "break-glass-changed",
        "mfa-fraud-reported",
        "role-assigned",
        "role-assigned-outside-pim",
        "rbac-role-assigned",
        "elevate-access",
        "role-assignable-group-member-added",
        "vip-locked-out",
        "consumer-account-made-privileged",
    ),
)
MALICIOUS_CONSENT: Final = Playbook(
    id="malicious-consent",
    title=Words(en="Malicious consent or app credential", ko="악성 동의 또는 앱 자격 증명"),
    text=Words(
        en="1. Disable the service principal (accountEnabled false): its tokens end within an hour. 2. Remove"
        " credentials that nobody asked for from the app and from the service principal. 3. Delete the grants:"
        " oauth2PermissionGrants and appRoleAssignments. 4. Revoke the sessions of everybody who consented. 5. See in"
        " the sign-in log of service principals what it read and wrote. 6. Switch off user consent until this is over.",
        ko="1. 서비스 주체를 비활성화하세요(accountEnabled false). 토큰은 한 시간 안에 만료됩니다. 2. 앱과 서비스"
        " 주체에서 아무도 요청하지 않은 자격 증명을 제거하세요. 3. oauth2PermissionGrants와 appRoleAssignments의 권한"
        " 부여를 삭제하세요. 4. 동의한 모든 사용자의 세션을 해지하세요. 5. 서비스 주체 로그인 로그에서 무엇을 읽고"
        " 썼는지 확인하세요. 6. 끝날 때까지 사용자 동의를 끄세요.",
    ),
    detections=(
        "app-",
        "delegated-permission-granted",
        "sensitive-api-granted",
        "permission-granted-for-all",
    ),
)
POLICY_TAMPERING: Final = Playbook(
    id="policy-tampering",
    title=Words(en="Policy tampering", ko="정책 변조"),
    text=Words(
        en="1. See each changed policy in responder cases, with both values. 2. Take the actor's roles away first, else"
        " he changes it again. 3. Put the policies back: responder deny CASE, or by hand from the evidence. 4. Look at"
        " what they lean on: named locations, strengths, groups that are excluded. 5. See who signed in while the"
        " policy was weaker. 6. Check diagnostic settings, alerts and PIM settings: what watches is weakened first.",
        ko="1. responder cases에서 변경된 정책과 변경 전후 값을 확인하세요. 2. 먼저 행위자의 역할을 제거하세요."
        " 그러지 않으면 다시 바꿉니다. 3. responder deny CASE 또는 증거를 보고 직접 정책을 되돌리세요. 4. 명명된 위치,"
        " 인증 강도, 제외 그룹을 확인하세요. 5. 정책이 약했던 동안 누가 로그인했는지 확인하세요. 6. 진단 설정, 경고,"
        " PIM 설정을 확인하세요. 감시 장치가 먼저 약해집니다.",
    ),
    detections=(
        "ca-policy-",
        "named-location-",
        "authentication-strength-",
        "authentication-context-",
        "authentication-flow-changed",
        "authorization-policy-updated",
        "b2c-",
        "identity-provider-",
        "pim-settings-weakened",
        "monitoring-weakened",
        "rbac-role-removed",
        "rbac-role-definition-changed",
        "unexplained-state",
    ),
)
LOCK_OUT: Final = Playbook(
    id="lock-out",
    title=Words(en="Administrators are locked out", ko="관리자 잠금"),
    text=Words(
        en="1. Sign in with an emergency account, from a network that no policy blocks. 2. Switch the newest"
        " conditional access policy that reaches administrators to report-only; don't delete it. 3. If that isn't it:"
        " security defaults, authentication methods policy, per-user MFA, expired federation certificate. 4. Let one"
        " administrator sign in before you go on. 5. If no emergency account can sign in, Microsoft's support is the"
        " only way: step 4, severity A.",
        ko="1. 어떤 정책도 차단하지 않는 네트워크에서 비상 계정으로 로그인하세요. 2. 관리자에게 적용되는 가장 최근의"
        " 조건부 액세스 정책을 보고 전용으로 바꾸세요. 삭제하지 마세요. 3. 원인이 아니면 보안 기본값, 인증 방법 정책,"
        " 사용자별 MFA, 만료된 페더레이션 인증서를 확인하세요. 4. 계속하기 전에 관리자 한 명이 로그인하게 하세요."
        " 5. 비상 계정도 로그인할 수 없으면 Microsoft 지원이 유일한 방법입니다(4단계, 심각도 A).",
    ),
    detections=("break-glass-unprotected", "ca-policy-created", "ca-policy-updated", "privileged-locked-out"),
)
FEDERATION_OUTAGE: Final = Playbook(
    id="federation-outage",
    title=Words(en="Federation outage or tampering", ko="페더레이션 장애 또는 변조"),
    text=Words(
        en="1. Find out whether it is an outage or an attack: were domains' federation settings or certificates changed"
        " that nobody announced? 2. Outage: restart the federation servers and proxies, check the certificates; if that"
        " takes long, step 6 signs people in with their passwords. 3. Attack: an unknown certificate signs tokens for"
        " everybody. Change the domain to managed, revoke all sessions, remove the certificate, examine the servers."
        " 4. Go back only with new certificates.",
        ko="1. 장애인지 공격인지 확인하세요. 예고 없이 도메인의 페더레이션 설정이나 인증서가 바뀌었습니까? 2. 장애:"
        " 페더레이션 서버와 프록시를 다시 시작하고 인증서를 확인하세요. 오래 걸리면 6단계로 암호 로그인을 허용하세요."
        " 3. 공격: 알 수 없는 인증서는 모든 사람의 토큰에 서명할 수 있습니다. 도메인을 관리형으로 바꾸고 모든 세션을"
        " 해지하고 인증서를 제거하고 서버를 조사하세요. 4. 새 인증서로만 되돌리세요.",
    ),
    detections=("domain-federation-changed",),
    fits_hybrid=True,
)

PLAYBOOKS: Final = (ACCOUNT_TAKEOVER, MALICIOUS_CONSENT, POLICY_TAMPERING, LOCK_OUT, FEDERATION_OUTAGE)
