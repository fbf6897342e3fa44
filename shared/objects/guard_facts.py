"""What general guards judge by, and what a guard is."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from shared.model.kinds import Risk
from shared.model.object_kinds import Objections
from shared.model.objects import EXISTS, WHOLE, BaselineLeaf, JudgedChange, LeafVerdict, Op, Step, Verdict


class Assessed(Struct, frozen=True, kw_only=True):
    """What the kind says of a difference: its own objections, and which principals lose or get access by it."""

    objections: Objections = {}
    loses: frozenset[str] = frozenset()
    gains: frozenset[str] = frozenset()


class Place(Struct, frozen=True, kw_only=True):
    """One of the places that an hour has for put-backs: of an actor, or of all ("").

    `decision` took it at `at`. Where that is more than an hour ago, it is free again.
    """

    actor: str
    number: int
    decision: str
    at: datetime
    etag: str = ""


class Waiting(Struct, frozen=True, kw_only=True):
    """A decision that waits for a place, since when, and how risky the change is that it answers.

    `is_ours` says that the responder itself hears or is watched by the object.
    """

    decision: str
    actor: str
    risk: Risk
    since: datetime
    is_ours: bool = False

    @property
    def rank(self) -> tuple[bool, int, datetime, str]:
        """Give what sorts first what the responder hears by, then the riskiest, then the oldest."""
        return not self.is_ours, -_RISKS.index(self.risk), self.since, self.decision


class Spent(Struct, frozen=True, kw_only=True):
    """What was put back within the hour before `now`, and what waits for a place: see `shared.objects.spending`.

    A decision is an object, or several that were decided together; tries of the same one count once.
    """

    now: datetime
    places: tuple[Place, ...] = ()
    waiting: tuple[Waiting, ...] = ()

    def taken(self, actor: str) -> tuple[Place, ...]:
        """Give the places of an actor, or of all (""), that are taken, those that become free first in front."""
        return tuple(
            sorted(
                (each for each in self.places if each.actor == actor and each.at > self.now - HOUR),
                key=lambda each: each.at,
            )
        )

    def has(self, decision: str, actor: str = "") -> bool:
        """Whether a decision counts already."""
        return any(each.decision == decision for each in self.taken(actor))

    def ahead_of(self, one: Waiting) -> int:
        """Give how many other decisions about the same actor's changes wait that go before one.

        What was noted of the same decision doesn't: it may have been about an older change too, that can't be put back.
        """
        others = (each for each in self.waiting if each.actor == one.actor and each.decision != one.decision)
        return sum(each.rank < one.rank for each in others)


HOUR: Final = timedelta(hours=1)
_RISKS: Final = tuple(Risk)


class Facts(Struct, frozen=True, kw_only=True):
    """All that the guards judge by. None is for what couldn't be read; ids of principals are in lower case.

    The difference is `op` and `steps`, and `assessed` what the kind says of it. `baseline`, `verdicts` and `changes`
    (by id) are those of the plan. `emergency` are the emergency accounts, `protected` other principals who may lose
    nothing. `disabled` can't sign in, `unread` are principals of whom that couldn't be read; `named` are the actors of
    unapproved changes in open cases, `restrained` those that a restraint names. `decision` names this decision among
    those that were `spent`, `limit` is the most an hour by actor, `limit_in_all` by all. `unreturnable` are leaves that
    can't come back once they are taken away (secrets), `chosen_by_name` the changes for whose detection enforce was
    chosen by name. `is_asked` says that a person asked for it, `has_place` that it has taken its place among those of
    the hour. `is_ours` says that the responder itself hears or is watched by the object.
    """

    op: Op
    steps: Mapping[str, Step]
    assessed: Assessed
    baseline: Mapping[str, BaselineLeaf]
    verdicts: Mapping[str, LeafVerdict]
    changes: Mapping[str, JudgedChange]
    is_stopped: bool | None
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
    unreturnable: frozenset[str] = frozenset()
    chosen_by_name: frozenset[str] = frozenset()
    is_asked: bool = False
    has_place: bool = False
    is_ours: bool = False

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

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """Give the decision as one that waits, for each actor: by the riskiest of the changes, and the oldest."""
        found = [judged.change for change in self.deciding.values() if (judged := self.changes.get(change))]
        return tuple(
            Waiting(
                decision=self.decision,
                actor=actor,
                risk=max((one.risk for one in found if one.actor.id.lower() == actor), key=_RISKS.index),
                since=min(one.arrived_at for one in found if one.actor.id.lower() == actor),
                is_ours=self.is_ours,
            )
            for actor in sorted(self.actors)
        )


class Reason(Struct, frozen=True):
    """Why a guard objects, and when it may be otherwise, where that is known."""

    because: str
    until: datetime | None = None


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
