"""`responder journal`: who lowered or raised which guard, when and why; and what operators signed of it."""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from responders.commands.connection import CommandError, NotFound, add_settings_option, since_of, storage_from
from responders.commands.signing import add_key_options, signed_acts_from
from responders.commands.tables import add_output_option, escaped, escaped_json, print_beside, print_list
from responders.commands.waiting import waiting_for
from shared.authority import journal

if TYPE_CHECKING:
    from responders.commands import Subparsers
    from shared.authority.journal import Chain, Entry
    from shared.authority.signed_acts import SignedActs
    from shared.authority.signed_watch import Compared
    from shared.clients.storage import Storage

_SPOILT = 1
_HELP: Final = """\
Without words, or with a subject like kill-switch, it lists what was decided. Where operators are founded, also:
  responder journal waiting            acts that wait for the signature of a second operator
  responder journal sign DIGEST        read the text of one, and sign it (--key)
  responder journal adopt              sign what stands and was written before operators were founded (--key)
  responder journal verify             compare all lists with what was signed, and with what this laptop saw before
  responder journal rebuild            the same, and write again what is missing; nothing is deleted
verify ends with 1 where something isn't as it was signed."""


def add_parser(subparsers: "Subparsers") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "journal",
        help="list who lowered or raised which guard, when and why; sign, and verify what was signed",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "subject", nargs="*", metavar="SUBJECT", help="only about this, like kill-switch or mode ca-policy-updated"
    )
    parser.add_argument("--since", default="", metavar="DATE", help="only what was decided since then, in UTC")
    add_output_option(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line, whole")
    parser.add_argument(
        "--heads",
        type=Path,
        default=Path("entra-responder-heads.json"),
        metavar="FILE",
        help="with verify: what this laptop saw before; made where it isn't there (default: %(default)s)",
    )
    add_key_options(parser)
    add_settings_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    words = [*arguments.subject, ""]
    runs: dict[str, Callable[[argparse.Namespace], int]] = {
        "waiting": _waiting,
        "sign": _sign,
        "adopt": _adopt,
        "verify": _verify,
        "rebuild": _rebuild,
    }
    return runs.get(words[0], _list)(arguments)


# ---- what was decided ------------------------------------------------------------------------------------------------


def _list(arguments: argparse.Namespace) -> int:
    storage, subject = storage_from(arguments), " ".join(arguments.subject)
    since = since_of(arguments)
    with waiting_for("reading the journal"):
        chains = (journal.history(storage, subject),) if subject else journal.read_all(storage)
    signed = [entry for entry in journal.signed_entries(storage) if not subject or entry.act.subject == subject]
    entries = sorted((*(one for chain in chains for one in chain.entries), *signed), key=lambda entry: entry.act.when)
    if subject and not entries and not chains[0].problems:
        raise NotFound(f"nothing is in the journal of {subject!r}; `responder journal` lists every subject")
    entries = [entry for entry in entries if since is None or entry.act.when >= since]
    if arguments.json:
        for entry in entries:
            print(escaped_json(msgspec.json.encode({"entry": entry, "digest": entry.digest}).decode()))
    else:
        names = ("when (UTC)", "who", "what", "subject", "before", "after", "why")
        print_list(
            arguments,
            names,
            [_line(entry) for entry in entries],
            none="nothing was decided since then" if since else "nothing is in the journal",
            whole=[{"entry": entry, "digest": entry.digest} for entry in entries],
        )
    return _print_problems(arguments, chains)


def _print_problems(arguments: argparse.Namespace, chains: "tuple[Chain, ...]") -> int:
    problems = [f"{chain.subject}: {problem}" for chain in chains for problem in chain.problems]
    for problem in problems:
        print_beside(arguments, f"! {escaped(problem)}")
    return _SPOILT if problems else 0


def _line(entry: "Entry") -> tuple[str, ...]:
    act = entry.act
    when = f"{act.when:%Y-%m-%d %H:%M:%S}"
    return when, act.who, act.what, act.subject, _short(act.before), _short(act.after), act.why


def _short(value: Mapping[str, Any] | None) -> str:
    if value is None:
        return ""
    return " ".join(f"{name}={one if isinstance(one, str) else json.dumps(one)}" for name, one in value.items())[:60]


# ---- what operators sign ---------------------------------------------------------------------------------------------


def _acts(arguments: argparse.Namespace) -> "tuple[SignedActs, Storage]":
    storage = storage_from(arguments)
    return signed_acts_from(arguments, storage), storage


def _waiting(arguments: argparse.Namespace) -> int:
    acts, storage = _acts(arguments)
    rows = [
        (signed.digest[:12], f"{entry.act.when:%Y-%m-%d %H:%M}", entry.act.who, entry.act.subject, entry.act.why)
        for entry, signed in acts.waiting(storage)
    ]
    print_list(
        arguments, ("digest", "when (UTC)", "who", "subject", "why"), rows, none="nothing waits for a second operator"
    )
    return 0


def _sign(arguments: argparse.Namespace) -> int:
    digests = arguments.subject[1:]
    if not digests:
        raise CommandError("say which: `responder journal waiting` lists what waits, each with its digest")
    acts, storage = _acts(arguments)
    for digest in digests:
        entry = acts.sign(storage, digest)
        print(escaped(f"{entry.act.subject}: {entry.act.what} counts now"))
    return 0


def _adopt(arguments: argparse.Namespace) -> int:
    from shared.authority.adopting import adopt, standing  # noqa: PLC0415 - seldom, and signing loads much
    from shared.model.clock import utc_now  # noqa: PLC0415

    acts, storage = _acts(arguments)
    found = standing(storage, acts, now=utc_now())
    if not found:
        print("everything that stands is signed")
        return 0
    waiting = 0
    for one in found:
        counts = adopt(storage, acts, one, now=utc_now())
        waiting += not counts
        print(escaped(f"{'+' if counts else '?'} {one.subject}"))
    print(f"{len(found) - waiting} count now; {waiting} wait for a second operator: responder journal waiting")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from shared.authority.signed_watch import compare  # noqa: PLC0415 - seldom, and signing loads much

    acts, storage = _acts(arguments)
    with waiting_for("comparing what stands with what was signed"):
        compared = compare(acts, storage)
    return _report(arguments, compared)


def _rebuild(arguments: argparse.Namespace) -> int:
    from shared.authority.signed_watch import settle  # noqa: PLC0415 - seldom, and signing loads much

    acts, storage = _acts(arguments)
    compared = settle(acts, storage)
    print(
        f"written again: {len(compared.missing)} rows, {len(compared.unlisted)} entries of the journal,"
        f" {len(compared.uncarried)} of the evidence container"
    )
    return _report(arguments, compared)


def _report(arguments: argparse.Namespace, compared: "Compared") -> int:
    from shared.authority.signed_watch import heads_from, heads_json, older_than  # noqa: PLC0415 - as above

    path: Path = arguments.heads
    try:
        seen = heads_from(path.read_bytes()) if path.exists() else {}
    except (OSError, msgspec.DecodeError, UnicodeError) as error:
        raise CommandError(f"{path} can't be read as what this laptop saw before: {error}") from error
    gone = older_than(seen, compared)
    for problem in (*compared.problems, *gone):
        print(f"! {escaped(problem)}")
    count = sum(map(len, compared.entries.values()))
    print(f"{count} signed entries about {len(compared.entries)} subjects count")
    if gone:
        print(f"{path} was not changed: an older state was put back, or this is another installation")
        return _SPOILT
    try:
        path.write_bytes(heads_json({**seen, **compared.heads}) + b"\n")
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror}") from error
    print(f"{path} has what was seen; keep it on this laptop, and the next look finds it again")
    return _SPOILT if compared.problems else 0
