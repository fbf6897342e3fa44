"""What a remediation and an inventory are: how one kind of object is read, planned and put back.

The content is in `responders`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct

from shared.model.calls import Call, Permission
from shared.model.events import Actor, Change, Target
from shared.model.kinds import Image, ObjectKind, TenantKind
from shared.model.read_probes import ReadProbe
from shared.model.tenant_api import TenantApi


class Known(Struct, frozen=True, kw_only=True, tag="known"):
    """The object as it was at an instant; `image` is None when it is known not to have existed."""

    image: Image | None
    captured_at: datetime


class Unknown(Struct, frozen=True, kw_only=True, tag="unknown"):
    """It isn't known how the object was, for the reason in `because`."""

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

    `unapproved_changes` are the changes by unapproved actors that led to the present state, with this case's, oldest
    first; `approved_later` are changes of the same object after this one by others. `baseline` is the object before the
    first unapproved change. `touches` are the ids of the principals that would lose something by putting it back;
    `last_holder` is True when one of them is the last to hold what it would lose, None when that isn't known.
    """

    at: datetime
    actor: Actor
    target: Target
    current: Image | None
    baseline: Baseline
    unapproved_changes: tuple[EarlierCase, ...]
    approved_later: tuple[EarlierCase, ...] = ()
    touches: frozenset[str] = frozenset()
    last_holder: bool | None = False


class Already(Struct, frozen=True, kw_only=True, tag="already"):
    """There is nothing to put back: the object is as it should be."""

    because: str


class Doubt(Struct, frozen=True, kw_only=True, tag="doubt"):
    """It isn't clear what would be right, or the responder isn't allowed to do it, so people are paged instead.

    `by_hand` is a command with which a person can do it, "" where there is none.
    """

    because: str
    by_hand: str = ""


class Put(Struct, frozen=True, kw_only=True, tag="put"):
    """What would be done: `summary` in words, `image` for the remediation's `apply`, `changes` for cards and pages.

    `touches` are further ids of principals that would lose something, which are known only after planning: for example
    those whom a conditional access policy would apply to again, because their exclusion is taken away.
    """

    summary: str
    image: Image
    changes: tuple[Change, ...] = ()
    touches: frozenset[str] = frozenset()


type Plan = Already | Doubt | Put


class Look(Struct, frozen=True, kw_only=True):
    """What a remediation reads from the tenant before planning. The fields are as in `Situation`."""

    current: Image | None
    touches: frozenset[str] = frozenset()
    last_holder: bool | None = False


class Remediation(Struct, frozen=True, kw_only=True):
    """How one kind of unapproved change is put back.

    `look` reads the tenant, `plan` is a pure function, `apply` writes. It succeeded when looking and planning again
    gives `Already`. `calls` are all the requests that `look` and `apply` may make. `needs_baseline` says that a
    snapshot is read before planning. `undo` says how a person reverses the remediation.
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


class Inventory(Struct, frozen=True, kw_only=True):
    """A kind of object that is snapshotted, so that what was deleted or overwritten can be put back.

    `read` lists every object of the tenant by id, whole, or raises an EdgeError: an incomplete listing is never
    returned.
    """

    kind: ObjectKind
    tenant_kind: TenantKind
    calls: tuple[Call, ...]
    read: Callable[[TenantApi], Mapping[str, Image]]


class Guarded(Struct, frozen=True, kw_only=True):
    """A kind of object that is guarded: how all are read, how one is put back, and how the doctor tries the reads."""

    inventory: Inventory
    remediations: tuple[Remediation, ...]
    read_probes: tuple[ReadProbe, ...]
