"""What host.json says: the settings this host plays, those it needn't, and a name for each of the rest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import cast

from infra.local.host.app_settings import json_object_from
from infra.local.host.errors import AppError, SettingsError
from infra.local.host.timespans import timespan_from

HOST_JSON = "host.json"
_IGNORED = frozenset({"$schema", "logging", "extensionBundle"})
_UNLIMITED = "-1"
_IN_PLACE = "AzureFunctionsJobHost__"


class MessageEncoding(StrEnum):
    """How a queue message's text stands in storage."""

    BASE64 = "base64"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """`extensions.queues`. The longest pause between polls is a minute in Azure and 2 s on a developer's machine.

    `hidden_for` isn't in host.json: a message whose function runs is hidden that long, and anew at half time.
    """

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    visibility_timeout: timedelta = timedelta(0)
    max_polling_interval: timedelta = timedelta(seconds=2)
    message_encoding: MessageEncoding = MessageEncoding.BASE64
    hidden_for: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """`extensions.eventHubs`: the most events in a batch, after how many batches the checkpoint is written."""

    max_event_batch_size: int = 100
    batch_checkpoint_frequency: int = 1
    starts_at_end: bool = False
    """Where a consumer group begins that has no checkpoint yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """host.json, read. `unknown` holds the path of each setting this host doesn't play.

    `function_timeout` None means no limit; the default is that of the Flex Consumption plan.
    """

    function_timeout: timedelta | None = timedelta(minutes=30)
    route_prefix: str = "api"
    queues: QueueSettings = field(default_factory=QueueSettings)
    hubs: HubSettings = field(default_factory=HubSettings)
    unknown: tuple[str, ...] = ()


def host_settings_from(app: Path, app_settings: Mapping[str, str] = MappingProxyType({})) -> HostSettings:
    """Read the host.json of the app in the folder `app`.

    An app setting `AzureFunctionsJobHost__extensions__queues__maxPollingInterval` stands in place of what host.json has
    there, and so on (https://learn.microsoft.com/azure/azure-functions/functions-host-json#override-hostjson-values).

    Raises:
        AppError: it is missing, isn't version 2.0, or a setting has a value that can't be.
    """
    try:
        content = json_object_from(app / HOST_JSON)
    except SettingsError as refused:
        raise AppError(f'{refused} The smallest {HOST_JSON} is {{"version": "2.0"}}.') from None
    for name, text in app_settings.items():
        if name.startswith(_IN_PLACE):
            content = _with(content, name.removeprefix(_IN_PLACE).split("__"), text)
    root = _Section(path="", content=content)
    if root.take("version", _text, "") != "2.0":
        raise AppError(f'{HOST_JSON}: version must be "2.0".')
    timeout = root.take("functionTimeout", _timeout, HostSettings().function_timeout)
    extensions = root.section("extensions")
    http = extensions.section("http")
    queues = extensions.section("queues")
    hubs = extensions.section("eventHubs")
    start = hubs.section("initialOffsetOptions")
    prefix = http.take("routePrefix", _text, HostSettings().route_prefix)
    return HostSettings(
        function_timeout=timeout,
        route_prefix=prefix.strip("/"),
        queues=_queue_settings_from(queues),
        hubs=_hub_settings_from(hubs, start),
        unknown=tuple(path for section in (root, extensions, http, queues, hubs, start) for path in section.rest()),
    )


def _with(content: Mapping[str, object], path: Sequence[str], text: str) -> dict[str, object]:
    """Give `content` with a value at `path`; a text of digits is a number, as the settings read it."""
    name, *deeper = path
    if deeper:
        inner = content.get(name)
        within: Mapping[str, object] = cast("dict[str, object]", inner) if isinstance(inner, dict) else {}
        return {**content, name: _with(within, deeper, text)}
    return {**content, name: int(text) if text.isdecimal() else text}


def _queue_settings_from(section: "_Section") -> QueueSettings:
    usual = QueueSettings()
    batch_size = section.take("batchSize", _whole(1, 32), usual.batch_size)
    return QueueSettings(
        batch_size=batch_size,
        new_batch_threshold=section.take("newBatchThreshold", _whole(0, 1000), batch_size // 2),
        max_dequeue_count=section.take("maxDequeueCount", _whole(1, 1000), usual.max_dequeue_count),
        visibility_timeout=section.take("visibilityTimeout", _duration, usual.visibility_timeout),
        max_polling_interval=section.take("maxPollingInterval", _polling, usual.max_polling_interval),
        message_encoding=section.take("messageEncoding", _encoding, usual.message_encoding),
    )


def _hub_settings_from(section: "_Section", start: "_Section") -> HubSettings:
    usual = HubSettings()
    return HubSettings(
        max_event_batch_size=section.take("maxEventBatchSize", _whole(1, 1000), usual.max_event_batch_size),
        batch_checkpoint_frequency=section.take(
            "batchCheckpointFrequency", _whole(1, 1000), usual.batch_checkpoint_frequency
        ),
        starts_at_end=start.take("type", _start, usual.starts_at_end),
    )


class _Section:
    """One object of host.json, from which known settings are taken; what is left is unknown."""

    def __init__(self, *, path: str, content: Mapping[str, object]) -> None:
        self._path = path
        self._left = {name: value for name, value in content.items() if path or name not in _IGNORED}

    def take[Value](self, name: str, read: Callable[[object], Value], otherwise: Value) -> Value:
        if name not in self._left:
            return otherwise
        value = self._left.pop(name)
        try:
            return read(value)
        except ValueError as error:
            raise AppError(f"{HOST_JSON}: {self._path}{name} is {value!r}: {error}.") from None

    def section(self, name: str) -> "_Section":
        return _Section(path=f"{self._path}{name}.", content=self.take(name, _object, {}))

    def rest(self) -> list[str]:
        return [f"{self._path}{name}" for name in self._left]


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError("it must be an object")  # noqa: TRY004 - one error for every wrong value
    return cast("dict[str, object]", value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("it must be a text")  # noqa: TRY004 - one error for every wrong value
    return value


def _whole(least: int, most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"it must be a whole number from {least} to {most}")
        return value

    return read


def _duration(value: object) -> timedelta:
    return timespan_from(_text(value))


def _polling(value: object) -> timedelta:
    interval = _duration(value)
    if interval < timedelta(milliseconds=100):
        raise ValueError("it must be at least 00:00:00.1")
    return interval


def _timeout(value: object) -> timedelta | None:
    if value == _UNLIMITED:
        return None
    timeout = _duration(value)
    if not timeout:
        raise ValueError(f"it must be longer than zero, or {_UNLIMITED} for no limit")
    return timeout


def _encoding(value: object) -> MessageEncoding:
    try:
        return MessageEncoding(_text(value).lower())
    except ValueError:
        raise ValueError("it must be base64 or none") from None


def _start(value: object) -> bool:
    kind = _text(value).lower()
    if kind not in {"fromstart", "fromend"}:
        raise ValueError("it must be fromStart or fromEnd; this host plays no fromEnqueuedTime")
    return kind == "fromend"
