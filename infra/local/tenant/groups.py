"""What a directory keeps of groups and directory roles, and what follows from it: who is in what, by which way."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from infra.local import world
from infra.local.world import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupState:
    """A group as it stands. `members` are object ids, of groups too; the other two are of people."""

    id: str
    name: str
    is_role_assignable: bool
    members: tuple[str, ...]
    owners: tuple[str, ...]
    eligible: tuple[str, ...]


def seeded_group(group: world.Group) -> GroupState:
    """Store a group of `world`."""
    return GroupState(
        id=group.id,
        name=group.name,
        is_role_assignable=group.is_role_assignable,
        members=tuple(each.id for each in (*group.members, *group.nested)),
        owners=tuple(each.id for each in group.owners),
        eligible=tuple(each.id for each in group.eligible),
    )


def members_below(groups: Mapping[str, GroupState], group_id: str) -> list[str]:
    """List everything that is in a group, directly or through groups in it, nearest first; groups may be in a ring."""
    found: dict[str, None] = {}
    waiting = [group_id]
    while waiting:
        group = groups.get(waiting.pop(0))
        for member in group.members if group else ():
            if member not in found:
                found[member] = None
                waiting.append(member)
    return list(found)


def groups_above(groups: Mapping[str, GroupState], member_id: str) -> list[str]:
    """List the groups that something is in, directly or through others, nearest first."""
    found: dict[str, None] = {}
    waiting = [member_id]
    while waiting:
        below = waiting.pop(0)
        for group in groups_with(groups, below):
            if group not in found:
                found[group] = None
                waiting.append(group)
    return list(found)


def groups_with(groups: Mapping[str, GroupState], member_id: str) -> Iterator[str]:
    """Give the groups that something is in directly."""
    return (group.id for group in groups.values() if member_id in group.members)


def roles_of(assignments: Iterable[Json], holders: Iterable[str]) -> list[str]:
    """List the role definitions that any of `holders` has in the whole directory, each once."""
    ids = set(holders)
    held = (each for each in assignments if each["principalId"] in ids and each["directoryScopeId"] == "/")
    return list(dict.fromkeys(each["roleDefinitionId"] for each in held))
