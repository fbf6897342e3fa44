"""What a team does on its first day, done for a local stack that is left running: then the doctor finds nothing."""

from typing import Final

from infra.local.demo import Desk
from infra.local.stack import Stack
from infra.local.world import ALICE, READER, TRUDY, role_assignment_path, role_definition_id

_ASSIGNMENT: Final = "0a551600-00d0-4c70-b0c7-000000000001"


def settle_in(stack: Stack) -> Desk:
    """Approve who is approved, name the owner, and have a role given, so that Event Grid has something to deliver."""
    desk = Desk(stack.operator_values())
    desk.seed()
    desk.approve_everywhere(ALICE)
    body = {"properties": {"roleDefinitionId": role_definition_id(READER), "principalId": TRUDY.id}}
    with stack.control.as_principal(ALICE, "arm") as arm:
        path = role_assignment_path(_ASSIGNMENT)
        arm.put(path, params={"api-version": "2022-04-01"}, json=body).raise_for_status()
    return desk
