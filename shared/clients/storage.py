"""The client for Azure Storage: tables, blobs and queues, with a connection string or a managed identity.

The account is named by the same settings as for the Functions host: `AzureWebJobsStorage` (a connection string),
`AzureWebJobsStorage__accountName`, or its three `__…ServiceUri`s, with `__clientId` for a user-assigned identity.
Settings with the prefix `EvidenceStorage` can name another account for evidence. Reading never creates anything: a
missing table is an error, never an empty table.
"""

import base64
import binascii
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from io import BytesIO
from itertools import batched, groupby, islice
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from msgspec import Struct

from shared.clients import blob_requests, table_requests
from shared.clients.blob_requests import BlobRequests
from shared.clients.credentials import CheckedCredential
from shared.clients.storage_errors import Conflict, storage_errors
from shared.clients.storage_names import CASES_QUEUE, QUEUES, Container, Table, poison_queue
from shared.clients.storage_requests import Account, StorageService, TextToSign, account_in
from shared.clients.storage_rows import Row, RowOp, RowWrite, TimedRow
from shared.clients.table_requests import TableRequests
from shared.clients.table_values import filled_in
from shared.model.errors import Rejected
from shared.model.setting_values import is_connection_string

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.data.tables import TableClient, TableServiceClient
    from azure.storage.blob import BlobServiceClient
    from azure.storage.queue import QueueClient, QueueServiceClient

_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_TRIES: Final = 10
_MOST_AT_ONCE: Final = 100
"""The most rows that a table takes in one transaction."""

_LONGEST_PAGE: Final = 1000
"""The most rows that a table gives in one response."""

_MOST_MESSAGES: Final = 32
"""The most messages that a queue gives in one response."""
_NEVER: Final = -1
"""The time to live of messages: they don't expire. The service's default is a week."""
_NO_LONGER_OURS: Final = frozenset({"MessageNotFound", "PopReceiptMismatch", "QueueNotFound"})
"""Error codes for a message that was deleted, or taken by another run since."""

_WHOLE_WITHIN: Final = timedelta(minutes=1)
"""For the whole of an answer, which has 4 MiB at most."""

_POLICY: Final[Mapping[str, Any]] = {"retry_total": 2, "connection_timeout": 5, "read_timeout": 20}
_PIECE: Final = 4 * 1024 * 1024
"""Bytes of a large blob that are in memory at once, when it is written or read piece by piece."""
_PIECES: Final[Mapping[str, Any]] = {
    "max_single_put_size": _PIECE,
    "max_block_size": _PIECE,
    "max_single_get_size": _PIECE,
    "max_chunk_get_size": _PIECE,
}
_CONNECTIONS: Final = 32
_DEFAULT_PREFIX: Final = "AzureWebJobsStorage"
EVIDENCE_PREFIX: Final = "EvidenceStorage"
"""The prefix of the settings that name a separate account for evidence."""


class BlobEntry(Struct, frozen=True, kw_only=True):
    """A blob in a listing, and when it was written by storage's clock."""

    name: str
    written_at: datetime
    etag: str


class Message(Struct, frozen=True, kw_only=True):
    """A message that was taken from `queue` and is hidden from others for a while.

    `body` is the content decoded from base64. Text that isn't base64 is given as it is, and `is_encoded` is False.
    """

    queue: str
    id: str
    receipt: str
    body: bytes
    is_encoded: bool


class Storage:
    """The services of one account; their clients are made when they are first used. Safe to share between threads.

    An answer that isn't whole `within` its time counts as lost.
    """

    def __init__(
        self, environment: Mapping[str, str], *, prefix: str = _DEFAULT_PREFIX, within: timedelta = _WHOLE_WITHIN
    ) -> None:
        self._within = within
        named = any(name == prefix or name.startswith(f"{prefix}__") for name in environment)
        self._prefix = prefix if named else _DEFAULT_PREFIX
        self._environment = environment
        self._lock = threading.RLock()
        self._made: dict[str, Any] = {}

    def _once[T](self, name: str, make: Callable[[], T]) -> T:
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            return self._made[name]

    def _setting(self, suffix: str) -> str:
        return self._environment.get(f"{self._prefix}{suffix}", "")

    def _address(self, service: str) -> str:
        return (
            self._setting(f"__{service}ServiceUri")
            or f"https://{self._setting('__accountName')}.{service}.core.windows.net"
        )

    def _credential(self) -> "TokenCredential":
        from azure.identity import DefaultAzureCredential, ManagedIdentityCredential  # noqa: PLC0415 - imported on first use

        if self._setting("__credential") != "managedidentity":
            return CheckedCredential(DefaultAzureCredential())
        client_id = self._setting("__clientId")
        return CheckedCredential(
            ManagedIdentityCredential(client_id=client_id) if client_id else ManagedIdentityCredential()
        )

    def _connection(self) -> str:
        """Give the connection string, "" where an identity is used instead.

        Raises:
            Rejected: the setting isn't a connection string.
        """
        connection = self._setting("")
        if connection and not is_connection_string(connection):
            raise Rejected(
                f"{self._prefix} should be a connection string, as the storage account's Access keys show it"
            )
        return connection

    def _policy(self) -> dict[str, Any]:
        """Give the clients' options. The certificate authorities to trust are named by these settings too."""
        bundle = self._environment.get("REQUESTS_CA_BUNDLE")
        options = {**_POLICY, **({"connection_verify": bundle} if bundle else {})}
        return {**options, "transport": _transport(options, self._within)}

    def _tables(self) -> "TableServiceClient":
        from azure.data.tables import TableServiceClient  # noqa: PLC0415 - imported on first use

        if connection := self._connection():
            return TableServiceClient.from_connection_string(connection, **self._policy())
        return TableServiceClient(self._address("table"), credential=self._credential(), **self._policy())

    def _blobs(self) -> "BlobServiceClient":
        from azure.storage.blob import BlobServiceClient  # noqa: PLC0415 - imported on first use

        options = {**self._policy(), **_PIECES}
        if connection := self._connection():
            return BlobServiceClient.from_connection_string(connection, **options)
        return BlobServiceClient(self._address("blob"), credential=self._credential(), **options)

    def _queues(self) -> "QueueServiceClient":
        from azure.storage.queue import QueueServiceClient  # noqa: PLC0415 - imported on first use

        if connection := self._connection():
            return QueueServiceClient.from_connection_string(connection, **self._policy())
        return QueueServiceClient(self._address("queue"), credential=self._credential(), **self._policy())

    def _service(self, name: str, version: str, text_to_sign: TextToSign) -> StorageService:
        connection = self._connection()
        account = account_in(connection, name) if connection else Account(name="", address=self._address(name))
        return StorageService(
            account,
            version=version,
            text_to_sign=text_to_sign,
            within=self._within,
            credential=None if connection else self._credential(),
            authorities=self._environment.get("REQUESTS_CA_BUNDLE", ""),
        )

    def _requests(self, table: Table) -> TableRequests:
        """Give the requests of a table that answering takes; the rest goes through the SDK's `_table`."""
        return self._once(f"requests {table}", lambda: TableRequests(self._table_service(), table))

    def _table_service(self) -> StorageService:
        module = table_requests
        return self._once("table service", lambda: self._service("table", module.VERSION, module.text_to_sign))

    def _kept_in(self, container: Container) -> BlobRequests:
        """Give the requests of a container that answering takes; the rest goes through the SDK's `_blobs`."""
        module = blob_requests
        service = self._once("blob service", lambda: self._service("blob", module.VERSION, module.text_to_sign))
        return self._once(f"requests of {container}", lambda: BlobRequests(service, container))

    def _table(self, table: Table) -> "TableClient":
        return self._once(f"table {table}", lambda: self._once("tables", self._tables).get_table_client(table))

    def _queue(self, queue: str) -> "QueueClient":
        service = self._once("queues", self._queues)
        return self._once(f"queue {queue}", lambda: service.get_queue_client(queue))

    def create_all(self) -> None:
        """Create every table, container and queue that doesn't exist. For set-up only, never when reading.

        The container for evidence is created only in the account that keeps evidence.
        """
        from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415 - imported on first use

        containers = [one for one in Container if one is not Container.EVIDENCE or self.keeps_evidence]
        with storage_errors("set-up"):
            for table in Table:
                self._once("tables", self._tables).create_table_if_not_exists(table)
            for container in containers:
                with suppress(ResourceExistsError):
                    self._once("blobs", self._blobs).create_container(container)
            for queue in QUEUES:
                for name in (queue, poison_queue(queue)):
                    with suppress(ResourceExistsError):
                        self._queue(name).create_queue()

    @property
    def keeps_evidence(self) -> bool:
        """Whether evidence is kept in this account: it is the one named for evidence, or the only account."""
        return self._place() == Storage(self._environment, prefix=EVIDENCE_PREFIX)._place()  # noqa: SLF001 - of the same class

    def _place(self) -> str:
        """Give what identifies the account: its connection string or its address."""
        return self._setting("") or self._address("blob").rstrip("/").lower()

    @property
    def account_name(self) -> str:
        """The account's name for people's commands; "" where a connection string or an address is set instead."""
        return self._setting("__accountName")

    def delete_table(self, table: Table) -> None:
        """Delete a whole table. Only the local stack does that, to show what the app does without it."""
        with storage_errors("deleting a table"):
            self._once("tables", self._tables).delete_table(table)

    def row(self, table: Table, partition: str, key: str) -> Row | None:
        """Read one row; None when it doesn't exist. A missing table is an error."""
        try:
            return self._requests(table).row(f"reading {table}", partition, key)
        except Rejected as rejected:
            if _is_not_there(rejected):
                return None
            raise

    def timed_row(self, table: Table, partition: str, key: str) -> TimedRow | None:
        """Read one row with storage's own times; None when it doesn't exist. A missing table is an error."""
        try:
            return self._requests(table).timed_row(f"reading {table}", partition, key)
        except Rejected as rejected:
            if _is_not_there(rejected):
                return None
            raise

    def timed_rows(self, table: Table, query: str, **values: Any) -> list[TimedRow]:  # noqa: ANN401 - OData values
        """Read all rows that meet an OData `query` with storage's own times. For tables that are always small."""
        return self._requests(table).timed_rows(f"reading {table}", filled_in(query, values), most=_LONGEST_PAGE)

    def rows(
        self,
        table: Table,
        query: str,
        *,
        most: int = 0,
        select: Sequence[str] = (),
        **values: Any,  # noqa: ANN401 - OData values
    ) -> list[Row]:
        """Read the rows that meet an OData `query`; `@name`s in it are filled from `values`.

        `most` 0 means all. `select` names the columns to read; without it all are read.
        """
        pages = self.pages(table, query, most=most, select=select, **values)
        if most:
            return list(islice((row for page in pages for row in page), most))
        return [row for page in pages for row in page]

    def pages(
        self,
        table: Table,
        query: str,
        *,
        most: int = 0,
        select: Sequence[str] = (),
        **values: Any,  # noqa: ANN401 - OData values
    ) -> Iterator[list[Row]]:
        """Read the rows that meet an OData `query` page by page: one request and at most 1,000 rows each.

        `most` makes pages smaller. The next page is asked for when it is wanted.
        """
        length = min(most or _LONGEST_PAGE, _LONGEST_PAGE)
        columns = ["PartitionKey", "RowKey", *select] if select else []
        asked = filled_in(query, values)
        return self._requests(table).pages(f"reading {table}", asked, most=length, select=columns)

    def insert(self, table: Table, partition: str, key: str, columns: Mapping[str, Any]) -> bool:
        """Insert a row; False when there is one already."""
        return self.inserted(table, partition, key, columns) is not None

    def inserted(self, table: Table, partition: str, key: str, columns: Mapping[str, Any]) -> Row | None:
        """Insert a row and give it with its ETag; None when there is one already."""
        write = RowWrite(op=RowOp.INSERT, key=key, columns=columns)
        try:
            etag = self._requests(table).write(f"writing {table}", partition, write)
        except Rejected as rejected:
            # Azurite's duplicate insert has no error code. A table that is being deleted is a conflict too.
            if rejected.status == _CONFLICT and rejected.code in {"EntityAlreadyExists", ""}:
                return None
            raise
        return Row(partition=partition, key=key, columns=dict(columns), etag=etag)

    def replace(self, table: Table, row: Row, columns: Mapping[str, Any]) -> Row:
        """Replace the columns of a row that hasn't changed since it was read, and give it with its new ETag.

        Raises:
            Conflict: the row has changed, or was deleted.
        """
        write = RowWrite(op=RowOp.REPLACE, key=row.key, columns=columns, etag=row.etag)
        try:
            etag = self._requests(table).write(f"writing {table}", row.partition, write)
        except Rejected as rejected:
            if _is_not_there(rejected):
                raise Conflict(str(rejected), status=rejected.status, code=rejected.code) from rejected
            raise
        return Row(partition=row.partition, key=row.key, columns=dict(columns), etag=etag)

    def add(self, table: Table, partition: str, key: str, count: int) -> None:
        """Add to the count of a row, which starts at 0. After too many conflicts the addition is dropped."""
        for _ in range(_TRIES):
            row = self.row(table, partition, key)
            if row is None:
                if self.insert(table, partition, key, {"count": count}):
                    return
                continue
            try:
                self.replace(table, row, {**row.columns, "count": int(row.columns["count"]) + count})
            except Conflict:
                continue
            return

    def upsert(self, table: Table, partition: str, key: str, columns: Mapping[str, Any]) -> Row:
        """Write a row, and replace the one that may exist; gives it with its ETag."""
        write = RowWrite(op=RowOp.UPSERT, key=key, columns=columns)
        etag = self._requests(table).write(f"writing {table}", partition, write)
        return Row(partition=partition, key=key, columns=dict(columns), etag=etag)

    def delete(self, table: Table, row: Row) -> None:
        """Delete a row that hasn't changed since it was read. One that is gone is ignored.

        Raises:
            Conflict: the row has changed.
        """
        write = RowWrite(op=RowOp.DELETE, key=row.key, etag=row.etag)
        try:
            self._requests(table).write(f"deleting from {table}", row.partition, write)
        except Rejected as rejected:
            if not _is_not_there(rejected):
                raise

    def write_together(self, table: Table, partition: str, writes: Sequence[RowWrite]) -> list[str]:
        """Carry out up to 100 writes of one partition, all of them or none; gives the new ETags, "" for deletions.

        Raises:
            Conflict: a row to insert exists, or one to replace or delete has changed or is gone. Nothing was written.
        """
        if not 0 < len(writes) <= _MOST_AT_ONCE:
            raise Rejected(f"writing {table}: {len(writes)} rows can't be written in one transaction")
        try:
            return self._requests(table).write_together(f"writing {table}", partition, writes)
        except Rejected as rejected:
            is_there = rejected.status == _CONFLICT and rejected.code in {"EntityAlreadyExists", ""}
            if is_there or _is_not_there(rejected):
                raise Conflict(str(rejected), status=rejected.status, code=rejected.code) from rejected
            raise

    def purge(self, table: Table, query: str, *, most: int, **values: Any) -> int:  # noqa: ANN401 - OData values
        """Delete at most `most` rows that meet an OData `query`; gives the number of rows deleted."""
        client = self._table(table)
        done = 0
        with storage_errors(f"purging {table}"):
            found = client.query_entities(query, parameters=values, select=["PartitionKey", "RowKey"])
            keys = [_keys(entity) for entity in islice(found, most)]
            for partition, members in groupby(keys, key=lambda each: each[0]):
                for some in batched(members, _MOST_AT_ONCE, strict=False):
                    client.submit_transaction(
                        [("delete", {"PartitionKey": partition, "RowKey": key}) for _, key in some]
                    )
                    done += len(some)
        return done

    def keep(
        self, container: Container, name: str, content: bytes, *, metadata: Mapping[str, str] | None = None
    ) -> bool:
        """Write a new blob; False when one of that name exists. Blobs are never overwritten."""
        if len(content) > _PIECE:
            return self._kept_in_pieces(container, name, BytesIO(content), metadata or {})
        try:
            self._kept_in(container).keep(f"writing {container}", name, content, metadata or {})
        except Rejected as rejected:
            if not _is_there_already(rejected):
                raise
            return False
        return True

    def keep_stream(self, container: Container, name: str, content: BinaryIO) -> bool:
        """Write a new blob of any size piece by piece; False when one of that name exists.

        `content` is read from where it stands to its end.
        """
        return self._kept_in_pieces(container, name, content, {})

    def _kept_in_pieces(self, container: Container, name: str, content: BinaryIO, metadata: Mapping[str, str]) -> bool:
        try:
            with storage_errors(f"writing {container}"):
                blob = self._once("blobs", self._blobs).get_blob_client(container, name)
                blob.upload_blob(content, overwrite=False, metadata=dict(metadata))
        except Rejected as rejected:
            if not _is_there_already(rejected):
                raise
            return False
        return True

    def pieces(self, container: Container, name: str) -> Iterator[bytes]:
        """Read a blob of any size piece by piece. One that doesn't exist is an error, raised at the first piece."""
        with storage_errors(f"reading {container}"):
            found = self._once("blobs", self._blobs).get_blob_client(container, name).download_blob().chunks()
        while True:
            with storage_errors(f"reading {container}"):
                piece = next(found, None)
            if piece is None:
                return
            yield piece

    def hold(self, container: Container, name: str) -> bool:
        """Set a legal hold on the present version of a blob, unless it has one; gives whether it shows then.

        Storage asks for a right of its own (immutableStorage/runAsSuperUser/action), which can also lift holds.
        Raises EdgeError where the hold can't be set, or the account has no immutable versions.
        """
        with storage_errors(f"setting a legal hold in {container}"):
            blob = self._once("blobs", self._blobs).get_blob_client(container, name)
            if not blob.get_blob_properties().has_legal_hold:
                blob.set_legal_hold(legal_hold=True)
            return bool(blob.get_blob_properties().has_legal_hold)

    def blob(self, container: Container, name: str) -> bytes | None:
        """Read a blob; None when it doesn't exist. A missing container is an error."""
        try:
            return self._kept_in(container).read(f"reading {container}", name)
        except Rejected as rejected:
            if rejected.status == _NOT_FOUND and rejected.code == "BlobNotFound":
                return None
            raise

    def blob_names(self, container: Container, prefix: str) -> list[str]:
        """List the names of blobs with a prefix, in alphabetical order."""
        with storage_errors(f"reading {container}"):
            client = self._once("blobs", self._blobs).get_container_client(container)
            return [blob.name for blob in client.list_blobs(prefix)]

    def blobs(self, container: Container, prefix: str = "") -> Iterator[BlobEntry]:
        """List blobs with a prefix, in alphabetical order; the next 5,000 are asked for when they are wanted."""
        with storage_errors(f"reading {container}"):
            found = iter(self._once("blobs", self._blobs).get_container_client(container).list_blobs(prefix))
        while True:
            with storage_errors(f"reading {container}"):
                blob = next(found, None)
            if blob is None:
                return
            # A listing has ETags without the quotes that a condition needs.
            etag = f'"{str(blob.etag).strip('"')}"'
            yield BlobEntry(name=str(blob.name), written_at=blob.last_modified, etag=etag)

    def touch_blob(self, container: Container, name: str) -> bool:
        """Write a blob's date anew, so that who listed it before can't delete it; False if it is gone."""
        try:
            with storage_errors(f"writing {container}"):
                blob = self._once("blobs", self._blobs).get_blob_client(container, name)
                blob.set_blob_metadata(blob.get_blob_properties().metadata)
        except Rejected as rejected:
            if rejected.status == _NOT_FOUND and rejected.code == "BlobNotFound":
                return False
            raise
        return True

    def delete_blob(self, container: Container, blob: BlobEntry) -> None:
        """Delete a blob that hasn't been written since it was listed. Evidence is refused.

        Raises:
            Conflict: it was written since, or is gone.
        """
        from azure.core import MatchConditions  # noqa: PLC0415 - imported on first use

        if container is Container.EVIDENCE:
            raise Rejected("evidence is never deleted by the app")
        try:
            with storage_errors(f"deleting from {container}"):
                self._once("blobs", self._blobs).get_blob_client(container, blob.name).delete_blob(
                    etag=blob.etag, match_condition=MatchConditions.IfNotModified
                )
        except Rejected as rejected:
            if rejected.status == _NOT_FOUND and rejected.code == "BlobNotFound":
                raise Conflict(str(rejected), status=rejected.status, code=rejected.code) from rejected
            raise

    def enqueue(self, content: str | bytes, *, queue: str = CASES_QUEUE, delay: timedelta = timedelta()) -> None:
        """Put a message into a queue, in base64. It becomes visible after `delay` and never expires."""
        raw = content.encode() if isinstance(content, str) else content
        with storage_errors(f"writing the queue {queue}"):
            self._queue(queue).send_message(
                base64.b64encode(raw).decode(), visibility_timeout=int(delay.total_seconds()), time_to_live=_NEVER
            )

    def take_messages(self, queue: str, *, most: int, hidden_for: timedelta) -> list[Message]:
        """Take at most `most` messages from a queue, and hide them from others for the time `hidden_for`.

        A message that isn't deleted in that time becomes visible again. Raises Rejected when the queue doesn't exist.
        """
        with storage_errors(f"reading the queue {queue}"):
            taken = self._queue(queue).receive_messages(
                messages_per_page=min(most, _MOST_MESSAGES),
                max_messages=most,
                visibility_timeout=int(hidden_for.total_seconds()),
            )
            return [_message(queue, one) for one in taken]

    def delete_message(self, message: Message) -> None:
        """Delete a message that was taken. One that is gone, or was taken by another run since, is ignored."""
        try:
            with storage_errors(f"writing the queue {message.queue}"):
                self._queue(message.queue).delete_message(message.id, message.receipt)
        except Rejected as rejected:
            if rejected.code not in _NO_LONGER_OURS:
                raise

    def queue_length(self, queue: str = CASES_QUEUE) -> int:
        """Give the approximate number of messages in a queue. Raises Rejected when the queue doesn't exist."""
        with storage_errors(f"reading the queue {queue}"):
            return int(self._queue(queue).get_queue_properties().approximate_message_count or 0)


def _transport(options: Mapping[str, Any], within: timedelta) -> Any:  # noqa: ANN401 - the SDK's class, imported lazily
    """Give a client's connections: as many are kept as ask side by side, else each further one is made anew."""
    from azure.core.pipeline.transport import RequestsTransport  # noqa: PLC0415 - imported on first use
    from requests import Session  # noqa: PLC0415 - the same
    from requests.adapters import HTTPAdapter  # noqa: PLC0415 - the same
    from urllib3 import Retry  # noqa: PLC0415 - the same

    from shared.clients.timed_answers import timed_pools  # noqa: PLC0415 - the same

    session = Session()
    never = Retry(total=False, redirect=False, raise_on_status=False)  # the SDK's own policy tries again
    for scheme in ("https://", "http://"):
        adapter = HTTPAdapter(pool_maxsize=_CONNECTIONS, max_retries=never)
        adapter.poolmanager.pool_classes_by_scheme = timed_pools(within.total_seconds())
        session.mount(scheme, adapter)
    return RequestsTransport(session=session, **options)


def _is_not_there(rejected: Rejected) -> bool:
    """Whether it is the row that is missing, and not its table."""
    return rejected.status == _NOT_FOUND and rejected.code == "ResourceNotFound"


def _is_there_already(rejected: Rejected) -> bool:
    return rejected.status == _CONFLICT and rejected.code in {"BlobAlreadyExists", ""}


def _message(queue: str, taken: Any) -> Message:  # noqa: ANN401 - the SDK's class, imported lazily
    text = str(taken.content or "")
    try:
        body, is_encoded = base64.b64decode(text, validate=True), True
    except (binascii.Error, ValueError):
        body, is_encoded = text.encode(), False
    return Message(queue=queue, id=str(taken.id), receipt=str(taken.pop_receipt), body=body, is_encoded=is_encoded)


def _keys(entity: Any) -> tuple[str, str]:  # noqa: ANN401 - the SDK's dict, imported lazily
    return str(entity["PartitionKey"]), str(entity["RowKey"])
