"""`responder lists`: what people have entered, as one file, and back into an installation that was made anew."""

import argparse
import shlex
import sys
from pathlib import Path

from responders.commands import Subparsers
from responders.commands.connection import CommandError, add_settings_option, person, storage_from
from responders.commands.signing import acts_from, add_key_options
from responders.commands.tables import escaped
from shared.authority.lists import Entry, Lists, Restored, lists_from, lists_json, read_lists, restore
from shared.model.clock import utc_now


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    lists = subparsers.add_parser(
        "lists", help="approvals, owners and modes as one file: `export` writes it, `import` enters what is missing"
    )
    does = lists.add_subparsers(metavar="WHAT", required=True)
    exports = does.add_parser("export", help="write them to FILE, or to the terminal")
    exports.add_argument("file", nargs="?", metavar="FILE", help="a file that isn't there yet")
    add_settings_option(exports)
    exports.set_defaults(run=_export)
    imports = does.add_parser(
        "import", help="enter approvals and owners of FILE that aren't there; modes are only shown"
    )
    imports.add_argument("file", metavar="FILE", help="what export wrote, or lists/DATE.json of the evidence account")
    imports.add_argument("--by", default=None, help="who enters it (default: the account you are logged in with)")
    add_key_options(imports)
    imports.add_argument("--what-if", action="store_true", help="change nothing, say what would be entered")
    add_settings_option(imports)
    imports.set_defaults(run=_import)


def _export(arguments: argparse.Namespace) -> int:
    found = read_lists(storage_from(arguments), now=utc_now())
    if not arguments.file:
        sys.stdout.write(lists_json(found).decode())
        return 0
    try:
        with Path(arguments.file).open("xb") as file:
            file.write(lists_json(found))
    except FileExistsError as error:
        raise CommandError(f"{arguments.file} is there already and isn't overwritten: name another file") from error
    except OSError as error:
        raise CommandError(f"{arguments.file} can't be written: {error.strerror}") from error
    print(f"{len(found.entries)} rows written to {arguments.file}")
    return 0


def _import(arguments: argparse.Namespace) -> int:
    lists = _read(arguments.file)
    print(f"as of {lists.taken:%Y-%m-%d %H:%M} UTC, {len(lists.entries)} rows")
    storage = storage_from(arguments)
    by = arguments.by or person()
    try:
        acts = acts_from(arguments, storage)
        _print(restore(storage, lists, by=by, clock=utc_now, acts=acts, dry=arguments.what_if))
    except ValueError as error:
        raise CommandError(str(error)) from error
    return 0


def _read(name: str) -> Lists:
    try:
        return lists_from(Path(name).read_bytes())
    except OSError as error:
        raise CommandError(f"{name} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise CommandError(f"{name} is not what `responder lists export` writes: {error}") from error


def _print(restored: Restored) -> None:
    for entry in restored.added:
        print(f"+ {_shown(entry)}")
    for entry in restored.present:
        print(f"  {_shown(entry)}: there already, left as it is")
    for entry, because in restored.refused:
        print(f"! {_shown(entry)}: not entered: {escaped(because)}")
    for entry in restored.waiting:
        print(f"? {_shown(entry)}: signed; it counts once a second operator has signed it: responder journal waiting")
    for entry in restored.by_hand:
        mode = escaped(str(entry.columns.get("mode")))
        print(f"? the mode of {escaped(entry.key)} was {mode}: where it should be so again, set it with")
        print(f"    responder mode {shlex.quote(escaped(entry.key))} {shlex.quote(mode)}")


def _shown(entry: Entry) -> str:
    return escaped(str(entry))
