"""Says whether a change of a conditional access policy makes it apply to a break-glass account, by the policy's JSON.

Every policy counts, also one that only requires a factor or a network: in an emergency it may not be available.
"""

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from shared.model.errors import UnreadableRecord
from shared.model.privileges import GLOBAL_ADMINISTRATOR
from shared.normalize.decoding import decode

ENFORCED: Final = "enabled"
NOT_ENFORCED: Final = frozenset({"disabled", "enabledforreportingbutnotenforced"})
"""States of a policy, in lower case."""

WORST_FIRST: Final = ("reached", "exclusion-lost", "unknown", "as-before", "left-out")


class _Users(Struct, rename="camel"):
    """Whom a policy includes and excludes: by object id, or by a word such as "All"; roles by template id."""

    include_users: list[str] | None = None
    include_groups: list[str] | None = None
    include_roles: list[str] | None = None
    exclude_users: list[str] | None = None
    exclude_groups: list[str] | None = None
    exclude_roles: list[str] | None = None


class _Conditions(Struct):
    users: _Users | None = None


class _Policy(Struct):
    state: str | None = None
    conditions: _Conditions | None = None


class _Standing(Struct, frozen=True, kw_only=True):
    """Whether a policy includes and excludes an account.

    `may_include` and `may_exclude` say that it names roles or groups, whose members aren't known here.
    """

    state: str
    includes: bool
    excludes: bool
    may_include: bool
    may_exclude: bool

    @property
    def reach(self) -> str:
        if self.state in NOT_ENFORCED:
            return "left-out"
        if self.state != ENFORCED:
            return "unknown"
        if self.excludes or not (self.includes or self.may_include):
            return "left-out"
        return "reached" if self.includes and not self.may_exclude else "unknown"


_POLICY: Final = Decoder(_Policy)
_EVERYBODY: Final = "all"


def change_of_reach(old: str | None, new: str, *, account: str, groups: frozenset[str]) -> str:
    """Say what a change of a policy, given as old and new JSON, means for an account that is a member of `groups`.

    - "reached": it applies now, and isn't known to have applied before.
    - "exclusion-lost": it left the account out and no longer does; a role or another group decides whether it applies.
    - "unknown": a role or another group decides as it did, or the JSON can't be read.
    - "as-before": it applies, as it did.
    - "left-out": it doesn't apply, or isn't enforced.
    """
    before, now = (_standing(_policy(text or ""), account, groups) for text in (old, new))
    if now.reach == "reached":
        return "as-before" if before.reach == "reached" else "reached"
    if now.reach == "unknown" and now.state == ENFORCED and before.excludes:
        return "exclusion-lost"
    return now.reach


def _policy(text: str) -> _Policy:
    """Read a policy; one that can't be read has no state, so its reach is unknown."""
    try:
        return decode(_POLICY, text)
    except UnreadableRecord:
        return _Policy()


def _standing(policy: _Policy, account: str, groups: frozenset[str]) -> _Standing:
    """Compare ids. The account counts as a Global Administrator, because a break-glass account has to be one."""
    users = (policy.conditions.users if policy.conditions else None) or _Users()
    holds = groups | {GLOBAL_ADMINISTRATOR}
    included, excluded = _lowered(users.include_users), _lowered(users.exclude_users)
    including, excluding = (
        _lowered(users.include_groups, users.include_roles),
        _lowered(users.exclude_groups, users.exclude_roles),
    )
    return _Standing(
        state=(policy.state or "").lower(),
        includes=not included.isdisjoint({account, _EVERYBODY}) or not including.isdisjoint(holds),
        excludes=account in excluded or not excluding.isdisjoint(holds),
        may_include=bool(including),
        may_exclude=bool(excluding),
    )


def _lowered(*lists: list[str] | None) -> frozenset[str]:
    return frozenset(each.lower() for listed in lists for each in listed or ())
