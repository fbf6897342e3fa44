"""Graph and Azure Resource Manager of a story's tenant, behind the transports of the product."""

import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import unquote

from msgspec import Struct

from infra.local.tenant.odata import filtered
from infra.local.tenant.simulated_kind import Asked, Route, Sample, path_pattern
from infra.local.tenant.simulated_kind import Refusal as KindRefusal
from shared.clients.answers import Answer
from shared.model.calls import Service
from shared.model.errors import Unreachable
from shared.model.kinds import Image, ObjectKind
from tests.laws.world import (
    APP_ROLE,
    ASSIGNMENT,
    ASSIGNMENTS,
    CONTEXT,
    CONTRIBUTOR,
    DOCUMENT,
    EMERGENCY,
    ENDS_AT,
    FIRST_IDS,
    GONE,
    GRAPH,
    LOCATION,
    PEOPLE,
    POLICY,
    ROLE,
    SAMPLES,
    SCOPE,
    SERVICES,
    SIMULATED_KINDS,
    STRENGTH,
    Deed,
    OurCall,
    Thing,
    World,
    part,
    printed,
)

type Ids = Mapping[str, str]
type Effect = Callable[[str, Callable[[], Answer]], Answer]
"""Lets time pass around what a request does: given a name for it and what it does."""

_TWO: Final = 200


class Refusal(Exception):
    """An answer other than success."""

    def __init__(self, status: int, code: str, message: str = "", *, retry_after: int = 0) -> None:
        super().__init__(code)
        headers = {"retry-after": str(retry_after)} if retry_after else {}
        body = json.dumps({"error": {"code": code, "message": message or f"({code})"}}).encode()
        self.answer = Answer(status=status, headers=headers, body=body)


def _answer(body: object, status: int = _TWO) -> Answer:
    return Answer(status=status, headers={}, body=b"" if body is None else json.dumps(body).encode())


_FAULTS: Final[Mapping[str, tuple[int, str]]] = {
    "throttled": (429, "TooManyRequests"),
    "refused": (403, "Authorization_RequestDenied"),
    "unauthorized": (401, "InvalidAuthenticationToken"),
    "replicating": (400, "PrincipalNotFound"),
    "busy": (409, "Conflict"),
    "stale-etag": (412, "PreconditionFailed"),
    "held": (423, "Locked"),
    "early": (425, "TooEarly"),
    "slow": (408, "RequestTimeout"),
    "down": (503, "ServiceUnavailable"),
}
"""Faults before a write is carried out, with their answers. "lost" is carried out, "cut" isn't; neither answers."""


class Api:
    """One of the services, as one process reaches it."""

    def __init__(self, world: World, service: Service, effect: Effect) -> None:
        self._world = world
        self._service = service
        self._effect = effect

    def exchange(
        self, method: str, url: str, *, query: Mapping[str, str], body: bytes | None, content_type: str
    ) -> Answer:
        path = unquote(url)
        for services, of_method, pattern, carry_out in _ROUTES:
            found = pattern.fullmatch(path) if of_method == method and self._service in services else None
            if found:
                asked = _Asked(world=self._world, ids=found.groupdict(), query=query, body=_read(body, content_type))
                return self._effect(f"{method} {path}", partial(self._carried_out, carry_out, asked, method, path))
        raise AssertionError(f"{self._service} has no {method} {path}")

    def _carried_out(self, carry_out: "_CarryOut", asked: "_Asked", method: str, path: str) -> Answer:
        world, name = self._world, _name_in(self._world, asked.ids, path)
        is_unlisted = path == _CUSTOM and world.is_open("unlisted")
        if (is_unlisted or world.is_open("unreadable", name)) and method == "GET":
            return Refusal(503, "ServiceUnavailable").answer
        fault = world.faults.pop(0) if world.faults and method != "GET" else ""
        if fault in _FAULTS:
            status, code = _FAULTS[fault]
            return self._noted(Refusal(status, code, retry_after=3 if status in {429, 503} else 0).answer, method, name)
        if fault == "cut":
            raise Unreachable("the connection was cut")
        if method != "GET" and world.is_open("forbidden", name):
            return self._noted(Refusal(403, "Authorization_RequestDenied").answer, method, name)
        deeds = len(world.history)
        try:
            answer = carry_out(asked)
        except Refusal as refusal:
            answer = refusal.answer
        if method != "GET":
            self._noted(answer, method, name, world.history[deeds] if len(world.history) > deeds else None)
        if fault == "lost":
            world.calls[-1].is_answered = False
            raise Unreachable("the connection was cut")
        return answer

    def _noted(self, answer: Answer, method: str, name: str, deed: Deed | None = None) -> Answer:
        call = OurCall(
            at=self._world.now(), name=deed.name if deed else name, method=method, status=answer.status, deed=deed
        )
        self._world.calls.append(call)
        if deed is not None:
            deed.call = call
        return answer


class _Asked(Struct, frozen=True, kw_only=True):
    world: World
    ids: Ids
    query: Mapping[str, str]
    body: Any


type _CarryOut = Callable[[_Asked], Answer]


def _read(body: bytes | None, content_type: str) -> Any:  # noqa: ANN401 - JSON, or a document as text
    if body is None or content_type == "application/xml":
        return body and body.decode()
    return json.loads(body)


def _name_in(world: World, ids: Ids, path: str) -> str:
    """Give the name of the thing that a request is about, "" for listings."""
    wanted = (ids.get("id") or "").lower()
    if name := next((each for each in SAMPLES if each in world.things and _is_meant(SAMPLES[each], ids)), ""):
        return name
    if wanted.startswith(_ROLE_ID):
        return ids["id"].removeprefix(_ROLE_ID)
    found = (each.name for each in world.things.values() if wanted and wanted in (one.lower() for one in each.ids))
    return next(found, "") if "groups" not in path else "G"


def _is_meant(sample: Sample, ids: Ids) -> bool:
    """Say whether a request's path names an object of a story, by our id of it or the service's."""
    named = {each.lower() for each in ids.values() if each}
    parts = frozenset(sample.object_id.lower().split("/")[-2:])
    is_by_parts = len(parts) > 1 and parts <= named
    return is_by_parts or bool(named & {sample.object_id.lower(), str(sample.image.get("id")).lower()})


_BESIDE: Final[Mapping[str, Mapping[str, Image]]] = {
    kind: {each["id"].lower(): each for each in several}
    for simulated in SIMULATED_KINDS.values()
    for kind, several in simulated.beside.items()
}


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The objects of a kind in a story's world; what is put there is our own write."""

    world: World
    kind: str

    def listed(self) -> Mapping[str, Image]:
        things = (each for each in _things(self.world, self.kind) if self.world.is_listed(each))
        seen = {each.ids[0]: self.world.seen(each) for each in things}
        found = {object_id: image for object_id, image in seen.items() if image is not None}
        return {**self._beside(), **found}

    def _beside(self) -> Mapping[str, Image]:
        """Give what no story is about, and is there in each where the story has no such thing."""
        there = {_API["id"]: _API} if self.kind == ObjectKind.SERVICE_PRINCIPAL else {}
        there |= _BESIDE.get(self.kind, {})
        return {object_id: image for object_id, image in there.items() if not self.world.by_id(self.kind, object_id)}

    def seen(self, object_id: str) -> Image | None:
        if thing := self.world.by_id(self.kind, object_id):
            return self.world.seen(thing)
        is_service = self.kind == ObjectKind.SERVICE_PRINCIPAL
        other = _service_principal(self.world, object_id) if is_service else None
        return other or self._beside().get(object_id)

    def current(self, object_id: str) -> Image | None:
        thing = self.world.by_id(self.kind, object_id)
        return thing.image if thing else None

    def put(self, object_id: str, image: Image | None) -> None:
        thing = self.world.by_id(self.kind, object_id)
        if thing is None:
            raise AssertionError(f"the story has no {self.kind} {object_id}")
        op = "delete" if image is None else "create" if thing.image is None else "update"
        self.world.write("us", thing.name, op, image)


def _simulated(kind: str, route: Route) -> "_CarryOut":
    def carry_out(asked: _Asked) -> Answer:
        now = printed(asked.world.now())
        try:
            shelf, of = _Shelf(asked.world, kind), partial(_Shelf, asked.world)
            reply = route.answer(Asked(shelf=shelf, of=of, ids=asked.ids, body=asked.body, now=now, query=asked.query))
        except KindRefusal as refusal:
            raise Refusal(refusal.status, refusal.code, refusal.message) from refusal
        if reply.values is None:
            return _answer(reply.body, reply.status)
        wanted = asked.query.get("$filter", "")
        return _answer({"value": filtered(reply.values, wanted, route.filters) if wanted else reply.values})

    return carry_out


# What every kind in Graph has.


def _things(world: World, kind: str) -> list[Thing]:
    return [each for each in world.things.values() if each.kind == kind]


def _shown(thing: Thing, image: Image) -> Image:
    if thing.kind == POLICY and part(part(image, "grantControls"), "authenticationStrength"):
        controls = dict(image["grantControls"])
        controls["authenticationStrength"] = {
            "displayName": "Keys only",
            "policyType": "custom",
            "allowedCombinations": ["fido2"],
        } | controls["authenticationStrength"]
        return image | {"grantControls": controls}
    return image


def _listing(kind: str) -> _CarryOut:
    def carry_out(asked: _Asked) -> Answer:
        world = asked.world
        found = ((each, world.seen(each)) for each in _things(world, kind) if world.is_listed(each))
        return _answer({"value": [_shown(thing, image) for thing, image in found if image is not None]})

    return carry_out


def _one(kind: str) -> _CarryOut:
    def carry_out(asked: _Asked) -> Answer:
        thing, image = _found(asked, kind)
        return _answer(_shown(thing, image))

    return carry_out


def _found(asked: _Asked, kind: str) -> tuple[Thing, Image]:
    """Find the object as a read shows it. An id that it had before, and has no more, isn't there."""
    thing = asked.world.by_id(kind, asked.ids["id"])
    image = asked.world.seen(thing) if thing else None
    if thing is None or image is None or str(image["id"]).lower() != asked.ids["id"].lower():
        raise Refusal(404, "ResourceNotFound")
    return thing, image


def _standing(asked: _Asked, kind: str) -> tuple[Thing, Image]:
    """Find the object for a write: services write to what really stands."""
    thing = asked.world.by_id(kind, asked.ids["id"])
    if thing is None or thing.image is None or str(thing.image["id"]).lower() != asked.ids["id"].lower():
        raise Refusal(404, "ResourceNotFound")
    return thing, thing.image


_REFUSED_IN_BODIES: Final = frozenset({"id", "createdDateTime", "modifiedDateTime", "deletedDateTime", "templateId"})


def _checked(body: Image) -> Image:
    strength = part(part(body, "grantControls"), "authenticationStrength")
    if body.keys() & _REFUSED_IN_BODIES or "@odata.context" in str(body) or (strength and strength.keys() != {"id"}):
        raise Refusal(400, "1007")
    return body


def _update(kind: str) -> _CarryOut:
    def carry_out(asked: _Asked) -> Answer:
        thing, image = _standing(asked, kind)
        if (kind == LOCATION and "@odata.type" not in asked.body) or (
            kind == STRENGTH and "allowedCombinations" in asked.body
        ):
            raise Refusal(400, "1016")
        body = {name: value for name, value in _checked(asked.body).items() if name != "@odata.type"}
        made = image | body
        if kind in {POLICY, LOCATION, STRENGTH}:
            made["modifiedDateTime"] = printed(asked.world.now())
        asked.world.write("us", thing.name, "update", made)
        _fill(asked.world, thing)
        return _answer(None, 204)

    return carry_out


FILLED: Final = "sessionControls.disableResilienceDefaults"
"""What the service puts into policies that didn't have it."""


def _fill(world: World, thing: Thing) -> None:
    """Complete what was sent, as services do with properties that they added since."""
    if world.to_fill and thing.kind == POLICY and not (thing.image or {}).get("sessionControls"):
        world.to_fill -= 1
        world.quietly(thing.name, {FILLED: True})


def _create(kind: str) -> _CarryOut:
    def carry_out(asked: _Asked) -> Answer:
        body, world = _checked(asked.body), asked.world
        name = _name_for(world, kind, body)
        object_id = str(uuid.UUID(int=world.chance.getrandbits(128), version=4))
        if kind == CONTEXT:
            object_id = str(body.get("id", "c9"))
        made = body | {"id": object_id, "createdDateTime": printed(world.now()), "modifiedDateTime": None}
        thing = world.things[name]
        world.write("us", name, "create", made, object_id=object_id)
        _fill(world, thing)
        return _answer(_shown(thing, thing.image or made), 201)

    return carry_out


def _name_for(world: World, kind: str, body: Image) -> str:
    """Find which object is made again: the one of that name that isn't there, else a twin of it."""
    same = [each for each in _things(world, kind) if _had_name(each, str(body.get("displayName")))]
    gone = [each for each in same if each.image is None]
    if gone:
        return gone[0].name
    name = f"{same[0].name if same else kind[0].upper()}twin{len(world.things)}"
    world.things[name] = Thing(name=name, kind=kind, image=None, ids=[""], past=[(-9e6, None)])
    return name


def _had_name(thing: Thing, name: str) -> bool:
    return any(image is not None and image.get("displayName") == name for _, image in thing.past)


def _delete(kind: str) -> _CarryOut:
    def carry_out(asked: _Asked) -> Answer:
        thing, image = _standing(asked, kind)
        if asked.world.is_used(thing.name) or (kind == CONTEXT and image["isAvailable"]):
            raise Refusal(400, "1113", "It is used.")
        asked.world.write("us", thing.name, "delete", None)
        return _answer(None, 204)

    return carry_out


def _bin(kind: str) -> _CarryOut:
    def carry_out(asked: _Asked) -> Answer:
        gone = (each.binned for each in _things(asked.world, kind) if each.image is None)
        return _answer({"value": [each for each in gone if each is not None]})

    return carry_out


def _restore(kind: str) -> _CarryOut:
    def carry_out(asked: _Asked) -> Answer:
        world = asked.world
        if not world.restores_for_applications:
            raise Refusal(403, "Authorization_RequestDenied")
        thing = world.by_id(kind, asked.ids["id"])
        if thing is None or thing.binned is None or thing.image is not None:
            raise Refusal(404, "ResourceNotFound")
        back = thing.binned
        world.write("us", thing.name, "restore", back, object_id=str(back["id"]))
        return _answer(_shown(thing, back))

    return carry_out


def _combinations(asked: _Asked) -> Answer:
    thing, image = _standing(asked, STRENGTH)
    made = image | {"allowedCombinations": asked.body["allowedCombinations"]}
    asked.world.write("us", thing.name, "update", made | {"modifiedDateTime": printed(asked.world.now())})
    return _answer(made)


def _configurations(asked: _Asked) -> Answer:
    _found(asked, STRENGTH)
    return _answer({"value": []})


# Groups and people.


def _group_members(asked: _Asked) -> Answer:
    if asked.ids["id"].lower() != FIRST_IDS["G"]:
        raise Refusal(404, "Request_ResourceNotFound")
    return _answer({"value": [_person(asked.world, each) for each in sorted(asked.world.members())]})


_MICROSOFT: Final = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
"""The tenant that owns Microsoft's own services."""


def _person(world: World, object_id: str) -> Image:
    name = next((each for each, one in PEOPLE.items() if one == object_id), "")
    kind = "servicePrincipal" if name in SERVICES else "user"
    return {
        "@odata.type": f"#microsoft.graph.{kind}",
        "id": object_id,
        "displayName": name,
        "userPrincipalName": f"{name}@contoso.example",
        "userType": "Member",
        "accountEnabled": name not in world.disabled,
        "appOwnerOrganizationId": _MICROSOFT if name == "microsoft" else None,
    }


_OWNERS: Final = frozenset(
    owner.lower()
    for each in SIMULATED_KINDS.values()
    for sample in each.samples
    for owner in each.belongs_to(sample.image)
)
"""Applications that objects of declared kinds belong to: they are there in every story."""


def _get_person(asked: _Asked) -> Answer:
    identity, wanted = asked.ids["id"].lower(), asked.ids["kind"].lower()
    if identity == FIRST_IDS["G"] and wanted in {"groups", "directoryobjects"}:
        return _answer(_GROUP)
    if not _is_there(identity):
        raise Refusal(404, "Request_ResourceNotFound")
    person = _person(asked.world, identity)
    if wanted == "groups" or (wanted == "users" and _is_service(person)):
        raise Refusal(404, "Request_ResourceNotFound")
    return _answer(person)


def _is_there(identity: str) -> bool:
    return identity in PEOPLE.values() and identity not in {PEOPLE[each] for each in GONE}


def _is_service(person: Image) -> bool:
    return "servicePrincipal" in person["@odata.type"]


def _service_principal(world: World, identity: str) -> Image | None:
    """Give a service principal that no story is about; None where there is none of this id."""
    if identity == GRAPH:
        return _API
    if identity in _OWNERS:
        return {"id": identity, "accountEnabled": True}
    person = _person(world, identity) if _is_there(identity) else None
    return person if person and _is_service(person) else None


def _groups_of(asked: _Asked) -> Answer:
    inside = asked.ids["id"].lower() in asked.world.members()
    return _answer({"value": [_GROUP] if inside else []})


_GROUP: Final[Image] = {
    "@odata.type": "#microsoft.graph.group",
    "id": FIRST_IDS["G"],
    "displayName": "Emergency accounts",
    "isAssignableToRole": False,
}


def _groups(asked: _Asked) -> Answer:
    wanted = asked.query.get("$filter", "").lower()
    if "isassignabletorole" in wanted:
        return _answer({"value": [*_Shelf(asked.world, ObjectKind.GUARDED_GROUP).listed().values()]})
    return _answer({"value": [_GROUP] if FIRST_IDS["G"] in wanted else []})


def _people(asked: _Asked) -> Answer:
    wanted = [str(each).lower() for each in asked.body.get("ids", [])]
    return _answer({"value": [_person(asked.world, each) for each in wanted if each in PEOPLE.values()]})


def _registration(asked: _Asked) -> Answer:
    """Say what the report has: emergency accounts have a security key."""
    identity = asked.ids["id"].lower()
    if identity not in {PEOPLE[each] for each in EMERGENCY}:
        raise Refusal(404, "ResourceNotFound")
    return _answer({"id": identity, "methodsRegistered": ["passKeyDeviceBound"]})


_GLOBAL_ADMINISTRATOR: Final = "62e90394-69f5-4237-9190-012177145e10"


def _directory_roles(asked: _Asked) -> Answer:
    world = asked.world
    held: list[Image] = [
        {
            "id": f"role-{each}",
            "principalId": PEOPLE[each],
            "roleDefinitionId": _GLOBAL_ADMINISTRATOR,
            "directoryScopeId": "/",
        }
        for each in EMERGENCY
    ]
    things = ((each, world.seen(each)) for each in _things(world, ROLE) if world.is_listed(each))
    held += [image | {"id": f"{_ROLE_ID}{thing.name}"} for thing, image in things if image is not None]
    name, _, value = asked.query.get("$filter", "").partition(" eq ")
    return _answer({"value": [each for each in held if not name or each[name] == value.strip("'")]})


_ROLE_ID: Final = "assigned-"
"""With the name of a thing behind it, what Graph calls an assignment of a directory role."""


def _given(name: str) -> _CarryOut:
    """List app roles by who gave or holds them."""

    def carry_out(asked: _Asked) -> Answer:
        world = asked.world
        things = ((each, world.seen(each)) for each in _things(world, APP_ROLE) if world.is_listed(each))
        held = [image | {"id": f"{_ROLE_ID}{thing.name}"} for thing, image in things if image is not None]
        return _answer({"value": [each for each in held if each[name] == asked.ids["principal"].lower()]})

    return carry_out


_API: Final[Image] = {"id": GRAPH, "appId": "00000003-0000-0000-c000-000000000000"}


def _delete_role(asked: _Asked) -> Answer:
    thing = asked.world.things.get(asked.ids["id"].removeprefix(_ROLE_ID))
    if thing is None or thing.image is None:
        raise Refusal(404, "Request_ResourceNotFound")
    asked.world.write("us", thing.name, "delete", None)
    return _answer(None, 204)


def _remove_role(asked: _Asked) -> Answer:
    """Carry out a request to PIM for a removal."""
    object_id = f"{asked.body['roleDefinitionId']}/{asked.body['principalId']}"
    thing = asked.world.by_id(ROLE, object_id)
    if thing is None or thing.image is None:
        raise Refusal(400, "RoleAssignmentDoesNotExist")
    asked.world.write("us", thing.name, "delete", None)
    return _answer({"status": "Revoked"}, 201)


def _nothing(_asked: _Asked) -> Answer:
    return _answer({"value": []})


# Custom policies.


def _list_documents(asked: _Asked) -> Answer:
    world = asked.world
    return _answer({"value": [{"id": each.id} for each in _things(world, DOCUMENT) if world.seen(each)]})


def _get_document(asked: _Asked) -> Answer:
    thing = asked.world.by_id(DOCUMENT, asked.ids["id"])
    image = asked.world.seen(thing) if thing else None
    if image is None:
        raise Refusal(404, "AADB2C90073")
    return Answer(status=_TWO, headers={}, body=image["xml"].encode("utf-8-sig"))


_BASE: Final = re.compile(r"<BasePolicy>.*?<PolicyId>([^<]+)</PolicyId>", re.DOTALL)


def _put_document(asked: _Asked) -> Answer:
    world, xml = asked.world, str(asked.body)
    thing = world.by_id(DOCUMENT, asked.ids["id"])
    if thing is None:
        raise Refusal(400, "AADB2C")
    base = _BASE.search(xml)
    parent = world.by_id(DOCUMENT, base[1]) if base else None
    if base and (parent is None or parent.image is None):
        raise Refusal(400, "AADB2C", f"The base policy '{base[1]}' does not exist in this tenant.")
    world.write("us", thing.name, "create" if thing.image is None else "update", {"xml": xml, "id": thing.id})
    return _answer(None)


def _delete_document(asked: _Asked) -> Answer:
    world = asked.world
    thing = world.by_id(DOCUMENT, asked.ids["id"])
    if thing is None or thing.image is None:
        raise Refusal(404, "AADB2C90073")
    if world.is_used(thing.name):
        raise Refusal(400, "AADB2C", "The policy is the base policy of others and cannot be deleted.")
    world.write("us", thing.name, "delete", None)
    return _answer(None, 204)


# Azure role assignments.


def _get_assignment(asked: _Asked) -> Answer:
    _, image = _found(asked, ASSIGNMENT)
    return _answer(image)


def _list_assignments(asked: _Asked) -> Answer:
    world, scope = asked.world, asked.ids["scope"].lower()
    at_scope = "atScope" in asked.query.get("$filter", "")
    images = [image for each in _things(world, ASSIGNMENT) if (image := world.seen(each)) is not None]
    return _answer({"value": [each for each in images if _is_in(each, scope, at_scope=at_scope)]})


def _is_in(image: Image, scope: str, *, at_scope: bool) -> bool:
    held = str(image["properties"]["scope"]).lower()
    above = f"{scope}/".startswith(f"{held}/")
    return above or (not at_scope and f"{held}/".startswith(f"{scope}/"))


def _same_place(image: Image, properties: Image, scope: str) -> bool:
    held = image["properties"]
    role, wanted = str(held["roleDefinitionId"]), str(properties["roleDefinitionId"])
    return (held["principalId"], role.rpartition("/")[2], held["scope"].lower()) == (
        properties["principalId"],
        wanted.rpartition("/")[2],
        scope.lower(),
    )


def _put_assignment(asked: _Asked) -> Answer:
    world, object_id = asked.world, asked.ids["id"]
    scope = object_id[: object_id.lower().rindex(ASSIGNMENTS.lower())]
    properties: Image = asked.body["properties"]
    thing = world.by_id(ASSIGNMENT, object_id)
    for each in _things(world, ASSIGNMENT):
        if each.image and each.id.lower() != object_id.lower() and _same_place(each.image, properties, scope):
            raise Refusal(409, "RoleAssignmentExists")
    if thing is None:
        past = (each for each in _things(world, ASSIGNMENT) if each.image is None)
        thing = next(
            (each for each in past if any(one and _same_place(one, properties, scope) for _, one in each.past)), None
        )
    if thing is None:
        name = f"Atwin{len(world.things)}"
        thing = world.things[name] = Thing(name=name, kind=ASSIGNMENT, image=None, ids=[object_id], past=[(-9e6, None)])
    standing = thing.image
    if standing is not None and not _same_place(standing, properties, scope):
        raise Refusal(400, "RoleAssignmentUpdateNotPermitted")
    by, now = PEOPLE["us"], printed(world.now())
    stamps = {"createdOn": now, "createdBy": by, "updatedOn": now, "updatedBy": by}
    kept = {name: standing["properties"][name] for name in ("createdOn", "createdBy")} if standing else {}
    blank = {"condition": None, "conditionVersion": None, "description": None}
    object_id = thing.id if standing else object_id
    made = {
        "id": object_id,
        "name": object_id.rpartition("/")[2],
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": blank
        | properties
        | {"scope": standing["properties"]["scope"] if standing else scope}
        | stamps
        | kept,
    }
    world.write("us", thing.name, "update" if standing else "create", made, object_id=object_id)
    return _answer(made, 201)


def _delete_assignment(asked: _Asked) -> Answer:
    world = asked.world
    if world.is_open("lock"):
        scope = asked.ids["id"].rpartition("/providers/")[0]
        message = "The scope cannot perform delete operation because following scope(s) are locked: "
        raise Refusal(409, "ScopeLocked", f"{message}'{scope}'. Please remove the lock and try again.")
    thing = world.by_id(ASSIGNMENT, asked.ids["id"])
    if thing is None or thing.image is None or thing.image["id"].lower() != asked.ids["id"].lower():
        return _answer(None, 204)
    gone = thing.image
    world.write("us", thing.name, "delete", None)
    return _answer(gone)


def _list_locks(asked: _Asked) -> Answer:
    lock = f"{asked.ids['scope']}/providers/Microsoft.Authorization/locks/keep"
    return _answer(
        {"value": [{"id": lock, "properties": {"level": "CanNotDelete"}}] if asked.world.is_open("lock") else []}
    )


def _schedules(asked: _Asked) -> Answer:
    """Give what was asked of PIM: one role was given for a time."""
    if PEOPLE["trainee"] not in asked.query.get("$filter", ""):
        return _answer({"value": []})
    expiration = {"type": "AfterDateTime", "endDateTime": printed(ENDS_AT), "duration": None}
    request = {
        "requestorId": PEOPLE["alice"],
        "createdOn": printed(-8e6),
        "requestType": "AdminAssign",
        "roleDefinitionId": f"{SCOPE}/providers/Microsoft.Authorization/roleDefinitions/{CONTRIBUTOR}",
        "principalId": PEOPLE["trainee"],
        "scope": SCOPE,
        "scheduleInfo": {"startDateTime": printed(-8e6), "expiration": expiration},
    }
    return _answer({"value": [{"name": "given for a time", "properties": request}]})


def _list_activity(asked: _Asked) -> Answer:
    now, wanted = asked.world.now(), asked.query.get("$filter", "")
    begin, end, resource = (
        _found_in(wanted, each) for each in ("eventTimestamp ge", "eventTimestamp le", "resourceUri eq")
    )
    known = [record for arrives, record in asked.world.activity if arrives <= now]
    return _answer(
        {
            "value": [
                record
                for record in known
                if begin <= record["eventTimestamp"] <= (end or "9")
                and resource.lower() in {"", record["resourceId"].lower()}
            ]
        }
    )


def _found_in(text: str, term: str) -> str:
    """Give the value of a term of a filter, "" where the filter has none."""
    return text.partition(f"{term} '")[2].partition("'")[0]


def _role_definition(asked: _Asked) -> Answer:
    return _answer(
        {"id": asked.ids["id"], "name": asked.ids["id"].rpartition("/")[2], "properties": {"permissions": []}}
    )


_CA: Final = "/identity/conditionalAccess"
_ID: Final = "(?P<id>[^/]+)"
_ASSIGNMENT_ID: Final = f"(?P<id>/subscriptions/.+{ASSIGNMENTS}/[^/]+)"
_CUSTOM: Final = "/trustFramework/policies"
_GRAPHS: Final = (Service.GRAPH, Service.GRAPH_BETA)


def _graph_kind(kind: str, path: str) -> Iterable[tuple[tuple[Service, ...], str, str, _CarryOut]]:
    return (
        (_GRAPHS, "GET", path, _listing(kind)),
        (_GRAPHS, "GET", f"{path}/{_ID}", _one(kind)),
        (_GRAPHS, "PATCH", f"{path}/{_ID}", _update(kind)),
        (_GRAPHS, "POST", path, _create(kind)),
        (_GRAPHS, "DELETE", f"{path}/{_ID}", _delete(kind)),
    )


_PATHS: Final[tuple[tuple[tuple[Service, ...], str, str, _CarryOut], ...]] = (
    *_graph_kind(POLICY, f"{_CA}/policies"),
    *_graph_kind(LOCATION, f"{_CA}/namedLocations"),
    *_graph_kind(CONTEXT, f"{_CA}/authenticationContextClassReferences"),
    *_graph_kind(STRENGTH, "/policies/authenticationStrengthPolicies"),
    *_graph_kind(STRENGTH, f"{_CA}/authenticationStrength/policies"),
    (_GRAPHS, "POST", f"/policies/authenticationStrengthPolicies/{_ID}/updateAllowedCombinations", _combinations),
    (_GRAPHS, "GET", f"/policies/authenticationStrengthPolicies/{_ID}/combinationConfigurations", _configurations),
    (_GRAPHS, "GET", f"{_CA}/deletedItems/policies", _bin(POLICY)),
    (_GRAPHS, "POST", f"{_CA}/deletedItems/policies/{_ID}/restore", _restore(POLICY)),
    (_GRAPHS, "GET", f"{_CA}/deletedItems/namedLocations", _bin(LOCATION)),
    (_GRAPHS, "POST", f"{_CA}/deletedItems/namedLocations/{_ID}/restore", _restore(LOCATION)),
    (_GRAPHS, "GET", f"/groups/{_ID}/(?:transitiveMembers|members)(?:/.+)?", _group_members),
    (_GRAPHS, "GET", f"/users/{_ID}/(?:transitiveMemberOf|memberOf)(?:/.+)?", _groups_of),
    (_GRAPHS, "GET", f"/(?P<kind>users|groups|directoryObjects)/{_ID}", _get_person),
    (_GRAPHS, "POST", "/directoryObjects/getByIds", _people),
    (_GRAPHS, "GET", "/roleManagement/directory/roleAssignments", _directory_roles),
    (_GRAPHS, "GET", "/servicePrincipals/(?P<principal>[^/]+)/appRoleAssignments", _given("principalId")),
    (_GRAPHS, "GET", "/servicePrincipals/(?P<principal>[^/]+)/appRoleAssignedTo", _given("resourceId")),
    (_GRAPHS, "DELETE", f"/servicePrincipals/{GRAPH}/appRoleAssignedTo/{_ID}", _delete_role),
    (_GRAPHS, "DELETE", f"/roleManagement/directory/roleAssignments/{_ID}", _delete_role),
    (_GRAPHS, "POST", "/roleManagement/directory/roleAssignmentScheduleRequests", _remove_role),
    (_GRAPHS, "GET", "/roleManagement/directory/.+", _nothing),
    (_GRAPHS, "GET", "/auditLogs/directoryAudits", _nothing),
    (_GRAPHS, "GET", "/groups", _groups),
    (_GRAPHS, "GET", f"/reports/authenticationMethods/userRegistrationDetails/{_ID}", _registration),
    (_GRAPHS, "GET", "/(?:groups|users|directoryRoles|identityGovernance|privilegedAccess).*", _nothing),
    (_GRAPHS, "GET", _CUSTOM, _list_documents),
    (_GRAPHS, "GET", rf"{_CUSTOM}/{_ID}/\$value", _get_document),
    (_GRAPHS, "PUT", rf"{_CUSTOM}/{_ID}/\$value", _put_document),
    (_GRAPHS, "DELETE", f"{_CUSTOM}/{_ID}", _delete_document),
    ((Service.ARM,), "GET", _ASSIGNMENT_ID, _get_assignment),
    ((Service.ARM,), "PUT", _ASSIGNMENT_ID, _put_assignment),
    ((Service.ARM,), "DELETE", _ASSIGNMENT_ID, _delete_assignment),
    ((Service.ARM,), "GET", f"(?P<scope>/subscriptions/.+?){ASSIGNMENTS}", _list_assignments),
    ((Service.ARM,), "GET", "(?P<scope>/subscriptions/.+?)/providers/Microsoft.Authorization/locks", _list_locks),
    (
        (Service.ARM,),
        "GET",
        "/subscriptions/.+/providers/Microsoft.Insights/eventtypes/management/values",
        _list_activity,
    ),
    ((Service.ARM,), "GET", "(?P<id>/.+/providers/Microsoft.Authorization/roleDefinitions/[^/]+)", _role_definition),
    ((Service.ARM,), "GET", "/.+/providers/Microsoft.Authorization/roleAssignmentScheduleRequests", _schedules),
)

_ROUTES: Final = (
    *(
        (
            (Service.ARM,) if simulated.resource_type else _GRAPHS,
            route.method,
            path_pattern(route.path),
            _simulated(kind, route),
        )
        for kind, simulated in SIMULATED_KINDS.items()
        for route in simulated.routes
    ),
    *((services, method, re.compile(path, re.IGNORECASE), carry_out) for services, method, path, carry_out in _PATHS),
)
