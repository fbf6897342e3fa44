"""Every declared field, read by the app and by Kusto (which DuckDB executes) of the same rows: the same text."""

import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from responders.catalogue import CATALOGUE
from shared.detect.fields.by_log import FIELDS
from shared.detect.kusto.compile import matching_query
from shared.model.conditions import Not, Text
from shared.model.events import Event, Log
from shared.model.profile import DEFAULT, TenantProfile
from shared.normalize import read_batch
from tests.fakes.field_rows import PROFILES, ROWS, SAMPLES
from tests.fakes.kql_rows import Json
from tests.fakes.kql_workspace import Workspace, to_sql
from tests.fakes.record_strategies import everything

_ROWS_OF_A_LOG: Final = 200
_EVERY: Final = [(log, field) for log in Log for field in FIELDS[log].values() if field.kusto]


class Compared:
    """Rows of a log, as events for the app and in tables for Kusto."""

    def __init__(self, log: Log) -> None:
        self.rows = [*SAMPLES[log], *_drawn(log)]
        self.workspace = Workspace()
        self.workspace.fill(self.rows)
        readings = list(read_batch(json.dumps(self.rows).encode(), tenant_id="", interest=everything))
        assert [reading.unreadable for reading in readings] == [""] * len(self.rows)
        self.events: dict[int, Event] = {one.index: one.event for one in readings if one.event is not None}

    def in_process(self, field: Text[Any], profile: TenantProfile) -> dict[int, str]:
        read = field.reader(profile)
        return {place: read(event) for place, event in self.events.items()}

    def in_kusto(self, log: Log, field: Text[Any], profile: TenantProfile) -> dict[int, str]:
        asked = copy.replace(CATALOGUE[0], log=log, when=Not(field.is_("no such value")), counted=None, after=None)
        return self.workspace.column(to_sql(matching_query(asked, profile)), field.name)


def _drawn(log: Log) -> list[Json]:
    found: list[Json] = []

    @settings(
        max_examples=_ROWS_OF_A_LOG,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
        database=None,
    )
    @given(ROWS[log])
    def draw(row: Json) -> None:
        found.append(row)

    draw()
    return found


@cache
def compared(log: Log) -> Compared:
    return Compared(log)


def profiles_for(field: Text[Any]) -> Iterator[tuple[str, TenantProfile]]:
    """Give those that differ in what the field needs."""
    seen: list[list[object]] = []
    for name, profile in PROFILES.items():
        needed = [getattr(profile, key) for key in field.required_keys]
        if needed not in seen:
            seen.append(needed)
            yield name, profile


def comparable(field: Text[Any], values: dict[int, str]) -> dict[int, object]:
    """Give values as they are; of several values in one, their order doesn't matter, but each break does."""
    if not field.is_list:
        return dict(values)
    return {place: (text[:1], text[-1:], sorted(text.split("\n"))) for place, text in values.items()}


@pytest.mark.parametrize(("log", "field"), _EVERY, ids=[f"{log}-{field.name}" for log, field in _EVERY])
def test_the_app_and_kusto_read_the_same(log: Log, field: Text[Any]) -> None:
    of_log = compared(log)
    values: set[str] = set()
    for name, profile in profiles_for(field):
        read, asked = (
            comparable(field, found)
            for found in (of_log.in_process(field, profile), of_log.in_kusto(log, field, profile))
        )
        differing = {
            place: (read.get(place), asked.get(place)) for place in read | asked if read[place] != asked[place]
        }
        assert not differing, (name, differing, of_log.rows[min(differing)])
        values |= set(of_log.in_process(field, profile).values())
    assert len(values) > 1, f"every row has {values}: tests/fakes/field_rows.py should vary what it reads"


def test_the_profiles_set_what_fields_need() -> None:
    keys = {key for _, field in _EVERY for key in field.required_keys}
    same = {key for key in keys if all(getattr(one, key) == getattr(DEFAULT, key) for one in PROFILES.values())}
    assert same == set()
