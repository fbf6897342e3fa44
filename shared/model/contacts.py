"""Whom an emergency needs: the person for Microsoft's support, people's telephones, the keeper of the credential."""

import re
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from shared.model.setting_values import WrongValue

_EXAMPLE: Final = (
    '{"first_name": "Alice", "last_name": "Alvarez", "email": "alice@contoso.com", "phone": "+353 1 555 0100",'
    ' "country": "IRL"}'
)

type _Name = Annotated[str, Meta(min_length=1, max_length=100)]


class SupportContact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The person whom Microsoft's support calls back.

    Azure needs the telephone for a critical ticket. `country` is ISO 3166-1 alpha-3, `time_zone` a name of Windows.
    """

    first_name: _Name
    last_name: _Name
    email: Annotated[str, Meta(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)]
    phone: Annotated[str, Meta(pattern=r"^\+?[0-9][0-9 ()./-]{4,30}$")]
    country: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
    language: Annotated[str, Meta(pattern=r"^[a-z]{2}-[A-Z]{2}$")] = "en-US"
    time_zone: _Name = "UTC"

    @property
    def name(self) -> str:
        """First name and last name."""
        return f"{self.first_name} {self.last_name}"


def support_contact(value: str) -> SupportContact | None:
    """Read the contact for support, a JSON object; None where none is set."""
    if not value:
        return None
    try:
        return msgspec.json.decode(value, type=SupportContact)
    except (msgspec.DecodeError, RecursionError) as error:
        raise WrongValue(f"a JSON object like {_EXAMPLE} ({error})", value) from None


_SEPARATOR: Final = re.compile(r"\s*;\s*")


def lines(value: str) -> tuple[str, ...]:
    """Read texts that are separated by semicolons."""
    return tuple(part for part in _SEPARATOR.split(value.strip()) if part)
