"""The same rows, asked in Kusto (which DuckDB executes) and read by the app: both must find the same ones."""

import copy
import json
from collections.abc import Sequence
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responders.catalogue import CATALOGUE
from responders.detections.directory_samples import SAMPLE_PROFILE
from responders.detections.samples import audit_record
from shared.detect.conditions import holds
from shared.detect.fields import Audit
from shared.detect.kusto.compile import matching_query, to_kql, why_no_query
from shared.detect.matcher import Matcher
from shared.model.conditions import Condition, Not, Text, all_of, any_of
from shared.model.detections import AnyDetection
from shared.model.events import fold
from shared.normalize import read_batch
from tests.fakes.kql_rows import Json, row_of, rows
from tests.fakes.kql_workspace import Workspace, to_sql
from tests.fakes.record_strategies import audit_row, everything


def matched_in_process(detection: AnyDetection, rows: Sequence[Json]) -> set[int]:
    readings = list(read_batch(json.dumps(rows).encode(), tenant_id="", interest=everything))
    assert [reading.unreadable for reading in readings] == [""] * len(rows)
    matcher = Matcher([detection], SAMPLE_PROFILE)
    events = [(reading.index, reading.event) for reading in readings if reading.event is not None]
    return {place for place, event in events if matcher.matches(event)}


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace()


def sql_of(detection: AnyDetection) -> str:
    return to_sql(matching_query(detection, SAMPLE_PROFILE))


@pytest.mark.parametrize("detection", [one for one in CATALOGUE if not why_no_query(one)], ids=lambda one: one.id)
def test_a_query_finds_the_hits_and_not_the_misses_and_what_the_app_finds(
    workspace: Workspace, detection: AnyDetection
) -> None:
    sql = sql_of(detection)
    samples = [row_of(record) for record in (*detection.hits, *detection.misses)]
    hits = set(range(len(detection.hits)))

    @settings(max_examples=1)
    @given(st.lists(rows(detection), min_size=20, max_size=40))
    def agree(drawn: list[Json]) -> None:
        workspace.fill([*samples, *drawn])
        found = workspace.found(sql)
        assert {place for place in found if place < len(samples)} == hits
        assert found == matched_in_process(detection, [*samples, *drawn])

    agree()


_FOR_ALL: Final = next(one for one in CATALOGUE if one.id == "permission-granted-for-all")
_NEARLY_JSON: Final = {
    "a scope that goes on after its quotes": ("DelegatedPermissionGrant.Scope", '"User.Read\nMail.ReadWrite"x'),
    "a scope without its last quote": ("DelegatedPermissionGrant.Scope", '"User.Read Mail.ReadWrite'),
    "a scope with a line break in quotes": ("DelegatedPermissionGrant.Scope", '"User.Read\nMail.ReadWrite"'),
    "a consent that goes on after its quotes": ("DelegatedPermissionGrant.ConsentType", '"AllPrincipals"x'),
    "a consent without its last quote": ("DelegatedPermissionGrant.ConsentType", '"AllPrincipals'),
}


@pytest.mark.parametrize(("name", "value"), _NEARLY_JSON.values(), ids=_NEARLY_JSON)
def test_what_begins_like_json_and_is_none_is_a_text_in_both(workspace: Workspace, name: str, value: str) -> None:
    record = copy.deepcopy(_FOR_ALL.hits[0])
    changes = record["targetResources"][0]["modifiedProperties"]
    next(one for one in changes if one["displayName"] == name)["newValue"] = value
    drawn = [row_of(record)]
    workspace.fill(drawn)
    assert workspace.found(sql_of(_FOR_ALL)) == matched_in_process(_FOR_ALL, drawn)


_SPACES: Final = [chr(code) for code in range(0x110000) if chr(code).isspace()]
_DASHES: Final = list("-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d")
_NAMES: Final = [
    *(f"{one}Reset {one}{one} password {one}" for one in _SPACES),
    *(f"Update application {one} Certificates" for one in _DASHES),
    "x" * 499 + " yz",
    "x " * 400,
    "",
]


def test_names_are_folded_alike(workspace: Workspace) -> None:
    workspace.fill([audit_row(audit_record(name)) for name in _NAMES])
    detection = copy.replace(CATALOGUE[0], when=Not(Audit.activity.is_("no such activity")))
    assert workspace.column(sql_of(detection), "activity") == dict(enumerate(map(fold, _NAMES)))


COLOUR: Final[Text[Json]] = Text("colour", lambda thing: thing["colour"])
SIZE: Final[Text[Json]] = Text("size", lambda thing: thing["size"])

_words = st.sampled_from(
    ("", "red", "redder", "dark-red", 'a "b"', "back\\slash", "it's", "*", "%", "r_d", "straße", "🜁")
)


_KINDS: Final = ("is", "one of", "starts with", "ends with", "contains")


def _leaf(field: Text[Json], kind: str, one: str, other: str) -> Condition[Json]:
    if kind == "is":
        return field.is_(one)
    if kind == "one of":
        return field.one_of(one, other)
    if kind == "ends with":
        return field.ends_with(one)
    return field.contains(one) if kind == "contains" else field.starts_with(one)


_conditions: st.SearchStrategy[Condition[Json]] = st.recursive(
    st.builds(_leaf, st.sampled_from((COLOUR, SIZE)), st.sampled_from(_KINDS), _words, _words),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda terms: all_of(*terms)),
        st.lists(inner, max_size=3).map(lambda terms: any_of(*terms)),
        inner.map(Not),
    ),
    max_leaves=6,
)


@settings(max_examples=30)
@given(condition=_conditions, colour=_words, size=_words)
def test_any_tree_holds_in_both(workspace: Workspace, condition: Condition[Json], colour: str, size: str) -> None:
    thing = {"colour": colour, "size": size}
    assert workspace.is_true(to_kql(condition), **thing) is holds(condition, thing)
