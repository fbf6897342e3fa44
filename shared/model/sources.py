"""The logs that are read through Graph, and windows of their time."""

from datetime import UTC, datetime, timedelta

from msgspec import Struct

from shared.model.calls import Call


class Window(Struct, frozen=True, kw_only=True, order=True):
    """A stretch of time of a log, both ends included; `is_open` asks for all since its beginning."""

    since: datetime
    until: datetime
    is_open: bool = False

    def __str__(self) -> str:
        """Say it for people."""
        return f"{self.since:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M} UTC"

    def covers(self, other: "Window") -> bool:
        """Whether another window lies within this one."""
        return self.since <= other.since and other.until <= self.until


class Source(Struct, frozen=True, kw_only=True):
    """A log, and how it is queried.

    `name` is shown to people. `cursors` is the partition of table `Cursors` with the time until which each tenant's log
    was read. `time_field` is the property that the windows filter on, `page_size` at most what the service allows,
    `only` a further condition of the filter. `late_after` is how far behind a log may be before people are paged.
    `is_of_sign_ins` says that it is read only where sign-ins are to be polled.
    """

    name: str
    cursors: str
    call: Call
    time_field: str
    page_size: int
    only: str = ""
    late_after: timedelta = timedelta(minutes=15)
    is_of_sign_ins: bool = False

    def query(self, window: Window) -> dict[str, str]:
        """Give the query for the records of a window.

        Instants are rounded down to seconds, so there is no gap between windows.
        """
        terms = [f"{self.time_field} ge {_instant(window.since)}"]
        if not window.is_open:
            terms.append(f"{self.time_field} le {_instant(window.until)}")
        if self.only:
            terms.append(self.only)
        return {"$filter": " and ".join(terms), "$top": str(self.page_size)}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
