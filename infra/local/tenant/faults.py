"""Faults on order: a status, a cut connection or a delay, for the next requests that match."""

import re
from dataclasses import dataclass, field

FOR_EVER = -1
"""The `times` of a fault that never wears out."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """Applies to `times` requests in whose `METHOD path` the regular expression `match` finds something.

    `times` -1 never wears out. `status` 0 cuts the connection; None only delays. With `after`, the request takes
    effect first: the answer is what gets lost. `delay` and `retry_after` are in seconds. `skip` requests pass before
    the first one is spoilt. `principal` is the object id of whose requests alone are spoilt; empty for everybody's.
    `code`, `message` and `headers` are the answer's, instead of those that go with the status.
    """

    match: str
    status: int | None = None
    after: bool = False
    retry_after: int | None = None
    times: int = 1
    delay: float = 0.0
    skip: int = 0
    principal: str = ""
    code: str = ""
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])


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

    def take(self, method: str, path: str, *, principal: str | None) -> Fault | None:
        """Spend the fault for this request, if there is one; those that let it pass count it."""
        for fault in self._faults:
            if fault.principal not in {"", principal} or not re.search(fault.match, f"{method} {path}"):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.times != FOR_EVER:
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
            return fault
        return None
