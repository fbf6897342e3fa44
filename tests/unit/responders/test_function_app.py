"""What the Functions host is told when it loads the app: one that fails to load has no functions, and says little."""

import importlib.util
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from typing import Any, Final, cast

import azure.functions as func
import pytest
from azure.functions.decorators.core import BindingDirection

import responders.app
import shared.runtime
from infra.local.host.schedules import schedule_from
from infra.local.stack import OF_THE_INSTANCE, REPOSITORY
from shared.clients.storage_names import QUEUES
from shared.model.app_settings import SCHEDULES
from shared.model.errors import SettingsError, Unreachable
from shared.respond.components import Runtime
from tests.fakes.clock import NOW
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import SETTINGS, bench
from tests.fakes.spoilt_storage import SpoiltStorage

type Bindings = dict[str, dict[str, Any]]

_HTTP: Final[dict[str, tuple[str, set[str]]]] = {
    "list_cases": ("cases", {"GET"}),
    "read_case": ("cases/{case}", {"GET"}),
    "acknowledge_case": ("cases/{case}/acknowledge", {"POST"}),
    "take_case_back": ("cases/{case}/take-back", {"POST"}),
    "note_case": ("cases/{case}/notes", {"POST"}),
    "classify_case": ("cases/{case}/classification", {"PUT"}),
    "show_containment": ("cases/{case}/containment", {"GET"}),
    "contain_case": ("cases/{case}/containment", {"POST"}),
    "release_case": ("cases/{case}/release", {"POST"}),
    "show_act": ("cases/{case}/acts/{act}", {"GET"}),
    "do_act": ("cases/{case}/acts/{act}", {"POST"}),
    "show_restore": ("objects/{tenant}/{kind}/{key}/restore", {"GET"}),
    "do_restore": ("objects/{tenant}/{kind}/{key}/restore", {"POST"}),
    "read_modes": ("modes", {"GET"}),
    "set_mode": ("modes/{detection}", {"PUT"}),
    "set_kill_switch": ("kill-switch", {"PUT"}),
    "show_health": ("health", {"GET"}),
    "examine": ("doctor", {"GET", "POST"}),
    "console": ("console", {"GET", "POST"}),
    "console_page": ("console/{*rest}", {"GET", "POST"}),
    "open_case": ("open/{case}", {"GET"}),
    "show_posture": ("posture", {"GET", "POST"}),
    "show_reach": ("reach/{test}", {"GET", "POST"}),
    "hear_pagerduty": ("emergency/pagerduty", {"POST"}),
    "emergencies": ("emergency", {"GET", "POST"}),
    "emergency": ("emergency/{*rest}", {"GET", "POST"}),
}
_TIMERS: Final = {
    "poll_directory_audits": "%AUDIT_POLL_SCHEDULE%",
    "poll_sign_ins": "%SIGN_IN_POLL_SCHEDULE%",
    "backfill_directory_audits": "10 */15 * * * *",
    "backfill_sign_ins": "40 */15 * * * *",
    "take_snapshots": "%SNAPSHOT_SCHEDULE%",
    "sweep_rosters": "%ROSTER_SCHEDULE%",
    "purge_old_data": "0 10 4 * * *",
    "keep_lists": "0 10 4 * * *",
    "count_in_log_analytics": "45 */10 * * * *",
    "resume_cases": "%RESUME_SCHEDULE%",
    "report_night": "%NOON_SCHEDULE%",
    "look_at_posture": "0 40 5 * * *",
    "try_owners": "%REACH_SCHEDULE%",
}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Generator[Callable[..., func.FunctionApp]]:
    """Load function_app.py as the host does, with these changes to settings that are right."""

    def loaded(**changes: str) -> func.FunctionApp:
        for name, value in {**SETTINGS, **changes}.items():
            monkeypatch.setenv(name, value)
        responders.app.settings.cache_clear()
        spec = importlib.util.spec_from_file_location("loaded_function_app", REPOSITORY / "function_app.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        app: func.FunctionApp = module.app
        return app

    yield loaded
    responders.app.settings.cache_clear()


def _triggers(app: func.FunctionApp) -> Bindings:
    """Give each function's trigger, as the worker tells it to the host."""
    found: Bindings = {}
    for function in app.get_functions():
        described = json.loads(function.get_function_json())
        (trigger,) = [one for one in described["bindings"] if one["type"].lower().endswith("trigger")]
        assert trigger["direction"] == BindingDirection.IN.name
        name = str(function.get_function_name())
        assert name not in found
        found[name] = trigger
    return found


def test_loading_the_app_gives_exactly_these_functions(load: Callable[..., func.FunctionApp]) -> None:
    kinds = {name: trigger["type"] for name, trigger in _triggers(load()).items()}
    assert kinds == {
        "subscription_events": "queueTrigger",
        "answer_case": "queueTrigger",
        **dict.fromkeys(_TIMERS, "timerTrigger"),
        **dict.fromkeys(_HTTP, "httpTrigger"),
    }


def test_each_timer_has_its_schedule_or_names_the_setting_of_it(load: Callable[..., func.FunctionApp]) -> None:
    triggers = _triggers(load())
    assert {name: triggers[name]["schedule"] for name in _TIMERS} == _TIMERS
    assert {schedule.strip("%") for schedule in _TIMERS.values() if schedule.startswith("%")} == SCHEDULES.keys()


@pytest.mark.parametrize("timer", _TIMERS)
def test_the_schedules_are_ones_that_the_host_understands(timer: str) -> None:
    schedule = _TIMERS[timer]
    assert schedule_from(SCHEDULES.get(schedule.strip("%"), schedule), now=NOW).next_after(NOW) > NOW


def test_no_timer_runs_when_the_app_starts(load: Callable[..., func.FunctionApp]) -> None:
    """Each restart and each scaled-out instance would run it once more."""
    triggers = _triggers(load())
    for name in _TIMERS:
        assert not triggers[name].get("runOnStartup", False)
        assert triggers[name].get("useMonitor", True), "the host then makes up for ticks that were missed"


_OPEN_TO_ALL: Final = {
    "console",
    "console_page",
    "open_case",
    "show_reach",
    "hear_pagerduty",
    "emergencies",
    "emergency",
}
"""Pages that people sign in for, and what checks who calls itself."""


def test_every_http_function_asks_for_a_key_but_those_that_know_who_comes_without(
    load: Callable[..., func.FunctionApp],
) -> None:
    triggers = _triggers(load())
    for name, (route, methods) in _HTTP.items():
        assert triggers[name]["route"] == route
        assert set(triggers[name]["methods"]) == methods
        assert triggers[name]["authLevel"].upper() == ("ANONYMOUS" if name in _OPEN_TO_ALL else "FUNCTION")


def test_each_queue_has_its_function(load: Callable[..., func.FunctionApp]) -> None:
    triggers = _triggers(load())
    queues = {name: trigger["queueName"] for name, trigger in triggers.items() if "queueName" in trigger}
    assert queues == {"answer_case": "cases", "subscription_events": "resource-events"}
    assert sorted(queues.values()) == sorted(QUEUES)
    assert {triggers[name]["connection"] for name in queues} == {"AzureWebJobsStorage"}


def test_events_come_as_bytes_since_the_host_refuses_a_text_that_is_not_utf_8(
    load: Callable[..., func.FunctionApp],
) -> None:
    assert _triggers(load())["subscription_events"]["dataType"] == "BINARY"


_STREAM: Final = {
    "AUDIT_STREAM_HUB": "directory-logs",
    "AUDIT_STREAM__fullyQualifiedNamespace": "evhns.servicebus.windows.net",
}


def test_the_audit_stream_has_its_function_where_a_hub_is_set(load: Callable[..., func.FunctionApp]) -> None:
    functions = {str(one.get_function_name()): one for one in load(**_STREAM).get_functions()}
    function = functions["audit_stream"]
    (trigger,) = json.loads(function.get_function_json())["bindings"]
    assert trigger == {
        "direction": BindingDirection.IN.name,
        "type": "eventHubTrigger",
        "name": "batch",
        "connection": "AUDIT_STREAM",
        "eventHubName": "%AUDIT_STREAM_HUB%",
        "consumerGroup": "responder",
        "cardinality": "MANY",
        "dataType": "BINARY",
    }
    retry = cast("dict[str, object]", function.get_settings_dict("retry_policy"))
    assert retry["max_retry_count"] == "-1", "the checkpoint moves past a batch when its retries are over"


def test_the_stream_begins_at_its_start_and_each_batch_has_its_checkpoint() -> None:
    hubs = json.loads((REPOSITORY / "host.json").read_text())["extensions"]["eventHubs"]
    assert hubs["initialOffsetOptions"] == {"type": "fromStart"}
    assert hubs["batchCheckpointFrequency"] == 1


def test_a_hub_without_its_namespace_stops_the_app(load: Callable[..., func.FunctionApp]) -> None:
    with pytest.raises(SettingsError, match="AUDIT_STREAM__fullyQualifiedNamespace is missing"):
        load(AUDIT_STREAM_HUB="directory-logs")


def test_messages_are_encoded_as_the_host_is_told_and_tried_more_than_once() -> None:
    queues = json.loads((REPOSITORY / "host.json").read_text())["extensions"]["queues"]
    assert queues["messageEncoding"] == "base64"
    assert queues["maxDequeueCount"] >= 3


def test_an_instance_takes_as_many_messages_as_it_has_threads_for() -> None:
    """More would wait inside the worker, where nobody else can take them; timers and pages need threads besides."""
    queues = json.loads((REPOSITORY / "host.json").read_text())["extensions"]["queues"]
    threads = int(OF_THE_INSTANCE["PYTHON_THREADPOOL_THREAD_COUNT"])
    assert threads / 2 <= queues["batchSize"] + queues["newBatchThreshold"] <= threads - len(QUEUES)


def test_a_wrong_setting_stops_the_app_with_every_problem(load: Callable[..., func.FunctionApp]) -> None:
    with pytest.raises(SettingsError) as raised:
        load(WORKFORCE_TENANT_ID="contoso", LEASE_SECONDS="soon")
    assert len(raised.value.problems) >= 2


def test_loading_the_app_imports_no_sdk_no_content_and_connects_to_nothing() -> None:
    """The host waits for this before it knows of any function."""
    sdks = ("azure.data", "azure.storage", "azure.identity", "msgraph", "httpx")
    slow = (
        *sdks,
        "responders.catalogue",
        "responders.detections",
        "responders.kinds",
        "shared.console",
        "shared.detect.fields",
    )
    code = f"import sys, function_app; print([name for name in sys.modules if name.startswith({slow})])"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True, env={**SETTINGS}
    )
    assert ran.stdout.strip() == "[]"


_NOT_RESOLVED: Final = "@Microsoft.KeyVault(VaultName=kv;SecretName=the-secret)"


_LOST: Final = pytest.mark.parametrize(
    "lost", [("TEAMS_WEBHOOK_URL",), ("TEAMS_WEBHOOK_URL", "PAGERDUTY_ROUTING_KEY")], ids=["one channel", "both"]
)


@_LOST
def test_a_secret_that_stayed_in_its_vault_does_not_stop_the_app(
    load: Callable[..., func.FunctionApp], lost: tuple[str, ...]
) -> None:
    assert _triggers(load(**dict.fromkeys(lost, _NOT_RESOLVED)))


@_LOST
def test_it_is_said_when_the_first_function_runs_since_the_host_drops_what_is_logged_before(
    memory: MemoryStorage,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    lost: tuple[str, ...],
) -> None:
    settings: dict[str, Any] = dict.fromkeys(lost, _NOT_RESOLVED)
    _in_place(monkeypatch, bench(memory, **settings).runtime)
    responders.app.runtime.take()
    responders.app.runtime()
    responders.app.runtime.take()
    for name in lost:
        assert f"{name} didn't resolve (secret the-secret)" in caplog.text
    errors = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert bool(errors) is (len(lost) == 2), errors


def _in_place(monkeypatch: pytest.MonkeyPatch, runtime: Runtime) -> None:
    """Have the app make this machine, with its settings."""

    def made(*_: object, **__: object) -> Runtime:
        return runtime

    monkeypatch.setattr(responders.app, "settings", lambda: runtime.settings)
    monkeypatch.setattr(shared.runtime, "build_runtime", made)


def test_people_are_told_of_it_over_what_is_left_once_a_day(
    memory: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bench(memory, PAGERDUTY_ROUTING_KEY="@Microsoft.KeyVault(VaultName=kv;SecretName=the-secret)")
    _in_place(monkeypatch, made.runtime)
    for _ in range(2):
        responders.app.runtime.take()
        responders.app.runtime()
    responders.app.runtime.take()
    (system_notice,) = made.teams.system_notices
    assert "PAGERDUTY_ROUTING_KEY" in system_notice.text
    assert "the-secret" in system_notice.what_to_do


def test_that_it_could_not_be_told_does_not_stop_the_app(
    memory: MemoryStorage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    storage = SpoiltStorage(memory)
    made = bench(storage, PAGERDUTY_ROUTING_KEY="@Microsoft.KeyVault(VaultName=kv;SecretName=the-secret)")
    storage.faults.fail("insert Outbox")
    _in_place(monkeypatch, made.runtime)
    responders.app.runtime.take()
    assert responders.app.runtime() is made.runtime
    responders.app.runtime.take()
    assert "people could not be notified" in caplog.text


def test_the_libraries_that_tell_of_each_request_are_quiet(load: Callable[..., func.FunctionApp]) -> None:
    for name in ("azure.core.pipeline.policies.http_logging_policy", "msal", "httpx", "httpcore.http11"):
        logging.getLogger(name.partition(".")[0]).setLevel(logging.NOTSET)
        load()
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)
        assert logging.getLogger(name).isEnabledFor(logging.WARNING)


def test_the_host_keeps_what_the_alerts_read_and_leaves_out_what_nobody_does() -> None:
    levels = json.loads((REPOSITORY / "host.json").read_text())["logging"]["logLevel"]
    assert levels == {"default": "Warning", "Host.Results": "Information", "Function": "Information"}


def test_functions_that_all_start_at_once_share_one_runtime(
    memory: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a cold start the worker calls several functions at the same moment, each on a thread of its own."""
    made, builds = bench(memory).runtime, 0
    got: list[Runtime] = []
    others = [threading.Thread(target=lambda: got.append(responders.app.runtime())) for _ in range(5)]

    def build(*_: object, **__: object) -> Runtime:
        nonlocal builds
        builds += 1
        if builds == 1:
            for other in others:
                other.start()
            others[0].join(timeout=0.1)
        return made

    monkeypatch.setattr(responders.app, "settings", lambda: made.settings)
    monkeypatch.setattr(shared.runtime, "build_runtime", build)
    responders.app.runtime.take()
    got.append(responders.app.runtime())
    for other in others:
        other.join()
    responders.app.runtime.take()
    assert builds == 1
    assert all(one is made for one in got)


def test_a_runtime_that_could_not_be_built_is_built_by_the_next_function(
    memory: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bench(memory).runtime
    builds: list[Runtime | Unreachable] = [made, Unreachable("storage gave no answer")]

    def build(*_: object, **__: object) -> Runtime:
        built = builds.pop()
        if isinstance(built, Unreachable):
            raise built
        return built

    monkeypatch.setattr(responders.app, "settings", lambda: made.settings)
    monkeypatch.setattr(shared.runtime, "build_runtime", build)
    responders.app.runtime.take()
    with pytest.raises(Unreachable):
        responders.app.runtime()
    assert responders.app.runtime() is made
    responders.app.runtime.take()
