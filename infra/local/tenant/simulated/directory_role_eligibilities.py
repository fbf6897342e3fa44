"""Who is eligible for which role of the directory. The tenant over HTTP serves that by itself, where it has PIM."""

import json
import uuid
from typing import Final

from infra.local import world
from infra.local.tenant.simulated_kind import (
    Alternatives,
    Asked,
    Logged,
    Refusal,
    Reply,
    Route,
    Sample,
    SimulatedKind,
    show_all,
)
from infra.local.world import Json
from shared.model.kinds import ObjectKind, TenantKind

_PATH: Final = "/roleManagement/directory"
_READ: Final[Alternatives] = (
    frozenset({"RoleEligibilitySchedule.Read.Directory"}),
    frozenset({"RoleManagement.Read.Directory"}),
)
_REMOVE: Final[Alternatives] = (
    frozenset({"RoleEligibilitySchedule.Remove.Directory"}),
    frozenset({"RoleEligibilitySchedule.ReadWrite.Directory"}),
)


def _request(asked: Asked) -> Reply:
    """Carry out a request to PIM; only removals are played here."""
    body: Json = asked.body
    object_id = f"{body.get('roleDefinitionId')}/{body.get('principalId')}".lower()
    if body.get("action") != "adminRemove" or body.get("directoryScopeId") != "/":
        raise Refusal(400, "InvalidRequest")
    if asked.shelf.current(object_id) is None:
        raise Refusal(400, "RoleAssignmentDoesNotExist", "The Role assignment does not exist.")
    asked.shelf.put(object_id, None)
    return Reply(status=201, body={"id": str(uuid.uuid4()), "action": "adminRemove", "status": "Revoked"})


def _logged(_object_id: str, before: Json | None, after: Json | None) -> Logged:
    eligibility: Json = after or before or {}
    verb, place, side, other = (
        ("Add", "to", "newValue", "oldValue") if after else ("Remove", "from", "oldValue", "newValue")
    )
    role = eligibility["roleDefinitionId"]
    values = {"Role.DisplayName": world.DIRECTORY_ROLE_NAMES.get(role, ""), "Role.TemplateId": role}
    changes = [{"displayName": name, side: json.dumps(value), other: None} for name, value in values.items()]
    holder: Json = {"id": eligibility["principalId"], "displayName": None, "type": "User"}
    return Logged(
        activity=f"{verb} eligible member {place} role",
        category="RoleManagement",
        operation="Assign" if after else "Unassign",
        targets=[
            holder | {"modifiedProperties": changes},
            {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, role)), "displayName": None, "type": "Role"}
            | {"modifiedProperties": []},
        ],
    )


def _sample(role: str, holder: str, *, is_there: bool = True) -> Sample:
    image: Json = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{role}/{holder}")),
        "principalId": holder,
        "roleDefinitionId": role,
        "directoryScopeId": "/",
        "memberType": "Direct",
        "startDateTime": "2026-01-12T08:00:00Z",
        "endDateTime": None,
    }
    return Sample(object_id=f"{role}/{holder}".lower(), image=image, is_there=is_there, holder=holder)


_FIRST: Final = "e11a0001-4b7c-4d29-8f56-0c9e3a5d1b72"
_SECOND: Final = "e11a0002-7d3f-4a85-b1c6-f28e0d9a4735"

SIMULATED: Final = SimulatedKind(
    kind=ObjectKind.DIRECTORY_ROLE_ELIGIBILITY,
    tenant_kind=TenantKind.WORKFORCE,
    routes=(
        Route(
            method="GET",
            path=f"{_PATH}/roleEligibilityScheduleInstances",
            needs=_READ,
            answer=show_all,
            filters=("principalId", "roleDefinitionId"),
        ),
        Route(method="POST", path=f"{_PATH}/roleEligibilityScheduleRequests", needs=_REMOVE, answer=_request),
    ),
    logged=_logged,
    samples=(
        _sample(world.HELPDESK_ADMINISTRATOR, _FIRST),
        _sample(world.PRIVILEGED_ROLE_ADMINISTRATOR, _SECOND, is_there=False),
    ),
    detected=frozenset({"create", "delete"}),
    is_made_again=False,
    belongs_to=lambda eligibility: (eligibility["principalId"],),
    tells_values=True,
    has_routes_of_its_own=True,
)
