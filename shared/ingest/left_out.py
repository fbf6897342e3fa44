"""Watches who is in the groups that conditional access policies leave out: whoever gets in is asked for nothing more.

A change of a group is judged by its record. This notices the members of whom no record tells. Each group is read whole:
few are left out, and they are small; of a larger one nothing is kept, which the coverage says.
"""

import hashlib
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.clients import columns
from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table
from shared.detect.rosters import RosterKind, packed, unpacked
from shared.model.do_all import do_all
from shared.model.errors import Rejected
from shared.model.kinds import TenantKind
from shared.model.notices import SystemNotice
from shared.model.settings import Tenant
from shared.model.tenant_api import TenantApi
from shared.objects.planning import GRACE
from shared.respond.components import Runtime

_log = logging.getLogger("responder.left_out")

ABOUT: Final = "members of groups that policies leave out"
"""What the coverage calls it."""

MOST: Final = 2000
"""Members that a group may have and still be watched one by one."""

_PARTITION: Final = "left-out-members"
_JOINED: Final = "joined"
_NAMED: Final = 5
_CLOCKS_AGREE_WITHIN: Final = timedelta(minutes=5)


class GroupReads(Struct, frozen=True, kw_only=True):
    """How groups are read: which of some exist, a group's own members, and of whom the log tells that they were added.

    `existing` says of each whether its members are shown: of one that hides them, none would be listed. `added` is
    given the members that are asked for, the group and since when. Each raises EdgeError where that can't be read.
    """

    existing: Callable[[TenantApi, Iterable[str]], Mapping[str, bool]]
    members: Callable[[TenantApi, str], frozenset[str]]
    added: Callable[[TenantApi, Collection[str], str, datetime], frozenset[str]]


class _Joined(Struct, frozen=True, kw_only=True):
    """Somebody who is new in a group: since when at the earliest, and when that was seen."""

    since: datetime
    seen_at: datetime


def watch_left_out(runtime: Runtime, tenant: Tenant, reads: GroupReads) -> None:
    """Read the members of each group that policies leave out, and tell of those of whom no record tells.

    Nothing is read where it isn't known yet which groups those are. Raises EdgeError where one couldn't be read, when
    the others were.
    """
    if tenant.kind is not TenantKind.WORKFORCE:
        return
    listed = runtime.rosters.listed(RosterKind.POLICY_GROUPS, tenant.id)
    if listed.read_at is None:
        return
    begun, api = runtime.clock(), runtime.edges[tenant.id]
    groups = reads.existing(api, sorted(listed.ids))
    do_all(
        sorted(groups),
        lambda group: _watch(runtime, tenant, group, reads, is_shown=groups[group]),
        failed=lambda group: f"the members of group {group} of {tenant.name} could not be read",
        log=_log,
    )
    _forget_others(runtime.storage, tenant.id, groups.keys())
    runtime.storage.upsert(Table.CURSORS, "sweep", f"{tenant.id}|{_PARTITION}", {"confirmed_at": begun.isoformat()})


def left_out_read_at(storage: Storage, tenant_id: str) -> datetime | None:
    """Give when the last sweep began that could read all of them; None when none could. Raises EdgeError."""
    row = storage.row(Table.CURSORS, "sweep", f"{tenant_id}|{_PARTITION}")
    return row.instant("confirmed_at") if row else None


def _watch(runtime: Runtime, tenant: Tenant, group: str, reads: GroupReads, *, is_shown: bool) -> None:
    if not is_shown:
        raise Rejected(f"group {group} hides its members: they can't be listed")
    storage, now, key = runtime.storage, runtime.clock(), f"{tenant.id} {group}"
    api = runtime.edges[tenant.id]
    row = storage.row(Table.ROSTERS, _PARTITION, key)
    members = reads.members(api, group)
    if len(members) > MOST:
        raise Rejected(f"group {group} has {len(members)} members, and more than {MOST} aren't watched one by one")
    joined = _joined_before(row)
    if row is not None:
        since = row.instant("read_at") or now
        new = members - unpacked(row.columns) - joined.keys()
        joined |= {one: _Joined(since=since, seen_at=now) for one in new}
    storage.upsert(Table.ROSTERS, _PARTITION, key, _columns(now, members, joined))
    due = [one for one, how in joined.items() if now >= how.seen_at + GRACE]
    if not due:
        return
    since = min(joined[one].since for one in due) - _CLOCKS_AGREE_WITHIN
    recorded = reads.added(api, due, group, since)
    if untold := [one for one in due if one not in recorded]:
        runtime.notifier.publish(_notice(tenant, group, untold, now))
    left = {one: how for one, how in joined.items() if one not in due}
    storage.upsert(Table.ROSTERS, _PARTITION, key, _columns(now, members, left))


def _joined_before(row: Row | None) -> dict[str, _Joined]:
    try:
        kept = columns.unpacked(_JOINED, row.columns) if row else None
        return msgspec.json.decode(kept or b"{}", type=dict[str, _Joined])
    except ValueError:
        return {}


def _columns(at: datetime, members: frozenset[str], joined: Mapping[str, _Joined]) -> dict[str, Any]:
    """Give the columns of a group's row. Raises Rejected where more is new than a row takes."""
    new = columns.packed(_JOINED, msgspec.json.encode(joined))
    if new is None:
        raise Rejected(f"{len(joined)} members of a group are new, more than a row of table Rosters can keep")
    return {"read_at": at.isoformat(), **packed(members), **new}


def _forget_others(storage: Storage, tenant_id: str, groups: Collection[str]) -> None:
    """Delete what is kept of groups that no policy leaves out any more: one that is again begins anew."""
    for row in storage.rows(Table.ROSTERS, "PartitionKey eq @one", one=_PARTITION):
        of, _, group = row.key.partition(" ")
        if of == tenant_id and group not in groups:
            storage.delete(Table.ROSTERS, row)


def _notice(tenant: Tenant, group: str, untold: list[str], now: datetime) -> SystemNotice:
    ordered = sorted(untold)
    name = hashlib.sha256(" ".join(ordered).encode()).hexdigest()[:12]
    more = f" and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
    return SystemNotice(
        key=f"left out {tenant.id} {group} {name} {now:%Y%m%d}",
        title=f"{len(ordered)} accounts are left out of policies of {tenant.name}, and no record says who added them"
        if len(ordered) > 1
        else f"An account is left out of policies of {tenant.name}, and no record says who added it",
        text=f"Group {group}, which conditional access policies leave out, has new members:"
        f" {', '.join(ordered[:_NAMED])}{more}. The audit log has no record of it.",
        what_to_do="Find out who added them, and remove whoever doesn't belong there. Whoever is in the group isn't"
        " asked for what those policies ask for.",
        until_acknowledged=True,
    )
