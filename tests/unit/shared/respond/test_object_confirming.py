"""A delivery is a hint: nothing becomes approved, and nothing deleted is made again, on its word alone."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import msgspec
import pytest

from infra.local.world import ALICE, MALLORY, RELEASE_PIPELINE, TRUDY, Principal
from shared.model.cases import Decision, Outcome, Standing, State
from shared.model.errors import Refused, Unreachable
from shared.model.events import Event
from shared.model.kinds import Image, ObjectKind
from shared.model.object_kinds import Confirmation, Made
from shared.model.objects import EXISTS, ObjectChange, ObjectId, Op, Provenance, Recorded, key_of
from shared.model.tenant_api import TenantApi
from shared.respond.persons import show
from shared.respond.resume import resume
from shared.respond.unexplained import UNEXPLAINED
from tests.fakes.lamps import AT, LAMP, Lamps, actor_of, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, Bench, approval, ready_bench

_MINUTE: Final = timedelta(minutes=1)
_SECOND: Final = timedelta(seconds=1)
_NOT_YET: Final = Confirmation(is_true=None, because="the tenant doesn't say yet")
_TRUE: Final = Confirmation(is_true=True, because="the tenant says so")
_FALSE: Final = Confirmation(is_true=False, because="the tenant says that Carol Chen made it")


@dataclass(slots=True)
class _Word:
    """What the tenant says of every change, when the lamp says that it was made, and who asked it what."""

    answer: Confirmation | Exception = _NOT_YET
    made: Made = field(default_factory=Made)
    asked: list[tuple[str, bool]] = field(default_factory=list[tuple[str, bool]])

    def confirm(self, _api: TenantApi, change: ObjectChange, image: Image | None) -> Confirmation:
        self.asked.append((change.actor.id, image is not None))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def word() -> _Word:
    return _Word()


@pytest.fixture
def hinted(memory: MemoryStorage, word: _Word) -> Bench:
    """Give a lamp that was switched off, of a kind whose changes only deliveries tell."""
    lamps = Lamps()

    def made(_image: Image) -> Made:
        return word.made

    kind = msgspec.structs.replace(lamps.kind(), confirm=word.confirm, made=made, recorded=_recorded(lamps))
    return ready_bench(memory, lamps=lamps, kinds=(kind,))


def _recorded(lamps: Lamps) -> Callable[[Event], tuple[Recorded, ...]]:
    """Take a lamp that was switched to "gone" for one that was deleted."""
    recorded = lamps.kind().recorded

    def with_deletions(event: Event) -> tuple[Recorded, ...]:
        found = recorded(event)
        is_deletion = any(new == "gone" for one in found for _, new in one.wrote.values())
        return tuple(msgspec.structs.replace(one, op=Op.DELETE, wrote={}) for one in found) if is_deletion else found

    return with_deletions


def _change(ready: Bench) -> ObjectChange:
    (change,) = [one for one in ready.runtime.objects.changes(ready.only_object().id) if not one.is_ours]
    return change


def _look_again(ready: Bench) -> None:
    ready.clock.move(5 * _MINUTE)
    resume(ready.runtime)


def test_what_the_tenant_has_not_confirmed_counts_as_not_come(hinted: Bench, word: _Word) -> None:
    hinted.take_in(lamp_record(ALICE))
    (case,) = hinted.answer_all()
    assert (case.state, case.standing, case.decision) == (State.OPENED, Standing.UNKNOWN, Decision.RECORD)
    agreed = show(hinted.runtime, hinted.only_object().id).plan.baseline["state"]
    assert (agreed.value, agreed.provenance) == ("on", Provenance.ACCEPTED), "what Alice is said to have written isn't"
    assert (hinted.lamps.writes, hinted.teams.sent) == ([], [])
    assert word.asked
    assert hinted.only_object().next_look is not None, "it is asked again"


def test_what_is_confirmed_later_is_judged_then(hinted: Bench, word: _Word) -> None:
    hinted.take_in(lamp_record(ALICE))
    hinted.answer_queue()
    word.answer = _TRUE
    _look_again(hinted)
    case = hinted.only_case()
    assert (case.standing, case.decision, case.state) == (Standing.APPROVED, Decision.RECORD, State.CLOSED)
    assert _change(hinted).is_confirmed
    assert show(hinted.runtime, hinted.only_object().id).plan.baseline["state"].provenance is Provenance.APPROVED


def test_a_change_of_an_unapproved_actor_is_put_back_when_it_is_confirmed(hinted: Bench, word: _Word) -> None:
    hinted.take_in(lamp_record(MALLORY))
    hinted.answer_queue()
    assert hinted.lamps.writes == []
    word.answer = _TRUE
    _look_again(hinted)
    assert hinted.lamps.writes == ["set on"]
    assert hinted.only_case().outcome is Outcome.DONE


def test_it_is_asked_of_once_where_there_is_an_answer(hinted: Bench, word: _Word) -> None:
    word.answer = _TRUE
    hinted.take_in(lamp_record(ALICE))
    hinted.answer_queue()
    for _ in range(3):
        _look_again(hinted)
        hinted.sweep()
    assert word.asked == [(ALICE.id, True)]


@pytest.mark.parametrize("failure", [Unreachable("cut"), Refused("403")])
def test_a_tenant_that_cannot_be_asked_has_not_confirmed(hinted: Bench, word: _Word, failure: Exception) -> None:
    word.answer = failure
    hinted.take_in(lamp_record(MALLORY))
    (case,) = hinted.answer_all()
    assert (case.state, hinted.lamps.writes) == (State.OPENED, [])
    word.answer = _TRUE
    _look_again(hinted)
    assert hinted.lamps.writes == ["set on"]


def test_what_the_tenant_denies_is_told_to_everybody_and_never_judged(hinted: Bench, word: _Word) -> None:
    """Somebody can write to the queue, and says that Alice did it."""
    word.answer = _FALSE
    hinted.take_in(lamp_record(ALICE))
    (case,) = hinted.answer_all()
    (notice,) = hinted.teams.system_notices
    assert hinted.pagerduty.system_notices == [notice]
    assert "wasn't made" in notice.title
    assert ALICE.id in notice.text
    assert _FALSE.because in notice.text
    assert (_change(hinted).is_denied, _change(hinted).is_confirmed) == (True, False)
    assert (case.standing, case.decision, case.state) == (Standing.UNKNOWN, Decision.RECORD, State.CLOSED)
    assert "the tenant says" in case.because
    assert show(hinted.runtime, hinted.only_object().id).plan.baseline["state"].value == "on"
    for _ in range(3):
        _look_again(hinted)
    assert len(word.asked) == 1
    assert len(hinted.teams.system_notices) == 1


@pytest.mark.parametrize(
    ("others", "apart", "is_denied"),
    [
        pytest.param({MALLORY.id}, 2, False, id="that is another change"),
        pytest.param({MALLORY.id}, 6, True, id="that was made at another time"),
        pytest.param({MALLORY.id, TRUDY.id}, 2, True, id="somebody else did it too"),
        pytest.param(frozenset[str](), 2, True, id="the log names nobody"),
    ],
)
def test_what_the_log_says_of_another_change_that_is_known_denies_none(
    hinted: Bench, word: _Word, others: AbstractSet[str], apart: int, *, is_denied: bool
) -> None:
    """Two did the same within seconds. The log has the first one, the record of the second is still to come."""
    word.answer = _TRUE
    hinted.take_in(lamp_record(MALLORY))
    hinted.answer_queue()
    word.answer = msgspec.structs.replace(_FALSE, others=frozenset(others))
    hinted.take_in(lamp_record(ALICE, at=AT + apart * _SECOND))
    hinted.answer_queue()
    hers = next(one for one in hinted.runtime.objects.changes(hinted.only_object().id) if one.actor.id == ALICE.id)
    assert (hers.is_denied, hers.is_confirmed) == (is_denied, False)
    assert bool(hinted.teams.system_notices) is is_denied


def test_what_was_denied_explains_nothing_that_stands(hinted: Bench, word: _Word) -> None:
    word.answer = _FALSE
    hinted.take_in(lamp_record(MALLORY))
    hinted.answer_queue()
    for _ in range(14):
        _look_again(hinted)
    assert hinted.lamps.writes == []
    assert [one.title for one in hinted.teams.system_notices] == ["A delivery told a change that wasn't made"]
    assert UNEXPLAINED.id in {case.detection for case in hinted.cases()}


def test_who_really_asked_for_it_is_judged(hinted: Bench, word: _Word) -> None:
    """A service wrote it; the tenant says for whom."""
    word.answer = msgspec.structs.replace(_TRUE, actor=actor_of(MALLORY))
    hinted.take_in(lamp_record(ALICE))
    (case,) = hinted.answer_all()
    assert (case.actor.id, case.standing) == (MALLORY.id, Standing.UNAPPROVED)
    assert hinted.lamps.writes == ["set on"]


def test_the_end_of_what_was_bound_in_time_is_no_change_of_anybody(hinted: Bench, word: _Word) -> None:
    word.answer = msgspec.structs.replace(_TRUE, is_expiry=True)
    hinted.take_in(lamp_record(MALLORY))
    (case,) = hinted.answer_all()
    assert (case.standing, case.decision, case.state) == (Standing.APPROVED, Decision.RECORD, State.CLOSED)
    assert "has ended" in case.standing_because
    assert hinted.lamps.writes == []


@pytest.mark.parametrize("answer", [_NOT_YET, _FALSE], ids=["not confirmed", "denied"])
def test_nothing_deleted_is_made_again_on_a_deliverys_word(hinted: Bench, word: _Word, answer: Confirmation) -> None:
    word.answer = answer
    del hinted.lamps.state[LAMP]
    hinted.take_in(lamp_record(MALLORY, to="gone"))
    hinted.answer_queue()
    for _ in range(14):
        _look_again(hinted)
    assert hinted.lamps.writes == []
    assert word.asked


def test_what_is_confirmed_as_deleted_is_made_again(hinted: Bench, word: _Word) -> None:
    word.answer = _TRUE
    del hinted.lamps.state[LAMP]
    hinted.take_in(lamp_record(MALLORY, to="gone"))
    hinted.answer_queue()
    assert (hinted.lamps.writes, hinted.lamps.state) == (["set on"], {LAMP: "on"})


def test_what_is_deleted_again_just_after_it_was_made_again_is_made_again_at_once(hinted: Bench, word: _Word) -> None:
    word.answer = _TRUE
    del hinted.lamps.state[LAMP]
    hinted.take_in(lamp_record(MALLORY, to="gone"))
    hinted.answer_queue()
    hinted.clock.move(timedelta(seconds=20))
    del hinted.lamps.state[LAMP]
    hinted.take_in(lamp_record(MALLORY, to="gone", at=hinted.clock()))
    hinted.clock.move(timedelta(seconds=5))
    hinted.answer_queue()
    assert (hinted.lamps.writes, hinted.lamps.state) == (["set on", "set on"], {LAMP: "on"})
    assert [(case.decision, case.outcome) for case in hinted.cases()] == [(Decision.REMEDIATE, Outcome.DONE)] * 2


_MADE: Final[dict[str, tuple[Made, Op]]] = {
    "made then": (Made(at=AT), Op.CREATE),
    "made a little before": (Made(at=AT - timedelta(seconds=5)), Op.CREATE),
    "made longer before": (Made(at=AT - timedelta(seconds=6)), Op.UPDATE),
    "made then and changed since": (Made(at=AT, changed_at=AT + timedelta(seconds=1)), Op.UPDATE),
    "made then by the actor and changed since": (Made(by=MALLORY.id, at=AT, changed_at=AT + _SECOND), Op.CREATE),
    "made then by another and changed since": (Made(by=ALICE.id, at=AT, changed_at=AT + _SECOND), Op.UPDATE),
    "nearer to its change": (Made(by=MALLORY.id, at=AT - 2 * _SECOND, changed_at=AT + _SECOND), Op.UPDATE),
    "made seconds before and changed since": (
        Made(by=MALLORY.id, at=AT - 6 * _SECOND, changed_at=AT + _MINUTE),
        Op.UPDATE,
    ),
    "made then and never changed": (Made(at=AT, changed_at=AT), Op.CREATE),
    "it doesn't say": (Made(), Op.UPDATE),
}


@pytest.mark.parametrize(("made", "op"), _MADE.values(), ids=list(_MADE))
def test_an_event_that_does_not_tell_a_creation_is_one_where_the_object_says_so(
    hinted: Bench, word: _Word, made: Made, op: Op
) -> None:
    word.answer, word.made = _TRUE, made
    hinted.runtime.controls.stop(by="a test", reason="a test")
    hinted.take_in(lamp_record(MALLORY))
    hinted.answer_queue()
    assert _change(hinted).op is op


@pytest.mark.parametrize(
    ("minutes", "outcome"), [(5, Outcome.DONE), (6, Outcome.NONE)], ids=["within five minutes", "longer ago"]
)
def test_as_long_as_no_event_is_nearer_a_write_within_minutes_of_the_creation_made_it(
    hinted: Bench, word: _Word, minutes: float, outcome: Outcome
) -> None:
    at: datetime = hinted.clock() - 10 * _MINUTE
    word.answer, word.made = _TRUE, Made(by=MALLORY.id, at=at)
    hinted.lamps.state = {LAMP: "on", "planted": "on"}
    hinted.take_in(lamp_record(MALLORY, lamp="planted", at=at + minutes * _MINUTE, to="on"))
    hinted.answer_queue()
    assert [case.outcome for case in hinted.cases()] == [outcome]
    planted = ObjectId(tenant_id=TENANT, kind=ObjectKind.CA_POLICY, key=key_of("planted"))
    stored = [one.op for one in hinted.runtime.objects.changes(planted) if not one.is_ours]
    assert stored == [Op.UPDATE], "what isn't sure isn't stored"


def test_of_several_writes_the_nearest_is_the_creation(hinted: Bench, word: _Word) -> None:
    """Who writes what stands already, shortly before or after it was made, changed nothing and made nothing."""
    word.answer, word.made = _TRUE, Made(at=AT + timedelta(seconds=30))
    hinted.runtime.controls.stop(by="a test", reason="a test")
    hinted.clock.move(_MINUTE)
    seconds = (0, 31, 50)
    hinted.take_in(*(lamp_record(MALLORY, at=AT + timedelta(seconds=each)) for each in seconds))
    hinted.answer_queue()
    found = hinted.runtime.objects.changes(hinted.only_object().id)
    assert [one.op for one in found] == [Op.UPDATE, Op.CREATE, Op.UPDATE]


def test_the_first_to_make_a_lamp_is_its_maker_and_it_is_taken_away(hinted: Bench, word: _Word) -> None:
    """What nobody had seen before is nobody's, so its record alone says that it didn't exist."""
    at: datetime = hinted.clock() - _MINUTE
    word.answer, word.made = _TRUE, Made(by=MALLORY.id, at=at)
    hinted.lamps.state = {LAMP: "on", "planted": "on"}
    hinted.take_in(lamp_record(MALLORY, lamp="planted", at=at, to="on"))
    (case,) = hinted.answer_all()
    assert case.outcome is Outcome.DONE
    assert hinted.lamps.state == {LAMP: "on"}
    assert case.put_back[0].name == "the object"
    assert EXISTS not in {one.name for one in case.put_back}


def _planted(ready: Bench, word: _Word, made: Made) -> Bench:
    """Have a lamp made that a replica shows only after the tenant's log had confirmed that it was written."""
    word.answer, at = _TRUE, ready.clock() - _MINUTE
    ready.take_in(lamp_record(MALLORY, lamp="planted", at=at, to="on"))
    ready.answer_queue()
    word.made, ready.lamps.state["planted"] = msgspec.structs.replace(made, at=at), "on"
    ready.clock.move(timedelta(hours=1))
    ready.sweep()
    ready.answer_queue()
    return ready


def test_what_a_replica_did_not_show_when_it_was_confirmed_is_taken_away_when_it_shows(
    hinted: Bench, word: _Word
) -> None:
    assert "planted" not in _planted(hinted, word, Made(by=MALLORY.id)).lamps.state


def test_what_another_made_is_not_taken_away_for_a_write_that_was_confirmed_before(hinted: Bench, word: _Word) -> None:
    assert _planted(hinted, word, Made(by=ALICE.id)).lamps.writes == []


# Whose a service is.


class _Asked:
    """Answers whether a service is Microsoft's own, and remembers who was asked about."""

    def __init__(self, *answers: bool | None) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, _api: TenantApi, identity: str) -> bool | None:
        self.asked.append(identity)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def test_what_one_of_microsofts_own_services_did_is_paged_and_left(memory: MemoryStorage) -> None:
    asked = _Asked(True)
    lit = ready_bench(memory, is_microsofts=asked)
    lit.take_in(lamp_record(RELEASE_PIPELINE))
    lit.answer_queue()
    case = lit.only_case()
    assert (case.standing, case.decision, lit.lamps.writes) == (Standing.UNKNOWN, Decision.PAGE, [])
    assert "Microsoft" in case.standing_because
    lit.clock.move(timedelta(hours=1))
    lit.sweep()
    resume(lit.runtime)
    assert asked.asked == [RELEASE_PIPELINE.id], "what the tenant said of a change is kept"
    assert lit.lamps.writes == []


def test_any_other_service_is_put_back(memory: MemoryStorage) -> None:
    lit = ready_bench(memory, is_microsofts=_Asked(False))
    lit.take_in(lamp_record(RELEASE_PIPELINE))
    lit.answer_queue()
    assert (lit.only_case().outcome, lit.lamps.writes) == (Outcome.DONE, ["set on"])


@pytest.mark.parametrize("by", [MALLORY, ALICE])
def test_nothing_is_asked_of_people(memory: MemoryStorage, by: Principal) -> None:
    asked = _Asked(True)
    lit = ready_bench(memory, is_microsofts=asked)
    lit.take_in(lamp_record(by))
    lit.answer_queue()
    assert asked.asked == []


def test_nothing_is_asked_of_a_service_that_is_approved(memory: MemoryStorage) -> None:
    asked = _Asked(True)
    lit = ready_bench(memory, is_microsofts=asked)
    lit.runtime.approvals.approve(approval(RELEASE_PIPELINE))
    lit.clock.move(timedelta(minutes=10))
    lit.take_in(lamp_record(RELEASE_PIPELINE, at=lit.clock()))
    lit.answer_queue()
    assert (asked.asked, lit.only_case().standing) == ([], Standing.APPROVED)


def test_while_it_cannot_be_read_nothing_is_decided_and_then_it_is_put_back(memory: MemoryStorage) -> None:
    lit = ready_bench(memory, is_microsofts=_Asked(None, None, False))
    lit.take_in(lamp_record(RELEASE_PIPELINE))
    lit.answer_queue()
    assert (lit.only_case().is_open, lit.lamps.writes) == (True, [])
    for _ in range(10):
        lit.clock.move(timedelta(minutes=1))
        resume(lit.runtime)
    assert (lit.only_case().outcome, lit.lamps.writes) == (Outcome.DONE, ["set on"])
