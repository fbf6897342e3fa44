"""Changes by an application of which the record has only the name."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from infra.local.world import IMPOSTOR, RELEASE_PIPELINE, RESPONDER
from shared.model.cases import Case, Decision, Standing, State
from shared.model.tenant_api import TenantApi
from shared.respond.components import FoundApplication
from shared.respond.named_applications import LOG_SHOWS_WITHIN
from shared.respond.resume import resume
from tests.fakes.lamps import Lamps, bell_record, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import A_MINUTE, Bench, approval, ready_bench

NAME: Final = "Release pipeline"
_BY_NAME: Final = {
    "user": None,
    "app": {"appId": None, "displayName": NAME, "servicePrincipalId": None, "servicePrincipalName": None},
}


class Directory:
    """Says who an application is, and counts how often it was asked."""

    def __init__(self, found: FoundApplication) -> None:
        self.found = found
        self.asked: list[tuple[str, datetime]] = []

    def __call__(self, _api: TenantApi, name: str, at: datetime) -> FoundApplication:
        self.asked.append((name, at))
        return self.found


def _ready(memory: MemoryStorage, directory: Directory) -> Bench:
    lamps = Lamps()
    detections = (lamps.detection(), lamps.bell())
    ready = ready_bench(memory, lamps=lamps, detections=detections, find_application=directory)
    ready.runtime.approvals.approve(approval(RELEASE_PIPELINE), since=ready.clock() - timedelta(days=1))
    return ready


def _tick(ready: Bench, time: timedelta) -> None:
    until = ready.clock() + time
    while ready.clock() < until:
        ready.clock.move(A_MINUTE)
        resume(ready.runtime)
        ready.answer_all()


def _by_name(record: Any) -> Any:  # noqa: ANN401 - a record
    return record | {"initiatedBy": _BY_NAME}


def test_what_an_approved_application_changed_is_approved_once_the_log_has_had_its_time(memory: MemoryStorage) -> None:
    directory = Directory(FoundApplication(id=RELEASE_PIPELINE.id))
    ready = _ready(memory, directory)
    at = ready.clock() - A_MINUTE
    ready.take_in(_by_name(lamp_record(at=at)))
    ready.answer_queue()
    _tick(ready, LOG_SHOWS_WITHIN - 3 * A_MINUTE)
    assert [case.state for case in ready.cases()] in ([State.OPENED], [])
    _tick(ready, 6 * A_MINUTE)
    case = ready.only_case()
    assert (case.standing, case.decision, case.actor.id) == (Standing.APPROVED, Decision.RECORD, RELEASE_PIPELINE.id)
    assert ready.teams.sent == ready.teams.system_notices == []
    assert ready.lamps.writes == []
    assert {name for name, _ in directory.asked} == {NAME}
    assert len(directory.asked) == 2, "at once, and when the log had its time"
    _tick(ready, 30 * A_MINUTE)
    assert len(directory.asked) == 2


@pytest.mark.parametrize("record", [lamp_record, bell_record], ids=["guarded", "not guarded"])
def test_what_the_log_tells_of_a_name_in_its_time_counts(memory: MemoryStorage, record: Callable[..., Any]) -> None:
    directory = Directory(FoundApplication(id=RELEASE_PIPELINE.id))
    ready = _ready(memory, directory)
    ready.take_in(_by_name(record(at=ready.clock() - A_MINUTE)))
    ready.answer_all()
    directory.found = FoundApplication(because="since then the name was given or taken away")
    _tick(ready, LOG_SHOWS_WITHIN + 3 * A_MINUTE)
    case = ready.only_case()
    assert (case.standing, case.decision, case.actor.id) == (Standing.UNKNOWN, Decision.PAGE, "")
    assert directory.found.because in case.standing_because
    assert ready.lamps.writes == []


def test_what_an_unapproved_one_changed_is_put_back_at_once(memory: MemoryStorage) -> None:
    ready = _ready(memory, Directory(FoundApplication(id=IMPOSTOR.id)))
    ready.take_in(_by_name(lamp_record(at=ready.clock() - A_MINUTE)))
    ready.answer_queue()
    assert ready.lamps.writes == ["set on"]
    assert (ready.only_case().actor.id, ready.only_case().actor.name) == (IMPOSTOR.id, NAME)


def test_an_application_that_nobody_can_tell_is_paged_with_the_reason_and_nothing_is_written(
    memory: MemoryStorage,
) -> None:
    directory = Directory(FoundApplication(because="2 applications are called so"))
    ready = _ready(memory, directory)
    ready.take_in(_by_name(lamp_record(at=ready.clock() - A_MINUTE)))
    ready.answer_queue()
    _tick(ready, 30 * A_MINUTE)
    case = ready.only_case()
    assert (case.standing, case.decision) == (Standing.UNKNOWN, Decision.PAGE)
    assert "2 applications are called so" in case.standing_because
    assert ready.lamps.writes == []
    assert len(directory.asked) == 1, "what was said is kept"


def test_where_the_directory_cannot_be_read_it_is_asked_again(memory: MemoryStorage) -> None:
    directory = Directory(FoundApplication(because="it could not be read", is_read=False))
    ready = _ready(memory, directory)
    ready.take_in(_by_name(lamp_record(at=ready.clock() - A_MINUTE)))
    ready.answer_queue()
    assert ready.lamps.writes == []
    directory.found = FoundApplication(id=IMPOSTOR.id)
    (kept,) = [
        kept
        for seen in ready.runtime.objects.seen(ready.cases()[0].tenant_id, next(iter(ready.runtime.kinds)))
        if (kept := ready.runtime.objects.read(seen.id))
    ]
    assert [change.actor.id for change in ready.runtime.objects.changes(kept.id)] == [""]


def test_our_own_write_is_known_as_ours_by_its_intent(memory: MemoryStorage) -> None:
    directory = Directory(FoundApplication(id=RESPONDER.id))
    ready = _ready(memory, directory)
    ready.take_in(lamp_record(at=ready.clock() - A_MINUTE))
    ready.answer_queue()
    assert ready.lamps.writes == ["set on"]
    ready.clock.move(A_MINUTE)
    ready.take_in(_by_name(lamp_record(to="on", at=ready.clock() - A_MINUTE)))
    ready.answer_queue()
    _tick(ready, 30 * A_MINUTE)
    assert not [case for case in ready.cases() if case.decision is Decision.PAGE]
    assert not [one for one in ready.teams.system_notices if "identity" in one.title]


@pytest.mark.parametrize(
    ("found", "standing", "waits"),
    [
        (FoundApplication(id=RELEASE_PIPELINE.id), Standing.APPROVED, True),
        (FoundApplication(id=IMPOSTOR.id), Standing.UNAPPROVED, False),
        (FoundApplication(because="nobody is called so"), Standing.UNKNOWN, False),
    ],
    ids=["approved", "unapproved", "nobody"],
)
def test_a_case_of_what_is_not_guarded_is_answered_alike(
    memory: MemoryStorage, found: FoundApplication, standing: Standing, *, waits: bool
) -> None:
    ready = _ready(memory, Directory(found))
    ready.take_in(_by_name(bell_record(at=ready.clock() - A_MINUTE)))
    ready.answer_all()
    assert ready.only_case().is_open is waits
    assert bool(ready.teams.sent) is (not waits)
    _tick(ready, LOG_SHOWS_WITHIN + 2 * A_MINUTE)
    case: Case = ready.only_case()
    assert (case.state, case.standing, case.actor.id) == (State.CLOSED, standing, found.id)
    assert found.because in case.standing_because
    assert bool(ready.teams.sent) is (standing is not Standing.APPROVED)
