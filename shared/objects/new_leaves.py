"""Leaves that a service adds to every object of a kind: first seen, told once, no change of anybody's."""

from collections.abc import Sequence

from msgspec import Struct

from shared.model.objects import EXISTS, Leaves, Noticed, list_of
from shared.objects.verdicts import Account


class Others(Struct, frozen=True, kw_only=True):
    """The other objects of a kind as they stand, and the names of leaves that any object of the kind has had before."""

    standing: Sequence[Leaves]
    known: frozenset[str] = frozenset()


def leaves_new_to_kind(account: Account, others: Others) -> tuple[Noticed, ...]:
    """Give the leaves that are new to the kind and alike everywhere, the first time they are seen.

    No version had them, no record of another names them, and all other objects of the kind, of which there must be one,
    have them with the same value.
    """
    standing = [leaves for leaves in others.standing if leaves]
    stands = account.seen.leaves
    candidates = [leaf for leaf in stands if leaf not in account.replayed.baseline] if standing else []
    return tuple(
        Noticed(leaf=leaf, value=stands[leaf], since=account.now)
        for leaf in candidates
        if leaf != EXISTS
        and not list_of(leaf)
        and leaf not in others.known
        and not account.chain(leaf)
        and all(account.is_same(leaf, leaves.get(leaf), stands[leaf]) for leaves in standing)
    )
