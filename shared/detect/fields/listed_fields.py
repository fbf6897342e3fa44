"""Fields of an audit event that hold several values, as one text each: every value on a line of its own, folded.

A text begins and ends with a line break and holds no other break than those between values, since folding makes each
space in a value a blank. So whether one of the values *is*, begins with, ends with or holds something is, exactly,
whether the text holds it with a break before it, after it, both or neither. Without any value the text is "".
"""

from collections.abc import Iterable, Iterator

from shared.model.events import AuditEvent, Change, fold, fold_whole


def listed(values: Iterable[str]) -> str:
    """Write values as the one text. Empty ones are left out."""
    kept = [folded for value in values if (folded := fold_whole(value))]
    return "\n{}\n".format("\n".join(kept)) if kept else ""


def target_ids(event: AuditEvent) -> str:
    """Give the ids of all targets."""
    return listed(target.id for target in event.targets)


def target_names(event: AuditEvent) -> str:
    """Give the names of all targets: labels that anybody can choose."""
    return listed(target.name for target in event.targets)


def target_upns(event: AuditEvent) -> str:
    """Give the user principal names of all targets that are users."""
    return listed(target.upn for target in event.targets)


def target_kinds(event: AuditEvent) -> str:
    """Give what kinds of object the targets are."""
    return listed(target.kind for target in event.targets)


def changed_properties(event: AuditEvent) -> str:
    """Give the names of the modified properties."""
    return listed(change.name for change in _changes(event))


def old_values(event: AuditEvent) -> str:
    """Give what the modified properties were."""
    return listed(change.old or "" for change in _changes(event))


def new_values(event: AuditEvent) -> str:
    """Give what the modified properties are now."""
    return listed(change.new or "" for change in _changes(event))


def set_properties(event: AuditEvent) -> str:
    """Give each modified property with what it is now, as `name=value`."""
    return listed(f"{fold(change.name)}={change.new}" for change in _changes(event) if change.name and change.new)


def details(event: AuditEvent) -> str:
    """Give the additional details, each as `key=value`."""
    return listed(f"{key}={value}" for key, value in event.details.items() if value)


def _changes(event: AuditEvent) -> Iterator[Change]:
    for target in event.targets:
        yield from target.changes
