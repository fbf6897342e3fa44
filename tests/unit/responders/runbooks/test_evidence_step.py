"""Step 8: everything of the window is kept once, and whatever couldn't be read is said."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest

from infra.local.world import B2C_TENANT
from responders.runbooks.evidence import CALLS, EVIDENCE, EXPORTS
from shared.clients.answers import Answer
from shared.clients.storage_names import Container
from shared.emergency.entries import Answer as Found
from shared.emergency.entries import Finding, RunKind, StepState
from shared.emergency.evidence import EvidenceBox
from shared.emergency.manifest import StoredFiles, lines_of, verify
from shared.emergency.runbook import StepEnd
from shared.ingest.poll import NO_LICENCE
from shared.model.errors import Rejected, Unreachable
from tests.fakes.clock import NOW
from tests.fakes.emergencies import EMERGENCY
from tests.fakes.lamps import LAMP, lamp_record
from tests.fakes.log_tenant import activity, audit, error, sign_in
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.fakes.step_runs import Drive, drive
from tests.fakes.tenant import TENANT_ID

_A_MINUTE: Final = timedelta(minutes=1)


@pytest.fixture
def storage() -> MemoryStorage:
    made = MemoryStorage()
    made.create_all()
    return made


@pytest.fixture
def driven(storage: MemoryStorage) -> Drive:
    made = drive(storage)
    made.workforce.audits = [audit(number, minutes_ago=30 * number) for number in range(5)]
    made.workforce.sign_ins = [
        sign_in(1),
        sign_in(2, signInEventTypes=["nonInteractiveUser"], minutes_ago=700),
        sign_in(3, signInEventTypes=["servicePrincipal"]),
        sign_in(4, signInEventTypes=["managedIdentity"]),
    ]
    made.workforce.activity = [activity(number) for number in range(3)]
    made.b2c.audits = [audit(100)]
    return made


def kept(storage: MemoryStorage, source: str, tenant: str = TENANT_ID) -> list[dict[str, Any]]:
    """Give the records that are kept of a source."""
    entries = EvidenceBox(storage, EMERGENCY, clock=lambda: NOW).entries()
    names = dict.fromkeys(e.file for e in entries if e.file and (e.source, e.tenant) == (source, tenant))
    files = StoredFiles(storage, EMERGENCY)
    return [json.loads(line) for name in names for line in lines_of(files.pieces(name))]


def about(end: StepEnd, words: str) -> list[Finding]:
    return [finding for finding in end.findings if finding.about.startswith(words)]


def test_all_of_the_window_is_kept_with_a_manifest(driven: Drive, storage: MemoryStorage) -> None:
    end = driven.run(EVIDENCE)
    assert end.state is StepState.DONE
    assert {each["id"] for each in kept(storage, "audit log")} == {f"Directory_{number}" for number in range(5)}
    assert {each["id"] for each in kept(storage, "sign-ins of users")} == {"sign-in-1", "sign-in-2"}
    assert {each["id"] for each in kept(storage, "sign-ins of service principals")} == {"sign-in-3"}
    assert {each["id"] for each in kept(storage, "sign-ins of managed identities")} == {"sign-in-4"}
    assert len(kept(storage, "activity log")) == 3
    assert len(kept(storage, "audit log", B2C_TENANT)) == 1
    checked = verify(StoredFiles(storage, EMERGENCY))
    assert (checked.problems, checked.gaps) == ((), ())
    assert end.evidence[0].sha256 == checked.head
    assert end.evidence[0].blob.endswith("manifest/" + f"{checked.entries:06}.json")
    assert not [finding for finding in end.findings if finding.answer is Found.UNKNOWN]
    assert [finding.text for finding in about(end, "audit log of Entra ID")] == ["5 records kept, 5 of them new"]
    assert driven.renewals > 10


def test_records_that_are_older_than_the_window_are_left_out(driven: Drive, storage: MemoryStorage) -> None:
    driven.workforce.audits = [audit(1, minutes_ago=24 * 60 - 1), audit(2, minutes_ago=24 * 60 + 1)]
    driven.run(EVIDENCE)
    assert [each["id"] for each in kept(storage, "audit log")] == ["Directory_1"]


def test_a_second_run_adds_what_came_late_or_changed_and_nothing_twice(driven: Drive, storage: MemoryStorage) -> None:
    driven.run(EVIDENCE)
    files = {name for name in storage.containers[Container.EVIDENCE] if "/files/" in name}
    driven.clock.move(10 * _A_MINUTE)
    again = driven.run(EVIDENCE)
    assert {name for name in storage.containers[Container.EVIDENCE] if "/files/" in name} == files
    assert not [finding for finding in again.findings if finding.is_new]
    driven.workforce.audits += [audit(50, minutes_ago=600), audit(50, minutes_ago=600), audit(3, minutes_ago=90)]
    later = driven.run(EVIDENCE)
    assert [f.text for f in about(later, "audit log of Entra ID")] == ["6 records kept, 1 of them new"]
    assert verify(StoredFiles(storage, EMERGENCY)).problems == ()


def test_a_repeat_leaves_windows_that_have_been_over_for_long(driven: Drive) -> None:
    driven.run(EVIDENCE)
    driven.clock.move(timedelta(hours=7))
    driven.run(EVIDENCE, RunKind.REPEAT)
    driven.workforce.asked.clear()
    driven.run(EVIDENCE, RunKind.REPEAT)
    repeated = [text for path, text in driven.workforce.asked if path.endswith("directoryAudits")]
    driven.workforce.asked.clear()
    driven.run(EVIDENCE)
    whole = [text for path, text in driven.workforce.asked if path.endswith("directoryAudits")]
    assert 0 < len(repeated) < len(whole)


_FAULTS: Final[tuple[tuple[str, Callable[[], Answer | None]], ...]] = (
    ("429", lambda: error(429, "TooManyRequests", retry_after="60")),
    ("503", lambda: error(503)),
    ("500", lambda: error(500)),
    ("403", lambda: error(403, "Authorization_RequestDenied")),
    ("400", lambda: error(400, "BadRequest")),
    ("no JSON", lambda: Answer(status=200, headers={}, body=b"<html>")),
    ("cut", lambda: (_ for _ in ()).throw(Unreachable("the connection was cut"))),
)


@pytest.mark.parametrize("place", ["first page", "second page"])
@pytest.mark.parametrize("fault", [each[1] for each in _FAULTS], ids=[each[0] for each in _FAULTS])
def test_what_fails_is_said_what_came_before_is_kept_and_the_rest_comes_later(
    driven: Drive, storage: MemoryStorage, fault: Callable[[], Answer | None], place: str
) -> None:
    driven.workforce.audits = [audit(number, minutes_ago=10) for number in range(4)]
    is_on = place == "second page"

    def spoil(path: str) -> Answer | None:
        hit = path.startswith("/auditLogs/directoryAudits") and ("?skip=" in path) == is_on
        return fault() if hit else None

    driven.workforce.spoil = spoil
    end = driven.run(EVIDENCE)
    (unknown,) = [finding for finding in end.findings if finding.answer is Found.UNKNOWN]
    assert unknown.about == "audit log of Entra ID"
    assert "not read, or not to its end" in unknown.text
    assert unknown.what_to_do
    assert len(kept(storage, "audit log")) == (2 if is_on else 0)
    assert len(kept(storage, "sign-ins of users")) == 2, "the others aren't held up"
    driven.workforce.spoil = lambda _path: None
    driven.clock.move(_A_MINUTE)
    healed = driven.run(EVIDENCE, RunKind.REPEAT)
    assert len(kept(storage, "audit log")) == 4
    assert not [finding for finding in healed.findings if finding.answer is Found.UNKNOWN]
    assert verify(StoredFiles(storage, EMERGENCY)).gaps == ()


def test_a_tenant_without_the_licence_is_said_and_asked_once(driven: Drive) -> None:
    driven.workforce.spoil = lambda path: error(403, NO_LICENCE) if "signIns" in path else None
    end = driven.run(EVIDENCE)
    said = [finding for finding in end.findings if finding.answer is Found.UNKNOWN]
    assert {finding.about.split(" of Entra")[0] for finding in said} == {
        "sign-ins of users",
        "sign-ins of service principals",
        "sign-ins of managed identities",
    }
    assert all("no licence" in finding.text for finding in said)
    assert sum(path.endswith("signIns") for path, _ in driven.workforce.asked) == 3
    assert end.state is StepState.DONE


def test_a_tenant_that_refuses_everything_is_a_step_that_failed(driven: Drive, storage: MemoryStorage) -> None:
    driven.workforce.spoil = driven.b2c.spoil = lambda _path: error(403, "Authorization_RequestDenied")
    end = driven.run(EVIDENCE)
    assert end.state is StepState.FAILED
    assert end.next_at is not None
    assert verify(StoredFiles(storage, EMERGENCY)).gaps


def test_a_run_that_takes_too_long_is_gone_on_with_where_it_stopped(driven: Drive, storage: MemoryStorage) -> None:
    slow = iter(range(10_000))

    def spoil(_path: str) -> Answer | None:
        next(slow)
        driven.clock.move(timedelta(seconds=30))
        return None

    driven.workforce.spoil = spoil
    runs = 0
    while (end := driven.run(EVIDENCE, RunKind.REPEAT)).state is StepState.RUNNING:
        runs += 1
        assert end.next_at is not None
        assert any("still to be read" in finding.text for finding in end.findings)
        assert runs < 20
    assert runs > 1
    assert len(kept(storage, "audit log")) == 5
    assert len(kept(storage, "activity log")) == 3


def test_what_the_app_knows_is_among_it(storage: MemoryStorage) -> None:
    made = drive(storage)
    made.clock.move(-10 * _A_MINUTE)
    made.bench.seed()
    made.bench.sweep()
    made.bench.accept()
    made.clock.move(10 * _A_MINUTE)
    made.bench.lamps.state[LAMP] = "off"
    made.bench.take_in(lamp_record())
    made.bench.answer_all()
    end = made.run(EVIDENCE)
    assert end.state is StepState.DONE
    (case,) = kept(storage, "cases")
    assert case["case"]["detection"]
    assert kept(storage, "changes")
    images = [each["image"] for each in kept(storage, "images")]
    assert len(images) > 1
    assert any("before" in each for each in kept(storage, "images")), "as it stood before the app wrote"


def test_evidence_that_cannot_be_written_fails_the_run(storage: MemoryStorage) -> None:
    spoilt = SpoiltStorage(storage)
    made = drive(spoilt)
    made.workforce.audits = [audit(1)]
    spoilt.faults.fail("keep evidence")
    with pytest.raises(Unreachable):
        made.run(EVIDENCE)
    spoilt.faults.heal()
    made.run(EVIDENCE)
    assert len(kept(storage, "audit log")) == 1
    assert verify(StoredFiles(storage, EMERGENCY)).problems == ()


def test_a_legal_hold_that_the_app_may_not_set_is_said_with_the_command(storage: MemoryStorage) -> None:
    spoilt = SpoiltStorage(storage)
    made = drive(spoilt)
    spoilt.faults.failure = Rejected
    spoilt.faults.fail("hold evidence")
    (found,) = about(made.run(EVIDENCE), "legal hold")
    assert found.answer is Found.WRONG
    assert "az storage blob set-legal-hold" in found.what_to_do
    assert EMERGENCY in found.what_to_do


def test_a_legal_hold_is_set_where_the_account_allows_it(driven: Drive, storage: MemoryStorage) -> None:
    (found,) = about(driven.run(EVIDENCE), "legal hold")
    assert found.answer is Found.FINE
    assert {name for _, name in storage.held} == set(storage.containers[Container.EVIDENCE])


def test_a_drill_keeps_an_hour_and_sets_no_hold(storage: MemoryStorage) -> None:
    made = drive(storage, drill=True)
    made.workforce.audits = [audit(1, minutes_ago=30), audit(2, minutes_ago=90)]
    end = made.run(EVIDENCE)
    assert [each["id"] for each in kept(storage, "audit log")] == ["Directory_1"]
    assert (storage.held, len(made.would), end.next_at) == (set(), 1, None)


def test_each_export_is_declared_with_what_it_needs() -> None:
    assert {export.call for export in EXPORTS} == set(CALLS)
    assert EVIDENCE.needs == CALLS
    assert len({export.name for export in EXPORTS}) == len(EXPORTS)
