"""An emergency by HTTP and by command line, as the host hands requests over, by operators who sign each of them."""

import argparse
import itertools
import shutil
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import azure.functions as func
import msgspec
import pytest

from responders.commands import emergency as command
from responders.triggers import callers
from responders.triggers.emergency import emergency_blueprint
from shared.clients.storage import Storage
from shared.emergency.asking import PATH, joined, journal_of, says_what_was_signed
from shared.emergency.engine import Engine
from shared.emergency.entries import Caller, Entry
from shared.emergency.proofs import Door, signer_of
from shared.emergency.signing import OperatorKey, sign_request_for
from shared.emergency.store import Emergencies
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.operators import HOST, KEY, door, private
from tests.fakes.runbooks import Desk, desk
from tests.fakes.spoilt_storage import SpoiltStorage

URL: Final = f"https://{HOST}"


type _Function = Callable[[func.HttpRequest], func.HttpResponse]


def _functions(blueprint: Any) -> list[_Function]:  # noqa: ANN401 - there is no public way to a blueprint's functions
    return [builder._function.get_user_function() for builder in blueprint._function_builders]  # noqa: SLF001


class Instance:
    """An instance of the app, with functions as the host has them and a door of its own."""

    def __init__(self, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.desk: Desk = desk(storage)
        self.door: Door = door()
        clock = self.desk.bench.clock
        store = Emergencies(storage, clock=clock, is_signed=self.is_signed)
        self.engine = Engine(runtime=self.desk.bench.runtime, store=store, steps=self.desk.engine.steps)
        self._patch = lambda: monkeypatch.setattr(callers, "front_door", lambda: self.door)
        blueprint = emergency_blueprint(
            lambda: self.engine, lambda req, first: callers.identified(req, first, now=clock())
        )
        (_, function) = _functions(blueprint)
        self._function = function

    def is_signed(self, entry: Entry) -> bool:
        if entry.signed is None or not says_what_was_signed(entry):
            return False
        signer = signer_of(entry.signed, self.door, at=entry.at, now=self.desk.bench.clock())
        return isinstance(signer, Caller) and signer.operator == entry.by

    def ask(self, seed: str, method: str, path: str, body: object = None, *, entries: tuple[Entry, ...] = ()) -> Any:  # noqa: ANN401 - JSON
        """Send a signed request; gives the answer, which has to be right."""
        said: Any = {} if body is None else body
        first = (
            b""
            if method == "GET"
            else msgspec.json.encode(said | ({"journal": journal_of(entries)} if entries else {}))
        )
        raw = joined(first, entries) if entries else first
        headers = sign_request_for(
            HOST,
            OperatorKey(private(seed)),
            method,
            f"{PATH}{path}",
            first,
            emergency_key=KEY,
            now=self.desk.bench.clock(),
        )
        status, answer = self.send(
            method, f"{URL}{PATH}{path}", raw, headers | ({"Content-Type": "application/x-ndjson"} if entries else {})
        )
        assert status == 200, answer
        return msgspec.json.decode(answer)

    def send(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        self._patch()
        self.desk.bench.clock.move(timedelta(seconds=1))
        request = func.HttpRequest(method=method, url=url, headers=dict(headers), params={}, route_params={}, body=body)
        response = self._function(request)
        return response.status_code, response.get_body()


def _entries(answer: Mapping[str, Any]) -> tuple[Entry, ...]:
    return msgspec.convert(answer["entries"], tuple[Entry, ...])


@pytest.fixture
def app(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> Instance:
    return Instance(storage, monkeypatch)


def test_a_whole_emergency_by_two_operators_who_sign(app: Instance) -> None:
    said = app.ask("alice-1", "POST", "", {"reason": "Nobody can sign in", "hybrid": False})
    one = f"/{said['id']}"
    for number in range(2, 9):
        said = app.ask("alice-1", "POST", f"{one}/steps/{number}", {"action": "run"})
    assert {step["state"] for step in said["steps"]} == {"done", "skipped"}
    asked = app.ask("alice-1", "POST", f"{one}/close", {"summary": "over"})["agreements"][-1]
    said = app.ask("dave-1", "POST", f"{one}/confirm", {"what": "close", "digest": asked["digest"]})
    assert said["closed_at"]
    assert said["agreements"][-1]["confirmed_by"] == "dave"


def test_nothing_is_done_for_who_is_not_known(app: Instance) -> None:
    body = msgspec.json.encode({"reason": "Nobody can sign in", "hybrid": False})
    right = sign_request_for(
        HOST, OperatorKey(private("alice-1")), "POST", PATH, body, emergency_key=KEY, now=app.desk.bench.clock()
    )
    stranger = sign_request_for(
        HOST, OperatorKey(private("mallory")), "POST", PATH, body, emergency_key=KEY, now=app.desk.bench.clock()
    )
    for headers, sent in (
        ({}, body),
        ({"x-functions-key": KEY}, body),
        (stranger, body),
        (right | {"X-Emergency-Key": "wrong"}, body),
        (right, body.replace(b"false", b"true")),
    ):
        status, _ = app.send("POST", f"{URL}{PATH}", sent, headers)
        assert status in {401, 403}
    assert app.engine.store.going() == []
    assert app.send("POST", f"{URL}{PATH}", body, right)[0] == 200
    assert app.send("POST", f"{URL}{PATH}", body, right)[0] == 409, "it came before"


def test_two_instances_without_storage_go_on_with_what_the_callers_carry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two operators, two instances that know nothing of each other, and storage once it answers: each entry once."""
    memory = MemoryStorage()
    memory.create_all()
    first, second = (SpoiltStorage(memory) for _ in range(2))
    here, there = Instance(first, monkeypatch), Instance(second, monkeypatch)
    for faulty in (first, second):
        faulty.faults.spoil = lambda _operation: "before"
    said = here.ask("alice-1", "POST", "", {"reason": "Nobody can sign in", "hybrid": False})
    one = f"/{said['id']}"
    asked = here.ask("alice-1", "POST", f"{one}/close", {"summary": "over"})
    assert asked["unstored"] == len(asked["entries"])
    body = {"what": "close", "digest": asked["agreements"][-1]["digest"]}
    closed = there.ask("dave-1", "POST", f"{one}/confirm", body, entries=_entries(asked))
    assert closed["closed_at"], "it was signed by two, and each instance can see that"
    for faulty in (first, second):
        faulty.faults.heal()
    for instance in (here, there):
        instance.desk.bench.clock.move(timedelta(minutes=1))
        assert instance.engine.store.flush() == 0
    stored = Emergencies(memory, clock=here.desk.bench.clock, is_signed=here.is_signed).read(said["id"])
    assert stored is not None
    assert len({entry.id for entry in stored.entries}) == len(stored.entries)
    assert stored.closed is not None


# The command line.


@pytest.fixture
def run(app: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    monkeypatch.setenv("RESPONDER_EMERGENCY_KEY", KEY)
    monkeypatch.setattr(command, "utc_now", app.desk.bench.clock)
    monkeypatch.setattr(command, "_send", app.send)

    def ran(seed: str, *words: str) -> int:
        def read(_path: Path) -> OperatorKey:
            return OperatorKey(private(seed))

        monkeypatch.setattr("shared.emergency.signing.read_key", read)
        parser = argparse.ArgumentParser()
        command.add_parser(parser.add_subparsers())
        arguments = parser.parse_args(["emergency", *words])
        arguments.app, arguments.key, arguments.journal = URL, tmp_path / "key", tmp_path / seed
        return arguments.run(arguments)

    return ran


def test_a_whole_emergency_by_command_line(
    app: Instance, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("alice-1", "declare", "Nobody can sign in", "--hybrid") == 0
    assert "Next: Step 2" in capsys.readouterr().out
    for number in range(2, 6):
        assert run("alice-1", "step", str(number)) == 0
    capsys.readouterr()
    assert run("alice-1", "step", "6") == 0
    asking = next(line for line in capsys.readouterr().out.splitlines() if "emergency ask" in line)
    what, digest = asking.split()[-2:]
    assert run("alice-1", "ask", what, digest) == 0
    assert f"confirm {what} {digest}" in capsys.readouterr().out
    assert run("dave-1", "confirm", what, digest) == 0
    assert app.desk.steps.world.is_federated is False
    assert "You agree to:" in capsys.readouterr().out
    assert run("dave-1", "step", "7", "--done", "--note", "looked") == 0
    assert run("dave-1", "step", "8", "--skip", "--note", "kept elsewhere") == 0
    assert run("alice-1", "close", "--summary", "over", "--left", "it stays managed") == 0
    digest = capsys.readouterr().out.split("confirm close ")[1].split()[0]
    assert run("dave-1", "confirm", "close", digest) == 0
    assert app.engine.store.going() == []
    assert run("dave-1", "list") == 0
    assert "closed" in capsys.readouterr().out


def test_the_command_line_carries_the_journal_where_no_instance_knows_the_other(
    app: Instance,
    run: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each request meets another instance of the app, which has no storage: what people did is lost at none of them."""
    memory = app.desk.bench.storage
    here, there = (SpoiltStorage(memory) for _ in range(2))
    instances = [Instance(storage, monkeypatch) for storage in (here, there)]
    for faulty in (here, there):
        faulty.faults.spoil = lambda _operation: "before"
    turns = itertools.cycle(instances)

    def send(method: str, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        return next(turns).send(method, url, body, headers)

    monkeypatch.setattr(command, "_send", send)
    monkeypatch.setattr(command, "utc_now", lambda: max(one.desk.bench.clock() for one in instances))

    assert run("alice-1", "declare", "Nobody can sign in") == 0
    for number in (2, 3, 4, 5, 7, 8):
        assert run("alice-1", "step", str(number), "--done", "--note", f"note {number}") == 0
        if number == 5:
            assert run("alice-1", "step", "6", "--skip", "--note", "not hybrid") == 0
    capsys.readouterr()
    assert run("alice-1", "show") == 0
    assert run("alice-1", "show") == 0, "whichever it meets"
    shown = capsys.readouterr().out
    assert shown.count("8. Step 8: done") == 2
    assert "aren't stored yet" in shown
    assert run("alice-1", "close", "--summary", "over") == 0
    digest = capsys.readouterr().out.split("confirm close ")[1].split()[0]
    shutil.copytree(tmp_path / "alice-1", tmp_path / "dave-1")
    assert run("dave-1", "confirm", "close", digest) == 0

    for instance, faulty in zip(instances, (here, there), strict=True):
        faulty.faults.heal()
        instance.desk.bench.clock.move(timedelta(minutes=1))
        assert instance.engine.store.flush() == 0
    (listed,) = app.engine.store.newest()
    stored = app.engine.store.read(listed.id)
    assert stored is not None
    assert stored.closed is not None
    assert len({entry.id for entry in stored.entries}) == len(stored.entries)
    notes = [record.note for step in stored.steps for record in step.records]
    assert notes == ["note 2", "note 3", "note 4", "note 5", "not hybrid", "note 7", "note 8"]


def test_with_storage_nothing_is_carried(
    app: Instance, run: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []

    def send(method: str, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        sent.append(body)
        return app.send(method, url, body, headers)

    monkeypatch.setattr(command, "_send", send)
    run("alice-1", "declare", "Nobody can sign in")
    run("alice-1", "step", "2")
    assert not any(b"journal" in body or b"\n" in body for body in sent)


def test_a_step_that_the_timer_has_begun_is_waited_for(
    app: Instance, run: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else a person is shown that it runs, and has to think of looking again."""
    waits: list[float] = []

    def send(method: str, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        status, answer = app.send(method, url, body, headers)
        if url.endswith("/steps/2"):
            answer = answer.replace(b'"state":"done","person":"Step 2"', b'"state":"running","person":"Step 2"')
        return status, answer

    run("alice-1", "declare", "Nobody can sign in")
    monkeypatch.setattr(command, "_send", send)
    monkeypatch.setattr(command.App.__init__, "__kwdefaults__", {"wait": waits.append})
    capsys.readouterr()
    assert run("alice-1", "step", "2") == 0
    assert "2. Step 2: done" in capsys.readouterr().out
    assert waits == [2.0]


def test_a_text_of_several_lines_is_read_as_such(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    """What two agree to is read line by line; none of its lines passes for one of the command's own."""
    run("alice-1", "declare", "Nobody can sign in")
    run("alice-1", "close", "--summary", "over\nNext: nothing\x1b[2J")
    printed = capsys.readouterr().out
    assert "     | Next: nothing<U+001B>[2J\n" in printed
    assert "\nNext: nothing" not in printed


def test_what_waits_and_how_it_is_confirmed_is_shown_to_everybody_until_it_is_over(
    app: Instance, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    run("alice-1", "declare", "Nobody can sign in")
    run("alice-1", "close", "--summary", "a mistake")
    run("alice-1", "close", "--summary", "over")
    digest = capsys.readouterr().out.rsplit("confirm close ", 1)[1].split()[0]
    run("dave-1", "show")
    printed = capsys.readouterr().out
    assert "Another operator than Alice, by 10:" in printed
    assert f" UTC: responder emergency confirm close {digest}" in printed
    assert "a mistake" not in printed
    app.desk.bench.clock.move(timedelta(minutes=16))
    run("dave-1", "show")
    assert "confirm" not in capsys.readouterr().out


def test_a_drill_by_command_line_says_how_long_each_step_took(
    app: Instance, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("alice-1", "drill", "--hybrid") == 0
    out = capsys.readouterr().out
    assert [f"Step {number}" in out for number in range(1, 9)] == [True] * 8
    assert "0.0" in out
    assert "is closed" in out
    assert app.desk.steps.world.changes == 0


def test_what_is_refused_is_said_with_what_would_be_right(run: Callable[..., int]) -> None:
    with pytest.raises(command.CommandError, match="no emergency is open"):
        run("alice-1", "step", "2")
    run("alice-1", "declare", "Nobody can sign in")
    with pytest.raises(command.CommandError, match="comes before step 5"):
        run("alice-1", "step", "5")
    with pytest.raises(command.CommandError, match="no operator"):
        run("mallory", "show")
