"""Analytics rules of Sentinel: within the service's limits, however large the tenant, and nothing is left out."""

import copy
import json
import re
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
import yaml

from responders.catalogue import BY_ID, CATALOGUE
from responders.cli import main
from shared.detect.fields import Audit, SignIn
from shared.detect.kusto.compile import prefilters, query, why_no_query
from shared.detect.kusto.sentinel import LONGEST_QUERY, TACTICS, NoRule, Rule, as_template, as_yaml, rule_for
from shared.model.conditions import all_of, any_of
from shared.model.detections import After, AnyDetection, Burst, Rise
from shared.model.events import Log
from shared.model.profile import DEFAULT, TenantProfile
from tests.fakes.sign_ins import failures


def _ids(count: int, of: str) -> frozenset[str]:
    return frozenset(str(uuid.uuid5(uuid.NAMESPACE_URL, f"{of} {number}")) for number in range(count))


LARGE_PROFILE: Final = TenantProfile(
    privileged_accounts=_ids(200, "account"),
    role_assignable_groups=_ids(200, "group"),
    emergency_accounts=_ids(4, "emergency"),
    vip_accounts=_ids(200, "vip"),
    cpim_ids=_ids(2, "cpim"),
    privileged_known_in=_ids(2, "tenant"),
    groups_known_in=_ids(2, "tenant"),
    consumer_tenants=_ids(1, "tenant"),
    consumer_apps=frozenset(f"Shop {number}" for number in range(60)),
    owned_domains=frozenset(f"shop-{number}.example" for number in range(20)),
    allowed_countries=frozenset(f"{one}{other}" for one in "ABCDE" for other in "QRSTU"),
    privileged_countries=frozenset({"NL", "BE"}),
    privileged_networks=frozenset({"203.0.113.0/24"}),
)

_RULES: Final = [made for each in CATALOGUE if isinstance(made := rule_for(each, LARGE_PROFILE), Rule)]
_EACH: Final = pytest.mark.parametrize("rule", _RULES, ids=lambda rule: rule.detection.id)


def test_each_detection_is_a_rule_but_for_what_looks_back_too_far() -> None:
    made = [rule_for(each, LARGE_PROFILE) for each in CATALOGUE]
    without = {one.detection.id: one.because for one in made if isinstance(one, NoRule)}
    streamed_alone = {one.id for one in CATALOGUE if why_no_query(one)}
    assert streamed_alone == {"break-glass-at-risk", "privileged-account-at-risk", "privileged-account-at-low-risk"}
    assert all("whose declaration has no `kusto`" in without.pop(each) for each in streamed_alone)
    assert without.keys() == {"consumer-account-made-privileged", "consumer-failures-rise", "consumer-successes-rise"}
    assert all("a scheduled rule looks back 14 days at most" in because for because in without.values())


@_EACH
def test_a_rule_is_within_the_limits_with_200_privileged_accounts(rule: Rule) -> None:
    assert 1 <= len(rule.query) <= LONGEST_QUERY
    assert not re.search(r"\b(search|union)\s+\*", rule.query)
    assert timedelta(minutes=5) <= rule.frequency <= rule.period <= timedelta(days=14)
    assert rule.frequency >= timedelta(hours=1) or rule.period < timedelta(days=2)
    assert len(rule.entities) <= 10
    assert all(len(entity.columns) <= 3 for entity in rule.entities)


@_EACH
def test_a_rule_keeps_the_time_and_the_columns_of_its_entities(rule: Rule) -> None:
    last = rule.query.rpartition("| project")[2]
    assert last.lstrip().startswith("TimeGenerated")
    for entity in rule.entities:
        for column in entity.columns.values():
            assert re.search(rf"\b{column}\b", last), column
    counts_together = isinstance(rule.detection.counted, Burst) and rule.detection.counted.by is None
    assert bool(rule.entities) is not counts_together


@_EACH
def test_a_rule_first_leaves_out_what_can_not_match_and_gives_only_what_is_new(rule: Rule) -> None:
    minutes = rule.frequency // timedelta(minutes=1) + 1
    assert f"ago({minutes}m)" in rule.query
    wanted = prefilters(rule.detection, LARGE_PROFILE)
    for asked in re.findall(rf"(?:^|= )(?:{'|'.join(_TABLES)})\n((?:\| where .*\n)*)", rule.query, re.MULTILINE):
        assert [each for each in wanted if re.split(r" (?:in|has_any) \(", each)[0] not in asked] == []


def test_a_list_of_ids_is_a_watchlist_and_stands_in_no_query() -> None:
    rule = rule_for(BY_ID["privileged-sign-in-failures"], LARGE_PROFILE)
    assert isinstance(rule, Rule)
    assert not any(account in rule.query for account in LARGE_PROFILE.privileged_accounts)
    (watchlist,) = rule.watchlists
    assert set(watchlist.values) == LARGE_PROFILE.privileged_accounts
    assert f'let {watchlist.name} = toscalar(_GetWatchlist("{watchlist.alias}")' in rule.query
    assert f"in ({watchlist.name})" in rule.query
    few = copy.replace(LARGE_PROFILE, privileged_accounts=_ids(20, "account"))
    small = rule_for(BY_ID["privileged-sign-in-failures"], few)
    assert isinstance(small, Rule)
    assert small.watchlists == ()


def test_what_is_long_stands_in_a_query_once() -> None:
    rule = rule_for(BY_ID["break-glass-changed"], LARGE_PROFILE)
    assert isinstance(rule, Rule)
    assert rule.query.count("x{1680}") == 1
    values = rule.query.partition("let Values1 = dynamic([")[2].partition("]")[0]
    assert len(values) > 200
    assert rule.query.count(values) == 1
    assert rule.query.count("(Values1)") > 1


def test_names_are_in_their_watchlist_as_queries_compare_them() -> None:
    lists = {one.alias: one for rule in _RULES for one in rule.watchlists}
    apps = lists["entra-responder-consumer-apps-folded"]
    assert "shop 7" in apps.values
    assert "entra-responder-consumer-apps" not in lists


def test_a_query_that_is_too_long_all_the_same_is_no_rule() -> None:
    profile = copy.replace(DEFAULT, owned_domains=frozenset(f"{'x' * 50}{number}.example" for number in range(200)))
    made = rule_for(BY_ID["app-redirect-changed"], profile)
    assert isinstance(made, NoRule)
    assert "a rule's at most 10,000" in made.because


_TABLES: Final = ("AuditLogs", "SigninLogs", "AADNonInteractiveUserSignInLogs", "AzureActivity")
_AUDIT: Final = {"log": Log.AUDIT, "counted": None}


@pytest.mark.parametrize(
    ("detection", "expected"),
    [
        (
            failures(when=any_of(Audit.activity.is_("add member to role"), Audit.activity.is_("add user")), **_AUDIT),
            [
                'ActivityDisplayName has_any ("member", "user") or OperationName has_any ("member", "user")',
                'Fold(coalesce(ActivityDisplayName, OperationName)) in ("add member to role", "add user")',
            ],
        ),
        (failures(when=any_of(Audit.activity.is_("add user"), Audit.outcome.is_("success")), **_AUDIT), []),
        (failures(when=Audit.activity.starts_with("add"), **_AUDIT), []),
        (
            failures(when=Audit.activity.is_("\u00e9t\u00e9 2"), **_AUDIT),
            [
                'ActivityDisplayName has_any ("2") or OperationName has_any ("2")',
                'Fold(coalesce(ActivityDisplayName, OperationName)) in ("\u00e9t\u00e9 2")',
            ],
        ),
        (
            failures(when=Audit.activity.is_("\ud658\uc601"), **_AUDIT),
            ['Fold(coalesce(ActivityDisplayName, OperationName)) in ("\ud658\uc601")'],
        ),
        (failures(when=all_of(SignIn.error_code.is_("50126"))), ['ResultType in ("50126")']),
        (
            failures(
                when=Audit.activity.is_("delete user"),
                after=After(step_a=Audit.activity.is_("add user"), by=Audit.principal, window=timedelta(days=1)),
                **_AUDIT,
            ),
            [
                'ActivityDisplayName has_any ("delete", "user") or OperationName has_any ("delete", "user")',
                'Fold(coalesce(ActivityDisplayName, OperationName)) in ("add user", "delete user")',
            ],
        ),
        (
            failures(
                when=Audit.activity.is_("delete user"),
                after=After(step_a=Audit.outcome.is_("success"), by=Audit.principal, window=timedelta(days=1)),
                **_AUDIT,
            ),
            [],
        ),
    ],
)
def test_what_is_left_out_first_is_no_step_of_it(detection: AnyDetection, expected: list[str]) -> None:
    assert prefilters(detection, DEFAULT) == expected


def test_a_sequence_is_found_whichever_step_came_last() -> None:
    asked = query(BY_ID["consumer-account-short-lived"], DEFAULT, ingested_within="61m")
    assert "| where ingested > ago(61m) or first_ingested > ago(61m)" in asked
    assert "\n| where ingestion_time() > ago" not in asked, "step A may be older"


def test_a_burst_is_given_when_a_record_of_it_is_new() -> None:
    burst = failures(counted=Burst(at_least=3, within=timedelta(minutes=5), by=SignIn.account))
    asked = query(burst, DEFAULT, ingested_within="61m")
    assert "and found >= 3 and ingested > ago(61m)" in asked
    assert "\n| where ingestion_time() > ago" not in asked
    assert "TimeGenerated = ended" in query(failures(counted=Rise()), DEFAULT)


def test_each_technique_of_the_catalogue_has_a_tactic_or_is_not_known_to_the_service() -> None:
    numbers = {technique.id[:5] for each in CATALOGUE for technique in each.techniques}
    assert numbers - TACTICS.keys() == {"T1671", "T1685"}
    for rule in _RULES:
        properties = as_yaml(rule)
        assert {TACTICS[number] for number in properties["relevantTechniques"]} == set(properties["tactics"])


def test_the_template_says_the_same_as_the_yaml_and_makes_each_watchlist_before_its_rules() -> None:
    template = as_template(_RULES)
    made = {each["name"]: each for each in template["resources"]}
    assert len(made) == len(template["resources"])
    rules = [each for each in template["resources"] if each["type"].endswith("/alertRules")]
    lists = [each for each in template["resources"] if each["type"].endswith("/Watchlists")]
    for rule, resource in zip(_RULES, rules, strict=True):
        properties, described = resource["properties"], as_yaml(rule)
        assert described["id"] in resource["name"]
        for name in ("query", "severity", "tactics", "description", "triggerThreshold"):
            assert properties[name] == described[name]
        assert properties["techniques"] == described["relevantTechniques"]
        assert properties.get("entityMappings") == described.get("entityMappings")
        assert re.fullmatch(r"PT\d+[MH]|P\d+D", properties["queryPeriod"])
        assert len(resource.get("dependsOn", ())) == len(rule.watchlists)
        for watchlist in rule.watchlists:
            assert any(f"'{watchlist.alias}')" in each for each in resource["dependsOn"])
    for each in lists:
        content: str = each["properties"]["rawContent"]
        assert content.startswith(f"{each['properties']['itemsSearchKey']}\n")
        assert content.count("\n") > 20


def test_a_text_that_arm_would_evaluate_is_escaped() -> None:
    rule = copy.replace(_RULES[0], detection=copy.replace(_RULES[0].detection, title="[a] title"))
    (resource,) = [each for each in as_template([rule])["resources"] if each["type"].endswith("alertRules")]
    assert resource["properties"]["displayName"] == "[[a] title"


def test_the_command_writes_both_forms_and_says_what_is_no_rule(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["kql", "--sentinel", "--out", str(tmp_path)]) == 0
    said = capfd.readouterr()
    files = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    assert said.out == f"analytics rules written to {tmp_path}: {len(files) - 1}\n"
    assert said.err.count("responder: no rule: ") == len(CATALOGUE) - len(files) + 1
    template = json.loads(files["azuredeploy.json"])
    by_name = {each["properties"].get("displayName"): each for each in template["resources"]}
    read = yaml.safe_load(files["ca-policy-created.yaml"])
    assert "query: |\n" in files["ca-policy-created.yaml"]
    assert by_name[read["name"]]["properties"]["query"] == read["query"]
    assert (read["queryFrequency"], read["queryPeriod"], read["kind"]) == ("5m", "1d", "Scheduled")


def test_without_a_folder_the_rules_are_printed(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["kql", "--sentinel", "ca-policy-created", "ca-policy-deleted"]) == 0
    names = [each["name"] for each in yaml.safe_load_all(capfd.readouterr().out)]
    assert names == [BY_ID["ca-policy-created"].title, BY_ID["ca-policy-deleted"].title]
