"""The host put together: loads the app, plays its triggers until told to stop, and stops cleanly."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

from infra.local.host.auth_settings import AuthSettings
from infra.local.host.authentication import Authentication
from infra.local.host.connections import is_connected
from infra.local.host.functions import Function, function_from
from infra.local.host.host_json import HOST_JSON, HostSettings, host_settings_from
from infra.local.host.http_trigger import HttpFunction, HttpTriggers, http_function_from
from infra.local.host.hub_listener import HubListener
from infra.local.host.hubs import Checkpoints, LocalHub, hub_of
from infra.local.host.instances import InstanceSets, Scaling
from infra.local.host.invocations import Invocations
from infra.local.host.keys import Keys
from infra.local.host.outputs import DEFAULT_CONNECTION, Outputs, connection_of
from infra.local.host.queue_listener import QueueListener
from infra.local.host.server import HOST, RunByHand, Server, bind, largest_body
from infra.local.host.storage import Accounts
from infra.local.host.timer_listener import TimerListener, is_monitored, timer_schedule_of
from infra.local.host.timer_status import BlobTimerMonitor, host_id
from infra.local.host.worker import Worker

_log = logging.getLogger("host")
_YES = ("true", "1")
_RETRIED = ("timerTrigger", "eventHubTrigger")
"""The triggers whose functions the host runs again by the function's own policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What is known once the host answers."""

    url: str
    functions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the host behaves: what may be set for a test, with the values of a Flex Consumption app."""

    start_limit: timedelta = timedelta(seconds=30)
    """How long the app may take to initialise. Azure gives it no longer on Flex Consumption."""
    grace: timedelta = timedelta(seconds=10)
    """How long running functions may go on once the host was told to stop."""
    hide_messages: timedelta | None = None
    """How long a message is hidden while its function runs, and so after a crash; None for ten minutes."""
    authentication: AuthSettings | None = None
    """How App Service authentication stands in front of the app; None when it is off."""
    scaling: Scaling | None = None
    """How instances of the functions come and go; None when all are always there."""
    is_quiet: bool = False
    """Whether only warnings and failures are said."""


USUAL = Options()


class Host:
    """Plays the functions of one loaded app."""

    def __init__(self, *, app: Path, settings: HostSettings, keys: Keys, worker: Worker, options: Options) -> None:
        self._app = app
        self._settings = settings
        self._keys = keys
        self._grace = options.grace.total_seconds()
        self._authentication = (
            Authentication(options.authentication, secret=keys.master) if options.authentication else None
        )
        self._accounts = Accounts(os.environ.get)
        self._outputs = Outputs(accounts=self._accounts, encoding=settings.queues.message_encoding)
        self._instances = InstanceSets(options.scaling)
        self._invocations = Invocations(
            worker=worker, outputs=self._outputs, timeout=settings.function_timeout, instances=self._instances
        )
        self._monitor: BlobTimerMonitor | None = None
        self._listeners: list[Callable[[], Coroutine[object, object, None]]] = []
        self._http: list[HttpFunction] = []
        self._by_hand: dict[str, RunByHand] = {}
        self.stopping = asyncio.Event()

    def add(self, function: Function) -> None:
        """Make ready to play a function.

        Raises:
            AppError: something in its bindings can't be.
        """
        unplayed = [*self._outputs.prepare(function), *(f"{it.type} input {it.name}" for it in function.inputs)]
        if unplayed:
            _log.warning("%s: not played, runs that need it will fail: %s", function.name, ", ".join(unplayed))
        if os.environ.get(f"AzureWebJobs.{function.name}.Disabled", "").lower() in _YES:
            _log.warning("%s is disabled by an app setting", function.name)
            return
        if function.retry and function.trigger.type not in _RETRIED:
            _log.warning("%s: its retry policy has no effect on a %s", function.name, function.trigger.type)
        match function.trigger.type:
            case "timerTrigger":
                self._add_timer(function)
            case "queueTrigger":
                self._add_queue(function)
            case "eventHubTrigger":
                self._add_hub(function)
            case "httpTrigger":
                self._http.append(http_function_from(function, self._settings.route_prefix))
            case other:
                _log.warning("%s is loaded but never run: this host doesn't play the %s", function.name, other)

    def never_ready(self, functions: Iterable[Function]) -> list[str]:
        """Give what is to be always ready and isn't there."""
        return self._instances.unknown(functions)

    def _add_timer(self, function: Function) -> None:
        now = datetime.now(UTC)
        schedule = timer_schedule_of(function, now)
        listener = TimerListener(
            function=function,
            schedule=schedule,
            invocations=self._invocations,
            monitor=self._timer_monitor(function) if is_monitored(function, schedule, now) else None,
            stopping=self.stopping,
        )
        self._listeners.append(listener.listen)
        self._by_hand[function.name] = lambda _text: listener.run_once()

    def _timer_monitor(self, function: Function) -> BlobTimerMonitor | None:
        if not is_connected(DEFAULT_CONNECTION, os.environ.get):
            _log.warning("%s: without %s its last run isn't kept", function.name, DEFAULT_CONNECTION)
            return None
        if self._monitor is None:
            self._monitor = BlobTimerMonitor(self._accounts.blobs(DEFAULT_CONNECTION), host=host_id(self._app))
        return self._monitor

    def _add_queue(self, function: Function) -> None:
        listener = QueueListener(
            function=function,
            queues=self._accounts.queues(connection_of(function.trigger)),
            settings=self._settings.queues,
            invocations=self._invocations,
            instances=self._instances.of(function),
            stopping=self.stopping,
        )
        self._listeners.append(listener.listen)
        self._by_hand[function.name] = listener.run_once

    def _add_hub(self, function: Function) -> None:
        place = hub_of(function.trigger, os.environ.get)
        listener = HubListener(
            function=function,
            hub=LocalHub(self._accounts.blobs(DEFAULT_CONNECTION), place.hub),
            checkpoints=Checkpoints(self._accounts.blobs(DEFAULT_CONNECTION), place),
            settings=self._settings.hubs,
            invocations=self._invocations,
            stopping=self.stopping,
        )
        self._listeners.append(listener.listen)

    async def run(self, listening: socket.socket, ready: Callable[[], None]) -> tuple[str, ...]:
        """Play until told to stop; give the names of the functions that were cut off."""
        server = Server(
            http=HttpTriggers(functions=self._http, keys=self._keys, invocations=self._invocations),
            by_hand=self._by_hand,
            authentication=self._authentication,
            keys=self._keys,
            stopping=self.stopping,
            largest_body=largest_body(os.environ.get),
        )
        await server.start(listening)
        ready()
        tasks = [asyncio.create_task(listen()) for listen in self._listeners]
        for task in tasks:
            task.add_done_callback(_log_failure)
        await self.stopping.wait()
        _log.info("stopping")
        await server.stop()
        await asyncio.wait([*tasks, asyncio.create_task(self._invocations.wait_until_idle())], timeout=self._grace)
        cut_off = self._invocations.running
        await server.close()
        await self._accounts.close()
        return cut_off


def _log_failure(listening: asyncio.Task[None]) -> None:
    """A listener ends when the host stops; an error in it is one of the host's own, and its function is dead."""
    if not listening.cancelled() and (error := listening.exception()):
        _log.error("a trigger isn't played any more: %r", error, exc_info=error)


async def run_host(
    *, app: Path, port: int, keys: Keys, announce: Callable[[Ready], None], options: Options = USUAL
) -> None:
    """Load the app and play it until SIGINT or SIGTERM; a second one ends the process at once.

    Raises:
        SettingsError: the port is taken.
        AppError: the app can't be loaded or played.
    """
    settings = host_settings_from(app, os.environ)
    if options.hide_messages is not None:
        settings = replace(settings, queues=replace(settings.queues, hidden_for=options.hide_messages))
    listening = bind(port)
    address = f"{HOST}:{listening.getsockname()[1]}"
    os.environ.setdefault("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
    os.environ.setdefault("AzureWebJobsScriptRoot", str(app))
    os.environ.setdefault("WEBSITE_HOSTNAME", address)
    # The platform's to say, whatever the settings claim.
    os.environ["WEBSITE_AUTH_ENABLED"] = str(options.authentication is not None)
    worker = Worker(app, start_limit=options.start_limit, is_quiet=options.is_quiet)
    functions = _in_order(function_from(metadata, os.environ.get) for metadata in await worker.load())
    for path in settings.unknown:
        _log.warning("%s: %s isn't played by this host", HOST_JSON, path)
    host = Host(app=app, settings=settings, keys=keys, worker=worker, options=options)
    for function in functions:
        host.add(function)
    for name in host.never_ready(functions):
        _log.warning("%s is to be always ready, but there is no such function", name)
    _stop_on_signals(host.stopping)
    ready = Ready(url=f"http://{address}", functions=tuple(function.name for function in functions))
    cut_off = await host.run(listening, lambda: announce(ready))
    if cut_off:
        _log.warning("cut off after %.0f s: %s", options.grace.total_seconds(), ", ".join(cut_off))
    await worker.close()


def _in_order(functions: Iterable[Function]) -> tuple[Function, ...]:
    return tuple(sorted(functions, key=lambda function: function.name))


def _stop_on_signals(stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    asked: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        if asked:
            os._exit(128 + number)
        asked.append(number)
        loop.call_soon_threadsafe(stopping.set)

    # Not the loop's own handlers: these work even while the loop is blocked.
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
