"""Every kind that is declared for the simulated tenants, over HTTP, with the records that the tenant writes itself."""

import pytest

from infra.local import world
from infra.local.world import Principal
from shared.clients.api import TenantEdges
from shared.model.errors import Refused, Rejected
from shared.model.kinds import TenantKind
from shared.model.objects import Op, Recorded
from tests.fakes.declared_scenes import SCENES, Scene
from tests.fakes.kinds import write_of, written
from tests.fakes.recorded import recorded_of
from tests.integration.responders.conftest import SimulatedTenant

_SERVED = [each for each in SCENES if not each.simulated.has_routes_of_its_own]
_EACH = pytest.mark.parametrize("scene", _SERVED, ids=lambda scene: scene.name)
_PUT_BACK = pytest.mark.parametrize(
    "scene", [each for each in _SERVED if each.is_put_back], ids=lambda scene: scene.name
)


def _edges(simulated: SimulatedTenant, scene: Scene) -> TenantEdges:
    return simulated.b2c if scene.kind.tenant_kind is TenantKind.B2C else simulated.workforce


def _attacker(scene: Scene) -> Principal:
    return world.BOB_B2C if scene.kind.tenant_kind is TenantKind.B2C else world.MALLORY


def _act(simulated: SimulatedTenant, scene: Scene) -> None:
    simulated.control.write(_attacker(scene), scene.simulated.kind, scene.object_id, scene.after)


def _recorded(edges: TenantEdges, scene: Scene) -> list[Recorded]:
    """Give what the log says of a scene's object, whose records may have its name and not its id."""
    image = scene.after or scene.before or {}
    name = "" if scene.kind.is_id is None else scene.kind.name_of(image)
    return recorded_of(scene.kind, edges, scene.object_id, name=name)


def _grant_by_hand(simulated: SimulatedTenant, scene: Scene) -> None:
    responder = world.RESPONDER_B2C if scene.kind.tenant_kind is TenantKind.B2C else world.RESPONDER
    simulated.control.settings(grants_reach_issued_tokens=True)
    simulated.control.grant(responder, *(str(each) for call in scene.kind.by_hand for each in call.needs))


@_EACH
def test_its_record_is_understood_and_the_object_is_read_as_it_stands(simulated: SimulatedTenant, scene: Scene) -> None:
    edges = _edges(simulated, scene)
    _act(simulated, scene)
    recorded = _recorded(edges, scene)
    assert recorded, "no record tells of it"
    assert {each.op for each in recorded} <= {Op(scene.op), Op.UPDATE}
    stands = scene.kind.read(edges, scene.object_id)
    listed = scene.kind.inventory.read(edges)
    if scene.after is None:
        assert stands is None
        assert scene.object_id not in {each.lower() for each in listed}
        return
    assert stands is not None
    assert scene.kind.id_of(stands).lower() == scene.object_id
    (found,) = (image for each, image in listed.items() if each.lower() == scene.object_id)
    assert scene.kind.leaves(found) == scene.kind.leaves(stands)


@_PUT_BACK
def test_it_is_put_back_and_the_record_of_that_is_ours(simulated: SimulatedTenant, scene: Scene) -> None:
    edges = _edges(simulated, scene)
    before = scene.kind.read(edges, scene.object_id)
    target = {} if before is None else scene.kind.leaves(before)
    _act(simulated, scene)
    _grant_by_hand(simulated, scene)
    stands = scene.kind.read(edges, scene.object_id)
    before_it = len(_recorded(edges, scene))
    write = write_of(scene.kind, scene.object_id, stands, target, source=before)
    assert written(scene.kind, edges, write).lower() == scene.object_id
    again = scene.kind.read(edges, scene.object_id)
    assert ({} if again is None else scene.kind.leaves(again)) == target
    assert len(_recorded(edges, scene)) > before_it


@_PUT_BACK
def test_without_a_permission_nothing_is_written(simulated: SimulatedTenant, scene: Scene) -> None:
    edges = _edges(simulated, scene)
    before = scene.kind.read(edges, scene.object_id)
    target = {} if before is None else scene.kind.leaves(before)
    _act(simulated, scene)
    stands = scene.kind.read(edges, scene.object_id)
    responder = world.RESPONDER_B2C if scene.kind.tenant_kind is TenantKind.B2C else world.RESPONDER
    simulated.control.settings(grants_reach_issued_tokens=True)
    needed = world.GRAPH_ROLES[responder.id] | {str(each) for call in scene.kind.calls for each in call.needs}
    simulated.control.revoke(responder, *needed)
    with pytest.raises((Refused, Rejected)):
        scene.kind.write(edges, write_of(scene.kind, scene.object_id, stands, target, source=before))
    simulated.control.grant(responder, *needed)
    assert scene.kind.read(edges, scene.object_id) == stands
