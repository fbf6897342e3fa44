"""Reading cards in tests."""

from collections.abc import Iterator
from typing import Any

from shared.model.cases import Case
from shared.model.detections import AnyDetection
from shared.model.kinds import Json
from shared.notify.cards import card_of
from shared.notify.wording import PageContext
from tests.fakes.card_cases import CA_POLICY_UPDATED, PAGE_CONTEXT


def content(
    case: Case, detection: AnyDetection = CA_POLICY_UPDATED, page_context: PageContext = PAGE_CONTEXT
) -> dict[str, Any]:
    """The card itself."""
    return card_of(case, detection, page_context)["attachments"][0]["content"]


def walk(part: Json) -> Iterator[dict[str, Any]]:
    """Every object in it, outer ones first."""
    if isinstance(part, dict):
        yield part
        for value in part.values():
            yield from walk(value)
    elif isinstance(part, list):
        for value in part:
            yield from walk(value)


def lines(part: Json) -> list[str]:
    """The texts of its blocks, in order."""
    blocks = (block for block in walk(part) if block.get("type") in {"RichTextBlock", "TextBlock"})
    return [
        block["text"] if block["type"] == "TextBlock" else "".join(run["text"] for run in block["inlines"])
        for block in blocks
    ]


def strings(part: Json) -> list[str]:
    """Every text in it, keys apart."""
    if isinstance(part, str):
        return [part]
    values = part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
    return [text for value in values for text in strings(value)]
