"""Handles messages that failed every time: reports them to the owners, puts them back a few times, then stores them.

When a function has failed on a message as often as host.json says, the Functions host moves the message into the poison
queue and never tries it again. This module puts each message back into its queue a few times, after longer and longer
waits, because the cause may be over by then. After the last time the message is stored in the quarantine.

It may be interrupted at any point and repeated. A message is deleted from the poison queue only when it is stored
elsewhere. One that is in both places is processed twice, which has no effect the second time.
"""

import hashlib
import logging
from datetime import timedelta
from functools import reduce
from typing import Final

import msgspec
from msgspec import Struct

from shared.clients.storage import Message
from shared.clients.storage_names import CASES_QUEUE, QUEUES, RESOURCE_EVENTS_QUEUE, Table, poison_queue
from shared.ingest.deliveries import take_in_delivery
from shared.ingest.quarantine import keep_in_quarantine
from shared.model.do_all import do_all
from shared.model.notices import SystemNotice
from shared.respond.components import Runtime

_log = logging.getLogger("responder.poison")

GAPS: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360, 720))
"""The waits before a message is played again: the first time, the second time and so on."""

_MOST_AT_ONCE: Final = 32
_MOST_IN_A_RUN: Final = 256
_HIDDEN_FOR: Final = timedelta(minutes=5)
_FORGOTTEN_AFTER: Final = timedelta(days=3)
"""The time since a message was last played again after which its count starts anew."""

_MOST_FORGOTTEN: Final = 1000
_LONGEST_BODY: Final = 48 * 1024
"""Bytes; a queue takes 64 KiB of text, which is this much in base64."""

_PARTITION: Final = "played-again"
_FUNCTIONS: Final = {CASES_QUEUE: "answer_case", RESOURCE_EVENTS_QUEUE: "subscription_events"}


class Replayed(Struct, frozen=True, kw_only=True):
    """How many messages were put back into their queue, and how many were given up."""

    again: int = 0
    given_up: int = 0


def play_again(runtime: Runtime) -> Replayed:
    """Empty the poison queues. Raises EdgeError when storage fails; the messages left stay where they are."""
    replayed = do_all(
        QUEUES,
        lambda queue: _drain(runtime, queue),
        failed=lambda queue: f"the poison queue of {queue} could not be emptied",
        log=_log,
    )
    return reduce(_sum, replayed, Replayed())


def _sum(one: Replayed, other: Replayed) -> Replayed:
    return Replayed(again=one.again + other.again, given_up=one.given_up + other.given_up)


def _drain(runtime: Runtime, queue: str) -> Replayed:
    replayed = Replayed()
    for _ in range(_MOST_IN_A_RUN // _MOST_AT_ONCE):
        messages = runtime.storage.take_messages(poison_queue(queue), most=_MOST_AT_ONCE, hidden_for=_HIDDEN_FOR)
        if not messages:
            return replayed
        _publish_failures(runtime, queue, messages)
        given_up = do_all(
            messages,
            lambda message: _is_given_up(runtime, queue, message),
            failed=lambda message: f"{description_of(queue, message.body)} could not be played again",
            log=_log,
        )
        replayed = _sum(replayed, Replayed(again=given_up.count(False), given_up=given_up.count(True)))
        _delete_old_counts(runtime)
    return replayed


def _is_given_up(runtime: Runtime, queue: str, message: Message) -> bool:
    """Put a message back, or store it when it was put back often enough; says which. It is deleted at the very end."""
    if not message.is_encoded:
        # The host rejected the message for its encoding and never tried it. It is put back in base64, or taken in here
        # where it would be too long in base64.
        if len(message.body) > _LONGEST_BODY and queue == RESOURCE_EVENTS_QUEUE:
            take_in_delivery(runtime, message.body)
        else:
            runtime.storage.enqueue(message.body, queue=queue)
        runtime.storage.delete_message(message)
        return False
    key = hashlib.sha256(queue.encode() + b"\0" + message.body).hexdigest()
    times = _times_put_back(runtime, key)
    if times >= len(GAPS):
        _give_up(runtime, queue, message)
    else:
        # The count is stored first. The other way round, interrupted runs could put the message back for ever.
        columns = {"queue": queue, "times": times + 1, "last_at": runtime.clock().isoformat()}
        runtime.storage.upsert(Table.CURSORS, _PARTITION, key, columns)
        runtime.storage.enqueue(message.body, queue=queue, delay=GAPS[times])
        _log.warning(
            "%s failed every time; it is played again in %s s, time %s of %s",
            description_of(queue, message.body),
            int(GAPS[times].total_seconds()),
            times + 1,
            len(GAPS),
        )
    runtime.storage.delete_message(message)
    return times >= len(GAPS)


def _times_put_back(runtime: Runtime, key: str) -> int:
    """Give how often a message was put back lately."""
    row = runtime.storage.row(Table.CURSORS, _PARTITION, key)
    last_at = row.instant("last_at") if row else None
    times: object = row.columns.get("times") if row else None
    if last_at is None or runtime.clock() - last_at > _FORGOTTEN_AFTER:
        return 0
    return times if isinstance(times, int) else 0


def _delete_old_counts(runtime: Runtime) -> None:
    """Delete the counts of messages that haven't failed for a long time."""
    before = (runtime.clock() - _FORGOTTEN_AFTER).isoformat()
    term = f"PartitionKey eq '{_PARTITION}' and last_at lt @before"
    runtime.storage.purge(Table.CURSORS, term, most=_MOST_FORGOTTEN, before=before)


def _give_up(runtime: Runtime, queue: str, message: Message) -> None:
    now = runtime.clock()
    because = (
        f"a message of queue {queue} that failed every time, and each of the {len(GAPS)} times it was played again"
    )
    name = keep_in_quarantine(runtime.storage, message.body, because, tenant_id="", now=now)
    _log.error("%s is given up and kept in quarantine/%s", description_of(queue, message.body), name)
    runtime.notifier.publish(
        SystemNotice(
            key=f"given up {queue} {now:%Y%m%d%H}",
            title=_NOTICE_TEXTS[queue].given_up,
            text=f"First: {description_of(queue, message.body)}, kept as quarantine/{name}."
            f" It was played again {len(GAPS)} times.",
            what_to_do=_NOTICE_TEXTS[queue].look_there,
        )
    )


class _NoticeTexts(Struct, frozen=True, kw_only=True):
    """The texts of the notices about a queue's messages."""

    failed: str
    given_up: str
    look_there: str


_NOTICE_TEXTS: Final = {
    CASES_QUEUE: _NoticeTexts(
        failed="Cases could not be answered",
        given_up="Cases could not be answered, and are not tried again",
        look_there="List the open cases (responder cases --open) and answer them by hand.",
    ),
    RESOURCE_EVENTS_QUEUE: _NoticeTexts(
        failed="Changes of Azure resources could not be checked",
        given_up="Changes of Azure resources could not be checked, and are not tried again",
        look_there="Check the Activity Log of that time yourself: who assigned which role to whom? The messages that"
        " are not tried again are stored unchanged in blob container quarantine.",
    ),
}


def _publish_failures(runtime: Runtime, queue: str, messages: list[Message]) -> None:
    """Publish a notice once an hour about failed messages, and once a day about messages that aren't in base64."""
    now = runtime.clock()
    failed = [message for message in messages if message.is_encoded]
    if failed:
        runtime.notifier.publish(
            SystemNotice(
                key=f"poison {queue} {now:%Y%m%d%H}",
                title=_NOTICE_TEXTS[queue].failed,
                text=f"{len(failed)} of them. The first: {description_of(queue, failed[0].body)}. They are tried again"
                " automatically, the last time within a day.",
                what_to_do=f"Find out why function {_FUNCTIONS[queue]} fails (Application Insights, Failures), and run"
                f" responder doctor. Until it works again: {_NOTICE_TEXTS[queue].look_there}",
            )
        )
    if len(failed) < len(messages):
        runtime.notifier.publish(
            SystemNotice(
                key=f"not base64 {queue} {now:%Y%m%d}",
                title=f"Messages of queue {queue} are processed a minute late",
                text="They aren't in base64, so the Functions host rejects them. The responder takes them from the"
                " poison queue.",
                what_to_do="Nothing is lost. Find out who puts messages into this queue. If it is Event Grid, compare"
                " their encoding with messageEncoding in host.json.",
            )
        )


class _Named(Struct):
    """The fields of a message that say what it is about: a case, an object, or an event in either schema."""

    case_id: object = None
    tenants_id: object = None
    id: object = None
    subject: object = None


def description_of(queue: str, body: bytes) -> str:
    """Say what a message is about, as far as it can be read. Its content comes from outside, so it is shortened."""
    try:
        said = msgspec.json.decode(body, type=_Named)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return f"a message of queue {queue} that can't be read"
    if isinstance(said.case_id, str):
        return f"case {_short(said.case_id)}"
    match said.id:
        case {"kind": str(kind), "key": str(key)} if isinstance(said.tenants_id, str):
            return f"the {_short(kind)} object {_short(key)}, {_short(said.tenants_id)} of the tenant"
        case _:
            pass
    if isinstance(said.id, str) and isinstance(said.subject, str):
        return f"event {_short(said.id)} about {_short(said.subject)}"
    return f"a message of queue {queue} that names nothing"


def _short(text: str) -> str:
    return ascii(text[:300])[1:-1]
