"""Why the host doesn't start.

HostError
├── SettingsError   the command line, the settings file or the keys file is wrong: exit 2
└── AppError        the function app or its host.json is wrong, or the worker refuses it: exit 3
"""


class HostError(Exception):
    """The host can't start; the message says what is wrong and what would be right."""


class SettingsError(HostError):
    """What the person at the terminal gave is wrong."""


class AppError(HostError):
    """What the function app's folder holds is wrong."""
