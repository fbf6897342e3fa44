"""The row of a case in table `Cases`: the case as JSON, small enough for a column, and the columns that queries use."""

import hashlib
from datetime import UTC
from typing import Any, Final

import msgspec

from shared.clients.storage import Row
from shared.model.cases import Case
from shared.model.events import Actor, Change, Target

_ROW_LIMITS: Final = ((2_000, 20), (400, 20), (60, 10))
"""Characters of a text and number of changes that are stored; the first pair whose row is small enough is used."""

_LARGEST_COLUMN: Final = 60_000
"""Bytes in UTF-16; a table's column takes 64 KiB."""

_LONGEST_ID: Final = 600
"""Characters; the longest ids are those of Azure resources."""


def columns_of(case: Case) -> dict[str, Any]:
    """Give a row's columns: the case as JSON without the target's changes, and the columns that queries filter on."""
    return {
        "case": _json(case),
        "open": case.is_open,
        "state": case.state.value,
        "target_id": stored_id(case.target.id).lower(),
        "detection": case.detection,
        "actor_id": stored_id(case.actor.id),
        "decision": case.decision.value,
        "outcome": case.outcome.value,
        "at": case.at.astimezone(UTC).isoformat(),
    }


def _json(case: Case) -> str:
    """Write a case as JSON that fits into a column, however long the tenant's texts are."""
    text = ""
    for max_length, max_changes in _ROW_LIMITS:
        text = msgspec.json.encode(_short_case(case, max_length, max_changes)).decode()
        if len(text.encode("utf-16-le")) <= _LARGEST_COLUMN:
            break
    return text


def _short_case(case: Case, max_length: int, max_changes: int) -> Case:
    texts = ("standing_because", "because", "would", "summary", "proof", "by_hand", "acknowledged_by")
    put_back = tuple(
        Change(
            name=shortened(change.name, max_length),
            old=None if change.old is None else shortened(change.old, max_length),
            new=None if change.new is None else shortened(change.new, max_length),
        )
        for change in case.put_back[:max_changes]
    )
    remarks = tuple(
        msgspec.structs.replace(one, text=shortened(one.text, max_length)) for one in case.remarks[-max_changes:]
    )
    ids = {name: stored_id(getattr(case, name)) for name in ("correlation_id", "event_id")}
    actor, target = case.actor, case.target
    return msgspec.structs.replace(
        case,
        **ids,
        **{name: shortened(getattr(case, name), max_length) for name in texts},
        put_back=put_back,
        remarks=remarks,
        target=Target(
            id=stored_id(target.id), name=shortened(target.name, max_length), kind=shortened(target.kind, max_length)
        ),
        actor=Actor(
            id=stored_id(actor.id),
            name=shortened(actor.name, max_length),
            kind=actor.kind,
            address=shortened(actor.address, max_length),
        ),
    )


def stored_id(text: str) -> str:
    """Give an id as a row holds it: a hash where no real id is so long or has such characters.

    The hash begins with "#". Storage and the approvals reject such an id instead of looking it up, so it never counts
    as an id without an approval.
    """
    if len(text) <= _LONGEST_ID and text.isprintable():
        return text
    return "#" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def case_from(row: Row) -> Case:
    """Read a row back."""
    return msgspec.json.decode(row.columns["case"], type=Case)


def shortened(text: str, most: int) -> str:
    """Shorten a text, and replace lone surrogates, which JSON can't hold, by U+FFFD."""
    short = text if len(text) <= most else text[: most - 1] + "…"
    return short.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
