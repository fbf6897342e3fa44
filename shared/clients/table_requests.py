"""The requests of tables that answering a change takes: read a row or a range, write one, or several in a transaction.

https://learn.microsoft.com/rest/api/storageservices/table-service-rest-api
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

import msgspec

from shared.clients.storage_errors import code_in, error_of
from shared.clients.storage_requests import Request, StorageService
from shared.clients.storage_rows import Row, RowOp, RowWrite, TimedRow
from shared.clients.table_values import plain, typed
from shared.model.errors import Rejected

VERSION: Final = "2019-02-02"
_TYPED: Final = "application/json;odata=minimalmetadata"
_READ: Final = {"Accept": _TYPED, "DataServiceVersion": "3.0"}
_WRITE: Final = {
    "Accept": "application/json;odata=minimalmetadata",
    "Content-Type": "application/json",
    "DataServiceVersion": "3.0",
    "Prefer": "return-no-content",
}
_NEXT: Final = ("NextPartitionKey", "NextRowKey")
_TYPE: Final = "@odata.type"
_METHODS: Final = {RowOp.INSERT: "POST", RowOp.REPLACE: "PUT", RowOp.UPSERT: "PUT", RowOp.DELETE: "DELETE"}
_ETAG: Final = re.compile(rb"(?i)\r\nETag: *([^\r\n]+)")


def text_to_sign(resource: str, request: Request, headers: Mapping[str, str]) -> str:
    """Give what a key signs of a request to a table."""
    content = headers.get("Content-Type", "")
    return f"{request.method}\n\n{content}\n{headers['x-ms-date']}\n{resource}"


class TableRequests:
    """One table of an account. Each method raises EdgeError where storage gives an error or no answer."""

    def __init__(self, service: StorageService, table: str) -> None:
        self._service = service
        self._table = table

    def row(self, what: str, partition: str, key: str) -> Row:
        """Read one row; one that isn't there is an error (404 ResourceNotFound)."""
        request = Request(method="GET", path=_path(self._table, partition, key), headers=_READ)
        return _row(_decoded(what, self._answered(what, request)))

    def timed_row(self, what: str, partition: str, key: str) -> TimedRow:
        """Read one row with storage's own times; one that isn't there is an error (404 ResourceNotFound)."""
        request = Request(method="GET", path=_path(self._table, partition, key), headers=_READ)
        answer = self._service.send(what, request)
        return _timed(_decoded(what, answer.data), answer.headers)

    def pages(self, what: str, query: str, *, most: int, select: Sequence[str]) -> Iterator[list[Row]]:
        """Read the rows that meet a query, at most `most` a page; the next page is asked for when it is wanted."""
        for entities, _ in self._listed(what, query, most=most, select=select):
            yield [_row(each) for each in entities]

    def timed_rows(self, what: str, query: str, *, most: int) -> list[TimedRow]:
        """Read all rows that meet a query with storage's own times, at most `most` a page."""
        pages = self._listed(what, query, most=most, select=())
        return [_timed(each, headers) for entities, headers in pages for each in entities]

    def _listed(
        self, what: str, query: str, *, most: int, select: Sequence[str]
    ) -> Iterator[tuple[Sequence[dict[str, Any]], Mapping[str, str]]]:
        """Read entities page by page, each page with the headers of its answer."""
        named = f"&$select={quote(','.join(select), safe='')}" if select else ""
        asked = f"$top={most}{named}&$filter={_quoted(query)}"
        following = ""
        while True:
            request = Request(method="GET", path=f"/{self._table}()", query=f"{asked}{following}", headers=_READ)
            answer = self._service.send(what, request)
            yield _decoded(what, answer.data).get("value", ()), answer.headers
            names = {name: answer.headers.get(f"x-ms-continuation-{name}") for name in _NEXT}
            if not names["NextPartitionKey"]:
                return
            following = "".join(f"&{name}={quote(value, safe='')}" for name, value in names.items() if value)

    def write(self, what: str, partition: str, write: RowWrite) -> str:
        """Carry out one write; gives the row's new ETag, "" after a deletion."""
        answer = self._service.send(what, _request(self._table, partition, write))
        return answer.headers.get("ETag", "")

    def write_together(self, what: str, partition: str, writes: Sequence[RowWrite]) -> list[str]:
        """Carry out writes of one partition, all of them or none; gives the new ETags, "" for deletions."""
        requests = [_request(self._table, partition, write) for write in writes]
        batch, changes = (f"{name}_{uuid4()}" for name in ("batch", "changeset"))
        parts = [_part(number, request, self._service.address) for number, request in enumerate(requests)]
        lines = [
            f"--{batch}\r\nContent-Type: multipart/mixed; boundary={changes}\r\n\r\n".encode(),
            *(b"--%s\r\n%s\r\n" % (changes.encode(), part) for part in parts),
            f"--{changes}--\r\n\r\n--{batch}--\r\n".encode(),
        ]
        headers = {
            "Accept": "application/json",
            "Content-Type": f"multipart/mixed; boundary={batch}",
            "DataServiceVersion": "3.0",
            "MaxDataServiceVersion": "3.0;NetFx",
        }
        request = Request(method="POST", path="/$batch", headers=headers, body=b"".join(lines))
        return _outcomes(what, self._answered(what, request), len(requests))

    def _answered(self, what: str, request: Request) -> bytes:
        return self._service.send(what, request).data


def _outcomes(what: str, body: bytes, number: int) -> list[str]:
    """Read what became of each write of a transaction. Raises EdgeError for the first that was refused."""
    answers = body.split(b"HTTP/1.1 ")[1:]
    for answer in answers:
        status = int(answer[:3]) if answer[:3].isdigit() else 0
        if not 200 <= status < 300:  # noqa: PLR2004 - HTTP's own numbers
            raise error_of(what, status, code_in(answer.partition(b"\r\n\r\n")[2]))
    if len(answers) != number:
        raise error_of(what, 0, "")
    etags = (_ETAG.search(answer) for answer in answers)
    return [etag[1].decode().strip() if etag else "" for etag in etags]


def _part(number: int, request: Request, address: str) -> bytes:
    """Give one write as a transaction has it."""
    headers = dict(request.headers)
    if request.body:
        headers["Content-Length"] = str(len(request.body))
    lines = [
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        f"Content-ID: {number}",
        "",
        f"{request.method} {address}{request.path} HTTP/1.1",
        *(f"{name}: {value}" for name, value in headers.items()),
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + request.body


def _request(table: str, partition: str, write: RowWrite) -> Request:
    is_new = write.op is RowOp.INSERT
    path = f"/{table}" if is_new else _path(table, partition, write.key)
    if write.op is RowOp.DELETE:
        return Request(method="DELETE", path=path, headers={**_READ, "If-Match": write.etag or "*"})
    guard = {"If-Match": write.etag} if write.op is RowOp.REPLACE else {}
    body = _entity(partition, write)
    return Request(method=_METHODS[write.op], path=path, headers={**_WRITE, **guard}, body=body)


def _path(table: str, partition: str, key: str) -> str:
    return f"/{table}(PartitionKey='{_quoted_key(partition)}',RowKey='{_quoted_key(key)}')"


def _quoted_key(key: str) -> str:
    return _quoted(key.replace("'", "''"))


def _quoted(text: str) -> str:
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise Rejected("storage takes no text with half a character") from None


def _entity(partition: str, write: RowWrite) -> bytes:
    """Write a row as JSON. Raises Rejected for a value that no column takes."""
    columns: dict[str, Any] = {"PartitionKey": partition, "RowKey": write.key}
    for name, value in write.columns.items():
        kind, columns[name] = typed(name, value)
        if kind:
            columns[f"{name}{_TYPE}"] = kind
    try:
        return msgspec.json.encode({name: value for name, value in columns.items() if value is not None})
    except UnicodeEncodeError:
        raise Rejected("storage takes no text with half a character") from None


def _decoded(what: str, body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise error_of(what, 0, "") from None


def _row(entity: dict[str, Any]) -> Row:
    columns = {
        name: plain(value, entity.get(f"{name}{_TYPE}"))
        for name, value in entity.items()
        if value is not None and name not in {"PartitionKey", "RowKey", "Timestamp"} and "odata." not in name
    }
    # Without all metadata the service may leave the ETag out, which it makes of the time.
    etag = entity.get("odata.etag") or f"W/\"datetime'{quote(str(entity.get('Timestamp', '')))}'\""
    return Row(partition=str(entity["PartitionKey"]), key=str(entity["RowKey"]), columns=columns, etag=str(etag))


def _timed(entity: dict[str, Any], headers: Mapping[str, str]) -> TimedRow:
    try:
        written_at = plain(entity["Timestamp"], "Edm.DateTime")
        read_at = parsedate_to_datetime(headers["Date"])
    except (KeyError, TypeError, ValueError):
        raise Rejected("storage's answer doesn't say when a row was written, or what time it is there") from None
    return TimedRow(row=_row(entity), written_at=written_at, read_at=read_at)
