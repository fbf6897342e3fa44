"""What a record must hold for a field to have a value, declared beside the field; most records hold none of it.

It is asked before an event is built: of a page at a glance (`normalize.glance`), then of a record's whole text. Either
may be too wide, never too narrow.
"""

from collections.abc import Callable

from msgspec import Struct

from shared.model.profile import TenantProfile


class IdSeen(Struct, frozen=True):
    """One of the targets of an audit record has this id, or the account that signed in.

    "" is an audit record of which no target has an object's id, or a sign-in of which no account is known.
    """

    id: str


class NameSeen(Struct, frozen=True):
    """A property of an audit record has this name."""

    name: str


class DetailSeen(Struct, frozen=True):
    """A detail of an audit record has this key."""

    key: str


class PartSeen(Struct, frozen=True):
    """Such a name has this part."""

    part: str


class ValueSeen(Struct, frozen=True):
    """A property of an audit record has this value, the new one or else the old one."""

    name: str
    value: str


class TextSeen(Struct, frozen=True):
    """A sign-in has this text at a key."""

    key: str
    text: str


type Sight = IdSeen | NameSeen | DetailSeen | PartSeen | ValueSeen | TextSeen
"""What a glance can show. Names, details and texts are folded; ids and values are in lower case."""


class Asked(Struct, frozen=True, kw_only=True):
    """A value of a field, asked for with a tenant's profile; `tenant_id` is None where the record may name its own."""

    value: str
    profile: TenantProfile
    tenant_id: str | None = None


class Needs(Struct, frozen=True, kw_only=True):
    """What a record holds that has the value: one of each of these two; None where nothing can be said.

    - `texts`: in lower case, somewhere in its text, or as the id of the tenant that it came from.
    - `sights`: what a glance shows of it.

    The empty set is for a value that no record can have.
    """

    texts: frozenset[str] | None = None
    sights: frozenset[Sight] | None = None


IMPOSSIBLE = Needs(texts=frozenset(), sights=frozenset())

type Prefilter = Callable[[Asked], Needs | None]
"""Gives what a value needs; None where nothing can be said."""
