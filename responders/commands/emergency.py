"""`responder emergency`: declare an emergency or a drill, go through its steps, close it, by requests that you sign."""

import argparse
import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from responders.commands.connection import CommandError, ExitStatus, NoAnswer, NotFound
from responders.commands.emergency_offline import OPERATOR_KEY, add_key, add_offline, batches, run_offline
from responders.commands.tables import add_output_option, add_report_option, escaped, is_json, print_beside, print_list
from shared.model.clock import utc_now

if TYPE_CHECKING:
    from responders.commands import Subparsers
    from shared.emergency.entries import Entry
    from shared.emergency.laptop import LaptopJournal
    from shared.emergency.signing import OperatorKey

_KEY: Final = "RESPONDER_EMERGENCY_KEY"
_APP: Final = "RESPONDER_APP"
_LOOKS: Final = 30
_LOOKS_IN_A_DRILL: Final = 150
"""Five minutes a step: evidence of a large tenant is exported in parts, one a minute."""
_LOOK_SECONDS: Final = 2.0
_INSTANCES: Final = 6
"""How often an app without storage is asked what it knows: each time another instance of it may answer."""

_NOT_FOUND: Final = 404
_WITHIN_SECONDS: Final = 230
"""As long as the platform lets a request run: a step answers when it is done."""

_HELP: Final = """\
Each request is signed with your operator's key (--key or RESPONDER_OPERATOR_KEY), and needs no sign-in. The emergency
key, which is kept with the sealed credential, is taken from RESPONDER_EMERGENCY_KEY, the app's address from --app or
RESPONDER_APP.

  responder emergency declare "Nobody can sign in" --hybrid --key KEY --app https://APP.azurewebsites.net
  responder emergency step 2            lets the app do its part
  responder emergency step 4 --done --note "Ticket 2603…"
  responder emergency confirm close DIGEST
  responder emergency drill             the same without writing anything, from the first step to the report

What the app answers is kept in folder emergency-journal (--journal FOLDER after `emergency`). While the app has no
storage, each request brings it, since another instance of the app may know nothing of it; and --offline goes on from
there where the app is gone. A laptop that knows nothing yet asks the app's instances; where none of them knows enough,
give it the file of one that does:

  responder emergency confirm close DIGEST --journal FILE"""


class Refusal(CommandError):
    """The app refused a request, with an HTTP status."""

    def __init__(self, message: str, *, status: int) -> None:
        self.status = status
        self.exit_status = _EXITS.get(status, ExitStatus.REFUSED if status < _OF_THE_APP else ExitStatus.UNREACHABLE)
        super().__init__(message)


_EXITS: Final = {400: ExitStatus.USAGE, 404: ExitStatus.NOT_FOUND}
_OF_THE_APP: Final = 500
"""Statuses from here on say that the app couldn't, not that it refused."""

type Send = Callable[[str, str, bytes, Mapping[str, str]], tuple[int, bytes]]
"""Sends a request, given method, address, body and headers; gives the status and the body of the answer."""


def add_parser(subparsers: "Subparsers") -> None:
    """Add the command with its own."""
    parser = subparsers.add_parser(
        "emergency",
        help="in an emergency: declare, show, step, close; drills; without the app",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    parser.set_defaults(run=_run_without_command)
    _add_reading(commands)
    _add_acts(commands)
    add_offline(parser, commands)


def _run_without_command(arguments: argparse.Namespace) -> int:
    if not arguments.offline:
        raise CommandError("say what to do: `responder emergency --help` lists it; --offline works without the app")
    return run_offline(arguments)


def _command(
    commands: "Subparsers", name: str, run: Callable[[argparse.Namespace], int], help_: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help_)
    parser.add_argument("--app", metavar="URL", default=os.environ.get(_APP, ""), help=f"the app (default: {_APP})")
    add_key(parser)
    parser.add_argument("--host", metavar="NAME", help="the app's own host name, if it isn't that of --app")
    parser.set_defaults(run=run)
    return parser


def _add_reading(commands: "Subparsers") -> None:
    add_output_option(_command(commands, "list", _list, "list emergencies and drills"))
    show = _command(commands, "show", _show, "show one, whole")
    add_report_option(show)
    _add_id(show)


def _add_id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--id", metavar="ID", default="", help="of the emergency (default: the one that is open)")
    parser.add_argument(
        "--journal",
        type=Path,
        dest="brought",
        metavar="FILE",
        help="what another laptop knows: a file of its emergency-journal, for an app without storage",
    )


def _add_acts(commands: "Subparsers") -> None:
    declare = _command(commands, "declare", _declare, "declare an emergency; everybody is paged")
    declare.add_argument("reason", metavar="REASON")
    declare.add_argument("--hybrid", action="store_true", help="domains are federated")
    declare.add_argument("--drill", action="store_true", help="a drill: nothing is written to the tenant")
    declare.add_argument("--account", action="append", default=[], metavar="ID", help="also watch this account")
    step = _command(commands, "step", _step, "run a step, or record what a person did")
    step.add_argument("number", type=int, metavar="N")
    what = step.add_mutually_exclusive_group()
    what.add_argument("--done", action="store_true", help="a person did it")
    what.add_argument("--skip", action="store_true", help="it is left out; --note says why")
    step.add_argument("--note", default="")
    step.add_argument("--again", metavar="REASON", default="", help="run it again though it is finished")
    acknowledge = _command(commands, "acknowledge", _acknowledge, "say that you have read the page")
    acknowledge.add_argument("--note", default="")
    announce = _command(commands, "announce", _announce, "announce the sign-in of an emergency account")
    announce.add_argument("account", metavar="ACCOUNT_ID")
    announce.add_argument("--minutes", type=int, default=60)
    ask = _command(commands, "ask", _ask, "ask for what a step proposes; a second operator confirms it")
    ask.add_argument("what", choices=("federation", "federation-back"))
    ask.add_argument("digest", metavar="DIGEST")
    confirm = _command(commands, "confirm", _confirm, "agree, as the second operator, to what another one asked for")
    confirm.add_argument("what", choices=("federation", "federation-back", "close"))
    confirm.add_argument("digest", metavar="DIGEST")
    extend = _command(commands, "extend", _extend, "let it last longer, from now")
    extend.add_argument("hours", type=float, metavar="HOURS")
    extend.add_argument("--reason", required=True)
    close = _command(commands, "close", _close, "ask for closing it; a drill is closed")
    close.add_argument("--summary", required=True)
    close.add_argument("--left", default="", metavar="WHY", help="close it though something isn't taken back")
    drill = _command(commands, "drill", _drill, "go through every step as a drill, and close it")
    drill.add_argument("--hybrid", action="store_true", help="domains are federated")
    for parser in (step, acknowledge, announce, ask, confirm, extend, close):
        _add_id(parser)


class App:
    """The app, as an operator's requests reach it.

    What it answers about an emergency is kept in `journal`. As long as it has no storage, its instances know nothing of
    each other, so what is kept goes with each request.
    """

    def __init__(  # noqa: PLR0917 - one for each thing that is named on the command line
        self,
        url: str,
        host: str,
        key: "OperatorKey",
        emergency_key: str,
        journal: "LaptopJournal",
        send: Send,
        *,
        wait: Callable[[float], None] | None = None,
    ) -> None:
        self._wait = wait or time.sleep
        self._url = url.rstrip("/")
        self._host = host
        self._key = key
        self._emergency_key = emergency_key
        self._journal = journal
        self._brought = set[str]()
        self._send = send

    def ask(
        self, method: str, path: str, body: Mapping[str, object] | None = None, *, entries: "tuple[Entry, ...]" = ()
    ) -> dict[str, Any]:
        """Send a request, and the entries that it brings; gives the answer.

        Raises:
            CommandError: nothing answers.
            Refusal: it is refused; the text says what would be right.
        """
        from shared.emergency.asking import PATH, joined, journal_of  # noqa: PLC0415 - only where it is needed
        from shared.emergency.signing import sign_request_for  # noqa: PLC0415

        brought = {"journal": journal_of(entries)} if entries else {}
        first = b"" if body is None else msgspec.json.encode({**body, **brought})
        target = f"{PATH}{path}"
        headers = sign_request_for(
            self._host, self._key, method, target, first, emergency_key=self._emergency_key, now=utc_now()
        )
        raw = joined(first, entries) if entries else first
        lines = {"Content-Type": "application/x-ndjson"} if entries else {}
        status, answer = self._send(method, f"{self._url}{target}", raw, headers | lines)
        try:
            said = msgspec.json.decode(answer, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            said = {"detail": "what answered isn't the app"}
        if status >= 300:  # noqa: PLR2004 - HTTP's own number
            detail = escaped(str(said.get("detail", "")))
            raise Refusal(f"{detail} (the app answered {status})", status=status)
        self._keep(said)
        return said

    def _keep(self, said: Mapping[str, Any]) -> None:
        """Keep the entries of an answer. Where that fails people are told, and go on."""
        from shared.emergency.entries import Entry  # noqa: PLC0415 - only where it is needed
        from shared.emergency.laptop import BadJournal  # noqa: PLC0415

        if not said.get("entries"):
            return
        try:
            self._journal.keep(str(said["id"]), msgspec.convert(said["entries"], tuple[Entry, ...]))
        except (BadJournal, msgspec.ValidationError) as error:
            print(f"What the app answered can't be kept on this computer: {escaped(str(error))}", file=sys.stderr)

    def find(self, wanted: str) -> "tuple[str, tuple[Entry, ...]]":
        """Give the wanted emergency, or else the one that is open, with what a request about it is to bring.

        An emergency comes before a drill. As long as the app has its storage, nothing is brought but a file that was
        named.
        """
        listed = self.ask("GET", "")
        has_storage = listed["newest"] is not None
        found = sorted(listed["open"], key=lambda one: bool(one.get("drill")))
        emergency = wanted or (str(found[0]["id"]) if found else "")
        if has_storage and emergency not in self._brought:
            if not emergency:
                raise NotFound("no emergency is open; `responder emergency list` lists those there were")
            return emergency, ()
        emergency = emergency or self._journal.newest_open(utc_now())
        if not emergency or not self._journal.entries(emergency):
            emergency = self._learned(emergency)
        return emergency, self._journal.entries(emergency)

    def take_in(self, file: Path) -> str:
        """Keep what another laptop's journal has, and give the emergency's id. Raises CommandError, BadJournal."""
        from shared.emergency.laptop import read_journal  # noqa: PLC0415 - only where it is needed

        read = read_journal(file)
        ids = sorted({entry.emergency for entry in read.entries})
        if len(ids) != 1:
            raise CommandError(f"{file} should have entries of one emergency: it has them of {len(ids)}")
        self._journal.keep(ids[0], read.entries)
        self._brought.add(ids[0])
        for number in read.broken:
            print(f"Line {number} of {file} can't be read, and was left out.", file=sys.stderr)
        return ids[0]

    def file_of(self, emergency: str) -> Path:
        """Give the file that another laptop needs where the app has no storage."""
        return self._journal.path(emergency)

    def _learned(self, wanted: str) -> str:
        """Ask an app without storage until an instance knows the wanted emergency, or one that is open; keep that.

        Raises:
            CommandError: none does; the text says where it is to be had.
        """
        for _ in range(_INSTANCES):
            emergency = wanted or next((str(one["id"]) for one in self.ask("GET", "")["open"]), "")
            if emergency and self._read(emergency) is not None:
                return emergency
        name = f"{wanted}.ndjson" if wanted else "the newest file that ends in .ndjson"
        raise CommandError(
            "The app has no storage, and neither it nor this laptop knows the emergency: get"
            f" {name} in folder emergency-journal from the laptop on which it was declared, and add --journal FILE"
        )

    def knowing(self, emergency: str, digest: str) -> dict[str, Any] | None:
        """Ask an app without storage until an instance knows what was asked for by a digest; None where none does."""
        for _ in range(_INSTANCES):
            said = self._read(emergency)
            if said is not None and _was_asked_for(said, digest):
                return said
        return None

    def _read(self, emergency: str) -> dict[str, Any] | None:
        """Read an emergency; None where the instance that answers doesn't know it."""
        try:
            return self.ask("GET", f"/{emergency}")
        except Refusal as refusal:
            if refusal.status != _NOT_FOUND:
                raise
            return None

    def show(self, wanted: str) -> dict[str, Any]:
        """Give an emergency, whole."""
        emergency, entries = self.find(wanted)
        if entries:
            return self._send_all(emergency, "journal", {}, entries)
        return self.ask("GET", f"/{emergency}")

    def act(self, arguments: argparse.Namespace, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Send what acts on an emergency, under an id of its own, so that sending it again does nothing twice."""
        emergency, entries = self.find(arguments.id)
        return self._send_all(emergency, path, {**body, "entry": secrets.token_hex(16)}, entries)

    def ended(self, said: dict[str, Any], *, number: int = 0, looks: int = _LOOKS) -> dict[str, Any]:
        """Wait for steps that still run, because the app's timer has them, and show how they ended.

        Waits for all of them, or for one, where its `number` is given; after `looks`, two seconds apart, no longer.
        """
        for _ in range(looks):
            if all(step["state"] != "running" for step in said["steps"] if number in {0, step["number"]}):
                break
            self._wait(_LOOK_SECONDS)
            said = self.show(str(said["id"]))
        return said

    def _send_all(
        self, emergency: str, path: str, body: Mapping[str, object], entries: "tuple[Entry, ...]"
    ) -> dict[str, Any]:
        """Send a request with entries; what doesn't go into one request goes before it."""
        *before, last = [*batches(entries)] or [()]
        for batch in before:
            self.ask("POST", f"/{emergency}/journal", {}, entries=batch)
        return self.ask("POST", f"/{emergency}/{path}", body, entries=last)


def app_from(arguments: argparse.Namespace, *, send: Send | None = None) -> App:
    """Give the app that is named.

    Raises:
        CommandError: the app, the key or the emergency key isn't named.
    """
    from shared.emergency.laptop import LaptopJournal  # noqa: PLC0415 - only where it is needed
    from shared.emergency.signing import read_key  # noqa: PLC0415

    emergency_key = os.environ.get(_KEY, "")
    missing = [
        what
        for what, value in (
            (f"the app's address: --app URL or {_APP}", arguments.app),
            (f"your operator's key: --key FILE or {OPERATOR_KEY}", arguments.key),
            (f"the emergency key: {_KEY}", emergency_key),
        )
        if not value
    ]
    if missing:
        raise CommandError(f"name {'; '.join(missing)}")
    host: str = arguments.host or urlsplit(str(arguments.app)).netloc
    journal = LaptopJournal(arguments.journal)
    return App(arguments.app, host, read_key(arguments.key), emergency_key, journal, send or _send)


def _brought(arguments: argparse.Namespace) -> App:
    """Give the app, once what another laptop's journal has was kept here. Raises CommandError."""
    app = app_from(arguments)
    if arguments.brought is not None:
        brought = app.take_in(arguments.brought)
        if arguments.id not in {"", brought}:
            raise CommandError(f"{arguments.brought} is of the emergency {brought}, and --id names {arguments.id}")
        arguments.id = brought
    return app


def _was_asked_for(said: Mapping[str, Any], digest: str) -> bool:
    return any(one["digest"] == digest for one in said["agreements"])


def _send(method: str, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
    import httpx  # noqa: PLC0415 - only where it is needed

    try:
        answer = httpx.request(method, url, content=body, headers=dict(headers), timeout=_WITHIN_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoAnswer(
            f"{urlsplit(url).netloc} gave no answer ({type(error).__name__}); --offline works without the app"
        ) from None
    return answer.status_code, answer.content


# ---- commands --------------------------------------------------------------------------------------------------------


def _list(arguments: argparse.Namespace) -> int:
    said = app_from(arguments).ask("GET", "")
    is_open = {one["id"] for one in said["open"]}
    newest = said["newest"]
    if newest is None:
        print_beside(arguments, "What was before can't be read: storage doesn't answer.")
    lines = [
        (str(one["id"]), "drill" if one.get("drill") else "emergency", str(one.get("declared_at", "")), "")
        for one in newest or said["open"]
    ]
    print_list(
        arguments,
        ("id", "what", "declared", "state"),
        [(*line[:3], "open" if line[0] in is_open else "closed") for line in lines],
        none="no emergency and no drill",
    )
    return 0


def _show(arguments: argparse.Namespace) -> int:
    said = _brought(arguments).show(arguments.id)
    if is_json(arguments):
        print(escaped(msgspec.json.encode(said).decode()))
        return 0
    _print(said)
    return 0


def _declare(arguments: argparse.Namespace) -> int:
    body = {
        "reason": arguments.reason,
        "hybrid": arguments.hybrid,
        "drill": arguments.drill,
        "privileged_accounts": arguments.account,
        "entry": secrets.token_hex(16),
    }
    _print(app_from(arguments).ask("POST", "", body))
    return 0


def _step(arguments: argparse.Namespace) -> int:
    action = "done" if arguments.done else "skip" if arguments.skip else "run"
    body: dict[str, object] = {"action": action, "note": arguments.note}
    if arguments.again:
        body |= {"force": True, "reason": arguments.again}
    app = _brought(arguments)
    said = app.ended(app.act(arguments, f"steps/{arguments.number}", body))
    _print(said, only=arguments.number)
    states = [one["state"] for one in said["steps"] if one["number"] == arguments.number]
    return 1 if "failed" in states else 0


def _acknowledge(arguments: argparse.Namespace) -> int:
    body = {"over": "responder emergency", "note": arguments.note}
    _print(_brought(arguments).act(arguments, "acknowledge", body), only=1)
    return 0


def _announce(arguments: argparse.Namespace) -> int:
    body = {"account": arguments.account, "minutes": arguments.minutes}
    _brought(arguments).act(arguments, "announce", body)
    print("It is announced. The sign-in is paged all the same, as announced.")
    return 0


def _ask(arguments: argparse.Namespace) -> int:
    app = _brought(arguments)
    said = app.act(arguments, "ask", {"what": arguments.what, "digest": arguments.digest})
    _print_waiting(said)
    _print_file(app, said)
    return 0


def _confirm(arguments: argparse.Namespace) -> int:
    app = _brought(arguments)
    found = app.show(arguments.id)
    arguments.id = str(found["id"])
    if found["unstored"] and not _was_asked_for(found, arguments.digest):
        found = app.knowing(arguments.id, arguments.digest)
        if found is None:
            raise CommandError(
                "The app has no storage, and neither it nor this laptop knows what was asked for by this digest: get"
                f" {app.file_of(arguments.id).name} in folder emergency-journal from the laptop of whoever asked, and"
                " add --journal FILE"
            )
    text = next((one["text"] for one in found["waiting"] if one["digest"] == arguments.digest), "")
    if text:
        print(f"You agree to:\n{_lines(text)}")
    _print(app.ended(app.act(arguments, "confirm", {"what": arguments.what, "digest": arguments.digest})))
    return 0


def _extend(arguments: argparse.Namespace) -> int:
    until = utc_now() + timedelta(hours=arguments.hours)
    said = _brought(arguments).act(arguments, "extend", {"until": until.isoformat(), "reason": arguments.reason})
    print(f"It lasts until {said['expires_at']}.")
    return 0


def _close(arguments: argparse.Namespace) -> int:
    app = _brought(arguments)
    said = app.act(arguments, "close", {"summary": arguments.summary, "left": arguments.left})
    if said["closed_at"]:
        print("It is closed.")
    else:
        _print_waiting(said)
        _print_file(app, said)
    return 0


def _drill(arguments: argparse.Namespace) -> int:
    """Declare a drill, run every step, close it; say of each step at once how it ended and how long it took."""
    return drill(app_from(arguments), is_hybrid=arguments.hybrid)


def drill(app: App, *, is_hybrid: bool) -> int:
    """Go through a drill of a hybrid tenant, or one that isn't; gives 1 where a step failed or runs still.

    Raises CommandError.
    """
    body = {"reason": "A drill", "hybrid": is_hybrid, "drill": True, "entry": secrets.token_hex(16)}
    said = app.ask("POST", "", body)
    emergency = str(said["id"])
    entry = secrets.token_hex(16)
    said = app.ask("POST", f"/{emergency}/acknowledge", {"over": "responder emergency drill", "entry": entry})
    for number in [int(step["number"]) for step in said["steps"]]:
        if _step_of(said, number)["state"] == "pending":
            path = f"/{emergency}/steps/{number}"
            said = app.ask("POST", path, {"action": "run", "entry": secrets.token_hex(16)})
        said = app.ended(said, number=number, looks=_LOOKS_IN_A_DRILL)
        _print_drilled(_step_of(said, number))
    states = [str(one["state"]) for one in said["steps"]]
    summary = f"Every step was tried: {states.count('failed')} failed, {states.count('blocked')} blocked."
    if "running" in states:
        summary = f"{summary} {states.count('running')} had not ended."
    closed = app.ask("POST", f"/{emergency}/close", {"summary": summary, "entry": secrets.token_hex(16)})
    print(f"The drill {emergency} is closed. {summary}")
    _print_kept(closed)
    return 1 if {"failed", "running"} & {*states} else 0


def _step_of(said: Mapping[str, Any], number: int) -> Mapping[str, Any]:
    return next(one for one in said["steps"] if one["number"] == number)


def _print_drilled(step: Mapping[str, Any]) -> None:
    """Print how a step of a drill ended, as soon as it has; where it couldn't be done, why."""
    took = step["took_seconds"]
    seconds = "" if took is None else f"{took:.1f} s"
    print(f"{seconds:>8}  {step['number']}. {escaped(step['title'])}: {step['state']}", flush=True)
    if step["state"] in {"blocked", "failed"}:
        for one in step["findings"]:
            if one["answer"] in {"wrong", "unknown"}:
                print(f"{'':>8}     {escaped(one['about'])}: {escaped(_first_line(one['text']))}", flush=True)


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0]


def _print_kept(said: Mapping[str, Any]) -> None:
    """Print where the report and the evidence of a closed emergency lie, and how they are checked."""
    acts = [entry["act"] for entry in said["entries"]]
    kept = [one for act in acts if act["type"] == "closed" for one in act["report"]]
    if not kept:
        print("Its report could not be written: see the app's log.")
        return
    print("In the evidence container:")
    for one in kept:
        if one["blob"].endswith((".html", ".md")):
            print(f"  report    {escaped(one['blob'])}")
    print(f"  evidence  emergencies/{said['id']}/, the reports among it")
    print(f"Check it: responder evidence verify {said['id']} --head {kept[-1]['sha256']}")


def _print(said: Mapping[str, Any], *, only: int = 0) -> None:
    """Print an emergency: what to do next, each step, what was found; of one step alone, where `only` names it."""
    kind = "Drill" if said["drill"] else "Emergency"
    print(f"{kind} {said['id']}, declared by {escaped(said['declared_by'])}: {escaped(said['reason'])}")
    for step in said["steps"]:
        if only not in {0, step["number"]}:
            continue
        print(f"  {step['number']}. {escaped(step['title'])}: {step['state']}")
        for one in step["findings"]:
            todo = f" → {one['what_to_do']}" if one["what_to_do"] else ""
            new = " (new)" if one["is_new"] else ""
            print(f"     {one['answer']}{new}: {escaped(one['about'])}: {escaped(one['text'])}{escaped(todo)}")
        for one in step["proposals"]:
            print(f"     To ask for this: responder emergency ask {one['what']} {one['digest']}")
            print(_lines(one["text"]))
    _print_waiting(said)
    if said["unstored"]:
        print(f"{said['unstored']} entries aren't stored yet: the app goes on with them and stores them later.")
    if said["next"]:
        print(f"Next: {escaped(said['next'])}")


def _print_waiting(said: Mapping[str, Any]) -> None:
    """Print what waits for a second operator, in full, and the command by which he confirms it."""
    for one in said["waiting"]:
        until = datetime.fromisoformat(one["until"])
        command = f"responder emergency confirm {one['what']} {one['digest']}"
        print(f"Another operator than {escaped(one['asked_name'])}, by {until:%H:%M} UTC: {command}")
        print(_lines(one["text"]))


def _print_file(app: App, said: Mapping[str, Any]) -> None:
    """Print what the second operator needs where the app has no storage."""
    if said["waiting"] and said["unstored"]:
        file = app.file_of(str(said["id"]))
        print(f"The app has no storage: send {file} to whoever confirms, for --journal FILE behind that command.")


def _lines(text: str) -> str:
    """Write a text of several lines so that each is seen to be of it, and none passes for the command's own."""
    return "\n".join(f"     | {escaped(line)}" for line in text.split("\n"))
