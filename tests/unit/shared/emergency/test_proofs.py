"""Who calls, where everything is as it should be, and where storage isn't."""

import copy
import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, override

import msgspec
import pytest
from pyotp.totp import TOTP

from infra.local.world import WORKFORCE_TENANT
from shared.authority.operator_keys import PublicKey, is_signed
from shared.authority.operator_store import OperatorList, keep_statement, setting_of
from shared.authority.operators import Operators, SignedStatement
from shared.authority.passkeys import origin_of
from shared.authority.signed_acts import SignedActs
from shared.clients.storage_names import Table
from shared.emergency.codes import CodeResult, OneTimeCodes, Secrets, secrets_in
from shared.emergency.entries import Caller, Proof, SignedRequest
from shared.emergency.proofs import Door, Refusal, caller_of, door_of, signed_request_of, signer_of
from shared.emergency.signed_requests import (
    CODE,
    KEY,
    OPERATOR,
    SIGNATURE,
    TIME,
    Request,
    content_to_sign,
    target_of,
    time_in,
)
from shared.emergency.signed_requests import PASSKEY as PASSKEY_HEADER
from shared.emergency.signing import OperatorKey, sign_request
from shared.emergency.used_proofs import UsedProofs
from shared.model.errors import Refused, Unreachable
from shared.model.settings import settings_from
from shared.objects.object_store import ObjectStore
from shared.objects.retention import purge
from shared.runtime import acts_of
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.operators import (
    CAROL,
    ERIN,
    GENESIS,
    HOST,
    PASSKEY,
    SECRET,
    add,
    door,
    folded,
    private,
    signed,
    suspend,
)
from tests.fakes.operators import KEY as EMERGENCY_KEY
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.unit.responders.test_settings_sample import values_of_the_sample

_ACT: Final = f"https://{HOST}/api/emergency/declare"
_HOUR: Final = timedelta(hours=1)


def _signed(
    seed: str = "alice-1", *, key: str = EMERGENCY_KEY, body: bytes = b"{}", at: timedelta = timedelta()
) -> Request:
    headers = sign_request(OperatorKey(private(seed)), "POST", _ACT, body, emergency_key=key, now=NOW + at)
    return Request(method="POST", url=_ACT, headers=headers, body=body)


def _code(at: timedelta = timedelta(), code: str = "") -> Request:
    headers = {KEY: EMERGENCY_KEY, OPERATOR: "alice", CODE: code or TOTP(SECRET).at(NOW + at)}
    return Request(method="POST", url=_ACT, headers=headers, body=b"{}")


def test_a_signature_names_its_operator_and_key() -> None:
    request = _signed()
    found = caller_of(request, door(), now=NOW)
    assert found == Caller(
        operator="alice", name="Alice", proof=Proof.SIGNATURE, key=request.header("x-emergency-signed-by")
    )
    assert isinstance(found, Caller)
    assert found.may_decide


def test_a_code_names_its_operator_and_decides_nothing() -> None:
    found = caller_of(_code(), door(), now=NOW)
    assert found == Caller(operator="alice", name="Alice", proof=Proof.CODE)
    assert isinstance(found, Caller)
    assert not found.may_decide


def test_the_next_emergency_key_is_taken_beside_the_present_one() -> None:
    both = copy.replace(door(), key_hashes=(*door(key="next").key_hashes, *door().key_hashes))
    for key in (EMERGENCY_KEY, "next"):
        assert isinstance(caller_of(_signed(key=key), both, now=NOW), Caller)


# ---- one-time codes --------------------------------------------------------------------------------------------------


def test_wrong_codes_slow_codes_of_one_operator_down_and_nothing_else() -> None:
    both = OneTimeCodes(Secrets(by_operator={"alice": SECRET, "carol": SECRET}))
    right = TOTP(SECRET).at(NOW)
    waits: list[float] = []
    now = NOW
    for _ in range(14):
        answer = both.check("alice", "nonono", now=now)
        assert answer.result is CodeResult.WRONG
        waits.append(answer.wait.total_seconds())
        assert both.check("alice", right, now=now + answer.wait - timedelta(seconds=1)).result is CodeResult.SLOWED
        now += answer.wait
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (2, 900)
    assert both.check("carol", right, now=NOW).result is CodeResult.RIGHT


def test_a_slowed_operator_still_signs_and_a_right_code_ends_it() -> None:
    one = door()
    assert isinstance(caller_of(_code(code="000000"), one, now=NOW), Refusal)
    refused = caller_of(_code(), one, now=NOW)
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.retry_after, refused.operator, refused.knew_key) == (429, 2, "alice", True)
    assert isinstance(caller_of(_signed(), one, now=NOW), Caller)
    later = NOW + timedelta(seconds=2)
    assert isinstance(caller_of(_code(timedelta(seconds=2)), one, now=later), Caller)
    wrong = caller_of(_code(code="000000"), one, now=later)
    assert isinstance(wrong, Refusal)
    assert (wrong.status, wrong.retry_after) == (403, 2)


def test_a_code_counts_once_for_whoever_shows_it_at_the_same_moment() -> None:
    codes = OneTimeCodes(secrets_in(f'{{"alice": "{SECRET}"}}'))
    results: list[str] = []
    right = TOTP(SECRET).at(NOW)
    threads = [
        threading.Thread(target=lambda: results.append(codes.check("alice", right, now=NOW).result.value))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (results.count("right"), results.count("used")) == (1, 7)


@pytest.mark.parametrize("text", ["", " ", "{", "[]", '{"alice": 1}', '{"alice": "short"}', "@Microsoft.KeyVault(…)"])
def test_secrets_that_cant_be_read_are_missing_and_say_so(text: str) -> None:
    found = secrets_in(text)
    assert found.missing
    assert SECRET not in found.missing


# ---- what was used ---------------------------------------------------------------------------------------------------


def test_what_was_used_at_one_instance_counts_at_no_other(memory: MemoryStorage) -> None:
    here, there = (copy.replace(door(), used=UsedProofs(memory)) for _ in range(2))
    request, code = _signed(), _code()
    assert isinstance(caller_of(request, here, now=NOW), Caller)
    again = caller_of(request, there, now=NOW)
    assert isinstance(again, Refusal)
    assert again.status == 409
    assert isinstance(caller_of(code, here, now=NOW), Caller)
    assert isinstance(caller_of(code, there, now=NOW), Refusal)


def test_without_storage_each_instance_remembers_for_itself(memory: MemoryStorage) -> None:
    spoilt = SpoiltStorage(memory)
    spoilt.faults.fail("insert Counters")
    one = copy.replace(door(), used=UsedProofs(spoilt))
    request = _signed()
    assert isinstance(caller_of(request, one, now=NOW), Caller)
    assert isinstance(caller_of(request, one, now=NOW), Refusal)


def test_a_lost_answer_of_storage_doesnt_refuse_the_first(memory: MemoryStorage) -> None:
    spoilt = _Twice(memory)
    assert UsedProofs(spoilt).use("nonce a", now=NOW, until=NOW + _HOUR)
    assert not UsedProofs(memory).use("nonce a", now=NOW, until=NOW + _HOUR)


class _Twice(SpoiltStorage):
    """Storage whose client writes each row again, since the first answer was lost."""

    @override
    def insert(self, table: Table, partition: str, key: str, columns: Mapping[str, Any]) -> bool:
        super().insert(table, partition, key, columns)
        return super().insert(table, partition, key, columns)


def test_storage_that_never_answers_keeps_nobody_waiting_twice(memory: MemoryStorage) -> None:
    slow = _Stuck(memory)
    used = UsedProofs(slow, patience=timedelta(milliseconds=20))
    try:
        assert used.use("a", now=NOW, until=NOW + _HOUR)
        assert used.use("b", now=NOW, until=NOW + _HOUR)
        assert not used.use("a", now=NOW, until=NOW + _HOUR)
        assert slow.asked == 1
        assert used.use("c", now=NOW + timedelta(seconds=60), until=NOW + _HOUR)
    finally:
        slow.go_on.set()


class _Stuck(SpoiltStorage):
    """Storage that answers when the test says so."""

    def __init__(self, memory: MemoryStorage) -> None:
        super().__init__(memory)
        self.go_on = threading.Event()
        self.asked = 0

    @override
    def insert(self, table: Table, partition: str, key: str, columns: Mapping[str, Any]) -> bool:
        self.asked += 1
        self.go_on.wait(30)
        return super().insert(table, partition, key, columns)

    @override
    def rows(self, table: Table, query: str, *, most: int = 0, select: Sequence[str] = (), **values: Any) -> Any:
        self.asked += 1
        self.go_on.wait(30)
        return super().rows(table, query, most=most, select=select, **values)


def test_nothing_is_kept_of_what_is_refused_or_too_old() -> None:
    one = door()
    for request in (_signed("mallory-1"), _signed(key="no"), msgspec.structs.replace(_signed(), body=b"other")):
        assert isinstance(caller_of(request, one, now=NOW), Refusal)
    assert len(one.used) == 0
    for minutes in range(0, 120, 3):
        at = timedelta(minutes=minutes)
        assert isinstance(caller_of(_signed(at=at), one, now=NOW + at), Caller)
    assert len(one.used) <= 5


def test_used_proofs_are_purged_the_day_after_they_ended(memory: MemoryStorage) -> None:
    store = ObjectStore(memory, clock=FakeClock())
    assert UsedProofs(memory).use("nonce a", now=NOW, until=NOW + _HOUR)
    for days, left in ((1, 1), (2, 0)):
        purge(memory, store, kept_for=timedelta(days=365), now=NOW + timedelta(days=days)).check()
        assert len(memory.rows(Table.COUNTERS, "PartitionKey ge ''")) == left


# ---- who is an operator, by table and setting ------------------------------------------------------------------------

_SETTING: Final = setting_of([GENESIS])
_ERIN: Final = signed(add(ERIN), "alice-1", "carol-1", "erin-1")
_NO_CAROL: Final = signed(suspend("carol"), "dave-1")


def _ids(found: Operators) -> str:
    return " ".join(one.id for one in found.acting(NOW))


def _list(
    storage: MemoryStorage | SpoiltStorage, *, setting: str = _SETTING, pinned: str = "", clock: FakeClock | None = None
) -> OperatorList:
    return OperatorList(
        storage, setting=setting, pinned=pinned, clock=clock or FakeClock(), patience=timedelta(milliseconds=50)
    )


def test_table_and_setting_are_joined_and_a_suspension_in_either_counts(memory: MemoryStorage) -> None:
    keep_statement(memory, _ERIN, by="a test", now=NOW)
    assert _ids(_list(memory)()) == "alice carol dave erin"
    beside = signed(suspend("carol", after=(_ERIN.digest,)), "dave-1")
    assert _ids(_list(memory, setting=setting_of([GENESIS, beside]))()) == "alice dave erin"
    keep_statement(memory, beside, by="a test", now=NOW)
    assert _ids(_list(memory)()) == "alice dave erin"


def test_storage_that_refused_is_left_alone_for_a_minute(memory: MemoryStorage) -> None:
    clock, spoilt = FakeClock(), SpoiltStorage(memory)
    spoilt.faults.fail("rows Operators")
    operators = _list(spoilt, clock=clock)
    for seconds, asked in ((0, 1), (59, 1), (1, 2)):
        clock.move(timedelta(seconds=seconds))
        operators()
        assert spoilt.faults.log == ["rows Operators"] * asked


def test_a_suspension_is_known_within_seconds(memory: MemoryStorage) -> None:
    clock = FakeClock()
    operators = _list(memory, clock=clock)
    assert _ids(operators()) == "alice carol dave"
    keep_statement(memory, _NO_CAROL, by="a test", now=NOW)
    clock.move(timedelta(seconds=5))
    assert _ids(operators()) == "alice dave"


def test_where_storage_refuses_the_setting_counts_and_it_says_so(memory: MemoryStorage) -> None:
    keep_statement(memory, _ERIN, by="a test", now=NOW)
    spoilt = SpoiltStorage(memory)
    spoilt.faults.failure = Refused
    spoilt.faults.fail("rows Operators")
    found = _list(spoilt)()
    assert _ids(found) == "alice carol dave"
    assert "could not be read" in found.unread
    refused = caller_of(_signed("erin-1"), copy.replace(door(), operators=lambda: found), now=NOW)
    assert isinstance(refused, Refusal)
    assert "as far as is known" in refused.detail


def test_what_was_read_once_stays_known_when_storage_refuses_or_lost_it(memory: MemoryStorage) -> None:
    clock, spoilt = FakeClock(), SpoiltStorage(memory)
    keep_statement(memory, _NO_CAROL, by="a test", now=NOW)
    operators = _list(spoilt, clock=clock)
    assert _ids(operators()) == "alice dave"
    for row in memory.rows(Table.OPERATORS, "PartitionKey ge ''"):
        memory.delete(Table.OPERATORS, row)
    clock.move(timedelta(seconds=5))
    assert _ids(operators()) == "alice dave"
    spoilt.faults.fail("rows Operators")
    clock.move(timedelta(seconds=5))
    found = operators()
    assert _ids(found) == "alice dave"
    assert found.unread


def test_storage_that_never_answers_leaves_the_setting(memory: MemoryStorage) -> None:
    slow = _Stuck(memory)
    operators = _list(slow)
    try:
        assert _ids(operators()) == "alice carol dave"
        assert "wasn't read yet" in operators().unread
        assert slow.asked == 1
    finally:
        slow.go_on.set()


def test_an_installation_without_operators_has_none_and_no_problem(memory: MemoryStorage) -> None:
    found = _list(memory, setting="")()
    assert (_ids(found), found.problems, found.unread) == ("", (), "")


def test_storage_alone_founds_nothing_unless_a_setting_pins_it(memory: MemoryStorage) -> None:
    keep_statement(memory, GENESIS, by="a test", now=NOW)
    assert _ids(_list(memory, setting="")()) == ""
    assert _ids(_list(memory, setting="", pinned=GENESIS.digest)()) == "alice carol dave"
    assert _ids(_list(memory, setting=_SETTING, pinned="0" * 64)()) == ""


@pytest.mark.parametrize("text", ["{", "{}", '["a"]', '[{"text": "a"}]', '[{"text": "a", "signatures": {}}]'])
def test_a_setting_that_cant_be_read_is_reported_and_the_table_counts(memory: MemoryStorage, text: str) -> None:
    keep_statement(memory, GENESIS, by="a test", now=NOW)
    found = _list(memory, setting=text, pinned=GENESIS.digest)()
    assert _ids(found) == "alice carol dave"
    assert found.problems


def test_a_statement_that_cannot_be_journaled_isnt_kept(memory: MemoryStorage) -> None:
    spoilt = SpoiltStorage(memory)
    spoilt.faults.fail("insert Journal")
    with pytest.raises(Unreachable):
        keep_statement(spoilt, _ERIN, by="a test", now=NOW)
    for wrong, by in ((SignedStatement(text="x", signatures={}), "a test"), (_ERIN, " ")):
        with pytest.raises(ValueError, match=r"can't be kept|isn't known who"):
            keep_statement(memory, wrong, by=by, now=NOW)
    assert memory.rows(Table.OPERATORS, "PartitionKey ge ''") == []


def test_a_row_that_somebody_changed_is_ignored_and_reported(memory: MemoryStorage) -> None:
    keep_statement(memory, _ERIN, by="a test", now=NOW)
    keep_statement(memory, _ERIN, by="a test", now=NOW)
    (row,) = memory.rows(Table.OPERATORS, "PartitionKey ge ''")
    memory.upsert(
        Table.OPERATORS, row.partition, row.key, {"statement": str(row.columns["statement"]).replace("erin", "eri2")}
    )
    memory.upsert(Table.OPERATORS, row.partition, "other", {"statement": "{"})
    found = _list(memory)()
    assert _ids(found) == "alice carol dave"
    assert [problem.startswith("row ") for problem in found.problems] == [True, True]


# ---- requests that are kept ------------------------------------------------------------------------------------------


def _kept(request: Request) -> SignedRequest:
    kept = signed_request_of(request)
    assert kept is not None
    return kept


def test_a_kept_request_is_checked_again_days_later_and_holds_no_secret() -> None:
    kept = _kept(_signed())
    assert EMERGENCY_KEY not in str(kept)
    found = signer_of(kept, door(), at=NOW, now=NOW + 48 * _HOUR)
    assert isinstance(found, Caller)
    assert (found.operator, found.proof) == ("alice", Proof.SIGNATURE)
    assert signed_request_of(_code()) is None


@pytest.mark.parametrize(
    "change",
    [
        {"body": "e30K"},
        {"body": "not base64!"},
        {"method": "PUT"},
        {"path": "/api/emergency/close"},
        {"path": ""},
        {"path": "https://other.example/api/emergency/declare"},
        {"headers": {}},
    ],
    ids=["body", "no base64", "method", "path", "no path", "an address", "headers"],
)
def test_a_kept_request_that_was_changed_is_refused(change: dict[str, Any]) -> None:
    kept = _kept(_signed())
    assert isinstance(signer_of(msgspec.structs.replace(kept, **change), door(), at=NOW, now=NOW), Refusal)


def test_a_kept_request_of_another_time_or_of_who_was_suspended_since_is_refused() -> None:
    kept = _kept(_signed())
    assert isinstance(signer_of(kept, door(), at=NOW + _HOUR, now=NOW + _HOUR), Refusal)
    gone = folded(signed(suspend("alice", at=NOW + _HOUR), "dave-1"), read_at=NOW + 2 * _HOUR)
    assert isinstance(signer_of(kept, door(gone), at=NOW, now=NOW), Caller)
    assert isinstance(signer_of(kept, door(gone), at=NOW, now=NOW + 2 * _HOUR), Refusal)


def test_a_kept_request_of_who_was_no_operator_then_is_refused() -> None:
    kept = _kept(_signed("erin-1"))
    later = folded(signed(add(ERIN, at=NOW + _HOUR), "alice-1", "carol-1", "erin-1"), read_at=NOW + 2 * _HOUR)
    assert isinstance(signer_of(kept, door(later), at=NOW, now=NOW + 2 * _HOUR), Refusal)
    assert isinstance(signer_of(kept, door(folded(_ERIN)), at=NOW, now=NOW + 2 * _HOUR), Caller)


def test_a_kept_request_has_one_proof() -> None:
    kept = _kept(_signed())
    both = msgspec.structs.replace(kept, headers={**kept.headers, PASSKEY_HEADER: "AAAA"})
    assert isinstance(signer_of(both, door(), at=NOW, now=NOW), Refusal)


# ---- the app's door --------------------------------------------------------------------------------------------------


def _made(memory: MemoryStorage, environment: Mapping[str, str], **values: str) -> Door:
    settings = settings_from({**values_of_the_sample(), **values})
    return door_of(settings, environment, memory, clock=FakeClock())


def test_a_process_has_one_list_of_operators(memory: MemoryStorage) -> None:
    """Who was suspended is known to both at once: what counts on a list, and who calls in an emergency."""
    settings = settings_from({**values_of_the_sample(), "EMERGENCY_GENESIS": GENESIS.digest})
    acts = acts_of(settings, memory, memory, clock=FakeClock())
    assert isinstance(acts, SignedActs)
    assert door_of(settings, {}, memory, clock=FakeClock(), operators=acts.operators).operators is acts.operators


def test_the_apps_door_is_made_of_its_settings(memory: MemoryStorage) -> None:
    made = _made(
        memory,
        {"WEBSITE_HOSTNAME": "Responder.Example"},
        EMERGENCY_KEY_HASH=door().key_hashes[0],
        EMERGENCY_OPERATORS=_SETTING,
        EMERGENCY_CODES=f'{{"alice": "{SECRET}"}}',
    )
    assert made.host == HOST
    assert made.tenant_id == WORKFORCE_TENANT
    assert isinstance(caller_of(_signed(), made, now=NOW), Caller)
    assert isinstance(caller_of(_code(), made, now=NOW), Caller)
    for secret in (SECRET, made.key_hashes[0]):
        assert secret not in repr(made)


def test_the_local_stack_is_at_home_under_the_name_for_which_there_are_passkeys_too(memory: MemoryStorage) -> None:
    local = _made(memory, {"WEBSITE_HOSTNAME": "127.0.0.1:7071"}).own_origins
    assert {"http://127.0.0.1:7071", "http://localhost:7071"} <= local
    deployed = _made(memory, {"WEBSITE_HOSTNAME": HOST}).own_origins
    assert f"https://{HOST}" in deployed
    assert not [origin for origin in deployed if "localhost" in origin]


def test_without_settings_nobody_is_let_in(memory: MemoryStorage) -> None:
    refused = caller_of(_signed(), _made(memory, {"WEBSITE_HOSTNAME": HOST}), now=NOW)
    assert isinstance(refused, Refusal)
    assert refused.status == 403


def test_an_app_that_doesnt_know_its_name_checks_no_signature(memory: MemoryStorage) -> None:
    made = _made(memory, {}, EMERGENCY_KEY_HASH=door().key_hashes[0], EMERGENCY_OPERATORS=_SETTING)
    refused = caller_of(_signed(), made, now=NOW)
    assert isinstance(refused, Refusal)
    assert refused.status == 503


def test_a_passkey_works_at_its_host_and_on_the_local_stack() -> None:
    local = msgspec.structs.replace(PASSKEY.public, host="localhost")
    assert origin_of(PASSKEY.public, host=HOST) == f"https://{HOST}"
    assert origin_of(PASSKEY.public, host="evil.example") == ""
    assert origin_of(local, host="127.0.0.1:7071") == "http://localhost:7071"
    assert origin_of(local, host=HOST) == ""
    assert PASSKEY.public in CAROL.keys


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://a.example/api/modes/*", "/api/modes/*"),
        ("https://a.example/api/cases?open=1", "/api/cases?open=1"),
        ("/api/doctor?since=2026-01-31T12:00:00+00:00", "/api/doctor?since=2026-01-31T12:00:00+00:00"),
        ("https://a.example", ""),
        ("https://a.example/", ""),
        ("/api/" + "a" * 1000, ""),
    ],
)
def test_a_target_is_a_plain_path_with_its_query(url: str, target: str) -> None:
    assert target_of(url) == target


def test_what_is_signed_is_a_text_that_names_all_it_is_for() -> None:
    """The console makes the same text in the browser: whoever changes it changes both."""
    text = content_to_sign(
        method="post",
        target="/api/emergency/x?a=1",
        body=b"{}",
        time="2026-03-02T10:05:00Z",
        nonce="ab",
        host="A.example",
        key="cd",
    )
    assert text.decode().splitlines() == [
        "entra-responder emergency request, version 1",
        "app: a.example",
        "request: POST /api/emergency/x?a=1",
        "body-sha256: 44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        "time: 2026-03-02T10:05:00Z",
        "nonce: ab",
        "key: cd",
    ]


def test_a_time_has_one_spelling() -> None:
    assert time_in("2026-03-02T10:05:00Z") == NOW
    for other in ("2026-03-02T10:05:00.0Z", "2026-03-02t10:05:00z", "20260302T100500Z", "٢026-03-02T10:05:00Z", ""):
        assert time_in(other) is None


# ---- load ------------------------------------------------------------------------------------------------------------


class _Counted:
    """A door that counts the dear work: reading operators, checking signatures, asking storage."""

    def __init__(self, memory: MemoryStorage) -> None:
        self.work: list[str] = []
        self.storage = SpoiltStorage(memory)
        self.door = copy.replace(
            door(), operators=self._operators, check_signature=self._check, used=UsedProofs(self.storage)
        )
        self._known = folded()

    def _operators(self) -> Operators:
        self.work.append("operators")
        return self._known

    def _check(self, key: PublicKey, content: bytes, signature: str) -> bool:
        self.work.append("signature")
        return is_signed(key, content, signature)

    def all_work(self) -> list[str]:
        return [*self.work, *self.storage.faults.log]


def _forgeries() -> list[Request]:
    """Give what somebody sends who doesn't know the emergency key, signed or not, with codes and passkeys."""
    wrong = {KEY: "wrong"}
    some = [
        _signed(key="wrong"),
        _signed("mallory-1", key="wrong"),
        msgspec.structs.replace(_code(), headers={**_code().headers, **wrong}),
        Request(method="POST", url=_ACT, headers={}, body=b"{}"),
        Request(method="POST", url=_ACT, headers={KEY: "k" * 8000}, body=b"{}"),
        Request(method="POST", url=_ACT, headers={SIGNATURE: "A" * 86, TIME: "x"}, body=b"{}"),
        Request(method="POST", url=_ACT, headers={"X-MS-CLIENT-PRINCIPAL": "A" * 8000}, body=b"{}"),
        _signed(key="wrong", body=b" " * 1_000_000),
    ]
    return (some * 400)[: 5 * 500]


def test_five_seconds_of_500_forgeries_each_cost_one_hash_and_nothing_that_lasts(memory: MemoryStorage) -> None:
    """The declaration beside them is answered within 5 s, since none of them takes time, memory or storage."""
    counted = _Counted(memory)
    forgeries = _forgeries()
    assert len(forgeries) == 2500
    assert all(isinstance(caller_of(one, counted.door, now=NOW), Refusal) for one in forgeries)
    assert counted.all_work() == []
    assert len(counted.door.used) == 0
    assert isinstance(caller_of(_signed(), counted.door, now=NOW), Caller)
    assert counted.work == ["operators", "signature"]
    assert isinstance(caller_of(_code(), counted.door, now=NOW), Caller)


def test_a_large_body_is_hashed_only_for_who_knows_the_key(memory: MemoryStorage) -> None:
    counted = _Counted(memory)

    class Untouched(bytes):
        """A body that says when it is read; its length alone is free."""

        __slots__ = ()

        def __buffer__(self, flags: int) -> memoryview:
            raise AssertionError("the body was read")

    request = _signed(key="wrong")
    untouched = msgspec.structs.replace(request, body=Untouched(b"{}"))
    assert isinstance(caller_of(untouched, counted.door, now=NOW), Refusal)
    with_key = msgspec.structs.replace(_signed(), body=Untouched(b"{}"))
    with pytest.raises(AssertionError, match="was read"):
        caller_of(with_key, counted.door, now=NOW)
