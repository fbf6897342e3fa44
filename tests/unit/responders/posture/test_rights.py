"""How rights over the responder are read: what a role allows, which scopes count, and what can't be read."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import pytest

from infra.local.world import ALICE, LOGGED_RESOURCES, MALLORY, RESPONDER, SUBSCRIPTION
from responders.kinds.application_owners import LIST_APPLICATION_OWNERS, LIST_SERVICE_OWNERS
from responders.kinds.principals import LIST_SERVICE_PRINCIPALS
from responders.posture.accounts import LIST_USERS
from responders.posture.azure_rights import AzureRight
from responders.posture.rights import FACTS, Application, Facts, Group
from responders.posture.roles import Held
from responders.registrations import LIST_REGISTRATIONS
from responders.rosters import (
    GET_ROLE_DEFINITION,
    LIST_GROUP_ELIGIBILITIES,
    LIST_GROUP_MEMBERS,
    LIST_GROUP_OWNERS,
    LIST_GROUPS,
    LIST_ROLE_ASSIGNMENTS,
)
from shared.checks.check import Unread
from shared.checks.snapshot import Reading, Snapshot
from shared.clients.storage import Storage
from shared.model.calls import Call
from shared.model.errors import Refused, Rejected
from shared.model.kinds import Image
from shared.model.privileges import GLOBAL_ADMINISTRATOR
from tests.fakes.postures import AT, healthy
from tests.fakes.runtime import bench
from tests.fakes.scripted_api import ScriptedApi

if TYPE_CHECKING:
    from responders.posture.app_permissions import Powerful

_ROLES_HELD: Final = "who holds roles of the directory"

type Read = Callable[..., Facts]

_APPLICATION_ADMINISTRATOR: Final = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
_ROLE: Final = "0a0a0a0a-51fd-4a36-b8e0-6d7f93a1c258"
_GROUP: Final = "64001000-7c3e-4a92-b5d8-1f0e6b9a2c47"
_APP: Final = "a9900001-3c1e-4b7a-9d52-6f0e8a41c7b3"
_OWN: Final = "/".join(LOGGED_RESOURCES[0].lower().split("/")[:5])


@pytest.fixture
def read(storage: Storage) -> Read:
    runtime = bench(storage).runtime

    def reading(answers: Mapping[Call, Any], **before: Any) -> Facts:  # noqa: ANN401 - the parts' own
        powerful: Mapping[str, Powerful] = {}
        known = {each.id: value for each, value in healthy().items()} | {"application-permissions": powerful} | before
        settings = runtime.settings
        snapshot = Snapshot(tenant=settings.workforce, settings=settings, at=AT, parts=known)
        empty = (LIST_GROUPS, LIST_SERVICE_PRINCIPALS, LIST_ROLE_ASSIGNMENTS, LIST_USERS)
        nothing: dict[Call, Any] = {call: [] for call in empty}
        api = ScriptedApi(answers=nothing | dict(answers))
        return FACTS.read(Reading(api=api, runtime=runtime, before=snapshot))

    return reading


def _assignment(scope: str = _OWN, kind: str = "User") -> Image:
    role = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{_ROLE}"
    held = {"principalId": MALLORY.id.upper(), "principalType": kind, "roleDefinitionId": role, "scope": scope}
    return {"properties": held}


def _definition(**permission: list[str]) -> Image:
    return {"properties": {"roleName": "Custom", "permissions": [permission]}}


_OWNER: Final = _definition(actions=["*"])


def _azure(read: Read, assignment: Image, definition: object) -> list[AzureRight]:
    return list(read({LIST_ROLE_ASSIGNMENTS: [assignment], GET_ROLE_DEFINITION: definition}).azure)


@pytest.mark.parametrize(
    ("permission", "changes"),
    [
        ({"actions": ["*/read"]}, ()),
        ({"actions": ["Microsoft.Web/sites/*"]}, ("its code and settings",)),
        ({"actions": ["MICROSOFT.WEB/SITES/WRITE"]}, ("its code and settings",)),
        ({"actions": ["Microsoft.Web/*"], "notActions": ["Microsoft.Web/sites/*"]}, ()),
        (
            {"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"]},
            ("its approvals and baselines", "its code and settings", "its identity", "its secrets"),
        ),
        (
            {"dataActions": ["Microsoft.Storage/storageAccounts/tableServices/tables/entities/*"]},
            ("its approvals and baselines",),
        ),
        ({"dataActions": ["*"], "notDataActions": ["Microsoft.KeyVault/*", "Microsoft.Storage/*"]}, ()),
        ({"actions": ["Microsoft.Authorization/roleAssignments/*"]}, ("the roles over it",)),
        ({"actions": ["Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action"]}, ()),
        ({"actions": ["Microsoft.ManagedIdentity/*"]}, ("its identity",)),
        ({"dataActions": ["Microsoft.KeyVault/vaults/secrets/getSecret/action"]}, ("its secrets",)),
    ],
)
def test_what_a_role_changes_is_read_of_what_it_allows(
    read: Read, permission: dict[str, list[str]], changes: tuple[str, ...]
) -> None:
    found = _azure(read, _assignment(), _definition(**permission))
    expected = AzureRight(principal=MALLORY.id, role="Custom", scope=_OWN, changes=changes)
    assert found == ([expected] if changes else [])


@pytest.mark.parametrize(
    ("scope", "counts"),
    [
        ("/", True),
        ("/providers/Microsoft.Management/managementGroups/root", True),
        (f"/subscriptions/{SUBSCRIPTION}", True),
        (_OWN.upper(), True),
        (f"{_OWN}/providers/Microsoft.Web/sites/app", True),
        (f"{_OWN}2", False),
        (f"/subscriptions/{SUBSCRIPTION}/resourceGroups/other", False),
        ("/subscriptions/00000000-51fd-4a36-b8e0-6d7f93a1c258", False),
    ],
)
def test_a_role_counts_at_our_groups_above_and_within_them(read: Read, scope: str, *, counts: bool) -> None:
    assert bool(_azure(read, _assignment(scope), _OWNER)) is counts


@pytest.mark.parametrize(
    ("definition", "because"),
    [
        (Refused("403"), "what that role allows: 403"),
        (None, f"Azure didn't say what role {_ROLE} allows"),
        ({"properties": {"roleName": "Custom"}}, "Azure didn't say what Custom allows"),
    ],
)
def test_a_role_whose_definition_can_not_be_read_may_allow_anything(
    read: Read, definition: object, because: str
) -> None:
    (right,) = _azure(read, _assignment(), definition)
    assert (right.changes, right.because) == ((), because)


def test_roles_count_for_the_tenant_and_for_one_application(read: Read) -> None:
    held = [
        Held(principal="1", role=GLOBAL_ADMINISTRATOR),
        Held(principal="2", role=GLOBAL_ADMINISTRATOR, scope="/administrativeunits/x"),
        Held(principal="3", role=_APPLICATION_ADMINISTRATOR, scope=f"/{_APP}"),
        Held(principal="4", role=_APPLICATION_ADMINISTRATOR, scope="/administrativeunits/x"),
        Held(principal="5", role="some-role"),
    ]
    found = read({}, **{"role-assignments": held, "role-eligibilities": held})
    assert [each.principal for each in found.assigned] == ["1", "3"]
    assert found.assigned == found.eligible


_LISTED: Final = {"id": _GROUP.upper(), "displayName": "Deploy", "isAssignableToRole": True}
_IN_GROUP: Final[Mapping[Call, Any]] = {
    LIST_GROUPS: [_LISTED],
    LIST_GROUP_MEMBERS: [{"@odata.type": "#microsoft.graph.user", "id": "M"}],
    LIST_GROUP_OWNERS: [{"id": "O"}],
    LIST_GROUP_ELIGIBILITIES: [{"principalId": "E"}],
}
_HOLDS: Final = {"role-assignments": [Held(principal=_GROUP, role=GLOBAL_ADMINISTRATOR)]}


_GROUP_CASES: Final[tuple[tuple[Mapping[Call, Any], dict[str, Any]], ...]] = (
    ({}, {}),
    ({LIST_GROUP_ELIGIBILITIES: Rejected("400 AadPremiumLicenseRequired")}, {"eligible": frozenset()}),
    (
        {LIST_GROUPS: [_LISTED | {"visibility": "HiddenMembership"}]},
        {"members": frozenset(), "owners": frozenset(), "eligible": frozenset(), "because": "it hides its members"},
    ),
    (
        {LIST_GROUP_OWNERS: Refused("403")},
        {"members": frozenset(), "owners": frozenset(), "eligible": frozenset(), "because": "403"},
    ),
)


@pytest.mark.parametrize(("answers", "differs"), _GROUP_CASES)
def test_who_is_in_a_group_or_owns_it_is_read(read: Read, answers: Mapping[Call, Any], differs: dict[str, Any]) -> None:
    fields: dict[str, Any] = {
        "name": "Deploy",
        "is_guarded": True,
        "members": frozenset({"m"}),
        "owners": frozenset({"o"}),
        "eligible": frozenset({"e"}),
    }
    names = {LIST_USERS: Refused("403")}
    assert read({**_IN_GROUP, **names, **answers}, **_HOLDS).groups == {_GROUP: Group(**fields | differs)}


def test_a_group_within_is_read_with_its_owners(read: Read) -> None:
    within = "64001000-0000-4a92-b5d8-1f0e6b9a2c47"
    nested = [_LISTED, {"id": within, "displayName": "Team"}]
    members = [{"@odata.type": "#microsoft.graph.group", "id": within}]
    answers = {**_IN_GROUP, LIST_GROUPS: nested, LIST_GROUP_MEMBERS: members, LIST_USERS: Refused("403")}
    found = read(answers, **_HOLDS).groups
    assert found[_GROUP].nested == {within}
    assert (found[within].name, found[within].owners) == ("Team", frozenset({"o"}))


_PRINCIPAL: Final[Image] = {
    "id": _APP.upper(),
    "appId": "c1",
    "displayName": "Sync",
    "servicePrincipalType": "Application",
    "passwordCredentials": [{}],
    "keyCredentials": [],
}
_APP_HOLDS: Final = {"role-assignments": [Held(principal=_APP, role=GLOBAL_ADMINISTRATOR)]}
_OF_APPLICATION: Final[Mapping[Call, Any]] = {
    LIST_SERVICE_PRINCIPALS: [_PRINCIPAL],
    LIST_REGISTRATIONS: [{"id": "REG", "passwordCredentials": [{}], "keyCredentials": [{}]}],
    LIST_SERVICE_OWNERS: [{"id": "S"}],
    LIST_APPLICATION_OWNERS: [{"id": "R"}],
}


_APPLICATION_CASES: Final[tuple[tuple[Mapping[Call, Any], Application], ...]] = (
    ({}, Application(name="Sync", registration="reg", secrets=3, owners=frozenset({"s", "r"}))),
    ({LIST_REGISTRATIONS: []}, Application(name="Sync", secrets=1, owners=frozenset({"s"}))),
    ({LIST_APPLICATION_OWNERS: Refused("403")}, Application(name="Sync", because="403")),
    (
        {LIST_SERVICE_PRINCIPALS: [_PRINCIPAL | {"servicePrincipalType": "ManagedIdentity"}]},
        Application(name="Sync", is_managed=True),
    ),
)


@pytest.mark.parametrize(("answers", "expected"), _APPLICATION_CASES)
def test_who_owns_an_application_is_read(read: Read, answers: Mapping[Call, Any], expected: Application) -> None:
    found = read({**_OF_APPLICATION, **answers, LIST_USERS: Refused("403")}, **_APP_HOLDS)
    assert found.applications == {_APP: expected}


def test_names_are_those_of_people_and_of_whoever_else_holds_a_right(read: Read) -> None:
    listed = {LIST_USERS: [{"id": MALLORY.id.upper(), "userPrincipalName": "mallory@contoso.com"}]}
    found = read({LIST_ROLE_ASSIGNMENTS: [_assignment()], GET_ROLE_DEFINITION: _OWNER, **listed})
    assert found.names[MALLORY.id] == "mallory@contoso.com"
    assert found.names[ALICE.id] == ALICE.upn


_UNREAD_CASES: Final[tuple[tuple[Mapping[Call, Any], dict[str, Any], str], ...]] = (
    ({}, {"role-assignments": Unread("403")}, _ROLES_HELD),
    ({}, {"role-eligibilities": Unread("403")}, "who may activate roles of the directory"),
    ({}, {"application-permissions": Unread("403")}, "which applications hold high permissions"),
    ({}, {"role-names": Unread("403")}, "the names of roles"),
    ({LIST_ROLE_ASSIGNMENTS: Refused("403")}, {}, "who holds Azure roles over the responder"),
    ({LIST_ROLE_ASSIGNMENTS: [{"properties": {}}]}, {}, "who holds Azure roles over the responder"),
    ({LIST_GROUPS: Refused("403")}, {}, "which groups hold roles"),
    ({LIST_SERVICE_PRINCIPALS: Refused("403")}, _APP_HOLDS, "which applications hold roles"),
    ({}, {"people": Unread("403")}, "the names of accounts"),
)


@pytest.mark.parametrize(("answers", "before", "what"), _UNREAD_CASES)
def test_what_can_not_be_read_is_named_and_hides_nothing_else(
    read: Read, answers: Mapping[Call, Any], before: dict[str, Any], what: str
) -> None:
    found = read(answers, **before)
    assert set(found.unread) == {what}
    assert bool(found.assigned) is (what != _ROLES_HELD)


def test_the_responders_own_identity_is_no_application_that_is_asked_about(read: Read) -> None:
    held = {"role-assignments": [Held(principal=RESPONDER.id, role=GLOBAL_ADMINISTRATOR)]}
    assert read({}, **held).applications == {}
