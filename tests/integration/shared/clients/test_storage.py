"""Real storage, and services on loopback that answer what storage seldom does."""

import base64
import io
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from azure.data.tables import TableServiceClient, UpdateMode
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient
from hypothesis import example, given, settings
from hypothesis import strategies as st

from infra.local.desk import until
from shared.clients.storage import BlobEntry, Message, Row, RowOp, RowWrite, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import CASES_QUEUE, QUEUES, RESOURCE_EVENTS_QUEUE, Container, Table, poison_queue
from shared.model.errors import EdgeError, Rejected
from tests.fakes.clock import NOW
from tests.fakes.memory_storage import MemoryStorage

_TABLE: Final = Table.CASES
_A_MINUTE: Final = timedelta(minutes=1)


@pytest.fixture(params=["Azurite", "memory"])
def storage(request: pytest.FixtureRequest, environment: dict[str, str], memory: MemoryStorage) -> Storage:
    """Give real storage, and what stands for it in other tests: both must do the same."""
    if request.param == "memory":
        return memory
    made = Storage(environment)
    made.create_all()
    return made


def _columns(storage: Storage, key: str = "k") -> dict[str, Any] | None:
    row = storage.row(_TABLE, "p", key)
    return row.columns if row else None


# Tables.


def test_setting_up_twice_keeps_what_there_is(storage: Storage) -> None:
    storage.insert(_TABLE, "p", "k", {"a": 1})
    storage.create_all()
    assert _columns(storage) == {"a": 1}


@pytest.mark.parametrize("kind", ["Azurite", "memory"])
def test_nothing_is_made_by_reading_or_writing(environment: dict[str, str], kind: str) -> None:
    storage = Storage(environment) if kind == "Azurite" else MemoryStorage()
    attempts: tuple[Callable[[], object], ...] = (
        lambda: storage.row(_TABLE, "p", "k"),
        lambda: storage.rows(_TABLE, "PartitionKey eq 'p'"),
        lambda: storage.insert(_TABLE, "p", "k", {}),
        lambda: storage.upsert(_TABLE, "p", "k", {}),
        lambda: storage.timed_row(_TABLE, "p", "k"),
        lambda: storage.timed_rows(_TABLE, "PartitionKey eq 'p'"),
        lambda: list(storage.pages(_TABLE, "PartitionKey eq 'p'")),
        lambda: storage.write_together(_TABLE, "p", [RowWrite(op=RowOp.UPSERT, key="k")]),
        lambda: list(storage.blobs(Container.SNAPSHOTS)),
        lambda: storage.touch_blob(Container.SNAPSHOTS, "b"),
        lambda: storage.delete_blob(Container.SNAPSHOTS, BlobEntry(name="b", written_at=NOW, etag='"0"')),
        lambda: storage.blob(Container.EVIDENCE, "b"),
        lambda: storage.blob_names(Container.EVIDENCE, ""),
        lambda: storage.keep(Container.EVIDENCE, "b", b""),
        lambda: storage.enqueue("x"),
        lambda: storage.enqueue("x", queue=RESOURCE_EVENTS_QUEUE),
        storage.queue_length,
        lambda: storage.take_messages(CASES_QUEUE, most=1, hidden_for=_A_MINUTE),
    )
    for _ in range(2):
        for attempt in attempts:
            with pytest.raises(Rejected):
                attempt()


def test_a_row_that_is_not_there_is_none_and_a_table_that_is_not_there_is_an_error(storage: Storage) -> None:
    assert storage.row(_TABLE, "p", "k") is None
    assert storage.rows(_TABLE, "PartitionKey eq 'p'") == []
    storage.delete_table(_TABLE)
    with pytest.raises(Rejected):
        storage.row(_TABLE, "p", "k")
    with pytest.raises(Rejected):
        storage.rows(_TABLE, "PartitionKey eq 'p'")


def test_a_row_is_inserted_once(storage: Storage) -> None:
    assert storage.insert(_TABLE, "p", "k", {"a": 1})
    assert not storage.insert(_TABLE, "p", "k", {"a": 2})
    assert _columns(storage) == {"a": 1}


def test_a_row_is_replaced_only_as_it_was_read(storage: Storage) -> None:
    storage.insert(_TABLE, "p", "k", {"a": 1, "b": 2})
    first = storage.row(_TABLE, "p", "k")
    assert first is not None
    second = storage.replace(_TABLE, first, {"a": 3})
    assert _columns(storage) == {"a": 3}
    with pytest.raises(Conflict):
        storage.replace(_TABLE, first, {"a": 4})
    storage.replace(_TABLE, second, {"a": 5})
    assert _columns(storage) == {"a": 5}


def test_a_row_that_is_gone_cannot_be_replaced(storage: Storage) -> None:
    storage.insert(_TABLE, "p", "k", {"a": 1})
    row = storage.row(_TABLE, "p", "k")
    assert row is not None
    storage.delete_table(_TABLE)
    with pytest.raises(Rejected, match="TableNotFound"):
        storage.replace(_TABLE, row, {"a": 2})
    storage.create_all()
    with pytest.raises(Conflict):
        storage.replace(_TABLE, row, {"a": 2})


def test_every_type_of_column_comes_back_as_it_was(storage: Storage) -> None:
    at = datetime(2026, 3, 2, 10, 5, tzinfo=UTC)
    columns = {"text": "é\U0001f4a1\0'", "number": 5, "truth": True, "bytes": b"\xff", "at": at, "none": ""}
    storage.upsert(_TABLE, "p", "k", columns)
    read = _columns(storage) or {}
    assert read == columns
    assert type(read["at"]) is datetime


def test_a_listing_may_be_cut_short(storage: Storage) -> None:
    for number in range(4):
        storage.insert(_TABLE, "p", f"{number}", {"n": number})
    assert len(storage.rows(_TABLE, "PartitionKey eq 'p'")) == 4
    assert [row.columns["n"] for row in storage.rows(_TABLE, "PartitionKey eq 'p'", most=2)] == [0, 1]


def test_a_listing_may_leave_columns_out_and_come_page_by_page(storage: Storage) -> None:
    for number in range(5):
        storage.insert(_TABLE, "p", f"{number}", {"n": number, "rest": "x"} if number else {"rest": "x"})
    pages = list(storage.pages(_TABLE, "PartitionKey eq 'p'", most=2, select=["n", "nowhere"]))
    assert [[row.columns for row in page] for page in pages] == [[{}, {"n": 1}], [{"n": 2}, {"n": 3}], [{"n": 4}]]
    (read,) = storage.rows(_TABLE, "PartitionKey eq 'p' and RowKey gt '3' and RowKey le '4'", select=["n"])
    storage.replace(_TABLE, read, {"n": 7})
    assert _columns(storage, "4") == {"n": 7}


def test_a_row_is_dated_by_storage_each_time_it_is_written(storage: Storage) -> None:
    storage.insert(_TABLE, "p", "k", {"a": 1})
    first = storage.timed_row(_TABLE, "p", "k")
    assert first is not None
    assert first.row == storage.row(_TABLE, "p", "k")
    assert abs(first.read_at - first.written_at) < _A_MINUTE
    assert first.read_at.microsecond == 0
    storage.upsert(_TABLE, "p", "k", {"a": 2})
    (second,) = storage.timed_rows(_TABLE, "PartitionKey eq 'p'")
    assert second.written_at > first.written_at
    assert storage.timed_row(_TABLE, "p", "nowhere") is None
    assert storage.timed_rows(_TABLE, "PartitionKey eq 'q'") == []


def test_what_is_written_over_has_a_new_etag(storage: Storage) -> None:
    first = storage.upsert(_TABLE, "p", "k", {"a": 1})
    second = storage.upsert(_TABLE, "p", "k", {"a": 1})
    with pytest.raises(Conflict):
        storage.replace(_TABLE, first, {"a": 2})
    storage.replace(_TABLE, second, {"a": 3})
    assert _columns(storage) == {"a": 3}


def test_a_row_is_deleted_only_as_it_was_read(storage: Storage) -> None:
    first = storage.upsert(_TABLE, "p", "k", {"a": 1})
    second = storage.upsert(_TABLE, "p", "k", {"a": 2})
    with pytest.raises(Conflict):
        storage.delete(_TABLE, first)
    storage.delete(_TABLE, second)
    storage.delete(_TABLE, second)
    assert _columns(storage) is None


def _of(row: Row, op: RowOp, **columns: int) -> RowWrite:
    return RowWrite(op=op, key=row.key, columns=columns, etag=row.etag)


def test_writes_of_a_partition_are_carried_out_together(storage: Storage) -> None:
    first, second = (storage.upsert(_TABLE, "p", key, {"a": 1}) for key in ("first", "second"))
    writes = [
        _of(first, RowOp.REPLACE, a=2),
        _of(second, RowOp.DELETE),
        RowWrite(op=RowOp.INSERT, key="third", columns={"a": 3}),
        RowWrite(op=RowOp.UPSERT, key="fourth", columns={"a": 4}),
    ]
    etags = storage.write_together(_TABLE, "p", writes)
    assert {row.key: row.columns["a"] for row in storage.rows(_TABLE, "PartitionKey eq 'p'")} == {
        "first": 2,
        "third": 3,
        "fourth": 4,
    }
    rows = (storage.row(_TABLE, "p", one.key) for one in writes)
    assert etags == [row.etag if row else "" for row in rows]
    assert storage.write_together(_TABLE, "p", [RowWrite(op=RowOp.DELETE, key="third")]) == [""]


def test_of_writes_of_which_one_cannot_be_none_is_carried_out(storage: Storage) -> None:
    old = storage.upsert(_TABLE, "p", "k", {"a": 1})
    storage.upsert(_TABLE, "p", "k", {"a": 2})
    other = RowWrite(op=RowOp.UPSERT, key="other", columns={"a": 9})
    for wrong in (
        _of(old, RowOp.REPLACE, a=3),
        _of(old, RowOp.DELETE),
        _of(old, RowOp.INSERT, a=3),
        RowWrite(op=RowOp.DELETE, key="nowhere"),
        RowWrite(op=RowOp.REPLACE, key="nowhere", etag=old.etag),
    ):
        with pytest.raises(Conflict):
            storage.write_together(_TABLE, "p", [other, wrong])
    assert [row.columns for row in storage.rows(_TABLE, "PartitionKey eq 'p'")] == [{"a": 2}]
    with pytest.raises(Rejected):
        storage.write_together(_TABLE, "p", [RowWrite(op=RowOp.UPSERT, key=f"{number}") for number in range(101)])
    storage.delete_table(_TABLE)
    with pytest.raises(Rejected, match="TableNotFound"):
        storage.write_together(_TABLE, "p", [other])


def test_what_meets_a_query_is_purged_up_to_a_number(storage: Storage) -> None:
    for partition in ("a", "b", "c"):
        for number in range(70):
            storage.insert(_TABLE, partition, f"{number:03}", {"n": number})
    query = "PartitionKey lt @end"
    assert storage.purge(_TABLE, query, most=90, end="c") == 90
    assert [row.key for row in storage.rows(_TABLE, query, end="c")] == [f"{number:03}" for number in range(20, 70)]
    assert storage.purge(_TABLE, query, most=90, end="c") == 50
    assert storage.purge(_TABLE, query, most=90, end="c") == 0
    assert len(storage.rows(_TABLE, "PartitionKey eq 'c'")) == 70


def test_more_rows_of_a_partition_than_a_transaction_takes_are_purged(storage: Storage) -> None:
    for number in range(130):
        storage.insert(_TABLE, "p", f"{number:03}", {"n": number})
    assert storage.purge(_TABLE, "PartitionKey eq 'p'", most=1000) == 130


_KEYS: Final = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\#?"), min_size=1, max_size=12
)


@settings(max_examples=25)
@given(key=_KEYS, value=st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
@example(key="' or 1 eq 1 or '", value="@other")
@example(key="@value", value="it''s")
def test_any_text_is_found_by_itself_and_by_nothing_else(storage: Storage, key: str, value: str) -> None:
    storage.upsert(_TABLE, "p", key, {"name": value, "other": "x"})
    assert _columns(storage, key) == {"name": value, "other": "x"}
    found = storage.rows(_TABLE, "name eq @value and RowKey eq @key", value=value, key=key)
    assert [row.key for row in found] == [key]
    wrong = storage.rows(_TABLE, "RowKey eq @key and name eq @value", value=f"{value}' or name ne '", key=key)
    assert wrong == []


def test_what_a_table_cannot_take_is_refused(storage: Storage) -> None:
    with pytest.raises(Rejected):
        storage.upsert(_TABLE, "p", "k", {"a": "x" * 40_000})
    for wrong in ("a/b", "a\\b", "a#b", "a?b"):
        with pytest.raises(EdgeError):
            storage.upsert(_TABLE, wrong, "k", {})
    assert storage.rows(_TABLE, "PartitionKey ge ''") == []


def test_terms_are_compared_as_the_columns_type(storage: Storage) -> None:
    storage.upsert(_TABLE, "a|20260302", "1", {"open": True, "state": "sent"})
    storage.upsert(_TABLE, "a|20260303", "2", {"open": False, "state": "waiting"})
    storage.upsert(_TABLE, "b|20260303", "3", {"open": True})
    first, last = "a|20260303", "a|99999999"
    asked = {
        "PartitionKey ge @first and PartitionKey lt @last": ["2"],
        "open eq true": ["1", "3"],
        "open eq false": ["2"],
        "state eq 'sent'": ["1"],
        "state ne 'sent'": ["2"],
        "nothing eq 'x'": [],
    }
    for query, keys in asked.items():
        assert [row.key for row in storage.rows(_TABLE, query, first=first, last=last)] == keys, query


def test_counts_add_up(storage: Storage) -> None:
    for _ in range(3):
        storage.add(Table.CURSORS, "quarantine", "today", 2)
    row = storage.row(Table.CURSORS, "quarantine", "today")
    assert row is not None
    assert row.columns["count"] == 6


# Blobs and the queue.


def test_a_blob_is_kept_once_and_never_overwritten(storage: Storage) -> None:
    assert storage.keep(Container.EVIDENCE, "a/b.json", b"first")
    assert not storage.keep(Container.EVIDENCE, "a/b.json", b"second")
    assert storage.blob(Container.EVIDENCE, "a/b.json") == b"first"


@pytest.mark.parametrize("size", [0, 5, 9 * 1024 * 1024])
def test_a_large_blob_is_kept_and_read_piece_by_piece(storage: Storage, size: int) -> None:
    content = random.Random(7).randbytes(size)  # noqa: S311 - just bytes
    assert storage.keep_stream(Container.EVIDENCE, "a/large", io.BytesIO(content))
    assert not storage.keep_stream(Container.EVIDENCE, "a/large", io.BytesIO(b"second"))
    assert b"".join(storage.pieces(Container.EVIDENCE, "a/large")) == content


def test_reading_a_blob_that_is_not_there_piece_by_piece_is_an_error(storage: Storage) -> None:
    with pytest.raises(Rejected):
        next(storage.pieces(Container.EVIDENCE, "nowhere"))


def test_an_account_without_immutable_versions_refuses_a_legal_hold(environment: dict[str, str]) -> None:
    storage = Storage(environment)
    storage.create_all()
    storage.keep(Container.EVIDENCE, "a/held", b"x")
    with pytest.raises(EdgeError):
        storage.hold(Container.EVIDENCE, "a/held")


def test_a_blob_that_is_not_there_is_none(storage: Storage) -> None:
    assert storage.blob(Container.EVIDENCE, "nowhere") is None


def test_names_are_listed_in_order_under_their_prefix(storage: Storage) -> None:
    for name in ("t/b", "t/a", "u/a", "ta"):
        storage.keep(Container.SNAPSHOTS, name, b"")
    assert storage.blob_names(Container.SNAPSHOTS, "t/") == ["t/a", "t/b"]


def test_a_blob_is_deleted_only_as_it_was_listed(storage: Storage) -> None:
    for name in ("t/b", "t/a", "u/a"):
        storage.keep(Container.SNAPSHOTS, name, b"1", metadata={"because": "x"})
    listed = list(storage.blobs(Container.SNAPSHOTS, "t/"))
    assert [one.name for one in listed] == ["t/a", "t/b"]
    assert all(abs(one.written_at - datetime.now(UTC)) < _A_MINUTE for one in listed)
    assert storage.touch_blob(Container.SNAPSHOTS, "t/a")
    assert not storage.touch_blob(Container.SNAPSHOTS, "t/c")
    with pytest.raises(Conflict):
        storage.delete_blob(Container.SNAPSHOTS, listed[0])
    storage.delete_blob(Container.SNAPSHOTS, listed[1])
    with pytest.raises(Conflict):
        storage.delete_blob(Container.SNAPSHOTS, listed[1])
    assert storage.blob_names(Container.SNAPSHOTS, "") == ["t/a", "u/a"]
    assert storage.blob(Container.SNAPSHOTS, "t/a") == b"1"


def test_evidence_is_never_deleted(storage: Storage) -> None:
    storage.keep(Container.EVIDENCE, "a", b"1")
    (listed,) = storage.blobs(Container.EVIDENCE)
    with pytest.raises(Rejected, match="never deleted"):
        storage.delete_blob(Container.EVIDENCE, listed)
    assert storage.blob(Container.EVIDENCE, "a") == b"1"


def test_messages_are_counted(storage: Storage) -> None:
    assert storage.queue_length() == 0
    storage.enqueue("now")
    storage.enqueue("later", delay=timedelta(minutes=5))
    assert storage.queue_length() == 2


def test_a_message_can_be_read_as_the_host_reads_it(environment: dict[str, str]) -> None:
    """host.json says base64."""
    storage = Storage(environment)
    storage.create_all()
    storage.enqueue('{"case_id": "é"}')
    storage.enqueue("later", delay=timedelta(minutes=5))
    with QueueClient.from_connection_string(environment["AzureWebJobsStorage"], CASES_QUEUE) as queue:
        (message,) = queue.receive_messages()
    assert json.loads(base64.b64decode(message.content)) == {"case_id": "é"}


@pytest.mark.parametrize("queue", QUEUES)
def test_each_queue_and_its_poison_queue_is_one_of_its_own(storage: Storage, queue: str) -> None:
    storage.enqueue(b"\xff", queue=queue)
    storage.enqueue("failed", queue=poison_queue(queue))
    lengths = {name: storage.queue_length(name) for each in QUEUES for name in (each, poison_queue(each))}
    assert lengths == {name: int(name.startswith(queue)) for name in lengths}
    assert [one.body for one in storage.take_messages(queue, most=9, hidden_for=_A_MINUTE)] == [b"\xff"]


def test_a_message_that_was_taken_is_hidden_until_it_is_deleted_or_its_time_is_up(storage: Storage) -> None:
    for number in range(3):
        storage.enqueue(str(number))
    first = storage.take_messages(CASES_QUEUE, most=2, hidden_for=_A_MINUTE)
    (last,) = storage.take_messages(CASES_QUEUE, most=2, hidden_for=_A_MINUTE)
    assert sorted(one.body for one in (*first, last)) == [b"0", b"1", b"2"]
    assert {(one.queue, one.is_encoded) for one in first} == {(CASES_QUEUE, True)}
    for one in (last, last):
        storage.delete_message(one)
    assert storage.queue_length() == 2


def test_a_message_that_somebody_else_has_taken_since_is_left_to_them(storage: Storage) -> None:
    storage.enqueue("x")
    (early,) = storage.take_messages(CASES_QUEUE, most=1, hidden_for=timedelta(seconds=1))
    late = _taken_again(storage)
    storage.delete_message(early)
    assert storage.queue_length() == 1
    storage.delete_message(late)
    assert storage.queue_length() == 0


def _taken_again(storage: Storage) -> Message:
    """Take the only message once more, when it is no longer hidden."""
    if isinstance(storage, MemoryStorage):
        storage.reveal()

    def find() -> Message | None:
        return next(iter(storage.take_messages(CASES_QUEUE, most=1, hidden_for=_A_MINUTE)), None)

    return until(find, within=10, what="the message didn't come back")


def test_messages_stay_until_somebody_takes_them(environment: dict[str, str]) -> None:
    storage = Storage(environment)
    storage.create_all()
    storage.enqueue("x")
    with QueueClient.from_connection_string(environment["AzureWebJobsStorage"], CASES_QUEUE) as queue:
        (message,) = queue.peek_messages()
    assert message.expires_on is not None
    assert message.expires_on.year == 9999


@pytest.mark.parametrize("text", ['{"id": "1"}', "words", "bm90IGJhc2U2NA=", ""])
def test_a_message_that_is_no_base64_is_given_as_it_stands(environment: dict[str, str], text: str) -> None:
    """The host moves such a message into the poison queue as it is."""
    storage = Storage(environment)
    storage.create_all()
    with QueueClient.from_connection_string(environment["AzureWebJobsStorage"], CASES_QUEUE) as queue:
        queue.send_message(text)
    (message,) = storage.take_messages(CASES_QUEUE, most=1, hidden_for=_A_MINUTE)
    assert (message.body, message.is_encoded) == (text.encode(), not text)


# Which account.


def test_evidence_may_lie_in_an_account_of_its_own(environment: dict[str, str], new_account: Callable[[], str]) -> None:
    both = {**environment, "EvidenceStorage": new_account()}
    evidence = Storage(both, prefix="EvidenceStorage")
    evidence.create_all()
    evidence.keep(Container.EVIDENCE, "a", b"1")
    with pytest.raises(Rejected):
        Storage(both).blob(Container.EVIDENCE, "a")
    Storage(environment, prefix="EvidenceStorage").create_all()
    assert Storage(environment).blob(Container.EVIDENCE, "a") is None, "without one it is the same account"


@pytest.mark.parametrize("same", [False, True])
def test_the_container_for_evidence_is_made_where_evidence_is_kept(
    environment: dict[str, str], new_account: Callable[[], str], *, same: bool
) -> None:
    """One beside the code would lie there unprotected."""
    own = environment["AzureWebJobsStorage"] if same else new_account()
    both = {**environment, "EvidenceStorage": own}
    Storage(both).create_all()
    with BlobServiceClient.from_connection_string(environment["AzureWebJobsStorage"]) as blobs:
        made = {each.name for each in blobs.list_containers()}
    assert made == {*Container} - (set() if same else {Container.EVIDENCE})
    Storage(both, prefix="EvidenceStorage").create_all()
    assert Storage(both, prefix="EvidenceStorage").blob_names(Container.EVIDENCE, "") == []


# What goes without the SDK is what the SDK reads and writes.


_NAMES: Final = st.sampled_from(["a", "B", "at", "of_it"])
_VALUES: Final = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.integers(-(2**31), 2**31 - 1),
    st.booleans(),
    st.floats(allow_nan=False),
    st.binary(max_size=12),
    st.datetimes(datetime(1700, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the strategy's
)


@settings(max_examples=40)
@given(key=_KEYS, columns=st.dictionaries(_NAMES, _VALUES, max_size=4))
def test_the_sdk_reads_what_was_written_and_is_read(
    environment: dict[str, str], key: str, columns: dict[str, Any]
) -> None:
    storage = Storage(environment)
    tables = TableServiceClient.from_connection_string(environment["AzureWebJobsStorage"])
    with tables, tables.create_table_if_not_exists(_TABLE) as sdk:
        written = storage.upsert(_TABLE, "p", key, columns)
        entity = sdk.get_entity("p", key)
        assert dict(entity) == {"PartitionKey": "p", "RowKey": key, **columns}
        assert entity.metadata["etag"] == written.etag
        sdk.upsert_entity({"PartitionKey": "q", "RowKey": key, **columns}, mode=UpdateMode.REPLACE)
        read = storage.row(_TABLE, "q", key)
        assert read is not None
        assert (read.columns, read.etag) == (columns, sdk.get_entity("q", key).metadata["etag"])
        assert [row.columns for row in storage.rows(_TABLE, "RowKey eq @key", key=key)] == [columns, columns]


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, object(), {"a": 1}, "\ud800"])
def test_a_value_that_no_column_takes_is_refused_before_it_is_sent(environment: dict[str, str], value: object) -> None:
    with pytest.raises(Rejected):
        Storage(environment).upsert(_TABLE, "p", "k", {"a": value})
    if isinstance(value, str):
        with pytest.raises(Rejected):
            Storage(environment).row(_TABLE, "p", value)


def test_a_transaction_is_read_by_the_sdk(environment: dict[str, str]) -> None:
    storage = Storage(environment)
    tables = TableServiceClient.from_connection_string(environment["AzureWebJobsStorage"])
    with tables, tables.create_table_if_not_exists(_TABLE) as sdk:
        writes = [RowWrite(op=RowOp.INSERT, key=f"{number} é'%", columns={"a": "é\r\n--x"}) for number in range(100)]
        etags = storage.write_together(_TABLE, "p 'é", writes)
        found = list(sdk.query_entities("PartitionKey eq @p", parameters={"p": "p 'é"}))
    assert {entity["RowKey"]: entity.metadata["etag"] for entity in found} == dict(
        zip((write.key for write in writes), etags, strict=True)
    )
    assert {entity["a"] for entity in found} == {"é\r\n--x"}
