"""Who is privileged, which groups roles can be given to, and which ones conditional access policies leave out.

Read from the tenants by a timer, kept in table `Rosters`.

A roster is kept whole or not at all, and a newer one takes its place; who was added since it was read isn't on it yet.
One that is stale still says who is on it; of everybody else in its tenant it then says nothing, so that they count as
unknown and never as ordinary.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import batched
from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table
from shared.model.calls import ID_SHAPES, Call
from shared.model.do_all import each
from shared.model.errors import Rejected
from shared.model.kinds import TenantKind
from shared.model.notices import SystemNotice
from shared.model.profile import TenantProfile
from shared.model.settings import Tenant
from shared.model.tenant_api import TenantApi

_log = logging.getLogger("responder.rosters")

STALE: Final = timedelta(hours=2)
"""How old a roster may be and still say who isn't on it: several sweeps may fail before that."""

_IN_A_COLUMN: Final = 800
"""Ids of 36 characters with a comma each make 58 KiB in UTF-16; a column takes 64."""

MOST: Final = 15 * _IN_A_COLUMN
"""Ids that a roster may have: a row takes 1 MiB."""


class RosterKind(StrEnum):
    """What a roster lists: the partition keys of table `Rosters`."""

    PRIVILEGED_ACCOUNTS = "privileged-accounts"
    ROLE_ASSIGNABLE_GROUPS = "role-assignable-groups"
    AZURE_ADMINISTRATORS = "azure-administrators"
    POLICY_GROUPS = "policy-groups"


class Roster(Struct, frozen=True, kw_only=True):
    """A list of object ids that detections are judged by, and how it is read.

    `read` gives every id on it in a tenant of one of `tenant_kinds`, or raises an EdgeError: an incomplete roster is
    never returned.
    """

    kind: RosterKind
    tenant_kinds: tuple[TenantKind, ...]
    calls: tuple[Call, ...]
    read: "Callable[[TenantApi], Iterable[str]]"


class Listed(Struct, frozen=True, kw_only=True):
    """A roster of a tenant as it was last read, from `read_at` on; None when it never was. Ids are lower case."""

    kind: RosterKind
    tenant_id: str
    ids: frozenset[str] = frozenset()
    read_at: datetime | None = None

    def is_fresh(self, now: datetime) -> bool:
        """Say whether who isn't on it is known not to be."""
        return self.read_at is not None and abs(now - self.read_at) <= STALE


class Rosters:
    """Table `Rosters`: a row for each kind and tenant. `declared` says how each is read."""

    def __init__(self, storage: Storage, declared: tuple[Roster, ...] = (), *, clock: Callable[[], datetime]) -> None:
        self.declared = declared
        self._storage = storage
        self._clock = clock

    def places(self, tenants: Iterable[Tenant]) -> Iterator[tuple[Roster, Tenant]]:
        """Give each roster that is read, with each tenant that it is read in."""
        ordered = tuple(tenants)
        for roster in self.declared:
            for tenant in ordered:
                if tenant.kind in roster.tenant_kinds:
                    yield roster, tenant

    def sweep(self, roster: Roster, edges: TenantApi) -> int:
        """Read a roster and keep it in place of the one before; gives how many ids it has.

        Raises EdgeError, leaving what was kept.
        """
        read_at = self._clock()
        ids = frozenset(each.lower() for each in roster.read(edges))
        columns = {"read_at": read_at.isoformat(), "count": len(ids), **packed(ids)}
        self._storage.upsert(Table.ROSTERS, roster.kind, edges.tenant.id, columns)
        return len(ids)

    def listed(self, kind: RosterKind, tenant_id: str) -> Listed:
        """Give a roster as it was last kept. Raises EdgeError when it can't be read."""
        row = self._storage.row(Table.ROSTERS, kind, tenant_id)
        return _listed(kind, tenant_id, row) if row else Listed(kind=kind, tenant_id=tenant_id)

    def all(self, tenants: Iterable[Tenant]) -> tuple[Listed, ...]:
        """Give every roster of the tenants. Raises EdgeError when one can't be read."""
        return tuple(self.listed(roster.kind, tenant.id) for roster, tenant in self.places(tenants))

    def system_notices(self, tenants: Iterable[Tenant]) -> Iterator[SystemNotice]:
        """Give what is to be told, hourly, of each roster that is stale. One that can't be read is raised last."""
        now = self._clock()
        found = each(
            self.places(tenants),
            lambda place: (self.listed(place[0].kind, place[1].id), place[1]),
            failed=lambda place: f"the {place[0].kind} of {place[1].name} can't be told to be fresh",
            log=_log,
        )
        return (_notice(listed, tenant, now) for listed, tenant in found if not listed.is_fresh(now))


def packed(ids: Iterable[str]) -> dict[str, str]:
    """Lay ids out in columns `ids_00`, `ids_01`, …, by commas and in order.

    Raises:
        Rejected: there are more than a row takes, or one isn't an object id.
    """
    ordered = sorted(ids)
    if len(ordered) > MOST:
        raise Rejected(f"a roster has {len(ordered)} ids, more than the {MOST} that a row of table Rosters can keep")
    if strange := [each for each in ordered if not ID_SHAPES["id"].fullmatch(each)]:
        raise Rejected(f"a roster has {strange[0][:80]!r}, which is not an object id")
    return {
        f"ids_{place:02}": ",".join(some) for place, some in enumerate(batched(ordered, _IN_A_COLUMN, strict=False))
    }


def unpacked(columns: Mapping[str, Any]) -> frozenset[str]:
    """Give the ids that `packed` laid out; other columns are passed over."""
    texts = (str(text) for name, text in columns.items() if name.startswith("ids_"))
    return frozenset(each for text in texts for each in text.split(","))


def _listed(kind: RosterKind, tenant_id: str, row: Row) -> Listed:
    ids = unpacked(row.columns)
    try:
        read_at = datetime.fromisoformat(row.columns["read_at"])
        is_whole = row.columns["count"] == len(ids) and read_at.tzinfo is not None
    except (KeyError, TypeError, ValueError) as error:
        raise Rejected(f"row {kind} {tenant_id} of table Rosters can't be read: {error!r}") from error
    if not is_whole:
        raise Rejected(f"row {kind} {tenant_id} of table Rosters isn't as the sweep writes it")
    return Listed(kind=kind, tenant_id=tenant_id, ids=ids, read_at=read_at)


def with_rosters(profile: TenantProfile, listed: Iterable[Listed], *, now: datetime) -> TenantProfile:
    """Give the profile with what the rosters say at `now`, beside what it has.

    Whoever administers a subscription is privileged too: while that isn't known, nobody in the tenant is ordinary.
    """
    ordered = tuple(listed)

    def members(kind: RosterKind) -> frozenset[str]:
        return frozenset[str]().union(*(each.ids for each in ordered if each.kind is kind))

    def known_in(kind: RosterKind) -> frozenset[str]:
        return frozenset(each.tenant_id for each in ordered if each.kind is kind and each.is_fresh(now))

    azure = RosterKind.AZURE_ADMINISTRATORS
    unknown_in_azure = frozenset(each.tenant_id for each in ordered if each.kind is azure) - known_in(azure)
    return msgspec.structs.replace(
        profile,
        privileged_accounts=profile.privileged_accounts | members(RosterKind.PRIVILEGED_ACCOUNTS) | members(azure),
        privileged_known_in=known_in(RosterKind.PRIVILEGED_ACCOUNTS) - unknown_in_azure,
        role_assignable_groups=profile.role_assignable_groups | members(RosterKind.ROLE_ASSIGNABLE_GROUPS),
        groups_known_in=known_in(RosterKind.ROLE_ASSIGNABLE_GROUPS),
        policy_groups=profile.policy_groups | members(RosterKind.POLICY_GROUPS),
        policy_groups_known_in=known_in(RosterKind.POLICY_GROUPS),
    )


_UNKNOWN: Final[Mapping[RosterKind, tuple[str, str]]] = {
    RosterKind.PRIVILEGED_ACCOUNTS: (
        "It isn't known who is privileged in {}",
        "The rows on privileged accounts can't be judged for accounts that aren't listed.",
    ),
    RosterKind.ROLE_ASSIGNABLE_GROUPS: (
        "It isn't known which groups of {} roles can be given to",
        "The rows on such groups can't be judged for groups that aren't listed.",
    ),
    RosterKind.AZURE_ADMINISTRATORS: (
        "It isn't known who administers the subscriptions of {}",
        "The rows on privileged accounts can't be judged for accounts that aren't listed.",
    ),
    RosterKind.POLICY_GROUPS: (
        "It isn't known which groups the conditional access policies of {} leave out",
        "Changes of such groups can't be judged for groups that aren't listed.",
    ),
}
"""What is missing while a roster is stale, and what follows."""


def _notice(listed: Listed, tenant: Tenant, now: datetime) -> SystemNotice:
    title, follows = _UNKNOWN[listed.kind]
    since = f"last read at {listed.read_at:%Y-%m-%d %H:%M} UTC" if listed.read_at else "never read yet"
    return SystemNotice(
        key=f"stale {listed.kind} {tenant.id} {now:%Y%m%d%H}",
        title=title.format(tenant.name),
        text=f"{follows} The list was {since}.",
        what_to_do="See what sweep_rosters last logged; responder doctor rosters-fresh names what is missing.",
    )
