import pytest

from infra.local.host.errors import AppError
from infra.local.host.functions import Binding
from infra.local.host.messages import TypedData
from infra.local.host.outputs import connection_of, messages_in, queue_name_of
from infra.local.host.storage import Accounts


def binding(**settings: object) -> Binding:
    return Binding(function="work", name="out", type="queue", is_output=True, settings=settings)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (TypedData(string="one"), [b"one"]),
        (TypedData(bytes=b"\xff\x00"), [b"\xff\x00"]),
        (TypedData(json='["a", {"b": 1}, 2]'), [b"a", b'{"b": 1}', b"2"]),
        (TypedData(string='["a", "b"]'), [b"a", b"b"]),  # Azure's host splits a text that is a JSON array, too
        (TypedData(string='{"a": 1}'), [b'{"a": 1}']),
        (TypedData(string="[not json]"), [b"[not json]"]),
        (TypedData(json="[]"), []),
        (TypedData(int=3), [b"3"]),
    ],
)
def test_an_output_becomes_messages_as_in_azure(data: TypedData, expected: list[bytes]) -> None:
    assert messages_in(data) == expected


def test_a_queue_is_named_in_lower_case_in_the_account_its_connection_names() -> None:
    assert queue_name_of(binding(queueName="Open-Cases")) == "open-cases"
    assert connection_of(binding(connection="STORE")) == "STORE"
    assert connection_of(binding()) == "AzureWebJobsStorage"


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("no_queue", "'no_queue' is no queue's name"),
        ("ab", "3 to 63"),
        ("a--b", "single hyphens"),
        ("{rand}", "binding expression"),
    ],
)
def test_an_impossible_queue_is_refused_with_the_functions_name(name: str, complaint: str) -> None:
    with pytest.raises(AppError, match=f"Function work: .*{complaint}"):
        queue_name_of(binding(queueName=name))


@pytest.mark.parametrize(
    ("value", "complaint"),
    [(None, "App setting STORE is missing"), ("what?", "STORE isn't a storage connection string")],
)
def test_a_connection_must_be_a_connection_string(value: str | None, complaint: str) -> None:
    with pytest.raises(AppError, match=complaint):
        Accounts({"STORE": value}.get).queues("STORE")
