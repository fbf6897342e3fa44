"""Members and owners of guarded groups: those that roles can be given to, and those that policies leave out.

Whoever becomes a member of such a group holds its roles, or is asked for nothing that the policy asks of others, and no
role and no policy was changed. An owner can make himself a member. In a group with a rule, the rule decides that.

A group is guarded as long as roles can be given to it, or a policy leaves it out, a switched off one too. One that is
guarded from now on is first seen as it stands; one that no longer is, is looked at no more. While that can't be read
nothing is written. A group within a guarded group isn't looked into: its members come and go without a record of the
outer one.

Members are taken out of both kinds of group; into a group that roles can be given to nobody is ever put. Every write
takes a permission with which one can have what any group has, so no tier has it: whoever wants that unasked grants it
by hand, else the page has the command.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from responders.kinds import directory_pim, graph_stamps, group_guards, member_references, principals
from responders.kinds.conditional_access_lane import lane
from responders.kinds.group_guards import is_assignable, left_out
from responders.kinds.group_leaves import (
    ACTIVITIES,
    ASSIGNABLE,
    MEMBERS,
    OWNERS,
    RULE,
    RULES,
    gains,
    is_dynamic,
    leaves,
    loses,
    recorded,
)
from responders.left_out import LIST_DIRECT_MEMBERS
from responders.rosters import LIST_CA_POLICIES_WHOLE, LIST_GROUP_OWNERS, LIST_GROUPS
from shared.model.calls import Call, Permission, Service
from shared.model.errors import DoneAlready, Refused, Rejected
from shared.model.events import Log
from shared.model.kinds import Image, ObjectKind, TenantKind
from shared.model.object_kinds import Confirmation, Kind, Write
from shared.model.objects import ObjectChange, Op, list_of
from shared.model.read_probes import ReadProbe, first_of
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi, delete, list_by_ids

_GROUP: Final = "/groups/{id}"


def _call(method: str, path: str, *needs: Permission) -> Call:
    return Call(method=method, service=Service.GRAPH, path=path, needs=needs, repeatable=method == "GET")


GET_GROUP: Final = _call("GET", _GROUP, Permission.GROUP_MEMBER_READ)
ADD_MEMBER: Final = _call("POST", f"{_GROUP}/members/$ref", Permission.GROUP_MEMBER_WRITE)
REMOVE_MEMBER: Final = _call("DELETE", f"{_GROUP}/members/{{member}}/$ref", Permission.GROUP_MEMBER_WRITE)
"""Without `/$ref` it would delete the account.

For a group that roles can be given to Microsoft's page asks `RoleManagement.ReadWrite.Directory` besides.
"""

REMOVE_OWNER: Final = _call("DELETE", f"{_GROUP}/owners/{{member}}/$ref", Permission.GROUP_WRITE)
UPDATE_GROUP: Final = _call("PATCH", _GROUP, Permission.GROUP_WRITE)

_READ: Final = f"id,displayName,{ASSIGNABLE},groupTypes,{RULE},onPremisesSyncEnabled,visibility,createdDateTime"
_ID: Final = {"$select": "id"}

_ALL_ASSIGNABLE: Final = {"$filter": f"{ASSIGNABLE} eq true", "$select": _READ}


def id_of(group: Image) -> str:
    """Give a group's id in lower case."""
    return str(group["id"]).lower()


def _name_of(group: Image) -> str:
    return str(group.get("displayName") or group["id"])


# Reading.


def _read(api: TenantApi, group_id: str) -> Image | None:
    """Read a group with its members and owners; None for one that isn't guarded.

    Raises:
        Rejected: it hides its members, or a policy isn't as Graph writes it.
    """
    group = api.get(GET_GROUP, query={"$select": _READ}, id=group_id)
    if group is None or not (is_assignable(group) or group_id.lower() in _left_out(api)):
        return None
    return _whole(api, group)


def _left_out(api: TenantApi) -> frozenset[str]:
    """Give the groups that policies leave out, switched off ones too: it takes one write to switch one on."""
    return frozenset[str]().union(*map(left_out, api.list(LIST_CA_POLICIES_WHOLE)))


def _whole(api: TenantApi, group: Image) -> Image:
    if group.get("visibility") == "HiddenMembership":
        raise Rejected(f"group {group['id']} hides its members: they can't be listed")
    members: Iterable[Image] = () if is_dynamic(group) else api.list(LIST_DIRECT_MEMBERS, query=_ID, id=id_of(group))
    owners = api.list(LIST_GROUP_OWNERS, query=_ID, id=id_of(group))
    return group | {MEMBERS: sorted(map(id_of, members)), OWNERS: sorted(map(id_of, owners))}


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    return {id_of(group): _whole(api, group) for group in _guarded(api)}


def _guarded(api: TenantApi) -> Iterator[Image]:
    assignable = {id_of(group): group for group in api.list(LIST_GROUPS, query=_ALL_ASSIGNABLE)}
    yield from assignable.values()
    yield from list_by_ids(api, LIST_GROUPS, _left_out(api) - assignable.keys(), _READ)


def _is_orphan(api: TenantApi, group_id: str) -> bool:
    """Whether a group isn't guarded any more; one that was deleted while a policy names it is for people."""
    group = api.get(GET_GROUP, query={"$select": _READ}, id=group_id)
    return not is_assignable(group) and group_id.lower() not in _left_out(api)


def _is_gone(api: TenantApi, leaf: str) -> bool:
    """Whether a member or owner was deleted: an account leaves its groups then, without a record."""
    which, _, identity = leaf.removesuffix("]").partition("[")
    return which in {MEMBERS, OWNERS} and principals.is_gone(api, identity)


# Writing.


def _write(api: TenantApi, write: Write) -> str:
    """Take members and owners out of a group, give members back, set its rule back.

    Raises:
        Refused: the permission isn't there; `by_hand` has a command a line.
        Rejected: Graph doesn't do it, as it doesn't take a group's last owner; the group itself was to be written.
        DoneAlready: somebody was faster with all of it.
    """
    if write.op is not Op.UPDATE or write.stands is None:
        raise Rejected("the responder neither makes nor deletes a group")
    try:
        done = [_carried_out(api, write, leaf) for leaf in sorted(write.steps)]
    except Refused as refused:
        steps = sorted(write.steps.items())
        refused.by_hand = "\n".join(_by_hand(write.object_id, leaf, new, str(new or old)) for leaf, (old, new) in steps)
        raise
    if not any(done):
        raise DoneAlready(write.object_id)
    return write.object_id


def _carried_out(api: TenantApi, write: Write, leaf: str) -> bool:
    """Write one leaf; says whether that was still to be done."""
    old, new = write.steps[leaf]
    which, identity = list_of(leaf), str(new or old)
    try:
        if leaf == RULE:
            api.send(UPDATE_GROUP, body={RULE: new}, id=write.object_id)
        elif new is not None:
            member_references.add(api, ADD_MEMBER, write.object_id, identity)
        else:
            call = REMOVE_OWNER if which == OWNERS else REMOVE_MEMBER
            delete(api, call, write.object_id, id=write.object_id, member=identity)
    except DoneAlready:
        return False
    except Rejected as rejected:
        rejected.by_hand = _by_hand(write.object_id, leaf, new, identity)
        raise
    return True


def _by_hand(group_id: str, leaf: str, new: object, identity: str) -> str:
    if leaf == RULE:
        return group_guards.ruling(group_id, str(new))
    return (group_guards.taking if new is None else group_guards.adding)(group_id, list_of(leaf), identity)


# Who did it.


def _confirm(api: TenantApi, change: ObjectChange, _group: Image | None) -> Confirmation:
    """Say who asked PIM for a membership. Of several at once each would have its own record: then it is as recorded."""
    people = [str(new or old) for leaf, (old, new) in change.wrote.items() if list_of(leaf)]
    holder = people[0] if len(people) == 1 else ""
    return directory_pim.with_requester(api, change, role=change.object_id.lower(), holder=holder)


GUARDED_GROUP: Final = Kind(
    kind=ObjectKind.GUARDED_GROUP,
    title="guarded group",
    tenant_kind=TenantKind.WORKFORCE,
    rules=RULES,
    calls=(
        *(GET_GROUP, LIST_DIRECT_MEMBERS, LIST_GROUP_OWNERS, LIST_GROUPS),
        *group_guards.CALLS,
        *directory_pim.CALLS,
    ),
    inventory=Inventory(
        kind=ObjectKind.GUARDED_GROUP,
        tenant_kind=TenantKind.WORKFORCE,
        calls=(LIST_GROUPS, LIST_CA_POLICIES_WHOLE, LIST_DIRECT_MEMBERS, LIST_GROUP_OWNERS),
        read=_read_all,
    ),
    id_of=id_of,
    name_of=_name_of,
    leaves=leaves,
    log=Log.AUDIT,
    activities=ACTIVITIES,
    recorded=recorded,
    read=_read,
    lane=lane,
    look_around=group_guards.look_around,
    objections=group_guards.objections,
    loses=loses,
    gains=gains,
    write=_write,
    made=graph_stamps.made,
    by_hand=(ADD_MEMBER, REMOVE_MEMBER, REMOVE_OWNER, UPDATE_GROUP),
    limits=(
        "Owners are taken away and never given, and nobody is put into a group that roles can be given to: the page "
        "has the command. Nobody is taken out of such a group without `RoleManagement.ReadWrite.Directory` besides. "
        "Graph doesn't take a group's last owner. Groups that are synchronised, or hide their members, are paged. Who "
        "is in a group within the group isn't looked into."
    ),
    undo=(
        "Add the member or owner again with the command on the card, or set the rule again; the version before, which "
        "the evidence container holds, says who they were."
    ),
    confirm=_confirm,
    is_orphan=_is_orphan,
    is_gone=_is_gone,
    is_doubtful=directory_pim.is_doubtful,
    takes_answered=True,
    read_probes=(
        ReadProbe(call=LIST_GROUPS, kind=TenantKind.WORKFORCE, query=_ALL_ASSIGNABLE),
        ReadProbe(call=LIST_CA_POLICIES_WHOLE, kind=TenantKind.WORKFORCE),
        *(
            ReadProbe(call=call, kind=TenantKind.WORKFORCE, query=_ID, ids=first_of(LIST_GROUPS, "id"))
            for call in (LIST_DIRECT_MEMBERS, LIST_GROUP_OWNERS, group_guards.LIST_GROUPS_ABOVE)
        ),
        ReadProbe(
            call=GET_GROUP,
            kind=TenantKind.WORKFORCE,
            query={"$select": _READ},
            ids=first_of(LIST_GROUPS, "id"),
            is_listing=False,
        ),
    ),
)
