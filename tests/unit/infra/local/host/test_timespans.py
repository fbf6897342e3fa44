from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.host.timespans import timespan_from


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:00:30", timedelta(seconds=30)),
        ("01:05", timedelta(hours=1, minutes=5)),
        ("00:00:00.1", timedelta(milliseconds=100)),
        ("00:00:00.1234567", timedelta(microseconds=123456)),
        ("1.00:00:00", timedelta(days=1)),
        ("24:00:00", timedelta(days=24)),
    ],
)
def test_reads_what_dotnet_reads(text: str, expected: timedelta) -> None:
    assert timespan_from(text) == expected


@pytest.mark.parametrize("text", ["", "5", "00:60:00", "00:00:60", "1.24:00:00", "-00:00:01", "1h", "00:00:00:00"])
def test_refuses_the_rest_and_says_the_form(text: str) -> None:
    with pytest.raises(ValueError, match="hh:mm:ss"):
        timespan_from(text)


@given(st.integers(0, 999), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_reads_back_every_whole_duration(days: int, hours: int, minutes: int, seconds: int) -> None:
    text = f"{days}.{hours:02}:{minutes:02}:{seconds:02}"
    assert timespan_from(text) == timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
