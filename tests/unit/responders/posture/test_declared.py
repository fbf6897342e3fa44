"""What is declared about posture holds together: ids, parts in their order, words, passages."""

from typing import Any

import pytest

from responders.posture.declared import CALLS, DECLARED, READ_PROBES
from responders.posture.korean import KOREAN
from responders.read_probes import NOT_TRIED
from responders.read_probes import READ_PROBES as ALL_PROBES
from responders.rosters import GET_ROLE_DEFINITION
from shared.checks.posture import ManualItem, PostureCheck
from shared.checks.snapshot import Part
from shared.model.kinds import TenantKind

_EVERYTHING: list[PostureCheck | ManualItem] = [*DECLARED.checks, *DECLARED.items]


def test_ids_are_unique() -> None:
    ids = [one.id for one in _EVERYTHING]
    assert sorted(set(ids)) == sorted(ids)
    parts = [part.id for part in DECLARED.parts]
    assert sorted(set(parts)) == sorted(parts)


@pytest.mark.parametrize("check", DECLARED.checks, ids=lambda check: check.id)
def test_what_a_check_judges_is_read(check: PostureCheck) -> None:
    assert check.parts
    assert set(check.parts) <= set(DECLARED.parts)


@pytest.mark.parametrize("kind", TenantKind)
def test_what_a_check_of_a_kind_of_tenant_judges_is_read_of_that_kind(kind: TenantKind) -> None:
    declared = DECLARED.of_kind(kind)
    assert declared.checks
    assert {part.id for check in declared.checks for part in check.parts} <= {part.id for part in declared.parts}


def test_every_part_is_judged_by_a_check() -> None:
    assert {part for check in DECLARED.checks for part in check.parts} == {*DECLARED.parts}


@pytest.mark.parametrize("one", _EVERYTHING, ids=lambda one: one.id)
def test_each_says_what_it_is_for_and_what_to_do(one: PostureCheck | ManualItem) -> None:
    todo = one.cure if isinstance(one, PostureCheck) else one.how
    assert one.passages
    assert all(text.endswith((".", "?")) for text in (one.why, todo))
    assert not one.title.endswith(".")


@pytest.mark.parametrize("part", DECLARED.parts, ids=lambda part: part.id)
def test_parts_only_read(part: Part[Any]) -> None:
    assert {call.method for call in part.calls} <= {"GET"}


def test_the_doctor_tries_each_read() -> None:
    tried = {probe.call for probe in ALL_PROBES} | {*NOT_TRIED, GET_ROLE_DEFINITION}
    every = {call for calls in CALLS.values() for call in calls}
    assert every <= tried
    assert {probe.call for probe in READ_PROBES} <= every


@pytest.mark.parametrize("one", _EVERYTHING, ids=lambda one: one.id)
def test_each_has_its_title_and_what_to_do_in_korean(one: PostureCheck | ManualItem) -> None:
    korean = KOREAN[one.id]
    assert all(any("\uac00" <= letter <= "\ud7a3" for letter in text) for text in (korean.title, korean.todo))
    todo = one.cure if isinstance(one, PostureCheck) else one.how
    assert set(todo.split("`")[1::2]) == set(korean.todo.split("`")[1::2]), "commands"


def test_nothing_else_is_there_in_korean() -> None:
    assert KOREAN.keys() == {one.id for one in _EVERYTHING}
