"""Authentication strengths of the simulated tenant, over HTTP, with the records that it writes itself."""

import pytest

from infra.local import world
from responders.kinds.authentication_strength_leaves import leaves
from responders.kinds.authentication_strengths import AUTHENTICATION_STRENGTH as KIND
from shared.model.errors import DoneAlready, Rejected
from shared.model.kinds import Image
from shared.model.objects import EXISTS, WHOLE, Op
from tests.fakes.kinds import difference, objections, write_of, written
from tests.fakes.recorded import recorded_of
from tests.integration.responders.conftest import SimulatedTenant

_STRENGTHS = "/v1.0/policies/authenticationStrengthPolicies"
_OURS = world.STRENGTH_KEYS_ONLY
_MODELS = ["de1e552d-db1d-4423-a619-566b625cdc84", "90a3ccdf-635c-4729-a248-9b709135078f"]
_KEYS = {
    "@odata.type": "#microsoft.graph.fido2CombinationConfiguration",
    "appliesToCombinations": ["fido2"],
    "allowedAAGUIDs": _MODELS,
}
_CERTIFICATES = {
    "@odata.type": "#microsoft.graph.x509CertificateCombinationConfiguration",
    "appliesToCombinations": ["x509CertificateMultiFactor"],
    "allowedIssuerSkis": ["9A4248C6AC8C2931AB2A86537818E92E7B6C97B6"],
}


def _read(simulated: SimulatedTenant, strength_id: str = _OURS) -> Image:
    found = KIND.read(simulated.workforce, strength_id)
    assert found is not None
    return found


def _does(simulated: SimulatedTenant, method: str, path: str, body: Image | None = None) -> Image:
    with simulated.control.as_principal(world.MALLORY, "graph") as mallory:
        answer = mallory.request(method, f"{_STRENGTHS}{path}", json=body).raise_for_status()
    return answer.json() if answer.content else {}


def _combine(simulated: SimulatedTenant, *combinations: str, strength: str = _OURS) -> None:
    body = {"allowedCombinations": [*combinations]}
    _does(simulated, "POST", f"/{strength}/updateAllowedCombinations", body)


def _put_back(simulated: SimulatedTenant, before: Image) -> None:
    write = write_of(KIND, _OURS, _read(simulated), leaves(before))
    assert KIND.write(simulated.workforce, write) == _OURS
    assert leaves(_read(simulated)) == leaves(before)


@pytest.mark.parametrize("combinations", [("fido2", "password"), ("password", "password,microsoftAuthenticatorPush")])
def test_weakened_combinations_are_recorded_whole_and_put_back(
    simulated: SimulatedTenant, *, combinations: tuple[str, ...]
) -> None:
    before = _read(simulated)
    _combine(simulated, *combinations)
    (recorded,) = recorded_of(KIND, simulated.workforce, _OURS)
    assert (recorded.op, recorded.is_whole) == (Op.UPDATE, True)
    assert recorded.wrote == difference(leaves(before), leaves(_read(simulated)), KIND) != {}
    _put_back(simulated, before)


def test_a_name_is_recorded_whole_and_put_back(simulated: SimulatedTenant) -> None:
    before = _read(simulated)
    _does(simulated, "PATCH", f"/{_OURS}", {"displayName": "Weak", "description": "By Mallory"})
    (recorded,) = recorded_of(KIND, simulated.workforce, _OURS)
    assert recorded.wrote == {"displayName": ("Security keys only", "Weak"), "description": (None, "By Mallory")}
    _put_back(simulated, before)


def _configure(simulated: SimulatedTenant, strength: str = _OURS) -> list[str]:
    _combine(simulated, "fido2", "x509CertificateMultiFactor", strength=strength)
    made = (_does(simulated, "POST", f"/{strength}/combinationConfigurations", each) for each in (_KEYS, _CERTIFICATES))
    return [str(each["id"]) for each in made]


def test_configurations_that_are_added_changed_or_taken_away_are_recorded_whole_and_put_back(
    simulated: SimulatedTenant,
) -> None:
    plain = _read(simulated)
    keys, certificates = _configure(simulated)
    configured = _read(simulated)
    recorded = recorded_of(KIND, simulated.workforce, _OURS)[1:]
    assert [each.is_whole for each in recorded] == [True, True]
    parts = {leaf: step for each in recorded for leaf, step in each.wrote.items()}
    assert parts.keys() == {"combinationConfigurations.fido2", "combinationConfigurations.x509CertificateMultiFactor"}

    weaker = _KEYS | {"allowedAAGUIDs": ["00000000-0000-0000-0000-000000000001"]}
    _does(simulated, "PATCH", f"/{_OURS}/combinationConfigurations/{keys}", weaker)
    _does(simulated, "DELETE", f"/{_OURS}/combinationConfigurations/{certificates}")
    changed = _read(simulated)
    update, deletion = recorded_of(KIND, simulated.workforce, _OURS)[-2:]
    assert update.wrote | deletion.wrote == difference(leaves(configured), leaves(changed), KIND)
    assert (update.op, update.is_whole, deletion.op, deletion.is_whole) == (Op.UPDATE, True, Op.UPDATE, True)
    _put_back(simulated, configured)
    _put_back(simulated, plain)


def test_a_deleted_one_is_made_again_with_its_configurations(simulated: SimulatedTenant) -> None:
    _configure(simulated)
    before = _read(simulated)
    _does(simulated, "DELETE", f"/{_OURS}")
    assert KIND.read(simulated.workforce, _OURS) is None
    recorded = recorded_of(KIND, simulated.workforce, _OURS)[-1]
    assert (recorded.op, recorded.is_whole) == (Op.DELETE, True)
    assert recorded.wrote == difference(leaves(before), {}, KIND)
    assert objections(KIND, simulated.workforce, _OURS, None, leaves(before)) == {}
    back = written(KIND, simulated.workforce, write_of(KIND, _OURS, None, leaves(before), name="Security keys only"))
    assert back != _OURS
    assert leaves(_read(simulated, back)) == leaves(before)
    assert recorded_of(KIND, simulated.workforce, back)[0].op is Op.CREATE


def _made(simulated: SimulatedTenant) -> str:
    body = {"displayName": "Phishing-resistant", "allowedCombinations": ["password"]}
    return str(_does(simulated, "POST", "", body)["id"])


def test_an_unwanted_one_is_recorded_whole_and_deleted(simulated: SimulatedTenant) -> None:
    made = _made(simulated)
    image = _read(simulated, made)
    (recorded,) = recorded_of(KIND, simulated.workforce, made)
    assert (recorded.op, recorded.is_whole) == (Op.CREATE, True)
    assert recorded.wrote == difference({}, leaves(image), KIND)
    assert objections(KIND, simulated.workforce, made, image, {}) == {}
    KIND.write(simulated.workforce, write_of(KIND, made, image, {}))
    assert KIND.read(simulated.workforce, made) is None
    with pytest.raises(DoneAlready):
        KIND.write(simulated.workforce, write_of(KIND, made, image, {}))


def _use(simulated: SimulatedTenant, strength: str, state: str, *left_out: world.Principal) -> None:
    policy = {
        "displayName": "Strong everywhere",
        "state": state,
        "conditions": {
            "users": {"includeUsers": ["All"], "excludeUsers": [each.id for each in left_out]},
            "applications": {"includeApplications": ["All"]},
        },
        "grantControls": {"operator": "OR", "authenticationStrength": {"id": strength}},
    }
    with simulated.control.as_principal(world.MALLORY, "graph") as mallory:
        mallory.post("/v1.0/identity/conditionalAccess/policies", json=policy).raise_for_status()


@pytest.mark.parametrize("state", ["enabled", "disabled"])
def test_one_that_a_policy_uses_cannot_be_deleted_until_it_does_not(simulated: SimulatedTenant, *, state: str) -> None:
    made = _made(simulated)
    _use(simulated, made, state)
    image = _read(simulated, made)
    objection = objections(KIND, simulated.workforce, made, image, {})[WHOLE]
    assert (objection.guard, objection.can_pass) == ("used", True)
    assert "Strong everywhere" in objection.because
    with pytest.raises(Rejected):
        KIND.write(simulated.workforce, write_of(KIND, made, image, {}))


def test_what_would_keep_an_emergency_account_out_is_refused(simulated: SimulatedTenant) -> None:
    _combine(simulated, "fido2", "windowsHelloForBusiness")
    _use(simulated, _OURS, "enabled")
    stands = _read(simulated)
    emergency = frozenset({world.BREAK_GLASS_1.id})
    without_keys = leaves(stands | {"allowedCombinations": ["windowsHelloForBusiness"]})
    refused = objections(KIND, simulated.workforce, _OURS, stands, without_keys, emergency=emergency)[WHOLE]
    assert f"emergency account {world.BREAK_GLASS_1.id}" in refused.because
    keys = leaves(stands | {"allowedCombinations": ["fido2"]})
    assert objections(KIND, simulated.workforce, _OURS, stands, keys, emergency=emergency) == {}


def test_the_tenants_own_are_guarded_and_microsofts_are_not(simulated: SimulatedTenant) -> None:
    found = KIND.inventory.read(simulated.workforce)
    assert found.keys() == {_OURS}
    assert leaves(found[_OURS])[EXISTS] is True
