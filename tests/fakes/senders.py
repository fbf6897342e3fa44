"""A channel that remembers what it was given, and fails when it is told to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared.model.cases import Case
from shared.model.detections import AnyDetection
from shared.model.notices import Owner, SystemNotice


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    case: Case
    detection: str
    owner: str
    place: int


@dataclass(slots=True)
class FakeSender:
    """`failing` is raised, while it is set, instead of sending; `spoil` may raise for one case. `tried` counts all."""

    sent: list[Sent] = field(default_factory=list[Sent])
    failing: Exception | None = None
    spoil: Callable[[Case], None] = lambda _case: None
    tried: int = 0
    system_notices: list[SystemNotice] = field(default_factory=list[SystemNotice])

    def send(self, case: Case, detection: AnyDetection, owner: Owner | None, *, place: int) -> None:
        self.tried += 1
        if self.failing is not None:
            raise self.failing
        self.spoil(case)
        self.sent.append(Sent(case=case, detection=detection.id, owner=owner.name if owner else "", place=place))

    def send_system_notice(self, system_notice: SystemNotice) -> None:
        self.tried += 1
        if self.failing is not None:
            raise self.failing
        self.system_notices.append(system_notice)

    def addressed(self) -> list[tuple[Any, ...]]:
        """Give what was sent, as (case id, owner's name, place)."""
        return [(one.case.id, one.owner, one.place) for one in self.sent]
