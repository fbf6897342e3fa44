"""The emergency accounts, before they are needed."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from responders.kinds.registered_methods import has_second_factor
from responders.posture.accounts import PEOPLE, REGISTRATIONS, SIGN_INS
from responders.posture.names import some_of
from responders.posture.roles import ASSIGNMENTS
from responders.posture.sign_in_policies import DEFAULTS, POLICIES, policy_set
from shared.checks.check import Finding, failed, ok, unknown
from shared.checks.posture import PostureCheck, Stage
from shared.checks.snapshot import Snapshot
from shared.conditional_access.truth import Truth
from shared.conditional_access.verdicts import Verdict
from shared.model.privileges import GLOBAL_ADMINISTRATOR

_FEWEST: Final = 2
TRIED_WITHIN: Final = timedelta(days=90)
_CLOUD_DOMAIN: Final = ".onmicrosoft.com"


def _two(snapshot: Snapshot) -> list[Finding]:
    accounts = sorted(snapshot.settings.emergency_accounts)
    if len(accounts) < _FEWEST:
        return [failed(f"{len(accounts)} are named in EMERGENCY_ACCOUNT_IDS; there should be two")]
    problems = {account: [*_problems(snapshot, account)] for account in accounts}
    found = [failed(f"{account}: {', '.join(what)}") for account, what in problems.items() if what]
    ready = [account for account, what in problems.items() if not what]
    return found if len(ready) < _FEWEST else [ok(f"ready: {some_of(ready)}"), *found]


def _problems(snapshot: Snapshot, account: str) -> Iterator[str]:
    person = snapshot.of(PEOPLE).get(account)
    if person is None:
        yield "there is no such account"
        return
    if not person.is_enabled:
        yield "it is disabled"
    if person.is_synced:
        yield "it is synchronized from on-premises"
    if not person.name.lower().endswith(_CLOUD_DOMAIN):
        yield f"its name doesn't end with {_CLOUD_DOMAIN}"
    if person.has_mailbox:
        yield "it has a mailbox, so it is somebody's"
    held = {each.role for each in snapshot.of(ASSIGNMENTS) if each.principal == account}
    if GLOBAL_ADMINISTRATOR not in held:
        yield "it isn't assigned Global Administrator itself, for good"
    if not has_second_factor(snapshot.of(REGISTRATIONS).get(account, ())):
        yield "it has no second factor"


def _not_blocked(snapshot: Snapshot) -> list[Finding]:
    accounts = sorted(snapshot.settings.emergency_accounts)
    if not accounts:
        return [failed("no emergency account is named in EMERGENCY_ACCOUNT_IDS")]
    policies, judge = snapshot.of(POLICIES), policy_set(snapshot)
    by_id = {each.id: each for each in policies.accounts}
    return [_reached(account, judge.judge(by_id[account]) if account in by_id else None) for account in accounts]


def _reached(account: str, verdict: Verdict | None) -> Finding:
    if verdict is None:
        return unknown(f"{account}: what it is in could not be read")
    if verdict.always is Truth.YES:
        return ok(f"{account}: no policy keeps it out")
    names = some_of(each.policy.name or each.policy.id for each in verdict.lockouts)
    sure = [each for each in verdict.lockouts if each.sure is Truth.YES]
    if sure:
        return failed(f"{account}: kept out, somewhere at least, by {names}")
    doubts = some_of(doubt for each in verdict.lockouts for doubt in each.depends_on)
    return unknown(f"{account}: whether {names or 'a policy'} keeps it out isn't known: {doubts or 'the account'}")


def _tried(snapshot: Snapshot) -> list[Finding]:
    last, oldest = snapshot.of(SIGN_INS), snapshot.at - TRIED_WITHIN
    accounts = sorted(snapshot.settings.emergency_accounts)
    idle = [account for account in accounts if (last.get(account) or oldest) <= oldest]
    if idle or not accounts:
        return [failed(f"no sign-in within {TRIED_WITHIN.days} days is known of {some_of(idle) or 'any'}")]
    return [ok(f"each has signed in within {TRIED_WITHIN.days} days")]


CHECKS: Final = (
    PostureCheck(
        id="two-emergency-accounts",
        stage=Stage.FIRST_DAYS,
        title="Two emergency accounts are ready",
        why="When everybody is locked out, they are the only way back in.",
        passages=(16, 17, 18, 19, 113),
        parts=(PEOPLE, ASSIGNMENTS, REGISTRATIONS),
        always_applies="Every tenant needs a way in that nothing else can close.",
        cure=(
            "Two accounts of the tenant's .onmicrosoft.com domain, each Global Administrator for good, with a FIDO2 key"
            " and without a mailbox; name them in EMERGENCY_ACCOUNT_IDS."
        ),
        run=_two,
    ),
    PostureCheck(
        id="emergency-accounts-not-blocked",
        stage=Stage.FIRST_DAYS,
        title="No conditional access policy keeps an emergency account out",
        why="A policy that keeps everybody out keeps out whoever could mend it.",
        passages=(18,),
        parts=(POLICIES, DEFAULTS),
        always_applies="Where there is no policy, none keeps anybody out, which is what is asked.",
        cure="Leave both accounts out of each policy that asks for more than their key, by id or by a guarded group.",
        run=_not_blocked,
    ),
    PostureCheck(
        id="emergency-accounts-tried",
        stage=Stage.HALF_A_YEAR,
        title="Each emergency account was tried within 90 days",
        why="A key that is lost, or a credential that nobody knows any more, shows only when somebody tries.",
        passages=(17, 98, 113),
        parts=(PEOPLE, SIGN_INS),
        always_applies="Every tenant has emergency accounts, or fails another check for that.",
        cure="Hold a drill, `responder emergency drill`, and sign in with each of them; the sign-in is paged.",
        run=_tried,
    ),
)
