"""What people see of a responder, and the two protocols by which a story plays one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.laws.records import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page as it was sent: when, about which objects (the tenant's ids), and what it says.

    One that is about the responder itself has no ids.
    """

    at: float
    object_ids: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCase:
    """A case in a listing: whose change of which object it is about, and the detections that it names."""

    id: str
    actor_id: str
    object_id: str
    at: float
    detections: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenIntent:
    """A write in the ledger: what was to be written to which leaves, and whether it counts as carried out.

    `has_before` says that the before-image is kept.
    """

    id: str
    at: float
    object_id: str
    op: str
    steps: Mapping[str, tuple[object, object]]
    is_done: bool
    has_before: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything that people can look at when a story is over.

    `pending` are the leaves that wait or that people were asked about, by object id, with the guard or verdict and the
    reason. `firings` counts how often each guard objected in the whole story.
    """

    pages: list[Page] = field(default_factory=list[Page])
    cases: list[SeenCase] = field(default_factory=list[SeenCase])
    intents: list[SeenIntent] = field(default_factory=list[SeenIntent])
    pending: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    firings: dict[str, int] = field(default_factory=dict[str, int])


class Host(Protocol):
    """One process. Each method is one function of the app; it may die in it, or sleep."""

    def deliver(self, delivery: Delivery) -> None:
        """Take a record in. Where it raises, it is delivered again."""
        ...

    def message(self, queue: str, body: bytes) -> None:
        """Answer a message of a queue."""
        ...

    def each_minute(self) -> None:
        """Run what is due."""
        ...

    def each_hour(self) -> None:
        """Sweep."""
        ...


class Responder(Protocol):
    """The responder that a story is played with: what outlives its processes, and what people do to it."""

    def set_up(self) -> None:
        """Make storage, approve who is listed, sweep and accept, before anything happens."""
        ...

    def host(self) -> Host:
        """Start a process."""
        ...

    def act(self, event: Mapping[str, Any]) -> None:
        """Do what a person does: approve, mode, switch, accept, leave, settle."""
        ...

    def next_due(self) -> float:
        """Give the instant from which `each_minute` may have something to do, infinite where there is none."""
        ...

    def seen(self) -> Seen:
        """Look at everything."""
        ...
