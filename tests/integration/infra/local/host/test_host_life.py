"""How the host as a program begins and ends: what it refuses, how it stops, and storage that comes and goes."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.integration.infra.local.host.conftest import Launch
from tests.integration.infra.local.host.running import (
    Azurite,
    RunningHost,
    connection_string,
    free_ports,
    until,
    write_app,
)
from tests.integration.infra.local.host.sample_apps import SEEN, SLOW_TO_STOP
from tests.integration.infra.local.host.storage import leave_status, put, queues_in

pytestmark = pytest.mark.stack

KEYS = {"function": "function-key", "master": "master-key"}
NO_STORAGE: dict[str, str] = {}

TIMER = """
    import azure.functions as func
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", schedule="{schedule}", use_monitor=False)
    def sweep(timer: {annotation}) -> None: ...
"""
REFUSED = {
    "missing module": ("import azure.functions\nimport nothing_here", "No module named 'nothing_here'"),
    "cron": (
        TIMER.format(schedule="0 0 25 * * *", annotation="func.TimerRequest"),
        "Function sweep: its schedule '0 0 25",
    ),
    "annotation": (TIMER.format(schedule="0 * * * * *", annotation="str | None"), "cannot load the sweep function"),
    "exit": ("raise SystemExit(4)", "While it was imported, the app tried to end the process (4)"),
    "no app": (None, "There is no function_app.py in"),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory, launch: Launch) -> dict[str, RunningHost]:
    """Start them all at once: most of their time is import."""
    folder = tmp_path_factory.mktemp("refused")
    started: dict[str, RunningHost] = {}
    for name, (source, _) in REFUSED.items():
        app = write_app(folder / name, source or "")
        if source is None:
            (app / "function_app.py").unlink()
        started[name] = launch(app, NO_STORAGE)
    return started


class TestRefusals:
    @pytest.mark.parametrize("name", REFUSED)
    def test_an_app_that_cannot_be_played_ends_with_3_and_the_reason(
        self, refused: dict[str, RunningHost], name: str
    ) -> None:
        host = refused[name]
        assert host.wait_for_end(seconds=90) == (3, "")
        assert "The app can't be loaded." in host.log
        assert REFUSED[name][1] in host.log
        assert "sys.path" not in host.log
        assert "site-packages" not in host.log

    def test_wrong_keys_end_with_2(self, tmp_path: Path, launch: Launch) -> None:
        (tmp_path / "keys.json").write_text('{"function": "f"}')
        host = launch(write_app(tmp_path / "app", SEEN), NO_STORAGE, "--keys", str(tmp_path / "keys.json"))
        assert host.wait_for_end() == (2, "")
        assert "look at master" in host.log


class TestStopping:
    @pytest.fixture
    def app(self, tmp_path: Path) -> Path:
        (tmp_path / "keys.json").write_text(json.dumps(KEYS))
        return write_app(tmp_path / "app", SLOW_TO_STOP, {"extensions": {"http": {"routePrefix": ""}}})

    @staticmethod
    def settings(azurite: Azurite, tmp_path: Path) -> dict[str, str]:
        return {"AzureWebJobsStorage": azurite.connection_string, "AzureFunctionsWebHost__hostid": tmp_path.name}

    def test_a_clean_stop_lets_what_runs_finish_and_takes_nothing_new(
        self, app: Path, tmp_path: Path, azurite: Azurite, launch: Launch
    ) -> None:
        leave_status(azurite, tmp_path.name, "missed")
        keys = ("--keys", str(tmp_path / "keys.json"))
        host = launch(app, self.settings(azurite, tmp_path), *keys, "--quiet").wait_until_ready()
        assert "keys" not in host.ready
        url = host.ready["url"]
        until(lambda: httpx.get(f"{url}/seen/missed").json() == [True], why="the missed run")
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(httpx.get, f"{url}/wait/1.5")
            host.until_logged("sample: waiting")
            host.process.send_signal(signal.SIGTERM)
            until(lambda: self.is_refused(url), why="no more connections")
            assert not waiting.done()
            assert waiting.result().text == "waited"
        assert host.wait_for_end() == (0, "")
        assert [line for line in host.lines if "WARNING" not in line] == [], "--quiet keeps warnings and failures only"
        again = launch(app, self.settings(azurite, tmp_path)).wait_until_ready()
        until(lambda: "outage" in queues_in(azurite))
        assert again.client.get("/seen/missed").json() == [], "what was made up for isn't missed any more"
        again.interrupt()
        assert again.wait_for_end() == (0, "")
        assert again.lines[-1].endswith("INFO    host: stopping")

    @staticmethod
    def is_refused(url: str) -> bool:
        try:
            return httpx.get(f"{url}/seen/x").status_code == 503
        except httpx.ConnectError:
            return True

    def test_a_second_interrupt_ends_it_at_once(
        self, app: Path, tmp_path: Path, azurite: Azurite, launch: Launch
    ) -> None:
        host = launch(app, self.settings(azurite, tmp_path)).wait_until_ready()
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(httpx.get, f"{host.ready['url']}/wait/30")
            host.until_logged("sample: waiting")
            host.interrupt()
            host.until_logged("host: stopping")
            host.interrupt()
            assert host.wait_for_end(seconds=8) == (128 + signal.SIGINT, "")
            assert isinstance(waiting.exception(), httpx.HTTPError)


def test_storage_may_come_late_and_go_for_a_while(tmp_path: Path, launch: Launch) -> None:
    ports = free_ports("Blob", "Queue", "Table")
    app = write_app(tmp_path / "app", SLOW_TO_STOP)
    host = launch(app, {"AzureWebJobsStorage": connection_string(ports)}).wait_until_ready()
    host.until_logged("WARNING host.storage: queues of AzureWebJobsStorage: away, trying on")
    late = Azurite.start(tmp_path, ports)
    host.until_logged("queues of AzureWebJobsStorage: back")
    until(lambda: "outage" in queues_in(late))
    put(late, "outage", "before")
    until(lambda: host.seen("work") == ["before"])
    late.stop()
    until(lambda: count_of(host, "queues of AzureWebJobsStorage: away") == 2)
    again = Azurite.start(tmp_path, ports)
    try:
        until(lambda: count_of(host, "queues of AzureWebJobsStorage: back") == 2)
        until(lambda: "outage" in queues_in(again), why="the queue that was lost is made again")
        put(again, "outage", "after")
        until(lambda: host.seen("work") == ["before", "after"])
        host.interrupt()
        assert host.wait_for_end() == (0, "")
        assert count_of(host, "queues of AzureWebJobsStorage: away") == 2, "one line an outage"
    finally:
        again.stop()


def count_of(host: RunningHost, text: str) -> int:
    return sum(text in line for line in host.lines)
