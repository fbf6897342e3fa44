"""The guard of the emergency accounts: no write may keep one out that could sign in, nor add a policy that bars one.

It judges the set of policies as it would be, with the locations, strengths, groups and roles that they lean on. What
isn't known never counts as fine; but a policy that doesn't change, leans on nothing that changes, and can't be judged
is as it was before, and so decides nothing.
"""

from typing import Final

from responders.kinds.ca_context import CaContext
from shared.conditional_access.changes import Change, judge_change
from shared.conditional_access.truth import Truth
from shared.conditional_access.verdicts import Lockout
from shared.model.objects import Objection

GUARD: Final = "emergency-sign-in"


def objection(before: CaContext, *, after: CaContext) -> Objection | None:
    """Judge a difference: `after` is what `before` would become. None where it is safe for every account."""
    if before.policies is None:
        because = f"whom it would keep out can't be judged: {before.unread.get('policies', 'policies were not read')}"
        return Objection(guard=GUARD, because=because, can_pass=True)
    changes = judge_change(
        before.accounts, (before.set_of_policies, before.tenant), (after.set_of_policies, after.tenant)
    )
    unsafe = [each for each in changes if not each.is_safe]
    if not unsafe:
        return None
    return Objection(guard=GUARD, because="; ".join(_words(each) for each in unsafe), can_pass=True)


def _words(change: Change) -> str:
    lockouts = change.worse or change.after.lockouts
    said = "; ".join(_of_policy(each) for each in lockouts) or "it could sign in before, and not after"
    return f"emergency account {change.account.id}: {said}"


def _of_policy(lockout: Lockout) -> str:
    verb = "would keep it out" if lockout.sure is Truth.YES else "may keep it out"
    where = f" with {', '.join(lockout.needs)}" if lockout.needs else ""
    unknown = f"; not known is {', '.join(lockout.depends_on)}" if lockout.depends_on else ""
    asks = ", ".join(lockout.controls)
    return f'policy "{lockout.policy.name or lockout.policy.id}" {verb}{where}: it asks for {asks}{unknown}'
