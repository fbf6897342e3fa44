"""What commands share: errors, and how they reach storage, by the environment or a file like local.settings.json."""

import argparse
import difflib
import getpass
import json
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Final

from shared.authority.approvals import since_from
from shared.clients.storage import Storage


class ExitStatus(IntEnum):
    """What a command ends with. `FOUND` means: it was done, and something isn't as it should be."""

    DONE = 0
    FOUND = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    UNREACHABLE = 5


_OF_THE_PLACE: Final = ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
"""Where the libraries look in the process's own environment: a settings file names those of the app's place."""


class CommandError(Exception):
    """Something that the person at the terminal can put right; the text says how."""

    exit_status: int = ExitStatus.USAGE


class NotFound(CommandError):
    """What was named isn't there; the text says what lists those there are."""

    exit_status = ExitStatus.NOT_FOUND


class NoAnswer(CommandError):
    """What was asked gave no answer; the text says what can be done without it."""

    exit_status = ExitStatus.UNREACHABLE


def unknown(kind: str, name: str, known: Iterable[str], *, listed_by: str) -> NotFound:
    """Give the error of a name that doesn't exist: names the nearest that do, and the command that lists all."""
    return NotFound(f"no {kind} is called {name!r}; {did_you_mean(name, known)}`{listed_by}` lists every one")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Name what is nearest to a name that doesn't exist, as a question to put before something else; "" for none."""
    near = difflib.get_close_matches(name, list(known), n=3)
    return f"did you mean {' or '.join(near)}? " if near else ""


def add_settings_option(parser: argparse.ArgumentParser) -> None:
    """Add --settings."""
    parser.add_argument(
        "--settings",
        metavar="FILE",
        help="a file like local.settings.json (default: the environment; `make up` writes .local/settings.json)",
    )


def environment_from(arguments: argparse.Namespace) -> Mapping[str, str]:
    """Give the settings: the file's Values, then the environment's over them, as the Functions host does.

    Raises:
        CommandError: the file can't be read, or isn't of that shape.
    """
    return {**values_from(arguments), **os.environ}


def values_from(arguments: argparse.Namespace) -> Mapping[str, str]:
    """Give what the file says alone; nothing where none is named.

    Raises:
        CommandError: the file can't be read, or isn't of that shape.
    """
    if not arguments.settings:
        return {}
    try:
        return dict(json.loads(Path(arguments.settings).read_text(encoding="utf-8"))["Values"].items())
    except OSError as error:
        raise CommandError(f"the settings file {arguments.settings} can't be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommandError(f'{arguments.settings} is not a settings file: it should be {{"Values": {{…}}}}') from error


def move_to_the_app(values: Mapping[str, str]) -> None:
    """Have the libraries of this process look for tokens and authorities where a settings file says the app does."""
    os.environ.update({name: values[name] for name in _OF_THE_PLACE if name in values})


def storage_from(arguments: argparse.Namespace) -> Storage:
    """Give the storage account that the settings name.

    Raises:
        CommandError: they name none.
    """
    move_to_the_app(values_from(arguments))
    environment = environment_from(arguments)
    if not any(name.startswith("AzureWebJobsStorage") for name in environment):
        raise CommandError(
            "no storage account is set: set AzureWebJobsStorage (a connection string)"
            " or AzureWebJobsStorage__accountName, or pass --settings FILE"
        )
    return Storage(environment)


def since_of(arguments: argparse.Namespace) -> datetime | None:
    """Give the instant of --since, None without it.

    Raises:
        CommandError: it is no date.
    """
    try:
        return since_from(arguments.since).astimezone(UTC) if arguments.since else None
    except ValueError as error:
        raise CommandError(str(error)) from error


def add_who_and_why(parser: argparse.ArgumentParser, *, why: str) -> None:
    """Add --by and --reason, which go into the journal; `why` says when a reason is needed."""
    parser.add_argument("--by", default=None, help="who does it (default: the account you are logged in with)")
    parser.add_argument("--reason", default="", help=f"why, for the journal; {why}")


def person() -> str:
    """Who is at the terminal, for the record; an account without a name goes by its number."""
    try:
        return getpass.getuser()
    except OSError:
        return f"uid {os.getuid()}"
