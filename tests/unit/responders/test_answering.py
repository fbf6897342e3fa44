"""The reconciler on the product's own detections and kinds, before a tenant that may fail at each request."""

import copy
import json
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self
from urllib.parse import parse_qsl, unquote

import msgspec
import pytest

from infra.local.world import ALICE, BREAK_GLASS_1, BREAK_GLASS_2, MALLORY, MS_PIM, RESPONDER, SUBSCRIPTION, Principal
from responders.catalogue import CATALOGUE
from responders.detections.directory_samples import COLLEAGUE, app_role_record, role_record
from responders.detections.samples import ca_policy_record, event_grid_record
from responders.kinds.app_role_assignments import APP_ROLE_ASSIGNMENT
from responders.kinds.ca_policies import CA_POLICY
from responders.kinds.directory_role_assignments import DIRECTORY_ROLE_ASSIGNMENT
from responders.kinds.principals import is_enabled
from responders.kinds.role_assignments import ROLE_ASSIGNMENT
from shared.clients.api import Answer, TenantEdges
from shared.clients.graph import GraphTransport
from shared.clients.storage import Storage
from shared.clients.storage_names import Container
from shared.model.calls import Lane, Permission, Service
from shared.model.cases import Case, Decision, Outcome, Standing, State
from shared.model.errors import EdgeError, Unreachable
from shared.model.kinds import ApprovalList, Image, Mode, ObjectKind
from shared.model.objects import IntentState, ObjectState, Op
from shared.model.once import Once
from shared.respond.resume import resume
from tests.fakes.clock import NOW
from tests.fakes.credentials import Holder
from tests.fakes.http_service import Asked, Reply, http_service
from tests.fakes.lamps import initiated_by
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, Bench, approval, bench, settings_with
from tests.fakes.situations import (
    ASSIGNMENT_ID,
    POLICY_ID,
    app_role,
    ca_policy,
    directory_role,
    role_assignment,
    with_users,
)
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.fakes.tenant import FakeTenant, Request, answer_of

_MINUTE: Final = timedelta(minutes=1)
_AT: Final = NOW - _MINUTE
_GUARDED: Final = (CA_POLICY, ROLE_ASSIGNMENT, DIRECTORY_ROLE_ASSIGNMENT, APP_ROLE_ASSIGNMENT)
_LET_OUT: Final = [BREAK_GLASS_1.id, BREAK_GLASS_2.id]
_BEFORE: Final = with_users(ca_policy(), excludeUsers=_LET_OUT)
_AFTER: Final = with_users(_BEFORE, excludeUsers=[*_LET_OUT, MALLORY.id])


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """What Mallory does to a tenant, the record of it, and whether the tenant stands as before.

    `put_back` is how the words begin that say what is put back.
    """

    id: str
    tenant: Callable[[], FakeTenant]
    do: Callable[[FakeTenant], None]
    record: Callable[[], Image]
    is_undone: Callable[[FakeTenant], bool]
    put_back: str = ""


def _open_policy(tenant: FakeTenant) -> None:
    tenant.ca_policies[POLICY_ID] = copy.deepcopy(_AFTER)


def _policy_record() -> Image:
    record = ca_policy_record("Update conditional access policy", old=_BEFORE, new=_AFTER)
    record["targetResources"][0]["id"] = POLICY_ID
    return record | {"activityDateTime": _AT.isoformat().replace("+00:00", "Z"), "initiatedBy": initiated_by(MALLORY)}


def _do_nothing(_tenant: FakeTenant) -> None:
    pass


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


def _give_directory_role(tenant: FakeTenant) -> None:
    tenant.directory_roles.append(directory_role())


def _directory_role_record() -> Image:
    record = role_record("Add member to role", initiatedBy=initiated_by(MALLORY))
    text = json.dumps(record).replace(COLLEAGUE, directory_role()["principalId"])
    made: Image = json.loads(text)
    return made | {"activityDateTime": _AT.isoformat().replace("+00:00", "Z")}


def _give_app_role(tenant: FakeTenant) -> None:
    tenant.app_roles.append(app_role())


def _app_role_record() -> Image:
    record = app_role_record("Mail.Read", initiatedBy=initiated_by(MALLORY))
    api = record["targetResources"][0]
    api["id"] = app_role()["resourceId"]
    (role,) = (each for each in api["modifiedProperties"] if each["displayName"] == "AppRole.Id")
    role["newValue"] = f'"{app_role()["appRoleId"]}"'
    return record | {"activityDateTime": _AT.isoformat().replace("+00:00", "Z")}


ATTACKS: Final = (
    Attack(
        id="policy changed",
        tenant=lambda: FakeTenant(
            ca_policies={POLICY_ID: copy.deepcopy(_BEFORE)},
            principals={each: {"id": each, "userType": "Member", "accountEnabled": True} for each in _LET_OUT},
        ),
        do=_open_policy,
        record=_policy_record,
        is_undone=lambda tenant: CA_POLICY.leaves(tenant.ca_policies[POLICY_ID]) == CA_POLICY.leaves(_BEFORE),
        put_back="Put conditions.users.excludeUsers of the conditional access policy",
    ),
    Attack(
        id="role given",
        tenant=FakeTenant,
        do=_give_role,
        record=_role_record,
        is_undone=lambda tenant: not tenant.role_assignments,
        put_back="Remove the Azure role assignment",
    ),
    Attack(
        id="directory role given",
        tenant=FakeTenant,
        do=_give_directory_role,
        record=_directory_role_record,
        is_undone=lambda tenant: not tenant.directory_roles,
        put_back="Remove the directory role assignment",
    ),
    Attack(
        id="app role given",
        tenant=FakeTenant,
        do=_give_app_role,
        record=_app_role_record,
        is_undone=lambda tenant: not tenant.app_roles,
        put_back="Remove the app role assignment",
    ),
)


@pytest.fixture(params=ATTACKS, ids=lambda attack: attack.id)
def attack(request: pytest.FixtureRequest) -> Attack:
    found: Attack = request.param
    return found


def _attacked(
    storage: Storage,
    attack: Attack,
    mode: Mode = Mode.ENFORCE,
    *,
    modes: Mapping[str, Mode] = {},
    subscriptions: str = SUBSCRIPTION,
    reach: Callable[[FakeTenant], TenantEdges] = FakeTenant.edges,
) -> tuple[Bench, FakeTenant]:
    """Approve Alice, accept what stands, let ten minutes pass, attack, take the record in."""
    tenant = attack.tenant()
    edges = copy.replace(reach(tenant), tenant=settings_with(SUBSCRIPTION_IDS=subscriptions).workforce)
    made = bench(
        storage,
        detections=CATALOGUE,
        kinds=_GUARDED,
        is_enabled=is_enabled,
        edges=edges,
        SUBSCRIPTION_IDS=subscriptions,
    )
    tenant.pass_time = lambda: made.clock.move(timedelta(milliseconds=100))
    made.clock.move(-10 * _MINUTE)
    made.seed(mode)
    for detection, own in modes.items():
        made.runtime.controls.set_mode(detection, own, by="a test", reason="a test")
    for approval_list in (ApprovalList.RBAC_ROLES, ApprovalList.DIRECTORY_ROLES, ApprovalList.APP_PERMISSIONS):
        made.runtime.approvals.approve(approval(ALICE, approval_list))
    made.sweep()
    made.accept()
    resume(made.runtime)
    made.clock.move(10 * _MINUTE)
    attack.do(tenant)
    tenant.log.clear()
    made.take_in(attack.record())
    return made, tenant


def _answered(ready: Bench, *, minutes: int = 30) -> Case:
    """Answer what the queue has, and go on as the timer would until the case is closed."""
    with suppress(EdgeError):
        ready.answer_queue()
    for _ in range(minutes):
        if [case.state for case in ready.cases()] == [State.CLOSED]:
            break
        ready.clock.move(_MINUTE)
        with suppress(EdgeError):
            resume(ready.runtime)
    return ready.only_case()


def test_an_attack_is_put_back_proved_and_can_be_undone(storage: Storage, attack: Attack) -> None:
    ready, tenant = _attacked(storage, attack)
    case = _answered(ready)
    assert (case.decision, case.outcome) == (Decision.REMEDIATE, Outcome.DONE), case.because
    assert attack.is_undone(tenant)
    assert len(tenant.writes) == 1
    before = json.loads(storage.blob(Container.EVIDENCE, case.before) or b"null")
    (kind,) = [one for one in _GUARDED if one.kind is case.object_kind]
    assert kind.id_of(before).lower() == case.target.id.lower()
    assert [sent.case.id for sent in ready.teams.sent] == [case.id]


@pytest.mark.parametrize(("after", "is_ours"), [(0 * _MINUTE, True), (10 * _MINUTE, False)])
def test_what_pim_removes_for_the_responder_is_no_change_of_anybody(
    memory: MemoryStorage, after: timedelta, *, is_ours: bool
) -> None:
    """The directory's log names PIM's service, and the record in which PIM names the responder may come much later."""
    (attack,) = (one for one in ATTACKS if one.record is _directory_role_record)
    ready, tenant = _attacked(memory, attack)
    tenant.granted.discard(Permission.ROLE_MANAGEMENT_WRITE)
    case = _answered(ready)
    assert (case.outcome, attack.is_undone(tenant)) == (Outcome.DONE, True)
    removed = role_record("Remove member from role", initiatedBy=initiated_by(MS_PIM))
    text = json.dumps(removed).replace(COLLEAGUE, directory_role()["principalId"])
    ready.take_in(json.loads(text) | {"activityDateTime": f"{ready.clock() + after:%Y-%m-%dT%H:%M:%SZ}"})
    for _ in range(6):
        ready.clock.move(20 * _MINUTE)
        ready.answer_queue()
        resume(ready.runtime)
    assert ([each.id for each in ready.cases()] == [case.id]) is is_ours
    assert (len(ready.teams.sent) == 1) is is_ours


@pytest.mark.parametrize("first", [1, 2])
def test_a_change_that_also_reaches_a_break_glass_account_is_put_back_all_the_same(
    memory: MemoryStorage, first: int
) -> None:
    """Mallory takes the exclusions away and then adds his own; the records come in any order."""
    states = [_BEFORE, with_users(_BEFORE, excludeUsers=[]), with_users(_BEFORE, excludeUsers=[MALLORY.id])]

    def opened(tenant: FakeTenant) -> None:
        tenant.ca_policies[POLICY_ID] = copy.deepcopy(states[-1])

    def record(number: int) -> Image:
        changed = ca_policy_record("Update conditional access policy", old=states[number - 1], new=states[number])
        changed["targetResources"][0]["id"] = POLICY_ID
        at = _AT + number * timedelta(seconds=1)
        named = {"id": str(number), "correlationId": str(number), "initiatedBy": initiated_by(MALLORY)}
        return changed | named | {"activityDateTime": f"{at:%Y-%m-%dT%H:%M:%SZ}"}

    attack = copy.replace(ATTACKS[0], do=opened, record=lambda: record(first))
    ready, tenant = _attacked(memory, attack)
    ready.answer_queue()
    ready.take_in(record(3 - first))
    ready.answer_queue()
    assert attack.is_undone(tenant)
    cases = {case.detections: (case.decision, case.outcome) for case in ready.cases()}
    put_back = (Decision.REMEDIATE, Outcome.DONE)
    assert cases == {
        ("ca-policy-updated", "break-glass-unprotected"): put_back,
        ("ca-policy-updated",): put_back,
    }


def _unprotected(by: Principal) -> Attack:
    """Somebody takes the exclusions of the break-glass accounts away."""
    opened = with_users(_BEFORE, excludeUsers=[])

    def record() -> Image:
        changed = ca_policy_record("Update conditional access policy", old=_BEFORE, new=opened)
        changed["targetResources"][0]["id"] = POLICY_ID
        return changed | {"activityDateTime": f"{_AT:%Y-%m-%dT%H:%M:%SZ}", "initiatedBy": initiated_by(by)}

    def do(tenant: FakeTenant) -> None:
        tenant.ca_policies[POLICY_ID] = copy.deepcopy(opened)

    return copy.replace(ATTACKS[0], do=do, record=record)


def test_who_is_approved_and_reaches_a_break_glass_account_is_paged_all_the_same(memory: MemoryStorage) -> None:
    ready, tenant = _attacked(memory, _unprotected(ALICE))
    case = _answered(ready)
    assert tenant.writes == []
    assert set(case.detections) == {"ca-policy-updated", "break-glass-unprotected"}
    assert (case.state, case.standing, case.decision) == (State.CLOSED, Standing.APPROVED, Decision.PAGE)
    assert (case.detection, case.because) == ("break-glass-unprotected", "the detection applies whoever did it")
    assert [sent.case.id for sent in ready.teams.sent] == [sent.case.id for sent in ready.pagerduty.sent] == [case.id]


@pytest.mark.parametrize("by", [ALICE, MALLORY], ids=["approved", "unapproved"])
@pytest.mark.parametrize("other", [Mode.PAGE, Mode.ENFORCE])
def test_a_break_glass_account_that_is_reached_is_paged_where_policies_are_only_observed(
    memory: MemoryStorage, by: Principal, other: Mode
) -> None:
    attack = _unprotected(by)
    ready, tenant = _attacked(memory, attack, Mode.OBSERVE, modes={"break-glass-unprotected": other})
    case = _answered(ready)
    assert tenant.writes == []
    assert (case.detection, case.decision) == ("break-glass-unprotected", Decision.PAGE)
    assert case.would.startswith("would put it back") is (by is MALLORY)
    assert _woken(ready) == 1


def test_a_break_glass_account_that_is_reached_is_recorded_where_that_is_only_observed(memory: MemoryStorage) -> None:
    ready, _ = _attacked(memory, _unprotected(ALICE), modes={"break-glass-unprotected": Mode.OBSERVE})
    case = _answered(ready)
    assert (case.decision, _woken(ready)) == (Decision.RECORD, 0)
    assert case.would == "would page the owners: the detection applies whoever did it"


_NEW_WORDS: Final = ("riskRemediation", "linux")
_VAGUE: Final = "unknownFutureValue"


def _vague(text: str) -> str:
    """Print words that are newer than their enumerations as Graph does where nobody asks for them, and as logs do."""
    for word in _NEW_WORDS:
        text = text.replace(f'"{word}"', f'"{_VAGUE}"')
    return text


@contextmanager
def _over_http(tenant: FakeTenant) -> Generator[TenantEdges]:
    """Serve a tenant over HTTP, by which the request for the words themselves can be seen."""

    def respond(asked: Asked) -> Reply:
        path, _, query = unquote(asked.path).partition("?")
        _, version, url = path.split("/", 2)
        service = Service.GRAPH if version == "v1.0" else Service.GRAPH_BETA
        answer = tenant.answer(service, asked.method, f"/{url}", asked.body or None, dict(parse_qsl(query)))
        headers = {name.lower(): value for name, value in asked.headers.items()}
        is_asked = headers.get("prefer") == "include-unknown-enum-members"
        body = answer.body if is_asked else _vague(answer.body.decode()).encode()
        return Reply(status=answer.status, body=body, headers={"Content-Type": "application/json"})

    with http_service(respond=respond) as served:
        edges = tenant.edges()
        holder = Holder()
        graphs = {
            service: GraphTransport(url=served.url, version=version, credential=holder)
            for service, version in ((Service.GRAPH, "v1.0"), (Service.GRAPH_BETA, "beta"))
        }
        try:
            yield copy.replace(edges, transports={**edges.transports, **graphs})
        finally:
            for each in graphs.values():
                each.close()


@pytest.mark.parametrize(
    "after",
    [
        {"state": "disabled"},
        {"conditions": with_users(_BEFORE, excludeUsers=[*_LET_OUT, MALLORY.id])["conditions"]},
        {"grantControls": {"operator": "OR", "builtInControls": ["mfa"]}},
    ],
    ids=["disabled", "excluded", "less is required"],
)
def test_a_policy_with_newer_words_is_put_back(memory: MemoryStorage, after: Image) -> None:
    platforms = {"includePlatforms": ["linux"], "excludePlatforms": []}
    controls = {"operator": "OR", "builtInControls": ["riskRemediation"]}
    before: Image = _BEFORE | {"grantControls": controls}
    before["conditions"] = before["conditions"] | {"platforms": platforms}
    changed = copy.deepcopy(before | after)
    changed["conditions"]["platforms"] = platforms

    def record() -> Image:
        made = ca_policy_record("Update conditional access policy", old=before, new=changed)
        made["targetResources"][0]["id"] = POLICY_ID
        for each in made["targetResources"][0]["modifiedProperties"]:
            each |= {name: _vague(each[name]) for name in ("oldValue", "newValue")}
        return made | {"activityDateTime": f"{_AT:%Y-%m-%dT%H:%M:%SZ}", "initiatedBy": initiated_by(MALLORY)}

    def do(tenant: FakeTenant) -> None:
        tenant.ca_policies[POLICY_ID] = copy.deepcopy(changed)

    attack = copy.replace(
        ATTACKS[0],
        tenant=lambda: copy.replace(ATTACKS[0].tenant(), ca_policies={POLICY_ID: copy.deepcopy(before)}),
        do=do,
        record=record,
    )
    with ExitStack() as stack:

        def reach(tenant: FakeTenant) -> TenantEdges:
            return stack.enter_context(_over_http(tenant))

        ready, tenant = _attacked(memory, attack, reach=reach)
        case = _answered(ready)
    assert (case.decision, case.outcome) == (Decision.REMEDIATE, Outcome.DONE), case.because
    assert CA_POLICY.leaves(tenant.ca_policies[POLICY_ID]) == CA_POLICY.leaves(before)


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.PAGE])
def test_a_milder_mode_writes_nothing_to_the_tenant(memory: MemoryStorage, attack: Attack, mode: Mode) -> None:
    ready, tenant = _attacked(memory, attack, mode)
    case = _answered(ready)
    assert tenant.writes == []
    assert not attack.is_undone(tenant)
    assert case.would.startswith(f"would put it back: {attack.put_back}")


def test_without_any_permission_the_owners_are_paged_with_what_is_missing(
    memory: MemoryStorage, attack: Attack
) -> None:
    ready, tenant = _attacked(memory, attack)
    tenant.granted.clear()
    case = _answered(ready)
    assert (case.outcome, tenant.writes) == (Outcome.PENDING, [])
    assert "gave 403" in case.because
    assert _woken(ready) == 1
    tenant.granted.update(Permission)
    assert _answered(ready, minutes=90).outcome is Outcome.DONE


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
    assert case.outcome is Outcome.PENDING
    assert "an emergency account would lose something" in case.because
    assert _woken(ready) == 1
    assert tenant.writes == []


def test_a_subscription_that_is_not_configured_is_paged_and_nothing_of_it_is_read(memory: MemoryStorage) -> None:
    ready, tenant = _attacked(memory, ATTACKS[1], subscriptions="99999999-51fd-4a36-b8e0-6d7f93a1c258")
    case = _answered(ready)
    assert case.decision is Decision.PAGE
    assert "the settings don't name its subscription" in case.because
    assert tenant.log == []


def test_an_assignment_that_is_gone_before_anybody_looked_comes_to_people_in_the_end(memory: MemoryStorage) -> None:
    """Only its event tells of it: nobody is accused on that, and nobody is left in the dark."""
    ready, tenant = _attacked(memory, copy.replace(ATTACKS[1], do=_do_nothing))
    case = _answered(ready)
    assert (case.state, _woken(ready)) == (State.OPENED, 0)
    case = _answered(ready, minutes=150)
    assert (case.state, case.decision, tenant.writes) == (State.CLOSED, Decision.PAGE, [])
    assert "only a delivery tells" in case.because
    asked: list[int] = []
    for _ in range(2):
        asked.append(len(tenant.log))
        ready.clock.move(timedelta(hours=5))
        resume(ready.runtime)
    assert asked[-1] == len(tenant.log), "nobody waits for it any more"


class _SlowTurn:
    """A pacer at which a write waits for longer than the lease, while another run answers the object."""

    def __init__(self) -> None:
        self.meanwhile: Callable[[], None] = lambda: None

    def wait_for(self, tenant_id: str, lane: Lane) -> None:
        del tenant_id, lane
        self.meanwhile()

    def reserved(self, tenant_id: str, lane: Lane, calls: int) -> Self:
        del tenant_id, lane, calls
        return self


def test_a_run_that_waited_for_longer_than_its_lease_writes_nothing(memory: MemoryStorage) -> None:
    ready, tenant = _attacked(memory, ATTACKS[0])
    pacer = _SlowTurn()
    edges = copy.replace(ready.runtime.edges[TENANT], pacer=pacer, wait=ready.clock.wait)
    runtime = msgspec.structs.replace(ready.runtime, edges={TENANT: edges})
    ready = copy.replace(ready, runtime=runtime)
    others: list[int] = []

    def overtaken() -> None:
        if any(intent.state is IntentState.OPEN for one in _policies(ready) for intent in one.intents):
            pacer.meanwhile = lambda: None
            ready.clock.move(5 * _MINUTE)
            resume(runtime)
            others.append(len(tenant.writes))

    pacer.meanwhile = overtaken
    case = _answered(ready)
    assert others == [1], "another run wrote meanwhile"
    assert (case.outcome, case.state) == (Outcome.DONE, State.CLOSED)
    assert len(tenant.writes) == 1
    assert len(ready.teams.sent) == 1


def _policies(ready: Bench) -> list[ObjectState]:
    seen = ready.runtime.objects.seen(TENANT, ObjectKind.CA_POLICY)
    return [kept.state for one in seen if (kept := ready.runtime.objects.read(one.id))]


def _delete_policy(tenant: FakeTenant) -> None:
    del tenant.ca_policies[POLICY_ID]


def _deletion_record() -> Image:
    record = ca_policy_record("Delete conditional access policy", old=_BEFORE)
    record["targetResources"][0]["id"] = POLICY_ID
    return record | {"activityDateTime": _AT.isoformat().replace("+00:00", "Z"), "initiatedBy": initiated_by(MALLORY)}


class _Turns:
    """A pacer at which a reserved turn takes a second, and one that wasn't reserved as long as it is said."""

    def __init__(self, ready: Bench, *, unreserved: timedelta, turns: int = 0, are_given: bool = True) -> None:
        self._ready = ready
        self._unreserved = unreserved
        self._turns = turns
        self._are_given = are_given

    def wait_for(self, tenant_id: str, lane: Lane) -> None:
        del tenant_id, lane
        self._ready.clock.move(timedelta(seconds=1) if self._turns else self._unreserved)
        self._turns = max(self._turns - 1, 0)

    def reserved(self, tenant_id: str, lane: Lane, calls: int) -> "_Turns":
        del tenant_id, lane
        turns = calls if self._are_given else 0
        return _Turns(self._ready, unreserved=self._unreserved, turns=turns, are_given=self._are_given)


def _paced(memory: MemoryStorage, attack: Attack, seconds: float, *, are_given: bool) -> tuple[Bench, FakeTenant]:
    ready, tenant = _attacked(memory, attack)
    strength = _BEFORE["grantControls"]["authenticationStrength"]["id"]
    tenant.strengths[strength] = {"id": strength, "allowedCombinations": ["fido2"]}
    pacer = _Turns(ready, unreserved=timedelta(seconds=seconds), are_given=are_given)
    edges = copy.replace(ready.runtime.edges[TENANT], pacer=pacer, wait=ready.clock.wait)
    return copy.replace(ready, runtime=msgspec.structs.replace(ready.runtime, edges={TENANT: edges})), tenant


@pytest.mark.parametrize(
    "attack",
    [ATTACKS[0], copy.replace(ATTACKS[0], do=_delete_policy, record=_deletion_record)],
    ids=["changed", "deleted"],
)
def test_in_a_busy_lane_what_is_looked_at_before_a_write_has_turns_of_its_own(
    memory: MemoryStorage, attack: Attack
) -> None:
    """From the guards' first call to the write nobody's call comes between, whatever else waits."""
    ready, _ = _paced(memory, attack, 40, are_given=True)
    case = _answered(ready)
    assert (case.outcome, case.state) == (Outcome.DONE, State.CLOSED), case


def test_nothing_is_written_by_what_the_guards_read_half_a_minute_ago(memory: MemoryStorage) -> None:
    ready, tenant = _paced(memory, ATTACKS[0], 4.5, are_given=False)
    slow = {"GET": timedelta(seconds=25)}

    def spoil(_number: int, request: Request) -> Answer | None:
        if "namedLocations" in request.url:
            ready.clock.move(slow.get(request.method, timedelta()))
        return None

    tenant.spoil = spoil
    case = _answered(ready)
    assert (tenant.writes, case.outcome) == ([], Outcome.PENDING), case
    assert "moved at each try" in case.because
    slow.clear()
    assert _answered(ready, minutes=5).outcome is Outcome.DONE


def test_a_policy_that_may_have_been_made_again_already_is_told_at_once_and_made_when_that_is_known(
    memory: MemoryStorage,
) -> None:
    """The first request was lost, and a listing may not show yet what it made: two would be worse than none."""
    ready, tenant = _attacked(memory, copy.replace(ATTACKS[0], do=_delete_policy, record=_deletion_record))
    strength = _BEFORE["grantControls"]["authenticationStrength"]["id"]
    tenant.strengths[strength] = {"id": strength, "allowedCombinations": ["fido2"]}
    lost: list[Request] = []

    def lose_the_first(_number: int, request: Request) -> Answer | None:
        if request.method == "POST" and not lost:
            lost.append(request)
            raise Unreachable("the connection was cut")
        return None

    tenant.spoil = lose_the_first
    case = _answered(ready, minutes=3)
    assert (case.outcome, tenant.ca_policies, len(ready.teams.sent)) == (Outcome.PENDING, {}, 1), case
    assert len(tenant.log) < 130, "one look decides once: the service allows one call a second"
    case = _answered(ready, minutes=60)
    assert (case.state, case.outcome) == (State.CLOSED, Outcome.DONE), case
    assert [CA_POLICY.leaves(policy) for policy in tenant.ca_policies.values()] == [CA_POLICY.leaves(_BEFORE)]


_REFUSED_PATCHES: Final = {
    "once 409": [409],
    "409 again and again": [409] * 4,
    "once 429": [429],
    "429 again and again": [429] * 12,
}


@pytest.mark.parametrize("statuses", _REFUSED_PATCHES.values(), ids=_REFUSED_PATCHES)
def test_what_came_out_of_the_bin_becomes_as_before_though_the_patch_after_it_is_refused(
    memory: MemoryStorage, statuses: list[int]
) -> None:
    """Mallory lets himself out, switches it off and deletes it: the bin gives it back so, and our record says that."""
    opened = _AFTER | {"state": "disabled"}

    def binned(tenant: FakeTenant) -> None:
        del tenant.ca_policies[POLICY_ID]
        tenant.deleted_ca_policies[POLICY_ID] = copy.deepcopy(opened)

    def record(activity: str, by: Principal, at: datetime, **images: Image) -> Image:
        made = ca_policy_record(activity, **images)
        made["targetResources"][0]["id"] = POLICY_ID
        named = {"id": activity, "correlationId": activity, "initiatedBy": initiated_by(by)}
        return made | named | {"activityDateTime": at.isoformat().replace("+00:00", "Z")}

    ready, tenant = _attacked(
        memory,
        copy.replace(
            ATTACKS[0],
            do=binned,
            record=lambda: record("Update conditional access policy", MALLORY, _AT, old=_BEFORE, new=opened),
        ),
    )
    deleted_at = _AT + timedelta(seconds=2)
    ready.take_in(record("Delete conditional access policy", MALLORY, deleted_at, old=opened))
    strength = _BEFORE["grantControls"]["authenticationStrength"]["id"]
    tenant.strengths[strength] = {"id": strength, "allowedCombinations": ["fido2"]}
    left = list(statuses)

    def refuse(_number: int, request: Request) -> Answer | None:
        return answer_of({}, left.pop(0)) if request.method == "PATCH" and left else None

    tenant.spoil = refuse
    with suppress(EdgeError):
        ready.answer_queue()
    restored_at = next(one.at for one in _policies(ready)[0].intents if one.op is Op.CREATE) + timedelta(seconds=2)
    ready.take_in(record("Restore conditional access policy", RESPONDER, restored_at, new=opened))
    for _ in range(120):
        ready.clock.move(_MINUTE)
        with suppress(EdgeError):
            ready.answer_queue()
            resume(ready.runtime)
    assert {name: CA_POLICY.leaves(each) for name, each in tenant.ca_policies.items()} == {
        POLICY_ID: CA_POLICY.leaves(_BEFORE)
    }
    assert {(case.actor.id, case.outcome) for case in ready.cases()} == {(MALLORY.id, Outcome.DONE)}


def _when_asked_for[T](task: Callable[[], T], /) -> Callable[[], T]:
    return Once(task).__call__


def test_a_confirmation_is_stored_beside_the_look_and_decided_by_all_the_same(memory: MemoryStorage) -> None:
    """The look may have read the change from before it was stored that the tenant confirmed it."""
    ready, tenant = _attacked(memory, ATTACKS[1])
    ready = copy.replace(ready, runtime=msgspec.structs.replace(ready.runtime, start=_when_asked_for))
    ready.answer_queue()
    assert ATTACKS[1].is_undone(tenant)
    assert [request.method for request in tenant.log] == ["GET", "GET", "DELETE", "GET"]


def test_nothing_is_written_to_the_tenant_before_a_confirmation_is_stored() -> None:
    storage = SpoiltStorage(_fresh())
    ready, tenant = _attacked(storage, ATTACKS[1])
    storage.faults.fail("upsert Changes")
    with pytest.raises(EdgeError):
        ready.answer_queue()
    assert tenant.writes == []
    storage.faults.heal()
    assert _answered(ready).outcome is Outcome.DONE


_REFUSAL: Final = answer_of({"error": {"code": "Forbidden", "message": "no"}}, 403)
_WORDLESS: Final = answer_of({}, 404)
_NONSENSE: Final = Answer(status=200, headers={}, body=b"<html>")


def _is_honest(ready: Bench, case: Case, attack: Attack, tenant: FakeTenant) -> None:
    """Done is told only of what is done; anything else was paged to the channel that wakes people."""
    if case.outcome in {Outcome.DONE, Outcome.ALREADY}:
        assert attack.is_undone(tenant), case
    else:
        assert _woken(ready) == 1, case


def _woken(ready: Bench) -> int:
    """Count the pages that woke somebody, however often each was sent again, or asked about again."""
    return len({sent.message.key.split(" ")[0] for sent in ready.pagerduty.sent})


_MOST_REQUESTS: Final = 60


@pytest.mark.parametrize(
    ("spoilt", "lasting"),
    [(_REFUSAL, False), (_NONSENSE, False), (_WORDLESS, True)],
    ids=["one refusal", "one answer that can't be read", "only 404s from then on"],
)
def test_each_request_that_goes_wrong_leads_to_an_honest_end(attack: Attack, spoilt: Answer, *, lasting: bool) -> None:
    for nth in range(_MOST_REQUESTS):
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
    for nth in range(_MOST_REQUESTS):
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
    for nth in range(_MOST_REQUESTS):
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
    assert (case.outcome, tenant.writes) == (Outcome.PENDING, [])
    assert "it can't be read: the connection was refused" in case.because
    assert ready.clock() - begun < timedelta(minutes=35)
    assert _woken(ready) == 1
    tenant.spoil = lambda _number, _request: None
    assert _answered(ready, minutes=90).outcome is Outcome.DONE
