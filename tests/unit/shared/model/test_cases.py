from datetime import UTC, datetime
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.world import MALLORY, WORKFORCE_TENANT
from shared.model.cases import Case, State, case_id, case_key, hour_id
from shared.model.events import Target
from tests.fakes.lamps import AT, LAMP, actor_of, lamp_event

_parts = st.tuples(*[st.text(st.characters() | st.sampled_from('\x1f",\\\ud800'), max_size=4)] * 4)


@given(one=_parts, other=_parts)
def test_two_keys_are_the_same_only_for_the_same_parts(
    one: tuple[str, str, str, str], other: tuple[str, str, str, str]
) -> None:
    assert (case_key(*one) == case_key(*other)) is (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("t", "d", "a\x1fb", "c"), ("t", "d", "a", "b\x1fc")),
        (("t", "d", "", "ab"), ("t", "d", "ab", "")),
        (("t", "d", '"', ""), ("t", "d", "", '"')),
    ],
)
def test_no_separator_can_be_forged(one: tuple[str, str, str, str], other: tuple[str, str, str, str]) -> None:
    assert case_key(*one) != case_key(*other)


def test_a_key_stays_the_same_from_release_to_release() -> None:
    """Else every record that a poll reads again after an update would open its case a second time."""
    assert case_id(WORKFORCE_TENANT, "lamp-switched", lamp_event()) == "20260302-1a6585f7421b956c1d25"
    assert hour_id(WORKFORCE_TENANT, "lamp-switched", (LAMP,), AT) == "20260302-f97253d5afc840687382"


def test_a_record_without_any_id_is_named_by_its_time() -> None:
    first = lamp_event(id="", correlation_id="")
    second = lamp_event(id="", correlation_id="", at=datetime(2026, 3, 2, 10, 0, 1, tzinfo=UTC))
    assert case_id("t", "d", first) != case_id("t", "d", second)


_CASE: Final = Case(
    id="20260302-0",
    tenant_id=WORKFORCE_TENANT,
    detection="lamp-switched",
    correlation_id="",
    event_id="",
    at=AT,
    opened_at=AT,
    actor=actor_of(MALLORY),
    target=Target(id=LAMP),
    record="",
)


@pytest.mark.parametrize("state", State)
def test_a_case_is_open_until_it_is_closed(state: State) -> None:
    assert msgspec.structs.replace(_CASE, state=state).is_open is (state is not State.CLOSED)


def test_a_case_of_an_earlier_release_can_still_be_read() -> None:
    """Rows stay for years: fields that came later have a default, fields that went are passed over."""
    stored = msgspec.to_builtins(_CASE)
    for field in msgspec.structs.fields(Case):
        if not field.required:
            del stored[field.name]
    assert msgspec.convert(stored | {"a field of long ago": 1}, Case) == _CASE
