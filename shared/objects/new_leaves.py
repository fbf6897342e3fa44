"""Leaves that a service adds to every object of a kind: first seen, told once, no change of anybody's.

Only a sweep reads all objects of a kind. What it saw of their leaves is kept in table `Cursors`, one row for each kind
and tenant, so that a run over one object has it in one read.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from shared.clients.columns import packed, unpacked
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.kinds import ObjectKind
from shared.model.object_kinds import LeafRules
from shared.model.objects import EXISTS, Leaves, Noticed, ObjectPlan, Verdict, list_of
from shared.objects.comparing import is_same
from shared.objects.verdicts import Account

_PARTITION: Final = "leaves"
_NEW_FOR: Final = timedelta(days=1)
"""How long a leaf counts as new: by then sweeps have had every object looked at."""

_FEWEST: Final = 2
"""Of one object alone nobody can say that its kind has a new leaf."""


class KindLeaves(Struct, frozen=True, kw_only=True):
    """What sweeps saw of the leaves of a kind: the names that any object has had, and those that are new to all.

    Members of lists aren't among them: what may be in a list is nothing that a service adds everywhere.
    """

    known: frozenset[str]
    added: tuple[Noticed, ...] = ()


def leaves_seen(
    before: KindLeaves | None, standing: Sequence[Leaves], rules: LeafRules, *, now: datetime
) -> KindLeaves:
    """Give what is known of a kind's leaves after all its objects were read. The first time, nothing is new.

    A leaf stays new for a day, and no longer than it is alike everywhere: after that, who sets it makes a change.
    """
    names = {leaf for leaves in standing for leaf in leaves if leaf != EXISTS and not list_of(leaf)}
    if before is None:
        return KindLeaves(known=frozenset(names))
    since = {each.leaf: each.since for each in before.added if now < each.since + _NEW_FOR}
    candidates = sorted(names - before.known | since.keys()) if len(standing) >= _FEWEST else []
    added = tuple(
        Noticed(leaf=leaf, value=standing[0].get(leaf), since=since.get(leaf, now))
        for leaf in candidates
        if all(leaf in leaves and is_same(rules, leaf, leaves[leaf], standing[0].get(leaf)) for leaves in standing)
    )
    return KindLeaves(known=before.known | names, added=added)


def leaves_new_to_kind(account: Account, added: Sequence[Noticed]) -> tuple[Noticed, ...]:
    """Give the leaves of an object that were added to its whole kind: no version had them, no record of another's does.

    `added` are the leaves that a sweep saw to be new and alike everywhere.
    """
    stands = account.seen.leaves
    return tuple(
        Noticed(leaf=each.leaf, value=stands[each.leaf], since=account.now)
        for each in added
        if each.leaf in stands
        and account.is_same(each.leaf, stands[each.leaf], each.value)
        and each.leaf not in account.replayed.baseline
        and not account.chain(each.leaf)
    )


def may_have_new_leaves(plan: ObjectPlan) -> bool:
    """Whether an object has a leaf that nobody explains and that the baseline doesn't know."""
    unexplained = {Verdict.WAIT_UNEXPLAINED, Verdict.DRIFT}
    return any(
        each.verdict in unexplained and leaf not in plan.baseline and not list_of(leaf)
        for leaf, each in plan.verdicts.items()
    )


def read_kind_leaves(storage: Storage, tenant_id: str, kind: ObjectKind) -> KindLeaves | None:
    """Read what sweeps saw of a kind's leaves; None where none did, or its row can't be read. Raises EdgeError."""
    row = storage.row(Table.CURSORS, _PARTITION, f"{tenant_id}|{kind}")
    if row is None:
        return None
    try:
        content = unpacked("seen", row.columns)
        return msgspec.json.decode(content, type=KindLeaves) if content is not None else None
    except (msgspec.DecodeError, ValueError):
        return None  # the next sweep begins anew, as the first one did


def store_kind_leaves(storage: Storage, tenant_id: str, kind: ObjectKind, seen: KindLeaves) -> None:
    """Store what a sweep saw of a kind's leaves; nothing where it is more than a row holds. Raises EdgeError."""
    columns = packed("seen", msgspec.json.encode(seen, order="deterministic"))
    if columns is not None:
        storage.upsert(Table.CURSORS, _PARTITION, f"{tenant_id}|{kind}", columns)
