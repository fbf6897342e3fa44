"""What a remediation and an inventory are: how a change is put back in words, and how all objects of a kind are read.

The content is in `responders`.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct

from shared.model.calls import Call, Permission
from shared.model.kinds import Image, ObjectKind, TenantKind
from shared.model.tenant_api import TenantApi


class Remediation(Struct, frozen=True, kw_only=True):
    """How one kind of unapproved change is put back, in words; the reconciler does it by the object's kind.

    `find_calls` gives all the requests that it may make: few ask, so who names a remediation needn't load the kinds
    that make them. `undo` says how a person reverses it. `also` are further kinds whose objects one record may be
    about: a credential is added to a registration or to a service principal.
    """

    id: str
    title: str
    undo: str
    kind: ObjectKind
    destructive: bool
    find_calls: Callable[[], tuple[Call, ...]]
    also: tuple[ObjectKind, ...] = ()

    @property
    def calls(self) -> tuple[Call, ...]:
        """All the requests that it may make."""
        return self.find_calls()

    @property
    def kinds(self) -> tuple[ObjectKind, ...]:
        """The kinds of the objects that are put back."""
        return (self.kind, *self.also)

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
    returned. `is_by_hand` says that no tier may read them, so that they are seen only where somebody granted that by
    hand.
    """

    kind: ObjectKind
    tenant_kind: TenantKind
    calls: tuple[Call, ...]
    read: Callable[[TenantApi], Mapping[str, Image]]
    is_by_hand: bool = False

    @property
    def is_of_tier_act(self) -> bool:
        """Whether Graph has no permission that only reads it, so that tier watch doesn't see it."""
        return any(permission.may_write for call in self.calls for permission in call.needs)
