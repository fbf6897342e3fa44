"""How records may come: in any order and batches, and some of them again."""

from collections.abc import Sequence

from hypothesis import strategies as st


def delivered[T](draw: st.DrawFn, records: Sequence[T], *, again: int = 8) -> list[list[T]]:
    """Draw batches of all of `records`, in which up to `again` of them come a second time."""
    repeated = draw(st.lists(st.sampled_from(records), max_size=again)) if records else list[T]()
    rest = draw(st.permutations([*records, *repeated]))
    batches: list[list[T]] = []
    while rest:
        size = draw(st.integers(1, len(rest)))
        batches.append(rest[:size])
        rest = rest[size:]
    return batches
