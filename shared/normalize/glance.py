"""A page of Graph's audit or sign-in records at a glance: enough of each to pass over those that nothing is about.

One decoding gives of every record its name, its time, ids and the names of properties. What isn't like that, or can't
be decoded, is left to `batch`, which reads record by record; so a glance loses nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

from shared.model.errors import UnreadableRecord
from shared.model.events import fold
from shared.normalize.decoding import NULL, unwrapped
from shared.normalize.ids import NOBODY, is_object_id, principal_id


class _Target(Struct, rename="camel", gc=False):
    id: str | None = None
    modified_properties: Raw = NULL


class Ending(Struct, rename="camel", gc=False):
    """How a sign-in ended."""

    error_code: int | str | None = None


class Glance(Struct, rename="camel", gc=False):
    """What a glance shows of one record. Each key more that is decoded costs every record that has it."""

    id: str | None = None
    # sign-ins
    created_date_time: datetime | None = None
    user_id: str | None = None
    app_id: str | None = None
    app_display_name: str | None = None
    client_app_used: str | None = None
    authentication_protocol: str | None = None
    service_principal_id: str | None = None
    status: Ending | str | None = None
    # audit records
    activity_display_name: str | None = None
    activity_date_time: datetime | None = None
    target_resources: list[_Target | None] | None = None
    additional_details: Raw = NULL

    def identity(self) -> tuple[str | int | None, datetime | None]:
        """Give its activity, or the error code of a sign-in, with its time; None where it is no record of Graph's."""
        name = self.activity_display_name
        if name is not None:
            return name, self.activity_date_time
        ending, at = self.status, self.created_date_time
        return ending.error_code if isinstance(ending, Ending) and isinstance(ending.error_code, int) else None, at

    def ids(self, look: "Look") -> Sequence[str] | None:
        """Give the ids of its targets, or of who signed in, in lower case; "" for nobody.

        None where a target is known by something else.
        """
        if self.activity_display_name is None:
            return (principal_id(self.user_id) or principal_id(self.service_principal_id),)
        found: list[str] = []
        for target in self.target_resources or ():
            if target is not None:
                if not target.id:
                    return None
                found.append(target.id.strip().lower())
        if "" in found or NOBODY in found:
            return None
        return [*found, ""] if look.nobody and not any(map(is_object_id, found)) else found

    def names(self, look: "Look") -> Sequence[str] | None:
        """Give the names of properties and the keys of details, folded, and values; None where they can't be read."""
        names_in = _names_and_values if look.values else _names
        found: list[str] = []
        try:
            for target in self.target_resources or ():
                if target is not None:
                    found += names_in(target.modified_properties, look.values)
            details = _read_details(self.additional_details) if look.details else None
        except (DecodeError, UnicodeDecodeError, RecursionError, UnreadableRecord):
            return None
        found += [fold(detail.key) for detail in details or () if detail and detail.key]
        return found


class Look(Struct, frozen=True, kw_only=True):
    """What a glance is to look for: whether nobody is there, `names` with `details` or without, `values` of which."""

    nobody: bool = False
    names: bool = False
    details: bool = False
    values: frozenset[str] = frozenset()


class _Name(Struct, rename="camel", gc=False):
    """A property's name; most values are needed by nobody, and take as long again."""

    display_name: str | None = None


class _Property(_Name, rename="camel", gc=False):
    old_value: Raw = NULL
    new_value: Raw = NULL


class _Detail(Struct, gc=False):
    key: str | None = None


_read_names: Final = Decoder(list[_Name | None] | None).decode
_read_properties: Final = Decoder(list[_Property | None] | None).decode
_read_details: Final = Decoder(list[_Detail | None] | None).decode


def _names(properties: Raw, _valued: frozenset[str]) -> list[str]:
    return [fold(changed.display_name or "") for changed in _read_names(properties) or () if changed]


def _names_and_values(properties: Raw, valued: frozenset[str]) -> list[str]:
    """Give the names of properties, and beside them the values of those that are `valued`."""
    found: list[str] = []
    for changed in _read_properties(properties) or ():
        if changed:
            name = fold(changed.display_name or "")
            found += (name, value_name(name, _value(changed))) if name in valued else (name,)
    return found


def value_name(name: str, value: str) -> str:
    """Write a property with its value as one name."""
    return f"{name}={value}"


def _value(changed: _Property) -> str:
    return (unwrapped(changed.new_value) or unwrapped(changed.old_value) or "").strip().lower()


class _Page(Struct, gc=False):
    value: list[Glance] | None = None
    records: Raw = NULL
    tables: Raw = NULL


_BEGINNING: Final = 64
"""Bytes; whether such an envelope is known without decoding it matters only for the time that it takes."""

_ONE: Final = Decoder(Glance)
_LIST: Final = Decoder(list[Glance])
_PAGE: Final = Decoder(_Page)


def glance(raw: Raw) -> Glance | None:
    """Give a glance of one record; None where it can't be decoded so."""
    try:
        return _ONE.decode(raw)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None


def glances(raw: bytes) -> list[Glance] | None:
    """Give a glance of each record of a list or a page; None for all else, and where one can't be decoded.

    What diagnostic settings send is an envelope of `records`, of which a glance would show nothing.
    """
    try:
        match raw[:64].lstrip()[:1]:
            case b"[":
                return _LIST.decode(raw)
            case b"{" if raw.find(b'"records"', 0, _BEGINNING) < 0:
                page = _PAGE.decode(raw)
                return page.value if page.records is NULL and page.tables is NULL else None
            case _:
                return None
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None
