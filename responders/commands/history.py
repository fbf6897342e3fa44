"""`responder history` and `diff`: what happened to a guarded object, and how it stood at another time."""

import argparse
from datetime import datetime
from typing import TYPE_CHECKING, Final

from responders.commands.connection import CommandError, add_settings_option
from responders.commands.stored_objects import SHOWN, found_object, leaf_shown, runtime_from, value_shown
from responders.commands.tables import Format, add_output_option, escaped, is_json, print_beside, print_json, print_list
from shared.authority.approvals import since_from
from shared.model.objects import ObjectState, Version
from shared.objects.comparing import differences
from shared.objects.history import Entry, version_at
from shared.respond.persons import history, show

if TYPE_CHECKING:
    from responders.commands import Subparsers

_MOST: Final = 50


def add_parser(subparsers: "Subparsers") -> None:
    """Add the commands."""
    shown = subparsers.add_parser("history", help="say who changed a guarded object, what was read and put back")
    shown.add_argument("object", metavar="OBJECT", help="its key, or the tenant's id of it")
    shown.add_argument("--most", type=int, default=_MOST, metavar="N", help=f"the newest so many; {_MOST} without it")
    shown.add_argument("--json", action="store_true", help="all of it as JSON")
    add_output_option(shown)
    add_settings_option(shown)
    shown.set_defaults(run=_history)
    compared = subparsers.add_parser("diff", help="say what of a guarded object differs between two times")
    compared.add_argument("object", metavar="OBJECT", help="its key, or the tenant's id of it")
    compared.add_argument("--at", required=True, metavar="DATE", help="as it stood then, in UTC: 2027-01-31T18:00")
    compared.add_argument("--to", metavar="DATE", help="and as it stood then; without it, as it was last read")
    add_output_option(compared)
    add_settings_option(compared)
    compared.set_defaults(run=_diff)


def _history(arguments: argparse.Namespace) -> int:
    """Print what happened; 1 where versions were removed or exchanged in storage."""
    if arguments.most < 1:
        raise CommandError("--most takes a number of entries, from 1")
    runtime = runtime_from(arguments)
    past = history(runtime, found_object(runtime, arguments.object))
    if is_json(arguments):
        print_json(past.entries)
    else:
        _print_name(arguments, past.state)
        _print_entries(arguments, past.entries[-arguments.most :], left_out=max(len(past.entries) - arguments.most, 0))
    for broken in past.broken:
        print_beside(arguments, escaped(f"! the chain of versions is broken: {broken}"))
    return 1 if past.broken else 0


def _print_name(arguments: argparse.Namespace, state: ObjectState) -> None:
    print_beside(arguments, f"{escaped(f'{state.id.kind} {state.name} ({state.ids[-1]})')}\n")


def _print_entries(arguments: argparse.Namespace, entries: tuple[Entry, ...], *, left_out: int) -> None:
    if left_out:
        print_beside(arguments, f"{left_out} earlier ones are left out: --most {left_out + len(entries)}\n")
    rows = [row for entry in entries for row in _rows(entry, is_table=arguments.output == Format.TABLE)]
    print_list(arguments, _COLUMNS, rows, none="nothing is known of it")


_COLUMNS: Final = ("at (UTC)", "what", "who", "property", "was", "is", "may", "case")


def _rows(entry: Entry, *, is_table: bool) -> list[tuple[str, ...]]:
    """Give a row for each property; in a table, what they share stands in the first."""
    who = f"{entry.who} ({entry.who_id})" if entry.who and entry.who_id else entry.who or entry.who_id
    shared = (f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.what, who)
    about = (entry.standing or entry.because[:SHOWN], entry.case)
    steps = [(leaf_shown(leaf), value_shown(old), value_shown(new)) for leaf, (old, new) in sorted(entry.steps.items())]
    if not entry.is_all:
        steps.append(("(more, which no record tells)", "", ""))
    first, *others = steps or [("", "", "")]
    again = ("", "", "") if is_table else shared
    return [(*shared, *first, *about), *((*again, *other, *(("", "") if is_table else about)) for other in others)]


def _diff(arguments: argparse.Namespace) -> int:
    runtime = runtime_from(arguments)
    shown = show(runtime, found_object(runtime, arguments.object))
    versions = [shown.state.origin, *shown.state.versions]
    at, to = _instant(arguments.at), _instant(arguments.to) if arguments.to else None
    before = _version(version_at(shown.state, at), at, versions)
    after = _version(version_at(shown.state, to), to, versions) if to else shown.seen
    found = differences(runtime.kinds[shown.state.id.kind].rules, before.leaves, after.leaves)
    _print_name(arguments, shown.state)
    columns = ("property", f"as read {before.at:%Y-%m-%d %H:%M:%S}", f"as read {after.at:%Y-%m-%d %H:%M:%S}")
    rows = [(leaf_shown(leaf), value_shown(old), value_shown(new)) for leaf, (old, new) in sorted(found.items())]
    print_list(arguments, columns, rows, none="nothing differs")
    return 0


def _instant(text: str) -> datetime:
    try:
        return since_from(text)
    except ValueError as error:
        raise CommandError(str(error)) from error


def _version(found: Version | None, at: datetime, versions: list[Version]) -> Version:
    if found is None:
        oldest = min(one.at for one in versions)
        raise CommandError(
            f"how it stood {at:%Y-%m-%d %H:%M:%S} UTC isn't kept: the oldest version is of {oldest:%Y-%m-%d %H:%M:%S}"
        )
    return found
