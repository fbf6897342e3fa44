"""Messages that failed every time they were tried: told to the owners, played again, and kept when nothing helps.

The Functions host moves a message into its queue's poison queue when the function failed on it so often as host.json
says, and never looks at it again. From there each is put back a few times, later each time: what was down may be up.
After the last time it is kept in the quarantine.

May be killed at any point and run again. A message leaves the poison queue only when it lies elsewhere; one that lies
in both is played once more, which does nothing that was done before.
"""

import hashlib
import logging
from datetime import datetime, timedelta
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
"""How long a message waits before it is played again, the first time, the second time and so on."""

_MOST_AT_ONCE: Final = 32
_MOST_IN_A_RUN: Final = 256
_HIDDEN_FOR: Final = timedelta(minutes=5)
_FORGOTTEN_AFTER: Final = timedelta(days=3)
"""How long after it was last played again a message that failed counts as one that never did."""

_MOST_FORGOTTEN: Final = 1000
_LONGEST_BODY: Final = 48 * 1024
"""Of a message that fits into a queue in base64, in bytes: a queue takes 64 KiB of text."""

_PARTITION: Final = "played-again"
_FUNCTIONS: Final = {CASES_QUEUE: "answer_case", RESOURCE_EVENTS_QUEUE: "subscription_events"}


class Played(Struct, frozen=True, kw_only=True):
    """How many messages were put back into their queue, and how many were given up."""

    again: int = 0
    given_up: int = 0


def play_again(runtime: Runtime) -> Played:
    """Empty the poison queues. Raises EdgeError when storage fails; what was not dealt with stays where it is."""
    played = do_all(
        QUEUES,
        lambda queue: _drain(runtime, queue),
        failed=lambda queue: f"the poison queue of {queue} could not be emptied",
        log=_log,
    )
    return reduce(_plus, played, Played())


def _plus(one: Played, other: Played) -> Played:
    return Played(again=one.again + other.again, given_up=one.given_up + other.given_up)


def _drain(runtime: Runtime, queue: str) -> Played:
    played = Played()
    for _ in range(_MOST_IN_A_RUN // _MOST_AT_ONCE):
        messages = runtime.storage.take_messages(poison_queue(queue), most=_MOST_AT_ONCE, hidden_for=_HIDDEN_FOR)
        if not messages:
            return played
        _notify(runtime, queue, messages)
        given_up = do_all(
            messages,
            lambda message: _is_given_up(runtime, queue, message),
            failed=lambda message: f"{named(queue, message.body)} could not be played again",
            log=_log,
        )
        played = _plus(played, Played(again=given_up.count(False), given_up=given_up.count(True)))
        _forget(runtime)
    return played


def _is_given_up(runtime: Runtime, queue: str, message: Message) -> bool:
    """Put a message back, or keep it when it was put back often enough; says which. Deletes it at the very end."""
    if not message.is_encoded:
        # The host refused its form and never tried it. Put back in base64, it comes here again at most as any
        # other; what would be too long in base64 is taken in here.
        if len(message.body) > _LONGEST_BODY and queue == RESOURCE_EVENTS_QUEUE:
            take_in_delivery(runtime, message.body)
        else:
            runtime.storage.enqueue(message.body, queue=queue)
        runtime.storage.delete_message(message)
        return False
    key = hashlib.sha256(queue.encode() + b"\0" + message.body).hexdigest()
    times = _times(runtime, key)
    if times >= len(GAPS):
        _give_up(runtime, queue, message)
    else:
        # Counted first: a run that is killed here costs one time, the other way round it could go on for ever.
        columns = {"queue": queue, "times": times + 1, "last_at": runtime.clock().isoformat()}
        runtime.storage.upsert(Table.CURSORS, _PARTITION, key, columns)
        runtime.storage.enqueue(message.body, queue=queue, delay=GAPS[times])
        _log.warning(
            "%s failed every time; it is played again in %s s, time %s of %s",
            named(queue, message.body),
            int(GAPS[times].total_seconds()),
            times + 1,
            len(GAPS),
        )
    runtime.storage.delete_message(message)
    return times >= len(GAPS)


def _times(runtime: Runtime, key: str) -> int:
    """How often a message was put back lately."""
    row = runtime.storage.row(Table.CURSORS, _PARTITION, key)
    if row is None or runtime.clock() - datetime.fromisoformat(row.columns["last_at"]) > _FORGOTTEN_AFTER:
        return 0
    return int(row.columns["times"])


def _forget(runtime: Runtime) -> None:
    """Delete the counts of messages that have not failed for long."""
    before = (runtime.clock() - _FORGOTTEN_AFTER).isoformat()
    term = f"PartitionKey eq '{_PARTITION}' and last_at lt @before"
    runtime.storage.purge(Table.CURSORS, term, most=_MOST_FORGOTTEN, before=before)


def _give_up(runtime: Runtime, queue: str, message: Message) -> None:
    now = runtime.clock()
    because = (
        f"a message of queue {queue} that failed every time, and each of the {len(GAPS)} times it was played again"
    )
    name = keep_in_quarantine(runtime.storage, message.body, because, tenant_id="", now=now)
    _log.error("%s is given up and kept in quarantine/%s", named(queue, message.body), name)
    runtime.notifier.publish(
        SystemNotice(
            key=f"given up {queue} {now:%Y%m%d%H}",
            title=_TITLES[queue].given_up,
            text=f"First: {named(queue, message.body)}, kept as quarantine/{name}."
            f" It was played again {len(GAPS)} times.",
            what_to_do=_TITLES[queue].look_there,
        )
    )


class _NoticeText(Struct, frozen=True, kw_only=True):
    """What people are told of the messages of a queue."""

    failed: str
    given_up: str
    look_there: str


_TITLES: Final = {
    CASES_QUEUE: _NoticeText(
        failed="Cases could not be answered",
        given_up="Cases could not be answered, and nobody tries any more",
        look_there="Look at the cases that are open (responder cases --open) and deal with them by hand.",
    ),
    RESOURCE_EVENTS_QUEUE: _NoticeText(
        failed="Changes of Azure resources could not be looked at",
        given_up="Changes of Azure resources were not looked at, and nobody tries any more",
        look_there="Look at the Activity Log of that time: who gave whom which role? Each message is kept whole in"
        " container quarantine.",
    ),
}


def _notify(runtime: Runtime, queue: str, messages: list[Message]) -> None:
    """Say once an hour what failed, and once a day that messages come in a form that the host refuses."""
    now = runtime.clock()
    failed = [message for message in messages if message.is_encoded]
    if failed:
        runtime.notifier.publish(
            SystemNotice(
                key=f"poison {queue} {now:%Y%m%d%H}",
                title=_TITLES[queue].failed,
                text=f"{len(failed)} of them, first: {named(queue, failed[0].body)}. They are tried again by"
                " themselves, the last time within a day.",
                what_to_do=f"Look why {_FUNCTIONS[queue]} fails (Application Insights, Failures), and run responder"
                f" doctor. Until it works again: {_TITLES[queue].look_there}",
            )
        )
    if len(failed) < len(messages):
        runtime.notifier.publish(
            SystemNotice(
                key=f"not base64 {queue} {now:%Y%m%d}",
                title=f"Messages of queue {queue} come a minute late",
                text="They aren't in base64, so the Functions host refuses them; they are taken from its poison queue.",
                what_to_do="Nothing is lost. Somebody puts messages there who shouldn't, or Event Grid's form has"
                " changed: compare host.json, messageEncoding.",
            )
        )


class _Named(Struct):
    """What a message may say it is about: a case, or an event in either schema."""

    case_id: object = None
    id: object = None
    subject: object = None


def named(queue: str, body: bytes) -> str:
    """Say what a message is about, as far as it can be read; what it holds comes from outside."""
    try:
        said = msgspec.json.decode(body, type=_Named)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return f"a message of queue {queue} that can't be read"
    if isinstance(said.case_id, str):
        return f"case {_short(said.case_id)}"
    if isinstance(said.id, str) and isinstance(said.subject, str):
        return f"event {_short(said.id)} about {_short(said.subject)}"
    return f"a message of queue {queue} that names nothing"


def _short(text: str) -> str:
    return ascii(text[:300])[1:-1]
