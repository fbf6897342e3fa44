"""Two operators, each at a laptop of his own, and an app without storage whose instances know nothing of each other."""

import argparse
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from responders.commands import emergency
from responders.commands.connection import CommandError
from shared.clients.storage_names import Table
from shared.emergency.asking import says_what_was_signed
from shared.emergency.engine import Engine
from shared.emergency.entries import Caller, Entry
from shared.emergency.laptop import BadJournal, read_journal
from shared.emergency.proofs import caller_of, signed_request_of, signer_of
from shared.emergency.routes import Asked, Identified, NotIdentified, respond
from shared.emergency.signed_requests import Request
from shared.emergency.signing import OperatorKey
from shared.emergency.state import Emergency
from shared.emergency.store import Emergencies
from tests.fakes.clock import FakeClock
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.operators import HOST, KEY, door, private
from tests.fakes.runbooks import Steps
from tests.fakes.runtime import bench
from tests.fakes.spoilt_storage import SpoiltStorage


class _Instance:
    """One instance of the app: warm, and with what it was told in its memory."""

    def __init__(self, memory: MemoryStorage, clock: FakeClock, steps: Steps) -> None:
        self.storage = SpoiltStorage(memory)
        self.door = door()
        self.clock = clock
        store = Emergencies(self.storage, clock=clock, is_signed=self._is_signed)
        self.engine = Engine(runtime=bench(self.storage, clock=clock).runtime, store=store, steps=steps.declared())

    def _is_signed(self, entry: Entry) -> bool:
        if entry.signed is None or not says_what_was_signed(entry):
            return False
        signer = signer_of(entry.signed, self.door, at=entry.at, now=self.clock())
        return isinstance(signer, Caller) and (signer.operator, signer.name) == (entry.by, entry.name)

    def send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        def identify(first: bytes) -> Identified | NotIdentified:
            request = Request(method=method, url=path, headers=headers, body=first)
            caller = caller_of(request, self.door, now=self.clock())
            if isinstance(caller, Caller):
                return Identified(caller=caller, signed=signed_request_of(request))
            return NotIdentified(status=caller.status, detail=caller.detail)

        reply = respond(self.engine, Asked(method=method, path=path, headers=headers, body=body), identify)
        return reply.status, reply.body


class _There:
    """The app's two instances, and what answers: `next` names who answers the next requests, the last one goes on."""

    def __init__(self, folder: Path) -> None:
        self.memory = MemoryStorage()
        self.memory.create_all()
        self.clock = FakeClock()
        self.steps = Steps()
        self.instances = [_Instance(self.memory, self.clock, self.steps) for _ in range(2)]
        self.folder = folder
        self.next: list[int] = [0]
        self.answered: Counter[int] = Counter()
        self.cut_off()

    def cut_off(self) -> None:
        for one in self.instances:
            one.storage.faults.spoil = lambda _operation: "before"

    def bring_storage_back(self) -> None:
        for one in self.instances:
            one.storage.faults.heal()
        self.clock.wait(120)

    def send(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        number = self.next[0] if len(self.next) == 1 else self.next.pop(0)
        self.answered[number] += 1
        return self.instances[number].send(method, urlsplit(url).path, body, headers)

    def does(self, who: str, *words: str, at: int | None = None) -> int:
        """Have an operator run `responder emergency …` on his laptop; instance `at` answers all of it."""
        if at is not None:
            self.next = [at]
        self.clock.wait(1)
        parser = argparse.ArgumentParser(prog="responder")
        emergency.add_parser(parser.add_subparsers())
        journal = ("--journal", str(self.laptop(who)))
        app = ("--app", f"https://{HOST}", "--key", f"{who}-1")
        arguments = parser.parse_args(["emergency", *journal, words[0], *app, *words[1:]])
        status: int = arguments.run(arguments)
        return status

    def laptop(self, who: str) -> Path:
        return self.folder / who

    def file(self, who: str) -> Path:
        (file,) = self.laptop(who).glob("*.ndjson")
        return file

    def emergency(self, at: int) -> Emergency:
        found = self.instances[at].engine.store.read(self.file("alice").stem)
        assert found is not None
        return found


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _There:
    there = _There(tmp_path)
    monkeypatch.setenv("RESPONDER_EMERGENCY_KEY", KEY)
    monkeypatch.setattr(emergency, "_send", there.send)
    monkeypatch.setattr(emergency, "utc_now", there.clock)
    monkeypatch.setattr("shared.emergency.signing.read_key", _key_named)
    return there


def _key_named(path: Path) -> OperatorKey:
    return OperatorKey(private(str(path)))


def _asked(there: _There) -> str:
    """Alice declares an emergency and asks for closing it, all at the first instance; gives the digest."""
    there.does("alice", "declare", "Nobody gets a token", at=0)
    there.does("alice", "close", "--summary", "Tokens are back")
    (waiting,) = there.emergency(0).waiting(there.clock())
    return waiting.digest


def test_a_second_laptop_learns_from_the_instance_that_knows(there: _There) -> None:
    """Each request may come to either: the list to the one that knows, the emergency to the other, and so on."""
    digest = _asked(there)
    there.next = [1, 1, 0, 1, 0, 0, 1]
    there.does("dave", "confirm", "close", digest)
    assert there.emergency(1).closed is not None
    assert read_journal(there.file("dave")).entries


def test_without_an_instance_that_knows_it_is_said_what_is_lacking(
    there: _There, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = _asked(there)
    assert f"send {there.file('alice')} to whoever confirms" in capsys.readouterr().out
    with pytest.raises(CommandError, match=r"knows the emergency: get the newest file .* add --journal FILE"):
        there.does("dave", "confirm", "close", digest, at=1)
    assert there.answered[1] <= 8, "it asks a few times, and then a person goes on"
    assert not list(there.laptop("dave").glob("*"))


def test_the_journals_file_is_enough_and_counts_once(there: _There) -> None:
    digest = _asked(there)
    file = str(there.file("alice"))
    there.does("dave", "confirm", "close", digest, "--journal", file, at=1)
    closed = there.emergency(1)
    assert closed.closed is not None
    with pytest.raises(CommandError, match="answered 409"):
        there.does("dave", "confirm", "close", digest, "--journal", file, at=1)
    assert there.emergency(1).entries == closed.entries
    lines = there.file("dave").read_bytes().splitlines()
    assert len(lines) == len(read_journal(there.file("dave")).entries), "no line is there twice"


def test_what_two_laptops_bring_is_in_storage_once(there: _There) -> None:
    digest = _asked(there)
    there.does("dave", "confirm", "close", digest, "--journal", str(there.file("alice")), at=1)
    there.bring_storage_back()
    for who, at in (("alice", 0), ("dave", 1), ("dave", 0)):
        there.does(who, "show", "--journal", str(there.file("dave")), at=at)
    for one in there.instances:
        one.engine.store.flush()
    rows = there.memory.rows(Table.EMERGENCIES, "PartitionKey eq @it", it="emergencies")
    ids = [row.key.split("-")[1] for row in rows if row.key.startswith(f"{there.file('alice').stem}-")]
    assert len(ids) == len(set(ids)) == len(there.emergency(0).entries)
    assert there.emergency(0).closed is not None


def test_what_a_second_laptop_knows_may_be_older_than_what_was_asked(there: _There) -> None:
    """He was handed the file before the other one asked: the instance that knows is asked, or the newer file given."""
    there.does("alice", "declare", "Nobody gets a token", at=0)
    old = there.folder / there.file("alice").name
    old.write_bytes(there.file("alice").read_bytes())
    there.does("alice", "close", "--summary", "Tokens are back")
    (waiting,) = there.emergency(0).waiting(there.clock())
    confirm = ("confirm", "close", waiting.digest)
    with pytest.raises(CommandError, match=r"knows what was asked for by this digest: get .*ndjson .*--journal FILE"):
        there.does("dave", *confirm, "--journal", str(old), at=1)
    there.next = [1, 1, 1, 0, 1]
    there.does("dave", *confirm)
    assert there.emergency(1).closed is not None


def test_a_file_is_taken_though_storage_is_back(there: _There) -> None:
    digest = _asked(there)
    for one in there.instances:
        one.storage.faults.heal()
    there.does("dave", "confirm", "close", digest, "--journal", str(there.file("alice")), at=1)
    assert there.emergency(1).closed is not None


def test_files_that_are_none_are_refused_and_nothing_is_sent(there: _There) -> None:
    digest = _asked(there)
    sent = there.answered.total()
    empty, two = there.folder / "empty.ndjson", there.folder / "two.ndjson"
    empty.write_bytes(b"{}\n")
    line = next(one for one in there.file("alice").read_bytes().splitlines() if b'"declared"' in one)
    two.write_bytes(line + b"\n" + line.replace(there.file("alice").stem.encode(), b"a" * 32) + b"\n")
    for file, why in ((empty, "of 0"), (two, "of 2"), (there.folder / "missing", "can't be read")):
        with pytest.raises((CommandError, BadJournal), match=why):
            there.does("dave", "confirm", "close", digest, "--journal", str(file))
    with pytest.raises(CommandError, match="--id names"):
        there.does("dave", "confirm", "close", digest, "--journal", str(there.file("alice")), "--id", "b" * 32)
    assert there.answered.total() == sent
