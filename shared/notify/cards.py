"""What is sent about a case: the Adaptive Card for Teams and the event for PagerDuty. Pure functions.

All texts stand in `RichTextBlock`s, whose runs know no markdown (see `legible`). The one `TextBlock`, which does,
mentions the owners: Teams looks for mentions there only. Everything is of Adaptive Cards 1.4 or older, and the only
action is to open an address.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.model.cases import Case
from shared.model.detections import AnyDetection
from shared.model.escape import Run, plain, quoted, runs, told
from shared.model.kinds import Risk
from shared.model.owners import Owner
from shared.notify.diff import Difference, differences
from shared.notify.portal import Link, portal_link
from shared.notify.wording import (
    Ending,
    Notice,
    ending_of,
    facts,
    headline,
    is_sign_in,
    next_steps,
    result,
    subject,
    what_changed,
)

LIMIT_BYTES: Final = 28_000
"""Teams takes messages of about 28 KB; Microsoft's pages don't say in which encoding, so two are kept under it."""

_LONGEST_SUMMARY: Final = 1_024
_LONGEST_LINK: Final = 1_500
_MOST_OWNERS: Final = 5
_REFERENCE: Final = "About this activity"

type Json = dict[str, Any]


class _Room(Struct, frozen=True, kw_only=True):
    """How much is told: characters of a text from the tenant, changes, members of a list, runs of one line."""

    most: int
    changes: int
    members: int
    pieces: int


_ROOMS: Final = (
    _Room(most=120, changes=10, members=6, pieces=40),
    _Room(most=80, changes=6, members=4, pieces=24),
    _Room(most=50, changes=4, members=3, pieces=12),
    _Room(most=30, changes=3, members=2, pieces=5),
    _Room(most=16, changes=1, members=1, pieces=2),
)
"""Tried in this order until a card fits; the last fits whatever the case holds."""


def card_of(case: Case, detection: AnyDetection, notice: Notice) -> Json:
    """Give the message that makes Teams show the case: the envelope with one card, below `LIMIT_BYTES`."""
    for room in _ROOMS[:-1]:
        message = _envelope(_Card(case, detection, notice, room).content())
        if size_of(message) < LIMIT_BYTES:
            return message
    return _envelope(_Card(case, detection, notice, _ROOMS[-1]).content())


def size_of(message: Json) -> int:
    """Give a message's size in bytes, in the larger of UTF-8 and UTF-16."""
    text = msgspec.json.encode(message)
    return max(len(text), len(text.decode().encode("utf-16-le")))


def _envelope(content: Json) -> Json:
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": content}]}


class _Card:
    """One attempt at a card, in the room that it is given."""

    def __init__(self, case: Case, detection: AnyDetection, notice: Notice, room: _Room) -> None:
        self.case = case
        self.detection = detection
        self.notice = notice
        self.room = room
        self.ending = ending_of(case)

    def content(self) -> Json:
        mentions = _mentions(self.notice.owners[:_MOST_OWNERS])
        sections = (self._paged(mentions), self._steps(), self._changes(), self._put_back(), self._facts())
        entities = [entity for _, entity in mentions if entity]
        return {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "lang": "en",
            "fallbackText": "Entra Responder has a case for you, but this client can't show it.",
            "msteams": {"width": "Full", **({"entities": entities} if entities else {})},
            "body": [self._top(), *(item for section in sections for item in section)],
            "actions": [{"type": "Action.OpenUrl", "title": link.title, "url": link.url} for link in self._links()],
        }

    def _top(self) -> Json:
        most = self.room.most
        said = headline(self.case, self.detection, most=most)
        about = subject(self.case, self.detection, self.notice, most=most)
        lines = [
            self._line(said, size="Large", weight="Bolder"),
            self._line(about, weight="Bolder", spacing="Small"),
            self._line(result(self.case, most=most), spacing="Small"),
        ]
        return {"type": "Container", "style": self._colour(), "bleed": True, "items": [line for line in lines if line]}

    def _colour(self) -> str:
        if self.ending is Ending.NEEDS_YOU:
            return "attention" if self.detection.risk is Risk.HIGH else "warning"
        return _COLOURS[self.ending]

    def _paged(self, mentions: "list[tuple[str, Json | None]]") -> Iterator[Json]:
        """Mention the owners; later ones are told that earlier ones didn't answer."""
        names = ", ".join(tag for tag, _ in mentions)
        again = "Nobody has answered the earlier pages. " if self.notice.place else ""
        if names or again:
            text = f"{again}Paged: {names}" if names else again.strip()
            yield {"type": "TextBlock", "text": text, "wrap": True}

    def _steps(self) -> Iterator[Json]:
        yield self._title("What to do")
        for number, step in enumerate(next_steps(self.case, self.detection, most=self.room.most), start=1):
            numbered = runs(f"{number}.", most_pieces=1, style={"weight": "Bolder"})
            yield self._block([*numbered, *self._runs(f" {step}")], spacing="Small")

    def _changes(self) -> Iterator[Json]:
        yield self._title(what_changed(self.detection))
        if not self.case.target.changes:
            yield self._line("The record doesn't say what; the case's evidence has all of it.", spacing="Small")
        verbs = _TOLD if is_sign_in(self.detection) else _DONE
        yield from self._listed(differences(self.case.target.changes, self._names()), self.room.changes, verbs)

    def _put_back(self) -> Iterator[Json]:
        """Show what was or would be put back, unless it only says the reverse of what changed."""
        found = differences(self.case.put_back, self._names())
        if found and (self.ending in _PUT_BACK_IS or not self.case.target.changes):
            yield self._title(_PUT_BACK_IS.get(self.ending, "Put back"))
            verbs = _DONE if self.ending in {Ending.PUT_BACK, Ending.ALREADY, Ending.UNPROVED} else _TO_DO
            yield from self._listed(found, max(1, self.room.changes // 2), verbs)

    def _names(self) -> Mapping[str, str]:
        actor = self.case.actor
        own = {actor.id.lower(): actor.name} if actor.id and actor.name else {}
        return {**own, **self.notice.names}

    def _listed(self, found: tuple[Difference, ...], most: int, verbs: "_Verbs") -> Iterator[Json]:
        for difference in found[:most]:
            path = runs(told(difference.path, self.room.most), most_pieces=self.room.pieces, style={"weight": "Bolder"})
            yield self._block(
                [*path, *self._runs(f": {_told_difference(difference, self.room, verbs)}")], spacing="Small"
            )
        if len(found) > most:
            yield self._line(f"… and {len(found) - most:,} more: open the case for all of them.", spacing="Small")

    def _facts(self) -> Iterator[Json]:
        yield self._title("Details")
        for label, text in facts(self.case, self.detection, self.notice, most=self.room.most):
            named = runs(label, most_pieces=1, style={"isSubtle": True})
            yield {
                "type": "ColumnSet",
                "spacing": "Small",
                "columns": [
                    {"type": "Column", "width": "80px", "items": [self._block(named)]},
                    {"type": "Column", "width": "stretch", "items": [self._block(self._runs(text))]},
                ],
            }

    def _links(self) -> list[Link]:
        own = [Link(title="Open the case", url=self.notice.case_link)] if _is_link(self.notice.case_link) else []
        portal = portal_link(self.case, self.detection.unless_actor_in)
        about = self.detection.reference
        reference = [Link(title=_REFERENCE, url=about)] if about else []
        return [*own, *([portal] if portal else []), *reference]

    def _title(self, text: str) -> Json:
        return self._line(text, weight="Bolder", spacing="Medium")

    def _line(self, text: str, *, spacing: str = "Default", **style: str) -> Json:
        return self._block(runs(text, most_pieces=self.room.pieces, style=style), spacing=spacing) if text else {}

    def _runs(self, text: str) -> list[Run]:
        return runs(text, most_pieces=self.room.pieces, style={})

    def _block(self, inlines: list[Run], *, spacing: str = "Default") -> Json:
        return {"type": "RichTextBlock", "inlines": inlines, **({} if spacing == "Default" else {"spacing": spacing})}


_COLOURS: Final[Mapping[Ending, str]] = {
    Ending.PUT_BACK: "good",
    Ending.ALREADY: "good",
    Ending.UNPROVED: "warning",
    Ending.FAILED: "attention",
    Ending.LOCKED: "attention",
    Ending.UNDER_WAY: "warning",
    Ending.GIVEN_UP: "attention",
    Ending.OBSERVED: "accent",
    Ending.RECORDED: "emphasis",
}


_PUT_BACK_IS: Final[Mapping[Ending, str]] = {
    Ending.UNPROVED: "Put back",
    Ending.FAILED: "To put back",
    Ending.LOCKED: "To put back",
    Ending.UNDER_WAY: "Put back",
    Ending.NEEDS_YOU: "To put back",
    Ending.GIVEN_UP: "To put back",
    Ending.OBSERVED: "Would have been put back",
}


class _Verbs(Struct, frozen=True, kw_only=True):
    """How a difference is told: as what was done, or as what is to be done."""

    add: str
    remove: str


_DONE: Final = _Verbs(add="added", remove="removed")
_TO_DO: Final = _Verbs(add="add", remove="remove")
_TOLD: Final = _Verbs(add="", remove="")
"""Of a sign-in: nothing was there before."""


def _told_difference(difference: Difference, room: _Room, verbs: _Verbs) -> str:
    if difference.is_of_list:
        added = f"{verbs.add} {_members(difference.added, room)}" if difference.added else ""
        removed = f"{verbs.remove} {_members(difference.removed, room)}" if difference.removed else ""
        kept = f" ({difference.kept:,} unchanged)" if difference.kept else ""
        return "; ".join(part for part in (added, removed) if part) + kept
    if difference.old is None and difference.new is None:
        return "changed, but the record has neither the old value nor the new"
    old, new = (None if text is None else quoted(text, room.most * 2) for text in (difference.old, difference.new))
    if old is None:
        return f"{verbs.add} {new}".strip()
    return f"{verbs.remove} {old}" if new is None else f"{old} → {new}"


def _members(members: tuple[str, ...], room: _Room) -> str:
    shown = ", ".join(quoted(member, room.most * 2) for member in members[: room.members])
    left = len(members) - room.members
    return f"{shown} and {left:,} more" if left > 0 else shown


def _mentions(owners: tuple[Owner, ...]) -> "list[tuple[str, Json | None]]":
    """Give for each owner the text that mentions them and its entity; None for one whom Teams couldn't find.

    Names lose all that could be markup: in a TextBlock nothing escapes it alike on every client.
    """
    found: list[tuple[str, Json | None]] = []
    for owner in owners:
        name = " ".join(re.sub(r"[^\w .,'-]|_", " ", owner.name).split())[:60].strip(" -.") or "owner"
        if any(f"<at>{name}</at>" == tag for tag, _ in found):
            name = f"{name} {len(found) + 1}"
        address = owner.object_id or owner.upn
        if not address or len(address) > 250:  # noqa: PLR2004 - longer than any user principal name
            found.append((name, None))
            continue
        tag = f"<at>{name}</at>"
        found.append((tag, {"type": "mention", "text": tag, "mentioned": {"id": told(address, 250), "name": name}}))
    return found


def _is_link(address: str) -> bool:
    return address.startswith(("https://", "http://127.0.0.1", "http://localhost")) and len(address) <= _LONGEST_LINK


def alert_of(case: Case, detection: AnyDetection, notice: Notice) -> Json:
    """Give the PagerDuty event that opens, or repeats, the alert of a case. The client adds the routing key.

    The case's id is the `dedup_key`: sending it twice makes one alert.
    """
    most = 400
    summary = plain(headline(case, detection, most=most))
    links = [{"href": notice.case_link, "text": "Open the case"}] if _is_link(notice.case_link) else []
    portal = portal_link(case, detection.unless_actor_in)
    links += [{"href": portal.url, "text": portal.title}] if portal else []
    links += [{"href": detection.reference, "text": _REFERENCE}] if detection.reference else []
    return {
        "event_action": "trigger",
        "dedup_key": told(case.id, 100),
        "payload": {
            "summary": summary if len(summary) <= _LONGEST_SUMMARY else f"{summary[: _LONGEST_SUMMARY - 1]}…",
            "source": plain(told(notice.tenant_name or case.tenant_id, most)) or "Entra ID",
            "severity": severity(case, detection.risk),
            "timestamp": case.at.isoformat(),
            "component": plain(told(case.target.name or case.target.id, most)),
            "group": detection.unless_actor_in or detection.seed_row.partition("/")[0],
            "class": detection.id,
            "custom_details": _details(case, detection, notice, most),
        },
        "links": links,
        "client": "Entra Responder",
        **({"client_url": notice.case_link} if _is_link(notice.case_link) else {}),
    }


def _details(case: Case, detection: AnyDetection, notice: Notice, most: int) -> Json:
    room = _Room(most=most, changes=20, members=20, pieces=1)
    verbs = _TOLD if is_sign_in(detection) else _DONE
    told_changes = [
        f"{told(difference.path, most)}: {_told_difference(difference, room, verbs)}"
        for difference in differences(case.target.changes, notice.names)
    ]
    left = len(told_changes) - room.changes
    more = [f"… and {left:,} more"] if left > 0 else []
    rows = facts(case, detection, notice, most=most)
    return {
        "What to do": [plain(step) for step in next_steps(case, detection, most=most)],
        what_changed(detection): [plain(change) for change in (*told_changes[: room.changes], *more)],
        **{label: plain(text) for label, text in rows},
        **({"Reference": detection.reference} if detection.reference else {}),
    }


def severity(case: Case, risk: Risk) -> str:
    """Choose PagerDuty's severity: by the risk while something is to be done, milder when it is settled."""
    match ending_of(case):
        case Ending.PUT_BACK | Ending.ALREADY:
            return "warning" if risk is Risk.HIGH else "info"
        case Ending.OBSERVED | Ending.RECORDED:
            return "info"
        case _:
            return {Risk.HIGH: "critical", Risk.MEDIUM: "error", Risk.LOW: "warning"}[risk]
