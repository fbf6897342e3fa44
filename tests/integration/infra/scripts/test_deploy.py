"""deploy.sh to the end: twice, and from any failure on, and telling no secret."""

import os
import re
import subprocess
import zipfile
from io import BytesIO
from itertools import cycle

import pytest

from shared.model.kinds import TenantKind
from shared.model.permissions import Tier
from tests.integration.infra.scripts.az_app import FUNCTION_KEY
from tests.integration.infra.scripts.az_command import SUBSCRIPTION
from tests.integration.infra.scripts.az_management import TOKEN
from tests.integration.infra.scripts.conftest import (
    EVENT_SUBSCRIPTIONS,
    PROVIDERS,
    SCRIPTS,
    WATCHED_PROVIDERS,
    WEBHOOK_SECRET,
    Desk,
    declared,
)
from tests.integration.infra.scripts.simulated_az import Call

OTHER = "7d1e6c52-4a0b-4f83-9c27-b58e0f3a6d14"
WATCH = set(declared(TenantKind.WORKFORCE, Tier.WATCH))
ACT = set(declared(TenantKind.WORKFORCE, Tier.WATCH, Tier.ACT))


def is_all_there(desk: Desk) -> None:
    """What a finished deployment left behind."""
    az = desk.az
    assert az.entra.permissions_of(az.principal) == WATCH
    assert "responders/triggers/events.py" in zipfile.ZipFile(BytesIO(az.code)).namelist()
    silences = [
        rule for rule in az.azure.of_type("Microsoft.Insights/scheduledQueryRules") if "silence" in rule["name"]
    ]
    assert {rule["properties"]["enabled"] for rule in silences} == {True}
    assert len(list(az.azure.of_type("Microsoft.EventGrid/systemTopics/eventSubscriptions"))) == EVENT_SUBSCRIPTIONS
    assert not list(az.azure.of_type("Microsoft.AlertsManagement/actionRules"))
    assert not [each for each in az.assignments() if "canary" in str(each.get("description"))]


def words(call: Call) -> str:
    """What a call does, without its options."""
    return " ".join(call.argv[: next((n for n, word in enumerate(call.argv) if word.startswith("-")), None)])


def deploys(call: Call) -> bool:
    """Whether a call deploys the infrastructure."""
    return words(call) == "deployment sub create" and "--template-file" not in call.argv


def fails_at_first(desk: Desk) -> set[str]:
    """Have each kind of read fail when it is first made, and each write: by turns without effect and after it.

    One that names several ids fails halfway too.
    """
    seen: set[str] = set()
    turns = cycle(("after", "before"))

    def fails(call: Call) -> str:
        what = (
            " ".join(re.sub("[0-9a-f-]{36}", "ID", " ".join(call.argv)).split("--body")[0].split())
            if call.writes
            else words(call)
        )
        what = re.sub(r"\S*/tmp\S*", "FILE", what)
        if what in seen:
            return _halfway(call, what, seen)
        seen.add(what)
        return next(turns) if call.writes else "before"

    desk.az.fails, desk.az.entra.late, desk.az.delays.keys, desk.az.delays.principals = fails, 0, 0, 0
    return seen


def _halfway(call: Call, what: str, seen: set[str]) -> str:
    several = "--ids" in call.argv and not call.argv[call.argv.index("--ids") + 2].startswith("-")
    if not several or f"half of {what}" in seen:
        return ""
    seen.add(f"half of {what}")
    return "halfway"


def test_everything_in_order(desk: Desk) -> None:
    said = desk.runs("deploy.sh")
    is_all_there(desk)
    order = list(dict.fromkeys(words(call) for call in desk.az.writes))
    assert order == [
        "provider register",
        "deployment sub create",
        "rest",
        "functionapp deployment source config-zip",
        "deployment group create",
        "role assignment create",
        "role assignment delete",
    ]
    assert said.endswith("the doctor's report\n")
    (app,) = desk.az.azure.of_type("Microsoft.Web/sites")
    assert desk.asked[-1] == f"doctor --app https://{app['name']}.azurewebsites.net key={FUNCTION_KEY} token={TOKEN}"
    *_, first, second = [at for at, call in enumerate(desk.az.calls) if deploys(call)]
    assert first < next(at for at, call in enumerate(desk.az.calls) if "config-zip" in call.argv) < second


def test_the_second_time_it_deploys_once_and_changes_nothing_else(desk: Desk) -> None:
    desk.runs("deploy.sh")
    before = {key: {**each} for key, each in desk.az.azure.there.items()}
    desk.az.calls.clear()
    said = desk.runs("deploy.sh")
    is_all_there(desk)
    assert desk.az.azure.there == before
    done = [words(call) for call in desk.az.writes if call.argv[0] != "rest"]
    assert done == [*["deployment sub create"] * 2, "role assignment create", "role assignment delete"]
    assert len([call for call in desk.az.writes if deploys(call)]) == 1, "the other keeps its outputs"
    urls = {
        call.argv[call.argv.index("--url") + 1].split("/")[-1].split("?")[0]
        for call in desk.az.writes
        if call.argv[0] == "rest"
    }
    assert urls == {"entra-responder-deployment", "refresh"}
    assert "code: as it should be" in said


def test_it_goes_on_after_a_failure_at_each_step(desk: Desk) -> None:
    desk.register(SUBSCRIPTION, PROVIDERS[1:])
    seen = fails_at_first(desk)
    runs = 1
    while (done := desk.run("deploy.sh")).returncode:
        assert "the test let this call fail" in done.stderr or "not logged in" in done.stderr, done.stderr
        runs += 1
        assert runs < 90
    is_all_there(desk)
    assert len(seen) > 30
    assert len(desk.az.entra.assignments) == len(WATCH)
    desk.runs("deploy.sh")
    is_all_there(desk)


def test_a_role_that_is_not_everywhere_yet_is_waited_for(desk: Desk) -> None:
    desk.az.azure.settling = 3
    said = desk.runs("deploy.sh")
    assert said.count("infrastructure: Azure isn't ready for all of it yet (eventSubscriptions)") == 3
    assert "try 3 of 5" in said
    is_all_there(desk)


@pytest.mark.parametrize(("passes", "tries"), [(True, 5), (False, 1)])
def test_a_deployment_is_repeated_a_few_times_and_only_for_what_passes(desk: Desk, passes: bool, tries: int) -> None:  # noqa: FBT001 - a parameter of the table
    desk.az.azure.settling = 1000 if passes else 0
    if not passes:
        desk.az.fails = lambda call: "before" if words(call) == "deployment sub create" else ""
    done = desk.run("deploy.sh")
    assert done.returncode == 1
    assert ("eventSubscriptions" if passes else "the test let this call fail") in done.stderr
    assert sum(words(call) == "deployment sub create" for call in desk.az.calls) == tries


def test_what_if_writes_nothing(desk: Desk) -> None:
    said = desk.runs("deploy.sh", "--what-if")
    assert desk.az.writes == []
    assert f"would run: az provider register --namespace Microsoft.Web --subscription {SUBSCRIPTION} --wait" in said
    assert "infrastructure: what would change:" in said
    assert "then: permissions" in said
    desk.deploy_quickly()
    desk.register(OTHER, WATCHED_PROVIDERS)
    said = desk.runs("deploy.sh", "--what-if", "--tier", "act", WATCHED_SUBSCRIPTION_IDS=OTHER)
    assert desk.az.writes == []
    assert "would run: az rest --method post" in said
    assert "+ Policy.ReadWrite.ConditionalAccess" in said


def test_what_if_that_sees_nothing_keeps_nothing_from_being_deployed(desk: Desk) -> None:
    """A module whose names aren't known yet is left out of what-if, without a word."""
    desk.deploy_quickly()
    desk.az.what_if_sees_modules = False
    assert '"changes": []' in desk.runs("deploy.sh", "--what-if", "--tier", "act")
    desk.runs("deploy.sh", "--tier", "act")
    assert any("act" in each["roleDefinitionName"] for each in desk.az.assignments(desk.az.principal))


def test_no_secret_is_printed_or_stands_in_a_list_of_processes(desk: Desk) -> None:
    desk.with_b2c()
    for arguments in (("--what-if",), (), ("--tier", "act")):
        done = desk.run("deploy.sh", *arguments)
        for secret in (FUNCTION_KEY, TOKEN, WEBHOOK_SECRET):
            assert secret not in done.stdout + done.stderr
    for call in desk.az.calls:
        assert not any(secret in str(call.argv) for secret in (FUNCTION_KEY, TOKEN, WEBHOOK_SECRET))
    assert not any("secret" in line.split("key=")[0] for line in desk.asked)


def test_code_is_deployed_again_when_asked(desk: Desk) -> None:
    desk.deploy_quickly()
    desk.runs("deploy-code.sh")
    desk.az.calls.clear()
    assert desk.runs("deploy-code.sh") == "code: as it should be\n"
    desk.runs("deploy-code.sh", "--force")
    assert [words(call) for call in desk.az.writes] == [
        "functionapp deployment source config-zip",
        "deployment group create",
    ]


def test_the_doctor_is_asked_until_the_timers_have_run(desk: Desk) -> None:
    desk.deploy_quickly()
    desk.fall_ill()
    done = desk.run("doctor.sh")
    assert done.returncode == 1
    assert "the doctor's report" in done.stdout
    assert "deployed, and the doctor isn't content" in done.stderr
    assert len(desk.asked) == 15
    desk.fall_ill(ill=False)
    desk.runs("doctor.sh")


def test_events_that_do_not_come_round_stop_the_deployment(desk: Desk) -> None:
    desk.grow_deaf()
    done = desk.run("deploy.sh")
    assert done.returncode == 1
    assert "a change of a role didn't come round" in done.stderr
    assert "failed   events-arriving" in done.stdout
    assert not [each for each in desk.az.assignments() if "canary" in str(each.get("description"))]
    assert not list(desk.az.azure.of_type("Microsoft.AlertsManagement/actionRules")), "people hear of changes again"
    desk.grow_deaf(deaf=False)
    desk.runs("deploy.sh")
    is_all_there(desk)


def test_the_canary_goes_by_the_clock_of_azure(desk: Desk) -> None:
    desk.deploy_quickly()
    desk.az.clock = "2031-07-31T12:00:00.654321+00:00"
    desk.runs("canary.sh")
    assert (desk.home / "since").read_text(encoding="utf-8") == desk.az.clock


# A lock of the customer's, under which Azure deletes nothing.


def _lock(desk: Desk, over: str) -> str:
    lock = f"{over}/providers/Microsoft.Authorization/locks/theirs"
    desk.az.azure.put({"id": lock, "type": "Microsoft.Authorization/locks", "name": "theirs"})
    return lock


def _canaries(desk: Desk) -> list[str]:
    return [each["id"] for each in desk.az.assignments() if "canary" in str(each.get("description"))]


@pytest.mark.parametrize("over", ["", "/resourceGroups/rg-responder-prod"])
def test_a_lock_over_the_installation_keeps_nothing_from_its_end(desk: Desk, over: str) -> None:
    desk.deploy_quickly()
    lock = _lock(desk, f"/subscriptions/{SUBSCRIPTION}{over}")
    for _ in range(2):
        said = desk.runs("deploy.sh")
        assert f"! events: no canary in the subscription {SUBSCRIPTION}" in said
        assert "is switched off and stays there" in said
        assert said.count(lock) == 2
        assert said.endswith("the doctor's report\n")
        assert _canaries(desk) == []
        (rule,) = desk.az.azure.of_type("Microsoft.AlertsManagement/actionRules")
        assert rule["properties"]["enabled"] is False
    desk.az.azure.delete(lock)
    desk.runs("deploy.sh")
    is_all_there(desk)


def test_a_lock_over_one_subscription_leaves_the_proof_of_the_others(desk: Desk) -> None:
    desk.register(OTHER)
    desk.deploy_quickly(WATCHED_SUBSCRIPTION_IDS=OTHER)
    _lock(desk, f"/subscriptions/{OTHER}")
    said = desk.runs("canary.sh", WATCHED_SUBSCRIPTION_IDS=OTHER)
    assert f"! events: no canary in the subscription {OTHER}" in said
    assert "events: they arrive from 1 subscription(s)" in said
    assert _canaries(desk) == []
    desk.grow_deaf()
    done = desk.run("canary.sh", WATCHED_SUBSCRIPTION_IDS=OTHER)
    assert done.returncode == 1
    assert f"subscription {SUBSCRIPTION}: none" in done.stdout
    assert f"subscription {OTHER}: none" not in done.stdout


def test_a_canary_that_is_under_a_lock_since_is_told(desk: Desk) -> None:
    desk.deploy_quickly()
    desk.az.fails = lambda call: "before" if words(call) == "role assignment delete" else ""
    assert "its role assignment may be left" in desk.run("canary.sh").stderr
    desk.az.fails = lambda _: ""
    lock = _lock(desk, f"/subscriptions/{SUBSCRIPTION}")
    (canary,) = _canaries(desk)
    assert f"! events: the canary {canary} stays, since Azure deletes nothing under the lock {lock}" in desk.runs(
        "canary.sh"
    )


def test_locks_that_cannot_be_read_let_no_canary_be_made(desk: Desk) -> None:
    desk.deploy_quickly()
    desk.az.fails = lambda call: "before" if "/locks?" in " ".join(call.argv) else ""
    desk.stops("canary.sh")


# Two at once.


def test_the_quiet_of_another_deployment_stays_as_it_is(desk: Desk) -> None:
    desk.deploy_quickly()

    def rules() -> list[dict[str, object]]:
        return [each["properties"] for each in desk.az.azure.of_type("Microsoft.AlertsManagement/actionRules")]

    desk.runs("quiet.sh", "on", RESPONDER_RUN="2031-01-31 1")
    before = rules()
    for wish in ("on", "off"):
        said = desk.runs("quiet.sh", wish, RESPONDER_RUN="2031-01-31 2")
        assert "! alerts: another deployment keeps changes" in said
        assert rules() == before
    assert "another deployment keeps changes" in desk.runs("deploy.sh")
    assert rules() == before
    desk.runs("quiet.sh", "off", RESPONDER_RUN="2031-01-31 1")
    assert rules() == []


def test_quiet_that_is_over_or_is_ended_by_hand_is_nobodys(desk: Desk) -> None:
    desk.deploy_quickly()
    desk.runs("quiet.sh", "on", RESPONDER_RUN="2031-01-31 1")
    (rule,) = desk.az.azure.of_type("Microsoft.AlertsManagement/actionRules")
    rule["properties"]["schedule"]["effectiveUntil"] = "2001-01-31T12:00:00"
    desk.runs("deploy.sh")
    is_all_there(desk)
    desk.runs("quiet.sh", "on", RESPONDER_RUN="2031-01-31 1")
    desk.runs("quiet.sh", "off")
    is_all_there(desk)


def test_an_app_that_was_made_anew_gets_its_code(desk: Desk) -> None:
    desk.runs("deploy.sh")
    (app,) = desk.az.azure.of_type("Microsoft.Web/sites")
    desk.az.azure.delete(f"{app['id']}/providers/Microsoft.Authorization/locks/keep")
    desk.az.azure.delete(app["id"])
    said = desk.runs("deploy.sh")
    assert "code: done" in said
    assert "second pass: alerts on silence true (were false)" in said
    is_all_there(desk)


def test_a_setting_that_does_not_resolve_is_named_and_stops_nothing(desk: Desk) -> None:
    desk.az.unresolved["TEAMS_WEBHOOK_URL"] = "SecretNotFound"
    said = desk.runs("deploy.sh")
    assert "! the setting TEAMS_WEBHOOK_URL isn't resolved (SecretNotFound" in said
    assert "settings from the vault: all resolved" not in said
    is_all_there(desk)


def test_the_host_that_never_gets_ready_is_given_up(desk: Desk) -> None:
    desk.deploy_quickly()
    desk.az.delays.keys = 1000
    done = desk.run("doctor.sh")
    assert done.returncode == 1
    assert "the app's function key can't be read" in done.stderr
    assert desk.az.delays.keys == 980


# Who hears of trouble with the responder itself.


def test_receivers_are_told_and_tested_when_asked(desk: Desk) -> None:
    desk.deploy_quickly()
    said = desk.runs("receivers.sh", "--once")
    assert "! alerts go to owners@contoso.com once that is confirmed" in said
    assert "no test notification was sent yet" in said
    assert desk.az.notified == []
    desk.az.confirmed.add("owners@contoso.com")
    said = desk.runs("receivers.sh", "--test")
    assert said.startswith("alerts go to owners@contoso.com\n")
    assert "test notification (Email) to owners of the subscription: Succeeded" in said
    assert "one e-mail address alone" not in said
    for sent in desk.az.notified:
        assert "owners@contoso.com" in sent
        assert "armrole" in sent
    assert "no test notification" not in desk.runs("receivers.sh", "--once")
    assert len(desk.az.notified) == 2


def test_receivers_of_each_action_group_are_told_and_tested(desk: Desk) -> None:
    """That of trouble, and those of changes: the own one and the one of each watched subscription."""
    desk.register(OTHER)
    desk.deploy_quickly(WATCHED_SUBSCRIPTION_IDS=OTHER)
    theirs = f"/subscriptions/{OTHER}/resourceGroups/rg-responder-prod/providers/Microsoft.Insights/actionGroups/theirs"
    desk.az.azure.put({"id": theirs, "type": "Microsoft.Insights/actionGroups", "name": "theirs"})
    said = desk.runs("receivers.sh")
    assert "! alerts go to owners@contoso.com once that is confirmed" in said
    for each in (SUBSCRIPTION, OTHER):
        assert f"! alerts on changes in {each} go to owners@contoso.com once that is confirmed" in said
    assert desk.az.notified == []
    desk.runs("receivers.sh", "--test")
    groups = desk.az.azure.of_type("Microsoft.Insights/actionGroups")
    ours = sorted((each["id"].split("/")[2], each["name"]) for each in groups if each["name"] != "theirs")
    assert len(ours) == 3
    assert sorted(sent[:2] for sent in desk.az.notified) == ours


def test_a_test_notification_that_does_not_arrive_is_told_and_counts_as_none(desk: Desk) -> None:
    desk.deploy_quickly()
    desk.az.undelivered["owners@contoso.com"] = "the address doesn't take mail"
    done = desk.run("receivers.sh", "--test")
    assert done.returncode == 1
    assert done.stdout.count(": Failed, the address doesn't take mail") == 2
    assert "! not every test notification was delivered" in done.stdout
    assert "no test notification was sent yet" in desk.runs("receivers.sh", "--once")
    desk.az.undelivered.clear()
    desk.runs("receivers.sh", "--test")
    assert "no test notification was sent yet" not in desk.runs("receivers.sh", "--once")


def test_one_mail_address_alone_is_too_few(desk: Desk) -> None:
    desk.deploy_quickly()
    groups = [
        each for each in desk.az.azure.of_type("Microsoft.Insights/actionGroups") if "-changes-" not in each["name"]
    ]
    groups[0]["properties"] = groups[0]["properties"] | {"armRoleReceivers": []}
    assert "! one e-mail address alone hears of trouble with the responder" in desk.runs("receivers.sh")
    groups[0]["properties"] = groups[0]["properties"] | {"emailReceivers": []}
    done = desk.run("receivers.sh")
    assert done.returncode == 1
    assert "nobody hears of alerts" in done.stderr


@pytest.mark.parametrize(
    "script",
    [
        "after-code.sh",
        "canary.sh",
        "deploy-code.sh",
        "deploy.sh",
        "doctor.sh",
        "grant.sh",
        "operators.sh",
        "orphans.sh",
        "preprovision.sh",
        "quiet.sh",
        "receivers.sh",
        "references.sh",
        "remove.sh",
        "stale-events.sh",
    ],
)
def test_each_script_says_what_it_does_and_refuses_what_it_does_not_know(desk: Desk, script: str) -> None:
    assert desk.runs(script, "--help").startswith(script)
    done = desk.run(script, "--everything")
    assert done.returncode == 2
    assert "unknown argument --everything; --help says more" in done.stderr
    (desk.home / "bin" / "az").unlink()
    done = desk.run(script, *{"quiet.sh": ["on"], "remove.sh": ["--yes"]}.get(script, []))
    assert done.returncode == 1
    assert "az was not found" in done.stderr
    assert desk.az.calls == []


@pytest.mark.parametrize(
    "script", ["canary.sh", "deploy-code.sh", "doctor.sh", "grant.sh", "receivers.sh", "stale-events.sh"]
)
def test_a_later_step_before_the_first(desk: Desk, script: str) -> None:
    assert "deploy the infrastructure first" in desk.stops(script)


def test_after_a_deployment_that_failed_the_installation_is_still_known(desk: Desk) -> None:
    """A deployment that failed has no outputs, and an app that was deployed before is alive all the same."""
    desk.runs("deploy.sh", EVIDENCE_LOCK="Locked")
    with pytest.raises(AssertionError, match="ImmutabilityPolicyLocked"):
        desk.deploy_quickly(EVIDENCE_LOCK="Unlocked")
    assert desk.az.deployments["entra-responder-prod"]["properties"]["outputs"] is None
    for script in ("doctor.sh", "canary.sh", "receivers.sh", "deploy-code.sh", "grant.sh", "stale-events.sh"):
        desk.runs(script)
    desk.az.deployments.pop("entra-responder-prod.outputs")
    assert "deploy the infrastructure first" in desk.stops("doctor.sh")


def test_outputs_may_come_from_azd(desk: Desk) -> None:
    """Azure Developer CLI names its deployments itself, and gives the outputs as variables."""
    desk.deploy_quickly()
    outputs = desk.az.deployments.pop("entra-responder-prod")["properties"]["outputs"]
    given = {name: str(each["value"]).replace("'", '"') for name, each in outputs.items()}
    assert desk.run("stale-events.sh").returncode == 1
    assert desk.runs("stale-events.sh", **given) == ""
    assert desk.runs("grant.sh", **given).count("  ") >= len(WATCH)


@pytest.mark.parametrize(("answer", "sent"), [("", 1), ("y", 1), ("n", 0), (None, 0)])
def test_somebody_at_a_terminal_is_asked_once(desk: Desk, answer: str | None, sent: int) -> None:
    desk.deploy_quickly()
    ours, theirs = os.openpty()
    if answer is not None:
        os.write(ours, f"{answer}\n".encode())
    command, values = [str(SCRIPTS / "receivers.sh"), "--once"], desk.environment | {"RESPONDER_ANSWER_SECONDS": "1"}
    for _ in range(2):
        done = subprocess.run(command, env=values, capture_output=True, text=True, check=False, stdin=theirs)
        assert done.returncode == 0
        assert ("no test notification was sent yet" in done.stdout) is not bool(sent)
        if not sent:
            break
    assert len(desk.az.notified) == 2 * sent
    os.close(ours)
    os.close(theirs)


def test_what_cannot_be_told_of_the_settings_stops_nothing(desk: Desk) -> None:
    desk.deploy_quickly()
    desk.az.fails = lambda call: "before" if "configreferences" in " ".join(call.argv) else ""
    assert "could not find out whether the settings" in desk.runs("references.sh")


def test_code_that_cannot_be_told_counts_as_none(desk: Desk) -> None:
    desk.deploy_quickly()
    desk.az.fails = lambda call: "before" if words(call) == "functionapp function list" else ""
    said = desk.runs("deploy.sh")
    assert "! could not find out whether the app has its code" in said
    assert "second pass: alerts on silence true (were false)" in said
