"""Builds the messages about several changes: the page of an actor and the digest. Pure functions.

They follow the rules of `shared.notify.cards`. A change is listed in one line, the worst first, and the line opens its
case. A card shows the first few, so that it can be read at a glance, and the others when somebody asks for them. A
message is shortened until it is small enough, and says how many changes it leaves out.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.model.escape import runs, shown, unlinked
from shared.model.kinds import Risk
from shared.model.notices import Owner
from shared.model.settings import Settings
from shared.notify.cards import AGAIN, LIMIT_BYTES, envelope, is_link, paged_line, size_of
from shared.notify.endings import Ending
from shared.notify.messages import Digest, PageMessage
from shared.notify.next_steps import next_steps_of_page
from shared.notify.paged import PagedChange

type Json = dict[str, Any]

_MOST_LISTED: Final = (24, 16, 12, 8, 5, 3, 2, 1)
"""How many changes a card lists; the first number whose card is small enough is used."""

_AT_A_GLANCE: Final = 5
"""How many changes a card shows at once; the others it lists are shown by a button."""

_FOLDED: Final = "more-changes"
_MOST_OF_AN_ACTOR: Final = 3
"""How many changes of one actor a digest lists, so that many by one don't hide the others."""

_MOST_IN_ALERT: Final = 50
_MOST_LINKS: Final = 5
_MOST_RUNS: Final = 24
_LONGEST: Final = 80
_MANY_MINUTES: Final = 120
_NO_STEPS: Final = "Open the case."

_COUNTED: Final[Mapping[Ending, tuple[str, str]]] = {
    Ending.NEEDS_YOU: ("needs you", "need you"),
    Ending.GIVEN_UP: ("needs you", "need you"),
    Ending.FAILED: ("could not be put back", "could not be put back"),
    Ending.PENDING: ("can't be put back yet", "can't be put back yet"),
    Ending.UNPROVED: ("to check", "to check"),
    Ending.UNDER_WAY: ("being put back", "being put back"),
    Ending.PUT_BACK: ("put back", "put back"),
    Ending.ALREADY: ("with nothing left to put back", "with nothing left to put back"),
    Ending.OBSERVED: ("only observed", "only observed"),
    Ending.RECORDED: ("recorded", "recorded"),
}
"""What is counted in a headline, of one and of several, in the order in which it is listed."""


class _Line(Struct, frozen=True, kw_only=True):
    """A change as a message lists it, and by whom it is where that differs from line to line."""

    change: PagedChange
    by: str = ""

    @property
    def text(self) -> str:
        change = self.change
        by = f" by {self.by}" if self.by else ""
        at = f"{change.at.astimezone(UTC):%H:%M:%S} UTC"
        return f"{change.what}{by}. {change.about}, {change.risk} risk, {at}"


class _Content(Struct, frozen=True, kw_only=True):
    """What a message says, whichever channel it goes over."""

    headline: str
    about: str
    worst: PagedChange
    lines: tuple[_Line, ...]
    count: int
    steps: tuple[str, ...]
    owners: tuple[Owner, ...]
    place: int = 0
    is_again: bool = False


def page_card(message: PageMessage, settings: Settings) -> Json:
    """Build the Teams message about the changes of one actor, smaller than `cards.LIMIT_BYTES`."""
    return _card(_content_of_page(message, settings), settings)


def digest_card(digest: Digest, settings: Settings) -> Json:
    """Build the Teams message for several pages, smaller than `cards.LIMIT_BYTES`."""
    return _card(_content_of_digest(digest), settings)


def page_alert(message: PageMessage, settings: Settings) -> Json:
    """Build the PagerDuty event about the changes of one actor. The client adds the routing key."""
    return _alert(_content_of_page(message, settings), settings, key=message.key)


def digest_alert(digest: Digest, settings: Settings) -> Json:
    """Build the PagerDuty event for several pages: an alert of its own, also where it is sent again.

    The client adds the routing key.
    """
    content = _content_of_digest(digest)
    again = f"{AGAIN.en} " if digest.is_again else ""
    return _alert(msgspec.structs.replace(content, headline=f"{again}{content.headline}"), settings, key=digest.key)


# ---- what is said ----------------------------------------------------------------------------------------------------


def _content_of_page(message: PageMessage, settings: Settings) -> _Content:
    changes = message.changes
    tenant = settings.tenant(message.tenant_id)
    return _Content(
        headline=page_headline(message),
        about=(
            f"In {shown(tenant.name if tenant else message.tenant_id, _LONGEST)}, {changes[0].risk} risk at most"
            f"{_news(message)}"
        ),
        worst=changes[0],
        lines=tuple(_Line(change=change) for change in changes),
        count=len(changes),
        steps=_steps(message),
        owners=message.owners,
        place=message.place,
        is_again=message.is_again,
    )


def _news(message: PageMessage) -> str:
    """Say how much is new in a message that isn't the first of its page; "" in the first."""
    if message.since is None or message.new <= 0:
        return ""
    changes = "1 change" if message.new == 1 else f"{message.new:,} changes"
    return f". Since {message.since.astimezone(UTC):%H:%M} UTC {changes} came or went further"


def _content_of_digest(digest: Digest) -> _Content:
    listed = [_Line(change=change, by=page.by) for page in digest.pages for change in page.changes[:_MOST_OF_AN_ACTOR]]
    listed.sort(key=lambda line: -line.change.urgency)
    return _Content(
        headline=digest_headline(digest),
        about="There was more to send than the limit of messages an hour lets through, so this one is for all of it",
        worst=listed[0].change,
        lines=tuple(listed),
        count=sum(len(page.changes) for page in digest.pages),
        steps=(),
        owners=digest.owners,
        place=max(page.place for page in digest.pages),
        is_again=digest.is_again,
    )


def _steps(message: PageMessage) -> tuple[str, ...]:
    worst = message.worst
    if worst is None:
        return ()
    needs_somebody = any(change.needs_somebody for change in message.changes)
    return next_steps_of_page(worst.case, worst.detection, needs_somebody=needs_somebody, max_length=_LONGEST)


def page_headline(message: PageMessage) -> str:
    """Say how many changes there are, by whom, in which time, and what came of them."""
    changes = message.changes
    counts = _counts(changes)
    if len(changes) == 1:
        by = f" by {message.by}" if message.by else ""
        return f"{changes[0].ending}: {changes[0].what}{by}"
    instants = [change.at for change in changes]
    within = _span(max(instants) - min(instants))
    if not message.by:
        return f"{changes[0].what}, {len(changes):,} times in {within}: {counts}"
    return f"{len(changes):,} {_noun(changes)} by {message.by} in {within}: {counts}"


def digest_headline(digest: Digest) -> str:
    """Say how many changes the digest is about, by how many actors, and what came of them."""
    changes = tuple(change for page in digest.pages for change in page.changes)
    actors = len({(page.tenant_id, page.by) for page in digest.pages if page.by})
    unnamed = sum(not page.by for page in digest.pages)
    named = f"{actors:,} actor{'' if actors == 1 else 's'}" if actors else ""
    others = "actors that no record names" if unnamed else ""
    by = " and ".join(filter(None, (named, others)))
    noun = _noun(changes) if len(changes) > 1 else _noun(changes)[:-1]
    return f"{len(changes):,} more {noun} by {by}: {_counts(changes)}"


def _noun(changes: tuple[PagedChange, ...]) -> str:
    return "changes" if all(change.is_change for change in changes) else "cases"


def _counts(changes: tuple[PagedChange, ...]) -> str:
    found = Counter(_COUNTED[change.ending] for change in changes)
    words = dict.fromkeys(_COUNTED.values())
    return ", ".join(f"{found[one]:,} {one[0] if found[one] == 1 else one[1]}" for one in words if found[one])


def _span(passed: timedelta) -> str:
    """Give a time in words, rounded down, at least a second."""
    seconds = max(1, int(passed.total_seconds()))
    if seconds < _MANY_MINUTES:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    minutes = seconds // 60
    return f"{minutes} minutes" if minutes < _MANY_MINUTES else f"{minutes // 60} hours"


# ---- Teams -----------------------------------------------------------------------------------------------------------


def _card(content: _Content, settings: Settings) -> Json:
    message: Json = {}
    for most in _MOST_LISTED:
        message = envelope(_body(content, settings, most), _actions(content, settings), owners=content.owners)
        if size_of(message) < LIMIT_BYTES:
            break
    return message


def _body(content: _Content, settings: Settings, most: int) -> list[Json]:
    top = [_line(content.headline, size="Large", weight="Bolder"), _line(content.about, spacing="Small")]
    body: list[Json] = [{"type": "Container", "style": _colour(content.worst), "bleed": True, "items": top}]
    body += paged_line(content.owners, content.place, is_again=content.is_again)
    if content.steps:
        body.append(_line("What to do", weight="Bolder", spacing="Medium"))
        body += [_line(f"{number}. {step}", spacing="Small") for number, step in enumerate(content.steps, start=1)]
    body.append(_line("The changes, the worst first", weight="Bolder", spacing="Medium"))
    body += [_listed(line, settings) for line in content.lines[: min(most, _AT_A_GLANCE)]]
    body += _folded([_listed(line, settings) for line in content.lines[_AT_A_GLANCE:most]])
    left = content.count - min(most, len(content.lines))
    if left:
        body.append(_line(_and_more(left), spacing="Small"))
    return body


def _folded(listed: list[Json]) -> list[Json]:
    """Give the changes that a button shows, and the button; nothing where there are none."""
    if not listed:
        return []
    title = f"{len(listed)} more change{'' if len(listed) == 1 else 's'}"
    shows = {"type": "Action.ToggleVisibility", "title": title, "targetElements": [_FOLDED]}
    return [
        {"type": "ActionSet", "spacing": "Small", "actions": [shows]},
        {"type": "Container", "id": _FOLDED, "isVisible": False, "spacing": "Small", "items": listed},
    ]


def _and_more(left: int) -> str:
    return f"… and {left:,} more: “responder cases” lists all of them."


def _listed(line: _Line, settings: Settings) -> Json:
    change = line.change
    inlines = [
        *runs(f"{change.ending}: ", max_runs=1, style={"weight": "Bolder"}),
        *runs(line.text, max_runs=_MOST_RUNS, style={}),
        *runs(f" Case {shown(change.case_id, _LONGEST)}", max_runs=_MOST_RUNS, style={"isSubtle": True}),
    ]
    link = _link(change, settings)
    opens = {"selectAction": {"type": "Action.OpenUrl", "title": "Open the case", "url": link}} if link else {}
    return {
        "type": "Container",
        "spacing": "Small",
        "separator": True,
        "items": [{"type": "RichTextBlock", "inlines": inlines}],
        **opens,
    }


def _line(text: str, *, spacing: str = "Default", **style: str) -> Json:
    block = {"type": "RichTextBlock", "inlines": runs(text, max_runs=_MOST_RUNS, style=style)}
    return block if spacing == "Default" else {**block, "spacing": spacing}


def _actions(content: _Content, settings: Settings) -> Iterator[Json]:
    link = _link(content.worst, settings)
    if link:
        yield {"type": "Action.OpenUrl", "title": "Open the first case", "url": link}


def _link(change: PagedChange, settings: Settings) -> str:
    link = settings.case_link.replace("{case}", change.case_id)
    return link if is_link(link) else ""


def _colour(worst: PagedChange) -> str:
    if worst.needs_somebody:
        return "attention" if worst.risk is Risk.HIGH else "warning"
    return "good"


# ---- PagerDuty -------------------------------------------------------------------------------------------------------


def _alert(content: _Content, settings: Settings, *, key: str) -> Json:
    worst = content.worst
    tenant = settings.tenant(worst.tenant_id)
    lines = [
        unlinked(f"{line.change.ending}: {line.text} (case {shown(line.change.case_id, _LONGEST)})")
        for line in content.lines[:_MOST_IN_ALERT]
    ]
    left = content.count - len(lines)
    links = [
        {"href": link, "text": f"Case {shown(line.change.case_id, _LONGEST)}"}
        for line in content.lines[:_MOST_LINKS]
        if (link := _link(line.change, settings))
    ]
    return {
        "event_action": "trigger",
        "dedup_key": key,
        "payload": {
            "summary": unlinked(shown(content.headline, 1_000)),
            "source": unlinked(shown(tenant.name if tenant else worst.tenant_id, _LONGEST)) or "Entra ID",
            "severity": _severity(worst),
            "timestamp": worst.at.isoformat(),
            "class": worst.scopes[0],
            "custom_details": {
                "What to do": [unlinked(step) for step in content.steps] or [_NO_STEPS],
                "Changes": [*lines, *([_and_more(left)] if left else [])],
            },
        },
        "links": links,
        "client": "Entra Responder",
        **({"client_url": links[0]["href"]} if links else {}),
    }


def _severity(worst: PagedChange) -> str:
    if worst.needs_somebody:
        return {Risk.HIGH: "critical", Risk.MEDIUM: "error", Risk.LOW: "warning"}[worst.risk]
    return "warning" if worst.risk is Risk.HIGH else "info"
