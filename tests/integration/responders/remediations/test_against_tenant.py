"""Attacks on the simulated tenant, put back over real HTTP from the records that the tenant itself wrote."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from infra.local import world
from infra.local.world import Principal
from responders.content import INVENTORIES
from responders.remediations.ca_policies import (
    CA_POLICIES,
    DISABLE_CA_POLICY,
    PUT_BACK_CA_POLICY,
    RESTORE_CA_POLICY,
    UPDATE_CA_POLICY,
)
from responders.remediations.ca_policy_json import differing
from responders.remediations.custom_policies import (
    CUSTOM_POLICIES,
    DELETE_CUSTOM_POLICY,
    PUT_BACK_CUSTOM_POLICY,
    RESTORE_CUSTOM_POLICY,
)
from responders.remediations.role_assignments import (
    RECREATE_ROLE_ASSIGNMENT,
    REMOVE_ROLE_ASSIGNMENT,
    ROLE_ASSIGNMENTS,
)
from responders.sources import DIRECTORY_AUDITS
from shared.clients.api import TenantEdges
from shared.model.errors import Refused, Unreachable
from shared.model.events import Actor, AuditEvent, Target
from shared.model.kinds import Image
from shared.model.remediations import Already, Baseline, Doubt, EarlierCase, Inventory, Known, Plan, Put, Remediation
from shared.normalize import read_batch
from tests.fakes.record_strategies import everything
from tests.fakes.situations import situation
from tests.integration.responders.conftest import SimulatedTenant

_CA = "/v1.0/identity/conditionalAccess/policies"
_CUSTOM = "/beta/trustFramework/policies"
_NEW_ASSIGNMENT = world.role_assignment_path("0a551600-00ff-4e1f-8c3a-5d7b9f204e61", world.RESOURCE_GROUP_SCOPE)


def changes_of(edges: TenantEdges, target: str) -> tuple[EarlierCase, ...]:
    """Read the audit log as the poll does, and give the changes of one object, oldest first."""
    pages = edges.pages(DIRECTORY_AUDITS, query={"$orderby": "activityDateTime asc", "$top": "100"})
    readings = [
        reading for page in pages for reading in read_batch(page, tenant_id=edges.tenant.id, interest=everything)
    ]
    events = [reading.event for reading in readings if isinstance(reading.event, AuditEvent)]
    return tuple(
        EarlierCase(
            id=event.id,
            detection="any",
            at=event.at,
            actor=event.actor,
            approved=False,
            changes=event.target.changes,
        )
        for event in events
        if event.target.id == target and event.service in {"Conditional Access", "B2C"}
    )


def snapshot(inventory: Inventory, edges: TenantEdges, target: str) -> Baseline:
    return Known(image=inventory.read(edges).get(target.lower()), captured_at=datetime.now(UTC))


class Answering:
    """One remediation of one object, as the engine would go about it."""

    def __init__(
        self,
        remediation: Remediation,
        edges: TenantEdges,
        target: str,
        run: tuple[EarlierCase, ...],
        baseline: Baseline,
    ) -> None:
        self.remediation = remediation
        self.edges = edges
        self.target = Target(id=target, changes=run[-1].changes)
        self.run = run
        self.baseline = baseline

    def plan(self) -> Plan:
        look = self.remediation.look(self.edges, self.target)
        return self.remediation.plan(
            situation(None, *self.run, target=self.target.id, baseline=self.baseline, look=look)
        )

    def apply(self) -> None:
        plan = self.plan()
        assert isinstance(plan, Put), plan
        self.remediation.apply(self.edges, self.target, plan)

    def put_back(self) -> None:
        """Apply, and see that a second look is content and a second run writes nothing."""
        self.apply()
        again = self.plan()
        assert isinstance(again, Already), again


def acting(simulated: SimulatedTenant, principal: Principal, *, on: Any = "graph") -> httpx.Client:  # noqa: ANN401 - a literal
    return simulated.control.as_principal(principal, on)


def ca_policy(simulated: SimulatedTenant, policy_id: str) -> Image:
    return CA_POLICIES.read(simulated.workforce)[policy_id]


def answering_ca(simulated: SimulatedTenant, remediation: Remediation, target: str, baseline: Baseline) -> Answering:
    run = changes_of(simulated.workforce, target)
    return Answering(remediation, simulated.workforce, target, run, baseline)


NEW_POLICY: Image = {
    "displayName": "Let me in",
    "state": "enabledForReportingButNotEnforced",
    "conditions": {"applications": {"includeApplications": ["All"]}, "users": {"includeUsers": ["All"]}},
    "grantControls": {"operator": "OR", "builtInControls": ["block"]},
}


def test_a_created_policy_is_switched_off(simulated: SimulatedTenant) -> None:
    with acting(simulated, world.MALLORY) as mallory:
        created: str = mallory.post(_CA, json=NEW_POLICY).raise_for_status().json()["id"]
    answering_ca(simulated, DISABLE_CA_POLICY, created, snapshot_of_nothing()).put_back()
    assert ca_policy(simulated, created)["state"] == "disabled"


def snapshot_of_nothing() -> Baseline:
    return Known(image=None, captured_at=datetime.now(UTC))


_ATTACKS: dict[str, tuple[str, Image]] = {
    "switched off": (world.MFA_FOR_ALL.id, {"state": "disabled"}),
    "opened": (world.MFA_FOR_ALL.id, {"conditions": NEW_POLICY["conditions"]}),
    "a weaker control": (world.MFA_FOR_ADMINS.id, {"grantControls": {"operator": "OR", "builtInControls": ["mfa"]}}),
    "no control": (
        world.MFA_FOR_ADMINS.id,
        {"grantControls": None, "sessionControls": {"persistentBrowser": {"mode": "always", "isEnabled": True}}},
    ),
    "no session control": (world.MFA_FOR_ALL.id, {"sessionControls": None}),
    "renamed": (world.BLOCK_LEGACY.id, {"displayName": "Nothing to see here"}),
    "everything": (world.BLOCK_LEGACY.id, NEW_POLICY),
}


@pytest.mark.parametrize("attack", _ATTACKS)
@pytest.mark.parametrize("with_snapshot", [True, False])
def test_a_changed_policy_is_put_back(simulated: SimulatedTenant, attack: str, *, with_snapshot: bool) -> None:
    target, body = _ATTACKS[attack]
    before = ca_policy(simulated, target)
    baseline: Baseline = Known(image=before, captured_at=datetime.now(UTC))
    with acting(simulated, world.MALLORY) as mallory:
        mallory.patch(f"{_CA}/{target}", json=body).raise_for_status()
    assert differing(ca_policy(simulated, target), before)
    unknown = situation(None).baseline
    answering_ca(simulated, PUT_BACK_CA_POLICY, target, baseline if with_snapshot else unknown).put_back()
    assert differing(ca_policy(simulated, target), before) == ()


def test_two_attackers_in_a_row_lead_back_to_the_first_state(simulated: SimulatedTenant) -> None:
    target = world.MFA_FOR_ALL.id
    before = ca_policy(simulated, target)
    for attacker, body in ((world.MALLORY, {"state": "disabled"}), (world.TRUDY, NEW_POLICY)):
        with acting(simulated, attacker) as client:
            client.patch(f"{_CA}/{target}", json=body).raise_for_status()
    answering_ca(simulated, PUT_BACK_CA_POLICY, target, situation(None).baseline).put_back()
    assert differing(ca_policy(simulated, target), before) == ()


def test_what_somebody_else_changed_since_is_left_alone(simulated: SimulatedTenant) -> None:
    target = world.MFA_FOR_ALL.id
    with acting(simulated, world.MALLORY) as mallory:
        mallory.patch(f"{_CA}/{target}", json={"state": "disabled"}).raise_for_status()
    answering = answering_ca(simulated, PUT_BACK_CA_POLICY, target, situation(None).baseline)
    with acting(simulated, world.ALICE) as alice:
        alice.patch(f"{_CA}/{target}", json={"state": "enabledForReportingButNotEnforced"}).raise_for_status()
    plan = answering.plan()
    assert isinstance(plan, Doubt)
    assert "state" in plan.because


@pytest.mark.parametrize("restore_app_only", [True, False])
@pytest.mark.parametrize("target", [world.MFA_FOR_ADMINS.id, world.MFA_FOR_ALL.id])
def test_a_deleted_policy_comes_back(simulated: SimulatedTenant, target: str, *, restore_app_only: bool) -> None:
    simulated.control.settings(restore_app_only=restore_app_only)
    before = ca_policy(simulated, target)
    with acting(simulated, world.MALLORY) as mallory:
        mallory.patch(f"{_CA}/{target}", json={"state": "disabled"}).raise_for_status()
        mallory.delete(f"{_CA}/{target}").raise_for_status()
    answering_ca(simulated, RESTORE_CA_POLICY, target, situation(None).baseline).put_back()
    standing = CA_POLICIES.read(simulated.workforce)
    assert len(standing) == len(world.CA_POLICIES)
    assert (target in standing) == restore_app_only
    assert [policy for policy in standing.values() if not differing(policy, before)]


@pytest.mark.parametrize("match", ["POST .*/restore", "POST .*/policies$", "PATCH"])
def test_a_deleted_policy_comes_back_once_although_an_answer_was_lost(simulated: SimulatedTenant, match: str) -> None:
    target = world.MFA_FOR_ALL.id
    simulated.control.settings(restore_app_only="POST .*/policies$" not in match)
    with acting(simulated, world.MALLORY) as mallory:
        mallory.patch(f"{_CA}/{target}", json={"state": "disabled"}).raise_for_status()
        mallory.delete(f"{_CA}/{target}").raise_for_status()
    answering = answering_ca(simulated, RESTORE_CA_POLICY, target, situation(None).baseline)
    simulated.control.fault(match, 0, after=True, times=1)
    try:
        answering.apply()
    except Unreachable:
        if not isinstance(answering.plan(), Already):
            answering.apply()
    assert isinstance(answering.plan(), Already)
    assert len(CA_POLICIES.read(simulated.workforce)) == len(world.CA_POLICIES)


def custom_documents(simulated: SimulatedTenant) -> dict[str, str]:
    return {image["id"]: image["xml"] for image in CUSTOM_POLICIES.read(simulated.b2c).values()}


def answering_custom(
    simulated: SimulatedTenant, remediation: Remediation, target: str, baseline: Baseline
) -> Answering:
    return Answering(remediation, simulated.b2c, target, changes_of(simulated.b2c, target), baseline)


def test_a_created_custom_policy_is_deleted(simulated: SimulatedTenant) -> None:
    before = custom_documents(simulated)
    evil = world.custom_policy_xml("B2C_1A_evil", base=world.TRUST_FRAMEWORK_EXTENSIONS.id)
    with acting(simulated, world.BOB_B2C) as bob:
        xml = {"Content-Type": "application/xml"}
        bob.post(_CUSTOM, content=evil, headers=xml).raise_for_status()
    answering_custom(simulated, DELETE_CUSTOM_POLICY, "B2C_1A_evil", snapshot_of_nothing()).put_back()
    assert custom_documents(simulated) == before


def test_a_changed_custom_policy_is_put_back(simulated: SimulatedTenant) -> None:
    target, before = world.TRUST_FRAMEWORK_EXTENSIONS.id, custom_documents(simulated)
    baseline = snapshot(CUSTOM_POLICIES, simulated.b2c, target)
    with acting(simulated, world.BOB_B2C) as bob:
        evil = world.custom_policy_xml(target, base=world.TRUST_FRAMEWORK_BASE.id)
        bob.put(f"{_CUSTOM}/{target}/$value", content=evil, headers={"Content-Type": "application/xml"})
    assert custom_documents(simulated) != before
    answering_custom(simulated, PUT_BACK_CUSTOM_POLICY, target, baseline).put_back()
    assert custom_documents(simulated) == before


def test_deleted_custom_policies_come_back_in_their_order(simulated: SimulatedTenant) -> None:
    before = custom_documents(simulated)
    target = world.SIGNUP_SIGNIN.id
    baseline = snapshot(CUSTOM_POLICIES, simulated.b2c, target)
    with acting(simulated, world.BOB_B2C) as bob:
        for policy in reversed(world.CUSTOM_POLICIES):
            bob.delete(f"{_CUSTOM}/{policy.id}").raise_for_status()
    assert custom_documents(simulated) == {}
    answering_custom(simulated, RESTORE_CUSTOM_POLICY, target, baseline).put_back()
    assert custom_documents(simulated) == before


def answering_role(
    simulated: SimulatedTenant, remediation: Remediation, target: str, baseline: Baseline, by: Principal = world.MALLORY
) -> Answering:
    written = EarlierCase(
        id="x",
        detection="any",
        at=datetime.now(UTC) + timedelta(seconds=1),
        actor=Actor(id=by.id),
        approved=False,
    )
    return Answering(remediation, simulated.workforce, target.lower(), (written,), baseline)


def role_body(definition: str, holder: Principal, **more: str) -> Image:
    properties = {"roleDefinitionId": world.role_definition_id(definition), "principalId": holder.id} | more
    return {"properties": properties}


def arm_url(assignment: str) -> str:
    return f"{assignment}?api-version=2022-04-01"


@pytest.mark.parametrize("definition", [world.OWNER, world.CONTRIBUTOR])
def test_a_given_role_is_taken_away(simulated: SimulatedTenant, definition: str) -> None:
    before = ROLE_ASSIGNMENTS.read(simulated.workforce)
    with acting(simulated, world.MALLORY, on="arm") as mallory:
        body = role_body(definition, world.MALLORY)
        mallory.put(arm_url(_NEW_ASSIGNMENT), json=body).raise_for_status()
    answering = answering_role(simulated, REMOVE_ROLE_ASSIGNMENT, _NEW_ASSIGNMENT, situation(None).baseline)
    look = REMOVE_ROLE_ASSIGNMENT.look(simulated.workforce, answering.target)
    assert (look.touches, look.last_holder) == ({world.MALLORY.id}, False)
    answering.put_back()
    assert ROLE_ASSIGNMENTS.read(simulated.workforce) == before


def test_a_changed_condition_is_put_back(simulated: SimulatedTenant) -> None:
    target = world.role_assignment_path(world.RELEASE_PIPELINE_CONTRIBUTOR.id)
    baseline = snapshot(ROLE_ASSIGNMENTS, simulated.workforce, target)
    with acting(simulated, world.MALLORY, on="arm") as mallory:
        body = role_body(world.CONTRIBUTOR, world.RELEASE_PIPELINE, description="mine")
        mallory.put(arm_url(target), json=body).raise_for_status()
    answering_role(simulated, REMOVE_ROLE_ASSIGNMENT, target, baseline).put_back()
    standing = ROLE_ASSIGNMENTS.read(simulated.workforce)[target.lower()]
    assert standing["properties"]["description"] is None


def test_a_removed_role_comes_back(simulated: SimulatedTenant) -> None:
    target = world.role_assignment_path(world.RELEASE_PIPELINE_CONTRIBUTOR.id)
    baseline = snapshot(ROLE_ASSIGNMENTS, simulated.workforce, target)
    with acting(simulated, world.ALICE, on="arm") as alice:
        alice.delete(arm_url(target)).raise_for_status()
    answering_role(simulated, RECREATE_ROLE_ASSIGNMENT, target, baseline, by=world.ALICE).put_back()
    standing = ROLE_ASSIGNMENTS.read(simulated.workforce)[target.lower()]["properties"]
    assert standing["principalId"] == world.RELEASE_PIPELINE.id


def test_a_removed_role_that_was_given_again_under_another_id_is_left(simulated: SimulatedTenant) -> None:
    target = world.role_assignment_path(world.RELEASE_PIPELINE_CONTRIBUTOR.id)
    baseline = snapshot(ROLE_ASSIGNMENTS, simulated.workforce, target)
    answering = answering_role(simulated, RECREATE_ROLE_ASSIGNMENT, target, baseline, by=world.ALICE)
    with acting(simulated, world.ALICE, on="arm") as alice:
        alice.delete(arm_url(target)).raise_for_status()
        planned = answering.plan()
        again = world.role_assignment_path("0a551600-00ff-4e1f-8c3a-5d7b9f204e61")
        alice.put(arm_url(again), json=role_body(world.CONTRIBUTOR, world.RELEASE_PIPELINE)).raise_for_status()
    assert isinstance(planned, Put)
    RECREATE_ROLE_ASSIGNMENT.apply(simulated.workforce, answering.target, planned)
    assert isinstance(answering.plan(), Already)


@pytest.mark.parametrize("permission", ["Policy.ReadWrite.ConditionalAccess", "Application.Read.All"])
def test_a_missing_permission_is_named(simulated: SimulatedTenant, permission: str) -> None:
    simulated.control.revoke(world.RESPONDER, permission)
    with pytest.raises(Refused, match=permission):
        simulated.workforce.send(UPDATE_CA_POLICY, body={"state": "enabled"}, id=world.MFA_FOR_ALL.id)


def test_every_inventory_reads_page_by_page(simulated: SimulatedTenant) -> None:
    edges = {"workforce": simulated.workforce, "b2c": simulated.b2c}
    whole = {inventory.kind: inventory.read(edges[inventory.tenant_kind]) for inventory in INVENTORIES}
    simulated.control.settings(ca_page_size=1, arm_page_size=1)
    assert {inventory.kind: inventory.read(edges[inventory.tenant_kind]) for inventory in INVENTORIES} == whole
    assert all(whole.values())
