"""What the product's identity is given in each tenant, and how that follows from declared calls.

Two tiers, so that a team can start without any write permission: *watch* has what snapshots, polls and looks read,
*act* what puts things back besides. Where Graph has no permission that only reads, reading is in tier *act* too.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import Struct

from shared.model.calls import Call, Permission
from shared.model.kinds import TenantKind

_READ: Final = "GET"


class Tier(StrEnum):
    """How much the identity may do. `act` includes `watch`."""

    WATCH = "watch"
    ACT = "act"


class Need(Struct, frozen=True, kw_only=True):
    """A declaration that makes calls in a kind of tenant; `by` is what people call it."""

    by: str
    kind: TenantKind
    calls: tuple[Call, ...]


class Grant(Struct, frozen=True, kw_only=True):
    """One permission in one kind of tenant. `tier` is the lower one that has it; `needed_by` are declarations."""

    permission: Permission
    kind: TenantKind
    tier: Tier
    needed_by: tuple[str, ...]

    @property
    def is_azure_action(self) -> bool:
        """Whether it is an action of an Azure role, as against a Graph application permission."""
        return "/" in self.permission

    def is_in(self, tier: Tier) -> bool:
        """Whether the tier has it."""
        return tier in {self.tier, Tier.ACT}


def grants_from(needs: Iterable[Need]) -> tuple[Grant, ...]:
    """Give the union of the calls' permissions, by tenant kind, then in the order of `Permission`.

    What a declaration needs for reading alone is in tier *watch*, even where others need it for writing too; not where
    whoever may read by it may write.
    """
    by: dict[tuple[TenantKind, Permission], list[str]] = {}
    read: set[tuple[TenantKind, Permission]] = set()
    for need in needs:
        for call in need.calls:
            for permission in call.needs:
                place = need.kind, permission
                by.setdefault(place, []).append(need.by)
                if call.method == _READ and not permission.may_write:
                    read.add(place)
    return tuple(
        Grant(
            permission=permission,
            kind=kind,
            tier=Tier.WATCH if (kind, permission) in read else Tier.ACT,
            needed_by=tuple(dict.fromkeys(by[kind, permission])),
        )
        for kind in TenantKind
        for permission in Permission
        if (kind, permission) in by
    )
