"""The settings file (`local.settings.json`), whose values become environment variables as Core Tools makes them."""

import json
from pathlib import Path
from typing import cast

from infra.local.host.errors import SettingsError


def settings_from(path: Path) -> dict[str, str]:
    """Read the `Values` of a settings file.

    Raises:
        SettingsError: it can't be read, is encrypted, or isn't `{"IsEncrypted": false, "Values": {name: text}}`.
    """
    content = json_object_from(path)
    if content.get("IsEncrypted"):
        raise SettingsError(f"{path} is encrypted: run `func settings decrypt`, or set IsEncrypted to false.")
    values = content.get("Values")
    if not isinstance(values, dict):
        raise SettingsError(f'{path} has no "Values": it must hold an object of names and texts.')
    settings = cast("dict[str, object]", values)
    wrong = [name for name, value in settings.items() if not isinstance(value, str)]
    if wrong:
        raise SettingsError(f"{path}: every value must be a text in quotes; {', '.join(wrong)} isn't.")
    return cast("dict[str, str]", settings)


def json_object_from(path: Path) -> dict[str, object]:
    """Read a file that must hold one JSON object.

    Raises:
        SettingsError: it can't be read, or holds something else.
    """
    try:
        content: object = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}.") from None
    except ValueError as error:
        raise SettingsError(f"{path} isn't JSON: {error}.") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{path} must hold a JSON object.")
    return cast("dict[str, object]", content)
