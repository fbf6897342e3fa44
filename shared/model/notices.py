"""Who is notified, and the messages about the responder itself."""

from msgspec import Struct


class SystemNotice(Struct, frozen=True, kw_only=True):
    """One message. A second one with the same `key` isn't sent. `text` may quote the tenant; it is escaped later."""

    key: str
    title: str
    text: str
    what_to_do: str


class Owner(Struct, frozen=True, kw_only=True):
    """A row of table `Owners`: a person to page for `scope` (an approval list, a detection id, or "*").

    The owners of a scope are paged in the order of `order`, the smallest first. A mention in Teams needs `object_id`,
    or `upn` where that is "".
    """

    scope: str
    order: int
    name: str
    upn: str
    object_id: str = ""
