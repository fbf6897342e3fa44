"""stream.sh: both tenants send to the hub, the B2C tenant by a delegation; each step once, and all can go again."""

from typing import Final

import pytest

from tests.integration.infra.scripts.az_command import B2C, SUBSCRIPTION
from tests.integration.infra.scripts.azure_resources import Json
from tests.integration.infra.scripts.conftest import PROVIDERS, Desk

_MEMBERS: Final = "5e2f7a10-3c84-4d6b-9f21-8a0b1c2d3e4f"
_ON: Final = {"AUDIT_STREAM": "true"}
_GROUP: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-responder-prod-stream"


@pytest.fixture
def streaming(desk: Desk) -> Desk:
    desk.register(SUBSCRIPTION, (*PROVIDERS, "EventHub"))
    desk.deploy_quickly(**_ON)
    desk.environment |= _ON
    return desk


def _settings(desk: Desk, *, of_b2c: bool = False) -> list[Json]:
    return [*(desk.az.b2c if of_b2c else desk.az.entra).diagnostic_settings.values()]


def _delegations(desk: Desk) -> list[str]:
    return sorted(each["type"] for each in desk.az.azure.there.values() if "ManagedServices" in each["type"])


def test_the_tenant_sends_its_logs_to_the_hub_once(streaming: Desk) -> None:
    assert "would run: az rest --method put" in streaming.runs("stream.sh", "--what-if")
    assert _settings(streaming) == []
    assert "Entra ID: + sends ADFSSignInLogs, AuditLogs" in streaming.runs("stream.sh")
    (setting,) = _settings(streaming)
    assert setting["name"] == "entra-responder-responder-prod"
    properties = setting["properties"]
    rule = properties["eventHubAuthorizationRuleId"]
    assert rule.startswith(f"{_GROUP}/providers/Microsoft.EventHub/namespaces/")
    assert rule.endswith("/authorizationRules/diagnostic-settings")
    assert properties["eventHubName"] == "directory-logs"
    sent = {each["category"] for each in properties["logs"]}
    assert {"AuditLogs", "SignInLogs", "NonInteractiveUserSignInLogs", "RiskyUsers", "UserRiskEvents"} <= sent
    assert "MicrosoftGraphActivityLogs" not in sent
    before = len(streaming.az.writes)
    assert "+" not in streaming.runs("stream.sh")
    assert len(streaming.az.writes) == before
    streaming.runs("stream.sh", STREAM_ALSO="MicrosoftGraphActivityLogs")
    assert {each["category"] for each in _settings(streaming)[0]["properties"]["logs"]} - sent == {
        "MicrosoftGraphActivityLogs"
    }
    assert "- diagnostic setting" in streaming.runs("stream.sh", "--off")
    assert _settings(streaming) == []
    assert "sends nothing" in streaming.runs("stream.sh", "--off")


def test_the_b2c_tenant_sends_by_a_delegation_of_the_streams_group_alone(streaming: Desk) -> None:
    streaming.with_b2c()
    said = streaming.runs("stream.sh", "--b2c", _MEMBERS)
    assert f"B2C: + {_MEMBERS} may manage rg-responder-prod-stream" in said
    assert "B2C: + sends AuditLogs, SignInLogs" in said
    assert (len(_settings(streaming)), len(_settings(streaming, of_b2c=True))) == (0, 1)
    kinds = ["Microsoft.ManagedServices/registrationAssignments", "Microsoft.ManagedServices/registrationDefinitions"]
    assert _delegations(streaming) == kinds
    (definition,) = streaming.az.azure.of_type(kinds[1])
    properties = definition["properties"]
    assert properties["managedByTenantId"] == B2C
    (given,) = properties["authorizations"]
    assert (given["principalId"], given["roleDefinitionId"][:8]) == (_MEMBERS, "b24988ac")
    (assignment,) = streaming.az.azure.of_type(kinds[0])
    assert assignment["id"].startswith(f"{_GROUP}/providers/")
    assert assignment["properties"]["registrationDefinitionId"] == definition["id"]
    assert streaming.az.providers[SUBSCRIPTION, "Microsoft.ManagedServices"] == "Registered"
    before = len(streaming.az.writes)
    assert "+" not in streaming.runs("stream.sh", "--b2c", _MEMBERS)
    assert len(streaming.az.writes) == before
    streaming.runs("stream.sh", "--b2c", _MEMBERS, "--off")
    assert _settings(streaming, of_b2c=True) == []
    assert _delegations(streaming) == []


def test_without_a_login_there_the_delegation_is_made_and_it_is_said_how_to_go_on(streaming: Desk) -> None:
    streaming.with_b2c(logged_in=False)
    done = streaming.run("stream.sh", "--b2c", _MEMBERS)
    assert done.returncode == 1
    assert "az login --tenant" in done.stderr
    assert len(_delegations(streaming)) == 2
    streaming.az.in_b2c = True
    assert "B2C: + sends" in streaming.runs("stream.sh", "--b2c", _MEMBERS)


def test_without_a_stream_there_is_nothing_to_send_to(desk: Desk) -> None:
    desk.deploy_quickly()
    assert "no audit stream is deployed: set AUDIT_STREAM=true" in desk.stops("stream.sh")


@pytest.mark.parametrize("arguments", [("--b2c",), ("--b2c", "operators"), ("more",), ("--of",)])
def test_what_makes_no_sense_is_said(desk: Desk, arguments: tuple[str, ...]) -> None:
    done = desk.run("stream.sh", *arguments)
    assert (done.returncode, desk.az.writes) == (2, [])


def test_removal_takes_the_stream_along(streaming: Desk) -> None:
    streaming.runs("stream.sh")
    said = streaming.runs("remove.sh", "--yes")
    assert "- resource group rg-responder-prod-stream" in said
    assert _settings(streaming) == []
    assert not [key for key in streaming.az.azure.there if "-stream" in key]
