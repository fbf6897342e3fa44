"""What the product's identity is given beside what follows from the calls, and Microsoft's ids of Graph permissions."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import msgspec
from msgspec import Struct

DIRECTORY_ROLES: Final[tuple[str, ...]] = ()
"""Entra directory roles that the identity needs besides: none so far."""


class _AppRoles(Struct, frozen=True):
    source: str
    resource_app_id: str
    app_roles: dict[str, str]


@cache
def app_role_ids() -> Mapping[str, str]:
    """Give the id of each Graph application permission that is used, by its name: the same in every tenant."""
    raw = files("responders").joinpath("graph_app_roles.json").read_bytes()
    return MappingProxyType(msgspec.json.decode(raw, type=_AppRoles).app_roles)
