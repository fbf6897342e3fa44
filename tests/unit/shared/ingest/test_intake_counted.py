"""From records to cases where one record alone is none: counted, or only after another one."""

from copy import replace
from datetime import timedelta
from typing import Final

import pytest

from shared.clients.storage import Storage
from shared.clients.storage_names import Container
from shared.detect.aggregation.table_windows import TableWindowStore
from shared.detect.fields import SignIn
from shared.ingest.intake import take_in
from shared.model.cases import Case, Decision, Outcome, State
from shared.model.detections import After, AnyDetection, Burst, Rise
from shared.model.errors import Unreachable
from shared.model.events import CountEvent
from shared.model.kinds import Image, Mode
from shared.notify.cards import alert_of, card_of
from shared.notify.facts import facts
from shared.notify.next_steps import next_steps
from shared.notify.wording import headline, page_context_for, result, subject, what_changed
from shared.respond.case_evidence import event_of, with_changes
from tests.fakes.clock import NOW
from tests.fakes.lamps import raw
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, Bench, ready_bench
from tests.fakes.sign_ins import ACCOUNTS, ADDRESSES, failures, sign_in
from tests.fakes.spoilt_storage import SpoiltStorage

_MINUTE: Final = timedelta(minutes=1)
_WORKSPACE: Final = "94d2b8a7-3c6d-4e2f-8a90-5f1c7a3e0c11"

BURST: Final = failures(
    title="Many failed sign-ins of one account",
    counted=Burst(at_least=3, within=10 * _MINUTE, by=SignIn.account),
)
SPRAY: Final = failures(counted=Burst(at_least=2, within=_MINUTE, by=SignIn.address, distinct=SignIn.account))
RISE: Final = failures(counted=Rise(floor=3, weeks=1, least_weeks=1))
PAIR: Final = failures(
    id="signed-in-at-last",
    when=SignIn.error_code.is_("0"),
    after=After(step_a=SignIn.error_code.is_("50126"), by=SignIn.account, window=10 * _MINUTE),
)


def _guesses(count: int, account: str = ACCOUNTS[0], *, first: int = 0) -> list[Image]:
    return [sign_in(number, at=NOW - number * _MINUTE, account=account) for number in range(first, first + count)]


def _ready(storage: Storage, *detections: AnyDetection, mode: Mode = Mode.PAGE, **settings: str) -> Bench:
    return ready_bench(storage, detections=detections, mode=mode, **settings)


def test_too_many_records_are_one_case_that_is_answered_to_its_end(storage: Storage) -> None:
    ready = _ready(storage, BURST)
    intake = ready.take_in(*_guesses(2), *_guesses(2, ACCOUNTS[1]))
    assert (intake.matches, intake.opened) == (4, 0)
    intake = ready.take_in(*_guesses(4))
    assert (intake.matches, intake.opened) == (4, 1)
    ready.take_in(*_guesses(6))
    (case,) = ready.answer_all()
    assert (case.state, case.decision, case.outcome) == (State.CLOSED, Decision.PAGE, Outcome.NONE)
    assert (case.target.id, case.target.kind, case.actor.name) == (ACCOUNTS[0], "Account", "0@contoso.example")
    (sent,) = ready.teams.sent
    assert sent.case.target.changes[0].new == "4"
    event = event_of(ready.runtime, case)
    assert isinstance(event, CountEvent)
    assert len(event.records) == 4


def test_the_cases_of_a_batch_do_not_depend_on_how_it_is_split(memory: MemoryStorage) -> None:
    ready = _ready(memory, BURST, SPRAY)
    for record in (*_guesses(3), *_guesses(1, ACCOUNTS[1], first=0)):
        ready.take_in(record)
    whole = MemoryStorage()
    whole.create_all()
    at_once = _ready(whole, BURST, SPRAY)
    at_once.take_in(*_guesses(3), *_guesses(1, ACCOUNTS[1], first=0))
    assert {case.id for case in ready.cases()} == {case.id for case in at_once.cases()}


@pytest.mark.parametrize("operation", ["write Counters", "rows Counters", "keep evidence", "insert Cases", "enqueue"])
def test_a_batch_that_could_not_be_counted_is_to_be_delivered_again(memory: MemoryStorage, operation: str) -> None:
    spoilt = SpoiltStorage(memory)
    ready = _ready(spoilt, BURST)
    spoilt.faults.fail_once(operation)
    with pytest.raises(Unreachable):
        ready.take_in(*_guesses(3))
    ready.take_in(*_guesses(3))
    assert len(ready.cases()) == 1


def test_a_workspace_counts_sign_ins_in_place_of_the_app(memory: MemoryStorage) -> None:
    ready = _ready(memory, BURST, PAIR, LOG_WORKSPACE_ID=_WORKSPACE)
    ready.take_in(*_guesses(5), sign_in(9, at=NOW + _MINUTE, account=ACCOUNTS[0], code=0))
    assert [case.detection for case in ready.cases()] == [PAIR.id]


def test_a_count_whose_evidence_is_something_else_is_paged(memory: MemoryStorage) -> None:
    ready = _ready(memory, BURST)
    ready.take_in(*_guesses(3))
    memory.containers[Container.EVIDENCE] = dict.fromkeys(memory.containers[Container.EVIDENCE], b"{}")
    case = ready.answer_until_closed()
    assert (case.decision, case.outcome) == (Decision.PAGE, Outcome.FAILED)
    assert "its evidence can no longer be read" in case.because


# What people read.


def _counted_case(memory: MemoryStorage, detection: AnyDetection, records: list[Image]) -> tuple[Bench, Case]:
    ready = _ready(memory, detection)
    TableWindowStore(memory).since(TENANT, f"{detection.id} 1", now=NOW - timedelta(days=8))
    ready.take_in(*records)
    (case,) = ready.answer_all()
    return ready, with_changes(ready.runtime, case)


_READS: Final[dict[str, tuple[AnyDetection, str, str]]] = {
    "account": (
        BURST,
        "Needs you: Many failed sign-ins of one account, “0@contoso.example”",
        "Account “0@contoso.example” in Entra ID, high risk",
    ),
    "address": (
        SPRAY,
        f"Needs you: Many failed sign-ins, “{ADDRESSES[0]}”",
        f"IP address “{ADDRESSES[0]}” in Entra ID, high risk",
    ),
    "tenant": (RISE, "Needs you: Many failed sign-ins", "The whole tenant Entra ID, high risk"),
}


@pytest.mark.parametrize(("detection", "said", "about"), _READS.values(), ids=list(_READS))
def test_a_count_is_told_as_one(memory: MemoryStorage, detection: AnyDetection, said: str, about: str) -> None:
    records = [*_guesses(3), *(sign_in(9, at=NOW, account=account) for account in ACCOUNTS[1:2])]
    ready, case = _counted_case(memory, replace(detection, first_step="Block the sign-ins."), records)
    detection = ready.runtime.detections[case.detection]
    page_context = page_context_for(case, ready.runtime.settings)
    assert headline(case, detection, max_length=80) == said
    assert subject(case, detection, page_context, max_length=80) == about
    assert next_steps(case, detection, max_length=80) == ("Block the sign-ins.",)
    assert result(case, max_length=80).startswith("There are too many records, whoever caused them")
    labels = [label for label, _ in facts(case, detection, page_context, max_length=80)]
    assert not {"Who", "From"} & set(labels)
    assert "after the last of them" in dict(facts(case, detection, page_context, max_length=80))["Timing"]
    assert what_changed(detection) in str(card_of(case, detection, page_context))
    assert alert_of(case, detection, page_context)["payload"]["custom_details"]["What was counted"]


def test_who_has_no_first_step_to_take_looks_at_the_records(memory: MemoryStorage) -> None:
    ready, case = _counted_case(memory, BURST, _guesses(3))
    (step,) = next_steps(case, ready.runtime.detections[BURST.id], max_length=80)
    assert step.startswith("Look at these records in the log")


# Pairs.


def test_a_record_opens_its_case_only_after_another_one(storage: Storage) -> None:
    ready = _ready(storage, PAIR)
    guess = sign_in(1, at=NOW, account=ACCOUNTS[0])
    others = [
        sign_in(2, at=NOW + _MINUTE, account=ACCOUNTS[1], code=0),
        sign_in(3, at=NOW - _MINUTE, account=ACCOUNTS[0], code=0),
        sign_in(4, at=NOW + 11 * _MINUTE, account=ACCOUNTS[0], code=0),
    ]
    second = sign_in(5, at=NOW + 9 * _MINUTE, account=ACCOUNTS[0], code=0)
    assert ready.take_in(guess, *others).opened == 0
    assert ready.take_in(second).opened == 1
    case = ready.only_case()
    assert case.event_id == second["id"]
    assert second["id"].encode() in ready.runtime.ledger.record_of(case)


def test_within_a_batch_the_order_does_not_matter(memory: MemoryStorage) -> None:
    ready = _ready(memory, PAIR)
    records = [sign_in(5, at=NOW + _MINUTE, account=ACCOUNTS[0], code=0), sign_in(1, at=NOW, account=ACCOUNTS[0])]
    assert ready.take_in(*records).opened == 1


def test_a_first_that_comes_late_opens_the_second_that_was_there(memory: MemoryStorage) -> None:
    ready = _ready(memory, PAIR)
    second = sign_in(5, at=NOW + _MINUTE, account=ACCOUNTS[0], code=0)
    assert ready.take_in(second).opened == 0
    ready.clock.move(timedelta(hours=20))
    assert ready.take_in(sign_in(1, at=NOW, account=ACCOUNTS[0])).opened == 1
    assert ready.only_case().event_id == second["id"]
    assert take_in(ready.runtime, raw(second), tenant_id=TENANT).opened == 0
