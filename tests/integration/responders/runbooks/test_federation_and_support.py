"""Steps 4 and 6 of the runbook on the simulated tenant, over HTTP."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local import world
from infra.local.world import COMPANY_DOMAIN, FEDERATION_SETTINGS, WORKFORCE_TENANT
from responders.runbooks.federation import FEDERATION
from responders.runbooks.support_ticket import SUPPORT_TICKET
from shared.emergency.entries import RunKind, StepState
from shared.emergency.runbook import RunbookStep, StepEnd
from tests.fakes.clock import FakeClock
from tests.fakes.emergencies import CONTACT
from tests.fakes.hybrid_tenant import HybridTenant
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runbook_runs import Runs, declared_in
from tests.fakes.runtime import bench
from tests.integration.responders.conftest import SimulatedTenant

_WRITES: Final = ("Domain-InternalFederation.ReadWrite.All", "Domain.ReadWrite.All")


def _runs(simulated: SimulatedTenant, step: RunbookStep, *, drill: bool = False) -> Runs:
    storage = MemoryStorage()
    storage.create_all()
    clock = FakeClock(datetime.now(UTC).replace(microsecond=0))
    edges = msgspec.structs.replace(simulated.workforce, wait=clock.wait, clock=clock)
    made = bench(
        storage, clock=clock, edges=edges, SUPPORT_CONTACT=json.dumps(CONTACT), SUPPORT_PHONE="+353 1 555 0199"
    )
    return declared_in(made, step, HybridTenant(), drill=drill)


def _truth(simulated: SimulatedTenant) -> bytes:
    state: dict[str, Any] = simulated.control.state()
    return msgspec.json.encode(state, order="sorted")


def _domain(simulated: SimulatedTenant) -> dict[str, Any]:
    domain: dict[str, Any] = simulated.control.state()[WORKFORCE_TENANT]["domains"][COMPANY_DOMAIN]
    return domain


def _text(end: StepEnd) -> str:
    return "\n".join(f"{one.text} {one.what_to_do}" for one in end.findings)


@pytest.fixture
def allowed(simulated: SimulatedTenant) -> SimulatedTenant:
    """A hybrid tenant in which an application may do what Microsoft's page says."""
    simulated.control.make_hybrid()
    simulated.control.settings(federation_app_only=True, synchronization_app_only=True)
    simulated.control.grant(world.RESPONDER, *_WRITES)
    return simulated


def test_federation_there_and_back(allowed: SimulatedTenant) -> None:
    runs = _runs(allowed, FEDERATION)
    (proposal,) = runs.run().proposals
    assert _domain(allowed)["authenticationType"] == "Federated"
    runs.agree(proposal)
    assert runs.run().state is StepState.DONE
    assert _domain(allowed)["authenticationType"] == "Managed"
    (proposal,) = runs.run(RunKind.BACK).proposals
    runs.agree(proposal)
    assert runs.run(RunKind.BACK).state is StepState.DONE
    settings = _domain(allowed)["federationConfiguration"]
    assert {name: settings[name] for name in FEDERATION_SETTINGS} == FEDERATION_SETTINGS


@pytest.mark.parametrize("after", [True, False])
def test_a_cut_connection_leads_to_no_second_write(allowed: SimulatedTenant, *, after: bool) -> None:
    runs = _runs(allowed, FEDERATION)
    (proposal,) = runs.run().proposals
    runs.agree(proposal)
    allowed.control.fault(f"^PATCH /v1.0/domains/{COMPANY_DOMAIN}$", 0, after=after)
    end = runs.run()
    assert end.state is (StepState.DONE if after else StepState.BLOCKED)
    for _ in range(2):
        runs.bench.clock.move(timedelta(minutes=2))
        runs.run(RunKind.REPEAT)
    sent = [each for each in allowed.control.requests() if each["method"] == "PATCH"]
    assert len(sent) == 1


def test_as_the_real_tenant_refuses_a_person_runs_the_command(simulated: SimulatedTenant) -> None:
    simulated.control.make_hybrid()
    simulated.control.grant(world.RESPONDER, *_WRITES)
    runs = _runs(simulated, FEDERATION)
    end = runs.run()
    assert (end.state, end.proposals) == (StepState.BLOCKED, ())
    assert "403" in _text(end)
    assert f'Update-MgDomain -DomainId "{COMPANY_DOMAIN}"' in _text(end)
    with simulated.control.as_principal(world.BREAK_GLASS_1) as person:
        person.patch(f"/v1.0/domains/{COMPANY_DOMAIN}", json={"authenticationType": "Managed"}).raise_for_status()
    runs.bench.clock.move(timedelta(minutes=1))
    assert runs.run(RunKind.REPEAT).state is StepState.DONE


def test_a_ticket_is_made_and_found_again(simulated: SimulatedTenant) -> None:
    simulated.control.settings(support_plan="Unified")
    simulated.control.grant(world.RESPONDER, "Microsoft.Support/supportTickets/write")
    runs = _runs(simulated, SUPPORT_TICKET)
    end = runs.run()
    (ticket,) = simulated.control.state()[WORKFORCE_TENANT]["supportTickets"]
    assert end.state is StepState.DONE
    assert ticket["properties"]["supportTicketId"] in _text(end)
    assert ticket["properties"]["severity"] == "critical"
    assert runs.run().state is StepState.DONE
    assert len(simulated.control.state()[WORKFORCE_TENANT]["supportTickets"]) == 1


@pytest.mark.parametrize("refuses", ["at once", "later"])
def test_a_plan_that_refuses_leaves_the_text(simulated: SimulatedTenant, refuses: str) -> None:
    simulated.control.settings(support_plan="Developer", support_plan_refuses=refuses)
    simulated.control.grant(world.RESPONDER, "Microsoft.Support/supportTickets/write")
    end = _runs(simulated, SUPPORT_TICKET).run()
    assert end.state is StepState.BLOCKED
    assert WORKFORCE_TENANT in _text(end)
    assert "+353 1 555 0199" in _text(end)


@pytest.mark.parametrize("step", [SUPPORT_TICKET, FEDERATION], ids=lambda step: step.id)
def test_a_drill_leaves_the_tenant_byte_for_byte(allowed: SimulatedTenant, step: RunbookStep) -> None:
    allowed.control.settings(support_plan="Unified")
    allowed.control.grant(world.RESPONDER, "Microsoft.Support/supportTickets/write")
    before = _truth(allowed)
    runs = _runs(allowed, step, drill=True)
    assert runs.run().state is StepState.DONE
    if step.way_back is not None:
        assert runs.run(RunKind.BACK).state is StepState.DONE
    assert _truth(allowed) == before
    assert len(runs.dry) == 1
    assert {each["method"] for each in allowed.control.requests(principal=world.RESPONDER)} == {"GET"}
