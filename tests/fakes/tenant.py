"""A tenant in memory, behind the transports that the product really uses: it refuses what the services refuse.

What each request needs stands here a second time, from Microsoft's API pages: a call that declares too little fails.
"""

import copy
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import msgspec

from infra.local.tenant.odata import filtered
from infra.local.tenant.simulated import IN_AZURE, SIMULATED
from infra.local.tenant.simulated_kind import Asked, Route, SimulatedKind, path_pattern
from infra.local.tenant.simulated_kind import Refusal as KindRefusal
from infra.local.world import LOGGED_RESOURCES
from responders.kinds.custom_policy_xml import document_of
from shared.clients.api import Answer, TenantEdges
from shared.model.calls import Lane, Permission, Service
from shared.model.errors import Unreachable
from shared.model.kinds import Image, ObjectKind, TenantKind
from shared.model.settings import Tenant

_SIMULATED: Final = (*SIMULATED, *IN_AZURE)
TENANT_ID: Final = "5f1c7a3e-94d2-4b0e-8a57-3c6d1e2f4a90"
RESPONDER_ID: Final = "4e590000-2f6b-4b1d-8c73-9a0e5d7f1c36"
SUBSCRIPTION: Final = "0c9e2b74-51fd-4a36-b8e0-6d7f93a1c258"
WRITTEN_AT: Final = "2026-03-02T12:00:00.1234567Z"
"""When the fake says that something was created or changed."""

_READ_ONLY: Final = frozenset({"id", "createdDateTime", "modifiedDateTime", "deletedDateTime", "templateId"})
_CA_READ: Final = frozenset({Permission.POLICY_READ})
_CA_DELETE: Final = _CA_READ | {Permission.POLICY_WRITE_CONDITIONAL_ACCESS}
_CA_WRITE: Final = _CA_DELETE | {Permission.APPLICATION_READ}
_ASSIGNMENTS: Final = "/providers/microsoft.authorization/roleassignments"


@dataclass(frozen=True, slots=True)
class Request:
    """A request that reached the tenant."""

    method: str
    url: str
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict[str, str])


class Refusal(Exception):
    """An answer other than success."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.answer = answer_of({"error": {"code": code, "message": message or f"({code})"}}, status)


def answer_of(body: object, status: int = 200) -> Answer:
    return Answer(status=status, headers={}, body=b"" if body is None else msgspec.json.encode(body))


class Unpaced:
    """A pacer that lets everything through."""

    def wait_for(self, tenant_id: str, lane: Lane) -> None:
        pass

    def reserved(self, tenant_id: str, lane: Lane, calls: int) -> "Unpaced":
        del tenant_id, lane, calls
        return self


@dataclass(slots=True, kw_only=True)
class FakeTenant:
    """`spoil` is asked with each request and its number, from 0; it may give an answer instead of the tenant, or raise.

    `lose` has the numbers of requests that are carried out and whose answer never comes; `lost_as` comes instead.
    """

    granted: set[Permission] = field(default_factory=lambda: set(Permission))
    ca_policies: dict[str, Image] = field(default_factory=dict[str, Image])
    deleted_ca_policies: dict[str, Image] = field(default_factory=dict[str, Image])
    custom_policies: dict[str, str] = field(default_factory=dict[str, str])
    role_assignments: dict[str, Image] = field(default_factory=dict[str, Image])
    reads_above: bool = True
    """Whether an assignment of a management group or of the root may be read by itself."""
    locks: list[str] = field(default_factory=list[str])
    """Ids of the management locks that keep role assignments from being deleted."""
    principals: dict[str, Image] = field(default_factory=dict[str, Image])
    """Users and service principals by id, as Graph gives them."""
    risky_users: dict[str, str] = field(default_factory=dict[str, str])
    """How Identity Protection rates users, by their ids."""
    registrations: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """The authentication methods that users have registered, by their ids."""
    groups: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Ids of the members, through other groups too, by the group's id."""
    schedule_requests: list[Image] = field(default_factory=list[Image])
    """What was asked of PIM for Azure roles."""
    activity: list[Image] = field(default_factory=list[Image])
    """The Activity Log."""
    locations: dict[str, Image] = field(default_factory=dict[str, Image])
    strengths: dict[str, Image] = field(default_factory=dict[str, Image])
    configurations: dict[str, dict[str, Image]] = field(default_factory=dict[str, dict[str, Image]])
    hidden_groups: frozenset[str] = frozenset()
    directory_roles: list[Image] = field(default_factory=list[Image])
    app_roles: list[Image] = field(default_factory=list[Image])
    """App roles that applications were given."""
    apis: dict[str, str] = field(default_factory=dict[str, str])
    """Ids of service principals by the app ids of their APIs."""
    own_roles: list[Image] = field(default_factory=list[Image])
    """Definitions of the roles of the directory that the tenant made itself."""
    is_too_young_for_pim: bool = False
    audits: list[Image] = field(default_factory=list[Image])
    """The directory's audit log."""
    shelves: dict[ObjectKind, dict[str, Image]] = field(
        default_factory=lambda: {each.kind: dict[str, Image]() for each in _SIMULATED}
    )
    """Objects of the kinds in `infra.local.tenant.simulated`, by the responder's id in lower case."""
    restores_for_applications: bool = True
    fills_in_policies: Image = field(default_factory=dict[str, Any])
    """What Graph puts by itself into policies that are made."""
    wraps_in_value: bool = False
    """Whether the answer to a restore has the policy in `value`."""
    v1_hides: frozenset[str] = frozenset()
    """Conditions that v1.0 doesn't print and takes away when it writes them."""
    spoil: Callable[[int, Request], Answer | None] = lambda _number, _request: None
    lose: frozenset[int] = frozenset()
    lost_as: Answer | None = None
    log: list[Request] = field(default_factory=list[Request])
    pass_time: Callable[[], None] = lambda: None
    """Called with each request: a request takes time."""

    @property
    def writes(self) -> list[Request]:
        return [request for request in self.log if request.method != "GET"]

    def edges(self, kind: TenantKind = TenantKind.WORKFORCE) -> TenantEdges:
        tenant = Tenant(
            kind=kind,
            id=TENANT_ID,
            responder_id=RESPONDER_ID,
            client_id="",
            subscriptions=frozenset({SUBSCRIPTION}),
            logged=frozenset(each.lower() for each in LOGGED_RESOURCES),
        )
        transports = {service: _Transport(self, service) for service in Service}
        return TenantEdges(tenant=tenant, transports=transports, pacer=Unpaced(), wait=lambda _seconds: None)

    def answer(
        self, service: Service, method: str, url: str, body: bytes | None, query: Mapping[str, str] | None = None
    ) -> Answer:
        request = Request(method, url, _body(body), query or {})
        number = len(self.log)
        self.log.append(request)
        self.pass_time()
        spoilt = self.spoil(number, request)
        if spoilt is not None:
            return spoilt
        try:
            answer = self._carry_out(service, request)
        except Refusal as refusal:
            answer = refusal.answer
        if number in self.lose:
            if self.lost_as is not None:
                return self.lost_as
            raise Unreachable("the connection was cut")
        return answer

    def _carry_out(self, service: Service, request: Request) -> Answer:
        for path, needed, carry_out in _operations_of(service, request.method):
            if found := path.fullmatch(request.url):
                if not needed <= self.granted:
                    raise Refusal(403, "Authorization_RequestDenied")
                return carry_out(self, found.groupdict(), request.body)
        for simulated, route, path in _routes_of(service, request.method):
            if found := path.fullmatch(request.url):
                return self._simulate(simulated, route, found.groupdict(), request)
        raise AssertionError(f"{service} has no {request.method} {request.url}")

    def _simulate(self, simulated: SimulatedKind, route: Route, ids: Mapping[str, str], request: Request) -> Answer:
        if not any(needed <= {str(each) for each in self.granted} for needed in route.needs):
            raise Refusal(403, "Authorization_RequestDenied")
        try:
            reply = route.answer(
                Asked(
                    shelf=self._shelf(simulated.kind),
                    of=self._shelf,
                    ids=ids,
                    body=request.body,
                    now=WRITTEN_AT,
                    query=request.query,
                )
            )
        except KindRefusal as refusal:
            raise Refusal(refusal.status, refusal.code, refusal.message) from refusal
        if reply.values is None:
            return answer_of(reply.body, reply.status)
        asked = request.query.get("$filter", "")
        return answer_of({"value": filtered(reply.values, asked, route.filters) if asked else reply.values})

    def _shelf(self, kind: ObjectKind) -> "_Shelf":
        """Give the objects of a kind; service principals are also those that a test has by other ways."""
        if kind is not ObjectKind.SERVICE_PRINCIPAL:
            return _Shelf(self.shelves[kind])
        apis: dict[str, Image] = {each: {"id": each, "appId": app_id} for app_id, each in self.apis.items()}
        return _Shelf(self.shelves[kind], listed_too=apis, seen_too=apis | self.principals)


@dataclass(frozen=True, slots=True)
class _Shelf:
    """One kind's objects; nothing lags here, and no log tells. Those of `listed_too` and `seen_too` are only read."""

    images: dict[str, Image]
    listed_too: Mapping[str, Image] = field(default_factory=dict[str, Image])
    seen_too: Mapping[str, Image] = field(default_factory=dict[str, Image])

    def listed(self) -> Mapping[str, Image]:
        return {**self.listed_too, **self.images}

    def seen(self, object_id: str) -> Image | None:
        return self.images.get(object_id) or self.seen_too.get(object_id)

    def current(self, object_id: str) -> Image | None:
        return self.images.get(object_id)

    def put(self, object_id: str, image: Image | None) -> None:
        if image is None:
            self.images.pop(object_id, None)
        else:
            self.images[object_id] = image


_VERSIONS: Final[Mapping[Service, str]] = {Service.GRAPH: "v1.0", Service.GRAPH_BETA: "beta", Service.ARM: "arm"}
_SIMULATED_ROUTES: Final = tuple(
    (each, route, path_pattern(route.path)) for each in _SIMULATED for route in each.routes
)


@cache
def _routes_of(service: Service, method: str) -> tuple[tuple[SimulatedKind, Route, re.Pattern[str]], ...]:
    return tuple(
        (simulated, route, path)
        for simulated, route, path in _SIMULATED_ROUTES
        if route.method == method and _VERSIONS.get(service) in route.versions
    )


_IN_AZURE: Final = tuple(path_pattern(route.path) for each in IN_AZURE for route in each.routes)


class _Transport:
    def __init__(self, tenant: FakeTenant, service: Service) -> None:
        self._tenant = tenant
        self._service = service

    def exchange(
        self, method: str, url: str, *, query: Mapping[str, str], body: bytes | None, content_type: str
    ) -> Answer:
        assert not query.keys() - {"$filter", "$select", "$expand", "$top", "api-version"}, query
        is_versioned = url.endswith(_VERSIONED) or any(path.fullmatch(url) for path in _IN_AZURE)
        assert ("api-version" in query) == is_versioned, "some have a version of their own"
        expected = "application/xml" if method == "PUT" and self._service is Service.GRAPH_BETA else "application/json"
        assert body is None or content_type == expected, content_type
        return self._tenant.answer(self._service, method, url, body, query)


_VERSIONED: Final = (
    "/locks",
    "/providers/Microsoft.Authorization/roleAssignmentScheduleRequests",
    "/eventtypes/management/values",
)


def _body(body: bytes | None) -> Any:  # noqa: ANN401 - JSON, or a document as text
    if body is None or body.startswith(b"<"):
        return body and body.decode()
    return msgspec.json.decode(body)


# Conditional access.


def as_graph_gives(policy: Image) -> Image:
    """Print a stored policy as Graph does, with its authentication strength expanded."""
    shown = copy.deepcopy(policy)
    controls: Image = shown.get("grantControls") or {}
    if controls.get("authenticationStrength"):
        controls["authenticationStrength"] |= {
            "displayName": "Phishing-resistant MFA",
            "allowedCombinations": ["fido2"],
        }
        controls["authenticationStrength@odata.context"] = "https://graph.microsoft.com/v1.0/$metadata#strength"
    return shown


def _refuse_unwritable(body: Image) -> None:
    controls: Image = body.get("grantControls") or {}
    strength: Image | None = controls.get("authenticationStrength")
    is_unwritable = any(words in str(body) for words in ("@odata.context", "unknownFutureValue"))
    if body.keys() & _READ_ONLY or is_unwritable or (strength and strength.keys() != {"id"}):
        raise Refusal(400, "1007")


def _found[T](objects: Mapping[str, T], key: str) -> T:
    if key.lower() not in objects:
        raise Refusal(404, "ResourceNotFound")
    return objects[key.lower()]


def _list_ca_policies(tenant: FakeTenant, _ids: Mapping[str, str], _body: object) -> Answer:
    return answer_of({"value": [as_graph_gives(policy) for policy in tenant.ca_policies.values()]})


def _list_deleted_ca_policies(tenant: FakeTenant, _ids: Mapping[str, str], _body: object) -> Answer:
    return answer_of({"value": [as_graph_gives(policy) for policy in tenant.deleted_ca_policies.values()]})


def _get_ca_policy_by_v1(tenant: FakeTenant, ids: Mapping[str, str], _body: object) -> Answer:
    policy = as_graph_gives(_found(tenant.ca_policies, ids["id"]))
    policy["conditions"] = {name: value for name, value in policy["conditions"].items() if name not in tenant.v1_hides}
    return answer_of(policy)


def _get_ca_policy(tenant: FakeTenant, ids: Mapping[str, str], _body: object) -> Answer:
    return answer_of(as_graph_gives(_found(tenant.ca_policies, ids["id"])))


def _update_ca_policy(tenant: FakeTenant, ids: Mapping[str, str], body: Image) -> Answer:
    policy = _found(tenant.ca_policies, ids["id"])
    _refuse_unwritable(body)
    policy |= body | {"modifiedDateTime": WRITTEN_AT}
    return answer_of(None, 204)


def _create_ca_policy(tenant: FakeTenant, _ids: Mapping[str, str], body: Image) -> Answer:
    _refuse_unwritable(body)
    policy_id = str(uuid.uuid4())
    tenant.ca_policies[policy_id] = tenant.fills_in_policies | body | {"id": policy_id, "createdDateTime": WRITTEN_AT}
    return answer_of(as_graph_gives(tenant.ca_policies[policy_id]), 201)


def _undelete_ca_policy(tenant: FakeTenant, ids: Mapping[str, str], _body: object) -> Answer:
    if not tenant.restores_for_applications:
        raise Refusal(403, "Authorization_RequestDenied")
    policy = _found(tenant.deleted_ca_policies, ids["id"])
    tenant.ca_policies[ids["id"].lower()] = policy
    del tenant.deleted_ca_policies[ids["id"].lower()]
    shown = as_graph_gives(policy)
    return answer_of({"value": shown} if tenant.wraps_in_value else shown)


def _list_images(images: Mapping[str, Image]) -> Answer:
    return answer_of({"value": [*images.values()]})


# Custom policies.


def _list_custom_policies(tenant: FakeTenant, _ids: Mapping[str, str], _body: object) -> Answer:
    return answer_of({"value": [{"id": policy_id} for policy_id in tenant.custom_policies]})


def _get_custom_policy(tenant: FakeTenant, ids: Mapping[str, str], _body: object) -> Answer:
    documents = {policy_id.lower(): xml for policy_id, xml in tenant.custom_policies.items()}
    return Answer(status=200, headers={}, body=_found(documents, ids["id"]).encode("utf-8-sig"))


def _upload_custom_policy(tenant: FakeTenant, ids: Mapping[str, str], body: str) -> Answer:
    base = document_of(body).base
    if base and base not in tenant.custom_policies:
        raise Refusal(400, "AADB2C")
    tenant.custom_policies[ids["id"]] = body
    return answer_of(None)


def _delete_custom_policy(tenant: FakeTenant, ids: Mapping[str, str], _body: object) -> Answer:
    names = {policy_id.lower(): policy_id for policy_id in tenant.custom_policies}
    del tenant.custom_policies[_found(names, ids["id"])]
    return answer_of(None, 204)


# Role assignments.


_GROUPS_OF_SUBSCRIPTIONS: Final = "/providers/microsoft.management/managementgroups/"
"""Every one of the fake's is above every subscription."""


def _get_role_assignment(tenant: FakeTenant, ids: Mapping[str, str], _body: object) -> Answer:
    if not tenant.reads_above and not ids["id"].lower().startswith("/subscriptions/"):
        raise Refusal(403, "AuthorizationFailed")
    return answer_of(_found(tenant.role_assignments, ids["id"]))


def _list_role_assignments(tenant: FakeTenant, ids: Mapping[str, str], _body: object) -> Answer:
    scope = ids["scope"].lower()
    held = {each["id"]: each["properties"]["scope"].lower() for each in tenant.role_assignments.values()}
    is_here = {
        identity: scope.startswith(at) or at.startswith(_GROUPS_OF_SUBSCRIPTIONS) for identity, at in held.items()
    }
    return answer_of({"value": [each for each in tenant.role_assignments.values() if is_here[each["id"]]]})


def _given(properties: Image, scope: str) -> tuple[str, str, str]:
    return properties["principalId"], properties["roleDefinitionId"].rpartition("/")[2].lower(), scope.lower()


def _write_role_assignment(tenant: FakeTenant, ids: Mapping[str, str], body: Image) -> Answer:
    key = ids["id"].lower()
    scope = ids["id"][: key.rindex(_ASSIGNMENTS)]
    wanted = _given(body["properties"], scope)
    for other, assignment in tenant.role_assignments.items():
        held = assignment["properties"]
        if other != key and _given(held, held["scope"]) == wanted:
            raise Refusal(409, "RoleAssignmentExists")
    former = tenant.role_assignments.get(key, {}).get("properties", {})
    made = {name: former[name] for name in ("createdOn", "createdBy") if name in former}
    stamps = {"createdOn": WRITTEN_AT, "createdBy": RESPONDER_ID, "updatedOn": WRITTEN_AT, "updatedBy": RESPONDER_ID}
    properties = {"condition": None, "description": None} | body["properties"] | {"scope": scope} | stamps | made
    tenant.role_assignments[key] = {"id": ids["id"], "properties": properties}
    return answer_of(tenant.role_assignments[key], 201)


def _delete_role_assignment(tenant: FakeTenant, ids: Mapping[str, str], _body: object) -> Answer:
    scopes = dict.fromkeys(f"'{lock.partition(_LOCKS)[0]}'" for lock in tenant.locks)
    if scopes:
        message = f"The scope '{ids['id']}' cannot perform delete operation because following scope(s) are locked: "
        message += f"{','.join(scopes)}. Please remove the lock and try again."
        raise Refusal(409, "ScopeLocked", message)
    gone = tenant.role_assignments.pop(ids["id"].lower(), None)
    return answer_of(gone, 204 if gone is None else 200)


def _list_locks(tenant: FakeTenant, ids: Mapping[str, str], _body: object) -> Answer:
    at_or_above = [lock for lock in tenant.locks if ids["scope"].startswith(lock.partition(_LOCKS)[0])]
    return answer_of({"value": [{"id": lock, "properties": {"level": "CanNotDelete"}} for lock in at_or_above]})


def _list_schedule_requests(tenant: FakeTenant, _ids: Mapping[str, str], _body: object) -> Answer:
    return answer_of({"value": tenant.schedule_requests})


def _list_activity(tenant: FakeTenant, _ids: Mapping[str, str], _body: object) -> Answer:
    return answer_of({"value": tenant.activity})


# The directory.


def _list_directory_roles(tenant: FakeTenant, _ids: Mapping[str, str], _body: object) -> Answer:
    name, _, value = tenant.log[-1].query.get("$filter", "").partition(" eq ")
    held = tenant.directory_roles
    return answer_of({"value": [each for each in held if not name or each[name] == value.strip("'")]})


def _remove_directory_role(tenant: FakeTenant, ids: Mapping[str, str], _body: object) -> Answer:
    _found({each["id"].lower(): each for each in tenant.directory_roles}, ids["id"])
    tenant.directory_roles[:] = [each for each in tenant.directory_roles if each["id"] != ids["id"]]
    return answer_of(None, 204)


def _request_removal(tenant: FakeTenant, _ids: Mapping[str, str], body: Image) -> Answer:
    wanted = {name: body[name] for name in ("principalId", "roleDefinitionId", "directoryScopeId")}
    kept = [each for each in tenant.directory_roles if not wanted.items() <= each.items()]
    if body["action"] != "adminRemove" or len(kept) == len(tenant.directory_roles):
        raise Refusal(400, "RoleAssignmentDoesNotExist")
    if tenant.is_too_young_for_pim:
        raise Refusal(400, "ActiveDurationTooShort")
    tenant.directory_roles[:] = kept
    return answer_of({"status": "Revoked"}, 201)


def _list_app_roles(name: str) -> "_Operation":
    def carry_out(tenant: FakeTenant, ids: Mapping[str, str], _body: object) -> Answer:
        return answer_of({"value": [each for each in tenant.app_roles if each[name] == ids["id"]]})

    return carry_out


def _remove_app_role(tenant: FakeTenant, ids: Mapping[str, str], _body: object) -> Answer:
    kept = [each for each in tenant.app_roles if (each["resourceId"], each["id"]) != (ids["id"], ids["part"])]
    if len(kept) == len(tenant.app_roles):
        raise Refusal(404, "Request_ResourceNotFound")
    tenant.app_roles[:] = kept
    return answer_of(None, 204)


def _list_audits(tenant: FakeTenant, _ids: Mapping[str, str], _body: object) -> Answer:
    asked = tenant.log[-1].query.get("$filter", "")
    earliest = re.search(r"activityDateTime ge (\S+)", asked)
    service = re.search(r"loggedByService eq '(\w+)'", asked)
    found = [
        each
        for each in tenant.audits
        if (earliest is None or each["activityDateTime"] >= earliest[1])
        and (service is None or each["loggedByService"] == service[1])
    ]
    return answer_of({"value": found})


def _switch_account(tenant: FakeTenant, ids: Mapping[str, str], body: Image) -> Answer:
    if body.keys() != {"accountEnabled"}:
        raise Refusal(400, "Request_BadRequest")
    _found(tenant.principals, ids["id"]).update(body)
    return answer_of(None, 204)


def _revoke_sessions(tenant: FakeTenant, ids: Mapping[str, str], _body: object) -> Answer:
    user = _found(tenant.principals, ids["id"])
    user["signInSessionsValidFromDateTime"] = f"2026-03-02T12:00:{len(tenant.log) % 60:02}Z"
    return answer_of({"value": True})


def _get_risky_user(tenant: FakeTenant, ids: Mapping[str, str], _body: object) -> Answer:
    return answer_of({"id": ids["id"], "riskState": _found(tenant.risky_users, ids["id"])})


def _rate(state: str) -> "_Operation":
    def carry_out(tenant: FakeTenant, _ids: Mapping[str, str], body: Image) -> Answer:
        tenant.risky_users |= dict.fromkeys(body["userIds"], state)
        return answer_of(None, 204)

    return carry_out


def _get_principal(tenant: FakeTenant, ids: Mapping[str, str], _body: object) -> Answer:
    return answer_of(_found(tenant.principals, ids["id"]))


def _get_registration(tenant: FakeTenant, ids: Mapping[str, str], _body: object) -> Answer:
    return answer_of({"id": ids["id"], "methodsRegistered": _found(tenant.registrations, ids["id"])})


def _list_groups(tenant: FakeTenant, _ids: Mapping[str, str], _body: object) -> Answer:
    hides, asked = tenant.hidden_groups, tenant.log[-1].query.get("$filter", "")
    found = [each for each in tenant.groups if not asked.startswith("id in") or f"'{each}'" in asked]
    shown: list[Image] = [{"id": each, "visibility": "HiddenMembership" if each in hides else None} for each in found]
    return answer_of({"value": [*shown, *_guarded_groups(tenant, asked)]})


def _guarded_groups(tenant: FakeTenant, asked: str) -> list[Image]:
    """Give the groups that are played by their declaration, of which members and owners aren't in a listing."""
    whole = tenant.shelves[ObjectKind.GUARDED_GROUP]
    is_by_id = asked.startswith("id in")
    found = [each for key, each in whole.items() if (f"'{key}'" in asked if is_by_id else each["isAssignableToRole"])]
    return [{name: value for name, value in each.items() if name not in {"members", "owners"}} for each in found]


def _list_memberships(tenant: FakeTenant, ids: Mapping[str, str], _body: object) -> Answer:
    _found(tenant.principals, ids["id"])
    held = [
        each for each, members in tenant.groups.items() if ids["id"] in members and each not in tenant.hidden_groups
    ]
    return answer_of({"value": [{"@odata.type": "#microsoft.graph.group", "id": each} for each in held]})


def _list_members(tenant: FakeTenant, ids: Mapping[str, str], _body: object) -> Answer:
    guarded = tenant.shelves[ObjectKind.GUARDED_GROUP].get(ids["id"].lower())
    if guarded is not None:
        return answer_of({"value": [{"id": each} for each in guarded["members"]]})
    members = (tenant.principals[each] for each in _found(tenant.groups, ids["id"]))
    return answer_of({"value": [{"@odata.type": each.get("@odata.type"), "id": each["id"]} for each in members]})


type _Operation = Callable[[FakeTenant, Mapping[str, str], Any], Answer]

_CA: Final = "/identity/conditionalAccess"
_ONE: Final = "(?P<id>[^/]+)"
_CUSTOM: Final = "/trustFramework/policies"
_ASSIGNMENT: Final = f"(?P<id>(?:/subscriptions/.+|/providers/.+)?{_ASSIGNMENTS}/[^/]+)"
_TRUST: Final = frozenset({Permission.POLICY_WRITE_TRUST_FRAMEWORK})
_SEE: Final = frozenset({Permission.ROLE_ASSIGNMENT_READ})

_LOCKS: Final = "/providers/Microsoft.Authorization/locks"

_RISKY: Final = "/identityProtection/riskyUsers"
_RISKY_WRITE: Final = frozenset({Permission.RISKY_USER_WRITE})
_OPERATIONS: Final[tuple[tuple[Service, str, str, frozenset[Permission], _Operation], ...]] = (
    (Service.GRAPH, "GET", f"{_CA}/policies", _CA_READ, _list_ca_policies),
    (Service.GRAPH, "GET", f"{_CA}/policies/{_ONE}", _CA_READ, _get_ca_policy_by_v1),
    (Service.GRAPH_BETA, "GET", f"{_CA}/policies", _CA_READ, _list_ca_policies),
    (Service.GRAPH_BETA, "GET", f"{_CA}/policies/{_ONE}", _CA_READ, _get_ca_policy),
    (Service.GRAPH_BETA, "PATCH", f"{_CA}/policies/{_ONE}", _CA_WRITE, _update_ca_policy),
    (Service.GRAPH_BETA, "POST", f"{_CA}/policies", _CA_WRITE, _create_ca_policy),
    (Service.GRAPH_BETA, "GET", f"{_CA}/deletedItems/policies", _CA_READ, _list_deleted_ca_policies),
    (Service.GRAPH_BETA, "POST", f"{_CA}/deletedItems/policies/{_ONE}/restore", _CA_DELETE, _undelete_ca_policy),
    (Service.GRAPH, "GET", f"{_CA}/deletedItems/policies", _CA_READ, _list_deleted_ca_policies),
    (
        Service.GRAPH,
        "GET",
        f"{_CA}/namedLocations",
        _CA_READ,
        lambda tenant, _ids, _body: _list_images(tenant.locations),
    ),
    (
        Service.GRAPH,
        "GET",
        "/policies/authenticationStrengthPolicies",
        _CA_READ,
        lambda tenant, _ids, _body: _list_images(tenant.strengths),
    ),
    (
        Service.GRAPH,
        "GET",
        f"/policies/authenticationStrengthPolicies/{_ONE}/combinationConfigurations",
        _CA_READ,
        lambda tenant, ids, _body: _list_images(tenant.configurations.get(ids["id"], {})),
    ),
    (
        Service.GRAPH,
        "GET",
        f"/reports/authenticationMethods/userRegistrationDetails/{_ONE}",
        frozenset({Permission.AUDIT_LOG_READ}),
        _get_registration,
    ),
    (Service.GRAPH, "GET", "/groups", frozenset({Permission.GROUP_MEMBER_READ}), _list_groups),
    (Service.GRAPH, "PATCH", f"/users/{_ONE}", frozenset({Permission.USER_ENABLE_DISABLE}), _switch_account),
    (
        Service.GRAPH,
        "POST",
        f"/users/{_ONE}/revokeSignInSessions",
        frozenset({Permission.USER_REVOKE_SESSIONS}),
        _revoke_sessions,
    ),
    (Service.GRAPH, "GET", f"{_RISKY}/{_ONE}", _RISKY_WRITE, _get_risky_user),
    (Service.GRAPH, "POST", f"{_RISKY}/confirmCompromised", _RISKY_WRITE, _rate("confirmedCompromised")),
    (Service.GRAPH, "POST", f"{_RISKY}/dismiss", _RISKY_WRITE, _rate("dismissed")),
    (Service.GRAPH, "GET", f"/users/{_ONE}/transitiveMemberOf", frozenset({Permission.USER_READ}), _list_memberships),
    (
        Service.GRAPH,
        "GET",
        "/roleManagement/directory/roleAssignments",
        frozenset({Permission.ROLE_MANAGEMENT_READ}),
        _list_directory_roles,
    ),
    (
        Service.GRAPH,
        "DELETE",
        f"/roleManagement/directory/roleAssignments/{_ONE}",
        frozenset({Permission.ROLE_MANAGEMENT_WRITE}),
        _remove_directory_role,
    ),
    (
        Service.GRAPH,
        "POST",
        "/roleManagement/directory/roleAssignmentScheduleRequests",
        frozenset({Permission.ROLE_ASSIGNMENT_REMOVE}),
        _request_removal,
    ),
    (
        Service.GRAPH,
        "GET",
        "/roleManagement/directory/roleDefinitions",
        frozenset({Permission.ROLE_MANAGEMENT_READ}),
        lambda tenant, _ids, _body: answer_of({"value": tenant.own_roles}),
    ),
    (
        Service.GRAPH,
        "GET",
        f"/servicePrincipals/{_ONE}/appRoleAssignments",
        frozenset({Permission.APPLICATION_READ}),
        _list_app_roles("principalId"),
    ),
    (
        Service.GRAPH,
        "GET",
        f"/servicePrincipals/{_ONE}/appRoleAssignedTo",
        frozenset({Permission.APPLICATION_READ}),
        _list_app_roles("resourceId"),
    ),
    (
        Service.GRAPH,
        "DELETE",
        f"/servicePrincipals/{_ONE}/appRoleAssignedTo/(?P<part>[^/]+)",
        frozenset({Permission.APP_ROLE_WRITE}),
        _remove_app_role,
    ),
    (Service.GRAPH, "GET", "/auditLogs/directoryAudits", frozenset({Permission.AUDIT_LOG_READ}), _list_audits),
    (Service.GRAPH, "PATCH", f"{_CA}/policies/{_ONE}", _CA_WRITE, _update_ca_policy),
    (Service.GRAPH, "POST", f"{_CA}/policies", _CA_WRITE, _create_ca_policy),
    (Service.GRAPH, "POST", f"{_CA}/deletedItems/policies/{_ONE}/restore", _CA_DELETE, _undelete_ca_policy),
    (Service.GRAPH_BETA, "GET", _CUSTOM, _CA_READ, _list_custom_policies),
    (Service.GRAPH_BETA, "GET", rf"{_CUSTOM}/{_ONE}/\$value", _CA_READ, _get_custom_policy),
    (Service.GRAPH_BETA, "PUT", rf"{_CUSTOM}/{_ONE}/\$value", _TRUST, _upload_custom_policy),
    (Service.GRAPH_BETA, "DELETE", f"{_CUSTOM}/{_ONE}", _TRUST, _delete_custom_policy),
    (Service.ARM, "GET", _ASSIGNMENT, _SEE, _get_role_assignment),
    (
        Service.ARM,
        "GET",
        ".*/providers/Microsoft.Authorization/roleAssignmentScheduleRequests",
        frozenset({Permission.ROLE_SCHEDULE_READ}),
        _list_schedule_requests,
    ),
    (
        Service.ARM,
        "GET",
        "/subscriptions/[^/]+/providers/Microsoft.Insights/eventtypes/management/values",
        frozenset({Permission.ACTIVITY_LOG_READ}),
        _list_activity,
    ),
    (Service.GRAPH, "GET", f"/users/{_ONE}", frozenset({Permission.USER_READ}), _get_principal),
    (
        Service.GRAPH,
        "GET",
        f"/groups/{_ONE}/transitiveMembers",
        frozenset({Permission.GROUP_MEMBER_READ}),
        _list_members,
    ),
    (Service.ARM, "GET", f"(?P<scope>/subscriptions/.+?){_LOCKS}", frozenset({Permission.LOCK_READ}), _list_locks),
    (Service.ARM, "GET", f"(?P<scope>/subscriptions/.+?){_ASSIGNMENTS}", _SEE, _list_role_assignments),
    (
        Service.ARM,
        "PUT",
        _ASSIGNMENT,
        frozenset({Permission.ROLE_ASSIGNMENT_WRITE}),
        _write_role_assignment,
    ),
    (
        Service.ARM,
        "DELETE",
        _ASSIGNMENT,
        frozenset({Permission.ROLE_ASSIGNMENT_DELETE}),
        _delete_role_assignment,
    ),
)


@cache
def _operations_of(
    service: Service, method: str
) -> tuple[tuple[re.Pattern[str], frozenset[Permission], _Operation], ...]:
    return tuple(
        (re.compile(path, re.IGNORECASE), needed, carry_out)
        for of_service, of_method, path, needed, carry_out in _OPERATIONS
        if (of_service, of_method) == (service, method)
    )
