"""Stories about one object, told to the planner: who changed what and when, and what a look shows.

Instants are seconds since `START`. Actors of the stories: Alice and Bob are approved, Mallory isn't, of Oscar it
isn't known. Leaves are those of a made-up lamp: "state" and "colour", members of the list "guests", a part "body".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

import msgspec

from shared.model.cases import Standing
from shared.model.events import Actor, Log
from shared.model.kinds import Json, ObjectKind
from shared.model.object_kinds import LeafRules
from shared.model.objects import (
    EXISTS,
    Acceptance,
    JudgedChange,
    Noticed,
    ObjectChange,
    ObjectId,
    ObjectPlan,
    ObjectState,
    Op,
    Provenance,
    Step,
    Verdict,
    Version,
)
from shared.objects.planning import plan_object

START: Final = datetime(2026, 3, 1, tzinfo=UTC)
HOUR: Final = 3600
OBJECT: Final = ObjectId(tenant_id="tenant", kind=ObjectKind.CA_POLICY, key="lamp")
STANDINGS: Final = {
    "Alice": Standing.APPROVED,
    "Bob": Standing.APPROVED,
    "Mallory": Standing.UNAPPROVED,
    "Mark": Standing.UNAPPROVED,
    "Oscar": Standing.UNKNOWN,
    "Amy": Standing.UNAPPROVED,
    "Bea": Standing.UNAPPROVED,
    "Zoe": Standing.UNAPPROVED,
}
LAMP: Final[dict[str, Json]] = {EXISTS: True, "state": "on", "colour": "red", "guests[Ann]": True}


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def same(_: str, one: Json, other: Json) -> bool:
    """Upper and lower case, and null, empty and absent, are one."""

    def folded(value: Json) -> Json:
        return (value.lower() if isinstance(value, str) else value) or None

    return folded(one) == folded(other)


RULES: Final = LeafRules(same=same, is_joint=lambda leaf: leaf == "state")


def named(leaves: Mapping[str, Any]) -> dict[str, Any]:
    """Give leaves their names: `guests_Ann` is the member Ann of the list."""
    return {f"{name.replace('_', '[', 1)}]" if "_" in name else name: value for name, value in leaves.items()}


@dataclass(frozen=True, kw_only=True)
class Story:
    """What happened to the lamp. Each method gives the story with one more thing in it."""

    state: ObjectState = field(
        default_factory=lambda: ObjectState(
            id=OBJECT,
            ids=("1",),
            name="the lamp",
            origin=Version(at=START, leaves=dict(LAMP)),
            provenance=Provenance.ACCEPTED,
        )
    )
    changes: tuple[JudgedChange, ...] = ()

    def with_state(self, **differences: Any) -> Self:  # noqa: ANN401 - the fields of ObjectState
        return replace(self, state=msgspec.structs.replace(self.state, **differences))

    def first_seen(self, leaves: Mapping[str, Json] | None = None, *, when: float = 0) -> Self:
        origin = Version(at=at(when), leaves=dict(LAMP if leaves is None else leaves))
        return self.with_state(origin=origin, provenance=Provenance.FIRST_SEEN)

    def absent(self) -> Self:
        return self.with_state(origin=Version(at=START, leaves={}))

    def change(
        self,
        seconds: float,
        who: str,
        op: Op = Op.UPDATE,
        *,
        late: float = 30,
        is_whole: bool = True,
        is_live: bool = True,
        is_own_use: bool = False,
        source: str = "",
        whole_properties: tuple[str, ...] = (),
        **wrote: Step,
    ) -> Self:
        """Somebody changed it. `late` is how many seconds after it its record came."""
        name = f"{who} {seconds:g}{source}"
        change = ObjectChange(
            id=name,
            log=Log.AUDIT,
            source=source,
            whole_properties=whole_properties,
            actor=Actor(id=who),
            at=at(seconds),
            arrived_at=at(seconds + late),
            op=op,
            wrote=named(wrote),
            is_whole=is_whole,
            is_own_use=is_own_use,
        )
        standing = STANDINGS[who]
        return self._and(
            JudgedChange(change=change, standing=standing, is_live=is_live and standing is Standing.UNAPPROVED)
        )

    def ours(
        self,
        seconds: float,
        op: Op = Op.UPDATE,
        *,
        is_proven: bool = True,
        booked: float = 1,
        sent: dict[str, tuple[str, ...]] | None = None,
        **wrote: Step,
    ) -> Self:
        """We wrote it."""
        change = ObjectChange(
            id=f"we {seconds:g}",
            log=Log.AUDIT,
            actor=Actor(id="responder"),
            at=at(seconds),
            arrived_at=at(seconds + booked),
            op=op,
            wrote=named(wrote),
            is_whole=is_proven,
            intent=f"intent {seconds:g}",
            sent={part: {f"[{one}]": True for one in members} for part, members in (sent or {}).items()},
        )
        return self._and(JudgedChange(change=change, standing=Standing.APPROVED))

    def seen(self, seconds: float, *, gone: bool = False, took: float = 0, **differences: Json) -> Self:
        """A look or a sweep saw it: as at first, but for the differences. The read took some seconds."""
        leaves = {} if gone else lamp(**differences)
        version = Version(at=at(seconds), leaves=leaves, until=at(seconds + took))
        return self.with_state(versions=(*self.state.versions, version))

    def accepted(self, seconds: float, *uncovered: str, gone: bool = False, **differences: Json) -> Self:
        leaves = {} if gone else lamp(**differences)
        acceptance = Acceptance(at=at(seconds), by="Paula", leaves=leaves, uncovered=uncovered)
        return self.with_state(acceptances=(*self.state.acceptances, acceptance))

    def left(self, leaf: str, value: Json) -> Self:
        return self.with_state(left=(*self.state.left, Noticed(leaf=leaf, value=value, since=START)))

    def filled(self, seconds: float, leaf: str, value: Json) -> Self:
        return self.with_state(filled=(*self.state.filled, Noticed(leaf=leaf, value=value, since=at(seconds))))

    def plan(
        self, seconds: float, *, gone: bool = False, more: Mapping[str, Any] | None = None, **differences: Json
    ) -> ObjectPlan:
        """Plan by a look that shows the lamp as at first, but for the differences."""
        look = Version(at=at(seconds), leaves={} if gone else lamp(**differences))
        return plan_object(self.state, self.changes, look, RULES, now=at(seconds), **(more or {}))

    def backwards(self) -> Self:
        """Give the same story, with its changes stored in the opposite order."""
        return replace(self, changes=self.changes[::-1])

    def _and(self, judged: JudgedChange) -> Self:
        return replace(self, changes=(*self.changes, judged))


def lamp(**differences: Json) -> dict[str, Json]:
    """Give the lamp's leaves as at first, but for the differences; None takes a leaf away."""
    return {leaf: value for leaf, value in {**LAMP, **named(differences)}.items() if value is not None}


def verdicts(plan: ObjectPlan) -> dict[str, Verdict]:
    return {leaf: each.verdict for leaf, each in plan.verdicts.items()}
