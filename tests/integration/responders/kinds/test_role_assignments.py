"""Role assignments of the simulated tenant, over HTTP: what is written is what stands, and who did it is found out."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.local import world
from responders.kinds.role_assignments import ROLE_ASSIGNMENT, leaves
from shared.model.events import Actor, ActorKind, Log
from shared.model.object_kinds import Confirmation
from shared.model.objects import ObjectChange, Op
from tests.fakes.kinds import write_of
from tests.integration.responders.conftest import SimulatedTenant

_ID = world.role_assignment_path("0a551600-00ff-4e1f-8c3a-5d7b9f204e61", world.RESOURCE_GROUP_SCOPE)
_VERSION = "2022-04-01"


def _given(simulated: SimulatedTenant) -> None:
    with simulated.control.as_principal(world.ALICE, "arm") as alice:
        body = {
            "properties": {
                "roleDefinitionId": world.role_definition_id(world.READER),
                "principalId": world.MALLORY.id,
                "principalType": "User",
                "description": "for the audit",
            }
        }
        alice.put(_ID, params={"api-version": _VERSION}, json=body).raise_for_status()


def _change(op: Op, actor: world.Principal) -> ObjectChange:
    at = datetime.now(UTC)
    kind = ActorKind.USER if actor.kind == "user" else ActorKind.SERVICE_PRINCIPAL
    who = Actor(id=actor.id, kind=kind)
    return ObjectChange(id="c", log=Log.RESOURCE, actor=who, at=at, arrived_at=at, op=op, object_id=_ID)


def _confirmed(simulated: SimulatedTenant, change: ObjectChange, image: Any) -> Confirmation:  # noqa: ANN401 - JSON
    assert ROLE_ASSIGNMENT.confirm is not None
    return ROLE_ASSIGNMENT.confirm(simulated.workforce, change, image)


def test_it_is_taken_away_and_made_again_as_it_was(simulated: SimulatedTenant) -> None:
    _given(simulated)
    api = simulated.workforce
    before = ROLE_ASSIGNMENT.read(api, _ID)
    assert before is not None
    assert ROLE_ASSIGNMENT.made(before).by == world.ALICE.id
    ROLE_ASSIGNMENT.write(api, write_of(ROLE_ASSIGNMENT, _ID, before, {}))
    assert ROLE_ASSIGNMENT.read(api, _ID) is None
    ROLE_ASSIGNMENT.write(api, write_of(ROLE_ASSIGNMENT, _ID, None, leaves(before), source=before))
    after = ROLE_ASSIGNMENT.read(api, _ID)
    assert after is not None
    assert leaves(after) == leaves(before)
    assert ROLE_ASSIGNMENT.made(after).by == world.RESPONDER.id


def test_a_changed_one_is_put_back_to_exactly_the_target(simulated: SimulatedTenant) -> None:
    _given(simulated)
    api = simulated.workforce
    stands = ROLE_ASSIGNMENT.read(api, _ID)
    assert stands is not None
    target = {name: value for name, value in leaves(stands).items() if name != "description"}
    ROLE_ASSIGNMENT.write(api, write_of(ROLE_ASSIGNMENT, _ID, stands, target))
    after = ROLE_ASSIGNMENT.read(api, _ID)
    assert after is not None
    assert leaves(after) == target


def test_azure_says_who_wrote_it_and_who_deleted_it(simulated: SimulatedTenant) -> None:
    _given(simulated)
    api = simulated.workforce
    image = ROLE_ASSIGNMENT.read(api, _ID)
    assert _confirmed(simulated, _change(Op.UPDATE, world.ALICE), image).is_true is True
    assert _confirmed(simulated, _change(Op.UPDATE, world.MALLORY), image).is_true is False
    with simulated.control.as_principal(world.ALICE, "arm") as alice:
        alice.delete(_ID, params={"api-version": _VERSION}).raise_for_status()
    assert _confirmed(simulated, _change(Op.DELETE, world.ALICE), image).is_true is True
    assert _confirmed(simulated, _change(Op.DELETE, world.MALLORY), image).is_true is False


def _until[T](read: Callable[[], T | None]) -> T:
    for _ in range(100):
        if (found := read()) is not None:
            return found
        time.sleep(0.05)
    raise AssertionError("it didn't come")


@pytest.mark.parametrize("ends", [False, True])
def test_an_activation_is_whose_request_it_was_and_its_end_is_no_change(
    simulated: SimulatedTenant, *, ends: bool
) -> None:
    (eligible, *_) = world.AZURE_ROLE_ELIGIBILITIES
    request = f"{world.SUBSCRIPTION_SCOPE}/providers/Microsoft.Authorization/roleAssignmentScheduleRequests"
    with simulated.control.as_principal(eligible.holder, "arm") as holder:
        body = {
            "properties": {
                "principalId": eligible.holder.id,
                "roleDefinitionId": world.role_definition_id(eligible.definition),
                "requestType": "SelfActivate",
                "scheduleInfo": {"expiration": {"type": "AfterDuration", "duration": "PT2S" if ends else "PT1H"}},
            }
        }
        url = f"{request}/5c000000-1111-4222-8333-444444444444"
        holder.put(url, params={"api-version": "2020-10-01"}, json=body).raise_for_status()
    api = simulated.workforce
    held = _until(
        lambda: next(
            (
                each
                for each in ROLE_ASSIGNMENT.inventory.read(api).values()
                if each["properties"]["principalId"] == eligible.holder.id
                and ROLE_ASSIGNMENT.made(each).by == world.MS_PIM.id
            ),
            None,
        )
    )
    change = _change(Op.UPDATE, world.MS_PIM)
    confirmation = _confirmed(simulated, change, held)
    assert (confirmation.is_true, confirmation.actor and confirmation.actor.id, confirmation.is_expiry) == (
        True,
        eligible.holder.id,
        False,
    )
    if not ends:
        return
    _until(lambda: True if ROLE_ASSIGNMENT.read(api, held["id"]) is None else None)
    gone = ObjectChange(
        id="d",
        log=Log.RESOURCE,
        actor=change.actor,
        at=datetime.now(UTC),
        arrived_at=datetime.now(UTC),
        op=Op.DELETE,
        object_id=held["id"],
    )
    confirmation = _confirmed(simulated, gone, held)
    assert (confirmation.is_true, confirmation.actor, confirmation.is_expiry) == (True, None, True)
