"""Why the host doesn't start, and where in the app an error was raised.

HostError
├── SettingsError   the command line, the settings file or the keys file is wrong: exit 2
└── AppError        the function app or its host.json is wrong, or the worker refuses it: exit 3
"""

import re
from typing import Final

_FRAME: Final = re.compile(r'^ +File "(?P<file>[^"]+)", line (?P<line>\d+)', re.MULTILINE)
_OF_LIBRARIES: Final = re.compile(r"site-packages|<frozen|/lib/python3")


class HostError(Exception):
    """The host can't start; the message says what is wrong and what would be right."""


class SettingsError(HostError):
    """What the person at the terminal gave is wrong."""


class AppError(HostError):
    """What the function app's folder holds is wrong."""


def app_frames(stack_trace: str) -> list[tuple[str, int]]:
    """Give file and line of the app's own frames, without the worker's and the libraries', the one that raised last."""
    frames = [(found["file"], int(found["line"])) for found in _FRAME.finditer(stack_trace)]
    return [(file, line) for file, line in frames if not _OF_LIBRARIES.search(file)]
