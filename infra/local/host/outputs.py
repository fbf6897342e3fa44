"""What functions put out: messages for queues. HTTP answers are the web server's; anything else fails loudly."""

import base64
import json
import re
from collections.abc import Mapping
from typing import cast

from azure.core.exceptions import AzureError

from infra.local.host.errors import AppError
from infra.local.host.functions import Binding, Function
from infra.local.host.host_json import MessageEncoding
from infra.local.host.messages import TypedData
from infra.local.host.storage import Accounts

QUEUE = "queue"
HTTP = "http"
DEFAULT_CONNECTION = "AzureWebJobsStorage"
_QUEUE_NAME = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")


class OutputError(Exception):
    """An output couldn't be written, so the invocation failed."""


def queue_name_of(binding: Binding) -> str:
    """Give the queue a binding names, in lower case as Azure's host makes it.

    Raises:
        AppError: it can't be a queue's name.
    """
    name = binding.text("queueName").lower()
    if "{" in name:
        raise AppError(f"Function {binding.function}: queue name {name} has a binding expression; they aren't played.")
    if not _QUEUE_NAME.fullmatch(name):
        raise AppError(
            f"Function {binding.function}: {name!r} is no queue's name: 3 to 63 letters, digits, single hyphens."
        )
    return name


def connection_of(binding: Binding) -> str:
    """Name the app setting that says how to reach the binding's account."""
    return str(binding.settings.get("connection") or DEFAULT_CONNECTION)


class Outputs:
    """Writes what an invocation put out."""

    def __init__(self, *, accounts: Accounts, encoding: MessageEncoding) -> None:
        self._accounts = accounts
        self._encoding = encoding

    def prepare(self, function: Function) -> list[str]:
        """Check a function's outputs before it is ever run, and name those that aren't played.

        Raises:
            AppError: a queue output names no possible queue or connection.
        """
        for binding in function.outputs:
            if binding.type == QUEUE:
                queue_name_of(binding)
                self._accounts.queues(connection_of(binding))
        return [f"{binding.type} output {binding.name}" for binding in function.outputs if not _is_played(binding)]

    async def write(self, function: Function, returned: Mapping[str, TypedData]) -> None:
        """Write every output that was set.

        Raises:
            OutputError: one isn't played by this host, or its queue couldn't be reached.
        """
        for name, data in returned.items():
            binding = function.output(name)
            if binding is None or not _is_played(binding):
                kind = binding.type if binding else "unknown"
                raise OutputError(f"this host doesn't play the {kind} output {name}; nothing was written")
            if binding.type == QUEUE:
                await self._enqueue(binding, data)

    async def _enqueue(self, binding: Binding, data: TypedData) -> None:
        queues = self._accounts.queues(connection_of(binding))
        name = queue_name_of(binding)
        try:
            for message in messages_in(data):
                await queues.add(name, _encoded(message, self._encoding))
        except AzureError as error:
            raise OutputError(f"queue {name} took no message: {error.message}") from error


def messages_in(data: TypedData) -> list[bytes]:
    """Split an output into queue messages the way Azure's host does.

    A JSON array is a message an element, even when the function set it as plain text; everything else is one message.
    """
    if isinstance(data.value, bytes):
        return [data.value]
    text = data.value if isinstance(data.value, str) else json.dumps(data.value)
    stripped = text.strip()
    if not (stripped.startswith("[") and stripped.endswith("]")):
        return [text.encode()]
    try:
        items = cast("list[object]", json.loads(stripped))
    except ValueError:
        return [text.encode()]
    return [(item if isinstance(item, str) else json.dumps(item)).encode() for item in items]


def _encoded(message: bytes, encoding: MessageEncoding) -> str:
    if encoding is MessageEncoding.BASE64:
        return base64.b64encode(message).decode()
    try:
        return message.decode()
    except UnicodeDecodeError:
        raise OutputError("a message that isn't text needs messageEncoding base64") from None


def _is_played(binding: Binding) -> bool:
    return binding.type in {QUEUE, HTTP}
