"""Directory role assignments of the simulated tenant, over HTTP, with the records that it writes itself."""

import pytest

from infra.local import world
from responders.kinds.directory_role_assignments import DIRECTORY_ROLE_ASSIGNMENT as KIND
from responders.kinds.directory_role_assignments import leaves
from shared.model.clock import utc_now
from shared.model.errors import DoneAlready, Refused, Rejected
from shared.model.events import Actor, ActorKind, Log
from shared.model.kinds import Image
from shared.model.objects import WHOLE, ObjectChange, Op
from tests.fakes.kinds import difference, objections, write_of, written
from tests.fakes.recorded import recorded_of
from tests.integration.responders.conftest import SimulatedTenant

_ROLES = "/v1.0/roleManagement/directory/roleAssignments"
_GIVEN = {
    "principalId": world.TRUDY.id,
    "roleDefinitionId": world.PRIVILEGED_ROLE_ADMINISTRATOR,
    "directoryScopeId": "/",
}
_ID = f"{world.PRIVILEGED_ROLE_ADMINISTRATOR}/{world.TRUDY.id}"


def _give(simulated: SimulatedTenant) -> Image:
    simulated.control.settings(consistency_lag=0, audit_lag=0)
    with simulated.control.as_principal(world.MALLORY, "graph") as mallory:
        mallory.post(_ROLES, json=_GIVEN).raise_for_status()
    found = KIND.read(simulated.workforce, _ID)
    assert found is not None
    return found


def _take(simulated: SimulatedTenant, stands: Image) -> str:
    return written(KIND, simulated.workforce, write_of(KIND, _ID, stands, {}))


def _asked_pim_for_it(simulated: SimulatedTenant) -> str:
    """Say who asked PIM for what the directory's log says that its service has just taken away; "" for nobody."""
    at, pim = utc_now(), Actor(id=world.MS_PIM.id, kind=ActorKind.SERVICE_PRINCIPAL)
    change = ObjectChange(id="c", log=Log.AUDIT, actor=pim, at=at, arrived_at=at, op=Op.DELETE, object_id=_ID)
    assert KIND.confirm is not None
    asked = KIND.confirm(simulated.workforce, change, None).actor
    return asked.id if asked else ""


def test_one_that_was_given_is_recorded_whole_and_taken_away_when_pim_does_so(simulated: SimulatedTenant) -> None:
    given = _give(simulated)
    (recorded,) = recorded_of(KIND, simulated.workforce, _ID)
    assert (recorded.op, recorded.is_whole, recorded.wrote) == (Op.CREATE, True, difference({}, leaves(given), KIND))
    assert objections(KIND, simulated.workforce, _ID, given, {}) == {}
    with pytest.raises(Rejected) as refused:
        _take(simulated, given)
    assert (refused.value.code, str(given["id"]) in refused.value.by_hand) == ("ActiveDurationTooShort", True)
    assert KIND.read(simulated.workforce, _ID) == given
    simulated.control.settings(pim_shortest_seconds=0)
    assert _take(simulated, given) == _ID
    assert KIND.read(simulated.workforce, _ID) is None
    own = recorded_of(KIND, simulated.workforce, _ID)[-1]
    assert (own.op, own.wrote) == (Op.DELETE, difference(leaves(given), {}, KIND))
    assert _asked_pim_for_it(simulated) == world.RESPONDER.id
    with pytest.raises(DoneAlready):
        _take(simulated, given)


def test_with_a_permission_that_nobody_gives_it_goes_at_once(simulated: SimulatedTenant) -> None:
    given = _give(simulated)
    simulated.control.grant(world.RESPONDER, "RoleManagement.ReadWrite.Directory")
    simulated.control.settings(grants_reach_issued_tokens=True)
    assert _take(simulated, given) == _ID
    assert KIND.read(simulated.workforce, _ID) is None


def test_without_a_licence_or_a_permission_nothing_is_taken(simulated: SimulatedTenant) -> None:
    given = _give(simulated)
    simulated.control.settings(has_pim=False)
    with pytest.raises(Rejected, match="AadPremiumLicenseRequired"):
        _take(simulated, given)
    simulated.control.revoke(world.RESPONDER, "RoleAssignmentSchedule.Remove.Directory")
    simulated.control.settings(grants_reach_issued_tokens=True)
    with pytest.raises(Refused) as refused:
        _take(simulated, given)
    assert refused.value.needed == ("RoleAssignmentSchedule.Remove.Directory",)
    assert KIND.read(simulated.workforce, _ID) == given


def test_everything_that_is_held_is_read(simulated: SimulatedTenant) -> None:
    read = KIND.inventory.read(simulated.workforce)
    here = [each for each in world.DIRECTORY_ROLE_ASSIGNMENTS if each.holder.tenant == world.WORKFORCE_TENANT]
    assert read.keys() == {f"{each.role}/{each.holder.id}" for each in here}


def test_the_last_global_administrator_who_is_enabled_stays(simulated: SimulatedTenant) -> None:
    held = KIND.inventory.read(simulated.workforce)
    object_id = f"{world.GLOBAL_ADMINISTRATOR}/{world.ALICE.id}"
    assert objections(KIND, simulated.workforce, object_id, held[object_id], {}) == {}
    others = [each.holder.id for each in world.DIRECTORY_ROLE_ASSIGNMENTS if each.role == world.GLOBAL_ADMINISTRATOR]
    simulated.control.settings(disabled_accounts=[each for each in others if each != world.ALICE.id])
    found = objections(KIND, simulated.workforce, object_id, held[object_id], {})
    assert found[WHOLE].guard == "last-holder"
