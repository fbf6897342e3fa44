"""`responder posture`: how the tenant stands against the roadmap, what to do first, and what people decide."""

import argparse
import os
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from responders.commands.acts import who_and_why
from responders.commands.connection import (
    CommandError,
    NoAnswer,
    NotFound,
    add_settings_option,
    add_who_and_why,
    environment_from,
    storage_from,
    unknown,
)
from responders.commands.tables import add_output_option, escaped, has_colours, is_json, print_list, report_width
from responders.commands.waiting import waiting_for
from shared.authority.approvals import until_from
from shared.model.bilingual import ENGLISH
from shared.model.calls import checked_id
from shared.model.clock import utc_now
from shared.model.kinds import TenantKind
from shared.model.settings import settings_from

if TYPE_CHECKING:
    from responders.commands import Subparsers
    from shared.checks.posture import Posture, PostureLine
    from shared.checks.posture_store import Day, PostureStore

_HELP: Final = """\
Shows the last look at the tenant: what the guide "Securing privileged access" asks for, stage by stage, and what to do
first. The app looks each morning; with --app and a function key in RESPONDER_KEY it looks now.

  responder posture                          what fails or can't be told, the worst first
  responder posture all --stage 1            every line of a stage
  responder posture list                     what is checked, and what people confirm
  responder posture confirm ITEM --reason …  a person has looked, and it is so
  responder posture accept CHECK --reason …  it fails, and somebody answers for that until a day
  responder posture sort ID CATEGORY --reason …  which of the guide's six categories an account is of

The exit status is 0 when nothing fails that nobody has accepted and everything could be read, else 1."""

_VERBS: Final = ("show", "all", "list", "confirm", "accept", "sort")
_STAGES: Final = {1: "first 48 hours", 2: "2 to 4 weeks", 3: "1 to 3 months", 4: "half a year and on"}
_WIDTH: Final = 100
_INDENT: Final = " " * 13
_WITHIN_SECONDS: Final = 240
_MOST_FIRST: Final = 5
_RED, _GREEN, _YELLOW, _BOLD, _PLAIN = "\033[97;41m", "\033[30;42m", "\033[30;43m", "\033[1m", "\033[0m"
_CONFIRM: Final = "confirm"
_HTML: Final = "html"
_WORDS: Final = {
    "ok": "pass",
    "warning": "look",
    "failed": "FAIL",
    "unknown": "can't tell",
    "not applicable": "n/a",
}


def add_parser(subparsers: "Subparsers") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "posture",
        help="show how the tenant stands against the roadmap, and what to do first",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("verb", nargs="?", choices=_VERBS, default="show", help="what to do (default: show)")
    parser.add_argument("id", nargs="?", default="", metavar="ID", help="the check, item or account")
    parser.add_argument("category", nargs="?", default="", metavar="CATEGORY", help="of an account that is sorted")
    parser.add_argument("--stage", type=int, choices=tuple(_STAGES), help="one stage only")
    parser.add_argument("--until", default="", metavar="DATE", help="until when that counts (default: the item's)")
    parser.add_argument(
        "--tenant", choices=[*TenantKind], default=TenantKind.WORKFORCE, help="which tenant (default: workforce)"
    )
    parser.add_argument("--html", action="store_true", help="the result as a page for a browser")
    parser.add_argument("--json", action="store_true", help="the result as one JSON object")
    add_output_option(parser, also=(_HTML,))
    parser.add_argument("--app", metavar="URL", help="have the app at this address look now, like https://HOST")
    add_who_and_why(parser, why="always needed to confirm or accept")
    add_settings_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    match arguments.verb:
        case "list":
            return _list(arguments)
        case "confirm" | "accept":
            return _decide(arguments)
        case "sort":
            return _sort(arguments)
        case _:
            return _show(arguments)


def _store(arguments: argparse.Namespace) -> "PostureStore":
    from shared.checks.posture_store import PostureStore  # noqa: PLC0415 - only where it is needed

    settings = settings_from(environment_from(arguments))
    tenant = next((each for each in settings.tenants if each.kind == arguments.tenant), None)
    if tenant is None:
        raise CommandError("the settings name no B2C tenant: B2C_TENANT_ID")
    return PostureStore(storage_from(arguments), tenant.id)


# Showing.


def _show(arguments: argparse.Namespace) -> int:
    with waiting_for("having the app look at the tenant" if arguments.app else "reading the last result"):
        posture = _of_app(arguments.app, arguments.tenant) if arguments.app else _store(arguments).latest()
    if posture is None:
        raise NotFound("nobody has looked yet: the app does each morning; --app URL has it look now")
    lines = [line for line in posture.lines if arguments.stage in {None, line.stage}]
    if arguments.html or arguments.output == _HTML:
        days = [] if arguments.app else _store(arguments).days(since=posture.at - timedelta(days=30))
        chosen = msgspec.structs.replace(posture, lines=tuple(lines))
        sys.stdout.write(_page(chosen, days, environment_from(arguments).get("NOTICE_LANGUAGE", "")))
    elif is_json(arguments):
        chosen = msgspec.structs.replace(posture, lines=tuple(lines))
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(chosen)).decode() + "\n")
    else:
        shown = lines if arguments.verb == "all" else [line for line in lines if _is_shown(line)]
        is_all = arguments.verb == "all"
        sys.stdout.writelines(f"{line}\n" for line in lines_of(posture, shown, colours=has_colours(), is_all=is_all))
    return 1 if any(line.needs_somebody or line.status == "unknown" for line in lines) else 0


def _page(posture: "Posture", days: "list[Day]", language: str) -> str:
    from responders.posture.korean import KOREAN  # noqa: PLC0415 - only where it is needed
    from responders.posture.korean_findings import FINDINGS  # noqa: PLC0415
    from shared.checks.posture_page import posture_page  # noqa: PLC0415

    return posture_page(posture, days, language=language or ENGLISH, korean=KOREAN, findings=FINDINGS)


def _is_shown(line: "PostureLine") -> bool:
    return line.status in {"failed", "unknown", "warning"} and not line.accepted


def lines_of(
    posture: "Posture", shown: Iterable["PostureLine"], *, colours: bool, is_all: bool = False
) -> Iterator[str]:
    """Give the lines for a terminal: how many pass, what to do first, then each stage's lines.

    What waits for a person to confirm it is a word and its id, unless `is_all`.
    """
    from shared.checks.posture import bulleted, first_to_do  # noqa: PLC0415 - only where it is needed

    def painted(text: str, colour: str) -> str:
        return f"{colour}{text}{_PLAIN}" if colours else text

    counts = Counter(_WORDS[line.status] for line in posture.lines if not line.is_manual)
    counts["to confirm"] = sum(line.is_manual and line.needs_somebody for line in posture.lines)
    said = ", ".join(f"{counts[word]} {word}" for word in (*_WORDS.values(), "to confirm") if counts[word])
    yield f"{painted(escaped(posture.tenant), _BOLD)}, {posture.at:%Y-%m-%d %H:%M} UTC: {said}"
    first = first_to_do(posture, _MOST_FIRST)
    if first:
        yield ""
        yield painted("What to do first", _BOLD)
        yield from (f"  {number}. {line.title} ({line.id})" for number, line in enumerate(first, start=1))
    stage = 0
    for line in shown:
        if line.stage != stage:
            stage = line.stage
            yield ""
            yield painted(f"Stage {stage}: {_STAGES[stage]}", _BOLD)
        if line.is_manual and not is_all:
            yield f"{painted(f' {_CONFIRM:^10} ', _YELLOW)} {line.id}"
            continue
        tone = {"failed": _RED, "ok": _GREEN}.get(line.status, _YELLOW)
        word = painted(f" {_WORDS[line.status]:^10} ", tone)
        title = f"{line.title} ({line.id}{', manual' if line.is_manual else ''})"
        first_row, *rows = textwrap.wrap(escaped(title), report_width(_WIDTH) - len(_INDENT)) or [""]
        yield f"{word} {first_row}"
        yield from (f"{_INDENT}{row}" for row in rows)
        texts = (*bulleted(line.found), f"-> {line.cure}" if line.cure else "", line.accepted)
        for text in filter(None, texts):
            yield from textwrap.wrap(
                escaped(text), report_width(_WIDTH), initial_indent=_INDENT, subsequent_indent=_INDENT
            )


def _of_app(url: str, tenant: str) -> "Posture":
    import httpx  # noqa: PLC0415 - only where it is needed

    from responders.commands.doctor import credentials  # noqa: PLC0415
    from shared.checks.posture import Posture  # noqa: PLC0415

    try:
        answer = httpx.post(
            f"{url.rstrip('/')}/api/posture",
            params={"tenant": tenant},
            headers=credentials(os.environ),
            timeout=_WITHIN_SECONDS,
        )
        return msgspec.json.decode(answer.content, type=Posture)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoAnswer(f"{url} gave no answer ({type(error).__name__}); without --app, storage is read") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{url} gave no result: is RESPONDER_KEY set? without --app, storage is read") from error


# What is declared.


def _list(arguments: argparse.Namespace) -> int:
    from responders.posture.declared import DECLARED  # noqa: PLC0415 - only where it is needed

    declared = DECLARED.of_kind(TenantKind(arguments.tenant))
    rows = [(check.stage, check.id, "read", check.title) for check in declared.checks]
    rows += [(item.stage, item.id, "confirmed", item.title) for item in declared.items]
    chosen = [row for row in sorted(rows) if arguments.stage in {None, row[0]}]
    rows = [(id_, str(stage), how, what) for stage, id_, how, what in chosen]
    print_list(arguments, ("id", "stage", "how", "what"), rows, none="nothing")
    return 0


# What people decide.


def _decide(arguments: argparse.Namespace) -> int:
    from responders.posture.declared import DECLARED  # noqa: PLC0415 - only where it is needed
    from shared.checks.posture import Decision  # noqa: PLC0415

    items = {item.id: item for item in DECLARED.items}
    checks = {check.id for check in DECLARED.checks}
    known = items.keys() if arguments.verb == "confirm" else items.keys() | checks
    if arguments.id not in known:
        if arguments.id in checks:
            raise CommandError(f"{arguments.id} is read by the app and can't be confirmed; accept takes its risk")
        raise unknown("item", arguments.id, known, listed_by="responder posture list")
    by, reason = who_and_why(arguments)
    now = utc_now()
    lasts = items[arguments.id].lasts if arguments.id in items else timedelta(days=92)
    decision = Decision(by=by, at=now, until=_until(arguments.until) or now + lasts, reason=reason)
    store = _store(arguments)
    try:
        if arguments.verb == "confirm":
            store.confirm(arguments.id, decision)
        else:
            store.accept(arguments.id, decision)
    except ValueError as error:
        raise CommandError(str(error)) from error
    done = "confirmed" if arguments.verb == "confirm" else "accepted"
    print(escaped(f"{arguments.id} is {done} until {decision.until:%Y-%m-%d}; the next look counts it"))
    return 0


def _sort(arguments: argparse.Namespace) -> int:
    from shared.checks.posture import Category, Decision  # noqa: PLC0415 - only where it is needed

    account = checked_id("id", arguments.id)
    names = [each.value for each in Category]
    if arguments.category not in names:
        raise unknown("category", arguments.category, names, listed_by="responder posture --help")
    by, reason = who_and_why(arguments)
    now = utc_now()
    until = _until(arguments.until) or now + timedelta(days=365)
    decision = Decision(by=by, at=now, until=until, reason=reason, category=Category(arguments.category))
    try:
        _store(arguments).sort(account, decision)
    except ValueError as error:
        raise CommandError(str(error)) from error
    print(escaped(f"{account} is {arguments.category} until {until:%Y-%m-%d}; the next look counts it"))
    return 0


def _until(text: str) -> datetime | None:
    try:
        return until_from(text).astimezone(UTC) if text else None
    except ValueError as error:
        raise CommandError(str(error)) from error
