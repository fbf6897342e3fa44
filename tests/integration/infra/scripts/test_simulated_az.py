"""The simulated az takes what az's own parser takes, and exits and prints as az does; Azure's rules hold in it."""

from pathlib import Path

import pytest

from tests.integration.infra.scripts.az_command import SUBSCRIPTION
from tests.integration.infra.scripts.az_parser import AzParser
from tests.integration.infra.scripts.azure_resources import Json, Resources
from tests.integration.infra.scripts.conftest import Desk
from tests.integration.infra.scripts.simulated_az import SimulatedAz

_GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g"


@pytest.fixture
def az(tmp_path: Path, az_parser: AzParser) -> SimulatedAz:
    return SimulatedAz(folder=tmp_path, parser=az_parser, templates=None)


def _run(az: SimulatedAz, command: str) -> tuple[int, str, str]:
    return az.run(command.split(), folder=az.folder, environment={})


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("functionapp destroy --name x", "'destroy' is misspelled or not recognized"),
        ("account show --everything", "unrecognized arguments: --everything"),
        ("provider register --namespace A B", "unrecognized arguments: B"),
        ("provider register --wait", "the following arguments are required: --namespace"),
        ("provider register --namespace", "expected one argument"),
        ("account show --output yarn", "'yarn' is not a valid value for '--output'"),
        ("account show --query [id,", "invalid jmespath_type value"),
        ("role assignment list --all --assignee-objectid x", "unrecognized arguments"),
    ],
)
def test_it_refuses_what_az_refuses(az: SimulatedAz, command: str, message: str) -> None:
    status, out, err = _run(az, command)
    assert (status, out) == (2, "")
    assert message in err
    assert az.calls == []


def test_either_ids_or_what_they_stand_for_are_needed(az: SimulatedAz) -> None:
    status, _, err = _run(az, "eventgrid system-topic show --name x")
    assert status == 1
    assert "--resource-group | --ids) are required" in err
    assert az.calls == []


def test_options_have_one_name_however_they_are_written(az_parser: AzParser) -> None:
    long = az_parser.read(["group", "show", "--resource-group", "g", "--output=tsv"])
    short = az_parser.read(["group", "show", "-n", "g", "-o", "tsv"])
    assert long.options == short.options == {"--resource-group": ["g"], "--output": ["tsv"]}
    assert az_parser.read(["rest", "--uri", "/x", "--url-parameters", "$top=1", "a=b"]).options["--uri-parameters"] == [
        "$top=1",
        "a=b",
    ]


@pytest.mark.parametrize(
    ("command", "status", "message"),
    [
        ("deployment sub show --name x", 3, "DeploymentNotFound"),
        ("group show --name x", 3, "ResourceGroupNotFound"),
        ("rest --url /subscriptions/x?api-version=1", 1, "ERROR: Not Found("),
        ("rest --url https://graph.microsoft.com/v1.0/servicePrincipals/x/appRoleAssignments", 1, "ERROR: Not Found("),
    ],
)
def test_what_is_not_there_has_the_status_that_az_gives_it(
    az: SimulatedAz, command: str, status: int, message: str
) -> None:
    got, _, err = _run(az, command)
    assert got == status
    assert message in err


@pytest.mark.parametrize(
    ("query", "printed"),
    [("id", SUBSCRIPTION), ("[id, nothing]", f"{SUBSCRIPTION}\nNone"), ("[[id, tenantId]]", None), ("nothing", "")],
)
def test_it_prints_tsv_as_az_does(az: SimulatedAz, query: str, printed: str | None) -> None:
    argv = ["account", "show", "--query", query, "-o", "tsv"]
    status, out, _ = az.run(argv, folder=az.folder, environment={})
    assert status == 0
    assert out.count("\t") == 1 if printed is None else out.rstrip("\n") == printed


def test_a_template_that_the_compiler_refuses_is_refused(desk: Desk) -> None:
    template = desk.az.templates
    assert template is not None
    file = desk.home / "main.bicepparam"
    file.write_text("using './main.bicep'\nparam tier = 'all'\n", encoding="utf-8")
    argv = ["deployment", "sub", "create", "--location", "westeurope", "--name", "x", "--parameters", str(file)]
    status, _, err = desk.az.run(argv, folder=desk.home, environment={})
    assert status == 1
    assert "BCP033" in err or "BCP036" in err
    assert desk.az.azure.there == {}


def test_a_lock_is_deleted_in_the_subscription_asked_for_whatever_its_id_says(az: SimulatedAz) -> None:
    other = "7d1e6c52-4a0b-4f83-9c27-b58e0f3a6d14"
    ids = [
        f"{_GROUP.replace(SUBSCRIPTION, each)}/providers/Microsoft.Authorization/locks/keep"
        for each in (SUBSCRIPTION, other)
    ]
    for each in ids:
        group = each.partition("/providers")[0]
        az.azure.put({"id": group, "type": "Microsoft.Resources/resourceGroups", "name": "g", "location": "westeurope"})
        az.azure.put({"id": each, "type": "Microsoft.Authorization/locks", "name": "keep"})
    assert _run(az, f"lock delete --ids {ids[1]}")[0] == 0
    assert [each["id"] for each in az.azure.of_type("Microsoft.Authorization/locks")] == ids[1:]
    assert _run(az, f"lock delete --ids {ids[1]} --subscription {other}")[0] == 0
    assert not list(az.azure.of_type("Microsoft.Authorization/locks"))


# Azure's rules.


def _resources() -> Resources:
    resources = Resources(appeared=lambda _: None, vanished=lambda _: None)
    resources.put({"id": _GROUP, "type": "Microsoft.Resources/resourceGroups", "name": "g", "location": "westeurope"})
    return resources


def _made(kind: str, name: str, over: str = _GROUP, **body: object) -> Json:
    return {"id": f"{over}/providers/{kind}/{name}", "type": kind, "name": name, **body}


def _evidence(state: str, days: int) -> Json:
    policy = {"immutabilityPeriodSinceCreationInDays": days, "state": state}
    properties = {"immutableStorageWithVersioning": {"enabled": True, "immutabilityPolicy": policy}}
    return _made("Microsoft.Storage/storageAccounts", "ev", properties=properties)


def _assignment(name: str, principal: str, role: str = "r") -> Json:
    return _made(
        "Microsoft.Authorization/roleAssignments", name, properties={"principalId": principal, "roleDefinitionId": role}
    )


def _topic(name: str) -> Json:
    return _made("Microsoft.EventGrid/systemTopics", name, properties={"source": "/subscriptions/s"})


@pytest.mark.parametrize(
    ("first", "then", "message"),
    [
        (None, _evidence("Locked", 9), "can only be created Disabled or Unlocked"),
        (_evidence("Unlocked", 9), _evidence("Locked", 9), ""),
        (_evidence("Unlocked", 9), _evidence("Unlocked", 5), ""),
        (_assignment("a", "p"), _assignment("a", "q"), "RoleAssignmentUpdateNotPermitted"),
        (_assignment("a", "p"), _assignment("b", "p"), "RoleAssignmentExists"),
        (_assignment("a", "p"), _assignment("b", "p", role="s"), ""),
        (_topic("a"), _topic("b"), "Only one system topic is allowed per source"),
        (_topic("a"), _topic("a"), ""),
        (
            None,
            {"id": _GROUP, "type": "Microsoft.Resources/resourceGroups", "name": "g", "location": "northeurope"},
            "InvalidResourceGroupLocation",
        ),
    ],
)
def test_a_rule_of_azure(first: Json | None, then: Json, message: str) -> None:
    resources = _resources()
    if first:
        resources.put(first)
    if not message:
        resources.put(then)
        return
    with pytest.raises(Exception, match=message):
        resources.put(then)


@pytest.mark.parametrize("then", [_evidence("Unlocked", 9), _evidence("Locked", 8)])
def test_a_locked_policy_is_neither_loosened_nor_shortened(then: Json) -> None:
    resources = _resources()
    resources.put(_evidence("Unlocked", 9))
    resources.put(_evidence("Locked", 9))
    with pytest.raises(Exception, match="can't be unlocked or shortened"):
        resources.put(then)
    resources.put(_evidence("Locked", 10))


def test_nothing_under_a_lock_is_deleted() -> None:
    resources = _resources()
    account = _evidence("Unlocked", 9)
    resources.put(account)
    resources.put(_made("Microsoft.Authorization/locks", "keep", over=account["id"]))
    inside = _made(
        "Microsoft.Authorization/roleAssignments",
        "a",
        over=account["id"],
        properties={"principalId": "p", "roleDefinitionId": "r"},
    )
    resources.put(inside)
    for each in (account["id"], inside["id"]):
        with pytest.raises(Exception, match="ScopeLocked"):
            resources.delete(each)
    with pytest.raises(Exception, match="ScopeLocked"):
        resources.delete_group(_GROUP)
    resources.delete(f"{account['id']}/providers/Microsoft.Authorization/locks/keep")
    resources.delete(inside["id"])
    resources.delete_group(_GROUP)
    assert resources.there == {}


def test_a_deleted_vault_keeps_its_name_and_comes_back_with_its_secrets() -> None:
    resources = _resources()
    vault = _made("Microsoft.KeyVault/vaults", "v", location="westeurope")
    secret = {"id": f"{vault['id']}/secrets/s", "type": "Microsoft.KeyVault/vaults/secrets", "name": "v/s"}
    resources.put(vault)
    resources.put(secret)
    resources.delete_group(_GROUP)
    resources.put({"id": _GROUP, "type": "Microsoft.Resources/resourceGroups", "name": "g", "location": "westeurope"})
    with pytest.raises(Exception, match="already exists in deleted state"):
        resources.put(vault)
    for wrong, message in (
        ({"group": "G"}, "must be recovered to the original"),
        ({"location": "northeurope"}, "not found"),
    ):
        with pytest.raises(Exception, match=message):
            resources.recover_vault("v", **wrong)
    resources.recover_vault("v", group="g", location="westeurope")
    assert resources.get(secret["id"])["name"] == "v/s"
