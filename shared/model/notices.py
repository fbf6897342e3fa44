"""Messages to the owners about the responder itself, not about a case."""

from msgspec import Struct


class SystemNotice(Struct, frozen=True, kw_only=True):
    """One message. A second one with the same `key` isn't sent. `text` may quote the tenant; it is escaped later."""

    key: str
    title: str
    text: str
    what_to_do: str
