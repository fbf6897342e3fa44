"""Would Teams post this? The rules for cards that come through the Workflows webhook.

The webhook says 202 with an empty body whatever it was sent: what is wrong with a card shows only by its absence from
the channel. These rules say it aloud. They are taken from Microsoft's pages "Create and send messages" (webhooks and
connectors: size, envelope, actions) and "Format cards in Teams" (mentions).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from infra.local.inbox.wire import Json, json_from, text_at

MESSAGE_LIMIT_BYTES = 28 * 1024
CARD_TYPE = "application/vnd.microsoft.card.adaptive"
LATEST_VERSION = (1, 5)
WORKING_ACTIONS = frozenset({"Action.OpenUrl", "Action.ShowCard", "Action.ToggleVisibility"})

_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})")
_MENTION = re.compile(r"<at>[^<>]+</at>")


class Rule(StrEnum):
    """Which rule kept a card from being posted."""

    TOO_LARGE = "too-large"
    NOT_JSON = "not-json"
    ENVELOPE = "envelope"
    VERSION = "version"
    ACTION = "action"
    MENTION = "mention"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why no card appears in the channel; `reason` says what is wrong and what would be right."""

    rule: Rule
    reason: str


def refusal_of(body: bytes) -> Refusal | None:
    """Find the first thing that keeps Teams from posting `body`; None when its cards would appear."""
    if len(body) > MESSAGE_LIMIT_BYTES:
        return Refusal(
            rule=Rule.TOO_LARGE,
            reason=f"The message has {len(body):,} bytes; Teams takes at most {MESSAGE_LIMIT_BYTES:,} (28 KB).",
        )
    try:
        message = json_from(body)
    except ValueError as error:
        return Refusal(rule=Rule.NOT_JSON, reason=f"The body isn't JSON: {error}.")
    return _refusal_of_message(message)


def _refusal_of_message(message: Json) -> Refusal | None:
    if text_at(message, "type") == "AdaptiveCard":
        return _envelope('This is a bare card; the flow wants it inside {"type":"message","attachments":[...]}.')
    if not isinstance(message, dict) or message.get("type") != "message":
        return _envelope('The body isn\'t {"type":"message","attachments":[...]}.')
    attachments = message.get("attachments")
    if not isinstance(attachments, list) or not attachments:
        return _envelope('The message has no attachments; the flow posts one card for each entry of "attachments".')
    refusals = (_refusal_of_attachment(attachment) for attachment in attachments)
    return next((refusal for refusal in refusals if refusal), None)


def _envelope(reason: str) -> Refusal:
    return Refusal(rule=Rule.ENVELOPE, reason=reason)


def _refusal_of_attachment(attachment: Json) -> Refusal | None:
    if text_at(attachment, "contentType") != CARD_TYPE:
        return _envelope(f'An attachment\'s "contentType" isn\'t "{CARD_TYPE}".')
    card = attachment.get("content") if isinstance(attachment, dict) else None
    if not isinstance(card, dict) or card.get("type") != "AdaptiveCard":
        return _envelope('An attachment\'s "content" isn\'t a card: it must be an object with "type":"AdaptiveCard".')
    return _refusal_of_version(card) or _refusal_of_actions(card) or _refusal_of_mentions(card)


def _refusal_of_version(card: dict[str, Json]) -> Refusal | None:
    version = text_at(card, "version")
    parts = _VERSION.fullmatch(version)
    if parts and (int(parts[1]), int(parts[2])) <= LATEST_VERSION:
        return None
    said = f'The card says version "{version}"' if version else "The card has no version"
    return Refusal(rule=Rule.VERSION, reason=f'{said}; Teams renders "1.5" and below.')


def _refusal_of_actions(card: dict[str, Json]) -> Refusal | None:
    kinds = {text_at(part, "type") for part in _objects_in(card)}
    broken = sorted(kind for kind in kinds if kind.startswith("Action.") and kind not in WORKING_ACTIONS)
    if not broken:
        return None
    works = ", ".join(sorted(WORKING_ACTIONS))
    return Refusal(rule=Rule.ACTION, reason=f"{broken[0]} doesn't work in a webhook card; what does: {works}.")


def _refusal_of_mentions(card: dict[str, Json]) -> Refusal | None:
    teams = card.get("msteams")
    entities = teams.get("entities") if isinstance(teams, dict) else None
    if not isinstance(entities, list):
        return None
    texts = tuple(_texts_in(card))
    for entity in entities:
        if text_at(entity, "type") == "mention" and (wrong := _wrong_with_mention(entity, texts)):
            return Refusal(rule=Rule.MENTION, reason=wrong)
    return None


def _wrong_with_mention(entity: Json, texts: tuple[str, ...]) -> str:
    """Say what is wrong with one mention entity; "" when Teams can show it."""
    text = text_at(entity, "text")
    mentioned = entity.get("mentioned") if isinstance(entity, dict) else None
    if not _MENTION.fullmatch(text):
        return f'A mention\'s "text" is "{text}"; it must read "<at>Name</at>".'
    if not text_at(mentioned, "id") or not text_at(mentioned, "name"):
        return f'The mention {text} lacks "mentioned": {{"id": user principal name or object id, "name": ...}}.'
    if not any(text in shown for shown in texts):
        return f"The mention {text} stands in no TextBlock or FactSet of the card."
    return ""


def _texts_in(card: dict[str, Json]) -> Iterator[str]:
    """Give the texts in which Teams looks for mentions."""
    for part in _objects_in(card):
        if text_at(part, "type") == "TextBlock":
            yield text_at(part, "text")
        facts = part.get("facts")
        for fact in facts if isinstance(facts, list) else ():
            yield text_at(fact, "title")
            yield text_at(fact, "value")


def _objects_in(card: dict[str, Json]) -> Iterator[dict[str, Json]]:
    """Give every object of the card's own tree, what `msteams` holds left out."""
    waiting: list[Json] = [{key: value for key, value in card.items() if key != "msteams"}]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
