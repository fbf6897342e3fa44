"""Every row of the guide has its detection, with its risk, or a reason why it hasn't yet."""

from collections import Counter

import pytest

from responders.catalogue import CATALOGUE
from shared.model.detections import AnyDetection
from shared.model.kinds import Risk
from tests.unit.responders.guide_rows import GUIDE, NOT_YET, OTHER_TABLES

_ORDER = (Risk.LOW, Risk.MEDIUM, Risk.HIGH)
_TABLES = {"consumer-accounts": 9, "privileged-accounts": 13, "applications": 12, "infrastructure": 15}


def highest(rows: tuple[str, ...]) -> Risk:
    return max((risk for row in rows for risk in GUIDE[row][0]), key=_ORDER.index)


def row_of(detection: AnyDetection) -> str:
    """Give the guide's row that a detection is, or is a part of."""
    return "/".join(detection.seed_row.split("/")[:2])


IN_THE_GUIDE = [detection for detection in CATALOGUE if row_of(detection) in GUIDE]


def test_the_guide_has_49_rows() -> None:
    assert Counter(row.partition("/")[0] for row in GUIDE) == _TABLES
    assert all(f"{table}/{place}" in GUIDE for table, rows in _TABLES.items() for place in range(1, rows + 1))


def test_each_row_is_declared_once_or_waits_for_something() -> None:
    declared = Counter(row for detection in CATALOGUE for row in (detection.seed_row, *detection.also))
    assert {row: declared[row] for row in GUIDE} == {row: 0 if row in NOT_YET else 1 for row in GUIDE}
    assert max(declared.values()) == 1


@pytest.mark.parametrize("detection", IN_THE_GUIDE, ids=lambda one: one.id)
def test_its_risk_is_one_that_the_guide_prints(detection: AnyDetection) -> None:
    rows = (row_of(detection), *detection.also)
    assert detection.risk in {risk for row in rows for risk in GUIDE[row][0]}


@pytest.mark.parametrize("row", [row for row in GUIDE if row not in NOT_YET])
def test_the_highest_risk_of_a_row_is_among_its_parts(row: str) -> None:
    parts = [detection for detection in CATALOGUE if row in (row_of(detection), *detection.also)]
    assert max((part.risk for part in parts), key=_ORDER.index) is highest((row, *parts[0].also))


def test_what_is_in_no_table_is_known_and_of_high_risk_where_it_is_not_of_the_guide() -> None:
    others = [detection for detection in CATALOGUE if detection not in IN_THE_GUIDE]
    assert all(detection.seed_row.startswith(tuple(OTHER_TABLES)) for detection in others)
    low = ("consumer-accounts", "privileged-access/privileged-account-at-low-risk")
    assert {one.risk for one in others if not one.seed_row.startswith(low)} == {Risk.HIGH}


def test_where_one_event_has_two_risks_the_row_says_so() -> None:
    doubled = {detection.id: detection for detection in CATALOGUE if detection.also}
    assert set(doubled) == {"identity-provider-updated", "identity-provider-deleted"}
    assert all(detection.deviates for detection in doubled.values())


def test_the_catalogue_is_in_the_order_of_the_tables() -> None:
    places = [list(GUIDE).index(row_of(detection)) for detection in IN_THE_GUIDE]
    assert places == sorted(places)
