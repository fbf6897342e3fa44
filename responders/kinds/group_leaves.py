"""Members, owners and the dynamic rule of a group as leaves, and what records say of them.

A record of Core Directory tells of one member or owner, who is its first target; the group is in that one's properties.
Of a rule it has the old and the new one, as lists of one text.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, cast

import msgspec

from responders.kinds.given_rights import tells_of_directory, value_in
from responders.kinds.json_leaves import GUID, member
from shared.model.events import AuditEvent, Event, Target, fold
from shared.model.kinds import Image, Json
from shared.model.object_kinds import LeafRules
from shared.model.objects import EXISTS, Leaves, Op, Recorded, Step, list_of

MEMBERS: Final = "members"
OWNERS: Final = "owners"
RULE: Final = "membershipRule"
ASSIGNABLE: Final = "isAssignableToRole"
DYNAMIC: Final = "DynamicMembership"

_ADDED: Final[Mapping[str, str]] = {"add member to group": MEMBERS, "add owner to group": OWNERS}
_REMOVED: Final[Mapping[str, str]] = {"remove member from group": MEMBERS, "remove owner from group": OWNERS}
_OWNED_OTHERWISE: Final = "set group to be managed by user"
"""How its record is made up isn't documented, so it tells which group it is about, and no more."""

_UPDATED: Final = "update group"
ACTIVITIES: Final = frozenset({*_ADDED, *_REMOVED, _OWNED_OTHERWISE, _UPDATED})

_GROUP_IN_LOG: Final = "group.objectid"
_NAME_IN_LOG: Final = "group.displayname"
_RULE_IN_LOG: Final = "membershiprule"

RULES: Final = LeafRules(
    same=lambda leaf, one, other: (one is None) is (other is None) and (bool(list_of(leaf)) or one == other),
    is_joint=lambda leaf: leaf == EXISTS,
)


def is_dynamic(group: Image) -> bool:
    """Whether a rule makes the members, so that nobody adds or takes one."""
    return DYNAMIC in cast("list[object]", group.get("groupTypes") or [])


def leaves(group: Image) -> dict[str, Json]:
    """Split a group into members and owners; one with a rule into owners and the rule."""
    found: dict[str, Json] = {EXISTS: True} | dict(_of(OWNERS, group))
    if is_dynamic(group):
        return found | {RULE: str(group.get(RULE) or "")}
    return found | dict(_of(MEMBERS, group))


def _of(which: str, group: Image) -> Iterator[tuple[str, Json]]:
    for each in cast("list[object]", group.get(which) or []):
        yield member(which, str(each)), str(each).lower()


def loses(before: Leaves, after: Leaves) -> frozenset[str]:
    """Give who is no longer in the group, or no longer owns it."""
    return frozenset(str(value) for leaf, value in before.items() if list_of(leaf) and leaf not in after)


def gains(before: Leaves, after: Leaves) -> frozenset[str]:
    """Give who becomes a member or owner."""
    return loses(after, before)


# What records say.


def recorded(event: Event) -> tuple[Recorded, ...]:
    """Say whom a record added to a group or removed from it, or how it changed the rule."""
    if not tells_of_directory(event):
        return ()
    activity = fold(event.activity)
    if activity == _UPDATED:
        return _rule_changed(event)
    if activity not in ACTIVITIES:
        return ()
    group, name, people = _group_of(event.targets)
    if GUID.fullmatch(group) is None:
        return ()
    which = _ADDED.get(activity) or _REMOVED.get(activity, "")
    known = [each for each in people if which and GUID.fullmatch(each)]
    wrote = {member(which, each): _step(each.lower(), is_added=activity in _ADDED) for each in known}
    is_whole = bool(known) and len(known) == len(people)
    return (Recorded(object_id=group, name=name or group, op=Op.UPDATE, wrote=wrote, is_whole=is_whole),)


def _step(identity: str, *, is_added: bool) -> Step:
    return (None, identity) if is_added else (identity, None)


def _group_of(targets: Iterable[Target]) -> tuple[str, str, list[str]]:
    """Give a group's id and name, and who came or went: a property names the group, else it is a target by itself.

    Where two targets are groups and no property says which one the other came into, neither is taken.
    """
    several = [*targets]
    named = [each for each in several if value_in(each, _GROUP_IN_LOG)]
    groups = {value_in(each, _GROUP_IN_LOG).lower() for each in named}
    if len(groups) == 1:
        return groups.pop(), value_in(named[0], _NAME_IN_LOG), [each.id for each in named]
    others = [each for each in several if fold(each.kind) == "group"]
    if groups or len(others) != 1:
        return "", "", []
    return others[0].id.lower(), others[0].name, [each.id for each in several if each is not others[0]]


def _rule_changed(event: AuditEvent) -> tuple[Recorded, ...]:
    """Say how a rule was changed; nothing of a record of other properties."""
    change = next((each for each in event.target.changes if fold(each.name) == _RULE_IN_LOG), None)
    group = event.target.id.lower()
    if change is None or GUID.fullmatch(group) is None:
        return ()
    old, new = _rule(change.old), _rule(change.new)
    name = event.target.name or group
    if old is None or new is None:
        return (Recorded(object_id=group, name=name, op=Op.UPDATE, wrote={}, is_whole=False),)
    return (Recorded(object_id=group, name=name, op=Op.UPDATE, wrote={RULE: (old, new)}, is_whole=True),)


def _rule(text: str | None) -> str | None:
    """Read a rule from a record; None where there is none, so that the group was or became one without a rule."""
    try:
        said = msgspec.json.decode(text or "null")
    except msgspec.DecodeError:
        return None
    rules = cast("list[object]", said) if isinstance(said, list) else [said]
    return rules[0] if len(rules) == 1 and isinstance(rules[0], str) and rules[0] else None
