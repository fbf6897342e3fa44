"""What Microsoft's own language service says of every query in Kusto that is written here."""

import copy
from collections.abc import Generator
from datetime import timedelta
from typing import Final

import pytest

from responders.catalogue import CATALOGUE
from responders.detections.directory_samples import SAMPLE_PROFILE
from shared.detect.fields import Audit
from shared.detect.fields.by_log import FIELDS
from shared.detect.kusto.compile import document, matching_query, query, why_no_query
from shared.detect.kusto.sentinel import Rule, rule_for
from shared.model.conditions import any_of
from shared.model.detections import After, Burst, Rise
from shared.model.events import Log
from shared.model.profile import DEFAULT, TenantProfile
from tests.fakes.kql_analysis import Analyser
from tests.fakes.sign_ins import failures
from tests.integration.shared.detect.kusto.test_counted_answers import BURST, PAIR, RISE, SPRAY, TOGETHER
from tests.unit.infra.bicep.test_alert_queries import QUERIES, TABLES, query_text
from tests.unit.shared.detect.kusto.test_sentinel import LARGE_PROFILE

_MINUTE: Final = timedelta(minutes=1)


@pytest.fixture(scope="module")
def analyser() -> Generator[Analyser]:
    with Analyser() as running:
        yield running


@pytest.mark.parametrize("profile", [DEFAULT, SAMPLE_PROFILE], ids=["default", "sample"])
def test_microsoft_finds_nothing_wrong_with_any_query(analyser: Analyser, profile: TenantProfile) -> None:
    asked = [one for one in CATALOGUE if not why_no_query(one)]
    found = analyser.analysed(*(document(detection, profile) for detection in asked))
    assert {one.id: said for one, said in zip(asked, found, strict=True) if said} == {}


@pytest.mark.parametrize("profile", [DEFAULT, LARGE_PROFILE], ids=["default", "large"])
def test_microsoft_finds_nothing_wrong_with_any_analytics_rule(analyser: Analyser, profile: TenantProfile) -> None:
    rules = [made for each in CATALOGUE if isinstance(made := rule_for(each, profile), Rule)]
    found = analyser.analysed(*(rule.query for rule in rules))
    assert {rule.detection.id: said for rule, said in zip(rules, found, strict=True) if said} == {}


def test_microsoft_finds_nothing_wrong_with_any_field(analyser: Analyser) -> None:
    asked = {log: [field.is_("x") for field in FIELDS[log].values() if field.kusto] for log in Log}
    each = [copy.replace(CATALOGUE[0], log=log, when=any_of(*asked[log])) for log in Log]
    assert analyser.analysed(*map(query, each)) == [[], [], []]


def test_the_analyser_would_say_so(analyser: Analyser) -> None:
    wrong = (
        "AuditLogs | where Foo == 1",
        "_GetWatchlist(1, 2) | where Foo == 1",
        "AuditLogs | where tolowr(Id) == ''",
        "AuditLogs | where Id =",
    )
    said = analyser.analysed(*wrong)
    assert all(said)
    assert "'Foo'" in said[0][0]


_AUDITED: Final = {
    "burst": {"counted": Burst(at_least=2, within=timedelta(hours=1))},
    "burst by": {"counted": Burst(at_least=2, within=_MINUTE, by=Audit.principal, distinct=Audit.activity)},
    "rise": {"counted": Rise()},
    "pair": {"after": After(step_a=Audit.activity.is_("Add user"), by=Audit.principal, window=timedelta(days=3652))},
    "pair within": {"after": After(step_a=Audit.activity.is_("a"), by=Audit.target, window=timedelta(seconds=90))},
}


def test_microsoft_finds_nothing_wrong_with_what_aggregates(analyser: Analyser) -> None:
    audited = [
        failures(log=Log.AUDIT, when=Audit.activity.is_("Delete user"), **fields) for fields in _AUDITED.values()
    ]
    asked = [BURST, SPRAY, TOGETHER, RISE, PAIR, *audited]
    said = analyser.analysed(*map(document, asked), *map(matching_query, asked))
    assert said == [[]] * 2 * len(asked)


def test_microsoft_finds_nothing_wrong_with_the_alerts_and_the_workbook(analyser: Analyser) -> None:
    names = sorted(path.stem for path in QUERIES.glob("*.kql"))
    said = analyser.analysed(*map(query_text, names), tables=TABLES)
    assert {name: one for name, one in zip(names, said, strict=True) if one} == {}
