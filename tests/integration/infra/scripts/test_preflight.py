"""What is looked at before anything is changed: whatever is wrong stops deploy.sh there, with what to do about it."""

import os
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from shared.model.kinds import TenantKind
from tests.integration.infra.scripts.az_command import B2C, SUBSCRIPTION
from tests.integration.infra.scripts.conftest import EVENT_SUBSCRIPTIONS, SCRIPTS, Desk
from tests.integration.infra.scripts.test_deploy import OTHER

_TOPIC = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/theirs/providers/Microsoft.EventGrid/systemTopics/one"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"OPERATORS_CLIENT_ID": ""}, "not set:\n  OPERATORS_CLIENT_ID: "),
        ({"EMERGENCY_ACCOUNT_IDS": ""}, "not set:\n  EMERGENCY_ACCOUNT_IDS: "),
        ({"EMERGENCY_ACCOUNT_IDS": "", "ALERT_EMAIL": ""}, "NAME --query id)\n  ALERT_EMAIL: "),
        ({"ALERT_EMAIL": ""}, "not set:\n  ALERT_EMAIL: "),
        ({"ALERT_EMAIL": "nobody"}, "it should be an e-mail address"),
        ({"EMERGENCY_ACCOUNT_IDS": "alice@contoso.com"}, "alice@contoso.com isn't an id"),
        ({"WATCHED_SUBSCRIPTION_IDS": "Production"}, "production isn't an id"),
        ({"AZURE_ENV_NAME": "a_b"}, "it should be letters, digits and hyphens"),
        ({"AZURE_SUBSCRIPTION_ID": OTHER}, f"az account set --subscription {OTHER}"),
        ({"AZURE_LOCATION": "atlantis"}, "is that a region of Azure with it?"),
        ({"EVIDENCE_LOCK": "locked"}, "infra/main.bicepparam can't be read with these values"),
        ({"PAGE_BY_TEAMS": "perhaps"}, "infra/main.bicepparam can't be read with these values"),
        ({"TEAMS_WEBHOOK_URL": ""}, "export TEAMS_WEBHOOK_URL"),
        ({"PAGE_BY_PAGERDUTY": "true"}, "export PAGERDUTY_ROUTING_KEY"),
        ({"HEAR_PAGERDUTY": "true"}, "export PAGERDUTY_WEBHOOK_SECRETS"),
    ],
)
def test_a_value_that_is_missing_or_makes_no_sense(desk: Desk, values: dict[str, str], message: str) -> None:
    assert message in desk.stops("deploy.sh", **values)


# What a new shell doesn't know.

_FULL = {
    "WATCHED_SUBSCRIPTION_IDS": f"{SUBSCRIPTION},{OTHER}",
    "PROTECTED_PRINCIPAL_IDS": "a1000001-0a9d-4e37-85c2-f41e7b3d6890",
    "EMERGENCY_ACCOUNT_IDS": "b6000001-0a9d-4e37-85c2-f41e7b3d6890,b6000002-7c51-4d8f-9e0a-3b6f2a9c4d17",
    "PAGE_BY_PAGERDUTY": "true",
    "PAGERDUTY_ROUTING_KEY": "a-key",
    "VOCABULARY": '{"employeeAccount": "it\'s"}',
    "RESPONDER_TIER": "act",
}


@pytest.mark.parametrize(
    ("variable", "now", "message"),
    [
        ("WATCHED_SUBSCRIPTION_IDS", "", f"={SUBSCRIPTION},{OTHER}  # would be without {SUBSCRIPTION}, {OTHER}"),
        ("WATCHED_SUBSCRIPTION_IDS", SUBSCRIPTION.upper(), f"  # would be without {OTHER}\n"),
        ("PROTECTED_PRINCIPAL_IDS", None, "# would be without a1000001-0a9d-4e37-85c2-f41e7b3d6890"),
        ("EMERGENCY_ACCOUNT_IDS", "b6000002-7c51-4d8f-9e0a-3b6f2a9c4d17", "would be without b6000001-"),
        ("PAGE_BY_PAGERDUTY", None, "=true  # would be false"),
        ("VOCABULARY", None, """='{"employeeAccount": "it'"'"'s"}'  # would be empty"""),
        ("RESPONDER_TIER", None, "=act  # would be watch"),
    ],
)
def test_what_the_last_deployment_had_is_not_lost_unheard(
    desk: Desk, variable: str, now: str | None, message: str
) -> None:
    desk.register(OTHER)
    desk.deploy_quickly(**_FULL)
    values = {name: value for name, value in (_FULL | {variable: now}).items() if value is not None}
    said = desk.stops("deploy.sh", **values)
    (line,) = [each for each in said.splitlines(keepends=True) if each.startswith("  export ")]
    assert line.startswith(f"  export {variable}=")
    assert message in line
    assert "or, if it is meant: deploy.sh --narrow" in said
    assert "a-key" not in said
    assert "azd env set RESPONDER_NARROW yes" in desk.stops("preprovision.sh", **values)
    assert "all that a deployment needs is there" in desk.runs("deploy.sh", "--what-if", "--narrow", **values)


def test_a_full_deployment_is_found_by_whatever_name_and_is_no_narrower_than_itself(desk: Desk) -> None:
    desk.register(OTHER)
    desk.deploy_quickly(**_FULL)
    desk.runs("deploy.sh", "--what-if", **_FULL)
    desk.az.deployments["prod-1764374400"] = desk.az.deployments.pop("entra-responder-prod") | {
        "name": "prod-1764374400"
    }
    assert "the deployment prod-1764374400 had these" in desk.stops("deploy.sh")
    desk.az.fails = lambda call: "before" if call.argv[:3] == ("deployment", "sub", "list") else ""
    desk.stops("deploy.sh", **_FULL)


def test_a_value_of_several_lines(desk: Desk) -> None:
    desk.deploy_quickly(VOCABULARY='{\n  "guests": "#EXT#"\n}')
    desk.runs("deploy.sh", "--what-if", VOCABULARY='{\n  "guests": "#EXT#"\n}')
    assert 'export VOCABULARY=\'{\n  "guests": "#EXT#"\n}\'  # would be empty' in desk.stops("deploy.sh")


def test_a_tier_that_is_lowered_by_its_name_is_meant(desk: Desk) -> None:
    desk.deploy_quickly(RESPONDER_TIER="act")
    desk.runs("deploy.sh", "--what-if", "--tier", "watch")
    desk.runs("deploy.sh", "--what-if", RESPONDER_TIER="watch")
    assert "export RESPONDER_TIER=act" in desk.stops("deploy.sh", "--what-if")


def test_a_b2c_tenant_is_not_lost_unheard_and_its_ids_are_looked_up(desk: Desk) -> None:
    desk.with_b2c()
    desk.runs("deploy.sh")
    desk.runs("deploy.sh", "--what-if")
    del desk.environment["B2C_TENANT_ID"]
    said = desk.stops("deploy.sh")
    assert f"export B2C_TENANT_ID={B2C}  # would be empty" in said
    assert "B2C_CLIENT_ID" not in said
    said = desk.runs("remove.sh", "--yes")
    assert f"! what it may do in the B2C tenant {B2C} stays" in said


def test_nobody_is_logged_in(desk: Desk) -> None:
    desk.az.logged_in = False
    assert "not logged in: az login" in desk.stops("deploy.sh")


def test_another_cloud(desk: Desk) -> None:
    desk.az.cloud = "AzureUSGovernment"
    assert "only AzureCloud is supported" in desk.stops("deploy.sh")


def test_without_az(desk: Desk) -> None:
    (desk.home / "bin" / "az").unlink()
    assert "az was not found: install the Azure CLI" in desk.stops("deploy.sh")


def test_without_the_compiler(desk: Desk) -> None:
    desk.az.templates = None
    assert "az bicep install" in desk.stops("deploy.sh")


def test_permissions_that_are_not_the_declared_ones(desk: Desk) -> None:
    responder = desk.home / "other"
    responder.write_text("#!/bin/bash\necho workforce watch Everything.Read.All\n", encoding="utf-8")
    responder.chmod(0o755)
    assert "responder permissions --plain writes it anew" in desk.stops("deploy.sh", RESPONDER=str(responder))
    assert desk.az.calls == []


def test_a_tier_that_is_none(desk: Desk) -> None:
    done = desk.run("deploy.sh", "--tier", "all")
    assert (done.returncode, desk.az.calls) == (2, [])
    assert "it should be watch or act" in done.stderr


def _as_python(desk: Desk, code: str) -> dict[str, str]:
    """Have python3 begin with this."""
    folder = desk.home / "old"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code, encoding="utf-8")
    return {"PYTHONPATH": str(folder)}


def test_a_python_that_is_too_old(desk: Desk) -> None:
    old = _as_python(desk, "import sys\nsys.version_info = (3, 9, 18)\n")
    assert "python3 is older than 3.10" in desk.stops("deploy.sh", **old)


def _as_date(desk: Desk, cases: str) -> None:
    """Have date answer some command lines otherwise: cases of bash, in which DATE is the real one."""
    date = desk.home / "bin" / "date"
    text = f'#!/bin/bash\ncase "$*" in {cases} ;; esac\nexec DATE "$@"\n'
    date.write_text(text.replace("DATE", shutil.which("date", path=os.defpath) or ""), encoding="utf-8")
    date.chmod(0o755)


@pytest.mark.parametrize("cases", ["", "*' -d '*) exit 1 ;; *' -v +1H '*) exec DATE -u -d '1 hour' \"${@: -1}\""])
def test_alerts_are_quiet_for_an_hour_by_whatever_date(desk: Desk, cases: str) -> None:
    """By GNU's, and by that of macOS, which knows no -d."""
    desk.deploy_quickly()
    _as_date(desk, cases or "nothing) :")
    desk.runs("quiet.sh", "on")
    (rule,) = desk.az.azure.of_type("Microsoft.AlertsManagement/actionRules")
    until = datetime.fromisoformat(rule["properties"]["schedule"]["effectiveUntil"]).replace(tzinfo=UTC)
    assert timedelta(minutes=55) < until - datetime.now(UTC) <= timedelta(hours=1)


def test_no_rule_without_an_end_is_made(desk: Desk) -> None:
    desk.deploy_quickly()
    _as_date(desk, "*' -d '* | *' -v '*) exit 1")
    assert "a rule without an end" in desk.stops("quiet.sh", "on")


@pytest.mark.parametrize("state", ["Accepted", "Running"])
def test_a_deployment_that_is_under_way(desk: Desk, state: str) -> None:
    desk.deploy_quickly()
    under_way = desk.az.deployments["entra-responder-prod"]["properties"]
    under_way |= {"provisioningState": state, "timestamp": "2031-01-31T12:00:00+00:00"}
    said = desk.stops("deploy.sh")
    assert f"is under way ({state} since 2031-01-31T12:00:00+00:00)" in said
    assert "az deployment sub cancel --name entra-responder-prod" in said
    under_way["provisioningState"] = "Canceled"
    desk.runs("deploy.sh", "--what-if")


@pytest.mark.parametrize("given", [(), ("B2C_CLIENT_ID",), ("B2C_RESPONDER_ID",)])
def test_azd_takes_no_b2c_tenant_without_its_ids(desk: Desk, given: tuple[str, ...]) -> None:
    desk.with_b2c()
    said = desk.stops("preprovision.sh", **dict.fromkeys(given, "id"))
    assert "infra/scripts/grant.sh --b2c registers the responder there" in said
    assert not (desk.home / "azd-environment").exists()
    desk.runs("preprovision.sh", B2C_CLIENT_ID="id", B2C_RESPONDER_ID="id")


def test_python_that_the_region_does_not_offer(desk: Desk) -> None:
    desk.az.runtimes = ("3.11", "3.12")
    assert "offers Python 3.11 3.12 and not 3.13" in desk.stops("deploy.sh")


def test_a_subscription_with_as_many_diagnostic_settings_as_it_may_have(desk: Desk) -> None:
    kind = "Microsoft.Insights/diagnosticSettings"
    for number in range(5):
        place = f"/subscriptions/{SUBSCRIPTION}/providers/{kind}/{number}"
        desk.az.azure.put({"id": place, "type": kind, "name": str(number)})
    assert "has 5 diagnostic settings, as many as Azure allows" in desk.stops("deploy.sh")
    desk.az.azure.delete(f"/subscriptions/{SUBSCRIPTION}/providers/{kind}/4")
    desk.runs("deploy.sh")


def _their_topic(desk: Desk, identity: str) -> None:
    group = {"id": _TOPIC.partition("/providers")[0], "type": "Microsoft.Resources/resourceGroups", "name": "theirs"}
    desk.az.azure.put(group | {"location": "westeurope"})
    source = {"source": f"/subscriptions/{SUBSCRIPTION}", "topicType": "microsoft.resources.subscriptions"}
    topic = {"id": _TOPIC, "type": "Microsoft.EventGrid/systemTopics", "name": "one", "properties": source}
    desk.az.azure.put(topic | {"identity": {"type": identity}})


def test_a_subscription_that_has_a_system_topic_already(desk: Desk) -> None:
    _their_topic(desk, "SystemAssigned")
    assert f"export EXISTING_TOPIC_IDS={_TOPIC}" in desk.stops("deploy.sh")
    desk.runs("deploy.sh", EXISTING_TOPIC_IDS=_TOPIC.upper().replace("/SUBSCRIPTIONS", "/subscriptions"))
    (topic,) = desk.az.azure.of_type("Microsoft.EventGrid/systemTopics")
    assert topic["name"] == "one"
    assert (
        len(list(desk.az.azure.of_type("Microsoft.EventGrid/systemTopics/eventSubscriptions", _TOPIC)))
        == EVENT_SUBSCRIPTIONS
    )


def test_a_topic_without_an_identity(desk: Desk) -> None:
    _their_topic(desk, "None")
    message = desk.stops("deploy.sh", EXISTING_TOPIC_IDS=_TOPIC)
    assert f"az eventgrid system-topic update --ids {_TOPIC} --identity systemassigned" in message


def test_a_secret_that_is_in_the_vault_need_not_be_given_and_one_that_is_off_is_told(desk: Desk) -> None:
    desk.deploy_quickly()
    desk.runs("deploy.sh", "--what-if", TEAMS_WEBHOOK_URL="")
    (secret,) = desk.az.azure.of_type("Microsoft.KeyVault/vaults/secrets")
    secret["properties"] = {"attributes": {"enabled": False}}
    assert "the secret teams-webhook-url in the vault" in desk.stops("deploy.sh", TEAMS_WEBHOOK_URL="")


def test_the_b2c_tenant_without_a_login(desk: Desk) -> None:
    desk.with_b2c(logged_in=False)
    assert f"az login --tenant {B2C} --allow-no-subscriptions" in desk.stops("deploy.sh")


def test_each_prerequisite_is_read_before_anything_is_written(desk: Desk) -> None:
    """A failure of whichever read stops it with nothing changed."""
    desk.runs("deploy.sh")
    reads = next(at for at, call in enumerate(desk.az.calls) if call.writes)
    assert reads > 10
    for number in range(reads):
        fresh: list[object] = []

        def fails(_call: object, number: int = number, fresh: list[object] = fresh) -> str:
            fresh.append(None)
            return "before" if len(fresh) == number + 1 else ""

        desk.az.fails = fails
        desk.stops("deploy.sh")


def test_every_tenant_has_permissions() -> None:
    lines = (SCRIPTS / "permissions.txt").read_text(encoding="utf-8").splitlines()
    assert {line.split()[0] for line in lines} == set(TenantKind)
