"""What a person decides about an object holds for what was shown, is in the journal, and covers nothing unsettled."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

import pytest

from infra.local.world import ALICE, BREAK_GLASS_1, MALLORY, TRUDY, Principal
from shared.authority import journal
from shared.authority.journal import What
from shared.clients.storage_names import Table
from shared.model.cases import Decision, Outcome, State
from shared.model.errors import Rejected, Unreachable
from shared.model.kinds import ApprovalList, Mode, ObjectKind
from shared.model.objects import EXISTS, ObjectId, ObjectState, Provenance, Verdict, key_of
from shared.respond.persons import Answered, Result, accept, leave, reject, settle, show, subject_of
from shared.respond.resume import resume
from shared.respond.waking import announce
from tests.fakes.lamps import LAMP, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, Bench, approval, bench, ready_bench
from tests.fakes.spoilt_storage import SpoiltStorage

_MINUTE: Final = timedelta(minutes=1)
_ID: Final = ObjectId(tenant_id=TENANT, kind=ObjectKind.CA_POLICY, key=key_of(LAMP))
_WHO: Final = "Carol Chen"
_WHY: Final = "CHG-7"


@pytest.fixture
def seen(memory: MemoryStorage) -> Bench:
    """Give a lamp that is on, and that nobody has accepted."""
    made = bench(memory)
    made.seed()
    made.sweep()
    made.clock.move(_MINUTE)
    return made


@pytest.fixture
def lit(memory: MemoryStorage) -> Bench:
    """Give one that was accepted and switched off since."""
    return ready_bench(memory)


def _digest(ready: Bench) -> str:
    return show(ready.runtime, _ID).seen.digest


def _accept(ready: Bench, digest: str | None = None) -> Answered:
    return accept(ready.runtime, _ID, digest=_digest(ready) if digest is None else digest, by=_WHO, reason=_WHY)


def _leave(ready: Bench, *leaves: str) -> Answered:
    return leave(ready.runtime, _ID, leaves=leaves, by=_WHO, reason=_WHY)


def _provenance(ready: Bench, leaf: str = "state") -> tuple[object, Provenance]:
    agreed = show(ready.runtime, _ID).plan.baseline[leaf]
    return agreed.value, agreed.provenance


def _verdicts(ready: Bench) -> dict[str, Verdict]:
    return {leaf: one.verdict for leaf, one in show(ready.runtime, _ID).plan.verdicts.items()}


def _acts(ready: Bench) -> list[tuple[str, What, str, object]]:
    chain = journal.history(ready.storage, subject_of(_ID))
    assert chain.problems == ()
    return [(entry.act.who, entry.act.what, entry.act.why, entry.act.after) for entry in chain.entries]


def _switch(ready: Bench, to: str, *, was: str = "on", by: Principal = MALLORY) -> None:
    """Let somebody, Mallory if it isn't said, switch the lamp now; its record comes at once."""
    ready.clock.move(_MINUTE)
    ready.lamps.state[LAMP] = to
    ready.take_in(lamp_record(by, at=ready.clock(), to=to, was=was))
    ready.clock.move(_MINUTE)
    ready.answer_queue()


def _timer(ready: Bench) -> None:
    ready.clock.move(_MINUTE)
    resume(ready.runtime)


# Accepting.


def test_what_was_shown_is_accepted_and_written_back_from_then_on(seen: Bench) -> None:
    assert _provenance(seen) == ("on", Provenance.FIRST_SEEN)
    digest = _digest(seen)
    assert _accept(seen) == Answered(id=_ID, result=Result.DONE)
    assert _provenance(seen) == ("on", Provenance.ACCEPTED)
    assert _provenance(seen, EXISTS) == (True, Provenance.ACCEPTED)
    assert _acts(seen) == [(_WHO, What.ACCEPT_BASELINE, _WHY, {"digest": digest, "uncovered": []})]
    _switch(seen, "off")
    assert seen.lamps.writes == ["set on"]


def test_what_nobody_accepted_is_not_written_back(seen: Bench) -> None:
    _switch(seen, "off")
    assert seen.lamps.writes == []


def test_an_object_that_was_read_otherwise_since_stays_as_it_was(seen: Bench) -> None:
    shown = _digest(seen)
    seen.lamps.state[LAMP] = "dim"
    seen.clock.move(_MINUTE)
    seen.sweep()
    assert _accept(seen, shown) == Answered(id=_ID, result=Result.MOVED)
    assert _provenance(seen) == ("on", Provenance.FIRST_SEEN)
    assert (_acts(seen), seen.only_object().acceptances) == ([], ())


@pytest.mark.parametrize("digest", ["", "0" * 64])
def test_another_digest_is_not_what_was_shown(seen: Bench, digest: str) -> None:
    assert _accept(seen, digest).result is Result.MOVED


def test_what_was_not_there_when_it_was_shown_is_accepted_as_not_there(lit: Bench) -> None:
    del lit.lamps.state[LAMP]
    for _ in range(13):
        lit.clock.move(5 * _MINUTE)
        lit.sweep()
        resume(lit.runtime)
    assert _verdicts(lit) == {EXISTS: Verdict.DRIFT}
    assert _accept(lit, "").result is Result.DONE
    assert _provenance(lit, "*") == (None, Provenance.ACCEPTED)
    assert _verdicts(lit) == {}


def test_a_change_that_comes_to_light_later_than_it_was_shown_is_not_accepted_with_it(seen: Bench) -> None:
    """The person saw what was read before it."""
    shown = _digest(seen)
    seen.clock.move(_MINUTE)
    seen.take_in(lamp_record(MALLORY, at=seen.clock(), to="off"))
    seen.lamps.state[LAMP] = "off"
    assert _accept(seen, shown).result is Result.DONE
    seen.answer_queue()
    assert seen.lamps.writes == ["set on"]


def _forbidden(ready: Bench) -> None:
    ready.lamps.touches = frozenset({BREAK_GLASS_1.id})


def _observed(ready: Bench) -> None:
    ready.runtime.controls.set_mode("*", Mode.PAGE, by="a test", reason="a test")


_UNSETTLED: Final[Mapping[str, tuple[Callable[[Bench], None], Verdict]]] = {
    "put back as soon as that may be": (_forbidden, Verdict.PUT_BACK),
    "listed for a person": (_observed, Verdict.LISTED),
}


@pytest.mark.parametrize(("spoil", "verdict"), _UNSETTLED.values(), ids=_UNSETTLED)
def test_a_leaf_of_a_change_that_is_not_settled_is_never_covered(
    lit: Bench, spoil: Callable[[Bench], None], verdict: Verdict
) -> None:
    """An attacker's change stands while somebody accepts the listing: what he wrote isn't blessed."""
    spoil(lit)
    _switch(lit, "red", was="off")
    _switch(lit, "off", was="red")
    assert _verdicts(lit)["state"] in {verdict, Verdict.MISSING, Verdict.WAIT_MISSING}
    assert _accept(lit) == Answered(id=_ID, result=Result.IN_PART, uncovered=("state",))
    assert _provenance(lit) == ("on", Provenance.ACCEPTED), "as it was accepted before"
    assert _acts(lit)[-1][3] == {"digest": _digest(lit), "uncovered": ["state"]}


def test_a_leaf_whose_record_may_still_come_is_not_covered(lit: Bench) -> None:
    """It stands otherwise than agreed, and for an hour nobody can say whether it is an attacker's."""
    lit.sweep()
    assert _verdicts(lit) == {"state": Verdict.WAIT_UNEXPLAINED}
    assert _accept(lit) == Answered(id=_ID, result=Result.IN_PART, uncovered=("state",))
    lit.take_in(lamp_record())
    lit.answer_queue()
    assert lit.lamps.writes == ["set on"]


def test_what_nobody_is_known_to_have_changed_is_accepted_after_that(lit: Bench) -> None:
    for _ in range(13):
        lit.clock.move(5 * _MINUTE)
        lit.sweep()
        resume(lit.runtime)
    assert _verdicts(lit) == {"state": Verdict.DRIFT}
    assert _accept(lit).result is Result.DONE
    assert _provenance(lit) == ("off", Provenance.ACCEPTED)
    _timer(lit)
    assert lit.only_object().pending == {}


def test_the_object_is_looked_at_after_it(seen: Bench) -> None:
    _timer(seen)
    assert seen.runtime.due.ready(seen.clock(), 10) == []
    _accept(seen)
    (look,) = seen.runtime.due.ready(seen.clock(), 10)
    assert (look.id, seen.only_object().next_look) == (_ID, seen.clock())


# A stolen administrator.


def test_what_a_stolen_administrator_did_is_listed_and_put_back_on_a_persons_word(lit: Bench) -> None:
    """What became baseline since the theft doesn't count any more; nothing of it is rolled back unasked."""
    lit.runtime.approvals.approve(approval(TRUDY))
    theft = lit.clock()
    _switch(lit, "off", by=ALICE)
    assert _provenance(lit) == ("off", Provenance.APPROVED)
    lit.clock.move(60 * _MINUTE)
    announce(lit.storage, at=lit.clock(), since=theft)
    revoked = lit.runtime.approvals.revoke(
        ApprovalList.CONDITIONAL_ACCESS, ALICE.id, by=_WHO, reason="stolen", since=theft
    )
    assert revoked
    for _ in range(3):
        _timer(lit)
        lit.answer_queue()
    assert _provenance(lit) == ("on", Provenance.ACCEPTED)
    assert (_verdicts(lit), lit.lamps.writes) == ({"state": Verdict.LISTED}, [])
    assert list(_state(lit).pending) == ["state"], "so that `responder settle` lists it"
    assert settle(lit.runtime, _ID, by=_WHO, reason=_WHY) == Answered(id=_ID, result=Result.DONE)
    _timer(lit)
    lit.answer_queue()
    assert lit.lamps.writes == ["set on"]


# Acts in general.

_ACTS: Final[Mapping[str, Callable[[Bench], Answered]]] = {
    "accept": _accept,
    "reject": lambda ready: reject(ready.runtime, _ID, by=_WHO, reason=_WHY),
    "leave": _leave,
    "settle": lambda ready: settle(ready.runtime, _ID, by=_WHO, reason=_WHY),
}


@pytest.fixture
def listed(memory: MemoryStorage) -> Bench:
    """Give a lamp with a change on it that is a person's to decide about."""
    ready = ready_bench(memory, mode=Mode.PAGE)
    ready.take_in(lamp_record())
    ready.answer_queue()
    ready.runtime.controls.set_mode("*", Mode.ENFORCE, by="a test")
    return ready


def _state(ready: Bench) -> ObjectState:
    return ready.only_object()


@pytest.mark.parametrize("act", _ACTS.values(), ids=_ACTS)
def test_while_the_object_is_held_nothing_is_done_and_that_is_said(
    listed: Bench, act: Callable[[Bench], Answered]
) -> None:
    before, acts = _state(listed), _acts(listed)
    held = listed.runtime.leases.take([f"lamps {TENANT}"], "another run")
    assert held is not None
    assert act(listed) == Answered(id=_ID, result=Result.BUSY)
    assert (_state(listed), _acts(listed)) == (before, acts)
    listed.runtime.leases.release(held)
    assert act(listed).result in {Result.DONE, Result.IN_PART}
    assert listed.runtime.leases.held() == [], "it lets go again"


@pytest.mark.parametrize("act", _ACTS.values(), ids=_ACTS)
def test_an_act_that_cannot_be_journalled_takes_no_effect(
    memory: MemoryStorage, act: Callable[[Bench], Answered]
) -> None:
    storage = SpoiltStorage(memory)
    ready = ready_bench(storage, mode=Mode.PAGE)
    ready.take_in(lamp_record())
    ready.answer_queue()
    before = _state(ready)
    storage.faults.fail(f"insert {Table.JOURNAL}")
    with pytest.raises(Unreachable):
        act(ready)
    assert _state(ready) == before
    storage.faults.heal()
    assert ready.runtime.leases.held() == []


@pytest.mark.parametrize(("by", "reason"), [("", _WHY), (_WHO, ""), (_WHO, " "), (" ", _WHY)])
def test_who_and_why_are_asked_for(listed: Bench, by: str, reason: str) -> None:
    before = _state(listed)
    with pytest.raises(ValueError, match=r".+"):
        accept(listed.runtime, _ID, digest=_digest(listed), by=by, reason=reason)
    for act in (reject, settle):
        with pytest.raises(ValueError, match=r".+"):
            act(listed.runtime, _ID, by=by, reason=reason)
    with pytest.raises(ValueError, match=r".+"):
        leave(listed.runtime, _ID, leaves=(), by=by, reason=reason)
    assert _state(listed) == before


def _show(ready: Bench) -> object:
    return show(ready.runtime, _ID)


@pytest.mark.parametrize("act", [_show, *_ACTS.values()], ids=["show", *_ACTS])
def test_an_object_that_nobody_has_read_is_an_error(memory: MemoryStorage, act: Callable[[Bench], object]) -> None:
    made = bench(memory)
    with pytest.raises(Rejected, match=_ID.key):
        act(made)


# Leaving.


def test_what_is_left_stays_and_its_case_says_so(lit: Bench) -> None:
    _forbidden(lit)
    lit.take_in(lamp_record())
    (case,) = lit.answer_all()
    assert (case.outcome, case.is_open) == (Outcome.PENDING, True)
    assert _leave(lit) == Answered(id=_ID, result=Result.DONE)
    assert _acts(lit)[-1] == (_WHO, What.LEAVE, _WHY, {"leaves": ["state"]})
    lit.lamps.touches = frozenset()
    for _ in range(3):
        lit.clock.move(61 * _MINUTE)
        resume(lit.runtime)
    assert (lit.lamps.writes, lit.lamps.state[LAMP]) == ([], "off")
    closed = lit.only_case()
    assert (closed.decision, closed.state, closed.pending) == (Decision.RECORD, State.CLOSED, "")
    assert "a person said to leave it" in closed.because


def test_another_value_of_what_was_left_is_judged_again(lit: Bench) -> None:
    """Left on Monday; another change on Thursday."""
    _forbidden(lit)
    lit.take_in(lamp_record())
    lit.answer_queue()
    _leave(lit)
    lit.lamps.touches = frozenset()
    _timer(lit)
    lit.clock.move(timedelta(days=3))
    _switch(lit, "red", was="off")
    assert _verdicts(lit)["state"] is not Verdict.LEFT
    assert lit.lamps.state[LAMP] == "red"
    assert len(lit.pagerduty.sent) == 2, "somebody is asked again"


def test_only_what_is_named_is_left(lit: Bench) -> None:
    _forbidden(lit)
    lit.take_in(lamp_record())
    lit.answer_queue()
    with pytest.raises(Rejected, match="nothing waits on colour; there waits: state"):
        _leave(lit, "colour")
    with pytest.raises(Rejected, match="colour"):
        _leave(lit, "state", "colour")
    assert _state(lit).left == ()
    assert _leave(lit, "state").result is Result.DONE
    assert [(one.leaf, one.value) for one in _state(lit).left] == [("state", "off")]


def test_where_nothing_waits_nothing_is_left(seen: Bench) -> None:
    before = _state(seen)
    assert _leave(seen) == Answered(id=_ID, result=Result.NOTHING)
    assert (_state(seen), _acts(seen)) == (before, [])


# Settling.


def test_what_stood_while_people_only_watched_is_put_back_when_a_person_says_so(listed: Bench) -> None:
    _timer(listed)
    assert listed.lamps.writes == []
    change = show(listed.runtime, _ID).plan.verdicts["state"].change
    assert settle(listed.runtime, _ID, by=_WHO, reason=_WHY) == Answered(id=_ID, result=Result.DONE)
    assert _acts(listed)[-1] == (_WHO, What.SETTLE, _WHY, {"changes": [change]})
    _timer(listed)
    assert listed.lamps.writes == ["set on"]


def test_settling_does_not_go_over_the_guards(listed: Bench) -> None:
    _forbidden(listed)
    settle(listed.runtime, _ID, by=_WHO, reason=_WHY)
    _timer(listed)
    assert listed.lamps.writes == []
    assert "an emergency account would lose" in _state(listed).pending["state"].because


def test_who_asked_for_what_a_guard_forbids_hears_why_once(listed: Bench) -> None:
    """The case was closed when people only watched, so it can't say it any more."""
    _forbidden(listed)
    settle(listed.runtime, _ID, by=_WHO, reason=_WHY)
    for _ in range(3):
        _timer(listed)
        listed.clock.move(timedelta(hours=1))
    (notice,) = listed.teams.system_notices
    assert listed.pagerduty.system_notices == [notice]
    assert LAMP in notice.text
    assert "an emergency account would lose" in notice.text


@pytest.mark.parametrize("is_forbidden", [True, False])
def test_where_nothing_is_listed_nothing_is_settled(lit: Bench, *, is_forbidden: bool) -> None:
    if is_forbidden:
        _forbidden(lit)
    lit.take_in(lamp_record())
    lit.answer_queue()
    before, acts = _state(lit), _acts(lit)
    assert settle(lit.runtime, _ID, by=_WHO, reason=_WHY) == Answered(id=_ID, result=Result.NOTHING)
    assert (_state(lit), _acts(lit)) == (before, acts)


# Rejecting.


def test_what_is_rejected_is_written_back_no_more_and_everybody_is_paged(lit: Bench) -> None:
    assert reject(lit.runtime, _ID, by=_WHO, reason=_WHY) == Answered(id=_ID, result=Result.DONE)
    assert _acts(lit)[-1] == (_WHO, What.WITHDRAW_BASELINE, _WHY, {"accepted": 1})
    (notice,) = lit.teams.system_notices
    assert lit.pagerduty.system_notices == [notice]
    assert _WHO in notice.text
    assert LAMP in notice.text
    assert _provenance(lit) == ("on", Provenance.FIRST_SEEN)
    lit.take_in(lamp_record())
    (case,) = lit.answer_all()
    assert (case.decision, lit.lamps.writes) == (Decision.PAGE, [])
    assert "accepted by nobody" in case.because
