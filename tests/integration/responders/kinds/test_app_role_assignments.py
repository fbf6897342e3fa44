"""App roles of the simulated tenant, over HTTP, with the records that it writes itself."""

import pytest

from infra.local import world
from infra.local.tenant.app_roles import APP_ROLES, GRAPH
from responders.kinds.app_role_assignments import APP_ROLE_ASSIGNMENT as KIND
from responders.kinds.app_role_assignments import leaves
from shared.model.errors import DoneAlready, Refused
from shared.model.kinds import Image
from shared.model.objects import Op
from tests.fakes.kinds import difference, write_of
from tests.fakes.recorded import recorded_of
from tests.integration.responders.conftest import SimulatedTenant

_ROLES = ("Mail.Read", "Mail.Send")


def _id_of(role: str) -> str:
    return f"{GRAPH}/{world.IMPOSTOR.id}/{APP_ROLES[role]}"


def _consent(simulated: SimulatedTenant) -> list[Image]:
    simulated.control.settings(audit_lag=0)
    with simulated.control.as_principal(world.MALLORY, "graph") as mallory:
        for role in _ROLES:
            body = {"principalId": world.IMPOSTOR.id, "resourceId": GRAPH, "appRoleId": APP_ROLES[role]}
            mallory.post(f"/v1.0/servicePrincipals/{GRAPH}/appRoleAssignedTo", json=body).raise_for_status()
    found = [KIND.read(simulated.workforce, _id_of(role)) for role in _ROLES]
    return [each for each in found if each is not None]


def test_a_consent_to_several_is_as_many_changes_each_taken_away(simulated: SimulatedTenant) -> None:
    given = _consent(simulated)
    assert len(given) == len(_ROLES)
    simulated.control.grant(world.RESPONDER, "AppRoleAssignment.ReadWrite.All")
    simulated.control.settings(grants_reach_issued_tokens=True)
    for role, stands in zip(_ROLES, given, strict=True):
        (recorded,) = recorded_of(KIND, simulated.workforce, _id_of(role))
        assert (recorded.op, recorded.is_whole) == (Op.CREATE, True)
        assert recorded.wrote == difference({}, leaves(stands), KIND)
        assert recorded.name.startswith(f"{role} of Microsoft Graph for ")
        write = write_of(KIND, _id_of(role), stands, {})
        assert KIND.write(simulated.workforce, write) == _id_of(role)
        assert KIND.read(simulated.workforce, _id_of(role)) is None
        assert recorded_of(KIND, simulated.workforce, _id_of(role))[-1].op is Op.DELETE
        with pytest.raises(DoneAlready):
            KIND.write(simulated.workforce, write)


def test_what_the_identity_is_given_takes_none_away(simulated: SimulatedTenant) -> None:
    stands, _ = _consent(simulated)
    with pytest.raises(Refused) as refused:
        KIND.write(simulated.workforce, write_of(KIND, KIND.id_of(stands), stands, {}))
    assert refused.value.needed == ("AppRoleAssignment.ReadWrite.All",)
    assert str(stands["id"]) in refused.value.by_hand
    assert KIND.read(simulated.workforce, KIND.id_of(stands)) == stands


def test_everything_that_was_given_is_read(simulated: SimulatedTenant) -> None:
    own = f"{GRAPH}/{world.RESPONDER.id}/{APP_ROLES['MailboxSettings.Read']}"
    assert KIND.inventory.read(simulated.workforce).keys() == {own}
    _consent(simulated)
    assert KIND.inventory.read(simulated.workforce).keys() == {own, *map(_id_of, _ROLES)}
