"""The client for Azure Storage: tables, blobs and queues, with a connection string or a managed identity.

The account is named by the same settings as for the Functions host: `AzureWebJobsStorage` (a connection string),
`AzureWebJobsStorage__accountName`, or its three `__…ServiceUri`s, with `__clientId` for a user-assigned identity.
Settings with the prefix `EvidenceStorage` can name another account for evidence. Reading never creates anything: a
missing table is an error, never an empty table.
"""

import base64
import binascii
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import batched, groupby, islice
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from shared.clients.storage_errors import Conflict, storage_errors
from shared.clients.storage_names import CASES_QUEUE, QUEUES, Container, Table, poison_queue
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

_MOST_MESSAGES: Final = 32
"""The most messages that a queue gives in one response."""
_NEVER: Final = -1
"""The time to live of messages: they don't expire. The service's default is a week."""
_NO_LONGER_OURS: Final = frozenset({"MessageNotFound", "PopReceiptMismatch", "QueueNotFound"})
"""Error codes for a message that was deleted, or taken by another run since."""

_POLICY: Final[Mapping[str, Any]] = {"retry_total": 2, "connection_timeout": 5, "read_timeout": 20}
_DEFAULT_PREFIX: Final = "AzureWebJobsStorage"
EVIDENCE_PREFIX: Final = "EvidenceStorage"
"""The prefix of the settings that name a separate account for evidence."""


class Row(Struct, frozen=True, kw_only=True):
    """A table row: its columns without the two keys, and the ETag that guards an update."""

    partition: str
    key: str
    columns: dict[str, Any]
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
    """The services of one account; their clients are made when they are first used. Safe to share between threads."""

    def __init__(self, environment: Mapping[str, str], *, prefix: str = _DEFAULT_PREFIX) -> None:
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

        if self._setting("__credential") == "managedidentity":
            client_id = self._setting("__clientId")
            return ManagedIdentityCredential(client_id=client_id) if client_id else ManagedIdentityCredential()
        return DefaultAzureCredential()

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
        return {**_POLICY, **({"connection_verify": bundle} if bundle else {})}

    def _tables(self) -> "TableServiceClient":
        from azure.data.tables import TableServiceClient  # noqa: PLC0415 - imported on first use

        if connection := self._connection():
            return TableServiceClient.from_connection_string(connection, **self._policy())
        return TableServiceClient(self._address("table"), credential=self._credential(), **self._policy())

    def _blobs(self) -> "BlobServiceClient":
        from azure.storage.blob import BlobServiceClient  # noqa: PLC0415 - imported on first use

        if connection := self._connection():
            return BlobServiceClient.from_connection_string(connection, **self._policy())
        return BlobServiceClient(self._address("blob"), credential=self._credential(), **self._policy())

    def _queues(self) -> "QueueServiceClient":
        from azure.storage.queue import QueueServiceClient  # noqa: PLC0415 - imported on first use

        if connection := self._connection():
            return QueueServiceClient.from_connection_string(connection, **self._policy())
        return QueueServiceClient(self._address("queue"), credential=self._credential(), **self._policy())

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

    def delete_table(self, table: Table) -> None:
        """Delete a whole table. Only the local stack does that, to show what the app does without it."""
        with storage_errors("deleting a table"):
            self._once("tables", self._tables).delete_table(table)

    def row(self, table: Table, partition: str, key: str) -> Row | None:
        """Read one row; None when it doesn't exist. A missing table is an error."""
        try:
            with storage_errors(f"reading {table}"):
                return _row(self._table(table).get_entity(partition, key))
        except Rejected as rejected:
            if rejected.status == _NOT_FOUND and rejected.code == "ResourceNotFound":
                return None
            raise

    def rows(self, table: Table, query: str, *, most: int = 0, **values: Any) -> list[Row]:  # noqa: ANN401 - OData values
        """Read the rows that meet an OData `query`; `@name`s in it are filled from `values`. `most` 0 means all."""
        found: list[Row] = []
        with storage_errors(f"reading {table}"):
            for entity in self._table(table).query_entities(query, parameters=values):
                found.append(_row(entity))
                if most and len(found) >= most:
                    break
        return found

    def insert(self, table: Table, partition: str, key: str, columns: Mapping[str, Any]) -> bool:
        """Insert a row; False when there is one already."""
        try:
            with storage_errors(f"writing {table}"):
                self._table(table).create_entity({**columns, "PartitionKey": partition, "RowKey": key})
        except Rejected as rejected:
            # Azurite's duplicate insert has no error code. A table that is being deleted is a conflict too.
            if rejected.status == _CONFLICT and rejected.code in {"EntityAlreadyExists", ""}:
                return False
            raise
        return True

    def replace(self, table: Table, row: Row, columns: Mapping[str, Any]) -> Row:
        """Replace the columns of a row that hasn't changed since it was read, and give it with its new ETag.

        Raises:
            Conflict: the row has changed, or was deleted.
        """
        from azure.core import MatchConditions  # noqa: PLC0415 - imported on first use
        from azure.data.tables import UpdateMode  # noqa: PLC0415

        entity = {**columns, "PartitionKey": row.partition, "RowKey": row.key}
        try:
            with storage_errors(f"writing {table}"):
                answer = self._table(table).update_entity(
                    entity, mode=UpdateMode.REPLACE, etag=row.etag, match_condition=MatchConditions.IfNotModified
                )
        except Rejected as rejected:
            if rejected.status == _NOT_FOUND and rejected.code == "ResourceNotFound":
                raise Conflict(str(rejected), status=rejected.status, code=rejected.code) from rejected
            raise
        return Row(partition=row.partition, key=row.key, columns=dict(columns), etag=str(answer["etag"]))

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

    def upsert(self, table: Table, partition: str, key: str, columns: Mapping[str, Any]) -> None:
        """Write a row, and replace the one that may exist."""
        from azure.data.tables import UpdateMode  # noqa: PLC0415 - imported on first use

        with storage_errors(f"writing {table}"):
            self._table(table).upsert_entity(
                {**columns, "PartitionKey": partition, "RowKey": key}, mode=UpdateMode.REPLACE
            )

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
        try:
            with storage_errors(f"writing {container}"):
                blob = self._once("blobs", self._blobs).get_blob_client(container, name)
                blob.upload_blob(content, overwrite=False, metadata=dict(metadata or {}))
        except Rejected as rejected:
            if rejected.status != _CONFLICT or rejected.code not in {"BlobAlreadyExists", ""}:
                raise
            return False
        return True

    def blob(self, container: Container, name: str) -> bytes | None:
        """Read a blob; None when it doesn't exist. A missing container is an error."""
        try:
            with storage_errors(f"reading {container}"):
                return self._once("blobs", self._blobs).get_blob_client(container, name).download_blob().readall()
        except Rejected as rejected:
            if rejected.status == _NOT_FOUND and rejected.code == "BlobNotFound":
                return None
            raise

    def blob_names(self, container: Container, prefix: str) -> list[str]:
        """List the names of blobs with a prefix, in alphabetical order."""
        with storage_errors(f"reading {container}"):
            client = self._once("blobs", self._blobs).get_container_client(container)
            return [blob.name for blob in client.list_blobs(prefix)]

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


def _message(queue: str, taken: Any) -> Message:  # noqa: ANN401 - the SDK's class, imported lazily
    text = str(taken.content or "")
    try:
        body, is_encoded = base64.b64decode(text, validate=True), True
    except (binascii.Error, ValueError):
        body, is_encoded = text.encode(), False
    return Message(queue=queue, id=str(taken.id), receipt=str(taken.pop_receipt), body=body, is_encoded=is_encoded)


def _keys(entity: Any) -> tuple[str, str]:  # noqa: ANN401 - the SDK's dict, imported lazily
    return str(entity["PartitionKey"]), str(entity["RowKey"])


def _row(entity: Any) -> Row:  # noqa: ANN401 - the SDK's dict, imported lazily
    columns = {name: _plain(value) for name, value in entity.items() if name not in {"PartitionKey", "RowKey"}}
    partition, key = _keys(entity)
    return Row(partition=partition, key=key, columns=columns, etag=str(entity.metadata["etag"]))


def _plain(value: Any) -> Any:  # noqa: ANN401 - a column's value, of any type
    """Give the SDK's subclass of datetime as a plain datetime, since other libraries accept only that."""
    return datetime.combine(value.date(), value.timetz()) if isinstance(value, datetime) else value
