"""What a stolen account did since an instant is taken back as one plan, and nothing that others did."""

from datetime import datetime, timedelta
from typing import Final

import pytest

from infra.local.world import ALICE, BREAK_GLASS_1, RESPONDER, TRUDY, Principal
from shared.authority import journal
from shared.authority.standing import Approval
from shared.clients.storage_names import Table
from shared.model.cases import Outcome
from shared.model.errors import BadIdentifier, Rejected, Unreachable
from shared.model.kinds import ApprovalList, ObjectKind
from shared.model.objects import ObjectId, Provenance, key_of
from shared.respond.persons import Result, accept, show
from shared.respond.resume import resume
from shared.respond.stolen import Revocation, Revoked, plan_revocation, revoke_since
from tests.fakes.lamps import LAMP, Lamps, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, Bench, approval, bench
from tests.fakes.spoilt_storage import SpoiltStorage

_MINUTE: Final = timedelta(minutes=1)
_OTHER: Final = "1a3b0000-0000-4000-8000-000000000002"
_THIRD: Final = "1a3b0000-0000-4000-8000-000000000003"
_WHO: Final = "Carol Chen"


def _ready(storage: MemoryStorage | SpoiltStorage) -> Bench:
    made = bench(storage, lamps=Lamps({LAMP: "on", _OTHER: "on", _THIRD: "on"}))
    made.seed()
    made.runtime.approvals.approve(approval(TRUDY))
    made.sweep()
    made.accept()
    resume(made.runtime)
    made.clock.move(10 * _MINUTE)
    return made


@pytest.fixture
def ready(memory: MemoryStorage) -> Bench:
    """Give three lamps that were accepted as on; Alice and Trudy may switch them."""
    return _ready(memory)


def _switch(ready: Bench, lamp: str, to: str, *, was: str = "on", by: Principal = ALICE) -> None:
    ready.clock.move(_MINUTE)
    ready.lamps.state[lamp] = to
    ready.take_in(lamp_record(by, at=ready.clock(), to=to, was=was, lamp=lamp))
    ready.clock.move(_MINUTE)
    ready.answer_queue()


def _go_on(ready: Bench, times: int = 3) -> None:
    for _ in range(times):
        ready.clock.move(_MINUTE)
        resume(ready.runtime)
        ready.answer_queue()


def _plan(ready: Bench, since: datetime, who: Principal = ALICE) -> Revocation:
    return plan_revocation(ready.runtime, who.id, since)


def _revoke(ready: Bench, since: datetime, digest: str = "", reason: str = "stolen") -> Revoked:
    digest = digest or _plan(ready, since).digest
    return revoke_since(ready.runtime, ALICE.id, since, digest=digest, by=_WHO, reason=reason)


def _id(lamp: str) -> ObjectId:
    return ObjectId(tenant_id=TENANT, kind=ObjectKind.CA_POLICY, key=key_of(lamp))


def test_what_it_did_is_shown_and_then_put_back(ready: Bench) -> None:
    since = ready.clock()
    for lamp in (LAMP, _OTHER):
        _switch(ready, lamp, "off")
    plan = _plan(ready, since)
    assert plan.approvals == (ApprovalList.CONDITIONAL_ACCESS,)
    assert [[(row.stands, row.will_be) for row in one.rows] for one in plan.plans] == [[("off", "on")]] * 2
    assert ready.lamps.writes == [], "showing does nothing"
    revoked = _revoke(ready, since, plan.digest)
    assert (revoked.result, [one.result for one in revoked.acted]) == (Result.DONE, [Result.DONE] * 2)
    _go_on(ready)
    assert (ready.lamps.writes, set(ready.lamps.state.values())) == (["set on", "set on"], {"on"})
    mine = [one for one in ready.cases() if one.detection == "person-revoke"]
    assert [one.outcome for one in mine] == [Outcome.DONE] * 2
    _go_on(ready)
    assert _revoke(ready, since).result is Result.ALREADY


def test_the_approval_ends_since_then_by_an_entry_of_its_own(ready: Bench) -> None:
    since = ready.clock()
    _switch(ready, LAMP, "off")
    _revoke(ready, since)
    said = ready.runtime.approvals.find(ApprovalList.CONDITIONAL_ACCESS, ALICE.id)
    assert isinstance(said, Approval)
    assert said.revoked_at == since
    subject = journal.approval_subject(ApprovalList.CONDITIONAL_ACCESS, ALICE.id)
    last = journal.history(ready.storage, subject).entries[-1].act
    assert (last.what, last.who, last.why) == (journal.What.REVOKE, _WHO, "stolen")


def test_an_approval_that_ended_since_ends_earlier_and_one_that_ended_before_stays_so(ready: Bench) -> None:
    since = ready.clock()
    _switch(ready, LAMP, "off")
    ended = ready.clock()
    assert ready.runtime.approvals.revoke(ApprovalList.CONDITIONAL_ACCESS, ALICE.id, by=_WHO, reason="leaves")
    assert _plan(ready, since).approvals == (ApprovalList.CONDITIONAL_ACCESS,)
    ready.clock.move(2 * _MINUTE)
    assert _plan(ready, ended + _MINUTE).approvals == ()
    _revoke(ready, since)
    said = ready.runtime.approvals.find(ApprovalList.CONDITIONAL_ACCESS, ALICE.id)
    assert isinstance(said, Approval)
    assert said.revoked_at == since


def test_what_it_did_before_stays(ready: Bench) -> None:
    _switch(ready, LAMP, "dim")
    since = ready.clock() + _MINUTE / 2
    _switch(ready, LAMP, "off", was="dim")
    (plan,) = _plan(ready, since).plans
    assert [(row.stands, row.will_be) for row in plan.rows] == [("off", "dim")]
    _revoke(ready, since)
    _go_on(ready)
    assert ready.lamps.state[LAMP] == "dim"
    assert show(ready.runtime, _id(LAMP)).plan.baseline["state"].provenance in {
        Provenance.ACCEPTED,
        Provenance.PUT_BACK,
    }


def test_what_somebody_approved_has_built_on_it_stays_and_is_named(ready: Bench) -> None:
    since = ready.clock()
    _switch(ready, LAMP, "off")
    _switch(ready, LAMP, "dim", was="off", by=TRUDY)
    _switch(ready, _OTHER, "off")
    plan = _plan(ready, since)
    assert [one.asking.id for one in plan.plans] == [_id(_OTHER)]
    (other,) = plan.others
    assert f"written since by {TRUDY.upn}" in other.stays["state"]
    _revoke(ready, since)
    _go_on(ready)
    assert (ready.lamps.state[LAMP], ready.lamps.state[_OTHER]) == ("dim", "on")


def test_what_a_person_accepted_since_stays_and_what_the_account_accepted_does_not(ready: Bench) -> None:
    since = ready.clock()
    _switch(ready, LAMP, "off")
    _switch(ready, _OTHER, "off")
    ready.sweep()
    for lamp, by in ((LAMP, "carol@contoso.example (0)"), (_OTHER, f"alice@contoso.example ({ALICE.id})")):
        digest = show(ready.runtime, _id(lamp)).seen.digest
        assert accept(ready.runtime, _id(lamp), digest=digest, by=by, reason="fine").result is Result.DONE
    plan = _plan(ready, since)
    assert [(one.asking.id, one.withdrawn) for one in plan.plans] == [(_id(_OTHER), 1)]
    assert "accepted since by a person" in plan.others[0].stays["state"]
    _revoke(ready, since)
    _go_on(ready)
    assert (ready.lamps.state[LAMP], ready.lamps.state[_OTHER]) == ("off", "on")


def test_an_acceptance_of_the_account_alone_is_withdrawn(memory: MemoryStorage) -> None:
    made = bench(memory)
    made.seed()
    made.sweep()
    since = made.clock()
    made.clock.move(_MINUTE)
    digest = show(made.runtime, _id(LAMP)).seen.digest
    accept(made.runtime, _id(LAMP), digest=digest, by=f"alice ({ALICE.id})", reason="mine")
    revoked = _revoke(made, since)
    assert (revoked.result, len(revoked.acted)) == (Result.DONE, 1)
    assert show(made.runtime, _id(LAMP)).plan.baseline["state"].provenance is Provenance.FIRST_SEEN
    assert _revoke(made, since).result is Result.ALREADY


def test_whom_the_account_approved_is_named(ready: Bench) -> None:
    since = ready.clock()
    ready.clock.move(_MINUTE)
    friend = approval(TRUDY, ApprovalList.RBAC_ROLES, valid_from=ready.clock(), approved_by=f"alice ({ALICE.id})")
    ready.runtime.approvals.approve(friend)
    (text,) = _plan(ready, since).leans
    assert TRUDY.id in text


def test_what_was_accepted_on_a_command_line_is_named_since_no_account_is_known_there(ready: Bench) -> None:
    since = ready.clock()
    ready.clock.move(_MINUTE)
    ready.lamps.state[LAMP] = "dim"
    ready.sweep()
    (digest,) = [one.digest for one in ready.runtime.objects.seen(TENANT, ObjectKind.CA_POLICY) if one.id == _id(LAMP)]
    accept(ready.runtime, _id(LAMP), digest=digest, by="root", reason="mine")
    ready.runtime.approvals.approve(approval(TRUDY, ApprovalList.RBAC_ROLES, valid_from=since, approved_by="root"))
    (text,) = _plan(ready, since - _MINUTE).leans
    assert text.startswith("root accepted 1 objects and approved 1 actors since then")
    ready.clock.move(_MINUTE)
    assert _plan(ready, ready.clock()).leans == ()


def test_a_plan_that_is_out_of_date_does_nothing(ready: Bench) -> None:
    since = ready.clock()
    _switch(ready, LAMP, "off")
    digest = _plan(ready, since).digest
    _switch(ready, _OTHER, "off")
    assert _revoke(ready, since, digest).result is Result.MOVED
    said = ready.runtime.approvals.find(ApprovalList.CONDITIONAL_ACCESS, ALICE.id)
    assert isinstance(said, Approval)
    assert said.revoked_at is None
    _go_on(ready)
    assert ready.lamps.writes == []


def test_what_a_guard_forbids_waits_and_the_rest_is_done(ready: Bench) -> None:
    since = ready.clock()
    _switch(ready, LAMP, "off")
    ready.lamps.touches = frozenset({BREAK_GLASS_1.id})
    plan = _plan(ready, since)
    assert any("an emergency account would lose" in one.because for one in plan.plans[0].objections.values())
    assert _revoke(ready, since, plan.digest).result is Result.DONE
    _go_on(ready)
    assert ready.lamps.writes == []


def test_an_object_that_is_held_is_asked_for_again_by_the_next_plan(ready: Bench) -> None:
    since = ready.clock()
    _switch(ready, LAMP, "off")
    plan = _plan(ready, since)
    held = ready.runtime.leases.take([f"lamps {TENANT}"], "another run")
    assert held is not None
    assert _revoke(ready, since, plan.digest).result is Result.NOT_ALL
    ready.runtime.leases.release(held)
    rest = _plan(ready, since)
    assert (rest.approvals, len(rest.plans)) == ((), 1)
    assert _revoke(ready, since, rest.digest).result is Result.DONE
    _go_on(ready)
    assert ready.lamps.writes == ["set on"]


@pytest.mark.parametrize("table", [Table.JOURNAL, Table.APPROVED_ACTORS])
def test_a_run_that_dies_in_between_is_done_again(memory: MemoryStorage, table: Table) -> None:
    storage = SpoiltStorage(memory)
    ready = _ready(storage)
    since = ready.clock()
    _switch(ready, LAMP, "off")
    plan = _plan(ready, since)
    storage.faults.fail(f"insert {table}")
    with pytest.raises(Unreachable):
        _revoke(ready, since, plan.digest)
    storage.faults.heal()
    assert _revoke(ready, since).result is Result.DONE
    _go_on(ready)
    assert ready.lamps.writes == ["set on"]


@pytest.mark.parametrize("who", [BREAK_GLASS_1, RESPONDER])
def test_nobody_fights_an_emergency_account_or_the_app(ready: Bench, who: Principal) -> None:
    with pytest.raises(Rejected):
        _plan(ready, ready.clock(), who)


def test_a_name_is_no_object_id(ready: Bench) -> None:
    with pytest.raises(BadIdentifier):
        plan_revocation(ready.runtime, "alice@contoso.example", ready.clock())


def test_while_an_object_cannot_be_read_it_is_not_said_to_be_done(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    ready = _ready(storage)
    since = ready.clock()
    ready.runtime.approvals.revoke(ApprovalList.CONDITIONAL_ACCESS, ALICE.id, by=_WHO, reason="stolen", since=since)
    assert _revoke(ready, since).result is Result.ALREADY
    storage.faults.fail(f"rows {Table.CHANGES}")
    assert len(_plan(ready, since).unread) == 3
    assert _revoke(ready, since).result is Result.NOT_ALL


def test_where_one_object_cannot_be_read_the_rest_is_done_in_part(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    ready = _ready(storage)
    since = ready.clock()
    for lamp in (LAMP, _OTHER, _THIRD):
        _switch(ready, lamp, "off")

    def spoil_the_first_read() -> None:
        left = [True]
        storage.faults.spoil = lambda operation: (
            "before" if operation.startswith(f"rows {Table.CHANGES}") and left and left.pop() else ""
        )

    spoil_the_first_read()
    plan = _plan(ready, since)
    assert (len(plan.plans), len(plan.unread)) == (2, 1)
    spoil_the_first_read()
    revoked = _revoke(ready, since, plan.digest)
    assert ([one.result for one in revoked.acted], revoked.result) == ([Result.DONE] * 2, Result.NOT_ALL)


def test_an_instant_that_is_still_to_come_is_a_mistake(ready: Bench) -> None:
    with pytest.raises(Rejected, match="still to come"):
        _plan(ready, ready.clock() + _MINUTE)


def test_it_needs_a_reason(ready: Bench) -> None:
    since = ready.clock()
    _switch(ready, LAMP, "off")
    with pytest.raises(ValueError, match="reason"):
        _revoke(ready, since, reason=" ")
