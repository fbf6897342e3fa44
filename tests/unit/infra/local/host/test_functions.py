import json

import pytest

from infra.local.host.errors import AppError
from infra.local.host.functions import Function, function_from
from infra.local.host.messages import RpcFunctionMetadata

QUEUE_TRIGGER = {"direction": "IN", "type": "queueTrigger", "name": "message", "queueName": "%QUEUE%-%N%"}
QUEUE_OUTPUT = {"direction": "OUT", "type": "queue", "name": "out", "queueName": "next"}
TABLE_INPUT = {"direction": "IN", "type": "table", "name": "row", "tableName": "t"}
SETTINGS = {"QUEUE": "cases", "N": "1"}


def function_of(*bindings: dict[str, str]) -> Function:
    metadata = RpcFunctionMetadata(
        name="answer",
        function_id="id",
        directory="",
        script_file="",
        entry_point="answer",
        language="python",
        is_proxy=False,
        managed_dependency_enabled=False,
        bindings={},
        raw_bindings=[json.dumps(binding) for binding in bindings],
        retry_options=None,
        properties={},
    )
    return function_from(metadata, SETTINGS.get)


def test_bindings_are_told_apart_and_settings_resolved() -> None:
    function = function_of(QUEUE_OUTPUT, QUEUE_TRIGGER, TABLE_INPUT)
    assert function.trigger.text("queueName") == "cases-1"
    assert [binding.name for binding in function.inputs] == ["row"]
    assert [binding.name for binding in function.outputs] == ["out"]


def test_a_setting_that_is_missing_is_named_with_its_function() -> None:
    with pytest.raises(AppError, match="Function answer: %OTHER% is no app setting; add OTHER"):
        function_of(QUEUE_TRIGGER | {"queueName": "%OTHER%"})


@pytest.mark.parametrize(("bindings", "count"), [([QUEUE_OUTPUT], 0), ([QUEUE_TRIGGER, QUEUE_TRIGGER], 2)])
def test_a_function_has_one_trigger(bindings: list[dict[str, str]], count: int) -> None:
    with pytest.raises(AppError, match=f"answer has {count} triggers"):
        function_of(*bindings)


def test_a_setting_the_binding_needs_is_named() -> None:
    with pytest.raises(AppError, match="the queueTrigger binding message needs queueName"):
        function_of({key: value for key, value in QUEUE_TRIGGER.items() if key != "queueName"}).trigger.text(
            "queueName"
        )
