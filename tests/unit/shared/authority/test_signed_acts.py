"""What operators sign counts, wherever it lies; what nobody signed doesn't; what is missing is unknown."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, override

import msgspec
import pytest

from infra.local.world import ALICE, CAROL, DAVE, MALLORY, Principal
from shared.authority.acts import NotSigned, WaitsForSecond
from shared.authority.adopting import adopt, standing
from shared.authority.approvals import TableApprovals
from shared.authority.journal import WAITING, signed_entries
from shared.authority.operators import Genesis, Operators, operators_of
from shared.authority.owners import EMERGENCY, NamedOwner
from shared.authority.signed_acts import SignedActs
from shared.authority.signed_entries import SignedEntry, unsigned, with_signature
from shared.authority.signed_rows import add_row_of, read_entry
from shared.authority.signed_watch import compare, heads_from, heads_json, older_than, settle
from shared.authority.statements import SIGNED
from shared.clients.storage import Row
from shared.clients.storage_names import Container, Table
from shared.model.cases import Standing
from shared.model.errors import Refused
from shared.model.kinds import ApprovalList, Mode
from tests.fakes.clock import FakeClock
from tests.fakes.lamps import LAMP, actor_of
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.operators import PASSKEY, SoftPasskey, add, add_passkey, operator, signed, suspend
from tests.fakes.runtime import approval
from tests.fakes.signed_lists import BY_PASSKEY, ForgedPasskey, Key, SignedLists, signed_lists

_LIST: Final = ApprovalList.CONDITIONAL_ACCESS
_TWO: Final = ApprovalList.DIRECTORY_ROLES
_A, _U, _X = Standing.APPROVED, Standing.UNAPPROVED, Standing.UNKNOWN


@pytest.fixture
def lists() -> SignedLists:
    made = signed_lists()
    _approve(made, CAROL)  # so that the list isn't empty
    return made


def _approve(lists: SignedLists, who: Principal, *, seed: str = "alice-1", on: ApprovalList = _LIST) -> None:
    lists.approvals(seed).approve(approval(who, on))
    lists.pass_time()


def _revoke(lists: SignedLists, who: Principal, *, seed: str = "alice-1") -> None:
    assert lists.approvals(seed).revoke(_LIST, who.id, by="somebody", reason="she left")
    lists.pass_time()


def _standing(lists: SignedLists, who: Principal, acts: SignedActs | None = None, on: ApprovalList = _LIST) -> Standing:
    history = lists.approvals(acts=acts).history(on, emergency_accounts=())
    return history.standing(actor_of(who), LAMP, lists.clock()).standing


def _rows(lists: SignedLists, table: Table = Table.APPROVED_ACTORS) -> list[Row]:
    return lists.tables.rows(table, "PartitionKey ge ''")


def _row(lists: SignedLists, who: Principal) -> Row:
    return next(row for row in reversed(_rows(lists)) if row.key.startswith(who.id))


def _delete_rows(lists: SignedLists, who: Principal) -> None:
    for row in _rows(lists):
        if row.key.startswith(who.id):
            lists.tables.delete(Table.APPROVED_ACTORS, row)


def _problems(lists: SignedLists, acts: SignedActs | None = None) -> tuple[str, ...]:
    return compare(acts or lists.acts(), lists.tables).problems


# ---- what is signed --------------------------------------------------------------------------------------------------


def test_what_an_operator_signs_counts_and_says_who_signed_it(lists: SignedLists) -> None:
    _approve(lists, ALICE)
    assert (_standing(lists, ALICE), _standing(lists, MALLORY)) == (_A, _U)
    assert {entry.act.who for entry in signed_entries(lists.tables)} == {"Alice"}
    _revoke(lists, ALICE, seed="dave-2")
    assert _standing(lists, ALICE) is _U
    assert _problems(lists) == ()


def test_the_text_that_is_shown_is_what_is_signed_and_names_the_row(lists: SignedLists) -> None:
    key = Key("alice-1")
    acts = SignedActs(lists.evidence, operators=lists.operators, tenant=lists.tenant, clock=lists.clock, signer=key)
    lists.approvals(acts=acts).approve(approval(ALICE))
    (text,) = key.read
    for words in (ALICE.id, _LIST, "CHG-1042", lists.tenant, lists.operators().genesis, "2026-12-31"):
        assert words in text, words
    assert msgspec.json.decode(_row(lists, ALICE).columns[SIGNED], type=SignedEntry).text == text


@pytest.mark.parametrize("seed", ["", "mallory-1", "erin-1"], ids=["no key", "a key of nobody's", "not yet enrolled"])
def test_without_an_operators_key_nothing_is_written(lists: SignedLists, seed: str) -> None:
    before = {table: _rows(lists, table) for table in (Table.APPROVED_ACTORS, Table.JOURNAL, Table.CONTROLS)}
    for act in (
        lambda: lists.approvals(seed).approve(approval(ALICE)),
        lambda: lists.controls(seed).set_mode("lamp-switched", Mode.OBSERVE, by="x", reason="x"),
        lambda: lists.controls(seed).stop(by="x", reason="x"),
        lambda: lists.controls(seed).start(by="x"),
        lambda: lists.owners(seed).name(_owner("010"), by="x"),
    ):
        with pytest.raises(NotSigned, match=r"Nothing was written"):
            act()
    assert {table: _rows(lists, table) for table in before} == before


def _owner(order: str, scope: str = "*") -> NamedOwner:
    return NamedOwner(scope=scope, order=order, name="Alice Alvarez", upn="alice@contoso.com")


# ---- what takes two --------------------------------------------------------------------------------------------------

_CRITICAL: Final[Mapping[str, Callable[[SignedLists, str], object]]] = {
    "who may give roles": lambda lists, seed: lists.approvals(seed).approve(approval(ALICE, _TWO)),
    "the kill switch": lambda lists, seed: lists.controls(seed).stop(by="x", reason="x"),
    "the mode of all": lambda lists, seed: lists.controls(seed).set_mode("*", Mode.PAGE, by="x", reason="x"),
    "who is paged in an emergency": lambda lists, seed: lists.owners(seed).name(_owner("010", EMERGENCY), by="x"),
}


def _state(lists: SignedLists) -> tuple[object, ...]:
    return (
        _standing(lists, ALICE, on=_TWO),
        lists.controls().read_state(),
        lists.owners().history().present,
    )


@pytest.mark.parametrize("what", list(_CRITICAL))
def test_what_is_critical_counts_once_two_persons_have_signed_it(lists: SignedLists, what: str) -> None:
    lists.controls("alice-1").set_mode("*", Mode.ENFORCE, by="x")
    lists.pass_time()
    before = _state(lists)
    with pytest.raises(WaitsForSecond, match=r"within 4 hours: responder journal sign [0-9a-f]{12} --key KEY") as waits:
        _CRITICAL[what](lists, "alice-1")
    assert _state(lists) == before
    assert [signed.digest for _, signed in lists.acts().waiting(lists.tables)] == [waits.value.digest]
    with pytest.raises(NotSigned, match="the same one signed it twice"):
        lists.second(waits.value, "alice-2")
    assert _state(lists) == before
    lists.second(waits.value)
    lists.pass_time()
    assert _state(lists) != before
    assert lists.acts().waiting(lists.tables) == []
    assert _problems(lists) == ()


def test_an_approval_that_is_to_be_revoked_later_takes_two_as_any_other(lists: SignedLists) -> None:
    later = {"revoked_at": lists.clock() + timedelta(days=100)}
    with pytest.raises(WaitsForSecond):
        lists.approvals("alice-1").approve(approval(ALICE, _TWO, **later))
    assert _standing(lists, ALICE, on=_TWO) is _X


def test_what_waits_four_hours_has_to_be_done_anew(lists: SignedLists) -> None:
    with pytest.raises(WaitsForSecond) as waits:
        lists.controls("alice-1").stop(by="x", reason="x")
    lists.pass_time(241)
    assert lists.acts().waiting(lists.tables) == []
    with pytest.raises(NotSigned, match="0 acts wait"):
        lists.second(waits.value)
    assert lists.controls().read_state().stopped is False


def test_what_was_decided_meanwhile_has_to_be_known_to_who_signs(lists: SignedLists) -> None:
    with pytest.raises(WaitsForSecond) as first:
        lists.controls("alice-1").stop(by="x", reason="one")
    lists.pass_time()
    with pytest.raises(WaitsForSecond) as second:
        lists.controls("dave-1").stop(by="x", reason="two")
    lists.second(second.value)
    with pytest.raises(NotSigned, match="something else was decided about its subject meanwhile"):
        lists.second(first.value)


# ---- by a passkey ----------------------------------------------------------------------------------------------------


def test_what_takes_one_person_a_passkey_signs(lists: SignedLists) -> None:
    _approve(lists, ALICE, seed=BY_PASSKEY)
    assert (_standing(lists, ALICE), _problems(lists)) == (_A, ())
    assert {entry.act.who for entry in signed_entries(lists.tables)} == {"Alice", "Carol"}
    (text,) = [one.columns[SIGNED] for one in _rows(lists) if one.key.startswith(ALICE.id)]
    assert list(msgspec.json.decode(text, type=SignedEntry).signatures) == [PASSKEY.public.id]


@pytest.mark.parametrize("what", list(_CRITICAL))
def test_what_is_critical_takes_the_command_line_beside_a_passkey(lists: SignedLists, what: str) -> None:
    lists.controls("alice-1").set_mode("*", Mode.ENFORCE, by="x")
    lists.pass_time()
    before = _state(lists)
    with pytest.raises(WaitsForSecond) as waits:
        _CRITICAL[what](lists, BY_PASSKEY)
    assert _state(lists) == before
    with pytest.raises(NotSigned, match="the same one signed it twice"):
        lists.second(waits.value, "carol-2")
    lists.second(waits.value, "alice-1")
    assert _state(lists) != before


def test_two_passkeys_alone_give_no_role(lists: SignedLists) -> None:
    other = SoftPasskey("alice's")
    at = lists.clock()
    lists.statements.append(signed(add_passkey("alice", other.public, at=at), "alice-1", "carol-1", "dave-1"))
    with pytest.raises(WaitsForSecond) as waits:
        lists.approvals(BY_PASSKEY).approve(approval(MALLORY, _TWO))
    with pytest.raises(NotSigned, match="another person"):
        lists.acts().with_signer(other).sign(lists.tables, waits.value.digest)
    (entry, signed_by_one) = lists.acts().waiting(lists.tables)[0]
    by_two = with_signature(signed_by_one, other.key_id, other.sign(signed_by_one.text))
    add_row_of(lists.tables, by_two, entry)
    assert _standing(lists, MALLORY, on=_TWO) is _X, "the list is as empty as before"


@pytest.mark.parametrize(
    "differs",
    [
        {"challenge": b"x" * 32},
        {"origin": "https://evil.example"},
        {"host": "evil.example"},
        {"flags": 0b001},
        {"type": "webauthn.create"},
    ],
    ids=["challenge", "origin", "rp id", "nobody proved who they are", "made, not used"],
)
def test_a_row_with_a_forged_signature_of_a_passkey_approves_nobody(
    lists: SignedLists, differs: Mapping[str, Any]
) -> None:
    forged = ForgedPasskey(**differs)
    with pytest.raises(WaitsForSecond):
        lists.approvals(acts=lists.acts().with_signer(forged)).approve(approval(MALLORY))
    (waited,) = lists.tables.rows(Table.JOURNAL, "PartitionKey eq @partition", partition=WAITING)
    one = read_entry(waited)
    assert one is not None
    add_row_of(lists.tables, one.signed, one.entry)
    lists.acts().carry(one.signed, one.entry)
    assert _standing(lists, MALLORY) is _U
    assert lists.acts().waiting(lists.tables) == []


def test_an_entry_that_nobody_signed_is_named_where_only_the_evidence_container_has_it(lists: SignedLists) -> None:
    with pytest.raises(WaitsForSecond):
        lists.approvals(acts=lists.acts().with_signer(ForgedPasskey(flags=0b001))).approve(approval(MALLORY))
    (waited,) = lists.tables.rows(Table.JOURNAL, "PartitionKey eq @partition", partition=WAITING)
    one = read_entry(waited)
    assert one is not None
    assert _problems(lists) == ()
    lists.acts().carry(one.signed, one.entry)
    (problem,) = _problems(lists)
    assert "of the evidence container was ignored: not as many operators" in problem
    elsewhere = msgspec.structs.replace(one.entry, founding="0" * 64)
    lists.acts().carry(unsigned(elsewhere), elsewhere)
    assert _problems(lists) == (problem,), "another list may have signed it once, and it stays there for ever"


def test_a_passkey_that_has_counted_the_same_twice_is_named(lists: SignedLists) -> None:
    ours, copy = (SoftPasskey("carol's", counter=7) for _ in range(2))
    for passkey, who in ((ours, ALICE), (copy, DAVE)):
        lists.approvals(acts=lists.acts().with_signer(passkey)).approve(approval(who))
        lists.pass_time()
    (problem,) = _problems(lists)
    assert "a passkey of carol has counted 8 twice" in problem


def test_a_passkey_that_was_added_signs(lists: SignedLists) -> None:
    new = SoftPasskey("alice's")
    with pytest.raises(NotSigned, match="of no operator"):
        lists.approvals(acts=lists.acts().with_signer(new)).approve(approval(ALICE))
    made = add_passkey("alice", new.public, at=lists.clock())
    lists.statements.append(signed(made, "alice-1", "carol-1", "dave-1"))
    lists.approvals(acts=lists.acts().with_signer(new)).approve(approval(ALICE))
    assert _standing(lists, ALICE) is _A


# ---- of one person ---------------------------------------------------------------------------------------------------


def test_one_signature_is_enough_to_start_again_or_to_enforce(lists: SignedLists) -> None:
    lists.controls("alice-1").start(by="x")
    lists.controls("alice-1").set_mode("*", Mode.ENFORCE, by="x")
    assert lists.controls().read_state().mode("lamp-switched") is Mode.ENFORCE


# ---- what nobody signed ----------------------------------------------------------------------------------------------


def _for_mallory(row: Row) -> tuple[str, dict[str, Any]]:
    return row.key.replace(ALICE.id, MALLORY.id), dict(row.columns)


def _later(row: Row) -> tuple[str, dict[str, Any]]:
    return row.key.replace("2026-03", "2026-04"), dict(row.columns)


def _unsigned(row: Row) -> tuple[str, dict[str, Any]]:
    return _for_mallory(row)[0], {name: value for name, value in row.columns.items() if name != SIGNED}


def _own_signature(row: Row) -> tuple[str, dict[str, Any]]:
    written = msgspec.json.decode(row.columns[SIGNED], type=SignedEntry)
    text = written.text.replace(ALICE.id, MALLORY.id)
    forged = SignedEntry(text=text, signatures={Key("mallory-1").key_id: Key("mallory-1").sign(text)})
    return _for_mallory(row)[0], {**row.columns, SIGNED: msgspec.json.encode(forged).decode()}


def _with_another_text(row: Row) -> tuple[str, dict[str, Any]]:
    written = msgspec.json.decode(row.columns[SIGNED], type=SignedEntry)
    forged = SignedEntry(text=written.text.replace(ALICE.id, MALLORY.id), signatures=written.signatures)
    return _for_mallory(row)[0], {**row.columns, SIGNED: msgspec.json.encode(forged).decode()}


@pytest.mark.parametrize("forge", [_for_mallory, _unsigned, _own_signature, _with_another_text])
def test_a_row_that_was_not_signed_for_its_place_approves_nobody_and_is_named(
    lists: SignedLists, forge: Callable[[Row], tuple[str, dict[str, Any]]]
) -> None:
    _approve(lists, ALICE)
    key, columns = forge(_row(lists, ALICE))
    lists.tables.insert(Table.APPROVED_ACTORS, _LIST, key, columns)
    assert _standing(lists, MALLORY) is _U
    assert any(MALLORY.id in problem for problem in _problems(lists))


def test_an_approval_that_was_taken_back_cant_be_said_again_by_who_copies_it(lists: SignedLists) -> None:
    _approve(lists, ALICE)
    old = _row(lists, ALICE)
    _revoke(lists, ALICE)
    for key in (_later(old)[0], f"{old.key}|001", ALICE.id):
        lists.tables.upsert(Table.APPROVED_ACTORS, _LIST, key, old.columns)
    assert _standing(lists, ALICE) is _U


def test_a_row_that_was_changed_counts_as_it_was_signed(lists: SignedLists) -> None:
    _approve(lists, ALICE)
    row = _row(lists, ALICE)
    lists.tables.upsert(Table.APPROVED_ACTORS, _LIST, row.key, {**row.columns, "valid_until": "2026-02-01T00:00:00Z"})
    assert _standing(lists, ALICE) is _A
    lists.tables.upsert(Table.APPROVED_ACTORS, _LIST, row.key, {**row.columns, "targets": "another-lamp"})
    assert _standing(lists, ALICE) is _A
    assert len(_problems(lists)) == 2  # the row was ignored, and that of the entry is missing


def test_a_row_that_was_deleted_counts_all_the_same_and_is_written_again(lists: SignedLists) -> None:
    _approve(lists, ALICE)
    _revoke(lists, ALICE)
    lists.tables.delete(Table.APPROVED_ACTORS, _row(lists, ALICE))
    assert _standing(lists, ALICE) is _U
    _delete_rows(lists, CAROL)
    assert _standing(lists, CAROL) is _A
    compared = settle(lists.acts(), lists.tables)
    assert len(compared.missing) == len(compared.problems) == 2
    assert _problems(lists) == ()
    assert len(_rows(lists)) == 3


def test_a_list_that_was_emptied_approves_as_before(lists: SignedLists) -> None:
    lists.tables.delete_table(Table.APPROVED_ACTORS)
    lists.tables.create_all()
    assert (_standing(lists, CAROL), _standing(lists, MALLORY)) == (_A, _U)


def test_what_is_missing_everywhere_is_unknown(lists: SignedLists) -> None:
    _approve(lists, ALICE)
    first = _row(lists, ALICE)
    _revoke(lists, ALICE)
    _delete_everywhere(lists, first)
    assert _standing(lists, ALICE) is _X
    assert _standing(lists, MALLORY) is _U
    assert any("an entry of the journal is missing" in problem for problem in _problems(lists))


def _delete_everywhere(lists: SignedLists, row: Row) -> None:
    """Delete a row, and its entry also where nothing can be deleted."""
    digest = row.columns["journal"][:32]
    lists.tables.delete(Table.APPROVED_ACTORS, row)
    for one in _rows(lists, Table.JOURNAL):
        if one.key.endswith(digest):
            lists.tables.delete(Table.JOURNAL, one)
    assert isinstance(lists.evidence, MemoryStorage)
    kept = lists.evidence.containers[Container.EVIDENCE]
    for name in [name for name in kept if digest in name]:
        del kept[name]


def test_an_app_that_is_running_remembers_what_was_deleted_everywhere(lists: SignedLists) -> None:
    _approve(lists, ALICE)
    _revoke(lists, ALICE)
    app = lists.acts()
    assert _standing(lists, ALICE, app) is _U
    _delete_everywhere(lists, _row(lists, ALICE))
    assert _standing(lists, ALICE, app) is _U
    assert any("is gone from the evidence container" in problem for problem in _problems(lists, app))


def test_a_laptop_remembers_it_too(lists: SignedLists) -> None:
    _approve(lists, ALICE)
    _revoke(lists, ALICE)
    seen = heads_from(heads_json(compare(lists.acts(), lists.tables).heads))
    assert older_than(seen, compare(lists.acts(), lists.tables)) == []
    _delete_everywhere(lists, _row(lists, ALICE))
    (gone,) = older_than(seen, compare(lists.acts(), lists.tables))
    assert gone.startswith(f"approval {_LIST} {ALICE.id}: entry ")


def test_what_lies_in_the_evidence_container_and_is_no_entry_is_named_and_read_once(lists: SignedLists) -> None:
    lists.evidence.keep(Container.EVIDENCE, f"journal/approval {_LIST} {MALLORY.id}/0000000001-x.json", b"{}")
    app = lists.acts()
    for _ in range(2):
        assert _standing(lists, MALLORY, app) is _U
        assert any(f"{MALLORY.id}/0000000001-x.json" in problem for problem in _problems(lists, app))


def test_entries_of_another_installation_dont_count(lists: SignedLists) -> None:
    other = signed_lists()
    other.tenant = "0a1b2c3d-0000-4000-8000-00000000cafe"
    other.approvals("alice-1").approve(approval(ALICE))
    (row,) = _rows(other)
    lists.tables.insert(Table.APPROVED_ACTORS, _LIST, row.key, row.columns)
    assert _standing(lists, ALICE) is _U
    assert any("not as many operators of this installation signed it" in problem for problem in _problems(lists))


def test_a_revocation_that_nobody_signed_calls_in_question_who_is_approved_and_nobody_else(lists: SignedLists) -> None:
    _approve(lists, ALICE)
    approved_at = lists.clock()
    _revoke(lists, ALICE, seed="")
    assert _standing(lists, ALICE) is _X
    history = lists.approvals().history(_LIST, emergency_accounts=())
    assert history.standing(actor_of(ALICE), LAMP, approved_at - timedelta(seconds=1)).standing is _A
    row = _row(lists, ALICE)
    lists.tables.insert(Table.APPROVED_ACTORS, _LIST, row.key.replace(ALICE.id, MALLORY.id), row.columns)
    assert _standing(lists, MALLORY) is _U
    _approve(lists, ALICE)
    assert _standing(lists, ALICE) is _A


def test_modes_the_kill_switch_and_owners_that_nobody_signed_dont_count(lists: SignedLists) -> None:
    lists.controls("alice-1").set_mode("*", Mode.ENFORCE, by="x")
    lists.owners("alice-1").name(_owner("010"), by="x")
    lists.pass_time()
    at = f"{lists.clock():%Y-%m-%dT%H:%M:%S.%fZ}"
    lists.tables.insert(Table.CONTROLS, "mode", f"*|{at}", {"mode": "observe"})
    lists.tables.insert(Table.CONTROLS, "mode", f"lamp-switched|{at}", {"mode": "observe"})
    lists.tables.insert(Table.CONTROLS, "kill", f"all|{at}", {"stopped": True})
    lists.tables.insert(Table.OWNERS, "*", f"010|{at}", {"removed": True})
    lists.tables.insert(Table.OWNERS, "lamp-switched", f"010|{at}", {"name": "Mallory", "upn": "mallory@contoso.com"})
    state = lists.controls().read_state()
    assert (state.stopped, state.mode("lamp-switched")) == (False, Mode.ENFORCE)
    assert lists.owners().history().present == (_owner("010"),)
    assert len(_problems(lists)) == 5


# ---- operators that come and go --------------------------------------------------------------------------------------


def test_a_key_that_was_stolen_signs_nothing_after_its_suspension_however_it_dates_it(lists: SignedLists) -> None:
    _approve(lists, ALICE, seed="dave-1")
    before = lists.clock()
    lists.pass_time(60)
    lists.statements.append(signed(suspend("dave", at=lists.clock()), "alice-1"))
    lists.pass_time(60)
    thief = signed_lists()  # elsewhere, where he isn't suspended, and with the clock that the thief likes
    thief.clock.move(before - thief.clock())
    thief.approvals("dave-1").approve(approval(MALLORY))
    (row,) = _rows(thief)
    lists.tables.insert(Table.APPROVED_ACTORS, _LIST, row.key, row.columns)
    assert (_standing(lists, MALLORY), _standing(lists, ALICE)) == (_U, _A)
    name = thief.evidence.blob_names(Container.EVIDENCE, "journal/")[0]
    lists.evidence.keep(Container.EVIDENCE, name, thief.evidence.blob(Container.EVIDENCE, name) or b"")
    assert (_standing(lists, MALLORY), _standing(lists, ALICE)) == (_U, _A)
    with pytest.raises(NotSigned, match="the key is of no operator"):
        _approve(lists, MALLORY, seed="dave-1")


def test_what_storage_took_in_before_a_suspension_counts_when_it_is_taken_in_again(lists: SignedLists) -> None:
    _approve(lists, ALICE, seed="dave-1")
    app = lists.acts()
    assert _standing(lists, ALICE, app) is _A
    lists.statements.append(signed(suspend("dave", at=lists.clock()), "alice-1"))
    assert isinstance(lists.evidence, MemoryStorage)
    for blob in list(lists.evidence.blobs(Container.EVIDENCE, "journal/")):
        lists.pass_time()
        lists.evidence.touch_blob(Container.EVIDENCE, blob.name)
    assert _standing(lists, ALICE, app) is _A  # the app saw it before


def test_an_operator_who_was_added_signs(lists: SignedLists) -> None:
    erin = operator("erin")
    lists.statements.append(signed(add(erin, at=lists.clock()), "alice-1", "carol-1", "erin-1"))
    lists.pass_time()
    _approve(lists, ALICE, seed="erin-2")
    assert _standing(lists, ALICE) is _A


def test_without_a_list_of_operators_everything_is_unknown(lists: SignedLists) -> None:
    acts = SignedActs(
        lists.evidence,
        operators=lambda: Operators(unread="table Operators could not be read"),
        tenant=lists.tenant,
        clock=lists.clock,
    )
    assert _standing(lists, CAROL, acts) is _X
    assert _standing(lists, MALLORY, acts) is _X
    assert "table Operators could not be read" in lists.controls(acts=acts).read_state().unread


def test_without_the_evidence_container_everything_is_unknown(lists: SignedLists) -> None:
    assert isinstance(lists.evidence, MemoryStorage)
    del lists.evidence.containers[Container.EVIDENCE]
    assert _standing(lists, CAROL) is _X


class _Readable(MemoryStorage):
    """The evidence account, for somebody who may read it."""

    def __init__(self, account: MemoryStorage) -> None:
        super().__init__(clock=account.clock)
        self.containers = account.containers

    @override
    def keep(
        self, container: Container, name: str, content: bytes, *, metadata: Mapping[str, str] | None = None
    ) -> bool:
        raise Refused("writing evidence: storage answered 403", status=403)


def test_what_an_operator_could_not_write_into_the_evidence_container_is_carried_there(lists: SignedLists) -> None:
    kept = lists.evidence
    assert isinstance(kept, MemoryStorage)
    lists.evidence = _Readable(kept)
    _approve(lists, ALICE)
    lists.evidence = kept
    assert _standing(lists, ALICE) is _A
    assert len(settle(lists.acts(), lists.tables).uncarried) == 1
    assert settle(lists.acts(), lists.tables).uncarried == ()
    _delete_rows(lists, ALICE)
    assert _standing(lists, ALICE) is _A


def test_two_operators_at_once_are_both_there_and_the_next_one_follows_both(lists: SignedLists) -> None:
    """Neither sees what the other writes: two entries have one number, and the later one counts."""
    first, second = lists.tables, MemoryStorage(clock=lists.clock)
    second.create_all()
    for row in _rows(lists):
        second.insert(Table.APPROVED_ACTORS, row.partition, row.key, row.columns)
    _approve(lists, ALICE)
    aside = SignedLists(second, MemoryStorage(clock=lists.clock), clock=lists.clock)
    aside.evidence.create_all()
    aside.approvals("dave-1").approve(approval(ALICE, targets=("another-lamp",)))
    for row in aside.tables.rows(Table.APPROVED_ACTORS, "PartitionKey ge ''"):
        first.insert(Table.APPROVED_ACTORS, row.partition, row.key, row.columns)
    lists.pass_time()
    assert _standing(lists, ALICE) is _U  # the other lamp is what was said last
    settle(lists.acts(), lists.tables)
    _revoke(lists, ALICE, seed="carol-1")
    (last,) = [entry for entry in signed_entries(lists.tables) if entry.act.what == "revoke"]
    assert (last.number, len(last.previous.split())) == (2, 2)
    assert _problems(lists) == ()


@pytest.mark.parametrize("minutes", [-30, 30])
def test_an_operator_whose_clock_is_off_is_believed_and_the_order_stays(lists: SignedLists, minutes: int) -> None:
    _approve(lists, ALICE)
    off = SignedLists(lists.tables, lists.evidence, clock=FakeClock(lists.clock() + timedelta(minutes=minutes)))
    _revoke(off, ALICE, seed="dave-1")
    assert _standing(lists, ALICE) is _U
    lists.pass_time()
    _approve(lists, ALICE)
    lists.pass_time(60)
    assert _standing(lists, ALICE) is _A
    assert _problems(lists) == ()


def test_a_list_that_was_founded_anew_adopts_what_the_lost_keys_had_signed(lists: SignedLists) -> None:
    _approve(lists, ALICE)
    again = Genesis(at=lists.clock(), operators=tuple(operator(f"new-{name}") for name in ("alice", "carol", "dave")))
    founding = signed(again, "new-alice-1", "new-carol-1", "new-dave-1")

    def operators() -> Operators:
        return operators_of((founding,), founding={founding.digest}, read_at=lists.clock())

    def acts(seed: str = "") -> SignedActs:
        signer = Key(seed) if seed else None
        return SignedActs(lists.evidence, operators=operators, tenant=lists.tenant, clock=lists.clock, signer=signer)

    lists.pass_time()
    assert _standing(lists, ALICE, acts()) is _X  # nobody is left who signed it
    for one in standing(lists.tables, acts("new-alice-1"), now=lists.clock()):
        assert adopt(lists.tables, acts("new-alice-1"), one, now=lists.clock())
    lists.pass_time()
    assert (_standing(lists, ALICE, acts()), _standing(lists, MALLORY, acts())) == (_A, _U)


# ---- what stood before -----------------------------------------------------------------------------------------------


def test_what_stood_before_operators_were_founded_is_signed_once() -> None:
    lists = signed_lists()
    unsigned = TableApprovals(lists.tables, clock=lists.clock)
    unsigned.approve(approval(ALICE))
    unsigned.approve(approval(CAROL, _TWO))
    unsigned.approve(approval(MALLORY))
    lists.pass_time()
    unsigned.revoke(_LIST, MALLORY.id, by="x", reason="x")
    lists.pass_time()
    assert _standing(lists, ALICE) is _X  # nothing is signed, so the list counts as empty
    acts = lists.acts("alice-1")
    found = standing(lists.tables, acts, now=lists.clock())
    assert [one.subject for one in found] == [f"approval {_LIST} {ALICE.id}", f"approval {_TWO} {CAROL.id}"]
    assert [adopt(lists.tables, acts, one, now=lists.clock()) for one in found] == [True, False]
    ((_, waiting),) = acts.waiting(lists.tables)
    lists.acts("dave-1").sign(lists.tables, waiting.digest)
    lists.pass_time()
    assert (_standing(lists, ALICE), _standing(lists, CAROL, on=_TWO), _standing(lists, MALLORY)) == (_A, _A, _U)
    assert standing(lists.tables, acts, now=lists.clock()) == []
