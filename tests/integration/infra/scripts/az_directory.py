"""The directories of both tenants as `az rest` reaches them: Microsoft Graph, as far as the scripts use it."""

import re
import uuid
from dataclasses import dataclass, field
from typing import Any, Final

from responders.permissions import app_role_ids
from tests.integration.infra.scripts.az_command import MISSING, AzError

GRAPH: Final = "https://graph.microsoft.com/v1.0"
GRAPH_APPLICATION: Final = "00000003-0000-0000-c000-000000000000"
ME: Final = "11111111-aaaa-4bbb-8ccc-222222222222"
_FILTER: Final = re.compile(r"(\w+) eq '([^']*)'")

type Json = dict[str, Any]


def _new_id() -> str:
    return str(uuid.uuid4())


@dataclass(slots=True)
class Directory:
    """One tenant. `late` is how many requests about a new object fail before Graph knows of it everywhere.

    `not_shown` has the identities that Graph doesn't know yet, and for how many looks.
    """

    tenant: str
    late: int = 0
    applications: list[Json] = field(default_factory=list[Json])
    service_principals: list[Json] = field(default_factory=list[Json])
    assignments: list[Json] = field(default_factory=list[Json])
    not_shown: dict[str, int] = field(default_factory=dict[str, int])
    diagnostic_settings: dict[str, Json] = field(default_factory=dict[str, Json])
    may_list_keys: bool = True
    """Whether its people may list the keys of what its diagnostic settings name."""

    graph: Json = field(init=False)

    def __post_init__(self) -> None:
        names = {**app_role_ids(), "Directory.ReadWrite.All": "19dbc75e-c2e2-444c-a770-ec69d8559fc7"}
        roles = [{"value": name, "id": role, "allowedMemberTypes": ["Application"]} for name, role in names.items()]
        people = {"value": "Policy.Read.All", "id": _new_id(), "allowedMemberTypes": ["User"]}
        self.graph = {"id": _new_id(), "appId": GRAPH_APPLICATION, "appRoles": [people, *roles]}
        self.service_principals.append(self.graph)

    def permissions_of(self, principal: str) -> set[str]:
        """Give the names of the Graph permissions that a principal holds."""
        names = {role["id"]: role["value"] for role in self.graph["appRoles"]}
        return {names[each["appRoleId"]] for each in self.assignments if each["principalId"] == principal}

    def add_identity(self, principal: str, *, shown_after: int) -> None:
        """Let a managed identity appear, after some looks."""
        self.service_principals.append({"id": principal, "appId": _new_id()})
        self.not_shown[principal] = shown_after

    def remove(self, principal: str) -> None:
        """Let a managed identity vanish, and with it all that it was granted."""
        self.service_principals[:] = [each for each in self.service_principals if each["id"] != principal]
        self.assignments[:] = [each for each in self.assignments if each["principalId"] != principal]

    def grant(self, principal: str, name: str) -> None:
        """Give a permission, as somebody in the portal would."""
        roles = [each for each in self.graph["appRoles"] if each["allowedMemberTypes"] == ["Application"]]
        (role,) = [each["id"] for each in roles if each["value"] == name]
        self._assign({"principalId": principal, "resourceId": self.graph["id"], "appRoleId": role})

    def service_principal(self, principal: str) -> Json:
        """Give a service principal by its object id.

        Raises:
            AzError: Graph knows of none.
        """
        self._look_for(principal)
        return next(each for each in self.service_principals if each["id"] == principal)

    def rest(self, method: str, path: str, query: dict[str, str], body: Json) -> Any:  # noqa: ANN401 - any JSON
        """Answer one request; `path` is behind the version."""
        carry_out = {"get": self._get, "post": self._post, "patch": self._patch, "delete": self._delete}[method]
        return carry_out(path.split("/"), query, body)

    def _get(self, path: list[str], query: dict[str, str], _body: Json) -> Json:  # noqa: PLR0911 - one for each path
        match path:
            case ["me"]:
                return _selected({"id": ME, "displayName": "You"}, query)
            case ["applications"]:
                return {"value": [each for each in self.applications if _meets(each, query)]}
            case ["servicePrincipals"]:
                return {"value": [each for each in self.service_principals if _meets(each, query)]}
            case ["applications", object_id]:
                (application,) = [each for each in self.applications if each["id"] == object_id]
                return _selected(application, query)
            case ["servicePrincipals", principal, "appRoleAssignments"]:
                self._look_for(principal)
                return {"value": [each for each in self.assignments if each["principalId"] == principal]}
            case ["servicePrincipals", resource, "appRoleAssignedTo"]:
                return {"value": [each for each in self.assignments if each["resourceId"] == resource]}
            case [one] if one == f"servicePrincipals(appId='{GRAPH_APPLICATION}')":
                return _selected(self.graph, query)
            case _:
                raise _not_played(path)

    def _post(self, path: list[str], _query: dict[str, str], body: Json) -> Json:
        match path:
            case ["applications"]:
                api: Json = {"preAuthorizedApplications": []} | body.get("api", {})
                web: Json = {"redirectUris": [], "implicitGrantSettings": {"enableIdTokenIssuance": False}}
                ids: Json = {
                    "id": _new_id(),
                    "appId": _new_id(),
                    "identifierUris": [],
                    "keyCredentials": [],
                    "web": web,
                }
                return self._add(self.applications, ids | body | {"api": api})
            case ["servicePrincipals"]:
                if not any(each["appId"] == body["appId"] for each in self.applications):
                    raise AzError("Bad Request: the appId does not reference a valid application object.")
                return self._add(self.service_principals, body | {"id": _new_id()})
            case ["servicePrincipals", resource, "appRoleAssignedTo"] if resource == body["resourceId"]:
                return self._assign(body)
            case _:
                raise _not_played(path)

    def _patch(self, path: list[str], _query: dict[str, str], body: Json) -> None:
        _, object_id = path
        (application,) = [each for each in self.applications if each["id"] == object_id]
        _check_api(application["api"], body.get("api", {}))
        application.update({key: value for key, value in body.items() if key != "api"})
        application["api"].update(body.get("api", {}))

    def _delete(self, path: list[str], _query: dict[str, str], _body: Json) -> None:
        _, principal, _, assignment = path
        kept = [each for each in self.assignments if (each["principalId"], each["id"]) != (principal, assignment)]
        if len(kept) == len(self.assignments):
            raise AzError("Not Found: Resource does not exist")
        self.assignments[:] = kept

    def _look_for(self, principal: str) -> None:
        if self.not_shown.get(principal, 0):
            self.not_shown[principal] -= 1
            raise AzError(f"Resource '{principal}' does not exist", status=MISSING)
        if not any(each["id"] == principal for each in self.service_principals):
            raise AzError(f"Resource '{principal}' does not exist", status=MISSING)

    def _add(self, collection: list[Json], new: Json) -> Json:
        collection.append(new)
        return new

    def _assign(self, body: Json) -> Json:
        if self.late:
            self.late -= 1
            raise AzError(
                'Bad Request({"error":{"code":"Request_BadRequest","message":"Not a valid reference update."}})'
            )
        wanted = {key: body[key] for key in ("principalId", "resourceId", "appRoleId")}
        if any(wanted.items() <= each.items() for each in self.assignments):
            raise AzError("Bad Request: Permission being assigned already exists on the object")
        return self._add(self.assignments, wanted | {"id": _new_id()})


def _check_api(before: Json, new: Json) -> None:
    """Hold Graph's rules of what an application offers: see to it that each list is given as a whole.

    Raises:
        AzError: a permission that isn't there is allowed, one that is on would go, or two are called the same.
    """
    there = {each["id"]: each for each in before.get("oauth2PermissionScopes", [])}
    for client in new.get("preAuthorizedApplications", []):
        if unknown := [each for each in client["delegatedPermissionIds"] if each not in there]:
            raise AzError(f"Bad Request: Property PreAuthorizedApplication has an invalid permission id: {unknown}")
    if "oauth2PermissionScopes" not in new:
        return
    kept = [each["id"] for each in new["oauth2PermissionScopes"]]
    if any(each["isEnabled"] and each["id"] not in kept for each in there.values()):
        raise AzError("Bad Request: CannotDeleteOrUpdateEnabledEntitlement: a permission must first be disabled.")
    names = [each["value"] for each in new["oauth2PermissionScopes"]]
    if len(set(names)) < len(names):
        raise AzError("Bad Request: It contains duplicate value. Please Provide unique value.")


def _not_played(path: list[str]) -> AzError:
    return AzError(f"Bad Request: /{'/'.join(path)} is not played here")


def _selected(one: Json, query: dict[str, str]) -> Json:
    names = query["$select"].split(",")
    return {name: one[name] for name in names}


def _meets(one: Json, query: dict[str, str]) -> bool:
    found = _FILTER.fullmatch(query["$filter"])
    if found is None:
        raise AzError(f"Bad Request: Invalid filter clause: {query['$filter']}")
    return one.get(found[1]) == found[2]
