import json
from pathlib import Path

import pytest

from infra.local.host.app_settings import settings_from
from infra.local.host.errors import SettingsError
from infra.local.host.keys import fresh_keys, keys_from
from infra.local.host.server import largest_body


def written(folder: Path, content: object) -> Path:
    path = folder / "file.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_settings_are_the_values(tmp_path: Path) -> None:
    path = written(tmp_path, {"IsEncrypted": False, "Values": {"A": "1"}, "Host": {"CORS": "*"}})
    assert settings_from(path) == {"A": "1"}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "isn't JSON"),
        ([], "must hold a JSON object"),
        ({"IsEncrypted": False}, 'no "Values"'),
        ({"IsEncrypted": True, "Values": {}}, "encrypted"),
        ({"Values": {"A": 1, "B": "2"}}, "in quotes; A isn't"),
    ],
)
def test_a_wrong_settings_file_is_refused(tmp_path: Path, content: object, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        settings_from(written(tmp_path, content))


def test_a_missing_settings_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can't be read: No such file"):
        settings_from(tmp_path / "none.json")


def test_fresh_keys_differ_and_each_opens_its_own() -> None:
    keys = fresh_keys()
    assert len(set(keys.to_json().values())) == 3
    assert [keys.opens_function(key) for key in (keys.function, keys.host, keys.master)] == [True, True, True]
    assert not keys.opens_function("another")
    assert keys.opens_admin(keys.master)
    assert not any(keys.opens_admin(key) for key in ("", keys.function, keys.host))


def test_keys_come_from_a_file(tmp_path: Path) -> None:
    given = {"function": "f", "master": "m"}
    keys = keys_from(written(tmp_path, given))
    assert keys.to_json() | given == keys.to_json()
    assert keys_from(written(tmp_path, given | {"host": "h"})).host == "h"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ({"function": "f"}, "master"),
        ({"function": "f", "master": ""}, "master"),
        ({"function": "f", "master": "m", "system": "s"}, "system"),
        ({"function": "f", "master": "m", "host": 1}, "host"),
    ],
)
def test_a_wrong_keys_file_is_refused(tmp_path: Path, content: object, name: str) -> None:
    with pytest.raises(SettingsError, match=f"look at {name}"):
        keys_from(written(tmp_path, content))


@pytest.mark.parametrize(("text", "most"), [(None, 104_857_600), ("", 104_857_600), ("1048576", 1_048_576)])
def test_a_body_is_as_large_as_the_settings_allow(text: str | None, most: int) -> None:
    assert largest_body({"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": text}.get) == most


@pytest.mark.parametrize("text", ["1 MB", "-1", "1e6", "²"])
def test_a_limit_that_isnt_a_number_stops_the_host(text: str) -> None:
    with pytest.raises(SettingsError, match="a number of bytes"):
        largest_body({"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": text}.get)
