"""Restricted units: who is in them, what records say of that, and what of it is never written."""

import copy
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import pytest

from infra.local.tenant.simulated.restricted_units import SIMULATED
from infra.local.world import ALICE, BREAK_GLASS_1, CAROL, RESPONDER
from responders.detections.directory_samples import COLLEAGUE, audit_record, change, target
from responders.kinds.restricted_units import DELETE_UNIT, RESTRICTED_UNIT, leaves
from shared.model.calls import Permission
from shared.model.errors import DoneAlready, Refused, Rejected
from shared.model.kinds import Image, Json, ObjectKind
from shared.model.objects import EXISTS, WHOLE, Op, Recorded
from shared.normalize.audit import from_graph
from tests.fakes.kinds import objections, write_of
from tests.fakes.situations import AT
from tests.fakes.tenant import FakeTenant

KIND: Final = RESTRICTED_UNIT
STANDS: Final = SIMULATED.samples[0].image
_ID: Final = SIMULATED.samples[0].object_id
_URL: Final = f"https://graph.microsoft.com/v1.0/directory/administrativeUnits/{_ID}"
_ADD: Final = "Add member to restricted management administrative unit"
_REMOVE: Final = "Remove member from restricted management administrative unit"


def _with(**more: Any) -> Image:  # noqa: ANN401 - properties of any type
    return copy.deepcopy(STANDS) | more


def _tenant(*units: Image, **more: Any) -> FakeTenant:  # noqa: ANN401 - the tenant's fields
    tenant = FakeTenant(**more)
    for each in units:
        tenant.shelves[ObjectKind.RESTRICTED_UNIT][each["id"]] = copy.deepcopy(each)
    return tenant


def _leaf(identity: str) -> str:
    return f"members[{identity}]"


def _of(*members: str) -> dict[str, Json]:
    return leaves(_with(members=[*members]))


# Reading.


def test_each_member_is_a_leaf_and_no_other_unit_is_guarded() -> None:
    open_one = _with(id=COLLEAGUE, isMemberManagementRestricted=False)
    tenant = _tenant(STANDS, open_one)
    read = KIND.read(tenant.edges(), _ID.upper())
    assert read is not None
    assert leaves(read) == {EXISTS: True, _leaf(ALICE.id): ALICE.id, _leaf(CAROL.id): CAROL.id}
    assert KIND.read(tenant.edges(), COLLEAGUE) is None
    assert KIND.inventory.read(tenant.edges()) == {_ID: read}
    assert not [each for each in tenant.log if COLLEAGUE in each.url and "members" in each.url]


def test_members_that_are_hidden_are_unknown_and_not_none() -> None:
    tenant = _tenant(_with(visibility="HiddenMembership"))
    for read in (lambda: KIND.read(tenant.edges(), _ID), lambda: KIND.inventory.read(tenant.edges())):
        with pytest.raises(Rejected, match="hides its members"):
            read()


# What records say.


def _recorded(activity: str, *targets: Image, **more: object) -> tuple[Recorded, ...]:
    record = audit_record(activity, targetResources=[*targets], loggedByService="Core Directory", **more)
    return KIND.recorded(from_graph(msgspec.Raw(msgspec.json.encode(record)), AT, "t"))


_UNIT: Final = target(_ID.upper(), "AdministrativeUnit", name="Directors")
_NAMED: Final = change("AdministrativeUnit.ObjectID", None, _ID)


@pytest.mark.parametrize(("activity", "is_added"), [(_ADD, True), (_REMOVE, False)])
def test_a_record_tells_who_came_or_went_whichever_way_it_names_the_unit(activity: str, *, is_added: bool) -> None:
    step = (None, COLLEAGUE) if is_added else (COLLEAGUE, None)
    for targets in ([target(COLLEAGUE, "User"), _UNIT], [_UNIT, target(COLLEAGUE, "User")]):
        (found,) = _recorded(activity, *targets)
        assert (found.object_id, found.name, found.op) == (_ID, "Directors", Op.UPDATE)
        assert (found.wrote, found.is_whole) == ({_leaf(COLLEAGUE): step}, True)
    (named,) = _recorded(activity, target(COLLEAGUE, "User", _NAMED))
    assert (named.object_id, named.wrote) == (_ID, {_leaf(COLLEAGUE): step})


def test_a_record_that_lacks_the_member_or_the_unit_tells_no_more_than_it_has() -> None:
    (alone,) = _recorded(_ADD, _UNIT)
    assert (alone.wrote, alone.is_whole) == ({}, False)
    assert _recorded(_ADD, target(COLLEAGUE, "User")) == ()


def test_that_one_was_made_is_told_of_restricted_ones_alone() -> None:
    def made(*changes: Image) -> tuple[Recorded, ...]:
        return _recorded("Add administrative unit", target(_ID, "AdministrativeUnit", *changes))

    (found,) = made(change("IsMemberManagementRestricted", [], [True]))
    assert (found.op, found.wrote, found.is_whole) == (Op.CREATE, {EXISTS: (None, True)}, True)
    assert made(change("IsMemberManagementRestricted", [], [False])) == made() == ()
    (gone,) = _recorded("Delete administrative unit", target(_ID, "AdministrativeUnit"))
    assert (gone.op, gone.wrote) == (Op.DELETE, {EXISTS: (True, None)})


@pytest.mark.parametrize("differences", [{"result": "failure"}, {"activityDisplayName": "Add member to group"}])
def test_other_records_say_nothing_of_a_unit(differences: dict[str, str]) -> None:
    assert _recorded(_ADD, target(COLLEAGUE, "User"), _UNIT, **differences) == ()


# Guards.


def _objected(stands: Image, wanted: Mapping[str, Json]) -> Any:  # noqa: ANN401 - objections by leaf
    emergency, protected = frozenset({BREAK_GLASS_1.id}), frozenset({CAROL.id})
    api = _tenant(stands).edges()
    return objections(KIND, api, _ID, stands, wanted, emergency=emergency, protected=protected)


def test_a_stranger_is_taken_out_and_given_back_and_a_new_unit_may_go() -> None:
    assert _objected(_with(members=[ALICE.id, COLLEAGUE]), _of(ALICE.id)) == {}
    assert _objected(_with(members=[ALICE.id]), _of(ALICE.id, COLLEAGUE)) == {}
    assert _objected(_with(members=[COLLEAGUE]), {}) == {}


@pytest.mark.parametrize("kept", [BREAK_GLASS_1.id, CAROL.id, RESPONDER.id])
def test_an_emergency_account_or_a_protected_principal_is_left_as_it_is(kept: str) -> None:
    for members, wanted in (([kept, COLLEAGUE], ()), ((), (kept, COLLEAGUE))):
        found = _objected(_with(members=[*members]), _of(*wanted))
        assert found.keys() == {_leaf(kept)}
        assert (found[_leaf(kept)].guard, found[_leaf(kept)].can_pass) == ("emergency-account", False)
        assert kept in found[_leaf(kept)].by_hand
    whole = _objected(_with(members=[kept]), {})[WHOLE]
    assert (whole.guard, whole.can_pass) == ("emergency-account", False)
    assert f"--method DELETE --url {_URL}" in whole.by_hand


def test_a_deleted_one_is_for_people() -> None:
    api = _tenant().edges()
    found = objections(KIND, api, _ID, None, leaves(STANDS), emergency=frozenset(), protected=frozenset())[WHOLE]
    assert (found.guard, found.can_pass) == ("not-restored", False)
    assert f"deletedItems/{_ID}/restore" in found.by_hand


# Writing.


def test_each_member_goes_and_comes_by_itself() -> None:
    tenant = _tenant(_with(members=[ALICE.id, COLLEAGUE]))
    write = write_of(KIND, _ID, _with(members=[ALICE.id, COLLEAGUE]), _of(ALICE.id, CAROL.id))
    assert KIND.write(tenant.edges(), write) == _ID
    assert tenant.shelves[ObjectKind.RESTRICTED_UNIT][_ID]["members"] == [ALICE.id, CAROL.id]
    with pytest.raises(DoneAlready):
        KIND.write(tenant.edges(), write)


def test_a_new_one_is_deleted_once_and_none_is_made() -> None:
    tenant = _tenant(STANDS)
    write = write_of(KIND, _ID, STANDS, {})
    assert KIND.write(tenant.edges(), write) == _ID
    assert tenant.shelves[ObjectKind.RESTRICTED_UNIT] == {}
    with pytest.raises(DoneAlready):
        KIND.write(tenant.edges(), write)
    with pytest.raises(Rejected, match="makes no administrative unit"):
        KIND.write(tenant.edges(), write_of(KIND, _ID, None, leaves(STANDS)))


def test_what_is_refused_has_its_commands() -> None:
    tenant = _tenant(_with(members=[ALICE.id, COLLEAGUE]))
    tenant.granted.remove(Permission.UNIT_WRITE)
    with pytest.raises(Refused) as refused:
        KIND.write(tenant.edges(), write_of(KIND, _ID, _with(members=[ALICE.id, COLLEAGUE]), _of(ALICE.id, CAROL.id)))
    taken, given = sorted(refused.value.by_hand.splitlines())
    assert taken == f"az rest --method DELETE --url '{_URL}/members/{COLLEAGUE}/$ref'"
    assert f"--method POST --url '{_URL}/members/$ref'" in given
    assert CAROL.id in given
    with pytest.raises(Refused) as refused:
        KIND.write(tenant.edges(), write_of(KIND, _ID, STANDS, {}))
    assert refused.value.by_hand.startswith("az rest --method DELETE --url https://graph.microsoft.com")
    assert DELETE_UNIT.needs == (Permission.UNIT_WRITE,)
