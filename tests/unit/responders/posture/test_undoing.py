"""Who could undo the responder: each kind of way in words, who is meant to, and what isn't known."""

from random import Random
from typing import Any, Final

import pytest

from infra.local.world import ALICE, BREAK_GLASS_1, CAROL, RESPONDER
from responders.posture import installation
from responders.posture.app_permissions import Powerful
from responders.posture.azure_rights import AzureRight
from responders.posture.rights import Application, Facts, Group
from responders.posture.roles import PRIVILEGED_ROLE_ADMINISTRATOR, Held
from responders.posture.undoing import Undoing, meant_to, undoing
from shared.model.privileges import GLOBAL_ADMINISTRATOR
from tests.fakes.postures import AT, snapshot
from tests.fakes.runtime import approval

_APPLICATION_ADMINISTRATOR: Final = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
_GROUPS_ADMINISTRATOR: Final = "fdd7a751-b60b-444a-984c-02652fe8fa1c"
_NAMES: Final = {
    GLOBAL_ADMINISTRATOR: "Global Administrator",
    PRIVILEGED_ROLE_ADMINISTRATOR: "Privileged Role Administrator",
    _APPLICATION_ADMINISTRATOR: "Application Administrator",
    _GROUPS_ADMINISTRATOR: "Groups Administrator",
}
_RG: Final = "/subscriptions/s/resourcegroups/rg-responder"


def _held(principal: str, role: str, scope: str = "/") -> Held:
    return Held(principal=principal, role=role, scope=scope)


def _owner(principal: str, scope: str = _RG) -> AzureRight:
    return AzureRight(principal=principal, role="Owner", scope=scope, changes=("its code and settings", "its identity"))


def _found(meant: frozenset[str] = frozenset(), **facts: Any) -> Undoing:  # noqa: ANN401 - the fields of the facts
    people = {"dave": "Dave", "erin": "Erin", "finn": "Finn"}
    return undoing(Facts(role_names=_NAMES, names=people, **facts), meant)


_DEPLOY: Final = Group(name="Deploy", is_guarded=False, owners=frozenset({"dave"}))
_GUARDED: Final = Group(name="Admins", is_guarded=True, members=frozenset({"dave"}))
_PIPELINE: Final = Application(name="Pipeline", registration="reg", owners=frozenset({"dave"}))
_RUNS: Final = frozenset({"app"})
"""Applications that are meant to."""

_CODE: Final = "which changes its code and settings and its identity"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        pytest.param(
            {"assigned": [_held("dave", PRIVILEGED_ROLE_ADMINISTRATOR)]},
            "Dave holds Privileged Role Administrator, which makes anybody Global Administrator",
            id="a role",
        ),
        pytest.param(
            {"eligible": [_held("dave", GLOBAL_ADMINISTRATOR)]},
            "Dave may activate Global Administrator, which takes over every subscription and application",
            id="an eligible role",
        ),
        pytest.param(
            {"azure": [_owner("dave")]}, f"Dave holds Owner on resource group rg-responder, {_CODE}", id="Azure"
        ),
        pytest.param(
            {"azure": [_owner("dave", "")]}, f"Dave holds Owner on all of Azure, {_CODE}", id="Azure, at the root"
        ),
        pytest.param(
            {"azure": [_owner("dave", "/providers/microsoft.management/managementgroups/mg")]},
            f"Dave holds Owner on management group mg, {_CODE}",
            id="Azure, above the subscription",
        ),
        pytest.param(
            {"azure": [_owner("dave", f"{_RG}/providers/microsoft.storage/storageaccounts/st")]},
            f"Dave holds Owner on st, {_CODE}",
            id="Azure, one resource",
        ),
        pytest.param(
            {"azure": [_owner("g")], "groups": {"g": _DEPLOY}},
            f"Dave owns group Deploy, whose members hold Owner on resource group rg-responder, {_CODE}",
            id="the owner of a group",
        ),
        pytest.param(
            {"eligible": [_held("g", GLOBAL_ADMINISTRATOR)], "groups": {"g": _GUARDED}},
            "Dave is a member of group Admins, whose members may activate Global Administrator,"
            " which takes over every subscription and application",
            id="a member of a group",
        ),
        pytest.param(
            {
                "azure": [_owner("g")],
                "groups": {"g": Group(name="Deploy", is_guarded=True, eligible=frozenset({"dave"}))},
            },
            "Dave may become a member of group Deploy, whose members hold Owner on resource group rg-responder,"
            f" {_CODE}",
            id="who may become a member",
        ),
        pytest.param(
            {
                "azure": [_owner("g")],
                "groups": {
                    "g": Group(name="Deploy", is_guarded=True, members=frozenset({"n"}), nested=frozenset({"n"})),
                    "n": Group(name="Team", is_guarded=False, owners=frozenset({"dave"})),
                },
            },
            "Dave owns group Team, whose members are in group Deploy, whose members hold Owner on resource group"
            f" rg-responder, {_CODE}",
            id="the owner of a group within",
        ),
        pytest.param(
            {"azure": [_owner("app")], "applications": {"app": _PIPELINE}},
            f"Dave owns application Pipeline, which holds Owner on resource group rg-responder, {_CODE}",
            id="the owner of an application",
        ),
        pytest.param(
            {
                "assigned": [_held("dave", _APPLICATION_ADMINISTRATOR)],
                "powerful": {
                    "app": Powerful(
                        id="app", name="Sync", permissions=frozenset({"RoleManagement.ReadWrite.Directory"})
                    )
                },
                "applications": {"app": Application(name="Sync")},
            },
            "Dave holds Application Administrator, which can add a secret to application Sync,"
            " which holds RoleManagement.ReadWrite.Directory, which makes anybody Global Administrator",
            id="who may add a secret to an application with a permission",
        ),
        pytest.param(
            {
                "assigned": [_held("dave", _APPLICATION_ADMINISTRATOR, "/reg")],
                "azure": [_owner("app")],
                "applications": {"app": Application(name="Sync", registration="reg")},
            },
            "Dave holds Application Administrator over application Sync, which can add a secret to application Sync,"
            f" which holds Owner on resource group rg-responder, {_CODE}",
            id="over one application alone",
        ),
        pytest.param(
            {
                "assigned": [_held("dave", _GROUPS_ADMINISTRATOR)],
                "azure": [_owner("g")],
                "groups": {"g": Group(name="Deploy", is_guarded=False)},
            },
            "Dave holds Groups Administrator, which can add members to group Deploy,"
            f" whose members hold Owner on resource group rg-responder, {_CODE}",
            id="who may add members to a group",
        ),
        pytest.param(
            {"front": "app", "applications": {"app": _PIPELINE}},
            "Dave owns application Pipeline, by which people call the app",
            id="the application by which people call the app",
        ),
    ],
)
def test_each_kind_of_way_is_told_in_words(facts: dict[str, Any], said: str) -> None:
    found = _found(_RUNS, **facts)
    assert (found.sure, found.unsure) == ((said,), ())
    assert _found(frozenset({"dave"}) | _RUNS, **facts).sure == ()


@pytest.mark.parametrize(
    ("application", "name"),
    [
        (Application(name="Sync", secrets=2), "whoever has one of the 2 secrets of application Sync"),
        (Application(name="Sync"), "application Sync"),
        (Application(name="Sync", is_managed=True), "what runs with managed identity Sync"),
    ],
)
def test_an_application_acts_for_whoever_can_be_it(application: Application, name: str) -> None:
    found = _found(azure=[_owner("app")], applications={"app": application})
    assert found.sure == (f"{name} holds Owner on resource group rg-responder, {_CODE}",)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(
            {
                "assigned": [_held("dave", _GROUPS_ADMINISTRATOR)],
                "azure": [_owner("g")],
                "groups": {"g": Group(name="Admins", is_guarded=True)},
            },
            id="a group that roles can be given to",
        ),
        pytest.param(
            {
                "assigned": [_held("dave", _APPLICATION_ADMINISTRATOR)],
                "azure": [_owner("app")],
                "applications": {"app": Application(name="Runner", is_managed=True)},
            },
            id="a managed identity takes no secret",
        ),
        pytest.param(
            {
                "assigned": [_held("dave", _APPLICATION_ADMINISTRATOR, "/other")],
                "azure": [_owner("app")],
                "applications": {"app": Application(name="Sync", registration="reg")},
            },
            id="the administrator of another application",
        ),
        pytest.param(
            {"powerful": {"dave": Powerful(id="dave", name="Mail", permissions=frozenset({"Mail.ReadWrite"}))}},
            id="a permission that leads nowhere",
        ),
        pytest.param({"front": "app", "applications": {"app": Application(name="Front", secrets=1)}}, id="our own"),
    ],
)
def test_what_leads_nowhere_is_no_way(facts: dict[str, Any]) -> None:
    found = _found(_RUNS, **facts)
    assert (found.sure, found.unsure) == ((), ())


def test_the_shortest_way_of_each_is_told_and_the_shortest_first() -> None:
    found = _found(
        assigned=[_held("erin", GLOBAL_ADMINISTRATOR), _held("g", GLOBAL_ADMINISTRATOR)],
        groups={"g": Group(name="A", is_guarded=True, members=frozenset({"dave", "erin"}))},
    )
    assert [text.split(",")[0] for text in found.sure] == [
        "Erin holds Global Administrator",
        "Dave is a member of group A",
    ]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            {"azure": [AzureRight(principal="dave", role="Custom", scope=_RG, because="403")]},
            "Dave holds Custom on resource group rg-responder; beyond that it isn't known: 403",
        ),
        (
            {"azure": [_owner("g")], "groups": {"g": Group(name="Deploy", is_guarded=True, because="403")}},
            "who is in group Deploy, or owns it, isn't known: 403",
        ),
        (
            {"azure": [_owner("app")], "applications": {"app": Application(name="Sync", because="403")}},
            "who owns application Sync isn't known: 403",
        ),
        (
            {"unread": {"who holds Azure roles over the responder": "403"}},
            "who holds Azure roles over the responder isn't known: 403",
        ),
    ],
)
def test_what_could_not_be_read_is_unknown_beyond_that(facts: dict[str, Any], said: str) -> None:
    found = _found(_RUNS, **facts)
    assert (found.sure, found.unsure) == ((), (said,))


def test_who_is_meant_to_is_counted_and_people_may_call_the_app() -> None:
    found = _found(frozenset({"dave", "app"}), azure=[_owner("dave")], front="app", applications={"app": _PIPELINE})
    assert found == Undoing(sure=(), unsure=(), meant=1)


def test_the_application_by_which_people_call_the_app_is_nobody() -> None:
    assert _found(front="app", applications={"app": Application(name="Front", secrets=1)}).sure == ()


def test_a_group_that_leads_nowhere_may_hide_whom_it_likes() -> None:
    assert _found(groups={"g": Group(name="Lunch", is_guarded=False, because="403")}).unsure == ()


@pytest.mark.parametrize(
    ("approvals", "is_meant"),
    [
        ([("rbac-roles", ALICE.id.upper(), approval(ALICE))], True),
        ([("directory-roles", ALICE.id, approval(ALICE))], True),
        ([("conditional-access", ALICE.id, approval(ALICE))], False),
        ([("rbac-roles", ALICE.id, approval(ALICE, valid_until=AT))], False),
        ([("rbac-roles", ALICE.id, approval(ALICE, revoked_at=AT))], False),
        ([("rbac-roles", ALICE.id, None)], False),
        ([("rbac-roles", ALICE.id, approval(ALICE, targets=("/subscriptions/s",)))], False),
    ],
)
def test_who_is_approved_to_give_roles_is_meant_to(approvals: list[Any], *, is_meant: bool) -> None:
    meant = meant_to(snapshot({installation.APPROVALS: approvals}))
    assert (ALICE.id in meant) is is_meant
    assert {BREAK_GLASS_1.id, RESPONDER.id} <= meant
    assert CAROL.id not in meant


# Small random tenants, judged by hand.

_PEOPLE: Final = ("p1", "p2", "p3")
_GROUPS: Final = ("g1", "g2")
_APPS: Final = ("a1", "a2")
_ROLES: Final = (GLOBAL_ADMINISTRATOR, _APPLICATION_ADMINISTRATOR, _GROUPS_ADMINISTRATOR)


def _some(chance: Random, names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(each for each in names if chance.random() < 0.25)


def _few(chance: Random, names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(each for each in names if chance.random() < 0.08)


def _random_facts(chance: Random) -> Facts:
    holders = (*_PEOPLE, *_GROUPS, *_APPS)
    return Facts(
        assigned=[_held(each, role) for role in _ROLES for each in _some(chance, holders) if chance.random() < 0.3],
        eligible=[_held(each, role) for role in _ROLES for each in _some(chance, holders) if chance.random() < 0.3],
        azure=[_owner(each) for each in _few(chance, holders)],
        groups={
            each: Group(
                name=each,
                is_guarded=chance.random() < 0.5,
                members=_some(chance, (*_PEOPLE, *_APPS)),
                owners=_some(chance, _PEOPLE),
                eligible=_some(chance, _PEOPLE),
            )
            for each in _GROUPS
        },
        applications={
            each: Application(name=each, is_managed=chance.random() < 0.3, owners=_some(chance, _PEOPLE))
            for each in _APPS
        },
    )


def _could(facts: Facts) -> set[str]:
    """Say who could undo the responder, by going over all of it until nobody is added: who is somebody is them."""
    could = {each.principal for each in facts.azure}
    held = [*facts.assigned, *facts.eligible]
    could |= {each.principal for each in held if each.role == GLOBAL_ADMINISTRATOR}
    while True:
        more = set[str]()
        for key, group in facts.groups.items():
            if key in could:
                more |= group.members | group.owners | group.eligible
                changers = {each.principal for each in held if each.role == _GROUPS_ADMINISTRATOR}
                more |= set[str]() if group.is_guarded else changers
        for key, application in facts.applications.items():
            if key in could:
                changers = {each.principal for each in held if each.role == _APPLICATION_ADMINISTRATOR}
                more |= application.owners | (set[str]() if application.is_managed else changers)
        if more <= could:
            return could
        could |= more


def test_whoever_could_is_found_in_small_random_tenants_and_nobody_else() -> None:
    found_some = 0
    for seed in range(500):
        facts = _random_facts(Random(seed))  # noqa: S311 - keeps no secret
        could = _could(facts)
        for each in (*_PEOPLE, *_APPS):
            others = frozenset({*_PEOPLE, *_APPS} - {each})
            found = undoing(facts, others)
            assert len(found.sure) == (each in could), (seed, each)
            found_some += len(found.sure)
    assert found_some > 500
