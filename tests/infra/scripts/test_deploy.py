"""deploy.sh to the end: twice, and from any failure on, leaving alone what is right and telling no secret."""

import zipfile
from io import BytesIO
from itertools import cycle

import pytest

from shared.catalog import TenantKind
from shared.grants import Tier
from tests.infra.scripts.conftest import PROVIDERS, WEBHOOK_SECRET, Desk, declared
from tests.infra.scripts.simulated_az import FUNCTION_KEY, REPOSITORY, SUBSCRIPTION, TOKEN, Call

_WATCH = set(declared(TenantKind.WORKFORCE, Tier.WATCH))
_ACT = set(declared(TenantKind.WORKFORCE, Tier.WATCH, Tier.ACT))


def _is_all_there(desk: Desk) -> None:
    """What a finished deployment left behind."""
    az = desk.az
    assert set(az.deployments) == {"entra-responder-prod", "entra-responder-prod-events"}
    assert az.entra.permissions_of(az.principal) == _WATCH
    assert "responders/triggers/events.py" in zipfile.ZipFile(BytesIO(az.code)).namelist()
    assert set(az.deployments["entra-responder-prod-events"]["resources"]) == {SUBSCRIPTION}
    assert "Registered" in {state for (_, name), state in az.providers.items() if name == "Microsoft.EventGrid"}


def _words(call: Call) -> str:
    return " ".join(call.argv[: next((n for n, word in enumerate(call.argv) if word.startswith("-")), None)])


def test_everything_in_order_and_the_second_time_nothing(desk: Desk) -> None:
    said = desk.runs("deploy.sh")
    _is_all_there(desk)
    order = list(dict.fromkeys(_words(call) for call in desk.az.writes))
    assert order == [
        "provider register",
        "deployment sub create",
        "rest",
        "functionapp deployment source config-zip",
        "deployment group create",
    ]
    assert said.endswith("the doctor's report\n")
    assert desk.asked[-1] == (f"doctor --app https://responder-x.azurewebsites.net key={FUNCTION_KEY} token={TOKEN}")
    desk.az.calls.clear()
    again = desk.runs("deploy.sh")
    assert desk.az.writes == []
    assert again.count("as it should be") == 3
    assert desk.asked[-1].startswith("doctor --app ")


def test_it_goes_on_after_a_failure_at_each_step(desk: Desk) -> None:
    """Each kind of read fails when it is first made, and each write: by turns without effect and after it."""
    seen: set[str] = set()
    turns = cycle(("after", "before"))

    def fails(call: Call) -> str:
        what = " ".join(word for word in call.argv if "/" not in word) if call.writes else _words(call)
        if what in seen:
            return ""
        seen.add(what)
        return next(turns) if call.writes else "before"

    desk.az.providers = {(SUBSCRIPTION, f"Microsoft.{name}"): "Registered" for name in PROVIDERS[1:]}
    desk.az.fails, desk.az.entra.late = fails, 0
    runs = 1
    while (done := desk.run("deploy.sh")).returncode:
        assert "the test let this call fail" in done.stderr or "not logged in" in done.stderr, done.stderr
        runs += 1
        assert runs < 60
    _is_all_there(desk)
    assert runs == len(seen) + 1 > 15
    assert len(desk.az.entra.assignments) == len(_WATCH)


def test_what_if_writes_nothing(desk: Desk) -> None:
    said = desk.runs("deploy.sh", "--what-if")
    assert desk.az.writes == []
    assert f"would run: az provider register --namespace Microsoft.Web --subscription {SUBSCRIPTION} --wait" in said
    assert "infrastructure: what would change:" in said
    assert "then: permissions" in said
    desk.runs("deploy.sh")
    desk.az.calls.clear()
    said = desk.runs("deploy.sh", "--what-if", "--tier", "act", WATCHED_SUBSCRIPTION_IDS=SUBSCRIPTION[::-1])
    assert desk.az.writes == []
    assert '"resourceId": "RESPONDER_TIER"' in said
    assert "would run: az rest --method post" in said
    assert "+ Policy.ReadWrite.ConditionalAccess" in said


def test_the_tier_is_raised_and_lowered_again(desk: Desk) -> None:
    desk.runs("deploy.sh", "--tier", "act")
    assert desk.az.deployments["entra-responder-prod"]["resources"]["RESPONDER_TIER"] == "act"
    assert desk.az.entra.permissions_of(desk.az.principal) == _ACT
    said = desk.runs("grant.sh")
    assert "! Application.Read.All is held and not of tier watch: --prune takes it away" in said
    assert desk.az.entra.permissions_of(desk.az.principal) == _ACT
    assert {role.split("/")[-1] for role in desk.az.azure_roles} == {"watch", "act"}
    desk.runs("grant.sh", "--prune")
    assert {role.split("/")[-1] for role in desk.az.azure_roles} == {"watch"}
    assert desk.az.entra.permissions_of(desk.az.principal) == _WATCH


def test_no_secret_is_printed_or_stands_in_a_list_of_processes(desk: Desk) -> None:
    desk.with_b2c()
    for arguments in (("--what-if",), (), ("--tier", "act")):
        done = desk.run("deploy.sh", *arguments)
        for secret in (FUNCTION_KEY, TOKEN, WEBHOOK_SECRET):
            assert secret not in done.stdout + done.stderr
    for call in desk.az.calls:
        assert not any(secret in str(call.argv) for secret in (FUNCTION_KEY, TOKEN, WEBHOOK_SECRET))
    assert not any("secret" in line.split("key=")[0] for line in desk.asked)


def test_watched_subscriptions_get_their_events(desk: Desk) -> None:
    other = "7d1e6c52-4a0b-4f83-9c27-b58e0f3a6d14"
    desk.runs("deploy.sh", WATCHED_SUBSCRIPTION_IDS=other)
    assert set(desk.az.deployments["entra-responder-prod-events"]["resources"]) == {SUBSCRIPTION, other}
    assert desk.az.providers[other, "Microsoft.EventGrid"] == "Registered"


def test_code_is_deployed_again_when_asked(desk: Desk) -> None:
    desk.deploy_quickly()
    desk.runs("deploy-code.sh")
    desk.az.calls.clear()
    assert desk.runs("deploy-code.sh") == "code: as it should be\n"
    desk.runs("deploy-code.sh", "--force")
    assert [_words(call) for call in desk.az.writes] == [
        "functionapp deployment source config-zip",
        "deployment group create",
    ]


def test_outputs_may_come_from_azd(desk: Desk) -> None:
    """Azure Developer CLI names its deployments itself, and gives the outputs as variables."""
    desk.deploy_quickly()
    desk.runs("event-subscriptions.sh")
    outputs = desk.az.deployments.pop("entra-responder-prod")["outputs"]
    given = {name: str(each["value"]).replace("'", '"') for name, each in outputs.items()}
    assert desk.run("event-subscriptions.sh").returncode == 1
    assert desk.runs("event-subscriptions.sh", **given) == "events: as it should be\n"
    assert set(desk.runs("grant.sh", **given).split()) == _WATCH


def test_the_doctor_is_asked_until_the_timers_have_run(desk: Desk) -> None:
    desk.fall_ill()
    done = desk.run("deploy.sh")
    assert done.returncode == 1
    assert "the doctor's report" in done.stdout
    assert "deployed, and the doctor isn't content" in done.stderr
    assert len([line for line in desk.asked if line.startswith("doctor")]) == 15
    desk.fall_ill(ill=False)
    desk.runs("deploy.sh")


# What can be wrong before anything is done.


@pytest.mark.parametrize("name", ["OPERATORS_CLIENT_ID", "EMERGENCY_ACCOUNT_IDS", "ALERT_EMAIL"])
def test_a_value_that_is_missing(desk: Desk, name: str) -> None:
    del desk.environment[name]
    done = desk.run("deploy.sh")
    assert done.returncode == 1
    assert f"{name} is not set" in done.stderr
    assert desk.az.calls == []


def test_nobody_is_logged_in(desk: Desk) -> None:
    desk.az.logged_in = False
    done = desk.run("deploy.sh")
    assert (done.returncode, desk.az.writes) == (1, [])
    assert "not logged in: az login" in done.stderr


def test_another_subscription_than_meant(desk: Desk) -> None:
    done = desk.run("deploy.sh", AZURE_SUBSCRIPTION_ID="another")
    assert (done.returncode, desk.az.writes) == (1, [])
    assert "az account set --subscription another" in done.stderr


def test_permissions_that_are_not_the_declared_ones(desk: Desk) -> None:
    responder = desk.home / "other"
    responder.write_text("#!/bin/bash\necho workforce watch Everything.Read.All\n", encoding="utf-8")
    responder.chmod(0o755)
    done = desk.run("deploy.sh", RESPONDER=str(responder))
    assert (done.returncode, desk.az.calls) == (1, [])
    assert "responder permissions --plain writes it anew" in done.stderr


@pytest.mark.parametrize(
    "script", ["deploy.sh", "deploy-code.sh", "event-subscriptions.sh", "grant.sh", "operators.sh"]
)
def test_each_script_says_what_it_does_and_refuses_what_it_does_not_know(desk: Desk, script: str) -> None:
    assert desk.runs(script, "--help").startswith(script)
    done = desk.run(script, "--everything")
    assert done.returncode == 2
    assert "unknown argument --everything; --help tells more" in done.stderr
    assert desk.az.calls == []


@pytest.mark.parametrize("script", ["deploy-code.sh", "event-subscriptions.sh", "grant.sh"])
def test_a_later_step_before_the_first(desk: Desk, script: str) -> None:
    done = desk.run(script)
    assert done.returncode == 1
    assert "deploy the infrastructure first" in done.stderr
    assert desk.az.writes == []


def test_events_before_the_code(desk: Desk) -> None:
    desk.deploy_quickly()
    desk.az.code = b""
    done = desk.run("event-subscriptions.sh")
    assert done.returncode == 1
    assert "the app has no function subscription_events: deploy the code" in done.stderr


def test_the_tenants_of_the_permission_file_are_those_of_the_catalogue() -> None:
    lines = (REPOSITORY / "infra" / "scripts" / "permissions.txt").read_text(encoding="utf-8").splitlines()
    assert {line.split()[0] for line in lines} == set(TenantKind)
