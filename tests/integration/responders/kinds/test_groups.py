"""Guarded groups of the simulated tenant, over HTTP, with the records that it writes itself."""

import pytest

from infra.local import world
from infra.local.world import Group, Principal
from responders.kinds.groups import GUARDED_GROUP as KIND
from shared.model.errors import Refused
from shared.model.kinds import Image
from shared.model.objects import Op
from tests.fakes.kinds import objections, write_of
from tests.fakes.recorded import recorded_of
from tests.integration.responders.conftest import SimulatedTenant

_BY_HAND = tuple(str(each) for call in KIND.by_hand for each in call.needs)
_ASSIGNABLE = world.ROLE_ADMINISTRATORS


def _read(simulated: SimulatedTenant, group: Group) -> Image:
    found = KIND.read(simulated.workforce, group.id)
    assert found is not None
    return found


def _add(simulated: SimulatedTenant, group: Group, which: str, who: Principal) -> None:
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{who.id}"}
    with simulated.control.as_principal(world.MALLORY, "graph") as mallory:
        mallory.post(f"/v1.0/groups/{group.id}/{which}/$ref", json=reference).raise_for_status()


def _leave_out(simulated: SimulatedTenant, group: Group) -> None:
    """Let a policy leave a group out."""
    path = "/v1.0/identity/conditionalAccess/policies"
    with simulated.control.as_principal(world.ALICE, "graph") as alice:
        policy = alice.get(path).json()["value"][0]
        users = policy["conditions"]["users"] | {"excludeGroups": [group.id]}
        body = {"conditions": policy["conditions"] | {"users": users}}
        alice.patch(f"{path}/{policy['id']}", json=body).raise_for_status()


def test_which_are_guarded(simulated: SimulatedTenant) -> None:
    assignable = {each.id for each in world.GROUPS if each.is_role_assignable}
    assert KIND.inventory.read(simulated.workforce).keys() == assignable
    assert KIND.read(simulated.workforce, world.EVERYBODY.id) is None
    _leave_out(simulated, world.EVERYBODY)
    assert KIND.inventory.read(simulated.workforce).keys() == {*assignable, world.EVERYBODY.id}
    assert _read(simulated, world.EVERYBODY)["members"] == sorted(each.id for each in world.EVERYBODY.members)


@pytest.mark.parametrize("which", ["members", "owners"])
@pytest.mark.parametrize("group", [_ASSIGNABLE, world.EVERYBODY], ids=lambda group: group.name)
def test_who_was_put_in_is_recorded_and_taken_out(simulated: SimulatedTenant, group: Group, which: str) -> None:
    _leave_out(simulated, world.EVERYBODY)
    if not group.owners:
        _add(simulated, group, "owners", world.ALICE)
    before = _read(simulated, group)
    _add(simulated, group, which, world.TRUDY)
    leaf = f"{which}[{world.TRUDY.id}]"
    recorded = recorded_of(KIND, simulated.workforce, group.id)[-1]
    assert (recorded.op, recorded.is_whole, recorded.wrote) == (Op.UPDATE, True, {leaf: (None, world.TRUDY.id)})
    stands = _read(simulated, group)
    write = write_of(KIND, group.id, stands, KIND.leaves(before))
    assert write.steps.keys() == {leaf}
    assert objections(KIND, simulated.workforce, group.id, stands, KIND.leaves(before)) == {}
    with pytest.raises(Refused) as refused:
        KIND.write(simulated.workforce, write)
    assert f"groups/{group.id}/{which}/{world.TRUDY.id}/$ref" in refused.value.by_hand
    simulated.control.grant(world.RESPONDER, *_BY_HAND, "RoleManagement.ReadWrite.Directory")
    simulated.control.settings(grants_reach_issued_tokens=True)
    assert KIND.write(simulated.workforce, write) == group.id
    assert _read(simulated, group) == before
    assert recorded_of(KIND, simulated.workforce, group.id)[-1].wrote == {leaf: (world.TRUDY.id, None)}


def test_a_member_is_given_back_to_a_group_that_a_policy_leaves_out(simulated: SimulatedTenant) -> None:
    group = world.EVERYBODY
    _leave_out(simulated, group)
    before = _read(simulated, group)
    with simulated.control.as_principal(world.MALLORY, "graph") as mallory:
        mallory.delete(f"/v1.0/groups/{group.id}/members/{world.DAVE.id}/$ref").raise_for_status()
    stands = _read(simulated, group)
    assert objections(KIND, simulated.workforce, group.id, stands, KIND.leaves(before)) == {}
    simulated.control.grant(world.RESPONDER, *_BY_HAND)
    simulated.control.settings(grants_reach_issued_tokens=True)
    KIND.write(simulated.workforce, write_of(KIND, group.id, stands, KIND.leaves(before)))
    assert _read(simulated, group) == before
