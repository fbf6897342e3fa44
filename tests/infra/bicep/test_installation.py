"""What an installation with as few parameters as possible is like."""

import json
import re
from typing import Any, Final

from infra.checks.deployments import Deployment
from infra.checks.functions import UNKNOWN
from infra.checks.rules.events import MOST_VALUES
from infra.checks.syntax import Loop, Resource, When
from infra.checks.values import Evaluator, property_at, rounds_of
from tests.infra.checks.breaking import INFRA, intact, says

_REPOSITORY: Final = INFRA.parent


def _evaluator(deployment: Deployment) -> Evaluator:
    return Evaluator(infrastructure=intact(), deployment=deployment)


def _found(path: str, symbol: str) -> tuple[Deployment, Resource]:
    for deployment, resource in intact().resources():
        if deployment.template.path == path and resource.name == symbol:
            return deployment, resource
    raise AssertionError(f"{path} has no {symbol}")


def _value(path: str, symbol: str, place: str) -> Any:  # noqa: ANN401 - whatever the Bicep gives
    deployment, resource = _found(path, symbol)
    expression = property_at(resource.object, place)
    assert expression is not None, place
    return _evaluator(deployment).value(expression)


def test_it_may_only_read() -> None:
    deployment, act = _found("modules/roles.bicep", "mayAct")
    assert isinstance(act.body, When)
    assert _evaluator(deployment).value(act.body.condition) is False


def test_evidence_is_kept_a_year_and_nothing_is_locked_for_good() -> None:
    policy = _value("modules/evidence.bicep", "account", "properties.immutableStorageWithVersioning")
    assert policy["immutabilityPolicy"] == {
        "immutabilityPeriodSinceCreationInDays": 365,
        "state": "Unlocked",
        "allowProtectedAppendWrites": False,
    }


def test_the_audit_stream_is_off() -> None:
    (main,) = [root for root in intact().roots if root.template.path == "main.bicep"]
    module = main.template.modules["stream"]
    assert isinstance(module.body, When)
    assert _evaluator(main).value(module.body.condition) is False


def test_it_runs_the_python_that_the_project_is_written_for() -> None:
    runtime = _value("modules/app.bicep", "app", "properties.functionAppConfig.runtime")
    assert runtime == {"name": "python", "version": (_REPOSITORY / ".python-version").read_text("utf-8").strip()}


def test_the_plan_is_flex_consumption() -> None:
    assert _value("modules/app.bicep", "plan", "sku") == {"name": "FC1", "tier": "FlexConsumption"}
    assert _value("modules/app.bicep", "plan", "properties.reserved") is True


def test_code_and_host_are_reached_by_identity_alone() -> None:
    authentication = _value(
        "modules/app.bicep", "app", "properties.functionAppConfig.deployment.storage.authentication"
    )
    assert authentication["type"] == "UserAssignedIdentity"
    settings = _value("modules/app.bicep", "settings", "properties")
    assert settings["AzureWebJobsStorage__credential"] == "managedidentity"
    assert settings["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"] is UNKNOWN


def test_the_conditions_keep_the_identity_from_itself_and_from_the_protected() -> None:
    """Azure's own guard beside the app's: checked as text, since only Azure can evaluate it."""
    text = intact().files["modules/roles.bicep"]
    write = next(line for line in text.splitlines() if line.startswith("var mayWrite"))
    delete = next(line for line in text.splitlines() if line.startswith("var mayDelete"))
    assert "!(ActionMatches{\\'Microsoft.Authorization/roleAssignments/write\\'})" in write
    assert re.search(r"@Request\[[^]]+:PrincipalId\] ForAnyOfAllValues:GuidNotEquals \{\$\{principalId\}\}", write)
    assert "!(ActionMatches{\\'Microsoft.Authorization/roleAssignments/delete\\'})" in delete
    assert re.search(r"@Resource\[[^]]+:PrincipalId\] ForAnyOfAllValues:GuidNotEquals", delete)
    assert "untouchableIds" in delete
    assert [line.count("(") - line.count(")") for line in (write, delete)] == [0, 0]
    main = intact().files["main.bicep"]
    assert "var untouchableIds = union(emergencyAccountIds, protectedPrincipalIds)" in main


def test_every_operation_is_in_exactly_one_filter() -> None:
    deployment, resource = _found("modules/event-subscription.bicep", "eventSubscriptions")
    assert isinstance(resource.body, Loop)
    parts = _evaluator(deployment).value(resource.body.over)
    assert all(len(part) <= MOST_VALUES for part in parts)
    operations = [operation.lower() for part in parts for operation in part]
    assert len(operations) == len(set(operations))
    assert set(operations) == says().operations
    names = [
        one.value(name) for one in rounds_of(_evaluator(deployment), resource) if (name := resource.object.get("name"))
    ]
    assert names == [f"entra-responder-{place}" for place in range(len(parts))]


def test_the_workbook_is_json_that_the_portal_reads() -> None:
    (deployment,) = [one for one in intact().deployments if one.template.path == "modules/workbook.bicep"]
    items = _evaluator(deployment).value(deployment.template.variables["workbookItems"].value)
    written = json.loads(json.dumps(items, default=str))
    assert [item["type"] for item in written] == [3] * len(items)
    assert all(item["content"]["query"].strip() for item in written)
    assert {item["content"]["queryType"] for item in written} == {0, 1}


def test_the_developer_cli_finds_the_app_by_its_tag() -> None:
    text = (_REPOSITORY / "azure.yaml").read_text("utf-8")
    service = re.search(r"^services:\n  (\w+):$", text, re.MULTILINE)
    assert service
    tags = _value("modules/app.bicep", "app", "tags")
    assert tags["azd-service-name"] == service[1]
    assert tags["azd-env-name"] == "prod"
    assert re.search(r"^  path: infra\n  module: main$", text, re.MULTILINE)


def test_the_scripts_of_the_hooks_are_there() -> None:
    named = set(re.findall(r"infra/scripts/[\w.-]+", (_REPOSITORY / "azure.yaml").read_text("utf-8")))
    assert named >= {"infra/scripts/grant.sh", "infra/scripts/event-subscriptions.sh"}
    assert {name for name in named if not (_REPOSITORY / name).is_file()} == set()


def test_the_hooks_name_outputs_that_there_are() -> None:
    text = (_REPOSITORY / "azure.yaml").read_text("utf-8")
    named = set(re.findall(r"\$([a-z]\w+)", text))
    assert named
    assert named <= set(intact().templates["main.bicep"].outputs)


def test_the_scripts_name_outputs_that_there_are() -> None:
    """Each name in `needed x y` or `outputs x` of the deployment scripts is an output of main.bicep."""
    scripts = "".join(path.read_text("utf-8") for path in (INFRA / "scripts").glob("*.sh"))
    named = {name for names in re.findall(r"\$\((?:needed|outputs) ([\w ]+)\)", scripts) for name in names.split()}
    assert named >= {"functionAppName", "subscriptionIds"}
    assert named <= set(intact().templates["main.bicep"].outputs)


def test_the_second_step_takes_what_the_first_gives() -> None:
    events = intact().templates["modules/events.bicep"]
    asked = {one.name for one in events.parameters.values() if one.default is None}
    script = (INFRA / "scripts" / "event-subscriptions.sh").read_text("utf-8")
    assert asked == set(re.findall(r'"(\w+)=', script))


def test_the_parameters_file_keeps_secrets_out() -> None:
    values = intact().templates["main.bicepparam"].variables
    main = intact().templates["main.bicep"]
    for name in (parameter.name for parameter in main.parameters.values() if parameter.secure):
        assert name in values
    assert "readEnvironmentVariable('TEAMS_WEBHOOK_URL', '')" in intact().files["main.bicepparam"]
