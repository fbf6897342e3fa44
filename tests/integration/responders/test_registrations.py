"""Registrations of applications, read of the simulated tenants over real HTTP."""

import pytest

from infra.local import world
from responders.registrations import registrations_of
from shared.model.calls import Permission
from shared.model.errors import Refused
from shared.model.kinds import TenantKind
from tests.integration.responders.conftest import SimulatedTenant


@pytest.mark.parametrize("kind", TenantKind)
def test_every_application_is_read_by_one_permission(simulated: SimulatedTenant, kind: TenantKind) -> None:
    is_workforce = kind is TenantKind.WORKFORCE
    responder = world.RESPONDER if is_workforce else world.RESPONDER_B2C
    edges = simulated.workforce if is_workforce else simulated.b2c
    simulated.control.revoke(responder, *Permission)
    with pytest.raises(Refused) as refused:
        registrations_of(edges)
    assert refused.value.needed == (Permission.APPLICATION_READ,)
    simulated.control.grant(responder, Permission.APPLICATION_READ)
    names = {one.name for one in registrations_of(edges)}
    assert ("Orders" in names) is is_workforce, "the simulated tenants have registrations in one of them"
