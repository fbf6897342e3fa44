"""Azure role assignments: the store and the rules of a write."""

import uuid
from dataclasses import dataclass
from http import HTTPStatus

from infra.local import world
from infra.local.tenant.api_error import ApiError, bad_request
from infra.local.tenant.bodies import as_object
from infra.local.tenant.instants import instant
from infra.local.tenant.replicated import Lags, Replicated
from infra.local.tenant.settings import Settings
from infra.local.world import Json

TYPE = "Microsoft.Authorization/roleAssignments"
_KINDS = {"user": "User", "servicePrincipal": "ServicePrincipal"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an assignment is: its scope and its GUID, each as the caller spelled it."""

    scope: str
    name: str

    @property
    def key(self) -> str:
        """What two spellings of the same place share: resource ids don't tell upper from lower case."""
        return self.id.lower()

    @property
    def id(self) -> str:
        """The resource id."""
        return world.role_assignment_path(self.name, self.scope)


def place_of(resource_id: str) -> Place:
    """Read the resource id of an assignment."""
    scope, _, name = resource_id.rpartition(f"/providers/{TYPE}/")
    return Place(scope=scope, name=name)


def is_within(inner: str, outer: str) -> bool:
    """Say whether the scope `inner` is `outer` or lies below it."""
    return f"{inner.lower()}/".startswith(f"{outer.lower()}/")


class RoleAssignments:
    """Assignments by place, as Azure Resource Manager prints them. Reads by callers lag as the setting says."""

    def __init__(self, settings: Settings) -> None:
        self._lags = Lags(reads=lambda: settings.arm_consistency_lag, listings=lambda: settings.listing_lag)
        self.seed()

    def seed(self) -> None:
        """Go back to what `world` says."""
        self.store: Replicated[Json] = Replicated(self._lags)
        for each in world.ROLE_ASSIGNMENTS:
            place = Place(scope=world.SUBSCRIPTION_SCOPE, name=each.id)
            properties = {
                "roleDefinitionId": world.role_definition_id(each.definition),
                "principalId": each.holder.id,
                "principalType": _KINDS[each.holder.kind],
            }
            stored = _assignment(place, properties, by=world.ALICE.id, at=world.SEEDED_AT)
            self.store.seed(place.key, stored)

    def get(self, place: Place) -> Json | None:
        """Read one as it stands."""
        return self.store.current(place.key)

    def all(self) -> list[Json]:
        """Read all as they stand, oldest first."""
        return list(self.store.all_current().values())

    def delete(self, place: Place) -> Json | None:
        """Take one away and answer it; None when it wasn't there."""
        gone = self.store.current(place.key)
        if gone is not None:
            self.store.put(place.key, None)
        return gone

    def write(self, place: Place, body: object, *, by: str) -> Json:
        """Create or update; raises ApiError 400 or 409 in the words of the real service."""
        properties = _checked(place, body)
        existing = self.get(place)
        if existing is not None:
            _refuse_move(existing, properties)
        else:
            self._refuse_duplicate(place, properties)
        written = _assignment(place, properties, by=by, at=instant())
        if existing is not None:
            kept = {name: existing["properties"][name] for name in ("createdOn", "createdBy")}
            written["properties"] |= kept
        self.store.put(place.key, written)
        return written

    def _refuse_duplicate(self, place: Place, properties: Json) -> None:
        wanted = (properties["principalId"], definition_of(properties), place.scope.lower())
        for each in self.all():
            held = each["properties"]
            if (held["principalId"], definition_of(held), held["scope"].lower()) == wanted:
                message = "The role assignment already exists."
                raise ApiError(HTTPStatus.CONFLICT, "RoleAssignmentExists", message)


def definition_of(properties: Json) -> str:
    """Give the GUID of the role that an assignment, or a body, names."""
    return str(properties["roleDefinitionId"]).rsplit("/", 1)[-1].lower()


def _checked(place: Place, body: object) -> Json:
    try:
        uuid.UUID(place.name)
    except ValueError as error:
        message = f"The role assignment ID '{place.name}' is not valid. The role assignment ID must be a GUID."
        raise bad_request(message, "InvalidRoleAssignmentId") from error
    properties = as_object((as_object(body) or {}).get("properties")) or {}
    if not properties.get("roleDefinitionId") or not properties.get("principalId"):
        message = "The request was incorrectly formatted: roleDefinitionId and principalId are required."
        raise bad_request(message, "BadRequestFormat")
    if definition_of(properties) not in world.RBAC_ROLE_NAMES:
        message = f"The specified role definition with ID '{definition_of(properties)}' does not exist."
        raise bad_request(message, "RoleDefinitionDoesNotExist")
    return properties | {"principalType": _principal_type(properties)}


def _principal_type(properties: Json) -> str:
    given, principal_id = properties.get("principalType"), properties["principalId"]
    principal = world.PRINCIPALS_BY_ID.get(principal_id)
    if principal is None or principal.tenant != world.WORKFORCE_TENANT:
        if given is not None:
            return str(given)
        raise bad_request(
            f"Principal {principal_id.replace('-', '')} does not exist in the directory {world.WORKFORCE_TENANT}. "
            "Check that you have the correct principal ID. If you are creating this principal and then immediately "
            "assigning a role, this error might be related to a replication delay. In this case, set the role "
            "assignment principalType property to a value, such as ServicePrincipal, User, or Group.",
            "PrincipalNotFound",
        )
    kind = _KINDS[principal.kind]
    if given is not None and given != kind:
        message = f"The PrincipalId '{principal_id}' has type '{kind}', which is different from '{given}'."
        raise bad_request(message, "UnmatchedPrincipalType")
    return kind


def _refuse_move(existing: Json, properties: Json) -> None:
    held = existing["properties"]
    if (held["principalId"], definition_of(held)) != (properties["principalId"], definition_of(properties)):
        message = "Tenant ID, application ID, principal ID, and scope are not allowed to be updated."
        raise bad_request(message, "RoleAssignmentUpdateNotPermitted")


def _assignment(place: Place, properties: Json, *, by: str, at: str) -> Json:
    return {
        "id": place.id,
        "type": TYPE,
        "name": place.name,
        "properties": {
            "roleDefinitionId": properties["roleDefinitionId"],
            "principalId": properties["principalId"],
            "principalType": properties["principalType"],
            "scope": place.scope,
            "condition": properties.get("condition"),
            "conditionVersion": properties.get("conditionVersion"),
            "createdOn": at,
            "updatedOn": at,
            "createdBy": by,
            "updatedBy": by,
            "delegatedManagedIdentityResourceId": properties.get("delegatedManagedIdentityResourceId"),
            "description": properties.get("description"),
        },
    }
