"""How app settings say the way to a storage account."""

import pytest

from infra.local.host.connections import Connection, connection_from, is_connected
from infra.local.host.errors import AppError

_BLOB = "https://127.0.0.1:10000/account/"
_QUEUE = "https://127.0.0.1:10001/account/"
_IDENTITY = {"S__credential": "managedidentity", "S__clientId": "c", "S__queueServiceUri": _QUEUE}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"S": "UseDevelopmentStorage=true"}, Connection(setting="S", connection_string="UseDevelopmentStorage=true")),
        (
            _IDENTITY | {"S__blobServiceUri": _BLOB},
            Connection(setting="S", client_id="c", addresses={"blob": _BLOB[:-1], "queue": _QUEUE[:-1]}),
        ),
        ({"S__queueServiceUri": _QUEUE}, Connection(setting="S", addresses={"queue": _QUEUE[:-1]})),
        (
            {"S__accountName": "st", "S__queueServiceUri": _QUEUE},
            Connection(setting="S", addresses={"blob": "https://st.blob.core.windows.net", "queue": _QUEUE[:-1]}),
        ),
        (
            _IDENTITY | {"S": "UseDevelopmentStorage=true"},
            Connection(setting="S", connection_string="UseDevelopmentStorage=true"),
        ),
    ],
    ids=["a string", "by identity", "system-assigned", "by the account's name", "both: the string wins, as in Azure"],
)
def test_a_way_to_an_account(settings: dict[str, str], expected: Connection) -> None:
    assert is_connected("S", settings.get)
    assert connection_from("S", settings.get) == expected


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({}, "App setting S is missing"),
        ({"S": ""}, "App setting S is missing"),
        ({"S__credential": "managedidentity", "S__clientId": "c"}, "App setting S is missing"),
        (_IDENTITY | {"S__queueServiceUri": "http://127.0.0.1:10001/a"}, "needs https"),
        (_IDENTITY | {"S__credential": "secret"}, "this host plays managedidentity"),
    ],
)
def test_no_way_to_an_account(settings: dict[str, str], complaint: str) -> None:
    with pytest.raises(AppError, match=complaint):
        connection_from("S", settings.get)


def test_a_service_without_an_address_is_named() -> None:
    with pytest.raises(AppError, match="S__blobServiceUri is missing"):
        connection_from("S", _IDENTITY.get).address("blob")


def test_a_connection_string_is_not_shown() -> None:
    assert "AccountKey" not in repr(connection_from("S", {"S": "AccountKey=x"}.get))
