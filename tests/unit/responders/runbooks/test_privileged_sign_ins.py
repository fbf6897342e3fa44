"""Step 5: what privileged accounts did, what of it is new at each look, and what couldn't be read."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import pytest

from infra.local.world import B2C_TENANT, BREAK_GLASS_1, BREAK_GLASS_2
from responders.runbooks.privileged_sign_ins import CALLS, PRIVILEGED_SIGN_INS
from shared.clients.answers import Answer
from shared.clients.storage_names import Table
from shared.detect.rosters import RosterKind, packed
from shared.emergency import privileged_sign_ins
from shared.emergency.entries import Answer as Found
from shared.emergency.entries import Finding, RunKind, StepState
from shared.emergency.manifest import StoredFiles, verify
from shared.emergency.privileged_sign_ins import AT_ONCE
from shared.emergency.runbook import StepEnd
from shared.ingest.poll import NO_LICENCE
from shared.model.errors import Unreachable
from tests.fakes.clock import NOW
from tests.fakes.emergencies import EMERGENCY
from tests.fakes.log_tenant import audit, error, sign_in
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.step_runs import Drive, drive
from tests.fakes.tenant import TENANT_ID

ALICE: Final = "a11ce000-3b5d-4c8e-9f21-7d60b4e8a115"
DECLARED: Final = "de000000-0000-4000-8000-000000000009"
PIPELINE: Final = "91be0000-0000-4000-8000-000000000003"
_MINUTE: Final = timedelta(minutes=1)


def roster(storage: MemoryStorage, *ids: str, tenant: str = TENANT_ID, age: timedelta = timedelta()) -> None:
    """Say who holds privileged roles."""
    columns = {"read_at": (NOW - age).isoformat(), "count": len(ids), **packed(ids)}
    storage.upsert(Table.ROSTERS, RosterKind.PRIVILEGED_ACCOUNTS, tenant, columns)


@pytest.fixture
def storage() -> MemoryStorage:
    made = MemoryStorage()
    made.create_all()
    roster(made, ALICE, PIPELINE)
    made.upsert(
        Table.ROSTERS,
        RosterKind.PRIVILEGED_ACCOUNTS,
        B2C_TENANT,
        {"read_at": NOW.isoformat(), "count": 1, **packed([ALICE])},
    )
    return made


@pytest.fixture
def driven(storage: MemoryStorage) -> Drive:
    made = drive(storage, accounts=(DECLARED,))
    made.workforce.users = {
        each: {"id": each, "userPrincipalName": f"{name}@contoso.com"}
        for each, name in ((ALICE, "alice"), (DECLARED, "dora"), (BREAK_GLASS_1.id, "emergency-1"))
    }
    made.workforce.services = {PIPELINE: {"id": PIPELINE, "displayName": "Release", "appId": "app-1"}}
    made.workforce.sign_ins = [
        sign_in(1, user=ALICE),
        sign_in(2, user=ALICE, ipAddress="198.51.100.66", location={"countryOrRegion": "RU"}),
        sign_in(3, user=ALICE, status={"errorCode": 50126}, signInEventTypes=["nonInteractiveUser"]),
        sign_in(4, user="somebody else"),
        sign_in(5, servicePrincipalId=PIPELINE, signInEventTypes=["servicePrincipal"]),
    ]
    made.workforce.audits = [
        audit(1, actor=ALICE),
        audit(2, actor="somebody else"),
        audit(3) | {"initiatedBy": {"app": {"appId": "app-1"}}},
    ]
    return made


def of(end: StepEnd, words: str, answer: Found = Found.NOTED) -> Finding:
    (found,) = [one for one in end.findings if one.about.startswith(words) and one.answer is answer]
    return found


def test_each_account_is_summed_up_by_address_country_app_and_failure(driven: Drive) -> None:
    end = driven.run(PRIVILEGED_SIGN_INS)
    assert end.state is StepState.DONE
    assert of(end, "alice@contoso.com (a11ce").text == (
        "3 sign-ins (3 new); failed: 50126 (1); addresses: 203.0.113.10 (2), 198.51.100.66 (1);"
        " countries: IE (2), RU (1); apps: Azure Portal (3); 1 changes (1 new): Update user (1)"
    )
    assert of(end, "Release (91be").text.startswith("1 sign-ins (1 new)")
    assert "1 changes (1 new)" in of(end, "Release (91be").text
    assert "4 sign-ins, 1 of them failed, 2 changes; 6 records are new" in of(end, "privileged accounts").text
    silent = of(end, "no sign-in and no change").text
    assert "dora@contoso.com" in silent
    assert BREAK_GLASS_2.id in silent, "it doesn't exist; records could"


def test_what_an_application_changed_is_found_where_records_leave_its_app_id_empty(driven: Drive) -> None:
    """As the directory's do; others may have its name."""
    for number, who in ((4, PIPELINE), (5, "another application"), (6, None)):
        app = {"appId": None, "displayName": "Release", "servicePrincipalId": who}
        driven.workforce.audits.append(audit(number, activity="Add member to role") | {"initiatedBy": {"app": app}})
    both = {"appId": "app-1", "displayName": "Release", "servicePrincipalId": PIPELINE}
    driven.workforce.audits.append(audit(7) | {"initiatedBy": {"app": both}})
    text = of(driven.run(PRIVILEGED_SIGN_INS), "Release (91be").text
    assert "4 changes (4 new): Update user (2), Add member to role (2)" in text


@pytest.fixture
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """For where the order of requests has to be certain."""
    monkeypatch.setattr(privileged_sign_ins, "AT_ONCE", 1)


@pytest.mark.usefixtures("one_at_a_time")
def test_emergency_accounts_come_first_then_those_declared_then_the_roster(driven: Drive) -> None:
    driven.run(PRIVILEGED_SIGN_INS)
    asked = [text for path, text in driven.workforce.asked if path.endswith("signIns") and text]
    order = [BREAK_GLASS_1.id, BREAK_GLASS_2.id, DECLARED, PIPELINE, ALICE]
    assert [next(one for one in order if one in text) for text in asked] == order


def test_it_looks_again_after_5_15_and_60_minutes_and_marks_what_is_new(driven: Drive) -> None:
    end = driven.run(PRIVILEGED_SIGN_INS)
    for number, minutes in enumerate((5, 15, 60)):
        assert end.next_at == NOW + minutes * _MINUTE
        driven.clock.move(NOW + minutes * _MINUTE - driven.clock())
        late = sign_in(90 + number, user=DECLARED, minutes_ago=20)
        driven.workforce.sign_ins += [late, late]
        end = driven.run(PRIVILEGED_SIGN_INS, RunKind.REPEAT)
        dora = of(end, "dora@contoso.com")
        assert dora.is_new
        assert f"{2 * (number + 1)} sign-ins (1 new)" in dora.text, "a record that came twice is new once"
        assert not of(end, "alice@contoso.com").is_new
    assert end.next_at is None
    assert driven.emergency.step(5).state is StepState.DONE
    assert verify(StoredFiles(driven.bench.storage, EMERGENCY)).problems == ()


def test_a_run_that_is_asked_for_again_begins_its_looks_anew(driven: Drive) -> None:
    driven.run(PRIVILEGED_SIGN_INS)
    driven.clock.move(90 * _MINUTE)
    assert driven.run(PRIVILEGED_SIGN_INS).next_at == driven.clock() + 5 * _MINUTE


_FAULTS: Final[tuple[tuple[str, Callable[[], Answer | None]], ...]] = (
    ("429", lambda: error(429, "TooManyRequests", retry_after="60")),
    ("503", lambda: error(503)),
    ("500", lambda: error(500)),
    ("403", lambda: error(403, "Authorization_RequestDenied")),
    ("no JSON", lambda: Answer(status=200, headers={}, body=b"<html>")),
    ("cut", lambda: (_ for _ in ()).throw(Unreachable("the connection was cut"))),
)


@pytest.mark.parametrize("log", ["signIns", "directoryAudits"])
@pytest.mark.parametrize("fault", [each[1] for each in _FAULTS], ids=[each[0] for each in _FAULTS])
def test_what_is_not_read_is_unknown_and_read_later(
    driven: Drive, fault: Callable[[], Answer | None], log: str
) -> None:
    driven.workforce.spoil = lambda path: fault() if path.endswith(log) else None
    end = driven.run(PRIVILEGED_SIGN_INS)
    assert of(end, "alice@contoso.com (a11ce", Found.UNKNOWN).what_to_do
    assert not [one for one in end.findings if one.about == "no sign-in and no change" and "dora" in one.text]
    driven.workforce.spoil = lambda _path: None
    driven.clock.move(5 * _MINUTE)
    healed = driven.run(PRIVILEGED_SIGN_INS, RunKind.REPEAT)
    assert not [one for one in healed.findings if one.answer is Found.UNKNOWN]
    assert of(healed, "alice@contoso.com").is_new


def test_nothing_read_at_all_is_a_step_that_failed_and_looks_again(driven: Drive) -> None:
    driven.workforce.spoil = driven.b2c.spoil = lambda _path: error(503)
    end = driven.run(PRIVILEGED_SIGN_INS)
    assert end.state is StepState.FAILED
    driven.clock.move(61 * _MINUTE)
    assert driven.run(PRIVILEGED_SIGN_INS, RunKind.REPEAT).next_at == driven.clock() + 15 * _MINUTE


def test_a_tenant_without_the_licence_says_so(driven: Drive) -> None:
    driven.workforce.spoil = lambda path: error(403, NO_LICENCE) if path.endswith("signIns") else None
    end = driven.run(PRIVILEGED_SIGN_INS)
    assert "no licence" in of(end, "alice@contoso.com", Found.UNKNOWN).text
    assert "1 changes" in of(end, "alice@contoso.com").text


def test_an_account_that_cannot_be_looked_up_is_asked_for_by_its_id(driven: Drive) -> None:
    driven.workforce.spoil = lambda path: error(403) if path.startswith("/users/") else None
    assert of(driven.run(PRIVILEGED_SIGN_INS), ALICE).text.startswith("3 sign-ins")


@pytest.mark.parametrize("age", [timedelta(hours=3), None])
def test_a_roster_that_is_stale_or_never_read_is_unknown(
    driven: Drive, storage: MemoryStorage, age: timedelta | None
) -> None:
    if age is None:
        row = storage.row(Table.ROSTERS, RosterKind.PRIVILEGED_ACCOUNTS, TENANT_ID)
        assert row is not None
        storage.delete(Table.ROSTERS, row)
    else:
        roster(storage, ALICE, age=age)
    found = of(driven.run(PRIVILEGED_SIGN_INS), "who holds privileged roles in Entra ID", Found.UNKNOWN)
    assert found.what_to_do


def test_a_roster_that_cannot_be_read_leaves_the_others_to_be_looked_at(driven: Drive, storage: MemoryStorage) -> None:
    storage.delete_table(Table.ROSTERS)
    end = driven.run(PRIVILEGED_SIGN_INS)
    assert of(end, "who holds privileged roles in Entra ID", Found.UNKNOWN)
    assert "dora@contoso.com" in of(end, "no sign-in and no change").text


class _Rounds:
    """Answers requests only when as many came as may be made at once, which is one round."""

    def __init__(self) -> None:
        self.count = 0
        self.asked: Counter[str] = Counter()
        self._gate = threading.Barrier(AT_ONCE, action=self._passed, timeout=20)

    def _passed(self) -> None:
        self.count += 1

    def spoil(self, path: str) -> Answer | None:
        self.asked[path.rpartition("/")[2] if path.endswith(("signIns", "directoryAudits")) else "user"] += 1
        self._gate.wait()
        return None


_MANY: Final = tuple(f"{number:08x}-0000-4000-8000-00000000000a" for number in range(10 * AT_ONCE - 3))


@pytest.fixture
def many(storage: MemoryStorage) -> Drive:
    """Sixty accounts, with the two emergency accounts and the one that is declared."""
    roster(storage, *_MANY)
    b2c = storage.row(Table.ROSTERS, RosterKind.PRIVILEGED_ACCOUNTS, B2C_TENANT)
    assert b2c is not None
    storage.replace(Table.ROSTERS, b2c, {"read_at": NOW.isoformat(), "count": 0, **packed([])})
    made = drive(storage, accounts=(DECLARED,))
    everybody = (*_MANY, DECLARED, BREAK_GLASS_1.id, BREAK_GLASS_2.id)
    made.workforce.users = {each: {"id": each, "userPrincipalName": f"{each[:8]}@contoso.com"} for each in everybody}
    made.workforce.sign_ins = [sign_in(number, user=each) for number, each in enumerate(_MANY)]
    return made


def test_many_accounts_take_the_rounds_of_a_few(many: Drive) -> None:
    """Three requests for each account, and as many at once as may be: a tenth of the rounds of one after another."""
    rounds = _Rounds()
    many.workforce.spoil, many.workforce.page = rounds.spoil, 100
    end = many.run(PRIVILEGED_SIGN_INS)
    assert end.state is StepState.DONE
    accounts = 10 * AT_ONCE
    assert rounds.asked == {"user": accounts, "signIns": accounts, "directoryAudits": accounts}
    assert rounds.count == 3 * accounts / AT_ONCE
    declared_in_b2c = 1
    text = of(end, "privileged accounts").text
    assert text.startswith(f"{accounts + declared_in_b2c} accounts: {len(_MANY)} sign-ins")
    assert verify(StoredFiles(many.bench.storage, EMERGENCY)).problems == ()


def test_each_account_that_can_not_be_read_is_named_and_no_other(many: Drive) -> None:
    failing = {_MANY[3], _MANY[17], _MANY[40]}

    def spoil(path: str, text: str) -> Answer | None:
        return error(503) if path.endswith("signIns") and any(each in text for each in failing) else None

    many.workforce.spoil_by_filter = spoil
    end = many.run(PRIVILEGED_SIGN_INS)
    unknown = [one.about for one in end.findings if one.answer is Found.UNKNOWN]
    assert sorted(unknown) == sorted(f"{each[:8]}@contoso.com ({each})" for each in failing)
    assert end.state is StepState.DONE


@pytest.mark.usefixtures("one_at_a_time")
def test_accounts_for_which_the_time_was_too_short_come_first_a_minute_later(driven: Drive) -> None:
    def slow(path: str) -> Answer | None:
        driven.clock.move(timedelta(seconds=100) if path.endswith("signIns") else timedelta())
        return None

    driven.workforce.spoil = slow
    driven.workforce.page = 100
    end = driven.run(PRIVILEGED_SIGN_INS)
    assert end.state is StepState.RUNNING
    assert "not looked at yet" in of(end, "4 accounts", Found.UNKNOWN).text
    driven.clock.move(_MINUTE)
    driven.workforce.asked.clear()
    driven.run(PRIVILEGED_SIGN_INS, RunKind.REPEAT)
    first = next(text for path, text in driven.workforce.asked if path.endswith("signIns"))
    assert PIPELINE in first


def test_odd_records_are_kept_and_counted(driven: Drive) -> None:
    driven.workforce.sign_ins = [
        sign_in(1, user=ALICE, ipAddress=7, location="nowhere", status=None),
        sign_in(2, user=ALICE, ipAddress=None, location=None, status={}),
    ]
    assert of(driven.run(PRIVILEGED_SIGN_INS), "alice@contoso.com").text.startswith("2 sign-ins (2 new)")


def test_many_values_are_cut(driven: Drive) -> None:
    driven.workforce.sign_ins = [sign_in(n, user=ALICE, ipAddress=f"203.0.113.{n}") for n in range(9)]
    assert "and 4 more" in of(driven.run(PRIVILEGED_SIGN_INS), "alice@contoso.com").text


def test_its_calls_are_declared() -> None:
    assert PRIVILEGED_SIGN_INS.needs == CALLS
