"""Keys of acts, and statements in the order in which they were said, however the rows come."""

from datetime import UTC, datetime
from random import Random
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.authority.statements import RowKey, row_key_from, statements_in
from shared.clients.storage import Row
from tests.fakes.clock import NOW

_KEYS: Final = st.builds(
    RowKey,
    subject=st.sampled_from(["a", "b", "a|b", "*"]),
    said=st.datetimes(datetime(2026, 1, 1), datetime(2026, 3, 1)).map(lambda at: at.replace(tzinfo=UTC)),  # noqa: DTZ001 - given a zone here
    nth=st.integers(0, 999),
)


def _subject(key: RowKey, _row: Row) -> str:
    return str(key)


@given(key=_KEYS)
def test_a_key_is_read_back(key: RowKey) -> None:
    assert row_key_from(str(key)) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "all",
        "all|",
        "all|2026-03-02",
        "all|2026-03-02T10:05:00Z",
        "all|2026-02-30T10:05:00.000000Z",
        "|2026-03-02T10:05:00.000000Z",
        "all|2026-03-02T10:05:00.000000Z|1",
        "all|2026-03-02T10:05:00.000000Z ",
    ],
)
def test_another_key_names_no_instant(text: str) -> None:
    assert row_key_from(text) == RowKey(subject=text, said=None)


@given(keys=st.lists(_KEYS, unique=True, max_size=8), order=st.randoms())
def test_the_order_is_that_of_what_was_said(keys: list[RowKey], order: Random) -> None:
    rows = [Row(partition="p", key=str(key), columns={}, etag="") for key in keys]
    order.shuffle(rows)
    found = statements_in(rows, _subject, read_at=NOW)
    for (_, subject), statements in found.items():
        expected = sorted((key for key in keys if key.subject == subject), key=lambda key: (key.said or NOW, key.nth))
        assert [one.value for one in statements] == [str(key) for key in expected]
