"""All owners are told of each change of operators, and of every statement about them that was ignored."""

import hashlib
from collections.abc import Callable
from typing import Final

from shared.authority.operators import Enrolled, Operators
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.notices import SystemNotice

_PARTITION: Final = "operators"
_LOOK: Final = (
    "See with `responder operator list` whether that is right, and compare the fingerprints. If it isn't, suspend at"
    " once: `responder operator suspend ID --reason WHY --key KEY`."
)


def publish_operators(storage: Storage, operators: Operators, publish: Callable[[SystemNotice], object]) -> None:
    """Publish what changed since it was published last, each change once, and each day what was ignored.

    A change counts as published once its notice was written down. Raises EdgeError.
    """
    if operators.problems:
        text = "; ".join(operators.problems)
        publish(
            SystemNotice(
                key=f"operators ignored {_digest(text)}",
                title="A statement about operators was ignored",
                text=f"{text}. Nobody became or stayed an operator by it.",
                what_to_do="Find out who wrote it: table Operators and the app's settings are for nobody but operators."
                f" {_LOOK}",
                never_waits=True,
            )
        )
    _publish_changes(storage, operators, publish)


def _publish_changes(storage: Storage, operators: Operators, publish: Callable[[SystemNotice], object]) -> None:
    published = {row.key for row in storage.rows(Table.CURSORS, "PartitionKey eq @partition", partition=_PARTITION)}
    changes = {key: text for one in operators.enrolled.values() for key, text in _changes_of(one)}
    new = {key: text for key, text in changes.items() if key not in published}
    if not new:
        return
    publish(
        SystemNotice(
            key=f"operators changed {_digest(' '.join(sorted(new)))}",
            title="Who may act in an emergency has changed",
            text=" ".join(f"{text}." for text in new.values()),
            what_to_do=_LOOK,
            never_waits=True,
        )
    )
    for key, text in new.items():
        storage.upsert(Table.CURSORS, _PARTITION, key, {"published": text})


def _changes_of(one: Enrolled) -> list[tuple[str, str]]:
    """Give the key of each change of an operator, and its words."""
    who = f"{one.operator.name} ({one.operator.id})"
    changes = [
        (f"{one.operator.id} {one.statement[:32]}", f"{who} is an operator since {one.since:%Y-%m-%d %H:%M} UTC")
    ]
    if one.suspended_at is not None:
        suspended = f"{who} was suspended on {one.suspended_at:%Y-%m-%d %H:%M} UTC"
        changes.append((f"{one.operator.id} suspended", suspended))
    return changes


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
