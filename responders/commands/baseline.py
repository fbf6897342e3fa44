"""`responder baseline`, `settle`, `leave`: what people accept of guarded objects, and what they decide of them."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from responders.commands.acts import ask, found_case, who_and_why
from responders.commands.connection import CommandError, add_settings_option, add_who_and_why
from responders.commands.stored_objects import (
    SHOWN,
    found_object,
    guarded_kinds,
    leaf_shown,
    runtime_from,
    value_shown,
)
from responders.commands.tables import add_output_option, is_json, print_beside, print_json, print_list, print_table
from shared.model.objects import WHOLE, ObjectId, Verdict
from shared.objects.object_store import ObjectList
from shared.respond.asking import Verb, asking_of
from shared.respond.persons import Answered, Result, Shown, accept, leave, reject, settle, show

if TYPE_CHECKING:
    from responders.commands import Subparsers
    from shared.respond.components import Runtime

_DIGEST: Final = 12
"""Characters of a digest that people see."""

_MOST_PENDING: Final = 1000

_CASE: Final = re.compile(r"\d{8}-[0-9a-f]{1,20}")
"""The id of a case, or its beginning; keys and ids of objects look otherwise."""


def add_parser(subparsers: "Subparsers") -> None:
    """Add the commands."""
    parser = subparsers.add_parser(
        "baseline", help="show how guarded objects are to be, and accept how they stand, so that it may be put back"
    )
    verbs = parser.add_subparsers(title="what to do", metavar="show|accept|reject|sign", required=True)
    shown = verbs.add_parser("show", help="list what nobody has accepted, or show one object with all that waits on it")
    shown.add_argument("object", nargs="?", metavar="OBJECT", help="its key")
    shown.add_argument("--all", action="store_true", help="list every guarded object, accepted ones too")
    shown.add_argument("--json", action="store_true", help="the list as JSON, which `accept --listing` takes")
    add_output_option(shown)
    add_settings_option(shown)
    shown.set_defaults(run=_show)
    accepted = verbs.add_parser("accept", help="accept objects as they were shown, each by its digest")
    accepted.add_argument("object", nargs="?", metavar="OBJECT", help="its key")
    accepted.add_argument("digest", nargs="?", metavar="DIGEST", help="what `responder baseline show` gave beside it")
    accepted.add_argument(
        "--listing", metavar="FILE", help="every object in what `responder baseline show --json` gave"
    )
    add_who_and_why(accepted, why="needed")
    add_settings_option(accepted)
    accepted.set_defaults(run=_accept)
    rejected = verbs.add_parser("reject", help="say that an object must not be accepted as it stands: people are paged")
    rejected.add_argument("object", metavar="OBJECT", help="its key")
    add_who_and_why(rejected, why="needed")
    add_settings_option(rejected)
    rejected.set_defaults(run=_reject)
    signed = verbs.add_parser(
        "sign", help="sign what was stored before the app had a key of its own (STATE_KEYS): once, before it has"
    )
    add_settings_option(signed)
    signed.set_defaults(run=_sign)
    _add_settle(subparsers)
    _add_leave(subparsers)


def _add_settle(subparsers: "Subparsers") -> None:
    parser = subparsers.add_parser(
        "settle", help="have put back what stood while people only watched or the kill switch was on"
    )
    parser.add_argument("object", nargs="?", metavar="OBJECT", help="its key; without one, list what there is")
    add_output_option(parser)
    add_who_and_why(parser, why="needed to settle")
    add_settings_option(parser)
    parser.set_defaults(run=_settle)


def _add_leave(subparsers: "Subparsers") -> None:
    parser = subparsers.add_parser("leave", help="leave what waits on an object as it stands: it isn't put back")
    parser.add_argument("object", metavar="OBJECT|CASE", help="its key, or the id of a case: then what that waits for")
    parser.add_argument("property", nargs="*", metavar="PROPERTY", help="only these; without one, all that waits")
    parser.add_argument("--yes", default="", metavar="DIGEST", help="of a case: do it, if it is still what was shown")
    add_who_and_why(parser, why="needed")
    add_settings_option(parser)
    parser.set_defaults(run=_leave)


def _show(arguments: argparse.Namespace) -> int:
    runtime = runtime_from(arguments)
    if arguments.object:
        _print_object(show(runtime, found_object(runtime, arguments.object)))
        return 0
    listed = [show(runtime, each) for each in _ids(runtime, every=arguments.all)]
    if is_json(arguments):
        print_json([Line(id=each.state.id, name=each.state.name, digest=each.seen.digest) for each in listed])
        return 0
    print_list(
        arguments,
        _COLUMNS,
        [_line(each) for each in listed],
        none="no object has been read so far" if arguments.all else "every object is accepted",
    )
    if listed and not arguments.all:
        print_beside(arguments, _TO_ACCEPT)
    return 0


_COLUMNS: Final = ("key", "name", "digest", "waits", "accepted", "kind")
_TO_ACCEPT: Final = (
    "\nto accept all of it: responder baseline show --json > baseline.json, read it, and then\n"
    "responder baseline accept --listing baseline.json --reason TICKET"
)


class Line(Struct, frozen=True, kw_only=True):
    """An object of a listing, by the digest of what was shown of it; "" where it doesn't exist."""

    id: ObjectId
    name: str
    digest: str


def _line(shown: Shown) -> tuple[str, ...]:
    state = shown.state
    accepted = max((one.at for one in state.acceptances), default=None)
    waits = ", ".join(sorted({one.verdict.value for one in shown.plan.verdicts.values()}))
    when = f"{accepted:%Y-%m-%d %H:%M}" if accepted else "no"
    return state.id.key, state.name[:SHOWN], shown.seen.digest[:_DIGEST] or "-", waits[:SHOWN], when, state.id.kind


def _print_object(shown: Shown) -> None:
    print(f"{shown.state.id.kind} {shown.state.name} ({shown.state.ids[-1]})")
    print(f"as read {shown.seen.at:%Y-%m-%d %H:%M:%S} UTC, digest {shown.seen.digest[:_DIGEST] or '-'}\n")
    names = sorted({*shown.seen.leaves, *shown.plan.baseline} - {WHOLE})
    rows: list[tuple[str, ...]] = []
    for leaf in names:
        agreed = shown.plan.baseline.get(leaf)
        verdict = shown.plan.verdicts.get(leaf)
        rows.append(
            (
                leaf_shown(leaf),
                value_shown(shown.seen.leaves.get(leaf)),
                value_shown(agreed.value if agreed else None),
                agreed.provenance if agreed else "",
                verdict.verdict if verdict else "",
            )
        )
    print_table(("property", "stands", "is to be", "because", "verdict"), rows, none="the object doesn't exist")


def _accept(arguments: argparse.Namespace) -> int:
    runtime = runtime_from(arguments)
    if arguments.listing:
        return _print_answers(
            [(line.name, _accept_one(runtime, line, arguments)) for line in _lines(arguments.listing)]
        )
    if not arguments.object or not arguments.digest:
        raise CommandError("name an object and its digest, or --listing FILE; `responder baseline show` gives both")
    shown = show(runtime, found_object(runtime, arguments.object))
    if (shown.seen.digest[:_DIGEST] or "-") != arguments.digest[:_DIGEST]:
        key = shown.state.id.key
        raise CommandError(f"{key} isn't as it was shown any more: `responder baseline show {key}`")
    line = Line(id=shown.state.id, name=shown.state.name, digest=shown.seen.digest)
    return _print_answers([(line.name, _accept_one(runtime, line, arguments))])


def _lines(path: str) -> list[Line]:
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=list[Line])
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise CommandError(f"{path} isn't what `responder baseline show --json` gives: {error}") from error


def _accept_one(runtime: "Runtime", line: Line, arguments: argparse.Namespace) -> Answered:
    by, reason = who_and_why(arguments)
    return accept(runtime, line.id, digest=line.digest, by=by, reason=reason)


def _reject(arguments: argparse.Namespace) -> int:
    runtime = runtime_from(arguments)
    object_id = found_object(runtime, arguments.object)
    by, reason = who_and_why(arguments)
    answered = reject(runtime, object_id, by=by, reason=reason)
    return _print_answers([(arguments.object, answered)])


def _sign(arguments: argparse.Namespace) -> int:
    runtime = runtime_from(arguments)
    if not runtime.settings.state_keys:
        raise CommandError("STATE_KEYS isn't set: export the secret state-keys of the app's vault")
    signed = sum(runtime.objects.sign_all(tenant_id, kind) for tenant_id, kind in guarded_kinds(runtime))
    print(f"{signed} rows are signed now as they stood; responder baseline show --all lists every object")
    return 0


def _settle(arguments: argparse.Namespace) -> int:
    runtime = runtime_from(arguments)
    if arguments.object:
        by, reason = who_and_why(arguments)
        object_id = found_object(runtime, arguments.object)
        return _print_answers([(arguments.object, settle(runtime, object_id, by=by, reason=reason))])
    waiting = [show(runtime, each) for each in _pending(runtime)]
    listed = [one for one in waiting if any(each.verdict is Verdict.LISTED for each in one.plan.verdicts.values())]
    print_list(arguments, _COLUMNS, [_line(each) for each in listed], none="nothing to settle")
    return 0


def _leave(arguments: argparse.Namespace) -> int:
    runtime = runtime_from(arguments)
    if _CASE.fullmatch(arguments.object):
        asking = asking_of(found_case(runtime, arguments.object), Verb.LEAVE)
        return ask(runtime, asking, arguments, f"responder leave {arguments.object}")
    by, reason = who_and_why(arguments)
    object_id = found_object(runtime, arguments.object)
    answered = leave(runtime, object_id, leaves=arguments.property, by=by, reason=reason)
    return _print_answers([(arguments.object, answered)])


def _print_answers(answers: Sequence[tuple[str, Answered]]) -> int:
    """Print what came of each; 1 where one wasn't done."""
    rows = [(name[:SHOWN], one.id.key, one.result, ", ".join(one.uncovered)) for name, one in answers]
    print_table(("name", "key", "result", "left out"), rows, none="nothing was listed")
    return 0 if all(one.result in {Result.DONE, Result.IN_PART} for _, one in answers) else 1


def _ids(runtime: "Runtime", *, every: bool) -> list[ObjectId]:
    wanted = [
        one.id
        for tenant_id, kind in guarded_kinds(runtime)
        for one in runtime.objects.seen(tenant_id, kind)
        if every or ObjectList.UNACCEPTED in one.lists
    ]
    return sorted(wanted)


def _pending(runtime: "Runtime") -> list[ObjectId]:
    return [
        one.id for tenant in runtime.settings.tenants for one in runtime.objects.pending(tenant.id, most=_MOST_PENDING)
    ]
