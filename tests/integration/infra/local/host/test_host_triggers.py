"""The host as a program over one app with every kind of trigger: real HTTP, a real Azurite."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.integration.infra.local.host.conftest import Launch
from tests.integration.infra.local.host.running import Azurite, RunningHost, until, write_app
from tests.integration.infra.local.host.sample_apps import EVERYTHING, EVERYTHING_HOST
from tests.integration.infra.local.host.storage import HOUR, kept_status, leave_status, messages_in, put, queues_in

pytestmark = pytest.mark.stack

HOST_ID = "everything"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, azurite: Azurite, launch: Launch) -> RunningHost:
    app = write_app(tmp_path_factory.mktemp("everything") / "app", EVERYTHING, EVERYTHING_HOST)
    leave_status(azurite, HOST_ID, "missed")
    settings = {
        "AzureWebJobsStorage": azurite.connection_string,
        "STORE": azurite.connection_string,
        "EVERY_SECOND": "*/1 * * * * *",
        "GREETING": "from the file",
        "AzureFunctionsWebHost__hostid": HOST_ID,
        "AzureWebJobs.switched_off.Disabled": "true",
        "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "100000",
    }
    return launch(app, settings, environment={"GREETING": "from the environment"}).wait_until_ready()


class TestReady:
    def test_one_line_of_json_says_where_what_and_with_which_keys(self, host: RunningHost) -> None:
        assert host.ready["ready"] is True
        assert set(host.ready) == {"ready", "url", "functions", "keys"}
        assert host.ready["url"].startswith("http://127.0.0.1:")
        assert host.ready["functions"] == sorted(host.ready["functions"])
        assert {"tick", "work", "order", "stream"} <= set(host.ready["functions"])
        assert set(host.ready["keys"]) == {"function", "host", "master"}

    def test_the_environment_wins_over_the_settings_file_and_the_app_writes_on_stderr(self, host: RunningHost) -> None:
        assert "INFO    sample: imported with from the environment" in host.log
        assert "printed while imported" in host.log

    def test_the_app_is_told_where_it_is(self, host: RunningHost) -> None:
        address, folder, environment = host.seen("told")
        assert host.ready["url"] == f"http://{address}"
        assert Path(folder) == host.log_file.parent / "app"
        assert environment == "Development"

    def test_a_disabled_function_is_not_run(self, host: RunningHost) -> None:
        assert host.client.get("/api/switched_off").status_code == 404
        assert "WARNING host: switched_off is disabled by an app setting" in host.log

    def test_says_once_what_it_does_not_play(self, host: RunningHost) -> None:
        warnings = [line for line in host.lines if " WARNING host: " in line]
        for expected in (
            "host.json: extensions.blobs isn't played",
            "stream is loaded but never run: this host doesn't play the blobTrigger",
            "unplayed: not played, runs that need it will fail: table output row",
        ):
            assert len([line for line in warnings if expected in line]) == 1
        assert not [line for line in warnings if "logging" in line]


class TestTimers:
    def test_a_timer_runs_when_its_schedule_says_which_a_setting_may_hold(self, host: RunningHost) -> None:
        ticks = until(lambda: seen if len(seen := host.seen("tick")) >= 2 else None, why="two ticks")
        assert len({int(began) for began, _, _ in ticks}) == len(ticks), "once a second at most"
        assert all((past_due, status) == (False, {}) for _, past_due, status in ticks)

    def test_a_timer_never_overlaps_itself(self, host: RunningHost) -> None:
        runs = until(lambda: seen if len(seen := host.seen("slow")) >= 2 else None, why="two slow runs")
        assert all(ended <= began for (_, ended), (began, _) in pairwise(runs))

    def test_run_on_startup_runs_once_at_start(self, host: RunningHost) -> None:
        assert until(lambda: host.seen("at_start")) == [False]

    def test_a_missed_run_is_made_up_for_once_and_noted(self, host: RunningHost, azurite: Azurite) -> None:
        [[past_due, status]] = until(lambda: host.seen("missed"))
        assert past_due is True
        assert datetime.fromisoformat(status["Next"]) < datetime.now(UTC) - 3 * HOUR
        until(lambda: kept_status(azurite, HOST_ID, "missed")["Next"] > datetime.now(UTC))
        assert kept_status(azurite, HOST_ID, "missed")["Last"] > datetime.now(UTC) - timedelta(minutes=2)
        assert "host: missed timer past due: ok in" in host.log

    def test_a_retry_policy_is_followed(self, host: RunningHost) -> None:
        host.until_logged("host: failing timer at start retry=2: failed in .* ms: ValueError: this always fails")
        assert host.seen("failing") == [[0, 0], [1, 2], [2, 2]]


class TestQueues:
    def test_a_message_is_worked_on_and_what_comes_out_goes_on(self, host: RunningHost, azurite: Azurite) -> None:
        until(lambda: "work" in queues_in(azurite))
        put(azurite, "work", '{"good": 1}')
        until(lambda: {'{"GOOD": 1}', "and more"} <= set(host.seen("done")))
        [[_, tries, message_id, inserted, expires]] = [seen for seen in host.seen("work") if "good" in seen[0]]
        assert tries == 1
        assert abs(datetime.fromisoformat(inserted) - datetime.now(UTC)) < timedelta(minutes=1)
        assert datetime.fromisoformat(expires) > datetime.now(UTC)
        host.until_logged(f"host: work queue=work try=1 id={message_id}: ok in")

    def test_a_message_that_keeps_failing_goes_to_the_poison_queue(self, host: RunningHost, azurite: Azurite) -> None:
        until(lambda: "work" in queues_in(azurite))
        put(azurite, "work", "bad one")
        host.until_logged("goes to work-poison: it was tried 2 times")
        until(lambda: "work-poison" in queues_in(azurite))
        assert until(lambda: messages_in(azurite, "work-poison")) == ["bad one"]
        assert [seen[1] for seen in host.seen("work") if seen[0] == "bad one"] == [1, 2]
        reason = r"RuntimeError: can't work on this \(function_app.py:\d+\)"
        host.until_logged(rf"work queue=work try=2 .* failed in \d+ ms: {reason}")


class TestHttp:
    def test_a_function_gets_the_request_and_gives_the_answer(self, host: RunningHost) -> None:
        answer = host.client.post("/API/Orders/7/items/?q=1&q=2&r=%C3%A9", content="body", headers={"X-Test": "told"})
        assert answer.status_code == 203
        assert answer.headers["x-answer"] == "yes"
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.headers["set-cookie"] == "seen=1; HttpOnly; Max-Age=60; Path=/; SameSite=Strict"
        assert answer.json() == {
            "method": "POST",
            "url": f"{host.ready['url']}/API/Orders/7/items/?q=1&q=2&r=%C3%A9",
            "params": {"q": "1,2", "r": "é"},
            "route": {"id": "7", "part": "items"},
            "body": "body",
            "header": "told",
        }

    def test_an_optional_parameter_may_be_left_out_and_a_literal_route_comes_first(self, host: RunningHost) -> None:
        assert host.client.get("/api/orders/7").json()["route"] == {"id": "7"}
        latest = host.client.get("/api/orders/latest")
        assert (latest.text, latest.headers["content-type"]) == ("the latest", "text/plain; charset=utf-8")

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/api/nothing", 404),
            ("GET", "/orders/7", 404),
            ("GET", "/api/orders/seven", 404),
            ("DELETE", "/api/orders/7", 405),
            ("GET", "/api/guarded", 401),
            ("PUT", "/api/guarded?code=wrong", 401),
            ("GET", "/api/administer", 401),
            ("GET", "/api/broken", 500),
            ("GET", "/api/leaving", 500),
        ],
    )
    def test_what_cannot_be_answered_gets_a_status(
        self, host: RunningHost, method: str, path: str, status: int
    ) -> None:
        assert host.client.request(method, path).status_code == status

    def test_a_body_over_the_limit_is_refused_before_the_app_sees_it(self, host: RunningHost) -> None:
        assert host.client.post("/api/orders/7", content=b"x" * 100_000).status_code == 203
        assert host.client.post("/api/orders/7", content=b"x" * 100_001).status_code == 413

    def test_a_wrong_method_is_told_the_right_ones(self, host: RunningHost) -> None:
        assert host.client.delete("/api/orders/7").headers["allow"] == "GET, POST"

    @pytest.mark.parametrize(
        ("path", "key", "status"),
        [
            ("/api/guarded", "function", 200),
            ("/api/guarded", "host", 200),
            ("/api/guarded", "master", 200),
            ("/api/administer", "function", 401),
            ("/api/administer", "host", 401),
            ("/api/administer", "master", 200),
        ],
    )
    def test_each_key_opens_its_own(self, host: RunningHost, path: str, key: str, status: int) -> None:
        code = host.ready["keys"][key]
        assert host.client.get(path, headers={"x-functions-key": code}).status_code == status
        assert host.client.get(path, params={"code": code}).status_code == status

    def test_a_function_that_fails_is_told_in_one_short_line(self, host: RunningHost) -> None:
        host.client.get("/api/broken")
        line = host.until_logged("host: broken GET /api/broken: failed")
        assert line.endswith(")"), line
        assert "KeyError: 'no such thing' (function_app.py:" in line
        host.client.get("/api/leaving")
        host.until_logged(r"host: leaving .*SystemExit: the function tried to end the process \(7\)")

    def test_an_output_that_is_not_played_fails_the_run_loudly(self, host: RunningHost) -> None:
        assert host.client.get("/api/unplayed").status_code == 500
        host.until_logged("host: unplayed .*this host doesn't play the table output row; nothing was written")


class TestByHand:
    def test_the_master_key_runs_any_function_that_http_does_not_call(self, host: RunningHost) -> None:
        master = host.key("master")
        assert host.client.post("/admin/functions/on_demand", headers=master).status_code == 202
        given = {"input": "by hand"}
        assert host.client.post("/admin/functions/collect", headers=master, json=given).status_code == 202
        host.until_logged("host: on_demand timer by hand: ok")
        host.until_logged("host: collect queue=done by hand: ok")
        assert "by hand" in host.seen("done")

    @pytest.mark.parametrize(
        ("function", "key", "content", "status"),
        [
            ("on_demand", "function", "", 401),
            ("order", "master", "", 404),
            ("collect", "master", "[]", 400),
        ],
    )
    def test_nothing_else_is_run(self, host: RunningHost, function: str, key: str, content: str, status: int) -> None:
        answer = host.client.post(f"/admin/functions/{function}", headers=host.key(key), content=content)
        assert answer.status_code == status
