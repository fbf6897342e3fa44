"""The local stack plays what is deployed: the same settings as in the snapshot of the deployment that acts."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from infra.local.stack import OF_THE_INSTANCE, REPOSITORY, Stack, StorageAccess
from infra.local.world import OPERATORS_CLIENT_ID

_SNAPSHOT: Final = REPOSITORY / "tests" / "unit" / "infra" / "bicep" / "act.snapshot.json"
_STORAGE: Final = ("AzureWebJobsStorage", "EvidenceStorage")


def _deployed(config: str) -> dict[str, Any]:
    resources = json.loads(_SNAPSHOT.read_text(encoding="utf-8"))["predictedResources"]
    (found,) = [
        each["properties"]
        for each in resources
        if each["type"] == "Microsoft.Web/sites/config" and each["name"].endswith(f"/{config}")
    ]
    return found


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    """Give a stack that isn't started."""
    made = Stack(tmp_path)
    made.tenant = {"authority": "https://localhost:1"}
    return made


def test_authentication_in_front(stack: Stack) -> None:
    deployed = _deployed("authsettingsV2")
    provider = deployed["identityProviders"]["azureActiveDirectory"]
    client_id = provider["registration"]["clientId"]
    provider["registration"]["openIdIssuer"] = stack.authentication()["identityProviders"]["azureActiveDirectory"][
        "registration"
    ]["openIdIssuer"]
    assert json.loads(json.dumps(deployed).replace(client_id, OPERATORS_CLIENT_ID)) == stack.authentication()


def test_the_way_to_storage(stack: Stack) -> None:
    deployed = {name for name in _deployed("appsettings") if name.startswith(_STORAGE)}
    addresses = {service: f"https://{service}" for service in ("blob", "queue", "table")}
    assert set(stack.storage_settings(StorageAccess.IDENTITY, addresses)) == deployed


def test_the_workers_threads_and_the_hosts_limit() -> None:
    deployed = _deployed("appsettings")
    assert {name: deployed.get(name) for name in OF_THE_INSTANCE} == OF_THE_INSTANCE
    assert {name for name in deployed if name.startswith(("PYTHON_", "FUNCTIONS_"))} == set(OF_THE_INSTANCE)
