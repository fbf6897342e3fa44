"""`responder history` and `diff`: what a person reads of an object's past, and what a mistake says."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import pytest

from responders.cli import main
from shared.clients.storage_names import Container
from shared.model.kinds import Mode
from tests.fakes.clock import NOW
from tests.fakes.lamps import AT, LAMP, Lamps, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, Bench, bench, ready_bench

_MINUTE: Final = timedelta(minutes=1)

type _Run = Callable[..., tuple[int, str, str]]
type _Use = Callable[[Bench], Bench]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> _Run:
    def ran(*words: str) -> tuple[int, str, str]:
        status = main(words)
        output = capsys.readouterr()
        return status, output.out, output.err

    return ran


@pytest.fixture
def put_back(memory: MemoryStorage, use: _Use) -> Bench:
    """Give a lamp that somebody unapproved switched off, and that was switched on again."""
    made = use(ready_bench(memory))
    made.take_in(lamp_record())
    made.answer_queue()
    made.answer_until_closed()
    return made


def _lines(text: str, word: str) -> list[str]:
    return [line for line in text.splitlines() if word in line]


def test_who_did_what_and_what_was_put_back(put_back: Bench, run: _Run) -> None:
    status, text, errors = run("history", LAMP)
    assert (status, errors) == (0, "")
    name, nothing, *_ = text.splitlines()
    state = put_back.only_object()
    assert (name, nothing) == (f"{state.id.kind} {state.name} ({state.ids[-1]})", "")
    (changed,) = _lines(text, " changed ")
    assert "mallory" in changed
    assert "unapproved" in changed
    assert changed.split()[-5:] == ["state", "on", "off", "unapproved", put_back.only_case().id]
    assert f"{AT:%Y-%m-%d %H:%M:%S}" in changed
    (back,) = _lines(text, "put back by the responder")
    assert back.split()[-3:] == ["state", "off", "on"]
    (accepted,) = _lines(text, " accepted ")
    assert text.index(accepted) < text.index(changed) < text.index(back)


def test_the_newest_and_how_many_are_left_out(put_back: Bench, run: _Run) -> None:
    status, text, _ = run("history", put_back.only_object().ids[-1], "--most", "1")
    assert status == 0
    assert _lines(text, "put back by the responder")
    assert "3 earlier ones are left out: --most 4" in text
    assert not _lines(text, " changed ")


def test_all_of_it_as_json(put_back: Bench, run: _Run) -> None:
    _, text, _ = run("history", LAMP, "--json")
    past = json.loads(text)
    assert [one["what"] for one in past] == ["first read", "accepted", "changed", "put back by the responder"]
    assert past[2]["steps"] == {"state": ["on", "off"]}
    assert past[2]["case"] == put_back.only_case().id


def test_what_no_record_tells_is_said_to_be_nobodys(memory: MemoryStorage, use: _Use, run: _Run) -> None:
    lamps = Lamps()
    made = use(bench(memory, lamps=lamps))
    made.seed()
    made.sweep()
    lamps.state[LAMP] = "dim"
    made.clock.move(timedelta(hours=1))
    made.sweep()
    _, text, _ = run("history", LAMP)
    (found,) = _lines(text, "found so, and no record says by whom")
    assert found.split()[-3:] == ["state", "on", "dim"]


def test_what_stands_otherwise_than_the_record_says_is_said_to_be_nobodys(
    memory: MemoryStorage, use: _Use, run: _Run
) -> None:
    """Somebody switched it off, and somebody of whom no record tells has dimmed it since."""
    made = use(ready_bench(memory, mode=Mode.OBSERVE))
    made.take_in(lamp_record())
    made.lamps.state[LAMP] = "dim"
    made.answer_queue()
    _, text, _ = run("history", LAMP)
    assert _lines(text, " changed ")
    (found,) = _lines(text, "found so, and no record says by whom")
    assert found.split()[-3:] == ["state", "on", "dim"]


def test_a_version_that_was_removed_is_said_and_ends_with_1(memory: MemoryStorage, use: _Use, run: _Run) -> None:
    made = use(ready_bench(memory))
    for entry in memory.blobs(Container.SNAPSHOTS, TENANT):
        memory.delete_blob(Container.SNAPSHOTS, entry)
    use(bench(memory, lamps=made.lamps))
    status, text, _ = run("history", LAMP)
    assert status == 1
    assert "! the chain of versions is broken: " in text


def test_what_differs_between_two_times(memory: MemoryStorage, use: _Use, run: _Run) -> None:
    lamps = Lamps()
    made = use(bench(memory, lamps=lamps))
    made.seed()
    made.sweep()
    lamps.state[LAMP] = "dim"
    made.clock.move(timedelta(hours=1))
    made.sweep()
    status, text, _ = run("diff", LAMP, "--at", f"{NOW + _MINUTE:%Y-%m-%dT%H:%M}")
    assert status == 0
    (line,) = _lines(text, "state")
    assert line.split() == ["state", "on", "dim"]
    asked = ("--at", f"{NOW + _MINUTE:%Y-%m-%dT%H:%M}", "--to", f"{NOW + 2 * _MINUTE:%Y-%m-%dT%H:%M}")
    _, text, _ = run("diff", LAMP, *asked)
    assert "nothing differs" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("history", "nothing"), "no object has the key or id nothing; `responder baseline show --all` lists"),
        (("history", LAMP, "--most", "0"), "--most takes a number of entries, from 1"),
        (("diff", LAMP, "--at", "yesterday"), "'yesterday' is not a date: write 2027-01-31"),
        (("diff", LAMP, "--at", "2001-01-01"), "isn't kept: the oldest version is of "),
    ],
    ids=lambda given: given if isinstance(given, str) else " ".join(given[:1] + given[2:]),
)
def test_a_mistake_is_said_with_what_would_be_right(
    put_back: Bench, run: _Run, words: tuple[str, ...], message: str
) -> None:
    assert put_back
    status, _, errors = run(*words)
    assert status == (3 if message.startswith("no object") else 2)
    assert message in errors
