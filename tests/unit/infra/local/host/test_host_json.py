import json
from datetime import timedelta
from pathlib import Path

import pytest

from infra.local.host.errors import AppError
from infra.local.host.host_json import HostSettings, HubSettings, MessageEncoding, QueueSettings, host_settings_from


def settings_of(folder: Path, content: object) -> HostSettings:
    (folder / "host.json").write_text(json.dumps(content))
    return host_settings_from(folder)


def test_an_empty_host_json_gives_azures_defaults(tmp_path: Path) -> None:
    assert settings_of(tmp_path, {"version": "2.0"}) == HostSettings()


def test_reads_what_it_plays_and_is_silent_on_what_needs_no_playing(tmp_path: Path) -> None:
    read = settings_of(
        tmp_path,
        {
            "version": "2.0",
            "functionTimeout": "00:05:00",
            "logging": {"logLevel": {"default": "Information"}},
            "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"},
            "extensions": {
                "http": {"routePrefix": "v1/"},
                "queues": {
                    "batchSize": 5,
                    "maxDequeueCount": 2,
                    "visibilityTimeout": "00:00:15",
                    "maxPollingInterval": "00:00:01",
                    "messageEncoding": "None",
                },
                "eventHubs": {"maxEventBatchSize": 7, "initialOffsetOptions": {"type": "fromEnd"}},
            },
        },
    )
    assert read == HostSettings(
        function_timeout=timedelta(minutes=5),
        route_prefix="v1",
        queues=QueueSettings(
            batch_size=5,
            new_batch_threshold=2,
            max_dequeue_count=2,
            visibility_timeout=timedelta(seconds=15),
            max_polling_interval=timedelta(seconds=1),
            message_encoding=MessageEncoding.NONE,
        ),
        hubs=HubSettings(max_event_batch_size=7, starts_at_end=True),
    )


def test_an_app_setting_stands_in_place_of_what_host_json_has(tmp_path: Path) -> None:
    content = {"version": "2.0", "extensions": {"queues": {"batchSize": 5, "maxPollingInterval": "00:00:01"}}}
    (tmp_path / "host.json").write_text(json.dumps(content))
    within = "AzureFunctionsJobHost__extensions__"
    read = host_settings_from(
        tmp_path,
        {
            f"{within}queues__maxPollingInterval": "00:00:00.5",
            f"{within}eventHubs__maxEventBatchSize": "7",
            "AzureFunctionsJobHost__functionTimeout": "00:05:00",
            "AzureWebJobsStorage": "nothing to do with it",
        },
    )
    assert read.queues == QueueSettings(
        batch_size=5, new_batch_threshold=2, max_polling_interval=timedelta(seconds=0.5)
    )
    assert (read.hubs.max_event_batch_size, read.function_timeout) == (7, timedelta(minutes=5))


def test_an_app_setting_that_cannot_be_is_refused_like_host_json(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    with pytest.raises(AppError, match=r"extensions\.queues\.batchSize is 99: it must be a whole number from 1 to 32"):
        host_settings_from(tmp_path, {"AzureFunctionsJobHost__extensions__queues__batchSize": "99"})


def test_names_every_setting_it_does_not_play(tmp_path: Path) -> None:
    extensions = {"eventHubs": {"a": 1}, "http": {"hsts": 1}, "queues": {"shade": 1}}
    read = settings_of(tmp_path, {"version": "2.0", "extensions": extensions, "healthMonitor": {"enabled": True}})
    assert set(read.unknown) == {
        "healthMonitor",
        "extensions.eventHubs.a",
        "extensions.http.hsts",
        "extensions.queues.shade",
    }


def test_no_time_limit_is_written_minus_one(tmp_path: Path) -> None:
    assert settings_of(tmp_path, {"version": "2.0", "functionTimeout": "-1"}).function_timeout is None


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ([], "must hold a JSON object"),
        ({}, 'version must be "2.0"'),
        ({"version": "2.0", "functionTimeout": "5 minutes"}, "functionTimeout is '5 minutes'"),
        ({"version": "2.0", "functionTimeout": "00:00:00"}, "longer than zero"),
        ({"version": "2.0", "extensions": []}, "extensions is .*an object"),
        (
            {"version": "2.0", "extensions": {"eventHubs": {"initialOffsetOptions": {"type": "later"}}}},
            "extensions.eventHubs.initialOffsetOptions.type is 'later'.*fromStart",
        ),
        (
            {"version": "2.0", "extensions": {"queues": {"batchSize": 33}}},
            r"extensions.queues.batchSize is 33.*1 to 32",
        ),
        ({"version": "2.0", "extensions": {"queues": {"batchSize": True}}}, "batchSize"),
        ({"version": "2.0", "extensions": {"queues": {"messageEncoding": "utf8"}}}, "base64 or none"),
        ({"version": "2.0", "extensions": {"queues": {"maxPollingInterval": "00:00:00"}}}, "at least"),
        ({"version": "2.0", "extensions": {"http": {"routePrefix": 1}}}, "extensions.http.routePrefix"),
    ],
)
def test_refuses_a_value_that_cannot_be(tmp_path: Path, content: object, complaint: str) -> None:
    with pytest.raises(AppError, match=complaint):
        settings_of(tmp_path, content)


def test_says_what_the_smallest_one_is_when_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(AppError, match=r'smallest host.json is \{"version": "2.0"\}'):
        host_settings_from(tmp_path)
