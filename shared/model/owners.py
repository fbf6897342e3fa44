"""The people who are responsible: who is paged."""

from msgspec import Struct


class Owner(Struct, frozen=True, kw_only=True):
    """A row of table `Owners`: whom to page for `scope` (an approval list, a detection id, a resource id, or "*").

    Owners of one scope are paged by `order`, the smallest first. Teams finds whom to mention by `object_id`, or by
    `upn` where that is "".
    """

    scope: str
    order: int
    name: str
    upn: str
    object_id: str = ""
