"""Posts as a sender makes them, saying only what a test is about."""

from collections.abc import Sequence

from infra.local.inbox.wire import Json

type JsonObject = dict[str, Json]


def text_block(text: str) -> JsonObject:
    return {"type": "TextBlock", "text": text, "wrap": True}


def card(*body: Json, actions: Sequence[Json] = (), **more: Json) -> JsonObject:
    return {"type": "AdaptiveCard", "version": "1.4", "body": list(body), "actions": list(actions), **more}


def message(*cards: Json) -> JsonObject:
    """The envelope the Workflows template wants."""
    return {
        "type": "message",
        "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
            for content in cards
        ],
    }


def mentioning(name: str) -> JsonObject:
    """The `msteams` part that makes `<at>name</at>` a mention."""
    mentioned: JsonObject = {"id": "anna@contoso.com", "name": name}
    return {"entities": [{"type": "mention", "text": f"<at>{name}</at>", "mentioned": mentioned}]}


def event(routing_key: str, *, action: str = "trigger", dedup_key: str = "case-1", **payload: Json) -> JsonObject:
    """A PagerDuty event; `payload` replaces fields of a good one, None takes a field away."""
    fields: JsonObject = {
        "summary": "Break-glass account signed in",
        "source": "contoso.onmicrosoft.com",
        "severity": "critical",
    }
    fields = {name: value for name, value in (fields | payload).items() if value is not None}
    return {"routing_key": routing_key, "event_action": action, "dedup_key": dedup_key, "payload": fields}
