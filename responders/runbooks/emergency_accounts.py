"""Step 3 of the break-glass runbook: can the emergency accounts sign in, and if not, what keeps them out?"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from responders.kinds import ca_context
from responders.kinds.ca_context import CaContext, look_around
from responders.kinds.principals import GET_USER
from responders.kinds.registered_methods import GET_REGISTRATION, has_second_factor, registered_methods
from responders.runbooks import emergency_account_findings as texts
from shared.clients.api import TenantEdges
from shared.conditional_access.truth import Truth
from shared.conditional_access.verdicts import Lockout, PolicySet
from shared.emergency.entries import Answer, Finding, SignInAnnounced, StepState
from shared.emergency.runbook import RunbookStep, StepContext, StepEnd
from shared.model.bilingual import Words, filled
from shared.model.errors import BadIdentifier, EdgeError
from shared.model.kinds import Image
from shared.model.object_kinds import GuardFacts
from shared.model.objects import Op
from shared.model.settings import Tenant

CALLS: Final = (*ca_context.CALLS, GET_REGISTRATION)

_FEWEST: Final = 2
_USER: Final = {"$select": "id,displayName,userPrincipalName,accountEnabled,onPremisesSyncEnabled,userType"}
_CLOUD_DOMAIN: Final = ".onmicrosoft.com"


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
        yield texts.TOO_FEW.found(count=len(accounts))
    if not ready:
        yield texts.NONE_READY.found()
        return
    yield texts.READY.found(accounts=Words(en=" and ".join(ready), ko=", ".join(ready)))


def _sealed(where: str) -> Finding:
    """Say where the sealed credentials are and who holds them; never a credential."""
    return texts.SEALED.found(where=where) if where else texts.SEALED_NOT_SET.found()


# ---- the account itself ----------------------------------------------------------------------------------------------


def _of_account(api: TenantEdges, account: str) -> Iterator[Finding]:
    try:
        user = api.get(GET_USER, query=_USER, id=account)
    except (EdgeError, BadIdentifier) as error:
        yield texts.ACCOUNT_UNREAD.found(account=account, because=str(error))
        return
    if user is None:
        yield texts.ACCOUNT_MISSING.found(account=account)
        return
    name = str(user.get("userPrincipalName") or account)
    yield _enabled(name, user)
    yield _cloud_only(name, user)
    yield _registered(api, name, account)


def _enabled(name: str, user: Image) -> Finding:
    match user.get("accountEnabled"):
        case True:
            return texts.ENABLED.found(account=name)
        case False:
            return texts.DISABLED.found(account=name)
        case _:
            return texts.ENABLED_NOT_SAID.found(account=name)


def _cloud_only(name: str, user: Image) -> Finding:
    """Say whether it depends on anything but the tenant: Graph says null for an account that was never synchronized."""
    upn = str(user.get("userPrincipalName") or "")
    if "onPremisesSyncEnabled" not in user or not upn:
        return texts.CLOUD_ONLY_NOT_SAID.found(account=name)
    if user["onPremisesSyncEnabled"]:
        return texts.SYNCHRONIZED.found(account=name)
    if not upn.lower().endswith(_CLOUD_DOMAIN):
        return texts.OTHER_DOMAIN.found(account=name, domain=_CLOUD_DOMAIN)
    return texts.CLOUD_ONLY.found(account=name)


def _registered(api: TenantEdges, name: str, account: str) -> Finding:
    try:
        methods = registered_methods(api, account)
    except (EdgeError, BadIdentifier) as error:
        return texts.METHODS_UNREAD.found(account=name, because=str(error))
    if methods is None:
        return texts.METHODS_NOT_REPORTED.found(account=name)
    if not has_second_factor(methods):
        return texts.NO_SECOND_FACTOR.found(account=name)
    return texts.METHODS.found(account=name, methods=", ".join(methods))


# ---- what keeps it out -----------------------------------------------------------------------------------------------


def _around(api: TenantEdges, accounts: frozenset[str]) -> tuple[CaContext, tuple[Finding, ...]]:
    """Read all policies with what they lean on, and say what could not be read."""
    around = look_around(api, _facts(api.tenant, accounts), decides_sign_ins=True)
    unread = tuple(
        texts.POLICIES_UNREAD_IN_PART.found(what=str(what), because=str(because))
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
    if principal is None:
        yield texts.POLICIES_UNREAD.found(account=account)
        return
    verdict = PolicySet(around.set_of_policies, around.tenant).judge(principal)
    for lockout in verdict.lockouts:
        yield _kept_out(account, lockout)
    if not verdict.lockouts and verdict.always is Truth.YES:
        yield texts.NOT_KEPT_OUT.found(account=account)
    elif not verdict.lockouts:
        yield texts.KEPT_OUT_NOT_KNOWN.found(account=account)


def _kept_out(account: str, lockout: Lockout) -> Finding:
    declared = texts.KEPT_OUT if lockout.sure is Truth.YES else texts.MAY_BE_KEPT_OUT
    needs, doubts = lockout.needs, lockout.depends_on
    return declared.found(
        account=account,
        policy=lockout.policy.name or lockout.policy.id,
        where=filled(texts.WHERE, needs=", ".join(needs)) if needs else "",
        controls=", ".join(lockout.controls),
        doubts=filled(texts.DOUBTS, names=", ".join(doubts)) if doubts else "",
    )


# ---- the way back ----------------------------------------------------------------------------------------------------


def _check_again(step_context: StepContext) -> StepEnd:
    """Look at the accounts once more before the emergency is closed, and say which credentials have to be changed."""
    end = _run(step_context)
    used = tuple(
        texts.CREDENTIAL_OPENED.found(account=account) for account in step_context.emergency.announced_accounts
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
    failed=texts.TRY_EACH,
    needs=CALLS,
    run=_run,
    way_back=_check_again,
)
