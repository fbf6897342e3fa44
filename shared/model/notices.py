"""Who is notified, and the messages about the responder itself."""

from enum import StrEnum

from msgspec import Struct


class Phase(StrEnum):
    """What a page about a case says of it. A case is paged once in each phase."""

    PENDING = "pending"
    """It can't be put back yet, and the responder keeps trying."""

    ENDED = "ended"
    """What came of it."""


class SystemNotice(Struct, frozen=True, kw_only=True):
    """One message. A second one with the same `key` isn't sent that day.

    `text` may quote the tenant; it is escaped later. `never_waits`: no limit of messages an hour keeps it back. That is
    for the highest risk: somebody has the responder's identity, or an emergency account can't sign in.

    - `until_acknowledged`: it climbs as an urgent page does, until somebody acknowledges it by its `key`. Then a second
      one with the same key isn't sent for three days.
    - `drill`: it is a drill's own, and says so. `is_silent`: it wakes nobody, where the channel can tell.
    - `scopes` are the lists in table `Owners` whose owners are mentioned, `owners` are mentioned besides.
    - `lines` are shown below the text, each on a line of its own.
    - `link` is an address that it opens, for what `link_title` says; "" for none.
    """

    key: str
    title: str
    text: str
    what_to_do: str
    never_waits: bool = False
    until_acknowledged: bool = False
    drill: bool = False
    is_silent: bool = False
    scopes: tuple[str, ...] = ()
    owners: "tuple[Owner, ...]" = ()
    lines: tuple[str, ...] = ()
    link: str = ""
    link_title: str = ""


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
