"""A log of the service as it is on a bad week: late, doubled and unordered records, pages and links that fail."""

import bisect
import json
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from shared.clients.api import Answer
from shared.model.kinds import Image
from shared.model.sources import Source, Window

_ROOT: Final = "https://graph.example/auditLogs"
_LOST_TOKEN: Final = b'{"error": {"code": "UnknownError", "message": "Invalid Skip Token, skip token is null"}}'


class Stretch(Struct, frozen=True, kw_only=True):
    """A stretch of the log that the service doesn't give until an instant; never, where that is None."""

    window: Window
    until: datetime | None = None


class Chances(Struct, frozen=True, kw_only=True):
    """How often something goes wrong with a request: no answer, a token that isn't known any more, a link to itself."""

    fails: float = 0
    ends: float = 0
    loops: float = 0


class SimulatedLog:
    """Answers the queries of a source from records that are shown from an instant on, newest first.

    `before` is called with each request, and may raise. `requests` counts them, `largest` is the longest page.
    """

    def __init__(
        self,
        source: Source,
        records: Sequence[tuple[datetime, datetime, Image]],
        *,
        clock: Callable[[], datetime],
        seed: int = 0,
        chances: Chances | None = None,
        silent: Sequence[Stretch] = (),
        page_size: int = 0,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        """`records` are each with when it was made and since when it is shown."""
        self._source = source
        self._clock = clock
        self._chance = random.Random(seed)  # noqa: S311 - keeps no secret
        self._chances = chances or Chances()
        self._silent = silent
        self._page_size = page_size
        self._before = before
        ordered = sorted(
            ((at, shown, json.dumps(image).encode()) for at, shown, image in records), key=lambda one: one[0]
        )
        self._at = [at for at, _, _ in ordered]
        self._shown = [(shown, raw) for _, shown, raw in ordered]
        self._links: dict[str, tuple[Window, int, int]] = {}
        self.requests = 0
        self.windows: list[Window] = []

    def calm_down(self) -> None:
        """Let nothing go wrong by chance any more; a stretch that isn't given stays so."""
        self._chances = Chances()
        self._before = lambda: None

    def exchange(
        self, method: str, url: str, *, query: Mapping[str, str], body: bytes | None, content_type: str
    ) -> Answer:
        del body, content_type
        assert method == "GET"
        self.requests += 1
        self._before()
        if query:
            window, place, size = self._asked(query), 0, self._page_size or int(query["$top"])
            self.windows.append(window)
        else:
            window, place, size = self._links[url]
        if self._is_silent(window) or self._happens(self._chances.fails):
            return Answer(status=504, headers={}, body=b'{"error": {"code": "UnknownError", "message": ""}}')
        if place and self._happens(self._chances.ends):
            return Answer(status=400, headers={}, body=_LOST_TOKEN)
        return self._page(url, window, place, size)

    def _happens(self, chance: float) -> bool:
        return chance > 0 and self._chance.random() < chance

    def _asked(self, query: Mapping[str, str]) -> Window:
        """Read what a query asks for."""
        since, until = None, None
        for term in query["$filter"].removesuffix(f" and {self._source.only}").split(" and "):
            field, how, text = term.split(" ")
            assert field == self._source.time_field
            since, until = (
                (datetime.fromisoformat(text), until) if how == "ge" else (since, datetime.fromisoformat(text))
            )
        assert since is not None
        return Window(since=since, until=until or self._clock(), is_open=until is None)

    def _is_silent(self, window: Window) -> bool:
        return any(
            window.since <= one.window.until
            and window.until >= one.window.since
            and (one.until is None or self._clock() < one.until)
            for one in self._silent
        )

    def _page(self, url: str, window: Window, place: int, size: int) -> Answer:
        first, last = bisect.bisect_left(self._at, window.since), bisect.bisect_right(self._at, window.until)
        now = self._clock()
        found = [raw for shown, raw in self._shown[first:last] if shown <= now][::-1]
        for number in range(0, len(found) - 7, 10):  # one of ten stands elsewhere in the listing
            found[number], found[number + 7] = found[number + 7], found[number]
        more = b""
        if len(found) > place + size:
            link = url if place and self._happens(self._chances.loops) else f"{_ROOT}?$skiptoken={len(self._links)}"
            self._links.setdefault(link, (window, place + size, size))
            more = b',"@odata.nextLink":' + json.dumps(link).encode()
        return Answer(
            status=200, headers={}, body=b'{"value":[' + b",".join(found[place : place + size]) + b"]" + more + b"}"
        )


def late(chance: random.Random, at: datetime) -> datetime:
    """Give when a record is shown: most within minutes, 3 of 100 up to 20 hours later, at any time of the day."""
    if chance.random() < 0.03:
        return at + timedelta(hours=chance.uniform(0, 20))
    return at + timedelta(minutes=chance.expovariate(1 / 4))
