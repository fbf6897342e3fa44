"""`responder doctor`: checks whether an installation works, and says of what doesn't what to do."""

import argparse
import logging
import os
import sys
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from responders.commands import Subparsers
from responders.commands.connection import (
    CommandError,
    NoAnswer,
    add_settings_option,
    environment_from,
    move_to_the_app,
    unknown,
    values_from,
)
from responders.commands.tables import add_report_option, escaped, is_json, report_width
from responders.commands.waiting import waiting_for

if TYPE_CHECKING:
    from datetime import datetime

    from shared.checks.check import Line, Report

_KEY: Final = "RESPONDER_KEY"
_TOKEN: Final = "RESPONDER_TOKEN"  # noqa: S105 - the variable's name, not a token
_WITHIN_SECONDS: Final = 240
"""As long as Azure lets an HTTP call to a function take."""

_ANY: Final = 1_000_000
"""Where there is no terminal, a finding stays one line."""
_WELL: Final = frozenset({"ok", "not applicable"})

_HELP: Final = f"""\
Checks settings, storage, the identity and its permissions, every read, the sources, the channels, the people and the
running app. Each finding is one line, with what to do about it; what isn't well comes last. The doctor changes nothing.

Only the app itself has its identity, so in Azure ask the app: --app, with a function key in {_KEY} and, where App
Service authentication is on, an access token for the operators' registration in {_TOKEN}. Both are taken from the
environment, so that they stand in no list of processes.

The exit status is 0 when nothing failed and everything could be read, else 1."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "doctor",
        help="check whether an installation works, and say what to do",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("checks", nargs="*", metavar="CHECK", help="run these checks only, like tables-there")
    add_report_option(parser)
    parser.add_argument("--page", action="store_true", help="send a page marked TEST over each channel too")
    parser.add_argument(
        "--since",
        type=_instant,
        metavar="TIME",
        help="fail events-arriving unless an event of each subscription came after it, as 2026-01-31T12:00:00Z",
    )
    parser.add_argument("--app", metavar="URL", help="ask the app at this address, like https://HOST")
    add_settings_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.app and (arguments.settings or arguments.checks):
        raise CommandError(
            "--app asks the app, which has its own settings and runs every check: leave --settings and the checks out"
        )
    with waiting_for("checking the installation"):
        report = (
            _of_app(arguments.app, pages=arguments.page, since=arguments.since)
            if arguments.app
            else _of_here(arguments)
        )
    if is_json(arguments):
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(report)).decode() + "\n")
    else:
        for line in what_is_not_well_last(report.lines):
            print("\n".join(textwrap.wrap(_text_of(line), report_width(_ANY), subsequent_indent="  ")))
        counts = Counter(line.status for line in report.lines)
        print(", ".join(f"{count} {status}" for status, count in counts.items()))
    return 0 if report.healthy else 1


def what_is_not_well_last(lines: Sequence["Line"]) -> "list[Line]":
    """Put the lines that somebody has to read where a terminal shows them: at the end."""
    return sorted(lines, key=lambda line: line.status not in _WELL)


def _text_of(line: "Line") -> str:
    what_to_do = f" -> {line.cure}" if line.cure else ""
    return escaped(f"{line.status:<7}  {line.check:<25}  {line.found}{what_to_do}")


def _of_here(arguments: argparse.Namespace) -> "Report":
    from responders.doctor import CHECKS, report_of  # noqa: PLC0415 - only where it is needed

    known = [check.id for check in CHECKS]
    if strange := sorted(set(arguments.checks) - set(known)):
        raise unknown("check", strange[0], known, listed_by="responder doctor")
    move_to_the_app(values_from(arguments))
    level = logging.root.manager.disable
    # The doctor reports failures itself: what libraries log about them would stand between its lines.
    logging.disable(logging.CRITICAL)
    try:
        return report_of(
            environment_from(arguments), only=arguments.checks, pages=arguments.page, since=arguments.since
        )
    finally:
        logging.disable(level)


def _instant(text: str) -> "datetime":
    from responders.doctor import instant_from  # noqa: PLC0415 - only where it is needed

    at = instant_from(text)
    if at is None:
        raise argparse.ArgumentTypeError(f"{text!r} isn't a time with its time zone, like 2026-01-31T12:00:00Z")
    return at


def _of_app(url: str, *, pages: bool, since: "datetime | None") -> "Report":
    """Ask the app.

    Raises:
        CommandError: it gave no report.
    """
    import httpx  # noqa: PLC0415 - only where it is needed

    from shared.checks.check import Report  # noqa: PLC0415

    try:
        answer = httpx.request(
            "POST" if pages else "GET",
            f"{url.rstrip('/')}/api/doctor",
            params={"since": since.isoformat()} if since else {},
            headers=credentials(os.environ),
            timeout=_WITHIN_SECONDS,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoAnswer(f"{url} gave no answer ({type(error).__name__}): {_NOT_RUNNING}") from error
    if answer.status_code in {302, 401, 403}:
        raise CommandError(
            f"{url} answered {answer.status_code}: {_KEY} should be a function key of the app, and {_TOKEN} an access"
            " token for the operators' registration (az account get-access-token --resource CLIENT_ID)"
        )
    try:
        return msgspec.json.decode(answer.content, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{url} answered {answer.status_code} and no report: {_NOT_RUNNING}") from error


def credentials(environment: Mapping[str, str]) -> dict[str, str]:
    """Give the headers with the function key and the access token, where the environment has them."""
    key, token = environment.get(_KEY, ""), environment.get(_TOKEN, "")
    found = {"x-functions-key": key, "Authorization": f"Bearer {token}" if token else ""}
    return {name: value for name, value in found.items() if value}


_NOT_RUNNING: Final = "is its code deployed? An app that doesn't start says in its log which setting is wrong"
