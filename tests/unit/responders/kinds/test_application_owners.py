"""Owners of applications: what records say of them, how they are read, and how one is taken away."""

import json
import shlex
from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local.tenant.simulated.application_owners import SIMULATED
from infra.local.world import MALLORY, TRUDY
from responders.detections.directory_samples import APPLICATION, change, owner_record, target
from responders.detections.samples import ADMINISTRATOR, audit_record
from responders.kinds.application_owners import APPLICATION_OWNER, giving, leaves
from responders.kinds.registrars import BY_REGISTERING
from shared.model.calls import Permission
from shared.model.errors import BadIdentifier, Refused, Rejected, Unreachable
from shared.model.events import Actor, ActorKind, Log
from shared.model.kinds import Image, ObjectKind
from shared.model.object_kinds import Confirmation
from shared.model.objects import EXISTS, WHOLE, ObjectChange, Op, Recorded
from shared.normalize.audit import from_graph
from tests.fakes.kinds import objections, write_of
from tests.fakes.situations import AT
from tests.fakes.tenant import FakeTenant

KIND: Final = APPLICATION_OWNER
_OF_SERVICE, _OF_APPLICATION = SIMULATED.samples[0], SIMULATED.samples[1]
_ID: Final = _OF_SERVICE.object_id
_WITHIN, _OWNED, _OWNER = _ID.split("/")


def _tenant(*samples: Image, **more: Any) -> FakeTenant:  # noqa: ANN401 - the tenant's fields
    tenant = FakeTenant(**more)
    for kind, several in SIMULATED.beside.items():
        tenant.shelves[kind] = {each["id"]: each for each in several}
    tenant.shelves[ObjectKind.APPLICATION_OWNER] = {each["id"]: each for each in samples}
    return tenant


def _read(tenant: FakeTenant, object_id: str = _ID) -> Image:
    found = KIND.read(tenant.edges(), object_id)
    assert found is not None
    return found


# What records say.


def _recorded(record: Image) -> tuple[Recorded, ...]:
    return KIND.recorded(from_graph(msgspec.Raw(msgspec.json.encode(record)), AT, "t"))


@pytest.mark.parametrize(
    ("activity", "within", "op"),
    [
        ("Add owner to application", "applications", Op.CREATE),
        ("Add owner to service principal", "serviceprincipals", Op.CREATE),
        ("Remove owner from application", "applications", Op.DELETE),
        ("Remove owner from service principal", "serviceprincipals", Op.DELETE),
    ],
)
def test_a_record_tells_who_came_to_own_what_or_went(*, activity: str, within: str, op: Op) -> None:
    (found,) = _recorded(owner_record(activity))
    values = {EXISTS: True, "ownedIn": within, "ownedId": APPLICATION, "principalId": ADMINISTRATOR}
    assert found.object_id == f"{within}/{APPLICATION}/{ADMINISTRATOR}"
    assert (found.op, found.is_whole, found.name) == (op, True, "Order portal for morgan@fabrikam.example")
    assert found.wrote == {leaf: (None, value) if op is Op.CREATE else (value, None) for leaf, value in values.items()}


def test_what_is_owned_is_the_second_target_where_no_property_names_it() -> None:
    owned = target(APPLICATION.upper(), "Application", name="Order portal")
    record = owner_record("Add owner to application", targetResources=[target(ADMINISTRATOR, "User"), owned])
    assert [each.object_id for each in _recorded(record)] == [f"applications/{APPLICATION}/{ADMINISTRATOR}"]
    named = target(ADMINISTRATOR, "User", change("Application.ObjectID", APPLICATION, None))
    record = owner_record("Remove owner from application", targetResources=[named])
    assert [each.object_id for each in _recorded(record)] == [f"applications/{APPLICATION}/{ADMINISTRATOR}"]


@pytest.mark.parametrize(
    "record",
    [
        owner_record("Add owner to group"),
        owner_record("Add owner to application", result="failure"),
        owner_record("Add owner to application", loggedByService="B2C"),
        owner_record("Add owner to application", targetResources=[target(ADMINISTRATOR, "User")]),
        owner_record("Add owner to application", targetResources=[]),
    ],
    ids=["a group's", "failed", "B2C's", "without what is owned", "without anybody"],
)
def test_other_records_are_about_no_owner(record: Image) -> None:
    assert _recorded(record) == ()


# Reading.


def test_owners_of_both_collections_are_listed_as_they_are_read() -> None:
    tenant = _tenant(_OF_SERVICE.image, _OF_APPLICATION.image)
    listed = KIND.inventory.read(tenant.edges())
    assert listed.keys() == {_OF_SERVICE.object_id, _OF_APPLICATION.object_id}
    for object_id, image in listed.items():
        assert leaves(_read(tenant, object_id)) == leaves(image)
        assert KIND.id_of(image) == object_id
    assert [KIND.name_of(each) for each in listed.values()] == [f"Orders for {MALLORY.id}", f"Archive for {_OWNER}"]


def test_no_owner_is_overlooked_where_there_are_more_than_a_listing_shows() -> None:
    owners = [f"0a9e{number:04d}-5b1c-4d7e-8f36-2c9a0e4b7d15" for number in range(23)]
    many = [{"id": f"{_WITHIN}/{_OWNED}/{each}", "ownedId": _OWNED, "principalId": each} for each in owners]
    tenant = _tenant(*many)
    assert len(KIND.inventory.read(tenant.edges())) == 23
    assert [each.url for each in tenant.log if each.url.endswith("/owners")] == [f"/servicePrincipals/{_OWNED}/owners"]


def test_what_is_not_there_is_not_there() -> None:
    assert KIND.read(_tenant().edges(), _ID) is None
    assert KIND.read(FakeTenant().edges(), _ID) is None
    for wrong in ("groups/a/b", f"{_WITHIN}/{_OWNED}/../users", f"{_WITHIN}/{_OWNED}"):
        with pytest.raises(BadIdentifier):
            KIND.read(_tenant().edges(), wrong)


def test_an_ownership_goes_with_its_owner_or_with_what_is_owned() -> None:
    there = {_OWNER: {"id": _OWNER}}
    is_orphan = KIND.is_orphan
    assert is_orphan is not None
    assert not is_orphan(_tenant(principals=there).edges(), _ID)
    assert is_orphan(_tenant().edges(), _ID)
    assert is_orphan(FakeTenant(principals=there).edges(), _ID)


# Who registered it.

_APP_ID: Final = _OF_APPLICATION.object_id
_APP: Final = _APP_ID.split("/")[1]


def _registered(**differences: object) -> Image:
    at = f"{AT - timedelta(seconds=2):%Y-%m-%dT%H:%M:%SZ}"
    by: Image = {"user": {"id": MALLORY.id, "userPrincipalName": MALLORY.upn}, "app": None}
    fields = {"targetResources": [target(_APP, "Application")], "initiatedBy": by, "activityDateTime": at}
    return audit_record("Add application", **fields | differences)


def _confirmed(*beside: Image, actor: str = MALLORY.id, op: Op = Op.CREATE, **more: Any) -> Confirmation:  # noqa: ANN401 - the tenant's fields
    tenant = _tenant(audits=[*beside], **more)
    made = ObjectChange(
        id="c",
        log=Log.AUDIT,
        actor=Actor(id=actor, kind=ActorKind.USER),
        at=AT,
        arrived_at=AT,
        op=op,
        object_id=_APP_ID,
    )
    assert KIND.confirm is not None
    return KIND.confirm(tenant.edges(), made, None)


def test_who_registers_an_application_becomes_its_owner_and_that_is_no_change() -> None:
    found = _confirmed(_registered())
    assert (found.is_true, found.is_own_use, found.because) == (True, True, BY_REGISTERING)


@pytest.mark.parametrize(
    "more",
    [
        {"beside": ()},
        {"beside": (_registered(result="failure"),)},
        {"beside": (_registered(initiatedBy={"user": {"id": TRUDY.id}, "app": None}),)},
        {"beside": (_registered(targetResources=[target(APPLICATION, "Application")]),)},
        {"beside": (_registered(activityDateTime=f"{AT - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"),)},
        {"beside": (_registered(),), "actor": TRUDY.id},
        {"beside": (_registered(),), "op": Op.DELETE},
    ],
    ids=["no record", "failed", "another's", "of another", "long ago", "by another", "removed"],
)
def test_any_other_owner_counts(more: dict[str, Any]) -> None:
    found = _confirmed(*more.pop("beside"), **more)
    assert (found.is_true, found.is_own_use, found.actor) == (True, False, None)


def test_who_registered_it_is_not_guessed_where_the_log_can_not_be_read() -> None:
    with pytest.raises(Refused):
        _confirmed(granted=set(Permission) - {Permission.AUDIT_LOG_READ})


# Taking away.


def test_an_owner_is_taken_away_and_all_others_stay() -> None:
    other = SIMULATED.samples[2].image
    tenant = _tenant(_OF_SERVICE.image, other)
    KIND.write(tenant.edges(), write_of(KIND, _ID, _read(tenant), {}))
    assert tenant.shelves[ObjectKind.APPLICATION_OWNER] == {other["id"]: other}
    assert [each.url for each in tenant.writes] == [f"/servicePrincipals/{_OWNED}/owners/{_OWNER}/$ref"]


def test_without_the_permission_the_page_has_the_command() -> None:
    tenant = _tenant(_OF_SERVICE.image, granted=set(Permission) - {Permission.APPLICATION_WRITE})
    with pytest.raises(Refused) as refused:
        KIND.write(tenant.edges(), write_of(KIND, _ID, _read(tenant), {}))
    command = shlex.split(refused.value.by_hand)
    assert "DELETE" in command
    assert f"https://graph.microsoft.com/v1.0/servicePrincipals/{_OWNED}/owners/{_OWNER}/$ref" in command
    assert tenant.shelves[ObjectKind.APPLICATION_OWNER] == {_ID: _OF_SERVICE.image}


def test_nobody_is_ever_made_an_owner_and_the_page_has_the_command() -> None:
    edges, target_leaves = _tenant().edges(), leaves(_read(_tenant(_OF_SERVICE.image)))
    found = objections(KIND, edges, _ID, None, target_leaves)[WHOLE]
    assert (found.guard, found.can_pass) == ("never-given", False)
    command = shlex.split(found.by_hand)
    assert f"https://graph.microsoft.com/v1.0/servicePrincipals/{_OWNED}/owners/$ref" in command
    owner = f"https://graph.microsoft.com/v1.0/directoryObjects/{_OWNER}"
    assert json.loads(command[command.index("--body") + 1]) == {"@odata.id": owner}
    with pytest.raises(Rejected, match="never makes"):
        KIND.write(edges, write_of(KIND, _ID, None, target_leaves))
    assert giving("no id") == ""


def test_who_would_lose_and_who_would_gain_is_the_owner() -> None:
    there = leaves(_read(_tenant(_OF_SERVICE.image)))
    assert (KIND.loses(there, {}), KIND.gains({}, there)) == ({_OWNER}, {_OWNER})


def test_an_answer_that_was_cut_is_no_answer() -> None:
    tenant = _tenant(_OF_SERVICE.image)

    def cut(_number: int, _request: object) -> None:
        raise Unreachable("the connection was cut")

    tenant.spoil = cut
    with pytest.raises(Unreachable):
        KIND.inventory.read(tenant.edges())
