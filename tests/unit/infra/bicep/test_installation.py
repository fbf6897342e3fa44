"""What an installation is like that the committed templates make."""

import json
import re
from typing import Any, Final

from infra.checks.building import kept
from infra.checks.compiler import REPOSITORY
from infra.checks.snapshots import SITE, Resource, Snapshot, snapshot_from

_COMMITTED: Final = kept(REPOSITORY)
_SNAPSHOTS: Final = {name: snapshot_from(name, content) for name, content in _COMMITTED.snapshots.items()}
_TEMPLATE: Final[dict[str, Any]] = json.loads(_COMMITTED.template)
_SCRIPTS: Final = REPOSITORY / "infra" / "scripts"


def _only(kind: str, *, of: str = "default", name: str = "") -> Resource:
    (found,) = [one for one in _SNAPSHOTS[of].of(kind) if name in one.last_name]
    return found


def _roles(snapshot: Snapshot) -> set[str]:
    return {one.text("properties.roleDefinitionId") for one in snapshot.of("Microsoft.Authorization/roleAssignments")}


def test_the_sets_are_those_that_matter() -> None:
    assert {
        *("default", "act", "two-watched", "own-among-watched", "workspace", "stream", "no-locks"),
        *("evidence-locked", "prefix-short", "prefix-long", "existing-topic", "first"),
    } <= set(_SNAPSHOTS)


def test_it_may_only_read_by_default() -> None:
    added = {role for role in _roles(_SNAPSHOTS["act"]) - _roles(_SNAPSHOTS["default"]) if "000001/" in role}
    acts = {one.last_name for one in _SNAPSHOTS["act"].of("Microsoft.Authorization/roleDefinitions")}
    assert len(added) == 2, "to write in the subscription, and to name the own workspace as a destination"
    assert {one.rpartition("/")[2] for one in added} <= acts


def test_evidence_is_kept_a_year_and_locked_only_when_asked_for() -> None:
    def policy(of: str) -> object:
        return _only("Microsoft.Storage/storageAccounts", of=of, name="responderev").at(
            "properties.immutableStorageWithVersioning.immutabilityPolicy"
        )

    kept_a_year = {"immutabilityPeriodSinceCreationInDays": 365, "allowProtectedAppendWrites": False}
    assert policy("default") == {**kept_a_year, "state": "Unlocked"}
    assert policy("evidence-locked") == {**kept_a_year, "state": "Locked"}


def test_the_audit_stream_is_off_by_default() -> None:
    assert _SNAPSHOTS["default"].of("Microsoft.EventHub/namespaces") == ()
    assert len(_SNAPSHOTS["stream"].of("Microsoft.EventHub/namespaces")) == 1


def test_it_runs_the_python_that_the_project_is_written_for() -> None:
    version = (REPOSITORY / ".python-version").read_text("utf-8").strip()
    assert _only(SITE).at("properties.functionAppConfig.runtime") == {"name": "python", "version": version}


def test_the_plan_is_flex_consumption() -> None:
    plan = _only("Microsoft.Web/serverfarms")
    assert plan.at("sku") == {"name": "FC1", "tier": "FlexConsumption"}
    assert plan.at("properties.reserved") is True


def test_http_is_always_ready_and_so_is_the_way_from_an_event_to_putting_back() -> None:
    place = "properties.functionAppConfig.scaleAndConcurrency.alwaysReady"
    ready = {name: {str(one["name"]) for one in _only(SITE, of=name).objects(place)} for name in ("default", "act")}
    assert ready == {"default": {"http"}, "act": {"http", "function:subscription_events", "function:answer_case"}}


def test_code_and_host_are_reached_by_identity_alone() -> None:
    authentication = "properties.functionAppConfig.deployment.storage.authentication.type"
    assert _only(SITE).at(authentication) == "UserAssignedIdentity"
    settings = _SNAPSHOTS["default"].settings
    assert settings["AzureWebJobsStorage__credential"] == "managedidentity"
    assert "Authorization=AAD" in settings["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"]


def test_a_further_subscription_is_watched_once_however_it_is_spelled() -> None:
    watched = _SNAPSHOTS["own-among-watched"].settings["SUBSCRIPTION_IDS"].split(",")
    assert watched == ["bbbbbbbb-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"]


def test_an_existing_topic_is_used_and_no_other_made() -> None:
    snapshot = _SNAPSHOTS["existing-topic"]
    assert snapshot.of("Microsoft.EventGrid/systemTopics") == ()
    subscriptions = snapshot.of("Microsoft.EventGrid/systemTopics/eventSubscriptions")
    assert {one.id.partition("/eventSubscriptions/")[0].lower() for one in subscriptions} == {
        f"/subscriptions/bbbbbbbb-0000-4000-8000-00000000000{number}/resourcegroups/events/providers/"
        "microsoft.eventgrid/systemtopics/changes"
        for number in (1, 2)
    }


def test_names_of_role_assignments_are_known_before_a_deployment() -> None:
    """What-if leaves out a module whose names only a deployment knows, without a word."""
    for snapshot in _SNAPSHOTS.values():
        unknown = [
            one.name for one in snapshot.of("Microsoft.Authorization/roleAssignments") if "reference(" in one.name
        ]
        assert unknown == []


def test_the_workbook_is_json_that_the_portal_reads() -> None:
    content = json.loads(_only("Microsoft.Insights/workbooks").text("properties.serializedData"))
    items = content["items"]
    assert [item["type"] for item in items] == [3] * len(items)
    assert all(item["content"]["query"].strip() for item in items)
    assert {item["content"]["queryType"] for item in items} == {0, 1}


def test_every_parameter_says_what_it_is() -> None:
    """docs/infrastructure.md shows it, and so does the portal."""
    silent = [name for name, one in _TEMPLATE["parameters"].items() if not one.get("metadata", {}).get("description")]
    assert silent == []


def test_the_developer_cli_finds_the_app_by_its_tag() -> None:
    text = (REPOSITORY / "azure.yaml").read_text("utf-8")
    service = re.search(r"^services:\n  (\w+):$", text, re.MULTILINE)
    assert service
    assert _only(SITE).at("tags.azd-service-name") == service[1]
    assert _only(SITE).at("tags.azd-env-name") == "prod"
    assert re.search(r"^  path: infra\n  module: main$", text, re.MULTILINE)


def test_the_scripts_of_the_hooks_are_there() -> None:
    named = set(re.findall(r"infra/scripts/[\w.-]+", (REPOSITORY / "azure.yaml").read_text("utf-8")))
    assert named >= {"infra/scripts/grant.sh"}
    assert {name for name in named if not (REPOSITORY / name).is_file()} == set()


def test_the_hooks_and_the_scripts_name_outputs_that_there_are() -> None:
    """In `$outputName` of a hook, and in `needed x y` or `outputs x` of a script."""
    hooks = set(re.findall(r"\$([a-z]\w+)", (REPOSITORY / "azure.yaml").read_text("utf-8")))
    scripts = "".join(path.read_text("utf-8") for path in _SCRIPTS.glob("*.sh"))
    named = {name for names in re.findall(r"\$\((?:needed|outputs) ([\w ]+)\)", scripts) for name in names.split()}
    assert named >= {"functionAppName", "subscriptionIds"}
    assert hooks | named <= set(_TEMPLATE["outputs"])


def test_the_parameters_file_gives_secrets_from_the_environment_only() -> None:
    text = (REPOSITORY / "infra" / "main.bicepparam").read_text("utf-8")
    secure = {name for name, one in _TEMPLATE["parameters"].items() if str(one.get("type")).lower() == "securestring"}
    assert secure
    for name in secure:
        assert re.search(rf"^param {name} = readEnvironmentVariable\('[A-Z_]+', ''\)$", text, re.MULTILINE), name
