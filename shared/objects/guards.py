"""General guards: what must not happen by a write, whatever the object is. Each is a law on the difference to write.

A guard objects to single leaves or to the whole difference. What couldn't be read is an objection too, one that can
pass. A difference that is refused as a whole is judged again in parts: what harms nobody is put back, the rest is
pending, each leaf under its own objection.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from shared.model.kinds import Mode
from shared.model.object_kinds import Objections
from shared.model.objects import (
    EXISTS,
    WHOLE,
    WRITABLE,
    BaselineLeaf,
    JudgedChange,
    LeafVerdict,
    Objection,
    Op,
    Step,
    Verdict,
)


class Assessed(Struct, frozen=True, kw_only=True):
    """What the kind says of a difference: its own objections, and which principals lose or get access by it."""

    objections: Objections = {}
    loses: frozenset[str] = frozenset()
    gains: frozenset[str] = frozenset()


class Spent(Struct, frozen=True, kw_only=True):
    """What was put back within the last hour: ids of decisions, by actor and in all.

    A decision is an object, or several that were decided together; tries of the same one count once.
    """

    by_actor: Mapping[str, frozenset[str]]
    in_all: frozenset[str]


class Facts(Struct, frozen=True, kw_only=True):
    """All that the guards judge by. None is for what couldn't be read; ids of principals are in lower case.

    The difference is `op` and `steps`, and `assessed` what the kind says of it. `baseline`, `verdicts` and `changes`
    (by id) are those of the plan. `emergency` are the emergency accounts, `protected` other principals who may lose
    nothing. `disabled` can't sign in, `unread` are principals of whom that couldn't be read; `named` are the actors of
    unapproved changes in open cases, `restrained` those that a restraint names. `decision` names this decision among
    those that were `spent`, `limit` is the most an hour by actor, `limit_in_all` by all. `modes` are those of the
    deciding detections by change. `foreign_master` names who else keeps the object ("Active Directory"). `unreturnable`
    are leaves that can't come back once they are taken away (secrets), `chosen_by_name` the changes for whose detection
    enforce was chosen by name. `was_time_bound` are leaves that would be restored as permanent although they weren't.
    `is_asked` says that a person asked for it.
    """

    op: Op
    steps: Mapping[str, Step]
    assessed: Assessed
    baseline: Mapping[str, BaselineLeaf]
    verdicts: Mapping[str, LeafVerdict]
    changes: Mapping[str, JudgedChange]
    is_stopped: bool | None
    modes: Mapping[str, Mode | None]
    is_configured: bool
    spent: Spent | None
    limit: int
    limit_in_all: int
    decision: str
    emergency: frozenset[str] = frozenset()
    protected: frozenset[str] | None = frozenset()
    disabled: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()
    named: frozenset[str] | None = frozenset()
    restrained: frozenset[str] | None = frozenset()
    foreign_master: str = ""
    unreturnable: frozenset[str] = frozenset()
    chosen_by_name: frozenset[str] = frozenset()
    was_time_bound: frozenset[str] = frozenset()
    is_asked: bool = False

    @property
    def takes_away(self) -> bool:
        """Whether the object as a whole is taken away, deleted or made harmless."""
        judged = self.verdicts.get(EXISTS)
        return judged is not None and judged.verdict is Verdict.PUT_BACK and self.op is not Op.CREATE

    @property
    def deciding(self) -> Mapping[str, str]:
        """Give the change that each part of the difference answers; `WHOLE` where it is one part."""
        if self.takes_away or self.op is Op.CREATE:
            return {WHOLE: self.verdicts[EXISTS].change if EXISTS in self.verdicts else ""}
        return {leaf: self.verdicts[leaf].change if leaf in self.verdicts else "" for leaf in self.steps}

    @property
    def actors(self) -> frozenset[str]:
        """Give the ids of the actors whose changes are put back."""
        changes = (self.changes.get(change) for change in self.deciding.values())
        return frozenset(judged.change.actor.id.lower() for judged in changes if judged is not None)


class Reason(Struct, frozen=True):
    """Why a guard objects. `is_unread` says that something couldn't be read."""

    because: str
    is_unread: bool = False


class Guard(Struct, frozen=True, kw_only=True):
    """A guard: what it objects to, by leaf or `WHOLE`.

    `can_pass` says that its objections may go away by themselves, so that the object is looked at again. `binds_people`
    says that it holds too where a person asked. `in_parts` says that a smaller difference may pass where the whole
    doesn't.
    """

    id: str
    why: str
    judge: Callable[[Facts], Mapping[str, Reason]]
    can_pass: bool
    binds_people: bool
    in_parts: bool


class Allowed(Struct, frozen=True, kw_only=True):
    """What may be written, and the objection to each leaf that may not. `op` is None where nothing may."""

    op: Op | None
    steps: dict[str, Step]
    objections: dict[str, Objection]


def _kill_switch(facts: Facts) -> Mapping[str, Reason]:
    if facts.is_stopped is None:
        return _whole("the kill switch could not be read", is_unread=True)
    return _whole("the kill switch is on") if facts.is_stopped else {}


def _mode(facts: Facts) -> Mapping[str, Reason]:
    found: dict[str, Reason] = {}
    for leaf, change in facts.deciding.items():
        mode = facts.modes.get(change)
        if mode is None:
            found[leaf] = Reason("the mode of its detection could not be read", is_unread=True)
        elif mode is not Mode.ENFORCE:
            found[leaf] = Reason(f"its detection is in mode {mode}")
    return found


def _configured(facts: Facts) -> Mapping[str, Reason]:
    return {} if facts.is_configured else _whole("this tenant or subscription is not configured")


def _foreign_master(facts: Facts) -> Mapping[str, Reason]:
    if not facts.foreign_master:
        return {}
    return _whole(f"it is kept by {facts.foreign_master}, which would write it again")


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
        return _whole("the protected principals could not be read", is_unread=True)
    hit = facts.assessed.loses & facts.protected
    return _whole(f"a protected principal would lose something ({', '.join(sorted(hit))})") if hit else {}


def _disabled(facts: Facts) -> Mapping[str, Reason]:
    hit = facts.assessed.gains & facts.disabled
    if hit:
        return _whole(f"it would give access to a disabled account ({', '.join(sorted(hit))})")
    unread = facts.assessed.gains & facts.unread
    if unread:
        return _whole(f"whether an account is enabled could not be read ({', '.join(sorted(unread))})", is_unread=True)
    return {}


def _named(facts: Facts) -> Mapping[str, Reason]:
    return _gains_among(facts, facts.named, "the actor of a change that is not approved, in an open case", "open cases")


def _restrained(facts: Facts) -> Mapping[str, Reason]:
    return _gains_among(facts, facts.restrained, "restrained", "restraints")


def _time_bound(facts: Facts) -> Mapping[str, Reason]:
    hit = [leaf for leaf in facts.steps if leaf in facts.was_time_bound]
    if not hit:
        return {}
    because = "it was bound in time and would come back as permanent"
    return {leaf: Reason(because) for leaf in hit} if facts.op is Op.UPDATE else _whole(because)


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
    if facts.spent is None:
        return _whole("how much was put back in this hour could not be read", is_unread=True)
    if facts.decision in facts.spent.in_all:
        return {}
    if len(facts.spent.in_all) >= facts.limit_in_all:
        return _whole(f"the limit of {facts.limit_in_all} objects in an hour is reached")
    full = [who for who in sorted(facts.actors) if len(facts.spent.by_actor.get(who, ())) >= facts.limit]
    return _whole(f"the limit of {facts.limit} objects of one actor in an hour is reached") if full else {}


def _gains_among(facts: Facts, principals: frozenset[str] | None, what: str, unread: str) -> Mapping[str, Reason]:
    if principals is None:
        return _whole(f"the {unread} could not be read", is_unread=True) if facts.assessed.gains else {}
    hit = facts.assessed.gains & principals
    return _whole(f"it would give access to somebody who is {what} ({', '.join(sorted(hit))})") if hit else {}


def _whole(because: str, *, is_unread: bool = False) -> Mapping[str, Reason]:
    return {WHOLE: Reason(because, is_unread)}


def _of(facts: Facts, leaf: str) -> BaselineLeaf:
    return facts.baseline.get(leaf) or facts.baseline[WHOLE]


GUARDS: Final = (
    Guard(
        id="kill-switch",
        why="Whoever turned it on wants nothing written.",
        judge=_kill_switch,
        can_pass=True,
        binds_people=False,
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
        id="mode",
        why="Only detections in mode enforce put anything back unasked.",
        judge=_mode,
        can_pass=True,
        binds_people=False,
        in_parts=False,
    ),
    Guard(
        id="foreign-master",
        why="What another system keeps is written again by it; the change has to be undone there.",
        judge=_foreign_master,
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
        id="time-bound",
        why="A right that was bound in time must not come back for ever.",
        judge=_time_bound,
        can_pass=False,
        binds_people=True,
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
        id="hourly-limit",
        why="A mistake of the responder's, or an attacker who plays with it, must not change a tenant in an hour.",
        judge=_limit,
        can_pass=True,
        binds_people=False,
        in_parts=False,
    ),
)
"""In the order in which they are asked; a leaf shows the first objection to it. The kind's own come after them."""


def objections(facts: Facts, guards: Sequence[Guard] = GUARDS) -> dict[str, Objection]:
    """Give what the guards and the kind object to in a difference, by leaf or `WHOLE`."""
    found: dict[str, Objection] = {}
    for guard in guards:
        if facts.is_asked and not guard.binds_people:
            continue
        for leaf, reason in guard.judge(facts).items():
            can_pass = guard.can_pass or reason.is_unread
            found.setdefault(leaf, Objection(guard=guard.id, because=reason.because, can_pass=can_pass))
    for leaf, objection in facts.assessed.objections.items():
        found.setdefault(leaf, objection)
    return found


def allowed(
    facts: Facts, assess: Callable[[Op, Mapping[str, Step]], Assessed], guards: Sequence[Guard] = GUARDS
) -> Allowed:
    """Give the part of a difference that may be written, and the objection to each leaf of the rest.

    `assess` asks the kind about a part of the difference; `facts.assessed` isn't read.
    """
    whole_only = {guard.id for guard in guards if not guard.in_parts}
    refused: dict[str, Objection] = {}

    def judge(steps: Mapping[str, Step]) -> dict[str, Objection]:
        return objections(replace(facts, steps=steps, assessed=assess(facts.op, steps)), guards)

    left = dict(facts.steps)
    found = judge(left)
    while WHOLE not in found and found.keys() & left.keys():
        refused |= {leaf: objection for leaf, objection in found.items() if leaf in left}
        left = {leaf: step for leaf, step in left.items() if leaf not in refused}
        found = judge(left) if left else {}
    is_one = facts.op is not Op.UPDATE or facts.takes_away
    if WHOLE in found and (is_one or found[WHOLE].guard in whole_only):
        refused |= dict.fromkeys(left, found[WHOLE])
        left = {}
    elif found:
        left, more = _in_parts(left, judge)
        refused |= more
    if left and is_one and refused:
        refused |= dict.fromkeys(left, next(iter(refused.values())))
        left = {}
    return Allowed(op=facts.op if left else None, steps=left, objections=refused)


def _in_parts(
    steps: Mapping[str, Step], judge: Callable[[Mapping[str, Step]], dict[str, Objection]]
) -> tuple[dict[str, Step], dict[str, Objection]]:
    """Add half after half of a difference to what may be written, down to single leaves, as long as nothing objects."""
    fine: dict[str, Step] = {}
    refused: dict[str, Objection] = {}
    waiting = [sorted(steps)]
    while waiting:
        part = waiting.pop()
        found = judge({**fine, **{leaf: steps[leaf] for leaf in part}})
        if not found:
            fine |= {leaf: steps[leaf] for leaf in part}
        elif len(part) == 1:
            refused[part[0]] = found.get(part[0]) or found.get(WHOLE) or next(iter(found.values()))
        else:
            middle = len(part) // 2
            waiting += [part[middle:], part[:middle]]
    return fine, refused
