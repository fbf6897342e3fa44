"""`responder status`: whether the product sees, and what it doesn't see."""

import argparse
import os
import sys
import textwrap
from typing import TYPE_CHECKING, Final

import msgspec

from responders.commands.connection import CommandError, NoAnswer, add_settings_option, environment_from, storage_from
from responders.commands.tables import add_report_option, escaped, has_colours, is_json, report_width
from responders.commands.waiting import waiting_for
from shared.model.clock import utc_now
from shared.model.settings import settings_from

if TYPE_CHECKING:
    from collections.abc import Iterator

    from responders.commands import Subparsers
    from shared.ingest.coverage import Coverage

_HELP: Final = """\
Says of each log, kind of object and subscription when it was last read, how far behind it is, what couldn't be read and
which permission that takes, and how late its records come. It reads storage, so it works while the app is down; --app
asks the app instead, with the same two variables as responder doctor.

The exit status is 0 when everything is seen, else 1."""

_RED, _GREEN, _YELLOW, _BOLD, _PLAIN = "\033[97;41m", "\033[30;42m", "\033[30;43m", "\033[1m", "\033[0m"
_WIDTH: Final = 100
_INDENT: Final = " " * 11
_READ: Final = len("less than a minute ago")


def add_parser(subparsers: "Subparsers") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "status",
        help="say whether the product sees, and what it doesn't see",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_report_option(parser)
    parser.add_argument("--app", metavar="URL", help="ask the app at this address, like https://HOST")
    add_settings_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from shared.ingest.coverage import Coverage  # noqa: PLC0415 - only where it is needed

    with waiting_for("asking what is seen"):
        coverage = _of_app(arguments.app, Coverage) if arguments.app else _of_here(arguments)
    if is_json(arguments):
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(coverage)).decode() + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in lines_of(coverage, colours=has_colours()))
    return 1 if coverage.bad else 0


def _of_here(arguments: argparse.Namespace) -> "Coverage":
    from responders.content import coverage_of  # noqa: PLC0415 - only where it is needed

    return coverage_of(storage_from(arguments), settings_from(environment_from(arguments)), now=utc_now())


def _of_app(url: str, shape: "type[Coverage]") -> "Coverage":
    import httpx  # noqa: PLC0415 - only where it is needed

    from responders.commands.doctor import credentials  # noqa: PLC0415

    try:
        answer = httpx.get(f"{url.rstrip('/')}/api/health", headers=credentials(os.environ), timeout=60)
        return msgspec.json.decode(answer.content, type=shape)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoAnswer(f"{url} gave no answer ({type(error).__name__}); without --app, storage is read") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{url} gave no coverage: is RESPONDER_KEY set? without --app, storage is read") from error


def lines_of(coverage: "Coverage", *, colours: bool) -> "Iterator[str]":
    """Give the lines for a terminal: the verdict, what isn't seen with what to do, then the rest."""
    from shared.ingest.coverage import Sight  # noqa: PLC0415 - only where it is needed
    from shared.ingest.coverage_page import WORDS, ago, within  # noqa: PLC0415

    def painted(text: str, colour: str) -> str:
        return f"{colour}{text}{_PLAIN}" if colours else text

    is_bad = any(entry.sight is not Sight.UNKNOWN for entry in coverage.bad)
    colour = _RED if is_bad else _YELLOW if coverage.bad else _GREEN
    yield painted(f" {coverage.verdict} ", colour)
    yield f" as of {coverage.at:%Y-%m-%d %H:%M:%S} UTC"
    yield ""
    for entry in coverage.bad:
        tone = _YELLOW if entry.sight is Sight.UNKNOWN else _RED
        name = escaped(f"{entry.about}, {entry.tenant}")
        word, read = f" {WORDS[entry.sight]:<8}", ago(entry.read_at, coverage.at)
        yield f"{painted(word, tone)}  {painted(name, _BOLD)}  last read {read}"
        for text in (f"missing: {entry.needed}" if entry.needed else "", entry.because, f"-> {entry.cure}"):
            yield from textwrap.wrap(
                escaped(text), report_width(_WIDTH), initial_indent=_INDENT, subsequent_indent=_INDENT
            )
        yield ""
    for entry in coverage.entries:
        if not entry.sight.is_fine:
            continue
        is_off = entry.sight is Sight.OFF
        read = "" if is_off else ago(entry.read_at, coverage.at)
        late = f"records within {within(entry)}" if within(entry) else ""
        said = "; ".join(filter(None, (f"{entry.about}, {entry.tenant}", entry.because if is_off else late)))
        line = f" {WORDS[entry.sight]:<8}  {read:<{_READ}}  {escaped(said)}"
        yield from textwrap.wrap(line, report_width(_WIDTH), subsequent_indent=" " * (_READ + 13))
