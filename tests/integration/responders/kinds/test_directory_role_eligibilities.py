"""Eligibilities for directory roles of the simulated tenant, over HTTP, with the records that it writes itself."""

import pytest

from infra.local import world
from responders.kinds.directory_role_eligibilities import DIRECTORY_ROLE_ELIGIBILITY as KIND
from shared.model.clock import utc_now
from shared.model.errors import DoneAlready, Refused, Rejected
from shared.model.events import Actor, ActorKind, Log
from shared.model.kinds import Image
from shared.model.objects import ObjectChange, Op
from tests.fakes.kinds import difference, objections, write_of
from tests.fakes.recorded import recorded_of
from tests.integration.responders.conftest import SimulatedTenant

_REQUESTS = "/v1.0/roleManagement/directory/roleEligibilityScheduleRequests"
_GIVEN = {
    "action": "adminAssign",
    "principalId": world.TRUDY.id,
    "roleDefinitionId": world.PRIVILEGED_ROLE_ADMINISTRATOR,
    "directoryScopeId": "/",
}
_ID = f"{world.PRIVILEGED_ROLE_ADMINISTRATOR}/{world.TRUDY.id}"


def _give(simulated: SimulatedTenant) -> Image:
    with simulated.control.as_principal(world.MALLORY, "graph") as mallory:
        mallory.post(_REQUESTS, json=_GIVEN).raise_for_status()
    found = KIND.read(simulated.workforce, _ID)
    assert found is not None
    return found


def _who_asked(simulated: SimulatedTenant, op: Op) -> str:
    """Say who asked PIM for what the directory's log says that its service has just done; "" for nobody."""
    at, pim = utc_now(), Actor(id=world.MS_PIM.id, kind=ActorKind.SERVICE_PRINCIPAL)
    change = ObjectChange(id="c", log=Log.AUDIT, actor=pim, at=at, arrived_at=at, op=op, object_id=_ID)
    assert KIND.confirm is not None
    asked = KIND.confirm(simulated.workforce, change, None).actor
    return asked.id if asked else ""


def test_one_that_was_given_is_recorded_whole_and_taken_away(simulated: SimulatedTenant) -> None:
    given = _give(simulated)
    (recorded,) = recorded_of(KIND, simulated.workforce, _ID)
    assert (recorded.op, recorded.wrote) == (Op.CREATE, difference({}, KIND.leaves(given), KIND))
    assert _who_asked(simulated, Op.CREATE) == world.MALLORY.id
    assert objections(KIND, simulated.workforce, _ID, given, {}) == {}
    assert KIND.write(simulated.workforce, write_of(KIND, _ID, given, {})) == _ID
    assert KIND.read(simulated.workforce, _ID) is None
    own = recorded_of(KIND, simulated.workforce, _ID)[-1]
    assert (own.op, own.wrote) == (Op.DELETE, difference(KIND.leaves(given), {}, KIND))
    assert _who_asked(simulated, Op.DELETE) == world.RESPONDER.id
    with pytest.raises(DoneAlready):
        KIND.write(simulated.workforce, write_of(KIND, _ID, given, {}))


def test_everybody_who_is_eligible_is_read_and_without_a_licence_nobody_is(simulated: SimulatedTenant) -> None:
    here = {f"{each.role}/{each.holder.id}" for each in world.DIRECTORY_ROLE_ELIGIBILITIES}
    assert KIND.inventory.read(simulated.workforce).keys() == here
    simulated.control.settings(has_pim=False)
    assert KIND.inventory.read(simulated.workforce) == {}


def test_without_a_licence_or_a_permission_nothing_is_taken(simulated: SimulatedTenant) -> None:
    given = _give(simulated)
    write = write_of(KIND, _ID, given, {})
    simulated.control.settings(has_pim=False)
    with pytest.raises(Rejected, match="AadPremiumLicenseRequired"):
        KIND.write(simulated.workforce, write)
    simulated.control.settings(has_pim=True, grants_reach_issued_tokens=True)
    simulated.control.revoke(world.RESPONDER, "RoleEligibilitySchedule.Remove.Directory")
    with pytest.raises(Refused) as refused:
        KIND.write(simulated.workforce, write)
    assert refused.value.needed == ("RoleEligibilitySchedule.Remove.Directory",)
    assert KIND.read(simulated.workforce, _ID) == given
