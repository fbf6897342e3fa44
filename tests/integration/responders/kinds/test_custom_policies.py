"""Custom policies of the simulated B2C tenant, over HTTP, with the records that it writes itself."""

from infra.local import world
from responders.kinds.custom_policies import CUSTOM_POLICY, leaves
from shared.model.kinds import Image
from shared.model.objects import EXISTS, WHOLE, Op
from tests.fakes.kinds import objections, write_of
from tests.fakes.recorded import recorded_of
from tests.integration.responders.conftest import SimulatedTenant

_URL = "/beta/trustFramework/policies"
_BASE = world.TRUST_FRAMEWORK_EXTENSIONS.id
_POLICY = world.SIGNUP_SIGNIN.id


def _read(simulated: SimulatedTenant, policy_id: str = _POLICY) -> Image:
    found = CUSTOM_POLICY.read(simulated.b2c, policy_id)
    assert found is not None
    return found


def _upload(simulated: SimulatedTenant, policy_id: str, xml: str) -> None:
    with simulated.control.as_principal(world.BOB_B2C, "graph") as bob:
        headers = {"Content-Type": "application/xml"}
        bob.put(f"{_URL}/{policy_id}/$value", content=xml, headers=headers).raise_for_status()


def test_a_changed_document_is_put_back_from_the_version_that_had_it(simulated: SimulatedTenant) -> None:
    before = CUSTOM_POLICY.inventory.read(simulated.b2c)[_POLICY.lower()]
    _upload(simulated, _POLICY, before["xml"].replace("<BasePolicy>", "<!-- Bob --><BasePolicy>"))
    assert leaves(_read(simulated)) == leaves(before)
    _upload(simulated, _POLICY, world.custom_policy_xml(_POLICY, base=world.TRUST_FRAMEWORK_BASE.id))
    stands = _read(simulated)
    assert leaves(stands) != leaves(before)
    recorded = recorded_of(CUSTOM_POLICY, simulated.b2c, _POLICY)
    assert {(each.op, each.is_whole, len(each.wrote)) for each in recorded} == {(Op.UPDATE, False, 0)}
    assert all(leaves(_read(simulated, each.object_id)) == leaves(stands) for each in recorded)
    listed = CUSTOM_POLICY.inventory.read(simulated.b2c).values()
    for each in listed:
        spelled = CUSTOM_POLICY.id_of(each)
        assert all(CUSTOM_POLICY.read(simulated.b2c, other) == each for other in (spelled, spelled.upper()))
    assert objections(CUSTOM_POLICY, simulated.b2c, _POLICY, stands, leaves(before)) == {}
    CUSTOM_POLICY.write(simulated.b2c, write_of(CUSTOM_POLICY, _POLICY, stands, leaves(before), source=before))
    assert leaves(_read(simulated)) == leaves(before)


def test_a_new_one_goes_and_a_deleted_one_comes_back(simulated: SimulatedTenant) -> None:
    new = "B2C_1A_evil"
    _upload(simulated, new, world.custom_policy_xml(new, base=_BASE))
    image = _read(simulated, new)
    assert recorded_of(CUSTOM_POLICY, simulated.b2c, new)[0].wrote == {EXISTS: (None, True)}
    assert objections(CUSTOM_POLICY, simulated.b2c, _BASE, _read(simulated, _BASE), {})[WHOLE].guard == "inherited-from"
    assert objections(CUSTOM_POLICY, simulated.b2c, new, image, {}) == {}
    CUSTOM_POLICY.write(simulated.b2c, write_of(CUSTOM_POLICY, new, image, {}))
    assert CUSTOM_POLICY.read(simulated.b2c, new) is None
    assert recorded_of(CUSTOM_POLICY, simulated.b2c, new)[-1].wrote == {EXISTS: (True, None)}
    CUSTOM_POLICY.write(simulated.b2c, write_of(CUSTOM_POLICY, new, None, leaves(image), source=image))
    assert leaves(_read(simulated, new)) == leaves(image)
