import pytest

from infra.local.host.messages import TypedData
from infra.local.host.outputs import messages_in


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
