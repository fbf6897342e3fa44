"""What is stored of a page and its changes, and what follows from it: what is sent when, and who is asked again.

A page gathers the changes (cases) of one actor. It is sent at once for the first one, and again with everything so far
while there is something new (`shared.notify.pace`). Pure functions over values.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from shared.model.cases import Case, Decision, Outcome
from shared.model.detections import AnyDetection
from shared.model.events import Log
from shared.model.kinds import Risk
from shared.model.notices import Phase, SystemNotice
from shared.notify.endings import Ending, ending_of
from shared.notify.pace import HOUR, MOST_OF_A_PAGE, asked_until, next_step, of_last_hour, with_room

ONE_PAGE: Final = HOUR
"""How long after its first change a page takes further changes of its actor."""

_RISKS: Final = (Risk.LOW, Risk.MEDIUM, Risk.HIGH)
_LAST_PLACE: Final = 9
_LONGEST: Final = 80
"""Characters of a text from the tenant."""

URGENT: Final = 5
"""The urgency of a change of high risk that needs a person, and of a notice that climbs: what wakes people."""

EMERGENCY_PLACE: Final = 2
"""How many owners are asked for an urgent page before those of list `emergency` are asked too."""

REACHED_WITHIN: Final = 3
"""After how many times the time to acknowledge an urgent page, it is said that nobody could be reached."""

_RINGS_EACH: Final = 4
"""After how many further owners a page that climbs rings anew in PagerDuty, once list `emergency` was asked."""

NOTHING: Final = -1
"""The urgency of a page that shows nothing, and of an acknowledgement that there isn't."""


class Channel(StrEnum):
    """Ways to reach the owners."""

    TEAMS = "teams"
    PAGERDUTY = "pagerduty"


class PagedChange(Struct, frozen=True, kw_only=True):
    """A case in one of its phases, as a page lists it.

    `what` and `about` are sentences in which text from the tenant is escaped already. `scopes` are those of its owners
    in table `Owners`, the nearest first. `at` is when the change was made. `is_change` is False for sign-ins and for
    counts.
    """

    case_id: str
    tenant_id: str
    phase: Phase
    risk: Risk
    ending: Ending
    needs_somebody: bool
    what: str
    about: str
    scopes: tuple[str, ...]
    at: datetime
    is_change: bool = True

    @property
    def urgency(self) -> int:
        """How urgent it is: by the risk first, then by whether a person has to act. From 0 to 5."""
        return 2 * _RISKS.index(self.risk) + self.needs_somebody


def needs_somebody(case: Case) -> bool:
    """Whether a person has to act, rather than only be informed."""
    return case.decision is Decision.PAGE or (
        case.decision is Decision.REMEDIATE and case.outcome not in {Outcome.DONE, Outcome.ALREADY}
    )


def paged_change(case: Case, detection: AnyDetection, phase: Phase) -> PagedChange:
    """Give a case as a page lists it."""
    from shared.notify.wording import change_text, object_text  # noqa: PLC0415 - sentences aren't needed at start-up

    approval_list = detection.unless_actor_in
    return PagedChange(
        case_id=case.id,
        tenant_id=case.tenant_id,
        phase=phase,
        risk=detection.risk.at_most(case.at_most),
        ending=ending_of(case),
        needs_somebody=needs_somebody(case),
        what=change_text(detection, max_length=_LONGEST),
        about=object_text(case, detection, max_length=_LONGEST),
        scopes=(detection.id, *((approval_list.value,) if approval_list else ()), "*"),
        at=case.at,
        is_change=detection.log is not Log.SIGN_IN and not detection.counted,
    )


def unreadable_change(case_id: str, phase: str, at: datetime, *, tenant_id: str) -> PagedChange:
    """Stand in for a change whose row can't be read: it is shown by its case's id, as urgent as can be."""
    return PagedChange(
        case_id=case_id,
        tenant_id=tenant_id,
        phase=Phase(phase) if phase in set(Phase) else Phase.ENDED,
        risk=Risk.HIGH,
        ending=Ending.NEEDS_YOU,
        needs_somebody=True,
        what="A change of which the stored text can't be read",
        about="open its case",
        scopes=("*",),
        at=at,
    )


def worst_first(changes: Iterable[PagedChange]) -> tuple[PagedChange, ...]:
    """Give each case once, as it is in its last phase: the most urgent first, the oldest first among equals."""
    latest: dict[tuple[str, str], PagedChange] = {}
    for change in changes:
        key = (change.tenant_id, change.case_id)
        if key not in latest or latest[key].phase is Phase.PENDING:
            latest[key] = change
    return tuple(sorted(latest.values(), key=lambda change: (-change.urgency, change.at, change.case_id)))


class Signal(StrEnum):
    """What a channel that keeps incidents is told of one: that somebody takes care of it, that it is over."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


class Incident(Struct, frozen=True, kw_only=True):
    """An incident that a page began over a channel, by the key that its messages share.

    `urgency` is the highest that its messages showed. `is_shared`: other pages are in it too (a digest), so nothing is
    said of it for one of them. `acknowledged` and `resolved` say that the channel knows.
    """

    key: str
    urgency: int
    is_shared: bool = False
    acknowledged: bool = False
    resolved: bool = False


class Delivery(Struct, frozen=True, kw_only=True):
    """How far a page has come over one channel.

    - `next_try`: it isn't sent before: another run is sending it, or the channel just failed `tries` times in a row.
    - `place` is the number of owners who were asked before; `is_call` says that the owner is yet to be asked at once.
    - `is_begun`: a run began to send it and hasn't noted what came of that. `may_have_come`: so a former try may have
      reached people, because its run died or the channel gave no clear answer.
    - `sent` is when its messages went in the last hour, as far back as it last rang anew.
    - `sent_news` is what `PageState.news` was when it was last sent, `shown` the number of changes that it showed,
      `urgency` the highest that it ever showed.
    - `asked_at` is when somebody was last asked to act; None when nobody has to.
    - `rings` counts how often it rang anew.
    - `incidents` are those that it began there; `signal_try` is when the channel is told next what became of them,
      where that failed `signal_tries` times in a row.
    """

    channel: Channel
    next_try: datetime
    asked_at: datetime | None = None
    place: int = 0
    is_call: bool = True
    is_begun: bool = False
    may_have_come: bool = False
    sent_at: datetime | None = None
    sent: tuple[datetime, ...] = ()
    sent_news: int = 0
    shown: int = 0
    urgency: int = NOTHING
    tries: int = 0
    rings: int = 0
    error: str = ""
    incidents: tuple[Incident, ...] = ()
    signal_try: datetime | None = None
    signal_tries: int = 0


class PageState(Struct, frozen=True, kw_only=True):
    """A page: the changes of one actor within an hour, or a system notice.

    `by` names the actor, "" where no record names one. `news` grows with each change; `urgency` is the highest of all
    changes, `asks` of those that need a person, `acknowledged` what somebody has acknowledged.

    - `unanswered_since` is when it first asked for somebody urgently; None when nobody is asked so, or any more.
    - `unreached_at` is when it was said in the log that nobody could be reached, `unreached_published` that it was
      said on the channels.
    - `finished_at` is when it was seen that nothing of it needs a person any more.
    """

    id: str
    started_at: datetime
    tenant_id: str = ""
    by: str = ""
    news: int = 1
    urgency: int = NOTHING
    asks: int = NOTHING
    acknowledged: int = NOTHING
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None
    deliveries: tuple[Delivery, ...] = ()
    system_notice: SystemNotice | None = None
    unanswered_since: datetime | None = None
    unreached_at: datetime | None = None
    unreached_published: bool = False
    finished_at: datetime | None = None

    def over(self, channel: Channel) -> Delivery | None:
        """Give the delivery over a channel; None when the page isn't sent over it."""
        return next((one for one in self.deliveries if one.channel is channel), None)

    def with_delivery(self, delivery: Delivery) -> "PageState":
        """Give the page with a delivery in place of the one over the same channel."""
        others = tuple(one for one in self.deliveries if one.channel is not delivery.channel)
        return msgspec.structs.replace(self, deliveries=(*others, delivery))

    @property
    def is_open(self) -> bool:
        """Whether something of it may still have to be sent or said, or somebody asked again."""
        return (
            self.unanswered_since is not None
            or any(one.sent_news < self.news or one.is_call or one.asked_at is not None for one in self.deliveries)
            or any(signals_of(self, one) for one in self.deliveries)
        )

    @property
    def is_urgent(self) -> bool:
        """Whether it wakes people, and isn't acknowledged as such."""
        return self.asks >= URGENT > self.acknowledged

    @property
    def is_drill(self) -> bool:
        """Whether it is a drill's own."""
        return self.system_notice is not None and self.system_notice.drill


def group_of(case: Case) -> str:
    """Give what the changes of a page have in common, in 16 hex digits: tenant and actor, else tenant and detection.

    Whoever enters a wrong password isn't known: of an account that is only guessed at, nothing is said by its id. So
    one who guesses at many accounts is one page, and the sign-in that then works is another, which comes at once.
    """
    parts = (case.tenant_id, "actor", case.actor.id.lower())
    if not _is_by_its_actor(case):
        parts = (case.tenant_id, "wrong password" if case.wrong_password else "detection", case.detection)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _is_by_its_actor(case: Case) -> bool:
    return bool(case.actor.id) and not case.wrong_password


def page_id(group: str, started_at: datetime, ending: str) -> str:
    """Give the id of a page: when it began, to the second, so that the id alone finds it; `ending` is any text."""
    return f"{started_at.astimezone(UTC):%Y%m%dT%H%M%S}-{group}{ending}"


def start_of(page: str) -> datetime:
    """Give when a page began. Raises ValueError when the text isn't a page's id."""
    return datetime.strptime(page[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)


def new_page(page: str, case: Case) -> PageState:
    """Give a page without any change; those of `case` go on it."""
    from shared.notify.wording import actor_text  # noqa: PLC0415 - sentences aren't needed at start-up

    by = actor_text(case, _LONGEST) if _is_by_its_actor(case) else ""
    return PageState(id=page, started_at=start_of(page), tenant_id=case.tenant_id, by=by, news=0)


def rings_anew(page: PageState, delivery: Delivery) -> bool:
    """Whether something more urgent came than this channel has shown and anybody has acknowledged."""
    is_later = delivery.sent_at is not None
    return is_later and page.news > delivery.sent_news and page.urgency > max(delivery.urgency, page.acknowledged)


def is_unlimited(page: PageState, delivery: Delivery) -> bool:
    """Whether no limit keeps the message back: it says never to wait, or is more urgent than what was acknowledged."""
    if page.system_notice:
        return page.system_notice.never_waits
    was_acknowledged = page.acknowledged > NOTHING
    return was_acknowledged and page.urgency > max(page.acknowledged, delivery.urgency)


def due_at(page: PageState, delivery: Delivery, *, within: timedelta) -> datetime | None:
    """Give when the page is to be sent over the channel; None when there is nothing to send.

    `within` is the time that an owner has to acknowledge it. What rings and who is asked never wait; what is only more
    of the same leaves room for them.
    """
    if delivery.is_call or delivery.sent_at is None or rings_anew(page, delivery):
        return delivery.next_try
    if page.news <= delivery.sent_news:
        return None
    step = max(delivery.next_try, next_step(page.started_at, delivery.sent_at))
    return with_room(step, sent=delivery.sent, asked=_to_be_asked(page, delivery, step + HOUR, within))


def _to_be_asked(page: PageState, delivery: Delivery, until: datetime, within: timedelta) -> tuple[datetime, ...]:
    if delivery.asked_at is None or page.asks <= page.acknowledged:
        return ()
    most = MOST_OF_A_PAGE if page.system_notice else min(MOST_OF_A_PAGE, _LAST_PLACE - delivery.place)
    return asked_until(delivery.asked_at, until, within=within, most=most)


def grown(
    page: PageState, change: PagedChange, channels: Iterable[Channel], *, now: datetime, turn: timedelta
) -> PageState:
    """Give the page with one change more; what the run that adds it is to send at once is reserved for it for `turn`.

    A further channel is added where the change asks for it, unless somebody has acknowledged as much already.
    """
    asks = change.urgency if change.needs_somebody else NOTHING
    page = msgspec.structs.replace(
        page,
        news=page.news + 1,
        urgency=max(page.urgency, change.urgency),
        asks=max(page.asks, asks),
        finished_at=None,
    )
    if asks >= URGENT > page.acknowledged and page.unanswered_since is None:
        page = msgspec.structs.replace(page, unanswered_since=now)
    for channel in channels:
        if page.over(channel) is None and (not page.deliveries or change.urgency > page.acknowledged):
            asked_at = now if change.needs_somebody else None
            added = Delivery(channel=channel, next_try=now + turn, asked_at=asked_at, is_begun=True)
            page = page.with_delivery(added)
    for one in page.deliveries:
        page = page.with_delivery(_with_news(page, one, change, now=now, turn=turn))
    return page


def _with_news(page: PageState, delivery: Delivery, change: PagedChange, *, now: datetime, turn: timedelta) -> Delivery:
    is_free = delivery.next_try <= now or delivery.tries > 0
    if is_free and (rings_anew(page, delivery) or is_unlimited(page, delivery)):
        delivery = begun(delivery, until=now + turn)
    is_broken = delivery.sent_at is None or delivery.tries > 0
    if change.needs_somebody and is_broken and delivery.asked_at is None:
        # Else nobody would be asked over the other channel while this one doesn't work.
        delivery = msgspec.structs.replace(delivery, asked_at=now)
    return delivery


def begun(delivery: Delivery, *, until: datetime) -> Delivery:
    """Give the delivery as a run takes it that sends it now; no other run does `until` then.

    Where another one had begun and never noted what came of it, the message may come a second time.
    """
    may_have_come = delivery.may_have_come or delivery.is_begun
    return msgspec.structs.replace(delivery, next_try=until, is_begun=True, may_have_come=may_have_come)


def released(delivery: Delivery, *, at: datetime) -> Delivery:
    """Give the delivery of which this run has sent nothing, so that any run may send it."""
    return msgspec.structs.replace(delivery, next_try=at, is_begun=False)


def reserved_between(before: PageState | None, after: PageState) -> list[Delivery]:
    """Give the deliveries that became reserved from one state to the next."""
    had = {one.channel: one.next_try for one in before.deliveries} if before else {}
    return [one for one in after.deliveries if one.next_try != had.get(one.channel)]


def noted_sent(
    page: PageState,
    sent: PageState,
    channel: Channel,
    changes: tuple[PagedChange, ...],
    *,
    now: datetime,
    incident: Incident | None = None,
    is_message: bool = True,
) -> PageState:
    """Give the page, as it stands now, after it was sent as it was when read: with `changes` in all their phases.

    `incident` is what the message belongs to, where the channel keeps some. `is_message` is False where nothing was
    sent, because there was nothing to say.
    """
    was = sent.over(channel)
    current = page.over(channel) or was
    if was is None or current is None:
        return page
    rang = rings_anew(sent, was)
    # Another run may have asked the next owner meanwhile; that message is still to be sent.
    is_overtaken = current.place != was.place
    asks = asks_somebody(page, changes)
    is_new_question = (was.is_call or rang or was.tries > 0 or current.asked_at is None) and not is_overtaken
    if not asks:
        page = msgspec.structs.replace(page, unanswered_since=None)
    if page.news == sent.news and _is_finished(page, changes) and page.finished_at is None:
        page = msgspec.structs.replace(page, finished_at=now)
    return page.with_delivery(
        msgspec.structs.replace(
            current,
            incidents=_with_incident(current.incidents, incident) if incident else current.incidents,
            next_try=now,
            sent_at=now,
            sent=of_last_hour(() if rang else current.sent, now=now) if is_message else current.sent,
            sent_news=max(current.sent_news, sent.news),
            shown=max(current.shown, len(changes)),
            urgency=max([current.urgency, _urgency_shown(page, changes)]),
            asked_at=(now if is_new_question else current.asked_at) if asks else None,
            place=0 if rang else current.place,
            is_call=current.is_call and is_overtaken and not rang,
            rings=current.rings + rang,
            is_begun=current.is_begun and is_overtaken,
            may_have_come=current.may_have_come and is_overtaken,
            tries=0,
            error="",
        )
    )


def _urgency_shown(page: PageState, changes: tuple[PagedChange, ...]) -> int:
    """Give the highest urgency that a message of these changes showed, or the notice's own."""
    return page.urgency if page.system_notice else max((one.urgency for one in changes), default=NOTHING)


def _is_finished(page: PageState, changes: tuple[PagedChange, ...]) -> bool:
    """Whether no change needs a person in its last phase; a notice is finished when whoever published it says so."""
    is_of_cases = page.system_notice is None and bool(changes)
    return is_of_cases and not any(one.needs_somebody for one in worst_first(changes))


def _with_incident(incidents: tuple[Incident, ...], new: Incident) -> tuple[Incident, ...]:
    """Add an incident, or what another message of it showed. One that was resolved begins anew."""
    standing = next((one for one in incidents if one.key == new.key), None)
    others = tuple(one for one in incidents if one.key != new.key)
    if standing is None or standing.resolved:
        return (*others, new)
    return (*others, msgspec.structs.replace(standing, urgency=max(standing.urgency, new.urgency)))


def incident_of(page: PageState, delivery: Delivery, changes: tuple[PagedChange, ...], *, key: str = "") -> Incident:
    """Give the incident that a message sent now belongs to; `key` is the digest's, where it is part of one."""
    own = key or incident_key(page, delivery)
    return Incident(key=own, urgency=_urgency_shown(page, changes), is_shared=bool(key))


def incident_key(page: PageState, delivery: Delivery) -> str:
    """Give the key that messages which belong together share: those of a page, until it rings anew.

    A page that climbs rings anew where list `emergency` is asked, and each time that some more owners were asked:
    whoever has taken the incident without being an owner would keep it silent.
    """
    rings = rings_anew(page, delivery)
    number = delivery.rings + rings
    climbed = 0 if rings else _climbed(page, delivery.place)
    parts = (page.id, str(number) if number or climbed else "", f"again {climbed}" if climbed else "")
    return " ".join(part for part in parts if part)


def _climbed(page: PageState, place: int) -> int:
    return 1 + (place - EMERGENCY_PLACE) // _RINGS_EACH if page.is_urgent and place >= EMERGENCY_PLACE else 0


def signals_of(page: PageState, delivery: Delivery) -> list[tuple[Incident, Signal]]:
    """Give what the channel is to be told of incidents that it hasn't been told yet.

    That an incident is over waits until everything was sent: a later message with its key would begin it anew.
    """
    is_quiet = delivery.sent_news >= page.news and not delivery.is_call
    is_answered = NOTHING < page.acknowledged >= page.asks
    found: list[tuple[Incident, Signal]] = []
    for one in delivery.incidents:
        if one.is_shared or one.resolved:
            continue
        if page.finished_at is not None and is_quiet:
            found.append((one, Signal.RESOLVE))
        elif is_answered and not one.acknowledged and page.finished_at is None:
            found.append((one, Signal.ACKNOWLEDGE))
    return found


def noted_signal(page: PageState, channel: Channel, key: str, signal: Signal) -> PageState:
    """Give the page after the channel knows of an incident what the signal says."""
    current = page.over(channel)
    if current is None:
        return page
    incidents = tuple(
        msgspec.structs.replace(one, acknowledged=True, resolved=one.resolved or signal is Signal.RESOLVE)
        if one.key == key
        else one
        for one in current.incidents
    )
    return page.with_delivery(msgspec.structs.replace(current, incidents=incidents, signal_try=None, signal_tries=0))


def is_unreached(page: PageState, *, now: datetime, within: timedelta) -> bool:
    """Whether an urgent page reached nobody who acknowledged within the bound, and nobody has said so yet."""
    since = page.unanswered_since
    return since is not None and page.unreached_at is None and page.is_urgent and since + REACHED_WITHIN * within <= now


def asks_somebody(page: PageState, changes: Iterable[PagedChange]) -> bool:
    """Whether a change, in its last phase, needs a person and nobody has acknowledged as much."""
    if page.system_notice is not None:
        return page.asks > page.acknowledged
    return any(one.needs_somebody and one.urgency > page.acknowledged for one in worst_first(changes))


def noted_failed(
    page: PageState, channel: Channel, *, error: str, next_try: datetime, is_unsure: bool = False
) -> PageState:
    """Give the page after it couldn't be sent over a channel. `is_unsure`: it isn't known whether it came."""
    current = page.over(channel)
    if current is None:
        return page
    failed = msgspec.structs.replace(
        current,
        tries=current.tries + 1,
        error=error,
        next_try=next_try,
        is_begun=False,
        may_have_come=current.may_have_come or is_unsure,
    )
    return page.with_delivery(failed)


def is_unanswered(page: PageState, delivery: Delivery, *, now: datetime, within: timedelta) -> bool:
    """Whether somebody was asked to act, and nobody has acknowledged it within the time."""
    asked_at = delivery.asked_at
    return asked_at is not None and asked_at + within <= now and page.asks > page.acknowledged


def escalated(
    page: PageState, channel: Channel, others: Iterable[Channel], *, now: datetime, turn: timedelta
) -> PageState:
    """Give the page with the next owner asked over this channel, and the same one over the `others`.

    An owner whom this channel couldn't reach stays the one to ask there. After the last place nobody is asked any more
    for a page; a notice that climbs has no last place.
    """
    current = page.over(channel)
    if current is None:
        return page
    for other in others:
        if page.over(other) is None:
            asked = Delivery(channel=other, next_try=now + turn, asked_at=now, place=current.place, is_begun=True)
            page = page.with_delivery(asked)
    if current.is_call or current.sent_at is None:
        return page.with_delivery(msgspec.structs.replace(current, asked_at=now))
    if current.place >= _LAST_PLACE and page.system_notice is None:
        return page.with_delivery(msgspec.structs.replace(current, asked_at=None))
    return page.with_delivery(
        msgspec.structs.replace(
            current,
            place=current.place + 1,
            is_call=True,
            is_begun=True,
            may_have_come=False,
            next_try=now + turn,
            asked_at=now,
            tries=0,
        )
    )


def acknowledged(page: PageState, *, urgency: int, by: str, at: datetime) -> PageState:
    """Give the page as acknowledged up to what it has shown, and at least up to `urgency`."""
    shown = max([urgency, *(one.urgency for one in page.deliveries)])
    return acknowledged_up_to(page, urgency=shown, by=by, at=at)


def taken_back(page: PageState, *, at: datetime) -> PageState:
    """Give the page as nobody has acknowledged it: the next owners are asked again, from now on.

    A channel that keeps incidents was told of the acknowledgement, so the next message begins another one there.
    """
    if page.acknowledged <= NOTHING:
        return page
    asks = page.asks > NOTHING and page.finished_at is None
    for one in page.deliveries:
        is_known_there = any(incident.acknowledged and not incident.resolved for incident in one.incidents)
        again = msgspec.structs.replace(one, asked_at=at if asks else one.asked_at, rings=one.rings + is_known_there)
        page = page.with_delivery(again)
    return msgspec.structs.replace(
        page,
        acknowledged=NOTHING,
        acknowledged_by="",
        acknowledged_at=None,
        unanswered_since=at if asks and page.asks >= URGENT else page.unanswered_since,
    )


def acknowledged_up_to(page: PageState, *, urgency: int, by: str, at: datetime) -> PageState:
    """Give the page as acknowledged up to an urgency and no further: what is above it is still asked."""
    most = max(page.acknowledged, urgency)
    return msgspec.structs.replace(
        page,
        acknowledged=most,
        acknowledged_by=by,
        acknowledged_at=at,
        unanswered_since=None if most >= page.asks else page.unanswered_since,
    )
