"""Builds the messages about a case: the Adaptive Card for Teams and the event for PagerDuty. Pure functions.

All texts are in `RichTextBlock`s, whose runs don't interpret markdown (see `shared.model.escape`). The one `TextBlock`,
which does, mentions the owners, because Teams supports mentions only there. The cards use Adaptive Cards 1.4 or older,
and their only action is to open an address.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.model.bilingual import ENGLISH, Words
from shared.model.cases import Case
from shared.model.detections import AnyDetection
from shared.model.escape import Run, quoted, runs, shown, unlinked
from shared.model.kinds import Risk
from shared.model.notices import Owner
from shared.notify.diff import Difference, diff_of
from shared.notify.endings import Ending, ending_of
from shared.notify.facts import facts
from shared.notify.next_steps import next_steps
from shared.notify.portal import Link, portal_link
from shared.notify.wording import PageContext, headline, is_sign_in, result, subject, what_changed

LIMIT_BYTES: Final = 28_000
"""Teams accepts messages of about 28 KB. Microsoft doesn't say in which encoding, so UTF-8 and UTF-16 are measured."""

_LONGEST_SUMMARY: Final = 1_024
_LONGEST_LINK: Final = 1_500
_MOST_OWNERS: Final = 5
_REFERENCE: Final = "About this activity"

type Json = dict[str, Any]


class _Limits(Struct, frozen=True, kw_only=True):
    """How much a card shows: characters of each tenant text, changes, members of a list, TextRuns of a line."""

    max_length: int
    changes: int
    members: int
    runs: int


_LIMITS: Final = (
    _Limits(max_length=120, changes=10, members=6, runs=40),
    _Limits(max_length=80, changes=6, members=4, runs=24),
    _Limits(max_length=50, changes=4, members=3, runs=12),
    _Limits(max_length=30, changes=3, members=2, runs=5),
    _Limits(max_length=16, changes=1, members=1, runs=2),
)
"""From generous to strict. The first whose card is small enough is used; the last always is."""


def card_of(case: Case, detection: AnyDetection, page_context: PageContext) -> Json:
    """Build the Teams message about a case: an envelope with one card, smaller than `LIMIT_BYTES`."""
    for limits in _LIMITS[:-1]:
        message = _Card(case, detection, page_context, limits).message()
        if size_of(message) < LIMIT_BYTES:
            return message
    return _Card(case, detection, page_context, _LIMITS[-1]).message()


def size_of(message: Json) -> int:
    """Give a message's size in bytes, in the larger of UTF-8 and UTF-16."""
    text = msgspec.json.encode(message)
    return max(len(text), len(text.decode().encode("utf-16-le")))


_CANT_BE_SHOWN: Final = Words(
    en="Entra Responder has a message for you, but this client can't show it.",
    ko="Entra Responder의 알림이 있지만 이 앱에서는 표시할 수 없습니다.",
)
_NOT_ACKNOWLEDGED: Final = Words(
    en="Nobody has acknowledged the earlier pages.", ko="앞선 호출은 아무도 확인하지 않았습니다."
)
AGAIN: Final = Words(en="Sent again: it may have reached you already.", ko="다시 보냅니다. 이미 받으셨을 수 있습니다.")
_PAGED: Final = Words(en="Paged: ", ko="호출 대상: ")


def envelope(
    body: Iterable[Json], actions: Iterable[Json], *, owners: tuple[Owner, ...] = (), language: str = ENGLISH
) -> Json:
    """Build the Teams message with one card in a language, in which these owners can be mentioned."""
    entities = [entity for _, entity in _mentions(owners[:_MOST_OWNERS]) if entity]
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "lang": language,
        "fallbackText": _CANT_BE_SHOWN.in_language(language),
        "msteams": {"width": "Full", **({"entities": entities} if entities else {})},
        "body": list(body),
        "actions": list(actions),
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": content}]}


def paged_line(
    owners: tuple[Owner, ...], place: int, *, is_again: bool = False, language: str = ENGLISH
) -> Iterator[Json]:
    """Mention the owners, and say when the `place` owners paged before them didn't answer.

    `is_again`: it is said first that the message may have come already.
    """
    names = ", ".join(tag for tag, _ in _mentions(owners[:_MOST_OWNERS]))
    parts = (
        AGAIN.in_language(language) if is_again else "",
        _NOT_ACKNOWLEDGED.in_language(language) if place else "",
        f"{_PAGED.in_language(language)}{names}" if names else "",
    )
    if any(parts):
        yield {"type": "TextBlock", "text": " ".join(filter(None, parts)), "wrap": True}


class _Card:
    """Builds a card within the given limits."""

    def __init__(self, case: Case, detection: AnyDetection, page_context: PageContext, limits: _Limits) -> None:
        self.case = case
        self.detection = detection
        self.page_context = page_context
        self.limits = limits
        self.ending = ending_of(case)

    def message(self) -> Json:
        owners = self.page_context.owners
        paged = paged_line(owners, self.page_context.place, is_again=self.page_context.is_again)
        sections = (paged, self._steps(), self._changes(), self._put_back(), self._facts())
        return envelope(
            [self._top(), *(item for section in sections for item in section)],
            [{"type": "Action.OpenUrl", "title": link.title, "url": link.url} for link in self._links()],
            owners=owners,
        )

    def _top(self) -> Json:
        max_length = self.limits.max_length
        said = headline(self.case, self.detection, max_length=max_length)
        about = subject(self.case, self.detection, self.page_context, max_length=max_length)
        lines = [
            self._line(said, size="Large", weight="Bolder"),
            self._line(about, weight="Bolder", spacing="Small"),
            self._line(result(self.case, max_length=max_length), spacing="Small"),
        ]
        return {"type": "Container", "style": self._colour(), "bleed": True, "items": [line for line in lines if line]}

    def _colour(self) -> str:
        if self.ending is Ending.NEEDS_YOU:
            return "attention" if self.detection.risk.at_most(self.case.at_most) is Risk.HIGH else "warning"
        return _COLOURS[self.ending]

    def _steps(self) -> Iterator[Json]:
        yield self._title("What to do")
        for number, step in enumerate(
            next_steps(self.case, self.detection, max_length=self.limits.max_length), start=1
        ):
            numbered = runs(f"{number}.", max_runs=1, style={"weight": "Bolder"})
            yield self._block([*numbered, *self._runs(f" {step}")], spacing="Small")

    def _changes(self) -> Iterator[Json]:
        yield self._title(what_changed(self.detection))
        if not self.case.target.changes:
            yield self._line("The record lists no changes. Open the case to see the whole record.", spacing="Small")
        verbs = _NO_VERBS if is_sign_in(self.detection) else _DONE
        yield from self._listed(diff_of(self.case.target.changes, self._names()), self.limits.changes, verbs)

    def _put_back(self) -> Iterator[Json]:
        """List what was or would be put back, unless that is only the reverse of the changes listed above."""
        found = diff_of(self.case.put_back, self._names())
        if found and (self.ending in _PUT_BACK_IS or not self.case.target.changes):
            yield self._title(_PUT_BACK_IS.get(self.ending, "Put back"))
            verbs = _DONE if self.ending in {Ending.PUT_BACK, Ending.ALREADY, Ending.UNPROVED} else _TO_DO
            yield from self._listed(found, max(1, self.limits.changes // 2), verbs)

    def _names(self) -> Mapping[str, str]:
        actor = self.case.actor
        own = {actor.id.lower(): actor.name} if actor.id and actor.name else {}
        return {**own, **self.page_context.names}

    def _listed(self, found: tuple[Difference, ...], max_length: int, verbs: "_Verbs") -> Iterator[Json]:
        for difference in found[:max_length]:
            path = runs(
                shown(difference.path, self.limits.max_length), max_runs=self.limits.runs, style={"weight": "Bolder"}
            )
            yield self._block(
                [*path, *self._runs(f": {_difference_text(difference, self.limits, verbs)}")], spacing="Small"
            )
        if len(found) > max_length:
            yield self._line(f"… and {len(found) - max_length:,} more: open the case for all of them.", spacing="Small")

    def _facts(self) -> Iterator[Json]:
        yield self._title("Details")
        for label, text in facts(self.case, self.detection, self.page_context, max_length=self.limits.max_length):
            named = runs(label, max_runs=1, style={"isSubtle": True})
            yield {
                "type": "ColumnSet",
                "spacing": "Small",
                "columns": [
                    {"type": "Column", "width": "80px", "items": [self._block(named)]},
                    {"type": "Column", "width": "stretch", "items": [self._block(self._runs(text))]},
                ],
            }

    def _links(self) -> list[Link]:
        own = (
            [Link(title="Open the case", url=self.page_context.case_link)]
            if is_link(self.page_context.case_link)
            else []
        )
        portal = portal_link(self.case, self.detection.unless_actor_in)
        about = self.detection.reference
        reference = [Link(title=_REFERENCE, url=about)] if about else []
        return [*own, *([portal] if portal else []), *reference]

    def _title(self, text: str) -> Json:
        return self._line(text, weight="Bolder", spacing="Medium")

    def _line(self, text: str, *, spacing: str = "Default", **style: str) -> Json:
        return self._block(runs(text, max_runs=self.limits.runs, style=style), spacing=spacing) if text else {}

    def _runs(self, text: str) -> list[Run]:
        return runs(text, max_runs=self.limits.runs, style={})

    def _block(self, inlines: list[Run], *, spacing: str = "Default") -> Json:
        return {"type": "RichTextBlock", "inlines": inlines, **({} if spacing == "Default" else {"spacing": spacing})}


_COLOURS: Final[Mapping[Ending, str]] = {
    Ending.PUT_BACK: "good",
    Ending.ALREADY: "good",
    Ending.UNPROVED: "warning",
    Ending.FAILED: "attention",
    Ending.PENDING: "attention",
    Ending.UNDER_WAY: "warning",
    Ending.GIVEN_UP: "attention",
    Ending.OBSERVED: "accent",
    Ending.RECORDED: "emphasis",
}


_PUT_BACK_IS: Final[Mapping[Ending, str]] = {
    Ending.UNPROVED: "Put back",
    Ending.FAILED: "To put back",
    Ending.PENDING: "To put back",
    Ending.UNDER_WAY: "Put back",
    Ending.NEEDS_YOU: "To put back",
    Ending.GIVEN_UP: "To put back",
    Ending.OBSERVED: "Would have been put back",
}


class _Verbs(Struct, frozen=True, kw_only=True):
    """The verbs for members of a list: what was done to them, or what is to be done."""

    add: str
    remove: str


_DONE: Final = _Verbs(add="added", remove="removed")
_TO_DO: Final = _Verbs(add="add", remove="remove")
_NO_VERBS: Final = _Verbs(add="", remove="")
"""For sign-ins, whose values have no earlier state."""


def _difference_text(difference: Difference, limits: _Limits, verbs: _Verbs) -> str:
    if difference.is_of_list:
        added = f"{verbs.add} {_members(difference.added, limits)}" if difference.added else ""
        removed = f"{verbs.remove} {_members(difference.removed, limits)}" if difference.removed else ""
        kept = f" ({difference.kept:,} unchanged)" if difference.kept else ""
        return "; ".join(part for part in (added, removed) if part) + kept
    if difference.old is None and difference.new is None:
        return "changed, but the record has neither the old nor the new value"
    old, new = (
        None if text is None else quoted(text, limits.max_length * 2) for text in (difference.old, difference.new)
    )
    if old is None:
        return f"{verbs.add} {new}".strip()
    return f"{verbs.remove} {old}" if new is None else f"{old} → {new}"


def _members(members: tuple[str, ...], limits: _Limits) -> str:
    listed = ", ".join(quoted(member, limits.max_length * 2) for member in members[: limits.members])
    left = len(members) - limits.members
    return f"{listed} and {left:,} more" if left > 0 else listed


def _mentions(owners: tuple[Owner, ...]) -> "list[tuple[str, Json | None]]":
    """Give for each owner the text and the entity of a mention; without an id or a UPN the entity is None.

    All characters that could be markup are removed from the names: no escape works in a TextBlock on every client.
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
        found.append((tag, {"type": "mention", "text": tag, "mentioned": {"id": shown(address, 250), "name": name}}))
    return found


def is_link(address: str) -> bool:
    """Say whether an address can be opened from a message."""
    return address.startswith(("https://", "http://127.0.0.1", "http://localhost")) and len(address) <= _LONGEST_LINK


def alert_of(case: Case, detection: AnyDetection, page_context: PageContext, *, key: str = "") -> Json:
    """Build the PagerDuty event that opens the alert of a case. The client adds the routing key.

    Events with the same `key` (by default the case's id) make one alert.
    """
    max_length = 400
    summary = unlinked(headline(case, detection, max_length=max_length))
    links = [{"href": page_context.case_link, "text": "Open the case"}] if is_link(page_context.case_link) else []
    portal = portal_link(case, detection.unless_actor_in)
    links += [{"href": portal.url, "text": portal.title}] if portal else []
    links += [{"href": detection.reference, "text": _REFERENCE}] if detection.reference else []
    return {
        "event_action": "trigger",
        "dedup_key": shown(key or case.id, 100),
        "payload": {
            "summary": summary if len(summary) <= _LONGEST_SUMMARY else f"{summary[: _LONGEST_SUMMARY - 1]}…",
            "source": unlinked(shown(page_context.tenant_name or case.tenant_id, max_length)) or "Entra ID",
            "severity": severity(case, detection.risk.at_most(case.at_most)),
            "timestamp": case.at.isoformat(),
            "component": unlinked(shown(case.target.name or case.target.id, max_length)),
            "group": detection.unless_actor_in or detection.seed_row.partition("/")[0],
            "class": detection.id,
            "custom_details": _details(case, detection, page_context, max_length),
        },
        "links": links,
        "client": "Entra Responder",
        **({"client_url": page_context.case_link} if is_link(page_context.case_link) else {}),
    }


def _details(case: Case, detection: AnyDetection, page_context: PageContext, max_length: int) -> Json:
    limits = _Limits(max_length=max_length, changes=20, members=20, runs=1)
    verbs = _NO_VERBS if is_sign_in(detection) else _DONE
    lines = [
        f"{shown(difference.path, max_length)}: {_difference_text(difference, limits, verbs)}"
        for difference in diff_of(case.target.changes, page_context.names)
    ]
    left = len(lines) - limits.changes
    more = [f"… and {left:,} more"] if left > 0 else []
    rows = facts(case, detection, page_context, max_length=max_length)
    return {
        "What to do": [unlinked(step) for step in next_steps(case, detection, max_length=max_length)],
        what_changed(detection): [unlinked(change) for change in (*lines[: limits.changes], *more)],
        **{label: unlinked(text) for label, text in rows},
        **({"Reference": detection.reference} if detection.reference else {}),
    }


def severity(case: Case, risk: Risk) -> str:
    """Choose PagerDuty's severity: by the risk while a person has to act, lower when the change was put back."""
    match ending_of(case):
        case Ending.PUT_BACK | Ending.ALREADY:
            return "warning" if risk is Risk.HIGH else "info"
        case Ending.OBSERVED | Ending.RECORDED:
            return "info"
        case _:
            return {Risk.HIGH: "critical", Risk.MEDIUM: "error", Risk.LOW: "warning"}[risk]
