"""Takes in what Event Grid could not deliver to the queue within a day, from blob container `dead-letters`.

A blob holds a list of events, with the reason beside each. It may be interrupted at any point and repeated: a blob is
deleted only when its events are stored, and an event that was taken in before opens nothing new.
"""

import logging
from itertools import islice
from typing import Final

from shared.clients.storage import BlobEntry
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Container
from shared.ingest.deliveries import take_in_delivery
from shared.ingest.intake import keep_unreadable
from shared.model.do_all import do_all
from shared.model.notices import SystemNotice
from shared.respond.components import Runtime

_log = logging.getLogger("responder.dead_letters")

_MOST_IN_A_RUN: Final = 200
"""Blobs; what is left is taken in by the next run."""


def drain_dead_letters(runtime: Runtime) -> int:
    """Take in every dead letter and tell people, once an hour; gives how many blobs there were.

    Raises EdgeError when storage fails: the blobs left stay where they are, and one that fails holds up no other.
    """
    found = list(islice(runtime.storage.blobs(Container.DEAD_LETTERS), _MOST_IN_A_RUN))
    if not found:
        return 0
    _publish(runtime, len(found))
    do_all(
        found,
        lambda blob: _take_in(runtime, blob),
        failed=lambda blob: f"the dead letter {blob.name} could not be taken in",
        log=_log,
    )
    return len(found)


def _take_in(runtime: Runtime, blob: BlobEntry) -> None:
    content = runtime.storage.blob(Container.DEAD_LETTERS, blob.name)
    if content is None:
        return
    intake = take_in_delivery(runtime, content)
    if not intake.records:
        keep_unreadable(runtime, [(content, "a dead letter without an event")], runtime.settings.workforce.id)
    try:
        runtime.storage.delete_blob(Container.DEAD_LETTERS, blob)
    except Conflict:
        _log.warning("the dead letter %s was written anew or deleted meanwhile", blob.name)
        return
    _log.info("the dead letter %s was taken in: %s events, %s cases", blob.name, intake.records, intake.opened)


def _publish(runtime: Runtime, number: int) -> None:
    now = runtime.clock()
    runtime.notifier.publish(
        SystemNotice(
            key=f"dead letters {now:%Y%m%d%H}",
            title="Changes of Azure resources were delivered late",
            text=f"Event Grid could not put {number} deliveries into the queue for a day and kept them. They are taken"
            " in now. What they tell may be a day old.",
            what_to_do="See why the queue could not be written to: the topic's role assignment on it, the storage"
            " account's network rules, locks. responder doctor says whether events come.",
        )
    )
