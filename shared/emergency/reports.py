"""What people are sent about an emergency itself: that it was declared, goes on, has expired, is closed."""

import logging
from typing import Final

from shared.emergency.state import Emergency
from shared.model.errors import EdgeError
from shared.model.notices import SystemNotice
from shared.respond.components import Runtime

_log = logging.getLogger("responder.emergency")
DRILL: Final = "DRILL: "


def notice_of(emergency: Emergency, key: str, *, title: str, text: str, what_to_do: str) -> SystemNotice:
    """Make a message about an emergency. `key` says which of its messages it is; a drill's are marked as such.

    No limit of messages an hour keeps it back.
    """
    mark = DRILL if emergency.drill else ""
    return SystemNotice(
        key=f"emergency {emergency.id} {key}",
        title=f"{mark}{title}",
        text=text,
        what_to_do=f"This is a drill. {what_to_do}" if emergency.drill else what_to_do,
        never_waits=True,
    )


def notify(runtime: Runtime, notice: SystemNotice, *, cut_off: bool = False) -> bool:
    """Send a message over every channel; whether it was sent, or waits to be. Nothing is raised.

    Where it can't be stored first, it is sent all the same: then a channel that fails isn't asked again. `cut_off`:
    storage failed just now, so nobody waits for it again.
    """
    if not cut_off and _is_stored(runtime, notice):
        return True
    sent = runtime.notifier.send_unstored(notice)
    if not sent:
        _log.error("nobody could be notified of an emergency: %s", notice.title)
    return bool(sent)


def _is_stored(runtime: Runtime, notice: SystemNotice) -> bool:
    """Write a message to the outbox, and send it; False where storage fails."""
    try:
        runtime.notifier.publish(notice)
    except EdgeError as error:
        _log.warning("a message about an emergency is sent without being stored first: %s", error)
        return False
    return True
