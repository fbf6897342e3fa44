"""Guarded groups: who is in them and owns them, what records say of that, and what of it is ever written."""

import copy
import json
from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec
import pytest

from infra.local.tenant.simulated.groups import SIMULATED
from infra.local.world import ALICE, BREAK_GLASS_1, TRUDY
from responders.detections.directory_samples import (
    COLLEAGUE,
    ROLE_ASSIGNABLE_GROUP,
    audit_record,
    change,
    member_record,
    target,
)
from responders.kinds.groups import GUARDED_GROUP, REMOVE_MEMBER, REMOVE_OWNER
from shared.clients.api import Answer
from shared.model.calls import Permission
from shared.model.errors import DoneAlready, Refused, Rejected
from shared.model.kinds import Image, Json, ObjectKind
from shared.model.object_kinds import GuardFacts
from shared.model.objects import EXISTS, WHOLE, BaselineLeaf, Objection, Op, Provenance, Recorded
from shared.model.privileges import GLOBAL_ADMINISTRATOR
from shared.normalize.audit import from_graph
from tests.fakes.kinds import objections, write_of
from tests.fakes.situations import AT
from tests.fakes.tenant import FakeTenant, Request, answer_of

KIND: Final = GUARDED_GROUP
STANDS: Final = SIMULATED.samples[0].image
_ID: Final = SIMULATED.samples[0].object_id
_OTHER: Final = "64020000-8e1d-4b7c-a3f5-2c90d6b4e781"
_NESTED: Final = "64030000-1a5e-4d29-b8c7-f60e92d3a415"
_STRANGER: Final = "5b0e7c42-9d13-4f8a-a6b1-e27d40c95f38"
_RULE: Final = 'user.department -eq "IT"'
EMERGENCY: Final = frozenset({BREAK_GLASS_1.id})


def _with(image: Image = STANDS, **more: Any) -> Image:  # noqa: ANN401 - properties of any type
    return copy.deepcopy(image) | more


LEFT_OUT: Final = _with(id=_OTHER, displayName="Left out", isAssignableToRole=False)
DYNAMIC: Final = _with(LEFT_OUT, groupTypes=["DynamicMembership"], membershipRule=_RULE, members=[])


def _policy(**users: list[str]) -> Image:
    return {"id": "ca1", "displayName": "CA1", "state": "disabled", "conditions": {"users": users}}


def _tenant(*groups: Image, policy: Image | None = None, **more: Any) -> FakeTenant:  # noqa: ANN401 - the tenant's fields
    tenant = FakeTenant(**more)
    for each in groups:
        tenant.shelves[ObjectKind.GUARDED_GROUP][each["id"]] = copy.deepcopy(each)
    tenant.ca_policies["ca1"] = policy or _policy(excludeGroups=[_OTHER.upper()])
    return tenant


def _leaf(identity: str, which: str = "members") -> str:
    return f"{which}[{identity}]"


def _target(image: Image, *, taken: str = "", given: str = "") -> dict[str, Json]:
    values = {leaf: value for leaf, value in KIND.leaves(image).items() if leaf != taken}
    return values | ({given: given.partition("[")[2].removesuffix("]")} if given else {})


# Reading.


def test_each_member_and_owner_is_a_leaf_and_of_a_group_with_a_rule_the_rule_is() -> None:
    people = {_leaf(each.id): each.id for each in (ALICE, TRUDY)}
    assert KIND.leaves(STANDS) == {EXISTS: True, _leaf(ALICE.id, "owners"): ALICE.id} | people
    assert KIND.leaves(DYNAMIC) == {EXISTS: True, _leaf(ALICE.id, "owners"): ALICE.id, "membershipRule": _RULE}
    assert KIND.rules.same(_leaf("a"), "A", "a")
    assert not KIND.rules.same(_leaf("a"), "a", None)
    assert not KIND.rules.same("membershipRule", "a", "A")


def test_only_groups_that_may_hold_roles_or_that_a_policy_leaves_out_are_guarded() -> None:
    ordinary = _with(id=_NESTED, isAssignableToRole=None)
    tenant = _tenant(STANDS, LEFT_OUT, ordinary)
    found = KIND.inventory.read(tenant.edges())
    assert found.keys() == {_ID, _OTHER}
    for group in (_ID, _OTHER):
        assert KIND.read(tenant.edges(), group.upper()) == found[group]
    assert (found[_ID]["members"], found[_ID]["owners"]) == (sorted((ALICE.id, TRUDY.id)), [ALICE.id])
    assert KIND.read(tenant.edges(), _NESTED) is None
    assert KIND.read(tenant.edges(), COLLEAGUE) is None


def test_whether_a_group_is_guarded_is_unknown_while_policies_cannot_be_read() -> None:
    tenant = _tenant(STANDS, LEFT_OUT)
    tenant.granted.remove(Permission.POLICY_READ)
    assert KIND.read(tenant.edges(), _ID)
    for ask in (KIND.read, cast("Any", KIND.is_orphan)):
        with pytest.raises(Refused):
            ask(tenant.edges(), _OTHER)
    with pytest.raises(Rejected, match="isn't as Graph writes it"):
        KIND.read(_tenant(LEFT_OUT, policy={"id": "ca1", "conditions": None}).edges(), _OTHER)
    with pytest.raises(Rejected, match="no id"):
        KIND.read(_tenant(LEFT_OUT, policy=_policy(excludeGroups=["x' or '1' eq '1"])).edges(), _OTHER)


def test_members_that_are_hidden_are_unknown_and_of_a_rule_none_are_listed() -> None:
    hidden = _tenant(_with(visibility="HiddenMembership"))
    with pytest.raises(Rejected, match="hides its members"):
        KIND.read(hidden.edges(), _ID)
    tenant = _tenant(DYNAMIC)
    assert (KIND.read(tenant.edges(), _OTHER) or {})["members"] == []
    assert not [each for each in tenant.log if each.url.endswith("/members")]


def test_what_is_no_longer_guarded_has_ended_and_a_deleted_group_that_a_policy_names_is_for_people() -> None:
    ends = cast("Any", KIND.is_orphan)
    tenant = _tenant(STANDS, LEFT_OUT, policy=_policy(excludeGroups=[_NESTED]))
    assert ends(tenant.edges(), _OTHER)
    assert ends(tenant.edges(), COLLEAGUE)
    assert not ends(tenant.edges(), _ID)
    assert not ends(tenant.edges(), _NESTED)


# What records say.


def _recorded(record: Mapping[str, Any]) -> tuple[Recorded, ...]:
    return KIND.recorded(from_graph(msgspec.Raw(msgspec.json.encode(record)), AT, "t"))


@pytest.mark.parametrize(
    ("activity", "which", "is_added"),
    [
        ("Add member to group", "members", True),
        ("Remove Member from group ", "members", False),
        ("Add owner to group", "owners", True),
        ("Remove owner from group", "owners", False),
    ],
)
def test_a_record_tells_who_came_or_went(activity: str, which: str, *, is_added: bool) -> None:
    (found,) = _recorded(member_record(activity, ROLE_ASSIGNABLE_GROUP.upper()))
    step = (None, COLLEAGUE) if is_added else (COLLEAGUE, None)
    assert (found.object_id, found.name, found.op) == (ROLE_ASSIGNABLE_GROUP, "Directory operators", Op.UPDATE)
    assert (found.wrote, found.is_whole) == ({_leaf(COLLEAGUE, which): step}, True)


def test_a_record_that_lacks_its_properties_tells_by_its_targets() -> None:
    user, group = target(COLLEAGUE, "User"), target(ROLE_ASSIGNABLE_GROUP, "Group")
    (found,) = _recorded(audit_record("Add member to group", targetResources=[group, user]))
    assert (found.object_id, found.wrote) == (ROLE_ASSIGNABLE_GROUP, {_leaf(COLLEAGUE): (None, COLLEAGUE)})
    two = [target(_NESTED, "Group"), group]
    assert _recorded(audit_record("Add member to group", targetResources=two)) == ()
    (nested,) = _recorded(member_record("Add member to group", ROLE_ASSIGNABLE_GROUP, "Group", identity=_NESTED))
    assert nested.wrote == {_leaf(_NESTED): (None, _NESTED)}
    (alone,) = _recorded(audit_record("Add member to group", targetResources=[group]))
    assert (alone.wrote, alone.is_whole) == ({}, False)
    (managed,) = _recorded(audit_record("Set group to be managed by user", targetResources=[group, user]))
    assert (managed.wrote, managed.is_whole) == ({}, False)


def test_a_record_of_a_rule_has_both() -> None:
    def updated(*changes: Image) -> tuple[Recorded, ...]:
        return _recorded(audit_record("Update group", targetResources=[target(_OTHER, "Group", *changes)]))

    (found,) = updated(change("MembershipRule", [_RULE], ['user.department -ne "x"']))
    assert found.wrote == {"membershipRule": (_RULE, 'user.department -ne "x"')}
    assert found.is_whole
    (anew,) = updated(change("MembershipRule", [], [_RULE]))
    assert (anew.wrote, anew.is_whole) == ({}, False)
    assert updated(change("Description", ["a"], ["b"])) == ()


@pytest.mark.parametrize(
    "differences", [{"result": "failure"}, {"loggedByService": "PIM"}, {"activityDisplayName": "Add group"}]
)
def test_other_records_say_nothing_of_a_group(differences: dict[str, str]) -> None:
    assert _recorded(member_record("Add member to group", ROLE_ASSIGNABLE_GROUP) | differences) == ()


# Guards.


def _objected(
    image: Image,
    target: Mapping[str, Json],
    tenant: FakeTenant | None = None,
    **more: Any,  # noqa: ANN401 - fields
) -> Mapping[str, Objection]:
    api = (tenant or _tenant(image)).edges()
    return objections(
        KIND, api, image["id"], image, target, emergency=EMERGENCY, protected=frozenset({TRUDY.id}), **more
    )


def test_a_stranger_may_be_taken_out_of_either_kind_of_group() -> None:
    for image in (STANDS, LEFT_OUT):
        grown = _with(image, members=[*image["members"], _STRANGER], owners=[ALICE.id, _STRANGER])
        assert _objected(grown, KIND.leaves(image)) == {}


def test_whoever_is_an_emergency_account_or_protected_is_not_taken_out_by_a_group_within_it() -> None:
    for inside, guard in ((BREAK_GLASS_1.id, "emergency-account"), (TRUDY.id, "protected-principal")):
        grown = _with(LEFT_OUT, members=[*LEFT_OUT["members"], _NESTED])
        within = _with(id=_NESTED, isAssignableToRole=False, members=[inside], owners=[])
        found = _objected(grown, KIND.leaves(LEFT_OUT), _tenant(grown, within))
        assert (found.keys(), found[_leaf(_NESTED)].guard) == ({_leaf(_NESTED)}, guard)


def test_who_is_in_it_is_unknown_where_it_cannot_be_read() -> None:
    grown = _with(LEFT_OUT, members=[*LEFT_OUT["members"], _STRANGER])
    tenant = _tenant(grown)
    tenant.granted.remove(Permission.GROUP_MEMBER_READ)
    found = _objected(grown, KIND.leaves(LEFT_OUT), tenant)[_leaf(_STRANGER)]
    assert (found.guard, found.can_pass) == ("emergency-account", True)
    assert "could not be read" in found.because


def test_nobody_is_given_a_group_that_may_hold_roles_nor_made_an_owner() -> None:
    for image, leaf in ((STANDS, _leaf(_STRANGER)), (LEFT_OUT, _leaf(_STRANGER, "owners"))):
        found = _objected(image, _target(image, given=leaf))[leaf]
        assert (found.guard, found.can_pass) == ("never-given", False)
        assert f"groups/{image['id']}/{leaf.partition('[')[0]}/$ref" in found.by_hand
        assert json.dumps(f"https://graph.microsoft.com/v1.0/directoryObjects/{_STRANGER}") in found.by_hand


def test_a_member_is_given_back_to_a_group_that_policies_only_leave_out() -> None:
    for identity in (_STRANGER, BREAK_GLASS_1.id):
        assert _objected(LEFT_OUT, _target(LEFT_OUT, given=_leaf(identity))) == {}


def test_no_emergency_account_is_put_into_a_group_that_a_policy_includes() -> None:
    leaf = _leaf(BREAK_GLASS_1.id)
    both = _policy(excludeGroups=[_OTHER], includeGroups=[_OTHER])
    found = _objected(LEFT_OUT, _target(LEFT_OUT, given=leaf), _tenant(LEFT_OUT, policy=both))[leaf]
    assert (found.guard, found.can_pass) == ("emergency-sign-in", True)
    assert "CA1" in found.because
    assert _objected(LEFT_OUT, _target(LEFT_OUT, given=_leaf(_STRANGER)), _tenant(LEFT_OUT, policy=both)) == {}
    unread = _tenant(LEFT_OUT)
    unread.granted.remove(Permission.POLICY_READ)
    assert _objected(LEFT_OUT, _target(LEFT_OUT, given=leaf), unread)[leaf].guard == "emergency-sign-in"


def _above(number: int, request: Request) -> Answer | None:
    del number
    if request.url.endswith("/transitiveMemberOf"):
        return answer_of({"value": [{"@odata.type": "#microsoft.graph.group", "id": _NESTED}]})
    return None


def test_a_policy_reaches_a_group_through_the_groups_that_it_is_in() -> None:
    leaf = _leaf(BREAK_GLASS_1.id)
    tenant = _tenant(LEFT_OUT, policy=_policy(excludeGroups=[_OTHER], includeGroups=[_NESTED]), spoil=_above)
    assert _objected(LEFT_OUT, _target(LEFT_OUT, given=leaf), tenant)[leaf].guard == "emergency-sign-in"


def _administrator(*holders: str) -> list[Image]:
    role = {"roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/"}
    return [role | {"id": f"r{place}", "principalId": each} for place, each in enumerate(holders)]


def test_the_last_global_administrators_stay() -> None:
    alone = _with(members=[_STRANGER], owners=[])
    target: dict[str, Json] = {EXISTS: True}
    principals: dict[str, Image] = {ALICE.id: {"id": ALICE.id, "accountEnabled": False}}
    tenant = _tenant(alone, principals=principals, directory_roles=_administrator(_ID, ALICE.id))
    assert _objected(alone, target, tenant)[_leaf(_STRANGER)].guard == "last-holder"
    principals[ALICE.id]["accountEnabled"] = True
    assert _objected(alone, target, tenant) == {}
    elsewhere = _tenant(alone, directory_roles=_administrator(ALICE.id))
    assert _objected(alone, target, elsewhere) == {}
    tenant.granted.remove(Permission.ROLE_MANAGEMENT_READ)
    unread = _objected(alone, target, tenant)[_leaf(_STRANGER)]
    assert (unread.guard, unread.can_pass) == ("last-holder", True)
    assert "could not be read" in unread.because


def test_a_rule_is_set_back_unless_an_emergency_account_may_come_or_go_by_it() -> None:
    target = KIND.leaves(DYNAMIC) | {"membershipRule": "other"}
    assert _objected(DYNAMIC, target) == {}
    inside = _with(DYNAMIC, members=[BREAK_GLASS_1.id])
    assert _objected(DYNAMIC, target, _tenant(inside))["membershipRule"].guard == "emergency-account"
    included = _tenant(DYNAMIC, policy=_policy(includeGroups=[_OTHER]))
    assert _objected(DYNAMIC, target, included)["membershipRule"].guard == "emergency-sign-in"
    without: dict[str, Json] = {leaf: value for leaf, value in target.items() if leaf != "membershipRule"}
    found = _objected(DYNAMIC, without | {_leaf(_STRANGER): _STRANGER})
    assert {leaf: each.guard for leaf, each in found.items()} == {
        "membershipRule": "not-writable",
        _leaf(_STRANGER): "not-writable",
    }


def test_a_synchronised_group_and_the_group_itself_are_never_written() -> None:
    synchronised = _with(onPremisesSyncEnabled=True)
    assert _objected(synchronised, _target(synchronised, taken=_leaf(TRUDY.id)))[WHOLE].guard == "foreign-master"
    assert _objected(STANDS, {})[WHOLE].guard == "not-writable"


def test_whoever_leaves_or_joins_loses_or_gains() -> None:
    before, after = KIND.leaves(STANDS), KIND.leaves(_with(members=[ALICE.id], owners=[ALICE.id, _STRANGER]))
    assert (KIND.loses(before, after), KIND.gains(before, after)) == ({TRUDY.id}, {_STRANGER})


def test_a_part_of_the_difference_is_judged_by_the_same_look() -> None:
    """What people asked for is tried first, and the rest by what was read for that."""
    grown = _with(members=[TRUDY.id, _STRANGER, _NESTED], owners=[ALICE.id])
    within = _with(id=_NESTED, isAssignableToRole=False, members=[BREAK_GLASS_1.id], owners=[])
    baseline = {
        leaf: BaselineLeaf(value=value, provenance=Provenance.ACCEPTED, since=AT)
        for leaf, value in KIND.leaves(STANDS).items()
    }

    def facts(taken: str, around: object) -> GuardFacts:
        stands = KIND.leaves(grown)
        return GuardFacts(
            tenant=api.tenant,
            object_id=_ID,
            op=Op.UPDATE,
            steps={taken: (stands[taken], None)},
            stands=stands,
            target={leaf: value for leaf, value in stands.items() if leaf != taken},
            stands_image=grown,
            around=around,
            baseline=baseline,
            emergency=EMERGENCY,
        )

    api = _tenant(grown, within).edges()
    read = KIND.look_around(api, facts(_leaf(_STRANGER), None))
    assert KIND.objections(facts(_leaf(_STRANGER), read)) == {}
    assert KIND.objections(facts(_leaf(_NESTED), read))[_leaf(_NESTED)].guard == "emergency-account"
    unread = KIND.objections(facts(_leaf(TRUDY.id), read))[_leaf(TRUDY.id)]
    assert (unread.guard, unread.can_pass) == ("emergency-account", True)


# Writing.


def test_every_removal_ends_with_ref_since_without_it_the_account_would_be_deleted() -> None:
    removals = [each for each in KIND.by_hand if each.method == "DELETE"]
    assert removals == [REMOVE_MEMBER, REMOVE_OWNER]
    assert {each.path.rpartition("/")[2] for each in removals} == {"$ref"}
    assert not any(each.method == "DELETE" for each in KIND.calls)


def test_members_and_owners_are_taken_out_one_by_one() -> None:
    grown = _with(members=[*STANDS["members"], _STRANGER], owners=[ALICE.id, _STRANGER])
    tenant = _tenant(grown)
    KIND.write(tenant.edges(), write_of(KIND, _ID, grown, KIND.leaves(STANDS)))
    assert tenant.shelves[KIND.kind][_ID] == STANDS
    assert [each.url for each in tenant.writes] == [
        f"/groups/{_ID}/{which}/{_STRANGER}/$ref" for which in ("members", "owners")
    ]
    with pytest.raises(DoneAlready):
        KIND.write(tenant.edges(), write_of(KIND, _ID, grown, KIND.leaves(STANDS)))


def test_a_member_is_given_back_and_a_rule_set_back() -> None:
    tenant = _tenant(_with(LEFT_OUT, members=[ALICE.id]))
    less = _with(LEFT_OUT, members=[ALICE.id])
    write = write_of(KIND, _OTHER, less, KIND.leaves(LEFT_OUT))
    KIND.write(tenant.edges(), write)
    assert tenant.shelves[KIND.kind][_OTHER]["members"] == LEFT_OUT["members"]
    with pytest.raises(DoneAlready):
        KIND.write(tenant.edges(), write)
    tenant = _tenant(_with(DYNAMIC, membershipRule="true"))
    KIND.write(tenant.edges(), write_of(KIND, _OTHER, _with(DYNAMIC, membershipRule="true"), KIND.leaves(DYNAMIC)))
    assert tenant.shelves[KIND.kind][_OTHER]["membershipRule"] == _RULE


def test_without_the_permission_the_page_has_every_command() -> None:
    grown = _with(members=[*STANDS["members"], _STRANGER], owners=[ALICE.id, _STRANGER])
    tenant = _tenant(grown, granted={Permission.GROUP_MEMBER_READ, Permission.GROUP_MEMBER_WRITE})
    with pytest.raises(Refused) as refused:
        KIND.write(tenant.edges(), write_of(KIND, _ID, grown, KIND.leaves(STANDS)))
    for which in ("members", "owners"):
        assert f"groups/{_ID}/{which}/{_STRANGER}/$ref" in refused.value.by_hand


def test_the_last_owner_stays_with_graph_and_the_page_says_how_to_go_on() -> None:
    alone = _with(owners=[_STRANGER])
    without = {leaf: value for leaf, value in KIND.leaves(alone).items() if leaf != _leaf(_STRANGER, "owners")}
    with pytest.raises(Rejected) as rejected:
        KIND.write(_tenant(alone).edges(), write_of(KIND, _ID, alone, without))
    assert f"owners/{_STRANGER}/$ref" in rejected.value.by_hand


def test_a_group_itself_is_neither_made_nor_deleted() -> None:
    for stands, values in ((None, KIND.leaves(STANDS)), (STANDS, cast("dict[str, Json]", {}))):
        tenant = _tenant(STANDS)
        with pytest.raises(Rejected):
            KIND.write(tenant.edges(), write_of(KIND, _ID, stands, values))
        assert tenant.writes == []
