"""General guards: what must not happen by a write, whatever the object is. Each is a law on the difference to write.

None asks about modes: what wasn't enforced from the change on until now isn't planned at all, but listed for a person
(`shared.objects.verdicts`), and the look right before a write judges that again.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from shared.model.kinds import Risk
from shared.model.objects import EXISTS, WHOLE, WRITABLE, BaselineLeaf, Op
from shared.objects.guard_facts import HOUR, Facts, Guard, Reason, Spent, Waiting

KEPT_FOR: Final = timedelta(minutes=5)
"""For so long half of an hour's places are kept for changes of the highest risk: what comes first may be decoys."""

HOURLY_LIMIT: Final = "hourly-limit"
_HIGHEST: Final = tuple(Risk)[-1]


def _kill_switch(facts: Facts) -> Mapping[str, Reason]:
    if facts.is_stopped is None:
        return _whole("the kill switch could not be read")
    return _whole("the kill switch is on") if facts.is_stopped else {}


def _configured(facts: Facts) -> Mapping[str, Reason]:
    return {} if facts.is_configured else _whole("this tenant or subscription is not configured")


def _provenance(facts: Facts) -> Mapping[str, Reason]:
    if facts.takes_away:
        judged = facts.changes.get(facts.verdicts[EXISTS].change)
        if judged is not None and judged.change.op is Op.CREATE:
            return {}  # its record proves that it didn't exist, and no value is written
        leaves: tuple[str, ...] = (EXISTS,)
    else:
        leaves = tuple(facts.steps)
    weak = {leaf: how for leaf in leaves if (how := _of(facts, leaf).provenance) not in WRITABLE}
    if not weak:
        return {}
    if facts.op is Op.UPDATE and not facts.takes_away:
        return {leaf: Reason(f"the value to restore is only {how}, accepted by nobody") for leaf, how in weak.items()}
    return _whole(f"nobody has accepted what is to be restored: {', '.join(sorted(weak))}")


def _emergency_accounts(facts: Facts) -> Mapping[str, Reason]:
    hit = facts.assessed.loses & facts.emergency
    return _whole(f"an emergency account would lose something ({', '.join(sorted(hit))})") if hit else {}


def _protected(facts: Facts) -> Mapping[str, Reason]:
    if facts.protected is None:
        if not facts.assessed.loses:
            return {}
        return _whole("the protected principals could not be read")
    hit = facts.assessed.loses & facts.protected
    return _whole(f"a protected principal would lose something ({', '.join(sorted(hit))})") if hit else {}


def _disabled(facts: Facts) -> Mapping[str, Reason]:
    hit = facts.assessed.gains & facts.disabled
    if hit:
        return _whole(f"it would give access to a disabled account ({', '.join(sorted(hit))})")
    unread = facts.assessed.gains & facts.unread
    if unread:
        return _whole(f"whether an account is enabled could not be read ({', '.join(sorted(unread))})")
    return {}


def _named(facts: Facts) -> Mapping[str, Reason]:
    return _gains_among(facts, facts.named, "the actor of a change that is not approved, in an open case", "open cases")


def _restrained(facts: Facts) -> Mapping[str, Reason]:
    return _gains_among(facts, facts.restrained, "restrained", "restraints")


def _unreturnable(facts: Facts) -> Mapping[str, Reason]:
    deciding = facts.deciding
    hit = [
        leaf
        for leaf, (_, new) in facts.steps.items()
        if leaf in facts.unreturnable
        and new is None
        and (deciding.get(leaf) or deciding.get(WHOLE, "")) not in facts.chosen_by_name
    ]
    if not hit:
        return {}
    because = "what is taken away can't come back, and enforce wasn't chosen for its detection by name"
    return {leaf: Reason(because) for leaf in hit} if facts.op is Op.UPDATE else _whole(because)


def _limit(facts: Facts) -> Mapping[str, Reason]:
    spent = facts.spent
    if facts.has_place:
        return {}
    if spent is None:
        return _whole("how much was put back in this hour could not be read")
    if spent.has(facts.decision):
        return {}
    taken = spent.taken("")
    if len(taken) >= facts.limit_in_all:
        until = taken[0].at + HOUR if taken else None
        return {WHOLE: Reason(f"the limit of {facts.limit_in_all} objects in an hour is reached", until=until)}
    reasons = (_limit_of(facts, spent, one) for one in facts.waiting)
    return {WHOLE: reason} if (reason := next(filter(None, reasons), None)) else {}


def _limit_of(facts: Facts, spent: Spent, one: Waiting) -> Reason | None:
    """Say why there is no place for a decision among those of an actor: the riskiest go first, then the oldest.

    Before all of them goes what the responder itself hears by.
    """
    taken, ahead = spent.taken(one.actor), spent.ahead_of(one)
    free = facts.limit - len(taken)
    if free > ahead:
        kept = (
            facts.limit // 2 if one.risk is not _HIGHEST and not one.is_ours and spent.now < one.since + KEPT_FOR else 0
        )
        if free > kept:
            return None
        because = f"the last {kept} of {facts.limit} objects of one actor in an hour are kept for riskier changes"
        return Reason(because, until=one.since + KEPT_FOR)
    because = f"the limit of {facts.limit} objects of one actor in an hour is reached"
    if free > 0:
        because = f"riskier or older changes of the same actor go first, {facts.limit} objects an hour"
    if not taken:
        return Reason(because)
    # As many as there are places are put back each hour, in the order in which the places become free.
    hours, place = divmod(ahead - free, len(taken))
    return Reason(because, until=taken[place].at + HOUR * (1 + hours))


def _gains_among(facts: Facts, principals: frozenset[str] | None, what: str, unread: str) -> Mapping[str, Reason]:
    if principals is None:
        return _whole(f"the {unread} could not be read") if facts.assessed.gains else {}
    hit = facts.assessed.gains & principals
    return _whole(f"it would give access to somebody who is {what} ({', '.join(sorted(hit))})") if hit else {}


def _whole(because: str) -> Mapping[str, Reason]:
    return {WHOLE: Reason(because)}


def _of(facts: Facts, leaf: str) -> BaselineLeaf:
    return facts.baseline.get(leaf) or facts.baseline[WHOLE]


GUARDS: Final = (
    Guard(
        id="kill-switch",
        why="Whoever turned it on wants nothing written.",
        judge=_kill_switch,
        can_pass=True,
        binds_people=True,
        in_parts=False,
    ),
    Guard(
        id="tenant-configured",
        why="The responder writes only where it was set up to.",
        judge=_configured,
        can_pass=False,
        binds_people=True,
        in_parts=False,
    ),
    Guard(
        id="provenance",
        why="What was only seen may be an attacker's.",
        judge=_provenance,
        can_pass=False,
        binds_people=True,
        in_parts=True,
    ),
    Guard(
        id="emergency-account",
        why="An emergency account must never lose anything by the responder.",
        judge=_emergency_accounts,
        can_pass=True,
        binds_people=True,
        in_parts=True,
    ),
    Guard(
        id="protected-principal",
        why="Protected principals keep the tenant and the responder running.",
        judge=_protected,
        can_pass=True,
        binds_people=True,
        in_parts=True,
    ),
    Guard(
        id="disabled-account",
        why="Somebody disabled the account for a reason; access comes back when a person says so.",
        judge=_disabled,
        can_pass=True,
        binds_people=False,
        in_parts=True,
    ),
    Guard(
        id="named-in-case",
        why="Who made an unapproved change may be an attacker who was stripped of access on purpose.",
        judge=_named,
        can_pass=True,
        binds_people=False,
        in_parts=True,
    ),
    Guard(
        id="restrained",
        why="A restrained principal was stripped of access on purpose.",
        judge=_restrained,
        can_pass=True,
        binds_people=False,
        in_parts=True,
    ),
    Guard(
        id="cannot-come-back",
        why="A secret that is taken away by mistake is lost, and what uses it stops.",
        judge=_unreturnable,
        can_pass=False,
        binds_people=False,
        in_parts=True,
    ),
    Guard(
        id=HOURLY_LIMIT,
        why="A mistake of the responder's, or an attacker who plays with it, must not change a tenant in an hour.",
        judge=_limit,
        can_pass=True,
        binds_people=False,
        in_parts=False,
    ),
)
"""In the order in which they are asked; a leaf shows the first objection to it. The kind's own come after them."""
