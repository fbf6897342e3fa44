"""The errors of this product.

::

    ResponderError
    ├── SettingsError          the settings are wrong; lists every problem
    ├── UnreadableRecord       one record can't be read; it is put into quarantine, and the batch continues
    ├── BadIdentifier          a text that should be an id isn't one; it is never put into a URL
    ├── EdgeError              a call of Graph, ARM, storage, Teams or PagerDuty failed
    │   ├── Throttled          429: not carried out; with retry_after
    │   ├── Refused            401 or 403: names the permission that is needed
    │   ├── Rejected           any other 4xx: the request is wrong
    │   │   └── Locked         409 ScopeLocked: a lock on the resource or above it forbids the change
    │   └── Unreachable        408, 5xx, lost connection, time-out: it may have been carried out
    ├── DoneAlready            somebody else was faster: what was to be made stands, or what was to go is gone
    ├── LeaseLost              another run has taken the case or the object over
    ├── NewerSchema            a row was written by newer code, so this code must not act on it
    └── BrokenRow              one row can't be read; the others are gone on with

They are caught in three places: per record (quarantine), per case (store the failure, page), per function (the host
retries).
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final


class ResponderError(Exception):
    """The base class of this product's errors."""


class SettingsError(ResponderError):
    """The settings can't be used; each of `problems` names the field, the value and what would be right."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("the settings are wrong:\n" + "\n".join(f"  - {problem}" for problem in self.problems))


class UnreadableRecord(ResponderError):
    """A record that no normaliser can read; the text says why."""


class BadIdentifier(ResponderError):
    """A text that should be an id isn't one, so it must not become part of a URL."""


class DoneAlready(ResponderError):
    """Somebody else was faster: what was to be made stands as `tenants_id`, or what was to go is gone."""

    def __init__(self, tenants_id: str) -> None:
        self.tenants_id = tenants_id
        super().__init__(f"somebody was faster: {tenants_id} is so already")


class LeaseLost(ResponderError):
    """Another run took the case or the object over, because this run's lease had ended."""


class NewerSchema(ResponderError):
    """A row was written by newer code. This code may misread it, so it doesn't act, and people are told."""


class BrokenRow(ResponderError):
    """A row can't be read; the text names its table and keys. What it is about is unknown, not absent."""


class EdgeError(ResponderError):
    """A call of a service failed. `status` is the HTTP status, 0 without one; `code` is the service's error code.

    `by_hand` is the command by which a person does what was refused, "" where none is known.
    """

    by_hand: str = ""

    def __init__(self, message: str, *, status: int = 0, code: str = "") -> None:
        self.status = status
        self.code = code
        super().__init__(message)


class Throttled(EdgeError):
    """429: the request wasn't carried out. `retry_after` is None where the service asks for no certain wait."""

    def __init__(
        self, message: str, *, status: int = 429, code: str = "", retry_after: timedelta | None = None
    ) -> None:
        self.retry_after = retry_after
        super().__init__(message, status=status, code=code)


class Refused(EdgeError):
    """401 or 403; `needed` names the permissions that the call is declared to need."""

    def __init__(self, message: str, *, status: int = 403, code: str = "", needed: Sequence[str] = ()) -> None:
        self.needed = tuple(needed)
        super().__init__(message, status=status, code=code)


UNREADABLE_TEXT: Final = "UnreadableText"
"""The code of a `Rejected` that means: the service gave text in no encoding that is known."""


class Rejected(EdgeError):
    """Any other 4xx: the request is wrong, or the object's state doesn't allow it."""


class Locked(Rejected):
    """A resource lock forbids the change until somebody removes the lock. Nothing was changed.

    `scopes` are the ids of the locked resources; `by_hand` is the command that removes the locks, "" where they could
    not be read.
    """

    def __init__(
        self,
        message: str,
        *,
        scopes: Sequence[str],
        by_hand: str = "",
        status: int = 409,
        code: str = "ScopeLocked",
    ) -> None:
        self.scopes = tuple(scopes)
        self.by_hand = by_hand
        super().__init__(message, status=status, code=code)


class Unreachable(EdgeError):
    """408, 5xx, a lost connection or a time-out: it isn't known whether the request was carried out.

    `retry_after` is the wait that the service asks for, None where it asks for none.
    """

    def __init__(self, message: str, *, status: int = 0, code: str = "", retry_after: timedelta | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message, status=status, code=code)
