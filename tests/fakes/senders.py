"""A channel that remembers what it was given, and fails when it is told to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared.model.cases import Case
from shared.model.notices import Owner, SystemNotice
from shared.notify.messages import Digest, NoticeCall, NoticeDigest, PageMessage
from shared.notify.paged import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A page that was sent; `case` is its worst one, which a test may ask for only where it could be read."""

    message: PageMessage

    @property
    def case(self) -> Case:
        assert self.message.worst is not None
        return self.message.worst.case

    @property
    def detection(self) -> str:
        return self.message.changes[0].scopes[0]

    @property
    def owner(self) -> str:
        return _first_name(self.message.owners)

    @property
    def place(self) -> int:
        return self.message.place

    @property
    def case_ids(self) -> list[str]:
        """The cases that it lists, the worst first."""
        return [change.case_id for change in self.message.changes]


@dataclass(slots=True)
class FakeSender:
    """`failing` is raised, while it is set, instead of sending; `spoil` may raise for one page. `tried` counts all.

    `sent` are pages, `digests` and `notice_digests` what several were folded into; `messages` counts all messages about
    cases, one each. `calls` are system notices that were addressed to owners, `signals` what was said of incidents;
    `notices` are all system notices in the order in which they were sent, addressed or not.
    """

    sent: list[Sent] = field(default_factory=list[Sent])
    digests: list[Digest] = field(default_factory=list[Digest])
    failing: Exception | None = None
    spoil: Callable[[PageMessage], None] = lambda _message: None
    tried: int = 0
    system_notices: list[SystemNotice] = field(default_factory=list[SystemNotice])
    notice_digests: list[NoticeDigest] = field(default_factory=list[NoticeDigest])
    calls: list[NoticeCall] = field(default_factory=list[NoticeCall])
    signals: list[tuple[str, Signal]] = field(default_factory=list[tuple[str, Signal]])
    notices: list[SystemNotice] = field(default_factory=list[SystemNotice])

    def send(self, message: PageMessage) -> None:
        self._try()
        self.spoil(message)
        self.sent.append(Sent(message=message))

    def send_digest(self, digest: Digest) -> None:
        self._try()
        for message in digest.pages:
            self.spoil(message)
        self.digests.append(digest)

    def send_system_notice(self, system_notice: SystemNotice) -> None:
        self._try()
        self.system_notices.append(system_notice)
        self.notices.append(system_notice)

    def send_notice_digest(self, digest: NoticeDigest) -> None:
        self._try()
        self.notice_digests.append(digest)

    def send_call(self, call: NoticeCall) -> None:
        self._try()
        self.calls.append(call)
        self.notices.append(call.system_notice)

    def signal(self, key: str, signal: Signal) -> None:
        self._try()
        self.signals.append((key, signal))

    def _try(self) -> None:
        self.tried += 1
        if self.failing is not None:
            raise self.failing

    def addressed(self) -> list[tuple[Any, ...]]:
        """Give what was sent, as (id of the worst case, owner's name, place)."""
        return [(one.case_ids[0], one.owner, one.place) for one in self.sent]

    def case_ids(self) -> set[str]:
        """Give the cases that any message listed."""
        pages = [one.message for one in self.sent] + [page for digest in self.digests for page in digest.pages]
        return {change.case_id for page in pages for change in page.changes}


def _first_name(owners: tuple[Owner, ...]) -> str:
    return owners[0].name if owners else ""
