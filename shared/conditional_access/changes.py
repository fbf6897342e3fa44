"""Whether a change of policies, locations or strengths makes it worse for an account; a guard asks before it writes."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from shared.conditional_access.account import Principal
from shared.conditional_access.environments import Environments
from shared.conditional_access.policy import Policy
from shared.conditional_access.sign_in import Tenant
from shared.conditional_access.targets import Request
from shared.conditional_access.verdicts import NEEDED, Lockout, PolicySet, Verdict


class Change(Struct, frozen=True, kw_only=True):
    """How an account stands before and after a change."""

    account: Principal
    before: Verdict
    after: Verdict
    worse: tuple[Lockout, ...]
    """Policies that keep the account out, as they are after, where they didn't before or less surely or at less."""

    @property
    def verdict_fell(self) -> bool:
        """Whether it is less sure that the account can sign in, always or somewhere; yes to unknown counts."""
        return self.after.always < self.before.always or self.after.somewhere < self.before.somewhere

    @property
    def is_safe(self) -> bool:
        """Whether nothing got worse. A policy that bars the account counts even where another does already."""
        return not (self.verdict_fell or self.worse)


def judge_change(
    accounts: Iterable[Principal],
    before: tuple[Iterable[Policy], Tenant],
    after: tuple[Iterable[Policy], Tenant],
    *,
    requests: Sequence[Request] = NEEDED,
    client_type: str = "browser",
) -> tuple[Change, ...]:
    """Judge each account by the whole set of policies before and after a change, in the same environments."""
    (old, old_tenant), (new, new_tenant) = ([*before[0]], before[1]), ([*after[0]], after[1])
    environments = Environments([*old, *new], [old_tenant, new_tenant])
    earlier = PolicySet(
        old, old_tenant, requests=requests, client_type=client_type, environments=environments, version=0
    )
    later = PolicySet(new, new_tenant, requests=requests, client_type=client_type, environments=environments, version=1)
    comparable = environments.complete or old_tenant == new_tenant
    judged = ((account, earlier.judge(account), later.judge(account)) for account in accounts)
    return tuple(
        Change(
            account=account,
            before=then,
            after=now,
            worse=tuple(
                each
                for each in now.lockouts
                if not any(comparable and _covers(one, each, enumerated=environments.complete) for one in then.lockouts)
            ),
        )
        for account, then, now in judged
    )


def _covers(before: Lockout, after: Lockout, *, enumerated: bool) -> bool:
    """Say whether a policy kept the account out before at least as surely, from as much, in as many environments.

    Where not all environments are `enumerated`, only of a policy that stays as it is.
    """
    if not enumerated and before.policy != after.policy:
        return False
    return (
        before.policy.id == after.policy.id
        and before.sure >= after.sure
        and set(before.resources) >= set(after.resources)
        and not after.surely_at & ~before.surely_at
        and not after.possibly_at & ~before.possibly_at
    )
