"""What people are sent about an emergency: what somebody did that all have to know, as it follows from the entries."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from shared.emergency.entries import (
    CONFIRM_WITHIN,
    Act,
    Asked,
    Closed,
    Confirmed,
    Declared,
    Entry,
    Extended,
    SignInAnnounced,
)
from shared.emergency.state import Emergency
from shared.model.errors import EdgeError
from shared.model.notices import SystemNotice
from shared.respond.components import Runtime

_log = logging.getLogger("responder.emergency")
LISTS: Final = ("emergency", "*")
"""Whose owners are paged: those of the first of these lists in table `Owners` that has any."""

_NEW: Final = timedelta(minutes=15)
"""For how long an entry is reported where that was left out, because the app was killed."""


class Reporter(Protocol):
    """Notifies people of something about an emergency, once for each key."""

    @property
    def now(self) -> datetime:
        """The time of what happens now."""
        ...

    def report(self, emergency: Emergency, key: str, *, title: str, text: str, what_to_do: str) -> bool:
        """Notify them."""
        ...


def notice_of(emergency: Emergency, key: str, *, title: str, text: str, what_to_do: str) -> SystemNotice:
    """Make a message about an emergency. `key` says which of its messages it is; a drill's are marked as such.

    No limit of messages an hour keeps it back. It mentions those whom emergencies name first.
    """
    return SystemNotice(
        key=f"emergency {emergency.id} {key}",
        title=title,
        text=text,
        what_to_do=f"This is a drill. {what_to_do}" if emergency.drill else what_to_do,
        never_waits=True,
        drill=emergency.drill,
        scopes=LISTS,
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


def report_new(reporter: Reporter, emergency: Emergency) -> None:
    """Notify people of what somebody did in the last minutes and all have to know, each once."""
    for entry in emergency.entries:
        said = _said(emergency, entry, entry.act)
        if said is not None and reporter.now - entry.at <= _NEW:
            title, text, what_to_do = said
            reporter.report(emergency, f"entry {entry.id}", title=title, text=text, what_to_do=what_to_do)


def _said(emergency: Emergency, entry: Entry, act: Act) -> tuple[str, str, str] | None:  # noqa: PLR0911 - one for each act
    """Give title, text and what to do of an entry that all have to know of; None for any other."""
    nothing = "Nothing, if you expected that. Else telephone who did it, and treat it as an attack."
    match act:
        case Declared():
            text = f"By {entry.name} at {entry.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC: {act.reason}"
            which = f"--id {entry.emergency}"
            what_to_do = f"Acknowledge it: responder emergency acknowledge {which}. Then see what is next: responder"
            title = "A drill of an emergency began" if emergency.drill else "An emergency was declared"
            unexpected = "Whoever didn't expect this telephones who declared it."
            return title, text, f"{what_to_do} emergency show {which}. {unexpected}"
        case SignInAnnounced():
            text = f"{entry.name} announced that account {act.account} signs in until {_time(act.until)}."
            return (
                "The sign-in of an emergency account is announced",
                f"{text} It is paged all the same, as announced.",
                nothing,
            )
        case Extended():
            return "The emergency lasts longer", f"{entry.name}, until {_time(act.until)}: {act.reason}", nothing
        case Asked():
            minutes = int(CONFIRM_WITHIN.total_seconds() / 60)
            what_to_do = f"Another operator reads all of it and confirms within {minutes} minutes, if it is right:"
            command = f"responder emergency confirm {act.what} {act.digest}"
            return "A second operator is needed", f"{entry.name} asks: {act.text}", f"{what_to_do} {command}"
        case Confirmed():
            return "Two operators agreed", f"{entry.name} confirmed: {act.what}.", nothing
        case Closed() if entry == emergency.closed:
            accounts = ", ".join(emergency.announced_accounts)
            rotate = (
                f" Change the credentials of the emergency accounts that signed in: {accounts}." if accounts else ""
            )
            kept = f"Read the report: emergencies/{emergency.id}/files/report in the evidence container."
            report = kept if act.report else "There is no report: the app's log says why."
            title = "The drill is over" if emergency.drill else "The emergency is closed"
            return title, act.summary, f"{report}{rotate}"
        case _:
            return None


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
