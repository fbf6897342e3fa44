"""What PagerDuty has told: kept once for each event, and acted on by the resume timer before anything climbs.

Whoever acknowledges an incident takes its pages only if he is mapped to an owner. Anybody else is only told of, and the
pages climb on. That an incident was resolved closes nothing here.
"""

import hashlib
import logging
import re
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec

from shared.authority.owners import NamedOwner
from shared.clients.storage import Row, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.model.bilingual import NO_WORDS, Words, filled
from shared.model.do_all import do_all
from shared.model.errors import EdgeError, LeaseLost
from shared.model.notices import NoticeText, SystemNotice
from shared.notify.asked_owners import AskedOwners
from shared.notify.page_store import PageStore, StoredPage
from shared.notify.paged import (
    NOTHING,
    Channel,
    Incident,
    PageState,
    Signal,
    acknowledged_up_to,
    noted_signal,
    start_of,
    worst_first,
)
from shared.notify.pagerduty_webhook import ACKNOWLEDGED, RESOLVED, Agent, HeardEvent
from shared.notify.reached import note_reached

_log = logging.getLogger("responder.notify")
_DAYS: Final = 2
"""For how many days an event that couldn't be acted on is tried again."""

_PAGE_ID: Final = re.compile(r"[0-9A-Za-z-]{1,80}")
_OTHER_CHANNELS: Final = (Channel.TEAMS,)
_MOST: Final = 200

type AcknowledgeCase = Callable[[str, str, str], None]
"""Notes on a case, by tenant and id, who acknowledged it. Raises LeaseLost where it is just being written."""


class Publish(Protocol):
    """Sends a system notice over some channels. Raises EdgeError."""

    def __call__(self, system_notice: SystemNotice, *, over: Collection[Channel]) -> bool:
        """Send it."""
        ...


class Heard:
    """The events of PagerDuty, in table `Outbox`, by the day of the event."""

    def __init__(
        self,
        storage: Storage,
        pages: PageStore,
        owners: AskedOwners,
        publish: Publish,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._storage = storage
        self._pages = pages
        self._owners = owners
        self._publish = publish
        self._clock = clock

    def keep(self, event: HeardEvent) -> bool:
        """Store an event; False where one with its id was stored before, and nothing will come of it. Raises EdgeError.

        Its partition is the day that is signed, so that one that comes again finds the first whenever it comes.
        """
        key = hashlib.sha256(event.id.encode(errors="surrogatepass")).hexdigest()
        columns = {"event": msgspec.json.encode(event).decode(), "done": False, "heard_at": self._clock()}
        return self._storage.insert(Table.OUTBOX, _partition(event.at), key, columns)

    def act(self, acknowledge_case: AcknowledgeCase) -> None:
        """Act on what was stored. What fails is tried again the next time, and the first failure is raised at the end.

        Raises EdgeError.
        """
        now = self._clock()
        days = sorted({_partition(now + timedelta(hours=1) - timedelta(days=back)) for back in range(_DAYS + 1)})
        query = "PartitionKey eq @heard and done eq false"
        rows = [row for day in days for row in self._storage.rows(Table.OUTBOX, query, most=_MOST, heard=day)]
        do_all(
            rows,
            lambda row: self._act_on(row, acknowledge_case),
            failed=lambda row: f"what PagerDuty told ({row.key}) could not be acted on",
            log=_log,
        )

    def _act_on(self, row: Row, acknowledge_case: AcknowledgeCase) -> None:
        try:
            event = msgspec.json.decode(row.columns["event"], type=HeardEvent)
        except (msgspec.MsgspecError, KeyError, TypeError):
            _log.warning("what PagerDuty told (%s) can't be read, so nothing comes of it", row.key)
        else:
            self._act_on_event(event, acknowledge_case)
        try:
            self._storage.replace(Table.OUTBOX, row, {**row.columns, "done": True})
        except Conflict:
            _log.info("another run acted on what PagerDuty told (%s) too", row.key)

    def _act_on_event(self, event: HeardEvent, acknowledge_case: AcknowledgeCase) -> None:
        agent = event.agent
        if event.type not in {ACKNOWLEDGED, RESOLVED} or agent is None or not agent.is_user:
            return  # an integration as the agent is ourselves: what we told PagerDuty comes back
        pages = self._pages_in(event.incident)
        if event.type == RESOLVED:
            self._resolved(event, agent, pages)
            return
        owner = self._owner(agent)
        if owner is None:
            self._report_stranger(event, agent, pages)
            return
        note_reached(self._storage, owner, Channel.PAGERDUTY, at=event.at)
        for page in pages:
            self._acknowledge(page, event, f"{owner.name} (PagerDuty {agent.id})", acknowledge_case)
        if pages:
            self._report_owner(event, owner, pages)

    def _owner(self, agent: Agent) -> NamedOwner | None:
        """Give the owner whom people have mapped to a user of PagerDuty. Raises EdgeError."""
        named = (owner for owner in self._owners.all() if owner.pagerduty)
        return next((owner for owner in named if owner.pagerduty.casefold() == agent.id.casefold()), None)

    def _pages_in(self, key: str) -> list[StoredPage]:
        """Give the pages in an incident: that of its key, or those that a digest of that key was about."""
        page = self._pages.page(key.split(" ", maxsplit=1)[0]) if _names_page(key) else None
        if page is not None:
            return [page]
        return [stored for stored in self._pages.open_pages() if key and _incident(stored.state, key)]

    def _acknowledge(self, page: StoredPage, event: HeardEvent, by: str, acknowledge_case: AcknowledgeCase) -> None:
        """Take a page as far as the incident showed it."""
        incident = _incident(page.state, event.incident)
        urgency = incident.urgency if incident else NOTHING
        if urgency > page.state.acknowledged:
            self._pages.update(page, lambda state: acknowledged_up_to(state, urgency=urgency, by=by, at=self._clock()))
        for change in worst_first(self._pages.changes(page.state)):
            if change.urgency <= urgency:
                self._acknowledge_case(change.tenant_id, change.case_id, by, acknowledge_case)

    def _acknowledge_case(self, tenant_id: str, case_id: str, by: str, acknowledge_case: AcknowledgeCase) -> None:
        """Note it on the case as well; where that fails the page, which stops the climbing, has it all the same."""
        try:
            acknowledge_case(tenant_id, case_id, by)
        except (EdgeError, LeaseLost) as error:
            _log.warning("that case %s was acknowledged in PagerDuty isn't noted on it: %s", case_id, error)

    def _resolved(self, event: HeardEvent, agent: Agent, pages: list[StoredPage]) -> None:
        """Note that the incident is gone there; the pages stay as they are."""
        for page in pages:
            if _incident(page.state, event.incident):
                self._pages.update(
                    page, lambda state: noted_signal(state, Channel.PAGERDUTY, event.incident, Signal.RESOLVE)
                )
        unanswered = [page for page in pages if page.state.asks > page.state.acknowledged]
        if unanswered:
            self._notify(
                RESOLVED_UNANSWERED.notice(
                    f"pagerduty resolved {event.id}", who=agent.name, about=self._about(unanswered)
                ),
                unanswered,
            )

    def _report_owner(self, event: HeardEvent, owner: NamedOwner, pages: list[StoredPage]) -> None:
        self._notify(
            OWNER_ACKNOWLEDGED.notice(f"pagerduty acknowledged {event.id}", who=owner.name, about=self._about(pages)),
            pages,
        )

    def _report_stranger(self, event: HeardEvent, agent: Agent, pages: list[StoredPage]) -> None:
        unanswered = [page for page in pages if page.state.asks > page.state.acknowledged]
        if not unanswered:
            return
        _log.warning("PagerDuty's user %s acknowledged an incident and is mapped to no owner", agent.id)
        self._notify(
            STRANGER_ACKNOWLEDGED.notice(
                f"pagerduty stranger {event.id}", who=agent.name, user=agent.id, about=self._about(unanswered)
            ),
            unanswered,
        )

    def _notify(self, notice: SystemNotice, pages: list[StoredPage]) -> None:
        """Say it on the other channels; a drill's own is marked as one."""
        is_drill = all(page.state.is_drill for page in pages)
        self._publish(msgspec.structs.replace(notice, drill=is_drill), over=_OTHER_CHANNELS)

    def _about(self, pages: list[StoredPage]) -> Words:
        more = filled(_MORE_PAGES, more=len(pages) - 1) if len(pages) > 1 else NO_WORDS
        return filled(_ABOUT, named=self._named(pages[0].state), more=more)

    def _named(self, page: PageState) -> Words:
        if page.system_notice is not None:
            return page.system_notice.title_in_both
        changes = worst_first(self._pages.changes(page))
        return filled(_WORST, what=changes[0].what, case=changes[0].case_id) if changes else filled(_PAGE, page=page.id)


_ABOUT: Final = Words(en="It is about: {named}{more}.", ko="대상: {named}{more}.")
_MORE_PAGES: Final = Words(en=" and {more:,} more pages", ko=" 외 호출 {more:,}건")
_WORST: Final = Words(en="{what} (case {case})", ko="{what} (사례 {case})")
_PAGE: Final = Words(en="page {page}", ko="호출 {page}")
RESOLVED_UNANSWERED: Final = NoticeText(
    id="pagerduty-resolved",
    title=Words(
        en="{who} has resolved an incident that nobody has acknowledged",
        ko="아무도 확인하지 않은 인시던트가 해결로 표시되었습니다: {who}",
    ),
    text=Words(
        en="{about} Resolving it in PagerDuty closes nothing here: it is asked on.",
        ko="{about} PagerDuty에서 해결해도 여기서는 닫히지 않으며 호출이 계속됩니다.",
    ),
    what_to_do=Words(
        en="Acknowledge the case, or in PagerDuty acknowledge the next incident.",
        ko="사례를 확인하거나 PagerDuty에서 다음 인시던트를 확인(acknowledge)하세요.",
    ),
    never_waits=True,
)
OWNER_ACKNOWLEDGED: Final = NoticeText(
    id="pagerduty-acknowledged",
    title=Words(en="{who} takes care of it", ko="담당: {who}"),
    text=Words(
        en="{who} has acknowledged it in PagerDuty. {about}",
        ko="PagerDuty에서 확인한 사람: {who}. {about}",
    ),
    what_to_do=Words(
        en="Nothing, unless it wasn't you: then acknowledge nothing, and find out who has your PagerDuty.",
        ko="본인이 한 것이면 할 일이 없습니다. 아니면 아무것도 확인하지 말고 누가 내 PagerDuty를 쓰는지 알아내세요.",
    ),
    never_waits=True,
)
STRANGER_ACKNOWLEDGED: Final = NoticeText(
    id="pagerduty-stranger",
    title=Words(
        en="{who} has acknowledged it in PagerDuty, and is no owner here",
        ko="담당자가 아닌 사람이 PagerDuty에서 확인했습니다: {who}",
    ),
    text=Words(en="{about} So the next owners are asked on.", ko="{about} 그래서 다음 담당자들을 계속 호출합니다."),
    what_to_do=Words(
        en="If that is an owner: responder owner SCOPE --name NAME --upn UPN --pagerduty {user}. If not, an owner"
        " acknowledges it.",
        ko="담당자라면: responder owner SCOPE --name NAME --upn UPN --pagerduty {user}. 아니면 담당자가 직접"
        " 확인하세요.",
    ),
    never_waits=True,
)


def _partition(at: datetime) -> str:
    return f"{at:%Y%m%d} heard"


def _names_page(key: str) -> bool:
    page = key.split(" ", maxsplit=1)[0]
    try:
        start_of(page)
    except ValueError:
        return False
    return _PAGE_ID.fullmatch(page) is not None


def _incident(page: PageState, key: str) -> Incident | None:
    delivery = page.over(Channel.PAGERDUTY)
    return next((one for one in delivery.incidents if one.key == key), None) if delivery else None
