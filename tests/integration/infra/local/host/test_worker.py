"""The worker's process: how long it may take to start, what ends it, how many functions it runs at once."""

import json
import os
import signal
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.integration.infra.local.host.conftest import Launch
from tests.integration.infra.local.host.running import Azurite, RunningHost, until, write_app
from tests.integration.infra.local.host.sample_apps import WORKING
from tests.integration.infra.local.host.storage import messages_in, put, queues_in

pytestmark = pytest.mark.stack

HASTY = {"functionTimeout": "00:00:03", "extensions": {"queues": {"maxPollingInterval": "00:00:00.2"}}}


@pytest.fixture
def host(tmp_path: Path, azurite: Azurite, launch: Launch) -> Iterator[RunningHost]:
    """Start a host for one test: two would take each other's messages."""
    settings = {"AzureWebJobsStorage": azurite.connection_string}
    host = launch(write_app(tmp_path / "app", WORKING, HASTY), settings).wait_until_ready()
    yield host
    host.close()


@contextmanager
def asked_for(host: RunningHost, *paths: str) -> Generator[list[int]]:
    """Ask for all of them at the same time; the statuses are there when the context ends."""
    statuses: list[int] = []
    url = host.ready["url"]
    with ThreadPoolExecutor(max_workers=len(paths)) as pool:
        asked = [pool.submit(httpx.get, f"{url}/api/{path}", timeout=60) for path in paths]
        yield statuses
        statuses += [each.result().status_code for each in asked]


def process_of(host: RunningHost) -> int:
    return int(host.client.get("/api/process", timeout=60).text)


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # A child that has ended stays in the list until its parent has asked how.
    return "Z" not in Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]


class TestStart:
    def test_an_app_that_takes_too_long_has_no_functions(self, tmp_path: Path, launch: Launch) -> None:
        app = write_app(tmp_path / "app", f"import time\ntime.sleep(60)\n{WORKING}".replace("\n    ", "\n"))
        host = launch(app, {}, "--start-limit", "1.5")
        assert host.wait_for_end(seconds=20) == (3, "")
        assert "It took longer than 1.5 s to initialise, so Azure would give up on it" in host.log

    def test_an_app_that_ends_the_process_is_told(self, tmp_path: Path, launch: Launch) -> None:
        host = launch(write_app(tmp_path / "app", "import os\nos._exit(5)"), {})
        assert host.wait_for_end(seconds=20) == (3, "")
        assert "While it was imported, the worker's process ended by itself (5)." in host.log


class TestEnd:
    def test_a_run_longer_than_function_timeout_ends_everything_that_runs(self, host: RunningHost) -> None:
        before = process_of(host)
        with asked_for(host, "wait/3600", "wait/3600") as statuses:
            time.sleep(1)
            with asked_for(host, "wait/3600") as later:
                pass
        assert statuses == [500, 500]
        assert later == [500], "it had two seconds left, and went with the others"
        host.until_logged(r"host: wait .* failed in [34]\d\d\d ms: it ran longer than functionTimeout, 0:00:03")
        host.until_logged(
            r"host: wait .* failed in [12]\d\d\d ms: wait ran longer than .*, which ends the whole worker"
        )
        assert process_of(host) != before
        assert not is_running(before)
        host.until_logged("host.worker: the worker is back")

    def test_a_coroutine_that_blocks_the_whole_worker_is_ended_too(self, host: RunningHost) -> None:
        with asked_for(host, "block") as statuses:
            pass
        assert statuses == [500]
        assert process_of(host)

    def test_a_message_whose_run_was_ended_comes_again(self, host: RunningHost, azurite: Azurite) -> None:
        until(lambda: "hung" in queues_in(azurite))
        put(azurite, "hung", "one")
        host.until_logged("sample: hung try 2", seconds=90.0)
        host.until_logged("host: hung queue=hung try=2 .*: ok")
        assert messages_in(azurite, "hung") == []

    def test_an_app_that_ends_its_process_gets_another(self, host: RunningHost) -> None:
        before = process_of(host)
        assert host.client.get("/api/leave").status_code == 500
        host.until_logged(r"host: leave .*: the worker's process ended by itself \(7\)")
        assert process_of(host) != before

    def test_it_ends_with_the_host_however_that_ends(self, host: RunningHost) -> None:
        worker = process_of(host)
        with pytest.raises(httpx.HTTPError), asked_for(host, "wait/60"):
            host.process.send_signal(signal.SIGKILL)
        until(lambda: not is_running(worker), why="the worker's end")


class TestThreads:
    @pytest.mark.parametrize(("setting", "most"), [({}, 5), ({"PYTHON_THREADPOOL_THREAD_COUNT": "2"}, 2)])
    def test_as_many_functions_run_at_once_as_on_an_instance_with_one_core(
        self, tmp_path: Path, azurite: Azurite, launch: Launch, setting: dict[str, str], most: int
    ) -> None:
        settings = {"AzureWebJobsStorage": azurite.connection_string, **setting}
        host = launch(write_app(tmp_path / "app", WORKING), settings).wait_until_ready()
        url = host.ready["url"]
        # One that is left would take the messages of the next test's host.
        with closing(host), ThreadPoolExecutor(max_workers=7) as pool:
            runs = [pool.submit(httpx.get, f"{url}/api/wait/0.7", timeout=60) for _ in range(7)]
        spans: list[list[float]] = [json.loads(run.result().text) for run in runs]
        at_once = max(sum(began <= each[0] < ended for began, ended in spans) for each in spans)
        assert at_once == most
