"""The journal: what it takes, that an act is never without its entry, and that a changed row shows."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.world import ALICE
from shared.authority import journal
from shared.authority.approvals import TableApprovals
from shared.authority.controls import Controls
from shared.authority.journal import Act, Entry, What, append, history, read_all
from shared.authority.lists import Entry as ListEntry
from shared.authority.lists import Lists, restore
from shared.authority.owners import NamedOwner, TableOwners
from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table
from shared.model.errors import EdgeError, Unreachable
from shared.model.kinds import ApprovalList, Mode
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import approval
from tests.fakes.spoilt_storage import SpoiltStorage

_LIST: Final = ApprovalList.CONDITIONAL_ACCESS
_EVERYTHING: Final = "PartitionKey ge ''"


def _act(**changes: Any) -> Act:  # noqa: ANN401 - fields of an act
    sound = Act(
        who="Carol Chen",
        what=What.LEAVE,
        why="it is wanted",
        when=NOW,
        subject="object ca-policy 1",
        before=None,
        after={"digest": "abc"},
    )
    return msgspec.structs.replace(sound, **changes)


def test_acts_are_read_back_in_their_order(storage: Storage) -> None:
    acts = [_act(why=f"reason {number}", when=NOW - timedelta(hours=number)) for number in range(12)]
    written = [append(storage, act) for act in acts]
    append(storage, _act(subject="object ca-policy 2"))
    chain = history(storage, acts[0].subject)
    assert [entry.act for entry in chain.entries] == acts
    assert chain.entries == tuple(written)
    assert [entry.number for entry in chain.entries] == list(range(1, 13))
    assert [entry.previous for entry in chain.entries] == ["", *(entry.digest for entry in written[:-1])]
    assert chain.problems == ()
    assert {one.subject for one in read_all(storage)} == {"object ca-policy 1", "object ca-policy 2"}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"who": ""}, "it isn't known who does it"),
        ({"who": " "}, "it isn't known who does it"),
        ({"who": "", "lowers": False}, "it isn't known who does it"),
        ({"why": ""}, "needs a reason"),
        ({"why": "\n"}, "needs a reason"),
        ({"subject": ""}, "its subject should be"),
        ({"subject": "a\nb"}, "its subject should be"),
        ({"subject": "x" * 251}, "its subject should be"),
        ({"when": datetime(2026, 3, 2)}, "names no time zone"),  # noqa: DTZ001 - what is refused
        ({"after": {"text": "x" * 30_001}}, "at most 30000 can be written"),
        ({"why": "\ud800"}, "surrogates not allowed"),
    ],
)
def test_an_act_that_is_not_in_order_is_not_written(storage: Storage, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        append(storage, _act(**changes))
    assert read_all(storage) == ()


def test_an_act_that_raises_a_guard_may_go_without_a_reason(storage: Storage) -> None:
    assert append(storage, _act(why="", lowers=False)).number == 1


def test_the_bytes_to_sign_are_the_same_however_an_act_is_put() -> None:
    """Or a signature could be checked only by whoever made it."""
    east = timezone(timedelta(hours=5))
    storage = MemoryStorage()
    storage.create_all()
    one = append(storage, _act(after={"a": 1, "b": 2}))
    other = append(storage, _act(subject="other", after={"b": 2, "a": 1}, when=NOW.astimezone(east)))
    assert one.content == other.content.replace(b'"other"', b'"object ca-policy 1"')
    assert one.content == (
        b"entra-responder journal entry, version 1\n"
        b'{"act":{"after":{"a":1,"b":2},"before":null,"lowers":true,"subject":"object ca-policy 1",'
        b'"what":"leave","when":"2026-03-02T10:05:00Z","who":"Carol Chen","why":"it is wanted"},'
        b'"number":1,"previous":""}'
    )


@given(subject=st.text(min_size=1, max_size=60).filter(lambda text: text.isprintable() and text.strip()))
def test_any_subject_has_a_chain_of_its_own(subject: str) -> None:
    storage = MemoryStorage()
    storage.create_all()
    append(storage, _act(subject=subject))
    append(storage, _act(subject=f"{subject}="))
    assert [len(history(storage, name).entries) for name in (subject, f"{subject}=")] == [1, 1]
    assert {chain.subject for chain in read_all(storage)} == {subject, f"{subject}="}
    assert all(chain.problems == () for chain in read_all(storage))


def test_many_at_once_make_one_chain(storage: Storage) -> None:
    def act(number: int) -> Entry:
        return append(storage, _act(why=f"reason {number}"))

    with ThreadPoolExecutor(6) as pool:
        assert len(list(pool.map(act, range(18)))) == 18
    chain = history(storage, _act().subject)
    assert (len(chain.entries), chain.problems) == (18, ())
    assert len({entry.act.why for entry in chain.entries}) == 18


def test_a_lost_answer_leaves_one_entry_or_two_that_say_the_same(storage: Storage) -> None:
    spoilt = SpoiltStorage(storage)
    spoilt.faults.fail_once("insert Journal", "after")
    with pytest.raises(Unreachable):
        append(spoilt, _act())
    append(spoilt, _act())
    chain = history(storage, _act().subject)
    assert (len(chain.entries), chain.problems) == (2, ())


class _LosesAnswers(SpoiltStorage):
    """The client repeats an insert whose answer was lost, and is told that the row is there."""

    def insert(self, table: Table, partition: str, key: str, columns: Any) -> bool:  # noqa: ANN401 - columns
        self.inner.insert(table, partition, key, columns)
        return self.inner.insert(table, partition, key, columns)


def test_an_insert_that_was_repeated_is_one_entry(storage: Storage) -> None:
    append(_LosesAnswers(storage), _act())
    assert len(history(storage, _act().subject).entries) == 1


def _rewrite(row: Row, old: str, new: str) -> dict[str, Any]:
    return {**row.columns, "entry": row.columns["entry"].replace(old, new)}


def _with_digest(row: Row, old: str, new: str) -> dict[str, Any]:
    columns = _rewrite(row, old, new)
    entry = msgspec.json.decode(columns["entry"], type=Entry)
    return {**columns, "digest": entry.digest}


_SPOILT: Final[tuple[tuple[Callable[[Row], dict[str, Any]], str], ...]] = (
    (lambda row: _rewrite(row, "reason 2", "reason x"), "entry 0000000002: it isn't what was written"),
    (lambda row: _rewrite(row, '"act"', ' "act"'), "entry 0000000002: it isn't what was written"),
    (lambda row: _rewrite(row, '"number":2', '"more":1,"number":2'), "entry 0000000002: it isn't what was written"),
    (lambda row: _with_digest(row, "reason 2", "reason x"), "entry 0000000003: it doesn't follow"),
    (lambda row: _with_digest(row, '"number":2', '"number":7'), "entry 0000000002: its number is another"),
    (lambda row: _with_digest(row, "policy 1", "policy 2"), "entry 0000000002: it is of object ca-policy 2"),
    (lambda row: {**row.columns, "digest": "0"}, "entry 0000000002: it isn't what was written"),
    (lambda row: {**row.columns, "entry": "{}"}, "entry 0000000002: it can't be read"),
    (lambda row: {**row.columns, "entry": 5}, "entry 0000000002: it can't be read"),
    (lambda _: {}, "entry 0000000002: it can't be read"),
)


@pytest.mark.parametrize(("changed", "problem"), _SPOILT)
def test_a_row_that_somebody_changed_shows(
    storage: Storage, changed: Callable[[Row], dict[str, Any]], problem: str
) -> None:
    for number in (1, 2, 3):
        append(storage, _act(why=f"reason {number}"))
    row = storage.rows(Table.JOURNAL, _EVERYTHING)[1]
    storage.upsert(Table.JOURNAL, row.partition, row.key, changed(row))
    problems = history(storage, _act().subject).problems
    assert any(one.startswith(problem) for one in problems), problems
    append(storage, _act(why="reason 4"))
    assert [entry.act.why for entry in history(storage, _act().subject).entries][-1] == "reason 4"


def test_a_row_that_somebody_deleted_shows(storage: Storage) -> None:
    for number in (1, 2, 3):
        append(storage, _act(why=f"reason {number}"))
    storage.purge(Table.JOURNAL, "RowKey eq '0000000002'", most=1)
    assert history(storage, _act().subject).problems == ("entry 0000000003: entries 2 to 2 are missing",)


def test_a_row_of_another_kind_shows_and_stops_nobody(storage: Storage) -> None:
    append(storage, _act())
    storage.upsert(Table.JOURNAL, _act().subject, "zzz", {"note": "by hand"})
    assert append(storage, _act(why="again")).number == 2
    chain = history(storage, _act().subject)
    assert [entry.number for entry in chain.entries] == [1, 2]
    assert [problem.split(":")[0] for problem in chain.problems] == ["entry zzz"]


# Every act that a person can do goes through it, first.

_OWNER: Final = NamedOwner(scope="*", order="010", name="Alice", upn="alice@contoso.com")


def _approve(storage: Storage) -> None:
    TableApprovals(storage, clock=FakeClock()).approve(approval(ALICE), reason="she is on call")


def _revoke(storage: Storage) -> None:
    TableApprovals(storage, clock=FakeClock()).revoke(_LIST, ALICE.id, by="Carol Chen")


def _observe(storage: Storage) -> None:
    Controls(storage, clock=FakeClock()).set_mode("*", Mode.OBSERVE, by="Carol Chen", reason="too noisy")


def _stop(storage: Storage) -> None:
    Controls(storage, clock=FakeClock()).stop(by="Carol Chen", reason="migration")


def _start(storage: Storage) -> None:
    Controls(storage, clock=FakeClock()).start(by="Carol Chen")


def _name_owner(storage: Storage) -> None:
    TableOwners(storage, clock=FakeClock()).name(_OWNER, by="Carol Chen")


def _remove_owner(storage: Storage) -> None:
    TableOwners(storage, clock=FakeClock()).remove("*", "010", by="Carol Chen", reason="she left")


def _import(storage: Storage) -> None:
    columns = {"name": "Alice", "upn": "alice@contoso.com"}
    entry = ListEntry(table=Table.OWNERS, partition="*", key="020", columns=dict(columns))
    restore(storage, Lists(taken=NOW, entries=(entry,)), by="Carol Chen", clock=FakeClock())


def _nothing(_storage: Storage) -> None:
    pass


_DOING: Final[dict[str, tuple[Callable[[Storage], None], Callable[[Storage], None], Table, Act]]] = {
    "approve": (
        _nothing,
        _approve,
        Table.APPROVED_ACTORS,
        _act(
            what=What.APPROVE,
            who="Head of identity",
            why="CHG-1042: she is on call",
            subject=f"approval conditional-access {ALICE.id}",
        ),
    ),
    "renew": (
        _approve,
        _approve,
        Table.APPROVED_ACTORS,
        _act(
            what=What.RENEW,
            who="Head of identity",
            why="CHG-1042: she is on call",
            subject=f"approval conditional-access {ALICE.id}",
        ),
    ),
    "revoke": (
        _approve,
        _revoke,
        Table.APPROVED_ACTORS,
        _act(what=What.REVOKE, why="", lowers=False, subject=f"approval conditional-access {ALICE.id}"),
    ),
    "set mode": (
        lambda storage: Controls(storage, clock=FakeClock()).set_mode("*", Mode.ENFORCE, by="Dave"),
        _observe,
        Table.CONTROLS,
        _act(what=What.SET_MODE, why="too noisy", subject="mode *"),
    ),
    "stop": (_nothing, _stop, Table.CONTROLS, _act(what=What.STOP, why="migration", subject="kill-switch")),
    "start": (_stop, _start, Table.CONTROLS, _act(what=What.START, why="", lowers=False, subject="kill-switch")),
    "name owner": (
        _nothing,
        _name_owner,
        Table.OWNERS,
        _act(what=What.NAME_OWNER, why="", lowers=False, subject="owner * 010"),
    ),
    "remove owner": (
        _name_owner,
        _remove_owner,
        Table.OWNERS,
        _act(what=What.REMOVE_OWNER, why="she left", subject="owner * 010"),
    ),
    "import": (
        _nothing,
        _import,
        Table.OWNERS,
        _act(
            what=What.IMPORT,
            why="import of the lists of 2026-03-02 10:05 UTC",
            lowers=False,
            subject="owner * 020",
        ),
    ),
}


@pytest.mark.parametrize("doing", _DOING)
def test_each_act_is_in_the_journal_and_its_row_names_the_entry(storage: Storage, doing: str) -> None:
    before, act, table, expected = _DOING[doing]
    before(storage)
    rows_before = storage.rows(table, _EVERYTHING)
    act(storage)
    entry = history(storage, expected.subject).entries[-1]
    said = msgspec.structs.replace(entry.act, before=None, after={"digest": "abc"})
    assert said == expected
    (row,) = [row for row in storage.rows(table, _EVERYTHING) if row not in rows_before]
    assert row.columns["journal"] == entry.digest
    assert [one for one in rows_before if one in storage.rows(table, _EVERYTHING)] == rows_before, "overwritten"


@pytest.mark.parametrize("doing", _DOING)
def test_an_act_that_broke_off_has_its_entry_and_no_effect(storage: Storage, doing: str) -> None:
    before, act, table, expected = _DOING[doing]
    before(storage)
    spoilt = SpoiltStorage(storage)
    rows, entries = storage.rows(table, _EVERYTHING), len(history(storage, expected.subject).entries)
    spoilt.faults.fail(f"insert {table}")
    with pytest.raises(EdgeError):
        act(spoilt)
    assert storage.rows(table, _EVERYTHING) == rows
    assert len(history(storage, expected.subject).entries) == entries + 1


@pytest.mark.parametrize("doing", _DOING)
@pytest.mark.parametrize("operation", ["insert Journal", "rows Journal"])
def test_an_act_that_cannot_be_journaled_is_not_done(storage: Storage, doing: str, operation: str) -> None:
    before, act, table, _ = _DOING[doing]
    before(storage)
    spoilt = SpoiltStorage(storage)
    rows = storage.rows(table, _EVERYTHING)
    spoilt.faults.fail(operation)
    with pytest.raises(EdgeError):
        act(spoilt)
    assert storage.rows(table, _EVERYTHING) == rows


def test_what_stood_before_and_after_is_told(storage: Storage) -> None:
    controls = Controls(storage, clock=FakeClock())
    controls.set_mode("*", Mode.ENFORCE, by="Carol Chen")
    controls.set_mode("*", Mode.PAGE, by="Carol Chen", reason="too noisy")
    approvals = TableApprovals(storage, clock=FakeClock())
    approvals.approve(approval(ALICE, targets=("lamp",)))
    approvals.revoke(_LIST, ALICE.id, by="Carol Chen")
    modes = [(entry.act.before, entry.act.after) for entry in history(storage, journal.mode_subject("*")).entries]
    assert modes == [({"mode": None}, {"mode": "enforce"}), ({"mode": "enforce"}, {"mode": "page"})]
    given, taken = history(storage, journal.approval_subject(_LIST, ALICE.id.upper())).entries
    assert given.act.before is None
    assert given.act.after == taken.act.before
    assert (given.act.after or {})["targets"] == "lamp"
    assert {**(given.act.after or {}), "revoked_at": NOW.isoformat(), "revoked_by": "Carol Chen"} == taken.act.after
    assert given.act.when.tzinfo is UTC
