"""Rights over the responder: who holds one, which groups and applications do, and who is behind those.

A right is a role of the directory, a permission of an application or an Azure role by which the responder's approvals,
its baselines, its code or its identity can be changed. What Azure roles allow is read of their definitions.

What can't be read hides nothing else: it is kept with its reason, wherever it stands.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, cast

from msgspec import Struct

from responders.kinds.application_owners import LIST_APPLICATION_OWNERS, LIST_SERVICE_OWNERS
from responders.kinds.principals import LIST_SERVICE_PRINCIPALS
from responders.posture.accounts import LIST_USERS, PEOPLE
from responders.posture.app_permissions import POWERFUL, Powerful
from responders.posture.azure_rights import AzureRight, read_azure
from responders.posture.roles import (
    ASSIGNMENTS,
    ELIGIBILITIES,
    PRIVILEGED_ROLE_ADMINISTRATOR,
    ROLE_NAMES,
    Held,
    where_licensed,
)
from responders.registrations import LIST_REGISTRATIONS
from responders.rosters import (
    ELIGIBLE_IN_GROUP,
    GET_ROLE_DEFINITION,
    LIST_GROUP_ELIGIBILITIES,
    LIST_GROUP_MEMBERS,
    LIST_GROUP_OWNERS,
    LIST_GROUPS,
    LIST_ROLE_ASSIGNMENTS,
)
from shared.checks.check import Unread
from shared.checks.snapshot import Part, Reading
from shared.model.errors import BadIdentifier, EdgeError
from shared.model.kinds import Image
from shared.model.privileges import GLOBAL_ADMINISTRATOR
from shared.model.tenant_api import list_by_ids

# What rights there are.

TAKES_ALL: Final[Mapping[str, str]] = {
    GLOBAL_ADMINISTRATOR: "which takes over every subscription and application",
    PRIVILEGED_ROLE_ADMINISTRATOR: "which makes anybody Global Administrator",
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13": "which resets a Global Administrator's password",
    "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2": "which federates a domain and signs in as anybody in it",
    "e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8": "which resets anybody's password",
}
"""Roles of the directory that are as much as the tenant, and what each does. The last is Partner Tier2 Support."""

TAKES_APPLICATIONS: Final = frozenset(
    {
        "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",  # Application Administrator
        "158c047a-c907-4556-b7ef-446551a6b5f7",  # Cloud Application Administrator
    }
)
TAKES_GROUPS: Final = frozenset(
    {
        "fe930be7-5e62-47db-91af-98c3a49a38b1",  # User Administrator
        "9360feb5-f418-4baa-8175-e2a00bac4301",  # Directory Writers
        "fdd7a751-b60b-444a-984c-02652fe8fa1c",  # Groups Administrator
        "3a2c62db-5318-420d-8d74-23affee5d9d5",  # Intune Administrator
    }
)
"""Roles that change who is in a group, where roles of the directory can't be given to it."""


# What is read of a tenant.


class Group(Struct, frozen=True, kw_only=True):
    """A group that holds a right. `because` is why it isn't known who is in it, or could be, "" where it is."""

    name: str
    is_guarded: bool
    """Whether only who may give roles changes its members, beside its owners."""
    members: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    eligible: frozenset[str] = frozenset()
    nested: frozenset[str] = frozenset()
    """Those of the members that are groups."""
    because: str = ""


class Application(Struct, frozen=True, kw_only=True):
    """An application that holds a right. `because` is why its owners aren't known, "" where they are."""

    name: str
    registration: str = ""
    """Object id of its registration, "" where it is registered elsewhere or not at all."""
    is_managed: bool = False
    secrets: int = 0
    owners: frozenset[str] = frozenset()
    because: str = ""


class Facts(Struct, frozen=True, kw_only=True):
    """All that ways are made of, by object ids in lower case. `unread` are whole listings that are missing, and why."""

    assigned: Sequence[Held] = ()
    eligible: Sequence[Held] = ()
    azure: Sequence[AzureRight] = ()
    powerful: Mapping[str, Powerful] = {}
    groups: Mapping[str, Group] = {}
    applications: Mapping[str, Application] = {}
    front: str = ""
    """The application by which people call the app, as a key of `applications`."""
    role_names: Mapping[str, str] = {}
    names: Mapping[str, str] = {}
    unread: Mapping[str, str] = {}


class _Gathering:
    """Reads what it can, and keeps why the rest couldn't be read."""

    def __init__(self) -> None:
        self.unread: dict[str, str] = {}

    def tried[T](self, what: str, read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except (Unread, EdgeError, BadIdentifier) as error:
            self.unread[what] = str(error)
            return otherwise


def _read_facts(reading: Reading) -> Facts:
    """Read all of it; a listing that can't be read is named, and hides no other."""
    gather = _Gathering()
    assigned = gather.tried("who holds roles of the directory", lambda: reading.of(ASSIGNMENTS), ())
    eligible = gather.tried("who may activate roles of the directory", lambda: reading.of(ELIGIBILITIES) or (), ())
    powerful = gather.tried("which applications hold high permissions", lambda: reading.of(POWERFUL), {})
    azure, groups_in_azure = gather.tried(
        "who holds Azure roles over the responder", lambda: read_azure(reading), ((), frozenset[str]())
    )
    held = frozenset(each.principal for each in (*assigned, *eligible) if _counts(each))
    holders = held | powerful.keys() | {each.principal for each in azure}
    groups = gather.tried("which groups hold roles", lambda: _read_groups(reading, holders, groups_in_azure), {})
    applications, front = gather.tried(
        "which applications hold roles", lambda: _read_applications(reading, holders - groups.keys()), ({}, "")
    )
    known = {*groups, *applications}
    everybody = holders.union(*map(_people_of, groups.values()), *(each.owners for each in applications.values()))
    names = gather.tried("the names of accounts", lambda: _read_names(reading, everybody - known), {})
    role_names = gather.tried("the names of roles", lambda: reading.of(ROLE_NAMES), {})
    return Facts(
        assigned=[each for each in assigned if _counts(each)],
        eligible=[each for each in eligible if _counts(each)],
        azure=azure,
        powerful=powerful,
        groups=groups,
        applications=applications,
        front=front,
        role_names=role_names,
        names=names,
        unread=gather.unread,
    )


def _counts(held: Held) -> bool:
    """Whether a role could undo the responder, where it holds for the tenant or for one application."""
    if held.role in TAKES_APPLICATIONS:
        return not held.scope.startswith("/administrativeunits")
    return held.role in TAKES_ALL.keys() | TAKES_GROUPS and held.scope == "/"


def _people_of(group: Group) -> frozenset[str]:
    return group.members | group.owners | group.eligible


# Groups, applications, names.

_ID: Final = {"$select": "id"}
_GROUP_TYPE: Final = "#microsoft.graph.group"


def _read_groups(reading: Reading, holders: frozenset[str], in_azure: frozenset[str]) -> Mapping[str, Group]:
    """Read the groups among the holders, and those within: members are listed through nested groups, owners aren't."""
    shown = "id,displayName,visibility,isAssignableToRole"
    guarded = reading.api.list(LIST_GROUPS, query={"$filter": "isAssignableToRole eq true", "$select": shown})
    guarded = [each for each in guarded if str(each["id"]).lower() in holders]
    others = in_azure - {str(each["id"]).lower() for each in guarded}
    plain = list_by_ids(reading.api, LIST_GROUPS, others, shown)
    found = {str(each["id"]).lower(): _read_group(reading, each) for each in (*guarded, *plain)}
    nested = frozenset[str]().union(*(each.nested for each in found.values())) - found.keys()
    within = list_by_ids(reading.api, LIST_GROUPS, nested, shown)
    return found | {str(each["id"]).lower(): _read_group(reading, each) for each in within}


def _read_group(reading: Reading, image: Image) -> Group:
    group = str(image["id"]).lower()
    name, is_guarded = str(image.get("displayName") or group), image.get("isAssignableToRole") is True
    if image.get("visibility") == "HiddenMembership":
        return Group(name=name, is_guarded=is_guarded, because="it hides its members")
    query = {name: text.format(id=group) for name, text in ELIGIBLE_IN_GROUP.items()}
    try:
        members = reading.api.list(LIST_GROUP_MEMBERS, query=_ID, id=group)
        owners = reading.api.list(LIST_GROUP_OWNERS, query=_ID, id=group)
        eligible = where_licensed(reading.api, LIST_GROUP_ELIGIBILITIES, query) or []
    except EdgeError as error:
        return Group(name=name, is_guarded=is_guarded, because=str(error))
    return Group(
        name=name,
        is_guarded=is_guarded,
        members=_ids(members),
        owners=_ids(owners),
        eligible=_ids(eligible, "principalId"),
        nested=_ids(each for each in members if str(each.get("@odata.type")).lower() == _GROUP_TYPE),
    )


def _ids(listed: Iterable[Image], name: str = "id") -> frozenset[str]:
    return frozenset(str(each[name]).lower() for each in listed)


_SHOWN: Final = "id,appId,displayName,servicePrincipalType,appOwnerOrganizationId,passwordCredentials,keyCredentials"


def _read_applications(reading: Reading, holders: Iterable[str]) -> tuple[Mapping[str, Application], str]:
    """Read the applications among the holders, and the one by which people call the app, with its key."""
    responder = reading.api.tenant.responder_id.lower()
    wanted = {*holders} - {responder} - _people(reading)
    listed = list_by_ids(reading.api, LIST_SERVICE_PRINCIPALS, wanted, _SHOWN)
    front = reading.runtime.settings.profile.operators_app
    if front:
        query = {"$filter": f"appId eq '{front}'", "$select": _SHOWN}
        listed += reading.api.list(LIST_SERVICE_PRINCIPALS, query=query)
    found = {str(each["id"]).lower(): _read_application(reading, each) for each in listed}
    key = next((str(each["id"]).lower() for each in listed if str(each.get("appId")).lower() == front), "")
    return found, key


def _people(reading: Reading) -> frozenset[str]:
    try:
        return frozenset(reading.of(PEOPLE))
    except Unread:
        return frozenset()


def _read_application(reading: Reading, image: Image) -> Application:
    service, name = str(image["id"]), str(image.get("displayName") or image["id"])
    if str(image.get("servicePrincipalType")).lower() == "managedidentity":
        return Application(name=name, is_managed=True)
    try:
        query = {"$filter": f"appId eq '{image.get('appId')}'", "$select": "id,passwordCredentials,keyCredentials"}
        registered = reading.api.list(LIST_REGISTRATIONS, query=query)
        owners = _ids(reading.api.list(LIST_SERVICE_OWNERS, query=_ID, id=service))
        for each in registered:
            owners |= _ids(reading.api.list(LIST_APPLICATION_OWNERS, query=_ID, id=str(each["id"])))
    except EdgeError as error:
        return Application(name=name, because=str(error))
    return Application(
        name=name,
        registration=str(registered[0]["id"]).lower() if registered else "",
        secrets=sum(map(_secrets, (image, *registered))),
        owners=owners,
    )


def _secrets(image: Image) -> int:
    return sum(len(cast("list[object]", image.get(name) or [])) for name in ("passwordCredentials", "keyCredentials"))


def _read_names(reading: Reading, ids: Iterable[str]) -> Mapping[str, str]:
    """Read people's names, those who hold roles without asking again."""
    known = {person.id: person.name for person in reading.of(PEOPLE).values()}
    listed = list_by_ids(reading.api, LIST_USERS, {*ids} - known.keys(), "id,userPrincipalName")
    return known | {str(each["id"]).lower(): str(each.get("userPrincipalName") or each["id"]) for each in listed}


FACTS: Final = Part(
    id="rights-over-the-responder",
    title="who holds rights over the responder",
    read=_read_facts,
    calls=(
        LIST_ROLE_ASSIGNMENTS,
        GET_ROLE_DEFINITION,
        LIST_GROUPS,
        LIST_GROUP_MEMBERS,
        LIST_GROUP_OWNERS,
        LIST_GROUP_ELIGIBILITIES,
        LIST_SERVICE_PRINCIPALS,
        LIST_REGISTRATIONS,
        LIST_SERVICE_OWNERS,
        LIST_APPLICATION_OWNERS,
        LIST_USERS,
    ),
)

PARTS: Final = (FACTS,)
