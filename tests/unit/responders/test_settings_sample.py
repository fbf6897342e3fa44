"""local.settings.sample.json: every setting once, with values that work beside `make up`."""

import json
import re
from typing import Any, Final

from infra.local import world
from infra.local.stack import REPOSITORY
from shared.model.app_settings import SETTINGS
from shared.model.setting_values import is_connection_string
from shared.model.settings import settings_from

_SAMPLE: Final = REPOSITORY / "local.settings.sample.json"
_PLATFORMS_OWN: Final = frozenset({"AzureWebJobsStorage", "FUNCTIONS_WORKER_RUNTIME"})
_GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _read() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(_SAMPLE.read_text(encoding="utf-8"))
    return read


def values_of_the_sample() -> dict[str, str]:
    values: dict[str, str] = _read()["Values"]
    return values


def test_the_sample_has_every_setting_and_no_other() -> None:
    assert set(values_of_the_sample()) == {setting.name for setting in SETTINGS} | _PLATFORMS_OWN


def test_the_sample_has_the_form_that_the_tools_read() -> None:
    assert _read().keys() == {"IsEncrypted", "Values"}
    assert _read()["IsEncrypted"] is False
    assert all(isinstance(value, str) for value in values_of_the_sample().values())


def test_the_sample_works() -> None:
    settings = settings_from(values_of_the_sample())
    assert len(settings.tenants) == 2
    assert settings.teams_webhook_url
    assert settings.pagerduty_routing_key


def test_the_sample_is_for_the_local_stack() -> None:
    values = values_of_the_sample()
    assert values["AzureWebJobsStorage"] == "UseDevelopmentStorage=true"
    assert is_connection_string(values["AzureWebJobsStorage"])
    assert values["FUNCTIONS_WORKER_RUNTIME"] == "python"
    ports = {"CASE_LINK": "7071", "GRAPH_URL": "7072", "ARM_URL": "7072"}
    ports |= {"TEAMS_WEBHOOK_URL": "7073", "PAGERDUTY_URL": "7073"}
    assert {name: re.findall(r":(\d+)/?", values[name])[0] for name in ports} == ports


def test_every_id_in_the_sample_is_one_of_the_made_up_world() -> None:
    known = {
        world.WORKFORCE_TENANT,
        world.B2C_TENANT,
        world.SUBSCRIPTION,
        *(principal.id for principal in world.PRINCIPALS),
        *(principal.client_id for principal in world.PRINCIPALS),
    }
    found = set(_GUID.findall(_SAMPLE.read_text(encoding="utf-8")))
    assert found
    assert found <= known


_OF_THE_STACK: Final = frozenset({"GRAPH_URL", "ARM_URL", "PAGERDUTY_URL"})


def test_the_sample_shows_each_default_but_where_the_local_stack_stands_in() -> None:
    defaults = {setting.name: setting.default for setting in SETTINGS if setting.default}
    values = values_of_the_sample()
    assert {name for name, default in defaults.items() if values[name] != default} == _OF_THE_STACK
