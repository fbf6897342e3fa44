"""Step 3 of the break-glass runbook: can the emergency accounts sign in, and if not, what keeps them out?"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from responders.kinds import ca_context
from responders.kinds.ca_context import CaContext, look_around
from responders.kinds.principals import GET_USER
from shared.clients.api import TenantEdges
from shared.conditional_access.truth import Truth
from shared.conditional_access.verdicts import Lockout, PolicySet
from shared.emergency.entries import Answer, Finding, SignInAnnounced, StepState
from shared.emergency.runbook import RunbookStep, StepContext, StepEnd, Words
from shared.model.calls import Call, Permission, Service
from shared.model.errors import BadIdentifier, EdgeError
from shared.model.kinds import Image
from shared.model.object_kinds import GuardFacts
from shared.model.objects import Op
from shared.model.settings import Tenant

GET_REGISTRATION: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/reports/authenticationMethods/userRegistrationDetails/{id}",
    needs=(Permission.AUDIT_LOG_READ,),
)
"""Which authentication methods a user has registered: a report, which is up to a day old."""

CALLS: Final = (*ca_context.CALLS, GET_REGISTRATION)

_FEWEST: Final = 2
_USER: Final = {"$select": "id,displayName,userPrincipalName,accountEnabled,onPremisesSyncEnabled,userType"}
_CLOUD_DOMAIN: Final = ".onmicrosoft.com"
_NOT_ALONE: Final = frozenset({"password", "email", "securityQuestion"})
"""Methods of the report that are no second factor."""


def _run(step_context: StepContext) -> StepEnd:
    accounts = sorted(step_context.runtime.settings.emergency_accounts)
    api = step_context.apis[step_context.runtime.settings.workforce.id]
    by_account = {account: tuple(_of_account(api, account)) for account in accounts}
    step_context.go_on()
    around, unread = _around(api, frozenset(accounts))
    policies = {account: tuple(_of_policies(around, account)) for account in accounts}
    ready = [account for account in accounts if _is_ready((*by_account[account], *policies[account]))]
    return StepEnd(
        state=StepState.DONE if ready else StepState.BLOCKED,
        findings=(
            *_enough(accounts, ready),
            _sealed(step_context.runtime.settings.sealed_credential),
            *(found for account in accounts for found in (*by_account[account], *policies[account])),
            *unread,
        ),
        announces=tuple(
            SignInAnnounced(account=account, until=step_context.emergency.expires_at)
            for account in accounts
            if not step_context.emergency.drill
        ),
    )


def _is_ready(found: tuple[Finding, ...]) -> bool:
    return all(one.answer in {Answer.FINE, Answer.NOTED} for one in found)


def _enough(accounts: list[str], ready: list[str]) -> Iterator[Finding]:
    if len(accounts) < _FEWEST:
        yield Finding(
            answer=Answer.WRONG,
            about="Emergency accounts",
            text=f"EMERGENCY_ACCOUNT_IDS names {len(accounts)}; there should be two or more.",
            what_to_do="Sign in with the one that there is; if there is none, go to step 4 at once.",
        )
    if not ready:
        yield Finding(
            answer=Answer.UNKNOWN,
            about="Which account to use",
            text="Of no emergency account it is known that it can sign in.",
            what_to_do=EMERGENCY_ACCOUNTS.failed.en,
        )
        return
    yield Finding(
        answer=Answer.FINE,
        about="Which account to use",
        text=f"As far as can be seen, {' and '.join(ready)} can sign in.",
        what_to_do="Take the sealed credential, two people, and note who opened it.",
    )


def _sealed(where: str) -> Finding:
    """Say where the sealed credentials are and who holds them; never a credential."""
    about = "The sealed credential"
    if where:
        return Finding(answer=Answer.NOTED, about=about, text=where)
    return Finding(
        answer=Answer.UNKNOWN,
        about=about,
        text="SEALED_CREDENTIAL isn't set, so the app can't say where it is.",
        what_to_do="Look at the printed runbook. Later, set SEALED_CREDENTIAL.",
    )


# ---- the account itself ----------------------------------------------------------------------------------------------


def _of_account(api: TenantEdges, account: str) -> Iterator[Finding]:
    about = f"Emergency account {account}"
    try:
        user = api.get(GET_USER, query=_USER, id=account)
    except (EdgeError, BadIdentifier) as error:
        yield Finding(
            answer=Answer.UNKNOWN,
            about=about,
            text=f"It can't be read: {error}",
            what_to_do="Try to sign in with it.",
        )
        return
    if user is None:
        yield Finding(
            answer=Answer.WRONG,
            about=about,
            text="There is no such account in the tenant.",
            what_to_do="Use another one. Restore it from the deleted users, or put EMERGENCY_ACCOUNT_IDS right.",
        )
        return
    about = f"Emergency account {user.get('userPrincipalName') or account}"
    yield _enabled(about, user)
    yield _cloud_only(about, user)
    yield _registered(api, about, account)


def _enabled(about: str, user: Image) -> Finding:
    match user.get("accountEnabled"):
        case True:
            return Finding(answer=Answer.FINE, about=about, text="It exists and is enabled.")
        case False:
            return Finding(
                answer=Answer.WRONG,
                about=about,
                text="It is disabled.",
                what_to_do="Use another one; enable it from there: Entra admin center, Users, the account.",
            )
        case _:
            return Finding(answer=Answer.UNKNOWN, about=about, text="Graph doesn't say whether it is enabled.")


def _cloud_only(about: str, user: Image) -> Finding:
    """Say whether it depends on anything but the tenant: Graph says null for an account that was never synchronized."""
    name = str(user.get("userPrincipalName") or "")
    if "onPremisesSyncEnabled" not in user or not name:
        return Finding(answer=Answer.UNKNOWN, about=about, text="Graph doesn't say whether it is cloud-only.")
    if user["onPremisesSyncEnabled"]:
        return Finding(
            answer=Answer.WRONG,
            about=about,
            text="It is synchronized from on-premises, so it falls with what is there.",
            what_to_do="Use another one.",
        )
    if not name.lower().endswith(_CLOUD_DOMAIN):
        return Finding(
            answer=Answer.WRONG,
            about=about,
            text=f"It isn't in the tenant's own domain (*{_CLOUD_DOMAIN}), so it may depend on a federation.",
            what_to_do="Use another one first.",
        )
    return Finding(answer=Answer.FINE, about=about, text="It is cloud-only.")


def _registered(api: TenantEdges, about: str, account: str) -> Finding:
    try:
        report = api.get(GET_REGISTRATION, id=account)
    except (EdgeError, BadIdentifier) as error:
        return Finding(
            answer=Answer.UNKNOWN, about=about, text=f"Whether it has a second factor can't be read: {error}"
        )
    if report is None or not isinstance(report.get("methodsRegistered"), list):
        return Finding(
            answer=Answer.UNKNOWN,
            about=about,
            text="The report of registered methods, which is up to a day old, doesn't have it.",
        )
    methods = sorted(str(each) for each in report["methodsRegistered"])
    if not set(methods) - _NOT_ALONE:
        return Finding(
            answer=Answer.WRONG,
            about=about,
            text="It has registered no second factor, which Microsoft asks every administrator for.",
            what_to_do="Use another one first. With this one, register a key when you are asked to.",
        )
    return Finding(answer=Answer.FINE, about=about, text=f"It has registered {', '.join(methods)}.")


# ---- what keeps it out -----------------------------------------------------------------------------------------------


def _around(api: TenantEdges, accounts: frozenset[str]) -> tuple[CaContext, tuple[Finding, ...]]:
    """Read all policies with what they lean on, and say what could not be read."""
    around = look_around(api, _facts(api.tenant, accounts), decides_sign_ins=True)
    unread = tuple(
        Finding(
            answer=Answer.UNKNOWN,
            about="Conditional access",
            text=f"Not everything could be read ({what}): {because}",
            what_to_do="What isn't known counts as keeping an account out.",
        )
        for what, because in around.unread.items()
    )
    return around, unread


def _facts(tenant: Tenant, accounts: frozenset[str]) -> GuardFacts:
    """Ask for what stands: no difference at all."""
    nothing: Mapping[str, Any] = {}
    return GuardFacts(
        tenant=tenant,
        object_id="",
        op=Op.UPDATE,
        steps={},
        stands=nothing,
        target=nothing,
        stands_image=None,
        around=None,
        baseline={},
        emergency=accounts,
    )


def _of_policies(around: CaContext, account: str) -> Iterator[Finding]:
    principal = next((one for one in around.accounts if one.id == account), None)
    about = f"Policies for emergency account {account}"
    if principal is None:
        yield Finding(answer=Answer.UNKNOWN, about=about, text="Conditional access could not be read.")
        return
    verdict = PolicySet(around.set_of_policies, around.tenant).judge(principal)
    for lockout in verdict.lockouts:
        yield _kept_out(about, lockout)
    if not verdict.lockouts and verdict.always is Truth.YES:
        yield Finding(answer=Answer.FINE, about=about, text="No conditional access policy keeps it out.")
    elif not verdict.lockouts:
        yield Finding(answer=Answer.UNKNOWN, about=about, text="Whether a policy keeps it out isn't known.")


def _kept_out(about: str, lockout: Lockout) -> Finding:
    sure = lockout.sure is Truth.YES
    where = f" with {', '.join(lockout.needs)}" if lockout.needs else ""
    doubts = f" Not known: {', '.join(lockout.depends_on)}." if lockout.depends_on else ""
    name = lockout.policy.name or lockout.policy.id
    return Finding(
        answer=Answer.WRONG if sure else Answer.UNKNOWN,
        about=about,
        text=f"“{name}” {'keeps' if sure else 'may keep'} it out{where}: it asks for"
        f" {', '.join(lockout.controls)}.{doubts}",
        what_to_do="Exclude the account from the policy, or switch the policy to report-only, from an account that can"
        " sign in.",
    )


# ---- the way back ----------------------------------------------------------------------------------------------------


def _check_again(step_context: StepContext) -> StepEnd:
    """Look at the accounts once more before the emergency is closed, and say which credentials have to be changed."""
    end = _run(step_context)
    used = tuple(
        Finding(
            answer=Answer.WRONG,
            about=f"Emergency account {account}",
            text="Its sign-in was announced, so its sealed credential was opened.",
            what_to_do="Change its credential and seal the new one, before the case is put away.",
        )
        for account in step_context.emergency.announced_accounts
    )
    return msgspec.structs.replace(end, state=StepState.DONE, findings=(*used, *end.findings), announces=())


EMERGENCY_ACCOUNTS: Final = RunbookStep(
    number=3,
    id="sign-in-with-an-emergency-account",
    title=Words(en="Sign in with an emergency account", ko="비상 계정으로 로그인"),
    person=Words(
        en="Fetch the sealed credential with a second person, sign in, and say in a note who did. Change the credential"
        " afterwards.",
        ko="두 사람이 함께 봉인된 자격 증명을 꺼내 로그인하고, 누가 했는지 메모에 적으세요. 끝난 뒤 자격 증명을"
        " 바꾸세요.",
    ),
    system=Words(
        en="Checks that each emergency account exists, is enabled, is cloud-only and has a second factor, and which"
        " conditional access policy keeps it out and why. Announces its sign-in, which is paged all the same.",
        ko="각 비상 계정이 존재하고, 사용 가능하고, 클라우드 전용이고, 두 번째 인증 수단이 있는지 확인하고, 어떤 조건부"
        " 액세스 정책이 왜 막는지 보여 줍니다. 로그인을 예고하지만 호출은 그대로 갑니다.",
    ),
    check=Words(
        en="You are signed in with an emergency account, and everybody has been paged about it, as announced.",
        ko="비상 계정으로 로그인했고, 예고된 로그인이라는 호출이 모두에게 갔습니다.",
    ),
    failed=Words(
        en="Try each emergency account from a private window, on another network. If none works, go to step 4.",
        ko="다른 네트워크의 개인 창에서 비상 계정을 하나씩 시도하세요. 모두 안 되면 4단계로 가세요.",
    ),
    needs=CALLS,
    run=_run,
    way_back=_check_again,
)
