"""Later deployments, by deploy.sh and by azd, and removal: each ends rightly, and says what happened."""

import copy
import json
import re
from typing import Final

import pytest

from infra.scripts.given_roles import given_in
from tests.integration.infra.scripts.az_command import SUBSCRIPTION
from tests.integration.infra.scripts.az_parser import REPOSITORY
from tests.integration.infra.scripts.azure_resources import Json
from tests.integration.infra.scripts.conftest import EVENT_SUBSCRIPTIONS, PROVIDERS, Desk
from tests.integration.infra.scripts.test_deploy import ACT, OTHER, WATCH, fails_at_first, is_all_there

_NOTHING: Final[Json] = {"type": "Object", "value": {}}
_GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-responder-prod"


def _evidence_policy(desk: Desk) -> Json:
    accounts = desk.az.azure.of_type("Microsoft.Storage/storageAccounts")
    (account,) = [each for each in accounts if "immutableStorageWithVersioning" in each["properties"]]
    return account["properties"]["immutableStorageWithVersioning"]["immutabilityPolicy"]


def _role_names(desk: Desk, subscription: str = SUBSCRIPTION) -> set[str]:
    held = desk.az.assignments(desk.az.principal)
    own = [each for each in held if each["scope"].lower() == f"/subscriptions/{subscription}"]
    return {each["roleDefinitionName"].split(" (")[0] for each in own}


# Upgrade and tier.


def test_an_upgrade_keeps_alerts_on_silence_on_and_takes_one_pass(desk: Desk) -> None:
    desk.deploy_quickly()
    said = desk.runs("deploy.sh")
    assert "second pass" not in said
    assert said.count("infrastructure: done") == 1
    assert "code: done" in said
    is_all_there(desk)


def test_alerts_on_silence_stay_off_for_whom_wants_that(desk: Desk) -> None:
    desk.runs("deploy.sh", RESPONDER_HEARTBEATS="false")
    rules = [
        each for each in desk.az.azure.of_type("Microsoft.Insights/scheduledQueryRules") if "silence" in each["name"]
    ]
    assert {each["properties"]["enabled"] for each in rules} == {False}


def test_the_tier_is_raised_told_and_lowered_again(desk: Desk) -> None:
    desk.runs("deploy.sh", "--tier", "act")
    assert desk.az.entra.permissions_of(desk.az.principal) == ACT
    assert _role_names(desk) == {"Entra Responder watch", "Entra Responder act"}
    said = desk.runs("deploy.sh", "--tier", "watch")
    assert "! Policy.ReadWrite.ConditionalAccess is held and not of tier watch: --prune takes it away" in said
    assert "! Entra Responder act (responder-prod" in said
    assert "is held and not of tier watch: --prune takes it away" in said
    assert _role_names(desk) == {"Entra Responder watch", "Entra Responder act"}
    said = desk.runs("deploy.sh", "--prune")
    assert "- Entra Responder act (responder-prod" in said
    assert _role_names(desk) == {"Entra Responder watch"}
    assert desk.az.entra.permissions_of(desk.az.principal) == WATCH


# Subscriptions.


def test_a_subscription_is_watched_and_taken_off_the_list_again(desk: Desk) -> None:
    desk.runs("deploy.sh", "--tier", "act", WATCHED_SUBSCRIPTION_IDS=f"{OTHER.upper()},{SUBSCRIPTION}")
    assert desk.az.providers[OTHER, "Microsoft.EventGrid"] == "Registered"
    assert _role_names(desk, OTHER) == {"Entra Responder watch", "Entra Responder act"}
    assert len(list(desk.az.azure.of_type("Microsoft.EventGrid/systemTopics", f"/subscriptions/{OTHER}"))) == 1

    said = desk.runs("deploy.sh", "--tier", "act", "--narrow")
    assert f"! the subscription {OTHER} is no longer watched" in said
    assert "grant.sh --prune takes it away" in said
    assert _role_names(desk, OTHER) == {"Entra Responder watch", "Entra Responder act"}, "only told"
    senders = [each for each in desk.az.assignments() if "Event Grid puts" in str(each.get("description"))]
    assert len(senders) == 2, "its topic still delivers"

    said = desk.runs("deploy.sh", "--tier", "act", "--prune")
    assert f"- resource group rg-responder-prod of {OTHER}" in said
    assert not [key for key in desk.az.azure.there if OTHER in key and "roledefinitions" not in key]
    assert _role_names(desk) == {"Entra Responder watch", "Entra Responder act"}
    desk.runs("deploy.sh", "--tier", "act")
    senders = [each for each in desk.az.assignments() if "Event Grid puts" in str(each.get("description"))]
    assert len(senders) == 1, "and what its topic could do is gone"
    assert {key.split("/")[2] for key in desk.az.azure.there} == {SUBSCRIPTION}


def test_fewer_operations_leave_no_event_subscription_behind(desk: Desk) -> None:
    desk.deploy_quickly()
    (topic,) = desk.az.azure.of_type("Microsoft.EventGrid/systemTopics")
    one = next(desk.az.azure.of_type("Microsoft.EventGrid/systemTopics/eventSubscriptions"))
    old = one["id"].rpartition("-")[0] + "-7"
    desk.az.azure.put(one | {"id": old, "name": f"{topic['name']}/{old.rpartition('/')[2]}"})
    theirs = topic["id"] + "/eventSubscriptions/of-others"
    desk.az.azure.put(one | {"id": theirs, "name": f"{topic['name']}/of-others"})
    assert "would run: az eventgrid system-topic event-subscription delete" in desk.runs("stale-events.sh", "--what-if")
    assert old.lower() in desk.az.azure.there
    said = desk.runs("stale-events.sh")
    assert f"- event subscription {old.rpartition('/')[2]} of {topic['name']}" in said
    assert f"+ lock on {topic['name']}" in said
    assert old.lower() not in desk.az.azure.there
    assert theirs.lower() in desk.az.azure.there
    assert desk.az.azure.locks_over(topic["id"])


def test_a_lock_is_lifted_in_the_subscription_that_it_is_in(desk: Desk) -> None:
    """Topics and groups are called the same in each, and az takes a lock's id for one in its default subscription."""
    desk.register(OTHER)
    desk.deploy_quickly(WATCHED_SUBSCRIPTION_IDS=OTHER)
    (topic,) = desk.az.azure.of_type("Microsoft.EventGrid/systemTopics", f"/subscriptions/{OTHER}")
    kind = "Microsoft.EventGrid/systemTopics/eventSubscriptions"
    one = next(desk.az.azure.of_type(kind, topic["id"]))
    old = one["id"].rpartition("-")[0] + "-7"
    desk.az.azure.put(one | {"id": old, "name": f"{topic['name']}/{old.rpartition('/')[2]}"})
    locks = {each["id"] for each in desk.az.azure.of_type("Microsoft.Authorization/locks")}
    desk.runs("stale-events.sh")
    assert old.lower() not in desk.az.azure.there
    assert {each["id"] for each in desk.az.azure.of_type("Microsoft.Authorization/locks")} == locks
    (lifted,) = [call.argv for call in desk.az.writes if call.argv[:2] == ("lock", "delete")]
    assert lifted[lifted.index("--subscription") + 1] == OTHER


# Evidence.


def test_evidence_is_locked_in_a_second_pass_and_stays_locked(desk: Desk) -> None:
    said = desk.runs("deploy.sh", EVIDENCE_LOCK="Locked", EVIDENCE_DAYS="400")
    assert "evidence Locked (was Unlocked)" in said
    assert _evidence_policy(desk)["state"] == "Locked"
    said = desk.runs("deploy.sh")
    assert "! the evidence is locked, which can't be undone: it stays Locked" in said
    policy = _evidence_policy(desk)
    assert (policy["state"], policy["immutabilityPeriodSinceCreationInDays"]) == ("Locked", 400)
    said = desk.runs("deploy.sh", EVIDENCE_LOCK="Locked", EVIDENCE_DAYS="30")
    assert "! the evidence is locked for 400 days, which can't be shortened: 30 isn't taken" in said
    assert _evidence_policy(desk)["immutabilityPeriodSinceCreationInDays"] == 400
    desk.runs("deploy.sh", EVIDENCE_LOCK="Locked", EVIDENCE_DAYS="500")
    assert _evidence_policy(desk)["immutabilityPeriodSinceCreationInDays"] == 500


def test_days_that_are_not_said_stay_as_they_are(desk: Desk) -> None:
    desk.deploy_quickly(EVIDENCE_DAYS="500")
    desk.runs("deploy.sh")
    assert _evidence_policy(desk)["immutabilityPeriodSinceCreationInDays"] == 500
    desk.runs("deploy.sh", EVIDENCE_DAYS="30")
    assert _evidence_policy(desk)["immutabilityPeriodSinceCreationInDays"] == 30


@pytest.mark.parametrize("asked", ["Unlocked", "Locked"])
def test_a_policy_that_somebody_disabled_is_on_again(desk: Desk, asked: str) -> None:
    desk.deploy_quickly()
    _evidence_policy(desk)["state"] = "Disabled"
    said = desk.runs("deploy.sh", EVIDENCE_LOCK=asked)
    assert "! the evidence policy is Disabled" in said
    assert _evidence_policy(desk)["state"] == asked


# What is gone, and what can't be changed.


def _group_is_deleted(desk: Desk) -> None:
    for lock in list(desk.az.azure.of_type("Microsoft.Authorization/locks")):
        desk.az.azure.delete(lock["id"])
    desk.az.delete_group(_GROUP)


def test_a_deleted_group_comes_back_with_its_vault_and_an_identity_made_anew(desk: Desk) -> None:
    desk.runs("deploy.sh")
    before = desk.az.principal
    _group_is_deleted(desk)
    assert [each["principalId"] for each in desk.az.assignments()] == [before]
    said = desk.runs("deploy.sh", TEAMS_WEBHOOK_URL="")
    assert "is back, with the secrets that it had" in said
    assert (
        f"- orphaned in {SUBSCRIPTION}: Entra Responder responder-prod: reads role assignments, and where logs and"
        f" events go. (held by {before}" in said
    )
    assert desk.az.principal != before
    is_all_there(desk)


def test_a_deleted_vault_without_the_secret_that_is_needed(desk: Desk) -> None:
    desk.deploy_quickly(PAGE_BY_TEAMS="false", TEAMS_WEBHOOK_URL="")
    _group_is_deleted(desk)
    done = desk.run("deploy.sh", TEAMS_WEBHOOK_URL="")
    assert done.returncode == 1
    assert "export TEAMS_WEBHOOK_URL" in done.stderr
    desk.runs("deploy.sh")


def test_an_identity_made_anew_loses_what_is_under_locks_too(desk: Desk) -> None:
    desk.deploy_quickly()
    (identity,) = desk.az.azure.of_type("Microsoft.ManagedIdentity/userAssignedIdentities")
    before = identity["properties"]["principalId"]
    desk.az.azure.delete(f"{identity['id']}/providers/Microsoft.Authorization/locks/keep")
    desk.az.azure.delete(identity["id"])
    said = desk.runs("orphans.sh", "--what-if")
    assert "would run: az role assignment delete" in said
    assert desk.az.writes == []
    said = desk.runs("deploy.sh")
    assert said.count("- orphaned in") > 5
    assert "- lock on responderst" in said
    assert not desk.az.assignments(before)
    assert len(list(desk.az.azure.of_type("Microsoft.Authorization/locks"))) > 5
    is_all_there(desk)


def test_without_orphans_sh_an_identity_made_anew_would_stop_the_deployment(desk: Desk) -> None:
    """The rule of Azure's that orphans.sh is there for."""
    desk.deploy_quickly()
    (identity,) = desk.az.azure.of_type("Microsoft.ManagedIdentity/userAssignedIdentities")
    desk.az.azure.delete(f"{identity['id']}/providers/Microsoft.Authorization/locks/keep")
    desk.az.azure.delete(identity["id"])
    with pytest.raises(AssertionError, match="RoleAssignmentUpdateNotPermitted"):
        desk.deploy_quickly()


def test_a_topic_made_anew(desk: Desk) -> None:
    desk.deploy_quickly()
    (topic,) = desk.az.azure.of_type("Microsoft.EventGrid/systemTopics")
    desk.az.azure.delete(f"{topic['id']}/providers/Microsoft.Authorization/locks/keep")
    desk.az.azure.delete(topic["id"])
    assert desk.runs("deploy.sh").count("- orphaned in") == 2
    is_all_there(desk)


@pytest.mark.parametrize("known_by", ["its deployment", "its group"])
def test_another_region(desk: Desk, known_by: str) -> None:
    desk.deploy_quickly()
    if known_by == "its group":
        desk.az.deployments.clear()
    message = desk.stops("deploy.sh", AZURE_LOCATION="northeurope")
    assert "export AZURE_LOCATION=westeurope, or give the other region an environment of its own" in message
    (topic,) = desk.az.azure.of_type("Microsoft.EventGrid/systemTopics")
    north = {"AZURE_LOCATION": "northeurope", "AZURE_ENV_NAME": "north"}
    desk.runs("deploy.sh", EXISTING_TOPIC_IDS=topic["id"], **north)
    groups = {each["name"]: each["location"] for each in desk.az.azure.of_type("Microsoft.Resources/resourceGroups")}
    assert groups == {"rg-responder-prod": "westeurope", "rg-responder-north": "northeurope"}
    assert "is ours and others have event subscriptions on it" in desk.stops("remove.sh", "--yes")
    if known_by == "its group":
        desk.runs("remove.sh", "--yes", "--topic-too")
        desk.runs("deploy.sh", "--narrow", **north)
        assert (
            len(list(desk.az.azure.of_type("Microsoft.EventGrid/systemTopics/eventSubscriptions")))
            == EVENT_SUBSCRIPTIONS
        )
    desk.runs("remove.sh", "--yes", **north)
    if known_by == "its deployment":
        assert (
            len(list(desk.az.azure.of_type("Microsoft.EventGrid/systemTopics/eventSubscriptions")))
            == EVENT_SUBSCRIPTIONS
        )
        desk.runs("remove.sh", "--yes")
    _is_nothing_left(desk)


@pytest.mark.parametrize("known_by", ["its record", "its vault"])
def test_another_region_needs_another_name_after_removal_too(desk: Desk, known_by: str) -> None:
    desk.runs("deploy.sh")
    said = desk.runs("remove.sh", "--yes")
    assert (
        "  the name responder-prod in westeurope: in another region an installation needs another AZURE_ENV_NAME"
        in said
    )
    if known_by == "its record":
        desk.az.azure.deleted_vaults.clear()
    else:
        desk.az.deployments.clear()
    north = {"AZURE_LOCATION": "northeurope"}
    message = desk.stops("deploy.sh", **north)
    assert "export AZURE_LOCATION=westeurope, or give the other region an environment of its own" in message
    assert ("the deleted vault" in message) is (known_by == "its vault")
    desk.runs("deploy.sh", AZURE_ENV_NAME="north", **north)
    desk.runs("remove.sh", "--yes", AZURE_ENV_NAME="north", **north)
    desk.runs("deploy.sh")
    is_all_there(desk)


def test_azure_binds_a_name_to_its_region(desk: Desk) -> None:
    """The rule that the look before is there for."""
    desk.deploy_quickly()
    _group_is_deleted(desk)
    desk.az.deployments.clear()
    with pytest.raises(AssertionError, match="InvalidDeploymentLocation"):
        desk.deploy_quickly(AZURE_LOCATION="northeurope")


# Roles given by hand.


def _given_by_hand(desk: Desk, what: str) -> Json:
    """Have somebody take one of our role assignments and give it back under another name, as the portal does."""
    kind = "Microsoft.Authorization/roleAssignments"
    (ours,) = [each for each in desk.az.azure.of_type(kind) if what in str(each["properties"].get("description"))]
    del desk.az.azure.there[ours["id"].lower()]
    name = "3a3a3a3a-0000-4000-8000-000000000001"
    theirs = ours | {"id": f"{ours['id'].rpartition('/')[0]}/{name}", "name": name}
    desk.az.azure.put(theirs | {"properties": {**ours["properties"], "description": None}})
    return theirs


@pytest.mark.parametrize(
    "what",
    [
        "reads role assignments,",
        "puts role assignments back,",
        "keeps evidence",
        "that send here",
        "its secrets",
        "puts changes of",
    ],
)
def test_a_role_given_by_hand_in_place_of_ours_makes_way(desk: Desk, what: str) -> None:
    desk.deploy_quickly(RESPONDER_TIER="act")
    theirs = _given_by_hand(desk, what)
    with pytest.raises(AssertionError, match="RoleAssignmentExists"):
        desk.deploy_quickly(RESPONDER_TIER="act")
    desk.az.calls.clear()
    said = desk.runs("orphans.sh", "--what-if", RESPONDER_TIER="act")
    assert "would run: az role assignment delete" in said
    assert desk.az.writes == []
    said = desk.runs("orphans.sh", RESPONDER_TIER="act")
    assert said.count("- given by hand in") == 1
    assert theirs["id"].lower() not in desk.az.azure.there
    desk.deploy_quickly(RESPONDER_TIER="act")
    assert len([each for each in desk.az.assignments() if what in str(each.get("description"))]) == 1


def test_a_role_that_the_deployment_does_not_give_stays(desk: Desk) -> None:
    """Of the tier act in the tier watch, and whatever else somebody gave the identity."""
    desk.deploy_quickly(RESPONDER_TIER="act")
    theirs = _given_by_hand(desk, "puts role assignments back,")
    kind = "Microsoft.Authorization/roleAssignments"
    (storage,) = [
        each["id"]
        for each in desk.az.azure.of_type("Microsoft.Storage/storageAccounts", _GROUP)
        if "immutableStorageWithVersioning" not in each["properties"]
    ]
    keys = next(desk.az.azure.of_type("Microsoft.KeyVault/vaults"))["id"]
    secrets_user = "4633458b-17de-408a-b874-0445c86b69e6"
    owner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
    for number, (place, role, holder) in enumerate(
        (
            (_GROUP, owner, desk.az.principal),
            (storage, owner, desk.az.principal),
            (storage, secrets_user, desk.az.principal),
            (keys, secrets_user, "somebody"),
            (f"/subscriptions/{SUBSCRIPTION}", secrets_user, desk.az.principal),
        )
    ):
        where = f"{place}/providers/{kind}/{number}"
        given = {"principalId": holder, "roleDefinitionId": f"/x/{role}"}
        desk.az.azure.put({"id": where, "type": kind, "name": str(number), "properties": given})
    before = dict(desk.az.azure.there)
    assert desk.runs("orphans.sh") == ""
    assert desk.az.azure.there == before
    assert desk.az.azure.get(theirs["id"])
    desk.az.azure.delete(theirs["id"])


def test_the_roles_that_a_deployment_gives_are_read_from_the_compiled_template(desk: Desk) -> None:
    desk.register(OTHER)
    desk.deploy_quickly(RESPONDER_TIER="act", WATCHED_SUBSCRIPTION_IDS=OTHER)
    compiled = json.loads((REPOSITORY / "infra" / "compiled" / "main.json").read_text(encoding="utf-8"))
    given = {tuple(line.split()) for line in given_in(compiled)}
    held: set[tuple[str, str, str]] = set()
    custom = {
        each["id"].rpartition("/")[2] for each in desk.az.azure.of_type("Microsoft.Authorization/roleDefinitions")
    }
    for each in desk.az.assignments():
        role = each["roleDefinitionId"].rpartition("/")[2]
        _, _, parts = each["scope"].lower().partition("/providers/")
        namespace, *rest = parts.split("/")
        kind = "identity" if each["principalId"] == desk.az.principal else "topic"
        place = "/".join([namespace, *rest[::2]]) or "subscription"
        held.add(("custom" if role in custom else role, place, kind))
    assert len(held) > 8
    assert held <= given
    assert {role for role, _, _ in given - held} == {
        "3b03c2da-16b3-4a49-8834-0f8130efdd3b",
        "a638d3c7-ab3a-418d-83e6-5f17a39d4fde",
    }, "the workspace that counts sign-ins, and the stream"


# Another installation of the same name, whose home is another subscription.


def _elsewhere(desk: Desk, **environment: str) -> dict[str, Json]:
    """Deploy one, set az to another subscription, and give all that there is."""
    desk.register(OTHER)
    desk.deploy_quickly(**environment)
    desk.az.subscription = OTHER
    desk.az.calls.clear()
    return copy.deepcopy(desk.az.azure.there)


def test_an_installation_of_the_same_name_elsewhere_is_left_alone(desk: Desk) -> None:
    theirs = _elsewhere(desk)
    said = desk.runs("deploy.sh", "--prune")
    assert "- " not in said.partition("permissions of the identity:")[0]
    assert theirs.items() <= desk.az.azure.there.items()
    assert {key.split("/")[2] for key in desk.az.azure.there} == {SUBSCRIPTION, OTHER}
    assert "removing responder-prod from 1 subscription(s)" in desk.runs("remove.sh", "--yes"), "its own alone"
    assert desk.az.azure.there == theirs
    assert len(desk.az.deployments_of[SUBSCRIPTION]) == 1


def test_nor_is_one_harmed_that_is_named_to_be_watched_or_to_count_sign_ins(desk: Desk) -> None:
    """What looks like ours there is its: assignments, roles, export, locks, the group."""
    theirs = _elsewhere(desk)
    desk.runs("deploy.sh")
    workspace = next(desk.az.azure.of_type("Microsoft.OperationalInsights/workspaces", _GROUP))["id"]
    desk.runs("orphans.sh", SIGN_IN_WORKSPACE_ID=workspace)
    assert theirs.items() <= desk.az.azure.there.items()
    desk.runs("remove.sh", "--yes", SIGN_IN_WORKSPACE_ID=workspace, WATCHED_SUBSCRIPTION_IDS=SUBSCRIPTION)
    assert desk.az.azure.there == theirs


@pytest.mark.parametrize(
    ("script", "arguments"), [("deploy.sh", ()), ("preprovision.sh", ()), ("remove.sh", ("--yes",)), ("orphans.sh", ())]
)
def test_a_group_that_is_anothers_stops_it(desk: Desk, script: str, arguments: tuple[str, ...]) -> None:
    _elsewhere(desk, WATCHED_SUBSCRIPTION_IDS=OTHER)
    message = desk.stops(script, *arguments)
    assert f"of the subscription {OTHER} belongs to an installation of the same name" in message
    assert f"az account set --subscription {SUBSCRIPTION}" in message


def test_a_subscription_that_another_of_the_same_name_has_is_not_watched(desk: Desk) -> None:
    _elsewhere(desk)
    message = desk.stops("deploy.sh", WATCHED_SUBSCRIPTION_IDS=SUBSCRIPTION)
    assert f"of the subscription {SUBSCRIPTION} belongs to an installation of the same name" in message


def test_a_group_whose_home_is_not_said_is_not_removed_and_a_deployment_says_it_again(desk: Desk) -> None:
    desk.register(OTHER)
    desk.deploy_quickly(WATCHED_SUBSCRIPTION_IDS=OTHER)
    message = "has no tag entra-responder-home, so it isn't known whose it is"
    desk.az.azure.group(_GROUP)["tags"] = {}
    assert message in desk.stops("remove.sh", "--yes")
    desk.deploy_quickly(WATCHED_SUBSCRIPTION_IDS=OTHER)
    watched = _GROUP.replace(SUBSCRIPTION, OTHER)
    desk.az.azure.group(watched)["tags"] = {}
    assert f"! the resource group rg-responder-prod of {OTHER} {message}: it stays" in desk.runs("remove.sh", "--yes")
    assert desk.az.azure.group(watched)
    assert _GROUP.lower() not in desk.az.azure.there
    desk.runs("deploy.sh", WATCHED_SUBSCRIPTION_IDS=OTHER, TEAMS_WEBHOOK_URL="")
    desk.runs("remove.sh", "--yes")
    _is_nothing_left(desk)


def _held_by_another(desk: Desk) -> Json:
    """Let an assignment of ours be for somebody else."""
    desk.az.entra.add_identity("a-group-of-theirs", shown_after=0)
    one = next(
        each
        for each in desk.az.azure.of_type("Microsoft.Authorization/roleAssignments")
        if "writes its telemetry" in str(each["properties"])
    )
    one["properties"] = one["properties"] | {"principalId": "a-group-of-theirs"}
    return one


def test_an_assignment_whose_holder_is_there_is_no_orphan(desk: Desk) -> None:
    desk.deploy_quickly()
    one = _held_by_another(desk)
    said = desk.runs("orphans.sh")
    assert "is held by a-group-of-theirs, which is there and not this installation's: it stays" in said
    assert desk.az.writes == []
    desk.az.fails = lambda call: "before" if call.argv[:3] == ("ad", "sp", "show") else ""
    assert "could not find out whether the principal a-group-of-theirs still exists" in desk.stops("orphans.sh")
    desk.az.fails = lambda _call: ""
    desk.az.entra.remove("a-group-of-theirs")
    assert desk.runs("orphans.sh").count("- orphaned in") == 1
    assert one["id"].lower() not in desk.az.azure.there


# Azure Developer CLI runs the same scripts.


def _hook(desk: Desk, name: str, values: dict[str, str]) -> str:
    """Run the scripts that azure.yaml names for a hook."""
    hook = re.split(r"^  (?=\w)", (REPOSITORY / "azure.yaml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    (text,) = [each for each in hook if each.startswith(f"{name}:")]
    scripts = re.findall(r"infra/scripts/(\S+\.sh.*)", text)
    assert scripts
    return "".join(desk.runs(*script.split(), **values) for script in scripts)


def _azd(desk: Desk, **environment: str) -> str:
    """Do what `azd up` does with azure.yaml's hooks, in this order."""
    said = _hook(desk, "preprovision", environment)
    values = environment | desk.azd_environment
    code = desk.az.code
    desk.deploy_quickly(**values)
    desk.az.put_code(code)
    outputs = desk.az.deployments["entra-responder-prod"]["properties"]["outputs"]
    values |= {name: str(each["value"]).replace("'", '"') for name, each in outputs.items()}
    desk.az.deployments.clear()
    said += _hook(desk, "postprovision", values)
    desk.az.put_code(b"code")
    return said + _hook(desk, "postdeploy", values)


def test_azd_takes_two_passes_too(desk: Desk) -> None:
    said = _azd(desk, EVIDENCE_LOCK="Locked")
    assert "second pass: alerts on silence true (were false), evidence Locked (was Unlocked)" in said
    assert said.endswith("alerts: changes to the responder raise them again\n")
    assert _evidence_policy(desk)["state"] == "Locked"
    asked = desk.azd_environment
    assert (asked["RESPONDER_HEARTBEATS"], asked["EVIDENCE_LOCK"]) == ("true", "Locked")
    assert (asked["ASKED_HEARTBEATS"], asked["ASKED_EVIDENCE_LOCK"]) == ("", "")
    assert not list(desk.az.azure.of_type("Microsoft.AlertsManagement/actionRules"))
    assert "second pass" not in _azd(desk, **asked)


def test_azd_is_stopped_by_what_stops_deploy_sh(desk: Desk) -> None:
    assert "export TEAMS_WEBHOOK_URL" in desk.stops("preprovision.sh", TEAMS_WEBHOOK_URL="")
    assert not (desk.home / "azd-environment").exists()


def test_azd_makes_it_narrower_once_when_that_is_meant(desk: Desk) -> None:
    desk.deploy_quickly(RESPONDER_TIER="act")
    desk.stops("preprovision.sh")
    desk.runs("preprovision.sh", RESPONDER_NARROW="yes")
    assert desk.azd_environment["RESPONDER_NARROW"] == ""


# Removal.


def _is_nothing_left(desk: Desk) -> None:
    assert desk.az.azure.there == {}
    assert desk.az.entra.assignments == []
    assert all(each["properties"]["outputs"] == {"all": _NOTHING} for each in desk.az.deployments.values())


def test_removal_wants_to_be_meant(desk: Desk) -> None:
    desk.deploy_quickly()
    done = desk.run("remove.sh")
    assert (done.returncode, desk.az.writes) == (2, [])
    assert "--what-if shows what, --yes does it" in done.stderr
    said = desk.runs("remove.sh", "--what-if")
    assert desk.az.writes == []
    for command in ("lock delete", "role assignment delete", "eventgrid", "group delete", "role definition delete"):
        assert f"would run: az {command}" in said


def test_removal_to_its_end(desk: Desk) -> None:
    desk.register(OTHER, PROVIDERS)
    desk.runs("deploy.sh", "--tier", "act", WATCHED_SUBSCRIPTION_IDS=OTHER)
    said = desk.runs("remove.sh", "--yes")
    _is_nothing_left(desk)
    assert list(desk.az.azure.deleted_vaults) == [said.split("the vault ")[1].split(",")[0]]
    for message in (
        "- Policy.Read.All",
        f"- resource group rg-responder-prod of {OTHER}",
        "- resource group rg-responder-prod\n",
    ):
        assert message in said
    assert "What stays:" in said
    assert "- " not in desk.runs("remove.sh", "--yes"), "there is nothing left to remove"
    desk.runs("deploy.sh", AZURE_LOCATION="westeurope", TEAMS_WEBHOOK_URL="")
    is_all_there(desk)


def test_removal_goes_on_after_a_failure_at_each_step(desk: Desk) -> None:
    desk.register(OTHER, PROVIDERS)
    desk.deploy_quickly(WATCHED_SUBSCRIPTION_IDS=OTHER)
    seen = fails_at_first(desk)
    runs = 1
    while (done := desk.run("remove.sh", "--yes")).returncode:
        assert "the test let this call fail" in done.stderr or "not logged in" in done.stderr, done.stderr
        runs += 1
        assert runs < 90
    _is_nothing_left(desk)
    assert len(seen) > 20


def test_evidence_stays_until_its_time_is_over(desk: Desk) -> None:
    desk.deploy_quickly(RESPONDER_TIER="act")
    accounts = desk.az.azure.of_type("Microsoft.Storage/storageAccounts", _GROUP)
    (evidence,) = [each["id"].lower() for each in accounts if "immutableStorageWithVersioning" in each["properties"]]
    desk.az.azure.evidence_kept.add(evidence)
    said = desk.runs("remove.sh", "--yes")
    assert f"! the evidence stays, in {evidence.rpartition('/')[2]}, and with it the resource group" in said
    assert "until 365 days after it was written" in said
    left = {each["type"] for each in desk.az.azure.there.values()}
    assert "Microsoft.Web/sites" not in left
    assert "Microsoft.Authorization/roleAssignments" not in left
    assert "Microsoft.Authorization/roleDefinitions" not in left
    desk.az.azure.evidence_kept.clear()
    desk.runs("remove.sh", "--yes")
    _is_nothing_left(desk)


def test_a_group_that_can_not_be_deleted_for_another_reason(desk: Desk) -> None:
    desk.deploy_quickly()
    lock = f"{_GROUP}/providers/Microsoft.Authorization/locks/theirs"
    desk.az.azure.put({"id": lock, "type": "Microsoft.Authorization/locks", "name": "theirs"})
    done = desk.run("remove.sh", "--yes")
    assert done.returncode == 1
    assert "ScopeLocked" in done.stderr


def _put_what_belongs_to_others(desk: Desk) -> dict[str, Json]:
    """Put beside the installation whatever looks like its own."""
    place = f"/subscriptions/{SUBSCRIPTION}"
    theirs = "Microsoft.Resources/resourceGroups", f"{place}/resourceGroups/theirs", {"location": "westeurope"}
    source = {"source": place, "topicType": "Microsoft.Resources.Subscriptions"}
    topic = f"{theirs[1]}/providers/Microsoft.EventGrid/systemTopics/one"
    identity = {"identity": {"type": "SystemAssigned"}, "properties": source}
    delivery = {"destination": {"properties": {"resourceId": theirs[1]}}}
    roles = "Microsoft.Authorization/roleDefinitions"
    made: list[tuple[str, str, Json]] = [
        theirs,
        ("Microsoft.EventGrid/systemTopics", topic, identity),
        *(
            (
                "Microsoft.Authorization/roleAssignments",
                f"{place}/providers/Microsoft.Authorization/roleAssignments/{number}",
                {"properties": {"principalId": f"gone-{number}", "roleDefinitionId": "r", "description": description}},
            )
            for number, description in enumerate(
                ("", "Entra Responder responder-prod-2: reads role assignments.", "Entra Responder other-prod: reads.")
            )
        ),
        (
            "Microsoft.Insights/diagnosticSettings",
            f"{place}/providers/Microsoft.Insights/diagnosticSettings/entra-responder-responder-prod-2",
            {},
        ),
        *(
            (
                roles,
                f"{where}/providers/{roles}/1",
                {
                    "properties": {
                        "roleName": "Entra Responder watch (responder-prod-2, x)",
                        "assignableScopes": [where],
                    }
                },
            )
            for where in (place, f"/subscriptions/{OTHER}")
        ),
        (
            "Microsoft.Authorization/locks",
            f"{topic}/providers/Microsoft.Authorization/locks/keep",
            {"properties": {"level": "CanNotDelete"}},
        ),
    ]
    for kind, where, body in made:
        desk.az.azure.put({"id": where, "type": kind, "name": where.rpartition("/")[2], **body})
    sender = {"principalId": desk.az.azure.get(topic)["identity"]["principalId"], "roleDefinitionId": "sender"}
    access = f"{theirs[1]}/providers/Microsoft.Authorization/roleAssignments/sends"
    desk.az.azure.put(
        {"id": access, "type": "Microsoft.Authorization/roleAssignments", "name": "s", "properties": sender}
    )
    desk.az.azure.settled[access.lower()] = desk.az.azure.settling
    events = f"{topic}/eventSubscriptions/entra-responder-theirs-0"
    kind = "Microsoft.EventGrid/systemTopics/eventSubscriptions"
    delivered = {"deliveryWithResourceIdentity": delivery}
    desk.az.azure.put({"id": events, "type": kind, "name": "one/entra-responder-theirs-0", "properties": delivered})
    return {key: each for key, each in desk.az.azure.there.items() if "rg-responder-prod" not in key}


def test_what_belongs_to_others_is_left_alone(desk: Desk) -> None:
    theirs = _put_what_belongs_to_others(desk)
    (topic,) = [each["id"] for each in theirs.values() if each["type"] == "Microsoft.EventGrid/systemTopics"]
    desk.runs("deploy.sh", "--tier", "act", EXISTING_TOPIC_IDS=topic, WATCHED_SUBSCRIPTION_IDS=OTHER)
    desk.runs("deploy.sh", "--narrow", "--prune", EXISTING_TOPIC_IDS=topic)
    assert theirs.items() <= desk.az.azure.there.items()
    desk.runs("remove.sh", "--yes", EXISTING_TOPIC_IDS=topic)
    assert desk.az.azure.there.keys() == theirs.keys()
