"""`responder profile suggest`: what the tenant profile should have, worked out of exported logs."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from responders.catalogue import CATALOGUE
from responders.commands import Subparsers
from responders.commands.backtest import Progress, opened, size_of
from responders.commands.connection import CommandError, environment_from
from responders.commands.profile import add_rosters_option, add_tenant_option, profile_for, tenant_for
from responders.commands.tables import Format, escaped, is_json, print_json, print_list
from responders.suggestions import LOOKED_BACK, Suggestion, Suggestions, merged
from shared.detect.matcher import Matcher
from shared.model.clock import utc_now
from shared.model.events import Log
from shared.normalize import Interest, read_stream
from shared.normalize.portal_csv import csv_as_json

_HELP: Final = """\
Reads exported sign-in and audit logs, in any shape that `responder match` reads, and prints a tenant profile: where
consumers and administrators sign in from, with what, when each administrator works, and thresholds for detections that
would have raised more than a case a week. On standard error it says of what each was worked out, and what was left out.

Nothing is written. Read it: an attacker's sign-ins of a month ago would be in it too. Then put it into the setting
VOCABULARY, or into the file that it names. What the profile has already stays as it is.

--rosters says who is privileged; without it only VOCABULARY's privileged_accounts are known."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "profile",
        help="suggest a tenant profile out of exported logs; nothing is written",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("verb", choices=("suggest",), help="what to do")
    parser.add_argument("files", nargs="+", metavar="FILE", help="a file of records, or - for standard input")
    parser.add_argument("--zone", default="UTC", metavar="ZONE", help="where people work, like Europe/Amsterdam")
    parser.add_argument(
        "--days", type=int, default=LOOKED_BACK.days, metavar="N", help="records of so many days (default: 30)"
    )
    add_rosters_option(parser)
    add_tenant_option(parser)
    parser.add_argument(
        "-o",
        "--output",
        choices=(Format.JSON.value, Format.TABLE.value),
        default=Format.JSON.value,
        metavar="json|table",
        help="the whole profile (the default), or a table of what is suggested",
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    profile = profile_for(arguments)
    present = _present(environment_from(arguments))
    since = utc_now() - timedelta(days=arguments.days)
    suggestions = Suggestions(profile, zone=_zone(arguments.zone), since=since)
    matcher = Matcher([each for each in CATALOGUE if each.counted], profile)
    _read_all(arguments.files, suggestions, matcher, tenant_id=tenant_for(arguments))
    if not suggestions.days:
        raise CommandError(f"there is no record of the last {arguments.days} days in it; --days takes older ones")
    found = suggestions.found()
    if is_json(arguments):
        print_json(merged(present, found))
    else:
        rows = [(each.field, json.dumps(each.value, ensure_ascii=False)) for each in found]
        print_list(arguments, ("field", "value"), rows, none="nothing is suggested")
    lines = _explained(suggestions.days, found, present)
    sys.stderr.writelines(f"{escaped(line)}\n" for line in lines)
    if not profile.privileged_accounts:
        sys.stderr.write(
            "nobody is known to be privileged: --rosters says who is, or privileged_accounts in VOCABULARY\n"
        )
    return 0


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise CommandError(f"--zone is {name[:80]!r}: it should be a time zone, like Europe/Amsterdam") from error


def _present(environment: Mapping[str, str]) -> Mapping[str, Any]:
    """Give the profile as the settings have it, without defaults; it was read before, so it is an object."""
    text = environment.get("VOCABULARY", "").strip()
    if text and not text.startswith("{"):
        text = Path(text).read_text(encoding="utf-8")
    return json.loads(text or "{}")


def _read_all(names: list[str], suggestions: Suggestions, matcher: Matcher, *, tenant_id: str) -> None:
    progress = Progress(sum(size_of(name) for name in names))
    try:
        for name in names:
            with opened(name) as file:
                chunks = csv_as_json(progress.chunks(file))
                for reading in read_stream(chunks, tenant_id=tenant_id, interest=_OF_PEOPLE):
                    if reading.event is not None:
                        suggestions.add(reading.event, matcher.matches(reading.event))
    finally:
        progress.done()


_OF_PEOPLE: Final = Interest(
    at_a_glance=lambda log, _name, _tenant_id: log in {Log.SIGN_IN, Log.AUDIT},
    in_record=lambda log, _name, _raw, _tenant_id: log in {Log.SIGN_IN, Log.AUDIT},
)


def _explained(days: int, found: list[Suggestion], present: Mapping[str, Any]) -> Iterator[str]:
    """Say of each field of what it was worked out, and that one stays which the profile has already."""
    yield f"records of {days} days; nothing is written: put what you accept into VOCABULARY"
    for each in found:
        stays = f"; VOCABULARY has it already, and it stays: {json.dumps(each.value)}" if each.field in present else ""
        yield f"{each.field}: {each.because}{stays}"
        if each.left_out:
            yield f"  left out: {', '.join(each.left_out)}"
    if not found:
        yield "they suggest nothing"
