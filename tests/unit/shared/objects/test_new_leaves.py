"""What sweeps see of a kind's leaves: which are new to all its objects, for a day."""

from datetime import timedelta
from typing import Any, Final

import pytest

from shared.clients.storage_names import Table
from shared.model.kinds import ObjectKind
from shared.model.objects import Leaves
from shared.objects.new_leaves import KindLeaves, leaves_seen, read_kind_leaves, store_kind_leaves
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.object_stories import RULES, at, lamp

_TENANT: Final = "a tenant"
_BEFORE: Final = KindLeaves(known=frozenset({"state", "colour"}))


def _new(seen: KindLeaves) -> dict[str, Any]:
    return {each.leaf: each.value for each in seen.added}


def test_the_first_time_nothing_is_new() -> None:
    seen = leaves_seen(None, [lamp(glow="x"), lamp(glow="x")], RULES, now=at(0))
    assert ("glow" in seen.known, seen.added) == (True, ())


def test_what_all_have_and_none_had_is_new() -> None:
    seen = leaves_seen(_BEFORE, [lamp(glow="x"), lamp(glow="x"), lamp(glow="x")], RULES, now=at(600))
    assert (_new(seen), "glow" in seen.known) == ({"glow": "x"}, True)
    assert seen.added[0].since == at(600)


@pytest.mark.parametrize(
    "standing",
    [
        pytest.param([lamp(glow="x")], id="there is no other one"),
        pytest.param([lamp(glow="x"), lamp(glow="y")], id="it isn't alike everywhere"),
        pytest.param([lamp(), lamp(glow="x")], id="one doesn't have it"),
        pytest.param([lamp(guests_Max="x"), lamp(guests_Max="x")], id="it is a member of a list"),
        pytest.param([], id="there is none at all"),
    ],
)
def test_else_nothing_is_new_now_nor_later(standing: list[Leaves]) -> None:
    seen = leaves_seen(_BEFORE, standing, RULES, now=at(600))
    assert seen.added == ()
    if any("glow" in leaves for leaves in standing):
        later = leaves_seen(seen, [lamp(glow="x"), lamp(glow="x")], RULES, now=at(1200))
        assert later.added == (), "an object had it before"


def test_it_stays_new_for_a_day_and_only_while_it_is_alike_everywhere() -> None:
    both = [lamp(glow="x"), lamp(glow="x")]
    seen = leaves_seen(_BEFORE, both, RULES, now=at(0))
    for hours in (1, 23):
        seen = leaves_seen(seen, both, RULES, now=at(0) + timedelta(hours=hours))
        assert _new(seen) == {"glow": "x"}
    assert leaves_seen(seen, both, RULES, now=at(0) + timedelta(hours=24)).added == ()
    once = leaves_seen(seen, [lamp(glow="x"), lamp()], RULES, now=at(0) + timedelta(hours=23))
    assert leaves_seen(once, both, RULES, now=at(0) + timedelta(hours=23)).added == ()


def test_it_is_kept_by_kind_and_tenant_and_a_row_that_cannot_be_read_is_none(memory: MemoryStorage) -> None:
    memory.create_all()
    seen = leaves_seen(_BEFORE, [lamp(glow="x"), lamp(glow="x")], RULES, now=at(0))
    store_kind_leaves(memory, _TENANT, ObjectKind.CA_POLICY, seen)
    assert read_kind_leaves(memory, _TENANT, ObjectKind.CA_POLICY) == seen
    assert read_kind_leaves(memory, _TENANT, ObjectKind.NAMED_LOCATION) is None
    memory.upsert(Table.CURSORS, "leaves", f"{_TENANT}|{ObjectKind.CA_POLICY}", {"seen": "{"})
    assert read_kind_leaves(memory, _TENANT, ObjectKind.CA_POLICY) is None
