"""What a remediation and an inventory are: how one kind of object is read, planned and put back.

The content is in `responders`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from shared.model.calls import Call, Permission
from shared.model.events import Actor, Change, Target
from shared.model.kinds import Image, ObjectKind, TenantKind
from shared.model.read_probes import ReadProbe
from shared.model.tenant_api import TenantApi


class Known(Struct, frozen=True, kw_only=True, tag="known"):
    """How an object stood at an instant; `image` is None when it is known not to have existed."""

    image: Image | None
    captured_at: datetime


class Unknown(Struct, frozen=True, kw_only=True, tag="unknown"):
    """It couldn't be told how the object stood, and why."""

    because: str


type Baseline = Known | Unknown


class EarlierCase(Struct, frozen=True, kw_only=True):
    """What a remediation needs to know of another case on the same object."""

    id: str
    detection: str
    at: datetime
    actor: Actor
    approved: bool
    changes: tuple[Change, ...] = ()


class Situation(Struct, frozen=True, kw_only=True):
    """Everything read before a remediation is planned; planning itself reads nothing.

    `run` are the changes by actors who aren't approved that led to the present state, this case's included, oldest
    first; `approved_later` are approved changes of the same object after this one. `baseline` is the object before the
    first of `run`. `touches` are ids of the principals that putting it back would take something from; `last_holder` is
    True when one of them is the last to hold what it would lose, None when that couldn't be told.
    """

    at: datetime
    actor: Actor
    target: Target
    current: Image | None
    baseline: Baseline
    run: tuple[EarlierCase, ...]
    approved_later: tuple[EarlierCase, ...] = ()
    touches: frozenset[str] = frozenset()
    last_holder: bool | None = False


class Already(Struct, frozen=True, kw_only=True, tag="already"):
    """Nothing to put back: the object stands as it should."""

    because: str


class Doubt(Struct, frozen=True, kw_only=True, tag="doubt"):
    """It can't be told what would be right, or the responder may not do it, so people are paged instead.

    `by_hand` is the command by which a person does it, "" where there is none to tell.
    """

    because: str
    by_hand: str = ""


class Put(Struct, frozen=True, kw_only=True, tag="put"):
    """What would be done, in words and as data: `image` goes to the remediation's `apply`, `changes` to the people.

    `touches` are ids of principals that would lose something which only planning can tell, beside those of `Situation`:
    a conditional access policy would reach them again, say, because their exclusion goes.
    """

    summary: str
    image: Image
    changes: tuple[Change, ...] = ()
    touches: frozenset[str] = frozenset()


type Plan = Already | Doubt | Put


class Look(Struct, frozen=True, kw_only=True):
    """What a remediation reads of the tenant. Fields as in `Situation`."""

    current: Image | None
    touches: frozenset[str] = frozenset()
    last_holder: bool | None = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Remediation:
    """How one kind of unapproved change is put back.

    `look` reads, `plan` is pure, `apply` writes; success is a second look whose plan is `Already`. `calls` are all the
    requests that `look` and `apply` may make. `needs_baseline` says that a snapshot is read before planning.
    """

    id: str
    title: str
    undo: str
    kind: ObjectKind
    destructive: bool
    calls: tuple[Call, ...]
    needs_baseline: bool
    look: Callable[[TenantApi, Target], Look]
    plan: Callable[[Situation], Plan]
    apply: Callable[[TenantApi, Target, Put], None]

    @property
    def needs(self) -> tuple[Permission, ...]:
        """The union of the calls' permissions, in the order of `Permission`."""
        return union_of_needs(self.calls)


def union_of_needs(calls: tuple[Call, ...]) -> tuple[Permission, ...]:
    """Give each permission that one of `calls` needs, once, in the order of `Permission`."""
    needed = {permission for call in calls for permission in call.needs}
    return tuple(permission for permission in Permission if permission in needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """A kind of object that is snapshotted, so that what was deleted or overwritten can be put back.

    `read` lists every object of the tenant by id, whole, or raises an EdgeError: an incomplete listing is never
    returned.
    """

    kind: ObjectKind
    tenant_kind: TenantKind
    calls: tuple[Call, ...]
    read: Callable[[TenantApi], Mapping[str, Image]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A kind of object that is guarded: how all are read, how one is put back, and how the doctor tries the reads."""

    inventory: Inventory
    remediations: tuple[Remediation, ...]
    read_probes: tuple[ReadProbe, ...]
