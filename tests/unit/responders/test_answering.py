"""The pipeline on the product's own detections and remediations, before a tenant that may fail at each request."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pytest
from responders.remediations.ca_policy_json import differing

from infra.local.world import ALICE, BREAK_GLASS_1, MALLORY
from responders.catalogue import CATALOGUE
from responders.content import INVENTORIES
from responders.detections.samples import ca_policy_record, event_grid_record
from shared.clients.api import Answer
from shared.clients.storage import Storage
from shared.clients.storage_names import Container
from shared.model.calls import Lane
from shared.model.cases import Case, Decision, Outcome, State
from shared.model.errors import Unreachable
from shared.model.kinds import ApprovalList, Image, Mode, TenantKind
from shared.respond.case_run import MOST_ATTEMPTS
from shared.respond.pipeline import answer
from tests.fakes.clock import NOW
from tests.fakes.lamps import initiated_by
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, Bench, approval, bench
from tests.fakes.situations import (
    ASSIGNMENT_ID,
    POLICY_ID,
    ca_policy,
    role_assignment,
    with_users,
)
from tests.fakes.tenant import FakeTenant, Request, answer_of

_MINUTE: Final = timedelta(minutes=1)
_AT: Final = NOW - _MINUTE
_OUR_OWN: Final = tuple(one for one in INVENTORIES if one.tenant_kind is TenantKind.WORKFORCE)
_BEFORE: Final = ca_policy()
_AFTER: Final = with_users(_BEFORE, excludeUsers=[*_BEFORE["conditions"]["users"]["excludeUsers"], MALLORY.id])


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """What Mallory does to a tenant, the record of it, and whether the tenant stands as before."""

    id: str
    tenant: Callable[[], FakeTenant]
    do: Callable[[FakeTenant], None]
    record: Callable[[], Image]
    is_undone: Callable[[FakeTenant], bool]


def _open_policy(tenant: FakeTenant) -> None:
    tenant.ca_policies[POLICY_ID] = copy.deepcopy(_AFTER)


def _policy_record() -> Image:
    record = ca_policy_record("Update conditional access policy", old=_BEFORE, new=_AFTER)
    record["targetResources"][0]["id"] = POLICY_ID
    return record | {"activityDateTime": _AT.isoformat().replace("+00:00", "Z"), "initiatedBy": initiated_by(MALLORY)}


def _give_role(tenant: FakeTenant) -> None:
    tenant.role_assignments[ASSIGNMENT_ID.lower()] = role_assignment(created_at=_AT)


def _role_record() -> Image:
    record = event_grid_record("Microsoft.Authorization/roleAssignments/write")
    text = json.dumps(record)
    data = record["data"]
    moved = {
        record["subject"]: ASSIGNMENT_ID,
        data["subscriptionId"]: ASSIGNMENT_ID.split("/")[2],
        data["tenantId"]: TENANT,
        record["eventTime"]: _AT.isoformat().replace("+00:00", "Z"),
        "d40a6b7e-8c15-4f29-93e6-1b7f52ac80d3": MALLORY.id,
    }
    for old, new in moved.items():
        text = text.replace(old, new)
    made: Image = json.loads(text)
    return made


ATTACKS: Final = (
    Attack(
        id="policy changed",
        tenant=lambda: FakeTenant(ca_policies={POLICY_ID: copy.deepcopy(_BEFORE)}),
        do=_open_policy,
        record=_policy_record,
        is_undone=lambda tenant: not differing(tenant.ca_policies[POLICY_ID], _BEFORE),
    ),
    Attack(
        id="role given",
        tenant=FakeTenant,
        do=_give_role,
        record=_role_record,
        is_undone=lambda tenant: not tenant.role_assignments,
    ),
)


@pytest.fixture(params=ATTACKS, ids=lambda attack: attack.id)
def attack(request: pytest.FixtureRequest) -> Attack:
    found: Attack = request.param
    return found


def _attacked(storage: Storage, attack: Attack, mode: Mode = Mode.ENFORCE) -> tuple[Bench, FakeTenant]:
    """Approve Alice, take snapshots, let ten minutes pass, attack, take the record in."""
    tenant = attack.tenant()
    made = bench(storage, detections=CATALOGUE, inventories=_OUR_OWN, edges=tenant.edges())
    made.clock.move(-10 * _MINUTE)
    made.seed(mode)
    made.runtime.approvals.approve(approval(ALICE, ApprovalList.RBAC_ROLES))
    made.sweep()
    made.clock.move(10 * _MINUTE)
    attack.do(tenant)
    tenant.log.clear()
    made.take_in(attack.record())
    return made, tenant


def _answered(ready: Bench) -> Case:
    """Answer as often as the queue would."""
    for _ in range(MOST_ATTEMPTS + 2):
        answer(ready.runtime, TENANT, ready.only_case().id)
        if ready.only_case().state is State.CLOSED:
            break
        ready.clock.move(3 * _MINUTE)
    case = ready.only_case()
    assert case.state is State.CLOSED, case
    return case


def test_an_attack_is_put_back_proved_and_can_be_undone(storage: Storage, attack: Attack) -> None:
    ready, tenant = _attacked(storage, attack)
    case = _answered(ready)
    assert (case.decision, case.outcome) == (Decision.REMEDIATE, Outcome.DONE), case.because
    assert attack.is_undone(tenant)
    assert len(tenant.writes) == 1
    before = json.loads(storage.blob(Container.EVIDENCE, case.before) or b"null")
    assert before["id"].lower() == case.target.id.lower()
    assert [sent.case.id for sent in ready.teams.sent] == [case.id]


@pytest.mark.parametrize("answered_first", ["1", "2"])
def test_a_change_that_also_reaches_a_break_glass_account_is_put_back_all_the_same(
    memory: MemoryStorage, answered_first: str
) -> None:
    """Mallory takes the exclusion away and then adds her own: the page about the first isn't a change by another."""
    states = [_BEFORE, with_users(_BEFORE, excludeUsers=[]), with_users(_BEFORE, excludeUsers=[MALLORY.id])]

    def opened(tenant: FakeTenant) -> None:
        tenant.ca_policies[POLICY_ID] = copy.deepcopy(states[-1])

    def record(number: int) -> Image:
        changed = ca_policy_record("Update conditional access policy", old=states[number - 1], new=states[number])
        changed["targetResources"][0]["id"] = POLICY_ID
        at = _AT + number * timedelta(seconds=1)
        named = {"id": str(number), "correlationId": str(number), "initiatedBy": initiated_by(MALLORY)}
        return changed | named | {"activityDateTime": f"{at:%Y-%m-%dT%H:%M:%SZ}"}

    attack = copy.replace(ATTACKS[0], do=opened, record=lambda: record(1))
    ready, tenant = _attacked(memory, attack)
    ready.take_in(record(2))
    opened_cases = {(case.detection, case.event_id): case.id for case in ready.cases()}
    assert set(opened_cases) == {
        ("break-glass-unprotected", "1"),
        ("ca-policy-updated", "1"),
        ("ca-policy-updated", "2"),
    }
    answer(ready.runtime, TENANT, opened_cases["ca-policy-updated", answered_first])
    assert attack.is_undone(tenant)
    paged = {case.detection for case in ready.answer_all() if case.decision is Decision.PAGE}
    assert paged == {"break-glass-unprotected"}


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.PAGE])
def test_a_milder_mode_writes_nothing_to_the_tenant(memory: MemoryStorage, attack: Attack, mode: Mode) -> None:
    ready, tenant = _attacked(memory, attack, mode)
    case = _answered(ready)
    assert tenant.writes == []
    assert not attack.is_undone(tenant)
    assert case.would == "would put it back: the actor is not approved"


def test_without_any_permission_the_owners_are_paged_with_what_is_missing(
    memory: MemoryStorage, attack: Attack
) -> None:
    ready, tenant = _attacked(memory, attack)
    tenant.granted.clear()
    case = _answered(ready)
    assert (case.decision, tenant.writes) == (Decision.PAGE, [])
    assert "the call needs" in case.because
    assert len(ready.pagerduty.sent) == 1


def test_a_protected_principal_keeps_what_it_has(memory: MemoryStorage) -> None:
    """Mallory gives a break-glass account a role: taking it away might be what Mallory wants."""
    give = ATTACKS[1]

    def give_emergency(tenant: FakeTenant) -> None:
        tenant.role_assignments[ASSIGNMENT_ID.lower()] = role_assignment(created_at=_AT, holder=BREAK_GLASS_1.id)

    ready, tenant = _attacked(
        memory,
        Attack(id="", tenant=give.tenant, do=give_emergency, record=give.record, is_undone=give.is_undone),
    )
    case = _answered(ready)
    assert case.decision is Decision.PAGE
    assert "protected principal" in case.because
    assert tenant.writes == []


def test_a_subscription_that_is_not_configured_is_paged_and_nothing_of_it_is_read(memory: MemoryStorage) -> None:
    give = ATTACKS[1]
    tenant = give.tenant()
    ready = bench(
        memory, detections=CATALOGUE, edges=tenant.edges(), SUBSCRIPTION_IDS="99999999-51fd-4a36-b8e0-6d7f93a1c258"
    )
    ready.seed()
    ready.runtime.approvals.approve(approval(ALICE, ApprovalList.RBAC_ROLES))
    ready.take_in(give.record())
    case = _answered(ready)
    assert case.decision is Decision.PAGE
    assert "is not configured" in case.because
    assert tenant.log == []


class _SlowTurn:
    """A pacer at which a write waits for longer than the lease, while another run answers the case."""

    def __init__(self) -> None:
        self.meanwhile: Callable[[], None] = lambda: None

    def wait_for(self, tenant_id: str, lane: Lane) -> None:
        del tenant_id, lane
        self.meanwhile()


def test_a_run_that_waited_for_longer_than_its_lease_writes_nothing(memory: MemoryStorage) -> None:
    ready, tenant = _attacked(memory, ATTACKS[0])
    pacer = _SlowTurn()
    edges = copy.replace(tenant.edges(), pacer=pacer, wait=ready.clock.wait)
    runtime = copy.replace(ready.runtime, edges={TENANT: edges})
    ready = copy.replace(ready, runtime=runtime)

    def overtaken() -> None:
        if ready.only_case().state is State.DECIDED:
            pacer.meanwhile = lambda: None
            ready.clock.move(3 * _MINUTE)
            answer(runtime, TENANT, ready.only_case().id)

    pacer.meanwhile = overtaken
    answer(runtime, TENANT, ready.only_case().id)
    case = ready.only_case()
    assert (case.attempts, case.outcome, case.state) == (2, Outcome.DONE, State.CLOSED)
    assert len(tenant.writes) == 1
    assert len(ready.teams.sent) == 1


_REFUSAL: Final = answer_of({"error": {"code": "Forbidden", "message": "no"}}, 403)
_WORDLESS: Final = answer_of({}, 404)
_NONSENSE: Final = Answer(status=200, headers={}, body=b"<html>")


def _is_honest(ready: Bench, case: Case, attack: Attack, tenant: FakeTenant) -> None:
    """Done is told only of what is done; anything else was paged to the channel that wakes people."""
    if case.outcome in {Outcome.DONE, Outcome.ALREADY}:
        assert attack.is_undone(tenant), case
    else:
        assert len(ready.pagerduty.sent) == 1, case


@pytest.mark.parametrize(
    ("spoilt", "lasting"),
    [(_REFUSAL, False), (_NONSENSE, False), (_WORDLESS, True)],
    ids=["one refusal", "one answer that can't be read", "only 404s from then on"],
)
def test_each_request_that_goes_wrong_leads_to_an_honest_end(attack: Attack, spoilt: Answer, *, lasting: bool) -> None:
    for nth in range(20):
        ready, tenant = _attacked(_fresh(), attack)

        def spoil(number: int, _request: Request, nth: int = nth) -> Answer | None:
            return spoilt if number == nth or (lasting and number > nth) else None

        tenant.spoil = spoil
        case = _answered(ready)
        _is_honest(ready, case, attack, tenant)
        if len(tenant.log) <= nth:
            assert case.outcome is Outcome.DONE
            return
    pytest.fail("there were more requests than were tried")


def _fresh() -> MemoryStorage:
    made = MemoryStorage()
    made.create_all()
    return made


_TIMED_OUT: Final = answer_of({"error": {"code": "RequestTimeout", "message": "try again"}}, 408)
_GATEWAY: Final = answer_of({}, 504)


@pytest.mark.parametrize("lost_as", [None, _TIMED_OUT, _GATEWAY], ids=["cut", "408", "504"])
def test_each_answer_that_is_lost_is_nothing_to_wake_people_for(attack: Attack, lost_as: Answer | None) -> None:
    """The request is carried out, and nobody hears of it: reading again tells."""
    for nth in range(20):
        ready, tenant = _attacked(_fresh(), attack)
        tenant.lose, tenant.lost_as = frozenset({nth}), lost_as
        case = _answered(ready)
        assert (case.outcome, attack.is_undone(tenant)) == (Outcome.DONE, True)
        if len(tenant.log) <= nth:
            return
    pytest.fail("there were more requests than were tried")


@pytest.mark.parametrize("passing", [_TIMED_OUT, _GATEWAY], ids=["408", "504"])
def test_each_request_that_times_out_is_nothing_to_wake_people_for(attack: Attack, passing: Answer) -> None:
    """The request isn't carried out, and may have been for all that anybody knows."""
    for nth in range(20):
        ready, tenant = _attacked(_fresh(), attack)
        tenant.spoil = lambda number, _request, nth=nth: passing if number == nth else None
        case = _answered(ready)
        assert (case.outcome, attack.is_undone(tenant)) == (Outcome.DONE, True)
        if len(tenant.log) <= nth:
            return
    pytest.fail("there were more requests than were tried")


def test_a_tenant_that_is_down_ends_in_a_page_in_time(memory: MemoryStorage, attack: Attack) -> None:
    ready, tenant = _attacked(memory, attack)

    def down(_number: int, _request: Request) -> Answer | None:
        raise Unreachable("the connection was refused")

    tenant.spoil = down
    begun = ready.clock()
    case = _answered(ready)
    assert (case.decision, case.outcome) == (Decision.PAGE, Outcome.NONE)
    assert "could not be read: the connection was refused" in case.because
    assert ready.clock() - begun < timedelta(minutes=30)
    assert len(ready.pagerduty.sent) == 1
