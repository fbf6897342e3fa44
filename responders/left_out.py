"""How the groups that conditional access policies leave out are read, and what the log tells of their members."""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import batched
from typing import Final

import msgspec

from responders.rosters import LIST_GROUPS
from responders.sources import DIRECTORY_AUDITS
from shared.ingest.left_out import GroupReads
from shared.model.calls import ID_SHAPES, Call, Permission, Service, checked_id
from shared.model.errors import Rejected
from shared.model.events import fold
from shared.model.kinds import Image, TenantKind
from shared.model.read_probes import ReadProbe, first_of
from shared.model.tenant_api import TenantApi

LIST_DIRECT_MEMBERS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/groups/{id}/members",
    needs=(Permission.GROUP_MEMBER_READ,),
)
"""A group's own members, groups among them: the log names whom somebody added, not who came along."""

CALLS: Final = (LIST_DIRECT_MEMBERS, LIST_GROUPS, DIRECTORY_AUDITS)

_ID: Final = {"$select": "id"}
_MOST_IN_A_FILTER: Final = 15
_ADDED: Final = "add member to group"


def _existing(api: TenantApi, groups: Iterable[str]) -> frozenset[str]:
    """Give those that are still there.

    Raises:
        Rejected: one hides its members, so that it would look empty.
    """
    found: dict[str, Image] = {}
    for some in batched(groups, _MOST_IN_A_FILTER, strict=False):
        names = ",".join(f"'{checked_id('id', each)}'" for each in some)
        asked = {"$filter": f"id in ({names})", "$select": "id,visibility"}
        found |= {str(each.get("id")).lower(): each for each in api.list(LIST_GROUPS, query=asked)}
    hidden = [group for group, each in found.items() if each.get("visibility") == "HiddenMembership"]
    if hidden:
        raise Rejected(f"group {min(hidden)} hides its members: they can't be listed")
    return frozenset(found)


def _members(api: TenantApi, group: str) -> frozenset[str]:
    found = [str(each.get("id")).lower() for each in api.list(LIST_DIRECT_MEMBERS, query=_ID, id=group)]
    if strange := [each for each in found if not ID_SHAPES["id"].fullmatch(each)]:
        raise Rejected(f"Graph listed a member whose id is no id: {strange[0][:80]!r}")
    return frozenset(found)


def _is_added(api: TenantApi, member: str, group: str, since: datetime) -> bool:
    """Whether the audit log tells since an instant that somebody added the member to the group."""
    at = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    about = f"targetResources/any(t: t/id eq '{checked_id('id', member)}')"
    records = api.list(DIRECTORY_AUDITS, query={"$filter": f"activityDateTime ge {at} and {about}"})
    return any(_is_of(record, group) for record in records)


def _is_of(record: Image, group: str) -> bool:
    is_addition = fold(str(record.get("activityDisplayName"))) == _ADDED and record.get("result") == "success"
    return is_addition and group.encode() in msgspec.json.encode(record.get("targetResources")).lower()


READS: Final = GroupReads(existing=_existing, members=_members, is_added=_is_added)

READ_PROBES: Final = (
    ReadProbe(call=LIST_DIRECT_MEMBERS, kind=TenantKind.WORKFORCE, query=_ID, ids=first_of(LIST_GROUPS, "id")),
)
