"""The chain of an object's versions: each link has the hash of the one before, so that a removal or exchange shows.

The chain lies in the object's row, apart from the versions that it is about. It says nothing about who wrote the row.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from shared.model.objects import ObjectState, Version

_START: Final = ""


class Link(Struct, frozen=True, kw_only=True, array_like=True):
    """One version: its number from 1, when it was read, and its digest, "" where the object didn't exist."""

    number: int
    at: datetime
    digest: str
    previous: str
    hash: str


class Chain(Struct, frozen=True, kw_only=True):
    """The links that are kept, oldest first, and the numbers of those whose versions were compacted, from and to."""

    links: tuple[Link, ...] = ()
    compacted: tuple[tuple[int, int], ...] = ()


def extended(chain: Chain, state: ObjectState) -> Chain:
    """Give the chain with the versions of a state that are new to it, without links whose versions were compacted."""
    known = {(link.at, link.digest) for link in chain.links}
    versions = (state.origin, *state.versions)
    links = list(chain.links)
    for version in sorted(versions, key=lambda one: one.at):
        if (version.at, version.digest) not in known:
            links.append(_link_to(version, links[-1] if links else None))
            known.add((version.at, version.digest))
    wanted = {(version.at, version.digest) for version in versions}
    gone = [link.number for link in links if (link.at, link.digest) not in wanted]
    # The last link stays, since the next one is made from it.
    kept = [link for link in links if (link.at, link.digest) in wanted or link is links[-1]]
    return Chain(links=tuple(kept), compacted=_ranges(chain.compacted, {*gone} - {link.number for link in kept}))


def _ranges(ranges: tuple[tuple[int, int], ...], numbers: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Give ranges of numbers with further numbers in them, each as long as it can be."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted([*ranges, *((number, number) for number in numbers)]):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def _link_to(version: Version, last: Link | None) -> Link:
    number, previous = (last.number + 1, last.hash) if last else (1, _START)
    return Link(
        number=number,
        at=version.at,
        digest=version.digest,
        previous=previous,
        hash=_hash_of(number, version.at, version.digest, previous),
    )


def _hash_of(number: int, at: datetime, digest: str, previous: str) -> str:
    text = f"{number}|{at.astimezone(UTC).isoformat()}|{digest}|{previous}"
    return hashlib.sha256(text.encode()).hexdigest()


def _is_in(ranges: tuple[tuple[int, int], ...], first: int, last: int) -> bool:
    return any(begin <= first and last <= end for begin, end in ranges)


def problems_of(chain: Chain, state: ObjectState) -> Iterator[str]:
    """Say what doesn't fit: a link that was changed or removed, and a version that has none."""
    before: Link | None = None
    for link in chain.links:
        if link.hash != _hash_of(link.number, link.at, link.digest, link.previous):
            yield f"version {link.number} of {link.at:%Y-%m-%d %H:%M:%S} isn't the one that was kept"
        follows = before.number + 1 if before else 1
        if link.number == follows and link.previous != (before.hash if before else _START):
            yield f"version {link.number} doesn't follow the one before it"
        if link.number != follows and not _is_in(chain.compacted, follows, link.number - 1):
            yield f"versions {follows} to {link.number - 1} were removed"
        before = link
    linked = {(link.at, link.digest) for link in chain.links}
    for version in (state.origin, *state.versions):
        if (version.at, version.digest) not in linked:
            yield f"the version of {version.at:%Y-%m-%d %H:%M:%S} was never kept"
