"""How the groups that conditional access policies leave out are read, and what the log tells of their members."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import Struct

from responders.rosters import LIST_GROUPS
from responders.sources import DIRECTORY_AUDITS
from shared.ingest.left_out import GroupReads
from shared.model.calls import ID_SHAPES, Call, Permission, Service, checked_id
from shared.model.errors import Rejected
from shared.model.events import fold
from shared.model.kinds import Image, TenantKind
from shared.model.read_probes import ReadProbe, first_of
from shared.model.tenant_api import TenantApi, list_by_ids

LIST_DIRECT_MEMBERS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/groups/{id}/members",
    needs=(Permission.GROUP_MEMBER_READ,),
)
"""A group's own members, groups among them: the log names whom somebody added, not who came along."""

CALLS: Final = (LIST_DIRECT_MEMBERS, LIST_GROUPS, DIRECTORY_AUDITS)

_ID: Final = {"$select": "id"}
_ADDED: Final = "Add member to group"
_GROUP_ID: Final = "Group.ObjectID"
_MOST_ASKED_ONE_BY_ONE: Final = 10
"""Members each of whom the log is asked for; for more, it is asked for everybody who was added to any group."""


def _existing(api: TenantApi, groups: Iterable[str]) -> dict[str, bool]:
    """Give those that are still there, and whether each shows its members."""
    return {
        str(each.get("id")).lower(): each.get("visibility") != "HiddenMembership"
        for each in list_by_ids(api, LIST_GROUPS, groups, "id,visibility")
    }


def _members(api: TenantApi, group: str) -> frozenset[str]:
    found = [str(each.get("id")).lower() for each in api.list(LIST_DIRECT_MEMBERS, query=_ID, id=group)]
    if strange := [each for each in found if not ID_SHAPES["id"].fullmatch(each)]:
        raise Rejected(f"Graph listed a member whose id is no id: {strange[0][:80]!r}")
    return frozenset(found)


def _added(api: TenantApi, members: Collection[str], group: str, since: datetime) -> frozenset[str]:
    """Give those of the members of whom the audit log tells since an instant that somebody added them to the group."""
    at = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    about = [f"targetResources/any(t: t/id eq '{checked_id('id', each)}')" for each in members]
    if len(about) > _MOST_ASKED_ONE_BY_ONE:
        about = [f"activityDisplayName eq '{_ADDED}'"]
    found = frozenset[str]()
    for each in about:
        records = api.list(DIRECTORY_AUDITS, query={"$filter": f"activityDateTime ge {at} and {each}"})
        found = found.union(*(_added_by(record, group) for record in records))
    return found & frozenset(members)


class _Property(Struct, rename="camel"):
    display_name: str | None = None
    new_value: str | None = None


class _Target(Struct, rename="camel"):
    id: str | None = None
    modified_properties: list[_Property] | None = None


def _added_by(record: Image, group: str) -> frozenset[str]:
    """Give the ids of whom a record says that they were added to the group; the group's own may be among them.

    The group is a target or in a property; a name that has its id in it isn't the group.

    Raises:
        Rejected: the record isn't as Graph writes it.
    """
    if fold(str(record.get("activityDisplayName"))) != fold(_ADDED) or record.get("result") != "success":
        return frozenset()
    try:
        targets = msgspec.convert(record.get("targetResources") or [], list[_Target])
    except msgspec.ValidationError as error:
        raise Rejected(f"a record of the audit log isn't as Graph writes it: {error}") from error
    ids = frozenset((target.id or "").lower() for target in targets)
    changed = (one for target in targets for one in target.modified_properties or () if one.display_name == _GROUP_ID)
    groups = ids.union((one.new_value or "").strip('"').lower() for one in changed)
    return ids if group in groups else frozenset()


READS: Final = GroupReads(existing=_existing, members=_members, added=_added)

READ_PROBES: Final = (
    ReadProbe(call=LIST_DIRECT_MEMBERS, kind=TenantKind.WORKFORCE, query=_ID, ids=first_of(LIST_GROUPS, "id")),
)
