"""The tenant of a story, and the truth about it: what stands, what stood, and who wrote what.

Graph and Azure Resource Manager answer here behind the transports that the product really uses, so its own declarations
of calls work. An object is kept whole, as its API prints it. `history` is the truth: the responder never sees it, the
oracle reads nothing else of the tenant.
"""

import copy
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final, cast

from infra.local.tenant.simulated import IN_AZURE, SIMULATED
from infra.local.tenant.simulated_kind import Sample, SimulatedKind
from infra.local.world import (
    ALICE,
    B2C_TENANT,
    BREAK_GLASS_1,
    BREAK_GLASS_2,
    MALLORY,
    RESPONDER,
    RESPONDER_B2C,
    SUBSCRIPTION,
    TRUDY,
    WORKFORCE_TENANT,
)
from shared.model.kinds import Image, Json, ObjectKind, TenantKind

START: Final = datetime(2026, 3, 2, 10, 0, 0, tzinfo=UTC)
"""When a story begins; its instants are seconds from here."""

PEOPLE: Final[Mapping[str, str]] = {
    "alice": ALICE.id,
    "bob": "b0b00000-2f4a-4c18-9d63-7e5a1b0c8f42",
    "mal": MALLORY.id,
    "trudy": TRUDY.id,
    "rival": "21fa1000-6c3e-4b79-8a15-d40e9f2b7c68",
    "oncall": "0ca11000-9e5b-4d37-a2c8-61f7b3d0e594",
    "em1": BREAK_GLASS_1.id,
    "em2": BREAK_GLASS_2.id,
    "us": RESPONDER.id,
    "microsoft": "a5c0f700-2e8b-4d17-9f6a-c3b1e0d4a852",
    "engine": "e2913e00-4d7f-4a26-b9c3-8f0e5d1a6b72",
    "nobody": "",
    "svc": "5ec00000-7b1d-4e94-a6f0-3c8d9e2b5a17",
    "con": "c0200000-3a8e-4f61-b7d5-9e0c4b2f6d83",
    "guest": "9e570000-5d2c-4b8a-93e7-f1a60c4d8b29",
    "boss": "b0550000-8f6e-4c13-a5d9-2b7e0f4c9a61",
    "trainee": "72a10000-1d8b-4e5c-9f47-c3a6b0e2d785",
    "ghost": "60570000-4c7e-4a19-8d3b-f5e0a2c6b914",
    "pim": "91300000-6e2d-4b8f-a5c1-0d9f7b3e4a68",
}
"""Object ids by the names that stories use. What an unlisted name would be is a mistake in a story."""

EMERGENCY: Final = ("em1", "em2")
GONE: Final = frozenset({"ghost"})
"""Who was deleted from the directory before a story."""

PROTECTED: Final = ("boss",)
"""Whom the settings protect."""

SERVICES: Final = frozenset({"us", "engine", "rival", "svc", "pim", "microsoft"})
"""Those that are service principals."""

OWNER: Final = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
CONTRIBUTOR: Final = "b24988ac-6180-42a0-ab88-20f7382dd24c"
READER: Final = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
HELPDESK: Final = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
ROLE_ADMINISTRATOR: Final = "e8611ab8-c189-46e8-94e1-60213ab1f814"
GRAPH: Final = "5e000003-7a41-4d0c-9b36-e2f81c5d7a90"
MAIL_READ: Final = "810c84a8-4a9e-49e6-bf7d-12d183f40d01"
DIRECTORY_READ: Final = "7ab1d382-f21e-4acd-a863-ba3e13f7da61"
SCOPE: Final = f"/subscriptions/{SUBSCRIPTION}"
ASSIGNMENTS: Final = "/providers/Microsoft.Authorization/roleAssignments"

POLICY, LOCATION, STRENGTH, CONTEXT, ASSIGNMENT, ROLE, APP_ROLE, DOCUMENT, GROUP = (
    "policy",
    "location",
    "strength",
    "context",
    "assignment",
    "role",
    "app role",
    "document",
    "group",
)
_SIMULATED: Final = (*SIMULATED, *IN_AZURE)
SIMULATED_KINDS: Final[Mapping[str, SimulatedKind]] = {str(each.kind): each for each in _SIMULATED}
"""Kinds that are declared once for all simulated tenants; a story's name of such an object has its kind before ":"."""

SAMPLES: Final[Mapping[str, Sample]] = {
    f"{each.kind}:{number}": sample for each in _SIMULATED for number, sample in enumerate(each.samples, 1)
}

KINDS: Final[Mapping[str, ObjectKind]] = {
    **{str(each.kind): each.kind for each in _SIMULATED},
    POLICY: ObjectKind.CA_POLICY,
    LOCATION: ObjectKind.NAMED_LOCATION,
    STRENGTH: ObjectKind.AUTHENTICATION_STRENGTH,
    CONTEXT: ObjectKind.AUTHENTICATION_CONTEXT,
    ASSIGNMENT: ObjectKind.ROLE_ASSIGNMENT,
    ROLE: ObjectKind.DIRECTORY_ROLE_ASSIGNMENT,
    APP_ROLE: ObjectKind.APP_ROLE_ASSIGNMENT,
    DOCUMENT: ObjectKind.CUSTOM_POLICY,
}
"""Groups aren't guarded; they decide whom a policy reaches."""

RESOURCE_TYPES: Final[Mapping[str, str]] = {
    ASSIGNMENT: "Microsoft.Authorization/roleAssignments",
    **{str(each.kind): each.resource_type for each in IN_AZURE},
}
"""What Azure calls objects of the kinds whose changes it tells."""
LISTED_SLOWLY: Final = frozenset({POLICY, LOCATION, STRENGTH})

EXISTS: Final = "exists"
_READ_ONLY: Final = frozenset(
    {
        "id",
        "type",
        "name",
        "createdDateTime",
        "modifiedDateTime",
        "deletedDateTime",
        "templateId",
        "createdOn",
        "createdBy",
        "updatedOn",
        "updatedBy",
        "policyType",
        "requirementsSatisfied",
    }
)

_IDS: Final = frozenset({"properties.scope", "properties.principalId", "properties.roleDefinitionId"})
"""Ids of Azure, which ignore case."""

SHORT: Final[Mapping[str, str]] = {
    "excludeUsers": "conditions.users.excludeUsers",
    "excludeGroups": "conditions.users.excludeGroups",
    "includeUsers": "conditions.users.includeUsers",
    "excludeLocations": "conditions.locations.excludeLocations",
    "controls": "grantControls.builtInControls",
    "strength": "grantControls.authenticationStrength",
}
"""Names of leaves and lists in stories, and where they are in the object."""


def instant(at: float) -> datetime:
    return START + timedelta(seconds=at)


def printed(at: float) -> str:
    """Print an instant as Graph does."""
    return instant(at).isoformat(timespec="microseconds").replace("+00:00", "Z")


def long_name(leaf: str) -> str:
    """Give the whole path of a leaf, and ids instead of the names of people and things in it."""
    name, bracket, rest = leaf.partition("[")
    member = rest.removesuffix("]")
    return f"{SHORT.get(name, name)}[{id_of(member)}]" if bracket else SHORT.get(name, name)


def id_of(name: str) -> str:
    """Give the id of a person or of a thing that stories name; other words are kept."""
    return PEOPLE.get(name) or FIRST_IDS.get(name) or name


def list_of(leaf: str) -> str:
    return leaf.partition("[")[0] if leaf.endswith("]") else ""


def member_of(leaf: str) -> str:
    return leaf.partition("[")[2].removesuffix("]") if leaf.endswith("]") else ""


def leaves_of(image: Image | None) -> dict[str, Json]:
    """Split an object: scalars by path, members of lists each by itself. What is null or empty isn't there."""
    if image is None:
        return {}
    return {EXISTS: True, **dict(_leaves("", image))}


def _leaves(path: str, value: Json) -> Iterator[tuple[str, Json]]:
    if value is None or value in ([], {}, ""):
        return
    if path.endswith("authenticationStrength") and isinstance(value, dict):
        yield f"{path}.id", str(value.get("id")).lower()
    elif isinstance(value, dict):
        for name, inner in value.items():
            if (name not in _READ_ONLY or path.startswith("sessionControls")) and "@odata." not in name:
                yield from _leaves(f"{path}.{name}".removeprefix("."), inner)
    elif isinstance(value, list):
        for member in value:
            yield f"{path}[{_member_name(member, path.rpartition('.')[2]).lower()}]", True
    elif path == "xml":
        yield path, _content(str(value))
    else:
        yield path, value.lower() if path in _IDS and isinstance(value, str) else value


def _content(xml: str) -> str:
    """Give what a custom policy of a story says, or all of another one."""
    found = re.search(r"<Rules>(.*?)</Rules>", xml)
    return found[1] if found else xml


def changed(image: Image, leaves: Mapping[str, Json]) -> Image:
    """Give the object with some leaves set: a member of a list is put in (true) or taken out (null)."""
    made = copy.deepcopy(image)
    for short, value in leaves.items():
        leaf = long_name(short)
        *way, last = (list_of(leaf) or leaf).split(".")
        place = made
        for name in way:
            if not isinstance(place.get(name), dict):
                place[name] = {}
            place = place[name]
        if list_of(leaf):
            _put_member(place, last, member_of(leaf), is_in=bool(value))
        elif value is None:
            place.pop(last, None)
        else:
            place[last] = copy.deepcopy(value)
    return made


def _put_member(place: Image, name: str, member: str, *, is_in: bool) -> None:
    kept = [one for one in items(place, name) if _member_name(one, name).lower() != member.lower()]
    if is_in and name in _MEMBERS:
        kept.append(dict(zip(_MEMBERS[name], member.split("|"), strict=True)))
    elif is_in:
        kept.append(_range(member) if name == "ipRanges" else member)
    place[name] = kept


_MEMBERS: Final = {name: parts for each in SIMULATED for name, parts in each.members.items()}


def _member_name(one: Json, name: str = "ipRanges") -> str:
    """Name a member of a list; one that is an object by some of its properties."""
    if not isinstance(one, dict):
        return str(one)
    return "|".join(str(one.get(part)) for part in _MEMBERS.get(name, ("cidrAddress",)))


def part(image: Image | None, name: str) -> Image:
    """Give an object inside an object, empty where there is none."""
    found = (image or {}).get(name)
    return cast("Image", found) if isinstance(found, dict) else {}


def items(image: Image | None, name: str) -> list[Any]:
    """Give a list inside an object, empty where there is none."""
    found = (image or {}).get(name)
    return cast("list[Any]", found) if isinstance(found, list) else []


def _range(address: str) -> Image:
    return {"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": address}


# What there is before a story.

FIRST_IDS: Final[Mapping[str, str]] = {
    **{name: sample.object_id.lower() for name, sample in SAMPLES.items()},
    "P1": "ca100001-5d2e-4c7f-9a81-3e6b0f4d7c29",
    "P2": "ca100002-8b4f-4e1a-b6d3-7c0e9f2a5d18",
    "P3": "ca100003-1f7c-4d9b-85e6-a2d0c4b93e57",
    "P4": "ca100004-7e1d-4a3c-92f8-b6c05d4e8f16",
    "N1": "ca200001-4b8e-4d2f-a7c1-5e9f0b3d6a82",
    "N2": "ca200002-9d3a-4f7b-8e15-c2b6a0d4f913",
    "L1": "10c00001-6a2f-4e8d-b4c7-1d9e5f3b0a76",
    "L2": "10c00002-9b4e-4d7a-8c61-2f5e0b3d9a84",
    "S2": "57200002-7d1a-4f8c-9e35-b6c0a2d4f713",
    "C2": "c8",
    "S1": "57200001-2c9d-4b6e-8f3a-e7d1c5b0a948",
    "C1": "c7",
    "G": "92000001-3e7b-4c5d-a1f9-8b6d0e2c4f57",
    "A1": f"{SCOPE}/resourceGroups/rg-shop{ASSIGNMENTS}/0a661600-0001-4e1f-8c3a-5d7b9f204e61",
    "A2": f"{SCOPE}{ASSIGNMENTS}/0a661600-0002-4b7d-9e52-8f1c3a6d0b94",
    "A3": f"{SCOPE}{ASSIGNMENTS}/0a661600-0003-4d9c-a6f8-2b4e7d1c5a30",
    "A4": f"{SCOPE}{ASSIGNMENTS}/0a661600-0004-4a3e-b1d7-6c9f0e5b8d42",
    "A5": f"{SCOPE}/resourceGroups/rg-shop{ASSIGNMENTS}/0a661600-0005-4f8b-9c2d-7e1a3b5f6d04",
    "A6": f"{SCOPE}{ASSIGNMENTS}/0a661600-0006-4c5a-8d7e-2f9b1c3e5a60",
    "A7": f"{SCOPE}{ASSIGNMENTS}/0a661600-0007-4b2e-9c8d-1f7a5e3b0d94",
    "A8": f"{SCOPE}{ASSIGNMENTS}/0a661600-0008-4d6f-8a1b-5c3e9f7d2b04",
    "A9": f"{SCOPE}{ASSIGNMENTS}/0a661600-0009-4e1c-9d7b-6a2f8c4e0b15",
    "R1": f"{HELPDESK}/{PEOPLE['svc']}",
    "R2": f"{ROLE_ADMINISTRATOR}/{PEOPLE['mal']}",
    "R3": f"{ROLE_ADMINISTRATOR}/{PEOPLE['con']}",
    "R4": f"{HELPDESK}/{PEOPLE['em1']}",
    "R5": f"{HELPDESK}/{PEOPLE['boss']}",
    "E1": f"{GRAPH}/{PEOPLE['svc']}/{MAIL_READ}",
    "E2": f"{GRAPH}/{PEOPLE['svc']}/{DIRECTORY_READ}",
    "E3": f"{GRAPH}/{PEOPLE['rival']}/{MAIL_READ}",
    "D0": "B2C_1A_Base",
    "D1": "B2C_1A_SignIn",
    "D2": "B2C_1A_New",
    "D3": "B2C_1A_Newer",
}
_KIND_OF_LETTER: Final = {
    "P": POLICY,
    "N": POLICY,
    "L": LOCATION,
    "S": STRENGTH,
    "C": CONTEXT,
    "G": GROUP,
    "A": ASSIGNMENT,
    "R": ROLE,
    "E": APP_ROLE,
    "D": DOCUMENT,
}
ABSENT_AT_FIRST: Final = frozenset(
    {"N1", "N2", "L2", "S2", "C2", "A3", "A4", "A8", "A9", "R2", "R4", "R5", "E2", "E3", "D2", "D3"}
    | {name for name, sample in SAMPLES.items() if not sample.is_there}
)
_ROLES: Final = {
    "A1": (CONTRIBUTOR, "svc"),
    "A2": (OWNER, "con"),
    "A3": (OWNER, "mal"),
    "A4": (CONTRIBUTOR, "em1"),
    "A5": (READER, "svc"),
    "A6": (OWNER, "boss"),
    "A7": (CONTRIBUTOR, "trainee"),
    "A8": (READER, "boss"),
    "A9": (OWNER, "con"),
    "R1": (HELPDESK, "svc"),
    "R2": (ROLE_ADMINISTRATOR, "mal"),
    "R3": (ROLE_ADMINISTRATOR, "con"),
    "R4": (HELPDESK, "em1"),
    "R5": (HELPDESK, "boss"),
    "E1": (MAIL_READ, "svc"),
    "E2": (DIRECTORY_READ, "svc"),
    "E3": (MAIL_READ, "rival"),
}
TIME_BOUND: Final = "A7"
ENDS_AT: Final = 7200.0
"""When the one that was given for a time ends."""
_PARENTS: Final = {"D1": "D0", "D2": "D0", "D3": "D2"}
OFFICE, HOTEL, BRANCH = "203.0.113.0/24", "198.51.100.0/24", "192.0.2.0/24"
PLACES: Final = (OFFICE, HOTEL, BRANCH, "elsewhere")
"""Every range of addresses that a story may use; they don't overlap."""


def kind_of(name: str) -> str:
    before, colon, _ = name.partition(":")
    return before if colon else _KIND_OF_LETTER[name[0]]


def document(name: str, content: str) -> str:
    base = _PARENTS.get(name, "")
    inherits = f"<BasePolicy><TenantId>t</TenantId><PolicyId>{FIRST_IDS[base]}</PolicyId></BasePolicy>" if base else ""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<TrustFrameworkPolicy xmlns="http://schemas.microsoft.com/online/cpim/schemas/2013/06" '
        f'PolicyId="{FIRST_IDS[name]}" TenantId="t">{inherits}<Rules>{content}</Rules></TrustFrameworkPolicy>\n'
    )


def template(name: str) -> Image:
    """Give an object as it is made first."""
    if name in SAMPLES:
        return copy.deepcopy(SAMPLES[name].image)
    if kind_of(name) == POLICY:
        return _policy(name)
    if kind_of(name) == ASSIGNMENT:
        return _assignment(name)
    if kind_of(name) in {ROLE, APP_ROLE}:
        return _right(name)
    if kind_of(name) == DOCUMENT:
        return {"xml": document(name, "v0")}
    made = copy.deepcopy(_OTHERS[kind_of(name)])
    return made | {"displayName": f"{made['displayName']} {name[1]}"} if name in ABSENT_AT_FIRST else made


def _right(name: str) -> Image:
    role, holder = _ROLES[name]
    if kind_of(name) == ROLE:
        return {"roleDefinitionId": role, "principalId": PEOPLE[holder], "directoryScopeId": "/"}
    given: Image = {"resourceId": GRAPH, "principalId": PEOPLE[holder], "appRoleId": role}
    return given | {"principalType": "ServicePrincipal"}


_OTHERS: Final[Mapping[str, Image]] = {
    LOCATION: {
        "@odata.type": "#microsoft.graph.ipNamedLocation",
        "displayName": "Offices",
        "isTrusted": True,
        "ipRanges": [_range(OFFICE)],
    },
    STRENGTH: {
        "displayName": "Keys only",
        "description": "",
        "policyType": "custom",
        "requirementsSatisfied": "mfa",
        "allowedCombinations": ["fido2", "windowsHelloForBusiness"],
    },
    CONTEXT: {"displayName": "Sensitive", "description": "What is sensitive", "isAvailable": True},
    GROUP: {"displayName": "Emergency accounts", "members": [PEOPLE[each] for each in EMERGENCY]},
}


def _policy(name: str) -> Image:
    users: Image = {"includeUsers": ["All"], "excludeUsers": [], "includeGroups": [], "excludeGroups": []}
    users |= {"includeRoles": [], "excludeRoles": []}
    conditions: Image = {
        "clientAppTypes": ["all"],
        "platforms": None,
        "locations": None,
        "applications": {"includeApplications": ["All"], "excludeApplications": [], "applicationFilter": None},
        "users": users,
    }
    controls: Image = {
        "operator": "OR",
        "builtInControls": ["block"],
        "customAuthenticationFactors": [],
        "termsOfUse": [],
        "authenticationStrength": None,
    }
    policy: Image = {
        "displayName": f"CA00{name[1]}: {name}",
        "state": "enabled",
        "conditions": conditions,
        "grantControls": controls,
        "sessionControls": None,
    }
    if name in {"P1", "P3"}:
        users["excludeGroups"] = [FIRST_IDS["G"]]
    if name == "P2":
        users["excludeUsers"] = [PEOPLE["em1"]]
        controls["builtInControls"] = ["mfa"]
    if name == "P3":
        conditions["locations"] = {"includeLocations": ["All"], "excludeLocations": [FIRST_IDS["L1"]]}
    if name == "P4":
        users["excludeUsers"] = [PEOPLE[each] for each in (*EMERGENCY, "ghost")]
        controls |= {"builtInControls": [], "authenticationStrength": {"id": FIRST_IDS["S1"]}}
    if name in {"N1", "N2"}:
        users["excludeUsers"] = [PEOPLE["em1"], PEOPLE["em2"]]
    return policy


def _assignment(name: str) -> Image:
    role, holder = _ROLES[name]
    scope = FIRST_IDS[name].rpartition(ASSIGNMENTS)[0]
    properties: Image = {
        "roleDefinitionId": f"{SCOPE}/providers/Microsoft.Authorization/roleDefinitions/{role}",
        "principalId": PEOPLE[holder],
        "principalType": "ServicePrincipal" if holder in SERVICES else "User",
        "scope": scope,
        "condition": None,
        "conditionVersion": None,
        "description": None,
        "delegatedManagedIdentityResourceId": None,
    }
    return {"type": "Microsoft.Authorization/roleAssignments", "properties": properties}


def role_of(name: str) -> str:
    return _ROLES[name][0] if name in _ROLES else ""


def holder_of(name: str) -> str:
    if name in SAMPLES:
        return next((who for who, identity in PEOPLE.items() if identity and identity == SAMPLES[name].holder), "")
    return _ROLES[name][1] if name in _ROLES else ""


def name_of(identity: Json) -> str:
    """Name whose id it is, "" where it is nobody's."""
    return next((name for name, one in PEOPLE.items() if one and one == identity), "")


def parent_of(name: str) -> str:
    return _PARENTS.get(name, "")


# What happens.


@dataclass(slots=True, kw_only=True)
class Deed:
    """One true action: who moved which leaves of which object, from what to what.

    `heard` is when the first record of it was delivered, `whole` whether one gave all values, `tells_before` whether
    one gave those that stood before, which one of a deletion may lack and still be whole. From `logged` on, Azure's
    own log has it: a deletion that only a delivery tells counts before as if nobody had heard of it. `barred` has,
    before and after, whom the set of policies kept out, and from where.
    """

    number: int
    at: float
    actor: str
    name: str
    op: str
    before: Image | None
    after: Image | None
    diff: dict[str, tuple[Json, Json]]
    barred: tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]
    object_id: str
    heard: float = float("inf")
    logged: float = 0.0
    whole: bool = False
    tells_before: bool = False
    is_matched: bool = False
    call: "OurCall | None" = None


@dataclass(slots=True, kw_only=True)
class OurCall:
    """A write of the responder's that reached the service; `deed` is None where it moved nothing or was refused.

    `is_answered` is false where it was carried out, and the answer got lost.
    """

    at: float
    name: str
    method: str
    status: int
    deed: Deed | None = None
    is_answered: bool = True


@dataclass(slots=True, kw_only=True)
class Thing:
    """One object: as it stands, and the ids that it had, the present one last."""

    name: str
    kind: str
    image: Image | None
    ids: list[str]
    past: list[tuple[float, Image | None]] = field(default_factory=list[tuple[float, Image | None]])
    binned: Image | None = None
    made_at: float = -1e9

    @property
    def id(self) -> str:
        return self.ids[-1]

    def at(self, when: float) -> Image | None:
        found = self.past[0][1]
        for since, image in self.past:
            if since <= when:
                found = image
        return found


@dataclass(slots=True, kw_only=True)
class Window:
    """Something that goes on for a while: of one object, or of all ("")."""

    what: str
    name: str
    begin: float
    end: float
    lag: float = 0.0


class World:
    """The tenant. `now` gives the instant; nothing here waits."""

    def __init__(self, names: Iterable[str], *, chance: Random, now: Callable[[], float]) -> None:
        self.chance = chance
        self.now = now
        self.things: dict[str, Thing] = {}
        self.history: list[Deed] = []
        self.calls: list[OurCall] = []
        self.windows: list[Window] = []
        self.faults: list[str] = []
        self.disabled: set[str] = set()
        self.contained: set[str] = set()
        self.dynamic: set[str] = set()
        self.activity: list[tuple[float, Image]] = []
        self.to_fill = 0
        self.added: dict[str, dict[str, Json]] = {}
        self.restores_for_applications = True
        self.written: Callable[[Deed], None] = lambda _deed: None
        for name in names:
            self._make(name)

    def _make(self, name: str) -> Thing:
        first = None if name in ABSENT_AT_FIRST else self._stamped(name, template(name), "alice", -9e6)
        thing = Thing(name=name, kind=kind_of(name), image=first, ids=[FIRST_IDS[name]], past=[(-9e6, first)])
        self.things[name] = thing
        return thing

    def _stamped(self, name: str, image: Image, actor: str, at: float, *, object_id: str = "") -> Image:
        """Put in what the service says of an object: its id, who made it and when."""
        made = copy.deepcopy(image)
        if name in SAMPLES:
            return made
        thing_id = object_id or (self.things[name].id if name in self.things else FIRST_IDS[name])
        made["id"] = thing_id
        if kind_of(name) == ASSIGNMENT:
            by = PEOPLE[actor]
            made["name"] = thing_id.rpartition("/")[2]
            made["properties"] |= {"createdOn": printed(at), "createdBy": by, "updatedOn": printed(at), "updatedBy": by}
        elif kind_of(name) in {POLICY, LOCATION, STRENGTH}:
            made["createdDateTime"] = printed(at)
            made["modifiedDateTime"] = None
        return made

    # Reading.

    def seen(self, thing: Thing) -> Image | None:
        """Read one object, perhaps from a replica that is behind."""
        now = self.now()
        lag = max((each.lag for each in self._open("stale", thing.name)), default=0.0)
        if lag and self.chance.random() < 0.6:
            return thing.at(now - lag)
        return thing.image

    def is_listed(self, thing: Thing) -> bool:
        lag = max((each.lag for each in self._open("listing", "")), default=0.0)
        return thing.made_at <= self.now() - lag

    def _open(self, what: str, name: str) -> list[Window]:
        now = self.now()
        return [
            each
            for each in self.windows
            if each.what == what and each.name in {"", name} and each.begin <= now < each.end
        ]

    def is_open(self, what: str, name: str = "") -> bool:
        return bool(self._open(what, name))

    def by_id(self, kind: str, object_id: str) -> Thing | None:
        wanted = object_id.lower()
        return next(
            (
                each
                for each in self.things.values()
                if each.kind == kind and wanted in (one.lower() for one in each.ids)
            ),
            None,
        )

    def members(self, image: Image | None = None) -> frozenset[str]:
        """Give who is in the group of emergency accounts, by whichever way, in lower case; it always exists."""
        group = self.things.get("G")
        standing = image or (group.image if group else None) or template("G")
        return frozenset(str(each).lower() for each in items(standing, "members")) | self.dynamic

    def barred(self, changes: Mapping[str, Image | None] | None = None) -> dict[str, frozenset[str]]:
        """Give for each emergency account where it is kept out, and by which policy ("P1 anywhere").

        `changes` are objects as they would be instead.
        """
        images = {name: thing.image for name, thing in self.things.items()} | dict(changes or {})
        return {each: frozenset(_bars(images, self.members(images.get("G")), PEOPLE[each])) for each in EMERGENCY}

    def leaves(self, image: Image | None) -> dict[str, Json]:
        """Split an object, with the first id of whatever it refers to: what is made again gets another one."""
        now = {each.lower(): thing.ids[0] for thing in self.things.values() for each in thing.ids[1:]}
        found = leaves_of(image)
        if not now:
            return found
        return {_with_first_id(leaf, now): _first_id(value, now) for leaf, value in found.items()}

    # Writing.

    def write(
        self, actor: str, name: str, op: str, after: Image | None, *, object_id: str = "", at: float | None = None
    ) -> Deed | None:
        """Let an object become `after`; None where nothing moves."""
        thing = self.things.get(name) or self._make(name)
        now = self.now() if at is None else at
        before, barred = thing.image, self.barred()
        if before is None and after is not None:
            after = self._completed(thing.kind, after)
        if object_id and object_id.lower() != thing.id.lower():
            thing.ids.append(object_id)
        diff = _diff(self.leaves(before), self.leaves(after))
        if not diff:
            return None
        if before is None or after is None:
            diff = {EXISTS: diff[EXISTS]} if after is None else diff
        if before is None:
            thing.made_at = now
        if after is None and thing.kind in {POLICY, LOCATION} and before is not None:
            thing.binned = before
        thing.image = after
        thing.past.append((now, after))
        deed = Deed(
            number=len(self.history),
            at=now,
            actor=actor,
            name=name,
            op=op,
            before=before,
            after=after,
            diff=diff,
            barred=(barred, self.barred()),
            object_id=thing.id,
        )
        self.history.append(deed)
        self.written(deed)
        return deed

    def act(self, actor: str, name: str, op: str, leaves: Mapping[str, Json]) -> Deed | None:
        """Carry out what somebody does: create, update, delete, restore, purge. None where it isn't possible."""
        thing = self.things.get(name) or self._make(name)
        standing = thing.image
        parent = self.things.get(parent_of(name))
        match op:
            case "purge":
                thing.binned = None
                return None
            case "create" if standing is None and (parent is None or parent.image is not None):
                return self._create(actor, thing, leaves)
            case "restore" if standing is None and thing.binned is not None:
                return self.write(actor, name, op, thing.binned)
            case "delete" if standing is not None and not self.is_used(name):
                return self.write(actor, name, op, None)
            case "update" if standing is not None and self._is_there(leaves):
                return self.write(actor, name, op, self._touched(thing, _edited(thing, standing, leaves), actor))
            case _:
                return None

    def _is_there(self, leaves: Mapping[str, Json]) -> bool:
        """Say whether the strength that a policy is to ask for is there: the service refuses others."""
        wanted = leaves.get("grantControls.authenticationStrength")
        there = [thing.id for thing in self.things.values() if thing.kind == STRENGTH and thing.image is not None]
        return not isinstance(wanted, dict) or wanted.get("id") in there

    def is_used(self, name: str) -> bool:
        """Say whether another object leans on this one, so that the service doesn't let it be deleted."""
        thing = self.things[name]
        others = [each.image for each in self.things.values() if each.image is not None and each.name != name]
        if thing.kind == DOCUMENT:
            return any(f"<PolicyId>{thing.id}</PolicyId>" in str(each.get("xml", "")) for each in others)
        if thing.kind == LOCATION and (thing.image or {}).get("isTrusted"):
            return True
        return thing.kind in {LOCATION, STRENGTH} and any(thing.id in json.dumps(each) for each in others)

    def _create(self, actor: str, thing: Thing, leaves: Mapping[str, Json]) -> Deed | None:
        again = len(thing.past) > 1
        object_id = thing.id
        is_another = (
            "properties.principalId" in leaves
        )  # what is given to somebody else comes under the id that is free
        if again and thing.kind == ASSIGNMENT and not is_another and self.chance.random() < 0.5:
            object_id = f"{thing.id[:-12]}{self.chance.getrandbits(48):012x}"
        if again and thing.kind in LISTED_SLOWLY:
            return None
        made = changed(template(thing.name), {} if thing.kind == DOCUMENT else leaves)
        if thing.kind == DOCUMENT:
            made = {"xml": document(thing.name, str(leaves.get("xml", "v1")))}
        made = self._stamped(thing.name, made, actor, self.now(), object_id=object_id)
        return self.write(actor, thing.name, "create", made, object_id=object_id)

    def _touched(self, thing: Thing, image: Image, actor: str) -> Image:
        """Say when an object was changed, and where the service does, by whom."""
        if thing.kind == ASSIGNMENT:
            image["properties"] |= {"updatedOn": printed(self.now()), "updatedBy": PEOPLE[actor]}
        elif thing.kind in {POLICY, LOCATION, STRENGTH}:
            image["modifiedDateTime"] = printed(self.now())
        return image

    def add_everywhere(self, kind: str, leaves: Mapping[str, Json]) -> None:
        """Let a service add properties to every object of a kind, alike, and to those that are made later."""
        self.added.setdefault(kind, {}).update(leaves)
        for name, thing in self.things.items():
            if thing.kind == kind:
                self.quietly(name, leaves)

    def _completed(self, kind: str, image: Image) -> Image:
        has = leaves_of(image)
        return changed(image, {leaf: value for leaf, value in self.added.get(kind, {}).items() if leaf not in has})

    def quietly(self, name: str, leaves: Mapping[str, Json]) -> None:
        """Let a service put in a property by itself: that is nobody's action."""
        thing = self.things[name]
        if thing.image is not None:
            thing.image = changed(thing.image, leaves)
            thing.past.append((self.now(), thing.image))


def _with_first_id(leaf: str, now: Mapping[str, str]) -> str:
    return f"{list_of(leaf)}[{now[member_of(leaf)]}]" if member_of(leaf) in now else leaf


def _first_id(value: Json, now: Mapping[str, str]) -> Json:
    return now.get(value, value) if isinstance(value, str) else value


def _edited(thing: Thing, standing: Image, leaves: Mapping[str, Json]) -> Image:
    if thing.kind == DOCUMENT:
        return {**standing, "xml": document(thing.name, str(leaves.get("xml", "v1")))}
    return changed(standing, leaves)


def _diff(before: Mapping[str, Json], after: Mapping[str, Json]) -> dict[str, tuple[Json, Json]]:
    names = sorted({*before, *after})
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _bars(images: Mapping[str, Image | None], members: frozenset[str], account: str) -> Iterator[str]:
    """Give where policies keep an account out: the policy, and a range of addresses or "elsewhere"."""
    for name, policy in images.items():
        if kind_of(name) != POLICY or policy is None or policy.get("state") != "enabled":
            continue
        conditions = part(policy, "conditions")
        users = part(conditions, "users")
        if not _names(users, "include", account, members) or _names(users, "exclude", account, members):
            continue
        if _can_meet(part(policy, "grantControls"), images):
            continue
        for place in _places(part(conditions, "locations"), images):
            yield f"{name} {place}"


def _names(users: Image, side: str, account: str, members: frozenset[str]) -> bool:
    people = {str(each).lower() for each in items(users, f"{side}Users")}
    groups = {str(each).lower() for each in items(users, f"{side}Groups")}
    return "all" in people or account in people or (FIRST_IDS["G"] in groups and account in members)


_HAS: Final = frozenset({"mfa"})
"""What an emergency account can show: it has a security key, and no managed device."""


def _can_meet(controls: Image, images: Mapping[str, Image | None]) -> bool:
    asked = [str(each) in _HAS for each in items(controls, "builtInControls")]
    if strength := part(controls, "authenticationStrength"):
        by_id = {str((each or {}).get("id", "")).lower(): each for each in images.values()}
        asked.append("fido2" in items(by_id.get(str(strength["id"]).lower()), "allowedCombinations"))
    if not asked:
        return True
    if "block" in items(controls, "builtInControls"):
        return False  # whatever else would do
    return all(asked) if controls.get("operator") == "AND" else any(asked)


def _places(locations: Image, images: Mapping[str, Image | None]) -> list[str]:
    """Give the places of a policy: ranges of addresses, and everywhere else."""
    asked = locations or {"includeLocations": ["All"]}
    included, excluded = (_inside(items(asked, f"{side}Locations"), images) for side in ("include", "exclude"))
    return sorted(included - excluded)


def _inside(locations: list[Any], images: Mapping[str, Image | None]) -> set[str]:
    ranges = {str(image["id"]): items(image, "ipRanges") for image in images.values() if image and "ipRanges" in image}
    found = set(PLACES) if "all" in {str(each).lower() for each in locations} else set[str]()
    return found.union(*({_member_name(one) for one in ranges.get(str(each), [])} for each in locations))


def as_logged(image: Image | None) -> str | None:
    """Write an object as an audit record does: nulls and annotations left out."""
    return None if image is None else json.dumps(_without_nulls(image), separators=(",", ":"))


def _without_nulls(value: Json) -> Json:
    if isinstance(value, dict):
        kept = {name: inner for name, inner in value.items() if inner is not None and "@odata.con" not in name}
        return {name: _without_nulls(inner) for name, inner in kept.items()}
    return value


_OF_CUSTOMERS: Final = {DOCUMENT, *(str(each.kind) for each in SIMULATED if each.tenant_kind is TenantKind.B2C)}
TENANT_OF: Final = {kind: B2C_TENANT if kind in _OF_CUSTOMERS else WORKFORCE_TENANT for kind in KINDS}
RESPONDER_OF: Final = {WORKFORCE_TENANT: RESPONDER.id, B2C_TENANT: RESPONDER_B2C.id}
