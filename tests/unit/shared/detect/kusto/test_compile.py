import copy
import re
from itertools import chain
from typing import Any, Final

import pytest

from responders.catalogue import CATALOGUE
from shared.detect.fields import Audit, SignIn
from shared.detect.fields.by_log import FIELDS
from shared.detect.kusto.compile import VIEWS, document, query, to_kql, why_no_query
from shared.model.conditions import Condition, Text, all_of, any_of
from shared.model.detections import AnyDetection
from shared.model.events import Log
from tests.fakes.kql_rows import TABLES, words_of


@pytest.mark.parametrize("log", Log)
def test_a_view_has_other_columns_than_fields(log: Log) -> None:
    assert not FIELDS[log].keys() & VIEWS[log].shown.keys()
    assert all(table in TABLES for table in VIEWS[log].tables)


def test_a_field_without_kusto_is_an_error_and_not_an_empty_answer() -> None:
    unknown: Text[Any] = Text("phase_of_the_moon", lambda _: "full")
    with pytest.raises(LookupError, match=f"{CATALOGUE[0].id} reads phase_of_the_moon"):
        query(copy.replace(CATALOGUE[0], when=all_of(unknown.is_("full"))))


def test_every_word_is_one_that_both_languages_fold_alike() -> None:
    words = set(chain.from_iterable(words_of(detection.when) for detection in CATALOGUE))
    assert [word for word in words if not word.isascii()] == []


_IN_KQL: Final[list[tuple[Condition[Any], str]]] = [
    (Audit.activity.is_("Add  User "), 'activity == "add user"'),
    (Audit.activity.is_('a "b" \\ c'), 'activity == "a \\"b\\" \\\\ c"'),
    (SignIn.error_code.one_of("50126", "50053"), 'error_code in ("50053", "50126")'),
    (SignIn.error_code.one_of(), "false"),
    (Audit.activity.starts_with("Reset"), 'activity startswith_cs "reset"'),
    (all_of(), "true"),
    (any_of(), "false"),
    (all_of(Audit.outcome.is_("success")), 'outcome == "success"'),
    (
        all_of(Audit.outcome.is_("success"), any_of(Audit.category.is_("a"), Audit.category.is_("b"))),
        '(outcome == "success" and (category == "a" or category == "b"))',
    ),
]


@pytest.mark.parametrize(("condition", "kql"), _IN_KQL)
def test_a_condition_in_kql(condition: Condition[Any], kql: str) -> None:
    assert to_kql(condition) == kql


@pytest.mark.parametrize("detection", [one for one in CATALOGUE if not why_no_query(one)], ids=lambda one: one.id)
def test_the_header_says_what_a_query_is_for(detection: AnyDetection) -> None:
    text = document(detection)
    header = " ".join(line.removeprefix("// ") for line in text.splitlines() if line.startswith("// "))
    assert text.startswith("// ")
    assert text.endswith("\n")
    for part in (detection.id, detection.title, detection.why, detection.seed_row, f"risk: {detection.risk}"):
        assert part in header
    assert f"MITRE ATT&CK: {', '.join(map(str, detection.techniques))} Reference: {detection.reference}" in header
    assert all(len(line) <= 120 for line in text.splitlines() if line.startswith("//"))
    assert not re.search(r"^// .*;\s*let ", text)
