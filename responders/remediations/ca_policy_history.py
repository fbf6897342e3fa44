"""Reads from audit records how a conditional access policy was before and after each change.

A record carries the whole policy twice, as JSON in a text that the service may have cut off. It may also spell names as
.NET does (`DisplayName`): that is tolerated where values are compared, never where they are written.
"""

from collections.abc import Sequence
from typing import Final, cast

import msgspec
from msgspec import Struct

from responders.remediations.ca_policy_json import STATES, are_same, differing
from shared.model.events import fold
from shared.model.kinds import Image, Json
from shared.model.remediations import EarlierCase

_CHANGE: Final = "conditionalaccesspolicy"


class RecordedPolicy(Struct, frozen=True, kw_only=True):
    """A policy as a record or a snapshot has it, by Graph's names; `may_be_written` if all is in Graph's spelling."""

    image: Image
    may_be_written: bool


class History(Struct, frozen=True, kw_only=True):
    """What the unapproved changes did, property by property.

    `before` is the policy before the first of them, `originals` each property that they touched as it was before, and
    `left_as` the values that they gave it. `is_complete` is False when a record doesn't say what it changed.
    """

    before: RecordedPolicy | None
    originals: dict[str, RecordedPolicy] = {}
    left_as: dict[str, list[Json]] = {}
    is_complete: bool = True

    def explains(self, name: str, value: Json) -> bool:
        """Say whether an unapproved actor gave the property `name` this value."""
        return any(are_same(value, each, name=name) for each in self.left_as.get(name, ()))


def history_of(run: Sequence[EarlierCase], baseline: Image | None) -> History:
    """Read the records of `run`, oldest first; `baseline` is the policy before them, from a snapshot."""
    snapshot = RecordedPolicy(image=baseline, may_be_written=True) if baseline is not None else None
    first = _before(run[0]) if run else None
    originals: dict[str, RecordedPolicy] = {}
    left_as: dict[str, list[Json]] = {}
    is_complete = True
    for place, case in enumerate(run):
        before, after = _before(case) or (snapshot if place == 0 else None), _after(case)
        if before is None or after is None:
            is_complete = False
            continue
        for name in differing(before.image, after.image):
            originals.setdefault(name, before)
            left_as.setdefault(name, []).append(after.image.get(name))
    return History(before=first or snapshot, originals=originals, left_as=left_as, is_complete=is_complete)


def touched(case: EarlierCase, name: str) -> bool:
    """Say whether a change may have touched the property `name`: yes, too, when its record doesn't say."""
    before, after = _before(case), _after(case)
    return before is None or after is None or name in differing(before.image, after.image)


def recorded_policies(case: EarlierCase) -> tuple[RecordedPolicy | None, RecordedPolicy | None]:
    """Give the policy before and after a change, each None where its record doesn't say."""
    return _before(case), _after(case)


def _before(case: EarlierCase) -> RecordedPolicy | None:
    return next((policy_from(change.old) for change in case.changes if fold(change.name) == _CHANGE), None)


def _after(case: EarlierCase) -> RecordedPolicy | None:
    return next((policy_from(change.new) for change in case.changes if fold(change.name) == _CHANGE), None)


def policy_from(text: str | None) -> RecordedPolicy | None:
    """Read a policy from a record's text; None when there is none or the text was cut off."""
    try:
        image = msgspec.json.decode(text or "")
    except msgspec.DecodeError:
        return None
    if not isinstance(image, dict):
        return None
    as_said = cast("Image", image)
    named = cast("Image", _with_graph_names(as_said))
    in_graph_words = "state" not in named or named["state"] in STATES
    return RecordedPolicy(image=named, may_be_written=named == as_said and in_graph_words)


def _with_graph_names(value: Json) -> Json:
    if isinstance(value, dict):
        return {f"{name[:1].lower()}{name[1:]}": _with_graph_names(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_with_graph_names(part) for part in value]
    return value
