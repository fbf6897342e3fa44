"""What of a group's members and owners is never written, whatever its baseline says.

A group that roles can be given to gives its members those roles, so nobody is given back to it, nor made an owner. Out
of a group that policies leave out nobody is taken through whom an emergency account or a protected principal is in it:
they would be asked for what they may not have. Into one that policies include no emergency account is put.

What can't be read is unknown, and an objection that can pass.
"""

from collections.abc import Iterable, Mapping
from typing import Final, cast

from msgspec import Struct

from responders.kinds import given_rights, principals
from responders.kinds.az_rest import GRAPH, az_rest
from responders.kinds.group_leaves import ASSIGNABLE, MEMBERS, OWNERS, RULE, is_dynamic
from responders.kinds.json_leaves import GUID
from responders.kinds.member_references import reference
from responders.rosters import (
    LIST_CA_POLICIES_WHOLE,
    LIST_DIRECTORY_ROLE_ASSIGNMENTS,
    LIST_GROUP_MEMBERS,
)
from shared.model.calls import Call, Permission, Service
from shared.model.errors import BadIdentifier, EdgeError, Rejected
from shared.model.kinds import Image
from shared.model.object_kinds import GuardFacts, Objections
from shared.model.objects import WHOLE, Objection, Op, list_of
from shared.model.privileges import GLOBAL_ADMINISTRATOR
from shared.model.tenant_api import TenantApi

LIST_GROUPS_ABOVE: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/groups/{id}/transitiveMemberOf",
    needs=(Permission.GROUP_MEMBER_READ,),
)
"""The groups that a group is in, directly and through others."""

CALLS: Final = (*principals.CALLS, LIST_CA_POLICIES_WHOLE, LIST_DIRECTORY_ROLE_ASSIGNMENTS, LIST_GROUPS_ABOVE)

_ID: Final = {"$select": "id"}
_EVERYWHERE: Final = "/"


class Around(Struct, frozen=True, kw_only=True):
    """Whom a difference reaches.

    `inside` is, by the leaf of a member that comes or goes, who is in the group by it; of a rule, who is in the group
    at present. `included_by` are the policies that include the group, or one that it is in. `others_living` says
    whether somebody else is a Global Administrator, where the group's last members might be. None is what couldn't be
    read, for the reason in `because`.
    """

    inside: Mapping[str, frozenset[str]] | None = {}
    included_by: tuple[str, ...] | None = ()
    others_living: bool | None = True
    because: str = ""


def is_assignable(group: Image | None) -> bool:
    """Whether roles of the directory can be given to a group. It is decided when the group is made, for good."""
    return (group or {}).get(ASSIGNABLE) is True


def look_around(api: TenantApi, facts: GuardFacts) -> Around:
    """Read whom a difference reaches, or a part of it that is judged by the same look."""
    if facts.op is not Op.UPDATE:
        return Around()
    moving = _moving(facts)
    try:
        inside = {leaf: _inside(api, facts, leaf) for leaf in sorted(moving)}
    except (EdgeError, BadIdentifier) as error:
        return Around(inside=None, because=str(error))
    try:
        included_by = _included_by(api, facts.object_id) if moving - facts.stands.keys() or RULE in moving else ()
    except (EdgeError, BadIdentifier) as error:
        return Around(inside=inside, included_by=None, because=str(error))
    try:
        others = _other_administrators(api, facts, moving)
    except EdgeError as error:
        return Around(inside=inside, included_by=included_by, others_living=None, because=str(error))
    living = principals.Living(answer=True) if others is None else principals.is_one_living(api, others)
    return Around(inside=inside, included_by=included_by, others_living=living.answer, because=living.because)


def _moving(facts: GuardFacts) -> frozenset[str]:
    """Give the members that come or go now, or may in another part of what is to be put back; and the rule."""
    leaves = facts.steps.keys() | (facts.stands.keys() ^ facts.baseline.keys())
    leaves |= {RULE} & facts.stands.keys() & facts.baseline.keys()
    return frozenset(leaf for leaf in leaves if list_of(leaf) == MEMBERS or leaf == RULE)


def _inside(api: TenantApi, facts: GuardFacts, leaf: str) -> frozenset[str]:
    """Give who is in a member, itself among them; of a rule, who is in the group. Hidden members can't be listed."""
    if leaf == RULE:
        return _members(api, facts.object_id)
    member = _member_of(leaf)
    return _members(api, member) | {member} if principals.is_group(api, member) else frozenset({member})


def _members(api: TenantApi, group: str) -> frozenset[str]:
    return frozenset(str(each["id"]).lower() for each in api.list(LIST_GROUP_MEMBERS, query=_ID, id=group))


def _member_of(leaf: str) -> str:
    return leaf.partition("[")[2].removesuffix("]")


def _included_by(api: TenantApi, group: str) -> tuple[str, ...]:
    """Name the policies, switched off ones too, that include the group or one that it is in."""
    above = {group.lower(), *(str(each["id"]).lower() for each in api.list(LIST_GROUPS_ABOVE, query=_ID, id=group))}
    policies = api.list(LIST_CA_POLICIES_WHOLE)
    return tuple(sorted(str(each.get("displayName") or each.get("id")) for each in policies if above & included(each)))


def included(policy: Image) -> frozenset[str]:
    """Give the ids of the groups that a policy includes; raises Rejected where it isn't as Graph writes it."""
    return _groups_of(policy, "includeGroups")


def left_out(policy: Image) -> frozenset[str]:
    """Give the ids of the groups that a policy leaves out; raises Rejected where it isn't as Graph writes it."""
    return _groups_of(policy, "excludeGroups")


def _groups_of(policy: Image, name: str) -> frozenset[str]:
    try:
        users = cast("Image", policy["conditions"].get("users") or {})
    except (KeyError, AttributeError) as error:
        raise Rejected(f"policy {str(policy.get('id'))[:80]!r} isn't as Graph writes it: {error!r}") from error
    found = frozenset(str(each).lower() for each in cast("list[object]", users.get(name) or []))
    if strange := [each for each in found if not GUID.fullmatch(each)]:
        raise Rejected(f"policy {str(policy.get('id'))[:80]!r} names a group that is no id: {strange[0][:80]!r}")
    return found


def _other_administrators(api: TenantApi, facts: GuardFacts, moving: frozenset[str]) -> list[str] | None:
    """Give who else is a Global Administrator; None where the group isn't one, or nobody is taken out of it."""
    if not moving & facts.stands.keys() or not is_assignable(facts.stands_image):
        return None
    query = {"$filter": f"roleDefinitionId eq '{GLOBAL_ADMINISTRATOR}'"}
    listed = api.list(LIST_DIRECTORY_ROLE_ASSIGNMENTS, query=query)
    held = {str(each.get("principalId")).lower() for each in listed if each.get("directoryScopeId") == _EVERYWHERE}
    if facts.object_id.lower() not in held:
        return None
    kept = {str(value) for leaf, value in facts.stands.items() if list_of(leaf) == MEMBERS and leaf not in moving}
    return sorted(kept | held - {facts.object_id.lower()})


# Judging.


def objections(facts: GuardFacts) -> Objections:
    """Object to what is never written, leaf by leaf."""
    if facts.op is not Op.UPDATE:
        return {WHOLE: _never("a group itself is neither made nor deleted")}
    group = facts.stands_image or {}
    if group.get("onPremisesSyncEnabled") is True:
        because = "the group is kept by the directory of the organisation's own servers, which would write it again"
        return {WHOLE: Objection(guard="foreign-master", because=because, can_pass=False)}
    around = cast("Around", facts.around)
    found = {leaf: _objection(facts, around, leaf, is_given=new is not None) for leaf, (_, new) in facts.steps.items()}
    return {leaf: each for leaf, each in found.items() if each is not None}


def _objection(facts: GuardFacts, around: Around, leaf: str, *, is_given: bool) -> Objection | None:
    group = facts.stands_image
    if leaf == RULE:
        return _about_rule(facts, around, is_given=is_given)
    if list_of(leaf) not in {MEMBERS, OWNERS} or (is_dynamic(group or {}) and list_of(leaf) == MEMBERS):
        return _never("whether a rule makes a group's members isn't changed")
    if is_given and (list_of(leaf) == OWNERS or is_assignable(group)):
        what = "an owner to a guarded group" if list_of(leaf) == OWNERS else "a member to a group that may hold roles"
        by_hand = adding(facts.object_id, list_of(leaf), _member_of(leaf))
        return given_rights.never_given(what, by_hand=by_hand)[WHOLE]
    if list_of(leaf) == OWNERS:
        return None
    return _let_in(facts, around, leaf) if is_given else _taken(facts, around, leaf)


def _about_rule(facts: GuardFacts, around: Around, *, is_given: bool) -> Objection | None:
    if not is_given:
        return _never("whether a rule makes a group's members isn't changed")
    return _let_in(facts, around, RULE, is_anybody=True) or _touched(facts, around, RULE)


def _let_in(facts: GuardFacts, around: Around, leaf: str, *, is_anybody: bool = False) -> Objection | None:
    """Object where an emergency account might come into a group that policies include; leaving it out harms none."""
    if around.inside is None or around.included_by is None:
        because = f"whether a policy would reach an emergency account by it could not be read: {around.because}"
        return Objection(guard="emergency-sign-in", because=because, can_pass=True)
    if not around.included_by or not (is_anybody or around.inside.get(leaf, facts.emergency) & facts.emergency):
        return None
    because = f"an emergency account would come into a group that policies include: {', '.join(around.included_by)}"
    return Objection(guard="emergency-sign-in", because=because, can_pass=True)


def _taken(facts: GuardFacts, around: Around, leaf: str) -> Objection | None:
    touched = _touched(facts, around, leaf)
    if touched is not None or around.others_living:
        return touched
    because = "the group's last members would leave it, and nobody else who is living is a Global Administrator"
    if around.others_living is None:
        because = f"whether another Global Administrator is enabled could not be read: {around.because}"
    return Objection(guard="last-holder", because=because, can_pass=True)


def _touched(facts: GuardFacts, around: Around, leaf: str) -> Objection | None:
    """Object where an emergency account or a protected principal is in the group by what goes."""
    if around.inside is None or leaf not in around.inside:
        because = f"whether an emergency account is in the group by it could not be read: {around.because}"
        return Objection(guard="emergency-account", because=because, can_pass=True)
    for guard, who, guarded in (
        ("emergency-account", "an emergency account", facts.emergency),
        ("protected-principal", "a protected principal", facts.protected),
    ):
        if hit := around.inside[leaf] & guarded:
            return Objection(guard=guard, because=f"{who} is in the group by it ({_joined(hit)})", can_pass=True)
    return None


def _joined(ids: Iterable[str]) -> str:
    return ", ".join(sorted(ids))


def _never(because: str) -> Objection:
    return Objection(guard="not-writable", because=because, can_pass=False)


# Commands for a person.


def adding(group: str, which: str, identity: str) -> str:
    """Give the command that makes somebody a member or owner of a group."""
    return az_rest("POST", f"{GRAPH}/groups/{group}/{which}/$ref", reference(identity))


def taking(group: str, which: str, identity: str) -> str:
    """Give the command that takes a member or owner out of a group.

    Without `/$ref` at its end the address would be the principal itself, which would be deleted.
    """
    return az_rest("DELETE", f"{GRAPH}/groups/{group}/{which}/{identity}/$ref")


def ruling(group: str, rule: str) -> str:
    """Give the command that sets the rule of a group."""
    return az_rest("PATCH", f"{GRAPH}/groups/{group}", {RULE: rule})
