"""The registration of an application, as far as it says where people are sent."""

from msgspec import Struct


class Registration(Struct, frozen=True, kw_only=True):
    """`addresses` are where people are sent with their tokens, `logout` where they are signed out, "" for nowhere."""

    app_id: str
    name: str
    addresses: tuple[str, ...]
    logout: str = ""
