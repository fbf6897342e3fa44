"""Faults on order: a status, a cut connection or a delay, for the next requests that match."""

import re
from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Fault:
    """Applies to `times` requests whose `METHOD path` the pattern `match` finds something in.

    `status` 0 cuts the connection; None only delays. With `after`, the request takes effect first: the answer is what
    gets lost. `delay` and `retry_after` are in seconds.
    """

    match: re.Pattern[str]
    status: int | None = None
    after: bool = False
    retry_after: int | None = None
    times: int = 1
    delay: float = 0.0


class Faults:
    """Faults in the order in which they were made; the first that matches is spent."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Wait for requests to spoil."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Spoil nothing more."""
        self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Spend the fault for this request, if there is one."""
        for fault in self._faults:
            if fault.match.search(f"{method} {path}"):
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None
