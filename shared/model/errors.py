"""What can go wrong, as types.

::

    ResponderError
    ├── SettingsError          wrong at start; lists every problem
    ├── UnreadableRecord       this record, kept in quarantine; the batch goes on
    ├── BadIdentifier          an id that isn't one; it never reaches a URL
    ├── EdgeError              Graph, ARM, storage, Teams or PagerDuty said no
    │   ├── Throttled          429: not carried out; with retry_after
    │   ├── Refused            401 or 403: names the permission that was needed
    │   ├── Rejected           any other 4xx: what was sent is wrong
    │   │   └── Locked         409 ScopeLocked: a lock on the resource, or above it, forbids it for now
    │   └── Unreachable        408, 5xx, cut connection, time-out: it may have been carried out
    └── LeaseLost              another run has taken the case over

Caught at three places only: per record (quarantine), per case (record the failure, page), per function (the host
retries).
"""

from collections.abc import Sequence
from datetime import timedelta


class ResponderError(Exception):
    """Anything this product raises on purpose."""


class SettingsError(ResponderError):
    """The settings can't be used; each of `problems` names the field, the value and what would be right."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("the settings are wrong:\n" + "\n".join(f"  - {problem}" for problem in self.problems))


class UnreadableRecord(ResponderError):
    """A record that no normaliser can read; the text says why."""


class BadIdentifier(ResponderError):
    """A text that should be an id and isn't one, so it must not become part of a URL."""


class LeaseLost(ResponderError):
    """The case was taken over by another run while this one held an expired lease."""


class EdgeError(ResponderError):
    """A service said no. `status` is the HTTP status, 0 when there was none; `code` the service's own word for it."""

    def __init__(self, message: str, *, status: int = 0, code: str = "") -> None:
        self.status = status
        self.code = code
        super().__init__(message)


class Throttled(EdgeError):
    """429: it wasn't carried out. `retry_after` is None where the service gave no hint (conditional access doesn't)."""

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


class Rejected(EdgeError):
    """Another 4xx: the request itself is wrong, or the object's state doesn't allow it."""


class Locked(Rejected):
    """A management lock forbids it until somebody removes it; nothing was changed.

    `scopes` are the resource ids that carry the locks; `by_hand` is the command that removes them, "" where the locks
    could not be read.
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
    """408, 5xx, a cut connection or a time-out: whether the request was carried out isn't known.

    `retry_after` is the wait that the service asks for, None where it asks for none.
    """

    def __init__(self, message: str, *, status: int = 0, code: str = "", retry_after: timedelta | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message, status=status, code=code)
