import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.tenant.instants import instant, now_ticks, parse_instant, ticks


@given(st.integers(min_value=0, max_value=4_000_000_000 * 10_000_000))
def test_a_printed_instant_reads_back_to_the_tick(at: int) -> None:
    assert parse_instant(instant(at)) == at
    assert parse_instant(instant(at, zone="+00:00")) == at


def test_prints_seven_fraction_digits() -> None:
    assert instant(17_682_066_001_234_567) == "2026-01-12T08:30:00.1234567Z"


def test_knows_zones() -> None:
    assert parse_instant("2026-01-12T09:30:00+01:00") == parse_instant("2026-01-12T08:30:00Z")


def test_refuses_a_quoted_literal() -> None:
    with pytest.raises(ValueError, match="unquoted"):
        parse_instant("'2026-01-12T08:30:00Z'")


def test_a_second_is_ten_million_ticks() -> None:
    assert ticks(1) == 10_000_000
    assert parse_instant(instant()) - now_ticks() < ticks(5)
