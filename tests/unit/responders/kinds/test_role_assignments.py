"""Role assignments: their leaves, what records say of them, what guards refuse, and what is written."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from responders.kinds.role_assignments import ROLE_ASSIGNMENT, leaves
from shared.model.errors import BadIdentifier, DoneAlready, Locked, Rejected
from shared.model.events import Actor, ActorKind, AuditEvent, Log, ResourceEvent
from shared.model.kinds import Image
from shared.model.object_kinds import Search
from shared.model.objects import (
    EXISTS,
    WHOLE,
    BaselineLeaf,
    Leaves,
    ObjectChange,
    ObjectId,
    Op,
    Provenance,
)
from tests.fakes.kinds import ACCEPTED, objections, write_of
from tests.fakes.situations import ALICE, ASSIGNMENT_ID, AT, CONTRIBUTOR, MALLORY, OWNER, SCOPE, TRUDY, role_assignment
from tests.fakes.tenant import RESPONDER_ID, SUBSCRIPTION, TENANT_ID, Answer, FakeTenant, Request, answer_of

_OTHER = ASSIGNMENT_ID[:-4] + "ffff"
_CONDITION = "@Resource[Microsoft.Storage/storageAccounts:name] StringEquals 'shop'"
_PIM = Actor(id="01fc0000-78ba-4d2f-a4b7-768e336e890e", name="MS-PIM", kind=ActorKind.SERVICE_PRINCIPAL)
_PIPELINE = "6d0c0000-90b4-4e1f-9d2e-41b35c7f0a18"
_USER_ACCESS_ADMINISTRATOR = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
_RBAC_ADMINISTRATOR = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
_READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


def _standing(*assignments: Image, **more: Any) -> FakeTenant:  # noqa: ANN401 - fields of the fake
    return FakeTenant(role_assignments={str(each["id"]).lower(): each for each in assignments}, **more)


def _person(identity: str, *, enabled: bool = True) -> Image:
    return {"@odata.type": "#microsoft.graph.user", "id": identity, "accountEnabled": enabled}


def _refusing(code: str) -> Callable[[int, Request], Answer]:
    return lambda _number, _request: answer_of({"error": {"code": code, "message": "No."}}, 403)


# Leaves.


def test_it_is_split_into_what_it_gives() -> None:
    assignment = role_assignment(
        role=OWNER.upper(), holder=MALLORY.id.upper(), condition=_CONDITION, conditionVersion="2.0", description=" For "
    )
    assert leaves(assignment) == {
        EXISTS: True,
        "roleDefinitionId": OWNER,
        "principalId": MALLORY.id,
        "scope": SCOPE.lower(),
        "condition": _CONDITION,
        "conditionVersion": "2.0",
        "description": "For",
    }
    assert ROLE_ASSIGNMENT.id_of(assignment) == ASSIGNMENT_ID.lower()
    assert ROLE_ASSIGNMENT.name_of(assignment) == f"Owner ({OWNER}) of {MALLORY.id} at {SCOPE.lower()}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"description": None}, {"description": ""}),
        ({}, {"condition": ""}),
        ({"conditionVersion": None}, {"conditionVersion": "2.0"}),
        ({"delegatedManagedIdentityResourceId": None}, {"delegatedManagedIdentityResourceId": ""}),
        (
            {"delegatedManagedIdentityResourceId": "/subscriptions/S/resourceGroups/RG"},
            {"delegatedManagedIdentityResourceId": "/subscriptions/s/resourcegroups/rg"},
        ),
        ({"scope": SCOPE.upper()}, {"scope": None}),
        ({}, {"roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{CONTRIBUTOR.upper()}"}),
    ],
)
def test_spellings_of_the_same_are_the_same(one: Image, other: Image) -> None:
    assert leaves(role_assignment(**one)) == leaves(role_assignment(**other))


@pytest.mark.parametrize(
    "change",
    [{"condition": _CONDITION}, {"description": "x"}, {"principalId": TRUDY.id}, {"scope": "/subscriptions/s"}],
)
def test_what_differs_differs(change: Image) -> None:
    assert leaves(role_assignment(**change)) != leaves(role_assignment())


# Records.


def _event(operation: str, outcome: str = "success", resource: str = ASSIGNMENT_ID) -> ResourceEvent:
    return ResourceEvent(
        id="e",
        tenant_id=TENANT_ID,
        subscription_id=SUBSCRIPTION,
        at=AT,
        operation=operation,
        outcome=outcome,
        correlation_id="c",
        actor=MALLORY,
        resource_id=resource,
    )


@pytest.mark.parametrize(
    ("operation", "op", "wrote"),
    [
        ("Microsoft.Authorization/roleAssignments/write", Op.UPDATE, {}),
        ("MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/WRITE", Op.UPDATE, {}),
        ("Microsoft.Authorization/roleAssignments/delete", Op.DELETE, {EXISTS: (True, None)}),
    ],
)
def test_an_event_tells_of_a_change_without_its_values(operation: str, op: Op, wrote: Mapping[str, Any]) -> None:
    (recorded,) = ROLE_ASSIGNMENT.recorded(_event(operation))
    assert (recorded.object_id, recorded.op, recorded.wrote, recorded.is_whole) == (
        ASSIGNMENT_ID.lower(),
        op,
        wrote,
        False,
    )


@pytest.mark.parametrize(
    "event",
    [
        _event("Microsoft.Authorization/roleAssignments/write", "started"),
        _event("Microsoft.Authorization/roleAssignments/write", "failure"),
        _event("Microsoft.Authorization/roleDefinitions/write"),
        AuditEvent(
            id="a",
            tenant_id=TENANT_ID,
            at=AT,
            activity="Add member to role",
            category="",
            service="Core Directory",
            outcome="success",
            reason="",
            correlation_id="",
            actor=MALLORY,
        ),
    ],
)
def test_other_events_tell_nothing(event: Any) -> None:  # noqa: ANN401 - either kind
    assert ROLE_ASSIGNMENT.recorded(event) == ()


# Reading, searching, lanes.


def test_it_is_read_by_its_id_and_found_by_what_it_gives() -> None:
    tenant = _standing(role_assignment(assignment_id=_OTHER))
    api = tenant.edges()
    assert ROLE_ASSIGNMENT.read(api, ASSIGNMENT_ID) is None
    wanted = Search(ids=(ASSIGNMENT_ID,), name="", target=leaves(role_assignment()))
    found = ROLE_ASSIGNMENT.found(api, wanted)
    assert found is not None
    assert found["id"] == _OTHER
    different = Search(ids=(ASSIGNMENT_ID,), name="", target=leaves(role_assignment(holder=TRUDY.id)))
    assert ROLE_ASSIGNMENT.found(api, different) is None
    assert ROLE_ASSIGNMENT.found(api, Search(ids=(_OTHER,), name="", target={})) is not None


def test_holders_of_one_scope_share_a_lane_whether_it_stands_or_not() -> None:
    of = ObjectId(tenant_id="t", kind=ROLE_ASSIGNMENT.kind, key="k")
    images = (None, role_assignment())
    lanes = {ROLE_ASSIGNMENT.lane(of, each, image) for each in (ASSIGNMENT_ID, _OTHER.upper()) for image in images}
    assert lanes == {f"t|role-assignment|{SCOPE.lower()}"}


def test_who_loses_and_gains() -> None:
    held, other = leaves(role_assignment()), leaves(role_assignment(holder=TRUDY.id))
    narrowed, described = leaves(role_assignment(condition="c")), leaves(role_assignment(description="d"))
    cases: list[tuple[Leaves, Leaves, set[str], set[str]]] = [
        (held, {}, {MALLORY.id}, set()),
        ({}, held, set(), {MALLORY.id}),
        (held, other, {MALLORY.id}, {TRUDY.id}),
        (held, narrowed, {MALLORY.id}, {MALLORY.id}),
        (held, described, set(), set()),
    ]
    for before, after, loses, gains in cases:
        assert ROLE_ASSIGNMENT.loses(before, after) == loses
        assert ROLE_ASSIGNMENT.gains(before, after) == gains


# Guards.


@pytest.mark.parametrize("role", [OWNER, _USER_ACCESS_ADMINISTRATOR, _RBAC_ADMINISTRATOR])
@pytest.mark.parametrize("stands", [None, {"condition": None}])
def test_a_role_that_can_give_any_role_is_never_given(role: str, stands: Image | None) -> None:
    target = leaves(role_assignment(role=role, condition=_CONDITION, conditionVersion="2.0"))
    image = stands and role_assignment(role=role, **stands)
    found = objections(ROLE_ASSIGNMENT, FakeTenant().edges(), ASSIGNMENT_ID, image, target)[WHOLE]
    assert (found.guard, found.can_pass) == ("never-given", False)
    assert (
        f"--name 0a551600-0001-4e1f-8c3a-5d7b9f204e61 --role {role} --assignee-object-id {MALLORY.id}" in found.by_hand
    )
    assert "--condition '@Resource[Microsoft.Storage/storageAccounts:name] StringEquals '" in found.by_hand
    assert ("--assignee-principal-type User" in found.by_hand) == (image is not None)


def test_another_role_is_given_without_asking_who_else_holds_it() -> None:
    tenant = _standing()
    assert objections(ROLE_ASSIGNMENT, tenant.edges(), ASSIGNMENT_ID, None, leaves(role_assignment())) == {}
    assert [request.url.rpartition("/")[2] for request in tenant.log] == ["roleAssignmentScheduleRequests"]


_HOLDERS: list[tuple[str, dict[str, Any], dict[str, Image], dict[str, list[str]], bool | None]] = [
    ("nobody else", {}, {}, {}, False),
    ("somebody enabled", {"holder": TRUDY.id}, {TRUDY.id: _person(TRUDY.id)}, {}, True),
    ("somebody disabled", {"holder": TRUDY.id}, {TRUDY.id: _person(TRUDY.id, enabled=False)}, {}, False),
    ("somebody deleted", {"holder": TRUDY.id}, {}, {}, False),
    ("the same holder twice", {"holder": MALLORY.id}, {MALLORY.id: _person(MALLORY.id)}, {}, False),
    ("another role", {"holder": TRUDY.id, "role": CONTRIBUTOR}, {TRUDY.id: _person(TRUDY.id)}, {}, False),
    (
        "an application",
        {"holder": TRUDY.id, "principalType": "ServicePrincipal"},
        {TRUDY.id: {"id": TRUDY.id, "accountEnabled": True}},
        {},
        True,
    ),
    (
        "a group with somebody enabled",
        {"holder": TRUDY.id, "principalType": "Group"},
        {ALICE.id: _person(ALICE.id)},
        {TRUDY.id: [ALICE.id]},
        True,
    ),
    (
        "a group with nobody enabled",
        {"holder": TRUDY.id, "principalType": "Group"},
        {ALICE.id: _person(ALICE.id, enabled=False)},
        {TRUDY.id: [ALICE.id]},
        False,
    ),
    ("a group that can't be read", {"holder": TRUDY.id, "principalType": "Group"}, {}, {}, None),
]


@pytest.mark.parametrize(
    ("other", "principals", "groups", "living"), [row[1:] for row in _HOLDERS], ids=[row[0] for row in _HOLDERS]
)
def test_the_last_living_holder_stays(
    *, other: dict[str, Any], principals: dict[str, Image], groups: dict[str, list[str]], living: bool | None
) -> None:
    own = role_assignment(role=OWNER)
    wanted: dict[str, Any] = {"assignment_id": _OTHER, "role": OWNER} | other
    others = [role_assignment(**wanted)] if other else []
    api = _standing(own, *others, principals=principals, groups=groups).edges()
    found = objections(ROLE_ASSIGNMENT, api, ASSIGNMENT_ID, own, {}, baseline=ACCEPTED)
    if living:
        assert found == {}
        return
    assert (found[WHOLE].guard, found[WHOLE].can_pass) == ("last-holder", True)
    assert ("could not be read" in found[WHOLE].because) == (living is None)


@pytest.mark.parametrize(
    ("place", "is_asked", "is_protected"),
    [
        (None, False, False),
        (BaselineLeaf(value=None, provenance=Provenance.APPROVED, since=AT), False, False),
        (BaselineLeaf(value=True, provenance=Provenance.FIRST_SEEN, since=AT), False, False),
        (BaselineLeaf(value=True, provenance=Provenance.PUT_BACK, since=AT), False, True),
        (None, True, True),
    ],
)
def test_an_attacker_who_removed_the_others_is_not_protected(
    *, place: BaselineLeaf | None, is_asked: bool, is_protected: bool
) -> None:
    own = role_assignment(role=OWNER)
    baseline = {} if place is None else {EXISTS: place}
    api = _standing(own).edges()
    found = objections(ROLE_ASSIGNMENT, api, ASSIGNMENT_ID, own, {}, baseline=baseline, is_asked=is_asked)
    assert bool(found) == is_protected


def test_other_holders_that_cannot_be_listed_are_unknown() -> None:
    own = role_assignment(role=OWNER)
    tenant = _standing(own, spoil=_refusing("x"))
    found = objections(ROLE_ASSIGNMENT, tenant.edges(), ASSIGNMENT_ID, own, {}, baseline=ACCEPTED)
    assert "could not be read" in found[WHOLE].because


@pytest.mark.parametrize("role", [OWNER, CONTRIBUTOR])
@pytest.mark.parametrize("is_part", [False, True])
def test_another_assignment_with_this_id_is_left_alone_and_the_commands_give_nothing_of_it_to_its_holder(
    role: str, *, is_part: bool
) -> None:
    """Judged in parts, the target has the role of the one and the holder of the other."""
    own = role_assignment(role=_READER, holder=TRUDY.id)
    before = leaves(role_assignment(role=role))
    target = leaves(role_assignment(role=role, holder=TRUDY.id)) if is_part else before
    baseline = {
        leaf: BaselineLeaf(value=value, provenance=Provenance.ACCEPTED, since=AT) for leaf, value in before.items()
    }
    found = objections(ROLE_ASSIGNMENT, _standing(own).edges(), ASSIGNMENT_ID, own, target, baseline=baseline)[WHOLE]
    assert (found.guard, found.can_pass) == ("identity", False)
    removal, _, creation = found.by_hand.partition("; ")
    assert removal == f"az role assignment delete --ids {ASSIGNMENT_ID}"
    assert f"--role {role} --assignee-object-id {MALLORY.id}" in creation
    assert TRUDY.id not in found.by_hand


# PIM.


def _request(kind: str, *, by: str = TRUDY.id, minutes: float = -1, **more: Any) -> Image:  # noqa: ANN401 - JSON
    properties = {
        "scope": SCOPE,
        "roleDefinitionId": f"{SCOPE}/providers/Microsoft.Authorization/roleDefinitions/{CONTRIBUTOR}",
        "principalId": MALLORY.id,
        "requestType": kind,
        "requestorId": by,
        "createdOn": (AT + timedelta(minutes=minutes)).isoformat(),
        "scheduleInfo": {"expiration": {"type": "NoExpiration"}},
        "status": "Provisioned",
    }
    return {"properties": properties | more}


def _until(minutes: float, *, begun: float) -> Image:
    begins = (AT + timedelta(minutes=begun)).isoformat()
    return {"startDateTime": begins, "expiration": {"type": "AfterDuration", "duration": f"PT{int(minutes - begun)}M"}}


_DAY: Image = {"expiration": {"type": "AfterDateTime", "endDateTime": "2026-03-03T10:00:00Z"}}


@pytest.mark.parametrize(
    ("requests", "refused"),
    [
        ([], None),
        ([_request("AdminAssign")], None),
        ([_request("SelfActivate", scheduleInfo=_DAY)], False),
        ([_request("SelfActivate", scheduleInfo=_DAY, scope="/subscriptions/other")], None),
        ([_request("SelfActivate", minutes=-90, scheduleInfo=_DAY), _request("AdminAssign")], None),
    ],
)
def test_what_was_bound_in_time_never_comes_back_for_ever(*, requests: list[Image], refused: bool | None) -> None:
    api = _standing(schedule_requests=requests).edges()
    found = objections(ROLE_ASSIGNMENT, api, ASSIGNMENT_ID, None, leaves(role_assignment()))
    assert (found[WHOLE].can_pass if found else None) is refused


@pytest.mark.parametrize(("code", "refused"), [("AadPremiumLicenseRequired", False), ("AuthorizationFailed", True)])
def test_requests_that_cannot_be_read_are_unknown_but_for_the_licence(*, code: str, refused: bool) -> None:
    tenant = _standing(spoil=_refusing(code))
    found = objections(ROLE_ASSIGNMENT, tenant.edges(), ASSIGNMENT_ID, None, leaves(role_assignment()))
    assert bool(found) == refused
    assert all(each.can_pass for each in found.values())


# Writing.


def test_it_is_taken_away_and_that_it_is_gone_already_is_no_failure() -> None:
    own = role_assignment()
    tenant = _standing(own)
    write = write_of(ROLE_ASSIGNMENT, ASSIGNMENT_ID, own, {})
    for _ in range(2):
        assert ROLE_ASSIGNMENT.write(tenant.edges(), write) == ASSIGNMENT_ID
        assert tenant.role_assignments == {}


@pytest.mark.parametrize("stands", [None, {"condition": "other", "description": "by Mallory"}])
def test_afterwards_it_shows_exactly_the_target(stands: Image | None) -> None:
    before = role_assignment(condition=_CONDITION, conditionVersion="2.0", principalType="ServicePrincipal")
    image = stands and role_assignment(**stands)
    tenant = _standing(*([image] if image else []))
    write = write_of(ROLE_ASSIGNMENT, ASSIGNMENT_ID, image, leaves(before), source=before)
    assert ROLE_ASSIGNMENT.write(tenant.edges(), write) == ASSIGNMENT_ID
    (written,) = tenant.role_assignments.values()
    assert leaves(written) == leaves(before)
    assert written["properties"]["principalType"] == "ServicePrincipal"


def test_the_type_of_another_holder_is_not_sent() -> None:
    tenant = FakeTenant()
    write = write_of(
        ROLE_ASSIGNMENT, ASSIGNMENT_ID, None, leaves(role_assignment()), source=role_assignment(holder=TRUDY.id)
    )
    ROLE_ASSIGNMENT.write(tenant.edges(), write)
    assert "principalType" not in tenant.writes[0].body["properties"]


@pytest.mark.parametrize(
    ("other", "same"), [({}, True), ({"condition": "another"}, False), ({"description": "another"}, False)]
)
def test_the_same_given_by_somebody_who_was_faster_counts_only_if_all_of_it_is_the_same(
    *, other: Image, same: bool
) -> None:
    tenant = _standing(role_assignment(assignment_id=_OTHER, **other))
    write = write_of(ROLE_ASSIGNMENT, ASSIGNMENT_ID, None, leaves(role_assignment()))
    if same:
        with pytest.raises(DoneAlready) as found:
            ROLE_ASSIGNMENT.write(tenant.edges(), write)
        assert found.value.tenants_id == _OTHER.lower()
        return
    with pytest.raises(Rejected) as refused:
        ROLE_ASSIGNMENT.write(tenant.edges(), write)
    assert refused.value.code == "RoleAssignmentExists"


@pytest.mark.parametrize(("by", "is_ours"), [(MALLORY.id, False), (RESPONDER_ID, True)])
def test_the_same_given_under_the_same_id_meanwhile_is_not_ours(*, by: str, is_ours: bool) -> None:
    tenant = _standing(role_assignment(by=by))
    write = write_of(ROLE_ASSIGNMENT, ASSIGNMENT_ID, None, leaves(role_assignment()))
    if is_ours:
        assert ROLE_ASSIGNMENT.write(tenant.edges(), write) == ASSIGNMENT_ID
        return
    with pytest.raises(DoneAlready):
        ROLE_ASSIGNMENT.write(tenant.edges(), write)


def test_a_lock_is_named_with_the_command_that_lifts_it() -> None:
    own = role_assignment()
    lock = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-shop/providers/Microsoft.Authorization/locks/keep"
    tenant = _standing(own, locks=[lock])
    with pytest.raises(Locked) as locked:
        ROLE_ASSIGNMENT.write(tenant.edges(), write_of(ROLE_ASSIGNMENT, ASSIGNMENT_ID, own, {}))
    assert lock in str(locked.value)
    assert locked.value.by_hand == f"az lock delete --subscription {SUBSCRIPTION} --ids {lock}"


def test_a_lock_that_cannot_be_read_is_still_a_lock() -> None:
    own = role_assignment()

    def no_locks(_number: int, request: Request) -> Any:  # noqa: ANN401 - an answer
        refused = request.url.endswith("/locks")
        return answer_of({"error": {"code": "AuthorizationFailed", "message": ""}}, 403) if refused else None

    tenant = _standing(own, locks=[f"{SCOPE}/providers/Microsoft.Authorization/locks/keep"], spoil=no_locks)
    with pytest.raises(Locked) as locked:
        ROLE_ASSIGNMENT.write(tenant.edges(), write_of(ROLE_ASSIGNMENT, ASSIGNMENT_ID, own, {}))
    assert locked.value.by_hand == f"az lock list --subscription {SUBSCRIPTION} --output table"


def test_a_text_that_is_no_assignment_reaches_no_url() -> None:
    tenant = FakeTenant()
    evil = f"{SCOPE}/../x/providers/Microsoft.Authorization/roleAssignments/{ASSIGNMENT_ID[-36:]}"
    with pytest.raises(BadIdentifier):
        ROLE_ASSIGNMENT.read(tenant.edges(), evil)
    assert tenant.log == []


# Who did it.


def _change(op: Op, actor: Actor = MALLORY, minutes: float = 0) -> ObjectChange:
    at = AT + timedelta(minutes=minutes)
    return ObjectChange(id="c", log=Log.RESOURCE, actor=actor, at=at, arrived_at=at, op=op, object_id=ASSIGNMENT_ID)


def _confirmed(tenant: FakeTenant, change: ObjectChange, image: Image | None) -> Any:  # noqa: ANN401 - a confirmation
    assert ROLE_ASSIGNMENT.confirm is not None
    return ROLE_ASSIGNMENT.confirm(tenant.edges(), change, image)


def test_it_says_itself_who_made_it_and_who_wrote_it_last() -> None:
    stamps = ROLE_ASSIGNMENT.made(role_assignment(by=MALLORY.id.upper(), updated_by=ALICE.id))
    assert (stamps.by, stamps.at, stamps.changed_by, stamps.changed_at) == (MALLORY.id, AT, ALICE.id, AT)
    assert ROLE_ASSIGNMENT.made({"id": ASSIGNMENT_ID}).at is None
    assert ROLE_ASSIGNMENT.made(role_assignment(createdOn="2026-03-02T10:00:00")).at is None


@pytest.mark.parametrize(
    ("image", "change", "is_true"),
    [
        (role_assignment(), _change(Op.UPDATE), True),
        (role_assignment(), _change(Op.UPDATE, minutes=4), True),
        (role_assignment(), _change(Op.UPDATE, minutes=6), None),
        (role_assignment(), _change(Op.UPDATE, actor=ALICE), None),
        (role_assignment(), _change(Op.UPDATE, actor=ALICE, minutes=4), None),
        (role_assignment(updated_by=ALICE.id), _change(Op.UPDATE, actor=ALICE), True),
        (role_assignment(createdOn=None, updatedOn=None), _change(Op.UPDATE), None),
        (None, _change(Op.UPDATE), None),
    ],
)
def test_a_delivery_that_told_of_a_write_is_confirmed_by_the_stamps(
    *, image: Image | None, change: ObjectChange, is_true: bool | None
) -> None:
    assert _confirmed(FakeTenant(), change, image).is_true is is_true


@pytest.mark.parametrize(("who", "is_true"), [(ALICE, True), (MALLORY, False)])
def test_of_two_writes_in_the_same_seconds_the_log_tells_which_there_were(who: Actor, *, is_true: bool) -> None:
    """The assignment names the last one only: that isn't to say that nobody wrote it right before."""
    written = _logged(who.id, operation="Microsoft.Authorization/roleAssignments/write")
    confirmed = _confirmed(FakeTenant(activity=[written]), _change(Op.UPDATE, actor=ALICE), role_assignment())
    assert confirmed.is_true is is_true


def test_a_write_that_another_one_followed_is_confirmed_by_azures_own_log() -> None:
    """An assignment names only who made it and who wrote it last."""
    written = _logged(ALICE.id, operation="Microsoft.Authorization/roleAssignments/write")
    image = role_assignment(updated_by=TRUDY.id, updatedOn=(AT + timedelta(minutes=1)).isoformat())
    assert (
        _confirmed(FakeTenant(activity=[written]), _change(Op.UPDATE, actor=ALICE, minutes=0.1), image).is_true is True
    )


def _logged(
    actor: str, operation: str = "Microsoft.Authorization/roleAssignments/delete", status: str = "Succeeded"
) -> Image:
    claims = {"http://schemas.microsoft.com/identity/claims/objectidentifier": actor, "idtyp": "user"}
    return {
        "eventTimestamp": "2026-03-02T10:00:01.5Z",
        "operationName": {"value": operation},
        "status": {"value": status},
        "resourceId": ASSIGNMENT_ID,
        "claims": claims,
    }


@pytest.mark.parametrize(
    ("activity", "is_true"),
    [
        ([], None),
        ([_logged(MALLORY.id)], True),
        ([_logged(ALICE.id)], False),
        ([_logged(ALICE.id) | {"eventTimestamp": "2026-03-02T09:57:00Z"}], None),
        ([_logged(ALICE.id, status="Started")], None),
        ([_logged(MALLORY.id, operation="Microsoft.Authorization/roleAssignments/write")], None),
        ([_logged(MALLORY.id) | {"eventTimestamp": "yesterday"}], None),
        ([_logged(MALLORY.id) | {"resourceId": _OTHER}], None),
    ],
)
def test_a_delivery_that_told_of_a_deletion_is_confirmed_by_azures_own_log(
    *, activity: list[Image], is_true: bool | None
) -> None:
    tenant = FakeTenant(activity=activity)
    assert _confirmed(tenant, _change(Op.DELETE), None).is_true is is_true
    assert tenant.log[-1].query["$filter"] == (
        "eventTimestamp ge '2026-03-02T09:55:00Z' and eventTimestamp le '2026-03-02T10:05:00Z' "
        f"and resourceUri eq '{ASSIGNMENT_ID}'"
    )


@pytest.mark.parametrize(("actor", "is_true"), [(MALLORY, True), (ALICE, False)])
def test_a_write_of_what_is_gone_again_is_confirmed_by_azures_own_log(*, actor: Actor, is_true: bool) -> None:
    written = _logged(actor.id, operation="Microsoft.Authorization/roleAssignments/write")
    tenant = FakeTenant(activity=[written, _logged(TRUDY.id)])
    assert _confirmed(tenant, _change(Op.UPDATE), None).is_true is is_true


def test_a_deletion_of_what_is_there_is_not_confirmed() -> None:
    tenant = _standing(role_assignment(), activity=[_logged(MALLORY.id)])
    assert _confirmed(tenant, _change(Op.DELETE), None).is_true is None


def test_a_deletion_of_what_was_given_again_since_is_confirmed_by_azures_own_log() -> None:
    again = role_assignment(created_at=AT + timedelta(seconds=1))
    tenant = _standing(again, activity=[_logged(MALLORY.id)])
    assert _confirmed(tenant, _change(Op.DELETE), again).is_true is True


def test_pims_own_identity_stands_for_whoever_asked_it() -> None:
    image = role_assignment(by=_PIM.id)
    asked = [_request("AdminAssign", minutes=-200), _request("SelfActivate", by=ALICE.id)]
    tenant = _standing(schedule_requests=asked, principals={ALICE.id: _person(ALICE.id)})
    found = _confirmed(tenant, _change(Op.UPDATE, _PIM), image)
    assert (found.is_true, found.actor.id, found.actor.kind) == (True, ALICE.id, ActorKind.USER)


@pytest.mark.parametrize(
    ("spoilt", "kind"),
    [
        (None, ActorKind.SERVICE_PRINCIPAL),
        (answer_of({"error": {"code": "Authorization_RequestDenied"}}, 403), ActorKind.UNKNOWN),
        (answer_of({"error": {"code": "Request_ResourceNotFound"}}, 404), ActorKind.UNKNOWN),
        (answer_of({"error": {"code": "ServiceNotAvailable"}}, 503), None),
    ],
)
def test_what_asked_pim_is_of_the_kind_that_the_directory_says(
    *, spoilt: Answer | None, kind: ActorKind | None
) -> None:
    def spoil(_number: int, request: Request) -> Answer | None:
        if request.url.startswith("/users/"):
            return spoilt or answer_of({"error": {"code": "Request_ResourceNotFound"}}, 404)
        return spoilt if request.url.startswith("/servicePrincipals/") else None

    image = role_assignment(by=_PIM.id)
    asked = [_request("AdminAssign", by=_PIPELINE)]
    tenant = _standing(schedule_requests=asked, principals={_PIPELINE: {"id": _PIPELINE}}, spoil=spoil)
    found = _confirmed(tenant, _change(Op.UPDATE, _PIM), image)
    assert (found.is_true, found.actor and found.actor.kind) == (None if kind is None else True, kind)


def test_a_pipeline_that_asked_nobody_stays_itself() -> None:
    image = role_assignment(by=_PIM.id)
    found = _confirmed(
        _standing(schedule_requests=[_request("AdminAssign", minutes=-60)]), _change(Op.UPDATE, _PIM), image
    )
    assert (found.is_true, found.actor) == (True, None)


def test_where_pim_cannot_be_asked_it_is_unknown_who_did_it() -> None:
    tenant = _standing(spoil=_refusing("x"))
    assert _confirmed(tenant, _change(Op.UPDATE, _PIM), role_assignment(by=_PIM.id)).is_true is None


@pytest.mark.parametrize(
    ("asked", "is_expiry", "actor"),
    [
        ([_request("SelfActivate", minutes=-480, scheduleInfo=_until(0, begun=-480))], True, None),
        ([_request("SelfActivate", minutes=-480, scheduleInfo=_until(60, begun=-480))], False, None),
        (
            [
                _request("SelfActivate", minutes=-480, scheduleInfo=_until(0, begun=-480)),
                _request("AdminRemove", by=ALICE.id),
            ],
            False,
            ALICE.id,
        ),
        ([_request("AdminAssign", minutes=-480)], False, None),
        ([], False, None),
    ],
)
def test_the_end_of_an_activation_is_no_change(*, asked: list[Image], is_expiry: bool, actor: str | None) -> None:
    tenant = FakeTenant(schedule_requests=asked, activity=[_logged(_PIM.id)])
    found = _confirmed(tenant, _change(Op.DELETE, _PIM), role_assignment(by=_PIM.id))
    assert (found.is_true, found.is_expiry, found.actor and found.actor.id) == (True, is_expiry, actor)


def test_every_assignment_of_every_watched_subscription_is_listed() -> None:
    tenant = _standing(role_assignment(assignment_id=f"/subscriptions/{SUBSCRIPTION}{ASSIGNMENT_ID[len(SCOPE) :]}"))
    assert list(ROLE_ASSIGNMENT.inventory.read(tenant.edges())) == [next(iter(tenant.role_assignments))]
    assert RESPONDER_ID not in str(tenant.log)
