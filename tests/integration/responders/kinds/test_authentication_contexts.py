"""Authentication contexts of the simulated tenant, over HTTP, with the records that it writes itself."""

import pytest

from infra.local import world
from responders.kinds.authentication_contexts import AUTHENTICATION_CONTEXT as KIND
from responders.kinds.authentication_contexts import leaves
from shared.model.errors import Refused
from shared.model.kinds import Image
from shared.model.objects import Op
from tests.fakes.kinds import difference, objections, write_of
from tests.fakes.recorded import recorded_of
from tests.integration.responders.conftest import SimulatedTenant

_CONTEXTS = "/v1.0/identity/conditionalAccess/authenticationContextClassReferences"
_ID = str(world.AUTHENTICATION_CONTEXTS[0]["id"])


def _read(simulated: SimulatedTenant, context_id: str = _ID) -> Image:
    found = KIND.read(simulated.workforce, context_id)
    assert found is not None
    return found


def _does(simulated: SimulatedTenant, method: str, context_id: str, body: Image | None = None) -> None:
    with simulated.control.as_principal(world.MALLORY, "graph") as mallory:
        mallory.request(method, f"{_CONTEXTS}/{context_id}", json=body).raise_for_status()


@pytest.mark.parametrize(
    "body", [{"isAvailable": False}, {"displayName": "Anything", "description": "Asks for nothing"}], ids=str
)
def test_a_change_is_recorded_whole_and_put_back(simulated: SimulatedTenant, *, body: Image) -> None:
    before = _read(simulated)
    _does(simulated, "PATCH", _ID, body)
    after = _read(simulated)
    (recorded,) = recorded_of(KIND, simulated.workforce, _ID)
    assert (recorded.op, recorded.is_whole) == (Op.UPDATE, True)
    assert recorded.wrote == difference(leaves(before), leaves(after), KIND) != {}
    KIND.write(simulated.workforce, write_of(KIND, _ID, after, leaves(before)))
    assert leaves(_read(simulated)) == leaves(before)


def test_a_deleted_one_is_made_again_under_its_id(simulated: SimulatedTenant) -> None:
    before = _read(simulated)
    _does(simulated, "PATCH", _ID, {"isAvailable": False})
    prepared = _read(simulated)
    _does(simulated, "DELETE", _ID)
    assert KIND.read(simulated.workforce, _ID) is None
    recorded = recorded_of(KIND, simulated.workforce, _ID)[-1]
    assert (recorded.op, recorded.is_whole) == (Op.DELETE, True)
    assert recorded.wrote == difference(leaves(prepared), {}, KIND)
    assert KIND.write(simulated.workforce, write_of(KIND, _ID, None, leaves(before))) == _ID
    assert leaves(_read(simulated)) == leaves(before)
    own = recorded_of(KIND, simulated.workforce, _ID)[-1]
    assert (own.op, own.wrote) == (Op.CREATE, difference({}, leaves(before), KIND))


def test_an_unwanted_one_is_recorded_whole_and_unpublished(simulated: SimulatedTenant) -> None:
    _does(simulated, "PATCH", "c42", {"displayName": "Sensitive data 2", "isAvailable": True})
    image = _read(simulated, "c42")
    (recorded,) = recorded_of(KIND, simulated.workforce, "c42")
    assert (recorded.op, recorded.is_whole) == (Op.CREATE, True)
    assert recorded.wrote == difference({}, leaves(image), KIND)
    assert KIND.removal is not None
    steps = KIND.removal(leaves(image))
    target = {leaf: value for leaf, value in leaves(image).items() if leaf not in steps}
    assert objections(KIND, simulated.workforce, "c42", image, target) == {}
    KIND.write(simulated.workforce, write_of(KIND, "c42", image, target))
    assert leaves(_read(simulated, "c42")) == target
    assert KIND.removal(target) == {}
    KIND.write(simulated.workforce, write_of(KIND, "c42", _read(simulated, "c42"), {}))
    assert leaves(_read(simulated, "c42")) == target


def test_it_needs_its_own_permission_to_write(simulated: SimulatedTenant) -> None:
    before = _read(simulated)
    simulated.control.revoke(world.RESPONDER, "AuthenticationContext.ReadWrite.All")
    simulated.control.settings(grants_reach_issued_tokens=True)
    assert KIND.inventory.read(simulated.workforce).keys() == {_ID}
    target = leaves(before) | {"displayName": "Another"}
    with pytest.raises(Refused) as refused:
        KIND.write(simulated.workforce, write_of(KIND, _ID, before, target))
    assert refused.value.needed == ("AuthenticationContext.ReadWrite.All",)
