"""What people are told about the responder itself rather than about a case."""

from msgspec import Struct


class SystemNotice(Struct, frozen=True, kw_only=True):
    """One thing that people should know. `key` folds repeats; `text` may quote the tenant and is escaped when shown."""

    key: str
    title: str
    text: str
    what_to_do: str
