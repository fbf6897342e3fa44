"""What comes through Privileged Identity Management is answered by who asked for it, and a rightful use not at all."""

import copy
import json
from datetime import timedelta
from typing import Any, Final

import pytest

from infra.local.world import ALICE, BREAK_GLASS_1, MALLORY, MS_PIM, SUBSCRIPTION, TRUDY, Principal
from responders.catalogue import CATALOGUE
from responders.detections.samples import APP_CLAIMS, event_grid_record
from responders.kinds.principals import is_enabled
from responders.kinds.role_assignments import ROLE_ASSIGNMENT
from shared.model.calls import Permission
from shared.model.cases import Decision, Outcome, Standing, State
from shared.model.kinds import ApprovalList, Image
from shared.respond.resume import resume
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, Bench, approval, bench, settings_with
from tests.fakes.situations import ASSIGNMENT_ID, CONTRIBUTOR, SCOPE, role_assignment
from tests.fakes.tenant import FakeTenant

_MINUTE: Final = timedelta(minutes=1)
_PEOPLE: Final = (ALICE, MALLORY, TRUDY)
_WRITE: Final = "Microsoft.Authorization/roleAssignments/write"
_DELETE: Final = "Microsoft.Authorization/roleAssignments/delete"


@pytest.fixture
def tenant() -> FakeTenant:
    people = {each.id: {"id": each.id, "userType": "Member", "accountEnabled": True} for each in _PEOPLE}
    return FakeTenant(principals=people)


@pytest.fixture
def ready(memory: MemoryStorage, tenant: FakeTenant) -> Bench:
    """Give a tenant where Alice may give roles, and nobody holds one."""
    edges = copy.replace(tenant.edges(), tenant=settings_with().workforce)
    made = bench(
        memory,
        detections=CATALOGUE,
        kinds=(ROLE_ASSIGNMENT,),
        is_enabled=is_enabled,
        edges=edges,
        SUBSCRIPTION_IDS=SUBSCRIPTION,
    )
    tenant.pass_time = lambda: made.clock.move(timedelta(milliseconds=100))
    made.clock.move(-10 * _MINUTE)
    made.seed()
    made.runtime.approvals.approve(approval(ALICE, ApprovalList.RBAC_ROLES))
    made.sweep()
    made.accept()
    resume(made.runtime)
    made.clock.move(10 * _MINUTE)
    return made


def _ask(
    ready: Bench,
    tenant: FakeTenant,
    kind: str,
    *,
    of: Principal,
    by: Principal,
    ago: float = 1,
    **more: Any,  # noqa: ANN401 - JSON
) -> None:
    """Ask PIM for a role of somebody, some minutes ago."""
    asked: Image = {
        "scope": SCOPE,
        "roleDefinitionId": f"{SCOPE}/providers/Microsoft.Authorization/roleDefinitions/{CONTRIBUTOR}",
        "principalId": of.id,
        "requestType": kind,
        "requestorId": by.id,
        "createdOn": (ready.clock() - ago * _MINUTE).isoformat(),
        "scheduleInfo": {"expiration": {"type": "AfterDuration", "duration": "PT90M"}},
        "status": "Provisioned",
    }
    tenant.schedule_requests.append({"properties": asked | more})


def _record(ready: Bench, operation: str, by: Principal) -> Image:
    """Make Event Grid's event about the assignment, now."""
    record = event_grid_record(operation, claims=dict(APP_CLAIMS))
    data = record["data"]
    moved = {
        record["subject"]: ASSIGNMENT_ID,
        data["subscriptionId"]: SUBSCRIPTION,
        data["tenantId"]: TENANT,
        record["eventTime"]: f"{ready.clock():%Y-%m-%dT%H:%M:%S.%fZ}",
        APP_CLAIMS["http://schemas.microsoft.com/identity/claims/objectidentifier"]: by.id,
    }
    text = json.dumps(record)
    for old, new in moved.items():
        text = text.replace(old, new)
    made: Image = json.loads(text)
    return made


def _give(ready: Bench, tenant: FakeTenant, to: Principal) -> None:
    """PIM's service writes the assignment, and its event comes."""
    tenant.role_assignments[ASSIGNMENT_ID.lower()] = role_assignment(
        created_at=ready.clock(), holder=to.id, by=MS_PIM.id
    )
    _come(ready, _WRITE)


def _take(ready: Bench, tenant: FakeTenant) -> None:
    del tenant.role_assignments[ASSIGNMENT_ID.lower()]
    tenant.activity.append(
        {
            "operationName": {"value": _DELETE},
            "status": {"value": "Succeeded"},
            "eventTimestamp": ready.clock().isoformat(),
            "resourceId": ASSIGNMENT_ID,
            "claims": {"http://schemas.microsoft.com/identity/claims/objectidentifier": MS_PIM.id},
        }
    )
    _come(ready, _DELETE)


def _come(ready: Bench, operation: str) -> None:
    ready.take_in(_record(ready, operation, MS_PIM))
    ready.answer_queue()
    for _ in range(90):
        ready.clock.move(_MINUTE)
        resume(ready.runtime)
    ready.sweep()
    resume(ready.runtime)


def _is_quiet(ready: Bench) -> bool:
    """Whether every case was only recorded, and nobody heard of anything."""
    assert all(case.state is State.CLOSED for case in ready.cases())
    assert {case.decision for case in ready.cases()} == {Decision.RECORD}, ready.cases()
    channels = (ready.teams, ready.pagerduty)
    return not any([*one.sent, *one.system_notices] for one in channels)


@pytest.mark.parametrize("holder", [ALICE, TRUDY], ids=["listed", "not listed"])
def test_who_activates_what_he_is_eligible_for_is_only_recorded(
    ready: Bench, tenant: FakeTenant, holder: Principal
) -> None:
    for _ in range(2):
        _ask(ready, tenant, "SelfActivate", of=holder, by=holder)
        _give(ready, tenant, holder)
        assert _is_quiet(ready)
        assert (len(tenant.role_assignments), tenant.writes) == (1, [])
        _take(ready, tenant)  # its hour is over
        assert _is_quiet(ready)
        assert (tenant.role_assignments, tenant.writes) == ({}, [])
        ready.clock.move(timedelta(days=1))
    assert {case.actor.id for case in ready.cases()} >= {holder.id}
    assert {case.standing for case in ready.cases()} == {Standing.APPROVED}


def test_who_gives_up_what_he_activated_is_only_recorded(ready: Bench, tenant: FakeTenant) -> None:
    _ask(ready, tenant, "SelfActivate", of=TRUDY, by=TRUDY, scheduleInfo={"expiration": {"type": "NoExpiration"}})
    _give(ready, tenant, TRUDY)
    _ask(ready, tenant, "SelfDeactivate", of=TRUDY, by=TRUDY)
    _take(ready, tenant)
    assert _is_quiet(ready)
    assert tenant.writes == []


@pytest.mark.parametrize(
    "more",
    [
        {"approvalId": "/providers/Microsoft.Authorization/roleAssignmentApprovals/1"},
        {"scheduleInfo": {"startDateTime": "2026-03-02T10:04:00Z", "expiration": {"type": "NoExpiration"}}},
    ],
    ids=["somebody approved it", "for a later time"],
)
def test_an_activation_may_have_been_asked_for_hours_before(ready: Bench, tenant: FakeTenant, more: Image) -> None:
    _ask(ready, tenant, "SelfActivate", of=TRUDY, by=TRUDY, ago=180, **more)
    _give(ready, tenant, TRUDY)
    assert _is_quiet(ready)
    assert len(tenant.role_assignments) == 1


@pytest.mark.parametrize("kind", ["AdminAssign", "AdminExtend"])
@pytest.mark.parametrize("to", [MALLORY, TRUDY], ids=["himself", "another"])
def test_what_somebody_unlisted_gives_is_taken_away_and_names_him(
    ready: Bench, tenant: FakeTenant, kind: str, to: Principal
) -> None:
    _ask(ready, tenant, kind, of=to, by=MALLORY)
    _give(ready, tenant, to)
    case = ready.only_case()
    assert (case.actor.id, case.standing, case.outcome) == (MALLORY.id, Standing.UNAPPROVED, Outcome.DONE)
    assert tenant.role_assignments == {}


def test_a_case_names_who_asked_when_the_tenant_says_so_only_later(ready: Bench, tenant: FakeTenant) -> None:
    tenant.role_assignments[ASSIGNMENT_ID.lower()] = role_assignment(
        created_at=ready.clock(), holder=TRUDY.id, by=MS_PIM.id
    )
    ready.take_in(_record(ready, _WRITE, MS_PIM))
    tenant.granted.discard(Permission.ROLE_SCHEDULE_READ)
    ready.answer_queue()
    assert ready.only_case().actor.id == MS_PIM.id
    tenant.granted.add(Permission.ROLE_SCHEDULE_READ)
    _ask(ready, tenant, "AdminAssign", of=TRUDY, by=MALLORY, ago=2)
    for _ in range(5):
        ready.clock.move(_MINUTE)
        resume(ready.runtime)
    case = ready.only_case()
    assert (case.actor.id, case.outcome, tenant.role_assignments) == (MALLORY.id, Outcome.DONE, {})


def test_an_approval_of_a_person_counts_for_what_he_asks_of_pim(ready: Bench, tenant: FakeTenant) -> None:
    _ask(ready, tenant, "AdminAssign", of=TRUDY, by=ALICE)
    _give(ready, tenant, TRUDY)
    case = ready.only_case()
    assert (case.actor.id, case.standing, tenant.writes) == (ALICE.id, Standing.APPROVED, [])


@pytest.mark.parametrize(
    "excuse",
    [
        {"ago": 0.5},
        {"ago": 60, "status": "PendingApproval", "approvalId": "/providers/x/1"},
        {"ago": 0.5, "status": "Failed"},
    ],
    ids=["just now", "that waits for an approval", "that failed"],
)
def test_an_activation_that_somebody_also_asked_for_excuses_nothing(
    ready: Bench, tenant: FakeTenant, excuse: dict[str, Any]
) -> None:
    _ask(ready, tenant, "AdminAssign", of=MALLORY, by=MALLORY, ago=2)
    _ask(ready, tenant, "SelfActivate", of=MALLORY, by=MALLORY, **excuse)
    _give(ready, tenant, MALLORY)
    assert (ready.only_case().outcome, tenant.role_assignments) == (Outcome.DONE, {})


def test_a_request_that_came_to_nothing_excuses_nothing(ready: Bench, tenant: FakeTenant) -> None:
    _ask(ready, tenant, "SelfActivate", of=MALLORY, by=MALLORY, status="Denied")
    _give(ready, tenant, MALLORY)
    assert (ready.only_case().actor.id, tenant.role_assignments) == (MS_PIM.id, {})


def test_an_emergency_account_that_activates_a_role_calls_people(ready: Bench, tenant: FakeTenant) -> None:
    _ask(ready, tenant, "SelfActivate", of=BREAK_GLASS_1, by=BREAK_GLASS_1)
    _give(ready, tenant, BREAK_GLASS_1)
    case = ready.only_case()
    assert (case.standing, case.decision, tenant.writes) == (Standing.UNKNOWN, Decision.PAGE, [])
