"""Which account storage is, and what it makes of answers that Azurite doesn't give."""

import json
from typing import Final

import pytest

from shared.clients.storage import Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Container, Table
from shared.model.errors import EdgeError, Refused, Rejected, Throttled, Unreachable
from shared.model.setting_values import is_connection_string
from tests.fakes.http_service import Reply, http_service
from tests.fakes.spoilt_storage import UNREACHABLE_STORAGE

_TABLE: Final = Table.CASES


def test_a_listing_of_several_pages_is_read_to_its_end() -> None:
    """Azure ends a page after 1000 rows, or sooner."""

    def page(number: int, **headers: str) -> Reply:
        row = {"odata.etag": 'W/"1"', "PartitionKey": "p", "RowKey": str(number)}
        return Reply(
            body=json.dumps({"value": [row]}).encode(), headers={"Content-Type": "application/json", **headers}
        )

    link = {"x-ms-continuation-NextPartitionKey": "p", "x-ms-continuation-NextRowKey": "2"}
    with http_service(page(1, **link), page(2)) as service:
        found = _storage_at(service.url).rows(_TABLE, "PartitionKey eq 'p'")
    assert [row.key for row in found] == ["1", "2"]


@pytest.mark.parametrize(
    ("evidence", "keeps"),
    [
        ({}, True),
        ({"EvidenceStorage__accountName": "host"}, True),
        ({"EvidenceStorage__accountName": "evidence"}, False),
        ({"EvidenceStorage__blobServiceUri": "https://evidence.blob.core.windows.net"}, False),
        ({"EvidenceStorage__blobServiceUri": "https://host.blob.core.windows.net"}, True),
        ({"EvidenceStorage__blobServiceUri": "https://host.blob.core.windows.net/"}, True),
    ],
)
def test_accounts_reached_by_identity_are_told_apart_by_their_addresses(
    evidence: dict[str, str], *, keeps: bool
) -> None:
    storage = Storage({"AzureWebJobsStorage__accountName": "host", **evidence})
    assert storage.keeps_evidence is keeps


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("UseDevelopmentStorage=true", True),
        ("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=bA==;EndpointSuffix=core.windows.net", True),
        ("AccountName=a;AccountKey=bA==;", True),
        ("TableEndpoint=https://a.example;SharedAccessSignature=sv=1&sig=x", True),
        ("", False),
        ("nonsense", False),
        ("AccountName=a", False),
        ("AccountKey=bA==", False),
        ("AccountName=;AccountKey=bA==", False),
        ("https://a.table.core.windows.net", False),
    ],
)
def test_what_a_connection_string_is(text: str, *, is_one: bool) -> None:
    assert is_connection_string(text) is is_one


def test_what_is_no_connection_string_is_told_without_showing_it() -> None:
    storage = Storage({"AzureWebJobsStorage": "a-secret-in-the-wrong-place"})
    for attempt in (storage.create_all, lambda: storage.row(_TABLE, "p", "k"), lambda: storage.enqueue("x")):
        with pytest.raises(Rejected, match="AzureWebJobsStorage should be a connection string") as raised:
            attempt()
        assert "a-secret" not in str(raised.value)


def _odata(code: str) -> bytes:
    return json.dumps({"odata.error": {"code": code, "message": {"lang": "en-us", "value": "told"}}}).encode()


def _reply(status: int, code: str, *, cut: bool = False) -> Reply:
    headers = {"Content-Type": "application/json", "x-ms-error-code": code}
    return Reply(status=status, body=_odata(code), headers=headers, cut=cut)


def _storage_at(url: str) -> Storage:
    endpoints = ";".join(f"{service}Endpoint={url}/a" for service in ("Table", "Blob", "Queue"))
    return Storage({"AzureWebJobsStorage": f"AccountName=a;AccountKey=bA==;DefaultEndpointsProtocol=http;{endpoints}"})


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [
        (_reply(401, "NoAuthenticationInformation"), Refused),
        (_reply(403, "AuthorizationPermissionMismatch"), Refused),
        (_reply(400, "InvalidInput"), Rejected),
        (_reply(404, "TableNotFound"), Rejected),
        (_reply(409, "TableBeingDeleted"), Rejected),
        (_reply(412, "UpdateConditionNotSatisfied"), Conflict),
        (_reply(503, "ServerBusy"), Throttled),
        (_reply(200, "", cut=True), Unreachable),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else f"{value.status} {'cut' if value.cut else ''}",
)
def test_what_an_answer_means(reply: Reply, meaning: type[EdgeError]) -> None:
    with http_service(reply) as service, pytest.raises(EdgeError) as raised:
        _storage_at(service.url).rows(_TABLE, "PartitionKey eq 'p'")
    assert type(raised.value) is meaning
    assert service.url not in str(raised.value)


def test_an_insert_into_a_table_that_is_being_deleted_is_no_duplicate() -> None:
    """Taken for one, the record would count as done and its case would never be."""
    with http_service(_reply(409, "TableBeingDeleted")) as service, pytest.raises(Rejected, match="TableBeingDeleted"):
        _storage_at(service.url).insert(_TABLE, "p", "k", {})
    with http_service(_reply(409, "EntityAlreadyExists")) as service:
        assert not _storage_at(service.url).insert(_TABLE, "p", "k", {})


def test_a_blob_in_a_container_that_is_being_deleted_is_not_there_yet() -> None:
    with http_service(_reply(409, "ContainerBeingDeleted")) as service, pytest.raises(Rejected):
        _storage_at(service.url).keep(Container.EVIDENCE, "a", b"1")
    with http_service(_reply(404, "ContainerNotFound")) as service, pytest.raises(Rejected):
        _storage_at(service.url).blob(Container.EVIDENCE, "a")


def test_an_account_that_does_not_answer_is_unreachable() -> None:
    storage = Storage(UNREACHABLE_STORAGE)
    with pytest.raises(Unreachable, match="reading Cases: storage gave no answer"):
        storage.row(_TABLE, "p", "k")
