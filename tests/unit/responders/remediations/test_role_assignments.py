"""What is planned for role assignments, and what that costs in requests."""

import json
import shlex
from datetime import timedelta
from typing import Any

import pytest

from responders.remediations.role_assignments import (
    RECREATE_ROLE_ASSIGNMENT,
    REMOVE_ROLE_ASSIGNMENT,
    ROLE_ASSIGNMENTS,
)
from shared.model.calls import Permission
from shared.model.errors import BadIdentifier, Locked
from shared.model.events import Target
from shared.model.kinds import Image
from shared.model.remediations import Already, Doubt, Plan, Put
from tests.fakes.situations import (
    ALICE,
    ASSIGNMENT_ID,
    AT,
    CONTRIBUTOR,
    MALLORY,
    NEVER_THERE,
    OWNER,
    SCOPE,
    TRUDY,
    UNKNOWN,
    approved,
    case,
    doubt,
    known,
    put,
    role_assignment,
    situation,
)
from tests.fakes.tenant import SUBSCRIPTION, FakeTenant

_MINUTE = timedelta(minutes=1)
_LONG_AGO = AT - timedelta(days=400)
_OTHER_ID = ASSIGNMENT_ID[:-4] + "ffff"
_SUBSCRIPTION_ID = ASSIGNMENT_ID.replace("/resourceGroups/rg-shop", "")
_USER_ACCESS_ADMINISTRATOR = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"


class TestRemoving:
    def plan(self, current: Image | None, *run: Any, **more: Any) -> Plan:  # noqa: ANN401 - handed on
        return REMOVE_ROLE_ASSIGNMENT.plan(situation(current, *run, target=ASSIGNMENT_ID, **more))

    def test_it_is_gone(self) -> None:
        assert isinstance(self.plan(None), Already)

    @pytest.mark.parametrize("baseline", [UNKNOWN, NEVER_THERE])
    def test_it_is_new(self, baseline: Any) -> None:  # noqa: ANN401 - a baseline
        plan = self.plan(role_assignment(role=OWNER, created_at=AT - _MINUTE), baseline=baseline)
        assert put(plan) == {"delete": True}
        assert isinstance(plan, Put)
        assert plan.summary.startswith(
            f"Remove the role assignment: Owner ({OWNER}) of {MALLORY.id} at /subscriptions/"
        )
        assert {change.name for change in plan.changes} >= {"roleDefinitionId", "principalId", "scope"}

    @pytest.mark.parametrize("apart", [timedelta(minutes=-6), timedelta(minutes=6)])
    def test_it_was_created_at_another_time(self, apart: timedelta) -> None:
        assert "is new" in doubt(self.plan(role_assignment(created_at=AT + apart)))
        assert put(self.plan(role_assignment(created_at=AT + apart), baseline=NEVER_THERE)) == {"delete": True}

    def test_an_old_assignment_that_was_only_written_again_is_kept(self) -> None:
        assert "is new" in doubt(self.plan(role_assignment(created_at=_LONG_AGO)))

    @pytest.mark.parametrize("stamp", [None, "", "yesterday", "2026-03-02T10:00:00"])
    def test_a_time_that_cannot_be_read(self, stamp: str | None) -> None:
        assert "is new" in doubt(self.plan(role_assignment(createdOn=stamp)))

    def test_somebody_else_created_it(self) -> None:
        assert "is new" in doubt(self.plan(role_assignment(by=ALICE.id, updated_by=MALLORY.id)))

    @pytest.mark.parametrize("writer", [ALICE.id, None, ""])
    def test_somebody_else_wrote_it_last(self, writer: str | None) -> None:
        assert "last written by" in doubt(self.plan(role_assignment(updatedBy=writer)))

    def test_ids_are_compared_without_regard_to_case(self) -> None:
        assert put(self.plan(role_assignment(by=MALLORY.id.upper()))) == {"delete": True}

    def test_a_second_attacker_wrote_it_last(self) -> None:
        current = role_assignment(updated_by=TRUDY.id)
        assert put(self.plan(current, case(), case(by=TRUDY, after=_MINUTE))) == {"delete": True}
        assert "last written by" in doubt(self.plan(current, case()))

    def test_an_actor_that_the_record_does_not_tell(self) -> None:
        nobody = case(by=MALLORY.__class__())
        assert "last written by" in doubt(self.plan(role_assignment(by="", updated_by=""), nobody))

    def test_an_approved_change_came_after(self) -> None:
        assert "approved" in doubt(self.plan(role_assignment(), later=(approved(),)))

    def test_its_condition_was_changed(self) -> None:
        before = role_assignment(
            by=ALICE.id, holder=TRUDY.id, created_at=_LONG_AGO, condition="@Resource", conditionVersion="2.0"
        )
        current = role_assignment(by=ALICE.id, holder=TRUDY.id, created_at=_LONG_AGO, updated_by=MALLORY.id)
        plan = self.plan(current, baseline=known(before))
        assert put(plan)["properties"] == {
            "roleDefinitionId": before["properties"]["roleDefinitionId"],
            "principalId": TRUDY.id,
            "principalType": "User",
            "condition": "@Resource",
            "conditionVersion": "2.0",
        }
        assert isinstance(self.plan(before, baseline=known(before)), Already)

    def test_it_took_the_id_of_another(self) -> None:
        before = role_assignment(holder=ALICE.id, by=ALICE.id, created_at=_LONG_AGO)
        assert "another role assignment had this id" in doubt(self.plan(role_assignment(), baseline=known(before)))


class TestRecreating:
    before = role_assignment(holder=TRUDY.id, by=ALICE.id, created_at=_LONG_AGO, description="For the shop")

    def plan(self, assignment: Image | None = None, *others: Image, **more: Any) -> Plan:  # noqa: ANN401 - handed on
        baseline = more.pop("baseline", known(self.before))
        current = {"assignment": assignment, "others": list(others)}
        return RECREATE_ROLE_ASSIGNMENT.plan(
            situation(current, target=ASSIGNMENT_ID.lower(), baseline=baseline, **more)
        )

    def test_it_is_there(self) -> None:
        assert isinstance(self.plan(self.before), Already)

    def test_it_is_gone(self) -> None:
        plan = self.plan()
        assert put(plan)["id"] == ASSIGNMENT_ID
        assert put(plan)["body"]["properties"] == {
            "roleDefinitionId": self.before["properties"]["roleDefinitionId"],
            "principalId": TRUDY.id,
            "principalType": "User",
            "description": "For the shop",
        }
        assert isinstance(plan, Put)
        assert "Contributor" in plan.summary

    def test_the_same_stands_under_another_id(self) -> None:
        assert isinstance(self.plan(None, self.before | {"id": _OTHER_ID}), Already)

    def test_the_same_role_stands_elsewhere(self) -> None:
        elsewhere = role_assignment(assignment_id=_SUBSCRIPTION_ID, holder=TRUDY.id, description="For the shop")
        assert isinstance(self.plan(None, elsewhere), Put)

    def test_it_was_given_again_under_another_condition(self) -> None:
        changed = role_assignment(assignment_id=_OTHER_ID, holder=TRUDY.id, condition="@Resource")
        assert "another condition" in doubt(self.plan(None, changed))
        assert "another condition" in doubt(self.plan(changed | {"id": ASSIGNMENT_ID}))

    def test_its_id_was_taken(self) -> None:
        assert "now has this id" in doubt(self.plan(role_assignment(role=OWNER)))

    def test_it_did_not_exist_before(self) -> None:
        assert isinstance(self.plan(baseline=NEVER_THERE), Already)

    def test_it_is_not_known_what_it_was(self) -> None:
        assert UNKNOWN.because in doubt(self.plan(baseline=UNKNOWN))

    def test_an_approved_change_came_after(self) -> None:
        assert "an approved change" in doubt(self.plan(later=(approved(),)))


class TestLooking:
    def tenant(self, *assignments: Image) -> FakeTenant:
        return FakeTenant(role_assignments={assignment["id"].lower(): assignment for assignment in assignments})

    def look(self, tenant: FakeTenant) -> Any:  # noqa: ANN401 - a look and its fields
        return REMOVE_ROLE_ASSIGNMENT.look(tenant.edges(), Target(id=ASSIGNMENT_ID.lower()))

    def test_an_ordinary_role_is_removed_in_two_requests(self) -> None:
        tenant = self.tenant(role_assignment())
        look = self.look(tenant)
        plan = REMOVE_ROLE_ASSIGNMENT.plan(situation(None, target=ASSIGNMENT_ID, look=look))
        assert isinstance(plan, Put)
        REMOVE_ROLE_ASSIGNMENT.apply(tenant.edges(), Target(id=ASSIGNMENT_ID), plan)
        assert [request.method for request in tenant.log] == ["GET", "DELETE"]
        assert tenant.role_assignments == {}

    def test_who_would_lose_it(self) -> None:
        assert self.look(self.tenant(role_assignment())).touches == {MALLORY.id}

    @pytest.mark.parametrize("role", [OWNER, _USER_ACCESS_ADMINISTRATOR])
    def test_the_last_holder_of_a_role_that_gives_access(self, role: str) -> None:
        own = role_assignment(role=role)
        assert self.look(self.tenant(own)).last_holder is True
        other_role = role_assignment(assignment_id=_OTHER_ID, holder=ALICE.id, role=CONTRIBUTOR)
        assert self.look(self.tenant(own, other_role)).last_holder is True
        beside = role_assignment(assignment_id=_OTHER_ID, holder=ALICE.id, role=role)
        assert self.look(self.tenant(own, beside)).last_holder is False
        above = role_assignment(assignment_id=_SUBSCRIPTION_ID, holder=ALICE.id, role=role)
        assert self.look(self.tenant(own, above)).last_holder is False

    def test_the_others_are_only_read_where_it_is_gone(self) -> None:
        tenant = self.tenant(role_assignment())
        there = RECREATE_ROLE_ASSIGNMENT.look(tenant.edges(), Target(id=ASSIGNMENT_ID)).current
        assert there == {"assignment": role_assignment(), "others": []}
        gone = RECREATE_ROLE_ASSIGNMENT.look(tenant.edges(), Target(id=_OTHER_ID)).current
        assert gone == {"assignment": None, "others": [role_assignment()]}

    @pytest.mark.parametrize(
        "target",
        [
            "",
            "/",
            f"{ASSIGNMENT_ID}/../x",
            f"{SCOPE}/providers/Microsoft.Authorization/locks/x",
            "https://evil.example/x",
        ],
    )
    def test_what_is_no_role_assignment_never_reaches_a_url(self, target: str) -> None:
        tenant = self.tenant()
        for remediation in (REMOVE_ROLE_ASSIGNMENT, RECREATE_ROLE_ASSIGNMENT):
            with pytest.raises(BadIdentifier):
                remediation.look(tenant.edges(), Target(id=target))
        assert tenant.log == []

    def test_the_inventory_is_by_id_in_lower_case(self) -> None:
        at_subscription = role_assignment(assignment_id=_SUBSCRIPTION_ID)
        found = ROLE_ASSIGNMENTS.read(self.tenant(at_subscription).edges())
        assert found == {_SUBSCRIPTION_ID.lower(): at_subscription}


_RBAC_ADMINISTRATOR = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
_LOCK = "/providers/Microsoft.Authorization/locks/"
_LIFT = ("az", "lock", "delete", "--subscription", SUBSCRIPTION, "--ids")
_SUBSCRIPTION_SCOPE = SCOPE.partition("/resourceGroups")[0]


class TestNeverGiving:
    """Whoever gets hold of the responder's identity must not be able to make somebody an owner."""

    @pytest.mark.parametrize("role", [OWNER, _USER_ACCESS_ADMINISTRATOR, _RBAC_ADMINISTRATOR, OWNER.upper()])
    def test_a_role_whose_holder_can_give_any_is_not_given_again(self, role: str) -> None:
        before = role_assignment(role=role, holder=TRUDY.id, by=ALICE.id, created_at=_LONG_AGO)
        plan = RECREATE_ROLE_ASSIGNMENT.plan(
            situation({"assignment": None, "others": []}, target=ASSIGNMENT_ID.lower(), baseline=known(before))
        )
        assert "never does" in doubt(plan)
        assert isinstance(plan, Doubt)
        assert shlex.split(plan.by_hand) == [
            *("az", "role", "assignment", "create", "--name", ASSIGNMENT_ID.rpartition("/")[2]),
            *("--role", role.lower(), "--assignee-object-id", TRUDY.id, "--assignee-principal-type", "User"),
            *("--scope", SCOPE),
        ]

    def test_its_condition_and_description_are_in_the_command_whatever_is_in_them(self) -> None:
        evil = 'it\'s $(rm -rf /) "x"; `y`'
        before = role_assignment(
            role=OWNER, by=ALICE.id, created_at=_LONG_AGO, condition=evil, conditionVersion="2.0", description=evil
        )
        plan = RECREATE_ROLE_ASSIGNMENT.plan(
            situation({"assignment": None, "others": []}, target=ASSIGNMENT_ID.lower(), baseline=known(before))
        )
        assert isinstance(plan, Doubt)
        words = shlex.split(plan.by_hand)
        assert words[words.index("--condition") + 1] == words[words.index("--description") + 1] == evil
        assert words[words.index("--condition-version") + 1] == "2.0"

    def test_one_that_was_changed_is_not_written_either(self) -> None:
        before = role_assignment(role=OWNER, by=ALICE.id, holder=TRUDY.id, created_at=_LONG_AGO, condition="@Resource")
        current = role_assignment(role=OWNER, by=ALICE.id, holder=TRUDY.id, created_at=_LONG_AGO, updated_by=MALLORY.id)
        plan = REMOVE_ROLE_ASSIGNMENT.plan(situation(current, case(), target=ASSIGNMENT_ID, baseline=known(before)))
        assert "never does" in doubt(plan)
        assert isinstance(plan, Doubt)
        *command, held = shlex.split(plan.by_hand)
        assert command == ["az", "role", "assignment", "update", "--role-assignment"]
        assert json.loads(held)["condition"] == "@Resource"
        assert json.loads(held)["id"] == ASSIGNMENT_ID

    def test_it_is_taken_away_all_the_same(self) -> None:
        given = role_assignment(role=OWNER)
        plan = REMOVE_ROLE_ASSIGNMENT.plan(situation(given, case(), target=ASSIGNMENT_ID))
        assert put(plan) == {"delete": True}


class TestLocked:
    def refused(self, *locks: str, granted: set[Permission] | None = None) -> Locked:
        tenant = FakeTenant(role_assignments={ASSIGNMENT_ID.lower(): role_assignment()}, locks=list(locks))
        tenant.granted = granted or set(Permission)
        with pytest.raises(Locked) as raised:
            REMOVE_ROLE_ASSIGNMENT.apply(
                tenant.edges(), Target(id=ASSIGNMENT_ID), Put(summary="", image={"delete": True})
            )
        return raised.value

    @pytest.mark.parametrize(
        "scope", [_SUBSCRIPTION_SCOPE, SCOPE, f"{SCOPE}/providers/Microsoft.Storage/storageAccounts/a"]
    )
    def test_the_lock_and_what_removes_it_are_named(self, scope: str) -> None:
        locked = self.refused(f"{scope}{_LOCK}keep")
        assert locked.scopes == (scope,)
        assert f"{scope}{_LOCK}keep" in str(locked)
        assert shlex.split(locked.by_hand) == [*_LIFT, f"{scope}{_LOCK}keep"]

    def test_several_locks_are_removed_by_one_command(self) -> None:
        ids = [f"{_SUBSCRIPTION_SCOPE}{_LOCK}all of it", f"{SCOPE}{_LOCK}keep"]
        assert shlex.split(self.refused(*ids).by_hand) == [*_LIFT, *ids]

    def test_locks_that_can_not_be_read_are_listed_by_whoever_may(self) -> None:
        locked = self.refused(f"{SCOPE}{_LOCK}keep", granted=set(Permission) - {Permission.LOCK_READ})
        assert SCOPE in str(locked)
        assert Permission.LOCK_READ in str(locked)
        assert locked.by_hand == f"az lock list --subscription {SUBSCRIPTION} --output table"

    def test_a_name_that_is_none_stays_out_of_the_command(self) -> None:
        assert self.refused(f"{SCOPE}{_LOCK}$(reboot)\n").by_hand.startswith("az lock list")
